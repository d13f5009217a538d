/* series.c - series and windows frames. */
#include "record/series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "base/terms.h"

static const char *const reduce_names[] = {"sum", "mean"};

static int index_of(const char *const *names, size_t n, const char *s)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], s) == 0)
            return (int)i;
    return -1;
}

static int attr_positive(const struct weft_head *h, const char *key, int64_t *out, struct weft_err *e)
{
    if (!weft_attr_int(h, key, out) || *out < 1 || *out > INT32_MAX)
        return weft_fail(e, WEFT_DATA, "a %s head without a usable \"%s\"", h->schema, key);
    return 0;
}

static int read_reduce(const struct weft_head *h, struct weft_series_attrs *a, struct weft_err *e)
{
    char **names;
    size_t n;
    a->reduce = WEFT_ARRAY(enum weft_reduce, a->n_channels ? a->n_channels : 1);
    if (!weft_attr_strs(h, "reduce", &names, &n))
        return 0; /* all are sums */
    int rc = 0;
    for (size_t i = 0; i < n && i < a->n_channels && rc == 0; i++) {
        int k = index_of(reduce_names, 2, names[i]);
        if (k < 0)
            rc = weft_fail(e, WEFT_DATA, "channel %s is reduced by \"%s\", which this program does not know",
                           a->channels[i], names[i]);
        else
            a->reduce[i] = (enum weft_reduce)k;
    }
    free(names);
    return rc;
}

/* Roles of the channels, and how far the targets go. */
static int read_roles(const struct weft_head *h, struct weft_series_attrs *a, struct weft_err *e)
{
    char **names;
    size_t n;
    int rc = 0;
    a->role = WEFT_ARRAY(enum weft_role, a->n_channels);
    a->n_targets = a->n_channels;
    a->known = a->length;
    if (weft_attr_int(h, "known", &a->known) && (a->known < 1 || a->known > a->length))
        return weft_fail(e, WEFT_DATA, "a %s head with \"known\" outside of its calendar", h->schema);
    if (!weft_attr_strs(h, "roles", &names, &n))
        return 0;
    for (size_t i = 0; i < n && i < a->n_channels && rc == 0; i++) {
        if (!weft_role_parse(names[i], &a->role[i]))
            rc = weft_fail(e, WEFT_DATA, "channel %s has the role \"%s\", which this program does not know",
                           a->channels[i], names[i]);
        else if (a->role[i] != WEFT_ROLE_TARGET && a->n_targets == a->n_channels)
            a->n_targets = i;
        else if (a->role[i] == WEFT_ROLE_TARGET && i > a->n_targets)
            rc = weft_fail(e, WEFT_DATA, "channel %s is a target behind an exogenous one; targets stand first",
                           a->channels[i]);
    }
    if (rc == 0 && !a->n_targets)
        rc = weft_fail(e, WEFT_DATA, "a %s head without a target", h->schema);
    free(names);
    return rc;
}

static int read_windows_attrs(const struct weft_head *h, struct weft_series_attrs *a, struct weft_err *e)
{
    char text[32];
    if (attr_positive(h, "lookback", &a->lookback, e) < 0 || attr_positive(h, "horizon", &a->horizon, e) < 0 ||
        attr_positive(h, "stride", &a->stride, e) < 0)
        return -1;
    if (!weft_attr_str(h, "scale", text, sizeof text) || !weft_scale_parse(text, &a->scale))
        return weft_fail(e, WEFT_DATA, "a windows head without a known scale");
    /* Trainers take memory for both before they see a frame. */
    if (a->lookback + a->horizon > a->known)
        return weft_fail(e, WEFT_CONFIG, "windows of lookback %lld and horizon %lld in a calendar of %lld steps",
                         (long long)a->lookback, (long long)a->horizon, (long long)a->known);
    return 0;
}

/* Programs take memory for a whole calendar: its end must be a date, too. */
static int check_calendar(const struct weft_head *h, const struct weft_series_attrs *a, struct weft_err *e)
{
    const int64_t last = weft_days_from_civil(9999, 12, 31) * 86400;
    if (a->length <= weft_step_count(a->start, last, a->step))
        return 0;
    return weft_fail(e, WEFT_DATA, "a %s head whose \"length\" of %lld steps goes beyond the year 9999", h->schema,
                     (long long)a->length);
}

int weft_series_attrs_read(const struct weft_head *h, struct weft_series_attrs *a, struct weft_err *e)
{
    char text[64];
    *a = (struct weft_series_attrs){.stride = 1};
    if (!weft_attr_str(h, "step", text, sizeof text) || !weft_step_parse(text, &a->step))
        return weft_fail(e, WEFT_DATA, "a %s head without a known step", h->schema);
    if (!weft_attr_str(h, "start", text, sizeof text) || !weft_date_parse(text, strlen(text), &a->start))
        return weft_fail(e, WEFT_DATA, "a %s head without a start date", h->schema);
    if (attr_positive(h, "length", &a->length, e) < 0 || check_calendar(h, a, e) < 0)
        return -1;
    if (!weft_attr_strs(h, "keys", &a->keys, &a->n_keys) || a->n_keys > WEFT_MAX_KEYS)
        return weft_fail(e, WEFT_DATA, "a %s head without keys, or more than %d", h->schema, WEFT_MAX_KEYS);
    if (!weft_attr_strs(h, "channels", &a->channels, &a->n_channels) || !a->n_channels ||
        a->n_channels > WEFT_MAX_CHANNELS)
        return weft_fail(e, WEFT_DATA, "a %s head without channels, or more than %d", h->schema, WEFT_MAX_CHANNELS);
    if (read_reduce(h, a, e) < 0 || read_roles(h, a, e) < 0)
        return -1;
    /* gram streams carry the attrs of the windows that they add up. */
    bool windows = strncmp(h->schema, "windows/", 8) == 0 || strncmp(h->schema, "gram/", 5) == 0;
    return windows ? read_windows_attrs(h, a, e) : 0;
}

void weft_series_attrs_free(struct weft_series_attrs *a)
{
    free(a->keys);
    free(a->channels);
    free(a->reduce);
    free(a->role);
    *a = (struct weft_series_attrs){0};
}

size_t weft_series_channel(const struct weft_series_attrs *a, const char *name)
{
    for (size_t c = 0; c < a->n_channels; c++)
        if (strcmp(a->channels[c], name) == 0)
            return c;
    return SIZE_MAX;
}

const char *weft_series_date(const struct weft_series_attrs *a, int64_t seconds, char buf[32])
{
    return weft_date_text(seconds, a->step, buf);
}

size_t weft_series_known(const struct weft_series_attrs *a, int64_t start, size_t n)
{
    int64_t known = a->known - weft_step_count(a->start, start, a->step);
    return known < 0 ? 0 : (size_t)known < n ? (size_t)known : n;
}

int weft_series_check_step(const struct weft_series_attrs *a, int64_t step, const char *who, struct weft_err *e)
{
    char theirs[32], ours[32];
    if (step == a->step)
        return 0;
    return weft_fail(e, WEFT_CONFIG, "%s forecasts in steps of a %s, and the stream has steps of a %s", who,
                     weft_step_text(step, theirs), weft_step_text(a->step, ours));
}

void weft_series_attrs_write(const struct weft_series_attrs *a, struct weft_span extra, struct weft_pack *b)
{
    struct weft_edit m = {0};
    char text[32];
    if (extra.n && weft_edit_load(&m, extra, NULL) < 0)
        weft_edit_clear(&m);
    weft_edit_str(&m, "step", weft_step_text(a->step, text));
    weft_edit_str(&m, "start", weft_date_text(a->start, a->step, text));
    weft_edit_int(&m, "length", a->length);
    weft_edit_strs(&m, "keys", a->keys, a->n_keys);
    weft_edit_strs(&m, "channels", a->channels, a->n_channels);
    struct weft_pack *list = weft_edit_set(&m, "reduce");
    weft_pack_array(list, (uint32_t)a->n_channels);
    for (size_t i = 0; i < a->n_channels; i++)
        weft_pack_cstr(list, reduce_names[a->reduce ? a->reduce[i] : WEFT_REDUCE_SUM]);
    weft_edit_done(&m);
    bool exogenous = false;
    for (size_t i = 0; a->role && i < a->n_channels; i++)
        exogenous |= a->role[i] != WEFT_ROLE_TARGET;
    if (exogenous) {
        list = weft_edit_set(&m, "roles");
        weft_pack_array(list, (uint32_t)a->n_channels);
        for (size_t i = 0; i < a->n_channels; i++)
            weft_pack_cstr(list, weft_role_name(a->role[i]));
        weft_edit_done(&m);
    }
    if (a->known > 0 && a->known < a->length)
        weft_edit_int(&m, "known", a->known);
    else
        weft_edit_drop(&m, "known"); /* what the input said of its own calendar */
    if (a->lookback > 0) {
        weft_edit_int(&m, "lookback", a->lookback);
        weft_edit_int(&m, "horizon", a->horizon);
        weft_edit_int(&m, "stride", a->stride);
        weft_edit_str(&m, "scale", weft_scale_names[a->scale]);
    }
    weft_edit_write(&m, b);
    weft_edit_free(&m);
}

/* --- frames --- */

static void read_keys(struct weft_span map, const struct weft_series_attrs *a, struct weft_series *s)
{
    struct weft_value v, key, value;
    memset(s->key, 0, sizeof s->key);
    if (!weft_value_next(&map, &v) || v.kind != WEFT_MAP)
        return;
    size_t at = 0; /* writers keep the order of attrs.keys, so the next name is nearly always the right one */
    while (weft_value_next(&v.body, &key) && weft_value_next(&v.body, &value)) {
        if (value.kind != WEFT_STR)
            continue;
        for (size_t tries = 0; tries < a->n_keys; tries++, at++) {
            if (at >= a->n_keys)
                at = 0;
            if (weft_value_is(&key, a->keys[at])) {
                s->key[at++] = value.body;
                break;
            }
        }
    }
}

static int read_values(const struct weft_value *v, const struct weft_series_attrs *a, struct weft_series *s,
                       struct weft_err *e)
{
    struct weft_tensor t;
    if (weft_tensor_read(v, &t, e) < 0)
        return -1;
    if (t.dtype != WEFT_F32 || t.rank != 2)
        return weft_fail(e, WEFT_DATA, "\"values\" is not a f32 tensor [channels, steps]");
    if (t.dims[0] != a->n_channels)
        return weft_fail(e, WEFT_DATA, "%u channels in a frame, and the head has %zu", t.dims[0], a->n_channels);
    s->n_channels = t.dims[0];
    s->n = t.dims[1];
    s->values = weft_tensor_f32(&t, &s->scratch_values);
    return 0;
}

static int read_window_fields(const struct weft_series_attrs *a, struct weft_series *s, const struct weft_value *split,
                              const struct weft_value *scale, struct weft_err *e)
{
    struct weft_value x;
    struct weft_span body = split->body;
    size_t before = 0;
    if (split->kind != WEFT_ARRAY || split->count != WEFT_PARTS)
        return weft_fail(e, WEFT_DATA, "\"split\" is not three borders");
    for (int i = 0; i < WEFT_PARTS; i++) {
        if (!weft_value_next(&body, &x) || x.kind != WEFT_UINT || x.u < before || x.u > s->n)
            return weft_fail(e, WEFT_DATA, "\"split\" borders do not ascend within the series");
        before = s->split[i] = (size_t)x.u;
    }
    struct weft_tensor t;
    if (weft_tensor_read(scale, &t, e) < 0)
        return -1;
    if (t.dtype != WEFT_F64 || t.rank != 2 || t.dims[0] != 2 || t.dims[1] != a->n_channels)
        return weft_fail(e, WEFT_DATA, "\"scale\" is not a f64 tensor [2, channels]");
    s->scale = weft_tensor_f64(&t, &s->scratch_scale);
    for (size_t c = 0; c < a->n_channels; c++)
        if (!isfinite(s->scale[c]) || !isfinite(s->scale[a->n_channels + c]) || s->scale[a->n_channels + c] <= 0)
            return weft_fail(e, WEFT_DATA, "\"scale\" of channel %s is not usable", a->channels[c]);
    return 0;
}

/* Does the series lie on the stream's calendar, and is each of its values a number or missing? */
static int check_series(const struct weft_series_attrs *a, const struct weft_series *s, struct weft_err *e)
{
    int64_t offset = weft_step_count(a->start, s->start, a->step);
    int n_id = (int)(s->id.n < 80 ? s->id.n : 80);
    const char *id = (const char *)s->id.p;
    bool infinite = false;
    if (offset < 0 || !weft_step_fits(a->start, s->start, a->step) || (uint64_t)offset + s->n > (uint64_t)a->length)
        return weft_fail(e, WEFT_DATA, "series \"%.*s\" does not lie on the calendar of the head", n_id, id);
    for (size_t i = 0; i < s->n_channels * s->n; i++)
        infinite |= isinf(s->values[i]);
    return infinite ? weft_fail(e, WEFT_DATA, "series \"%.*s\" holds an infinite value", n_id, id) : 0;
}

int weft_series_read(struct weft_span frame, const struct weft_series_attrs *a, struct weft_series *s,
                     struct weft_err *e)
{
    struct weft_value m, key, v, id = {0}, keys = {0}, start = {0}, values = {0}, split = {0}, scale = {0};
    struct weft_span rest = frame;
    s->frame = frame;
    s->scale = NULL;
    if (!weft_value_next(&rest, &m) || m.kind != WEFT_MAP)
        return weft_fail(e, WEFT_DATA, "a frame that is no map");
    while (weft_value_next(&m.body, &key) && weft_value_next(&m.body, &v)) {
        if (weft_value_is(&key, "id"))
            id = v;
        else if (weft_value_is(&key, "keys"))
            keys = v;
        else if (weft_value_is(&key, "start"))
            start = v;
        else if (weft_value_is(&key, "values"))
            values = v;
        else if (weft_value_is(&key, "split"))
            split = v;
        else if (weft_value_is(&key, "scale"))
            scale = v;
    }
    if (id.kind != WEFT_STR || start.kind != WEFT_STR)
        return weft_fail(e, WEFT_DATA, "a frame without id and start date");
    if (!weft_date_parse((const char *)start.body.p, start.body.n, &s->start))
        return weft_fail(e, WEFT_DATA, "a frame whose start \"%.*s\" is no date of the years 1600 to 9999",
                         start.body.n < 40 ? (int)start.body.n : 40, (const char *)start.body.p);
    s->id = id.body;
    read_keys(keys.whole, a, s);
    if (!values.whole.p)
        return weft_fail(e, WEFT_DATA, "a frame without values");
    if (read_values(&values, a, s, e) < 0 || check_series(a, s, e) < 0)
        return -1;
    if (a->lookback > 0) {
        if (!split.whole.p || !scale.whole.p)
            return weft_fail(e, WEFT_DATA, "a windows frame without split and scale");
        return read_window_fields(a, s, &split, &scale, e);
    }
    return 0;
}

int weft_series_refuse_twice(const struct weft_series *s, struct weft_ids *met, struct weft_err *e)
{
    if (!weft_ids_add(met, s->id.p, s->id.n, 1))
        return 0;
    weft_fail(e, WEFT_DATA, "series \"%.*s\" comes twice: it would count double", (int)(s->id.n < 80 ? s->id.n : 80),
              (const char *)s->id.p);
    return weft_fail_hint(e, "was one stream joined with itself? ingest takes several files of one table");
}

void weft_series_free(struct weft_series *s)
{
    free(s->scratch_values.p);
    free(s->scratch_scale.p);
    *s = (struct weft_series){0};
}

void *weft_series_begin(struct weft_pack *b, const struct weft_series_attrs *a, struct weft_span id,
                        const struct weft_span *keys, int64_t start, size_t n)
{
    char text[32];
    uint32_t present = 0;
    for (size_t k = 0; k < a->n_keys; k++)
        present += keys[k].p != NULL;
    weft_pack_clear(b);
    weft_pack_map(b, 4);
    weft_pack_cstr(b, "id");
    weft_pack_str(b, (const char *)id.p, id.n);
    weft_pack_cstr(b, "keys");
    weft_pack_map(b, present);
    for (size_t k = 0; k < a->n_keys; k++)
        if (keys[k].p) {
            weft_pack_cstr(b, a->keys[k]);
            weft_pack_str(b, (const char *)keys[k].p, keys[k].n);
        }
    weft_pack_cstr(b, "start");
    weft_pack_cstr(b, weft_date_text(start, a->step, text));
    weft_pack_cstr(b, "values");
    return weft_pack_tensor(b, WEFT_F32, 2, (uint32_t[]){(uint32_t)a->n_channels, (uint32_t)n});
}

int weft_series_key(const struct weft_series_attrs *a, const char *name)
{
    for (size_t k = 0; k < a->n_keys; k++)
        if (strcmp(a->keys[k], name) == 0)
            return (int)k;
    if (strcmp(name, "id") == 0)
        return WEFT_KEY_ID;
    return strcmp(name, "all") == 0 ? WEFT_KEY_ALL : WEFT_KEY_NONE;
}

struct weft_span weft_series_key_text(const struct weft_series *s, int k)
{
    static const uint8_t all[] = "all";
    if (k == WEFT_KEY_ID)
        return s->id;
    if (k == WEFT_KEY_ALL)
        return (struct weft_span){all, 3};
    return k >= 0 ? s->key[k] : (struct weft_span){0};
}

void weft_id_part(struct weft_pack *b, size_t i, size_t n, struct weft_span part)
{
    if (i)
        weft_pack_raw(b, (struct weft_span){(const uint8_t *)"/", 1});
    size_t from = 0;
    for (size_t k = 0; k < part.n && n > 1; k++) {
        bool percent = part.p[k] == '%' && k + 2 < part.n && part.p[k + 1] == '2' &&
                       (part.p[k + 2] == 'F' || part.p[k + 2] == '5');
        if (part.p[k] != '/' && !percent)
            continue;
        weft_pack_raw(b, (struct weft_span){part.p + from, k - from});
        weft_pack_raw(b, (struct weft_span){(const uint8_t *)(percent ? "%25" : "%2F"), 3});
        from = k + 1;
    }
    if (from < part.n)
        weft_pack_raw(b, (struct weft_span){part.p + from, part.n - from});
}

static bool is_one_of(const char *const *names, size_t n_names, const char *name, size_t n)
{
    for (size_t k = 0; k < n_names; k++)
        if (strlen(names[k]) == n && memcmp(names[k], name, n) == 0)
            return true;
    return false;
}

bool weft_channel_is_count(const char *name, size_t n)
{
    return weft_term_nonnegative(weft_term_of(name, n));
}

bool weft_channel_is_sum(const char *name, size_t n)
{
    static const char *const others[] = {"mentions", "brands"};
    return !is_one_of(others, sizeof others / sizeof *others, name, n);
}

struct weft_window_range weft_windows_of(const struct weft_series_attrs *a, const struct weft_series *s,
                                         enum weft_part part)
{
    size_t lookback = (size_t)a->lookback, horizon = (size_t)a->horizon, stride = (size_t)a->stride;
    size_t from = part == WEFT_PART_TRAIN ? 0 : s->split[part - 1], to = s->split[part];
    struct weft_window_range r = {.stride = stride};
    /* The first start whose horizon begins in the part: starts are multiples of the stride, whatever the part. */
    size_t first = from > lookback ? from - lookback : 0;
    first = (first + stride - 1) / stride * stride;
    r.first = first;
    if (to >= horizon + lookback && first <= to - horizon - lookback)
        r.count = (to - horizon - lookback - first) / stride + 1;
    return r;
}
