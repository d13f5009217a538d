/* backtest_print.h - the tables of a backtest as text and as JSON. */
#ifndef WEFT_BACKTEST_PRINT_H
#define WEFT_BACKTEST_PRINT_H

#include <stdio.h>

#include "weft/backtest.h"

struct weft_backtest_report {
    const struct weft_backtest *backtest;
    const struct weft_backtest_options *o;
    const struct weft_table *accuracy, *ranking; /* NULL: not asked for */
    size_t seasonal, lag;                        /* contenders that skill is measured against; SIZE_MAX: none */
    size_t refit_every, lookback;                /* refit_every 0: nothing was trained */
};
void weft_backtest_print(const struct weft_backtest_report *r, FILE *f);
void weft_backtest_json(const struct weft_backtest_report *r, FILE *f);

#endif
