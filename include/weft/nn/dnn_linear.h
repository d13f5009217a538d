/* dnn_linear.h - linear layers of frozen networks, through oneDNN.
 *
 * dst[rows, out] = activation(src[rows, in] W' + bias), on the calling thread alone: each thread makes its own
 * weft_dnn_linear, and layers of one shape run on the same one. Weights, packed once, are shared by all threads. A
 * row's result depends neither on the rows around it nor on their number. */
#ifndef WEFT_DNN_LINEAR_H
#define WEFT_DNN_LINEAR_H

#include "nn/dnn.h"

enum weft_dnn_activation { WEFT_DNN_IDENTITY, WEFT_DNN_RELU, WEFT_DNN_TANH, WEFT_DNN_GELU, WEFT_DNN_GELU_TANH };
/* Rows are computed in groups of this many: src and dst have room for weft_dnn_rows(rows). */
enum { WEFT_DNN_ROWS = 16 };
static inline size_t weft_dnn_rows(size_t rows)
{
    return (rows + WEFT_DNN_ROWS - 1) / WEFT_DNN_ROWS * WEFT_DNN_ROWS;
}
struct weft_dnn_linear_spec {
    size_t in, out;
    enum weft_dnn_activation activation;
    enum weft_dnn_type src, dst; /* src: also of the weights; dst bf16 only with src bf16 */
};
struct weft_dnn_linear;
struct weft_dnn_packed;
int weft_dnn_linear_new(struct weft_dnn *d, const struct weft_dnn_linear_spec *spec, struct weft_dnn_linear **out,
                        struct weft_err *e) WEFT_MUST_USE;
void weft_dnn_linear_free(struct weft_dnn_linear **l);
/* weights [out, in] and bias [out], for every linear layer of the same spec. */
int weft_dnn_linear_pack(struct weft_dnn_linear *l, const float *weights, const float *bias,
                         struct weft_dnn_packed **out, struct weft_err *e) WEFT_MUST_USE;
void weft_dnn_packed_free(struct weft_dnn_packed **p);
int weft_dnn_linear_run(struct weft_dnn_linear *l, const struct weft_dnn_packed *p, const void *src, size_t rows,
                        void *dst, struct weft_err *e) WEFT_MUST_USE;

#endif
