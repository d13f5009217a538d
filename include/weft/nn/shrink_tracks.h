/* shrink_tracks.h - shrink.h for a Gram matrix of several tracks: a target with exogenous channels beside it. shrink.h
 * asks it, nobody else.
 *
 * Each step of the horizon sees columns of its own (columns.h) and so has a system of its own, (Gh + k Mh) Wh = gh + k
 * Mh W0h, in columns that are brought to the mean square of the lookback's in the source's windows (in the target's
 * where the source has nothing). M = I there, or the source's Gram with the ridge its W0 was fitted with. What the
 * steps share is factored once for each strength, what each has for itself is its Schur complement. */
#ifndef WEFT_SHRINK_TRACKS_H
#define WEFT_SHRINK_TRACKS_H

#include "nn/ridge.h"

/* Finished sums of the source, and its fit: w0[horizon, lookback], bias0[horizon], v0[horizon, weights of channels];
 * none is kept. pooled: M is its Gram with `ridge`; else the identity. */
struct weft_prior_tracks;
int weft_prior_tracks_new(const struct weft_gram *source, size_t lookback, size_t horizon, enum weft_norm norm,
                          bool pooled, double ridge, const double *w0, const double *bias0, const double *v0,
                          struct weft_prior_tracks **out, struct weft_err *e) WEFT_MUST_USE;
void weft_prior_tracks_free(struct weft_prior_tracks **p);

struct weft_shrink_tracks;
int weft_shrink_tracks_new(const struct weft_gram *train, const struct weft_prior_tracks *prior,
                           struct weft_shrink_tracks **out, struct weft_err *e) WEFT_MUST_USE;
void weft_shrink_tracks_free(struct weft_shrink_tracks **s);
void weft_shrink_tracks_score(const struct weft_shrink_tracks *s, const struct weft_gram *valid, const double *strength,
                              size_t n, double *mse);
void weft_shrink_tracks_weights(const struct weft_shrink_tracks *s, double strength, double *w, double *bias,
                                double *v);

/* As weft_linear_mse, with weights of channels v. */
double weft_linear_tracks_mse(const struct weft_gram *valid, size_t lookback, enum weft_norm norm, const double *w,
                              const double *bias, const double *v);

#endif
