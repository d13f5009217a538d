/* arrow.c - rows as Arrow record batches.
 *
 * The few messages that this takes are flatbuffers written front to back: a table's vtable, the table, then what it
 * points to; offsets are filled in when their target is there. Field numbers are those of Message.fbs and Schema.fbs of
 * the format. */
#include "show/arrow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "base/num.h"

enum { BATCH_ROWS = 65536, BATCH_TEXT = 1 << 28, CELL_MAX = 1 << 30, DAY = 86400 };
enum { MESSAGE_SCHEMA = 1, MESSAGE_BATCH = 3, METADATA_V5 = 4, FIELDS_MAX = 8 };
enum kind { TEXT = 5, INT32 = 2, FLOAT32 = 3, DATE = 8, SECONDS = 10 }; /* numbers of the union Type */

/* Bytes that grow. */
struct bytes {
    uint8_t *p;
    size_t n, cap;
};

/* n zero bytes more; where they are. */
static size_t more(struct bytes *b, size_t n)
{
    size_t at = b->n;
    if (b->cap - b->n < n) {
        b->cap = weft_grow(b->cap, b->n + n);
        b->p = weft_xrealloc(b->p, b->cap);
    }
    if (n)
        memset(b->p + at, 0, n);
    b->n += n;
    return at;
}

static void put(struct bytes *b, const void *p, size_t n)
{
    size_t at = more(b, n);
    if (n)
        memcpy(b->p + at, p, n);
}

static void align(struct bytes *b, size_t to)
{
    more(b, (to - b->n % to) % to);
}

/* Little-endian, whatever we run on. */
static void set(struct bytes *b, size_t at, uint64_t v, size_t size)
{
    for (size_t i = 0; i < size; i++)
        b->p[at + i] = (uint8_t)(v >> (8 * i));
}

static void put_number(struct bytes *b, uint64_t v, size_t size)
{
    set(b, more(b, size), v, size);
}

/* --- flatbuffers --- */

static void refer(struct bytes *b, size_t at, size_t target)
{
    set(b, at, target - at, 4);
}

/* A table whose field i takes size[i] bytes (0: it is not there); at[i] is where its value goes. */
static size_t table(struct bytes *b, const char *size, size_t at[FIELDS_MAX])
{
    size_t n = strlen(size), vtable, start, place = 4;
    align(b, 8);
    vtable = more(b, 4 + 2 * n);
    align(b, 8);
    start = more(b, 4);
    for (size_t i = 0; i < n; i++) {
        size_t bytes = (size_t)(size[i] - '0');
        if (!bytes)
            continue;
        place = (place + bytes - 1) / bytes * bytes;
        at[i] = start + place;
        set(b, vtable + 4 + 2 * i, place, 2);
        place += bytes;
    }
    more(b, place - 4);
    set(b, vtable, 4 + 2 * n, 2);
    set(b, vtable + 2, place, 2);
    set(b, start, start - vtable, 4);
    return start;
}

/* Room for a vector of n elements, aligned; elements begin 4 bytes after what is returned. */
static size_t vector(struct bytes *b, size_t n, size_t size)
{
    while ((b->n + 4) % (size < 8 ? size : 8))
        more(b, 1);
    size_t at = more(b, 4 + n * size);
    set(b, at, n, 4);
    return at;
}

static size_t text(struct bytes *b, const char *s)
{
    align(b, 4);
    size_t at = more(b, 4), n = strlen(s);
    set(b, at, n, 4);
    put(b, s, n + 1);
    return at;
}

/* Begins a message; *header is where the offset of its header goes. */
static void message(struct bytes *b, int type, uint64_t body, size_t *header)
{
    size_t at[FIELDS_MAX];
    b->n = 0;
    size_t root = more(b, 4), start = table(b, "2148", at);
    refer(b, root, start);
    set(b, at[0], METADATA_V5, 2);
    set(b, at[1], (uint64_t)type, 1);
    set(b, at[3], body, 8);
    *header = at[2];
}

static void send(FILE *f, struct bytes *b)
{
    struct bytes prefix = {0};
    align(b, 8);
    put_number(&prefix, UINT32_MAX, 4);
    put_number(&prefix, b->n, 4);
    fwrite(prefix.p, 1, prefix.n, f);
    fwrite(b->p, 1, b->n, f);
    free(prefix.p);
}

/* --- columns --- */

struct column {
    char *name;
    enum kind kind;
    struct bytes valid, data, texts; /* a bit a row; values, or ends of texts; texts */
    size_t nulls;
};

struct weft_arrow {
    FILE *f;
    struct weft_stream_csv csv;
    struct column *column;
    size_t n, rows;
    struct bytes head; /* of messages */
};

struct weft_arrow *weft_arrow_new(FILE *f)
{
    struct weft_arrow *a = WEFT_NEW(struct weft_arrow);
    a->f = f;
    return a;
}

void weft_arrow_free(struct weft_arrow **ap)
{
    struct weft_arrow *a = *ap;
    if (!a)
        return;
    for (size_t c = 0; c < a->n; c++) {
        free(a->column[c].name);
        free(a->column[c].valid.p);
        free(a->column[c].data.p);
        free(a->column[c].texts.p);
    }
    free(a->column);
    free(a->head.p);
    weft_stream_csv_free(&a->csv);
    free(a);
    *ap = NULL;
}

static void clear(struct weft_arrow *a)
{
    for (size_t c = 0; c < a->n; c++) {
        struct column *x = &a->column[c];
        x->valid.n = x->data.n = x->texts.n = x->nulls = 0;
        if (x->kind == TEXT)
            put_number(&x->data, 0, 4);
    }
    a->rows = 0;
}

/* One column of the schema. */
static size_t write_field(struct bytes *b, const struct column *c)
{
    static const char *const types[] = {[TEXT] = "", [INT32] = "41", [FLOAT32] = "2", [DATE] = "2", [SECONDS] = "2"};
    size_t at[FIELDS_MAX], type[FIELDS_MAX], start = table(b, "411404", at);
    set(b, at[1], 1, 1);
    set(b, at[2], (uint64_t)c->kind, 1);
    refer(b, at[0], text(b, c->name));
    refer(b, at[3], table(b, types[c->kind], type));
    if (c->kind == INT32) {
        set(b, type[0], 32, 4);
        set(b, type[1], 1, 1);
    } else if (c->kind == FLOAT32) {
        set(b, type[0], 1, 2); /* single */
    }                          /* of dates and seconds, unit 0 is what we mean */
    refer(b, at[5], vector(b, 0, 4));
    return start;
}

static void write_schema(struct weft_arrow *a)
{
    struct bytes *b = &a->head;
    size_t header, at[FIELDS_MAX];
    message(b, MESSAGE_SCHEMA, 0, &header);
    refer(b, header, table(b, "24", at));
    size_t fields = vector(b, a->n, 4);
    refer(b, at[1], fields);
    for (size_t c = 0; c < a->n; c++)
        refer(b, fields + 4 + 4 * c, write_field(b, &a->column[c]));
    send(a->f, b);
}

/* The rows that wait, as a batch: for every column its bits, its values, and of texts the texts after their ends. */
static void write_batch(struct weft_arrow *a)
{
    struct bytes *b = &a->head;
    size_t header, at[FIELDS_MAX], buffers = 0, body = 0, i = 0;
    if (!a->rows)
        return;
    for (size_t c = 0; c < a->n; c++) {
        struct column *x = &a->column[c];
        struct bytes *part[] = {&x->valid, &x->data, &x->texts};
        for (int k = 0; k < (x->kind == TEXT ? 3 : 2); k++, buffers++)
            body += (part[k]->n + 7) / 8 * 8;
    }
    message(b, MESSAGE_BATCH, body, &header);
    refer(b, header, table(b, "844", at));
    set(b, at[0], a->rows, 8);
    size_t nodes = vector(b, a->n, 16);
    refer(b, at[1], nodes);
    size_t places = vector(b, buffers, 16);
    refer(b, at[2], places);
    body = 0;
    for (size_t c = 0; c < a->n; c++) {
        struct column *x = &a->column[c];
        struct bytes *part[] = {&x->valid, &x->data, &x->texts};
        set(b, nodes + 4 + 16 * c, a->rows, 8);
        set(b, nodes + 12 + 16 * c, x->nulls, 8);
        for (int k = 0; k < (x->kind == TEXT ? 3 : 2); k++, i++) {
            set(b, places + 4 + 16 * i, body, 8);
            set(b, places + 12 + 16 * i, part[k]->n, 8);
            align(part[k], 8);
            body += part[k]->n;
        }
    }
    send(a->f, b);
    for (size_t c = 0; c < a->n; c++) {
        struct column *x = &a->column[c];
        fwrite(x->valid.p, 1, x->valid.n, a->f);
        fwrite(x->data.p, 1, x->data.n, a->f);
        if (x->kind == TEXT)
            fwrite(x->texts.p, 1, x->texts.n, a->f);
    }
    clear(a);
}

/* A cell, as CSV has it without quotes. */
static int put_cell(struct weft_arrow *a, struct column *x, const char *p, size_t n, struct weft_err *e)
{
    int64_t seconds = 0;
    double v = NAN;
    if (n > CELL_MAX)
        return weft_fail(e, WEFT_DATA, "a text of more than 1 GiB");
    if (a->rows % 8 == 0)
        more(&x->valid, 1);
    bool there = x->kind == TEXT                         ? n > 0
                 : x->kind == DATE || x->kind == SECONDS ? weft_date_parse(p, n, &seconds)
                                                         : n && weft_num_text(p, n, &v);
    if (there)
        x->valid.p[a->rows / 8] |= (uint8_t)(1 << a->rows % 8);
    else
        x->nulls++;
    if (x->kind == TEXT) {
        put(&x->texts, p, n);
        put_number(&x->data, x->texts.n, 4);
    } else if (x->kind == SECONDS) {
        put_number(&x->data, (uint64_t)seconds, 8);
    } else if (x->kind == DATE) {
        put_number(&x->data, (uint64_t)((seconds - (seconds % DAY + DAY) % DAY) / DAY), 4);
    } else if (x->kind == INT32) {
        put_number(&x->data, there ? (uint64_t)(int64_t)v : 0, 4);
    } else {
        float f = there ? (float)v : 0;
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        put_number(&x->data, bits, 4);
    }
    return 0;
}

/* The next field of CSV that we wrote ourselves, in place: quotes are taken away. *end is ',' or '\n'. */
static char *next_cell(char **at, size_t *n, char *end)
{
    char *p = *at, *start = p, *to = p;
    if (*p == '"') {
        for (p++; *p != '"' || p[1] == '"'; p++) {
            p += *p == '"';
            *to++ = *p;
        }
        p++;
        *n = (size_t)(to - start);
    } else {
        p += strcspn(p, ",\n");
        *n = (size_t)(p - start);
    }
    *end = *p;
    *at = p + 1;
    return start;
}

/* All rows of a frame's CSV. */
static int put_rows(struct weft_arrow *a, char *csv, size_t size, struct weft_err *e)
{
    for (char *p = csv; p < csv + size;) {
        size_t most = 0;
        for (size_t c = 0; c < a->n; c++) {
            size_t n;
            char end, *cell = next_cell(&p, &n, &end);
            if ((end == '\n') != (c + 1 == a->n))
                return weft_fail(e, WEFT_BUG, "a row has another number of columns than the schema");
            if (put_cell(a, &a->column[c], cell, n, e) < 0)
                return -1;
            most = a->column[c].texts.n > most ? a->column[c].texts.n : most;
        }
        if (++a->rows == BATCH_ROWS || most > BATCH_TEXT)
            write_batch(a);
    }
    return 0;
}

/* --- streams --- */

/* What a column holds, by its place: texts first, then what the schema has. */
static enum kind kind_of(const struct weft_arrow *a, size_t c, size_t n_keys, int64_t step)
{
    enum kind date = step < DAY ? SECONDS : DATE;
    if (a->csv.attrs.n_channels)
        return c <= n_keys ? TEXT : c == n_keys + 1 ? date : FLOAT32;
    /* id, keys, model, channel, part; origin, step, date; forecast, actual, quantiles; why */
    size_t k = c - n_keys;
    if (c < n_keys + 4 || c + 1 == a->n)
        return TEXT;
    return k == 4 || k == 6 ? date : k == 5 ? INT32 : FLOAT32;
}

/* The names in the line of CSV are the columns, or, of a later stream, must be. */
static int take_columns(struct weft_arrow *a, char *line, struct weft_err *e)
{
    size_t n, c = 0;
    bool first = !a->n;
    for (char end = ','; end == ','; c++) {
        const char *name = next_cell(&line, &n, &end);
        if (first) {
            a->column = weft_xrealloc2(a->column, c + 1, sizeof *a->column);
            a->column[c] = (struct column){.name = weft_xstrndup(name, n)};
            a->n = c + 1;
        } else if (c >= a->n || strlen(a->column[c].name) != n || memcmp(a->column[c].name, name, n) != 0) {
            return weft_fail(e, WEFT_DATA, "a stream with other columns than the one before it");
        }
    }
    return c == a->n ? 0 : weft_fail(e, WEFT_DATA, "a stream with other columns than the one before it");
}

int weft_arrow_start(struct weft_arrow *a, const struct weft_head *h, struct weft_err *e)
{
    char *line = NULL, step_text[32], **keys = NULL;
    size_t size = 0, n_keys = 0;
    int64_t step = DAY;
    if (!weft_head_is(h, "series") && !weft_head_is(h, "windows") && !weft_head_is(h, "forecasts")) {
        weft_fail(e, WEFT_DATA, "a %s stream: series, windows and forecasts become Arrow", h->schema);
        return weft_fail_hint(e, "weft frames csv takes every stream");
    }
    FILE *f = open_memstream(&line, &size);
    if (!f)
        return weft_fail_errno(e, WEFT_TEMPFAIL, "no memory for the columns");
    bool first = !a->n;
    int rc = weft_stream_csv_start(&a->csv, h, true, f, e);
    if (fclose(f) != 0 && rc == 0)
        rc = weft_fail_errno(e, WEFT_TEMPFAIL, "no memory for the columns");
    if (rc == 0)
        rc = take_columns(a, line, e);
    free(line);
    if (rc < 0 || !first)
        return rc;
    if (weft_attr_str(h, "step", step_text, sizeof step_text))
        (void)!weft_step_parse(step_text, &step);
    weft_attr_strs(h, "keys", &keys, &n_keys);
    free(keys);
    for (size_t c = 0; c < a->n; c++)
        a->column[c].kind = kind_of(a, c, n_keys, step);
    clear(a);
    write_schema(a);
    return 0;
}

int weft_arrow_frame(struct weft_arrow *a, struct weft_span frame, struct weft_err *e)
{
    char *csv = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&csv, &size);
    if (!f)
        return weft_fail_errno(e, WEFT_TEMPFAIL, "no memory for a frame");
    int rc = weft_stream_csv_frame(&a->csv, frame, false, f, e);
    if (fclose(f) != 0 && rc == 0)
        rc = weft_fail_errno(e, WEFT_TEMPFAIL, "no memory for a frame");
    if (rc == 0)
        rc = put_rows(a, csv, size, e);
    free(csv);
    return rc;
}

void weft_arrow_end(struct weft_arrow *a)
{
    static const uint8_t end[8] = {0xff, 0xff, 0xff, 0xff};
    write_batch(a);
    fwrite(end, 1, sizeof end, a->f);
}
