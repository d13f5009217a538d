/* ngram.c - the hashing trick over the characters of words. */
#include "text/ngram.h"

#include <math.h>
#include <string.h>

/* Marks the ends of a word; no text has it. */
enum { EDGE = -1 };

/* SplitMix64's last step (Steele et al. 2014). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Character i of a word of n, or its edge. */
static int32_t at(const int32_t *word, size_t n, size_t i)
{
    return i == 0 || i > n ? EDGE : word[i - 1];
}

static void add_word(const int32_t *word, size_t n, size_t width, float *out)
{
    for (size_t from = 0; from <= n; from++) {
        uint64_t hash = 0x9e3779b97f4a7c15u;
        for (size_t k = 1; k <= WEFT_NGRAM_MAX && from + k <= n + 2; k++) {
            hash = mix(hash + (uint32_t)at(word, n, from + k - 1));
            if (k >= WEFT_NGRAM_MIN)
                out[(hash >> 1) % width] += hash & 1 ? 1.0f : -1.0f;
        }
    }
}

static bool stands_between(int32_t c)
{
    return weft_code_is_space(c) || weft_code_is_punctuation(c) || weft_code_is_control(c);
}

static void normalise(float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    for (size_t i = 0; i < n && sum > 0; i++)
        x[i] = (float)(x[i] / sqrt(sum));
}

bool weft_ngrams(const char *text, size_t n, bool nfc, size_t width, struct weft_codes *c, float *out)
{
    bool any = false;
    memset(out, 0, width * sizeof *out);
    c->n = 0;
    weft_codes_decode(c, text, n);
    if (nfc)
        weft_codes_nfc(c);
    for (size_t i = 0; i < c->n; i++)
        c->p[i] = weft_code_lower(c->p[i]);
    for (size_t i = 0, end; i < c->n; i = end + 1) {
        for (end = i; end < c->n && !stands_between(c->p[end]); end++)
            ;
        if (end > i)
            add_word(c->p + i, end - i, width, out);
        any = any || end > i;
    }
    normalise(out, width);
    return any;
}
