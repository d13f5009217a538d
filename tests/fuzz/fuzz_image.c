/* fuzz_image.c - any bytes as a picture: decoded within small limits, then resized as encode-image does. */
#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    const struct weft_image_limits limits = {.bytes = 1 << 20, .side = 2048, .pixels = 1 << 18};
    struct weft_image im;
    struct weft_err e = {0};
    float out[3 * 16 * 16];
    if (weft_image_decode(p, n, &limits, &im, &e) == 0)
        weft_image_fit(&im, 16, out);
    weft_image_free(&im);
    return 0;
}
