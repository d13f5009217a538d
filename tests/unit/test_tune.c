/* test_tune.c - every formula of nested.h and tune.h against forecasts on expanded windows: weights by LAPACK's least
 * squares, errors and covariances by adding them up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/blas.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/tune.h"

enum { CHANNELS = 2, SERIES = 3, LENGTH = 420, L = 28, H = 5, W = L + H, FOLDS = 3, MOST = CHANNELS * SERIES * LENGTH };
static const size_t split[] = {280, 340, 420};

/* Two channels of series with different levels; gaps in one of them. */
static float data[CHANNELS][SERIES][LENGTH];

static void make_data(void)
{
    struct weft_rng r = weft_rng(7, 0);
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t s = 0; s < SERIES; s++) {
            double walk = 0;
            for (size_t t = 0; t < LENGTH; t++) {
                walk = 0.9 * walk + weft_rng_normal(&r);
                data[c][s][t] = (float)(20 + 5 * (double)s +
                                        (1 + (double)c) * 3 * sin((double)t * 6.2831853 / 7 + (double)s) + walk);
                if (s == 1 && (t == 60 || (t > 150 && t < 155) || t == 300))
                    data[c][s][t] = NAN;
            }
        }
}

/* --- expanded windows of one channel, in scaled values minus nothing --- */

static double row[MOST][W];
static size_t rows;

/* Windows that start in [from, to), end at or before `end`. */
static void expand(size_t channel, long from, long to, long end)
{
    for (size_t s = 0; s < SERIES; s++)
        for (long at = from < 0 ? 0 : from; at < to && at + W <= end; at++) {
            bool whole = true;
            for (size_t i = 0; i < W; i++) {
                row[rows][i] = data[channel][s][(size_t)at + i];
                whole &= !isnan(row[rows][i]);
            }
            rows += whole;
        }
}

static void borders(long *b)
{
    long starts = (long)split[0] - W + 1, most = starts / (FOLDS + 1), valid = (long)(split[1] - split[0]),
         stretch = valid < most ? valid : most;
    for (long f = 0; f < FOLDS; f++)
        b[f] = (long)split[0] - (FOLDS - 1 - f) * stretch;
    b[FOLDS] = (long)split[1];
}

static void expand_train(size_t channel, size_t fold)
{
    long b[FOLDS + 1];
    borders(b);
    rows = 0;
    expand(channel, 0, LENGTH, b[fold]);
}

static void expand_valid(size_t channel, size_t fold)
{
    long b[FOLDS + 1];
    borders(b);
    rows = 0;
    expand(channel, b[fold] - L, LENGTH, b[fold + 1]);
}

static double window_mean(const double *v, size_t last)
{
    double sum = 0;
    for (size_t i = 0; i < last; i++)
        sum += v[L - 1 - i];
    return last ? sum / (double)last : 0;
}

/* The fit of a configuration on the rows there are, added to r[H, L] and bias[H] with its share: normalise each window,
 * least squares with sqrt(alpha) rows for the ridge, then back to raw coordinates. */
static void direct_fit(const struct weft_nested_config *c, double share, double *r, double *bias)
{
    size_t l = c->lookback, n = rows;
    double *a = weft_xcalloc((n + l) * l, sizeof *a), *b = weft_xcalloc((n + l) * H, sizeof *b), mean[W] = {0},
           unit = 0;
    for (size_t i = 0; i < n && c->last == 0; i++)
        for (size_t k = 0; k < W; k++)
            mean[k] += row[i][k] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double m = window_mean(row[i], c->last), whole = window_mean(row[i], L);
        for (size_t k = 0; k < L; k++)
            unit += (row[i][k] - whole) * (row[i][k] - whole) / L;
        for (size_t k = 0; k < l; k++)
            a[i * l + k] = row[i][L - l + k] - m - mean[L - l + k];
        for (size_t h = 0; h < H; h++)
            b[i * H + h] = row[i][L + h] - m - mean[L + h];
    }
    for (size_t k = 0; k < l; k++)
        a[(n + k) * l + k] = sqrt(c->ridge * unit);
    assert_int_equal(weft_lstsq(n + l, l, H, a, b, 1e-14, NULL), 0);
    for (size_t h = 0; h < H; h++) {
        double sum = 0;
        for (size_t k = 0; k < l; k++)
            sum += b[k * H + h];
        for (size_t k = 0; k < l; k++)
            r[h * L + L - l + k] +=
                share * (b[k * H + h] + (k + c->last >= l && c->last ? (1 - sum) / (double)c->last : 0));
        bias[h] += share * mean[L + h];
        for (size_t k = 0; k < l; k++)
            bias[h] -= share * b[k * H + h] * mean[L - l + k];
    }
    free(a);
    free(b);
}

/* Second moments of the errors on the rows there are; returns the mean squared error. */
static double direct_moments(const double *r, const double *bias, double *cov)
{
    double trace = 0;
    for (size_t n = 0; n < rows; n++) {
        double e[H];
        for (size_t h = 0; h < H; h++) {
            e[h] = row[n][L + h] - bias[h];
            for (size_t i = 0; i < L; i++)
                e[h] -= r[h * L + i] * row[n][i];
        }
        for (size_t h = 0; h < H; h++)
            for (size_t g = 0; g < H; g++)
                cov[h * H + g] += e[h] * e[g];
    }
    for (size_t h = 0; h < H; h++)
        trace += cov[h * H + h];
    return trace / ((double)rows * H);
}

static double difference(const double *a, const double *b, size_t n)
{
    double worst = 0, top = 1e-300;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(a[i] - b[i]));
        top = fmax(top, fabs(b[i]));
    }
    return worst / top;
}

/* --- nested.h --- */

static void gram_of_rows(struct weft_gram *g)
{
    weft_gram_init(g, W, W); /* stride W: added up directly */
    for (size_t n = 0; n < rows; n++)
        weft_gram_add(g, row[n], 1);
    weft_gram_finish(g);
}

static const size_t lookbacks[] = {1, 2, 7, 12, 27, L}, lasts[] = {0, 1, 3, 7, 14, WEFT_NESTED_WHOLE};
static const double ridges[] = {1e-7, 1e-4, 0.03, 1, 50};
enum { N_LOOKBACKS = 6, N_LASTS = 6, N_RIDGES = 5 };

static void weights_and_errors(void **state)
{
    (void)state;
    const struct weft_nested_grid grid = {lookbacks, N_LOOKBACKS, lasts, N_LASTS, NULL, 1};
    make_data();
    for (size_t channel = 0; channel < CHANNELS; channel++) {
        struct weft_gram train, valid;
        expand_train(channel, 1);
        gram_of_rows(&train);
        expand_valid(channel, 1);
        gram_of_rows(&valid);
        struct weft_nested *f = weft_nested_new(&train, (double)train.n, &valid, L, H);
        for (size_t k = 0; k < N_RIDGES; k++) {
            double mse[N_LOOKBACKS * N_LASTS];
            weft_nested_errors(f, &grid, ridges[k], mse);
            for (size_t i = 0; i < N_LOOKBACKS * N_LASTS; i++) {
                size_t last = lasts[i % N_LASTS];
                struct weft_nested_config c = {lookbacks[i / N_LASTS],
                                               last == WEFT_NESTED_WHOLE ? lookbacks[i / N_LASTS] : last, ridges[k], 1};
                double r[H * L] = {0}, bias[H] = {0}, want[H * L] = {0}, want_bias[H] = {0}, cov[H * H] = {0},
                             want_cov[H * H] = {0};
                if (last != WEFT_NESTED_WHOLE && last >= c.lookback) {
                    assert_true(isinf(mse[i]));
                    continue;
                }
                expand_train(channel, 1);
                direct_fit(&c, 1, want, want_bias);
                assert_true(weft_nested_add(f, &c, 1, r, bias, NULL));
                assert_true(difference(r, want, H * L) < 1e-8);
                assert_true(last || difference(bias, want_bias, H) < 1e-8);
                expand_valid(channel, 1);
                double direct = direct_moments(want, want_bias, want_cov);
                assert_true(fabs(mse[i] / direct - 1) < 1e-8);
                assert_int_equal(weft_nested_moments(f, r, bias, NULL, cov), rows);
                assert_true(difference(cov, want_cov, H * H) < 1e-8);
            }
        }
        weft_nested_free(&f);
        weft_gram_free(&train);
        weft_gram_free(&valid);
    }
}

/* Nothing but zeros, and nothing but one level: the fits are what is subtracted, or the mean of all. */
static void flat_history(void **state)
{
    (void)state;
    for (int level = 0; level < 2; level++) {
        struct weft_gram g;
        rows = 50;
        for (size_t n = 0; n < rows; n++)
            for (size_t i = 0; i < W; i++)
                row[n][i] = 4 * level;
        gram_of_rows(&g);
        struct weft_nested *f = weft_nested_new(&g, (double)g.n, &g, L, H);
        for (size_t i = 0; i < N_LASTS; i++) {
            struct weft_nested_config c = {L, lasts[i] == WEFT_NESTED_WHOLE ? L : lasts[i], 1e-3, 1};
            double r[H * L] = {0}, bias[H] = {0};
            assert_true(weft_nested_add(f, &c, 1, r, bias, NULL));
            for (size_t h = 0; h < H; h++) {
                double y = bias[h], sum = 0;
                for (size_t k = 0; k < L; k++) {
                    y += r[h * L + k] * 4 * level;
                    sum += r[h * L + k];
                }
                assert_true(fabs(y - 4 * level) < 1e-6);
                assert_true(c.last == 0 || fabs(sum - 1) < 1e-6);
            }
        }
        weft_nested_free(&f);
        weft_gram_free(&g);
    }
}

/* --- tune.h --- */

static void add_channel(struct weft_dlinear_stats *st, size_t channel)
{
    struct weft_dlinear_room room = {0};
    for (size_t s = 0; s < SERIES; s++)
        weft_dlinear_stats_add(st, data[channel][s], LENGTH, 0, 1, NULL, split, s, &room);
    free(room.p);
}

/* The mean of the direct fits of what was chosen. */
static void direct_average(const struct weft_tuned *t, double *r, double *bias)
{
    memset(r, 0, H * L * sizeof *r);
    memset(bias, 0, H * sizeof *bias);
    for (size_t k = 0; k < t->n_best; k++)
        direct_fit(&t->best[k], 1 / (double)t->n_best, r, bias);
}

/* 1e-5: the weights of a model are floats. */
static void same_weights(const struct weft_dlinear_weights *w, const double *r, const double *bias)
{
    double got[H * L], got_bias[H];
    for (size_t i = 0; i < H * L; i++) {
        got[i] = (double)w->ws[i];
        assert_true(w->ws[i] == w->wt[i]);
    }
    for (size_t h = 0; h < H; h++)
        got_bias[h] = (double)w->bs[h] + (double)w->bt[h];
    assert_true(difference(got, r, H * L) < 1e-5);
    for (size_t h = 0; h < H; h++)
        assert_true(fabs(got_bias[h] - bias[h]) < 1e-4);
}

static void one_tuning(size_t channel, bool rest)
{
    const struct weft_dlinear_shape shape = {.lookback = L, .horizon = H, .kernel = 25, .norm = WEFT_NORM_NONE};
    const struct weft_tune o = {.lookbacks = true, .norm = WEFT_NORMS, .ridge = -1, .step = 86400};
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&shape), honest = weft_dlinear_weights_new(&shape);
    struct weft_dlinear_stats st;
    struct weft_dlinear_fit fit;
    struct weft_tuned t;
    double r[H * L], bias[H], cov[H * H] = {0};
    weft_dlinear_stats_init(&st, &shape, 1, FOLDS);
    if (rest)
        weft_dlinear_stats_rest(&st);
    add_channel(&st, channel);
    assert_int_equal(weft_dlinear_tune(&st, &o, &w, &honest, &fit, &t, NULL), 0);
    assert_int_equal(fit.folds, FOLDS);
    assert_int_equal(t.n_best, WEFT_TUNE_BEST);
    /* The folds' errors of what was chosen. */
    for (size_t k = 0; k < t.n_best; k++) {
        double sum = 0;
        for (size_t f = 0; f < FOLDS; f++) {
            double one[H * L] = {0}, b[H] = {0}, none[H * H] = {0};
            expand_train(channel, f);
            direct_fit(&t.best[k], 1, one, b);
            expand_valid(channel, f);
            sum += direct_moments(one, b, none) / FOLDS;
        }
        assert_true(fabs(t.error[k] / sum - 1) < 1e-8);
        assert_true(k == 0 || t.error[k] >= t.error[k - 1]);
    }
    /* The averaged matrix of the train part, its errors on validation, and the matrix of all windows. */
    expand_train(channel, FOLDS - 1);
    assert_int_equal(fit.train_windows, rows);
    direct_average(&t, r, bias);
    same_weights(&honest, r, bias);
    if (!rest)
        same_weights(&w, r, bias);
    expand_valid(channel, FOLDS - 1);
    assert_int_equal(fit.valid_windows, rows);
    double mse = direct_moments(r, bias, cov);
    for (size_t i = 0; i < H * H; i++)
        cov[i] /= (double)rows;
    assert_true(fabs(fit.valid_mse / mse - 1) < 1e-8);
    assert_true(difference(t.covariance, cov, H * H) < 1e-8);
    if (rest) {
        rows = 0;
        expand(channel, 0, LENGTH, LENGTH);
        direct_average(&t, r, bias);
        same_weights(&w, r, bias);
    }
    free(t.covariance);
    weft_dlinear_stats_free(&st);
    weft_dlinear_weights_free(&w);
    weft_dlinear_weights_free(&honest);
}

static void choices_and_average(void **state)
{
    (void)state;
    make_data();
    for (size_t channel = 0; channel < CHANNELS; channel++) {
        one_tuning(channel, false);
        one_tuning(channel, true);
    }
}

/* What the test part holds changes no choice and, without the block for the rest, no weight. */
static void test_part_plays_no_part(void **state)
{
    (void)state;
    const struct weft_dlinear_shape shape = {.lookback = L, .horizon = H, .kernel = 25, .norm = WEFT_NORM_NONE};
    const struct weft_tune o = {.lookbacks = true, .norm = WEFT_NORMS, .ridge = -1, .step = 86400};
    struct weft_tuned t[2];
    struct weft_dlinear_weights w[2], honest[2];
    make_data();
    for (int other = 0; other < 2; other++) {
        struct weft_dlinear_stats st;
        struct weft_dlinear_fit fit;
        for (size_t i = split[1]; other && i < LENGTH; i++)
            data[0][0][i] += 100;
        w[other] = weft_dlinear_weights_new(&shape);
        honest[other] = weft_dlinear_weights_new(&shape);
        weft_dlinear_stats_init(&st, &shape, 1, FOLDS);
        weft_dlinear_stats_rest(&st);
        add_channel(&st, 0);
        assert_int_equal(weft_dlinear_tune(&st, &o, &w[other], &honest[other], &fit, &t[other], NULL), 0);
        weft_dlinear_stats_free(&st);
        free(t[other].covariance);
    }
    assert_int_equal(t[0].n_best, t[1].n_best);
    for (size_t k = 0; k < t[0].n_best; k++) {
        assert_int_equal(t[0].best[k].lookback, t[1].best[k].lookback);
        assert_int_equal(t[0].best[k].last, t[1].best[k].last);
        assert_true(t[0].best[k].ridge == t[1].best[k].ridge);
    }
    for (size_t i = 0; i < H * L; i++)
        assert_true(fabsf(honest[0].ws[i] - honest[1].ws[i]) < 1e-5f);
    assert_memory_not_equal(w[0].ws, w[1].ws, H * L * sizeof(float));
    for (int other = 0; other < 2; other++) {
        weft_dlinear_weights_free(&w[other]);
        weft_dlinear_weights_free(&honest[other]);
    }
}

/* --- never worse than the plain fit, by the same folds --- */

enum { WEEKS = 200, YEAR = 52, YEARS = 60, AHEAD = 4 };

/* Weekly sales with a season that comes back, and noise. */
static void add_weeks(struct weft_dlinear_stats *st, uint64_t seed, double noise)
{
    struct weft_rng r = weft_rng(seed, 0);
    struct weft_dlinear_room room = {0};
    float x[WEEKS];
    double phase = 6.28 * weft_rng_unit(&r), walk = 0;
    for (size_t t = 0; t < WEEKS; t++) {
        walk += 0.1 * noise * weft_rng_normal(&r);
        x[t] = (float)(50 + 20 * sin(6.2831853 * (double)t / YEAR + phase) + (t % YEAR > 47 ? 30 : 0) + walk +
                       noise * weft_rng_normal(&r));
    }
    weft_dlinear_stats_add(st, x, WEEKS, 0, 1, NULL, (size_t[]){150, 170, WEEKS}, seed, &room);
    free(room.p);
}

/* The least mean error over the folds that a plain ridge with norm mean has, and that of the average of c. */
static double over_folds(struct weft_dlinear_stats *st, const struct weft_tuned *t, double *mean)
{
    double grid[WEFT_RIDGE_GRID], mse[WEFT_RIDGE_GRID], sum[WEFT_RIDGE_GRID] = {0}, best = INFINITY;
    weft_ridge_grid(grid);
    weft_dlinear_stats_finish(st);
    *mean = 0;
    for (size_t f = 1; f <= FOLDS; f++) {
        struct weft_gram *train = &st->block[0], *valid = &st->block[2 * f - 1];
        struct weft_ridge *ridge;
        double r[AHEAD * YEARS] = {0}, bias[AHEAD] = {0}, cov[AHEAD * AHEAD] = {0};
        assert_int_equal(weft_ridge_new(train, YEARS, AHEAD, WEFT_NORM_MEAN, &ridge, NULL), 0);
        weft_ridge_score(ridge, valid, grid, WEFT_RIDGE_GRID, mse);
        weft_ridge_free(&ridge);
        for (size_t k = 0; k < WEFT_RIDGE_GRID; k++)
            sum[k] += mse[k] / FOLDS;
        struct weft_nested *n = weft_nested_new(train, (double)train->n, valid, YEARS, AHEAD);
        for (size_t k = 0; k < t->n_best; k++)
            assert_true(weft_nested_add(n, &t->best[k], 1 / (double)t->n_best, r, bias, NULL));
        double windows = (double)weft_nested_moments(n, r, bias, NULL, cov);
        for (size_t i = 0; i < AHEAD; i++)
            *mean += cov[i * (AHEAD + 1)] / windows / AHEAD / FOLDS;
        weft_nested_free(&n);
        weft_gram_merge(train, &st->block[2 * f - 1]);
        if (f < FOLDS)
            weft_gram_merge(train, &st->block[2 * f]);
    }
    for (size_t k = 1; k < WEFT_RIDGE_GRID; k++) /* without any ridge the weights of flat directions are open */
        best = fmin(best, sum[k]);
    return best;
}

static void never_worse_than_plain(void **state)
{
    static const double noises[] = {0.3, 3, 15};
    const struct weft_dlinear_shape shape = {.lookback = YEARS, .horizon = AHEAD, .kernel = 25};
    const struct weft_tune o = {.lookbacks = true, .norm = WEFT_NORMS, .ridge = -1, .step = 604800};
    size_t guarded = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        for (size_t i = 0; i < sizeof noises / sizeof *noises; i++) {
            struct weft_dlinear_weights w = weft_dlinear_weights_new(&shape);
            struct weft_dlinear_stats st;
            struct weft_dlinear_fit fit;
            struct weft_tuned t;
            double mean;
            weft_dlinear_stats_init(&st, &shape, 1, FOLDS);
            add_weeks(&st, seed, noises[i]);
            assert_int_equal(weft_dlinear_tune(&st, &o, &w, NULL, &fit, &t, NULL), 0);
            weft_dlinear_stats_free(&st);
            weft_dlinear_stats_init(&st, &shape, 1, FOLDS);
            add_weeks(&st, seed, noises[i]);
            double plain = over_folds(&st, &t, &mean);
            assert_int_equal(fit.folds, FOLDS);
            assert_true(mean <= plain * (1 + 1e-6));
            assert_true(fabs(t.mean / mean - 1) < 1e-6);
            guarded += t.n_best == 1;
            weft_dlinear_stats_free(&st);
            weft_dlinear_weights_free(&w);
            free(t.covariance);
        }
    assert_in_range(guarded, 1, 17);
}

/* Errors of a series that stands still are rounding; their moments are those of something all the same. */
static void still_series(void **state)
{
    const struct weft_dlinear_shape shape = {.lookback = L, .horizon = H, .kernel = 25};
    const struct weft_tune o = {.lookbacks = true, .norm = WEFT_NORMS, .ridge = -1, .step = 86400};
    (void)state;
    for (size_t many = 1; many <= 3; many++) {
        struct weft_dlinear_weights w = weft_dlinear_weights_new(&shape);
        struct weft_dlinear_room room = {0};
        struct weft_dlinear_stats st;
        struct weft_dlinear_fit fit;
        struct weft_tuned t;
        float x[LENGTH];
        weft_dlinear_stats_init(&st, &shape, 1, FOLDS);
        for (size_t s = 0; s < many; s++) {
            for (size_t i = 0; i < LENGTH; i++)
                x[i] = 1.0f / 3 + 0.7f * (float)s;
            weft_dlinear_stats_add(&st, x, LENGTH, 0.1, 0.3, NULL, split, s, &room);
        }
        assert_int_equal(weft_dlinear_tune(&st, &o, &w, NULL, &fit, &t, NULL), 0);
        for (size_t i = 0; i < H; i++)
            for (size_t k = 0; k < H; k++) {
                double both = t.covariance[i * H + k], own = t.covariance[i * (H + 1)],
                       other = t.covariance[k * (H + 1)];
                assert_true(own >= 0 && both * both <= own * other * (1 + 1e-9));
            }
        free(t.covariance);
        free(room.p);
        weft_dlinear_stats_free(&st);
        weft_dlinear_weights_free(&w);
    }
}

static void grids(void **state)
{
    (void)state;
    size_t x[WEFT_TUNE_LOOKBACKS], k[WEFT_TUNE_LASTS];
    static const int64_t steps[] = {1, 60, 900, 3600, 86400, 604800, 2592000};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
        for (size_t l = 1; l < 1500; l += l < 40 ? 1 : 37) {
            size_t n = weft_tune_lookbacks(l, 28, steps[s], x), m = weft_tune_lasts(l, steps[s], k);
            assert_in_range(n, 1, WEFT_TUNE_LOOKBACKS);
            assert_in_range(m, 2, WEFT_TUNE_LASTS);
            assert_int_equal(x[n - 1], l);
            for (size_t i = 1; i < n; i++)
                assert_true(x[i] > x[i - 1]);
            assert_true(k[0] == 0 && k[m - 1] == WEFT_NESTED_WHOLE);
            for (size_t i = 1; i + 1 < m; i++)
                assert_true(k[i] > k[i - 1] && k[i] < l);
        }
    size_t n = weft_tune_lookbacks(400, 28, 86400, x);
    for (size_t i = 0, found = 0; i < n; i++) {
        found += x[i] == 7 || x[i] == 364 || x[i] == 365 || x[i] == 392;
        assert_true(i + 1 < n || found == 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_and_errors),
        cmocka_unit_test(flat_history),
        cmocka_unit_test(choices_and_average),
        cmocka_unit_test(test_part_plays_no_part),
        cmocka_unit_test(never_worse_than_plain),
        cmocka_unit_test(still_series),
        cmocka_unit_test(grids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
