/* tune.c - choosing lookback, normalisation and ridge for DLinear. */
#include "model/tune.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/clock.h"
#include "base/mem.h"

/* What is averaged has at most so many times the error of the best. */
static const double WORST = 1.25;

/* --- grids --- */

/* Adds x when it lies within [1, most]. */
static void put(size_t *out, size_t *n, size_t x, size_t most)
{
    if (x >= 1 && x <= most)
        out[(*n)++] = x;
}

static size_t sorted(size_t *x, size_t n)
{
    size_t kept = 0;
    weft_sort(x, n, sizeof *x, weft_by_size);
    for (size_t i = 0; i < n; i++)
        if (!kept || x[i] != x[kept - 1])
            x[kept++] = x[i];
    return kept;
}

/* Steps in the shortest season that this step has: a day of hours, a week of days, a year of weeks, months or quarters.
 */
static size_t season_of(int64_t step)
{
    static const struct {
        int64_t step;
        size_t season;
    } seasons[] = {{WEFT_STEP_DAY, 7},
                   {WEFT_STEP_WEEK, 52},
                   {WEFT_STEP_BUSINESS_DAY, 5},
                   {WEFT_STEP_MONTH, 12},
                   {WEFT_STEP_QUARTER, 4}};
    for (size_t i = 0; i < sizeof seasons / sizeof *seasons; i++)
        if (seasons[i].step == step)
            return seasons[i].season;
    return step > 0 && step < 86400 && 86400 % step == 0 ? (size_t)(86400 / step) : 1;
}

size_t weft_tune_lookbacks(size_t lookback, size_t horizon, int64_t step, size_t *out)
{
    enum { SPACED = 20 };
    size_t n = 0, season = season_of(step), shortest = lookback / 24;
    for (size_t i = 0; i <= SPACED; i++) {
        double x = (double)(shortest ? shortest : 1) *
                   pow((double)lookback / (double)(shortest ? shortest : 1), (double)i / SPACED);
        put(out, &n, x < 2 * (double)season ? (size_t)lround(x) : (size_t)lround(x / (double)season) * season,
            lookback);
    }
    const size_t week[] = {7, 14, 28, 56, 91, 182, 364, 365, 364 + horizon, 728}, day[] = {1, 2, 7, 14, 28};
    for (size_t i = 0; step == 86400 && i < sizeof week / sizeof *week; i++)
        put(out, &n, week[i], lookback);
    for (size_t i = 0; step < 86400 && season > 1 && i < sizeof day / sizeof *day; i++)
        put(out, &n, day[i] * season, lookback);
    put(out, &n, lookback, lookback);
    return sorted(out, n);
}

size_t weft_tune_lasts(size_t lookback, int64_t step, size_t *out)
{
    size_t n = 0, season = season_of(step), plain[] = {1, 2, 4, 8, 16, 32, 64, 128}, seasons[] = {1, 2, 4, 8, 13, 26};
    put(out, &n, 1, lookback - 1);
    for (size_t i = 0; season == 1 && i < sizeof plain / sizeof *plain; i++)
        put(out, &n, plain[i], lookback - 1);
    put(out, &n, season / 2, lookback - 1);
    for (size_t i = 0; season > 1 && i < sizeof seasons / sizeof *seasons; i++)
        put(out, &n, seasons[i] * season, lookback - 1);
    n = sorted(out, n);
    memmove(out + 1, out, n * sizeof *out);
    out[0] = 0;
    out[n + 1] = WEFT_NESTED_WHOLE;
    return n + 2;
}

size_t weft_tune_ridges(double *out)
{
    static const double decades[WEFT_TUNE_RIDGES] = {
        -6, -4, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1}; /* dense where sales and long horizons have theirs */
    for (int i = 0; i < WEFT_TUNE_RIDGES; i++)
        out[i] = pow(10, decades[i]);
    return WEFT_TUNE_RIDGES;
}

size_t weft_tune_owns(double *out)
{
    static const double owns[WEFT_TUNE_OWNS] = {1, 0.1, 0.01, 0.001};
    memcpy(out, owns, sizeof owns);
    return WEFT_TUNE_OWNS;
}

/* --- the search --- */

struct search {
    struct weft_dlinear_shape shape;
    bool own;                         /* a channel is known ahead */
    size_t plain_last;                /* what the plain fit subtracts */
    size_t lookback, horizon, beside; /* beside: weights of channels of all steps */
    size_t lookbacks[WEFT_TUNE_LOOKBACKS], lasts[WEFT_TUNE_LASTS];
    double ridges[WEFT_TUNE_RIDGES], owns[WEFT_TUNE_OWNS];
    struct weft_nested_grid grid;
    size_t n_ridges, cells; /* cells = lookbacks * lasts */
    struct weft_nested *fold[WEFT_DLINEAR_FOLDS_MAX], *all;
    size_t folds;
    double *mse;                                 /* [folds, ridges, cells, owns] */
    double *plain, mean[WEFT_DLINEAR_FOLDS_MAX]; /* [folds, WEFT_RIDGE_GRID] of plain fits; of the average, each fold */
    const struct weft_tuned *chosen;
    double *r;   /* [2, horizon * (lookback + 1) + beside]: weights, biases and those of channels of the last fold's fit
                    and of the fit on all */
    double *cov; /* [horizon, horizon] */
    atomic_bool failed;
    uint64_t windows; /* of cov */
};

/* What a plain fit subtracts. */
static size_t plain_last(const struct search *s, const struct weft_tune *o)
{
    if (o->norm == WEFT_NORM_NONE && !o->level)
        return 0;
    return o->norm == WEFT_NORM_LAST && s->lookback > 1 ? 1 : WEFT_NESTED_WHOLE;
}

/* No ridge at all would leave flat directions open. */
static double at_least(double ridge)
{
    return ridge > 0 ? ridge : 1e-10;
}

static void make_grid(struct search *s, const struct weft_tune *o)
{
    s->grid = (struct weft_nested_grid){.lookback = s->lookbacks, .n_lookbacks = 1, .last = s->lasts, .n_lasts = 1};
    s->lookbacks[0] = s->lookback;
    s->lasts[0] = plain_last(s, o);
    s->ridges[0] = at_least(o->ridge);
    s->n_ridges = o->ridge < 0 ? weft_tune_ridges(s->ridges) : 1;
    if (o->lookbacks)
        s->grid.n_lookbacks = weft_tune_lookbacks(s->lookback, s->horizon, o->step, s->lookbacks);
    if (o->norm == WEFT_NORMS)
        s->grid.n_lasts = weft_tune_lasts(s->lookback, o->step, s->lasts);
    if (o->level && s->grid.n_lasts > 1)
        memmove(s->lasts, s->lasts + 1, --s->grid.n_lasts * sizeof *s->lasts);
    s->owns[0] = 1;
    s->grid.own = s->owns;
    s->grid.n_owns = o->ridge < 0 && s->own ? weft_tune_owns(s->owns) : 1;
    if (o->only) {
        s->lookbacks[0] = o->only->lookback;
        s->lasts[0] = o->only->last == o->only->lookback ? WEFT_NESTED_WHOLE : o->only->last;
        s->ridges[0] = o->only->ridge;
        s->owns[0] = o->only->own;
        s->grid.n_lookbacks = s->grid.n_lasts = s->grid.n_owns = s->n_ridges = 1;
    }
    s->cells = s->grid.n_lookbacks * s->grid.n_lasts;
}

/* Moments of every fold that has windows on both sides, and of what the last fit sees. Adds the blocks up as it goes.
 */
static void prepare(struct search *s, struct weft_dlinear_stats *st)
{
    struct weft_gram *train = &st->block[0];
    struct weft_nested *last = NULL; /* the whole train part */
    for (size_t f = 1; f <= st->folds; f++) {
        const struct weft_gram *valid = &st->block[2 * f - 1];
        if (train->n && valid->n)
            last = s->fold[s->folds++] = weft_nested_new(train, (double)train->n, valid, s->lookback, s->horizon);
        if (f < st->folds) {
            weft_gram_merge(train, &st->block[2 * f - 1]);
            weft_gram_merge(train, &st->block[2 * f]);
        }
    }
    const struct weft_gram *valid = &st->block[2 * st->folds - 1];
    if (st->blocks > 2 * st->folds) {
        struct weft_gram *rest = &st->block[2 * st->folds];
        weft_gram_merge(rest, train);
        weft_gram_merge(rest, valid);
        s->all = rest->n ? weft_nested_new(rest, (double)rest->n, NULL, s->lookback, s->horizon) : NULL;
    }
    if (!s->all && train->n && !(valid->n && last))
        s->all = weft_nested_new(train, (double)train->n, NULL, s->lookback, s->horizon);
}

static void judge(void *ctx, size_t i)
{
    struct search *s = ctx;
    size_t f = i / s->n_ridges, k = i % s->n_ridges;
    weft_nested_errors(s->fold[f], &s->grid, s->ridges[k], s->mse + i * s->cells * s->grid.n_owns);
}

/* A lookback and a k, with the best ridge over all folds. */
struct candidate {
    struct weft_nested_config config;
    double error;
    size_t cell, last; /* places in the grid */
    bool taken;
};

static struct candidate candidate_of(const struct search *s, size_t cell)
{
    struct candidate c = {.cell = cell, .last = cell % s->grid.n_lasts, .error = INFINITY};
    size_t lookback = s->lookbacks[cell / s->grid.n_lasts], last = s->lasts[c.last];
    c.config =
        (struct weft_nested_config){lookback, last == WEFT_NESTED_WHOLE ? lookback : last, s->ridges[0], s->owns[0]};
    size_t owns = s->grid.n_owns;
    for (size_t i = 0; i < s->n_ridges * owns; i++) {
        double sum = 0;
        for (size_t f = 0; f < s->folds; f++)
            sum += s->mse[((f * s->n_ridges + i / owns) * s->cells + cell) * owns + i % owns] / (double)s->folds;
        if (sum < c.error) {
            c.error = sum;
            c.config.ridge = s->ridges[i / owns];
            c.config.own = s->owns[i % owns];
        }
    }
    return c;
}

static int by_error(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return x->error < y->error ? -1 : x->error > y->error ? 1 : (x->cell > y->cell) - (x->cell < y->cell);
}

/* Takes candidates (best first) that are not too far behind the best one; `each`: one for every k. */
static void pick(struct candidate *c, size_t n, bool each, size_t *picked)
{
    bool seen[WEFT_TUNE_LASTS] = {false};
    for (size_t i = 0; i < n && *picked < WEFT_TUNE_BEST && c[i].error <= WORST * c[0].error; i++) {
        if (c[i].taken || (each && seen[c[i].last]))
            continue;
        c[i].taken = seen[c[i].last] = true;
        ++*picked;
    }
}

/* Neighbours in the grid are nearly the same forecast; those that subtract something else differ where it matters, when
 * the level moves: they come first. */
static void choose(const struct search *s, struct weft_tuned *t)
{
    struct candidate *c = WEFT_ARRAY(struct candidate, s->cells);
    size_t n = 0, picked = 0;
    for (size_t cell = 0; cell < s->cells; cell++) {
        size_t last = s->lasts[cell % s->grid.n_lasts];
        t->configs +=
            last == WEFT_NESTED_WHOLE || last < s->lookbacks[cell / s->grid.n_lasts] ? s->n_ridges * s->grid.n_owns : 0;
        c[n] = candidate_of(s, cell);
        n += isfinite(c[n].error);
    }
    weft_sort(c, n, sizeof *c, by_error);
    pick(c, n, true, &picked);
    pick(c, n, false, &picked);
    for (size_t i = 0; i < n; i++)
        if (c[i].taken) {
            t->best[t->n_best] = c[i].config;
            t->error[t->n_best++] = c[i].error;
        }
    free(c);
}

/* i = 0: the mean of the chosen fits on what the last fold trains on, and the moments of its errors; i = 1: the mean of
 * the fits on all. */
static void average(void *ctx, size_t i)
{
    struct search *s = ctx;
    size_t matrix = s->horizon * s->lookback;
    const struct weft_nested *f = i ? s->all : s->folds ? s->fold[s->folds - 1] : NULL;
    double *r = s->r + i * (matrix + s->horizon + s->beside), *bias = r + matrix, *exog = bias + s->horizon;
    for (size_t k = 0; f && k < s->chosen->n_best; k++)
        s->failed |= !weft_nested_add(f, &s->chosen->best[k], 1 / (double)s->chosen->n_best, r, bias, exog);
    if (f && i == 0)
        s->windows = weft_nested_moments(f, r, bias, exog, s->cov);
}

static void take_weights(const struct search *s, size_t i, double shift, struct weft_dlinear_weights *out)
{
    size_t l = s->lookback, h = s->horizon;
    const double *r = s->r + i * (h * (l + 1) + s->beside), *bias = r + h * l;
    bool intercept = false;
    for (size_t k = 0; k < s->chosen->n_best; k++)
        intercept |= s->chosen->best[k].last == 0;
    weft_dlinear_take(&s->shape, shift, r, bias, bias + h, out);
    if (!intercept)
        memset(out->bs, 0, h * sizeof *out->bs);
}

/* Nothing to judge by: the whole lookback, its mean, a middling ridge. */
static void choose_blindly(const struct search *s, const struct weft_tune *o, struct weft_tuned *t)
{
    size_t last = plain_last(s, o);
    t->best[0] = (struct weft_nested_config){s->lookback, last == WEFT_NESTED_WHOLE ? s->lookback : last,
                                             o->ridge < 0 ? WEFT_DLINEAR_RIDGE : s->ridges[0], s->owns[0]};
    t->error[0] = t->mean = t->plain = NAN;
    t->n_best = 1;
}

/* --- never worse than plain --- */

/* The plain fit is not asked where the average's error is below this part of what the grid has for it: its other ridges
 * lie between those of the grid. */
static const double CLEARLY = 0.9;

static void judge_plain(void *ctx, size_t i)
{
    struct search *s = ctx;
    double ridges[WEFT_RIDGE_GRID];
    const struct weft_nested_grid grid = {&s->lookback, 1, &s->plain_last, 1, NULL, 1};
    weft_ridge_grid(ridges);
    weft_nested_errors(s->fold[i / WEFT_RIDGE_GRID], &grid, at_least(ridges[i % WEFT_RIDGE_GRID]), &s->plain[i]);
}

/* The error of the average on fold f. */
static void judge_mean(void *ctx, size_t f)
{
    struct search *s = ctx;
    size_t h = s->horizon;
    double *r = WEFT_ARRAY(double, h *(s->lookback + 1) + s->beside), *bias = r + h * s->lookback,
           *cov = WEFT_ARRAY(double, h *h), sum = 0;
    bool fits = true;
    for (size_t k = 0; k < s->chosen->n_best; k++)
        fits &= weft_nested_add(s->fold[f], &s->chosen->best[k], 1 / (double)s->chosen->n_best, r, bias, bias + h);
    double windows = (double)weft_nested_moments(s->fold[f], r, bias, bias + h, cov);
    for (size_t i = 0; i < h; i++)
        sum += cov[i * (h + 1)];
    s->mean[f] = fits ? sum / windows / (double)h : INFINITY;
    free(cov);
    free(r);
}

/* The plain fits of the grid and, of those that chose their ridge, of the plain grid too, against the average. */
static void guard(struct search *s, const struct weft_tune *o, struct weft_tuned *t)
{
    struct candidate plain = {.error = INFINITY};
    double ridges[WEFT_RIDGE_GRID];
    s->chosen = t;
    weft_par_for(o->par, s->folds, judge_mean, s);
    for (size_t f = 0; f < s->folds; f++)
        t->mean += s->mean[f] / (double)s->folds;
    s->plain_last = plain_last(s, o);
    for (size_t j = 0; j < s->grid.n_lasts && !o->only; j++)
        if (s->lasts[j] == s->plain_last)
            plain = candidate_of(s, (s->grid.n_lookbacks - 1) * s->grid.n_lasts + j);
    t->plain = NAN;
    if (!isfinite(plain.error) || t->mean < CLEARLY * plain.error)
        return;
    if (o->ridge < 0) {
        s->plain = weft_xaligned(s->folds * WEFT_RIDGE_GRID, sizeof *s->plain);
        weft_par_for(o->par, s->folds * WEFT_RIDGE_GRID, judge_plain, s);
    }
    weft_ridge_grid(ridges);
    for (size_t k = 0; s->plain && k < WEFT_RIDGE_GRID; k++) {
        double sum = 0;
        for (size_t f = 0; f < s->folds; f++)
            sum += s->plain[f * WEFT_RIDGE_GRID + k] / (double)s->folds;
        if (sum < plain.error) {
            plain.error = sum;
            plain.config.ridge = at_least(ridges[k]);
            plain.config.own = 1;
        }
    }
    t->plain = plain.error;
    if (!(plain.error < t->mean))
        return;
    t->best[0] = plain.config;
    t->error[0] = t->mean = plain.error;
    t->n_best = 1;
}

/* Rounding may leave errors that are nothing a variance below 0, or a correlation beyond 1. */
static void settle(double *cov, size_t h)
{
    for (size_t i = 0; i < h; i++)
        cov[i * h + i] = fmax(cov[i * h + i], 0);
    for (size_t i = 0; i < h; i++)
        for (size_t k = 0; k < h; k++) {
            double most = sqrt(cov[i * h + i]) * sqrt(cov[k * h + k]);
            if (i != k)
                cov[i * h + k] = fmin(fmax(cov[i * h + k], -most), most);
        }
}

static int solve(struct search *s, const struct weft_tune *o, double shift, struct weft_dlinear_weights *w,
                 struct weft_dlinear_weights *honest, struct weft_dlinear_fit *fit, struct weft_tuned *t,
                 struct weft_err *e)
{
    size_t h = s->horizon, final = s->all ? 1 : 0;
    s->mse = weft_xaligned(s->folds * s->n_ridges * s->cells * s->grid.n_owns + 1, sizeof *s->mse);
    weft_par_for(o->par, s->folds * s->n_ridges, judge, s);
    if (s->folds)
        choose(s, t);
    if (t->n_best)
        guard(s, o, t);
    else
        choose_blindly(s, o, t);
    s->chosen = t;
    s->r = WEFT_ARRAY(double, 2 * (h * (s->lookback + 1) + s->beside));
    s->cov = WEFT_ARRAY(double, h *h);
    weft_par_for(o->par, 2, average, s);
    if (s->failed)
        return weft_fail(e, WEFT_DATA, "no fit: are the values finite and not too large to square?");
    fit->valid_mse = NAN;
    if (s->windows) {
        double trace = 0;
        for (size_t i = 0; i < h * h; i++) {
            s->cov[i] /= (double)s->windows;
            trace += i % (h + 1) ? 0 : s->cov[i];
        }
        fit->valid_mse = trace / (double)h;
        settle(s->cov, h);
        t->covariance = s->cov;
        s->cov = NULL;
    }
    take_weights(s, final, shift, w);
    if (honest)
        take_weights(s, s->folds ? 0 : final, shift, honest);
    fit->ridge = t->best[0].ridge;
    fit->folds = s->folds;
    return 0;
}

int weft_dlinear_tune(struct weft_dlinear_stats *st, const struct weft_tune *o, struct weft_dlinear_weights *w,
                      struct weft_dlinear_weights *honest, struct weft_dlinear_fit *fit, struct weft_tuned *out,
                      struct weft_err *e)
{
    struct search *s = WEFT_NEW(struct search);
    double began = weft_seconds();
    *out = (struct weft_tuned){0};
    *fit = (struct weft_dlinear_fit){0};
    s->shape = st->shape;
    s->lookback = st->shape.lookback;
    s->horizon = st->shape.horizon;
    s->beside = s->horizon * weft_dlinear_exog_weights(&s->shape);
    for (size_t c = 0; c < s->shape.exog.n; c++)
        s->own |= weft_exog_ahead(&s->shape.exog, c) > 0;
    weft_dlinear_stats_finish(st);
    make_grid(s, o);
    prepare(s, st);
    fit->train_windows = st->block[0].n;
    fit->valid_windows = st->block[2 * st->folds - 1].n;
    fit->series = st->series;
    int rc = s->folds || s->all
                 ? solve(s, o, st->shift, w, honest, fit, out, e)
                 : weft_fail(e, WEFT_CONFIG, "no window without a missing value lies wholly in the train part");
    for (size_t f = 0; f < s->folds; f++)
        weft_nested_free(&s->fold[f]);
    weft_nested_free(&s->all);
    free(s->mse);
    free(s->plain);
    free(s->r);
    free(s->cov);
    free(s);
    out->seconds = weft_seconds() - began;
    return rc;
}
