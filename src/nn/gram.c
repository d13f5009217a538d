/* gram.c - Gram matrices of all windows by differences along the diagonals. */
#include "nn/gram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"

void weft_gram_init_tracks(struct weft_gram *g, size_t tracks, const size_t *from, const size_t *to, size_t stride)
{
    *g = (struct weft_gram){.tracks = tracks, .stride = stride};
    g->from = WEFT_ARRAY(size_t, 3 * tracks);
    g->to = g->from + tracks;
    g->base = g->to + tracks;
    for (size_t k = 0; k < tracks; k++) {
        g->from[k] = from[k];
        g->to[k] = to[k];
        g->base[k] = g->width;
        g->width += to[k] - from[k];
    }
    size_t width = g->width;
    g->row = WEFT_ARRAY(size_t, width + 1);
    for (size_t i = 0; i < width; i++)
        g->row[i + 1] = g->row[i] + (width - i + 3) / 4 * 4;
    g->sum = WEFT_ARRAY(double, width);
    g->g = WEFT_ARRAY(double, g->row[width]);
}

void weft_gram_init(struct weft_gram *g, size_t width, size_t stride)
{
    weft_gram_init_tracks(g, 1, &(size_t){0}, &width, stride);
}

void weft_gram_free(struct weft_gram *g)
{
    free(g->from);
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
    case 10:
        lags(out, x, y, n, 10);
        break;
    case 9:
        lags(out, x, y, n, 9);
        break;
    case 8:
        lags(out, x, y, n, 8);
        break;
    case 7:
        lags(out, x, y, n, 7);
        break;
    case 6:
        lags(out, x, y, n, 6);
        break;
    case 5:
        lags(out, x, y, n, 5);
        break;
    case 4:
        lags(out, x, y, n, 4);
        break;
    case 3:
        lags(out, x, y, n, 3);
        break;
    case 2:
        lags(out, x, y, n, 2);
        break;
    default:
        lags(out, x, y, n, 1);
        break;
    }
}

/* Row i + 1 of G minus row i, shifted by one: what enters at the end of the run minus what leaves at its beginning.
 * Rows of one track are padded, and the last vector may write there; behind a row's part of several tracks the next
 * track begins. row: of the track's first column. */
WEFT_INLINE void other_rows(double *restrict to, const size_t *restrict row, size_t width, const double *restrict x,
                            size_t n, bool padded)
{
    for (size_t i = 0; i + 1 < width; i++) {
        double *restrict out = to + row[i + 1];
        const double *restrict head = x + i, *restrict tail = x + n + i;
        weft_v4d a = {head[0], head[0], head[0], head[0]}, b = {tail[0], tail[0], tail[0], tail[0]};
        size_t most = padded ? width - 1 - i : (width - 1 - i) / 4 * 4;
        for (size_t k = 0; k < most; k += 4) {
            weft_v4d enters = b * *(const weft_v4d *)(tail + k), leaves = a * *(const weft_v4d *)(head + k);
            *(weft_v4d *)(out + k) += enters - leaves;
        }
        for (size_t k = most; k < width - 1 - i && !padded; k++)
            out[k] += tail[0] * tail[k] - head[0] * head[k];
    }
}

/* out[j] += sum over t < n of a[t] b[t + j], j < count: eight sums at a time in registers, each in order of t. */
WEFT_INLINE void correlate(double *restrict out, const double *restrict a, const double *restrict b, size_t n,
                           size_t count)
{
    size_t j = 0;
    for (; j + 8 <= count; j += 8) {
        weft_v4d low = {0, 0, 0, 0}, high = low;
        for (size_t t = 0; t < n; t++) {
            weft_v4d x = {a[t], a[t], a[t], a[t]};
            low += x * *(const weft_v4d *)(b + t + j);
            high += x * *(const weft_v4d *)(b + t + j + 4);
        }
        *(weft_v4d *)(out + j) += low;
        *(weft_v4d *)(out + j + 4) += high;
    }
    for (; j < count; j++) {
        double sum = 0;
        for (size_t t = 0; t < n; t++)
            sum += a[t] * b[t + j];
        out[j] += sum;
    }
}

/* Row i of G as if it began at column 0. */
static inline double *whole_row(const struct weft_gram *g, size_t i)
{
    return g->g + g->row[i] - i;
}

/* Tracks k < l: first row and column whole, elsewhere the difference to the neighbour up left. room: [width] */
WEFT_INLINE void add_pair(struct weft_gram *g, size_t k, size_t l, const double *a, const double *b, size_t n,
                          double *restrict room)
{
    size_t rows = g->to[k] - g->from[k], columns = g->to[l] - g->from[l], top = g->base[k], left = g->base[l];
    if (!rows || !columns)
        return;
    correlate(whole_row(g, top) + left, a, b, n, columns);
    memset(room, 0, rows * sizeof *room);
    correlate(room, b, a + 1, n, rows - 1);
    for (size_t i = 0; i + 1 < rows; i++) {
        double *restrict out = whole_row(g, top + i + 1) + left, leaves = a[i], enters = a[n + i];
        out[0] += room[i];
        for (size_t j = 0; j + 1 < columns; j++)
            out[j + 1] += enters * b[n + j] - leaves * b[j];
    }
}

/* Track k with itself. room: [width], and the padding of a row */
WEFT_INLINE void add_own(struct weft_gram *g, size_t k, const double *x, size_t n, double *restrict room)
{
    size_t width = g->to[k] - g->from[k], padded = (width + 3) / 4 * 4;
    const size_t *row = g->row + g->base[k];
    if (!width)
        return;
    memset(room, 0, padded * sizeof *room);
    first_row(room, x, n, width);
    for (size_t i = 0; i < width; i++)
        g->g[row[0] + i] += room[i];
    other_rows(g->g, row, width, x, n, false);
}

WEFT_INLINE void add_run(struct weft_gram *g, const double *const *x, size_t n, double *room)
{
    if (g->tracks == 1) {
        first_row(g->g, x[0], n, g->width);
        other_rows(g->g, g->row, g->width, x[0], n, true);
        return;
    }
    for (size_t k = 0; k < g->tracks; k++) {
        add_own(g, k, x[k] + g->from[k], n, room);
        for (size_t l = k + 1; l < g->tracks; l++)
            add_pair(g, k, l, x[k] + g->from[k], x[l] + g->from[l], n, room);
    }
}

static void add_run_plain(struct weft_gram *g, const double *const *x, size_t n, double *room)
{
    add_run(g, x, n, room);
}

WEFT_AVX2 static void add_run_avx2(struct weft_gram *g, const double *const *x, size_t n, double *room)
{
    add_run(g, x, n, room);
}

static void add_directly(struct weft_gram *g, const double *const *x, size_t count)
{
    double *v = WEFT_ARRAY(double, g->width);
    for (size_t at = 0; at < count * g->stride; at += g->stride) {
        for (size_t k = 0; k < g->tracks; k++)
            memcpy(v + g->base[k], x[k] + g->from[k] + at, (g->to[k] - g->from[k]) * sizeof *v);
        for (size_t i = 0; i < g->width; i++) {
            double *out = whole_row(g, i);
            g->sum[i] += v[i];
            for (size_t j = i; j < g->width; j++)
                out[j] += v[i] * v[j];
        }
    }
    free(v);
}

void weft_gram_add_tracks(struct weft_gram *g, const double *const *x, size_t count)
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
    double *room = g->tracks > 1 ? weft_xaligned(g->width + 4, sizeof *room) : NULL;
    if (weft_has_avx2())
        add_run_avx2(g, x, count, room);
    else
        add_run_plain(g, x, count, room);
    free(room);
}

void weft_gram_add(struct weft_gram *g, const double *x, size_t count)
{
    weft_gram_add_tracks(g, &x, count);
}

bool *weft_gram_whole(const struct weft_gram *g, const double *z, size_t n, size_t used, size_t starts)
{
    bool *good = WEFT_ARRAY(bool, starts);
    memset(good, 1, starts * sizeof *good);
    for (size_t k = 0; k < g->tracks; k++, z += n)
        for (size_t s = 0, seen = 0, after = 0; s < starts && s + g->to[k] <= used;
             s++) { /* z[after .. seen) has no missing value */
            for (; seen < s + g->to[k]; seen++)
                if (!isfinite(z[seen]))
                    after = seen + 1;
            good[s] &= after <= s + g->from[k];
        }
    return good;
}

void weft_gram_finish(struct weft_gram *g)
{
    if (g->finished)
        return;
    g->finished = true;
    if (g->stride != 1)
        return;
    for (size_t k = 0; k < g->tracks; k++) {
        size_t first = g->base[k], rows = g->to[k] - g->from[k];
        for (size_t i = 0; i + 1 < rows; i++) {
            const double *above = whole_row(g, first + i);
            double *row = whole_row(g, first + i + 1);
            g->sum[first + i + 1] += g->sum[first + i];
            for (size_t l = k; l < g->tracks; l++) {
                size_t end = g->base[l] + g->to[l] - g->from[l];
                for (size_t j = l == k ? first + i : g->base[l]; j + 1 < end; j++)
                    row[j + 1] += above[j];
            }
        }
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
    size_t width = g->to[0] - g->from[0];
    for (size_t i = 0; i < width; i++) {
        double *row = whole_row(g, i);
        for (size_t j = i; j < width; j++)
            row[j] += c * (n * c - g->sum[i] - g->sum[j]);
        for (size_t j = width; j < g->width; j++)
            row[j] -= c * g->sum[j];
    }
    for (size_t i = 0; i < width; i++)
        g->sum[i] -= n * c;
}

void weft_gram_silence(struct weft_gram *g, size_t track)
{
    size_t from = g->base[track], to = from + g->to[track] - g->from[track];
    for (size_t j = from; j < to; j++) {
        g->sum[j] = 0;
        for (size_t i = 0; i <= j; i++)
            g->g[g->row[i] + j - i] = 0;
        memset(g->g + g->row[j], 0, (g->row[j + 1] - g->row[j]) * sizeof *g->g);
    }
}

void weft_gram_target(const struct weft_gram *g, struct weft_gram *out)
{
    size_t width = g->to[0] - g->from[0];
    weft_gram_init(out, width, g->stride);
    memcpy(out->sum, g->sum, width * sizeof *out->sum);
    for (size_t i = 0; i < width; i++)
        memcpy(out->g + out->row[i], g->g + g->row[i], (width - i) * sizeof *out->g);
    out->n = g->n;
    out->finished = g->finished;
}

void weft_gram_copy(const struct weft_gram *g, struct weft_gram *out)
{
    weft_gram_init_tracks(out, g->tracks, g->from, g->to, g->stride);
    memcpy(out->sum, g->sum, g->width * sizeof *out->sum);
    memcpy(out->g, g->g, g->row[g->width] * sizeof *out->g);
    out->n = g->n;
    out->finished = g->finished;
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
