/* names.c - numbers for texts. */
#include "base/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

/* Where the text is, or the free slot where it belongs. */
static size_t slot_of(const struct weft_names *t, const void *p, size_t n)
{
    size_t at = weft_hash(p, n, 0) & (t->n_slots - 1);
    while (t->slots[at]) {
        const struct weft_name *x = &t->at[t->slots[at] - 1];
        if (x->n == n && memcmp(x->p, p, n) == 0)
            break;
        at = (at + 1) & (t->n_slots - 1);
    }
    return at;
}

static void grow(struct weft_names *t)
{
    free(t->slots);
    t->n_slots = t->n_slots ? 2 * t->n_slots : 64;
    t->slots = WEFT_ARRAY(uint32_t, t->n_slots);
    for (size_t i = 0; i < t->n; i++)
        t->slots[slot_of(t, t->at[i].p, t->at[i].n)] = (uint32_t)i + 1;
}

size_t weft_names_add(struct weft_names *t, const void *p, size_t n)
{
    if (2 * (t->n + 1) > t->n_slots)
        grow(t);
    size_t at = slot_of(t, p, n);
    if (t->slots[at])
        return t->slots[at] - 1;
    if (t->n == t->cap) {
        t->cap = weft_grow(t->cap, t->n + 1);
        t->at = weft_xrealloc2(t->at, t->cap, sizeof *t->at);
    }
    char *copy = weft_xmalloc(n + 1);
    if (n)
        memcpy(copy, p, n);
    copy[n] = 0;
    t->at[t->n++] = (struct weft_name){copy, n};
    t->slots[at] = (uint32_t)t->n;
    return t->n - 1;
}

size_t weft_names_find(const struct weft_names *t, const void *p, size_t n)
{
    size_t at = t->n_slots ? slot_of(t, p, n) : 0;
    return t->n_slots && t->slots[at] ? t->slots[at] - 1 : SIZE_MAX;
}

void weft_names_free(struct weft_names *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->at[i].p);
    free(t->at);
    free(t->slots);
    *t = (struct weft_names){0};
}
