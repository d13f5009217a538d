/* dlinear_job.h - what train-dlinear is told, and its ways to work: fit a windows stream (alone, with richer series, or
 * with factors), give its sums as a stream, add such streams up, or carry a state on. */
#ifndef WEFT_DLINEAR_JOB_H
#define WEFT_DLINEAR_JOB_H

#include "base/opt.h"
#include "frame/run.h"
#include "train/dlinear_ladder.h"
#include "train/dlinear_state.h"
#include "train/factored.h"

enum { WEFT_DLINEAR_EXACT, WEFT_DLINEAR_ADAM };
enum { WEFT_ASK_EXOG_LEVEL, WEFT_ASK_EXOG_UNITS, WEFT_ASK_EXOG_AUTO, WEFT_ASK_EXOG_NONE };

/* Options, as the program's table has them. */
struct weft_dlinear_asked {
    int solver, norm, lookback, batch_by, exog, transfer;
    const char *ridge, *by, *log, *source, *source_by, *state, *metrics;
    bool individual, partial, merge, tune, refit;
    int64_t kernel, folds, epochs, batch, patience, exog_lags, exog_level;
    double lr, lr_decay, forget;
    struct weft_list relative, factors;
};
/* Factors are divided out first. */
bool weft_dlinear_asked_factors(const struct weft_dlinear_asked *a);

struct weft_dlinear_mode;
struct weft_dlinear_job {
    struct weft_run *run;
    struct weft_dlinear_asked *asked;
    const struct weft_opt *opts; /* the table, and what its values lie in: a state keeps some */
    const void *options;
    const struct weft_dlinear_mode *mode;
    double ridge;                        /* < 0: chosen over the folds */
    struct weft_dlinear_trainer t, logs; /* logs, with factors: of the logarithms of the rests */
    struct weft_factored *factored;
    struct weft_ladder ladder;
    struct weft_dlinear_state *days;
    const struct weft_series_attrs *attrs; /* of what comes */
    struct weft_series series;
    struct weft_progress progress;
};

/* Everything is set to zero but run, asked, opts, options and ridge. With merge there is no input, and nothing to
 * start.
 */
int weft_dlinear_job_start(struct weft_dlinear_job *j, struct weft_err *e) WEFT_MUST_USE;
int weft_dlinear_job_frame(struct weft_dlinear_job *j, struct weft_span in, struct weft_err *e) WEFT_MUST_USE;
/* After the last frame: fits and writes. */
int weft_dlinear_job_end(struct weft_dlinear_job *j, struct weft_err *e) WEFT_MUST_USE;
void weft_dlinear_job_free(struct weft_dlinear_job *j);

#endif
