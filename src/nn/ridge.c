/* ridge.c - ridge regression and least squares shrunk towards given weights, from Gram matrices.
 *
 * Columns: S, shared by all steps of the horizon (the lookback, the lags of channels, with a prior and norm none the
 * 1), and for step h the few F_h (the channels known ahead, on that day). All fits are (G + k M) W = g + k M W0, with
 * M = I and W0 = 0 without a prior. In coordinates z with z Mss z' = I and z Gss z' = L diagonal, D = 1 / (L + k) and
 * B = z (Gsy + k (M W0)s), E = z (Gsf + k Msf) give the weights of F_h, u = (Gff + k Mff - E' D E)^-1 (Gfy + k (M W0)f
 * - E' D B), and those of S, z' D (B - E u): every strength k is a division. */
#include "nn/ridge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/blas.h"
#include "nn/columns.h"
#include "base/mem.h"

/* Directions whose eigenvalue is below this part of the largest carry nothing. And what the own columns of a step get
 * at least, where channels say the same. */
static const double EIGEN_CUT = 1e-12, OWN_LEAST = 1e-9;

/* Moments of the columns of a fit, over windows. */
struct sums {
    double *ss, *sy, *sf; /* [S, S], [S, H], [S, H own] */
    double *ff, *fy;      /* [H, own, own], [H, own] */
    double yy;
};

struct weft_prior {
    struct weft_columns c;
    enum weft_norm norm;
    size_t tracks, k; /* k: columns of G, and the 1 with norm none */
    double *factor;   /* [tracks] that bring columns to the lookback's mean square; 0: the source has nothing there */
    double *t;        /* [S, S] with t Mss t' = I, and zero rows where M has nothing; NULL: M is the identity */
    double *sf, *ff;  /* M beside and at the own columns, as in struct sums; NULL with the identity */
    double *centre, *own; /* M W0: [S, H] in the coordinates t, [H, own] */
};

struct weft_ridge {
    struct weft_columns c;
    enum weft_norm norm;
    const struct weft_prior *prior;
    size_t k;
    double *mean, *scale; /* [k]: of the training windows, NULL with a prior; what columns are multiplied by */
    double unit, least;   /* a strength of 1; what is added to the diagonal of own columns */
    double *z, *value;    /* [S, S], [S] */
    struct sums g;        /* in coordinates z; ss is NULL */
    double *centre, *mf;  /* M W0 and Msf in these coordinates; NULL: zero */
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

/* --- moments --- */

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

/* G as a fit sees it, m[k, k]: the target's places less what the norm subtracts from a window, or, with norm none,
 * everything less mean[V], or, without a mean, as it is with the moments of the 1 in its last row and column. */
static double *moments(const struct weft_gram *g, size_t lookback, enum weft_norm norm, const double *mean, size_t k)
{
    size_t v = g->width, places = g->to[0];
    double *m = weft_xaligned(k * k, sizeof *m), *u = WEFT_ARRAY(double, v), n = (double)g->n;
    bool based = norm != WEFT_NORM_NONE;
    double q = based ? normaliser(g, lookback, norm, u) : 0;
    for (size_t i = 0; i < v; i++)
        for (size_t j = i; j < v; j++) {
            double x = g->g[g->row[i] + j - i];
            if (based && i < places)
                x = j < places ? x - u[i] - u[j] + q : x - u[j];
            else if (mean)
                x = x - mean[i] * g->sum[j] - mean[j] * g->sum[i] + n * mean[i] * mean[j];
            m[i * k + j] = m[j * k + i] = x;
        }
    for (size_t i = 0; k > v && i < v; i++)
        m[i * k + v] = m[v * k + i] = g->sum[i];
    if (k > v)
        m[v * k + v] = n;
    free(u);
    return m;
}

/* factor[tracks]: what brings the columns of channels to the mean square of the lookback's, which is returned, around
 * the mean with norm none. */
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

/* scale[k] of columns from those of tracks. */
static double *scales(const struct weft_gram *g, const double *factor, size_t k)
{
    double *scale = WEFT_ARRAY(double, k);
    scale[k - 1] = 1;
    for (size_t t = 0; t < g->tracks; t++)
        for (size_t i = 0; i < g->to[t] - g->from[t]; i++)
            scale[g->base[t] + i] = factor[t];
    return scale;
}

static struct sums take(const struct weft_columns *c, double *m, size_t k, const double *scale)
{
    size_t n = c->shared, own = c->own, horizon = c->horizon;
    struct sums s = {.ss = weft_xaligned(n * n, sizeof(double)),
                     .sy = weft_xaligned(n * horizon, sizeof(double)),
                     .sf = weft_xaligned(n * horizon * own + 1, sizeof(double)),
                     .ff = WEFT_ARRAY(double, horizon *own *own + 1),
                     .fy = WEFT_ARRAY(double, horizon *own + 1)};
    for (size_t i = 0; i < k * k && scale; i++)
        m[i] *= scale[i / k] * scale[i % k];
    weft_columns_pick(m, k, c->s, n, c->s, n, s.ss);
    weft_columns_pick(m, k, c->s, n, c->owns, horizon * own, s.sf);
    for (size_t h = 0; h < horizon; h++) {
        size_t y = c->lookback + h;
        const size_t *o = c->owns + h * own;
        for (size_t i = 0; i < n; i++)
            s.sy[i * horizon + h] = m[c->s[i] * k + y];
        weft_columns_pick(m, k, o, own, o, own, s.ff + h * own * own);
        weft_columns_pick(m, k, o, own, &y, 1, s.fy + h * own);
        s.yy += m[y * k + y];
    }
    free(m);
    return s;
}

static void sums_free(struct sums *s)
{
    double *all[] = {s->ss, s->sy, s->sf, s->ff, s->fy};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* --- weights as columns of scaled ones: y[S, H] and u[H, own] --- */

static double *into_columns(const struct weft_columns *c, const double *scale, const double *w, const double *bias,
                            const double *v, double *u)
{
    size_t l = c->lookback, horizon = c->horizon, weights = c->lead + c->own;
    double *y = weft_xaligned(c->shared * horizon, sizeof *y);
    for (size_t h = 0; h < horizon; h++) {
        for (size_t i = 0; i < c->shared; i++) {
            double f = scale[c->s[i]];
            double x = bias[h];
            if (i < l + c->lead)
                x = i < l ? w[h * l + i] : v[h * weights + c->weight[i - l]];
            y[i * horizon + h] = f > 0 ? x / f : 0;
        }
        for (size_t i = 0; i < c->own; i++) {
            double f = scale[c->owns[h * c->own + i]];
            u[h * c->own + i] = f > 0 ? v[h * weights + c->weight[c->lead + i]] / f : 0;
        }
    }
    return y;
}

/* Sum of squared errors on moments in the same coordinates. room: [S, H] */
static double squares(const struct weft_columns *c, const struct sums *s, const double *y, const double *u,
                      double *room)
{
    size_t n = c->shared, horizon = c->horizon, own = c->own;
    double sum = s->yy;
    weft_dgemm(false, false, n, horizon, n, 1, s->ss, n, y, horizon, 0, room, horizon);
    for (size_t i = 0; i < n * horizon; i++)
        sum += y[i] * (room[i] - 2 * s->sy[i]);
    for (size_t h = 0; h < horizon; h++)
        for (size_t i = 0; i < own; i++) {
            double x = -2 * s->fy[h * own + i];
            for (size_t j = 0; j < n; j++)
                x += 2 * y[j * horizon + h] * s->sf[(j * horizon + h) * own + i];
            for (size_t j = 0; j < own; j++)
                x += s->ff[(h * own + i) * own + j] * u[h * own + j];
            sum += u[h * own + i] * x;
        }
    return sum;
}

/* --- priors --- */

static void columns_of(const struct weft_gram *g, size_t lookback, size_t horizon, bool one, struct weft_columns *c)
{
    weft_columns_of(g, lookback, horizon, c);
    if (one)
        c->s[c->shared++] = g->width;
}

/* M of the source's sums s, which it takes over, and M W0 from the weights y and u. */
static int take_metric(struct weft_prior *p, struct sums *s, const double *y, const double *u, struct weft_err *e)
{
    size_t n = p->c.shared, horizon = p->c.horizon, own = p->c.own;
    double *value = WEFT_ARRAY(double, n), *beside = WEFT_ARRAY(double, n *horizon + 1);
    for (size_t h = 0; h < horizon; h++)
        for (size_t i = 0; i < own; i++) {
            for (size_t j = 0; j < n; j++) {
                double x = s->sf[(j * horizon + h) * own + i];
                beside[j * horizon + h] += x * u[h * own + i];
                p->own[h * own + i] += x * y[j * horizon + h];
            }
            for (size_t j = 0; j < own; j++)
                p->own[h * own + i] += s->ff[(h * own + i) * own + j] * u[h * own + j];
        }
    p->t = s->ss;
    p->sf = s->sf;
    p->ff = s->ff;
    s->ss = s->sf = s->ff = NULL;
    int rc = weft_eigh(n, p->t, value, e);
    if (rc == 0) {
        weft_dgemm(false, false, n, horizon, n, 1, p->t, n, y, horizon, 0, p->centre, horizon);
        for (size_t i = 0; i < n; i++) {
            double root = value[i] > EIGEN_CUT * value[n - 1] && value[n - 1] > 0 ? sqrt(value[i]) : 0;
            for (size_t j = 0; j < n; j++)
                p->t[i * n + j] *= root > 0 ? 1 / root : 0;
            for (size_t h = 0; h < horizon; h++)
                p->centre[i * horizon + h] *= root;
        }
        if (own)
            weft_dgemm(false, false, n, horizon, n, 1, p->t, n, beside, horizon, 1, p->centre, horizon);
    }
    free(beside);
    free(value);
    return rc;
}

int weft_prior_new(const struct weft_gram *source, size_t lookback, size_t horizon, enum weft_norm norm, bool pooled,
                   double ridge, const double *w0, const double *bias0, const double *v0, struct weft_prior **out,
                   struct weft_err *e)
{
    struct weft_prior *p = WEFT_NEW(struct weft_prior);
    size_t v = source->width, k = v + (norm == WEFT_NORM_NONE);
    *p = (struct weft_prior){.norm = norm, .tracks = source->tracks, .k = k};
    columns_of(source, lookback, horizon, k > v, &p->c);
    p->factor = WEFT_ARRAY(double, p->tracks);
    double *m = moments(source, lookback, norm, NULL, k), unit = factors_of(source, m, k, lookback, p->factor),
           *scale = scales(source, p->factor, k), *u = WEFT_ARRAY(double, horizon * p->c.own + 1),
           *y = into_columns(&p->c, scale, w0, bias0, v0, u);
    struct sums s = take(&p->c, m, k, scale);
    int rc = isfinite(unit) ? 0 : weft_fail(e, WEFT_DATA, "values too large to square");
    if (pooled && rc == 0) {
        for (size_t i = 0; i < lookback + p->c.lead; i++) /* the bias is left alone, as without a prior */
            s.ss[i * p->c.shared + i] += ridge * unit;
        for (size_t i = 0; i < horizon * p->c.own * p->c.own; i++)
            s.ff[i] += i % (p->c.own * p->c.own) % (p->c.own + 1) ? 0 : ridge * unit;
        p->centre = weft_xaligned(p->c.shared * horizon, sizeof *p->centre);
        p->own = WEFT_ARRAY(double, horizon * p->c.own + 1);
        rc = take_metric(p, &s, y, u, e);
        free(y);
        free(u);
    } else {
        p->centre = y;
        p->own = u;
    }
    sums_free(&s);
    free(scale);
    if (rc < 0)
        weft_prior_free(&p);
    *out = p;
    return rc;
}

void weft_prior_free(struct weft_prior **pp)
{
    struct weft_prior *p = *pp;
    if (!p)
        return;
    double *all[] = {p->factor, p->t, p->sf, p->ff, p->centre, p->own};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    weft_columns_free(&p->c);
    free(p);
    *pp = NULL;
}

/* --- fits --- */

/* a becomes t a t' for a[k, k]; t NULL: the identity. */
static void congruent(size_t k, const double *t, double *a)
{
    if (!t)
        return;
    double *half = weft_xaligned(k * k, sizeof *half);
    weft_dgemm(false, false, k, k, k, 1, t, k, a, k, 0, half, k);
    weft_dgemm(false, true, k, k, k, 1, half, k, t, k, 0, a, k);
    free(half);
}

/* x[S, m] becomes z x. */
static void turn(const struct weft_ridge *r, size_t m, double **x)
{
    size_t n = r->c.shared;
    double *out = weft_xaligned(n * m + 1, sizeof *out);
    if (m)
        weft_dgemm(false, false, n, m, n, 1, r->z, n, *x, m, 0, out, m);
    free(*x);
    *x = out;
}

/* The decomposition, of moments m[k, k], which it takes over. */
static int decompose(struct weft_ridge *r, double *m, double largest, struct weft_err *e)
{
    const struct weft_prior *p = r->prior;
    size_t n = r->c.shared, h = r->c.horizon, own = r->c.own;
    r->g = take(&r->c, m, r->k, r->scale);
    r->value = WEFT_ARRAY(double, n);
    double *q = r->g.ss;
    r->g.ss = NULL;
    congruent(n, p ? p->t : NULL, q);
    int rc = isfinite(largest) ? weft_eigh(n, q, r->value, e) : weft_fail(e, WEFT_DATA, "values too large to square");
    if (rc == 0 && p) {
        r->centre = weft_xaligned(n * h, sizeof *r->centre);
        weft_dgemm(false, false, n, h, n, 1, q, n, p->centre, h, 0, r->centre, h);
    }
    r->z = q;
    if (rc == 0 && p && p->t) {
        r->z = weft_xaligned(n * n, sizeof *r->z);
        weft_dgemm(false, false, n, n, n, 1, q, n, p->t, n, 0, r->z, n);
        free(q);
    }
    if (rc < 0)
        return -1;
    turn(r, h, &r->g.sy);
    turn(r, h * own, &r->g.sf);
    if (p && p->sf) {
        r->mf = memcpy(weft_xaligned(n * h * own + 1, sizeof *r->mf), p->sf, n * h * own * sizeof *r->mf);
        turn(r, h * own, &r->mf);
    }
    return 0;
}

int weft_ridge_new(const struct weft_gram *train, size_t lookback, size_t horizon, enum weft_norm norm,
                   struct weft_ridge **out, struct weft_err *e)
{
    struct weft_ridge *r = WEFT_NEW(struct weft_ridge);
    double *factor = WEFT_ARRAY(double, train->tracks);
    r->norm = norm;
    r->k = train->width;
    columns_of(train, lookback, horizon, false, &r->c);
    r->mean = WEFT_ARRAY(double, r->k);
    for (size_t i = 0; i < r->k && norm == WEFT_NORM_NONE; i++)
        r->mean[i] = train->sum[i] / (double)train->n;
    double *m = moments(train, lookback, norm, r->mean, r->k);
    r->unit = factors_of(train, m, r->k, lookback, factor);
    r->least = OWN_LEAST * r->unit;
    r->scale = scales(train, factor, r->k);
    free(factor);
    int rc = decompose(r, m, r->unit, e);
    if (rc < 0)
        weft_ridge_free(&r);
    *out = r;
    return rc;
}

int weft_ridge_towards(const struct weft_gram *train, const struct weft_prior *prior, struct weft_ridge **out,
                       struct weft_err *e)
{
    struct weft_ridge *r = WEFT_NEW(struct weft_ridge);
    size_t k = prior->k, l = prior->c.lookback;
    double *factor = WEFT_ARRAY(double, train->tracks), trace = 0;
    r->norm = prior->norm;
    r->k = k;
    r->prior = prior;
    columns_of(train, l, prior->c.horizon, k > train->width, &r->c);
    double *m = moments(train, l, prior->norm, NULL, k);
    for (size_t i = 0; i < l; i++)
        trace += m[i * k + i] / (double)l;
    r->unit = !prior->t && train->n && trace > 0 ? trace / (double)train->n : 1;
    (void)factors_of(train, m, k, l, factor);
    for (size_t t = 0; t < train->tracks; t++)
        if (prior->factor[t] > 0)
            factor[t] = prior->factor[t];
    r->scale = scales(train, factor, k);
    free(factor);
    int rc = decompose(r, m, trace, e);
    if (rc < 0)
        weft_ridge_free(&r);
    *out = r;
    return rc;
}

void weft_ridge_free(struct weft_ridge **rp)
{
    struct weft_ridge *r = *rp;
    if (!r)
        return;
    double *all[] = {r->mean, r->scale, r->z, r->value, r->centre, r->mf};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    sums_free(&r->g);
    weft_columns_free(&r->c);
    free(r);
    *rp = NULL;
}

/* d[i] = 1 / (eigenvalue + alpha). Without a prior 0 where there is nothing; with one rounding may leave an eigenvalue
 * of nothing below 0. */
static void filter(const struct weft_ridge *r, double alpha, double *d)
{
    double largest = r->value[r->c.shared - 1];
    for (size_t i = 0; i < r->c.shared; i++)
        if (r->prior)
            d[i] = 1 / (fmax(r->value[i], 0) + alpha);
        else
            d[i] = r->value[i] > EIGEN_CUT * largest && largest > 0 ? 1 / (r->value[i] + alpha) : 0;
}

/* B and E of the header at row i of step h, own column j. */
static double right(const struct weft_ridge *r, double alpha, size_t i, size_t h)
{
    size_t at = i * r->c.horizon + h;
    return r->centre ? r->g.sy[at] + alpha * r->centre[at] : r->g.sy[at];
}

static double beside(const struct weft_ridge *r, double alpha, size_t i, size_t h, size_t j)
{
    size_t at = (i * r->c.horizon + h) * r->c.own + j;
    return r->mf ? r->g.sf[at] + alpha * r->mf[at] : r->g.sf[at];
}

/* The own weights of step h. a: room for [own + 1, own] */
static void solve_own(const struct weft_ridge *r, size_t h, double alpha, const double *d, double *a, double *u)
{
    const struct weft_prior *p = r->prior;
    size_t own = r->c.own;
    double *e = a + own * own;
    for (size_t i = 0; i < own; i++) {
        size_t at = h * own + i;
        u[i] = r->g.fy[at] + (p ? alpha * p->own[at] : 0);
        for (size_t j = 0; j < own; j++) {
            double metric = p && p->ff ? p->ff[at * own + j] : i == j;
            a[i * own + j] = r->g.ff[at * own + j] + alpha * metric;
        }
    }
    for (size_t k = 0; k < r->c.shared; k++) {
        for (size_t i = 0; i < own; i++)
            e[i] = beside(r, alpha, k, h, i);
        for (size_t i = 0; i < own; i++) {
            double x = d[k] * e[i];
            u[i] -= x * right(r, alpha, k, h);
            for (size_t j = 0; j < own; j++)
                a[i * own + j] -= x * e[j];
        }
    }
    weft_columns_solve(own, 1, a, r->least, u);
}

/* The fit in coordinates z: y[S, H], u[H, own]. */
static void solve(const struct weft_ridge *r, double strength, double *y, double *u)
{
    size_t n = r->c.shared, own = r->c.own, horizon = r->c.horizon;
    double alpha = strength * r->unit, *d = WEFT_ARRAY(double, n), *a = WEFT_ARRAY(double, (own + 1) * own + 1);
    filter(r, alpha, d);
    for (size_t h = 0; h < horizon && own; h++)
        solve_own(r, h, alpha, d, a, u + h * own);
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < horizon; h++) {
            double x = right(r, alpha, i, h);
            for (size_t j = 0; j < own; j++)
                x -= beside(r, alpha, i, h, j) * u[h * own + j];
            y[i * horizon + h] = d[i] * x;
        }
    free(d);
    free(a);
}

/* Where no step has columns of its own, and nothing is shrunk towards: tr Vyy - 2 d'c + d' M d, with M = Vss * (B B')
 * by elements and c[i] = sum over h of B[i, h] Vsy[i, h]: no product of matrices for each ridge. */
static void score_shared(const struct weft_ridge *r, const struct sums *v, const double *ridge, size_t n, double *error)
{
    size_t s = r->c.shared, h = r->c.horizon;
    const double *b = r->g.sy;
    double *m = weft_xaligned(s * s, sizeof *m), *c = WEFT_ARRAY(double, s), *d = WEFT_ARRAY(double, s);
    weft_dgemm(false, true, s, s, h, 1, b, h, b, h, 0, m, s);
    for (size_t i = 0; i < s * s; i++)
        m[i] *= v->ss[i];
    for (size_t i = 0; i < s; i++)
        for (size_t k = 0; k < h; k++)
            c[i] += b[i * h + k] * v->sy[i * h + k];
    for (size_t k = 0; k < n; k++) {
        error[k] = v->yy;
        filter(r, ridge[k] * r->unit, d);
        for (size_t i = 0; i < s; i++) {
            double md = 0;
            for (size_t j = 0; j < s; j++)
                md += m[i * s + j] * d[j];
            error[k] += d[i] * (md - 2 * c[i]);
        }
    }
    free(d);
    free(c);
    free(m);
}

void weft_ridge_score(const struct weft_ridge *r, const struct weft_gram *valid, const double *strength, size_t n,
                      double *mse)
{
    size_t s = r->c.shared, h = r->c.horizon, own = r->c.own;
    double *y = weft_xaligned(s * h, sizeof *y), *room = weft_xaligned(s * h, sizeof *room),
           *u = WEFT_ARRAY(double, h *own + 1);
    struct sums v = take(&r->c, moments(valid, r->c.lookback, r->norm, r->mean, r->k), r->k, r->scale);
    congruent(s, r->z, v.ss);
    turn(r, h, &v.sy);
    turn(r, h * own, &v.sf);
    if (!r->prior && !own)
        score_shared(r, &v, strength, n, mse);
    for (size_t i = 0; i < n && (r->prior || own); i++) {
        solve(r, strength[i], y, u);
        mse[i] = squares(&r->c, &v, y, u, room);
    }
    for (size_t i = 0; i < n; i++)
        mse[i] /= (double)valid->n * (double)h;
    sums_free(&v);
    free(u);
    free(room);
    free(y);
}

void weft_ridge_weights(const struct weft_ridge *r, double strength, double *w, double *bias, double *v)
{
    const struct weft_columns *c = &r->c;
    size_t l = c->lookback, s = c->shared, own = c->own, h = c->horizon, weights = c->lead + own;
    double *y = weft_xaligned(s * h, sizeof *y), *u = WEFT_ARRAY(double, h *own + 1),
           *full = weft_xaligned(h * s, sizeof *full);
    solve(r, strength, y, u);
    weft_dgemm(true, false, h, s, s, 1, y, h, r->z, s, 0, full, s);
    for (size_t k = 0; k < h; k++) {
        bias[k] = r->mean ? r->mean[l + k] : 0;
        for (size_t i = 0; i < s + own; i++) {
            size_t at = i < s ? c->s[i] : c->owns[k * own + i - s];
            double x = (i < s ? full[k * s + i] : u[k * own + i - s]) * r->scale[at];
            bias[k] -= r->mean ? x * r->mean[at] : 0;
            if (i < l)
                w[k * l + i] = x;
            else if (i < l + c->lead)
                v[k * weights + c->weight[i - l]] = x;
            else if (i < s)
                bias[k] = x;
            else
                v[k * weights + c->weight[c->lead + i - s]] = x;
        }
    }
    free(full);
    free(u);
    free(y);
}

double weft_linear_mse(const struct weft_gram *valid, size_t lookback, enum weft_norm norm, const double *w,
                       const double *bias, const double *v)
{
    size_t horizon = valid->to[0] - lookback, k = valid->width + (norm == WEFT_NORM_NONE);
    struct weft_columns c;
    columns_of(valid, lookback, horizon, k > valid->width, &c);
    double *one = WEFT_ARRAY(double, k), *u = WEFT_ARRAY(double, horizon *c.own + 1);
    for (size_t i = 0; i < k; i++)
        one[i] = 1;
    double *y = into_columns(&c, one, w, bias, v, u), *room = weft_xaligned(c.shared * horizon, sizeof *room);
    struct sums s = take(&c, moments(valid, lookback, norm, NULL, k), k, NULL);
    double mse = squares(&c, &s, y, u, room) / ((double)valid->n * (double)horizon);
    sums_free(&s);
    weft_columns_free(&c);
    free(room);
    free(y);
    free(u);
    free(one);
    return mse;
}
