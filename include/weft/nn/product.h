/* product.h - float32 products in blocks, for trainers: they add to what is there.
 *
 * Rows of every layer's values lie weft_lanes(width) floats apart, so that a row is whole vectors. The bytes of a
 * result do not depend on the CPU: each element is summed over k in ascending order, 64 at a time. */
#ifndef WEFT_PRODUCT_H
#define WEFT_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

/* n rounded up to whole vectors of 16. */
static inline size_t weft_lanes(size_t n)
{
    return (n + 15) / 16 * 16;
}

/* c[m,n] = a b, or c += a b when `add`: a's element (i,k) lies at a[i * a_row + k * a_col] (so a may be transposed), b
 * is [k,n] with rows ldb apart, c's rows lie ldc apart. n is a multiple of 16. c overlaps nothing. */
void weft_product(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_col, const float *b, size_t ldb,
                  bool add, float *c, size_t ldc);

/* out[cols, rows] = in[rows, cols]'; rows of in and out lie ldi and ldo apart. */
void weft_transpose(size_t rows, size_t cols, const float *in, size_t ldi, float *out, size_t ldo);

#endif
