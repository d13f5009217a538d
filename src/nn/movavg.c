/* movavg.c - moving averages by running sums in float64: what rounding they gather is far below a float's. */
#include "nn/movavg.h"

#include "base/cpu.h"

/* acc += factor * row. */
WEFT_INLINE void add_row(double *restrict acc, const float *restrict row, double factor, size_t lanes)
{
    for (size_t i = 0; i < lanes; i++)
        acc[i] += factor * (double)row[i];
}

WEFT_INLINE void clear(double *acc, size_t lanes)
{
    for (size_t i = 0; i < lanes; i++)
        acc[i] = 0;
}

/* out = acc / kernel; acc += enters - leaves. */
WEFT_INLINE void emit(float *restrict out, double *restrict acc, double share, const float *restrict enters,
                      const float *restrict leaves, size_t lanes)
{
    for (size_t i = 0; i < lanes; i++) {
        out[i] = (float)(acc[i] * share);
        acc[i] += (double)enters[i] - (double)leaves[i];
    }
}

WEFT_INLINE void average(size_t steps, size_t lanes, size_t kernel, const float *in, float *out, double *acc)
{
    size_t half = kernel / 2, last = steps - 1;
    double share = 1.0 / (double)kernel;
    clear(acc, lanes);
    add_row(acc, in, (double)(half + 1), lanes);
    for (size_t j = 1; j <= half && j <= last; j++)
        add_row(acc, in + j * lanes, 1, lanes);
    if (half > last)
        add_row(acc, in + last * lanes, (double)(half - last), lanes);
    for (size_t t = 0; t < steps; t++) {
        size_t enters = t + half + 1 < last ? t + half + 1 : last, leaves = t > half ? t - half : 0;
        emit(out + t * lanes, acc, share, in + enters * lanes, in + leaves * lanes, lanes);
    }
}

/* What the repeated edges bring: out row `at` += share * sum over d < half of (half - d) * in row (at + d * direction).
 */
WEFT_INLINE void edge(size_t steps, size_t lanes, size_t half, double share, const float *in, float *out, double *acc,
                      size_t at)
{
    clear(acc, lanes);
    for (size_t d = 0; d < half && d < steps; d++)
        add_row(acc, in + (at ? at - d : d) * lanes, (double)(half - d), lanes);
    for (size_t i = 0; i < lanes; i++)
        out[at * lanes + i] += (float)(acc[i] * share);
}

WEFT_INLINE void adjoint(size_t steps, size_t lanes, size_t kernel, const float *in, float *out, double *acc)
{
    size_t half = kernel / 2;
    double share = 1.0 / (double)kernel;
    clear(acc, lanes);
    for (size_t j = 0; j <= half && j < steps; j++)
        add_row(acc, in + j * lanes, 1, lanes);
    for (size_t t = 0; t < steps; t++) {
        for (size_t i = 0; i < lanes; i++)
            out[t * lanes + i] = (float)(acc[i] * share);
        if (t + half + 1 < steps)
            add_row(acc, in + (t + half + 1) * lanes, 1, lanes);
        if (t >= half)
            add_row(acc, in + (t - half) * lanes, -1, lanes);
    }
    edge(steps, lanes, half, share, in, out, acc, 0);
    if (steps > 1)
        edge(steps, lanes, half, share, in, out, acc, steps - 1);
    else
        edge(1, lanes, half, share, in, out, acc, 0);
}

static void average_plain(size_t steps, size_t lanes, size_t kernel, const float *in, float *out, double *acc)
{
    average(steps, lanes, kernel, in, out, acc);
}

WEFT_AVX2 static void average_avx2(size_t steps, size_t lanes, size_t kernel, const float *in, float *out, double *acc)
{
    average(steps, lanes, kernel, in, out, acc);
}

static void adjoint_plain(size_t steps, size_t lanes, size_t kernel, const float *in, float *out, double *acc)
{
    adjoint(steps, lanes, kernel, in, out, acc);
}

WEFT_AVX2 static void adjoint_avx2(size_t steps, size_t lanes, size_t kernel, const float *in, float *out, double *acc)
{
    adjoint(steps, lanes, kernel, in, out, acc);
}

void weft_movavg(size_t steps, size_t lanes, size_t kernel, const float *in, float *out, double *acc)
{
    if (weft_has_avx2())
        average_avx2(steps, lanes, kernel, in, out, acc);
    else
        average_plain(steps, lanes, kernel, in, out, acc);
}

void weft_movavg_adjoint(size_t steps, size_t lanes, size_t kernel, const float *in, float *out, double *acc)
{
    if (weft_has_avx2())
        adjoint_avx2(steps, lanes, kernel, in, out, acc);
    else
        adjoint_plain(steps, lanes, kernel, in, out, acc);
}
