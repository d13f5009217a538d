/* spread.c - the head's side of scatter and work. The book-keeping is dispatch.c; input is read by a thread of its own
 * (feed.c), so that the workers are served however slow it comes. */
#include "cluster/spread.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/stop.h"
#include "cluster/dispatch.h"
#include "cluster/feed.h"
#include "base/file.h"
#include "base/mem.h"
#include "frame/pack.h"
#include "frame/socket.h"
#include "frame/version.h"

enum { TICK_MS = 200, LINGER_MS = 2000, MESSAGE_BYTES = 1 << 18, GOODBYE_MS = 5000 };

struct worker {
    struct weft_peer peer;
    size_t number;                             /* in the dispatch */
    bool there, open, leaving, ending, banned; /* banned: it lied, or sent damage */
    int64_t heard;                             /* when the last result came, or the first frame went */
    uint64_t done;
};

struct state {
    const struct weft_spread_opts *o;
    struct weft_run *run;
    struct weft_feed *feed;
    const struct weft_head *head;
    struct weft_pack head_bytes, open, message, scratch; /* open: the output's head, as the first worker sent it */
    char cpu[160], program[64];
    struct weft_socket *socket;
    struct weft_dispatch *dispatch;
    struct worker *worker;
    size_t n_workers, cap_workers, alive;
    struct weft_writer *dead;
    uint64_t n_dead, refused;
    int64_t lonely_since, status_at;
    struct weft_progress progress;
};

/* --- workers --- */

static struct worker *find_worker(struct state *s, const struct weft_peer *p)
{
    for (size_t i = 0; i < s->n_workers; i++)
        if (s->worker[i].there && weft_peer_same(&s->worker[i].peer, p))
            return &s->worker[i];
    return NULL;
}

static void tell(struct state *s, const struct weft_peer *p, const char *key, const char *text)
{
    struct weft_pack b = {0};
    struct weft_err ignored = {0};
    weft_pack_map(&b, 1);
    weft_pack_cstr(&b, key);
    weft_pack_cstr(&b, text);
    (void)!weft_socket_send(s->socket, p, b.p, b.n, 0, &ignored);
    weft_pack_free(&b);
}

static void drop_worker(struct state *s, struct worker *w, const char *why)
{
    if (weft_dispatch_in_flight(s->dispatch, w->number))
        weft_run_warn(s->run, "a worker is lost (%s); its %zu frames go to others", why,
                      weft_dispatch_in_flight(s->dispatch, w->number));
    weft_dispatch_lost(s->dispatch, w->number, why);
    w->there = false;
    if (--s->alive == 0)
        s->lonely_since = weft_milliseconds();
}

/* Why a worker can't take part; NULL: it can. */
static const char *objection(struct state *s, struct weft_span map, char buf[600])
{
    struct weft_value version, protocol, cpu;
    if (!weft_map_find(map, "version", &version) || !weft_map_find(map, "protocol", &protocol) ||
        !weft_map_find(map, "cpu", &cpu) || cpu.kind != WEFT_STR || version.kind != WEFT_STR)
        return "a hello without version, protocol and cpu";
    if (!weft_value_is(&version, WEFT_VERSION) || protocol.u != 1) {
        snprintf(buf, 600, "it is weft %.*s, and the head is weft %s", version.body.n < 40 ? (int)version.body.n : 40,
                 (const char *)version.body.p, WEFT_VERSION);
        return buf;
    }
    char name[sizeof s->cpu];
    snprintf(name, sizeof name, "%.*s", cpu.body.n < sizeof name ? (int)cpu.body.n : (int)sizeof name - 1,
             (const char *)cpu.body.p);
    if (!*s->cpu)
        memcpy(s->cpu, name, sizeof name);
    if (strcmp(s->cpu, name) != 0 && !s->o->mixed_cpus) {
        snprintf(buf, 600,
                 "it computes with %s, and the others with %s, which rounds differently; OPENBLAS_CORETYPE sets them "
                 "alike, --mixed-cpus takes both",
                 name, s->cpu);
        return buf;
    }
    return NULL;
}

static void admit(struct state *s, const struct weft_peer *p, struct weft_span map)
{
    char buf[600];
    const char *no = objection(s, map, buf);
    struct weft_err ignored = {0};
    for (size_t i = 0; i < s->n_workers; i++)
        if (s->worker[i].banned && weft_peer_same(&s->worker[i].peer, p))
            return;
    if (no) {
        s->refused++;
        weft_run_warn(s->run, "a worker was refused: %s", no);
        tell(s, p, "no", no);
        return;
    }
    if (s->n_workers == s->cap_workers) {
        s->cap_workers = weft_grow(s->cap_workers, s->n_workers + 1);
        s->worker = weft_xrealloc2(s->worker, s->cap_workers, sizeof *s->worker);
    }
    s->worker[s->n_workers++] = (struct worker){
        .peer = *p, .number = weft_dispatch_join(s->dispatch), .there = true, .heard = weft_milliseconds()};
    s->alive++;
    weft_pack_clear(&s->message);
    weft_pack_map(&s->message, 1);
    weft_pack_cstr(&s->message, "go");
    weft_pack_bin(&s->message, s->head_bytes.p, s->head_bytes.n);
    (void)!weft_socket_send(s->socket, p, s->message.p, s->message.n, 0, &ignored);
}

/* A worker that can't be believed: its frames go to others, and it does not come back. */
static void refuse_worker(struct state *s, struct worker *w, const char *why)
{
    s->refused++;
    w->banned = true;
    weft_run_warn(s->run, "worker %zu was refused: %s", w->number, why);
    tell(s, &w->peer, "no", why);
    drop_worker(s, w, "refused");
}

/* The head of a worker's output: the first good one is that of our stream, and the others must have the same. */
static int take_open(struct state *s, struct worker *w, struct weft_span body, struct weft_err *e)
{
    struct weft_head h;
    struct weft_walker walk = {0};
    struct weft_err why = {0};
    w->open = true;
    if (s->open.n) {
        if (s->open.n != body.n || memcmp(s->open.p, body.p, body.n) != 0)
            refuse_worker(
                s, w, "its output has another head than that of the first worker: another program, option or model");
        return 0;
    }
    if (weft_walk(&walk, body.p, body.n, body.n, &why) != 1 || walk.off != body.n ||
        weft_head_read(body, &h, &why) < 0) {
        refuse_worker(s, w, "it sent a damaged head");
        return 0;
    }
    weft_pack_raw(&s->open, body);
    if (weft_head_read(weft_pack_span(&s->open), &h, e) < 0)
        return -1;
    weft_head_program(&h, s->program, sizeof s->program);
    return weft_run_head_as(s->run, h.schema, h.attrs, h.lineage, e);
}

/* Are these bytes whole maps, and each a frame? What speaks for a stream (a head, a tail, a fault) or to a head (an
 * acknowledgement) is none. */
static bool is_frames(struct weft_span bytes)
{
    static const char *const control[] = {"weft", "end", "fault", "ack"};
    struct weft_err ignored = {0};
    while (bytes.n) {
        struct weft_walker walk = {0};
        struct weft_span map = bytes, at;
        struct weft_value v, key;
        if (weft_walk(&walk, bytes.p, bytes.n, bytes.n, &ignored) != 1 || !weft_value_next(&map, &v) ||
            v.kind != WEFT_MAP)
            return false;
        at = v.body;
        if (!v.count || !weft_value_next(&at, &key) || key.kind != WEFT_STR)
            return false;
        for (size_t i = 0; i < sizeof control / sizeof *control; i++)
            if (weft_value_is(&key, control[i]))
                return false;
        bytes.p += walk.off;
        bytes.n -= walk.off;
    }
    return true;
}

/* What a message says of its frames, walked in step. */
struct results {
    struct weft_span numbers, sizes, rejected, data;
};

/* One result; false at the end. */
static bool next_result(struct results *r, uint64_t *number, struct weft_span *maps, uint64_t *rejected)
{
    struct weft_value n, size, out;
    if (!weft_value_next(&r->numbers, &n) || !weft_value_next(&r->sizes, &size) || !weft_value_next(&r->rejected, &out))
        return false;
    *number = n.u;
    *maps = (struct weft_span){r->data.p, size.u};
    *rejected = out.u;
    r->data.p += size.u;
    r->data.n -= size.u;
    return true;
}

/* Looks at all of a message before any of it counts: what is wrong with it; NULL: nothing. */
static const char *fault_of(struct weft_span map, struct weft_value numbers, struct results *out)
{
    struct weft_value sizes, rejected, data, n, size, r;
    if (!weft_map_find(map, "sizes", &sizes) || !weft_map_find(map, "rejected", &rejected) ||
        !weft_map_find(map, "data", &data) || data.kind != WEFT_BIN || numbers.kind != WEFT_ARRAY ||
        sizes.kind != WEFT_ARRAY || rejected.kind != WEFT_ARRAY || sizes.count != numbers.count ||
        rejected.count != numbers.count || !numbers.count)
        return "it sent damaged results";
    *out = (struct results){numbers.body, sizes.body, rejected.body, data.body};
    struct weft_span body = data.body;
    for (uint32_t i = 0; i < numbers.count; i++) {
        if (!weft_value_next(&numbers.body, &n) || !weft_value_next(&sizes.body, &size) ||
            !weft_value_next(&rejected.body, &r) || n.kind != WEFT_UINT || size.kind != WEFT_UINT ||
            r.kind != WEFT_UINT || size.u > body.n || !is_frames((struct weft_span){body.p, size.u}))
            return "it sent damaged results";
        if (!size.u && !r.u)
            return "it answered without a result";
        body.p += size.u;
        body.n -= size.u;
    }
    return body.n ? "it sent damaged results" : NULL;
}

static void take_results(struct state *s, struct worker *w, struct weft_span map, struct weft_value numbers)
{
    struct results r;
    struct weft_span maps;
    uint64_t number, rejected;
    const char *fault = w->open ? fault_of(map, numbers, &r) : "it sent results before a head";
    while (!fault && next_result(&r, &number, &maps, &rejected)) {
        if (!weft_dispatch_done(s->dispatch, w->number, number, maps, rejected)) {
            fault = "it answered for a frame that it was not given";
            break;
        }
        w->done++;
        w->heard = weft_milliseconds();
    }
    if (fault)
        refuse_worker(s, w, fault);
}

static int take_message(struct state *s, const struct weft_received *m, struct weft_err *e)
{
    struct weft_span map = {m->p, m->n};
    struct weft_walker walk = {0};
    struct weft_value v;
    struct worker *w = find_worker(s, &m->from);
    struct weft_err ignored = {0};
    bool good = weft_walk(&walk, m->p, m->n, m->n, &ignored) == 1 && walk.off == m->n;
    if (!w) { /* somebody new, or a stranger's noise */
        if (good && weft_map_find(map, "hello", &v) && weft_value_is(&v, "worker"))
            admit(s, &m->from, map);
        else if (good && weft_map_find(map, "hello", &v))
            tell(s, &m->from, "no", "this is a scatter: connect with work");
        return 0;
    }
    if (good && weft_map_find(map, "results", &v))
        take_results(s, w, map, v);
    else if (good && weft_map_find(map, "open", &v) && v.kind == WEFT_BIN)
        return take_open(s, w, v.body, e);
    else if (good && (weft_map_find(map, "failed", &v) || weft_map_find(map, "cannot", &v))) {
        char reason[256];
        snprintf(reason, sizeof reason, "%.*s", v.body.n < 255 ? (int)v.body.n : 255, (const char *)v.body.p);
        weft_run_warn(s->run, "a worker's program failed: %s", reason);
        weft_dispatch_failed(s->dispatch, w->number, reason);
    } else if (good && weft_map_find(map, "leave", &v))
        w->leaving = true;
    else if (!good)
        refuse_worker(s, w, "it sent something damaged");
    return 0;
}

static int serve_socket(struct state *s, struct weft_err *e)
{
    struct weft_received m;
    int got;
    /* Not for ever: results must go out in between. */
    for (int i = 0; i < 256 && (got = weft_socket_receive(s->socket, &m, 0, e)) != 0; i++) {
        if (got < 0)
            return -1;
        struct worker *w = m.event == WEFT_SOCKET_GONE ? find_worker(s, &m.from) : NULL;
        if (w)
            drop_worker(s, w, "its connection ended");
        if (m.event == WEFT_SOCKET_MESSAGE && take_message(s, &m, e) < 0)
            return -1;
    }
    return 0;
}

/* As many frames as the worker may have, in messages of moderate size. */
static void feed_worker(struct state *s, struct worker *w)
{
    uint64_t number;
    struct weft_span frame;
    struct weft_err ignored = {0};
    for (bool more = true; more;) {
        struct weft_pack *numbers = &s->scratch, data = {0};
        uint32_t n = 0;
        weft_pack_clear(numbers);
        if (!weft_dispatch_in_flight(s->dispatch, w->number))
            w->heard = weft_milliseconds();
        while ((more = weft_dispatch_next(s->dispatch, w->number, &number, &frame))) {
            weft_pack_uint(numbers, number);
            weft_pack_raw(&data, frame);
            n++;
            if (data.n >= MESSAGE_BYTES)
                break;
        }
        if (n) {
            weft_pack_clear(&s->message);
            weft_pack_map(&s->message, 2);
            weft_pack_cstr(&s->message, "frames");
            weft_pack_array(&s->message, n);
            weft_pack_raw(&s->message, weft_pack_span(numbers));
            weft_pack_cstr(&s->message, "data");
            weft_pack_bin(&s->message, data.p, data.n);
            if (weft_socket_send(s->socket, &w->peer, s->message.p, s->message.n, 0, &ignored) != 1) {
                drop_worker(s, w, "it can't be reached");
                more = false;
            }
        }
        weft_pack_free(&data);
    }
}

static void feed_workers(struct state *s)
{
    for (size_t i = 0; i < s->n_workers; i++) {
        struct worker *w = &s->worker[i];
        if (!w->there || !w->open)
            continue;
        size_t in_flight = weft_dispatch_in_flight(s->dispatch, w->number);
        if (in_flight && (double)(weft_milliseconds() - w->heard) > 1000 * s->o->hang) {
            tell(s, &w->peer, "no", "nothing came from you for too long (--hang)");
            drop_worker(s, w, "it hangs");
        } else if (!w->leaving) {
            feed_worker(s, w);
        } else if (!in_flight && !w->ending) {
            w->ending = true;
            tell(s, &w->peer, "end", "");
        }
    }
}

/* --- results --- */

static int set_aside(struct state *s, const struct weft_dispatch_result *r, struct weft_err *e)
{
    if (!s->o->dead_letter) {
        weft_fail(e, WEFT_DATA, "no worker can take frame %llu: %s", (unsigned long long)r->number + 1, r->reason);
        return weft_fail_hint(e, "--dead-letter FILE sets such frames aside and goes on");
    }
    if (!s->dead && (weft_writer_open(s->o->dead_letter, weft_run_stream_opts(s->run), &s->dead, e) < 0 ||
                     weft_writer_head(s->dead, s->head->schema, s->head->attrs, s->head->lineage, e) < 0))
        return -1;
    struct weft_edit edit = {0};
    struct weft_pack b = {0};
    int rc = weft_edit_load(&edit, r->frame, e);
    if (rc == 0) {
        weft_edit_str(&edit, "dead_letter", r->reason);
        weft_edit_write(&edit, &b);
        rc = weft_writer_frame(s->dead, weft_pack_span(&b), e);
    }
    weft_edit_free(&edit);
    weft_pack_free(&b);
    weft_run_reject(s->run, 1);
    s->n_dead++;
    return rc;
}

static int take_finished(struct state *s, struct weft_err *e)
{
    struct weft_dispatch_result r;
    while (weft_dispatch_take(s->dispatch, &r)) {
        if (r.dead) {
            if (set_aside(s, &r, e) < 0)
                return -1;
            continue;
        }
        struct weft_value map;
        while (weft_value_next(&r.maps, &map))
            if (weft_run_emit(s->run, map.whole, e) < 0)
                return -1;
        weft_run_reject(s->run, r.rejected);
    }
    return 0;
}

static void write_status(struct state *s)
{
    struct weft_dispatch_counts c;
    struct weft_file *f;
    struct weft_err ignored = {0};
    char line[256];
    weft_dispatch_count(s->dispatch, &c);
    weft_progress_at(&s->progress, c.done, 0, "frames", "%zu workers, %zu in flight, %llu retried", c.workers,
                     c.in_flight, (unsigned long long)c.retried);
    if (!s->o->status || weft_milliseconds() < s->status_at || weft_file_create(s->o->status, &f, &ignored) < 0)
        return;
    s->status_at = weft_milliseconds() + 1000;
    struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"weft_scatter_frames_read_total", c.in},
                {"weft_scatter_frames_done_total", c.done},
                {"weft_scatter_frames_retried_total", c.retried},
                {"weft_scatter_frames_dead_total", c.dead},
                {"weft_scatter_results_doubled_total", c.duplicates},
                {"weft_scatter_frames_in_flight", c.in_flight},
                {"weft_scatter_frames_held", c.held},
                {"weft_scatter_workers", c.workers},
                {"weft_scatter_workers_refused_total", s->refused}};
    int rc = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && rc == 0; i++)
        rc = weft_file_write(
            f, line, (size_t)snprintf(line, sizeof line, "%s %llu\n", rows[i].name, (unsigned long long)rows[i].value),
            &ignored);
    for (size_t i = 0; i < s->n_workers && rc == 0; i++)
        if (s->worker[i].there)
            rc = weft_file_write(f, line,
                                 (size_t)snprintf(line, sizeof line,
                                                  "weft_scatter_worker_done_total{worker=\"%zu\"} %llu\n", i,
                                                  (unsigned long long)s->worker[i].done),
                                 &ignored);
    if (rc == 0)
        (void)!weft_file_commit(&f, &ignored);
    else
        weft_file_abort(&f);
}

/* --- the run --- */

static bool has_room(void *ctx)
{
    return weft_dispatch_room(((struct state *)ctx)->dispatch);
}

static void take_frame(void *ctx, struct weft_span frame)
{
    struct state *s = ctx;
    weft_dispatch_add(s->dispatch, frame);
    weft_run_read(s->run, 1);
}

static int open_all(struct state *s, struct weft_err *e)
{
    const struct weft_spread_opts *o = s->o;
    const struct weft_stream_opts *so = weft_run_stream_opts(s->run);
    struct weft_socket_opts socket = so->wire.socket;
    char *endpoint = weft_xasprintf("%s%s", strncmp(o->bind, "bind+", 5) == 0 ? "" : "bind+", o->bind);
    socket.high_water = 0x4000; /* credit bounds what is on the way */
    int rc = weft_socket_open(endpoint, &socket, &s->socket, e);
    free(endpoint);
    if (rc < 0 || weft_feed_open(o->input, so, &s->feed, e) < 0)
        return -1;
    s->head = weft_feed_head(s->feed);
    weft_head_pack(&s->head_bytes, s->head->schema, s->head->attrs, s->head->lineage);
    struct weft_dispatch_opts d = {.window = (size_t)(o->window ? o->window : 4 * o->credit),
                                   .credit = (size_t)o->credit,
                                   .attempts = (int)o->attempts,
                                   .losses = 100,
                                   .unordered = o->unordered};
    s->dispatch = weft_dispatch_new(&d);
    s->lonely_since = weft_milliseconds();
    weft_progress_start(&s->progress, weft_run_program(s->run), weft_run_progress(s->run));
    return 0;
}

static int run_loop(struct state *s, struct weft_err *e)
{
    int wait_ms = weft_run_stream_opts(s->run)->wire.wait_ms;
    for (;;) {
        struct pollfd fd = {.fd = weft_feed_fd(s->feed), .events = POLLIN};
        int ended = weft_feed_take(s->feed, has_room, take_frame, s, e);
        if (ended < 0)
            return -1;
        feed_workers(s);
        if (take_finished(s, e) < 0)
            return -1;
        if (ended && s->open.n && weft_dispatch_idle(s->dispatch))
            return 0;
        if (!s->alive && weft_milliseconds() - s->lonely_since > wait_ms) {
            weft_fail(e, WEFT_PEER, "no worker at %s for %d s; %llu were refused", weft_socket_address(s->socket),
                      wait_ms / 1000, (unsigned long long)s->refused);
            return weft_fail_hint(e, weft_socket_refused(s->socket)
                                         ? "some were refused: their public keys must be in --peer-keys"
                                         : "start `weft work --connect ...`, or give it more time with --wait");
        }
        if (weft_socket_poll(s->socket, &fd, 1, TICK_MS, e) < 0 || weft_stop_signal())
            return weft_interrupted(e);
        weft_feed_heard(s->feed);
        if (serve_socket(s, e) < 0)
            return -1;
        write_status(s);
    }
}

/* Workers hear that there is nothing more; those that went in the meantime do not matter. */
static void say_goodbye(struct state *s)
{
    for (size_t i = 0; i < s->n_workers; i++)
        if (s->worker[i].there)
            tell(s, &s->worker[i].peer, "end", "");
    struct weft_received m;
    struct weft_err ignored = {0};
    int64_t until = weft_milliseconds() + GOODBYE_MS;
    while (s->alive && weft_milliseconds() < until) {
        int got = weft_socket_receive(s->socket, &m, TICK_MS, &ignored);
        if (got < 0)
            return;
        struct worker *w = got && m.event == WEFT_SOCKET_GONE ? find_worker(s, &m.from) : NULL;
        if (w) {
            w->there = false;
            s->alive--;
        }
    }
}

static int end_dead_letter(struct state *s, struct weft_err *e)
{
    struct weft_pack counts = {0};
    weft_pack_array(&counts, 0);
    int rc = weft_writer_end(s->dead, weft_pack_span(&counts), e);
    weft_pack_free(&counts);
    weft_run_warn(s->run, "%llu frames that no worker could take are in %s", (unsigned long long)s->n_dead,
                  s->o->dead_letter);
    if (!s->o->allow_dead)
        weft_run_exit_with(s->run, WEFT_DATA);
    return rc;
}

static int spread(struct state *s, struct weft_err *e)
{
    if (open_all(s, e) < 0)
        return -1;
    int rc = run_loop(s, e);
    weft_progress_end(&s->progress);
    s->status_at = 0;
    write_status(s);
    struct weft_reader *reader = weft_feed_reader(s->feed);
    if (reader)
        weft_run_stand_for(s->run, reader, *s->program ? s->program : weft_run_program(s->run));
    if (rc < 0) {
        for (size_t i = 0; i < s->n_workers; i++)
            if (s->worker[i].there)
                tell(s, &s->worker[i].peer, "no", "the run has failed at its head");
        return -1;
    }
    say_goodbye(s);
    return s->dead ? end_dead_letter(s, e) : 0;
}

int weft_spread_run(struct weft_run *run, const struct weft_spread_opts *o, struct weft_err *e)
{
    struct state s = {.o = o, .run = run};
    int rc = spread(&s, e);
    weft_socket_close(&s.socket, LINGER_MS);
    weft_dispatch_free(&s.dispatch);
    weft_writer_close(&s.dead);
    weft_feed_close(&s.feed);
    free(s.worker);
    weft_pack_free(&s.head_bytes);
    weft_pack_free(&s.open);
    weft_pack_free(&s.message);
    weft_pack_free(&s.scratch);
    return rc;
}
