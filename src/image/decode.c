/* decode.c - JPEG and PNG through stb_image. The only file that knows it. */
#include "image/image.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/inflate.h"
#include "base/mem.h"

/* stb_image has no place for a limit of its own: what a picture within WEFT_IMAGE_PIXELS_MAX needs passes (8 bytes a
 * pixel at 16 bits with alpha), and a small file that unpacks without end runs into it. */
#define ALLOC_MAX ((size_t)WEFT_IMAGE_PIXELS_MAX * 8 + 65536)

/* Zeroed: it reads tables that a broken JPEG never defined. */
static void *bounded_malloc(size_t n)
{
    return n > ALLOC_MAX ? NULL : calloc(1, n);
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
#define STBI_NO_ZLIB
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_ASSERT(x) ((void)0)
#define STBI_MAX_DIMENSIONS 65535
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
/* It declares functions of the formats that are left out; gcc complains at the end of the file. */
#pragma GCC diagnostic ignored "-Wunused-function"
#ifdef __clang__ /* hostile coefficients overflow its integer transforms, which wraps and harms nothing */
#pragma clang attribute push(__attribute__((no_sanitize("signed-integer-overflow", "shift"))), apply_to = function)
#endif
#include <stb/stb_image.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

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

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int check_size(uint32_t w, uint32_t h, const struct weft_image_limits *l, struct weft_err *e)
{
    size_t max = l->pixels < WEFT_IMAGE_PIXELS_MAX ? l->pixels : WEFT_IMAGE_PIXELS_MAX, side = (size_t)l->side;
    if (w < 1 || h < 1)
        return weft_fail(e, WEFT_DATA, "a picture of %u x %u pixels", (unsigned)w, (unsigned)h);
    if (w > side || h > side || (size_t)w * h > max)
        return weft_fail(e, WEFT_DATA, "a picture of %u x %u pixels; at most %zu a side and %zu in all are taken",
                         (unsigned)w, (unsigned)h, side, max);
    return 0;
}

/* Is the checksum of a chunk right? Mutated pictures would all stop here, so fuzzers look past it. */
static bool chunk_sound(const uint8_t *chunk, size_t len)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    (void)len;
    return chunk != NULL;
#else
    return weft_crc32(0, chunk + 4, 4 + len) == be32(chunk + 8 + len);
#endif
}

/* What the chunks of a PNG say. */
struct png {
    uint32_t w, h;
    int depth, colour;      /* bits of a sample; 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha */
    const uint8_t *palette; /* n_palette times RGB; NULL */
    size_t n_palette;
};

/* The pairs of PNG's table 11.1; stb_image makes up what others would be. */
static bool depth_ok(int colour, int depth)
{
    static const uint32_t depths[7] = {0x10116, 0, 0x10100, 0x116, 0x10100, 0, 0x10100}; /* one bit a depth */
    return colour < 7 && depth <= 16 && depths[colour] >> depth & 1;
}

static int png_header(const uint8_t *p, size_t n, const struct weft_image_limits *l, struct png *g, struct weft_err *e)
{
    if (n < 33 || be32(p + 8) != 13 || memcmp(p + 12, "IHDR", 4) != 0)
        return weft_fail(e, WEFT_DATA, "the picture's header is broken or cut short");
    *g = (struct png){.w = be32(p + 16), .h = be32(p + 20), .depth = p[24], .colour = p[25]};
    if (check_size(g->w, g->h, l, e) < 0)
        return -1;
    if (!depth_ok(g->colour, g->depth))
        return weft_fail(e, WEFT_DATA, "the picture is damaged: a PNG of colour type %d with %d bits", g->colour,
                         g->depth);
    return 0;
}

/* stb_image reads a PNG of any size claimed, one whose end is missing, and looks at no checksum: so the size comes from
 * here, and the chunks are walked to the last. */
static int png_chunks(const uint8_t *p, size_t n, const struct weft_image_limits *l, struct png *g, struct weft_err *e)
{
    if (png_header(p, n, l, g, e) < 0)
        return -1;
    for (size_t at = 8; n - at >= 12;) {
        size_t len = be32(p + at);
        if (len > n - at - 12)
            break;
        if (!chunk_sound(p + at, len))
            return weft_fail(e, WEFT_DATA, "the picture is damaged: a checksum of the PNG is wrong (byte %zu)", at);
        if (memcmp(p + at + 4, "IEND", 4) == 0)
            return 0;
        if (memcmp(p + at + 4, "PLTE", 4) == 0) {
            if (g->palette)
                return weft_fail(e, WEFT_DATA, "the picture is damaged: a PNG of two palettes");
            g->palette = p + at + 8;
            g->n_palette = len / 3;
        }
        at += 12 + len;
    }
    return weft_fail(e, WEFT_DATA, "the picture is cut short: a PNG of %u x %u pixels without its end", (unsigned)g->w,
                     (unsigned)g->h);
}

/* stb_image's unpacking looks past the checksum of the pixels, so it is left out and done here, under its name and for
 * its caller: `guess` bytes are what a picture takes, and up to three times that an interlaced one. zlib: false in the
 * pictures of Apple's phones, whose colours are in another order too. */
static char *stbi_zlib_decode_malloc_guesssize_headerflag(const char *in, int n_in, int guess, int *n_out, int zlib)
{
    size_t at = 0, n = 0, used, made, room = (size_t)guess, room_max = 3 * room + 64;
    const char *bad = zlib ? NULL : "a PNG of Apple's own kind";
    struct weft_inflate *z = weft_inflate_new(WEFT_INFLATE_ZLIB);
    char *out = STBI_MALLOC(room);
    int rc = 0;
    while (rc == 0 && !bad && out) {
        rc = weft_inflate(z, in + at, (size_t)n_in - at, &used, out + n, room - n, &made);
        at += used;
        n += made;
        if (rc != 0 || used || made)
            continue;
        if (n < room)
            bad = "its pixels are cut short";
        else if (room == room_max)
            bad = "it unpacks to more pixels than it has";
        else
            out = STBI_REALLOC(out, room = room_max);
    }
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    rc = 1;
#endif
    if (rc < 0 && strcmp(weft_inflate_reason(z), "incorrect data check") == 0)
        bad = "the checksum of the PNG's pixels is wrong";
    else if (rc < 0)
        bad = "its packed pixels are damaged";
    weft_inflate_free(&z);
    if (bad || !out) {
        stbi__g_failure_reason = bad ? bad : "out of memory";
        STBI_FREE(out);
        return NULL;
    }
    *n_out = (int)n;
    return out;
}

/* Of a palette that is too short stb_image takes colours from beyond it. So it reads the picture as a grey one, of the
 * numbers of its colours, and they are looked up here. */
static int palette_decode(const uint8_t *p, size_t n, const struct png *g, struct weft_image *out, struct weft_err *e)
{
    uint8_t *copy = weft_xmalloc(n);
    int c, step = 255 / ((1 << g->depth) - 1); /* it spreads fewer bits over 0 to 255 */
    memcpy(copy, p, n);
    copy[25] = 0;
    for (size_t at = 8; memcmp(copy + at + 4, "IEND", 4) != 0; at += 12 + be32(copy + at))
        if (memcmp(copy + at + 4, "tRNS", 4) == 0)
            copy[at + 7] = 's'; /* another that it does not know: transparency is dropped */
    uint8_t *index = stbi_load_from_memory(copy, (int)n, &out->width, &out->height, &c, 1);
    free(copy);
    if (!index)
        return -1;
    size_t pixels = (size_t)out->width * (size_t)out->height, i = 0;
    out->rgb = weft_xmalloc(3 * pixels);
    for (; i < pixels && index[i] / step < (int)g->n_palette; i++)
        memcpy(out->rgb + 3 * i, g->palette + 3 * (index[i] / step), 3);
    if (i < pixels)
        weft_fail(e, WEFT_DATA, "the picture is damaged: colour %d of a palette of %zu", index[i] / step, g->n_palette);
    free(index);
    return i < pixels ? -1 : 0;
}

static size_t be16(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

/* Huffman tables of n bytes: 1 byte of name, 16 counts, then as many values. stb_image writes beyond its table when
 * the counts add up to more than 256. */
static bool huffman_ok(const uint8_t *p, size_t n)
{
    while (n > 0) {
        size_t values = 0;
        if (n < 17)
            return false;
        for (int i = 1; i <= 16; i++)
            values += p[i];
        if (values > 256 || n < 17 + values)
            return false;
        p += 17 + values;
        n -= 17 + values;
    }
    return true;
}

/* Frame headers of lossless, hierarchical and arithmetic coding, which stb_image does not know. */
static bool is_foreign(int m)
{
    return m >= 0xc3 && m <= 0xcf && m != 0xc4 && m != 0xc8 && m != 0xcc;
}

/* What the segments of a JPEG have said so far. */
struct jpeg {
    uint32_t w, h;
    int scans, components;
    bool adobe;
};

/* One segment of n bytes after marker m and the length: false when stb_image can't be trusted with it. */
static bool segment_ok(int m, const uint8_t *p, size_t n, struct jpeg *j)
{
    if (m == 0xee && n >= 12 && memcmp(p, "Adobe", 5) == 0)
        j->adobe = true;
    if (m == 0xc4)
        return huffman_ok(p, n);
    if (m >= 0xc0 && m <= 0xc2) { /* frame header */
        if (n < 6 || j->w != 0)
            return false;
        j->h = (uint32_t)be16(p + 1);
        j->w = (uint32_t)be16(p + 3);
        j->components = p[5];
        return j->w != 0 && j->h != 0;
    }
    if (m == 0xda && ++j->scans > SCANS_MAX)
        return false;
    return true;
}

/* Walks the markers as stb_image will: whatever it takes for a segment is looked at here first. Inside entropy-coded
 * data 0xff is followed by 0 or a restart marker. */
static int jpeg_size(const uint8_t *p, size_t n, const struct weft_image_limits *l, struct weft_err *e)
{
    struct jpeg j = {0};
    size_t at = 2;
    while (at < n) {
        if (p[at++] != 0xff)
            continue;
        while (at < n && p[at] == 0xff)
            at++;
        if (at == n)
            break;
        int m = p[at++];
        if (m == 0 || (m >= 0xd0 && m <= 0xd7))
            continue;
        if (m == 0xd9 && j.scans > 0)
            return check_size(j.w, j.h, l, e);
        if (n - at < 2 || be16(p + at) > n - at)
            break;
        size_t len = be16(p + at);
        if (is_foreign(m))
            return weft_fail(e, WEFT_DATA,
                             "a JPEG of a kind that is not read (marker %02x): baseline and progressive ones are",
                             (unsigned)m);
        if (len < 2 || !segment_ok(m, p + at + 2, len - 2, &j))
            return weft_fail(e, WEFT_DATA, "the picture is broken (JPEG marker %02x at byte %zu)", (unsigned)m, at - 2);
        if (m == 0xda && j.components == 4 && !j.adobe)
            return weft_fail(e, WEFT_DATA,
                             "a JPEG of four colours without Adobe's marker: which these are, it does not say");
        at += len;
    }
    return weft_fail(e, WEFT_DATA, "the picture is cut short: a JPEG without its end");
}

int weft_image_decode(const void *bytes, size_t n, const struct weft_image_limits *limits, struct weft_image *out,
                      struct weft_err *e)
{
    const uint8_t *p = bytes;
    struct weft_image_limits l = limits != NULL ? *limits : weft_image_default_limits();
    struct png g = {0};
    int c, rc;
    memset(out, 0, sizeof *out);
    if (n > l.bytes || n > INT_MAX)
        return weft_fail(e, WEFT_DATA, "a picture of %zu bytes; at most %zu are taken", n, l.bytes);
    if (!is_jpeg(p, n) && !is_png(p, n))
        return weft_fail(e, WEFT_DATA, "not a JPEG or PNG picture");
    if ((is_png(p, n) ? png_chunks(p, n, &l, &g, e) : jpeg_size(p, n, &l, e)) < 0)
        return -1;
    if (g.palette && g.colour == 3)
        rc = palette_decode(p, n, &g, out, e);
    else
        rc = (out->rgb = stbi_load_from_memory(p, (int)n, &out->width, &out->height, &c, 3)) ? 0 : -1;
    if (rc < 0 && !e->code)
        weft_fail(e, WEFT_DATA, "the picture is broken or cut short (%s)", stbi_failure_reason());
    if (rc < 0)
        weft_image_free(out);
    return rc;
}

void weft_image_free(struct weft_image *im)
{
    free(im->rgb);
    memset(im, 0, sizeof *im);
}
