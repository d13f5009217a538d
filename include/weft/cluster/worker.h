/* worker.h - the worker's side of the protocol between scatter and work (schemas/protocol.md): frames come from a
 * socket, go through a program as a child, and what it makes of them goes back. A child that fails is reported and
 * started anew; frames that it had are the head's business. */
#ifndef WEFT_WORKER_H
#define WEFT_WORKER_H

#include "frame/run.h"

struct weft_worker_opts {
    const char *connect;     /* where the head listens */
    const char *const *argv; /* of the child, ends with NULL */
    const char *cpu;         /* the kernels that numbers come from: the head takes workers with the same ones */
};

/* Works until the head has no more (0). 69 when nobody is there within --wait or the head is gone, 77 when our key was
 * refused, 78 when the head refused us. */
int weft_worker_run(struct weft_run *run, const struct weft_worker_opts *o, struct weft_err *e) WEFT_MUST_USE;

#endif
