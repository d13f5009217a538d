/* test_factors.c - factors of weekday, channels and calendar: against dense Newton steps
 * (tests/reference/make_factors.py), known factors of generated sales, and what has no answer: nothing sold, one sale,
 * a shut store, a channel that never varies, a promotion on which nothing is ever sold. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/rng.h"
#include "model/factors.h"
#include "nn/safetensors.h"

#define FIXTURE "tests/reference/factors.safetensors"

enum { DAY = 86400 };

/* --- the twin --- */

static double *doubles(const struct weft_st *st, const char *name, size_t n)
{
    const struct weft_st_tensor *t = weft_st_find(st, name);
    assert_non_null(t);
    assert_int_equal(t->type, WEFT_ST_F64);
    assert_int_equal(t->count, n);
    double *out = WEFT_ARRAY(double, n);
    memcpy(out, t->data, n * sizeof *out);
    return out;
}

static float *floats(const struct weft_st *st, const char *name, size_t n)
{
    const struct weft_st_tensor *t = weft_st_find(st, name);
    assert_non_null(t);
    assert_int_equal(t->count, n);
    float *out = WEFT_ARRAY(float, n);
    weft_st_values(t, 0, n, out);
    return out;
}

static void assert_close(const double *got, const double *want, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, isfinite(got[i]) ? fabs(got[i] - want[i]) / fmax(1, fabs(want[i])) : INFINITY);
    assert_true(worst < 1e-6);
}

static void test_twin(void **state)
{
    enum { SERIES = 4, DAYS = 800, N = DAYS + 14, COLUMNS = 6 + 2 + 9 + 1 + 7 + 11, ALL = COLUMNS + 2 };
    static const char *const names[] = {"open", "promo", "price"};
    (void)state;
    struct weft_st *st;
    struct weft_err e = {0};
    assert_int_equal(weft_st_open(FIXTURE, &st, &e), 0);
    float *y = floats(st, "y", SERIES * N), *channel[3];
    double *reference = doubles(st, "reference", SERIES), *scale = doubles(st, "scale", SERIES), *want_scale = scale,
           *pooled = doubles(st, "pooled", ALL), *own = doubles(st, "own", SERIES * ALL),
           *factor = doubles(st, "factor", SERIES * N), *rest = doubles(st, "rest", SERIES * DAYS);
    struct weft_factor_shape s = {.step = DAY,
                                  .start = weft_days_from_civil(2022, 1, 1) * DAY,
                                  .set = {true, true, true, true, 0},
                                  .n_channels = 3};
    struct weft_factor_survey survey[3] = {{0}};
    for (size_t c = 0; c < 3; c++) {
        channel[c] = floats(st, names[c], SERIES * N);
        weft_factor_survey_add(&survey[c], channel[c], SERIES * N, s.start, DAY);
        s.channel[c] = weft_factor_channel_of(&survey[c], names[c], c == 2, DAY);
    }
    assert_int_equal(s.channel[0].kind, WEFT_FACTOR_OPEN);
    assert_int_equal(s.channel[1].kind, WEFT_FACTOR_SWITCH);
    assert_int_equal(s.channel[2].kind, WEFT_FACTOR_PRICE);
    s.channel[1].weekdays = 127;
    assert_int_equal(weft_factor_columns(&s), COLUMNS);
    assert_int_equal(weft_factor_nuisance(&s, DAYS), 2);
    struct weft_factor_series x[SERIES];
    const float *at[SERIES][3];
    double ref[SERIES][3] = {{0}}, b[ALL];
    for (size_t i = 0; i < SERIES; i++) {
        for (size_t c = 0; c < 3; c++)
            at[i][c] = channel[c] + i * N;
        ref[i][2] = weft_factors_reference(at[i][2], DAYS);
        assert_true(fabs(ref[i][2] - reference[i]) < 1e-9);
        x[i] = (struct weft_factor_series){
            .y = y + i * N, .n = N, .channel = at[i], .reference = ref[i], .start = s.start};
        assert_true(fabs(weft_factors_scale(&s, x[i].y, DAYS) - want_scale[i]) < 1e-9);
    }
    weft_factors_pooled(&s, x, scale, SERIES, DAYS, NULL, b);
    assert_close(b, pooled, ALL);
    for (size_t i = 0; i < SERIES; i++) {
        double f[N], mean, left[DAYS];
        float coefficients[COLUMNS], got[DAYS];
        weft_factors_own(&s, &x[i], scale[i], DAYS, 8, pooled, b);
        assert_close(b, own + i * ALL, ALL);
        for (size_t j = 0; j < COLUMNS; j++)
            coefficients[j] = (float)own[i * ALL + j];
        weft_factors_of(&s, coefficients, &x[i], f);
        mean = weft_factors_mean(&s, &x[i], f, DAYS);
        weft_factors_rest(&s, &x[i], f, mean, scale[i], DAYS, false, got);
        for (size_t t = 0; t < N; t++)
            f[t] /= mean;
        for (size_t t = 0; t < DAYS; t++)
            left[t] = got[t];
        assert_close(f, factor + i * N, N);
        assert_close(left, rest + i * DAYS, DAYS);
    }
    for (size_t c = 0; c < 3; c++)
        free(channel[c]);
    free(y);
    free(reference);
    free(scale);
    free(pooled);
    free(own);
    free(factor);
    free(rest);
    weft_st_close(&st);
}

/* --- known factors --- */

enum { SHOPS = 12, LONG = 1100, COLUMNS_MAX = 64 };

/* A shop: promotion x 1.5, Saturday x 1.3 and December x 2 of what is sold else, growth, noise of 20 %. */
struct shops {
    float y[SHOPS][LONG], promotion[SHOPS][LONG], never[LONG];
    const float *channel[SHOPS][2];
    struct weft_factor_series x[SHOPS];
    double scale[SHOPS], reference[2];
    struct weft_factor_shape shape;
};

static struct shops *open_shops(void)
{
    struct shops *s = WEFT_NEW(struct shops);
    struct weft_factor_survey survey[2] = {{0}};
    s->shape = (struct weft_factor_shape){.step = DAY,
                                          .start = weft_days_from_civil(2020, 3, 1) * DAY,
                                          .set = {true, true, false, true, 0},
                                          .n_channels = 2};
    for (size_t i = 0; i < SHOPS; i++) {
        struct weft_rng r = weft_rng(7, i);
        for (size_t t = 0; t < LONG; t++) {
            int year, month, day;
            weft_civil_from_days(s->shape.start / DAY + (int64_t)t, &year, &month, &day);
            s->promotion[i][t] = (t / 5 + 3 * i) % 7 == 0;
            double mean = 20 * (double)(1 + i) * exp(0.0003 * (double)t) * (s->promotion[i][t] > 0 ? 1.5 : 1) *
                          (month == 12 ? 2 : 1);
            mean *= weft_weekday(s->shape.start + (int64_t)t * DAY) == 5 ? 1.3 : 1;
            s->y[i][t] = (float)fmax(0, round(mean * (1 + 0.2 * weft_rng_normal(&r))));
        }
        s->channel[i][0] = s->promotion[i];
        s->channel[i][1] = s->never;
        s->x[i] = (struct weft_factor_series){
            .y = s->y[i], .n = LONG, .channel = s->channel[i], .reference = s->reference, .start = s->shape.start};
        s->scale[i] = weft_factors_scale(&s->shape, s->y[i], LONG);
        for (size_t c = 0; c < 2; c++)
            weft_factor_survey_add(&survey[c], s->channel[i][c], LONG, s->shape.start, DAY);
    }
    s->shape.channel[0] = weft_factor_channel_of(&survey[0], "promotion", false, DAY);
    s->shape.channel[1] = weft_factor_channel_of(&survey[1], "never", false, DAY);
    return s;
}

static size_t column(const struct weft_factor_shape *s, const char *name)
{
    static char *const names[] = {(char *)"promotion", (char *)"never"};
    char buf[128];
    for (size_t j = 0; j < weft_factor_columns(s); j++)
        if (strcmp(weft_factor_column_name(s, names, j, buf), name) == 0)
            return j;
    fail_msg("no column %s", name);
    return 0;
}

static void test_known(void **state)
{
    (void)state;
    struct shops *s = open_shops();
    size_t promotion = column(&s->shape, "promotion on tuesday"), saturday = column(&s->shape, "saturday"),
           december = column(&s->shape, "december");
    double pooled[COLUMNS_MAX], b[COLUMNS_MAX];
    assert_int_equal(s->shape.channel[0].kind, WEFT_FACTOR_SWITCH);
    assert_int_equal(s->shape.channel[1].kind, WEFT_FACTOR_SAME); /* it never varies: no column */
    assert_int_equal(weft_factor_columns(&s->shape), 6 + 9 + 11);
    weft_factors_pooled(&s->shape, s->x, s->scale, SHOPS, LONG, NULL, pooled);
    assert_true(fabs(exp(pooled[promotion]) / 1.5 - 1) < 0.05);
    assert_true(fabs(exp(pooled[saturday]) / 1.3 - 1) < 0.05);
    assert_true(fabs(exp(pooled[december]) / 2 - 1) < 0.05);
    for (size_t i = 0; i < SHOPS; i++) {
        weft_factors_own(&s->shape, &s->x[i], s->scale[i], LONG, 32, pooled, b);
        assert_true(fabs(exp(b[promotion]) / 1.5 - 1) < 0.05);
        assert_true(fabs(exp(b[saturday]) / 1.3 - 1) < 0.05);
        assert_true(fabs(exp(b[december]) / 2 - 1) < 0.05);
    }
    free(s);
}

static void test_threads(void **state)
{
    (void)state;
    struct shops *s = open_shops();
    double one[COLUMNS_MAX], many[COLUMNS_MAX];
    struct weft_par *par = weft_par_new(3);
    size_t all = weft_factor_columns(&s->shape) + weft_factor_nuisance(&s->shape, LONG);
    weft_factors_pooled(&s->shape, s->x, s->scale, SHOPS, LONG, NULL, one);
    weft_factors_pooled(&s->shape, s->x, s->scale, SHOPS, LONG, par, many);
    assert_memory_equal(one, many, all * sizeof *one);
    weft_par_free(&par);
    free(s);
}

/* --- what has no answer --- */

static void assert_finite(struct shops *s, size_t i, const double *pooled)
{
    double b[COLUMNS_MAX], f[LONG], scale = weft_factors_scale(&s->shape, s->y[i], LONG);
    float own[COLUMNS_MAX], rest[LONG];
    size_t columns = weft_factor_columns(&s->shape);
    weft_factors_own(&s->shape, &s->x[i], scale, LONG, 2, pooled, b);
    for (size_t j = 0; j < columns; j++) {
        assert_true(isfinite(b[j]));
        own[j] = (float)b[j];
    }
    weft_factors_of(&s->shape, own, &s->x[i], f);
    double mean = weft_factors_mean(&s->shape, &s->x[i], f, LONG);
    assert_true(mean > 0 && isfinite(mean));
    for (int form = 0; form < 2; form++) {
        weft_factors_rest(&s->shape, &s->x[i], f, mean, scale, LONG, form, rest);
        for (size_t t = 0; t < LONG; t++)
            assert_true(isfinite(f[t]) && f[t] > 0 && isfinite(rest[t]) && rest[t] >= 0);
    }
}

static void test_degenerate(void **state)
{
    (void)state;
    struct shops *s = open_shops();
    double pooled[COLUMNS_MAX];
    struct weft_factor_survey survey = {0};
    memset(s->y[0], 0, sizeof s->y[0]); /* nothing sold */
    memset(s->y[1], 0, sizeof s->y[1]); /* one sale */
    s->y[1][700] = 3;
    for (size_t t = 0; t < LONG; t++) { /* promotions always sold out; and sales on promotions alone */
        if (s->promotion[2][t] > 0)
            s->y[2][t] = 0;
        if (s->promotion[3][t] == 0)
            s->y[3][t] = 0;
    }
    memset(s->never, 0, sizeof s->never); /* "never" as a store that is shut for good: no row at all */
    for (size_t i = 0; i < 5; i++)
        s->scale[i] = weft_factors_scale(&s->shape, s->y[i], LONG);
    weft_factors_pooled(&s->shape, s->x, s->scale, 5, LONG, NULL, pooled);
    for (size_t j = 0; j < weft_factor_columns(&s->shape); j++)
        assert_true(isfinite(pooled[j]));
    for (size_t i = 0; i < 5; i++)
        assert_finite(s, i, pooled);
    s->shape.channel[1] = (struct weft_factor_channel){.kind = WEFT_FACTOR_OPEN};
    assert_finite(s, 4, pooled);
    /* Nothing sold at all. */
    weft_factors_pooled(&s->shape, s->x, s->scale, 1, LONG, NULL, pooled);
    assert_finite(s, 0, pooled);
    /* A channel of missing values is no channel. */
    const float nothing[3] = {NAN, NAN, NAN};
    weft_factor_survey_add(&survey, nothing, 3, 0, DAY);
    assert_int_equal(weft_factor_channel_of(&survey, "x", false, DAY).kind, WEFT_FACTOR_SAME);
    free(s);
}

static void test_sets(void **state)
{
    (void)state;
    struct weft_factor_set set, sets[WEFT_FACTOR_SETS];
    struct weft_err e = {0};
    char buf[WEFT_FACTOR_SET_TEXT];
    assert_int_equal(weft_factor_set_parse((char *[]){(char *)"weekday", (char *)"year:3"}, 2, DAY, &set, &e), 0);
    assert_string_equal(weft_factor_set_text(&set, buf), "weekday,year:3");
    assert_int_equal(weft_factor_set_parse((char *[]){(char *)"weekday"}, 1, 7 * DAY, &set, &e), -1);
    assert_int_equal(e.code, WEFT_USAGE);
    assert_int_equal(weft_factor_set_parse((char *[]){(char *)"year:13"}, 1, DAY, &set, NULL), -1);
    assert_int_equal(weft_factor_sets(DAY, 454, sets), 3); /* folds could not tell what a year is worth */
    assert_int_equal(weft_factor_sets(DAY, 455, sets), 6);
    assert_string_equal(weft_factor_set_text(&sets[0], buf), "none");
    assert_string_equal(weft_factor_set_text(&sets[4], buf), "weekday,days,months");
    assert_int_equal(weft_factors_year(3600), 0);
    assert_true(fabs(weft_factors_inverse(log1p(2), true) - 2) < 1e-12);
    assert_true(weft_factors_inverse(-1, false) == 0 && fabs(weft_factors_inverse(99, true) - 50) < 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twin),       cmocka_unit_test(test_known), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_degenerate), cmocka_unit_test(test_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
