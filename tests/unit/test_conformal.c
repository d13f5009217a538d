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
    weft_residuals_finish(&r, 2, 1, twice_the_last, NULL, 0, 3, false, out, &floor, NULL);
    assert_true(fabsf(floor - 0.05f) < 1e-7f);
    assert_true(out[0] == 2);                       /* (8 - 6) / 1 */
    assert_true(fabsf(out[1] - 1 / floor) < 1e-5f); /* (11 - 10) / floor */
    assert_true(isnan(out[2]));
    weft_residuals_free(&r);
    weft_residuals_init(&r, 10, WIDTH);
    weft_residuals_finish(&r, 2, 1, twice_the_last, NULL, 0, 3, false, out, &floor, NULL);
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
        weft_residuals_finish(&r, 2, 1, twice_the_last, NULL, 0, 4, false, out, &floor, NULL);
        assert_true(out[0] == 2);
        assert_true(n == 4 ? fabsf(floor - 0.05f) < 1e-7f : fabsf(floor - 0.1f) < 1e-7f);
        assert_true(n == 4 ? fabsf(out[1] - 100 / floor) < 1e-3f : out[1] == -1);
        assert_true(n == 4 ? out[2] == -1 : isnan(out[2]));
        weft_residuals_free(&r);
    }
}

/* One row in ten is of a series that hardly moves, and errs by thirty times its spread: it counts by that spread. */
static void rare_rows_do_not_rule(void **state)
{
    (void)state;
    enum { ROWS = 10, STEPS = 2 };
    float rows[ROWS * STEPS], spread[ROWS];
    double cov[STEPS * STEPS], share;
    for (size_t i = 0; i < ROWS; i++) {
        rows[2 * i] = i ? 1 : 30;
        rows[2 * i + 1] = i % 2 ? 1 : -1;
        spread[i] = i ? 1 : 0.1f;
    }
    assert_int_equal(weft_errors_covariance(rows, NULL, ROWS, STEPS, cov, &share), ROWS);
    assert_true(fabs(cov[0] - 90.9) < 1e-9 && fabs(cov[3] - 1) < 1e-9 && fabs(share - 1) < 1e-12);
    assert_int_equal(weft_errors_covariance(rows, spread, ROWS, STEPS, cov, &share), ROWS);
    double w = 0.1f / 0.91 * (0.1f / 0.91);
    assert_true(fabs(cov[0] - (9 + 900 * w) / (9 + w)) < 1e-5 && fabs(cov[3] - 1) < 1e-9);
    assert_true(fabs(share - (9 + w) * (9 + w) / (10 * (9 + w * w))) < 1e-6);
    rows[1] = NAN;
    assert_int_equal(weft_errors_covariance(rows, spread, ROWS, STEPS, cov, &share), ROWS - 1);
    assert_true(fabs(cov[0] - 1) < 1e-9);
}

/* Normal rows stay what they are; where 5 % of rows err 20 times as much as the others, the interval of 90 % of a sum
 * and of growth holds 90 %. */
static void sums_and_growth_hold_what_they_say(void **state)
{
    (void)state;
    enum { ROWS = 4000, STEPS = 8 };
    static float rows[ROWS * STEPS];
    for (int wild = 0; wild < 2; wild++) {
        struct weft_rng rng = weft_rng(3, 0);
        double cov[STEPS * STEPS], share, inside[2] = {0}, sum = 0, growth = 0;
        for (size_t i = 0; i < ROWS; i++) {
            double level = weft_rng_normal(&rng), size = wild && i % 20 == 0 ? 20 : 1;
            for (size_t h = 0; h < STEPS; h++)
                rows[i * STEPS + h] = (float)(size * (weft_rng_normal(&rng) + level));
        }
        (void)weft_errors_covariance(rows, NULL, ROWS, STEPS, cov, &share);
        double before = cov[0];
        weft_errors_calibrate(rows, ROWS, STEPS, ROWS, cov);
        assert_true(wild ? cov[0] < before / 5 : fabs(cov[0] / before - 1) < 0.1);
        for (size_t h = 0; h < STEPS; h++)
            for (size_t g = 0; g < STEPS; g++) {
                int a = (h >= 6) - (h < 2), b = (g >= 6) - (g < 2);
                sum += cov[h * STEPS + g];
                growth += a * b * cov[h * STEPS + g];
                assert_true(fabs(cov[h * STEPS + g] - cov[g * STEPS + h]) < 1e-9 * before);
            }
        for (size_t i = 0; i < ROWS; i++) {
            const float *r = rows + i * STEPS;
            double s = 0;
            for (size_t h = 0; h < STEPS; h++)
                s += r[h];
            inside[0] += fabs(s) <= 1.645 * sqrt(sum);
            inside[1] += fabs(r[6] + r[7] - r[0] - r[1]) <= 1.645 * sqrt(growth);
        }
        assert_true(fabs(inside[0] / ROWS - 0.9) < 0.005 && fabs(inside[1] / ROWS - 0.9) < 0.005);
    }
}

/* Where 19 of 20 series stand still their errors of nothing are not the interval of the one that moves. */
static void still_rows_make_no_interval(void **state)
{
    (void)state;
    struct weft_residuals r;
    struct weft_errors x;
    weft_errors_init(&x, 1, 1);
    weft_residuals_init(&r, 2000, WIDTH);
    for (uint64_t i = 0; i < 800; i++) {
        float *row = weft_residuals_offer(&r, hash_of(i)), moves = i % 20 == 0;
        memcpy(row, (const float[]){2, 2 + 2 * moves, 2 * (2 + 2 * moves) + moves}, WIDTH * sizeof *row);
    }
    weft_errors_take(&x, 0, &r, 2, twice_the_last, NULL, false);
    size_t n = 0;
    for (size_t i = 0; i < x.rows; i++)
        n += isfinite(x.residuals[i]) && x.residuals[i] == 1 && x.spread[i] == 1;
    assert_int_equal(n, 40);
    assert_true(isnan(x.residuals[40]) && isnan(x.spread[40]) && fabsf(x.floor[0] - 0.1f) < 1e-7f);
    weft_errors_free(&x);
    weft_residuals_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(newcomers_are_left_out),
                                       cmocka_unit_test(least_hashes_stay),
                                       cmocka_unit_test(spread),
                                       cmocka_unit_test(rows_of_the_file),
                                       cmocka_unit_test(rare_rows_do_not_rule),
                                       cmocka_unit_test(sums_and_growth_hold_what_they_say),
                                       cmocka_unit_test(still_rows_make_no_interval)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
