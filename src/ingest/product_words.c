/* product_words.c - what a column of a table of products is, by the words of its header. */
#include "ingest/product_words.h"

#include <stddef.h>
#include <string.h>

enum { WORDS = 8, LONGEST = 24 };

/* Words of ASCII letters and digits in lower case; a capital after a small letter begins one. */
struct words {
    char of[WORDS][LONGEST];
    size_t n;
    bool fit; /* all of the header is in `of` */
};

static bool is_small(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static struct words split(const char *header)
{
    struct words w = {.fit = true};
    size_t at = 0;
    for (const char *p = header; *p && w.fit; p++) {
        bool letter = is_small(*p) || is_capital(*p), begins = at && is_capital(*p) && is_small(p[-1]);
        if ((begins || !letter) && at) {
            w.n++;
            at = 0;
        }
        if (!letter) {
            w.fit = (unsigned char)*p < 128;
            continue;
        }
        w.fit = w.n < WORDS && at + 1 < LONGEST;
        if (w.fit)
            w.of[w.n][at++] = is_capital(*p) ? (char)(*p - 'A' + 'a') : *p;
    }
    w.n += at > 0;
    return w;
}

static bool among(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static const struct {
    const char *label, *words[12], *texts[6];
} counted[] = {
    {"views", {"view", "views", "pageview", "pageviews", "hit", "hits", NULL}, {"조회", NULL}},
    {"sales", {"sale", "sales", "sold", "purchase", "purchases", NULL}, {"판매", "구매", NULL}},
    {"likes",
     {"like", "likes", "heart", "hearts", "wish", "wishes", "wishlist", "favorite", "favorites", "favourite",
      "favourites", NULL},
     {"좋아요", "찜", "관심", "하트", "위시", NULL}},
    {"reviews", {"review", "reviews", NULL}, {"후기", "리뷰", "상품평", "구매평", NULL}},
};
enum { COUNTED = 4 };
static const char *const counts[] = {"num", "number", "nb",       "total", "count",      "counts", "cnt",
                                     "qty", "cum",    "quantity", "units", "cumulative", NULL},
                         *const plain[] = {"of",   "the",   "n",    "no",       "product",
                                           "item", "goods", "user", "customer", NULL};

static size_t counted_by(const char *word)
{
    for (size_t k = 0; k < COUNTED; k++)
        if (among(word, counted[k].words))
            return k;
    return COUNTED;
}

/* "reviewcnt", "numlikes": a word for a count at an end of the word. */
static size_t counted_within(const char *word)
{
    size_t n = strlen(word);
    char rest[LONGEST];
    for (const char *const *c = counts; *c; c++) {
        size_t m = strlen(*c), k = COUNTED;
        if (m >= n)
            continue;
        if (strncmp(word, *c, m) == 0)
            k = counted_by(word + m);
        if (k == COUNTED && strcmp(word + n - m, *c) == 0) {
            memcpy(rest, word, n - m);
            rest[n - m] = 0;
            k = counted_by(rest);
        }
        if (k < COUNTED)
            return k;
    }
    return COUNTED;
}

static const char *by_words(const struct words *w)
{
    size_t found = COUNTED;
    bool count = false;
    for (size_t i = 0; i < w->n; i++) {
        const char *word = w->of[i];
        size_t k = counted_by(word);
        if (k == COUNTED && (k = counted_within(word)) < COUNTED)
            count = true;
        if (k < COUNTED && found < COUNTED && found != k)
            return NULL;
        if (k < COUNTED)
            found = k;
        else if (among(word, counts))
            count = true;
        else if (!among(word, plain))
            return NULL;
        count = count || (k < COUNTED && word[strlen(word) - 1] == 's');
    }
    return found < COUNTED && count ? counted[found].label : NULL;
}

/* [누적|총] what [건|횟|개] [수|량], blanks between them aside. */
static const char *by_text(const char *header)
{
    static const char *const before[] = {"누적", "총", "상품", NULL}, *const after[] = {"수",   "량",   "수량", "건수",
                                                                                        "횟수", "개수", NULL};
    char text[96];
    size_t n = 0;
    for (const char *p = header; *p && n + 1 < sizeof text; p++)
        if (*p != ' ' && *p != '_' && *p != '-')
            text[n++] = *p;
    text[n] = 0;
    const char *at = text;
    for (const char *const *b = before; *b; b++)
        at += strncmp(at, *b, strlen(*b)) == 0 && strcmp(at, "상품평") != 0 && strncmp(at, "상품평", 9) != 0
                  ? strlen(*b)
                  : 0;
    for (size_t k = 0; k < COUNTED; k++)
        for (const char *const *t = counted[k].texts; *t; t++)
            if (strncmp(at, *t, strlen(*t)) == 0 && among(at + strlen(*t), after))
                return counted[k].label;
    return NULL;
}

const char *weft_product_counts(const char *header)
{
    struct words w = split(header);
    return w.fit ? by_words(&w) : by_text(header);
}

bool weft_product_names(const char *header, const char *word)
{
    static const char *const codes[] = {"id",  "ids",  "code", "no",   "num",   "number", "count", "cnt",
                                        "url", "link", "logo", "href", "image", "img",    "rank",  NULL};
    struct words w = split(header);
    bool found = false;
    for (size_t i = 0; i < w.n; i++) {
        if (among(w.of[i], codes))
            return false;
        found = found || strcmp(w.of[i], word) == 0;
    }
    return found || ((unsigned char)*word >= 128 && strstr(header, word) && !strstr(header, "코드") &&
                     !strstr(header, "번호") && !strstr(header, "수"));
}
