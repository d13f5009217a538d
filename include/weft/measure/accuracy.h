/* accuracy.h - the measures of several models on the same values, as rows by group, origin and step: the table of
 * backtest.
 *
 * Rows are kept for every value of every level (a key, id or all) that was asked for, each with all models side by
 * side. Definitions: metrics.h. Skill is 1 - WAPE / WAPE of a baseline in the same row. Memory: about 200 bytes for
 * each row and model. */
#ifndef WEFT_ACCURACY_H
#define WEFT_ACCURACY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "show/table.h"

struct weft_accuracy_shape {
    size_t models, origins, horizon;
    bool per_origin, per_step; /* rows of their own for each; else they are measured together */
};
struct weft_accuracy;
struct weft_accuracy *weft_accuracy_new(const struct weft_accuracy_shape *shape);
void weft_accuracy_free(struct weft_accuracy **a);

/* The row of a channel (number), level (number) and group; new when it was not met before. */
size_t weft_accuracy_row(struct weft_accuracy *a, size_t channel, size_t level, const void *group, size_t n);
/* Values of this series follow in the row (its id's hash, naive errors as in forecasts.h). */
void weft_accuracy_series(struct weft_accuracy *a, size_t row, uint64_t series, const double naive[3]);
/* One value: step counted from 0. low and high: the interval, NaN without. */
void weft_accuracy_add(struct weft_accuracy *a, size_t row, size_t model, size_t origin, size_t step, double actual,
                       double forecast, double low, double high);
/* Rows with values. */
bool weft_accuracy_any(const struct weft_accuracy *a);

/* What the rows are called, and what they are compared with. */
struct weft_accuracy_names {
    char *const *models, *const *channels, *const *levels;
    const char (*origins)[32];
    size_t seasonal, lag; /* the models that skill is measured against; SIZE_MAX: none */
    double interval;      /* 0.9 */
};
/* Fills a table without columns: by channel, level, group (bytes), origin, step, model. Models without a value have no
 * row. No more values after it. */
void weft_accuracy_table(struct weft_accuracy *a, const struct weft_accuracy_names *names, struct weft_table *t);

#endif
