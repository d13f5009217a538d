/* dlinear_state.h - a model that grows by the day: yesterday's sums and today's values give what all values at once
 * would have given.
 *
 * The state file (safetensors, written whole or not at all) holds for every unit the Gram sums of all windows so far
 * and what was chosen at its beginning (the configurations of tune.h, the errors kept for the intervals), and for every
 * series its last lookback + horizon - 1 values and its last day. A new day adds the windows that end on it. With a
 * half-life, a window whose last day is n steps old counts 2^(-n / half-life): sums are multiplied once for each step
 * that passes. Days that are not behind a series' last one are ignored and counted, so the same dump twice changes
 * nothing; days between are missing values. */
#ifndef WEFT_DLINEAR_STATE_H
#define WEFT_DLINEAR_STATE_H

#include "train/dlinear_units.h"

enum { WEFT_STATE_DAYS = 35 };

/* One set of weights. */
struct weft_state_unit {
    struct weft_gram sum; /* of all windows, values minus shift; its n is not used */
    double n, shift;      /* windows (weighted) */
    bool shifted;
    struct weft_gram fresh; /* of this run's windows, before they are scaled and join; empty until there is one */
    double *fresh_sum, fresh_n;
    struct weft_nested_config best[WEFT_TUNE_BEST];
    size_t n_best;
    struct weft_dlinear_weights w;
    float *rows, floor; /* [rows, horizon] residuals from the beginning */
    float *low;         /* [2, horizon] their 5% and 95% quantiles, of an opened state; NULL: none */
};
struct weft_state_series {
    float *tail;             /* [channels, lookback + horizon - 1] */
    double *features, *past; /* with exogenous channels: g of the tail's steps [channels, exogenous + 1, as many], and
                                reference and last value [2, exogenous] */
    int64_t last;            /* seconds; INT64_MIN: none yet */
    size_t group;
};
/* How the forecasts of one day came out. */
struct weft_state_day {
    int64_t day;
    double error, actual, inside, n;
};

/* Values of days that the state has already, and that came again with another one. The sums keep what they had: a value
 * stands in windows that reach back further than what is kept of its series. Of days older than that nothing is known.
 */
struct weft_state_changes {
    uint64_t values, series;
    /* the first of them; NaN: missing */
    char id[81];
    size_t channel;
    int64_t day; /* seconds */
    float was, is;
};

/* Read-only for others. */
struct weft_dlinear_state {
    char *path, *by;
    bool fresh; /* there was no file: the trainer chooses, and the state keeps */
    struct weft_dlinear_shape shape;
    int64_t step, day, before; /* day: the newest of all; before: that of the file */
    double half_life;
    size_t rows;
    struct weft_units units;
    struct weft_names ids, channels, exogenous;
    size_t at[WEFT_EXOG_MAX]; /* where the stream has the exogenous channels */
    struct weft_state_unit *unit;
    size_t n_units;
    struct weft_state_series *series;
    size_t n_series, cap_series;
    struct {
        char *name, *text;
    } * option;
    size_t n_options;
    struct weft_state_day days[WEFT_STATE_DAYS];
    uint64_t new_steps, old_steps;
    struct weft_state_changes changes;
    struct weft_dlinear_room room;
};

/* Opens the file, or begins a new state (fresh) when there is none. `half_life`: steps, 0: nothing is forgotten; of a
 * new state alone. */
int weft_dlinear_state_open(const char *path, double half_life, struct weft_dlinear_state **out,
                            struct weft_err *e) WEFT_MUST_USE;
void weft_dlinear_state_close(struct weft_dlinear_state **s);
/* An option that a state keeps from its beginning: a new one takes its text; 78 when an opened one has another, and the
 * user gave this one. */
int weft_dlinear_state_keep(struct weft_dlinear_state *s, const char *name, const char *text, bool given,
                            struct weft_err *e) WEFT_MUST_USE;

/* Head of a windows stream (unscaled, stride 1), or, for an opened state, of a series stream with the same step and
 * channels. 78 when it does not fit. */
int weft_dlinear_state_start(struct weft_dlinear_state *s, const struct weft_head *h, const char *by,
                             struct weft_err *e) WEFT_MUST_USE;
/* A new state, before its first series: what the trainer uses of exogenous channels. */
void weft_dlinear_state_exog(struct weft_dlinear_state *s, const struct weft_exog_shape *exog);
int weft_dlinear_state_add(struct weft_dlinear_state *s, const struct weft_series *x, struct weft_err *e) WEFT_MUST_USE;
/* What came again with another value, and the way out; NULL: nothing. The caller frees it. */
char *weft_dlinear_state_changed(const struct weft_dlinear_state *s);
/* A new state takes over what the fitted trainer chose and the errors of its validation windows. */
void weft_dlinear_state_choices(struct weft_dlinear_state *s, const struct weft_dlinear_trainer *t);
/* Solves every unit. 78 when no unit has a window. */
int weft_dlinear_state_fit(struct weft_dlinear_state *s, struct weft_err *e) WEFT_MUST_USE;
/* Writes the model file, then the state file: killed in between, the same dump goes on as if nothing had happened. */
int weft_dlinear_state_save(struct weft_dlinear_state *s, const char *lineage, const char *model,
                            struct weft_err *e) WEFT_MUST_USE;
/* Drift and coverage as a Prometheus text file, by rename. */
int weft_dlinear_state_metrics(const struct weft_dlinear_state *s, const char *path, struct weft_err *e) WEFT_MUST_USE;

/* --- for dlinear_state_file.c --- */

void weft_state_set_option(struct weft_dlinear_state *s, const char *name, const char *text);
/* Units and the series of an id, made when they are not there. */
void weft_state_units(struct weft_dlinear_state *s, size_t n);
struct weft_state_series *weft_state_series(struct weft_dlinear_state *s, const void *id, size_t n);

#endif
