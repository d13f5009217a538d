/* ensemble_fit.h - which members an ensemble holds, and how their forecasts become one: trained before each of the last
 * folds, measured on it, and trained on all. What train-ensemble does.
 *
 * Fold k ends k horizons before the end of what may be seen (the validation part's): trainers run on the windows stream
 * cut there (refit.h), then all members forecast the horizon that came. A member's error is the mean over channels of
 * sum |actual - forecast| / sum |actual| over the values of which every member has a forecast. Members more than
 * `within` above the best are left out; of best alone, median, mean and weights (1 / error^2) that with the least error
 * is taken, the simplest where they are equal. */
#ifndef WEFT_ENSEMBLE_FIT_H
#define WEFT_ENSEMBLE_FIT_H

#include "apply/kept_errors.h"
#include "apply/refit.h"
#include "model/ensemble.h"

enum { WEFT_ENSEMBLE_FOLDS_MAX = 12 };

struct weft_ensemble_fit {
    /* Set before the first call. */
    struct weft_list members; /* "[NAME=]COMMAND" or "[NAME=]BASELINE" */
    int64_t folds;            /* becomes how many the history has room for */
    double within;            /* of the best member's error */
    const char *keep;         /* refit.h */
    /* Results. */
    size_t n_kept, kept[WEFT_ENSEMBLE_MAX]; /* members held, the best first */
    double error[WEFT_ENSEMBLE_MAX];        /* of each member in the folds; NaN: it had no forecast */
    double rule_error[WEFT_ENSEMBLE_RULES]; /* of the ways to join those held */
    enum weft_ensemble_rule rule;
    struct weft_ensemble whole;  /* trained on all */
    struct weft_model_info info; /* of the whole; name is not set */
    /* Its own. */
    struct weft_run *run;
    struct weft_series_attrs attrs;
    struct weft_series series;
    struct weft_spool *spool, *said; /* frames; forecasts of all members, made once */
    uint64_t n_series, of;
    size_t seen, train; /* ends of the validation and train parts on the calendar */
    size_t length[WEFT_ENSEMBLE_FOLDS_MAX];
    char date[WEFT_ENSEMBLE_FOLDS_MAX + 1][32];
    bool *clip;
    struct weft_ensemble fold[WEFT_ENSEMBLE_FOLDS_MAX]; /* until they have forecast */
    struct weft_kept_errors errors;
};

/* The head of a windows stream. 64 when there are too few or too many members. */
int weft_ensemble_fit_start(struct weft_ensemble_fit *f, struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;
int weft_ensemble_fit_add(struct weft_ensemble_fit *f, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* Trains, chooses, trains on all. 65 when the history holds no fold, or no member forecast anything; 75 when told to
 * end; what a trainer failed with. */
int weft_ensemble_fit_run(struct weft_ensemble_fit *f, struct weft_err *e) WEFT_MUST_USE;
/* One line: what it holds, its error in the folds, and what it beat. The caller frees it. */
char *weft_ensemble_fit_text(const struct weft_ensemble_fit *f);
/* Writes the model file; then what was kept on the way goes. */
int weft_ensemble_fit_save(struct weft_ensemble_fit *f, const char *lineage, const char *path,
                           struct weft_err *e) WEFT_MUST_USE;
void weft_ensemble_fit_free(struct weft_ensemble_fit *f);

#endif
