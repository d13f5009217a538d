/* columns.h - what the columns of a Gram matrix with exogenous channels (gram.h) are to a forecast.
 *
 * Step h sees the lookback of the target, the lead (the lags of all channels, which all steps share), and of every
 * channel that is known ahead the value of its own step alone. The weights of channels of one step stand channel by
 * channel: the lags, oldest first, then that of the step itself. */
#ifndef WEFT_COLUMNS_H
#define WEFT_COLUMNS_H

#include "nn/gram.h"

struct weft_columns {
    size_t lookback, horizon, lead, own;
    size_t shared, *s; /* [shared]: the columns of G that all steps see, the lookback and the lead */
    size_t *leads;     /* [lead]: columns of G */
    size_t *owns;      /* [horizon, own] */
    size_t *weight;    /* [lead + own]: where its weight stands among those of the step */
    size_t *track;     /* [lead + own]: whose it is, from 1 */
};
/* Without a channel: lead = own = 0. */
void weft_columns_of(const struct weft_gram *g, size_t lookback, size_t horizon, struct weft_columns *c);
void weft_columns_free(struct weft_columns *c);

/* out[rows, columns] = m[width, width] at these rows and columns. */
void weft_columns_pick(const double *m, size_t width, const size_t *rows, size_t n_rows, const size_t *columns,
                       size_t n_columns, double *out);
/* factor[tracks]: what brings a channel's columns to the mean square `unit`, from their squares in the diagonal of G; 0
 * for a channel that is always zero. [0] is 1. */
void weft_columns_factors(const struct weft_gram *g, const double *diagonal, double unit, double *factor);

/* A X = B for a symmetric A[n, n] (destroyed) and B[n, m], which becomes X. Where A is singular (channels that say the
 * same), more of `least` is added to its diagonal until there is an X; without any it is 0. */
void weft_columns_solve(size_t n, size_t m, double *a, double least, double *b);

#endif
