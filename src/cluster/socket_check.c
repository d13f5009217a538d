/* socket_check.c - key files, and a message there and back. */
#include "cluster/socket_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

enum { TIME_LIMIT_MS = 3000, MESSAGE_BYTES = 100000, ROOM = 512 };

/* --- a message there and back --- */

static int left(int64_t until)
{
    int64_t ms = until - weft_milliseconds();
    return ms > 0 ? (int)ms : 0;
}

/* Waits for one kind of event until then. */
static int await(struct weft_socket *s, enum weft_socket_event event, struct weft_received *r, int64_t until,
                 const char *what, struct weft_err *e)
{
    for (;;) {
        int got = weft_socket_receive(s, r, left(until), e);
        if (got < 0)
            return -1;
        if (got == 0)
            return weft_fail(e, WEFT_PEER, "%s within the time allowed", what);
        if (r->event == event)
            return 0;
    }
}

static int give(struct weft_socket *s, const struct weft_peer *to, const void *p, size_t n, int64_t until,
                struct weft_err *e)
{
    int got = weft_socket_send(s, to, p, n, left(until), e);
    if (got == 0)
        return weft_fail(e, WEFT_PEER, "nothing could be sent within the time allowed");
    return got < 0 ? -1 : 0;
}

/* Listens at `endpoint` (bind+...), connects to it, and sends a message there and back. *ms: how long it took. 69 when
 * nothing came back, or the error of the socket. */
static int there_and_back(const char *endpoint, const struct weft_socket_opts *o, double *ms, struct weft_err *e)
{
    struct weft_socket *here = NULL, *there = NULL;
    struct weft_received r;
    struct weft_peer none = {0};
    uint8_t *message = weft_xmalloc(MESSAGE_BYTES);
    int64_t until = weft_milliseconds() + TIME_LIMIT_MS;
    double began = weft_seconds();
    for (size_t i = 0; i < MESSAGE_BYTES; i++)
        message[i] = (uint8_t)(i * 131);
    int rc = weft_socket_open(endpoint, o, &here, e);
    if (rc == 0)
        rc = weft_socket_open(weft_socket_address(here), o, &there, e);
    if (rc == 0)
        rc = await(there, WEFT_SOCKET_CONNECTED, &r, until, "no connection", e);
    if (rc == 0)
        rc = give(there, &none, message, MESSAGE_BYTES, until, e);
    if (rc == 0)
        rc = await(here, WEFT_SOCKET_MESSAGE, &r, until, "nothing arrived", e);
    if (rc == 0)
        rc = give(here, &r.from, r.p, r.n, until, e);
    if (rc == 0)
        rc = await(there, WEFT_SOCKET_MESSAGE, &r, until, "nothing came back", e);
    if (rc == 0 && (r.n != MESSAGE_BYTES || memcmp(r.p, message, MESSAGE_BYTES) != 0))
        rc = weft_fail(e, WEFT_PEER, "another message came back than was sent");
    *ms = (weft_seconds() - began) * 1e3;
    weft_socket_close(&there, 0);
    weft_socket_close(&here, 0);
    free(message);
    return rc;
}

static void round_trip(struct weft_checklist *c, const char *check, const char *endpoint, const char *key,
                       const char *peers)
{
    const struct weft_socket_opts o = {
        .key = key, .peer_keys = peers, .timeout_ms = TIME_LIMIT_MS, .high_water = 4, .message_max = 1 << 20};
    struct weft_err e = {0};
    double ms = 0;
    if (there_and_back(endpoint, &o, &ms, &e) == 0)
        weft_check(c, WEFT_CHECK_OK, check, NULL, "%d bytes there and back in %.1f ms", MESSAGE_BYTES, ms);
    else
        weft_check(c, WEFT_CHECK_FAIL, check,
                   *e.hint ? e.hint
                           : "is the loopback interface up (ip link set lo up), or does a sandbox forbid sockets? "
                             "Pipes and files work without",
                   "%s", e.what);
}

/* --- key files --- */

/* A regular file that can be read, or a line that says why not. */
static bool readable(struct weft_checklist *c, const char *check, const char *path, bool secret)
{
    struct stat st;
    char hint[ROOM];
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || access(path, R_OK) < 0) {
        weft_check(c, WEFT_CHECK_FAIL, check, "weft keygen NAME makes NAME.key and NAME.pub",
                   "%s is no file that can be read", path);
        return false;
    }
    snprintf(hint, sizeof hint, "chmod 600 %.400s", path);
    if (secret && (st.st_mode & 077))
        weft_check(c, WEFT_CHECK_WARN, check, hint, "others on this machine may read or change %s", path);
    return true;
}

/* Is the pair in this file good? */
static bool own_key(struct weft_checklist *c, const char *path)
{
    struct weft_key_file k;
    struct weft_err e = {0};
    if (!readable(c, "key", path, true))
        return false;
    if (weft_key_file_read(path, &k, &e) < 0 || !k.pair || !k.fits) {
        weft_check(c, WEFT_CHECK_FAIL, "key", "weft keygen NAME makes NAME.key and NAME.pub", "%s holds %s", path,
                   k.pair ? "a public and a secret key that do not belong together" : "no key pair");
        return false;
    }
    weft_check(c, WEFT_CHECK_OK, "key", NULL, "%s holds a key pair; its public half is %s", path, k.public_key);
    return true;
}

static void peer_keys(struct weft_checklist *c, const char *path)
{
    struct weft_key_file k;
    struct weft_err e = {0};
    if (!readable(c, "peer keys", path, false))
        return;
    bool good = weft_key_file_read(path, &k, &e) == 0 && k.public_keys > 0;
    bool secret = good && k.pair;
    weft_check(c,
               !good    ? WEFT_CHECK_FAIL
               : secret ? WEFT_CHECK_WARN
                        : WEFT_CHECK_OK,
               "peer keys",
               !good    ? "put the others' NAME.pub into it, one a line (cat *.pub)"
               : secret ? "give the others' NAME.pub instead: secret keys stay with their owners"
                        : NULL,
               "%s holds %zu public key%s%s", path, good ? k.public_keys : 0, good && k.public_keys == 1 ? "" : "s",
               secret ? ", and a secret one" : "");
}

/* --- sockets --- */

/* Writes a text into a new file that is ours alone. */
static int write_file(const char *path, const char *text, struct weft_err *e)
{
    FILE *f = fopen(path, "we");
    bool good = f && fchmod(fileno(f), 0600) == 0 && fputs(text, f) >= 0;
    good &= f && fclose(f) == 0;
    return good ? 0 : weft_fail_errno(e, WEFT_CANTCREAT, "can't write %s", path);
}

/* own: a key file of the user, or NULL. A file of peers holds our own public key: we talk to ourselves. */
static void encrypted(struct weft_checklist *c, const char *key, const char *peers, const char *own)
{
    char text[256], public_key[41], secret_key[41];
    struct weft_key_file k;
    struct weft_err e = {0};
    int rc = weft_keypair(public_key, secret_key, &e);
    snprintf(text, sizeof text, "public: %s\nsecret: %s\n", public_key, secret_key);
    rc = rc == 0 ? write_file(key, text, &e) : rc;
    if (rc == 0 && own && weft_key_file_read(own, &k, &e) == 0)
        snprintf(public_key, sizeof public_key, "%s", k.public_key);
    snprintf(text, sizeof text, "%s\n", public_key);
    rc = rc == 0 ? write_file(peers, text, &e) : rc;
    if (rc < 0)
        weft_check(c, WEFT_CHECK_FAIL, "socket, encrypted TCP", NULL, "%s", e.what);
    else
        round_trip(c, own ? "socket, encrypted TCP with this key" : "socket, encrypted TCP", "bind+tcp://127.0.0.1:*",
                   own ? own : key, peers);
}

static void sockets(struct weft_checklist *c, const char *own)
{
    static const char *const names[] = {"socket", "key", "peers"};
    char dir[ROOM], path[3][ROOM], ipc[ROOM];
    snprintf(dir, sizeof dir, "%.60s/weft-doctor-XXXXXX",
             strlen(weft_temporary_place()) < 60 ? weft_temporary_place() : "/tmp"); /* sockets have short names */
    if (!mkdtemp(dir)) {
        weft_check(c, WEFT_CHECK_FAIL, "sockets", "set TMPDIR to a directory that can be written",
                   "not tried: no directory for them can be made in %s", weft_temporary_place());
        return;
    }
    for (size_t i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%.100s/%s", dir, names[i]);
    snprintf(ipc, sizeof ipc, "bind+ipc://%.200s", path[0]);
    round_trip(c, "socket, ipc", ipc, NULL, NULL);
    round_trip(c, "socket, loopback TCP", "bind+tcp://127.0.0.1:*", NULL, NULL);
    if (weft_socket_has_curve())
        encrypted(c, path[1], path[2], own);
    for (size_t i = 0; i < 3; i++)
        unlink(path[i]);
    rmdir(dir);
}

void weft_check_sockets(const struct weft_socket_opts *o, struct weft_checklist *c)
{
    bool own = o->key && own_key(c, o->key);
    if (o->peer_keys)
        peer_keys(c, o->peer_keys);
    if (!o->key != !o->peer_keys)
        weft_check(c, WEFT_CHECK_WARN, "keys", "give both: who we are, and who may talk to us", "--%s alone",
                   o->key ? "key" : "peer-keys");
    sockets(c, own ? o->key : NULL);
}
