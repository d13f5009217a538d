/* shrink.c - least squares shrunk towards given weights. */
#include "nn/shrink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/blas.h"
#include "base/mem.h"
#include "nn/shrink_tracks.h"

/* Directions of the metric whose eigenvalue is below this part of the largest carry nothing, as in ridge.c. */
static const double EIGEN_CUT = 1e-12;

struct weft_prior {
    size_t lookback, horizon, k; /* k: size of x */
    enum weft_norm norm;
    double *t;      /* [k, k] with t M t' = I, and zero rows where M has nothing; NULL: M is the identity */
    double *centre; /* [k, H] = t M W0' : W0 in the coordinates t x */
    struct weft_prior_tracks *tracks; /* with exogenous channels: it has it all */
};

struct weft_shrink {
    const struct weft_prior *prior;
    double *z;      /* [k, k]: coordinates z x in which Gxx is diagonal and M the identity */
    double *value;  /* [k]: that diagonal */
    double *b;      /* [k, H] = z Gxy */
    double *centre; /* [k, H]: W0 in these coordinates */
    double unit;    /* what a strength of 1 is */
    struct weft_shrink_tracks *tracks;
};

/* --- moments of x and y: those of ridge.c, and with norm none the 1 behind the lookback --- */

static void augmented(const struct weft_gram *g, size_t lookback, enum weft_norm norm, struct weft_moments *m)
{
    size_t l = lookback, h = g->width - l, k = l + 1;
    double *zero = WEFT_ARRAY(double, g->width);
    weft_moments_of(g, l, norm, zero, m);
    free(zero);
    if (norm != WEFT_NORM_NONE)
        return;
    m->xx = weft_xrealloc2(m->xx, k * k, sizeof *m->xx);
    m->xy = weft_xrealloc2(m->xy, k * h, sizeof *m->xy);
    for (size_t i = l; i-- > 0;)
        memmove(m->xx + i * k, m->xx + i * l, l * sizeof *m->xx);
    for (size_t i = 0; i < l; i++)
        m->xx[i * k + l] = m->xx[l * k + i] = g->sum[i];
    m->xx[l * k + l] = (double)g->n;
    memcpy(m->xy + l * h, g->sum + l, h * sizeof *m->xy);
}

/* W' [k, H] of weights and bias; and back. */
static double *columns(size_t lookback, size_t horizon, size_t k, const double *w, const double *bias)
{
    double *out = weft_xaligned(k * horizon, sizeof *out);
    for (size_t h = 0; h < horizon; h++) {
        for (size_t i = 0; i < lookback; i++)
            out[i * horizon + h] = w[h * lookback + i];
        if (k > lookback)
            out[lookback * horizon + h] = bias[h];
    }
    return out;
}

/* --- priors --- */

static struct weft_prior *prior_new(size_t lookback, size_t horizon, enum weft_norm norm)
{
    struct weft_prior *p = WEFT_NEW(struct weft_prior);
    *p = (struct weft_prior){
        .lookback = lookback, .horizon = horizon, .norm = norm, .k = lookback + (norm == WEFT_NORM_NONE)};
    return p;
}

static int prior_of_tracks(struct weft_prior *p, const struct weft_gram *source, bool pooled, double ridge,
                           const double *w0, const double *bias0, const double *v0, struct weft_prior **out,
                           struct weft_err *e)
{
    if (weft_prior_tracks_new(source, p->lookback, p->horizon, p->norm, pooled, ridge, w0, bias0, v0, &p->tracks, e) <
        0)
        weft_prior_free(&p);
    *out = p;
    return p ? 0 : -1;
}

int weft_prior_ridge(const struct weft_gram *source, size_t lookback, size_t horizon, enum weft_norm norm,
                     const double *w0, const double *bias0, const double *v0, struct weft_prior **out,
                     struct weft_err *e)
{
    struct weft_prior *p = prior_new(lookback, horizon, norm);
    if (source->tracks > 1)
        return prior_of_tracks(p, source, false, 0, w0, bias0, v0, out, e);
    p->centre = columns(lookback, horizon, p->k, w0, bias0);
    *out = p;
    return 0;
}

int weft_prior_pooled(const struct weft_gram *source, size_t lookback, size_t horizon, enum weft_norm norm,
                      double ridge, const double *w0, const double *bias0, const double *v0, struct weft_prior **out,
                      struct weft_err *e)
{
    struct weft_prior *p = prior_new(lookback, horizon, norm);
    if (source->tracks > 1)
        return prior_of_tracks(p, source, true, ridge, w0, bias0, v0, out, e);
    struct weft_moments m;
    size_t k = p->k;
    double unit = 0, *value = WEFT_ARRAY(double, k), *w = columns(lookback, horizon, k, w0, bias0);
    augmented(source, lookback, norm, &m);
    /* The ridge is relative to the mean diagonal after centring, as in ridge.c, and leaves the bias alone. */
    for (size_t i = 0; i < lookback; i++)
        unit += (m.xx[i * k + i] - (k > lookback ? source->sum[i] * source->sum[i] / (double)source->n : 0)) /
                (double)lookback;
    for (size_t i = 0; i < lookback; i++)
        m.xx[i * k + i] += ridge * unit;
    p->t = m.xx;
    m.xx = NULL;
    int rc = isfinite(unit) ? weft_eigh(k, p->t, value, e) : weft_fail(e, WEFT_DATA, "values too large to square");
    p->centre = weft_xaligned(k * horizon, sizeof *p->centre);
    if (rc == 0) {
        weft_dgemm(false, false, k, horizon, k, 1, p->t, k, w, horizon, 0, p->centre, horizon);
        for (size_t i = 0; i < k; i++) {
            double root = value[i] > EIGEN_CUT * value[k - 1] && value[k - 1] > 0 ? sqrt(value[i]) : 0;
            for (size_t j = 0; j < k; j++)
                p->t[i * k + j] *= root > 0 ? 1 / root : 0;
            for (size_t h = 0; h < horizon; h++)
                p->centre[i * horizon + h] *= root;
        }
        *out = p;
    } else {
        weft_prior_free(&p);
    }
    weft_moments_free(&m);
    free(value);
    free(w);
    return rc;
}

void weft_prior_free(struct weft_prior **p)
{
    if (!*p)
        return;
    weft_prior_tracks_free(&(*p)->tracks);
    free((*p)->t);
    free((*p)->centre);
    free(*p);
    *p = NULL;
}

/* --- fits --- */

/* out = t a t' for a[k, k]; a itself when t is the identity. */
static double *congruent(size_t k, const double *t, double *a)
{
    if (!t)
        return a;
    double *half = weft_xaligned(k * k, sizeof *half);
    weft_dgemm(false, false, k, k, k, 1, t, k, a, k, 0, half, k);
    weft_dgemm(false, true, k, k, k, 1, half, k, t, k, 0, a, k);
    free(half);
    return a;
}

int weft_shrink_new(const struct weft_gram *train, const struct weft_prior *prior, struct weft_shrink **out,
                    struct weft_err *e)
{
    struct weft_shrink *s = WEFT_NEW(struct weft_shrink);
    s->prior = prior;
    if (prior->tracks) {
        if (weft_shrink_tracks_new(train, prior->tracks, &s->tracks, e) < 0)
            weft_shrink_free(&s);
        *out = s;
        return s ? 0 : -1;
    }
    struct weft_moments m;
    size_t k = prior->k, l = prior->lookback, h = prior->horizon;
    double trace = 0;
    augmented(train, l, prior->norm, &m);
    for (size_t i = 0; i < l; i++)
        trace += m.xx[i * k + i] / (double)l;
    s->unit = !prior->t && train->n && trace > 0 ? trace / (double)train->n : 1;
    s->value = WEFT_ARRAY(double, k);
    s->b = weft_xaligned(k * h, sizeof *s->b);
    s->centre = weft_xaligned(k * h, sizeof *s->centre);
    double *p = congruent(k, prior->t, m.xx);
    int rc = isfinite(trace) ? weft_eigh(k, p, s->value, e) : weft_fail(e, WEFT_DATA, "values too large to square");
    if (rc == 0) {
        weft_dgemm(false, false, k, h, k, 1, p, k, prior->centre, h, 0, s->centre, h);
        s->z = weft_xaligned(k * k, sizeof *s->z);
        if (prior->t)
            weft_dgemm(false, false, k, k, k, 1, p, k, prior->t, k, 0, s->z, k);
        else
            memcpy(s->z, p, k * k * sizeof *p);
        weft_dgemm(false, false, k, h, k, 1, s->z, k, m.xy, h, 0, s->b, h);
        *out = s;
    } else {
        weft_shrink_free(&s);
    }
    weft_moments_free(&m);
    return rc;
}

void weft_shrink_free(struct weft_shrink **s)
{
    if (!*s)
        return;
    weft_shrink_tracks_free(&(*s)->tracks);
    free((*s)->z);
    free((*s)->value);
    free((*s)->b);
    free((*s)->centre);
    free(*s);
    *s = NULL;
}

/* y[k, H]: the fit in the coordinates z. Rounding may leave an eigenvalue of nothing below 0. */
static void solve(const struct weft_shrink *s, double strength, double *y)
{
    size_t k = s->prior->k, h = s->prior->horizon;
    double alpha = strength * s->unit;
    for (size_t i = 0; i < k; i++) {
        double d = 1 / (fmax(s->value[i], 0) + alpha);
        for (size_t j = 0; j < h; j++)
            y[i * h + j] = d * (s->b[i * h + j] + alpha * s->centre[i * h + j]);
    }
}

/* Sum of squared errors of y[k, H] on moments in the same coordinates. room: [k, H] */
static double squares(size_t k, size_t horizon, const double *xx, const double *xy, double yy, const double *y,
                      double *room)
{
    double sum = yy;
    weft_dgemm(false, false, k, horizon, k, 1, xx, k, y, horizon, 0, room, horizon);
    for (size_t i = 0; i < k * horizon; i++)
        sum += y[i] * (room[i] - 2 * xy[i]);
    return sum;
}

void weft_shrink_score(const struct weft_shrink *s, const struct weft_gram *valid, const double *strength, size_t n,
                       double *mse)
{
    size_t k = s->prior->k, h = s->prior->horizon;
    struct weft_moments v;
    if (s->tracks) {
        weft_shrink_tracks_score(s->tracks, valid, strength, n, mse);
        return;
    }
    double *xy = weft_xaligned(k * h, sizeof *xy), *y = weft_xaligned(k * h, sizeof *y),
           *room = weft_xaligned(k * h, sizeof *room);
    augmented(valid, s->prior->lookback, s->prior->norm, &v);
    double *xx = congruent(k, s->z, v.xx);
    weft_dgemm(false, false, k, h, k, 1, s->z, k, v.xy, h, 0, xy, h);
    for (size_t i = 0; i < n; i++) {
        solve(s, strength[i], y);
        mse[i] = squares(k, h, xx, xy, v.yy, y, room) / ((double)valid->n * (double)h);
    }
    free(room);
    free(y);
    free(xy);
    weft_moments_free(&v);
}

void weft_shrink_weights(const struct weft_shrink *s, double strength, double *w, double *bias, double *v)
{
    size_t k = s->prior->k, l = s->prior->lookback, h = s->prior->horizon;
    if (s->tracks) {
        weft_shrink_tracks_weights(s->tracks, strength, w, bias, v);
        return;
    }
    double *y = weft_xaligned(k * h, sizeof *y), *full = weft_xaligned(k * h, sizeof *full);
    solve(s, strength, y);
    weft_dgemm(true, false, h, k, k, 1, y, h, s->z, k, 0, full, k);
    for (size_t j = 0; j < h; j++) {
        memcpy(w + j * l, full + j * k, l * sizeof *w);
        bias[j] = k > l ? full[j * k + l] : 0;
    }
    free(full);
    free(y);
}

double weft_linear_mse(const struct weft_gram *valid, size_t lookback, enum weft_norm norm, const double *w,
                       const double *bias, const double *exog)
{
    if (valid->tracks > 1)
        return weft_linear_tracks_mse(valid, lookback, norm, w, bias, exog);
    size_t h = valid->width - lookback, k = lookback + (norm == WEFT_NORM_NONE);
    struct weft_moments v;
    double *y = columns(lookback, h, k, w, bias), *room = weft_xaligned(k * h, sizeof *room);
    augmented(valid, lookback, norm, &v);
    double mse = squares(k, h, v.xx, v.xy, v.yy, y, room) / ((double)valid->n * (double)h);
    free(room);
    free(y);
    weft_moments_free(&v);
    return mse;
}
