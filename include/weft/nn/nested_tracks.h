/* nested_tracks.h - nested.h for a Gram matrix of several tracks: a target with exogenous channels beside it. nested.h
 * asks it, nobody else.
 *
 * Step h with lookback l sees a lead [a: the lags of all channels (P columns) | x: the target's values 1 .. l, latest
 * first] and own values f_h of the channels known ahead. a stands in front, so that P + l is a leading block for every
 * l; f_h is eliminated last, as a Schur complement S_h. With the Cholesky factor U of the lead and q = a row of U'^-1
 * [Gly_h | Glf_h | j_k.. | 1 | s | t], running sums over rows of qq' (M1), of q times the validation's rows (M2) and of
 * q (Tq)' + (Tq) q' (M3; T: the lower triangle of U'^-1 V U^-1 with half its diagonal) hold, after P + l rows, all that
 * lookback l needs. With <a, b> = M1[a, b] + (a_f - M1[f, a])' S_h^-1 (b_f - M1[f, b]) the corrections for the mean of
 * the last k and for the intercept are those of nested.h, for each step by itself. The ridge is alpha on every column
 * of the lead and own times alpha on f_h, channels being brought to the mean square within the lookback's windows
 * first. */
#ifndef WEFT_NESTED_TRACKS_H
#define WEFT_NESTED_TRACKS_H

#include "nn/nested.h"

struct weft_nested_tracks;
/* valid (may be NULL) must live as long. */
struct weft_nested_tracks *weft_nested_tracks_new(const struct weft_gram *train, const struct weft_gram *valid,
                                                  size_t lookback, size_t horizon, double unit);
void weft_nested_tracks_weigh(struct weft_nested_tracks *f, double n, double unit);
void weft_nested_tracks_free(struct weft_nested_tracks **f);
void weft_nested_tracks_errors(const struct weft_nested_tracks *f, const struct weft_nested_grid *g, double ridge,
                               double *mse);
bool weft_nested_tracks_add(const struct weft_nested_tracks *f, const struct weft_nested_config *c, double share,
                            double *r, double *bias, double *exog);
uint64_t weft_nested_tracks_moments(const struct weft_nested_tracks *f, const double *r, const double *bias,
                                    const double *exog, double *cov);

#endif
