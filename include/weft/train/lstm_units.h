/* lstm_units.h - the LSTM forecaster for every unit of a windows stream: what train-lstm does between decoding and the
 * model file. */
#ifndef WEFT_LSTM_UNITS_H
#define WEFT_LSTM_UNITS_H

#include "train/checkpoint.h"
#include "train/net_units.h"
#include "base/progress.h"

/* One unit, and how its training came out. */
struct weft_lstm_unit {
    struct weft_pool_unit places;
    float *outer; /* parameters of the best epoch, PyTorch's layout; NULL until trained */
    struct weft_net_epoch best;
    bool failed; /* it has no window to train on */
};

struct weft_lstm_units {
    /* Set before the first call. */
    size_t hidden, layers;
    enum weft_norm norm;
    struct weft_net_options options; /* tick and ctx: asked between batches whether to end */
    int threads;
    struct weft_checkpoint checkpoint; /* path and resume */
    const char *log;                   /* path; or NULL */
    struct weft_progress *progress;
    /* Its own. */
    struct weft_units units;
    struct weft_net net;
    struct weft_lstm_unit *unit; /* [n] = [groups, channels] */
    size_t n, cap;
    struct weft_par *par;
    struct weft_pool pool;
};

/* `by`: the key that names the groups. */
int weft_lstm_units_start(struct weft_lstm_units *t, const struct weft_head *h, const char *by,
                          struct weft_err *e) WEFT_MUST_USE;
int weft_lstm_units_add(struct weft_lstm_units *t, const struct weft_series *s, struct weft_err *e) WEFT_MUST_USE;
/* Trains unit after unit. 0; 1 when options.tick ended it; 78 when no unit has a window to train on. A unit without one
 * gets weights that are NaN: its forecasts are missing values. */
int weft_lstm_units_fit(struct weft_lstm_units *t, struct weft_err *e) WEFT_MUST_USE;
/* Says how every unit came out. */
void weft_lstm_units_say(const struct weft_lstm_units *t, struct weft_run *run);
/* Writes the model file and removes the checkpoint. */
int weft_lstm_units_save(struct weft_lstm_units *t, const char *lineage, const char *path,
                         struct weft_err *e) WEFT_MUST_USE;
void weft_lstm_units_free(struct weft_lstm_units *t);

#endif
