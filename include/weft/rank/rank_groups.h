/* rank_groups.h - from forecasts to a ranking of groups: what rank does between decoding and printing. */
#ifndef WEFT_RANK_GROUPS_H
#define WEFT_RANK_GROUPS_H

#include "record/forecasts.h"
#include "rank/ranking.h"

struct weft_rank_options {
    const char *by, *near, *far; /* near, far: "FROM:TO" or NULL: as growth.h has them */
    const char *model, *channel; /* model NULL: the first that is no baseline, and another one for groups that it did
                                    not forecast; channel NULL: all but active and brands */
    const char *history, *brand; /* history: an endpoint, or NULL; brand: a key that need not be there, */
    bool brand_told;             /* unless the user named it */
    const char *reasons;         /* explanations of the same series: an endpoint, or NULL */
    int64_t now, among, top;     /* now: days, 0: as the forecasts' head says, or 28 */
    int sort;                    /* enum weft_ranking_sort */
    double level, shrink, fdr;   /* fdr: rate of false discoveries among what is marked sure */
    uint64_t seed;
};

struct weft_rank_groups;
/* head: of a forecasts stream. Opens the history, too. The options must outlive it. */
int weft_rank_groups_new(const struct weft_head *head, const struct weft_rank_options *o,
                         const struct weft_stream_opts *stream, struct weft_rank_groups **out,
                         struct weft_err *e) WEFT_MUST_USE;
void weft_rank_groups_free(struct weft_rank_groups **r);
/* One frame. */
int weft_rank_groups_add(struct weft_rank_groups *r, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* Forecasts left out so far: a near or far day is a missing value. */
uint64_t weft_rank_groups_missing(const struct weft_rank_groups *r);
/* After the last frame: reads the history, and adds columns and rows to t. */
int weft_rank_groups_finish(struct weft_rank_groups *r, struct weft_table *t, struct weft_err *e) WEFT_MUST_USE;
/* After it: what a reader must be told beside the rows. */
struct weft_rank_notes {
    struct weft_growth_spans spans;
    uint64_t tested, sure;    /* rows with an interval, and those marked sure */
    uint64_t groups_left_out; /* rows without any forecast */
    uint64_t series_left_out; /* forecasts that were asked for and not made, of groups that have others */
    uint64_t without_profile; /* series whose days are counted as they are, though near and far are unlike */
    uint64_t no_ratio;        /* groups that sell, but never on the near or the far days of the season */
    uint64_t other_models;    /* rows of another model than the first */
    uint64_t few;             /* rows without an interval, since the model has too few independent errors */
    double few_most;          /* the most of such a row */
    const char *why;          /* of the first that was left out */
};
void weft_rank_groups_notes(const struct weft_rank_groups *r, struct weft_rank_notes *n);
/* The attrs of a ranking stream, and the rows. */
void weft_rank_groups_attrs(const struct weft_rank_groups *r, struct weft_ranking_attrs *a);
const struct weft_ranking *weft_rank_groups_rows(const struct weft_rank_groups *r);

#endif
