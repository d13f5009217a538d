/* coverage.h - what is not in a table: steps of the calendar on which no series has a row, and days of single series
 * without one. Said in lines, and kept in the head as "coverage", so that what comes after can see it. */
#ifndef WEFT_COVERAGE_H
#define WEFT_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/pack.h"
#include "frame/run.h"
#include "ingest/ingest.h"

/* Zero-initialise, then weft_coverage_begin. */
struct weft_coverage {
    struct weft_grid grid; /* up to the last step that has a value */
    bool *has;             /* [grid.n]: a series has a row */
    bool zero;             /* days of one series without a row count as 0; else they are missing */
    bool gaps;             /* steps on which no series has a row are missing; else they count as 0 */
    bool orders;           /* that was decided because the rows are orders */
    size_t series, late, early;
    uint64_t inside,
        cells;          /* days of a series without a row between its first and its last one; cells without a number */
    char *first_to_end; /* the series that ends first, and when */
    int64_t first_end;
    /* Of tables whose series are not kept (weft_coverage_cells): series by their first and last step, and holes by
     * step; [grid.n]. */
    uint64_t *begins, *ends, *holes;
};
void weft_coverage_begin(struct weft_coverage *c, const struct weft_grid *g, bool zero);
void weft_coverage_free(struct weft_coverage *c);
/* Is a step without any row missing, or a day without sales? The one place that decides it, once `has` is whole.
 * Missing, but for --missing zero, and for a list of orders (`orders`) with so few rows a step that a step without one
 * is nothing odd: at fewer than 7 a step a Poisson count is 0 more often than one step in a thousand. */
void weft_coverage_decide(struct weft_coverage *c, const struct weft_ingest *o, bool orders, uint64_t rows);
/* A series with `count` rows from step `first` to step `last`; after has[] is whole. count 0: it has none. */
void weft_coverage_series(struct weft_coverage *c, struct weft_span id, int64_t first, int64_t last, int64_t count);
/* The same for a table read series by series, before has[] is whole: there[grid.n] says where the series has a value;
 * it goes into has[]. Returns how many steps have one for the first time. After the last series weft_coverage_count
 * turns what was kept into the counts. */
size_t weft_coverage_cells(struct weft_coverage *c, struct weft_span id, const bool *there);
void weft_coverage_count(struct weft_coverage *c);
/* The lines, unless -q, and the entry of the attrs. */
void weft_coverage_say(const struct weft_coverage *c, struct weft_run *run);
void weft_coverage_write(const struct weft_coverage *c, struct weft_edit *attrs);
/* Writes the head of a series stream with these attrs and that entry. */
int weft_coverage_head(const struct weft_coverage *c, const struct weft_ingest *o, const struct weft_series_attrs *a,
                       struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;

#endif
