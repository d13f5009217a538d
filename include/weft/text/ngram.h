/* ngram.h - a text as a vector without any model: hashed character n-grams. */
#ifndef WEFT_NGRAM_H
#define WEFT_NGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "text/unicode.h"

enum { WEFT_NGRAM_MIN = 2, WEFT_NGRAM_MAX = 4 };

/* out[width]: the counts of the 2-, 3- and 4-grams of each word, with a mark at its beginning and end, in lower case;
 * each n-gram is added to or taken from the element that its hash says (Weinberger et al. 2009, arXiv:0902.2206), and
 * the vector scaled to length 1. Words are what stands between white space and punctuation. With `nfc`, decomposed
 * letters and Hangul are composed first. False, and all 0, when there is no word. */
bool weft_ngrams(const char *text, size_t n, bool nfc, size_t width, struct weft_codes *room, float *out);

#endif
