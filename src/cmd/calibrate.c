/* calibrate.c - a model or a baseline with the errors of windows that it is applied to, as a model file. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "apply/kept_errors.h"
#include "apply/match.h"
#include "base/calendar.h"
#include "base/mem.h"
#include "base/rng.h"
#include "frame/run.h"
#include "model/ensemble.h"
#include "record/window.h"
#include "train/units.h"

enum { CELLS = 1 << 16 }; /* forecast at a time */

struct state {
    const char *model;
    int part;
    bool nonnegative, *clip;
    struct weft_series_attrs in;
    struct weft_series series;
    struct weft_ensemble x;             /* of one member */
    struct weft_model_info alone, info; /* alone: of a baseline */
    int key;
    size_t *channel, exogenous[WEFT_EXOG_MAX];
    struct weft_kept_errors errors;
    uint64_t n, n_series;
    int64_t end; /* of the part, seconds */
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 'm', "model", AT(STR, model), NULL, 0, 0, "[NAME=]MODEL",
     "a model file, or naive, seasonal-naive:M, mean:N, lag-growth:M:N, croston, sba, tsb",
     WEFT_OPT_REQUIRED | WEFT_OPT_FILE},
    {WEFT_OPT_CHOICE, 0, "part", AT(CHOICE, part), "valid", 0, 0, "train|valid|test",
     "which windows: those that the model's training did not fit", 0},
    {WEFT_OPT_FLAG, 0, "nonnegative", AT(FLAG, nonnegative), NULL, 0, 0, NULL,
     "no forecast below 0; on for channels that are counts, money or prices by their names unless --no-nonnegative", 0},
    {.type = WEFT_OPT_END},
};

/* A baseline as a model: of all series, with the windows' own shape. */
static void take_windows(struct state *s)
{
    static char all[] = "all", *groups[] = {all};
    const struct weft_series_attrs *a = &s->in;
    s->alone = (struct weft_model_info){.lookback = a->lookback,
                                        .horizon = a->horizon,
                                        .stride = a->stride,
                                        .step = a->step,
                                        .scale = (int)a->scale,
                                        .by = all,
                                        .groups = groups,
                                        .n_groups = 1,
                                        .channels = a->channels,
                                        .n_channels = a->n_targets};
    s->x.alone = &s->alone;
}

static int match(struct state *s, struct weft_err *e)
{
    const struct weft_series_attrs *a = &s->in;
    const struct weft_model_info *m = &s->info;
    const char *who = weft_apply_name(s->x.member[0]);
    s->channel = WEFT_ARRAY(size_t, a->n_targets);
    if (weft_match_windows(a, m, who, e) < 0 || weft_series_check_step(a, m->step, who, e) < 0 ||
        weft_match_key(a, m, who, &s->key, e) < 0 || weft_match_exogenous(a, m, who, s->exogenous, e) < 0)
        return -1;
    return weft_match_channels(a, m, who, NULL, s->channel, e);
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (!weft_units_path(run, e) || weft_series_attrs_read(weft_run_in_head(run), &s->in, e) < 0 ||
        weft_apply_open(s->model, &s->x.member[0], e) < 0)
        return -1;
    const struct weft_model_info *m = weft_apply_info(s->x.member[0]);
    s->x.n = 1;
    s->x.weight[0] = 1;
    if (m && strcmp(m->name, "ensemble") == 0) {
        weft_fail(e, WEFT_CONFIG, "%s is an ensemble, and keeps the errors of its folds already", s->model);
        return weft_fail_hint(e, "weft train-ensemble --folds N takes more of them");
    }
    if (!m)
        take_windows(s);
    s->x.rule = WEFT_ENSEMBLE_BEST;
    if (weft_ensemble_info(&s->x, &s->info, e) < 0 || match(s, e) < 0)
        return -1;
    char *identity = weft_apply_identity(s->x.member[0]);
    weft_run_lineage_nth(run, "model", 0, identity);
    free(identity);
    s->clip = weft_match_clip(&s->in, weft_run_given(run, "nonnegative"), &s->nonnegative);
    weft_kept_errors_init(&s->errors, &s->info);
    return 0;
}

/* Errors of n windows of a job on one channel; whether there were any. */
static bool keep(struct state *s, const struct weft_apply_job *j, size_t unit)
{
    bool any = false;
    for (size_t w = 0; w < j->windows; w++) {
        size_t origin = j->origin + w * j->stride;
        if (origin < (size_t)s->info.lookback)
            continue;
        uint64_t hash = weft_hash(&origin, sizeof origin, weft_hash(s->series.id.p, s->series.id.n, unit));
        any |= weft_kept_errors_add(&s->errors, unit, j->x + origin, s->x.result[0].forecast + w * j->horizon, j->shift,
                                    j->factor, hash);
    }
    return any;
}

static void look_at_channel(struct state *s, size_t c)
{
    const struct weft_series *x = &s->series;
    const float *exogenous[WEFT_EXOG_MAX];
    struct weft_span group = weft_series_key_text(x, s->key);
    size_t unit = weft_kept_errors_unit(&s->errors, group, s->channel[c]), horizon = (size_t)s->in.horizon;
    struct weft_window_range r = weft_windows_of(&s->in, x, (enum weft_part)s->part);
    struct weft_apply_job j = {.x = x->values + c * x->n,
                               .n = x->n,
                               .exogenous = exogenous,
                               .known = weft_series_known(&s->in, x->start, x->n),
                               .train = x->split[WEFT_PART_TRAIN],
                               .stride = r.stride,
                               .horizon = horizon,
                               .nonnegative = s->clip[c],
                               .id = x->id.p,
                               .id_n = x->id.n,
                               .start = x->start};
    bool any = false;
    if (unit == SIZE_MAX)
        return;
    for (size_t k = 0; k < s->info.n_exogenous; k++)
        exogenous[k] = x->values + s->exogenous[k] * x->n;
    weft_scale_of(x, c, s->in.scale, x->split[WEFT_PART_TRAIN], &j.shift, &j.factor);
    for (size_t w = 0; w < r.count; w += j.windows) {
        size_t most = CELLS / horizon ? CELLS / horizon : 1;
        j.windows = r.count - w < most ? r.count - w : most;
        j.origin = r.first + w * r.stride + (size_t)s->in.lookback;
        weft_ensemble_members(&s->x, (const char *)group.p, group.n, s->channel[c], &j);
        any |= keep(s, &j, unit);
    }
    s->errors.series[unit] += any;
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    (void)run;
    if (weft_series_read(in, &s->in, &s->series, e) < 0)
        return -1;
    int64_t end = weft_step_add(s->series.start, (int64_t)s->series.split[s->part], s->in.step);
    s->end = !s->n++ || end > s->end ? end : s->end;
    for (size_t c = 0; c < s->in.n_targets; c++)
        if (s->channel[c] != SIZE_MAX)
            look_at_channel(s, c);
    return 0;
}

static int save(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_st_writer *w = weft_st_writer_new();
    struct weft_errors errors;
    char *lineage = weft_run_lineage_json(run), *model = weft_apply_info(s->x.member[0])
                                                             ? weft_xstrdup(weft_apply_name(s->x.member[0]))
                                                             : weft_xstrdup(s->model);
    s->info.until = s->end > s->info.until ? s->end : s->info.until;
    weft_ensemble_write(&s->x, &s->info, &model, w);
    weft_st_writer_meta(w, "lineage", lineage);
    weft_kept_errors_write(&s->errors, (size_t)s->in.stride, &errors, w);
    int rc = weft_st_save(w, weft_run_output(run), e);
    weft_st_writer_free(&w);
    weft_errors_free(&errors);
    free(lineage);
    free(model);
    return rc;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    size_t units = s->info.n_groups * s->info.n_channels, bare = 0;
    uint64_t errors = 0, series = 0;
    for (size_t u = 0; u < units; u++) {
        errors += s->errors.offered[u];
        series += s->errors.series[u];
        bare += !s->errors.offered[u];
    }
    if (!errors) {
        weft_fail(e, WEFT_DATA, "no %s window that %s can forecast has all its values", weft_part_names[s->part],
                  s->model);
        return weft_fail_hint(e, "weft window --split makes the parts; has it a %s part?", weft_part_names[s->part]);
    }
    if (bare)
        weft_run_warn(run, "%zu of %zu units (group and channel) have no errors: no intervals for them", bare, units);
    weft_run_info(run, "%llu windows of %llu series", (unsigned long long)errors, (unsigned long long)series);
    return save(run, s, e);
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_apply_close(&s->x.member[0]);
    weft_apply_result_free(&s->x.result[0]);
    weft_kept_errors_free(&s->errors);
    weft_model_info_free(&s->info);
    weft_series_attrs_free(&s->in);
    weft_series_free(&s->series);
    free(s->channel);
    free(s->clip);
}

static const struct weft_filter filter = {
    .usage = {.name = "calibrate",
              .summary = "gives a model or a baseline the errors of windows that it has not seen, for its intervals",
              .synopsis = "calibrate -m MODEL -o FILE [OPTION...] [FILE]",
              .reads = "a windows stream",
              .writes = "a model file (safetensors)",
              .examples = "weft ingest sales.csv | weft aggregate --by minor | weft window --lookback 28 --horizon 28 "
                          "--split 0.8,0.2,0 "
                          "| weft calibrate -m seasonal-naive:7 -o naive.safetensors   # a baseline with intervals\n"
                          "weft calibrate -m model.safetensors --part test -i windows.weft -o calibrated.safetensors",
              .see_also = "window, train-dlinear, train-ensemble, score, backtest",
              .notes =
                  "Applies the model to every window of the part, and keeps its errors as trainers do: quantiles of "
                  "score, intervals of growth and of sums are made of them, in proportion to how much a window "
                  "moves, and where the model looks at channels to what it forecasts. The model file holds the "
                  "whole model (kind ensemble, of one member) and goes wherever a model goes.\n"
                  "Errors are worth what is new to the model: windows that its training has fitted have smaller "
                  "ones than those to come. --refit of a trainer fits the validation part, too.\n"
                  "Memory: the model, one series, and at most 65536 windows or 100 for each group and channel."},
    .opts = opts,
    .state_size = sizeof(struct state),
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
