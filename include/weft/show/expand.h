/* expand.h - windows and forecasts as flat rows, for other tools. */
#ifndef WEFT_EXPAND_H
#define WEFT_EXPAND_H

#include <stdio.h>

#include "record/series.h"

/* Calls emit for every window of a windows frame, parts in order, channels in order, scaled as the frame says:
 * {"id", "channel", "part", "start": date of the lookback's first step, "x": f32 [lookback], "y": f32 [horizon]}. Stops
 * when emit returns < 0. */
int weft_expand_windows(const struct weft_series_attrs *a, const struct weft_series *s, struct weft_pack *scratch,
                        int (*emit)(void *ctx, struct weft_span frame, struct weft_err *e), void *ctx,
                        struct weft_err *e) WEFT_MUST_USE;

/* CSV of a series or windows stream: id, keys, date, one column a channel; a missing value is an empty field. */
void weft_csv_series_head(FILE *f, const struct weft_series_attrs *a);
void weft_csv_series(FILE *f, const struct weft_series_attrs *a, const struct weft_series *s);

/* CSV of any other frame: the head row names its text, number and boolean fields in order (nested maps as a.b) and, for
 * forecasts, one row a step. */
void weft_csv_forecast_head(FILE *f, const struct weft_head *h);
int weft_csv_forecast(FILE *f, const struct weft_head *h, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
void weft_csv_flat(FILE *f, struct weft_span frame, bool names);

#endif
