/* explain.h - why a linear model forecasts what it does: exact interventional SHAP values.
 *
 * The forecast of step h is y_h = sum over lags r_hl x_l + b_h. Against a background of windows with mean m_l the
 * Shapley value of a lag, other lags taken as independent of it (interventional), is phi_hl = r_hl (x_l - m_l): exact,
 * and over the lags they sum to the forecast minus the mean forecast (Lundberg & Lee 2017; the linear case: Strumbelj &
 * Kononenko 2014). The background here: all windows of the series itself, the one that is explained among them.
 * Neighbouring days say nearly the same, so single lags are noise: lags are added up in groups. */
#ifndef WEFT_EXPLAIN_H
#define WEFT_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/exog.h"

/* Every lag of every step belongs to exactly one group, the first that fits:
 * last week: the last 7 days; weekday: the same weekday as the step that is forecast, within the last 4 weeks; a year
 * ago: 364 days before that step, and 3 days to either side; month: the last 4 weeks; quarter: the last 13 weeks; rest.
 * In steps of an hour a weekday is the same hour of it; where a step does not divide a week, the last 7 steps are the
 * last week, and there is neither weekday nor month nor quarter. Steps of a week have no weekday; of months and
 * quarters there are only quarter, a year ago, and rest. The last group is no lag's: what the exogenous channels of the
 * model add, their lags and what is known ahead. */
enum weft_lag_group {
    WEFT_LAG_WEEK,
    WEFT_LAG_WEEKDAY,
    WEFT_LAG_MONTH,
    WEFT_LAG_QUARTER,
    WEFT_LAG_YEAR,
    WEFT_LAG_REST,
    WEFT_LAG_CHANNELS,
    WEFT_LAG_GROUPS
};

/* What a week and a year are in steps of so many seconds. */
struct weft_lags {
    size_t recent, week, quarter, year, around; /* week, quarter, year: 0 when a step does not divide them */
};
struct weft_lags weft_lags_of(int64_t step);
/* step: of the horizon, from 1. lag: 1 is the last value before the origin. */
enum weft_lag_group weft_lag_group_of(const struct weft_lags *k, size_t step, size_t lag);

struct weft_explain_job {
    const double *r, *b; /* [horizon, lookback] oldest value first, [horizon]: of scaled values */
    size_t lookback, horizon;
    const float *x; /* [n], original units; NaN: missing */
    size_t n;
    double shift, factor;   /* scaled = (x - shift) / factor */
    size_t near[2], far[2]; /* days, from 1, both ends included */
    struct weft_lags lags;
    /* Of a model with exogenous channels (NULL: none): what its features weigh [horizon, weft_exog_weights], and the
     * channels [whole] in its order; whole is n and what lies ahead. y[whole] is x with nothing ahead. Relative
     * channels refer to steps [0, train). */
    const struct weft_exog_shape *exog;
    const double *v;
    const float *const *channels;
    size_t whole, train;
};
/* One mean over days, in original units. */
struct weft_explained {
    double forecast, mean;        /* for the last window; mean over all windows */
    double phi[WEFT_LAG_GROUPS];  /* sum to forecast - mean */
    size_t lags[WEFT_LAG_GROUPS]; /* pairs of step and lag in each; 0: the lookback does not reach so far */
    double *lag;                  /* [lookback], oldest first, the same of every lag; a view */
};
struct weft_explanation {
    struct weft_explained near, far;
    uint64_t windows; /* of the background */
    double *by_lag;   /* [2, lookback]: near's, then far's; owned: weft_explanation_free */
};
/* False: the last `lookback` values, or what the model looks at beside them, are not all there. Zero-initialise *out
 * once; it is used again. */
bool weft_explain(const struct weft_explain_job *job, struct weft_explanation *out);
void weft_explanation_free(struct weft_explanation *x);

#endif
