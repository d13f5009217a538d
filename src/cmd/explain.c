/* explain.c - why a linear model forecasts what it does.
 *
 * In: series/1 or windows/1. Out: a table, CSV, JSON, or explanations/1: for every series and channel what its last
 * days add to the forecast of its latest days. */
#include <stddef.h>

#include "apply/factor_table.h"
#include "apply/series_explain.h"
#include "record/series.h"

enum { FRAMES = WEFT_TABLE_JSON + 1 };

struct state {
    struct weft_series_explain_options o;
    int format;
    bool bom, factors;
    struct weft_series_explainer *explainer;
    struct weft_table *table;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 'm', "model", AT(STR, o.model), NULL, 0, 0, "FILE",
     "model file of a linear model (dlinear, with exogenous channels or without)", WEFT_OPT_REQUIRED | WEFT_OPT_FILE},
    {WEFT_OPT_STR, 0, "near", AT(STR, o.near), NULL, 0, 0, "FROM:TO",
     "near days, counted from 1; by default as in rank: the first whole seasons of the horizon", 0},
    {WEFT_OPT_STR, 0, "far", AT(STR, o.far), NULL, 0, 0, "FROM:TO",
     "far days; by default the last whole seasons of the horizon", 0},
    {WEFT_OPT_STR, 0, "channel", AT(STR, o.channel), NULL, 0, 0, "NAME", "this channel alone", 0},
    {WEFT_OPT_FLAG, 0, "lags", AT(FLAG, o.lags), NULL, 0, 0, NULL, "of --format frames: every single lag, too", 0},
    {WEFT_OPT_FLAG, 0, "factors", AT(FLAG, factors), NULL, 0, 0, NULL,
     "what the factors of a model (weft train-dlinear --factors) multiply sales by; reads no stream", 0,
     .only_with = "model, format, bom"},
    {WEFT_OPT_CHOICE, 0, "format", AT(CHOICE, format), "table", 0, 0, "table|csv|json|frames", "of the result",
     WEFT_OPT_RUN, .not_with = "frames: factors"},
    {WEFT_OPT_FLAG, 0, "bom", AT(FLAG, bom), NULL, 0, 0, NULL, WEFT_BOM_HELP, WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    s->table = weft_table_new();
    s->o.frames = s->format == FRAMES;
    return s->factors ? 0 : weft_series_explainer_start(run, &s->o, s->table, &s->explainer, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    return weft_series_explainer_frame(run, ((struct state *)state)->explainer, in, e);
}

static bool no_input(const void *state)
{
    return ((const struct state *)state)->factors;
}

static int print_factors(struct weft_run *run, struct state *s, struct weft_err *e)
{
    FILE *f = weft_run_text(run);
    if (weft_factor_table_read(s->o.model, s->table, e) < 0)
        return -1;
    weft_table_write(s->table, (enum weft_table_format)s->format, s->bom, f);
    if (s->format == WEFT_TABLE_TEXT)
        weft_factor_table_notes(f);
    return 0;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (s->factors)
        return print_factors(run, s, e);
    if (weft_series_explainer_drain(run, s->explainer, e) < 0)
        return -1;
    if (s->format == FRAMES)
        return 0;
    weft_table_write(s->table, (enum weft_table_format)s->format, s->bom, weft_run_text(run));
    if (s->format == WEFT_TABLE_TEXT)
        weft_series_explainer_notes(s->explainer, weft_run_text(run));
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_series_explainer_free(&s->explainer);
    weft_table_free(&s->table);
}

static const struct weft_filter filter = {
    .usage = {.name = "explain",
              .summary = "says why a linear model forecasts what it does: exact SHAP values, by groups of days",
              .synopsis = "explain -m MODEL [--near FROM:TO] [--far FROM:TO] [--format table|csv|json|frames] [FILE]\n"
                          "explain -m MODEL --factors",
              .reads = "a series or windows stream",
              .writes = "a table, CSV, JSON, or an explanations stream, which weft rank --reasons reads",
              .examples = "weft explain -m model.safetensors --channel units -i level.weft\n"
                          "weft explain -m model.safetensors --format frames -i level.weft -o reasons.weft; weft rank "
                          "--reasons reasons.weft -i forecasts.weft",
              .see_also = "train-dlinear, score, rank",
              .notes = "A linear forecast is a weighted sum of the days before it. What a day adds to the forecast is "
                       "its weight times the distance between its value and the mean value at that place over all "
                       "windows of the series itself, the background: the interventional SHAP value, here exact. Over "
                       "all days these add up to the forecast minus the mean forecast. Forecasts are explained as the "
                       "model makes them, before score draws negative ones to 0.\n"
                       "Days are added up in groups, for neighbouring days say nearly the same: last week (the last 7 "
                       "days), same weekdays (as the day that is forecast, up to 4 weeks back), a year ago (364 days "
                       "before the day that is forecast, give or take 3), last 4 weeks, last 3 months (13 weeks), "
                       "earlier. Each day is in the first group that fits. In streams of another step the groups are "
                       "the same spans of time; where a step does not divide a week, last week is the last 7 steps, "
                       "and there are no weekdays, weeks and months; months and quarters have the last 3 months, a "
                       "year ago, and earlier. Of a model with exogenous channels the last group, channels, is what "
                       "they add: prices, promotions, holidays, their days before the forecast and those known ahead.\n"
                       "near and far are means over these days of the horizon. The row growth says what each group "
                       "adds to far / near, to first order: (far's part - growth * near's part) / near. Where near and "
                       "far are not the same days of the season each side is first divided by how far such days stand "
                       "above the mean of the series' last eight seasons, as in rank.\n"
                       "--factors prints what weekdays, channels known ahead and seasons multiply sales by in a model "
                       "of weft train-dlinear --factors: over all series, and how far series differ.\n"
                       "Memory: one series and the model; a table grows with the series, frames do not."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_TEXT,
    .schema = WEFT_SERIES_SCHEMA "|" WEFT_WINDOWS_SCHEMA,
    .no_input = no_input,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
