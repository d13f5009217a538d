/* stream_check.h - does a stream hold what its schema says, such that programs read it? What frames check does. */
#ifndef WEFT_STREAM_CHECK_H
#define WEFT_STREAM_CHECK_H

#include "record/forecasts.h"
#include "record/schema.h"

struct weft_stream_check {
    struct weft_schema *schema;
    enum {
        WEFT_READS_NOTHING,
        WEFT_READS_SERIES,
        WEFT_READS_FORECASTS
    } reads; /* what a schema can't say: by a codec */
    struct weft_series_attrs attrs;
    struct weft_series series;
    struct weft_forecasts_attrs forecasts_attrs;
    struct weft_forecasts forecasts;
};

/* Begins a stream, perhaps after another one: the head against its schema. `name` of the stream, for messages. 65 or 78
 * when it is not what it says. */
int weft_stream_check_head(struct weft_stream_check *c, const struct weft_head *h, const char *name,
                           struct weft_err *e) WEFT_MUST_USE;
int weft_stream_check_frame(struct weft_stream_check *c, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
void weft_stream_check_free(struct weft_stream_check *c);

#endif
