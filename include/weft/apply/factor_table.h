/* factor_table.h - the factors of a model as a table: what promotion, Saturday and December do, and how far series
 * differ. */
#ifndef WEFT_FACTOR_TABLE_H
#define WEFT_FACTOR_TABLE_H

#include "model/factor_model.h"
#include "show/table.h"

/* Rows: a factor of a target. Columns: channel; factor (weft_factor_column_name); all: what it multiplies sales by over
 * all series; low, middle, high: the 10 %, 50 % and 90 % quantiles (lower ranks) of that of each series. A price's is
 * that of ten per cent more, another number's that of its largest value. */
void weft_factor_table(const struct weft_factors *m, const struct weft_model_info *info, struct weft_table *out);

/* The same of a model file: 78 when it has no factors. */
int weft_factor_table_read(const char *path, struct weft_table *out, struct weft_err *e) WEFT_MUST_USE;
/* For people, after the table: what its columns and rows are. */
void weft_factor_table_notes(FILE *f);

#endif
