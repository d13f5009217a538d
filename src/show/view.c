/* view.c - frames as text. */
#include "show/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char *const dtype_names[] = {NULL, "f32", "f64", "u8", "i32", "i64"};
enum { N_DTYPES = 6 };

const char *weft_float_text(float x, char buf[32])
{
    if (isnan(x)) {
        buf[0] = 0;
    } else if (fabsf(x) < 1e7f && x == (float)(int)x) {
        snprintf(buf, 32, "%d", (int)x);
    } else {
        for (int digits = 6; digits <= 9; digits++) {
            snprintf(buf, 32, "%.*g", digits, (double)x);
            if (digits == 9 || strtof(buf, NULL) == x)
                break;
        }
    }
    return buf;
}

static void print_real(FILE *f, double x)
{
    char buf[40];
    if (!isfinite(x)) {
        fputs("null", f);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buf, sizeof buf, "%.*g", digits, x);
        if (strtod(buf, NULL) == x)
            break;
    }
    /* A whole number stays a real when it is read back. */
    fprintf(f, strpbrk(buf, ".en") ? "%s" : "%s.0", buf);
}

static void print_string(FILE *f, struct weft_span s)
{
    putc('"', f);
    for (size_t i = 0; i < s.n;) {
        uint8_t c = s.p[i];
        size_t len = weft_utf8_length(s.p + i, s.n - i);
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", f);
        else if (c < 0x20 || c == 0x7f)
            fprintf(f, "\\u%04x", c);
        else if (!len)
            fputs("\\ufffd", f);
        else
            fwrite(s.p + i, 1, len, f);
        i += len ? len : 1;
    }
    putc('"', f);
}

static void print_base64(FILE *f, struct weft_span s)
{
    for (size_t i = 0; i < s.n; i += 3) {
        size_t have = s.n - i < 3 ? s.n - i : 3;
        uint32_t v = (uint32_t)s.p[i] << 16 | (have > 1 ? (uint32_t)s.p[i + 1] << 8 : 0) | (have > 2 ? s.p[i + 2] : 0);
        for (size_t k = 0; k < 4; k++)
            putc(k <= have ? base64_digits[v >> (18 - 6 * k) & 63] : '=', f);
    }
}

static void print_element(FILE *f, const struct weft_tensor *t, size_t i)
{
    char buf[32];
    const uint8_t *p = t->data + i * weft_dtype_size(t->dtype);
    switch (t->dtype) {
    case WEFT_F32: {
        float x;
        memcpy(&x, p, sizeof x);
        fputs(isfinite(x) ? weft_float_text(x, buf) : "null", f);
        break;
    }
    case WEFT_F64: {
        double x;
        memcpy(&x, p, sizeof x);
        print_real(f, x);
        break;
    }
    case WEFT_U8:
        fprintf(f, "%d", *p);
        break;
    case WEFT_I32: {
        int32_t x;
        memcpy(&x, p, sizeof x);
        fprintf(f, "%d", (int)x);
        break;
    }
    case WEFT_I64: {
        int64_t x;
        memcpy(&x, p, sizeof x);
        fprintf(f, "%lld", (long long)x);
        break;
    }
    }
}

/* Elements [first, first + count) of dimension `dim` and below; there are some. */
static void print_dims(FILE *f, const struct weft_tensor *t, int dim, size_t first, size_t count, size_t max)
{
    if (dim == t->rank) {
        print_element(f, t, first);
        return;
    }
    size_t each = count / t->dims[dim];
    putc('[', f);
    for (uint32_t i = 0; i < t->dims[dim]; i++) {
        if (i)
            putc(',', f);
        if (max && i >= max) {
            fprintf(f, "\"... %u more\"", t->dims[dim] - i);
            break;
        }
        print_dims(f, t, dim + 1, first + i * each, each, max);
    }
    putc(']', f);
}

static void print_ext(FILE *f, const struct weft_value *v, size_t max)
{
    struct weft_tensor t;
    if (weft_tensor_read(v, &t, NULL) < 0) {
        fprintf(f, "{\"ext\":%d,\"bytes\":%zu}", v->ext, v->body.n);
        return;
    }
    fprintf(f, "{\"%s\":", dtype_names[t.dtype]);
    if (t.count)
        print_dims(f, &t, 0, 0, t.count, max);
    else
        fputs("[]", f); /* [1000000, 1000000, 0] costs nothing to send: it must cost nothing to print */
    putc('}', f);
}

static void print_bin(FILE *f, struct weft_span s, size_t max)
{
    if (max && s.n > max) {
        fprintf(f, "{\"bin\":\"... %zu bytes\"}", s.n);
        return;
    }
    fputs("{\"bin\":\"", f);
    print_base64(f, s);
    fputs("\"}", f);
}

void weft_view_json(FILE *f, struct weft_span value, size_t max)
{
    struct weft_value v, x;
    if (!weft_value_next(&value, &v))
        return;
    switch (v.kind) {
    case WEFT_NIL:
        fputs("null", f);
        break;
    case WEFT_BOOL:
        fputs(v.b ? "true" : "false", f);
        break;
    case WEFT_UINT:
        fprintf(f, "%llu", (unsigned long long)v.u);
        break;
    case WEFT_INT:
        fprintf(f, "%lld", (long long)v.i);
        break;
    case WEFT_REAL:
        print_real(f, v.real);
        break;
    case WEFT_STR:
        print_string(f, v.body);
        break;
    case WEFT_BIN:
        print_bin(f, v.body, max);
        break;
    case WEFT_EXT:
        print_ext(f, &v, max);
        break;
    case WEFT_ARRAY:
    case WEFT_MAP:
        putc(v.kind == WEFT_MAP ? '{' : '[', f);
        for (uint32_t i = 0; i < v.count; i++) {
            if (i)
                putc(',', f);
            if (v.kind == WEFT_MAP && weft_value_next(&v.body, &x)) {
                weft_view_json(f, x.whole, max);
                putc(':', f);
            }
            if (weft_value_next(&v.body, &x))
                weft_view_json(f, x.whole, max);
        }
        putc(v.kind == WEFT_MAP ? '}' : ']', f);
        break;
    }
}

/* --- back --- */

/* Dimensions of nested arrays, from the first elements. */
static int tensor_dims(const weft_json *j, uint32_t *dims, int *rank, struct weft_err *e)
{
    *rank = 0;
    while (j && weft_json_kind(j) == WEFT_JSON_ARRAY) {
        if (*rank == WEFT_TENSOR_RANK || weft_json_size(j) > UINT32_MAX)
            return weft_fail(e, WEFT_DATA, "a tensor of more than %d dimensions", WEFT_TENSOR_RANK);
        dims[(*rank)++] = (uint32_t)weft_json_size(j);
        j = weft_json_size(j) ? weft_json_at(j, 0) : NULL;
    }
    return 0;
}

static int store(const weft_json *j, enum weft_dtype t, uint8_t *at, struct weft_err *e)
{
    enum weft_json_kind k = weft_json_kind(j);
    bool missing = k == WEFT_JSON_NULL;
    if (k != WEFT_JSON_INT && k != WEFT_JSON_REAL && !(missing && (t == WEFT_F32 || t == WEFT_F64)))
        return weft_fail(e, WEFT_DATA, "a tensor element that is no number");
    double x = missing ? NAN : weft_json_real(j);
    float x32 = (float)x;
    int64_t i = weft_json_int(j);
    int32_t i32 = (int32_t)i;
    if ((t == WEFT_U8 && (i < 0 || i > 255)) || (t == WEFT_I32 && i != i32))
        return weft_fail(e, WEFT_DATA, "a tensor element out of range");
    uint8_t u8 = (uint8_t)i;
    const void *from[N_DTYPES] = {NULL, &x32, &x, &u8, &i32, &i};
    memcpy(at, from[t], weft_dtype_size(t));
    return 0;
}

static int store_all(const weft_json *j, const uint32_t *dims, int rank, enum weft_dtype t, uint8_t **at,
                     struct weft_err *e)
{
    if (rank == 0) {
        if (store(j, t, *at, e) < 0)
            return -1;
        *at += weft_dtype_size(t);
        return 0;
    }
    if (weft_json_kind(j) != WEFT_JSON_ARRAY || weft_json_size(j) != dims[0])
        return weft_fail(e, WEFT_DATA, "a ragged tensor");
    for (uint32_t i = 0; i < dims[0]; i++)
        if (store_all(weft_json_at(j, i), dims + 1, rank - 1, t, at, e) < 0)
            return -1;
    return 0;
}

static int pack_tensor(const weft_json *j, enum weft_dtype t, struct weft_pack *b, struct weft_err *e)
{
    uint32_t dims[WEFT_TENSOR_RANK];
    int rank;
    size_t count = 1;
    if (tensor_dims(j, dims, &rank, e) < 0)
        return -1;
    /* Elements are in memory as JSON already, so a product that passes here is no larger than a small multiple of that.
     */
    for (int i = 0; i < rank; i++)
        if (!weft_mul(count, dims[i], &count) || count > ((size_t)1 << 30))
            return weft_fail(e, WEFT_DATA, "a tensor of too many elements");
    size_t before = b->n;
    uint8_t *at = weft_pack_tensor(b, t, rank, dims);
    int rc = store_all(j, dims, rank, t, &at, e);
    if (rc < 0)
        b->n = before;
    return rc;
}

static int pack_bin(const weft_json *j, struct weft_pack *b, struct weft_err *e)
{
    size_t n;
    const char *s = weft_json_str(j, &n);
    if (!s || n % 4)
        return weft_fail(e, WEFT_DATA, "\"bin\" is no base64 text");
    uint8_t *out = weft_xmalloc(n + 1);
    size_t len = 0;
    for (size_t i = 0; i < n; i += 4) {
        uint32_t v = 0;
        int pad = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *d = s[i + k] ? strchr(base64_digits, s[i + k]) : NULL;
            if (!d && !(s[i + k] == '=' && i + 4 == n && k >= 2)) {
                free(out);
                return weft_fail(e, WEFT_DATA, "\"bin\" is no base64 text");
            }
            pad += !d;
            v = v << 6 | (d ? (uint32_t)(d - base64_digits) : 0);
        }
        for (int k = 0; k < 3 - pad; k++)
            out[len++] = (uint8_t)(v >> (16 - 8 * k));
    }
    weft_pack_bin(b, out, len);
    free(out);
    return 0;
}

static int pack_object(const weft_json *j, struct weft_pack *b, struct weft_err *e)
{
    const char *key;
    weft_json *value;
    void *at = weft_json_next(j, NULL, &key, &value);
    if (weft_json_size(j) == 1 && at) {
        for (int t = 1; t < N_DTYPES; t++)
            if (strcmp(key, dtype_names[t]) == 0)
                return pack_tensor(value, (enum weft_dtype)t, b, e);
        if (strcmp(key, "bin") == 0)
            return pack_bin(value, b, e);
    }
    weft_pack_map(b, (uint32_t)weft_json_size(j));
    for (; at; at = weft_json_next(j, at, &key, &value)) {
        weft_pack_cstr(b, key);
        if (weft_view_pack(value, b, e) < 0)
            return -1;
    }
    return 0;
}

int weft_view_pack(const weft_json *j, struct weft_pack *b, struct weft_err *e)
{
    size_t n;
    const char *s;
    switch (weft_json_kind(j)) {
    case WEFT_JSON_NULL:
        weft_pack_nil(b);
        break;
    case WEFT_JSON_BOOL:
        weft_pack_bool(b, weft_json_bool(j));
        break;
    case WEFT_JSON_INT:
        weft_pack_int(b, weft_json_int(j));
        break;
    case WEFT_JSON_REAL:
        weft_pack_real(b, weft_json_real(j));
        break;
    case WEFT_JSON_STR:
        s = weft_json_str(j, &n);
        weft_pack_str(b, s, n);
        break;
    case WEFT_JSON_ARRAY:
        weft_pack_array(b, (uint32_t)weft_json_size(j));
        for (size_t i = 0; i < weft_json_size(j); i++)
            if (weft_view_pack(weft_json_at(j, i), b, e) < 0)
                return -1;
        break;
    case WEFT_JSON_OBJECT:
        return pack_object(j, b, e);
    }
    return 0;
}

void weft_csv_put(FILE *f, const char *p, size_t n)
{
    bool quote = false;
    for (size_t i = 0; i < n && !quote; i++)
        quote = p[i] == ',' || p[i] == '"' || p[i] == '\n' || p[i] == '\r';
    if (!quote) {
        fwrite(p, 1, n, f);
        return;
    }
    putc('"', f);
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '"')
            putc('"', f);
        putc(p[i], f);
    }
    putc('"', f);
}
