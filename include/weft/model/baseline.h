/* baseline.h - forecasts without a model file: the bars that every model must clear.
 *
 * A missing value is NaN, in the history and in a forecast that the history can't give. */
#ifndef WEFT_BASELINE_H
#define WEFT_BASELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum weft_baseline_kind {
    WEFT_BASELINE_NAIVE,      /* "naive": the last value */
    WEFT_BASELINE_SEASONAL,   /* "seasonal-naive:M": the value of the last whole season, M steps back */
    WEFT_BASELINE_MEAN,       /* "mean:N": the mean of the last N values */
    WEFT_BASELINE_LAG_GROWTH, /* "lag-growth:M:N": seasonal-naive:M times sum of the last N / sum of the N values M
                                 steps earlier */
    /* For items that sell now and then. Rates in (0, 1]; 0.1 when they are left out. */
    WEFT_BASELINE_CROSTON, /* "croston[:RATE]": smoothed size of a demand / smoothed steps from one to the next */
    WEFT_BASELINE_SBA, /* "sba[:RATE]": croston times 1 - RATE / 2 (Syntetos and Boylan: croston is that much too high)
                        */
    WEFT_BASELINE_TSB  /* "tsb[:RATE_P[:RATE_D]]": smoothed share of steps with demand (RATE_P) x smoothed size (RATE_D)
                        */
};

struct weft_baseline {
    enum weft_baseline_kind kind;
    size_t lag, window;
    double rate[2];
};

/* What croston, sba and tsb keep of a history, so that forecasts from many origins look at each step once.
 * Zero-initialise for each series. */
struct weft_baseline_run {
    size_t seen;                  /* steps of the history looked at */
    size_t since;                 /* values that came since the last demand */
    bool any, demand;             /* a value came; a demand came */
    double size, interval, share; /* smoothed */
};

/* 1: text names a baseline, now in *b; 0: it does not (a model file, then); -1: it begins as one, but is not well
 * formed (64). */
int weft_baseline_parse(const char *text, struct weft_baseline *b, struct weft_err *e) WEFT_MUST_USE;

/* Steps of history that a forecast needs to be made of all that it can use; 1 for those that use whatever there is
 * (croston, sba, tsb). */
size_t weft_baseline_history(const struct weft_baseline *b);

/* y[h], h < horizon, from the history x[0..n) whose last value is the origin's.
 * naive: the last value that is there. seasonal-naive: x[t + h - M ceil(h / M)] with h from 1; NaN where that is
 * missing. mean: over the values that are there; NaN when none is. lag-growth: growth over the days that are there in
 * both sums; 1 when the earlier sum is 0, NaN when the history is shorter than M + N. croston, sba, tsb (Croston 1972;
 * Syntetos and Boylan 2005; Teunter, Syntetos and Babai 2011; as Nixtla's statsforecast has them): flat, of the whole
 * history. Missing values are skipped, as if their steps were not there; a demand is a value above 0. Exponential
 * smoothing starts at the first element: the first interval runs from the beginning of the history to the first demand.
 * 0 without any demand, NaN without any value. */
void weft_baseline_forecast(const struct weft_baseline *b, const float *x, size_t n, size_t horizon, float *y);
/* The same from a later origin of the same x than the last call with this run (n >= run->seen): only the steps in
 * between are looked at. */
void weft_baseline_forecast_next(const struct weft_baseline *b, struct weft_baseline_run *run, const float *x, size_t n,
                                 size_t horizon, float *y);

#endif
