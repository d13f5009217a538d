/* covariates.c - channels from the calendar and from a table. */
#include "ingest/covariates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/dates.h"
#include "ingest/ingest.h"
#include "ingest/texts.h"
#include "base/mem.h"
#include "base/names.h"

enum { DAY = 86400, WEEKDAYS = 6, AHEAD_MAX = 36525 };

/* A cell row of the table, until the calendar's end is known. */
struct row {
    size_t key;
    int64_t step;
};

struct weft_covariates {
    const struct weft_covariates_opts *o;
    const struct weft_series_attrs *in;
    struct weft_series_attrs out;
    size_t weekday, holiday, table; /* first channel of each; SIZE_MAX: none */
    bool *carry;                    /* [channels] */
    int64_t *lag, lag_max;          /* [channels]: steps by which the table's values come late */
    struct weft_fill_rule fill;
    bool *filled; /* [steps of the series filled last] */
    size_t filled_room;
    uint64_t n_filled, n_left, n_series;
    int64_t *holidays; /* days since 1970, ascending [n_holidays] */
    size_t n_holidays, uncovered;
    int64_t covered_from, covered_to; /* days: first and one behind the last that the file's years have */
    /* The table. */
    int key[WEFT_MAX_KEYS]; /* keys of the stream that name a row; none: every row is for all */
    size_t key_column[WEFT_MAX_KEYS], n_keys, date, column[WEFT_MAX_CHANNELS], n_columns;
    struct weft_names keys;
    struct row *row;
    float *cells; /* [rows, columns] */
    size_t rows, cap;
    float *values; /* [keys, columns, length] */
    struct weft_pack text, room;
};

/* --- channels --- */

static int add_channel(struct weft_covariates *c, const char *name, enum weft_role role, struct weft_err *e)
{
    struct weft_series_attrs *a = &c->out;
    if (weft_series_channel(a, name) != SIZE_MAX) {
        weft_fail(e, WEFT_CONFIG, "the stream has a channel \"%s\" already", name);
        return weft_fail_hint(e, "give it another name: --value NAME=COLUMN");
    }
    if (a->n_channels == WEFT_MAX_CHANNELS)
        return weft_fail(e, WEFT_CONFIG, "more than %d channels", WEFT_MAX_CHANNELS);
    a->channels[a->n_channels] = weft_xstrdup(name);
    a->role[a->n_channels] = role;
    a->reduce[a->n_channels++] = WEFT_REDUCE_MEAN;
    return 0;
}

static bool listed(const struct weft_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->items[i], name) == 0)
            return true;
    return false;
}

static enum weft_role role_of(const struct weft_covariates_opts *o, const char *name)
{
    return listed(&o->past, name) ? WEFT_ROLE_PAST : listed(&o->constant, name) ? WEFT_ROLE_STATIC : WEFT_ROLE_FUTURE;
}

static int add_weekday(struct weft_covariates *c, struct weft_err *e)
{
    static const char *const names[WEEKDAYS] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
    if (c->in->step > DAY && c->in->step != WEFT_STEP_BUSINESS_DAY)
        return weft_fail(e, WEFT_CONFIG, "--weekday: the stream's steps are longer than a day");
    c->weekday = c->out.n_channels;
    for (int i = 0; i < WEEKDAYS; i++)
        if (add_channel(c, names[i], WEFT_ROLE_FUTURE, e) < 0)
            return -1;
    return 0;
}

/* --- holidays --- */

/* A date in any form that says by itself what it is. */
static bool read_date(struct weft_csv_text t, int64_t *seconds)
{
    static const struct weft_dates plain = {.form = WEFT_DATES_PLAIN};
    return weft_date_parse(t.p, t.n, seconds) || weft_dates_read(&plain, t.p, t.n, seconds);
}

/* The day of a time, also before 1970. */
static int64_t day_of(int64_t seconds)
{
    return seconds / DAY - (seconds % DAY < 0);
}

static int bad_date(const struct weft_csv *csv, const struct weft_csv_row *row, struct weft_csv_text t,
                    struct weft_err *e)
{
    weft_fail(e, WEFT_DATA, "not a date: \"%.*s\"", t.n < 60 ? (int)t.n : 60, t.p);
    return weft_fail_where(e, "%s:%llu", weft_csv_name(csv), (unsigned long long)row->line);
}

static int bad_row(const struct weft_csv *csv, const struct weft_csv_row *row, size_t columns, struct weft_err *e)
{
    if (row->problem)
        weft_fail(e, WEFT_DATA, "%s", row->problem);
    else
        weft_fail(e, WEFT_DATA, "%zu fields, and the header has %zu", row->found, columns);
    return weft_fail_where(e, "%s:%llu", weft_csv_name(csv), (unsigned long long)row->line);
}

static int read_holidays(struct weft_covariates *c, struct weft_csv *csv, const struct weft_header *h,
                         struct weft_err *e)
{
    struct weft_csv_row row;
    size_t date, cap = 0;
    int64_t seconds;
    int got, y, m, d;
    if (weft_header_need(h, "date", &date, e) < 0)
        return -1;
    while ((got = weft_csv_next(csv, &row, e)) == 1) {
        if (row.problem || row.found != h->n)
            return bad_row(csv, &row, h->n, e);
        struct weft_csv_text t = weft_csv_field(&row, date);
        if (!read_date(t, &seconds))
            return bad_date(csv, &row, t, e);
        if (c->n_holidays == cap) {
            cap = weft_grow(cap, cap + 1);
            c->holidays = weft_xrealloc2(c->holidays, cap, sizeof *c->holidays);
        }
        c->holidays[c->n_holidays++] = day_of(seconds);
    }
    if (got < 0)
        return -1;
    if (!c->n_holidays)
        return weft_fail(e, WEFT_DATA, "%s names no holiday", weft_csv_name(csv));
    weft_sort(c->holidays, c->n_holidays, sizeof *c->holidays, weft_by_int64);
    weft_civil_from_days(c->holidays[0], &y, &m, &d);
    c->covered_from = weft_days_from_civil(y, 1, 1);
    weft_civil_from_days(c->holidays[c->n_holidays - 1], &y, &m, &d);
    c->covered_to = weft_days_from_civil(y + 1, 1, 1);
    c->holiday = c->out.n_channels;
    return add_channel(c, "holiday", WEFT_ROLE_FUTURE, e);
}

/* Holidays in a step that begins at `seconds`; NaN where the file says nothing. */
static float holidays_in(const struct weft_covariates *c, int64_t seconds)
{
    int64_t from = day_of(seconds), last = day_of(weft_step_add(seconds, 1, c->in->step) - 1);
    size_t lo = 0, hi = c->n_holidays, n = 0;
    if (from < c->covered_from || last >= c->covered_to)
        return NAN;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->holidays[mid] < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < c->n_holidays && c->holidays[lo] <= last; lo++)
        n += !lo || c->holidays[lo] != c->holidays[lo - 1]; /* two on one day are one day off */
    return (float)n;
}

/* --- the table --- */

/* By id when the table has such a column; else by every key of the stream that it has; else for all series. */
static int find_keys(struct weft_covariates *c, const struct weft_header *h, struct weft_err *e)
{
    size_t id = weft_header_find(h, c->o->id ? c->o->id : "id");
    if (c->o->id && weft_header_need(h, c->o->id, &id, e) < 0)
        return -1;
    if (id != SIZE_MAX) {
        c->key[0] = WEFT_KEY_ID;
        c->key_column[c->n_keys++] = id;
        return 0;
    }
    for (size_t k = 0; k < c->in->n_keys; k++) {
        size_t at = weft_header_find(h, c->in->keys[k]);
        if (at == SIZE_MAX)
            continue;
        c->key[c->n_keys] = (int)k;
        c->key_column[c->n_keys++] = at;
    }
    return 0;
}

static int add_column(struct weft_covariates *c, const char *name, size_t column, struct weft_err *e)
{
    c->column[c->n_columns++] = column;
    return add_channel(c, name, role_of(c->o, name), e);
}

static int find_columns(struct weft_covariates *c, const struct weft_header *h, struct weft_err *e)
{
    const struct weft_list *values = &c->o->values;
    size_t at;
    if (weft_header_need(h, c->o->date ? c->o->date : "date", &c->date, e) < 0 || find_keys(c, h, e) < 0)
        return -1;
    c->table = c->out.n_channels;
    for (size_t i = 0; i < values->n; i++) {
        const char *eq = strchr(values->items[i], '=');
        char *name =
            eq ? weft_xstrndup(values->items[i], (size_t)(eq - values->items[i])) : weft_xstrdup(values->items[i]);
        int rc = weft_header_need(h, eq ? eq + 1 : values->items[i], &at, e);
        if (rc == 0)
            rc = add_column(c, name, at, e);
        free(name);
        if (rc < 0)
            return -1;
    }
    for (size_t i = 0; i < h->n && !values->n; i++) {
        bool key = i == c->date;
        for (size_t k = 0; k < c->n_keys; k++)
            key |= c->key_column[k] == i;
        if (!key && add_column(c, h->name[i], i, e) < 0)
            return -1;
    }
    return c->n_columns ? 0 : weft_fail(e, WEFT_DATA, "%s has no column beside date and keys", h->file);
}

/* What names a row or a series: texts of the keys, one behind the other, each with its length so that no two are alike.
 */
static void add_key(struct weft_covariates *c, const void *p, size_t n)
{
    uint32_t length = (uint32_t)n;
    weft_pack_raw(&c->text, (struct weft_span){(const uint8_t *)&length, sizeof length});
    weft_pack_raw(&c->text, (struct weft_span){p, n});
}

static int read_cells(struct weft_covariates *c, const struct weft_csv *csv, const struct weft_csv_row *row,
                      const struct weft_header *h, struct weft_err *e)
{
    for (size_t i = 0; i < c->n_columns; i++) {
        struct weft_csv_text t = weft_csv_field(row, c->column[i]);
        if (weft_ingest_cell(WEFT_DECIMAL_POINT, t, &c->cells[c->rows * c->n_columns + i]))
            continue;
        weft_fail(e, WEFT_DATA, "not a number: \"%.*s\" (column %s)", t.n < 60 ? (int)t.n : 60, t.p,
                  h->name[c->column[i]]);
        weft_fail_where(e, "%s:%llu:%zu", weft_csv_name(csv), (unsigned long long)row->line, c->column[i] + 1);
        return weft_fail_hint(e, "name the columns to take: --value COLUMN,COLUMN");
    }
    return 0;
}

static int read_row(struct weft_covariates *c, const struct weft_csv *csv, const struct weft_csv_row *row,
                    const struct weft_header *h, struct weft_err *e)
{
    struct weft_csv_text t = weft_csv_field(row, c->date);
    int64_t seconds, at;
    if (row->problem || row->found != h->n)
        return bad_row(csv, row, h->n, e);
    if (!read_date(t, &seconds))
        return bad_date(csv, row, t, e);
    at = weft_step_count(c->in->start, seconds, c->in->step);
    if (seconds < c->in->start && at + c->lag_max < 0)
        return 0;
    bool off = !weft_step_fits(c->in->start, seconds, c->in->step);
    if (off || at >= c->in->length + AHEAD_MAX) {
        weft_fail(e, WEFT_DATA,
                  off ? "%.*s is no step of the series' calendar" : "%.*s is more than a hundred years behind it",
                  t.n < 60 ? (int)t.n : 60, t.p);
        return weft_fail_where(e, "%s:%llu", weft_csv_name(csv), (unsigned long long)row->line);
    }
    if (c->rows == c->cap) {
        c->cap = weft_grow(c->cap, c->rows + 1);
        c->row = weft_xrealloc2(c->row, c->cap, sizeof *c->row);
        c->cells = weft_xrealloc2(c->cells, c->cap * c->n_columns, sizeof *c->cells);
    }
    weft_pack_clear(&c->text);
    for (size_t k = 0; k < c->n_keys; k++) {
        t = weft_text_clean(weft_csv_field(row, c->key_column[k]), &c->room);
        add_key(c, t.p, t.n);
    }
    c->row[c->rows] = (struct row){weft_names_add(&c->keys, c->text.p, c->text.n), at};
    if (read_cells(c, csv, row, h, e) < 0)
        return -1;
    c->rows++;
    return 0;
}

/* --lag [CHANNEL=]N: without a name for every column of the table. After the columns are found, before the rows are
 * read. */
static int read_lags(struct weft_covariates *c, struct weft_err *e)
{
    for (size_t i = 0; i < c->o->lag.n; i++) {
        const char *item = c->o->lag.items[i], *eq = strrchr(item, '='), *digits = eq ? eq + 1 : item;
        char *end;
        long n = *digits >= '0' && *digits <= '9' ? strtol(digits, &end, 10) : -1;
        if (n < 0 || n > AHEAD_MAX || *end)
            return weft_fail(e, WEFT_USAGE, "--lag: \"%s\" is no number of steps from 0 to %d", digits, AHEAD_MAX);
        bool met = false;
        for (size_t k = 0; k < c->n_columns; k++) {
            const char *name = c->out.channels[c->table + k];
            if (eq && (strlen(name) != (size_t)(eq - item) || memcmp(name, item, strlen(name)) != 0))
                continue;
            met = true;
            c->lag[c->table + k] = n;
            c->lag_max = n > c->lag_max ? n : c->lag_max;
        }
        if (!met)
            return weft_fail(e, WEFT_CONFIG, "--lag: no column of %s is channel \"%.*s\"", c->o->table,
                             (int)(eq - item), item);
    }
    return 0;
}

static int read_table(struct weft_covariates *c, struct weft_csv *csv, const struct weft_header *h, struct weft_err *e)
{
    struct weft_csv_row row;
    int got, rc = find_columns(c, h, e);
    if (rc == 0)
        rc = read_lags(c, e);
    while (rc == 0 && (got = weft_csv_next(csv, &row, e)) != 0)
        rc = got < 0 ? -1 : read_row(c, csv, &row, h, e);
    if (rc == 0 && !c->rows)
        rc = weft_fail(e, WEFT_DATA, "%s has no row on the series' calendar", h->file);
    return rc;
}

/* Rows to [keys, columns, length]; of two rows for one key and step the last one counts. */
static int place_table(struct weft_covariates *c, struct weft_err *e)
{
    size_t length = (size_t)c->out.length, cells;
    if (!weft_mul(c->keys.n, c->n_columns, &cells) || !weft_mul(cells, length, &cells) || cells > (size_t)1 << 40)
        return weft_fail(e, WEFT_DATA, "%zu series of %zu columns and %zu steps are too many to hold", c->keys.n,
                         c->n_columns, length);
    c->values = weft_xaligned(cells, sizeof *c->values);
    for (size_t i = 0; i < cells; i++)
        c->values[i] = NAN;
    for (size_t r = 0; r < c->rows; r++)
        for (size_t i = 0; i < c->n_columns; i++) {
            int64_t at = c->row[r].step + c->lag[c->table + i];
            if (at >= 0 && at < c->out.length)
                c->values[(c->row[r].key * c->n_columns + i) * length + (size_t)at] = c->cells[r * c->n_columns + i];
        }
    free(c->row);
    free(c->cells);
    c->row = NULL;
    c->cells = NULL;
    return 0;
}

/* --- all together --- */

/* One CSV file: header, then whatever `read` makes of it. */
static int with_file(struct weft_covariates *c, const char *path,
                     int (*read)(struct weft_covariates *, struct weft_csv *, const struct weft_header *,
                                 struct weft_err *),
                     struct weft_err *e)
{
    static const struct weft_csv_opts opts = {.threads = 1};
    struct weft_csv *csv = NULL;
    struct weft_header h = {0};
    int rc = weft_csv_open(path, &opts, &csv, e);
    if (rc == 0)
        rc = weft_header_read(csv, &h, e);
    if (rc == 0)
        rc = read(c, csv, &h, e);
    weft_header_free(&h);
    weft_csv_close(&csv);
    return rc;
}

/* Names in --carry, --past and --static must be channels. */
static int check_names(struct weft_covariates *c, const struct weft_list *l, const char *option, struct weft_err *e)
{
    for (size_t i = 0; i < l->n; i++) {
        size_t at = weft_series_channel(&c->out, l->items[i]);
        if (at == SIZE_MAX)
            return weft_fail(e, WEFT_CONFIG, "--%s: there is no channel \"%s\"", option, l->items[i]);
        if (at < c->in->n_targets)
            return weft_fail(e, WEFT_CONFIG, "--%s: channel \"%s\" is what is forecast", option, l->items[i]);
        if (l != &c->o->carry && at < c->in->n_channels)
            return weft_fail(e, WEFT_CONFIG, "--%s: channel \"%s\" has its role already (%s)", option, l->items[i],
                             weft_role_name(c->out.role[at]));
        if (l == &c->o->carry)
            c->carry[at] = true;
    }
    return 0;
}

/* How far the calendar goes: over the targets, what the stream has already, the table, and --ahead. */
static void choose_length(struct weft_covariates *c)
{
    int64_t length = c->in->known + c->o->ahead;
    for (size_t r = 0; r < c->rows && !c->o->ahead; r++) {
        int64_t end = c->row[r].step + 1 + c->lag_max;
        length = end > length ? end : length;
    }
    c->out.length = length > c->in->length ? length : c->in->length;
    for (int64_t t = 0; t < c->out.length && c->holiday != SIZE_MAX; t++)
        c->uncovered += isnan(holidays_in(c, weft_step_add(c->in->start, t, c->in->step)));
}

static int build(struct weft_covariates *c, struct weft_err *e)
{
    const struct weft_covariates_opts *o = c->o;
    if (!o->weekday && !o->holidays && !o->table && !o->ahead && !o->carry.n && !o->fill) {
        weft_fail(e, WEFT_USAGE, "which channels? --weekday, --holidays FILE, --csv FILE");
        return -1;
    }
    c->fill.max = o->fill_max;
    if (o->fill && weft_fill_parse(o->fill, &c->fill, e) < 0)
        return -1;
    if ((o->weekday && add_weekday(c, e) < 0) || (o->holidays && with_file(c, o->holidays, read_holidays, e) < 0) ||
        (o->table && with_file(c, o->table, read_table, e) < 0))
        return -1;
    if (check_names(c, &o->past, "past", e) < 0 || check_names(c, &o->constant, "static", e) < 0 ||
        check_names(c, &o->carry, "carry", e) < 0)
        return -1;
    choose_length(c);
    return o->table ? place_table(c, e) : 0;
}

int weft_covariates_new(const struct weft_covariates_opts *o, const struct weft_series_attrs *in,
                        struct weft_covariates **out, struct weft_err *e)
{
    *out = NULL;
    struct weft_covariates *c = WEFT_NEW(struct weft_covariates);
    *c = (struct weft_covariates){
        .o = o, .in = in, .out = *in, .weekday = SIZE_MAX, .holiday = SIZE_MAX, .table = SIZE_MAX};
    c->out.channels = WEFT_ARRAY(char *, WEFT_MAX_CHANNELS);
    c->out.role = WEFT_ARRAY(enum weft_role, WEFT_MAX_CHANNELS);
    c->out.reduce = WEFT_ARRAY(enum weft_reduce, WEFT_MAX_CHANNELS);
    c->carry = WEFT_ARRAY(bool, WEFT_MAX_CHANNELS);
    c->lag = WEFT_ARRAY(int64_t, WEFT_MAX_CHANNELS);
    for (size_t i = 0; i < in->n_channels; i++) {
        c->out.channels[i] = weft_xstrdup(in->channels[i]);
        c->out.role[i] = in->role[i];
        c->out.reduce[i] = in->reduce[i];
    }
    if (build(c, e) < 0) {
        weft_covariates_free(&c);
        return -1;
    }
    *out = c;
    return 0;
}

void weft_covariates_free(struct weft_covariates **cp)
{
    struct weft_covariates *c = *cp;
    if (!c)
        return;
    for (size_t i = 0; i < c->out.n_channels; i++)
        free(c->out.channels[i]);
    free(c->out.channels);
    free(c->out.role);
    free(c->out.reduce);
    free(c->carry);
    free(c->lag);
    free(c->filled);
    free(c->holidays);
    free(c->row);
    free(c->cells);
    free(c->values);
    weft_names_free(&c->keys);
    weft_pack_free(&c->text);
    weft_pack_free(&c->room);
    free(c);
    *cp = NULL;
}

const struct weft_series_attrs *weft_covariates_attrs(const struct weft_covariates *c)
{
    return &c->out;
}

size_t weft_covariates_without_holidays(const struct weft_covariates *c)
{
    return c->uncovered;
}

bool weft_covariates_last_holiday(const struct weft_covariates *c, int64_t *holiday, int64_t *last)
{
    enum { LONG_WITHOUT = 45 }; /* a year's last one is at Christmas, or in Japan on November 23 */
    if (c->holiday == SIZE_MAX)
        return false;
    *holiday = c->holidays[c->n_holidays - 1] * DAY;
    *last = weft_step_add(c->out.start, c->out.length, c->out.step) - DAY;
    return *last - *holiday > LONG_WITHOUT * DAY;
}

size_t weft_covariates_steps(const struct weft_covariates *c, const struct weft_series *s)
{
    int64_t offset = weft_step_count(c->in->start, s->start, c->in->step);
    return c->out.length > offset ? (size_t)(c->out.length - offset) : s->n;
}

/* The table's place for a series; SIZE_MAX: none. */
static size_t find_series(struct weft_covariates *c, const struct weft_series *s)
{
    weft_pack_clear(&c->text);
    for (size_t k = 0; k < c->n_keys; k++) {
        struct weft_span t = weft_series_key_text(s, c->key[k]);
        add_key(c, t.p, t.n);
    }
    return weft_names_find(&c->keys, c->text.p, c->text.n);
}

static void carry_on(float *x, size_t n)
{
    float last = NAN;
    for (size_t t = 0; t < n; t++) {
        if (isnan(x[t]))
            x[t] = last;
        last = x[t];
    }
}

/* --fill: gaps of the targets, up to the last step that any series has. */
static void fill_targets(struct weft_covariates *c, const struct weft_series *s, size_t n, float *out)
{
    size_t known = weft_series_known(c->in, s->start, s->n), filled = 0, left;
    if (n > c->filled_room)
        c->filled = weft_xrealloc2(c->filled, c->filled_room = weft_grow(c->filled_room, n), sizeof *c->filled);
    memset(c->filled, 0, n * sizeof *c->filled);
    for (size_t i = 0; i < c->in->n_targets; i++) {
        filled += weft_fill_gaps(&c->fill, out + i * n, known < n ? known : n, c->filled, &left);
        c->n_left += left;
    }
    c->n_filled += filled;
    c->n_series += filled > 0;
}

bool weft_covariates_filled(const struct weft_covariates *c, size_t t)
{
    return c->fill.on && c->filled[t];
}

struct weft_covariates_fills weft_covariates_fills(const struct weft_covariates *c)
{
    return (struct weft_covariates_fills){c->n_filled, c->n_left, c->n_series};
}

void weft_covariates_notes(const struct weft_covariates *c, struct weft_edit *attrs)
{
    if (c->fill.on) {
        struct weft_pack *m = weft_edit_set(attrs, "filled");
        weft_pack_map(m, 2);
        weft_pack_cstr(m, "by");
        weft_pack_cstr(m, c->o->fill);
        weft_pack_cstr(m, "max");
        weft_pack_int(m, c->fill.max);
        weft_edit_done(attrs);
    }
    uint32_t late = 0;
    for (size_t i = 0; i < c->out.n_channels; i++)
        late += c->lag[i] > 0;
    if (!late)
        return;
    struct weft_pack *m = weft_edit_set(attrs, "lags");
    weft_pack_map(m, late);
    for (size_t i = 0; i < c->out.n_channels; i++)
        if (c->lag[i] > 0) {
            weft_pack_cstr(m, c->out.channels[i]);
            weft_pack_int(m, c->lag[i]);
        }
    weft_edit_done(attrs);
}

bool weft_covariates_fill(struct weft_covariates *c, const struct weft_series *s, float *out)
{
    const struct weft_series_attrs *a = &c->out;
    size_t n = weft_covariates_steps(c, s), offset = (size_t)(weft_step_count(c->in->start, s->start, c->in->step)),
           had = s->n < n ? s->n : n;
    for (size_t i = 0; i < a->n_channels * n; i++)
        out[i] = NAN;
    for (size_t i = 0; i < s->n_channels; i++)
        memcpy(out + i * n, s->values + i * s->n, had * sizeof *out);
    for (size_t t = 0; t < n; t++) {
        int64_t seconds = weft_step_add(s->start, (int64_t)t, a->step);
        for (int d = 0; d < WEEKDAYS && c->weekday != SIZE_MAX; d++)
            out[(c->weekday + (size_t)d) * n + t] = weft_weekday(seconds) == d;
        if (c->holiday != SIZE_MAX)
            out[c->holiday * n + t] = holidays_in(c, seconds);
    }
    size_t at = c->table != SIZE_MAX ? find_series(c, s) : 0;
    for (size_t i = 0; i < c->n_columns && at != SIZE_MAX; i++)
        memcpy(out + (c->table + i) * n, c->values + (at * c->n_columns + i) * (size_t)a->length + offset,
               n * sizeof *out);
    for (size_t i = 0; i < a->n_channels; i++)
        if (c->carry[i])
            carry_on(out + i * n, n);
    if (c->fill.on)
        fill_targets(c, s, n, out);
    return at != SIZE_MAX;
}
