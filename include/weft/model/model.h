/* model.h - forecasting models as `score` sees them, and what every model file holds.
 *
 * A model file is a safetensors file. Its metadata: "weft.model" (the name score looks up), "lookback", "horizon",
 * "stride", "scale" (none|standard|minmax), "step" (seconds), "channels" (JSON array), "by" (the key whose values name
 * the groups, "all" for one), "groups" (JSON array of those values, in the order of the weights), "until" (seconds
 * since 1970: the first step that neither training nor validation saw; absent when that is not known), "lineage"
 * (JSON), and every option of the trainer that changes the result. A model with exogenous channels adds "exogenous"
 * (JSON array of their names, in the order of the weights), "roles" (JSON array: past, future, static), "relative"
 * (JSON array of those that count relative to their mean), "exog_lags" and "exog_effect" (exog.h); "channels" are its
 * targets. Weights exist once per unit = group * n_channels + channel. Tensor "residuals" f32 [units, rows, horizon]
 * keeps errors of validation windows (actual - forecast, in scaled units, divided by weft_local_spread of the window's
 * lookback); rows that were not filled are NaN. "residual_floor" f32 [units] is the spread used for a flat lookback.
 * Tensor "residual_spread" f32 [units, rows] (may be absent, and is where series are not scaled): the spread that each
 * row was divided by.
 * Tensor "covariance" f32 [units, horizon, horizon] (only in models of scaled series; may be absent): the joint second
 * moments of the errors of all validation windows, in scaled units. Tensor "freedom" f32 [units] (may be absent): how
 * many of these errors are independent.
 *
 * A new model is src/model/NAME.c with one WEFT_MODEL(NAME, …) in it and src/cmd/train-NAME.c; nothing else changes. */
#ifndef WEFT_MODEL_H
#define WEFT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/terms.h"
#include "model/exog.h"
#include "nn/safetensors.h"

/* No model file holds, and nobody asks for, the covariance of more steps than these. */
enum { WEFT_COVARIANCE_HORIZON_MAX = 128 };

struct weft_model_info {
    char *name;
    int64_t lookback, horizon, stride, step;
    enum weft_scale scale;
    char *by;
    char **groups;
    size_t n_groups;
    char **channels;
    size_t n_channels;
    char **exogenous; /* names */
    size_t n_exogenous;
    struct weft_exog_shape exog; /* n = n_exogenous; 0: the model looks at its target alone */
    int64_t until;               /* seconds; 0: not known */
};
int weft_model_info_read(const struct weft_st *st, struct weft_model_info *info, struct weft_err *e) WEFT_MUST_USE;
/* A JSON array of texts as metadata. */
void weft_st_writer_meta_list(struct weft_st_writer *w, const char *key, char *const *items, size_t n);
void weft_model_info_write(const struct weft_model_info *info, struct weft_st_writer *w);
/* Its part about exogenous channels alone, for trainers that give weft_model_info_write none. */
void weft_model_exog_write(const struct weft_exog_shape *x, char *const *names, struct weft_st_writer *w);
/* And back: exogenous, n_exogenous and exog of info, whose lookback and horizon are set. Nothing when the file names
 * none. */
int weft_model_exog_read(const struct weft_st *st, struct weft_model_info *info, struct weft_err *e) WEFT_MUST_USE;
void weft_model_info_free(struct weft_model_info *info);

/* The name of a unit's tensor: "Linear_Trend.weight", or with several units "Linear_Trend.7.weight", as torch's
 * ModuleList names them. */
void weft_model_tensor_name(char buf[64], const char *part, size_t unit, size_t units, const char *kind);

/* One kind of model. */
struct weft_apply_job;
struct weft_model_kind {
    const char *name;
    /* Builds the model from its file; everything is checked against info. */
    int (*load)(const struct weft_st *st, const struct weft_model_info *info, void **self, struct weft_err *e);
    void (*free)(void *self);
    /* y[i*horizon ..] = forecast for the window x[i] .. x[i]+lookback, i < batch, all in scaled units, by the weights
     * of `unit`. Rows are views (x[i] points into the series). No NaN in x. Not thread-safe on one self. A model with
     * exogenous channels finds behind the lookback room for the horizon, which it does not look at, and behind that the
     * window's features (exog.h). */
    void (*forecast)(void *self, size_t unit, const float *const *x, size_t batch, float *y);
    /* NULL, or, when forecasts are linear in the lookback: forecast[h] = sum over l of r[h*lookback + l] x[l] + b[h],
     * in scaled units. r[horizon, lookback], b[horizon]; and with exogenous channels exog[horizon, weft_exog_weights]:
     * what each feature adds. */
    void (*linear)(void *self, size_t unit, double *r, double *b, double *exog);
    /* NULL, or instead of forecast, for a model of whole models (ensemble.h): forecast[windows, horizon] of a job
     * (apply.h) in original units, NaN where there is none. */
    void (*whole)(void *self, size_t unit, const struct weft_apply_job *job, float *forecast);
};
/* Puts a kind into the table that score searches (a linker section: link the model's object file itself). */
#define WEFT_MODEL(ident, ...)                                                                                         \
    static const struct weft_model_kind weft_model_kind_##ident = {__VA_ARGS__};                                       \
    static const struct weft_model_kind *const weft_model_entry_##ident                                                \
        __attribute__((used, section("weft_models"))) = &weft_model_kind_##ident
const struct weft_model_kind *weft_model_find(const char *name);
/* "dlinear, lstm" for messages. */
void weft_model_names(char *buf, size_t cap);

/* An opened forecaster: file, info, kind and self, with the conformal residuals. */
struct weft_forecaster;
int weft_forecaster_open(const char *path, struct weft_forecaster **out, struct weft_err *e) WEFT_MUST_USE;
/* The same of a file's bytes, which must outlive it; where: what errors call it. */
int weft_forecaster_open_bytes(const void *p, size_t n, const char *where, struct weft_forecaster **out,
                               struct weft_err *e) WEFT_MUST_USE;
void weft_forecaster_close(struct weft_forecaster **f);
const struct weft_model_info *weft_forecaster_info(const struct weft_forecaster *f);
/* The whole file, [*n], valid as long as it is open. */
const void *weft_forecaster_bytes(const struct weft_forecaster *f, size_t *n);
void weft_forecaster_sha256(const struct weft_forecaster *f, char out[65]);
/* Unit of a group's text (NULL: the series has none) and a channel; SIZE_MAX when the model has none. */
size_t weft_forecaster_unit(const struct weft_forecaster *f, const char *group, size_t group_n, size_t channel);
/* The forecast as a matrix (weft_model_kind.linear). False when the model is not linear. r == NULL asks alone. */
bool weft_forecaster_linear(struct weft_forecaster *f, size_t unit, double *r, double *b, double *exog);
/* What its forecasts are the rest of (factor_model.h); NULL: they are forecasts as they are. */
struct weft_factors;
const struct weft_factors *weft_forecaster_factors(const struct weft_forecaster *f);
void weft_forecaster_run(struct weft_forecaster *f, size_t unit, const float *const *x, size_t batch, float *y);
/* A model of whole models: their forecast of a job (weft_model_kind.whole). False: it is none, and weft_forecaster_run
 * is its way. forecast NULL asks alone. */
bool weft_forecaster_whole(struct weft_forecaster *f, size_t unit, const struct weft_apply_job *job, float *forecast);
/* out[l*horizon + h] = offset to add to the forecast, per quantile level l, in scaled units for a window with spread
 * `spread`: of the n residuals of step h the one that conformal.h says, times spread; NaN, no bound, where they are too
 * few for the level. False when the unit has no residuals. */
bool weft_forecaster_offsets(const struct weft_forecaster *f, size_t unit, float spread, const double *levels,
                             size_t n_levels, float *out);
/* n, the residuals that the unit's quantiles are made of. */
size_t weft_forecaster_errors(const struct weft_forecaster *f, size_t unit);
/* cov[h*horizon + g] = covariance of the errors of steps h and g in scaled units (mean not removed: it is part of the
 * error): tensor "covariance" where the file has it, for windows of any spread; else that of the residual rows
 * (weft_errors_covariance), for spread 1 (*by_spread: to be multiplied with what a step's error is divided by, the
 * window's spread or weft_step_spread). False when there are none. */
bool weft_forecaster_covariance(const struct weft_forecaster *f, size_t unit, float *cov, bool *by_spread);
/* How many independent errors the covariance of a unit stands on: tensor "freedom" where the file has it;
 * else as if all residual rows were of one series, 1 + (rows - 1) * stride / horizon, since windows that overlap share
 * their errors. Where rows count by their spread it is less by weft_errors_covariance's share. */
double weft_forecaster_freedom(const struct weft_forecaster *f, size_t unit);
/* The same of n windows, one every `stride` steps, of so many series: the first of each, and what is
 * new in the others. */
double weft_window_freedom(uint64_t windows, uint64_t series, size_t stride, size_t horizon);
float weft_forecaster_floor(const struct weft_forecaster *f, size_t unit);

/* Spread of a lookback window in scaled units: standard deviation over its n values (float64 sums), at least `floor`.
 */
float weft_local_spread(const float *x, size_t n, float floor);

/* The spread of a step's error where a forecast knows more than its lookback (exogenous channels): a promotion that
 * doubles the sales doubles their errors, though the lookback is flat. The root of the squares of a window's spread and
 * of what the step's forecast y is above its mean level. */
float weft_step_spread(float spread, float level, float y);
/* Mean of a lookback window (float64 sums). */
float weft_local_level(const float *x, size_t n);

/* Collects residual rows for one unit with bounded memory: of all rows offered, the `cap` with the smallest hashes are
 * kept, so the choice depends neither on the order of the series nor on how they were split over machines. */
struct weft_residuals {
    size_t cap, n, width; /* width = floats kept per row */
    uint64_t *hash;       /* max-heap by (hash) */
    float *rows;          /* [cap, width] */
};
void weft_residuals_init(struct weft_residuals *r, size_t cap, size_t width);
void weft_residuals_free(struct weft_residuals *r);
/* True when a row with this hash would be kept: then fill the returned row. NULL: not kept. */
float *weft_residuals_offer(struct weft_residuals *r, uint64_t hash);
/* Lowers cap: what is kept then is what a smaller cap would have kept from the beginning. */
void weft_residuals_limit(struct weft_residuals *r, size_t cap);
/* Sorts rows by hash so that the content has one order; no offers after it. */
void weft_residuals_sort(struct weft_residuals *r);
/* How many rows each of `units` gets: 65536 in all, at least 100 and at most 1000. */
size_t weft_residuals_cap(size_t units);
/* Kept windows [lookback + horizon] in scaled units become the model file's rows: out[rows, horizon] = (actual -
 * forecast) / weft_local_spread, in order of their hashes, NaN where there are none, and *floor, the spread of a flat
 * lookback: 0.1 of the mean spread of the kept rows. Flat rows are left out where they are less than half, or enough
 * others are left: their errors say nothing about what moves. by_forecast: divided by weft_step_spread. spread[rows]:
 * of each row's window, NaN where there is none; or NULL. */
void weft_residuals_finish(struct weft_residuals *r, size_t lookback, size_t horizon,
                           void (*forecast)(void *self, size_t unit, const float *const *x, size_t batch, float *y),
                           void *self, size_t unit, size_t rows, bool by_forecast, float *out, float *floor,
                           float *spread);

/* What a model file holds of the errors of its units: the one way from kept windows to intervals of steps (quantiles of
 * the rows), of sums over the horizon and of growth (their covariance). Trainers and calibrate fill it. */
struct weft_errors {
    size_t units, rows, horizon;
    float *residuals, *spread; /* [units, rows, horizon], [units, rows] */
    float *floor, *freedom;    /* [units]; freedom NaN: not told */
};
void weft_errors_init(struct weft_errors *x, size_t units, size_t horizon); /* rows: weft_residuals_cap(units) */
/* weft_residuals_finish of unit i, with unit 0 of the forecaster. */
void weft_errors_take(struct weft_errors *x, size_t i, struct weft_residuals *keep, size_t lookback,
                      void (*forecast)(void *self, size_t unit, const float *const *x, size_t batch, float *y),
                      void *self, bool by_forecast);
/* Tensors; x must live until the file is saved. alike: series are scaled (or rests), so that a spread far below the
 * others' is a series that hardly moves, and not a small one. */
void weft_errors_write(const struct weft_errors *x, bool alike, struct weft_st_writer *w);
void weft_errors_free(struct weft_errors *x);
/* Mean over residual rows [rows, horizon] of the products of two steps' errors, by spread: cov[horizon, horizon]. With
 * spread [rows] a row counts by the square of its window's spread, up to that of the mean spread: what a series that
 * hardly moves errs once, in units of next to nothing, would else be thousandfold what it is for all others. Returns
 * how many rows there are; *share: the part of them that count, by Kish (sum w)^2 / (n sum w^2). */
size_t weft_errors_covariance(const float *residuals, const float *spread, size_t rows, size_t horizon, double *cov,
                              double *share);
/* What rows [rows, horizon] say of sums over the horizon and of growth beyond their second moments, which make
 * intervals of 90 % too wide where few rows err much, and too narrow where many do: 1'C1 becomes what holds 90 % of
 * their sums if these were normal, and c'Cc alike, c being the last quarter of the horizon less the first. C becomes T
 * C T, T = g (I - 11'/H) + s 11'/H, so what was a covariance stays one; s and g are drawn towards 1 as if by 20 errors,
 * of which `freedom` are independent. */
void weft_errors_calibrate(const float *residuals, size_t rows, size_t horizon, double freedom, double *cov);

#endif
