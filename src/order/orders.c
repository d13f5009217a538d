/* orders.c - forecasts and stock become lines of orders. */
#include "order/orders.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "base/terms.h"
#include "measure/growth.h"
#include "lines.h"

enum { DAY = 86400 };
bool weft_order_sums(const float *forecast, const float *covariance, size_t horizon, size_t n, double *mean,
                     double *var)
{
    bool whole = true;
    mean[0] = var[0] = 0;
    for (size_t m = 0; m < horizon; m++) {
        double cross = 0, own = covariance[m * horizon + m];
        for (size_t k = 0; k < m; k++)
            cross += covariance[m * horizon + k];
        mean[m + 1] = mean[m] + forecast[m];
        var[m + 1] = var[m] + own + 2 * cross;
        whole &= m >= n || (isfinite(mean[m + 1]) && isfinite(var[m + 1]));
    }
    return whole;
}

/* --- what is forecast --- */

static bool is_pieces(const char *channel)
{
    enum weft_term term = weft_term_of(channel, strlen(channel));
    return term == WEFT_TERM_COUNT || term == WEFT_TERM_SALES;
}

static int choose_channel(struct weft_orders *o, struct weft_err *e)
{
    const struct weft_forecasts_attrs *a = &o->attrs;
    size_t fit = 0;
    for (size_t c = 0; c < a->n_channels; c++) {
        bool is = o->o.channel ? strcmp(a->channels[c], o->o.channel) == 0 : is_pieces(a->channels[c]);
        o->channel = is ? c : o->channel;
        fit += is;
    }
    if (fit == 0 && !o->o.channel && a->n_channels == 1)
        fit = 1;
    if (fit != 1) {
        if (o->o.channel)
            weft_fail(e, WEFT_CONFIG, "no channel \"%s\" is forecast", o->o.channel);
        else
            weft_fail(e, WEFT_CONFIG, "%zu of the channels that are forecast count pieces", fit);
        return weft_fail_hint(e, "say which with --channel: %s%s%s", a->channels[0], a->n_channels > 1 ? ", " : "",
                              a->n_channels > 1 ? a->channels[1] : "");
    }
    const char *name = a->channels[o->channel];
    enum weft_term term = weft_term_of(name, strlen(name));
    if (term != WEFT_TERM_MONEY && term != WEFT_TERM_PRICE && term != WEFT_TERM_SHARE)
        return 0;
    weft_fail(e, WEFT_CONFIG, "\"%s\" is money or a share, and stock is counted in pieces", name);
    return weft_fail_hint(e, "forecast the pieces sold: weft ingest --value units=COLUMN");
}

int weft_orders_new(const struct weft_head *head, const struct weft_stock *stock, const struct weft_orders_opts *opts,
                    struct weft_orders **out, struct weft_err *e)
{
    struct weft_orders *o = *out = WEFT_NEW(struct weft_orders);
    char text[32];
    o->stock = stock;
    o->o = *opts;
    o->origin = INT64_MIN;
    if (weft_forecasts_attrs_read(head, &o->attrs, e) < 0 || choose_channel(o, e) < 0)
        return -1;
    int64_t step = o->attrs.step;
    if (step <= 0 || (DAY % step != 0 && step % DAY != 0))
        return weft_fail(e, WEFT_CONFIG, "steps of a %s: orders need steps that make whole days, or of whole days",
                         weft_step_text(step, text));
    o->mean = WEFT_ARRAY(double, (size_t)o->attrs.horizon + 1);
    o->var = WEFT_ARRAY(double, (size_t)o->attrs.horizon + 1);
    o->line = WEFT_ARRAY(struct weft_order_line, stock->ids.n + 1);
    o->order = WEFT_ARRAY(size_t, stock->ids.n + 1);
    return 0;
}

void weft_orders_free(struct weft_orders **op)
{
    struct weft_orders *o = *op;
    if (!o)
        return;
    for (size_t i = 0; o->line && i < o->stock->ids.n; i++)
        free(o->line[i].why);
    free(o->line);
    free(o->order);
    free(o->mean);
    free(o->var);
    free(o->model);
    weft_forecasts_free(&o->f);
    weft_forecasts_attrs_free(&o->attrs);
    free(o);
    *op = NULL;
}

/* --- one line --- */

/* Days as steps; SIZE_MAX: no whole number of them. */
static size_t steps_of(double days, int64_t step)
{
    double n = days * DAY / (double)step;
    return n == floor(n) && n < 1e9 ? (size_t)n : SIZE_MAX;
}

static double of(const struct weft_orders *o, size_t i, enum weft_stock_field f)
{
    return o->stock->row[i].of[f];
}

/* The goal: a service that the row names; else the program's; else by prices, where they say what a piece too many
 * costs; else the usual service. */
static bool set_goal(const struct weft_orders *o, size_t i, struct weft_order_item *x)
{
    double told = of(o, i, WEFT_STOCK_SERVICE);
    bool prices = !isnan(x->price) && !isnan(x->cost) && weft_order_overage(x) > 0;
    x->goal = WEFT_ORDER_SERVICE;
    x->aim = isnan(told) ? o->o.service : told;
    if (!isnan(told) || o->o.service_told)
        return true;
    if (!isnan(o->o.fill)) {
        x->goal = WEFT_ORDER_FILL;
        x->aim = o->o.fill;
        return true;
    }
    x->goal = prices ? WEFT_ORDER_PROFIT : x->goal;
    return !(x->price <= x->cost);
}

/* The last day on which an order still arrives in time: as sure as the level S is for the whole period. */
static void set_order_by(struct weft_orders *o, struct weft_order_line *l, size_t lead, bool whole)
{
    const struct weft_order_item *x = &l->item;
    double sure = isinf(l->level) ? 0 : weft_lead_demand_below(&x->period, l->level);
    size_t low = lead, high = (size_t)o->attrs.horizon + 1; /* low holds, high does not */
    l->late = weft_lead_demand_below(&x->lead, x->position) < sure - 1e-9;
    while (high - low > 1) {
        size_t m = (low + high) / 2;
        struct weft_lead_demand d = weft_lead_demand_of(o->mean[m], o->var[m], o->few, whole);
        if (weft_lead_demand_below(&d, x->position) >= sure - 1e-9)
            low = m;
        else
            high = m;
    }
    l->order_by = low == (size_t)o->attrs.horizon ? WEFT_ORDER_LATER
                                                  : weft_step_add(l->origin, (int64_t)(low - lead), o->attrs.step);
}

/* How long the position lasts at what is forecast; past the horizon at its mean. */
static double cover_of(const struct weft_orders *o, double position)
{
    size_t h = (size_t)o->attrs.horizon;
    double per_step = (double)o->attrs.step / DAY;
    if (!(position > 0))
        return 0;
    for (size_t m = 1; m <= h; m++)
        if (o->mean[m] >= position)
            return per_step * ((double)m - (o->mean[m] - position) / (o->mean[m] - o->mean[m - 1]));
    return o->mean[h] > 0 ? per_step * (double)h * position / o->mean[h] : NAN;
}

/* NULL, or why the line can't be ordered on this forecast. */
static char *forecast_doubt(struct weft_orders *o, size_t i, size_t lead, size_t n)
{
    const struct weft_forecasts *f = &o->f;
    if (f->why.n)
        return weft_xasprintf("no forecast: %.*s", f->why.n < 200 ? (int)f->why.n : 200, (const char *)f->why.p);
    if (lead == SIZE_MAX || n == SIZE_MAX)
        return weft_xasprintf("lead %.10g and review %.10g days are no whole steps of the forecast",
                              of(o, i, WEFT_STOCK_LEAD_DAYS), of(o, i, WEFT_STOCK_REVIEW_DAYS));
    if (n > f->horizon)
        return weft_xasprintf("lead %.10g + review %.10g days need %zu steps ahead, and %zu are forecast",
                              of(o, i, WEFT_STOCK_LEAD_DAYS), of(o, i, WEFT_STOCK_REVIEW_DAYS), n, f->horizon);
    if (!f->covariance)
        return weft_xstrdup("its forecast has no covariance of errors");
    if (!(f->freedom >= WEFT_FREEDOM_MIN))
        return weft_xasprintf("the model's validation part holds %.1f independent errors, and %g are the least",
                              f->freedom, WEFT_FREEDOM_MIN);
    if (!weft_order_sums(f->forecast, f->covariance, f->horizon, n, o->mean, o->var))
        return weft_xstrdup("no forecast: a value is missing");
    return NULL;
}

static void fill_line(struct weft_orders *o, size_t i)
{
    struct weft_order_line *l = &o->line[i];
    struct weft_order_item *x = &l->item;
    const double shelf = of(o, i, WEFT_STOCK_SHELF_DAYS), review = of(o, i, WEFT_STOCK_REVIEW_DAYS),
                 lead_days = of(o, i, WEFT_STOCK_LEAD_DAYS), pack = of(o, i, WEFT_STOCK_PACK),
                 lasts = shelf < review ? shelf : review;
    size_t lead = steps_of(lead_days, o->attrs.step), n = steps_of(lead_days + lasts, o->attrs.step);
    if ((l->why = forecast_doubt(o, i, lead, n)))
        return;
    if (o->few.freedom != o->f.freedom)
        o->few = weft_few_errors_of(o->f.freedom);
    bool whole = pack == floor(pack);
    *x = (struct weft_order_item){.lead = weft_lead_demand_of(o->mean[lead], o->var[lead], o->few, whole),
                                  .period = weft_lead_demand_of(o->mean[n], o->var[n], o->few, whole),
                                  .days = lead_days + lasts,
                                  .position = of(o, i, WEFT_STOCK_ON_HAND) + of(o, i, WEFT_STOCK_ON_ORDER) -
                                              of(o, i, WEFT_STOCK_BACKORDERS),
                                  .pack = pack,
                                  .moq = of(o, i, WEFT_STOCK_MOQ),
                                  .price = of(o, i, WEFT_STOCK_PRICE),
                                  .cost = of(o, i, WEFT_STOCK_COST),
                                  .salvage = of(o, i, WEFT_STOCK_SALVAGE),
                                  .holding = of(o, i, WEFT_STOCK_HOLDING)};
    if (shelf <= review && isnan(x->salvage)) /* what is left has gone off */
        x->salvage = 0;
    if (!set_goal(o, i, x)) {
        l->why = weft_xasprintf("its price %.10g is not above its cost %.10g: --service orders it all the same",
                                x->price, x->cost);
        return;
    }
    l->level = weft_order_level(x, 0);
    l->demand = x->period.expected;
    l->cover = cover_of(o, x->position);
    set_order_by(o, l, lead, whole);
    if (!isnan(o->o.budget) && !(x->cost > 0))
        l->why = weft_xstrdup("no cost, and --budget counts money");
}

static int choose_model(struct weft_orders *o, struct weft_span model, struct weft_err *e)
{
    const char *wanted = o->o.model ? o->o.model : o->model;
    if (!wanted) {
        o->model = weft_xstrndup((const char *)model.p, model.n);
        return 1;
    }
    if (strlen(wanted) == model.n && memcmp(wanted, model.p, model.n) == 0) {
        if (!o->model)
            o->model = weft_xstrdup(wanted);
        return 1;
    }
    if (o->o.model)
        return 0;
    weft_fail(e, WEFT_USAGE, "forecasts of %s and of %.*s", wanted, model.n < 60 ? (int)model.n : 60,
              (const char *)model.p);
    return weft_fail_hint(e, "say whose with --model");
}

int weft_orders_add(struct weft_orders *o, struct weft_span frame, struct weft_err *e)
{
    struct weft_forecasts *f = &o->f;
    const char *channel = o->attrs.channels[o->channel];
    if (weft_forecasts_read(frame, &o->attrs, f, e) < 0)
        return -1;
    if (f->part.n != 6 || memcmp(f->part.p, "latest", 6) != 0) {
        weft_fail(e, WEFT_DATA, "a forecast of the past: orders are for the days ahead");
        return weft_fail_hint(e, "weft score without --part");
    }
    if (f->channel.n != strlen(channel) || memcmp(f->channel.p, channel, f->channel.n) != 0 || f->windows != 1 ||
        (f->baseline && !o->o.model))
        return 0;
    int wanted = choose_model(o, f->model, e);
    if (wanted <= 0)
        return wanted;
    o->taken++;
    o->without_covariance += !f->covariance && !f->why.n;
    size_t i = weft_names_find(&o->stock->ids, f->id.p, f->id.n);
    if (i == SIZE_MAX) {
        o->not_in_stock++;
        return 0;
    }
    struct weft_order_line *l = &o->line[i];
    if (l->seen)
        return weft_fail(e, WEFT_DATA, "two forecasts of \"%s\"", o->stock->ids.at[i].p);
    l->seen = true;
    l->origin = f->origin;
    o->origin = f->origin > o->origin ? f->origin : o->origin;
    if (!o->stock->row[i].why)
        fill_line(o, i);
    return 0;
}

/* --- all lines --- */

const char *weft_orders_why_not(const struct weft_orders *o, size_t i)
{
    if (o->stock->row[i].why)
        return o->stock->row[i].why;
    if (!o->line[i].seen)
        return "no forecast has this id";
    return o->line[i].why;
}

static void note_old_origins(struct weft_orders *o)
{
    char first[32], now[32];
    for (size_t i = 0; i < o->stock->ids.n; i++) {
        struct weft_order_line *l = &o->line[i];
        if (!weft_orders_why_not(o, i) && l->origin != o->origin)
            l->why = weft_xasprintf("its forecast begins %s, those of others %s",
                                    weft_date_text(l->origin, o->attrs.step, first),
                                    weft_date_text(o->origin, o->attrs.step, now));
    }
}

/* In the order of ids, so that neither table's order plays a part. */
static void spread_budget(struct weft_orders *o, const size_t *by_id, size_t n)
{
    struct weft_order_item *item = WEFT_ARRAY(struct weft_order_item, n + 1);
    double *quantity = WEFT_ARRAY(double, n + 1);
    for (size_t k = 0; k < n; k++)
        item[k] = o->line[by_id[k]].item;
    o->multiplier = weft_order_budget(item, n, o->o.budget, quantity);
    for (size_t k = 0; k < n; k++)
        o->line[by_id[k]].quantity = quantity[k];
    free(quantity);
    free(item);
}

/* What qsort compares by: it has no argument of its own. */
struct place {
    const struct weft_orders *o;
    size_t line;
};

static int by_id(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const struct weft_name *p = &x->o->stock->ids.at[x->line], *q = &y->o->stock->ids.at[y->line];
    return strcmp(p->p, q->p);
}

static int rank_of(const struct place *x)
{
    if (weft_orders_why_not(x->o, x->line))
        return 2;
    return x->o->line[x->line].quantity > 0 ? 0 : 1;
}

static int by_urgency(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    const struct weft_order_line *l = &x->o->line[x->line], *m = &y->o->line[y->line];
    int rank = rank_of(x), other = rank_of(y);
    if (rank != other)
        return rank - other;
    if (rank < 2 && l->order_by != m->order_by)
        return l->order_by < m->order_by ? -1 : 1;
    if (rank < 2 && l->outcome.before != m->outcome.before)
        return l->outcome.before > m->outcome.before ? -1 : 1;
    return by_id(a, b);
}

static int nothing_ordered(const struct weft_orders *o, size_t first, struct weft_err *e)
{
    if (o->taken && o->without_covariance == o->taken) {
        weft_fail(e, WEFT_CONFIG, "the forecasts of %s have no covariance of errors, so sums of days have no spread",
                  o->model);
        return weft_fail_hint(e, "weft score with a model of train-dlinear whose validation part holds a horizon");
    }
    if (!o->taken)
        return weft_fail(e, WEFT_DATA, o->o.model ? "no forecasts of %s came" : "no forecasts of a model came",
                         o->o.model ? o->o.model : "");
    return weft_fail(e, WEFT_DATA, "nothing can be ordered: %zu rows of stock; %s: %s", o->stock->ids.n,
                     o->stock->ids.at[first].p, weft_orders_why_not(o, first));
}

int weft_orders_finish(struct weft_orders *o, struct weft_err *e)
{
    size_t rows = o->stock->ids.n, n = 0;
    struct place *place = WEFT_ARRAY(struct place, rows + 1);
    size_t *can = WEFT_ARRAY(size_t, rows + 1);
    note_old_origins(o);
    for (size_t i = 0; i < rows; i++)
        place[i] = (struct place){o, i};
    weft_sort(place, rows, sizeof *place, by_id);
    for (size_t k = 0; k < rows; k++)
        if (!weft_orders_why_not(o, place[k].line))
            can[n++] = place[k].line;
    for (size_t k = 0; k < n; k++) {
        struct weft_order_line *l = &o->line[can[k]];
        l->quantity = l->wanted = weft_order_quantity(&l->item, 0);
    }
    int rc = n ? 0 : nothing_ordered(o, place[0].line, e);
    if (rc == 0 && !isnan(o->o.budget))
        spread_budget(o, can, n);
    for (size_t k = 0; k < n; k++) {
        struct weft_order_line *l = &o->line[can[k]];
        l->outcome = weft_order_outcome(&l->item, l->quantity);
    }
    if (rc == 0)
        weft_sort(place, rows, sizeof *place, by_urgency);
    for (size_t k = 0; k < rows; k++)
        o->order[k] = place[k].line;
    free(can);
    free(place);
    return rc;
}

void weft_orders_notes(const struct weft_orders *o, struct weft_orders_notes *n)
{
    *n = (struct weft_orders_notes){.lines = o->stock->ids.n,
                                    .not_in_stock = o->not_in_stock,
                                    .multiplier = o->multiplier,
                                    .origin = o->origin,
                                    .step = o->attrs.step,
                                    .horizon = o->attrs.horizon,
                                    .model = o->model,
                                    .channel = o->attrs.channels[o->channel]};
    for (size_t k = 0; k < o->stock->ids.n; k++) {
        size_t i = o->order[k];
        const struct weft_order_line *l = &o->line[i];
        const char *why = weft_orders_why_not(o, i);
        n->left_out += why != NULL;
        if (why && !n->left_out_why) {
            n->left_out_why = why;
            n->left_out_id = o->stock->ids.at[i].p;
        }
        if (why)
            continue;
        n->orders += l->quantity > 0;
        n->other_goals += l->item.goal != WEFT_ORDER_PROFIT;
        n->late += l->quantity > 0 && l->late;
        n->spend += l->quantity > 0 ? l->quantity * l->item.cost : 0;
        n->profit += l->outcome.profit;
    }
}
