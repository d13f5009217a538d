/* growth_trial.h - what the growth index said at past origins, against what the growth became: does the ranking help?
 *
 * At every origin each predictor gives every group a growth index (growth.h), and the days that followed give the true
 * one, both drawn towards 1 by the same pseudo volume. rank_quality.h compares the two orders, and the interval of the
 * index is held against what came; means over the origins. */
#ifndef WEFT_GROWTH_TRIAL_H
#define WEFT_GROWTH_TRIAL_H

#include "measure/growth.h"
#include "measure/rank_quality.h"

enum { WEFT_TRIAL_NDCG_TOP = 5, WEFT_TRIAL_HITS_TOP = 3 };

/* Memory: 56 bytes for each group, origin and predictor. */
struct weft_growth_trial;
/* groups_max: with more groups than this the trial is given up (weft_growth_trial_groups is then SIZE_MAX, and nothing
 * is kept any more); 0: no limit. */
struct weft_growth_trial *weft_growth_trial_new(size_t origins, size_t predictors, size_t groups_max);
void weft_growth_trial_free(struct weft_growth_trial **t);

/* One series at one origin. said [predictors]: of each predictor, series 0 where it could not say; became: of the days
 * that followed. A group belongs to a channel (a number). */
void weft_growth_trial_add(struct weft_growth_trial *t, size_t channel, const void *group, size_t n, size_t origin,
                           const struct weft_growth_sums *said, const struct weft_growth_sums *became);
/* Different groups, of the channel that has most. */
size_t weft_growth_trial_groups(const struct weft_growth_trial *t);

struct weft_growth_verdict {
    struct weft_rank_quality quality; /* means over the origins */
    double coverage, width;           /* of the interval; NaN without one */
    size_t origins, groups;           /* origins with two groups or more; groups at most */
};
/* Of a predictor, or, with predictor == SIZE_MAX, of drawing lots, in expectation (its error is that of "no growth", an
 * index of 1). origin: this one alone; SIZE_MAX: all. shrink: pseudo volume as a share of the mean group's near volume;
 * level: of the interval. */
void weft_growth_trial_of(const struct weft_growth_trial *t, size_t channel, size_t predictor, size_t origin,
                          double shrink, double level, struct weft_growth_verdict *out);

#endif
