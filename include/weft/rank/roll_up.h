/* roll_up.h - series added up to a level of the hierarchy, and channels that count who sells: what aggregate does with
 * a series stream. */
#ifndef WEFT_ROLL_UP_H
#define WEFT_ROLL_UP_H

#include "frame/run.h"

struct weft_roll_up_options {
    struct weft_list by;    /* levels that name a group together */
    struct weft_list count; /* "active", "brands" */
    int64_t active_days;    /* who sold within so many counts */
    const char *brand;      /* the key that "brands" counts */
    bool partial;           /* sums of the members that have a value */
};

struct weft_roll_up;
/* Reads the head. `o` must outlive it. 64 for levels or counts that do not go together, 78 for a key that the stream
 * does not have. */
int weft_roll_up_start(struct weft_run *run, const struct weft_roll_up_options *o, struct weft_roll_up **out,
                       struct weft_err *e) WEFT_MUST_USE;
int weft_roll_up_frame(struct weft_roll_up *s, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* Head and groups, ordered by id, each with "members" and "level"; says where values were missing. */
int weft_roll_up_drain(struct weft_run *run, struct weft_roll_up *s, struct weft_err *e) WEFT_MUST_USE;
void weft_roll_up_free(struct weft_roll_up **s);

#endif
