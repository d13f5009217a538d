/* test_baseline.c - baselines against numbers worked out by hand; those for intermittent demand against numpy
 * (tests/reference/make_intermittent.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/baseline.h"
#include "nn/safetensors.h"

#include "reference.h"

#define FIXTURE "tests/reference/intermittent.safetensors"

static struct weft_baseline parsed(const char *text)
{
    struct weft_baseline b;
    struct weft_err e = {0};
    assert_int_equal(weft_baseline_parse(text, &b, &e), 1);
    return b;
}

static void equal(const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(got[i] == want[i] || (isnan(got[i]) && isnan(want[i])));
}

static void names(void **state)
{
    (void)state;
    static const char *const wrong[] = {"naive:1",
                                        "seasonal-naive",
                                        "seasonal-naive:",
                                        "seasonal-naive:0",
                                        "seasonal-naive:7:7",
                                        "mean:x",
                                        "mean:-1",
                                        "lag-growth:364",
                                        "lag-growth:364:28:",
                                        "mean:99999999999999999999",
                                        "croston:0",
                                        "croston:",
                                        "croston:0.1:0.1",
                                        "sba:1.1",
                                        "tsb:0.1:0.1:0.1",
                                        "tsb::0.1",
                                        "tsb:nan"};
    struct weft_baseline b = parsed("lag-growth:364:28");
    assert_int_equal(b.lag, 364);
    assert_int_equal(b.window, 28);
    assert_int_equal(weft_baseline_history(&b), 392);
    b = parsed("naive");
    assert_int_equal(weft_baseline_history(&b), 1);
    b = parsed("tsb:0.3");
    assert_true(b.rate[0] == 0.3 && b.rate[1] == 0.1);
    assert_int_equal(weft_baseline_history(&b), 1);
    assert_int_equal(weft_baseline_parse("naives", &b, NULL), 0);
    assert_int_equal(weft_baseline_parse("model.safetensors", &b, NULL), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weft_err e = {0};
        assert_int_equal(weft_baseline_parse(wrong[i], &b, &e), -1);
        assert_int_equal(e.code, WEFT_USAGE);
    }
}

static void forecasts(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4, 5, NAN, 7, 8, NAN};
    struct weft_baseline b = parsed("naive");
    float y[5];
    weft_baseline_forecast(&b, x, 9, 5, y);
    equal(y, (const float[]){8, 8, 8, 8, 8}, 5);
    weft_baseline_forecast(&b, x + 5, 1, 1, y);
    assert_true(isnan(y[0]));
    b = parsed("seasonal-naive:3");
    weft_baseline_forecast(&b, x, 9, 5, y);
    equal(y, (const float[]){7, 8, NAN, 7, 8}, 5);
    weft_baseline_forecast(&b, x, 2, 1, y);
    assert_true(isnan(y[0]));
    b = parsed("mean:4");
    weft_baseline_forecast(&b, x, 9, 2, y);
    equal(y, (const float[]){7.5f, 7.5f}, 2);
    weft_baseline_forecast(&b, x, 1, 1, y);
    assert_true(y[0] == 1);
}

static void growth(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 2, 4, 6}, zero[] = {0, 0, 0, 2, 4, 6}, gap[] = {1, NAN, 3, 2, 4, 6};
    struct weft_baseline b = parsed("lag-growth:3:2");
    float y[4];
    weft_baseline_forecast(&b, x, 6, 4, y); /* (4 + 6) / (2 + 3) = 2 */
    equal(y, (const float[]){4, 8, 12, 4}, 4);
    weft_baseline_forecast(&b, zero, 6, 4, y); /* nothing a season ago: as it was */
    equal(y, (const float[]){2, 4, 6, 2}, 4);
    weft_baseline_forecast(&b, gap, 6, 1, y); /* 6 / 3 */
    assert_true(y[0] == 4);
    weft_baseline_forecast(&b, x, 4, 1, y); /* too little history */
    assert_true(isnan(y[0]));
}

/* From every origin, in one pass and from scratch. */
static void compare(const char *text, const float *x, size_t n, const float *want)
{
    struct weft_baseline b = parsed(text);
    struct weft_baseline_run run = {0};
    for (size_t origin = 1; origin <= n; origin++) {
        float on[2], fresh[2], w = want[origin - 1];
        weft_baseline_forecast_next(&b, &run, x, origin, 2, on);
        weft_baseline_forecast(&b, x, origin, 2, fresh);
        equal(on, fresh, 2);
        assert_true(on[0] == on[1] || isnan(w));
        if (isnan(w) ? !isnan(on[0]) : !(fabsf(on[0] - w) <= 1e-6f * fabsf(w)))
            fail_msg("%s, origin %zu: %g, and numpy has %g", text, origin, on[0], w);
    }
}

static void intermittent_like_numpy(void **state)
{
    (void)state;
    static const char *const series[] = {"sparse", "holed", "returned", "late", "dense", "zero", "none"};
    static const char *const usual[] = {"croston", "sba", "tsb"}, *const own[] = {"croston:0.3", "sba:0.3",
                                                                                  "tsb:0.05:0.2"};
    struct weft_st *st;
    assert_int_equal(weft_st_open(FIXTURE, &st, NULL), 0);
    for (size_t i = 0; i < sizeof series / sizeof *series; i++)
        for (int k = 0; k < 2; k++) {
            char name[32];
            snprintf(name, sizeof name, "%s.%s", series[i], k ? "own" : "usual");
            const struct weft_st_tensor *x = weft_st_find(st, series[i]), *want = weft_st_find(st, name);
            assert_non_null(x);
            assert_non_null(want);
            assert_int_equal(want->count, 3 * x->count);
            for (size_t method = 0; method < 3; method++)
                compare((k ? own : usual)[method], x->data, x->count, (const float *)want->data + method * x->count);
        }
    weft_st_close(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(forecasts), cmocka_unit_test(growth),
                                       cmocka_unit_test(intermittent_like_numpy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
