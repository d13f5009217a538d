/* group.h - sums of series by group, with memory that grows with the groups and not with the series. */
#ifndef WEFT_GROUP_H
#define WEFT_GROUP_H

#include "rank/activity.h"
#include "record/series.h"

/* Which keys name a group, and all groups met so far. */
struct weft_groups;

/* levels: indices from weft_series_key. `attrs` must outlive the groups. */
struct weft_groups *weft_groups_new(const struct weft_series_attrs *attrs, const int *levels, size_t n_levels);
void weft_groups_free(struct weft_groups **g);
/* Before the first series: every group also keeps who is active in it (activity.h). channel: of the sales; brand: a
 * key, or WEFT_KEY_NONE. */
void weft_groups_watch(struct weft_groups *g, size_t channel, int brand, size_t window, size_t from, size_t to);

/* Before the first series: a sum is that of the members that have a value, also where one has none between its first
 * and its last one. */
void weft_groups_partial(struct weft_groups *g);

/* Adds a series to its group: channels reduced by sum or by mean (attrs.reduce), float64, in the order of the calls. In
 * a sum of targets a member counts as 0 before its first value and after its last one: it was not sold yet, or no more.
 * A day between them on which it is missing (NaN) makes the sum missing, since nobody knows it. In a mean, and in
 * channels that are not forecast, a missing value takes no part. A day on which every member is missing stays missing.
 * A series without a key of a level belongs to "(none)". An error (65) when the series does not lie on the calendar of
 * attrs, or when a series of its id came before (24 bytes a series keep the ids). */
int weft_groups_add(struct weft_groups *g, const struct weft_series *s, struct weft_err *e) WEFT_MUST_USE;

/* Series that counted as 0 before their first value or after their last one; and, after finish, sums that are missing
 * though some members have a value. */
struct weft_groups_gaps {
    uint64_t outside, holes;
};
struct weft_groups_gaps weft_groups_gaps(const struct weft_groups *g);

size_t weft_groups_count(const struct weft_groups *g);
/* Sorts groups by id (bytes) and finds which keys are the same in all members of every group: kept[k] for k <
 * attrs.n_keys. */
void weft_groups_finish(struct weft_groups *g, bool *kept);
/* Group i after finish: id, keys (in the order of attrs; p == NULL when not kept), values [n_channels, attrs.length]
 * written to out, members. */
void weft_groups_get(const struct weft_groups *g, size_t i, struct weft_span *id, struct weft_span *keys, float *out,
                     uint64_t *members);
/* After finish. The group of an id; SIZE_MAX: there is none. */
size_t weft_groups_find(const struct weft_groups *g, struct weft_span id);
/* Who is active in group i; NULL unless watched. */
const struct weft_activity *weft_groups_activity(const struct weft_groups *g, size_t i);

#endif
