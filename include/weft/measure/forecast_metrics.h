/* forecast_metrics.h - measures of the forecasts of a stream: a row for each model, and channel, part, group and step
 * where there are several. */
#ifndef WEFT_FORECAST_METRICS_H
#define WEFT_FORECAST_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "frame/stream.h"
#include "measure/actuals.h"
#include "show/table.h"

struct weft_forecast_metrics_options {
    const char *by, *psfa_by; /* keys; psfa_by NULL: major, when the stream has it */
    bool per_step, scaled;    /* scaled: in the units of the windows, not of the data */
};

struct weft_forecast_metrics;
/* head: of a forecasts stream. The options must outlive it. 78 when the stream has no such key. */
int weft_forecast_metrics_new(const struct weft_head *head, const struct weft_forecast_metrics_options *o,
                              struct weft_forecast_metrics **out, struct weft_err *e) WEFT_MUST_USE;
void weft_forecast_metrics_free(struct weft_forecast_metrics **m);
/* From now on frames of the latest part, which have no actual values, are measured against these (actuals.h), which
 * must outlive it. attrs: of the forecasts, for weft_actuals_open. */
void weft_forecast_metrics_actuals(struct weft_forecast_metrics *m, struct weft_actuals *a);
const struct weft_forecasts_attrs *weft_forecast_metrics_attrs(const struct weft_forecast_metrics *m);
/* One frame: 1; 0: it has no actual values, and is left out. */
int weft_forecast_metrics_add(struct weft_forecast_metrics *m, struct weft_span frame,
                              struct weft_err *e) WEFT_MUST_USE;
size_t weft_forecast_metrics_rows(const struct weft_forecast_metrics *m);
int64_t weft_forecast_metrics_horizon(const struct weft_forecast_metrics *m);
/* Once, after the last frame: columns and rows. uneven is called for each group whose models gave different numbers of
 * forecasts. */
void weft_forecast_metrics_table(struct weft_forecast_metrics *m, struct weft_table *t,
                                 void (*uneven)(void *ctx, const char *group), void *ctx);
/* A line on what the columns are. */
void weft_forecast_metrics_notes(const struct weft_forecast_metrics *m, FILE *f);

#endif
