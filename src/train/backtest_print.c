/* backtest_print.c - the tables of a backtest, and what they are about. */
#include "weft/backtest_print.h"

#include <stdint.h>

#include "weft/view.h"

static void print_notes(const struct weft_backtest_report *r, FILE *f)
{
    const struct weft_origins *o = &r->o->origins;
    fprintf(f, "\n%zu origin%s from %s to %s, horizon %zu", o->n, o->n > 1 ? "s" : "", r->o->dates[0], r->o->dates[o->n - 1], o->horizon);
    if (o->n > 1)
        fprintf(f, ", every %zu", o->every);
    if (o->gap)
        fprintf(f, ", gap %zu", o->gap);
    if (r->refit_every > 1)
        fprintf(f, "; trained anew after %zu origins, lookback %zu", r->refit_every, r->lookback);
    else if (r->refit_every)
        fprintf(f, "; trained anew for each, lookback %zu", r->lookback);
    fputs("\nin units of the data", f);
    if (r->seasonal != SIZE_MAX)
        fprintf(f, "; vs season: 1 - WAPE / WAPE of %s", weft_backtest_name(r->backtest, r->seasonal));
    if (r->lag != SIZE_MAX)
        fprintf(f, "; vs lag-growth: of %s", weft_backtest_name(r->backtest, r->lag));
    putc('\n', f);
}

void weft_backtest_print(const struct weft_backtest_report *r, FILE *f)
{
    const char *ranked = weft_backtest_ranked(r->backtest);
    if (r->accuracy) {
        weft_table_print(r->accuracy, f);
        print_notes(r, f);
    }
    if (!r->ranking || !ranked || !weft_table_rows(r->ranking))
        return;
    fprintf(f, "%sRanking of %s by growth: mean of days %zu-%zu / mean of days %zu-%zu, predicted against what it became\n\n", r->accuracy ? "\n" : "", ranked,
            r->o->far.from, r->o->far.to, r->o->near.from, r->o->near.to);
    weft_table_print(r->ranking, f);
    fputs("\nmeans over the origins; regret: growth of the best less that of the first chosen; error: mean |predicted - became|; random: in expectation\n", f);
}

void weft_backtest_json(const struct weft_backtest_report *r, FILE *f)
{
    const struct weft_origins *o = &r->o->origins;
    const char *ranked = weft_backtest_ranked(r->backtest);
    fputs("{\"origins\": [", f);
    for (size_t k = 0; k < o->n; k++)
        fprintf(f, "%s\"%s\"", k ? ", " : "", r->o->dates[k]);
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
        fprintf(f, ", \"near\": [%zu, %zu], \"far\": [%zu, %zu],\n \"ranking\": ", r->o->near.from, r->o->near.to, r->o->far.from, r->o->far.to);
        weft_table_json(r->ranking, f);
        weft_pack_free(&name);
    }
    fputs("}\n", f);
}
