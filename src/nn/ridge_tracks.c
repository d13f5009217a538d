/* ridge_tracks.c - ridge regression with exogenous channels.
 *
 * Columns: S, shared by all steps of the horizon (the lookback, the lags of the channels), and for step h the few F_h
 * (the channels known ahead, on that day). With Gss + alpha = Q' (L + alpha) Q and D = 1 / (L + alpha) the weights of
 * F_h are u = (F'F + alpha - (QF)' D (QF))^-1 (F'y - (QF)' D (Qy)),     those of S are Q' D (Qy - QF u). */
#include "nn/ridge_tracks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/blas.h"
#include "nn/columns.h"

static const double EIGEN_CUT = 1e-12, OWN_LEAST = 1e-9;

struct weft_ridge_tracks {
    struct weft_columns c;
    enum weft_norm norm;
    double *mean, *scale; /* [V] of the training windows */
    double unit;          /* mean square of the lookback's columns, times windows */
    double *q, *value;    /* [S, S] rows are eigenvectors, [S] */
    double *b, *f;        /* [S, H] = q Gsy, [S, H own] = q Gsf */
    double *ff, *fy;      /* [H, own, own], [H, own] */
};

void weft_ridge_tracks_free(struct weft_ridge_tracks **fp)
{
    struct weft_ridge_tracks *f = *fp;
    if (!f)
        return;
    double *all[] = {f->mean, f->scale, f->q, f->value, f->b, f->f, f->ff, f->fy};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    weft_columns_free(&f->c);
    free(f);
    *fp = NULL;
}

void weft_ridge_tracks_moments(const struct weft_gram *g, size_t lookback, size_t horizon, enum weft_norm norm,
                               const double *mean, const double *scale, double *m)
{
    size_t w = g->width, places = lookback + horizon;
    double *u = WEFT_ARRAY(double, w), q = 0, n = (double)g->n;
    size_t first = norm == WEFT_NORM_LAST ? lookback - 1 : 0;
    double part = 1 / (double)(lookback - first);
    bool based = norm != WEFT_NORM_NONE;
    for (size_t j = 0; j < w && based; j++)
        for (size_t i = first; i < lookback; i++)
            u[j] += part * weft_gram_at(g, i, j);
    for (size_t i = first; i < lookback; i++)
        q += part * u[i];
    for (size_t i = 0; i < w; i++)
        for (size_t j = i; j < w; j++) {
            double x = g->g[g->row[i] + j - i];
            if (based)
                x += (i < places && j < places ? q : 0) - (i < places ? u[j] : 0) - (j < places ? u[i] : 0);
            else
                x += n * mean[i] * mean[j] - mean[i] * g->sum[j] - mean[j] * g->sum[i];
            m[i * w + j] = m[j * w + i] = x * scale[i] * scale[j];
        }
    free(u);
}

/* Columns of a channel get the mean square of the lookback's, whatever its unit; those of a channel that is always zero
 * take no part. */
static void choose_scales(struct weft_ridge_tracks *f, const struct weft_gram *g, double *m)
{
    size_t w = g->width, lookback = f->c.lookback;
    double *diagonal = WEFT_ARRAY(double, w), *factor = WEFT_ARRAY(double, g->tracks);
    for (size_t i = 0; i < w; i++)
        diagonal[i] = m[i * w + i];
    for (size_t i = 0; i < lookback; i++)
        f->unit += diagonal[i] / (double)lookback;
    weft_columns_factors(g, diagonal, f->unit, factor);
    for (size_t k = 0; k < g->tracks; k++)
        for (size_t i = 0; i < g->to[k] - g->from[k]; i++)
            f->scale[g->base[k] + i] = factor[k];
    for (size_t i = 0; i < w; i++)
        for (size_t j = 0; j < w; j++)
            m[i * w + j] *= f->scale[i] * f->scale[j];
    free(factor);
    free(diagonal);
}

/* What the solution needs of the scaled moments. */
static void take_moments(struct weft_ridge_tracks *f, const double *m, size_t w, double *sy, double *sf)
{
    size_t s = f->c.shared, own = f->c.own, h = f->c.horizon;
    weft_columns_pick(m, w, f->c.s, s, f->c.s, s, f->q);
    weft_columns_pick(m, w, f->c.s, s, f->c.owns, h * own, sf);
    for (size_t k = 0; k < h; k++) {
        size_t y = f->c.lookback + k;
        for (size_t i = 0; i < s; i++)
            sy[i * h + k] = m[f->c.s[i] * w + y];
        weft_columns_pick(m, w, f->c.owns + k * own, own, f->c.owns + k * own, own, f->ff + k * own * own);
        weft_columns_pick(m, w, f->c.owns + k * own, own, &y, 1, f->fy + k * own);
    }
}

int weft_ridge_tracks_new(const struct weft_gram *train, size_t lookback, size_t horizon, enum weft_norm norm,
                          struct weft_ridge_tracks **out, struct weft_err *e)
{
    struct weft_ridge_tracks *f = WEFT_NEW(struct weft_ridge_tracks);
    size_t w = train->width, h = horizon;
    double *m = weft_xaligned(w * w, sizeof *m);
    weft_columns_of(train, lookback, horizon, &f->c);
    f->norm = norm;
    f->mean = WEFT_ARRAY(double, w);
    f->scale = WEFT_ARRAY(double, w);
    for (size_t i = 0; i < w; i++) {
        f->mean[i] = norm == WEFT_NORM_NONE ? train->sum[i] / (double)train->n : 0;
        f->scale[i] = 1;
    }
    weft_ridge_tracks_moments(train, lookback, horizon, norm, f->mean, f->scale, m);
    choose_scales(f, train, m);
    size_t s = f->c.shared, own = f->c.own;
    double *sy = weft_xaligned(s * h, sizeof *sy), *sf = weft_xaligned(s * h * own + 1, sizeof *sf);
    f->q = weft_xaligned(s * s, sizeof *f->q);
    f->value = WEFT_ARRAY(double, s);
    f->b = weft_xaligned(s * h, sizeof *f->b);
    f->f = weft_xaligned(s * h * own + 1, sizeof *f->f);
    f->ff = WEFT_ARRAY(double, h *own *own + 1);
    f->fy = WEFT_ARRAY(double, h *own + 1);
    take_moments(f, m, w, sy, sf);
    int rc =
        isfinite(f->unit) ? weft_eigh(s, f->q, f->value, e) : weft_fail(e, WEFT_DATA, "values too large to square");
    if (rc == 0) {
        weft_dgemm(false, false, s, h, s, 1, f->q, s, sy, h, 0, f->b, h);
        if (own)
            weft_dgemm(false, false, s, h * own, s, 1, f->q, s, sf, h * own, 0, f->f, h * own);
        *out = f;
    } else {
        weft_ridge_tracks_free(&f);
    }
    free(m);
    free(sy);
    free(sf);
    return rc;
}

/* The own weights of step h. a: room for [own, own] */
static void solve_own(const struct weft_ridge_tracks *f, size_t h, double alpha, const double *d, double *a, double *u)
{
    size_t own = f->c.own, horizon = f->c.horizon;
    for (size_t i = 0; i < own; i++) {
        u[i] = f->fy[h * own + i];
        for (size_t j = 0; j < own; j++)
            a[i * own + j] = f->ff[(h * own + i) * own + j] + (i == j ? alpha : 0);
    }
    for (size_t k = 0; k < f->c.shared; k++) {
        const double *fk = f->f + (k * horizon + h) * own;
        for (size_t i = 0; i < own; i++) {
            double x = d[k] * fk[i];
            u[i] -= x * f->b[k * horizon + h];
            for (size_t j = 0; j < own; j++)
                a[i * own + j] -= x * fk[j];
        }
    }
    weft_columns_solve(own, 1, a, OWN_LEAST * f->unit, u);
}

/* w[H, S] and u[H, own], in scaled columns, for one ridge. */
static void fit(const struct weft_ridge_tracks *f, double ridge, double *w, double *u)
{
    size_t s = f->c.shared, own = f->c.own, h = f->c.horizon;
    double alpha = ridge * f->unit, largest = f->value[s - 1];
    double *d = WEFT_ARRAY(double, s), *a = WEFT_ARRAY(double, own *own + 1), *z = weft_xaligned(s * h, sizeof *z);
    for (size_t i = 0; i < s; i++)
        d[i] = f->value[i] > EIGEN_CUT * largest && largest > 0 ? 1 / (f->value[i] + alpha) : 0;
    for (size_t k = 0; k < h; k++)
        solve_own(f, k, alpha, d, a, u + k * own);
    for (size_t i = 0; i < s; i++)
        for (size_t k = 0; k < h; k++) {
            double x = f->b[i * h + k];
            for (size_t j = 0; j < own; j++)
                x -= f->f[(i * h + k) * own + j] * u[k * own + j];
            z[i * h + k] = d[i] * x;
        }
    weft_dgemm(true, false, h, s, s, 1, z, h, f->q, s, 0, w, s);
    free(d);
    free(a);
    free(z);
}

void weft_ridge_tracks_score(const struct weft_ridge_tracks *f, const struct weft_gram *valid, const double *ridge,
                             size_t n, double *mse)
{
    size_t h = f->c.horizon, width = valid->width;
    double *m = weft_xaligned(width * width, sizeof *m), *w = weft_xaligned(h * f->c.shared, sizeof *w),
           *u = weft_xaligned(h * f->c.own + 1, sizeof *u);
    weft_ridge_tracks_moments(valid, f->c.lookback, f->c.horizon, f->norm, f->mean, f->scale, m);
    for (size_t i = 0; i < n; i++) {
        fit(f, ridge[i], w, u);
        mse[i] = weft_columns_error(&f->c, m, width, w, u) / ((double)valid->n * (double)h);
    }
    free(u);
    free(w);
    free(m);
}

/* From scaled columns to those of the data. */
void weft_ridge_tracks_weights(const struct weft_ridge_tracks *f, double ridge, double *w, double *bias, double *v)
{
    size_t l = f->c.lookback, s = f->c.shared, own = f->c.own, h = f->c.horizon, weights = f->c.lead + own;
    double *ws = weft_xaligned(h * s, sizeof *ws), *us = weft_xaligned(h * own + 1, sizeof *us);
    fit(f, ridge, ws, us);
    for (size_t k = 0; k < h; k++) {
        bias[k] = f->mean[l + k];
        for (size_t i = 0; i < s; i++) {
            double x = ws[k * s + i] * f->scale[f->c.s[i]];
            bias[k] -= x * f->mean[f->c.s[i]];
            if (i < l)
                w[k * l + i] = x;
            else
                v[k * weights + f->c.weight[i - l]] = x;
        }
        for (size_t i = 0; i < own; i++) {
            size_t at = f->c.owns[k * own + i];
            double x = us[k * own + i] * f->scale[at];
            bias[k] -= x * f->mean[at];
            v[k * weights + f->c.weight[f->c.lead + i]] = x;
        }
    }
    free(ws);
    free(us);
}
