/* arrow.h - series, windows and forecasts as an Arrow IPC stream (Apache Arrow columnar format 1.0, metadata version
 * 5): the rows and columns of stream_csv.h with types, for DuckDB, pandas, R, Spark.
 *
 * Texts are Utf8, dates Date32 (where steps are shorter than a day: Timestamp of seconds, without a zone), steps Int32,
 * values Float32; an empty cell is null. Batches have at most 65,536 rows. */
#ifndef WEFT_ARROW_H
#define WEFT_ARROW_H

#include <stdio.h>

#include "show/stream_csv.h"

struct weft_arrow;
/* Writes to f, whose errors the caller looks at. */
struct weft_arrow *weft_arrow_new(FILE *f);
void weft_arrow_free(struct weft_arrow **a);
/* A stream begins; its head must outlive the frames. 65 when it is of another schema, or has other columns than the
 * stream before it. */
int weft_arrow_start(struct weft_arrow *a, const struct weft_head *h, struct weft_err *e) WEFT_MUST_USE;
int weft_arrow_frame(struct weft_arrow *a, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* The rows that wait, and the mark of the end. */
void weft_arrow_end(struct weft_arrow *a);

#endif
