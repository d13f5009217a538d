/* lstm_layer.h - a stack of LSTM layers, forward and backward through time, as torch.nn.LSTM computes them.
 *
 * i, f, o = sigmoid(W_i x + U_i h + b), g = tanh(W_g x + U_g h + b), c' = f c + i g, h' = o tanh(c'); h and c begin at
 * 0.
 *
 * Parameters have two layouts. Outside it is PyTorch's: for each layer weight_ih_lK [4 hidden, in], weight_hh_lK [4
 * hidden, hidden], bias_ih_lK and bias_hh_lK [4 hidden], gates in the order i f g o, one tensor behind the other in one
 * array of weft_lstm_count floats. Inside, for each layer and each block of 16 hidden units: rows of 64 (4 gates x 16
 * units), first those that h is multiplied with, then those of x, then the two biases; padding units have weights 0 and
 * get gradients 0. An optimiser works on the inner layout, weft_lstm_size floats.
 *
 * x, h and a constant 1 are one row, so each step is one product: its sums go through the gates while they are still in
 * registers, which is cheaper than a product for the input of all steps beforehand, whose result would be written and
 * read again. */
#ifndef WEFT_LSTM_LAYER_H
#define WEFT_LSTM_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weft_lstm_shape {
    size_t input, hidden, layers;
};

enum { WEFT_LSTM_ROWS = 16, WEFT_LSTM_TENSORS = 4 /* a layer */, WEFT_LSTM_NAME = 40 };

/* Tensor k of 4 * layers: PyTorch's name without a prefix, dims, and where it begins in the outer layout. */
struct weft_lstm_tensor {
    char name[WEFT_LSTM_NAME];
    int rank;
    size_t dims[2], at;
};
struct weft_lstm_tensor weft_lstm_tensor(const struct weft_lstm_shape *s, size_t k);
/* Floats of the outer and of the inner layout. */
size_t weft_lstm_count(const struct weft_lstm_shape *s);
size_t weft_lstm_size(const struct weft_lstm_shape *s);
void weft_lstm_pack(const struct weft_lstm_shape *s, const float *outer, float *inner);
void weft_lstm_unpack(const struct weft_lstm_shape *s, const float *inner, float *outer);
/* U(-1/sqrt(hidden), 1/sqrt(hidden)) in the outer layout, as PyTorch begins. */
void weft_lstm_draw(const struct weft_lstm_shape *s, uint64_t seed, uint64_t stream, float *outer);

/* The layers with `tapes` tapes: a tape remembers one batch of up to WEFT_LSTM_ROWS windows of up to `steps` steps.
 * Different tapes may be used at the same time by different threads. */
struct weft_lstm;
struct weft_lstm *weft_lstm_new(const struct weft_lstm_shape *s, size_t steps, size_t tapes);
void weft_lstm_free(struct weft_lstm **n);

/* inner: the parameters from now on; not copied, not owned. Call weft_lstm_turn when they have changed and backward is
 * to follow. */
void weft_lstm_use(struct weft_lstm *n, const float *inner);
void weft_lstm_turn(struct weft_lstm *n);

/* Runs rows <= WEFT_LSTM_ROWS windows: x[row] points at [steps, input]. Returns the last step's hidden states of the
 * upper layer: rows of `hidden`, *ld floats apart, valid until the tape's next run. */
const float *weft_lstm_forward(struct weft_lstm *n, size_t tape, const float *const *x, size_t rows, size_t steps,
                               size_t *ld);
/* Hidden states of the upper layer after step t (from 0), likewise. */
const float *weft_lstm_output(const struct weft_lstm *n, size_t tape, size_t t, size_t *ld);

/* What reaches the upper layer's hidden states from behind. Rows lie weft_lanes(hidden) floats apart, with padding 0.
 */
struct weft_lstm_outer {
    const float *last;  /* [rows] for the last step alone, or NULL */
    const float *every; /* [steps, rows], or NULL */
    float *input;       /* gets the gradient of x: [steps, rows], rows weft_lanes(input) apart; or NULL */
};
/* Backward through the tape's last run: adds the gradients of the parameters (inner layout) to g. A tape goes backward
 * once. */
void weft_lstm_backward(struct weft_lstm *n, size_t tape, const struct weft_lstm_outer *o, float *g);

#endif
