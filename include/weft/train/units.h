/* units.h - what trainers share: which series belong together, and the file that comes out.
 *
 * A model has weights for every unit: a group of series (all that have one value of a key) and a channel. */
#ifndef WEFT_UNITS_H
#define WEFT_UNITS_H

#include <stdio.h>

#include "base/json.h"
#include "model/model.h"
#include "base/names.h"
#include "frame/run.h"
#include "record/series.h"

enum { WEFT_UNIT_TEXT = 600 };

struct weft_units {
    struct weft_series_attrs attrs; /* of the windows stream */
    const char *by;                 /* key that names the groups; not owned */
    int key;
    struct weft_names groups; /* in the order in which they were met */
    int64_t until;            /* seconds: end of the validation parts of the series met; 0: none */
    size_t valid_most;        /* steps of the longest of them */
};
/* From the head of a windows stream. 78 when it has no such key. */
int weft_units_start(struct weft_units *u, const struct weft_head *h, const char *by, struct weft_err *e) WEFT_MUST_USE;
/* Notes how far the train and validation parts of a series reach: the model file says so. weft_units_group does it by
 * itself. */
void weft_units_saw(struct weft_units *u, const struct weft_series *s);
/* 78, and what differs, when windows of a source and a target do not have the same lookback, horizon, step, scale and
 * channels. */
int weft_units_compare(const struct weft_series_attrs *source, const struct weft_series_attrs *target,
                       struct weft_err *e) WEFT_MUST_USE;
/* The series' group, known or new ("(none)" without the key). */
size_t weft_units_group(struct weft_units *u, const struct weft_series *s);
/* order[i] = the group that stands at place i when they are sorted by name: models do not depend on the order of the
 * series. Owned by the caller. */
size_t *weft_units_order(const struct weft_units *u);
void weft_units_free(struct weft_units *u);

/* Writes a model file to -o: the tensors that w has, with the metadata of every model and the lineage (JSON). Groups in
 * `order`. */
int weft_units_save(const struct weft_units *u, const size_t *order, const char *model, const char *lineage,
                    struct weft_st_writer *w, const char *path, struct weft_err *e) WEFT_MUST_USE;
/* A trainer's log is JSON lines: an object with the unit's "group" and "channel", to be completed; and a line, written
 * at once so that it can be watched. */
weft_json *weft_units_log_line(const struct weft_units *u, size_t unit);
void weft_units_log_put(weft_json *line, FILE *f);
/* Writes to text how unit i of a trainer came out; false: why it failed. */
typedef bool weft_unit_text(const void *trainer, size_t i, char text[WEFT_UNIT_TEXT]);
/* Says how all came out: a line of information each; of those that failed a warning that ends with `without`, for the
 * first five. A validation part that is shorter than the horizon, so that no window lies in it, is warned of. */
void weft_units_say(const struct weft_units *u, size_t n, weft_unit_text *text, const void *trainer,
                    const char *without, struct weft_run *run);
/* -o of a trainer must be a file: its name, or NULL with an error (64). */
const char *weft_units_path(const struct weft_run *run, struct weft_err *e);

#endif
