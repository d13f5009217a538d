/* wordpiece.h - BERT's tokenizer: text to the ids of word pieces, as Hugging Face's BertTokenizerFast gives them.
 *
 * In this order: special tokens that stand in the text ("[MASK]") are taken as they are; control characters (Cc, Cf,
 * Co), U+FFFD and invalid UTF-8 go, white space becomes a space; spaces go around CJK ideographs; when lower-casing,
 * accents are stripped (NFD without Mn) and letters made small; words end at white space, and every punctuation
 * character is a word of its own; a word is cut greedily into the longest pieces of the vocabulary, "##" in front of
 * those that do not begin it. A word of more than 100 characters, or one that can't be cut, is [UNK].
 *
 * Devlin et al. 2018 (arXiv:1810.04805); Wu et al. 2016 (arXiv:1609.08144). Unicode's tables are those of libutf8proc.
 */
#ifndef WEFT_WORDPIECE_H
#define WEFT_WORDPIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { WEFT_WORDPIECE_CHARS = 100, WEFT_WORDPIECE_SPECIALS = 5 };

/* A vocabulary and the room to work in: one thread at a time. */
struct weft_wordpiece;

/* Opens DIR/vocab.txt (one token a line, its id the line's number from 0) and, when it is there,
 * DIR/tokenizer_config.json (do_lower_case, strip_accents, tokenize_chinese_chars). Without that file or entry, a
 * vocabulary that has upper-case letters is not lower-cased. 65 when [UNK], [CLS] or [SEP] is missing, and when a file
 * is larger than 64 MB. */
int weft_wordpiece_open(const char *dir, bool nfc, struct weft_wordpiece **out, struct weft_err *e) WEFT_MUST_USE;

/* The same over a vocabulary in memory, which must outlive it. */
struct weft_wordpiece_rules {
    bool lower_case, strip_accents, chinese_chars;
    bool nfc; /* composes letters and Hangul first (what macOS calls a name comes decomposed); never in Hugging Face's,
                 so off unless asked for */
};
int weft_wordpiece_new(const char *vocab, size_t n, const struct weft_wordpiece_rules *rules,
                       struct weft_wordpiece **out, struct weft_err *e) WEFT_MUST_USE;
void weft_wordpiece_free(struct weft_wordpiece **w);

/* Without a tokenizer_config.json a vocabulary without capitals is one of lower-cased words without accents, unless it
 * has Hangul syllables: then nothing is taken apart, and this says so. */
bool weft_wordpiece_kept_syllables(const struct weft_wordpiece *w);
/* Lines of the vocabulary: every id is smaller. */
size_t weft_wordpiece_size(const struct weft_wordpiece *w);
struct weft_wordpiece_rules weft_wordpiece_rules(const struct weft_wordpiece *w);
/* sha256 of vocabulary and rules, hex. */
void weft_wordpiece_sha256(const struct weft_wordpiece *w, char out[65]);

/* ids[0..count): [CLS], at most `most` - 2 pieces, [SEP]. Returns count. `most` is at least 2; ids has room for it. */
size_t weft_wordpiece_encode(struct weft_wordpiece *w, const char *text, size_t n, size_t most, int32_t *ids);

#endif
