/* orders.h - a stream of forecasts and a table of stock become orders: a line a product, and the table of them.
 *
 * The sum of the steps from the origin to the next order's arrival has the mean of their forecasts and the variance
 * 1'S1 of the covariance of their errors. Today is the origin, the first day that is forecast: an order that is placed
 * then arrives lead days later, before that day's sales. What is on order is taken to arrive before it. A line whose
 * forecast or row of stock can't be relied on has no quantity, and the reason in words. */
#ifndef WEFT_ORDERS_H
#define WEFT_ORDERS_H

#include "order/quantity.h"
#include "order/stock.h"
#include "record/forecasts.h"
#include "show/table.h"

#define WEFT_ORDERS_SCHEMA "orders/1"

/* Sums of the first m steps, m = 0..horizon: mean[m], and var[m], 1'S1. False: a value is missing up to step n. */
bool weft_order_sums(const float *forecast, const float *covariance, size_t horizon, size_t n, double *mean,
                     double *var);

struct weft_orders_opts {
    const char *model, *channel; /* NULL: the only one that is no baseline; the one that counts pieces */
    bool service_told;           /* a service on the command line: prices do not decide then */
    double service, fill;        /* fill: NaN, or the goal of rows that name no service */
    double budget;               /* NaN: none */
};

enum { WEFT_ORDERS_NARROW = 9 };
struct weft_orders;
/* stock and o must outlive it. 64 or 78 when the channel or the step is not one of pieces and days. */
int weft_orders_new(const struct weft_head *head, const struct weft_stock *stock, const struct weft_orders_opts *o,
                    struct weft_orders **out, struct weft_err *e) WEFT_MUST_USE;
void weft_orders_free(struct weft_orders **o);
/* One forecast; 65 when it came before, 64 when two models did and none was chosen. */
int weft_orders_add(struct weft_orders *o, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* After the last one: all quantities. 65 when nothing can be ordered, with the way out. */
int weft_orders_finish(struct weft_orders *o, struct weft_err *e) WEFT_MUST_USE;

struct weft_orders_notes {
    uint64_t lines, orders, left_out; /* rows of stock, those with an order, those without one that can be relied on */
    uint64_t not_in_stock;            /* forecasts without a row of stock */
    uint64_t other_goals;             /* lines whose goal is not profit */
    uint64_t late;                    /* orders that should have been placed before */
    double spend, profit;             /* of the orders; expected, of all lines; NaN: not known for one of them */
    double multiplier;                /* of the budget; 0: it binds nobody */
    int64_t origin, step, horizon;
    const char *model, *channel;
    const char *left_out_id, *left_out_why; /* of the first line left out; NULL: none */
};
void weft_orders_notes(const struct weft_orders *o, struct weft_orders_notes *n);
/* Lines with an order first, the most urgent one on top; at the end those left out. top: so many; 0: all. */
void weft_orders_table(const struct weft_orders *o, size_t top, struct weft_table *t);
/* The columns that fit a terminal; returns how many. */
size_t weft_orders_narrow(const char *keys[WEFT_ORDERS_NARROW]);
/* Attrs of an orders stream (schemas/orders.json). */
void weft_orders_attrs_write(const struct weft_orders *o, struct weft_pack *b);

#endif
