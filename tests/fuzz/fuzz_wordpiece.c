/* fuzz_wordpiece.c - any bytes as a vocabulary (up to the first NUL) and a name: refused, or ids of the vocabulary
 * within the limit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/ngram.h"
#include "text/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void encode(const char *vocab, size_t vocab_n, const char *text, size_t n, unsigned bits)
{
    enum { MOST = 64 };
    const struct weft_wordpiece_rules rules = {bits & 1, bits & 2, bits & 4, bits & 8};
    struct weft_wordpiece *w;
    struct weft_err e = {0};
    int32_t ids[MOST];
    size_t most = 2 + bits % (MOST - 1);
    if (weft_wordpiece_new(vocab, vocab_n, &rules, &w, &e) < 0) {
        if (e.code == 0)
            abort();
        return;
    }
    size_t count = weft_wordpiece_encode(w, text, n, most, ids);
    if (count < 2 || count > most)
        abort();
    for (size_t i = 0; i < count; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= weft_wordpiece_size(w))
            abort();
    weft_wordpiece_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static const char small[] = "[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n##c\nab\n\xed\x95\x9c\n##\xea\xb8\x80\n";
    if (n < 1)
        return 0;
    const char *text = (const char *)p + 1;
    size_t length = n - 1, vocab_n = strnlen(text, length), rest = length > vocab_n ? length - vocab_n - 1 : 0;
    struct weft_codes room = {0};
    float features[7];
    encode(text, vocab_n, text + length - rest, rest, p[0]);
    encode(small, sizeof small - 1, text, length, p[0]);
    (void)!weft_ngrams(text, length, p[0] & 8, sizeof features / sizeof *features, &room, features);
    weft_codes_free(&room);
    return 0;
}
