/* nested.c - every lookback from one Cholesky factor; see the header for the algebra. */
#include "nn/nested.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/blas.h"
#include "base/mem.h"
#include "nn/nested_tracks.h"

/* The share of the ridge that the direction of the mean keeps: without it a flat history leaves the weights of that
 * direction open. */
static const double LEVEL_SHARE = 1e-10;

/* Row and column i stand for the value i steps before the latest one. */
struct weft_nested {
    size_t l, h;
    double n, m;                           /* windows */
    double unit;                           /* ridge 1 */
    double *xx, *xy, *sx, *sy;             /* training: [l, l] upper, [l, h], [l], [h] */
    double *vxx, *vxy, *vyy, *tx, *ty, vv; /* validation: the same, [h, h], and the trace of vyy */
    struct weft_nested_tracks *tracks;     /* with exogenous channels: it has the rest */
};

static void take(const struct weft_gram *g, size_t l, size_t h, double *xx, double *xy, double *sx, double *sy)
{
    for (size_t i = 0; i < l; i++) {
        const double *row = g->g + g->row[l - 1 - i]; /* of the value i, from itself on to later ones */
        for (size_t j = 0; j <= i; j++)
            xx[j * l + i] = row[i - j];
        for (size_t k = 0; k < h; k++)
            xy[i * h + k] = row[i + 1 + k];
        sx[i] = g->sum[l - 1 - i];
    }
    memcpy(sy, g->sum + l, h * sizeof *sy);
}

/* Mean square within windows, summed over them: the diagonal after subtracting the lookback's mean. Without any
 * (lookback 1, flat windows) that around the mean of all; 1 when there is nothing at all. */
static double unit_of(const struct weft_nested *f)
{
    double diagonal = 0, all = 0, around = 0, l = (double)f->l;
    for (size_t i = 0; i < f->l; i++) {
        diagonal += f->xx[i * f->l + i];
        around += f->xx[i * f->l + i] - f->sx[i] * f->sx[i] / f->n;
        for (size_t j = i + 1; j < f->l; j++)
            all += 2 * f->xx[i * f->l + j];
    }
    double within = diagonal / l - (all + diagonal) / (l * l), hair = 1e-12 * diagonal / l;
    return within > hair ? within : around / l > hair ? around / l : diagonal > 0 ? diagonal / l : 1;
}

struct weft_nested *weft_nested_new(const struct weft_gram *train, const struct weft_gram *valid, size_t lookback,
                                    size_t horizon)
{
    struct weft_nested *f = WEFT_NEW(struct weft_nested);
    size_t l = f->l = lookback, h = f->h = horizon;
    f->n = (double)train->n;
    f->xx = weft_xaligned(l * l, sizeof *f->xx);
    f->xy = weft_xaligned(l * h, sizeof *f->xy);
    f->sx = weft_xaligned(l, sizeof *f->sx);
    f->sy = weft_xaligned(h, sizeof *f->sy);
    take(train, l, h, f->xx, f->xy, f->sx, f->sy);
    f->unit = unit_of(f);
    if (train->tracks > 1)
        f->tracks = weft_nested_tracks_new(train, valid, l, h, f->unit);
    if (!valid || f->tracks)
        return f;
    f->m = (double)valid->n;
    f->vxx = weft_xaligned(l * l, sizeof *f->vxx);
    f->vxy = weft_xaligned(l * h, sizeof *f->vxy);
    f->vyy = weft_xaligned(h * h, sizeof *f->vyy);
    f->tx = weft_xaligned(l, sizeof *f->tx);
    f->ty = weft_xaligned(h, sizeof *f->ty);
    take(valid, l, h, f->vxx, f->vxy, f->tx, f->ty);
    for (size_t i = 0; i < h; i++) {
        for (size_t k = 0; k < h; k++)
            f->vyy[i * h + k] = weft_gram_at(valid, l + i, l + k);
        f->vv += f->vyy[i * h + i];
    }
    return f;
}

void weft_nested_weigh(struct weft_nested *f, double n)
{
    f->n = n;
    f->unit = unit_of(f);
    if (f->tracks)
        weft_nested_tracks_weigh(f->tracks, n, f->unit);
}

void weft_nested_free(struct weft_nested **p)
{
    struct weft_nested *f = *p;
    if (!f)
        return;
    double *all[] = {f->xx, f->xy, f->sx, f->sy, f->vxx, f->vxy, f->vyy, f->tx, f->ty};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    weft_nested_tracks_free(&f->tracks);
    free(f);
    *p = NULL;
}

/* --- the two corrections: with S = A^-1 Gxy the fit is S + A^-1 j p' + A^-1 1 o' (mean of the last k: j has k ones),
 * or S + A^-1 s p' (intercept -p) --- */

/* jj = j' A^-1 j, jo = j' A^-1 1, oo = 1' A^-1 1; wj = j' S, wo = 1' S [h]. False when there is no such fit. */
static bool mean_correction(double alpha, double k, double jj, double jo, double oo, const double *wj, const double *wo,
                            size_t h, double *p, double *o)
{
    double gamma = (1 - LEVEL_SHARE) * alpha / k, beta = gamma / (1 - gamma * jj), scale = oo + beta * jo * jo;
    for (size_t i = 0; i < h; i++) {
        o[i] = (1 - wo[i] - beta * jo * wj[i]) / scale;
        p[i] = beta * (wj[i] + jo * o[i]);
    }
    return gamma * jj < 1 && scale > 0;
}

/* ss = s' A^-1 s, ws = s' S. */
static bool intercept_correction(double n, double ss, const double *ws, const double *sy, size_t h, double *p)
{
    for (size_t i = 0; i < h; i++)
        p[i] = (ws[i] - sy[i]) / (n - ss);
    return n - ss > 1e-13 * n;
}

/* --- errors --- */

/* What one ridge weight makes of the moments, and the running sums up to a lookback. Columns of e: a j for each length
 * in the grid, then ones, s and t. */
struct sweep {
    const struct weft_nested *f;
    const struct weft_nested_grid *g;
    double alpha;
    size_t c;                         /* columns of e */
    double *u, *v, *z, *zv, *e, *inc; /* U, U'^-1 Vxx U^-1, and U'^-1 times Gxy, Vxy and the columns; inc[i]: what row
                                         and column i add to tr S' Vxx S */
    double fit, cross;                /* tr S' Vxx S, tr S' Vxy */
    double *ee, *ez, *ev;             /* e'e [c, c], e'z, e'zv [c, h] */
    double *ve, *fz, *eve;            /* v e [l, c], e' v z [c, h], e' v e [c, c] */
    double *p, *o;
};

static void fill_columns(struct sweep *w)
{
    size_t l = w->f->l, c = 0;
    for (size_t j = 0; j < w->g->n_lasts; j++) {
        size_t k = w->g->last[j];
        if (k == 0 || k == WEFT_NESTED_WHOLE)
            continue;
        for (size_t i = 0; i < l; i++)
            w->e[i * w->c + c] = i < k;
        c++;
    }
    for (size_t i = 0; i < l; i++) {
        w->e[i * w->c + c] = 1;
        w->e[i * w->c + c + 1] = w->f->sx[i];
        w->e[i * w->c + c + 2] = w->f->tx[i];
    }
}

static bool factorise(struct sweep *w)
{
    const struct weft_nested *f = w->f;
    size_t l = f->l, h = f->h;
    memcpy(w->u, f->xx, l * l * sizeof *w->u);
    for (size_t i = 0; i < l; i++)
        w->u[i * l + i] += w->alpha;
    if (!weft_cholesky(l, w->u))
        return false;
    memcpy(w->v, f->vxx, l * l * sizeof *w->v);
    memcpy(w->z, f->xy, l * h * sizeof *w->z);
    memcpy(w->zv, f->vxy, l * h * sizeof *w->zv);
    fill_columns(w);
    weft_congruence(l, w->v, w->u);
    weft_cholesky_half(true, l, h, w->u, l, w->z, h);
    weft_cholesky_half(true, l, h, w->u, l, w->zv, h);
    weft_cholesky_half(true, l, w->c, w->u, l, w->e, w->c);
    weft_dsyrk(false, l, h, 1, w->z, h, 0, w->u, l); /* U is not needed any more */
    memset(w->inc, 0, l * sizeof *w->inc);
    for (size_t i = 0; i < l; i++) {
        const double *v = w->v + i * l, *zz = w->u + i * l;
        w->inc[i] += v[i] * zz[i];
        for (size_t j = i + 1; j < l; j++)
            w->inc[j] += 2 * v[j] * zz[j];
    }
    return true;
}

/* From the rows before `from` to those before `to`. */
static void advance(struct sweep *w, size_t from, size_t to)
{
    size_t l = w->f->l, h = w->f->h, c = w->c, rows = to - from;
    const double *e = w->e + from * c;
    for (size_t i = from; i < to; i++) {
        const double *z = w->z + i * h, *zv = w->zv + i * h;
        w->fit += w->inc[i];
        for (size_t k = 0; k < h; k++)
            w->cross += z[k] * zv[k];
    }
    weft_dgemm(true, false, c, c, rows, 1, e, c, e, c, 1, w->ee, c);
    weft_dgemm(true, false, c, h, rows, 1, e, c, w->z + from * h, h, 1, w->ez, h);
    weft_dgemm(true, false, c, h, rows, 1, e, c, w->zv + from * h, h, 1, w->ev, h);
    weft_dsymm(to, c, w->v, l, w->e, c, w->ve, c);
    weft_dgemm(true, false, c, h, to, 1, w->ve, c, w->z, h, 0, w->fz, h);
    weft_dgemm(true, false, c, c, to, 1, w->e, c, w->ve, c, 0, w->eve, c);
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Sum of squared errors of S + A^-1 e_a p' + A^-1 e_b o'. */
static double error_of(const struct sweep *w, size_t a, size_t b)
{
    size_t h = w->f->h, c = w->c;
    const double *p = w->p, *o = w->o;
    double linear = dot(p, w->fz + a * h, h) - dot(p, w->ev + a * h, h), square = dot(p, p, h) * w->eve[a * c + a];
    if (b != SIZE_MAX) {
        linear += dot(o, w->fz + b * h, h) - dot(o, w->ev + b * h, h);
        square += 2 * dot(p, o, h) * w->eve[a * c + b] + dot(o, o, h) * w->eve[b * c + b];
    }
    return w->f->vv - 2 * w->cross + w->fit + 2 * linear + square;
}

static double intercept_error(struct sweep *w)
{
    const struct weft_nested *f = w->f;
    size_t h = f->h, s = w->c - 2, t = w->c - 1;
    if (!intercept_correction(f->n, w->ee[s * w->c + s], w->ez + s * h, f->sy, h, w->p))
        return INFINITY;
    double sum = error_of(w, s, SIZE_MAX), st = w->ee[s * w->c + t];
    for (size_t k = 0; k < h; k++) { /* the bias is -p */
        double left = f->ty[k] - w->ez[t * h + k] - w->p[k] * st;
        sum += 2 * w->p[k] * left + f->m * w->p[k] * w->p[k];
    }
    return sum;
}

static double mean_error(struct sweep *w, size_t column, size_t k)
{
    size_t h = w->f->h, c = w->c, ones = c - 3;
    const double *ee = w->ee;
    if (!mean_correction(w->alpha, (double)k, ee[column * c + column], ee[column * c + ones], ee[ones * c + ones],
                         w->ez + column * h, w->ez + ones * h, h, w->p, w->o))
        return INFINITY;
    return error_of(w, column, ones);
}

static void sweep_grid(struct sweep *w, double *mse)
{
    const struct weft_nested_grid *g = w->g;
    double cells = w->f->m * (double)w->f->h;
    for (size_t i = 0, from = 0; i < g->n_lookbacks; from = g->lookback[i], i++) {
        size_t column = 0, lookback = g->lookback[i];
        advance(w, from, lookback);
        for (size_t j = 0; j < g->n_lasts; j++, mse++) {
            size_t k = g->last[j];
            double sum = INFINITY;
            if (k == 0)
                sum = intercept_error(w);
            else if (k == WEFT_NESTED_WHOLE)
                sum = mean_error(w, w->c - 3, lookback);
            else if (column++, k < lookback)
                sum = mean_error(w, column - 1, k);
            *mse = isfinite(sum) ? sum / cells : INFINITY;
        }
    }
}

void weft_nested_errors(const struct weft_nested *f, const struct weft_nested_grid *g, double ridge, double *mse)
{
    if (f->tracks) {
        weft_nested_tracks_errors(f->tracks, g, ridge, mse);
        return;
    }
    struct sweep w = {.f = f, .g = g, .alpha = ridge * f->unit, .c = 3};
    size_t l = f->l, h = f->h;
    for (size_t j = 0; j < g->n_lasts; j++)
        w.c += g->last[j] != 0 && g->last[j] != WEFT_NESTED_WHOLE;
    struct {
        double **p;
        size_t n;
    } need[] = {{&w.u, l * l}, {&w.v, l * l},      {&w.z, l * h},    {&w.zv, l * h},      {&w.e, l * w.c},
                {&w.inc, l},   {&w.ve, l * w.c},   {&w.fz, w.c * h}, {&w.eve, w.c * w.c}, {&w.p, h},
                {&w.o, h},     {&w.ee, w.c * w.c}, {&w.ez, w.c * h}, {&w.ev, w.c * h}};
    size_t rooms = sizeof need / sizeof *need;
    for (size_t i = 0; i < rooms; i++)
        *need[i].p = weft_xaligned(need[i].n, sizeof(double));
    memset(w.ee, 0, w.c * w.c * sizeof *w.ee);
    memset(w.ez, 0, w.c * h * sizeof *w.ez);
    memset(w.ev, 0, w.c * h * sizeof *w.ev);
    if (factorise(&w))
        sweep_grid(&w, mse);
    else
        for (size_t i = 0; i < g->n_lookbacks * g->n_lasts; i++)
            mse[i] = INFINITY;
    for (size_t i = 0; i < rooms; i++)
        free(*need[i].p);
}

/* --- weights --- */

/* S and A^-1 times j, 1 and s, side by side: b[l, h + 3]. */
static bool solve(const struct weft_nested *f, const struct weft_nested_config *c, double alpha, double *b)
{
    size_t l = c->lookback, cols = f->h + 3;
    double *u = weft_xaligned(l * l, sizeof *u);
    for (size_t i = 0; i < l; i++) {
        memcpy(u + i * l + i, f->xx + i * f->l + i, (l - i) * sizeof *u);
        u[i * l + i] += alpha;
        memcpy(b + i * cols, f->xy + i * f->h, f->h * sizeof *b);
        b[i * cols + f->h] = i < c->last;
        b[i * cols + f->h + 1] = 1;
        b[i * cols + f->h + 2] = f->sx[i];
    }
    bool fits = weft_cholesky(l, u);
    if (fits) {
        weft_cholesky_half(true, l, cols, u, l, b, cols);
        weft_cholesky_half(false, l, cols, u, l, b, cols);
    }
    free(u);
    return fits;
}

/* sum[k] = sum over i of weight(i) b[i][k] for all columns of b; weight: ones below `ones`, or x. */
static void column_sums(const double *b, size_t rows, size_t cols, size_t ones, const double *x, double *sum)
{
    memset(sum, 0, cols * sizeof *sum);
    for (size_t i = 0; i < rows && i < ones; i++)
        for (size_t k = 0; k < cols; k++)
            sum[k] += (x ? x[i] : 1) * b[i * cols + k];
}

bool weft_nested_add(const struct weft_nested *f, const struct weft_nested_config *c, double share, double *r,
                     double *bias, double *exog)
{
    if (f->tracks)
        return weft_nested_tracks_add(f->tracks, c, share, r, bias, exog);
    size_t l = c->lookback, h = f->h, cols = h + 3, a = c->last ? h : h + 2;
    double alpha = c->ridge * f->unit, *b = weft_xaligned(l * cols, sizeof *b), *p = weft_xaligned(2 * h, sizeof *p),
           *o = p + h;
    double *wj = weft_xaligned(2 * cols, sizeof *wj), *wo = wj + cols;
    bool fits = solve(f, c, alpha, b);
    if (fits && c->last) {
        column_sums(b, l, cols, c->last, NULL, wj);
        column_sums(b, l, cols, l, NULL, wo);
        fits = mean_correction(alpha, (double)c->last, wj[h], wj[h + 1], wo[h + 1], wj, wo, h, p, o);
    } else if (fits) {
        column_sums(b, l, cols, l, f->sx, wj);
        fits = intercept_correction(f->n, wj[h + 2], wj, f->sy, h, p);
        memset(o, 0, h * sizeof *o);
    }
    for (size_t k = 0; k < h && fits; k++) {
        double *to = r + k * f->l + f->l - 1;
        for (size_t i = 0; i < l; i++)
            to[-(ptrdiff_t)i] += share * (b[i * cols + k] + b[i * cols + a] * p[k] + b[i * cols + h + 1] * o[k]);
        if (!c->last)
            bias[k] -= share * p[k];
    }
    free(b);
    free(p);
    free(wj);
    return fits;
}

uint64_t weft_nested_moments(const struct weft_nested *f, const double *r, const double *bias, const double *exog,
                             double *cov)
{
    if (f->tracks)
        return weft_nested_tracks_moments(f->tracks, r, bias, exog, cov);
    size_t l = f->l, h = f->h;
    double *back = weft_xaligned(l * h, sizeof *back), *vr = weft_xaligned(l * h, sizeof *vr),
           *left = weft_xaligned(h, sizeof *left);
    for (size_t i = 0; i < l; i++) /* as the moments have it: latest value first, a row a value */
        for (size_t k = 0; k < h; k++)
            back[i * h + k] = r[k * l + l - 1 - i];
    weft_dsymm(l, h, f->vxx, l, back, h, vr, h);
    for (size_t i = 0; i < l * h; i++)
        vr[i] -= 2 * f->vxy[i];
    double *rvr = weft_xaligned(h * h, sizeof *rvr); /* R' (Vxx R - 2 Vxy): its symmetric part is what is wanted */
    weft_dgemm(true, false, h, h, l, 1, back, h, vr, h, 0, rvr, h);
    for (size_t k = 0; k < h; k++) {
        left[k] = f->ty[k];
        for (size_t i = 0; i < l; i++)
            left[k] -= back[i * h + k] * f->tx[i];
    }
    for (size_t i = 0; i < h; i++)
        for (size_t k = 0; k < h; k++)
            cov[i * h + k] += f->vyy[i * h + k] + (rvr[i * h + k] + rvr[k * h + i]) / 2 - left[i] * bias[k] -
                              bias[i] * left[k] + f->m * bias[i] * bias[k];
    free(back);
    free(vr);
    free(left);
    free(rvr);
    return (uint64_t)f->m;
}
