/* test_reconcile.c - reconciliation against dense matrices in numpy (tests/reference/make_reconcile.py), and exact sums
 * in float32. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/reconcile.h"
#include "base/rng.h"
#include "nn/safetensors.h"

#define FIXTURE "tests/reference/reconcile.safetensors"

enum { NODES_MAX = 64, CASES = 5 };

static const void *tensor(const struct weft_st *st, size_t k, const char *what, size_t n)
{
    char name[32];
    snprintf(name, sizeof name, "%zu.%s", k, what);
    const struct weft_st_tensor *t = weft_st_find(st, name);
    assert_non_null(t);
    assert_int_equal(t->count, n);
    assert_int_equal(t->type, WEFT_ST_F64);
    return t->data;
}

static void same(const char *what, const double *got, const double *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= 1e-10 * (1 + fabs(want[i]))))
            fail_msg("%s, node %zu: %.15g, and numpy has %.15g", what, i, got[i], want[i]);
}

static void like_numpy(void **state)
{
    (void)state;
    struct weft_st *st;
    size_t parent[NODES_MAX], children[NODES_MAX];
    double y[NODES_MAX], leaves[NODES_MAX], room[3 * NODES_MAX];
    assert_int_equal(weft_st_open(FIXTURE, &st, NULL), 0);
    const struct weft_st_tensor *p = weft_st_find(st, "parent"), *counted = weft_st_find(st, "leaves");
    size_t n = p->count;
    for (size_t i = 0; i < n; i++)
        parent[i] = ((const int32_t *)p->data)[i] < 0 ? SIZE_MAX : (size_t)((const int32_t *)p->data)[i];
    weft_tree_count(n, parent, children);
    struct weft_tree t = {n, parent, children};
    weft_tree_leaves(&t, leaves);
    same("leaves", leaves, counted->data, n);
    for (size_t k = 0; k < CASES; k++) {
        const double *base = tensor(st, k, "base", n);
        weft_reconcile_bottom_up(&t, base, y);
        same("bottom-up", y, tensor(st, k, "bottom-up", n), n);
        weft_reconcile_top_down(&t, base, y, room);
        same("top-down", y, tensor(st, k, "top-down", n), n);
        weft_reconcile_wls(&t, base, NULL, y, room);
        same("ols", y, tensor(st, k, "ols", n), n);
        weft_reconcile_wls(&t, base, leaves, y, room);
        same("structural", y, tensor(st, k, "struct", n), n);
        weft_reconcile_wls(&t, base, tensor(st, k, "variance", n), y, room);
        same("wls", y, tensor(st, k, "wls", n), n);
    }
    weft_st_close(&st);
}

static void clipped(void **state)
{
    (void)state;
    const size_t parent[] = {SIZE_MAX, 0, 0, 1, 1};
    size_t children[5];
    double y[] = {1, 2, -1, 5, -3};
    weft_tree_count(5, parent, children);
    struct weft_tree t = {5, parent, children};
    weft_reconcile_clip(&t, y);
    same("clipped", y, (const double[]){5, 5, 0, 5, 0}, 5);
}

/* Random trees, values of many magnitudes: children sum to their parent without any rounding, in float64 and, of one
 * sign, in float32 too. */
static void sums_are_exact(void **state)
{
    (void)state;
    enum { N = 400 };
    size_t *parent = WEFT_ARRAY(size_t, N), *children = WEFT_ARRAY(size_t, N);
    double *y = WEFT_ARRAY(double, N), *room = WEFT_ARRAY(double, 3 * N), *sum = WEFT_ARRAY(double, N);
    float *out = WEFT_ARRAY(float, N), *sum32 = WEFT_ARRAY(float, N);
    struct weft_rng r = weft_rng(7, 1);
    for (int trial = 0; trial < 200; trial++) {
        bool negative = trial % 3 == 0;
        parent[0] = SIZE_MAX;
        for (size_t i = 1; i < N; i++)
            parent[i] = i < 3 ? SIZE_MAX : (size_t)(weft_rng_unit(&r) * (double)(i < 40 ? i : 40));
        weft_tree_count(N, parent, children);
        struct weft_tree t = {N, parent, children};
        for (size_t i = 0; i < N; i++) {
            y[i] = weft_rng_unit(&r) < 0.2 ? 0 : exp(4 * weft_rng_normal(&r) * (trial % 5));
            y[i] *= negative && weft_rng_unit(&r) < 0.5 ? -1 : 1;
        }
        weft_reconcile_bottom_up(&t, y, sum);
        for (size_t i = 0; i < N; i++)
            y[i] = sum[i];
        assert_true(weft_reconcile_round(&t, y, out, room));
        for (size_t i = 0; i < N; i++)
            sum[i] = sum32[i] = 0;
        double *size = room, *moved = room + N; /* the bound on how far a value moves */
        for (size_t i = 0; i < N; i++)
            size[i] = children[i] ? 0 : fabs(y[i]);
        for (size_t i = N; i-- > 0;)
            if (parent[i] != SIZE_MAX) {
                sum[parent[i]] += out[i];
                sum32[parent[i]] += out[i];
                size[parent[i]] += size[i];
            }
        for (size_t i = 0; i < N; i++) {
            size_t p = parent[i], root = i;
            while (parent[root] != SIZE_MAX)
                root = parent[root];
            double share = p != SIZE_MAX && size[p] > 0 ? size[i] / size[p] : 0;
            moved[i] = p == SIZE_MAX ? size[i] * 0x1p-22 : (size[p] + moved[p]) * 0x1p-22 + moved[p] * share;
            if (negative)
                moved[i] = (children[i] ? N : 1) * size[root] * 0x1p-23;
            assert_true(!children[i] || sum[i] == (double)out[i]);
            assert_true(!children[i] || negative || sum32[i] == out[i]);
            assert_true(negative || out[i] >= 0);
            assert_true(fabs(out[i] - y[i]) <= moved[i] * (1 + 1e-9) + 0x1p-149);
        }
    }
    y[0] = 1e39;
    parent[0] = SIZE_MAX;
    weft_tree_count(1, parent, children);
    assert_false(weft_reconcile_round(&(struct weft_tree){1, parent, children}, y, out, room));
    free(parent);
    free(children);
    free(y);
    free(room);
    free(sum);
    free(out);
    free(sum32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(like_numpy), cmocka_unit_test(clipped),
                                       cmocka_unit_test(sums_are_exact)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
