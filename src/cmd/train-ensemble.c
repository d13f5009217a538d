/* train-ensemble.c - several trainers and baselines as one model: apply/ensemble_fit.h does the work. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "apply/ensemble_fit.h"
#include "base/stop.h"
#include "train/units.h"

#define AT(type, member) WEFT_OPT_AT(struct weft_ensemble_fit, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_LIST, 'm', "member", AT(LIST, members), NULL, 0, 0, "[NAME=]MEMBER",
     "a trainer's command, which gets a windows stream and -o FILE, or naive, seasonal-naive:M, mean:N, "
     "lag-growth:M:N, croston, sba, tsb; given once for each",
     WEFT_OPT_WHOLE | WEFT_OPT_REQUIRED},
    {WEFT_OPT_INT, 0, "folds", AT(INT, folds), "3", 1, WEFT_ENSEMBLE_FOLDS_MAX, "N",
     "horizons at the end of what may be seen that members are chosen on, each trained on what came before", 0},
    {WEFT_OPT_REAL, 0, "within", AT(REAL, within), "0.15", 0, 100, "SHARE",
     "members with an error in the folds of more than the best one's and this share of it are left out", 0},
    {WEFT_OPT_STR, 0, "checkpoint", AT(STR, keep), NULL, 0, 0, "DIR",
     "keep trained members there until the model is written; the same command goes on from them",
     WEFT_OPT_FILE | WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct weft_ensemble_fit *f = state;
    if (!weft_units_path(run, e))
        return -1;
    if (f->keep && mkdir(f->keep, 0777) < 0 && errno != EEXIST) {
        weft_fail_errno(e, WEFT_CANTCREAT, "can't create the directory");
        return weft_fail_where(e, "%s", f->keep);
    }
    return weft_ensemble_fit_start(f, run, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    (void)run;
    return weft_ensemble_fit_add(state, in, e);
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct weft_ensemble_fit *f = state;
    if (weft_ensemble_fit_run(f, e) < 0) {
        if (f->keep && weft_stop_signal())
            weft_fail_hint(e, "the same command goes on from --checkpoint %s", f->keep);
        return -1;
    }
    char *lineage = weft_run_lineage_json(run), *text = weft_ensemble_fit_text(f);
    int rc = weft_ensemble_fit_save(f, lineage, weft_run_output(run), e);
    if (rc == 0)
        weft_run_warn(run, "%s", text);
    free(lineage);
    free(text);
    return rc;
}

static void stop(struct weft_run *run, void *state)
{
    (void)run;
    weft_ensemble_fit_free(state);
}

static const struct weft_filter filter = {
    .usage = {.name = "train-ensemble",
              .summary = "trains several forecasters and joins those that are good into one model",
              .synopsis = "train-ensemble -o MODEL --member COMMAND --member MEMBER [OPTION...] [FILE]",
              .reads = "a windows stream",
              .writes = "a model file (safetensors)",
              .examples = "weft ingest sales.csv | weft aggregate --by minor | weft window --lookback 392 --horizon 28 "
                          "--split 0.85,0.15,0 | weft train-ensemble --member 'train-dlinear --factors auto --refit' "
                          "--member 'train-dlinear --tune --refit' --member seasonal-naive:7 --member "
                          "lag-growth:364:28 -o ensemble.safetensors\n"
                          "weft train-ensemble --checkpoint run --member train-lstm --member train-dlinear -o "
                          "ensemble.safetensors -i windows.weft   # again after a kill: the same bytes\n"
                          "weft ingest sales.csv | weft aggregate --by minor | weft score -m ensemble.safetensors "
                          "--quantiles 0.1,0.9 | weft rank",
              .see_also = "window, train-dlinear, train-lstm, score, backtest",
              .notes = "Every member is trained before each fold on what was known then, and forecasts the horizon "
                       "that came; the folds are the last horizons of what may be seen, the test part of the windows "
                       "is not touched. The error is sum |actual - forecast| / sum |actual| over all series and folds "
                       "(the mean over channels), of the values that every member forecast. Members far from the best "
                       "are left out (--within), so is one that forecasts less than nine tenths of what another does. "
                       "Of the best member alone, the median, the mean and the mean weighted by 1 / error^2, the one "
                       "with the least error is taken; then the members that are held are trained on all. A line on "
                       "stderr says what the model holds and what it beat, as does its metadata (tried, fold_errors).\n"
                       "The model file holds its members' whole files and goes where any model goes: score, backtest, "
                       "rank; weft backtest --refit trains it anew at past origins. Its errors, those of the folds, "
                       "make intervals and the growth's. A series too short for one member is forecast by the others.\n"
                       "Commands are split at blanks, with quotes and \\ as a shell does it; no shell is started. "
                       "--threads N runs N trainers at a time; the result is the same. The series are kept in a file "
                       "under TMPDIR, the models in memory."},
    .opts = opts,
    .state_size = sizeof(struct weft_ensemble_fit),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_MODEL,
    .schema = WEFT_WINDOWS_SCHEMA,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
