/* activity.h - who sells in a group: series and brands with sales within the last days, and how sales are spread over
 * the brands.
 *
 * A series is active at a step when it had sales above 0 in one of the `window` steps that end there, a brand when one
 * of its series is. */
#ifndef WEFT_ACTIVITY_H
#define WEFT_ACTIVITY_H

#include <stddef.h>

#include "frame/span.h"

/* The channels that such counts have in a series stream. */
#define WEFT_CHANNEL_ACTIVE "active"
#define WEFT_CHANNEL_BRANDS "brands"
enum { WEFT_ACTIVE_DAYS = 28 };

/* The channel that says what is sold: the first one that is none of amounts, mentions, active and brands; 0 when all
 * are. */
size_t weft_sales_channel(char *const *channels, size_t n);

struct weft_activity;
/* A group on a calendar of `length` steps; `window` > 0. Sales of the steps [from, to) count in the shares. Memory: 4
 * bytes a step and an eighth of a byte per brand and step. */
struct weft_activity *weft_activity_new(size_t length, size_t window, size_t from, size_t to);
void weft_activity_free(struct weft_activity **a);
/* One series: its sales x[n] from step `offset` on (NaN: missing, no sale); offset + n <= length. brand.p == NULL: of
 * no brand. */
void weft_activity_add(struct weft_activity *a, struct weft_span brand, const float *x, size_t n, size_t offset);

/* Active series or brands at each step: out[length]. The first window - 1 steps are NaN, since nobody knows who sold
 * before the calendar began. */
void weft_activity_series(const struct weft_activity *a, float *out);
void weft_activity_brands(const struct weft_activity *a, float *out);

/* How sales are spread over brands in [from, to). hhi is the Herfindahl-Hirschman index, the sum of squared shares: 1
 * for one brand, 1/n for n equal ones. NaN and NULL when no brand sold anything. Of brands with the same sales the one
 * that comes first in the order of bytes is the top one. */
struct weft_shares {
    double hhi, top;
    const char *name; /* of the top brand; lives as long as the activity */
};
struct weft_shares weft_activity_shares(const struct weft_activity *a);

#endif
