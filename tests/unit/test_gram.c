/* test_gram.c - Gram matrices by recursion against sums over expanded windows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/gram.h"
#include "base/mem.h"
#include "base/rng.h"

static void fill(double *x, size_t n, uint64_t stream, double level)
{
    struct weft_rng r = weft_rng(7, stream);
    for (size_t i = 0; i < n; i++)
        x[i] = level + weft_rng_normal(&r);
    for (size_t i = n; i < n + WEFT_GRAM_SLACK; i++)
        x[i] = NAN; /* must play no part */
}

/* Largest difference between g and the sum over windows of all runs, as a part of the largest element. */
static double error_of(const struct weft_gram *g, double *const *runs, const size_t *counts, size_t n_runs)
{
    double worst = 0, top = 1e-300;
    for (size_t i = 0; i < g->width; i++) {
        double sum = 0;
        for (size_t r = 0; r < n_runs; r++)
            for (size_t w = 0; w < counts[r]; w++)
                sum += runs[r][w * g->stride + i];
        worst = fmax(worst, fabs(sum - g->sum[i]) / (1 + fabs(sum)));
        for (size_t j = 0; j < g->width; j++) {
            double want = 0;
            for (size_t r = 0; r < n_runs; r++)
                for (size_t w = 0; w < counts[r]; w++)
                    want += runs[r][w * g->stride + i] * runs[r][w * g->stride + j];
            top = fmax(top, fabs(want));
            worst = fmax(worst, fabs(want - weft_gram_at(g, i, j)) / top);
        }
    }
    return worst;
}

static void check(size_t width, size_t stride)
{
    static const size_t counts[] = {1, 2, 50, 7, 131};
    double *runs[5];
    struct weft_gram g;
    weft_gram_init(&g, width, stride);
    for (size_t r = 0; r < 5; r++) {
        size_t n = (counts[r] - 1) * stride + width;
        runs[r] = weft_xmalloc((n + WEFT_GRAM_SLACK) * sizeof(double));
        fill(runs[r], n, r, 3);
        weft_gram_add(&g, runs[r], counts[r]);
    }
    weft_gram_add(&g, runs[0], 0);
    weft_gram_finish(&g);
    weft_gram_finish(&g);
    assert_int_equal(g.n, 191);
    assert_true(error_of(&g, runs, counts, 5) < 1e-13);
    for (size_t r = 0; r < 5; r++)
        free(runs[r]);
    weft_gram_free(&g);
}

static void recursion_equals_direct_sums(void **state)
{
    (void)state;
    static const size_t widths[] = {1, 2, 3, 4, 5, 8, 31, 39, 40, 41, 44, 45, 72, 73, 97};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        check(widths[i], 1);
}

static void strides_are_exact(void **state)
{
    (void)state;
    check(12, 3);
    check(5, 11);
}

static void merge_shift_and_pack(void **state)
{
    (void)state;
    enum { WIDTH = 13 };
    static const size_t counts[] = {40, 9};
    double *runs[2], packed[WIDTH * (WIDTH + 1) / 2];
    struct weft_gram g[2], copy;
    for (size_t r = 0; r < 2; r++) {
        runs[r] = weft_xmalloc((counts[r] - 1 + WIDTH + WEFT_GRAM_SLACK) * sizeof(double));
        fill(runs[r], counts[r] - 1 + WIDTH, 10 + r, 2);
        weft_gram_init(&g[r], WIDTH, 1);
        weft_gram_add(&g[r], runs[r], counts[r]);
        weft_gram_finish(&g[r]);
    }
    weft_gram_merge(&g[0], &g[1]);
    assert_true(error_of(&g[0], runs, counts, 2) < 1e-13);
    weft_gram_shift(&g[0], 1.75);
    for (size_t r = 0; r < 2; r++)
        for (size_t i = 0; i < counts[r] - 1 + WIDTH; i++)
            runs[r][i] -= 1.75;
    assert_true(error_of(&g[0], runs, counts, 2) < 1e-12);
    assert_int_equal(weft_gram_packed_size(WIDTH), WIDTH * (WIDTH + 1) / 2);
    weft_gram_pack(&g[0], packed);
    weft_gram_init(&copy, WIDTH, 1);
    weft_gram_unpack(&copy, packed);
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t j = i; j < WIDTH; j++)
            assert_true(weft_gram_at(&copy, j, i) == weft_gram_at(&g[0], i, j));
    for (size_t r = 0; r < 2; r++) {
        free(runs[r]);
        weft_gram_free(&g[r]);
    }
    weft_gram_free(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(recursion_equals_direct_sums),
                                       cmocka_unit_test(strides_are_exact), cmocka_unit_test(merge_shift_and_pack)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
