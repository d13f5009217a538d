/* stock.c - a shop's table of its stock. */
#include "order/stock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/terms.h"
#include "ingest/ingest.h"
#include "ingest/names.h"
#include "ingest/texts.h"

enum { FOLDED = 256, UNIT = WEFT_STOCK_FIELDS, COLUMNS, ROWS_MAX = 50000000 };

/* Names folded as terms.h folds them. */
static const struct {
    const char *name;
    const char *called[22];
} fields[COLUMNS] = {
    {"on_hand", {"onhand",         "stock", "stockonhand", "inventory", "quantityonhand", "qtyonhand",    "instock",
                 "inventorylevel", "재고",  "재고수량",    "재고량",    "현재고",         "현재고수량",   "가용재고",
                 "보유재고",       "在庫",  "在庫数",      "库存",      "bestand",        "lagerbestand", NULL}},
    {"on_order",
     {"onorder", "qtyonorder", "inbound", "incoming", "intransit", "입고예정", "입고예정수량", "발주잔량", "미입고수량",
      NULL}},
    {"backorders", {"backorders", "backorder", "backordered", "미출고", "미출고수량", "백오더", NULL}},
    {"lead_days", {"leaddays", "leadtime", "leadtimedays", "leadtimeindays", "리드타임", "조달기간", "납기일수", NULL}},
    {"review_days",
     {"reviewdays", "reviewperiod", "reviewperioddays", "ordercycle", "ordercycledays", "발주주기", "주문주기", NULL}},
    {"pack",
     {"pack", "packsize", "casepack", "caseqty", "ordermultiple", "입수", "입수량", "박스입수", "발주단위", NULL}},
    {"moq",
     {"moq", "minorder", "minimumorder", "minimumorderquantity", "minorderqty", "최소주문수량", "최소발주수량", NULL}},
    {"price", {"price", "unitprice", "sellingprice", "retailprice", "판매가", "판매가격", "판매단가", "가격", NULL}},
    {"cost",
     {"cost", "unitcost", "purchaseprice", "costprice", "원가", "매입가", "매입단가", "공급가", "입고가", NULL}},
    {"salvage", {"salvage", "salvagevalue", "처분가", "잔존가", NULL}},
    {"holding_per_day", {"holdingperday", "holdingcostperday", "하루보관료", "일보관료", NULL}},
    {"shelf_days", {"shelfdays", "shelflife", "shelflifedays", "소비기한일수", "유통기한일수", NULL}},
    {"service", {"service", "servicelevel", "서비스수준", "서비스율", NULL}},
    {"unit", {"unit", "uom", "unitofmeasure", "stockunit", "단위", "재고단위", NULL}},
};

struct reading {
    const struct weft_stock_opts *o;
    struct weft_stock *s;
    struct weft_csv *csv;
    struct weft_header h;
    struct weft_ingest_keys keys;
    size_t column[COLUMNS]; /* SIZE_MAX: none */
    enum weft_decimal decimal;
    struct weft_pack id;
};

/* --- the columns --- */

static bool is_days(size_t f)
{
    return f == WEFT_STOCK_LEAD_DAYS || f == WEFT_STOCK_REVIEW_DAYS || f == WEFT_STOCK_SHELF_DAYS;
}

/* "리드타임(주)": a column of days that says another unit. */
static bool other_time(const char *name)
{
    static const char *const words[] = {"week", "month", "hour", "주)", "주]", "개월", "월)", "월]", "시간"};
    char small[FOLDED];
    size_t n = 0;
    for (; name[n] && n + 1 < sizeof small; n++)
        small[n] = (char)(name[n] >= 'A' && name[n] <= 'Z' ? name[n] + 32 : name[n]);
    small[n] = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(small, words[i]))
            return true;
    return false;
}

static size_t field_of(const char *name)
{
    char folded[FOLDED];
    weft_term_fold(name, strlen(name), folded, sizeof folded);
    for (size_t f = 0; f < COLUMNS; f++)
        for (size_t k = 0; fields[f].called[k]; k++)
            if (strcmp(fields[f].called[k], folded) == 0)
                return f;
    return COLUMNS;
}

static int named_column(struct reading *r, const char *item, struct weft_err *e)
{
    const char *eq = strchr(item, '=');
    for (size_t f = 0; eq && f < COLUMNS; f++)
        if (strlen(fields[f].name) == (size_t)(eq - item) && strncmp(fields[f].name, item, (size_t)(eq - item)) == 0)
            return weft_header_need(&r->h, eq + 1, &r->column[f], e);
    weft_fail(e, WEFT_USAGE, "--stock-column %s: not FIELD=COLUMN of a known field", item);
    return weft_fail_hint(e, "fields: on_hand, on_order, backorders, lead_days, review_days, pack, moq, price, cost, "
                             "salvage, holding_per_day, shelf_days, service, unit");
}

static int find_fields(struct reading *r, struct weft_err *e)
{
    bool told[COLUMNS] = {false};
    for (size_t f = 0; f < COLUMNS; f++)
        r->column[f] = SIZE_MAX;
    for (size_t i = 0; i < r->o->columns.n; i++)
        if (named_column(r, r->o->columns.items[i], e) < 0)
            return -1;
    for (size_t f = 0; f < COLUMNS; f++)
        told[f] = r->column[f] != SIZE_MAX;
    for (size_t i = 0; i < r->h.n; i++) {
        size_t f = field_of(r->h.name[i]);
        if (f == COLUMNS || told[f])
            continue;
        if (r->column[f] != SIZE_MAX) {
            weft_fail(e, WEFT_DATA, "%s: \"%s\" and \"%s\" could both be %s", r->h.file, r->h.name[r->column[f]],
                      r->h.name[i], fields[f].name);
            return weft_fail_hint(e, "say which: --stock-column %s=COLUMN", fields[f].name);
        }
        r->column[f] = i;
        if (is_days(f) && other_time(r->h.name[i]))
            return weft_fail(e, WEFT_DATA, "%s: \"%s\" is another unit, and %s counts days", r->h.file, r->h.name[i],
                             fields[f].name);
    }
    if (r->column[WEFT_STOCK_ON_HAND] != SIZE_MAX)
        return 0;
    weft_fail(e, WEFT_DATA, "%s: no column says what is in stock", r->h.file);
    return weft_fail_hint(e, "say which: --stock-column on_hand=COLUMN");
}

/* The column that names the products: "id", or the best of the codes that ingest knows, if it is one. */
static int find_id(struct reading *r, struct weft_err *e)
{
    struct weft_ingest o = {.id = r->o->id, .keys = {.items = NULL}};
    bool *none = WEFT_ARRAY(bool, r->h.n + 1);
    size_t best = SIZE_MAX, rank = SIZE_MAX;
    char *one[1];
    for (size_t i = 0; i < r->h.n && !o.id.n; i++) {
        struct weft_name_is is = weft_name_of(r->h.name[i]);
        size_t at = is.named == WEFT_NAMED_SERIES ? 0 : (size_t)is.rank / 64 + 1;
        if (is.named != WEFT_NAMED_SERIES && is.named != WEFT_NAMED_PRODUCT)
            continue;
        if (at == rank) {
            free(none);
            weft_fail(e, WEFT_DATA, "%s: \"%s\" and \"%s\" could both name the products", r->h.file, r->h.name[best],
                      r->h.name[i]);
            return weft_fail_hint(e, "say which: --id COLUMN");
        }
        if (at < rank) {
            best = i;
            rank = at;
        }
    }
    if (best != SIZE_MAX) {
        one[0] = r->h.name[best];
        o.id = (struct weft_list){one, 1};
    }
    int rc = weft_ingest_keys_find(&o, &r->h, none, &r->keys, e);
    free(none);
    return rc;
}

/* Takes text; "text, on_hand is 재고". */
static char *longer(char *text, const char *comma, const char *field, const char *column)
{
    bool same = strcmp(field, column) == 0;
    char *all = weft_xasprintf("%s%s%s%s%s", text, comma, field, *field && !same ? " is " : "", same ? "" : column);
    free(text);
    return all;
}

static void say_columns(struct reading *r)
{
    char *said = weft_xstrdup("id is ");
    for (size_t i = 0; i < r->keys.n_id; i++)
        said = longer(said, i ? "/" : "", "", r->h.name[r->keys.id[i]]);
    for (size_t f = 0; f < COLUMNS; f++)
        if (r->column[f] != SIZE_MAX)
            said = longer(said, ", ", fields[f].name, r->h.name[r->column[f]]);
    r->s->said = said;
}

/* --- rows --- */

static const char *keep(struct weft_stock *s, char *text)
{
    s->why = weft_xrealloc2(s->why, s->n_why + 1, sizeof *s->why);
    return s->why[s->n_why++] = text;
}

static int bad_cell(const struct reading *r, const struct weft_csv_row *row, size_t column, const char *what,
                    struct weft_csv_text t, struct weft_err *e)
{
    weft_fail(e, WEFT_DATA, "%s: \"%.*s\"", what, t.n < 60 ? (int)t.n : 60, t.p);
    return weft_fail_where(e, "%s:%llu:%zu", r->h.file, (unsigned long long)row->line, column + 1);
}

static bool ends_in(struct weft_csv_text t, const char *const *words, size_t n)
{
    char folded[FOLDED];
    size_t got = weft_term_fold(t.p, t.n, folded, sizeof folded);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(words[i]);
        if (got >= len && memcmp(folded + got - len, words[i], len) == 0)
            return true;
    }
    return false;
}

/* "3박스" are no three pieces. */
static bool other_unit(struct weft_csv_text t)
{
    static const char *const words[] = {"박스", "상자",   "세트",    "묶음",  "팔레트", "파레트",
                                        "다스", "box",    "boxes",   "case",  "cases",  "set",
                                        "sets", "pallet", "pallets", "dozen", "carton", "cartons"};
    return ends_in(t, words, sizeof words / sizeof *words);
}

static bool is_piece(struct weft_csv_text t)
{
    static const char *const words[] = {"ea", "each", "pc", "pcs", "piece", "pieces", "unit", "units",
                                        "개", "낱개", "장", "벌",  "권",    "병",     "켤레", "자루",
                                        "대", "봉",   "캔", "stk", "stück", "個",     "件"};
    char folded[FOLDED];
    weft_term_fold(t.p, t.n, folded, sizeof folded);
    return weft_term_among(folded, words, sizeof words / sizeof *words);
}

/* "7일", "7 days". */
static struct weft_csv_text without_days(struct weft_csv_text t)
{
    static const char *const words[] = {"일", "days", "day"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t len = strlen(words[i]);
        if (t.n > len && memcmp(t.p + t.n - len, words[i], len) == 0) {
            t.n -= len;
            while (t.n && t.p[t.n - 1] == ' ')
                t.n--;
            break;
        }
    }
    return t;
}

/* A share: 0.95 or 95%. */
static bool share(struct weft_csv_text t, double *out)
{
    bool percent = t.n && t.p[t.n - 1] == '%';
    t.n -= percent;
    if (weft_count_parse(t.p, t.n, out) == WEFT_COUNT_BAD)
        return false;
    *out /= percent ? 100 : 1;
    return true;
}

static int read_cell(struct reading *r, const struct weft_csv_row *row, size_t f, struct weft_stock_row *to,
                     struct weft_err *e)
{
    size_t column = r->column[f];
    double x = NAN;
    if (column == SIZE_MAX)
        return 0;
    struct weft_csv_text t = weft_csv_field(row, column);
    if (f <= WEFT_STOCK_BACKORDERS && other_unit(t))
        to->why =
            keep(r->s, weft_xasprintf("%s is \"%.*s\": count pieces", fields[f].name, t.n < 40 ? (int)t.n : 40, t.p));
    if (is_days(f))
        t = without_days(t);
    bool good =
        f == WEFT_STOCK_SERVICE ? share(t, &x) : weft_count_parse_in(r->decimal, t.p, t.n, &x) != WEFT_COUNT_BAD;
    if (!good)
        return bad_cell(r, row, column, "not a number", weft_csv_field(row, column), e);
    if (!isnan(x))
        to->of[f] = x;
    return 0;
}

/* What can't be, in words; NULL: all of it can. */
static char *doubt(const double *x)
{
    const double service = x[WEFT_STOCK_SERVICE], pack = x[WEFT_STOCK_PACK];
    for (size_t f = 0; f < WEFT_STOCK_FIELDS; f++)
        if (x[f] < 0)
            return weft_xasprintf("%s is below 0: %.10g", fields[f].name, x[f]);
    if (isnan(x[WEFT_STOCK_ON_HAND]))
        return weft_xstrdup("no stock is told");
    if (isnan(x[WEFT_STOCK_LEAD_DAYS]))
        return weft_xstrdup("no lead time: --lead-days, or a column");
    if (isnan(x[WEFT_STOCK_REVIEW_DAYS]))
        return weft_xstrdup("no review period: --review-days, or a column");
    for (size_t f = 0; f < WEFT_STOCK_FIELDS; f++)
        if (is_days(f) && fabs(x[f] - floor(x[f])) > 0)
            return weft_xasprintf("%s is no whole number of days: %.10g", fields[f].name, x[f]);
    if (x[WEFT_STOCK_REVIEW_DAYS] < 1)
        return weft_xstrdup("review_days is 0: an order a day is 1");
    if (!(pack > 0))
        return weft_xstrdup("pack is 0");
    if (service >= 1 || service == 0)
        return weft_xasprintf("service is %.10g: a share below 1, as 0.95", service);
    for (size_t f = 0; f <= WEFT_STOCK_BACKORDERS; f++)
        if (pack == floor(pack) && x[f] != floor(x[f]))
            return weft_xasprintf("%s is %.10g, no whole pieces: where fractions are sold, give pack as one (0.1)",
                                  fields[f].name, x[f]);
    if (x[WEFT_STOCK_SALVAGE] > x[WEFT_STOCK_COST])
        return weft_xasprintf("salvage %.10g is above the cost of %.10g", x[WEFT_STOCK_SALVAGE], x[WEFT_STOCK_COST]);
    if (x[WEFT_STOCK_SHELF_DAYS] <= x[WEFT_STOCK_LEAD_DAYS] && x[WEFT_STOCK_LEAD_DAYS] > 0)
        return weft_xasprintf("shelf_days %.10g are no more than lead_days %.10g: what lies in stock is gone before",
                              x[WEFT_STOCK_SHELF_DAYS], x[WEFT_STOCK_LEAD_DAYS]);
    return NULL;
}

static int read_row(struct reading *r, const struct weft_csv_row *row, struct weft_err *e)
{
    struct weft_stock *s = r->s;
    if (row->problem || row->found != r->h.n) {
        if (row->problem)
            weft_fail(e, WEFT_DATA, "%s", row->problem);
        else
            weft_fail(e, WEFT_DATA, "%zu fields, and the header has %zu", row->found, r->h.n);
        return weft_fail_where(e, "%s:%llu", r->h.file, (unsigned long long)row->line);
    }
    struct weft_span id = weft_ingest_id(&r->keys, row, &r->id);
    if (weft_name_is_total((const char *)id.p, id.n)) {
        s->totals++;
        return 0;
    }
    struct weft_csv_text text = {(const char *)id.p, id.n};
    if (!id.n)
        return bad_cell(r, row, r->keys.id[0], "no id", text, e);
    size_t n = s->ids.n;
    if (weft_names_add(&s->ids, id.p, id.n) != n)
        return bad_cell(r, row, r->keys.id[0], "stands twice, and only one of the two can be what is in stock", text,
                        e);
    if (n >= ROWS_MAX)
        return weft_fail(e, WEFT_DATA, "%s: more than %d rows", r->h.file, ROWS_MAX);
    if ((n & (n + 1)) == 0) /* room doubles: 1, 3, 7, ... rows are there */
        s->row = weft_xrealloc2(s->row, 2 * n + 1, sizeof *s->row);
    struct weft_stock_row *to = &s->row[n];
    *to = (struct weft_stock_row){.why = NULL};
    memcpy(to->of, r->o->usual, sizeof to->of);
    to->of[WEFT_STOCK_ON_HAND] = NAN;
    for (size_t f = 0; f < WEFT_STOCK_FIELDS; f++)
        if (read_cell(r, row, f, to, e) < 0)
            return -1;
    if (r->column[UNIT] != SIZE_MAX) {
        struct weft_csv_text unit = weft_csv_field(row, r->column[UNIT]);
        if (unit.n && !is_piece(unit) && !to->why)
            to->why =
                keep(s, weft_xasprintf("its unit is \"%.*s\": count pieces", unit.n < 40 ? (int)unit.n : 40, unit.p));
    }
    char *why = to->why ? NULL : doubt(to->of);
    if (why)
        to->why = keep(s, why);
    return 0;
}

static int read_table(struct reading *r, struct weft_run *run, struct weft_err *e)
{
    struct weft_csv_row row;
    struct weft_ingest o = {.decimal = r->o->decimal};
    bool *value = WEFT_ARRAY(bool, r->h.n + 1);
    for (size_t f = 0; f < WEFT_STOCK_SERVICE; f++)
        if (r->column[f] != SIZE_MAX && !is_days(f))
            value[r->column[f]] = true;
    int got = weft_ingest_decimal(run, &o, r->csv, &r->h, value, &r->decimal, e);
    free(value);
    if (got < 0)
        return -1;
    while ((got = weft_csv_next(r->csv, &row, e)) == 1)
        if (!weft_csv_empty(&row) && read_row(r, &row, e) < 0)
            return -1;
    if (got == 0 && !r->s->ids.n)
        return weft_fail(e, WEFT_DATA, "%s has no rows", r->h.file);
    return got;
}

int weft_stock_read(struct weft_stock *s, struct weft_run *run, const struct weft_stock_opts *o, struct weft_err *e)
{
    struct weft_csv_opts csv = {.encoding = o->encoding, .skip = -1};
    struct reading r = {.o = o, .s = s};
    *s = (struct weft_stock){.totals = 0};
    int rc = weft_csv_open(o->path, &csv, &r.csv, e);
    if (rc == 0)
        rc = weft_header_read(r.csv, &r.h, e);
    if (rc == 0)
        rc = find_fields(&r, e) < 0 || find_id(&r, e) < 0 ? -1 : 0;
    if (rc == 0) {
        say_columns(&r);
        rc = read_table(&r, run, e);
    }
    weft_pack_free(&r.id);
    weft_ingest_keys_free(&r.keys);
    weft_header_free(&r.h);
    weft_csv_close(&r.csv);
    return rc;
}

void weft_stock_free(struct weft_stock *s)
{
    for (size_t i = 0; i < s->n_why; i++)
        free(s->why[i]);
    free(s->why);
    free(s->row);
    free(s->said);
    weft_names_free(&s->ids);
    *s = (struct weft_stock){.totals = 0};
}
