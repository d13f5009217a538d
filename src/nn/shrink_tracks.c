/* shrink_tracks.c - least squares shrunk towards given weights, with exogenous channels. */
#include "nn/shrink_tracks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/blas.h"
#include "nn/columns.h"
#include "nn/ridge_tracks.h"

/* What is added to the diagonal, relative to the lookback's: directions that no window has stay at 0. */
static const double LEAST = 1e-13;

/* Weights, or what stands on the right, of all steps: w[H, shared], u[H, own]. */
struct beside {
    double *w, *u;
};

struct weft_prior_tracks {
    struct weft_columns c; /* with norm none the 1 is the last of the shared ones, column V */
    enum weft_norm norm;
    size_t tracks, k;   /* k: V, and 1 with norm none */
    double *factor;     /* [tracks] that bring columns to the lookback's mean square; 0: the source has nothing there */
    double *m;          /* [k, k] in such columns; NULL: the identity */
    struct beside pull; /* M W0 */
};

struct weft_shrink_tracks {
    const struct weft_prior_tracks *prior;
    double *scale; /* [k] */
    double *m;     /* [k, k]: sums of the target in scaled columns */
    double unit;   /* what a strength of 1 is */
};

static struct beside beside_new(const struct weft_columns *c)
{
    return (struct beside){weft_xaligned(c->horizon * c->shared, sizeof(double)),
                           weft_xaligned(c->horizon * c->own + 1, sizeof(double))};
}

static void beside_free(struct beside *b)
{
    free(b->w);
    free(b->u);
}

static void columns_of(const struct weft_gram *g, size_t lookback, size_t horizon, enum weft_norm norm,
                       struct weft_columns *c)
{
    weft_columns_of(g, lookback, horizon, c);
    if (norm == WEFT_NORM_NONE)
        c->s[c->shared++] = g->width;
}

/* [k, k]: moments after the norm, and with norm none those of the 1. */
static double *augmented(const struct weft_gram *g, size_t lookback, size_t horizon, enum weft_norm norm)
{
    size_t v = g->width, k = v + (norm == WEFT_NORM_NONE);
    double *zero = WEFT_ARRAY(double, v), *one = WEFT_ARRAY(double, v), *m = weft_xaligned(k * k, sizeof *m);
    for (size_t i = 0; i < v; i++)
        one[i] = 1;
    weft_ridge_tracks_moments(g, lookback, horizon, norm, zero, one, m);
    for (size_t i = v; k > v && i-- > 0;)
        memmove(m + i * k, m + i * v, v * sizeof *m);
    for (size_t i = 0; k > v && i < v; i++)
        m[i * k + v] = m[v * k + i] = g->sum[i];
    if (k > v)
        m[v * k + v] = (double)g->n;
    free(zero);
    free(one);
    return m;
}

/* factor[tracks] of these windows; returns the mean square of the lookback's columns, centred with norm none, times
 * windows. */
static double factors_of(const struct weft_gram *g, const double *m, size_t k, size_t lookback, double *factor)
{
    double *diagonal = WEFT_ARRAY(double, g->width), unit = 0;
    for (size_t i = 0; i < g->width; i++)
        diagonal[i] = m[i * k + i] - (k > g->width && g->n ? g->sum[i] * g->sum[i] / (double)g->n : 0);
    for (size_t i = 0; i < lookback; i++)
        unit += diagonal[i] / (double)lookback;
    weft_columns_factors(g, diagonal, unit, factor);
    free(diagonal);
    return unit;
}

/* scale[k] of columns from those of tracks; m gets it on both sides. */
static void scale_columns(const struct weft_gram *g, const double *factor, size_t k, double *scale, double *m)
{
    scale[k - 1] = 1;
    for (size_t t = 0; t < g->tracks; t++)
        for (size_t i = 0; i < g->to[t] - g->from[t]; i++)
            scale[g->base[t] + i] = factor[t];
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++)
            m[i * k + j] *= scale[i] * scale[j];
}

/* --- weights: of the data's columns, and of scaled ones --- */

static void into_columns(const struct weft_columns *c, const double *scale, const double *w, const double *bias,
                         const double *v, const struct beside *out)
{
    size_t l = c->lookback, weights = c->lead + c->own;
    for (size_t h = 0; h < c->horizon; h++) {
        for (size_t i = 0; i < c->shared; i++) {
            double x = i < l ? w[h * l + i] : i < l + c->lead ? v[h * weights + c->weight[i - l]] : bias[h];
            out->w[h * c->shared + i] = scale[c->s[i]] > 0 ? x / scale[c->s[i]] : 0;
        }
        for (size_t i = 0; i < c->own; i++) {
            double f = scale[c->owns[h * c->own + i]];
            out->u[h * c->own + i] = f > 0 ? v[h * weights + c->weight[c->lead + i]] / f : 0;
        }
    }
}

static void out_of_columns(const struct weft_columns *c, const double *scale, const struct beside *in, double *w,
                           double *bias, double *v)
{
    size_t l = c->lookback, weights = c->lead + c->own;
    for (size_t h = 0; h < c->horizon; h++) {
        bias[h] = 0;
        for (size_t i = 0; i < c->shared; i++) {
            double x = in->w[h * c->shared + i] * scale[c->s[i]];
            if (i < l)
                w[h * l + i] = x;
            else if (i < l + c->lead)
                v[h * weights + c->weight[i - l]] = x;
            else
                bias[h] = x;
        }
        for (size_t i = 0; i < c->own; i++)
            v[h * weights + c->weight[c->lead + i]] = in->u[h * c->own + i] * scale[c->owns[h * c->own + i]];
    }
}

/* --- priors --- */

/* out = M x for every step. */
static void times(const struct weft_columns *c, const double *m, size_t k, const struct beside *x,
                  const struct beside *out)
{
    for (size_t h = 0; h < c->horizon; h++) {
        const size_t *o = c->owns + h * c->own;
        for (size_t i = 0; i < c->shared + c->own; i++) {
            const double *row = m + (i < c->shared ? c->s[i] : o[i - c->shared]) * k;
            double sum = 0;
            for (size_t j = 0; j < c->shared; j++)
                sum += row[c->s[j]] * x->w[h * c->shared + j];
            for (size_t j = 0; j < c->own; j++)
                sum += row[o[j]] * x->u[h * c->own + j];
            *(i < c->shared ? out->w + h * c->shared + i : out->u + h * c->own + i - c->shared) = sum;
        }
    }
}

int weft_prior_tracks_new(const struct weft_gram *source, size_t lookback, size_t horizon, enum weft_norm norm,
                          bool pooled, double ridge, const double *w0, const double *bias0, const double *v0,
                          struct weft_prior_tracks **out, struct weft_err *e)
{
    struct weft_prior_tracks *p = WEFT_NEW(struct weft_prior_tracks);
    size_t v = source->width, k = v + (norm == WEFT_NORM_NONE);
    double *scale = WEFT_ARRAY(double, k);
    *p = (struct weft_prior_tracks){.norm = norm, .tracks = source->tracks, .k = k};
    columns_of(source, lookback, horizon, norm, &p->c);
    p->factor = WEFT_ARRAY(double, p->tracks);
    p->m = augmented(source, lookback, horizon, norm);
    double unit = factors_of(source, p->m, k, lookback, p->factor);
    scale_columns(source, p->factor, k, scale, p->m);
    for (size_t i = 0; i < v; i++) /* the bias is left alone, as in ridge_tracks.c */
        p->m[i * k + i] += ridge * unit;
    struct beside w = beside_new(&p->c);
    p->pull = beside_new(&p->c);
    into_columns(&p->c, scale, w0, bias0, v0, &w);
    if (pooled)
        times(&p->c, p->m, k, &w, &p->pull);
    else {
        memcpy(p->pull.w, w.w, horizon * p->c.shared * sizeof *w.w);
        memcpy(p->pull.u, w.u, horizon * p->c.own * sizeof *w.u);
        free(p->m);
        p->m = NULL;
    }
    beside_free(&w);
    free(scale);
    int rc = isfinite(unit) ? 0 : weft_fail(e, WEFT_DATA, "values too large to square");
    if (rc < 0)
        weft_prior_tracks_free(&p);
    *out = p;
    return rc;
}

void weft_prior_tracks_free(struct weft_prior_tracks **p)
{
    if (!*p)
        return;
    weft_columns_free(&(*p)->c);
    free((*p)->factor);
    free((*p)->m);
    beside_free(&(*p)->pull);
    free(*p);
    *p = NULL;
}

/* --- fits --- */

int weft_shrink_tracks_new(const struct weft_gram *train, const struct weft_prior_tracks *prior,
                           struct weft_shrink_tracks **out, struct weft_err *e)
{
    struct weft_shrink_tracks *s = WEFT_NEW(struct weft_shrink_tracks);
    size_t k = prior->k, l = prior->c.lookback;
    double *factor = WEFT_ARRAY(double, train->tracks), trace = 0;
    s->prior = prior;
    s->m = augmented(train, l, prior->c.horizon, prior->norm);
    s->scale = WEFT_ARRAY(double, k);
    for (size_t i = 0; i < l; i++)
        trace += s->m[i * k + i] / (double)l;
    s->unit = !prior->m && train->n && trace > 0 ? trace / (double)train->n : 1;
    (void)factors_of(train, s->m, k, l, factor);
    for (size_t t = 0; t < train->tracks; t++)
        if (prior->factor[t] > 0)
            factor[t] = prior->factor[t];
    scale_columns(train, factor, k, s->scale, s->m);
    free(factor);
    int rc = isfinite(trace) ? 0 : weft_fail(e, WEFT_DATA, "values too large to square");
    if (rc < 0)
        weft_shrink_tracks_free(&s);
    *out = s;
    return rc;
}

void weft_shrink_tracks_free(struct weft_shrink_tracks **s)
{
    if (!*s)
        return;
    free((*s)->scale);
    free((*s)->m);
    free(*s);
    *s = NULL;
}

/* The weights of step h that it has for itself, u, from x[shared, H (1 + own)]: what the shared columns answer to the
 * right-hand sides and to the own columns. */
static void solve_own(const struct weft_columns *c, const double *a, size_t k, size_t h, const double *x, double least,
                      double *room, double *u)
{
    size_t own = c->own, columns = c->horizon * (1 + own);
    const size_t *o = c->owns + h * own;
    for (size_t i = 0; i < own; i++)
        for (size_t j = 0; j < own; j++) {
            room[i * own + j] = a[o[i] * k + o[j]];
            for (size_t n = 0; n < c->shared; n++)
                room[i * own + j] -= a[c->s[n] * k + o[i]] * x[n * columns + c->horizon + h * own + j];
        }
    for (size_t i = 0; i < own; i++)
        for (size_t n = 0; n < c->shared; n++)
            u[i] -= a[c->s[n] * k + o[i]] * x[n * columns + h];
    weft_columns_solve(own, 1, room, least, u);
}

/* The fit in scaled columns. */
static void solve(const struct weft_shrink_tracks *s, double strength, const struct beside *out)
{
    const struct weft_prior_tracks *p = s->prior;
    const struct weft_columns *c = &p->c;
    size_t k = p->k, n = c->shared, own = c->own, horizon = c->horizon, columns = horizon * (1 + own);
    double alpha = strength * s->unit, least = 0;
    double *a = weft_xaligned(k * k, sizeof *a), *ss = weft_xaligned(n * n, sizeof *ss),
           *x = weft_xaligned(n * columns, sizeof *x), *room = WEFT_ARRAY(double, own *own + 1);
    for (size_t i = 0; i < k * k; i++)
        a[i] = s->m[i] + alpha * (p->m ? p->m[i] : i % (k + 1) == 0);
    for (size_t i = 0; i < c->lookback; i++)
        least += LEAST * a[i * (k + 1)] / (double)c->lookback;
    weft_columns_pick(a, k, c->s, n, c->s, n, ss);
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < horizon; h++) {
            x[i * columns + h] = s->m[c->s[i] * k + c->lookback + h] + alpha * p->pull.w[h * n + i];
            for (size_t j = 0; j < own; j++)
                x[i * columns + horizon + h * own + j] = a[c->s[i] * k + c->owns[h * own + j]];
        }
    weft_columns_solve(n, columns, ss, least, x);
    for (size_t h = 0; h < horizon; h++) {
        double *u = out->u + h * own;
        for (size_t j = 0; j < own; j++)
            u[j] = s->m[c->owns[h * own + j] * k + c->lookback + h] + alpha * p->pull.u[h * own + j];
        solve_own(c, a, k, h, x, least, room, u);
        for (size_t i = 0; i < n; i++) {
            out->w[h * n + i] = x[i * columns + h];
            for (size_t j = 0; j < own; j++)
                out->w[h * n + i] -= x[i * columns + horizon + h * own + j] * u[j];
        }
    }
    free(room);
    free(x);
    free(ss);
    free(a);
}

void weft_shrink_tracks_score(const struct weft_shrink_tracks *s, const struct weft_gram *valid, const double *strength,
                              size_t n, double *mse)
{
    const struct weft_columns *c = &s->prior->c;
    size_t k = s->prior->k;
    double *m = augmented(valid, c->lookback, c->horizon, s->prior->norm);
    struct beside w = beside_new(c);
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++)
            m[i * k + j] *= s->scale[i] * s->scale[j];
    for (size_t i = 0; i < n; i++) {
        solve(s, strength[i], &w);
        mse[i] = weft_columns_error(c, m, k, w.w, w.u) / ((double)valid->n * (double)c->horizon);
    }
    beside_free(&w);
    free(m);
}

void weft_shrink_tracks_weights(const struct weft_shrink_tracks *s, double strength, double *w, double *bias, double *v)
{
    struct beside x = beside_new(&s->prior->c);
    solve(s, strength, &x);
    out_of_columns(&s->prior->c, s->scale, &x, w, bias, v);
    beside_free(&x);
}

double weft_linear_tracks_mse(const struct weft_gram *valid, size_t lookback, enum weft_norm norm, const double *w,
                              const double *bias, const double *v)
{
    size_t horizon = valid->to[0] - valid->from[0] - lookback, k = valid->width + (norm == WEFT_NORM_NONE);
    double *m = augmented(valid, lookback, horizon, norm), *one = WEFT_ARRAY(double, k);
    struct weft_columns c;
    columns_of(valid, lookback, horizon, norm, &c);
    struct beside x = beside_new(&c);
    for (size_t i = 0; i < k; i++)
        one[i] = 1;
    into_columns(&c, one, w, bias, v, &x);
    double mse = weft_columns_error(&c, m, k, x.w, x.u) / ((double)valid->n * (double)horizon);
    beside_free(&x);
    weft_columns_free(&c);
    free(one);
    free(m);
    return mse;
}
