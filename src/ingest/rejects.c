/* rejects.c - bad rows: an error with its place, or a line in a file with the reason. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/ingest.h"
#include "ingest/rows.h"
#include "base/mem.h"
#include "base/utf8.h"

struct weft_rejects {
    struct weft_run *run;
    char *path;
    struct weft_file *file;
    FILE *out;
    uint64_t n;
    struct weft_rows *rows;
};

int weft_rejects_open(const char *path, struct weft_run *run, struct weft_rejects **out, struct weft_err *e)
{
    struct weft_rejects *r = WEFT_NEW(struct weft_rejects);
    r->run = run;
    *out = r;
    if (!path)
        return 0;
    if (weft_file_create(path, &r->file, e) < 0)
        return -1;
    r->path = weft_xstrdup(path);
    r->out = fdopen(dup(weft_file_fd(r->file)), "w");
    if (!r->out)
        return weft_fail_errno(e, WEFT_IO, "can't write %s", path);
    fputs("file,line,column,reason,row\n", r->out);
    return 0;
}

static void put_quoted(FILE *f, const char *p, size_t n)
{
    bool quote = n && (memchr(p, ',', n) || memchr(p, '"', n) || memchr(p, '\n', n) || memchr(p, '\r', n) ||
                       *p == ' ' || p[n - 1] == ' ');
    if (quote)
        putc('"', f);
    for (size_t i = 0; i < n;) {
        size_t whole = weft_utf8_length(p + i, n - i);
        if (p[i] == '"' && quote)
            putc('"', f);
        if (!whole || !p[i])
            fputs("\xef\xbf\xbd", f); /* what is no text can't stand in a file of text */
        else
            fwrite(p + i, 1, whole, f);
        i += whole ? whole : 1;
    }
    if (quote)
        putc('"', f);
}

/* The row is one field, itself a line of CSV: rows that have too many or too few fields are among those set aside. */
static int put_row(FILE *f, const struct weft_csv_row *row, struct weft_err *e)
{
    char *text = NULL;
    size_t n = 0;
    FILE *line = open_memstream(&text, &n);
    if (!line)
        return weft_fail_errno(e, WEFT_TEMPFAIL, "no memory for a row");
    for (size_t i = 0; i < row->n; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        if (i)
            putc(',', line);
        put_quoted(line, t.p, t.n);
    }
    int rc = fclose(line) == 0 ? 0 : weft_fail_errno(e, WEFT_TEMPFAIL, "no memory for a row");
    if (rc == 0)
        put_quoted(f, text, n);
    free(text);
    return rc;
}

void weft_rejects_totals(struct weft_rejects *r, struct weft_rows *rows)
{
    r->rows = rows;
}

int weft_rejects_row(struct weft_rejects *r, const struct weft_csv *csv, const struct weft_csv_row *row, size_t column,
                     struct weft_err *e, const char *fmt, ...)
{
    char reason[400];
    va_list ap;
    if (r->rows && weft_rows_total(r->rows, row))
        return 0;
    va_start(ap, fmt);
    vsnprintf(reason, sizeof reason, fmt, ap);
    va_end(ap);
    if (!r->out) {
        weft_fail(e, WEFT_DATA, "%s", reason);
        if (column)
            weft_fail_where(e, "%s:%llu:%zu", weft_csv_name(csv), (unsigned long long)row->line, column);
        else
            weft_fail_where(e, "%s:%llu", weft_csv_name(csv), (unsigned long long)row->line);
        return weft_fail_hint(e, "--rejects FILE sets bad rows aside and goes on");
    }
    put_quoted(r->out, weft_csv_name(csv), strlen(weft_csv_name(csv)));
    fprintf(r->out, ",%llu,", (unsigned long long)row->line);
    if (column)
        fprintf(r->out, "%zu", column);
    putc(',', r->out);
    put_quoted(r->out, reason, strlen(reason));
    putc(',', r->out);
    if (put_row(r->out, row, e) < 0)
        return -1;
    putc('\n', r->out);
    r->n++;
    weft_run_reject(r->run, 1);
    return ferror(r->out) ? weft_fail_errno(e, WEFT_IO, "can't write %s", r->path) : 0;
}

int weft_rejects_close(struct weft_rejects **rp, struct weft_err *e)
{
    struct weft_rejects *r = *rp;
    int rc = 0;
    if (r->out) {
        rc = fclose(r->out) == 0 ? 0 : weft_fail_errno(e, WEFT_IO, "can't write %s", r->path);
        r->out = NULL;
        if (rc == 0)
            rc = weft_file_commit(&r->file, e);
        if (rc == 0 && r->n)
            weft_run_warn(r->run, "%llu rows rejected, with their reasons in %s", (unsigned long long)r->n, r->path);
    }
    if (rc == 0)
        weft_rejects_abort(rp);
    return rc;
}

void weft_rejects_abort(struct weft_rejects **rp)
{
    struct weft_rejects *r = *rp;
    if (!r)
        return;
    if (r->out)
        fclose(r->out);
    if (r->file)
        weft_file_abort(&r->file);
    free(r->path);
    free(r);
    *rp = NULL;
}

int weft_ingest_row_check(struct weft_rejects *r, const struct weft_csv *csv, const struct weft_header *h,
                          const struct weft_csv_row *row, struct weft_err *e)
{
    if (__builtin_expect(!row->problem && row->found == h->n, 1))
        return 1;
    if (row->problem)
        return weft_rejects_row(r, csv, row, 0, e, "%s", row->problem);
    return weft_rejects_row(r, csv, row, 0, e, "%zu fields, and the header has %zu", row->found, h->n);
}

int weft_ingest_utf8(const struct weft_ingest *o, const struct weft_csv *csv, const struct weft_csv_row *row,
                     size_t column, struct weft_err *e)
{
    struct weft_csv_text t = weft_csv_field(row, column);
    if (weft_utf8_valid(t.p, t.n))
        return 1;
    int rc = weft_rejects_row(o->rejected, csv, row, column + 1, e, "not UTF-8");
    if (rc < 0 && !o->encoding)
        snprintf(e->hint, sizeof e->hint, "a Korean file? --encoding cp949; or set bad rows aside with --rejects FILE");
    return rc;
}

/* "8.80123E+12": a long number of which a spreadsheet kept a few digits. */
static bool is_rounded(struct weft_csv_text t)
{
    size_t i = 0, digits = 0;
    while (i < t.n && ((t.p[i] >= '0' && t.p[i] <= '9') || t.p[i] == '.'))
        digits += t.p[i++] != '.';
    if (!digits || t.n < i + 4 || (t.p[i] != 'E' && t.p[i] != 'e') || t.p[i + 1] != '+')
        return false;
    for (i += 2; i < t.n && t.p[i] >= '0' && t.p[i] <= '9'; i++)
        ;
    return i == t.n;
}

int weft_ingest_text_check(const struct weft_ingest *o, const struct weft_csv *csv, const struct weft_csv_row *row,
                           const struct weft_ingest_keys *k, struct weft_err *e)
{
    int rc = 1;
    size_t bytes = 0;
    for (size_t i = 0; i < k->n_id && rc == 1; i++) {
        rc = weft_ingest_utf8(o, csv, row, k->id[i], e);
        bytes += weft_csv_field(row, k->id[i]).n;
    }
    for (size_t i = 0; i < k->n_keys && rc == 1; i++)
        rc = weft_ingest_utf8(o, csv, row, k->key[i], e);
    for (size_t i = 0; i < k->n_id && rc == 1; i++) {
        struct weft_csv_text t = weft_csv_field(row, k->id[i]);
        if (!is_rounded(t))
            continue;
        rc = weft_rejects_row(
            o->rejected, csv, row, k->id[i] + 1, e,
            "\"%.*s\" is a number that a spreadsheet has rounded: several products may have become one",
            t.n < 40 ? (int)t.n : 40, t.p);
        if (rc < 0)
            snprintf(e->hint, sizeof e->hint, "export the column as text, or name another one with --id");
    }
    if (rc == 1 && !bytes)
        rc = weft_rejects_row(o->rejected, csv, row, k->id[0] + 1, e, "no id");
    return rc;
}
