/* shrink.h - least squares of the horizon on the lookback, shrunk towards given weights W0 in a metric M, from Gram
 * matrices alone:
 *
 *     W = argmin sum over windows |y - W x|^2 + k tr (W - W0) M (W - W0)',     W' = (Gxx + k M)^-1 (Gxy + k M W0')
 *
 * Two ways to borrow from a richer source are this one formula. M = I: ridge towards the source's matrix. M = Gs +
 * alpha I, the source's own Gram with the ridge its W0 was fitted with: M W0' is then the source's Gxy, so W' = (Gt + k
 * (Gs + alpha I))^-1 (Bt + k Bs), the pooled fit in which a window of the source counts k windows of the target. For k
 * -> 0 both are the target's own least squares, for k -> infinity both are W0.
 *
 * x is the lookback after the norm; with norm none a 1 follows it whose weight is the bias (so the bias is shrunk as
 * well, and the limits hold). In the coordinates z = P T x, where T M T' = I and P T Gxx T' P' is diagonal, every
 * strength k is a division: one decomposition of M (for all targets) and one of the target's Gram serve all of them. */
#ifndef WEFT_SHRINK_H
#define WEFT_SHRINK_H

#include <stddef.h>

#include "base/err.h"
#include "nn/ridge.h"

/* A metric and what is shrunk towards, from the source's finished sums and its fit. w0: [horizon, lookback], bias0:
 * [horizon] (no part of it with norm last and mean), v0: [horizon, weights of exogenous channels] (columns.h), NULL
 * without any; none is kept. With channels their columns are brought to the lookback's mean square first
 * (shrink_tracks.h). */
struct weft_prior;
int weft_prior_pooled(const struct weft_gram *source, size_t lookback, size_t horizon, enum weft_norm norm,
                      double ridge, const double *w0, const double *bias0, const double *v0, struct weft_prior **out,
                      struct weft_err *e) WEFT_MUST_USE;
int weft_prior_ridge(const struct weft_gram *source, size_t lookback, size_t horizon, enum weft_norm norm,
                     const double *w0, const double *bias0, const double *v0, struct weft_prior **out,
                     struct weft_err *e) WEFT_MUST_USE;
void weft_prior_free(struct weft_prior **p);

/* The decomposition of one training Gram (finished; no window at all is allowed: every fit is then W0). The prior must
 * live as long. */
struct weft_shrink;
int weft_shrink_new(const struct weft_gram *train, const struct weft_prior *prior, struct weft_shrink **out,
                    struct weft_err *e) WEFT_MUST_USE;
void weft_shrink_free(struct weft_shrink **s);

/* Strength k > 0. Pooled: what a window of the source counts. Ridge: how many target windows W0 counts: the weight on I
 * is k times the mean square of a value of a lookback, so that k depends on no unit and its share falls as windows
 * come. */

/* mse[i] = mean squared error over the windows and steps of `valid` (finished, at least one window) with strength[i].
 */
void weft_shrink_score(const struct weft_shrink *s, const struct weft_gram *valid, const double *strength, size_t n,
                       double *mse);
/* The fit: w[horizon, lookback], bias[horizon] (0 with norm last and mean), v as v0 (NULL without channels). */
void weft_shrink_weights(const struct weft_shrink *s, double strength, double *w, double *bias, double *v);

/* Mean squared error of any weights over the windows and steps of `valid` (finished, at least one window). */
double weft_linear_mse(const struct weft_gram *valid, size_t lookback, enum weft_norm norm, const double *w,
                       const double *bias, const double *v);

#endif
