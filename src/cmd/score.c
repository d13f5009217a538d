/* score.c - forecasts with models and baselines; products by garment models.
 *
 * In: series/1 or windows/1. Out: forecasts/1: for every series, channel and model a frame, with the actual values when a part of windows is scored.
 * In: products/1. Out: demand/1 (src/train/demand_score.c). */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "weft/apply.h"
#include "weft/calendar.h"
#include "weft/demand_score.h"
#include "weft/exog_units.h"
#include "weft/forecasts.h"
#include "weft/mem.h"
#include "weft/num.h"
#include "weft/products.h"
#include "weft/run.h"
#include "weft/window.h"

enum { ITEMS_MAX = 12, VALUES_PER_FRAME = 1 << 21 };
enum { LATEST, TEST, VALID, ALL };
static const char *const part_names[] = {"train", "valid", "test"};

/* One model or baseline, and what became of the series that it was given. */
struct item {
    struct weft_apply *apply;
    int by;          /* key that names the group */
    size_t *channel; /* [targets of the stream]: the model's own index, SIZE_MAX: it has none */
    size_t exogenous[WEFT_EXOG_MAX]; /* the stream's channels that the model looks at beside its target */
    uint64_t made, too_short, gaps, unknown;
    bool bare; /* quantiles were asked for, and it has none */
    char *unknown_group;
};

struct state {
    struct weft_list models, quantiles;
    int64_t horizon, season, side, pixels;
    int part;
    bool nonnegative;
    bool windows; /* a windows stream */
    struct item item[ITEMS_MAX];
    size_t n_items, longest;
    struct weft_series_attrs in;
    struct weft_forecasts_attrs out;
    struct weft_series series;
    struct weft_apply_result result;
    struct weft_scratch actual;
    struct weft_edit edit;
    struct weft_pack frame;
    bool *clip; /* [channels] */
    struct weft_demand_scorer *demand; /* of a products stream; then nothing else is used */
};

#define AT(member) offsetof(struct state, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_LIST, 'm', "model", AT(models), NULL, 0, 0, "[NAME=]MODEL",
     "model file, or naive, seasonal-naive:M, mean:N, lag-growth:M:N, croston, sba, tsb; several stand side by side", WEFT_OPT_REQUIRED | WEFT_OPT_FILE},
    {WEFT_OPT_CHOICE, 0, "part", AT(part), "latest", 0, 0, "latest|test|valid|all",
     "latest: from the end of each series; the others: every window of that part, with its actual values; of products, valid: those held out in training", 0},
    {WEFT_OPT_LIST, 0, "quantiles", AT(quantiles), NULL, 0, 0, "Q", "quantiles to give beside the forecast, each between 0 and 1", 0},
    {WEFT_OPT_FLAG, 0, "nonnegative", AT(nonnegative), NULL, 0, 0, NULL,
     "no forecast or quantile below 0; on for channels named units, sales, amounts, mentions, active and brands unless --no-nonnegative", 0},
    {WEFT_OPT_INT, 0, "horizon", AT(horizon), "0", 0, 1000000, "N", "steps to forecast, when baselines alone score a series stream", 0},
    {WEFT_OPT_INT, 0, "season", AT(season), "0", 0, 1000000, "N", "steps in a season, for MASE; 0: 24 hours, 7 days, 52 weeks", 0},
    {WEFT_OPT_INT, 0, "max-side", AT(side), "16384", 1, 65535, "PIXELS", "products: largest width or height of a picture", WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {WEFT_OPT_INT, 0, "max-pixels", AT(pixels), "33554432", 1, WEFT_IMAGE_PIXELS_MAX, "N", "products: largest width times height", WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {.type = WEFT_OPT_END},
};

/* --- start --- */

static int refuse(const struct item *it, struct weft_err *e, const char *what, long long of_model, long long of_stream)
{
    return weft_fail(e, WEFT_CONFIG, "model %s %s %lld, and the windows have %lld", weft_apply_name(it->apply), what, of_model, of_stream);
}

/* Does the model fit the stream's step, horizon, lookback and scale? */
static int check_shape(const struct state *s, const struct item *it, struct weft_err *e)
{
    static const char *const scales[] = {"none", "standard", "minmax"};
    const struct weft_model_info *m = weft_apply_info(it->apply);
    char a[32], b[32];
    if (m->step != s->in.step)
        return weft_fail(e, WEFT_CONFIG, "model %s forecasts in steps of a %s, and the stream has steps of a %s", weft_apply_name(it->apply),
                         weft_step_text(m->step, a), weft_step_text(s->in.step, b));
    if (s->windows && m->horizon != s->in.horizon)
        return refuse(it, e, "forecasts a horizon of", m->horizon, s->in.horizon);
    if (s->windows && m->lookback > s->in.lookback)
        return refuse(it, e, "needs a lookback of", m->lookback, s->in.lookback);
    if (s->windows && m->scale != (int)s->in.scale)
        return weft_fail(e, WEFT_CONFIG, "model %s was trained with --scale %s, and the windows have --scale %s", weft_apply_name(it->apply),
                         scales[m->scale], scales[s->in.scale]);
    if (s->horizon && m->horizon != s->horizon)
        return weft_fail(e, WEFT_CONFIG, "model %s forecasts %lld steps, not %lld", weft_apply_name(it->apply), (long long)m->horizon,
                         (long long)s->horizon);
    return 0;
}

/* Finds the key that names groups and the channels that model and stream share. */
static int match_model(struct weft_run *run, const struct state *s, struct item *it, struct weft_err *e)
{
    const struct weft_model_info *m = weft_apply_info(it->apply);
    const char *name = weft_apply_name(it->apply);
    size_t shared = 0;
    it->by = weft_series_key(&s->in, m->by);
    if (it->by == WEFT_KEY_NONE)
        return weft_fail(e, WEFT_CONFIG, "model %s has weights for each \"%s\", and the stream has no such key", name, m->by);
    for (size_t c = 0; c < s->in.n_targets; c++) {
        it->channel[c] = SIZE_MAX;
        for (size_t k = 0; k < m->n_channels; k++)
            if (strcmp(m->channels[k], s->in.channels[c]) == 0)
                it->channel[c] = k;
        shared += it->channel[c] != SIZE_MAX;
    }
    if (!shared)
        return weft_fail(e, WEFT_CONFIG, "model %s forecasts channel %s, and the stream has %s", name, m->channels[0], s->in.channels[0]);
    for (size_t c = 0; c < s->in.n_targets; c++)
        if (it->channel[c] == SIZE_MAX)
            weft_run_warn(run, "model %s does not know channel %s: it is not forecast", name, s->in.channels[c]);
    return 0;
}

/* Finds the exogenous channels of the model, and whether those known ahead can reach over the horizon. */
static int match_exogenous(const struct state *s, struct item *it, struct weft_err *e)
{
    const struct weft_model_info *m = weft_apply_info(it->apply);
    const char *name = weft_apply_name(it->apply);
    char from[32], to[32];
    if (weft_exog_match(&s->in, m, name, it->exogenous, e) < 0)
        return -1;
    for (size_t c = 0; c < m->exog.n; c++) {
        if (s->part != LATEST || m->exog.role[c] != WEFT_ROLE_FUTURE || s->in.known + m->horizon <= s->in.length)
            continue;
        weft_date_text(s->in.start + s->in.length * s->in.step, s->in.step, from);
        weft_date_text(s->in.start + (s->in.known + m->horizon - 1) * s->in.step, s->in.step, to);
        weft_fail(e, WEFT_CONFIG, "channel %s has no values from %s to %s, which model %s needs to know ahead", m->exogenous[c], from, to, name);
        return weft_fail_hint(e, "give ingest rows of these days without sales, or covariates --csv FILE as far as that; covariates --ahead %lld goes on, with --carry %s "
                                 "by the last known value",
                              (long long)m->horizon, m->exogenous[c]);
    }
    return 0;
}

/* Two models of one name: the second is called NAME-2. */
static void make_unique(struct state *s, struct item *it)
{
    char name[256];
    int copies = 1;
    for (struct item *other = s->item; other < it; other++)
        if (strcmp(weft_apply_name(other->apply), weft_apply_name(it->apply)) == 0) {
            snprintf(name, sizeof name, "%.200s-%d", weft_apply_name(it->apply), ++copies);
            weft_apply_rename(it->apply, name);
            other = s->item - 1;
        }
}

static int open_items(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (s->models.n > ITEMS_MAX)
        return weft_fail(e, WEFT_USAGE, "--model: more than %d models", ITEMS_MAX);
    for (size_t i = 0; i < s->models.n; i++) {
        struct item *it = &s->item[i];
        char key[32] = "model";
        if (weft_apply_open(s->models.items[i], &it->apply, e) < 0)
            return -1;
        s->n_items++;
        it->channel = WEFT_ARRAY(size_t, s->in.n_targets);
        make_unique(s, it);
        const struct weft_model_info *m = weft_apply_info(it->apply);
        if (m && (check_shape(s, it, e) < 0 || match_model(run, s, it, e) < 0 || match_exogenous(s, it, e) < 0))
            return -1;
        if (m)
            s->horizon = m->horizon;
        if (m && !s->windows)
            s->out.scale = (enum weft_scale)m->scale;
        char *identity = weft_apply_identity(it->apply);
        if (i)
            snprintf(key, sizeof key, "model-%zu", i + 1);
        weft_run_lineage_arg(run, key, identity);
        free(identity);
    }
    return 0;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int read_quantiles(struct state *s, struct weft_err *e)
{
    size_t n = s->quantiles.n;
    if (n > WEFT_MAX_LEVELS)
        return weft_fail(e, WEFT_USAGE, "--quantiles: more than %d levels", WEFT_MAX_LEVELS);
    for (size_t i = 0; i < n; i++)
        if (!weft_num_real(s->quantiles.items[i], 1e-9, 1 - 1e-9, &s->out.levels[i]))
            return weft_fail(e, WEFT_USAGE, "--quantiles: \"%s\" is not a number between 0 and 1", s->quantiles.items[i]);
    qsort(s->out.levels, n, sizeof *s->out.levels, ascending);
    for (size_t i = 1; i < n; i++)
        if (!(s->out.levels[i] > s->out.levels[i - 1]))
            return weft_fail(e, WEFT_USAGE, "--quantiles: %g is given twice", s->out.levels[i]);
    s->out.n_levels = n;
    return 0;
}

/* What can't be sold less than nothing: by name, or as told. */
static void choose_clipping(struct weft_run *run, struct state *s)
{
    bool told = weft_run_given(run, "nonnegative"), any = false;
    s->clip = WEFT_ARRAY(bool, s->in.n_targets);
    for (size_t c = 0; c < s->in.n_targets; c++) {
        s->clip[c] = told ? s->nonnegative : weft_channel_is_count(s->in.channels[c], strlen(s->in.channels[c]));
        any |= s->clip[c];
    }
    s->nonnegative = any; /* for the lineage: what was done */
}

static int read_head(const struct weft_head *h, struct state *s, struct weft_err *e)
{
    s->windows = strcmp(h->schema, WEFT_WINDOWS_SCHEMA) == 0;
    if (!s->windows && strcmp(h->schema, WEFT_SERIES_SCHEMA) != 0)
        return weft_fail(e, WEFT_DATA, "a %s stream, and this program reads %s, %s or %s", h->schema, WEFT_SERIES_SCHEMA, WEFT_WINDOWS_SCHEMA,
                         WEFT_PRODUCTS_SCHEMA);
    if (weft_series_attrs_read(h, &s->in, e) < 0)
        return -1;
    if (!s->windows && s->part != LATEST) {
        weft_fail(e, WEFT_CONFIG, "--part %s needs a windows stream, and this is a series stream", (const char *[]){"", "test", "valid", "all"}[s->part]);
        return weft_fail_hint(e, "put window in between: ingest ... | window --lookback N --horizon N | score ...");
    }
    if (s->windows && s->horizon && s->horizon != s->in.horizon)
        return weft_fail(e, WEFT_CONFIG, "--horizon %lld, and the windows have a horizon of %lld", (long long)s->horizon, (long long)s->in.horizon);
    if (s->windows)
        s->out.scale = s->in.scale;
    if (!s->season)
        s->season = weft_season_of(s->in.step);
    return 0;
}

static int start_products(struct weft_run *run, struct state *s, struct weft_err *e)
{
    static const char *const unused[] = {"quantiles", "nonnegative", "horizon", "season", NULL};
    if (weft_run_refuse(run, unused, "is for forecasts of series, and this is a products stream", e) < 0)
        return -1;
    if (s->part == TEST)
        return weft_fail(e, WEFT_USAGE, "a garment model has no test part; --part valid scores the products that its training held out");
    struct weft_image_limits limits = weft_image_default_limits();
    char text[32];
    limits.side = (int)s->side;
    limits.pixels = (size_t)s->pixels;
    snprintf(text, sizeof text, "%d", limits.side); /* here: forecasts have no pictures */
    weft_run_lineage_arg(run, "max-side", text);
    snprintf(text, sizeof text, "%zu", limits.pixels);
    weft_run_lineage_arg(run, "max-pixels", text);
    return weft_demand_scorer_start(run, s->models.items, s->models.n, s->part == VALID, &limits, &s->demand, e);
}

/* Will a forecast need values ahead of the data? Then none goes out before every series is known to have them. */
static bool knows_ahead(const struct state *s)
{
    bool any = false;
    for (size_t i = 0; i < s->n_items; i++) {
        const struct weft_model_info *m = weft_apply_info(s->item[i].apply);
        for (size_t c = 0; m && c < m->exog.n; c++)
            any |= m->exog.role[c] == WEFT_ROLE_FUTURE;
    }
    return any && s->part == LATEST;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_head *h = weft_run_in_head(run);
    if (strcmp(h->schema, WEFT_PRODUCTS_SCHEMA) == 0)
        return start_products(run, s, e);
    static const char *const of_pictures[] = {"max-side", "max-pixels", NULL};
    if (weft_run_refuse(run, of_pictures, "is for pictures of products, and these are series", e) < 0)
        return -1;
    if (read_quantiles(s, e) < 0 || read_head(h, s, e) < 0 || open_items(run, s, e) < 0)
        return -1;
    if (s->windows)
        s->horizon = s->in.horizon;
    if (!s->horizon)
        return weft_fail(e, WEFT_USAGE, "--horizon N is missing: baselines alone do not say how far to forecast a series stream");
    choose_clipping(run, s);
    s->out.step = s->in.step;
    s->out.horizon = s->horizon;
    s->out.season = s->season;
    s->out.keys = s->in.keys;
    s->out.n_keys = s->in.n_keys;
    s->out.channels = s->in.channels;
    s->out.n_channels = s->in.n_targets;
    struct weft_pack attrs = {0};
    weft_forecasts_attrs_write(&s->out, h->attrs, &attrs);
    int rc = weft_run_head(run, WEFT_FORECASTS_SCHEMA, weft_pack_span(&attrs), e);
    weft_pack_free(&attrs);
    return rc == 0 && knows_ahead(s) ? weft_run_hold(run, e) : rc;
}

/* --- frames --- */

/* Actual values of a job's windows: NULL when they lie behind the last target. */
static const float *actual_of(struct state *s, const struct weft_apply_job *j)
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

/* One frame out: the windows of one job. Counts it as gaps when no window could be forecast. */
static int emit_job(struct weft_run *run, struct state *s, struct item *it, size_t unit, size_t c, const struct weft_apply_job *j, const char *part,
                    const double naive[3], struct weft_err *e)
{
    bool latest = s->part == LATEST;
    struct weft_apply_result *r = &s->result;
    weft_apply_run(it->apply, unit, j, latest && j->horizon <= WEFT_COVARIANCE_HORIZON_MAX, r);
    if (latest && all_nan(r->forecast, j->windows * j->horizon)) {
        it->gaps++;
        return 0;
    }
    struct weft_forecasts f = {
        .model = {(const uint8_t *)weft_apply_name(it->apply), strlen(weft_apply_name(it->apply))},
        .channel = {(const uint8_t *)s->in.channels[c], strlen(s->in.channels[c])},
        .part = {(const uint8_t *)part, strlen(part)},
        .baseline = !weft_apply_info(it->apply),
        .origin = s->series.start + (int64_t)j->origin * s->in.step,
        .stride = (int64_t)j->stride,
        .windows = j->windows,
        .horizon = j->horizon,
        .skipped = r->skipped,
        .forecast = r->forecast,
        .actual = actual_of(s, j),
        .quantiles = r->quantiles,
        .covariance = r->covariance,
        .scale = {j->shift, j->factor},
        .naive = {naive[0], naive[1], naive[2]},
    };
    weft_pack_clear(&s->frame);
    if (weft_forecasts_write(&f, &s->out, s->series.frame, &s->edit, &s->frame, e) < 0)
        return -1;
    it->made++;
    it->bare = s->out.n_levels && !r->quantiles && !f.baseline;
    return weft_run_emit(run, weft_pack_span(&s->frame), e);
}

/* Every window of a part, a bounded number of them a frame. */
static int emit_part(struct weft_run *run, struct state *s, struct item *it, size_t unit, size_t c, struct weft_apply_job *j, enum weft_part part,
                     const double naive[3], struct weft_err *e)
{
    struct weft_window_range r = weft_windows_of(&s->in, &s->series, part);
    size_t most = VALUES_PER_FRAME / (j->horizon * (2 + s->out.n_levels));
    if (!r.count)
        it->too_short++;
    for (size_t w = 0; w < r.count; w += j->windows) {
        j->windows = r.count - w < most ? r.count - w : most ? most : 1;
        j->origin = r.first + w * r.stride + (size_t)s->in.lookback;
        j->stride = r.stride;
        if (emit_job(run, s, it, unit, c, j, part_names[part], naive, e) < 0)
            return -1;
    }
    return 0;
}

static void scale_of(const struct state *s, const struct item *it, size_t c, struct weft_apply_job *j)
{
    const struct weft_model_info *m = weft_apply_info(it->apply);
    j->shift = 0;
    j->factor = 1;
    if (s->series.scale) {
        j->shift = s->series.scale[c];
        j->factor = s->series.scale[s->in.n_channels + c];
    } else if (m) {
        weft_scale_fit((enum weft_scale)m->scale, j->x, j->n, &j->shift, &j->factor);
    }
}

/* What is known ahead must be there on every step of the horizon. */
static int check_ahead(const struct state *s, const struct item *it, const struct weft_apply_job *j, struct weft_err *e)
{
    const struct weft_model_info *m = weft_apply_info(it->apply);
    char from[32], to[32];
    for (size_t c = 0; c < m->exog.n; c++) {
        size_t missing = 0, first = 0, last = 0, end = j->origin + (size_t)m->horizon;
        for (size_t t = j->origin; t < end && m->exog.role[c] == WEFT_ROLE_FUTURE; t++)
            if (t >= j->n || isnan(j->exogenous[c][t])) {
                first = missing++ ? first : t;
                last = t;
            }
        if (!missing)
            continue;
        weft_date_text(s->series.start + (int64_t)first * s->in.step, s->in.step, from);
        weft_date_text(s->series.start + (int64_t)last * s->in.step, s->in.step, to);
        weft_fail(e, WEFT_CONFIG, "series \"%.*s\": channel %s, which model %s needs to know ahead, misses %zu of %lld steps (%s%s%s)",
                  s->series.id.n < 80 ? (int)s->series.id.n : 80, (const char *)s->series.id.p, m->exogenous[c], weft_apply_name(it->apply), missing,
                  (long long)m->horizon, from, last > first ? " to " : "", last > first ? to : "");
        return weft_fail_hint(e, "give them with covariates --csv FILE, or the last known value with covariates --carry %s", m->exogenous[c]);
    }
    return 0;
}

static int score_channel(struct weft_run *run, struct state *s, struct item *it, size_t unit, size_t c, const double naive[3], struct weft_err *e)
{
    const struct weft_model_info *m = weft_apply_info(it->apply);
    struct weft_apply_job j = {.x = s->series.values + c * s->series.n,
                               .n = s->series.n,
                               .horizon = (size_t)s->horizon,
                               .nonnegative = s->clip[c],
                               .levels = s->out.levels,
                               .n_levels = s->out.n_levels};
    const float *exogenous[WEFT_EXOG_MAX];
    j.known = weft_series_known(&s->in, s->series.start, s->series.n);
    j.train = s->windows ? s->series.split[WEFT_PART_TRAIN] : j.known;
    j.exogenous = exogenous;
    for (size_t k = 0; m && k < m->exog.n; k++)
        exogenous[k] = s->series.values + it->exogenous[k] * s->series.n;
    scale_of(s, it, c, &j);
    if (s->part == LATEST) {
        j.origin = j.known;
        j.stride = j.windows = 1;
        if (m && j.origin < (size_t)m->lookback) {
            it->too_short++;
            return 0;
        }
        if (m && check_ahead(s, it, &j, e) < 0)
            return -1;
        return emit_job(run, s, it, unit, c, &j, "latest", naive, e);
    }
    j.guard = (size_t)s->in.lookback; /* so that every model is measured on the same windows */
    int rc = 0;
    for (int p = 0; p < WEFT_PARTS && rc == 0; p++)
        if (s->part == ALL || (s->part == TEST && p == WEFT_PART_TEST) || (s->part == VALID && p == WEFT_PART_VALID))
            rc = emit_part(run, s, it, unit, c, &j, (enum weft_part)p, naive, e);
    return rc;
}

/* The unit for the series' group; SIZE_MAX: the model has none, or not this channel. */
static size_t find_unit(const struct state *s, struct item *it, size_t c)
{
    struct weft_span group = weft_series_key_text(&s->series, it->by);
    if (!weft_apply_info(it->apply))
        return 0;
    if (it->channel[c] == SIZE_MAX)
        return SIZE_MAX;
    size_t unit = group.p ? weft_apply_unit(it->apply, (const char *)group.p, group.n, it->channel[c]) : SIZE_MAX;
    if (unit == SIZE_MAX && !it->unknown++)
        it->unknown_group = group.p ? weft_xstrndup((const char *)group.p, group.n) : weft_xstrdup("");
    return unit;
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    double naive[3];
    uint64_t before = 0, after = 0;
    if (s->demand)
        return weft_demand_scorer_frame(run, s->demand, in, e);
    if (weft_series_read(in, &s->in, &s->series, e) < 0)
        return -1;
    s->longest = s->series.n > s->longest ? s->series.n : s->longest;
    for (size_t i = 0; i < s->n_items; i++)
        before += s->item[i].made;
    for (size_t c = 0; c < s->in.n_targets; c++) {
        size_t history = s->windows ? s->series.split[WEFT_PART_TRAIN] : s->series.n;
        weft_naive_errors(s->series.values + c * s->series.n, history, (size_t)s->season, naive);
        for (size_t i = 0; i < s->n_items; i++) {
            size_t unit = find_unit(s, &s->item[i], c);
            if (unit != SIZE_MAX && score_channel(run, s, &s->item[i], unit, c, naive, e) < 0)
                return -1;
        }
    }
    for (size_t i = 0; i < s->n_items; i++)
        after += s->item[i].made;
    if (after == before)
        weft_run_reject(run, 1);
    return weft_run_done(run, e);
}

/* --- end --- */

/* A model that forecast nothing of all that came. */
static int nothing_made(const struct state *s, const struct item *it, struct weft_err *e)
{
    const struct weft_model_info *m = weft_apply_info(it->apply);
    const char *name = weft_apply_name(it->apply);
    if (it->unknown && !it->too_short && !it->gaps)
        return weft_fail(e, WEFT_CONFIG, "model %s has no weights for %s \"%.100s\"", name, m->by, it->unknown_group);
    if (it->too_short && s->part != LATEST)
        return weft_fail(e, WEFT_DATA, "no series has a window of lookback %lld + horizon %lld in this part (the longest series has %zu steps)",
                         (long long)s->in.lookback, (long long)s->in.horizon, s->longest);
    if (it->too_short && m)
        return weft_fail(e, WEFT_DATA, "no series is as long as model %s's lookback of %lld steps (the longest has %zu)", name, (long long)m->lookback,
                         s->longest);
    weft_fail(e, WEFT_DATA, "no series can be forecast by %s: values are missing before every origin", name);
    return m ? weft_fail_hint(e, "ingest --missing zero counts missing days as days without sales") : -1;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    uint64_t made = 0;
    if (s->demand)
        return weft_demand_scorer_drain(run, s->demand, e);
    for (size_t i = 0; i < s->n_items; i++)
        made += s->item[i].made;
    for (size_t i = 0; i < s->n_items; i++) {
        const struct item *it = &s->item[i];
        const char *name = weft_apply_name(it->apply);
        if (!it->made && (it->unknown || it->too_short || it->gaps) && (weft_apply_info(it->apply) || !made))
            return nothing_made(s, it, e);
        if (it->bare)
            weft_run_warn(run, "%s keeps no validation errors, so it gives no quantiles; train it with a validation part", name);
        if (it->too_short)
            weft_run_warn(run, "%s: %llu series too short for a forecast were left out", name, (unsigned long long)it->too_short);
        if (it->gaps)
            weft_run_warn(run, "%s: %llu series with missing values before the origin were left out", name, (unsigned long long)it->gaps);
        if (it->unknown)
            weft_run_warn(run, "%s: %llu series of groups that the model does not know were left out (the first: \"%.80s\")", name,
                          (unsigned long long)it->unknown, it->unknown_group);
    }
    return weft_run_release(run, e);
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_demand_scorer_free(&s->demand);
    for (size_t i = 0; i < ITEMS_MAX; i++) {
        weft_apply_close(&s->item[i].apply);
        free(s->item[i].channel);
        free(s->item[i].unknown_group);
    }
    weft_series_attrs_free(&s->in);
    weft_series_free(&s->series);
    weft_apply_result_free(&s->result);
    weft_edit_free(&s->edit);
    weft_pack_free(&s->frame);
    free(s->actual.p);
    free(s->clip);
}

static const struct weft_filter filter = {
    .usage = {.name = "score",
              .summary = "forecasts series with models and baselines, and what products will do",
              .synopsis = "score -m MODEL[,MODEL...] [OPTION...]",
              .reads = "a series or windows stream, or a products stream",
              .writes = "a forecasts stream, one frame per series, channel and model; of products a demand stream, one frame per product and model",
              .examples = "ingest train.csv | aggregate --by minor | score -m model.safetensors --quantiles 0.1,0.5,0.9 | rank\n"
                          "ingest train.csv | window --lookback 30 --horizon 10 | score -m model.safetensors,seasonal-naive:7 --part test | evaluate\n"
                          "ingest train.csv | score -m mean:28 --horizon 28 | frames csv\n"
                          "ingest --layout products new.csv | embed-text --hash 512 | score -m demand.safetensors | frames show",
              .see_also = "window, train-dlinear, train-lstm, train-demand, evaluate, rank",
              .notes =
                  "Baselines: naive (the last value), seasonal-naive:M (the value M steps ago), mean:N (the mean of the last N steps), lag-growth:M:N (the "
                  "value M steps ago times the growth of the last N steps over the same a season of M earlier). For items that sell now and then: "
                  "croston[:RATE], sba[:RATE] (croston times 1 - RATE / 2) and tsb[:RATE_P[:RATE_D]] (reacts to items that die out), smoothed with "
                  "rates of 0.1 unless given, flat over the horizon, 0 while nothing was sold. These three look back to the beginning of the series, "
                  "whatever the windows' lookback.\n"
                  "Quantiles are split conformal: the model file keeps errors of validation windows; baselines have none.\n"
                  "A windows stream brings its scale, fitted on the train part. A series stream has none: a model trained with --scale standard or minmax "
                  "then scales each series by all of it, and a channel that counts relative to its mean (train-dlinear --relative) to that of all of it.\n"
                  "A series shorter than the lookback, or with a missing value in it, is left out and counted; of a part, such windows alone. A model "
                  "may look back less than the windows do, so that models of several lookbacks are measured on the same windows.\n"
                  "A model with exogenous channels (train-dlinear on a stream with past, future or static ones) needs them in the stream by name, and those "
                  "that are known ahead on every step of the horizon: what is missing is refused (78) with its dates before the first forecast goes out; "
                  "until then forecasts wait in a temporary file ($TMPDIR). The latest origin is behind the last step that has a target.\n"
                  "Products are scored in batches; a picture that is missing or can't be read is seen as grey. Quantities are in original units; pictures and "
                  "features do not go into the output.\n"
                  "Memory: one series and its forecasts, or a batch of products; it does not grow with their number."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_STREAM,
    .acknowledges = true,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
