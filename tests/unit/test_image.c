/* test_image.c - decoding, resizing and colour changes against Pillow and torchvision (tests/reference/make_image.py),
 * and bad files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reference.h"
#include "base/inflate.h"
#include "image/augment.h"
#include "image/image.h"
#include "base/mem.h"
#include "nn/safetensors.h"

#define FIXTURE "tests/reference/image.safetensors"

static struct weft_st *fixture(void)
{
    struct weft_st *st;
    struct weft_err e = {0};
    assert_int_equal(weft_st_open(FIXTURE, &st, &e), 0);
    return st;
}

static const struct weft_st_tensor *tensor(const struct weft_st *st, const char *kind, const char *name)
{
    char full[64];
    snprintf(full, sizeof full, "%s%s", kind, name);
    const struct weft_st_tensor *t = weft_st_find(st, full);
    assert_non_null(t);
    return t;
}

static const char *const names[] = {"jpeg-444", "jpeg-progressive", "jpeg-grey",   "jpeg-cmyk",
                                    "png-rgb",  "png-grey",         "png-bit",     "png-palette",
                                    "png-rgba", "png-grey-alpha",   "png-animated"};
enum { NAMES = sizeof names / sizeof *names };

/* PNG is exact; JPEG decoders differ by a few levels. */
static void test_decode(void **state)
{
    (void)state;
    struct weft_st *st = fixture();
    for (int k = 0; k < NAMES; k++) {
        const struct weft_st_tensor *file = tensor(st, "file.", names[k]), *want = tensor(st, "pixels.", names[k]);
        struct weft_image im;
        struct weft_err e = {0};
        assert_int_equal(weft_image_decode(file->data, file->bytes, NULL, &im, &e), 0);
        assert_int_equal(im.height, (int)want->dims[0]);
        assert_int_equal(im.width, (int)want->dims[1]);
        int worst = 0;
        for (size_t i = 0; i < want->bytes; i++) {
            int d = abs(im.rgb[i] - ((const uint8_t *)want->data)[i]);
            worst = d > worst ? d : worst;
        }
        print_message("%s: at most %d levels apart\n", names[k], worst);
        assert_true(worst <= (names[k][0] == 'j' ? 4 : 0));
        weft_image_free(&im);
    }
    weft_st_close(&st);
}

/* Every beginning of every file: an error with a text, or (when only bytes behind the pixels are missing) a picture. */
static void test_cut_short(void **state)
{
    (void)state;
    struct weft_st *st = fixture();
    for (int k = 0; k < NAMES; k++) {
        const struct weft_st_tensor *file = tensor(st, "file.", names[k]);
        size_t good = 0;
        for (size_t n = 0; n < file->bytes; n++) {
            struct weft_image im;
            struct weft_err e = {0};
            uint8_t *copy = weft_xmalloc(n); /* so that a sanitizer sees a read behind the end */
            memcpy(copy, file->data, n);
            if (weft_image_decode(copy, n, NULL, &im, &e) == 0)
                good++;
            else
                assert_true(e.code == WEFT_DATA && e.what[0] != '\0');
            weft_image_free(&im);
            free(copy);
        }
        print_message("%s: %zu of %zu beginnings decode\n", names[k], good, file->bytes);
        assert_int_equal(good, 0);
    }
    weft_st_close(&st);
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void refused(const void *p, size_t n, const struct weft_image_limits *l, const char *text)
{
    struct weft_image im;
    struct weft_err e = {0};
    assert_true(weft_image_decode(p, n, l, &im, &e) < 0);
    assert_null(im.rgb);
    assert_int_equal(e.code, WEFT_DATA);
    if (strstr(e.what, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.what, text);
}

static void test_refused(void **state)
{
    (void)state;
    struct weft_st *st = fixture();
    const struct weft_st_tensor *png = tensor(st, "file.", "png-rgb");
    uint8_t *huge = weft_xmalloc(png->bytes);
    memcpy(huge, png->data, png->bytes);
    put32(huge + 16, 50000);
    put32(huge + 20, 50000);
    refused(huge, png->bytes, NULL, "50000 x 50000");
    put32(huge + 16, 0x7fffffff);
    refused(huge, png->bytes, NULL, "");
    put32(huge + 16, 0);
    refused(huge, png->bytes, NULL, "");
    free(huge);
    const struct weft_st_tensor *jpeg = tensor(st, "file.", "jpeg-444");
    uint8_t *lossless = weft_xmalloc(jpeg->bytes);
    memcpy(lossless, jpeg->data, jpeg->bytes);
    for (size_t i = 2; i + 1 < jpeg->bytes; i++)
        if (lossless[i] == 0xff && lossless[i + 1] == 0xc0) {
            lossless[i + 1] = 0xc3;
            break;
        }
    refused(lossless, jpeg->bytes, NULL, "a JPEG of a kind that is not read (marker c3)");
    free(lossless);
    refused("", 0, NULL, "not a JPEG or PNG");
    refused("id,name\n1,shirt\n", 16, NULL, "not a JPEG or PNG");
    refused("GIF89a\x01\x00\x01\x00", 10, NULL, "not a JPEG or PNG");
    refused("\xff\xd8\xff\xe0", 4, NULL, "cut short");
    struct weft_image_limits l = weft_image_default_limits();
    l.pixels = 37 * 23 - 1;
    refused(png->data, png->bytes, &l, "37 x 23");
    l = weft_image_default_limits();
    l.side = 36;
    refused(png->data, png->bytes, &l, "37 x 23");
    l.bytes = 10;
    refused(png->data, png->bytes, &l, "bytes");
    weft_st_close(&st);
}

/* A PNG whose bytes, or whose pixels, are not those of its checksums; a JPEG that does not say which four colours it
 * has. */
static void test_damaged(void **state)
{
    (void)state;
    assert_int_equal(weft_crc32(0, "123456789", 9), 0xcbf43926u);
    assert_int_equal(weft_crc32(weft_crc32(0, "1234", 4), "56789", 5), 0xcbf43926u);
    struct weft_st *st = fixture();
    for (int k = 4; k < NAMES; k++) {
        const struct weft_st_tensor *png = tensor(st, "file.", names[k]);
        uint8_t *p = weft_xmalloc(png->bytes), *last = NULL;
        memcpy(p, png->data, png->bytes);
        for (size_t i = 8; i + 12 <= png->bytes; i++)
            if (memcmp(p + i + 4, "IDAT", 4) == 0)
                last = p + i;
        assert_non_null(last);
        uint32_t n = (uint32_t)last[0] << 24 | (uint32_t)last[1] << 16 | (uint32_t)last[2] << 8 | last[3];
        last[8 + n / 2] ^= 4; /* a bit of the pixels */
        refused(p, png->bytes, NULL, "checksum");
        last[8 + n / 2] ^= 4;
        last[8 + n] ^= 1; /* of the chunk's checksum itself */
        refused(p, png->bytes, NULL, "checksum");
        last[8 + n - 1] ^= 1; /* of that of the pixels, under a chunk that is sound */
        put32(last + 8 + n, weft_crc32(0, last + 4, 4 + n));
        refused(p, png->bytes, NULL, "the checksum of the PNG's pixels");
        free(p);
    }
    const struct weft_st_tensor *cmyk = tensor(st, "file.", "jpeg-cmyk");
    uint8_t *p = weft_xmalloc(cmyk->bytes);
    memcpy(p, cmyk->data, cmyk->bytes);
    size_t at = 2;
    while (at + 4 < cmyk->bytes && p[at + 1] != 0xee)
        at += 2 + ((size_t)p[at + 2] << 8 | p[at + 3]);
    assert_int_equal(p[at + 1], 0xee);
    p[at + 1] = 0xed; /* a segment of somebody else */
    refused(p, cmyk->bytes, NULL, "without Adobe's marker");
    free(p);
    weft_st_close(&st);
}

/* A chunk at p; its size in bytes. */
static size_t put_chunk(uint8_t *p, const char *type, const void *data, size_t n)
{
    put32(p, (uint32_t)n);
    memcpy(p + 4, type, 4);
    memcpy(p + 8, data, n);
    put32(p + 8 + n, weft_crc32(0, p + 4, 4 + n));
    return 12 + n;
}

/* What a PNG is made of: rows as they are packed, each after its filter byte; `after`: as many bytes after their
 * checksum. */
struct made {
    uint8_t w, h, depth, colour, interlaced;
    const char *rows;
    size_t n_rows, n_palette, after;
    const char *extra; /* a chunk without data after the header; NULL */
};

static size_t make_png(const struct made *m, uint8_t *p)
{
    uint8_t head[13] = {0, 0, 0, m->w, 0, 0, 0, m->h, m->depth, m->colour, 0, 0, m->interlaced}, z[600] = {0x78, 1, 1};
    static const uint8_t palette[12] = {1, 2, 3, 40, 50, 60, 7, 8, 9, 100, 110, 120};
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < m->n_rows; i++) {
        a = (a + (uint8_t)m->rows[i]) % 65521;
        b = (b + a) % 65521;
    }
    z[3] = (uint8_t)m->n_rows; /* one block, not packed, and the complement of its length */
    z[4] = (uint8_t)(m->n_rows >> 8);
    z[5] = (uint8_t)~z[3];
    z[6] = (uint8_t)~z[4];
    memcpy(z + 7, m->rows, m->n_rows);
    put32(z + 7 + m->n_rows, b << 16 | a);
    memcpy(p, "\x89PNG\r\n\x1a\n", 8);
    size_t n = 8 + put_chunk(p + 8, "IHDR", head, 13);
    if (m->extra)
        n += put_chunk(p + n, m->extra, "", 0);
    if (m->n_palette)
        n += put_chunk(p + n, "PLTE", palette, 3 * m->n_palette);
    n += put_chunk(p + n, "IDAT", z, 11 + m->n_rows + m->after);
    return n + put_chunk(p + n, "IEND", "", 0);
}

static void decodes_to(const struct made *m, const uint8_t *rgb)
{
    uint8_t p[1024];
    struct weft_image im;
    struct weft_err e = {0};
    size_t n = make_png(m, p);
    if (weft_image_decode(p, n, NULL, &im, &e) < 0)
        fail_msg("%s", e.what);
    assert_memory_equal(im.rgb, rgb, 3 * (size_t)m->w * m->h);
    weft_image_free(&im);
}

/* PNGs that few programs write, and damage under checksums that are right. */
static void test_made(void **state)
{
    (void)state;
    /* Adam7 of 3 x 3: (0,0); (2,0); (0,2) (2,2); (1,0); (1,2); then row 1. */
    struct made m = {3, 3, 8, 0, 1, "\0\0\0\2\0\6\x8\0\1\0\7\0\3\4\5", 15, .after = 0};
    uint8_t grey[27], p[1024];
    for (int i = 0; i < 27; i++)
        grey[i] = (uint8_t)(i / 3);
    decodes_to(&m, grey);
    m.after = 4; /* zlib's end is known without its neighbours: libpng reads such files too */
    decodes_to(&m, grey);
    m = (struct made){2, 1, 16, 0, 0, "\0\x12\x34\xab\xcd", 5, .n_palette = 2}; /* a palette that is advice */
    decodes_to(&m, (const uint8_t *)"\x12\x12\x12\xab\xab\xab");
    m = (struct made){4, 1, 2, 3, 0, "\0\x1b", 2, .n_palette = 4};
    decodes_to(&m, (const uint8_t *)"\1\2\3\50\62\74\7\10\11\144\156\170");
    m.n_palette = 3;
    refused(p, make_png(&m, p), NULL, "colour 3 of a palette of 3");
    m.n_palette = 0;
    refused(p, make_png(&m, p), NULL, "no PLTE");
    m = (struct made){4, 1, 2, 2, 0, "\0\x1b", 2, .n_palette = 4};
    refused(p, make_png(&m, p), NULL, "colour type 2 with 2 bits");
    m.colour = 5;
    refused(p, make_png(&m, p), NULL, "colour type 5");
    m = (struct made){2, 2, 8, 0, 0, "\0\1\2\0\3", 5, .n_palette = 0};
    refused(p, make_png(&m, p), NULL, "not enough pixels");
    m.rows = "\0\1\2\0\3\4";
    m.n_rows = 6;
    m.extra = "CgBI";
    refused(p, make_png(&m, p), NULL, "Apple");
    m.extra = "PLTE";
    m.n_palette = 2;
    refused(p, make_png(&m, p), NULL, "two palettes");
    char many[400] = {0};
    m = (struct made){2, 2, 8, 0, 0, many, 400, .n_palette = 0};
    refused(p, make_png(&m, p), NULL, "more pixels than it has");
}

static struct weft_image noise(int w, int h, uint64_t k)
{
    struct weft_image im = {weft_xmalloc((size_t)w * (size_t)h * 3), w, h};
    for (size_t i = 0; i < (size_t)w * (size_t)h * 3; i++)
        im.rgb[i] = (uint8_t)((reference_number(k, i) + 1) * 127.999f);
    return im;
}

/* Pillow rounds to whole levels between its passes and at the end: half a level each, at most. */
static void test_fit(void **state)
{
    (void)state;
    static const int shapes[][3] = {{60, 80, 32}, {131, 57, 32}, {20, 17, 48}, {90, 90, 16}, {64, 200, 33}};
    struct weft_st *st = fixture();
    for (uint64_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        int w = shapes[k][0], h = shapes[k][1], size = shapes[k][2];
        size_t s = (size_t)size, n = 3 * s * s, small = (s + 6) / 7;
        char name[32];
        snprintf(name, sizeof name, "%dx%d.%d", w, h, size);
        const struct weft_st_tensor *fit = tensor(st, "fit.", name), *norm = tensor(st, "norm.", name);
        struct weft_image im = noise(w, h, 3000 + k);
        float *x = WEFT_ARRAY(float, n);
        const float *want = fit->data, *normed = norm->data;
        assert_int_equal(fit->count, n);
        weft_image_fit(&im, size, x);
        double worst = 0;
        for (size_t i = 0; i < n; i++)
            worst = fmax(worst, fabs((double)x[i] - want[i]));
        print_message("%s: at most %.3f levels apart\n", name, worst * 255);
        assert_true(worst <= 1.0 / 255 + 1e-6);
        weft_image_normalise(x, size);
        for (size_t c = 0; c < 3; c++)
            for (size_t i = 0; i < small * small; i++) {
                float d = x[(c * s + i / small * 7) * s + i % small * 7] - normed[c * small * small + i];
                assert_true(fabsf(d) <= 1.0f / 255 / 0.224f + 1e-5f);
            }
        free(x);
        weft_image_free(&im);
    }
    weft_st_close(&st);
}

/* Shapes at the edge of sense: one pixel, one row, one column, far reductions. */
static void test_odd_shapes(void **state)
{
    (void)state;
    static const int shapes[][3] = {{1, 1, 224}, {1, 300, 64}, {300, 1, 64}, {2000, 3, 8}, {3, 3, 1}, {1999, 1333, 8}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        struct weft_image im = noise(shapes[k][0], shapes[k][1], k);
        size_t n = 3 * (size_t)shapes[k][2] * (size_t)shapes[k][2];
        float *x = WEFT_ARRAY(float, n);
        weft_image_fit(&im, shapes[k][2], x);
        for (size_t i = 0; i < n; i++)
            assert_true(x[i] >= 0 && x[i] <= 1);
        free(x);
        weft_image_free(&im);
    }
}

static void compare_change(const struct weft_st *st, const char *kind, const char *value,
                           void (*change)(float *, int, float))
{
    enum { S = 12, N = 3 * S * S };
    float x[N];
    for (size_t i = 0; i < N; i++)
        x[i] = (reference_number(3100, i) + 1) / 2;
    change(x, S, strtof(value, NULL));
    assert_true(reference_error(x, tensor(st, kind, value)->data, N) < 1e-5);
}

static void test_colours(void **state)
{
    (void)state;
    struct weft_st *st = fixture();
    static const char *const factors[] = {"0.4", "1.7"};
    for (int i = 0; i < 2; i++) {
        compare_change(st, "brightness.", factors[i], weft_augment_brightness);
        compare_change(st, "contrast.", factors[i], weft_augment_contrast);
        compare_change(st, "saturation.", factors[i], weft_augment_saturation);
    }
    weft_st_close(&st);
}

static void test_turns(void **state)
{
    (void)state;
    enum { S = 12, N = 3 * S * S };
    struct weft_st *st = fixture();
    float x[N], scratch[N];
    static const char *const degrees[] = {"90", "180", "270"};
    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < N; i++)
            x[i] = (reference_number(3100, i) + 1) / 2;
        weft_augment_turn(x, S, 90 * (k + 1), scratch);
        assert_memory_equal(x, tensor(st, "turn.", degrees[k])->data, sizeof x);
    }
    weft_st_close(&st);
}

static void augmented(uint64_t seed, const char *id, uint64_t epoch, float *x)
{
    enum { S = 12, N = 3 * S * S };
    static const struct weft_augment a = {0.5, 0.3, 0.3, 0.3};
    float scratch[N];
    struct weft_rng rng = weft_augment_rng(seed, id, strlen(id), epoch);
    for (size_t i = 0; i < N; i++)
        x[i] = (reference_number(3100, i) + 1) / 2;
    weft_augment(&a, &rng, x, S, scratch);
}

static void test_reproducible(void **state)
{
    (void)state;
    float a[432], b[432];
    augmented(1, "p1", 3, a);
    augmented(1, "p1", 3, b);
    assert_memory_equal(a, b, sizeof a);
    augmented(1, "p1", 4, b);
    assert_memory_not_equal(a, b, sizeof a);
    augmented(1, "p2", 3, b);
    assert_memory_not_equal(a, b, sizeof a);
    augmented(2, "p1", 3, b);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),       cmocka_unit_test(test_cut_short), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damaged),      cmocka_unit_test(test_made),      cmocka_unit_test(test_fit),
        cmocka_unit_test(test_odd_shapes),   cmocka_unit_test(test_colours),   cmocka_unit_test(test_turns),
        cmocka_unit_test(test_reproducible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
