/* order_trial.h - what orders by a model's forecasts would have been worth at past origins, beside what shops do: stock
 * for 30 days' sales velocity, and the textbook's mean + z sd sqrt(days).
 *
 * At each origin every rule sets a level (order/quantity.h) for lead + review days, once for each goal; then the series
 * is replayed (order/replay.h). Models: the service of the sum of their forecasts and the covariance of its errors, as
 * `order` does. Textbook: mean and sd of the last 90 days. A series counts when every rule had a level at every origin,
 * and no day is missing: every row is about the same days. */
#ifndef WEFT_ORDER_TRIAL_H
#define WEFT_ORDER_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "show/table.h"

enum { WEFT_VELOCITY_DAYS = 30, WEFT_TEXTBOOK_DAYS = 90 };

struct weft_order_trial_options {
    size_t lead, review, origins; /* steps */
    double days;                  /* that a step has: holding is paid for days */
    size_t models, channels;
    const double *service; /* [n_service] */
    size_t n_service;
    const bool *whole;                    /* [channels]: pieces are counted */
    double price, cost, salvage, holding; /* NaN: not told. With price and cost a best profit is a goal, and counted */
};
struct weft_order_trial;
/* The options' arrays must outlive it. */
struct weft_order_trial *weft_order_trial_new(const struct weft_order_trial_options *o);
void weft_order_trial_free(struct weft_order_trial **t);

/* One channel of a series: its model's forecasts, and its past, at each origin; then its end. */
void weft_order_trial_begin(struct weft_order_trial *t, size_t channel);
/* covariance [horizon, horizon], or NULL: then the model sets no level. */
void weft_order_trial_model(struct weft_order_trial *t, size_t model, size_t origin, const float *forecast,
                            const float *covariance, double freedom, size_t horizon);
/* A model that never has a covariance, as baselines: it has no rows, and no series is left out for it. */
void weft_order_trial_silent(struct weft_order_trial *t, size_t model);
/* x[0..known): what was known. */
void weft_order_trial_past(struct weft_order_trial *t, size_t origin, const float *x, size_t known);
/* x[0..n) from the first origin on. */
void weft_order_trial_end(struct weft_order_trial *t, const float *x, size_t n);

/* Series replayed, and left out; of these, because of a model without a covariance. */
struct weft_order_trial_counts {
    uint64_t series, left_out, without_covariance;
};
void weft_order_trial_count(const struct weft_order_trial *t, struct weft_order_trial_counts *out);
/* names [models]. False: nothing was replayed. */
bool weft_order_trial_table(const struct weft_order_trial *t, const char *const *names, char *const *channels,
                            struct weft_table *table);

#endif
