/* num.h - strict numbers from text. The whole text must be the number; the locale plays no part. */
#ifndef WEFT_NUM_H
#define WEFT_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal integer with optional sign. False: not a number, or out of [min, max]. */
bool weft_num_int(const char *s, int64_t min, int64_t max, int64_t *out);

/* Decimal real ("12", "-1.5", "1e-3"; no hex, no inf, no nan). False: not a number, or out of [min, max]. */
bool weft_num_real(const char *s, double min, double max, double *out);

/* The same for a text of n bytes without a NUL. Plain digits with at most one point (15 digits) take a fast path that
 * is exact: an integer below 2^53 divided once by an exact power of ten. Everything else goes to strtod; no program
 * sets a locale, so that is the C locale's. */
bool weft_num_text(const char *s, size_t n, double *out);

/* Byte size: integer with optional suffix K, M, G (powers of 1024). */
bool weft_num_size(const char *s, uint64_t max, uint64_t *out);

#endif
