/* dlinear_transfer.h - DLinear for series with little history that borrow from richer ones: the rungs of a ladder from
 * the source's model as it is to one that looks at the source no more, and the choice among them by rolling-origin
 * folds of the target. All from Gram matrices (shrink.h).
 *
 * A fold's source ends where the fold's target does: what was not known at its origin neither trains nor lends. The
 * source's ridge alone is chosen once, by the source's own folds. */
#ifndef WEFT_DLINEAR_TRANSFER_H
#define WEFT_DLINEAR_TRANSFER_H

#include "model/dlinear.h"

/* From the simplest on. source: nothing is learned from the target. own: as without a source. pooled: a window of the
 * source counts gamma windows of the target. ridge: shrunk towards the source's weights, which count lambda windows. */
enum weft_rung { WEFT_RUNG_SOURCE, WEFT_RUNG_OWN, WEFT_RUNG_POOLED, WEFT_RUNG_RIDGE, WEFT_RUNGS };
const char *weft_rung_name(enum weft_rung r);
/* What a rung's strength is called: "ridge" (source, own), "gamma", "lambda". */
const char *weft_rung_strength(enum weft_rung r);

/* Half decades: gamma from 1e-4 to 1e2, lambda from 1e-1 to 1e6. */
enum { WEFT_GAMMA_GRID = 13, WEFT_LAMBDA_GRID = 15 };

/* The simplest rung is chosen whose error is above the best one's by no more than one standard error of that difference
 * over the folds, or by this part of it (Breiman's rule on paired differences; with two folds a rung must be better in
 * both). own has the part alone: shrinking is the safe side of a doubt, and what is not shrunk must be as good. Over 80
 * runs on Store Item Demand and two generated shops the choice was 1.8% worse than the best single rung of the test
 * part in the mean, 2.3% with a standard error for own too, and without any, choosing for 53 series of 300 days each
 * from two folds cost 30% on one of the shops. */
#define WEFT_TRANSFER_MARGIN 0.005
/* One fold is one look at one season, however many series there are, and has no standard error: with fewer than two
 * nothing is chosen by them, it is the source. (Store Item Demand, 200 days, one fold of 50 validation windows, all of
 * one origin: the rung that was best there by 27% had 2.8 times the source's error on the test part.) */
enum { WEFT_TRANSFER_FOLDS = 2 };

/* Borders of the folds b[1 .. folds + 1] on a calendar of which `train` steps train and further ones up to `end`
 * validate. As in the exact solver (the last fold validates on the validation part, those before it on stretches as
 * long), but no stretch is shorter than the horizon, so that as many folds as history allows have windows; a fold that
 * begins before the calendar has none. A validation part shorter than the horizon judges nothing. */
void weft_transfer_borders(size_t folds, size_t horizon, int64_t train, int64_t end, int64_t *b);

/* --- what the source lends: prepared once, for any number of targets; read-only then --- */

struct weft_transfer_source;
/* all: the source's sums as for a model of its own. until: its train part's sums by the ends of the target's folds:
 * folds + 1 folds (of their own stats), block 0 to 2 (f - 1) together the windows that end by the origin of the
 * target's fold f, all of them the whole train part. Both are changed. ridge as weft_dlinear_solve. 78 when the
 * source's train part has no window. */
int weft_transfer_source_new(struct weft_dlinear_stats *all, struct weft_dlinear_stats *until,
                             const struct weft_dlinear_shape *shape, double ridge, struct weft_transfer_source **out,
                             struct weft_err *e) WEFT_MUST_USE;
void weft_transfer_source_free(struct weft_transfer_source **s);

/* --- the target --- */

struct weft_transfer_fold {
    uint64_t train_windows, valid_windows, source_windows;
    bool judges;            /* has all three: every rung is judged by it */
    double mse[WEFT_RUNGS]; /* NaN where a rung can't be fitted or judged */
};
struct weft_transfer {
    enum weft_rung rung;
    bool chosen; /* by folds; false: it was asked for, or there is not enough to choose by */
    size_t folds, judging;
    bool enough; /* WEFT_TRANSFER_FOLDS of them judge */
    struct weft_transfer_fold fold[WEFT_DLINEAR_FOLDS_MAX];
    double strength[WEFT_RUNGS]; /* ridge, gamma, lambda; without enough to choose by: 1e-2 (own), 1, the target's
                                    windows times the lookback */
    double mse[WEFT_RUNGS];      /* mean over the folds that judge; NaN without one */
};
/* st: the target's sums (changed). source NULL: there is none, own it is. want: a rung, or WEFT_RUNGS: chosen. Weights
 * of the train part. fit->valid_mse is the error of the rung on the validation part. Without enough to choose by:
 * source. 78 when there is neither source nor window, or own was asked for and has no window. */
int weft_transfer_fit(struct weft_dlinear_stats *st, const struct weft_transfer_source *source, enum weft_rung want,
                      double ridge, struct weft_dlinear_weights *w, struct weft_dlinear_fit *fit,
                      struct weft_transfer *out, struct weft_err *e) WEFT_MUST_USE;

#endif
