/* factored.h - factors (model/factors.h) chosen and fitted for all series of a windows stream, and the exact linear
 * model on what they leave.
 *
 * Series are held in memory. Rolling-origin folds at one, two and three horizons before the end of the validation part
 * choose, each from what was known at its origin and with factors fitted anew: the columns (at kappa 32; none among
 * them), then kappa of 2, 8, 32, 128, by the mean WAPE of a plain linear model on the rest, as it is and as logarithm.
 * Of many series a sample is looked at, the same whatever their order. Then two trainers fit the rests with all their
 * tuning, each series counting by its scale; the one whose forecasts of the validation windows have the smaller WAPE in
 * original units is the model. */
#ifndef WEFT_FACTORED_H
#define WEFT_FACTORED_H

#include "model/factor_model.h"
#include "train/dlinear_units.h"

struct weft_factored;
struct weft_factored_options {
    const struct weft_list *columns;  /* "auto", or a set (weft_factor_set_parse) */
    const struct weft_list *relative; /* channels that are prices */
    bool channels;                    /* those known ahead are used */
    bool refit; /* factors from all steps with targets, not those up to the end of the validation part */
};
/* attrs: of the windows stream, must live. 78 for steps other than days and weeks. */
int weft_factored_start(const struct weft_factored_options *o, const struct weft_series_attrs *attrs,
                        struct weft_factored **out, struct weft_err *e) WEFT_MUST_USE;
void weft_factored_add(struct weft_factored *f, const struct weft_series *s);
/* Fits everything: raw and log are trainers of the same stream, started and without series, with exog false. raw has
 * the model afterwards. */
int weft_factored_fit(struct weft_factored *f, struct weft_dlinear_trainer *raw, struct weft_dlinear_trainer *log_of,
                      struct weft_err *e) WEFT_MUST_USE;
/* What was chosen and by which errors, and what there was to say on the way: a line for each target. */
void weft_factored_say(const struct weft_factored *f, struct weft_run *run);
void weft_factored_write(const struct weft_factored *f, struct weft_st_writer *w);
void weft_factored_free(struct weft_factored **f);

#endif
