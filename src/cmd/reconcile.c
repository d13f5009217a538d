/* reconcile.c - makes forecasts of several levels add up.
 *
 * In: forecasts/1 streams of one level or several each. Out: forecasts/1, every forecast of a parent the sum of its
 * children's, with the key "level" added. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rank/hierarchy.h"
#include "base/mem.h"
#include "apply/reconciler.h"
#include "frame/run.h"

enum { METHODS_MAX = 6 };

struct state {
    struct weft_list levels, methods, only;
    bool nonnegative;
    enum weft_reconcile_method method[METHODS_MAX];
    struct weft_hierarchy *h;
    bool *written; /* [levels] */
    struct weft_forecasts_attrs attrs;
    struct weft_forecasts f;
    struct weft_edit edit;
    struct weft_pack frame;
    struct weft_reconciler *reconciler;
    uint64_t no_sums; /* sheets of channels that do not add up */
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_LIST, 0, "levels", AT(LIST, levels), NULL, 0, 0, "LEVEL",
     "levels from the top down, as all,major,minor,id; id: what was not aggregated; by default those that come, those "
     "of fewer nodes higher",
     0},
    {WEFT_OPT_LIST, 0, "method", AT(LIST, methods), NULL, 0, 0, "METHOD",
     "none, bottom-up, top-down, ols, wls (default) or wls-var; several stand side by side", 0},
    {WEFT_OPT_LIST, 0, "only", AT(LIST, only), NULL, 0, 0, "LEVEL", "levels to write; all by default", 0},
    {WEFT_OPT_FLAG, 0, "nonnegative", AT(FLAG, nonnegative), NULL, 0, 0, NULL,
     "no forecast or quantile below 0; on for channels that are counts, money or prices by their names (units, qty, "
     "수량, sales, price) unless --no-nonnegative",
     0},
    {.type = WEFT_OPT_END},
};

/* --- in --- */

static int read_methods(struct state *s, struct weft_err *e)
{
    if (s->methods.n > METHODS_MAX)
        return weft_fail(e, WEFT_USAGE, "--method: more than %d", METHODS_MAX);
    s->method[0] = WEFT_RECONCILE_WLS;
    for (size_t i = 0; i < s->methods.n; i++) {
        int m = 0;
        while (m < WEFT_RECONCILE_METHODS && strcmp(s->methods.items[i], weft_reconcile_names[m]) != 0)
            m++;
        if (m == WEFT_RECONCILE_METHODS) {
            weft_fail(e, WEFT_USAGE, "--method: \"%s\"", s->methods.items[i]);
            return weft_fail_hint(e, "one of none, bottom-up, top-down, ols, wls, wls-var");
        }
        for (size_t k = 0; k < i; k++)
            if (s->method[k] == (enum weft_reconcile_method)m)
                return weft_fail(e, WEFT_USAGE, "--method: %s twice", weft_reconcile_names[m]);
        s->method[i] = (enum weft_reconcile_method)m;
    }
    return 0;
}

static int read_stream(struct weft_run *run, struct state *s, const char *name, bool first, struct weft_reader **kept,
                       struct weft_err *e)
{
    struct weft_reader *r = NULL;
    struct weft_span frame;
    int got = weft_reader_open(name, WEFT_FORECASTS_SCHEMA, weft_run_stream_opts(run), &r, e);
    if (got == 0)
        got = weft_hierarchy_head(s->h, weft_reader_head(r), e);
    while (got >= 0 && (got = weft_reader_next(r, &frame, e)) > 0) {
        weft_run_read(run, 1);
        got = weft_run_stopping(run) ? weft_run_interrupted(e) : weft_hierarchy_add(s->h, frame, e);
    }
    if (got < 0 && r && weft_reader_count(r))
        weft_fail_where(e, "%s: frame %llu", weft_reader_name(r), (unsigned long long)weft_reader_count(r));
    else if (got < 0)
        weft_fail_where(e, "%s", strcmp(name, "-") == 0 ? "standard input" : name);
    if (first && got >= 0)
        *kept = r;
    else
        weft_reader_close(&r);
    return got;
}

static int choose_written(struct state *s, struct weft_err *e)
{
    size_t n = weft_hierarchy_n_levels(s->h);
    s->written = WEFT_ARRAY(bool, n + 1);
    for (size_t k = 0; k < n; k++)
        s->written[k] = !s->only.n;
    for (size_t i = 0; i < s->only.n; i++) {
        size_t k = 0;
        while (k < n && strcmp(weft_hierarchy_level(s->h, k), s->only.items[i]) != 0)
            k++;
        if (k == n && n)
            return weft_fail(e, WEFT_USAGE, "--only: there is no level \"%s\"", s->only.items[i]);
        s->written[k] = true;
    }
    return 0;
}

/* --- out --- */

static int write_head(struct weft_run *run, struct state *s, const struct weft_head *from, struct weft_err *e)
{
    const struct weft_forecasts_attrs *a = weft_hierarchy_attrs(s->h);
    struct weft_forecasts_attrs out = *a;
    char *keys[WEFT_MAX_KEYS + 1], level[] = "level";
    for (size_t k = 0; k < a->n_keys; k++) {
        if (strcmp(a->keys[k], level) == 0)
            return weft_fail(e, WEFT_DATA, "the forecasts have a key \"level\" already");
        keys[k] = a->keys[k];
    }
    keys[out.n_keys++] = level;
    out.keys = keys;
    struct weft_pack b = {0};
    weft_forecasts_attrs_write(&out, from->attrs, &b);
    int rc = weft_run_head_from(run, from, WEFT_FORECASTS_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc;
}

/* The frame's keys and "level". */
static void set_keys(struct state *s, struct weft_span frame, const char *level)
{
    struct weft_value keys = {0};
    bool keyed = weft_map_find(frame, "keys", &keys) && keys.kind == WEFT_MAP;
    struct weft_pack *b = weft_edit_set(&s->edit, "keys");
    weft_pack_map(b, (keyed ? keys.count : 0) + 1);
    if (keyed)
        weft_pack_raw(b, keys.body);
    weft_pack_cstr(b, "level");
    weft_pack_cstr(b, level);
    weft_edit_done(&s->edit);
}

/* Quantiles move with their forecast. */
static void set_quantiles(struct state *s, const float *was, const float *is, bool clip)
{
    size_t cells = s->f.windows * s->f.horizon;
    const uint32_t dims[] = {(uint32_t)s->attrs.n_levels, (uint32_t)s->f.windows, (uint32_t)s->f.horizon};
    uint8_t *at = weft_pack_tensor(weft_edit_set(&s->edit, "quantiles"), WEFT_F32, 3, dims);
    for (size_t i = 0; i < s->attrs.n_levels * cells; i++) {
        float q = (float)((double)s->f.quantiles[i] + ((double)is[i % cells] - was[i % cells]));
        q = clip && q < 0 ? 0 : q;
        memcpy(at + i * sizeof q, &q, sizeof q);
    }
    weft_edit_done(&s->edit);
}

static int emit_node(struct weft_run *run, struct state *s, struct weft_span frame, size_t node, const char *suffix,
                     bool clip, struct weft_err *e)
{
    size_t skipped = 0;
    const float *was = weft_reconciler_base(s->reconciler, node), *is = weft_reconciler_result(s->reconciler, node);
    if (weft_forecasts_read(frame, &s->attrs, &s->f, e) < 0 || weft_edit_load(&s->edit, frame, e) < 0)
        return -1;
    for (size_t w = 0; w < s->f.windows; w++) {
        size_t k = 0;
        while (k < s->f.horizon && isnan(is[w * s->f.horizon + k]))
            k++;
        skipped += k == s->f.horizon;
    }
    set_keys(s, frame, weft_hierarchy_level(s->h, weft_hierarchy_level_of(s->h, node)));
    weft_pack_f32(weft_edit_set(&s->edit, "forecast"), 2, (uint32_t[]){(uint32_t)s->f.windows, (uint32_t)s->f.horizon},
                  is);
    weft_edit_done(&s->edit);
    if (s->f.quantiles)
        set_quantiles(s, was, is, clip);
    if (skipped)
        weft_edit_int(&s->edit, "skipped", (int64_t)skipped);
    if (*suffix) {
        char *name = weft_xasprintf("%.*s/%s", (int)s->f.model.n, (const char *)s->f.model.p, suffix);
        weft_edit_str(&s->edit, "model", name);
        free(name);
    }
    weft_pack_clear(&s->frame);
    weft_edit_write(&s->edit, &s->frame);
    return weft_run_emit(run, weft_pack_span(&s->frame), e);
}

static int emit_sheet(struct weft_run *run, struct state *s, size_t sheet, struct weft_err *e)
{
    const struct weft_span *frames = weft_hierarchy_frames(s->h, sheet);
    size_t methods = s->methods.n ? s->methods.n : 1;
    if (weft_reconciler_load(s->reconciler, sheet, e) < 0 || weft_forecasts_read(frames[0], &s->attrs, &s->f, e) < 0)
        return -1;
    bool sum = weft_channel_is_sum((const char *)s->f.channel.p, s->f.channel.n);
    s->no_sums += !sum;
    bool clip = weft_run_given(run, "nonnegative")
                    ? s->nonnegative
                    : weft_channel_is_count((const char *)s->f.channel.p, s->f.channel.n);
    for (size_t m = 0; m < methods; m++) {
        if (weft_reconciler_run(s->reconciler, sum ? s->method[m] : WEFT_RECONCILE_NONE, clip, e) < 0)
            return -1;
        for (size_t i = 0; i < weft_hierarchy_nodes(s->h); i++)
            if (s->written[weft_hierarchy_level_of(s->h, i)] &&
                emit_node(run, s, frames[i], i, methods > 1 ? weft_reconcile_names[s->method[m]] : "", clip, e) < 0)
                return -1;
    }
    return 0;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    struct weft_reader *first = NULL; /* its head begins ours */
    int n = weft_run_n_operands(run), rc = read_methods(s, e);
    s->h = weft_hierarchy_new(s->levels.items, s->levels.n);
    for (int i = 0; i < (n ? n : 1) && rc == 0; i++)
        rc = read_stream(run, s, n ? weft_run_operand(run, i) : "-", i == 0, &first, e);
    if (rc == 0)
        rc = weft_hierarchy_finish(s->h, e);
    if (rc == 0)
        rc = choose_written(s, e);
    if (rc == 0) {
        s->attrs = *weft_hierarchy_attrs(s->h);
        s->reconciler = weft_reconciler_new(s->h);
    }
    if (rc == 0)
        rc = write_head(run, s, weft_reader_head(first), e);
    for (size_t k = 0; rc == 0 && k < weft_hierarchy_sheets(s->h); k++)
        rc = emit_sheet(run, s, k, e);
    if (rc == 0)
        weft_run_reject(run, weft_hierarchy_unnamed(s->h) + weft_hierarchy_again(s->h));
    if (rc == 0 && s->no_sums)
        weft_run_warn(
            run,
            "forecasts of mentions (a mean) and brands (one sells in several groups) do not add up: left as they were");
    if (rc == 0 && weft_hierarchy_unnamed(s->h))
        weft_run_warn(run, "%llu forecasts of levels that --levels does not name are left out",
                      (unsigned long long)weft_hierarchy_unnamed(s->h));
    if (rc == 0 && weft_hierarchy_again(s->h))
        weft_run_warn(run, "%llu forecasts came twice", (unsigned long long)weft_hierarchy_again(s->h));
    weft_reader_close(&first);
    return rc;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_hierarchy_free(&s->h);
    weft_reconciler_free(&s->reconciler);
    free(s->written);
    weft_forecasts_free(&s->f);
    weft_edit_free(&s->edit);
    weft_pack_free(&s->frame);
}

static const struct weft_filter filter = {
    .usage =
        {.name = "reconcile",
         .summary = "makes forecasts of several levels add up",
         .synopsis = "reconcile [--levels LEVEL,...] [--method METHOD,...] [OPTION...] [FILE...]",
         .reads = "forecasts streams, each of one level or several (standard input without FILE)",
         .writes = "a forecasts stream with the key \"level\"",
         .examples = "for l in all store; do weft aggregate --by $l -i items.weft | weft score -m $l.safetensors -o "
                     "$l.forecasts; done\n"
                     "weft score -m items.safetensors -i items.weft | weft reconcile all.forecasts store.forecasts - | "
                     "weft rank --by level\n"
                     "weft reconcile --levels all,store,id --method none,bottom-up,wls all.weft store.weft items.weft "
                     "| weft evaluate --by level\n"
                     "weft reconcile --only minor -o minor.weft major.forecasts minor.forecasts items.forecasts",
         .see_also = "aggregate, score, evaluate, rank, frames",
         .notes =
             "Forecast each level by itself, of the same windows or from the same end, with models of the same name; "
             "reconcile reads them together. Levels "
             "are those of aggregate, each within the one above: --by major,brand makes the level major/brand, and "
             "what was not aggregated is the "
             "level id. A node's parent is found by its keys. Channels must be sums; mentions (a mean) and brands (one "
             "sells in several groups) are left as they were.\n"
             "bottom-up: the lowest level, added up. top-down: the highest, shared by forecast proportions. ols: the "
             "nearest forecasts that add up. wls: "
             "the same, weighted by 1 / number of series below (structural scaling). wls-var: weighted by 1 / "
             "variance, from the covariances "
             "that models give with --part latest, else from each series' seasonal naive error. none: as they were, to "
             "compare. Several methods: the "
             "model is called MODEL/METHOD.\n"
             "Sums are exact: at every level float32 values add up to their parent's float32 without rounding; values "
             "are rounded to 2^-22 of their "
             "parent for that. Where a forecast of a tree is missing, the tree has none for that step. No negative "
             "leaf is kept: it becomes 0, and "
             "what is above follows.\n"
             "Quantiles are shifted by as much as their forecast; they and the covariance are not reconciled, and do "
             "not add up.\n"
             "Memory: the input streams, and beside them 8 bytes a node, window and step of one model and channel."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_NONE,
    .out = WEFT_IO_STREAM,
    .max_operands = -1,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
