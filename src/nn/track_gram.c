/* track_gram.c - Gram matrices of windows over several channels. */
#include "nn/track_gram.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "nn/gram.h"
#include "base/mem.h"

void weft_track_gram_init(struct weft_track_gram *g, size_t tracks, const size_t *from, const size_t *to, size_t stride)
{
    *g = (struct weft_track_gram){.tracks = tracks, .stride = stride};
    for (size_t k = 0; k < tracks; k++) {
        g->from[k] = from[k];
        g->to[k] = to[k];
        g->base[k] = g->width;
        g->width += to[k] - from[k];
    }
    g->sum = WEFT_ARRAY(double, g->width);
    g->g = WEFT_ARRAY(double, g->width * g->width);
}

void weft_track_gram_free(struct weft_track_gram *g)
{
    free(g->sum);
    free(g->g);
    *g = (struct weft_track_gram){0};
}

/* out[j * step] += sum over t < n of a[t] b[t + j], j < count: eight sums at a time in registers, each in order of t. */
WEFT_INLINE void correlate(double *out, size_t step, const double *restrict a, const double *restrict b, size_t n, size_t count)
{
    size_t j = 0;
    for (; j + 8 <= count; j += 8) {
        weft_v4d low = {0, 0, 0, 0}, high = low;
        for (size_t t = 0; t < n; t++) {
            weft_v4d x = {a[t], a[t], a[t], a[t]};
            low += x * *(const weft_v4d *)(b + t + j);
            high += x * *(const weft_v4d *)(b + t + j + 4);
        }
        for (size_t i = 0; i < 4; i++) {
            out[(j + i) * step] += low[i];
            out[(j + i + 4) * step] += high[i];
        }
    }
    for (; j < count; j++) {
        double sum = 0;
        for (size_t t = 0; t < n; t++)
            sum += a[t] * b[t + j];
        out[j * step] += sum;
    }
}

/* The block of tracks k <= l: first row and column whole, elsewhere the difference to the neighbour up left. */
WEFT_INLINE void add_block(struct weft_track_gram *g, size_t k, size_t l, const double *a, const double *b, size_t n)
{
    size_t rows = g->to[k] - g->from[k], columns = g->to[l] - g->from[l], w = g->width;
    double *block = g->g + g->base[k] * w + g->base[l];
    if (!rows || !columns)
        return;
    correlate(block, 1, a, b, n, columns);
    correlate(block + w, w, b, a + 1, n, rows - 1);
    for (size_t i = 0; i + 1 < rows; i++) {
        double *restrict out = block + (i + 1) * w + 1, leaves = a[i], enters = a[n + i];
        for (size_t j = 0; j + 1 < columns; j++)
            out[j] += enters * b[n + j] - leaves * b[j];
    }
}

WEFT_INLINE void add_all(struct weft_track_gram *g, const double *const *x, size_t n)
{
    for (size_t k = 0; k < g->tracks; k++)
        for (size_t l = k; l < g->tracks; l++)
            add_block(g, k, l, x[k] + g->from[k], x[l] + g->from[l], n);
}

static void add_all_plain(struct weft_track_gram *g, const double *const *x, size_t n)
{
    add_all(g, x, n);
}

WEFT_AVX2 static void add_all_avx2(struct weft_track_gram *g, const double *const *x, size_t n)
{
    add_all(g, x, n);
}

static void add_directly(struct weft_track_gram *g, const double *const *x, size_t count)
{
    double *v = WEFT_ARRAY(double, g->width);
    for (size_t at = 0; at < count * g->stride; at += g->stride) {
        for (size_t k = 0; k < g->tracks; k++)
            memcpy(v + g->base[k], x[k] + g->from[k] + at, (g->to[k] - g->from[k]) * sizeof *v);
        for (size_t i = 0; i < g->width; i++) {
            g->sum[i] += v[i];
            for (size_t j = i; j < g->width; j++)
                g->g[i * g->width + j] += v[i] * v[j];
        }
    }
    free(v);
}

void weft_track_gram_add(struct weft_track_gram *g, const double *const *x, size_t count)
{
    if (!count)
        return;
    g->n += count;
    if (g->stride != 1) {
        add_directly(g, x, count);
        return;
    }
    for (size_t k = 0; k < g->tracks; k++) {
        const double *a = x[k] + g->from[k];
        double *sum = g->sum + g->base[k];
        if (g->to[k] > g->from[k])
            sum[0] += weft_gram_sum(a, count);
        for (size_t i = 0; i + 1 + g->from[k] < g->to[k]; i++)
            sum[i + 1] += a[count + i] - a[i];
    }
    if (weft_has_avx2())
        add_all_avx2(g, x, count);
    else
        add_all_plain(g, x, count);
}

void weft_track_gram_finish(struct weft_track_gram *g)
{
    size_t w = g->width;
    if (g->finished)
        return;
    g->finished = true;
    for (size_t k = 0; k < g->tracks && g->stride == 1; k++) {
        for (size_t i = g->base[k]; i + 1 < g->base[k] + g->to[k] - g->from[k]; i++)
            g->sum[i + 1] += g->sum[i];
        for (size_t l = k; l < g->tracks; l++)
            for (size_t i = g->base[k]; i + 1 < g->base[k] + g->to[k] - g->from[k]; i++)
                for (size_t j = g->base[l]; j + 1 < g->base[l] + g->to[l] - g->from[l]; j++)
                    g->g[(i + 1) * w + j + 1] += g->g[i * w + j];
    }
    for (size_t i = 0; i < w; i++)
        for (size_t j = 0; j < i; j++)
            g->g[i * w + j] = g->g[j * w + i];
}

void weft_track_gram_merge(struct weft_track_gram *dst, const struct weft_track_gram *src)
{
    dst->n += src->n;
    for (size_t i = 0; i < dst->width; i++)
        dst->sum[i] += src->sum[i];
    for (size_t i = 0; i < dst->width * dst->width; i++)
        dst->g[i] += src->g[i];
}
