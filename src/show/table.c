/* table.c - results as text, CSV, JSON or frames. */
#include "show/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "show/view.h"

enum { EACH = -2, TEXT_WIDTH_MAX = 40, NUMBER_MAX = 400 };

struct column {
    char *key, *title;
    enum weft_cell_kind kind;
    int digits;
    unsigned flags;
};

struct cell {
    bool filled;
    char *text;
    int64_t i;
    double real;
};

struct weft_table {
    struct column *columns;
    size_t n_columns;
    struct cell *cells; /* [rows, columns] */
    size_t rows, cap;
    size_t *view; /* [n_view] columns shown, in order; NULL: all */
    size_t n_view;
};

struct weft_table *weft_table_new(void)
{
    return WEFT_NEW(struct weft_table);
}

void weft_table_free(struct weft_table **tp)
{
    struct weft_table *t = *tp;
    if (!t)
        return;
    for (size_t i = 0; i < t->rows * t->n_columns; i++)
        free(t->cells[i].text);
    for (size_t c = 0; c < t->n_columns; c++) {
        free(t->columns[c].key);
        free(t->columns[c].title);
    }
    free(t->cells);
    free(t->view);
    free(t->columns);
    free(t);
    *tp = NULL;
}

size_t weft_table_column(struct weft_table *t, const char *key, const char *title, enum weft_cell_kind kind, int digits,
                         unsigned flags)
{
    t->columns = weft_xrealloc2(t->columns, t->n_columns + 1, sizeof *t->columns);
    t->columns[t->n_columns] = (struct column){weft_xstrdup(key), weft_xstrdup(title), kind, digits, flags};
    return t->n_columns++;
}

const char *weft_column_key(char buf[WEFT_COLUMN_KEY], const char *prefix, double x)
{
    snprintf(buf, WEFT_COLUMN_KEY, "%s%g", prefix, x);
    for (char *p = buf; *p; p++)
        if (!(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9'))
            *p = '_';
    return buf;
}

struct weft_interval_columns weft_table_interval(struct weft_table *t, double level, int digits)
{
    struct weft_interval_columns c;
    char key[WEFT_COLUMN_KEY], title[48];
    double percent = round(level * 1e6) / 1e4;
    snprintf(title, sizeof title, "in %g%%", percent);
    c.coverage =
        weft_table_column(t, weft_column_key(key, "coverage_", percent), title, WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    snprintf(title, sizeof title, "width %g%%", percent);
    c.width = weft_table_column(t, weft_column_key(key, "width_", percent), title, WEFT_CELL_REAL, digits, 0);
    return c;
}

void weft_table_row(struct weft_table *t)
{
    size_t need = (t->rows + 1) * t->n_columns;
    if (need > t->cap) {
        t->cap = weft_grow(t->cap, need);
        t->cells = weft_xrealloc2(t->cells, t->cap, sizeof *t->cells);
    }
    memset(t->cells + t->rows++ * t->n_columns, 0, t->n_columns * sizeof *t->cells);
}

size_t weft_table_rows(const struct weft_table *t)
{
    return t->rows;
}

static struct cell *last_row(struct weft_table *t, size_t column)
{
    return &t->cells[(t->rows - 1) * t->n_columns + column];
}

static const struct cell *cell_at(const struct weft_table *t, size_t row, size_t column)
{
    return &t->cells[row * t->n_columns + column];
}

bool weft_table_select(struct weft_table *t, const char *const *keys, size_t n, const char **unknown)
{
    size_t *view = WEFT_ARRAY(size_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        while (view[i] < t->n_columns && strcmp(t->columns[view[i]].key, keys[i]) != 0)
            view[i]++;
        if (view[i] == t->n_columns) {
            *unknown = keys[i];
            free(view);
            return false;
        }
    }
    free(t->view);
    t->view = view;
    t->n_view = n;
    return true;
}

/* The columns that a reader of text sees are 0 .. seen(t); the i-th of them is column at(t, i). */
static size_t seen(const struct weft_table *t)
{
    return t->view ? t->n_view : t->n_columns;
}

static size_t at(const struct weft_table *t, size_t i)
{
    return t->view ? t->view[i] : i;
}

void weft_table_text(struct weft_table *t, size_t column, const char *p, size_t n)
{
    struct cell *c = last_row(t, column);
    c->filled = true;
    c->text = weft_xstrndup(p, n);
}

void weft_table_int(struct weft_table *t, size_t column, int64_t v)
{
    struct cell *c = last_row(t, column);
    c->filled = true;
    c->i = v;
}

void weft_table_real(struct weft_table *t, size_t column, double v)
{
    struct cell *c = last_row(t, column);
    c->filled = isfinite(v);
    c->real = v;
}

/* --- width --- */

/* One character of UTF-8 at p: its code point and length; not UTF-8: -1 and 1. */
static int32_t decode(const uint8_t *p, size_t n, size_t *length)
{
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80                   ? 1
                 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
                 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
                                               : 0;
    *length = 1;
    if (len <= 1)
        return len ? p[0] : -1;
    if (n < len)
        return -1;
    int32_t c = p[0] & (0xff >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -1;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return -1;
    *length = len;
    return c;
}

struct range {
    int32_t first, last;
};

static bool within(const struct range *r, size_t n, int32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (c >= r[i].first && c <= r[i].last)
            return true;
    return false;
}

/* Unicode's East Asian Width W and F, and its combining marks, as far as names of shops and products need them. */
static size_t char_width(int32_t c)
{
    static const struct range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},  {0x3400, 0x4dbf},
                                        {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},  {0xac00, 0xd7a3},
                                        {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6},
                                        {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    static const struct range none[] = {{0x300, 0x36f},   {0x1160, 0x11ff}, {0x200b, 0x200f},
                                        {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}};
    if (c < 0x300)
        return 1;
    if (within(none, sizeof none / sizeof *none, c))
        return 0;
    return within(wide, sizeof wide / sizeof *wide, c) ? 2 : 1;
}

size_t weft_text_width(const char *p, size_t n)
{
    size_t width = 0, length;
    for (size_t i = 0; i < n; i += length) {
        int32_t c = decode((const uint8_t *)p + i, n - i, &length);
        width += c < 0 ? 1 : char_width(c);
    }
    return width;
}

/* Prints at most `most` places of a text, "…" behind what was cut; what could upset a terminal becomes '?'. Returns the
 * places taken. */
static size_t print_text(FILE *f, const char *s, size_t most)
{
    size_t n = strlen(s), width = 0, length;
    bool cut = weft_text_width(s, n) > most;
    for (size_t i = 0; i < n; i += length) {
        int32_t c = decode((const uint8_t *)s + i, n - i, &length);
        size_t w = c < 0 ? 1 : char_width(c);
        if (cut && width + w > most - 1)
            break;
        if (c < 0x20 || (c >= 0x7f && c < 0xa0))
            putc('?', f);
        else
            fwrite(s + i, 1, length, f);
        width += w;
    }
    if (cut) {
        fputs("…", f);
        width++;
    }
    return width;
}

/* --- text table --- */

/* A cell as text; numbers in buf. "" when it is empty. */
static const char *cell_text(const struct column *k, const struct cell *c, char buf[NUMBER_MAX])
{
    double v = c->real;
    if (!c->filled)
        return "";
    if (k->kind == WEFT_CELL_TEXT)
        return c->text;
    if (k->kind == WEFT_CELL_INT)
        snprintf(buf, NUMBER_MAX, "%lld", (long long)c->i);
    else if (k->flags & WEFT_COLUMN_PERCENT)
        snprintf(buf, NUMBER_MAX, "%.*f%%", k->digits, v * 100);
    else if (k->digits == EACH)
        snprintf(buf, NUMBER_MAX, "%.*f", fabs(v) < 1 ? 5 : fabs(v) < 10 ? 4 : fabs(v) < 1000 ? 2 : 0, v);
    else if (v != 0 && (fabs(v) >= 1e9 || (k->digits && fabs(v) < pow(10, -k->digits) / 2)))
        snprintf(buf, NUMBER_MAX, "%.*e", k->digits ? k->digits - 1 : 0, v);
    else
        snprintf(buf, NUMBER_MAX, "%.*f", k->digits, v);
    return buf;
}

static bool shown(const struct weft_table *t, const struct column *k, size_t column)
{
    char first[NUMBER_MAX], other[NUMBER_MAX];
    bool any = false, differ = false;
    for (size_t r = 0; r < t->rows; r++) {
        any |= cell_at(t, r, column)->filled;
        if (k->flags & WEFT_COLUMN_SAME)
            differ |=
                strcmp(cell_text(k, cell_at(t, 0, column), first), cell_text(k, cell_at(t, r, column), other)) != 0;
    }
    return any && (!(k->flags & WEFT_COLUMN_SAME) || differ);
}

static size_t column_width(const struct weft_table *t, const struct column *k, size_t column)
{
    char buf[NUMBER_MAX];
    size_t width = weft_text_width(k->title, strlen(k->title));
    for (size_t r = 0; r < t->rows; r++) {
        const char *s = cell_text(k, cell_at(t, r, column), buf);
        size_t w = weft_text_width(s, strlen(s));
        width = w > width ? w : width;
    }
    return width < TEXT_WIDTH_MAX || (k->flags & WEFT_COLUMN_WHOLE) ? width : TEXT_WIDTH_MAX;
}

static void pad(FILE *f, size_t n)
{
    while (n--)
        putc(' ', f);
}

/* One line; row == SIZE_MAX: the titles. Nothing trails behind the last column. columns, width and last: of those seen.
 */
static void print_line(const struct weft_table *t, const struct column *columns, size_t row, const size_t *width,
                       size_t last, FILE *f)
{
    char buf[NUMBER_MAX];
    size_t before = 0;
    for (size_t c = 0; c <= last; c++) {
        if (!width[c])
            continue;
        const struct column *k = &columns[c];
        const char *s = row == SIZE_MAX ? k->title : cell_text(k, cell_at(t, row, at(t, c)), buf);
        size_t own = weft_text_width(s, strlen(s));
        own = own < width[c] ? own : width[c];
        if (k->kind != WEFT_CELL_TEXT)
            before += width[c] - own;
        if (own) {
            pad(f, before);
            own = print_text(f, s, width[c]);
            before = 0;
        }
        before += 2 + (k->kind == WEFT_CELL_TEXT ? width[c] - own : 0);
    }
    putc('\n', f);
}

/* Digits that suit the largest number of a column; numbers too far apart (several units in one column) get their own.
 */
static int fitting_digits(const struct weft_table *t, size_t column)
{
    double largest = 0, least = INFINITY;
    for (size_t r = 0; r < t->rows; r++) {
        double v = fabs(cell_at(t, r, column)->real);
        if (!cell_at(t, r, column)->filled || v == 0)
            continue;
        largest = fmax(largest, v);
        least = fmin(least, v);
    }
    if (largest > 1e4 * least)
        return EACH;
    return largest < 100 ? 4 : largest < 10000 ? 2 : 0;
}

void weft_table_print(const struct weft_table *t, FILE *f)
{
    size_t n = seen(t), *width = WEFT_ARRAY(size_t, n + 1), last = 0;
    struct column *columns = WEFT_ARRAY(struct column, n + 1);
    for (size_t c = 0; c < n; c++) {
        columns[c] = t->columns[at(t, c)];
        if (columns[c].digits < 0)
            columns[c].digits = fitting_digits(t, at(t, c));
        width[c] = shown(t, &columns[c], at(t, c)) ? column_width(t, &columns[c], at(t, c)) : 0;
        last = width[c] ? c : last;
    }
    if (n)
        print_line(t, columns, SIZE_MAX, width, last, f);
    for (size_t r = 0; r < t->rows; r++)
        print_line(t, columns, r, width, last, f);
    free(columns);
    free(width);
}

/* --- CSV, frames, JSON --- */

static bool drawn(const struct weft_table *t, size_t column)
{
    return t->columns[column].flags & WEFT_COLUMN_DRAWN;
}

/* --- Prometheus text --- */

static void put_label(const char *key, const char *text, bool *any, FILE *f)
{
    fprintf(f, "%s%s=\"", *any ? "," : "{", key);
    *any = true;
    for (const char *p = text; *p; p++) {
        if (*p == '\n')
            fputs("\\n", f);
        else if (*p == '"' || *p == '\\')
            fprintf(f, "\\%c", *p);
        else
            putc(*p, f);
    }
    putc('"', f);
}

static bool is_label(const struct column *c)
{
    return c->kind == WEFT_CELL_TEXT || c->flags & WEFT_COLUMN_LABEL;
}

/* Bytes of the key that name its measure: coverage_90 and coverage_97_5 are both coverage. */
static size_t measure_length(const char *key)
{
    for (const char *p = strchr(key, '_'); p; p = strchr(p + 1, '_'))
        if (p[1] && strspn(p + 1, "0123456789_") == strlen(p + 1))
            return (size_t)(p - key);
    return strlen(key);
}

/* The level as a number: 97_5 is 97.5. */
static void put_level(const char *text, bool *any, FILE *f)
{
    char number[WEFT_COLUMN_KEY];
    snprintf(number, sizeof number, "%s", text);
    for (char *p = number; *p; p++)
        if (*p == '_')
            *p = '.';
    put_label("level", number, any, f);
}

static void put_sample(const struct weft_table *t, size_t row, size_t column, const char *name, FILE *f)
{
    const struct column *c = &t->columns[column];
    const struct cell *x = cell_at(t, row, column);
    size_t n = measure_length(c->key);
    bool any = false;
    char number[32];
    if (!x->filled)
        return;
    fputs(name, f);
    for (size_t i = 0; i < t->n_columns; i++) {
        const struct cell *label = cell_at(t, row, i);
        snprintf(number, sizeof number, "%lld", (long long)label->i);
        if (label->filled && is_label(&t->columns[i]) && !drawn(t, i))
            put_label(t->columns[i].key, t->columns[i].kind == WEFT_CELL_TEXT ? label->text : number, &any, f);
    }
    if (c->key[n])
        put_level(c->key + n + 1, &any, f);
    fputs(any ? "} " : " ", f);
    if (c->kind == WEFT_CELL_INT)
        fprintf(f, "%lld\n", (long long)x->i);
    else
        fprintf(f, "%.10g\n", x->real);
}

void weft_table_prometheus(const struct weft_table *t, const char *prefix, FILE *f)
{
    for (size_t c = 0; c < t->n_columns; c++) {
        const char *key = t->columns[c].key;
        size_t n = measure_length(key), before = 0;
        while (before < c &&
               (measure_length(t->columns[before].key) != n || memcmp(t->columns[before].key, key, n) != 0))
            before++;
        if (is_label(&t->columns[c]) || drawn(t, c) || before < c) /* a family stands in one piece */
            continue;
        char *name = weft_xasprintf("%s%.*s", prefix, strcmp(key, "n") == 0 ? 6 : (int)n,
                                    strcmp(key, "n") == 0 ? "values" : key);
        fprintf(f, "# TYPE %s gauge\n", name);
        for (size_t k = c; k < t->n_columns; k++)
            for (size_t r = 0; r < t->rows; r++)
                if (measure_length(t->columns[k].key) == n && memcmp(t->columns[k].key, key, n) == 0)
                    put_sample(t, r, k, name, f);
        free(name);
    }
}

void weft_table_csv(const struct weft_table *t, bool bom, FILE *f)
{
    if (bom)
        fputs("\xef\xbb\xbf", f);
    for (size_t i = 0, n = 0; i < seen(t); i++)
        if (!drawn(t, at(t, i))) {
            if (n++)
                putc(',', f);
            weft_csv_put(f, t->columns[at(t, i)].key, strlen(t->columns[at(t, i)].key));
        }
    putc('\n', f);
    for (size_t r = 0; r < t->rows; r++) {
        for (size_t i = 0, n = 0; i < seen(t); i++) {
            size_t c = at(t, i);
            const struct cell *x = cell_at(t, r, c);
            if (drawn(t, c))
                continue;
            if (n++)
                putc(',', f);
            if (!x->filled)
                continue;
            if (t->columns[c].kind == WEFT_CELL_TEXT)
                weft_csv_put(f, x->text, strlen(x->text));
            else if (t->columns[c].kind == WEFT_CELL_INT)
                fprintf(f, "%lld", (long long)x->i);
            else
                fprintf(f, "%.10g", x->real);
        }
        putc('\n', f);
    }
}

static void pack_cell(const struct column *k, const struct cell *x, struct weft_pack *b)
{
    if (!x->filled)
        weft_pack_nil(b);
    else if (k->kind == WEFT_CELL_TEXT)
        weft_pack_cstr(b, x->text);
    else if (k->kind == WEFT_CELL_INT)
        weft_pack_int(b, x->i);
    else
        weft_pack_real(b, x->real);
}

static void pack_row(const struct weft_table *t, size_t row, const char *name, struct weft_pack *b)
{
    uint32_t n = name != NULL;
    for (size_t c = 0; c < t->n_columns; c++)
        n += !drawn(t, c) && cell_at(t, row, c)->filled;
    weft_pack_map(b, n);
    for (size_t c = 0; c < t->n_columns; c++)
        if (!drawn(t, c) && cell_at(t, row, c)->filled) {
            weft_pack_cstr(b, t->columns[c].key);
            pack_cell(&t->columns[c], cell_at(t, row, c), b);
        }
    if (name) {
        weft_pack_cstr(b, "kind");
        weft_pack_cstr(b, name);
    }
}

int weft_table_emit(const struct weft_table *t, const char *name, struct weft_run *run, struct weft_err *e)
{
    struct weft_pack b = {0};
    int rc = 0;
    for (size_t r = 0; r < t->rows && rc == 0; r++) {
        weft_pack_clear(&b);
        pack_row(t, r, name, &b);
        rc = weft_run_emit(run, weft_pack_span(&b), e);
    }
    weft_pack_free(&b);
    return rc;
}

static void json_value(struct weft_pack *b, FILE *f)
{
    weft_view_json(f, weft_pack_span(b), 0);
    weft_pack_clear(b);
}

void weft_table_json_members(const struct weft_table *t, size_t i, FILE *f)
{
    struct weft_pack b = {0};
    for (size_t k = 0, n = 0; k < seen(t); k++) {
        size_t c = at(t, k);
        if (drawn(t, c))
            continue;
        if (n++)
            fputs(", ", f);
        weft_pack_cstr(&b, t->columns[c].key);
        json_value(&b, f);
        fputs(": ", f);
        pack_cell(&t->columns[c], cell_at(t, i, c), &b);
        json_value(&b, f);
    }
    weft_pack_free(&b);
}

void weft_table_json(const struct weft_table *t, FILE *f)
{
    putc('[', f);
    for (size_t r = 0; r < t->rows; r++) {
        fputs(r ? ",\n  {" : "\n  {", f);
        weft_table_json_members(t, r, f);
        putc('}', f);
    }
    fputs(t->rows ? "\n]" : "]", f);
}

void weft_table_write(const struct weft_table *t, enum weft_table_format format, bool bom, FILE *f)
{
    if (format == WEFT_TABLE_CSV) {
        weft_table_csv(t, bom, f);
    } else if (format == WEFT_TABLE_JSON) {
        weft_table_json(t, f);
        putc('\n', f);
    } else {
        weft_table_print(t, f);
    }
}
