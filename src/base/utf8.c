/* utf8.c - valid UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF). */
#include "base/utf8.h"

#include <stdint.h>

size_t weft_utf8_length(const void *text, size_t n)
{
    const uint8_t *p = text;
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

bool weft_utf8_valid(const void *text, size_t n)
{
    const uint8_t *p = text;
    for (size_t i = 0, len; i < n; i += len) {
        len = p[i] ? weft_utf8_length(p + i, n - i) : 0;
        if (!len)
            return false;
    }
    return true;
}
