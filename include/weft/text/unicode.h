/* unicode.h - what text filters ask about code points (utf8proc behind it; the only door to it). */
#ifndef WEFT_UNICODE_H
#define WEFT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Code points, with room that is reused from text to text. */
struct weft_codes {
    int32_t *p;
    size_t n, room;
};
void weft_codes_push(struct weft_codes *c, int32_t code);
void weft_codes_free(struct weft_codes *c);

/* Appends the code points of UTF-8 bytes; bytes that are no valid UTF-8 (utf8.h) are left out. */
void weft_codes_decode(struct weft_codes *c, const void *text, size_t n);
/* UTF-8 of a code point into out[4]; returns its length. */
size_t weft_utf8_encode(int32_t code, char *out);

/* Canonical decomposition (NFD) or composition (NFC), in place. */
void weft_codes_nfd(struct weft_codes *c);
void weft_codes_nfc(struct weft_codes *c);

/* General categories. */
bool weft_code_is_control(int32_t code);     /* Cc, Cf, Co: control, format, private use */
bool weft_code_is_punctuation(int32_t code); /* P* */
bool weft_code_is_nonspacing(int32_t code);  /* Mn: accents and other marks that take no room */
bool weft_code_is_upper(int32_t code);       /* Lu */
/* The property White_Space. */
bool weft_code_is_space(int32_t code);
/* The lower-case letter of a code point, or itself. */
int32_t weft_code_lower(int32_t code);

/* Version of the library that does it. */
const char *weft_unicode_library(void);

#endif
