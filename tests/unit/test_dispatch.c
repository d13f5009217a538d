/* test_dispatch.c - scatter's book-keeping under random crashes, losses, late and doubled results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cluster/dispatch.h"
#include "base/rng.h"

enum { FRAMES = 400, WORKERS = 5 };

/* A simulated worker: frames on the way to it, in order, and results that it sends again late. */
struct peer {
    size_t id;
    bool there;
    uint64_t has[64];
    size_t n;
};

struct world {
    struct weft_dispatch *d;
    struct peer peer[WORKERS];
    struct weft_rng rng;
    uint64_t added, expected;
    int seen[FRAMES];
    bool poison[FRAMES], unordered;
};

static bool chance(struct world *w, unsigned percent)
{
    return weft_rng_below(&w->rng, 100) < percent;
}

static void send_result(struct world *w, size_t id, uint64_t number)
{
    uint8_t maps[2] = {(uint8_t)number, (uint8_t)(number >> 8)};
    weft_dispatch_done(w->d, id, number, (struct weft_span){maps, number % 3 ? 2 : 0}, 0);
}

static void step_peer(struct world *w, struct peer *p, bool calm)
{
    if (!p->there) {
        if (calm || chance(w, 30)) {
            *p = (struct peer){.id = weft_dispatch_join(w->d), .there = true};
        }
        return;
    }
    uint64_t number;
    struct weft_span frame;
    while (p->n < 64 && weft_dispatch_next(w->d, p->id, &number, &frame)) {
        assert_int_equal(frame.n, 8);
        uint64_t body;
        memcpy(&body, frame.p, 8);
        assert_int_equal(body, number);
        p->has[p->n++] = number;
    }
    if (!calm && chance(w, 8)) { /* killed, now and then with a result still on the way */
        weft_dispatch_lost(w->d, p->id, "killed");
        if (p->n && chance(w, 50))
            send_result(w, p->id, p->has[0]);
        p->there = false;
        return;
    }
    if (p->n && (calm || chance(w, 60))) {
        if (w->poison[p->has[0]]) {
            weft_dispatch_failed(w->d, p->id, "segmentation fault");
            assert_int_equal(weft_dispatch_in_flight(w->d, p->id), 0);
            p->n = 0;
            return;
        }
        send_result(w, p->id, p->has[0]);
        if (chance(w, 10))
            send_result(w, p->id, p->has[0]); /* doubled */
        memmove(p->has, p->has + 1, --p->n * sizeof *p->has);
    }
}

static void take_results(struct world *w)
{
    struct weft_dispatch_result r;
    while (weft_dispatch_take(w->d, &r)) {
        assert_true(r.number < w->added);
        w->seen[r.number]++;
        if (!w->unordered)
            assert_int_equal(r.number, w->expected++);
        assert_int_equal(r.dead, w->poison[r.number]);
        if (!r.dead) {
            assert_int_equal(r.maps.n, r.number % 3 ? 2 : 0);
            if (r.maps.n)
                assert_int_equal(r.maps.p[0] | r.maps.p[1] << 8, r.number);
        } else {
            assert_string_equal(r.reason, "segmentation fault");
        }
    }
}

static void run_world(uint64_t seed, bool unordered)
{
    struct weft_dispatch_opts o = {.window = 40, .credit = 6, .attempts = 3, .losses = 1000, .unordered = unordered};
    struct world w = {.d = weft_dispatch_new(&o), .rng = weft_rng(seed, 0), .unordered = unordered};
    struct weft_dispatch_counts c;
    for (size_t i = 0; i < FRAMES; i++)
        w.poison[i] = chance(&w, 2);
    for (int step = 0; step < 100000 && !(w.added == FRAMES && weft_dispatch_idle(w.d)); step++) {
        while (w.added < FRAMES && weft_dispatch_room(w.d) && chance(&w, 70)) {
            weft_dispatch_add(w.d, (struct weft_span){(uint8_t *)&w.added, sizeof w.added});
            w.added++;
        }
        for (size_t i = 0; i < WORKERS; i++)
            step_peer(&w, &w.peer[i], step > 50000);
        take_results(&w);
        weft_dispatch_count(w.d, &c);
        assert_true(c.held <= o.window);
        assert_true(c.in_flight <= c.workers * o.credit);
    }
    assert_true(weft_dispatch_idle(w.d));
    for (size_t i = 0; i < FRAMES; i++)
        assert_int_equal(w.seen[i], 1);
    weft_dispatch_free(&w.d);
}

static void random_worlds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++)
        run_world(seed, seed % 2);
}

static void the_guilty_alone_dies(void **state)
{
    (void)state;
    struct weft_dispatch_opts o = {.window = 8, .credit = 4, .attempts = 2, .losses = 3};
    struct weft_dispatch *d = weft_dispatch_new(&o);
    struct weft_span frame;
    struct weft_dispatch_result r;
    uint64_t n;
    for (int i = 0; i < 4; i++)
        weft_dispatch_add(d, (struct weft_span){(const uint8_t *)"x", 1});
    size_t a = weft_dispatch_join(d);
    for (int i = 0; i < 4; i++)
        assert_true(weft_dispatch_next(d, a, &n, &frame));
    weft_dispatch_failed(d, a, "boom"); /* one of four */
    for (int i = 0; i < 4; i++) {
        assert_true(weft_dispatch_next(d, a, &n, &frame));
        uint64_t other;
        assert_false(weft_dispatch_next(d, a, &other, &frame)); /* one at a time */
        assert_int_equal(weft_dispatch_in_flight(d, a), 1);
        if (n == 2) {
            weft_dispatch_failed(d, a, "boom");
            assert_true(weft_dispatch_next(d, a, &n, &frame));
            assert_int_equal(n, 2);
            weft_dispatch_failed(d, a, "boom again");
        } else {
            weft_dispatch_done(d, a, n, (struct weft_span){0}, 0);
        }
    }
    for (uint64_t i = 0; i < 4; i++) {
        assert_true(weft_dispatch_take(d, &r));
        assert_int_equal(r.number, i);
        assert_int_equal(r.dead, i == 2);
        if (r.dead)
            assert_string_equal(r.reason, "boom again");
    }
    assert_true(weft_dispatch_idle(d));
    weft_dispatch_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_worlds), cmocka_unit_test(the_guilty_alone_dies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
