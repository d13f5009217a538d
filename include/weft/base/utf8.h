/* utf8.h - is a text valid UTF-8? */
#ifndef WEFT_UTF8_H
#define WEFT_UTF8_H
#include <stdbool.h>
#include <stddef.h>

/* Bytes of the valid UTF-8 sequence at p (n > 0 bytes there); 0 when it is none. */
size_t weft_utf8_length(const void *p, size_t n);
/* Are all n bytes valid UTF-8, with no NUL among them? */
bool weft_utf8_valid(const void *p, size_t n);
#endif
