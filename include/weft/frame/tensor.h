/* tensor.h - tensors inside frames: one msgpack ext type.
 *
 * Ext type 1; payload: u8 element type, u8 rank (<= 6), u16 zero, u32 dims[rank], then the elements, row-major, all
 * little-endian. A missing value is NaN. */
#ifndef WEFT_TENSOR_H
#define WEFT_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "frame/span.h"

enum { WEFT_TENSOR_EXT = 1, WEFT_TENSOR_RANK = 6 };
enum weft_dtype { WEFT_F32 = 1, WEFT_F64 = 2, WEFT_U8 = 3, WEFT_I32 = 4, WEFT_I64 = 5 };

/* A tensor inside a span. data may be unaligned: read it through weft_tensor_f32 or memcpy. */
struct weft_tensor {
    enum weft_dtype dtype;
    int rank;
    uint32_t dims[WEFT_TENSOR_RANK];
    size_t count;        /* product of dims */
    const uint8_t *data; /* count * size bytes */
};

size_t weft_dtype_size(enum weft_dtype t);

/* Checks and opens the tensor in v: ext type, element type, rank, that dims and payload agree without overflow. */
int weft_tensor_read(const struct weft_value *v, struct weft_tensor *t, struct weft_err *e) WEFT_MUST_USE;

/* The elements as floats: a view when they are aligned f32, else a copy in *scratch (grown as needed; zero-initialise
 * first, free(scratch->p) at the end). f64 is rounded; integers are converted. */
struct weft_scratch {
    void *p;
    size_t cap;
};
const float *weft_tensor_f32(const struct weft_tensor *t, struct weft_scratch *scratch);
const double *weft_tensor_f64(const struct weft_tensor *t, struct weft_scratch *scratch);

#endif
