/* wide.c - one row a series, one column a day; beside it tables of amounts (same rows) and of mentions (one row a
 * brand). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/ids.h"
#include "base/stop.h"
#include "frame/hold.h"
#include "ingest/coverage.h"
#include "ingest/ingest.h"
#include "ingest/rows.h"
#include "ingest/texts.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/progress.h"

enum { UNITS, AMOUNTS, MENTIONS, CHANNELS };

/* A table whose columns lie on the grid. */
struct table {
    struct weft_csv *csv;
    const struct weft_header *h;
    struct weft_header own; /* of amounts and mentions */
    int64_t *at;            /* [columns]: position on the grid, -1: none */
    enum weft_decimal decimal;
    struct weft_ingest_keys keys;
};

struct wide {
    struct weft_run *run;
    const struct weft_ingest *o;
    struct weft_grid grid;
    struct table units, amounts;
    struct weft_names brands;
    float *mentions; /* [brands, grid.n] */
    size_t brand;    /* index among the keys */
    float fill;
    struct weft_series_attrs attrs;
    struct weft_ids ids;    /* the lines of all ids met */
    float *values;          /* [channels, grid.n] */
    size_t place[CHANNELS]; /* place[i]: the channel of `values` that goes out at i: targets first */
    uint64_t negative, without_mentions;
    struct weft_pack id_buf, other_id, frame, key_room[WEFT_MAX_KEYS], brand_room;
    struct weft_rows *sales; /* what is one */
    struct weft_coverage coverage;
    bool *there;  /* [grid.n]: cells of the row that hold a value */
    size_t unmet; /* days with a column in which no value came yet: while there are some, frames wait in `hold`, since
                     the head says which days are missing */
    struct weft_hold *hold;
    bool open;    /* the head is written */
    float *total; /* [2, grid.n]: the sums of all series, and the largest series: is it the sum of the others? */
    double *sum;
    double largest;
    char *largest_id;
    struct weft_series_attrs head; /* as it is written */
    char *channel[CHANNELS];
    enum weft_reduce reduce[CHANNELS];
    enum weft_role role[CHANNELS];
};

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int find_grid(const struct weft_ingest *o, const struct weft_header *h, struct weft_grid *g, struct weft_err *e)
{
    size_t n = 0;
    char text[32];
    int64_t *dates = WEFT_ARRAY(int64_t, h->dates + 1);
    for (size_t i = 0; i < h->n; i++)
        if (h->date[i] != WEFT_NO_DATE)
            dates[n++] = h->date[i];
    int rc = n ? 0 : weft_fail(e, WEFT_DATA, "%s has no column that is a day", h->file);
    weft_sort(dates, n, sizeof *dates, by_time);
    for (size_t i = 1; i < n && rc == 0; i++)
        if (dates[i] == dates[i - 1])
            rc = weft_fail(e, WEFT_DATA, "%s has two columns for %s", h->file, weft_date_text(dates[i], 86400, text));
    if (rc == 0)
        rc = weft_grid_of(o, h->step, dates, n, g, e);
    free(dates);
    return rc;
}

static int find_decimal(const struct wide *w, struct table *t, struct weft_err *e)
{
    bool *is = WEFT_ARRAY(bool, t->h->n + 1);
    for (size_t i = 0; i < t->h->n; i++)
        is[i] = t->at[i] >= 0;
    int rc = weft_ingest_decimal(w->run, w->o, t->csv, t->h, is, &t->decimal, e);
    free(is);
    return rc;
}

static int place_columns(const struct wide *w, struct table *t, struct weft_err *e)
{
    size_t found = 0;
    t->at = WEFT_ARRAY(int64_t, t->h->n + 1);
    for (size_t i = 0; i < t->h->n; i++) {
        bool date = t->h->date[i] != WEFT_NO_DATE &&
                    weft_step_fits(w->grid.start, weft_step_begin(t->h->date[i], w->grid.step), w->grid.step);
        t->at[i] = date ? weft_grid_at(&w->grid, t->h->date[i]) : -1;
        found += t->at[i] >= 0;
    }
    if (found)
        return find_decimal(w, t, e);
    return weft_fail(e, WEFT_DATA, "%s has none of the days that %s has", t->h->file, w->units.h->file);
}

static int find_keys(const struct wide *w, struct table *t, struct weft_err *e)
{
    bool *free_column = WEFT_ARRAY(bool, t->h->n + 1);
    for (size_t i = 0; i < t->h->n; i++)
        free_column[i] =
            t->h->date[i] == WEFT_NO_DATE && !weft_rows_total_name(w->sales, t->h->name[i], strlen(t->h->name[i]));
    int rc = weft_ingest_keys_find(w->o, t->h, free_column, &t->keys, e);
    free(free_column);
    return rc;
}

static int open_table(const struct wide *w, const char *path, struct table *t, struct weft_err *e)
{
    if (weft_csv_open(path, &w->o->csv, &t->csv, e) < 0 || weft_header_read(t->csv, &t->own, e) < 0)
        return -1;
    t->h = &t->own;
    return place_columns(w, t, e);
}

static void close_table(struct table *t)
{
    weft_csv_close(&t->csv);
    weft_header_free(&t->own);
    weft_ingest_keys_free(&t->keys);
    free(t->at);
}

/* The day cells of a row onto the grid; there (or NULL): which of them hold a value. 1, 0: rejected, -1. */
static int read_cells(const struct wide *w, const struct table *t, const struct weft_csv_row *row, float *out,
                      bool *there, struct weft_err *e)
{
    for (int64_t i = 0; i < w->grid.n; i++)
        out[i] = w->fill;
    if (there)
        memset(there, 0, (size_t)w->grid.n * sizeof *there);
    for (size_t c = 0; c < row->n; c++) {
        if (t->at[c] < 0)
            continue;
        struct weft_csv_text text = weft_csv_field(row, c);
        float *to = &out[t->at[c]], x;
        unsigned digit = text.n == 1 ? (unsigned)(unsigned char)*text.p - '0' : 10;
        if (digit < 10)
            *to = (float)digit;
        else if (!weft_ingest_cell(t->decimal, text, &x))
            return weft_rejects_row(w->o->rejected, t->csv, row, c + 1, e, "not a number: \"%.*s\"",
                                    text.n < 60 ? (int)text.n : 60, text.p);
        else if (isnan(x))
            continue;
        else
            *to = x;
        if (there)
            there[t->at[c]] = true;
    }
    return 1;
}

/* --- mentions: a table in memory, by brand --- */

static int add_brand(struct wide *w, const struct table *t, size_t column, const struct weft_csv_row *row,
                     struct weft_err *e)
{
    struct weft_csv_text name = weft_text_clean(weft_csv_field(row, column), &w->brand_room);
    size_t n = w->brands.n, n_steps = (size_t)w->grid.n;
    float *cells = WEFT_ARRAY(float, n_steps + 1);
    int rc = read_cells(w, t, row, cells, NULL, e);
    if (rc == 1 && weft_names_add(&w->brands, name.p, name.n) < n)
        rc = weft_rejects_row(w->o->rejected, t->csv, row, column + 1, e, "a second row for \"%.*s\"",
                              name.n < 60 ? (int)name.n : 60, name.p);
    if (rc == 1) {
        if ((n & (n - 1)) == 0) /* doubles */
            w->mentions = weft_xrealloc2(w->mentions, (n ? 2 * n : 1) * n_steps, sizeof *w->mentions);
        memcpy(w->mentions + n * n_steps, cells, n_steps * sizeof *cells);
    }
    free(cells);
    return rc;
}

static int read_mentions(struct wide *w, struct weft_err *e)
{
    struct table t = {0};
    struct weft_csv_row row;
    size_t column = 0;
    int rc = open_table(w, w->o->mentions, &t, e);
    while (rc == 0 && column < t.h->n && t.h->date[column] != WEFT_NO_DATE)
        column++;
    if (rc == 0 && column == t.h->n)
        rc = weft_fail(e, WEFT_DATA, "%s has no column that names a brand", t.h->file);
    const char *name = rc == 0 ? weft_header_canonical(t.h->name[column]) : "";
    for (w->brand = 0; w->brand < w->units.keys.n_keys && strcmp(w->units.keys.name[w->brand], name) != 0; w->brand++)
        ;
    if (rc == 0 && w->brand == w->units.keys.n_keys)
        rc = weft_fail(e, WEFT_DATA, "%s is by \"%s\", and %s has no such column", t.h->file, name, w->units.h->file);
    while (rc == 0 && (rc = weft_csv_next(t.csv, &row, e)) == 1) {
        rc = weft_ingest_row_check(w->o->rejected, t.csv, t.h, &row, e);
        if (rc == 1)
            rc = add_brand(w, &t, column, &row, e);
        rc = rc < 0 ? -1 : 0;
    }
    close_table(&t);
    return rc < 0 ? -1 : 0;
}

static void put_mentions(struct wide *w, const struct weft_csv_row *row, float *out)
{
    struct weft_csv_text name = weft_text_clean(weft_csv_field(row, w->units.keys.key[w->brand]), &w->brand_room);
    size_t n = (size_t)w->grid.n, i = weft_names_find(&w->brands, name.p, name.n);
    w->without_mentions += i == SIZE_MAX;
    for (size_t k = 0; k < n && i == SIZE_MAX; k++)
        out[k] = NAN;
    if (i != SIZE_MAX)
        memcpy(out, w->mentions + i * n, n * sizeof *out);
}

/* --- rows --- */

/* The row of --amounts beside this one. 1, 0: rejected, -1. */
static int read_amounts(struct wide *w, const struct weft_csv_row *beside, struct weft_span id, float *out,
                        struct weft_err *e)
{
    struct weft_csv_row row;
    int rc = weft_csv_next(w->amounts.csv, &row, e);
    const char *name = weft_csv_name(w->amounts.csv);
    if (rc == 0) {
        weft_fail(e, WEFT_DATA, "%s ends before line %llu of %s", name, (unsigned long long)beside->line,
                  weft_csv_name(w->units.csv));
        return weft_fail_hint(e, "both need the same products in the same order");
    }
    if (rc == 1)
        rc = weft_ingest_row_check(w->o->rejected, w->amounts.csv, w->amounts.h, &row, e);
    if (rc < 1)
        return rc;
    struct weft_span other = weft_ingest_id(&w->amounts.keys, &row, &w->other_id);
    if (other.n != id.n || memcmp(other.p, id.p, id.n) != 0) {
        weft_fail(e, WEFT_DATA, "the row is of \"%.*s\", and line %llu of %s of \"%.*s\"",
                  other.n < 60 ? (int)other.n : 60, (const char *)other.p, (unsigned long long)beside->line,
                  weft_csv_name(w->units.csv), id.n < 60 ? (int)id.n : 60, (const char *)id.p);
        weft_fail_where(e, "%s:%llu", name, (unsigned long long)row.line);
        return weft_fail_hint(e, "both need the same products in the same order");
    }
    return read_cells(w, &w->amounts, &row, out, NULL, e);
}

static void count_negative(struct wide *w)
{
    uint64_t negative = 0;
    for (int64_t i = 0; i < w->grid.n; i++)
        negative += w->values[i] < 0;
    w->negative += negative;
}

/* The sums of all series, and the one with the largest total: a row of sums that is not called so is that one. */
static void watch_sums(struct wide *w, struct weft_span id)
{
    double all = 0;
    for (int64_t i = 0; i < w->grid.n; i++) {
        double x = isnan(w->values[i]) ? 0 : w->values[i];
        w->sum[i] += x;
        all += x;
    }
    if (w->largest_id && all <= w->largest)
        return;
    memcpy(w->total, w->values, (size_t)w->grid.n * sizeof *w->total);
    free(w->largest_id);
    w->largest_id = weft_xstrndup((const char *)id.p, id.n < 60 ? id.n : 60);
    w->largest = all;
}

static int refuse_sums(const struct wide *w, struct weft_err *e)
{
    int64_t days = 0;
    if (w->ids.n < 3 || w->o->totals == WEFT_TOTALS_KEEP)
        return 0;
    for (int64_t i = 0; i < w->grid.n; i++) {
        double x = isnan(w->total[i]) ? 0 : w->total[i];
        if (fabs(w->sum[i] - 2 * x) > 1e-6 * fabs(w->sum[i]))
            return 0;
        days += x != 0;
    }
    return weft_rows_refuse_sum(w->largest_id, days, e);
}

/* The head, and the frames that waited for it: days without any value are missing, and those after the last value are
 * no days of the table. */
static int open_output(struct wide *w, bool all, struct weft_err *e)
{
    struct weft_coverage *c = &w->coverage;
    struct weft_series_attrs *a = &w->head;
    struct weft_series s = {0};
    struct weft_span frame;
    int64_t known = c->grid.n;
    int got = 0;
    while (all && known > 0 && !c->has[known - 1])
        known--;
    if (!known && w->o->fill == WEFT_FILL_DEFAULT)
        return weft_fail(e, WEFT_DATA, "%s has no value on any day", w->units.h->file);
    known = known ? known : c->grid.n;
    if (known < c->grid.n) {
        char from[32];
        weft_run_warn(w->run, "%lld columns from %s on have no value: left out, as days to come",
                      (long long)(c->grid.n - known),
                      weft_date_text(weft_step_add(c->grid.start, known, c->grid.step), c->grid.step, from));
    }
    c->grid.n = a->length = known;
    int rc = weft_coverage_head(c, w->o, a, w->run, e);
    w->open = true;
    while (rc == 0 && w->hold && (got = weft_hold_next(w->hold, &frame, e)) == 1) {
        rc = weft_series_read(frame, &w->attrs, &s, e);
        uint8_t *to =
            rc == 0 ? weft_series_begin(&w->frame, &w->attrs, s.id, s.key, w->grid.start, (size_t)known) : NULL;
        for (size_t k = 0; rc == 0 && k < s.n_channels; k++)
            for (size_t i = 0; i < (size_t)known; i++) {
                float x = c->gaps && !c->has[i] && a->role[k] == WEFT_ROLE_TARGET ? NAN : s.values[k * s.n + i];
                memcpy(to + (k * (size_t)known + i) * sizeof x, &x, sizeof x);
            }
        if (rc == 0)
            rc = weft_run_emit(w->run, weft_pack_span(&w->frame), e);
    }
    weft_series_free(&s);
    weft_hold_free(&w->hold);
    return rc < 0 || got < 0 ? -1 : 0;
}

/* A frame goes out, or waits until every column has had a value. */
static int put_frame(struct wide *w, struct weft_err *e)
{
    if (!w->open && !w->unmet && !w->hold && open_output(w, false, e) < 0)
        return -1;
    if (w->open)
        return weft_run_emit(w->run, weft_pack_span(&w->frame), e);
    if (!w->hold && weft_hold_new(&w->hold, e) < 0)
        return -1;
    if (weft_hold_put(w->hold, weft_pack_span(&w->frame), e) < 0)
        return -1;
    return w->unmet ? 0 : open_output(w, false, e);
}

static int take_row(struct wide *w, const struct weft_csv_row *given, struct weft_err *e)
{
    struct weft_csv_row now = *given;
    const struct weft_csv_row *row = &now;
    const struct weft_ingest_keys *k = &w->units.keys;
    size_t n = (size_t)w->grid.n, channel = 1;
    struct weft_span id = {0}, key[WEFT_MAX_KEYS];
    int rc = weft_ingest_row_check(w->o->rejected, w->units.csv, w->units.h, row, e);
    if (rc == 1 && (!weft_rows_take(w->sales, &now) || weft_rows_total(w->sales, row)))
        rc = 0;
    if (rc == 1)
        rc = weft_ingest_text_check(w->o, w->units.csv, row, k, e);
    if (rc == 1)
        id = weft_ingest_id(k, row, &w->id_buf);
    if (w->amounts.csv && rc >= 0 &&
        row->n > k->id[0]) { /* also beside a rejected row: the next ones stay side by side */
        struct weft_csv_row skipped;
        int beside = rc == 1 ? read_amounts(w, row, id, w->values + n * channel++, e)
                             : weft_csv_next(w->amounts.csv, &skipped, e);
        rc = beside < 0 ? -1 : rc && beside;
    }
    if (rc == 1)
        rc = read_cells(w, &w->units, row, w->values, w->there, e);
    uint64_t before = rc == 1 ? weft_ids_add(&w->ids, id.p, id.n, row->line) : 0;
    if (before)
        rc = weft_rejects_row(w->o->rejected, w->units.csv, row, k->id[0] + 1, e,
                              "id \"%.*s\" stands on line %llu already", id.n < 60 ? (int)id.n : 60, (const char *)id.p,
                              (unsigned long long)before);
    if (rc != 1)
        return rc;
    if (w->o->mentions)
        put_mentions(w, row, w->values + n * channel++);
    count_negative(w);
    watch_sums(w, id);
    size_t fresh = weft_coverage_cells(&w->coverage, id, w->there);
    w->unmet -= w->unmet ? fresh : 0;
    if (!w->unmet && w->coverage.gaps) /* days without a column; frames that wait get theirs later */
        for (size_t i = 0; i < (size_t)w->grid.n; i++)
            for (size_t c = 0; c < w->attrs.n_channels && !w->coverage.has[i]; c++)
                w->values[c * n + i] = NAN;
    for (size_t i = 0; i < k->n_keys; i++) {
        struct weft_csv_text t = weft_text_clean(weft_csv_field(row, k->key[i]), &w->key_room[i]);
        key[i] = (struct weft_span){t.n ? (const uint8_t *)t.p : NULL, t.n};
    }
    uint8_t *to = weft_series_begin(&w->frame, &w->attrs, id, key, w->grid.start, n);
    for (size_t c = 0; c < w->attrs.n_channels; c++)
        memcpy(to + c * n * sizeof *w->values, w->values + w->place[c] * n, n * sizeof *w->values);
    return put_frame(w, e);
}

/* What the head says, and the room for a row. */
static int prepare(struct wide *w, struct weft_err *e)
{
    static char names[CHANNELS][9] = {"units", "amounts", "mentions"};
    char *all[CHANNELS];
    enum weft_role roles[CHANNELS];
    size_t n = 0, steps = (size_t)w->grid.n;
    for (int c = 0; c < CHANNELS; c++)
        if (c == UNITS || (c == AMOUNTS && w->o->amounts) || (c == MENTIONS && w->o->mentions))
            all[n++] = names[c];
    if (weft_ingest_roles(w->o, all, n, roles, w->place, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        w->channel[i] = all[w->place[i]];
        w->role[i] = roles[w->place[i]];
        w->reduce[i] = strcmp(w->channel[i], "mentions") == 0 ? WEFT_REDUCE_MEAN : WEFT_REDUCE_SUM;
    }
    w->head = (struct weft_series_attrs){.step = w->grid.step,
                                         .start = w->grid.start,
                                         .length = w->grid.n,
                                         .keys = w->units.keys.name,
                                         .n_keys = w->units.keys.n_keys,
                                         .channels = w->channel,
                                         .n_channels = n,
                                         .reduce = w->reduce,
                                         .role = w->role};
    w->attrs = w->head;
    w->values = WEFT_ARRAY(float, n *steps);
    w->there = WEFT_ARRAY(bool, steps);
    w->total = WEFT_ARRAY(float, steps);
    w->sum = WEFT_ARRAY(double, steps);
    weft_coverage_begin(&w->coverage, &w->grid, w->o->fill != WEFT_FILL_NAN);
    weft_coverage_decide(&w->coverage, w->o, false, 0);
    for (size_t i = 0; i < w->units.h->n && w->coverage.gaps; i++)
        w->unmet += w->units.at[i] >= 0;
    return weft_rows_file(w->sales, w->units.h, SIZE_MAX, SIZE_MAX, w->units.keys.id, w->units.keys.n_id, e);
}

static int read_rows(struct wide *w, struct weft_err *e)
{
    struct weft_csv_row row;
    struct weft_progress progress;
    int rc = 0, got = 0;
    weft_progress_start(&progress, weft_run_program(w->run), weft_run_progress(w->run));
    while (rc >= 0 && (got = weft_csv_next(w->units.csv, &row, e)) == 1) {
        uint64_t read, size;
        weft_run_read(w->run, 1);
        rc = weft_stop_check(e) < 0 ? -1 : take_row(w, &row, e);
        weft_csv_position(w->units.csv, &read, &size);
        weft_progress_at(&progress, read >> 20, size >> 20, "MB", "%zu series", w->ids.n);
    }
    weft_progress_end(&progress);
    if (rc >= 0 && got == 0 && w->amounts.csv && (got = weft_csv_next(w->amounts.csv, &row, e)) == 1)
        return weft_fail(e, WEFT_DATA, "%s has more rows than %s", weft_csv_name(w->amounts.csv),
                         weft_csv_name(w->units.csv));
    if (rc < 0 || got < 0)
        return -1;
    if (w->ids.n)
        return 0;
    return weft_fail(e, WEFT_DATA, "%s has a header and no %srow", weft_csv_name(w->units.csv),
                     w->o->rejects ? "good " : "");
}

static void say_counts(struct wide *w)
{
    char step[32], from[32], to[32];
    const struct weft_grid *g = &w->grid;
    weft_run_info(
        w->run, "%zu series from %s to %s in steps of a %s", w->ids.n, weft_date_text(g->start, g->step, from),
        weft_date_text(weft_step_add(g->start, g->n - 1, g->step), g->step, to), weft_step_text(g->step, step));
    if (w->negative)
        weft_run_warn(w->run, "%llu values below 0 (returns?) are kept", (unsigned long long)w->negative);
    weft_rows_say(w->sales, w->run);
    weft_coverage_count(&w->coverage);
    weft_coverage_say(&w->coverage, w->run);
    if (w->without_mentions)
        weft_run_warn(w->run, "%llu series have a brand without mentions: theirs are missing values",
                      (unsigned long long)w->without_mentions);
}

int weft_ingest_wide(struct weft_run *run, const struct weft_ingest *o, struct weft_csv *csv,
                     const struct weft_header *h, struct weft_err *e)
{
    struct wide w = {.run = run, .o = o, .units = {.csv = csv, .h = h}, .fill = o->fill == WEFT_FILL_NAN ? NAN : 0};
    w.sales = weft_rows_new(o);
    weft_rejects_totals(o->rejected, w.sales);
    int rc = find_grid(o, h, &w.grid, e);
    if (rc == 0)
        rc = place_columns(&w, &w.units, e);
    if (rc == 0)
        rc = find_keys(&w, &w.units, e);
    if (rc == 0 && o->amounts && (open_table(&w, o->amounts, &w.amounts, e) < 0 || find_keys(&w, &w.amounts, e) < 0))
        rc = -1;
    if (rc == 0 && o->mentions)
        rc = read_mentions(&w, e);
    if (rc == 0)
        rc = prepare(&w, e);
    if (rc == 0)
        rc = read_rows(&w, e);
    if (rc == 0 && !w.open)
        rc = open_output(&w, true, e);
    if (rc == 0)
        rc = refuse_sums(&w, e);
    if (rc == 0)
        say_counts(&w);
    w.units.csv = NULL; /* the caller's */
    close_table(&w.units);
    close_table(&w.amounts);
    weft_names_free(&w.brands);
    weft_pack_free(&w.id_buf);
    weft_pack_free(&w.other_id);
    weft_pack_free(&w.frame);
    weft_pack_free(&w.brand_room);
    for (size_t i = 0; i < WEFT_MAX_KEYS; i++)
        weft_pack_free(&w.key_room[i]);
    weft_rejects_totals(o->rejected, NULL);
    weft_rows_free(&w.sales);
    weft_coverage_free(&w.coverage);
    weft_hold_free(&w.hold);
    free(w.there);
    free(w.total);
    free(w.sum);
    free(w.largest_id);
    free(w.mentions);
    free(w.values);
    weft_ids_free(&w.ids);
    return rc;
}
