/* counts.c - numbers as shops write them. */
#include "text/counts.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"

struct cursor {
    const char *p, *end;
};

static void skip_blanks(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
}

static bool take(struct cursor *c, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(c->end - c->p) < n || strncasecmp(c->p, word, n) != 0)
        return false;
    c->p += n;
    skip_blanks(c);
    return true;
}

/* Any number of words of a list, in any order. */
static void take_all(struct cursor *c, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        if (take(c, words[i]))
            i = (size_t)-1;
}

/* Digits with separators in groups of three, and a fraction: copied without the separators. */
static size_t digits(struct cursor *c, char *to, size_t cap)
{
    size_t n = 0, group = 0, separators = 0;
    if (c->p < c->end && (*c->p == '-' || *c->p == '+'))
        to[n++] = *c->p++;
    for (; c->p < c->end && n < cap; c->p++) {
        if (*c->p >= '0' && *c->p <= '9') {
            to[n++] = *c->p;
            group++;
        } else if (*c->p == ',') {
            if (separators ? group != 3 : group == 0 || group > 3)
                return 0;
            separators++;
            group = 0;
        } else {
            break;
        }
    }
    if ((separators && group != 3) || n == cap)
        return 0;
    if (c->p < c->end && *c->p == '.')
        for (to[n++] = *c->p++; c->p < c->end && n < cap && *c->p >= '0' && *c->p <= '9'; c->p++)
            to[n++] = *c->p;
    return n < cap ? n : 0;
}

/* The exponent that the unit of magnitude stands for: "1.1" and "e4" read together round once, 1.1 times 10000 twice. */
static const char *magnitude(struct cursor *c)
{
    static const struct {
        const char *text, *exponent;
    } units[] = {{"천만", "e7"}, {"백만", "e6"}, {"십만", "e5"}, {"천", "e3"}, {"만", "e4"}, {"억", "e8"}, {"k", "e3"}, {"m", "e6"}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (take(c, units[i].text))
            return units[i].exponent;
    return "";
}

static bool is_missing(const char *s, size_t n)
{
    static const char *const words[] = {"-", "na", "n/a", "nan", "null", "none", "없음"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && strncasecmp(words[i], s, n) == 0)
            return true;
    return n == 0;
}

enum weft_count weft_count_parse(const char *s, size_t n, double *out)
{
    static const char *const before[] = {"조회수", "조회", "누적", "판매량", "판매", "구매", "좋아요", "약", "최근", "views", "sales", "sold", "₩", "￦", "$", "€", NULL};
    static const char *const after[] = {"회", "명", "개", "건", "원", "이상", "판매", "구매", "조회", "+", "views", "sales", "sold", "krw", "won", NULL};
    if (weft_num_text(s, n, out))
        return WEFT_COUNT_OK;
    *out = NAN;
    struct cursor c = {s, s + n};
    skip_blanks(&c);
    while (c.end > c.p && (c.end[-1] == ' ' || c.end[-1] == '\t'))
        c.end--;
    if (is_missing(c.p, (size_t)(c.end - c.p)))
        return WEFT_COUNT_MISSING;
    char text[64];
    take_all(&c, before);
    size_t len = digits(&c, text, sizeof text - 2);
    skip_blanks(&c);
    for (const char *x = magnitude(&c); *x; x++)
        text[len++] = *x;
    take_all(&c, after);
    return c.p == c.end && weft_num_text(text, len, out) ? WEFT_COUNT_OK : WEFT_COUNT_BAD;
}
