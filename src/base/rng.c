/* rng.c - Philox 4x32-10. */
#include "base/rng.h"

#include <math.h>

static uint32_t philox(uint64_t seed, uint64_t stream, uint64_t block, uint32_t out[4])
{
    uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
    return c0;
}

struct weft_rng weft_rng(uint64_t seed, uint64_t stream)
{
    return (struct weft_rng){seed, stream, 0};
}

uint32_t weft_rng_u32(struct weft_rng *r)
{
    uint32_t out[4];
    philox(r->seed, r->stream, r->index >> 2, out);
    return out[r->index++ & 3];
}

uint64_t weft_rng_u64(struct weft_rng *r)
{
    uint64_t low = weft_rng_u32(r);
    return (uint64_t)weft_rng_u32(r) << 32 | low;
}

uint64_t weft_rng_below(struct weft_rng *r, uint64_t n)
{
    /* Lemire's multiplication with rejection. */
    uint64_t threshold = (0 - n) % n;
    for (;;) {
        unsigned __int128 m = (unsigned __int128)weft_rng_u64(r) * n;
        if ((uint64_t)m >= threshold)
            return (uint64_t)(m >> 64);
    }
}

double weft_rng_unit(struct weft_rng *r)
{
    return (double)(weft_rng_u64(r) >> 11) * 0x1p-53;
}

float weft_rng_unitf(struct weft_rng *r)
{
    return (float)(weft_rng_u32(r) >> 8) * 0x1p-24f;
}

double weft_rng_normal(struct weft_rng *r)
{
    double u = 1 - weft_rng_unit(r), v = weft_rng_unit(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

void weft_rng_shuffle(struct weft_rng *r, uint32_t *a, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = weft_rng_below(r, i);
        uint32_t x = a[i - 1];
        a[i - 1] = a[k];
        a[k] = x;
    }
}

uint64_t weft_hash(const void *p, size_t n, uint64_t seed)
{
    const unsigned char *b = p;
    uint64_t h = 0xcbf29ce484222325u ^ seed;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3u;
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}
