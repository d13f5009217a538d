/* evidence.c - what a sample of a table's rows holds, column by column. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/dates.h"
#include "base/ids.h"
#include "base/mem.h"
#include "ingest/decide.h"
#include "ingest/names.h"
#include "text/counts.h"

enum { ROWS_MAX = 20000, SERIAL_FIRST = 29221, SERIAL_LAST = 73050 }; /* Excel's numbers of 1980-01-01 and 2099-12-31 */

/* The first text of a row calls it a total, or it begins with sums: nothing stands in the first columns. */
static bool is_total(const struct weft_csv_row *row)
{
    for (size_t i = 0; i < row->n; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        double x;
        if (t.n && weft_count_parse(t.p, t.n, &x) != WEFT_COUNT_OK && weft_name_is_total(t.p, t.n))
            return true;
    }
    return false;
}

bool weft_row_is_header(const struct weft_header *h, const struct weft_csv_row *row)
{
    size_t named = 0;
    for (size_t i = 0; i < h->n; i++) {
        struct weft_csv_text t = i < row->n ? weft_csv_field(row, i) : (struct weft_csv_text){NULL, 0};
        if (strlen(h->name[i]) != t.n || (t.n && memcmp(h->name[i], t.p, t.n) != 0))
            return false;
        named += t.n > 0;
    }
    return named > 0;
}

bool weft_row_is_units(const struct weft_csv_row *row)
{
    size_t units = 0;
    for (size_t i = 0; i < row->n; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        if (t.n && !weft_name_is_unit(t.p, t.n))
            return false;
        units += t.n > 0;
    }
    return units > 0;
}

bool weft_sample_row(struct weft_csv *csv, const struct weft_header *h, size_t *i, struct weft_csv_row *row)
{
    while (*i < ROWS_MAX && weft_csv_look(csv, *i, row)) {
        ++*i;
        if ((*i == 1 && weft_row_is_units(row)) || weft_row_is_header(h, row))
            continue;
        if (!row->problem && row->found == h->n && !is_total(row))
            return true;
    }
    return false;
}

static bool ends_with(struct weft_csv_text t, const char *end)
{
    size_t n = strlen(end);
    return t.n > n && strncasecmp(t.p + t.n - n, end, n) == 0;
}

void weft_turns_see(struct weft_turns *k, const char *s, size_t n)
{
    int64_t day[3];
    unsigned got = weft_dates_turns(s, n, day);
    k->cells += got != 0;
    for (unsigned i = 0; i < 3; i++) {
        if (!(got & (1u << i)))
            continue;
        k->first[i] = !k->valid[i] || day[i] < k->first[i] ? day[i] : k->first[i];
        k->last[i] = !k->valid[i] || day[i] > k->last[i] ? day[i] : k->last[i];
        k->valid[i]++;
    }
}

int weft_turns_year_first(const struct weft_turns *k)
{
    enum { CLEARLY = 8 };
    int64_t span[3];
    for (unsigned i = 0; i < 3; i++)
        span[i] = k->valid[i] == k->cells ? k->last[i] - k->first[i] + 1 : INT64_MAX / (2 * CLEARLY);
    int64_t other = span[0] < span[1] ? span[0] : span[1];
    if (!k->cells || k->valid[2] < k->cells || CLEARLY * other <= span[2])
        return 0;
    return CLEARLY * span[2] <= other ? 1 : -1;
}

static void see_six(struct weft_evidence *c, struct weft_csv_text t)
{
    int64_t seconds[3];
    unsigned got = weft_dates_six(t.p, t.n, seconds);
    for (unsigned i = 0; i < 3; i++)
        c->six[i] += (got >> i) & 1;
}

static void see_date(struct weft_evidence *c, struct weft_csv_text t)
{
    static const struct weft_dates local = {.zoned = true}, month_first = {.form = WEFT_DATES_MONTH_FIRST};
    int64_t seconds;
    if (t.n < 4 || t.n > 64)
        return;
    enum weft_dates_kind kind = weft_dates_kind(t.p, t.n);
    if (kind == WEFT_DATE_BARE_HOUR) {
        c->bare_hours++;
        return;
    }
    c->dates += kind != WEFT_DATE_NONE;
    c->sure += kind == WEFT_DATE_SURE || kind == WEFT_DATE_UTC;
    c->utc += kind == WEFT_DATE_UTC;
    int64_t step;
    if (weft_dates_period(t.p, t.n, &seconds, &step)) {
        c->period = c->periods ? c->period : step;
        c->periods += step == c->period;
    }
    weft_turns_see(&c->turns, t.p, t.n);
    c->two_ways += kind == WEFT_DATE_TWO_WAYS;
    c->day_first += kind == WEFT_DATE_DAY_FIRST;
    c->month_first += kind == WEFT_DATE_MONTH_FIRST;
    if (kind != WEFT_DATE_NONE &&
        (weft_dates_read(&local, t.p, t.n, &seconds) || weft_dates_read(&month_first, t.p, t.n, &seconds))) {
        c->clocks += seconds % 86400 != 0;
        c->moments |= seconds % 3600 != 0;
    }
}

static void see(struct weft_evidence *c, struct weft_ids *ids, double *before, struct weft_csv_text t)
{
    double x;
    int64_t month;
    enum weft_count got = weft_count_parse(t.p, t.n, &x);
    if (got == WEFT_COUNT_BAD) /* "0,125", "1.182.500" */
        got = weft_count_parse_in(WEFT_DECIMAL_COMMA, t.p, t.n, &x);
    c->empty += got == WEFT_COUNT_MISSING;
    if (got == WEFT_COUNT_MISSING)
        return;
    if (!c->filled++)
        snprintf(c->first, sizeof c->first, "%.*s", t.n < sizeof c->first ? (int)t.n : (int)sizeof c->first - 1, t.p);
    if (got == WEFT_COUNT_OK) {
        c->counting = c->filled == 1 ? true : c->counting && x == *before + 1;
        *before = x;
        c->numbers++;
        c->whole += x == floor(x);
        c->serials += x >= SERIAL_FIRST && x <= SERIAL_LAST;
        c->decimal_years += weft_dates_decimal_year(x, &month);
    } else {
        c->counting = false;
    }
    see_date(c, t);
    see_six(c, t);
    c->unix_times += got == WEFT_COUNT_OK && (t.n == 10 || t.n == 13) && *t.p == '1' && x == floor(x);
    c->images += ends_with(t, ".jpg") || ends_with(t, ".jpeg") || ends_with(t, ".png");
    c->no_sale |= t.n < 80 && weft_status_is_no_sale(t.p, t.n);
    c->sale |= t.n < 80 && weft_status_is_sale(t.p, t.n);
    c->different += weft_ids_add(ids, t.p, t.n, 1) == 0;
}

void weft_sample_take(struct weft_csv *csv, const struct weft_header *h, struct weft_sample *s)
{
    struct weft_csv_row row;
    struct weft_ids *ids = WEFT_ARRAY(struct weft_ids, h->n + 1);
    double *before = WEFT_ARRAY(double, h->n + 1);
    *s = (struct weft_sample){.column = WEFT_ARRAY(struct weft_evidence, h->n + 1), .n = h->n};
    for (size_t i = 0; weft_sample_row(csv, h, &i, &row); s->rows++)
        for (size_t k = 0; k < h->n; k++)
            if (h->date[k] == WEFT_NO_DATE)
                see(&s->column[k], &ids[k], &before[k], weft_csv_field(&row, k));
    for (size_t k = 0; k < h->n; k++)
        weft_ids_free(&ids[k]);
    free(ids);
    free(before);
}

void weft_sample_free(struct weft_sample *s)
{
    free(s->column);
    *s = (struct weft_sample){0};
}

size_t weft_sample_repeats(struct weft_csv *csv, const struct weft_header *h, const size_t *column, size_t n)
{
    struct weft_csv_row row;
    struct weft_ids ids = {0};
    struct weft_pack key = {0};
    size_t repeats = 0;
    for (size_t i = 0; weft_sample_row(csv, h, &i, &row);) {
        weft_pack_clear(&key);
        for (size_t k = 0; k < n; k++) {
            struct weft_csv_text t = weft_csv_field(&row, column[k]);
            weft_pack_str(&key, t.p, t.n);
        }
        repeats += weft_ids_add(&ids, key.p, key.n, 1) != 0;
    }
    weft_ids_free(&ids);
    weft_pack_free(&key);
    return repeats;
}
