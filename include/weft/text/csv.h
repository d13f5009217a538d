/* csv.h - CSV files row by row, through libcsv, with limits and with the place of every row.
 *
 * RFC 4180 with either line ending; quoted fields may hold line breaks; empty lines are skipped; a byte order mark is
 * dropped; unquoted fields lose blanks at both ends. */
#ifndef WEFT_CSV_H
#define WEFT_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { WEFT_CSV_FIELD_MAX = 1 << 20, WEFT_CSV_COLUMNS_MAX = 1 << 20 };

struct weft_csv_opts {
    char delimiter; /* 0: the one of , ; TAB | that the first line has most of; where that has next to none, as titles
                       have, the lines below it */
    const char *encoding;  /* for iconv; NULL: UTF-8, not converted, or UTF-16 when the first bytes are */
    uint64_t unpacked_max; /* bytes that a .gz file may unpack to; 0: WEFT_UNPACKED_MAX */
    size_t field_max;      /* longest field in bytes; 0: WEFT_CSV_FIELD_MAX */
    int threads;           /* 2: rows are parsed ahead of the caller; the rows are the same */
    int64_t skip;          /* lines above the header that are not looked at; below 0: not told */
    bool no_plain;         /* every line goes through libcsv: the rows are the same, for tests */
};

struct weft_csv;

/* "-" is standard input; 66 when it can't be opened. */
int weft_csv_open(const char *path, const struct weft_csv_opts *o, struct weft_csv **out,
                  struct weft_err *e) WEFT_MUST_USE;
void weft_csv_close(struct weft_csv **c);
const char *weft_csv_name(const struct weft_csv *c); /* the path, or "standard input" */
char weft_csv_delimiter(struct weft_csv *c);         /* the one given or guessed */

struct weft_csv_text {
    const char *p; /* not NUL-terminated */
    size_t n;
};

/* A row, valid until the next weft_csv_next. */
struct weft_csv_row {
    const char *text;    /* the fields' bytes, one behind the other */
    const uint32_t *end; /* [n]: where field i ends */
    size_t begin;        /* where the first one begins */
    size_t n;            /* fields kept */
    size_t found;        /* fields in the file: more than n when the row is longer than weft_csv_expect said */
    uint64_t line;       /* of its first byte, from 1 */
    const char *problem; /* NULL, or why its fields can't be trusted */
};
static inline struct weft_csv_text weft_csv_field(const struct weft_csv_row *r, size_t i)
{
    size_t from = i ? r->end[i - 1] : r->begin;
    return (struct weft_csv_text){r->text + from, r->end[i] - from};
}
/* A row of empty fields, as spreadsheets write an empty line. */
static inline bool weft_csv_empty(const struct weft_csv_row *r)
{
    return !r->problem && r->n && r->end[r->n - 1] == r->begin;
}

/* 1: *row is the next one; 0: the end; -1: what makes going on senseless: a quote that is never closed, a field beyond
 * the limit, bytes that the encoding does not have, a read that failed. */
int weft_csv_next(struct weft_csv *c, struct weft_csv_row *row, struct weft_err *e) WEFT_MUST_USE;
/* Looks ahead without taking: *row is row i from the next one on (0: the one that weft_csv_next gives), valid until
 * weft_csv_next reads on. False where what has been read so far ends: 128 KB of fields, more for one long row, less at
 * the end of the file. Errors wait for weft_csv_next. */
bool weft_csv_look(struct weft_csv *c, size_t i, struct weft_csv_row *row);
/* Lines above the header that the user named; below 0: none named. */
int64_t weft_csv_skip(const struct weft_csv *c);
/* From now on no row has more than n fields: further ones are counted, not kept. */
void weft_csv_expect(struct weft_csv *c, size_t n);
/* Bytes of the file read so far and its size (0: unknown), for progress. */
void weft_csv_position(const struct weft_csv *c, uint64_t *read, uint64_t *size);

/* Version of the library that does it. */
const char *weft_csv_library(void);

#endif
