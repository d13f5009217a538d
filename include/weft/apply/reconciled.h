/* reconciled.h - a hierarchy of forecasts as a stream in which they add up: what reconcile writes. */
#ifndef WEFT_RECONCILED_H
#define WEFT_RECONCILED_H

#include "apply/reconciler.h"
#include "frame/run.h"

struct weft_reconciled_options {
    const enum weft_reconcile_method *method; /* one at least; of several each has its name after the model's */
    size_t n_methods;
    const struct weft_list *only; /* levels to write; none: all */
    const bool *nonnegative;      /* NULL: by the name of a channel */
};

/* Head and frames of all forecasts of h (finished), each with the key "level" added; `from`: the head that ours goes on
 * from. Says what does not add up or was left out. 64 for a level that is not there, 65 when the forecasts have a key
 * "level", or too large values. */
int weft_reconciled_write(struct weft_run *run, const struct weft_hierarchy *h, const struct weft_head *from,
                          const struct weft_reconciled_options *o, struct weft_err *e) WEFT_MUST_USE;

#endif
