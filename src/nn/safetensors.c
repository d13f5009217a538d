/* safetensors.c - model files, checked before anything is believed (safetensors' README: "Format"). */
#include "nn/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/num.h"

enum { HEADER_MAX = 100 * 1000 * 1000 };

static const struct {
    const char *name;
    size_t size;
} types[WEFT_ST_TYPES] = {
    [WEFT_ST_F64] = {"F64", 8}, [WEFT_ST_F32] = {"F32", 4},   [WEFT_ST_F16] = {"F16", 2}, [WEFT_ST_BF16] = {"BF16", 2},
    [WEFT_ST_I64] = {"I64", 8}, [WEFT_ST_I32] = {"I32", 4},   [WEFT_ST_I16] = {"I16", 2}, [WEFT_ST_I8] = {"I8", 1},
    [WEFT_ST_U8] = {"U8", 1},   [WEFT_ST_BOOL] = {"BOOL", 1},
};

struct weft_st {
    char *path;
    struct weft_mapping map; /* unused (p == NULL) over memory of others */
    const uint8_t *bytes;
    size_t n_bytes;
    weft_json *header;
    struct weft_st_tensor *tensors; /* in order of their data */
    size_t n;
    size_t *by_name; /* indices into tensors, sorted by name */
};

/* --- reading --- */

static int bad(const struct weft_st *st, struct weft_err *e, const char *what, const char *name)
{
    if (name)
        weft_fail(e, WEFT_DATA, "not a safetensors file: tensor \"%.80s\": %s", name, what);
    else
        weft_fail(e, WEFT_DATA, "not a safetensors file: %s", what);
    return weft_fail_where(e, "%s", st->path);
}

static bool json_size(const weft_json *j, size_t *out)
{
    if (!j || weft_json_kind(j) != WEFT_JSON_INT || weft_json_int(j) < 0)
        return false;
    *out = (size_t)weft_json_int(j);
    return true;
}

static int find_type(const weft_json *j)
{
    const char *s = j ? weft_json_str(j, NULL) : NULL;
    for (int i = 0; s && i < WEFT_ST_TYPES; i++)
        if (strcmp(types[i].name, s) == 0)
            return i;
    return -1;
}

/* Shape and byte count of one tensor; the place of its data is left to place_tensors. */
static int read_tensor(struct weft_st *st, const char *name, const weft_json *j, struct weft_st_tensor *t,
                       struct weft_err *e)
{
    if (weft_json_kind(j) != WEFT_JSON_OBJECT)
        return bad(st, e, "is no object", name);
    int type = find_type(weft_json_get(j, "dtype"));
    if (type < 0)
        return bad(st, e, "unknown dtype", name);
    const weft_json *shape = weft_json_get(j, "shape"), *range = weft_json_get(j, "data_offsets");
    if (!shape || weft_json_kind(shape) != WEFT_JSON_ARRAY || weft_json_size(shape) > WEFT_ST_RANK)
        return bad(st, e, "no shape, or more than 8 dimensions", name);
    *t = (struct weft_st_tensor){
        .name = name, .type = (enum weft_st_type)type, .rank = (int)weft_json_size(shape), .count = 1};
    for (int i = 0; i < t->rank; i++)
        if (!json_size(weft_json_at(shape, (size_t)i), &t->dims[i]) || !weft_mul(t->count, t->dims[i], &t->count))
            return bad(st, e, "the shape is negative or too large", name);
    size_t begin, end;
    if (!weft_mul(t->count, types[type].size, &t->bytes))
        return bad(st, e, "the shape is too large", name);
    if (!range || weft_json_kind(range) != WEFT_JSON_ARRAY || weft_json_size(range) != 2 ||
        !json_size(weft_json_at(range, 0), &begin) || !json_size(weft_json_at(range, 1), &end) || end < begin)
        return bad(st, e, "no usable data_offsets", name);
    if (end - begin != t->bytes)
        return bad(st, e, "data_offsets and shape do not agree", name);
    t->data = (const void *)(uintptr_t)begin; /* an offset until place_tensors */
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    const struct weft_st_tensor *x = a, *y = b;
    uintptr_t p = (uintptr_t)x->data, q = (uintptr_t)y->data;
    if (p != q)
        return p < q ? -1 : 1;
    if (x->bytes != y->bytes) /* empty tensors first */
        return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The data must be covered without holes or overlaps, to the last byte. */
static int place_tensors(struct weft_st *st, size_t data_at, struct weft_err *e)
{
    size_t expected = 0, data_size = st->n_bytes - data_at;
    weft_sort(st->tensors, st->n, sizeof *st->tensors, by_offset);
    for (size_t i = 0; i < st->n; i++) {
        struct weft_st_tensor *t = &st->tensors[i];
        if ((uintptr_t)t->data != expected)
            return bad(st, e, "its data leaves a hole or overlaps another's", t->name);
        if (t->bytes > data_size - expected)
            return bad(st, e, "its data lies behind the end of the file: was the file cut short?", t->name);
        t->data = st->bytes + data_at + expected;
        expected += t->bytes;
    }
    if (expected != data_size)
        return bad(st, e, "bytes behind the last tensor", NULL);
    return 0;
}

static int check_metadata(struct weft_st *st, const weft_json *meta, struct weft_err *e)
{
    if (weft_json_kind(meta) != WEFT_JSON_OBJECT)
        return bad(st, e, "__metadata__ is no object", NULL);
    const char *key;
    weft_json *value;
    for (void *at = weft_json_next(meta, NULL, &key, &value); at; at = weft_json_next(meta, at, &key, &value))
        if (weft_json_kind(value) != WEFT_JSON_STR)
            return bad(st, e, "__metadata__ holds something else than texts", NULL);
    return 0;
}

static int read_header(struct weft_st *st, struct weft_err *e)
{
    const char *key;
    weft_json *value;
    st->tensors = WEFT_ARRAY(struct weft_st_tensor, weft_json_size(st->header) + 1);
    for (void *at = weft_json_next(st->header, NULL, &key, &value); at;
         at = weft_json_next(st->header, at, &key, &value)) {
        if (strcmp(key, "__metadata__") == 0) {
            if (check_metadata(st, value, e) < 0)
                return -1;
        } else if (read_tensor(st, key, value, &st->tensors[st->n], e) < 0) {
            return -1;
        } else {
            st->n++;
        }
    }
    return 0;
}

struct named {
    const char *name;
    size_t i;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static void index_names(struct weft_st *st)
{
    struct named *order = WEFT_ARRAY(struct named, st->n + 1);
    st->by_name = WEFT_ARRAY(size_t, st->n + 1);
    for (size_t i = 0; i < st->n; i++)
        order[i] = (struct named){st->tensors[i].name, i};
    weft_sort(order, st->n, sizeof *order, by_name);
    for (size_t i = 0; i < st->n; i++)
        st->by_name[i] = order[i].i;
    free(order);
}

/* Files of this release say nothing, nor do those of others' programs; a later one whose files mean something else will
 * say its version. */
static int check_version(const struct weft_st *st, struct weft_err *e)
{
    const char *version = weft_st_meta(st, "weft");
    if (!version || strcmp(version, "1") == 0)
        return 0;
    weft_fail(e, WEFT_DATA, "a model file of version %.40s, and this program reads version 1", version);
    weft_fail_hint(e, "use the same release of weft for both");
    return weft_fail_where(e, "%s", st->path);
}

static int parse(struct weft_st *st, struct weft_err *e)
{
    if (st->n_bytes < 8)
        return bad(st, e, "shorter than its header", NULL);
    uint64_t header = 0;
    for (int i = 7; i >= 0; i--)
        header = header << 8 | st->bytes[i];
    if (header > HEADER_MAX)
        return bad(st, e, "its header is longer than 100 MB", NULL);
    if (header > st->n_bytes - 8)
        return bad(st, e, "its header is longer than the file: was the file cut short?", NULL);
    if (header == 0 || st->bytes[8] != '{')
        return bad(st, e, "no JSON header", NULL);
    struct weft_err json = {0};
    st->header = weft_json_parse((const char *)st->bytes + 8, (size_t)header, &json);
    if (!st->header || weft_json_kind(st->header) != WEFT_JSON_OBJECT)
        return bad(st, e, json.what[0] ? json.what : "its header is no JSON object", NULL);
    if (read_header(st, e) < 0 || place_tensors(st, 8 + (size_t)header, e) < 0)
        return -1;
    index_names(st);
    return check_version(st, e);
}

int weft_st_parse(const void *p, size_t n, const char *name, struct weft_st **out, struct weft_err *e)
{
    *out = NULL;
    struct weft_st *st = WEFT_NEW(struct weft_st);
    st->path = weft_xstrdup(name);
    st->bytes = p;
    st->n_bytes = n;
    if (parse(st, e) < 0) {
        weft_st_close(&st);
        return -1;
    }
    *out = st;
    return 0;
}

int weft_st_open(const char *path, struct weft_st **out, struct weft_err *e)
{
    *out = NULL;
    struct weft_mapping map;
    if (weft_map_open(path, SIZE_MAX, &map, e) < 0)
        return -1;
    if (weft_st_parse(map.p, map.n, path, out, e) < 0) {
        weft_map_close(&map);
        return -1;
    }
    (*out)->map = map;
    return 0;
}

void weft_st_close(struct weft_st **st)
{
    if (!*st)
        return;
    if ((*st)->map.p)
        weft_map_close(&(*st)->map);
    weft_json_free(&(*st)->header);
    free((*st)->tensors);
    free((*st)->by_name);
    free((*st)->path);
    free(*st);
    *st = NULL;
}

const void *weft_st_bytes(const struct weft_st *st, size_t *n)
{
    *n = st->n_bytes;
    return st->bytes;
}

const char *weft_st_path(const struct weft_st *st)
{
    return st->path;
}

const char *weft_st_meta(const struct weft_st *st, const char *key)
{
    const weft_json *meta = weft_json_get(st->header, "__metadata__");
    const weft_json *value = meta ? weft_json_get(meta, key) : NULL;
    return value ? weft_json_str(value, NULL) : NULL;
}

size_t weft_st_count(const struct weft_st *st)
{
    return st->n;
}

const struct weft_st_tensor *weft_st_at(const struct weft_st *st, size_t i)
{
    return &st->tensors[i];
}

const struct weft_st_tensor *weft_st_find(const struct weft_st *st, const char *name)
{
    size_t lo = 0, hi = st->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = strcmp(name, st->tensors[st->by_name[mid]].name);
        if (c == 0)
            return &st->tensors[st->by_name[mid]];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

/* "[2, 3]" */
static void shape_text(const size_t *dims, int rank, char *buf, size_t cap)
{
    size_t at = 0;
    buf[0] = 0;
    for (int i = 0; i < rank && at < cap; i++)
        at += (size_t)snprintf(buf + at, cap - at, "%s%zu", i ? ", " : "[", dims[i]);
    if (at < cap)
        snprintf(buf + at, cap - at, "%s", rank ? "]" : "[]");
}

static float half(uint16_t h)
{
    int exponent = h >> 10 & 31, fraction = h & 1023;
    float v = exponent == 31  ? (fraction ? NAN : INFINITY)
              : exponent == 0 ? ldexpf((float)fraction, -24)
                              : ldexpf((float)(fraction + 1024), exponent - 25);
    return h >> 15 ? -v : v;
}

static float bfloat(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Reads element i as T: data of foreign files may be unaligned. */
#define ELEMENT(T, p, i)                                                                                               \
    (__extension__({                                                                                                   \
        T v_;                                                                                                          \
        memcpy(&v_, (const uint8_t *)(p) + (i) * sizeof(T), sizeof v_);                                                \
        v_;                                                                                                            \
    }))

static float element(const struct weft_st_tensor *t, size_t i)
{
    switch (t->type) {
    case WEFT_ST_F64:
        return (float)ELEMENT(double, t->data, i);
    case WEFT_ST_F16:
        return half(ELEMENT(uint16_t, t->data, i));
    case WEFT_ST_BF16:
        return bfloat(ELEMENT(uint16_t, t->data, i));
    case WEFT_ST_I64:
        return (float)ELEMENT(int64_t, t->data, i);
    case WEFT_ST_I32:
        return (float)ELEMENT(int32_t, t->data, i);
    case WEFT_ST_I16:
        return (float)ELEMENT(int16_t, t->data, i);
    case WEFT_ST_I8:
        return (float)ELEMENT(int8_t, t->data, i);
    case WEFT_ST_U8:
    case WEFT_ST_BOOL:
        return (float)ELEMENT(uint8_t, t->data, i);
    default:
        return ELEMENT(float, t->data, i);
    }
}

void weft_st_values(const struct weft_st_tensor *t, size_t from, size_t n, float *out)
{
    if (t->type == WEFT_ST_F32 && n > 0)
        memcpy(out, (const uint8_t *)t->data + from * sizeof *out, n * sizeof *out);
    else
        for (size_t i = 0; i < n; i++)
            out[i] = element(t, from + i);
}

int weft_st_floats(const struct weft_st *st, const char *name, const size_t *dims, int rank, float **out,
                   struct weft_err *e)
{
    const struct weft_st_tensor *t = weft_st_find(st, name);
    char want[128], got[128];
    shape_text(dims, rank, want, sizeof want);
    if (!t) {
        weft_fail(e, WEFT_DATA, "no tensor \"%.80s\" %s in this model file", name, want);
        return weft_fail_where(e, "%s", st->path);
    }
    shape_text(t->dims, t->rank, got, sizeof got);
    if (t->rank != rank || (rank && memcmp(t->dims, dims, (size_t)rank * sizeof *dims) != 0)) {
        weft_fail(e, WEFT_DATA, "tensor \"%.80s\" is %s, expected %s", name, got, want);
        return weft_fail_where(e, "%s", st->path);
    }
    *out = weft_xaligned(t->count ? t->count : 1, sizeof **out);
    weft_st_values(t, 0, t->count, *out);
    return 0;
}

int weft_st_weights(const struct weft_st *st, const char *name, const size_t *dims, int rank, float **out,
                    struct weft_err *e)
{
    if (weft_st_floats(st, name, dims, rank, out, e) < 0)
        return -1;
    size_t n = weft_st_find(st, name)->count;
    for (size_t i = 0; i < n; i++)
        if (!isfinite((*out)[i])) {
            free(*out);
            *out = NULL;
            weft_fail(e, WEFT_DATA, "tensor \"%.80s\" holds values that are no numbers: the model is broken", name);
            return weft_fail_where(e, "%s", st->path);
        }
    return 0;
}

static int bad_meta(const struct weft_st *st, const char *key, const char *value, struct weft_err *e)
{
    if (value)
        weft_fail(e, WEFT_DATA, "metadata \"%s\" is not usable: \"%.80s\"", key, value);
    else
        weft_fail(e, WEFT_DATA, "no metadata \"%s\": not a model of this suite", key);
    return weft_fail_where(e, "%s", st->path);
}

int weft_st_meta_int(const struct weft_st *st, const char *key, int64_t min, int64_t max, int64_t *out,
                     struct weft_err *e)
{
    const char *value = weft_st_meta(st, key);
    return value && weft_num_int(value, min, max, out) ? 0 : bad_meta(st, key, value, e);
}

int weft_st_meta_real(const struct weft_st *st, const char *key, double *out, struct weft_err *e)
{
    const char *value = weft_st_meta(st, key);
    return value && weft_num_real(value, -HUGE_VAL, HUGE_VAL, out) ? 0 : bad_meta(st, key, value, e);
}

void weft_st_sha256(const struct weft_st *st, char out[65])
{
    weft_sha256_hex(st->bytes, st->n_bytes, out);
}

/* --- writing --- */

struct meta {
    char *key, *value;
};

struct weft_st_writer {
    struct meta *meta;
    size_t n_meta, cap_meta;
    struct weft_st_tensor *tensors; /* name is ours */
    size_t n, cap;
};

struct weft_st_writer *weft_st_writer_new(void)
{
    return WEFT_NEW(struct weft_st_writer);
}

void weft_st_writer_meta(struct weft_st_writer *w, const char *key, const char *value)
{
    if (w->n_meta == w->cap_meta) {
        w->cap_meta = weft_grow(w->cap_meta, w->n_meta + 1);
        w->meta = weft_xrealloc2(w->meta, w->cap_meta, sizeof *w->meta);
    }
    w->meta[w->n_meta++] = (struct meta){weft_xstrdup(key), weft_xstrdup(value)};
}

void weft_st_writer_meta_int(struct weft_st_writer *w, const char *key, int64_t v)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)v);
    weft_st_writer_meta(w, key, text);
}

void weft_st_writer_meta_real(struct weft_st_writer *w, const char *key, double v)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", v);
    weft_st_writer_meta(w, key, text);
}

void weft_st_writer_tensor(struct weft_st_writer *w, const char *name, enum weft_st_type t, int rank,
                           const size_t *dims, const void *data)
{
    if (w->n == w->cap) {
        w->cap = weft_grow(w->cap, w->n + 1);
        w->tensors = weft_xrealloc2(w->tensors, w->cap, sizeof *w->tensors);
    }
    struct weft_st_tensor *x = &w->tensors[w->n++];
    *x = (struct weft_st_tensor){.name = weft_xstrdup(name), .type = t, .rank = rank, .count = 1, .data = data};
    for (int i = 0; i < rank; i++) {
        x->dims[i] = dims[i];
        x->count *= dims[i];
    }
    x->bytes = x->count * types[t].size;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct meta *)a)->key, ((const struct meta *)b)->key);
}

/* Length in front, padded with spaces so that the data begins at a multiple of 8. */
static uint8_t *make_header(struct weft_st_writer *w, size_t *n)
{
    weft_json *root = weft_json_new_object(), *meta = weft_json_new_object();
    weft_sort(w->meta, w->n_meta, sizeof *w->meta, by_key);
    for (size_t i = 0; i < w->n_meta; i++)
        weft_json_set(meta, w->meta[i].key, weft_json_new_str(w->meta[i].value, strlen(w->meta[i].value)));
    weft_json_set(root, "__metadata__", meta);
    size_t at = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct weft_st_tensor *t = &w->tensors[i];
        weft_json *o = weft_json_new_object(), *shape = weft_json_new_array(), *range = weft_json_new_array();
        for (int d = 0; d < t->rank; d++)
            weft_json_push(shape, weft_json_new_int((int64_t)t->dims[d]));
        weft_json_push(range, weft_json_new_int((int64_t)at));
        weft_json_push(range, weft_json_new_int((int64_t)(at += t->bytes)));
        weft_json_set(o, "dtype", weft_json_new_str(types[t->type].name, strlen(types[t->type].name)));
        weft_json_set(o, "shape", shape);
        weft_json_set(o, "data_offsets", range);
        weft_json_set(root, t->name, o);
    }
    char *text = weft_json_text(root);
    weft_json_free(&root);
    size_t len = strlen(text), padded = (len + 7) / 8 * 8;
    uint8_t *header = weft_xmalloc(8 + padded);
    for (int i = 0; i < 8; i++)
        header[i] = (uint8_t)((uint64_t)padded >> 8 * i);
    memcpy(header + 8, text, len);
    memset(header + 8 + len, ' ', padded - len);
    free(text);
    *n = 8 + padded;
    return header;
}

int weft_st_save(struct weft_st_writer *w, const char *path, struct weft_err *e)
{
    struct weft_file *f;
    size_t n;
    if (weft_file_create(path, &f, e) < 0)
        return -1;
    uint8_t *header = make_header(w, &n);
    int rc = weft_file_write(f, header, n, e);
    for (size_t i = 0; i < w->n && rc == 0; i++)
        rc = weft_file_write(f, w->tensors[i].data, w->tensors[i].bytes, e);
    free(header);
    if (rc < 0) {
        weft_file_abort(&f);
        return -1;
    }
    return weft_file_commit(&f, e);
}

void weft_st_writer_free(struct weft_st_writer **w)
{
    if (!*w)
        return;
    for (size_t i = 0; i < (*w)->n_meta; i++) {
        free((*w)->meta[i].key);
        free((*w)->meta[i].value);
    }
    for (size_t i = 0; i < (*w)->n; i++)
        free((char *)(uintptr_t)(*w)->tensors[i].name);
    free((*w)->meta);
    free((*w)->tensors);
    free(*w);
    *w = NULL;
}
