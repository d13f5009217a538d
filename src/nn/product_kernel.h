/* product_kernel.h - weft_product for one instruction set (lanes.h says what it is a template of). */
#include "lanes.h"

/* rows x (16 * vectors) elements of c += a panel, k <= BLOCK deep. */
TARGET WEFT_INLINE void NAME(tile)(const struct panel *p, size_t i, int rows, int vectors)
{
    float *c = p->c + i * p->ldc;
    for (int part = 0; part < 16 / LANES; part++) {
        VEC acc[ROWS_MAX * VECTORS];
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                acc[r * VECTORS + v] = p->add ? *(VEC *)(c + (size_t)r * p->ldc + 16 * v + LANES * part) : (VEC){0};
        NAME(sum)(acc, rows, vectors, p->a + i * p->a_row, p->a_row, p->a_col, p->b + LANES * part, p->ldb, p->k);
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                *(VEC *)(c + (size_t)r * p->ldc + 16 * v + LANES * part) = acc[r * VECTORS + v];
    }
}

TARGET WEFT_INLINE void NAME(rows)(const struct panel *p, int vectors)
{
    size_t i = 0;
    for (; LANES == 16 && i + 6 <= p->m; i += 6)
        NAME(tile)(p, i, 6, vectors);
    for (; LANES == 16 && i + 4 <= p->m; i += 4)
        NAME(tile)(p, i, 4, vectors);
    for (; i + 2 <= p->m; i += 2)
        NAME(tile)(p, i, 2, vectors);
    for (; i < p->m; i++)
        NAME(tile)(p, i, 1, vectors);
}

TARGET static void NAME(panel)(const struct panel *p, size_t columns)
{
    if (columns == 4 * 16)
        NAME(rows)(p, 4);
    else if (columns == 3 * 16)
        NAME(rows)(p, 3);
    else if (columns == 2 * 16)
        NAME(rows)(p, 2);
    else
        NAME(rows)(p, 1);
}
#undef VEC
#undef VECI
