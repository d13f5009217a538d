/* layers.c - layers, losses and clipping. */
#include "nn/layers.h"

#include <math.h>
#include <string.h>

/* --- linear --- */

static void walk(const struct weft_linear *s, float *outer, float *inner, bool pack)
{
    size_t lanes = weft_lanes(s->out);
    for (size_t o = 0; o < s->out; o++)
        for (size_t i = 0; i <= s->in; i++) {
            float *a = i < s->in ? outer + o * s->in + i : outer + s->out * s->in + o, *b = inner + i * lanes + o;
            if (pack)
                *b = *a;
            else
                *a = *b;
        }
}

void weft_linear_pack(const struct weft_linear *s, const float *outer, float *inner)
{
    memset(inner, 0, weft_linear_size(s) * sizeof *inner);
    walk(s, (float *)(uintptr_t)outer, inner, true);
}

void weft_linear_unpack(const struct weft_linear *s, const float *inner, float *outer)
{
    walk(s, outer, (float *)(uintptr_t)inner, false);
}

void weft_linear_draw(const struct weft_linear *s, uint64_t seed, uint64_t stream, float *outer)
{
    struct weft_rng r = weft_rng(seed, stream);
    float bound = (float)(1 / sqrt((double)s->in));
    for (size_t i = 0, n = weft_linear_count(s); i < n; i++)
        outer[i] = bound * (2 * weft_rng_unitf(&r) - 1);
}

void weft_linear_turn(const struct weft_linear *s, const float *inner, float *back)
{
    size_t lanes = weft_lanes(s->in);
    for (size_t o = 0; o < s->out; o++)
        memset(back + o * lanes + s->in, 0, (lanes - s->in) * sizeof *back);
    weft_transpose(s->in, s->out, inner, weft_lanes(s->out), back, lanes);
}

void weft_linear_forward(const struct weft_linear *s, const float *inner, const float *x, size_t ldx, size_t rows,
                         float *y)
{
    size_t lanes = weft_lanes(s->out);
    for (size_t r = 0; r < rows; r++)
        memcpy(y + r * lanes, inner + s->in * lanes, lanes * sizeof *y);
    weft_product(rows, lanes, s->in, x, ldx, 1, inner, lanes, true, y, lanes);
}

void weft_linear_backward(const struct weft_linear *s, const float *back, const float *x, size_t ldx, const float *dy,
                          size_t rows, float *g, float *dx)
{
    size_t lanes = weft_lanes(s->out);
    if (g) {
        weft_product(s->in, lanes, rows, x, 1, ldx, dy, lanes, true, g, lanes);
        for (size_t r = 0; r < rows; r++)
            weft_accumulate(g + s->in * lanes, dy + r * lanes, lanes);
    }
    if (dx)
        weft_product(rows, weft_lanes(s->in), s->out, dy, lanes, 1, back, weft_lanes(s->in), false, dx,
                     weft_lanes(s->in));
}

/* --- activations --- */

void weft_relu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0 ? 0 : x[i]; /* NaN stays NaN */
}

void weft_relu_backward(const float *y, float *dy, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dy[i] = y[i] > 0 ? dy[i] : 0;
}

void weft_leaky_relu(float *x, size_t n, float slope)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0 ? slope * x[i] : x[i];
}

void weft_leaky_relu_backward(const float *y, float *dy, size_t n, float slope)
{
    for (size_t i = 0; i < n; i++)
        dy[i] = y[i] > 0 ? dy[i] : slope * dy[i];
}

/* In float64, so that the float's bits do not depend on the C library's kernels. */
static float sigmoid(float x)
{
    return (float)(1 / (1 + exp(-(double)x)));
}

void weft_sigmoid(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = sigmoid(x[i]);
}

void weft_sigmoid_backward(const float *y, float *dy, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dy[i] *= y[i] * (1 - y[i]);
}

void weft_dropout(float *x, float *mask, size_t n, double p, struct weft_rng r)
{
    float keep = (float)(1 / (1 - p));
    uint64_t below = (uint64_t)(p * 4294967296.0);
    for (size_t i = 0; i < n; i++) {
        mask[i] = weft_rng_u32(&r) < below ? 0 : keep;
        x[i] *= mask[i];
    }
}

void weft_dropout_backward(const float *mask, float *dy, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dy[i] *= mask[i];
}

/* --- losses --- */

double weft_mse(const float *y, const float *target, size_t n, double share, float *dy)
{
    double sum = 0;
    float factor = (float)(2 * share);
    for (size_t i = 0; i < n; i++) {
        float error = y[i] - target[i];
        sum += (double)error * (double)error;
        if (dy)
            dy[i] = factor * error;
    }
    return sum;
}

double weft_bce_logits(const float *z, const float *target, size_t n, double share, float *dz)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double x = z[i];
        sum += (x > 0 ? x : 0) - x * target[i] + log1p(exp(-fabs(x)));
        if (dz)
            dz[i] = (float)(share * (1 / (1 + exp(-x)) - target[i]));
    }
    return sum;
}

/* --- gradients --- */

double weft_clip_norm(float *g, size_t n, double most)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    double norm = sqrt(sum), factor = most / (norm + 1e-6);
    if (factor < 1)
        for (size_t i = 0; i < n; i++)
            g[i] = (float)(g[i] * factor);
    return norm;
}

void weft_accumulate(float *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] += src[i];
}
