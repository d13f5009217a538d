/* rank_print.h - what a ranking of groups says beside its rows, and the ranking as a stream. */
#ifndef WEFT_RANK_PRINT_H
#define WEFT_RANK_PRINT_H

#include "frame/run.h"
#include "rank/rank_groups.h"

/* All of a ranking that is finished. Warnings: forecasts left out, series without a profile, rows without an interval
 * or growth. */
void weft_rank_warn(const struct weft_rank_groups *r, struct weft_run *run);
/* For people, below the table: what was compared, and what of it can be relied on. history, reasons: the ranking has
 * them. */
void weft_rank_notes_print(const struct weft_rank_groups *r, bool history, bool reasons, FILE *f);
/* Head and rows (t) of a ranking stream. */
int weft_rank_emit(const struct weft_rank_groups *r, const struct weft_table *t, struct weft_run *run,
                   struct weft_err *e) WEFT_MUST_USE;

#endif
