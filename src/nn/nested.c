/* nested.c - every lookback from one Cholesky factor; see the header for the algebra.
 *
 * Where no channel is known ahead all steps see the same columns, and running sums of products of matrices serve them
 * together (shared_...); else each step has running sums of its own (steps_...), with its own columns eliminated last.
 */
#include "nn/nested.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/blas.h"
#include "nn/columns.h"
#include "base/mem.h"

/* The share of the ridge that the direction of the mean keeps: without it a flat history leaves the weights of that
 * direction open. And what the own columns of a step get at least, where channels say the same. */
static const double LEVEL_SHARE = 1e-10, OWN_LEAST = 1e-9;

/* Sums over windows: the lead (P columns of channels, then the value i steps before the latest one), and the own
 * columns of each step. */
struct sums {
    double n, *ll, *lf, *ly; /* [w, w] upper, [w, h c], [w, h] */
    double *ff, *fy;         /* [h, c, c], [h, c] */
    double *sl, *sf, *sy;    /* of columns: [w], [h, c], [h] */
    double *yy;              /* [h] */
};

struct weft_nested {
    struct weft_columns at;
    size_t p, l, w, h, c; /* w = p + l */
    double unit, *factor; /* ridge 1; [tracks] */
    struct sums t, v;     /* training and validation */
    double vv;            /* sum of v.yy */
    const struct weft_gram *valid;
};

/* Mean square within windows, summed over them: the diagonal after subtracting the lookback's mean. Without any
 * (lookback 1, flat windows) that around the mean of all; 1 when there is nothing at all. */
static double unit_of(const struct weft_gram *g, size_t lookback, double n)
{
    double diagonal = 0, all = 0, around = 0, l = (double)lookback;
    for (size_t i = lookback; i-- > 0;) {
        double square = weft_gram_at(g, i, i);
        diagonal += square;
        around += square - g->sum[i] * g->sum[i] / n;
        for (size_t j = i; j-- > 0;)
            all += 2 * weft_gram_at(g, i, j);
    }
    double within = diagonal / l - (all + diagonal) / (l * l), hair = 1e-12 * diagonal / l;
    if (within > hair)
        return within;
    if (around / l > hair)
        return around / l;
    return diagonal > 0 ? diagonal / l : 1;
}

/* Column i of the lead in G, and what it is multiplied by. */
static size_t lead_column(const struct weft_nested *f, size_t i, double *factor)
{
    *factor = i < f->p ? f->factor[f->at.track[i]] : 1;
    return i < f->p ? f->at.leads[i] : f->l - 1 - (i - f->p);
}

static size_t own_column(const struct weft_nested *f, size_t h, size_t c, double *factor)
{
    *factor = f->factor[f->at.track[f->p + c]];
    return f->at.owns[h * f->c + c];
}

static void take_lead(const struct weft_nested *f, const struct weft_gram *g, struct sums *s)
{
    for (size_t i = 0; i < f->w; i++) {
        double a, b;
        size_t x = lead_column(f, i, &a);
        s->sl[i] = a * g->sum[x];
        for (size_t j = i; j < f->w; j++) {
            size_t y = lead_column(f, j, &b);
            s->ll[i * f->w + j] = a * b * weft_gram_at(g, x, y);
        }
        for (size_t k = 0; k < f->h; k++) {
            s->ly[i * f->h + k] = a * weft_gram_at(g, x, f->l + k);
            for (size_t c = 0; c < f->c; c++) {
                size_t y = own_column(f, k, c, &b);
                s->lf[(i * f->h + k) * f->c + c] = a * b * weft_gram_at(g, x, y);
            }
        }
    }
}

static void take(const struct weft_nested *f, const struct weft_gram *g, double n, struct sums *s)
{
    size_t w = f->w, h = f->h, c = f->c;
    *s = (struct sums){.n = n,
                       .ll = weft_xaligned(w * w, sizeof(double)),
                       .lf = weft_xaligned(w * h * c + 1, sizeof(double)),
                       .ly = weft_xaligned(w * h, sizeof(double)),
                       .ff = weft_xaligned(h * c * c + 1, sizeof(double)),
                       .fy = weft_xaligned(h * c + 1, sizeof(double)),
                       .sl = weft_xaligned(w, sizeof(double)),
                       .sf = weft_xaligned(h * c + 1, sizeof(double)),
                       .sy = weft_xaligned(h, sizeof(double)),
                       .yy = weft_xaligned(h, sizeof(double))};
    take_lead(f, g, s);
    for (size_t k = 0; k < h; k++) {
        s->sy[k] = g->sum[f->l + k];
        s->yy[k] = weft_gram_at(g, f->l + k, f->l + k);
        for (size_t i = 0; i < c; i++) {
            double a, b;
            size_t x = own_column(f, k, i, &a);
            s->sf[k * c + i] = a * g->sum[x];
            s->fy[k * c + i] = a * weft_gram_at(g, x, f->l + k);
            for (size_t j = 0; j < c; j++) {
                size_t y = own_column(f, k, j, &b);
                s->ff[(k * c + i) * c + j] = a * b * weft_gram_at(g, x, y);
            }
        }
    }
}

static void sums_free(struct sums *s)
{
    double *all[] = {s->ll, s->lf, s->ly, s->ff, s->fy, s->sl, s->sf, s->sy, s->yy};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

struct weft_nested *weft_nested_new(const struct weft_gram *train, double n, const struct weft_gram *valid,
                                    size_t lookback, size_t horizon)
{
    struct weft_nested *f = WEFT_NEW(struct weft_nested);
    weft_columns_of(train, lookback, horizon, &f->at);
    f->p = f->at.lead;
    f->l = lookback;
    f->w = f->p + lookback;
    f->h = horizon;
    f->c = f->at.own;
    f->unit = unit_of(train, lookback, n);
    f->factor = WEFT_ARRAY(double, train->tracks);
    double *diagonal = WEFT_ARRAY(double, train->width);
    for (size_t i = 0; i < train->width; i++)
        diagonal[i] = weft_gram_at(train, i, i);
    weft_columns_factors(train, diagonal, f->unit, f->factor);
    free(diagonal);
    take(f, train, n, &f->t);
    if ((f->valid = valid))
        take(f, valid, (double)valid->n, &f->v);
    for (size_t k = 0; valid && k < horizon; k++)
        f->vv += f->v.yy[k];
    return f;
}

void weft_nested_free(struct weft_nested **p)
{
    struct weft_nested *f = *p;
    if (!f)
        return;
    weft_columns_free(&f->at);
    free(f->factor);
    sums_free(&f->t);
    sums_free(&f->v);
    free(f);
    *p = NULL;
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* --- one step with the lead eliminated: what is left is the own part. With S = A^-1 Gly the fit is S + A^-1 j p + A^-1
 * 1 o (mean of the last k: j has k ones), or S + A^-1 s p (intercept -p), less A^-1 Glf u --- */

/* inverse[c, c] of what is left of the own columns; gy, gs, jf, of [c]: own parts of y, s, j and 1 less what the lead
 * explains of them. */
struct step {
    size_t c;
    double alpha, n, sy;
    double *inverse, *gy, *gs, *jf, *of, *room;
};

/* Products of the lead's columns with one another, through A^-1: y, j, 1 and s. */
struct products {
    double jj, jo, oo, jy, oy, ss, sy;
};

/* a' S^-1 b */
static double through(const struct step *s, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < s->c; i++)
        sum += a[i] * dot(s->inverse + i * s->c, b, s->c);
    return sum;
}

static void step_new(struct step *s, const struct weft_nested *f, double alpha)
{
    size_t c = f->c;
    *s = (struct step){
        .c = c, .alpha = alpha, .n = f->t.n, .inverse = weft_xaligned(2 * c * c + 4 * c + 1, sizeof(double))};
    s->room = s->inverse + c * c;
    s->gy = s->room + c * c;
    s->gs = s->gy + c;
    s->jf = s->gs + c;
    s->of = s->jf + c;
}

/* room holds what is to be inverted. */
static void invert(struct step *s, double least)
{
    for (size_t i = 0; i < s->c * s->c; i++)
        s->inverse[i] = i % (s->c + 1) == 0;
    weft_columns_solve(s->c, s->c, s->room, least, s->inverse);
}

/* u = S^-1 (gy + a p + b o) */
static void own_weights(const struct step *s, const double *a, double p, const double *b, double o, double *u)
{
    for (size_t i = 0; i < s->c; i++) {
        u[i] = 0;
        for (size_t k = 0; k < s->c; k++)
            u[i] += s->inverse[i * s->c + k] * (s->gy[k] + a[k] * p + b[k] * o);
    }
}

/* p, o and u of the mean of the last `last`, or, with 0, of the intercept. False when there is no such fit. */
static bool correct(const struct step *s, const struct products *x, size_t last, double *p, double *o, double *u)
{
    if (last) {
        double jj = x->jj + through(s, s->jf, s->jf), jo = x->jo + through(s, s->jf, s->of),
               oo = x->oo + through(s, s->of, s->of), wj = x->jy + through(s, s->jf, s->gy),
               wo = x->oy + through(s, s->of, s->gy);
        double gamma = (1 - LEVEL_SHARE) * s->alpha / (double)last, beta = gamma / (1 - gamma * jj),
               scale = oo + beta * jo * jo;
        *o = (1 - wo - beta * jo * wj) / scale;
        *p = beta * (wj + jo * *o);
        own_weights(s, s->jf, *p, s->of, *o, u);
        return gamma * jj < 1 && scale > 0;
    }
    double ss = x->ss + through(s, s->gs, s->gs), ws = x->sy + through(s, s->gs, s->gy);
    *p = (ws - s->sy) / (s->n - ss);
    *o = 0;
    own_weights(s, s->gs, *p, s->of, 0, u);
    return s->n - ss > 1e-13 * s->n;
}

/* --- errors --- */

/* Rows of the lead: y [w, h], own columns [w, h c], and e [w, e]: a j for each length in the grid, then ones, s and t.
 */
struct rows {
    double *y, *f, *e;
};

/* What one ridge weight makes of the moments, and the running sums up to a lookback. */
struct sweep {
    const struct weft_nested *f;
    const struct weft_nested_grid *g;
    double alpha;
    size_t e, k;         /* columns of e, and with y and the own ones of a step */
    double *u, *v;       /* U, U'^-1 Vll U^-1 */
    struct rows q, r, t; /* U'^-1 times the columns of training, of validation (no e), and T q (nested.h) */
    struct step step;
    /* shared: what row and column i add to tr S' Vll S; that, and tr S' Vly; e'e [e, e], e'y, e'yv [e, h]; v e [w, e],
     * e' v y [e, h], e' v e [e, e] */
    double *inc, fit, cross, *ee, *ez, *ev, *ve, *fz, *eve, *p, *o;
    /* steps: sums [h, k, k], [h, k, 1 + c], [h, k, k]; rows [k], [k], [1 + c]; [k]; inverse [h, c, c] of this lookback
     */
    double *m1, *m2, *m3, *row, *turned, *beside, *gamma, *inverse;
};

static void fill_columns(struct sweep *w)
{
    const struct weft_nested *f = w->f;
    for (size_t i = 0; i < f->w; i++) {
        double *e = w->q.e + i * w->e;
        for (size_t j = 0; j < w->g->n_lasts; j++) {
            size_t k = w->g->last[j];
            if (k != 0 && k != WEFT_NESTED_WHOLE)
                *e++ = i >= f->p && i - f->p < k;
        }
        *e++ = i >= f->p;
        *e++ = f->t.sl[i];
        *e++ = f->v.sl[i];
    }
    memcpy(w->q.y, f->t.ly, f->w * f->h * sizeof *w->q.y);
    memcpy(w->r.y, f->v.ly, f->w * f->h * sizeof *w->r.y);
    memcpy(w->q.f, f->t.lf, f->w * f->h * f->c * sizeof *w->q.f);
    memcpy(w->r.f, f->v.lf, f->w * f->h * f->c * sizeof *w->r.f);
}

static bool factorise(struct sweep *w)
{
    const struct weft_nested *f = w->f;
    size_t n = f->w, h = f->h, hc = f->h * f->c;
    memcpy(w->u, f->t.ll, n * n * sizeof *w->u);
    for (size_t i = 0; i < n; i++)
        w->u[i * n + i] += w->alpha;
    if (!weft_cholesky(n, w->u))
        return false;
    memcpy(w->v, f->v.ll, n * n * sizeof *w->v);
    fill_columns(w);
    weft_congruence(n, w->v, w->u);
    struct {
        double *x;
        size_t m;
    } half[] = {{w->q.y, h}, {w->r.y, h}, {w->q.e, w->e}, {w->q.f, hc}, {w->r.f, hc}};
    for (size_t i = 0; i < sizeof half / sizeof *half; i++)
        if (half[i].m)
            weft_cholesky_half(true, n, half[i].m, w->u, n, half[i].x, half[i].m);
    return true;
}

/* U is not needed any more. */
static void shared_begin(struct sweep *w)
{
    size_t n = w->f->w, h = w->f->h;
    weft_dsyrk(false, n, h, 1, w->q.y, h, 0, w->u, n);
    for (size_t i = 0; i < n; i++) {
        const double *v = w->v + i * n, *zz = w->u + i * n;
        w->inc[i] += v[i] * zz[i];
        for (size_t j = i + 1; j < n; j++)
            w->inc[j] += 2 * v[j] * zz[j];
    }
}

/* From the rows before `from` to those before `to`. */
static void shared_advance(struct sweep *w, size_t from, size_t to)
{
    size_t n = w->f->w, h = w->f->h, c = w->e, rows = to - from;
    const double *e = w->q.e + from * c;
    for (size_t i = from; i < to; i++) {
        const double *z = w->q.y + i * h, *zv = w->r.y + i * h;
        w->fit += w->inc[i];
        for (size_t k = 0; k < h; k++)
            w->cross += z[k] * zv[k];
    }
    weft_dgemm(true, false, c, c, rows, 1, e, c, e, c, 1, w->ee, c);
    weft_dgemm(true, false, c, h, rows, 1, e, c, w->q.y + from * h, h, 1, w->ez, h);
    weft_dgemm(true, false, c, h, rows, 1, e, c, w->r.y + from * h, h, 1, w->ev, h);
    weft_dsymm(to, c, w->v, n, w->q.e, c, w->ve, c);
    weft_dgemm(true, false, c, h, to, 1, w->ve, c, w->q.y, h, 0, w->fz, h);
    weft_dgemm(true, false, c, c, to, 1, w->q.e, c, w->ve, c, 0, w->eve, c);
}

/* Sum of squared errors of the fit that subtracts the mean of the last `last` (0: none, an intercept) whose column of e
 * is `j`. */
static double shared_error(struct sweep *w, size_t j, size_t last)
{
    const struct weft_nested *f = w->f;
    size_t h = f->h, c = w->e, one = c - 3, s = c - 2, t = c - 1, a = last ? j : s;
    const double *ee = w->ee, *eve = w->eve, *p = w->p, *o = w->o;
    for (size_t k = 0; k < h; k++) {
        struct products x = {ee[j * c + j],      ee[j * c + one], ee[one * c + one], w->ez[j * h + k],
                             w->ez[one * h + k], ee[s * c + s],   w->ez[s * h + k]};
        w->step.sy = f->t.sy[k];
        if (!correct(&w->step, &x, last, &w->p[k], &w->o[k], NULL))
            return INFINITY;
    }
    double linear = dot(p, w->fz + a * h, h) - dot(p, w->ev + a * h, h), square = dot(p, p, h) * eve[a * c + a];
    if (last) {
        linear += dot(o, w->fz + one * h, h) - dot(o, w->ev + one * h, h);
        square += 2 * dot(p, o, h) * eve[a * c + one] + dot(o, o, h) * eve[one * c + one];
    }
    double sum = f->vv - 2 * w->cross + w->fit + 2 * linear + square;
    for (size_t k = 0; k < h && !last; k++) { /* the bias is -p */
        double left = f->v.sy[k] - w->ez[t * h + k] - p[k] * ee[s * c + t];
        sum += 2 * p[k] * left + f->v.n * p[k] * p[k];
    }
    return sum;
}

static void steps_begin(struct sweep *w)
{
    size_t n = w->f->w, h = w->f->h, hc = h * w->f->c;
    struct {
        const double *from;
        double *to;
        size_t m;
    } turn[] = {{w->q.y, w->t.y, h}, {w->q.f, w->t.f, hc}, {w->q.e, w->t.e, w->e}};
    for (size_t i = 0; i < n; i++)
        w->v[i * n + i] /= 2;
    for (size_t i = 0; i < sizeof turn / sizeof *turn; i++) {
        memcpy(turn[i].to, turn[i].from, n * turn[i].m * sizeof(double));
        weft_dtrmm(true, n, turn[i].m, w->v, n, turn[i].to, turn[i].m);
    }
}

/* Row i as step h sees it: y, the own columns, e. */
static void row_of(const struct sweep *w, const struct rows *r, size_t i, size_t h, double *to)
{
    size_t c = w->f->c;
    to[0] = r->y[i * w->f->h + h];
    memcpy(to + 1, r->f + (i * w->f->h + h) * c, c * sizeof *to);
    if (r->e)
        memcpy(to + 1 + c, r->e + i * w->e, w->e * sizeof *to);
}

static void steps_advance(struct sweep *w, size_t from, size_t to)
{
    size_t k = w->k, c = w->f->c, h = w->f->h;
    for (size_t i = from; i < to; i++)
        for (size_t s = 0; s < h; s++) {
            double *restrict m1 = w->m1 + s * k * k, *restrict m2 = w->m2 + s * k * (1 + c),
                             *restrict m3 = w->m3 + s * k * k;
            const double *restrict q = w->row, *restrict t = w->turned, *restrict r = w->beside;
            row_of(w, &w->q, i, s, w->row);
            row_of(w, &w->t, i, s, w->turned);
            row_of(w, &w->r, i, s, w->beside);
            for (size_t a = 0; a < k; a++) {
                for (size_t b = 0; b < k; b++) {
                    m1[a * k + b] += q[a] * q[b];
                    m3[a * k + b] += q[a] * t[b] + t[a] * q[b];
                }
                for (size_t b = 0; b <= c; b++)
                    m2[a * (1 + c) + b] += q[a] * r[b];
            }
        }
}

/* The own part of every step at this lookback. It is eliminated last, so that its ridge costs no other factor. */
static void steps_eliminate(struct sweep *w, double ridge)
{
    const struct weft_nested *f = w->f;
    size_t c = f->c, k = w->k;
    for (size_t s = 0; s < f->h; s++) {
        const double *m1 = w->m1 + s * k * k;
        for (size_t i = 0; i < c; i++)
            for (size_t j = 0; j < c; j++)
                w->step.room[i * c + j] = f->t.ff[(s * c + i) * c + j] + (i == j ? ridge : 0) - m1[(1 + i) * k + 1 + j];
        invert(&w->step, OWN_LEAST * f->unit);
        memcpy(w->inverse + s * c * c, w->step.inverse, c * c * sizeof *w->inverse);
    }
}

/* As shared_error, of step h alone. */
static double step_error(struct sweep *w, size_t h, size_t column, size_t last)
{
    const struct weft_nested *f = w->f;
    size_t c = f->c, k = w->k, j = 1 + c + column, one = k - 3, s = k - 2, t = k - 1;
    const double *m1 = w->m1 + h * k * k, *m2 = w->m2 + h * k * (1 + c), *m3 = w->m3 + h * k * k;
    struct step *own = &w->step;
    struct products x = {m1[j * k + j], m1[j * k + one], m1[one * k + one], m1[j * k],
                         m1[one * k],   m1[s * k + s],   m1[s * k]};
    double *gamma = w->gamma, u[WEFT_TRACKS_MAX] = {0}, p, o;
    own->sy = f->t.sy[h];
    memcpy(own->inverse, w->inverse + h * c * c, c * c * sizeof *own->inverse);
    for (size_t i = 0; i < c; i++) {
        const double *row = m1 + (1 + i) * k;
        own->gy[i] = f->t.fy[h * c + i] - row[0];
        own->gs[i] = f->t.sf[h * c + i] - row[s];
        own->jf[i] = -row[j];
        own->of[i] = -row[one];
    }
    if (!correct(own, &x, last, &p, &o, u))
        return INFINITY;
    memset(gamma, 0, k * sizeof *gamma);
    gamma[0] = 1;
    gamma[last ? j : s] += p;
    gamma[one] += o;
    for (size_t i = 0; i < c; i++)
        gamma[1 + i] = -u[i];
    double error = f->v.yy[h], left = f->v.sy[h];
    for (size_t i = 0; i < k; i++) {
        const double *row = m2 + i * (1 + c);
        error += gamma[i] * (dot(m3 + i * k, gamma, k) + 2 * dot(row + 1, u, c) - 2 * row[0]);
        left -= gamma[i] * m1[i * k + t];
    }
    for (size_t i = 0; i < c; i++) {
        error += u[i] * (dot(f->v.ff + (h * c + i) * c, u, c) - 2 * f->v.fy[h * c + i]);
        left -= u[i] * f->v.sf[h * c + i];
    }
    return last ? error : error + 2 * p * left + f->v.n * p * p; /* the bias is -p */
}

static double error_of(struct sweep *w, size_t column, size_t last)
{
    double sum = 0;
    if (!w->f->c)
        sum = shared_error(w, column, last);
    for (size_t h = 0; w->f->c && h < w->f->h && isfinite(sum); h++)
        sum += step_error(w, h, column, last);
    return isfinite(sum) ? sum / (w->f->v.n * (double)w->f->h) : INFINITY;
}

/* All means of the last k at one lookback, with the own part as it was eliminated. mse: [n_lasts], n_owns apart */
static void judge_lasts(struct sweep *w, size_t lookback, size_t apart, double *mse)
{
    const struct weft_nested_grid *g = w->g;
    size_t column = 0, one = w->e - 3;
    for (size_t j = 0; j < g->n_lasts; j++, mse += apart) {
        size_t last = g->last[j];
        *mse = INFINITY;
        if (last == 0)
            *mse = error_of(w, one, 0);
        else if (last == WEFT_NESTED_WHOLE)
            *mse = error_of(w, one, lookback);
        else if (column++, last < lookback)
            *mse = error_of(w, column - 1, last);
    }
}

static void sweep_grid(struct sweep *w, size_t owns, double *mse)
{
    const struct weft_nested_grid *g = w->g;
    size_t from = 0, n = g->n_lookbacks * g->n_lasts * owns;
    for (size_t i = 0; i < n; i++)
        mse[i] = INFINITY;
    if (!factorise(w))
        return;
    (w->f->c ? steps_begin : shared_begin)(w);
    for (size_t i = 0; i < g->n_lookbacks; i++) {
        size_t to = w->f->p + g->lookback[i];
        (w->f->c ? steps_advance : shared_advance)(w, from, to);
        from = to;
        for (size_t o = 0; o < owns; o++) {
            if (w->f->c)
                steps_eliminate(w, (g->own ? g->own[o] : 1) * w->alpha);
            judge_lasts(w, g->lookback[i], owns, mse + i * g->n_lasts * owns + o);
        }
    }
}

void weft_nested_errors(const struct weft_nested *f, const struct weft_nested_grid *g, double ridge, double *mse)
{
    struct sweep w = {.f = f, .g = g, .alpha = ridge * f->unit, .e = 3};
    size_t n = f->w, h = f->h, c = f->c, hc = h * c;
    for (size_t j = 0; j < g->n_lasts; j++)
        w.e += g->last[j] != 0 && g->last[j] != WEFT_NESTED_WHOLE;
    size_t e = w.e, k = w.k = 1 + c + e, steps = c ? 1 : 0, shared = !c;
    struct {
        double **p;
        size_t n;
    } need[] = {{&w.u, n * n},
                {&w.v, n * n},
                {&w.q.y, n * h},
                {&w.q.f, n * hc},
                {&w.q.e, n * e},
                {&w.r.y, n * h},
                {&w.r.f, n * hc},
                {&w.t.y, steps * n * h},
                {&w.t.f, n * hc},
                {&w.t.e, steps * n * e},
                {&w.ve, shared * n * e},
                {&w.fz, shared * e * h},
                {&w.eve, shared * e * e},
                {&w.p, h},
                {&w.o, h},
                {&w.row, k},
                {&w.turned, k},
                {&w.beside, 1 + c},
                {&w.gamma, k},
                {&w.inverse, hc * c},
                /* zero at first: */
                {&w.inc, n},
                {&w.ee, shared * e * e},
                {&w.ez, shared * e * h},
                {&w.ev, shared * e * h},
                {&w.m1, steps * h * k * k},
                {&w.m2, steps * h * k * (1 + c)},
                {&w.m3, steps * h * k * k}};
    size_t rooms = sizeof need / sizeof *need, zero = rooms - 7;
    for (size_t i = 0; i < rooms; i++) {
        *need[i].p = weft_xaligned(need[i].n + 1, sizeof(double));
        if (i >= zero)
            memset(*need[i].p, 0, need[i].n * sizeof(double));
    }
    step_new(&w.step, f, w.alpha);
    sweep_grid(&w, g->own ? g->n_owns : 1, mse);
    for (size_t i = 0; i < rooms; i++)
        free(*need[i].p);
    free(w.step.inverse);
}

/* --- weights --- */

/* A^-1 times Gly, Glf, j, 1 and s, side by side: x[w, h + h c + 3]. */
static bool solve(const struct weft_nested *f, const struct weft_nested_config *c, double alpha, double *x)
{
    size_t w = f->p + c->lookback, h = f->h, hc = h * f->c, cols = h + hc + 3;
    double *u = weft_xaligned(w * w, sizeof *u);
    for (size_t i = 0; i < w; i++) {
        double *row = x + i * cols;
        memcpy(u + i * w + i, f->t.ll + i * f->w + i, (w - i) * sizeof *u);
        u[i * w + i] += alpha;
        memcpy(row, f->t.ly + i * h, h * sizeof *x);
        memcpy(row + h, f->t.lf + i * hc, hc * sizeof *x);
        row[h + hc] = i >= f->p && i - f->p < c->last;
        row[h + hc + 1] = i >= f->p;
        row[h + hc + 2] = f->t.sl[i];
    }
    bool fits = weft_cholesky(w, u);
    if (fits) {
        weft_cholesky_half(true, w, cols, u, w, x, cols);
        weft_cholesky_half(false, w, cols, u, w, x, cols);
    }
    free(u);
    return fits;
}

/* sum[k] = sum over rows i of weight[i * apart] x[i][k] for `n` columns of x (weight NULL: 1). */
static void column_sums(const double *x, size_t rows, size_t cols, const double *weight, size_t apart, size_t n,
                        double *sum)
{
    memset(sum, 0, n * sizeof *sum);
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < n; k++)
            sum[k] += (weight ? weight[i * apart] : 1) * x[i * cols + k];
}

/* Products of j, 1 and s with all columns of x: m[3, cols]. */
static void correction_sums(const struct weft_nested *f, const struct weft_nested_config *c, const double *x,
                            size_t cols, double *m)
{
    const double *target = x + f->p * cols;
    column_sums(target, c->last, cols, NULL, 0, cols, m);
    column_sums(target, c->lookback, cols, NULL, 0, cols, m + cols);
    column_sums(x, f->p + c->lookback, cols, f->t.sl, 1, cols, m + 2 * cols);
}

/* Step h: its coefficients of A^-1 (j or s) and A^-1 1, and u. m: [3, cols] of correction_sums; own: room for [cols] */
static bool step_fit(const struct weft_nested *f, const struct weft_nested_config *config, struct step *s,
                     const double *x, const double *m, size_t h, double *own, double *part, double *u)
{
    size_t c = f->c, hc = f->h * c, cols = f->h + hc + 3, j = f->h + hc, first = f->h + h * c,
           rows = f->p + config->lookback;
    const double *mj = m, *mo = m + cols, *ms = m + 2 * cols;
    const struct products y = {mj[j], mj[j + 1], mo[j + 1], mj[h], mo[h], ms[j + 2], ms[h]};
    for (size_t i = 0; i < c; i++) {
        column_sums(x, rows, cols, f->t.lf + h * c + i, hc, cols, own);
        for (size_t k = 0; k < c; k++)
            s->room[i * c + k] = f->t.ff[(h * c + i) * c + k] + (i == k ? config->own * s->alpha : 0) - own[first + k];
        s->gy[i] = f->t.fy[h * c + i] - own[h];
        s->jf[i] = -own[j];
        s->of[i] = -own[j + 1];
        s->gs[i] = f->t.sf[h * c + i] - own[j + 2];
    }
    s->sy = f->t.sy[h];
    invert(s, OWN_LEAST * f->unit);
    return correct(s, &y, config->last, &part[0], &part[1], u);
}

/* Adds step h to the weights: r oldest value first, exog as columns.h has them. */
static void add_step(const struct weft_nested *f, const struct weft_nested_config *config, double share,
                     const double *x, size_t h, const double *part, const double *u, double *r, double *exog)
{
    size_t c = f->c, hc = f->h * c, cols = f->h + hc + 3, weights = f->p + c, j = f->h + hc,
           a = config->last ? j : j + 2;
    double factor;
    for (size_t i = 0; i < f->p + config->lookback; i++) {
        const double *row = x + i * cols;
        double sum = row[h] + row[a] * part[0] + row[j + 1] * part[1] - dot(row + f->h + h * c, u, c);
        lead_column(f, i, &factor);
        if (i < f->p)
            exog[h * weights + f->at.weight[i]] += share * sum * factor;
        else
            r[h * f->l + f->l - 1 - (i - f->p)] += share * sum;
    }
    for (size_t i = 0; i < c; i++) {
        own_column(f, h, i, &factor);
        exog[h * weights + f->at.weight[f->p + i]] += share * u[i] * factor;
    }
}

bool weft_nested_add(const struct weft_nested *f, const struct weft_nested_config *c, double share, double *r,
                     double *bias, double *exog)
{
    size_t w = f->p + c->lookback, h = f->h, cols = h + h * f->c + 3;
    double alpha = c->ridge * f->unit, *x = weft_xaligned(w * cols, sizeof *x), *m = weft_xaligned(4 * cols, sizeof *m),
           *part = weft_xaligned(2 * h, sizeof *part), *u = weft_xaligned(h * f->c + 1, sizeof *u);
    struct step s;
    step_new(&s, f, alpha);
    bool fits = solve(f, c, alpha, x);
    if (fits)
        correction_sums(f, c, x, cols, m);
    for (size_t k = 0; k < h && fits; k++)
        fits = step_fit(f, c, &s, x, m, k, m + 3 * cols, part + 2 * k, u + k * f->c);
    for (size_t k = 0; k < h && fits; k++) {
        add_step(f, c, share, x, k, part + 2 * k, u + k * f->c, r, exog);
        if (!c->last)
            bias[k] -= share * part[2 * k];
    }
    free(x);
    free(m);
    free(part);
    free(u);
    free(s.inverse);
    return fits;
}

/* The weights as columns of the moments: back[w, h] of the lead, u[h, c]. */
static void into_columns(const struct weft_nested *f, const double *r, const double *exog, double *back, double *u)
{
    size_t h = f->h, weights = f->p + f->c;
    double factor;
    for (size_t i = 0; i < f->w; i++)
        for (size_t k = 0; k < h; k++) {
            lead_column(f, i, &factor);
            if (i >= f->p)
                back[i * h + k] = r[k * f->l + f->l - 1 - (i - f->p)];
            else
                back[i * h + k] = factor > 0 ? exog[k * weights + f->at.weight[i]] / factor : 0;
        }
    for (size_t k = 0; k < h; k++)
        for (size_t i = 0; i < f->c; i++) {
            own_column(f, k, i, &factor);
            u[k * f->c + i] = factor > 0 ? exog[k * weights + f->at.weight[f->p + i]] / factor : 0;
        }
}

/* What the own columns take from the moments of errors: cov[i, k] += g[i, k] + g[k, i]. */
static void own_moments(const struct weft_nested *f, const double *back, const double *u, double *cov)
{
    size_t h = f->h, c = f->c, hc = h * c;
    double *explained = weft_xaligned(hc * h + 1, sizeof *explained), a, b;
    if (hc)
        weft_dgemm(true, false, hc, h, f->w, 1, f->v.lf, hc, back, h, 0, explained, h);
    for (size_t i = 0; i < hc; i++) {
        size_t at = own_column(f, i / c, i % c, &a);
        for (size_t k = 0; k < h; k++) {
            double g = explained[i * h + k] - a * weft_gram_at(f->valid, at, f->l + k);
            for (size_t j = 0; j < c; j++) {
                size_t to = own_column(f, k, j, &b);
                g += u[k * c + j] * a * b * weft_gram_at(f->valid, at, to) / 2;
            }
            cov[i / c * h + k] += u[i] * g;
            cov[k * h + i / c] += u[i] * g;
        }
    }
    free(explained);
}

uint64_t weft_nested_moments(const struct weft_nested *f, const double *r, const double *bias, const double *exog,
                             double *cov)
{
    size_t w = f->w, l = f->l, h = f->h;
    double *back = weft_xaligned(w * h, sizeof *back), *vr = weft_xaligned(w * h, sizeof *vr),
           *left = weft_xaligned(h, sizeof *left), *u = weft_xaligned(h * f->c + 1, sizeof *u);
    into_columns(f, r, exog, back, u);
    weft_dsymm(w, h, f->v.ll, w, back, h, vr, h);
    for (size_t i = 0; i < w * h; i++)
        vr[i] -= 2 * f->v.ly[i];
    double *rvr = weft_xaligned(h * h, sizeof *rvr); /* R' (Vll R - 2 Vly): its symmetric part is what is wanted */
    weft_dgemm(true, false, h, h, w, 1, back, h, vr, h, 0, rvr, h);
    for (size_t k = 0; k < h; k++) {
        left[k] = f->v.sy[k];
        for (size_t i = 0; i < w; i++)
            left[k] -= back[i * h + k] * f->v.sl[i];
        left[k] -= dot(u + k * f->c, f->v.sf + k * f->c, f->c);
    }
    for (size_t i = 0; i < h; i++)
        for (size_t k = 0; k < h; k++)
            cov[i * h + k] += weft_gram_at(f->valid, l + i, l + k) + (rvr[i * h + k] + rvr[k * h + i]) / 2 -
                              left[i] * bias[k] - bias[i] * left[k] + f->v.n * bias[i] * bias[k];
    own_moments(f, back, u, cov);
    free(back);
    free(vr);
    free(left);
    free(rvr);
    free(u);
    return (uint64_t)f->v.n;
}
