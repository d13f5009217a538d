/* factor_folds.h - which columns of factors (model/factors.h) and how much shrinkage, chosen over rolling-origin folds.
 */
#ifndef WEFT_FACTOR_FOLDS_H
#define WEFT_FACTOR_FOLDS_H

#include "base/par.h"
#include "model/factors.h"

enum { WEFT_FACTOR_FOLDS = 3, WEFT_FACTOR_KAPPAS = 4, WEFT_FACTOR_TRIED = WEFT_FACTOR_SETS + WEFT_FACTOR_KAPPAS };
/* Steps of all series together that are looked at. */
enum { WEFT_FACTOR_SAMPLE = 300000 };
/* Kappa while columns are chosen. */
#define WEFT_FACTOR_KAPPA 32.0

struct weft_factor_folds {
    struct weft_factor_shape shape; /* its set plays no part */
    const struct weft_factor_series *x;
    size_t n, end;            /* series; steps of the calendar that may be looked at */
    size_t horizon, lookback; /* lookback: the most that the linear model may look back */
    struct weft_factor_set set[WEFT_FACTOR_SETS];
    size_t n_sets;
    struct weft_par *par;
};

struct weft_factor_tried {
    struct weft_factor_set set;
    double kappa, error; /* mean over folds of the WAPE of raw rests and of logarithms; NaN where nothing was sold */
};
struct weft_factor_choice {
    struct weft_factor_set set;
    double kappa;
    size_t folds, n_tried;
    struct weft_factor_tried tried[WEFT_FACTOR_TRIED];
};
/* Folds end at `end`, one and two horizons before it; those whose origin leaves less than 200 days (52 weeks) are left
 * out. Without one the first set with factors is taken. Of many series (more than WEFT_FACTOR_SAMPLE steps in all)
 * every so-many-th is looked at. */
void weft_factor_folds_choose(const struct weft_factor_folds *f, struct weft_factor_choice *out);

#endif
