/* lead_demand.h - what may be sold within some days: the distribution of a sum of forecasts whose errors belong
 * together.
 *
 * mean is the sum of the steps' forecasts, variance 1'S1 of the covariance of their errors (growth.h has it). From a
 * mean of 20 on, and where the standard error is at most half of it, the sum is normal, or Student's t for as many
 * independent errors as the variance stands on, and what would be below 0 is 0. Below, and where sales are that wild,
 * pieces are counted: the negative binomial distribution of that mean and variance, and where the variance is no larger
 * than the mean the Poisson distribution (Silver, Pyke and Thomas, Inventory and Production Management in Supply
 * Chains, 4th ed. 2017, 5.7 and 9.2; Syntetos and Boylan 2006). A variance of few errors is first widened there, by the
 * square of how much longer Student's interval of 90 % is than the normal one.
 *
 * Closed forms: with r = mean^2 / (variance - mean) and p = mean / variance, P(D <= k) = I_p(r, k + 1), and since
 * d f(d; r) = mean f(d - 1; r + 1), E max(D - s, 0) = mean P(D' >= k) - s P(D > k), k = floor(s), D' of size r + 1. */
#ifndef WEFT_LEAD_DEMAND_H
#define WEFT_LEAD_DEMAND_H

#include <stdbool.h>

#include "base/student.h"

struct weft_lead_demand {
    double mean;        /* as forecast, not below 0 */
    double sd;          /* of the normal distribution, or the scale of Student's t */
    double freedom;     /* INFINITY: the normal one */
    bool counts;        /* the last two do not apply; whole pieces alone */
    double size, share; /* r and p of the negative binomial; size INFINITY: Poisson */
    double expected;    /* mean of the distribution: larger than `mean` by what was cut off below 0 */
};

/* What the number of independent errors, > 1, says: INFINITY, the variance is known. */
struct weft_few_errors {
    double freedom, wider; /* Student's interval of 90 % over the normal one */
};
struct weft_few_errors weft_few_errors_of(double freedom);

/* whole: pieces are counted; else the normal form is taken always. */
struct weft_lead_demand weft_lead_demand_of(double mean, double variance, struct weft_few_errors few, bool whole);

/* P(D <= s). */
double weft_lead_demand_below(const struct weft_lead_demand *d, double s);
/* E max(D - s, 0): what is asked for beyond s; and E max(s - D, 0): what is left of it. */
double weft_lead_demand_beyond(const struct weft_lead_demand *d, double s);
double weft_lead_demand_left(const struct weft_lead_demand *d, double s);
/* The least s >= 0, whole where pieces are counted, with P(D <= s) >= p; p in (0, 1). */
double weft_lead_demand_at(const struct weft_lead_demand *d, double p);

#endif
