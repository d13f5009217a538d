/* series_score.c - forecasting models and baselines applied to a series or windows stream. */
#include "apply/series_score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "measure/growth.h"
#include "model/apply.h"
#include "apply/left_out.h"
#include "apply/match.h"
#include "base/calendar.h"
#include "base/conformal.h"
#include "base/mem.h"
#include "record/products.h"
#include "record/window.h"

enum { MODELS_MAX = 12, VALUES_PER_FRAME = 1 << 21 };

/* One model or baseline, and what became of the series that it was given. */
struct model {
    struct weft_apply *apply;
    const struct weft_model_info *info; /* NULL: a baseline */
    const char *name;
    char *who;                                     /* "model NAME" */
    int key;                                       /* of its groups */
    size_t *channel;                               /* [targets of the stream]: its own index, SIZE_MAX: it has none */
    size_t exogenous[WEFT_EXOG_MAX];               /* the stream's channels that it looks at beside its target */
    uint64_t made, too_short, gaps, unknown, bare; /* bare: quantiles were asked for, and it had none */
    char *unknown_group;
    uint64_t unplanned;                /* series that don't know a channel ahead */
    struct weft_err unplanned_why;     /* of the first */
    uint64_t few, few_least, few_most; /* frames with too few errors for a level, and how many these were */
};

struct weft_series_scorer {
    struct weft_series_score_options *o;
    bool windows; /* a windows stream */
    struct model model[MODELS_MAX];
    size_t n_models, longest;
    uint64_t made;
    struct weft_series_attrs in;
    struct weft_forecasts_attrs out;
    struct weft_series series;
    struct weft_apply_result result;
    struct weft_scratch actual;
    struct weft_edit edit;
    struct weft_pack frame;
    bool *clip;     /* [targets] */
    float *nothing; /* [horizon] of NaN: what a series that is left out gets */
    float *profile; /* [season] of the series at hand */
};

/* --- start --- */

static int read_head(struct weft_series_scorer *s, const struct weft_head *h, struct weft_err *e)
{
    static const char *const parts[] = {"latest", "test", "valid", "all"};
    struct weft_series_score_options *o = s->o;
    s->windows = strcmp(h->schema, WEFT_WINDOWS_SCHEMA) == 0;
    if (weft_series_attrs_read(h, &s->in, e) < 0)
        return -1;
    if (!s->windows && o->part != WEFT_SCORE_LATEST) {
        weft_fail(e, WEFT_CONFIG, "--part %s needs a windows stream, and this is a series stream", parts[o->part]);
        return weft_fail_hint(
            e, "put window in between: weft ingest ... | weft window --lookback N --horizon N | weft score ...");
    }
    if (s->windows && o->horizon && o->horizon != s->in.horizon)
        return weft_fail(e, WEFT_CONFIG, "--horizon %lld, and the windows have a horizon of %lld",
                         (long long)o->horizon, (long long)s->in.horizon);
    if (!o->season)
        o->season = weft_season_of(s->in.step);
    return 0;
}

/* Does the model fit the stream's step, horizon, lookback and scale? */
static int check_shape(const struct weft_series_scorer *s, const struct model *x, struct weft_err *e)
{
    const struct weft_model_info *m = x->info;
    if (weft_series_check_step(&s->in, m->step, x->who, e) < 0)
        return -1;
    if (s->windows && weft_match_windows(&s->in, m, x->who, e) < 0)
        return -1;
    if (s->windows && m->lookback > s->in.lookback)
        return weft_fail(e, WEFT_CONFIG, "%s needs a lookback of %lld, and the windows have %lld", x->who,
                         (long long)m->lookback, (long long)s->in.lookback);
    if (s->o->horizon && m->horizon != s->o->horizon)
        return weft_fail(e, WEFT_CONFIG, "%s forecasts %lld steps, not %lld", x->who, (long long)m->horizon,
                         (long long)s->o->horizon);
    return 0;
}

static int match(struct weft_run *run, const struct weft_series_scorer *s, struct model *x, struct weft_err *e)
{
    if (check_shape(s, x, e) < 0 || weft_match_key(&s->in, x->info, x->who, &x->key, e) < 0 ||
        weft_match_channels(&s->in, x->info, x->who, NULL, x->channel, e) < 0)
        return -1;
    for (size_t c = 0; c < s->in.n_targets; c++)
        if (x->channel[c] == SIZE_MAX)
            weft_run_warn(run, "%s does not know channel %s: it is not forecast", x->who, s->in.channels[c]);
    if (weft_match_exogenous(&s->in, x->info, x->who, x->exogenous, e) < 0)
        return -1;
    return s->o->part == WEFT_SCORE_LATEST ? weft_match_calendar_ahead(&s->in, x->info, x->who, e) : 0;
}

/* Models of one name: the second is called NAME-2, the third NAME-3. */
static void make_unique(const struct weft_series_scorer *s, struct weft_apply *a)
{
    char own[201], name[256];
    int copies = 1;
    snprintf(own, sizeof own, "%s", weft_apply_name(a));
    for (size_t i = 0; i < s->n_models; i++)
        if (strcmp(s->model[i].name, weft_apply_name(a)) == 0) {
            snprintf(name, sizeof name, "%s-%d", own, ++copies);
            weft_apply_rename(a, name);
            i = SIZE_MAX; /* from the first one again */
        }
}

static int open_model(struct weft_run *run, struct weft_series_scorer *s, const char *item, struct weft_err *e)
{
    struct model *x = &s->model[s->n_models];
    if (weft_apply_open(item, &x->apply, e) < 0)
        return -1;
    make_unique(s, x->apply);
    x->info = weft_apply_info(x->apply);
    x->name = weft_apply_name(x->apply);
    x->who = weft_xasprintf("model %s", x->name);
    x->channel = WEFT_ARRAY(size_t, s->in.n_targets);
    if (x->info) {
        if (match(run, s, x, e) < 0)
            return -1;
        s->o->horizon = x->info->horizon;
        s->out.scale = x->info->scale; /* that of windows is the same */
    }
    char *identity = weft_apply_identity(x->apply);
    weft_run_lineage_nth(run, "model", s->n_models++, identity);
    free(identity);
    return 0;
}

static int open_models(struct weft_run *run, struct weft_series_scorer *s, struct weft_err *e)
{
    if (s->o->models.n > MODELS_MAX)
        return weft_fail(e, WEFT_USAGE, "--model: more than %d models", MODELS_MAX);
    s->out.scale = s->in.scale;
    for (size_t i = 0; i < s->o->models.n; i++)
        if (open_model(run, s, s->o->models.items[i], e) < 0)
            return -1;
    if (s->windows)
        s->o->horizon = s->in.horizon;
    if (!s->o->horizon)
        return weft_fail(e, WEFT_USAGE,
                         "--horizon N is missing: baselines alone do not say how far to forecast a series stream");
    return 0;
}

static int write_head(struct weft_run *run, struct weft_series_scorer *s, struct weft_err *e)
{
    struct weft_forecasts_attrs *a = &s->out;
    struct weft_pack b = {0};
    a->step = s->in.step;
    a->horizon = s->o->horizon;
    a->season = s->o->season;
    a->keys = s->in.keys;
    a->n_keys = s->in.n_keys;
    a->channels = s->in.channels;
    a->n_channels = s->in.n_targets;
    a->n_levels = s->o->n_levels;
    memcpy(a->levels, s->o->levels, sizeof a->levels);
    weft_forecasts_attrs_write(a, weft_run_in_head(run)->attrs, &b);
    int rc = weft_run_head(run, WEFT_FORECASTS_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc;
}

int weft_series_scorer_start(struct weft_run *run, struct weft_series_score_options *o, struct weft_series_scorer **out,
                             struct weft_err *e)
{
    struct weft_series_scorer *s = *out = WEFT_NEW(struct weft_series_scorer);
    bool ahead = false;
    s->o = o;
    if (read_head(s, weft_run_in_head(run), e) < 0 || open_models(run, s, e) < 0)
        return -1;
    s->profile = WEFT_ARRAY(float, weft_step_season(s->in.step));
    s->clip = weft_match_clip(&s->in, weft_run_given(run, "nonnegative"), &o->nonnegative);
    if (write_head(run, s, e) < 0)
        return -1;
    s->nothing = WEFT_ARRAY(float, (size_t)o->horizon);
    for (int64_t h = 0; h < o->horizon; h++)
        s->nothing[h] = NAN;
    for (size_t i = 0; i < s->n_models && o->part == WEFT_SCORE_LATEST; i++)
        ahead |= s->model[i].info && weft_match_needs_ahead(s->model[i].info);
    return ahead ? weft_run_hold(run, e) : 0;
}

void weft_series_scorer_free(struct weft_series_scorer **ps)
{
    struct weft_series_scorer *s = *ps;
    if (!s)
        return;
    for (size_t i = 0; i < MODELS_MAX; i++) {
        weft_apply_close(&s->model[i].apply);
        free(s->model[i].who);
        free(s->model[i].channel);
        free(s->model[i].unknown_group);
    }
    weft_series_attrs_free(&s->in);
    weft_series_free(&s->series);
    weft_apply_result_free(&s->result);
    weft_edit_free(&s->edit);
    weft_pack_free(&s->frame);
    free(s->actual.p);
    free(s->clip);
    free(s->nothing);
    free(s->profile);
    free(s);
    *ps = NULL;
}

/* --- one series --- */

/* One model on one channel of the series at hand. */
struct task {
    struct model *model;
    size_t unit, channel;
    const double *naive; /* [3], the channel's */
    struct weft_apply_job job;
};

/* Actual values of a job's windows [windows, horizon]; NULL when they lie behind the last target. */
static const float *actual_of(struct weft_series_scorer *s, const struct weft_apply_job *j)
{
    size_t cells = j->windows * j->horizon;
    if (j->origin >= j->known)
        return NULL;
    if (s->actual.cap < cells) {
        s->actual.cap = weft_grow(s->actual.cap, cells);
        s->actual.p = weft_xrealloc2(s->actual.p, s->actual.cap, sizeof(float));
    }
    for (size_t w = 0; w < j->windows; w++)
        memcpy((float *)s->actual.p + w * j->horizon, j->x + j->origin + w * j->stride, j->horizon * sizeof(float));
    return s->actual.p;
}

static bool all_nan(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]))
            return false;
    return true;
}

static struct weft_span text(const char *s)
{
    return (struct weft_span){(const uint8_t *)s, strlen(s)};
}

/* What a frame of the task says beside its numbers. */
static struct weft_forecasts describe(const struct weft_series_scorer *s, const struct task *t, const char *part)
{
    const struct weft_apply_job *j = &t->job;
    return (struct weft_forecasts){
        .model = text(t->model->name),
        .channel = text(s->in.channels[t->channel]),
        .part = text(part),
        .baseline = !t->model->info,
        .origin = weft_step_add(s->series.start, (int64_t)j->origin, s->in.step),
        .stride = (int64_t)j->stride,
        .windows = j->windows,
        .horizon = j->horizon,
        .scale = {j->shift, j->factor},
        .naive = {t->naive[0], t->naive[1], t->naive[2]},
    };
}

static int write_frame(struct weft_run *run, struct weft_series_scorer *s, const struct weft_forecasts *f,
                       struct weft_err *e)
{
    weft_pack_clear(&s->frame);
    if (weft_forecasts_write(f, &s->out, s->series.frame, &s->edit, &s->frame, e) < 0)
        return -1;
    return weft_run_emit(run, weft_pack_span(&s->frame), e);
}

/* The series is not forecast: a frame that says why, so that it is missing from no table in silence. why is freed. */
static int emit_left_out(struct weft_run *run, struct weft_series_scorer *s, const struct task *t, char *why,
                         struct weft_err *e)
{
    struct weft_forecasts f = describe(s, t, "latest");
    f.forecast = s->nothing;
    f.why = text(why);
    int rc = write_frame(run, s, &f, e);
    free(why);
    return rc;
}

static void count_few(struct model *x, size_t errors)
{
    if (!errors)
        return;
    x->few_least = x->few && x->few_least < errors ? x->few_least : errors;
    x->few_most = errors > x->few_most ? errors : x->few_most;
    x->few++;
}

static char *why_not(const struct weft_series_scorer *s, const struct task *t)
{
    struct weft_left_out_job at = {&s->in,         &s->series,     t->channel,         t->job.origin,
                                   t->model->name, t->model->info, t->model->exogenous};
    return weft_left_out_why(&at, weft_apply_baseline(t->model->apply));
}

/* What growth needs to count weekdays alike; NULL: the step has no season, or the history less than one. */
static const float *profile_of(const struct weft_series_scorer *s, const struct weft_apply_job *j)
{
    size_t season = weft_step_season(s->in.step);
    return season > 1 && weft_growth_profile(j->x, j->origin, season, (int64_t)j->origin, s->profile) ? s->profile
                                                                                                      : NULL;
}

/* One frame out: the windows of the task's job. A latest window that can't be forecast is left out: it counts as a gap.
 */
static int emit(struct weft_run *run, struct weft_series_scorer *s, const struct task *t, const char *part,
                struct weft_err *e)
{
    const struct weft_apply_job *j = &t->job;
    struct model *x = t->model;
    struct weft_apply_result *r = &s->result;
    bool latest = s->o->part == WEFT_SCORE_LATEST;
    weft_apply_run(x->apply, t->unit, j, latest && j->horizon <= WEFT_COVARIANCE_HORIZON_MAX, r);
    if (latest && all_nan(r->forecast, j->horizon)) {
        x->gaps++;
        return emit_left_out(run, s, t, why_not(s, t), e);
    }
    struct weft_forecasts f = describe(s, t, part);
    f.skipped = r->skipped;
    f.forecast = r->forecast;
    f.actual = actual_of(s, j);
    f.quantiles = r->quantiles;
    f.covariance = r->covariance;
    f.freedom = r->freedom;
    f.errors = r->few;
    f.profile = latest ? profile_of(s, j) : NULL;
    count_few(x, r->few);
    x->made++;
    s->made++;
    x->bare += s->out.n_levels && !r->quantiles && x->info;
    return write_frame(run, s, &f, e);
}

static int emit_latest(struct weft_run *run, struct weft_series_scorer *s, struct task *t, struct weft_err *e)
{
    struct model *x = t->model;
    struct weft_apply_job *j = &t->job;
    j->origin = j->known;
    j->stride = j->windows = 1;
    if (t->unit == SIZE_MAX) {
        struct weft_span group = weft_series_key_text(&s->series, x->key);
        return emit_left_out(run, s, t,
                             weft_xasprintf("%s has no weights for %s \"%.*s\"", x->name, x->info->by, (int)group.n,
                                            group.p ? (const char *)group.p : ""),
                             e);
    }
    if (x->info && j->origin < (size_t)x->info->lookback) {
        x->too_short++;
        return emit_left_out(run, s, t, why_not(s, t), e);
    }
    struct weft_err why = {0};
    if (x->info && weft_match_series_ahead(&s->in, &s->series, x->info, x->who, x->exogenous, j->origin, &why) < 0) {
        if (weft_match_series_planned(&s->series, x->info, x->exogenous,
                                      j->origin)) { /* a plan with holes is a mistake */
            *e = why;
            return -1;
        }
        if (!x->unplanned++)
            x->unplanned_why = why;
        return emit_left_out(run, s, t, weft_xstrdup(why.what), e);
    }
    return emit(run, s, t, "latest", e);
}

/* Every window of a part, a bounded number of them a frame. */
static int emit_part(struct weft_run *run, struct weft_series_scorer *s, struct task *t, enum weft_part part,
                     struct weft_err *e)
{
    struct weft_window_range r = weft_windows_of(&s->in, &s->series, part);
    struct weft_apply_job *j = &t->job;
    size_t most = VALUES_PER_FRAME / (j->horizon * (2 + s->out.n_levels));
    most = most ? most : 1;
    j->guard = (size_t)s->in.lookback; /* so that every model is measured on the same windows */
    j->stride = r.stride;
    if (!r.count)
        t->model->too_short++;
    for (size_t w = 0; w < r.count; w += j->windows) {
        j->windows = r.count - w < most ? r.count - w : most;
        j->origin = r.first + w * r.stride + (size_t)s->in.lookback;
        if (emit(run, s, t, weft_part_names[part], e) < 0)
            return -1;
    }
    return 0;
}

static int emit_parts(struct weft_run *run, struct weft_series_scorer *s, struct task *t, struct weft_err *e)
{
    static const int first[] = {
        [WEFT_SCORE_TEST] = WEFT_PART_TEST, [WEFT_SCORE_VALID] = WEFT_PART_VALID, [WEFT_SCORE_ALL] = WEFT_PART_TRAIN};
    static const int last[] = {
        [WEFT_SCORE_TEST] = WEFT_PART_TEST, [WEFT_SCORE_VALID] = WEFT_PART_VALID, [WEFT_SCORE_ALL] = WEFT_PART_TEST};
    for (int part = first[s->o->part]; part <= last[s->o->part]; part++)
        if (emit_part(run, s, t, (enum weft_part)part, e) < 0)
            return -1;
    return 0;
}

/* The unit for the series' group; SIZE_MAX: the model has none, or not this channel. */
static size_t find_unit(const struct weft_series_scorer *s, struct model *x, size_t c)
{
    if (!x->info)
        return 0;
    if (x->channel[c] == SIZE_MAX)
        return SIZE_MAX;
    struct weft_span group = weft_series_key_text(&s->series, x->key);
    size_t unit = weft_apply_unit(x->apply, (const char *)group.p, group.n, x->channel[c]);
    if (unit == SIZE_MAX && !x->unknown++)
        x->unknown_group = weft_xstrndup(group.p ? (const char *)group.p : "", group.n);
    return unit;
}

static int score_channel(struct weft_run *run, struct weft_series_scorer *s, struct model *x, size_t c,
                         const double naive[3], struct weft_err *e)
{
    const struct weft_series *in = &s->series;
    const float *exogenous[WEFT_EXOG_MAX];
    size_t known = weft_series_known(&s->in, in->start, in->n);
    struct task t = {.model = x, .unit = find_unit(s, x, c), .channel = c, .naive = naive};
    t.job = (struct weft_apply_job){.x = in->values + c * in->n,
                                    .n = in->n,
                                    .exogenous = exogenous,
                                    .known = known,
                                    .id = in->id.p,
                                    .id_n = in->id.n,
                                    .start = in->start,
                                    .train = s->windows ? in->split[WEFT_PART_TRAIN] : known,
                                    .horizon = (size_t)s->o->horizon,
                                    .nonnegative = s->clip[c],
                                    .levels = s->out.levels,
                                    .n_levels = s->out.n_levels};
    if (t.unit == SIZE_MAX && (s->o->part != WEFT_SCORE_LATEST || x->channel[c] == SIZE_MAX))
        return 0;
    for (size_t k = 0; x->info && k < x->info->exog.n; k++)
        exogenous[k] = in->values + x->exogenous[k] * in->n;
    weft_scale_of(in, c, x->info ? x->info->scale : WEFT_SCALE_NONE, in->n, &t.job.shift, &t.job.factor);
    return s->o->part == WEFT_SCORE_LATEST ? emit_latest(run, s, &t, e) : emit_parts(run, s, &t, e);
}

int weft_series_scorer_frame(struct weft_run *run, struct weft_series_scorer *s, struct weft_span frame,
                             struct weft_err *e)
{
    struct weft_series *in = &s->series;
    uint64_t before = s->made;
    double naive[3];
    if (weft_series_read(frame, &s->in, in, e) < 0)
        return -1;
    s->longest = in->n > s->longest ? in->n : s->longest;
    for (size_t c = 0; c < s->in.n_targets; c++) {
        weft_naive_errors(in->values + c * in->n, s->windows ? in->split[WEFT_PART_TRAIN] : in->n, (size_t)s->o->season,
                          naive);
        for (size_t i = 0; i < s->n_models; i++)
            if (score_channel(run, s, &s->model[i], c, naive, e) < 0)
                return -1;
    }
    if (s->made == before)
        weft_run_reject(run, 1);
    return weft_run_done(run, e);
}

/* --- end --- */

/* A model that forecast nothing of all that came. */
static int nothing_made(const struct weft_series_scorer *s, const struct model *x, struct weft_err *e)
{
    const struct weft_model_info *m = x->info;
    if (x->unplanned) {
        *e = x->unplanned_why;
        return -1;
    }
    if (m && x->unknown && !x->too_short && !x->gaps)
        return weft_fail(e, WEFT_CONFIG, "%s has no weights for %s \"%.100s\"", x->who, m->by, x->unknown_group);
    if (x->too_short && s->o->part != WEFT_SCORE_LATEST)
        return weft_fail(
            e, WEFT_DATA,
            "no series has a window of lookback %lld + horizon %lld in this part (the longest series has %zu steps)",
            (long long)s->in.lookback, (long long)s->in.horizon, s->longest);
    if (x->too_short && m)
        return weft_fail(e, WEFT_DATA, "no series is as long as %s's lookback of %lld steps (the longest has %zu)",
                         x->who, (long long)m->lookback, s->longest);
    weft_fail(e, WEFT_DATA, "no series can be forecast by %s: values are missing before every origin", x->name);
    return m ? weft_fail_hint(e, "weft ingest --missing zero counts missing days as days without sales") : -1;
}

/* Quantiles that some frames do not have, since their ranks among so few errors do not exist. */
static void warn_of_few(struct weft_run *run, const struct weft_series_scorer *s, const struct model *x)
{
    char levels[80] = "", errors[64];
    size_t needed = 0, n = 0, at = 0;
    for (size_t l = 0; l < s->out.n_levels; l++) {
        size_t needs = weft_conformal_needs(s->out.levels[l]);
        needed = needs > needed ? needs : needed;
        if (needs > x->few_least && at + 24 < sizeof levels)
            at += (size_t)snprintf(levels + at, sizeof levels - at, "%sq%g", n++ ? ", " : "", s->out.levels[l]);
    }
    if (x->few_least == x->few_most)
        snprintf(errors, sizeof errors, "%llu", (unsigned long long)x->few_least);
    else
        snprintf(errors, sizeof errors, "%llu to %llu", (unsigned long long)x->few_least,
                 (unsigned long long)x->few_most);
    weft_run_warn(
        run,
        "%s: no bound at %s in %llu of %llu frames: the model keeps %s validation errors, and %zu are needed; "
        "a longer validation part gives more",
        x->name, levels, (unsigned long long)x->few, (unsigned long long)x->made, errors, needed);
}

int weft_series_scorer_drain(struct weft_run *run, struct weft_series_scorer *s, struct weft_err *e)
{
    for (size_t i = 0; i < s->n_models; i++) {
        const struct model *x = &s->model[i];
        if (!x->made && (x->unplanned || x->unknown || x->too_short || x->gaps) && (x->info || !s->made))
            return nothing_made(s, x, e);
        if (x->bare == x->made && x->bare)
            weft_run_warn(run,
                          "%s keeps no validation errors, so it gives no quantiles; train it with a validation part",
                          x->name);
        else if (x->bare)
            weft_run_warn(
                run, "%s gives no quantiles for %llu of %llu frames: it keeps no validation errors of their groups",
                x->name, (unsigned long long)x->bare, (unsigned long long)x->made);
        if (x->few)
            warn_of_few(run, s, x);
        if (x->too_short)
            weft_run_warn(run, "%s: %llu series too short for a forecast were left out", x->name,
                          (unsigned long long)x->too_short);
        if (x->gaps)
            weft_run_warn(run, "%s: %llu series with missing values before the origin were left out", x->name,
                          (unsigned long long)x->gaps);
        if (x->unplanned)
            weft_run_warn(run, "%llu series that don't know a channel ahead were left out (the first: %.200s)",
                          (unsigned long long)x->unplanned, x->unplanned_why.what);
        if (x->unknown)
            weft_run_warn(run,
                          "%s: %llu series of groups that the model does not know were left out (the first: \"%.80s\")",
                          x->name, (unsigned long long)x->unknown, x->unknown_group);
    }
    return weft_run_release(run, e);
}
