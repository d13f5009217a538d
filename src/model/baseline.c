/* baseline.c - naive, seasonal naive, mean, a season ago times growth, and the methods for intermittent demand. */
#include "model/baseline.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

enum { STEPS_MAX = 1000000 };
static const double RATE = 0.1;

/* The text of ":TEXT" at *s into field; moves *s behind it. */
static bool part(const char **s, char field[16])
{
    if (**s != ':')
        return false;
    size_t n = strcspn(*s + 1, ":");
    if (n >= 16)
        return false;
    memcpy(field, *s + 1, n);
    field[n] = 0;
    *s += n + 1;
    return true;
}

/* ":N": a positive number of steps. */
static bool steps(const char **s, size_t *out)
{
    char digits[16];
    int64_t v;
    if (!part(s, digits) || !weft_num_int(digits, 1, STEPS_MAX, &v))
        return false;
    *out = (size_t)v;
    return true;
}

/* ":RATE", or nothing more: then it stays as it is. */
static bool rate(const char **s, double *out)
{
    char digits[16];
    return !**s || (part(s, digits) && weft_num_real(digits, 1e-6, 1, out));
}

int weft_baseline_parse(const char *text, struct weft_baseline *b, struct weft_err *e)
{
    static const struct {
        const char *name;
        enum weft_baseline_kind kind;
        bool lag, window;
        int rates;
        const char *form;
    } forms[] = {
        {"naive", WEFT_BASELINE_NAIVE, false, false, 0, "naive"},
        {"seasonal-naive", WEFT_BASELINE_SEASONAL, true, false, 0, "seasonal-naive:7"},
        {"mean", WEFT_BASELINE_MEAN, false, true, 0, "mean:28"},
        {"lag-growth", WEFT_BASELINE_LAG_GROWTH, true, true, 0, "lag-growth:364:28"},
        {"croston", WEFT_BASELINE_CROSTON, false, false, 1, "croston or croston:0.1"},
        {"sba", WEFT_BASELINE_SBA, false, false, 1, "sba or sba:0.1"},
        {"tsb", WEFT_BASELINE_TSB, false, false, 2, "tsb or tsb:0.1:0.1"},
    };
    size_t name = strcspn(text, ":");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strlen(forms[i].name) != name || memcmp(forms[i].name, text, name) != 0)
            continue;
        const char *s = text + name;
        *b = (struct weft_baseline){.kind = forms[i].kind, .rate = {RATE, RATE}};
        bool good = (!forms[i].lag || steps(&s, &b->lag)) && (!forms[i].window || steps(&s, &b->window));
        for (int k = 0; k < forms[i].rates && good; k++)
            good = rate(&s, &b->rate[k]);
        if (good && !*s)
            return 1;
        return weft_fail(e, WEFT_USAGE, "\"%.80s\" is not a baseline of the form %s", text, forms[i].form);
    }
    return 0;
}

size_t weft_baseline_history(const struct weft_baseline *b)
{
    return b->lag + b->window ? b->lag + b->window : 1;
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

/* --- intermittent demand --- */

static bool is_intermittent(const struct weft_baseline *b)
{
    return b->kind == WEFT_BASELINE_CROSTON || b->kind == WEFT_BASELINE_SBA || b->kind == WEFT_BASELINE_TSB;
}

static void smooth(double *level, double x, double by, bool first)
{
    *level = first ? x : by * x + (1 - by) * *level;
}

/* Takes in the steps up to n. The last rate is that of sizes; of two, the first is that of shares. */
static void follow(const struct weft_baseline *b, struct weft_baseline_run *r, const float *x, size_t n)
{
    double of_sizes = b->rate[b->kind == WEFT_BASELINE_TSB];
    for (; r->seen < n; r->seen++) {
        float v = x[r->seen];
        if (isnan(v))
            continue;
        smooth(&r->share, v > 0, b->rate[0], !r->any);
        r->any = true;
        r->since++;
        if (v > 0) {
            smooth(&r->size, v, of_sizes, !r->demand);
            smooth(&r->interval, (double)r->since, b->rate[0], !r->demand);
            r->demand = true;
            r->since = 0;
        }
    }
}

static double intermittent(const struct weft_baseline *b, const struct weft_baseline_run *r)
{
    if (!r->demand)
        return r->any ? 0 : NAN;
    if (b->kind == WEFT_BASELINE_TSB)
        return r->share * r->size;
    return r->size / r->interval * (b->kind == WEFT_BASELINE_SBA ? 1 - b->rate[0] / 2 : 1);
}

void weft_baseline_forecast_next(const struct weft_baseline *b, struct weft_baseline_run *run, const float *x, size_t n,
                                 size_t horizon, float *y)
{
    double factor = b->kind == WEFT_BASELINE_LAG_GROWTH ? growth(x, n, b->lag, b->window) : 1;
    float flat = b->kind == WEFT_BASELINE_NAIVE  ? last_value(x, n)
                 : b->kind == WEFT_BASELINE_MEAN ? mean_of_last(x, n, b->window)
                                                 : NAN;
    if (is_intermittent(b)) {
        follow(b, run, x, n);
        flat = (float)intermittent(b, run);
    }
    for (size_t h = 0; h < horizon; h++) {
        if (!b->lag)
            y[h] = flat;
        else /* step h of the season that ends at the origin, over and over */
            y[h] = n < b->lag ? NAN : (float)(x[n - b->lag + h % b->lag] * factor);
    }
}

void weft_baseline_forecast(const struct weft_baseline *b, const float *x, size_t n, size_t horizon, float *y)
{
    weft_baseline_forecast_next(b, &(struct weft_baseline_run){0}, x, n, horizon, y);
}
