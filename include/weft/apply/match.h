/* match.h - a forecasting model and the stream that it is applied to: where the model's groups, channels and scale
 * stand in it, and whether the stream has what the model needs to know ahead. score, backtest and explain ask here.
 *
 * `who`: what errors call the model ("model dlinear", or its file). What does not fit is 78. */
#ifndef WEFT_MATCH_H
#define WEFT_MATCH_H

#include "model/model.h"
#include "record/series.h"

/* *key: the key of the stream whose values name the model's groups (weft_series_key). */
int weft_match_key(const struct weft_series_attrs *a, const struct weft_model_info *m, const char *who, int *key,
                   struct weft_err *e) WEFT_MUST_USE;
/* Has the model the horizon and the scale of the stream's windows? 78 when not. */
int weft_match_windows(const struct weft_series_attrs *a, const struct weft_model_info *m, const char *who,
                       struct weft_err *e) WEFT_MUST_USE;
/* at[c], c < a->n_targets: the model's own index of the stream's target c; SIZE_MAX: it has none. An error when they
 * share none. only: the channel that --channel asks for, all others count as not shared; NULL: every one. */
int weft_match_channels(const struct weft_series_attrs *a, const struct weft_model_info *m, const char *who,
                        const char *only, size_t *at, struct weft_err *e) WEFT_MUST_USE;
/* at[k] (of WEFT_EXOG_MAX): which channel of the stream is the model's exogenous channel k. An error when it has none
 * of its name. */
int weft_match_exogenous(const struct weft_series_attrs *a, const struct weft_model_info *m, const char *who,
                         size_t *at, struct weft_err *e) WEFT_MUST_USE;

/* Does the model need values of the days that it forecasts? */
bool weft_match_needs_ahead(const struct weft_model_info *m);
/* Can the stream have them for a forecast from its last day with targets? An error with the dates that its calendar
 * lacks. */
int weft_match_calendar_ahead(const struct weft_series_attrs *a, const struct weft_model_info *m, const char *who,
                              struct weft_err *e) WEFT_MUST_USE;
/* Has this series them for a forecast of the steps from `origin` on? at: weft_match_exogenous. An error with the steps
 * that are missing. */
int weft_match_series_ahead(const struct weft_series_attrs *a, const struct weft_series *s,
                            const struct weft_model_info *m, const char *who, const size_t *at, size_t origin,
                            struct weft_err *e) WEFT_MUST_USE;

/* False: of some channel that the model needs ahead the series knows nothing at all there (it is no longer planned to
 * be sold). */
bool weft_match_series_planned(const struct weft_series *s, const struct weft_model_info *m, const size_t *at,
                               size_t origin);

/* Which targets' forecasts are kept at 0 or above [a->n_targets]: all or none, as *nonnegative says when told so
 * (--nonnegative), else those that count something (weft_channel_is_count). *nonnegative becomes whether any is. The
 * caller frees it. */
bool *weft_match_clip(const struct weft_series_attrs *a, bool told, bool *nonnegative);

#endif
