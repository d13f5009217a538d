/* nested.h - ridge fits of every lookback, every subtracted mean and every ridge weight from one Gram matrix, and their
 * errors on another.
 *
 * With the latest value first, the Gram matrix of a shorter lookback is the leading block of that of a longer one, and
 * so are its Cholesky factor U and everything multiplied by U'^-1: for one ridge weight one factorisation serves every
 * lookback, and running sums give every error (the windows stay those of the longest lookback). Subtracting the mean e
 * of the last k values and adding it again is, in raw coordinates, a fit R whose weights add up to 1 for every step and
 * whose penalty leaves out the direction e: R = argmin ||Y - X R||^2 + alpha (||R||^2 - |e' R|^2 / e'e), 1' R = 1'.
 * That is a rank one change of A = Gxx + alpha I and a Lagrange multiplier; the intercept (nothing subtracted) is a
 * rank one change too. So the same factor serves every k. alpha = ridge * the mean variance within a window of the
 * longest lookback.
 *
 * With exogenous channels (a Gram of several tracks) step h with lookback l sees a lead [a: the lags of all channels (P
 * columns) | x: the target's values 1 .. l, latest first] and own values f_h of the channels known ahead. a stands in
 * front, so that P + l is a leading block for every l; f_h is eliminated last, as a Schur complement S_h. With the
 * Cholesky factor U of the lead and q = a row of U'^-1 [Gly_h | Glf_h | j_k.. | 1 | s | t], running sums over rows of
 * qq' (M1), of q times the validation's rows (M2) and of q (Tq)' + (Tq) q' (M3; T: the lower triangle of U'^-1 V U^-1
 * with half its diagonal) hold, after P + l rows, all that lookback l needs. With <a, b> = M1[a, b] + (a_f - M1[f, a])'
 * S_h^-1 (b_f - M1[f, b]) the corrections for the mean of the last k and for the intercept are those above, for each
 * step by itself. The ridge is alpha on every column of the lead and own times alpha on f_h, channels being brought to
 * the mean square within the lookback's windows first. */
#ifndef WEFT_NESTED_H
#define WEFT_NESTED_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/gram.h"

/* Subtract the mean of the whole lookback, whatever it is. */
#define WEFT_NESTED_WHOLE SIZE_MAX

/* One way to forecast. */
struct weft_nested_config {
    size_t lookback;
    size_t last; /* the mean of so many last values is subtracted and added again; 0: nothing, and an intercept instead;
                    1: the last value */
    double ridge; /* above 0 */
    double own;   /* of channels known ahead: what part of the ridge the weights have that a step has for itself */
};
struct weft_nested_grid {
    const size_t *lookback; /* ascending */
    size_t n_lookbacks;
    const size_t *last; /* 0, lengths, WEFT_NESTED_WHOLE in any order */
    size_t n_lasts;
    const double *own; /* NULL: without channels known ahead there is one, that plays no part */
    size_t n_owns;
};

/* Moments of a training and a validation Gram (finished, their targets lookback + horizon wide). The training windows
 * count n (they may be weighted). valid must live as long, or is NULL: weights alone. */
struct weft_nested;
struct weft_nested *weft_nested_new(const struct weft_gram *train, double n, const struct weft_gram *valid,
                                    size_t lookback, size_t horizon);
void weft_nested_free(struct weft_nested **f);

/* mse[(i * n_lasts + j) * n_owns + o] = mean squared error over the validation windows and steps of lookback[i] with
 * last[j] and own[o]; INFINITY where last[j] is not below the lookback (the whole is asked for by its own name) or
 * there is no fit. Changes nothing: several threads may call it. */
void weft_nested_errors(const struct weft_nested *f, const struct weft_nested_grid *g, double ridge, double *mse);

/* Adds share times the fit to r[horizon, longest lookback] (raw coordinates, oldest value first, zero before its own
 * lookback), bias[horizon] and, of exogenous channels, exog[horizon, their weights] (columns.h): forecast = r x + bias
 * + exog g. False, and nothing added, when there is no fit. */
bool weft_nested_add(const struct weft_nested *f, const struct weft_nested_config *c, double share, double *r,
                     double *bias, double *exog);

/* Adds the second moments of the validation errors of any r, bias and exog to cov[horizon, horizon] (not divided by the
 * windows, mean not removed); returns the windows. */
uint64_t weft_nested_moments(const struct weft_nested *f, const double *r, const double *bias, const double *exog,
                             double *cov);

#endif
