/* matrix.c - one row a time, one column a series. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/stop.h"
#include "ingest/ingest.h"
#include "ingest/names.h"
#include "ingest/rows.h"
#include "base/mem.h"
#include "base/progress.h"

/* The table as read: rows in the order of the file. */
struct matrix {
    struct weft_run *run;
    const struct weft_ingest *o;
    struct weft_csv *csv;
    const struct weft_header *h;
    size_t date, *column, n_columns; /* of the date; of the series */
    float *cells;                    /* [rows, n_columns] */
    struct place {
        int64_t time;
        size_t row;
    } * place; /* [rows] */
    size_t rows, cap;
    enum weft_decimal decimal;
    struct weft_rows *sales;
};

static int find_columns(struct matrix *m, struct weft_err *e)
{
    if (weft_header_need(m->h, m->o->date ? m->o->date : "date", &m->date, e) < 0)
        return -1;
    m->column = WEFT_ARRAY(size_t, m->h->n + 1);
    if (weft_rows_file(m->sales, m->h, m->date, SIZE_MAX, m->column, 0, e) < 0)
        return -1;
    for (size_t i = 0; i < m->h->n; i++) {
        for (size_t k = 0; k < i; k++)
            if (strcmp(m->h->name[i], m->h->name[k]) == 0)
                return weft_fail(e, WEFT_DATA, "%s has two columns \"%s\"", m->h->file, m->h->name[i]);
        if (weft_name_explains(m->h->name[i]) && i != m->date && m->o->targets_alone)
            continue;
        /* Of two columns, one called total may be another thing than the sum of the one. */
        if (i != m->date && m->h->n > 3 && weft_rows_total_name(m->sales, m->h->name[i], strlen(m->h->name[i])))
            continue;
        if (i != m->date)
            m->column[m->n_columns++] = i;
        if (!*m->h->name[i] && i != m->date)
            return weft_fail(e, WEFT_DATA, "%s: column %zu has no name", m->h->file, i + 1);
    }
    return m->n_columns ? 0 : weft_fail(e, WEFT_DATA, "%s has a date and no series", m->h->file);
}

static int find_decimal(struct matrix *m, struct weft_err *e)
{
    bool *is = WEFT_ARRAY(bool, m->h->n + 1);
    for (size_t i = 0; i < m->n_columns; i++)
        is[m->column[i]] = true;
    int rc = weft_ingest_decimal(m->run, m->o, m->csv, m->h, is, &m->decimal, e);
    free(is);
    return rc;
}

/* 1, 0: rejected, -1. */
static int take_row(struct matrix *m, const struct weft_csv_row *given, struct weft_err *e)
{
    struct weft_rejects *r = m->o->rejected;
    struct weft_csv_row now = *given;
    const struct weft_csv_row *row = &now;
    int rc = weft_ingest_row_check(r, m->csv, m->h, row, e);
    if (rc == 1 && !weft_rows_take(m->sales, &now))
        return 0;
    if (rc < 1)
        return rc;
    struct weft_csv_text t = weft_csv_field(row, m->date);
    int64_t time;
    if (!weft_dates_read(&m->o->dates, t.p, t.n, &time))
        return weft_rejects_row(r, m->csv, row, m->date + 1, e, "not a date: \"%.*s\"%s", t.n < 60 ? (int)t.n : 60, t.p,
                                weft_dates_serial_hint(t.p, t.n));
    if (m->rows == m->cap) {
        m->cap = weft_grow(m->cap, m->rows + 1);
        m->cells = weft_xrealloc2(m->cells, m->cap * m->n_columns, sizeof *m->cells);
        m->place = weft_xrealloc2(m->place, m->cap, sizeof *m->place);
    }
    for (size_t i = 0; i < m->n_columns; i++) {
        t = weft_csv_field(row, m->column[i]);
        if (!weft_ingest_cell(m->decimal, t, &m->cells[m->rows * m->n_columns + i]))
            return weft_rejects_row(r, m->csv, row, m->column[i] + 1, e, "not a number: \"%.*s\"",
                                    t.n < 60 ? (int)t.n : 60, t.p);
    }
    m->place[m->rows] = (struct place){time, m->rows};
    m->rows++;
    return 1;
}

static int by_time(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->time != y->time ? (x->time > y->time) - (x->time < y->time) : (x->row > y->row) - (x->row < y->row);
}

static int find_grid(const struct matrix *m, struct weft_grid *g, struct weft_err *e)
{
    int64_t *dates = WEFT_ARRAY(int64_t, m->rows);
    size_t n = 0;
    weft_sort(m->place, m->rows, sizeof *m->place, by_time);
    for (size_t i = 0; i < m->rows; i++)
        if (!n || m->place[i].time != dates[n - 1])
            dates[n++] = m->place[i].time;
    int rc = weft_grid_of(m->o, 0, dates, n, g, e);
    if (rc == 0 && n < m->rows)
        weft_run_warn(
            m->run,
            "%zu rows have a date that an earlier row has: --reduce says what becomes of them (mean by default)",
            m->rows - n);
    free(dates);
    return rc;
}

/* Is a column the sum of all others in every row? */
static int refuse_sums(const struct matrix *m, struct weft_err *e)
{
    for (size_t c = 0; c < m->n_columns && m->n_columns > 2 && m->o->totals != WEFT_TOTALS_KEEP; c++) {
        int64_t days = 0;
        bool same = true;
        for (size_t i = 0; i < m->rows && same; i++) {
            const float *x = m->cells + i * m->n_columns;
            double sum = 0;
            for (size_t k = 0; k < m->n_columns; k++)
                sum += isnan(x[k]) ? 0 : (double)x[k];
            double one = isnan(x[c]) ? 0 : (double)x[c];
            same = fabs(sum - 2 * one) <= 1e-6 * fabs(sum);
            days += one != 0;
        }
        if (same && weft_rows_refuse_sum(m->h->name[m->column[c]], days, e) < 0)
            return weft_fail_hint(e, "take the column out of the table, or say --totals keep when it is a series");
    }
    return 0;
}

/* Column c on the grid; rows of one time are reduced. */
static void transpose(const struct matrix *m, const struct weft_grid *g, size_t c, int reduce, float *out)
{
    for (int64_t i = 0; i < g->n; i++)
        out[i] = NAN;
    for (size_t i = 0, k; i < m->rows; i = k) {
        double sum = 0, last = NAN;
        size_t n = 0;
        for (k = i; k < m->rows && m->place[k].time == m->place[i].time; k++) {
            float x = m->cells[m->place[k].row * m->n_columns + c];
            if (!isnan(x)) {
                sum += x;
                last = x;
                n++;
            }
        }
        int64_t at = weft_grid_at(g, m->place[i].time);
        if (at >= 0 && n)
            out[at] = (float)(reduce == WEFT_DUPLICATES_SUM    ? sum
                              : reduce == WEFT_DUPLICATES_LAST ? last
                                                               : sum / (double)n);
    }
    for (int64_t i = 0; i < g->n && m->o->fill == WEFT_FILL_ZERO; i++)
        out[i] = isnan(out[i]) ? 0 : out[i];
}

static int write_series(struct matrix *m, const struct weft_grid *g, int reduce, struct weft_err *e)
{
    char name[] = "value", *channel = name;
    enum weft_reduce sum = WEFT_REDUCE_SUM;
    struct weft_series_attrs a = {
        .step = g->step, .start = g->start, .length = g->n, .channels = &channel, .n_channels = 1, .reduce = &sum};
    struct weft_pack b = {0};
    size_t n = (size_t)g->n;
    float *values = WEFT_ARRAY(float, n);
    weft_series_attrs_write(&a, (struct weft_span){0}, &b);
    int rc = weft_ingest_head(m->run, m->o, WEFT_SERIES_SCHEMA, weft_pack_span(&b), e);
    for (size_t c = 0; c < m->n_columns && rc == 0; c++) {
        const char *id = m->h->name[m->column[c]];
        transpose(m, g, c, reduce, values);
        void *to = weft_series_begin(&b, &a, (struct weft_span){(const uint8_t *)id, strlen(id)}, NULL, g->start, n);
        memcpy(to, values, n * sizeof *values);
        rc = weft_run_emit(m->run, weft_pack_span(&b), e);
    }
    free(values);
    weft_pack_free(&b);
    return rc;
}

int weft_ingest_matrix(struct weft_run *run, const struct weft_ingest *o, struct weft_csv *csv,
                       const struct weft_header *h, struct weft_err *e)
{
    struct matrix m = {.run = run, .o = o, .csv = csv, .h = h};
    struct weft_csv_row row;
    struct weft_grid g;
    m.sales = weft_rows_new(o);
    weft_rejects_totals(o->rejected, m.sales);
    int reduce = WEFT_DUPLICATES_DEFAULT, rc = weft_ingest_reduce(o, "value", WEFT_DUPLICATES_MEAN, 0, &reduce, e);
    if (rc == 0)
        rc = find_columns(&m, e);
    if (rc == 0)
        rc = find_decimal(&m, e);
    while (rc >= 0 && (rc = weft_csv_next(csv, &row, e)) == 1) {
        weft_run_read(run, 1);
        rc = weft_stop_check(e) < 0 ? -1 : take_row(&m, &row, e);
    }
    if (rc == 0 && !m.rows)
        rc = weft_fail(e, WEFT_DATA, "%s has a header and no %srow", h->file, o->rejects ? "good " : "");
    if (rc == 0)
        rc = refuse_sums(&m, e);
    if (rc == 0)
        rc = find_grid(&m, &g, e);
    if (rc == 0)
        weft_rows_say(m.sales, run);
    if (rc == 0)
        rc = write_series(&m, &g, reduce, e);
    weft_rejects_totals(o->rejected, NULL);
    weft_rows_free(&m.sales);
    free(m.column);
    free(m.cells);
    free(m.place);
    return rc;
}
