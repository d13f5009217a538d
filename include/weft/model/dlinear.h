/* dlinear.h - DLinear (Zeng et al. 2023, arXiv 2205.13504): forecast = Ws seasonal + bs + Wt trend + bt.
 *
 * trend = moving average of the lookback (movavg.h), seasonal = lookback - trend. Both are linear in the lookback, so a
 * forecast is one matrix, W = Ws (I - A) + Wt A. With norm last or mean the lookback's last value or mean is subtracted
 * first and added again. Model file: Linear_Seasonal.weight f32 [horizon, lookback], Linear_Seasonal.bias [horizon],
 * Linear_Trend.weight, Linear_Trend.bias, as LTSF-Linear names them; with several units Linear_Seasonal.U.weight and so
 * on, as its --individual does.
 *
 * With exogenous channels (model kind "dlinear-exog"; exact alone) and their features g (exog.h), step h (from 1) of
 * the forecast from origin o adds
 *
 *     sum over channels c and lags i of V[h,c,i] g_c[o - i] + sum over future channels c of U[h,c] g_c[o + h - 1]:
 *
 * of what is known ahead a step sees its own day alone. Its file has Linear.weight [horizon, lookback], Linear.bias
 * [horizon] and Exogenous.weight [horizon, weft_exog_weights]: channel by channel its lags, the oldest first, then the
 * weight of the step itself when it is known ahead; the constant last. */
#ifndef WEFT_DLINEAR_H
#define WEFT_DLINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/gram.h"
#include "model/model.h"
#include "nn/ridge.h"

struct weft_dlinear_shape {
    size_t lookback, horizon;
    size_t kernel; /* odd */
    enum weft_norm norm;
    struct weft_exog_shape exog; /* n 0: the target alone */
};

/* One unit's weights: ws, wt [horizon, lookback], bs, bt [horizon] and, with exogenous channels, v [horizon,
 * weft_exog_weights]; one allocation that begins at ws. */
struct weft_dlinear_weights {
    float *ws, *wt, *bs, *bt, *v;
};
struct weft_dlinear_weights weft_dlinear_weights_new(const struct weft_dlinear_shape *s);
/* How many floats they are. */
size_t weft_dlinear_weights_size(const struct weft_dlinear_shape *s);
/* Of exogenous channels: weights of a step, and values after the horizon of a window (features, exog.h); 0 without any.
 */
size_t weft_dlinear_exog_weights(const struct weft_dlinear_shape *s);
size_t weft_dlinear_exog_width(const struct weft_dlinear_shape *s);
void weft_dlinear_weights_free(struct weft_dlinear_weights *w);
/* Adds tensors and metadata "kernel" (without exogenous channels) and "norm". The weights must live until the file is
 * saved. */
void weft_dlinear_write(const struct weft_dlinear_shape *s, const struct weft_dlinear_weights *units, size_t n_units,
                        struct weft_st_writer *w);

/* --- forecasting --- */

/* The effective matrix of any number of units, with room for a batch. */
struct weft_dlinear;
struct weft_dlinear *weft_dlinear_new(const struct weft_dlinear_shape *s, size_t n_units);
void weft_dlinear_free(struct weft_dlinear **m);
void weft_dlinear_set(struct weft_dlinear *m, size_t unit, const struct weft_dlinear_weights *w);
/* As weft_model_kind.forecast; `self` is a struct weft_dlinear. A forecast does not depend on the batch it came in. */
void weft_dlinear_forecast(void *self, size_t unit, const float *const *x, size_t batch, float *y);
/* As weft_model_kind.linear: R = W - e (1'W) + e 1', where e holds the weights of what norm subtracts (the last value,
 * or the mean). */
void weft_dlinear_linear(void *self, size_t unit, double *r, double *b, double *exog);
/* x[batch, lookback] = normalised lookbacks of windows, base[b] = what was subtracted from window b. */
void weft_dlinear_gather(const struct weft_dlinear_shape *s, const float *const *windows, size_t batch, float *x,
                         float *base);
/* out[lookback, lanes] = (Ws (I - A) + Wt A)', ws and wt likewise transposed; room holds as much as out, acc `lanes`.
 */
void weft_dlinear_effective(const struct weft_dlinear_shape *s, size_t lanes, const float *ws, const float *wt,
                            float *out, float *room, double *acc);
/* out[lookback, lanes] = w[horizon, lookback]', padding lanes 0; and back. lanes is the horizon rounded up to a
 * multiple of 8. */
size_t weft_dlinear_lanes(const struct weft_dlinear_shape *s);
void weft_dlinear_transpose(const struct weft_dlinear_shape *s, const float *w, float *out);
void weft_dlinear_untranspose(const struct weft_dlinear_shape *s, const float *in, float *w);

/* --- exact: one pass over the series --- */

enum { WEFT_DLINEAR_FOLDS_MAX = 16 };

/* What one unit's windows add up to. Rolling-origin folds end with the one that validates on the validation part; the
 * others validate on stretches of the same length before it, as far as the train part allows. Window starts fall into 2
 * * folds blocks: the first fold's training windows, then by turns a fold's validation windows and those that straddle
 * the next border (dlinear_exact.c). */
struct weft_dlinear_stats {
    struct weft_dlinear_shape shape; /* with exogenous channels the blocks have a track for the target, one for every
                                        channel and one for the constant */
    size_t stride, folds;
    size_t blocks; /* 2 * folds, and one for all other windows when weft_dlinear_stats_rest was called */
    double shift;  /* subtracted from every scaled value; with norm last and mean each series has its own */
    bool shifted;
    uint64_t series;
    struct weft_gram *block; /* [blocks] */
    double weight; /* the series that comes next counts by its square; 0: 1. Not with norm none and an intercept
                      (tune.h: level) */
    const int64_t
        *borders; /* [folds + 2] in steps of the series that comes next, [0] unused; NULL: from its split; not owned */
    struct weft_residuals
        *keep; /* validation windows kept for residuals [lookback + horizon, features], or NULL; not owned */
};
void weft_dlinear_stats_init(struct weft_dlinear_stats *st, const struct weft_dlinear_shape *s, size_t stride,
                             size_t folds);
/* Before the first series: windows behind validation, and those that straddle its beginning, are added up too, in a
 * block of their own. */
void weft_dlinear_stats_rest(struct weft_dlinear_stats *st);
void weft_dlinear_stats_free(struct weft_dlinear_stats *st);

/* A Gram matrix as the blocks are, of stride 1 or another. */
void weft_dlinear_gram_init(struct weft_gram *g, const struct weft_dlinear_shape *s, size_t stride);

/* Room for one series; zero-initialise, free(p) at the end. */
struct weft_dlinear_room {
    double *p;
    size_t cap;
};
/* One target of a series: raw values x[n] (NaN: missing; windows that touch one are left out), scaled = (x - shift) /
 * factor, parts end at split[0..2]. exog: its channels [n] (exog.h), or NULL. key: a hash of series and target, for the
 * choice of the windows kept. */
void weft_dlinear_stats_add(struct weft_dlinear_stats *st, const float *x, size_t n, double shift, double factor,
                            const float *const *exog, const size_t *split, uint64_t key,
                            struct weft_dlinear_room *room);
/* No more series: the Grams are what they say. Needed before merge and before their content is stored. */
void weft_dlinear_stats_finish(struct weft_dlinear_stats *st);
/* Finished: out, the same sums, of the target alone, or with channels where silent[channel] is set counting as 0 all
 * the time. It keeps no windows. */
void weft_dlinear_stats_copy(const struct weft_dlinear_stats *st, bool alone, const bool *silent,
                             struct weft_dlinear_stats *out);
/* Both finished and of one shape: dst += src (src is changed). */
void weft_dlinear_stats_merge(struct weft_dlinear_stats *dst, struct weft_dlinear_stats *src);

/* How a fit came out. */
struct weft_dlinear_fit {
    double ridge;
    double valid_mse; /* on the validation part, in scaled units; NaN without one */
    uint64_t train_windows, valid_windows;
    uint64_t series; /* that came; 0: not counted */
    size_t folds;    /* that had windows to train and to validate on */
};
/* Weights of the matrix w[horizon, lookback], bias[horizon] and exog[horizon, weights of channels] (out: Ws = Wt = W)
 * when `shift` was subtracted from every value of the target (0 with norm last and mean). */
void weft_dlinear_take(const struct weft_dlinear_shape *s, double shift, const double *w, const double *bias,
                       const double *exog, struct weft_dlinear_weights *out);
/* The ridge used when no fold has windows to validate on. */
#define WEFT_DLINEAR_RIDGE 1e-2
/* Fits on the train part. ridge < 0: chosen by the mean validation error over the folds. Changes st. 78 when the train
 * part has no window. */
int weft_dlinear_solve(struct weft_dlinear_stats *st, double ridge, struct weft_dlinear_weights *w,
                       struct weft_dlinear_fit *fit, struct weft_err *e) WEFT_MUST_USE;

/* --- Adam: as LTSF-Linear trains --- */

/* Windows are places in one array of scaled values: window i is pool[at[i]] .. + lookback + horizon. Nothing is
 * expanded. */
struct weft_dlinear_windows {
    const float *pool;
    const uint32_t *train, *valid;
    size_t n_train, n_valid;
    /* NULL: a batch is any windows. Else bundle i is train[bundle[i]] .. bundle[i + 1], i < n_bundles, and a batch is
     * whole bundles: with the windows of all series at one time in a bundle it is what LTSF-Linear draws. */
    const uint32_t *bundle;
    size_t n_bundles;
};

struct weft_dlinear_epoch {
    int epoch;                         /* from 1 */
    double lr, train_loss, valid_loss; /* mean squared errors; valid_loss NaN without validation windows */
    bool best;
};

struct weft_dlinear_adam {
    int epochs, patience; /* patience 0: never stop early */
    size_t batch;         /* windows, or bundles */
    double lr, lr_decay;  /* lr of epoch e is lr * lr_decay^max(0, e - 2), LTSF-Linear's "type1" for 0.5 */
    uint64_t seed, stream;
    /* After each epoch; true ends the training. May be NULL. */
    bool (*report)(void *ctx, const struct weft_dlinear_epoch *epoch);
    void *ctx;
};
/* Trains from weights drawn from U(-1/sqrt(lookback), 1/sqrt(lookback)) and leaves those of the epoch with the least
 * validation loss (the last one on a tie; the last epoch without validation windows) in w. best->epoch is 0 when no
 * epoch had a finite validation loss. The windows are shuffled anew each epoch; the last, shorter batch counts too. */
void weft_dlinear_train(const struct weft_dlinear_shape *s, const struct weft_dlinear_adam *o,
                        const struct weft_dlinear_windows *d, struct weft_dlinear_weights *w,
                        struct weft_dlinear_epoch *best);

/* Loss (mean over batch and steps) of a batch of windows, and, unless g is NULL, its gradients: for tests. */
double weft_dlinear_loss(const struct weft_dlinear_shape *s, const struct weft_dlinear_weights *w,
                         const float *const *windows, size_t batch, struct weft_dlinear_weights *g);
/* One training step on a batch as weft_dlinear_train makes it, `steps` times: for tests. losses[steps]. */
void weft_dlinear_steps(const struct weft_dlinear_shape *s, double lr, struct weft_dlinear_weights *w,
                        const float *const *windows, size_t batch, size_t steps, double *losses);

#endif
