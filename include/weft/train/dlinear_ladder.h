/* dlinear_ladder.h - train-dlinear --source: a windows stream of richer series that the units of the trainer borrow
 * from (dlinear_transfer.h).
 *
 * The source is read once, as soon as a series of the target has shown where its train part ends: the target's folds
 * say until when the source may know. Its sums are held for each of its pools; the target's units are fitted as without
 * a source. */
#ifndef WEFT_DLINEAR_LADDER_H
#define WEFT_DLINEAR_LADDER_H

#include <stdio.h>

#include "model/dlinear_transfer.h"
#include "train/dlinear_units.h"
#include "frame/stream.h"

struct weft_ladder_pool; /* what series of the source with one value of the key, and one channel, add up to */

struct weft_ladder {
    /* Set before the first call. */
    enum weft_rung want; /* WEFT_RUNGS: chosen by folds */
    const char *by;      /* key by which source and target meet; "all": one pool for all */
    /* Its own. */
    struct weft_units units;    /* of the source */
    int key;                    /* `by` in the target */
    size_t exog[WEFT_EXOG_MAX]; /* where the source has the target's exogenous channels */
    struct weft_reader *reader;
    int64_t border[WEFT_DLINEAR_FOLDS_MAX + 2];     /* folds on the target's calendar */
    int64_t own_border[WEFT_DLINEAR_FOLDS_MAX + 2]; /* the same in steps of one series */
    bool dated, read;
    struct weft_ladder_pool *pool; /* [n] = [pools, channels] */
    size_t n;
    struct weft_names wanted; /* values of the key in the target */
    size_t *wants, cap;       /* [groups of the target] */
    char *lineage;            /* of the source, JSON; or NULL */
};

/* After weft_dlinear_trainer_start: opens the source, an endpoint. 78 when it differs from the target in lookback,
 * horizon, step, scale or channels (it may have more exogenous ones), or one of them lacks the key. */
int weft_ladder_start(struct weft_ladder *l, struct weft_dlinear_trainer *t, const char *endpoint, struct weft_run *run,
                      struct weft_err *e) WEFT_MUST_USE;
void weft_ladder_free(struct weft_ladder *l);
/* Before a series of the target's `group` is added: sets own_border; reads the source if it can be dated now. */
int weft_ladder_meet(struct weft_ladder *l, struct weft_dlinear_trainer *t, const struct weft_series *s, size_t group,
                     struct weft_err *e) WEFT_MUST_USE;
/* Reads the source, unless that was done. */
int weft_ladder_read(struct weft_ladder *l, struct weft_dlinear_trainer *t, struct weft_err *e) WEFT_MUST_USE;
/* Fits one unit; fills w, fit and transfer. Calls for several units may run at the same time. */
int weft_ladder_fit(const struct weft_ladder *l, struct weft_dlinear_trainer *t, size_t unit,
                    struct weft_err *e) WEFT_MUST_USE;
/* The windows that a unit's intervals come from: its own validation windows, or, when it has none, the source's. */
struct weft_residuals *weft_ladder_residuals(struct weft_ladder *l, struct weft_dlinear_trainer *t, size_t unit);

/* How a unit came out: {"rung", "gamma" ..., "windows", "source_windows", "mse": {rung: mean}, "folds": [...]}. Added
 * to the members of j. */
void weft_ladder_json(const struct weft_dlinear_unit *u, weft_json *j);
/* Adds the choices of all units to a model file, in `order` of its groups: metadata "transfer" (a JSON array) and
 * "source_lineage". */
void weft_ladder_write(const struct weft_ladder *l, const struct weft_dlinear_trainer *t, const size_t *order,
                       struct weft_st_writer *w);
/* A table: errors of each rung over the folds, windows, and the choice; so many units at most, and a summary. */
void weft_ladder_table(const struct weft_dlinear_trainer *t, size_t most, FILE *f);

#endif
