/* test_explain.c - SHAP values against Shapley's own definition, and their sums. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "model/dlinear.h"
#include "model/explain.h"
#include "rank/reasons.h"
#include "base/rng.h"

enum { LOOKBACK = 40, HORIZON = 12, LENGTH = 150 };

struct fixture {
    double r[HORIZON * LOOKBACK], b[HORIZON];
    float x[LENGTH];
    struct weft_explain_job job;
};

static void fill(struct fixture *f, uint64_t seed)
{
    struct weft_rng rng = weft_rng(seed, 9);
    for (size_t i = 0; i < HORIZON * LOOKBACK; i++)
        f->r[i] = weft_rng_normal(&rng) / 8;
    for (size_t i = 0; i < HORIZON; i++)
        f->b[i] = weft_rng_normal(&rng);
    for (size_t t = 0; t < LENGTH; t++)
        f->x[t] = (float)(100 + 20 * sin((double)t / 7) + 5 * weft_rng_normal(&rng));
    f->job = (struct weft_explain_job){.r = f->r,
                                       .b = f->b,
                                       .lookback = LOOKBACK,
                                       .horizon = HORIZON,
                                       .x = f->x,
                                       .n = LENGTH,
                                       .shift = 90,
                                       .factor = 17,
                                       .near = {1, 3},
                                       .far = {8, 12},
                                       .lags = weft_lags_of(86400)};
}

static double forecast(const struct fixture *f, const size_t days[2], const float *x)
{
    double sum = 0;
    for (size_t h = days[0]; h <= days[1]; h++) {
        double y = f->b[h - 1];
        for (size_t l = 0; l < LOOKBACK; l++)
            y += f->r[(h - 1) * LOOKBACK + l] * ((x[l] - f->job.shift) / f->job.factor);
        sum += y * f->job.factor + f->job.shift;
    }
    return sum / (double)(days[1] - days[0] + 1);
}

static void close_to(double got, double want, double by)
{
    if (!(fabs(got - want) <= by * fmax(1, fabs(want))))
        fail_msg("%.17g, wanted %.17g", got, want);
}

static double sum_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static void parts_sum_to_forecast_minus_mean_forecast(void **state)
{
    (void)state;
    static struct fixture f;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct weft_explanation why = {0};
        fill(&f, seed);
        if (seed > 1)
            f.x[20 * seed - 20] = NAN; /* windows that touch it are no background */
        assert_true(weft_explain(&f.job, &why));
        double near = 0, far = 0;
        uint64_t n = 0;
        for (size_t w = 0; w + LOOKBACK <= LENGTH; w++) {
            bool whole = true;
            for (size_t l = 0; l < LOOKBACK; l++)
                whole &= !isnan(f.x[w + l]);
            if (!whole)
                continue;
            near += forecast(&f, f.job.near, f.x + w);
            far += forecast(&f, f.job.far, f.x + w);
            n++;
        }
        assert_true(why.windows == n);
        const float *last = f.x + LENGTH - LOOKBACK;
        close_to(why.near.forecast, forecast(&f, f.job.near, last), 1e-12);
        close_to(why.near.mean, near / (double)n, 1e-12);
        close_to(sum_of(why.near.phi, WEFT_LAG_GROUPS), forecast(&f, f.job.near, last) - near / (double)n, 1e-10);
        close_to(sum_of(why.far.phi, WEFT_LAG_GROUPS), forecast(&f, f.job.far, last) - far / (double)n, 1e-10);
        close_to(sum_of(why.far.lag, LOOKBACK), why.far.forecast - why.far.mean, 1e-10);
        weft_explanation_free(&why);
    }
}

/* Shapley's definition for a small game: the players are the lags, a coalition is worth the mean over the background of
 * the forecast in which its members have the values of the last window and all others those of a background window; phi
 * is the mean gain from joining, over all orders. */
static void parts_are_shapley_values(void **state)
{
    (void)state;
    enum { SMALL = 6, N = 20, SETS = 1 << SMALL };
    static const double weight[SMALL] = {0.3, -0.2, 0.05, 0.4, 0.1, 0.35};
    double worth[SETS], b = 0.7;
    float x[N];
    struct weft_rng rng = weft_rng(5, 5);
    for (size_t t = 0; t < N; t++)
        x[t] = (float)(10 * weft_rng_unit(&rng));
    for (size_t set = 0; set < SETS; set++) {
        worth[set] = 0;
        for (size_t w = 0; w + SMALL <= N; w++) {
            double y = b;
            for (size_t l = 0; l < SMALL; l++)
                y += weight[l] * (set >> l & 1 ? x[N - SMALL + l] : x[w + l]);
            worth[set] += y / (N - SMALL + 1);
        }
    }
    double r[2 * SMALL], bias[] = {b, b};
    memcpy(r, weight, sizeof weight);
    memcpy(r + SMALL, weight, sizeof weight);
    struct weft_explanation why = {0};
    struct weft_explain_job job = {.r = r,
                                   .b = bias,
                                   .lookback = SMALL,
                                   .horizon = 2,
                                   .x = x,
                                   .n = N,
                                   .factor = 1,
                                   .near = {1, 1},
                                   .far = {2, 2},
                                   .lags = weft_lags_of(86400)};
    assert_true(weft_explain(&job, &why));
    static const double factorial[] = {1, 1, 2, 6, 24, 120, 720};
    for (size_t l = 0; l < SMALL; l++) {
        double phi = 0;
        for (size_t set = 0; set < SETS; set++) {
            if (set >> l & 1)
                continue;
            int members = __builtin_popcountll(set);
            phi += factorial[members] * factorial[SMALL - 1 - members] / factorial[SMALL] *
                   (worth[set | (size_t)1 << l] - worth[set]);
        }
        close_to(why.near.lag[l], phi, 1e-12);
    }
    weft_explanation_free(&why);
}

static void every_lag_has_its_group(void **state)
{
    (void)state;
    struct weft_lags day = weft_lags_of(86400), hour = weft_lags_of(3600), week = weft_lags_of(604800),
                     odd = weft_lags_of(100000);
    assert_true(day.recent == 7 && day.week == 7 && day.year == 364 && day.around == 3);
    assert_true(hour.week == 168 && hour.year == 8736 && hour.around == 72 && week.week == 1 && week.year == 52 &&
                week.around == 0);
    assert_true(odd.week == 0 && odd.recent == 7 && odd.year == 0);
    static const struct {
        size_t step, lag;
        enum weft_lag_group group;
    } want[] = {{1, 1, WEFT_LAG_WEEK},     {1, 7, WEFT_LAG_WEEK},     {1, 8, WEFT_LAG_MONTH},
                {1, 14, WEFT_LAG_WEEKDAY}, {1, 28, WEFT_LAG_WEEKDAY}, {1, 29, WEFT_LAG_QUARTER},
                {1, 91, WEFT_LAG_QUARTER}, {1, 92, WEFT_LAG_REST},    {1, 360, WEFT_LAG_REST},
                {1, 361, WEFT_LAG_YEAR},   {1, 367, WEFT_LAG_YEAR},   {1, 368, WEFT_LAG_REST},
                {3, 12, WEFT_LAG_WEEKDAY}, {3, 14, WEFT_LAG_MONTH},   {50, 312, WEFT_LAG_YEAR},
                {50, 318, WEFT_LAG_YEAR},  {50, 319, WEFT_LAG_REST},  {8, 7, WEFT_LAG_WEEK}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        assert_int_equal(weft_lag_group_of(&day, want[i].step, want[i].lag), want[i].group);
    assert_int_equal(weft_lag_group_of(&week, 1, 52), WEFT_LAG_YEAR);
    assert_int_equal(weft_lag_group_of(&odd, 1, 8), WEFT_LAG_REST);
    assert_int_equal(weft_lag_group_of(&week, 2, 3), WEFT_LAG_MONTH);
    struct weft_lags month = weft_lags_of(WEFT_STEP_MONTH), quarter = weft_lags_of(WEFT_STEP_QUARTER),
                     work = weft_lags_of(WEFT_STEP_BUSINESS_DAY);
    assert_int_equal(weft_lag_group_of(&month, 1, 1), WEFT_LAG_QUARTER);
    assert_int_equal(weft_lag_group_of(&month, 2, 3), WEFT_LAG_QUARTER);
    assert_int_equal(weft_lag_group_of(&month, 2, 4), WEFT_LAG_REST);
    assert_int_equal(weft_lag_group_of(&month, 2, 11), WEFT_LAG_YEAR);
    assert_int_equal(weft_lag_group_of(&month, 2, 12), WEFT_LAG_REST);
    assert_int_equal(weft_lag_group_of(&quarter, 1, 1), WEFT_LAG_QUARTER);
    assert_int_equal(weft_lag_group_of(&quarter, 3, 2), WEFT_LAG_YEAR);
    assert_int_equal(weft_lag_group_of(&work, 1, 5), WEFT_LAG_WEEK);
    assert_int_equal(weft_lag_group_of(&work, 1, 10), WEFT_LAG_WEEKDAY);
    static struct fixture f;
    struct weft_explanation why = {0};
    fill(&f, 3);
    assert_true(weft_explain(&f.job, &why));
    size_t pairs = 0;
    for (size_t k = 0; k < WEFT_LAG_GROUPS; k++)
        pairs += why.far.lags[k];
    assert_int_equal(pairs, 5 * LOOKBACK);
    weft_explanation_free(&why);
}

static void what_is_too_short_or_has_a_gap_is_not_explained(void **state)
{
    (void)state;
    static struct fixture f;
    struct weft_explanation why = {0};
    fill(&f, 1);
    f.job.n = LOOKBACK - 1;
    assert_false(weft_explain(&f.job, &why));
    f.job.n = LENGTH;
    f.x[LENGTH - 2] = NAN;
    assert_false(weft_explain(&f.job, &why));
    f.job.n = LOOKBACK; /* one window: it is the mean */
    assert_true(weft_explain(&f.job, &why));
    assert_true(why.windows == 1 && why.near.forecast == why.near.mean);
    weft_explanation_free(&why);
}

static void growth_is_far_less_its_share_of_near(void **state)
{
    (void)state;
    double part[WEFT_REASONS_MAX];
    struct weft_reason r = {.near = 10, .far = 12, .phi_near = {1, 0, 2}, .phi_far = {3, 0, 2.4}};
    assert_true(weft_reason_growth(&r, part));
    close_to(part[0], (3 - 1.2) / 10, 1e-15);
    assert_true(part[1] == 0);
    close_to(part[2], 0, 1e-15);
    r.near = 0;
    assert_false(weft_reason_growth(&r, part));
    assert_true(isnan(part[0]));
}

/* The matrix of a DLinear model forecasts what the model forecasts, whatever is subtracted from the window first. */
static void matrix_is_the_model(void **state)
{
    (void)state;
    static const enum weft_norm norms[] = {WEFT_NORM_NONE, WEFT_NORM_LAST, WEFT_NORM_MEAN};
    struct weft_rng rng = weft_rng(8, 1);
    for (size_t k = 0; k < 3; k++) {
        struct weft_dlinear_shape s = {.lookback = LOOKBACK, .horizon = HORIZON, .kernel = 25, .norm = norms[k]};
        struct weft_dlinear_weights w = weft_dlinear_weights_new(&s);
        for (size_t i = 0; i < 2 * (LOOKBACK + 1) * HORIZON; i++)
            w.ws[i] = (float)(weft_rng_normal(&rng) / 10);
        struct weft_dlinear *m = weft_dlinear_new(&s, 1);
        weft_dlinear_set(m, 0, &w);
        float x[LOOKBACK], y[HORIZON];
        const float *rows[] = {x};
        double r[HORIZON * LOOKBACK], b[HORIZON];
        for (size_t l = 0; l < LOOKBACK; l++)
            x[l] = (float)(3 + weft_rng_normal(&rng));
        weft_dlinear_forecast(m, 0, rows, 1, y);
        weft_dlinear_linear(m, 0, r, b, NULL);
        for (size_t h = 0; h < HORIZON; h++) {
            double want = b[h];
            for (size_t l = 0; l < LOOKBACK; l++)
                want += r[h * LOOKBACK + l] * x[l];
            close_to(y[h], want, 1e-5);
        }
        weft_dlinear_free(&m);
        weft_dlinear_weights_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_sum_to_forecast_minus_mean_forecast),
        cmocka_unit_test(parts_are_shapley_values),
        cmocka_unit_test(every_lag_has_its_group),
        cmocka_unit_test(what_is_too_short_or_has_a_gap_is_not_explained),
        cmocka_unit_test(growth_is_far_less_its_share_of_near),
        cmocka_unit_test(matrix_is_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
