/* apply.h - a model file or a baseline, applied to many windows of one series: what score does between decoding and
 * encoding.
 *
 * Values come and go in original units; scaling, batching, intervals and the limit at zero happen here. */
#ifndef WEFT_APPLY_H
#define WEFT_APPLY_H

#include "model/baseline.h"
#include "model/model.h"

struct weft_apply;

/* item: "[NAME=]FILE" or "[NAME=]BASELINE" (baseline.h). Without a name a model goes by its kind, a baseline by its
 * text. */
int weft_apply_open(const char *item, struct weft_apply **out, struct weft_err *e) WEFT_MUST_USE;
/* The same of a model file's bytes, which must outlive it; where: what errors call it. */
int weft_apply_open_bytes(const void *p, size_t n, const char *where, struct weft_apply **out,
                          struct weft_err *e) WEFT_MUST_USE;
void weft_apply_close(struct weft_apply **a);
const char *weft_apply_name(const struct weft_apply *a);
void weft_apply_rename(struct weft_apply *a, const char *name);
/* What stands for it in lineage: "[NAME=]sha256 of the file" or the baseline's text. The caller frees it. */
char *weft_apply_identity(const struct weft_apply *a);
const struct weft_model_info *weft_apply_info(const struct weft_apply *a); /* NULL: a baseline */
/* Its model file, [*n], valid as long as it is open; NULL: a baseline. */
const void *weft_apply_bytes(const struct weft_apply *a, size_t *n);
const struct weft_baseline *weft_apply_baseline(const struct weft_apply *a); /* NULL: a model */
/* The unit for a group's text and a channel of the model; SIZE_MAX when it has none. */
size_t weft_apply_unit(const struct weft_apply *a, const char *group, size_t group_n,
                       size_t channel); /* group NULL: the series has none; of a baseline 0 */

/* Windows of one channel of one series: window w forecasts steps origin + w*stride .. + horizon. */
struct weft_apply_job {
    const float *x; /* [n], original units; NaN: missing */
    size_t n;
    double shift, factor;          /* scaled = (x - shift) / factor */
    const float *const *exogenous; /* of a model that has some: its channels [n], in its order (exog.h) */
    size_t known, train; /* with them: where targets end, and the train part, which relative channels refer to */
    size_t origin, stride, windows;
    const void *id; /* of a model with factors: the series, and when it begins (seconds) */
    size_t id_n;
    int64_t start;
    size_t horizon; /* of a baseline; a model has its own */
    size_t guard;   /* a window with a NaN in the `guard` steps before its origin is left out, whatever the model */
    bool nonnegative;
    const double *levels;
    size_t n_levels;
};
/* Results, NaN where a window was left out. Owned and reused; zero-initialise, weft_apply_result_free at the end. */
struct weft_apply_result {
    float *forecast;   /* [windows, horizon] */
    float *quantiles;  /* [levels, windows, horizon]; NULL: none */
    float *covariance; /* [horizon, horizon] of the last window's errors, original units; NULL: none or not asked for */
    double freedom;    /* independent errors that it stands on (model.h) */
    size_t skipped;    /* windows left out */
    size_t few; /* errors of the model's unit, when they are too few for a level (its quantiles are NaN); else 0 */
    struct {
        void *p;
        size_t cap;
    } room[9];
};
void weft_apply_run(struct weft_apply *a, size_t unit, const struct weft_apply_job *job, bool covariance,
                    struct weft_apply_result *out);
/* A forecast of `cells` values of which none could be made. */
void weft_apply_nothing(size_t cells, struct weft_apply_result *out);
void weft_apply_result_free(struct weft_apply_result *r);

#endif
