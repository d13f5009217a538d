/* socket.h - ZeroMQ sockets with every silent default answered (libzmq drops, queues and retries without a word; see
 * schemas/protocol.md).
 *
 * An endpoint is tcp://HOST:PORT or ipc://PATH (connects) or bind+tcp://HOST:PORT, bind+ipc://PATH (listens; HOST may
 * be *). Who listens is a ROUTER and may have many peers; who connects is a DEALER and has one. Messages are single
 * byte strings. */
#ifndef WEFT_SOCKET_H
#define WEFT_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Does this endpoint name a socket (and not a file)? */
bool weft_socket_endpoint(const char *endpoint);

struct weft_socket_opts {
    const char *key;       /* file with our key pair (keygen), or NULL: no encryption */
    const char *peer_keys; /* file with the public keys of those who may talk to us, one a line; who connects takes the
                              first as the listener's */
    bool insecure;         /* allow plain TCP beyond the loopback interface */
    int timeout_ms;        /* a peer that is silent for so long is gone (ZMTP heartbeats every third of it) */
    int high_water;        /* messages queued per peer and direction before a sender waits */
    size_t message_max;    /* larger ones end the connection they came from */
};

/* A peer of a listening socket: its routing id, made by libzmq. Who connects has the one peer with n == 0. */
struct weft_peer {
    uint8_t id[16];
    uint8_t n;
};
bool weft_peer_same(const struct weft_peer *a, const struct weft_peer *b);

struct weft_socket;
int weft_socket_open(const char *endpoint, const struct weft_socket_opts *o, struct weft_socket **out,
                     struct weft_err *e) WEFT_MUST_USE;
bool weft_socket_listens(const struct weft_socket *s);
/* The endpoint as bound ("tcp://127.0.0.1:40123" after bind+tcp://127.0.0.1:*). */
const char *weft_socket_address(const struct weft_socket *s);

/* Sends n bytes to a peer. 1: taken; 0: its queue stayed full for timeout_ms (0: do not wait; -1: for ever); -1: error,
 * 69 when the peer is gone. */
int weft_socket_send(struct weft_socket *s, const struct weft_peer *to, const void *p, size_t n, int timeout_ms,
                     struct weft_err *e) WEFT_MUST_USE;

enum weft_socket_event {
    WEFT_SOCKET_MESSAGE = 1, /* p, n and from are set; bytes are valid until the next receive */
    WEFT_SOCKET_GONE,        /* the connection of `from` ended, who had said something; who connects: ours ended */
    WEFT_SOCKET_CONNECTED    /* who connects: handshake done */
};
struct weft_received {
    enum weft_socket_event event;
    struct weft_peer from;
    const uint8_t *p;
    size_t n;
};
/* 1: *r filled; 0: nothing within timeout_ms (-1: for ever); -1: error: 77 when our key was refused or the listener's
 * is another (who connects), 75 when a signal came. A listener that refuses somebody says so through `refused`
 * (weft_socket_refused) and goes on. */
int weft_socket_receive(struct weft_socket *s, struct weft_received *r, int timeout_ms,
                        struct weft_err *e) WEFT_MUST_USE;
/* The next GONE or CONNECTED, in their order, even when messages wait in front of it: 1, 0 when there is none, -1 as
 * weft_socket_receive. */
int weft_socket_news(struct weft_socket *s, struct weft_received *r, struct weft_err *e) WEFT_MUST_USE;
/* Waits until the socket may have something (then receive with timeout 0 until it gives 0), one of n other descriptors
 * is ready (revents, as poll), or timeout_ms passed. -1: 75 when a signal came. */
struct pollfd;
int weft_socket_poll(struct weft_socket *s, struct pollfd *fds, size_t n, int timeout_ms,
                     struct weft_err *e) WEFT_MUST_USE;
/* How many handshakes a listener has refused so far. */
uint64_t weft_socket_refused(const struct weft_socket *s);
/* Drops the connection state kept for a peer that will not be spoken to again. */
void weft_socket_forget(struct weft_socket *s, const struct weft_peer *peer);
/* Sends what is queued (at most linger_ms) and closes. */
void weft_socket_close(struct weft_socket **s, int linger_ms);

/* A new key pair as two Z85 texts of 40 characters + NUL. */
int weft_keypair(char public_key[41], char secret_key[41], struct weft_err *e) WEFT_MUST_USE;

/* What a key file holds. */
struct weft_key_file {
    bool pair;           /* a public and a secret key */
    bool fits;           /* and they belong together */
    size_t public_keys;  /* that --peer-keys would find in it */
    char public_key[41]; /* of the pair */
};
int weft_key_file_read(const char *path, struct weft_key_file *out, struct weft_err *e) WEFT_MUST_USE;

/* "4.3.4, with CURVE" */
const char *weft_socket_library(char *buf, size_t cap);
bool weft_socket_has_curve(void);

#endif
