/* test_safetensors.c - model files: written, read back, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "nn/safetensors.h"

/* Header text + n bytes of data as a file in memory; the caller frees it. */
static uint8_t *file_of(const char *header, size_t n, size_t *size)
{
    size_t len = strlen(header);
    uint8_t *p = weft_xcalloc(8 + len + n, 1);
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)((uint64_t)len >> 8 * i);
    memcpy(p + 8, header, len);
    *size = 8 + len + n;
    return p;
}

static int parse(const char *header, size_t n, struct weft_st **st, struct weft_err *e)
{
    /* The bytes must outlive the file: leak-free because every caller that succeeds is done at once. */
    size_t size;
    uint8_t *p = file_of(header, n, &size);
    int rc = weft_st_parse(p, size, "memory", st, e);
    if (rc == 0)
        weft_st_close(st);
    free(p);
    return rc;
}

static void written_is_read(void **state)
{
    (void)state;
    const float a[] = {1.5f, -2, NAN, 4, 5, 6};
    const double b[] = {0.1};
    const int64_t c[] = {-7, 1 << 30};
    char path[] = "/tmp/weft-test-st-XXXXXX", text[65], again[65];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct weft_st *st;
    struct weft_err e = {0};
    for (int round = 0; round < 2; round++) {
        struct weft_st_writer *w = weft_st_writer_new();
        weft_st_writer_meta(w, "zulu", "\"quoted\" \xed\x8c\x90");
        weft_st_writer_meta_int(w, "count", -12);
        weft_st_writer_meta_real(w, "rate", 0.1);
        weft_st_writer_tensor(w, "a", WEFT_ST_F32, 2, (const size_t[]){2, 3}, a);
        weft_st_writer_tensor(w, "b", WEFT_ST_F64, 0, NULL, b);
        weft_st_writer_tensor(w, "empty", WEFT_ST_F32, 2, (const size_t[]){0, 3}, a);
        weft_st_writer_tensor(w, "c", WEFT_ST_I64, 1, (const size_t[]){2}, c);
        assert_int_equal(weft_st_save(w, path, &e), 0);
        weft_st_writer_free(&w);
        assert_int_equal(weft_st_open(path, &st, &e), 0);
        weft_st_sha256(st, round ? again : text);
        if (!round)
            weft_st_close(&st);
    }
    assert_string_equal(text, again);
    assert_int_equal(weft_st_count(st), 4);
    assert_string_equal(weft_st_meta(st, "zulu"), "\"quoted\" \xed\x8c\x90");
    assert_null(weft_st_meta(st, "none"));
    int64_t i;
    double x;
    assert_int_equal(weft_st_meta_int(st, "count", -20, 0, &i, &e), 0);
    assert_int_equal(i, -12);
    assert_int_equal(weft_st_meta_int(st, "count", 0, 10, &i, NULL), -1);
    assert_int_equal(weft_st_meta_real(st, "rate", &x, &e), 0);
    assert_true(x == 0.1);
    const struct weft_st_tensor *t = weft_st_find(st, "a");
    assert_non_null(t);
    assert_memory_equal(t->data, a, sizeof a);
    assert_int_equal((uintptr_t)t->data % 8, 0);
    float *f;
    assert_int_equal(weft_st_floats(st, "c", (const size_t[]){2}, 1, &f, &e), 0);
    assert_true(f[0] == -7);
    free(f);
    assert_int_equal(weft_st_floats(st, "b", NULL, 0, &f, &e), 0);
    assert_true(f[0] == 0.1f);
    free(f);
    assert_int_equal(weft_st_floats(st, "a", (const size_t[]){3, 2}, 2, &f, &e), -1);
    assert_non_null(strstr(e.what, "[2, 3]"));
    weft_st_close(&st);
    unlink(path);
}

static void half_precision(void **state)
{
    (void)state;
    size_t size;
    uint8_t *p = file_of("{\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"BF16\","
                         "\"shape\":[2],\"data_offsets\":[8,12]}}",
                         12, &size);
    const uint16_t values[] = {0x3c00, 0xc100, 0x0001, 0x7c00, 0x3f80, 0xc040};
    struct weft_st *st;
    float *f;
    memcpy(p + size - 12, values, sizeof values);
    assert_int_equal(weft_st_parse(p, size, "memory", &st, NULL), 0);
    assert_int_equal(weft_st_floats(st, "h", (const size_t[]){4}, 1, &f, NULL), 0);
    assert_true(f[0] == 1 && f[1] == -2.5f && f[2] == ldexpf(1, -24) && isinf(f[3]));
    free(f);
    assert_int_equal(weft_st_floats(st, "b", (const size_t[]){2}, 1, &f, NULL), 0);
    assert_true(f[0] == 1 && f[1] == -3);
    free(f);
    weft_st_close(&st);
    free(p);
}

static void broken_files(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
    } wrong[] = {
        {"", 0},
        {"[]", 0},
        {" {}", 0},
        {"{\"a\":1}", 0},
        {"{", 0},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],"
         "\"data_offsets\":[4,8]}}",
         8},
        {"{\"__metadata__\":{\"x\":1}}", 0},
        {"{\"__metadata__\":[]}", 0},
        {"{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],"
         "\"data_offsets\":[0,4]}}",
         4},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4611686018427387904,2],\"data_offsets\":[0,0]}}", 0},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1},
    };
    struct weft_st *st;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct weft_err e = {0};
        assert_int_equal(parse(wrong[i].header, wrong[i].data, &st, &e), -1);
        assert_int_equal(e.code, WEFT_DATA);
        assert_string_equal(e.where, "memory");
    }
    assert_int_equal(parse("{}", 0, &st, NULL), 0);
    uint8_t huge[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, '{', '}'};
    assert_int_equal(weft_st_parse(huge, sizeof huge, "memory", &st, NULL), -1);
    assert_int_equal(weft_st_parse(huge, 7, "memory", &st, NULL), -1);
}

/* Every prefix of a good file is refused. */
static void cut_short(void **state)
{
    (void)state;
    size_t size;
    uint8_t *p = file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}", 12, &size);
    for (size_t n = 0; n < size; n++) {
        struct weft_st *st;
        uint8_t *cut = weft_xmalloc(n + !n); /* exactly n bytes, so that a sanitizer sees a read behind them */
        memcpy(cut, p, n);
        assert_int_equal(weft_st_parse(cut, n, "memory", &st, NULL), -1);
        free(cut);
    }
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(written_is_read), cmocka_unit_test(half_precision),
                                       cmocka_unit_test(broken_files), cmocka_unit_test(cut_short)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
