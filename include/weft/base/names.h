/* names.h - numbers for texts, in the order in which they were first met. */
#ifndef WEFT_NAMES_H
#define WEFT_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct weft_name {
    char *p; /* a copy, with a NUL behind it */
    size_t n;
};

/* Zero-initialise. */
struct weft_names {
    struct weft_name *at; /* [n] */
    size_t n, cap, n_slots;
    uint32_t *slots;
};
/* The number of a text of n bytes: a new one (the old count) when it was not met before. */
size_t weft_names_add(struct weft_names *names, const void *p, size_t n);
/* The same, SIZE_MAX when it was not met. */
size_t weft_names_find(const struct weft_names *names, const void *p, size_t n);
void weft_names_free(struct weft_names *names);

#endif
