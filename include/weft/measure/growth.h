/* growth.h - the growth index of groups of forecasts: mean of the far days / mean of the near days.
 *
 * Errors of the steps of one series are correlated (its covariance is used whole); those of different series are taken as independent, so a group's
 * interval is honest when its series were added up before forecasting (aggregate), and somewhat narrow when not. */
#ifndef WEFT_GROWTH_H
#define WEFT_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Steps of the horizon, counted from 1, both ends included. */
struct weft_growth_days {
    size_t from, to;
};
/* "41:50"; false unless 1 <= from <= to. */
bool weft_growth_days_parse(const char *text, struct weft_growth_days *d);

/* Near and far days as options give them (NULL: the first and the last fifth of the horizon). 64 when they are no days, 78 when they lie behind the horizon or
 * the far ones begin before the near ones end; with a horizon of 1 all are the same day. */
int weft_growth_days_read(const char *near_text, const char *far_text, size_t horizon, struct weft_growth_days *near, struct weft_growth_days *far,
                          struct weft_err *e) WEFT_MUST_USE;

/* What the forecasts of a group add up to. Zero-initialise. */
struct weft_growth_sums {
    double near, far;                   /* sums over series of the mean over the days */
    double var_near, var_far, cov;      /* of near and far, summed over series */
    uint64_t series, without_covariance;
};
/* Adds one forecast [horizon]; covariance [horizon, horizon] or NULL. False, and nothing added, when a day of near or far is a missing value. */
bool weft_growth_add(struct weft_growth_sums *g, const float *forecast, const float *covariance, size_t horizon, struct weft_growth_days near,
                     struct weft_growth_days far);

/* The index of one group. */
struct weft_growth {
    double index;     /* far / near; NaN when near is not above 0 */
    double shrunk;    /* (far + pseudo) / (near + pseudo): what ranks; NaN when that is not above 0 */
    double sd;        /* standard error of `shrunk` (delta method); NaN without covariance */
    double low, high; /* interval of `shrunk`, not below 0; NaN without covariance */
    bool thin;        /* the pseudo volume is more than a fifth of near: little is known */
};
/* pseudo: volume a day that stands for "no growth", so that a group that sells next to nothing can't win by chance. z: quantile of the standard normal
 * distribution for the interval (1.645: 90%). Var = (f - g n)' S (f - g n) / near^2, the delta method, f and n averaging over the days. */
struct weft_growth weft_growth_of(const struct weft_growth_sums *g, double pseudo, double z);
/* z of a two-sided interval of this level in (0, 1): the inverse of the normal distribution function by bisection on erfc, to 1e-9. */
double weft_growth_z(double level);

#endif
