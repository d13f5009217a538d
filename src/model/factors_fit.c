/* factors_fit.c - coefficients of all series together, and of each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/par.h"
#include "model/factors.h"

/* Parts of a pass's sums: a fixed number, so that the order of additions does not depend on the threads. Rows are kept
 * from pass to pass up to so many steps. */
enum { PARTS = 64, KEPT_STEPS = 1 << 19 };

struct pass {
    const struct weft_factor_shape *shape;
    const struct weft_factor_series *x;
    const double *scale, *b;
    size_t n, history;
    struct weft_sparse *rows; /* [n], kept; NULL: made in every pass */
    bool made;
    struct weft_poisson_sums part[PARTS];
};

static void sum_part(void *ctx, size_t k)
{
    struct pass *p = ctx;
    struct weft_sparse own = {0};
    weft_poisson_sums_clear(&p->part[k]);
    for (size_t i = k * p->n / PARTS; i < (k + 1) * p->n / PARTS; i++) {
        struct weft_sparse *r = p->rows ? &p->rows[i] : &own;
        if (!p->rows || !p->made)
            weft_factors_rows(p->shape, &p->x[i], p->history, p->scale[i], r);
        weft_poisson_add(r, p->b, &p->part[k]);
    }
    weft_sparse_free(&own);
}

static size_t steps_of(const struct weft_factor_series *x, size_t n)
{
    size_t steps = 0;
    for (size_t i = 0; i < n; i++)
        steps += x[i].n;
    return steps;
}

void weft_factors_pooled(const struct weft_factor_shape *s, const struct weft_factor_series *x, const double *scale,
                         size_t n, size_t history, struct weft_par *par, double *b)
{
    size_t columns = weft_factor_columns(s) + weft_factor_nuisance(s, history);
    double *lambda = WEFT_ARRAY(double, columns), *zero = WEFT_ARRAY(double, columns);
    struct pass *p = WEFT_NEW(struct pass);
    *p = (struct pass){.shape = s, .x = x, .scale = scale, .b = b, .n = n, .history = history};
    p->rows = steps_of(x, n) <= KEPT_STEPS ? WEFT_ARRAY(struct weft_sparse, n) : NULL;
    for (size_t k = 0; k < PARTS; k++)
        p->part[k] = weft_poisson_sums_new(columns);
    for (size_t j = 0; j < columns; j++)
        lambda[j] = WEFT_FACTOR_POOLED_RIDGE;
    memset(b, 0, columns * sizeof *b);
    for (int step = 0; step < WEFT_POISSON_STEPS; step++) {
        weft_par_for(par, PARTS, sum_part, p);
        p->made = true;
        for (size_t k = 1; k < PARTS; k++)
            weft_poisson_merge(&p->part[0], &p->part[k]);
        if (weft_poisson_step(&p->part[0], lambda, zero, b) < WEFT_POISSON_STOP)
            break;
    }
    for (size_t k = 0; k < PARTS; k++)
        weft_poisson_sums_free(&p->part[k]);
    for (size_t i = 0; p->rows && i < n; i++)
        weft_sparse_free(&p->rows[i]);
    free(p->rows);
    free(p);
    free(lambda);
    free(zero);
}

void weft_factors_own(const struct weft_factor_shape *s, const struct weft_factor_series *x, double scale,
                      size_t history, double kappa, const double *parent, double *b)
{
    size_t columns = weft_factor_columns(s) + weft_factor_nuisance(s, history);
    double *lambda = WEFT_ARRAY(double, columns);
    struct weft_sparse rows = {0};
    memcpy(b, parent, columns * sizeof *b);
    weft_factor_ridge(s, history, kappa, lambda);
    weft_factors_rows(s, x, history, scale, &rows);
    if (rows.n) {
        struct weft_poisson_sums sums = weft_poisson_sums_new(columns);
        (void)weft_poisson_fit(&rows, lambda, parent, b, &sums);
        weft_poisson_sums_free(&sums);
    }
    weft_sparse_free(&rows);
    free(lambda);
}
