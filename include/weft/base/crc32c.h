/* crc32c.h - CRC-32C (Castagnoli, as in RFC 3720), reflected, initial and final value inverted: crc of "123456789" is
 * 0xe3069283. Uses the CPU's instruction where it has one. */
#ifndef WEFT_CRC32C_H
#define WEFT_CRC32C_H
#include <stddef.h>
#include <stdint.h>
/* Continues `crc` (0 at the start) over n bytes. */
uint32_t weft_crc32c(uint32_t crc, const void *p, size_t n);
#endif
