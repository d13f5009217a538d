/* long.c - one row a sale or a day, in any order, in any number of files: a table of series x steps in memory.
 *
 * Only stretches of SPAN steps in which a series has a row take room, so that products that were sold for a month cost
 * a month. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/ids.h"
#include "base/stop.h"
#include "ingest/coverage.h"
#include "ingest/ingest.h"
#include "ingest/overlap.h"
#include "ingest/rows.h"
#include "ingest/texts.h"
#include "base/mem.h"
#include "base/progress.h"

#define TOTAL UINT64_MAX /* the number of an id that names sums of others */

enum { SPAN = 32, VALUES_MAX = 64, POOL = 1 << 20, WAITING = 64, DAYS_KNOWN = 4096 };

/* A date that was read: tables write the same days again and again. */
struct known_day {
    uint64_t first, last; /* words of the text, which overlap */
    size_t n;             /* its bytes; 0: none yet */
    int64_t seconds;
};

/* SPAN steps of one series: for every channel SPAN sums (NaN: no row came), after them as many counts when something is
 * averaged, and the file that each step's first row came from (uint32, from 1) when several files may hold the same
 * sales twice. */
struct series {
    struct weft_span id;
    double **span; /* [n_spans], first_span first; NULL: no row */
    int64_t first_span;
    size_t n_spans;
    int64_t recent_span; /* the one that the last row went to: the next mostly goes there too */
    double *recent;
    char **key; /* [keys], texts; NULL: empty */
};

/* Rows wait here before they are added: by then the places in memory that they go to are on their way, and the misses
 * overlap. */
struct waiting {
    size_t series;
    int64_t step;
    bool shared; /* another file has rows of its day */
};

struct table {
    struct weft_run *run;
    const struct weft_ingest *o;
    int64_t step, origin; /* steps begin at origin + k * step */
    size_t n_values;
    char *channel[VALUES_MAX];
    int reduce[VALUES_MAX];
    enum weft_role role[VALUES_MAX];
    size_t place[VALUES_MAX]; /* place[i]: the value that goes out as channel i: targets first */
    bool averaged;
    struct weft_ingest_keys keys; /* of the current file */
    size_t date, value[VALUES_MAX];
    enum weft_decimal decimal;
    char **key_name;
    size_t n_keys;
    bool keys_in_id; /* every key is part of the id: it can't differ between rows */
    struct weft_ids ids;
    struct series *series; /* [n] */
    size_t n, cap;
    struct waiting waiting[WAITING];
    double *waiting_x; /* [WAITING, n_values] */
    size_t n_waiting;
    int64_t first, last;              /* steps met */
    char first_at[272], last_at[272]; /* file:line of the row that was the first one of that step */
    int64_t *closed;                  /* [n_closed] days without sales, in seconds, within --from and --to */
    size_t n_closed;
    double *pool; /* room for spans, a megabyte at a time */
    size_t pool_left;
    double **pools;
    size_t n_pools;
    char date_text[40]; /* the last date and its step: most rows have the date of the row above */
    size_t date_n;
    int64_t date_step;
    struct known_day *known_day; /* [DAYS_KNOWN], by a hash of the text */
    char named_day[32];          /* --date-from-name: the day of the file that is read now */
    int date_takes;              /* does it count: 1, or 0 when a later file holds the day */
    bool date_shared;
    bool plan, date_plan;         /* a channel is known ahead; of this date nothing else counts */
    struct weft_overlap *overlap; /* NULL: one file */
    int file;                     /* that is read now */
    bool owned;                   /* spans know their files */
    struct twice {
        bool met;
        size_t series;
        int64_t step;
        int file, other;
    } twice; /* a series with rows of one day in two files */
    struct weft_coverage coverage;
    struct weft_rows *sales; /* what is one */
    struct series left_out;  /* steps of rows that are none: the table has these days */
    uint64_t rows, dropped, negative, outside, moved_keys, replaced, without_number;
    struct weft_pack id_buf, key_buf;
};

/* --- the table --- */

static double *new_span(struct table *t)
{
    size_t n = t->n_values * SPAN * (t->averaged ? 2 : 1) + (t->owned ? SPAN / 2 : 0);
    if (n > t->pool_left) {
        t->pool_left = n > POOL / sizeof(double) ? n : POOL / sizeof(double);
        t->pools = weft_xrealloc2(t->pools, t->n_pools + 1, sizeof *t->pools);
        t->pool = t->pools[t->n_pools++] = weft_xmalloc(t->pool_left * sizeof *t->pool);
    }
    double *p = t->pool;
    t->pool += n;
    t->pool_left -= n;
    for (size_t i = 0; i < n; i++)
        p[i] = i < t->n_values * SPAN ? NAN : 0;
    return p;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static double *span_of(struct table *t, struct series *s, int64_t step)
{
    int64_t k = floor_div(step, SPAN);
    if (s->recent && s->recent_span == k)
        return s->recent;
    if (!s->n_spans || k < s->first_span || k >= s->first_span + (int64_t)s->n_spans) {
        int64_t from = s->n_spans && s->first_span < k ? s->first_span : k,
                to = s->n_spans ? s->first_span + (int64_t)s->n_spans : k + 1;
        to = to > k + 1 ? to : k + 1;
        double **wider = WEFT_ARRAY(double *, (size_t)(to - from));
        if (s->n_spans)
            memcpy(wider + (s->first_span - from), s->span, s->n_spans * sizeof *wider);
        free(s->span);
        s->span = wider;
        s->first_span = from;
        s->n_spans = (size_t)(to - from);
    }
    double **at = &s->span[k - s->first_span];
    if (!*at)
        *at = new_span(t);
    s->recent_span = k;
    return s->recent = *at;
}

static void add_value(const struct table *t, double *span, size_t c, size_t at, double x)
{
    double *sum = span + c * SPAN + at;
    if (t->reduce[c] == WEFT_DUPLICATES_LAST || isnan(*sum))
        *sum = x;
    else
        *sum += x;
    if (t->averaged)
        span[(t->n_values + c) * SPAN + at]++;
}

/* Which file a step's rows came from; several files that all have a series on a day may be the same sales twice. */
static void note_file(struct table *t, double *span, size_t at, const struct waiting *w)
{
    uint32_t file = 0;
    uint8_t *owner = (uint8_t *)(span + t->n_values * SPAN * (t->averaged ? 2 : 1)) + at * sizeof file;
    memcpy(&file, owner, sizeof file);
    if (file && file != (uint32_t)t->file + 1 && w->shared && !t->twice.met)
        t->twice = (struct twice){true, w->series, w->step, t->file, (int)file - 1};
    file = (uint32_t)t->file + 1;
    memcpy(owner, &file, sizeof file);
}

static void add_waiting(struct table *t)
{
    double *span[WAITING];
    for (size_t i = 0; i < t->n_waiting; i++) {
        int64_t step = t->waiting[i].step;
        span[i] = span_of(t, &t->series[t->waiting[i].series], step);
        __builtin_prefetch(span[i] + (step - floor_div(step, SPAN) * SPAN));
    }
    for (size_t i = 0; i < t->n_waiting; i++) {
        size_t at = (size_t)(t->waiting[i].step - floor_div(t->waiting[i].step, SPAN) * SPAN);
        if (t->owned)
            note_file(t, span[i], at, &t->waiting[i]);
        for (size_t c = 0; c < t->n_values; c++) {
            double x = t->waiting_x[i * t->n_values + c];
            if (!isnan(x))
                add_value(t, span[i], c, at, x);
        }
    }
    t->n_waiting = 0;
}

/* --- columns --- */

static bool is_value(const struct table *t, size_t column)
{
    for (size_t c = 0; c < t->n_values; c++)
        if (t->value[c] == column)
            return true;
    return false;
}

/* Keys without --keys: the columns of the id when there are several, and those of the hierarchy. */
static void mark_free(const struct table *t, const struct weft_header *h, bool *free_column)
{
    static const char *const levels[] = {"product",  "item",  "major", "middle", "minor",
                                         "category", "brand", "store", "id"};
    for (size_t i = 0; i < h->n; i++) {
        const char *name = weft_header_canonical(h->name[i]);
        for (size_t k = 0; k < sizeof levels / sizeof *levels; k++)
            free_column[i] |= strcmp(name, levels[k]) == 0;
        if (strcmp(name, "id") == 0 && t->o->id.n) /* another column is: it numbers rows */
            free_column[i] = false;
        for (size_t k = 0; k < t->o->id.n; k++)
            free_column[i] |= weft_header_find(h, t->o->id.items[k]) == i;
        free_column[i] &= i != t->date && !is_value(t, i);
    }
}

static int find_values(struct table *t, const struct weft_header *h, struct weft_err *e)
{
    size_t n = t->o->values.n ? t->o->values.n : 1;
    if (t->o->count_rows) {
        t->value[0] = SIZE_MAX;
        if (!t->n_values)
            t->channel[t->n_values++] = weft_xstrdup("units");
        return 0;
    }
    if (n > VALUES_MAX)
        return weft_fail(e, WEFT_USAGE, "--value: more than %d columns", VALUES_MAX);
    for (size_t c = 0; c < n; c++) {
        const char *item = t->o->values.n ? t->o->values.items[c] : "units", *eq = strchr(item, '=');
        if (weft_header_need(h, eq ? eq + 1 : item, &t->value[c], e) < 0) {
            if (!t->o->values.n)
                snprintf(e->hint, sizeof e->hint, "say which column is to be summed: --value COLUMN");
            return -1;
        }
        if (t->n_values <= c)
            t->channel[t->n_values++] = eq ? weft_xstrndup(item, (size_t)(eq - item))
                                           : weft_xstrdup(t->o->values.n && *item != '#' ? item : h->name[t->value[c]]);
    }
    return 0;
}

/* The keys of a further file in the order of the first one. */
static int order_keys(struct table *t, const struct weft_header *h, struct weft_err *e)
{
    struct weft_ingest_keys *k = &t->keys;
    for (size_t i = 0; i < t->n_keys; i++) {
        size_t j = i;
        while (j < k->n_keys && strcmp(k->name[j], t->key_name[i]) != 0)
            j++;
        if (j >= k->n_keys)
            return weft_fail(e, WEFT_DATA, "%s has no key \"%s\", which the first file has", h->file, t->key_name[i]);
        char *name = k->name[i];
        size_t column = k->key[i];
        k->name[i] = k->name[j];
        k->key[i] = k->key[j];
        k->name[j] = name;
        k->key[j] = column;
    }
    if (k->id_is_keys)
        memcpy(k->id, k->key, k->n_id * sizeof *k->id);
    if (k->n_keys > t->n_keys)
        return weft_fail(e, WEFT_DATA, "%s has a key \"%s\", which the first file has not", h->file,
                         k->name[t->n_keys]);
    return 0;
}

/* Columns may stand elsewhere in every file; names and keys are those of the first. */
static int name_day(struct table *t, const char *path, struct weft_err *e)
{
    int64_t seconds;
    t->date = SIZE_MAX;
    if (!weft_date_in_name(path, &seconds)) {
        weft_fail(e, WEFT_DATA, "%s: the name of the file has no day, or more than one", path);
        return weft_fail_hint(e, "--date-from-name takes 2025-03-01, 20250301 or 250301");
    }
    weft_date_text(seconds, WEFT_STEP_DAY, t->named_day);
    return 0;
}

/* The text of a row's date. */
static struct weft_csv_text date_text(const struct table *t, const struct weft_csv_row *row)
{
    if (t->date == SIZE_MAX)
        return (struct weft_csv_text){t->named_day, strlen(t->named_day)};
    return weft_csv_field(row, t->date);
}

static int find_columns(struct table *t, const struct weft_header *h, struct weft_err *e)
{
    bool *free_column = WEFT_ARRAY(bool, h->n + 1), again = t->key_name != NULL;
    int rc = find_values(t, h, e);
    if (rc == 0)
        rc = t->o->date_from_name ? name_day(t, h->file, e)
                                  : weft_header_need(h, t->o->date ? t->o->date : "date", &t->date, e);
    if (rc == 0) {
        mark_free(t, h, free_column);
        weft_ingest_keys_free(&t->keys);
        rc = weft_ingest_keys_find(t->o, h, free_column, &t->keys, e);
    }
    free(free_column);
    if (rc < 0)
        return -1;
    if (again && order_keys(t, h, e) < 0)
        return -1;
    t->keys_in_id = true;
    for (size_t i = 0; i < t->keys.n_keys; i++) {
        bool in_id = false;
        for (size_t k = 0; k < t->keys.n_id; k++)
            in_id |= t->keys.id[k] == t->keys.key[i];
        t->keys_in_id &= in_id;
    }
    if (!again) {
        t->n_keys = t->keys.n_keys;
        t->key_name = WEFT_ARRAY(char *, t->n_keys + 1);
        for (size_t i = 0; i < t->n_keys; i++)
            t->key_name[i] = weft_xstrdup(t->keys.name[i]);
    }
    return 0;
}

static int choose_reduce(struct table *t, struct weft_err *e)
{
    if (t->o->reduce.n > 1 && t->o->reduce.n != t->n_values)
        return weft_fail(e, WEFT_USAGE, "--reduce: %zu for %zu values; one for all, or one for each", t->o->reduce.n,
                         t->n_values);
    if (weft_ingest_roles(t->o, t->channel, t->n_values, t->role, t->place, e) < 0)
        return -1;
    for (size_t c = 0; c < t->n_values; c++) {
        const char *name = weft_header_canonical(t->channel[c]);
        /* A sum of prices says nothing. */
        bool level = strcmp(name, "price") == 0 || strcmp(name, "mentions") == 0 || t->role[c] != WEFT_ROLE_TARGET;
        if (weft_ingest_reduce(t->o, t->channel[c], level ? WEFT_DUPLICATES_MEAN : WEFT_DUPLICATES_SUM, c,
                               &t->reduce[c], e) < 0)
            return -1;
        t->averaged |= t->reduce[c] == WEFT_DUPLICATES_MEAN;
        t->plan |= t->role[c] == WEFT_ROLE_FUTURE;
    }
    return 0;
}

/* --- rows --- */

/* Is it the text of the row above? Dates have 8 to 16 bytes: two overlapping words. */
static bool same_date(const struct table *t, struct weft_csv_text d)
{
    uint64_t a[2], b[2];
    if (d.n != t->date_n || d.n < 8 || d.n > 16)
        return false;
    memcpy(&a[0], d.p, 8);
    memcpy(&a[1], d.p + d.n - 8, 8);
    memcpy(&b[0], t->date_text, 8);
    memcpy(&b[1], t->date_text + d.n - 8, 8);
    return a[0] == b[0] && a[1] == b[1];
}

/* weft_dates_read, once for each text as long as its place in known_day is its own. */
static bool read_date(struct table *t, struct weft_csv_text d, int64_t *seconds)
{
    uint64_t a, b;
    if (d.n < 8 || d.n > 16)
        return weft_dates_read(&t->o->dates, d.p, d.n, seconds);
    if (!t->known_day)
        t->known_day = WEFT_ARRAY(struct known_day, DAYS_KNOWN);
    memcpy(&a, d.p, 8);
    memcpy(&b, d.p + d.n - 8, 8);
    uint64_t hash = (a ^ (b << 24 | b >> 40)) * 0x9e3779b97f4a7c15u;
    struct known_day *k = &t->known_day[hash >> 52];
    if (k->n != d.n || k->first != a || k->last != b) {
        if (!weft_dates_read(&t->o->dates, d.p, d.n, seconds))
            return false;
        *k = (struct known_day){a, b, d.n, *seconds};
    }
    *seconds = k->seconds;
    return true;
}

/* 1: *step is the row's; 0: outside of --from, --to and --until, of a day that a later file holds, or rejected; -1. */
static int row_step(struct table *t, const struct weft_csv *csv, const struct weft_csv_row *row, int64_t *step,
                    struct weft_err *e)
{
    struct weft_csv_text d = date_text(t, row);
    int64_t seconds;
    if (same_date(t, d)) {
        *step = t->date_step;
        t->replaced += !t->date_takes;
        return t->date_takes;
    }
    if (!read_date(t, d, &seconds))
        return weft_rejects_row(t->o->rejected, csv, row, t->date + 1, e, "not a date: \"%.*s\"%s",
                                d.n < 60 ? (int)d.n : 60, d.p, weft_dates_serial_hint(d.p, d.n));
    bool later = t->o->to && seconds >= t->o->to_seconds + 86400,
         after = t->overlap && weft_overlap_after(t->overlap, seconds);
    if ((t->o->from && seconds < t->o->from_seconds) || (later && !t->plan)) {
        t->outside++;
        return 0;
    }
    t->date_plan = later || after;
    t->date_shared = false;
    t->date_takes = !after || t->plan;
    if (t->overlap && t->date_takes)
        t->date_takes = weft_overlap_day(t->overlap, seconds, &t->date_shared, e);
    if (t->date_takes < 0)
        return -1;
    *step = floor_div(seconds - t->origin, t->step);
    if (d.n <= sizeof t->date_text) {
        memcpy(t->date_text, d.p, d.n);
        t->date_n = d.n;
        t->date_step = *step;
    }
    if (!t->date_takes) {
        t->replaced++;
        return 0;
    }
    bool any = t->rows + t->dropped > 0;
    if (!any || *step < t->first)
        snprintf(t->first_at, sizeof t->first_at, "%.240s:%llu", weft_csv_name(csv), (unsigned long long)row->line);
    if (!any || *step > t->last)
        snprintf(t->last_at, sizeof t->last_at, "%.240s:%llu", weft_csv_name(csv), (unsigned long long)row->line);
    t->first = any && t->first < *step ? t->first : *step;
    t->last = any && t->last > *step ? t->last : *step;
    return 1;
}

static int new_series(struct table *t, const struct weft_csv *csv, const struct weft_csv_row *row, struct weft_span id,
                      struct weft_err *e)
{
    int rc = weft_ingest_text_check(t->o, csv, row, &t->keys, e);
    if (rc < 1)
        return rc;
    if (t->n == t->cap) {
        t->cap = weft_grow(t->cap, t->n + 1);
        t->series = weft_xrealloc2(t->series, t->cap, sizeof *t->series);
    }
    struct series *s = &t->series[t->n++];
    weft_ids_add(&t->ids, id.p, id.n, t->n);
    *s = (struct series){.id = {(uint8_t *)weft_xstrndup((const char *)id.p, id.n), id.n},
                         .key = WEFT_ARRAY(char *, t->n_keys + 1)};
    for (size_t k = 0; k < t->n_keys; k++) {
        struct weft_csv_text text = weft_csv_field(row, t->keys.key[k]);
        s->key[k] = text.n ? weft_text_clean_dup(text.p, text.n) : NULL;
    }
    return 1;
}

static void compare_keys(struct table *t, const struct series *s, const struct weft_csv_row *row)
{
    for (size_t k = 0; k < t->n_keys; k++) {
        struct weft_csv_text text = weft_csv_field(row, t->keys.key[k]);
        const char *kept = s->key[k] ? s->key[k] : "";
        text = weft_text_clean(text, &t->key_buf);
        if (strlen(kept) != text.n || memcmp(kept, text.p, text.n) != 0) {
            t->moved_keys++;
            return;
        }
    }
}

/* The number of the row's series, known or new. 1, 0: rejected, -1. */
static int row_series(struct table *t, const struct weft_csv *csv, const struct weft_csv_row *row, size_t *i,
                      struct weft_err *e)
{
    struct weft_span id = weft_ingest_id(&t->keys, row, &t->id_buf);
    uint64_t known = weft_ids_add(&t->ids, id.p, id.n, 0);
    if (!known || known == TOTAL) {
        if (weft_rows_total(t->sales, row)) {
            if (!known)
                weft_ids_add(&t->ids, id.p, id.n, TOTAL);
            return 0;
        }
        *i = t->n;
        return new_series(t, csv, row, id, e);
    }
    *i = known - 1;
    if (!t->keys_in_id)
        compare_keys(t, &t->series[*i], row);
    return 1;
}

/* A row that is no sale says that the table has its day. */
static int leave_out(struct table *t, const struct weft_csv *csv, const struct weft_csv_row *row, struct weft_err *e)
{
    int64_t step = 0, from = 0;
    struct weft_csv_text d = date_text(t, row);
    int rc = weft_dates_read(&t->o->dates, d.p, d.n, &from) ? row_step(t, csv, row, &step, e) : 0;
    if (rc < 1)
        return rc;
    double *span = span_of(t, &t->left_out, step);
    for (size_t c = 0; c < t->n_values; c++)
        span[c * SPAN + (size_t)(step - floor_div(step, SPAN) * SPAN)] = 0;
    t->dropped++;
    return 0;
}

static int take_row(struct table *t, const struct weft_csv *csv, const struct weft_header *h,
                    const struct weft_csv_row *given, struct weft_err *e)
{
    double x[VALUES_MAX];
    x[0] = NAN; /* there is at least one value */
    int64_t step = 0;
    size_t i = 0;
    struct weft_csv_row now = *given;
    const struct weft_csv_row *row = &now;
    if (weft_csv_empty(row))
        return 0;
    int rc = weft_ingest_row_check(t->o->rejected, csv, h, row, e);
    if (rc == 1 && !weft_rows_take(t->sales, &now))
        return leave_out(t, csv, row, e);
    if (t->o->count_rows)
        x[0] = 1;
    for (size_t c = 0; c < t->n_values && rc == 1 && !t->o->count_rows; c++) {
        struct weft_csv_text text = weft_csv_field(row, t->value[c]);
        unsigned digit = text.n == 1 ? (unsigned)(unsigned char)*text.p - '0' : 10;
        if (digit < 10)
            x[c] = digit;
        else if (!weft_ingest_number_in(t->decimal, text, &x[c]))
            return weft_rejects_row(t->o->rejected, csv, row, t->value[c] + 1, e, "not a number: \"%.*s\"",
                                    text.n < 60 ? (int)text.n : 60, text.p);
    }
    if (rc == 1)
        rc = row_step(t, csv, row, &step, e);
    if (rc == 1)
        rc = row_series(t, csv, row, &i, e);
    if (rc < 1)
        return rc;
    for (size_t c = 0; c < t->n_values && t->date_plan; c++)
        x[c] = t->role[c] == WEFT_ROLE_FUTURE ? x[c] : NAN;
    if (t->n_waiting == WAITING)
        add_waiting(t);
    __builtin_prefetch(&t->series[i]);
    memcpy(t->waiting_x + t->n_waiting * t->n_values, x, t->n_values * sizeof *x);
    t->waiting[t->n_waiting++] = (struct waiting){i, step, t->date_shared};
    t->negative += x[0] < 0;
    t->without_number += isnan(x[0]) && !t->date_plan;
    t->rows++;
    return 1;
}

static int refuse_twice(const struct table *t, struct weft_err *e)
{
    const struct twice *w = &t->twice;
    const struct weft_span id = t->series[w->series].id;
    char text[32];
    weft_fail(e, WEFT_DATA, "%s and %s both have rows of \"%.*s\" on %s", weft_overlap_name(t->overlap, w->other),
              weft_overlap_name(t->overlap, w->file), id.n < 60 ? (int)id.n : 60, (const char *)id.p,
              weft_date_text(t->origin + w->step * t->step, t->step, text));
    return weft_fail_hint(e, "further sales: --overlap add; the same ones again, or corrected: --overlap replace (the "
                             "later file's days count)");
}

static int find_decimal(struct table *t, struct weft_csv *csv, const struct weft_header *h, struct weft_err *e)
{
    bool *is = WEFT_ARRAY(bool, h->n + 1);
    for (size_t c = 0; c < t->n_values && !t->o->count_rows; c++)
        is[t->value[c]] = true;
    int rc = weft_ingest_decimal(t->run, t->o, csv, h, is, &t->decimal, e);
    free(is);
    return rc;
}

static int read_file(struct table *t, struct weft_csv *csv, const struct weft_header *h, struct weft_err *e)
{
    struct weft_csv_row row;
    struct weft_progress progress;
    uint64_t before = t->rows;
    int rc = find_columns(t, h, e), got = 0;
    if (rc == 0 && !t->waiting_x) {
        rc = choose_reduce(t, e);
        t->waiting_x = WEFT_ARRAY(double, WAITING * t->n_values);
    }
    if (rc == 0)
        rc = weft_rows_file(t->sales, h, t->date, t->value[0], t->keys.id, t->keys.n_id, e);
    if (rc == 0)
        rc = find_decimal(t, csv, h, e);
    t->date_n = 0; /* another file's row of this date is looked at anew */
    weft_progress_start(&progress, weft_run_program(t->run), weft_run_progress(t->run));
    for (uint64_t n = 1; rc >= 0 && (got = weft_csv_next(csv, &row, e)) == 1; n++) {
        rc = take_row(t, csv, h, &row, e);
        if ((n & 4095) == 0) {
            uint64_t read, size;
            weft_csv_position(csv, &read, &size);
            weft_progress_at(&progress, read >> 20, size >> 20, "MB", "%zu series", t->n);
            if (weft_stop_check(e) < 0)
                rc = -1;
        }
        weft_run_read(t->run, 1);
    }
    weft_progress_end(&progress);
    if (rc < 0 || got < 0)
        return -1;
    add_waiting(t);
    if (t->overlap)
        weft_overlap_rows(t->overlap, t->rows - before);
    return t->twice.met ? refuse_twice(t, e) : 0;
}

/* --- out --- */

/* The steps of the grid on which a series has a value of a target: marked in has (unless NULL), counted, and the first
 * and last of them. */
static int64_t steps_of(const struct table *t, const struct series *s, const struct weft_grid *g, bool *has,
                        int64_t *first, int64_t *last)
{
    int64_t count = 0, begin = floor_div(g->start - t->origin, t->step);
    *first = *last = -1;
    for (size_t k = 0; k < s->n_spans; k++)
        for (size_t j = 0; s->span[k] && j < SPAN; j++) {
            int64_t at = (s->first_span + (int64_t)k) * SPAN + (int64_t)j - begin;
            bool there = false;
            for (size_t c = 0; c < t->n_values && !there; c++)
                there = t->role[c] == WEFT_ROLE_TARGET && !isnan(s->span[k][c * SPAN + j]);
            if (!there || at < 0 || at >= g->n)
                continue;
            count++;
            *first = *first < 0 ? at : *first;
            *last = at;
            if (has)
                has[at] = true;
        }
    return count;
}

/* Days on which nothing was sold are there, though no series has a row: they count as 0. The steps that are known, with
 * those. */
static int64_t mark_closed(struct table *t, const struct weft_grid *g, int64_t known)
{
    for (size_t i = 0; i < t->n_closed; i++) {
        int64_t at = weft_grid_at(g, t->closed[i]);
        if (at < 0 || at >= g->n)
            continue;
        t->coverage.has[at] = true;
        known = at + 1 > known ? at + 1 : known;
    }
    return known;
}

/* What the table has. coverage.grid.n becomes the steps up to the last one on which any series has a value of a target:
 * what lies after it is a plan. */
static void find_coverage(struct table *t, const struct weft_grid *g)
{
    struct weft_coverage *c = &t->coverage;
    bool sums = false;
    int64_t first, last, known = 0;
    for (size_t k = 0; k < t->n_values; k++)
        sums |= t->role[k] == WEFT_ROLE_TARGET && t->reduce[k] != WEFT_DUPLICATES_MEAN;
    weft_coverage_begin(c, g, sums && t->o->fill != WEFT_FILL_NAN);
    for (size_t i = 0; i < t->n; i++) {
        steps_of(t, &t->series[i], g, c->has, &first, &last);
        known = last + 1 > known ? last + 1 : known;
    }
    steps_of(t, &t->left_out, g, c->has, &first, &last);
    known = last + 1 > known ? last + 1 : known;
    known = mark_closed(t, g, known);
    c->grid.n = known;
    weft_coverage_decide(c, t->o, weft_rows_are_orders(t->sales), t->rows);
    for (size_t i = 0; i < t->n; i++) {
        int64_t count = steps_of(t, &t->series[i], g, NULL, &first, &last);
        weft_coverage_series(c, t->series[i].id, first, last, count);
    }
    c->cells = t->without_number;
}

/* Value c of a series; a target has none from step `known` on. */
static void put_values(const struct table *t, const struct series *s, const struct weft_grid *g, int64_t known,
                       size_t c, float *out)
{
    float fill = t->o->fill == WEFT_FILL_NAN || t->reduce[c] == WEFT_DUPLICATES_MEAN ? NAN : 0;
    bool target = t->role[c] == WEFT_ROLE_TARGET, gaps = t->coverage.gaps;
    for (int64_t i = 0; i < g->n; i++) {
        bool nothing = target && (i >= known || (gaps && !t->coverage.has[i]));
        out[i] = nothing ? NAN : fill;
    }
    for (size_t k = 0; k < s->n_spans; k++)
        for (size_t j = 0; s->span[k] && j < SPAN; j++) {
            int64_t at = (s->first_span + (int64_t)k) * SPAN + (int64_t)j - floor_div(g->start - t->origin, t->step);
            double x = s->span[k][c * SPAN + j];
            if (isnan(x) || at < 0 || at >= g->n)
                continue;
            out[at] = (float)(t->reduce[c] == WEFT_DUPLICATES_MEAN ? x / s->span[k][(t->n_values + c) * SPAN + j] : x);
        }
}

static int by_id(const void *a, const void *b)
{
    const struct weft_span *x = &((const struct series *)a)->id, *y = &((const struct series *)b)->id;
    int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return c ? c : (x->n > y->n) - (x->n < y->n);
}

static int write_series(struct table *t, const struct weft_grid *g, struct weft_err *e)
{
    enum weft_reduce reduce[VALUES_MAX];
    enum weft_role role[VALUES_MAX];
    char *channels[VALUES_MAX];
    struct weft_pack b = {0};
    size_t n = (size_t)g->n;
    for (size_t i = 0; i < t->n_values; i++) {
        size_t c = t->place[i];
        channels[i] = t->channel[c];
        role[i] = t->role[c];
        reduce[i] = t->reduce[c] == WEFT_DUPLICATES_SUM ? WEFT_REDUCE_SUM : WEFT_REDUCE_MEAN;
    }
    struct weft_series_attrs a = {.step = g->step,
                                  .start = g->start,
                                  .length = g->n,
                                  .keys = t->key_name,
                                  .n_keys = t->n_keys,
                                  .channels = channels,
                                  .n_channels = t->n_values,
                                  .reduce = reduce,
                                  .role = role,
                                  .known = t->coverage.grid.n};
    if (a.known < 1)
        return weft_fail(e, WEFT_DATA, "no row has a value of a channel to forecast");
    float *values = WEFT_ARRAY(float, n * t->n_values);
    weft_sort(t->series, t->n, sizeof *t->series, by_id);
    int rc = weft_coverage_head(&t->coverage, t->o, &a, t->run, e);
    for (size_t i = 0; i < t->n && rc == 0; i++) {
        const struct series *s = &t->series[i];
        struct weft_span key[WEFT_MAX_KEYS];
        for (size_t k = 0; k < t->n_keys; k++)
            key[k] = (struct weft_span){(const uint8_t *)s->key[k], s->key[k] ? strlen(s->key[k]) : 0};
        for (size_t c = 0; c < t->n_values; c++)
            put_values(t, s, g, a.known, t->place[c], values + c * n);
        void *to = weft_series_begin(&b, &a, s->id, key, g->start, n);
        memcpy(to, values, n * t->n_values * sizeof *values);
        rc = weft_run_emit(t->run, weft_pack_span(&b), e);
    }
    free(values);
    weft_pack_free(&b);
    return rc;
}

/* Value 0 of a series onto the grid: 0 where it has none. */
static double add_units(const struct table *t, const struct series *s, const struct weft_grid *g, double *to)
{
    int64_t begin = floor_div(g->start - t->origin, t->step);
    double all = 0;
    for (size_t k = 0; k < s->n_spans; k++)
        for (size_t j = 0; s->span[k] && j < SPAN; j++) {
            int64_t at = (s->first_span + (int64_t)k) * SPAN + (int64_t)j - begin;
            double x = s->span[k][j];
            if (isnan(x) || at < 0 || at >= g->n)
                continue;
            to[at] += x;
            all += x;
        }
    return all;
}

/* Is the largest series the sum of the others? */
static int refuse_sums(const struct table *t, const struct weft_grid *g, struct weft_err *e)
{
    size_t n = (size_t)g->n, largest = 0;
    double most = -INFINITY;
    int64_t days = 0;
    if (t->n < 3 || t->o->totals == WEFT_TOTALS_KEEP || t->reduce[0] != WEFT_DUPLICATES_SUM)
        return 0;
    double *sum = WEFT_ARRAY(double, 2 * n), *one = sum + n;
    for (size_t i = 0; i < t->n; i++) {
        double all = add_units(t, &t->series[i], g, sum);
        if (all > most) {
            most = all;
            largest = i;
        }
    }
    add_units(t, &t->series[largest], g, one);
    bool same = true;
    for (size_t i = 0; i < n && same; i++) {
        same = fabs(sum[i] - 2 * one[i]) <= 1e-6 * fabs(sum[i]);
        days += one[i] != 0;
    }
    free(sum);
    return same ? weft_rows_refuse_sum((const char *)t->series[largest].id.p, days, e) : 0;
}

/* --- steps longer than those that were read --- */

/* The times that any row has, sorted; targets: those on which one has a value to forecast. */
static int64_t *times_of(const struct table *t, bool targets, size_t *n)
{
    size_t length = (size_t)(t->last - t->first + 1);
    bool *seen = WEFT_ARRAY(bool, length);
    for (size_t i = 0; i <= t->n; i++) {
        const struct series *s = i < t->n ? &t->series[i] : &t->left_out;
        for (size_t k = 0; k < s->n_spans; k++)
            for (size_t j = 0; s->span[k] && j < SPAN; j++)
                for (size_t c = 0; c < t->n_values; c++)
                    if (!isnan(s->span[k][c * SPAN + j]) && (!targets || t->role[c] == WEFT_ROLE_TARGET))
                        seen[(s->first_span + (int64_t)k) * SPAN + (int64_t)j - t->first] = true;
    }
    int64_t *times = WEFT_ARRAY(int64_t, length);
    *n = 0;
    for (size_t i = 0; i < length; i++)
        if (seen[i])
            times[(*n)++] = t->origin + (t->first + (int64_t)i) * t->step;
    free(seen);
    return times;
}

/* Adds the rows of a series up into the steps of the grid; a target has none in step `unsold`. */
static void add_up(struct table *t, struct series *s, const struct weft_grid *g, int64_t unsold)
{
    double **old = s->span;
    size_t n = s->n_spans;
    int64_t first = s->first_span;
    s->span = NULL;
    s->n_spans = 0;
    s->recent = NULL;
    for (size_t k = 0; k < n; k++)
        for (size_t j = 0; old[k] && j < SPAN; j++) {
            int64_t at = weft_grid_at(g, t->origin + ((first + (int64_t)k) * SPAN + (int64_t)j) * t->step);
            for (size_t c = 0; c < t->n_values && at >= 0; c++) {
                double x = old[k][c * SPAN + j];
                if (isnan(x) || (at == unsold && t->role[c] == WEFT_ROLE_TARGET))
                    continue;
                double *span = span_of(t, s, at), *to = span + c * SPAN + (size_t)(at % SPAN);
                *to = isnan(*to) || t->reduce[c] == WEFT_DUPLICATES_LAST ? x : *to + x;
                if (t->averaged)
                    span[(t->n_values + c) * SPAN + (size_t)(at % SPAN)] += old[k][(t->n_values + c) * SPAN + j];
            }
        }
    free(old);
}

/* Leaves the first and the last step out when the table has not all of their days. 65 when nothing is left. */
static int cut_partial(struct table *t, struct weft_grid *g, const int64_t *times, size_t n, struct weft_err *e)
{
    char text[32], from[32], to[32];
    const char *name = weft_step_text(g->step, text);
    int64_t end = weft_step_add(g->start, g->n, g->step) - WEFT_STEP_DAY;
    bool first = times[0] - times[0] % WEFT_STEP_DAY > g->start && !(t->o->from && t->o->from_seconds <= g->start);
    bool last = times[n - 1] < end && !(t->o->to && t->o->to_seconds >= end);
    if (g->n <= first + last) {
        weft_fail(e, WEFT_DATA, "the days from %s to %s hold no whole %s",
                  weft_date_text(times[0], WEFT_STEP_DAY, from), weft_date_text(times[n - 1], WEFT_STEP_DAY, to), name);
        return weft_fail_hint(e, "--from and --to say from where to where the table is whole");
    }
    if (first)
        weft_run_warn(
            t->run, "the first %s begins on %s, and the table on %s: left out (--from %s says that it is whole)", name,
            weft_date_text(g->start, WEFT_STEP_DAY, from), weft_date_text(times[0], WEFT_STEP_DAY, to), from);
    if (last)
        weft_run_warn(t->run, "the last %s ends on %s, and the table on %s: left out (--to %s says that it is whole)",
                      name, weft_date_text(end, WEFT_STEP_DAY, from), weft_date_text(times[n - 1], WEFT_STEP_DAY, to),
                      from);
    g->start = first ? weft_step_add(g->start, 1, g->step) : g->start;
    g->n -= first + last;
    return 0;
}

/* Days that no row has, in steps that are sums of days. */
static void say_days_left_out(const struct table *t, const struct weft_grid *g, const int64_t *times, size_t n)
{
    int64_t end = weft_step_add(g->start, g->n, g->step), expected = g->start, lost = 0, first = 0;
    char text[32], unit[32];
    for (size_t i = 0; i < n && t->step == WEFT_STEP_DAY; i++) {
        if (times[i] < g->start || times[i] >= end)
            continue;
        if (times[i] > expected) {
            first = lost ? first : expected;
            lost += (times[i] - expected) / WEFT_STEP_DAY;
        }
        expected = times[i] + WEFT_STEP_DAY;
    }
    if (lost)
        weft_run_warn(t->run, "%lld days have no row, the first on %s: they add nothing to the %ss that they are in",
                      (long long)lost, weft_date_text(first, WEFT_STEP_DAY, text), weft_step_text(g->step, unit));
}

/* Where days to come are planned, sales end earlier: the step in which they do, unless it is whole. -1: none. */
static int64_t find_unsold(const struct table *t, const struct weft_grid *g, int64_t last_row)
{
    size_t n;
    int64_t *sold = times_of(t, true, &n), at = n && sold[n - 1] < last_row ? weft_grid_at(g, sold[n - 1]) : -1;
    char text[32], begin[32], name[32];
    if (at >= 0 && sold[n - 1] >= weft_step_add(g->start, at + 1, g->step) - WEFT_STEP_DAY)
        at = -1;
    if (at >= 0)
        weft_run_warn(t->run, "the %s of %s has sales up to %s alone, and rows of later days: its sales are left out",
                      weft_step_text(g->step, name),
                      weft_date_text(weft_step_add(g->start, at, g->step), WEFT_STEP_DAY, begin),
                      weft_date_text(sold[n - 1], WEFT_STEP_DAY, text));
    free(sold);
    return at;
}

/* The step that was asked for, or that the dates have. Weeks keep the weekday that all rows have, else they begin on
 * Monday. */
static int find_steps(struct table *t, struct weft_grid *g, struct weft_err *e)
{
    size_t n;
    int64_t *times = times_of(t, false, &n),
            step = t->o->step_seconds ? t->o->step_seconds : weft_step_find(times, n, true);
    bool whole = true;
    int rc = 0;
    if (step != t->step && n) {
        int64_t monday = times[0] - (times[0] % WEFT_STEP_DAY + WEFT_STEP_DAY) % WEFT_STEP_DAY -
                         weft_weekday(times[0]) * WEFT_STEP_DAY;
        for (size_t i = 1; i < n; i++) /* one time a step: each stands for all of it */
            whole = whole &&
                    weft_step_count(weft_step_begin(times[0], step), times[i], step) >
                        weft_step_count(weft_step_begin(times[0], step), times[i - 1], step) &&
                    (step != WEFT_STEP_WEEK || (times[i] - times[0]) % step == 0);
        whole = whole || step <= WEFT_STEP_DAY || step == WEFT_STEP_BUSINESS_DAY;
        g->start = step == WEFT_STEP_WEEK && !whole ? monday
                   : step == WEFT_STEP_DAY          ? floor_div(times[0], step) * step
                                                    : weft_step_begin(times[0], step);
        g->step = step;
        g->n = weft_step_count(g->start, times[n - 1], step) + 1;
        whole = whole && (n > 1 || step <= WEFT_STEP_DAY);
        rc = whole ? 0 : cut_partial(t, g, times, n, e);
        int64_t unsold = -1;
        if (rc == 0 && !whole) {
            say_days_left_out(t, g, times, n);
            unsold = find_unsold(t, g, times[n - 1]);
        }
        for (size_t i = 0; i < t->n && rc == 0; i++)
            add_up(t, &t->series[i], g, unsold);
        if (rc == 0)
            add_up(t, &t->left_out, g, unsold);
        t->origin = g->start;
        t->step = step;
        t->first = 0;
        t->last = g->n - 1;
    }
    free(times);
    return rc;
}

/* A date that a slip of the pen put years away. */
static int check_far(const struct table *t, struct weft_err *e)
{
    const int64_t most = (int64_t)1 << 28;
    size_t n;
    if (t->last - t->first > most)
        return 0; /* it is refused as too long */
    int64_t other = 0, *times = times_of(t, false, &n), far = weft_grid_far(times, n, &other);
    free(times);
    if (!far || (far > other ? t->o->to : t->o->from))
        return 0;
    return weft_grid_refuse_far(far, other, far > other ? t->last_at : t->first_at, e);
}

/* "(not set)" of Google Analytics and the like: a series of all that has no name. */
static void say_unnamed(const struct table *t)
{
    static const char *const names[] = {"(not set)", "(none)", "(blank)", "(other)"};
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (t->series[i].id.n == strlen(names[k]) && memcmp(t->series[i].id.p, names[k], strlen(names[k])) == 0)
                weft_run_warn(t->run,
                              "the series \"%s\" is of rows without a name (--drop COLUMN='%s' leaves them out)",
                              names[k], names[k]);
}

static int finish(struct table *t, struct weft_err *e)
{
    struct weft_grid g;
    struct weft_ingest o = *t->o;
    add_waiting(t);
    if (!t->rows)
        return weft_fail(e, WEFT_DATA, "no %srow came%s", t->o->rejects ? "good " : "",
                         t->outside ? " between --from and --to" : "");
    if (check_far(t, e) < 0)
        return -1;
    o.from = o.to = NULL; /* rows outside are not in the table */
    o.step_seconds = 0;
    for (size_t i = 0; i < t->n_closed; i++) { /* the calendar goes on to a day that is closed, as to one with rows */
        int64_t step = floor_div(t->closed[i] - t->origin, t->step);
        t->last = step > t->last ? step : t->last;
    }
    if (weft_grid_of(&o, t->step, (int64_t[]){t->origin + t->first * t->step, t->origin + t->last * t->step}, 2, &g,
                     e) < 0 ||
        find_steps(t, &g, e) < 0)
        return -1;
    if (t->negative)
        weft_run_warn(t->run, "%llu values below 0 (returns?) are kept", (unsigned long long)t->negative);
    if (t->moved_keys)
        weft_run_warn(t->run, "%llu rows have other keys than the first row of their series: the first ones are kept",
                      (unsigned long long)t->moved_keys);
    if (t->outside)
        weft_run_info(t->run, "%llu rows lie outside of --from and --to", (unsigned long long)t->outside);
    if (t->replaced)
        weft_run_warn(t->run, "%llu rows are of days that a later file holds%s: left out",
                      (unsigned long long)t->replaced, t->o->until.n ? ", or later than --until" : "");
    if (refuse_sums(t, &g, e) < 0)
        return -1;
    weft_rows_say(t->sales, t->run);
    find_coverage(t, &g);
    weft_coverage_say(&t->coverage, t->run);
    say_unnamed(t);
    return write_series(t, &g, e);
}

static void free_table(struct table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free((void *)(uintptr_t)t->series[i].id.p);
        for (size_t k = 0; k < t->n_keys; k++)
            free(t->series[i].key[k]);
        free(t->series[i].key);
        free(t->series[i].span);
    }
    for (size_t i = 0; i < t->n_pools; i++)
        free(t->pools[i]);
    for (size_t k = 0; k < t->n_keys; k++)
        free(t->key_name[k]);
    for (size_t c = 0; c < t->n_values; c++)
        free(t->channel[c]);
    free(t->pools);
    free(t->closed);
    free(t->known_day);
    free(t->series);
    free(t->key_name);
    weft_ids_free(&t->ids);
    free(t->waiting_x);
    weft_ingest_keys_free(&t->keys);
    weft_pack_free(&t->id_buf);
    weft_pack_free(&t->key_buf);
    weft_overlap_free(&t->overlap);
    weft_coverage_free(&t->coverage);
    weft_rejects_totals(t->o->rejected, NULL);
    weft_rows_free(&t->sales);
    free(t->left_out.span);
}

/* Operand i, in the order in which files are read: from the last one to the first with --overlap replace, so that a day
 * is known to be held by a later file when an earlier one's row of it comes. */
static int read_operand(struct table *t, int i, struct weft_csv *first, const struct weft_header *h, struct weft_err *e)
{
    const char *path = weft_run_operand(t->run, i);
    struct weft_csv *csv = NULL;
    struct weft_header header = {0};
    t->file = i;
    int rc = weft_overlap_file(t->overlap, i, path, e);
    if (rc == 0 && i == 0)
        return read_file(t, first, h, e);
    if (rc == 0)
        rc = weft_csv_open(path, &t->o->csv, &csv, e);
    if (rc == 0)
        rc = weft_header_read(csv, &header, e);
    if (rc == 0)
        rc = read_file(t, csv, &header, e);
    weft_header_free(&header);
    weft_csv_close(&csv);
    return rc;
}

/* The days of --closed, and how far each file counts. */
static int read_days(struct table *t, struct weft_err *e)
{
    int64_t seconds;
    t->closed = WEFT_ARRAY(int64_t, t->o->closed.n + 1);
    for (size_t i = 0; i < t->o->closed.n; i++) {
        if (weft_ingest_date("--closed", t->o->closed.items[i], &seconds, e) < 0)
            return -1;
        if ((!t->o->from || seconds >= t->o->from_seconds) && (!t->o->to || seconds < t->o->to_seconds + 86400))
            t->closed[t->n_closed++] = seconds;
    }
    for (size_t i = 0; i < t->o->until.n; i++) {
        if (weft_ingest_date("--until", t->o->until.items[i], &seconds, e) < 0)
            return -1;
        weft_overlap_until(t->overlap, (int)i, seconds);
    }
    return 0;
}

int weft_ingest_long(struct weft_run *run, const struct weft_ingest *o, struct weft_csv *csv,
                     const struct weft_header *h, struct weft_err *e)
{
    /* Weeks, months and the like are made of days, when all have been read: days may be missing, and weeks begin on the
     * weekday that the rows have. */
    bool of_days = o->step_seconds == WEFT_STEP_WEEK || o->step_seconds == WEFT_STEP_MONTH ||
                   o->step_seconds == WEFT_STEP_QUARTER || o->step_seconds == WEFT_STEP_BUSINESS_DAY;
    int64_t shortest = o->hours ? WEFT_STEP_HOUR : WEFT_STEP_DAY;
    struct table t = {.run = run, .o = o, .step = o->step_seconds ? o->step_seconds : shortest};
    t.step = of_days ? WEFT_STEP_DAY : t.step;
    /* Several weeks begin on Monday: 1970-01-05 was one. */
    t.origin = t.step % WEFT_STEP_WEEK == 0 ? 4 * WEFT_STEP_DAY : 0;
    t.sales = weft_rows_new(o);
    weft_rejects_totals(o->rejected, t.sales);
    int files = weft_run_n_operands(run), rc;
    bool backwards = o->overlap == WEFT_OVERLAP_REPLACE;
    t.owned = files > 1 && o->overlap == WEFT_OVERLAP_DEFAULT;
    if (files > 1 || o->until.n)
        t.overlap = weft_overlap_new((enum weft_overlap_rule)o->overlap, files > 1 ? files : 1);
    rc = read_days(&t, e);
    if (rc == 0 && files < 2)
        rc = read_file(&t, csv, h, e);
    if (rc == 0 && files > 1 && backwards)
        rc = find_columns(&t, h, e); /* the first file names the channels and keys */
    for (int i = 0; files > 1 && i < files && rc == 0; i++)
        rc = read_operand(&t, backwards ? files - 1 - i : i, csv, h, e);
    if (rc == 0)
        rc = finish(&t, e);
    free_table(&t);
    return rc;
}
