/* augment.h - random changes of training pictures, the same for the same (seed, sample, epoch) whatever the order,
 * batch or thread.
 *
 * Pictures are float [3, size, size] from 0 to 1, before normalisation. Colour changes are those of torchvision's
 * ColorJitter: each factor uniform in [max(0, 1 - x), 1 + x], in random order, clamped to 0 to 1 after each. */
#ifndef WEFT_AUGMENT_H
#define WEFT_AUGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "image/image.h"
#include "base/par.h"
#include "base/rng.h"

struct weft_augment {
    double rotate;     /* probability of a turn; then 90 (counter-clockwise) or 180 degrees with equal chance */
    double brightness; /* 0: unchanged */
    double contrast;
    double saturation;
};

/* From files to a network's input: decoded, fitted, changed at random when asked, normalised. */
struct weft_image_job {
    const void *bytes; /* of the file */
    size_t n;
    const void *id; /* names the sample for its random numbers; unused without augment */
    size_t id_n;
    struct weft_err
        err; /* zeroed before; code != 0: the picture can't be read, and its place in out holds nothing of use */
};
struct weft_image_prepare {
    struct weft_image_limits limits;
    int size;
    const struct weft_augment *augment; /* NULL: none */
    uint64_t seed, epoch;
};
/* out: float [n, 3, size, size]. Pictures are worked on in parallel; par may be NULL. */
void weft_image_prepare(struct weft_par *par, const struct weft_image_prepare *how, struct weft_image_job *jobs,
                        size_t n, float *out);

/* Random numbers of one sample in one epoch. */
struct weft_rng weft_augment_rng(uint64_t seed, const void *id, size_t id_n, uint64_t epoch);
/* Changes the picture in place; scratch has room for one picture. */
void weft_augment(const struct weft_augment *a, struct weft_rng *rng, float *chw, int size, float *scratch);

/* The single changes. */
void weft_augment_turn(float *chw, int size, int degrees, float *scratch); /* 90, 180 or 270, counter-clockwise */
void weft_augment_brightness(float *chw, int size, float factor);
void weft_augment_contrast(float *chw, int size, float factor);
void weft_augment_saturation(float *chw, int size, float factor);

#endif
