/* csv.c - libcsv behind a pull interface.
 *
 * libcsv pushes fields at callbacks and counts rows, not lines. It is fed line by line, so that every row knows its
 * line; what it pushes is gathered in blocks of rows that the caller then takes. With two threads one block is parsed
 * while the other is taken.
 *
 * Most lines have no quote, no blank at a field's edge and nothing else that libcsv would do something about. Those are
 * split here, without a branch for a byte, in a fraction of the time that a state machine takes; every other line is
 * libcsv's. Both give the same rows: test_csv and the fuzzer compare. */
#include "text/csv.h"

#include <csv.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/stop.h"
#include "text/unpack.h"
#include "text/transcode.h"

enum { BUFFER = 1 << 17, BLOCK_BYTES = 1 << 17, ROW_BYTES_MAX = 1 << 30, SMALL = 16, FIELD_ROOM = 4096 };

/* A row in a block. */
struct mark {
    uint32_t first, n, found, begin;
    uint64_t line;
    const char *problem;
};

/* Rows, one behind the other: bytes of fields, ends of fields, rows. */
struct block {
    char *text;
    size_t text_n, text_cap;
    uint32_t *end;
    size_t end_n, end_cap;
    struct mark *row;
    size_t row_n, row_cap;
    bool last; /* nothing comes behind it: the end of the file, or an error */
    bool failed;
    uint64_t read; /* bytes of the file up to here */
    struct weft_err err;
};

struct weft_csv {
    struct csv_parser parser;
    struct weft_unpack *source;
    struct weft_transcode *transcode;
    char *name;
    int fd;
    bool ended, nul, quotes; /* of what was read last: a NUL byte, a quote is in it */
    bool no_plain;
    int at_rest;       /* the parser's state when no row has begun */
    uint8_t kind[256]; /* of a byte: enum kind */
    uint64_t read, size;
    char *buf;
    size_t at, n;
    size_t field_max, expect;
    int64_t skip;
    /* The row being read into block `to`, and the line being fed. */
    struct block block[2], *to;
    struct mark now;
    bool between;       /* no byte of a row has come since the last one */
    size_t since_field; /* bytes fed since the last field ended */
    uint64_t line;
    /* What the caller takes. */
    struct block *from;
    size_t taken;
    /* Two threads: blocks change hands under the lock. */
    bool two_threads, running, stop;
    int full; /* blocks parsed and not yet taken whole: the one being taken counts */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static void on_field(void *p, size_t n, void *data)
{
    struct weft_csv *c = data;
    struct block *b = c->to;
    c->since_field = 0;
    if (c->now.found++ >= c->expect)
        return;
    if (b->text_n + n + SMALL > b->text_cap) {
        b->text_cap = weft_grow(b->text_cap, b->text_n + n + SMALL);
        b->text = weft_xrealloc(b->text, b->text_cap);
    }
    if (b->end_n == b->end_cap) {
        b->end_cap = weft_grow(b->end_cap, b->end_n + 1);
        b->end = weft_xrealloc2(b->end, b->end_cap, sizeof *b->end);
    }
    /* Most fields are a few digits. libcsv hands them out at the front of its buffer, which has FIELD_ROOM bytes: one
     * fixed copy is both safe and much faster than one of n bytes. */
    if (n && n <= SMALL)
        memcpy(b->text + b->text_n, p, SMALL);
    else if (n)
        memcpy(b->text + b->text_n, p, n);
    b->text_n += n;
    b->end[b->end_n++] = (uint32_t)b->text_n;
    c->now.n++;
}

static void begin_row(struct weft_csv *c)
{
    c->now = (struct mark){.first = (uint32_t)c->to->end_n, .begin = (uint32_t)c->to->text_n, .line = c->line};
    c->between = true;
    c->since_field = 0;
}

static void on_row(int end, void *data)
{
    struct weft_csv *c = data;
    struct block *b = c->to;
    (void)end;
    if (b->row_n == b->row_cap) {
        b->row_cap = weft_grow(b->row_cap, b->row_n + 1);
        b->row = weft_xrealloc2(b->row, b->row_cap, sizeof *b->row);
    }
    b->row[b->row_n++] = c->now;
    begin_row(c);
}

/* What a byte is to a line that is split without libcsv. */
enum kind { DELIMITER = 1, BLANK = 2, LIBCSV = 4 };

static void know_bytes(struct weft_csv *c, char delimiter)
{
    memset(c->kind, 0, sizeof c->kind);
    c->kind[' '] = c->kind['\t'] = BLANK;
    c->kind['"'] = c->kind['\r'] = c->kind[0] = LIBCSV;
    c->kind[(unsigned char)delimiter] = DELIMITER;
}

static void start_parser(struct weft_csv *c, char delimiter)
{
    know_bytes(c, delimiter);
    csv_init(&c->parser, CSV_STRICT | CSV_STRICT_FINI);
    c->at_rest = c->parser.pstate;
    csv_set_realloc_func(&c->parser, weft_xrealloc);
    csv_set_blk_size(&c->parser, FIELD_ROOM);
    csv_set_delim(&c->parser, (unsigned char)delimiter);
}

/* --- reading --- */

static int fill(struct weft_csv *c, struct weft_err *e)
{
    if (weft_stop_check(e) < 0)
        return -1;
    long got = c->transcode ? weft_transcode_read(c->transcode, c->source, c->buf, BUFFER, e)
                            : weft_unpack_read(c->source, c->buf, BUFFER, e);
    if (got < 0)
        return c->transcode ? weft_fail_where(e, "%s", c->name) : -1;
    c->at = 0;
    c->n = (size_t)got;
    c->read += (uint64_t)got;
    c->ended = got == 0;
    c->nul = memchr(c->buf, 0, c->n) != NULL;
    c->quotes = memchr(c->buf, '"', c->n) != NULL;
    return 0;
}

static const char delimiters[] = ",;\t|";
enum { DELIMITERS = 4, TITLE_LINES = 20, TELLING = 3 };

/* Counts the delimiters of a line outside quotes; where the line ends. */
static size_t count_delimiters(const char *p, size_t n, size_t count[DELIMITERS])
{
    bool quoted = false;
    size_t i;
    memset(count, 0, DELIMITERS * sizeof *count);
    for (i = 0; i < n && (quoted || (p[i] != '\n' && p[i] != '\r')); i++) {
        const char *k = p[i] ? strchr(delimiters, p[i]) : NULL;
        quoted ^= p[i] == '"';
        if (k && !quoted)
            count[k - delimiters]++;
    }
    return i;
}

static size_t most_of(const size_t count[DELIMITERS])
{
    size_t best = 0;
    for (size_t i = 1; i < DELIMITERS; i++)
        best = count[i] > count[best] ? i : best;
    return best;
}

/* The delimiter that the first line has most of. A line with next to none, or a comment, may stand above the header:
 * then the first line that has some, as many as the line below it. */
static char guess_delimiter(const char *p, size_t n)
{
    size_t count[DELIMITERS], below[DELIMITERS], at = count_delimiters(p, n, count), first = most_of(count);
    if (count[first] > 1 && *p != '#')
        return delimiters[first];
    bool title = !count[first] || *p == '#';
    for (int line = 1; line < TITLE_LINES && at < n; line++) {
        while (at < n && (p[at] == '\n' || p[at] == '\r'))
            at++;
        size_t from = at;
        at += count_delimiters(p + at, n - at, count);
        size_t next = at, best = most_of(count);
        while (next < n && (p[next] == '\n' || p[next] == '\r'))
            next++;
        count_delimiters(p + next, n - next, below);
        size_t least = title ? 1 : TELLING;
        if (count[best] >= least && (from == n || p[from] != '#') && below[best] >= count[best])
            return delimiters[best];
    }
    return delimiters[first];
}

int weft_csv_open(const char *path, const struct weft_csv_opts *o, struct weft_csv **out, struct weft_err *e)
{
    *out = NULL;
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0)
        return weft_fail_errno(e, WEFT_NOINPUT, "can't open %s", path);
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (!standard)
            close(fd);
        return weft_fail(e, WEFT_NOINPUT, "%s is a directory", path);
    }
    struct weft_csv *c = WEFT_NEW(struct weft_csv);
    c->fd = fd;
    c->name = weft_xstrdup(standard ? "standard input" : path);
    c->buf = weft_xmalloc(BUFFER);
    c->field_max = o->field_max ? o->field_max : WEFT_CSV_FIELD_MAX;
    c->expect = WEFT_CSV_COLUMNS_MAX;
    c->line = 1;
    c->skip = o->skip;
    c->no_plain = o->no_plain;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        c->size = (uint64_t)st.st_size;
    c->two_threads = o->threads > 1;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    c->to = c->block;
    begin_row(c);
    bool bad = weft_unpack_open(fd, c->name, o->unpacked_max, &c->source, e) < 0;
    const char *encoding = o->encoding;
    if (!bad && !encoding) {
        size_t n;
        const uint8_t *first = weft_unpack_first(c->source, &n);
        encoding = weft_unpack_wide(first, n);
    }
    if (!bad && weft_unpack_packed(c->source))
        c->size = 0;
    bad = bad || (encoding && weft_transcode_open(encoding, &c->transcode, e) < 0) || fill(c, e) < 0;
    /* A first read of a pipe may be short; three bytes are there in practice, and without them there is no header
     * either. Programs that write a mark in front of what has one already leave two. */
    while (!bad && c->n - c->at >= 3 && memcmp(c->buf + c->at, "\xef\xbb\xbf", 3) == 0)
        c->at += 3;
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
    if (c->running) {
        pthread_mutex_lock(&c->lock);
        c->stop = true;
        pthread_cond_signal(&c->changed);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->thread, NULL);
    }
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->changed);
    csv_free(&c->parser);
    weft_transcode_close(&c->transcode);
    weft_unpack_close(&c->source);
    for (int i = 0; i < 2; i++) {
        free(c->block[i].text);
        free(c->block[i].end);
        free(c->block[i].row);
    }
    if (c->fd != STDIN_FILENO)
        close(c->fd);
    free(c->name);
    free(c->buf);
    free(c);
    *cp = NULL;
}

const char *weft_csv_name(const struct weft_csv *c)
{
    return c->name;
}

char weft_csv_delimiter(struct weft_csv *c)
{
    return (char)csv_get_delim(&c->parser);
}

void weft_csv_expect(struct weft_csv *c, size_t n)
{
    c->expect = n;
}

void weft_csv_position(const struct weft_csv *c, uint64_t *read, uint64_t *size)
{
    *read = c->from ? c->from->read : 0;
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

/* Splits a whole line of n bytes, without its end, into a row. False, and nothing is done: it is a line for libcsv. */
static bool split_plain(struct weft_csv *c, const char *p, size_t n)
{
    struct block *b = c->to;
    if (!n || c->no_plain || c->parser.pstate != c->at_rest || c->now.problem || (c->quotes && memchr(p, '"', n)))
        return false;
    if (b->text_n + n + SMALL > b->text_cap) {
        b->text_cap = weft_grow(b->text_cap, b->text_n + n + SMALL);
        b->text = weft_xrealloc(b->text, b->text_cap);
    }
    if (b->end_n + n + 1 > b->end_cap) {
        b->end_cap = weft_grow(b->end_cap, b->end_n + n + 1);
        b->end = weft_xrealloc2(b->end, b->end_cap, sizeof *b->end);
    }
    char *text = b->text;
    uint32_t *end = b->end + b->end_n, at = (uint32_t)b->text_n;
    unsigned before = DELIMITER, all = 0, edge = 0;
    size_t found = 0;
    for (size_t i = 0; i < n; i++) { /* a delimiter is written too, and the next byte over it */
        unsigned kind = c->kind[(unsigned char)p[i]], ends = kind & DELIMITER;
        text[at] = p[i];
        end[found] = at;
        at += 1 - ends;
        found += ends;
        all |= kind;
        edge |= (before | kind) == (DELIMITER | BLANK);
        before = kind;
    }
    if ((all & LIBCSV) || edge || (before & BLANK))
        return false;
    end[found++] = at;
    c->now.found = (uint32_t)found;
    c->now.n = (uint32_t)(found < c->expect ? found : c->expect);
    b->end_n += c->now.n;
    if (found > c->expect)
        at = c->expect ? end[c->expect - 1] : (uint32_t)b->text_n;
    b->text_n = at;
    c->now.line = c->line;
    on_row(0, c);
    c->now.line = ++c->line;
    return true;
}

/* Feeds what the buffer has of one line. */
static int feed_line(struct weft_csv *c, struct weft_err *e)
{
    char *p = c->buf + c->at, *newline = memchr(p, '\n', c->n - c->at);
    size_t n = newline ? (size_t)(newline - p) + 1 : c->n - c->at;
    if (newline && split_plain(c, p, n - 1 - (n > 1 && p[n - 2] == '\r'))) {
        c->at += n;
        return 0;
    }
    size_t rows = c->to->row_n;
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
    if (c->to->row_n > rows + 1) /* carriage returns alone end lines too */
        c->line += c->to->row_n - rows - 1;
    c->line += newline != NULL;
    if (c->between)
        c->now.line = c->line;
    if (c->since_field > c->field_max) {
        weft_fail(e, WEFT_DATA, "a field of more than %zu bytes", c->field_max);
        weft_fail_where(e, "%s:%llu:%u", c->name, (unsigned long long)c->now.line, c->now.found + 1);
        return weft_fail_hint(e, "is a quote left open there?");
    }
    if (c->to->text_n > ROW_BYTES_MAX || c->now.found > UINT32_MAX / 2) {
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
    return weft_fail_where(e, "%s:%llu:%u", c->name, (unsigned long long)c->now.line, c->now.found + 1);
}

/* Parses the next rows into block b, which is empty. What was read of a row that is not whole yet moves from the block
 * before. */
static void parse_block(struct weft_csv *c, struct block *b)
{
    struct block *old = c->to;
    if (old != b && c->now.n) {
        size_t from = c->now.begin, text = old->text_n - from, first = c->now.first, ends = old->end_n - first;
        if (text + SMALL > b->text_cap)
            b->text = weft_xrealloc(b->text, b->text_cap = weft_grow(b->text_cap, text + SMALL));
        if (ends > b->end_cap)
            b->end = weft_xrealloc2(b->end, b->end_cap = weft_grow(b->end_cap, ends), sizeof *b->end);
        memcpy(b->text, old->text + from, text);
        for (size_t i = 0; i < ends; i++)
            b->end[i] = old->end[first + i] - (uint32_t)from;
        b->text_n = text;
        b->end_n = ends;
    }
    c->now.begin = c->now.first = 0;
    c->to = b;
    while (!b->last && (!b->row_n || b->text_n < BLOCK_BYTES)) {
        if (c->at < c->n)
            b->failed = feed_line(c, &b->err) < 0;
        else if (c->ended)
            b->last = true;
        else
            b->failed = fill(c, &b->err) < 0 || (c->ended && finish(c, &b->err) < 0);
        b->last |= b->failed;
    }
    b->read = c->read;
}

/* The thread beside the caller's: parses into the block that is not being taken. */
static void *parse_ahead(void *p)
{
    struct weft_csv *c = p;
    bool last = false;
    pthread_mutex_lock(&c->lock);
    while (!last && !c->stop) {
        while (c->full == 2 && !c->stop)
            pthread_cond_wait(&c->changed, &c->lock);
        if (c->stop)
            break;
        struct block *b = c->to == &c->block[0] ? &c->block[1] : &c->block[0];
        pthread_mutex_unlock(&c->lock);
        parse_block(c, b);
        last = b->last;
        pthread_mutex_lock(&c->lock);
        c->full++;
        pthread_cond_signal(&c->changed);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void empty(struct block *b)
{
    b->text_n = b->end_n = b->row_n = 0;
}

/* Moves on to the next block. The first one, with the header, is parsed here in any case: small files never start a
 * thread. */
static void next_block(struct weft_csv *c)
{
    struct block *old = c->from, *next = !old || old == &c->block[1] ? &c->block[0] : &c->block[1];
    c->taken = 0;
    if (!old || !c->two_threads) {
        if (old) /* the other block: a row may have begun in this one */
            empty(next);
        parse_block(c, next);
    } else {
        pthread_mutex_lock(&c->lock);
        if (!c->running) {
            c->full = 1;
            c->running = pthread_create(&c->thread, NULL, parse_ahead, c) == 0;
            if (!c->running) { /* no thread to be had: go on alone */
                c->two_threads = false;
                pthread_mutex_unlock(&c->lock);
                next_block(c);
                return;
            }
        }
        while (c->full < 2)
            pthread_cond_wait(&c->changed, &c->lock);
        empty(old);
        c->full--;
        pthread_cond_signal(&c->changed);
        pthread_mutex_unlock(&c->lock);
    }
    c->from = next;
}

int weft_csv_next(struct weft_csv *c, struct weft_csv_row *row, struct weft_err *e)
{
    while (!c->from || c->taken == c->from->row_n) {
        if (c->from && c->from->last) {
            if (c->from->failed && e)
                *e = c->from->err;
            return c->from->failed ? -1 : 0;
        }
        next_block(c);
    }
    const struct block *b = c->from;
    const struct mark *m = &b->row[c->taken++];
    *row = (struct weft_csv_row){b->text,   b->end ? b->end + m->first : NULL, m->begin, m->n, m->found, m->line,
                                 m->problem};
    return 1;
}

bool weft_csv_look(struct weft_csv *c, size_t i, struct weft_csv_row *row)
{
    if (!c->from || (c->taken == c->from->row_n && !c->from->last))
        next_block(c);
    const struct block *b = c->from;
    if (i >= b->row_n - c->taken)
        return false;
    const struct mark *m = &b->row[c->taken + i];
    *row = (struct weft_csv_row){b->text,   b->end ? b->end + m->first : NULL, m->begin, m->n, m->found, m->line,
                                 m->problem};
    return true;
}

int64_t weft_csv_skip(const struct weft_csv *c)
{
    return c->skip;
}

#define TEXT_OF(x) #x
#define VERSION_OF(a, b, c) TEXT_OF(a) "." TEXT_OF(b) "." TEXT_OF(c)
const char *weft_csv_library(void)
{
    return VERSION_OF(CSV_MAJOR, CSV_MINOR, CSV_RELEASE);
}
