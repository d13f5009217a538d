/* quantity.c - levels, orders, budgets. */
#include "order/quantity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ROUNDS = 64 };              /* of a budget */
static const double spare = 0.01;  /* share of a budget that may be left over */
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

/* Many orders under one budget. */
struct market {
    const struct weft_order_item *x;
    size_t n;
    double *kept;              /* [n] quantity of those that are settled; NaN: the others */
    double *cheaper, *between; /* [n] at a smaller multiplier, and at one that is tried */
};

/* Orders at a multiplier, and what they cost. Those that are the same at a smaller and at a larger one are not asked
 * for again (dearer: at the larger one; NULL: neither is known), for no order grows with the multiplier. */
static double spend(const struct market *m, double multiplier, const double *dearer, double *quantity)
{
    double sum = 0;
    for (size_t i = 0; i < m->n; i++) {
        bool same = dearer && !(m->cheaper[i] > dearer[i]);
        if (!isnan(m->kept[i]))
            quantity[i] = m->kept[i];
        else
            quantity[i] = same ? dearer[i] : weft_order_quantity(&m->x[i], multiplier);
        sum += quantity[i] * m->x[i].cost;
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

/* The least multiplier at which all cost no more than the budget, and the orders there; *spent is what they cost. */
static double bisect(const struct market *m, double budget, double *quantity, double *spent)
{
    double low = 0, high = 1;
    if ((*spent = spend(m, 0, NULL, quantity)) <= budget)
        return 0;
    do {
        memcpy(m->cheaper, quantity, m->n * sizeof *quantity);
        low = high > 1 ? high / 2 : 0;
        *spent = spend(m, high, NULL, quantity);
    } while (*spent > budget && (high *= 2) < 1e12);
    while (high - low > 1e-6 * high) {
        double at = (low + high) / 2, costs = spend(m, at, quantity, m->between);
        bool over = costs > budget;
        memcpy(over ? m->cheaper : quantity, m->between, m->n * sizeof *quantity);
        low = over ? at : low;
        high = over ? high : at;
        *spent = over ? *spent : costs;
    }
    return high;
}

/* Those whose next pack is too dear are settled, so that what is left of the money goes to the others. */
double weft_order_budget(const struct weft_order_item *x, size_t n, double budget, double *quantity)
{
    struct market m = {x, n, WEFT_ARRAY(double, n + 1), WEFT_ARRAY(double, n + 1), WEFT_ARRAY(double, n + 1)};
    double multiplier = 0, spent = 0;
    for (size_t i = 0; i < n; i++)
        m.kept[i] = NAN;
    for (int round = 0; round < ROUNDS; round++) {
        double at = bisect(&m, budget, quantity, &spent);
        bool settled = false;
        multiplier = round ? multiplier : at;
        if (!(at > 0))
            break;
        for (size_t i = 0; i < n; i++) {
            if (!isnan(m.kept[i]))
                continue;
            spent += top_up(&x[i], m.cheaper[i], budget - spent, &quantity[i]);
            if (m.cheaper[i] > quantity[i])
                m.kept[i] = quantity[i];
            settled |= m.cheaper[i] > quantity[i];
        }
        if (!settled || budget - spent <= spare * budget)
            break;
    }
    free(m.kept);
    free(m.cheaper);
    free(m.between);
    return multiplier;
}
