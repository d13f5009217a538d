/* image.h - photographs in: JPEG and PNG bytes to pixels under limits, and pixels to what a network trained on ImageNet
 * expects.
 *
 * Everything becomes RGB: grey is repeated, palettes are looked up, transparency is dropped (not blended), CMYK is
 * converted as (1-c)(1-k); of 16 bits the upper 8 count. EXIF orientation is not applied, as in torchvision. Of an
 * animated PNG the default picture is taken. */
#ifndef WEFT_IMAGE_H
#define WEFT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* width x height pixels of 3 bytes, row by row from the top. */
struct weft_image {
    uint8_t *rgb;
    int width, height;
};

/* What a file may claim to be. */
struct weft_image_limits {
    size_t bytes;  /* of the file */
    int side;      /* pixels of its longer side */
    size_t pixels; /* width * height; at most WEFT_IMAGE_PIXELS_MAX */
};
#define WEFT_IMAGE_PIXELS_MAX ((size_t)1 << 26)
/* 64 MiB, 16,384 a side, 2^25 pixels (33 megapixels, 100 MB decoded): what --max-side and --max-pixels begin with. */
struct weft_image_limits weft_image_default_limits(void);

/* Decodes n bytes; the size that the header claims is checked before anything is allocated. An error (65) says what is
 * wrong: not a JPEG or PNG, too large, cut short. Release with weft_image_free. */
int weft_image_decode(const void *p, size_t n, const struct weft_image_limits *limits, struct weft_image *out,
                      struct weft_err *e) WEFT_MUST_USE;
void weft_image_free(struct weft_image *im);

/* Resizes the shorter side to size * 256 / 224 (256 for 224, rounded down) by bilinear interpolation with antialiasing
 * (the triangle filter widened by the reduction, as in Pillow and torchvision), and cuts size x size out of the centre.
 * out: float [3, size, size] from 0 to 1. */
void weft_image_fit(const struct weft_image *im, int size, float *out);
/* out = (in - mean) / std of ImageNet's channels, in place on [3, size, size]. */
void weft_image_normalise(float *chw, int size);

#endif
