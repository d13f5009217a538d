/* growth.h - the growth index of groups of forecasts: mean of the far days / mean of the near days, weekdays alike.
 *
 * By default near and far are whole seasons of the step (calendar.h: 7 days, 24 hours), so that the index does not
 * measure the week. Where they hold the season's phases in unequal shares, each side is first divided by how far these
 * days stand above the mean of the season, as the group's own profile says:
 *     growth = (sum far forecast / sum far profile) / (sum near forecast / sum near profile)
 * The profile is the mean by phase over the last eight seasons before the origin (the ratio-to-mean index of classical
 * decomposition; Hyndman & Athanasopoulos, Forecasting, 3.4). This header is the one place that knows it: rank,
 * backtest, explain and the past of a ranking all ask here.
 *
 * Errors of the steps of one series are correlated (its covariance is used whole); those of different series are taken
 * as independent, so a group's interval is honest when its series were added up before forecasting (aggregate), and
 * somewhat narrow when not. The interval is one for what the growth becomes (a prediction interval): it holds the noise
 * of the days themselves. A shop that truly stands still has growth 1 inside of it more often than the level says.
 * A covariance that few errors made is itself uncertain: the interval is Student's t for as many as are independent
 * (windows that overlap are not), and below two there is none. */
#ifndef WEFT_GROWTH_H
#define WEFT_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/student.h"

/* Steps of the horizon, counted from 1, both ends included. */
struct weft_growth_days {
    size_t from, to;
};
/* "41:50"; false unless 1 <= from <= to. */
bool weft_growth_days_parse(const char *text, struct weft_growth_days *d);

/* What is compared, and whether it needs a profile. */
struct weft_growth_spans {
    struct weft_growth_days near, far;
    size_t season; /* steps; 1: none */
    bool none; /* there is no growth: the horizon has one season at most, and no days were told; near and far are all of
                  it */
    bool unlike; /* near and far hold the phases of the season in unequal shares: the profile is needed */
};
/* Near and far days as options give them (NULL: by default), for steps of so many seconds. Default, with a season of s
 * steps: n = max(1, horizon / 5 / s) whole seasons each, the first and the last, from a horizon of 2 s on; between s
 * and 2 s the days that come twice, 1:(horizon - s) and (s + 1):horizon; without a season (s = 1) the first and last
 * fifth. 64 when they are no days, 78 when they lie beyond the horizon or the far ones begin before the near ones end.
 */
int weft_growth_spans_read(const char *near_text, const char *far_text, size_t horizon, int64_t step,
                           struct weft_growth_spans *out, struct weft_err *e) WEFT_MUST_USE;

/* Seasons before the origin that a profile is made of. */
enum { WEFT_PROFILE_SEASONS = 8 };
/* Mean of x by phase over the last eight whole seasons (as many as there are) before step `end`: out[p], p < season, is
 * that of the steps that lie a multiple of the season before step first + p; `first`: the first that is forecast.
 * Missing values (NaN) are skipped. What the values grow within a season is taken off first, or the phases that come
 * last in it would seem larger: the slope of the whole seasons' means, by least squares. False, out is not written:
 * less than one season, or a phase without a value. */
bool weft_growth_profile(const float *x, size_t end, size_t season, int64_t first, float *out);

/* The profile's means over the near days, the far days and a whole season, summed over series; all 0: there is none. */
struct weft_growth_shape {
    double near, far, mean;
};
void weft_growth_shape_add(struct weft_growth_shape *s, const float *profile, const struct weft_growth_spans *at);
/* How far near and far days stand above the mean of the season: 1 without a profile, or when nothing was sold in it;
 * NaN when something was, but nothing on such days: then there is no ratio. */
double weft_growth_shape_near(const struct weft_growth_shape *s);
double weft_growth_shape_far(const struct weft_growth_shape *s);

/* What the forecasts of a group add up to. Zero-initialise. */
struct weft_growth_sums {
    double near, far;              /* sums over series of the mean over the days, as forecast */
    double var_near, var_far, cov; /* of near and far, summed over series */
    struct weft_growth_shape shape;
    double freedom; /* independent errors of the covariance that has the fewest; 0: none came yet */
    uint64_t series, without_covariance, without_profile; /* the last: where one is needed */
};
/* Adds one forecast [horizon]; covariance [horizon, horizon] or NULL, and how many independent errors made it
 * (INFINITY: it is known); profile [season] or NULL. False, and nothing added, when a day of near
 * or far is a missing value. */
bool weft_growth_add(struct weft_growth_sums *g, const float *forecast, const float *covariance, double freedom,
                     const float *profile, size_t horizon, const struct weft_growth_spans *at);
void weft_growth_sums_add(struct weft_growth_sums *to, const struct weft_growth_sums *x);
/* Volume a day, now, weekdays alike: what the pseudo volume is a share of. NaN: there is no ratio. */
double weft_growth_level(const struct weft_growth_sums *g);

/* Fewer independent errors say nothing of how far the next one goes. */
#define WEFT_FREEDOM_MIN 2.0
/* The index of one group. */
struct weft_growth {
    double index;     /* far / near, weekdays alike; NaN when near is not above 0 */
    double shrunk;    /* (far + pseudo) / (near + pseudo): what ranks; NaN when that is not above 0 */
    double sd;        /* standard error of `shrunk` (delta method); NaN without covariance */
    double sd_one;    /* that of far - near, in units of near: of `shrunk` if growth were 1 */
    double low, high; /* interval of `shrunk`, not below 0; NaN without covariance */
    double freedom;   /* independent errors that sd stands on */
    bool few;         /* there is a covariance, but of fewer than WEFT_FREEDOM_MIN: sd, low and high are NaN */
    bool thin;        /* the pseudo volume is more than a fifth of near: little is known */
};
/* pseudo: volume a day that stands for "no growth", so that a group that sells next to nothing can't win by chance.
 * width: the level of the interval (90%: Student's t, 1.645 standard errors with many errors).
 * Var = (f - g n)' S (f - g n) / near^2, the delta method, f and n averaging over the days. */
struct weft_growth weft_growth_of(const struct weft_growth_sums *g, double pseudo, struct weft_student *width);
/* z of a two-sided interval of this level in (0, 1): the inverse of the normal distribution function by bisection on
 * erfc, to 1e-9. */
double weft_growth_z(double level);

/* P(growth > 1), and the two-sided p-value of growth = 1; NaN without an interval. growth > 1 is far > near, and far -
 * near is normal when errors are (Fieller 1954), and Student's t with an sd of few, so sd_one belongs to it: with the
 * delta method's sd, where near days are few and uncertain, 20 of 100 shops that stand still had something marked sure,
 * and not 10. An sd below 0.001, the last digit that is printed, counts as 0.001: an interval of no width around 1 is
 * the noise of float numbers, and not certainty. */
double weft_growth_above(double growth, double sd_one, double freedom);
double weft_growth_p(double growth, double sd_one, double freedom);
/* Which of n growths are sure to differ from 1, by their p-values (NaN: does not count): Benjamini and Hochberg's
 * step-up procedure (1995, J. R. Stat. Soc. B 57:289-300). Of k growths marked, k * rate are wrong in expectation, at
 * most; in a shop without any growth something is marked with a chance of `rate`. The k smallest p are marked, with the
 * largest k whose k-th smallest p is at most k / n * rate. out[n]. */
void weft_growth_sure(const double *p, size_t n, double rate, bool *out);

#endif
