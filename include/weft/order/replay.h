/* replay.h - what a rule for orders would have done to one product's stock: day by day, with sales lost that found
 * none.
 *
 * Every `review` days the rule brings what is in stock and on order up to a level; what it orders arrives `lead` days
 * later, before that day's sales. A cycle is from one arrival to the next. The stock of the first day is the first
 * level.
 */
#ifndef WEFT_REPLAY_H
#define WEFT_REPLAY_H

#include <stddef.h>
#include <stdint.h>

struct weft_replay {
    uint64_t cycles, whole; /* whole: without a day on which something was asked for that was not there */
    double demand, sold;    /* pieces, of the days of the cycles */
    double left;            /* in stock at their ends, summed */
};
/* demand [(orders - 1) * review + lead + review], none missing; what is below 0 counts as none. level [orders]. Adds to
 * *out. */
void weft_replay_run(const float *demand, size_t lead, size_t review, const double *level, size_t orders,
                     struct weft_replay *out);

#endif
