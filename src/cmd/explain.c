/* explain.c - why a linear model forecasts what it does.
 *
 * In: series/1 or windows/1. Out: a table, CSV, JSON, or explanations/1: for every series and channel what its last
 * days add to the forecast of its latest days. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "apply/factor_table.h"
#include "model/ensemble.h"
#include "model/explain.h"
#include "measure/growth.h"
#include "apply/match.h"
#include "base/mem.h"
#include "rank/reasons.h"
#include "frame/run.h"
#include "record/window.h"

enum { TABLE, CSV, JSON, FRAMES };
_Static_assert((int)WEFT_REASONS_MAX == (int)WEFT_LAG_GROUPS, "a name for every lag group");

struct state {
    const char *model, *near_text, *far_text, *channel;
    int format;
    bool bom, factors, lags, windows; /* windows: the stream says where the train part ends */
    struct weft_growth_spans spans;
    float *profile; /* [season] of the series at hand */
    struct weft_series_attrs in;
    struct weft_series series;
    struct weft_forecaster *forecaster, *whole; /* whole: the ensemble that it is a member of, or NULL */
    int key;                                    /* that names the model's group */
    size_t *of_model;                           /* [targets]: the model's own index, SIZE_MAX: it has none */
    struct weft_explain_job job;
    size_t exogenous[WEFT_EXOG_MAX]; /* the stream's channels that the model looks at beside its target */
    const float *channels[WEFT_EXOG_MAX];
    double *matrix; /* [horizon, lookback], [horizon] and the weights of channels of `unit` */
    size_t unit;
    struct weft_explanation why;
    struct weft_table *table;
    struct weft_edit edit;
    struct weft_pack frame;
    uint64_t made, short_series, unknown, bare; /* bare: less than a season of history, and growth needs one */
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 'm', "model", AT(STR, model), NULL, 0, 0, "FILE",
     "model file of a linear model (dlinear, with exogenous channels or without)", WEFT_OPT_REQUIRED | WEFT_OPT_FILE},
    {WEFT_OPT_STR, 0, "near", AT(STR, near_text), NULL, 0, 0, "FROM:TO",
     "near days, counted from 1; by default as in rank: the first whole seasons of the horizon", 0},
    {WEFT_OPT_STR, 0, "far", AT(STR, far_text), NULL, 0, 0, "FROM:TO",
     "far days; by default the last whole seasons of the horizon", 0},
    {WEFT_OPT_STR, 0, "channel", AT(STR, channel), NULL, 0, 0, "NAME", "this channel alone", 0},
    {WEFT_OPT_FLAG, 0, "lags", AT(FLAG, lags), NULL, 0, 0, NULL, "of --format frames: every single lag, too", 0},
    {WEFT_OPT_FLAG, 0, "factors", AT(FLAG, factors), NULL, 0, 0, NULL,
     "what the factors of a model (weft train-dlinear --factors) multiply sales by; reads no stream", 0},
    {WEFT_OPT_CHOICE, 0, "format", AT(CHOICE, format), "table", 0, 0, "table|csv|json|frames", "of the result",
     WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "bom", AT(FLAG, bom), NULL, 0, 0, NULL, WEFT_BOM_HELP, WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

/* --- start --- */

static bool can_explain(const struct state *s, struct weft_forecaster *f)
{
    return s->factors ? weft_forecaster_factors(f) != NULL : weft_forecaster_linear(f, 0, NULL, NULL, NULL);
}

/* Opens the model; of an ensemble the member that can be explained, the best first: of its factors any, of its
 * forecasts the one that is alone. */
static int open_explained(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_forecaster *member = NULL;
    char *name = NULL;
    if (weft_forecaster_open(s->model, &s->forecaster, e) < 0)
        return -1;
    if (strcmp(weft_forecaster_info(s->forecaster)->name, "ensemble") != 0)
        return 0;
    int rc = weft_ensemble_member(s->forecaster, 1, &member, &name, e);
    bool alone = !name;
    for (size_t i = 0; rc >= 0 && (i == 0 || name) && (alone || s->factors); i++) {
        weft_forecaster_close(&member);
        free(name);
        rc = weft_ensemble_member(s->forecaster, i, &member, &name, e);
        if (rc == 1 && can_explain(s, member)) {
            weft_run_info(run, "of member %s", name);
            s->whole = s->forecaster;
            s->forecaster = member;
            member = NULL;
            break;
        }
    }
    weft_forecaster_close(&member);
    free(name);
    return rc < 0 ? -1 : 0;
}

static int open_model(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (open_explained(run, s, e) < 0)
        return -1;
    const struct weft_model_info *m = weft_forecaster_info(s->forecaster);
    if (!weft_forecaster_linear(s->forecaster, 0, NULL, NULL, NULL)) {
        weft_fail(
            e, WEFT_CONFIG,
            "%s is a model of kind %s: only forecasts that are linear in the days before them have exact explanations",
            s->model, m->name);
        if (weft_forecaster_factors(s->forecaster) || strcmp(m->name, "ensemble") == 0)
            return weft_fail_hint(e, "weft explain --factors says what its factors are, where it has some");
        return weft_fail_hint(e, "train-dlinear makes such a model");
    }
    s->of_model = WEFT_ARRAY(size_t, s->in.n_targets);
    if (weft_match_exogenous(&s->in, m, s->model, s->exogenous, e) < 0 ||
        weft_match_calendar_ahead(&s->in, m, s->model, e) < 0)
        return -1;
    if (weft_series_check_step(&s->in, m->step, s->model, e) < 0 || weft_match_key(&s->in, m, s->model, &s->key, e) < 0)
        return -1;
    return weft_match_channels(&s->in, m, s->model, s->channel, s->of_model, e);
}

static int write_head(struct weft_run *run, const struct state *s, struct weft_err *e)
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

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_head *h = weft_run_in_head(run);
    char sha[65];
    if (s->factors)
        return 0;
    if (strcmp(h->schema, WEFT_WINDOWS_SCHEMA) != 0 && strcmp(h->schema, WEFT_SERIES_SCHEMA) != 0)
        return weft_fail(e, WEFT_DATA, "a %s stream, and this program reads %s or %s", h->schema, WEFT_SERIES_SCHEMA,
                         WEFT_WINDOWS_SCHEMA);
    s->windows = strcmp(h->schema, WEFT_WINDOWS_SCHEMA) == 0;
    if (weft_series_attrs_read(h, &s->in, e) < 0 || open_model(run, s, e) < 0)
        return -1;
    const struct weft_model_info *m = weft_forecaster_info(s->forecaster);
    size_t lookback = (size_t)m->lookback, horizon = (size_t)m->horizon;
    if (weft_growth_spans_read(s->near_text, s->far_text, horizon, s->in.step, &s->spans, e) < 0)
        return -1;
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
    if (s->format == FRAMES)
        return write_head(run, s, e);
    weft_reason_columns(beside > 0, s->table = weft_table_new());
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

static int put(struct weft_run *run, struct state *s, const char *channel, struct weft_err *e)
{
    struct weft_reason r = reason_of(&s->why, s->job.exog != NULL);
    size_t season = s->spans.season;
    bool alike = s->spans.unlike && weft_growth_profile(s->job.x, s->job.n, season, (int64_t)s->job.n, s->profile);
    s->made++;
    s->bare += s->spans.unlike && !alike;
    if (alike)
        weft_growth_shape_add(&r.shape, s->profile, &s->spans);
    if (s->format != FRAMES) {
        weft_reason_rows(&r, s->series.id, channel, !s->spans.none, s->table);
        return 0;
    }
    weft_pack_clear(&s->frame);
    if (weft_reason_write(&r, s->series.frame, channel, s->lags ? s->why.by_lag : NULL, s->job.lookback,
                          alike ? s->profile : NULL, season, &s->edit, &s->frame, e) < 0)
        return -1;
    return weft_run_emit(run, weft_pack_span(&s->frame), e);
}

static int explain_channel(struct weft_run *run, struct state *s, size_t c, struct weft_err *e)
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
    weft_scale_of(&s->series, c, (enum weft_scale)weft_forecaster_info(s->forecaster)->scale, j->n, &j->shift,
                  &j->factor);
    if (!weft_explain(j, &s->why)) {
        s->short_series++;
        return 0;
    }
    return put(run, s, s->in.channels[c], e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
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

static void print_season(const struct state *s, FILE *f)
{
    if (s->spans.none)
        fprintf(f, "no growth: a horizon of %zu holds no two seasons to compare; near and far are all of it\n",
                s->job.horizon);
    if (s->spans.unlike)
        fputs("growth: near and far are not the same days of the season, so each is divided by the series' own profile "
              "of its last eight seasons\n",
              f);
}

static bool no_input(const void *state)
{
    return ((const struct state *)state)->factors;
}

static int print_factors(struct weft_run *run, struct state *s, struct weft_err *e)
{
    static const char *const unused[] = {"near", "far", "channel", "lags", NULL};
    FILE *f = weft_run_text(run);
    if (weft_run_refuse(run, unused, "does not go with --factors", e) < 0)
        return -1;
    if (s->format == FRAMES)
        return weft_fail(e, WEFT_USAGE, "--factors prints table, csv or json");
    if (open_explained(run, s, e) < 0)
        return -1;
    const struct weft_factors *m = weft_forecaster_factors(s->forecaster);
    if (!m) {
        weft_fail(e, WEFT_CONFIG, "%s has no factors", s->model);
        return weft_fail_hint(e, "weft train-dlinear --factors auto makes such a model");
    }
    s->table = weft_table_new();
    weft_factor_table(m, weft_forecaster_info(s->forecaster), s->table);
    if (s->format == CSV) {
        weft_table_csv(s->table, s->bom, f);
    } else if (s->format == JSON) {
        weft_table_json(s->table, f);
        putc('\n', f);
    } else {
        weft_table_print(s->table, f);
        fprintf(f, "\nall: over all series; low, middle, high: of nine, five and one in ten series it is at least so "
                   "much; weekdays are against Monday, months against "
                   "January, days of the month against the others\n");
    }
    return 0;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (s->factors)
        return print_factors(run, s, e);
    FILE *f = weft_run_text(run);
    if (!s->made && s->unknown)
        return weft_fail(e, WEFT_CONFIG, "%s has no weights for any of the series", s->model);
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
    if (s->format == CSV) {
        weft_table_csv(s->table, s->bom, f);
    } else if (s->format == JSON) {
        weft_table_json(s->table, f);
        putc('\n', f);
    } else if (s->format == TABLE) {
        weft_table_print(s->table, f);
        fprintf(f,
                "\nnear: mean of days %zu-%zu, far: of days %zu-%zu; mean: of the forecasts for every day of the "
                "history; the rest: what the days before the forecast add to it\n",
                s->spans.near.from, s->spans.near.to, s->spans.far.from, s->spans.far.to);
        print_season(s, f);
    }
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_forecaster_close(&s->forecaster);
    weft_forecaster_close(&s->whole);
    weft_series_attrs_free(&s->in);
    weft_series_free(&s->series);
    weft_explanation_free(&s->why);
    weft_table_free(&s->table);
    weft_edit_free(&s->edit);
    weft_pack_free(&s->frame);
    free(s->of_model);
    free(s->matrix);
    free(s->profile);
}

static const struct weft_filter filter = {
    .usage = {.name = "explain",
              .summary = "says why a linear model forecasts what it does: exact SHAP values, by groups of days",
              .synopsis = "explain -m MODEL [--near FROM:TO] [--far FROM:TO] [--format table|csv|json|frames] [FILE]\n"
                          "explain -m MODEL --factors",
              .reads = "a series or windows stream",
              .writes = "a table, CSV, JSON, or an explanations stream, which weft rank --reasons reads",
              .examples = "weft explain -m model.safetensors --channel units -i level.weft\n"
                          "weft explain -m model.safetensors --format frames -i level.weft -o reasons.weft; weft rank "
                          "--reasons reasons.weft -i forecasts.weft",
              .see_also = "train-dlinear, score, rank",
              .notes = "A linear forecast is a weighted sum of the days before it. What a day adds to the forecast is "
                       "its weight times the distance between its value and the mean value at that place over all "
                       "windows of the series itself, the background: the interventional SHAP value, here exact. Over "
                       "all days these add up to the forecast minus the mean forecast. Forecasts are explained as the "
                       "model makes them, before score draws negative ones to 0.\n"
                       "Days are added up in groups, for neighbouring days say nearly the same: last week (the last 7 "
                       "days), same weekdays (as the day that is forecast, up to 4 weeks back), a year ago (364 days "
                       "before the day that is forecast, give or take 3), last 4 weeks, last 3 months (13 weeks), "
                       "earlier. Each day is in the first group that fits. In streams of another step the groups are "
                       "the same spans of time; where a step does not divide a week, last week is the last 7 steps, "
                       "and there are no weekdays, weeks and months; months and quarters have the last 3 months, a "
                       "year ago, and earlier. Of a model with exogenous channels the last group, channels, is what "
                       "they add: prices, promotions, holidays, their days before the forecast and those known ahead.\n"
                       "near and far are means over these days of the horizon. The row growth says what each group "
                       "adds to far / near, to first order: (far's part - growth * near's part) / near. Where near and "
                       "far are not the same days of the season each side is first divided by how far such days stand "
                       "above the mean of the series' last eight seasons, as in rank.\n"
                       "--factors prints what weekdays, channels known ahead and seasons multiply sales by in a model "
                       "of weft train-dlinear --factors: over all series, and how far series differ.\n"
                       "Memory: one series and the model; a table grows with the series, frames do not."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_TEXT,
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
