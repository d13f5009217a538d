/* actuals.c - forecasts meet the days that they were made for. */
#include "measure/actuals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "base/names.h"

struct line {
    int64_t start; /* seconds */
    size_t n;
    float *values; /* [targets, n] */
};

struct weft_actuals {
    const struct weft_forecasts_attrs *to;
    struct weft_series_attrs attrs;
    char *name;              /* of the stream */
    struct weft_names names; /* "LEVEL\0ID" */
    struct line *line;       /* [names.n] */
    size_t cap;
    struct weft_pack key;
    struct weft_scratch room; /* [windows, horizon] */
    struct weft_actuals_count count;
    int64_t from, end; /* the days that were forecast */
    char first_id[81]; /* of a series that is not there */
};

static struct weft_span key_of(struct weft_pack *b, struct weft_span frame, struct weft_span id)
{
    struct weft_value level;
    weft_pack_clear(b);
    if (weft_map_find(frame, "level", &level) && level.kind == WEFT_STR)
        weft_pack_raw(b, level.body);
    weft_pack_raw(b, (struct weft_span){(const uint8_t *)"", 1});
    weft_pack_raw(b, id);
    return weft_pack_span(b);
}

static int keep(struct weft_actuals *a, const struct weft_series *s, struct weft_err *e)
{
    struct weft_span key = key_of(&a->key, s->frame, s->id);
    size_t known = a->names.n, i = weft_names_add(&a->names, key.p, key.n), cells;
    if (i < known)
        return weft_fail(e, WEFT_DATA, "%s has series \"%.*s\" twice", a->name, s->id.n < 80 ? (int)s->id.n : 80,
                         (const char *)s->id.p);
    if (i >= a->cap) {
        a->cap = weft_grow(a->cap, i + 1);
        a->line = weft_xrealloc2(a->line, a->cap, sizeof *a->line);
    }
    a->line[i] = (struct line){s->start, s->n, NULL};
    if (!weft_mul(a->attrs.n_targets, s->n, &cells))
        return weft_fail(e, WEFT_DATA, "%s: a series that is too long", a->name);
    a->line[i].values = weft_xrealloc2(NULL, cells + 1, sizeof(float));
    memcpy(a->line[i].values, s->values, cells * sizeof(float));
    return 0;
}

static size_t channel_of(const struct weft_actuals *a, const char *name, size_t n)
{
    size_t c = 0;
    while (c < a->attrs.n_targets && (strlen(a->attrs.channels[c]) != n || memcmp(a->attrs.channels[c], name, n) != 0))
        c++;
    return c;
}

static int check_fit(const struct weft_actuals *a, struct weft_err *e)
{
    char theirs[32], ours[32];
    if (a->attrs.step != a->to->step)
        return weft_fail(e, WEFT_CONFIG, "%s has steps of a %s, and the forecasts have steps of a %s", a->name,
                         weft_step_text(a->attrs.step, theirs), weft_step_text(a->to->step, ours));
    for (size_t c = 0; c < a->to->n_channels; c++)
        if (channel_of(a, a->to->channels[c], strlen(a->to->channels[c])) < a->attrs.n_targets)
            return 0;
    weft_fail(e, WEFT_CONFIG, "%s and the forecasts have no channel in common: the one has %s, the others %s", a->name,
              a->attrs.n_targets ? a->attrs.channels[0] : "none", a->to->channels[0]);
    return weft_fail_hint(e, "give the series stream that the forecasts were made of, some days later");
}

int weft_actuals_open(const char *endpoint, const struct weft_stream_opts *o, const struct weft_forecasts_attrs *to,
                      struct weft_actuals **out, struct weft_err *e)
{
    struct weft_actuals *a = *out = WEFT_NEW(struct weft_actuals);
    struct weft_reader *reader = NULL;
    struct weft_series series = {0};
    struct weft_span frame;
    a->to = to;
    a->from = INT64_MAX;
    a->end = INT64_MIN;
    int got = weft_reader_open(endpoint, WEFT_SERIES_SCHEMA, o, &reader, e);
    if (got == 0) {
        a->name = weft_xstrdup(weft_reader_name(reader));
        got = weft_series_attrs_read(weft_reader_head(reader), &a->attrs, e);
    }
    if (got == 0)
        got = check_fit(a, e);
    while (got >= 0 && (got = weft_reader_next(reader, &frame, e)) > 0)
        if (weft_series_read(frame, &a->attrs, &series, e) < 0 || keep(a, &series, e) < 0)
            got = -1;
    weft_series_free(&series);
    weft_reader_close(&reader);
    return got;
}

void weft_actuals_close(struct weft_actuals **ap)
{
    struct weft_actuals *a = *ap;
    if (!a)
        return;
    for (size_t i = 0; i < a->names.n && i < a->cap; i++)
        free(a->line[i].values);
    free(a->line);
    free(a->name);
    free(a->room.p);
    weft_names_free(&a->names);
    weft_series_attrs_free(&a->attrs);
    weft_pack_free(&a->key);
    free(a);
    *ap = NULL;
}

/* A day some steps later. Frames come from outside: their numbers may be anything, and wrap around then. */
static int64_t later(int64_t day, uint64_t steps, int64_t step)
{
    return (int64_t)((uint64_t)day + steps * (uint64_t)step);
}

/* x[n] of the line's days from `at` on; NaN outside of it. Returns how many there are. */
static size_t take(struct weft_actuals *a, const struct line *line, size_t channel, int64_t at, size_t n, float *x)
{
    size_t found = 0;
    int64_t from_start = (int64_t)((uint64_t)at - (uint64_t)line->start), ahead = from_start / a->attrs.step;
    bool whole = from_start % a->attrs.step == 0;
    for (size_t h = 0; h < n; h++) {
        int64_t t = ahead + (int64_t)h, day = later(at, h, a->attrs.step);
        x[h] = whole && t >= 0 && t < (int64_t)line->n ? line->values[channel * line->n + (size_t)t] : NAN;
        if (isnan(x[h]))
            continue;
        a->count.first = !a->count.found || day < a->count.first ? day : a->count.first;
        a->count.last = !a->count.found || day > a->count.last ? day : a->count.last;
        a->count.found++;
        found++;
    }
    return found;
}

const float *weft_actuals_of(struct weft_actuals *a, struct weft_span frame, const struct weft_forecasts *f)
{
    size_t channel = channel_of(a, (const char *)f->channel.p, f->channel.n), cells = f->windows * f->horizon,
           found = 0;
    struct weft_span key = key_of(&a->key, frame, f->id);
    size_t i = weft_names_find(&a->names, key.p, key.n);
    if (channel == a->attrs.n_targets) {
        a->count.channels++;
        return NULL;
    }
    int64_t step = a->attrs.step,
            last = later(f->origin, (f->windows - 1) * (uint64_t)f->stride + f->horizon - 1, step);
    a->count.days += cells;
    a->from = f->origin < a->from ? f->origin : a->from;
    a->end = last > a->end ? last : a->end;
    if (i == SIZE_MAX) {
        if (!a->count.unknown++)
            snprintf(a->first_id, sizeof a->first_id, "%.*s", f->id.n < 80 ? (int)f->id.n : 80, (const char *)f->id.p);
        return NULL;
    }
    if (a->room.cap < cells) {
        a->room.cap = weft_grow(a->room.cap, cells);
        a->room.p = weft_xrealloc2(a->room.p, a->room.cap, sizeof(float));
    }
    float *x = a->room.p;
    for (size_t w = 0; w < f->windows; w++)
        found += take(a, &a->line[i], channel, later(f->origin, w * (uint64_t)f->stride, step), f->horizon,
                      x + w * f->horizon);
    return found ? x : NULL;
}

void weft_actuals_counts(const struct weft_actuals *a, struct weft_actuals_count *out)
{
    *out = a->count;
}

int weft_actuals_none(const struct weft_actuals *a, struct weft_err *e)
{
    char from[32], to[32], begins[32], ends[32];
    const struct weft_series_attrs *s = &a->attrs;
    if (a->from == INT64_MAX)
        return weft_fail(e, WEFT_DATA, "no forecasts of the latest days came that %s could be set beside", a->name);
    weft_date_text(a->from, s->step, from);
    weft_date_text(a->end, s->step, to);
    weft_date_text(s->start, s->step, begins);
    weft_date_text(s->start + (s->known - 1) * s->step, s->step, ends);
    if (s->start + (s->known - 1) * s->step >= a->from && s->start <= a->end && a->count.unknown) {
        weft_fail(e, WEFT_DATA, "%s has none of the series that were forecast (the first: \"%s\")", a->name,
                  a->first_id);
        return weft_fail_hint(e, "give series of the same level: aggregate them as those that were forecast");
    }
    weft_fail(e, WEFT_DATA, "the forecasts are for %s to %s, and %s has no value of these days: it has %s to %s", from,
              to, a->name, begins, ends);
    return weft_fail_hint(e, "give the series of a later day");
}

void weft_actuals_say(const struct weft_actuals *a, const char *path, struct weft_run *run)
{
    struct weft_actuals_count c;
    char first[32], last[32];
    weft_actuals_counts(a, &c);
    weft_run_warn(run, "%llu of %llu forecast values have an actual one, from %s to %s", (unsigned long long)c.found,
                  (unsigned long long)c.days, weft_date_text(c.first, a->attrs.step, first),
                  weft_date_text(c.last, a->attrs.step, last));
    if (c.unknown)
        weft_run_warn(run, "%llu forecasts are of series that %s does not have", (unsigned long long)c.unknown, path);
    if (c.channels)
        weft_run_warn(run, "%llu forecasts are of channels that %s does not have", (unsigned long long)c.channels,
                      path);
}
