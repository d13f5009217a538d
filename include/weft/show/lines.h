/* lines.h - a stream as JSON lines, a line for the head, each frame and the tail, and back. */
#ifndef WEFT_LINES_H
#define WEFT_LINES_H

#include "frame/run.h"

/* Prints the head, one frame, the tail after a clean end. Tensors and bytes are cut as weft_view_json cuts them. */
void weft_lines_head(FILE *f, const struct weft_head *h, size_t max);
void weft_lines_frame(FILE *f, struct weft_span frame, size_t max);
void weft_lines_tail(FILE *f, const struct weft_reader *r, size_t max);

/* For people, after a clean end: name, frames and schema of the stream, and what each program above read, wrote and
 * rejected, a line each. */
void weft_lines_counts(FILE *f, const struct weft_reader *r);

/* Reads such lines from a file ("-": standard input) and makes them the program's output; a tail is made anew. 65 when
 * a line is none of them, 76 when there is no line. */
int weft_lines_read(const char *path, struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;

#endif
