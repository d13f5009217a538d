/* report.c - a ranking as one HTML page, or as one picture.
 *
 * In: ranking/1, and, when given, the forecasts that were ranked, their history, and a table of accuracy. Out: HTML or
 * SVG that needs nothing else. */
#include <stddef.h>
#include <string.h>

#include "report/report.h"
#include "frame/run.h"
#include "ingest/sheet.h"

struct state {
    const char *forecasts, *history, *accuracy_file;
    struct weft_report_options o;
    int lang, format;
    int64_t top, bars, charts;
    struct weft_report *report;
    struct weft_sheet accuracy;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_CHOICE, 0, "lang", AT(CHOICE, lang), "en", 0, 0, "en|ko", "language of the page", 0},
    {WEFT_OPT_CHOICE, 0, "format", AT(CHOICE, format), "html", 0, 0, "html|svg",
     "a page, or one picture of growth and of the first four groups", 0},
    {WEFT_OPT_STR, 0, "forecasts", AT(STR, forecasts), NULL, 0, 0, "FILE",
     "the forecasts that were ranked: charts of the first groups, with the outermost quantiles as the band",
     WEFT_OPT_FILE},
    {WEFT_OPT_STR, 0, "history", AT(STR, history), NULL, 0, 0, "FILE",
     "the series that were forecast, or those that they are made of: the past in the charts", WEFT_OPT_FILE,
     .needs = "forecasts"},
    {WEFT_OPT_STR, 0, "accuracy", AT(STR, accuracy_file), NULL, 0, 0, "FILE",
     "a table of evaluate or backtest, CSV or JSON", WEFT_OPT_FILE},
    {WEFT_OPT_STR, 0, "title", AT(STR, o.title), NULL, 0, 0, "TEXT", "the page's title", 0},
    {WEFT_OPT_STR, 0, "channel", AT(STR, o.channel), NULL, 0, 0, "NAME",
     "whose ranking is shown; by default the one that says what is sold", 0},
    {WEFT_OPT_INT, 0, "top", AT(INT, top), "100", 0, 1000000, "N", "rows of the tables; 0: all", 0},
    {WEFT_OPT_INT, 0, "bars", AT(INT, bars), "15", 0, 1000, "N", "groups whose growth is drawn", 0},
    {WEFT_OPT_INT, 0, "charts", AT(INT, charts), "6", 0, 1000, "N", "groups whose history and forecast is drawn", 0},
    {.type = WEFT_OPT_END},
};

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    s->o.lang = (enum weft_report_lang)s->lang;
    s->o.top = (size_t)s->top;
    s->o.bars = (size_t)s->bars;
    s->o.charts = s->forecasts ? (size_t)s->charts : 0;
    if (s->accuracy_file && weft_sheet_read(s->accuracy_file, &s->accuracy, e) < 0)
        return -1;
    return weft_report_new(weft_run_in_head(run), &s->o, &s->report, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    (void)run;
    return weft_report_add(s->report, in, e);
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_stream_opts *o = weft_run_stream_opts(run);
    if (!weft_report_rows(s->report))
        return weft_fail(e, WEFT_DATA, "%s%s", s->o.channel ? "the ranking has no channel " : "the ranking has no rows",
                         s->o.channel ? s->o.channel : "");
    if (s->forecasts && weft_report_forecasts(s->report, s->forecasts, o, e) < 0)
        return -1;
    if (s->history && weft_report_history(s->report, s->history, o, e) < 0)
        return -1;
    struct weft_report_accuracy a = {s->accuracy.name, s->accuracy.cell, s->accuracy.columns, s->accuracy.rows};
    if (s->format)
        weft_report_picture(s->report, weft_run_text(run));
    else
        weft_report_write(s->report, s->accuracy_file ? &a : NULL, weft_run_text(run));
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_report_free(&s->report);
    weft_sheet_free(&s->accuracy);
}

static const struct weft_filter filter = {
    .usage =
        {.name = "report",
         .summary = "writes a ranking as one HTML page with charts, or as one picture, in English or Korean",
         .synopsis = "report [--forecasts FILE] [--history FILE] [--accuracy FILE] [--lang en|ko] [OPTION...] [FILE]",
         .reads = "a ranking stream (weft rank --format frames)",
         .writes = "an HTML page or an SVG picture",
         .examples =
             "weft rank --history series.weft --format frames -i forecasts.weft | weft report -o report.html\n"
             "weft report --forecasts forecasts.weft --history level.weft --accuracy accuracy.csv --lang ko -i "
             "ranking.weft -o report.html\n"
             "weft report --format svg --forecasts forecasts.weft --history level.weft -i ranking.weft -o growth.svg",
         .see_also = "rank, explain, score, evaluate",
         .notes = "The page is one file that needs nothing else: the charts are SVG inside it, there is no "
                  "script, and nothing is loaded from anywhere. It fits screens from 400 pixels on, and "
                  "A4 paper. Its rows are the ranking's, in its order; columns of which the ranking knows nothing "
                  "are left out.\n"
                  "The same input gives the same bytes. Memory grows with the rows, and with --history with the "
                  "groups: 12 bytes a group, channel and step."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_TEXT,
    .schema = WEFT_RANKING_SCHEMA,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
