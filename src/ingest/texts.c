/* texts.c - texts that look the same become the same. */
#include "ingest/texts.h"

#include <stdbool.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "text/unicode.h"

/* Bytes of a blank at the front of p, at its end; 0: none. */
static size_t blank_at(const unsigned char *p, size_t n)
{
    if (n && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        return 1;
    if (n >= 2 && p[0] == 0xc2 && p[1] == 0xa0)
        return 2;
    return n >= 3 && p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80 ? 3 : 0; /* the blank of East Asian texts */
}

static size_t blank_before(const unsigned char *end, size_t n)
{
    for (size_t k = 1; k <= 3 && k <= n; k++)
        if (blank_at(end - k, k) == k)
            return k;
    return 0;
}

/* Can composing change it? Only texts with combining marks, single letters of Hangul or compatibility ideographs. */
static bool may_compose(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] < 0x80)
            continue;
        unsigned next = i + 1 < n ? p[i + 1] : 0;
        if (p[i] == 0xcc || p[i] == 0xcd || (p[i] == 0xe1 && next >= 0x84 && next <= 0x87) ||
            (p[i] == 0xe3 && next == 0x82) || (p[i] == 0xef && next >= 0xa4 && next <= 0xab))
            return true;
    }
    return false;
}

struct weft_csv_text weft_text_clean(struct weft_csv_text t, struct weft_pack *room)
{
    const unsigned char *p = (const unsigned char *)t.p;
    size_t n = t.n, k;
    while ((k = blank_at(p, n)) > 0) {
        p += k;
        n -= k;
    }
    while ((k = blank_before(p + n, n)) > 0)
        n -= k;
    if (n >= 3 && p[0] == '=' && p[1] == '"' && p[n - 1] == '"') { /* ="00123": so that Excel keeps the zeros */
        p += 2;
        n -= 3;
    }
    t = (struct weft_csv_text){(const char *)p, n};
    if (!may_compose(p, n) || !weft_utf8_valid(t.p, n))
        return t;
    struct weft_codes codes = {0};
    char bytes[4];
    weft_codes_decode(&codes, p, n);
    weft_codes_nfc(&codes);
    weft_pack_clear(room);
    for (size_t i = 0; i < codes.n; i++)
        weft_pack_raw(room, (struct weft_span){(const uint8_t *)bytes, weft_utf8_encode(codes.p[i], bytes)});
    weft_codes_free(&codes);
    return (struct weft_csv_text){(const char *)room->p, room->n};
}

char *weft_text_clean_dup(const char *p, size_t n)
{
    struct weft_pack room = {0};
    struct weft_csv_text t = weft_text_clean((struct weft_csv_text){p, n}, &room);
    char *text = weft_xstrndup(t.p, t.n);
    weft_pack_free(&room);
    return text;
}
