/* layers.h - what stands around a recurrent layer: linear, ReLU, sigmoid, dropout, losses, gradient clipping; each
 * forward and backward.
 *
 * Values of a batch are rows, weft_lanes(width) floats apart unless a row distance is given; what lies in the padding
 * plays no part. A linear layer's parameters have PyTorch's layout outside (weight [out, in], bias [out], one array)
 * and [in + 1, weft_lanes(out)] inside, the bias as last row, for an optimiser to work on; padding has weights 0 and
 * gets gradients 0. */
#ifndef WEFT_LAYERS_H
#define WEFT_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/product.h"
#include "base/rng.h"

/* --- linear: y = x W' + b --- */

struct weft_linear {
    size_t in, out;
};
static inline size_t weft_linear_count(const struct weft_linear *s)
{
    return s->out * (s->in + 1);
}
static inline size_t weft_linear_size(const struct weft_linear *s)
{
    return (s->in + 1) * weft_lanes(s->out);
}
void weft_linear_pack(const struct weft_linear *s, const float *outer, float *inner);
void weft_linear_unpack(const struct weft_linear *s, const float *inner, float *outer);
/* U(-1/sqrt(in), 1/sqrt(in)) in the outer layout, as torch.nn.Linear begins. */
void weft_linear_draw(const struct weft_linear *s, uint64_t seed, uint64_t stream, float *outer);
/* back[out, weft_lanes(in)]: what weft_linear_backward needs for the gradient of x. */
void weft_linear_turn(const struct weft_linear *s, const float *inner, float *back);
/* y[rows, out]; rows of x lie ldx apart. */
void weft_linear_forward(const struct weft_linear *s, const float *inner, const float *x, size_t ldx, size_t rows,
                         float *y);
/* dy[rows, out] with padding 0: adds the gradients of the parameters to g (inner layout; NULL: not wanted) and writes
 * dx[rows, in] (NULL: not wanted). */
void weft_linear_backward(const struct weft_linear *s, const float *back, const float *x, size_t ldx, const float *dy,
                          size_t rows, float *g, float *dx);

/* --- activations, in place over n values; backward turns dy into dx, given the layer's output y --- */

void weft_relu(float *x, size_t n);
void weft_relu_backward(const float *y, float *dy, size_t n);
void weft_sigmoid(float *x, size_t n);
void weft_sigmoid_backward(const float *y, float *dy, size_t n);
/* x[k] > 0 ? x[k] : slope * x[k]; backward from y, since the sign is the same. */
void weft_leaky_relu(float *x, size_t n, float slope);
void weft_leaky_relu_backward(const float *y, float *dy, size_t n, float slope);

/* Drops each value with probability p < 1 and multiplies the others by 1 / (1 - p): mask[n] gets what x was multiplied
 * with; backward multiplies dy with it. Value k takes the random number k of r. */
void weft_dropout(float *x, float *mask, size_t n, double p, struct weft_rng r);
void weft_dropout_backward(const float *mask, float *dy, size_t n);

/* --- losses: the sum over n values; dy (NULL: not wanted) gets its gradient times share, which is 1 / n for a mean ---
 */

/* (y - target)^2. */
double weft_mse(const float *y, const float *target, size_t n, double share, float *dy);
/* Binary cross-entropy of sigmoid(z) with a target in [0, 1]: max(z, 0) - z target + log(1 + exp(-|z|)). */
double weft_bce_logits(const float *z, const float *target, size_t n, double share, float *dz);

/* --- gradients --- */

/* Scales g so that its Euclidean norm is at most `most`, as torch.nn.utils.clip_grad_norm_; returns the norm that it
 * had. */
double weft_clip_norm(float *g, size_t n, double most);
/* dst[n] += src[n]. */
void weft_accumulate(float *dst, const float *src, size_t n);

#endif
