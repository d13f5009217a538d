/* dlinear_units.h - DLinear for every unit of a windows stream: what train-dlinear does between decoding and the model
 * file. */
#ifndef WEFT_DLINEAR_UNITS_H
#define WEFT_DLINEAR_UNITS_H

#include <stdio.h>

#include "model/dlinear.h"
#include "model/dlinear_transfer.h"
#include "base/par.h"
#include "train/pool.h"
#include "base/progress.h"
#include "model/tune.h"
#include "train/units.h"

#define WEFT_GRAM_SCHEMA "gram/1"

/* --exog auto: channels that are not known far enough ahead, and why (NULL: known); zeros stand for one without a
 * value. Of future channels how many series know nothing ahead: they are no longer planned to be sold, and forecast
 * without such a channel or not at all; up to half of them may be so. */
struct weft_dlinear_channels {
    bool choose;
    uint64_t series, none[WEFT_EXOG_MAX];
    char *unknown[WEFT_EXOG_MAX];
    float *zeros;
    size_t cap;
};

/* What channels bring a unit: mean squared errors over the folds of the best configuration, with those that are used,
 * without any, and without each of those used. */
struct weft_exog_gain {
    double with, without, each[WEFT_EXOG_MAX];
    bool used[WEFT_EXOG_MAX];
};

/* One unit, and how its training came out. */
struct weft_dlinear_unit {
    struct weft_dlinear_stats st; /* exact */
    struct weft_residuals keep;   /* validation windows for the intervals */
    struct weft_pool_unit places; /* adam */
    struct weft_dlinear_weights w;
    struct weft_dlinear_fit fit;
    struct weft_transfer *transfer;     /* with a source */
    struct weft_tuned tuned;            /* tune */
    struct weft_dlinear_weights honest; /* refit: fitted on the train part alone, for the residuals */
    struct weft_exog_gain gain;         /* channels.choose */
    struct weft_dlinear_epoch best;
    char *log; /* JSON lines, written out in the order of the units; NULL: none */
    size_t log_n;
    bool closed; /* no further series may come */
    bool solved, failed;
    struct weft_err err;
};

struct weft_ladder;
struct weft_factored;
struct weft_dlinear_trainer {
    /* Set before the first call. */
    struct weft_dlinear_shape shape; /* kernel and norm; lookback and horizon come from the stream */
    bool adam, by_origin; /* by_origin: a batch is windows of `batch` origins, all series of the unit together */
    bool partial;         /* no fit: sums alone */
    bool tune, refit;     /* exact: choices by weft_dlinear_tune; the weights from all windows, the test part's too */
    struct weft_tune choices; /* tune: step and par are the trainer's business */
    double ridge;             /* < 0: chosen over the folds */
    bool exog;                /* exact: channels of the stream that are past, future or static are used */
    enum weft_exog_effect effect;
    size_t lags, level; /* of such a channel, and of the mean that it acts in proportion to (0: the lookback); at most
                           the lookback is taken */
    const struct weft_list *relative;      /* such channels that count relative to their mean */
    struct weft_dlinear_channels channels; /* choose: with tune alone, and not partial */
    size_t folds;
    int threads;
    struct weft_dlinear_adam options;
    FILE *log;            /* or NULL */
    const double *weight; /* [targets] of the series that comes next, see weft_dlinear_stats; NULL: all alike */
    struct weft_factored *factored; /* forecasts are of rests (factored.h), or NULL; not owned */
    struct weft_ladder *ladder;     /* richer series to borrow from (dlinear_ladder.h), or NULL; not owned */
    struct weft_progress *progress;
    bool (*stopping)(void *ctx);
    void *ctx;
    /* Its own. */
    struct weft_units units;
    struct weft_dlinear_unit **unit; /* [n] = [groups, channels] */
    size_t n, cap, keep_cap;
    size_t waiting; /* units from here on are closed and wait for their fit */
    struct weft_par *par;
    struct weft_pool pool;
    struct weft_dlinear_room room;
    char by[128]; /* merge: the key's name */
};

/* `by`: the key that names the groups. 64 when `relative` names a channel that is not exogenous. */
int weft_dlinear_trainer_start(struct weft_dlinear_trainer *t, const struct weft_head *h, const char *by,
                               struct weft_err *e) WEFT_MUST_USE;
int weft_dlinear_trainer_add(struct weft_dlinear_trainer *t, const struct weft_series *s,
                             struct weft_err *e) WEFT_MUST_USE;
/* Units up to those of the last group exist afterwards. The more there are, the fewer residuals each keeps. */
void weft_dlinear_trainer_units(struct weft_dlinear_trainer *t);
/* Fits every unit. A unit without a window to train on is said in its err and gets weights that are NaN (forecasts are
 * then missing values); 78 when no unit has one. */
int weft_dlinear_trainer_fit(struct weft_dlinear_trainer *t, struct weft_err *e) WEFT_MUST_USE;
/* Says how every unit came out. without: what becomes of one that could not be fitted. */
void weft_dlinear_trainer_say(const struct weft_dlinear_trainer *t, const char *without, struct weft_run *run);
int weft_dlinear_trainer_save(struct weft_dlinear_trainer *t, const char *lineage, const char *path,
                              struct weft_err *e) WEFT_MUST_USE;
void weft_dlinear_trainer_free(struct weft_dlinear_trainer *t);

/* --- tuning (dlinear_tuned.c): what the functions above do for it --- */

void weft_dlinear_tuned_fit(struct weft_dlinear_trainer *t, struct weft_dlinear_unit *u);
/* The choices as a JSON array, best first: {"lookback", "last", "ridge", "own" (with channels), "error"}. */
weft_json *weft_dlinear_tuned_json(const struct weft_tuned *tuned, bool own);
/* What the model file says of the weights: they are in raw coordinates; when all fits subtract a mean and so add up to
 * 1, the window's own mean may be subtracted first, which changes nothing but rounding where levels are large. */
enum weft_norm weft_dlinear_tuned_norm(const struct weft_dlinear_trainer *t);
/* Adds metadata "tuned" (the choices of each unit, in order) and, up to a horizon of WEFT_COVARIANCE_HORIZON_MAX,
 * tensor "covariance". Returns the tensor's memory, which must live until the file is saved; or NULL. */
float *weft_dlinear_tuned_write(const struct weft_dlinear_trainer *t, const size_t *order, struct weft_st_writer *out);

/* --- channels that are known ahead and help (dlinear_channels.c): what the functions above do with channels.choose ---
 */

/* Looks whether a series knows its channels exog[n]: a future one at each of the horizon's steps after its last target,
 * each of them at one step at least. One without a value counts as 0: exog points elsewhere then. */
void weft_dlinear_channels_add(struct weft_dlinear_trainer *t, const struct weft_series *s, const float **exog);
/* After the last series: a channel of which half of them or more know nothing ahead is not known. */
void weft_dlinear_channels_decide(struct weft_dlinear_trainer *t);
/* Tunes with all channels that are known, with those that don't do harm, and without any: the least error over the
 * folds counts. Weights of others are 0. */
void weft_dlinear_channels_fit(struct weft_dlinear_trainer *t, struct weft_dlinear_unit *u, const struct weft_tune *o);
/* used[WEFT_EXOG_MAX]: that some unit uses. */
void weft_dlinear_channels_used(const struct weft_dlinear_trainer *t, bool *used);
/* A line a channel, and one before them of what they bring all together; the caller frees lines and list. */
char **weft_dlinear_channels_text(const struct weft_dlinear_trainer *t, size_t *n);
/* Takes channels that no unit uses out of the weights w[n units] and out of the shape; names[WEFT_EXOG_MAX] of the
 * others. Returns how many are left. */
size_t weft_dlinear_channels_take(struct weft_dlinear_trainer *t, struct weft_dlinear_weights *w, char **names);
void weft_dlinear_channels_free(struct weft_dlinear_channels *k);

/* --- sufficient statistics over machines: gram/1 streams (schemas/gram.json) --- */

/* The head of the program's output. Its attrs are those of the windows stream, with "by", "norm", "kernel" and "folds".
 */
int weft_dlinear_partial_head(const struct weft_dlinear_trainer *t, struct weft_run *run,
                              struct weft_err *e) WEFT_MUST_USE;
/* One frame a unit in the order of the groups' names, after the last add (exact alone): {"group", "channel": number,
 * "series", "shift": f64 or nil, "windows": [of each block], "sum": f64 [blocks, width], "gram": f64 [blocks, width
 * (width + 1) / 2] (upper triangle by rows), "hash": f64 bits of the kept windows' hashes as u64 in binary, "kept": f32
 * [rows, width]}. */
int weft_dlinear_partial_emit(struct weft_dlinear_trainer *t, struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;
/* Reads the partial streams that are the program's operands and adds them up, whatever their order: shape, stream and
 * solver are as they say, and all must say the same. *lineage is one of theirs (the caller frees it). */
int weft_dlinear_merge_files(struct weft_dlinear_trainer *t, struct weft_run *run, char **lineage,
                             struct weft_err *e) WEFT_MUST_USE;

#endif
