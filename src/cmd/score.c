/* score.c - forecasts with models and baselines; products by garment models.
 *
 * In: series/1 or windows/1. Out: forecasts/1: for every series, channel and model a frame, with the actual values when
 * a part of windows is scored (src/train/series_score.c). In: products/1. Out: demand/1 (src/train/demand_score.c). */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "apply/demand_score.h"
#include "base/num.h"
#include "record/products.h"
#include "frame/run.h"
#include "apply/series_score.h"
#include "base/mem.h"

struct state {
    struct weft_list quantiles;
    int64_t side, pixels; /* limits of pictures */
    struct weft_series_score_options o;
    struct weft_series_scorer *series; /* one of the two */
    struct weft_demand_scorer *demand;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_LIST, 'm', "model", AT(LIST, o.models), NULL, 0, 0, "[NAME=]MODEL",
     "model file, or naive, seasonal-naive:M, mean:N, lag-growth:M:N, croston, sba, tsb; several stand side by side",
     WEFT_OPT_REQUIRED | WEFT_OPT_FILE},
    {WEFT_OPT_CHOICE, 0, "part", AT(CHOICE, o.part), "latest", 0, 0, "latest|test|valid|all",
     "latest: from the end of each series; the others: every window of that part, with its actual values; of products, "
     "valid: those held out in training",
     0},
    {WEFT_OPT_LIST, 0, "quantiles", AT(LIST, quantiles), NULL, 0, 0, "Q",
     "quantiles to give beside the forecast, each between 0 and 1", 0, .stream = "series|windows"},
    {WEFT_OPT_FLAG, 0, "nonnegative", AT(FLAG, o.nonnegative), NULL, 0, 0, NULL,
     "no forecast or quantile below 0; on for channels that are counts, money or prices by their names (units, qty, "
     "수량, sales, price) unless --no-nonnegative",
     0, .stream = "series|windows"},
    {WEFT_OPT_INT, 0, "horizon", AT(INT, o.horizon), "0", 0, 1000000, "N",
     "steps to forecast, when baselines alone score a series stream", 0, .stream = "series|windows"},
    {WEFT_OPT_INT, 0, "season", AT(INT, o.season), "0", 0, 1000000, "N",
     "steps in a season, for MASE; 0: 24 hours, 7 days, 52 weeks", 0, .stream = "series|windows"},
    {WEFT_OPT_INT, 0, "max-side", AT(INT, side), "16384", 1, 65535, "PIXELS",
     "products: largest width or height of a picture", WEFT_OPT_RUN | WEFT_OPT_ADVANCED, .stream = "products"},
    {WEFT_OPT_INT, 0, "max-pixels", AT(INT, pixels), "33554432", 1, WEFT_IMAGE_PIXELS_MAX, "N",
     "products: largest width times height", WEFT_OPT_RUN | WEFT_OPT_ADVANCED, .stream = "products"},
    {.type = WEFT_OPT_END},
};

static int read_quantiles(struct state *s, struct weft_err *e)
{
    double *level = s->o.levels;
    size_t n = s->quantiles.n;
    if (n > WEFT_MAX_LEVELS)
        return weft_fail(e, WEFT_USAGE, "--quantiles: more than %d levels", WEFT_MAX_LEVELS);
    for (size_t i = 0; i < n; i++)
        if (!weft_num_real(s->quantiles.items[i], 1e-9, 1 - 1e-9, &level[i]))
            return weft_fail(e, WEFT_USAGE, "--quantiles: \"%s\" is not a number between 0 and 1",
                             s->quantiles.items[i]);
    weft_sort(level, n, sizeof *level, weft_by_double);
    for (size_t i = 1; i < n; i++)
        if (!(level[i] > level[i - 1]))
            return weft_fail(e, WEFT_USAGE, "--quantiles: %g is given twice", level[i]);
    s->o.n_levels = n;
    return 0;
}

static int start_products(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (s->o.part == WEFT_SCORE_TEST)
        return weft_fail(
            e, WEFT_USAGE,
            "a garment model has no test part; --part valid scores the products that its training held out");
    struct weft_image_limits limits = weft_image_default_limits();
    char text[32];
    limits.side = (int)s->side;
    limits.pixels = (size_t)s->pixels;
    snprintf(text, sizeof text, "%d", limits.side); /* here: forecasts have no pictures */
    weft_run_lineage_arg(run, "max-side", text);
    snprintf(text, sizeof text, "%zu", limits.pixels);
    weft_run_lineage_arg(run, "max-pixels", text);
    return weft_demand_scorer_start(run, s->o.models.items, s->o.models.n, s->o.part == WEFT_SCORE_VALID, &limits,
                                    &s->demand, e);
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (strcmp(weft_run_in_head(run)->schema, WEFT_PRODUCTS_SCHEMA) == 0)
        return start_products(run, s, e);
    return read_quantiles(s, e) < 0 ? -1 : weft_series_scorer_start(run, &s->o, &s->series, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    return s->demand ? weft_demand_scorer_frame(run, s->demand, in, e)
                     : weft_series_scorer_frame(run, s->series, in, e);
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    return s->demand ? weft_demand_scorer_drain(run, s->demand, e) : weft_series_scorer_drain(run, s->series, e);
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_demand_scorer_free(&s->demand);
    weft_series_scorer_free(&s->series);
}

static const struct weft_filter filter = {
    .usage =
        {.name = "score",
         .summary = "forecasts series with models and baselines, and what products will do",
         .synopsis = "score -m MODEL[,MODEL...] [OPTION...] [FILE]",
         .reads = "a series or windows stream, or a products stream",
         .writes = "a forecasts stream, one frame per series, channel and model, those left out included; of products "
                   "a demand stream, one frame per product and model",
         .examples = "weft ingest sales.csv | weft aggregate --by minor | weft score -m model.safetensors --quantiles "
                     "0.1,0.5,0.9 | weft rank\n"
                     "weft ingest sales.csv | weft window --lookback 56 --horizon 28 | weft score -m "
                     "model.safetensors,seasonal-naive:7 --part test | weft evaluate\n"
                     "weft ingest sales.csv | weft score -m mean:28 --horizon 28 | weft frames csv\n"
                     "weft ingest --layout products new.csv | weft embed-text --hash 512 | weft score -m "
                     "demand.safetensors | weft frames show",
         .see_also = "window, train-dlinear, train-lstm, train-demand, evaluate, rank",
         .notes =
             "Baselines: naive (the last value), seasonal-naive:M (the value M steps ago), mean:N (the mean of the "
             "last N steps), lag-growth:M:N (the value M steps ago times the growth of the last N steps over the same "
             "a season of M earlier). For items that sell now and then: croston[:RATE], sba[:RATE] (croston times 1 - "
             "RATE / 2) and tsb[:RATE_P[:RATE_D]] (reacts to items that die out), smoothed with rates of 0.1 unless "
             "given, flat over the horizon, 0 while nothing was sold. These three look back to the beginning of the "
             "series, whatever the windows' lookback.\n"
             "Quantiles are split conformal: the model file keeps errors of validation windows; baselines have none. A "
             "level needs 1 / min(q, 1 - q) - 1 of them (9 for 80%, 19 for 90%, 199 for 99% intervals): with fewer it "
             "has no bound (a missing value), and stderr says so once.\n"
             "A windows stream brings its scale, fitted on the train part. A series stream has none: a model trained "
             "with --scale standard or minmax then scales each series by all of it, and a channel that counts relative "
             "to its mean (weft train-dlinear --relative) to that of all of it.\n"
             "A series that begins too late for the lookback, or with a missing value in it, is left out and counted: "
             "with --part latest its frame says why (column why of weft frames csv, one row a series), model by model, "
             "so that a baseline beside may serve it; of a part, such windows alone are left out. A model may look "
             "back less than the windows do, so that models of several lookbacks are measured on the same windows.\n"
             "A model with exogenous channels (train-dlinear on a stream with past, future or static ones) needs them "
             "in the stream by name, and those that are known ahead on every step of the horizon: what is missing is "
             "refused (78) with its dates before the first forecast goes out; until then forecasts wait in a temporary "
             "file ($TMPDIR). The latest origin is after the last step that has a target.\n"
             "Products are scored in batches; a picture that is missing or can't be read is seen as grey. Quantities "
             "are in original units; pictures and features do not go into the output.\n"
             "Memory: one series and its forecasts, or a batch of products; it does not grow with their number."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_STREAM,
    .schema = WEFT_SERIES_SCHEMA "|" WEFT_WINDOWS_SCHEMA "|" WEFT_PRODUCTS_SCHEMA,
    .acknowledges = true,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
