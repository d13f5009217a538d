/* wire.c - a stream over a ZeroMQ socket. */
#include "frame/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/stop.h"
#include "frame/pack.h"

enum { TICK_MS = 200, LINGER_MS = 2000 };

/* --- control messages: maps of one entry, {"hello": role}, {"go": true}, {"no": reason}, {"done": true} --- */

static int send_control(struct weft_socket *s, const struct weft_peer *to, const char *key, const char *text,
                        struct weft_err *e)
{
    struct weft_pack b = {0};
    weft_pack_map(&b, 1);
    weft_pack_cstr(&b, key);
    if (text)
        weft_pack_cstr(&b, text);
    else
        weft_pack_bool(&b, true);
    int rc = weft_socket_send(s, to, b.p, b.n, LINGER_MS, e);
    weft_pack_free(&b);
    return rc < 0 ? -1 : 0;
}

/* Is the message the control map with this first key? *v: its value. */
static bool is_control(const struct weft_received *m, const char *key, struct weft_value *v)
{
    struct weft_walker w = {0};
    if (m->event != WEFT_SOCKET_MESSAGE || weft_walk(&w, m->p, m->n, m->n, NULL) != 1 || w.off != m->n)
        return false;
    return weft_map_find((struct weft_span){m->p, m->n}, key, v);
}

static int nobody(const struct weft_socket *s, int wait_ms, struct weft_err *e)
{
    uint64_t refused = weft_socket_refused(s);
    weft_fail(e, WEFT_PEER, "nobody came to %s within %d s%s", weft_socket_address(s), wait_ms / 1000,
              refused ? ", but for strangers" : "");
    return weft_fail_hint(e, refused ? "the other side's public key must be in --peer-keys"
                                     : "start the other side, or give it more time with --wait");
}

static int said_no(const struct weft_value *v, const struct weft_socket *s, struct weft_err *e)
{
    return weft_fail(e, WEFT_PEER, "refused by %s: %.*s", weft_socket_address(s),
                     (int)(v->body.n < 200 ? v->body.n : 200), (const char *)v->body.p);
}

/* Who connects: hello, then go or no. */
static int greet(struct weft_socket *s, const char *role, int wait_ms, struct weft_err *e)
{
    struct weft_peer none = {.n = 0};
    struct weft_received m;
    struct weft_value v;
    int64_t until = weft_milliseconds() + wait_ms;
    bool connected = false, sent = false, go = false;
    while (weft_milliseconds() < until) {
        int got = weft_socket_receive(s, &m, TICK_MS, e);
        if (got < 0 || weft_stop_check(e) < 0)
            return -1;
        if (got && is_control(&m, "no", &v))
            return said_no(&v, s, e);
        go = go || (got && is_control(&m, "go", &v));
        /* Before go nothing is lost when a connection ends: libzmq makes another one, and hello is said again. */
        for (; got > 0; got = weft_socket_news(s, &m, e)) {
            if (m.event == WEFT_SOCKET_GONE)
                connected = sent = go = false;
            if (m.event == WEFT_SOCKET_CONNECTED)
                connected = true;
        }
        if (got < 0)
            return -1;
        if (go)
            return 0;
        if (connected && !sent && send_control(s, &none, "hello", role, e) < 0)
            return -1;
        sent = connected;
    }
    return nobody(s, wait_ms, e);
}

/* --- reader --- */

struct producer {
    struct weft_peer peer;
    bool heard, done, gone; /* heard: something came behind its hello */
};

struct weft_wire_reader {
    struct weft_socket *socket;
    struct weft_wire_opts opts;
    struct producer *at;
    int n, done;
    struct weft_received held; /* seen by ready(), not handed out yet */
    bool holds;
};

int weft_wire_reader_open(const char *endpoint, const struct weft_wire_opts *o, struct weft_wire_reader **out,
                          struct weft_err *e)
{
    struct weft_wire_reader *r = WEFT_NEW(struct weft_wire_reader);
    *out = r;
    r->opts = *o;
    r->at = WEFT_ARRAY(struct producer, (size_t)o->producers);
    if (weft_socket_open(endpoint, &o->socket, &r->socket, e) < 0)
        return -1;
    if (weft_socket_listens(r->socket))
        return 0; /* writers are let in as they say hello */
    if (o->producers != 1)
        return weft_fail(e, WEFT_USAGE, "--producers goes with an endpoint that listens (bind+%s)", endpoint);
    if (greet(r->socket, "reader", o->wait_ms, e) < 0)
        return -1;
    r->n = 1;
    return 0;
}

static int producer_of(const struct weft_wire_reader *r, const struct weft_peer *p)
{
    for (int i = 0; i < r->n; i++)
        if (weft_peer_same(&r->at[i].peer, p))
            return i;
    return -1;
}

/* Somebody new: let in, or told why not. What is no hello is a stranger's noise. */
static int admit(struct weft_wire_reader *r, const struct weft_received *m, struct weft_err *e)
{
    struct weft_value role;
    struct weft_err ignored = {0};
    if (!is_control(m, "hello", &role)) {
        weft_socket_forget(r->socket, &m->from);
        return 0;
    }
    const char *no = !weft_value_is(&role, "writer") ? "this endpoint reads; connect a writer (-o)"
                     : r->n == r->opts.producers     ? "this endpoint has all its writers already (--producers)"
                                                     : NULL;
    if (no) {
        (void)!send_control(r->socket, &m->from, "no", no, &ignored);
        return 0;
    }
    r->at[r->n++] = (struct producer){.peer = m->from};
    return send_control(r->socket, &m->from, "go", NULL, e);
}

static int writer_gone(const struct weft_wire_reader *r, struct weft_err *e)
{
    return weft_fail(e, WEFT_PEER, "the writer on %s is gone before the end of its stream",
                     weft_socket_address(r->socket));
}

int weft_wire_reader_next(struct weft_wire_reader *r, int *producer, struct weft_span *message, struct weft_err *e)
{
    int64_t until = weft_milliseconds() + r->opts.wait_ms;
    while (r->done < r->opts.producers) {
        struct weft_received m = r->held;
        int got = 1;
        if (!r->holds)
            got = weft_socket_receive(r->socket, &m, TICK_MS, e);
        r->holds = false;
        if (got < 0 || weft_stop_check(e) < 0)
            return -1;
        if (!got) {
            if (r->n < r->opts.producers && weft_milliseconds() > until)
                return nobody(r->socket, r->opts.wait_ms, e);
            continue;
        }
        int who = producer_of(r, &m.from);
        if (m.event == WEFT_SOCKET_GONE && who >= 0) {
            r->at[who].gone = true;
            if (!r->at[who].done)
                return writer_gone(r, e);
        }
        if (m.event != WEFT_SOCKET_MESSAGE)
            continue;
        if (who < 0) {
            if (admit(r, &m, e) < 0)
                return -1;
            continue;
        }
        struct weft_value role;
        if (r->at[who].done)
            continue;
        if (!r->at[who].heard && is_control(&m, "hello", &role)) {
            if (send_control(r->socket, &m.from, "go", NULL, e) < 0)
                return -1;
            continue;
        }
        r->at[who].heard = true;
        *producer = who;
        *message = (struct weft_span){m.p, m.n};
        return 1;
    }
    return 0;
}

int weft_wire_reader_done(struct weft_wire_reader *r, int producer, struct weft_err *e)
{
    r->at[producer].done = true;
    r->done++;
    return send_control(r->socket, &r->at[producer].peer, "done", NULL, e);
}

bool weft_wire_reader_ready(struct weft_wire_reader *r)
{
    if (!r->holds)
        r->holds = weft_socket_receive(r->socket, &r->held, 0, NULL) > 0;
    return r->holds;
}

/* Who has its "done" hangs up. If we did so first, a writer that connected could lose what it has not read yet: with
 * ZMQ_IMMEDIATE libzmq drops the pipe of a connection that ends, messages and all. */
static void await_hang_up(struct weft_wire_reader *r)
{
    struct weft_received m;
    struct weft_err ignored = {0};
    int64_t until = weft_milliseconds() + LINGER_MS;
    for (int i = 0; i < r->n; i++)
        while (r->at[i].done && !r->at[i].gone && weft_milliseconds() < until) {
            int got = weft_socket_receive(r->socket, &m, TICK_MS, &ignored);
            int who = got > 0 && m.event == WEFT_SOCKET_GONE ? producer_of(r, &m.from) : -1;
            if (got < 0)
                return;
            if (who >= 0)
                r->at[who].gone = true;
        }
}

void weft_wire_reader_close(struct weft_wire_reader **rp)
{
    if (!*rp)
        return;
    await_hang_up(*rp);
    weft_socket_close(&(*rp)->socket, LINGER_MS);
    free((*rp)->at);
    free(*rp);
    *rp = NULL;
}

/* --- writer --- */

struct weft_wire_writer {
    struct weft_socket *socket;
    struct weft_peer reader;
    bool open, gone; /* the reader let us in; went */
    int64_t until;   /* nothing is sent after this; 0: no limit */
};

/* Who listens: waits for a reader's hello. */
static int await_reader(struct weft_wire_writer *w, int wait_ms, struct weft_err *e)
{
    struct weft_received m;
    struct weft_value role;
    int64_t until = weft_milliseconds() + wait_ms;
    while (weft_milliseconds() < until) {
        int got = weft_socket_receive(w->socket, &m, TICK_MS, e);
        if (got < 0 || weft_stop_check(e) < 0)
            return -1;
        if (!got || !is_control(&m, "hello", &role))
            continue;
        if (weft_value_is(&role, "reader")) {
            w->reader = m.from;
            return send_control(w->socket, &m.from, "go", NULL, e);
        }
        struct weft_err ignored = {0};
        (void)!send_control(w->socket, &m.from, "no", "this endpoint writes; connect a reader (-i)", &ignored);
    }
    return nobody(w->socket, wait_ms, e);
}

int weft_wire_writer_open(const char *endpoint, const struct weft_wire_opts *o, struct weft_wire_writer **out,
                          struct weft_err *e)
{
    struct weft_wire_writer *w = WEFT_NEW(struct weft_wire_writer);
    *out = w;
    if (weft_socket_open(endpoint, &o->socket, &w->socket, e) < 0)
        return -1;
    int rc =
        weft_socket_listens(w->socket) ? await_reader(w, o->wait_ms, e) : greet(w->socket, "writer", o->wait_ms, e);
    w->open = rc == 0;
    return rc;
}

void weft_wire_writer_hurry(struct weft_wire_writer *w)
{
    w->until = weft_milliseconds() + LINGER_MS;
}

/* Looks at what came from the other side: 1: done; 0: nothing of note; -1: it is gone, or says no. */
static int listen_once(struct weft_wire_writer *w, int timeout_ms, struct weft_err *e)
{
    struct weft_received m;
    struct weft_value v;
    int got = weft_socket_receive(w->socket, &m, timeout_ms, e);
    if (got <= 0)
        return got;
    bool reader = weft_peer_same(&m.from, &w->reader);
    w->gone |= m.event == WEFT_SOCKET_GONE && reader;
    if (w->gone)
        return weft_fail(e, WEFT_PEER, "the reader on %s is gone before the end of the stream",
                         weft_socket_address(w->socket));
    if (reader && is_control(&m, "done", &v))
        return 1;
    if (reader && is_control(&m, "no", &v))
        return said_no(&v, w->socket, e);
    if (!reader && is_control(&m, "hello", &v)) {
        struct weft_err ignored = {0};
        (void)!send_control(w->socket, &m.from, "no", "this endpoint has its reader already", &ignored);
    }
    return 0;
}

int weft_wire_writer_send(struct weft_wire_writer *w, const void *p, size_t n, struct weft_err *e)
{
    while (w->open && !w->gone && (!w->until || weft_milliseconds() < w->until)) {
        /* A full queue is a slow reader, or a dead one: the heartbeats tell which. */
        int got = weft_socket_send(w->socket, &w->reader, p, n, TICK_MS, e);
        if (got)
            return got < 0 ? -1 : 0;
        if (listen_once(w, 0, e) < 0)
            return -1;
        if (!w->until && weft_stop_check(e) < 0)
            return -1;
    }
    return weft_fail(e, WEFT_PEER, "nobody reads %s", weft_socket_address(w->socket));
}

int weft_wire_writer_finish(struct weft_wire_writer *w, struct weft_err *e)
{
    int got;
    while ((got = listen_once(w, TICK_MS, e)) == 0)
        if (weft_stop_check(e) < 0)
            return -1;
    return got < 0 ? -1 : 0;
}

void weft_wire_writer_close(struct weft_wire_writer **wp)
{
    if (!*wp)
        return;
    weft_socket_close(&(*wp)->socket, LINGER_MS);
    free(*wp);
    *wp = NULL;
}
