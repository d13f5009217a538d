/* test_dlinear.c - DLinear against PyTorch (tests/reference/make_dlinear.py) and against LAPACK's least squares. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "nn/blas.h"
#include "model/dlinear.h"
#include "base/conformal.h"
#include "base/mem.h"
#include "nn/movavg.h"
#include "base/rng.h"

#include "reference.h"

#define FIXTURE "tests/reference/dlinear.safetensors"

enum { CASES = 4 };
static const struct {
    struct weft_dlinear_shape shape;
    size_t batch;
} cases[CASES] = {{{30, 10, 25, WEFT_NORM_NONE, {0}}, 32},
                  {{48, 17, 25, WEFT_NORM_LAST, {0}}, 7},
                  {{12, 3, 25, WEFT_NORM_MEAN, {0}}, 9},
                  {{21, 8, 5, WEFT_NORM_NONE, {0}}, 33}};

/* --- PyTorch --- */

static const float *expected(const struct weft_st *st, size_t k, const char *what, size_t n)
{
    char name[32];
    snprintf(name, sizeof name, "%zu.%s", k, what);
    const struct weft_st_tensor *t = weft_st_find(st, name);
    assert_non_null(t);
    assert_int_equal(t->count, n);
    return t->data;
}

/* All weights in the order in which the fixture has them. */
static size_t flat_size(const struct weft_dlinear_shape *s)
{
    return 2 * s->horizon * (s->lookback + 1);
}

static void reference_weights(size_t k, struct weft_dlinear_weights *w)
{
    const struct weft_dlinear_shape *s = &cases[k].shape;
    float *tensors[] = {w->ws, w->wt, w->bs, w->bt};
    for (size_t t = 0; t < 4; t++)
        for (size_t i = 0; i < (t < 2 ? s->horizon * s->lookback : s->horizon); i++)
            tensors[t][i] = reference_number(10 * k + t, i) * 0.25f;
}

static const float **reference_windows(size_t k, float **values)
{
    size_t width = cases[k].shape.lookback + cases[k].shape.horizon, n = cases[k].batch * width;
    const float **windows = weft_xcalloc(cases[k].batch, sizeof *windows);
    *values = weft_xcalloc(n, sizeof **values);
    for (size_t i = 0; i < n; i++)
        (*values)[i] = reference_number(10 * k + 4, i) + 0.5f;
    for (size_t b = 0; b < cases[k].batch; b++)
        windows[b] = *values + b * width;
    return windows;
}

static void like_pytorch(void **state)
{
    (void)state;
    struct weft_st *st;
    assert_int_equal(weft_st_open(FIXTURE, &st, NULL), 0);
    for (size_t k = 0; k < CASES; k++) {
        const struct weft_dlinear_shape *s = &cases[k].shape;
        struct weft_dlinear_weights w = weft_dlinear_weights_new(s), g = weft_dlinear_weights_new(s);
        size_t batch = cases[k].batch, n = flat_size(s);
        float *values, *y = weft_xcalloc(batch * s->horizon, sizeof *y), losses32[20];
        const float **windows = reference_windows(k, &values);
        double losses[20];
        reference_weights(k, &w);
        struct weft_dlinear *m = weft_dlinear_new(s, 2);
        weft_dlinear_set(m, 0, &g);
        weft_dlinear_set(m, 1, &w);
        weft_dlinear_forecast(m, 1, windows, batch, y);
        assert_true(reference_error(y, expected(st, k, "forecast", batch * s->horizon), batch * s->horizon) < 1e-5);
        weft_dlinear_loss(s, &w, windows, batch, &g);
        assert_true(reference_error(g.ws, expected(st, k, "gradient", n), n) < 1e-5);
        weft_dlinear_steps(s, 0.005, &w, windows, batch, 1, losses);
        assert_true(reference_error(w.ws, expected(st, k, "stepped", n), n) < 1e-5);
        reference_weights(k, &w);
        weft_dlinear_steps(s, 0.005, &w, windows, batch, 20, losses);
        for (size_t i = 0; i < 20; i++)
            losses32[i] = (float)losses[i];
        assert_true(reference_error(losses32, expected(st, k, "losses", 20), 20) < 1e-5);
        weft_dlinear_free(&m);
        weft_dlinear_weights_free(&w);
        weft_dlinear_weights_free(&g);
        free(windows);
        free(values);
        free(y);
    }
    weft_st_close(&st);
}

static void gradients_by_differences(void **state)
{
    (void)state;
    for (size_t k = 0; k < CASES; k++) {
        const struct weft_dlinear_shape *s = &cases[k].shape;
        struct weft_dlinear_weights w = weft_dlinear_weights_new(s), g = weft_dlinear_weights_new(s);
        float *values;
        const float **windows = reference_windows(k, &values);
        size_t n = flat_size(s);
        reference_weights(k, &w);
        weft_dlinear_loss(s, &w, windows, cases[k].batch, &g);
        for (size_t i = 0; i < n; i += 1 + n / 40) {
            float old = w.ws[i], step = 0.05f; /* the loss is quadratic: any step is exact */
            w.ws[i] = old + step;
            double up = weft_dlinear_loss(s, &w, windows, cases[k].batch, NULL);
            w.ws[i] = old - step;
            double down = weft_dlinear_loss(s, &w, windows, cases[k].batch, NULL);
            w.ws[i] = old;
            assert_true(fabs((up - down) / (2 * (double)step) - g.ws[i]) < 1e-4);
        }
        weft_dlinear_weights_free(&w);
        weft_dlinear_weights_free(&g);
        free(windows);
        free(values);
    }
}

/* <A x, y> = <x, A' y>. */
static void moving_average_adjoint(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 12, 13, 40}, kernels[] = {1, 3, 25, 99};
    double acc[8];
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 4; j++) {
            float x[40 * 8], y[40 * 8], ax[40 * 8], ay[40 * 8];
            double left = 0, right = 0;
            for (size_t k = 0; k < steps[i] * 8; k++) {
                x[k] = reference_number(500, k);
                y[k] = reference_number(501, k);
            }
            weft_movavg(steps[i], 8, kernels[j], x, ax, acc);
            weft_movavg_adjoint(steps[i], 8, kernels[j], y, ay, acc);
            for (size_t k = 0; k < steps[i] * 8; k++) {
                left += (double)ax[k] * y[k];
                right += (double)x[k] * ay[k];
            }
            assert_true(fabs(left - right) < 1e-4);
        }
}

/* --- exact --- */

enum { SERIES = 3, LENGTH = 260, LOOKBACK = 12, HORIZON = 4, WIDTH = LOOKBACK + HORIZON };
static const size_t split[] = {180, 220, 260};

/* Series of different levels, with gaps. */
static void shop(float x[SERIES][LENGTH], float level)
{
    struct weft_rng r = weft_rng(11, 0);
    for (size_t s = 0; s < SERIES; s++)
        for (size_t i = 0; i < LENGTH; i++) {
            double season = sin((double)i * 6.2831853 / 7 + (double)s), trend = (double)i / 100;
            x[s][i] = (float)(level * (double)(s + 1) + 3 * season + trend + weft_rng_normal(&r));
            if (s == 1 && (i == 40 || (i > 90 && i < 95)))
                x[s][i] = NAN;
        }
}

static void scale_of(const float *x, int scale, double *shift, double *factor)
{
    double sum = 0, squares = 0, n = 0, low = INFINITY, high = -INFINITY;
    *shift = 0;
    *factor = 1;
    for (size_t i = 0; i < split[0]; i++)
        if (!isnan(x[i])) {
            sum += x[i];
            n++;
            low = fmin(low, x[i]);
            high = fmax(high, x[i]);
        }
    for (size_t i = 0; i < split[0]; i++)
        if (!isnan(x[i]))
            squares += (x[i] - sum / n) * (x[i] - sum / n);
    if (scale == 1) {
        *shift = sum / n;
        *factor = sqrt(squares / n);
    } else if (scale == 2) {
        *shift = low;
        *factor = high - low;
    }
}

/* Rows of expanded windows of the train part, as the fit sees them; with an intercept's column for norm none. */
static size_t expand(float x[SERIES][LENGTH], int scale, enum weft_norm norm, size_t stride, double *a, double *b)
{
    size_t rows = 0, cols = LOOKBACK + (norm == WEFT_NORM_NONE);
    for (size_t s = 0; s < SERIES; s++) {
        double shift, factor, z[WIDTH];
        scale_of(x[s], scale, &shift, &factor);
        for (size_t at = 0; at + WIDTH <= split[0]; at += stride) {
            double base = 0;
            bool whole = true;
            for (size_t i = 0; i < WIDTH; i++) {
                z[i] = (x[s][at + i] - shift) / factor;
                whole = whole && !isnan(z[i]);
                base += norm == WEFT_NORM_MEAN && i < LOOKBACK ? z[i] / LOOKBACK : 0;
            }
            if (!whole)
                continue;
            base = norm == WEFT_NORM_LAST ? z[LOOKBACK - 1] : base;
            for (size_t i = 0; i < LOOKBACK; i++)
                a[rows * cols + i] = z[i] - base;
            if (norm == WEFT_NORM_NONE)
                a[rows * cols + LOOKBACK] = 1;
            for (size_t h = 0; h < HORIZON; h++)
                b[rows * HORIZON + h] = z[LOOKBACK + h] - base;
            rows++;
        }
    }
    return rows;
}

static void add_all(struct weft_dlinear_stats *st, float x[SERIES][LENGTH], int scale, size_t from, size_t to)
{
    struct weft_dlinear_room room = {0};
    for (size_t s = from; s < to; s++) {
        double shift, factor;
        scale_of(x[s], scale, &shift, &factor);
        weft_dlinear_stats_add(st, x[s], LENGTH, shift, factor, NULL, split, s, &room);
    }
    free(room.p);
}

static void one_exact_fit(int scale, enum weft_norm norm, size_t stride, float level)
{
    static float x[SERIES][LENGTH];
    const struct weft_dlinear_shape shape = {.lookback = LOOKBACK, .horizon = HORIZON, .kernel = 25, .norm = norm};
    struct weft_dlinear_stats st;
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&shape);
    struct weft_dlinear_fit fit;
    double *a = weft_xcalloc(SERIES * LENGTH * (LOOKBACK + 1), sizeof *a),
           *b = weft_xcalloc(SERIES * LENGTH * HORIZON, sizeof *b);
    shop(x, level);
    weft_dlinear_stats_init(&st, &shape, stride, 3);
    add_all(&st, x, scale, 0, SERIES);
    assert_int_equal(weft_dlinear_solve(&st, 0, &w, &fit, NULL), 0);
    size_t cols = LOOKBACK + (norm == WEFT_NORM_NONE), rows = expand(x, scale, norm, stride, a, b);
    assert_int_equal(rows, fit.train_windows);
    assert_int_equal(weft_lstsq(rows, cols, HORIZON, a, b, 1e-12, NULL), 0);
    float want[HORIZON * LOOKBACK], bias[HORIZON];
    for (size_t h = 0; h < HORIZON; h++) {
        for (size_t i = 0; i < LOOKBACK; i++)
            want[h * LOOKBACK + i] = (float)b[i * HORIZON + h];
        bias[h] = norm == WEFT_NORM_NONE ? (float)b[LOOKBACK * HORIZON + h] : 0;
    }
    assert_true(reference_error(w.ws, want, HORIZON * LOOKBACK) < 1e-5);
    assert_memory_equal(w.ws, w.wt, HORIZON * LOOKBACK * sizeof *want);
    assert_true(norm != WEFT_NORM_NONE || reference_error(w.bs, bias, HORIZON) < 1e-4);
    weft_dlinear_stats_free(&st);
    weft_dlinear_weights_free(&w);
    free(a);
    free(b);
}

static void exact_is_least_squares(void **state)
{
    (void)state;
    for (int scale = 0; scale < 3; scale++)
        for (int norm = 0; norm < WEFT_NORMS; norm++) {
            one_exact_fit(scale, (enum weft_norm)norm, 1, 20);
            one_exact_fit(scale, (enum weft_norm)norm, 3, 20);
        }
    one_exact_fit(0, WEFT_NORM_LAST, 1, 1e5f);
    one_exact_fit(1, WEFT_NORM_NONE, 1, 1e5f);
}

/* The folds' errors without Gram matrices: refit on what lies before the border, forecast what lies behind. */
static void validation_error_is_that_of_forecasts(void **state)
{
    (void)state;
    static float x[SERIES][LENGTH];
    for (int norm = 0; norm < WEFT_NORMS; norm++) {
        const struct weft_dlinear_shape shape = {
            .lookback = LOOKBACK, .horizon = HORIZON, .kernel = 25, .norm = (enum weft_norm)norm};
        struct weft_dlinear_stats st;
        struct weft_dlinear_weights w = weft_dlinear_weights_new(&shape);
        struct weft_dlinear *m = weft_dlinear_new(&shape, 1);
        struct weft_residuals keep;
        struct weft_dlinear_fit fit;
        double sum = 0;
        shop(x, 20);
        weft_residuals_init(&keep, 1000, WIDTH);
        weft_dlinear_stats_init(&st, &shape, 1, 3);
        st.keep = &keep;
        add_all(&st, x, 1, 0, SERIES);
        assert_int_equal(weft_dlinear_solve(&st, -1, &w, &fit, NULL), 0);
        assert_int_equal(fit.folds, 3);
        assert_int_equal(keep.n, fit.valid_windows);
        assert_int_equal(keep.n, SERIES * (split[1] - split[0] - HORIZON + 1));
        weft_dlinear_set(m, 0, &w);
        for (size_t i = 0; i < keep.n; i++) {
            const float *row = keep.rows + i * WIDTH;
            float y[HORIZON];
            weft_dlinear_forecast(m, 0, &row, 1, y);
            for (size_t h = 0; h < HORIZON; h++)
                sum += (double)(y[h] - row[LOOKBACK + h]) * (y[h] - row[LOOKBACK + h]);
        }
        assert_true(fabs(sum / (double)(keep.n * HORIZON) / fit.valid_mse - 1) < 1e-4);
        weft_residuals_free(&keep);
        weft_dlinear_stats_free(&st);
        weft_dlinear_weights_free(&w);
        weft_dlinear_free(&m);
    }
}

static void sums_of_parts_give_the_same_fit(void **state)
{
    (void)state;
    static float x[SERIES][LENGTH];
    shop(x, 20);
    for (int norm = 0; norm < WEFT_NORMS; norm++) {
        const struct weft_dlinear_shape shape = {
            .lookback = LOOKBACK, .horizon = HORIZON, .kernel = 25, .norm = (enum weft_norm)norm};
        struct weft_dlinear_stats whole, part, sum;
        struct weft_dlinear_weights a = weft_dlinear_weights_new(&shape), b = weft_dlinear_weights_new(&shape);
        struct weft_dlinear_fit fit_a, fit_b;
        weft_dlinear_stats_init(&whole, &shape, 1, 2);
        weft_dlinear_stats_init(&sum, &shape, 1, 2);
        weft_dlinear_stats_finish(&sum);
        add_all(&whole, x, 0, 0, SERIES);
        for (size_t s = 0; s < SERIES; s++) {
            weft_dlinear_stats_init(&part, &shape, 1, 2);
            add_all(&part, x, 0, s, s + 1);
            weft_dlinear_stats_finish(&part);
            weft_dlinear_stats_merge(&sum, &part);
            weft_dlinear_stats_free(&part);
        }
        assert_int_equal(weft_dlinear_solve(&whole, -1, &a, &fit_a, NULL), 0);
        assert_int_equal(weft_dlinear_solve(&sum, -1, &b, &fit_b, NULL), 0);
        assert_true(fit_a.ridge == fit_b.ridge);
        assert_true(fabs(fit_a.valid_mse / fit_b.valid_mse - 1) < 1e-10);
        assert_true(reference_error(a.ws, b.ws, HORIZON * LOOKBACK) < 1e-6);
        weft_dlinear_weights_free(&a);
        weft_dlinear_weights_free(&b);
        weft_dlinear_stats_free(&whole);
        weft_dlinear_stats_free(&sum);
    }
}

static void nothing_to_train_on(void **state)
{
    (void)state;
    static float x[SERIES][LENGTH];
    const struct weft_dlinear_shape shape = {.lookback = 200, .horizon = 30, .kernel = 25, .norm = WEFT_NORM_NONE};
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&shape);
    struct weft_dlinear_stats st;
    struct weft_dlinear_fit fit;
    struct weft_err e = {0};
    shop(x, 1);
    weft_dlinear_stats_init(&st, &shape, 1, 3);
    add_all(&st, x, 0, 0, SERIES);
    assert_int_equal(weft_dlinear_solve(&st, -1, &w, &fit, &e), -1);
    assert_int_equal(e.code, WEFT_CONFIG);
    weft_dlinear_stats_free(&st);
    weft_dlinear_weights_free(&w);
}

/* --- Adam --- */

static void adam_nears_the_optimum(void **state)
{
    (void)state;
    static float x[SERIES][LENGTH], again[HORIZON * LOOKBACK];
    const struct weft_dlinear_shape shape = {
        .lookback = LOOKBACK, .horizon = HORIZON, .kernel = 5, .norm = WEFT_NORM_MEAN};
    uint32_t train[SERIES * LENGTH], valid[SERIES * LENGTH], bundle[LENGTH];
    struct weft_dlinear_windows d = {.pool = x[0], .train = train, .valid = valid};
    struct weft_dlinear_adam o = {.epochs = 60, .patience = 0, .batch = 16, .lr = 0.01, .lr_decay = 0.95, .seed = 5};
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&shape), exact = weft_dlinear_weights_new(&shape);
    struct weft_dlinear_epoch best;
    struct weft_dlinear_stats st;
    struct weft_dlinear_fit fit;
    shop(x, 3);
    for (size_t i = 0; i < LENGTH; i++)
        x[1][i] = isnan(x[1][i]) ? 3 : x[1][i];
    for (size_t at = 0; at + WIDTH <= split[0]; at++) {
        bundle[d.n_bundles++] = (uint32_t)d.n_train;
        for (uint32_t s = 0; s < SERIES; s++)
            train[d.n_train++] = s * LENGTH + (uint32_t)at;
    }
    bundle[d.n_bundles] = (uint32_t)d.n_train;
    for (uint32_t s = 0; s < SERIES; s++)
        for (size_t at = split[0] - LOOKBACK; at + WIDTH <= split[1]; at++)
            valid[d.n_valid++] = s * LENGTH + (uint32_t)at;
    weft_dlinear_stats_init(&st, &shape, 1, 1);
    add_all(&st, x, 0, 0, SERIES);
    assert_int_equal(weft_dlinear_solve(&st, 0, &exact, &fit, NULL), 0);
    weft_dlinear_train(&shape, &o, &d, &w, &best);
    assert_true(best.valid_loss < 1.05 * fit.valid_mse);
    memcpy(again, w.ws, sizeof again);
    weft_dlinear_train(&shape, &o, &d, &w, &best);
    assert_memory_equal(again, w.ws, sizeof again);
    d.bundle = bundle;
    weft_dlinear_train(&shape, &o, &d, &w, &best);
    assert_true(best.valid_loss < 1.05 * fit.valid_mse);
    assert_memory_not_equal(again, w.ws, sizeof again);
    weft_dlinear_stats_free(&st);
    weft_dlinear_weights_free(&w);
    weft_dlinear_weights_free(&exact);
}

/* --- model file --- */

static void model_file(void **state)
{
    (void)state;
    const struct weft_dlinear_shape shape = {
        .lookback = LOOKBACK, .horizon = HORIZON, .kernel = 25, .norm = WEFT_NORM_LAST};
    struct weft_dlinear_weights w[2] = {weft_dlinear_weights_new(&shape), weft_dlinear_weights_new(&shape)};
    char *names[] = {(char[]){"b"}, (char[]){"a \xed\x8c\x90"}}, *channels[] = {(char[]){"units"}};
    struct weft_model_info info = {.name = (char[]){"dlinear"},
                                   .lookback = LOOKBACK,
                                   .horizon = HORIZON,
                                   .stride = 1,
                                   .step = 86400,
                                   .scale = 1,
                                   .by = (char[]){"minor"},
                                   .groups = names,
                                   .n_groups = 2,
                                   .channels = channels,
                                   .n_channels = 1};
    float residuals[2 * 3 * HORIZON], floor[2] = {0.5f, 0.25f}, x[LOOKBACK], y[HORIZON], want[HORIZON];
    char path[] = "/tmp/weft-test-model-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < flat_size(&shape); i++) {
        w[0].ws[i] = reference_number(1, i);
        w[1].ws[i] = reference_number(2, i);
    }
    for (size_t i = 0; i < LOOKBACK; i++)
        x[i] = reference_number(3, i);
    for (size_t i = 0; i < 2 * 3 * HORIZON; i++)
        residuals[i] = i < 3 * HORIZON ? (float)i : NAN;
    struct weft_st_writer *out = weft_st_writer_new();
    weft_model_info_write(&info, out);
    weft_dlinear_write(&shape, w, 2, out);
    weft_st_writer_tensor(out, "residuals", WEFT_ST_F32, 3, (const size_t[]){2, 3, HORIZON}, residuals);
    weft_st_writer_tensor(out, "residual_floor", WEFT_ST_F32, 1, (const size_t[]){2}, floor);
    assert_int_equal(weft_st_save(out, path, NULL), 0);
    weft_st_writer_free(&out);

    struct weft_forecaster *f;
    struct weft_err e = {0};
    assert_int_equal(weft_forecaster_open(path, &f, &e), 0);
    assert_int_equal(weft_forecaster_unit(f, "b", 1, 0), 0);
    assert_int_equal(weft_forecaster_unit(f, names[1], strlen(names[1]), 0), 1);
    assert_true(weft_forecaster_unit(f, "a", 1, 0) == SIZE_MAX);
    assert_true(weft_forecaster_unit(f, "bb", 2, 0) == SIZE_MAX);
    assert_true(weft_forecaster_unit(f, "b", 1, 1) == SIZE_MAX);
    const float *row = x;
    struct weft_dlinear *m = weft_dlinear_new(&shape, 1);
    weft_dlinear_set(m, 0, &w[1]);
    weft_dlinear_forecast(m, 0, &row, 1, want);
    weft_forecaster_run(f, 1, &row, 1, y);
    assert_memory_equal(y, want, sizeof y);
    assert_true(weft_forecaster_floor(f, 1) == 0.25f);
    float offsets[3 * HORIZON], cov[HORIZON * HORIZON];
    const double levels[] = {0.24, 0.25, 0.7};
    assert_true(
        weft_forecaster_offsets(f, 0, 2, levels, 3, offsets)); /* of 0, 4, 8 for step 0: none, first and third */
    for (size_t h = 0; h < HORIZON; h++)
        assert_true(isnan(offsets[h]));
    assert_true(offsets[HORIZON] == 0 && offsets[2 * HORIZON] == 16 && offsets[2 * HORIZON + 1] == 18);
    assert_false(weft_forecaster_offsets(f, 1, 2, levels, 3, offsets));
    assert_int_equal(weft_forecaster_errors(f, 0), 3);
    assert_int_equal(weft_forecaster_errors(f, 1), 0);
    const double of[] = {0.005, 0.995, 0.01, 0.1, 0.9, 0.05, 0.95, 0.25, 0.24, 0.5, 1.0 / 3};
    const size_t needed[] = {199, 199, 99, 9, 9, 19, 19, 3, 4, 1, 2};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        assert_int_equal(weft_conformal_needs(of[i]), needed[i]);
    bool by_spread = false;
    assert_true(weft_forecaster_covariance(f, 0, cov, &by_spread));
    assert_true(fabsf(cov[1] - (0 * 1 + 4 * 5 + 8 * 9) / 3.0f) < 1e-5f);
    assert_false(weft_forecaster_covariance(f, 1, cov, &by_spread));
    weft_forecaster_close(&f);

    struct weft_st *st;
    assert_int_equal(weft_st_open(path, &st, NULL), 0);
    assert_non_null(weft_st_find(st, "Linear_Trend.1.weight"));
    weft_st_close(&st);
    weft_dlinear_free(&m);
    weft_dlinear_weights_free(&w[0]);
    weft_dlinear_weights_free(&w[1]);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_pytorch),
        cmocka_unit_test(gradients_by_differences),
        cmocka_unit_test(moving_average_adjoint),
        cmocka_unit_test(exact_is_least_squares),
        cmocka_unit_test(validation_error_is_that_of_forecasts),
        cmocka_unit_test(sums_of_parts_give_the_same_fit),
        cmocka_unit_test(nothing_to_train_on),
        cmocka_unit_test(adam_nears_the_optimum),
        cmocka_unit_test(model_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
