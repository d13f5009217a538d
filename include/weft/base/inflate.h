/* inflate.h - unpacks what zlib and gzip have packed, and their checksum. inflate.c is the only file that knows zlib.
 */
#ifndef WEFT_INFLATE_H
#define WEFT_INFLATE_H

#include <stddef.h>
#include <stdint.h>

enum weft_inflate_kind {
    WEFT_INFLATE_ZLIB, /* RFC 1950: PNG */
    WEFT_INFLATE_GZIP, /* RFC 1952; one member */
};

struct weft_inflate;
struct weft_inflate *weft_inflate_new(enum weft_inflate_kind kind);
void weft_inflate_free(struct weft_inflate **z);
/* Unpacks from n_in bytes into at most cap; *used and *made say how many of each. 1 at the end, where the checksum of
 * all that was unpacked is right; 0 when it takes more bytes, or more room; -1 for damage, with what was made before
 * it. After the end it begins anew with the bytes that follow. */
int weft_inflate(struct weft_inflate *z, const void *in, size_t n_in, size_t *used, void *out, size_t cap,
                 size_t *made);
/* What the damage is, in zlib's words. */
const char *weft_inflate_reason(const struct weft_inflate *z);

/* CRC-32 of PNG and gzip (ISO 3309), continued from `crc` (0 at the start): of "123456789" it is 0xcbf43926. */
uint32_t weft_crc32(uint32_t crc, const void *p, size_t n);

/* Version of the library. */
const char *weft_inflate_library(void);

#endif
