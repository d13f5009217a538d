/* aggregate.c - rolls series up to a level of the hierarchy.
 *
 * In: series/1. Out: series/1, one frame a group, ordered by id, with "members" (series in it) and "level" (what it was rolled up by) added. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "weft/group.h"
#include "weft/mem.h"
#include "weft/run.h"

enum { LEVELS_MAX = 8 };

struct state {
    struct weft_list by;
    struct weft_series_attrs attrs;
    struct weft_series series;
    struct weft_groups *groups;
};

#define AT(member) offsetof(struct state, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_LIST, 0, "by", AT(by), NULL, 0, 0, "LEVEL", "keys that name a group (major, brand, ...), or all", WEFT_OPT_REQUIRED},
    {.type = WEFT_OPT_END},
};

static int unknown_level(const struct state *s, const char *name, struct weft_err *e)
{
    char names[256] = "";
    size_t at = 0;
    for (size_t k = 0; k < s->attrs.n_keys && at < sizeof names; k++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s, ", s->attrs.keys[k]);
    weft_fail(e, WEFT_CONFIG, "--by: the stream has no key \"%s\"", name);
    return weft_fail_hint(e, "it has: %sid, all", names);
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    int levels[LEVELS_MAX];
    if (weft_series_attrs_read(weft_run_in_head(run), &s->attrs, e) < 0)
        return -1;
    if (s->by.n > LEVELS_MAX)
        return weft_fail(e, WEFT_USAGE, "--by: more than %d levels", LEVELS_MAX);
    for (size_t i = 0; i < s->by.n; i++) {
        levels[i] = weft_series_key(&s->attrs, s->by.items[i]);
        if (levels[i] == WEFT_KEY_NONE)
            return unknown_level(s, s->by.items[i], e);
    }
    s->groups = weft_groups_new(&s->attrs, levels, s->by.n);
    return 0;
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    (void)run;
    if (weft_series_read(in, &s->attrs, &s->series, e) < 0)
        return -1;
    return weft_groups_add(s->groups, &s->series, e);
}

static int write_head(struct weft_run *run, const struct weft_series_attrs *out, struct weft_err *e)
{
    struct weft_pack attrs = {0};
    weft_series_attrs_write(out, weft_run_in_head(run)->attrs, &attrs);
    int rc = weft_run_head(run, WEFT_SERIES_SCHEMA, weft_pack_span(&attrs), e);
    weft_pack_free(&attrs);
    return rc;
}

static int write_groups(struct weft_run *run, struct state *s, const struct weft_series_attrs *out, const bool *kept, struct weft_err *e)
{
    const struct weft_series_attrs *a = &s->attrs;
    size_t cells = a->n_channels * (size_t)a->length;
    float *values = weft_xaligned(cells, sizeof *values);
    struct weft_pack b = {0}, edited = {0};
    struct weft_edit edit = {0};
    char level[512] = "";
    int rc = 0;
    for (size_t i = 0; i < s->by.n; i++)
        snprintf(level + strlen(level), sizeof level - strlen(level), "%s%s", i ? "/" : "", s->by.items[i]);
    for (size_t i = 0; i < weft_groups_count(s->groups) && rc == 0; i++) {
        struct weft_span id, all[WEFT_MAX_KEYS], keys[WEFT_MAX_KEYS];
        uint64_t members;
        weft_groups_get(s->groups, i, &id, all, values, &members);
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

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    bool kept[WEFT_MAX_KEYS] = {0};
    char *names[WEFT_MAX_KEYS];
    weft_groups_finish(s->groups, kept);
    struct weft_series_attrs out = s->attrs;
    out.keys = names;
    out.n_keys = 0;
    for (size_t k = 0; k < s->attrs.n_keys; k++)
        if (kept[k])
            names[out.n_keys++] = s->attrs.keys[k];
    if (write_head(run, &out, e) < 0)
        return -1;
    return write_groups(run, s, &out, kept, e);
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_groups_free(&s->groups);
    weft_series_free(&s->series);
    weft_series_attrs_free(&s->attrs);
}

static const struct weft_filter filter = {
    .usage = {.name = "aggregate",
              .summary = "rolls series up to a level of the hierarchy",
              .synopsis = "aggregate --by LEVEL[,LEVEL...] [OPTION...]",
              .reads = "a series stream",
              .writes = "a series stream, one frame a group, ordered by id",
              .examples = "ingest train.csv | aggregate --by minor | frames count\n"
                          "ingest train.csv | aggregate --by major,brand | window --lookback 56 --horizon 28 | train-dlinear -o brands.safetensors",
              .see_also = "ingest, window, rank",
              .notes = "Units and amounts are summed, mentions averaged. A missing value takes no part; a day on which every member is missing stays "
                       "missing. Keys that are the same in all members of every group are kept. Memory: 12 bytes per group, channel and step."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_STREAM,
    .schema = WEFT_SERIES_SCHEMA,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
