/* dlinear_exact.c - the least-squares optimum of DLinear from Gram matrices (Toner & Darlow 2024, arXiv 2403.14587).
 *
 * Both parts of DLinear are linear in the lookback, so any split of the optimal W fits; Ws = Wt = W is chosen.
 *
 * Folds have borders b[1] < ... < b[F+1] in steps: b[F] is the end of the train part, b[F+1] the end of validation. A
 * fold f trains on windows that end by b[f] and validates on those whose horizon lies in [b[f], b[f+1]). So the blocks
 * are: windows that end by b[1]; for each f those whose horizon lies in the stretch behind b[f]; and those that
 * straddle b[f], which belong to the training of fold f + 1. */
#include "model/dlinear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct range {
    int64_t from, to; /* window starts [from, to) */
};

void weft_dlinear_gram_init(struct weft_gram *g, const struct weft_dlinear_shape *s, size_t stride)
{
    size_t from[WEFT_TRACKS_MAX] = {0}, to[WEFT_TRACKS_MAX] = {s->lookback + s->horizon};
    for (size_t c = 0; c <= s->exog.n; c++) {
        from[c + 1] = s->lookback - weft_exog_lags(&s->exog, c);
        to[c + 1] = s->lookback + weft_exog_ahead(&s->exog, c);
    }
    weft_gram_init_tracks(g, s->exog.n ? s->exog.n + 2 : 1, from, to, stride);
}

void weft_dlinear_stats_init(struct weft_dlinear_stats *st, const struct weft_dlinear_shape *s, size_t stride,
                             size_t folds)
{
    *st = (struct weft_dlinear_stats){.shape = *s, .stride = stride, .folds = folds, .blocks = 2 * folds};
    st->block = WEFT_ARRAY(struct weft_gram, 2 * folds);
    for (size_t i = 0; i < 2 * folds; i++)
        weft_dlinear_gram_init(&st->block[i], s, stride);
}

void weft_dlinear_stats_rest(struct weft_dlinear_stats *st)
{
    st->block = weft_xrealloc2(st->block, st->blocks + 1, sizeof *st->block);
    weft_dlinear_gram_init(&st->block[st->blocks++], &st->shape, st->stride);
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
static void borders(size_t folds, const size_t *split, int64_t width, int64_t *b)
{
    int64_t train = (int64_t)split[0], valid = (int64_t)split[1] - train,
            starts = train >= width ? train - width + 1 : 0, most = starts / (int64_t)(folds + 1);
    int64_t stretch = valid > 0 && valid < most ? valid : most;
    for (size_t f = 1; f <= folds; f++)
        b[f] = train - (int64_t)(folds - f) * stretch;
    b[folds + 1] = (int64_t)split[1];
}

/* Which starts block k takes, k = 0 .. 2 * folds - 1 (layout: see weft_dlinear_stats). */
static struct range block_starts(size_t k, const int64_t *b, int64_t lookback, int64_t width)
{
    size_t f = (k + 1) / 2;
    if (k == 0)
        return (struct range){0, b[1] - width + 1};
    int64_t end = b[f + 1] - width + 1;
    if (k % 2)
        return (struct range){b[f] - lookback, end};
    return (struct range){b[f] - width + 1, b[f] - lookback < end ? b[f] - lookback : end};
}

/* What no fold has a use for, in two parts: windows that straddle the end of the train part, and those that end behind
 * validation. */
static struct range rest_starts(size_t k, size_t folds, const int64_t *b, int64_t lookback, int64_t width)
{
    int64_t end = b[folds + 1] - width + 1;
    if (k)
        return (struct range){end, INT64_MAX};
    return (struct range){b[folds] - width + 1, b[folds] - lookback < end ? b[folds] - lookback : end};
}

/* The part of a range that lies in a run of starts, from a multiple of the stride on. */
static struct range cut(struct range r, struct range run, int64_t stride)
{
    r.from = r.from > run.from ? r.from : run.from;
    r.to = r.to < run.to ? r.to : run.to;
    r.from = (r.from + stride - 1) / stride * stride;
    return r;
}

/* x[tracks, n] */
static void add_range(struct weft_gram *g, const double *x, size_t n, struct range r, int64_t stride)
{
    const double *at[WEFT_TRACKS_MAX];
    if (r.from >= r.to)
        return;
    for (size_t k = 0; k < g->tracks; k++)
        at[k] = x + k * n + r.from;
    weft_gram_add_tracks(g, at, (size_t)((r.to - r.from + stride - 1) / stride));
}

/* Scaled values and after them the features of the channels [n + 2 channels, n], with slack after them. */
static double *scaled(const struct weft_dlinear_stats *st, const float *x, size_t n, double shift, double factor,
                      const float *const *exog, size_t train, struct weft_dlinear_room *room)
{
    size_t need = n * (st->shape.exog.n ? st->shape.exog.n + 2 : 1);
    if (room->cap < need + WEFT_GRAM_SLACK) {
        room->cap = weft_grow(room->cap, need + WEFT_GRAM_SLACK);
        free(room->p);
        room->p = weft_xaligned(room->cap, sizeof *room->p);
    }
    double weight = st->weight > 0 ? st->weight : 1;
    if (shift == 0 && factor == 1 && weight == 1)
        for (size_t i = 0; i < n; i++)
            room->p[i] = x[i];
    else
        for (size_t i = 0; i < n; i++)
            room->p[i] = ((double)x[i] - shift) / factor * weight;
    if (st->shape.exog.n)
        weft_exog_channels(&st->shape.exog, x, n, n, train, factor, exog, room->p + n);
    memset(room->p + need, 0, WEFT_GRAM_SLACK * sizeof *room->p);
    return room->p;
}

/* Mean of the values there are. */
static double mean_of(const double *z, size_t n)
{
    double sum = weft_gram_sum(z, n);
    size_t count = 0;
    if (isfinite(sum))
        return n ? sum / (double)n : 0;
    sum = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(z[i])) {
            sum += z[i];
            count++;
        }
    return count ? sum / (double)count : 0;
}

/* Subtracts a constant near the values, which keeps the squares small where the spread is small against the level: the
 * fit's mean or the window's own base takes it up. */
static void centre(struct weft_dlinear_stats *st, double *z, size_t n)
{
    double level = st->shape.norm == WEFT_NORM_NONE && st->shifted ? st->shift : mean_of(z, n);
    if (!st->shifted) {
        st->shift = st->shape.norm == WEFT_NORM_NONE ? level : 0;
        st->shifted = true;
    }
    for (size_t i = 0; i < n; i++)
        z[i] -= level;
}

/* SplitMix64's finaliser. */
static uint64_t rank_of(uint64_t key, int64_t start)
{
    uint64_t h = key + (uint64_t)start * 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

/* A target as it is added: raw values, and its features g [channels, n]. */
struct adding {
    const float *x;
    size_t n;
    double shift, factor;
    const double *z;
    uint64_t key;
};

static void keep_windows(struct weft_dlinear_stats *st, const struct adding *a, struct range r)
{
    size_t lookback = st->shape.lookback, width = lookback + st->shape.horizon;
    for (int64_t s = r.from; s < r.to; s += (int64_t)st->stride) {
        float *row = weft_residuals_offer(st->keep, rank_of(a->key, s));
        for (size_t i = 0; row && i < width; i++)
            row[i] = (float)(((double)a->x[(size_t)s + i] - a->shift) / a->factor);
        if (row && st->shape.exog.n)
            (void)weft_exog_gather(&st->shape.exog, a->z + a->n, a->n, (size_t)s + lookback,
                                   row + width); /* whole: the window was added */
    }
}

/* Adds the windows of a run of starts to their blocks. */
static void add_run(struct weft_dlinear_stats *st, const struct adding *a, const int64_t *b, struct range run)
{
    int64_t stride = (int64_t)st->stride, lookback = (int64_t)st->shape.lookback,
            width = lookback + (int64_t)st->shape.horizon;
    size_t blocks = 2 * st->folds;
    for (size_t k = 0; k < blocks; k++) {
        struct range r = cut(block_starts(k, b, lookback, width), run, stride);
        add_range(&st->block[k], a->z, a->n, r, stride);
        if (k == blocks - 1 && st->keep)
            keep_windows(st, a, r);
    }
    for (size_t k = 0; st->blocks > blocks && k < 2; k++)
        add_range(&st->block[blocks], a->z, a->n, cut(rest_starts(k, st->folds, b, lookback, width), run, stride),
                  stride);
}

void weft_dlinear_stats_add(struct weft_dlinear_stats *st, const float *x, size_t n, double shift, double factor,
                            const float *const *exog, const size_t *split, uint64_t key, struct weft_dlinear_room *room)
{
    int64_t b[WEFT_DLINEAR_FOLDS_MAX + 2] = {0};
    size_t width = st->shape.lookback + st->shape.horizon,
           used = split[1] < n && st->blocks == 2 * st->folds ? split[1] : n;
    borders(st->folds, split, (int64_t)width, b);
    if (st->borders)
        memcpy(b, st->borders, (st->folds + 2) * sizeof *b);
    double *z = scaled(st, x, n, shift, factor, exog, split[0], room);
    const struct adding a = {x, n, shift, factor, z, key};
    centre(st, z, used);
    st->series++;
    if (used < width)
        return;
    size_t starts = used - width + 1;
    bool *good = weft_gram_whole(&st->block[0], z, n, used, starts);
    for (size_t from = 0, to; from < starts; from = to) {
        for (; from < starts && !good[from]; from++)
            ;
        for (to = from; to < starts && good[to]; to++)
            ;
        if (from < to)
            add_run(st, &a, b, (struct range){(int64_t)from, (int64_t)to});
    }
    free(good);
}

void weft_dlinear_stats_finish(struct weft_dlinear_stats *st)
{
    for (size_t i = 0; i < st->blocks; i++)
        weft_gram_finish(&st->block[i]);
}

void weft_dlinear_stats_copy(const struct weft_dlinear_stats *st, bool alone, const bool *silent,
                             struct weft_dlinear_stats *out)
{
    *out = *st;
    out->keep = NULL;
    out->block = WEFT_ARRAY(struct weft_gram, st->blocks);
    if (alone)
        out->shape.exog = (struct weft_exog_shape){0};
    for (size_t i = 0; i < st->blocks; i++) {
        (alone ? weft_gram_target : weft_gram_copy)(&st->block[i], &out->block[i]);
        for (size_t c = 0; !alone && c < st->shape.exog.n; c++)
            if (silent[c])
                weft_gram_silence(&out->block[i], c + 1);
    }
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
static int try_fold(const struct weft_dlinear_stats *st, size_t f, const struct weft_gram *train, struct search *s,
                    struct weft_ridge **ridge, struct weft_err *e)
{
    const struct weft_gram *valid = &st->block[2 * f - 1];
    bool last = f == st->folds;
    if (!train->n || (!valid->n && !last) || (s->n_grid == 1 && !last))
        return 0;
    if (weft_ridge_new(train, st->shape.lookback, st->shape.horizon, st->shape.norm, ridge, e) < 0)
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

void weft_dlinear_take(const struct weft_dlinear_shape *s, double shift, const double *w, const double *bias,
                       const double *exog, struct weft_dlinear_weights *out)
{
    size_t lookback = s->lookback, beside = s->horizon * weft_dlinear_exog_weights(s);
    for (size_t k = 0; k < s->horizon; k++) {
        double sum = 0;
        for (size_t i = 0; i < lookback; i++) {
            out->ws[k * lookback + i] = out->wt[k * lookback + i] = (float)w[k * lookback + i];
            sum += w[k * lookback + i];
        }
        /* Values were x - shift; the bias takes the shift back. */
        out->bs[k] = (float)(bias[k] + shift * (1 - sum));
        out->bt[k] = 0;
    }
    for (size_t i = 0; i < beside; i++)
        out->v[i] = (float)exog[i];
}

static void take_weights(const struct weft_dlinear_stats *st, const struct weft_ridge *r, double ridge,
                         struct weft_dlinear_weights *out)
{
    const struct weft_dlinear_shape *s = &st->shape;
    size_t h = s->horizon;
    double *w = weft_xaligned(h * s->lookback, sizeof *w), *bias = WEFT_ARRAY(double, h),
           *exog = WEFT_ARRAY(double, h *weft_dlinear_exog_weights(s) + 1);
    weft_ridge_weights(r, ridge, w, bias, exog);
    weft_dlinear_take(s, s->norm == WEFT_NORM_NONE ? st->shift : 0, w, bias, exog, out);
    free(exog);
    free(bias);
    free(w);
}

int weft_dlinear_solve(struct weft_dlinear_stats *st, double ridge, struct weft_dlinear_weights *w,
                       struct weft_dlinear_fit *fit, struct weft_err *e)
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
                                     .valid_windows = st->block[2 * st->folds - 1].n,
                                     .series = st->series,
                                     .folds = s.folds};
    take_weights(st, r, fit->ridge, w);
    weft_ridge_free(&r);
    return 0;
}
