/* transformer.h - what stands between the linear layers of a transformer: attention, layer norm, rounding to bf16.
 * Forward only, on one thread. */
#ifndef WEFT_TRANSFORMER_H
#define WEFT_TRANSFORMER_H

#include <stddef.h>
#include <stdint.h>

/* Floats of room that weft_attention needs for sequences of at most `tokens`. */
size_t weft_attention_room(size_t tokens, size_t width);

/* out[t, h width + d] = sum over s of softmax_s(q_h(t) k_h(s) / sqrt(width)) v_h(s, d) (Vaswani et al. 2017): one
 * sequence that sees itself whole. qkv[tokens, 3 heads width]: rows of queries, keys and values, head by head. */
void weft_attention(size_t tokens, size_t heads, size_t width, const float *qkv, float *room, float *out);

/* Each row of x[rows, width] plus that of `add` (NULL: nothing), then gamma (x - mean) / sqrt(variance + eps) + beta,
 * in place. */
void weft_layer_norm(size_t rows, size_t width, const float *add, const float *gamma, const float *beta, float eps,
                     float *x);

/* Rounds n finite floats to bfloat16, halves to even. */
void weft_to_bf16(const float *x, size_t n, uint16_t *out);

#endif
