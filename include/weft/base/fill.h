/* fill.h - short gaps of a series that is forecast, filled from its own past. */
#ifndef WEFT_FILL_H
#define WEFT_FILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct weft_fill_rule {
    bool on;
    int64_t season; /* the value so many steps earlier; 0: the last one */
    bool expected;  /* the mean of the last four values that many steps apart; without them that of the last 28 */
    int64_t max;    /* longest gap that is filled */
};
/* "carry", "seasonal:N" or "expected" (its season is the caller's to set). 64 otherwise. max is left alone. */
int weft_fill_parse(const char *text, struct weft_fill_rule *f, struct weft_err *e) WEFT_MUST_USE;
/* Fills gaps of x[n] of at most f->max steps, each step with the last value, or the nearest one a whole number of
 * seasons earlier (filled ones too). What comes before the first value is no gap; the end is one. at[i] is set where
 * x[i] was filled (others are left alone). Returns how many were; *left: missing values after the first one that stay
 * missing. */
size_t weft_fill_gaps(const struct weft_fill_rule *f, float *x, size_t n, bool *at, size_t *left);

#endif
