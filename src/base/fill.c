/* fill.c - short gaps filled from a series' own past. */
#include "base/fill.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SEASON_MAX = 100000, LIKE = 4, LAST = 28 };

int weft_fill_parse(const char *text, struct weft_fill_rule *f, struct weft_err *e)
{
    static const char seasonal[] = "seasonal:";
    f->on = true;
    f->season = 0;
    f->expected = strcmp(text, "expected") == 0;
    if (strcmp(text, "carry") == 0 || f->expected)
        return 0;
    if (strncmp(text, seasonal, sizeof seasonal - 1) == 0) {
        const char *digits = text + sizeof seasonal - 1;
        char *end;
        long n = *digits >= '0' && *digits <= '9' ? strtol(digits, &end, 10) : 0;
        if (n >= 1 && n <= SEASON_MAX && !*end) {
            f->season = n;
            return 0;
        }
    }
    weft_fail(e, WEFT_USAGE, "--fill: \"%s\"", text);
    return weft_fail_hint(
        e,
        "carry (the last value), seasonal:N (the value N steps earlier, 1 to %d), or expected (mean of the same "
        "weekdays before)",
        SEASON_MAX);
}

/* Mean of the last `most` values before t that are there and were not filled, `every` steps apart; NaN: fewer than half
 * of them. */
static float mean_before(const float *x, const bool *at, size_t t, size_t every, size_t most)
{
    double sum = 0;
    size_t n = 0;
    while (t >= every && n < most) {
        t -= every;
        if (!isnan(x[t]) && !at[t]) {
            sum += x[t];
            n++;
        }
    }
    return 2 * n >= most ? (float)(sum / (double)n) : NAN;
}

static float expected(const struct weft_fill_rule *f, const float *x, const bool *at, size_t t)
{
    float like = mean_before(x, at, t, f->season > 0 ? (size_t)f->season : 1, LIKE);
    return isnan(like) ? mean_before(x, at, t, 1, LAST) : like;
}

/* What stands in for x[t]; NaN: nothing does. */
static float instead_of(const struct weft_fill_rule *f, const float *x, size_t t)
{
    size_t back = f->season ? (size_t)f->season : 1;
    while (t >= back) {
        t -= back;
        if (!isnan(x[t]))
            return x[t];
    }
    return NAN;
}

size_t weft_fill_gaps(const struct weft_fill_rule *f, float *x, size_t n, bool *at, size_t *left)
{
    size_t t = 0, filled = 0;
    *left = 0;
    while (t < n && isnan(x[t]))
        t++;
    while (t < n) {
        size_t end = t;
        while (end < n && isnan(x[end]))
            end++;
        bool shorter = (int64_t)(end - t) <= f->max;
        for (; t < end; t++) {
            float v = NAN;
            if (shorter)
                v = f->expected ? expected(f, x, at, t) : instead_of(f, x, t);
            if (isnan(v)) {
                ++*left;
                continue;
            }
            x[t] = v;
            at[t] = true;
            filled++;
        }
        t += t < n; /* the value after the gap */
    }
    return filled;
}
