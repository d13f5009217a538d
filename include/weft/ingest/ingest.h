/* ingest.h - CSV tables become series and products streams: what the layouts share, and the layouts.
 *
 * wide: one row a series, key columns and a column for every day; streamed, memory does not grow with the rows but for
 * their ids. long: one row a sale or a day, in any order, in any number of files; a table series x steps is held in
 * memory. matrix: one row a time, one column a series; the table is held in memory. products: one row a product, its
 * image in a file (a products stream), in any number of files; the rows are held in memory until all are there, since a
 * later one may be newer, the pictures are not. */
#ifndef WEFT_INGEST_H
#define WEFT_INGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/counts.h"
#include "text/csv.h"
#include "base/calendar.h"
#include "base/dates.h"
#include "base/file.h"
#include "base/opt.h"
#include "frame/run.h"
#include "record/series.h"

enum weft_layout { WEFT_LAYOUT_AUTO, WEFT_LAYOUT_WIDE, WEFT_LAYOUT_LONG, WEFT_LAYOUT_MATRIX, WEFT_LAYOUT_PRODUCTS };
enum weft_duplicates { WEFT_DUPLICATES_DEFAULT, WEFT_DUPLICATES_SUM, WEFT_DUPLICATES_MEAN, WEFT_DUPLICATES_LAST };
enum weft_fill { WEFT_FILL_DEFAULT, WEFT_FILL_ZERO, WEFT_FILL_NAN };

enum weft_totals { WEFT_TOTALS_LEAVE_OUT, WEFT_TOTALS_KEEP };

enum { WEFT_GRID_TEXT = 64 };

/* ingest's options, as its command line gives them. */
struct weft_ingest {
    int layout;
    struct weft_list id, keys, values, reduce, past, future, constant;
    const char *date, *date_format, *timezone, *amounts, *mentions, *encoding, *delimiter, *rejects, *from, *to, *step;
    int fill, overlap; /* enum weft_overlap_rule */
    struct weft_list until, closed;
    uint64_t field_max, unpacked_max;
    const char *name, *price, *gender, *number, *category, *image, *images; /* products */
    struct weft_list labels;
    struct weft_list drop, fill_down; /* rows.h */
    bool date_from_name;              /* the day of a file's rows stands in its name */
    bool count_rows;                  /* long: no column is summed, each row is one unit */
    int totals;                       /* enum weft_totals */
    int decimal;                      /* 0: as the numbers say; else enum weft_decimal and 1 */
    uint64_t image_max;
    /* Read from them by weft_ingest_run. */
    struct weft_csv_opts csv;
    int64_t skip; /* lines above the header; below 0: not told */
    int64_t from_seconds, to_seconds, step_seconds;
    struct weft_dates dates;
    bool targets_alone;  /* matrix: columns that weft_name_explains are no series of their own */
    const char *paid;    /* the day of payment of orders, empty in those not paid; NULL: none */
    bool hours;          /* a row is of a whole hour: steps are no longer than that unless the dates are days */
    const char *columns; /* what the columns were taken for, for the head; NULL: nothing */
    char *grid;          /* [WEFT_GRID_TEXT]: weft_ingest_head writes the step there: "step week, Fridays" */
    struct weft_rejects *rejected;
};

/* A whole run: finds the layout, reads every operand (standard input without one), writes head and frames. */
int weft_ingest_run(struct weft_run *run, struct weft_ingest *o, struct weft_err *e) WEFT_MUST_USE;

/* --- shared by the layouts --- */

/* Writes the head: attrs, and what the columns were taken for ("columns"). */
int weft_ingest_head(struct weft_run *run, const struct weft_ingest *o, const char *schema, struct weft_span attrs,
                     struct weft_err *e) WEFT_MUST_USE;

/* The columns of a table, by their headers. */
struct weft_header {
    char **name;   /* [n], as in the file */
    int64_t *date; /* [n]; WEFT_NO_DATE: the header is no date */
    size_t n, dates;
    int64_t step;  /* of columns that are months, quarters or weeks; 0: days, or none */
    uint64_t line; /* that it stands on, from 1 */
    const char *file;
};
#define WEFT_NO_DATE INT64_MIN
/* Rows above the header: titles, comments. *joined: the header's names stand in that row and the next one. */
size_t weft_header_above(struct weft_csv *csv, bool *joined);
/* Reads the header: the first row, or where weft_csv_opts.skip says that it is to be found, what weft_header_above
 * says. An empty file is an error (65), so is a column without a name beside named ones that stands twice. */
int weft_header_read(struct weft_csv *csv, struct weft_header *h, struct weft_err *e) WEFT_MUST_USE;
void weft_header_free(struct weft_header *h);
/* The name that a header stands for ("대분류" and "Major" are "major"), or the header itself. */
const char *weft_header_canonical(const char *name);
/* Column by header, by its number (#3), or by canonical name; SIZE_MAX. */
size_t weft_header_find(const struct weft_header *h, const char *name);
/* The same, with an error (65) that lists the headers. */
int weft_header_need(const struct weft_header *h, const char *name, size_t *column, struct weft_err *e) WEFT_MUST_USE;

/* Columns that name a series, and the keys it carries. */
struct weft_ingest_keys {
    size_t id[WEFT_MAX_KEYS], n_id; /* columns; joined with "/" */
    bool id_is_keys;                /* no column was named: all keys together are the id */
    size_t key[WEFT_MAX_KEYS], n_keys;
    char *name[WEFT_MAX_KEYS]; /* of the keys; owned */
};
void weft_ingest_keys_free(struct weft_ingest_keys *k);
/* --id and --keys NAME=COLUMN, resolved. Without --id the column "id" names the series, or all of the keys do. Without
 * --keys every column that `free_column` marks is a key under its canonical name. */
int weft_ingest_keys_find(const struct weft_ingest *o, const struct weft_header *h, const bool *free_column,
                          struct weft_ingest_keys *k, struct weft_err *e) WEFT_MUST_USE;
/* The id of a row: a view into the row, or into buf when it has several columns. */
struct weft_span weft_ingest_id(const struct weft_ingest_keys *k, const struct weft_csv_row *row,
                                struct weft_pack *buf);

/* Where rejected rows go: a CSV file with file, line, column, reason, and the row itself; or nowhere. */
struct weft_rejects;
int weft_rejects_open(const char *path, struct weft_run *run, struct weft_rejects **out,
                      struct weft_err *e) WEFT_MUST_USE;
/* One bad row. Without a rejects file it is an error (65) with its place; else it is written and counted, and 0 is
 * returned. column from 1; 0: the row as a whole. */
int weft_rejects_row(struct weft_rejects *r, const struct weft_csv *csv, const struct weft_csv_row *row, size_t column,
                     struct weft_err *e, const char *fmt, ...) WEFT_PRINTF(6, 7) WEFT_MUST_USE;
/* Says how many there were, and puts the file in place. */
int weft_rejects_close(struct weft_rejects **r, struct weft_err *e) WEFT_MUST_USE;
/* Rows that add others up are no bad rows: they are asked for (rows.h) before a row is rejected. */
struct weft_rows;
void weft_rejects_totals(struct weft_rejects *r, struct weft_rows *rows);
void weft_rejects_abort(struct weft_rejects **r);

/* What is wrong with a row before its cells are looked at: a problem of the reader, or another number of fields than
 * the header has. 1: it is good; 0: rejected; -1: error. */
int weft_ingest_row_check(struct weft_rejects *r, const struct weft_csv *csv, const struct weft_header *h,
                          const struct weft_csv_row *row, struct weft_err *e) WEFT_MUST_USE;
/* A text must be UTF-8. Same returns; column from 0. */
int weft_ingest_utf8(const struct weft_ingest *o, const struct weft_csv *csv, const struct weft_csv_row *row,
                     size_t column, struct weft_err *e) WEFT_MUST_USE;
/* Texts that become ids and keys must be UTF-8. Same returns. */
int weft_ingest_text_check(const struct weft_ingest *o, const struct weft_csv *csv, const struct weft_csv_row *row,
                           const struct weft_ingest_keys *k, struct weft_err *e) WEFT_MUST_USE;

/* A cell's number. True unless it is no number or beyond float32; an empty cell gives NaN. */
bool weft_ingest_number(struct weft_csv_text t, double *out);
bool weft_ingest_number_in(enum weft_decimal decimal, struct weft_csv_text t, double *out);
bool weft_ingest_cell(enum weft_decimal decimal, struct weft_csv_text t, float *out);
/* The decimal sign of the table whose next rows csv has: --decimal, else what the numbers of the first rows say
 * ("0,125", "1.182.500"). "1.200" is 1200, which is said, when whole numbers below 1000 and none above stand beside it
 * without a sign, or when a column of totals has the sums. 65 when the values (columns marked in is_value) of a table
 * with ";" have two readings, as "1.250" alone, or "1,250" beside 1500; "1,250" alone is 1250. */
int weft_ingest_decimal(struct weft_run *run, const struct weft_ingest *o, struct weft_csv *csv,
                        const struct weft_header *h, const bool *is_value, enum weft_decimal *out,
                        struct weft_err *e) WEFT_MUST_USE;

/* The one day in the name of a file, as 2025-03-01, 20250301 or 250301 between what are no digits; folders do not
 * count. False: none, or several. */
bool weft_date_in_name(const char *path, int64_t *seconds);

/* A date that an option gives: seconds since 1970; 64. */
int weft_ingest_date(const char *option, const char *text, int64_t *out, struct weft_err *e) WEFT_MUST_USE;

/* What becomes of rows of one series and time: --reduce's entry for value c (one entry is for all), else `usual`. */
int weft_ingest_reduce(const struct weft_ingest *o, const char *channel, int usual, size_t c, int *out,
                       struct weft_err *e) WEFT_MUST_USE;

/* --past, --future and --static: the role of each channel, and place[i], the channel that stands at i once targets
 * stand first. 64 when a name is no channel, or no target is left. */
int weft_ingest_roles(const struct weft_ingest *o, char *const *channels, size_t n, enum weft_role *role, size_t *place,
                      struct weft_err *e) WEFT_MUST_USE;

/* The step that n sorted, distinct times have: months or quarters when all are of one day of the month (or its last),
 * weeks, working days when nearly all of them are there and no Saturday or Sunday, else the smallest distance. sales:
 * times of single sales, any of which may be missing: hours (when most have one), days, weeks and more from 3 times on.
 */
int64_t weft_step_find(const int64_t *t, size_t n, bool sales);
/* The time grid of a set of dates (sorted, distinct): --step, or what weft_step_find says, or `step` unless it is 0;
 * all distances are multiples of it. --from and --to cut it. 65 when the dates lie on no grid. */
struct weft_grid {
    int64_t start, step, n;
};
int weft_grid_of(const struct weft_ingest *o, int64_t step, const int64_t *dates, size_t n, struct weft_grid *g,
                 struct weft_err *e) WEFT_MUST_USE;
/* Dates (sorted, distinct) that lie years away from nearly all others: the first or last of them; 0: none. *other: of
 * the others, the one that is nearest. */
int64_t weft_grid_far(const int64_t *dates, size_t n, int64_t *other);
/* Refuses (65) that date; where: file:line, or NULL. */
int weft_grid_refuse_far(int64_t far, int64_t other, const char *where, struct weft_err *e) WEFT_MUST_USE;
/* Position of a date; -1 when it lies outside. */
static inline int64_t weft_grid_at(const struct weft_grid *g, int64_t date)
{
    int64_t i = weft_step_count(g->start, date, g->step);
    return i >= 0 && i < g->n ? i : -1;
}

/* --- the layouts: the first file is open and its header read --- */
int weft_ingest_wide(struct weft_run *run, const struct weft_ingest *o, struct weft_csv *csv,
                     const struct weft_header *h, struct weft_err *e) WEFT_MUST_USE;
int weft_ingest_long(struct weft_run *run, const struct weft_ingest *o, struct weft_csv *csv,
                     const struct weft_header *h, struct weft_err *e) WEFT_MUST_USE;
int weft_ingest_matrix(struct weft_run *run, const struct weft_ingest *o, struct weft_csv *csv,
                       const struct weft_header *h, struct weft_err *e) WEFT_MUST_USE;
int weft_ingest_products(struct weft_run *run, const struct weft_ingest *o, struct weft_csv *csv,
                         const struct weft_header *h, struct weft_err *e) WEFT_MUST_USE;
/* Does the header look like one of products: a column of images, or names and prices? */
bool weft_ingest_has_products(const struct weft_header *h);
/* Does it say of products what a crawler of shops sees: id, name, price, and views, likes or reviews? *id: that column.
 */
bool weft_ingest_has_crawled(const struct weft_header *h, size_t *id);

#endif
