/* stream_csv.h - any stream as CSV: series and windows a row a step, forecasts a row a step forecast, products and
 * predictions a row each, anything else a row a frame. */
#ifndef WEFT_STREAM_CSV_H
#define WEFT_STREAM_CSV_H

#include <stdio.h>

#include "show/products_csv.h"
#include "record/series.h"

/* Zero-initialise. */
struct weft_stream_csv {
    const struct weft_head *head; /* of the stream at hand */
    struct weft_series_attrs attrs;
    struct weft_series series;
    struct weft_products_csv products;
};
/* Begins a stream; its head must outlive the frames. names: prints the head row. Where only the frames know their
 * columns, the first frame of every stream brings it. */
int weft_stream_csv_start(struct weft_stream_csv *c, const struct weft_head *h, bool names, FILE *f,
                          struct weft_err *e) WEFT_MUST_USE;
/* The rows of one frame; first: of its stream. */
int weft_stream_csv_frame(struct weft_stream_csv *c, struct weft_span frame, bool first, FILE *f,
                          struct weft_err *e) WEFT_MUST_USE;
void weft_stream_csv_free(struct weft_stream_csv *c);

#endif
