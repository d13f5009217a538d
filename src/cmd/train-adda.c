/* train-adda.c - adapts a forecasting network from a domain with much history to one with little. */
#include <stddef.h>
#include <stdlib.h>

#include "base/stop.h"
#include "train/adda_units.h"

struct state {
    const char *source, *target, *pretrained, *log, *checkpoint;
    bool resume;
    int norm;
    int encoder, keep;
    int64_t hidden, layers, epochs, patience, windows, batch, source_epochs, source_patience, source_batch,
        discriminator, labels;
    double lr, encoder_lr, smooth, reconstruct, fraction, label_weight;
    struct weft_adda_units t;
    struct weft_series series;
    struct weft_progress progress;
    struct weft_run *run;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 0, "source", AT(STR, source), NULL, 0, 0, "ENDPOINT", "windows of the domain with much history",
     WEFT_OPT_REQUIRED | WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_STR, 0, "target", AT(STR, target), NULL, 0, 0, "ENDPOINT", "windows of the domain with little",
     WEFT_OPT_REQUIRED | WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_CHOICE, 0, "encoder", AT(CHOICE, encoder), "lstm", 0, 0, "lstm|linear|cnn",
     "what makes a code of a lookback", 0},
    {WEFT_OPT_INT, 0, "hidden", AT(INT, hidden), "64", 1, WEFT_LSTM_HIDDEN_MAX, "N", "size of the code", 0},
    {WEFT_OPT_CHOICE, 0, "norm", AT(CHOICE, norm), "mean", 0, 0, "none|last|mean",
     "what is subtracted from a window and added to its forecast: nothing, its last value, its mean", 0},
    {WEFT_OPT_INT, 0, "layers", AT(INT, layers), "1", 1, WEFT_LSTM_LAYERS_MAX, "N", "layers of an LSTM", 0},
    {WEFT_OPT_STR, 0, "pretrained", AT(STR, pretrained), NULL, 0, 0, "MODEL",
     "source network from this model (train-lstm, or weft train-adda --epochs 0), not trained anew", WEFT_OPT_FILE},
    {WEFT_OPT_INT, 0, "source-epochs", AT(INT, source_epochs), "230", 1, 1000000, "N",
     "passes over the source's train part at most", 0},
    {WEFT_OPT_INT, 0, "source-patience", AT(INT, source_patience), "10", 0, 1000000, "N",
     "end the source's training after so many epochs without a better validation loss; 0: never", 0},
    {WEFT_OPT_INT, 0, "source-batch", AT(INT, source_batch), "32", 1, 1000000, "N",
     "windows in a step of the source's training", 0},
    {WEFT_OPT_INT, 0, "epochs", AT(INT, epochs), "300", 0, 1000000, "N",
     "epochs of the adaptation at most; 0: none, the source network as it is", 0},
    {WEFT_OPT_INT, 0, "patience", AT(INT, patience), "10", 0, 1000000, "N",
     "end after so many epochs without a better validation loss on the target; 0: never", 0},
    {WEFT_OPT_CHOICE, 0, "keep", AT(CHOICE, keep), "best", 0, 0, "best|last",
     "the epoch with the least validation loss on the target (0 among them: no adaptation), or the last", 0},
    {WEFT_OPT_INT, 0, "windows", AT(INT, windows), "4096", 1, UINT32_MAX, "N",
     "windows of each domain in an epoch of the adaptation at most, drawn anew for each", 0},
    {WEFT_OPT_INT, 0, "batch", AT(INT, batch), "128", 1, 65536, "N", "windows of each domain in a step", 0},
    {WEFT_OPT_REAL, 0, "lr", AT(REAL, lr), "0.001", 1e-12, 1e6, "X",
     "learning rate of source network, discriminator and decoder", 0},
    {WEFT_OPT_REAL, 0, "encoder-lr", AT(REAL, encoder_lr), "0.00001", 0, 1e6, "X",
     "learning rate of the target encoder", 0},
    {WEFT_OPT_REAL, 0, "smooth", AT(REAL, smooth), "0.9", 0.5, 1, "X", "the discriminator's label of the source", 0},
    {WEFT_OPT_INT, 0, "discriminator", AT(INT, discriminator), "128", 1, 8192, "N",
     "units of the discriminator's two inner layers, and of the decoder's", 0},
    {WEFT_OPT_REAL, 0, "reconstruct", AT(REAL, reconstruct), "0", 0, 1e12, "WEIGHT",
     "a decoder must rebuild the target's lookback from its code; its loss counts so much", 0},
    {WEFT_OPT_REAL, 0, "target-fraction", AT(REAL, fraction), "1", 1e-6, 1, "F",
     "use the first F of each target series' train windows", 0},
    {WEFT_OPT_INT, 0, "target-labels", AT(INT, labels), "0", 0, 1000000000, "N",
     "so many last windows of each target series teach their horizon too", 0},
    {WEFT_OPT_REAL, 0, "label-weight", AT(REAL, label_weight), "1", 0, 1e12, "X", "how much they count", 0},
    {WEFT_OPT_STR, 0, "log", AT(STR, log), NULL, 0, 0, "FILE",
     "an epoch a line, as JSON: losses, the discriminator's accuracy, the codes' variance",
     WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_STR, 0, "checkpoint", AT(STR, checkpoint), NULL, 0, 0, "FILE",
     "keep the training's state there until the model is written", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "resume", AT(FLAG, resume), NULL, 0, 0, NULL, "go on from the checkpoint, if it is there",
     WEFT_OPT_RUN, .needs = "checkpoint"},
    {.type = WEFT_OPT_END},
};

static bool tick(void *ctx, int64_t epoch, size_t done, size_t total)
{
    struct state *s = ctx;
    weft_progress_at(&s->progress, done, total, "windows", "epoch %lld", (long long)epoch);
    return weft_stop_signal() != 0;
}

static int configure(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (!weft_units_path(run, e))
        return -1;
    s->run = run;
    s->t.encoder = (enum weft_encoder_kind)s->encoder;
    s->t.code = (size_t)s->hidden;
    s->t.layers = (size_t)s->layers;
    s->t.norm = (enum weft_norm)s->norm;
    s->t.source_options = (struct weft_net_options){.epochs = s->source_epochs,
                                                    .patience = s->source_patience,
                                                    .batch = (size_t)s->source_batch,
                                                    .lr = s->lr,
                                                    .seed = weft_run_seed(run),
                                                    .tick = tick,
                                                    .ctx = s};
    s->t.options = (struct weft_adda_options){.epochs = s->epochs,
                                              .patience = s->patience,
                                              .windows = (size_t)s->windows,
                                              .batch = (size_t)s->batch,
                                              .hidden = (size_t)s->discriminator,
                                              .lr = s->lr,
                                              .encoder_lr = s->encoder_lr,
                                              .smooth = s->smooth,
                                              .reconstruct = s->reconstruct,
                                              .labels = s->label_weight,
                                              .last = s->keep == 1,
                                              .seed = weft_run_seed(run),
                                              .tick = tick,
                                              .ctx = s};
    s->t.pretrained = s->pretrained;
    s->t.fraction = s->fraction;
    s->t.labels = (size_t)s->labels;
    s->t.threads = weft_run_threads(run);
    s->t.checkpoint.path = s->checkpoint;
    s->t.checkpoint.resume = s->resume;
    s->t.log = s->log;
    s->t.progress = &s->progress;
    weft_progress_start(&s->progress, weft_run_program(run), weft_run_progress(run));
    return 0;
}

static int read_domain(struct weft_run *run, struct state *s, enum weft_domain d, struct weft_reader *r,
                       struct weft_err *e)
{
    struct weft_span frame;
    int got;
    while ((got = weft_reader_next(r, &frame, e)) > 0) {
        if (weft_stop_check(e) < 0)
            return -1;
        weft_run_read(run, 1);
        if (weft_series_read(frame, d == WEFT_SOURCE ? &s->t.source : &s->t.units.attrs, &s->series, e) < 0 ||
            weft_adda_units_add(&s->t, d, &s->series, e) < 0)
            return -1;
    }
    return got;
}

static void say_fit(struct weft_run *run, const struct weft_adda_units *t)
{
    for (size_t c = 0; c < t->units.attrs.n_targets; c++) {
        const struct weft_adda_unit *u = &t->unit[c];
        weft_run_info(run, "%s: target's validation loss %.6f before, %.6f after epoch %lld",
                      t->units.attrs.channels[c], u->start.valid_loss, u->best.valid_loss, (long long)u->best.epoch);
    }
}

static int fit(struct weft_run *run, struct state *s, const struct weft_head *target, struct weft_err *e)
{
    int rc = weft_adda_units_fit(&s->t, e);
    weft_progress_end(&s->progress);
    if (rc > 0) {
        rc = weft_interrupted(e);
        if (s->checkpoint)
            weft_fail_hint(e, "--checkpoint %s --resume goes on", s->checkpoint);
    }
    if (rc < 0)
        return rc;
    say_fit(run, &s->t);
    char *lineage = weft_run_lineage_json_from(run, target);
    rc = weft_adda_units_save(&s->t, lineage, weft_run_output(run), e);
    free(lineage);
    return rc;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    struct weft_reader *r[WEFT_DOMAINS] = {NULL};
    const struct weft_stream_opts *o = weft_run_stream_opts(run);
    int rc = configure(run, s, e);
    if (rc == 0)
        rc = weft_reader_open(s->source, WEFT_WINDOWS_SCHEMA, o, &r[WEFT_SOURCE], e);
    if (rc == 0)
        rc = weft_reader_open(s->target, WEFT_WINDOWS_SCHEMA, o, &r[WEFT_TARGET], e);
    if (rc == 0)
        rc = weft_adda_units_start(&s->t, weft_reader_head(r[WEFT_SOURCE]), weft_reader_head(r[WEFT_TARGET]), e);
    for (int d = 0; d < WEFT_DOMAINS && rc == 0; d++)
        rc = read_domain(run, s, (enum weft_domain)d, r[d], e);
    if (rc == 0)
        rc = fit(run, s, weft_reader_head(r[WEFT_TARGET]), e);
    weft_reader_close(&r[WEFT_SOURCE]);
    weft_reader_close(&r[WEFT_TARGET]);
    return rc;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_series_free(&s->series);
    weft_adda_units_free(&s->t);
}

static const struct weft_filter filter = {
    .usage = {.name = "train-adda",
              .summary = "adapts a forecaster to series with little history",
              .synopsis = "train-adda --source ENDPOINT --target ENDPOINT -o MODEL [OPTION...]",
              .reads = "two windows streams with the same lookback, horizon, channels and scale",
              .writes = "a model file (safetensors)",
              .examples =
                  "weft train-adda --source major.weft --target minor.weft -o adapted.safetensors --log adapt.jsonl\n"
                  "weft train-adda --source major.weft --target minor.weft --reconstruct 1 --target-fraction 0.5 -o "
                  "half.safetensors\n"
                  "weft score -m adapted.safetensors --part test -i minor.weft | weft evaluate --scaled",
              .see_also = "train-lstm, window, score, evaluate",
              .notes = "First a network (encoder and linear head) learns to forecast the source. Then, as in ADDA, a "
                       "target encoder that begins as a copy of the "
                       "source's is trained so that a discriminator can't tell its codes from the source's; the head "
                       "stays as it is. The target's train part is "
                       "looked at without its horizons (but for --target-labels); its validation part chooses the "
                       "epoch, the source network as it is among them, so "
                       "that an adaptation which does harm is not kept; its test part is never looked at.\n"
                       "In the log an accuracy of the discriminator near 1 that stays, with a falling variance of the "
                       "target's codes, is a collapse, one near 0.5 a "
                       "draw. When it collapses: a smaller --encoder-lr, or --reconstruct."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_NONE,
    .out = WEFT_IO_MODEL,
    .threads_are_cores = true,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
