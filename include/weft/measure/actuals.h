/* actuals.h - what happened since forecasts were made: a later series stream, looked into by series, channel and day.
 */
#ifndef WEFT_ACTUALS_H
#define WEFT_ACTUALS_H

#include <stdint.h>

#include "frame/run.h"
#include "record/forecasts.h"

struct weft_actuals;
/* Reads the whole series stream at endpoint: 4 bytes a series, channel and step are kept until it is closed. `to`:
 * attrs of the forecasts, must outlive it. 78 when the steps differ or no channel is common to both. */
int weft_actuals_open(const char *endpoint, const struct weft_stream_opts *o, const struct weft_forecasts_attrs *to,
                      struct weft_actuals **out, struct weft_err *e) WEFT_MUST_USE;
void weft_actuals_close(struct weft_actuals **a);

/* The values [windows, horizon] of the days that the frame forecasts, NaN where a day is missing or not there yet;
 * valid until the next call. NULL: it has none of them, no such series (joined by id and "level", which aggregate
 * writes), or not the channel. */
const float *weft_actuals_of(struct weft_actuals *a, struct weft_span frame, const struct weft_forecasts *f);

/* Of all frames so far. */
struct weft_actuals_count {
    uint64_t days, found; /* forecast days of channels that both have, by all models; those that had a value */
    uint64_t unknown;     /* frames of series that the stream does not have */
    uint64_t channels;    /* frames of channels that it does not have */
    int64_t first, last;  /* the first and the last day that had a value, seconds; found > 0 */
};
void weft_actuals_counts(const struct weft_actuals *a, struct weft_actuals_count *out);
/* No day was found: why not, and the way out. Returns -1. */
int weft_actuals_none(const struct weft_actuals *a, struct weft_err *e);
/* What of the forecasts could be measured: said whatever the format, since a row of one day looks like one of many.
 * path: of the series stream. */
void weft_actuals_say(const struct weft_actuals *a, const char *path, struct weft_run *run);

#endif
