/* series_explain.c - exact SHAP values of a linear model, by groups of days, for series after series. */
#include "apply/series_explain.h"

#include <stdlib.h>
#include <string.h>

#include "apply/explained.h"
#include "apply/match.h"
#include "base/mem.h"
#include "measure/growth.h"
#include "model/explain.h"
#include "rank/reasons.h"
#include "record/window.h"

_Static_assert((int)WEFT_REASONS_MAX == (int)WEFT_LAG_GROUPS, "a name for every lag group");

struct weft_series_explainer {
    const struct weft_series_explain_options *o;
    bool windows; /* the stream says where the train part ends */
    struct weft_growth_spans spans;
    float *profile; /* [season] of the series at hand */
    struct weft_series_attrs in;
    struct weft_series series;
    struct weft_explained_model open;
    struct weft_forecaster *forecaster; /* open.forecaster */
    int key;                            /* that names the model's group */
    size_t *of_model;                   /* [targets]: the model's own index, SIZE_MAX: it has none */
    struct weft_explain_job job;
    size_t exogenous[WEFT_EXOG_MAX]; /* the stream's channels that the model looks at beside its target */
    const float *channels[WEFT_EXOG_MAX];
    double *matrix; /* [horizon, lookback], [horizon] and the weights of channels of `unit` */
    size_t unit;
    struct weft_explanation why;
    struct weft_table *table; /* the caller's */
    struct weft_edit edit;
    struct weft_pack frame;
    uint64_t made, short_series, unknown, bare; /* bare: less than a season of history, and growth needs one */
};

/* --- start --- */

static int open_model(struct weft_run *run, struct weft_series_explainer *s, struct weft_err *e)
{
    if (weft_explained_open(s->o->model, false, &s->open, e) < 0)
        return -1;
    s->forecaster = s->open.forecaster;
    if (s->open.member)
        weft_run_info(run, "of member %s", s->open.member);
    const struct weft_model_info *m = weft_forecaster_info(s->forecaster);
    if (!weft_forecaster_linear(s->forecaster, 0, NULL, NULL, NULL)) {
        weft_fail(
            e, WEFT_CONFIG,
            "%s is a model of kind %s: only forecasts that are linear in the days before them have exact explanations",
            s->o->model, m->name);
        if (weft_forecaster_factors(s->forecaster) || strcmp(m->name, "ensemble") == 0)
            return weft_fail_hint(e, "weft explain --factors says what its factors are, where it has some");
        return weft_fail_hint(e, "weft train-dlinear makes such a model");
    }
    s->of_model = WEFT_ARRAY(size_t, s->in.n_targets);
    if (weft_match_exogenous(&s->in, m, s->o->model, s->exogenous, e) < 0 ||
        weft_match_calendar_ahead(&s->in, m, s->o->model, e) < 0)
        return -1;
    if (weft_series_check_step(&s->in, m->step, s->o->model, e) < 0 ||
        weft_match_key(&s->in, m, s->o->model, &s->key, e) < 0)
        return -1;
    return weft_match_channels(&s->in, m, s->o->model, s->o->channel, s->of_model, e);
}

static int write_head(struct weft_run *run, const struct weft_series_explainer *s, struct weft_err *e)
{
    const struct weft_model_info *m = weft_forecaster_info(s->forecaster);
    const struct weft_reasons_attrs a = {.step = s->in.step,
                                         .horizon = m->horizon,
                                         .keys = s->in.keys,
                                         .n_keys = s->in.n_keys,
                                         .model = m->name,
                                         .channels = m->exog.n > 0,
                                         .near = {s->spans.near.from, s->spans.near.to},
                                         .far = {s->spans.far.from, s->spans.far.to}};
    struct weft_pack b = {0};
    weft_reasons_attrs_write(&a, weft_run_in_head(run)->attrs, &b);
    int rc = weft_run_head(run, WEFT_EXPLANATIONS_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc;
}

static int read_stream(struct weft_run *run, struct weft_series_explainer *s, struct weft_err *e)
{
    const struct weft_series_explain_options *o = s->o;
    const struct weft_head *h = weft_run_in_head(run);
    s->windows = weft_head_is(h, WEFT_WINDOWS_SCHEMA);
    if (weft_series_attrs_read(h, &s->in, e) < 0 || open_model(run, s, e) < 0)
        return -1;
    size_t horizon = (size_t)weft_forecaster_info(s->forecaster)->horizon;
    return weft_growth_spans_read(o->near, o->far, horizon, s->in.step, &s->spans, e);
}

int weft_series_explainer_start(struct weft_run *run, const struct weft_series_explain_options *o,
                                struct weft_table *table, struct weft_series_explainer **out, struct weft_err *e)
{
    struct weft_series_explainer *s = *out = WEFT_NEW(struct weft_series_explainer);
    char sha[65];
    s->o = o;
    s->table = table;
    if (read_stream(run, s, e) < 0)
        return -1;
    const struct weft_model_info *m = weft_forecaster_info(s->forecaster);
    size_t lookback = (size_t)m->lookback, horizon = (size_t)m->horizon;
    weft_forecaster_sha256(s->forecaster, sha);
    weft_run_lineage_arg(run, "model", sha);
    s->unit = SIZE_MAX;
    size_t beside = m->exog.n ? horizon * weft_exog_weights(&m->exog) : 0;
    s->profile = WEFT_ARRAY(float, s->spans.season);
    s->matrix = weft_xaligned((lookback + 1) * horizon + beside, sizeof *s->matrix);
    s->job = (struct weft_explain_job){.r = s->matrix,
                                       .b = s->matrix + lookback * horizon,
                                       .lookback = lookback,
                                       .horizon = horizon,
                                       .lags = weft_lags_of(s->in.step),
                                       .near = {s->spans.near.from, s->spans.near.to},
                                       .far = {s->spans.far.from, s->spans.far.to}};
    if (beside) {
        s->job.exog = &m->exog;
        s->job.v = s->job.b + horizon;
        s->job.channels = s->channels;
    }
    if (o->frames)
        return write_head(run, s, e);
    weft_reason_columns(beside > 0, table);
    return 0;
}

/* --- frames --- */

static struct weft_reason reason_of(const struct weft_explanation *why, bool channels)
{
    const struct weft_explained *near = &why->near, *far = &why->far;
    struct weft_reason r = {.near = near->forecast,
                            .near_mean = near->mean,
                            .far = far->forecast,
                            .far_mean = far->mean,
                            .windows = why->windows,
                            .channels = channels};
    for (size_t k = 0; k < WEFT_REASONS_MAX; k++) {
        r.phi_near[k] = near->phi[k];
        r.phi_far[k] = far->phi[k];
        r.reaches[k] = near->lags[k] + far->lags[k] > 0;
    }
    return r;
}

static int put(struct weft_run *run, struct weft_series_explainer *s, const char *channel, struct weft_err *e)
{
    struct weft_reason r = reason_of(&s->why, s->job.exog != NULL);
    size_t season = s->spans.season;
    bool alike = s->spans.unlike && weft_growth_profile(s->job.x, s->job.n, season, (int64_t)s->job.n, s->profile);
    s->made++;
    s->bare += s->spans.unlike && !alike;
    if (alike)
        weft_growth_shape_add(&r.shape, s->profile, &s->spans);
    if (!s->o->frames) {
        weft_reason_rows(&r, s->series.id, channel, !s->spans.none, s->table);
        return 0;
    }
    weft_pack_clear(&s->frame);
    if (weft_reason_write(&r, s->series.frame, channel, s->o->lags ? s->why.by_lag : NULL, s->job.lookback,
                          alike ? s->profile : NULL, season, &s->edit, &s->frame, e) < 0)
        return -1;
    return weft_run_emit(run, weft_pack_span(&s->frame), e);
}

static int explain_channel(struct weft_run *run, struct weft_series_explainer *s, size_t c, struct weft_err *e)
{
    struct weft_explain_job *j = &s->job;
    struct weft_span group = weft_series_key_text(&s->series, s->key);
    size_t unit = weft_forecaster_unit(s->forecaster, (const char *)group.p, group.n, s->of_model[c]);
    if (unit == SIZE_MAX) {
        s->unknown++;
        return 0;
    }
    if (unit != s->unit)
        weft_forecaster_linear(s->forecaster, unit, s->matrix, s->matrix + j->lookback * j->horizon,
                               s->matrix + (j->lookback + 1) * j->horizon);
    s->unit = unit;
    j->x = s->series.values + c * s->series.n;
    j->n = weft_series_known(&s->in, s->series.start, s->series.n);
    j->whole = s->series.n;
    j->train = s->windows ? s->series.split[WEFT_PART_TRAIN] : j->n;
    for (size_t k = 0; k < weft_forecaster_info(s->forecaster)->exog.n; k++)
        s->channels[k] = s->series.values + s->exogenous[k] * s->series.n;
    weft_scale_of(&s->series, c, weft_forecaster_info(s->forecaster)->scale, j->n, &j->shift, &j->factor);
    if (!weft_explain(j, &s->why)) {
        s->short_series++;
        return 0;
    }
    return put(run, s, s->in.channels[c], e);
}

int weft_series_explainer_frame(struct weft_run *run, struct weft_series_explainer *s, struct weft_span in,
                                struct weft_err *e)
{
    uint64_t before = s->made;
    if (weft_series_read(in, &s->in, &s->series, e) < 0)
        return -1;
    for (size_t c = 0; c < s->in.n_targets; c++)
        if (s->of_model[c] != SIZE_MAX && explain_channel(run, s, c, e) < 0)
            return -1;
    if (s->made == before)
        weft_run_reject(run, 1);
    return 0;
}

int weft_series_explainer_drain(struct weft_run *run, const struct weft_series_explainer *s, struct weft_err *e)
{
    if (!s->made && s->unknown)
        return weft_fail(e, WEFT_CONFIG, "%s has no weights for any of the series", s->o->model);
    if (!s->made)
        return weft_fail(e, WEFT_DATA,
                         "no series has the last %zu steps that the model looks back on, without a missing value",
                         s->job.lookback);
    if (s->unknown)
        weft_run_warn(run, "%llu series of groups that the model does not know were left out",
                      (unsigned long long)s->unknown);
    if (s->short_series)
        weft_run_warn(run, "%llu series that are too short, or have missing values at their end, were left out",
                      (unsigned long long)s->short_series);
    if (s->bare)
        weft_run_warn(run,
                      "%llu series have less than a season of history: their growth counts all days alike, and "
                      "measures the season, too",
                      (unsigned long long)s->bare);
    if (s->spans.none)
        weft_run_warn(run,
                      "a horizon of %zu has no growth: it holds no two seasons to compare; a model of horizon %zu, or "
                      "--near and --far",
                      s->job.horizon, 2 * s->spans.season);
    return 0;
}

void weft_series_explainer_notes(const struct weft_series_explainer *s, FILE *f)
{
    fprintf(f,
            "\nnear: mean of days %zu-%zu, far: of days %zu-%zu; mean: of the forecasts for every day of the history; "
            "the rest: what the days before the forecast add to it\n",
            s->spans.near.from, s->spans.near.to, s->spans.far.from, s->spans.far.to);
    if (s->spans.none)
        fprintf(f, "no growth: a horizon of %zu holds no two seasons to compare; near and far are all of it\n",
                s->job.horizon);
    if (s->spans.unlike)
        fputs("growth: near and far are not the same days of the season, so each is divided by the series' own profile "
              "of its last eight seasons\n",
              f);
}

void weft_series_explainer_free(struct weft_series_explainer **p)
{
    struct weft_series_explainer *s = *p;
    if (!s)
        return;
    weft_explained_close(&s->open);
    weft_series_attrs_free(&s->in);
    weft_series_free(&s->series);
    weft_explanation_free(&s->why);
    weft_edit_free(&s->edit);
    weft_pack_free(&s->frame);
    free(s->of_model);
    free(s->matrix);
    free(s->profile);
    free(s);
    *p = NULL;
}
