/* backtest.c - what models would have forecast at past origins, beside baselines, and what their ranking would have
 * been worth.
 *
 * In: series/1 or windows/1. Out: two tables, CSV, JSON, or backtest/1. Without --refit series are taken as they come;
 * with it they are kept in a temporary file, trainers run on the past of each origin (src/train/refit.c), and then the
 * series are taken from there. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

#include "apply/backtest_print.h"

enum { TABLE, CSV, JSON, FRAMES };
enum { BOTH, ACCURACY, RANKING, ORDERS };
enum { ORIGINS_MAX = 100000 };

struct state {
    struct weft_backtest_plan p;
    int format, table;
    bool bom;
    struct weft_table *accuracy, *ranking, *orders;
    struct weft_list service; /* of --orders */
    int64_t lead;
    double price, cost, salvage, holding, *goals;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_LIST, 'm', "model", AT(LIST, p.models), NULL, 0, 0, "[NAME=]MODEL",
     "model file as it is, or naive, seasonal-naive:M, mean:N, lag-growth:M:N", WEFT_OPT_FILE},
    {WEFT_OPT_LIST, 0, "refit", AT(LIST, p.refit), NULL, 0, 0, "[NAME=]COMMAND",
     "trainer to run anew on the past of each origin: gets a windows stream and -o FILE; may be given several times",
     WEFT_OPT_WHOLE},
    {WEFT_OPT_INT, 0, "refit-every", AT(INT, p.refit_every), "1", 1, ORIGINS_MAX, "K",
     "a model serves K origins, from the one that it was trained for on", 0, .needs = "refit"},
    {WEFT_OPT_INT, 0, "origins", AT(INT, p.n_origins), "0", 0, ORIGINS_MAX, "N",
     "how many, the last one a horizon before the end; 0: as the calendar's second half holds, at most 12", 0},
    {WEFT_OPT_INT, 0, "every", AT(INT, p.every), "0", 0, 1000000, "STEPS",
     "from one origin to the next; 0: the horizon", 0},
    {WEFT_OPT_INT, 0, "gap", AT(INT, p.gap), "0", 0, 1000000, "STEPS",
     "between the last value known and the first one measured", 0, .not_with = "orders"},
    {WEFT_OPT_INT, 0, "horizon", AT(INT, p.horizon), "0", 0, 1000000, "STEPS",
     "measured from each origin on; 0: what the models or the windows have, less the gap", 0},
    {WEFT_OPT_INT, 0, "lookback", AT(INT, p.lookback), "0", 0, 1000000, "STEPS",
     "of --refit on a series stream; 0: a year and the horizon where that leaves enough to train on, else a third of "
     "what there is",
     0, .needs = "refit", .stream = "series"},
    {WEFT_OPT_CHOICE, 0, "scale", AT(CHOICE, p.scale), "none", 0, 0, WEFT_SCALE_CHOICES,
     "of --refit on a series stream, fitted on the train part", 0, .needs = "refit", .stream = "series"},
    {WEFT_OPT_REAL, 0, "valid", AT(REAL, p.valid), "0.15", 0, 0.9, "SHARE",
     "of --refit: part of the past, its end, that is validation", 0, .needs = "refit"},
    {WEFT_OPT_FLAG, 0, "baselines", AT(FLAG, p.baselines), "true", 0, 0, NULL,
     "naive, the seasonal naive forecast, mean:28, and where history allows a year ago times growth", 0},
    {WEFT_OPT_LIST, 0, "by", AT(LIST, p.o.by), "all", 0, 0, "LEVEL",
     "a row for each value of this key; several, as all,major,minor", 0},
    {WEFT_OPT_FLAG, 0, "per-step", AT(FLAG, p.o.per_step), NULL, 0, 0, NULL, "a row for each step of the horizon", 0},
    {WEFT_OPT_FLAG, 0, "per-origin", AT(FLAG, p.o.per_origin), NULL, 0, 0, NULL,
     "a row for each origin, in both tables", 0},
    {WEFT_OPT_REAL, 0, "level", AT(REAL, p.o.level), "0.9", 0.01, 0.9999, "P", "of the intervals", 0},
    {WEFT_OPT_INT, 0, "season", AT(INT, p.season), "0", 0, 1000000, "N",
     "steps in a season, for MASE and the seasonal naive forecast; 0: 24 hours, 7 days, 52 weeks", 0},
    {WEFT_OPT_FLAG, 0, "nonnegative", AT(FLAG, p.nonnegative), NULL, 0, 0, NULL,
     "no forecast below 0; on for channels that are counts, money or prices by their names (units, qty, 수량, sales, "
     "price) unless --no-nonnegative",
     0},
    {WEFT_OPT_STR, 0, "rank-by", AT(STR, p.o.rank_by), NULL, 0, 0, "LEVEL",
     "what the ranking ranks: a key, or id; by default the key with most values, of those with 5 to 1000", 0},
    {WEFT_OPT_STR, 0, "near", AT(STR, p.near), NULL, 0, 0, "FROM:TO",
     "near days of the growth index, counted from 1; by default as rank has them", 0},
    {WEFT_OPT_STR, 0, "far", AT(STR, p.far), NULL, 0, 0, "FROM:TO", "far days", 0},
    {WEFT_OPT_REAL, 0, "shrink", AT(REAL, p.o.shrink), "0.01", 0, 1000, "SHARE",
     "of the average group's volume, added to near and far, as rank does", 0},
    {WEFT_OPT_FLAG, 0, "orders", AT(FLAG, p.with_orders), NULL, 0, 0, NULL,
     "replay a stock instead: an order at each origin, by the models, by sales velocity and by the textbook's mean + z "
     "sd; sales that find no stock are lost",
     0},
    {WEFT_OPT_LIST, 0, "service", AT(LIST, service), "0.8,0.9,0.95,0.98", 0, 0, "P",
     "of --orders: chances of no stock-out that are aimed at", 0, .needs = "orders"},
    {WEFT_OPT_INT, 0, "lead-steps", AT(INT, lead), "0", 0, 100000, "STEPS",
     "of --orders: from an order to its arrival; --every, or the rest of the horizon, is from one order to the next", 0,
     .needs = "orders"},
    {WEFT_OPT_REAL, 0, "price", AT(REAL, price), NULL, 0, 1e15, "X",
     "of --orders, with --cost: profit, of (price - cost) for what is sold less what is lost on what is left", 0,
     .needs = "orders, cost"},
    {WEFT_OPT_REAL, 0, "cost", AT(REAL, cost), NULL, 0, 1e15, "X", "of --orders: of a piece", 0,
     .needs = "orders, price"},
    {WEFT_OPT_REAL, 0, "salvage", AT(REAL, salvage), NULL, 0, 1e15, "X",
     "of --orders: of a piece left at a cycle's end; by default its cost", 0, .needs = "orders"},
    {WEFT_OPT_REAL, 0, "holding-per-day", AT(REAL, holding), NULL, 0, 1e15, "X", "of --orders: of a piece left", 0,
     .needs = "orders"},
    {WEFT_OPT_CHOICE, 0, "table", AT(CHOICE, table), "both", 0, 0, "both|accuracy|ranking|orders",
     "which table; both in CSV is accuracy; --orders alone is orders", WEFT_OPT_RUN, .needs = "orders: orders"},
    {WEFT_OPT_CHOICE, 0, "format", AT(CHOICE, format), "table", 0, 0, "table|csv|json|frames", "what to print",
     WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "bom", AT(FLAG, bom), NULL, 0, 0, NULL, WEFT_BOM_HELP, WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

/* --orders and what belongs to it. */
static int read_orders(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_backtest_orders *o = &s->p.orders;
    if (!s->p.with_orders)
        return 0;
    s->goals = WEFT_ARRAY(double, s->service.n + 1);
    for (; o->n < s->service.n; o->n++)
        if (!weft_num_real(s->service.items[o->n], 0.01, 0.9999, &s->goals[o->n]))
            return weft_fail(e, WEFT_USAGE, "--service %s: not a share between 0.01 and 0.9999",
                             s->service.items[o->n]);
    o->service = s->goals;
    o->lead = (size_t)s->lead;
    o->price = weft_run_given(run, "price") ? s->price : NAN;
    o->cost = weft_run_given(run, "cost") ? s->cost : NAN;
    o->salvage = weft_run_given(run, "salvage") ? s->salvage : NAN;
    o->holding = weft_run_given(run, "holding-per-day") ? s->holding : NAN;
    s->table = weft_run_given(run, "table") ? s->table : ORDERS;
    return 0;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (weft_series_attrs_read(weft_run_in_head(run), &s->p.attrs, e) < 0)
        return -1;
    if (read_orders(run, s, e) < 0)
        return -1;
    return weft_backtest_plan_start(&s->p, run, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    (void)run;
    return weft_backtest_plan_add(&((struct state *)state)->p, in, e);
}

/* --- results --- */

static int make_accuracy(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_backtest_counts n;
    bool any = weft_backtest_accuracy(s->p.backtest, s->accuracy = weft_table_new());
    weft_backtest_count(s->p.backtest, &n);
    if (!n.series)
        return weft_fail(e, WEFT_DATA, "no series came");
    if (!any) {
        weft_fail(e, WEFT_DATA, "nothing could be measured at %zu origins of %llu series", s->p.o.origins.n,
                  (unsigned long long)n.series);
        return n.culprit
                   ? weft_fail_hint(e, "%s gave no forecast: are values missing, or groups unknown to it?", n.culprit)
                   : weft_fail_hint(e, "have the series values after %s?", s->p.dates[0]);
    }
    if (n.left_out)
        weft_run_warn(run, "%llu of %llu forecasts (series and origins) were left out of every row%s%s%s",
                      (unsigned long long)n.left_out, (unsigned long long)n.windows, n.culprit ? ", since " : "",
                      n.culprit ? n.culprit : "", n.culprit ? " gave none" : "");
    return 0;
}

/* That there is nothing to rank is an error when a ranking was asked for. */
static int make_ranking(struct state *s, struct weft_err *e)
{
    const struct weft_backtest_options *o = &s->p.o;
    if (weft_backtest_ranking(s->p.backtest, s->ranking = weft_table_new()) || (!o->rank_by && s->table != RANKING))
        return 0;
    if (o->spans.none)
        return weft_backtest_no_growth(o, "--table ranking", e);
    weft_fail(e, WEFT_DATA, "nothing to rank%s%s: two groups at least must sell something", o->rank_by ? " by " : "",
              o->rank_by ? o->rank_by : "");
    return weft_fail_hint(e, "name the level with --rank-by");
}

static int make_orders(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_order_trial_counts n;
    if (!s->p.with_orders)
        return 0;
    bool any = weft_backtest_orders(s->p.backtest, s->orders = weft_table_new(), &n);
    if (any && n.left_out)
        weft_run_warn(run, "orders: %llu of %llu series were left out: a day or a forecast is missing",
                      (unsigned long long)n.left_out, (unsigned long long)n.left_out + n.series);
    if (any)
        return 0;
    weft_fail(e, WEFT_DATA, "no orders could be replayed: %llu series were left out", (unsigned long long)n.left_out);
    return n.without_covariance
               ? weft_fail_hint(e, "a model keeps no covariance of its errors: its validation part must hold a horizon")
               : weft_fail_hint(e, "have they values on every day from %s on?", s->p.dates[0]);
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (weft_backtest_plan_finish(&s->p, run, e) < 0 || make_accuracy(run, s, e) < 0 || make_orders(run, s, e) < 0 ||
        make_ranking(s, e) < 0)
        return -1;
    const struct weft_backtest_report r = {.plan = &s->p,
                                           .accuracy = s->table <= ACCURACY ? s->accuracy : NULL,
                                           .ranking = s->table == BOTH || s->table == RANKING ? s->ranking : NULL,
                                           .orders = s->table == BOTH || s->table == ORDERS ? s->orders : NULL};
    if (s->format == FRAMES)
        return weft_backtest_emit(&r, run, e);
    FILE *f = weft_run_text(run);
    const struct weft_table *csv = r.ranking ? r.ranking : r.orders;
    csv = r.accuracy ? r.accuracy : csv;
    if (s->format == CSV)
        weft_table_csv(csv, s->bom, f);
    else if (s->format == JSON)
        weft_backtest_json(&r, f);
    else
        weft_backtest_print(&r, f);
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_backtest_plan_free(&s->p);
    weft_table_free(&s->accuracy);
    weft_table_free(&s->ranking);
    weft_table_free(&s->orders);
    free(s->goals);
}

static const struct weft_filter filter = {
    .usage =
        {.name = "backtest",
         .summary = "measures models and baselines at past origins, and what their ranking was worth",
         .synopsis =
             "backtest [-m MODEL,...] [--refit COMMAND] [--origins N] [--every STEPS] [--horizon N] [OPTION...] [FILE]",
         .reads = "a series or windows stream",
         .writes = "two tables, CSV, JSON, or a backtest stream",
         .examples = "weft ingest sales.csv | weft aggregate --by minor | weft backtest --refit 'train-dlinear --ridge "
                     "auto' --horizon 28\n"
                     "weft backtest --refit train-dlinear --refit 'lstm=train-lstm --epochs 20' --refit-every 3 "
                     "--origins 6 --horizon 28 -i level.weft\n"
                     "weft backtest -m model.safetensors,seasonal-naive:7,lag-growth:364:28 --origins 8 --every 7 --by "
                     "all,major -i level.weft\n"
                     "weft backtest --horizon 28 --table ranking --rank-by minor --format csv -i level.weft -o "
                     "ranking-quality.csv\n"
                     "weft backtest --orders --refit 'train-dlinear --tune --refit' --horizon 14 --service 0.9,0.95 -i "
                     "series.weft",
         .see_also = "score, evaluate, rank, train-dlinear",
         .notes =
             "An origin is the first step that is measured. All contenders forecast from the same past, and a value "
             "counts only when all of them have a forecast for it, so "
             "every row of the table is about the same values. Measures are those of evaluate; MASE divides by the "
             "error of the naive forecast on the train part of windows, "
             "and of series on what is known at the first origin. Intervals are those of score: baselines have none. "
             "What a model with exogenous channels needs to know ahead of an origin is what stands in the stream.\n"
             "A model file is taken as it is: whether its training saw what it is measured on, its metadata say, and a "
             "warning then. --refit runs a trainer for every origin (or "
             "every K-th) on a windows stream that ends where the past of the origin does, so nothing leaks; of a "
             "windows stream that comes in, lookback, stride and scale stay, and "
             "the split is --valid's. The command is split at blanks, with quotes and \\ as a shell does it; no shell "
             "is started. "
             "--threads N runs N trainers at a time; the result is the same.\n"
             "The ranking is that of rank: at each origin the growth index of every group as forecast, against what it "
             "became. Spearman's rank correlation; NDCG of the first five, "
             "the gain of a group being its growth less that of the last; the share of the three that grew most among "
             "the first three; regret; error; how often the interval held what came. Days of the season are counted "
             "alike, as in rank. "
             "Beside the models stand the growth of the last period (the horizon before the origin), that of the same "
             "days a year (364 days, 52 weeks) earlier, and drawing lots, "
             "in expectation. Equal predictions count as drawn by lot.\n"
             "--orders: at each origin every rule brings what is in stock and on order up to a level, and the series "
             "is "
             "replayed with lost sales. The level of a model is that of order, for --lead-steps and --every steps "
             "together: from the sum of its forecasts and the covariance of their errors, by --service, and with "
             "--price "
             "and --cost also by the newsvendor's ratio. Beside it stand the last 30 days' mean times the days, and "
             "the "
             "textbook's mean + z sd of the last 90. What is left over goes on to the next cycle, so a rule whose "
             "levels "
             "fall keeps somewhat more than its word. A series counts when no day is missing.\n"
             "Memory: one series, the rows of the tables, and 48 to 96 bytes a series, so that one that comes twice is "
             "refused; more where rows are asked for by id. With --refit the series are kept in a file under TMPDIR, "
             "and the models in memory."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_TEXT,
    .schema = WEFT_SERIES_SCHEMA "|" WEFT_WINDOWS_SCHEMA,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
