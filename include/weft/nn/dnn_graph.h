/* dnn_graph.h - convolutions, batch normalisation and pooling, forward and backward, through oneDNN.
 *
 * A graph is a fixed sequence of operations for one batch shape. Activations keep the blocked layout that the library
 * picks, from the first layer to the last; only weights are reordered, once per change. Building a graph compiles its
 * kernels; weft_dnn_graph_ready then gives it one block of memory, and forward and backward only run.
 *
 * Memory is shared through slots: activations (or gradients) with the same slot number live in the same bytes, so the
 * caller says which of them may overwrite each other. WEFT_DNN_OWN asks for memory of one's own, WEFT_DNN_NONE for no
 * gradient.
 *
 * Forward results do not depend on the number of threads; weight gradients and batch statistics do. */
#ifndef WEFT_DNN_GRAPH_H
#define WEFT_DNN_GRAPH_H

#include "nn/dnn.h"

enum { WEFT_DNN_OWN = -1, WEFT_DNN_NONE = -2, WEFT_DNN_SLOTS = 8 };

/* One batch shape's operations. Everything made in a graph belongs to it. */
struct weft_dnn_graph;
struct weft_dnn_act; /* an activation [n, c, h, w] and perhaps its gradient, in one layout */
struct weft_dnn_conv;
struct weft_dnn_norm;
struct weft_dnn_pool;
struct weft_dnn_join;

struct weft_dnn_graph *weft_dnn_graph_new(struct weft_dnn *d, enum weft_dnn_type type, bool train);
void weft_dnn_graph_free(struct weft_dnn_graph **g);
/* Allocates all memory of the graph; no operation may be added after it. */
int weft_dnn_graph_ready(struct weft_dnn_graph *g, struct weft_err *e) WEFT_MUST_USE;
size_t weft_dnn_graph_bytes(const struct weft_dnn_graph *g);

/* The graph's input; its layout is the first convolution's choice. */
int weft_dnn_input(struct weft_dnn_graph *g, size_t n, size_t c, size_t h, size_t w, struct weft_dnn_act **out,
                   struct weft_err *e) WEFT_MUST_USE;
/* The same values with another place for the gradient: for an activation with two readers. */
int weft_dnn_alias(struct weft_dnn_act *a, int grad_slot, struct weft_dnn_act **out, struct weft_err *e) WEFT_MUST_USE;
void weft_dnn_dims(const struct weft_dnn_act *a, size_t dims[4]);
/* Copies from and to plain float [n, c, h, w]. */
int weft_dnn_write(struct weft_dnn_act *a, const float *nchw, struct weft_err *e) WEFT_MUST_USE;
int weft_dnn_read(struct weft_dnn_act *a, float *nchw, struct weft_err *e) WEFT_MUST_USE;
int weft_dnn_write_grad(struct weft_dnn_act *a, const float *nchw, struct weft_err *e) WEFT_MUST_USE;

/* dst = conv(src), square kernel. In graphs that do not train: plus bias, then plus the old content of `into` (when not
 * NULL, dst is `into`), then ReLU when asked. */
struct weft_dnn_conv_spec {
    size_t out, kernel, stride, pad;
    bool relu;                 /* without training only */
    struct weft_dnn_act *into; /* without training only */
    bool src_grad;             /* backward computes src's gradient */
    int slot, grad_slot;       /* of dst */
};
int weft_dnn_conv(struct weft_dnn_graph *g, struct weft_dnn_act *src, const struct weft_dnn_conv_spec *spec,
                  struct weft_dnn_conv **out, struct weft_dnn_act **dst, struct weft_err *e) WEFT_MUST_USE;
/* weights [out, in, k, k]; bias [out] or NULL (training graphs have none). */
int weft_dnn_conv_weights(struct weft_dnn_conv *c, const float *weights, const float *bias,
                          struct weft_err *e) WEFT_MUST_USE;
int weft_dnn_conv_forward(struct weft_dnn_conv *c, struct weft_err *e) WEFT_MUST_USE;
/* From dst's gradient: weight gradient [out, in, k, k], overwritten, and src's gradient. */
int weft_dnn_conv_backward(struct weft_dnn_conv *c, float *dweights, struct weft_err *e) WEFT_MUST_USE;

/* dst = gamma (src - mean) / sqrt(var + eps) + beta with the batch's own mean and biased variance, then ReLU when
 * asked. Training graphs only. src's and dst's gradients may share a slot. */
int weft_dnn_norm(struct weft_dnn_graph *g, struct weft_dnn_act *src, bool relu, float eps, int slot, int grad_slot,
                  struct weft_dnn_norm **out, struct weft_dnn_act **dst, struct weft_err *e) WEFT_MUST_USE;
/* Values that go into each channel's mean: n h w. */
size_t weft_dnn_norm_count(const struct weft_dnn_norm *b);
void weft_dnn_norm_weights(struct weft_dnn_norm *b, const float *gamma, const float *beta);
/* mean and var [c] of the batch are valid until the next forward. */
int weft_dnn_norm_forward(struct weft_dnn_norm *b, const float **mean, const float **var,
                          struct weft_err *e) WEFT_MUST_USE;
int weft_dnn_norm_backward(struct weft_dnn_norm *b, float *dgamma, float *dbeta, struct weft_err *e) WEFT_MUST_USE;

/* Maximum over square windows; outside counts as minus infinity. */
int weft_dnn_maxpool(struct weft_dnn_graph *g, struct weft_dnn_act *src, size_t kernel, size_t stride, size_t pad,
                     int slot, int grad_slot, struct weft_dnn_pool **out, struct weft_dnn_act **dst,
                     struct weft_err *e) WEFT_MUST_USE;
int weft_dnn_pool_forward(struct weft_dnn_pool *p, struct weft_err *e) WEFT_MUST_USE;
int weft_dnn_pool_backward(struct weft_dnn_pool *p, struct weft_err *e) WEFT_MUST_USE;

/* dst = relu(a + b); dst may share a's slot. Backward sets dst's gradient to zero where dst is zero: that is then the
 * gradient of a and of b (give a, or an alias of it, dst's grad_slot). Training graphs only. */
int weft_dnn_join(struct weft_dnn_graph *g, struct weft_dnn_act *a, struct weft_dnn_act *b, int slot, int grad_slot,
                  struct weft_dnn_join **out, struct weft_dnn_act **dst, struct weft_err *e) WEFT_MUST_USE;
int weft_dnn_join_forward(struct weft_dnn_join *j, struct weft_err *e) WEFT_MUST_USE;
int weft_dnn_join_backward(struct weft_dnn_join *j, struct weft_err *e) WEFT_MUST_USE;

/* Adds the gradient of `from` to that of `to` at each run; both have one layout. */
struct weft_dnn_sum;
int weft_dnn_grad_sum(struct weft_dnn_graph *g, struct weft_dnn_act *to, struct weft_dnn_act *from,
                      struct weft_dnn_sum **out, struct weft_err *e) WEFT_MUST_USE;
int weft_dnn_sum_run(struct weft_dnn_sum *s, struct weft_err *e) WEFT_MUST_USE;

#endif
