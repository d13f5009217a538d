/* group.c - sums of series by group. */
#include "rank/group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/ids.h"
#include "base/mem.h"
#include "base/rng.h"

struct group {
    char *id;
    size_t id_n;
    char **key;        /* [n_keys]: value in all members so far, or NULL */
    bool *varies;      /* [n_keys] */
    double *sum;       /* [channels, length] */
    uint32_t *present; /* [channels, length]: members that had a value; HOLE: one had none inside its life */
    uint64_t members;
    struct weft_activity *activity; /* NULL unless watched */
};

#define HOLE (UINT32_C(1) << 31)
/* Of one group: 12 bytes each. */
#define CELLS_MAX ((size_t)1 << 28)

struct weft_groups {
    const struct weft_series_attrs *attrs;
    int *levels;
    size_t n_levels, n, cap, n_slots;
    struct group *at;
    uint32_t *slots; /* open addressing: index + 1 */
    bool *kept;
    struct weft_pack id;
    bool partial;
    struct weft_ids ids; /* of the series met */
    struct weft_groups_gaps gaps;
    struct {
        size_t channel, window, from, to; /* window 0: not watched */
        int brand;
    } watch;
};

struct weft_groups *weft_groups_new(const struct weft_series_attrs *attrs, const int *levels, size_t n_levels)
{
    struct weft_groups *g = WEFT_NEW(struct weft_groups);
    g->attrs = attrs;
    g->levels = WEFT_ARRAY(int, n_levels ? n_levels : 1);
    memcpy(g->levels, levels, n_levels * sizeof *levels);
    g->n_levels = n_levels;
    g->n_slots = 64;
    g->slots = WEFT_ARRAY(uint32_t, g->n_slots);
    g->kept = WEFT_ARRAY(bool, attrs->n_keys + 1);
    return g;
}

void weft_groups_free(struct weft_groups **gp)
{
    struct weft_groups *g = *gp;
    if (!g)
        return;
    for (size_t i = 0; i < g->n; i++) {
        for (size_t k = 0; k < g->attrs->n_keys; k++)
            free(g->at[i].key[k]);
        free(g->at[i].key);
        free(g->at[i].varies);
        free(g->at[i].id);
        free(g->at[i].sum);
        free(g->at[i].present);
        weft_activity_free(&g->at[i].activity);
    }
    free(g->at);
    free(g->levels);
    free(g->slots);
    free(g->kept);
    weft_pack_free(&g->id);
    weft_ids_free(&g->ids);
    free(g);
    *gp = NULL;
}

void weft_groups_watch(struct weft_groups *g, size_t channel, int brand, size_t window, size_t from, size_t to)
{
    g->watch.channel = channel;
    g->watch.brand = brand;
    g->watch.window = window;
    g->watch.from = from;
    g->watch.to = to;
}

static void rehash(struct weft_groups *g)
{
    free(g->slots);
    g->n_slots *= 2;
    g->slots = WEFT_ARRAY(uint32_t, g->n_slots);
    for (size_t i = 0; i < g->n; i++) {
        size_t at = weft_hash(g->at[i].id, g->at[i].id_n, 0) & (g->n_slots - 1);
        while (g->slots[at])
            at = (at + 1) & (g->n_slots - 1);
        g->slots[at] = (uint32_t)i + 1;
    }
}

static struct group *new_group(struct weft_groups *g, struct weft_span id, const struct weft_series *s)
{
    const struct weft_series_attrs *a = g->attrs;
    size_t cells = a->n_channels * (size_t)a->length;
    if (g->n == g->cap) {
        g->cap = weft_grow(g->cap, g->n + 1);
        g->at = weft_xrealloc2(g->at, g->cap, sizeof *g->at);
    }
    struct group *x = &g->at[g->n++];
    *x = (struct group){.id = weft_xstrndup((const char *)id.p, id.n), .id_n = id.n};
    x->key = WEFT_ARRAY(char *, a->n_keys + 1);
    x->varies = WEFT_ARRAY(bool, a->n_keys + 1);
    x->sum = WEFT_ARRAY(double, cells);
    x->present = WEFT_ARRAY(uint32_t, cells);
    if (g->watch.window)
        x->activity = weft_activity_new((size_t)a->length, g->watch.window, g->watch.from, g->watch.to);
    for (size_t k = 0; k < a->n_keys; k++)
        if (s->key[k].p)
            x->key[k] = weft_xstrndup((const char *)s->key[k].p, s->key[k].n);
    return x;
}

static struct group *find(struct weft_groups *g, const struct weft_series *s)
{
    weft_pack_clear(&g->id);
    for (size_t i = 0; i < g->n_levels; i++) {
        struct weft_span v = weft_series_key_text(s, g->levels[i]);
        if (!v.p)
            v = (struct weft_span){(const uint8_t *)"(none)", 6};
        weft_id_part(&g->id, i, g->n_levels, v);
    }
    struct weft_span id = weft_pack_span(&g->id);
    size_t at = weft_hash(id.p, id.n, 0) & (g->n_slots - 1);
    for (; g->slots[at]; at = (at + 1) & (g->n_slots - 1)) {
        struct group *x = &g->at[g->slots[at] - 1];
        if (x->id_n == id.n && memcmp(x->id, id.p, id.n) == 0)
            return x;
    }
    struct group *x = new_group(g, id, s);
    g->slots[at] = (uint32_t)g->n;
    if (g->n * 2 > g->n_slots)
        rehash(g);
    return x;
}

static void compare_keys(const struct weft_groups *g, struct group *x, const struct weft_series *s)
{
    for (size_t k = 0; k < g->attrs->n_keys; k++) {
        if (x->varies[k])
            continue;
        const char *have = x->key[k];
        if ((have == NULL) != (s->key[k].p == NULL) ||
            (have && (strlen(have) != s->key[k].n || memcmp(have, s->key[k].p, s->key[k].n) != 0)))
            x->varies[k] = true;
    }
}

void weft_groups_partial(struct weft_groups *g)
{
    g->partial = true;
}

struct weft_groups_gaps weft_groups_gaps(const struct weft_groups *g)
{
    return g->gaps;
}

/* Channel values v[n] onto the group's: sum and members that had one. A target that is summed has a life: from its
 * first value to its last one. */
static void add_channel(struct weft_groups *g, size_t c, const float *v, size_t n, double *sum, uint32_t *present)
{
    const struct weft_series_attrs *a = g->attrs;
    bool lives = a->reduce[c] == WEFT_REDUCE_SUM && (!a->role || a->role[c] == WEFT_ROLE_TARGET);
    size_t first = 0, last = n;
    while (lives && first < n && isnan(v[first]))
        first++;
    while (lives && last > first && isnan(v[last - 1]))
        last--;
    for (size_t t = 0; t < n; t++) {
        bool there = !isnan(v[t]);
        sum[t] += there ? v[t] : 0;
        present[t] += there;
        if (!there && lives && !g->partial && t >= first && t < last)
            present[t] |= HOLE;
    }
}

/* A series that begins late or ends early beside others. */
static void count_life(struct weft_groups *g, const struct weft_series *s)
{
    const struct weft_series_attrs *a = g->attrs;
    size_t known = weft_series_known(a, s->start, s->n), late = known, early = known;
    for (size_t c = 0; c < a->n_channels; c++) {
        const float *v = s->values + c * s->n;
        size_t first = 0, last = known;
        if (a->reduce[c] != WEFT_REDUCE_SUM || (a->role && a->role[c] != WEFT_ROLE_TARGET))
            continue;
        while (first < known && isnan(v[first]))
            first++;
        while (last > first && isnan(v[last - 1]))
            last--;
        late = first < late ? first : late;
        early = known - last < early ? known - last : early;
    }
    g->gaps.outside += late > 0 || early > 0;
}

int weft_groups_add(struct weft_groups *g, const struct weft_series *s, struct weft_err *e)
{
    const struct weft_series_attrs *a = g->attrs;
    int64_t offset = weft_step_count(a->start, s->start, a->step);
    size_t cells = 0;
    if (!weft_mul(a->n_channels, (size_t)a->length, &cells) || cells > CELLS_MAX) {
        weft_fail(e, WEFT_CONFIG, "a calendar of %lld steps and %zu channels: sums of one group need %.0f GB",
                  (long long)a->length, a->n_channels, (double)a->length * (double)a->n_channels * 12e-9);
        return weft_fail_hint(e, "is \"length\" of the head right?");
    }
    if (weft_series_refuse_twice(s, &g->ids, e) < 0)
        return -1;
    struct group *x = find(g, s);
    compare_keys(g, x, s);
    x->members++;
    if (x->activity)
        weft_activity_add(x->activity, weft_series_key_text(s, g->watch.brand), s->values + g->watch.channel * s->n,
                          s->n, (size_t)offset);
    count_life(g, s);
    for (size_t c = 0; c < a->n_channels; c++) {
        size_t base = c * (size_t)a->length + (size_t)offset;
        add_channel(g, c, s->values + c * s->n, s->n, x->sum + base, x->present + base);
    }
    return 0;
}

size_t weft_groups_count(const struct weft_groups *g)
{
    return g->n;
}

static int by_id(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    int order = memcmp(x->id, y->id, x->id_n < y->id_n ? x->id_n : y->id_n);
    return order ? order : (x->id_n > y->id_n) - (x->id_n < y->id_n);
}

size_t weft_groups_find(const struct weft_groups *g, struct weft_span id)
{
    const struct group key = {.id = (char *)(uintptr_t)id.p, .id_n = id.n};
    const struct group *x = g->n ? bsearch(&key, g->at, g->n, sizeof *g->at, by_id) : NULL;
    return x ? (size_t)(x - g->at) : SIZE_MAX;
}

const struct weft_activity *weft_groups_activity(const struct weft_groups *g, size_t i)
{
    return g->at[i].activity;
}

void weft_groups_finish(struct weft_groups *g, bool *kept)
{
    if (g->n)
        qsort(g->at, g->n, sizeof *g->at, by_id);
    for (size_t k = 0; k < g->attrs->n_keys; k++) {
        kept[k] = true;
        for (size_t i = 0; i < g->n && kept[k]; i++)
            kept[k] = !g->at[i].varies[k];
        g->kept[k] = kept[k];
    }
    size_t cells = g->attrs->n_channels * (size_t)g->attrs->length;
    for (size_t i = 0; i < g->n; i++)
        for (size_t t = 0; t < cells; t++)
            g->gaps.holes += g->at[i].present[t] > HOLE; /* some had a value */
}

void weft_groups_get(const struct weft_groups *g, size_t i, struct weft_span *id, struct weft_span *keys, float *out,
                     uint64_t *members)
{
    const struct weft_series_attrs *a = g->attrs;
    const struct group *x = &g->at[i];
    *id = (struct weft_span){(const uint8_t *)x->id, x->id_n};
    *members = x->members;
    for (size_t k = 0; k < a->n_keys; k++)
        keys[k] = g->kept[k] && x->key[k] ? (struct weft_span){(const uint8_t *)x->key[k], strlen(x->key[k])}
                                          : (struct weft_span){0};
    size_t length = (size_t)a->length;
    for (size_t c = 0; c < a->n_channels; c++)
        for (size_t t = c * length; t < (c + 1) * length; t++) {
            double v = x->sum[t];
            if (a->reduce[c] == WEFT_REDUCE_MEAN)
                v /= x->present[t] ? x->present[t] : 1;
            out[t] = x->present[t] && x->present[t] < HOLE ? (float)v : NAN;
        }
}
