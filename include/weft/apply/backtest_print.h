/* backtest_print.h - the tables of a backtest as text, JSON and frames. */
#ifndef WEFT_BACKTEST_PRINT_H
#define WEFT_BACKTEST_PRINT_H

#include <stdio.h>

#include "apply/backtest_plan.h"

#define WEFT_BACKTEST_SCHEMA "backtest/1"

struct weft_backtest_report {
    const struct weft_backtest_plan *plan;                /* after its end */
    const struct weft_table *accuracy, *ranking, *orders; /* NULL: not asked for */
};
void weft_backtest_print(const struct weft_backtest_report *r, FILE *f);
void weft_backtest_json(const struct weft_backtest_report *r, FILE *f);
/* A stream (schemas/backtest.json): head, and a frame a row with the name of its table. */
int weft_backtest_emit(const struct weft_backtest_report *r, struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;

#endif
