/* dlinear_transfer.c - the transfer ladder: every rung on every fold, and the choice. */
#include "model/dlinear_transfer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *weft_rung_name(enum weft_rung r)
{
    static const char *const names[WEFT_RUNGS] = {"source", "own", "pooled", "ridge"};
    return names[r];
}

const char *weft_rung_strength(enum weft_rung r)
{
    static const char *const names[WEFT_RUNGS] = {"ridge", "ridge", "gamma", "lambda"};
    return names[r];
}

void weft_transfer_borders(size_t folds, size_t horizon, int64_t train, int64_t end, int64_t *b)
{
    int64_t most = train / (int64_t)(folds + 1), valid = end - train, least = (int64_t)horizon;
    int64_t stretch = valid >= least && valid < most ? valid : most;
    stretch = stretch < least ? least : stretch;
    for (size_t f = 1; f <= folds; f++)
        b[f] = train - (int64_t)(folds - f) * stretch;
    b[folds + 1] = end;
}

/* --- the source --- */

/* A source as it was known at one time. Without a window: prior[] are NULL. */
struct lent {
    uint64_t windows;
    double *w, *bias, *v; /* [H, L], [H], of channels [H, weights]; values minus the source's shift */
    struct weft_prior *pooled, *ridge;
};

struct weft_transfer_source {
    size_t folds;      /* of the target */
    double shift;      /* subtracted from every value (norm none) */
    struct lent *lent; /* [folds + 1]: at the folds' origins, and the whole train part */
    struct weft_dlinear_weights w;
    struct weft_dlinear_fit fit;
};

static int lend(struct weft_dlinear_stats *st, const struct weft_gram *g, double ridge, struct lent *out,
                struct weft_err *e)
{
    struct weft_ridge *r;
    if (!(out->windows = g->n))
        return 0;
    if (weft_ridge_new(g, st->shape.lookback, st->shape.horizon, st->shape.norm, &r, e) < 0)
        return -1;
    out->w = weft_xaligned(st->shape.horizon * st->shape.lookback, sizeof *out->w);
    out->bias = WEFT_ARRAY(double, st->shape.horizon);
    out->v = WEFT_ARRAY(double, st->shape.horizon *weft_dlinear_exog_weights(&st->shape) + 1);
    weft_ridge_weights(r, ridge, out->w, out->bias, out->v);
    weft_ridge_free(&r);
    for (int pooled = 0; pooled < 2; pooled++)
        if (weft_prior_new(g, st->shape.lookback, st->shape.horizon, st->shape.norm, pooled, ridge, out->w, out->bias,
                           out->v, pooled ? &out->pooled : &out->ridge, e) < 0)
            return -1;
    return 0;
}

int weft_transfer_source_new(struct weft_dlinear_stats *all, struct weft_dlinear_stats *until,
                             const struct weft_dlinear_shape *shape, double ridge, struct weft_transfer_source **out,
                             struct weft_err *e)
{
    struct weft_transfer_source *s = WEFT_NEW(struct weft_transfer_source);
    s->folds = until->folds - 1;
    s->shift = shape->norm == WEFT_NORM_NONE ? until->shift : 0;
    s->w = weft_dlinear_weights_new(shape);
    s->lent = WEFT_ARRAY(struct lent, s->folds + 1);
    int rc = weft_dlinear_solve(all, ridge, &s->w, &s->fit, e);
    weft_dlinear_stats_finish(until);
    for (size_t f = 0; f <= s->folds && rc == 0; f++) {
        for (size_t i = f ? 2 * f - 1 : 0; f && i <= 2 * f; i++)
            weft_gram_merge(&until->block[0], &until->block[i]);
        rc = lend(until, &until->block[0], s->fit.ridge, &s->lent[f], e);
    }
    if (rc < 0)
        weft_transfer_source_free(&s);
    *out = s;
    return rc;
}

void weft_transfer_source_free(struct weft_transfer_source **source)
{
    struct weft_transfer_source *s = *source;
    if (!s)
        return;
    for (size_t f = 0; f <= s->folds; f++) {
        free(s->lent[f].w);
        free(s->lent[f].bias);
        free(s->lent[f].v);
        weft_prior_free(&s->lent[f].pooled);
        weft_prior_free(&s->lent[f].ridge);
    }
    free(s->lent);
    weft_dlinear_weights_free(&s->w);
    free(s);
    *source = NULL;
}

const struct weft_dlinear_fit *weft_transfer_source_fit(const struct weft_transfer_source *s)
{
    return &s->fit;
}

/* --- the target's folds --- */

enum { GRID_MAX = WEFT_RIDGE_GRID };

/* The strengths that a rung is tried with, and the errors of each, added up over folds. */
struct trial {
    size_t n;
    double grid[GRID_MAX], sum[GRID_MAX];
    double mse[WEFT_DLINEAR_FOLDS_MAX][GRID_MAX];
};

struct ladder {
    struct weft_dlinear_stats *st;
    const struct weft_transfer_source *source;
    struct weft_gram train, valid; /* of the target in the source's values, where their shifts differ (norm none) */
    struct trial trial[WEFT_RUNGS];
    struct weft_transfer *out;
};

static void half_decades(struct trial *t, size_t n, double lowest)
{
    t->n = n;
    for (size_t i = 0; i < n; i++)
        t->grid[i] = pow(10, lowest + 0.5 * (double)i);
}

static void trials(struct ladder *l, double ridge)
{
    struct trial *own = &l->trial[WEFT_RUNG_OWN];
    l->trial[WEFT_RUNG_SOURCE].n = 1;
    own->n = ridge < 0 ? WEFT_RIDGE_GRID : 1;
    own->grid[0] = ridge;
    if (ridge < 0)
        weft_ridge_grid(own->grid);
    half_decades(&l->trial[WEFT_RUNG_POOLED], WEFT_GAMMA_GRID, -4);
    half_decades(&l->trial[WEFT_RUNG_RIDGE], WEFT_LAMBDA_GRID, -1);
}

/* g as if the source's shift had been subtracted and not the target's; `room` holds it when that makes a difference. */
static const struct weft_gram *in_source_values(const struct ladder *l, const struct weft_gram *g,
                                                struct weft_gram *room)
{
    double c = l->source->shift - l->st->shift;
    if (l->st->shape.norm != WEFT_NORM_NONE || c == 0)
        return g;
    if (!room->row)
        weft_dlinear_gram_init(room, &l->st->shape, g->stride);
    weft_gram_clear(room);
    room->finished = true;
    weft_gram_merge(room, g);
    weft_gram_shift(room, c);
    return room;
}

/* prior NULL: the target's own. */
static int fit(const struct weft_dlinear_shape *s, const struct weft_gram *train, const struct weft_prior *prior,
               struct weft_ridge **out, struct weft_err *e)
{
    return prior ? weft_ridge_towards(train, prior, out, e)
                 : weft_ridge_new(train, s->lookback, s->horizon, s->norm, out, e);
}

static int try_rung(struct ladder *l, size_t f, enum weft_rung rung, const struct weft_gram *train,
                    const struct weft_gram *valid, const struct weft_prior *prior, struct weft_err *e)
{
    struct trial *t = &l->trial[rung];
    struct weft_ridge *r = NULL;
    if (fit(&l->st->shape, train, prior, &r, e) < 0)
        return -1;
    weft_ridge_score(r, valid, t->grid, t->n, t->mse[f - 1]);
    weft_ridge_free(&r);
    return 0;
}

/* Every rung that can be fitted, at every strength, on fold f = 1, 2, ... */
static int try_fold(struct ladder *l, size_t f, struct weft_err *e)
{
    struct weft_dlinear_stats *st = l->st;
    struct trial *t = l->trial;
    const struct weft_gram *train = &st->block[0], *valid = &st->block[2 * f - 1];
    const struct lent *lent = l->source ? &l->source->lent[f - 1] : NULL;
    struct weft_transfer_fold *fold = &l->out->fold[f - 1];
    *fold = (struct weft_transfer_fold){
        .train_windows = train->n, .valid_windows = valid->n, .source_windows = lent ? lent->windows : 0};
    fold->judges = train->n && valid->n && fold->source_windows;
    for (size_t r = 0; r < WEFT_RUNGS; r++)
        for (size_t i = 0; i < GRID_MAX; i++)
            t[r].mse[f - 1][i] = NAN;
    if (train->n && valid->n && try_rung(l, f, WEFT_RUNG_OWN, train, valid, NULL, e) < 0)
        return -1;
    if (valid->n && fold->source_windows)
        t[WEFT_RUNG_SOURCE].mse[f - 1][0] = weft_linear_mse(in_source_values(l, valid, &l->valid), st->shape.lookback,
                                                            st->shape.norm, lent->w, lent->bias, lent->v);
    if (!fold->judges)
        return 0;
    train = in_source_values(l, train, &l->train);
    valid = in_source_values(l, valid, &l->valid);
    return try_rung(l, f, WEFT_RUNG_POOLED, train, valid, lent->pooled, e) < 0 ||
                   try_rung(l, f, WEFT_RUNG_RIDGE, train, valid, lent->ridge, e) < 0
               ? -1
               : 0;
}

/* Afterwards block 0 is the whole train part. */
static int try_folds(struct ladder *l, struct weft_err *e)
{
    struct weft_gram *train = &l->st->block[0];
    for (size_t f = 1; f <= l->st->folds; f++) {
        if (try_fold(l, f, e) < 0)
            return -1;
        if (f < l->st->folds) {
            weft_gram_merge(train, &l->st->block[2 * f - 1]);
            weft_gram_merge(train, &l->st->block[2 * f]);
        }
    }
    return 0;
}

/* Each rung's best strength, and its errors with it. A rung is judged by all folds that it was fitted on (so own is
 * what it is without a source); rungs are compared on those that have all of them. */
static void judge(struct ladder *l)
{
    struct weft_transfer *out = l->out;
    for (size_t f = 0; f < out->folds; f++)
        out->judging += out->fold[f].judges;
    out->enough = out->judging >= WEFT_TRANSFER_FOLDS;
    for (size_t r = 0; r < WEFT_RUNGS; r++) {
        struct trial *t = &l->trial[r];
        size_t best = 0, judged = 0;
        for (size_t f = 0; f < out->folds; f++) {
            judged += isfinite(t->mse[f][0]);
            for (size_t i = 0; i < t->n && isfinite(t->mse[f][0]); i++)
                t->sum[i] += t->mse[f][i];
        }
        for (size_t i = 1; i < t->n; i++)
            if (t->sum[i] < t->sum[best])
                best = i;
        if (judged && (out->enough || r == WEFT_RUNG_OWN))
            out->strength[r] = t->grid[best];
        out->mse[r] = out->judging ? 0 : NAN;
        for (size_t f = 0; f < out->folds; f++) {
            out->fold[f].mse[r] = t->mse[f][best];
            if (out->fold[f].judges)
                out->mse[r] += t->mse[f][best] / (double)out->judging;
        }
    }
}

/* Standard error of the mean difference of two rungs over the folds that judge, two at least. */
static double standard_error(const struct weft_transfer *t, size_t a, size_t b)
{
    double mean = t->mse[a] - t->mse[b], n = (double)t->judging, sum = 0;
    for (size_t f = 0; f < t->folds; f++) {
        double d = t->fold[f].mse[a] - t->fold[f].mse[b] - mean;
        sum += t->fold[f].judges ? d * d : 0;
    }
    return sqrt(sum / (n - 1) / n);
}

static enum weft_rung choose(const struct weft_transfer *t)
{
    size_t best = 0;
    for (size_t r = 1; r < WEFT_RUNGS; r++)
        if (t->mse[r] < t->mse[best])
            best = r;
    for (size_t r = 0; r < best; r++) {
        double doubt = r == WEFT_RUNG_OWN ? 0 : standard_error(t, r, best);
        if (t->mse[r] - t->mse[best] <= fmax(doubt, WEFT_TRANSFER_MARGIN * t->mse[best]))
            return (enum weft_rung)r;
    }
    return (enum weft_rung)best;
}

/* --- the chosen rung on the whole train part --- */

static void take_source(const struct ladder *l, struct weft_dlinear_weights *w)
{
    memcpy(w->ws, l->source->w.ws, weft_dlinear_weights_size(&l->st->shape) * sizeof *w->ws);
}

static int take(struct ladder *l, struct weft_dlinear_weights *w, struct weft_err *e)
{
    struct weft_dlinear_stats *st = l->st;
    const struct weft_gram *train = &st->block[0];
    enum weft_rung rung = l->out->rung;
    double strength = l->out->strength[rung], shift = st->shape.norm == WEFT_NORM_NONE ? st->shift : 0;
    double *m = weft_xaligned(st->shape.horizon * st->shape.lookback, sizeof *m),
           *bias = WEFT_ARRAY(double, st->shape.horizon),
           *exog = WEFT_ARRAY(double, st->shape.horizon *weft_dlinear_exog_weights(&st->shape) + 1);
    const struct weft_prior *prior = NULL;
    struct weft_ridge *r = NULL;
    if (rung != WEFT_RUNG_OWN) {
        const struct lent *lent = &l->source->lent[l->source->folds];
        prior = rung == WEFT_RUNG_POOLED ? lent->pooled : lent->ridge;
        train = in_source_values(l, train, &l->train);
        shift = l->source->shift;
    }
    int rc = fit(&st->shape, train, prior, &r, e);
    if (rc == 0)
        weft_ridge_weights(r, strength, m, bias, exog);
    weft_ridge_free(&r);
    if (rc == 0)
        weft_dlinear_take(&st->shape, shift, m, bias, exog, w);
    free(exog);
    free(bias);
    free(m);
    return rc;
}

int weft_transfer_fit(struct weft_dlinear_stats *st, const struct weft_transfer_source *source, enum weft_rung want,
                      double ridge, struct weft_dlinear_weights *w, struct weft_dlinear_fit *fit,
                      struct weft_transfer *out, struct weft_err *e)
{
    struct ladder *l = WEFT_NEW(struct ladder);
    *out = (struct weft_transfer){.folds = st->folds};
    *l = (struct ladder){.st = st, .source = source, .out = out};
    trials(l, ridge);
    weft_dlinear_stats_finish(st);
    int rc = try_folds(l, e);
    uint64_t windows = st->block[0].n;
    double fallback[WEFT_RUNGS] = {source ? source->fit.ridge : NAN, ridge < 0 ? WEFT_DLINEAR_RIDGE : ridge, 1,
                                   fmax((double)windows, 1) * (double)st->shape.lookback};
    memcpy(out->strength, fallback, sizeof fallback);
    if (rc == 0) {
        judge(l);
        out->strength[WEFT_RUNG_SOURCE] = fallback[WEFT_RUNG_SOURCE];
        out->chosen = want == WEFT_RUNGS && out->enough;
        out->rung = !source ? WEFT_RUNG_OWN : out->chosen ? choose(out) : want == WEFT_RUNGS ? WEFT_RUNG_SOURCE : want;
        if (out->rung == WEFT_RUNG_OWN && !windows)
            rc = weft_fail(e, WEFT_CONFIG, "no window without a missing value lies wholly in the train part");
    }
    if (rc == 0 && out->rung == WEFT_RUNG_SOURCE)
        take_source(l, w);
    else if (rc == 0)
        rc = take(l, w, e);
    *fit = (struct weft_dlinear_fit){.ridge = out->strength[out->rung],
                                     .valid_mse = out->fold[st->folds - 1].mse[out->rung],
                                     .train_windows = windows,
                                     .valid_windows = st->block[2 * st->folds - 1].n,
                                     .folds = out->judging};
    weft_gram_free(&l->train);
    weft_gram_free(&l->valid);
    free(l);
    return rc;
}
