/* pool.c - windows in memory. */
#include "train/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "base/rng.h"

void weft_pool_unit_free(struct weft_pool_unit *u)
{
    for (int p = 0; p < WEFT_PARTS; p++) {
        free(u->part[p].at);
        free(u->part[p].time);
    }
    *u = (struct weft_pool_unit){0};
}

void weft_pool_free(struct weft_pool *p)
{
    free(p->values);
    *p = (struct weft_pool){0};
}

static void add_place(struct weft_places *p, size_t at, size_t time)
{
    if (p->n == p->cap) {
        p->cap = weft_grow(p->cap, p->n + 1);
        p->at = weft_xrealloc2(p->at, p->cap, sizeof *p->at);
        p->time = weft_xrealloc2(p->time, p->cap, sizeof *p->time);
    }
    p->time[p->n] = (uint32_t)time;
    p->at[p->n++] = (uint32_t)at;
}

/* Window starts of one part: `bad` runs ahead and holds the last missing step before the window's end. */
static void add_part(struct weft_places *p, const float *x, size_t base, size_t time, struct weft_window_range r,
                     size_t width)
{
    size_t seen = r.first, clean = r.first; /* x[clean .. seen) has no missing value */
    for (size_t w = 0; w < r.count; w++) {
        size_t start = r.first + w * r.stride;
        for (; seen < start + width; seen++)
            if (isnan(x[seen]))
                clean = seen + 1;
        if (clean <= start)
            add_place(p, base + start, time + start);
    }
}

int weft_pool_add(struct weft_pool *p, struct weft_pool_unit *u, const struct weft_series_attrs *a,
                  const struct weft_series *s, size_t c, enum weft_part last, struct weft_err *e)
{
    size_t n = s->split[last] < s->n ? s->split[last] : s->n, width = (size_t)(a->lookback + a->horizon);
    double shift = s->scale[c], factor = s->scale[a->n_channels + c];
    const float *x = s->values + c * s->n;
    if (p->n + n > UINT32_MAX)
        return weft_fail(
            e, WEFT_TEMPFAIL,
            "more values than a training in memory can hold (2^32); take fewer series, or the exact solver");
    if (p->n + n > p->cap) {
        p->cap = weft_grow(p->cap, p->n + n);
        p->values = weft_xrealloc2(p->values, p->cap, sizeof *p->values);
    }
    for (size_t i = 0; i < n; i++)
        p->values[p->n + i] = (float)(((double)x[i] - shift) / factor);
    for (int part = 0; part <= (int)last; part++)
        add_part(&u->part[part], x, p->n, (size_t)weft_step_count(a->start, s->start, a->step),
                 weft_windows_of(a, s, (enum weft_part)part), width);
    p->n += n;
    return 0;
}

void weft_pool_keep(const struct weft_pool *p, const struct weft_places *places, size_t width,
                    struct weft_residuals *keep)
{
    for (size_t i = 0; i < places->n; i++) {
        float *row = weft_residuals_offer(keep, weft_hash(&places->at[i], sizeof places->at[i], 0));
        if (row)
            memcpy(row, p->values + places->at[i], width * sizeof *row);
    }
}

uint32_t *weft_pool_bundles(struct weft_places *p, size_t *n_bundles)
{
    uint32_t latest = 0;
    for (size_t i = 0; i < p->n; i++)
        latest = p->time[i] > latest ? p->time[i] : latest;
    size_t *count = WEFT_ARRAY(size_t, (size_t)latest + 2), bundles = 0;
    uint32_t *at = weft_xmalloc((p->n + 1) * sizeof *at), *time = weft_xmalloc((p->n + 1) * sizeof *time);
    for (size_t i = 0; i < p->n; i++)
        count[p->time[i] + 1]++;
    uint32_t *start = weft_xmalloc(((size_t)latest + 3) * sizeof *start);
    for (size_t t = 0; t <= latest; t++) {
        if (count[t + 1])
            start[bundles++] = (uint32_t)count[t];
        count[t + 1] += count[t];
    }
    start[bundles] = (uint32_t)p->n;
    for (size_t i = 0; i < p->n; i++) {
        size_t to = count[p->time[i]]++;
        at[to] = p->at[i];
        time[to] = p->time[i];
    }
    free(count);
    free(p->at);
    free(p->time);
    p->at = at;
    p->time = time;
    p->cap = p->n;
    *n_bundles = bundles;
    return start;
}
