/* matmul.h - small float32 products whose bytes depend neither on the CPU nor on how rows fall into batches. */
#ifndef WEFT_MATMUL_H
#define WEFT_MATMUL_H

#include <stddef.h>

/* c[m,n] = init + a b: a's element (i,k) lies at a[i * a_row + k * a_col] (so a may be transposed), b is [k,n] with
 * rows ldb apart, c's rows lie ldc apart. n is a multiple of 8. init: a row of n that every row of c starts from, or
 * NULL for zeros. Each element is summed over k in ascending order. c overlaps nothing. */
void weft_matmul(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_col, const float *b, size_t ldb,
                 const float *init, float *c, size_t ldc);

#endif
