/* inspection.h - what inspect.c finds, sniff.c's part of it, and how inspect_print.c shows it. */
#ifndef WEFT_INSPECTION_H
#define WEFT_INSPECTION_H

#include <stdio.h>

#include "ingest/decide.h"
#include "ingest/ingest.h"

/* A file whose encoding is known. */
struct weft_sniff {
    bool again; /* a file of the name given, which may be read once more */
    const char *name;     /* as given; "standard input" for - */
    char path[64];        /* of what can be opened again and again, when that is not the file itself */
    const char *open;     /* what to open: the file, or path */
    const char *encoding; /* for iconv; NULL: UTF-8 */
    const char *shown;    /* "UTF-8", "UTF-8 with a byte order mark", "CP949 (Korean)", ... */
    uint64_t bytes;
    FILE *kept; /* the temporary file, or NULL */
};
/* 65 for what is no text at all (compressed, a spreadsheet), with the way to make it one. */
int weft_sniff(const char *path, struct weft_sniff *s, struct weft_err *e) WEFT_MUST_USE;
void weft_sniff_free(struct weft_sniff *s);

enum weft_seems {
    WEFT_SEEMS_EMPTY,
    WEFT_SEEMS_TEXT,
    WEFT_SEEMS_NUMBER,
    WEFT_SEEMS_DATE,
    WEFT_SEEMS_IMAGE,
    WEFT_SEEMS_DAY
};

struct weft_inspect_column {
    const char *name;
    enum weft_seems seems; /* DAY: its header is a day */
    enum weft_use use;
    uint64_t filled, empty, numbers, zeros, negatives, dates, images;
    double min, max;      /* of its numbers */
    char first[80];       /* its first text */
    bool same;            /* all cells are alike */
    struct weft_ids *ids; /* of its texts */
    size_t different;     /* as many as were counted; */
    bool more;            /* there are more */
    uint64_t odd_line;    /* of the first cell that is no number; 0: none */
    char odd[40];
};

enum { WEFT_INSPECT_NOTES = 16, WEFT_INSPECT_GAPS = 5 };

struct weft_inspection {
    struct weft_sniff *file; /* [n_files] */
    size_t n_files;
    char delimiter;
    int layout; /* WEFT_LAYOUT_AUTO: none fits */
    struct weft_inspect_column *column;
    size_t n_columns;
    uint64_t rows, bad_rows,
        bad_line; /* bad: with another number of fields, or a quote in the wrong place; the first one's line */
    const char *bad_reason;
    /* Values: of the columns that have this use. */
    uint64_t cells, zeros, missing, negatives, odd;
    /* Series and calendar. */
    uint64_t series, duplicates; /* duplicates: of (id, day); of the id (wide, products); of the day (matrix) */
    bool more;                   /* there are more: looking for them was given up */
    int64_t first, last, step;   /* seconds; step 0: no regular one */
    uint64_t steps, days;        /* from first to last; of them there */
    struct {
        int64_t from, to;
    } gap[WEFT_INSPECT_GAPS];
    size_t n_gaps; /* all of them; the first few are kept */
    char *command; /* NULL: none would work */
    char *note[WEFT_INSPECT_NOTES];
    size_t n_notes;
};
void weft_inspection_print(const struct weft_inspection *in, FILE *out);
void weft_inspection_json(const struct weft_inspection *in, FILE *out);

#endif
