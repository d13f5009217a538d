/* mlp.h - a few linear layers with leaky ReLUs between them: discriminators and decoders.
 *
 * Parameters in the inner layout of layers.h, layer behind layer. Values of a batch are rows, weft_lanes(width) floats
 * apart. */
#ifndef WEFT_MLP_H
#define WEFT_MLP_H

#include <stddef.h>
#include <stdint.h>

#include "nn/layers.h"

enum { WEFT_MLP_LAYERS = 4 };

struct weft_mlp {
    size_t n;
    struct weft_linear layer[WEFT_MLP_LAYERS];
    float slope; /* of the ReLUs below 0 */
};
/* width[0] values in, width[n] out, n layers. */
struct weft_mlp weft_mlp(const size_t *width, size_t n, float slope);
/* Floats of the parameters, of the turned weights, and of the values that one row of a batch leaves. */
size_t weft_mlp_size(const struct weft_mlp *s);
size_t weft_mlp_back_size(const struct weft_mlp *s);
size_t weft_mlp_row_size(const struct weft_mlp *s);
/* As PyTorch begins, in the inner layout. */
void weft_mlp_draw(const struct weft_mlp *s, uint64_t seed, uint64_t stream, float *inner);
/* back: what weft_mlp_backward needs of the weights; to be made anew when they have changed. */
void weft_mlp_turn(const struct weft_mlp *s, const float *inner, float *back);
/* values: [rows * weft_mlp_row_size]; returns the last layer's rows in it. Rows of x lie ldx apart. */
const float *weft_mlp_forward(const struct weft_mlp *s, const float *inner, const float *x, size_t ldx, size_t rows,
                              float *values);
/* Backward from dy [rows, out], padding 0: adds the parameters' gradients to g (NULL: not wanted), writes dx (NULL: not
 * wanted). room: two times rows * the widest layer's lanes. */
void weft_mlp_backward(const struct weft_mlp *s, const float *back, const float *x, size_t ldx, const float *values,
                       const float *dy, size_t rows, float *g, float *dx, float *room);
size_t weft_mlp_room(const struct weft_mlp *s, size_t rows);

#endif
