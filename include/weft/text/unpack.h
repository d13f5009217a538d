/* unpack.h - the bytes of a table's file: unpacked when they are gzip, as CSV when they are an Arrow IPC stream,
 * refused when they are no table at all. */
#ifndef WEFT_UNPACK_H
#define WEFT_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* 64 GB: what a file may unpack to when nothing else is said. */
#define WEFT_UNPACKED_MAX (UINT64_C(64) << 30)

struct weft_unpack;
/* Over a descriptor, which stays the caller's. 65 for what is no text: a spreadsheet, HTML, Parquet, another
 * compression; the message names it and the way to a table. name is for messages and copied. unpacked_max: 0 is
 * WEFT_UNPACKED_MAX. */
int weft_unpack_open(int fd, const char *name, uint64_t unpacked_max, struct weft_unpack **out,
                     struct weft_err *e) WEFT_MUST_USE;
void weft_unpack_close(struct weft_unpack **s);
/* > 0 bytes in p, 0 at the end, -1. */
long weft_unpack_read(struct weft_unpack *s, void *p, size_t cap, struct weft_err *e) WEFT_MUST_USE;
/* The first bytes, before anything is read: a view of n; none of an Arrow stream, which is UTF-8. */
const uint8_t *weft_unpack_first(const struct weft_unpack *s, size_t *n);
/* Is the file packed, so that its size says nothing of its bytes? */
int weft_unpack_packed(const struct weft_unpack *s);
/* "utf-16le" or "utf-16be" when the first bytes are such a text, by their mark or by where their NUL bytes are; NULL.
 */
const char *weft_unpack_wide(const uint8_t *p, size_t n);

#endif
