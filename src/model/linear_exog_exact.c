/* linear_exog_exact.c - the least-squares optimum with exogenous channels from the Gram matrix of all tracks.
 *
 * Columns: S, shared by all steps of the horizon (the lookback, the lags of the channels), and for step h the few F_h (the channels known ahead, on
 * that day). With Gss + alpha = Q' (L + alpha) Q and D = 1 / (L + alpha) the weights of F_h are
 *     u = (F'F + alpha - (QF)' D (QF))^-1 (F'y - (QF)' D (Qy)),     those of S are Q' D (Qy - QF u). */
#include "model/linear_exog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/blas.h"
#include "base/mem.h"

static const double EIGEN_CUT = 1e-12, OWN_LEAST = 1e-9;

/* --- adding series --- */

void weft_linear_exog_stats_init(struct weft_linear_exog_stats *st, const struct weft_linear_exog_shape *s, size_t stride, size_t folds)
{
    size_t from[WEFT_TRACKS_MAX] = {0}, to[WEFT_TRACKS_MAX] = {s->lookback + s->horizon};
    for (size_t c = 0; c <= s->exog.n; c++) {
        from[c + 1] = s->lookback - weft_exog_lags(&s->exog, c);
        to[c + 1] = s->lookback + weft_exog_ahead(&s->exog, c);
    }
    *st = (struct weft_linear_exog_stats){.shape = *s, .folds = folds, .stride = (int64_t)stride};
    st->block = WEFT_ARRAY(struct weft_track_gram, 2 * folds);
    for (size_t i = 0; i < 2 * folds; i++)
        weft_track_gram_init(&st->block[i], s->exog.n + 2, from, to, stride);
}

void weft_linear_exog_stats_free(struct weft_linear_exog_stats *st)
{
    for (size_t i = 0; st->block && i < 2 * st->folds; i++)
        weft_track_gram_free(&st->block[i]);
    free(st->block);
    *st = (struct weft_linear_exog_stats){0};
}

/* Scaled values of the target, and behind them the channels: [n + 2 channels, n]. */
static double *prepare(const struct weft_linear_exog_stats *st, const float *y, size_t n, size_t train, double shift, double factor,
                       const float *const *x, struct weft_dlinear_room *room)
{
    size_t need = n * (st->shape.exog.n + 2);
    if (room->cap < need) {
        room->cap = weft_grow(room->cap, need);
        free(room->p);
        room->p = weft_xaligned(room->cap, sizeof *room->p);
    }
    for (size_t t = 0; t < n; t++)
        room->p[t] = ((double)y[t] - shift) / factor;
    weft_exog_channels(&st->shape.exog, y, n, n, train, factor, x, room->p + n);
    return room->p;
}

/* Subtracts a constant near the values, as dlinear_exact.c does: the window's own base or the fit's mean takes it up. */
static void centre(struct weft_linear_exog_stats *st, double *z, size_t n)
{
    double sum = 0;
    size_t count = 0;
    for (size_t t = 0; t < n; t++)
        if (isfinite(z[t])) {
            sum += z[t];
            count++;
        }
    double mean = count ? sum / (double)count : 0, level = st->shape.norm == WEFT_NORM_NONE && st->shifted ? st->shift : mean;
    if (!st->shifted) {
        st->shift = st->shape.norm == WEFT_NORM_NONE ? level : 0;
        st->shifted = true;
    }
    for (size_t t = 0; t < n; t++)
        z[t] -= level;
}

/* Clears bad[s] .. where a window that starts at s would touch a missing value on this track. */
static void mark(const double *z, size_t n, size_t from, size_t to, bool *good, size_t starts)
{
    size_t seen = 0, after = 0; /* z[after .. seen) has no missing value */
    for (size_t s = 0; s < starts && s + to <= n; s++) {
        for (; seen < s + to; seen++)
            if (!isfinite(z[seen]))
                after = seen + 1;
        good[s] &= after <= s + from;
    }
}

static void keep_window(struct weft_linear_exog_stats *st, const float *y, double shift, double factor, const double *g, size_t n, int64_t start, uint64_t key)
{
    const struct weft_linear_exog_shape *s = &st->shape;
    size_t width = s->lookback + s->horizon;
    float *row = weft_residuals_offer(st->keep, weft_dlinear_rank(key, start));
    if (!row)
        return;
    for (size_t i = 0; i < width; i++)
        row[i] = (float)(((double)y[(size_t)start + i] - shift) / factor);
    (void)weft_exog_gather(&s->exog, g, n, (size_t)start + s->lookback, row + width); /* whole: the window was added */
}

void weft_linear_exog_stats_add(struct weft_linear_exog_stats *st, const float *y, size_t n, double shift, double factor, const float *const *x,
                                const size_t *split, uint64_t key, struct weft_dlinear_room *room)
{
    size_t used = split[1] < n ? split[1] : n, tracks = st->shape.exog.n + 2, blocks = 2 * st->folds, width = st->shape.lookback + st->shape.horizon;
    int64_t b[WEFT_DLINEAR_FOLDS_MAX + 2];
    if (used < width)
        return;
    size_t starts = used - width + 1;
    bool *good = WEFT_ARRAY(bool, starts);
    double *z = prepare(st, y, n, split[0], shift, factor, x, room);
    const struct weft_track_gram *shape = &st->block[0];
    weft_dlinear_borders(st->folds, split, (int64_t)width, b);
    memset(good, 1, starts * sizeof *good);
    for (size_t k = 0; k < tracks; k++)
        mark(z + k * n, used, shape->from[k], shape->to[k], good, starts);
    centre(st, z, used);
    for (size_t from = 0, to; from < starts; from = to) {
        for (; from < starts && !good[from]; from++)
            ;
        for (to = from; to < starts && good[to]; to++)
            ;
        for (size_t k = 0; k < blocks && from < to; k++) {
            const double *at[WEFT_TRACKS_MAX];
            struct weft_dlinear_range run = {(int64_t)from, (int64_t)to},
                                      r = weft_dlinear_block(k, b, (int64_t)st->shape.lookback, (int64_t)width, run, st->stride);
            if (r.from >= r.to)
                continue;
            for (size_t t = 0; t < tracks; t++)
                at[t] = z + t * n + r.from;
            weft_track_gram_add(&st->block[k], at, (size_t)((r.to - r.from + st->stride - 1) / st->stride));
            for (int64_t s = r.from; s < r.to && k == blocks - 1 && st->keep; s += st->stride)
                keep_window(st, y, shift, factor, z + n, n, s, key);
        }
    }
    free(good);
}

/* --- moments --- */

/* Which columns of a track matrix are what. */
struct columns {
    size_t shared, own, horizon; /* numbers */
    size_t *s;                   /* [shared] */
    size_t *f;                   /* [horizon, own] */
    size_t y;                    /* the horizon's first */
};

static struct columns columns_of(const struct weft_linear_exog_stats *st)
{
    const struct weft_linear_exog_shape *s = &st->shape;
    const struct weft_track_gram *g = &st->block[0];
    struct columns c = {.horizon = s->horizon, .y = s->lookback, .s = WEFT_ARRAY(size_t, g->width), .f = WEFT_ARRAY(size_t, g->width)};
    for (; c.shared < s->lookback; c.shared++)
        c.s[c.shared] = c.shared;
    for (size_t k = 0; k <= s->exog.n; k++) {
        for (size_t i = 0; i < weft_exog_lags(&s->exog, k); i++)
            c.s[c.shared++] = g->base[k + 1] + i;
        c.own += weft_exog_ahead(&s->exog, k) > 0;
    }
    for (size_t k = 0, n = 0; k <= s->exog.n; k++)
        if (weft_exog_ahead(&s->exog, k)) {
            for (size_t h = 0; h < s->horizon; h++)
                c.f[h * c.own + n] = g->base[k + 1] + weft_exog_lags(&s->exog, k) + h;
            n++;
        }
    return c;
}

static void columns_free(struct columns *c)
{
    free(c->s);
    free(c->f);
}

/* m[V, V]: G as the fit sees it: the target's places less the window's base, or everything centred by `mean` (norm none); columns times `scale` (or
 * NULL). */
static void moments(const struct weft_linear_exog_stats *st, const struct weft_track_gram *g, const double *mean, const double *scale, double *m)
{
    size_t w = g->width, lookback = st->shape.lookback, places = lookback + st->shape.horizon;
    double *u = WEFT_ARRAY(double, w), q = 0, n = (double)g->n;
    size_t first = st->shape.norm == WEFT_NORM_LAST ? lookback - 1 : 0;
    double part = 1 / (double)(lookback - first);
    bool based = st->shape.norm != WEFT_NORM_NONE;
    for (size_t j = 0; j < w && based; j++)
        for (size_t i = first; i < lookback; i++)
            u[j] += part * g->g[i * w + j];
    for (size_t i = first; i < lookback; i++)
        q += part * u[i];
    for (size_t i = 0; i < w; i++)
        for (size_t j = 0; j < w; j++) {
            double x = g->g[i * w + j];
            if (based)
                x += (i < places && j < places ? q : 0) - (i < places ? u[j] : 0) - (j < places ? u[i] : 0);
            else
                x += n * mean[i] * mean[j] - mean[i] * g->sum[j] - mean[j] * g->sum[i];
            m[i * w + j] = scale ? x * scale[i] * scale[j] : x;
        }
    free(u);
}

/* out[rows, columns] = m at these rows and columns. */
static void pick(const double *m, size_t w, const size_t *rows, size_t n_rows, const size_t *columns, size_t n_columns, double *out)
{
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < n_columns; j++)
            *out++ = m[rows[i] * w + columns[j]];
}

/* --- one fold's fit --- */

struct fit {
    const struct weft_linear_exog_stats *st;
    struct columns c;
    double *mean, *scale; /* [V] of the training windows */
    double unit;          /* mean square of the lookback's columns, times windows */
    double *q, *value;    /* [S, S] rows are eigenvectors, [S] */
    double *b, *f;        /* [S, H] = q Gsy, [S, H own] = q Gsf */
    double *ff, *fy;      /* [H, own, own], [H, own] */
    double *w, *u;        /* of the last ridge: [H, S], [H, own], in scaled columns */
};

static void fit_free(struct fit **fp)
{
    struct fit *f = *fp;
    if (!f)
        return;
    columns_free(&f->c);
    free(f->mean);
    free(f->scale);
    free(f->q);
    free(f->value);
    free(f->b);
    free(f->f);
    free(f->ff);
    free(f->fy);
    free(f->w);
    free(f->u);
    free(f);
    *fp = NULL;
}

/* Columns of a channel get the mean square of the lookback's, whatever its unit; those of a channel that is always zero take no part. */
static void choose_scales(struct fit *f, const struct weft_track_gram *g, const double *m)
{
    size_t w = g->width, lookback = f->st->shape.lookback;
    for (size_t i = 0; i < lookback; i++)
        f->unit += m[i * w + i] / (double)lookback;
    for (size_t i = 0; i < w; i++)
        f->scale[i] = 1;
    for (size_t k = 1; k < g->tracks; k++) {
        size_t n = g->to[k] - g->from[k];
        double square = 0;
        for (size_t i = 0; i < n; i++)
            square += m[(g->base[k] + i) * w + g->base[k] + i] / (double)n;
        for (size_t i = 0; i < n; i++)
            f->scale[g->base[k] + i] = square > 0 ? sqrt(f->unit / square) : 0;
    }
}

static void scale_moments(const double *scale, size_t w, double *m)
{
    for (size_t i = 0; i < w; i++)
        for (size_t j = 0; j < w; j++)
            m[i * w + j] *= scale[i] * scale[j];
}

static int fit_new(const struct weft_linear_exog_stats *st, const struct weft_track_gram *train, struct fit **out, struct weft_err *e)
{
    struct fit *f = WEFT_NEW(struct fit);
    size_t w = train->width;
    double *m = weft_xaligned(w * w, sizeof *m);
    f->st = st;
    f->c = columns_of(st);
    f->mean = WEFT_ARRAY(double, w);
    f->scale = WEFT_ARRAY(double, w);
    for (size_t i = 0; i < w && st->shape.norm == WEFT_NORM_NONE; i++)
        f->mean[i] = train->sum[i] / (double)train->n;
    moments(st, train, f->mean, NULL, m);
    choose_scales(f, train, m);
    scale_moments(f->scale, w, m);
    size_t s = f->c.shared, own = f->c.own, h = f->c.horizon;
    double *sy = weft_xaligned(s * h, sizeof *sy), *sf = weft_xaligned(s * h * own + 1, sizeof *sf);
    f->q = weft_xaligned(s * s, sizeof *f->q);
    f->value = WEFT_ARRAY(double, s);
    f->b = weft_xaligned(s * h, sizeof *f->b);
    f->f = weft_xaligned(s * h * own + 1, sizeof *f->f);
    f->ff = WEFT_ARRAY(double, h * own * own + 1);
    f->fy = WEFT_ARRAY(double, h * own + 1);
    f->w = WEFT_ARRAY(double, h * s);
    f->u = WEFT_ARRAY(double, h * own + 1);
    pick(m, w, f->c.s, s, f->c.s, s, f->q);
    pick(m, w, f->c.s, s, f->c.f, h * own, sf);
    for (size_t k = 0; k < h; k++) {
        size_t y = f->c.y + k;
        for (size_t i = 0; i < s; i++)
            sy[i * h + k] = m[f->c.s[i] * w + y];
        pick(m, w, f->c.f + k * own, own, f->c.f + k * own, own, f->ff + k * own * own);
        pick(m, w, f->c.f + k * own, own, &y, 1, f->fy + k * own);
    }
    int rc = isfinite(f->unit) ? weft_eigh(s, f->q, f->value, e) : weft_fail(e, WEFT_DATA, "values too large to square");
    if (rc == 0) {
        weft_dgemm(false, false, s, h, s, 1, f->q, s, sy, h, 0, f->b, h);
        if (own)
            weft_dgemm(false, false, s, h * own, s, 1, f->q, s, sf, h * own, 0, f->f, h * own);
        *out = f;
    } else {
        fit_free(&f);
    }
    free(m);
    free(sy);
    free(sf);
    return rc;
}

/* The own weights of step h: u. */
static int solve_own(struct fit *f, size_t h, double alpha, const double *d, double *a, struct weft_err *e)
{
    size_t own = f->c.own, s = f->c.shared, horizon = f->c.horizon;
    double *u = f->u + h * own;
    for (size_t i = 0; i < own; i++) {
        u[i] = f->fy[h * own + i];
        for (size_t j = 0; j < own; j++)
            a[i * own + j] = f->ff[(h * own + i) * own + j] + (i == j ? alpha + OWN_LEAST * f->unit : 0);
    }
    for (size_t k = 0; k < s; k++) {
        const double *fk = f->f + (k * horizon + h) * own;
        for (size_t i = 0; i < own; i++) {
            double x = d[k] * fk[i];
            u[i] -= x * f->b[k * horizon + h];
            for (size_t j = 0; j < own; j++)
                a[i * own + j] -= x * fk[j];
        }
    }
    return own ? weft_cholesky_solve(own, 1, a, u, e) : 0;
}

/* Makes f->w and f->u for one ridge. */
static int fit_weights(struct fit *f, double ridge, struct weft_err *e)
{
    size_t s = f->c.shared, own = f->c.own, h = f->c.horizon;
    double alpha = ridge * f->unit, largest = f->value[s - 1];
    double *d = WEFT_ARRAY(double, s), *a = WEFT_ARRAY(double, own * own + 1), *z = weft_xaligned(s * h, sizeof *z);
    int rc = 0;
    for (size_t i = 0; i < s; i++)
        d[i] = f->value[i] > EIGEN_CUT * largest && largest > 0 ? 1 / (f->value[i] + alpha) : 0;
    for (size_t k = 0; k < h && rc == 0; k++)
        rc = solve_own(f, k, alpha, d, a, e);
    for (size_t i = 0; i < s && rc == 0; i++)
        for (size_t k = 0; k < h; k++) {
            double x = f->b[i * h + k];
            for (size_t j = 0; j < own; j++)
                x -= f->f[(i * h + k) * own + j] * f->u[k * own + j];
            z[i * h + k] = d[i] * x;
        }
    if (rc == 0)
        weft_dgemm(true, false, h, s, s, 1, z, h, f->q, s, 0, f->w, s);
    free(d);
    free(a);
    free(z);
    return rc;
}

/* Moments of validation windows in the shapes that the error needs. */
struct judge {
    double *ss, *sf, *m; /* [S, S], [S, H own], [V, V] */
    double *half;        /* [H, S] */
};

static void judge_free(struct judge *v)
{
    free(v->ss);
    free(v->sf);
    free(v->m);
    free(v->half);
}

static void judge_new(const struct fit *f, const struct weft_track_gram *g, struct judge *v)
{
    size_t s = f->c.shared, h = f->c.horizon, own = f->c.own, w = g->width;
    v->m = weft_xaligned(w * w, sizeof *v->m);
    v->ss = weft_xaligned(s * s, sizeof *v->ss);
    v->sf = weft_xaligned(s * h * own + 1, sizeof *v->sf);
    v->half = weft_xaligned(h * s, sizeof *v->half);
    moments(f->st, g, f->mean, f->scale, v->m);
    pick(v->m, w, f->c.s, s, f->c.s, s, v->ss);
    pick(v->m, w, f->c.s, s, f->c.f, h * own, v->sf);
}

/* Mean squared error of the weights over windows and steps: yy - 2 (w'Sy + u'Fy) + w'SSw + 2 u'FSw + u'FFu. */
static double judged(const struct fit *f, const struct weft_track_gram *g, struct judge *v)
{
    size_t s = f->c.shared, h = f->c.horizon, own = f->c.own, width = g->width;
    double error = 0;
    weft_dgemm(false, false, h, s, s, 1, f->w, s, v->ss, s, 0, v->half, s);
    for (size_t k = 0; k < h; k++) {
        size_t y = f->c.y + k;
        const double *w = f->w + k * s, *u = f->u + k * own;
        error += v->m[y * width + y];
        for (size_t i = 0; i < s; i++) {
            double beside = 0;
            for (size_t j = 0; j < own; j++)
                beside += v->sf[(i * h + k) * own + j] * u[j];
            error += w[i] * (v->half[k * s + i] + 2 * beside - 2 * v->m[f->c.s[i] * width + y]);
        }
        for (size_t i = 0; i < own; i++) {
            size_t at = f->c.f[k * own + i];
            error -= 2 * u[i] * v->m[at * width + y];
            for (size_t j = 0; j < own; j++)
                error += u[i] * u[j] * v->m[at * width + f->c.f[k * own + j]];
        }
    }
    return error / ((double)g->n * (double)h);
}

/* --- folds --- */

struct search {
    double grid[WEFT_RIDGE_GRID], sum[WEFT_RIDGE_GRID], last[WEFT_RIDGE_GRID]; /* last: of the validation part, NaN without one */
    size_t n, folds;
};

static int try_fold(const struct weft_linear_exog_stats *st, size_t f, const struct weft_track_gram *train, struct search *s, struct fit **fit,
                    struct weft_err *e)
{
    const struct weft_track_gram *valid = &st->block[2 * f - 1];
    bool last = f == st->folds;
    struct judge v;
    int rc = 0;
    if (!train->n || (!valid->n && !last) || (s->n == 1 && !last))
        return 0;
    if (fit_new(st, train, fit, e) < 0)
        return -1;
    if (valid->n) {
        judge_new(*fit, valid, &v);
        for (size_t i = 0; i < s->n && rc == 0; i++) {
            rc = fit_weights(*fit, s->grid[i], e);
            double mse = rc == 0 ? judged(*fit, valid, &v) : NAN;
            s->sum[i] += mse;
            if (last)
                s->last[i] = mse;
        }
        judge_free(&v);
        s->folds++;
    }
    if (!last)
        fit_free(fit);
    return rc;
}

static int search_folds(struct weft_linear_exog_stats *st, struct search *s, struct fit **fit, struct weft_err *e)
{
    for (size_t i = 0; i < 2 * st->folds; i++)
        weft_track_gram_finish(&st->block[i]);
    for (size_t f = 1; f <= st->folds; f++) {
        if (try_fold(st, f, &st->block[0], s, fit, e) < 0)
            return -1;
        if (f < st->folds) {
            weft_track_gram_merge(&st->block[0], &st->block[2 * f - 1]);
            weft_track_gram_merge(&st->block[0], &st->block[2 * f]);
        }
    }
    return 0;
}

/* From scaled columns to those of the data. */
static void take_weights(const struct fit *f, struct weft_linear_exog_weights *out)
{
    const struct weft_linear_exog_stats *st = f->st;
    const struct weft_exog_shape *x = &st->shape.exog;
    size_t l = st->shape.lookback, s = f->c.shared, own = f->c.own, weights = weft_exog_weights(x);
    for (size_t h = 0; h < f->c.horizon; h++) {
        const double *w = f->w + h * s, *u = f->u + h * own;
        float *v = out->v + h * weights;
        double bias = f->mean[f->c.y + h], sum = 0;
        for (size_t i = 0; i < l; i++) {
            out->w[h * l + i] = (float)w[i];
            sum += w[i];
        }
        for (size_t i = 0; i < s; i++)
            bias -= w[i] * f->scale[f->c.s[i]] * f->mean[f->c.s[i]];
        for (size_t i = 0; i < own; i++)
            bias -= u[i] * f->scale[f->c.f[h * own + i]] * f->mean[f->c.f[h * own + i]];
        for (size_t c = 0, i = l, j = 0; c <= x->n; c++) {
            for (size_t k = 0; k < weft_exog_lags(x, c); k++, i++)
                *v++ = (float)(w[i] * f->scale[f->c.s[i]]);
            if (weft_exog_ahead(x, c)) {
                *v++ = (float)(u[j] * f->scale[f->c.f[h * own + j]]);
                j++;
            }
        }
        /* Values were x - shift; the bias takes the shift back. */
        out->bias[h] = (float)(bias + (st->shape.norm == WEFT_NORM_NONE ? st->shift * (1 - sum) : 0));
    }
}

int weft_linear_exog_solve(struct weft_linear_exog_stats *st, double ridge, struct weft_linear_exog_weights *w, struct weft_dlinear_fit *fit,
                           struct weft_err *e)
{
    struct search s = {.grid = {ridge}, .n = ridge < 0 ? WEFT_RIDGE_GRID : 1};
    struct fit *f = NULL;
    size_t best = 0;
    if (ridge < 0)
        weft_ridge_grid(s.grid);
    for (size_t i = 0; i < s.n; i++)
        s.last[i] = NAN;
    int rc = search_folds(st, &s, &f, e);
    if (rc == 0 && !f)
        rc = weft_fail(e, WEFT_CONFIG, "no window without a missing value lies wholly in the train part");
    for (size_t i = 1; i < s.n; i++)
        if (s.sum[i] < s.sum[best])
            best = i;
    *fit = (struct weft_dlinear_fit){.ridge = ridge < 0 && !s.folds ? WEFT_DLINEAR_RIDGE : s.grid[best],
                                     .valid_mse = s.last[best],
                                     .train_windows = st->block[0].n,
                                     .valid_windows = st->block[2 * st->folds - 1].n,
                                     .folds = s.folds};
    if (rc == 0)
        rc = fit_weights(f, fit->ridge, e);
    if (rc == 0)
        take_weights(f, w);
    fit_free(&f);
    return rc;
}
