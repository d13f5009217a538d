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

#include "inspection.h"

enum { DIFFERENT_MAX = 20000, COUNTED_COLUMNS = 64, PAIRS_MAX = 1 << 21, DAYS_MAX = 1 << 21, DAY = 86400 };

struct inspect {
    struct weft_inspection out;
    struct weft_header h; /* of the first file */
    struct weft_ingest o; /* the options that the command has */
    struct weft_list_room {
        char *at[WEFT_MAX_KEYS];
    } id, values;
    size_t date; /* column; SIZE_MAX */
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
        got = weft_csv_open(out->file[f].open, &(struct weft_csv_opts){.encoding = out->file[f].encoding}, &csv, e);
        if (got == 0)
            got = weft_header_read(csv, &h, e);
        if (got == 0)
            got = match_header(in, &h, column, e);
        while (got >= 0 && (got = weft_csv_next(csv, &row, e)) == 1) {
            bool good = !row.problem && row.found == h.n;
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

static void see_text(struct weft_inspect_column *c, struct weft_csv_text t)
{
    int64_t seconds;
    if (c->filled == 1) {
        snprintf(c->first, sizeof c->first, "%.*s", t.n < sizeof c->first ? (int)t.n : (int)sizeof c->first - 1, t.p);
        c->same = true;
    }
    c->same = c->same && strlen(c->first) == t.n && memcmp(c->first, t.p, t.n) == 0;
    c->dates += t.n >= 8 && t.n <= 30 && weft_date_parse(t.p, t.n, &seconds);
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
            see_text(c, t);
    }
}

static void judge(struct weft_inspect_column *c)
{
    if (c->seems == WEFT_SEEMS_DAY)
        return;
    c->seems = !c->filled                                ? WEFT_SEEMS_EMPTY
               : c->dates >= c->filled - c->filled / 20  ? WEFT_SEEMS_DATE
               : c->images >= c->filled - c->filled / 20 ? WEFT_SEEMS_IMAGE
               : c->numbers >= c->filled - c->filled / 20 ? WEFT_SEEMS_NUMBER
                                                          : WEFT_SEEMS_TEXT;
}

/* --- then: layout and roles --- */

static bool is_called(const struct inspect *in, size_t i, const char *canonical)
{
    return strcmp(weft_header_canonical(in->h.name[i]), canonical) == 0;
}

static void find_date(struct inspect *in)
{
    in->date = weft_header_find(&in->h, "date");
    for (size_t i = 0; i < in->h.n && in->date == SIZE_MAX; i++)
        if (in->out.column[i].seems == WEFT_SEEMS_DATE && (in->date = i) != SIZE_MAX && !is_called(in, i, "date"))
            in->o.date = in->h.name[i];
}

/* A matrix holds numbers alone, and each of its times once. */
static bool looks_long(const struct inspect *in)
{
    for (size_t i = 0; i < in->h.n; i++)
        if (i != in->date && (in->out.column[i].seems == WEFT_SEEMS_TEXT || in->out.column[i].seems == WEFT_SEEMS_DATE))
            return true;
    const struct weft_inspect_column *date = &in->out.column[in->date];
    return !date->more && date->different < date->filled - date->filled / 10;
}

static void find_layout(struct inspect *in)
{
    struct weft_err why = {0};
    int layout = weft_ingest_layout(&in->o, &in->h, &why);
    if (layout != WEFT_LAYOUT_WIDE && layout != WEFT_LAYOUT_PRODUCTS)
        find_date(in);
    if (in->date != SIZE_MAX && layout != WEFT_LAYOUT_LONG)
        layout = looks_long(in) ? WEFT_LAYOUT_LONG : WEFT_LAYOUT_MATRIX;
    if (layout == WEFT_LAYOUT_MATRIX && in->h.n < 2)
        layout = -1;
    for (size_t i = 0; i < in->h.n && layout < 0; i++)
        if (in->out.column[i].seems == WEFT_SEEMS_IMAGE) {
            layout = WEFT_LAYOUT_PRODUCTS;
            in->o.image = in->h.name[i];
        }
    if (layout < 0) {
        note(in, "%s; %s", why.what, why.hint);
        note(in, "no column holds dates or pictures either: is the first row really a header?");
    }
    in->out.layout = layout < 0 ? WEFT_LAYOUT_AUTO : layout;
    in->o.layout = in->out.layout;
}

static void add(struct weft_list *list, struct weft_list_room *room, char *name)
{
    list->items = room->at;
    if (list->n < WEFT_MAX_KEYS)
        room->at[list->n++] = name;
}

/* What is counted: a column called units, sales ...; else the last one of numbers that names nothing. */
static void find_value(struct inspect *in)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < in->h.n; i++)
        if (i != in->date && in->out.column[i].seems == WEFT_SEEMS_NUMBER && !is_called(in, i, "id") && !is_called(in, i, "store") && !is_called(in, i, "item") &&
            !is_called(in, i, "product") && (best == SIZE_MAX || !is_called(in, best, "units")) && (is_called(in, i, "units") || !is_called(in, i, "price")))
            best = i;
    if (best == SIZE_MAX) {
        note(in, "no column of numbers is left to forecast: name one with --value");
        return;
    }
    in->out.column[best].use = WEFT_USE_VALUE;
    add(&in->o.values, &in->values, in->h.name[best]);
}

/* What names a series: a column called id, else product, item and store, else texts that come again and again, else such numbers. */
static void find_id(struct inspect *in)
{
    for (int known = 0; known < 2 && !in->o.id.n; known++)
        for (size_t i = 0; i < in->h.n; i++)
            if (in->out.column[i].use == WEFT_USE_NONE && (known ? is_called(in, i, "product") || is_called(in, i, "item") || is_called(in, i, "store") : is_called(in, i, "id")))
                add(&in->o.id, &in->id, in->h.name[i]);
    for (int kind = WEFT_SEEMS_TEXT; kind <= WEFT_SEEMS_NUMBER && !in->o.id.n; kind++)
        for (size_t i = 0; i < in->h.n; i++) {
            const struct weft_inspect_column *c = &in->out.column[i];
            bool again = !c->more && c->different * 2 <= c->filled && !(c->same && c->filled > 1);
            if (c->use == WEFT_USE_NONE && c->seems == (enum weft_seems)kind && again && !is_called(in, i, "price"))
                add(&in->o.id, &in->id, in->h.name[i]);
        }
    if (!in->o.id.n)
        note(in, "no column names a series: say which with --id COLUMN");
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
            add(&in->o.id, &in->id, in->h.name[i]);
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
        bool value = in->o.layout == WEFT_LAYOUT_WIDE ? c->seems == WEFT_SEEMS_DAY : in->o.layout == WEFT_LAYOUT_MATRIX && i != in->date;
        c->use = value ? WEFT_USE_VALUE : i == in->date ? WEFT_USE_DATE : WEFT_USE_NONE;
        free_column[i] = in->o.layout == WEFT_LAYOUT_WIDE && !value;
    }
    if (in->o.layout == WEFT_LAYOUT_LONG) {
        find_value(in);
        find_id(in);
    }
    if (in->o.layout == WEFT_LAYOUT_WIDE || (in->o.layout == WEFT_LAYOUT_LONG && in->o.id.n)) {
        rc = weft_ingest_keys_find(&in->o, &in->h, free_column, &in->keys, &why);
        for (size_t k = 0; k < in->keys.n_keys && rc == 0; k++)
            in->out.column[in->keys.key[k]].use = WEFT_USE_KEY;
        for (size_t k = 0; k < in->keys.n_id && rc == 0; k++)
            in->out.column[in->keys.id[k]].use = WEFT_USE_ID;
    } else if (in->o.layout == WEFT_LAYOUT_PRODUCTS) {
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
        if (!weft_date_parse(t.p, t.n, &seconds))
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
    else if (keys.n_id && in->date == SIZE_MAX)
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

static int64_t common(int64_t a, int64_t b)
{
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

/* The step: of the long layout hour, day or week; else the smallest distance, when all are multiples of it. */
static int64_t find_step(const struct inspect *in)
{
    int64_t all = 0, least = 0;
    for (size_t i = 1; i < in->n_days; i++) {
        int64_t d = in->day[i] - in->day[i - 1];
        all = common(all, d);
        least = !least || d < least ? d : least;
    }
    if (in->o.layout != WEFT_LAYOUT_LONG)
        return least && all != least ? 0 : least ? least : DAY;
    if (in->clock && (uint64_t)(in->day[in->n_days - 1] - in->day[0]) / 3600 < 2 * in->n_days)
        return 3600;
    return all && all % (7 * DAY) == 0 && in->n_days > 2 ? 7 * DAY : DAY;
}

/* What every day or series must have for itself: a column. */
static void find_doubles(struct inspect *in)
{
    const struct weft_header *h = &in->h;
    bool wide = in->out.layout == WEFT_LAYOUT_WIDE;
    for (size_t i = 0; i < h->n && !in->unusable && (wide || in->out.layout == WEFT_LAYOUT_MATRIX); i++)
        for (size_t k = 0; k < i && !in->unusable; k++) {
            in->unusable = wide ? h->date[i] != WEFT_NO_DATE && h->date[i] == h->date[k] : strcmp(h->name[i], h->name[k]) == 0;
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
        note(in, "no date can be read, as in \"%s\": ingest reads 2023-01-31, 2023.1.31, 2023/1/31 and 20230131, with or without a time", out->column[in->date].first);
        in->unusable = true;
    }
    if (!in->n_days)
        return;
    qsort(in->day, in->n_days, sizeof *in->day, by_time);
    out->step = find_step(in);
    size_t n = 0;
    for (size_t i = 0; i < in->n_days; i++) { /* hours of one day are one day */
        int64_t t = out->step == DAY ? in->day[i] - (in->day[i] % DAY + DAY) % DAY : in->day[i];
        if (!n || in->day[n - 1] != t)
            in->day[n++] = t;
    }
    out->first = in->day[0];
    out->last = in->day[n - 1];
    out->days = n;
    out->steps = out->step ? (uint64_t)((out->last - out->first) / out->step) + 1 : n;
    for (size_t i = 1; i < n && out->step; i++)
        if (in->day[i] - in->day[i - 1] > out->step) {
            if (out->n_gaps < WEFT_INSPECT_GAPS) {
                out->gap[out->n_gaps].from = in->day[i - 1] + out->step;
                out->gap[out->n_gaps].to = in->day[i] - out->step;
            }
            out->n_gaps++;
        }
    if (!out->step)
        note(in, "the dates lie on no regular grid (months?): ingest needs days, weeks or another fixed step");
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
    if (in->date != SIZE_MAX && out->column[in->date].dates < out->column[in->date].filled + out->column[in->date].empty) {
        const struct weft_inspect_column *c = &out->column[in->date];
        out->odd += c->filled + c->empty - c->dates;
        note(in, "%llu rows have no date", (unsigned long long)(c->filled + c->empty - c->dates));
    }
}

/* --- the command --- */

/* A word of a shell's command line. */
static void put_word(struct weft_pack *b, const char *prefix, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=+,@%";
    bool quote = !*word;
    for (const char *p = word; *p; p++)
        quote |= (unsigned char)*p < 0x80 && !strchr(plain, *p);
    weft_pack_raw(b, (struct weft_span){(const uint8_t *)prefix, strlen(prefix)});
    if (quote)
        weft_pack_raw(b, (struct weft_span){(const uint8_t *)"'", 1});
    for (const char *p = word; *p; p++)
        if (*p == '\'')
            weft_pack_raw(b, (struct weft_span){(const uint8_t *)"'\\''", 4});
        else
            weft_pack_raw(b, (struct weft_span){(const uint8_t *)p, 1});
    if (quote)
        weft_pack_raw(b, (struct weft_span){(const uint8_t *)"'", 1});
}

/* named: the option takes NAME=COLUMN, so that a column with = in it needs a name. */
static void put_list(struct weft_pack *b, const char *prefix, const struct weft_list *list, bool named)
{
    struct weft_pack joined = {0};
    for (size_t i = 0; i < list->n; i++) {
        if (i)
            weft_pack_raw(&joined, (struct weft_span){(const uint8_t *)",", 1});
        if (named && strchr(list->items[i], '='))
            weft_pack_raw(&joined, (struct weft_span){(const uint8_t *)"units=", 6});
        weft_pack_raw(&joined, (struct weft_span){(const uint8_t *)list->items[i], strlen(list->items[i])});
    }
    weft_pack_raw(&joined, (struct weft_span){(const uint8_t *)"", 1});
    if (list->n)
        put_word(b, prefix, (const char *)joined.p);
    weft_pack_free(&joined);
}

static void check_list(struct inspect *in, const char *option, const struct weft_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (strchr(list->items[i], ',')) {
            note(in, "--%s takes a list, and column \"%s\" has a comma in its name: rename it", option, list->items[i]);
            in->unusable = true;
        }
}

static void make_command(struct inspect *in)
{
    static const char *const layouts[] = {"auto", "wide", "long", "matrix", "products"};
    struct weft_inspection *out = &in->out;
    char step[32];
    check_list(in, "id", &in->o.id);
    check_list(in, "value", &in->o.values);
    bool impossible = in->unusable || out->layout == WEFT_LAYOUT_AUTO || out->rows == out->bad_rows || (in->n_days && !out->step) ||
                      (out->layout == WEFT_LAYOUT_LONG && (!in->o.id.n || !in->o.values.n));
    if (out->rows == out->bad_rows)
        note(in, "there is a header and no good row");
    if (impossible)
        return;
    struct weft_pack b = {0};
    put_word(&b, "", "ingest");
    put_word(&b, " --layout ", layouts[out->layout]);
    if (out->file[0].encoding)
        put_word(&b, " --encoding ", out->file[0].encoding);
    if (in->o.date)
        put_word(&b, " --date ", in->o.date);
    put_list(&b, " --id ", &in->o.id, false);
    put_list(&b, " --value ", &in->o.values, true);
    if (in->o.image)
        put_word(&b, " --image ", in->o.image);
    if (out->layout == WEFT_LAYOUT_LONG && out->step != DAY)
        put_word(&b, " --step ", weft_step_text(out->step, step));
    if (out->bad_rows || out->odd || (out->duplicates && (out->layout == WEFT_LAYOUT_WIDE || out->layout == WEFT_LAYOUT_PRODUCTS)))
        put_word(&b, " --rejects ", "rejects.csv");
    for (size_t f = 0; f < out->n_files; f++)
        if (out->file[f].open == out->file[f].name)
            put_word(&b, *out->file[f].name == '-' ? " ./" : " ", out->file[f].name);
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
            note(in, "%s is %s, and the first file %s: ingest reads files of one encoding at a time", paths[out->n_files], out->file[out->n_files].shown,
                 out->file[0].shown);
    }
    int rc = weft_csv_open(out->file[0].open, &(struct weft_csv_opts){.encoding = out->file[0].encoding}, &csv, e);
    if (rc == 0)
        rc = weft_header_read(csv, &in->h, e);
    if (rc == 0)
        out->delimiter = weft_csv_delimiter(csv);
    weft_csv_close(&csv);
    in->h.file = out->file[0].name;
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
    if (begin(in, paths, n, e) < 0 || walk(in, look, true, e) < 0)
        return -1;
    for (size_t i = 0; i < in->h.n; i++)
        judge(&in->out.column[i]);
    find_layout(in);
    if (n > 1 && in->out.layout != WEFT_LAYOUT_LONG)
        return weft_fail(e, WEFT_USAGE, "only the long layout comes in more than one file, and this is no long one");
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
    struct inspect in = {.date = SIZE_MAX};
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
    weft_header_free(&in.h);
    weft_ingest_keys_free(&in.keys);
    weft_ids_free(&in.pairs);
    weft_ids_free(&in.seen);
    weft_pack_free(&in.key);
    weft_pack_free(&in.pair);
    return rc;
}
