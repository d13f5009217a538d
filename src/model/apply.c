/* apply.c - models and baselines on many windows of one series. */
#include "model/apply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/conformal.h"
#include "base/mem.h"
#include "model/factor_model.h"

enum { BATCH = 256, GATHERED_MAX = 1 << 22 };

struct weft_apply {
    char *name, *text;
    bool named;
    struct weft_baseline baseline;
    struct weft_forecaster *model; /* NULL: the baseline */
    size_t offsets_unit;           /* whose offsets are in `offsets`; SIZE_MAX: none */
    bool has_offsets;
    float *offsets; /* [levels, horizon] for spread 1 */
    size_t n_offsets;
    size_t covariance_unit; /* whose covariance is in `covariance`, as offsets_unit */
    bool has_covariance, by_spread;
    double freedom;    /* of the covariance */
    float *covariance; /* [horizon, horizon], for spread 1 when by_spread */
};

int weft_apply_open(const char *item, struct weft_apply **out, struct weft_err *e)
{
    *out = NULL;
    struct weft_apply *a = WEFT_NEW(struct weft_apply);
    size_t name = strcspn(item, "=/");
    const char *text = item;
    if (name && item[name] == '=') {
        a->name = weft_xstrndup(item, name);
        a->named = true;
        text = item + name + 1;
    }
    a->text = weft_xstrdup(text);
    a->offsets_unit = a->covariance_unit = SIZE_MAX;
    int is = weft_baseline_parse(text, &a->baseline, e);
    if (is < 0 || (is == 0 && weft_forecaster_open(text, &a->model, e) < 0)) {
        weft_apply_close(&a);
        return -1;
    }
    if (!a->name)
        a->name = weft_xstrdup(is ? text : weft_forecaster_info(a->model)->name);
    *out = a;
    return 0;
}

int weft_apply_open_bytes(const void *p, size_t n, const char *where, struct weft_apply **out, struct weft_err *e)
{
    *out = NULL;
    struct weft_apply *a = WEFT_NEW(struct weft_apply);
    a->offsets_unit = a->covariance_unit = SIZE_MAX;
    if (weft_forecaster_open_bytes(p, n, where, &a->model, e) < 0) {
        weft_apply_close(&a);
        return -1;
    }
    a->text = weft_xstrdup(where);
    a->name = weft_xstrdup(weft_forecaster_info(a->model)->name);
    *out = a;
    return 0;
}

void weft_apply_close(struct weft_apply **ap)
{
    struct weft_apply *a = *ap;
    if (!a)
        return;
    weft_forecaster_close(&a->model);
    free(a->name);
    free(a->text);
    free(a->offsets);
    free(a->covariance);
    free(a);
    *ap = NULL;
}

const char *weft_apply_name(const struct weft_apply *a)
{
    return a->name;
}

void weft_apply_rename(struct weft_apply *a, const char *name)
{
    char *copy = weft_xstrdup(name);
    free(a->name);
    a->name = copy;
}

char *weft_apply_identity(const struct weft_apply *a)
{
    char sha[65];
    if (a->model)
        weft_forecaster_sha256(a->model, sha);
    return weft_xasprintf("%s%s%s", a->named ? a->name : "", a->named ? "=" : "", a->model ? sha : a->text);
}

const struct weft_model_info *weft_apply_info(const struct weft_apply *a)
{
    return a->model ? weft_forecaster_info(a->model) : NULL;
}

const void *weft_apply_bytes(const struct weft_apply *a, size_t *n)
{
    return a->model ? weft_forecaster_bytes(a->model, n) : NULL;
}

const struct weft_baseline *weft_apply_baseline(const struct weft_apply *a)
{
    return a->model ? NULL : &a->baseline;
}

size_t weft_apply_unit(const struct weft_apply *a, const char *group, size_t group_n, size_t channel)
{
    return a->model ? weft_forecaster_unit(a->model, group, group_n, channel) : 0;
}

/* Room k for n floats, and for n doubles. */
static float *room(struct weft_apply_result *r, int k, size_t n)
{
    if (r->room[k].cap < n) {
        r->room[k].cap = weft_grow(r->room[k].cap, n);
        free(r->room[k].p);
        r->room[k].p = weft_xaligned(r->room[k].cap, sizeof(float));
    }
    return r->room[k].p;
}

static double *room_double(struct weft_apply_result *r, int k, size_t n)
{
    return (double *)(void *)room(r, k, n * (sizeof(double) / sizeof(float)));
}

static void fill_nan(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = NAN;
}

void weft_apply_nothing(size_t cells, struct weft_apply_result *out)
{
    out->forecast = room(out, 0, cells);
    out->quantiles = out->covariance = NULL;
    fill_nan(out->forecast, cells);
}

void weft_apply_result_free(struct weft_apply_result *r)
{
    for (size_t k = 0; k < sizeof r->room / sizeof *r->room; k++)
        free(r->room[k].p);
    *r = (struct weft_apply_result){0};
}

/* Scaled value back in original units, not below zero when told so. NaN stays NaN. */
static float original(const struct weft_apply_job *j, double y)
{
    double x = y * j->factor + j->shift;
    return j->nonnegative && x < 0 ? 0 : (float)x;
}

/* The steps before an origin that must be there. */
static size_t needed(const struct weft_apply *a, const struct weft_apply_job *j)
{
    size_t own = a->model ? (size_t)weft_forecaster_info(a->model)->lookback : 0;
    return own > j->guard ? own : j->guard;
}

/* Walks the origins with the place of the last NaN before each, so that a series is looked at once. */
struct gaps {
    size_t seen, after; /* steps looked at; one behind the last NaN among them */
};

static bool usable(struct gaps *g, const struct weft_apply_job *j, size_t origin, size_t need)
{
    if (origin < need)
        return false;
    for (; g->seen < origin; g->seen++)
        if (isnan(j->x[g->seen]))
            g->after = g->seen + 1;
    return origin - need >= g->after;
}

static void run_baseline(const struct weft_apply *a, const struct weft_apply_job *j, struct weft_apply_result *out)
{
    struct gaps gaps = {0};
    struct weft_baseline_run run = {0};
    size_t need = needed(a, j);
    for (size_t w = 0; w < j->windows; w++) {
        size_t origin = j->origin + w * j->stride;
        float *y = out->forecast + w * j->horizon;
        if (!usable(&gaps, j, origin, need)) {
            out->skipped++;
            continue;
        }
        weft_baseline_forecast_next(&a->baseline, &run, j->x, origin, j->horizon, y);
        for (size_t h = 0; h < j->horizon; h++)
            if (j->nonnegative && y[h] < 0)
                y[h] = 0;
    }
}

/* Offsets of the quantiles for spread 1. */
static bool load_offsets(struct weft_apply *a, size_t unit, const struct weft_apply_job *j, size_t horizon)
{
    size_t n = j->n_levels * horizon;
    if (!n)
        return false;
    if (a->n_offsets != n) {
        free(a->offsets);
        a->offsets = weft_xmalloc(n * sizeof *a->offsets);
        a->n_offsets = n;
        a->offsets_unit = SIZE_MAX;
    }
    if (a->offsets_unit != unit)
        a->has_offsets = weft_forecaster_offsets(a->model, unit, 1, j->levels, j->n_levels, a->offsets);
    a->offsets_unit = unit;
    return a->has_offsets;
}

/* How many errors there are, if some level needs more; else 0. */
static size_t too_few(const struct weft_apply *a, size_t unit, const struct weft_apply_job *j)
{
    size_t n = weft_forecaster_errors(a->model, unit);
    for (size_t l = 0; l < j->n_levels; l++)
        if (weft_conformal_needs(j->levels[l]) > n)
            return n;
    return 0;
}

/* What forecasts of rests are multiplied by (factor_model.h). */
struct factored {
    const struct weft_factor_target *target;
    const double *f; /* by steps of the series; NULL: forecasts are no rests */
    double scale;
};

/* A scaled value of step t in original units. */
static float unfold(const struct factored *f, const struct weft_apply_job *j, double y, size_t t)
{
    return f->f ? (float)(weft_factors_inverse(y, f->target->log) * f->f[t] * f->scale) : original(j, y);
}

/* The quantile of level l for step h, in original units: about a forecast y in scaled units, of a window with this
 * spread and level. */
static float quantile(const struct weft_apply *a, const struct weft_apply_job *j, const struct factored *f, double y,
                      float spread, float level, size_t l, size_t h, size_t origin)
{
    const struct weft_model_info *info = weft_forecaster_info(a->model);
    double wide = info->exog.by_forecast ? weft_step_spread(spread, level, (float)y) : spread;
    float q = unfold(f, j, y + wide * (double)a->offsets[l * (size_t)info->horizon + h], origin + h);
    bool hardly = f->f && j->levels[l] < 0.5 && weft_factors_hardly(f->f[origin + h]);
    return hardly && q > 0 ? 0 : q;
}

/* Forecasts of a batch, from scaled units to where they belong. rows[i]: lookback of window at[i]. */
static void store_batch(struct weft_apply *a, size_t unit, const struct weft_apply_job *j, const struct factored *f,
                        size_t n, const float *const *rows, const size_t *at, const float *y,
                        struct weft_apply_result *out)
{
    const struct weft_model_info *info = weft_forecaster_info(a->model);
    size_t horizon = (size_t)info->horizon;
    for (size_t i = 0; i < n; i++) {
        const float *yi = y + i * horizon;
        size_t origin = j->origin + at[i] * j->stride;
        float smear = f->f ? (float)f->target->smear : 1; /* the forecast is the mean, its quantiles are as they are */
        for (size_t h = 0; h < horizon; h++)
            out->forecast[at[i] * horizon + h] = smear * unfold(f, j, yi[h], origin + h);
        if (!out->quantiles)
            continue;
        float spread = weft_local_spread(rows[i], (size_t)info->lookback, weft_forecaster_floor(a->model, unit));
        float level = weft_local_level(rows[i], (size_t)info->lookback);
        for (size_t l = 0; l < j->n_levels; l++)
            for (size_t h = 0; h < horizon; h++)
                out->quantiles[(l * j->windows + at[i]) * horizon + h] =
                    quantile(a, j, f, (double)yi[h], spread, level, l, h, origin);
    }
}

/* Steps from the origin on that must be in the series: the horizon where a channel is known ahead, else none. */
static size_t room_ahead(const struct weft_exog_shape *x)
{
    size_t most = 0;
    for (size_t c = 0; c < x->n; c++)
        most = weft_exog_ahead(x, c) > most ? weft_exog_ahead(x, c) : most;
    return most;
}

/* z: scaled values from step `from` on. */
static void run_model(struct weft_apply *a, size_t unit, const struct weft_apply_job *j, const struct factored *f,
                      const float *z, size_t from, struct weft_apply_result *out)
{
    const struct weft_model_info *info = weft_forecaster_info(a->model);
    size_t lookback = (size_t)info->lookback, need = needed(a, j), n = 0, at[BATCH];
    const float *rows[BATCH];
    float *y = room(out, 3, BATCH * (size_t)info->horizon);
    bool exog = info->exog.n && !f->f;
    size_t width = lookback + (size_t)info->horizon + (exog ? weft_exog_width(&info->exog) : 0);
    size_t batch = !exog || width < GATHERED_MAX / BATCH ? BATCH : width < GATHERED_MAX ? GATHERED_MAX / width : 1;
    float *whole = exog ? room(out, 4, batch * width) : NULL; /* with exogenous channels a window is no view */
    double *g = whole ? room_double(out, 5, (info->exog.n + 1) * j->n) : NULL;
    struct gaps gaps = {0};
    if (whole)
        weft_exog_channels(&info->exog, j->x, j->n, j->known, j->train, j->factor, j->exogenous, g);
    for (size_t w = 0; w < j->windows; w++) {
        size_t origin = j->origin + w * j->stride;
        if (!usable(&gaps, j, origin, need)) {
            out->skipped++;
            continue;
        }
        rows[n] = z + (origin - lookback - from);
        if (f->f && info->exog.n && origin + room_ahead(&info->exog) > j->n) {
            out->skipped++;
            continue;
        }
        if (whole) {
            float *row = whole + n * width;
            if (origin + room_ahead(&info->exog) > j->n ||
                !weft_exog_gather(&info->exog, g, j->n, origin, row + lookback + (size_t)info->horizon)) {
                out->skipped++;
                continue;
            }
            memcpy(row, rows[n], lookback * sizeof *row);
            rows[n] = row;
        }
        at[n++] = w;
        if (n == batch) {
            weft_forecaster_run(a->model, unit, rows, n, y);
            store_batch(a, unit, j, f, n, rows, at, y, out);
            n = 0;
        }
    }
    if (n) {
        weft_forecaster_run(a->model, unit, rows, n, y);
        store_batch(a, unit, j, f, n, rows, at, y, out);
    }
}

/* Forecasts of a model of whole models, and their quantiles: its own errors about them, in proportion to the window's
 * spread. z as in run_model. */
static void run_whole(struct weft_apply *a, size_t unit, const struct weft_apply_job *j, const float *z, size_t from,
                      struct weft_apply_result *out)
{
    const struct weft_model_info *info = weft_forecaster_info(a->model);
    size_t horizon = (size_t)info->horizon, lookback = (size_t)info->lookback, need = needed(a, j);
    struct gaps gaps = {0};
    const struct factored none = {0};
    weft_forecaster_whole(a->model, unit, j, out->forecast);
    for (size_t w = 0; w < j->windows; w++) {
        size_t origin = j->origin + w * j->stride;
        float *y = out->forecast + w * horizon;
        bool seen = usable(&gaps, j, origin, need);
        for (size_t h = 0; h < horizon && seen; h++)
            seen = isfinite(y[h]);
        if (!seen) {
            fill_nan(y, horizon);
            out->skipped++;
            continue;
        }
        const float *row = z + (origin - lookback - from);
        float spread = weft_local_spread(row, lookback, weft_forecaster_floor(a->model, unit));
        float level = weft_local_level(row, lookback);
        for (size_t l = 0; out->quantiles && l < j->n_levels; l++)
            for (size_t h = 0; h < horizon; h++)
                out->quantiles[(l * j->windows + w) * horizon + h] =
                    quantile(a, j, &none, ((double)y[h] - j->shift) / j->factor, spread, level, l, h, origin);
    }
}

/* The unit's covariance: it may be a sum over all residuals, so it is kept for the series of the same unit that follow.
 */
static bool load_covariance(struct weft_apply *a, size_t unit, size_t cells)
{
    if (!a->covariance)
        a->covariance = weft_xrealloc2(NULL, cells, sizeof *a->covariance);
    if (a->covariance_unit != unit)
        a->has_covariance = weft_forecaster_covariance(a->model, unit, a->covariance, &a->by_spread);
    if (a->covariance_unit != unit)
        a->freedom = weft_forecaster_freedom(a->model, unit);
    a->covariance_unit = unit;
    return a->has_covariance;
}

/* Errors of rests become errors of values by the slope of the way back at the forecast. */
static void unfold_covariance(struct weft_apply *a, size_t unit, const struct weft_apply_job *j,
                              const struct factored *f, const float *lookback, float *cov)
{
    size_t horizon = (size_t)weft_forecaster_info(a->model)->horizon, origin = j->origin + (j->windows - 1) * j->stride;
    float *y = WEFT_ARRAY(float, horizon);
    weft_forecaster_run(a->model, unit, &lookback, 1, y);
    for (size_t h = 0; h < horizon; h++)
        y[h] = (float)(weft_factors_slope(y[h], f->target->log) * f->target->smear * f->f[origin + h] * f->scale);
    for (size_t h = 0; h < horizon; h++)
        for (size_t g = 0; g < horizon; g++)
            cov[h * horizon + g] *= y[h] * y[g];
    free(y);
}

/* What the error of each step of the last window counts in, in scaled units: wide[horizon]. forecast: its own, in
 * original units. */
static void step_spreads(const struct weft_apply *a, size_t unit, const struct weft_apply_job *j, const float *lookback,
                         const float *forecast, double *wide)
{
    const struct weft_model_info *info = weft_forecaster_info(a->model);
    size_t n = (size_t)info->lookback;
    float spread = weft_local_spread(lookback, n, weft_forecaster_floor(a->model, unit)),
          level = weft_local_level(lookback, n);
    for (int64_t h = 0; h < info->horizon; h++) {
        wide[h] = a->by_spread ? (double)spread : 1;
        if (a->by_spread && info->exog.by_forecast)
            wide[h] = weft_step_spread(spread, level, (float)(((double)forecast[h] - j->shift) / j->factor));
    }
}

/* The model's covariance in original units, for the lookback that ends at the last origin. forecast: of that window, in
 * original units. */
static float *scaled_covariance(struct weft_apply *a, size_t unit, const struct weft_apply_job *j,
                                const struct factored *f, const float *lookback, const float *forecast, float *out)
{
    size_t horizon = (size_t)weft_forecaster_info(a->model)->horizon;
    if (!load_covariance(a, unit, horizon * horizon))
        return NULL;
    double *wide = WEFT_ARRAY(double, horizon);
    step_spreads(a, unit, j, lookback, forecast, wide);
    for (size_t h = 0; h < horizon; h++)
        for (size_t g = 0; g < horizon; g++)
            out[h * horizon + g] =
                (float)((double)a->covariance[h * horizon + g] * (wide[h] * j->factor) * (wide[g] * j->factor));
    free(wide);
    if (f->f)
        unfold_covariance(a, unit, j, f, lookback, out);
    return out;
}

/* Factors of the series, and its rests up to the last origin: *rests becomes the job on them. */
static struct factored divide(const struct weft_apply *a, size_t unit, const struct weft_apply_job *j,
                              struct weft_apply_job *rests, struct weft_apply_result *out)
{
    const struct weft_model_info *info = weft_forecaster_info(a->model);
    const struct weft_factors *m = weft_forecaster_factors(a->model);
    size_t last = j->origin + (j->windows ? j->windows - 1 : 0) * j->stride, n = last + (size_t)info->horizon;
    if (m->n_channels)
        n = j->n;
    size_t target = unit % info->n_channels, level = j->windows <= 1 || j->origin < j->train ? j->origin : j->train,
           end = last < j->n ? last : j->n;
    float *filled = room(out, 6, m->n_channels * n + 1), *rest = room(out, 7, end + 1);
    const float *channel[WEFT_EXOG_MAX];
    double *f = room_double(out, 8, n + 1);
    for (size_t c = 0; c < m->n_channels; c++) {
        channel[c] = filled + c * n;
        weft_factors_fill(j->exogenous[c], n, m->target[target].shape.channel[c].kind == WEFT_FACTOR_OPEN,
                          filled + c * n);
    }
    const struct weft_factor_series x = {.y = j->x, .n = n, .channel = channel, .start = j->start};
    double scale = weft_factors_apply(m, target, j->id, j->id_n, &x, level, end, f, rest);
    *rests = *j;
    rests->x = rest;
    rests->shift = 0;
    rests->factor = 1;
    return (struct factored){&m->target[target], f, scale};
}

void weft_apply_run(struct weft_apply *a, size_t unit, const struct weft_apply_job *job, bool covariance,
                    struct weft_apply_result *out)
{
    const struct weft_apply_job *j = job;
    struct weft_apply_job rests;
    struct factored f = {0};
    size_t horizon = a->model ? (size_t)weft_forecaster_info(a->model)->horizon : j->horizon,
           cells = j->windows * horizon;
    out->forecast = room(out, 0, cells);
    out->quantiles = out->covariance = NULL;
    out->freedom = 0;
    out->skipped = out->few = 0;
    fill_nan(out->forecast, cells);
    if (!a->model) {
        run_baseline(a, j, out);
        return;
    }
    if (load_offsets(a, unit, j, horizon)) {
        out->quantiles = room(out, 1, j->n_levels * cells);
        fill_nan(out->quantiles, j->n_levels * cells);
        out->few = too_few(a, unit, j);
    }
    if (weft_forecaster_factors(a->model)) {
        f = divide(a, unit, job, &rests, out);
        j = &rests;
    }
    size_t lookback = (size_t)weft_forecaster_info(a->model)->lookback;
    size_t last = j->origin + (j->windows ? j->windows - 1 : 0) * j->stride;
    size_t from = j->origin > lookback ? j->origin - lookback : 0;
    size_t n = last > from ? last - from : 0, cov = covariance ? horizon * horizon : 0;
    float *z = room(out, 2, n + cov); /* scaled values, then the covariance */
    for (size_t i = 0; i < n; i++)
        z[i] = (float)((j->x[from + i] - j->shift) / j->factor);
    if (weft_forecaster_whole(a->model, unit, NULL, NULL))
        run_whole(a, unit, j, z, from, out);
    else
        run_model(a, unit, j, &f, z, from, out);
    if (covariance && !out->skipped && n >= lookback)
        out->covariance =
            scaled_covariance(a, unit, j, &f, z + n - lookback, out->forecast + (j->windows - 1) * horizon, z + n);
    out->freedom = out->covariance ? a->freedom : 0;
}
