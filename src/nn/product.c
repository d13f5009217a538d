/* product.c - products in panels of 64 x 64 that stay in the first-level cache while all rows pass. */
#include "nn/product.h"

#include "base/cpu.h"

/* A panel's operands: c[m, columns] (+)= a[m, k] b[k, columns]. */
struct panel {
    const float *a, *b;
    float *c;
    size_t m, k, a_row, a_col, ldb, ldc;
    bool add;
};

#if defined(__x86_64__)
#define LANES 16
#define TARGET WEFT_AVX512
#define NAME(x) x##_avx512
#include "product_kernel.h"
#undef LANES
#undef TARGET
#undef NAME
#define LANES 8
#define TARGET WEFT_AVX2
#define NAME(x) x##_avx2
#include "product_kernel.h"
#undef LANES
#undef TARGET
#undef NAME
#endif
#define LANES 4
#define TARGET
#define NAME(x) x##_plain
#include "product_kernel.h"

typedef void (*panel_fn)(const struct panel *p, size_t columns);

static panel_fn choose(void)
{
#if defined(__x86_64__)
    if (weft_has_avx512())
        return panel_avx512;
    if (weft_has_avx2())
        return panel_avx2;
#endif
    return panel_plain;
}

/* Panels whose rows lie far apart would fall on few cache sets: with many rows of a to come they are copied together.
 */
static const float *gather(const float *b, size_t ldb, size_t depth, size_t columns, float *room)
{
    for (size_t k = 0; k < depth; k++)
        memcpy(room + k * BLOCK, b + k * ldb, columns * sizeof *room);
    return room;
}

void weft_product(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_col, const float *b, size_t ldb,
                  bool add, float *c, size_t ldc)
{
    float room[BLOCK * BLOCK];
    panel_fn run = choose();
    for (size_t j = 0; j < n; j += BLOCK)
        for (size_t at = 0; at < k || at == 0; at += BLOCK) {
            size_t depth = k - at < BLOCK ? k - at : BLOCK, columns = n - j < BLOCK ? n - j : BLOCK;
            struct panel p = {.a = a + at * a_col,
                              .b = b + at * ldb + j,
                              .c = c + j,
                              .m = m,
                              .k = depth,
                              .a_row = a_row,
                              .a_col = a_col,
                              .ldb = ldb,
                              .ldc = ldc,
                              .add = add || at > 0};
            if (ldb > BLOCK && m >= 32) {
                p.b = gather(p.b, ldb, depth, columns, room);
                p.ldb = BLOCK;
            }
            run(&p, columns);
        }
}

void weft_transpose(size_t rows, size_t cols, const float *in, size_t ldi, float *out, size_t ldo)
{
    enum { SIDE = 16 };
    for (size_t i = 0; i < rows; i += SIDE)
        for (size_t j = 0; j < cols; j += SIDE)
            for (size_t y = j; y < j + SIDE && y < cols; y++)
                for (size_t x = i; x < i + SIDE && x < rows; x++)
                    out[y * ldo + x] = in[x * ldi + y];
}
