/* ids.c - numbers for texts. */
#include "base/ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Up to 16 bytes at p as two words: overlapping reads instead of a loop. */
static void words(const uint8_t *p, size_t n, uint64_t *a, uint64_t *b)
{
    uint32_t lo = 0, hi = 0;
    if (n >= 8) {
        memcpy(a, p, 8);
        memcpy(b, p + n - 8, 8);
        return;
    }
    if (n >= 4) {
        memcpy(&lo, p, 4);
        memcpy(&hi, p + n - 4, 4);
    } else if (n) {
        lo = (uint32_t)(p[0] | p[n / 2] << 8 | p[n - 1] << 16);
    }
    *a = lo;
    *b = hi;
}

/* A multiplication of 64 by 64 bits, both halves of it folded together: every input bit reaches every output bit (W.
 * Yi, wyhash). */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide m = (wide)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static void hash(const void *text, size_t n, uint64_t *ha, uint64_t *hb)
{
    const uint8_t *p = text;
    uint64_t a, b, x = 0x9e3779b97f4a7c15u ^ n, y = 0xd1b54a32d192ed03u + n;
    for (; n > 16; n -= 16, p += 16) {
        words(p, 16, &a, &b);
        x = fold(a ^ x, b ^ 0x8cb92ba72f3d8dd7u);
        y = fold(b ^ y, a ^ 0xe7037ed1a0b428dbu);
    }
    words(p, n, &a, &b);
    *ha = fold(fold(a ^ x, b ^ 0xa0761d6478bd642fu), 0x589965cc75374cc3u);
    *hb = fold(fold(b ^ y, a ^ 0x1d8e4e27c47d124fu), 0xeb44accab455d165u);
}

static void grow(struct weft_ids *s)
{
    struct weft_id_slot *old = s->slot;
    size_t old_cap = s->cap;
    s->cap = s->cap ? 2 * s->cap : 1024;
    s->slot = WEFT_ARRAY(struct weft_id_slot, s->cap);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].value) {
            size_t at = old[i].a & (s->cap - 1);
            while (s->slot[at].value)
                at = (at + 1) & (s->cap - 1);
            s->slot[at] = old[i];
        }
    free(old);
}

uint64_t weft_ids_add(struct weft_ids *s, const void *p, size_t n, uint64_t value)
{
    if (2 * (s->n + 1) > s->cap)
        grow(s);
    uint64_t a, b;
    hash(p, n, &a, &b);
    size_t at = a & (s->cap - 1);
    for (; s->slot[at].value; at = (at + 1) & (s->cap - 1))
        if (s->slot[at].a == a && s->slot[at].b == b)
            return s->slot[at].value;
    if (value) {
        s->slot[at] = (struct weft_id_slot){a, b, value};
        s->n++;
    }
    return 0;
}

void weft_ids_free(struct weft_ids *s)
{
    free(s->slot);
    *s = (struct weft_ids){0};
}
