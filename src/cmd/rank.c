/* rank.c - groups ordered by what their forecasts say; products by what is predicted for them.
 *
 * In: forecasts/1, part latest. Out: a table, CSV, JSON, or ranking/1. In: demand/1. Out: a table, CSV or JSON. */
#include <stddef.h>
#include <string.h>

#include "rank/demand_rank.h"
#include "rank/rank_print.h"
#include "frame/run.h"

enum { FRAMES = WEFT_TABLE_JSON + 1 };

struct state {
    struct weft_rank_options o; /* of groups */
    const char *label, *outlook;
    struct weft_list columns;
    int format;
    bool wide, bom;
    struct weft_rank_groups *groups;
    struct weft_predictions_attrs said; /* of a demand stream */
    struct weft_prediction prediction;
    struct weft_demand_ranking *products; /* NULL: a forecasts stream */
    struct weft_table *table;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 0, "by", AT(STR, o.by), "id", 0, 0, "LEVEL",
     "what is ranked: a key, or id for each series as it is; of products, the key that names their group", 0},
    {WEFT_OPT_CHOICE, 0, "sort", AT(CHOICE, o.sort), "growth", 0, 0,
     "growth|beyond-season|volume|sales-per-active|probability|low",
     "what orders the rows, largest first: one column, never a formula of several; low: the lower end of the interval, "
     "thin rows after the others",
     0, .stream = "forecasts"},
    {WEFT_OPT_STR, 0, "near", AT(STR, o.near), NULL, 0, 0, "FROM:TO",
     "near days, counted from 1; by default the first whole seasons (7 days, 24 hours): as many as a fifth of the "
     "horizon holds, one at least",
     0, .stream = "forecasts"},
    {WEFT_OPT_STR, 0, "far", AT(STR, o.far), NULL, 0, 0, "FROM:TO",
     "far days; by default the last whole seasons, as many", 0, .stream = "forecasts"},
    {WEFT_OPT_STR, 0, "history", AT(STR, o.history), NULL, 0, 0, "FILE",
     "the series before aggregate: for season, sales now, competition, brands, price and data quality", WEFT_OPT_FILE,
     .stream = "forecasts"},
    {WEFT_OPT_STR, 0, "reasons", AT(STR, o.reasons), NULL, 0, 0, "FILE",
     "explanations of the same series and days (weft explain --format frames): says what the growth comes from",
     WEFT_OPT_FILE, .stream = "forecasts"},
    {WEFT_OPT_STR, 0, "brand", AT(STR, o.brand), "brand", 0, 0, "KEY", "the key of the history that names brands", 0,
     .needs = "history", .stream = "forecasts"},
    {WEFT_OPT_INT, 0, "now", AT(INT, o.now), "0", 0, 100000, "N",
     "the last N days of the history are now; 0: as many as weft aggregate --count looked at, or 28", 0,
     .needs = "history", .stream = "forecasts"},
    {WEFT_OPT_INT, 0, "among", AT(INT, o.among), "3", 1, 1000, "N",
     "the chance that is simulated: to be among the first N", 0, .stream = "forecasts"},
    {WEFT_OPT_INT, 0, "top", AT(INT, o.top), "0", 0, 1000000000, "N", "the first N alone; 0: all", 0},
    {WEFT_OPT_STR, 0, "model", AT(STR, o.model), NULL, 0, 0, "NAME",
     "which model's forecasts; by default the first one that is no baseline", 0},
    {WEFT_OPT_STR, 0, "channel", AT(STR, o.channel), NULL, 0, 0, "NAME",
     "this channel alone; by default each has a ranking, except active and brands", 0},
    {WEFT_OPT_STR, 0, "label", AT(STR, label), NULL, 0, 0, "NAME",
     "of products: the quantity to order by; by default the last one predicted (sales)", 0, .stream = "demand"},
    {WEFT_OPT_STR, 0, "growth", AT(STR, outlook), NULL, 0, 0, "FILE",
     "of products: a ranking of their groups (weft rank --format frames); what is predicted is multiplied with the "
     "growth "
     "of the group",
     WEFT_OPT_FILE, .stream = "demand"},
    {WEFT_OPT_REAL, 0, "level", AT(REAL, o.level), "0.9", 0.01, 0.9999, "P", "of the interval", 0,
     .stream = "forecasts"},
    {WEFT_OPT_REAL, 0, "shrink", AT(REAL, o.shrink), "0.01", 0, 1000, "SHARE",
     "of the average group's volume, added to near and far: what next to nothing sells can't win by chance", 0,
     .stream = "forecasts"},
    {WEFT_OPT_REAL, 0, "fdr", AT(REAL, o.fdr), "0.1", 0.0001, 0.5, "RATE",
     "false discoveries among what is marked sure, at most (Benjamini-Hochberg over all rows of a channel)", 0,
     .stream = "forecasts"},
    {WEFT_OPT_LIST, 0, "columns", AT(LIST, columns), NULL, 0, 0, "NAME",
     "these columns, in this order (names as in --format csv)", WEFT_OPT_RUN, .needs = "format=table|csv|json"},
    {WEFT_OPT_FLAG, 0, "wide", AT(FLAG, wide), NULL, 0, 0, NULL, "all columns in the text table, too", WEFT_OPT_RUN},
    {WEFT_OPT_CHOICE, 0, "format", AT(CHOICE, format), "table", 0, 0, "table|csv|json|frames", "of the result",
     WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "bom", AT(FLAG, bom), NULL, 0, 0, NULL, WEFT_BOM_HELP, WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static int start_products(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (s->format == FRAMES)
        return weft_fail(e, WEFT_USAGE,
                         "--format frames is for forecasts of series; products are ranked as table, csv or json");
    struct weft_demand_rank_options o = {s->o.model, s->label, weft_run_given(run, "by") ? s->o.by : NULL, s->outlook,
                                         s->o.channel};
    if (weft_predictions_attrs_read(weft_run_in_head(run), &s->said, e) < 0)
        return -1;
    return weft_demand_ranking_new(&s->said, &o, weft_run_stream_opts(run), &s->products, e);
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_head *head = weft_run_in_head(run);
    if (strcmp(head->schema, WEFT_DEMAND_SCHEMA) == 0)
        return start_products(run, s, e);
    s->o.brand_told = weft_run_given(run, "brand");
    s->o.seed = weft_run_seed(run);
    return weft_rank_groups_new(head, &s->o, weft_run_stream_opts(run), &s->groups, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    if (!s->products) {
        uint64_t missing = weft_rank_groups_missing(s->groups);
        int rc = weft_rank_groups_add(s->groups, in, e);
        weft_run_reject(run, weft_rank_groups_missing(s->groups) - missing);
        return rc;
    }
    if (weft_prediction_read(in, &s->said, &s->prediction, e) < 0)
        return -1;
    weft_demand_ranking_add(s->products, &s->prediction);
    return 0;
}

static int rank_products(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (!weft_demand_ranking_table(s->products, (size_t)s->o.top, s->table))
        return weft_fail(e, WEFT_DATA, "no predictions came");
    if (weft_demand_ranking_unknown(s->products))
        weft_run_warn(run, "%llu products are of groups that %s does not have: their growth counts as 1",
                      (unsigned long long)weft_demand_ranking_unknown(s->products), s->outlook);
    return 0;
}

/* Which columns a reader of text gets. */
static int select_columns(struct state *s, struct weft_err *e)
{
    const char *const *keys = (const char *const *)s->columns.items, *narrow[WEFT_RANKING_NARROW], *unknown;
    size_t n = s->columns.n;
    if (!n && !s->products && s->format == WEFT_TABLE_TEXT && !s->wide) {
        n = weft_ranking_narrow(weft_rank_groups_rows(s->groups), narrow);
        keys = narrow;
    }
    if (!n || weft_table_select(s->table, keys, n, &unknown))
        return 0;
    weft_fail(e, WEFT_USAGE, "--columns: there is no column \"%s\"; --format csv shows their names", unknown);
    return strcmp(unknown, "group") == 0 ? weft_fail_hint(e, "it is called name now") : -1;
}

static int rank(struct weft_run *run, struct state *s, struct weft_err *e)
{
    s->table = weft_table_new();
    if (s->products)
        return rank_products(run, s, e);
    if (weft_rank_groups_finish(s->groups, s->table, e) < 0)
        return -1;
    weft_rank_warn(s->groups, run);
    return 0;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    FILE *f = weft_run_text(run);
    if (rank(run, s, e) < 0)
        return -1;
    if (s->format == FRAMES)
        return weft_rank_emit(s->groups, s->table, run, e);
    if (select_columns(s, e) < 0)
        return -1;
    weft_table_write(s->table, (enum weft_table_format)s->format, s->bom, f);
    if (s->format != WEFT_TABLE_TEXT)
        return 0;
    if (s->outlook)
        fputs("\noutlook: what is predicted times the growth of the group\n", f);
    if (!s->products)
        weft_rank_notes_print(s->groups, s->o.history, s->o.reasons, f);
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_rank_groups_free(&s->groups);
    weft_table_free(&s->table);
    weft_demand_ranking_free(&s->products);
    weft_product_free(&s->prediction.product);
    weft_predictions_attrs_free(&s->said);
}

static const struct weft_filter filter = {
    .usage =
        {.name = "rank",
         .summary = "orders categories by the growth of their forecasts, and products by what is predicted for them",
         .synopsis = "rank [--by LEVEL] [--history FILE] [--sort COLUMN] [--near FROM:TO] [--far FROM:TO] [--top N] "
                     "[--format table|csv|json|frames] [FILE]\n"
                     "rank [--label NAME] [--growth FILE] [--top N] [--format table|csv|json] [FILE]",
         .reads = "a forecasts stream of the latest days, or a demand stream (score)",
         .writes = "a table, CSV, JSON, or a ranking stream",
         .examples = "weft ingest sales.csv | weft aggregate --by minor | weft score -m model.safetensors | weft rank "
                     "--top 10\n"
                     "weft score -m model.safetensors -i series.weft | weft rank --by minor --near 1:7 --far 22:28 "
                     "--format csv -o ranking.csv\n"
                     "weft rank --history series.weft --sort beyond-season --wide -i forecasts.weft\n"
                     "weft explain -m model.safetensors --format frames -i level.weft -o reasons.weft; weft rank "
                     "--reasons reasons.weft -i forecasts.weft\n"
                     "weft score -m demand.safetensors -i products.weft | weft rank --label sales --growth "
                     "categories.weft --top 20",
         .see_also = "score, aggregate, explain, evaluate",
         .notes =
             "Growth is the mean forecast of the far days over that of the near days. By default these are whole "
             "seasons (7 days, 24 hours), so that the weekday does not count. Where --near and --far hold other "
             "weekdays, each side is first divided by how far such days stand above the mean week of the group's last "
             "eight weeks (a field of score's frames). A horizon of one season has no growth: rows then stand by "
             "volume.\n"
             "Its interval comes from the model's own errors on the validation part, with the correlation between days "
             "(delta method; Student's t for as many errors as are independent, and none below two). It is one for "
             "what the growth becomes, and holds the noise of the days themselves: of categories that stand still, "
             "more than its level says hold 1 inside. A small volume (--shrink) is added to both, so that a category "
             "that sells next to nothing can't win by chance: raw is the index without it, and such rows are marked "
             "thin.\n"
             "p_growth is the chance that the growth is above 1: that the far days come out above the near ones. sure "
             "says up or down where that stands out among all rows of the channel: of the rows marked, a share of "
             "--fdr is wrong in expectation, at most (Benjamini and Hochberg 1995), and where nothing grows anything "
             "at all is marked with that chance.\n"
             "Groups whose series could not be forecast stand last, marked left out, and why says why (not with "
             "--top); left_out counts such series of a group. model says which model made a row: the first one that is "
             "no baseline, or another where that one has no forecast of the group.\n"
             "P(top 3) is the share of 10,000 draws in which the row's growth is among the three largest, the growth "
             "of each row drawn from the normal distribution of its interval, by itself; equal ones draw lots (--seed; "
             "with more than 2,000 rows 20 million single draws are shared out, at least 1,000 a row).\n"
             "--history FILE gives what a growth alone does not say, in --format csv, json, frames and with --wide: "
             "now (sales a day of the last --now days); year_growth, the growth of the same days a year (364 days) "
             "before, and beyond, growth over year_growth: what is left when the season is taken away; active_now, "
             "brands_now, products and brands with sales within the last days; each_now, sales a day of each active "
             "product; hhi, the sum of squared shares of the brands (1: one brand has it all), top_share and "
             "top_brand; price_now, amounts over units; mentions, their mean now over that of as many days before; "
             "history, days since the first sale; zeros and gaps, shares of the last year's days without sales, and of "
             "missing ones. active, brands, each and price are the same for the far days, when these channels were "
             "forecast (weft aggregate --count active,brands).\n"
             "quality is poor where next to nothing is sold, or there is less than half a year of history, or more "
             "than half of the days are without sales, or a fifth is missing; fair where there is less than a year, or "
             "a tenth of the days is without sales, or a fiftieth missing; doubts says which.\n"
             "--reasons FILE says in words what the growth comes from: \"last week +8%, a year ago -2%\" means that "
             "the last week's days, being what they are and not average ones, make the growth index 0.08 higher, and "
             "those a year ago 0.02 lower.\n"
             "Series of one group are added up; their errors are then taken as independent. For honest intervals of "
             "categories let aggregate add them up before score.\n"
             "Products are ordered by a predicted quantity. With --growth that is multiplied with the growth of their "
             "group (a key that both have: --by, or what the groups were ranked by, or category), of the first channel "
             "or --channel.\n"
             "Memory grows with the groups, or with the products; with --history by 12 bytes a group, channel and "
             "step, and 8 a group and step."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_TEXT,
    .schema = WEFT_FORECASTS_SCHEMA "|" WEFT_DEMAND_SCHEMA,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
