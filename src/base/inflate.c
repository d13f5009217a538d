/* inflate.c - zlib. The only file that knows it. */
#include "base/inflate.h"

#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/mem.h"

struct weft_inflate {
    z_stream z;
    int bits; /* of inflateInit2: the window, and what is wrapped around */
};

static void *get(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return weft_xcalloc(count, size);
}

static void put(void *unused, void *p)
{
    (void)unused;
    free(p);
}

struct weft_inflate *weft_inflate_new(enum weft_inflate_kind kind)
{
    struct weft_inflate *s = WEFT_NEW(struct weft_inflate);
    s->bits = kind == WEFT_INFLATE_GZIP ? 16 + MAX_WBITS : MAX_WBITS;
    s->z.zalloc = get;
    s->z.zfree = put;
    if (inflateInit2(&s->z, s->bits) != Z_OK) /* memory is there, and a version that differs does not link */
        weft_out_of_memory();
    return s;
}

void weft_inflate_free(struct weft_inflate **sp)
{
    if (*sp) {
        inflateEnd(&(*sp)->z);
        free(*sp);
    }
    *sp = NULL;
}

int weft_inflate(struct weft_inflate *s, const void *in, size_t n_in, size_t *used, void *out, size_t cap, size_t *made)
{
    unsigned have = n_in < UINT_MAX ? (unsigned)n_in : UINT_MAX, room = cap < UINT_MAX ? (unsigned)cap : UINT_MAX;
    s->z.next_in = in;
    s->z.avail_in = have;
    s->z.next_out = out;
    s->z.avail_out = room;
    int rc = inflate(&s->z, Z_NO_FLUSH);
    *used = have - s->z.avail_in;
    *made = room - s->z.avail_out;
    if (rc == Z_STREAM_END)
        return inflateReset2(&s->z, s->bits) == Z_OK ? 1 : -1;
    return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : -1;
}

const char *weft_inflate_reason(const struct weft_inflate *s)
{
    return s->z.msg ? s->z.msg : "no message";
}

uint32_t weft_crc32(uint32_t crc, const void *p, size_t n)
{
    return (uint32_t)crc32_z(crc, p, n);
}

const char *weft_inflate_library(void)
{
    return zlibVersion();
}
