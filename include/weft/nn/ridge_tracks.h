/* ridge_tracks.h - ridge.h for a Gram matrix of several tracks: a target with exogenous channels beside it. ridge.h
 * asks it, nobody else.
 *
 * Step h sees the lookback, the lags of all channels, and of each channel known ahead its own day alone (columns.h), so
 * that the system stays small: one eigendecomposition of what the steps share serves every ridge weight, the own part
 * of each step is its Schur complement. The columns of a channel are brought to the mean square of the lookback's
 * first, so that the ridge means the same for all. */
#ifndef WEFT_RIDGE_TRACKS_H
#define WEFT_RIDGE_TRACKS_H

#include "nn/ridge.h"

/* m[V, V]: G as a fit sees it: the target's places less what the norm subtracts from a window, or, with norm none,
 * everything less mean[V]; times scale[V] on both sides. */
void weft_ridge_tracks_moments(const struct weft_gram *g, size_t lookback, size_t horizon, enum weft_norm norm,
                               const double *mean, const double *scale, double *m);

struct weft_ridge_tracks;
int weft_ridge_tracks_new(const struct weft_gram *train, size_t lookback, size_t horizon, enum weft_norm norm,
                          struct weft_ridge_tracks **out, struct weft_err *e) WEFT_MUST_USE;
void weft_ridge_tracks_free(struct weft_ridge_tracks **r);
void weft_ridge_tracks_score(const struct weft_ridge_tracks *r, const struct weft_gram *valid, const double *ridge,
                             size_t n, double *mse);
void weft_ridge_tracks_weights(const struct weft_ridge_tracks *r, double ridge, double *w, double *bias, double *v);

#endif
