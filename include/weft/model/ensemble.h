/* ensemble.h - several models and baselines that forecast together, as one model file.
 *
 * A model of kind "ensemble" holds whole model files: tensor "member.I" u8 [bytes] is the file of member I; a member
 * without one is a baseline (baseline.h), its text in "members" (JSON array: how each member is called, a trainer's
 * command or a baseline). Metadata "rule" says how the members' forecasts become one, tensor "weights" f32 [members]
 * what each counts. The metadata of every model (model.h) stands beside: "lookback" is the shortest of the members that
 * are models, "exogenous" all channels that any of them looks at. A member that can't forecast a window (its lookback
 * is longer) is left out of it, so a series too short for one is forecast by the others. Errors kept are those of the
 * whole. Of baselines alone (calibrate) the metadata say what the whole is.
 *
 * "tried" (JSON array) and tensor "fold_errors" f32 [tried]: every member that was trained, and the error of each in
 * the folds that chose; "fold_error": that of the whole. */
#ifndef WEFT_ENSEMBLE_H
#define WEFT_ENSEMBLE_H

#include "model/apply.h"

enum { WEFT_ENSEMBLE_MAX = 16 };
enum weft_ensemble_rule {
    WEFT_ENSEMBLE_BEST,   /* the first member alone */
    WEFT_ENSEMBLE_MEDIAN, /* of an even number the mean of the two in the middle */
    WEFT_ENSEMBLE_MEAN,
    WEFT_ENSEMBLE_WEIGHTS, /* the mean, each counted by its weight */
    WEFT_ENSEMBLE_RULES
};
/* "best", "median", "mean", "weights". */
extern const char *const weft_ensemble_rules[WEFT_ENSEMBLE_RULES];

/* One value of several [n], n at most WEFT_ENSEMBLE_MAX, by the rule; NaN among them are left out, NaN when nothing is
 * left. y is working room. BEST: the first that is there. */
float weft_ensemble_combine(enum weft_ensemble_rule rule, const float *weight, float *y, size_t n);

/* Members of one stream's trainings, at work together. Those of an ensemble belong to it. */
struct weft_ensemble {
    size_t n;
    struct weft_apply *member[WEFT_ENSEMBLE_MAX];
    float weight[WEFT_ENSEMBLE_MAX];
    enum weft_ensemble_rule rule;
    size_t exogenous[WEFT_ENSEMBLE_MAX][WEFT_EXOG_MAX]; /* where each member's channels stand among the ensemble's */
    size_t horizon;
    struct weft_apply_result result[WEFT_ENSEMBLE_MAX];
    const struct weft_model_info *alone; /* what the whole is where no member is a model; NULL: that is refused */
};
/* What the whole is, from its members: by, groups, channels (copies, weft_model_info_free), lookback, horizon, step,
 * scale, exogenous channels; sets x->exogenous. name is not set. 78 when two members do not fit each other: other
 * groups, channels or scales, or nothing but baselines without `alone`. */
int weft_ensemble_info(struct weft_ensemble *x, struct weft_model_info *info, struct weft_err *e) WEFT_MUST_USE;
/* Each member's forecast of the job's windows, in original units: result[i].forecast [windows, horizon]. The job's
 * exogenous channels in the order of the whole; group NULL: the series has none. */
void weft_ensemble_members(struct weft_ensemble *x, const char *group, size_t group_n, size_t channel,
                           const struct weft_apply_job *job);
/* From result[]: forecast [windows * horizon] of the whole. */
void weft_ensemble_join(struct weft_ensemble *x, size_t cells, float *forecast);
/* Metadata and members, without errors. names[x->n]: how the members are called, of baselines their text. Members must
 * stay open until the file is saved. */
void weft_ensemble_write(const struct weft_ensemble *x, const struct weft_model_info *info, char *const *names,
                         struct weft_st_writer *w);
/* A member of an opened model that is an ensemble: 1, and *out, which the whole must outlive, and *name, which the
 * caller frees; 0: there is no member i, or it is a baseline (then *name is set). */
int weft_ensemble_member(const struct weft_forecaster *whole, size_t i, struct weft_forecaster **out, char **name,
                         struct weft_err *e) WEFT_MUST_USE;

#endif
