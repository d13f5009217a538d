/* exog.h - exogenous channels as a linear forecast of one target sees them.
 *
 * Sales react to a promotion in proportion to what is sold anyway, and a linear model adds. So each exogenous value
 * x[t] is multiplied by the target's local level at a time that is known at every origin from which t can be forecast:
 *
 *     g[t] = x[t] * level[t],   level[t] = mean of y over the steps (t - horizon - level, t - horizon]
 * (effect level) g[t] = x[t] / factor (effect units)
 *
 * in scaled units of the target. Step h of a forecast from origin o is t = o + h - 1 with h <= horizon, so level[t]
 * ends before o: g is known ahead when x is, and being a channel like any other it goes through the Gram recursion
 * (track_gram.h). Before the first `horizon` steps the level is that of the first one that has any. A relative channel
 * (a price) counts as x / mean of x over the train part - 1. A missing value up to the last step with a target is the
 * last known one (at the beginning the first one); ahead nothing is filled.
 *
 * Features of a window: of each channel the last `lags` values before the origin, of future channels those of the
 * horizon, of static channels the last value; and behind all channels a constant 1, treated like a static channel: an
 * intercept in proportion to the level. */
#ifndef WEFT_EXOG_H
#define WEFT_EXOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/role.h"

enum { WEFT_EXOG_MAX = 64 };
enum weft_exog_effect { WEFT_EXOG_LEVEL, WEFT_EXOG_UNITS };
/* "level", "units". */
const char *weft_exog_effect_name(enum weft_exog_effect effect);

struct weft_exog_shape {
    size_t level, horizon; /* level: steps of the mean, at most the lookback */
    size_t lags;           /* at most the lookback */
    bool by_forecast;      /* the errors kept are in proportion to weft_step_spread (model.h), not to the spread of the
                              lookback alone */
    enum weft_exog_effect effect;
    size_t n; /* channels, the constant not among them */
    enum weft_role role[WEFT_EXOG_MAX];
    bool relative[WEFT_EXOG_MAX];
};

/* Channel c (0 .. n; n: the constant): how many values before the origin, and how many from it on, are features. */
size_t weft_exog_lags(const struct weft_exog_shape *s, size_t c);
size_t weft_exog_ahead(const struct weft_exog_shape *s, size_t c);
/* Values of one window: the sum of both over all channels. */
size_t weft_exog_width(const struct weft_exog_shape *s);
/* Weights of one step of the horizon: as many, but of the values ahead that of the step itself alone. */
size_t weft_exog_weights(const struct weft_exog_shape *s);

/* One series: target y[n] and channels x[c][n], original units, NaN: missing. Targets end before step `known`; relative
 * channels refer to steps [0, train). factor: the target's scale. out[n + 1 channels, n] = g, NaN where it is not
 * known. */
void weft_exog_channels(const struct weft_exog_shape *s, const float *y, size_t n, size_t known, size_t train,
                        double factor, const float *const *x, double *out);
/* A series that goes on: what is kept of its channels is reference[n] (what a relative channel refers to, 1 of others)
 * and last[n] (the last known values). */
void weft_exog_keep(const struct weft_exog_shape *s, size_t known, size_t train, const float *const *x,
                    double *reference, double *last);
/* y[n]: at least horizon + level - 1 steps that were there, and then `came` new ones with channels x[c][came]. out[n
 * + 1 channels, came]; last is brought up to date. */
void weft_exog_go_on(const struct weft_exog_shape *s, const float *y, size_t n, size_t came, double factor,
                     const float *const *x, const double *reference, double *last, double *out);
/* What the channels add to the step `ahead` (from 0) of the window whose horizon begins at step `origin`: g[n + 1
 * channels, n] and the step's weights. NaN when something is missing. */
double weft_exog_part(const struct weft_exog_shape *s, const double *g, size_t n, size_t origin, size_t ahead,
                      const float *weights);
/* The features of the window whose horizon begins at step `origin` (>= lookback; origin + horizon <= n where a channel
 * is known ahead): g as made above, out[width]. False when one of them is missing. */
bool weft_exog_gather(const struct weft_exog_shape *s, const double *g, size_t n, size_t origin, float *out);

#endif
