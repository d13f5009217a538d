/* lines.h - the lines of orders while they are made: for orders.c and orders_table.c alone. */
#ifndef WEFT_ORDER_LINES_H
#define WEFT_ORDER_LINES_H

#include "order/orders.h"

#define WEFT_ORDER_LATER INT64_MAX /* order_by: after the last day that is forecast */

struct weft_order_line {
    struct weft_order_item item;
    bool seen;
    char *why; /* NULL, or what the forecast is short of; owned */
    int64_t origin, order_by;
    bool late;                   /* even an order placed now arrives too late for the goal */
    double cover, level, demand; /* days; S without a budget; of the period */
    double quantity, wanted;     /* wanted: without the budget */
    struct weft_order_outcome outcome;
};

struct weft_orders {
    const struct weft_stock *stock;
    struct weft_orders_opts o;
    struct weft_forecasts_attrs attrs;
    size_t channel;
    char *model; /* whose forecasts are taken; NULL: none came yet */
    struct weft_forecasts f;
    struct weft_few_errors few;
    double *mean, *var;           /* [horizon + 1] */
    struct weft_order_line *line; /* [stock->ids.n] */
    uint64_t not_in_stock, taken, without_covariance;
    int64_t origin;
    double multiplier;
    size_t *order; /* [stock->ids.n] of the table */
};

/* NULL: line i can be ordered; else why not. */
const char *weft_orders_why_not(const struct weft_orders *o, size_t i);

#endif
