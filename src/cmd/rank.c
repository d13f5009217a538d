/* rank.c - groups ordered by the growth of their forecasts; products by what is predicted for them.
 *
 * In: forecasts/1, part latest. Out: a table, CSV, JSON, or ranking/1. In: demand/1. Out: a table, CSV or JSON. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "weft/demand_rank.h"
#include "weft/forecasts.h"
#include "weft/growth.h"
#include "weft/mem.h"
#include "weft/names.h"
#include "weft/run.h"
#include "weft/table.h"

enum { TABLE, CSV, JSON, FRAMES, BAR = 24 };

struct row {
    struct weft_growth_sums sums;
    struct weft_growth growth;
    size_t group, channel;
};

struct state {
    const char *by, *near_text, *far_text, *model, *channel, *label, *outlook;
    int64_t top;
    int format;
    double level, shrink;
    struct weft_growth_days near, far;
    struct weft_forecasts_attrs attrs;
    struct weft_forecasts f;
    int by_key;
    struct weft_names groups, channels, rows; /* rows: by group and channel */
    struct row *row;
    size_t cap;
    char chosen[256]; /* the model that is ranked */
    uint64_t other_parts, other_models, missing;
    struct weft_table *table;
    struct weft_predictions_attrs said; /* of a demand stream */
    struct weft_prediction prediction;
    struct weft_demand_ranking *products; /* NULL: a forecasts stream */
};

#define AT(member) offsetof(struct state, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 0, "by", AT(by), "id", 0, 0, "LEVEL", "what is ranked: a key, or id for each series as it is; of products, the key that names their group", 0},
    {WEFT_OPT_STR, 0, "near", AT(near_text), NULL, 0, 0, "FROM:TO", "near days, counted from 1; by default the first fifth of the horizon", 0},
    {WEFT_OPT_STR, 0, "far", AT(far_text), NULL, 0, 0, "FROM:TO", "far days; by default the last fifth of the horizon", 0},
    {WEFT_OPT_INT, 0, "top", AT(top), "0", 0, 1000000000, "N", "the first N alone; 0: all", 0},
    {WEFT_OPT_STR, 0, "model", AT(model), NULL, 0, 0, "NAME", "which model's forecasts; by default the first one that is no baseline", 0},
    {WEFT_OPT_STR, 0, "channel", AT(channel), NULL, 0, 0, "NAME", "this channel alone; by default each has a ranking", 0},
    {WEFT_OPT_STR, 0, "label", AT(label), NULL, 0, 0, "NAME", "of products: the quantity to order by; by default the last one predicted (sales)", 0},
    {WEFT_OPT_STR, 0, "growth", AT(outlook), NULL, 0, 0, "FILE",
     "of products: a ranking of their groups (rank --format frames); what is predicted is multiplied with the growth of the group", WEFT_OPT_FILE},
    {WEFT_OPT_REAL, 0, "level", AT(level), "0.9", 0.01, 0.9999, "P", "of the interval", 0},
    {WEFT_OPT_REAL, 0, "shrink", AT(shrink), "0.01", 0, 1000, "SHARE", "of the average group's volume, added to near and far: what next to nothing sells can't win by chance", 0},
    {WEFT_OPT_CHOICE, 0, "format", AT(format), "table", 0, 0, "table|csv|json|frames", "of the result", WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static int read_days(const struct state *s, const char *option, const char *text, struct weft_growth_days usual, struct weft_growth_days *d,
                     struct weft_err *e)
{
    *d = usual;
    if (text && !weft_growth_days_parse(text, d))
        return weft_fail(e, WEFT_USAGE, "--%s: days are FROM:TO, as in 1:10, not \"%s\"", option, text);
    if ((int64_t)d->to > s->attrs.horizon)
        return weft_fail(e, WEFT_CONFIG, "--%s: day %zu lies behind the horizon of %lld", option, d->to, (long long)s->attrs.horizon);
    return 0;
}

static int start_products(struct weft_run *run, struct state *s, struct weft_err *e)
{
    static const char *const unused[] = {"near", "far", "level", "shrink"};
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
        if (weft_run_given(run, unused[i]))
            return weft_fail(e, WEFT_USAGE, "--%s is for forecasts of series, and this is a demand stream", unused[i]);
    if (s->format == FRAMES)
        return weft_fail(e, WEFT_USAGE, "--format frames is for forecasts of series; products are ranked as table, csv or json");
    struct weft_demand_rank_options o = {s->model, s->label, weft_run_given(run, "by") ? s->by : NULL, s->outlook, s->channel};
    if (weft_predictions_attrs_read(weft_run_in_head(run), &s->said, e) < 0)
        return -1;
    return weft_demand_ranking_new(&s->said, &o, weft_run_stream_opts(run), &s->products, e);
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_head *head = weft_run_in_head(run);
    if (strcmp(head->schema, WEFT_DEMAND_SCHEMA) == 0)
        return start_products(run, s, e);
    if (strcmp(head->schema, WEFT_FORECASTS_SCHEMA) != 0)
        return weft_fail(e, WEFT_DATA, "a %s stream, and this program reads %s or %s", head->schema, WEFT_FORECASTS_SCHEMA, WEFT_DEMAND_SCHEMA);
    if (s->label || s->outlook)
        return weft_fail(e, WEFT_USAGE, "--label and --growth are for products (a demand stream)");
    if (weft_forecasts_attrs_read(head, &s->attrs, e) < 0)
        return -1;
    size_t h = (size_t)s->attrs.horizon, fifth = h / 5 ? h / 5 : 1;
    if (read_days(s, "near", s->near_text, (struct weft_growth_days){1, fifth}, &s->near, e) < 0 ||
        read_days(s, "far", s->far_text, (struct weft_growth_days){h - fifth + 1, h}, &s->far, e) < 0)
        return -1;
    if (s->far.from <= s->near.to)
        return weft_fail(e, WEFT_CONFIG, "far days (%zu:%zu) begin before the near ones (%zu:%zu) end", s->far.from, s->far.to, s->near.from, s->near.to);
    s->by_key = weft_forecasts_key(&s->attrs, s->by);
    if (s->by_key != WEFT_KEY_NONE)
        return 0;
    weft_fail(e, WEFT_CONFIG, "--by: the forecasts have no key \"%s\"", s->by);
    return weft_fail_hint(e, "`frames head -n 1 | frames show` shows which they have");
}

/* Is the frame of the model that is ranked? The first model that is no baseline is, unless --model names another. */
static bool is_chosen(struct state *s)
{
    const struct weft_forecasts *f = &s->f;
    if (!*s->chosen && (s->model || !f->baseline))
        snprintf(s->chosen, sizeof s->chosen, "%.*s", s->model ? (int)strlen(s->model) : (int)f->model.n, s->model ? s->model : (const char *)f->model.p);
    return strlen(s->chosen) == f->model.n && memcmp(s->chosen, f->model.p, f->model.n) == 0;
}

static struct row *find_row(struct state *s)
{
    struct weft_span text = weft_forecasts_key_text(&s->f, s->by_key);
    size_t key[2] = {text.p ? weft_names_add(&s->groups, text.p, text.n) : weft_names_add(&s->groups, "(none)", 6),
                     weft_names_add(&s->channels, s->f.channel.p, s->f.channel.n)};
    size_t known = s->rows.n, i = weft_names_add(&s->rows, key, sizeof key);
    if (i >= s->cap) {
        s->cap = weft_grow(s->cap, i + 1);
        s->row = weft_xrealloc2(s->row, s->cap, sizeof *s->row);
    }
    if (i == known)
        s->row[i] = (struct row){.group = key[0], .channel = key[1]};
    return &s->row[i];
}

static int add_product(struct state *s, struct weft_span in, struct weft_err *e)
{
    if (weft_prediction_read(in, &s->said, &s->prediction, e) < 0)
        return -1;
    weft_demand_ranking_add(s->products, &s->prediction);
    return 0;
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_forecasts *f = &s->f;
    if (s->products)
        return add_product(s, in, e);
    if (weft_forecasts_read(in, &s->attrs, &s->f, e) < 0)
        return -1;
    bool latest = f->part.n == 6 && memcmp(f->part.p, "latest", 6) == 0;
    if (!latest) {
        s->other_parts++;
    } else if (!is_chosen(s)) {
        s->other_models++;
    } else if (!s->channel || (f->channel.n == strlen(s->channel) && memcmp(f->channel.p, s->channel, f->channel.n) == 0)) {
        const float *last = f->forecast + (f->windows - 1) * f->horizon;
        if (!weft_growth_add(&find_row(s)->sums, last, f->covariance, f->horizon, s->near, s->far)) {
            s->missing++;
            weft_run_reject(run, 1);
        }
    }
    return 0;
}

/* --- order --- */

struct order {
    const struct row *row;
    const struct weft_names *groups;
};

static int by_growth(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    double p = x->row->growth.shrunk, q = y->row->growth.shrunk;
    if (x->row->channel != y->row->channel)
        return x->row->channel < y->row->channel ? -1 : 1;
    if (isnan(p) != isnan(q)) /* what has no index stands last */
        return isnan(p) ? 1 : -1;
    if (p != q && !isnan(p))
        return p < q ? 1 : -1;
    return strcmp(x->groups->at[x->row->group].p, y->groups->at[y->row->group].p);
}

/* A group's channel sells `near` a day; the pseudo volume is a share of the mean over the groups. */
static void find_growth(struct state *s)
{
    double z = weft_growth_z(s->level);
    for (size_t c = 0; c < s->channels.n; c++) {
        double sum = 0;
        size_t n = 0;
        for (size_t i = 0; i < s->rows.n; i++)
            if (s->row[i].channel == c && s->row[i].sums.near > 0) {
                sum += s->row[i].sums.near;
                n++;
            }
        for (size_t i = 0; i < s->rows.n; i++)
            if (s->row[i].channel == c)
                s->row[i].growth = weft_growth_of(&s->row[i].sums, n ? s->shrink * sum / (double)n : 0, z);
    }
}

/* --- the table --- */

static void put_bar(struct weft_table *t, size_t column, double growth, double most)
{
    char bar[3 * BAR + 1];
    size_t n = most > 0 && growth > 0 ? (size_t)lround(growth / most * BAR) : 0;
    for (size_t i = 0; i < n && i < BAR; i++)
        memcpy(bar + 3 * i, "\xe2\x96\x87", 3);
    weft_table_text(t, column, bar, 3 * (n < BAR ? n : BAR));
}

static void fill_table(struct state *s)
{
    struct order *order = WEFT_ARRAY(struct order, s->rows.n);
    char low[24], high[24];
    double most = 0, percent = round(s->level * 1e4) / 100;
    struct weft_table *t = s->table = weft_table_new();
    snprintf(low, sizeof low, "low %g%%", percent);
    snprintf(high, sizeof high, "high %g%%", percent);
    size_t channel = weft_table_column(t, "channel", "channel", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME),
           rank = weft_table_column(t, "rank", "rank", WEFT_CELL_INT, 0, 0), group = weft_table_column(t, "group", s->by, WEFT_CELL_TEXT, 0, 0),
           growth = weft_table_column(t, "growth", "growth", WEFT_CELL_REAL, 3, 0), lo = weft_table_column(t, "low", low, WEFT_CELL_REAL, 3, 0),
           hi = weft_table_column(t, "high", high, WEFT_CELL_REAL, 3, 0), raw = weft_table_column(t, "raw", "far/near", WEFT_CELL_REAL, 3, 0),
           near = weft_table_column(t, "near", "near/day", WEFT_CELL_REAL, -1, 0), far = weft_table_column(t, "far", "far/day", WEFT_CELL_REAL, -1, 0),
           series = weft_table_column(t, "series", "series", WEFT_CELL_INT, 0, WEFT_COLUMN_SAME), mark = weft_table_column(t, "mark", "", WEFT_CELL_TEXT, 0, 0),
           bar = weft_table_column(t, "bar", "", WEFT_CELL_TEXT, 0, WEFT_COLUMN_DRAWN);
    for (size_t i = 0; i < s->rows.n; i++) {
        order[i] = (struct order){&s->row[i], &s->groups};
        most = s->row[i].growth.shrunk > most ? s->row[i].growth.shrunk : most;
    }
    qsort(order, s->rows.n, sizeof *order, by_growth);
    for (size_t i = 0, place = 0; i < s->rows.n; i++) {
        const struct row *r = order[i].row;
        const char *note = !(r->sums.near > 0) ? "no sales" : r->growth.thin ? "thin" : "";
        place = i && r->channel == order[i - 1].row->channel ? place + 1 : 1;
        if (!r->sums.series || (s->top && place > (size_t)s->top))
            continue;
        weft_table_row(t);
        weft_table_text(t, channel, s->channels.at[r->channel].p, s->channels.at[r->channel].n);
        weft_table_int(t, rank, (int64_t)place);
        weft_table_text(t, group, s->groups.at[r->group].p, s->groups.at[r->group].n);
        weft_table_real(t, growth, r->growth.shrunk);
        weft_table_real(t, lo, r->growth.low);
        weft_table_real(t, hi, r->growth.high);
        weft_table_real(t, raw, r->growth.index);
        weft_table_real(t, near, r->sums.near);
        weft_table_real(t, far, r->sums.far);
        weft_table_int(t, series, (int64_t)r->sums.series);
        if (*note)
            weft_table_text(t, mark, note, strlen(note));
        put_bar(t, bar, r->growth.shrunk, most);
    }
    free(order);
}

static int emit_frames(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_pack b = {0};
    weft_pack_map(&b, 6);
    weft_pack_cstr(&b, "by");
    weft_pack_cstr(&b, s->by);
    weft_pack_cstr(&b, "model");
    weft_pack_cstr(&b, s->chosen);
    weft_pack_cstr(&b, "horizon");
    weft_pack_int(&b, s->attrs.horizon);
    weft_pack_cstr(&b, "near");
    weft_pack_array(&b, 2);
    weft_pack_uint(&b, s->near.from);
    weft_pack_uint(&b, s->near.to);
    weft_pack_cstr(&b, "far");
    weft_pack_array(&b, 2);
    weft_pack_uint(&b, s->far.from);
    weft_pack_uint(&b, s->far.to);
    weft_pack_cstr(&b, "level");
    weft_pack_real(&b, s->level);
    int rc = weft_run_head(run, WEFT_RANKING_SCHEMA, weft_pack_span(&b), e);
    for (size_t i = 0; i < weft_table_rows(s->table) && rc == 0; i++) {
        weft_pack_clear(&b);
        weft_table_frame(s->table, i, false, &b);
        rc = weft_run_emit(run, weft_pack_span(&b), e);
    }
    weft_pack_free(&b);
    return rc;
}

static int nothing_to_rank(const struct state *s, struct weft_err *e)
{
    if (s->other_models && s->model)
        weft_fail(e, WEFT_DATA, "no forecast of model %s for the latest days", s->model);
    else if (s->other_models)
        weft_fail(e, WEFT_DATA, "only baselines came");
    if (s->other_models)
        return weft_fail_hint(e, "choose one with --model NAME");
    weft_fail(e, WEFT_DATA, s->missing ? "every forecast is a missing value" : "no forecast of the latest days came");
    return weft_fail_hint(e, s->missing ? "do the series end with missing values?" : "score makes them with --part latest, its default");
}

static int rank_products(struct weft_run *run, struct state *s, struct weft_err *e)
{
    if (!weft_demand_ranking_table(s->products, (size_t)s->top, s->table = weft_table_new()))
        return weft_fail(e, WEFT_DATA, "no predictions came");
    if (weft_demand_ranking_unknown(s->products))
        weft_run_warn(run, "%llu products are of groups that %s does not have: their growth counts as 1",
                      (unsigned long long)weft_demand_ranking_unknown(s->products), s->outlook);
    return 0;
}

static int rank_groups(struct weft_run *run, struct state *s, struct weft_err *e)
{
    uint64_t ranked = 0;
    for (size_t i = 0; i < s->rows.n; i++)
        ranked += s->row[i].sums.series;
    if (!ranked)
        return nothing_to_rank(s, e);
    if (s->missing)
        weft_run_warn(run, "%llu forecasts are missing values and were left out", (unsigned long long)s->missing);
    find_growth(s);
    fill_table(s);
    return 0;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    FILE *f = weft_run_text(run);
    if ((s->products ? rank_products(run, s, e) : rank_groups(run, s, e)) < 0)
        return -1;
    if (s->format == FRAMES)
        return emit_frames(run, s, e);
    if (s->format == CSV) {
        weft_table_csv(s->table, f);
    } else if (s->format == JSON) {
        weft_table_json(s->table, f);
        putc('\n', f);
    } else {
        weft_table_print(s->table, f);
        if (s->outlook)
            fputs("\noutlook: what is predicted times the growth of the group\n", f);
        if (s->products)
            return 0;
        fprintf(f, "\n%s: mean of days %zu-%zu / mean of days %zu-%zu; thin: next to nothing is sold, drawn towards 1\n", s->chosen, s->far.from, s->far.to,
                s->near.from, s->near.to);
    }
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    free(s->row);
    weft_names_free(&s->groups);
    weft_names_free(&s->channels);
    weft_names_free(&s->rows);
    weft_table_free(&s->table);
    weft_demand_ranking_free(&s->products);
    weft_product_free(&s->prediction.product);
    weft_predictions_attrs_free(&s->said);
    weft_forecasts_free(&s->f);
    weft_forecasts_attrs_free(&s->attrs);
}

static const struct weft_filter filter = {
    .usage = {.name = "rank",
              .summary = "orders categories by the growth of their forecasts, and products by what is predicted for them",
              .synopsis = "rank [--by LEVEL] [--near FROM:TO] [--far FROM:TO] [--top N] [--format table|csv|json|frames]\n"
                          "rank [--label NAME] [--growth FILE] [--top N] [--format table|csv|json]",
              .reads = "a forecasts stream of the latest days, or a demand stream (score)",
              .writes = "a table, CSV, JSON, or a ranking stream",
              .examples = "ingest train.csv | aggregate --by minor | score -m model.safetensors | rank --top 10\n"
                          "score -m model.safetensors -i series.weft | rank --by minor --near 1:10 --far 41:50 --format csv -o ranking.csv\n"
                          "score -m demand.safetensors -i products.weft | rank --label sales --growth categories.weft --top 20",
              .see_also = "score, aggregate, evaluate",
              .notes = "Growth is the mean forecast of the far days over that of the near days. Its interval comes from the model's own errors on the "
                       "validation part, with the correlation between days (delta method). A small volume (--shrink) is added to both, so that a category that "
                       "sells next to nothing can't win by chance: far/near shows the index without it, and such rows are marked thin.\n"
                       "Series of one group are added up; their errors are then taken as independent. For honest intervals of categories let aggregate "
                       "add them up before score.\n"
                       "Products are ordered by a predicted quantity. With --growth that is multiplied with the growth of their group (a key that both have: "
                       "--by, or what the groups were ranked by, or category), of the first channel or --channel.\n"
                       "Memory grows with the groups, or with the products."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_TEXT,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
