/* csv.c - libcsv behind a pull interface.
 *
 * libcsv pushes fields at callbacks and counts rows, not lines. It is fed line by line, so that every row knows its line; what it pushes is kept in
 * one arena until the caller has taken it. */
#include "weft/csv.h"

#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weft/mem.h"
#include "weft/transcode.h"

enum { BUFFER = 1 << 17, ROW_BYTES_MAX = 1 << 30 };

/* A row in the arena. */
struct mark {
    size_t first, n, found, begin;
    uint64_t line;
    const char *problem;
};

struct weft_csv {
    struct csv_parser parser;
    struct weft_transcode *transcode;
    char *name;
    int fd;
    bool ended, nul;
    uint64_t read, size;
    char *buf;
    size_t at, n;
    size_t field_max, expect;
    /* The arena: bytes of fields, ends of fields, rows. */
    char *text;
    size_t text_n, text_cap;
    uint32_t *end;
    size_t end_n, end_cap;
    struct mark *row;
    size_t row_n, row_cap, taken;
    /* The row being read, and the line being fed. */
    struct mark now;
    bool between;       /* no byte of a row has come since the last one */
    size_t since_field; /* bytes fed since the last field ended */
    uint64_t line;
};

static void on_field(void *p, size_t n, void *data)
{
    struct weft_csv *c = data;
    c->since_field = 0;
    if (c->now.found++ >= c->expect)
        return;
    if (c->text_n + n > c->text_cap) {
        c->text_cap = weft_grow(c->text_cap, c->text_n + n);
        c->text = weft_xrealloc(c->text, c->text_cap);
    }
    if (c->end_n == c->end_cap) {
        c->end_cap = weft_grow(c->end_cap, c->end_n + 1);
        c->end = weft_xrealloc2(c->end, c->end_cap, sizeof *c->end);
    }
    char *to = c->text + c->text_n;
    const char *from = p;
    for (size_t i = 0; i < n; i++) /* most fields are a few digits: a call would cost more */
        to[i] = from[i];
    c->text_n += n;
    c->end[c->end_n++] = (uint32_t)c->text_n;
    c->now.n++;
}

static void begin_row(struct weft_csv *c)
{
    c->now = (struct mark){.first = c->end_n, .begin = c->text_n, .line = c->line};
    c->between = true;
    c->since_field = 0;
}

static void on_row(int end, void *data)
{
    struct weft_csv *c = data;
    (void)end;
    if (c->row_n == c->row_cap) {
        c->row_cap = weft_grow(c->row_cap, c->row_n + 1);
        c->row = weft_xrealloc2(c->row, c->row_cap, sizeof *c->row);
    }
    c->row[c->row_n++] = c->now;
    begin_row(c);
}

static void start_parser(struct weft_csv *c, char delimiter)
{
    csv_init(&c->parser, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_realloc_func(&c->parser, weft_xrealloc);
    csv_set_blk_size(&c->parser, 4096);
    csv_set_delim(&c->parser, (unsigned char)delimiter);
}

/* --- reading --- */

static int fill(struct weft_csv *c, struct weft_err *e)
{
    long got;
    if (c->transcode) {
        got = weft_transcode_read(c->transcode, c->fd, c->buf, BUFFER, e);
        if (got < 0)
            return weft_fail_where(e, "%s", c->name);
    } else {
        do
            got = read(c->fd, c->buf, BUFFER);
        while (got < 0 && errno == EINTR);
        if (got < 0)
            return weft_fail_errno(e, WEFT_IO, "can't read %s", c->name);
    }
    c->at = 0;
    c->n = (size_t)got;
    c->read += (uint64_t)got;
    c->ended = got == 0;
    c->nul = memchr(c->buf, 0, c->n) != NULL;
    return 0;
}

/* The delimiter that the first line has most of, outside quotes. */
static char guess_delimiter(const char *p, size_t n)
{
    static const char known[] = ",;\t|";
    size_t count[4] = {0}, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < n && (quoted || (p[i] != '\n' && p[i] != '\r')); i++) {
        const char *k = p[i] ? strchr(known, p[i]) : NULL;
        quoted ^= p[i] == '"';
        if (k && !quoted)
            count[k - known]++;
    }
    for (size_t i = 1; i < 4; i++)
        best = count[i] > count[best] ? i : best;
    return known[best];
}

int weft_csv_open(const char *path, const struct weft_csv_opts *o, struct weft_csv **out, struct weft_err *e)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return weft_fail_errno(e, WEFT_NOINPUT, "can't open %s", path);
    struct weft_csv *c = WEFT_NEW(struct weft_csv);
    c->fd = fd;
    c->name = weft_xstrdup(standard ? "standard input" : path);
    c->buf = weft_xmalloc(BUFFER);
    c->field_max = o->field_max ? o->field_max : WEFT_CSV_FIELD_MAX;
    c->expect = WEFT_CSV_COLUMNS_MAX;
    c->line = 1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        c->size = (uint64_t)st.st_size;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        weft_fail(e, WEFT_NOINPUT, "%s is a directory", path);
        start_parser(c, ',');
        weft_csv_close(&c);
        return -1;
    }
    begin_row(c);
    bool bad = (o->encoding && weft_transcode_open(o->encoding, &c->transcode, e) < 0) || fill(c, e) < 0;
    /* A first read of a pipe may be short; three bytes are there in practice, and without them there is no header either. */
    if (!bad && c->n >= 3 && memcmp(c->buf, "\xef\xbb\xbf", 3) == 0)
        c->at = 3;
    start_parser(c, o->delimiter ? o->delimiter : guess_delimiter(c->buf + c->at, c->n - c->at));
    if (bad)
        weft_csv_close(&c);
    *out = c;
    return bad ? -1 : 0;
}

void weft_csv_close(struct weft_csv **cp)
{
    struct weft_csv *c = *cp;
    if (!c)
        return;
    csv_free(&c->parser);
    weft_transcode_close(&c->transcode);
    if (c->fd != STDIN_FILENO)
        close(c->fd);
    free(c->name);
    free(c->buf);
    free(c->text);
    free(c->end);
    free(c->row);
    free(c);
    *cp = NULL;
}

const char *weft_csv_name(const struct weft_csv *c)
{
    return c->name;
}

void weft_csv_expect(struct weft_csv *c, size_t n)
{
    c->expect = n;
}

void weft_csv_position(const struct weft_csv *c, uint64_t *read, uint64_t *size)
{
    *read = c->read;
    *size = c->transcode ? 0 : c->size;
}

/* --- rows --- */

static bool blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != '\n' && p[i] != '\r' && p[i] != ' ' && p[i] != '\t')
            return false;
    return true;
}

/* A quote in the wrong place: the row is marked, and reading goes on with the next line. */
static void spoil_row(struct weft_csv *c)
{
    char delimiter = (char)csv_get_delim(&c->parser);
    c->now.problem = "a quote in the middle of a field";
    on_row(0, c);
    csv_free(&c->parser);
    start_parser(c, delimiter);
}

/* Feeds what the buffer has of one line. */
static int feed_line(struct weft_csv *c, struct weft_err *e)
{
    char *p = c->buf + c->at, *newline = memchr(p, '\n', c->n - c->at);
    size_t n = newline ? (size_t)(newline - p) + 1 : c->n - c->at;
    size_t rows = c->row_n;
    if (c->between && !blank(p, n))
        c->between = false;
    if (c->nul && memchr(p, 0, n))
        c->now.problem = "a NUL byte";
    c->since_field += n;
    size_t taken = csv_parse(&c->parser, p, n, on_field, on_row, c);
    if (taken < n && csv_error(&c->parser) == CSV_EPARSE)
        spoil_row(c);
    else if (taken < n)
        return weft_fail(e, WEFT_DATA, "%s", csv_strerror(csv_error(&c->parser)));
    c->at += n;
    if (c->row_n > rows + 1) /* carriage returns alone end lines too */
        c->line += c->row_n - rows - 1;
    c->line += newline != NULL;
    if (c->between)
        c->now.line = c->line;
    if (c->since_field > c->field_max) {
        weft_fail(e, WEFT_DATA, "a field of more than %zu bytes", c->field_max);
        weft_fail_where(e, "%s:%llu:%zu", c->name, (unsigned long long)c->now.line, c->now.found + 1);
        return weft_fail_hint(e, "is a quote left open there?");
    }
    if (c->text_n > ROW_BYTES_MAX || c->now.found > (size_t)1 << 31) {
        weft_fail(e, WEFT_DATA, "a row of more than %d bytes", ROW_BYTES_MAX);
        return weft_fail_where(e, "%s:%llu", c->name, (unsigned long long)c->now.line);
    }
    return 0;
}

static int finish(struct weft_csv *c, struct weft_err *e)
{
    if (csv_fini(&c->parser, on_field, on_row, c) == 0)
        return 0;
    weft_fail(e, WEFT_DATA, "a quote is never closed");
    return weft_fail_where(e, "%s:%llu:%zu", c->name, (unsigned long long)c->now.line, c->now.found + 1);
}

/* Everything was taken but the beginning of the row being read: that moves to the front. */
static void compact(struct weft_csv *c)
{
    size_t text = c->text_n - c->now.begin, ends = c->end_n - c->now.first;
    if (c->taken == 0 || c->taken < c->row_n)
        return;
    memmove(c->text, c->text + c->now.begin, text);
    memmove(c->end, c->end + c->now.first, ends * sizeof *c->end);
    for (size_t i = 0; i < ends; i++)
        c->end[i] -= (uint32_t)c->now.begin;
    c->text_n = text;
    c->end_n = ends;
    c->now.begin = c->now.first = 0;
    c->row_n = c->taken = 0;
}

int weft_csv_next(struct weft_csv *c, struct weft_csv_row *row, struct weft_err *e)
{
    compact(c);
    while (c->taken == c->row_n) {
        if (c->at == c->n) {
            if (c->ended || fill(c, e) < 0)
                return c->ended ? 0 : -1;
            if (c->ended && finish(c, e) < 0)
                return -1;
        } else if (feed_line(c, e) < 0) {
            return -1;
        }
    }
    const struct mark *m = &c->row[c->taken++];
    *row = (struct weft_csv_row){c->text, c->end + m->first, m->begin, m->n, m->found, m->line, m->problem};
    return 1;
}
