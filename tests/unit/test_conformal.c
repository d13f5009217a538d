/* test_conformal.c - which residuals are kept, and what becomes of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "base/rng.h"

enum { OFFERS = 5000, WIDTH = 3 };

static uint64_t hash_of(uint64_t i)
{
    return weft_hash(&i, sizeof i, 1);
}

static void offer(struct weft_residuals *r, uint64_t i)
{
    float *row = weft_residuals_offer(r, hash_of(i));
    for (size_t k = 0; row && k < WIDTH; k++)
        row[k] = (float)(i + k);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void check(const struct weft_residuals *r, const uint64_t *sorted, size_t n)
{
    assert_int_equal(r->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(r->hash[i] == sorted[i]);
        const float *row = r->rows + i * WIDTH;
        assert_true(hash_of((uint64_t)row[0]) == sorted[i] && row[2] == row[0] + 2);
    }
}

static void least_hashes_stay(void **state)
{
    (void)state;
    static uint64_t sorted[OFFERS];
    for (uint64_t i = 0; i < OFFERS; i++)
        sorted[i] = hash_of(i);
    qsort(sorted, OFFERS, sizeof *sorted, ascending);
    static const size_t caps[] = {0, 1, 7, 16, 100, 1000, 9999};
    for (size_t c = 0; c < sizeof caps / sizeof *caps; c++) {
        struct weft_residuals up, down, less;
        size_t cap = caps[c], n = cap < OFFERS ? cap : OFFERS;
        weft_residuals_init(&up, cap, WIDTH);
        weft_residuals_init(&down, cap, WIDTH);
        weft_residuals_init(&less, 10000, WIDTH);
        for (uint64_t i = 0; i < OFFERS; i++) {
            offer(&up, i);
            offer(&down, OFFERS - 1 - i);
            offer(&less, i);
            if (i == 40 || i == 3000)
                weft_residuals_limit(&less, i == 40 ? 2 * cap + 30 : cap);
        }
        weft_residuals_sort(&up);
        weft_residuals_sort(&down);
        weft_residuals_sort(&less);
        check(&up, sorted, n);
        check(&down, sorted, n);
        check(&less, sorted, n);
        weft_residuals_free(&up);
        weft_residuals_free(&down);
        weft_residuals_free(&less);
    }
    assert_int_equal(weft_residuals_cap(1), 1000);
    assert_int_equal(weft_residuals_cap(350), 187);
    assert_int_equal(weft_residuals_cap(100000), 100);
}

static void spread(void **state)
{
    (void)state;
    const float x[] = {1e6f, 1e6f + 2, 1e6f, 1e6f + 2};
    assert_true(weft_local_spread(x, 4, 0) == 1);
    assert_true(weft_local_spread(x, 4, 3) == 3);
    assert_true(weft_local_spread(x, 1, 0.5f) == 0.5f);
}

static void twice_the_last(void *self, size_t unit, const float *const *x, size_t batch, float *y)
{
    (void)self;
    (void)unit;
    for (size_t b = 0; b < batch; b++)
        y[b] = 2 * x[b][1];
}

static void rows_of_the_file(void **state)
{
    (void)state;
    struct weft_residuals r;
    float out[3], floor;
    weft_residuals_init(&r, 10, WIDTH);
    float *row = weft_residuals_offer(&r, 9);
    memcpy(row, (const float[]){5, 5, 11}, WIDTH * sizeof *row); /* flat */
    row = weft_residuals_offer(&r, 4);
    memcpy(row, (const float[]){1, 3, 8}, WIDTH * sizeof *row); /* spread 1 */
    weft_residuals_finish(&r, 2, 1, twice_the_last, NULL, 0, 3, false, out, &floor);
    assert_true(fabsf(floor - 0.05f) < 1e-7f);
    assert_true(out[0] == 2);                       /* (8 - 6) / 1 */
    assert_true(fabsf(out[1] - 1 / floor) < 1e-5f); /* (11 - 10) / floor */
    assert_true(isnan(out[2]));
    weft_residuals_free(&r);
    weft_residuals_init(&r, 10, WIDTH);
    weft_residuals_finish(&r, 2, 1, twice_the_last, NULL, 0, 3, false, out, &floor);
    assert_true(isnan(out[0]) && floor > 0);
    weft_residuals_free(&r);
}

/* A product that is sold only since the origin: its flat lookback is no measure, and its row is left out; not where
 * most rows are such. */
static void newcomers_are_left_out(void **state)
{
    (void)state;
    static const float rows[][WIDTH] = {{1, 3, 8}, {0, 0, 100}, {2, 4, 7}, {5, 5, 11}};
    for (size_t n = 3; n <= 4; n++) {
        struct weft_residuals r;
        float out[4], floor;
        weft_residuals_init(&r, 10, WIDTH);
        for (size_t i = 0; i < n; i++)
            memcpy(weft_residuals_offer(&r, i), rows[i], sizeof rows[i]);
        weft_residuals_finish(&r, 2, 1, twice_the_last, NULL, 0, 4, false, out, &floor);
        assert_true(out[0] == 2);
        assert_true(n == 4 ? fabsf(floor - 0.05f) < 1e-7f : fabsf(floor - 0.1f) < 1e-7f);
        assert_true(n == 4 ? fabsf(out[1] - 100 / floor) < 1e-3f : out[1] == -1);
        assert_true(n == 4 ? out[2] == -1 : isnan(out[2]));
        weft_residuals_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(newcomers_are_left_out), cmocka_unit_test(least_hashes_stay),
                                       cmocka_unit_test(spread), cmocka_unit_test(rows_of_the_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
