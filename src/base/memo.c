/* memo.c - sets of slots, one set for each hash; the oldest slot of its set gives way. */
#include "base/memo.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { WAYS = 8 };

struct slot {
    uint64_t hash, used; /* used 0: empty */
    size_t n;
};

struct weft_memo {
    size_t sets, key_max, value_n;
    uint64_t clock;
    struct slot *slots;
    uint8_t *keys, *values; /* of slot i at i * key_max, i * value_n */
};

struct weft_memo *weft_memo_new(size_t bytes, size_t key_max, size_t value_n)
{
    struct weft_memo *m = WEFT_NEW(struct weft_memo);
    m->sets = bytes / (WAYS * (key_max + value_n + sizeof(struct slot)));
    m->sets = m->sets > 0 ? m->sets : 1;
    m->key_max = key_max;
    m->value_n = value_n;
    m->slots = WEFT_ARRAY(struct slot, m->sets * WAYS);
    m->keys = WEFT_ARRAY(uint8_t, m->sets * WAYS * key_max);
    m->values = WEFT_ARRAY(uint8_t, m->sets * WAYS * value_n);
    return m;
}

void weft_memo_free(struct weft_memo **mp)
{
    struct weft_memo *m = *mp;
    if (m == NULL)
        return;
    free(m->slots);
    free(m->keys);
    free(m->values);
    free(m);
    *mp = NULL;
}

/* FNV-1a, its high bits folded in. */
static uint64_t hash_of(const uint8_t *p, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

const void *weft_memo_get(struct weft_memo *m, const void *key, size_t n)
{
    uint64_t hash = hash_of(key, n);
    size_t from = hash % m->sets * WAYS;
    for (size_t i = from; i < from + WAYS; i++) {
        struct slot *s = &m->slots[i];
        if (s->used == 0 || s->hash != hash || s->n != n || memcmp(m->keys + i * m->key_max, key, n) != 0)
            continue;
        s->used = ++m->clock;
        return m->values + i * m->value_n;
    }
    return NULL;
}

void weft_memo_put(struct weft_memo *m, const void *key, size_t n, const void *value)
{
    uint64_t hash = hash_of(key, n);
    size_t from = hash % m->sets * WAYS, at = from;
    for (size_t i = from; i < from + WAYS; i++)
        if (m->slots[i].used < m->slots[at].used)
            at = i;
    m->slots[at] = (struct slot){hash, ++m->clock, n};
    memcpy(m->keys + at * m->key_max, key, n);
    memcpy(m->values + at * m->value_n, value, m->value_n);
}
