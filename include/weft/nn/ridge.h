/* ridge.h - ridge regression of the horizon on the lookback from Gram matrices alone, and least squares shrunk towards
 * given weights: weights, and errors without forecasts.
 *
 * A window is (x, y) = (lookback, horizon). With norm none there is an intercept; with last or mean the window's last
 * lookback value or the lookback's mean is subtracted from all of it first (a linear map of G) and added to the
 * forecast again, and there is no intercept. One eigendecomposition of Gxx serves every ridge weight. Directions whose
 * eigenvalue is below 1e-12 of the largest carry nothing (pseudo-inverse): norm last and mean have such a direction by
 * construction. The ridge is relative: alpha = ridge * mean diagonal of Gxx (centred), so that it does not depend on
 * unit or number of windows.
 *
 * Shrunk towards W0 in a metric M it is
 *
 *     W = argmin sum over windows |y - W x|^2 + k tr (W - W0) M (W - W0)',     W' = (Gxx + k M)^-1 (Gxy + k M W0')
 *
 * Two ways to borrow from a richer source are this one formula. M = I: ridge towards the source's matrix. M = Gs +
 * alpha I, the source's own Gram with the ridge its W0 was fitted with: M W0' is then the source's Gxy, so W' = (Gt + k
 * (Gs + alpha I))^-1 (Bt + k Bs), the pooled fit in which a window of the source counts k windows of the target. For k
 * -> 0 both are the target's own least squares, for k -> infinity both are W0. With norm none a 1 follows x whose
 * weight is the bias (so the bias is shrunk as well, and the limits hold). In the coordinates z = P T x, where T M T' =
 * I and P T Gxx T' P' is diagonal, every strength k is a division: one decomposition of M (for all targets) and one of
 * the target's Gram serve all of them.
 *
 * With exogenous channels (a Gram of several tracks) step h sees the lookback, the lags of all channels, and of each
 * channel known ahead its own day alone (columns.h): what the steps share is decomposed once, the own part of each step
 * is its Schur complement. The columns of a channel are brought to the mean square of the lookback's first (with a
 * prior in the source's windows, in the target's where the source has nothing), so that the ridge means the same for
 * all. */
#ifndef WEFT_RIDGE_H
#define WEFT_RIDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "nn/gram.h"

enum weft_norm { WEFT_NORM_NONE, WEFT_NORM_LAST, WEFT_NORM_MEAN, WEFT_NORMS };
/* "none", "last", "mean". */
const char *weft_norm_name(enum weft_norm norm);

/* What is subtracted from a window and added to its forecast: 0, the lookback's last value, or its mean (a float64 sum
 * in order). */
double weft_norm_base(enum weft_norm norm, const float *lookback, size_t n);

/* --- what to shrink towards --- */

/* Weights of a source W0 and a metric M, from the source's finished sums and its fit: w0: [horizon, lookback], bias0:
 * [horizon] (no part of it with norm last and mean), v0: [horizon, weights of exogenous channels] (columns.h), NULL
 * without any; none is kept. pooled: M = Gs + alpha I, the source's Gram with the ridge its W0 was fitted with; else M
 * = I. */
struct weft_prior;
int weft_prior_new(const struct weft_gram *source, size_t lookback, size_t horizon, enum weft_norm norm, bool pooled,
                   double ridge, const double *w0, const double *bias0, const double *v0, struct weft_prior **out,
                   struct weft_err *e) WEFT_MUST_USE;
void weft_prior_free(struct weft_prior **p);

/* --- fits --- */

/* The decomposition of one training Gram. */
struct weft_ridge;

/* train: finished, its target lookback + horizon wide, at least one window; not kept. */
int weft_ridge_new(const struct weft_gram *train, size_t lookback, size_t horizon, enum weft_norm norm,
                   struct weft_ridge **out, struct weft_err *e) WEFT_MUST_USE;
/* Towards a prior, which must live as long. No window at all is allowed: every fit is then W0. */
int weft_ridge_towards(const struct weft_gram *train, const struct weft_prior *prior, struct weft_ridge **out,
                       struct weft_err *e) WEFT_MUST_USE;
void weft_ridge_free(struct weft_ridge **r);

/* Strengths: without a prior the ridge. With one above 0: pooled, what a window of the source counts; else how many
 * target windows W0 counts: the weight on I is that times the mean square of a value of a lookback, so that it depends
 * on no unit and its share falls as windows come. */

/* mse[i] = mean squared error over the windows and steps of `valid` (finished, at least one window) of the fit with
 * strength[i]. */
void weft_ridge_score(const struct weft_ridge *r, const struct weft_gram *valid, const double *strength, size_t n,
                      double *mse);
/* The fit: w[horizon, lookback], bias[horizon] (0 with norm last and mean), and with exogenous channels v[horizon,
 * their weights] (columns.h). */
void weft_ridge_weights(const struct weft_ridge *r, double strength, double *w, double *bias, double *v);

/* Mean squared error of any weights over the windows and steps of `valid` (finished, at least one window). */
double weft_linear_mse(const struct weft_gram *valid, size_t lookback, enum weft_norm norm, const double *w,
                       const double *bias, const double *v);

/* The grid that `--ridge auto` tries, ascending: 0 and half decades from 1e-8 to 1e2. */
enum { WEFT_RIDGE_GRID = 22 };
void weft_ridge_grid(double grid[WEFT_RIDGE_GRID]);

#endif
