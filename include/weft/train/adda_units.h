/* adda_units.h - domain adaptation for every channel of two windows streams: what train-adda does between decoding and
 * the model file. */
#ifndef WEFT_ADDA_UNITS_H
#define WEFT_ADDA_UNITS_H

#include "model/adda.h"
#include "train/checkpoint.h"
#include "train/net_units.h"
#include "base/progress.h"

enum weft_domain { WEFT_SOURCE, WEFT_TARGET, WEFT_DOMAINS };

/* One channel, and how its training came out. */
struct weft_adda_unit {
    struct weft_pool_unit places[WEFT_DOMAINS];
    uint8_t *labelled; /* [target's train windows] */
    size_t labelled_cap;
    float *outer;                       /* the adapted network; NULL until trained */
    struct weft_adda_epoch start, best; /* start: the source network on the target */
};

struct weft_adda_units {
    /* Set before the first call. */
    enum weft_encoder_kind encoder;
    enum weft_norm norm;
    size_t code, layers;
    struct weft_net_options source_options; /* of the source network */
    struct weft_adda_options options;
    const char *pretrained; /* model file of the source network; NULL: it is trained */
    double fraction;        /* of each target series' train windows, the first ones */
    size_t labels;          /* of each target series, so many of its last train windows have labels */
    int threads;
    struct weft_checkpoint checkpoint; /* path and resume */
    const char *log;
    struct weft_progress *progress;
    /* Its own. */
    struct weft_units units; /* of the target: the model's */
    struct weft_series_attrs source;
    struct weft_net net;
    struct weft_adda_unit *unit; /* [channels] */
    size_t series[WEFT_DOMAINS];
    struct weft_par *par;
    struct weft_pool pool;
};

/* 78 when source and target differ in lookback, horizon, step, scale or channels. */
int weft_adda_units_start(struct weft_adda_units *t, const struct weft_head *source, const struct weft_head *target,
                          struct weft_err *e) WEFT_MUST_USE;
int weft_adda_units_add(struct weft_adda_units *t, enum weft_domain d, const struct weft_series *s,
                        struct weft_err *e) WEFT_MUST_USE;
/* 0; 1 when a tick ended it; 78 when source or target have too few windows. */
int weft_adda_units_fit(struct weft_adda_units *t, struct weft_err *e) WEFT_MUST_USE;
/* Writes the model file and removes the checkpoint. */
int weft_adda_units_save(struct weft_adda_units *t, const char *lineage, const char *path,
                         struct weft_err *e) WEFT_MUST_USE;
void weft_adda_units_free(struct weft_adda_units *t);

#endif
