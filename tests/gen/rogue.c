/* rogue.c - a worker for tests that breaks the protocol: rogue MODE ENDPOINT HEAD-FILE. HEAD-FILE: a stream that begins
 * with the head a good worker would send.
 *
 * The head takes it with --mixed-cpus. It ends when it is told so, when the connection ends, or after 30 s. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "frame/pack.h"
#include "frame/socket.h"
#include "frame/version.h"

enum { LIFE_MS = 30000, TICK_MS = 50 };

struct rogue {
    struct weft_socket *socket;
    const char *mode;
    struct weft_span head;
    uint64_t flooded;
};

static bool mode_is(const struct rogue *r, const char *mode)
{
    return strcmp(r->mode, mode) == 0;
}

static void put(struct rogue *r, struct weft_pack *b)
{
    struct weft_peer none = {.n = 0};
    struct weft_err ignored = {0};
    (void)!weft_socket_send(r->socket, &none, b->p, b->n, 1000, &ignored);
    weft_pack_free(b);
}

static void say_hello(struct rogue *r)
{
    struct weft_pack b = {0};
    weft_pack_map(&b, 4);
    weft_pack_cstr(&b, "hello");
    weft_pack_cstr(&b, "worker");
    weft_pack_cstr(&b, "version");
    weft_pack_cstr(&b, mode_is(r, "oldversion") ? "0.0.0" : WEFT_VERSION);
    weft_pack_cstr(&b, "protocol");
    weft_pack_uint(&b, 1);
    weft_pack_cstr(&b, "cpu");
    weft_pack_cstr(&b, "any");
    put(r, &b);
}

static void say_open(struct rogue *r)
{
    struct weft_pack b = {0}, other = {0};
    struct weft_span head = r->head;
    if (mode_is(r, "nohead"))
        return;
    if (mode_is(r, "badhead"))
        head = (struct weft_span){(const uint8_t *)"hello", 5};
    if (mode_is(r, "wronghead")) {
        weft_pack_map(&other, 1);
        weft_pack_cstr(&other, "weft");
        weft_pack_uint(&other, 7);
        head = weft_pack_span(&other);
    }
    weft_pack_map(&b, 1);
    weft_pack_cstr(&b, "open");
    weft_pack_bin(&b, head.p, head.n);
    put(r, &b);
    weft_pack_free(&other);
}

/* One result: what a good worker would call a frame, spoiled. */
static void spoil(const struct rogue *r, struct weft_pack *data)
{
    if (mode_is(r, "garbage"))
        weft_pack_raw(data, (struct weft_span){(const uint8_t *)"hello", 5});
    if (mode_is(r, "short"))
        weft_pack_raw(data, (struct weft_span){r->head.p, r->head.n - 1});
    if (mode_is(r, "list"))
        weft_pack_array(data, 0);
    if (mode_is(r, "fault") || mode_is(r, "tail") || mode_is(r, "head")) {
        weft_pack_map(data, 1);
        weft_pack_cstr(data, mode_is(r, "fault") ? "fault" : mode_is(r, "tail") ? "end" : "weft");
        weft_pack_uint(data, 1);
    }
}

static void answer(struct rogue *r, struct weft_value numbers)
{
    struct weft_pack b = {0}, data = {0}, sizes = {0};
    struct weft_value n;
    struct weft_span at = numbers.body;
    uint32_t count = 0;
    uint64_t ahead = mode_is(r, "lying") ? 1000000 : 0;
    if (mode_is(r, "silent"))
        return;
    weft_pack_map(&b, 4);
    weft_pack_cstr(&b, "results");
    weft_pack_array(&b, numbers.count);
    for (; weft_value_next(&at, &n); count++) {
        size_t before = data.n;
        weft_pack_uint(&b, n.u + ahead);
        spoil(r, &data);
        weft_pack_uint(&sizes, data.n - before + (mode_is(r, "sizes") ? 1000 : 0));
    }
    weft_pack_cstr(&b, "sizes");
    weft_pack_array(&b, count);
    weft_pack_raw(&b, weft_pack_span(&sizes));
    weft_pack_cstr(&b, "rejected");
    weft_pack_array(&b, count);
    for (uint32_t i = 0; i < count; i++)
        weft_pack_uint(&b, 0);
    weft_pack_cstr(&b, "data");
    weft_pack_bin(&b, data.p, data.n);
    put(r, &b);
    weft_pack_free(&data);
    weft_pack_free(&sizes);
}

/* Messages that mean nothing, as fast as they go. */
static void flood(struct rogue *r)
{
    for (int i = 0; i < 1000 && r->flooded < 200000; i++, r->flooded++) {
        struct weft_pack b = {0};
        weft_pack_map(&b, 1);
        weft_pack_cstr(&b, "hello");
        weft_pack_cstr(&b, "worker");
        put(r, &b);
    }
}

int main(int argc, char **argv)
{
    struct rogue r = {0};
    struct weft_err e = {0};
    struct weft_mapping file;
    struct weft_walker walk = {0};
    struct weft_received m;
    struct weft_value v;
    struct weft_socket_opts o = {.insecure = true, .timeout_ms = 5000, .high_water = 1000, .message_max = 1 << 28};
    if (argc != 4 || weft_map_open(argv[3], SIZE_MAX, &file, &e) < 0 ||
        weft_walk(&walk, file.p, file.n, file.n, &e) != 1)
        return 64;
    r.mode = argv[1];
    r.head = (struct weft_span){file.p, walk.off};
    if (weft_socket_open(argv[2], &o, &r.socket, &e) < 0)
        return 69;
    bool met = false, ended = false;
    for (int64_t until = weft_milliseconds() + LIFE_MS; !ended && weft_milliseconds() < until;) {
        int got = weft_socket_receive(r.socket, &m, TICK_MS, &e);
        if (met && mode_is(&r, "flood"))
            flood(&r);
        if (got < 0)
            break;
        if (!got)
            continue;
        if (m.event == WEFT_SOCKET_CONNECTED) {
            met = true;
            say_hello(&r);
        }
        ended = m.event == WEFT_SOCKET_GONE && met;
        struct weft_span map = {m.p, m.n};
        if (m.event != WEFT_SOCKET_MESSAGE)
            continue;
        if (weft_map_find(map, "go", &v))
            say_open(&r);
        if (mode_is(&r, "nohead") || weft_map_find(map, "frames", &v))
            answer(&r, weft_map_find(map, "frames", &v) ? v : (struct weft_value){.kind = WEFT_ARRAY});
        ended |= weft_map_find(map, "no", &v) || weft_map_find(map, "end", &v);
    }
    weft_socket_close(&r.socket, 100);
    weft_map_close(&file);
    return 0;
}
