/* poisson.c - Newton's method for sparse rows. */
#include "nn/poisson.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/columns.h"

static const double LEAST_EXPONENT = -8, MOST_EXPONENT = 4, MOST_STEP = 1, JITTER = 1e-8;

/* --- rows --- */

void weft_sparse_clear(struct weft_sparse *r)
{
    r->n = r->used = 0;
}

void weft_sparse_free(struct weft_sparse *r)
{
    free(r->begin);
    free(r->col);
    free(r->x);
    free(r->y);
    free(r->offset);
    *r = (struct weft_sparse){0};
}

void weft_sparse_put(struct weft_sparse *r, size_t col, double x)
{
    if (x == 0)
        return;
    if (r->used == r->room) {
        r->room = weft_grow(r->room, r->used + 1);
        r->col = weft_xrealloc2(r->col, r->room, sizeof *r->col);
        r->x = weft_xrealloc2(r->x, r->room, sizeof *r->x);
    }
    r->col[r->used] = (uint16_t)col;
    r->x[r->used++] = (float)x;
}

void weft_sparse_end(struct weft_sparse *r, double y, double offset)
{
    if (r->n + 1 >= r->cap) {
        r->cap = weft_grow(r->cap, r->n + 2);
        r->begin = weft_xrealloc2(r->begin, r->cap, sizeof *r->begin);
        r->y = weft_xrealloc2(r->y, r->cap, sizeof *r->y);
        r->offset = weft_xrealloc2(r->offset, r->cap, sizeof *r->offset);
    }
    if (r->n == 0)
        r->begin[0] = 0;
    r->y[r->n] = y;
    r->offset[r->n++] = offset;
    r->begin[r->n] = r->used;
}

/* --- sums --- */

struct weft_poisson_sums weft_poisson_sums_new(size_t n)
{
    return (struct weft_poisson_sums){n, WEFT_ARRAY(double, n + 1), WEFT_ARRAY(double, n *n + 1)};
}

void weft_poisson_sums_clear(struct weft_poisson_sums *s)
{
    memset(s->gradient, 0, s->n * sizeof *s->gradient);
    memset(s->hessian, 0, s->n * s->n * sizeof *s->hessian);
}

void weft_poisson_sums_free(struct weft_poisson_sums *s)
{
    free(s->gradient);
    free(s->hessian);
    *s = (struct weft_poisson_sums){0};
}

void weft_poisson_add(const struct weft_sparse *r, const double *b, struct weft_poisson_sums *s)
{
    for (size_t t = 0; t < r->n; t++) {
        const uint16_t *col = r->col + r->begin[t];
        const float *x = r->x + r->begin[t];
        size_t n = r->begin[t + 1] - r->begin[t];
        double eta = r->offset[t];
        for (size_t i = 0; i < n; i++)
            eta += b[col[i]] * (double)x[i];
        double mu = exp(fmin(fmax(eta, LEAST_EXPONENT), MOST_EXPONENT)), miss = r->y[t] - mu;
        for (size_t i = 0; i < n; i++) {
            double *row = s->hessian + col[i] * s->n, weight = mu * (double)x[i];
            s->gradient[col[i]] += miss * (double)x[i];
            for (size_t j = 0; j <= i; j++)
                row[col[j]] += weight * (double)x[j];
        }
    }
}

void weft_poisson_merge(struct weft_poisson_sums *to, const struct weft_poisson_sums *from)
{
    for (size_t i = 0; i < to->n; i++)
        to->gradient[i] += from->gradient[i];
    for (size_t i = 0; i < to->n * to->n; i++)
        to->hessian[i] += from->hessian[i];
}

double weft_poisson_step(struct weft_poisson_sums *s, const double *lambda, const double *b0, double *b)
{
    double most = 0;
    for (size_t i = 0; i < s->n; i++) {
        s->gradient[i] -= lambda[i] * (b[i] - b0[i]);
        s->hessian[i * s->n + i] += lambda[i] + JITTER;
        for (size_t j = 0; j < i; j++)
            s->hessian[j * s->n + i] = s->hessian[i * s->n + j];
    }
    weft_columns_solve(s->n, 1, s->hessian, 0, s->gradient);
    for (size_t i = 0; i < s->n; i++) {
        double step = fmin(fmax(s->gradient[i], -MOST_STEP), MOST_STEP);
        b[i] += step;
        most = fmax(most, fabs(step));
    }
    return most;
}

int weft_poisson_fit(const struct weft_sparse *r, const double *lambda, const double *b0, double *b,
                     struct weft_poisson_sums *s)
{
    for (int step = 1; step < WEFT_POISSON_STEPS; step++) {
        weft_poisson_sums_clear(s);
        weft_poisson_add(r, b, s);
        if (weft_poisson_step(s, lambda, b0, b) < WEFT_POISSON_STOP)
            return step;
    }
    weft_poisson_sums_clear(s);
    weft_poisson_add(r, b, s);
    (void)weft_poisson_step(s, lambda, b0, b);
    return WEFT_POISSON_STEPS;
}
