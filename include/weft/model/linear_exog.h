/* linear_exog.h - the exact linear forecast of a target with exogenous channels beside it: model kind "dlinear-exog".
 *
 * In scaled units, with what --norm subtracts as `base` and the features g of exog.h, step h (from 1) of the forecast from origin o is
 *
 *     y[h] = base + bias[h] + sum over lookback of W[h,l] (x[l] - base)
 *          + sum over channels c and lags i of V[h,c,i] g_c[o - i] + sum over future channels c of U[h,c] g_c[o + h - 1]:
 *
 * of what is known ahead a step sees its own day alone, so that the system stays small: lookback + channels x lags unknowns that all steps share,
 * and a handful for each step. The least-squares optimum with a ridge comes from the Gram matrix of all tracks (track_gram.h) by folds, as that of
 * DLinear does (dlinear.h): one eigendecomposition of the shared part serves every ridge, the own part of each step is its Schur complement.
 * The columns of a channel are brought to the mean square of the lookback's first, so the ridge means the same for all.
 *
 * Model file: Linear.weight f32 [horizon, lookback], Linear.bias [horizon], Exogenous.weight [horizon, weft_exog_weights]: channel by channel its lags, the
 * oldest first, then the weight of the step itself when it is known ahead; the constant last. With several units Linear.U.weight and so on. */
#ifndef WEFT_LINEAR_EXOG_H
#define WEFT_LINEAR_EXOG_H

#include "model/dlinear.h"
#include "model/exog.h"
#include "nn/track_gram.h"

struct weft_linear_exog_shape {
    size_t lookback, horizon;
    enum weft_norm norm;
    struct weft_exog_shape exog;
};

/* One unit's weights: w [horizon, lookback], bias [horizon], v [horizon, weft_exog_weights]; one allocation that begins at w. */
struct weft_linear_exog_weights {
    float *w, *bias, *v;
};
struct weft_linear_exog_weights weft_linear_exog_weights_new(const struct weft_linear_exog_shape *s);
void weft_linear_exog_weights_free(struct weft_linear_exog_weights *w);
/* How many floats the three hold. */
size_t weft_linear_exog_weights_size(const struct weft_linear_exog_shape *s);
/* Adds tensors and metadata "norm". The weights must live until the file is saved. */
void weft_linear_exog_write(const struct weft_linear_exog_shape *s, const struct weft_linear_exog_weights *units, size_t n_units, struct weft_st_writer *w);

/* As weft_model_kind.forecast; `self` is a struct weft_linear_exog. x[b] = lookback, horizon values that are not looked at, features. */
struct weft_linear_exog;
struct weft_linear_exog *weft_linear_exog_new(const struct weft_linear_exog_shape *s, size_t n_units);
void weft_linear_exog_free(struct weft_linear_exog **m);
void weft_linear_exog_set(struct weft_linear_exog *m, size_t unit, const struct weft_linear_exog_weights *w);
void weft_linear_exog_forecast(void *self, size_t unit, const float *const *x, size_t batch, float *y);

/* What one unit's windows add up to; blocks as in weft_dlinear_stats. */
struct weft_linear_exog_stats {
    struct weft_linear_exog_shape shape;
    size_t folds;
    int64_t stride;
    double shift; /* subtracted from every scaled target value; with norm last and mean each series has its own */
    bool shifted;
    struct weft_track_gram *block; /* [2 * folds] */
    struct weft_residuals *keep;   /* validation windows kept [lookback + horizon + weft_exog_width], or NULL; not owned */
};
void weft_linear_exog_stats_init(struct weft_linear_exog_stats *st, const struct weft_linear_exog_shape *s, size_t stride, size_t folds);
void weft_linear_exog_stats_free(struct weft_linear_exog_stats *st);
/* One target y[n] of a series with its channels x[c][n] (exog.h); scaled = (y - shift) / factor, the parts end at split[0..2]. Windows that touch
 * a missing value are left out. key: a hash of series and target, for the choice of the windows kept. */
void weft_linear_exog_stats_add(struct weft_linear_exog_stats *st, const float *y, size_t n, double shift, double factor, const float *const *x,
                                const size_t *split, uint64_t key, struct weft_dlinear_room *room);

/* Fits on the train part. ridge < 0: chosen by the mean validation error over the folds. Changes st. 78 when the train part has no window. */
int weft_linear_exog_solve(struct weft_linear_exog_stats *st, double ridge, struct weft_linear_exog_weights *w, struct weft_dlinear_fit *fit,
                           struct weft_err *e) WEFT_MUST_USE;

#endif
