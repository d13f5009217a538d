/* covariates.c - adds exogenous channels to series: weekday, holidays, weather, a price plan; and the days ahead that
 * they are known for.
 *
 * In: series/1. Out: series/1, the same frames with more channels and a longer calendar. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "ingest/covariates.h"
#include "base/mem.h"
#include "frame/run.h"

struct state {
    struct weft_covariates_opts o;
    struct weft_series_attrs attrs;
    struct weft_series series;
    struct weft_covariates *covariates;
    struct weft_edit edit;
    struct weft_pack frame;
    float *values;
    size_t cap;
    uint64_t without;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, o.member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_FLAG, 0, "weekday", AT(FLAG, weekday), NULL, 0, 0, NULL,
     "six channels, monday to saturday: 1 on that day, else 0", 0},
    {WEFT_OPT_STR, 0, "holidays", AT(STR, holidays), NULL, 0, 0, "FILE",
     "channel holiday: 1 on the dates of this CSV (column date)", WEFT_OPT_FILE},
    {WEFT_OPT_STR, 0, "csv", AT(STR, table), NULL, 0, 0, "FILE",
     "a channel for each column of this CSV: a row a date, for all series, or for those whose id or keys stand in "
     "columns of these names",
     WEFT_OPT_FILE},
    {WEFT_OPT_LIST, 0, "value", AT(LIST, values), NULL, 0, 0, "[NAME=]COLUMN",
     "columns of the CSV to take; all by default", 0, .needs = "csv"},
    {WEFT_OPT_STR, 0, "id", AT(STR, id), NULL, 0, 0, "COLUMN",
     "column of the CSV that holds the series' ids; id by default", 0, .needs = "csv"},
    {WEFT_OPT_STR, 0, "date", AT(STR, date), NULL, 0, 0, "COLUMN",
     "column of the CSV that holds the date; date by default", 0, .needs = "csv"},
    {WEFT_OPT_LIST, 0, "past", AT(LIST, past), NULL, 0, 0, "CHANNEL",
     "channels of the CSV that are known up to the origin only", 0, .needs = "csv"},
    {WEFT_OPT_LIST, 0, "static", AT(LIST, constant), NULL, 0, 0, "CHANNEL",
     "channels of the CSV that are constants of a series; the others are known ahead", 0, .needs = "csv"},
    {WEFT_OPT_INT, 0, "ahead", AT(INT, ahead), "0", 0, 36525, "N",
     "steps that the calendar goes on after the last target; 0: as far as the CSV goes", 0},
    {WEFT_OPT_LIST, 0, "carry", AT(LIST, carry), NULL, 0, 0, "CHANNEL",
     "exogenous channels in which a missing value is the last known one, ahead too", 0},
    {WEFT_OPT_LIST, 0, "lag", AT(LIST, lag), NULL, 0, 0, "[CHANNEL=]N",
     "columns of the CSV that are published late: the value of N steps earlier stands on a step, and so is known N "
     "steps ahead",
     0, .needs = "csv"},
    {WEFT_OPT_STR, 0, "stock-history", AT(STR, stock_history), NULL, 0, 0, "FILE",
     "CSV of what was in stock, a row a date and series: days at 0 are sold out, their sales missing; channel "
     "available "
     "is 0 there, else 1",
     WEFT_OPT_FILE},
    {WEFT_OPT_FLAG, 0, "find-soldout", AT(FLAG, find_soldout), NULL, 0, 0, NULL,
     "the same for runs of zeros that the series' own sales of the 28 days before make unlikely (odds of 1 in 1000) "
     "and "
     "that end with a sale",
     0},
    {WEFT_OPT_INT, 0, "soldout-days", AT(INT, soldout_days), "3", 1, 10000, "N",
     "of --find-soldout: the shortest run; shorter ones may be holidays", 0, .needs = "find-soldout"},
    {WEFT_OPT_STR, 0, "fill", AT(STR, fill), NULL, 0, 0, "carry|seasonal:N|expected",
     "short gaps of what is forecast: the last value, the one N steps earlier, or the mean of the last four same "
     "weekdays; each is marked and counted",
     0},
    {WEFT_OPT_INT, 0, "fill-max", AT(INT, fill_max), "7", 1, 100000, "N", "steps of the longest gap that --fill fills",
     0, .needs = "fill"},
    {.type = WEFT_OPT_END},
};

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_head *h = weft_run_in_head(run);
    if (weft_series_attrs_read(h, &s->attrs, e) < 0 || weft_covariates_new(&s->o, &s->attrs, &s->covariates, e) < 0)
        return -1;
    const struct weft_series_attrs *out = weft_covariates_attrs(s->covariates);
    char from[32], to[32];
    int64_t holiday, last;
    size_t uncovered = weft_covariates_without_holidays(s->covariates);
    if (uncovered)
        weft_run_warn(run, "%s has no year for %zu of %lld steps: holiday is missing there", s->o.holidays, uncovered,
                      (long long)out->length);
    else if (weft_covariates_last_holiday(s->covariates, &holiday, &last))
        weft_run_warn(run, "the last date of %s is %s, and the calendar goes on to %s: no holiday is counted after it",
                      s->o.holidays, weft_date_text(holiday, WEFT_STEP_DAY, from),
                      weft_date_text(last, WEFT_STEP_DAY, to));
    struct weft_pack attrs = {0}, edited = {0};
    struct weft_edit edit = {0};
    weft_series_attrs_write(out, h->attrs, &attrs);
    int rc = weft_edit_load(&edit, weft_pack_span(&attrs), e);
    if (rc == 0) {
        weft_covariates_notes(s->covariates, &edit);
        weft_edit_write(&edit, &edited);
        rc = weft_run_head(run, WEFT_SERIES_SCHEMA, weft_pack_span(&edited), e);
    }
    weft_edit_free(&edit);
    weft_pack_free(&edited);
    weft_pack_free(&attrs);
    return rc;
}

/* The steps that --fill filled, so that what comes after can tell them from what was measured. */
static void mark_filled(struct state *s, size_t n)
{
    uint32_t filled = 0;
    for (size_t t = 0; t < n; t++)
        filled += weft_covariates_filled(s->covariates, t);
    if (!filled)
        return;
    struct weft_pack *list = weft_edit_set(&s->edit, "filled");
    weft_pack_array(list, filled);
    for (size_t t = 0; t < n; t++)
        if (weft_covariates_filled(s->covariates, t))
            weft_pack_int(list, (int64_t)t);
    weft_edit_done(&s->edit);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    if (weft_series_read(in, &s->attrs, &s->series, e) < 0 || weft_edit_load(&s->edit, in, e) < 0)
        return -1;
    size_t channels = weft_covariates_attrs(s->covariates)->n_channels,
           n = weft_covariates_steps(s->covariates, &s->series);
    if (s->cap < channels * n) {
        s->cap = weft_grow(s->cap, channels * n);
        s->values = weft_xrealloc2(s->values, s->cap, sizeof *s->values);
    }
    s->without += !weft_covariates_fill(s->covariates, &s->series, s->values);
    weft_pack_f32(weft_edit_set(&s->edit, "values"), 2, (uint32_t[]){(uint32_t)channels, (uint32_t)n}, s->values);
    weft_edit_done(&s->edit);
    mark_filled(s, n);
    weft_pack_clear(&s->frame);
    weft_edit_write(&s->edit, &s->frame);
    return weft_run_emit(run, weft_pack_span(&s->frame), e);
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    (void)e;
    if (s->without)
        weft_run_warn(run, "%s has no row for %llu series: their values are missing",
                      s->o.table ? s->o.table : s->o.stock_history, (unsigned long long)s->without);
    struct weft_covariates_soldout soldout = weft_covariates_soldout(s->covariates);
    if (s->o.find_soldout || s->o.stock_history)
        weft_run_warn(run, "%llu days of %llu series were sold out: their sales are missing%s",
                      (unsigned long long)soldout.days, (unsigned long long)soldout.series,
                      s->o.fill ? " but for what is filled" : "; --fill expected puts in what was to be expected");
    if (soldout.untold)
        weft_run_warn(run, "%s has no stock for %llu days of series: they count as on sale", s->o.stock_history,
                      (unsigned long long)soldout.untold);
    struct weft_covariates_fills fills = weft_covariates_fills(s->covariates);
    if (s->o.fill)
        weft_run_warn(run, "%llu missing values of %llu series are filled (%s, gaps of up to %lld), %llu stay missing",
                      (unsigned long long)fills.filled, (unsigned long long)fills.series, s->o.fill,
                      (long long)s->o.fill_max, (unsigned long long)fills.left);
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_covariates_free(&s->covariates);
    weft_series_attrs_free(&s->attrs);
    weft_series_free(&s->series);
    weft_edit_free(&s->edit);
    weft_pack_free(&s->frame);
    free(s->values);
}

static const struct weft_filter filter = {
    .usage = {.name = "covariates",
              .summary = "adds exogenous channels to series: weekday, holidays, weather, a price plan",
              .synopsis = "covariates [--weekday] [--holidays FILE] [--csv FILE] [OPTION...] [FILE]",
              .reads = "a series stream",
              .writes = "a series stream with more channels, and with steps ahead of the last target",
              .examples = "weft ingest sales.csv | weft aggregate --by minor | weft covariates --weekday --holidays "
                          "pipelines/holidays-kr.csv --ahead 28 -o level.weft\n"
                          "weft covariates --csv weather.csv --past rain -i level.weft | weft window --lookback 56 "
                          "--horizon 14 | weft train-dlinear -o model.safetensors\n"
                          "weft covariates --csv plan.csv --value price,promotion --carry price -i items.weft | weft "
                          "score -m items.safetensors | weft rank",
              .see_also = "ingest, window, train-dlinear, score",
              .notes =
                  "The new channels are known ahead unless --past or --static says otherwise; the head declares "
                  "it, and train-dlinear uses what it "
                  "declares. Targets are missing on the steps ahead: the latest forecast begins after the last "
                  "step that has one.\n"
                  "A missing value stays missing but for --carry; train-dlinear takes the last known value inside "
                  "the history, and score refuses a forecast "
                  "for which a value ahead is missing. A date outside the years of the holidays file is missing, "
                  "not a working day.\n"
                  "The CSV's rows are matched by its column id (--id), else by every column that has the name of "
                  "a key of the stream, else they are for "
                  "all series. Of two rows for one date the last one counts. When steps are longer than a day, "
                  "holiday counts the holidays in a step.\n"
                  "--fill fills gaps of what is forecast of at most --fill-max steps, and the steps that it "
                  "filled stand in each frame as filled.\n"
                  "Sold out: a day without stock says nothing of what was asked for. --stock-history FILE (columns "
                  "date, id and one of stock: stock, on hand, 재고) or --find-soldout makes its sales missing; "
                  "aggregate adds what was to be expected of such members, and says how much. --find-soldout can't "
                  "tell a shop that was closed from one that was sold out: give holidays as a channel, or "
                  "--soldout-days longer than the longest.\n"
                  "Memory: one series, and 4 bytes per series, column and step of the CSV."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_STREAM,
    .schema = WEFT_SERIES_SCHEMA,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
