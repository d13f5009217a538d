/* inspect_print.c - what frames inspect found, for people and for programs. */
#include "inspection.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/json.h"
#include "show/table.h"

static const char *const layouts[] = {"none", "wide", "long", "matrix", "products"};
static const char *const explained[] = {"none that ingest knows", "wide: a row a series, a column a day",
                                        "long: a row a sale or a day", "matrix: a row a time, a column a series",
                                        "products: a row a product"};
static const char *const seems[] = {"empty", "text", "number", "date", "image file", "day"};
static const char *const roles[] = {"", "date", "id", "key", "value"};

static const char *delimiter_name(char c, char buf[4])
{
    snprintf(buf, 4, "%c", c);
    return c == '\t' ? "tab" : buf;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

/* --- the table of columns --- */

static void put_column(struct weft_table *t, size_t i, const struct weft_inspect_column *c)
{
    char text[64], number[64];
    weft_table_row(t);
    weft_table_int(t, 0, (int64_t)i + 1);
    weft_table_text(t, 1, c->name, strlen(c->name));
    weft_table_text(t, 2, seems[c->seems], strlen(seems[c->seems]));
    weft_table_text(t, 3, roles[c->use], strlen(roles[c->use]));
    snprintf(text, sizeof text, "%s%zu", c->more ? "> " : "", c->different);
    if (c->ids)
        weft_table_text(t, 4, text, strlen(text));
    weft_table_int(t, 5, (int64_t)c->empty);
    if (c->seems == WEFT_SEEMS_NUMBER) {
        snprintf(number, sizeof number, "%g to %g", c->min, c->max);
        weft_table_text(t, 6, number, strlen(number));
    } else {
        weft_table_text(t, 6, c->first, strlen(c->first));
    }
}

static void print_columns(const struct weft_inspection *in, FILE *out)
{
    static const char *const titles[] = {"#", "column", "seems", "role", "different", "empty", "range, or the first"};
    static const enum weft_cell_kind kinds[] = {WEFT_CELL_INT,  WEFT_CELL_TEXT, WEFT_CELL_TEXT, WEFT_CELL_TEXT,
                                                WEFT_CELL_TEXT, WEFT_CELL_INT,  WEFT_CELL_TEXT};
    enum { SHOWN = 40 };
    struct weft_table *t = weft_table_new();
    size_t shown = 0, others = 0;
    for (size_t k = 0; k < sizeof titles / sizeof *titles; k++)
        weft_table_column(t, titles[k], titles[k], kinds[k], 0, 0);
    for (size_t i = 0; i < in->n_columns; i++) {
        if (in->column[i].seems == WEFT_SEEMS_DAY)
            continue;
        if (shown++ < SHOWN)
            put_column(t, i, &in->column[i]);
        else
            others++;
    }
    putc('\n', out);
    weft_table_print(t, out);
    if (others)
        fprintf(out, "... and %zu columns more\n", others);
    weft_table_free(&t);
}

/* --- the rest --- */

static void print_calendar(const struct weft_inspection *in, FILE *out)
{
    char from[32], to[32], step[32];
    int64_t unit = in->step ? in->step : 86400;
    if (!in->days)
        return;
    fprintf(out, "calendar    %s to %s, ", weft_date_text(in->first, unit, from), weft_date_text(in->last, unit, to));
    if (!in->step) {
        fprintf(out, "%" PRIu64 " dates on no regular grid\n", in->days);
        return;
    }
    fprintf(out, "step %s, %" PRIu64 " of %" PRIu64 " steps there", weft_step_text(in->step, step), in->days,
            in->steps);
    for (size_t i = 0; i < in->n_gaps && i < WEFT_INSPECT_GAPS; i++) {
        fprintf(out, "%s%s", i ? ", " : "; missing: ", weft_date_text(in->gap[i].from, unit, from));
        if (in->gap[i].to != in->gap[i].from)
            fprintf(out, " to %s", weft_date_text(in->gap[i].to, unit, to));
    }
    fprintf(out, "%s\n", in->n_gaps > WEFT_INSPECT_GAPS ? ", ..." : "");
}

static void print_constant(const struct weft_inspection *in, FILE *out)
{
    size_t n = 0;
    for (size_t i = 0; i < in->n_columns && in->rows > 1; i++) {
        const struct weft_inspect_column *c = &in->column[i];
        if (c->seems != WEFT_SEEMS_DAY && (!c->filled || (c->same && !c->empty)))
            fprintf(out, "%s%s (%s)", n++ ? ", " : "constant    ", c->name, c->filled ? c->first : "empty");
    }
    if (n)
        putc('\n', out);
}

static const char *duplicates_of(const struct weft_inspection *in)
{
    return in->layout == WEFT_LAYOUT_LONG       ? "rows of a series and day that came before (they are added up)"
           : in->layout == WEFT_LAYOUT_MATRIX   ? "rows of a date that came before (the mean is taken)"
           : in->layout == WEFT_LAYOUT_PRODUCTS ? "rows of an id that came before (of each id the newest row is kept)"
                                                : "rows of an id that came before (they are bad rows)";
}

void weft_inspection_print(const struct weft_inspection *in, FILE *out)
{
    char d[4];
    size_t days = 0;
    for (size_t i = 0; i < in->n_columns; i++)
        days += in->column[i].seems == WEFT_SEEMS_DAY;
    for (size_t f = 0; f < in->n_files; f++)
        fprintf(out, "%-11s %s: %" PRIu64 " bytes, %s\n", f ? "" : "file", in->file[f].name, in->file[f].bytes,
                in->file[f].shown);
    fprintf(out, "layout      %s\n", explained[in->layout]);
    fprintf(out, "rows        %" PRIu64, in->rows);
    if (in->bad_rows)
        fprintf(out, ", of them %" PRIu64 " bad (line %" PRIu64 ": %s)", in->bad_rows, in->bad_line, in->bad_reason);
    fprintf(out, "\ncolumns     %zu, separated by %s", in->n_columns, delimiter_name(in->delimiter, d));
    if (days)
        fprintf(out, "; %zu of them are days", days);
    putc('\n', out);
    print_calendar(in, out);
    if (in->series)
        fprintf(out, "%-11s %" PRIu64 "\n", in->layout == WEFT_LAYOUT_PRODUCTS ? "products" : "series", in->series);
    if (in->cells)
        fprintf(out,
                "values      %" PRIu64 ": %.1f %% zero, %.1f %% missing, %" PRIu64 " below 0, %" PRIu64
                " not numbers\n",
                in->cells, share(in->zeros, in->cells), share(in->missing, in->cells), in->negatives, in->odd);
    if (in->duplicates)
        fprintf(out, "duplicates  %s%" PRIu64 " %s\n", in->more ? "at least " : "", in->duplicates, duplicates_of(in));
    print_constant(in, out);
    print_columns(in, out);
    putc('\n', out);
    for (size_t i = 0; i < in->n_notes; i++)
        fprintf(out, "note        %s\n", in->note[i]);
    fprintf(out, "command     %s\n", in->command ? in->command : "none: see the notes");
}

/* --- JSON --- */

static weft_json *text(const char *s)
{
    return weft_json_new_str(s, strlen(s));
}

static weft_json *number(uint64_t n)
{
    return weft_json_new_int((int64_t)n);
}

static weft_json *column_json(const struct weft_inspect_column *c)
{
    weft_json *j = weft_json_new_object();
    weft_json_set(j, "name", text(c->name));
    weft_json_set(j, "seems", text(seems[c->seems]));
    weft_json_set(j, "role", c->use ? text(roles[c->use]) : weft_json_new_null());
    weft_json_set(j, "different", c->ids && !c->more ? number(c->different) : weft_json_new_null());
    weft_json_set(j, "empty", number(c->empty));
    weft_json_set(j, "constant", weft_json_new_bool(!c->filled || (c->same && !c->empty)));
    if (c->numbers) {
        weft_json_set(j, "min", weft_json_new_real(c->min));
        weft_json_set(j, "max", weft_json_new_real(c->max));
    }
    weft_json_set(j, "first", text(c->first));
    return j;
}

static void put_calendar(weft_json *j, const struct weft_inspection *in)
{
    char buf[32];
    int64_t unit = in->step ? in->step : 86400;
    weft_json *gaps = weft_json_new_array();
    weft_json_set(j, "first", in->days ? text(weft_date_text(in->first, unit, buf)) : weft_json_new_null());
    weft_json_set(j, "last", in->days ? text(weft_date_text(in->last, unit, buf)) : weft_json_new_null());
    weft_json_set(j, "step", in->days && in->step ? text(weft_step_text(in->step, buf)) : weft_json_new_null());
    weft_json_set(j, "steps", number(in->steps));
    weft_json_set(j, "steps_there", number(in->days));
    for (size_t i = 0; i < in->n_gaps && i < WEFT_INSPECT_GAPS; i++) {
        weft_json *g = weft_json_new_object();
        weft_json_set(g, "from", text(weft_date_text(in->gap[i].from, unit, buf)));
        weft_json_set(g, "to", text(weft_date_text(in->gap[i].to, unit, buf)));
        weft_json_push(gaps, g);
    }
    weft_json_set(j, "gaps", number(in->n_gaps));
    weft_json_set(j, "first_gaps", gaps);
}

void weft_inspection_json(const struct weft_inspection *in, FILE *out)
{
    char d[4];
    weft_json *j = weft_json_new_object(), *files = weft_json_new_array(), *columns = weft_json_new_array(),
              *notes = weft_json_new_array();
    for (size_t f = 0; f < in->n_files; f++) {
        weft_json *file = weft_json_new_object();
        weft_json_set(file, "name", text(in->file[f].name));
        weft_json_set(file, "bytes", number(in->file[f].bytes));
        weft_json_set(file, "encoding", text(in->file[f].encoding ? in->file[f].encoding : "utf-8"));
        weft_json_push(files, file);
    }
    for (size_t i = 0; i < in->n_columns; i++)
        if (in->column[i].seems != WEFT_SEEMS_DAY)
            weft_json_push(columns, column_json(&in->column[i]));
    for (size_t i = 0; i < in->n_notes; i++)
        weft_json_push(notes, text(in->note[i]));
    weft_json_set(j, "files", files);
    weft_json_set(j, "layout", in->layout ? text(layouts[in->layout]) : weft_json_new_null());
    weft_json_set(j, "delimiter", text(delimiter_name(in->delimiter, d)));
    weft_json_set(j, "rows", number(in->rows));
    weft_json_set(j, "bad_rows", number(in->bad_rows));
    weft_json_set(j, "series", number(in->series));
    put_calendar(j, in);
    weft_json_set(j, "values", number(in->cells));
    weft_json_set(j, "zero", number(in->zeros));
    weft_json_set(j, "missing", number(in->missing));
    weft_json_set(j, "negative", number(in->negatives));
    weft_json_set(j, "not_numbers", number(in->odd));
    weft_json_set(j, "duplicates", number(in->duplicates));
    weft_json_set(j, "all_duplicates", weft_json_new_bool(!in->more));
    weft_json_set(j, "columns", columns);
    weft_json_set(j, "notes", notes);
    weft_json_set(j, "command", in->command ? text(in->command) : weft_json_new_null());
    char *line = weft_json_text(j);
    fprintf(out, "%s\n", line);
    free(line);
    weft_json_free(&j);
}
