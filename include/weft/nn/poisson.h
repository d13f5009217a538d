/* poisson.h - regression of values that are not negative on sparse columns: Poisson pseudo-likelihood with log link, by
 * Newton's method, with a ridge towards given coefficients.
 *
 *     mu[t] = exp(offset[t] + sum over j of x[t][j] b[j]),   loss = sum over t of (mu[t] - y[t] log mu[t]) + sum over j
 * of lambda[j] / 2 (b[j] - b0[j])^2
 *
 * The values need not be counts, nor their variance their mean: the estimate of the mean is consistent whatever it is
 * (Gourieroux, Monfort & Trognon 1984). Gradient and Hessian are sums over rows: they add up over series and machines.
 * The exponent is kept in [-8, 4] and a step of a coefficient in [-1, 1], so that all stays finite where a column
 * decides alone (a promotion on which nothing is ever sold). A row costs the square of its columns that are not 0. */
#ifndef WEFT_POISSON_H
#define WEFT_POISSON_H

#include <stddef.h>
#include <stdint.h>

enum { WEFT_POISSON_STEPS = 12 };

/* Rows one after the other. Zero-initialise; reuse with weft_sparse_clear. */
struct weft_sparse {
    size_t n, cap, used, room;
    size_t *begin;      /* [n + 1]: row t has elements begin[t] .. begin[t + 1], columns ascending */
    uint16_t *col;      /* [used] */
    float *x;           /* [used] */
    double *y, *offset; /* [n] */
};
void weft_sparse_clear(struct weft_sparse *r);
void weft_sparse_free(struct weft_sparse *r);
/* Adds an element to the row that is being made; a row ends with weft_sparse_end. Values of 0 are left out. */
void weft_sparse_put(struct weft_sparse *r, size_t col, double x);
void weft_sparse_end(struct weft_sparse *r, double y, double offset);

/* Sums of one pass: zero-initialised arrays gradient[n] and hessian[n, n] (lower triangle: [i, j] with i >= j). */
struct weft_poisson_sums {
    size_t n;
    double *gradient, *hessian;
};
struct weft_poisson_sums weft_poisson_sums_new(size_t n);
void weft_poisson_sums_clear(struct weft_poisson_sums *s);
void weft_poisson_sums_free(struct weft_poisson_sums *s);
/* Adds the rows at coefficients b[n]. */
void weft_poisson_add(const struct weft_sparse *r, const double *b, struct weft_poisson_sums *s);
void weft_poisson_merge(struct weft_poisson_sums *to, const struct weft_poisson_sums *from);
/* One step of Newton from the sums at b, which moves. Changes the sums. Returns the largest step of a coefficient. */
double weft_poisson_step(struct weft_poisson_sums *s, const double *lambda, const double *b0, double *b);
/* Whether steps of this size are small enough to stop. */
#define WEFT_POISSON_STOP 1e-4
/* All steps on one set of rows, from b on; s is room. Returns how many were made. */
int weft_poisson_fit(const struct weft_sparse *r, const double *lambda, const double *b0, double *b,
                     struct weft_poisson_sums *s);

#endif
