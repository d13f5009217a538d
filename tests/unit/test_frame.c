/* test_frame.c - spans, tensors, packing, editing, series records. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "record/series.h"
#include "record/window.h"

static void pack_everything(struct weft_pack *b)
{
    weft_pack_map(b, 12);
    weft_pack_cstr(b, "nil");
    weft_pack_nil(b);
    weft_pack_cstr(b, "yes");
    weft_pack_bool(b, true);
    weft_pack_cstr(b, "small");
    weft_pack_int(b, -5);
    weft_pack_cstr(b, "least");
    weft_pack_int(b, INT64_MIN);
    weft_pack_cstr(b, "most");
    weft_pack_uint(b, UINT64_MAX);
    weft_pack_cstr(b, "real");
    weft_pack_real(b, 0.1);
    weft_pack_cstr(b, "text");
    weft_pack_cstr(b, "\xed\x8c\x90\xeb\xa7\xa4");
    weft_pack_cstr(b, "bin");
    weft_pack_bin(b, "\0\1", 2);
    weft_pack_cstr(b, "list");
    weft_pack_array(b, 2);
    weft_pack_int(b, 300);
    weft_pack_int(b, 70000);
    weft_pack_cstr(b, "map");
    weft_pack_map(b, 0);
    weft_pack_cstr(b, "f32");
    weft_pack_f32(b, 2, (uint32_t[]){1, 3}, (float[]){1, NAN, 3});
    weft_pack_cstr(b, "f64");
    weft_pack_f64(b, 1, (uint32_t[]){1}, (double[]){2.5});
}

static void test_values(void **state)
{
    (void)state;
    struct weft_pack b = {0};
    struct weft_value v;
    pack_everything(&b);
    struct weft_span map = weft_pack_span(&b);
    struct weft_walker w = {0};
    assert_int_equal(weft_walk(&w, b.p, b.n, 1 << 20, NULL), 1);
    assert_int_equal(w.off, b.n);
    assert_true(weft_map_find(map, "nil", &v) && v.kind == WEFT_NIL);
    assert_true(weft_map_find(map, "yes", &v) && v.kind == WEFT_BOOL && v.b);
    assert_true(weft_map_find(map, "small", &v) && v.kind == WEFT_INT && v.i == -5 && v.real == -5);
    assert_true(weft_map_find(map, "least", &v) && v.i == INT64_MIN);
    assert_true(weft_map_find(map, "most", &v) && v.u == UINT64_MAX);
    assert_true(weft_map_find(map, "real", &v) && v.real == 0.1);
    assert_true(weft_map_find(map, "text", &v) && v.body.n == 6);
    assert_true(weft_map_find(map, "bin", &v) && v.body.n == 2 && v.body.p[1] == 1);
    assert_true(weft_map_find(map, "list", &v) && v.count == 2);
    assert_true(weft_map_find(map, "map", &v) && v.count == 0);
    assert_false(weft_map_find(map, "none", &v));
    struct weft_tensor t;
    struct weft_scratch scratch = {0};
    assert_true(weft_map_find(map, "f32", &v));
    assert_int_equal(weft_tensor_read(&v, &t, NULL), 0);
    assert_int_equal(t.dims[1], 3);
    const float *x = weft_tensor_f32(&t, &scratch);
    assert_true(x[0] == 1 && isnan(x[1]) && x[2] == 3);
    assert_true(weft_map_find(map, "f64", &v));
    assert_int_equal(weft_tensor_read(&v, &t, NULL), 0);
    assert_true(weft_tensor_f32(&t, &scratch)[0] == 2.5f);
    free(scratch.p);
    weft_pack_free(&b);
}

/* A value that arrives byte by byte is found where it is found in one piece, and no prefix is taken for whole. */
static void test_walk_in_pieces(void **state)
{
    (void)state;
    struct weft_pack b = {0};
    pack_everything(&b);
    struct weft_walker w = {0};
    for (size_t n = 0; n < b.n; n++) {
        assert_int_equal(weft_walk(&w, b.p, n, 1 << 20, NULL), 0);
        struct weft_walker fresh = {0};
        assert_int_equal(weft_walk(&fresh, b.p, n, 1 << 20, NULL), 0);
    }
    assert_int_equal(weft_walk(&w, b.p, b.n, 1 << 20, NULL), 1);
    assert_int_equal(w.off, b.n);
    weft_pack_free(&b);
}

static void test_hostile(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {{"\xdd\xff\xff\xff\xff", 5},
                 {"\xdf\xff\xff\xff\xff", 5},
                 {"\xc1", 1},
                 {"\xc9\xff\xff\xff\xff\x01", 6},
                 {"\xdb\xff\xff\xff\xff", 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weft_walker w = {0};
        struct weft_err e = {0};
        assert_int_equal(weft_walk(&w, (const uint8_t *)cases[i].bytes, cases[i].n, 1 << 20, &e), -1);
        assert_int_equal(e.code, WEFT_DATA);
    }
    uint8_t deep[40];
    memset(deep, 0x91, sizeof deep);
    struct weft_walker w = {0};
    assert_int_equal(weft_walk(&w, deep, sizeof deep, 1 << 20, NULL), -1);
}

static void test_tensor_refuses(void **state)
{
    (void)state;
    /* payload: dtype, rank, 0, 0, dims..., data */
    static const struct {
        uint8_t payload[16];
        uint8_t n;
    } bad[] = {
        {{9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, 12},                 /* element type */
        {{1, 7, 0, 0}, 4},                                          /* rank */
        {{1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}, 12},                 /* too few bytes */
        {{1, 2, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255}, 12}, /* overflow */
        {{1, 1, 1, 0, 0, 0, 0, 0}, 8},                              /* reserved bytes */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t ext[32] = {0xc7, bad[i].n, WEFT_TENSOR_EXT};
        memcpy(ext + 3, bad[i].payload, bad[i].n);
        struct weft_span s = {ext, (size_t)bad[i].n + 3};
        struct weft_value v;
        struct weft_tensor t;
        assert_true(weft_value_next(&s, &v));
        assert_int_equal(weft_tensor_read(&v, &t, NULL), -1);
    }
}

static void test_edit(void **state)
{
    (void)state;
    struct weft_pack b = {0}, out = {0};
    struct weft_edit m = {0};
    struct weft_value v;
    pack_everything(&b);
    assert_int_equal(weft_edit_load(&m, weft_pack_span(&b), NULL), 0);
    weft_edit_write(&m, &out);
    assert_int_equal(out.n, b.n);
    assert_memory_equal(out.p, b.p, b.n); /* what is not touched keeps its bytes */
    weft_edit_int(&m, "small", 7);
    weft_edit_str(&m, "added", "x");
    weft_edit_drop(&m, "map");
    weft_edit_int(&m, "added", 9);
    weft_pack_clear(&out);
    weft_edit_write(&m, &out);
    struct weft_span map = weft_pack_span(&out);
    assert_true(weft_map_find(map, "small", &v) && v.i == 7);
    assert_true(weft_map_find(map, "added", &v) && v.i == 9);
    assert_false(weft_map_find(map, "map", &v));
    struct weft_pack twice = {0};
    weft_pack_map(&twice, 2);
    for (int i = 0; i < 2; i++) {
        weft_pack_cstr(&twice, "a");
        weft_pack_int(&twice, i);
    }
    assert_int_equal(weft_edit_load(&m, weft_pack_span(&twice), NULL), -1);
    weft_pack_free(&twice);
    weft_edit_free(&m);
    weft_pack_free(&b);
    weft_pack_free(&out);
}

static struct weft_series_attrs attrs(char **keys, char **channels, enum weft_reduce *reduce)
{
    return (struct weft_series_attrs){.step = 86400,
                                      .start = 0,
                                      .length = 20,
                                      .keys = keys,
                                      .n_keys = 2,
                                      .channels = channels,
                                      .n_channels = 2,
                                      .reduce = reduce};
}

static void test_series(void **state)
{
    (void)state;
    char *keys[] = {"major", "minor"}, *channels[] = {"units", "mentions"};
    enum weft_reduce reduce[] = {WEFT_REDUCE_SUM, WEFT_REDUCE_MEAN};
    struct weft_series_attrs a = attrs(keys, channels, reduce), back;
    struct weft_pack b = {0}, head = {0};
    struct weft_span id = {(const uint8_t *)"p1", 2}, values[] = {{(const uint8_t *)"M", 1}, {0}};
    float x[6] = {1, 2, 3, 4, NAN, 6};
    memcpy(weft_series_begin(&b, &a, id, values, 86400, 3), x, sizeof x);
    struct weft_series s = {0};
    assert_int_equal(weft_series_read(weft_pack_span(&b), &a, &s, NULL), 0);
    assert_int_equal(s.n, 3);
    assert_int_equal(s.start, 86400);
    assert_true(s.values[0] == 1 && isnan(s.values[4]) && s.values[5] == 6);
    assert_true(s.key[0].n == 1 && s.key[1].p == NULL);
    assert_true(weft_series_key_text(&s, weft_series_key(&a, "id")).n == 2);
    assert_int_equal(weft_series_key(&a, "nothing"), WEFT_KEY_NONE);
    weft_series_free(&s);
    weft_series_attrs_write(&a, (struct weft_span){0}, &head);
    struct weft_head h = {.schema = "series/1", .attrs = weft_pack_span(&head)};
    assert_int_equal(weft_series_attrs_read(&h, &back, NULL), 0);
    assert_int_equal(back.length, 20);
    assert_int_equal(back.reduce[1], WEFT_REDUCE_MEAN);
    assert_string_equal(back.channels[1], "mentions");
    weft_series_attrs_free(&back);
    weft_pack_free(&b);
    weft_pack_free(&head);
}

/* Against counting by hand: every start whose horizon lies wholly in the part. */
static void test_windows_of(void **state)
{
    (void)state;
    struct weft_rng r = weft_rng(1, 2);
    for (int trial = 0; trial < 2000; trial++) {
        struct weft_series s = {.n = 1 + weft_rng_below(&r, 40)};
        struct weft_series_attrs a = {.lookback = (int64_t)(1 + weft_rng_below(&r, 10)),
                                      .horizon = (int64_t)(1 + weft_rng_below(&r, 5)),
                                      .stride = (int64_t)(1 + weft_rng_below(&r, 4))};
        s.split[0] = weft_rng_below(&r, s.n + 1);
        s.split[1] = s.split[0] + weft_rng_below(&r, s.n - s.split[0] + 1);
        s.split[2] = s.split[1] + weft_rng_below(&r, s.n - s.split[1] + 1);
        for (int p = 0; p < WEFT_PARTS; p++) {
            struct weft_window_range w = weft_windows_of(&a, &s, (enum weft_part)p);
            size_t from = p ? s.split[p - 1] : 0, count = 0, first = 0;
            for (size_t at = 0; at + (size_t)(a.lookback + a.horizon) <= s.split[p]; at += (size_t)a.stride)
                if (at + (size_t)a.lookback >= from) {
                    first = count++ ? first : at;
                }
            assert_int_equal(w.count, count);
            if (count)
                assert_int_equal(w.first, first);
        }
    }
}

static void test_split(void **state)
{
    (void)state;
    char *fractions[] = {"0.7", "0.1", "0.2"}, *steps[] = {"8640", "2880", "2880"}, *over[] = {"0.7", "0.2", "0.2"},
         *text[] = {"0.7", "a", "0.2"};
    struct weft_split s;
    size_t b[WEFT_PARTS];
    assert_int_equal(weft_split_parse(fractions, 3, &s, NULL), 0);
    assert_int_equal(weft_split_borders(&s, 1000, b, NULL), 0);
    assert_true(b[0] == 700 && b[1] == 800 && b[2] == 1000);
    assert_int_equal(weft_split_parse(steps, 3, &s, NULL), 0);
    assert_int_equal(weft_split_borders(&s, 17420, b, NULL), 0);
    assert_true(b[0] == 8640 && b[1] == 11520 && b[2] == 14400);
    assert_int_equal(weft_split_borders(&s, 14399, b, NULL), -1);
    assert_int_equal(weft_split_parse(over, 3, &s, NULL), -1);
    assert_int_equal(weft_split_parse(text, 3, &s, NULL), -1);
    assert_int_equal(weft_split_parse(fractions, 2, &s, NULL), -1);
}

static void test_scale(void **state)
{
    (void)state;
    float x[] = {1, NAN, 3, 5}, flat[] = {7, 7, 7}, none[] = {NAN};
    double shift, factor;
    weft_scale_fit(WEFT_SCALE_STANDARD, x, 4, &shift, &factor);
    assert_true(shift == 3 && fabs(factor - sqrt(8.0 / 3)) < 1e-12);
    weft_scale_fit(WEFT_SCALE_MINMAX, x, 4, &shift, &factor);
    assert_true(shift == 1 && factor == 4);
    weft_scale_fit(WEFT_SCALE_STANDARD, flat, 3, &shift, &factor);
    assert_true(shift == 7 && factor == 1);
    weft_scale_fit(WEFT_SCALE_STANDARD, none, 1, &shift, &factor);
    assert_true(shift == 0 && factor == 1);

    /* Sold only since the train part: the constant, and the root of the mean squared difference from it: sqrt((9 + 0 +
     * 81) / 3). */
    const float late[] = {2, 2, 2, 2, 5, 2, 11};
    weft_scale_fit_train(WEFT_SCALE_STANDARD, late, 3, 7, &shift, &factor);
    assert_true(shift == 2 && fabs(factor - sqrt(30)) < 1e-12);
    weft_scale_fit_train(WEFT_SCALE_STANDARD, late, 3, 4, &shift, &factor);
    assert_true(shift == 2 && factor == 1);
    weft_scale_fit_train(WEFT_SCALE_STANDARD, late, 6, 7, &shift,
                         &factor); /* the train part has a spread: that alone counts */
    assert_true(shift == 2.5 && fabs(factor - sqrt(1.25)) < 1e-12);
    weft_scale_fit_train(WEFT_SCALE_NONE, late, 3, 7, &shift, &factor);
    assert_true(shift == 0 && factor == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),         cmocka_unit_test(test_walk_in_pieces), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_tensor_refuses), cmocka_unit_test(test_edit),           cmocka_unit_test(test_series),
        cmocka_unit_test(test_windows_of),     cmocka_unit_test(test_split),          cmocka_unit_test(test_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
