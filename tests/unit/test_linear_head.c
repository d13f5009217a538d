/* test_linear_head.c - the linear head of the garment model against scikit-learn's Ridge(alpha=0.7) and
 * LogisticRegression(C=1/0.7). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/linear_head.h"

enum { ROWS = 9, WIDTH = 3, CLASSES = 3 };
static const float rows[ROWS][WIDTH] = {{1, 0, 0.5f}, {0, 2, 0},     {1.5f, 1, 0},  {0, 0, -1}, {2, 1, 1},
                                        {0, 0, 0},    {-1, 0.5f, 0}, {0.25f, 0, 3}, {9, 9, 9}};

static struct weft_head_rows sparse(void)
{
    struct weft_head_rows x = {0};
    for (int i = 0; i < ROWS; i++)
        weft_head_rows_add(&x, rows[i], WIDTH);
    assert_int_equal(x.n, ROWS);
    assert_int_equal(x.row[1], 2);
    return x;
}

static void compare(const double *got, const double *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) < 2e-5))
            fail_msg("%zu: %.8f instead of %.8f", i, got[i], want[i]);
}

/* The last row has no label: it takes no part. */
static void test_ridge(void **state)
{
    static const float y[ROWS] = {1, 2, 3, -1, 4, 0.5f, 0, 2, NAN};
    static const double want[WIDTH + 1] = {0.94383811, 0.95892636, 0.56424432, 0.20882292};
    (void)state;
    struct weft_head_rows x = sparse();
    double w[WIDTH + 1] = {0};
    assert_true(weft_linear_head_fit(&x, y, 1, 0.7, w) > 0);
    compare(w, want, WIDTH + 1);
    assert_int_equal(weft_linear_head_fit(&x, y, 1, 0.7, w), 0); /* it was there already */
    weft_head_rows_free(&x);
}

static void test_logistic(void **state)
{
    static const float c[ROWS] = {0, 1, 2, 0, 2, 1, 1, 0, NAN};
    static const double want[CLASSES * (WIDTH + 1)] = {-0.06483155, -0.89875202, 0.19567369,  0.75539079,
                                                       -1.043068,   0.44576468,  -0.16648818, 0.51263608,
                                                       1.10789955,  0.45298734,  -0.02918551, -1.26802686};
    (void)state;
    struct weft_head_rows x = sparse();
    double w[CLASSES * (WIDTH + 1)] = {0};
    weft_linear_head_fit(&x, c, CLASSES, 0.7, w);
    compare(w, want, CLASSES * (WIDTH + 1));
    double none[CLASSES * (WIDTH + 1)] = {0};
    assert_true(fabs(weft_linear_head_loss(&x, c, CLASSES, none) - log(3)) < 1e-12);
    weft_head_rows_free(&x);
}

static void test_no_labels(void **state)
{
    static const float y[ROWS] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    (void)state;
    struct weft_head_rows x = sparse();
    double w[WIDTH + 1] = {0};
    assert_int_equal(weft_linear_head_fit(&x, y, 1, 1, w), 0);
    assert_true(isnan(weft_linear_head_loss(&x, y, 1, w)) && !(w[0] < 0) && !(w[0] > 0));
    weft_head_rows_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ridge), cmocka_unit_test(test_logistic),
                                       cmocka_unit_test(test_no_labels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
