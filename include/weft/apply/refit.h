/* refit.h - trainers run anew at past origins, each on a windows stream that ends where the origin's history does, so
 * that no model knows what came later. */
#ifndef WEFT_REFIT_H
#define WEFT_REFIT_H

#include "model/apply.h"
#include "frame/run.h"
#include "record/series.h"

/* Frames of a stream, kept in a temporary file without a name. */
struct weft_spool;
int weft_spool_new(struct weft_spool **out, struct weft_err *e) WEFT_MUST_USE;
int weft_spool_add(struct weft_spool *s, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* No more frames: they may be read from now on. */
int weft_spool_finish(struct weft_spool *s, struct weft_err *e) WEFT_MUST_USE;
/* The next frame behind *at (0 at the beginning), valid as long as the spool. False: the end. */
bool weft_spool_next(const struct weft_spool *s, size_t *at, struct weft_span *frame);
void weft_spool_free(struct weft_spool **s);

/* What all trainings of a backtest share. */
struct weft_refit {
    struct weft_run *run; /* reads a series or windows stream; runs as many trainers at a time as it has threads, at
                             most 64; told to end, it ends them with 75 */
    const struct weft_series_attrs *attrs;
    const struct weft_spool *spool;    /* the stream's frames */
    int64_t lookback, horizon, stride; /* of the windows */
    enum weft_scale scale;
    double valid; /* share of the history that is validation, its end */
    struct weft_progress *progress;
    const char *option; /* that names the command, for messages; NULL: --refit */
    const char *keep;   /* NULL, or a directory where models stay, so that a run anew opens them and trains no more */
    uint64_t of;        /* with keep: hash of the stream, since a model of another one is not to be taken */
};
/* The file of keep where the model of a command on so many steps of the calendar is; the caller frees it. */
char *weft_refit_kept(const struct weft_refit *r, const char *command, size_t length);
/* Borders of train, validation and (empty) test when the calendar has `length` steps. Validation holds a horizon at
 * least, unless its share is 0. */
void weft_refit_borders(const struct weft_refit *r, size_t length, size_t borders[WEFT_PARTS]);

/* Runs `command -o FILE` once for each of n lengths of the calendar, a windows stream on its standard input, and opens
 * the models. command: words split at blanks,
 * '...' and "..." keep them together; the program is looked for on PATH. dates [n]: how messages call the origins. The
 * result is the same for any number of threads. What trainers say on standard error is passed on. When one fails, all
 * are ended and nothing stays: its status when that is one of ours (64-78), else 70 (75 when a signal ended it). out
 * [n]: opened models, NULL after an error. */
int weft_refit_run(const struct weft_refit *r, const char *command, const size_t *length, const char (*dates)[32],
                   size_t n, struct weft_apply **out, struct weft_err *e) WEFT_MUST_USE;

#endif
