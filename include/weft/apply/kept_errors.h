/* kept_errors.h - errors of forecasts of any kind, from what was said and what came to what a model file keeps of them
 * (weft_errors, model.h): train-ensemble's folds and calibrate's windows. */
#ifndef WEFT_KEPT_ERRORS_H
#define WEFT_KEPT_ERRORS_H

#include "frame/span.h"
#include "model/model.h"

struct weft_kept_errors {
    const struct weft_model_info *info; /* of the model; its exog.by_forecast says how errors go */
    struct weft_residuals *rows;        /* [units]: lookback and what came, what was said [horizon] */
    uint64_t *offered, *series;         /* [units]: windows, and series that had some */
};
/* info must live. */
void weft_kept_errors_init(struct weft_kept_errors *k, const struct weft_model_info *info);
void weft_kept_errors_free(struct weft_kept_errors *k);
/* The unit of a group's text (p NULL: the series has none) and a channel; SIZE_MAX: the model has none. */
size_t weft_kept_errors_unit(const struct weft_kept_errors *k, struct weft_span group, size_t channel);
/* One window: what came stands at actual[horizon], the lookback before it; said[horizon], all in original units; scaled
 * = (x - shift) / factor. hash: of the window (weft_residuals_offer). Windows with a missing value are no errors:
 * false. */
bool weft_kept_errors_add(struct weft_kept_errors *k, size_t unit, const float *actual, const float *said, double shift,
                          double factor, uint64_t hash);
/* stride: steps from window to window, of which errors share what they overlap. */
void weft_kept_errors_write(struct weft_kept_errors *k, size_t stride, struct weft_errors *room,
                            struct weft_st_writer *w);

#endif
