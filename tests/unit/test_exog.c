/* test_exog.c - exogenous channels: the Gram matrix of several channels, what a channel is multiplied by, and the fit,
 * each against direct evaluation on expanded windows and LAPACK's least squares. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/blas.h"
#include "model/dlinear.h"
#include "model/tune.h"
#include "nn/nested.h"
#include "base/mem.h"
#include "base/rng.h"

enum { L = 12, H = 5, W = L + H, LAGS = 3, C = 4, N = 230, SERIES = 3, TRAIN = 150, VALID = 200 };

/* --- the Gram matrix --- */

static void check_tracks(size_t stride)
{
    static const size_t from[] = {0, 7, 11, 3}, to[] = {17, 17, 12, 5}, counts[] = {1, 2, 60, 9};
    enum { TRACKS = 4, RUNS = 4, LENGTH = 60 * 3 + 17 };
    struct weft_gram g;
    double *x[RUNS][TRACKS], worst = 0, top = 0;
    weft_gram_init_tracks(&g, TRACKS, from, to, stride);
    for (size_t r = 0; r < RUNS; r++) {
        struct weft_rng rng = weft_rng(5, r);
        for (size_t k = 0; k < TRACKS; k++) {
            x[r][k] = WEFT_ARRAY(double, LENGTH + WEFT_GRAM_SLACK);
            for (size_t t = 0; t < LENGTH; t++) /* what no window takes must play no part */
                x[r][k][t] =
                    t < from[k] || t >= to[k] + (counts[r] - 1) * stride ? NAN : 2 + (double)k + weft_rng_normal(&rng);
        }
        weft_gram_add_tracks(&g, (const double *const *)x[r], counts[r]);
    }
    weft_gram_finish(&g);
    weft_gram_finish(&g);
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
                    worst = fmax(worst, fabs(weft_gram_at(&g, i, j) - want));
                    assert_true(fabs(g.sum[i] - sum) < 1e-10 * fabs(sum));
                }
    assert_true(worst < 1e-12 * top);
    weft_gram_free(&g);
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
    const float y[n] = {1, 2, 6, NAN, 4, 8, 3, 5, 7, NAN, NAN, NAN},
                price[n] = {NAN, 10, 10, 8, NAN, 12, 10, 10, 10, 9, NAN, 11},
                promo[n] = {0, 1, 0, 0, 1, 1, 0, NAN, 0, 1, 1, NAN};
    const float *const x[] = {price, promo};
    struct weft_exog_shape s = {.level = 3,
                                .horizon = 2,
                                .lags = 1,
                                .effect = WEFT_EXOG_LEVEL,
                                .n = 2,
                                .role = {WEFT_ROLE_FUTURE, WEFT_ROLE_FUTURE},
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
    assert_true(out[1] == (float)g[7] && out[2] == (float)g[8] && out[3] == (float)g[n + 6] &&
                out[6] == (float)g[2 * n + 6]);
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
            d->y[s][t] = (float)(level * (1 + 0.7 * promo + 0.1 * (t % 7 == 5)) + 3 * weft_rng_normal(&r) +
                                 (t ? d->x[s][2][t - 1] : 0));
        }
        d->factor[s] = 3 + (double)s;
        d->shift[s] = level;
        d->y[s][40 + s] = d->y[s][90] = NAN;
        d->x[s][0][60] = d->x[s][2][61] = NAN;
    }
    d->y[2][170] = NAN;
}

static struct weft_dlinear_shape shape_of(enum weft_norm norm)
{
    struct weft_dlinear_shape s = {
        L, H, 1, norm, {.level = L, .horizon = H, .lags = LAGS, .effect = WEFT_EXOG_LEVEL, .n = C}};
    static const enum weft_role roles[C] = {WEFT_ROLE_FUTURE, WEFT_ROLE_FUTURE, WEFT_ROLE_PAST, WEFT_ROLE_STATIC};
    memcpy(s.exog.role, roles, sizeof roles);
    s.exog.relative[0] = true;
    return s;
}

static void no_feature_knows_what_comes(void **state)
{
    (void)state;
    struct data d;
    struct weft_dlinear_shape s = shape_of(WEFT_NORM_MEAN);
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
static struct expanded expand(const struct data *d, const struct weft_dlinear_shape *s, size_t from, size_t to)
{
    struct expanded e = {.features = weft_exog_width(&s->exog)};
    double *g = WEFT_ARRAY(double, (C + 1) * N);
    e.width = W + e.features;
    e.v = WEFT_ARRAY(double, SERIES *N *e.width);
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

static void add_series(struct weft_dlinear_stats *st, const struct data *d)
{
    struct weft_dlinear_room room = {0};
    const size_t split[] = {TRAIN, VALID, N};
    for (size_t k = 0; k < SERIES; k++) {
        const float *x[C];
        for (size_t c = 0; c < C; c++)
            x[c] = d->x[k][c];
        weft_dlinear_stats_add(st, d->y[k], N, d->shift[k], d->factor[k], x, split, k, &room);
    }
    free(room.p);
}

static void gram_of_channels_equals_expanded_windows(void **state)
{
    (void)state;
    struct data d;
    struct weft_dlinear_shape s = shape_of(WEFT_NORM_NONE);
    struct weft_dlinear_stats st;
    make_data(&d);
    weft_dlinear_stats_init(&st, &s, 1, 1); /* one fold: block 0 trains, block 1 validates */
    add_series(&st, &d);
    const size_t from[2] = {0, TRAIN - L}, to[2] = {TRAIN - W + 1, VALID - W + 1};
    for (size_t b = 0; b < 2; b++) {
        struct weft_gram *g = &st.block[b];
        struct expanded e = expand(&d, &s, from[b], to[b]);
        double worst = 0, top = 0;
        weft_gram_finish(g);
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
                worst = fmax(worst, fabs(want - weft_gram_at(g, i, j)));
            }
        assert_true(worst < 1e-10 * top);
        expanded_free(&e);
    }
    weft_dlinear_stats_free(&st);
}

/* The fit by dgelsd: for each step the columns that it sees, centred or normalised, brought to the lookback's mean
 * square, with sqrt(alpha) rows below. */
static void least_squares(const struct expanded *e, const struct weft_dlinear_shape *s, double ridge, size_t h,
                          double *w, double *v, double *bias)
{
    size_t weights = weft_exog_weights(&s->exog), columns = L + weights, column[L + 64], at = W, used = L;
    double *m = WEFT_ARRAY(double, e->n * e->width), *mean = WEFT_ARRAY(double, e->width),
           *scale = WEFT_ARRAY(double, e->width), unit = 0;
    for (size_t n = 0; n < e->n && s->norm == WEFT_NORM_NONE; n++)
        for (size_t i = 0; i < e->width; i++)
            mean[i] += e->v[n * e->width + i] / (double)e->n;
    for (size_t n = 0; n < e->n; n++)
        for (size_t i = 0; i < e->width; i++)
            m[n * e->width + i] =
                e->v[n * e->width + i] - mean[i] - (i < W ? base_of(e->v + n * e->width, s->norm) : 0);
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
    struct weft_dlinear_shape s = shape_of(norm);
    struct weft_dlinear_stats st;
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&s);
    struct weft_dlinear_fit fit;
    struct weft_err err = {0};
    size_t weights = weft_exog_weights(&s.exog);
    make_data(&d);
    weft_dlinear_stats_init(&st, &s, 1, 2); /* with ridge given, folds change nothing */
    add_series(&st, &d);
    assert_int_equal(weft_dlinear_solve(&st, ridge, &w, &fit, &err), 0);
    struct expanded e = expand(&d, &s, 0, TRAIN - W + 1), valid = expand(&d, &s, TRAIN - L, VALID - W + 1);
    assert_int_equal(fit.train_windows, e.n);
    assert_int_equal(fit.valid_windows, valid.n);
    for (size_t h = 0; h < H; h++) {
        double ww[L], vv[64], bias, top = 0, worst = 0;
        least_squares(&e, &s, ridge, h, ww, vv, &bias);
        for (size_t i = 0; i < L; i++) {
            top = fmax(top, fabs(ww[i]));
            worst = fmax(worst, fabs(ww[i] - (double)w.ws[h * L + i]));
        }
        for (size_t i = 0; i < weights; i++) {
            top = fmax(top, fabs(vv[i]));
            worst = fmax(worst, fabs(vv[i] - (double)w.v[h * weights + i]));
        }
        assert_true(worst < 1e-6 * top); /* float32 weights */
        assert_true(fabs(bias - (double)w.bs[h]) < 1e-5);
    }
    /* The error that comes out of the Gram matrices is that of forecasts. */
    struct weft_dlinear *model = weft_dlinear_new(&s, 1);
    double sum = 0;
    weft_dlinear_set(model, 0, &w);
    for (size_t n = 0; n < valid.n; n++) {
        float row[W + 64], y[H];
        const float *x = row;
        for (size_t i = 0; i < valid.width; i++)
            row[i] = (float)valid.v[n * valid.width + i];
        weft_dlinear_forecast(model, 0, &x, 1, y);
        for (size_t h = 0; h < H; h++)
            sum += (y[h] - valid.v[n * valid.width + L + h]) * (y[h] - valid.v[n * valid.width + L + h]);
    }
    assert_true(fabs(sum / (double)(valid.n * H) - fit.valid_mse) < 1e-5 * fit.valid_mse);
    expanded_free(&e);
    expanded_free(&valid);
    weft_dlinear_free(&model);
    weft_dlinear_weights_free(&w);
    weft_dlinear_stats_free(&st);
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
    struct weft_dlinear_shape s = shape_of(WEFT_NORM_MEAN);
    struct weft_dlinear_stats st;
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&s);
    struct weft_dlinear_fit fit;
    struct weft_err err = {0};
    make_data(&d);
    weft_dlinear_stats_init(&st, &s, 1, 3);
    add_series(&st, &d);
    assert_int_equal(weft_dlinear_solve(&st, -1, &w, &fit, &err), 0);
    assert_true(fit.folds == 3 && fit.ridge >= 0);

    struct weft_dlinear_shape plain = {.lookback = L, .horizon = H, .kernel = 1, .norm = WEFT_NORM_MEAN};
    struct weft_dlinear_stats without;
    struct weft_dlinear_weights v = weft_dlinear_weights_new(&plain);
    struct weft_dlinear_fit other;
    struct weft_dlinear_room room = {0};
    weft_dlinear_stats_init(&without, &plain, 1, 3);
    for (size_t k = 0; k < SERIES; k++)
        weft_dlinear_stats_add(&without, d.y[k], N, d.shift[k], d.factor[k], NULL, (const size_t[]){TRAIN, VALID, N}, k,
                               &room);
    assert_int_equal(weft_dlinear_solve(&without, -1, &v, &other, &err), 0);
    assert_true(fit.valid_mse < 0.5 * other.valid_mse);
    free(room.p);
    weft_dlinear_weights_free(&v);
    weft_dlinear_stats_free(&without);
    weft_dlinear_weights_free(&w);
    weft_dlinear_stats_free(&st);
}

static void no_window_is_said(void **state)
{
    (void)state;
    struct data d;
    struct weft_dlinear_shape s = shape_of(WEFT_NORM_MEAN);
    struct weft_dlinear_stats st;
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&s);
    struct weft_dlinear_fit fit;
    struct weft_err err = {0};
    make_data(&d);
    for (size_t k = 0; k < SERIES; k++)
        for (size_t t = 0; t < N; t++)
            d.x[k][0][t] = NAN; /* a price that nobody knows */
    weft_dlinear_stats_init(&st, &s, 1, 3);
    add_series(&st, &d);
    assert_int_equal(weft_dlinear_solve(&st, -1, &w, &fit, &err), -1);
    assert_int_equal(err.code, WEFT_CONFIG);
    weft_dlinear_weights_free(&w);
    weft_dlinear_stats_free(&st);
}

/* --- tuning: every lookback, mean of the last k and ridge --- */

static const size_t tune_lookbacks[] = {1, 4, 7, L}, tune_lasts[] = {0, 1, 3, WEFT_NESTED_WHOLE};
static const double tune_ridges[] = {1e-6, 1e-2, 1};
static const double tune_owns[] = {1, 0.01};
enum { N_LOOKBACKS = 4, N_LASTS = 4, N_RIDGES = 3, N_OWNS = 2 };

/* What a ridge of 1 is, and what channels are multiplied by, from training windows: the mean square within lookbacks.
 */
static double tune_scales(const struct expanded *e, const struct weft_dlinear_shape *s, double shift, double *factor)
{
    double unit = 0;
    for (size_t n = 0; n < e->n; n++)
        for (size_t i = 0; i < L; i++) {
            const double *v = e->v + n * e->width;
            double d = v[i] - base_of(v, WEFT_NORM_MEAN);
            unit += d * d / L;
        }
    (void)shift;
    for (size_t c = 0, at = W; c <= s->exog.n; c++) {
        size_t width = weft_exog_lags(&s->exog, c) + weft_exog_ahead(&s->exog, c);
        double square = 0;
        for (size_t n = 0; n < e->n; n++)
            for (size_t i = 0; i < width; i++)
                square += e->v[n * e->width + at + i] * e->v[n * e->width + at + i] / (double)width;
        for (size_t i = 0; i < width; i++)
            factor[at + i] = sqrt(unit / square);
        at += width;
    }
    return unit;
}

/* The columns of step h at this lookback in a window v, the mean of the last k subtracted (0: a 1 at the end instead),
 * and what part of the ridge each gets; returns how many, *base what y loses. */
static size_t tune_columns(const double *v, const struct weft_dlinear_shape *s, const double *factor, double shift,
                           size_t h, size_t lookback, size_t last, double own, double *out, double *base, double *ridge)
{
    size_t n = 0;
    for (size_t i = 0; i < L + 64; i++)
        ridge[i] = 1;
    *base = 0;
    for (size_t i = 0; i < last; i++)
        *base += (v[L - 1 - i] - shift) / (double)last;
    for (size_t i = 0; i < lookback; i++)
        out[n++] = v[L - lookback + i] - shift - *base;
    for (size_t c = 0, at = W; c <= s->exog.n; c++) {
        size_t lags = weft_exog_lags(&s->exog, c), ahead = weft_exog_ahead(&s->exog, c);
        for (size_t i = 0; i < lags; i++)
            out[n++] = v[at + i] * factor[at + i];
        if (ahead) {
            ridge[n] = own;
            out[n++] = v[at + lags + h] * factor[at + lags + h];
        }
        at += lags + ahead;
    }
    if (!last) {
        ridge[n] = 0;
        out[n++] = 1;
    }
    return n;
}

/* Errors of step h over the validation windows of the fit by dgelsd on expanded training windows. */
static void tune_directly(const struct expanded *train, const struct expanded *valid,
                          const struct weft_dlinear_shape *s, double shift, size_t h, size_t lookback, size_t last,
                          double ridge, double own, double *errors)
{
    double factor[W + 64], row[L + 64], part[L + 64], base;
    double unit = tune_scales(train, s, shift, factor);
    size_t columns = tune_columns(train->v, s, factor, shift, h, lookback, last, own, row, &base, part),
           most = train->n + columns;
    double *a = WEFT_ARRAY(double, most *columns), *b = WEFT_ARRAY(double, most);
    for (size_t n = 0; n < train->n; n++) {
        const double *v = train->v + n * train->width;
        tune_columns(v, s, factor, shift, h, lookback, last, own, a + n * columns, &base, part);
        b[n] = v[L + h] - shift - base;
    }
    for (size_t i = 0; i < columns; i++)
        a[(train->n + i) * columns + i] = sqrt(part[i] * ridge * unit);
    assert_int_equal(weft_lstsq(most, columns, 1, a, b, 1e-15, NULL), 0);
    for (size_t n = 0; n < valid->n; n++) {
        const double *v = valid->v + n * valid->width;
        size_t k = tune_columns(v, s, factor, shift, h, lookback, last, own, row, &base, part);
        errors[n] = v[L + h] - shift - base;
        for (size_t i = 0; i < k; i++)
            errors[n] -= row[i] * b[i];
    }
    free(a);
    free(b);
}

/* Errors of step h of weights in raw coordinates. */
static void errors_of(const struct expanded *e, const struct weft_dlinear_shape *s, double shift, size_t h,
                      const double *r, const double *bias, const double *exog, double *errors)
{
    for (size_t n = 0; n < e->n; n++) {
        const double *v = e->v + n * e->width, *x = exog + h * weft_exog_weights(&s->exog);
        errors[n] = v[L + h] - shift - bias[h];
        for (size_t i = 0; i < L; i++)
            errors[n] -= r[h * L + i] * (v[i] - shift);
        for (size_t c = 0, at = W; c <= s->exog.n; c++) {
            size_t lags = weft_exog_lags(&s->exog, c), ahead = weft_exog_ahead(&s->exog, c);
            for (size_t i = 0; i < lags; i++)
                errors[n] -= *x++ * v[at + i];
            if (ahead)
                errors[n] -= *x++ * v[at + lags + h];
            at += lags + ahead;
        }
    }
}

static double mean_square(const double *x, const double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * y[i] / (double)n;
    return sum;
}

struct tuned {
    struct data d;
    struct weft_dlinear_shape s;
    struct weft_dlinear_stats st;
    struct expanded train, valid;
    struct weft_nested *f;
};

static void tuned_new(struct tuned *t)
{
    t->s = shape_of(WEFT_NORM_NONE);
    make_data(&t->d);
    weft_dlinear_stats_init(&t->st, &t->s, 1, 1);
    add_series(&t->st, &t->d);
    weft_dlinear_stats_finish(&t->st);
    t->train = expand(&t->d, &t->s, 0, TRAIN - W + 1);
    t->valid = expand(&t->d, &t->s, TRAIN - L, VALID - W + 1);
    t->f = weft_nested_new(&t->st.block[0], (double)t->st.block[0].n, &t->st.block[1], L, H);
}

static void tuned_free(struct tuned *t)
{
    weft_nested_free(&t->f);
    expanded_free(&t->train);
    expanded_free(&t->valid);
    weft_dlinear_stats_free(&t->st);
}

static void tuning_equals_least_squares_on_expanded_windows(void **state)
{
    (void)state;
    struct tuned t;
    tuned_new(&t);
    const struct weft_nested_grid grid = {tune_lookbacks, N_LOOKBACKS, tune_lasts, N_LASTS, tune_owns, N_OWNS};
    size_t weights = weft_exog_weights(&t.s.exog);
    double mse[N_LOOKBACKS * N_LASTS * N_OWNS], *e = WEFT_ARRAY(double, (H + 1) * t.valid.n),
                                                *r = WEFT_ARRAY(double, H *(L + 1 + weights)), cov[H * H];
    for (size_t k = 0; k < N_RIDGES; k++) {
        weft_nested_errors(t.f, &grid, tune_ridges[k], mse);
        for (size_t i = 0; i < N_LOOKBACKS * N_LASTS * N_OWNS; i++) {
            size_t lookback = tune_lookbacks[i / N_OWNS / N_LASTS], asked = tune_lasts[i / N_OWNS % N_LASTS],
                   last = asked == WEFT_NESTED_WHOLE ? lookback : asked;
            if (asked != WEFT_NESTED_WHOLE && last >= lookback) {
                assert_true(isinf(mse[i]));
                continue;
            }
            double want = 0, *bias = r + H * L, *exog = bias + H;
            const struct weft_nested_config c = {lookback, last, tune_ridges[k], tune_owns[i % N_OWNS]};
            memset(r, 0, H * (L + 1 + weights) * sizeof *r);
            memset(cov, 0, sizeof cov);
            assert_true(weft_nested_add(t.f, &c, 1, r, bias, exog));
            for (size_t h = 0; h < H; h++) {
                double *mine = e + H * t.valid.n, *direct = e + h * t.valid.n;
                tune_directly(&t.train, &t.valid, &t.s, t.st.shift, h, lookback, last, tune_ridges[k],
                              tune_owns[i % N_OWNS], direct);
                errors_of(&t.valid, &t.s, t.st.shift, h, r, bias, exog, mine);
                double square = mean_square(direct, direct, t.valid.n);
                assert_true(fabs(mean_square(mine, mine, t.valid.n) - square) < 1e-6 * square);
                want += square / H;
            }
            assert_true(fabs(mse[i] - want) < 1e-6 * want);
            assert_int_equal(weft_nested_moments(t.f, r, bias, exog, cov), t.valid.n);
            for (size_t h = 0; h < H; h++)
                for (size_t g = 0; g < H; g++)
                    assert_true(fabs(cov[h * H + g] / (double)t.valid.n -
                                     mean_square(e + h * t.valid.n, e + g * t.valid.n, t.valid.n)) < 1e-6 * want);
        }
    }
    free(e);
    free(r);
    tuned_free(&t);
}

/* A channel that never varies, one that is always zero, two that say the same: fits are finite, and forecasts those
 * without them. */
static void channels_without_news(void **state)
{
    (void)state;
    struct tuned t;
    t.s = shape_of(WEFT_NORM_NONE);
    make_data(&t.d);
    for (size_t k = 0; k < SERIES; k++)
        for (size_t i = 0; i < N; i++) {
            t.d.x[k][0][i] = 5; /* relative: nothing but zero */
            t.d.x[k][2][i] = t.d.x[k][1][i];
            t.d.x[k][3][i] = 1; /* as the constant */
        }
    weft_dlinear_stats_init(&t.st, &t.s, 1, 3);
    add_series(&t.st, &t.d);
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&t.s);
    struct weft_dlinear_fit fit;
    struct weft_tuned tuned;
    struct weft_err err = {0};
    const struct weft_tune o = {.lookbacks = true, .norm = WEFT_NORMS, .ridge = -1, .step = 86400};
    assert_int_equal(weft_dlinear_tune(&t.st, &o, &w, NULL, &fit, &tuned, &err), 0);
    assert_true(isfinite(fit.valid_mse) && tuned.n_best > 0);
    for (size_t i = 0; i < weft_dlinear_weights_size(&t.s); i++)
        assert_true(isfinite(w.ws[i]));
    free(tuned.covariance);
    weft_dlinear_stats_free(&t.st);
    for (int norm = 0; norm < WEFT_NORMS; norm++) {
        t.s.norm = (enum weft_norm)norm;
        weft_dlinear_stats_init(&t.st, &t.s, 1, 3);
        add_series(&t.st, &t.d);
        assert_int_equal(weft_dlinear_solve(&t.st, norm ? -1 : 0, &w, &fit, &err), 0);
        for (size_t i = 0; i < weft_dlinear_weights_size(&t.s); i++)
            assert_true(isfinite(w.ws[i]));
        weft_dlinear_stats_free(&t.st);
    }
    weft_dlinear_weights_free(&w);
}

/* The best of all configurations, each fitted on expanded windows. */
static void the_choice_is_that_of_brute_force(void **state)
{
    (void)state;
    struct tuned t;
    tuned_new(&t);
    size_t lookbacks[WEFT_TUNE_LOOKBACKS], lasts[WEFT_TUNE_LASTS], n = weft_tune_lookbacks(L, H, 86400, lookbacks),
                                                                   m = weft_tune_lasts(L, 86400, lasts);
    double ridges[WEFT_TUNE_RIDGES], owns[WEFT_TUNE_OWNS], best = INFINITY, *e = WEFT_ARRAY(double, t.valid.n);
    size_t n_ridges = weft_tune_ridges(ridges), n_owns = weft_tune_owns(owns);
    struct weft_nested_config chosen = {0};
    for (size_t i = 0; i < n * m * n_ridges * n_owns; i++) {
        size_t lookback = lookbacks[i / n_owns / m / n_ridges], last = lasts[i / n_owns / n_ridges % m];
        double ridge = ridges[i / n_owns % n_ridges], own = owns[i % n_owns];
        double sum = 0;
        if (last != WEFT_NESTED_WHOLE && last >= lookback)
            continue;
        last = last == WEFT_NESTED_WHOLE ? lookback : last;
        for (size_t h = 0; h < H; h++) {
            tune_directly(&t.train, &t.valid, &t.s, t.st.shift, h, lookback, last, ridge, own, e);
            sum += mean_square(e, e, t.valid.n) / H;
        }
        if (sum < best) {
            best = sum;
            chosen = (struct weft_nested_config){lookback, last, ridge, own};
        }
    }
    tuned_free(&t);
    weft_dlinear_stats_init(&t.st, &t.s, 1, 1);
    add_series(&t.st, &t.d);
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&t.s);
    struct weft_dlinear_fit fit;
    struct weft_tuned tuned;
    struct weft_err err = {0};
    const struct weft_tune o = {.lookbacks = true, .norm = WEFT_NORMS, .ridge = -1, .step = 86400};
    assert_int_equal(weft_dlinear_tune(&t.st, &o, &w, NULL, &fit, &tuned, &err), 0);
    assert_true(tuned.best[0].lookback == chosen.lookback && tuned.best[0].last == chosen.last &&
                tuned.best[0].ridge == chosen.ridge && tuned.best[0].own == chosen.own);
    assert_true(fabs(tuned.error[0] - best) < 1e-6 * best);
    free(tuned.covariance);
    free(e);
    weft_dlinear_weights_free(&w);
    weft_dlinear_stats_free(&t.st);
}

/* --- borrowing from a source that has the same channels --- */

/* Of step h the columns that it sees, [n, L + weights + 1]: after the norm, times scale[width] (that of the places is
 * 1), and with norm none a 1 behind them; y[n]. */
static size_t seen_by_step(const struct expanded *e, const struct weft_dlinear_shape *s, double shift, size_t h,
                           const double *scale, double weight, double *a, double *y)
{
    size_t k = L + weft_exog_weights(&s->exog) + (s->norm == WEFT_NORM_NONE);
    for (size_t n = 0; n < e->n; n++, a += k) {
        const double *v = e->v + n * e->width;
        double less = s->norm == WEFT_NORM_NONE ? shift : base_of(v, s->norm);
        size_t used = 0, at = W;
        for (; used < L; used++)
            a[used] = sqrt(weight) * (v[used] - less);
        for (size_t c = 0; c <= C; c++) {
            size_t lags = weft_exog_lags(&s->exog, c), ahead = weft_exog_ahead(&s->exog, c);
            for (size_t i = 0; i < lags; i++)
                a[used++] = sqrt(weight) * v[at + i] * scale[at + i];
            if (ahead)
                a[used++] = sqrt(weight) * v[at + lags + h] * scale[at + lags + h];
            at += lags + ahead;
        }
        if (used < k)
            a[used++] = sqrt(weight);
        assert_int_equal(used, k);
        y[n] = sqrt(weight) * (v[L + h] - less);
    }
    return k;
}

/* What brings the channels' columns to the mean square of the lookback's (both centred with norm none); returns the
 * latter. */
static double scales_of(const struct expanded *e, const struct weft_dlinear_shape *s, double *scale)
{
    double *square = WEFT_ARRAY(double, e->width), unit = 0;
    for (size_t i = 0; i < e->width; i++) {
        double mean = 0;
        for (size_t n = 0; n < e->n && s->norm == WEFT_NORM_NONE; n++)
            mean += e->v[n * e->width + i] / (double)e->n;
        for (size_t n = 0; n < e->n; n++) {
            double x = e->v[n * e->width + i] - mean - (i < W ? base_of(e->v + n * e->width, s->norm) : 0);
            square[i] += x * x;
        }
        unit += i < L ? square[i] / L : 0;
    }
    for (size_t c = 0, at = W; c <= C; c++) {
        size_t width = weft_exog_lags(&s->exog, c) + weft_exog_ahead(&s->exog, c);
        double mean = 0;
        for (size_t i = 0; i < width; i++)
            mean += square[at + i] / (double)width;
        for (size_t i = 0; i < width; i++)
            scale[at + i] = sqrt(unit / mean);
        at += width;
    }
    free(square);
    return unit;
}

/* Place i of a step's columns: its scale, and its weight in w[L], v[weights] or bias. */
static double scale_at(const struct weft_dlinear_shape *s, const double *scale, size_t i)
{
    if (i < L || i == L + weft_exog_weights(&s->exog))
        return 1;
    for (size_t c = 0, at = W, used = L;; c++) {
        size_t lags = weft_exog_lags(&s->exog, c), ahead = weft_exog_ahead(&s->exog, c);
        if (i < used + lags + (ahead > 0))
            return scale[at];
        used += lags + (ahead > 0);
        at += lags + ahead;
    }
}

struct fit_of_all {
    double w[H * L], bias[H], v[H * 64];
};

static double weight_at(const struct fit_of_all *f, size_t weights, size_t h, size_t i)
{
    return i < L ? f->w[h * L + i] : i < L + weights ? f->v[h * weights + i - L] : f->bias[h];
}

static void check_shrunk(enum weft_norm norm, bool pooled, double strength)
{
    struct data d;
    struct weft_dlinear_shape s = shape_of(norm);
    struct weft_dlinear_stats st;
    struct weft_ridge *r, *shrink;
    struct weft_prior *prior;
    struct fit_of_all w0, got;
    const double ridge = 0.01;
    double mse, sum = 0;
    size_t weights = weft_exog_weights(&s.exog);
    make_data(&d);
    weft_dlinear_stats_init(&st, &s, 1, 1); /* the train part lends to the validation part */
    add_series(&st, &d);
    weft_dlinear_stats_finish(&st);
    const struct weft_gram *source = &st.block[0], *target = &st.block[1];
    assert_int_equal(weft_ridge_new(source, L, H, norm, &r, NULL), 0);
    weft_ridge_weights(r, ridge, w0.w, w0.bias, w0.v);
    weft_ridge_free(&r);
    assert_int_equal(weft_prior_new(source, L, H, norm, pooled, ridge, w0.w, w0.bias, w0.v, &prior, NULL), 0);
    assert_int_equal(weft_ridge_towards(target, prior, &shrink, NULL), 0);
    weft_ridge_weights(shrink, strength, got.w, got.bias, got.v);
    weft_ridge_score(shrink, target, &strength, 1, &mse);
    struct expanded from = expand(&d, &s, 0, TRAIN - W + 1), to = expand(&d, &s, TRAIN - L, VALID - W + 1);
    double *scale = WEFT_ARRAY(double, from.width), unit = scales_of(&from, &s, scale);
    size_t most = from.n + to.n + L + weights + 1;
    double *a = WEFT_ARRAY(double, most *(L + weights + 1)), *b = WEFT_ARRAY(double, most), worst = 0, top = 0;
    for (size_t h = 0; h < H; h++) {
        memset(a, 0, most * (L + weights + 1) * sizeof *a);
        size_t k = seen_by_step(&to, &s, st.shift, h, scale, 1, a, b), rows = to.n;
        double mean = 0;
        for (size_t n = 0; n < to.n; n++)
            for (size_t i = 0; i < L; i++)
                mean += a[n * k + i] * a[n * k + i] / (double)(L * to.n);
        if (pooled) {
            seen_by_step(&from, &s, st.shift, h, scale, strength, a + rows * k, b + rows);
            rows += from.n;
        }
        for (size_t i = 0; i < (pooled ? L + weights : k); i++, rows++) {
            a[rows * k + i] = sqrt(strength * (pooled ? ridge * unit : mean));
            b[rows] = pooled ? 0 : a[rows * k + i] * weight_at(&w0, weights, h, i) / scale_at(&s, scale, i);
        }
        assert_int_equal(weft_lstsq(rows, k, 1, a, b, 1e-13, NULL), 0);
        for (size_t i = 0; i < k; i++) {
            double want = b[i] * scale_at(&s, scale, i);
            top = fmax(top, fabs(want));
            worst = fmax(worst, fabs(want - weight_at(&got, weights, h, i)));
        }
        assert_true(norm == WEFT_NORM_NONE || got.bias[h] == 0);
        double *x = WEFT_ARRAY(double, to.n *k), *y = WEFT_ARRAY(double, to.n);
        seen_by_step(&to, &s, st.shift, h, scale, 1, x, y);
        for (size_t n = 0; n < to.n; n++) {
            for (size_t i = 0; i < k; i++)
                y[n] -= x[n * k + i] * b[i];
            sum += y[n] * y[n] / (double)(to.n * H);
        }
        free(x);
        free(y);
    }
    assert_true(worst < 1e-6 * top);
    assert_true(fabs(mse / sum - 1) < 1e-6);
    assert_true(fabs(weft_linear_mse(target, L, norm, got.w, got.bias, got.v) / sum - 1) < 1e-6);
    free(a);
    free(b);
    free(scale);
    expanded_free(&from);
    expanded_free(&to);
    weft_ridge_free(&shrink);
    weft_prior_free(&prior);
    weft_dlinear_stats_free(&st);
}

static void shrunk_fits_equal_least_squares_on_expanded_windows(void **state)
{
    (void)state;
    static const double strengths[] = {1e-2, 1, 100};
    for (int norm = 0; norm < WEFT_NORMS; norm++)
        for (size_t i = 0; i < 3; i++) {
            check_shrunk((enum weft_norm)norm, true, strengths[i]);
            check_shrunk((enum weft_norm)norm, false, strengths[i]);
        }
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
        cmocka_unit_test(tuning_equals_least_squares_on_expanded_windows),
        cmocka_unit_test(the_choice_is_that_of_brute_force),
        cmocka_unit_test(shrunk_fits_equal_least_squares_on_expanded_windows),
        cmocka_unit_test(channels_without_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
