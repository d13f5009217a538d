/* train-lstm.c - trains the LSTM forecaster on windows. */
#include <stddef.h>
#include <stdlib.h>

#include "base/stop.h"
#include "train/lstm_units.h"

struct state {
    const char *by, *log, *checkpoint;
    bool resume;
    int norm;
    int64_t hidden, layers, epochs, batch, patience;
    double lr, clip;
    struct weft_lstm_units t;
    struct weft_series series;
    struct weft_progress progress;
    struct weft_run *run;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_INT, 0, "hidden", AT(INT, hidden), "64", 1, WEFT_LSTM_HIDDEN_MAX, "N", "units of a layer", 0},
    {WEFT_OPT_CHOICE, 0, "norm", AT(CHOICE, norm), "none", 0, 0, "none|last|mean",
     "what is subtracted from a window and added to its forecast: nothing, its last value, its mean", 0},
    {WEFT_OPT_INT, 0, "layers", AT(INT, layers), "1", 1, WEFT_LSTM_LAYERS_MAX, "N", "layers", 0},
    {WEFT_OPT_STR, 0, "by", AT(STR, by), "all", 0, 0, "LEVEL", "one set of weights for each value of this key", 0},
    {WEFT_OPT_INT, 0, "epochs", AT(INT, epochs), "230", 1, 1000000, "N", "passes over the train part at most", 0},
    {WEFT_OPT_INT, 0, "batch", AT(INT, batch), "32", 1, 1000000, "N", "windows in a step", 0},
    {WEFT_OPT_REAL, 0, "lr", AT(REAL, lr), "0.001", 1e-12, 1e6, "X", "Adam's learning rate", 0},
    {WEFT_OPT_REAL, 0, "clip", AT(REAL, clip), "0", 0, 1e12, "X", "largest norm of a step's gradient; 0: any", 0},
    {WEFT_OPT_INT, 0, "patience", AT(INT, patience), "10", 0, 1000000, "N",
     "stop after so many epochs without a better validation loss; 0: never", 0},
    {WEFT_OPT_STR, 0, "log", AT(STR, log), NULL, 0, 0, "FILE", "losses as JSON lines, one an epoch",
     WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_STR, 0, "checkpoint", AT(STR, checkpoint), NULL, 0, 0, "FILE",
     "keep the training's state there until the model is written", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "resume", AT(FLAG, resume), NULL, 0, 0, NULL, "go on from the checkpoint, if it is there",
     WEFT_OPT_RUN, .needs = "checkpoint"},
    {.type = WEFT_OPT_END},
};

/* Between batches: shows where the training is, and hears whether to end. */
static bool tick(void *ctx, int64_t epoch, size_t done, size_t total)
{
    struct state *s = ctx;
    if (s->t.n == 1)
        weft_progress_at(&s->progress, done, total, "windows", "epoch %lld", (long long)epoch);
    return weft_stop_signal() != 0;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (!weft_units_path(run, e))
        return -1;
    s->run = run;
    s->t.hidden = (size_t)s->hidden;
    s->t.layers = (size_t)s->layers;
    s->t.norm = (enum weft_norm)s->norm;
    s->t.options = (struct weft_net_options){.epochs = s->epochs,
                                             .patience = s->patience,
                                             .batch = (size_t)s->batch,
                                             .lr = s->lr,
                                             .clip = s->clip,
                                             .seed = weft_run_seed(run),
                                             .tick = tick,
                                             .ctx = s};
    s->t.threads = weft_run_threads(run);
    s->t.checkpoint.path = s->checkpoint;
    s->t.checkpoint.resume = s->resume;
    s->t.log = s->log;
    s->t.progress = &s->progress;
    weft_progress_start(&s->progress, weft_run_program(run), weft_run_progress(run));
    return weft_lstm_units_start(&s->t, weft_run_in_head(run), s->by, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    (void)run;
    if (weft_series_read(in, &s->t.units.attrs, &s->series, e) < 0)
        return -1;
    return weft_lstm_units_add(&s->t, &s->series, e);
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    int rc = weft_lstm_units_fit(&s->t, e);
    weft_progress_end(&s->progress);
    if (rc > 0) {
        rc = weft_interrupted(e);
        if (s->checkpoint)
            weft_fail_hint(e, "--checkpoint %s --resume goes on", s->checkpoint);
    }
    if (rc < 0)
        return rc;
    weft_lstm_units_say(&s->t, run);
    char *lineage = weft_run_lineage_json(run);
    rc = weft_lstm_units_save(&s->t, lineage, weft_run_output(run), e);
    free(lineage);
    return rc;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_series_free(&s->series);
    weft_lstm_units_free(&s->t);
}

static const struct weft_filter filter = {
    .usage = {.name = "train-lstm",
              .summary = "trains an LSTM forecaster",
              .synopsis = "train-lstm -o MODEL [OPTION...] [FILE]",
              .reads = "a windows stream",
              .writes = "a model file (safetensors)",
              .examples = "weft ingest sales.csv | weft window --lookback 30 --horizon 10 --scale standard | weft "
                          "train-lstm -o lstm.safetensors\n"
                          "weft train-lstm --checkpoint run.st --resume -o lstm.safetensors -i windows.weft   # again "
                          "after a kill: the same bytes\n"
                          "weft score -m lstm.safetensors --part test -i windows.weft | weft evaluate",
              .see_also = "window, train-dlinear, train-adda, score, evaluate",
              .notes =
                  "An LSTM reads the lookback, a linear layer makes the whole horizon of its last hidden state; mean "
                  "squared error, Adam; the epoch with the least validation loss is kept. Scale the windows (weft "
                  "window --scale standard): a network learns values about 1 best.\n"
                  "The result depends on --seed and not on --threads. Windows that touch a missing value are left out. "
                  "Weights are named as torch.nn.LSTM and torch.nn.Linear name them, behind encoder. and head."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_MODEL,
    .schema = WEFT_WINDOWS_SCHEMA,
    .threads_are_cores = true,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
