/* backtest_print.c - the tables of a backtest, and what they are about. */
#include "apply/backtest_print.h"

#include "base/calendar.h"
#include "show/view.h"

static void print_notes(const struct weft_backtest_report *r, FILE *f)
{
    const struct weft_backtest_plan *p = r->plan;
    const struct weft_origins *o = &p->o.origins;
    const char *seasonal, *lag;
    fprintf(f, "\n%zu origin%s from %s to %s, horizon %zu", o->n, o->n > 1 ? "s" : "", p->dates[0], p->dates[o->n - 1],
            o->horizon);
    if (o->n > 1)
        fprintf(f, ", every %zu", o->every);
    if (o->gap)
        fprintf(f, ", gap %zu", o->gap);
    if (p->refit.n && p->refit_every > 1)
        fprintf(f, "; trained anew after %lld origins, lookback %lld", (long long)p->refit_every,
                (long long)p->lookback);
    else if (p->refit.n)
        fprintf(f, "; trained anew for each, lookback %lld", (long long)p->lookback);
    fputs("\nin units of the data", f);
    weft_backtest_bars(p->backtest, &seasonal, &lag);
    if (seasonal)
        fprintf(f, "; vs season: 1 - WAPE / WAPE of %s", seasonal);
    if (lag)
        fprintf(f, "; vs lag-growth: of %s", lag);
    putc('\n', f);
}

static void print_ranking(const struct weft_backtest_report *r, const char *ranked, FILE *f)
{
    const struct weft_backtest_options *o = &r->plan->o;
    fprintf(
        f,
        "%sRanking of %s by growth: mean of days %zu-%zu / mean of days %zu-%zu, predicted against what it became\n\n",
        r->accuracy ? "\n" : "", ranked, o->spans.far.from, o->spans.far.to, o->spans.near.from, o->spans.near.to);
    weft_table_print(r->ranking, f);
    fputs("\nmeans over the origins; regret: growth of the best less that of the first chosen; error: mean |predicted "
          "- became|; random: in expectation\n",
          f);
    if (o->spans.unlike)
        fputs("near and far days are not the same days of the season: each side is divided by the series' own profile "
              "of its last eight seasons\n",
              f);
}

static void print_orders(const struct weft_backtest_report *r, FILE *f)
{
    const struct weft_backtest_plan *p = r->plan;
    const char *unit = weft_step_unit(p->attrs.step);
    fprintf(f, "%sStock as these orders would have left it: an order every %lld %ss, %zu %ss under way\n\n",
            r->accuracy || r->ranking ? "\n" : "", (long long)p->o.origins.every, unit, p->orders.lead, unit);
    weft_table_print(r->orders, f);
    fprintf(f,
            "\n%zu orders from %s on; sales that found no stock are lost; no stock-out: share of the cycles, from one "
            "arrival to the next; served: of the pieces asked for; left over: at the ends of the cycles, of them\n"
            "velocity: mean of the last %d days x days; mean + z sd: of the last %d days, sd x root of the days\n",
            p->o.origins.n, p->dates[0], WEFT_VELOCITY_DAYS, WEFT_TEXTBOOK_DAYS);
}

void weft_backtest_print(const struct weft_backtest_report *r, FILE *f)
{
    const struct weft_backtest_options *o = &r->plan->o;
    const char *ranked = weft_backtest_ranked(r->plan->backtest);
    if (r->accuracy) {
        weft_table_print(r->accuracy, f);
        print_notes(r, f);
    }
    if (o->spans.none && r->ranking)
        fprintf(f,
                "%sno ranking by growth: a horizon of %zu holds no two seasons to compare; give --horizon %zu, or "
                "--near and --far\n",
                r->accuracy ? "\n" : "", o->origins.horizon, 2 * o->spans.season);
    if (r->ranking && ranked && weft_table_rows(r->ranking))
        print_ranking(r, ranked, f);
    if (r->orders)
        print_orders(r, f);
}

void weft_backtest_json(const struct weft_backtest_report *r, FILE *f)
{
    const struct weft_origins *o = &r->plan->o.origins;
    const struct weft_growth_days near = r->plan->o.spans.near, far = r->plan->o.spans.far;
    const char *ranked = weft_backtest_ranked(r->plan->backtest);
    fputs("{\"origins\": [", f);
    for (size_t k = 0; k < o->n; k++)
        fprintf(f, "%s\"%s\"", k ? ", " : "", r->plan->dates[k]);
    fprintf(f, "], \"every\": %zu, \"gap\": %zu, \"horizon\": %zu", o->every, o->gap, o->horizon);
    if (r->accuracy) {
        fputs(",\n \"accuracy\": ", f);
        weft_table_json(r->accuracy, f);
    }
    if (r->ranking && ranked) {
        struct weft_pack name = {0};
        weft_pack_cstr(&name, ranked);
        fputs(",\n \"ranked\": ", f);
        weft_view_json(f, weft_pack_span(&name), 0);
        fprintf(f, ", \"near\": [%zu, %zu], \"far\": [%zu, %zu],\n \"ranking\": ", near.from, near.to, far.from,
                far.to);
        weft_table_json(r->ranking, f);
        weft_pack_free(&name);
    }
    if (r->orders) {
        fprintf(f, ",\n \"lead\": %zu, \"orders\": ", r->plan->orders.lead);
        weft_table_json(r->orders, f);
    }
    fputs("}\n", f);
}

static void pack_attrs(const struct weft_backtest_plan *p, const char *ranked, struct weft_pack *b)
{
    const struct weft_origins *o = &p->o.origins;
    weft_pack_map(b, 6);
    weft_pack_cstr(b, "origins");
    weft_pack_array(b, (uint32_t)o->n);
    for (size_t k = 0; k < o->n; k++)
        weft_pack_cstr(b, p->dates[k]);
    weft_pack_cstr(b, "every");
    weft_pack_uint(b, o->every);
    weft_pack_cstr(b, "gap");
    weft_pack_uint(b, o->gap);
    weft_pack_cstr(b, "horizon");
    weft_pack_uint(b, o->horizon);
    weft_pack_cstr(b, "level");
    weft_pack_real(b, p->o.level);
    weft_pack_cstr(b, "ranked");
    weft_pack_cstr(b, ranked ? ranked : "");
}

int weft_backtest_emit(const struct weft_backtest_report *r, struct weft_run *run, struct weft_err *e)
{
    const char *ranked = weft_backtest_ranked(r->plan->backtest);
    struct weft_pack attrs = {0};
    pack_attrs(r->plan, ranked, &attrs);
    int rc = weft_run_head(run, WEFT_BACKTEST_SCHEMA, weft_pack_span(&attrs), e);
    weft_pack_free(&attrs);
    if (rc == 0 && r->accuracy)
        rc = weft_table_emit(r->accuracy, "accuracy", run, e);
    if (rc == 0 && r->ranking && ranked)
        rc = weft_table_emit(r->ranking, "ranking", run, e);
    return rc == 0 && r->orders ? weft_table_emit(r->orders, "orders", run, e) : rc;
}
