/* pool.h - all windows of a stream in memory, for trainers that draw batches: every value once, windows as places. */
#ifndef WEFT_POOL_H
#define WEFT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "record/series.h"

/* Places in a pool: window i is values[at[i]] .. + lookback + horizon, in scaled units, without a missing value. */
struct weft_places {
    uint32_t *at;
    uint32_t *time; /* the window's first step, counted from the calendar's start */
    size_t n, cap;
};

/* The windows of one unit. */
struct weft_pool_unit {
    struct weft_places part[WEFT_PARTS];
};
void weft_pool_unit_free(struct weft_pool_unit *u);

/* Zero-initialise. */
struct weft_pool {
    float *values; /* [n] */
    size_t n, cap;
};
void weft_pool_free(struct weft_pool *p);
/* Appends channel c of a windows series and notes its windows of the parts up to `last`. 75 when more than 2^32 values
 * come together. */
int weft_pool_add(struct weft_pool *p, struct weft_pool_unit *u, const struct weft_series_attrs *a,
                  const struct weft_series *s, size_t c, enum weft_part last, struct weft_err *e) WEFT_MUST_USE;

/* Keeps whole windows of `width` values for a model's residuals: those with the smallest hashes. */
void weft_pool_keep(const struct weft_pool *p, const struct weft_places *places, size_t width,
                    struct weft_residuals *keep);

/* Sorts places by time (stable) and gives bundles of equal times: bundle b is at[start[b]] .. at[start[b + 1]]. Owned
 * by the caller. */
uint32_t *weft_pool_bundles(struct weft_places *p, size_t *n_bundles);

#endif
