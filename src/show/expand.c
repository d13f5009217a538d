/* expand.c - windows and forecasts as flat rows. */
#include "show/expand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "show/table.h"
#include "show/view.h"

static void pack_scaled(struct weft_pack *b, const float *x, size_t n, double shift, double factor)
{
    uint8_t *at = weft_pack_tensor(b, WEFT_F32, 1, (uint32_t[]){(uint32_t)n});
    for (size_t i = 0; i < n; i++) {
        float z = (float)((x[i] - shift) / factor);
        memcpy(at + i * sizeof z, &z, sizeof z);
    }
}

static void pack_window(struct weft_pack *b, const struct weft_series_attrs *a, const struct weft_series *s,
                        size_t channel, int part, size_t at)
{
    char date[32];
    const float *x = s->values + channel * s->n + at;
    double shift = s->scale[channel], factor = s->scale[s->n_channels + channel];
    weft_pack_clear(b);
    weft_pack_map(b, 6);
    weft_pack_cstr(b, "id");
    weft_pack_str(b, (const char *)s->id.p, s->id.n);
    weft_pack_cstr(b, "channel");
    weft_pack_cstr(b, a->channels[channel]);
    weft_pack_cstr(b, "part");
    weft_pack_cstr(b, weft_part_names[part]);
    weft_pack_cstr(b, "start");
    weft_pack_cstr(b, weft_date_text(weft_step_add(s->start, (int64_t)at, a->step), a->step, date));
    weft_pack_cstr(b, "x");
    pack_scaled(b, x, (size_t)a->lookback, shift, factor);
    weft_pack_cstr(b, "y");
    pack_scaled(b, x + a->lookback, (size_t)a->horizon, shift, factor);
}

int weft_expand_windows(const struct weft_series_attrs *a, const struct weft_series *s, struct weft_pack *scratch,
                        int (*emit)(void *ctx, struct weft_span frame, struct weft_err *e), void *ctx,
                        struct weft_err *e)
{
    for (int p = 0; p < WEFT_PARTS; p++) {
        struct weft_window_range r = weft_windows_of(a, s, (enum weft_part)p);
        for (size_t c = 0; c < s->n_channels; c++)
            for (size_t w = 0; w < r.count; w++) {
                pack_window(scratch, a, s, c, p, r.first + w * r.stride);
                if (emit(ctx, weft_pack_span(scratch), e) < 0)
                    return -1;
            }
    }
    return 0;
}

static void field(FILE *f, struct weft_span s)
{
    weft_csv_put(f, (const char *)s.p, s.n);
}

void weft_csv_series_head(FILE *f, const struct weft_series_attrs *a)
{
    fputs("id", f);
    for (size_t k = 0; k < a->n_keys; k++) {
        putc(',', f);
        weft_csv_put(f, a->keys[k], strlen(a->keys[k]));
    }
    fputs(",date", f);
    for (size_t c = 0; c < a->n_channels; c++) {
        putc(',', f);
        weft_csv_put(f, a->channels[c], strlen(a->channels[c]));
    }
    putc('\n', f);
}

void weft_csv_series(FILE *f, const struct weft_series_attrs *a, const struct weft_series *s)
{
    char text[32];
    for (size_t t = 0; t < s->n; t++) {
        field(f, s->id);
        for (size_t k = 0; k < a->n_keys; k++) {
            putc(',', f);
            if (s->key[k].p)
                field(f, s->key[k]);
        }
        fprintf(f, ",%s", weft_date_text(weft_step_add(s->start, (int64_t)t, a->step), a->step, text));
        for (size_t c = 0; c < s->n_channels; c++)
            fprintf(f, ",%s", weft_float_text(s->values[c * s->n + t], text));
        putc('\n', f);
    }
}

/* --- forecasts --- */

void weft_csv_forecast_head(FILE *f, const struct weft_head *h)
{
    char **keys = NULL;
    size_t n_keys = 0;
    struct weft_value levels;
    struct weft_tensor t;
    struct weft_scratch scratch = {0};
    char name[WEFT_COLUMN_KEY];
    fputs("id", f);
    if (weft_attr_strs(h, "keys", &keys, &n_keys))
        for (size_t k = 0; k < n_keys; k++) {
            putc(',', f);
            weft_csv_put(f, keys[k], strlen(keys[k]));
        }
    fputs(",model,channel,part,origin,step,date,forecast,actual", f);
    if (weft_map_find(h->attrs, "levels", &levels) && weft_tensor_read(&levels, &t, NULL) == 0) {
        const double *q = weft_tensor_f64(&t, &scratch);
        for (size_t i = 0; i < t.count; i++)
            fprintf(f, ",%s", weft_column_key(name, "q", q[i]));
    }
    fputs(",why\n", f);
    free(scratch.p);
    free(keys);
}

struct forecast {
    struct weft_value id, keys, model, channel, part, origin, stride, why;
    struct weft_tensor forecast, actual, quantiles;
    bool has_actual;
    size_t levels;
};

static int read_forecast(struct weft_span frame, struct forecast *x, struct weft_err *e)
{
    struct weft_value v;
    *x = (struct forecast){0};
    if (!weft_map_find(frame, "forecast", &v) || weft_tensor_read(&v, &x->forecast, e) < 0 || x->forecast.rank != 2 ||
        x->forecast.dtype != WEFT_F32)
        return weft_fail(e, WEFT_DATA, "a forecasts frame without a f32 tensor \"forecast\" [windows, horizon]");
    weft_map_find(frame, "id", &x->id);
    weft_map_find(frame, "keys", &x->keys);
    weft_map_find(frame, "model", &x->model);
    weft_map_find(frame, "channel", &x->channel);
    weft_map_find(frame, "part", &x->part);
    weft_map_find(frame, "origin", &x->origin);
    weft_map_find(frame, "stride", &x->stride);
    weft_map_find(frame, "why", &x->why);
    if (weft_map_find(frame, "actual", &v)) {
        if (weft_tensor_read(&v, &x->actual, e) < 0 || x->actual.count != x->forecast.count ||
            x->actual.dtype != WEFT_F32)
            return weft_fail(e, WEFT_DATA, "\"actual\" has another shape than \"forecast\"");
        x->has_actual = true;
    }
    if (weft_map_find(frame, "quantiles", &v)) {
        if (weft_tensor_read(&v, &x->quantiles, e) < 0 || x->quantiles.rank != 3 || x->quantiles.dtype != WEFT_F32 ||
            x->quantiles.count != x->quantiles.dims[0] * x->forecast.count)
            return weft_fail(e, WEFT_DATA, "\"quantiles\" does not fit \"forecast\"");
        x->levels = x->quantiles.dims[0];
    }
    return 0;
}

static void put_text(FILE *f, const struct weft_value *v)
{
    putc(',', f);
    if (v->kind == WEFT_STR)
        field(f, v->body);
}

static void put_at(FILE *f, const struct weft_tensor *t, size_t i)
{
    char text[32];
    float x;
    memcpy(&x, t->data + i * sizeof x, sizeof x);
    fprintf(f, ",%s", weft_float_text(x, text));
}

/* What every row of a frame begins with. */
struct row_head {
    char **keys;
    size_t n_keys, levels;
    int64_t step, origin;
};

static int read_row_head(const struct weft_head *h, const struct forecast *x, struct row_head *r, struct weft_err *e)
{
    struct weft_value v;
    struct weft_tensor t;
    char text[32];
    *r = (struct row_head){.step = 86400};
    if (weft_attr_str(h, "step", text, sizeof text))
        (void)!weft_step_parse(text, &r->step);
    if (x->origin.kind != WEFT_STR || !weft_date_parse((const char *)x->origin.body.p, x->origin.body.n, &r->origin))
        return weft_fail(e, WEFT_DATA, "a forecasts frame without an origin");
    if (weft_map_find(h->attrs, "levels", &v) && weft_tensor_read(&v, &t, NULL) == 0)
        r->levels = t.count;
    weft_attr_strs(h, "keys", &r->keys, &r->n_keys);
    return 0;
}

/* id to origin, which is that of the row's window. */
static void put_row_head(FILE *f, const struct row_head *r, const struct forecast *x, int64_t origin)
{
    char text[32];
    if (x->id.kind == WEFT_STR)
        field(f, x->id.body);
    for (size_t k = 0; k < r->n_keys; k++) {
        struct weft_value v = {0};
        weft_map_find(x->keys.whole, r->keys[k], &v);
        put_text(f, &v);
    }
    put_text(f, &x->model);
    put_text(f, &x->channel);
    put_text(f, &x->part);
    fprintf(f, ",%s", weft_date_text(origin, r->step, text));
}

static void put_empty(FILE *f, size_t n)
{
    while (n-- > 0)
        putc(',', f);
}

int weft_csv_forecast(FILE *f, const struct weft_head *h, struct weft_span frame, struct weft_err *e)
{
    struct forecast x;
    struct row_head r;
    char text[32];
    if (read_forecast(frame, &x, e) < 0 || read_row_head(h, &x, &r, e) < 0)
        return -1;
    size_t windows = x.forecast.dims[0], horizon = x.forecast.dims[1];
    bool left_out = x.why.kind == WEFT_STR && x.why.body.n;
    if (left_out) { /* one row: step, date, forecast, actual and quantiles are empty */
        put_row_head(f, &r, &x, r.origin);
        put_empty(f, 4 + r.levels);
        put_text(f, &x.why);
        putc('\n', f);
    }
    for (size_t i = 0; i < windows * horizon && !left_out; i++) {
        int64_t first =
            weft_step_add(r.origin, (int64_t)(i / horizon) * (x.stride.kind == WEFT_UINT ? x.stride.i : 1), r.step);
        put_row_head(f, &r, &x, first);
        fprintf(f, ",%zu,%s", i % horizon + 1,
                weft_date_text(weft_step_add(first, (int64_t)(i % horizon), r.step), r.step, text));
        put_at(f, &x.forecast, i);
        if (x.has_actual)
            put_at(f, &x.actual, i);
        else
            putc(',', f);
        for (size_t q = 0; q < x.levels; q++)
            put_at(f, &x.quantiles, q * windows * horizon + i);
        put_empty(f, r.levels > x.levels ? r.levels - x.levels : 0); /* a baseline has none */
        fputs(",\n", f);
    }
    free(r.keys);
    return 0;
}

/* --- anything else --- */

static void flat(FILE *f, struct weft_span map, const char *prefix, bool names, bool *first)
{
    struct weft_value m, key, v;
    if (!weft_value_next(&map, &m) || m.kind != WEFT_MAP)
        return;
    while (weft_value_next(&m.body, &key) && weft_value_next(&m.body, &v)) {
        char name[256];
        snprintf(name, sizeof name, "%s%s%.*s", prefix, *prefix ? "_" : "", (int)(key.body.n < 120 ? key.body.n : 120),
                 (const char *)key.body.p);
        if (v.kind == WEFT_MAP) {
            flat(f, v.whole, name, names, first);
            continue;
        }
        if (v.kind == WEFT_EXT || v.kind == WEFT_BIN || v.kind == WEFT_ARRAY)
            continue;
        if (!*first)
            putc(',', f);
        *first = false;
        if (names)
            weft_csv_put(f, name, strlen(name));
        else if (v.kind == WEFT_STR)
            field(f, v.body);
        else if (v.kind != WEFT_NIL && !(v.kind == WEFT_REAL && isnan(v.real)))
            weft_view_json(f, v.whole, 0);
    }
}

void weft_csv_flat(FILE *f, struct weft_span frame, bool names)
{
    bool first = true;
    flat(f, frame, "", names, &first);
    putc('\n', f);
}
