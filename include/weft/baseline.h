/* baseline.h - forecasts without a model file: the bars that every model must clear.
 *
 * A missing value is NaN, in the history and in a forecast that the history can't give. */
#ifndef WEFT_BASELINE_H
#define WEFT_BASELINE_H

#include <stddef.h>

#include "weft/err.h"

enum weft_baseline_kind {
    WEFT_BASELINE_NAIVE,      /* "naive": the last value */
    WEFT_BASELINE_SEASONAL,   /* "seasonal-naive:M": the value of the last whole season, M steps back */
    WEFT_BASELINE_MEAN,       /* "mean:N": the mean of the last N values */
    WEFT_BASELINE_LAG_GROWTH  /* "lag-growth:M:N": seasonal-naive:M times sum of the last N / sum of the N values M steps earlier */
};

struct weft_baseline {
    enum weft_baseline_kind kind;
    size_t lag, window;
};

/* 1: text names a baseline, now in *b; 0: it does not (a model file, then); -1: it begins as one, but is not well formed (64). */
int weft_baseline_parse(const char *text, struct weft_baseline *b, struct weft_err *e) WEFT_MUST_USE;

/* Steps of history that a forecast needs to be made of all that it can use. */
size_t weft_baseline_history(const struct weft_baseline *b);

/* y[h], h < horizon, from the history x[0..n) whose last value is the origin's.
 * naive: the last value that is there. seasonal-naive: x[t + h - M ceil(h / M)] with h from 1; NaN where that is missing.
 * mean: over the values that are there; NaN when none is. lag-growth: growth over the days that are there in both sums; 1 when the
 * earlier sum is 0, NaN when the history is shorter than M + N. */
void weft_baseline_forecast(const struct weft_baseline *b, const float *x, size_t n, size_t horizon, float *y);

#endif
