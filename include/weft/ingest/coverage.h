/* coverage.h - what is not in a table: steps of the calendar on which no series has a row, and days of single series without one. Said in lines, and kept
 * in the head as "coverage", so that what comes after can see it. */
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
    size_t series, late, early;
    uint64_t inside, cells; /* days of a series without a row between its first and its last one; cells without a number */
    char *first_to_end;     /* the series that ends first, and when */
    int64_t first_end;
};
void weft_coverage_begin(struct weft_coverage *c, const struct weft_grid *g, bool zero);
void weft_coverage_free(struct weft_coverage *c);
/* Is a step without any row to be missing? Not when --missing zero was given. The one place that decides it. */
bool weft_coverage_keeps_gaps(const struct weft_ingest *o);
/* A series with `count` rows from step `first` to step `last`; after has[] is whole. count 0: it has none. */
void weft_coverage_series(struct weft_coverage *c, struct weft_span id, int64_t first, int64_t last, int64_t count);
/* The lines, unless -q, and the entry of the attrs. */
void weft_coverage_say(const struct weft_coverage *c, struct weft_run *run, const struct weft_ingest *o);
void weft_coverage_write(const struct weft_coverage *c, const struct weft_ingest *o, struct weft_edit *attrs);
/* Writes the head of a series stream with these attrs and that entry. */
int weft_coverage_head(const struct weft_coverage *c, const struct weft_ingest *o, const struct weft_series_attrs *a, struct weft_run *run,
                       struct weft_err *e) WEFT_MUST_USE;

#endif
