/* mem.c - memory that is there. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"

_Noreturn void weft_out_of_memory(void)
{
    weft_file_cleanup();
    weft_say(weft_program(), "out of memory"); /* needs none */
    _exit(WEFT_TEMPFAIL);
}

static void *checked(void *p)
{
    if (!p)
        weft_out_of_memory();
    return p;
}

void *weft_xmalloc(size_t n)
{
    return checked(malloc(n ? n : 1));
}

void *weft_xcalloc(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *weft_xrealloc(void *p, size_t n)
{
    return checked(realloc(p, n ? n : 1));
}

void *weft_xrealloc2(void *p, size_t count, size_t size)
{
    size_t n;
    if (!weft_mul(count, size, &n))
        weft_out_of_memory();
    return weft_xrealloc(p, n);
}

char *weft_xstrndup(const char *s, size_t n)
{
    char *copy = weft_xmalloc(n + 1);
    if (n)
        memcpy(copy, s, n);
    copy[n] = 0;
    return copy;
}

char *weft_xstrdup(const char *s)
{
    return weft_xstrndup(s, strlen(s));
}

char *weft_xasprintf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        weft_out_of_memory();
    char *s = weft_xmalloc((size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

void *weft_xaligned(size_t count, size_t size)
{
    size_t n;
    if (!weft_mul(count, size, &n) || n > SIZE_MAX - 64)
        weft_out_of_memory();
    return checked(aligned_alloc(64, n ? (n + 63) / 64 * 64 : 64));
}

bool weft_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool weft_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

size_t weft_grow(size_t have, size_t need)
{
    size_t more = have + have / 2;
    if (more < have || more < need)
        more = need;
    return more < 16 ? 16 : more;
}
