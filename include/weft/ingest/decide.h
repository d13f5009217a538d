/* decide.h - what a table is: its layout, and what each of its columns is taken for. The one place that decides it, for
 * ingest and for frames inspect.
 *
 * It goes by the options that were given, by the names of the columns (ingest/names.h, base/terms.h), and by what a
 * sample of the rows holds: the rows that have been read when the header has, 128 KB of them, never the first date from
 * the left or the last number. Where two readings fit and nothing in the table says which, it refuses (65) and names
 * the options to choose from. */
#ifndef WEFT_DECIDE_H
#define WEFT_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/pack.h"
#include "ingest/ingest.h"
#include "text/csv.h"

enum weft_use { WEFT_USE_NONE, WEFT_USE_DATE, WEFT_USE_ID, WEFT_USE_KEY, WEFT_USE_VALUE };

struct weft_decision {
    enum weft_use *use; /* [columns] */
    size_t n;
    bool hours;  /* rows are of whole hours, not of single moments */
    size_t date; /* column; SIZE_MAX */
    char *said;  /* one line: what was taken for what, and which other columns could have been */
    char *room;  /* a text that an option points at */
    char *id[WEFT_MAX_KEYS], *value[1], *fill_down[WEFT_MAX_KEYS];
};
/* csv: the header has just been read. Completes o: layout, date, id, value and the form of dates where they were not
 * given; their texts belong to the decision. A header of d_1, d_2, ... gets its days from --from. */
int weft_decide(struct weft_csv *csv, struct weft_header *h, struct weft_ingest *o, struct weft_decision *d,
                struct weft_err *e) WEFT_MUST_USE;
void weft_decision_free(struct weft_decision *d);

/* A word of a shell's command line, quoted where it has to be. */
void weft_command_word(struct weft_pack *b, const char *prefix, const char *word);

/* --- what the sample holds --- */

/* Cells such as 24.01.05: of each order of year, month and day (weft_dates_turns), how many are days in it, and from
 * when to when. */
struct weft_turns {
    size_t cells, valid[3];
    int64_t first[3], last[3];
};
void weft_turns_see(struct weft_turns *k, const char *s, size_t n);
/* Does the year come first? 1: yes, as the days lie close to each other then, and years apart in any other order; 0:
 * no; -1: that can't be said. */
int weft_turns_year_first(const struct weft_turns *k);

struct weft_evidence {
    size_t filled, empty, numbers, whole, dates, sure, utc, two_ways, day_first, month_first, serials, clocks, images,
        different, bare_hours, decimal_years, unix_times, periods, six[3]; /* six: of weft_dates_six */
    struct weft_turns turns;
    int64_t period; /* the step of the first cell that is a month, week or quarter; periods: cells with that step */
    bool counting;  /* each number is the one above plus 1 */
    bool moments;   /* a time with minutes or seconds */
    bool no_sale, sale;
    char first[80];
};
struct weft_sample {
    struct weft_evidence *column; /* [n] */
    size_t n, rows;               /* rows looked at: as wide as the header, and no totals */
};
void weft_sample_take(struct weft_csv *csv, const struct weft_header *h, struct weft_sample *s);
void weft_sample_free(struct weft_sample *s);
/* Rows of the sample whose texts in these columns together came before. */
size_t weft_sample_repeats(struct weft_csv *csv, const struct weft_header *h, const size_t *column, size_t n);
/* The names of columns that are days with an order of their own (3/1/2025), counted as cells of a column are; how many.
 */
size_t weft_header_turns(const struct weft_header *h, struct weft_evidence *c);
/* Reads the names that are no days yet as dates of this form. */
void weft_header_read_as(struct weft_header *h, const struct weft_dates *dates);
/* Is a row the header again, as in files that were put one below the other? */
bool weft_row_is_header(const struct weft_header *h, const struct weft_csv_row *row);
/* Does a row below the header say in which units the columns are: "(EA)", "원"? */
bool weft_row_is_units(const struct weft_csv_row *row);
/* Visits the rows of the sample that are as wide as the header and no totals. False: the end. Begin with *i = 0. */
bool weft_sample_row(struct weft_csv *csv, const struct weft_header *h, size_t *i, struct weft_csv_row *row);

#endif
