/* rows.h - rows that are no sales: totals, cancelled and unpaid orders; and cells that mean "as above". What is left
 * out or filled is counted and said. */
#ifndef WEFT_ROWS_H
#define WEFT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/run.h"
#include "ingest/ingest.h"

/* The rows of all files of a run. */
struct weft_rows;
struct weft_rows *weft_rows_new(const struct weft_ingest *o);
void weft_rows_free(struct weft_rows **r);

/* The columns of the file that is read now. date, value: SIZE_MAX when there is none; id[n_id]: those that name a
 * series. 64 when --drop or --fill-down name none of the header's columns. */
int weft_rows_file(struct weft_rows *r, const struct weft_header *h, size_t date, size_t value, const size_t *id,
                   size_t n_id, struct weft_err *e) WEFT_MUST_USE;

/* A row that was read well. False: it is no sale: --drop names it; or a column of states (주문상태, order-status) says
 * cancelled, returned or not paid, and the value is not below 0 (a row that takes back what another one sold stays); or
 * its day of payment is empty. Cells that mean "as above" are filled in before, in a copy that lives until the next
 * call: those of --fill-down; day, order and state where both day and order are empty; and the state where the row
 * above is of the same order. */
bool weft_rows_take(struct weft_rows *r, struct weft_csv_row *row);
/* Does the row add others up, rather than being one: a text of it is 합계, Total, ... in the columns of the id or as
 * its first; or it has neither day nor id, and nothing but numbers? It is counted, and to be left out. Never with
 * --totals keep. */
bool weft_rows_total(struct weft_rows *r, const struct weft_csv_row *row);
/* The same by one text, as that of a column's header. */
bool weft_rows_total_name(struct weft_rows *r, const char *p, size_t n);

/* Has the file a column that numbers orders: is a row a sale, rather than what was sold on a day? */
bool weft_rows_are_orders(const struct weft_rows *r);
/* Refuses (65) a series that is the sum of all others on every day, on `days` of which it is not 0; fewer than 2 may be
 * chance: 0 then. */
int weft_rows_refuse_sum(const char *id, int64_t days, struct weft_err *e) WEFT_MUST_USE;
/* What was left out, in lines. */
void weft_rows_say(const struct weft_rows *r, struct weft_run *run);

#endif
