/* header.c - what the first row of a table says. */
#define _GNU_SOURCE /* strcasestr */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/calendar.h"
#include "base/dates.h"
#include "ingest/decide.h"
#include "ingest/ingest.h"
#include "ingest/texts.h"
#include "base/mem.h"
#include "base/utf8.h"

/* Headers in the wild, and the names that the rest of weft uses. */
static const struct {
    const char *canonical;
    const char *names[14];
} known[] = {
    {"id", {"id", "series", "series_id", "unique_id", NULL}},
    {"product", {"product", "product_id", "product_code", "제품", "상품", "상품코드", NULL}},
    {"item", {"item", "item_id", "sku", "article", "품목", NULL}},
    {"major", {"major", "major_category", "category_major", "대분류", NULL}},
    {"middle", {"middle", "middle_category", "category_middle", "중분류", NULL}},
    {"minor", {"minor", "minor_category", "category_minor", "소분류", NULL}},
    {"brand", {"brand", "brand_id", "브랜드", NULL}},
    {"category", {"category", "카테고리", "분류", NULL}},
    {"store", {"store", "store_id", "shop", "shop_id", "매장", "점포", NULL}},
    {"date",
     {"date", "day", "ds", "datetime", "timestamp", "time", "order_date", "sale_date", "날짜", "일자", "일시", "판매일",
      NULL}},
    {"units", {"units", "sales", "qty", "quantity", "unit_sales", "sold", "y", "판매량", "수량", NULL}},
    {"price", {"price", "unit_price", "가격", "단가", NULL}},
};

const char *weft_header_canonical(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        for (size_t k = 0; known[i].names[k]; k++)
            if (strcasecmp(known[i].names[k], name) == 0)
                return known[i].canonical;
    return name;
}

/* A row's texts as names: what the row above left out, when the header has two rows. */
static int take_names(struct weft_header *h, const struct weft_csv_row *row, struct weft_err *e)
{
    if (row->problem || row->found > row->n)
        return weft_fail(e, WEFT_DATA, "%s: the header has %s", h->file,
                         row->problem ? row->problem : "too many columns");
    h->line = row->line;
    if (row->n > h->n) {
        h->name = weft_xrealloc2(h->name, row->n + 1, sizeof *h->name);
        for (size_t i = h->n; i < row->n; i++)
            h->name[i] = NULL;
        h->n = row->n;
    }
    for (size_t i = 0; i < row->n; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        if (!weft_utf8_valid(t.p, t.n)) {
            weft_fail(e, WEFT_DATA, "the header is not UTF-8");
            weft_fail_where(e, "%s:%llu:%zu", h->file, (unsigned long long)row->line, i + 1);
            return weft_fail_hint(e, "a Korean file? --encoding cp949");
        }
        if (h->name[i] && !t.n)
            continue;
        free(h->name[i]);
        h->name[i] = weft_text_clean_dup(t.p, t.n);
    }
    return 0;
}

/* 01.2025, as SAP writes weeks and months: which of them, a name in the header says, or a number above 12. */
static bool dotted_period(const char *s, int *k, int *year)
{
    int n = 0; /* NOLINTNEXTLINE(cert-err34-c): two and four digits */
    return sscanf(s, "%2d.%4d%n", k, year, &n) == 2 && !s[n] && n == 7 && *k >= 1 && *k <= 53 && *year >= 1600;
}

static int read_dotted(struct weft_header *h, struct weft_err *e)
{
    size_t found = 0;
    bool week = false, month = false;
    int k, y;
    for (size_t i = 0; i < h->n; i++) {
        bool is = dotted_period(h->name[i], &k, &y);
        found += is;
        week |= is ? k > 12
                   : strcasestr(h->name[i], "week") || strcasestr(h->name[i], "woche") || strstr(h->name[i], "주차");
        month |= !is && (strcasestr(h->name[i], "month") || strcasestr(h->name[i], "monat"));
    }
    if (found < 2)
        return 0;
    if (week == month) {
        weft_fail(e, WEFT_DATA, "%s: columns such as 01.2025 are weeks or months, and nothing says which", h->file);
        return weft_fail_hint(e, "rename them: 2025-W01, or 2025-01");
    }
    for (size_t i = 0; i < h->n; i++) {
        char text[32];
        if (!dotted_period(h->name[i], &k, &y))
            continue;
        snprintf(text, sizeof text, week ? "%04d-W%02d" : "%04d-%02d", y % 10000, k % 100);
        h->dates += weft_dates_period(text, strlen(text), &h->date[i], &h->step);
    }
    return 0;
}

static bool all_digits(const char *s)
{
    return *s && s[strspn(s, "0123456789")] == 0;
}

/* A name that is a day whatever the others are: 2025-03-01, 2025. 3. 1. (토), 1-Mar-25. Digits alone are 20250301:
 * longer ones are products. */
static bool is_day(const char *name, int64_t *seconds)
{
    static const struct weft_dates plain = {.form = WEFT_DATES_PLAIN};
    size_t n = strlen(name);
    int64_t step;
    return weft_date_parse(name, n, seconds) ||
           (!all_digits(name) && weft_dates_kind(name, n) == WEFT_DATE_SURE &&
            !weft_dates_period(name, n, seconds, &step) && weft_dates_read(&plain, name, n, seconds));
}

/* Names of six digits, three or more of them, that are months, days or weeks without a gap: 202411, 202412, 202501. */
static void read_six(struct weft_header *h)
{
    static const int64_t steps[] = {WEFT_STEP_MONTH, WEFT_STEP_WEEK, WEFT_STEP_DAY};
    static const int order[] = {0, 2, 1};
    enum { FEWEST = 3 };
    int64_t now[3], last[3] = {0};
    size_t found = 0;
    unsigned fits = WEFT_SIX_MONTH | WEFT_SIX_WEEK | WEFT_SIX_DAY;
    for (size_t i = 0; i < h->n; i++) {
        unsigned got = strlen(h->name[i]) == 6 ? weft_dates_six(h->name[i], 6, now) : 0;
        if (!got)
            continue;
        fits &= got;
        for (unsigned k = 0; k < 3 && found; k++)
            if ((fits & (1u << k)) && weft_step_add(last[k], 1, steps[k]) != now[k])
                fits &= ~(1u << k);
        memcpy(last, now, sizeof last);
        found++;
    }
    for (size_t o = 0; o < 3 && found >= FEWEST; o++) {
        unsigned k = (unsigned)order[o];
        if (!(fits & (1u << k)))
            continue;
        for (size_t i = 0; i < h->n; i++)
            if (strlen(h->name[i]) == 6 && weft_dates_six(h->name[i], 6, now)) {
                h->date[i] = now[k];
                h->dates++;
            }
        h->step = k == 2 ? 0 : steps[k];
        return;
    }
}

/* Which names are days, or else months, quarters or weeks. */
static int read_dates(struct weft_header *h, struct weft_err *e)
{
    int64_t seconds, step, all = 0;
    size_t periods = 0;
    bool same = true;
    h->date = WEFT_ARRAY(int64_t, h->n + 1);
    for (size_t i = 0; i < h->n; i++) {
        const char *name = h->name[i];
        bool date = is_day(name, &h->date[i]);
        h->dates += date;
        if (!date)
            h->date[i] = WEFT_NO_DATE;
        if (!date && weft_dates_period(name, strlen(name), &seconds, &step)) {
            same = same && (!periods || step == all);
            all = step;
            periods++;
        }
    }
    if (!h->dates && (periods < 2 || !same)) {
        if (read_dotted(h, e) < 0)
            return -1;
        if (!h->dates)
            read_six(h);
    }
    if (h->dates || periods < 2 || !same)
        return 0;
    h->step = all;
    for (size_t i = 0; i < h->n; i++)
        h->dates += weft_dates_period(h->name[i], strlen(h->name[i]), &h->date[i], &step);
    return 0;
}

size_t weft_header_turns(const struct weft_header *h, struct weft_evidence *c)
{
    size_t found = 0;
    for (size_t i = 0; i < h->n; i++) {
        const char *name = h->name[i];
        enum weft_dates_kind kind = weft_dates_kind(name, strlen(name));
        if (kind != WEFT_DATE_TWO_WAYS && kind != WEFT_DATE_DAY_FIRST && kind != WEFT_DATE_MONTH_FIRST)
            continue;
        if (!found++)
            snprintf(c->first, sizeof c->first, "%.60s", name);
        c->two_ways += kind == WEFT_DATE_TWO_WAYS;
        c->day_first += kind == WEFT_DATE_DAY_FIRST;
        c->month_first += kind == WEFT_DATE_MONTH_FIRST;
        weft_turns_see(&c->turns, name, strlen(name));
    }
    return found;
}

void weft_header_read_as(struct weft_header *h, const struct weft_dates *dates)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->date[i] == WEFT_NO_DATE && strlen(h->name[i]) >= 5 &&
            weft_dates_read(dates, h->name[i], strlen(h->name[i]), &h->date[i]))
            h->dates++;
}

/* Passes what stands above the header. */
static int pass_titles(struct weft_csv *csv, bool *joined, struct weft_err *e)
{
    struct weft_csv_row row;
    int64_t skip = weft_csv_skip(csv);
    size_t above = skip < 0 ? weft_header_above(csv, joined) : 0;
    int got = 1;
    for (; above && got == 1; above--)
        got = weft_csv_next(csv, &row, e);
    while (got == 1 && skip > 0 && weft_csv_look(csv, 0, &row) && (int64_t)row.line <= skip)
        got = weft_csv_next(csv, &row, e);
    return got < 0 ? -1 : 0;
}

int weft_header_read(struct weft_csv *csv, struct weft_header *h, struct weft_err *e)
{
    struct weft_csv_row row;
    bool joined = false;
    *h = (struct weft_header){.file = weft_csv_name(csv)};
    int got = pass_titles(csv, &joined, e) < 0 ? -1 : weft_csv_next(csv, &row, e);
    if (got == 0)
        return weft_fail(e, WEFT_DATA, "%s is empty: not even a header", h->file);
    if (got == 1)
        got = take_names(h, &row, e);
    if (got == 0 && joined && (got = weft_csv_next(csv, &row, e)) == 1)
        got = take_names(h, &row, e);
    if (got == 0)
        got = read_dates(h, e);
    if (got < 0)
        weft_header_free(h);
    else
        weft_csv_expect(csv, h->n);
    return got < 0 ? -1 : 0;
}

void weft_header_free(struct weft_header *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->name[i]);
    free(h->name);
    free(h->date);
    *h = (struct weft_header){0};
}

size_t weft_header_find(const struct weft_header *h, const char *name)
{
    for (size_t i = 0; i < h->n; i++)
        if (strcmp(h->name[i], name) == 0)
            return i;
    if (name[0] == '#' && name[1] >= '1' && name[1] <= '9') { /* two columns may have one name: the third one is #3 */
        char *end;
        unsigned long k = strtoul(name + 1, &end, 10);
        if (!*end && k <= h->n)
            return k - 1;
    }
    for (size_t i = 0; i < h->n; i++)
        if (h->date[i] == WEFT_NO_DATE && strcmp(weft_header_canonical(h->name[i]), name) == 0)
            return i;
    return SIZE_MAX;
}

int weft_header_need(const struct weft_header *h, const char *name, size_t *column, struct weft_err *e)
{
    char list[300] = "";
    *column = weft_header_find(h, name);
    if (*column != SIZE_MAX)
        return 0;
    for (size_t i = 0; i < h->n && strlen(list) < 200; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.60s", i ? ", " : "", h->name[i]);
    weft_fail(e, WEFT_DATA, "%s has no column \"%s\"", h->file, name);
    return weft_fail_hint(e, "its columns: %s%s", list, strlen(list) >= 200 ? ", ..." : "");
}

/* --- ids and keys --- */

void weft_ingest_keys_free(struct weft_ingest_keys *k)
{
    for (size_t i = 0; i < k->n_keys; i++)
        free(k->name[i]);
    k->n_keys = 0;
}

static int add_key(struct weft_ingest_keys *k, const char *name, size_t column, struct weft_err *e)
{
    if (k->n_keys == WEFT_MAX_KEYS)
        return weft_fail(e, WEFT_DATA, "more than %d key columns; name those wanted with --keys", WEFT_MAX_KEYS);
    if (strcmp(name, "id") == 0 || strcmp(name, "all") == 0 || !*name)
        return weft_fail(e, WEFT_USAGE, "--keys: a key can't be called \"%s\"", name);
    for (size_t i = 0; i < k->n_keys; i++)
        if (strcmp(k->name[i], name) == 0)
            return weft_fail(e, WEFT_DATA, "two columns are called \"%s\"; name those wanted with --keys NAME=COLUMN",
                             name);
    k->key[k->n_keys] = column;
    k->name[k->n_keys++] = weft_xstrdup(name);
    return 0;
}

static bool has_key(const struct weft_ingest_keys *k, const char *name)
{
    for (size_t i = 0; i < k->n_keys; i++)
        if (strcmp(k->name[i], name) == 0)
            return true;
    return false;
}

static int given_key(const struct weft_header *h, const char *item, struct weft_ingest_keys *k, struct weft_err *e)
{
    const char *eq = strchr(item, '=');
    size_t column;
    int rc = weft_header_need(h, eq ? eq + 1 : item, &column, e);
    char *name = eq ? weft_xstrndup(item, (size_t)(eq - item))
                    : weft_xstrdup(weft_header_canonical(rc == 0 && *item == '#' ? h->name[column] : item));
    if (rc == 0)
        rc = add_key(k, name, column, e);
    free(name);
    return rc;
}

int weft_ingest_keys_find(const struct weft_ingest *o, const struct weft_header *h, const bool *free_column,
                          struct weft_ingest_keys *k, struct weft_err *e)
{
    *k = (struct weft_ingest_keys){0};
    if (o->id.n > WEFT_MAX_KEYS)
        return weft_fail(e, WEFT_USAGE, "--id: more than %d columns", WEFT_MAX_KEYS);
    for (; k->n_id < o->id.n; k->n_id++)
        if (weft_header_need(h, o->id.items[k->n_id], &k->id[k->n_id], e) < 0)
            return -1;
    for (size_t i = 0; i < o->keys.n; i++)
        if (given_key(h, o->keys.items[i], k, e) < 0)
            return -1;
    size_t id = weft_header_find(h, "id");
    if (!k->n_id && id != SIZE_MAX && free_column[id])
        k->id[k->n_id++] = id;
    for (size_t i = 0; i < h->n && !o->keys.n; i++) {
        /* A single column that names the series is its id; each of several is a key as well. */
        bool is_id = k->n_id == 1 && k->id[0] == i;
        const char *name = weft_header_canonical(h->name[i]);
        name = strcmp(name, "id") == 0 || has_key(k, name) ? h->name[i] : name;
        if (free_column[i] && !is_id && *name && add_key(k, name, i, e) < 0)
            return -1;
    }
    k->id_is_keys = !k->n_id;
    if (!k->n_id)
        memcpy(k->id, k->key, (k->n_id = k->n_keys) * sizeof *k->id);
    if (k->n_id)
        return 0;
    weft_fail(e, WEFT_DATA, "%s: no column names the series", h->file);
    return weft_fail_hint(e, "say which with --id COLUMN[,COLUMN...]");
}

struct weft_span weft_ingest_id(const struct weft_ingest_keys *k, const struct weft_csv_row *row, struct weft_pack *buf)
{
    struct weft_csv_text t = weft_csv_field(row, k->id[0]);
    if (k->n_id == 1) {
        t = weft_text_clean(t, buf);
        return (struct weft_span){(const uint8_t *)t.p, t.n};
    }
    struct weft_pack room = {0};
    buf->n = 0;
    for (size_t i = 0; i < k->n_id; i++) {
        t = weft_text_clean(weft_csv_field(row, k->id[i]), &room);
        weft_id_part(buf, i, k->n_id, (struct weft_span){(const uint8_t *)t.p, t.n});
    }
    weft_pack_free(&room);
    return (struct weft_span){buf->p, buf->n};
}
