/* demand_metrics.h - how good predictions of products were: a row per model and label.
 *
 * Classes: accuracy and macro-F1 (confusion.h), and `majority`, the accuracy of always saying the most frequent class.
 * Quantities: mse in the scaled units of the training, (log1p(x) - mean) / std, of medians where the model gives means;
 * mae, rmse and wape = sum |e| / sum |actual| in original units, bias = sum predicted / sum actual - 1, and covered,
 * the share of 90 % intervals that the actual value lies in. A missing label takes no part and is counted. */
#ifndef WEFT_DEMAND_METRICS_H
#define WEFT_DEMAND_METRICS_H

#include <stdio.h>

#include "record/predictions.h"
#include "show/table.h"

struct weft_demand_metrics;
/* attrs must outlive it. */
struct weft_demand_metrics *weft_demand_metrics_new(const struct weft_predictions_attrs *a);
void weft_demand_metrics_free(struct weft_demand_metrics **m);
void weft_demand_metrics_add(struct weft_demand_metrics *m, const struct weft_prediction *p);
/* Labels that were there; 0: nothing to measure. */
uint64_t weft_demand_metrics_count(const struct weft_demand_metrics *m);
/* Adds columns and rows: label by label, so that models stand below one another. */
void weft_demand_metrics_table(const struct weft_demand_metrics *m, struct weft_table *t);
/* A table for each model and label with classes: rows are actual classes, columns predicted ones. */
void weft_demand_metrics_confusion(const struct weft_demand_metrics *m, FILE *f);

#endif
