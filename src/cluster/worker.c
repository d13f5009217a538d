/* worker.c - the worker's side of scatter and work. */
#include "cluster/worker.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop.h"
#include "cluster/child.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "frame/pack.h"
#include "frame/socket.h"
#include "frame/version.h"

enum { TICK_MS = 200, LINGER_MS = 3000, STARTS_MAX = 3 };

struct state {
    const char *connect, *cpu;
    struct weft_socket *socket;
    struct weft_child *child;
    char **argv;                                 /* of the child, ends with NULL */
    struct weft_pack head;                       /* the stream's head, for every child anew */
    bool met, admitted, opened, ending, leaving; /* met: the head was there once */
    int failed_starts;
    uint32_t crc; /* over what this child was given */
    uint64_t given;
    /* Frames the child has, in order, and what it made of them so far. */
    struct {
        uint64_t *p;
        size_t from, n, cap;
    } has;
    struct weft_pack maps, sizes, numbers, rejected;
    size_t maps_before; /* bytes of maps that belong to frames already acknowledged */
    uint32_t n_results;
    int64_t until;
};

static const struct weft_peer the_head = {.n = 0};

static int gone(const struct state *s, struct weft_err *e)
{
    return weft_fail(e, WEFT_PEER, "the head at %s is gone", s->connect);
}

/* A head that is slow to take it is waited for, one that went is not: libzmq would wait for it to come back. */
static int send_map(struct state *s, struct weft_pack *b, struct weft_err *e)
{
    struct weft_received news;
    int rc, got = 0;
    while ((rc = weft_socket_send(s->socket, &the_head, b->p, b->n, TICK_MS, e)) == 0) {
        while ((got = weft_socket_news(s->socket, &news, e)) > 0 && news.event != WEFT_SOCKET_GONE) {
        }
        if (got != 0) {
            rc = got < 0 ? -1 : gone(s, e);
            break;
        }
    }
    weft_pack_free(b);
    return rc < 0 ? -1 : 0;
}

static int send_text(struct state *s, const char *key, const char *text, struct weft_err *e)
{
    struct weft_pack b = {0};
    weft_pack_map(&b, 1);
    weft_pack_cstr(&b, key);
    weft_pack_cstr(&b, text);
    return send_map(s, &b, e);
}

static int say_hello(struct state *s, struct weft_err *e)
{
    struct weft_pack b = {0};
    weft_pack_map(&b, 4);
    weft_pack_cstr(&b, "hello");
    weft_pack_cstr(&b, "worker");
    weft_pack_cstr(&b, "version");
    weft_pack_cstr(&b, WEFT_VERSION);
    weft_pack_cstr(&b, "protocol");
    weft_pack_uint(&b, 1);
    weft_pack_cstr(&b, "cpu");
    weft_pack_cstr(&b, s->cpu);
    return send_map(s, &b, e);
}

/* --- the child --- */

static int start_child(struct state *s, struct weft_err *e)
{
    weft_child_stop(&s->child);
    if (weft_child_start(s->argv, "work", &s->child, e) < 0)
        return -1;
    weft_child_feed(s->child, s->head.p, s->head.n);
    s->crc = weft_crc32c(0, s->head.p, s->head.n);
    s->given = 0;
    s->opened = false;
    return 0;
}

static void end_child(struct state *s)
{
    struct weft_pack tail = {0}, counts = {0};
    weft_pack_array(&counts, 0);
    weft_tail_pack(&tail, s->given, s->crc, weft_pack_span(&counts));
    weft_child_feed(s->child, tail.p, tail.n);
    weft_child_finish(s->child);
    weft_pack_free(&tail);
    weft_pack_free(&counts);
}

/* The child is gone before its time: the head is told, and another one takes its place. */
static int child_failed(struct state *s, int status, struct weft_err *e)
{
    char reason[700];
    snprintf(reason, sizeof reason, status > 128 ? "%s was ended by signal %d%s%s" : "%s ended with status %d%s%s",
             s->argv[0], status > 128 ? status - 128 : status, *weft_child_said(s->child) ? ": " : "",
             weft_child_said(s->child));
    s->has.from = s->has.n = 0;
    s->maps_before = s->n_results = 0;
    weft_pack_clear(&s->maps);
    weft_pack_clear(&s->sizes);
    weft_pack_clear(&s->numbers);
    weft_pack_clear(&s->rejected);
    s->failed_starts = s->given ? 0 : s->failed_starts + 1;
    if (s->failed_starts >= STARTS_MAX) {
        struct weft_err ignored = {0};
        (void)!send_text(s, "cannot", reason, &ignored);
        return weft_fail(e, status < 128 && status ? status : WEFT_UPSTREAM, "%s, before any frame", reason);
    }
    if (send_text(s, "failed", reason, e) < 0)
        return -1;
    return start_child(s, e);
}

/* --- results --- */

static void take_ack(struct state *s, struct weft_span map)
{
    struct weft_value rejected;
    if (s->has.from == s->has.n)
        return;
    weft_pack_uint(&s->numbers, s->has.p[s->has.from++]);
    weft_pack_uint(&s->sizes, s->maps.n - s->maps_before);
    weft_pack_uint(&s->rejected,
                   weft_map_find(map, "rejected", &rejected) && rejected.kind == WEFT_UINT ? rejected.u : 0);
    s->maps_before = s->maps.n;
    s->n_results++;
}

static void pack_list(struct weft_pack *b, const char *key, uint32_t n, struct weft_pack *items)
{
    weft_pack_cstr(b, key);
    weft_pack_array(b, n);
    if (n)
        weft_pack_raw(b, weft_pack_span(items));
    weft_pack_clear(items);
}

static int send_results(struct state *s, struct weft_err *e)
{
    struct weft_pack b = {0};
    if (!s->n_results)
        return 0;
    weft_pack_map(&b, 4);
    pack_list(&b, "results", s->n_results, &s->numbers);
    pack_list(&b, "sizes", s->n_results, &s->sizes);
    pack_list(&b, "rejected", s->n_results, &s->rejected);
    weft_pack_cstr(&b, "data");
    weft_pack_bin(&b, s->maps.p, s->maps_before);
    memmove(s->maps.p, s->maps.p + s->maps_before, s->maps.n - s->maps_before);
    s->maps.n -= s->maps_before;
    s->maps_before = s->n_results = 0;
    return send_map(s, &b, e);
}

static bool first_key(struct weft_span map, const char *key)
{
    struct weft_value v, k;
    return weft_value_next(&map, &v) && v.kind == WEFT_MAP && weft_value_next(&v.body, &k) && weft_value_is(&k, key);
}

/* One map from the child: its head, an acknowledgement, its tail or fault, or a frame. */
static int take_map(struct state *s, struct weft_span map, struct weft_err *e)
{
    if (!s->opened) {
        if (first_key(map, "fault"))
            return 0; /* its exit status follows */
        struct weft_pack b = {0};
        weft_pack_map(&b, 1);
        weft_pack_cstr(&b, "open");
        weft_pack_bin(&b, map.p, map.n);
        s->opened = true;
        return send_map(s, &b, e);
    }
    if (first_key(map, "ack"))
        take_ack(s, map);
    else if (!first_key(map, "end") && !first_key(map, "fault"))
        weft_pack_raw(&s->maps, map);
    return 0;
}

static int serve_child(struct state *s, struct weft_err *e)
{
    struct weft_span map;
    int status, got;
    weft_child_move(s->child);
    while ((got = weft_child_next(s->child, &map, e)) > 0)
        if (take_map(s, map, e) < 0)
            return -1;
    if (got < 0)
        return -1;
    if (send_results(s, e) < 0)
        return -1;
    if (!weft_child_ended(s->child, &status))
        return 0;
    if (s->ending && status == 0 && s->maps.n)
        return weft_fail(e, WEFT_CONFIG,
                         "%s emits frames at its end: a program that adds up over frames can't be spread", s->argv[0]);
    if (s->ending && status == 0)
        return 1;
    return child_failed(s, status, e);
}

/* --- the head --- */

static int take_frames(struct state *s, struct weft_span map, struct weft_value numbers, struct weft_err *e)
{
    struct weft_value data, n;
    if (!weft_map_find(map, "data", &data) || data.kind != WEFT_BIN || numbers.kind != WEFT_ARRAY)
        return weft_fail(e, WEFT_DATA, "damaged frames from the head");
    if (s->has.from == s->has.n)
        s->has.from = s->has.n = 0;
    for (uint32_t i = 0; i < numbers.count && weft_value_next(&numbers.body, &n); i++) {
        if (s->has.n == s->has.cap) {
            s->has.cap = weft_grow(s->has.cap, s->has.n + 1);
            s->has.p = weft_xrealloc2(s->has.p, s->has.cap, sizeof *s->has.p);
        }
        s->has.p[s->has.n++] = n.u;
    }
    s->given += numbers.count;
    s->crc = weft_crc32c(s->crc, data.body.p, data.body.n);
    weft_child_feed(s->child, data.body.p, data.body.n);
    return 0;
}

static int take_message(struct state *s, struct weft_span map, struct weft_err *e)
{
    struct weft_walker w = {0};
    struct weft_value v;
    if (weft_walk(&w, map.p, map.n, map.n, NULL) != 1 || w.off != map.n)
        return weft_fail(e, WEFT_DATA, "the head at %s speaks another language", s->connect);
    if (weft_map_find(map, "no", &v))
        return weft_fail(e, WEFT_CONFIG, "refused by %s: %.*s", s->connect, v.body.n < 300 ? (int)v.body.n : 300,
                         (const char *)v.body.p);
    if (weft_map_find(map, "go", &v) && !s->admitted) {
        s->admitted = true;
        weft_pack_raw(&s->head, v.body);
        return start_child(s, e);
    }
    if (weft_map_find(map, "frames", &v) && s->child)
        return take_frames(s, map, v, e);
    if (weft_map_find(map, "end", &v)) {
        s->ending = true;
        if (s->child)
            end_child(s);
        return s->child ? 0 : 1;
    }
    return 0;
}

/* 1: we are done; 0: go on; -1. */
static int serve_socket(struct state *s, struct weft_err *e)
{
    struct weft_received m;
    int got, rc = 0;
    while (rc == 0 && (got = weft_socket_receive(s->socket, &m, 0, e)) != 0) {
        if (got < 0)
            return -1;
        if (m.event == WEFT_SOCKET_CONNECTED) {
            s->met = true;
            rc = say_hello(s, e);
        }
        if (m.event == WEFT_SOCKET_MESSAGE)
            rc = take_message(s, (struct weft_span){m.p, m.n}, e);
        if (m.event == WEFT_SOCKET_GONE && s->met)
            return gone(s, e);
    }
    return rc;
}

static int serve(struct weft_run *run, struct state *s, struct weft_err *e)
{
    const struct weft_stream_opts *o = weft_run_stream_opts(run);
    int rc = 0;
    s->until = weft_milliseconds() + o->wire.wait_ms;
    while (rc == 0) {
        struct pollfd fds[WEFT_CHILD_FDS];
        size_t n = s->child ? weft_child_poll(s->child, fds) : 0;
        if (weft_socket_poll(s->socket, fds, n, TICK_MS, e) < 0 && !weft_stop_signal())
            return -1;
        if (weft_stop_signal() && !s->admitted)
            return weft_interrupted(e);
        if (weft_stop_signal() && !s->leaving) { /* what we have is finished first */
            e->code = 0;
            s->leaving = true;
            if (send_text(s, "leave", "", e) < 0)
                return -1;
        }
        rc = serve_socket(s, e);
        if (rc == 0 && s->child)
            rc = serve_child(s, e);
        if (rc == 0 && !s->admitted && weft_milliseconds() > s->until)
            return weft_fail(e, WEFT_PEER, "no scatter at %s within %d s", s->connect, o->wire.wait_ms / 1000);
    }
    return rc;
}

static int work(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_socket_opts o = weft_run_stream_opts(run)->wire.socket;
    o.high_water = 0x4000; /* credit bounds what is on the way */
    if (weft_socket_open(s->connect, &o, &s->socket, e) < 0)
        return -1;
    if (weft_socket_listens(s->socket))
        return weft_fail(e, WEFT_USAGE, "--connect: workers connect, scatter listens: tcp://HOST:PORT");
    return serve(run, s, e) < 0 ? -1 : 0;
}

int weft_worker_run(struct weft_run *run, const struct weft_worker_opts *o, struct weft_err *e)
{
    struct state s = {.connect = o->connect, .cpu = o->cpu};
    size_t n = 0;
    while (o->argv[n])
        n++;
    s.argv = WEFT_ARRAY(char *, n + 1);
    for (size_t i = 0; i < n; i++)
        s.argv[i] = weft_xstrdup(o->argv[i]);
    setenv("WEFT_ACKS", "1", 1); /* the child says which input frame is done (run.h) */
    int rc = work(run, &s, e);
    weft_child_stop(&s.child);
    weft_socket_close(&s.socket, LINGER_MS);
    for (size_t i = 0; i < n; i++)
        free(s.argv[i]);
    free(s.argv);
    free(s.has.p);
    weft_pack_free(&s.head);
    weft_pack_free(&s.maps);
    weft_pack_free(&s.sizes);
    weft_pack_free(&s.numbers);
    weft_pack_free(&s.rejected);
    return rc;
}
