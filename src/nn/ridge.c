/* ridge.c - ridge regression from Gram matrices.
 *
 * With Gxx = Q L Q' and B = Q' Gxy the fit is W' = Q D B, D = 1 / (L + alpha). The error on a Gram V is
 * sum over h of Vyy[h,h] - 2 w_h' Vxy[:,h] + w_h' Vxx w_h, in the basis of Q: tr Vyy - 2 d'c + d' M d
 * with c[i] = sum_h B[i,h] (Q' Vxy)[i,h] and M = (Q' Vxx Q) * (B B') by elements: no product of matrices per alpha. */
#include "nn/ridge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/blas.h"
#include "base/mem.h"
#include "nn/ridge_tracks.h"

static const double EIGEN_CUT = 1e-12;

struct weft_ridge {
    size_t lookback, horizon;
    enum weft_norm norm;
    double *mean;                     /* [W] of the training windows; zero with norm last and mean */
    double *q;                        /* [L, L]: rows are eigenvectors */
    double *value;                    /* [L] */
    double *b;                        /* [L, H] = q Gxy */
    double unit;                      /* mean diagonal of Gxx */
    struct weft_ridge_tracks *tracks; /* with exogenous channels: it has it all */
};

const char *weft_norm_name(enum weft_norm norm)
{
    static const char *const names[WEFT_NORMS] = {"none", "last", "mean"};
    return names[norm];
}

double weft_norm_base(enum weft_norm norm, const float *lookback, size_t n)
{
    double sum = 0;
    if (norm == WEFT_NORM_NONE)
        return 0;
    if (norm == WEFT_NORM_LAST)
        return lookback[n - 1];
    for (size_t i = 0; i < n; i++)
        sum += lookback[i];
    return sum / (double)n;
}

void weft_ridge_grid(double grid[WEFT_RIDGE_GRID])
{
    grid[0] = 0;
    for (int i = 1; i < WEFT_RIDGE_GRID; i++)
        grid[i] = pow(10, -8 + 0.5 * (i - 1));
}

void weft_moments_free(struct weft_moments *m)
{
    free(m->xx);
    free(m->xy);
    *m = (struct weft_moments){0};
}

/* u[i] = sum over windows of v_i times what the norm subtracts; returns the sum of squares of what it subtracts. */
static double normaliser(const struct weft_gram *g, size_t lookback, enum weft_norm norm, double *u)
{
    double q = 0;
    for (size_t i = 0; i < g->width; i++) {
        u[i] = 0;
        if (norm == WEFT_NORM_LAST) {
            u[i] = weft_gram_at(g, i, lookback - 1);
            continue;
        }
        for (size_t j = 0; j < lookback; j++)
            u[i] += weft_gram_at(g, i, j);
        u[i] /= (double)lookback;
    }
    if (norm == WEFT_NORM_LAST)
        return u[lookback - 1];
    for (size_t i = 0; i < lookback; i++)
        q += u[i];
    return q / (double)lookback;
}

/* G[i][j] as the fit sees it: u and q from normaliser, or centred by `mean` (norm none). */
struct view {
    const struct weft_gram *g;
    const double *u, *mean;
    double q;
};

static inline double seen(const struct view *v, size_t i, size_t j)
{
    double x = weft_gram_at(v->g, i, j);
    if (v->u)
        return x - v->u[i] - v->u[j] + v->q;
    const double *m = v->mean, *s = v->g->sum;
    return x - m[i] * s[j] - m[j] * s[i] + (double)v->g->n * m[i] * m[j];
}

void weft_moments_of(const struct weft_gram *g, size_t lookback, enum weft_norm norm, const double *mean,
                     struct weft_moments *m)
{
    size_t horizon = g->width - lookback;
    double *u = norm == WEFT_NORM_NONE ? NULL : weft_xmalloc(g->width * sizeof *u);
    struct view v = {.g = g, .u = u, .mean = mean, .q = u ? normaliser(g, lookback, norm, u) : 0};
    m->xx = weft_xaligned(lookback * lookback, sizeof *m->xx);
    m->xy = weft_xaligned(lookback * horizon, sizeof *m->xy);
    m->yy = 0;
    for (size_t i = 0; i < lookback; i++) {
        for (size_t j = i; j < lookback; j++)
            m->xx[i * lookback + j] = m->xx[j * lookback + i] = seen(&v, i, j);
        for (size_t h = 0; h < horizon; h++)
            m->xy[i * horizon + h] = seen(&v, i, lookback + h);
    }
    for (size_t h = lookback; h < g->width; h++)
        m->yy += seen(&v, h, h);
    free(u);
}

int weft_ridge_new(const struct weft_gram *train, size_t lookback, size_t horizon, enum weft_norm norm,
                   struct weft_ridge **out, struct weft_err *e)
{
    struct weft_ridge *r = WEFT_NEW(struct weft_ridge);
    struct weft_moments m;
    if (train->tracks > 1) {
        if (weft_ridge_tracks_new(train, lookback, horizon, norm, &r->tracks, e) < 0)
            weft_ridge_free(&r);
        *out = r;
        return r ? 0 : -1;
    }
    r->lookback = lookback;
    r->horizon = horizon;
    r->norm = norm;
    r->mean = WEFT_ARRAY(double, train->width);
    if (norm == WEFT_NORM_NONE)
        for (size_t i = 0; i < train->width; i++)
            r->mean[i] = train->sum[i] / (double)train->n;
    weft_moments_of(train, lookback, norm, r->mean, &m);
    for (size_t i = 0; i < lookback; i++)
        r->unit += m.xx[i * lookback + i] / (double)lookback;
    r->q = m.xx;
    r->value = WEFT_ARRAY(double, lookback);
    r->b = weft_xaligned(lookback * horizon, sizeof *r->b);
    int rc = isfinite(r->unit) ? weft_eigh(lookback, r->q, r->value, e)
                               : weft_fail(e, WEFT_DATA, "values too large to square");
    if (rc == 0) {
        weft_dgemm(false, false, lookback, horizon, lookback, 1, r->q, lookback, m.xy, horizon, 0, r->b, horizon);
        *out = r;
    } else {
        weft_ridge_free(&r);
    }
    free(m.xy);
    return rc;
}

void weft_ridge_free(struct weft_ridge **r)
{
    if (!*r)
        return;
    weft_ridge_tracks_free(&(*r)->tracks);
    free((*r)->mean);
    free((*r)->q);
    free((*r)->value);
    free((*r)->b);
    free(*r);
    *r = NULL;
}

/* d[i] = 1 / (eigenvalue + alpha), or 0 where there is nothing. */
static void filter(const struct weft_ridge *r, double ridge, double *d)
{
    double largest = r->value[r->lookback - 1], alpha = ridge * r->unit;
    for (size_t i = 0; i < r->lookback; i++)
        d[i] = r->value[i] > EIGEN_CUT * largest && largest > 0 ? 1 / (r->value[i] + alpha) : 0;
}

/* m = (q Vxx q') * (b b') by elements, c[i] = sum over h of b[i,h] (q Vxy)[i,h]. */
static void project(const struct weft_ridge *r, const struct weft_moments *v, double *m, double *c)
{
    size_t l = r->lookback, h = r->horizon;
    double *half = weft_xaligned(l * l, sizeof *half), *bb = weft_xaligned(l * l, sizeof *bb),
           *qy = weft_xaligned(l * h, sizeof *qy);
    weft_dgemm(false, false, l, l, l, 1, r->q, l, v->xx, l, 0, half, l);
    weft_dgemm(false, true, l, l, l, 1, half, l, r->q, l, 0, m, l);
    weft_dgemm(false, true, l, l, h, 1, r->b, h, r->b, h, 0, bb, l);
    weft_dgemm(false, false, l, h, l, 1, r->q, l, v->xy, h, 0, qy, h);
    for (size_t i = 0; i < l * l; i++)
        m[i] *= bb[i];
    for (size_t i = 0; i < l; i++) {
        c[i] = 0;
        for (size_t k = 0; k < h; k++)
            c[i] += r->b[i * h + k] * qy[i * h + k];
    }
    free(half);
    free(bb);
    free(qy);
}

void weft_ridge_score(const struct weft_ridge *r, const struct weft_gram *valid, const double *ridge, size_t n,
                      double *mse)
{
    size_t l = r->lookback;
    struct weft_moments v;
    if (r->tracks) {
        weft_ridge_tracks_score(r->tracks, valid, ridge, n, mse);
        return;
    }
    double *m = weft_xaligned(l * l, sizeof *m), *c = WEFT_ARRAY(double, l), *d = WEFT_ARRAY(double, l);
    weft_moments_of(valid, l, r->norm, r->mean, &v);
    project(r, &v, m, c);
    for (size_t k = 0; k < n; k++) {
        double error = v.yy;
        filter(r, ridge[k], d);
        for (size_t i = 0; i < l; i++) {
            double md = 0;
            for (size_t j = 0; j < l; j++)
                md += m[i * l + j] * d[j];
            error += d[i] * (md - 2 * c[i]);
        }
        mse[k] = error / ((double)valid->n * (double)r->horizon);
    }
    free(d);
    free(c);
    free(m);
    weft_moments_free(&v);
}

void weft_ridge_weights(const struct weft_ridge *r, double ridge, double *w, double *bias, double *exog)
{
    size_t l = r->lookback, h = r->horizon;
    if (r->tracks) {
        weft_ridge_tracks_weights(r->tracks, ridge, w, bias, exog);
        return;
    }
    double *d = WEFT_ARRAY(double, l), *db = weft_xaligned(l * h, sizeof *db);
    filter(r, ridge, d);
    for (size_t i = 0; i < l; i++)
        for (size_t k = 0; k < h; k++)
            db[i * h + k] = d[i] * r->b[i * h + k];
    weft_dgemm(true, false, h, l, l, 1, db, h, r->q, l, 0, w, l);
    for (size_t k = 0; k < h; k++) {
        bias[k] = r->mean[l + k];
        for (size_t i = 0; i < l; i++)
            bias[k] -= w[k * l + i] * r->mean[i];
    }
    free(db);
    free(d);
}
