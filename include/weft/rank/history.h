/* history.h - what a ranking knows of the past of its groups: their series before the forecasts begin.
 *
 * A series stream of single series (products with their keys), added up to the groups of the ranking; memory as of
 * weft_groups. */
#ifndef WEFT_HISTORY_H
#define WEFT_HISTORY_H

#include "measure/growth.h"
#include "rank/activity.h"
#include "record/series.h"

struct weft_history;

/* Opens the stream and looks at its head. by[n_by]: the keys whose values, joined by "/", are the names of the groups.
 * brand: the key of the brands; when the stream has no such key nothing is known of them, unless brand_told: then 78,
 * as when it has no such level. */
int weft_history_open(const char *endpoint, const struct weft_stream_opts *o, char *const *by, size_t n_by,
                      const char *brand, bool brand_told, struct weft_history **out, struct weft_err *e) WEFT_MUST_USE;
void weft_history_close(struct weft_history **h);

/* What counts. Steps of the stream; days of the horizon are counted from 1, both ends included. */
struct weft_history_span {
    int64_t origin, step; /* seconds: the first step that is forecast; what lies there or behind it is not looked at */
    size_t now;           /* steps before the origin that are "now" */
    size_t active;        /* steps within which a sale makes a series active */
    struct weft_growth_spans growth;
};
/* Reads all of it. 78 when it is in other steps, or does not reach the origin. Once. */
int weft_history_read(struct weft_history *h, const struct weft_history_span *span, struct weft_err *e) WEFT_MUST_USE;
/* The group of a name; SIZE_MAX: it has no history. After weft_history_read. */
size_t weft_history_group(const struct weft_history *h, struct weft_span name);

/* One channel of a group. NaN: not known. */
struct weft_past {
    double now;                 /* mean of the last steps */
    double year_near, year_far; /* means of the near and far days a year before, weekdays alike, when the first sale was
                                   earlier still */
    uint64_t length;            /* steps since the first value above 0 */
    double zeros,
        gaps; /* shares of the last year (of `length`, when that is less) without sales, and of missing values */
};
/* channel: its name; false when the history has no such channel. */
bool weft_history_past(const struct weft_history *h, size_t group, const char *channel, struct weft_past *out);

/* Who sells in a group, and for how much. */
struct weft_rivals {
    double active, brands;     /* at the last step; of channels of these names when the stream has them */
    struct weft_shares shares; /* of the brands, over the last steps */
    double price;              /* amounts / what was sold, over the last steps */
    double mentions;           /* mean of the last steps / mean of as many before them */
};
struct weft_rivals weft_history_rivals(const struct weft_history *h, size_t group);

#endif
