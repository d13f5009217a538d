/* resize.c - bilinear reduction with antialiasing: two passes of one-dimensional weights, columns first, as Pillow
 * does. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/image.h"
#include "base/mem.h"

/* Which source pixels make one target pixel, and how much of each. */
struct taps {
    int *first, *count;
    float *weight; /* [n, width] */
    int width;
};

/* Target pixels from..from+n of `target` in all, out of `source` pixels. */
static void taps_make(struct taps *t, int source, int target, int from, int n)
{
    double scale = (double)source / target, stretch = scale > 1 ? scale : 1;
    t->width = (int)ceil(stretch) * 2 + 1;
    t->first = WEFT_ARRAY(int, (size_t)n);
    t->count = WEFT_ARRAY(int, (size_t)n);
    t->weight = WEFT_ARRAY(float, (size_t)n *(size_t)t->width);
    for (int i = 0; i < n; i++) {
        double centre = (from + i + 0.5) * scale, sum = 0;
        int first = (int)(centre - stretch + 0.5), last = (int)(centre + stretch + 0.5);
        first = first < 0 ? 0 : first;
        last = last > source ? source : last;
        float *w = t->weight + (size_t)i * (size_t)t->width;
        for (int k = first; k < last; k++)
            sum += fmax(0, 1 - fabs((k - centre + 0.5) / stretch));
        for (int k = first; k < last; k++)
            w[k - first] = (float)(fmax(0, 1 - fabs((k - centre + 0.5) / stretch)) / sum);
        t->first[i] = first;
        t->count[i] = last - first;
    }
}

static void taps_free(struct taps *t)
{
    free(t->first);
    free(t->count);
    free(t->weight);
}

/* One source row to n target columns of 3 channels. */
static void row_pass(const uint8_t *row, const struct taps *t, int n, float *out)
{
    for (int i = 0; i < n; i++) {
        const uint8_t *p = row + 3 * (size_t)t->first[i];
        const float *w = t->weight + (size_t)i * (size_t)t->width;
        float r = 0, g = 0, b = 0;
        for (int k = 0; k < t->count[i]; k++) {
            r += w[k] * p[3 * k];
            g += w[k] * p[3 * k + 1];
            b += w[k] * p[3 * k + 2];
        }
        out[3 * i] = r;
        out[3 * i + 1] = g;
        out[3 * i + 2] = b;
    }
}

/* Target row i of `h`, all columns, as three planes from 0 to 1. `rows` holds the source rows from `base` on, reduced
 * to w columns. */
static void column_pass(const float *rows, int base, const struct taps *t, int i, int w, int h, float *sum, float *out)
{
    const float *weight = t->weight + (size_t)i * (size_t)t->width;
    size_t n = 3 * (size_t)w, plane = (size_t)w * (size_t)h;
    memset(sum, 0, n * sizeof(float));
    for (int k = 0; k < t->count[i]; k++) {
        const float *row = rows + (size_t)(t->first[i] - base + k) * n;
        for (size_t j = 0; j < n; j++)
            sum[j] += weight[k] * row[j];
    }
    for (size_t x = 0; x < (size_t)w; x++)
        for (size_t c = 0; c < 3; c++)
            out[c * plane + (size_t)i * (size_t)w + x] = fminf(fmaxf(sum[3 * x + c] / 255.0f, 0), 1);
}

/* The part of w x h pixels at (left, top) of the picture resized to full_w x full_h; nothing else is computed. */
static void resize_part(const struct weft_image *im, int full_w, int full_h, int left, int top, int w, int h,
                        float *out)
{
    struct taps across, down;
    taps_make(&across, im->width, full_w, left, w);
    taps_make(&down, im->height, full_h, top, h);
    int base = down.first[0], end = down.first[h - 1] + down.count[h - 1];
    size_t n = 3 * (size_t)w;
    float *rows = WEFT_ARRAY(float, (size_t)(end - base) * n), *sum = WEFT_ARRAY(float, n);
    for (int y = base; y < end; y++)
        row_pass(im->rgb + 3 * (size_t)y * (size_t)im->width, &across, w, rows + (size_t)(y - base) * n);
    for (int y = 0; y < h; y++)
        column_pass(rows, base, &down, y, w, h, sum, out);
    free(rows);
    free(sum);
    taps_free(&across);
    taps_free(&down);
}

/* Half of n, halves to the even number, as Python's round does in torchvision's centre crop. */
static int half(int n)
{
    return n / 2 + (n % 4 == 3);
}

void weft_image_fit(const struct weft_image *im, int size, float *out)
{
    int shorter = (int)((long)size * 256 / 224), w = shorter, h = shorter;
    if (im->width < im->height)
        h = (int)((long)shorter * im->height / im->width);
    else
        w = (int)((long)shorter * im->width / im->height);
    resize_part(im, w, h, half(w - size), half(h - size), size, size, out);
}

void weft_image_normalise(float *chw, int size)
{
    static const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
    size_t plane = (size_t)size * (size_t)size;
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < plane; i++)
            chw[c * plane + i] = (chw[c * plane + i] - mean[c]) / std[c];
}
