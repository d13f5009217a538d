/* quantity.c - levels, orders, budgets. */
#include "order/quantity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const double nearly = 1e-4; /* of a pack: the last digits of forecasts order no piece more */

double weft_order_overage(const struct weft_order_item *x)
{
    double salvage = isnan(x->salvage) ? x->cost : x->salvage, holding = isnan(x->holding) ? 0 : x->holding;
    return x->cost - salvage + holding * x->days;
}

static double ratio_at(const struct weft_order_item *x, double multiplier)
{
    double under = x->price - x->cost, over = weft_order_overage(x);
    return under > multiplier * x->cost ? (under - multiplier * x->cost) / (under + over) : 0;
}

double weft_order_ratio(const struct weft_order_item *x)
{
    return ratio_at(x, 0);
}

/* Pieces that are asked for after the order has arrived, and are not there. */
static double short_after(const struct weft_order_item *x, double level)
{
    return weft_lead_demand_beyond(&x->period, level) - weft_lead_demand_beyond(&x->lead, level);
}

static double fill_level(const struct weft_order_item *x, double aim)
{
    double may = (1 - aim) * (x->period.expected - x->lead.expected), low = 0, high = x->period.expected + 1;
    if (short_after(x, 0) <= may)
        return 0;
    while (short_after(x, high) > may && high < 1e15)
        high *= 2;
    for (int i = 0; i < 100 && high - low > 1e-9 * (1 + high); i++) {
        double s = (low + high) / 2;
        if (short_after(x, s) > may)
            low = s;
        else
            high = s;
    }
    return x->period.counts ? ceil(high - 1e-6) : high;
}

double weft_order_level(const struct weft_order_item *x, double multiplier)
{
    double p = x->goal == WEFT_ORDER_PROFIT ? ratio_at(x, multiplier) : 1 - (1 + multiplier) * (1 - x->aim);
    if (!(p > 0))
        return -INFINITY;
    if (x->goal == WEFT_ORDER_FILL)
        return fill_level(x, p);
    return weft_lead_demand_at(&x->period, p);
}

double weft_order_profit(const struct weft_order_item *x, double level)
{
    double sold = x->period.expected - weft_lead_demand_beyond(&x->period, level), left = level - sold;
    return (x->price - x->cost) * sold - weft_order_overage(x) * (level > 0 && left > 0 ? left : 0);
}

/* With every piece dearer by the multiplier. */
static double worth(const struct weft_order_item *x, double quantity, double multiplier)
{
    return weft_order_profit(x, x->position + quantity) - multiplier * x->cost * quantity;
}

double weft_order_quantity(const struct weft_order_item *x, double multiplier)
{
    double need = weft_order_level(x, multiplier) - x->position;
    if (!(need > 0))
        return 0;
    double packs = ceil(need / x->pack - nearly), least = ceil(x->moq / x->pack - nearly);
    bool exact = x->period.counts && x->pack == 1; /* the level itself is the best */
    if (x->goal == WEFT_ORDER_PROFIT && !exact && packs > 0 &&
        worth(x, (packs - 1) * x->pack, multiplier) > worth(x, packs * x->pack, multiplier))
        packs--;
    if (packs >= least || packs <= 0)
        return packs > 0 ? packs * x->pack : 0;
    bool prices = !isnan(x->price) && !isnan(x->cost);
    return prices && !(worth(x, least * x->pack, multiplier) > worth(x, 0, multiplier)) ? 0 : least * x->pack;
}

struct weft_order_outcome weft_order_outcome(const struct weft_order_item *x, double quantity)
{
    double level = x->position + quantity;
    return (struct weft_order_outcome){.before = 1 - weft_lead_demand_below(&x->lead, x->position),
                                       .within = 1 - weft_lead_demand_below(&x->period, level),
                                       .lost = weft_lead_demand_beyond(&x->period, level),
                                       .left = weft_lead_demand_left(&x->period, level),
                                       .profit = weft_order_profit(x, level)};
}

/* Orders at a multiplier, and what they cost. Those that are the same at a smaller and at a larger one are not asked
 * for again (dearer and cheaper; NULL: not known), for no order grows with the multiplier. */
static double spend(const struct weft_order_item *x, size_t n, double multiplier, const double *cheaper,
                    const double *dearer, double *quantity)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        bool same = cheaper && dearer && !(cheaper[i] > dearer[i]);
        quantity[i] = same ? dearer[i] : weft_order_quantity(&x[i], multiplier);
        sum += quantity[i] * x[i].cost;
    }
    return sum;
}

/* Whole packs more, up to `most`, as far as the money goes and the least order allows; returns what they cost. */
static double top_up(const struct weft_order_item *x, double most, double money, double *quantity)
{
    double packs = floor(money / (x->cost * x->pack) + 1e-12), more = fmin(most, *quantity + packs * x->pack),
           cost = (more - *quantity) * x->cost;
    if (!(cost > 0) || cost > money || more < x->moq)
        return 0;
    *quantity = more;
    return cost;
}

double weft_order_budget(const struct weft_order_item *x, size_t n, double budget, double *quantity)
{
    double low = 0, high = 1, *cheaper = WEFT_ARRAY(double, n + 1), *between = WEFT_ARRAY(double, n + 1), spent;
    if (spend(x, n, 0, NULL, NULL, cheaper) <= budget)
        high = 0;
    while (high > 0 && spend(x, n, high, NULL, NULL, quantity) > budget && high < 1e12) {
        memcpy(cheaper, quantity, n * sizeof *quantity);
        low = high;
        high *= 2;
    }
    while (high - low > 1e-6 * high) {
        double m = (low + high) / 2;
        bool over = spend(x, n, m, cheaper, quantity, between) > budget;
        memcpy(over ? cheaper : quantity, between, n * sizeof *quantity);
        low = over ? m : low;
        high = over ? high : m;
    }
    if (!(high > 0))
        memcpy(quantity, cheaper, n * sizeof *quantity);
    spent = spend(x, n, high, quantity, quantity, quantity);
    for (size_t i = 0; i < n && high > 0; i++)
        spent += top_up(&x[i], cheaper[i], budget - spent, &quantity[i]);
    free(cheaper);
    free(between);
    return high;
}
