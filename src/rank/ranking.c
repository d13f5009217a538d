/* ranking.c - rows of a ranking, their order, and the table. */
#include "rank/ranking.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"

enum { BAR = 16 };

/* --- the columns --- */

/* The choices of columns that fit a terminal: of forecasts alone, with a history, with reasons. */
enum narrow { BARE = 1, FULL = 2, SAID = 4, ALL = BARE | FULL | SAID };

enum from { PLACE, CHANNEL, GROUP, SERIES, LEFT, MARK, SURE, BRAND, DRAWN, TEXT, COUNT, REAL };

/* The columns in their order. Older readers know the first ones: new ones go after them. */
#define AT(member) offsetof(struct weft_ranking_row, member)
static const struct column {
    const char *key, *title;
    enum from from;
    int digits;
    unsigned flags;
    size_t at;
    unsigned place, narrow; /* on a terminal: where, from 1, and in which choices of columns; 0: not there */
} columns[] = {
    {"channel", "channel", CHANNEL, 0, WEFT_COLUMN_SAME, 0, 1, ALL},
    {"rank", "rank", PLACE, 0, 0, AT(place), 2, ALL},
    {"name", "name", GROUP, 0, 0, 0, 3, ALL},
    {"growth", "growth", REAL, 3, 0, AT(growth), 4, ALL},
    {"low", "low", REAL, 3, 0, AT(low), 5, ALL},
    {"high", "high", REAL, 3, 0, AT(high), 6, ALL},
    {"raw", "raw", REAL, 3, 0, AT(raw), 0, 0},
    {"near", "near/day", REAL, -1, 0, AT(near), 11, BARE},
    {"far", "far/day", REAL, -1, 0, AT(far), 12, ALL},
    {"series", "series", SERIES, 0, WEFT_COLUMN_SAME, AT(series), 13, BARE},
    {"mark", "", MARK, 0, 0, 0, 18, ALL},
    {"now", "now/day", REAL, -1, 0, AT(past.now), 0, 0},
    {"year_growth", "year ago", REAL, 3, 0, AT(year_growth), 0, 0},
    {"beyond", "beyond", REAL, 3, 0, AT(beyond), 9, FULL | SAID},
    {"p_top", "P(top)", REAL, 0, WEFT_COLUMN_PERCENT, AT(p_top), 10, ALL},
    {"p_top_beyond", "P beyond", REAL, 0, WEFT_COLUMN_PERCENT, AT(p_top_beyond), 0, 0},
    {"active_now", "now active", REAL, 0, 0, AT(rivals.active), 0, 0},
    {"active", "active", REAL, 0, 0, AT(active_far), 14, FULL},
    {"brands_now", "now brands", REAL, 0, 0, AT(rivals.brands), 0, 0},
    {"brands", "brands", REAL, 0, 0, AT(brands_far), 0, 0},
    {"each_now", "now each", REAL, 2, 0, AT(each_now), 0, 0},
    {"each", "each", REAL, 2, 0, AT(each_far), 15, FULL},
    {"hhi", "HHI", REAL, 3, 0, AT(rivals.shares.hhi), 0, 0},
    {"top_share", "top share", REAL, 0, WEFT_COLUMN_PERCENT, AT(rivals.shares.top), 0, 0},
    {"top_brand", "top brand", BRAND, 0, 0, AT(rivals.shares.name), 0, 0},
    {"price_now", "now price", REAL, -1, 0, AT(rivals.price), 0, 0},
    {"price", "price", REAL, -1, 0, AT(price_far), 0, 0},
    {"mentions", "mentions", REAL, 3, 0, AT(rivals.mentions), 0, 0},
    {"history", "history", COUNT, 0, 0, AT(past.length), 0, 0},
    {"zeros", "zeros", REAL, 0, WEFT_COLUMN_PERCENT, AT(past.zeros), 0, 0},
    {"gaps", "gaps", REAL, 0, WEFT_COLUMN_PERCENT, AT(past.gaps), 0, 0},
    {"quality", "quality", TEXT, 0, 0, AT(quality), 16, FULL | SAID},
    {"doubts", "doubts", TEXT, 0, 0, AT(doubts), 0, 0},
    {"reason", "reason", TEXT, 0, 0, AT(reason), 21, SAID},
    {"reason_last_week", "last week", REAL, 3, 0, AT(part[0]), 0, 0},
    {"reason_weekday", "weekdays", REAL, 3, 0, AT(part[1]), 0, 0},
    {"reason_month", "4 weeks", REAL, 3, 0, AT(part[2]), 0, 0},
    {"reason_quarter", "3 months", REAL, 3, 0, AT(part[3]), 0, 0},
    {"reason_year_ago", "year ago", REAL, 3, 0, AT(part[4]), 0, 0},
    {"reason_rest", "earlier", REAL, 3, 0, AT(part[5]), 0, 0},
    {"p_growth", "P(>1)", REAL, 0, WEFT_COLUMN_PERCENT, AT(p_growth), 7, BARE},
    {"sure", "sure", SURE, 0, 0, AT(sure), 8, ALL},
    {"model", "model", TEXT, 0, WEFT_COLUMN_SAME, AT(model), 17, ALL},
    {"left_out", "left out", LEFT, 0, 0, AT(left_out), 19, ALL},
    {"why", "why", TEXT, 0, 0, AT(why), 20, ALL},
    {"bar", "", DRAWN, 0, WEFT_COLUMN_DRAWN, 0, 22, BARE},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void empty_columns(struct weft_ranking_row *x)
{
    for (size_t c = 0; c < COLUMNS; c++)
        if (columns[c].from == REAL)
            *(double *)(void *)((char *)x + columns[c].at) = NAN;
}

/* --- rows --- */

size_t weft_ranking_find(struct weft_ranking *r, struct weft_span group, struct weft_span channel)
{
    size_t key[2] = {group.p ? weft_names_add(&r->groups, group.p, group.n) : weft_names_add(&r->groups, "(none)", 6),
                     weft_names_add(&r->channels, channel.p, channel.n)};
    size_t i = weft_names_add(&r->keys, key, sizeof key);
    if (i < r->n)
        return i;
    if (i >= r->cap) {
        r->cap = weft_grow(r->cap, i + 1);
        r->row = weft_xrealloc2(r->row, r->cap, sizeof *r->row);
    }
    struct weft_ranking_row *x = &r->row[r->n++];
    *x = (struct weft_ranking_row){.group = key[0], .channel = key[1], .sd = NAN, .p_value = NAN};
    x->past.year_near = x->past.year_far = NAN;
    empty_columns(x);
    x->near = x->far = 0; /* sums */
    return i;
}

void weft_ranking_free(struct weft_ranking *r)
{
    for (size_t i = 0; i < r->n; i++) {
        free(r->row[i].doubts);
        free(r->row[i].reason);
        free(r->row[i].why);
    }
    free(r->row);
    weft_names_free(&r->groups);
    weft_names_free(&r->channels);
    weft_names_free(&r->keys);
    *r = (struct weft_ranking){0};
}

void weft_ranking_add_past(struct weft_ranking *r, const struct weft_history *history)
{
    for (size_t i = 0; i < r->n; i++) {
        struct weft_ranking_row *x = &r->row[i];
        const struct weft_name *name = &r->groups.at[x->group];
        size_t group =
            x->ranked ? weft_history_group(history, (struct weft_span){(const uint8_t *)name->p, name->n}) : SIZE_MAX;
        if (group == SIZE_MAX)
            continue;
        x->has_past = weft_history_past(history, group, r->channels.at[x->channel].p, &x->past);
        x->rivals = weft_history_rivals(history, group);
    }
}

void weft_ranking_add_reasons(struct weft_ranking *r, const struct weft_reasons *reasons)
{
    for (size_t i = 0; i < r->n; i++) {
        struct weft_ranking_row *x = &r->row[i];
        const struct weft_name *group = &r->groups.at[x->group], *channel = &r->channels.at[x->channel];
        if (!x->ranked || !x->series)
            continue;
        if (x->thin) /* parts of a growth that is drawn to 1, over next to nothing: percentages would run to thousands
                      */
            x->reason = weft_xstrdup("next to nothing is sold");
        else if (weft_reasons_of(reasons, (struct weft_span){(const uint8_t *)group->p, group->n},
                                 (struct weft_span){(const uint8_t *)channel->p, channel->n}, x->part))
            x->reason = weft_reasons_text(x->part);
    }
}

/* The row of another channel of the same group; NULL: it has no forecasts. */
static const struct weft_ranking_row *beside(const struct weft_ranking *r, const struct weft_ranking_row *x,
                                             size_t channel)
{
    size_t key[2] = {x->group, channel},
           i = channel == SIZE_MAX ? SIZE_MAX : weft_names_find(&r->keys, key, sizeof key);
    return i == SIZE_MAX || !r->row[i].series ? NULL : &r->row[i];
}

static size_t channel_of(const struct weft_ranking *r, const char *name)
{
    return weft_names_find(&r->channels, name, strlen(name));
}

/* --- quality --- */

static const char *const marks[] = {"good", "fair", "poor"};

struct doubts {
    int worst; /* index into marks */
    struct weft_pack text;
};

/* One more doubt: poor beyond `poor`, fair beyond `fair`. */
static void doubt(struct doubts *d, bool fair, bool poor, const char *fmt, ...)
{
    char text[128];
    va_list ap;
    if (!fair && !poor)
        return;
    d->worst = poor ? 2 : d->worst ? d->worst : 1;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (d->text.n)
        weft_pack_raw(&d->text, (struct weft_span){(const uint8_t *)"; ", 2});
    weft_pack_raw(&d->text, (struct weft_span){(const uint8_t *)text, (size_t)n});
}

static void judge(struct weft_ranking_row *x, int64_t step)
{
    struct doubts d = {0};
    char name[32];
    const char *unit = weft_step_text(step, name);
    size_t year = weft_step_year(step);
    uint64_t length = x->past.length;
    if (!x->has_past)
        return;
    unit = unit[0] >= '0' && unit[0] <= '9' ? "step" : unit;
    doubt(&d, false, x->thin || !(x->near > 0), "next to nothing is sold");
    doubt(&d, length < year, 2 * length < year, "%llu %ss of history", (unsigned long long)length, unit);
    doubt(&d, x->past.zeros > 0.1, x->past.zeros > 0.5, "%.0f%% of %ss without sales", 100 * x->past.zeros, unit);
    doubt(&d, x->past.gaps > 0.02, x->past.gaps > 0.2, "%.0f%% of %ss missing", 100 * x->past.gaps, unit);
    x->quality = marks[d.worst];
    if (d.text.n)
        x->doubts = weft_xstrndup((const char *)d.text.p, d.text.n);
    weft_pack_free(&d.text);
}

/* --- what is made of other numbers --- */

static double per_active(double volume, double active)
{
    return volume / (active < 1 ? 1 : active); /* NaN stays NaN */
}

void weft_ranking_complete(struct weft_ranking *r, int64_t step)
{
    size_t active = channel_of(r, WEFT_CHANNEL_ACTIVE), brands = channel_of(r, WEFT_CHANNEL_BRANDS),
           amounts = channel_of(r, "amounts");
    char **names = WEFT_ARRAY(char *, r->channels.n + 1);
    for (size_t c = 0; c < r->channels.n; c++)
        names[c] = r->channels.at[c].p;
    size_t sales = weft_sales_channel(names, r->channels.n);
    free(names);
    for (size_t i = 0; i < r->n; i++) {
        struct weft_ranking_row *x = &r->row[i];
        const struct weft_ranking_row *a = beside(r, x, active), *b = beside(r, x, brands),
                                      *paid = beside(r, x, amounts), *sold = beside(r, x, sales);
        bool volume = strcmp(r->channels.at[x->channel].p, "mentions") != 0; /* of which a series has no share */
        if (!x->ranked || !x->series)
            continue;
        double near = x->past.year_near + x->pseudo, far = x->past.year_far + x->pseudo;
        x->year_growth = near > 0 ? far / near : NAN;
        x->beyond = x->year_growth > 0 ? x->growth / x->year_growth : NAN;
        x->active_far = a ? fmax(a->far, 0) : NAN;
        x->brands_far = b && b->series == 1 ? fmax(b->far, 0)
                                            : NAN; /* one brand sells in several series: their counts are no sum */
        x->each_now = volume ? per_active(x->past.now, x->rivals.active) : NAN;
        x->each_far = volume ? per_active(x->far, x->active_far) : NAN;
        x->price_far = paid && sold && paid != sold && sold->far > 0 ? paid->far / sold->far : NAN;
        judge(x, step);
    }
}

/* --- order --- */

const char *const weft_ranking_sorts[] = {"growth",           "beyond-season", "volume",
                                          "sales-per-active", "probability",   "low"};

double weft_ranking_key(const struct weft_ranking_row *x, enum weft_ranking_sort by)
{
    switch (by) {
    case WEFT_SORT_BEYOND:
        return x->beyond;
    case WEFT_SORT_VOLUME:
        return x->far;
    case WEFT_SORT_EACH:
        return isnan(x->each_far) ? x->each_now : x->each_far;
    case WEFT_SORT_CHANCE:
        return x->p_top;
    case WEFT_SORT_LOW:
        return x->low;
    case WEFT_SORT_GROWTH:
        break;
    }
    return x->growth;
}

struct order {
    struct weft_ranking_row row;
    double key;
    bool after; /* what says little, after the others */
    const char *name;
};

static int best_first(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->row.channel != y->row.channel)
        return x->row.channel < y->row.channel ? -1 : 1;
    if (!x->row.series != !y->row.series)
        return x->row.series ? -1 : 1;
    if (isnan(x->key) != isnan(y->key))
        return isnan(x->key) ? 1 : -1;
    if (x->after != y->after)
        return x->after ? 1 : -1;
    if (x->key != y->key && !isnan(x->key))
        return x->key < y->key ? 1 : -1;
    return strcmp(x->name, y->name);
}

void weft_ranking_order(struct weft_ranking *r, enum weft_ranking_sort by)
{
    struct order *o = WEFT_ARRAY(struct order, r->n + 1);
    for (size_t i = 0; i < r->n; i++)
        o[i] = (struct order){r->row[i], weft_ranking_key(&r->row[i], by), by == WEFT_SORT_LOW && r->row[i].thin,
                              r->groups.at[r->row[i].group].p};
    weft_sort(o, r->n, sizeof *o, best_first);
    for (size_t i = 0, place = 0; i < r->n; i++) {
        r->row[i] = o[i].row;
        if (i && o[i].row.channel != o[i - 1].row.channel)
            place = 0;
        r->row[i].place = r->row[i].ranked && r->row[i].series ? ++place : 0;
    }
    free(o);
    weft_names_free(&r->keys); /* rows have moved */
}

/* --- the table --- */

static const char *title_of(const struct column *k, const struct weft_ranking_style *style, char *buf, size_t cap)
{
    double percent = round(style->level * 1e4) / 100;
    if (k->from == GROUP)
        return style->by;
    if (k->at == AT(low))
        snprintf(buf, cap, "low %g%%", percent);
    else if (k->at == AT(high))
        snprintf(buf, cap, "high %g%%", percent);
    else if (k->at == AT(far))
        snprintf(buf, cap, "far/%s", style->unit);
    else if (k->at == AT(p_top))
        snprintf(buf, cap, "P(top %zu)", style->among);
    else
        return k->title;
    return buf;
}

static void add_columns(const struct weft_ranking_style *style, struct weft_table *t)
{
    static const enum weft_cell_kind kinds[] = {
        [PLACE] = WEFT_CELL_INT, [SERIES] = WEFT_CELL_INT, [LEFT] = WEFT_CELL_INT,
        [COUNT] = WEFT_CELL_INT, [REAL] = WEFT_CELL_REAL,  [DRAWN] = WEFT_CELL_TEXT}; /* all others: text, which is 0 */
    char title[64];
    for (size_t c = 0; c < COLUMNS; c++) {
        const struct column *k = &columns[c];
        weft_table_column(t, k->key, title_of(k, style, title, sizeof title), kinds[k->from], k->digits, k->flags);
    }
}

static void put_text(struct weft_table *t, size_t column, const char *text)
{
    if (text && *text)
        weft_table_text(t, column, text, strlen(text));
}

static void put_bar(struct weft_table *t, size_t column, double growth, double most)
{
    char bar[3 * BAR + 1];
    size_t n = most > 0 && growth > 0 ? (size_t)lround(growth / most * BAR) : 0;
    n = n < BAR ? n : BAR;
    for (size_t i = 0; i < n; i++)
        memcpy(bar + 3 * i, "\xe2\x96\x87", 3);
    weft_table_text(t, column, bar, 3 * n);
}

static const char *mark_of(const struct weft_ranking_row *x)
{
    if (!x->series)
        return "left out";
    if (!(x->near > 0))
        return "no sales";
    return x->thin ? "thin" : NULL;
}

static const char *sure_of(int sure)
{
    if (!sure)
        return NULL;
    return sure > 0 ? "up" : "down";
}

static void put_row(const struct weft_ranking *r, const struct weft_ranking_row *x, double most, struct weft_table *t)
{
    weft_table_row(t);
    for (size_t c = 0; c < COLUMNS; c++) {
        const char *at = (const char *)x + columns[c].at;
        switch (columns[c].from) {
        case CHANNEL:
            put_text(t, c, r->channels.at[x->channel].p);
            break;
        case GROUP:
            weft_table_text(t, c, r->groups.at[x->group].p, r->groups.at[x->group].n);
            break;
        case MARK:
            put_text(t, c, mark_of(x));
            break;
        case SURE:
            put_text(t, c, sure_of(x->sure));
            break;
        case BRAND:
        case TEXT:
            put_text(t, c, *(char *const *)(const void *)at);
            break;
        case DRAWN:
            if (x->series)
                put_bar(t, c, x->growth, most);
            break;
        case COUNT:
            if (x->has_past)
                weft_table_int(t, c, (int64_t) * (const uint64_t *)(const void *)at);
            break;
        case PLACE:
        case LEFT:
            if (*(const uint64_t *)(const void *)at)
                weft_table_int(t, c, (int64_t) * (const uint64_t *)(const void *)at);
            break;
        case SERIES:
            weft_table_int(t, c, (int64_t) * (const uint64_t *)(const void *)at);
            break;
        case REAL:
            weft_table_real(t, c, *(const double *)(const void *)at);
            break;
        }
    }
}

void weft_ranking_table(const struct weft_ranking *r, const struct weft_ranking_style *style, struct weft_table *t)
{
    double most = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->row[i].ranked && r->row[i].growth > most)
            most = r->row[i].growth;
    add_columns(style, t);
    for (size_t i = 0; i < r->n; i++)
        if (r->row[i].place ? !style->top || r->row[i].place <= style->top : r->row[i].ranked && !style->top)
            put_row(r, &r->row[i], most, t);
}

size_t weft_ranking_narrow(const struct weft_ranking *r, const char *keys[WEFT_RANKING_NARROW])
{
    bool past = false, reason = false;
    for (size_t i = 0; i < r->n; i++) {
        past |= r->row[i].has_past;
        reason |= r->row[i].reason != NULL;
    }
    unsigned choice = past ? FULL : BARE;
    if (reason)
        choice = SAID;
    size_t n = 0;
    for (unsigned place = 1; place <= WEFT_RANKING_NARROW; place++)
        for (size_t c = 0; c < COLUMNS; c++)
            if (columns[c].place == place && (columns[c].narrow & choice))
                keys[n++] = columns[c].key;
    return n;
}

/* --- attrs --- */

static void pack_days(struct weft_pack *b, const char *key, const int64_t days[2])
{
    weft_pack_cstr(b, key);
    weft_pack_array(b, 2);
    weft_pack_int(b, days[0]);
    weft_pack_int(b, days[1]);
}

static void pack_text(struct weft_pack *b, const char *key, const char *text)
{
    weft_pack_cstr(b, key);
    weft_pack_cstr(b, text);
}

static void pack_number(struct weft_pack *b, const char *key, int64_t v)
{
    weft_pack_cstr(b, key);
    weft_pack_int(b, v);
}

void weft_ranking_attrs_write(const struct weft_ranking_attrs *a, struct weft_pack *b)
{
    char text[32];
    weft_pack_map(b, 16);
    pack_text(b, "by", a->by);
    pack_text(b, "model", a->model);
    pack_number(b, "horizon", a->horizon);
    pack_days(b, "near", a->near);
    pack_days(b, "far", a->far);
    weft_pack_cstr(b, "level");
    weft_pack_real(b, a->level);
    pack_text(b, "channel", a->channel);
    pack_text(b, "sort", a->sort);
    pack_text(b, "step", weft_step_text(a->step, text));
    pack_text(b, "origin", weft_date_text(a->origin, a->step, text));
    pack_number(b, "among", a->among);
    pack_number(b, "draws", a->draws);
    pack_number(b, "now", a->now);
    weft_pack_cstr(b, "fdr");
    weft_pack_real(b, a->fdr);
    weft_pack_cstr(b, "no_growth");
    weft_pack_bool(b, a->no_growth);
    weft_pack_cstr(b, "profile");
    weft_pack_bool(b, a->profile);
}

static bool read_days(const struct weft_head *h, const char *key, int64_t days[2])
{
    struct weft_value v, x;
    if (!weft_map_find(h->attrs, key, &v) || v.kind != WEFT_ARRAY || v.count != 2)
        return false;
    for (int i = 0; i < 2; i++) {
        if (!weft_value_next(&v.body, &x) || x.kind != WEFT_UINT || x.i < 1 || x.i > INT32_MAX)
            return false;
        days[i] = x.i;
    }
    return days[0] <= days[1];
}

static bool is_true(const struct weft_head *h, const char *key)
{
    struct weft_value v;
    return weft_map_find(h->attrs, key, &v) && v.kind == WEFT_BOOL && v.b;
}

int weft_ranking_attrs_read(const struct weft_head *h, struct weft_ranking_attrs *a, struct weft_err *e)
{
    char text[64];
    *a = (struct weft_ranking_attrs){.step = 86400, .origin = INT64_MIN};
    if (!weft_attr_str(h, "by", a->by, sizeof a->by) || !weft_attr_str(h, "model", a->model, sizeof a->model) ||
        !weft_attr_int(h, "horizon", &a->horizon) || !read_days(h, "near", a->near) || !read_days(h, "far", a->far) ||
        !weft_attr_real(h, "level", &a->level) || a->horizon < 1 || a->horizon > INT32_MAX ||
        !(a->level > 0 && a->level < 1))
        return weft_fail(e, WEFT_DATA, "a ranking head without by, model, horizon, near, far or level");
    (void)weft_attr_str(h, "channel", a->channel, sizeof a->channel);
    (void)weft_attr_str(h, "sort", a->sort, sizeof a->sort);
    if (weft_attr_str(h, "step", text, sizeof text) && !weft_step_parse(text, &a->step))
        return weft_fail(e, WEFT_DATA, "a ranking head with an unknown step");
    if (weft_attr_str(h, "origin", text, sizeof text) && !weft_date_parse(text, strlen(text), &a->origin))
        return weft_fail(e, WEFT_DATA, "a ranking head with an unusable origin");
    (void)weft_attr_int(h, "among", &a->among);
    (void)weft_attr_int(h, "draws", &a->draws);
    (void)weft_attr_int(h, "now", &a->now);
    (void)weft_attr_real(h, "fdr", &a->fdr);
    a->no_growth = is_true(h, "no_growth");
    a->profile = is_true(h, "profile");
    return 0;
}

bool weft_ranking_name(struct weft_span frame, struct weft_value *name)
{
    return (weft_map_find(frame, "name", name) || weft_map_find(frame, "group", name)) && name->kind == WEFT_STR;
}
