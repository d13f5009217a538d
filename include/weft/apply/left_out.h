/* left_out.h - why a series can't be forecast from its end, in words for those who look for it in a table. */
#ifndef WEFT_LEFT_OUT_H
#define WEFT_LEFT_OUT_H

#include <stddef.h>

#include "model/baseline.h"
#include "model/model.h"
#include "record/series.h"

struct weft_left_out_job {
    const struct weft_series_attrs *attrs;
    const struct weft_series *series;
    size_t channel, origin;             /* origin: steps before the first one that would be forecast */
    const char *model;                  /* its name */
    const struct weft_model_info *info; /* NULL: a baseline */
    const size_t *exogenous;            /* the series' channels that the model looks at beside */
};
/* "its last day, 2024-05-01, is missing". baseline: NULL with a model. What is looked for, in this order: any value at
 * all, missing ones in the lookback, enough of them, a channel beside without a value. The caller frees it. */
char *weft_left_out_why(const struct weft_left_out_job *j, const struct weft_baseline *baseline);

#endif
