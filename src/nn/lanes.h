/* lanes.h - vectors of one instruction set, and the sum at the heart of every product. A template: product.c and
 * lstm_layer.c include it (through a template of their own) once for each instruction set, with LANES (16, 8 or 4),
 * TARGET and NAME(x) defined.
 *
 * Every element is a sum over k in ascending order, without fused multiply-add, whatever the width: the bytes do not
 * depend on the CPU. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VEC NAME(vec)
#define VECI NAME(veci)
typedef float VEC __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t VECI __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

#ifndef WEFT_LANES_BLOCK
#define WEFT_LANES_BLOCK
/* Columns of a block of a product: a panel of B 64 deep is half of a first-level cache. */
enum { BLOCK = 64, VECTORS = 4, ROWS_MAX = 6 };
#endif

/* acc[r * VECTORS + v] += sum over k of a[r * a_row + k * a_col] * b[k * ldb + 16 * v ..]: r < rows, v < vectors; both
 * are constants once inlined. */
TARGET WEFT_INLINE void NAME(sum)(VEC *acc, int rows, int vectors, const float *a, size_t a_row, size_t a_col,
                                  const float *b, size_t ldb, size_t n)
{
    for (size_t k = 0; k < n; k++, a += a_col, b += ldb) {
        VEC w[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            w[v] = *(const VEC *)(b + 16 * v);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            VEC all = a[(size_t)r * a_row] - (VEC){0};
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                acc[r * VECTORS + v] += all * w[v];
        }
    }
}
