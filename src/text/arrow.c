/* arrow.c - Arrow record batches as lines of CSV. Field numbers are those of Message.fbs and Schema.fbs of the format.
 */
#include "text/arrow.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"

enum { HEAD_MAX = 1 << 24, BODY_MAX = 1 << 30, COLUMNS_MAX = 1 << 20, BLOCK = 1 << 16, DAY = 86400 };
enum { SCHEMA = 1, DICTIONARY = 2, BATCH = 3 };
enum type {
    T_NULL = 1,
    T_INT = 2,
    T_FLOAT = 3,
    T_TEXT = 5,
    T_BOOL = 6,
    T_DATE = 8,
    T_TIMESTAMP = 10,
    T_LARGE_TEXT = 20
};
/* Seconds of years 1 to 9999: what a date can say. */
static const int64_t first_second = INT64_C(-62135596800), last_second = INT64_C(253402300799);

struct column {
    enum type type;
    size_t width; /* bytes of a value, or of the end of a text; booleans: 0 */
    bool is_signed, zoned;
    int64_t per_second, per_day;         /* units of timestamps; of dates, in a day */
    const uint8_t *valid, *data, *texts; /* of the batch; valid NULL: all are there */
    size_t texts_n;
};

struct bytes {
    uint8_t *p;
    size_t n, cap;
};

struct weft_arrow_text {
    weft_arrow_source *source;
    void *ctx;
    const char *name;
    struct bytes head, body, out; /* a message, its buffers, lines not yet given away from out_at on */
    size_t out_at;
    struct column *column;
    size_t n;
    uint64_t row, rows; /* of the batch */
    bool ended;
};

bool weft_arrow_begins(const uint8_t *p, size_t n)
{
    static const uint8_t mark[4] = {0xff, 0xff, 0xff, 0xff};
    return n >= 8 && memcmp(p, mark, sizeof mark) == 0 && p[7] == 0;
}

struct weft_arrow_text *weft_arrow_text_new(weft_arrow_source *source, void *ctx, const char *name)
{
    struct weft_arrow_text *t = WEFT_NEW(struct weft_arrow_text);
    t->source = source;
    t->ctx = ctx;
    t->name = name;
    return t;
}

void weft_arrow_text_free(struct weft_arrow_text **tp)
{
    struct weft_arrow_text *t = *tp;
    if (!t)
        return;
    free(t->head.p);
    free(t->body.p);
    free(t->out.p);
    free(t->column);
    free(t);
    *tp = NULL;
}

static int damaged(const struct weft_arrow_text *t, const char *what, struct weft_err *e)
{
    return weft_fail(e, WEFT_DATA, "%s: damaged Arrow data (%s)", t->name, what);
}

static void room(struct bytes *b, size_t n)
{
    if (b->cap - b->n < n) {
        b->cap = weft_grow(b->cap, b->n + n);
        b->p = weft_xrealloc(b->p, b->cap);
    }
}

/* n bytes into b: memory grows with what arrives. 1; 0: the end came before the first; -1. */
static int get(struct weft_arrow_text *t, struct bytes *b, size_t n, struct weft_err *e)
{
    b->n = 0;
    room(b, 8); /* never NULL */
    while (b->n < n) {
        size_t want = n - b->n < BLOCK ? n - b->n : BLOCK;
        room(b, want);
        long got = t->source(t->ctx, b->p + b->n, want, e);
        if (got < 0)
            return -1;
        if (got == 0)
            return b->n ? damaged(t, "it ends inside of a message", e) : 0;
        b->n += (size_t)got;
    }
    return 1;
}

/* --- flatbuffers: nothing outside of the message is ever looked at --- */

static uint64_t number(const uint8_t *p, size_t size)
{
    uint64_t v = 0;
    for (size_t i = 0; i < size; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* Where the `size` bytes of field i of the table at `at` lie; 0: it is not there, or the message is damaged. */
static size_t field(const struct bytes *b, size_t at, size_t i, size_t size)
{
    if (at > b->n || b->n - at < 4)
        return 0;
    int64_t vtable = (int64_t)at - (int32_t)(uint32_t)number(b->p + at, 4);
    if (vtable < 0 || (uint64_t)vtable + 4 > b->n)
        return 0;
    size_t v = (size_t)vtable, length = (size_t)number(b->p + v, 2);
    if (v + length > b->n || 6 + 2 * i > length)
        return 0;
    size_t place = (size_t)number(b->p + v + 4 + 2 * i, 2);
    return place && at + place + size <= b->n ? at + place : 0;
}

static uint64_t field_number(const struct bytes *b, size_t at, size_t i, size_t size, uint64_t otherwise)
{
    size_t f = field(b, at, i, size);
    return f ? number(b->p + f, size) : otherwise;
}

/* What field i points to: a table, or a vector of elements of `size` bytes, whose number goes to *n. 0: nothing. */
static size_t target(const struct bytes *b, size_t at, size_t i, size_t size, size_t *n)
{
    size_t f = field(b, at, i, 4);
    uint64_t to = f ? f + number(b->p + f, 4) : 0;
    if (!f || to + 4 > b->n)
        return 0;
    if (!size)
        return (size_t)to;
    *n = (size_t)number(b->p + to, 4);
    return *n <= (b->n - to - 4) / size ? (size_t)to + 4 : 0;
}

/* --- lines --- */

static void put(struct weft_arrow_text *t, const void *p, size_t n)
{
    room(&t->out, n);
    if (n)
        memcpy(t->out.p + t->out.n, p, n);
    t->out.n += n;
}

static void put_text(struct weft_arrow_text *t, const uint8_t *p, size_t n)
{
    bool quote = n && (p[0] == ' ' || p[n - 1] == ' ');
    for (size_t i = 0; i < n && !quote; i++)
        quote = p[i] == ',' || p[i] == '"' || p[i] == '\n' || p[i] == '\r';
    if (quote)
        put(t, "\"", 1);
    for (size_t i = 0; i < n; i++)
        put(t, p[i] == '"' && quote ? "\"\"" : (const char *)p + i, p[i] == '"' && quote ? 2 : 1);
    if (quote)
        put(t, "\"", 1);
}

static int64_t floor_by(int64_t v, int64_t by)
{
    return v / by - (v % by < 0);
}

/* Value i of a column as text, for all types but texts. -1: a day that no calendar has. */
static int value_text(const struct column *c, uint64_t i, char buf[40])
{
    char date[32];
    uint64_t bits = c->width ? number(c->data + i * c->width, c->width) : c->data[i / 8] >> i % 8 & 1;
    int64_t v = (int64_t)bits;
    if (c->width && c->width < 8 && (c->is_signed || c->type == T_DATE) && bits >> (8 * c->width - 1))
        v = (int64_t)(bits - (UINT64_C(1) << (8 * c->width)));
    if (c->type == T_FLOAT) {
        float f;
        double d;
        uint32_t low = (uint32_t)bits;
        memcpy(&f, &low, sizeof f);
        memcpy(&d, &bits, sizeof d);
        d = c->width == 4 ? (double)f : d;
        snprintf(buf, 40, c->width == 4 ? "%.9g" : "%.17g", d);
        if (!isfinite(d))
            buf[0] = 0;
    } else if (c->type == T_DATE || c->type == T_TIMESTAMP) {
        int64_t days = c->type == T_DATE ? floor_by(v, c->per_day) : 0;
        int64_t seconds = c->type == T_DATE ? 0 : floor_by(v, c->per_second);
        if (days < first_second / DAY || days > last_second / DAY || seconds < first_second || seconds > last_second)
            return -1;
        seconds += days * DAY;
        snprintf(buf, 40, "%s%s", weft_date_text(seconds, c->type == T_DATE ? DAY : 1, date), c->zoned ? "Z" : "");
    } else if (c->type == T_INT && !c->is_signed) {
        snprintf(buf, 40, "%" PRIu64, bits);
    } else {
        snprintf(buf, 40, "%" PRId64, v);
    }
    return 0;
}

static int put_row(struct weft_arrow_text *t, struct weft_err *e)
{
    char buf[40];
    uint64_t r = t->row;
    for (size_t k = 0; k < t->n; k++) {
        const struct column *c = &t->column[k];
        put(t, ",", k > 0);
        if (c->type == T_NULL || (c->valid && !(c->valid[r / 8] >> r % 8 & 1)))
            continue;
        if (c->type == T_TEXT || c->type == T_LARGE_TEXT) {
            uint64_t from = number(c->data + r * c->width, c->width),
                     to = number(c->data + (r + 1) * c->width, c->width);
            if (from > to || to > c->texts_n)
                return damaged(t, "a text outside of its buffer", e);
            put_text(t, c->texts + from, (size_t)(to - from));
        } else if (value_text(c, r, buf) < 0) {
            return weft_fail(e, WEFT_DATA, "%s: a date outside of the years 1 to 9999 in column %zu", t->name, k + 1);
        } else {
            put(t, buf, strlen(buf));
        }
    }
    put(t, "\n", 1);
    return 0;
}

/* --- messages --- */

static int refuse_column(const struct weft_arrow_text *t, size_t k, const char *what, const char *hint,
                         struct weft_err *e)
{
    weft_fail(e, WEFT_DATA, "%s: column %zu is %s", t->name, k + 1, what);
    return weft_fail_hint(e, "%s", hint);
}

/* Type of the field at `at`. */
static int read_type(struct weft_arrow_text *t, size_t k, size_t at, struct weft_err *e)
{
    static const int64_t units[] = {1, 1000, 1000000, 1000000000};
    const struct bytes *b = &t->head;
    struct column *c = &t->column[k];
    size_t n = 0, type = target(b, at, 3, 0, NULL);
    *c = (struct column){.type = (enum type)field_number(b, at, 2, 1, 0), .is_signed = true};
    if (field(b, at, 4, 4))
        return refuse_column(t, k, "a dictionary", "write it as plain text", e);
    uint64_t unit = field_number(b, type, 0, 2, c->type == T_DATE), bits = field_number(b, type, 0, 4, 0);
    switch (c->type) {
    case T_NULL:
    case T_BOOL:
        return 0;
    case T_INT:
        c->width = bits / 8;
        c->is_signed = field_number(b, type, 1, 1, 0) != 0;
        return bits == 8 || bits == 16 || bits == 32 || bits == 64 ? 0 : damaged(t, "an integer's width", e);
    case T_FLOAT:
        c->width = unit == 1 ? 4 : 8;
        return unit == 1 || unit == 2 ? 0 : refuse_column(t, k, "of half floats", "write them as float or double", e);
    case T_TEXT:
    case T_LARGE_TEXT:
        c->width = c->type == T_TEXT ? 4 : 8;
        return 0;
    case T_DATE:
        c->width = unit ? 8 : 4;
        c->per_day = unit ? 86400000 : 1;
        return unit < 2 ? 0 : damaged(t, "a date's unit", e);
    case T_TIMESTAMP:
        c->width = 8;
        c->zoned = target(b, type, 1, 1, &n) && n;
        if (unit > 3)
            return damaged(t, "a timestamp's unit", e);
        c->per_second = units[unit];
        return 0;
    default:
        return refuse_column(t, k, "of a type that is no text, number or date",
                             "cast it to double or text (decimals too) where it is written", e);
    }
}

static int read_schema(struct weft_arrow_text *t, size_t schema, struct weft_err *e)
{
    const struct bytes *b = &t->head;
    size_t fields = target(b, schema, 1, 4, &t->n), length;
    if (t->column || !fields || !t->n || t->n > COLUMNS_MAX)
        return damaged(t, "its schema", e);
    if (field_number(b, schema, 0, 2, 0))
        return weft_fail(e, WEFT_DATA, "%s: big-endian Arrow data", t->name);
    t->column = WEFT_ARRAY(struct column, t->n);
    for (size_t k = 0; k < t->n; k++) {
        uint64_t at = fields + 4 * k + number(b->p + fields + 4 * k, 4);
        size_t name = at < b->n ? target(b, (size_t)at, 0, 1, &length) : 0;
        if (!name)
            return damaged(t, "a column without a name", e);
        if (read_type(t, k, (size_t)at, e) < 0)
            return -1;
        put(t, ",", k > 0);
        put_text(t, b->p + name, length);
    }
    put(t, "\n", 1);
    return 0;
}

/* Buffer i of the batch must hold `need` bytes; *n is what it holds. */
static const uint8_t *buffer(const struct weft_arrow_text *t, size_t list, size_t n_list, size_t i, uint64_t need,
                             size_t *n)
{
    if (i >= n_list)
        return NULL;
    uint64_t from = number(t->head.p + list + 16 * i, 8), length = number(t->head.p + list + 16 * i + 8, 8);
    if (from > t->body.n || length > t->body.n - from || length < need)
        return NULL;
    *n = (size_t)length;
    return t->body.p + from;
}

static int read_batch(struct weft_arrow_text *t, size_t batch, struct weft_err *e)
{
    const struct bytes *b = &t->head;
    size_t n_nodes = 0, n_list = 0, nodes = target(b, batch, 1, 16, &n_nodes), list = target(b, batch, 2, 16, &n_list);
    uint64_t rows = field_number(b, batch, 0, 8, 0);
    if (field(b, batch, 3, 4)) {
        weft_fail(e, WEFT_DATA, "%s: compressed Arrow buffers", t->name);
        return weft_fail_hint(e, "write them without compression");
    }
    if (!t->column || !nodes || !list || n_nodes != t->n || rows > INT32_MAX)
        return damaged(t, "a record batch that does not fit its schema", e);
    for (size_t k = 0, i = 0; k < t->n; k++) {
        struct column *c = &t->column[k];
        bool text = c->type == T_TEXT || c->type == T_LARGE_TEXT;
        size_t n = 0;
        if (number(b->p + nodes + 16 * k, 8) != rows)
            return damaged(t, "a column of another length", e);
        if (c->type == T_NULL)
            continue;
        c->valid = buffer(t, list, n_list, i, number(b->p + nodes + 16 * k + 8, 8) ? (rows + 7) / 8 : 0, &n);
        bool good = c->valid != NULL;
        if (n < (rows + 7) / 8 || !number(b->p + nodes + 16 * k + 8, 8))
            c->valid = NULL;
        c->data = buffer(t, list, n_list, i + 1, rows ? c->width ? (rows + text) * c->width : (rows + 7) / 8 : 0, &n);
        c->texts = text ? buffer(t, list, n_list, i + 2, 0, &c->texts_n) : NULL;
        if (!good || !c->data || (text && !c->texts))
            return damaged(t, "a buffer that does not hold its rows", e);
        i += text ? 3 : 2;
    }
    t->row = 0;
    t->rows = rows;
    return 0;
}

/* 1: a message was taken; 0: the end; -1. */
static int next_message(struct weft_arrow_text *t, struct weft_err *e)
{
    int got = get(t, &t->head, 8, e);
    if (got <= 0)
        return got == 0 && !t->column ? damaged(t, "no schema", e) : got;
    uint64_t size = number(t->head.p + 4, 4);
    if (number(t->head.p, 4) != UINT32_MAX || size > HEAD_MAX)
        return damaged(t, "no message where one should begin", e);
    if (!size)
        return 0;
    if ((got = get(t, &t->head, (size_t)size, e)) <= 0)
        return got < 0 ? -1 : damaged(t, "it ends inside of a message", e);
    const struct bytes *b = &t->head;
    uint64_t root = b->n >= 4 ? number(b->p, 4) : 0;
    size_t message = root < b->n ? (size_t)root : 0, header = message ? target(b, message, 2, 0, NULL) : 0;
    uint64_t body = message ? field_number(b, message, 3, 8, 0) : 0;
    if (!header)
        return damaged(t, "a message without a header", e);
    if (body > BODY_MAX) {
        weft_fail(e, WEFT_DATA, "%s: a record batch of more than 1 GiB", t->name);
        return weft_fail_hint(e, "write smaller batches");
    }
    if ((got = get(t, &t->body, (size_t)body, e)) < 0 || (got == 0 && body))
        return got < 0 ? -1 : damaged(t, "it ends inside of a message", e);
    switch (field_number(b, message, 1, 1, 0)) {
    case SCHEMA:
        return read_schema(t, header, e) < 0 ? -1 : 1;
    case BATCH:
        return read_batch(t, header, e) < 0 ? -1 : 1;
    default:
        return damaged(t, "a message that is neither schema nor batch", e);
    }
}

long weft_arrow_text_read(struct weft_arrow_text *t, void *p, size_t cap, struct weft_err *e)
{
    while (t->out_at == t->out.n) {
        t->out_at = t->out.n = 0;
        if (t->row < t->rows) {
            for (; t->row < t->rows && t->out.n < BLOCK; t->row++)
                if (put_row(t, e) < 0)
                    return -1;
            continue;
        }
        int got = t->ended ? 0 : next_message(t, e);
        if (got <= 0) {
            t->ended = true;
            return got;
        }
    }
    size_t left = t->out.n - t->out_at, n = left < cap ? left : cap;
    memcpy(p, t->out.p + t->out_at, n);
    t->out_at += n;
    return (long)n;
}
