/* train-dlinear.c - fits DLinear to windows.
 *
 * In: windows/1. Out: a model file; with --partial a gram/1 stream, from which --merge makes the model. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "train/dlinear_ladder.h"
#include "train/dlinear_state.h"
#include "train/dlinear_units.h"
#include "base/mem.h"
#include "base/num.h"
#include "train/factored.h"

enum { EXACT, ADAM };
enum { EXOG_LEVEL, EXOG_UNITS, EXOG_AUTO, EXOG_NONE };

struct state {
    int solver, norm, batch_by;
    const char *ridge, *by, *log, *state, *metrics;
    bool individual, partial, merge, tune, refit;
    int lookback;
    int64_t kernel, folds, epochs, batch, patience;
    double lr, lr_decay, forget;
    int exog;
    int64_t exog_lags;
    struct weft_list relative;
    const char *source, *source_by;
    int transfer;
    struct weft_list factors;
    struct weft_factored *factored;
    struct weft_dlinear_trainer logs; /* with factors: of the logarithms of the rests */
    struct weft_ladder ladder;
    struct weft_dlinear_trainer t;
    struct weft_dlinear_state *days; /* --state */
    struct weft_series series;
    struct weft_progress progress;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_CHOICE, 0, "solver", AT(CHOICE, solver), "exact", 0, 0, "exact|adam",
     "exact: the least-squares optimum in one pass; adam: gradient steps, as the papers train", 0},
    {WEFT_OPT_STR, 0, "ridge", AT(STR, ridge), "auto", 0, 0, "auto|X",
     "exact: shrinkage, relative to the mean variance; auto: chosen over rolling-origin folds", 0},
    {WEFT_OPT_CHOICE, 0, "norm", AT(CHOICE, norm), "mean", 0, 0, "none|last|mean|auto",
     "what is subtracted from a window and added to its forecast: nothing, its last value, its mean; auto: the mean of "
     "the last k values, every k of a grid tried",
     0},
    {WEFT_OPT_CHOICE, 0, "lookback", AT(CHOICE, lookback), "whole", 0, 0, "whole|auto",
     "exact: look back as far as the windows do, or try every lookback of a grid up to that", 0},
    {WEFT_OPT_FLAG, 0, "tune", AT(FLAG, tune), NULL, 0, 0, NULL,
     "exact: --lookback auto --norm auto --ridge auto, chosen over the folds; the best eight are averaged", 0},
    {WEFT_OPT_FLAG, 0, "refit", AT(FLAG, refit), NULL, 0, 0, NULL,
     "exact: choose as ever, then fit on all windows, the test part's too: for forecasts of what comes, not for weft "
     "score --part test",
     0},
    {WEFT_OPT_INT, 0, "kernel", AT(INT, kernel), "25", 1, 1000001, "N", "moving average that makes the trend; odd", 0},
    {WEFT_OPT_STR, 0, "by", AT(STR, by), "all", 0, 0, "LEVEL", "one set of weights for each value of this key", 0},
    {WEFT_OPT_FLAG, 0, "individual", AT(FLAG, individual), NULL, 0, 0, NULL,
     "one set of weights for each series (--by id)", 0},
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
     0},
    {WEFT_OPT_INT, 0, "exog-lags", AT(INT, exog_lags), "7", 0, 1000000, "N",
     "exact: how many steps before the origin are looked at of past and future channels", 0},
    {WEFT_OPT_LIST, 0, "relative", AT(LIST, relative), "price", 0, 0, "CHANNEL",
     "exact: exogenous channels that count relative to their mean over the train part", 0},
    {WEFT_OPT_LIST, 0, "factors", AT(LIST, factors), "none", 0, 0, "auto|none|COLUMNS",
     "exact: divide sales by factors of weekday, channels known ahead (channels), weekday, days (of the month), "
     "months, year:N first; auto: chosen over folds",
     0},
    {WEFT_OPT_STR, 0, "log", AT(STR, log), NULL, 0, 0, "FILE",
     "losses as JSON lines, one an epoch (adam) or a set of weights (exact)", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_STR, 0, "source", AT(STR, source), NULL, 0, 0, "ENDPOINT",
     "exact: windows of richer series to borrow from where history is short", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_CHOICE, 0, "transfer", AT(CHOICE, transfer), "auto", 0, 0, "auto|source|own|pooled|ridge",
     "with --source, each set of weights: the source's model, its own, both together, its own shrunk towards the "
     "source's; auto: chosen over the folds",
     0},
    {WEFT_OPT_STR, 0, "source-by", AT(STR, source_by), "all", 0, 0, "KEY",
     "borrow from the source's series with the same value of this key alone", 0},
    {WEFT_OPT_STR, 0, "state", AT(STR, state), NULL, 0, 0, "FILE",
     "exact: add these days to the sums in FILE and fit on all of them; begins FILE from windows when it is not there",
     WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_REAL, 0, "forget", AT(REAL, forget), "0", 0, 1e9, "STEPS",
     "a new state: windows count half after so many steps; 0: nothing is forgotten", 0},
    {WEFT_OPT_STR, 0, "metrics", AT(STR, metrics), NULL, 0, 0, "FILE",
     "state: drift and coverage of its forecasts of these days, for Prometheus", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "partial", AT(FLAG, partial), NULL, 0, 0, NULL,
     "exact: write the sums of these series as a stream (-o), for --merge", 0},
    {WEFT_OPT_FLAG, 0, "merge", AT(FLAG, merge), NULL, 0, 0, NULL,
     "make the model from the partial streams given as FILEs", 0},
    {.type = WEFT_OPT_END},
};

static bool stopping(void *run)
{
    return weft_run_stopping(run);
}

static int check_ladder(struct weft_run *run, const struct state *s, struct weft_err *e)
{
    if (!s->source && (weft_run_given(run, "transfer") || weft_run_given(run, "source-by")))
        return weft_fail(e, WEFT_USAGE, "--transfer and --source-by go with --source");
    if (s->source && (s->solver == ADAM || s->partial || s->merge || s->tune || s->refit || s->state || s->lookback ||
                      s->norm == WEFT_NORMS))
        return weft_fail(e, WEFT_USAGE,
                         "--source goes with the plain exact solver in one process: not with --solver adam, --partial, "
                         "--merge, --tune, --refit and --state");
    return 0;
}

static int check_options(struct weft_run *run, struct state *s, struct weft_err *e)
{
    s->t.ridge = -1;
    if (strcmp(s->ridge, "auto") != 0 && !weft_num_real(s->ridge, 0, 1e12, &s->t.ridge))
        return weft_fail(e, WEFT_USAGE, "--ridge: auto, or a number from 0 on, not \"%s\"", s->ridge);
    if (s->kernel % 2 == 0)
        return weft_fail(e, WEFT_USAGE, "--kernel: the moving average has a middle: %lld is even",
                         (long long)s->kernel);
    if (s->individual && weft_run_given(run, "by"))
        return weft_fail(e, WEFT_USAGE, "--individual is --by id: give one of them");
    if (s->partial && s->solver == ADAM)
        return weft_fail(e, WEFT_USAGE, "--partial goes with the exact solver");
    if (s->solver == ADAM && (s->tune || s->refit || s->lookback || s->norm == WEFT_NORMS))
        return weft_fail(e, WEFT_USAGE, "--tune, --lookback auto, --norm auto and --refit go with the exact solver");
    if (s->exog == EXOG_AUTO && (!s->tune || s->state || s->partial))
        return weft_fail(e, WEFT_USAGE, "--exog auto goes with --tune, and not with --state or --partial");
    return check_ladder(run, s, e) < 0 || (!s->partial && !weft_units_path(run, e)) ? -1 : 0;
}

static const char *groups_by(const struct state *s)
{
    return s->individual ? "id" : s->by;
}

static bool with_factors(const struct state *s)
{
    return s->factors.n && strcmp(s->factors.items[0], "none") != 0;
}

static int check_factors(const struct state *s, struct weft_err *e)
{
    const char *other = s->solver == ADAM ? "--solver adam"
                        : s->partial      ? "--partial"
                        : s->source       ? "--source"
                        : s->state        ? "--state"
                                          : NULL;
    if (other && with_factors(s))
        return weft_fail(e, WEFT_USAGE, "--factors does not go with %s", other);
    if (s->factors.n > 1)
        for (size_t i = 0; i < s->factors.n; i++)
            if (strcmp(s->factors.items[i], "auto") == 0 || strcmp(s->factors.items[i], "none") == 0)
                return weft_fail(e, WEFT_USAGE, "--factors: %s stands alone", s->factors.items[i]);
    return 0;
}

/* Factors: what they leave is tuned whatever else is said, each series counting by its scale. */
static int start_factors(struct weft_run *run, struct state *s, const struct weft_head *h, struct weft_err *e)
{
    const struct weft_factored_options o = {&s->factors, &s->relative, s->exog != EXOG_NONE, s->refit};
    s->logs = s->t;
    s->logs.log = NULL;
    if (weft_dlinear_trainer_start(&s->logs, h, groups_by(s), e) < 0 ||
        weft_factored_start(&o, &s->t.units.attrs, &s->factored, e) < 0)
        return -1;
    s->t.factored = s->factored;
    for (size_t c = s->t.units.attrs.n_targets; c < s->t.units.attrs.n_channels; c++)
        if (o.channels && s->t.units.attrs.role[c] != WEFT_ROLE_FUTURE)
            weft_run_warn(run, "factors use channels that are known ahead: %s (%s) is left out",
                          s->t.units.attrs.channels[c], weft_role_name(s->t.units.attrs.role[c]));
    return 0;
}

static int configure(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_dlinear_trainer *t = &s->t;
    if (check_options(run, s, e) < 0 || check_factors(s, e) < 0)
        return -1;
    s->tune |= with_factors(s);
    if (s->tune && !weft_run_given(run, "lookback"))
        s->lookback = 1;
    if (s->tune && !weft_run_given(run, "norm"))
        s->norm = WEFT_NORMS;
    t->adam = s->solver == ADAM;
    t->by_origin = s->batch_by == 1;
    t->partial = s->partial;
    t->folds = (size_t)s->folds;
    t->threads = weft_run_threads(run);
    t->refit = s->refit;
    t->exog = s->exog != EXOG_NONE && !with_factors(s);
    t->effect = s->exog == EXOG_UNITS ? WEFT_EXOG_UNITS : WEFT_EXOG_LEVEL;
    t->channels.choose = s->exog == EXOG_AUTO;
    t->lags = (size_t)s->exog_lags;
    t->relative = &s->relative;
    t->tune = s->refit || s->state || s->lookback || s->norm == WEFT_NORMS;
    t->choices =
        (struct weft_tune){.lookbacks = s->lookback, .norm = s->norm, .ridge = t->ridge, .level = with_factors(s)};
    /* The sums of what is tuned are of raw values. */
    t->shape = (struct weft_dlinear_shape){.kernel = (size_t)s->kernel,
                                           .norm = t->tune ? WEFT_NORM_NONE : (enum weft_norm)s->norm};
    t->options = (struct weft_dlinear_adam){.epochs = (int)s->epochs,
                                            .patience = (int)s->patience,
                                            .batch = (size_t)s->batch,
                                            .lr = s->lr,
                                            .lr_decay = s->lr_decay};
    if (t->adam)
        t->options.seed = weft_run_seed(run);
    t->progress = &s->progress;
    t->stopping = stopping;
    t->ctx = run;
    weft_progress_start(&s->progress, weft_run_program(run), weft_run_progress(run));
    if (s->log && !(t->log = fopen(s->log, "w")))
        return weft_fail_errno(e, WEFT_CANTCREAT, "can't create %s", s->log);
    return 0;
}

/* Exogenous channels that this training does not use are said. */
static int look_for_exogenous(struct weft_run *run, const struct state *s, struct weft_err *e)
{
    struct weft_series_attrs a;
    int rc = weft_series_attrs_read(weft_run_in_head(run), &a, e);
    bool any = rc == 0 && a.n_channels > a.n_targets;
    if (any && s->solver == ADAM)
        weft_run_warn(run, "adam trains on targets alone: %s and other exogenous channels are not used",
                      a.channels[a.n_targets]);
    weft_series_attrs_free(&a);
    return rc;
}

static int start_ladder(struct weft_run *run, struct state *s, struct weft_err *e)
{
    s->ladder.want = s->transfer ? (enum weft_rung)(s->transfer - 1) : WEFT_RUNGS;
    s->ladder.by = s->source_by;
    return weft_ladder_start(&s->ladder, &s->t, s->source, run, e);
}

/* What a state was begun with stays. */
static int keep_options(struct weft_run *run, struct state *s, const char *const *names, size_t n, struct weft_err *e)
{
    char room[256];
    for (const struct weft_opt *o = opts; o->type != WEFT_OPT_END; o++)
        for (size_t i = 0; i < n; i++)
            if (strcmp(o->name, names[i]) == 0 &&
                weft_dlinear_state_keep(s->days, o->name, weft_opt_text(o, s, room, sizeof room),
                                        weft_run_given(run, o->name), e) < 0)
                return -1;
    return 0;
}

/* Opens or begins the state. */
static int start_state(struct weft_run *run, struct state *s, struct weft_err *e)
{
    static const char *const kept[] = {"by", "individual", "norm", "lookback", "ridge", "tune", "folds", "forget"},
                             *const channels[] = {"exog", "exog-lags"};
    if (s->t.adam || s->partial || s->refit)
        return weft_fail(
            e, WEFT_USAGE,
            "--state goes with the exact solver, and without --partial and --refit: it always fits on all days");
    const char *model = weft_run_output(run);
    if (strcmp(s->state, model) == 0 ||
        (s->metrics && (strcmp(s->metrics, model) == 0 || strcmp(s->metrics, s->state) == 0)))
        return weft_fail(e, WEFT_USAGE, "--state, --metrics and -o are files of their own: two of them are %s",
                         strcmp(s->state, model) == 0 ? model : s->metrics);
    if (weft_dlinear_state_open(s->state, s->forget, &s->days, e) < 0)
        return -1;
    if (keep_options(run, s, kept, sizeof kept / sizeof *kept, e) < 0)
        return -1;
    if (s->days->exogenous.n && keep_options(run, s, channels, sizeof channels / sizeof *channels, e) < 0)
        return -1;
    return weft_dlinear_state_start(s->days, weft_run_in_head(run), groups_by(s), e);
}

/* A new state takes the channels that its trainer uses. */
static int begin_channels(struct weft_run *run, struct state *s, struct weft_err *e)
{
    static const char *const names[] = {"exog", "exog-lags"};
    weft_dlinear_state_exog(s->days, &s->t.shape.exog);
    return s->t.shape.exog.n ? keep_options(run, s, names, sizeof names / sizeof *names, e) : 0;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_head *h = weft_run_in_head(run);
    if (!s->state && (s->forget > 0 || s->metrics))
        return weft_fail(e, WEFT_USAGE, "--forget and --metrics go with --state");
    if (s->merge && !s->state)
        return 0;
    if (s->merge)
        return weft_fail(e, WEFT_USAGE, "--state reads days, --merge sums: give one of them");
    if (strcmp(h->schema, WEFT_WINDOWS_SCHEMA) != 0 && !(s->state && strcmp(h->schema, WEFT_SERIES_SCHEMA) == 0)) {
        weft_fail(e, WEFT_DATA, "a %s stream, and this program reads %s%s", h->schema, WEFT_WINDOWS_SCHEMA,
                  s->state ? " or " WEFT_SERIES_SCHEMA : "");
        return strcmp(h->schema, WEFT_SERIES_SCHEMA) == 0
                   ? weft_fail_hint(e, "put window in between: weft ingest ... | weft window --lookback N --horizon N "
                                       "| weft train-dlinear ...")
                   : -1;
    }
    if (configure(run, s, e) < 0 || look_for_exogenous(run, s, e) < 0)
        return -1;
    if (s->state && start_state(run, s, e) < 0)
        return -1;
    if (s->state && !s->days->fresh)
        return 0;
    if (weft_dlinear_trainer_start(&s->t, h, groups_by(s), e) < 0 || (s->source && start_ladder(run, s, e) < 0) ||
        (s->state && begin_channels(run, s, e) < 0))
        return -1;
    if (with_factors(s) && start_factors(run, s, h, e) < 0)
        return -1;
    return s->partial ? weft_dlinear_partial_head(&s->t, run, e) : 0;
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    (void)run;
    if (weft_series_read(in, s->days ? &s->days->units.attrs : &s->t.units.attrs, &s->series, e) < 0)
        return -1;
    if (s->factored) {
        weft_factored_add(s->factored, &s->series);
        return 0;
    }
    if ((!s->days || s->days->fresh) && weft_dlinear_trainer_add(&s->t, &s->series, e) < 0)
        return -1;
    return s->days ? weft_dlinear_state_add(s->days, &s->series, e) : 0;
}

static int fit_state(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (s->days->fresh) {
        if (weft_dlinear_trainer_fit(&s->t, e) < 0)
            return -1;
        weft_dlinear_trainer_say(&s->t, "it takes what was chosen for the first that has one", run);
        weft_dlinear_state_choices(s->days, &s->t);
    }
    if (weft_dlinear_state_fit(s->days, e) < 0)
        return -1;
    char *changed = weft_dlinear_state_changed(s->days);
    if (changed)
        weft_run_warn(run, "%s", changed);
    free(changed);
    weft_run_info(run, "%zu series: %llu new steps, %llu were there already", s->days->n_series,
                  (unsigned long long)s->days->new_steps, (unsigned long long)s->days->old_steps);
    char *lineage = weft_run_lineage_json(run);
    int rc = weft_run_stopping(run) ? weft_run_interrupted(e)
                                    : weft_dlinear_state_save(s->days, lineage, weft_run_output(run), e);
    free(lineage);
    return rc == 0 && s->metrics ? weft_dlinear_state_metrics(s->days, s->metrics, e) : rc;
}

static int save_dlinear(struct weft_run *run, struct state *s, const char *lineage, struct weft_err *e)
{
    weft_dlinear_trainer_say(&s->t, "it will not be forecast", run);
    if (s->factored)
        weft_factored_say(s->factored, run);
    if (s->source && weft_run_verbose(run) >= 0)
        weft_ladder_table(&s->t, 60, stderr);
    return weft_dlinear_trainer_save(&s->t, lineage, weft_run_output(run), e);
}

/* Takes the lineage over. */
static int fit(struct weft_run *run, struct state *s, char *lineage, struct weft_err *e)
{
    int rc = s->factored ? weft_factored_fit(s->factored, &s->t, &s->logs, e) : weft_dlinear_trainer_fit(&s->t, e);
    weft_progress_end(&s->progress);
    if (rc == 0 && weft_run_stopping(run))
        rc = weft_run_interrupted(e);
    if (rc == 0)
        rc = save_dlinear(run, s, lineage, e);
    if (rc == 0 && s->t.log && ferror(s->t.log))
        rc = weft_fail(e, WEFT_IO, "can't write %s", s->log);
    free(lineage);
    return rc;
}

/* --- --merge --- */

/* The sums were made as their options said; another choice now would be of other sums, or none. */
static int check_merge(struct weft_run *run, struct weft_err *e)
{
    for (const struct weft_opt *o = opts; o->type != WEFT_OPT_END; o++)
        if (weft_run_given(run, o->name) && strcmp(o->name, "merge") != 0 && strcmp(o->name, "log") != 0) {
            weft_fail(e, WEFT_USAGE, "--merge fits as the partial streams say: --%s goes with --partial", o->name);
            return weft_fail_hint(e, "make the partial streams with it, all of them");
        }
    return 0;
}

static int merge(struct weft_run *run, struct state *s, struct weft_err *e)
{
    char *lineage = NULL;
    int rc = weft_run_n_operands(run) ? configure(run, s, e)
                                      : weft_fail(e, WEFT_USAGE, "--merge: which partial streams? --merge FILE...");
    if (rc == 0)
        rc = check_merge(run, e);
    if (rc == 0 && weft_dlinear_merge_files(&s->t, run, &lineage, e) == 0)
        return fit(run, s, lineage, e);
    free(lineage);
    return -1;
}

static bool no_input(const void *state)
{
    return ((const struct state *)state)->merge;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (s->merge)
        return merge(run, s, e);
    if (weft_run_n_operands(run))
        return weft_fail(e, WEFT_USAGE, "FILEs go with --merge; a windows stream comes through -i");
    if (s->days)
        return fit_state(run, s, e);
    return s->partial ? weft_dlinear_partial_emit(&s->t, run, e) : fit(run, s, weft_run_lineage_json(run), e);
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_series_free(&s->series);
    weft_dlinear_state_close(&s->days);
    weft_factored_free(&s->factored);
    weft_dlinear_trainer_free(&s->logs);
    weft_dlinear_trainer_free(&s->t);
    weft_ladder_free(&s->ladder);
    if (s->t.log)
        fclose(s->t.log);
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
             "weft ingest train.csv | weft window --lookback 30 --horizon 10 | weft train-dlinear -o "
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
             "a lookback that ends a horizon earlier, so that a promotion acts in proportion to what is sold; "
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
