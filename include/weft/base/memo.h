/* memo.h - results by key, in a bounded amount of memory: what was not asked for longest makes room. */
#ifndef WEFT_MEMO_H
#define WEFT_MEMO_H

#include <stddef.h>

struct weft_memo;

/* Room for about `bytes` of keys of at most key_max bytes and values of value_n bytes. */
struct weft_memo *weft_memo_new(size_t bytes, size_t key_max, size_t value_n);
void weft_memo_free(struct weft_memo **m);
/* The value kept for a key of 1 to key_max bytes, or NULL; it stays where it is until the next put. */
const void *weft_memo_get(struct weft_memo *m, const void *key, size_t n);
/* Keeps a copy of both; the key must not be there yet. */
void weft_memo_put(struct weft_memo *m, const void *key, size_t n, const void *value);

#endif
