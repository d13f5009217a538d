/* metrics.h - accuracy of forecasts, summed as they come.
 *
 * Definitions (e = forecast - actual; means over every window, step and series that has both values, the LTSF
 * convention): mse, mae, rmse = sqrt(mse), bias = mean e, wape = sum |e| / sum |actual|, smape = mean 2|e| / (|actual|
 * + |forecast|), from 0 to 2, 0/0 = 0; mase = mean over series of (mae of the series / its mean |x_t - x_{t-season}|),
 * rmsse = mean over series of sqrt(mse of the series / its mean (x_t - x_{t-1})^2), both measured on the train part
 * (M5); series without a measure, or with 0, take no part. psfa (LG Aimers 3): per category 1 - mean over days of sum_i
 * |e_i| / max(actual_i, forecast_i) * actual_i / sum_i actual_i, 0/0 = 0; the mean over categories. Sums are float64,
 * in the order of the values, so they do not depend on how these were cut into frames. */
#ifndef WEFT_METRICS_H
#define WEFT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A central interval between two quantile levels, or what lies at or below one level (low == SIZE_MAX). */
struct weft_band {
    size_t low, high; /* indices of levels */
    double nominal;   /* share that should lie inside, or below */
};
/* The bands of ascending levels: pairs q, 1 - q from the widest to the narrowest, then the single ones; 0.5 is none.
 * Returns their number (at most n). */
size_t weft_bands(const double *levels, size_t n, struct weft_band *out);

enum { WEFT_MAX_BANDS = 64 };

/* The measures of one table row. Zero-initialise. */
struct weft_metrics {
    uint64_t n;
    double squares, absolutes, errors, actuals, symmetric;
    double total_errors, total_actuals; /* absolute values of windows' sums */
    /* the series at hand, and the sums over those that are done */
    uint64_t series, series_n, mase_n, rmsse_n;
    double series_absolutes, series_squares, naive_square, naive_season, mase, rmsse;
    struct weft_band_sums {
        uint64_t n, inside;
        double width;
    } * band; /* [n_bands], the caller's or NULL */
};

/* Says that values of this series follow: a hash of its id, and its naive errors (forecasts.h) divided by scale (1:
 * original units). */
void weft_metrics_series(struct weft_metrics *m, uint64_t series, const double naive[3], double scale);
/* One value. NaN in any: nothing happens. Measures of absolute errors (mae, wape, smape, mase) are those of the median,
 * which makes them least; squares and bias are those of the forecast, which is the mean. Without a median both are the
 * forecast. */
void weft_metrics_add(struct weft_metrics *m, double actual, double forecast, double median);
/* Sums of a window's steps, of the forecast (the mean): what an order or a budget is measured by. A window that misses
 * a value, actual or forecast, takes no part. */
void weft_metrics_total(struct weft_metrics *m, const float *actual, const float *forecast, size_t horizon,
                        double shift, double factor);
/* One value against band k: low is ignored for single levels. */
void weft_metrics_band(struct weft_metrics *m, size_t k, double actual, double low, double high, bool single);

struct weft_measures {
    double mse, mae, rmse, wape, smape, mase, rmsse, bias; /* NaN: can't be said */
    double bias_share;                                     /* sum e / sum |actual| */
    double mae_bias;                                       /* wape + |bias_share| */
    double totals;                                         /* sum |sum of a window's e| / sum |sum of its actuals| */
};
void weft_metrics_finish(struct weft_metrics *m, struct weft_measures *out);

/* PSFA of many rows at once: sums per row, category and day (window origin and step). Memory: 16 bytes each. */
struct weft_psfa;
struct weft_psfa *weft_psfa_new(size_t horizon);
void weft_psfa_free(struct weft_psfa **p);
/* One window: row and category are the caller's numbers, origin its time. actual, forecast [horizon]; NaN takes no
 * part. */
void weft_psfa_add(struct weft_psfa *p, size_t row, size_t category, int64_t origin, const float *actual,
                   const float *forecast);
/* No more windows: the rows may be asked for. */
void weft_psfa_finish(struct weft_psfa *p);
/* out[h] for h < horizon, and out[horizon] over all steps: NaN without values. */
void weft_psfa_row(const struct weft_psfa *p, size_t row, double *out);

#endif
