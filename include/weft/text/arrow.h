/* arrow.h - an Arrow IPC stream read as CSV: a header, and a line for every row.
 *
 * Any bytes may come: every offset and length of the messages (flatbuffers) and of the buffers is checked against what
 * is there. Texts, integers, float32 and float64, booleans (1 and 0), dates and timestamps are read ("2026-01-31",
 * "2026-01-31T13:00:00", with a zone as UTC and "Z" at its end); a null is an empty field. 65 for columns of other
 * types, dictionaries and compressed buffers. Memory: one record batch. */
#ifndef WEFT_TEXT_ARROW_H
#define WEFT_TEXT_ARROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Where bytes come from: > 0 bytes in p, 0 at the end, -1. */
typedef long weft_arrow_source(void *ctx, void *p, size_t cap, struct weft_err *e);

struct weft_arrow_text;
/* Do the first n bytes begin such a stream? */
bool weft_arrow_begins(const uint8_t *p, size_t n);
/* name is for messages; it and ctx outlive the reader. */
struct weft_arrow_text *weft_arrow_text_new(weft_arrow_source *source, void *ctx, const char *name);
void weft_arrow_text_free(struct weft_arrow_text **t);
/* > 0 bytes of CSV in p, 0 at the end, -1. */
long weft_arrow_text_read(struct weft_arrow_text *t, void *p, size_t cap, struct weft_err *e) WEFT_MUST_USE;

#endif
