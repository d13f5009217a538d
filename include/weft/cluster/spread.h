/* spread.h - the head's side of the protocol between scatter and work (schemas/protocol.md): frames go to workers,
 * results come back in order.
 *
 * Which worker has which frame is dispatch.h's business; this is sockets, admission and time. Nothing is lost and
 * nothing doubled whatever workers do. */
#ifndef WEFT_SPREAD_H
#define WEFT_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "frame/run.h"

/* As scatter's options of these names say. */
struct weft_spread_opts {
    const char *bind, *input, *dead_letter, *status; /* dead_letter, status: or NULL */
    int64_t credit, window, attempts;                /* window 0: 4 times the credit */
    double hang;                                     /* seconds */
    bool unordered, mixed_cpus, allow_dead;
};

/* Opens the input and the socket, and works until every frame of the input has its result written through `run` (head
 * and lineage are those of the workers' output). 69 when no worker comes within --wait, 65 when a frame can't be taken
 * by anybody and there is no dead_letter. */
int weft_spread_run(struct weft_run *run, const struct weft_spread_opts *o, struct weft_err *e) WEFT_MUST_USE;

#endif
