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
    for (size_t i = 0; c->p < c->end && words[i]; i++)
        if (take(c, words[i]))
            i = (size_t)-1;
}

/* Digits with separators in groups of three, and a fraction after `point`: copied without the separators, with a point.
 */
static size_t digits(struct cursor *c, char point, char *to, size_t cap)
{
    const char separator = point == '.' ? ',' : '.';
    size_t n = 0, group = 0, separators = 0;
    const char *first = c->p;
    if (c->p < c->end && (*c->p == '-' || *c->p == '+'))
        to[n++] = *c->p++;
    for (; c->p < c->end && n < cap; c->p++) {
        if (*c->p >= '0' && *c->p <= '9') {
            if (!group && !separators)
                first = c->p;
            to[n++] = *c->p;
            group++;
        } else if (*c->p == separator) {
            if (separators ? group != 3 : group == 0 || group > 3 || *first == '0') /* "0,125" is no 125 */
                return 0;
            separators++;
            group = 0;
        } else {
            break;
        }
    }
    if ((separators && group != 3) || n == cap)
        return 0;
    if (c->p < c->end && *c->p == point) {
        to[n++] = '.';
        for (c->p++; c->p < c->end && n < cap && *c->p >= '0' && *c->p <= '9'; c->p++)
            to[n++] = *c->p;
    }
    return n < cap ? n : 0;
}

/* The exponent that the unit of magnitude stands for: "1.1" and "e4" read together round once, 1.1 times 10000 twice.
 */
static const char *magnitude(struct cursor *c)
{
    static const struct {
        const char *text, *exponent;
    } units[] = {{"천만", "e7"}, {"백만", "e6"}, {"십만", "e5"}, {"천", "e3"},
                 {"만", "e4"},   {"억", "e8"},   {"k", "e3"},    {"m", "e6"}}; /* longer ones first */
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (take(c, units[i].text))
            return units[i].exponent;
    return "";
}

static bool is_missing(const char *s, size_t n)
{
    static const char *const words[] = {"-", "na", "n/a", "#n/a", "nan", "null", "none", "없음"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && strncasecmp(words[i], s, n) == 0)
            return true;
    return n == 0;
}

/* A sign between thousands that is no point and no comma: a blank, a no-break or narrow one, an apostrophe. Its bytes,
 * when exactly three digits follow it and one goes before; 0: none. */
static size_t thousands_sign(const char *s, size_t n, size_t i)
{
    static const char *const signs[] = {" ", "'", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89", "\xe2\x80\x99"};
    if (!i || s[i - 1] < '0' || s[i - 1] > '9')
        return 0;
    for (size_t k = 0; k < sizeof signs / sizeof *signs; k++) {
        size_t length = strlen(signs[k]), at = i + length, digits = 0;
        if (n - i <= length || memcmp(s + i, signs[k], length) != 0)
            continue;
        while (at + digits < n && s[at + digits] >= '0' && s[at + digits] <= '9')
            digits++;
        return digits == 3 ? length : 0;
    }
    return 0;
}

/* Are the digits before such a sign at most three, and not "0"? "1 234", and no "2024 500". */
static bool short_group(const char *to, size_t at)
{
    size_t digits = 0;
    while (digits < at && to[at - 1 - digits] >= '0' && to[at - 1 - digits] <= '9')
        digits++;
    return digits && digits <= 3 && to[at - digits] != '0';
}

/* Full-width digits and signs as ASCII ones; the signs U+2212 and △ (of Korean and Japanese books) as a minus. Returns
 * the length; cap is enough. */
static size_t plain(const char *s, size_t n, char *to)
{
    size_t at = 0, grouped = 0, sign;
    for (size_t i = 0; i < n; i++) {
        if ((sign = thousands_sign(s, n, i)) > 0 && (grouped || short_group(to, at))) {
            grouped++;
            i += sign - 1;
            continue;
        }
        const unsigned char *p = (const unsigned char *)s + i;
        bool three = i + 2 < n;
        if (three && p[0] == 0xef && p[1] == 0xbc && p[2] >= 0x85 && p[2] <= 0x9f) {
            to[at++] = (char)(p[2] - 0x60); /* U+FF05 to U+FF1F: % to ? */
            i += 2;
        } else if (three && p[0] == 0xe2 && ((p[1] == 0x88 && p[2] == 0x92) || (p[1] == 0x96 && p[2] == 0xb3))) {
            to[at++] = '-';
            i += 2;
        } else {
            to[at++] = s[i];
        }
    }
    return at;
}

/* "1만2천": what stands behind a magnitude is a smaller one's. Adds them up; each part rounds once. */
static bool parts(struct cursor *c, char point, double *out)
{
    double last = INFINITY;
    char text[64];
    for (*out = 0;;) {
        double x;
        size_t len = digits(c, point, text, sizeof text - 2);
        skip_blanks(c);
        const char *unit = magnitude(c);
        for (const char *e = unit; *e; e++)
            text[len++] = *e;
        if (!weft_num_text(text, len, &x) || (last < INFINITY && (fabs(x) >= last || signbit(x))))
            return false;
        *out = signbit(*out) || (last == INFINITY && signbit(x)) ? (last == INFINITY ? x : *out - x) : *out + x;
        if (!*unit || c->p == c->end || *c->p < '0' || *c->p > '9')
            return true;
        len = strlen(unit);
        last = pow(10, unit[len - 1] - '0');
    }
}

enum weft_count weft_count_parse(const char *s, size_t n, double *out)
{
    return weft_count_parse_in(WEFT_DECIMAL_POINT, s, n, out);
}

enum weft_count weft_count_parse_in(enum weft_decimal decimal, const char *s, size_t n, double *out)
{
    static const char *const before[] = {"조회수", "조회",  "누적",  "판매량", "판매", "구매", "좋아요", "약",
                                         "최근",   "views", "sales", "sold",   "₩",    "￦",   "$",      "€",
                                         "£",      "¥",     "￥",    "krw",    "usd",  "eur",  NULL};
    static const char *const after[] = {
        "회",  "명",  "개",   "건",  "원", "이상", "판매", "구매", "조회", "+",   "views",  "sales", "sold",
        "krw", "won", "usd",  "eur", "€",  "박스", "box",  "세트", "set",  "팩",  "pack",   "병",    "봉",
        "장",  "권",  "켤레", "벌",  "대", "마리", "포",   "캔",   "ea",   "pcs", "pieces", "units", NULL};
    enum { LONGEST = 100 };
    const char point = decimal == WEFT_DECIMAL_COMMA ? ',' : '.';
    char text[LONGEST];
    if (point == '.' && weft_num_text(s, n, out))
        return WEFT_COUNT_OK;
    *out = NAN;
    if (n > LONGEST)
        return WEFT_COUNT_BAD;
    if (n >= 3 && s[0] == '=' && s[1] == '"' && s[n - 1] == '"') { /* ="12", as for Excel */
        s += 2;
        n -= 3;
    }
    struct cursor c = {text, text + plain(s, n, text)};
    skip_blanks(&c);
    while (c.end > c.p && (c.end[-1] == ' ' || c.end[-1] == '\t'))
        c.end--;
    if (is_missing(c.p, (size_t)(c.end - c.p)))
        return WEFT_COUNT_MISSING;
    bool negative = c.end - c.p > 2 && *c.p == '(' && c.end[-1] == ')'; /* as books write it */
    if (negative) {
        c.p++;
        c.end--;
    }
    double x;
    take_all(&c, before);
    if (c.p + 1 < c.end && *c.p == '-' && (c.p[1] < '0' || c.p[1] > '9')) { /* "-₩5", "- 5" */
        negative = !negative;
        c.p++;
        skip_blanks(&c);
        take_all(&c, before);
    }
    if ((negative && c.p < c.end && (*c.p == '-' || *c.p == '+')) || !parts(&c, point, &x))
        return WEFT_COUNT_BAD;
    take_all(&c, after);
    if (c.p != c.end)
        return WEFT_COUNT_BAD;
    *out = negative ? -x : x;
    return WEFT_COUNT_OK;
}

/* --- which sign is the decimal one --- */

void weft_decimal_look(struct weft_decimal_signs *d, const char *s, size_t n)
{
    size_t commas = 0, dots = 0, tail = 0, head = 0, groups = 0;
    bool even = true;
    char last = 0, text[64];
    if (n > sizeof text)
        return;
    n = plain(s, n, text); /* "1 234,50" */
    s = text;
    if (n && (*s == '-' || *s == '+')) {
        s++;
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        if (s[i] >= '0' && s[i] <= '9') {
            tail++;
            continue;
        }
        if ((s[i] != ',' && s[i] != '.') || !tail)
            return; /* no number */
        even &= groups ? tail == 3 : tail <= 3;
        head = groups++ ? head : tail;
        commas += s[i] == ',';
        dots += s[i] == '.';
        last = s[i];
        tail = 0;
    }
    if (!groups || !tail)
        return;
    if (commas && dots) { /* 1.234,5 or 1,234.5: the last sign is the decimal one */
        d->comma += last == ',' && commas == 1;
        d->point += last == '.' && dots == 1;
    } else if (groups > 1) { /* 1.234.567: not the decimal one */
        d->point += commas > 1 && even && tail == 3;
        d->comma += dots > 1 && even && tail == 3;
    } else if (tail != 3 || !even || *s == '0') {
        d->comma += commas == 1;
        d->point += dots == 1;
    } else {
        d->open_comma += commas;
        d->open_dot += dots;
    }
}
