/* tune.h - DLinear with its lookback, normalisation and ridge chosen by rolling-origin folds, from the sums of one pass
 * (weft_dlinear_stats with norm none).
 *
 * Every lookback of a grid, every "subtract the mean of the last k" and every ridge weight are judged on the folds'
 * validation windows (nested.h). For each lookback and k the best ridge (with channels known ahead: the best pair of it
 * and of that of a step's own weights) counts; the forecasts of the best eight are averaged, which is one matrix in raw
 * coordinates (SearchCast, arXiv 2606.27282, searches the same space with a pass over the data for each trial), unless
 * the plain fit (the whole lookback, its mean, each ridge of weft_ridge_grid) is better over the same folds. The
 * joint covariance of the errors of all steps comes from the last fold, the validation part forecast by a fit that did
 * not see it. The test part plays no part in any choice. */
#ifndef WEFT_TUNE_H
#define WEFT_TUNE_H

#include "model/dlinear.h"
#include "nn/nested.h"
#include "base/par.h"

enum { WEFT_TUNE_BEST = 8, WEFT_TUNE_LOOKBACKS = 40, WEFT_TUNE_LASTS = 12, WEFT_TUNE_RIDGES = 10, WEFT_TUNE_OWNS = 4 };

/* What is tried. */
struct weft_tune {
    bool lookbacks; /* all of the grid; false: the longest alone */
    int norm;       /* one of enum weft_norm, or WEFT_NORMS: every k */
    bool level;     /* no intercept: every candidate subtracts a mean, so that a forecast grows with its window */
    double ridge;   /* below 0: all of the grid */
    int64_t step;   /* seconds: its seasons are in the grid */
    const struct weft_nested_config *only; /* this one alone; or NULL */
    struct weft_par *par;                  /* or NULL */
};

/* How it came out. */
struct weft_tuned {
    struct weft_nested_config best[WEFT_TUNE_BEST]; /* best first */
    double error[WEFT_TUNE_BEST]; /* mean squared error over the folds; NaN when no fold could judge */
    size_t n_best, configs;       /* averaged; tried on each fold */
    double mean, plain;           /* errors over the folds: of their average, and of the plain fit (NaN: not asked, it
                                     can't be better) */
    double seconds;
    double *covariance; /* [horizon, horizon] of the errors, scaled units, mean not removed; NULL without a fold. The
                           caller's */
};

/* The grids for windows of this lookback, each ascending, into arrays of the sizes above; return how many. */
size_t weft_tune_lookbacks(size_t lookback, size_t horizon, int64_t step, size_t *out);
size_t weft_tune_lasts(size_t lookback, int64_t step, size_t *out);
size_t weft_tune_ridges(double *out);
/* What part of the ridge a step's own weights of channels have. */
size_t weft_tune_owns(double *out);

/* As weft_dlinear_solve, for statistics made with norm none; w in raw coordinates. `honest` (may be NULL) gets the
 * weights fitted on the train part, for the residuals; w is fitted on all windows when the statistics have a block for
 * those behind validation. */
int weft_dlinear_tune(struct weft_dlinear_stats *st, const struct weft_tune *o, struct weft_dlinear_weights *w,
                      struct weft_dlinear_weights *honest, struct weft_dlinear_fit *fit, struct weft_tuned *out,
                      struct weft_err *e) WEFT_MUST_USE;

#endif
