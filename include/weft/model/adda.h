/* adda.h - adversarial discriminative domain adaptation (Tzeng et al., CVPR 2017, arXiv 1702.05464) of a forecasting
 * network.
 *
 * A source network (encoder Ms and head C) is given and stays as it is. The target encoder Mt begins as a copy of Ms.
 * For each batch D   learns to tell codes of the source, Ms(xs), from codes of the target, Mt(xt): binary
 * cross-entropy, source 1 (smoothed), target 0; Mt  learns to be taken for the source: binary cross-entropy of
 * D(Mt(xt)) with the inverted label (eq. 9 of the paper); with `reconstruct` a decoder R rebuilds the window's lookback
 * from its code, and weight * mean((R(Mt(xt)) - xt)^2) is added (as in DRCN, Ghifary et al. 2016); target windows with
 * a label add weight * mean((C(Mt(xt)) - y)^2). The forecast is C(Mt(x)). An epoch takes as many windows of each set as
 * the smaller one has, `windows` at most. */
#ifndef WEFT_ADDA_H
#define WEFT_ADDA_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/mlp.h"
#include "model/net.h"

struct weft_adda_options {
    int64_t epochs, patience; /* patience 0: never stop early */
    size_t windows;           /* of each set in an epoch at most */
    size_t batch, hidden;     /* hidden: units of D's and R's inner layers */
    double lr, encoder_lr;    /* Adam's learning rates of D and R, and of Mt */
    double smooth;            /* D's label of the source */
    double reconstruct;       /* weight; 0: no decoder */
    double labels;            /* weight of labelled target windows */
    bool last;                /* keep the last epoch, not that with the least validation loss */
    uint64_t seed, stream;
    bool (*tick)(void *ctx, int64_t epoch, size_t done, size_t total); /* true ends it; may be NULL */
    void *ctx;
};

/* Windows are places in one array of scaled values, as in net.h. Of target windows only the lookback is looked at,
 * unless `labelled`. */
struct weft_adda_windows {
    const float *pool;
    const uint32_t *source, *target, *valid; /* valid: of the target */
    const uint8_t *labelled;                 /* [n_target], or NULL: none is */
    size_t n_source, n_target, n_valid;
};

struct weft_adda_epoch {
    int64_t epoch;                       /* 0: before the adaptation */
    double discriminator_loss, accuracy; /* accuracy 1: the codes differ wholly (or Mt has collapsed); 0.5: a draw */
    double mapping_loss, reconstruction_loss; /* reconstruction: NaN without a decoder */
    double source_variance, target_variance;  /* of the codes: mean over their units */
    double valid_loss;                        /* NaN without validation windows */
    bool best;
};

/* All that an adaptation is after an epoch. p, m, v: [n] Mt, D, R in inner layouts; kept: Mt of the best epoch. */
struct weft_adda_state {
    size_t n, n_kept;
    float *p, *m, *v, *kept;
    uint64_t steps;
    int64_t epoch, waited;
    struct weft_adda_epoch best;
};

struct weft_adda;
/* source: the source network, outer layout, copied. The windows and par must outlive it. */
struct weft_adda *weft_adda_new(const struct weft_net *s, const float *source, const struct weft_adda_options *o,
                                const struct weft_adda_windows *d, struct weft_par *par);
void weft_adda_free(struct weft_adda **a);
struct weft_adda_state *weft_adda_state(struct weft_adda *a);
bool weft_adda_done(const struct weft_adda *a);
/* How the source network does on the target (epoch 0); to be called before the first epoch, not after a state was read.
 */
void weft_adda_begin(struct weft_adda *a, struct weft_adda_epoch *now);
/* The next epoch: 1; 0 when tick ended it; < 0 when a loss is no finite number (65). The result does not depend on the
 * threads of par. */
int weft_adda_epoch(struct weft_adda *a, struct weft_adda_epoch *now, struct weft_err *e) WEFT_MUST_USE;
/* The network of the best epoch: target encoder and source head, outer layout (weft_net_count floats). */
void weft_adda_result(const struct weft_adda *a, float *outer);

#endif
