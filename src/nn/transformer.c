/* transformer.c - attention head by head over the products of product.h; rows in vectors of eight. */
#include "nn/transformer.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "nn/product.h"

typedef int32_t v8i __attribute__((vector_size(32), aligned(4), may_alias));

/* The lanes' sum, pairwise. */
WEFT_INLINE float total(const weft_v8f *v)
{
    return (((*v)[0] + (*v)[1]) + ((*v)[2] + (*v)[3])) + (((*v)[4] + (*v)[5]) + ((*v)[6] + (*v)[7]));
}

/* *v = exp(*v) for values <= 0, to 2e-7 of it; below -87 as at -87. exp(x) = 2^n exp(r), |r| <= ln(2) / 2, by Taylor's
 * series to r^6. */
WEFT_INLINE void exp_down(weft_v8f *v)
{
    weft_v8f x = *v, least = x * 0 - 87.0f;
    v8i low = x < least;
    x = (weft_v8f)((low & (v8i)least) | (~low & (v8i)x));
    weft_v8f shifted = x * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: the nearest whole number is in the low bits */
    weft_v8f n = shifted - 12582912.0f;
    weft_v8f r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    weft_v8f p = r * (1.0f / 720) + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * (r * r) + r + 1.0f;
    *v = p * (weft_v8f)(((v8i)shifted << 23) + 0x3f800000);
}

/* Row x[n] of scores, in room for whole vectors: softmax(scale x). */
WEFT_INLINE void softmax(float *x, size_t n, float scale)
{
    float top = x[0];
    weft_v8f sum = {0};
    for (size_t k = 1; k < n; k++)
        top = x[k] > top ? x[k] : top;
    for (size_t k = n; k % 8; k++)
        x[k] = -INFINITY;
    for (size_t k = 0; k < n; k += 8) {
        weft_v8f *v = (weft_v8f *)(x + k);
        *v = (*v - top) * scale;
        exp_down(v);
        for (size_t j = n > k + 8 ? 8 : n - k; j < 8; j++)
            (*v)[j] = 0;
        sum += *v;
    }
    float share = 1 / total(&sum);
    for (size_t k = 0; k < n; k += 8)
        *(weft_v8f *)(x + k) *= share;
}

WEFT_INLINE void softmax_rows(float *x, size_t rows, size_t ld, float scale)
{
    for (size_t i = 0; i < rows; i++)
        softmax(x + i * ld, rows, scale);
}

/* Sums in eight lanes; the columns behind the last whole vector one by one. */
WEFT_INLINE void norm(size_t width, const float *add, const float *gamma, const float *beta, float eps, float *x)
{
    size_t whole = width / 8 * 8;
    weft_v8f sum = {0}, square = {0};
    for (size_t k = 0; k < whole; k += 8) {
        if (add)
            *(weft_v8f *)(x + k) += *(const weft_v8f *)(add + k);
        sum += *(weft_v8f *)(x + k);
    }
    float mean = total(&sum), variance;
    for (size_t k = whole; k < width; k++)
        mean += x[k] += add ? add[k] : 0;
    mean /= (float)width;
    for (size_t k = 0; k < whole; k += 8) {
        weft_v8f d = *(weft_v8f *)(x + k) - mean;
        square += d * d;
    }
    variance = total(&square);
    for (size_t k = whole; k < width; k++)
        variance += (x[k] - mean) * (x[k] - mean);
    float scale = 1 / sqrtf(variance / (float)width + eps);
    for (size_t k = 0; k < whole; k += 8)
        *(weft_v8f *)(x + k) =
            (*(weft_v8f *)(x + k) - mean) * scale * *(const weft_v8f *)(gamma + k) + *(const weft_v8f *)(beta + k);
    for (size_t k = whole; k < width; k++)
        x[k] = (x[k] - mean) * scale * gamma[k] + beta[k];
}

WEFT_INLINE void norm_rows(size_t rows, size_t width, const float *add, const float *gamma, const float *beta,
                           float eps, float *x)
{
    for (size_t i = 0; i < rows; i++)
        norm(width, add ? add + i * width : NULL, gamma, beta, eps, x + i * width);
}

static void softmax_plain(float *x, size_t rows, size_t ld, float scale)
{
    softmax_rows(x, rows, ld, scale);
}

static void norm_plain(size_t rows, size_t width, const float *add, const float *gamma, const float *beta, float eps,
                       float *x)
{
    norm_rows(rows, width, add, gamma, beta, eps, x);
}

WEFT_AVX2 static void softmax_avx2(float *x, size_t rows, size_t ld, float scale)
{
    softmax_rows(x, rows, ld, scale);
}

WEFT_AVX2 static void norm_avx2(size_t rows, size_t width, const float *add, const float *gamma, const float *beta,
                                float eps, float *x)
{
    norm_rows(rows, width, add, gamma, beta, eps, x);
}

/* ---- attention ---- */

/* Room of one head: keys turned to [width, tokens], values [tokens, width], scores [tokens, tokens], their mean of
 * values [tokens, width]. */
size_t weft_attention_room(size_t tokens, size_t width)
{
    return weft_lanes(tokens) * width + 2 * tokens * weft_lanes(width) + tokens * weft_lanes(tokens);
}

void weft_attention(size_t tokens, size_t heads, size_t width, const float *qkv, float *room, float *out)
{
    size_t hidden = heads * width, ld = 3 * hidden, ldt = weft_lanes(tokens), ldw = weft_lanes(width);
    float *keys = room, *values = keys + ldt * width, *scores = values + tokens * ldw, *sums = scores + tokens * ldt;
    memset(room, 0, weft_attention_room(tokens, width) * sizeof *room); /* the padding */
    for (size_t h = 0; h < heads; h++) {
        const float *q = qkv + h * width;
        weft_transpose(tokens, width, q + hidden, ld, keys, ldt);
        for (size_t t = 0; t < tokens; t++)
            memcpy(values + t * ldw, q + 2 * hidden + t * ld, width * sizeof *values);
        weft_product(tokens, ldt, width, q, ld, 1, keys, ldt, false, scores, ldt);
        (weft_has_avx2() ? softmax_avx2 : softmax_plain)(scores, tokens, ldt, 1 / sqrtf((float)width));
        weft_product(tokens, ldw, tokens, scores, ldt, 1, values, ldw, false, sums, ldw);
        for (size_t t = 0; t < tokens; t++)
            memcpy(out + t * hidden + h * width, sums + t * ldw, width * sizeof *out);
    }
}

void weft_layer_norm(size_t rows, size_t width, const float *add, const float *gamma, const float *beta, float eps,
                     float *x)
{
    (weft_has_avx2() ? norm_avx2 : norm_plain)(rows, width, add, gamma, beta, eps, x);
}

void weft_to_bf16(const float *x, size_t n, uint16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        out[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
}
