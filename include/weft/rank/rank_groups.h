/* rank_groups.h - from forecasts to a ranking of groups: what rank does between decoding and printing. */
#ifndef WEFT_RANK_GROUPS_H
#define WEFT_RANK_GROUPS_H

#include "record/forecasts.h"
#include "rank/ranking.h"

struct weft_rank_options {
    const char *by, *near, *far; /* near, far: "FROM:TO" or NULL: the first and last fifth of the horizon */
    const char *model, *channel; /* NULL: the first model that is no baseline; all channels but active and brands */
    const char *history, *brand; /* history: an endpoint, or NULL; brand: a key that need not be there, */
    bool brand_told;             /* unless the user named it */
    const char *reasons;         /* explanations of the same series: an endpoint, or NULL */
    int64_t now, among, top;     /* now: days, 0: as the forecasts' head says, or 28 */
    int sort;                    /* enum weft_ranking_sort */
    double level, shrink;
    uint64_t seed;
};

struct weft_rank_groups;
/* head: of a forecasts stream. Opens the history, too. The options must outlive it. */
int weft_rank_groups_new(const struct weft_head *head, const struct weft_rank_options *o, const struct weft_stream_opts *stream, struct weft_rank_groups **out,
                         struct weft_err *e) WEFT_MUST_USE;
void weft_rank_groups_free(struct weft_rank_groups **r);
/* One frame. */
int weft_rank_groups_add(struct weft_rank_groups *r, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* Forecasts left out so far because a near or far day is a missing value. */
uint64_t weft_rank_groups_missing(const struct weft_rank_groups *r);
/* After the last frame: reads the history, and adds columns and rows to t. */
int weft_rank_groups_finish(struct weft_rank_groups *r, struct weft_table *t, struct weft_err *e) WEFT_MUST_USE;
/* After it: the attrs of a ranking stream, and the rows. */
void weft_rank_groups_attrs(const struct weft_rank_groups *r, struct weft_ranking_attrs *a);
const struct weft_ranking *weft_rank_groups_rows(const struct weft_rank_groups *r);

#endif
