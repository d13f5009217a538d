/* baseline.c - naive, seasonal naive, mean, and a season ago times growth. */
#include "weft/baseline.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "weft/num.h"

enum { STEPS_MAX = 1000000 };

/* ":N" at *s: a positive number of steps; moves *s behind it. */
static bool steps(const char **s, size_t *out)
{
    char digits[16];
    int64_t v;
    if (**s != ':')
        return false;
    size_t n = strcspn(*s + 1, ":");
    if (n >= sizeof digits)
        return false;
    memcpy(digits, *s + 1, n);
    digits[n] = 0;
    if (!weft_num_int(digits, 1, STEPS_MAX, &v))
        return false;
    *out = (size_t)v;
    *s += n + 1;
    return true;
}

int weft_baseline_parse(const char *text, struct weft_baseline *b, struct weft_err *e)
{
    static const struct {
        const char *name;
        enum weft_baseline_kind kind;
        bool lag, window;
        const char *form;
    } forms[] = {
        {"naive", WEFT_BASELINE_NAIVE, false, false, "naive"},
        {"seasonal-naive", WEFT_BASELINE_SEASONAL, true, false, "seasonal-naive:7"},
        {"mean", WEFT_BASELINE_MEAN, false, true, "mean:28"},
        {"lag-growth", WEFT_BASELINE_LAG_GROWTH, true, true, "lag-growth:364:28"},
    };
    size_t name = strcspn(text, ":");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strlen(forms[i].name) != name || memcmp(forms[i].name, text, name) != 0)
            continue;
        const char *s = text + name;
        *b = (struct weft_baseline){.kind = forms[i].kind};
        if ((!forms[i].lag || steps(&s, &b->lag)) && (!forms[i].window || steps(&s, &b->window)) && !*s)
            return 1;
        return weft_fail(e, WEFT_USAGE, "\"%.80s\" is not a baseline of the form %s", text, forms[i].form);
    }
    return 0;
}

size_t weft_baseline_history(const struct weft_baseline *b)
{
    return b->kind == WEFT_BASELINE_NAIVE ? 1 : b->lag + b->window;
}

static float last_value(const float *x, size_t n)
{
    while (n-- > 0)
        if (!isnan(x[n]))
            return x[n];
    return NAN;
}

static float mean_of_last(const float *x, size_t n, size_t window)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = n > window ? n - window : 0; i < n; i++)
        if (!isnan(x[i])) {
            sum += x[i];
            count++;
        }
    return count ? (float)(sum / (double)count) : NAN;
}

/* The last `window` values over those `lag` steps earlier. */
static double growth(const float *x, size_t n, size_t lag, size_t window)
{
    double now = 0, before = 0;
    if (n < lag + window)
        return NAN;
    for (size_t i = n - window; i < n; i++)
        if (!isnan(x[i]) && !isnan(x[i - lag])) {
            now += x[i];
            before += x[i - lag];
        }
    return before != 0 ? now / before : 1;
}

void weft_baseline_forecast(const struct weft_baseline *b, const float *x, size_t n, size_t horizon, float *y)
{
    double factor = b->kind == WEFT_BASELINE_LAG_GROWTH ? growth(x, n, b->lag, b->window) : 1;
    float flat = b->kind == WEFT_BASELINE_NAIVE ? last_value(x, n) : b->kind == WEFT_BASELINE_MEAN ? mean_of_last(x, n, b->window) : NAN;
    for (size_t h = 0; h < horizon; h++) {
        if (!b->lag)
            y[h] = flat;
        else /* step h of the season that ends at the origin, over and over */
            y[h] = n < b->lag ? NAN : (float)(x[n - b->lag + h % b->lag] * factor);
    }
}
