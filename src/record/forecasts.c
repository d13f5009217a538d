/* forecasts.c - forecasts frames. */
#include "record/forecasts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"

static int read_levels(const struct weft_head *h, struct weft_forecasts_attrs *a, struct weft_err *e)
{
    struct weft_value v;
    struct weft_tensor t;
    struct weft_scratch scratch = {0};
    if (!weft_map_find(h->attrs, "levels", &v))
        return 0;
    if (weft_tensor_read(&v, &t, e) < 0)
        return -1;
    if (t.rank != 1 || t.dtype != WEFT_F64 || t.count > WEFT_MAX_LEVELS)
        return weft_fail(e, WEFT_DATA, "\"levels\" is not a f64 tensor of at most %d levels", WEFT_MAX_LEVELS);
    const double *q = weft_tensor_f64(&t, &scratch);
    int rc = 0;
    for (size_t i = 0; i < t.count && rc == 0; i++) {
        if (!(q[i] > (i ? q[i - 1] : 0) && q[i] < 1))
            rc = weft_fail(e, WEFT_DATA, "\"levels\" do not ascend between 0 and 1");
        a->levels[i] = q[i];
    }
    a->n_levels = t.count;
    free(scratch.p);
    return rc;
}

int weft_forecasts_attrs_read(const struct weft_head *h, struct weft_forecasts_attrs *a, struct weft_err *e)
{
    char text[64];
    *a = (struct weft_forecasts_attrs){.season = 1};
    if (!weft_attr_str(h, "step", text, sizeof text) || !weft_step_parse(text, &a->step))
        return weft_fail(e, WEFT_DATA, "a %s head without a known step", h->schema);
    if (!weft_attr_int(h, "horizon", &a->horizon) || a->horizon < 1 || a->horizon > INT32_MAX)
        return weft_fail(e, WEFT_DATA, "a %s head without a usable \"horizon\"", h->schema);
    (void)weft_attr_int(h, "season", &a->season);
    if (weft_attr_str(h, "scale", text, sizeof text))
        (void)weft_scale_parse(text, &a->scale);
    if (!weft_attr_strs(h, "keys", &a->keys, &a->n_keys) || a->n_keys > WEFT_MAX_KEYS)
        return weft_fail(e, WEFT_DATA, "a %s head without keys, or more than %d", h->schema, WEFT_MAX_KEYS);
    if (!weft_attr_strs(h, "channels", &a->channels, &a->n_channels) || !a->n_channels ||
        a->n_channels > WEFT_MAX_CHANNELS)
        return weft_fail(e, WEFT_DATA, "a %s head without channels, or more than %d", h->schema, WEFT_MAX_CHANNELS);
    return read_levels(h, a, e);
}

void weft_forecasts_attrs_free(struct weft_forecasts_attrs *a)
{
    free(a->keys);
    free(a->channels);
    *a = (struct weft_forecasts_attrs){0};
}

static void set_f64(struct weft_edit *m, const char *key, const double *x, size_t n)
{
    weft_pack_f64(weft_edit_set(m, key), 1, (uint32_t[]){(uint32_t)n}, x);
    weft_edit_done(m);
}

void weft_forecasts_attrs_write(const struct weft_forecasts_attrs *a, struct weft_span extra, struct weft_pack *b)
{
    static const char *const of_series[] = {"start", "length", "reduce", "roles", "known", "lookback", "stride"};
    struct weft_edit m = {0};
    char text[32];
    if (extra.n && weft_edit_load(&m, extra, NULL) < 0)
        weft_edit_clear(&m);
    for (size_t i = 0; i < sizeof of_series / sizeof *of_series; i++)
        weft_edit_drop(&m, of_series[i]);
    weft_edit_str(&m, "step", weft_step_text(a->step, text));
    weft_edit_strs(&m, "keys", a->keys, a->n_keys);
    weft_edit_strs(&m, "channels", a->channels, a->n_channels);
    weft_edit_int(&m, "horizon", a->horizon);
    weft_edit_int(&m, "season", a->season);
    weft_edit_str(&m, "scale", weft_scale_names[a->scale]);
    set_f64(&m, "levels", a->levels, a->n_levels);
    weft_edit_write(&m, b);
    weft_edit_free(&m);
}

/* --- frames --- */

/* A field of floats: *out stays NULL when the frame has none. */
static int read_floats(struct weft_span frame, const char *key, int rank, const size_t *dims,
                       struct weft_scratch *scratch, const float **out, struct weft_err *e)
{
    struct weft_value v;
    struct weft_tensor t;
    *out = NULL;
    if (!weft_map_find(frame, key, &v))
        return 0;
    if (weft_tensor_read(&v, &t, e) < 0)
        return -1;
    bool fits = t.dtype == WEFT_F32 && t.rank == rank;
    for (int i = 0; fits && i < rank; i++)
        fits = t.dims[i] == dims[i];
    if (!fits)
        return weft_fail(e, WEFT_DATA,
                         "\"%s\" is not a f32 tensor of the shape that step, horizon, windows and levels give", key);
    *out = weft_tensor_f32(&t, scratch);
    return 0;
}

static int read_doubles(struct weft_span frame, const char *key, size_t n, double *out, struct weft_err *e)
{
    struct weft_value v;
    struct weft_tensor t;
    if (!weft_map_find(frame, key, &v))
        return 0;
    if (weft_tensor_read(&v, &t, e) < 0)
        return -1;
    if (t.dtype != WEFT_F64 || t.rank != 1 || t.count != n)
        return weft_fail(e, WEFT_DATA, "\"%s\" is not a f64 tensor of %zu numbers", key, n);
    memcpy(out, t.data, n * sizeof *out);
    return 0;
}

/* A count from `least` on, which may be left out: *out stays what it is. */
static int read_count(struct weft_span frame, const char *key, uint64_t least, uint64_t *out, struct weft_err *e)
{
    struct weft_value v;
    if (!weft_map_find(frame, key, &v))
        return 0;
    if (v.kind != WEFT_UINT || v.u < least || v.u > INT32_MAX)
        return weft_fail(e, WEFT_DATA, "\"%s\" is not a whole number from %d on", key, (int)least);
    *out = v.u;
    return 0;
}

static bool read_text(struct weft_span frame, const char *key, struct weft_span *out)
{
    struct weft_value v;
    if (!weft_map_find(frame, key, &v) || v.kind != WEFT_STR)
        return false;
    *out = v.body;
    return true;
}

static int read_names(struct weft_span frame, const struct weft_forecasts_attrs *a, struct weft_forecasts *f,
                      struct weft_err *e)
{
    struct weft_value keys, v;
    struct weft_span origin;
    if (!read_text(frame, "id", &f->id) || !read_text(frame, "model", &f->model) ||
        !read_text(frame, "channel", &f->channel) || !read_text(frame, "part", &f->part))
        return weft_fail(e, WEFT_DATA, "a forecasts frame without id, model, channel or part");
    if (!read_text(frame, "origin", &origin) || !weft_date_parse((const char *)origin.p, origin.n, &f->origin))
        return weft_fail(e, WEFT_DATA, "a forecasts frame without an origin");
    bool keyed = weft_map_find(frame, "keys", &keys) && keys.kind == WEFT_MAP;
    for (size_t k = 0; k < a->n_keys; k++) {
        f->key[k] = (struct weft_span){0};
        if (keyed)
            (void)read_text(keys.whole, a->keys[k], &f->key[k]);
    }
    f->why = (struct weft_span){0};
    (void)read_text(frame, "why", &f->why);
    f->baseline = weft_map_find(frame, "baseline", &v) && v.kind == WEFT_BOOL && v.b;
    f->skipped = f->errors = 0;
    uint64_t stride = 1;
    if (read_count(frame, "skipped", 0, &f->skipped, e) < 0 || read_count(frame, "errors", 1, &f->errors, e) < 0 ||
        read_count(frame, "stride", 1, &stride, e) < 0)
        return -1;
    f->stride = (int64_t)stride;
    f->freedom = INFINITY;
    if (weft_map_find(frame, "freedom", &v)) {
        if ((v.kind != WEFT_REAL && v.kind != WEFT_UINT) || !(v.real >= 0))
            return weft_fail(e, WEFT_DATA, "\"freedom\" is not a number from 0 on");
        f->freedom = v.real;
    }
    return 0;
}

static int check_finite(const char *key, const float *x, size_t n, struct weft_err *e)
{
    bool infinite = false;
    for (size_t i = 0; x && i < n; i++)
        infinite |= isinf(x[i]);
    return infinite ? weft_fail(e, WEFT_DATA, "\"%s\" holds an infinite value", key) : 0;
}

/* Missing values are NaN; nothing is infinite, and no measure of steps is negative. */
static int check_numbers(const struct weft_forecasts *f, const struct weft_forecasts_attrs *a, struct weft_err *e)
{
    size_t cells = f->windows * f->horizon;
    if (!isfinite(f->scale[0]) || !isfinite(f->scale[1]) || f->scale[1] <= 0)
        return weft_fail(e, WEFT_DATA, "\"scale\" is not usable");
    for (int i = 0; i < 3; i++)
        if (isinf(f->naive[i]) || f->naive[i] < 0)
            return weft_fail(e, WEFT_DATA, "\"naive\" is not usable");
    if (check_finite("forecast", f->forecast, cells, e) < 0 || check_finite("actual", f->actual, cells, e) < 0 ||
        check_finite("quantiles", f->quantiles, a->n_levels * cells, e) < 0 ||
        check_finite("covariance", f->covariance, f->horizon * f->horizon, e) < 0)
        return -1;
    return check_finite("profile", f->profile, weft_step_season(a->step), e);
}

/* All its steps are dates, which reports and comparisons with what came go by. */
static int check_dates(const struct weft_forecasts *f, const struct weft_forecasts_attrs *a, struct weft_err *e)
{
    const int64_t last = weft_days_from_civil(9999, 12, 31) * 86400;
    uint64_t steps = f->horizon + (f->windows ? f->windows - 1 : 0) * (uint64_t)f->stride;
    return steps - 1 <= (uint64_t)weft_step_count(f->origin, last, a->step)
               ? 0
               : weft_fail(e, WEFT_DATA, "a forecast that goes beyond the year 9999");
}

/* Variances below 0, a correlation beyond 1, or one each way, are those of nothing. A missing one says nothing. */
static int check_covariance(const struct weft_forecasts *f, struct weft_err *e)
{
    const float *c = f->covariance;
    for (size_t i = 0; c && i < f->horizon; i++) {
        double own = c[i * f->horizon + i];
        if (own < 0)
            return weft_fail(e, WEFT_DATA, "\"covariance\" is none: the variance of step %zu is %g", i + 1, own);
        for (size_t j = 0; j < i; j++) {
            double both = c[i * f->horizon + j], mirrored = c[j * f->horizon + i], other = c[j * f->horizon + j];
            if (fabs(both - mirrored) > 1e-3 * sqrt(own * other))
                return weft_fail(e, WEFT_DATA, "\"covariance\" is none: that of steps %zu and %zu is %g and %g", j + 1,
                                 i + 1, both, mirrored);
            if (both * both > own * other * 1.01)
                return weft_fail(e, WEFT_DATA, "\"covariance\" is none: steps %zu and %zu correlate beyond 1", j + 1,
                                 i + 1);
        }
    }
    return 0;
}

/* A quantile of a higher level lies no lower; the last digit of a float is rounding. */
static int check_quantiles(const struct weft_forecasts *f, const struct weft_forecasts_attrs *a, struct weft_err *e)
{
    size_t cells = f->windows * f->horizon;
    for (size_t k = 1; f->quantiles && k < a->n_levels; k++)
        for (size_t i = 0; i < cells; i++) {
            double below = f->quantiles[(k - 1) * cells + i], above = f->quantiles[k * cells + i];
            if (below > above + 1e-5 * fmax(fabs(below), fabs(above)))
                return weft_fail(e, WEFT_DATA, "\"quantiles\" cross: that of level %g is %g, that of %g is %g",
                                 a->levels[k - 1], below, a->levels[k], above);
        }
    return 0;
}

int weft_forecasts_read(struct weft_span frame, const struct weft_forecasts_attrs *a, struct weft_forecasts *f,
                        struct weft_err *e)
{
    struct weft_value v;
    struct weft_tensor t;
    if (read_names(frame, a, f, e) < 0)
        return -1;
    if (!weft_map_find(frame, "forecast", &v))
        return weft_fail(e, WEFT_DATA, "a forecasts frame without \"forecast\"");
    if (weft_tensor_read(&v, &t, e) < 0)
        return -1;
    if (t.rank != 2 || t.dtype != WEFT_F32 || t.dims[1] != (size_t)a->horizon)
        return weft_fail(e, WEFT_DATA, "\"forecast\" is not a f32 tensor [windows, %lld], as the head says",
                         (long long)a->horizon);
    f->windows = t.dims[0];
    f->horizon = t.dims[1];
    f->forecast = weft_tensor_f32(&t, &f->scratch[0]);
    const size_t shape[] = {a->n_levels, f->windows, f->horizon};
    if (read_floats(frame, "actual", 2, shape + 1, &f->scratch[1], &f->actual, e) < 0 ||
        read_floats(frame, "quantiles", 3, shape, &f->scratch[2], &f->quantiles, e) < 0 ||
        read_floats(frame, "covariance", 2, (size_t[]){f->horizon, f->horizon}, &f->scratch[3], &f->covariance, e) <
            0 ||
        read_floats(frame, "profile", 1, (size_t[]){weft_step_season(a->step)}, &f->scratch[4], &f->profile, e) < 0)
        return -1;
    f->scale[0] = 0;
    f->scale[1] = 1;
    f->naive[0] = f->naive[1] = f->naive[2] = NAN;
    if (read_doubles(frame, "scale", 2, f->scale, e) < 0 || read_doubles(frame, "naive", 3, f->naive, e) < 0)
        return -1;
    if (check_numbers(f, a, e) < 0 || check_dates(f, a, e) < 0 || check_covariance(f, e) < 0)
        return -1;
    return check_quantiles(f, a, e);
}

void weft_forecasts_free(struct weft_forecasts *f)
{
    for (size_t i = 0; i < sizeof f->scratch / sizeof *f->scratch; i++)
        free(f->scratch[i].p);
    *f = (struct weft_forecasts){0};
}

static void set_text(struct weft_edit *m, const char *key, struct weft_span s)
{
    weft_pack_str(weft_edit_set(m, key), (const char *)s.p, s.n);
    weft_edit_done(m);
}

static void set_floats(struct weft_edit *m, const char *key, int rank, const uint32_t *dims, const float *x)
{
    if (!x)
        return;
    weft_pack_f32(weft_edit_set(m, key), rank, dims, x);
    weft_edit_done(m);
}

int weft_forecasts_write(const struct weft_forecasts *f, const struct weft_forecasts_attrs *a, struct weft_span series,
                         struct weft_edit *edit, struct weft_pack *b, struct weft_err *e)
{
    char text[32];
    uint32_t horizon = (uint32_t)f->horizon;
    const uint32_t dims[] = {(uint32_t)a->n_levels, (uint32_t)f->windows, horizon};
    if (weft_edit_load(edit, series, e) < 0)
        return -1;
    weft_edit_drop(edit, "values");
    weft_edit_drop(edit, "start");
    weft_edit_drop(edit, "split");
    set_text(edit, "model", f->model);
    set_text(edit, "channel", f->channel);
    set_text(edit, "part", f->part);
    weft_edit_str(edit, "origin", weft_date_text(f->origin, a->step, text));
    weft_edit_int(edit, "stride", f->stride);
    set_floats(edit, "forecast", 2, dims + 1, f->forecast);
    set_floats(edit, "actual", 2, dims + 1, f->actual);
    set_floats(edit, "quantiles", 3, dims, f->quantiles);
    set_floats(edit, "covariance", 2, (uint32_t[]){horizon, horizon}, f->covariance);
    if (f->covariance && isfinite(f->freedom))
        weft_edit_real(edit, "freedom", f->freedom);
    set_floats(edit, "profile", 1, (uint32_t[]){(uint32_t)weft_step_season(a->step)}, f->profile);
    set_f64(edit, "scale", f->scale, 2);
    set_f64(edit, "naive", f->naive, 3);
    if (f->why.n)
        set_text(edit, "why", f->why);
    if (f->errors)
        weft_edit_int(edit, "errors", (int64_t)f->errors);
    if (f->skipped)
        weft_edit_int(edit, "skipped", (int64_t)f->skipped);
    if (f->baseline) {
        weft_pack_bool(weft_edit_set(edit, "baseline"), true);
        weft_edit_done(edit);
    }
    weft_edit_write(edit, b);
    return 0;
}

int weft_forecasts_key(const struct weft_forecasts_attrs *a, const char *name)
{
    for (size_t k = 0; k < a->n_keys; k++)
        if (strcmp(a->keys[k], name) == 0)
            return (int)k;
    if (strcmp(name, "id") == 0)
        return WEFT_KEY_ID;
    return strcmp(name, "all") == 0 ? WEFT_KEY_ALL : WEFT_KEY_NONE;
}

struct weft_span weft_forecasts_key_text(const struct weft_forecasts *f, int k)
{
    static const uint8_t all[] = "all";
    if (k == WEFT_KEY_ID)
        return f->id;
    if (k == WEFT_KEY_ALL)
        return (struct weft_span){all, 3};
    return k >= 0 ? f->key[k] : (struct weft_span){0};
}

void weft_naive_errors(const float *x, size_t n, size_t season, double naive[3])
{
    double one = 0, square = 0, seasonal = 0;
    size_t first = 0, n_one = 0, n_seasonal = 0;
    while (first < n && (isnan(x[first]) || x[first] == 0))
        first++;
    for (size_t t = first + 1; t < n; t++) {
        double d = (double)x[t] - x[t - 1];
        if (!isnan(d)) {
            one += fabs(d);
            square += d * d;
            n_one++;
        }
        double s = t >= first + season ? (double)x[t] - x[t - season] : NAN;
        if (!isnan(s)) {
            seasonal += fabs(s);
            n_seasonal++;
        }
    }
    naive[0] = n_one ? one / (double)n_one : NAN;
    naive[1] = n_one ? square / (double)n_one : NAN;
    naive[2] = n_seasonal ? seasonal / (double)n_seasonal : NAN;
}
