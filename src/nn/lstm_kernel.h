/* lstm_kernel.h - one step of an LSTM layer for one instruction set (lanes.h says what it is a template of). */
#include "lanes.h"

#if LANES == 16
#define LEAST(bound, x) ((VEC)_mm512_min_ps((__m512)(bound), (__m512)(x)))
#define MOST(bound, x) ((VEC)_mm512_max_ps((__m512)(bound), (__m512)(x)))
#elif LANES == 8
#define LEAST(bound, x) ((VEC)_mm256_min_ps((__m256)(bound), (__m256)(x)))
#define MOST(bound, x) ((VEC)_mm256_max_ps((__m256)(bound), (__m256)(x)))
#else
/* As minps and maxps: x when it is NaN. */
#define LEAST(bound, x) NAME(pick)((bound) < (x), (bound), (x))
#define MOST(bound, x) NAME(pick)((bound) > (x), (bound), (x))
TARGET WEFT_INLINE VEC NAME(pick)(VECI mask, VEC a, VEC b)
{
    return (VEC)((mask & (VECI)a) | (~mask & (VECI)b));
}
#endif

TARGET WEFT_INLINE VEC NAME(all)(float x)
{
    return x - (VEC){0};
}

/* exp(z) - 1 to 1e-7 of its value, z held within +-87; NaN stays NaN. z = n ln 2 + r; exp(z) - 1 = 2^n (exp(r) - 1) +
 * (2^n - 1). */
TARGET WEFT_INLINE VEC NAME(expm1)(VEC z)
{
    z = MOST(NAME(all)(-87.0f), LEAST(NAME(all)(87.0f), z));
    VEC shifted = z * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: the nearest whole number is in the low bits */
    VEC n = shifted - 12582912.0f;
    VEC r = (z - n * 0.693359375f) - n * -2.12194440e-4f;
    /* (exp(r) - 1 - r) / r^2, fitted for the least relative error of exp(r) - 1 on |r| <= ln(2) / 2 (1.3e-8). */
    VEC q = r * 1.388251019e-3f + 8.366580439e-3f;
    q = q * r + 4.166720178e-2f;
    q = q * r + 1.666654318e-1f;
    q = q * r + 4.999999814e-1f;
    VEC p = r + (r * r) * q;
    VEC power = (VEC)(((VECI)shifted << 23) + 0x3f800000);
    return power * p + (power - 1.0f);
}

TARGET WEFT_INLINE VEC NAME(sigmoid)(VEC x)
{
    return 1.0f / (NAME(expm1)(-x) + 2.0f);
}

TARGET WEFT_INLINE VEC NAME(tanh)(VEC x)
{
    VEC e = NAME(expm1)(x + x);
    return e / (e + 2.0f);
}

/* From four sums to the gates, the cell and h, of LANES units of one row. */
TARGET WEFT_INLINE void NAME(cell)(const struct step *s, const VEC *sum, size_t unit, size_t row, float *gates)
{
    VEC i = NAME(sigmoid)(sum[0]), f = NAME(sigmoid)(sum[1]), g = NAME(tanh)(sum[2]), o = NAME(sigmoid)(sum[3]);
    size_t at = row * s->units + unit;
    VEC c = f * *(const VEC *)(s->before + at) + i * g, t = NAME(tanh)(c), h = o * t;
    *(VEC *)gates = i;
    *(VEC *)(gates + 16) = f;
    *(VEC *)(gates + 32) = g;
    *(VEC *)(gates + 48) = o;
    *(VEC *)(s->cell + at) = c;
    *(VEC *)(s->squashed + at) = t;
    *(VEC *)(s->h + row * s->ldh + unit) = h;
    if (s->above)
        *(VEC *)(s->above + row * s->ld_above + unit) = h;
}

TARGET WEFT_INLINE void NAME(cells)(const struct step *s, size_t block, size_t row, int rows)
{
    const float *w = s->w + block * s->depth * BLOCK;
    for (size_t part = 0; part < 16 / LANES; part++) {
        VEC acc[ROWS_MAX * VECTORS] = {0}, sums[ROWS_MAX * VECTORS];
        NAME(sum)(acc, rows, VECTORS, s->state + row * s->ld, s->ld, 1, w + LANES * part, BLOCK, s->depth);
#pragma GCC unroll 24
        for (int k = 0; k < rows * VECTORS; k++)
            sums[k] = acc[k]; /* the loop below takes them by number: acc itself stays in registers */
        for (int r = 0; r < rows; r++)
            NAME(cell)
        (s, sums + r * VECTORS, block * 16 + part * LANES, row + (size_t)r,
         s->gates + block * s->stride + (row + (size_t)r) * BLOCK + part * LANES);
    }
}

TARGET static void NAME(forward)(const struct step *s)
{
    for (size_t block = 0; block < s->units / 16; block++) {
        size_t row = 0;
        for (; LANES == 16 && row + 6 <= s->rows; row += 6)
            NAME(cells)(s, block, row, 6);
        for (; LANES == 16 && row + 4 <= s->rows; row += 4)
            NAME(cells)(s, block, row, 4);
        for (; row + 2 <= s->rows; row += 2)
            NAME(cells)(s, block, row, 2);
        for (; row < s->rows; row++)
            NAME(cells)(s, block, row, 1);
    }
}

/* Gates become the gradients of their sums; dc becomes that of the cell one step before. */
TARGET static void NAME(backward)(const struct step *s)
{
    for (size_t unit = 0; unit < s->units; unit += LANES)
        for (size_t row = 0; row < s->rows; row++) {
            float *gates = s->gates + unit / 16 * s->stride + row * BLOCK + unit % 16;
            size_t at = row * s->units + unit;
            VEC i = *(VEC *)gates, f = *(VEC *)(gates + 16), g = *(VEC *)(gates + 32), o = *(VEC *)(gates + 48);
            VEC t = *(VEC *)(s->squashed + at), dh = *(VEC *)(s->dh + at);
            if (s->outer)
                dh += *(const VEC *)(s->outer + at);
            VEC dc = *(VEC *)(s->dc + at) + dh * o * (1.0f - t * t);
            *(VEC *)gates = dc * g * (i * (1.0f - i));
            *(VEC *)(gates + 16) = dc * *(const VEC *)(s->before + at) * (f * (1.0f - f));
            *(VEC *)(gates + 32) = dc * i * (1.0f - g * g);
            *(VEC *)(gates + 48) = dh * t * (o * (1.0f - o));
            *(VEC *)(s->dc + at) = dc * f;
        }
}
#undef LEAST
#undef MOST
#undef VEC
#undef VECI
