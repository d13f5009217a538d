/* counts.h - numbers as shops write them. */
#ifndef WEFT_COUNTS_H
#define WEFT_COUNTS_H

#include <stddef.h>

enum weft_count { WEFT_COUNT_OK, WEFT_COUNT_MISSING, WEFT_COUNT_BAD };

/* The sign before decimals. */
enum weft_decimal { WEFT_DECIMAL_POINT, WEFT_DECIMAL_COMMA };

/* One table cell. Plain numbers (num.h), thousands separators ("12,300"; "0,125" is none), Korean and English units of
 * magnitude ("4.2천" = 4200, "1.5만" = 15000, "1만2천" = 12000, "1.2억", "3.4k", "2M"), a currency sign before or after
 * its sign, the words that stand around counts ("조회수 1.2만 회 이상", "12,300원", "500+", "3박스", "3 EA"),
 * full-width digits, and what is negative in books: "(5)", "△5", U+2212. Empty, "-", "NA", "N/A", "NaN", "null" and
 * "none" are missing. A share ("12%") is no count. *out is NaN unless WEFT_COUNT_OK. */
enum weft_count weft_count_parse(const char *s, size_t n, double *out);
/* The same in a table with this decimal sign: with a comma, "0,125" is an eighth and "1.250" 1250. */
enum weft_count weft_count_parse_in(enum weft_decimal decimal, const char *s, size_t n, double *out);

/* What numbers of a table say of its decimal sign: values that have one reading, and those with two ("1,250", "1.250").
 * Zero-initialise. */
struct weft_decimal_signs {
    size_t comma, point, open_comma, open_dot;
};
void weft_decimal_look(struct weft_decimal_signs *d, const char *s, size_t n);

#endif
