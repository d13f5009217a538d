/* history.c - the past of a ranking's groups. */
#include "rank/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "rank/group.h"
#include "base/mem.h"

enum { LEVELS_MAX = 8 };

struct weft_history {
    struct weft_reader *reader;
    struct weft_series_attrs attrs;
    struct weft_series series;
    struct weft_groups *groups;
    struct weft_history_span span;
    int brand;
    size_t origin; /* index of the first step that is forecast */
    float *values; /* [channels, length]: room for one group */
};

int weft_history_open(const char *endpoint, const struct weft_stream_opts *o, char *const *by, size_t n_by,
                      const char *brand, bool brand_told, struct weft_history **out, struct weft_err *e)
{
    struct weft_history *h = *out = WEFT_NEW(struct weft_history);
    int levels[LEVELS_MAX];
    if (weft_reader_open(endpoint, WEFT_SERIES_SCHEMA, o, &h->reader, e) < 0 ||
        weft_series_attrs_read(weft_reader_head(h->reader), &h->attrs, e) < 0)
        return -1;
    if (n_by > LEVELS_MAX)
        return weft_fail(e, WEFT_CONFIG, "groups of more than %d levels", LEVELS_MAX);
    for (size_t i = 0; i < n_by; i++) {
        levels[i] = weft_series_key(&h->attrs, by[i]);
        if (levels[i] == WEFT_KEY_NONE) {
            weft_fail(e, WEFT_CONFIG, "%s has no key \"%s\", by which the forecasts are ranked", endpoint, by[i]);
            return weft_fail_hint(e, "give the series before aggregate, as ingest wrote them");
        }
    }
    h->brand = weft_series_key(&h->attrs, brand);
    if (brand_told && h->brand == WEFT_KEY_NONE)
        return weft_fail(e, WEFT_CONFIG, "--brand: %s has no key \"%s\"", endpoint, brand);
    h->groups = weft_groups_new(&h->attrs, levels, n_by);
    return 0;
}

void weft_history_close(struct weft_history **hp)
{
    struct weft_history *h = *hp;
    if (!h)
        return;
    weft_reader_close(&h->reader);
    weft_groups_free(&h->groups);
    weft_series_free(&h->series);
    weft_series_attrs_free(&h->attrs);
    free(h->values);
    free(h);
    *hp = NULL;
}

/* Where the forecasts begin on the calendar of the history. */
static int find_origin(struct weft_history *h, struct weft_err *e)
{
    const struct weft_series_attrs *a = &h->attrs;
    const char *name = weft_reader_name(h->reader);
    char ends[32], begins[32];
    int64_t ahead = weft_step_count(a->start, h->span.origin, a->step);
    if (a->step != h->span.step)
        return weft_fail(e, WEFT_CONFIG, "%s has steps of a %s, and the forecasts have steps of a %s", name,
                         weft_step_text(a->step, ends), weft_step_text(h->span.step, begins));
    if (ahead <= 0 || !weft_step_fits(a->start, h->span.origin, a->step) || ahead > a->length)
        return weft_fail(e, WEFT_CONFIG, "%s has the days from %s to %s, and the forecasts begin on %s", name,
                         weft_date_text(a->start, a->step, (char[32]){0}),
                         weft_date_text(weft_step_add(a->start, a->length - 1, a->step), a->step, ends),
                         weft_date_text(h->span.origin, a->step, begins));
    h->origin = (size_t)ahead;
    return 0;
}

int weft_history_read(struct weft_history *h, const struct weft_history_span *span, struct weft_err *e)
{
    const struct weft_series_attrs *a = &h->attrs;
    struct weft_span frame;
    bool kept[WEFT_MAX_KEYS];
    int got;
    h->span = *span;
    if (find_origin(h, e) < 0)
        return -1;
    h->span.now = span->now < h->origin ? span->now : h->origin;
    weft_groups_watch(h->groups, weft_sales_channel(a->channels, a->n_channels), h->brand, span->active,
                      h->origin - h->span.now, h->origin);
    while ((got = weft_reader_next(h->reader, &frame, e)) > 0)
        if (weft_series_read(frame, a, &h->series, e) < 0 || weft_groups_add(h->groups, &h->series, e) < 0)
            return -1;
    if (got < 0)
        return -1;
    weft_groups_finish(h->groups, kept);
    h->values = weft_xaligned(a->n_channels * (size_t)a->length, sizeof *h->values);
    return 0;
}

size_t weft_history_group(const struct weft_history *h, struct weft_span name)
{
    return weft_groups_find(h->groups, name);
}

static size_t channel_of(const struct weft_history *h, const char *name)
{
    for (size_t c = 0; c < h->attrs.n_channels; c++)
        if (strcmp(h->attrs.channels[c], name) == 0)
            return c;
    return SIZE_MAX;
}

/* All channels of a group, in h->values. */
static const float *load(const struct weft_history *h, size_t group)
{
    struct weft_span id, keys[WEFT_MAX_KEYS];
    uint64_t members;
    weft_groups_get(h->groups, group, &id, keys, h->values, &members);
    return h->values;
}

/* Mean of what there is in [from, to); NaN when it is less than half. */
static double mean_of(const float *x, size_t from, size_t to)
{
    double sum = 0;
    size_t n = 0;
    for (size_t t = from; t < to; t++)
        if (!isnan(x[t])) {
            sum += x[t];
            n++;
        }
    return n && 2 * n >= to - from ? sum / (double)n : NAN;
}

/* Mean of the steps [from, to), weekdays alike: each counts as much as its phase usually is. NaN when less than half
 * are there, or nothing is ever sold on such days. */
static double level_of(const float *x, size_t from, size_t to, const float *profile, size_t season, size_t first)
{
    double sum = 0, usual = 0, mean = 0;
    if (isnan(mean_of(x, from, to)))
        return NAN;
    for (size_t p = 0; p < season; p++)
        mean += profile[p] / (double)season;
    if (!(mean > 0))
        return mean_of(x, from, to);
    for (size_t t = from; t < to; t++)
        if (!isnan(x[t])) {
            sum += x[t];
            usual += profile[(t - first) % season] / mean;
        }
    return usual > 0 ? sum / usual : NAN;
}

/* Near and far days a year before; NaN when the first sale came later, or the horizon is longer than a year. The
 * profile is that of their own origin, where it knows of sales; else the one of today. */
static void years_before(const struct weft_history *h, const float *x, size_t first, double *near, double *far)
{
    const struct weft_growth_spans *g = &h->span.growth;
    size_t year = weft_step_year(h->span.step), begin = h->origin - year;
    *near = *far = NAN;
    if (g->none || !year || h->origin < year || g->far.to > year || begin + g->near.from - 1 < first)
        return;
    const struct {
        struct weft_growth_days d;
        double *out;
    } side[] = {{g->near, near}, {g->far, far}};
    float *profile = WEFT_ARRAY(float, g->season);
    bool missing = false, sold = begin >= first + g->season;
    for (size_t i = 0; i < 2; i++)
        for (size_t t = begin + side[i].d.from - 1; t < begin + side[i].d.to; t++)
            missing |= isnan(x[t]) != 0;
    bool alike =
        (g->unlike || missing) && ((sold && weft_growth_profile(x, begin, g->season, (int64_t)begin, profile)) ||
                                   weft_growth_profile(x, h->origin, g->season, (int64_t)begin, profile));
    for (size_t i = 0; i < 2; i++) {
        size_t from = begin + side[i].d.from - 1, to = begin + side[i].d.to;
        *side[i].out = alike ? level_of(x, from, to, profile, g->season, begin) : mean_of(x, from, to);
    }
    free(profile);
}

bool weft_history_past(const struct weft_history *h, size_t group, const char *channel, struct weft_past *out)
{
    size_t c = channel_of(h, channel), first = 0, zeros = 0, gaps = 0, year = weft_step_year(h->span.step);
    if (c == SIZE_MAX)
        return false;
    const float *x = load(h, group) + c * (size_t)h->attrs.length;
    while (first < h->origin && !(x[first] > 0))
        first++;
    size_t length = h->origin - first, recent = year && year < length ? year : length;
    for (size_t t = h->origin - recent; t < h->origin; t++) {
        zeros += x[t] == 0;
        gaps += isnan(x[t]) != 0;
    }
    *out = (struct weft_past){.now = mean_of(x, h->origin - h->span.now, h->origin),
                              .length = length,
                              .zeros = recent ? (double)zeros / (double)recent : NAN,
                              .gaps = recent ? (double)gaps / (double)recent : NAN};
    years_before(h, x, first, &out->year_near, &out->year_far);
    return true;
}

/* Amounts over units, where both are there. */
static double mean_price(const struct weft_history *h, const float *units, const float *amounts)
{
    double paid = 0, sold = 0;
    for (size_t t = h->origin - h->span.now; t < h->origin; t++)
        if (!isnan(units[t]) && !isnan(amounts[t])) {
            paid += amounts[t];
            sold += units[t];
        }
    return sold > 0 ? paid / sold : NAN;
}

struct weft_rivals weft_history_rivals(const struct weft_history *h, size_t group)
{
    const struct weft_series_attrs *a = &h->attrs;
    const struct weft_activity *who = weft_groups_activity(h->groups, group);
    struct weft_rivals r = {.shares = weft_activity_shares(who), .price = NAN, .mentions = NAN};
    size_t length = (size_t)a->length, last = h->origin - 1, now = h->span.now,
           sales = weft_sales_channel(a->channels, a->n_channels);
    size_t active = channel_of(h, WEFT_CHANNEL_ACTIVE), brands = channel_of(h, WEFT_CHANNEL_BRANDS);
    size_t amounts = channel_of(h, "amounts"), mentions = channel_of(h, "mentions");
    float *counts = WEFT_ARRAY(float, length);
    weft_activity_series(who, counts);
    r.active = counts[last];
    weft_activity_brands(who, counts);
    r.brands = h->brand == WEFT_KEY_NONE ? NAN : counts[last];
    free(counts);
    const float *x = load(h, group);
    if (active != SIZE_MAX)
        r.active = x[active * length + last];
    if (brands != SIZE_MAX)
        r.brands = x[brands * length + last];
    if (amounts != SIZE_MAX && amounts != sales)
        r.price = mean_price(h, x + sales * length, x + amounts * length);
    if (mentions != SIZE_MAX && 2 * now <= h->origin) {
        double before = mean_of(x + mentions * length, h->origin - 2 * now, h->origin - now);
        r.mentions = before > 0 ? mean_of(x + mentions * length, h->origin - now, h->origin) / before : NAN;
    }
    return r;
}
