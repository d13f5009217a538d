/* reconciler.h - the forecasts of a hierarchy, one sheet (model, channel, part and windows) after the other, made to
 * add up. */
#ifndef WEFT_RECONCILER_H
#define WEFT_RECONCILER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "rank/hierarchy.h"

enum weft_reconcile_method {
    WEFT_RECONCILE_NONE,
    WEFT_RECONCILE_BOTTOM_UP,
    WEFT_RECONCILE_TOP_DOWN,
    WEFT_RECONCILE_OLS,
    WEFT_RECONCILE_WLS,
    WEFT_RECONCILE_WLS_VAR,
    WEFT_RECONCILE_METHODS
};
extern const char *const weft_reconcile_names[WEFT_RECONCILE_METHODS];

struct weft_reconciler;
/* h: finished; must outlive it. Room: 8 bytes a node, window and step of one sheet. */
struct weft_reconciler *weft_reconciler_new(const struct weft_hierarchy *h);
void weft_reconciler_free(struct weft_reconciler **r);
/* Takes the base forecasts of a sheet. */
int weft_reconciler_load(struct weft_reconciler *r, size_t sheet, struct weft_err *e) WEFT_MUST_USE;
/* Makes results of them; clip: none below 0. 65 when they are too large for float32. */
int weft_reconciler_run(struct weft_reconciler *r, enum weft_reconcile_method m, bool clip,
                        struct weft_err *e) WEFT_MUST_USE;
/* [windows, horizon] of a node, as it was and as it is. */
const float *weft_reconciler_base(const struct weft_reconciler *r, size_t node);
const float *weft_reconciler_result(const struct weft_reconciler *r, size_t node);

#endif
