/* backtest.h - rolling origins: models and baselines forecast from the same past days, and are measured on the days
 * that followed.
 *
 * Origin k is the first step that is measured; what was known then are the steps before it, less a gap. A value is
 * measured when it and the forecasts of all contenders for it are there, so that every row of a table is about the same
 * values. Series are taken one at a time; memory grows with the rows of the tables (accuracy.h, growth_trial.h) and not
 * with the series. Sums are float64 in the order of the series. */
#ifndef WEFT_BACKTEST_H
#define WEFT_BACKTEST_H

#include "apply/order_trial.h"
#include "model/apply.h"
#include "measure/growth.h"
#include "base/opt.h"
#include "record/series.h"
#include "show/table.h"

struct weft_origins {
    size_t first, every, n; /* steps of the calendar */
    size_t gap, horizon;
};
/* The end of what was known at origin k. */
size_t weft_origin_known(const struct weft_origins *o, size_t k);
/* Places n origins, `every` steps apart, so that the last horizon ends with the calendar of `length` steps; `least`
 * steps must be known at the first. n == 0: as many as leave half of the calendar before the first, at most 12. 78 when
 * they do not fit. */
int weft_origins_place(struct weft_origins *o, size_t length, size_t least, struct weft_err *e) WEFT_MUST_USE;

struct weft_backtest_options {
    struct weft_origins origins;
    const char (*dates)[32]; /* [origins.n] */
    struct weft_list by;     /* levels whose values have rows */
    bool per_step, per_origin;
    double level;                   /* of intervals */
    size_t season;                  /* steps */
    const bool *clip;               /* [channels]: forecasts of it are not below 0 */
    struct weft_growth_spans spans; /* of the growth index */
    double shrink;
    const char
        *rank_by; /* key, id or all; NULL: the key with most groups, of those with 5 to WEFT_RANKED_MAX, else id */
    const struct weft_backtest_orders *orders;
};
/* NULL in the options: no orders are replayed. lead + review steps are at most the horizon, review is `every`, and
 * there is no gap. */
struct weft_backtest_orders {
    size_t lead;
    const double *service; /* [n] */
    size_t n;
    double price, cost, salvage, holding; /* NaN: not told */
};
enum { WEFT_RANKED_MAX = 1000, WEFT_RANKED_LEAST = 5 };

/* 78: the horizon has no growth to rank by; option: what asked for it. */
int weft_backtest_no_growth(const struct weft_backtest_options *o, const char *option,
                            struct weft_err *e) WEFT_MUST_USE;

struct weft_backtest;
/* attrs, and what the options point to, must outlive it. 78 when the stream has no such key. */
int weft_backtest_new(const struct weft_series_attrs *attrs, const struct weft_backtest_options *o,
                      struct weft_backtest **out, struct weft_err *e) WEFT_MUST_USE;
void weft_backtest_free(struct weft_backtest **b);

/* All contenders come before the first series. `serves`: origins in a row that one model of it serves (origins.n: one
 * model for all). ranked: its growth stands in the ranking table. Returns its number. */
size_t weft_backtest_enter(struct weft_backtest *b, const char *name, size_t serves, bool ranked);
/* The model or baseline for origins [i * serves, (i + 1) * serves). It is the backtest's from now on, also after an
 * error. train_end: of a model that was trained for this, the steps of the calendar that its scale was fitted on; 0: as
 * the windows say, else on what is known. 78 when it does not fit. */
int weft_backtest_model(struct weft_backtest *b, size_t contender, size_t i, struct weft_apply *apply, size_t train_end,
                        struct weft_err *e) WEFT_MUST_USE;
const char *weft_backtest_name(const struct weft_backtest *b, size_t contender); /* made different from those before */
/* What skill is measured against: the first seasonal naive forecast of the season, and the first of a year ago times
 * growth; NULL: none was entered. */
void weft_backtest_bars(const struct weft_backtest *b, const char **seasonal, const char **lag_growth);

void weft_backtest_series(struct weft_backtest *b, const struct weft_series *s);

struct weft_backtest_counts {
    uint64_t series, windows,
        left_out;        /* windows: series, channel and origin; left out since a contender said nothing */
    const char *culprit; /* the first such contender; NULL: none */
};
void weft_backtest_count(const struct weft_backtest *b, struct weft_backtest_counts *out);
/* Both tables are empty without columns before. The second false: there is nothing to rank. */
bool weft_backtest_accuracy(struct weft_backtest *b, struct weft_table *t);
bool weft_backtest_ranking(struct weft_backtest *b, struct weft_table *t);
/* False: no order was replayed; *n says how many series were, and were left out. */
bool weft_backtest_orders(struct weft_backtest *b, struct weft_table *t, struct weft_order_trial_counts *n);
/* What is ranked: a key, or NULL when nothing is. */
const char *weft_backtest_ranked(const struct weft_backtest *b);

#endif
