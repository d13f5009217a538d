/* test_replay.c - the replay of a stock, against a ledger that is kept otherwise: every order is a lot with its day. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "order/replay.h"

/* What is owned on day t is the sum of the lots that have come less what was sold: no running stock. */
static struct weft_replay by_lots(const float *demand, size_t lead, size_t review, const double *level, size_t orders)
{
    struct weft_replay out = {0};
    double lot[64] = {level[0]}, sold[512] = {0};
    size_t day[64] = {0}, lots = 1, days = (orders - 1) * review + lead + review;
    bool whole = true;
    for (size_t t = 0; t < days; t++) {
        double all = 0, there = 0, gone = 0;
        for (size_t s = 0; s < t; s++)
            gone += sold[s];
        for (size_t i = 0; i < lots; i++)
            all += lot[i];
        if (t && t % review == 0 && t / review < orders && level[t / review] > all - gone) {
            day[lots] = t + lead;
            lot[lots++] = level[t / review] - (all - gone);
        }
        for (size_t i = 0; i < lots; i++)
            there += day[i] <= t ? lot[i] : 0;
        double asked = demand[t] > 0 ? demand[t] : 0;
        sold[t] = asked < there - gone ? asked : there - gone;
        whole = whole && asked <= there - gone;
        if (t < lead)
            continue;
        out.demand += asked;
        out.sold += sold[t];
        if ((t + 1 - lead) % review == 0) {
            out.cycles++;
            out.whole += whole;
            out.left += there - gone - sold[t];
            whole = true;
        }
    }
    return out;
}

static void is_that_of_the_lots(void **state)
{
    (void)state;
    struct weft_rng rng = weft_rng(3, 0);
    for (size_t lead = 0; lead < 9; lead++)
        for (size_t review = 1; review < 8; review += 2) {
            enum { ORDERS = 12 };
            float demand[256];
            double level[ORDERS];
            for (size_t t = 0; t < 256; t++)
                demand[t] = (float)weft_rng_below(&rng, 12) - 1; /* a day with returns now and then */
            for (size_t k = 0; k < ORDERS; k++)
                level[k] = floor((double)(lead + review) * (3 + 4 * weft_rng_unit(&rng)));
            struct weft_replay got = {0}, want = by_lots(demand, lead, review, level, ORDERS);
            weft_replay_run(demand, lead, review, level, ORDERS, &got);
            assert_int_equal(got.cycles, ORDERS);
            assert_int_equal(got.cycles, want.cycles);
            assert_int_equal(got.whole, want.whole);
            assert_true(fabs(got.demand - want.demand) + fabs(got.sold - want.sold) + fabs(got.left - want.left) <
                        1e-9);
            assert_true(got.whole > 0 && got.whole < got.cycles + 1);
        }
}

/* Ten a day, a week's stock each week: nothing is lost, nothing is left. */
static void flat_demand_leaves_nothing(void **state)
{
    (void)state;
    float demand[35];
    double level[] = {70, 70, 70, 70, 70}, less[] = {60, 60, 60, 60, 60};
    for (size_t t = 0; t < 35; t++)
        demand[t] = 10;
    struct weft_replay got = {0}, few = {0};
    weft_replay_run(demand, 0, 7, level, 5, &got);
    assert_true(got.whole == 5 && got.left == 0 && got.sold == 350);
    weft_replay_run(demand, 0, 7, less, 5, &few);
    assert_true(few.whole == 0 && few.left == 0 && few.sold == 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_that_of_the_lots),
        cmocka_unit_test(flat_demand_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
