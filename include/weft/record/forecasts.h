/* forecasts.h - the records of forecasts/1 streams (schemas/forecasts.json), and the names of those made of them.
 *
 * Attrs: "step": "day", "keys": [names], "channels": [names], "horizon", "season" (steps, of MASE), "scale"
 * (none|standard|minmax), "levels": f64 [levels] (of the quantiles; empty without). A frame is what one model says of
 * one channel of one series, for windows at a regular distance:
 * {"id", "keys": {name: str}, "model": str, "channel": str, "part": "latest"|"train"|"valid"|"test", "origin": date of
 * the first step that the first window forecasts, "stride": steps from one window's origin to the next, "forecast": f32
 * [windows, horizon], and where they apply "baseline": true, "actual": f32 [windows, horizon] (not for latest),
 * "quantiles": f32 [levels, windows, horizon], "covariance": f32 [horizon, horizon] of the forecast's errors (latest
 * alone), "profile": f32 [season] (latest alone: mean of the series by phase over its last eight whole seasons before
 * the origin, phase 0 that of the first step forecast; of steps with a season, growth.h), "skipped": windows that could
 * not be forecast (their rows are NaN), "scale": f64 [2] (shift, factor: scaled = (x - shift) / factor), "naive": f64
 * [3] (mean |x_t - x_{t-1}|, mean (x_t - x_{t-1})^2, mean |x_t - x_{t-season}| over the train part from the first
 * non-zero value)}. "freedom": number, the independent errors that "covariance" stands on (without it: enough). A
 * quantile is NaN where the model keeps too few validation errors for its level; "errors" says then how many. A series
 * of which the latest part could not be forecast has a frame too: its forecast is NaN throughout, and "why" says in
 * words what was in the way. Values are in original units. A series with many windows comes in several frames, one
 * behind the other, each with its own origin. Fields of the series frame that score does not know are passed on. */
#ifndef WEFT_FORECASTS_H
#define WEFT_FORECASTS_H

#include "record/series.h"

#define WEFT_METRICS_SCHEMA "metrics/1"

enum { WEFT_MAX_LEVELS = 64 };

struct weft_forecasts_attrs {
    int64_t step; /* seconds */
    int64_t horizon, season;
    enum weft_scale scale;
    char **keys, **channels; /* each one allocation, or the caller's own */
    size_t n_keys, n_channels;
    double levels[WEFT_MAX_LEVELS]; /* ascending, each in (0, 1) */
    size_t n_levels;
};
int weft_forecasts_attrs_read(const struct weft_head *h, struct weft_forecasts_attrs *a,
                              struct weft_err *e) WEFT_MUST_USE;
/* Appends the attrs map. `extra` (may be empty): entries of the input's attrs; those that only series have are left
 * out, unknown ones kept. */
void weft_forecasts_attrs_write(const struct weft_forecasts_attrs *a, struct weft_span extra, struct weft_pack *b);
void weft_forecasts_attrs_free(struct weft_forecasts_attrs *a); /* what weft_forecasts_attrs_read made */

/* One frame, as views into it. Arrays are row-major; NULL: absent. */
struct weft_forecasts {
    struct weft_span id, model, channel, part;
    struct weft_span why;                /* n > 0: not forecast, and why */
    struct weft_span key[WEFT_MAX_KEYS]; /* in the order of attrs.keys; p == NULL when absent */
    bool baseline;
    int64_t origin; /* seconds */
    int64_t stride;
    size_t windows, horizon;
    uint64_t skipped;
    uint64_t errors;                /* > 0: too few for some level */
    const float *forecast, *actual; /* [windows, horizon] */
    const float *quantiles;         /* [levels, windows, horizon] */
    const float *covariance;        /* [horizon, horizon] */
    double freedom;                 /* of the covariance; INFINITY: not told */
    const float *profile;           /* [season], growth.h */
    double scale[2], naive[3];      /* (0, 1) and NaN when absent */
    struct weft_scratch scratch[5]; /* owned: reuse the struct from frame to frame */
};
/* Decodes and checks shapes against attrs. Zero-initialise once; weft_forecasts_free at the end. */
int weft_forecasts_read(struct weft_span frame, const struct weft_forecasts_attrs *a, struct weft_forecasts *f,
                        struct weft_err *e) WEFT_MUST_USE;
void weft_forecasts_free(struct weft_forecasts *f);

/* Appends a frame to b: the fields of `series` (a series or windows frame: id, keys and what we do not know of it) and
 * those of f; f->id and f->key are not looked at. `edit` is working room. */
int weft_forecasts_write(const struct weft_forecasts *f, const struct weft_forecasts_attrs *a, struct weft_span series,
                         struct weft_edit *edit, struct weft_pack *b, struct weft_err *e) WEFT_MUST_USE;

/* The key `name` ("id" and "all" included) as weft_series_key; its text for one frame (empty span: the series has
 * none). */
int weft_forecasts_key(const struct weft_forecasts_attrs *a, const char *name);
struct weft_span weft_forecasts_key_text(const struct weft_forecasts *f, int k);

/* Three measures of how hard a series is, for MASE and RMSSE: naive[3] as above from x[0..n) (NaN: missing). A measure
 * without a pair is NaN. */
void weft_naive_errors(const float *x, size_t n, size_t season, double naive[3]);

#endif
