/* encoder.h - what turns a lookback window into a code: LSTM layers (the last hidden state of the upper one), one
 * linear layer, or a small convolutional network.
 *
 *   lstm    torch.nn.LSTM(1, code, layers): h of the last step
 *   linear  torch.nn.Linear(lookback, code)
 *   cnn     Conv1d(1, 16, 7, stride 2), ReLU, Conv1d(16, 32, 5, stride 2), ReLU, flattened time by time, Linear(32 T,
 * code), tanh; T = what is left of the lookback (at least WEFT_CNN_LOOKBACK)
 *
 * Parameters have two layouts, as in lstm_layer.h and layers.h: outside PyTorch's, one tensor behind the other,
 * weft_encoder_count floats; inside what the kernels and an optimiser work on, weft_encoder_size floats, with padding
 * 0. */
#ifndef WEFT_ENCODER_H
#define WEFT_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "nn/layers.h"
#include "nn/lstm_layer.h"

enum weft_encoder_kind { WEFT_ENCODER_LSTM, WEFT_ENCODER_LINEAR, WEFT_ENCODER_CNN };
enum { WEFT_CNN_LOOKBACK = 15, WEFT_ENCODER_ROWS = WEFT_LSTM_ROWS };

struct weft_encoder {
    enum weft_encoder_kind kind;
    size_t lookback, code;
    size_t layers; /* of an LSTM */
};
/* "lstm", "linear" or "cnn". */
const char *weft_encoder_name(enum weft_encoder_kind kind);

size_t weft_encoder_count(const struct weft_encoder *s);
size_t weft_encoder_size(const struct weft_encoder *s);
void weft_encoder_pack(const struct weft_encoder *s, const float *outer, float *inner);
void weft_encoder_unpack(const struct weft_encoder *s, const float *inner, float *outer);
/* As PyTorch begins. */
void weft_encoder_draw(const struct weft_encoder *s, uint64_t seed, uint64_t stream, float *outer);

/* Tensor k of weft_encoder_tensors: its name without a prefix, and where it begins in the outer layout. */
struct weft_encoder_tensor {
    char name[WEFT_LSTM_NAME];
    int rank;
    size_t dims[3], at;
};
size_t weft_encoder_tensors(const struct weft_encoder *s);
struct weft_encoder_tensor weft_encoder_tensor(const struct weft_encoder *s, size_t k);

/* Bytes that `tapes` tapes and the parameters take, about. */
double weft_encoder_bytes(const struct weft_encoder *s, size_t tapes);

/* The encoder at work. A tape remembers one batch of up to WEFT_ENCODER_ROWS windows; different tapes may be used at
 * the same time by different threads. */
struct weft_encoding;
struct weft_encoding *weft_encoding_new(const struct weft_encoder *s, size_t tapes);
void weft_encoding_free(struct weft_encoding **n);
/* inner: the parameters from now on; not copied, not owned. Call weft_encoding_turn when they have changed and backward
 * is to follow. */
void weft_encoding_use(struct weft_encoding *n, const float *inner);
void weft_encoding_turn(struct weft_encoding *n);
/* x[row] points at lookback values. Returns the codes [rows, code], *ld floats apart, valid until the tape's next run.
 */
const float *weft_encoding_forward(struct weft_encoding *n, size_t tape, const float *const *x, size_t rows,
                                   size_t *ld);
/* Backward through the tape's last run: dcode [rows, code] lie weft_lanes(code) floats apart with padding 0 and may be
 * changed; adds the gradients of the parameters (inner layout) to g. A tape goes backward once. */
void weft_encoding_backward(struct weft_encoding *n, size_t tape, float *dcode, float *g);

#endif
