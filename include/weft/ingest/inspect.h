/* inspect.h - what CSV files hold, before any option is known, and the ingest command that reads them.
 *
 * Every file is read as often as needed (what is no regular file is kept in a temporary one): its bytes for the
 * encoding, its rows for what the columns hold, and once more for series, days and duplicates. Memory: 1 MB a column of
 * texts at most, 100 MB for duplicates, 8 bytes a day. */
#ifndef WEFT_INSPECT_H
#define WEFT_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

/* Looks through the files (one table; the long layout may have it in several) and prints what was found. 65 when there
 * is no header to go by. */
int weft_inspect(const char *const *paths, size_t n, bool json, FILE *out, struct weft_err *e) WEFT_MUST_USE;

#endif
