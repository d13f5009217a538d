/* counts.h - numbers as shops write them. */
#ifndef WEFT_COUNTS_H
#define WEFT_COUNTS_H

#include <stddef.h>

enum weft_count { WEFT_COUNT_OK, WEFT_COUNT_MISSING, WEFT_COUNT_BAD };

/* One table cell. Plain numbers (num.h), thousands separators ("12,300"), Korean and English units of magnitude ("4.2천" = 4200, "1.5만" = 15000,
 * "1.2억", "3.4k", "2M"), a currency sign, and the words that stand around counts ("조회수 1.2만 회 이상", "12,300원", "500+"). Empty, "-", "NA", "N/A",
 * "NaN", "null" and "none" are missing. *out is NaN unless WEFT_COUNT_OK. */
enum weft_count weft_count_parse(const char *s, size_t n, double *out);

#endif
