/* ridge.h - ridge regression of the horizon on the lookback from Gram matrices alone: weights, and errors without
 * forecasts.
 *
 * A window is (x, y) = (lookback, horizon). With norm none there is an intercept; with last or mean the window's last
 * lookback value or the lookback's mean is subtracted from all of it first (a linear map of G) and added to the
 * forecast again, and there is no intercept. One eigendecomposition of Gxx serves every ridge weight. Directions whose
 * eigenvalue is below 1e-12 of the largest carry nothing (pseudo-inverse): norm last and mean have such a direction by
 * construction. The ridge is relative: alpha = ridge * mean diagonal of Gxx (centred), so that it does not depend on
 * unit or number of windows. */
#ifndef WEFT_RIDGE_H
#define WEFT_RIDGE_H

#include <stddef.h>

#include "base/err.h"
#include "nn/gram.h"

enum weft_norm { WEFT_NORM_NONE, WEFT_NORM_LAST, WEFT_NORM_MEAN, WEFT_NORMS };
/* "none", "last", "mean". */
const char *weft_norm_name(enum weft_norm norm);

/* What is subtracted from a window and added to its forecast: 0, the lookback's last value, or its mean (a float64 sum
 * in order). */
double weft_norm_base(enum weft_norm norm, const float *lookback, size_t n);

/* Sums over windows after the norm, or, with norm none, after `mean`[lookback + horizon] was subtracted. g is finished.
 */
struct weft_moments {
    double *xx; /* [lookback, lookback] */
    double *xy; /* [lookback, horizon] */
    double yy;  /* of squares, over the horizon */
};
void weft_moments_of(const struct weft_gram *g, size_t lookback, enum weft_norm norm, const double *mean,
                     struct weft_moments *m);
void weft_moments_free(struct weft_moments *m);

/* The decomposition of one training Gram. */
struct weft_ridge;

/* train: finished, its target lookback + horizon wide, at least one window; not kept. */
int weft_ridge_new(const struct weft_gram *train, size_t lookback, size_t horizon, enum weft_norm norm,
                   struct weft_ridge **out, struct weft_err *e) WEFT_MUST_USE;
void weft_ridge_free(struct weft_ridge **r);

/* mse[i] = mean squared error over the windows and steps of `valid` (finished, at least one window) of the fit with
 * ridge[i]. */
void weft_ridge_score(const struct weft_ridge *r, const struct weft_gram *valid, const double *ridge, size_t n,
                      double *mse);

/* The fit: w[horizon, lookback], bias[horizon] (0 with norm last and mean), and with exogenous channels exog[horizon,
 * their weights] (columns.h). */
void weft_ridge_weights(const struct weft_ridge *r, double ridge, double *w, double *bias, double *exog);

/* The grid that `--ridge auto` tries, ascending: 0 and half decades from 1e-8 to 1e2. */
enum { WEFT_RIDGE_GRID = 22 };
void weft_ridge_grid(double grid[WEFT_RIDGE_GRID]);

#endif
