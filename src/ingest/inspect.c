/* inspect.c - what the columns of a CSV file are, and how ingest is to be called. */
#include "ingest/inspect.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/calendar.h"
#include "text/counts.h"
#include "base/ids.h"
#include "base/mem.h"
#include "ingest/decide.h"

#include "inspection.h"

enum { DIFFERENT_MAX = 20000, COUNTED_COLUMNS = 64, PAIRS_MAX = 1 << 21, DAYS_MAX = 1 << 21, DAY = 86400 };

struct inspect {
    struct weft_inspection out;
    struct weft_header h; /* of the first file */
    struct weft_ingest o; /* the options that the command has */
    struct weft_decision d;
    size_t date;   /* column; SIZE_MAX */
    char *product; /* the option that names products points here */
    struct weft_ingest_keys keys;
    struct weft_ids pairs;
    struct weft_ids seen; /* days */
    struct weft_pack key, pair;
    int64_t *day; /* [n_days], sorted at the end */
    size_t n_days, cap_days;
    bool clock;    /* a time that is not midnight */
    bool unusable; /* ingest would refuse it */
};

static void note(struct inspect *in, const char *fmt, ...) WEFT_PRINTF(2, 3);
static void note(struct inspect *in, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (in->out.n_notes < WEFT_INSPECT_NOTES)
        in->out.note[in->out.n_notes++] = weft_xstrdup(text);
}

/* --- rows --- */

typedef void take(struct inspect *in, const struct weft_csv_row *row, const size_t *column);

/* column[c]: where column c of the first file stands in this one. */
static int match_header(const struct inspect *in, const struct weft_header *h, size_t *column, struct weft_err *e)
{
    for (size_t c = 0; c < in->h.n; c++) {
        column[c] = h->n == in->h.n && strcmp(h->name[c], in->h.name[c]) == 0 ? c : weft_header_find(h, in->h.name[c]);
        if (column[c] == SIZE_MAX)
            return weft_fail(e, WEFT_DATA, "%s has no column \"%s\", which the first file has", h->file, in->h.name[c]);
    }
    return 0;
}

/* Calls `each` for the rows of all files that have as many fields as their header. */
static int walk(struct inspect *in, take *each, bool count, struct weft_err *e)
{
    struct weft_inspection *out = &in->out;
    int got = 0;
    for (size_t f = 0; f < out->n_files && got == 0; f++) {
        struct weft_csv *csv = NULL;
        struct weft_header h = {0};
        struct weft_csv_row row;
        size_t *column = WEFT_ARRAY(size_t, in->h.n + 1);
        got = weft_csv_open(out->file[f].open, &(struct weft_csv_opts){.encoding = out->file[f].encoding, .skip = -1},
                            &csv, e);
        if (got == 0)
            got = weft_header_read(csv, &h, e);
        if (got == 0)
            got = match_header(in, &h, column, e);
        while (got >= 0 && (got = weft_csv_next(csv, &row, e)) == 1) {
            bool good = !row.problem && row.found == h.n;
            if (weft_csv_empty(&row) && in->out.layout == WEFT_LAYOUT_LONG)
                continue;
            out->rows += count;
            if (count && !good && !out->bad_rows++) {
                out->bad_line = row.line;
                out->bad_reason = row.problem ? row.problem : "another number of fields than the header";
            }
            if (good)
                each(in, &row, column);
        }
        weft_header_free(&h);
        weft_csv_close(&csv);
        free(column);
    }
    return got;
}

/* --- first: what the columns hold --- */

static bool ends_with(struct weft_csv_text t, const char *end)
{
    size_t n = strlen(end);
    return t.n > n && strncasecmp(t.p + t.n - n, end, n) == 0;
}

static void see_number(struct weft_inspect_column *c, double x)
{
    c->min = !c->numbers || x < c->min ? x : c->min;
    c->max = !c->numbers || x > c->max ? x : c->max;
    c->numbers++;
    c->zeros += x == 0;
    c->negatives += x < 0;
}

static void see_text(const struct inspect *in, size_t i, struct weft_inspect_column *c, struct weft_csv_text t)
{
    int64_t seconds;
    enum weft_dates_kind kind;
    if (c->filled == 1) {
        snprintf(c->first, sizeof c->first, "%.*s", t.n < sizeof c->first ? (int)t.n : (int)sizeof c->first - 1, t.p);
        c->same = true;
    }
    c->same = c->same && strlen(c->first) == t.n && memcmp(c->first, t.p, t.n) == 0;
    if (i == in->date) {
        c->dates += weft_dates_read(&in->o.dates, t.p, t.n, &seconds);
    } else if (t.n >= 4 && t.n <= 64) {
        kind = weft_dates_kind(t.p, t.n);
        c->dates += kind != WEFT_DATE_NONE && kind != WEFT_DATE_BARE_HOUR;
    }
    c->images += ends_with(t, ".jpg") || ends_with(t, ".jpeg") || ends_with(t, ".png");
    if (!c->ids || c->more)
        return;
    if (c->different < DIFFERENT_MAX)
        c->different += weft_ids_add(c->ids, t.p, t.n, 1) == 0;
    else
        c->more = weft_ids_add(c->ids, t.p, t.n, 0) == 0;
}

static void look(struct inspect *in, const struct weft_csv_row *row, const size_t *column)
{
    for (size_t i = 0; i < in->h.n; i++) {
        struct weft_inspect_column *c = &in->out.column[i];
        struct weft_csv_text t = weft_csv_field(row, column[i]);
        double x;
        enum weft_count got = weft_count_parse(t.p, t.n, &x);
        c->empty += got == WEFT_COUNT_MISSING;
        if (got == WEFT_COUNT_MISSING)
            continue;
        c->filled++;
        if (got == WEFT_COUNT_OK && fabs(x) <= FLT_MAX) { /* ingest takes no larger ones */
            see_number(c, x);
        } else if (!c->odd_line) {
            c->odd_line = row->line;
            snprintf(c->odd, sizeof c->odd, "%.*s", t.n < sizeof c->odd ? (int)t.n : (int)sizeof c->odd - 1, t.p);
        }
        if (c->seems != WEFT_SEEMS_DAY)
            see_text(in, i, c, t);
    }
}

static void judge(struct weft_inspect_column *c)
{
    if (c->seems == WEFT_SEEMS_DAY)
        return;
    c->seems = !c->filled                                 ? WEFT_SEEMS_EMPTY
               : c->dates >= c->filled - c->filled / 20   ? WEFT_SEEMS_DATE
               : c->images >= c->filled - c->filled / 20  ? WEFT_SEEMS_IMAGE
               : c->numbers >= c->filled - c->filled / 20 ? WEFT_SEEMS_NUMBER
                                                          : WEFT_SEEMS_TEXT;
}

/* --- then: layout and roles, as ingest decides them --- */

static bool is_called(const struct inspect *in, size_t i, const char *canonical)
{
    return strcmp(weft_header_canonical(in->h.name[i]), canonical) == 0;
}

static void decide(struct inspect *in, struct weft_csv *csv)
{
    struct weft_err why = {0};
    int rc = weft_decide(csv, &in->h, &in->o, &in->d, &why);
    if (rc < 0 && strstr(why.hint, "--date-from-name")) {
        weft_decision_free(&in->d);
        in->o.date_from_name = true;
        why = (struct weft_err){0};
        rc = weft_decide(csv, &in->h, &in->o, &in->d, &why);
    }
    if (rc < 0) {
        note(in, "%s%s%s", why.what, *why.hint ? "; " : "", why.hint);
        in->unusable = true;
    } else {
        in->out.layout = in->o.layout;
        note(in, "taken for %s", in->d.said);
    }
    in->date = in->d.date;
}

/* What names a product: a column called so, else the first one whose cells all differ. */
static void find_product_id(struct inspect *in)
{
    size_t id = weft_header_find(&in->h, "id");
    id = id == SIZE_MAX ? weft_header_find(&in->h, "product") : id;
    for (size_t i = 0; i < in->h.n && id == SIZE_MAX; i++) {
        const struct weft_inspect_column *c = &in->out.column[i];
        if (c->filled && !c->empty && !c->more && c->different == c->filled && c->seems != WEFT_SEEMS_IMAGE) {
            id = i;
            in->product = in->h.name[i];
            in->o.id = (struct weft_list){&in->product, 1};
        }
    }
    if (id == SIZE_MAX) {
        note(in, "no column names the products: say which with --id COLUMN");
        in->unusable = true;
        return;
    }
    in->keys.id[in->keys.n_id++] = id;
    in->out.column[id].use = WEFT_USE_ID;
}

static void find_roles(struct inspect *in)
{
    bool *free_column = WEFT_ARRAY(bool, in->h.n + 1);
    struct weft_err why = {0};
    int rc = 0;
    for (size_t i = 0; i < in->h.n; i++) {
        struct weft_inspect_column *c = &in->out.column[i];
        bool value = in->o.layout == WEFT_LAYOUT_WIDE ? c->seems == WEFT_SEEMS_DAY
                                                      : in->o.layout == WEFT_LAYOUT_MATRIX && i != in->date;
        c->use = value ? WEFT_USE_VALUE : i == in->date ? WEFT_USE_DATE : WEFT_USE_NONE;
        free_column[i] = in->o.layout == WEFT_LAYOUT_WIDE && !value;
    }
    for (size_t i = 0; i < in->h.n && in->out.layout == WEFT_LAYOUT_LONG; i++) {
        in->out.column[i].use = in->d.use[i] ? in->d.use[i] : in->out.column[i].use;
        free_column[i] = in->d.use[i] == WEFT_USE_ID;
    }
    if (in->out.layout == WEFT_LAYOUT_WIDE || in->out.layout == WEFT_LAYOUT_LONG) {
        rc = weft_ingest_keys_find(&in->o, &in->h, free_column, &in->keys, &why);
        for (size_t k = 0; k < in->keys.n_keys && rc == 0; k++)
            in->out.column[in->keys.key[k]].use = WEFT_USE_KEY;
        for (size_t k = 0; k < in->keys.n_id && rc == 0; k++)
            in->out.column[in->keys.id[k]].use = WEFT_USE_ID;
    } else if (in->out.layout == WEFT_LAYOUT_PRODUCTS) {
        find_product_id(in);
    }
    if (rc < 0) {
        note(in, "%s; %s", why.what, why.hint);
        in->unusable = true;
        weft_ingest_keys_free(&in->keys);
        in->keys = (struct weft_ingest_keys){0};
    }
    free(free_column);
}

/* --- last: series, days, duplicates --- */

static void see_day(struct inspect *in, int64_t seconds)
{
    if (in->o.layout == WEFT_LAYOUT_LONG)
        seconds -= (seconds % 3600 + 3600) % 3600; /* single sales have minutes and seconds */
    in->clock |= seconds % DAY != 0;
    if (in->n_days == DAYS_MAX || weft_ids_add(&in->seen, &seconds, sizeof seconds, 1))
        return;
    if (in->n_days == in->cap_days) {
        in->cap_days = weft_grow(in->cap_days, in->n_days + 1);
        in->day = weft_xrealloc2(in->day, in->cap_days, sizeof *in->day);
    }
    in->day[in->n_days++] = seconds;
}

static void compare(struct inspect *in, const struct weft_csv_row *row, const size_t *column)
{
    int64_t seconds = 0;
    struct weft_ingest_keys keys = in->keys;
    if (in->date != SIZE_MAX) {
        struct weft_csv_text t = weft_csv_field(row, column[in->date]);
        if (!weft_dates_read(&in->o.dates, t.p, t.n, &seconds))
            return;
        see_day(in, seconds);
    }
    for (size_t k = 0; k < keys.n_id; k++)
        keys.id[k] = column[keys.id[k]];
    struct weft_span id = keys.n_id ? weft_ingest_id(&keys, row, &in->key) : (struct weft_span){0};
    weft_pack_clear(&in->pair);
    weft_pack_raw(&in->pair, id);
    if (keys.n_id && weft_ids_add(&in->pairs, in->pair.p ? in->pair.p : (const uint8_t *)"", in->pair.n, 1) == 0)
        in->out.series++;
    else if (keys.n_id && in->date == SIZE_MAX && !in->o.date_from_name) /* else every file is a day */
        in->out.duplicates++;
    if (in->date == SIZE_MAX)
        return;
    weft_pack_raw(&in->pair, (struct weft_span){(const uint8_t *)&seconds, sizeof seconds});
    in->out.more |= in->pairs.n > PAIRS_MAX;
    if (!in->out.more && weft_ids_add(&in->pairs, in->pair.p, in->pair.n, 1))
        in->out.duplicates++;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The step, as ingest finds it; 0: none. */
static int64_t find_step(const struct inspect *in)
{
    bool sales = in->o.layout == WEFT_LAYOUT_LONG;
    int64_t known = in->h.step ? in->h.step : in->o.step_seconds;
    int64_t step = known ? known : weft_step_find(in->day, in->n_days, sales);
    if (sales && step == WEFT_STEP_HOUR && !in->o.hours)
        return WEFT_STEP_DAY;
    for (size_t i = 1; i < in->n_days && !sales; i++)
        if (!weft_step_fits(weft_step_begin(in->day[i - 1], step), weft_step_begin(in->day[i], step), step))
            return 0;
    return step;
}

/* What every day or series must have for itself: a column. */
static void find_doubles(struct inspect *in)
{
    const struct weft_header *h = &in->h;
    bool wide = in->out.layout == WEFT_LAYOUT_WIDE;
    for (size_t i = 0; i < h->n && !in->unusable && (wide || in->out.layout == WEFT_LAYOUT_MATRIX); i++)
        for (size_t k = 0; k < i && !in->unusable; k++) {
            in->unusable =
                wide ? h->date[i] != WEFT_NO_DATE && h->date[i] == h->date[k] : strcmp(h->name[i], h->name[k]) == 0;
            if (in->unusable)
                note(in, "columns %zu and %zu are both \"%s\": rename or drop one", k + 1, i + 1, h->name[i]);
        }
}

static void find_calendar(struct inspect *in)
{
    struct weft_inspection *out = &in->out;
    for (size_t i = 0; i < in->h.n && out->layout == WEFT_LAYOUT_WIDE; i++)
        if (in->h.date[i] != WEFT_NO_DATE)
            see_day(in, in->h.date[i]);
    if (!in->n_days && in->date != SIZE_MAX && out->rows > out->bad_rows) {
        note(in, "no date can be read, as in \"%s\": see weft ingest --date-format", out->column[in->date].first);
        in->unusable = true;
    }
    if (!in->n_days)
        return;
    weft_sort(in->day, in->n_days, sizeof *in->day, by_time);
    out->step = find_step(in);
    size_t n = 0;
    for (size_t i = 0; i < in->n_days; i++) { /* hours of one day are one day */
        int64_t t =
            out->step == DAY ? in->day[i] - (in->day[i] % DAY + DAY) % DAY : weft_step_begin(in->day[i], out->step);
        if (!n || in->day[n - 1] != t)
            in->day[n++] = t;
    }
    out->first = in->day[0];
    out->last = in->day[n - 1];
    out->days = n;
    out->steps = out->step ? (uint64_t)weft_step_count(out->first, out->last, out->step) + 1 : n;
    for (size_t i = 1; i < n && out->step; i++)
        if (weft_step_count(in->day[i - 1], in->day[i], out->step) > 1) {
            if (out->n_gaps < WEFT_INSPECT_GAPS) {
                out->gap[out->n_gaps].from = weft_step_add(in->day[i - 1], 1, out->step);
                out->gap[out->n_gaps].to = weft_step_add(in->day[i], -1, out->step);
            }
            out->n_gaps++;
        }
    if (!out->step)
        note(in, "the dates lie on no regular grid: ingest needs hours, days, weeks, months or another fixed step");
}

static void add_values(struct inspect *in)
{
    struct weft_inspection *out = &in->out;
    for (size_t i = 0; i < in->h.n; i++) {
        const struct weft_inspect_column *c = &out->column[i];
        if (c->use != WEFT_USE_VALUE)
            continue;
        out->cells += c->filled + c->empty;
        out->zeros += c->zeros;
        out->missing += c->empty;
        out->negatives += c->negatives;
        if (c->filled > c->numbers && !out->odd)
            note(in, "line %llu, column \"%s\": \"%s\" is no number", (unsigned long long)c->odd_line, c->name, c->odd);
        out->odd += c->filled - c->numbers;
    }
    if (in->date != SIZE_MAX &&
        out->column[in->date].dates < out->column[in->date].filled + out->column[in->date].empty) {
        const struct weft_inspect_column *c = &out->column[in->date];
        out->odd += c->filled + c->empty - c->dates;
        note(in, "%llu rows have no date", (unsigned long long)(c->filled + c->empty - c->dates));
    }
}

/* --- the command --- */

/* A list of columns. One with a comma in its name goes by its number. */
static void put_list(const struct inspect *in, struct weft_pack *b, const char *prefix, const struct weft_list *list)
{
    struct weft_pack joined = {0};
    for (size_t i = 0; i < list->n; i++) {
        char number[32];
        const char *name = list->items[i];
        if (strchr(name, ',')) {
            const char *eq = strchr(name, '=');
            snprintf(number, sizeof number, "#%zu",
                     weft_header_find(&in->h, weft_header_find(&in->h, name) == SIZE_MAX && eq ? eq + 1 : name) + 1);
            name = number;
        }
        if (i)
            weft_pack_raw(&joined, (struct weft_span){(const uint8_t *)",", 1});
        weft_pack_raw(&joined, (struct weft_span){(const uint8_t *)name, strlen(name)});
    }
    weft_pack_raw(&joined, (struct weft_span){(const uint8_t *)"", 1});
    if (list->n)
        weft_command_word(b, prefix, (const char *)joined.p);
    weft_pack_free(&joined);
}

static void make_command(struct inspect *in)
{
    static const char *const layouts[] = {"auto", "wide", "long", "matrix", "products"};
    struct weft_inspection *out = &in->out;
    char step[32];
    bool impossible = in->unusable || out->layout == WEFT_LAYOUT_AUTO || out->rows == out->bad_rows ||
                      (in->n_days && !out->step) || (out->layout == WEFT_LAYOUT_LONG && !in->o.values.n);
    if (out->rows == out->bad_rows)
        note(in, "there is a header and no good row");
    if (impossible)
        return;
    struct weft_pack b = {0};
    weft_command_word(&b, "weft ", "ingest");
    if (!in->o.targets_alone) /* told, every column is a series */
        weft_command_word(&b, " --layout ", layouts[out->layout]);
    if (out->file[0].encoding)
        weft_command_word(&b, " --encoding ", out->file[0].encoding);
    if (in->h.line > 1) {
        snprintf(step, sizeof step, "%llu", (unsigned long long)in->h.line - 1);
        weft_command_word(&b, " --skip ", step);
    }
    if (in->o.date_from_name)
        weft_pack_raw(&b, (struct weft_span){(const uint8_t *)" --date-from-name", 17});
    if (in->date != SIZE_MAX && !is_called(in, in->date, "date"))
        weft_command_word(&b, " --date ", in->o.date);
    if (weft_dates_form_name(in->o.dates.form))
        weft_command_word(&b, " --date-format ", weft_dates_form_name(in->o.dates.form));
    if (in->o.dates.zoned)
        weft_command_word(&b, " --timezone ", "UTC");
    put_list(in, &b, " --id ", &in->o.id);
    put_list(in, &b, " --value ", &in->o.values);
    put_list(in, &b, " --fill-down ", &in->o.fill_down);
    if (in->o.image)
        weft_command_word(&b, " --image ", in->o.image);
    if (out->bad_rows || out->odd || (out->duplicates && out->layout == WEFT_LAYOUT_WIDE))
        weft_command_word(&b, " --rejects ", "rejects.csv");
    for (size_t f = 0; f < out->n_files; f++)
        if (out->file[f].again)
            weft_command_word(&b, *out->file[f].name == '-' ? " ./" : " ", out->file[f].name);
    out->command = weft_xstrndup((const char *)b.p, b.n);
    weft_pack_free(&b);
}

/* --- all of it --- */

static int begin(struct inspect *in, const char *const *paths, size_t n, struct weft_err *e)
{
    struct weft_inspection *out = &in->out;
    struct weft_csv *csv = NULL;
    out->file = WEFT_ARRAY(struct weft_sniff, n);
    for (; out->n_files < n; out->n_files++) {
        if (weft_sniff(paths[out->n_files], &out->file[out->n_files], e) < 0)
            return -1;
        const char *a = out->file[0].encoding, *b = out->file[out->n_files].encoding;
        if ((a == NULL) != (b == NULL) || (a && strcmp(a, b) != 0))
            note(in, "%s is %s, and the first file %s: ingest reads files of one encoding at a time",
                 paths[out->n_files], out->file[out->n_files].shown, out->file[0].shown);
    }
    int rc = weft_csv_open(out->file[0].open, &(struct weft_csv_opts){.encoding = out->file[0].encoding, .skip = -1},
                           &csv, e);
    if (rc == 0)
        rc = weft_header_read(csv, &in->h, e);
    in->h.file = out->file[0].name;
    if (rc == 0) {
        out->delimiter = weft_csv_delimiter(csv);
        decide(in, csv);
    }
    weft_csv_close(&csv);
    out->n_columns = in->h.n;
    out->column = WEFT_ARRAY(struct weft_inspect_column, in->h.n + 1);
    for (size_t i = 0, counted = 0; i < in->h.n; i++) {
        struct weft_inspect_column *c = &out->column[i];
        c->name = in->h.name[i];
        if (in->h.date[i] != WEFT_NO_DATE)
            c->seems = WEFT_SEEMS_DAY;
        else if (counted++ < COUNTED_COLUMNS)
            c->ids = WEFT_NEW(struct weft_ids);
    }
    return rc;
}

static int look_through(struct inspect *in, const char *const *paths, size_t n, struct weft_err *e)
{
    if (begin(in, paths, n, e) < 0)
        return -1;
    if (n > 1 && in->out.layout != WEFT_LAYOUT_LONG && !in->unusable)
        return weft_fail(e, WEFT_USAGE, "only the long layout comes in more than one file, and this is no long one");
    if (walk(in, look, true, e) < 0)
        return -1;
    for (size_t i = 0; i < in->h.n; i++)
        judge(&in->out.column[i]);
    find_roles(in);
    if (walk(in, compare, false, e) < 0)
        return -1;
    find_doubles(in);
    find_calendar(in);
    add_values(in);
    make_command(in);
    return 0;
}

int weft_inspect(const char *const *paths, size_t n, bool json, FILE *out, struct weft_err *e)
{
    struct inspect in = {.date = SIZE_MAX, .o = {.skip = -1}, .d = {.date = SIZE_MAX}};
    int rc = look_through(&in, paths, n, e);
    if (rc == 0 && json)
        weft_inspection_json(&in.out, out);
    else if (rc == 0)
        weft_inspection_print(&in.out, out);
    for (size_t i = 0; i < in.out.n_columns; i++)
        if (in.out.column[i].ids) {
            weft_ids_free(in.out.column[i].ids);
            free(in.out.column[i].ids);
        }
    for (size_t i = 0; i < in.out.n_files; i++)
        weft_sniff_free(&in.out.file[i]);
    for (size_t i = 0; i < in.out.n_notes; i++)
        free(in.out.note[i]);
    free(in.out.file);
    free(in.out.column);
    free(in.out.command);
    free(in.day);
    weft_decision_free(&in.d);
    weft_header_free(&in.h);
    weft_ingest_keys_free(&in.keys);
    weft_ids_free(&in.pairs);
    weft_ids_free(&in.seen);
    weft_pack_free(&in.key);
    weft_pack_free(&in.pair);
    return rc;
}
