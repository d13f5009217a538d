/* test_rank_quality.c - measures of an order against tests/reference/make_rank_quality.py, which tries every order. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/rank_quality.h"
#include "nn/safetensors.h"

enum { MOST = 16 };

static size_t numbers(const struct weft_st *st, size_t i, const char *what, double out[MOST])
{
    char name[40];
    float x[MOST];
    snprintf(name, sizeof name, "%zu.%s", i, what);
    const struct weft_st_tensor *t = weft_st_find(st, name);
    if (!t)
        return 0;
    assert_true(t->count <= MOST);
    weft_st_values(t, 0, t->count, x);
    for (size_t k = 0; k < t->count; k++)
        out[k] = (double)x[k];
    return t->count;
}

static void same(double got, double want)
{
    if (isnan(want))
        assert_true(isnan(got));
    else
        assert_true(fabs(got - want) < 1e-6 * (1 + fabs(want)));
}

static void every_order(void **state)
{
    (void)state;
    struct weft_st *st;
    struct weft_err e = {0};
    assert_int_equal(weft_st_open("tests/reference/rank_quality.safetensors", &st, &e), 0);
    double p[MOST], b[MOST], want[MOST];
    size_t i, n;
    for (i = 0; (n = numbers(st, i, "predicted", p)); i++) {
        struct weft_rank_quality q;
        assert_int_equal(numbers(st, i, "became", b), n);
        assert_int_equal(numbers(st, i, "measures", want), 5);
        weft_rank_quality_of(p, b, n, 5, 3, &q);
        same(q.spearman, want[0]);
        same(q.ndcg, want[1]);
        same(q.hits, want[2]);
        same(q.regret, want[3]);
        same(q.error, want[4]);
    }
    assert_true(i >= 17);
    weft_st_close(&st);
}

/* Lots: 3 of 53 hit by chance, and the first is as good as the mean. */
static void lots(void **state)
{
    (void)state;
    double p[53], b[53], sum = 0;
    struct weft_rank_quality q;
    for (size_t i = 0; i < 53; i++) {
        p[i] = 1;
        sum += b[i] = (double)((i * 29) % 53) / 10;
    }
    weft_rank_quality_of(p, b, 53, 5, 3, &q);
    assert_true(q.spearman == 0);
    assert_true(fabs(q.hits - 3.0 / 53) < 1e-12);
    assert_true(fabs(q.regret - (5.2 - sum / 53)) < 1e-12);
    weft_rank_quality_of(b, b, 53, 5, 3, &q);
    assert_true(fabs(q.spearman - 1) < 1e-12 && fabs(q.ndcg - 1) < 1e-12 && fabs(q.hits - 1) < 1e-12 && q.regret == 0 &&
                q.error == 0);
}

/* The order in which the groups come decides nothing, and no group is no measure. */
static void any_order(void **state)
{
    (void)state;
    double p[] = {2, 1, 2, 3, 1, 2}, b[] = {5, 3, 4, 1, 2, 6}, rp[6], rb[6];
    struct weft_rank_quality q, r;
    for (size_t i = 0; i < 6; i++) {
        rp[5 - i] = p[i];
        rb[5 - i] = b[i];
    }
    weft_rank_quality_of(p, b, 6, 2, 2, &q);
    weft_rank_quality_of(rp, rb, 6, 2, 2, &r);
    same(q.spearman, r.spearman);
    same(q.ndcg, r.ndcg);
    same(q.hits, r.hits);
    same(q.regret, r.regret);
    weft_rank_quality_of(p, b, 0, 5, 3, &q);
    assert_true(isnan(q.spearman) && isnan(q.ndcg) && isnan(q.hits) && isnan(q.regret) && isnan(q.error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_order), cmocka_unit_test(lots),
                                       cmocka_unit_test(any_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
