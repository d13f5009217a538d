/* sheet.c - small tables of texts from CSV or JSON. */
#include "ingest/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

void weft_sheet_free(struct weft_sheet *s)
{
    for (size_t i = 0; i < s->columns; i++)
        free(s->name[i]);
    for (size_t i = 0; i < s->rows * s->columns; i++)
        free(s->cell[i]);
    free(s->name);
    free(s->cell);
    *s = (struct weft_sheet){0};
}

size_t weft_sheet_column(const struct weft_sheet *s, const char *name)
{
    for (size_t i = 0; i < s->columns; i++)
        if (strcmp(s->name[i], name) == 0)
            return i;
    return SIZE_MAX;
}

const char *weft_sheet_cell(const struct weft_sheet *s, size_t row, size_t column)
{
    return column == SIZE_MAX ? NULL : s->cell[row * s->columns + column];
}

static int add_name(struct weft_sheet *s, const char *p, size_t n, struct weft_err *e)
{
    if (s->columns == WEFT_SHEET_COLUMNS_MAX)
        return weft_fail(e, WEFT_DATA, "more than %d columns", WEFT_SHEET_COLUMNS_MAX);
    s->name = weft_xrealloc2(s->name, s->columns + 1, sizeof *s->name);
    s->name[s->columns++] = weft_xstrndup(p, n);
    return 0;
}

/* An empty row; NULL when there are too many. */
static char **add_row(struct weft_sheet *s, struct weft_err *e)
{
    if (s->rows == WEFT_SHEET_ROWS_MAX) {
        (void)weft_fail(e, WEFT_DATA, "more than %d rows", WEFT_SHEET_ROWS_MAX);
        return NULL;
    }
    if ((s->rows & (s->rows + 1)) == 0) /* room doubles: 1, 3, 7, ... rows are there */
        s->cell = weft_xrealloc2(s->cell, (2 * s->rows + 1) * s->columns, sizeof *s->cell);
    char **row = s->cell + s->rows++ * s->columns;
    memset(row, 0, s->columns * sizeof *row);
    return row;
}

/* --- CSV --- */

static int read_csv(const char *path, struct weft_sheet *s, struct weft_err *e)
{
    struct weft_csv *csv = NULL;
    struct weft_csv_row r;
    int got = weft_csv_open(path, &(struct weft_csv_opts){0}, &csv, e);
    while (got >= 0 && (got = weft_csv_next(csv, &r, e)) > 0) {
        if (r.problem || (s->columns && r.found != s->columns)) {
            got = weft_fail(e, WEFT_DATA, "%s", r.problem ? r.problem : "a row has other columns than the header");
            weft_fail_where(e, "%s:%llu", path, (unsigned long long)r.line);
        } else if (!s->columns) {
            for (size_t i = 0; i < r.n && got > 0; i++)
                got = add_name(s, weft_csv_field(&r, i).p, weft_csv_field(&r, i).n, e) < 0 ? -1 : 1;
            weft_csv_expect(csv, s->columns);
        } else {
            char **row = add_row(s, e);
            got = row ? 1 : -1;
            for (size_t i = 0; row && i < r.n; i++)
                if (weft_csv_field(&r, i).n)
                    row[i] = weft_xstrndup(weft_csv_field(&r, i).p, weft_csv_field(&r, i).n);
        }
    }
    weft_csv_close(&csv);
    return got;
}

/* --- JSON --- */

static char *cell_of(const weft_json *v)
{
    const char *text;
    size_t n;
    switch (weft_json_kind(v)) {
    case WEFT_JSON_STR:
        text = weft_json_str(v, &n);
        return n ? weft_xstrndup(text, n) : NULL;
    case WEFT_JSON_INT:
        return weft_xasprintf("%lld", (long long)weft_json_int(v));
    case WEFT_JSON_REAL:
        return weft_xasprintf("%.10g", weft_json_real(v));
    case WEFT_JSON_BOOL:
        return weft_xstrdup(weft_json_bool(v) ? "true" : "false");
    default:
        return NULL;
    }
}

static int read_objects(const weft_json *list, struct weft_sheet *s, struct weft_err *e)
{
    const char *key;
    weft_json *v;
    for (size_t i = 0; i < weft_json_size(list); i++) {
        const weft_json *o = weft_json_at(list, i);
        if (weft_json_kind(o) != WEFT_JSON_OBJECT)
            return weft_fail(e, WEFT_DATA, "element %zu of the array is no object", i);
        for (void *at = i ? NULL : weft_json_next(o, NULL, &key, &v); at; at = weft_json_next(o, at, &key, &v))
            if (add_name(s, key, strlen(key), e) < 0)
                return -1;
        char **row = add_row(s, e);
        if (!row)
            return -1;
        for (size_t c = 0; c < s->columns; c++)
            if ((v = weft_json_get(o, s->name[c])))
                row[c] = cell_of(v);
    }
    return 0;
}

static int read_json(const struct weft_mapping *m, struct weft_sheet *s, struct weft_err *e)
{
    weft_json *root = weft_json_parse((const char *)m->p, m->n, e), *v;
    const weft_json *list = root;
    const char *key;
    if (!root)
        return -1;
    if (weft_json_kind(root) == WEFT_JSON_OBJECT)
        for (void *at = weft_json_next(root, NULL, &key, &v); at && list == root;
             at = weft_json_next(root, at, &key, &v))
            if (weft_json_kind(v) == WEFT_JSON_ARRAY && weft_json_kind(weft_json_at(v, 0)) == WEFT_JSON_OBJECT)
                list = v;
    int rc = weft_json_kind(list) == WEFT_JSON_ARRAY ? read_objects(list, s, e)
                                                     : weft_fail(e, WEFT_DATA, "no array of objects");
    weft_json_free(&root);
    return rc;
}

int weft_sheet_read(const char *path, struct weft_sheet *s, struct weft_err *e)
{
    struct weft_mapping m;
    size_t at = 0;
    *s = (struct weft_sheet){0};
    if (weft_map_open(path, WEFT_SHEET_BYTES_MAX, &m, e) < 0)
        return -1;
    while (at < m.n && strchr(" \t\r\n", m.p[at]))
        at++;
    bool json = at < m.n && (m.p[at] == '[' || m.p[at] == '{');
    int rc = json ? read_json(&m, s, e) : 0;
    weft_map_close(&m);
    if (!json)
        rc = read_csv(path, s, e);
    if (rc == 0 && !s->columns)
        rc = weft_fail(e, WEFT_DATA, "an empty table");
    if (rc < 0)
        weft_fail_where(e, "%s", path);
    return rc;
}
