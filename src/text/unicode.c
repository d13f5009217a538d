/* unicode.c - code points and their properties. The only file that knows utf8proc. */
#include "text/unicode.h"

#include <stdlib.h>

#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"

static void reserve(struct weft_codes *c, size_t n)
{
    if (n <= c->room)
        return;
    c->room = weft_grow(c->room, n);
    c->p = weft_xrealloc2(c->p, c->room, sizeof *c->p);
}

void weft_codes_push(struct weft_codes *c, int32_t code)
{
    reserve(c, c->n + 1);
    c->p[c->n++] = code;
}

void weft_codes_free(struct weft_codes *c)
{
    free(c->p);
    *c = (struct weft_codes){0};
}

/* The code point of a valid sequence of `len` bytes. */
static int32_t decode(const uint8_t *p, size_t len)
{
    int32_t code = len == 1 ? p[0] : p[0] & (0x7f >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (p[i] & 0x3f);
    return code;
}

void weft_codes_decode(struct weft_codes *c, const void *text, size_t n)
{
    const uint8_t *p = text;
    for (size_t i = 0, len; i < n; i += len ? len : 1) {
        len = weft_utf8_length(p + i, n - i);
        if (len)
            weft_codes_push(c, decode(p + i, len));
    }
}

size_t weft_utf8_encode(int32_t code, char *out)
{
    return (size_t)utf8proc_encode_char(code, (utf8proc_uint8_t *)out);
}

/* Marks behind a base character, in ascending order of their combining class; a sort that keeps equals in place. */
static void order_marks(struct weft_codes *c)
{
    for (size_t i = 1; i < c->n; i++) {
        int32_t mark = c->p[i];
        int rank = utf8proc_get_property(mark)->combining_class;
        size_t k = i;
        for (; rank > 0 && k > 0 && utf8proc_get_property(c->p[k - 1])->combining_class > rank; k--)
            c->p[k] = c->p[k - 1];
        c->p[k] = mark;
    }
}

void weft_codes_nfd(struct weft_codes *c)
{
    enum { LONGEST = 32 }; /* of one character's decomposition; Unicode's longest is 4 */
    struct weft_codes out = {0};
    for (size_t i = 0; i < c->n; i++) {
        int boundary = 0;
        reserve(&out, out.n + LONGEST);
        utf8proc_ssize_t n = utf8proc_decompose_char(c->p[i], out.p + out.n, LONGEST, UTF8PROC_DECOMPOSE, &boundary);
        out.n += n > 0 && n <= LONGEST ? (size_t)n : 0;
    }
    order_marks(&out);
    weft_codes_free(c);
    *c = out;
}

void weft_codes_nfc(struct weft_codes *c)
{
    weft_codes_nfd(c);
    utf8proc_ssize_t n = utf8proc_normalize_utf32(c->p, (utf8proc_ssize_t)c->n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    c->n = n > 0 ? (size_t)n : 0;
}

bool weft_code_is_control(int32_t code)
{
    utf8proc_category_t k = utf8proc_category(code);
    return k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CF || k == UTF8PROC_CATEGORY_CO;
}

bool weft_code_is_punctuation(int32_t code)
{
    utf8proc_category_t k = utf8proc_category(code);
    return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}

bool weft_code_is_nonspacing(int32_t code)
{
    return utf8proc_category(code) == UTF8PROC_CATEGORY_MN;
}

bool weft_code_is_upper(int32_t code)
{
    return utf8proc_category(code) == UTF8PROC_CATEGORY_LU;
}

bool weft_code_is_space(int32_t code)
{
    utf8proc_category_t k = utf8proc_category(code);
    return (code >= 9 && code <= 13) || code == 0x85 || k == UTF8PROC_CATEGORY_ZS || k == UTF8PROC_CATEGORY_ZL ||
           k == UTF8PROC_CATEGORY_ZP;
}

int32_t weft_code_lower(int32_t code)
{
    return utf8proc_tolower(code);
}

const char *weft_unicode_library(void)
{
    return utf8proc_version();
}
