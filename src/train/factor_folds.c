/* factor_folds.c - choosing factors. */
#include "train/factor_folds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/nested.h"

enum {
    SHORT = 56,
    YEAR = 371,
    LONG_HISTORY = 1092,
    LAST = 28,
    WEEKS = 8,
    LAST_WEEKS = 4,
    LEAST_DAYS = 200,
    LEAST_WEEKS = 52
};

static const double RIDGE = 0.3;
static const double kappas[WEFT_FACTOR_KAPPAS] = {2, 8, 32, 128};

/* One set and kappa at one origin. */
struct task {
    const struct weft_factor_folds *f;
    struct weft_factor_shape shape;
    size_t origin;
    double kappa, error;
    double *pooled; /* made by the first that needs it */
};

/* Of what is known at a fold's origin there may be too little for months and waves. */
static struct weft_factor_set set_at(const struct weft_factor_set *s, int64_t step, size_t history)
{
    struct weft_factor_set cut = *s;
    if (step == 86400 && !weft_factors_seasons(step, history)) {
        cut.months = false;
        cut.waves = 0;
    }
    return cut;
}

/* Lookback and mean of the linear model that judges. */
static size_t lookback_of(const struct task *t, size_t *last)
{
    bool day = t->shape.step == 86400;
    size_t want = !day ? WEEKS : t->origin >= LONG_HISTORY ? YEAR : SHORT;
    want = want < t->f->lookback ? want : t->f->lookback;
    *last = day ? LAST : LAST_WEEKS;
    *last = *last < want ? *last : WEFT_NESTED_WHOLE;
    return want;
}

/* Adds the windows of one series' rests, weighted, where nothing is missing. */
static void add_windows(struct weft_gram *g, const float *rest, size_t n, double weight, double *room)
{
    for (size_t from = 0, to; from < n; from = to + 1) {
        for (to = from; to < n && isfinite(rest[to]); to++)
            room[to - from] = weight * (double)rest[to];
        memset(room + (to - from), 0, WEFT_GRAM_SLACK * sizeof *room);
        if (to - from >= g->width)
            weft_gram_add(g, room, to - from - g->width + 1);
    }
}

/* What the rests of one form leave in error: sums over series of |forecast - actual| and of actual. */
static double judge(const struct task *t, const double *scale, double *const *f, const double *mean, bool log_of)
{
    const struct weft_factor_folds *o = t->f;
    size_t last, lookback = lookback_of(t, &last), h = o->horizon, n = o->n, longest = 0;
    double total = 0, error = 0, actual = 0, *r = WEFT_ARRAY(double, h *lookback), *bias = WEFT_ARRAY(double, h);
    float **rest = WEFT_ARRAY(float *, n);
    struct weft_gram g;
    weft_gram_init(&g, lookback + h, 1);
    for (size_t i = 0; i < n; i++) {
        total += scale[i] / (double)n;
        longest = o->x[i].n > longest ? o->x[i].n : longest;
    }
    double *room = weft_xaligned(longest + WEFT_GRAM_SLACK, sizeof *room);
    for (size_t i = 0; i < n; i++) {
        size_t end = weft_factors_end(&t->shape, &o->x[i], t->origin);
        rest[i] = WEFT_ARRAY(float, end + 1);
        weft_factors_rest(&t->shape, &o->x[i], f[i], mean[i], scale[i], end, log_of, rest[i]);
        add_windows(&g, rest[i], end, sqrt(scale[i] / total), room);
    }
    weft_gram_finish(&g);
    struct weft_nested *fit = g.n ? weft_nested_new(&g, (double)g.n, NULL, lookback, h) : NULL;
    const struct weft_nested_config config = {lookback, last == WEFT_NESTED_WHOLE ? lookback : last, RIDGE, 1};
    bool fits = fit && weft_nested_add(fit, &config, 1, r, bias, NULL);
    for (size_t i = 0; i < n; i++) {
        size_t end = weft_factors_end(&t->shape, &o->x[i], t->origin);
        bool whole = fits && end >= lookback && end + h <= o->x[i].n;
        for (size_t k = 0; whole && k < lookback; k++)
            whole = isfinite(rest[i][end - lookback + k]);
        for (size_t s = 0; whole && s < h; s++) {
            double z = 0, y = o->x[i].y[end + s];
            for (size_t k = 0; k < lookback; k++)
                z += r[s * lookback + k] * (double)rest[i][end - lookback + k];
            double got = weft_factors_inverse(z, log_of) * f[i][end + s] / mean[i] *
                         weft_factors_open(&t->shape, &o->x[i], end + s) * scale[i];
            error += isfinite(y) ? fabs(got - y) : 0;
            actual += isfinite(y) ? fabs(y) : 0;
        }
        free(rest[i]);
    }
    weft_nested_free(&fit);
    weft_gram_free(&g);
    free(rest);
    free(room);
    free(r);
    free(bias);
    return actual > 0 ? error / actual : NAN;
}

static void run_task(struct task *t)
{
    const struct weft_factor_folds *o = t->f;
    size_t columns = weft_factor_columns(&t->shape), all = columns + weft_factor_nuisance(&t->shape, t->origin),
           n = o->n;
    double *scale = WEFT_ARRAY(double, n), *mean = WEFT_ARRAY(double, n), **f = WEFT_ARRAY(double *, n),
           *b = WEFT_ARRAY(double, all);
    float *own = WEFT_ARRAY(float, columns + 1);
    for (size_t i = 0; i < n; i++)
        scale[i] = weft_factors_scale(&t->shape, o->x[i].y, weft_factors_end(&t->shape, &o->x[i], t->origin));
    if (t->shape.set.any && !t->pooled) {
        t->pooled = WEFT_ARRAY(double, all);
        weft_factors_pooled(&t->shape, o->x, scale, n, t->origin, NULL, t->pooled);
    }
    for (size_t i = 0; i < n; i++) {
        if (t->shape.set.any)
            weft_factors_own(&t->shape, &o->x[i], scale[i], t->origin, t->kappa, t->pooled, b);
        for (size_t j = 0; j < columns; j++)
            own[j] = (float)b[j];
        f[i] = WEFT_ARRAY(double, o->x[i].n + 1);
        weft_factors_of(&t->shape, own, &o->x[i], f[i]);
        mean[i] = weft_factors_mean(&t->shape, &o->x[i], f[i], weft_factors_end(&t->shape, &o->x[i], t->origin));
    }
    t->error = (judge(t, scale, f, mean, false) + judge(t, scale, f, mean, true)) / 2;
    for (size_t i = 0; i < n; i++)
        free(f[i]);
    free(f);
    free(scale);
    free(mean);
    free(b);
    free(own);
}

static void run(void *ctx, size_t i)
{
    run_task((struct task *)ctx + i);
}

/* Mean over the folds of candidate k. */
static double mean_error(const struct task *t, size_t k, size_t folds)
{
    double sum = 0;
    for (size_t i = 0; i < folds; i++)
        sum += t[k * folds + i].error / (double)folds;
    return sum;
}

static void note(struct weft_factor_choice *out, const struct weft_factor_set *set, double kappa, double error)
{
    out->tried[out->n_tried++] = (struct weft_factor_tried){*set, kappa, error};
}

/* Columns at the middling kappa, then kappa; tasks of the columns come first in t. */
static void search(const struct weft_factor_folds *f, const size_t *origin, size_t folds,
                   struct weft_factor_choice *out)
{
    struct task *t = WEFT_ARRAY(struct task, (f->n_sets + WEFT_FACTOR_KAPPAS) * folds);
    size_t best = 0;
    double least = INFINITY;
    for (size_t i = 0; i < f->n_sets * folds; i++) {
        t[i] = (struct task){.f = f, .shape = f->shape, .origin = origin[i % folds], .kappa = WEFT_FACTOR_KAPPA};
        t[i].shape.set = set_at(&f->set[i / folds], f->shape.step, t[i].origin);
    }
    if (f->n_sets > 1 || f->set[0].any)
        weft_par_for(f->par, f->n_sets * folds, run, t);
    for (size_t k = 0; k < f->n_sets; k++) {
        double error = mean_error(t, k, folds);
        note(out, &f->set[k], WEFT_FACTOR_KAPPA, error);
        if (error < least) {
            least = error;
            best = k;
        }
    }
    out->set = f->set[best];
    struct task *own = t + f->n_sets * folds;
    for (size_t i = 0; i < WEFT_FACTOR_KAPPAS * folds; i++) {
        own[i] = t[best * folds + i % folds];
        own[i].kappa = kappas[i / folds];
    }
    if (out->set.any)
        weft_par_for(f->par, WEFT_FACTOR_KAPPAS * folds, run, own);
    least = INFINITY;
    for (size_t k = 0; out->set.any && k < WEFT_FACTOR_KAPPAS; k++) {
        double error = mean_error(own, k, folds);
        if (kappas[k] != WEFT_FACTOR_KAPPA)
            note(out, &out->set, kappas[k], error);
        if (error < least) {
            least = error;
            out->kappa = kappas[k];
        }
    }
    for (size_t i = 0; i < f->n_sets * folds; i++)
        free(t[i].pooled);
    free(t);
}

void weft_factor_folds_choose(const struct weft_factor_folds *all, struct weft_factor_choice *out)
{
    struct weft_factor_folds f = *all;
    size_t origin[WEFT_FACTOR_FOLDS], folds = 0, steps = 0, every = 1,
                                      least = f.shape.step == 86400 ? LEAST_DAYS : LEAST_WEEKS;
    for (size_t k = 1; k <= WEFT_FACTOR_FOLDS; k++)
        if (f.end >= k * f.horizon + least)
            origin[folds++] = f.end - k * f.horizon;
    *out = (struct weft_factor_choice){.set = f.set[f.n_sets > 1 ? 1 : 0], .kappa = WEFT_FACTOR_KAPPA, .folds = folds};
    for (size_t i = 0; i < f.n; i++)
        steps += f.x[i].n;
    every = (steps + WEFT_FACTOR_SAMPLE - 1) / WEFT_FACTOR_SAMPLE;
    struct weft_factor_series *sample = WEFT_ARRAY(struct weft_factor_series, f.n + 1);
    f.n = 0;
    for (size_t i = 0; i < all->n; i += every ? every : 1)
        sample[f.n++] = all->x[i];
    f.x = sample;
    if (folds && f.n)
        search(&f, origin, folds, out);
    free(sample);
}
