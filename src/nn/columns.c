/* columns.c - the columns of a Gram matrix with exogenous channels. */
#include "nn/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/blas.h"

void weft_columns_of(const struct weft_gram *g, size_t lookback, size_t horizon, struct weft_columns *c)
{
    size_t most = g->width + 1, weight = 0;
    *c = (struct weft_columns){.lookback = lookback, .horizon = horizon};
    c->leads = WEFT_ARRAY(size_t, most);
    c->s = WEFT_ARRAY(size_t, most);
    c->owns = WEFT_ARRAY(size_t, most);
    c->weight = WEFT_ARRAY(size_t, most);
    c->track = WEFT_ARRAY(size_t, most);
    size_t *owns = WEFT_ARRAY(size_t, g->tracks); /* their places among the weights */
    for (size_t k = 1; k < g->tracks; k++) {
        for (size_t i = 0; i < lookback - g->from[k]; i++, weight++) {
            c->weight[c->lead] = weight;
            c->track[c->lead] = k;
            c->leads[c->lead++] = g->base[k] + i;
        }
        if (g->to[k] > lookback)
            owns[c->own++] = weight++;
    }
    for (size_t k = 1, n = 0; k < g->tracks; k++) {
        if (g->to[k] <= lookback)
            continue;
        for (size_t h = 0; h < horizon; h++)
            c->owns[h * c->own + n] = g->base[k] + lookback - g->from[k] + h;
        c->weight[c->lead + n] = owns[n];
        c->track[c->lead + n++] = k;
    }
    for (c->shared = 0; c->shared < lookback + c->lead; c->shared++)
        c->s[c->shared] = c->shared < lookback ? c->shared : c->leads[c->shared - lookback];
    free(owns);
}

void weft_columns_free(struct weft_columns *c)
{
    free(c->leads);
    free(c->s);
    free(c->owns);
    free(c->weight);
    free(c->track);
    *c = (struct weft_columns){0};
}

void weft_columns_pick(const double *m, size_t width, const size_t *rows, size_t n_rows, const size_t *columns,
                       size_t n_columns, double *out)
{
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < n_columns; j++)
            *out++ = m[rows[i] * width + columns[j]];
}

void weft_columns_factors(const struct weft_gram *g, const double *diagonal, double unit, double *factor)
{
    factor[0] = 1;
    for (size_t k = 1; k < g->tracks; k++) {
        size_t n = g->to[k] - g->from[k];
        double square = 0;
        for (size_t i = 0; i < n; i++)
            square += diagonal[g->base[k] + i] / (double)n;
        factor[k] = square > 0 ? sqrt(unit / square) : 0;
        factor[k] = isfinite(factor[k]) ? factor[k] : 0;
    }
}

void weft_columns_solve(size_t n, size_t m, double *a, double least, double *b)
{
    enum { TRIES = 12 };
    double *u = weft_xaligned(n * n + 1, sizeof *u);
    bool fits = n == 0;
    for (int i = 0; i < TRIES && !fits; i++, least *= 10) {
        memcpy(u, a, n * n * sizeof *u);
        for (size_t k = 0; k < n; k++)
            u[k * n + k] += least;
        fits = weft_cholesky(n, u);
    }
    if (fits && n) {
        weft_cholesky_half(true, n, m, u, n, b, m);
        weft_cholesky_half(false, n, m, u, n, b, m);
    } else if (!fits) {
        memset(b, 0, n * m * sizeof *b);
    }
    free(u);
}
