/* exog_units.h - the exact linear model with exogenous channels for every unit of a windows stream: what train-dlinear does when its head declares
 * channels that are past, future or static. */
#ifndef WEFT_EXOG_UNITS_H
#define WEFT_EXOG_UNITS_H

#include <stdio.h>

#include "model/linear_exog.h"
#include "base/par.h"
#include "train/units.h"

/* One unit, and how its training came out. */
struct weft_exog_unit {
    struct weft_linear_exog_stats st;
    struct weft_residuals keep; /* validation windows for the intervals */
    struct weft_linear_exog_weights w;
    struct weft_dlinear_fit fit;
    bool closed; /* no further series may come */
    bool solved, failed;
    struct weft_err err;
};

struct weft_exog_trainer {
    /* Set before the first call. */
    enum weft_norm norm;
    enum weft_exog_effect effect;
    size_t lags; /* at most the lookback is taken */
    const struct weft_list *relative;
    double ridge; /* < 0: chosen over the folds */
    size_t folds;
    int threads;
    FILE *log; /* or NULL */
    /* Its own. */
    struct weft_linear_exog_shape shape;
    struct weft_units units;
    struct weft_exog_unit *unit; /* [n] = [groups, targets] */
    size_t n, cap, keep_cap;
    struct weft_par *par;
    struct weft_dlinear_room room;
};

/* `by`: the key that names the groups. 64 when `relative` names a channel that is not exogenous. */
int weft_exog_trainer_start(struct weft_exog_trainer *t, const struct weft_head *h, const char *by, struct weft_err *e) WEFT_MUST_USE;
int weft_exog_trainer_add(struct weft_exog_trainer *t, const struct weft_series *s, struct weft_err *e) WEFT_MUST_USE;
/* Fits every unit. A unit without a window to train on is said in its err and gets weights that are NaN; 78 when no unit has one. */
int weft_exog_trainer_fit(struct weft_exog_trainer *t, struct weft_err *e) WEFT_MUST_USE;
/* Says how every unit came out. */
void weft_exog_trainer_say(const struct weft_exog_trainer *t, struct weft_run *run);
int weft_exog_trainer_save(struct weft_exog_trainer *t, const char *lineage, const char *path, struct weft_err *e) WEFT_MUST_USE;
void weft_exog_trainer_free(struct weft_exog_trainer *t);

#endif
