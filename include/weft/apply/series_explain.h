/* series_explain.h - why a linear model forecasts the latest days of series as it does: what explain does with a series
 * or windows stream. */
#ifndef WEFT_SERIES_EXPLAIN_H
#define WEFT_SERIES_EXPLAIN_H

#include "frame/run.h"
#include "show/table.h"

struct weft_series_explain_options {
    const char *model;      /* a file of a linear model */
    const char *near, *far; /* "FROM:TO" or NULL: as growth.h has them */
    const char *channel;    /* NULL: all that the model knows */
    bool frames, lags;      /* frames: an explanations stream, and no table; lags: every single lag in it, too */
};

struct weft_series_explainer;
/* Opens the model, checks that it fits the stream, and writes the head of an explanations stream or the columns of
 * `table`. `o` and `table` must outlive it. 78 when the model is not linear or does not fit. */
int weft_series_explainer_start(struct weft_run *run, const struct weft_series_explain_options *o,
                                struct weft_table *table, struct weft_series_explainer **out,
                                struct weft_err *e) WEFT_MUST_USE;
/* One series: a frame out, or rows, for each of its channels. One that can't be explained counts as rejected. */
int weft_series_explainer_frame(struct weft_run *run, struct weft_series_explainer *s, struct weft_span frame,
                                struct weft_err *e) WEFT_MUST_USE;
/* Says what was left out. 65 or 78 when nothing could be explained of all that came. */
int weft_series_explainer_drain(struct weft_run *run, const struct weft_series_explainer *s,
                                struct weft_err *e) WEFT_MUST_USE;
/* For people, after the table: what its columns are, and where it has no growth. */
void weft_series_explainer_notes(const struct weft_series_explainer *s, FILE *f);
void weft_series_explainer_free(struct weft_series_explainer **s);

#endif
