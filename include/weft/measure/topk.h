/* topk.h - how likely each of several uncertain numbers is among the k largest. */
#ifndef WEFT_TOPK_H
#define WEFT_TOPK_H

#include <stddef.h>
#include <stdint.h>

/* 10,000 draws give a probability to 0.005 (one standard error) or better. With more than 2,000 numbers 20 million
 * single draws are shared out, at least 1,000 draws each. */
size_t weft_topk_draws(size_t n);

/* out[i] = share of `draws` joint draws in which number i is among the k largest, i < n. Number i is normal with
 * mean[i] and sd[i], independent of the others. Draw d of number i depends on (seed, stream[i], d) alone, so neither
 * order nor company changes it. mean NaN: takes no part, out NaN. sd NaN: stands at its mean, out NaN. Equal numbers
 * draw lots, anew each time. */
void weft_topk_chances(size_t n, const double *mean, const double *sd, const uint64_t *stream, size_t k, size_t draws,
                       uint64_t seed, double *out);

#endif
