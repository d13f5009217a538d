/* reference.h - numbers that C and tests/reference/weft_reference.py compute alike, and how results are compared. */
#ifndef WEFT_TESTS_REFERENCE_H
#define WEFT_TESTS_REFERENCE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* Number `i` of tensor `tensor`, in [-1, 1). */
static inline float reference_number(uint64_t tensor, uint64_t i)
{
    uint64_t x = i + ((tensor * 1000003 % ((uint64_t)1 << 32)) << 20) + 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return (float)((double)(x >> 40) / (1 << 23) - 1.0);
}

/* Largest difference, as a part of the largest value expected. */
static inline double reference_error(const float *got, const float *want, size_t n)
{
    double worst = 0, top = 1e-30;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - want[i]);
        worst = d > worst || isnan(d) ? d : worst;
        top = fabs(want[i]) > top ? fabs(want[i]) : top;
    }
    return worst / top;
}

#endif
