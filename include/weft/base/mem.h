/* mem.h - memory that is there, and sizes that do not overflow.
 *
 * The x-functions never return NULL: a machine without memory is not an error that a filter can handle,
 * so they remove temporary files (file.h), say "out of memory" and exit with 75. Sizes that come from
 * outside are checked against their limits before they get here. */
#ifndef WEFT_MEM_H
#define WEFT_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* What they do then, for memory that a library did not get. */
_Noreturn void weft_out_of_memory(void);
void *weft_xmalloc(size_t n) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *weft_xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *weft_xrealloc(void *p, size_t n) __attribute__((returns_nonnull, alloc_size(2)));
/* realloc to count*size bytes, checked. */
void *weft_xrealloc2(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *weft_xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *weft_xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
/* A new string, as asprintf; the caller frees it. */
char *weft_xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
/* count*size bytes aligned to 64; freed with free(). Contents undefined. */
void *weft_xaligned(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* *out = a*b or a+b; false when that overflows size_t. */
bool weft_mul(size_t a, size_t b, size_t *out) __attribute__((warn_unused_result));
bool weft_add(size_t a, size_t b, size_t *out) __attribute__((warn_unused_result));

/* Capacity for an array that must hold `need` elements and now holds room for `have`: grows by half. */
size_t weft_grow(size_t have, size_t need);

/* Typed short hands. */
#define WEFT_NEW(type) ((type *)weft_xcalloc(1, sizeof(type)))
#define WEFT_ARRAY(type, count) ((type *)weft_xcalloc((count), sizeof(type)))

#endif
