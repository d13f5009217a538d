/* window.h - borders of train, validation and test, and scales fitted on the train part. */
#ifndef WEFT_WINDOW_H
#define WEFT_WINDOW_H

#include "record/series.h"

/* How the calendar is split: three fractions of it (their sum at most 1), or three numbers of steps. */
struct weft_split {
    bool fractions;
    double part[WEFT_PARTS];
};
/* "0.64,0.16,0.20" (what is left of 1 stays unused) or "8640,2880,2880". Three items; a number above 1 makes all of
 * them steps. */
int weft_split_parse(char *const *items, size_t n, struct weft_split *out, struct weft_err *e) WEFT_MUST_USE;

/* Ends of the parts on a calendar of `length` steps, as LTSF-Linear's loaders cut them: train and test are rounded
 * down, validation takes the rest. An error when there are more steps asked for than the calendar has. */
int weft_split_borders(const struct weft_split *s, size_t length, size_t borders[WEFT_PARTS],
                       struct weft_err *e) WEFT_MUST_USE;

/* The calendar's borders in steps of this series, which may begin later or end earlier. */
void weft_split_own(const size_t borders[WEFT_PARTS], const struct weft_series_attrs *a, const struct weft_series *s,
                    size_t split[WEFT_PARTS]);

/* Makes the series frame in `edit` a windows frame: adds its split (in its own steps) and its scale
 * (weft_scale_fit_train of each target); exogenous channels are left as they are. */
void weft_windows_mark(const struct weft_series *s, const struct weft_series_attrs *a, const size_t split[WEFT_PARTS],
                       enum weft_scale scale, struct weft_edit *edit);

/* What was known when the calendar had `length` steps: the windows frame of that, from a series or windows frame with
 * all its other fields, appended to b. borders: of that shorter calendar. 1; 0: the series had not begun; -1: an error.
 * `edit` is working room. */
int weft_windows_until(const struct weft_series *s, const struct weft_series_attrs *a, size_t length,
                       const size_t borders[WEFT_PARTS], enum weft_scale scale, struct weft_edit *edit,
                       struct weft_pack *b, struct weft_err *e) WEFT_MUST_USE;

/* Shift and factor of one channel's n values (NaN: missing), so that scaled = (x - shift) / factor: standard: mean and
 * standard deviation (ddof 0), minmax: minimum and range. Without spread the factor is 1; without a value, 0 and 1.
 * float64 sums in order. */
void weft_scale_fit(enum weft_scale kind, const float *x, size_t n, double *shift, double *factor);
/* The scale of a series x[n] whose first `train` steps are known: fitted on these. Where nothing happens in them (a
 * product that is sold only since), their spread would say nothing, and its sales would stand among other series'
 * scaled ones in units, a hundred times too large: then the factor is the root of the mean squared difference from this
 * constant, from the first step that differs. */
void weft_scale_fit_train(enum weft_scale kind, const float *x, size_t train, size_t n, double *shift, double *factor);
/* Those of channel c for a forecast: as a windows frame says, or, for a series as it is, fitted to its first n values.
 */
void weft_scale_of(const struct weft_series *s, size_t c, enum weft_scale kind, size_t n, double *shift,
                   double *factor);

#endif
