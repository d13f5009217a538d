/* reasons.c - explanations frames, and reasons in words. */
#include "rank/reasons.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"

const char *const weft_reason_names[WEFT_REASONS_MAX] = {"last_week", "weekday", "month",   "quarter",
                                                         "year_ago",  "rest",    "channels"};
const char *const weft_reason_titles[WEFT_REASONS_MAX] = {
    "last week", "same weekdays", "last 4 weeks", "last 3 months", "a year ago", "earlier", "plan and other channels"};

enum { SAID_MAX = 2 };

/* How many groups there are: that of the channels stands last, and only where a model has some. */
static uint32_t groups_of(bool channels)
{
    return WEFT_REASONS_MAX - (channels ? 0 : 1);
}

/* --- writing --- */

static void pack_days(struct weft_pack *b, const char *key, const size_t days[2])
{
    weft_pack_cstr(b, key);
    weft_pack_array(b, 2);
    weft_pack_uint(b, days[0]);
    weft_pack_uint(b, days[1]);
}

void weft_reasons_attrs_write(const struct weft_reasons_attrs *a, struct weft_span series, struct weft_pack *b)
{
    struct weft_value by;
    char text[32];
    bool levels = weft_map_find(series, "by", &by);
    weft_pack_map(b, 7 + levels);
    weft_pack_cstr(b, "step");
    weft_pack_cstr(b, weft_step_text(a->step, text));
    weft_pack_cstr(b, "keys");
    weft_pack_cstrs(b, a->keys, a->n_keys);
    if (levels) {
        weft_pack_cstr(b, "by");
        weft_pack_raw(b, by.whole);
    }
    weft_pack_cstr(b, "model");
    weft_pack_cstr(b, a->model);
    weft_pack_cstr(b, "horizon");
    weft_pack_int(b, a->horizon);
    pack_days(b, "near", a->near);
    pack_days(b, "far", a->far);
    weft_pack_cstr(b, "groups");
    weft_pack_cstrs(b, (char *const *)weft_reason_names, groups_of(a->channels));
}

int weft_reason_write(const struct weft_reason *r, struct weft_span series, const char *channel, const double *lags,
                      size_t lookback, const float *profile, size_t season, struct weft_edit *edit, struct weft_pack *b,
                      struct weft_err *e)
{
    static const char *const of_series[] = {"start", "values", "split", "scale"};
    const uint32_t groups[] = {groups_of(r->channels)}, both[] = {2, (uint32_t)lookback};
    if (weft_edit_load(edit, series, e) < 0)
        return -1;
    for (size_t i = 0; i < sizeof of_series / sizeof *of_series; i++)
        weft_edit_drop(edit, of_series[i]);
    weft_edit_str(edit, "channel", channel);
    weft_edit_real(edit, "near", r->near);
    weft_edit_real(edit, "near_mean", r->near_mean);
    weft_edit_real(edit, "far", r->far);
    weft_edit_real(edit, "far_mean", r->far_mean);
    weft_edit_int(edit, "windows", (int64_t)r->windows);
    weft_pack_f64(weft_edit_set(edit, "phi_near"), 1, groups, r->phi_near);
    weft_edit_done(edit);
    weft_pack_f64(weft_edit_set(edit, "phi_far"), 1, groups, r->phi_far);
    weft_edit_done(edit);
    if (profile) {
        weft_pack_f32(weft_edit_set(edit, "profile"), 1, (uint32_t[]){(uint32_t)season}, profile);
        weft_edit_done(edit);
    }
    if (lags) {
        weft_pack_f64(weft_edit_set(edit, "lags"), 2, both, lags);
        weft_edit_done(edit);
    }
    weft_edit_write(edit, b);
    return 0;
}

/* --- one explanation --- */

static double index_of(double near, double far, const struct weft_growth_shape *shape)
{
    double now = near / weft_growth_shape_near(shape);
    return now > 0 ? far / weft_growth_shape_far(shape) / now : NAN;
}

double weft_reason_index(const struct weft_reason *r)
{
    return index_of(r->near, r->far, &r->shape);
}

bool weft_reason_growth(const struct weft_reason *r, double out[WEFT_REASONS_MAX])
{
    double index = weft_reason_index(r), of_near = weft_growth_shape_near(&r->shape),
           of_far = weft_growth_shape_far(&r->shape);
    for (size_t k = 0; k < WEFT_REASONS_MAX; k++)
        out[k] = (r->phi_far[k] / of_far - index * r->phi_near[k] / of_near) / (r->near / of_near);
    return !isnan(index);
}

enum { ID, CHANNEL, TARGET, FORECAST, MEAN, GROUPS }; /* columns */

void weft_reason_columns(bool channels, struct weft_table *t)
{
    weft_table_column(t, "id", "id", WEFT_CELL_TEXT, 0, 0);
    weft_table_column(t, "channel", "channel", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    weft_table_column(t, "target", "", WEFT_CELL_TEXT, 0, 0);
    weft_table_column(t, "forecast", "forecast", WEFT_CELL_REAL, 3, 0);
    weft_table_column(t, "mean", "mean", WEFT_CELL_REAL, 3, 0);
    for (size_t k = 0; k < groups_of(channels); k++)
        weft_table_column(t, weft_reason_names[k], weft_reason_titles[k], WEFT_CELL_REAL, 3, 0);
}

void weft_reason_rows(const struct weft_reason *r, struct weft_span id, const char *channel, bool growth,
                      struct weft_table *t)
{
    double part[WEFT_REASONS_MAX];
    (void)weft_reason_growth(r, part);
    const struct {
        const char *target;
        double forecast, mean;
        const double *phi;
    } row[] = {{"near", r->near, r->near_mean, r->phi_near},
               {"far", r->far, r->far_mean, r->phi_far},
               {"growth", weft_reason_index(r), index_of(r->near_mean, r->far_mean, &r->shape), part}};
    for (size_t i = 0; i < 2 + (size_t)growth; i++) {
        weft_table_row(t);
        weft_table_text(t, ID, (const char *)id.p, id.n);
        weft_table_text(t, CHANNEL, channel, strlen(channel));
        weft_table_text(t, TARGET, row[i].target, strlen(row[i].target));
        weft_table_real(t, FORECAST, row[i].forecast);
        weft_table_real(t, MEAN, row[i].mean);
        for (size_t k = 0; k < groups_of(r->channels); k++)
            weft_table_real(t, GROUPS + k, r->reaches[k] ? row[i].phi[k] : NAN);
    }
}

/* --- reading --- */

struct weft_reasons {
    struct weft_names groups, channels, keys;
    struct weft_reason *at; /* [keys.n] */
    size_t cap;
    struct weft_growth_spans spans;
};

static int check_days(const struct weft_head *h, const char *name, const struct weft_growth_days days,
                      const char *endpoint, struct weft_err *e)
{
    struct weft_value v, x;
    size_t got[2] = {0};
    if (weft_map_find(h->attrs, name, &v) && v.kind == WEFT_ARRAY && v.count == 2)
        for (int i = 0; i < 2; i++)
            if (weft_value_next(&v.body, &x) && x.kind == WEFT_UINT && x.u <= INT32_MAX)
                got[i] = (size_t)x.u;
    if (got[0] == days.from && got[1] == days.to)
        return 0;
    weft_fail(e, WEFT_CONFIG, "%s explains the %s days %zu:%zu, and the ranking has %zu:%zu", endpoint, name, got[0],
              got[1], days.from, days.to);
    return weft_fail_hint(e, "give explain and rank the same --near and --far");
}

static bool number(struct weft_span frame, const char *key, double *out)
{
    struct weft_value v;
    if (!weft_map_find(frame, key, &v) || !(v.kind == WEFT_REAL || v.kind == WEFT_UINT || v.kind == WEFT_INT))
        return false;
    *out = v.real;
    return isfinite(v.real);
}

static bool parts(struct weft_span frame, const char *key, double out[WEFT_REASONS_MAX])
{
    struct weft_value v;
    struct weft_tensor t;
    if (!weft_map_find(frame, key, &v) || weft_tensor_read(&v, &t, NULL) < 0 || t.dtype != WEFT_F64 || t.rank != 1 ||
        (t.count != groups_of(false) && t.count != groups_of(true)))
        return false;
    memset(out, 0, WEFT_REASONS_MAX * sizeof *out);
    memcpy(out, t.data, t.count * sizeof *out);
    return true;
}

/* The text that names a frame's group; the empty span: it has none. */
static struct weft_span group_of(struct weft_span frame, const char *level)
{
    struct weft_value keys, v;
    if (weft_map_find(frame, "keys", &keys) && keys.kind == WEFT_MAP && weft_map_find(keys.whole, level, &v) &&
        v.kind == WEFT_STR)
        return v.body;
    if (strcmp(level, "id") == 0 && weft_map_find(frame, "id", &v) && v.kind == WEFT_STR)
        return v.body;
    if (strcmp(level, "all") == 0)
        return (struct weft_span){(const uint8_t *)"all", 3};
    return (struct weft_span){(const uint8_t *)"(none)", 6};
}

/* NULL: there is none of this season. */
static const float *profile_of(struct weft_span frame, size_t season, struct weft_scratch *scratch)
{
    struct weft_value v;
    struct weft_tensor t;
    if (!weft_map_find(frame, "profile", &v) || weft_tensor_read(&v, &t, NULL) < 0 || t.dtype != WEFT_F32 ||
        t.count != season)
        return NULL;
    return weft_tensor_f32(&t, scratch);
}

static int add(struct weft_reasons *r, struct weft_span frame, const char *level, struct weft_err *e)
{
    struct weft_reason x;
    struct weft_value channel;
    struct weft_scratch scratch = {0};
    const float *profile;
    if (!weft_map_find(frame, "channel", &channel) || channel.kind != WEFT_STR || !number(frame, "near", &x.near) ||
        !number(frame, "far", &x.far) || !parts(frame, "phi_near", x.phi_near) || !parts(frame, "phi_far", x.phi_far))
        return weft_fail(e, WEFT_DATA, "an explanations frame without channel, near, far, phi_near or phi_far");
    struct weft_span group = group_of(frame, level);
    size_t key[2] = {weft_names_add(&r->groups, group.p, group.n),
                     weft_names_add(&r->channels, channel.body.p, channel.body.n)};
    size_t known = r->keys.n, i = weft_names_add(&r->keys, key, sizeof key);
    if (i >= r->cap) {
        r->cap = weft_grow(r->cap, i + 1);
        r->at = weft_xrealloc2(r->at, r->cap, sizeof *r->at);
    }
    if (i == known)
        r->at[i] = (struct weft_reason){0};
    if (r->spans.unlike && (profile = profile_of(frame, r->spans.season, &scratch)))
        weft_growth_shape_add(&r->at[i].shape, profile, &r->spans);
    free(scratch.p);
    r->at[i].near += x.near;
    r->at[i].far += x.far;
    for (size_t k = 0; k < WEFT_REASONS_MAX; k++) {
        r->at[i].phi_near[k] += x.phi_near[k];
        r->at[i].phi_far[k] += x.phi_far[k];
    }
    return 0;
}

int weft_reasons_read(const char *endpoint, const struct weft_stream_opts *o, const char *level,
                      const struct weft_growth_spans *spans, struct weft_reasons **out, struct weft_err *e)
{
    struct weft_reasons *r = *out = WEFT_NEW(struct weft_reasons);
    struct weft_reader *reader = NULL;
    struct weft_span frame;
    r->spans = *spans;
    int got = weft_reader_open(endpoint, WEFT_EXPLANATIONS_SCHEMA, o, &reader, e);
    if (got == 0 && (check_days(weft_reader_head(reader), "near", spans->near, endpoint, e) < 0 ||
                     check_days(weft_reader_head(reader), "far", spans->far, endpoint, e) < 0))
        got = -1;
    while (got >= 0 && (got = weft_reader_next(reader, &frame, e)) > 0)
        got = add(r, frame, level, e);
    weft_reader_close(&reader);
    return got;
}

void weft_reasons_free(struct weft_reasons **rp)
{
    struct weft_reasons *r = *rp;
    if (!r)
        return;
    weft_names_free(&r->groups);
    weft_names_free(&r->channels);
    weft_names_free(&r->keys);
    free(r->at);
    free(r);
    *rp = NULL;
}

bool weft_reasons_of(const struct weft_reasons *r, struct weft_span group, struct weft_span channel,
                     double out[WEFT_REASONS_MAX])
{
    size_t key[2] = {weft_names_find(&r->groups, group.p, group.n),
                     weft_names_find(&r->channels, channel.p, channel.n)};
    size_t i = key[0] == SIZE_MAX || key[1] == SIZE_MAX ? SIZE_MAX : weft_names_find(&r->keys, key, sizeof key);
    return i != SIZE_MAX && weft_reason_growth(&r->at[i], out);
}

char *weft_reasons_text(const double part[WEFT_REASONS_MAX])
{
    bool said[WEFT_REASONS_MAX] = {0};
    char text[256] = "";
    size_t at = 0;
    for (int n = 0; n < SAID_MAX; n++) {
        size_t best = WEFT_REASONS_MAX;
        for (size_t k = 0; k < WEFT_REASONS_MAX; k++)
            if (!said[k] && fabs(part[k]) >= 0.005 && (best == WEFT_REASONS_MAX || fabs(part[k]) > fabs(part[best])))
                best = k;
        if (best == WEFT_REASONS_MAX)
            break;
        said[best] = true;
        if (fabs(part[best]) > WEFT_REASON_MOST)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s far %s", at ? ", " : "", weft_reason_titles[best],
                                   part[best] > 0 ? "up" : "down");
        else
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s %+.0f%%", at ? ", " : "",
                                   weft_reason_titles[best], 100 * part[best]);
    }
    return weft_xstrdup(at ? text : "no single cause");
}
