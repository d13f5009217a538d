/* dlinear_job.c - the ways in which train-dlinear works. */
#include "train/dlinear_job.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/stop.h"

/* One way: what it does before the first frame, with a series, and after the last one. */
struct weft_dlinear_mode {
    int (*start)(struct weft_dlinear_job *j, const struct weft_head *h, struct weft_err *e);
    int (*add)(struct weft_dlinear_job *j, struct weft_err *e);
    int (*end)(struct weft_dlinear_job *j, struct weft_err *e);
};

bool weft_dlinear_asked_factors(const struct weft_dlinear_asked *a)
{
    return a->factors.n && strcmp(a->factors.items[0], "none") != 0;
}

static const char *groups_by(const struct weft_dlinear_job *j)
{
    return j->asked->individual ? "id" : j->asked->by;
}

static bool stopping(void *run)
{
    (void)run;
    return weft_stop_signal() != 0;
}

/* --- the trainer --- */

static int configure(struct weft_dlinear_job *j, struct weft_err *e)
{
    struct weft_dlinear_asked *a = j->asked;
    struct weft_dlinear_trainer *t = &j->t;
    bool factors = weft_dlinear_asked_factors(a);
    a->tune |= factors;
    if (a->tune && !weft_run_given(j->run, "lookback"))
        a->lookback = 1;
    if (a->tune && !weft_run_given(j->run, "norm"))
        a->norm = WEFT_NORMS;
    t->adam = a->solver == WEFT_DLINEAR_ADAM;
    t->by_origin = a->batch_by == 1;
    t->partial = a->partial;
    t->folds = (size_t)a->folds;
    t->threads = weft_run_threads(j->run);
    t->refit = a->refit;
    t->exog = a->exog != WEFT_ASK_EXOG_NONE && !factors;
    t->effect = a->exog == WEFT_ASK_EXOG_UNITS ? WEFT_EXOG_UNITS : WEFT_EXOG_LEVEL;
    t->channels.choose = a->exog == WEFT_ASK_EXOG_AUTO;
    t->lags = (size_t)a->exog_lags;
    t->level = (size_t)a->exog_level;
    t->relative = &a->relative;
    t->ridge = j->ridge;
    t->tune = a->refit || a->state || a->lookback || a->norm == WEFT_NORMS;
    t->choices = (struct weft_tune){.lookbacks = a->lookback, .norm = a->norm, .ridge = t->ridge, .level = factors};
    /* The sums of what is tuned are of raw values. */
    t->shape = (struct weft_dlinear_shape){.kernel = (size_t)a->kernel,
                                           .norm = t->tune ? WEFT_NORM_NONE : (enum weft_norm)a->norm};
    t->options = (struct weft_dlinear_adam){.epochs = (int)a->epochs,
                                            .patience = (int)a->patience,
                                            .batch = (size_t)a->batch,
                                            .lr = a->lr,
                                            .lr_decay = a->lr_decay};
    if (t->adam)
        t->options.seed = weft_run_seed(j->run);
    t->progress = &j->progress;
    t->stopping = stopping;
    t->ctx = j->run;
    weft_progress_start(&j->progress, weft_run_program(j->run), weft_run_progress(j->run));
    if (a->log && !(t->log = fopen(a->log, "w")))
        return weft_fail_errno(e, WEFT_CANTCREAT, "can't create %s", a->log);
    return 0;
}

/* Exogenous channels that this training does not use are said. */
static int look_for_exogenous(struct weft_dlinear_job *j, const struct weft_head *h, struct weft_err *e)
{
    struct weft_series_attrs a;
    int rc = weft_series_attrs_read(h, &a, e);
    if (rc == 0 && a.n_channels > a.n_targets && j->t.adam)
        weft_run_warn(j->run, "adam trains on targets alone: %s and other exogenous channels are not used",
                      a.channels[a.n_targets]);
    weft_series_attrs_free(&a);
    return rc;
}

static int start_trainer(struct weft_dlinear_job *j, const struct weft_head *h, struct weft_err *e)
{
    j->attrs = &j->t.units.attrs;
    return weft_dlinear_trainer_start(&j->t, h, groups_by(j), e);
}

static int add_trainer(struct weft_dlinear_job *j, struct weft_err *e)
{
    return weft_dlinear_trainer_add(&j->t, &j->series, e);
}

/* Writes what was fitted (rc 0). Takes the lineage over. */
static int finish(struct weft_dlinear_job *j, int rc, char *lineage, struct weft_err *e)
{
    weft_progress_end(&j->progress);
    if (rc == 0)
        rc = weft_stop_check(e);
    if (rc == 0) {
        weft_dlinear_trainer_say(&j->t, "it will not be forecast", j->run);
        if (j->factored)
            weft_factored_say(j->factored, j->run);
        if (j->t.ladder && weft_run_verbose(j->run) >= 0)
            weft_ladder_table(&j->t, 60, stderr);
        rc = weft_dlinear_trainer_save(&j->t, lineage, weft_run_output(j->run), e);
    }
    if (rc == 0 && j->t.log && ferror(j->t.log))
        rc = weft_fail(e, WEFT_IO, "can't write %s", j->asked->log);
    free(lineage);
    return rc;
}

/* --- a model of one stream, alone or with richer series --- */

static int start_fit(struct weft_dlinear_job *j, const struct weft_head *h, struct weft_err *e)
{
    const struct weft_dlinear_asked *a = j->asked;
    if (start_trainer(j, h, e) < 0)
        return -1;
    j->ladder.want = a->transfer ? (enum weft_rung)(a->transfer - 1) : WEFT_RUNGS;
    j->ladder.by = a->source_by;
    return a->source ? weft_ladder_start(&j->ladder, &j->t, a->source, j->run, e) : 0;
}

static int end_fit(struct weft_dlinear_job *j, struct weft_err *e)
{
    return finish(j, weft_dlinear_trainer_fit(&j->t, e), weft_run_lineage_json(j->run), e);
}

/* --- factors: what they leave is tuned whatever else is said, each series counting by its scale --- */

static int start_factors(struct weft_dlinear_job *j, const struct weft_head *h, struct weft_err *e)
{
    const struct weft_dlinear_asked *a = j->asked;
    const struct weft_factored_options o = {&a->factors, &a->relative, a->exog != WEFT_ASK_EXOG_NONE, a->refit};
    if (start_trainer(j, h, e) < 0)
        return -1;
    j->logs = j->t;
    j->logs.log = NULL;
    if (weft_dlinear_trainer_start(&j->logs, h, groups_by(j), e) < 0 ||
        weft_factored_start(&o, j->attrs, &j->factored, e) < 0)
        return -1;
    j->t.factored = j->factored;
    for (size_t c = j->attrs->n_targets; c < j->attrs->n_channels; c++)
        if (o.channels && j->attrs->role[c] != WEFT_ROLE_FUTURE)
            weft_run_warn(j->run, "factors use channels that are known ahead: %s (%s) is left out",
                          j->attrs->channels[c], weft_role_name(j->attrs->role[c]));
    return 0;
}

static int add_factors(struct weft_dlinear_job *j, struct weft_err *e)
{
    (void)e;
    weft_factored_add(j->factored, &j->series);
    return 0;
}

static int end_factors(struct weft_dlinear_job *j, struct weft_err *e)
{
    return finish(j, weft_factored_fit(j->factored, &j->t, &j->logs, e), weft_run_lineage_json(j->run), e);
}

/* --- sums as a stream, and a model of such streams --- */

static int start_partial(struct weft_dlinear_job *j, const struct weft_head *h, struct weft_err *e)
{
    return start_trainer(j, h, e) < 0 ? -1 : weft_dlinear_partial_head(&j->t, j->run, e);
}

static int end_partial(struct weft_dlinear_job *j, struct weft_err *e)
{
    return weft_dlinear_partial_emit(&j->t, j->run, e);
}

static int end_merge(struct weft_dlinear_job *j, struct weft_err *e)
{
    char *lineage = NULL;
    if (weft_dlinear_merge_files(&j->t, j->run, &lineage, e) == 0)
        return finish(j, weft_dlinear_trainer_fit(&j->t, e), lineage, e);
    free(lineage);
    return -1;
}

/* --- a state --- */

/* What a state was begun with stays. */
static int keep_options(struct weft_dlinear_job *j, const char *const *names, struct weft_err *e)
{
    char room[256];
    for (const struct weft_opt *o = j->opts; o->type != WEFT_OPT_END; o++)
        for (size_t i = 0; names[i]; i++)
            if (strcmp(o->name, names[i]) == 0 &&
                weft_dlinear_state_keep(j->days, o->name, weft_opt_text(o, j->options, room, sizeof room),
                                        weft_run_given(j->run, o->name), e) < 0)
                return -1;
    return 0;
}

/* Opens or begins it. A new one takes the channels that its trainer uses. */
static int start_state(struct weft_dlinear_job *j, const struct weft_head *h, struct weft_err *e)
{
    static const char *const kept[] = {"by",   "individual", "norm",   "lookback", "ridge",
                                       "tune", "folds",      "forget", NULL},
                             *const channels[] = {"exog", "exog-lags", "exog-level", NULL};
    if (weft_dlinear_state_open(j->asked->state, j->asked->forget, &j->days, e) < 0 || keep_options(j, kept, e) < 0 ||
        (j->days->exogenous.n && keep_options(j, channels, e) < 0) ||
        weft_dlinear_state_start(j->days, h, groups_by(j), e) < 0)
        return -1;
    if (j->days->fresh) {
        if (start_trainer(j, h, e) < 0)
            return -1;
        weft_dlinear_state_exog(j->days, &j->t.shape.exog);
        if (j->t.shape.exog.n && keep_options(j, channels, e) < 0)
            return -1;
    }
    j->attrs = &j->days->units.attrs;
    return 0;
}

static int add_state(struct weft_dlinear_job *j, struct weft_err *e)
{
    if (j->days->fresh && add_trainer(j, e) < 0)
        return -1;
    return weft_dlinear_state_add(j->days, &j->series, e);
}

static int end_state(struct weft_dlinear_job *j, struct weft_err *e)
{
    if (j->days->fresh) {
        if (weft_dlinear_trainer_fit(&j->t, e) < 0)
            return -1;
        weft_dlinear_trainer_say(&j->t, "it takes what was chosen for the first that has one", j->run);
        weft_dlinear_state_choices(j->days, &j->t);
    }
    if (weft_dlinear_state_fit(j->days, e) < 0)
        return -1;
    char *changed = weft_dlinear_state_changed(j->days);
    if (changed)
        weft_run_warn(j->run, "%s", changed);
    free(changed);
    weft_run_info(j->run, "%zu series: %llu new steps, %llu were there already", j->days->n_series,
                  (unsigned long long)j->days->new_steps, (unsigned long long)j->days->old_steps);
    char *lineage = weft_run_lineage_json(j->run);
    int rc = weft_stop_check(e) < 0 ? -1 : weft_dlinear_state_save(j->days, lineage, weft_run_output(j->run), e);
    free(lineage);
    return rc == 0 && j->asked->metrics ? weft_dlinear_state_metrics(j->days, j->asked->metrics, e) : rc;
}

/* --- any of them --- */

static const struct weft_dlinear_mode *mode_of(const struct weft_dlinear_asked *a)
{
    static const struct weft_dlinear_mode fit = {start_fit, add_trainer, end_fit},
                                          factors = {start_factors, add_factors, end_factors},
                                          partial = {start_partial, add_trainer, end_partial},
                                          merge = {NULL, NULL, end_merge}, state = {start_state, add_state, end_state};
    if (a->merge)
        return &merge;
    if (a->state)
        return &state;
    if (a->partial)
        return &partial;
    return weft_dlinear_asked_factors(a) ? &factors : &fit;
}

int weft_dlinear_job_start(struct weft_dlinear_job *j, struct weft_err *e)
{
    const struct weft_head *h = weft_run_in_head(j->run);
    j->mode = mode_of(j->asked);
    if (configure(j, e) < 0)
        return -1;
    return j->mode->start && (look_for_exogenous(j, h, e) < 0 || j->mode->start(j, h, e) < 0) ? -1 : 0;
}

int weft_dlinear_job_frame(struct weft_dlinear_job *j, struct weft_span in, struct weft_err *e)
{
    return weft_series_read(in, j->attrs, &j->series, e) < 0 ? -1 : j->mode->add(j, e);
}

int weft_dlinear_job_end(struct weft_dlinear_job *j, struct weft_err *e)
{
    return j->mode->end(j, e);
}

void weft_dlinear_job_free(struct weft_dlinear_job *j)
{
    weft_series_free(&j->series);
    weft_dlinear_state_close(&j->days);
    weft_factored_free(&j->factored);
    weft_dlinear_trainer_free(&j->logs);
    weft_dlinear_trainer_free(&j->t);
    weft_ladder_free(&j->ladder);
    if (j->t.log)
        fclose(j->t.log);
}
