/* wordpiece.c - a vocabulary as a hash table, and the greedy longest match over it. */
#include "text/wordpiece.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "text/unicode.h"

enum { FILE_MAX = 64 << 20, TOKEN_BYTES = WEFT_WORDPIECE_CHARS * 4, UNKNOWN = 0, BEGIN = 1, END = 2 };

static const char *const special_names[WEFT_WORDPIECE_SPECIALS] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};

/* A piece of the vocabulary: bytes without "##", and whether it continues a word. id < 0: an empty slot. */
struct piece {
    const char *p;
    uint32_t n;
    bool inside;
    int32_t id;
};

struct weft_wordpiece {
    struct weft_mapping file; /* when opened from a directory */
    const char *vocab;
    size_t vocab_n, lines;
    struct piece *table; /* open addressing */
    size_t mask, used;
    struct weft_wordpiece_rules rules;
    int32_t special[WEFT_WORDPIECE_SPECIALS]; /* -1: not in the vocabulary */
    struct weft_codes codes;                  /* of the text at hand */
    bool kept_syllables;
};

/* ---- the table ---- */

/* Hash of a prefix, extended byte by byte (FNV-1a), so that all prefixes of a word cost one pass. */
static uint64_t hash_begin(bool inside)
{
    return 0xcbf29ce484222325u + inside;
}

static uint64_t hash_add(uint64_t h, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint8_t)p[i]) * 0x100000001b3u;
    return h;
}

/* The slot of a piece: its own, or the empty one where it belongs. */
static struct piece *slot(const struct weft_wordpiece *w, uint64_t hash, const char *p, size_t n, bool inside)
{
    for (size_t i = (hash ^ hash >> 29) & w->mask;; i = (i + 1) & w->mask) {
        struct piece *s = &w->table[i];
        if (s->id < 0 || (s->n == n && s->inside == inside && memcmp(s->p, p, n) == 0))
            return s;
    }
}

static void table_make(struct weft_wordpiece *w, size_t room)
{
    w->mask = room - 1;
    w->table = WEFT_ARRAY(struct piece, room);
    for (size_t i = 0; i < room; i++)
        w->table[i].id = -1;
}

/* Room for one more: at most half of the slots are taken. */
static void table_grow(struct weft_wordpiece *w)
{
    struct piece *old = w->table;
    size_t room = w->mask + 1;
    if (w->used < room / 2)
        return;
    table_make(w, 2 * room);
    for (size_t i = 0; i < room; i++)
        if (old[i].id >= 0)
            *slot(w, hash_add(hash_begin(old[i].inside), old[i].p, old[i].n), old[i].p, old[i].n, old[i].inside) =
                old[i];
    free(old);
}

static int32_t find(const struct weft_wordpiece *w, const char *p, size_t n, bool inside)
{
    return slot(w, hash_add(hash_begin(inside), p, n), p, n, inside)->id;
}

/* A line that no word can be is a number without a token. The last of equal lines counts, as in Hugging Face's. */
static void add_line(struct weft_wordpiece *w, const char *p, size_t n, int32_t id)
{
    bool inside = n > 2 && p[0] == '#' && p[1] == '#';
    if (inside) {
        p += 2;
        n -= 2;
    }
    if (n == 0 || n > TOKEN_BYTES)
        return;
    table_grow(w);
    struct piece *s = slot(w, hash_add(hash_begin(inside), p, n), p, n, inside);
    w->used += s->id < 0;
    *s = (struct piece){p, (uint32_t)n, inside, id};
}

static void read_vocabulary(struct weft_wordpiece *w)
{
    table_make(w, 1024);
    for (size_t at = 0, n; at < w->vocab_n; at += n + 1, w->lines++) {
        const char *p = w->vocab + at, *end = memchr(p, '\n', w->vocab_n - at);
        n = end != NULL ? (size_t)(end - p) : w->vocab_n - at;
        size_t len = n;
        while (len > 0 && (p[len - 1] == '\r' || p[len - 1] == ' ' || p[len - 1] == '\t'))
            len--;
        add_line(w, p, len, (int32_t)w->lines);
    }
}

/* ---- opening ---- */

int weft_wordpiece_new(const char *vocab, size_t n, const struct weft_wordpiece_rules *rules,
                       struct weft_wordpiece **out, struct weft_err *e)
{
    *out = NULL;
    if (n > FILE_MAX)
        return weft_fail(e, WEFT_DATA, "a vocabulary of more than 64 MB");
    struct weft_wordpiece *w = WEFT_NEW(struct weft_wordpiece);
    w->vocab = vocab;
    w->vocab_n = n;
    w->rules = *rules;
    read_vocabulary(w);
    for (int i = 0; i < WEFT_WORDPIECE_SPECIALS; i++) {
        w->special[i] = find(w, special_names[i], strlen(special_names[i]), false);
        if (i > END || w->special[i] >= 0)
            continue;
        weft_wordpiece_free(&w);
        return weft_fail(e, WEFT_DATA, "no %s among the tokens: not the vocabulary of a BERT", special_names[i]);
    }
    *out = w;
    return 0;
}

void weft_wordpiece_free(struct weft_wordpiece **wp)
{
    struct weft_wordpiece *w = *wp;
    if (w == NULL)
        return;
    if (w->file.p != NULL)
        weft_map_close(&w->file);
    weft_codes_free(&w->codes);
    free(w->table);
    free(w);
    *wp = NULL;
}

/* A Hangul syllable: taking accents off takes it apart into letters, which no piece of a vocabulary of syllables has.
 */
static bool is_syllable(int32_t c)
{
    return c >= 0xac00 && c <= 0xd7a3;
}

/* Such a character outside the special tokens? Upper-case letters: the vocabulary of a cased model. */
static bool has(const char *p, size_t n, bool (*is)(int32_t c))
{
    struct weft_codes codes = {0};
    bool found = false;
    for (size_t at = 0, len; at < n && !found; at += len + 1) {
        const char *end = memchr(p + at, '\n', n - at);
        len = end != NULL ? (size_t)(end - p) - at : n - at;
        codes.n = 0;
        if (len > 0 && p[at] != '[')
            weft_codes_decode(&codes, p + at, len);
        for (size_t i = 0; i < codes.n && !found; i++)
            found = is(codes.p[i]);
    }
    weft_codes_free(&codes);
    return found;
}

static void rule(const weft_json *config, const char *key, bool *value)
{
    const weft_json *v = weft_json_get(config, key);
    if (v != NULL && weft_json_kind(v) == WEFT_JSON_BOOL)
        *value = weft_json_bool(v);
}

/* What tokenizer_config.json says; accents go with upper case unless it says otherwise. */
static int read_rules(const char *path, struct weft_wordpiece_rules *rules, struct weft_err *e)
{
    struct weft_mapping m;
    struct weft_err why = {0};
    if (weft_map_open(path, FILE_MAX, &m, &why) < 0) {
        if (why.code == WEFT_NOINPUT)
            return 0;
        *e = why;
        return -1;
    }
    weft_json *config = weft_json_parse((const char *)m.p, m.n, e);
    weft_map_close(&m);
    if (config == NULL)
        return weft_fail_where(e, "%s", path);
    rule(config, "do_lower_case", &rules->lower_case);
    rules->strip_accents = rules->lower_case;
    rule(config, "strip_accents", &rules->strip_accents);
    rule(config, "tokenize_chinese_chars", &rules->chinese_chars);
    weft_json_free(&config);
    return 0;
}

int weft_wordpiece_open(const char *dir, bool nfc, struct weft_wordpiece **out, struct weft_err *e)
{
    *out = NULL;
    struct weft_mapping m = {0};
    char *vocab = weft_xasprintf("%s/vocab.txt", dir), *config = weft_xasprintf("%s/tokenizer_config.json", dir);
    int rc = weft_map_open(vocab, FILE_MAX, &m, e);
    if (rc == 0) {
        struct weft_wordpiece_rules rules = {
            .lower_case = !has((const char *)m.p, m.n, weft_code_is_upper), .chinese_chars = true, .nfc = nfc};
        bool syllables = rules.lower_case && has((const char *)m.p, m.n, is_syllable);
        rules.strip_accents = rules.lower_case && !syllables;
        rc = read_rules(config, &rules, e);
        if (rc == 0 && weft_wordpiece_new((const char *)m.p, m.n, &rules, out, e) < 0)
            rc = weft_fail_where(e, "%s", vocab);
        if (rc == 0)
            (*out)->file = m;
        if (rc == 0)
            (*out)->kept_syllables = syllables && access(config, F_OK) < 0;
        else
            weft_map_close(&m);
    }
    free(vocab);
    free(config);
    return rc;
}

bool weft_wordpiece_kept_syllables(const struct weft_wordpiece *w)
{
    return w->kept_syllables;
}

size_t weft_wordpiece_size(const struct weft_wordpiece *w)
{
    return w->lines;
}

struct weft_wordpiece_rules weft_wordpiece_rules(const struct weft_wordpiece *w)
{
    return w->rules;
}

void weft_wordpiece_sha256(const struct weft_wordpiece *w, char out[65])
{
    char text[72];
    weft_sha256_hex(w->vocab, w->vocab_n, text);
    snprintf(text + 64, sizeof text - 64, "%d%d%d%d", w->rules.lower_case, w->rules.strip_accents,
             w->rules.chinese_chars, w->rules.nfc);
    weft_sha256_hex(text, strlen(text), out);
}

/* ---- normalisation ---- */

/* The blocks that BERT counts as ideographs; Hangul and kana are not among them. 2B920 is Hugging Face's own (BERT's
 * first code has 2B820). */
static bool is_ideograph(int32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
           (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

static bool is_blank(int32_t c)
{
    return c == ' ' || weft_code_is_space(c);
}

/* w->codes becomes the clean text of a stretch between special tokens. */
static void clean(struct weft_wordpiece *w, const char *text, size_t n)
{
    struct weft_codes raw = {0}, *c = &w->codes;
    weft_codes_decode(&raw, text, n);
    if (w->rules.nfc)
        weft_codes_nfc(&raw);
    c->n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        int32_t code = raw.p[i];
        if (code == '\t' || code == '\n' || code == '\r')
            code = ' ';
        if (code == 0 || code == 0xfffd || weft_code_is_control(code))
            continue;
        bool apart = w->rules.chinese_chars && is_ideograph(code);
        if (apart)
            weft_codes_push(c, ' ');
        weft_codes_push(c, is_blank(code) ? ' ' : code);
        if (apart)
            weft_codes_push(c, ' ');
    }
    weft_codes_free(&raw);
}

static void strip_accents(struct weft_codes *c)
{
    size_t kept = 0;
    weft_codes_nfd(c);
    for (size_t i = 0; i < c->n; i++)
        if (!weft_code_is_nonspacing(c->p[i]))
            c->p[kept++] = c->p[i];
    c->n = kept;
}

/* U+0130 alone becomes two: i and a dot above. */
static void lower(struct weft_codes *c)
{
    struct weft_codes out = {0};
    for (size_t i = 0; i < c->n; i++) {
        weft_codes_push(&out, c->p[i] == 0x130 ? 'i' : weft_code_lower(c->p[i]));
        if (c->p[i] == 0x130)
            weft_codes_push(&out, 0x307);
    }
    weft_codes_free(c);
    *c = out;
}

/* ---- words to pieces ---- */

/* ASCII counts as punctuation wherever it is no letter, digit or space ("$", "+"). */
static bool is_punctuation(int32_t c)
{
    return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126) ||
           (c > 127 && weft_code_is_punctuation(c));
}

/* A word in UTF-8, and where each character ends. */
struct word {
    char bytes[TOKEN_BYTES];
    size_t end[WEFT_WORDPIECE_CHARS + 1];
    size_t chars;
};

/* The longest piece that begins at character `from`; *to: where it ends. -1 when there is none. */
static int32_t longest(const struct weft_wordpiece *w, const struct word *x, size_t from, size_t *to)
{
    uint64_t hash[WEFT_WORDPIECE_CHARS + 1];
    hash[from] = hash_begin(from > 0);
    for (size_t i = from; i < x->chars; i++)
        hash[i + 1] = hash_add(hash[i], x->bytes + x->end[i], x->end[i + 1] - x->end[i]);
    for (*to = x->chars; *to > from; --*to) {
        const struct piece *s = slot(w, hash[*to], x->bytes + x->end[from], x->end[*to] - x->end[from], from > 0);
        if (s->id >= 0)
            return s->id;
    }
    return -1;
}

/* Pieces of one word; returns how many. */
static size_t cut(const struct weft_wordpiece *w, const int32_t *code, size_t n, int32_t ids[WEFT_WORDPIECE_CHARS])
{
    struct word x = {.chars = n};
    size_t count = 0;
    if (n > WEFT_WORDPIECE_CHARS) {
        ids[0] = w->special[UNKNOWN];
        return 1;
    }
    for (size_t i = 0; i < n; i++)
        x.end[i + 1] = x.end[i] + weft_utf8_encode(code[i], x.bytes + x.end[i]);
    for (size_t from = 0, to; from < n; from = to) {
        ids[count] = longest(w, &x, from, &to);
        if (ids[count++] < 0) {
            ids[0] = w->special[UNKNOWN];
            return 1;
        }
    }
    return count;
}

/* A stretch of text without special tokens; returns the new count, at most `most`. */
static size_t encode_plain(struct weft_wordpiece *w, const char *text, size_t n, size_t count, size_t most,
                           int32_t *ids)
{
    struct weft_codes *c = &w->codes;
    int32_t pieces[WEFT_WORDPIECE_CHARS];
    clean(w, text, n);
    if (w->rules.strip_accents)
        strip_accents(c);
    if (w->rules.lower_case)
        lower(c);
    for (size_t i = 0, end; i < c->n && count < most; i = end) {
        end = i + 1;
        if (is_blank(c->p[i]))
            continue;
        while (!is_punctuation(c->p[i]) && end < c->n && !is_blank(c->p[end]) && !is_punctuation(c->p[end]))
            end++;
        size_t k = cut(w, c->p + i, end - i, pieces);
        for (size_t j = 0; j < k && count < most; j++)
            ids[count++] = pieces[j];
    }
    return count;
}

/* Which special token stands at p? -1: none. */
static int special_at(const struct weft_wordpiece *w, const char *p, size_t n)
{
    for (int i = 0; i < WEFT_WORDPIECE_SPECIALS; i++) {
        size_t len = strlen(special_names[i]);
        if (w->special[i] >= 0 && n >= len && memcmp(p, special_names[i], len) == 0)
            return i;
    }
    return -1;
}

size_t weft_wordpiece_encode(struct weft_wordpiece *w, const char *text, size_t n, size_t most, int32_t *ids)
{
    size_t count = 0, from = 0;
    ids[count++] = w->special[BEGIN];
    for (size_t at = 0; at < n && count < most - 1; at++) {
        int k = text[at] == '[' ? special_at(w, text + at, n - at) : -1;
        if (k < 0)
            continue;
        count = encode_plain(w, text + from, at - from, count, most - 1, ids);
        if (count < most - 1)
            ids[count++] = w->special[k];
        from = at + strlen(special_names[k]);
        at = from - 1;
    }
    if (from < n)
        count = encode_plain(w, text + from, n - from, count, most - 1, ids);
    ids[count++] = w->special[END];
    return count;
}
