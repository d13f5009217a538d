/* checkpoint.h - a training's state on disk, so that one that was killed goes on where it was: written whole or not at
 * all, and only as often as costs a twentieth of the time at most. */
#ifndef WEFT_CHECKPOINT_H
#define WEFT_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "nn/safetensors.h"

struct weft_checkpoint {
    const char *path;    /* NULL: none is kept */
    const char *trainer; /* "lstm" */
    uint64_t of;         /* hash of all that the result depends on: options and data */
    bool resume;         /* go on from what the file has */
    FILE *log;           /* the training's log, cut to its length at the checkpoint when it goes on; or NULL */
    double due;          /* its own */
};

/* What the file has, to be read and closed; *st is NULL when there is nothing to go on from. 78 when it belongs to
 * another training, 65 when damaged. */
int weft_checkpoint_open(struct weft_checkpoint *c, struct weft_st **st, struct weft_err *e) WEFT_MUST_USE;
/* Opens the log at `path` (NULL: none): anew, or, with st, after what it had at the checkpoint. */
int weft_checkpoint_log(struct weft_checkpoint *c, const char *path, const struct weft_st *st,
                        struct weft_err *e) WEFT_MUST_USE;
/* Is it time to write? Never without a path. */
bool weft_checkpoint_due(const struct weft_checkpoint *c);
/* Writes the tensors and metadata that w has. */
int weft_checkpoint_save(struct weft_checkpoint *c, struct weft_st_writer *w, struct weft_err *e) WEFT_MUST_USE;
/* The model is safe: removes the file. */
void weft_checkpoint_done(const struct weft_checkpoint *c);

#endif
