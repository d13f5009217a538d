/* decode.c - JPEG and PNG through stb_image. The only file that knows it. */
#include "weft/image.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* stb_image has no place for a limit of its own: what a picture within WEFT_IMAGE_PIXELS_MAX needs passes (8 bytes a
 * pixel at 16 bits with alpha), and a small file that unpacks without end runs into it. */
#define ALLOC_MAX ((size_t)WEFT_IMAGE_PIXELS_MAX * 8 + 65536)

static void *bounded_malloc(size_t n)
{
    return n > ALLOC_MAX ? NULL : malloc(n);
}

static void *bounded_realloc(void *p, size_t n)
{
    return n > ALLOC_MAX ? NULL : realloc(p, n);
}

#define STBI_MALLOC(n) bounded_malloc(n)
#define STBI_REALLOC(p, n) bounded_realloc(p, n)
#define STBI_FREE(p) free(p)
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS 65535
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
/* It declares functions of the formats that are left out; gcc complains at the end of the file. */
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>

/* More scans than any encoder writes: each costs a pass over all pixels. */
enum { SCANS_MAX = 128 };

struct weft_image_limits weft_image_default_limits(void)
{
    return (struct weft_image_limits){.bytes = (size_t)64 << 20, .side = 16384, .pixels = (size_t)1 << 25};
}

static int is_jpeg(const uint8_t *p, size_t n)
{
    return n >= 3 && p[0] == 0xff && p[1] == 0xd8 && p[2] == 0xff;
}

static int is_png(const uint8_t *p, size_t n)
{
    return n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0;
}

/* Inside entropy-coded data 0xff is followed by 0, so these two bytes are a scan (or one in a thumbnail). */
static int count_scans(const uint8_t *p, size_t n)
{
    int scans = 0;
    for (size_t i = 0; i + 1 < n; i++)
        if (p[i] == 0xff && p[i + 1] == 0xda)
            scans++;
    return scans;
}

static int check_size(const uint8_t *p, size_t n, const struct weft_image_limits *l, struct weft_err *e)
{
    int w, h, c;
    if (!stbi_info_from_memory(p, (int)n, &w, &h, &c))
        return weft_fail(e, WEFT_DATA, "the picture's header is broken or cut short (%s)", stbi_failure_reason());
    if (w < 1 || h < 1)
        return weft_fail(e, WEFT_DATA, "a picture of %d x %d pixels", w, h);
    size_t max = l->pixels < WEFT_IMAGE_PIXELS_MAX ? l->pixels : WEFT_IMAGE_PIXELS_MAX;
    if (w > l->side || h > l->side || (size_t)w * (size_t)h > max)
        return weft_fail(e, WEFT_DATA, "a picture of %d x %d pixels; at most %d a side and %zu in all are taken", w, h,
                         l->side, max);
    return 0;
}

int weft_image_decode(const void *bytes, size_t n, const struct weft_image_limits *limits, struct weft_image *out,
                      struct weft_err *e)
{
    const uint8_t *p = bytes;
    struct weft_image_limits l = limits != NULL ? *limits : weft_image_default_limits();
    int c;
    memset(out, 0, sizeof *out);
    if (n > l.bytes || n > INT_MAX)
        return weft_fail(e, WEFT_DATA, "a picture of %zu bytes; at most %zu are taken", n, l.bytes);
    if (!is_jpeg(p, n) && !is_png(p, n))
        return weft_fail(e, WEFT_DATA, "not a JPEG or PNG picture");
    if (is_jpeg(p, n) && count_scans(p, n) > SCANS_MAX)
        return weft_fail(e, WEFT_DATA, "a JPEG of more than %d scans", SCANS_MAX);
    if (check_size(p, n, &l, e) < 0)
        return -1;
    out->rgb = stbi_load_from_memory(p, (int)n, &out->width, &out->height, &c, 3);
    if (out->rgb == NULL)
        return weft_fail(e, WEFT_DATA, "the picture is broken or cut short (%s)", stbi_failure_reason());
    return 0;
}

void weft_image_free(struct weft_image *im)
{
    free(im->rgb);
    memset(im, 0, sizeof *im);
}
