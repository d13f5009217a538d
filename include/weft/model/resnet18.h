/* resnet18.h - ResNet18 without its classifier: images to 512 features, forward and backward (He et al., "Deep residual
 * learning for image recognition", CVPR 2016; layers, names and initialisation as in torchvision).
 *
 * Images are float [n, 3, h, w], already normalised; h and w from WEFT_RESNET18_MIN to WEFT_RESNET18_MAX. Features are
 * float [n, 512]: the last activation averaged over its pixels. Batch norm: eps 1e-5, momentum 0.1, unbiased running
 * variance. Weights are kept in f32 whatever the precision of the arithmetic. Use one network from one thread: its own
 * threads are inside (dnn_graph.h). */
#ifndef WEFT_RESNET18_H
#define WEFT_RESNET18_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/dnn.h"
#include "base/err.h"
#include "nn/safetensors.h"

enum { WEFT_RESNET18_FEATURES = 512, WEFT_RESNET18_MIN = 8, WEFT_RESNET18_MAX = 4096 };

/* One tensor of the network. */
struct weft_resnet18_tensor {
    char name[96]; /* torchvision's: "layer1.0.conv1.weight" */
    int rank;
    size_t dims[5]; /* ends with 0 */
    size_t count;
    float *data;
    float *grad; /* NULL for running statistics, which are not learned */
};

/* All weights are zero until init or load. */
struct weft_resnet18;
int weft_resnet18_new(int threads, enum weft_dnn_type type, struct weft_resnet18 **out,
                      struct weft_err *e) WEFT_MUST_USE;
void weft_resnet18_free(struct weft_resnet18 **r);
/* Random weights: convolutions normal with variance 2 / (out k k), gamma 1, beta 0, running mean 0, running variance 1.
 */
void weft_resnet18_init(struct weft_resnet18 *r, uint64_t seed);

/* All 100 tensors in torchvision's order, learned ones and running statistics. Gradients lie in one block, in this
 * order. Call weft_resnet18_changed after writing to data. */
size_t weft_resnet18_tensors(struct weft_resnet18 *r, struct weft_resnet18_tensor **out);
void weft_resnet18_changed(struct weft_resnet18 *r);
/* Reads every tensor, names with `prefix` in front ("" or "backbone."); anything else in the file is ignored. An error
 * (65) names the tensor that is missing or has another shape. */
int weft_resnet18_load(struct weft_resnet18 *r, const struct weft_st *st, const char *prefix,
                       struct weft_err *e) WEFT_MUST_USE;
/* What its tensors' names begin with in a file: "backbone." in a model of train-demand, else "". */
const char *weft_resnet18_prefix(const struct weft_st *st);
/* Adds every tensor; the network must outlive the writer and must not change before it has saved. */
void weft_resnet18_save(const struct weft_resnet18 *r, const char *prefix, struct weft_st_writer *w);

/* Features with the running statistics, batch norm folded into the convolutions. An image's features do not depend on
 * the rest of its batch. */
int weft_resnet18_features(struct weft_resnet18 *r, const float *images, size_t n, size_t h, size_t w, float *features,
                           struct weft_err *e) WEFT_MUST_USE;
/* The same with the batch's statistics; updates the running ones and keeps what backward needs. 78 for one image of at
 * most 32 x 32: nothing varies in its last stage. */
int weft_resnet18_forward(struct weft_resnet18 *r, const float *images, size_t n, size_t h, size_t w, float *features,
                          struct weft_err *e) WEFT_MUST_USE;
/* From the gradient of the features of the last forward: overwrites the gradients of all learned tensors. */
int weft_resnet18_backward(struct weft_resnet18 *r, const float *dfeatures, struct weft_err *e) WEFT_MUST_USE;
/* Bytes held for activations and gradients of the shapes in use. */
size_t weft_resnet18_bytes(const struct weft_resnet18 *r);

#endif
