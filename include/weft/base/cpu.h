/* cpu.h - choosing a kernel's instruction set at run time.
 *
 * A kernel is written once as an always-inline body on WEFT_V4D / WEFT_V8F vectors and instantiated twice: for the
 * baseline CPU and for AVX2. Both do the same operations in the same order and nothing is contracted to fused
 * multiply-add, so the bytes of a result do not depend on the CPU. */
#ifndef WEFT_CPU_H
#define WEFT_CPU_H

#include <stdbool.h>

/* Four doubles, eight floats; loads and stores through pointers to them need no alignment. */
typedef double weft_v4d __attribute__((vector_size(32), aligned(8), may_alias));
typedef float weft_v8f __attribute__((vector_size(32), aligned(4), may_alias));

#define WEFT_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define WEFT_AVX512 __attribute__((target("avx2,avx512f,avx512dq,avx512vl")))
static inline bool weft_has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#define WEFT_AVX2 __attribute__((target("avx2")))
static inline bool weft_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
#define WEFT_AVX2
static inline bool weft_has_avx2(void)
{
    return false;
}
#endif

#endif
