/* matmul.c - a register-blocked product: rows x vectors of sums stay in registers while k runs. */
#include "nn/matmul.h"

#include "base/cpu.h"

struct operands {
    const float *a, *b, *init;
    float *c;
    size_t a_row, a_col, ldb, ldc, k;
};

/* rows x (8 * vectors) elements of c, at row i and column j. */
WEFT_INLINE void tile(const struct operands *o, size_t i, size_t j, int rows, int vectors)
{
    weft_v8f acc[8];
    const float *a = o->a + i * o->a_row, *b = o->b + j;
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            acc[r * vectors + v] = o->init ? *(const weft_v8f *)(o->init + j + 8 * v) : (weft_v8f){0};
    for (size_t k = 0; k < o->k; k++, a += o->a_col, b += o->ldb) {
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            float x = a[(size_t)r * o->a_row];
            weft_v8f all = {x, x, x, x, x, x, x, x};
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                acc[r * vectors + v] += all * *(const weft_v8f *)(b + 8 * v);
        }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            *(weft_v8f *)(o->c + (i + (size_t)r) * o->ldc + j + 8 * v) = acc[r * vectors + v];
}

/* All rows of a panel of columns; rows * vectors is 8. */
WEFT_INLINE void panel(const struct operands *o, size_t m, size_t j, int rows, int vectors)
{
    size_t i = 0;
    for (; i + (size_t)rows <= m; i += (size_t)rows)
        tile(o, i, j, rows, vectors);
    for (; i < m; i++)
        tile(o, i, j, 1, vectors);
}

WEFT_INLINE void product(const struct operands *o, size_t m, size_t n)
{
    size_t j = 0;
    for (; j + 32 <= n; j += 32)
        panel(o, m, j, 2, 4);
    for (; j + 16 <= n; j += 16)
        panel(o, m, j, 4, 2);
    for (; j < n; j += 8)
        panel(o, m, j, 8, 1);
}

static void product_plain(const struct operands *o, size_t m, size_t n)
{
    product(o, m, n);
}

WEFT_AVX2 static void product_avx2(const struct operands *o, size_t m, size_t n)
{
    product(o, m, n);
}

void weft_matmul(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_col, const float *b, size_t ldb,
                 const float *init, float *c, size_t ldc)
{
    struct operands o = {
        .a = a, .b = b, .init = init, .c = c, .a_row = a_row, .a_col = a_col, .ldb = ldb, .ldc = ldc, .k = k};
    if (weft_has_avx2())
        product_avx2(&o, m, n);
    else
        product_plain(&o, m, n);
}
