/* nested_tracks.c - every lookback from one Cholesky factor, with exogenous channels; see the header for the algebra.
 */
#include "nn/nested_tracks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/blas.h"
#include "nn/columns.h"

/* As in nested.c; and what the own columns of a step get at least, where channels say the same. */
static const double LEVEL_SHARE = 1e-10, OWN_LEAST = 1e-9;

/* Sums over windows: the lead (w = P + lookback columns), and the own columns of each step. */
struct sums {
    double n, *ll, *lf, *ly; /* [w, w] upper, [w, h c], [w, h] */
    double *ff, *fy;         /* [h, c, c], [h, c] */
    double *sl, *sf, *sy;    /* of columns: [w], [h, c], [h] */
    double *yy;              /* [h] */
};

struct weft_nested_tracks {
    struct weft_columns at;
    size_t p, l, w, h, c;
    double unit, *factor; /* [tracks] */
    struct sums t, v;     /* training and validation */
    const struct weft_gram *valid;
};

/* Column i of the lead in G, and what it is multiplied by. */
static size_t lead_column(const struct weft_nested_tracks *f, size_t i, double *factor)
{
    *factor = i < f->p ? f->factor[f->at.track[i]] : 1;
    return i < f->p ? f->at.leads[i] : f->l - 1 - (i - f->p);
}

static size_t own_column(const struct weft_nested_tracks *f, size_t h, size_t c, double *factor)
{
    *factor = f->factor[f->at.track[f->p + c]];
    return f->at.owns[h * f->c + c];
}

static void take_lead(const struct weft_nested_tracks *f, const struct weft_gram *g, struct sums *s)
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

static void take(const struct weft_nested_tracks *f, const struct weft_gram *g, struct sums *s)
{
    size_t w = f->w, h = f->h, c = f->c;
    s->n = (double)g->n;
    s->ll = weft_xaligned(w * w, sizeof(double));
    s->lf = weft_xaligned(w * h * c + 1, sizeof(double));
    s->ly = weft_xaligned(w * h, sizeof(double));
    s->ff = weft_xaligned(h * c * c + 1, sizeof(double));
    s->fy = weft_xaligned(h * c + 1, sizeof(double));
    s->sl = weft_xaligned(w, sizeof(double));
    s->sf = weft_xaligned(h * c + 1, sizeof(double));
    s->sy = weft_xaligned(h, sizeof(double));
    s->yy = weft_xaligned(h, sizeof(double));
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

struct weft_nested_tracks *weft_nested_tracks_new(const struct weft_gram *train, const struct weft_gram *valid,
                                                  size_t lookback, size_t horizon, double unit)
{
    struct weft_nested_tracks *f = WEFT_NEW(struct weft_nested_tracks);
    weft_columns_of(train, lookback, horizon, &f->at);
    f->p = f->at.lead;
    f->l = lookback;
    f->w = f->p + lookback;
    f->h = horizon;
    f->c = f->at.own;
    f->unit = unit;
    f->factor = WEFT_ARRAY(double, train->tracks);
    double *diagonal = WEFT_ARRAY(double, train->width);
    for (size_t i = 0; i < train->width; i++)
        diagonal[i] = weft_gram_at(train, i, i);
    weft_columns_factors(train, diagonal, unit, f->factor);
    free(diagonal);
    take(f, train, &f->t);
    if ((f->valid = valid))
        take(f, valid, &f->v);
    return f;
}

void weft_nested_tracks_weigh(struct weft_nested_tracks *f, double n, double unit)
{
    f->t.n = n;
    f->unit = unit;
}

void weft_nested_tracks_free(struct weft_nested_tracks **p)
{
    struct weft_nested_tracks *f = *p;
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

/* --- one step with the lead eliminated: what is left is the own part --- */

/* inverse[c, c] of S_h; gy, gs [c]: own parts of y and of s less what the lead explains of them. */
struct step {
    size_t c;
    double alpha, n, sy;
    double *inverse, *gy, *gs, *jf, *of, *room;
};

/* a' S^-1 b */
static double through(const struct step *s, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < s->c; i++)
        sum += a[i] * dot(s->inverse + i * s->c, b, s->c);
    return sum;
}

static void step_new(struct step *s, size_t c)
{
    *s = (struct step){.c = c, .inverse = weft_xaligned(2 * c * c + 4 * c + 1, sizeof(double))};
    s->room = s->inverse + c * c;
    s->gy = s->room + c * c;
    s->gs = s->gy + c;
    s->jf = s->gs + c;
    s->of = s->jf + c;
}

/* room holds S_h. */
static void invert(struct step *s, double least)
{
    for (size_t i = 0; i < s->c * s->c; i++)
        s->inverse[i] = i % (s->c + 1) == 0;
    weft_columns_solve(s->c, s->c, s->room, least, s->inverse);
}

/* Products of the lead's columns with one another: y, j, 1 and s. */
struct products {
    double jj, jo, oo, jy, oy, ss, sy;
};

/* u = S^-1 (gy + a p + b o) */
static void own_weights(const struct step *s, const double *a, double p, const double *b, double o, double *u)
{
    for (size_t i = 0; i < s->c; i++) {
        u[i] = 0;
        for (size_t k = 0; k < s->c; k++)
            u[i] += s->inverse[i * s->c + k] * (s->gy[k] + a[k] * p + (b ? b[k] * o : 0));
    }
}

/* Mean of the last k: the parts p of j and o of 1. */
static bool mean_correction(const struct step *s, const struct products *x, double k, double *p, double *o, double *u)
{
    double jj = x->jj + through(s, s->jf, s->jf), jo = x->jo + through(s, s->jf, s->of),
           oo = x->oo + through(s, s->of, s->of), wj = x->jy + through(s, s->jf, s->gy),
           wo = x->oy + through(s, s->of, s->gy);
    double gamma = (1 - LEVEL_SHARE) * s->alpha / k, beta = gamma / (1 - gamma * jj), scale = oo + beta * jo * jo;
    *o = (1 - wo - beta * jo * wj) / scale;
    *p = beta * (wj + jo * *o);
    own_weights(s, s->jf, *p, s->of, *o, u);
    return gamma * jj < 1 && scale > 0;
}

/* Intercept: the part p of s; the bias is -p. */
static bool intercept_correction(const struct step *s, const struct products *x, double *p, double *u)
{
    double ss = x->ss + through(s, s->gs, s->gs), ws = x->sy + through(s, s->gs, s->gy);
    *p = (ws - s->sy) / (s->n - ss);
    own_weights(s, s->gs, *p, NULL, 0, u);
    return s->n - ss > 1e-13 * s->n;
}

/* --- errors --- */

/* Columns of a row q: y, the own channels, a j for each length of the grid, ones, s, t. Running sums for every step. */
struct sweep {
    const struct weft_nested_tracks *f;
    const struct weft_nested_grid *g;
    double alpha;
    size_t e, k, cols;            /* columns j.., 1, s, t; all of q; of q0: h + h c + e */
    double *u, *v, *q0, *r0, *t0; /* U; U'^-1 Vll U^-1; U'^-1 [Gly | Glf | E]; U'^-1 [Vly | Vlf]; T q0 */
    double *m1, *m2, *m3;         /* [h, k, k], [h, k, 1 + c], [h, k, k] */
    double *q, *t, *r, *gamma;    /* rows [k], [k], [1 + c]; [k] */
    double *inverse;              /* [h, c, c] of the lookback that is judged */
    struct step step;
};

static void fill_columns(struct sweep *w)
{
    const struct weft_nested_tracks *f = w->f;
    size_t h = f->h, c = f->c, first = h + h * c;
    for (size_t i = 0; i < f->w; i++) {
        double *q = w->q0 + i * w->cols, *r = w->r0 + i * (h + h * c);
        memcpy(q, f->t.ly + i * h, h * sizeof *q);
        memcpy(q + h, f->t.lf + i * h * c, h * c * sizeof *q);
        memcpy(r, f->v.ly + i * h, h * sizeof *r);
        memcpy(r + h, f->v.lf + i * h * c, h * c * sizeof *r);
        q += first;
        for (size_t j = 0; j < w->g->n_lasts; j++) {
            size_t last = w->g->last[j];
            if (last != 0 && last != WEFT_NESTED_WHOLE)
                *q++ = i >= f->p && i - f->p < last;
        }
        *q++ = i >= f->p;
        *q++ = f->t.sl[i];
        *q++ = f->v.sl[i];
    }
}

static bool factorise(struct sweep *w)
{
    const struct weft_nested_tracks *f = w->f;
    size_t n = f->w, beside = f->h + f->h * f->c;
    memcpy(w->u, f->t.ll, n * n * sizeof *w->u);
    for (size_t i = 0; i < n; i++)
        w->u[i * n + i] += w->alpha;
    if (!weft_cholesky(n, w->u))
        return false;
    memcpy(w->v, f->v.ll, n * n * sizeof *w->v);
    fill_columns(w);
    weft_congruence(n, w->v, w->u);
    weft_cholesky_half(true, n, w->cols, w->u, n, w->q0, w->cols);
    weft_cholesky_half(true, n, beside, w->u, n, w->r0, beside);
    for (size_t i = 0; i < n; i++)
        w->v[i * n + i] /= 2;
    memcpy(w->t0, w->q0, n * w->cols * sizeof *w->t0);
    weft_dtrmm(true, n, w->cols, w->v, n, w->t0, w->cols);
    return true;
}

/* Row i of q0 as step h sees it. */
static void row_of(const struct sweep *w, const double *from, size_t h, double *to)
{
    size_t c = w->f->c, steps = w->f->h;
    to[0] = from[h];
    memcpy(to + 1, from + steps + h * c, c * sizeof *to);
    memcpy(to + 1 + c, from + steps + steps * c, w->e * sizeof *to);
}

/* From the rows before `from` to those before `to`. */
static void advance(struct sweep *w, size_t from, size_t to)
{
    size_t k = w->k, c = w->f->c, h = w->f->h;
    for (size_t i = from; i < to; i++)
        for (size_t s = 0; s < h; s++) {
            double *restrict m1 = w->m1 + s * k * k, *restrict m2 = w->m2 + s * k * (1 + c),
                             *restrict m3 = w->m3 + s * k * k;
            const double *restrict q = w->q, *restrict t = w->t, *restrict r = w->r, *beside = w->r0 + i * (h + h * c);
            row_of(w, w->q0 + i * w->cols, s, w->q);
            row_of(w, w->t0 + i * w->cols, s, w->t);
            w->r[0] = beside[s];
            memcpy(w->r + 1, beside + h + s * c, c * sizeof *w->r);
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
static void eliminate(struct sweep *w, double ridge)
{
    const struct weft_nested_tracks *f = w->f;
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

/* Step h of the fit that subtracts the mean of the last `last` (0: none, an intercept) whose column of q is j: its sum
 * of squared errors. */
static double step_error(struct sweep *w, size_t h, size_t j, size_t last)
{
    const struct weft_nested_tracks *f = w->f;
    size_t c = f->c, k = w->k, one = k - 3, s = k - 2, t = k - 1;
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
    memset(gamma, 0, k * sizeof *gamma);
    gamma[0] = 1;
    if (last ? !mean_correction(own, &x, (double)last, &p, &o, u) : !intercept_correction(own, &x, &p, u))
        return INFINITY;
    if (last) {
        gamma[j] += p;
        gamma[one] += o;
    } else {
        gamma[s] += p;
    }
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

static double error_of(struct sweep *w, size_t j, size_t last)
{
    double sum = 0;
    for (size_t h = 0; h < w->f->h && isfinite(sum); h++)
        sum += step_error(w, h, j, last);
    return isfinite(sum) ? sum / (w->f->v.n * (double)w->f->h) : INFINITY;
}

/* All means of the last k at one lookback, with the own part as it was eliminated. mse: [n_lasts], n_owns apart */
static void judge_lasts(struct sweep *w, size_t lookback, double *mse)
{
    const struct weft_nested_grid *g = w->g;
    size_t column = 1 + w->f->c, one = w->k - 3, apart = g->own ? g->n_owns : 1;
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

static void sweep_grid(struct sweep *w, double *mse)
{
    const struct weft_nested_grid *g = w->g;
    size_t p = w->f->p, owns = g->own ? g->n_owns : 1;
    advance(w, 0, p);
    for (size_t i = 0, from = 0; i < g->n_lookbacks; from = g->lookback[i], i++) {
        advance(w, p + from, p + g->lookback[i]);
        for (size_t o = 0; o < owns; o++) {
            eliminate(w, (g->own ? g->own[o] : 1) * w->alpha);
            judge_lasts(w, g->lookback[i], mse + i * g->n_lasts * owns + o);
        }
    }
}

void weft_nested_tracks_errors(const struct weft_nested_tracks *f, const struct weft_nested_grid *g, double ridge,
                               double *mse)
{
    struct sweep w = {.f = f, .g = g, .alpha = ridge * f->unit, .e = 3};
    size_t n = f->w, h = f->h, c = f->c;
    for (size_t j = 0; j < g->n_lasts; j++)
        w.e += g->last[j] != 0 && g->last[j] != WEFT_NESTED_WHOLE;
    w.k = 1 + c + w.e;
    w.cols = h + h * c + w.e;
    struct {
        double **p;
        size_t n;
    } need[] = {{&w.u, n * n},
                {&w.v, n * n},
                {&w.q0, n * w.cols},
                {&w.t0, n * w.cols},
                {&w.r0, n * (h + h * c)},
                {&w.q, w.k},
                {&w.t, w.k},
                {&w.r, 1 + c},
                {&w.gamma, w.k},
                {&w.inverse, h * c * c + 1},
                {&w.m1, h * w.k * w.k},
                {&w.m2, h * w.k * (1 + c)},
                {&w.m3, h * w.k * w.k}};
    size_t rooms = sizeof need / sizeof *need, zero = rooms - 3;
    for (size_t i = 0; i < rooms; i++)
        *need[i].p = weft_xaligned(need[i].n, sizeof(double));
    for (size_t i = zero; i < rooms; i++)
        memset(*need[i].p, 0, need[i].n * sizeof(double));
    step_new(&w.step, c);
    w.step.alpha = w.alpha;
    w.step.n = f->t.n;
    if (factorise(&w))
        sweep_grid(&w, mse);
    else
        for (size_t i = 0; i < g->n_lookbacks * g->n_lasts * (g->own ? g->n_owns : 1); i++)
            mse[i] = INFINITY;
    for (size_t i = 0; i < rooms; i++)
        free(*need[i].p);
    free(w.step.inverse);
}

/* --- weights --- */

/* A^-1 times Gly, Glf, j, 1 and s, side by side: x[w, h + h c + 3]; b: the right sides. */
static bool solve(const struct weft_nested_tracks *f, const struct weft_nested_config *c, double alpha, double *b,
                  double *x)
{
    size_t w = f->p + c->lookback, h = f->h, hc = h * f->c, cols = h + hc + 3;
    double *u = weft_xaligned(w * w, sizeof *u);
    for (size_t i = 0; i < w; i++) {
        double *row = b + i * cols;
        memcpy(u + i * w + i, f->t.ll + i * f->w + i, (w - i) * sizeof *u);
        u[i * w + i] += alpha;
        memcpy(row, f->t.ly + i * h, h * sizeof *b);
        memcpy(row + h, f->t.lf + i * hc, hc * sizeof *b);
        row[h + hc] = i >= f->p && i - f->p < c->last;
        row[h + hc + 1] = i >= f->p;
        row[h + hc + 2] = f->t.sl[i];
    }
    memcpy(x, b, w * cols * sizeof *x);
    bool fits = weft_cholesky(w, u);
    if (fits) {
        weft_cholesky_half(true, w, cols, u, w, x, cols);
        weft_cholesky_half(false, w, cols, u, w, x, cols);
    }
    free(u);
    return fits;
}

/* Step h from m = b' A^-1 b [cols, cols], which holds every product that the corrections ask for: its coefficients of
 * A^-1 j, A^-1 1 and A^-1 s, and u. */
static bool step_fit(const struct weft_nested_tracks *f, const struct weft_nested_config *config, struct step *s,
                     const double *m, size_t h, double *part, double *u)
{
    size_t c = f->c, hc = f->h * c, cols = f->h + hc + 3, j = f->h + hc, first = f->h + h * c;
    const struct products x = {m[j * cols + j],      m[j * cols + j + 1],   m[(j + 1) * cols + j + 1],
                               m[j * cols + h],      m[(j + 1) * cols + h], m[(j + 2) * cols + j + 2],
                               m[(j + 2) * cols + h]};
    for (size_t i = 0; i < c; i++) {
        const double *row = m + (first + i) * cols;
        for (size_t k = 0; k < c; k++)
            s->room[i * c + k] = f->t.ff[(h * c + i) * c + k] + (i == k ? config->own * s->alpha : 0) - row[first + k];
        s->gy[i] = f->t.fy[h * c + i] - row[h];
        s->jf[i] = -row[j];
        s->of[i] = -row[j + 1];
        s->gs[i] = f->t.sf[h * c + i] - row[j + 2];
    }
    s->sy = f->t.sy[h];
    invert(s, OWN_LEAST * f->unit);
    memset(part, 0, 3 * sizeof *part);
    return config->last ? mean_correction(s, &x, (double)config->last, &part[0], &part[1], u)
                        : intercept_correction(s, &x, &part[2], u);
}

/* Adds step h to the weights: r oldest value first, exog as columns.h has them. */
static void add_step(const struct weft_nested_tracks *f, size_t lookback, double share, const double *x, size_t h,
                     const double *part, const double *u, double *r, double *exog)
{
    size_t c = f->c, hc = f->h * c, cols = f->h + hc + 3, weights = f->p + c;
    for (size_t i = 0; i < f->p + lookback; i++) {
        const double *row = x + i * cols;
        double factor, sum = row[h] + dot(row + f->h + hc, part, 3) - dot(row + f->h + h * c, u, c);
        lead_column(f, i, &factor);
        if (i < f->p)
            exog[h * weights + f->at.weight[i]] += share * sum * factor;
        else
            r[h * f->l + f->l - 1 - (i - f->p)] += share * sum;
    }
    for (size_t i = 0; i < c; i++) {
        double factor;
        own_column(f, h, i, &factor);
        exog[h * weights + f->at.weight[f->p + i]] += share * u[i] * factor;
    }
}

bool weft_nested_tracks_add(const struct weft_nested_tracks *f, const struct weft_nested_config *c, double share,
                            double *r, double *bias, double *exog)
{
    size_t w = f->p + c->lookback, cols = f->h + f->h * f->c + 3;
    double *b = weft_xaligned(w * cols, sizeof *b), *x = weft_xaligned(w * cols, sizeof *x),
           *m = weft_xaligned(cols * cols, sizeof *m), *part = weft_xaligned(3 * f->h, sizeof *part),
           *u = weft_xaligned(f->h * f->c + 1, sizeof *u), alpha = c->ridge * f->unit;
    struct step s;
    step_new(&s, f->c);
    s.alpha = alpha;
    s.n = f->t.n;
    bool fits = solve(f, c, alpha, b, x);
    if (fits)
        weft_dgemm(true, false, cols, cols, w, 1, b, cols, x, cols, 0, m, cols);
    for (size_t h = 0; h < f->h && fits; h++)
        fits = step_fit(f, c, &s, m, h, part + 3 * h, u + h * f->c);
    for (size_t h = 0; h < f->h && fits; h++) {
        add_step(f, c->lookback, share, x, h, part + 3 * h, u + h * f->c, r, exog);
        bias[h] -= share * part[3 * h + 2];
    }
    free(b);
    free(x);
    free(m);
    free(part);
    free(u);
    free(s.inverse);
    return fits;
}

/* o[width, h]: the error of step h is o_h' v - bias[h] for a window v of all tracks. */
static void error_weights(const struct weft_nested_tracks *f, const double *r, const double *exog, double *o)
{
    size_t h = f->h, weights = f->p + f->c;
    memset(o, 0, f->valid->width * h * sizeof *o);
    for (size_t k = 0; k < h; k++) {
        o[(f->l + k) * h + k] = 1;
        for (size_t i = 0; i < f->l; i++)
            o[i * h + k] = -r[k * f->l + i];
        for (size_t i = 0; i < f->p; i++)
            o[f->at.leads[i] * h + k] = -exog[k * weights + f->at.weight[i]];
        for (size_t i = 0; i < f->c; i++)
            o[f->at.owns[k * f->c + i] * h + k] = -exog[k * weights + f->at.weight[f->p + i]];
    }
}

uint64_t weft_nested_tracks_moments(const struct weft_nested_tracks *f, const double *r, const double *bias,
                                    const double *exog, double *cov)
{
    const struct weft_gram *g = f->valid;
    size_t h = f->h, n = g->width;
    double *o = weft_xaligned(n * h, sizeof *o), *vo = weft_xaligned(n * h, sizeof *vo),
           *v = weft_xaligned(n * n, sizeof *v), *square = weft_xaligned(h * h, sizeof *square),
           *mean = WEFT_ARRAY(double, h);
    for (size_t i = 0; i < n; i++)
        memcpy(v + i * n + i, g->g + g->row[i], (n - i) * sizeof *v);
    error_weights(f, r, exog, o);
    weft_dsymm(n, h, v, n, o, h, vo, h);
    weft_dgemm(true, false, h, h, n, 1, o, h, vo, h, 0, square, h);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < h; k++)
            mean[k] += o[i * h + k] * g->sum[i];
    for (size_t i = 0; i < h; i++)
        for (size_t k = 0; k < h; k++)
            cov[i * h + k] += (square[i * h + k] + square[k * h + i]) / 2 - mean[i] * bias[k] - bias[i] * mean[k] +
                              f->v.n * bias[i] * bias[k];
    free(o);
    free(vo);
    free(v);
    free(square);
    free(mean);
    return g->n;
}
