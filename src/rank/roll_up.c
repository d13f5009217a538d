/* roll_up.c - groups in, their sums out, with what was counted beside them. */
#include "rank/roll_up.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rank/group.h"

enum { LEVELS_MAX = 8, COUNTS_MAX = 2 };
enum { ACTIVE, BRANDS };

struct weft_roll_up {
    const struct weft_roll_up_options *o;
    int counts[COUNTS_MAX]; /* ACTIVE or BRANDS, in the order of their channels */
    size_t n_counts;
    struct weft_series_attrs attrs;
    struct weft_series series;
    struct weft_groups *groups;
};

static int unknown_level(const struct weft_roll_up *s, const char *option, const char *name, struct weft_err *e)
{
    char names[256] = "";
    size_t at = 0;
    for (size_t k = 0; k < s->attrs.n_keys && at < sizeof names; k++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s, ", s->attrs.keys[k]);
    weft_fail(e, WEFT_CONFIG, "--%s: the stream has no key \"%s\"", option, name);
    return weft_fail_hint(e, "it has: %sid, all", names);
}

/* --count: which channels are added, and what has to be watched for them. */
static int choose_counts(struct weft_roll_up *s, struct weft_err *e)
{
    static const char *const names[] = {WEFT_CHANNEL_ACTIVE, WEFT_CHANNEL_BRANDS};
    const struct weft_series_attrs *a = &s->attrs;
    int brand = weft_series_key(a, s->o->brand);
    for (size_t i = 0; i < s->o->count.n; i++) {
        int what = strcmp(s->o->count.items[i], names[ACTIVE]) == 0   ? ACTIVE
                   : strcmp(s->o->count.items[i], names[BRANDS]) == 0 ? BRANDS
                                                                      : -1;
        if (what < 0)
            return weft_fail(e, WEFT_USAGE, "--count: active or brands, not \"%s\"", s->o->count.items[i]);
        if (s->n_counts == COUNTS_MAX || (s->n_counts && s->counts[0] == what))
            return weft_fail(e, WEFT_USAGE, "--count: %s is asked for twice", names[what]);
        for (size_t c = 0; c < a->n_channels; c++)
            if (strcmp(a->channels[c], names[what]) == 0)
                return weft_fail(e, WEFT_CONFIG, "--count: the stream has a channel %s already", names[what]);
        if (what == BRANDS && brand == WEFT_KEY_NONE)
            return unknown_level(s, "brand", s->o->brand, e);
        s->counts[s->n_counts++] = what;
    }
    if (a->n_channels + s->n_counts > WEFT_MAX_CHANNELS)
        return weft_fail(e, WEFT_DATA, "more than %d channels", WEFT_MAX_CHANNELS);
    int64_t window = (s->o->active_days * 86400 + a->step - 1) / a->step;
    if (s->n_counts)
        weft_groups_watch(s->groups, weft_sales_channel(a->channels, a->n_channels), brand, (size_t)window, 0, 0);
    return 0;
}

int weft_roll_up_start(struct weft_run *run, const struct weft_roll_up_options *o, struct weft_roll_up **out,
                       struct weft_err *e)
{
    struct weft_roll_up *s = *out = WEFT_NEW(struct weft_roll_up);
    s->o = o;
    int levels[LEVELS_MAX];
    if (weft_series_attrs_read(weft_run_in_head(run), &s->attrs, e) < 0)
        return -1;
    if (s->o->by.n > LEVELS_MAX)
        return weft_fail(e, WEFT_USAGE, "--by: more than %d levels", LEVELS_MAX);
    for (size_t i = 0; i < s->o->by.n; i++) {
        levels[i] = weft_series_key(&s->attrs, s->o->by.items[i]);
        if (levels[i] == WEFT_KEY_NONE)
            return unknown_level(s, "by", s->o->by.items[i], e);
        if (s->o->by.n > 1 && levels[i] == WEFT_KEY_ALL)
            return weft_fail(e, WEFT_USAGE, "--by: all is one group by itself, and there are other keys beside it");
        for (size_t k = 0; k < i; k++)
            if (levels[k] == levels[i])
                return weft_fail(e, WEFT_USAGE, "--by: %s twice", s->o->by.items[i]);
    }
    s->groups = weft_groups_new(&s->attrs, levels, s->o->by.n);
    if (s->o->partial)
        weft_groups_partial(s->groups);
    return choose_counts(s, e);
}

int weft_roll_up_frame(struct weft_roll_up *s, struct weft_span in, struct weft_err *e)
{
    if (weft_series_read(in, &s->attrs, &s->series, e) < 0)
        return -1;
    return weft_groups_add(s->groups, &s->series, e);
}

static int write_head(struct weft_run *run, const struct weft_roll_up *s, const struct weft_series_attrs *out,
                      struct weft_err *e)
{
    struct weft_pack attrs = {0}, edited = {0};
    struct weft_edit edit = {0};
    weft_series_attrs_write(out, weft_run_in_head(run)->attrs, &attrs);
    int rc = weft_edit_load(&edit, weft_pack_span(&attrs), e);
    weft_edit_strs(&edit, "by", s->o->by.items, s->o->by.n);
    if (s->n_counts)
        weft_edit_int(&edit, "active_days", s->o->active_days);
    weft_edit_write(&edit, &edited);
    if (rc == 0)
        rc = weft_run_head(run, WEFT_SERIES_SCHEMA, weft_pack_span(&edited), e);
    weft_edit_free(&edit);
    weft_pack_free(&edited);
    weft_pack_free(&attrs);
    return rc;
}

/* Values of group i: the targets that came, then the counts, then exogenous channels. */
static void get_group(const struct weft_roll_up *s, size_t i, struct weft_span *id, struct weft_span *keys,
                      float *values, uint64_t *members)
{
    const struct weft_series_attrs *a = &s->attrs;
    const struct weft_activity *who = weft_groups_activity(s->groups, i);
    size_t length = (size_t)a->length, known = (size_t)a->known;
    float *counts = values + a->n_targets * length;
    weft_groups_get(s->groups, i, id, keys, values, members);
    memmove(counts + s->n_counts * length, counts, (a->n_channels - a->n_targets) * length * sizeof *values);
    for (size_t k = 0; k < s->n_counts; k++) {
        (s->counts[k] == ACTIVE ? weft_activity_series : weft_activity_brands)(who, counts + k * length);
        for (size_t t = known; t < length; t++)
            counts[k * length + t] = NAN; /* nobody knows yet who will sell */
    }
}

static int write_groups(struct weft_run *run, struct weft_roll_up *s, const struct weft_series_attrs *out,
                        const bool *kept, struct weft_err *e)
{
    const struct weft_series_attrs *a = &s->attrs;
    size_t cells = out->n_channels * (size_t)a->length;
    float *values = weft_xaligned(cells, sizeof *values);
    struct weft_pack b = {0}, edited = {0};
    struct weft_edit edit = {0};
    char level[512] = "";
    int rc = 0;
    for (size_t i = 0; i < s->o->by.n; i++)
        snprintf(level + strlen(level), sizeof level - strlen(level), "%s%s", i ? "/" : "", s->o->by.items[i]);
    for (size_t i = 0; i < weft_groups_count(s->groups) && rc == 0; i++) {
        struct weft_span id, all[WEFT_MAX_KEYS], keys[WEFT_MAX_KEYS];
        uint64_t members;
        get_group(s, i, &id, all, values, &members);
        for (size_t k = 0, n = 0; k < a->n_keys; k++)
            if (kept[k])
                keys[n++] = all[k];
        memcpy(weft_series_begin(&b, out, id, keys, a->start, (size_t)a->length), values, cells * sizeof *values);
        weft_pack_clear(&edited);
        rc = weft_edit_load(&edit, weft_pack_span(&b), e);
        if (rc == 0) {
            weft_edit_int(&edit, "members", (int64_t)members);
            weft_edit_str(&edit, "level", level);
            weft_edit_write(&edit, &edited);
            rc = weft_run_emit(run, weft_pack_span(&edited), e);
        }
    }
    weft_edit_free(&edit);
    weft_pack_free(&b);
    weft_pack_free(&edited);
    free(values);
    return rc;
}

/* The attrs with the channels of the counts as the last targets: channels, reduce and role are new arrays. */
static void add_channels(const struct weft_roll_up *s, struct weft_series_attrs *out)
{
    static char active[] = WEFT_CHANNEL_ACTIVE, brands[] = WEFT_CHANNEL_BRANDS;
    const struct weft_series_attrs *a = &s->attrs;
    out->n_channels = a->n_channels + s->n_counts;
    out->n_targets = a->n_targets + s->n_counts;
    out->channels = WEFT_ARRAY(char *, out->n_channels);
    out->reduce = WEFT_ARRAY(enum weft_reduce, out->n_channels);
    out->role = WEFT_ARRAY(enum weft_role, out->n_channels);
    for (size_t c = 0; c < out->n_channels; c++) {
        bool counts = c >= a->n_targets && c < out->n_targets;
        size_t from = c < out->n_targets ? c : c - s->n_counts;
        out->channels[c] = !counts ? a->channels[from] : s->counts[c - a->n_targets] == ACTIVE ? active : brands;
        out->reduce[c] = counts ? WEFT_REDUCE_SUM : a->reduce[from];
        out->role[c] = counts ? WEFT_ROLE_TARGET : a->role[from];
    }
}

static void say_gaps(struct weft_run *run, const struct weft_roll_up *s)
{
    struct weft_groups_gaps gaps = weft_groups_gaps(s->groups);
    if (gaps.outside)
        weft_run_warn(run, "%llu series have no value before their first day or after their last one: 0 there",
                      (unsigned long long)gaps.outside);
    if (gaps.holes)
        weft_run_warn(
            run, "%llu sums are missing since a member has no value on that day (--partial-sums adds up the others)",
            (unsigned long long)gaps.holes);
}

int weft_roll_up_drain(struct weft_run *run, struct weft_roll_up *s, struct weft_err *e)
{
    bool kept[WEFT_MAX_KEYS] = {0};
    char *names[WEFT_MAX_KEYS];
    weft_groups_finish(s->groups, kept);
    say_gaps(run, s);
    struct weft_series_attrs out = s->attrs;
    out.keys = names;
    out.n_keys = 0;
    for (size_t k = 0; k < s->attrs.n_keys; k++)
        if (kept[k])
            names[out.n_keys++] = s->attrs.keys[k];
    add_channels(s, &out);
    int rc = write_head(run, s, &out, e);
    if (rc == 0)
        rc = write_groups(run, s, &out, kept, e);
    free(out.channels);
    free(out.reduce);
    free(out.role);
    return rc;
}

void weft_roll_up_free(struct weft_roll_up **p)
{
    struct weft_roll_up *s = *p;
    if (!s)
        return;
    weft_groups_free(&s->groups);
    weft_series_free(&s->series);
    weft_series_attrs_free(&s->attrs);
    free(s);
    *p = NULL;
}
