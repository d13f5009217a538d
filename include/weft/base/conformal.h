/* conformal.h - which of n sorted errors bounds a share of those to come: split conformal prediction, and how many it
 * needs.
 *
 * Of n errors and a next one, all exchangeable, the next lies at or below the k-th smallest with a chance of at least
 * k / (n + 1). So the upper bound of a level q is the ceil((n + 1) q)-th smallest, the lower one the floor((n + 1)
 * q)-th; where that is the 0th or the (n + 1)-th no error is a bound, and any number would promise more than the errors
 * know. Source: Lei et al. 2018, Distribution-free predictive inference for regression, section 2.2. */
#ifndef WEFT_CONFORMAL_H
#define WEFT_CONFORMAL_H

#include <stddef.h>

/* The place, from 1 to n, of the bound of a level in (0, 1), a lower one below 0.5; 0: there is none. */
size_t weft_conformal_rank(double level, size_t n);
/* The least n that has one: 9 for 0.1 and 0.9, 199 for 0.005 and 0.995. */
size_t weft_conformal_needs(double level);

#endif
