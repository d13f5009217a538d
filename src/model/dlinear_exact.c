/* dlinear_exact.c - the least-squares optimum of DLinear from Gram matrices (Toner & Darlow 2024, arXiv 2403.14587).
 *
 * Both parts of DLinear are linear in the lookback, so any split of the optimal W fits; Ws = Wt = W is chosen.
 *
 * Folds have borders b[1] < ... < b[F+1] in steps: b[F] is the end of the train part, b[F+1] the end of validation. A fold f trains on
 * windows that end by b[f] and validates on those whose horizon lies in [b[f], b[f+1]). So the blocks are: windows that end by b[1]; for each f
 * those whose horizon lies in the stretch behind b[f]; and those that straddle b[f], which belong to the training of fold f + 1. */
#include "model/dlinear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void weft_dlinear_stats_init(struct weft_dlinear_stats *st, const struct weft_dlinear_shape *s, size_t stride, size_t folds)
{
    *st = (struct weft_dlinear_stats){.lookback = s->lookback, .horizon = s->horizon, .stride = stride, .folds = folds, .blocks = 2 * folds, .norm = s->norm};
    st->block = WEFT_ARRAY(struct weft_gram, 2 * folds);
    for (size_t i = 0; i < 2 * folds; i++)
        weft_gram_init(&st->block[i], s->lookback + s->horizon, stride);
}

void weft_dlinear_stats_rest(struct weft_dlinear_stats *st)
{
    st->block = weft_xrealloc2(st->block, st->blocks + 1, sizeof *st->block);
    weft_gram_init(&st->block[st->blocks++], st->lookback + st->horizon, st->stride);
}

void weft_dlinear_stats_free(struct weft_dlinear_stats *st)
{
    for (size_t i = 0; st->block && i < st->blocks; i++)
        weft_gram_free(&st->block[i]);
    free(st->block);
    *st = (struct weft_dlinear_stats){0};
}

/* --- adding a series --- */

/* The stretches before the train part's end are as long as the validation part, or shorter, so that at least
 * 1 / (folds + 1) of the train part is left to the first fold. */
void weft_dlinear_borders(size_t folds, const size_t *split, int64_t width, int64_t *b)
{
    int64_t train = (int64_t)split[0], valid = (int64_t)split[1] - train, starts = train >= width ? train - width + 1 : 0, most = starts / (int64_t)(folds + 1);
    int64_t stretch = valid > 0 && valid < most ? valid : most;
    for (size_t f = 1; f <= folds; f++)
        b[f] = train - (int64_t)(folds - f) * stretch;
    b[folds + 1] = (int64_t)split[1];
}

/* Which starts block k takes, k = 0 .. 2 * folds - 1 (layout: see weft_dlinear_stats). */
static struct weft_dlinear_range block_starts(size_t k, const int64_t *b, int64_t lookback, int64_t width)
{
    size_t f = (k + 1) / 2;
    if (k == 0)
        return (struct weft_dlinear_range){0, b[1] - width + 1};
    int64_t end = b[f + 1] - width + 1;
    if (k % 2)
        return (struct weft_dlinear_range){b[f] - lookback, end};
    return (struct weft_dlinear_range){b[f] - width + 1, b[f] - lookback < end ? b[f] - lookback : end};
}

/* What no fold has a use for, in two parts: windows that straddle the end of the train part, and those that end behind validation. */
static struct weft_dlinear_range rest_starts(size_t k, size_t folds, const int64_t *b, int64_t lookback, int64_t width)
{
    int64_t end = b[folds + 1] - width + 1;
    if (k)
        return (struct weft_dlinear_range){end, INT64_MAX};
    return (struct weft_dlinear_range){b[folds] - width + 1, b[folds] - lookback < end ? b[folds] - lookback : end};
}

/* The part of a range that lies in a run of starts, from a multiple of the stride on. */
static struct weft_dlinear_range cut(struct weft_dlinear_range r, struct weft_dlinear_range run, int64_t stride)
{
    r.from = r.from > run.from ? r.from : run.from;
    r.to = r.to < run.to ? r.to : run.to;
    r.from = (r.from + stride - 1) / stride * stride;
    return r;
}

struct weft_dlinear_range weft_dlinear_block(size_t k, const int64_t *b, int64_t lookback, int64_t width, struct weft_dlinear_range run, int64_t stride)
{
    return cut(block_starts(k, b, lookback, width), run, stride);
}

static void add_range(struct weft_gram *g, const double *z, struct weft_dlinear_range r, int64_t stride)
{
    if (r.from < r.to)
        weft_gram_add(g, z + r.from, (size_t)((r.to - r.from + stride - 1) / stride));
}

/* Scaled values minus a constant, with slack behind; returns how many there are. A constant near the values keeps the squares small,
 * where the spread is small against the level. */
static double *scaled(const float *x, size_t n, double shift, double factor, struct weft_dlinear_room *room)
{
    if (room->cap < n + WEFT_GRAM_SLACK) {
        room->cap = weft_grow(room->cap, n + WEFT_GRAM_SLACK);
        free(room->p);
        room->p = weft_xaligned(room->cap, sizeof *room->p);
    }
    if (shift == 0 && factor == 1)
        for (size_t i = 0; i < n; i++)
            room->p[i] = x[i];
    else
        for (size_t i = 0; i < n; i++)
            room->p[i] = ((double)x[i] - shift) / factor;
    memset(room->p + n, 0, WEFT_GRAM_SLACK * sizeof *room->p);
    return room->p;
}

/* Mean of the values there are; *whole: none is missing. */
static double mean_of(const double *z, size_t n, bool *whole)
{
    double sum = weft_gram_sum(z, n);
    *whole = isfinite(sum);
    if (*whole)
        return n ? sum / (double)n : 0;
    size_t count = 0;
    sum = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(z[i])) {
            sum += z[i];
            count++;
        }
    return count ? sum / (double)count : 0;
}

/* SplitMix64's finaliser. */
uint64_t weft_dlinear_rank(uint64_t key, int64_t start)
{
    uint64_t h = key + (uint64_t)start * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

static void keep_windows(struct weft_residuals *keep, const float *x, double shift, double factor, struct weft_dlinear_range r, int64_t stride, uint64_t key)
{
    for (int64_t s = r.from; s < r.to; s += stride) {
        float *row = weft_residuals_offer(keep, weft_dlinear_rank(key, s));
        for (size_t i = 0; row && i < keep->width; i++)
            row[i] = (float)(((double)x[(size_t)s + i] - shift) / factor);
    }
}

void weft_dlinear_stats_add(struct weft_dlinear_stats *st, const float *x, size_t n, double shift, double factor, const size_t *split,
                            uint64_t key, struct weft_dlinear_room *room)
{
    int64_t b[WEFT_DLINEAR_FOLDS_MAX + 2], width = (int64_t)(st->lookback + st->horizon), stride = (int64_t)st->stride;
    size_t blocks = 2 * st->folds, used = split[1] < n && st->blocks == blocks ? split[1] : n;
    weft_dlinear_borders(st->folds, split, width, b);
    if (st->borders)
        memcpy(b, st->borders, (st->folds + 2) * sizeof *b);
    bool whole;
    double *z = scaled(x, used, shift, factor, room), mean = mean_of(z, used, &whole);
    double level = st->norm == WEFT_NORM_NONE && st->shifted ? st->shift : mean;
    if (!st->shifted) {
        st->shift = st->norm == WEFT_NORM_NONE ? level : 0;
        st->shifted = true;
    }
    for (size_t i = 0; i < used; i++)
        z[i] -= level;
    st->series++;
    for (size_t from = 0, to; from < used; from = to + 1) {
        for (to = whole ? used : from; to < used && isfinite(z[to]); to++)
            ;
        struct weft_dlinear_range run = {(int64_t)from, (int64_t)to - width + 1};
        for (size_t k = 0; k < blocks && run.to > run.from; k++) {
            struct weft_dlinear_range r = weft_dlinear_block(k, b, (int64_t)st->lookback, width, run, stride);
            if (r.from >= r.to)
                continue;
            add_range(&st->block[k], z, r, stride);
            if (k == blocks - 1 && st->keep)
                keep_windows(st->keep, x, shift, factor, r, stride, key);
        }
        for (size_t k = 0; st->blocks > blocks && k < 2 && run.to > run.from; k++)
            add_range(&st->block[blocks], z, cut(rest_starts(k, st->folds, b, (int64_t)st->lookback, width), run, stride), stride);
    }
}

void weft_dlinear_stats_finish(struct weft_dlinear_stats *st)
{
    for (size_t i = 0; i < st->blocks; i++)
        weft_gram_finish(&st->block[i]);
}

void weft_dlinear_stats_merge(struct weft_dlinear_stats *dst, struct weft_dlinear_stats *src)
{
    if (!dst->shifted) {
        dst->shift = src->shift;
        dst->shifted = src->shifted;
    }
    for (size_t i = 0; i < dst->blocks; i++) {
        if (src->shift != dst->shift)
            weft_gram_shift(&src->block[i], dst->shift - src->shift);
        weft_gram_merge(&dst->block[i], &src->block[i]);
    }
    src->shift = dst->shift;
    dst->series += src->series;
}

/* --- solving --- */

/* What the folds found so far. */
struct search {
    const double *grid;
    size_t n_grid, folds;
    double *sum;  /* [n_grid] validation errors over the folds */
    double *last; /* [n_grid] of the validation part, NaN without one */
};

/* Decomposes `train` for fold f and scores the whole grid on its validation windows. */
static int try_fold(const struct weft_dlinear_stats *st, size_t f, const struct weft_gram *train, struct search *s, struct weft_ridge **ridge,
                    struct weft_err *e)
{
    const struct weft_gram *valid = &st->block[2 * f - 1];
    bool last = f == st->folds;
    if (!train->n || (!valid->n && !last) || (s->n_grid == 1 && !last))
        return 0;
    if (weft_ridge_new(train, st->lookback, st->horizon, st->norm, ridge, e) < 0)
        return -1;
    if (valid->n) {
        double *mse = last ? s->last : WEFT_ARRAY(double, s->n_grid);
        weft_ridge_score(*ridge, valid, s->grid, s->n_grid, mse);
        for (size_t i = 0; i < s->n_grid; i++)
            s->sum[i] += mse[i];
        s->folds++;
        if (!last)
            free(mse);
    }
    if (!last)
        weft_ridge_free(ridge);
    return 0;
}

static int search_folds(struct weft_dlinear_stats *st, struct search *s, struct weft_ridge **ridge, struct weft_err *e)
{
    struct weft_gram *train = &st->block[0]; /* grows from fold to fold */
    for (size_t f = 1; f <= st->folds; f++) {
        if (try_fold(st, f, train, s, ridge, e) < 0)
            return -1;
        if (f < st->folds) {
            weft_gram_merge(train, &st->block[2 * f - 1]);
            weft_gram_merge(train, &st->block[2 * f]);
        }
    }
    return 0;
}

static size_t least(const double *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] < x[best])
            best = i;
    return best;
}

void weft_dlinear_take(size_t lookback, size_t horizon, double shift, const double *w, const double *bias, struct weft_dlinear_weights *out)
{
    for (size_t k = 0; k < horizon; k++) {
        double sum = 0;
        for (size_t i = 0; i < lookback; i++) {
            out->ws[k * lookback + i] = out->wt[k * lookback + i] = (float)w[k * lookback + i];
            sum += w[k * lookback + i];
        }
        /* Values were x - shift; the bias takes the shift back. */
        out->bs[k] = (float)(bias[k] + shift * (1 - sum));
        out->bt[k] = 0;
    }
}

static void take_weights(const struct weft_dlinear_stats *st, const struct weft_ridge *r, double ridge, struct weft_dlinear_weights *out)
{
    double *w = weft_xaligned(st->horizon * st->lookback, sizeof *w), *bias = WEFT_ARRAY(double, st->horizon);
    weft_ridge_weights(r, ridge, w, bias);
    weft_dlinear_take(st->lookback, st->horizon, st->norm == WEFT_NORM_NONE ? st->shift : 0, w, bias, out);
    free(bias);
    free(w);
}

int weft_dlinear_solve(struct weft_dlinear_stats *st, double ridge, struct weft_dlinear_weights *w, struct weft_dlinear_fit *fit, struct weft_err *e)
{
    double grid[WEFT_RIDGE_GRID] = {ridge}, sum[WEFT_RIDGE_GRID] = {0}, last[WEFT_RIDGE_GRID];
    struct search s = {.grid = grid, .n_grid = ridge < 0 ? WEFT_RIDGE_GRID : 1, .sum = sum, .last = last};
    struct weft_ridge *r = NULL;
    if (ridge < 0)
        weft_ridge_grid(grid);
    for (size_t i = 0; i < s.n_grid; i++)
        last[i] = NAN;
    weft_dlinear_stats_finish(st);
    if (search_folds(st, &s, &r, e) < 0) {
        weft_ridge_free(&r);
        return -1;
    }
    if (!r)
        return weft_fail(e, WEFT_CONFIG, "no window without a missing value lies wholly in the train part");
    size_t best = least(sum, s.n_grid);
    *fit = (struct weft_dlinear_fit){.ridge = ridge < 0 && !s.folds ? WEFT_DLINEAR_RIDGE : grid[best],
                                     .valid_mse = last[best],
                                     .train_windows = st->block[0].n,
                                     .valid_windows = st->block[2 * st->folds - 1].n, .series = st->series,
                                     .folds = s.folds};
    take_weights(st, r, fit->ridge, w);
    weft_ridge_free(&r);
    return 0;
}
