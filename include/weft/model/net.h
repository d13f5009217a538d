/* net.h - forecasting networks: an encoder (LSTM layers, a linear layer or convolutions) turns the lookback into a
 * code, a linear head makes the whole horizon of it.
 *
 * Model file: the encoder's tensors as encoder.h names them behind "encoder.", head.weight [horizon, code] and
 * head.bias [horizon] of torch.nn.Linear, all f32, metadata "hidden" (the code's size), "layers" and "norm". With
 * several units encoder.U.weight_ih_l0 and so on, as in a torch.nn.ModuleList. In memory a unit's parameters are one
 * array: outside (weft_net_count floats) the tensors in this order, inside (weft_net_size floats) the kernels' layouts.
 */
#ifndef WEFT_NET_H
#define WEFT_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/adam.h"
#include "model/encoder.h"
#include "base/err.h"
#include "nn/layers.h"
#include "model/model.h"
#include "base/par.h"
#include "nn/ridge.h"

enum { WEFT_LSTM_HIDDEN_MAX = 8192, WEFT_LSTM_LAYERS_MAX = 32 };

struct weft_net {
    struct weft_encoder encoder;
    struct weft_linear head; /* code to horizon */
    size_t lookback;
    enum weft_norm norm; /* what is subtracted from a window before it is encoded, and added to its forecast */
};
/* layers: of an LSTM. The norm is WEFT_NORM_NONE. */
struct weft_net weft_net(enum weft_encoder_kind kind, size_t lookback, size_t horizon, size_t code, size_t layers);
/* What the norm subtracts from a window's lookback: 0, its last value or its mean (float64 sum). */
float weft_net_offset(const struct weft_net *s, const float *x);
/* The first n values of a window as the network sees them: x itself, or `room` filled with them. */
const float *weft_net_view(const struct weft_net *s, const float *x, size_t n, float *room);
size_t weft_net_count(const struct weft_net *s);
size_t weft_net_size(const struct weft_net *s);
void weft_net_pack(const struct weft_net *s, const float *outer, float *inner);
void weft_net_unpack(const struct weft_net *s, const float *inner, float *outer);
/* As PyTorch begins; stream: a number for each set of weights. */
void weft_net_draw(const struct weft_net *s, uint64_t seed, uint64_t stream, float *outer);
/* Adds the tensors of n_units (outer layout; they must live until the file is saved) and the metadata. */
void weft_net_write(const struct weft_net *s, const float *const *units, size_t n_units, struct weft_st_writer *w);
/* Reads unit `unit` of a model file with `units` units: outer [weft_net_count], owned by the caller. */
int weft_net_read(const struct weft_st *st, const struct weft_net *s, size_t unit, size_t units, float **outer,
                  struct weft_err *e) WEFT_MUST_USE;
/* Reads the norm from a model file's metadata. */
int weft_net_norm_read(const struct weft_st *st, struct weft_net *s, struct weft_err *e) WEFT_MUST_USE;
/* 78 when the encoder has no room in the lookback, or when a training or forecast with `tapes` tapes would need
 * unreasonable memory (more than 2^34 bytes). */
int weft_net_check(const struct weft_net *s, size_t tapes, struct weft_err *e) WEFT_MUST_USE;

/* --- forecasting --- */

struct weft_net_forecaster;
struct weft_net_forecaster *weft_net_forecaster_new(const struct weft_net *s, size_t n_units);
void weft_net_forecaster_free(struct weft_net_forecaster **f);
void weft_net_forecaster_set(struct weft_net_forecaster *f, size_t unit, const float *outer);
/* As weft_model_kind.forecast; `self` is a struct weft_net_forecaster. A forecast does not depend on the batch it came
 * in. */
void weft_net_forecast(void *self, size_t unit, const float *const *x, size_t batch, float *y);

/* --- training: mean squared error, Adam, the epoch with the least validation loss is kept --- */

/* Windows are places in one array of scaled values: window i is pool[at[i]] .. + lookback + horizon, no value is
 * missing. */
struct weft_net_windows {
    const float *pool;
    const uint32_t *train, *valid;
    size_t n_train, n_valid;
};

struct weft_net_options {
    int64_t epochs, patience; /* patience 0: never stop early */
    size_t batch;
    double lr, clip; /* clip: largest norm of a gradient; 0: any */
    uint64_t seed, stream;
    /* Called between batches; true ends the training. May be NULL. */
    bool (*tick)(void *ctx, int64_t epoch, size_t done, size_t total);
    void *ctx;
};

struct weft_net_epoch {
    int64_t epoch;                 /* from 1 */
    double train_loss, valid_loss; /* mean squared errors; valid_loss NaN without validation windows */
    bool best;
};

/* All that a training is after an epoch; what follows depends on nothing else. Arrays [n], inner layout. */
struct weft_net_state {
    size_t n;
    float *p, *m, *v, *kept; /* parameters, Adam's moments, parameters of the best epoch */
    uint64_t steps;          /* of Adam */
    int64_t epoch, waited;   /* epochs done; epochs since the best one */
    struct weft_net_epoch best;
};

struct weft_net_trainer;
/* Batches are cut into chunks of WEFT_ENCODER_ROWS windows and these into at most 16 groups, whose gradients are added
 * in order, so the result does not depend on the threads of par. par and the windows must outlive it. */
struct weft_net_trainer *weft_net_trainer_new(const struct weft_net *s, const struct weft_net_options *o,
                                              const struct weft_net_windows *d, struct weft_par *par);
void weft_net_trainer_free(struct weft_net_trainer **t);
/* To be stored, or overwritten with a stored state before the first epoch. */
struct weft_net_state *weft_net_trainer_state(struct weft_net_trainer *t);
bool weft_net_trainer_done(const struct weft_net_trainer *t);
/* The next epoch: 1; 0 when tick ended it; < 0 when its loss is no finite number (65). */
int weft_net_trainer_epoch(struct weft_net_trainer *t, struct weft_net_epoch *now, struct weft_err *e) WEFT_MUST_USE;

/* One step on the n <= batch windows at[0..n): returns the sum of squared errors; learn: parameters are updated. *g
 * (may be NULL): the gradient of the mean squared error. For tests and measurements. */
double weft_net_trainer_step(struct weft_net_trainer *t, const uint32_t *at, size_t n, bool learn, const float **g);

#endif
