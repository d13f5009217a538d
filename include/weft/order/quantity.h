/* quantity.h - how many to order: one product at a periodic review, or many under a budget.
 *
 * An order that is placed now arrives after the lead time, the next one a review period after it, so what it must last
 * for is lead + review days (the protection interval): it brings the position, what lies in stock and is on order less
 * what is owed, up to a level S. What S is, goes by the goal:
 *   profit    the newsvendor's: P(D <= S) = (price - cost) / (price - salvage + holding days), the chance at which one
 *             more piece earns nothing any more (Arrow, Harris and Marschak 1951);
 *   service   P(D <= S) = aim: the share of periods without a stock-out;
 *   fill      the share of what is asked for that is served, of the days from its arrival to the next one:
 *             E max(D - S, 0) - E max(D_lead - S, 0) = (1 - aim) (mean of D - mean of D_lead), by bisection (Silver,
 * Pyke and Thomas 2017, 7.9). A multiplier m (of Lagrange) makes every piece dearer by a share m of its cost: the
 * newsvendor's ratio becomes (price - cost (1 + m)) / (price - salvage + holding days), and a service or fill of `aim`
 * 1 - (1 + m) (1 - aim), which is the same for one whose prices that aim would follow from. */
#ifndef WEFT_QUANTITY_H
#define WEFT_QUANTITY_H

#include <stddef.h>

#include "order/lead_demand.h"

enum weft_order_goal { WEFT_ORDER_PROFIT, WEFT_ORDER_SERVICE, WEFT_ORDER_FILL };

struct weft_order_item {
    struct weft_lead_demand lead, period; /* until the order arrives; until the next one does */
    double days;                          /* of the period: lead + review */
    double position;                      /* on hand + on order - owed; below 0: more is owed than there is */
    double pack, moq;                     /* an order is a multiple of pack > 0, and at least moq or nothing */
    double price, cost;                   /* NaN: not known */
    double salvage;                       /* what a piece is worth that is left; NaN: its cost, for it is sold later */
    double holding;                       /* of a piece and day; NaN: nothing */
    enum weft_order_goal goal;
    double aim; /* of service and fill, in (0, 1) */
};

/* What a piece too many costs: cost - salvage + holding days; NaN without a cost. */
double weft_order_overage(const struct weft_order_item *x);
/* The newsvendor's ratio; 1 and more: nothing is lost by what is left, and there is no best quantity. */
double weft_order_ratio(const struct weft_order_item *x);
/* The level S; negative infinity: no piece is worth it. */
double weft_order_level(const struct weft_order_item *x, double multiplier);
/* Expected profit of the period at a level: (price - cost) E min(D, S) - overage E max(S - D, 0); NaN without prices.
 */
double weft_order_profit(const struct weft_order_item *x, double level);
/* The order: whole packs up to S; of the two multiples beside it the better one by profit, where that is the goal, else
 * the upper one. Below moq: nothing, or moq in whole packs, whichever has the larger expected profit; without prices
 * moq. */
double weft_order_quantity(const struct weft_order_item *x, double multiplier);

/* What comes of it. */
struct weft_order_outcome {
    double before; /* P(stock-out before the order arrives) */
    double within; /* P(stock-out before the next one arrives) */
    double lost;   /* expected pieces asked for in the period that are not there */
    double left;   /* expected pieces left at its end */
    double profit; /* expected; NaN without prices */
};
struct weft_order_outcome weft_order_outcome(const struct weft_order_item *x, double quantity);

/* Orders for n products, in the order that the caller gives them, that cost no more than the budget together: the least
 * multiplier (to 1e-6) at which they do, and where an order hangs on its last digits as many packs of it, the first
 * product first, as money is left for. Every cost is known and above 0. Returns the multiplier; 0: the budget binds
 * nobody. */
double weft_order_budget(const struct weft_order_item *x, size_t n, double budget, double *quantity);

#endif
