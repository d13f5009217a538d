/* ids.h - numbers for texts by 128 bits of hash, one cache line a look: for tables with millions of rows.
 *
 * The texts themselves are not kept or compared: a false match among a million texts has odds of 1 in 10^26. */
#ifndef WEFT_IDS_H
#define WEFT_IDS_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialise. */
struct weft_ids {
    struct weft_id_slot {
        uint64_t a, b, value; /* value 0: free */
    } * slot;
    size_t n, cap;
};
/* The value kept for the text; when it is new, `value` is kept for it (unless it is 0: just a look) and 0 returned. */
uint64_t weft_ids_add(struct weft_ids *s, const void *p, size_t n, uint64_t value);
void weft_ids_free(struct weft_ids *s);

#endif
