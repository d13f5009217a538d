/* orders_table.c - what a buyer sees of the orders. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "lines.h"

enum from { ID, QUANTITY, DATE, REASON, GOAL, REAL };

/* The columns in their order; place: on a terminal, from 1; 0: not there. */
#define AT(member) offsetof(struct weft_order_line, member)
static const struct column {
    const char *key, *title;
    enum from from;
    int digits;
    unsigned flags;
    size_t at;
    unsigned place;
} columns[] = {
    {"id", "id", ID, 0, 0, 0, 1},
    {"quantity", "order", QUANTITY, 0, 0, AT(quantity), 2},
    {"order_by", "by", DATE, 0, 0, 0, 3},
    {"cover_days", "cover", REAL, 1, 0, AT(cover), 4},
    {"p_out_before", "out before", REAL, 0, WEFT_COLUMN_PERCENT, AT(outcome.before), 5},
    {"p_out", "out", REAL, 0, WEFT_COLUMN_PERCENT, AT(outcome.within), 6},
    {"lost_sales", "lost", REAL, 1, 0, AT(outcome.lost), 7},
    {"leftover", "left over", REAL, 1, 0, AT(outcome.left), 8},
    {"profit", "profit", REAL, 0, 0, AT(outcome.profit), 0},
    {"spend", "spend", REAL, 0, 0, SIZE_MAX, 0},
    {"position", "position", REAL, -1, 0, AT(item.position), 0},
    {"days", "days", REAL, 0, 0, AT(item.days), 0},
    {"demand", "demand", REAL, 1, 0, AT(demand), 0},
    {"up_to", "up to", REAL, 1, 0, AT(level), 0},
    {"goal", "goal", GOAL, 0, 0, 0, 0},
    {"goal_share", "share", REAL, 1, WEFT_COLUMN_PERCENT, SIZE_MAX, 0},
    {"reason", "reason", REASON, 0, WEFT_COLUMN_WHOLE, 0, 9},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const char *const goals[] = {"profit", "service", "fill"};

/* The newsvendor's ratio, or the aim. */
static double goal_share(const struct weft_order_item *x)
{
    return x->goal == WEFT_ORDER_PROFIT ? weft_order_ratio(x) : x->aim;
}

/* As many pieces, or to two digits where fractions are sold. */
static double shown_level(const struct weft_order_item *x, double level)
{
    double unit = x->pack == floor(x->pack) ? 1 : 0.01;
    return ceil(level / unit - 1e-3) * unit;
}

/* "needs 88 for 21 days (service 95%), has 48; packs of 12; late". */
static void reason_of(const struct weft_order_line *l, char *buf, size_t cap)
{
    static const char *const words[] = {"profit at", "service", "fill"};
    const struct weft_order_item *x = &l->item;
    const double over = x->position + l->wanted - l->level;
    size_t at = 0;
#define SAY(...) at += at < cap ? (size_t)snprintf(buf + at, cap - at, __VA_ARGS__) : 0
    SAY("needs %.10g for %.10g days (%s %.4g%%), has %.10g", shown_level(x, l->level), x->days, words[x->goal],
        100 * goal_share(x), x->position);
    if (x->position < 0)
        SAY(": more is owed than there is");
    if (l->wanted > 0 && l->late)
        SAY("; late");
    if (l->wanted > 0 && x->pack != 1 && l->wanted > x->moq)
        SAY("; packs of %.10g", x->pack);
    if (l->wanted > 0 && l->wanted - x->moq < x->pack && over >= x->pack)
        SAY("; at least %.10g", x->moq);
    if (l->wanted <= 0 && l->level > x->position)
        SAY(x->moq > x->pack ? "; at least %.10g: no profit" : "; a pack of %.10g: no profit",
            x->moq > x->pack ? x->moq : x->pack);
    if (l->quantity < l->wanted)
        SAY("; %.10g without the budget", l->wanted);
#undef SAY
}

static void put_date(const struct weft_orders *o, const struct weft_order_line *l, struct weft_table *t, size_t column)
{
    char text[32];
    if (l->order_by == WEFT_ORDER_LATER)
        return;
    weft_date_text(l->order_by, o->attrs.step, text);
    weft_table_text(t, column, text, strlen(text));
}

static double real_of(const struct weft_order_line *l, const struct column *c)
{
    if (c->at != SIZE_MAX)
        return *(const double *)(const void *)((const char *)l + c->at);
    return strcmp(c->key, "spend") == 0 ? l->quantity * l->item.cost : goal_share(&l->item);
}

static void put_cell(const struct weft_orders *o, size_t i, size_t c, struct weft_table *t)
{
    const struct weft_order_line *l = &o->line[i];
    const struct weft_name *id = &o->stock->ids.at[i];
    const char *why = weft_orders_why_not(o, i);
    char text[512];
    if (columns[c].from == ID) {
        weft_table_text(t, c, id->p, id->n);
    } else if (columns[c].from == REASON) {
        if (!why)
            reason_of(l, text, sizeof text);
        weft_table_text(t, c, why ? why : text, strlen(why ? why : text));
    } else if (why) {
        return;
    } else if (columns[c].from == GOAL) {
        weft_table_text(t, c, goals[l->item.goal], strlen(goals[l->item.goal]));
    } else if (columns[c].from == DATE) {
        put_date(o, l, t, c);
    } else {
        weft_table_real(t, c, real_of(l, &columns[c]));
    }
}

void weft_orders_table(const struct weft_orders *o, size_t top, struct weft_table *t)
{
    size_t rows = top && top < o->stock->ids.n ? top : o->stock->ids.n;
    int digits = 0;
    for (size_t k = 0; k < o->stock->ids.n; k++) {
        double pack = o->line[o->order[k]].item.pack;
        digits = pack != floor(pack) ? 2 : digits;
    }
    for (size_t c = 0; c < COLUMNS; c++) {
        enum from from = columns[c].from;
        enum weft_cell_kind kind = from == REAL || from == QUANTITY ? WEFT_CELL_REAL : WEFT_CELL_TEXT;
        weft_table_column(t, columns[c].key, columns[c].title, kind, from == QUANTITY ? digits : columns[c].digits,
                          columns[c].flags);
    }
    for (size_t k = 0; k < rows; k++) {
        weft_table_row(t);
        for (size_t c = 0; c < COLUMNS; c++)
            put_cell(o, o->order[k], c, t);
    }
}

size_t weft_orders_narrow(const char *keys[WEFT_ORDERS_NARROW])
{
    size_t n = 0;
    for (unsigned place = 1; place <= WEFT_ORDERS_NARROW; place++)
        for (size_t c = 0; c < COLUMNS; c++)
            if (columns[c].place == place)
                keys[n++] = columns[c].key;
    return n;
}

void weft_orders_attrs_write(const struct weft_orders *o, struct weft_pack *b)
{
    char text[32];
    weft_pack_map(b, isnan(o->o.budget) ? 5 : 7);
    weft_pack_cstr(b, "model");
    weft_pack_cstr(b, o->model);
    weft_pack_cstr(b, "channel");
    weft_pack_cstr(b, o->attrs.channels[o->channel]);
    weft_pack_cstr(b, "step");
    weft_pack_cstr(b, weft_step_text(o->attrs.step, text));
    weft_pack_cstr(b, "origin");
    weft_pack_cstr(b, weft_date_text(o->origin, o->attrs.step, text));
    weft_pack_cstr(b, "horizon");
    weft_pack_int(b, o->attrs.horizon);
    if (isnan(o->o.budget))
        return;
    weft_pack_cstr(b, "budget");
    weft_pack_real(b, o->o.budget);
    weft_pack_cstr(b, "multiplier");
    weft_pack_real(b, o->multiplier);
}
