/* rows.c - rows that are no sales, and cells that mean "as above". */
#include "ingest/rows.h"

#include "ingest/decide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/terms.h"
#include "ingest/names.h"

enum { COLUMNS_MAX = 16, KINDS_MAX = 32, SAID_MAX = 6 };

/* A value of a column by which rows are left out, or stay though it may be asked why. */
struct kind {
    char *column, *value;
    uint64_t rows;
    double units;
};

struct watched {
    size_t column;
    bool told;     /* by --drop: its values alone count, else those that say so */
    bool filled;   /* any text says so: a day of cancellation */
    bool money;    /* a sum paid back says so */
    char *carried; /* the text of the row above; NULL: none */
};

struct weft_rows {
    const struct weft_ingest *o;
    bool automatic;
    /* Of the current file. */
    const struct weft_header *h;
    size_t date, value, order, id[WEFT_MAX_KEYS], n_id;
    bool payment; /* date is the day of payment */
    size_t paid;  /* the day of payment where the date is another one */
    struct watched watched[COLUMNS_MAX], down[COLUMNS_MAX];
    size_t n_watched, n_down;
    char *last_order, *last_date;
    bool any_sale_word;
    /* A row with cells filled in. */
    char *text;
    uint32_t *end;
    size_t text_cap, end_cap;
    /* Counts. */
    struct kind out[KINDS_MAX], kept[KINDS_MAX];
    size_t n_out, n_kept;
    uint64_t headers, units, totals, unpaid, continued, filled, total_columns, others;
};

struct weft_rows *weft_rows_new(const struct weft_ingest *o)
{
    struct weft_rows *r = WEFT_NEW(struct weft_rows);
    r->o = o;
    r->automatic = !(o->drop.n == 1 && strcmp(o->drop.items[0], "none") == 0);
    return r;
}

static void forget_columns(struct weft_rows *r)
{
    for (size_t i = 0; i < r->n_watched; i++)
        free(r->watched[i].carried);
    for (size_t i = 0; i < r->n_down; i++)
        free(r->down[i].carried);
    free(r->last_order);
    free(r->last_date);
    r->last_order = r->last_date = NULL;
    r->n_watched = r->n_down = 0;
}

void weft_rows_free(struct weft_rows **rp)
{
    struct weft_rows *r = *rp;
    if (!r)
        return;
    forget_columns(r);
    for (size_t i = 0; i < r->n_out; i++) {
        free(r->out[i].column);
        free(r->out[i].value);
    }
    for (size_t i = 0; i < r->n_kept; i++) {
        free(r->kept[i].column);
        free(r->kept[i].value);
    }
    free(r->text);
    free(r->end);
    free(r);
    *rp = NULL;
}

/* --- columns --- */

static bool folds_to(const char *name, const char *const *names)
{
    char folded[128];
    weft_term_fold(name, strlen(name), folded, sizeof folded);
    for (; *names; names++)
        if (strcmp(*names, folded) == 0)
            return true;
    return false;
}

/* Numbers an order, so that rows with the same one belong together. */
static bool is_order(const struct weft_header *h, const char *name)
{
    static const char *const people[] = {"customer", "buyer", "email", "price", "구매자", "주문자", "수취인", NULL};
    static const char *const shopify[] = {"name", NULL};
    char folded[128];
    if (folds_to(name, shopify))
        return weft_header_find(h, "Financial Status") != SIZE_MAX;
    if (weft_name_of(name).named != WEFT_NAMED_ORDER)
        return false;
    weft_term_fold(name, strlen(name), folded, sizeof folded);
    for (size_t i = 0; people[i]; i++)
        if (strstr(folded, people[i]))
            return false;
    return true;
}

static int watch(struct weft_rows *r, size_t column, bool told, bool filled)
{
    for (size_t i = 0; i < r->n_watched; i++)
        if (r->watched[i].column == column) {
            r->watched[i].told |= told;
            return 0;
        }
    if (r->n_watched < COLUMNS_MAX)
        r->watched[r->n_watched++] = (struct watched){.column = column, .told = told, .filled = filled};
    return 0;
}

/* The end of the COLUMN in an item of --drop; NULL: the item is a further value of the column before. */
static const char *drop_column(const char *item)
{
    return strchr(item, '=');
}

static int find_told(struct weft_rows *r, struct weft_err *e)
{
    size_t column;
    for (size_t i = 0; i < r->o->drop.n && r->automatic; i++) {
        const char *item = r->o->drop.items[i], *eq = drop_column(item);
        if (!eq && i)
            continue;
        if (!eq || eq == item) {
            weft_fail(e, WEFT_USAGE, "--drop: \"%s\" names no column", item);
            return weft_fail_hint(e, "--drop COLUMN=VALUE[,VALUE...], with * for any text; --drop none keeps all rows");
        }
        char *name = weft_xstrndup(item, (size_t)(eq - item));
        int rc = weft_header_need(r->h, name, &column, e);
        free(name);
        if (rc < 0)
            return -1;
        watch(r, column, true, false);
    }
    for (size_t i = 0; i < r->o->fill_down.n; i++) {
        if (weft_header_need(r->h, r->o->fill_down.items[i], &column, e) < 0)
            return -1;
        if (r->n_down < COLUMNS_MAX)
            r->down[r->n_down++] = (struct watched){.column = column};
    }
    return 0;
}

static size_t paid_column(const struct weft_rows *r, const struct weft_header *h, size_t date)
{
    size_t column = r->o->paid && r->automatic ? weft_header_find(h, r->o->paid) : SIZE_MAX;
    return column == date ? SIZE_MAX : column;
}

/* Without a column of states, a sum that was paid back takes the row's sale back. */
static void watch_refunds(struct weft_rows *r)
{
    static const char *const names[] = {"실제환불금액", "환불금액", NULL};
    for (size_t i = 0; i < r->n_watched; i++)
        if (!r->watched[i].filled)
            return;
    for (size_t i = 0; i < r->h->n && r->order != SIZE_MAX && r->automatic; i++)
        if (folds_to(r->h->name[i], names) && r->n_watched < COLUMNS_MAX)
            r->watched[r->n_watched++] = (struct watched){.column = i, .filled = true, .money = true};
}

int weft_rows_file(struct weft_rows *r, const struct weft_header *h, size_t date, size_t value, const size_t *id,
                   size_t n_id, struct weft_err *e)
{
    static const char *const ends[] = {"cancelledat", "canceledat", "cancelledon", "취소일",
                                       "취소일시",    "취소완료일", "반품완료일",  NULL};
    forget_columns(r);
    r->h = h;
    r->date = date;
    r->value = value;
    r->order = SIZE_MAX;
    r->n_id = n_id < WEFT_MAX_KEYS ? n_id : WEFT_MAX_KEYS;
    memcpy(r->id, id, r->n_id * sizeof *id);
    r->paid = paid_column(r, h, date);
    r->payment = date != SIZE_MAX && weft_name_is_payment(h->name[date]);
    if (find_told(r, e) < 0)
        return -1;
    for (size_t i = 0; i < h->n && (value != SIZE_MAX || r->o->count_rows); i++) {
        bool in_id = i == date || i == value;
        for (size_t k = 0; k < r->n_id; k++)
            in_id |= r->id[k] == i;
        if (in_id)
            continue;
        if (r->order == SIZE_MAX && is_order(h, h->name[i]))
            r->order = i;
        else if (r->automatic && weft_name_of(h->name[i]).named == WEFT_NAMED_STATUS)
            watch(r, i, false, false);
        else if (r->automatic && folds_to(h->name[i], ends))
            watch(r, i, false, true);
    }
    watch_refunds(r);
    return 0;
}

/* --- cells that mean "as above" --- */

static bool is_blank(const struct weft_csv_row *row, size_t column)
{
    return column != SIZE_MAX && weft_csv_field(row, column).n == 0;
}

static void keep(char **to, const struct weft_csv_row *row, size_t column)
{
    struct weft_csv_text t = weft_csv_field(row, column);
    if (*to && strlen(*to) == t.n && memcmp(*to, t.p, t.n) == 0)
        return;
    free(*to);
    *to = weft_xstrndup(t.p, t.n);
}

static bool same_text(const struct weft_csv_row *row, size_t column, const char *text)
{
    struct weft_csv_text t = weft_csv_field(row, column);
    return text && strlen(text) == t.n && memcmp(text, t.p, t.n) == 0;
}

/* The row with `with` in the place of an empty cell. */
static void put_cell(struct weft_rows *r, struct weft_csv_row *row, size_t column, const char *with)
{
    size_t more = strlen(with), bytes = row->end[row->n - 1] - row->begin;
    char *text = weft_xmalloc(bytes + more + 1);
    uint32_t *end = WEFT_ARRAY(uint32_t, row->n);
    size_t at = 0;
    for (size_t i = 0; i < row->n; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        const char *from = i == column ? with : t.p;
        size_t n = i == column ? more : t.n;
        if (n)
            memcpy(text + at, from, n);
        at += n;
        end[i] = (uint32_t)at;
    }
    free(r->text);
    free(r->end);
    r->text = text;
    r->end = end;
    row->text = text;
    row->end = end;
    row->begin = 0;
}

static void fill_told(struct weft_rows *r, struct weft_csv_row *row)
{
    for (size_t i = 0; i < r->n_down; i++) {
        struct watched *w = &r->down[i];
        if (!is_blank(row, w->column)) {
            keep(&w->carried, row, w->column);
        } else if (w->carried) {
            put_cell(r, row, w->column, w->carried);
            r->filled++;
        }
    }
}

static bool has_id(const struct weft_rows *r, const struct weft_csv_row *row)
{
    for (size_t k = 0; k < r->n_id; k++)
        if (!is_blank(row, r->id[k]))
            return true;
    return false;
}

/* A row of the order above takes its day, number and state; a row that repeats the number takes the state. */
static void fill_order(struct weft_rows *r, struct weft_csv_row *row)
{
    bool below = is_blank(row, r->order) && is_blank(row, r->date) && r->last_order && r->last_date && has_id(r, row) &&
                 !is_blank(row, r->value);
    if (below) {
        put_cell(r, row, r->order, r->last_order);
        put_cell(r, row, r->date, r->last_date);
        r->continued++;
    }
    bool same = below || (!is_blank(row, r->order) && same_text(row, r->order, r->last_order));
    if (same && !below && r->last_date && *r->last_date && is_blank(row, r->date) && has_id(r, row)) {
        put_cell(r, row, r->date, r->last_date);
        r->continued++;
    }
    for (size_t i = 0; i < r->n_watched; i++) {
        struct watched *w = &r->watched[i];
        if (same && w->carried && *w->carried && is_blank(row, w->column))
            put_cell(r, row, w->column, w->carried);
        keep(&w->carried, row, w->column);
    }
    keep(&r->last_order, row, r->order);
    if (r->date != SIZE_MAX)
        keep(&r->last_date, row, r->date);
}

/* --- rows that are no sales --- */

static void count(struct weft_rows *r, struct kind *list, size_t *n, const struct weft_csv_row *row, size_t column)
{
    struct weft_csv_text t = weft_csv_field(row, column);
    double units = 0;
    if (r->o->count_rows)
        units = 1;
    else if (r->value == SIZE_MAX || !weft_ingest_number(weft_csv_field(row, r->value), &units) || isnan(units))
        units = 0;
    size_t i = 0;
    while (i < *n && (strcmp(list[i].column, r->h->name[column]) != 0 || strlen(list[i].value) != t.n ||
                      memcmp(list[i].value, t.p, t.n) != 0))
        i++;
    if (i == *n && *n == KINDS_MAX) {
        r->others += list == r->out;
        return;
    }
    if (i == *n)
        list[(*n)++] = (struct kind){weft_xstrdup(r->h->name[column]), weft_xstrndup(t.p, t.n), 0, 0};
    list[i].rows++;
    list[i].units += units;
}

/* Does the text fit a VALUE of --drop, in which * stands for any text at its end? */
static bool fits(struct weft_csv_text t, const char *value)
{
    size_t n = strlen(value);
    if (strcmp(value, "*") == 0)
        return t.n > 0;
    if (n && value[n - 1] == '*')
        return t.n >= n - 1 && memcmp(t.p, value, n - 1) == 0;
    return t.n == n && memcmp(t.p, value, n) == 0;
}

static bool told_to_drop(const struct weft_rows *r, size_t column, struct weft_csv_text t)
{
    size_t now = SIZE_MAX;
    for (size_t i = 0; i < r->o->drop.n; i++) {
        const char *item = r->o->drop.items[i], *eq = drop_column(item);
        if (eq) {
            char *name = weft_xstrndup(item, (size_t)(eq - item));
            now = weft_header_find(r->h, name);
            free(name);
        }
        if (now == column && fits(t, eq ? eq + 1 : item))
            return true;
    }
    return false;
}

static bool takes_back(const struct weft_rows *r, const struct weft_csv_row *row)
{
    double x;
    return r->value != SIZE_MAX && weft_ingest_number(weft_csv_field(row, r->value), &x) && x < 0;
}

/* Is the row to be left out by this column? */
static bool says_no_sale(struct weft_rows *r, const struct watched *w, const struct weft_csv_row *row)
{
    struct weft_csv_text t = weft_csv_field(row, w->column);
    if (w->told)
        return told_to_drop(r, w->column, t);
    if (!t.n || takes_back(r, row))
        return false;
    double x;
    if (w->money)
        return weft_ingest_number(t, &x) && x > 0;
    if (w->filled)
        return t.n > 1; /* "-" is nothing */
    return weft_status_is_no_sale(t.p, t.n);
}

/* Of a state that is known by no word, or that some count and others do not, the user is told that it stays. */
static bool is_doubtful(struct weft_csv_text t)
{
    static const char *const parts[] = {"교환", "대기", "ending", NULL};
    char text[100] = "";
    memcpy(text, t.p, t.n < sizeof text ? t.n : sizeof text - 1);
    for (size_t i = 0; parts[i]; i++)
        if (strstr(text, parts[i]))
            return true;
    return !weft_status_is_sale(t.p, t.n);
}

bool weft_rows_take(struct weft_rows *r, struct weft_csv_row *row)
{
    if (!r->n_down && !r->n_watched && r->order == SIZE_MAX && !r->payment && r->paid == SIZE_MAX)
        return true;
    fill_told(r, row);
    if (r->order != SIZE_MAX)
        fill_order(r, row);
    for (size_t i = 0; i < r->n_watched; i++)
        if (says_no_sale(r, &r->watched[i], row)) {
            count(r, r->out, &r->n_out, row, r->watched[i].column);
            return false;
        }
    bool unpaid = (r->payment && r->automatic && is_blank(row, r->date)) || is_blank(row, r->paid);
    if (unpaid && has_id(r, row)) {
        r->unpaid++;
        return false;
    }
    for (size_t i = 0; i < r->n_watched; i++) {
        struct weft_csv_text t = weft_csv_field(row, r->watched[i].column);
        if (r->watched[i].told || r->watched[i].filled || !t.n)
            continue;
        if (is_doubtful(t))
            count(r, r->kept, &r->n_kept, row, r->watched[i].column);
        else
            r->any_sale_word = true;
    }
    return true;
}

/* --- totals --- */

bool weft_rows_total_name(struct weft_rows *r, const char *p, size_t n)
{
    bool total = r->o->totals == WEFT_TOTALS_LEAVE_OUT && weft_name_is_total(p, n);
    r->total_columns += total;
    return total;
}

bool weft_rows_total(struct weft_rows *r, const struct weft_csv_row *row)
{
    bool total = false, numbers = true, any = false;
    if (r->h && weft_row_is_header(r->h, row)) {
        r->headers++;
        return true;
    }
    if (r->h && row->line == r->h->line + 1 && r->value != SIZE_MAX && weft_row_is_units(row)) {
        r->units++;
        return true;
    }
    if (r->o->totals != WEFT_TOTALS_LEAVE_OUT || !r->h)
        return false;
    for (size_t i = 0; i < row->n && !any; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        any = t.n > 0;
        total = any && weft_name_is_total(t.p, t.n);
    }
    for (size_t k = 0; k < r->n_id && !total; k++) {
        struct weft_csv_text t = r->id[k] < row->n ? weft_csv_field(row, r->id[k]) : (struct weft_csv_text){NULL, 0};
        total = t.n && weft_name_is_total(t.p, t.n);
    }
    bool nameless = r->n_id > 0 && (r->date == SIZE_MAX || (r->date < row->n && is_blank(row, r->date)));
    for (size_t k = 0; k < r->n_id && nameless; k++)
        nameless = r->id[k] < row->n && is_blank(row, r->id[k]);
    any = false;
    for (size_t i = 0; i < row->n && nameless && numbers && !total; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        double x;
        numbers = weft_ingest_number(t, &x) || weft_name_is_total(t.p, t.n);
        any |= t.n > 0;
    }
    total |= nameless && numbers && any;
    r->totals += total;
    return total;
}

int weft_rows_refuse_sum(const char *id, int64_t days, struct weft_err *e)
{
    if (days < 2)
        return 0;
    weft_fail(
        e, WEFT_DATA,
        "\"%.60s\" is the sum of all other series on every day: a row of totals, which would count everything twice",
        id);
    return weft_fail_hint(
        e, "leave it out with --drop COLUMN=VALUE, or say --totals keep when it is a series like others");
}

bool weft_rows_are_orders(const struct weft_rows *r)
{
    return r->order != SIZE_MAX;
}

/* --- lines --- */

static void say_kinds(const struct kind *list, size_t n, char *line, size_t cap)
{
    for (size_t i = 0; i < n && i < SAID_MAX; i++) {
        size_t at = strlen(line);
        snprintf(line + at, cap - at, "%s%.40s=%.40s (%llu row%s, %.10g)", i ? ", " : "", list[i].column, list[i].value,
                 (unsigned long long)list[i].rows, list[i].rows == 1 ? "" : "s", list[i].units);
    }
    size_t at = strlen(line);
    if (n > SAID_MAX)
        snprintf(line + at, cap - at, ", and %zu more", n - SAID_MAX);
}

void weft_rows_say(const struct weft_rows *r, struct weft_run *run)
{
    char line[900] = "";
    if (r->n_out) {
        say_kinds(r->out, r->n_out, line, sizeof line);
        weft_run_warn(run, "left out as no sales: %s; --drop none keeps them", line);
    }
    *line = 0;
    if (r->n_kept && (r->n_out || r->any_sale_word)) {
        say_kinds(r->kept, r->n_kept, line, sizeof line);
        weft_run_warn(run, "counted as sales: %s; --drop COLUMN=VALUE leaves them out", line);
    }
    if (r->unpaid)
        weft_run_warn(run, "%llu rows have no %s and are left out: not paid?", (unsigned long long)r->unpaid,
                      r->h->name[r->paid == SIZE_MAX ? r->date : r->paid]);
    if (r->continued)
        weft_run_warn(run, "%llu rows without a day belong to the order above", (unsigned long long)r->continued);
    if (r->filled)
        weft_run_info(run, "%llu cells are filled from above", (unsigned long long)r->filled);
    if (r->units)
        weft_run_warn(run, "the row below the header names units, and is left out");
    if (r->headers)
        weft_run_warn(run, "%llu rows are the header again, and left out", (unsigned long long)r->headers);
    if (r->totals || r->total_columns)
        weft_run_warn(run, "%llu rows and %llu columns are totals and left out (--totals keep)",
                      (unsigned long long)r->totals, (unsigned long long)r->total_columns);
}
