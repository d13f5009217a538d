/* gram.h - sufficient statistics of linear forecasting: the Gram matrix of all windows of a run.
 *
 * A window v has W = lookback + horizon values; over N windows G = sum of v v' and s = sum of v. For the windows at
 * every start of a run neighbours on a diagonal differ by two products, G[i+1][j+1] = G[i][j] + x[N+i] x[N+j] - x[i]
 * x[j], so a run of n points costs O(n W + W^2) and not O(n W^2) (Toner & Darlow 2024 expand the windows). Only
 * differences between neighbours are added up, for all runs alike; one sweep at the end (weft_gram_finish) makes G of
 * them. Everything is float64 and adds over runs, series and machines.
 *
 * With exogenous channels a window has several tracks: a place for each step of lookback and horizon, of which track k
 * takes places [from[k], to[k]) of channel k. The columns of G are the places of all tracks, one track after the other;
 * the target is track 0. Between two tracks a and b the same holds as within one: G[i+1][j+1] = G[i][j] + a[N+i] b[N+j]
 * - a[i] b[j], the first row and the first column of their block being added up directly: O(n T W + W^2) for T tracks
 * and W columns in all. */
#ifndef WEFT_GRAM_H
#define WEFT_GRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values behind a run that weft_gram_add may read (their content plays no part). */
enum { WEFT_GRAM_SLACK = 8, WEFT_TRACKS_MAX = 66 };

struct weft_gram {
    size_t width, stride, tracks;
    size_t *from, *to, *base; /* [tracks]: place p of track k is column base[k] + p - from[k] */
    uint64_t n;               /* windows */
    double *sum;              /* [width] */
    double *g;   /* upper triangle by rows: G[i][j] = g[row[i] + j - i]; rows are padded to a multiple of 4 */
    size_t *row; /* [width + 1] */
    bool finished;
};

/* stride: distance between starts; the recursion serves stride 1, other strides are added up directly. */
void weft_gram_init(struct weft_gram *g, size_t width, size_t stride);
/* A track may have no place: from == to. */
void weft_gram_init_tracks(struct weft_gram *g, size_t tracks, const size_t *from, const size_t *to, size_t stride);
void weft_gram_free(struct weft_gram *g);
/* Back to no windows, not finished. */
void weft_gram_clear(struct weft_gram *g);

/* Adds `count` windows starting at x[0], x[stride], ...: x holds (count - 1) * stride + width finite values and
 * WEFT_GRAM_SLACK more that can be read. Not after finish. */
void weft_gram_add(struct weft_gram *g, const double *x, size_t count);
/* Of several tracks: x[k] points to where place 0 of the first window is on channel k; its places [from[k], to[k] +
 * (count - 1) * stride) are finite, and WEFT_GRAM_SLACK values after them can be read. */
void weft_gram_add_tracks(struct weft_gram *g, const double *const *x, size_t count);
/* [starts], the caller's: true where a window that starts there touches no missing value of any track. x[tracks, n], of
 * which `used` steps count. */
bool *weft_gram_whole(const struct weft_gram *g, const double *x, size_t n, size_t used, size_t starts);
/* Makes G and s; only after this the fields hold what they say. Calling it again does nothing. */
void weft_gram_finish(struct weft_gram *g);

/* Both finished, of the same tracks: dst += src. */
void weft_gram_merge(struct weft_gram *dst, const struct weft_gram *src);
/* Finished: as if c had been subtracted from every value of the target. */
void weft_gram_shift(struct weft_gram *g, double c);

/* Finished: as if every value of a track were 0. */
void weft_gram_silence(struct weft_gram *g, size_t track);
/* out: of finished sums those of track 0 alone, as a Gram of one track. */
void weft_gram_target(const struct weft_gram *g, struct weft_gram *out);
/* out: the same again. */
void weft_gram_copy(const struct weft_gram *g, struct weft_gram *out);

/* Elements of the packed form without padding, width * (width + 1) / 2, and both ways between it and a finished g. */
size_t weft_gram_packed_size(size_t width);
void weft_gram_pack(const struct weft_gram *g, double *out);
void weft_gram_unpack(struct weft_gram *g, const double *in);

/* Sum of n values in a fixed order: eight running sums, so that no addition waits for the one before it. */
double weft_gram_sum(const double *x, size_t n);

static inline double weft_gram_at(const struct weft_gram *g, size_t i, size_t j)
{
    return i <= j ? g->g[g->row[i] + j - i] : g->g[g->row[j] + i - j];
}

#endif
