/* series_score.h - forecasting models and baselines applied to a series or windows stream: what score does with one. */
#ifndef WEFT_SERIES_SCORE_H
#define WEFT_SERIES_SCORE_H

#include "record/forecasts.h"
#include "frame/run.h"

/* Which windows: the one behind the last step with a target, or all of a part, with the values that came. */
enum weft_score_part { WEFT_SCORE_LATEST, WEFT_SCORE_TEST, WEFT_SCORE_VALID, WEFT_SCORE_ALL };

/* As they were given; in the program's state, so that what was chosen stands in lineage. */
struct weft_series_score_options {
    struct weft_list models;        /* "[NAME=]MODEL or baseline" */
    int part;                       /* enum weft_score_part */
    double levels[WEFT_MAX_LEVELS]; /* of quantiles, ascending */
    size_t n_levels;
    int64_t horizon, season; /* steps; 0: becomes that of the models or windows, and the usual one */
    bool nonnegative;        /* when --nonnegative was given; else becomes whether any channel is kept at 0 or above */
};

struct weft_series_scorer;
/* Opens the models, checks that they fit the stream, and writes the head of a forecasts stream. `o` must outlive the
 * scorer. Frames are held until the end when a model needs values ahead: then none goes out before every series is
 * known to have them. The program must be one that `acknowledges`. */
int weft_series_scorer_start(struct weft_run *run, struct weft_series_score_options *o, struct weft_series_scorer **out,
                             struct weft_err *e) WEFT_MUST_USE;
/* One series in; a frame out for each channel and model, or several where a part has many windows. What can't be
 * forecast of the latest part has a frame that says why (forecasts.h). A series of which nothing can be forecast counts
 * as rejected. */
int weft_series_scorer_frame(struct weft_run *run, struct weft_series_scorer *s, struct weft_span frame,
                             struct weft_err *e) WEFT_MUST_USE;
/* Says what was left out. 65 or 78 when a model forecast nothing of all that came. */
int weft_series_scorer_drain(struct weft_run *run, struct weft_series_scorer *s, struct weft_err *e) WEFT_MUST_USE;
void weft_series_scorer_free(struct weft_series_scorer **s);

#endif
