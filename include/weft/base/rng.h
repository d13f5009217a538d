/* rng.h - counter-based random numbers: value = f(seed, stream, index), so that the order of calls, threads and batches
 * plays no part. Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). */
#ifndef WEFT_RNG_H
#define WEFT_RNG_H
#include <stddef.h>
#include <stdint.h>

/* A sequence of its own: (seed, stream) name it, `index` is the position. */
struct weft_rng {
    uint64_t seed, stream, index;
};
struct weft_rng weft_rng(uint64_t seed, uint64_t stream);
uint32_t weft_rng_u32(struct weft_rng *r);
uint64_t weft_rng_u64(struct weft_rng *r);
/* Uniform in [0, n), without bias. n > 0. */
uint64_t weft_rng_below(struct weft_rng *r, uint64_t n);
/* Uniform in [0, 1) with 53 bits; float version with 24 bits. */
double weft_rng_unit(struct weft_rng *r);
float weft_rng_unitf(struct weft_rng *r);
/* Standard normal (Box-Muller, one value per call). */
double weft_rng_normal(struct weft_rng *r);
/* Fisher-Yates over indices 0..n-1 already in `a`. */
void weft_rng_shuffle(struct weft_rng *r, uint32_t *a, size_t n);
/* Stateless 64-bit mix of a string (FNV-1a then SplitMix finaliser): for hashed sampling. */
uint64_t weft_hash(const void *p, size_t n, uint64_t seed);
#endif
