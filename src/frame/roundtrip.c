/* roundtrip.c - a message there and back. */
#include "weft/roundtrip.h"

#include <stdlib.h>
#include <string.h>

#include "weft/clock.h"
#include "weft/mem.h"

static int left(int64_t until)
{
    int64_t ms = until - weft_milliseconds();
    return ms > 0 ? (int)ms : 0;
}

/* Waits for one kind of event until then. */
static int await(struct weft_socket *s, enum weft_socket_event event, struct weft_received *r, int64_t until, const char *what, struct weft_err *e)
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

static int give(struct weft_socket *s, const struct weft_peer *to, const void *p, size_t n, int64_t until, struct weft_err *e)
{
    int got = weft_socket_send(s, to, p, n, left(until), e);
    return got < 0 ? -1 : got == 0 ? weft_fail(e, WEFT_PEER, "nothing could be sent within the time allowed") : 0;
}

int weft_roundtrip(const char *endpoint, const struct weft_socket_opts *listener, const struct weft_socket_opts *other, size_t n, int timeout_ms, double *ms,
                   struct weft_err *e)
{
    struct weft_socket *here = NULL, *there = NULL;
    struct weft_received r;
    struct weft_peer none = {0};
    uint8_t *message = weft_xmalloc(n + 1);
    int64_t until = weft_milliseconds() + timeout_ms;
    double began = weft_seconds();
    for (size_t i = 0; i < n; i++)
        message[i] = (uint8_t)(i * 131);
    int rc = weft_socket_open(endpoint, listener, &here, e);
    if (rc == 0)
        rc = weft_socket_open(weft_socket_address(here), other, &there, e);
    if (rc == 0)
        rc = await(there, WEFT_SOCKET_CONNECTED, &r, until, "no connection", e);
    if (rc == 0)
        rc = give(there, &none, message, n, until, e);
    if (rc == 0)
        rc = await(here, WEFT_SOCKET_MESSAGE, &r, until, "nothing arrived", e);
    if (rc == 0)
        rc = give(here, &r.from, r.p, r.n, until, e);
    if (rc == 0)
        rc = await(there, WEFT_SOCKET_MESSAGE, &r, until, "nothing came back", e);
    if (rc == 0 && (r.n != n || memcmp(r.p, message, n) != 0))
        rc = weft_fail(e, WEFT_PEER, "another message came back than was sent");
    *ms = (weft_seconds() - began) * 1e3;
    weft_socket_close(&there, 0);
    weft_socket_close(&here, 0);
    free(message);
    return rc;
}
