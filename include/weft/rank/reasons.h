/* reasons.h - the records of explanations/1 streams (schemas/explanations.json), and what a ranking takes from them.
 *
 * Attrs: "step", "keys", "by" (the levels that aggregate added up to, when it did), "model", "horizon", "near": [from,
 * to], "far": [from, to], "groups": [names of the lag groups]. A frame is why a model forecasts what it does for one
 * channel of a series: {"id", "keys", "channel", "near", "near_mean", "far", "far_mean": means a day of the forecast,
 * and of the forecasts from all windows, "windows": their number, "profile": f32 [season] (as in forecasts, where
 * growth needs it), "phi_near", "phi_far": f64 [groups], which sum to near - near_mean and far - far_mean; "lags": f64
 * [2, lookback] (near, far), oldest first, when asked for}. */
#ifndef WEFT_REASONS_H
#define WEFT_REASONS_H

#include "base/names.h"
#include "measure/growth.h"
#include "record/series.h"
#include "show/table.h"

#define WEFT_EXPLANATIONS_SCHEMA "explanations/1"

enum { WEFT_REASONS_MAX = 7, WEFT_REASON_MOST = 10 };          /* a part above WEFT_REASON_MOST is said in words */
extern const char *const weft_reason_names[WEFT_REASONS_MAX];  /* last_week, weekday, month, quarter, year_ago, rest,
                                                                  channels: as enum weft_lag_group */
extern const char *const weft_reason_titles[WEFT_REASONS_MAX]; /* "last week", ... */

struct weft_reasons_attrs {
    int64_t step, horizon; /* seconds, steps */
    char **keys;
    size_t n_keys;
    const char *model;
    bool channels;          /* the model looks at exogenous channels: their group is there */
    size_t near[2], far[2]; /* days, from 1, both ends included */
};
/* Appends the attrs map. `series` (may be empty): the attrs of the input, whose "by" is passed on. */
void weft_reasons_attrs_write(const struct weft_reasons_attrs *a, struct weft_span series, struct weft_pack *b);

struct weft_reason {
    double near, near_mean, far, far_mean;
    uint64_t windows;
    bool channels; /* of a model with exogenous channels, whose group the others leave out */
    double phi_near[WEFT_REASONS_MAX], phi_far[WEFT_REASONS_MAX];
    struct weft_growth_shape shape; /* of the days, where near and far are not the same days of the season */
    bool reaches[WEFT_REASONS_MAX]; /* does the lookback reach as far as the group? The table alone asks */
};
/* The growth far / near, each side divided by the shape of its days; NaN: near is not above 0. */
double weft_reason_index(const struct weft_reason *r);
/* What it comes from, to first order: out[k] = (phi_far[k] / shape_far - growth * phi_near[k] / shape_near) / (near /
 * shape_near). False, and out is NaN: there is no growth. */
bool weft_reason_growth(const struct weft_reason *r, double out[WEFT_REASONS_MAX]);
/* A frame with the id, keys and other fields of `series` (a series or windows frame). lags[2, lookback] or NULL;
 * profile[season] or NULL. */
int weft_reason_write(const struct weft_reason *r, struct weft_span series, const char *channel, const double *lags,
                      size_t lookback, const float *profile, size_t season, struct weft_edit *edit, struct weft_pack *b,
                      struct weft_err *e) WEFT_MUST_USE;

/* The columns of a table of explanations, which has none before; and the rows of one: near, far and, where there is
 * one, growth. */
void weft_reason_columns(bool channels, struct weft_table *t);
void weft_reason_rows(const struct weft_reason *r, struct weft_span id, const char *channel, bool growth,
                      struct weft_table *t);

/* All explanations of a stream, added up by group and channel. */
struct weft_reasons;
/* level: a key, or "id"; spans: the days that must have been explained (78 otherwise). */
int weft_reasons_read(const char *endpoint, const struct weft_stream_opts *o, const char *level,
                      const struct weft_growth_spans *spans, struct weft_reasons **out,
                      struct weft_err *e) WEFT_MUST_USE;
void weft_reasons_free(struct weft_reasons **r);
/* What the growth far / near of a group's channel comes from: out[k] is the part of lag group k, to first order (0.08:
 * the growth index is 0.08 higher than it would be after average days). False: there is no explanation, or near is not
 * above 0. */
bool weft_reasons_of(const struct weft_reasons *r, struct weft_span group, struct weft_span channel,
                     double out[WEFT_REASONS_MAX]);
/* In words: "last week +8%, a year ago -2%": the two largest, without what rounds to 0%; "no single cause" when all do;
 * "last week far up" where it would be more than 1000%. The caller frees it. */
char *weft_reasons_text(const double part[WEFT_REASONS_MAX]);

#endif
