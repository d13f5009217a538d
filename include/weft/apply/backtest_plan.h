/* backtest_plan.h - what a backtest is made of: origins on the calendar, models, baselines and trainings, from the
 * options of the program. */
#ifndef WEFT_BACKTEST_PLAN_H
#define WEFT_BACKTEST_PLAN_H

#include "apply/backtest.h"
#include "apply/refit.h"
#include "frame/run.h"

struct weft_backtest_plan {
    /* Set before the first call: the options as they were given. Where 0 leaves the choice, horizon, season and
     * lookback become what was chosen; nonnegative, whether it is so for any channel. */
    struct weft_list models, refit; /* "[NAME=]MODEL or baseline", "[NAME=]COMMAND" */
    int64_t refit_every, n_origins, every, gap, horizon, season;
    bool baselines, nonnegative;
    const char *near, *far; /* "FROM:TO" or NULL */
    bool with_orders;       /* orders are replayed */
    struct weft_backtest_orders orders;
    int64_t lookback; /* of trainings, as scale and valid: the windows', or those of a series stream */
    int scale;
    double valid;
    struct weft_backtest_options o; /* by, per_step, per_origin, level, shrink and rank_by */
    struct weft_series_attrs attrs; /* of the stream; the plan frees them */
    /* Its own. */
    struct weft_backtest *backtest;
    struct weft_apply **opened; /* [models.n], until the backtest has them */
    char (*dates)[32];
    bool *clip;
    struct weft_spool *spool; /* NULL: nothing is trained */
    struct weft_series series;
    struct weft_ids met;
};

/* Opens the models, which count in our lineage, places the origins and makes the backtest. Warns of models that may
 * have seen what they are measured on. 64 when nothing says how far to forecast or there is nothing to measure, 78 when
 * something does not fit. */
int weft_backtest_plan_start(struct weft_backtest_plan *p, struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;
/* One frame: measured at once, or kept in a temporary file until the trainings are done. */
int weft_backtest_plan_add(struct weft_backtest_plan *p, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* After the last frame: runs the trainings, if there are some, and measures. 75 when the program is told to end. */
int weft_backtest_plan_finish(struct weft_backtest_plan *p, struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;
void weft_backtest_plan_free(struct weft_backtest_plan *p);

#endif
