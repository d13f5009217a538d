/* gram.c - Gram matrices of all windows by differences along the diagonals. */
#include "nn/gram.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"

void weft_gram_init(struct weft_gram *g, size_t width, size_t stride)
{
    *g = (struct weft_gram){.width = width, .stride = stride};
    g->row = WEFT_ARRAY(size_t, width + 1);
    for (size_t i = 0; i < width; i++)
        g->row[i + 1] = g->row[i] + (width - i + 3) / 4 * 4;
    g->sum = WEFT_ARRAY(double, width);
    g->g = WEFT_ARRAY(double, g->row[width]);
}

void weft_gram_free(struct weft_gram *g)
{
    free(g->row);
    free(g->sum);
    free(g->g);
    *g = (struct weft_gram){0};
}

void weft_gram_clear(struct weft_gram *g)
{
    memset(g->sum, 0, g->width * sizeof *g->sum);
    memset(g->g, 0, g->row[g->width] * sizeof *g->g);
    g->n = 0;
    g->finished = false;
}

double weft_gram_sum(const double *x, size_t n)
{
    weft_v4d a = {0, 0, 0, 0}, b = a;
    size_t t = 0;
    for (; t + 8 <= n; t += 8) {
        a += *(const weft_v4d *)(x + t);
        b += *(const weft_v4d *)(x + t + 4);
    }
    a += b;
    double sum = (a[0] + a[1]) + (a[2] + a[3]);
    for (; t < n; t++)
        sum += x[t];
    return sum;
}

/* out[k] += sum over t < n of x[t] x[t+k], for k < 4 * vectors: the sums stay in registers, in order of t. */
WEFT_INLINE void lags(double *restrict out, const double *restrict x, const double *restrict y, size_t n, int vectors)
{
    weft_v4d acc[10];
    for (int v = 0; v < vectors; v++)
        acc[v] = (weft_v4d){0, 0, 0, 0};
    for (size_t t = 0; t < n; t++) {
        weft_v4d a = {x[t], x[t], x[t], x[t]};
#pragma GCC unroll 10
        for (int v = 0; v < vectors; v++)
            acc[v] += a * *(const weft_v4d *)(y + t + 4 * v);
    }
    for (int v = 0; v < vectors; v++)
        *(weft_v4d *)(out + 4 * v) += acc[v];
}

/* The first row of G. Its padding takes up what lies behind the run: nobody reads it. */
WEFT_INLINE void first_row(double *restrict out, const double *restrict x, size_t n, size_t width)
{
    size_t left = (width + 3) / 4;
    for (; left > 10; left -= 8, out += 32)
        lags(out, x, x + (width + 3) / 4 * 4 - left * 4, n, 8);
    const double *y = x + (width + 3) / 4 * 4 - left * 4;
    switch (left) {
    case 10: lags(out, x, y, n, 10); break;
    case 9: lags(out, x, y, n, 9); break;
    case 8: lags(out, x, y, n, 8); break;
    case 7: lags(out, x, y, n, 7); break;
    case 6: lags(out, x, y, n, 6); break;
    case 5: lags(out, x, y, n, 5); break;
    case 4: lags(out, x, y, n, 4); break;
    case 3: lags(out, x, y, n, 3); break;
    case 2: lags(out, x, y, n, 2); break;
    default: lags(out, x, y, n, 1); break;
    }
}

/* Row i + 1 of G minus row i, shifted by one: what enters at the end of the run minus what leaves at its beginning. */
WEFT_INLINE void other_rows(struct weft_gram *g, const double *restrict x, size_t n)
{
    for (size_t i = 0; i + 1 < g->width; i++) {
        double *restrict out = g->g + g->row[i + 1];
        const double *restrict head = x + i, *restrict tail = x + n + i;
        weft_v4d a = {head[0], head[0], head[0], head[0]}, b = {tail[0], tail[0], tail[0], tail[0]};
        for (size_t k = 0; k < g->width - 1 - i; k += 4) {
            weft_v4d enters = b * *(const weft_v4d *)(tail + k), leaves = a * *(const weft_v4d *)(head + k);
            *(weft_v4d *)(out + k) += enters - leaves;
        }
    }
}

WEFT_INLINE void add_run(struct weft_gram *g, const double *x, size_t n)
{
    first_row(g->g, x, n, g->width);
    other_rows(g, x, n);
}

static void add_run_plain(struct weft_gram *g, const double *x, size_t n)
{
    add_run(g, x, n);
}

WEFT_AVX2 static void add_run_avx2(struct weft_gram *g, const double *x, size_t n)
{
    add_run(g, x, n);
}

static void add_directly(struct weft_gram *g, const double *x, size_t count)
{
    for (size_t w = 0; w < count; w++, x += g->stride)
        for (size_t i = 0; i < g->width; i++) {
            double *out = g->g + g->row[i];
            g->sum[i] += x[i];
            for (size_t j = i; j < g->width; j++)
                out[j - i] += x[i] * x[j];
        }
}

void weft_gram_add(struct weft_gram *g, const double *x, size_t count)
{
    if (!count)
        return;
    g->n += count;
    if (g->stride != 1) {
        add_directly(g, x, count);
        return;
    }
    g->sum[0] += weft_gram_sum(x, count);
    for (size_t i = 0; i + 1 < g->width; i++)
        g->sum[i + 1] += x[count + i] - x[i];
    if (weft_has_avx2())
        add_run_avx2(g, x, count);
    else
        add_run_plain(g, x, count);
}

void weft_gram_finish(struct weft_gram *g)
{
    if (g->finished)
        return;
    g->finished = true;
    if (g->stride != 1)
        return;
    for (size_t i = 0; i + 1 < g->width; i++) {
        const double *above = g->g + g->row[i];
        double *row = g->g + g->row[i + 1];
        g->sum[i + 1] += g->sum[i];
        for (size_t k = 0; k < g->width - 1 - i; k++)
            row[k] += above[k];
    }
}

void weft_gram_merge(struct weft_gram *dst, const struct weft_gram *src)
{
    dst->n += src->n;
    for (size_t i = 0; i < dst->width; i++) {
        double *to = dst->g + dst->row[i];
        const double *from = src->g + src->row[i];
        dst->sum[i] += src->sum[i];
        for (size_t k = 0; k < dst->width - i; k++)
            to[k] += from[k];
    }
}

void weft_gram_shift(struct weft_gram *g, double c)
{
    double n = (double)g->n;
    for (size_t i = 0; i < g->width; i++) {
        double *row = g->g + g->row[i];
        for (size_t j = i; j < g->width; j++)
            row[j - i] += c * (n * c - g->sum[i] - g->sum[j]);
    }
    for (size_t i = 0; i < g->width; i++)
        g->sum[i] -= n * c;
}

size_t weft_gram_packed_size(size_t width)
{
    return width * (width + 1) / 2;
}

void weft_gram_pack(const struct weft_gram *g, double *out)
{
    for (size_t i = 0; i < g->width; out += g->width - i, i++)
        memcpy(out, g->g + g->row[i], (g->width - i) * sizeof *out);
}

void weft_gram_unpack(struct weft_gram *g, const double *in)
{
    for (size_t i = 0; i < g->width; in += g->width - i, i++)
        memcpy(g->g + g->row[i], in, (g->width - i) * sizeof *in);
    g->finished = true;
}
