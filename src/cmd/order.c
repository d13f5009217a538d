/* order.c - how many to order of each product, from its forecast and what lies in stock.
 *
 * In: forecasts/1, part latest, and a table of stock. Out: a table, CSV, JSON, or orders/1. */
#include <math.h>
#include <stddef.h>

#include "base/calendar.h"
#include "frame/run.h"
#include "order/orders.h"

enum { FRAMES = WEFT_TABLE_JSON + 1 };

struct state {
    struct weft_stock_opts s;
    struct weft_orders_opts o;
    struct weft_list columns;
    double lead, review, pack, moq, price, cost, salvage, holding, shelf, fill, budget;
    int64_t top;
    int format;
    bool wide, bom;
    struct weft_stock stock;
    struct weft_orders *orders;
    struct weft_table *table;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 0, "stock", AT(STR, s.path), NULL, 0, 0, "FILE",
     "CSV of what lies in stock, a row a product: id, on_hand, and what else of on_order, backorders, lead_days, "
     "review_days, pack, moq, price, cost, salvage, holding_per_day, shelf_days, service, unit it has",
     WEFT_OPT_FILE | WEFT_OPT_REQUIRED},
    {WEFT_OPT_LIST, 0, "id", AT(LIST, s.id), NULL, 0, 0, "COLUMN",
     "its columns that name the products as the stream does; several are joined with /", 0},
    {WEFT_OPT_LIST, 0, "stock-column", AT(LIST, s.columns), NULL, 0, 0, "FIELD=COLUMN",
     "a column whose name does not say what it is, as on_hand=Lager", 0},
    {WEFT_OPT_REAL, 0, "lead-days", AT(REAL, lead), NULL, 0, 10000, "N",
     "from the order to its arrival, where the table does not say; 0: before the first day that is forecast", 0},
    {WEFT_OPT_REAL, 0, "review-days", AT(REAL, review), NULL, 1, 10000, "N", "from one order to the next", 0},
    {WEFT_OPT_REAL, 0, "pack", AT(REAL, pack), "1", 1e-6, 1e9, "N",
     "orders are multiples of it; a fraction where fractions are sold", 0},
    {WEFT_OPT_REAL, 0, "moq", AT(REAL, moq), "0", 0, 1e12, "N", "the least order of a product", 0},
    {WEFT_OPT_REAL, 0, "price", AT(REAL, price), NULL, 0, 1e15, "X", "that a piece is sold at", 0},
    {WEFT_OPT_REAL, 0, "cost", AT(REAL, cost), NULL, 0, 1e15, "X", "that a piece is bought at", 0},
    {WEFT_OPT_REAL, 0, "salvage", AT(REAL, salvage), NULL, 0, 1e15, "X",
     "what a piece is worth that is left at the next order's arrival; by default its cost, and nothing when it has "
     "gone "
     "off",
     0},
    {WEFT_OPT_REAL, 0, "holding-per-day", AT(REAL, holding), NULL, 0, 1e15, "X", "of a piece that is left", 0},
    {WEFT_OPT_REAL, 0, "shelf-days", AT(REAL, shelf), NULL, 1, 10000, "N", "that a piece can be sold after arrival", 0},
    {WEFT_OPT_REAL, 0, "service", AT(REAL, o.service), "0.95", 0.01, 0.9999, "P",
     "chance of no stock-out until the next order arrives; given, it goes before prices", 0},
    {WEFT_OPT_REAL, 0, "fill", AT(REAL, fill), NULL, 0.01, 0.9999, "P",
     "share of what is asked for that is served, instead", 0, .not_with = "service"},
    {WEFT_OPT_REAL, 0, "budget", AT(REAL, budget), NULL, 0, 1e18, "X",
     "all orders together cost no more: each product gives way by the same multiplier", 0},
    {WEFT_OPT_STR, 0, "model", AT(STR, o.model), NULL, 0, 0, "NAME", "whose forecasts, where there are several", 0},
    {WEFT_OPT_STR, 0, "channel", AT(STR, o.channel), NULL, 0, 0, "NAME",
     "that counts pieces; by default the one that does by its name", 0},
    {WEFT_OPT_STR, 0, "encoding", AT(STR, s.encoding), NULL, 0, 0, "NAME", "of the table: cp949, euc-kr, ...", 0},
    {WEFT_OPT_CHOICE, 0, "decimal", AT(CHOICE, s.decimal), "auto", 0, 0, "auto|point|comma",
     "sign before decimals in the table", 0},
    {WEFT_OPT_INT, 0, "top", AT(INT, top), "0", 0, 1000000000, "N", "the first N alone; 0: all", 0},
    {WEFT_OPT_LIST, 0, "columns", AT(LIST, columns), NULL, 0, 0, "NAME",
     "these columns, in this order (names as in --format csv)", WEFT_OPT_RUN, .needs = "format=table|csv|json"},
    {WEFT_OPT_FLAG, 0, "wide", AT(FLAG, wide), NULL, 0, 0, NULL, "all columns in the text table, too", WEFT_OPT_RUN},
    {WEFT_OPT_CHOICE, 0, "format", AT(CHOICE, format), "table", 0, 0, "table|csv|json|frames", "of the result",
     WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "bom", AT(FLAG, bom), NULL, 0, 0, NULL, WEFT_BOM_HELP, WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

/* The options that stand for cells; what was not given is not known. */
static void take_usual(struct weft_run *run, struct state *s)
{
    const struct {
        const char *option;
        enum weft_stock_field field;
        double value;
    } usual[] = {{"lead-days", WEFT_STOCK_LEAD_DAYS, s->lead},   {"review-days", WEFT_STOCK_REVIEW_DAYS, s->review},
                 {"price", WEFT_STOCK_PRICE, s->price},          {"cost", WEFT_STOCK_COST, s->cost},
                 {"salvage", WEFT_STOCK_SALVAGE, s->salvage},    {"holding-per-day", WEFT_STOCK_HOLDING, s->holding},
                 {"shelf-days", WEFT_STOCK_SHELF_DAYS, s->shelf}};
    for (size_t f = 0; f < WEFT_STOCK_FIELDS; f++)
        s->s.usual[f] = NAN;
    s->s.usual[WEFT_STOCK_ON_ORDER] = s->s.usual[WEFT_STOCK_BACKORDERS] = 0;
    s->s.usual[WEFT_STOCK_PACK] = s->pack;
    s->s.usual[WEFT_STOCK_MOQ] = s->moq;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (weft_run_given(run, usual[i].option))
            s->s.usual[usual[i].field] = usual[i].value;
    s->o.service_told = weft_run_given(run, "service");
    s->o.fill = weft_run_given(run, "fill") ? s->fill : NAN;
    s->o.budget = weft_run_given(run, "budget") ? s->budget : NAN;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    take_usual(run, s);
    if (weft_stock_read(&s->stock, run, &s->s, e) < 0)
        return -1;
    weft_run_warn(run, "%s: %s", s->s.path, s->stock.said);
    if (s->stock.totals)
        weft_run_warn(run, "%s: %llu rows add others up and were left out", s->s.path,
                      (unsigned long long)s->stock.totals);
    return weft_orders_new(weft_run_in_head(run), &s->stock, &s->o, &s->orders, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    (void)run;
    return weft_orders_add(((struct state *)state)->orders, in, e);
}

static int emit_frames(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_pack b = {0};
    weft_orders_attrs_write(s->orders, &b);
    int rc = weft_run_head(run, WEFT_ORDERS_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc < 0 ? rc : weft_table_emit(s->table, NULL, run, e);
}

static int select_columns(struct state *s, struct weft_err *e)
{
    const char *const *keys = (const char *const *)s->columns.items, *narrow[WEFT_ORDERS_NARROW], *unknown;
    size_t n = s->columns.n;
    if (!n && s->format == WEFT_TABLE_TEXT && !s->wide) {
        n = weft_orders_narrow(narrow);
        keys = narrow;
    }
    if (!n || weft_table_select(s->table, keys, n, &unknown))
        return 0;
    return weft_fail(e, WEFT_USAGE, "--columns: there is no column \"%s\"; --format csv shows their names", unknown);
}

static void print_notes(const struct weft_orders_notes *n, FILE *f)
{
    char date[32];
    fprintf(f, "\n%llu of %llu products to order on %s, by forecasts of %s", (unsigned long long)n->orders,
            (unsigned long long)n->lines, weft_date_text(n->origin, n->step, date), n->model);
    if (!isnan(n->spend))
        fprintf(f, "; they cost %.10g", n->spend);
    if (!isnan(n->profit))
        fprintf(f, ", expected profit %.0f", n->profit);
    if (n->late)
        fprintf(f, "\nlate: %llu arrive too late for their goal", (unsigned long long)n->late);
    if (n->multiplier > 0 && n->other_goals)
        fprintf(f, "\nthe budget binds: chances to be sold out are %.3g times what the goals ask for",
                1 + n->multiplier);
    else if (n->multiplier > 0)
        fprintf(f, "\nthe budget binds: the next piece would earn %.3g%% of its cost", 100 * n->multiplier);
    if (n->left_out)
        fprintf(f, "\nleft out: %llu, and the reason says why", (unsigned long long)n->left_out);
    fputs(
        "\nout before: chance to be sold out before an order placed now arrives; out, lost, left over: until the next "
        "one arrives\n",
        f);
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    struct weft_orders_notes n;
    FILE *f = weft_run_text(run);
    if (weft_orders_finish(s->orders, e) < 0)
        return -1;
    weft_orders_notes(s->orders, &n);
    if (n.left_out) {
        weft_run_reject(run, n.left_out);
        weft_run_warn(run, "%llu of %llu rows of stock have no order; the first: %s: %s",
                      (unsigned long long)n.left_out, (unsigned long long)n.lines, n.left_out_id, n.left_out_why);
    }
    if (n.not_in_stock)
        weft_run_warn(run, "%llu forecasts have no row in %s: nothing is ordered for them",
                      (unsigned long long)n.not_in_stock, s->s.path);
    weft_orders_table(s->orders, (size_t)s->top, s->table = weft_table_new());
    if (s->format == FRAMES)
        return emit_frames(run, s, e);
    if (select_columns(s, e) < 0)
        return -1;
    weft_table_write(s->table, (enum weft_table_format)s->format, s->bom, f);
    if (s->format == WEFT_TABLE_TEXT)
        print_notes(&n, f);
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_orders_free(&s->orders);
    weft_table_free(&s->table);
    weft_stock_free(&s->stock);
}

static const struct weft_filter filter = {
    .usage =
        {.name = "order",
         .summary = "says how many to order of each product: from its forecast, its errors, and what lies in stock",
         .synopsis = "order --stock FILE [--lead-days N] [--review-days N] [--service P | --fill P] [--budget X] "
                     "[--format table|csv|json|frames] [FILE]",
         .reads = "a forecasts stream of the latest days (score), of a model that keeps the covariance of its errors",
         .writes = "a table, CSV, JSON, or an orders stream",
         .examples =
             "weft score -m model.safetensors -i series.weft | weft order --stock stock.csv --lead-days 7 "
             "--review-days 7\n"
             "weft order --stock stock.csv --lead-days 3 --review-days 7 --fill 0.98 --format csv -o orders.csv -i "
             "items.forecasts\n"
             "weft order --stock 재고.csv --encoding cp949 --lead-days 5 --review-days 14 --budget 10000000 -i "
             "items.forecasts",
         .see_also = "score, backtest, rank",
         .notes =
             "An order that is placed today, the first day that is forecast, arrives after lead_days, before that "
             "day's "
             "sales; the next one arrives review_days later. What is in stock and on order, less what is owed, must "
             "last until then: the order brings it up to the level that the goal asks for, in whole packs. "
             "What is on order already is taken to arrive before this order does.\n"
             "The goal: where price and cost are known, and salvage, holding_per_day or shelf_days say what a piece "
             "too "
             "many costs, the best expected profit (the newsvendor's ratio, (price - cost) / (price - salvage + "
             "holding_per_day x days)); else a --service of 95 %; --service, a column service, or --fill go before. "
             "With prices, packs and the least order are decided by profit: nothing, when that is worth more.\n"
             "The days from now to the next arrival are one sum: its mean is that of the forecasts, its variance that "
             "of all their errors together, as the model's validation part had them. Below 20 pieces it is a negative "
             "binomial distribution (Poisson when the variance is no larger than the mean), above a normal one, or "
             "Student's t where few errors are known. Quantiles of single days do not add up to those of a sum.\n"
             "Columns: quantity; order_by, the last day on which an order still arrives in time, as sure as the goal "
             "is "
             "(empty: after the last day forecast); cover_days, how long the position lasts at what is forecast; "
             "p_out_before and p_out, chances to be sold out before this order and before the next one arrive; "
             "lost_sales and leftover, expected pieces; profit, (price - cost) of what is sold less what leftovers "
             "lose. A product whose row can't be relied on, or whose forecast can't, has no quantity: reason says "
             "why.\n"
             "--budget: the chance that one more piece is sold must pay for its cost and a share more, the same for "
             "all; that share is the least at which all orders cost no more than the budget.\n"
             "Memory: some 60 numbers and the id of each product."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_TEXT,
    .schema = WEFT_FORECASTS_SCHEMA,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
