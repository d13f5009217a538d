/* factor_model.h - factors (factors.h) of every series of a model, and what a model file holds of them.
 *
 * Model kind "dlinear-factors": the weights of kind "dlinear" forecast rests. Metadata "factors" (JSON array, an object
 * a target): "columns" (the choice: none, channels, weekday, days, months, year:N), "kappa", "log" (rests are log(1 +
 * rest)), "smear" (what the mean of such a forecast is multiplied by), "names" of the columns; "factor_channels" (JSON
 * array): "kind", "weekdays", "unit"; "factor_series": the ids. Their names and roles stand where exogenous channels do
 * (model.h). Tensors, with several targets each with a number: Factors.pooled f32 [columns], Factors.own [series,
 * columns], Factors.scale and Factors.mean [series]; Factors.reference [series, channels]. */
#ifndef WEFT_FACTOR_MODEL_H
#define WEFT_FACTOR_MODEL_H

#include "base/names.h"
#include "model/factors.h"
#include "model/model.h"

#define WEFT_FACTORS_MODEL "dlinear-factors"

struct weft_factor_target {
    struct weft_factor_shape shape;
    double kappa, smear;
    bool log;
    float *pooled, *own; /* [columns], [series, columns] */
    float *scale, *mean; /* [series] */
};
struct weft_factors {
    size_t n_targets, n_channels;
    struct weft_factor_target *target;
    struct weft_names series;
    float *reference; /* [series, channels] */
};
/* Tensors and metadata; m must live until the file is saved. names: of the channels. */
void weft_factors_write(const struct weft_factors *m, char *const *names, struct weft_st_writer *w);
/* *out stays NULL for a file of another kind. */
int weft_factors_read(const struct weft_st *st, const struct weft_model_info *info, struct weft_factors **out,
                      struct weft_err *e) WEFT_MUST_USE;
void weft_factors_free(struct weft_factors **m);

/* Of one series: f[x->n] = F open, its mean taken out, and rest[end] (factors.h) in the model's form; returns the
 * scale. A series that the model does not know has the pooled coefficients, and its own level up to step `level`.
 * Channels must be filled; x->reference is set aside. */
double weft_factors_apply(const struct weft_factors *m, size_t target, const void *id, size_t id_n,
                          const struct weft_factor_series *x, size_t level, size_t end, double *f, float *rest);

#endif
