/* soldout.h - days on which nothing was sold because there was nothing to sell.
 *
 * A run of zeros is taken for one when it is long enough, when sales follow it, and when the product's own negative
 * binomial distribution of the 28 days before makes it unlikely. With m the mean of these days, a fifth of the way
 * drawn to that of all days before, v their variance and r = m^2 / (v - m), a day without a sale has the chance
 * exp(-z), z = r log((r + m) / r) (m where v <= m). As m is known from n days alone, with n m^2 / v = k for the shape
 * of its gamma distribution, d such days have the chance (1 + d z / k)^-k. What hardly sells has long runs of its own
 * and is left alone, and so is what has a habit of zeros, as closed weekdays. */
#ifndef WEFT_SOLDOUT_H
#define WEFT_SOLDOUT_H

#include <stdbool.h>
#include <stddef.h>

#define WEFT_SOLDOUT_ODDS 1e-3

/* Marks at[n] of x[n] (NaN: missing, ends a run and takes no part) and returns how many days it marked. least: shortest
 * run. */
size_t weft_soldout_find(const float *x, size_t n, size_t least, bool *at);

#endif
