/* augment.c - turns and colour changes of training pictures. */
#include "image/augment.h"

#include <math.h>
#include <string.h>

struct weft_rng weft_augment_rng(uint64_t seed, const void *id, size_t id_n, uint64_t epoch)
{
    return weft_rng(seed, weft_hash(id, id_n, epoch));
}

void weft_augment_turn(float *chw, int size, int degrees, float *scratch)
{
    size_t s = (size_t)size, plane = s * s;
    memcpy(scratch, chw, 3 * plane * sizeof(float));
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 0; y < s; y++)
            for (size_t x = 0; x < s; x++) {
                size_t from = degrees == 90    ? x * s + (s - 1 - y)
                              : degrees == 180 ? (s - 1 - y) * s + (s - 1 - x)
                                               : (s - 1 - x) * s + y;
                chw[c * plane + y * s + x] = scratch[c * plane + from];
            }
}

static float clamp(float v)
{
    v = v < 0 ? 0 : v;
    return v > 1 ? 1 : v;
}

/* ITU-R 601 luma with torchvision's rounding of the weights. */
static float grey(const float *chw, size_t plane, size_t i)
{
    return 0.2989f * chw[i] + 0.587f * chw[plane + i] + 0.114f * chw[2 * plane + i];
}

void weft_augment_brightness(float *chw, int size, float factor)
{
    size_t n = 3 * (size_t)size * (size_t)size;
    for (size_t i = 0; i < n; i++)
        chw[i] = clamp(factor * chw[i]);
}

void weft_augment_contrast(float *chw, int size, float factor)
{
    size_t plane = (size_t)size * (size_t)size;
    double sum = 0;
    for (size_t i = 0; i < plane; i++)
        sum += grey(chw, plane, i);
    float mean = (float)(sum / (double)plane);
    for (size_t i = 0; i < 3 * plane; i++)
        chw[i] = clamp(factor * chw[i] + (1 - factor) * mean);
}

void weft_augment_saturation(float *chw, int size, float factor)
{
    size_t plane = (size_t)size * (size_t)size;
    for (size_t i = 0; i < plane; i++) {
        float g = (1 - factor) * grey(chw, plane, i);
        for (size_t c = 0; c < 3; c++)
            chw[c * plane + i] = clamp(factor * chw[c * plane + i] + g);
    }
}

static float factor_of(struct weft_rng *rng, double strength)
{
    double low = strength < 1 ? 1 - strength : 0;
    return (float)(low + (1 + strength - low) * weft_rng_unit(rng));
}

/* Every number is drawn whether it is used or not, so that one option does not change what another one does. */
void weft_augment(const struct weft_augment *a, struct weft_rng *rng, float *chw, int size, float *scratch)
{
    uint32_t order[3] = {0, 1, 2};
    double turn = weft_rng_unit(rng);
    int degrees = weft_rng_below(rng, 2) ? 180 : 90;
    const double strength[3] = {a->brightness, a->contrast, a->saturation};
    float factor[3];
    for (int i = 0; i < 3; i++)
        factor[i] = factor_of(rng, strength[i]);
    weft_rng_shuffle(rng, order, 3);
    if (turn < a->rotate)
        weft_augment_turn(chw, size, degrees, scratch);
    for (int i = 0; i < 3; i++) {
        uint32_t k = order[i];
        if (strength[k] <= 0)
            continue;
        if (k == 0)
            weft_augment_brightness(chw, size, factor[k]);
        else if (k == 1)
            weft_augment_contrast(chw, size, factor[k]);
        else
            weft_augment_saturation(chw, size, factor[k]);
    }
}
