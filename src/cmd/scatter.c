/* scatter.c - hands the frames of a stream to workers anywhere, and puts their results back in order.
 *
 * The book-keeping is src/frame/dispatch.c, the protocol schemas/protocol.md. Input is read by a thread of its own: the workers are served however slow
 * it comes. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "weft/clock.h"
#include "weft/dispatch.h"
#include "weft/file.h"
#include "weft/mem.h"
#include "weft/pack.h"
#include "weft/run.h"
#include "weft/socket.h"
#include "weft/version.h"

enum { TICK_MS = 200, LINGER_MS = 2000, QUEUE = 64, MESSAGE_BYTES = 1 << 18, GOODBYE_MS = 5000 };

/* Frames between the reading thread and the rest. */
struct input {
    pthread_mutex_t lock;
    pthread_cond_t room;
    struct weft_reader *reader;
    struct weft_pack frame[QUEUE];
    size_t first, n;
    int wake; /* eventfd: something came */
    bool ended, failed;
    struct weft_err err;
};

struct worker {
    struct weft_peer peer;
    size_t number; /* in the dispatch */
    bool there, open, leaving, ending;
    int64_t heard; /* when the last result came, or the first frame went */
    uint64_t done;
};

struct state {
    const char *bind, *input, *dead_letter, *status;
    int64_t credit, window, attempts;
    double hang;
    bool unordered, mixed_cpus, allow_dead;
    struct input in;
    const struct weft_head *head;
    struct weft_pack head_bytes, open, message, scratch; /* open: the output's head, as the first worker sent it */
    char cpu[160], program[64];
    struct weft_socket *socket;
    struct weft_dispatch *dispatch;
    struct worker *worker;
    size_t n_workers, cap_workers, alive;
    struct weft_writer *dead;
    uint64_t n_dead;
    int64_t lonely_since, status_at;
    struct weft_progress progress;
};

#define AT(member) offsetof(struct state, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 0, "bind", AT(bind), NULL, 0, 0, "ENDPOINT", "where workers connect: tcp://*:PORT or ipc://PATH", WEFT_OPT_REQUIRED | WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_STR, 'i', "input", AT(input), "-", 0, 0, "ENDPOINT", "stream to read: -, a file, or a socket", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_INT, 0, "credit", AT(credit), "128", 1, 65536, "N", "frames that a worker may have at a time", WEFT_OPT_RUN},
    {WEFT_OPT_INT, 0, "window", AT(window), "0", 0, 10000000, "N", "frames held at most, waiting or finished out of order; 0: 4 times the credit", WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "unordered", AT(unordered), NULL, 0, 0, NULL, "results as they come, not in the order of the input", 0},
    {WEFT_OPT_INT, 0, "attempts", AT(attempts), "3", 1, 1000, "N", "children that may fail with a frame before it is set aside", WEFT_OPT_RUN},
    {WEFT_OPT_STR, 0, "dead-letter", AT(dead_letter), NULL, 0, 0, "FILE", "stream for frames that no worker can take, with the reason; without it the first one ends the run", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "allow-dead", AT(allow_dead), NULL, 0, 0, NULL, "exit with 0 even when frames were set aside", WEFT_OPT_RUN},
    {WEFT_OPT_REAL, 0, "hang", AT(hang), "300", 1, 1e6, "SECONDS", "a worker that has frames and gives nothing for so long is given up", WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "mixed-cpus", AT(mixed_cpus), NULL, 0, 0, NULL, "take workers that round differently (other CPU kernels)", WEFT_OPT_RUN},
    {WEFT_OPT_STR, 0, "status", AT(status), NULL, 0, 0, "FILE", "counts for Prometheus, written anew every second", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

/* --- input --- */

static void wake(struct input *in)
{
    uint64_t one = 1;
    (void)!write(in->wake, &one, sizeof one);
}

static void *read_input(void *p)
{
    struct input *in = p;
    struct weft_span frame;
    struct weft_err err = {0};
    int got;
    while ((got = weft_reader_next(in->reader, &frame, &err)) > 0) {
        pthread_mutex_lock(&in->lock);
        while (in->n == QUEUE)
            pthread_cond_wait(&in->room, &in->lock);
        struct weft_pack *to = &in->frame[(in->first + in->n) % QUEUE];
        weft_pack_clear(to);
        weft_pack_raw(to, frame);
        bool first = in->n++ == 0;
        pthread_mutex_unlock(&in->lock);
        if (first)
            wake(in);
    }
    pthread_mutex_lock(&in->lock);
    in->ended = true;
    in->failed = got < 0;
    in->err = err;
    pthread_mutex_unlock(&in->lock);
    wake(in);
    return NULL;
}

/* Moves what came into the dispatch. 1: the input has ended and all of it is there; 0; -1. */
static int take_input(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct input *in = &s->in;
    pthread_mutex_lock(&in->lock);
    for (; in->n && weft_dispatch_room(s->dispatch); in->n--) {
        weft_dispatch_add(s->dispatch, weft_pack_span(&in->frame[in->first]));
        in->first = (in->first + 1) % QUEUE;
        weft_run_read(run, 1);
    }
    pthread_cond_signal(&in->room);
    int rc = in->ended && !in->n;
    bool failed = rc && in->failed;
    if (failed)
        *e = in->err;
    pthread_mutex_unlock(&in->lock);
    return failed ? -1 : rc;
}

/* --- workers --- */

static bool same(const struct weft_peer *a, const struct weft_peer *b)
{
    return a->n == b->n && memcmp(a->id, b->id, a->n) == 0;
}

static struct worker *find_worker(struct state *s, const struct weft_peer *p)
{
    for (size_t i = 0; i < s->n_workers; i++)
        if (s->worker[i].there && same(&s->worker[i].peer, p))
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

static void drop_worker(struct weft_run *run, struct state *s, struct worker *w, const char *why)
{
    if (weft_dispatch_in_flight(s->dispatch, w->number))
        weft_run_warn(run, "a worker is lost (%s); its %zu frames go to others", why, weft_dispatch_in_flight(s->dispatch, w->number));
    weft_dispatch_lost(s->dispatch, w->number, why);
    w->there = false;
    if (--s->alive == 0)
        s->lonely_since = weft_milliseconds();
}

/* Why a worker can't take part; NULL: it can. */
static const char *objection(struct state *s, struct weft_span map, char buf[600])
{
    struct weft_value version, protocol, cpu;
    if (!weft_map_find(map, "version", &version) || !weft_map_find(map, "protocol", &protocol) || !weft_map_find(map, "cpu", &cpu) || cpu.kind != WEFT_STR ||
        version.kind != WEFT_STR)
        return "a hello without version, protocol and cpu";
    if (!weft_value_is(&version, WEFT_VERSION) || protocol.u != 1) {
        snprintf(buf, 600, "it is weft %.*s, and the head is weft %s", version.body.n < 40 ? (int)version.body.n : 40, (const char *)version.body.p, WEFT_VERSION);
        return buf;
    }
    char name[sizeof s->cpu];
    snprintf(name, sizeof name, "%.*s", cpu.body.n < sizeof name ? (int)cpu.body.n : (int)sizeof name - 1, (const char *)cpu.body.p);
    if (!*s->cpu)
        memcpy(s->cpu, name, sizeof name);
    if (strcmp(s->cpu, name) != 0 && !s->mixed_cpus) {
        snprintf(buf, 600, "it computes with %s, and the others with %s, which rounds differently; OPENBLAS_CORETYPE sets them alike, --mixed-cpus takes both", name,
                 s->cpu);
        return buf;
    }
    return NULL;
}

static void admit(struct weft_run *run, struct state *s, const struct weft_peer *p, struct weft_span map)
{
    char buf[600];
    const char *no = objection(s, map, buf);
    struct weft_err ignored = {0};
    if (no) {
        weft_run_warn(run, "a worker was refused: %s", no);
        tell(s, p, "no", no);
        return;
    }
    if (s->n_workers == s->cap_workers) {
        s->cap_workers = weft_grow(s->cap_workers, s->n_workers + 1);
        s->worker = weft_xrealloc2(s->worker, s->cap_workers, sizeof *s->worker);
    }
    s->worker[s->n_workers++] = (struct worker){.peer = *p, .number = weft_dispatch_join(s->dispatch), .there = true, .heard = weft_milliseconds()};
    s->alive++;
    weft_pack_clear(&s->message);
    weft_pack_map(&s->message, 1);
    weft_pack_cstr(&s->message, "go");
    weft_pack_bin(&s->message, s->head_bytes.p, s->head_bytes.n);
    (void)!weft_socket_send(s->socket, p, s->message.p, s->message.n, 0, &ignored);
}

/* The head of a worker's output: the first one is that of our stream, and the others must have the same. */
static int take_open(struct weft_run *run, struct state *s, struct worker *w, struct weft_span body, struct weft_err *e)
{
    struct weft_head h;
    struct weft_walker walk = {0};
    w->open = true;
    if (s->open.n) {
        if (s->open.n == body.n && memcmp(s->open.p, body.p, body.n) == 0)
            return 0;
        weft_run_warn(run, "a worker was refused: its program or model is not that of the others");
        tell(s, &w->peer, "no", "your output has another head than that of the other workers: another program, option or model");
        drop_worker(run, s, w, "refused");
        return 0;
    }
    if (weft_walk(&walk, body.p, body.n, body.n, e) != 1 || walk.off != body.n)
        return weft_fail(e, WEFT_DATA, "a worker sent a damaged head");
    weft_pack_raw(&s->open, body);
    if (weft_head_read(weft_pack_span(&s->open), &h, e) < 0)
        return -1;
    weft_head_program(&h, s->program, sizeof s->program);
    return weft_run_head_as(run, h.schema, h.attrs, h.lineage, e);
}

static int take_results(struct state *s, struct worker *w, struct weft_span map, struct weft_value numbers, struct weft_err *e)
{
    struct weft_value sizes, rejected, data, n, size, r;
    if (!weft_map_find(map, "sizes", &sizes) || !weft_map_find(map, "rejected", &rejected) || !weft_map_find(map, "data", &data) || data.kind != WEFT_BIN ||
        numbers.kind != WEFT_ARRAY || sizes.kind != WEFT_ARRAY || rejected.kind != WEFT_ARRAY)
        return weft_fail(e, WEFT_DATA, "a worker sent damaged results");
    struct weft_span body = data.body;
    while (weft_value_next(&numbers.body, &n) && weft_value_next(&sizes.body, &size) && weft_value_next(&rejected.body, &r)) {
        if (size.u > body.n)
            return weft_fail(e, WEFT_DATA, "a worker sent damaged results");
        weft_dispatch_done(s->dispatch, w->number, n.u, (struct weft_span){body.p, size.u}, r.u);
        body.p += size.u;
        body.n -= size.u;
        w->done++;
    }
    w->heard = weft_milliseconds();
    return 0;
}

static int take_message(struct weft_run *run, struct state *s, const struct weft_received *m, struct weft_err *e)
{
    struct weft_span map = {m->p, m->n};
    struct weft_walker walk = {0};
    struct weft_value v;
    struct worker *w = find_worker(s, &m->from);
    struct weft_err ignored = {0};
    bool good = weft_walk(&walk, m->p, m->n, m->n, &ignored) == 1 && walk.off == m->n;
    if (!w) { /* somebody new, or a stranger's noise */
        if (good && weft_map_find(map, "hello", &v) && weft_value_is(&v, "worker"))
            admit(run, s, &m->from, map);
        else if (good && weft_map_find(map, "hello", &v))
            tell(s, &m->from, "no", "this is a scatter: connect with work");
        return 0;
    }
    int rc = 0;
    if (good && weft_map_find(map, "results", &v))
        rc = take_results(s, w, map, v, &ignored);
    else if (good && weft_map_find(map, "open", &v) && v.kind == WEFT_BIN)
        return take_open(run, s, w, v.body, e);
    else if (good && (weft_map_find(map, "failed", &v) || weft_map_find(map, "cannot", &v))) {
        char reason[256];
        snprintf(reason, sizeof reason, "%.*s", v.body.n < 255 ? (int)v.body.n : 255, (const char *)v.body.p);
        weft_run_warn(run, "a worker's program failed: %s", reason);
        weft_dispatch_failed(s->dispatch, w->number, reason);
    } else if (good && weft_map_find(map, "leave", &v))
        w->leaving = true;
    else if (!good)
        rc = -1;
    if (rc < 0) {
        tell(s, &w->peer, "no", "what you sent is damaged");
        drop_worker(run, s, w, "it sent damaged results");
    }
    return 0;
}

static int serve_socket(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_received m;
    int got;
    /* Not for ever: results must go out in between. */
    for (int i = 0; i < 256 && (got = weft_socket_receive(s->socket, &m, 0, e)) != 0; i++) {
        if (got < 0)
            return -1;
        struct worker *w = m.event == WEFT_SOCKET_GONE ? find_worker(s, &m.from) : NULL;
        if (w)
            drop_worker(run, s, w, "its connection ended");
        if (m.event == WEFT_SOCKET_MESSAGE && take_message(run, s, &m, e) < 0)
            return -1;
    }
    return 0;
}

/* As many frames as the worker may have, in messages of moderate size. */
static void feed_worker(struct weft_run *run, struct state *s, struct worker *w)
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
                drop_worker(run, s, w, "it can't be reached");
                more = false;
            }
        }
        weft_pack_free(&data);
    }
}

static void feed_workers(struct weft_run *run, struct state *s)
{
    for (size_t i = 0; i < s->n_workers; i++) {
        struct worker *w = &s->worker[i];
        if (!w->there || !w->open)
            continue;
        size_t in_flight = weft_dispatch_in_flight(s->dispatch, w->number);
        if (in_flight && (double)(weft_milliseconds() - w->heard) > 1000 * s->hang) {
            tell(s, &w->peer, "no", "nothing came from you for too long (--hang)");
            drop_worker(run, s, w, "it hangs");
        } else if (!w->leaving) {
            feed_worker(run, s, w);
        } else if (!in_flight && !w->ending) {
            w->ending = true;
            tell(s, &w->peer, "end", "");
        }
    }
}

/* --- results --- */

static int set_aside(struct weft_run *run, struct state *s, const struct weft_dispatch_result *r, struct weft_err *e)
{
    if (!s->dead_letter) {
        weft_fail(e, WEFT_DATA, "no worker can take frame %llu: %s", (unsigned long long)r->number + 1, r->reason);
        return weft_fail_hint(e, "--dead-letter FILE sets such frames aside and goes on");
    }
    if (!s->dead && (weft_writer_open(s->dead_letter, weft_run_stream_opts(run), &s->dead, e) < 0 ||
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
    weft_run_reject(run, 1);
    s->n_dead++;
    return rc;
}

static int take_finished(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_dispatch_result r;
    while (weft_dispatch_take(s->dispatch, &r)) {
        if (r.dead) {
            if (set_aside(run, s, &r, e) < 0)
                return -1;
            continue;
        }
        struct weft_value map;
        while (weft_value_next(&r.maps, &map))
            if (weft_run_emit(run, map.whole, e) < 0)
                return -1;
        weft_run_reject(run, r.rejected);
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
    weft_progress_at(&s->progress, c.done, 0, "frames", "%zu workers, %zu in flight, %llu retried", c.workers, c.in_flight, (unsigned long long)c.retried);
    if (!s->status || weft_milliseconds() < s->status_at || weft_file_create(s->status, &f, &ignored) < 0)
        return;
    s->status_at = weft_milliseconds() + 1000;
    struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"weft_scatter_frames_read_total", c.in}, {"weft_scatter_frames_done_total", c.done}, {"weft_scatter_frames_retried_total", c.retried},
                {"weft_scatter_frames_dead_total", c.dead}, {"weft_scatter_results_doubled_total", c.duplicates}, {"weft_scatter_frames_in_flight", c.in_flight},
                {"weft_scatter_frames_held", c.held}, {"weft_scatter_workers", c.workers}};
    int rc = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && rc == 0; i++)
        rc = weft_file_write(f, line, (size_t)snprintf(line, sizeof line, "%s %llu\n", rows[i].name, (unsigned long long)rows[i].value), &ignored);
    for (size_t i = 0; i < s->n_workers && rc == 0; i++)
        if (s->worker[i].there)
            rc = weft_file_write(f, line, (size_t)snprintf(line, sizeof line, "weft_scatter_worker_done_total{worker=\"%zu\"} %llu\n", i, (unsigned long long)s->worker[i].done), &ignored);
    if (rc == 0)
        (void)!weft_file_commit(&f, &ignored);
    else
        weft_file_abort(&f);
}

/* --- the run --- */

static int open_all(struct weft_run *run, struct state *s, struct weft_err *e)
{
    const struct weft_stream_opts *o = weft_run_stream_opts(run);
    struct weft_socket_opts so = o->wire.socket;
    char *endpoint = weft_xasprintf("%s%s", strncmp(s->bind, "bind+", 5) == 0 ? "" : "bind+", s->bind);
    so.high_water = 0x4000; /* credit bounds what is on the way */
    int rc = weft_socket_open(endpoint, &so, &s->socket, e);
    free(endpoint);
    if (rc < 0 || weft_reader_open(s->input, NULL, o, &s->in.reader, e) < 0)
        return -1;
    s->head = weft_reader_head(s->in.reader);
    weft_head_pack(&s->head_bytes, s->head->schema, s->head->attrs, s->head->lineage);
    struct weft_dispatch_opts d = {.window = (size_t)(s->window ? s->window : 4 * s->credit), .credit = (size_t)s->credit, .attempts = (int)s->attempts,
                                   .losses = 100, .unordered = s->unordered};
    s->dispatch = weft_dispatch_new(&d);
    pthread_mutex_init(&s->in.lock, NULL);
    pthread_cond_init(&s->in.room, NULL);
    s->in.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_t thread;
    if (s->in.wake < 0 || pthread_create(&thread, NULL, read_input, &s->in) != 0)
        return weft_fail_errno(e, WEFT_TEMPFAIL, "no thread to be had");
    pthread_detach(thread); /* it may wait for input for ever: it ends with the process */
    s->lonely_since = weft_milliseconds();
    weft_progress_start(&s->progress, weft_run_program(run), weft_run_progress(run));
    return 0;
}

static int run_loop(struct weft_run *run, struct state *s, struct weft_err *e)
{
    int wait_ms = weft_run_stream_opts(run)->wire.wait_ms;
    for (;;) {
        struct pollfd fd = {.fd = s->in.wake, .events = POLLIN};
        uint64_t count;
        int ended = take_input(run, s, e);
        if (ended < 0)
            return -1;
        feed_workers(run, s);
        if (take_finished(run, s, e) < 0)
            return -1;
        if (ended && s->open.n && weft_dispatch_idle(s->dispatch))
            return 0;
        if (!s->alive && weft_milliseconds() - s->lonely_since > wait_ms) {
            weft_fail(e, WEFT_PEER, "no worker at %s for %d s", weft_socket_address(s->socket), wait_ms / 1000);
            return weft_fail_hint(e, weft_socket_refused(s->socket) ? "some were refused: their public keys must be in --peer-keys" : "start `work --connect ...`, or give it more time with --wait");
        }
        if (weft_socket_poll(s->socket, &fd, 1, TICK_MS, e) < 0 || weft_run_stopping(run))
            return weft_run_interrupted(e);
        (void)!read(s->in.wake, &count, sizeof count);
        if (serve_socket(run, s, e) < 0)
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

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (open_all(run, s, e) < 0)
        return -1;
    int rc = run_loop(run, s, e);
    weft_progress_end(&s->progress);
    s->status_at = 0;
    write_status(s);
    pthread_mutex_lock(&s->in.lock);
    bool ended = s->in.ended;
    pthread_mutex_unlock(&s->in.lock);
    if (ended) {
        weft_run_stand_for(run, s->in.reader, *s->program ? s->program : weft_run_program(run));
        s->in.reader = NULL;
    }
    if (rc < 0) {
        for (size_t i = 0; i < s->n_workers; i++)
            if (s->worker[i].there)
                tell(s, &s->worker[i].peer, "no", "the run has failed at its head");
        return -1;
    }
    say_goodbye(s);
    if (s->dead) {
        struct weft_pack counts = {0};
        weft_pack_array(&counts, 0);
        rc = weft_writer_end(s->dead, weft_pack_span(&counts), e);
        weft_pack_free(&counts);
        weft_run_warn(run, "%llu frames that no worker could take are in %s", (unsigned long long)s->n_dead, s->dead_letter);
        if (!s->allow_dead)
            weft_run_exit_with(run, WEFT_DATA);
    }
    return rc;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_socket_close(&s->socket, LINGER_MS);
    weft_dispatch_free(&s->dispatch);
    weft_writer_close(&s->dead);
    free(s->worker);
    weft_pack_free(&s->head_bytes);
    weft_pack_free(&s->open);
    weft_pack_free(&s->message);
    weft_pack_free(&s->scratch);
    for (size_t i = 0; i < QUEUE && s->in.ended; i++)
        weft_pack_free(&s->in.frame[i]);
}

static const struct weft_filter filter = {
    .usage = {.name = "scatter",
              .summary = "spreads one filter over many machines",
              .synopsis = "scatter --bind ENDPOINT [OPTION...]",
              .reads = "any stream",
              .writes = "the stream that the workers' program makes of it",
              .examples = "ingest train.csv | scatter --bind tcp://*:5570 --key head.key --peer-keys workers.pub | rank\n"
                          "scatter --bind tcp://127.0.0.1:5570 --dead-letter dead.weft -i products.weft -o features.weft",
              .see_also = "work, keygen",
              .notes = "Every frame goes to one worker (work --connect), is kept until its result is back, and goes to another one when its worker dies, hangs or "
                       "is cut off. Results leave in the order of the input, each once, so the output is byte for byte that of a single process. A frame that "
                       "fails on worker after worker goes to --dead-letter, and the exit status is 65.\n"
                       "Workers may join and leave at any time; those of another version, of another program or model, or with other CPU kernels are refused. "
                       "Memory is bounded by the window and the size of frames."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_NONE,
    .out = WEFT_IO_STREAM,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
