/* evaluate.c - accuracy of forecasts, or of predictions of products, against what happened.
 *
 * In: forecasts/1 with actual values, or demand/1 with labels. Out: a table, CSV, JSON, or metrics/1; a row per model,
 * and per channel, part, group and step where there are several. */
#include <stddef.h>
#include <string.h>

#include "measure/demand_metrics.h"
#include "measure/forecast_metrics.h"
#include "record/forecasts.h"
#include "report/models_picture.h"
#include "frame/run.h"
#include "show/table.h"

enum { FRAMES = WEFT_TABLE_JSON + 1, PROMETHEUS, SVG };

struct state {
    struct weft_forecast_metrics_options o;
    bool confusion, bom;
    int format;
    const char *actuals_path;
    struct weft_actuals *actuals; /* NULL: the stream brings its own */
    struct weft_forecast_metrics *series;
    struct weft_models_picture *picture; /* NULL: not asked for */
    uint64_t without_actual;
    struct weft_table *table;
    struct weft_predictions_attrs said; /* of a demand stream */
    struct weft_prediction prediction;
    struct weft_demand_metrics *demand; /* NULL: a forecasts stream */
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 0, "by", AT(STR, o.by), "all", 0, 0, "LEVEL",
     "a row for each value of this key (major, brand, id, ...)", 0, .stream = "forecasts"},
    {WEFT_OPT_FLAG, 0, "per-step", AT(FLAG, o.per_step), NULL, 0, 0, NULL, "a row for each step of the horizon", 0,
     .stream = "forecasts"},
    {WEFT_OPT_FLAG, 0, "scaled", AT(FLAG, o.scaled), NULL, 0, 0, NULL,
     "in the units of weft window --scale, not of the data", 0, .stream = "forecasts"},
    {WEFT_OPT_STR, 0, "psfa-by", AT(STR, o.psfa_by), NULL, 0, 0, "LEVEL",
     "key that names PSFA's categories; major when the stream has it", 0, .stream = "forecasts"},
    {WEFT_OPT_FLAG, 0, "confusion", AT(FLAG, confusion), NULL, 0, 0, NULL,
     "of products: how often each class was taken for which, below the table", WEFT_OPT_RUN, .stream = "demand"},
    {WEFT_OPT_STR, 0, "actuals", AT(STR, actuals_path), NULL, 0, 0, "FILE",
     "a later series stream: forecasts of the latest days (weft score --part latest) against what came since",
     WEFT_OPT_FILE, .stream = "forecasts"},
    {WEFT_OPT_CHOICE, 0, "format", AT(CHOICE, format), "table", 0, 0, "table|csv|json|frames|prometheus|svg",
     "what to print; svg: a picture of the first series under every model", WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "bom", AT(FLAG, bom), NULL, 0, 0, NULL, WEFT_BOM_HELP, WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static int start_products(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (s->format == SVG)
        return weft_fail(e, WEFT_USAGE, "--format svg is for forecasts of series, and this is a demand stream");
    if (weft_predictions_attrs_read(weft_run_in_head(run), &s->said, e) < 0)
        return -1;
    s->demand = weft_demand_metrics_new(&s->said);
    return 0;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_head *h = weft_run_in_head(run);
    if (strcmp(h->schema, WEFT_DEMAND_SCHEMA) == 0)
        return start_products(run, s, e);
    if (weft_forecast_metrics_new(h, &s->o, &s->series, e) < 0)
        return -1;
    if (s->format == SVG)
        s->picture = weft_models_picture_new(weft_forecast_metrics_attrs(s->series));
    if (!s->actuals_path)
        return 0;
    if (weft_actuals_open(s->actuals_path, weft_run_stream_opts(run), weft_forecast_metrics_attrs(s->series),
                          &s->actuals, e) < 0)
        return -1;
    weft_forecast_metrics_actuals(s->series, s->actuals);
    return 0;
}

/* --- frames --- */

static int add_prediction(struct state *s, struct weft_span in, struct weft_err *e)
{
    if (weft_prediction_read(in, &s->said, &s->prediction, e) < 0)
        return -1;
    weft_demand_metrics_add(s->demand, &s->prediction);
    return 0;
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    if (s->demand)
        return add_prediction(s, in, e);
    if (s->picture)
        return weft_models_picture_add(s->picture, in, e);
    int got = weft_forecast_metrics_add(s->series, in, e);
    if (got == 0) {
        s->without_actual++;
        weft_run_reject(run, 1);
    }
    return got < 0 ? -1 : 0;
}

/* --- output --- */

static void print_notes(const struct state *s, FILE *f)
{
    if (!s->demand) {
        weft_forecast_metrics_notes(s->series, f);
        return;
    }
    fputs("\nmajority: always the most frequent class; scaled MSE as in the training (of medians), MAE, RMSE and bias "
          "of sums in units of the data (of means)\n",
          f);
    if (s->confusion)
        weft_demand_metrics_confusion(s->demand, f);
}

static void print_json(const struct state *s, FILE *f)
{
    putc('{', f);
    weft_table_json_members(s->table, 0, f);
    if (weft_table_rows(s->table) > 1) {
        fputs(", \"rows\": ", f);
        weft_table_json(s->table, f);
    }
    fputs("}\n", f);
}

static int emit_frames(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_pack b = {0};
    weft_pack_map(&b, s->demand ? 1 : 3);
    weft_pack_cstr(&b, "by");
    weft_pack_cstr(&b, s->demand ? "label" : s->o.by);
    if (!s->demand) {
        weft_pack_cstr(&b, "scaled");
        weft_pack_bool(&b, s->o.scaled);
        weft_pack_cstr(&b, "horizon");
        weft_pack_int(&b, weft_forecast_metrics_horizon(s->series));
    }
    int rc = weft_run_head(run, WEFT_METRICS_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc < 0 ? rc : weft_table_emit(s->table, NULL, run, e);
}

static void warn_of_uneven(void *run, const char *group)
{
    weft_run_warn(
        run, "%s: the models gave different numbers of forecasts (column n), so their rows do not measure the same",
        group);
}

static int make_table(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (s->demand) {
        if (!weft_demand_metrics_count(s->demand))
            return weft_fail(e, WEFT_DATA, "no product came that has a label which a model predicts");
        weft_demand_metrics_table(s->demand, s->table = weft_table_new());
        return 0;
    }
    if (!weft_forecast_metrics_rows(s->series) && s->actuals)
        return weft_actuals_none(s->actuals, e);
    if (!weft_forecast_metrics_rows(s->series)) {
        weft_fail(e, WEFT_DATA, s->without_actual ? "forecasts without actual values" : "no forecasts came");
        return s->without_actual
                   ? weft_fail_hint(
                         e,
                         "weft score --part test gives both; for --part latest, --actuals FILE gives what came since")
                   : -1;
    }
    if (s->actuals)
        weft_actuals_say(s->actuals, s->actuals_path, run);
    else if (s->without_actual)
        weft_run_warn(run, "%llu forecasts without actual values were left out", (unsigned long long)s->without_actual);
    weft_forecast_metrics_table(s->series, s->table = weft_table_new(), warn_of_uneven, run);
    return 0;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (s->picture)
        return weft_models_picture_write(s->picture, weft_run_text(run), e);
    if (make_table(run, s, e) < 0)
        return -1;
    FILE *f = weft_run_text(run);
    if (s->format == FRAMES)
        return emit_frames(run, s, e);
    if (s->format == WEFT_TABLE_JSON)
        print_json(s, f);
    else if (s->format == PROMETHEUS)
        weft_table_prometheus(s->table, "weft_", f);
    else
        weft_table_write(s->table, (enum weft_table_format)s->format, s->bom, f);
    if (s->format == WEFT_TABLE_TEXT)
        print_notes(s, f);
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_models_picture_free(&s->picture);
    weft_forecast_metrics_free(&s->series);
    weft_actuals_close(&s->actuals);
    weft_demand_metrics_free(&s->demand);
    weft_product_free(&s->prediction.product);
    weft_predictions_attrs_free(&s->said);
    weft_table_free(&s->table);
}

static const struct weft_filter filter = {
    .usage = {.name = "evaluate",
              .summary = "measures forecasts, and predictions of products, against what happened",
              .synopsis = "evaluate [--actuals FILE] [--by LEVEL] [--per-step] [--scaled] [--confusion] [--format "
                          "table|csv|json|frames|prometheus|svg] [FILE]",
              .reads = "a forecasts stream with actual values (weft score --part test) or, with --actuals, without "
                       "(--part latest), or a demand stream with labels",
              .writes = "a table, CSV, JSON, Prometheus text, a metrics stream, or a picture",
              .examples =
                  "weft score -m model.safetensors,seasonal-naive:7 --part test -i windows.weft | weft evaluate\n"
                  "weft score -m model.safetensors --part test -i windows.weft | weft evaluate --by major --format csv "
                  "-o accuracy.csv\n"
                  "weft score -m model.safetensors --part test -i etth1.weft | weft evaluate --scaled --format json | "
                  "jq .mse\n"
                  "weft evaluate --actuals today.weft -i yesterday.forecasts --format prometheus -o accuracy.prom\n"
                  "weft score -m image=image.safetensors,both=both.safetensors --part valid -i products.weft | weft "
                  "evaluate --confusion",
              .see_also = "score, rank, window, train-demand",
              .notes =
                  "MSE, MAE, RMSE and bias (forecast - actual) are means over windows, steps and series. WAPE is the "
                  "sum of absolute errors over the "
                  "sum of absolute values; sMAPE runs from 0 to 2. MASE and RMSSE divide by each series' own naive "
                  "error on the train part, and are "
                  "means over series. MAE, WAPE, sMAPE and MASE are those of quantile 0.5 where the stream has it (the "
                  "median makes absolute errors least), MSE, "
                  "RMSE, RMSSE and bias those of the forecast. Bias % is the sum of errors over the sum of absolute "
                  "values, MAE + bias % is WAPE and the absolute value of that; totals is the WAPE of sums over the "
                  "horizon, a sum for every window without a missing value (not with --per-step). PSFA is "
                  "the measure of LG Aimers 3. Skill is 1 - WAPE / "
                  "WAPE of the first baseline. Coverage is the share of "
                  "values inside an interval of two quantiles (q, 1 - q), or at or below a single one; there is none "
                  "where the model keeps too few errors for a bound. A value or forecast that is missing takes no "
                  "part.\n"
                  "--actuals: series are joined by id (and level, which aggregate writes), channel and date; a day "
                  "that is not there yet, or missing, is no "
                  "pair, and stderr says how many forecast values had one. Prometheus text has a gauge for each "
                  "measure (weft_wape, weft_bias, "
                  "weft_coverage{level=\"90\"}, ...; weft_values: how many), with the labels model, channel, part, "
                  "group and step.\n"
                  "Of products: accuracy and macro-F1 (the mean over classes of F1) beside the share of the most "
                  "frequent class; the mean squared error in the "
                  "units that the model learned, (log(1 + x) - mean) / std, and MAE, RMSE and WAPE of the quantities "
                  "themselves. A missing label takes no "
                  "part.\n"
                  "The picture (--format svg, up to six models) shows the last window of the series, and what was sold "
                  "in those before.\n"
                  "JSON is one object with the measures of the first row; with more rows than one, \"rows\" holds them "
                  "all.\n"
                  "Memory grows with the rows of the table, and for PSFA with its categories times windows times "
                  "horizon, not with the series; "
                  "--actuals holds its stream."},
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
