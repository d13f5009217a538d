/* table.h - a result as a text table, CSV, JSON or frames: what evaluate and rank print. */
#ifndef WEFT_TABLE_H
#define WEFT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "frame/run.h"

enum weft_cell_kind { WEFT_CELL_TEXT, WEFT_CELL_INT, WEFT_CELL_REAL };
enum weft_column_flags {
    WEFT_COLUMN_SAME = 1,    /* the text table leaves it out while all its cells are the same */
    WEFT_COLUMN_DRAWN = 2,   /* stands in the text table alone (bars) */
    WEFT_COLUMN_PERCENT = 4, /* a share of 1, in per cent in the text table */
    WEFT_COLUMN_LABEL = 8,   /* a number that names what its row measures: a label in Prometheus text, as texts are */
    WEFT_COLUMN_WHOLE = 16   /* the text table cuts none of its texts */
};

struct weft_table;
struct weft_table *weft_table_new(void);
void weft_table_free(struct weft_table **t);

/* Columns first, then rows. key: name in CSV, JSON and frames; title: in the text table; digits: of a real number in
 * the text table, behind the point; -1: as many as suit the column's largest number. Returns the column's number. */
size_t weft_table_column(struct weft_table *t, const char *key, const char *title, enum weft_cell_kind kind, int digits,
                         unsigned flags);
/* The name of a column with a number in it, such that SQL and Miller take it without quotes: small letters, digits and
 * "_" (q and 0.05: q0_05; coverage_ and 97.5: coverage_97_5). Returns buf. */
enum { WEFT_COLUMN_KEY = 40 };
const char *weft_column_key(char buf[WEFT_COLUMN_KEY], const char *prefix, double x);
/* The two columns of an interval of `level` (0.9): coverage_90, "in 90%", and width_90, "width 90%" with `digits`. */
struct weft_interval_columns {
    size_t coverage, width;
};
struct weft_interval_columns weft_table_interval(struct weft_table *t, double level, int digits);

/* Begins a row; all its cells are empty. */
void weft_table_row(struct weft_table *t);
size_t weft_table_rows(const struct weft_table *t);
void weft_table_text(struct weft_table *t, size_t column, const char *p, size_t n); /* copied */
void weft_table_int(struct weft_table *t, size_t column, int64_t v);
void weft_table_real(struct weft_table *t, size_t column, double v); /* NaN and infinities leave the cell empty */
/* From now on the text table, CSV and JSON have these columns alone, in this order (frames keep all). False: none is
 * called *unknown; nothing is changed then. */
bool weft_table_select(struct weft_table *t, const char *const *keys, size_t n, const char **unknown);

/* Aligned columns, numbers to the right; a column that is empty throughout is left out. Wide (CJK) characters count two
 * places. */
void weft_table_print(const struct weft_table *t, FILE *f);
/* RFC 4180 with a head row and LF line ends; ten digits; an empty cell is an empty field. bom: a byte order mark stands
 * first. */
void weft_table_csv(const struct weft_table *t, bool bom, FILE *f);
/* --help of the option --bom of the programs that print it. */
#define WEFT_BOM_HELP "csv: begin with a byte order mark, so that Excel takes the text for UTF-8"
/* As --format table|csv|json says; JSON ends with a new line. */
enum weft_table_format { WEFT_TABLE_TEXT, WEFT_TABLE_CSV, WEFT_TABLE_JSON };
void weft_table_write(const struct weft_table *t, enum weft_table_format format, bool bom, FILE *f);
/* Prometheus' text format 0.0.4: a gauge PREFIX + key for each column of numbers, with texts as labels; key_90 is key
 * with the label level="90" (key_97_5: "97.5"), and n is called values. An empty cell has no line. */
void weft_table_prometheus(const struct weft_table *t, const char *prefix, FILE *f);
/* Every row as a frame, a map of the cells that are not empty; after them "kind": name, unless that is NULL. */
int weft_table_emit(const struct weft_table *t, const char *name, struct weft_run *run,
                    struct weft_err *e) WEFT_MUST_USE;
/* Row i as members of a JSON object, without braces. */
void weft_table_json_members(const struct weft_table *t, size_t i, FILE *f);
/* All rows as a JSON array. */
void weft_table_json(const struct weft_table *t, FILE *f);

/* Places that n bytes of UTF-8 take on a terminal: 2 for wide characters (Hangul, CJK), 0 for combining ones, 1 for
 * what is not UTF-8. */
size_t weft_text_width(const char *p, size_t n);

#endif
