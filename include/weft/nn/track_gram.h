/* track_gram.h - Gram matrix of windows over several channels: gram.h for a target with exogenous channels beside it.
 *
 * A window has a place for each step of lookback and horizon; track k takes places [from[k], to[k]) of channel k, so the columns of the matrix are the
 * places of all tracks, one track behind the other. Between two tracks a and b the same holds as within one: over the windows at every start of a run
 * of N, G[i+1][j+1] = G[i][j] + a[N+i] b[N+j] - a[i] b[j]; the first row and the first column of each block of two tracks are added up directly. A run of n
 * points costs O(n T W + W^2) for T tracks and W columns in all. Only differences are added up; one sweep at the end makes G of them. float64; sums
 * over runs, series and machines. */
#ifndef WEFT_TRACK_GRAM_H
#define WEFT_TRACK_GRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEFT_TRACKS_MAX = 66 };

struct weft_track_gram {
    size_t tracks, width, stride;
    size_t from[WEFT_TRACKS_MAX], to[WEFT_TRACKS_MAX], base[WEFT_TRACKS_MAX]; /* place p of track k is column base[k] + p - from[k] */
    uint64_t n;  /* windows */
    double *sum; /* [width] */
    double *g;   /* [width, width], whole once it is finished */
    bool finished;
};

/* stride: distance between starts; the recursion serves stride 1, other strides are added up directly. A track may have no place: from == to. */
void weft_track_gram_init(struct weft_track_gram *g, size_t tracks, const size_t *from, const size_t *to, size_t stride);
void weft_track_gram_free(struct weft_track_gram *g);
/* Adds `count` windows: x[k] points to where place 0 of the first window is on channel k; its places [from[k], to[k] + (count - 1) * stride) are finite.
 * Not after finish. */
void weft_track_gram_add(struct weft_track_gram *g, const double *const *x, size_t count);
/* Makes G and the sums; only after this the fields hold what they say. Calling it again does nothing. */
void weft_track_gram_finish(struct weft_track_gram *g);
/* Both finished, of the same tracks: dst += src. */
void weft_track_gram_merge(struct weft_track_gram *dst, const struct weft_track_gram *src);

#endif
