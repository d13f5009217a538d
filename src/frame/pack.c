/* pack.c - writing msgpack; the only file that knows msgpack-c. */
#include "frame/pack.h"

#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void weft_pack_clear(struct weft_pack *b)
{
    b->n = 0;
}

void weft_pack_free(struct weft_pack *b)
{
    free(b->p);
    *b = (struct weft_pack){0};
}

struct weft_span weft_pack_span(const struct weft_pack *b)
{
    return (struct weft_span){b->p, b->n};
}

static uint8_t *room(struct weft_pack *b, size_t n)
{
    if (b->cap - b->n < n) {
        size_t need;
        if (!weft_add(b->n, n, &need))
            need = SIZE_MAX; /* weft_xrealloc says out of memory */
        size_t cap = weft_grow(b->cap, need);
        b->p = weft_xrealloc(b->p, cap);
        b->cap = cap;
    }
    uint8_t *at = b->p + b->n;
    b->n += n;
    return at;
}

static int sink(void *data, const char *buf, size_t len)
{
    if (len)
        memcpy(room(data, len), buf, len);
    return 0;
}

static msgpack_packer packer(struct weft_pack *b)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, b, sink);
    return pk;
}

void weft_pack_nil(struct weft_pack *b)
{
    msgpack_packer pk = packer(b);
    msgpack_pack_nil(&pk);
}

void weft_pack_bool(struct weft_pack *b, bool v)
{
    msgpack_packer pk = packer(b);
    if (v)
        msgpack_pack_true(&pk);
    else
        msgpack_pack_false(&pk);
}

void weft_pack_int(struct weft_pack *b, int64_t v)
{
    msgpack_packer pk = packer(b);
    msgpack_pack_int64(&pk, v);
}

void weft_pack_uint(struct weft_pack *b, uint64_t v)
{
    msgpack_packer pk = packer(b);
    msgpack_pack_uint64(&pk, v);
}

void weft_pack_real(struct weft_pack *b, double v)
{
    msgpack_packer pk = packer(b);
    msgpack_pack_double(&pk, v);
}

void weft_pack_str(struct weft_pack *b, const char *s, size_t n)
{
    msgpack_packer pk = packer(b);
    msgpack_pack_str(&pk, n);
    msgpack_pack_str_body(&pk, s, n);
}

void weft_pack_cstr(struct weft_pack *b, const char *s)
{
    weft_pack_str(b, s, strlen(s));
}

void weft_pack_bin(struct weft_pack *b, const void *p, size_t n)
{
    msgpack_packer pk = packer(b);
    msgpack_pack_bin(&pk, n);
    msgpack_pack_bin_body(&pk, p, n);
}

void weft_pack_array(struct weft_pack *b, uint32_t n)
{
    msgpack_packer pk = packer(b);
    msgpack_pack_array(&pk, n);
}

void weft_pack_cstrs(struct weft_pack *b, char *const *items, size_t n)
{
    weft_pack_array(b, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        weft_pack_cstr(b, items[i]);
}

void weft_pack_map(struct weft_pack *b, uint32_t n)
{
    msgpack_packer pk = packer(b);
    msgpack_pack_map(&pk, n);
}

void weft_pack_raw(struct weft_pack *b, struct weft_span value)
{
    if (value.n)
        memcpy(room(b, value.n), value.p, value.n);
}

void *weft_pack_tensor(struct weft_pack *b, enum weft_dtype t, int rank, const uint32_t *dims)
{
    size_t bytes = weft_dtype_size(t);
    for (int i = 0; i < rank; i++)
        if (!weft_mul(bytes, dims[i], &bytes))
            bytes = SIZE_MAX / 2; /* weft_xrealloc says out of memory */
    size_t head = 4 + 4 * (size_t)rank;
    msgpack_packer pk = packer(b);
    msgpack_pack_ext(&pk, head + bytes, WEFT_TENSOR_EXT);
    uint8_t *p = room(b, head + bytes);
    p[0] = (uint8_t)t;
    p[1] = (uint8_t)rank;
    p[2] = p[3] = 0;
    for (int i = 0; i < rank; i++)
        for (int k = 0; k < 4; k++)
            p[4 + 4 * i + k] = (uint8_t)(dims[i] >> (8 * k));
    return p + head;
}

void weft_pack_f32(struct weft_pack *b, int rank, const uint32_t *dims, const float *data)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= dims[i];
    void *at = weft_pack_tensor(b, WEFT_F32, rank, dims);
    if (n)
        memcpy(at, data, n * sizeof *data);
}

void weft_pack_f64(struct weft_pack *b, int rank, const uint32_t *dims, const double *data)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= dims[i];
    void *at = weft_pack_tensor(b, WEFT_F64, rank, dims);
    if (n)
        memcpy(at, data, n * sizeof *data);
}

/* --- editing a map --- */

void weft_edit_clear(struct weft_edit *m)
{
    m->n = 0;
    m->own.n = 0;
}

void weft_edit_free(struct weft_edit *m)
{
    free(m->at);
    weft_pack_free(&m->own);
    *m = (struct weft_edit){0};
}

static const char *entry_key(const struct weft_edit *m, const struct weft_edit_entry *x)
{
    return x->own_key ? (const char *)m->own.p + x->key_off : (const char *)x->key.p;
}

static struct weft_edit_entry *entry_find(struct weft_edit *m, const char *key, size_t n)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->at[i].key.n == n && memcmp(entry_key(m, &m->at[i]), key, n) == 0)
            return &m->at[i];
    return NULL;
}

static struct weft_edit_entry *entry_add(struct weft_edit *m)
{
    if (m->n == m->cap) {
        m->cap = weft_grow(m->cap, m->n + 1);
        m->at = weft_xrealloc2(m->at, m->cap, sizeof *m->at);
    }
    m->at[m->n] = (struct weft_edit_entry){0};
    return &m->at[m->n++];
}

int weft_edit_load(struct weft_edit *m, struct weft_span map, struct weft_err *e)
{
    struct weft_value v, key, value;
    weft_edit_clear(m);
    if (!weft_value_next(&map, &v) || v.kind != WEFT_MAP)
        return weft_fail(e, WEFT_DATA, "not a map");
    if (v.count > WEFT_EDIT_MAX) /* keys are compared one by one */
        return weft_fail(e, WEFT_DATA, "a map of %u entries, more than %d", v.count, WEFT_EDIT_MAX);
    struct weft_span body = v.body;
    for (uint32_t i = 0; i < v.count; i++) {
        if (!weft_value_next(&body, &key) || !weft_value_next(&body, &value))
            return weft_fail(e, WEFT_DATA, "a map that stops short");
        if (key.kind != WEFT_STR)
            return weft_fail(e, WEFT_DATA, "a map key that is no string");
        if (entry_find(m, (const char *)key.body.p, key.body.n))
            return weft_fail(e, WEFT_DATA, "key \"%.*s\" stands twice", (int)(key.body.n < 60 ? key.body.n : 60),
                             (const char *)key.body.p);
        struct weft_edit_entry *x = entry_add(m);
        x->key = key.body;
        x->value = value.whole;
    }
    return 0;
}

struct weft_pack *weft_edit_set(struct weft_edit *m, const char *key)
{
    size_t n = strlen(key);
    struct weft_edit_entry *x = entry_find(m, key, n);
    if (!x) {
        x = entry_add(m);
        x->key.n = n;
        x->own_key = true;
        x->key_off = m->own.n;
        memcpy(room(&m->own, n ? n : 1), key, n);
    }
    x->value.p = NULL;
    x->off = m->own.n;
    x->len = SIZE_MAX; /* open: weft_edit_done fills it in */
    return &m->own;
}

void weft_edit_done(struct weft_edit *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (!m->at[i].value.p && m->at[i].len == SIZE_MAX)
            m->at[i].len = m->own.n - m->at[i].off;
}

void weft_edit_int(struct weft_edit *m, const char *key, int64_t v)
{
    weft_pack_int(weft_edit_set(m, key), v);
    weft_edit_done(m);
}

void weft_edit_real(struct weft_edit *m, const char *key, double v)
{
    weft_pack_real(weft_edit_set(m, key), v);
    weft_edit_done(m);
}

void weft_edit_str(struct weft_edit *m, const char *key, const char *s)
{
    weft_pack_cstr(weft_edit_set(m, key), s);
    weft_edit_done(m);
}

void weft_edit_strs(struct weft_edit *m, const char *key, char *const *items, size_t n)
{
    weft_pack_cstrs(weft_edit_set(m, key), items, n);
    weft_edit_done(m);
}

void weft_edit_drop(struct weft_edit *m, const char *key)
{
    struct weft_edit_entry *x = entry_find(m, key, strlen(key));
    if (!x)
        return;
    size_t i = (size_t)(x - m->at);
    memmove(x, x + 1, (m->n - i - 1) * sizeof *x);
    m->n--;
}

void weft_edit_write(const struct weft_edit *m, struct weft_pack *b)
{
    weft_pack_map(b, (uint32_t)m->n);
    for (size_t i = 0; i < m->n; i++) {
        const struct weft_edit_entry *x = &m->at[i];
        weft_pack_str(b, entry_key(m, x), x->key.n);
        weft_pack_raw(b, x->value.p ? x->value : (struct weft_span){m->own.p + x->off, x->len});
    }
}

const char *weft_pack_library(void)
{
    return msgpack_version();
}
