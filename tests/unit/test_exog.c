/* test_exog.c - exogenous channels: the Gram matrix of several channels, what a channel is multiplied by, and the fit, each against direct evaluation on
 * expanded windows and LAPACK's least squares. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/blas.h"
#include "model/linear_exog.h"
#include "base/mem.h"
#include "base/rng.h"

enum { L = 12, H = 5, W = L + H, LAGS = 3, C = 4, N = 230, SERIES = 3, TRAIN = 150, VALID = 200 };

/* --- the Gram matrix --- */

static void check_tracks(size_t stride)
{
    static const size_t from[] = {0, 7, 11, 3}, to[] = {17, 17, 12, 5}, counts[] = {1, 2, 60, 9};
    enum { TRACKS = 4, RUNS = 4, LENGTH = 60 * 3 + 17 };
    struct weft_track_gram g;
    double *x[RUNS][TRACKS], worst = 0, top = 0;
    weft_track_gram_init(&g, TRACKS, from, to, stride);
    for (size_t r = 0; r < RUNS; r++) {
        struct weft_rng rng = weft_rng(5, r);
        for (size_t k = 0; k < TRACKS; k++) {
            x[r][k] = WEFT_ARRAY(double, LENGTH);
            for (size_t t = 0; t < LENGTH; t++) /* what no window takes must play no part */
                x[r][k][t] = t < from[k] || t >= to[k] + (counts[r] - 1) * stride ? NAN : 2 + (double)k + weft_rng_normal(&rng);
        }
        weft_track_gram_add(&g, (const double *const *)x[r], counts[r]);
    }
    weft_track_gram_finish(&g);
    weft_track_gram_finish(&g);
    assert_int_equal(g.n, 72);
    assert_int_equal(g.width, 17 + 10 + 1 + 2);
    for (size_t k = 0; k < TRACKS; k++)
        for (size_t p = from[k]; p < to[k]; p++)
            for (size_t l = 0; l < TRACKS; l++)
                for (size_t q = from[l]; q < to[l]; q++) {
                    double want = 0, sum = 0;
                    for (size_t r = 0; r < RUNS; r++)
                        for (size_t w = 0; w < counts[r]; w++) {
                            want += x[r][k][w * stride + p] * x[r][l][w * stride + q];
                            sum += x[r][k][w * stride + p];
                        }
                    size_t i = g.base[k] + p - from[k], j = g.base[l] + q - from[l];
                    top = fmax(top, fabs(want));
                    worst = fmax(worst, fabs(g.g[i * g.width + j] - want));
                    assert_true(fabs(g.sum[i] - sum) < 1e-10 * fabs(sum));
                }
    assert_true(worst < 1e-12 * top);
    weft_track_gram_free(&g);
    for (size_t r = 0; r < RUNS; r++)
        for (size_t k = 0; k < TRACKS; k++)
            free(x[r][k]);
}

static void recursion_over_channels_equals_direct_sums(void **state)
{
    (void)state;
    check_tracks(1);
    check_tracks(3);
}

/* --- channels --- */

static void levels_and_gaps(void **state)
{
    (void)state;
    enum { n = 12 };
    /* lookback 3, horizon 2: level[t] is the mean of y[t-4 .. t-2]. */
    const float y[n] = {1, 2, 6, NAN, 4, 8, 3, 5, 7, NAN, NAN, NAN}, price[n] = {NAN, 10, 10, 8, NAN, 12, 10, 10, 10, 9, NAN, 11},
                promo[n] = {0, 1, 0, 0, 1, 1, 0, NAN, 0, 1, 1, NAN};
    const float *const x[] = {price, promo};
    struct weft_exog_shape s = {.lookback = 3, .horizon = 2, .lags = 1, .effect = WEFT_EXOG_LEVEL, .n = 2, .role = {WEFT_ROLE_FUTURE, WEFT_ROLE_FUTURE},
                                .relative = {true, false}};
    const double level[n] = {1, 1, 1, 1.5, 3, 4, 5, 6, 5, 16 / 3.0, 5, 6};
    double g[3 * n];
    weft_exog_channels(&s, y, n, 9, 6, 2, x, g); /* the mean price of the first six steps is 10 */
    for (size_t t = 0; t < n; t++)
        assert_true(fabs(g[2 * n + t] - level[t] / 2) < 1e-12);
    assert_true(fabs(g[0] - 0) < 1e-12);                    /* the first known price */
    assert_true(fabs(g[3] - -0.2 * 0.75) < 1e-12);          /* a fifth off */
    assert_true(fabs(g[4] - -0.2 * 1.5) < 1e-12);           /* carried on */
    assert_true(fabs(g[9] - -0.1 * 16 / 6.0) < 1e-12);      /* known ahead */
    assert_true(isnan(g[10]) && fabs(g[11] - 0.3) < 1e-12); /* nothing is carried on ahead */
    assert_true(fabs(g[n + 7]) < 1e-12 && fabs(g[n + 4] - 1.5) < 1e-12 && isnan(g[n + 11]));
    float out[8];
    assert_int_equal(weft_exog_width(&s), 2 * (1 + 2) + 1);
    assert_true(weft_exog_gather(&s, g, n, 7, out));
    assert_true(out[1] == (float)g[7] && out[2] == (float)g[8] && out[3] == (float)g[n + 6] && out[6] == (float)g[2 * n + 6]);
    assert_false(weft_exog_gather(&s, g, n, 9, out));
    s.effect = WEFT_EXOG_UNITS;
    weft_exog_channels(&s, y, n, 9, 6, 2, x, g);
    assert_true(fabs(g[3] - -0.1) < 1e-12 && fabs(g[n + 4] - 0.5) < 1e-12 && fabs(g[2 * n] - 0.5) < 1e-12);
}

/* Series with gaps whose sales react to price and promotion. */
struct data {
    float y[SERIES][N], x[SERIES][C][N];
    double factor[SERIES], shift[SERIES];
};

static void make_data(struct data *d)
{
    for (size_t s = 0; s < SERIES; s++) {
        struct weft_rng r = weft_rng(11, s);
        double level = 20 + 30 * (double)s;
        for (size_t t = 0; t < N; t++) {
            bool promo = (t + 17 * s) % 31 < 6;
            d->x[s][0][t] = (float)((promo ? 80 : 100) + 3 * weft_rng_normal(&r) + 50 * (double)s);
            d->x[s][1][t] = promo;
            d->x[s][2][t] = (float)weft_rng_normal(&r);
            d->x[s][3][t] = (float)(1 + 2 * (s == 1));
            d->y[s][t] = (float)(level * (1 + 0.7 * promo + 0.1 * (t % 7 == 5)) + 3 * weft_rng_normal(&r) + (t ? d->x[s][2][t - 1] : 0));
        }
        d->factor[s] = 3 + (double)s;
        d->shift[s] = level;
        d->y[s][40 + s] = d->y[s][90] = NAN;
        d->x[s][0][60] = d->x[s][2][61] = NAN;
    }
    d->y[2][170] = NAN;
}

static struct weft_linear_exog_shape shape_of(enum weft_norm norm)
{
    struct weft_linear_exog_shape s = {L, H, norm, {.lookback = L, .horizon = H, .lags = LAGS, .effect = WEFT_EXOG_LEVEL, .n = C}};
    static const enum weft_role roles[C] = {WEFT_ROLE_FUTURE, WEFT_ROLE_FUTURE, WEFT_ROLE_PAST, WEFT_ROLE_STATIC};
    memcpy(s.exog.role, roles, sizeof roles);
    s.exog.relative[0] = true;
    return s;
}

static void no_feature_knows_what_comes(void **state)
{
    (void)state;
    struct data d;
    struct weft_linear_exog_shape s = shape_of(WEFT_NORM_MEAN);
    const float *x[C];
    double *g = WEFT_ARRAY(double, (C + 1) * N);
    float before[64], after[64];
    make_data(&d);
    for (size_t c = 0; c < C; c++)
        x[c] = d.x[0][c];
    assert_true(weft_exog_width(&s.exog) <= 64);
    weft_exog_channels(&s.exog, d.y[0], N, N, TRAIN, 1, x, g);
    assert_true(weft_exog_gather(&s.exog, g, N, 120, before));
    for (size_t t = 120; t < N; t++) {
        d.y[0][t] += 1000;
        d.x[0][2][t] = -7; /* the past channel */
    }
    weft_exog_channels(&s.exog, d.y[0], N, N, TRAIN, 1, x, g);
    assert_true(weft_exog_gather(&s.exog, g, N, 120, after));
    assert_memory_equal(before, after, weft_exog_width(&s.exog) * sizeof(float));
    d.y[0][119] += 1000; /* the last step before the origin is known */
    weft_exog_channels(&s.exog, d.y[0], N, N, TRAIN, 1, x, g);
    assert_true(weft_exog_gather(&s.exog, g, N, 120, after));
    assert_true(memcmp(before, after, weft_exog_width(&s.exog) * sizeof(float)) != 0);
    free(g);
}

/* --- expanded windows --- */

struct expanded {
    size_t n, width, features;
    double *v;     /* [n, width]: lookback and horizon, scaled, then the features as weft_exog_gather orders them */
    size_t *start; /* [n] */
};

/* Windows of all series whose starts lie in [from, to), without a missing value. */
static struct expanded expand(const struct data *d, const struct weft_linear_exog_shape *s, size_t from, size_t to)
{
    struct expanded e = {.features = weft_exog_width(&s->exog)};
    double *g = WEFT_ARRAY(double, (C + 1) * N);
    e.width = W + e.features;
    e.v = WEFT_ARRAY(double, SERIES * N * e.width);
    e.start = WEFT_ARRAY(size_t, SERIES * N);
    for (size_t k = 0; k < SERIES; k++) {
        const float *x[C];
        for (size_t c = 0; c < C; c++)
            x[c] = d->x[k][c];
        weft_exog_channels(&s->exog, d->y[k], N, N, TRAIN, d->factor[k], x, g);
        for (size_t t = from; t < to; t++) {
            double *v = e.v + e.n * e.width, *f = v + W;
            bool whole = true;
            for (size_t i = 0; i < W; i++)
                whole &= !isnan(v[i] = ((double)d->y[k][t + i] - d->shift[k]) / d->factor[k]);
            for (size_t c = 0; c <= C; c++)
                for (size_t i = t + L - weft_exog_lags(&s->exog, c); i < t + L + weft_exog_ahead(&s->exog, c); i++)
                    whole &= !isnan(*f++ = g[c * N + i]);
            if (whole)
                e.start[e.n++] = t;
        }
    }
    free(g);
    return e;
}

static void expanded_free(struct expanded *e)
{
    free(e->v);
    free(e->start);
}

static double base_of(const double *v, enum weft_norm norm)
{
    double sum = 0;
    for (size_t i = 0; i < L; i++)
        sum += v[i];
    return norm == WEFT_NORM_LAST ? v[L - 1] : norm == WEFT_NORM_MEAN ? sum / L : 0;
}

static void add_series(struct weft_linear_exog_stats *st, const struct data *d)
{
    struct weft_dlinear_room room = {0};
    const size_t split[] = {TRAIN, VALID, N};
    for (size_t k = 0; k < SERIES; k++) {
        const float *x[C];
        for (size_t c = 0; c < C; c++)
            x[c] = d->x[k][c];
        weft_linear_exog_stats_add(st, d->y[k], N, d->shift[k], d->factor[k], x, split, k, &room);
    }
    free(room.p);
}

static void gram_of_channels_equals_expanded_windows(void **state)
{
    (void)state;
    struct data d;
    struct weft_linear_exog_shape s = shape_of(WEFT_NORM_NONE);
    struct weft_linear_exog_stats st;
    make_data(&d);
    weft_linear_exog_stats_init(&st, &s, 1, 1); /* one fold: block 0 trains, block 1 validates */
    add_series(&st, &d);
    const size_t from[2] = {0, TRAIN - L}, to[2] = {TRAIN - W + 1, VALID - W + 1};
    for (size_t b = 0; b < 2; b++) {
        struct weft_track_gram *g = &st.block[b];
        struct expanded e = expand(&d, &s, from[b], to[b]);
        double worst = 0, top = 0;
        weft_track_gram_finish(g);
        assert_int_equal(g->n, e.n);
        assert_true(e.n > 50);
        for (size_t i = 0; i < e.width; i++)
            for (size_t j = 0; j < e.width; j++) {
                double want = 0;
                for (size_t n = 0; n < e.n; n++) {
                    const double *v = e.v + n * e.width;
                    want += (v[i] - (i < W ? st.shift : 0)) * (v[j] - (j < W ? st.shift : 0));
                }
                top = fmax(top, fabs(want));
                worst = fmax(worst, fabs(want - g->g[i * g->width + j]));
            }
        assert_true(worst < 1e-10 * top);
        expanded_free(&e);
    }
    weft_linear_exog_stats_free(&st);
}

/* The fit by dgelsd: for each step the columns that it sees, centred or normalised, brought to the lookback's mean square, with sqrt(alpha) rows below. */
static void least_squares(const struct expanded *e, const struct weft_linear_exog_shape *s, double ridge, size_t h, double *w, double *v, double *bias)
{
    size_t weights = weft_exog_weights(&s->exog), columns = L + weights, column[L + 64], at = W, used = L;
    double *m = WEFT_ARRAY(double, e->n * e->width), *mean = WEFT_ARRAY(double, e->width), *scale = WEFT_ARRAY(double, e->width), unit = 0;
    for (size_t n = 0; n < e->n && s->norm == WEFT_NORM_NONE; n++)
        for (size_t i = 0; i < e->width; i++)
            mean[i] += e->v[n * e->width + i] / (double)e->n;
    for (size_t n = 0; n < e->n; n++)
        for (size_t i = 0; i < e->width; i++)
            m[n * e->width + i] = e->v[n * e->width + i] - mean[i] - (i < W ? base_of(e->v + n * e->width, s->norm) : 0);
    for (size_t n = 0; n < e->n; n++)
        for (size_t i = 0; i < L; i++)
            unit += m[n * e->width + i] * m[n * e->width + i] / L;
    for (size_t i = 0; i < L; i++) {
        column[i] = i;
        scale[i] = 1;
    }
    for (size_t c = 0; c <= C; c++) {
        size_t lags = weft_exog_lags(&s->exog, c), ahead = weft_exog_ahead(&s->exog, c), width = lags + ahead;
        double square = 0;
        for (size_t n = 0; n < e->n; n++)
            for (size_t i = 0; i < width; i++)
                square += m[n * e->width + at + i] * m[n * e->width + at + i] / (double)width;
        for (size_t i = 0; i < width; i++)
            scale[at + i] = sqrt(unit / square);
        for (size_t i = 0; i < lags; i++)
            column[used++] = at + i;
        if (ahead)
            column[used++] = at + lags + h;
        at += width;
    }
    assert_int_equal(used, columns);
    double *a = WEFT_ARRAY(double, (e->n + columns) * columns), *b = WEFT_ARRAY(double, e->n + columns);
    for (size_t n = 0; n < e->n; n++) {
        for (size_t i = 0; i < columns; i++)
            a[n * columns + i] = m[n * e->width + column[i]] * scale[column[i]];
        b[n] = m[n * e->width + L + h];
    }
    for (size_t i = 0; i < columns; i++)
        a[(e->n + i) * columns + i] = sqrt(ridge * unit);
    assert_int_equal(weft_lstsq(e->n + columns, columns, 1, a, b, 1e-9, NULL), 0);
    *bias = mean[L + h];
    for (size_t i = 0; i < columns; i++) {
        double x = b[i] * scale[column[i]];
        *bias -= x * mean[column[i]];
        if (i < L)
            w[i] = x;
        else
            v[i - L] = x;
    }
    free(m);
    free(mean);
    free(scale);
    free(a);
    free(b);
}

static void check_fit(enum weft_norm norm, double ridge)
{
    struct data d;
    struct weft_linear_exog_shape s = shape_of(norm);
    struct weft_linear_exog_stats st;
    struct weft_linear_exog_weights w = weft_linear_exog_weights_new(&s);
    struct weft_dlinear_fit fit;
    struct weft_err err = {0};
    size_t weights = weft_exog_weights(&s.exog);
    make_data(&d);
    weft_linear_exog_stats_init(&st, &s, 1, 2); /* with ridge given, folds change nothing */
    add_series(&st, &d);
    assert_int_equal(weft_linear_exog_solve(&st, ridge, &w, &fit, &err), 0);
    struct expanded e = expand(&d, &s, 0, TRAIN - W + 1), valid = expand(&d, &s, TRAIN - L, VALID - W + 1);
    assert_int_equal(fit.train_windows, e.n);
    assert_int_equal(fit.valid_windows, valid.n);
    for (size_t h = 0; h < H; h++) {
        double ww[L], vv[64], bias, top = 0, worst = 0;
        least_squares(&e, &s, ridge, h, ww, vv, &bias);
        for (size_t i = 0; i < L; i++) {
            top = fmax(top, fabs(ww[i]));
            worst = fmax(worst, fabs(ww[i] - (double)w.w[h * L + i]));
        }
        for (size_t i = 0; i < weights; i++) {
            top = fmax(top, fabs(vv[i]));
            worst = fmax(worst, fabs(vv[i] - (double)w.v[h * weights + i]));
        }
        assert_true(worst < 1e-6 * top); /* float32 weights */
        assert_true(fabs(bias - (double)w.bias[h]) < 1e-5);
    }
    /* The error that comes out of the Gram matrices is that of forecasts. */
    struct weft_linear_exog *model = weft_linear_exog_new(&s, 1);
    double sum = 0;
    weft_linear_exog_set(model, 0, &w);
    for (size_t n = 0; n < valid.n; n++) {
        float row[W + 64], y[H];
        const float *x = row;
        for (size_t i = 0; i < valid.width; i++)
            row[i] = (float)valid.v[n * valid.width + i];
        weft_linear_exog_forecast(model, 0, &x, 1, y);
        for (size_t h = 0; h < H; h++)
            sum += (y[h] - valid.v[n * valid.width + L + h]) * (y[h] - valid.v[n * valid.width + L + h]);
    }
    assert_true(fabs(sum / (double)(valid.n * H) - fit.valid_mse) < 1e-5 * fit.valid_mse);
    expanded_free(&e);
    expanded_free(&valid);
    weft_linear_exog_free(&model);
    weft_linear_exog_weights_free(&w);
    weft_linear_exog_stats_free(&st);
}

static void weights_equal_ridge_on_expanded_windows(void **state)
{
    (void)state;
    for (int norm = 0; norm < WEFT_NORMS; norm++) {
        check_fit((enum weft_norm)norm, 0.01);
        check_fit((enum weft_norm)norm, 1);
    }
}

static void folds_choose_a_ridge_and_the_channels_help(void **state)
{
    (void)state;
    struct data d;
    struct weft_linear_exog_shape s = shape_of(WEFT_NORM_MEAN);
    struct weft_linear_exog_stats st;
    struct weft_linear_exog_weights w = weft_linear_exog_weights_new(&s);
    struct weft_dlinear_fit fit;
    struct weft_err err = {0};
    make_data(&d);
    weft_linear_exog_stats_init(&st, &s, 1, 3);
    add_series(&st, &d);
    assert_int_equal(weft_linear_exog_solve(&st, -1, &w, &fit, &err), 0);
    assert_true(fit.folds == 3 && fit.ridge >= 0);

    struct weft_dlinear_shape plain = {L, H, 1, WEFT_NORM_MEAN};
    struct weft_dlinear_stats without;
    struct weft_dlinear_weights v = weft_dlinear_weights_new(&plain);
    struct weft_dlinear_fit other;
    struct weft_dlinear_room room = {0};
    weft_dlinear_stats_init(&without, &plain, 1, 3);
    for (size_t k = 0; k < SERIES; k++)
        weft_dlinear_stats_add(&without, d.y[k], N, d.shift[k], d.factor[k], (const size_t[]){TRAIN, VALID, N}, k, &room);
    assert_int_equal(weft_dlinear_solve(&without, -1, &v, &other, &err), 0);
    assert_true(fit.valid_mse < 0.5 * other.valid_mse);
    free(room.p);
    weft_dlinear_weights_free(&v);
    weft_dlinear_stats_free(&without);
    weft_linear_exog_weights_free(&w);
    weft_linear_exog_stats_free(&st);
}

static void no_window_is_said(void **state)
{
    (void)state;
    struct data d;
    struct weft_linear_exog_shape s = shape_of(WEFT_NORM_MEAN);
    struct weft_linear_exog_stats st;
    struct weft_linear_exog_weights w = weft_linear_exog_weights_new(&s);
    struct weft_dlinear_fit fit;
    struct weft_err err = {0};
    make_data(&d);
    for (size_t k = 0; k < SERIES; k++)
        for (size_t t = 0; t < N; t++)
            d.x[k][0][t] = NAN; /* a price that nobody knows */
    weft_linear_exog_stats_init(&st, &s, 1, 3);
    add_series(&st, &d);
    assert_int_equal(weft_linear_exog_solve(&st, -1, &w, &fit, &err), -1);
    assert_int_equal(err.code, WEFT_CONFIG);
    weft_linear_exog_weights_free(&w);
    weft_linear_exog_stats_free(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recursion_over_channels_equals_direct_sums),
        cmocka_unit_test(levels_and_gaps),
        cmocka_unit_test(no_feature_knows_what_comes),
        cmocka_unit_test(gram_of_channels_equals_expanded_windows),
        cmocka_unit_test(weights_equal_ridge_on_expanded_windows),
        cmocka_unit_test(folds_choose_a_ridge_and_the_channels_help),
        cmocka_unit_test(no_window_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
