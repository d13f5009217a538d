/* reconcile.c - makes forecasts of several levels add up.
 *
 * In: forecasts/1 streams of one level or several each. Out: forecasts/1, every forecast of a parent the sum of its
 * children's, with the key "level" added. */
#include <stddef.h>
#include <string.h>

#include "base/stop.h"
#include "apply/reconciled.h"
#include "frame/run.h"

enum { METHODS_MAX = 6 };

struct state {
    struct weft_list levels, methods, only;
    bool nonnegative;
    enum weft_reconcile_method method[METHODS_MAX];
    struct weft_hierarchy *h;
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
        got = weft_stop_check(e) < 0 ? -1 : weft_hierarchy_add(s->h, frame, e);
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
    const struct weft_reconciled_options o = {.method = s->method,
                                              .n_methods = s->methods.n ? s->methods.n : 1,
                                              .only = &s->only,
                                              .nonnegative =
                                                  weft_run_given(run, "nonnegative") ? &s->nonnegative : NULL};
    if (rc == 0)
        rc = weft_reconciled_write(run, s->h, weft_reader_head(first), &o, e);
    weft_reader_close(&first);
    return rc;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_hierarchy_free(&s->h);
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
