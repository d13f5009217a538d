/* tensor.c - tensors inside frames. */
#include "frame/tensor.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

size_t weft_dtype_size(enum weft_dtype t)
{
    switch (t) {
    case WEFT_F32:
    case WEFT_I32:
        return 4;
    case WEFT_F64:
    case WEFT_I64:
        return 8;
    case WEFT_U8:
        return 1;
    }
    return 0;
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int weft_tensor_read(const struct weft_value *v, struct weft_tensor *t, struct weft_err *e)
{
    if (v->kind != WEFT_EXT || v->ext != WEFT_TENSOR_EXT)
        return weft_fail(e, WEFT_DATA, "not a tensor");
    const uint8_t *p = v->body.p;
    size_t n = v->body.n;
    if (n < 4 || p[2] || p[3])
        return weft_fail(e, WEFT_DATA, "a tensor without a header");
    t->dtype = (enum weft_dtype)p[0];
    t->rank = p[1];
    size_t size = weft_dtype_size(t->dtype);
    if (!size)
        return weft_fail(e, WEFT_DATA, "a tensor of unknown element type %d", p[0]);
    if (t->rank > WEFT_TENSOR_RANK || n < 4 + 4 * (size_t)t->rank)
        return weft_fail(e, WEFT_DATA, "a tensor of rank %d", t->rank);
    t->count = 1;
    for (int i = 0; i < t->rank; i++) {
        t->dims[i] = le32(p + 4 + 4 * (size_t)i);
        if (!weft_mul(t->count, t->dims[i], &t->count))
            return weft_fail(e, WEFT_DATA, "a tensor whose dimensions overflow");
    }
    size_t bytes, head = 4 + 4 * (size_t)t->rank;
    if (!weft_mul(t->count, size, &bytes) || bytes != n - head)
        return weft_fail(e, WEFT_DATA, "a tensor whose dimensions do not fit its %zu bytes", n - head);
    t->data = p + head;
    return 0;
}

static void *scratch_room(struct weft_scratch *s, size_t bytes)
{
    if (s->cap < bytes) {
        free(s->p);
        s->p = weft_xmalloc(bytes);
        s->cap = bytes;
    }
    return s->p;
}

#define CONVERT(TYPE)                                                                                                  \
    for (size_t i = 0; i < t->count; i++) {                                                                            \
        TYPE x;                                                                                                        \
        memcpy(&x, t->data + i * sizeof x, sizeof x);                                                                  \
        out[i] = (__typeof__(*out))x;                                                                                  \
    }                                                                                                                  \
    break

#define CONVERT_ALL                                                                                                    \
    switch (t->dtype) {                                                                                                \
    case WEFT_F32:                                                                                                     \
        CONVERT(float);                                                                                                \
    case WEFT_F64:                                                                                                     \
        CONVERT(double);                                                                                               \
    case WEFT_U8:                                                                                                      \
        CONVERT(uint8_t);                                                                                              \
    case WEFT_I32:                                                                                                     \
        CONVERT(int32_t);                                                                                              \
    case WEFT_I64:                                                                                                     \
        CONVERT(int64_t);                                                                                              \
    }

const float *weft_tensor_f32(const struct weft_tensor *t, struct weft_scratch *scratch)
{
    if (t->dtype == WEFT_F32 && (uintptr_t)t->data % _Alignof(float) == 0)
        return (const float *)(const void *)t->data;
    float *out = scratch_room(scratch, (t->count ? t->count : 1) * sizeof *out);
    if (t->dtype == WEFT_F32)
        memcpy(out, t->data, t->count * sizeof *out);
    else
        CONVERT_ALL
    return out;
}

const double *weft_tensor_f64(const struct weft_tensor *t, struct weft_scratch *scratch)
{
    if (t->dtype == WEFT_F64 && (uintptr_t)t->data % _Alignof(double) == 0)
        return (const double *)(const void *)t->data;
    double *out = scratch_room(scratch, (t->count ? t->count : 1) * sizeof *out);
    CONVERT_ALL
    return out;
}
