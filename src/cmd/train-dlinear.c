/* train-dlinear.c - fits DLinear to windows.
 *
 * In: windows/1. Out: a model file; with --partial a gram/1 stream, from which --merge makes the model. */
#include <stddef.h>
#include <string.h>

#include "base/num.h"
#include "train/dlinear_job.h"

struct state {
    struct weft_dlinear_asked asked;
    struct weft_dlinear_job job;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, asked.member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_CHOICE, 0, "solver", AT(CHOICE, solver), "exact", 0, 0, "exact|adam",
     "exact: the least-squares optimum in one pass; adam: gradient steps, as the papers train", 0},
    {WEFT_OPT_STR, 0, "ridge", AT(STR, ridge), "auto", 0, 0, "auto|X",
     "exact: shrinkage, relative to the mean variance; auto: chosen over rolling-origin folds", 0},
    {WEFT_OPT_CHOICE, 0, "norm", AT(CHOICE, norm), "mean", 0, 0, "none|last|mean|auto",
     "what is subtracted from a window and added to its forecast: nothing, its last value, its mean; auto: the mean of "
     "the last k values, every k of a grid tried",
     0, .needs = "auto: solver=exact"},
    {WEFT_OPT_CHOICE, 0, "lookback", AT(CHOICE, lookback), "whole", 0, 0, "whole|auto",
     "exact: look back as far as the windows do, or try every lookback of a grid up to that", 0,
     .needs = "auto: solver=exact"},
    {WEFT_OPT_FLAG, 0, "tune", AT(FLAG, tune), NULL, 0, 0, NULL,
     "exact: --lookback auto --norm auto --ridge auto, chosen over the folds; the best eight are averaged", 0,
     .needs = "solver=exact"},
    {WEFT_OPT_FLAG, 0, "refit", AT(FLAG, refit), NULL, 0, 0, NULL,
     "exact: choose as ever, then fit on all windows, the test part's too: for forecasts of what comes, not for weft "
     "score --part test",
     0, .needs = "solver=exact"},
    {WEFT_OPT_INT, 0, "kernel", AT(INT, kernel), "25", 1, 1000001, "N", "moving average that makes the trend; odd", 0},
    {WEFT_OPT_STR, 0, "by", AT(STR, by), "all", 0, 0, "LEVEL", "one set of weights for each value of this key", 0},
    {WEFT_OPT_FLAG, 0, "individual", AT(FLAG, individual), NULL, 0, 0, NULL,
     "one set of weights for each series (--by id)", 0, .not_with = "by"},
    {WEFT_OPT_INT, 0, "folds", AT(INT, folds), "3", 1, WEFT_DLINEAR_FOLDS_MAX, "N",
     "exact: rolling-origin folds that choose the ridge; the last one is the validation part", 0},
    {WEFT_OPT_INT, 0, "epochs", AT(INT, epochs), "10", 1, 1000000, "N", "adam: passes over the train part", 0},
    {WEFT_OPT_INT, 0, "batch", AT(INT, batch), "32", 1, 1000000, "N",
     "adam: windows in a step, or origins with --batch-by origin", 0},
    {WEFT_OPT_CHOICE, 0, "batch-by", AT(CHOICE, batch_by), "window", 0, 0, "window|origin",
     "adam: origin takes all series at one time together, as LTSF-Linear does", 0},
    {WEFT_OPT_REAL, 0, "lr", AT(REAL, lr), "0.005", 1e-12, 1e6, "X", "adam: learning rate", 0},
    {WEFT_OPT_REAL, 0, "lr-decay", AT(REAL, lr_decay), "0.5", 1e-6, 1, "X",
     "adam: factor on the learning rate after each epoch from the second on; 1: none", 0},
    {WEFT_OPT_INT, 0, "patience", AT(INT, patience), "3", 0, 1000000, "N",
     "adam: stop after so many epochs without a better validation loss; 0: never", 0},
    {WEFT_OPT_CHOICE, 0, "exog", AT(CHOICE, exog), "level", 0, 0, "level|units|auto|none",
     "exact: how channels that are past, future or static act: in proportion to the target's level, in its units, or "
     "not at all; auto, with --tune: as level, those alone that are known ahead for the horizon and help on the folds",
     0, .needs = "auto: tune", .not_with = "auto: state, partial"},
    {WEFT_OPT_INT, 0, "exog-lags", AT(INT, exog_lags), "7", 0, 1000000, "N",
     "exact: how many steps before the origin are looked at of past and future channels", 0},
    {WEFT_OPT_INT, 0, "exog-level", AT(INT, exog_level), "0", 0, 1000000, "N",
     "exact: the target's level, which channels act in proportion to, is its mean over so many steps; 0: over the "
     "lookback",
     0},
    {WEFT_OPT_LIST, 0, "relative", AT(LIST, relative), "price", 0, 0, "CHANNEL",
     "exact: exogenous channels that count relative to their mean over the train part", 0},
    {WEFT_OPT_LIST, 0, "factors", AT(LIST, factors), "none", 0, 0, "auto|none|COLUMNS",
     "exact: divide sales by factors of weekday, channels known ahead (channels), weekday, days (of the month), "
     "months, year:N first; auto: chosen over folds",
     0, .needs = "solver=exact", .not_with = "partial, source, state"},
    {WEFT_OPT_STR, 0, "log", AT(STR, log), NULL, 0, 0, "FILE",
     "losses as JSON lines, one an epoch (adam) or a set of weights (exact)", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_STR, 0, "source", AT(STR, source), NULL, 0, 0, "ENDPOINT",
     "exact: windows of richer series to borrow from where history is short", WEFT_OPT_FILE | WEFT_OPT_RUN,
     .needs = "solver=exact", .not_with = "partial, tune, refit, state, lookback=auto, norm=auto"},
    {WEFT_OPT_CHOICE, 0, "transfer", AT(CHOICE, transfer), "auto", 0, 0, "auto|source|own|pooled|ridge",
     "with --source, each set of weights: the source's model, its own, both together, its own shrunk towards the "
     "source's; auto: chosen over the folds",
     0, .needs = "source"},
    {WEFT_OPT_STR, 0, "source-by", AT(STR, source_by), "all", 0, 0, "KEY",
     "borrow from the source's series with the same value of this key alone", 0, .needs = "source"},
    {WEFT_OPT_STR, 0, "state", AT(STR, state), NULL, 0, 0, "FILE",
     "exact: add these days to the sums in FILE and fit on all of them; begins FILE from windows when it is not there",
     WEFT_OPT_FILE | WEFT_OPT_RUN, .needs = "solver=exact", .not_with = "partial, refit"},
    {WEFT_OPT_REAL, 0, "forget", AT(REAL, forget), "0", 0, 1e9, "STEPS",
     "a new state: windows count half after so many steps; 0: nothing is forgotten", 0, .needs = "state"},
    {WEFT_OPT_STR, 0, "metrics", AT(STR, metrics), NULL, 0, 0, "FILE",
     "state: drift and coverage of its forecasts of these days, for Prometheus", WEFT_OPT_FILE | WEFT_OPT_RUN,
     .needs = "state"},
    {WEFT_OPT_FLAG, 0, "partial", AT(FLAG, partial), NULL, 0, 0, NULL,
     "exact: write the sums of these series as a stream (-o), for --merge", 0, .needs = "solver=exact"},
    {WEFT_OPT_FLAG, 0, "merge", AT(FLAG, merge), NULL, 0, 0, NULL,
     "make the model from the partial streams given as FILEs, as they were told when they were made", 0,
     .only_with = "log"},
    {.type = WEFT_OPT_END},
};

static int check_options(struct weft_run *run, const struct weft_dlinear_asked *a, double *ridge, struct weft_err *e)
{
    *ridge = -1;
    if (strcmp(a->ridge, "auto") != 0 && !weft_num_real(a->ridge, 0, 1e12, ridge))
        return weft_fail(e, WEFT_USAGE, "--ridge: auto, or a number from 0 on, not \"%s\"", a->ridge);
    if (a->kernel % 2 == 0)
        return weft_fail(e, WEFT_USAGE, "--kernel: the moving average has a middle: %lld is even",
                         (long long)a->kernel);
    return !a->partial && !weft_units_path(run, e) ? -1 : 0;
}

static int check_factors(const struct weft_dlinear_asked *a, struct weft_err *e)
{
    if (a->factors.n > 1)
        for (size_t i = 0; i < a->factors.n; i++)
            if (strcmp(a->factors.items[i], "auto") == 0 || strcmp(a->factors.items[i], "none") == 0)
                return weft_fail(e, WEFT_USAGE, "--factors: %s stands alone", a->factors.items[i]);
    return 0;
}

static int check_state(struct weft_run *run, const struct weft_dlinear_asked *a, struct weft_err *e)
{
    const char *model = weft_run_output(run);
    if (strcmp(a->state, model) == 0 ||
        (a->metrics && (strcmp(a->metrics, model) == 0 || strcmp(a->metrics, a->state) == 0)))
        return weft_fail(e, WEFT_USAGE, "--state, --metrics and -o are files of their own: two of them are %s",
                         strcmp(a->state, model) == 0 ? model : a->metrics);
    return 0;
}

static int check(struct weft_run *run, struct state *s, struct weft_err *e)
{
    const struct weft_dlinear_asked *a = &s->asked;
    return check_options(run, a, &s->job.ridge, e) < 0 || check_factors(a, e) < 0 ||
                   (a->state && check_state(run, a, e) < 0)
               ? -1
               : 0;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const char *schema = weft_run_in_head(run)->schema;
    s->job.run = run;
    s->job.asked = &s->asked;
    s->job.opts = opts;
    s->job.options = s;
    if (s->asked.merge)
        return 0;
    if (strcmp(schema, WEFT_WINDOWS_SCHEMA) != 0 && !(s->asked.state && strcmp(schema, WEFT_SERIES_SCHEMA) == 0)) {
        weft_fail(e, WEFT_DATA, "a %s stream, and this program reads %s%s", schema, WEFT_WINDOWS_SCHEMA,
                  s->asked.state ? " or " WEFT_SERIES_SCHEMA : "");
        return strcmp(schema, WEFT_SERIES_SCHEMA) == 0
                   ? weft_fail_hint(
                         e, "put window in between: ingest ... | window --lookback N --horizon N | train-dlinear ...")
                   : -1;
    }
    return check(run, s, e) < 0 ? -1 : weft_dlinear_job_start(&s->job, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    (void)run;
    return weft_dlinear_job_frame(&((struct state *)state)->job, in, e);
}

static bool no_input(const void *state)
{
    return ((const struct state *)state)->asked.merge;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (s->asked.merge && !weft_run_n_operands(run))
        return weft_fail(e, WEFT_USAGE, "--merge: which partial streams? --merge FILE...");
    if (s->asked.merge && (check(run, s, e) < 0 || weft_dlinear_job_start(&s->job, e) < 0))
        return -1;
    if (!s->asked.merge && weft_run_n_operands(run))
        return weft_fail(e, WEFT_USAGE, "FILEs go with --merge; a windows stream comes through -i");
    return weft_dlinear_job_end(&s->job, e);
}

static void stop(struct weft_run *run, void *state)
{
    (void)run;
    weft_dlinear_job_free(&((struct state *)state)->job);
}

static const struct weft_filter filter = {
    .usage =
        {.name = "train-dlinear",
         .summary = "fits DLinear, a linear forecast of seasonal part and trend",
         .synopsis = "train-dlinear -o MODEL [OPTION...] [FILE]\n"
                     "train-dlinear --merge -o MODEL FILE...\n"
                     "train-dlinear --state FILE -o MODEL [OPTION...] [FILE]",
         .reads = "a windows stream; with --state also a series stream of new days",
         .writes = "a model file (safetensors); with --partial a gram stream",
         .examples =
             "weft ingest sales.csv | weft window --lookback 30 --horizon 10 | weft train-dlinear -o "
             "model.safetensors\n"
             "weft train-dlinear --tune -i windows.weft -o model.safetensors -v; weft train-dlinear --tune --refit -i "
             "windows.weft -o latest.safetensors\n"
             "weft train-dlinear --factors auto --refit -i windows.weft -o latest.safetensors -v\n"
             "weft train-dlinear --by major --norm last -i windows.weft -o model.safetensors -v\n"
             "weft train-dlinear --solver adam --batch-by origin --norm none -i etth1.weft -o model.safetensors\n"
             "weft covariates --weekday --holidays pipelines/holidays-kr.csv -i level.weft | weft window --lookback 56 "
             "--horizon 14 --scale standard | weft train-dlinear -o model.safetensors\n"
             "weft train-dlinear --partial -i half1.weft -o p1.weft; weft train-dlinear --merge p1.weft p2.weft -o "
             "model.safetensors\n"
             "weft train-dlinear --source major.weft --by minor -i minor.weft -o model.safetensors\n"
             "weft ingest history.csv | weft window --lookback 56 --horizon 28 | weft train-dlinear --tune --state "
             "s.st -o model.safetensors\n"
             "weft ingest today.csv | weft train-dlinear --state s.st -o model.safetensors --metrics weft.prom",
         .see_also = "covariates, window, score, evaluate",
         .notes =
             "The exact solver adds up a Gram matrix in float64 in one pass and holds no windows: its memory does not "
             "grow with the series, but with the sets of weights (--by). Adam holds every value once.\n"
             "Windows that touch a missing value are left out. Errors of validation windows are kept in the model: "
             "score makes intervals of them.\n"
             "--tune tries every lookback, every mean of the last k values and every ridge weight of a grid from the "
             "same sums, judged by the folds alone; the best for each of the eight best k are averaged into one matrix "
             "in raw coordinates (Linear_Seasonal = Linear_Trend). Ridge weights are relative to the mean variance "
             "within a window. The choices stand in the model's metadata (tuned) and in --log. Memory: the Gram "
             "matrices, and six matrices of lookback squared for each thread (80 MB at 720).\n"
             "A state holds the Gram sums of each set of weights and the last lookback + horizon - 1 values of each "
             "series, in the file and in memory. What was chosen when it began stays, and so do the errors that make "
             "the intervals; days that are there already are ignored, so a dump twice changes nothing, and one that "
             "changed is said in a line; days between are missing values; series that are new join, and groups that "
             "are new, or had no window to be judged by, are fitted as the first one was chosen. The model file is "
             "written before the state.\n"
             "Channels that the head declares past, future or static (weft ingest --future, covariates) become inputs "
             "of the exact solver: of each its last --exog-lags steps, and of a future one the step that is forecast, "
             "with weights of its own for each step. With --exog level a value is multiplied by the target's mean over "
             "a lookback (--exog-level N: N steps) that ends a horizon earlier, so that a promotion acts in proportion "
             "to what is sold; "
             "--relative channels count as value / mean - 1. Inside the history a missing value is the last known one. "
             "The unknowns are lookback + channels x (lags + 1), and --tune, --refit, --partial, --state and --source "
             "take them along (the source must have the same ones); adam leaves them out.\n"
             "--exog auto leaves out by name a future channel that a series knows for a part of the horizon alone, or "
             "that half of all series or more know nothing of ahead, and a channel without a value in some series. Of "
             "the others those that lower the error over the folds are used; -v and --log say what each brings: the "
             "error of the best configuration without it.\n"
             "--factors divides each series by what the calendar and channels that are known ahead multiply it by (a "
             "Poisson regression with log link; each series' own coefficients, pulled towards those of all by a ridge "
             "kappa), and fits --tune to the rest: auto chooses the columns, none among them, and kappa over three "
             "folds a horizon apart, then the rest as it is or its logarithm by the errors of validation windows whose "
             "factors were fitted before them. A list names the columns: channels (those known ahead; a channel open "
             "says what share of the day a shop is open), and of days weekday, days (of the month), months or year:N "
             "(N waves). Series are held in memory. The forecast is the mean, its quantile 0.5 the median. A series "
             "that score meets for the first time has the factors of all. The model file holds them by name "
             "(Factors.own, factors).\n"
             "Adam's defaults with --norm none --batch-by origin are LTSF-Linear's for ETTh1. The weights are named as "
             "LTSF-Linear names them.\n"
             "With --source every set of weights stands on a rung of its own: source (the source's model as it is), "
             "own (as without a source), pooled (a window of the source counts gamma windows of the target), ridge "
             "(shrunk towards the source's weights, which count lambda windows). Rungs, gamma and lambda are compared "
             "over the folds of the target's train and validation part, with what was known of the source at each "
             "fold's origin; the simplest rung that is within a standard error of the best, or half a percent (own: "
             "half a percent), is taken. Where fewer than two folds have windows it is the source. A table says what "
             "was chosen and why (-q: none), as do --log and the model's metadata (\"transfer\"). Sums of the source "
             "are held for each value of --source-by."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_MODEL,
    .max_operands = -1,
    .threads_are_cores = true,
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
