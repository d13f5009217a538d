/* report_rows.c - reads a ranking, the forecasts that it stands on, and their history. */
#include "report/report_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "record/forecasts.h"

enum { RANK_MAX = 1000000000, PAST_LEAST = 90, PAST_MOST = 364 };

static const char *const field_keys[PART] = {
    "growth",    "low",       "high",       "p_growth", "left_out",   "near",   "far",      "now",  "year_growth",
    "beyond",    "p_top",     "active_now", "active",   "brands_now", "brands", "each_now", "each", "hhi",
    "top_share", "price_now", "price",      "mentions", "history",    "zeros",  "gaps"};
int weft_report_new(const struct weft_head *head, const struct weft_report_options *o, struct weft_report **out,
                    struct weft_err *e)
{
    struct weft_report *r = *out = WEFT_NEW(struct weft_report);
    r->o = o;
    if (weft_ranking_attrs_read(head, &r->a, e) < 0)
        return -1;
    for (int k = 0; k < L_LABELS; k++)
        r->text[k] = weft_report_text_in(o->lang, (enum weft_report_label)k, r->a.step);
    r->channel = o->channel ? o->channel : *r->a.channel ? r->a.channel : NULL;
    return 0;
}

void weft_report_free(struct weft_report **rp)
{
    struct weft_report *r = *rp;
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++) {
        struct row *x = &r->row[i];
        free(x->group);
        free(x->quality);
        free(x->top_brand);
        free(x->mark);
        free(x->model);
        free(x->chart.ahead);
        free(x->chart.past);
    }
    for (size_t i = 0; i < r->n_left; i++) {
        free(r->left[i].group);
        free(r->left[i].why);
    }
    for (int k = 0; k < L_LABELS; k++)
        free(r->text[k]);
    free(r->left);
    free(r->row);
    weft_names_free(&r->names);
    free(r);
    *rp = NULL;
}

static char *text_of(struct weft_span frame, const char *key)
{
    struct weft_value v;
    return weft_map_find(frame, key, &v) && v.kind == WEFT_STR ? weft_xstrndup((const char *)v.body.p, v.body.n) : NULL;
}

static double number_of(struct weft_span frame, const char *key)
{
    struct weft_value v;
    bool number = weft_map_find(frame, key, &v) && (v.kind == WEFT_REAL || v.kind == WEFT_UINT || v.kind == WEFT_INT);
    return number && isfinite(v.real) ? v.real : NAN;
}

static char *name_of(struct weft_span frame)
{
    struct weft_value v;
    return weft_ranking_name(frame, &v) ? weft_xstrndup((const char *)v.body.p, v.body.n) : NULL;
}

static void add_left(struct weft_report *r, struct weft_span frame)
{
    if (r->n_left == r->cap_left) {
        r->cap_left = weft_grow(r->cap_left, r->n_left + 1);
        r->left = weft_xrealloc2(r->left, r->cap_left, sizeof *r->left);
    }
    r->left[r->n_left++] = (struct left){name_of(frame), text_of(frame, "why")};
}

static int sure_of(struct weft_span frame)
{
    struct weft_value v;
    if (!weft_map_find(frame, "sure", &v) || v.kind != WEFT_STR)
        return 0;
    return weft_value_is(&v, "up") ? 1 : -1;
}

/* What the page says of all rows, whether they are shown or not. */
static void count(struct weft_report *r, struct weft_span frame)
{
    double left = number_of(frame, "left_out");
    r->tested |= isfinite(number_of(frame, "p_growth"));
    r->sure |= sure_of(frame) != 0;
    r->series_left += left > 0 && left < RANK_MAX ? (uint64_t)left : 0;
}

static void add_row(struct weft_report *r, struct weft_span frame, uint64_t rank)
{
    char key[64];
    if (r->n == r->cap) {
        r->cap = weft_grow(r->cap, r->n + 1);
        r->row = weft_xrealloc2(r->row, r->cap, sizeof *r->row);
    }
    struct row *x = &r->row[r->n++];
    *x = (struct row){.rank = rank,
                      .group = name_of(frame),
                      .quality = text_of(frame, "quality"),
                      .top_brand = text_of(frame, "top_brand"),
                      .mark = text_of(frame, "mark"),
                      .model = text_of(frame, "model"),
                      .sure = sure_of(frame)};
    for (size_t k = 0; k < PART; k++)
        x->v[k] = number_of(frame, field_keys[k]);
    for (size_t k = 0; k < WEFT_REASONS_MAX; k++) {
        snprintf(key, sizeof key, "reason_%s", weft_reason_names[k]);
        x->v[PART + k] = number_of(frame, key);
    }
}

int weft_report_add(struct weft_report *r, struct weft_span frame, struct weft_err *e)
{
    struct weft_value channel, name, rank;
    bool placed = weft_map_find(frame, "rank", &rank);
    if (!weft_map_find(frame, "channel", &channel) || channel.kind != WEFT_STR || !weft_ranking_name(frame, &name) ||
        (placed && (rank.kind != WEFT_UINT || rank.u > RANK_MAX)))
        return weft_fail(e, WEFT_DATA, "a ranking frame without channel or name, or with an unusable rank");
    if (!r->channel) { /* an older ranking: the first channel that comes */
        snprintf(r->a.channel, sizeof r->a.channel, "%.*s", (int)channel.body.n, (const char *)channel.body.p);
        r->channel = r->a.channel;
    }
    if (!weft_value_is(&channel, r->channel))
        return 0;
    if (!placed) {
        add_left(r, frame);
        return 0;
    }
    count(r, frame);
    if (r->o->top && r->n >= r->o->top)
        return 0;
    add_row(r, frame, rank.u);
    if (r->n <= r->o->charts)
        weft_names_add(&r->names, name.body.p, name.body.n);
    return 0;
}

size_t weft_report_rows(const struct weft_report *r)
{
    return r->n;
}

/* --- what the charts show --- */

static bool text_is(struct weft_span s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* Adds one forecast to the chart of its group. Bands of several series do not add up: then there is none. */
static void add_ahead(struct weft_report *r, struct chart *c, const struct weft_forecasts *f,
                      const struct weft_forecasts_attrs *a)
{
    size_t horizon = f->horizon, last = (f->windows - 1) * horizon;
    const float *q = f->quantiles;
    (void)r;
    if (!c->series++) {
        c->ahead = WEFT_ARRAY(double, 3 * horizon);
        c->low = c->ahead + horizon;
        c->high = c->low + horizon;
    }
    for (size_t h = 0; h < horizon; h++) {
        c->ahead[h] += f->forecast[last + h];
        c->low[h] = q && c->series == 1 ? q[last + h] : NAN;
        c->high[h] = q && c->series == 1 ? q[(a->n_levels - 1) * f->windows * horizon + last + h] : NAN;
    }
}

int weft_report_forecasts(struct weft_report *r, const char *endpoint, const struct weft_stream_opts *o,
                          struct weft_err *e)
{
    struct weft_reader *reader = NULL;
    struct weft_forecasts_attrs a = {0};
    struct weft_forecasts f = {0};
    struct weft_span frame;
    int got = weft_reader_open(endpoint, WEFT_FORECASTS_SCHEMA, o, &reader, e);
    if (got == 0)
        got = weft_forecasts_attrs_read(weft_reader_head(reader), &a, e);
    if (got == 0 && a.horizon != r->a.horizon)
        got = weft_fail(e, WEFT_CONFIG, "%s has a horizon of %lld, and the ranking has %lld", endpoint,
                        (long long)a.horizon, (long long)r->a.horizon);
    int key = got == 0 ? weft_forecasts_key(&a, r->a.by) : WEFT_KEY_ID;
    key = key == WEFT_KEY_NONE ? WEFT_KEY_ID : key;
    while (got >= 0 && (got = weft_reader_next(reader, &frame, e)) > 0) {
        if (weft_forecasts_read(frame, &a, &f, e) < 0) {
            got = -1;
            break;
        }
        struct weft_span group = weft_forecasts_key_text(&f, key);
        size_t i = group.p ? weft_names_find(&r->names, group.p, group.n) : SIZE_MAX;
        bool levels = !f.quantiles || a.n_levels;
        const char *model = i != SIZE_MAX && r->row[i].model ? r->row[i].model : r->a.model;
        if (i != SIZE_MAX && levels && f.windows && !f.why.n && text_is(f.part, "latest") && text_is(f.model, model) &&
            r->channel && text_is(f.channel, r->channel))
            add_ahead(r, &r->row[i].chart, &f, &a);
    }
    weft_reader_close(&reader);
    weft_forecasts_free(&f);
    weft_forecasts_attrs_free(&a);
    return got;
}

/* The values before the origin of the groups that have a chart. */
static void take_past(struct weft_report *r, const struct weft_groups *groups, const struct weft_series_attrs *a,
                      size_t channel, size_t origin)
{
    float *values = weft_xaligned(a->n_channels * (size_t)a->length, sizeof *values);
    for (size_t i = 0; i < r->names.n; i++) {
        struct weft_span id, keys[WEFT_MAX_KEYS];
        uint64_t members;
        size_t group =
            weft_groups_find(groups, (struct weft_span){(const uint8_t *)r->names.at[i].p, r->names.at[i].n});
        if (group == SIZE_MAX)
            continue;
        weft_groups_get(groups, group, &id, keys, values, &members);
        struct chart *c = &r->row[i].chart;
        c->n_past = origin;
        c->past = WEFT_ARRAY(double, origin + 1);
        for (size_t t = 0; t < origin; t++)
            c->past[t] = values[channel * (size_t)a->length + t];
    }
    free(values);
}

static int read_past(struct weft_report *r, struct weft_reader *reader, const struct weft_series_attrs *a,
                     struct weft_err *e)
{
    struct weft_series s = {0};
    struct weft_span frame;
    bool kept[WEFT_MAX_KEYS];
    int level = weft_series_key(a, r->a.by), got;
    int64_t ahead = weft_step_count(a->start, r->a.origin, a->step);
    size_t channel = 0;
    while (channel < a->n_channels && r->channel && strcmp(a->channels[channel], r->channel) != 0)
        channel++;
    if (channel == a->n_channels)
        return weft_fail(e, WEFT_CONFIG, "%s has no channel \"%s\"", weft_reader_name(reader), r->channel);
    if (r->a.origin <= a->start || a->step != r->a.step || ahead < 0 || ahead > a->length)
        return weft_fail(e, WEFT_CONFIG, "%s does not reach the first day that is forecast, in the same steps",
                         weft_reader_name(reader));
    level = level == WEFT_KEY_NONE ? WEFT_KEY_ID : level;
    struct weft_groups *groups = weft_groups_new(a, &level, 1);
    while ((got = weft_reader_next(reader, &frame, e)) > 0)
        if (weft_series_read(frame, a, &s, e) < 0 || weft_groups_add(groups, &s, e) < 0) {
            got = -1;
            break;
        }
    if (got == 0) {
        weft_groups_finish(groups, kept);
        take_past(r, groups, a, channel, (size_t)ahead);
    }
    weft_groups_free(&groups);
    weft_series_free(&s);
    return got;
}

int weft_report_history(struct weft_report *r, const char *endpoint, const struct weft_stream_opts *o,
                        struct weft_err *e)
{
    struct weft_reader *reader = NULL;
    struct weft_series_attrs a = {0};
    int got = weft_reader_open(endpoint, WEFT_SERIES_SCHEMA, o, &reader, e);
    if (got == 0 && r->a.origin == INT64_MIN)
        got =
            weft_fail(e, WEFT_CONFIG,
                      "the ranking does not say on which day its forecasts begin: a rank of today makes one that does");
    if (got == 0)
        got = weft_series_attrs_read(weft_reader_head(reader), &a, e);
    if (got == 0)
        got = read_past(r, reader, &a, e);
    weft_series_attrs_free(&a);
    weft_reader_close(&reader);
    return got;
}

/* --- what both forms say --- */

const char *weft_report_level(const struct weft_report *r)
{
    static const struct {
        const char *key;
        enum weft_report_label label;
    } known[] = {{"major", L_MAJOR}, {"middle", L_MIDDLE}, {"minor", L_MINOR}, {"brand", L_BRAND}, {"id", L_ITEM}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].key, r->a.by) == 0)
            return r->text[known[i].label];
    return r->a.by;
}

const char *weft_report_date(const struct weft_report *r, int64_t steps, char buf[32])
{
    return weft_date_text(weft_step_add(r->a.origin, steps, r->a.step), r->a.step, buf);
}

struct weft_axis weft_report_axis(const struct weft_report *r, size_t n)
{
    double from = 0.9, to = 1.1, most = 0;
    for (size_t i = 0; i < n; i++) {
        const double *v = r->row[i].v;
        most = fmax(most, fmax(v[GROWTH], isfinite(v[BEYOND]) ? v[BEYOND] : 0));
        from = fmin(from, fmin(isfinite(v[LOW]) ? v[LOW] : 1, isfinite(v[BEYOND]) ? v[BEYOND] : 1));
        to = fmax(to, fmax(isfinite(v[HIGH]) ? v[HIGH] : 1, most));
    }
    return weft_axis_over(fmax(from, 0), fmin(to, fmax(2 * most, 1.2)),
                          5); /* one very wide interval does not make all others small */
}

size_t weft_report_smoothed(const struct weft_report *r)
{
    return weft_step_season(r->a.step);
}

const char *weft_report_history_line(const struct weft_report *r, char buf[200])
{
    size_t steps = weft_report_smoothed(r);
    snprintf(buf, 200, r->text[steps > 1 ? L_HISTORY_LINE : L_HISTORY_PLAIN], steps);
    return buf;
}

/* The same days a year before, as the mean of the `smooth` steps that end there; NULL when the history does not reach
 * so far. The caller frees it. */
static double *year_before(const struct weft_report *r, const struct chart *c, size_t smooth)
{
    size_t year = weft_step_year(r->a.step), horizon = (size_t)r->a.horizon;
    if (!year || c->n_past < year + smooth || horizon > year)
        return NULL;
    double *out = WEFT_ARRAY(double, horizon);
    for (size_t h = 0; h < horizon; h++) {
        size_t at = c->n_past - year + h;
        for (size_t k = 0; k < smooth; k++)
            out[h] += c->past[at - k] / (double)smooth;
    }
    return out;
}

/* Four horizons of the past: enough to see where the sales come from, and the forecast keeps a fifth of the picture. */
static size_t past_shown(const struct chart *c, size_t horizon)
{
    size_t wanted = 4 * horizon < PAST_LEAST ? PAST_LEAST : 4 * horizon < PAST_MOST ? 4 * horizon : PAST_MOST;
    return !c->past ? 0 : c->n_past < wanted ? c->n_past : wanted;
}

struct weft_chart_lines weft_report_lines(const struct weft_report *r, const struct row *x)
{
    const struct chart *c = &x->chart;
    size_t horizon = (size_t)r->a.horizon, shown = past_shown(c, horizon);
    return (struct weft_chart_lines){.past = c->past ? c->past + c->n_past - shown : NULL,
                                     .n_past = shown,
                                     .year = c->past ? year_before(r, c, weft_report_smoothed(r)) : NULL,
                                     .ahead = c->ahead,
                                     .low = c->low,
                                     .high = c->high,
                                     .horizon = horizon,
                                     .smooth = weft_report_smoothed(r),
                                     .near = {(size_t)r->a.near[0], (size_t)r->a.near[1]},
                                     .far = {(size_t)r->a.far[0], (size_t)r->a.far[1]}};
}
