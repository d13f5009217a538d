/* activity.c - active series and brands of a group. */
#include "rank/activity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"

struct brand {
    uint64_t *active; /* a bit a step */
    double sold;      /* in [from, to) */
};

struct weft_activity {
    size_t length, window, from, to;
    uint32_t *series, *brands; /* [length]: how many are active */
    struct weft_names names;
    struct brand *brand; /* [names.n] */
};

size_t weft_sales_channel(char *const *channels, size_t n)
{
    static const char *const others[] = {"amounts", "mentions", WEFT_CHANNEL_ACTIVE, WEFT_CHANNEL_BRANDS};
    for (size_t c = 0; c < n; c++) {
        bool other = false;
        for (size_t k = 0; k < sizeof others / sizeof *others; k++)
            other |= strcmp(channels[c], others[k]) == 0;
        if (!other)
            return c;
    }
    return 0;
}

struct weft_activity *weft_activity_new(size_t length, size_t window, size_t from, size_t to)
{
    struct weft_activity *a = WEFT_NEW(struct weft_activity);
    *a = (struct weft_activity){.length = length, .window = window, .from = from, .to = to};
    a->series = WEFT_ARRAY(uint32_t, length + 1);
    a->brands = WEFT_ARRAY(uint32_t, length + 1);
    return a;
}

void weft_activity_free(struct weft_activity **ap)
{
    struct weft_activity *a = *ap;
    if (!a)
        return;
    for (size_t i = 0; i < a->names.n; i++)
        free(a->brand[i].active);
    free(a->brand);
    weft_names_free(&a->names);
    free(a->series);
    free(a->brands);
    free(a);
    *ap = NULL;
}

static struct brand *find_brand(struct weft_activity *a, struct weft_span name)
{
    size_t known = a->names.n, i = weft_names_add(&a->names, name.p, name.n);
    if (i == known) {
        a->brand = weft_xrealloc2(a->brand, a->names.n, sizeof *a->brand);
        a->brand[i] = (struct brand){.active = WEFT_ARRAY(uint64_t, a->length / 64 + 1)};
    }
    return &a->brand[i];
}

void weft_activity_add(struct weft_activity *a, struct weft_span name, const float *x, size_t n, size_t offset)
{
    struct brand *b = name.p ? find_brand(a, name) : NULL;
    size_t last = SIZE_MAX; /* step of the last sale */
    for (size_t t = offset; t < a->length; t++) {
        if (t - offset < n && x[t - offset] > 0) {
            last = t;
            if (b && t >= a->from && t < a->to)
                b->sold += x[t - offset];
        }
        if (last == SIZE_MAX || t - last >= a->window)
            continue;
        a->series[t]++;
        if (b && !(b->active[t / 64] >> t % 64 & 1)) {
            b->active[t / 64] |= (uint64_t)1 << t % 64;
            a->brands[t]++;
        }
    }
}

static void write_counts(const struct weft_activity *a, const uint32_t *count, float *out)
{
    for (size_t t = 0; t < a->length; t++)
        out[t] = t + 1 < a->window ? NAN : (float)count[t];
}

void weft_activity_series(const struct weft_activity *a, float *out)
{
    write_counts(a, a->series, out);
}

void weft_activity_brands(const struct weft_activity *a, float *out)
{
    write_counts(a, a->brands, out);
}

static int by_name(const void *x, const void *y)
{
    const struct weft_name *const *a = x, *const *b = y;
    return strcmp((*a)->p, (*b)->p);
}

/* The sums go through the brands by name, so that the order of the series plays no part. */
struct weft_shares weft_activity_shares(const struct weft_activity *a)
{
    struct weft_shares r = {NAN, NAN, NULL};
    const struct weft_name **order = WEFT_ARRAY(const struct weft_name *, a->names.n + 1);
    double all = 0, squares = 0, most = 0;
    for (size_t i = 0; i < a->names.n; i++)
        order[i] = &a->names.at[i];
    weft_sort(order, a->names.n, sizeof *order, by_name);
    for (size_t i = 0; i < a->names.n; i++)
        all += a->brand[order[i] - a->names.at].sold;
    for (size_t i = 0; i < a->names.n && all > 0; i++) {
        double sold = a->brand[order[i] - a->names.at].sold, share = sold / all;
        squares += share * share;
        if (sold > most) {
            most = sold;
            r.top = share;
            r.name = order[i]->p;
        }
    }
    if (all > 0)
        r.hhi = squares;
    free(order);
    return r;
}
