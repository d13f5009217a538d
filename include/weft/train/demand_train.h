/* demand_train.h - training the garment network: epochs over products in memory, measured after each, with a log and a
 * checkpoint.
 *
 * With `best` the weights of the epoch with the least validation loss are kept and put back at the end, and `patience`
 * epochs without a better one end the training; without products to validate on, or without `best`, the last epoch's
 * weights are the model's.
 *
 * An epoch takes the products to train on in a new random order, in batches of one size; the few that are left over
 * wait for the next epoch. What is random (order, changes of pictures, dropout) depends on seed, epoch, step and
 * product alone. */
#ifndef WEFT_DEMAND_TRAIN_H
#define WEFT_DEMAND_TRAIN_H

#include "train/checkpoint.h"
#include "measure/confusion.h"
#include "train/demand_data.h"
#include "base/progress.h"

struct weft_demand_training {
    struct weft_demand_set *set;
    struct weft_demand *net;
    int64_t epochs, patience;        /* patience 0: all epochs */
    bool best, means, linear, alone; /* alone: the linear head is all of the model; means: at the end smears and
                                        intervals of quantities are found; linear: a linear head, and its share */
    size_t batch;
    double lr, backbone_lr;
    uint64_t seed;
    int precision;                      /* of the network: a checkpoint is for one */
    char backbone[65];                  /* SHA-256 of the weights begun with, in hex; "": random ones */
    const struct weft_augment *augment; /* NULL: none */
    struct weft_par *par;
    struct weft_checkpoint checkpoint;
    const char *log; /* CSV: epoch, train_loss, valid_loss, then each head's accuracy and macro_f1, or mse, on the
                        validation part; NULL: none */
    struct weft_progress *progress;
    bool (*stopping)(void *ctx);
    void *ctx;
    /* Its own. */
    int64_t epoch, best_epoch; /* best_epoch 0: none yet */
    double best_loss;
    uint32_t *order;
    float *pixels, *side, *target, *out;
    struct weft_confusion confusion[WEFT_DEMAND_FIELDS];
    double train_loss, valid_loss; /* of the last epoch; NaN: no epoch was left to run, or no label to validate on */
};
/* Runs all epochs, or those that a checkpoint leaves. 1: `stopping` ended it, with a checkpoint if one is kept. 65 when
 * the loss is no finite number. */
int weft_demand_training_run(struct weft_demand_training *t, struct weft_err *e) WEFT_MUST_USE;
/* Bytes held: network, activations and one batch. */
size_t weft_demand_training_bytes(const struct weft_demand_training *t);
void weft_demand_training_free(struct weft_demand_training *t);

#endif
