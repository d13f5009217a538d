/* rank_print.c - a ranking's warnings, notes and stream. */
#include "rank/rank_print.h"

#include "base/calendar.h"

#define FEW "the model's validation part holds %.1f independent errors, and %g are the least; train with a longer one"

void weft_rank_warn(const struct weft_rank_groups *r, struct weft_run *run)
{
    struct weft_rank_notes n;
    uint64_t missing = weft_rank_groups_missing(r);
    weft_rank_groups_notes(r, &n);
    if (missing)
        weft_run_warn(run, "%llu forecasts are missing values and were left out%s%s", (unsigned long long)missing,
                      n.why ? "; the first: " : "", n.why ? n.why : "");
    if (n.without_profile)
        weft_run_warn(run,
                      "%llu series have less than a season of history: their days count as they are, and the growth "
                      "measures the season, too",
                      (unsigned long long)n.without_profile);
    if (n.few && !n.spans.none)
        weft_run_warn(run, "%llu rows have no interval: " FEW, (unsigned long long)n.few, n.few_most, WEFT_FREEDOM_MIN);
    if (n.spans.none)
        weft_run_warn(run,
                      "a horizon of %zu has no growth, since it holds no two seasons to compare: rows stand by volume; "
                      "forecast %zu steps, or give --near and --far",
                      n.spans.far.to, 2 * n.spans.season);
}

/* What was compared, and what of it can be relied on. */
static void print_growth(const struct weft_ranking_attrs *a, const struct weft_rank_notes *n, FILE *f)
{
    if (n->spans.none) {
        fprintf(f,
                "\n%s: no growth, since a horizon of %zu holds no two seasons to compare; forecast %zu steps, or give "
                "--near and --far\n",
                a->model, n->spans.far.to, 2 * n->spans.season);
        return;
    }
    const char *unit = weft_step_unit(a->step);
    fprintf(f, "\n%s: mean of %ss %lld-%lld / mean of %ss %lld-%lld; thin: next to nothing is sold, drawn towards 1\n",
            a->model, unit, (long long)a->far[0], (long long)a->far[1], unit, (long long)a->near[0],
            (long long)a->near[1]);
    if (n->spans.unlike)
        fprintf(f,
                "these are not the same %ss of the season: each side is divided by the group's own profile of its last "
                "eight seasons\n",
                unit);
    if (n->without_profile)
        fprintf(f, "%llu series have no such profile: their days count as they are\n",
                (unsigned long long)n->without_profile);
    if (n->no_ratio)
        fprintf(f, "%llu groups never sell on such days, and have no growth\n", (unsigned long long)n->no_ratio);
    if (n->few)
        fprintf(f, "%llu have no interval: " FEW "\n", (unsigned long long)n->few, n->few_most, WEFT_FREEDOM_MIN);
    if (n->tested && n->sure)
        fprintf(f, "sure: %llu of %llu grow or fall; %g%% of these wrong, at most, in expectation\n",
                (unsigned long long)n->sure, (unsigned long long)n->tested, 100 * a->fdr);
    else if (n->tested)
        fputs("sure: nothing; all of this may be chance\n", f);
}

static void print_left_out(const struct weft_rank_notes *n, FILE *f)
{
    if (n->other_models)
        fprintf(f, "%llu of another model, which alone forecast them: see the column model\n",
                (unsigned long long)n->other_models);
    if (n->groups_left_out)
        fprintf(f, "left out: %llu without any forecast\n", (unsigned long long)n->groups_left_out);
    if (n->series_left_out)
        fprintf(f, "left out: %llu series of groups that have others\n", (unsigned long long)n->series_left_out);
}

void weft_rank_notes_print(const struct weft_rank_groups *r, bool history, bool reasons, FILE *f)
{
    struct weft_ranking_attrs a;
    struct weft_rank_notes n;
    weft_rank_groups_attrs(r, &a);
    weft_rank_groups_notes(r, &n);
    print_growth(&a, &n, f);
    print_left_out(&n, f);
    if (history)
        fprintf(f, "beyond: growth / growth of the same %ss a year before\n", weft_step_unit(a.step));
    if (history && !reasons)
        fputs("active, each: products with sales on the far days, and what each of them sells a day\n", f);
    if (reasons)
        fprintf(f, "reason: what these %ss, being other than average, add to the growth\n", weft_step_unit(a.step));
}

int weft_rank_emit(const struct weft_rank_groups *r, const struct weft_table *t, struct weft_run *run,
                   struct weft_err *e)
{
    struct weft_ranking_attrs a;
    struct weft_pack b = {0};
    weft_rank_groups_attrs(r, &a);
    weft_ranking_attrs_write(&a, &b);
    int rc = weft_run_head(run, WEFT_RANKING_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc < 0 ? rc : weft_table_emit(t, NULL, run, e);
}
