/* net_units.h - what the trainers of forecasting networks share: a training's state in a checkpoint, training with
 * checkpoints, and the model file. */
#ifndef WEFT_NET_UNITS_H
#define WEFT_NET_UNITS_H

#include "model/net.h"
#include "train/pool.h"
#include "train/units.h"

/* A training's state in a checkpoint; read into a trainer of the same shape. */
void weft_net_state_write(const struct weft_net_state *s, struct weft_st_writer *w);
int weft_net_state_read(const struct weft_st *st, struct weft_net_state *s, struct weft_err *e) WEFT_MUST_USE;

/* Called after each epoch: logs it, and writes a checkpoint when one is due. */
typedef int weft_net_after_epoch(void *ctx, struct weft_net_trainer *trainer, const struct weft_net_epoch *now,
                                 struct weft_err *e);
/* Trains on windows, from a checkpoint's state when st is not NULL. 0: *outer [weft_net_count], owned by the caller,
 * and *best are those of the best epoch; 1: ended by o->tick; < 0: error. */
int weft_net_fit(const struct weft_net *net, const struct weft_net_options *o, const struct weft_net_windows *d,
                 struct weft_par *par, const struct weft_st *st, weft_net_after_epoch *after, void *ctx, float **outer,
                 struct weft_net_epoch *best, struct weft_err *e) WEFT_MUST_USE;

/* Writes a model file: n units, in the order of the file, with outer weights (NULL: all NaN, its forecasts are missing
 * values), each with the residuals of its validation windows. groups: as weft_units_save takes them. */
struct weft_net_saved {
    const float *outer;
    const struct weft_places *valid;
};
int weft_net_units_save(const struct weft_units *u, const size_t *groups, const struct weft_net *net,
                        const struct weft_net_saved *unit, size_t n, const struct weft_pool *pool, const char *lineage,
                        const char *path, struct weft_err *e) WEFT_MUST_USE;

#endif
