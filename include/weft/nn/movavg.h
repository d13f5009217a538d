/* movavg.h - the moving average of DLinear along time, and its adjoint.
 *
 * A is [steps, steps]: (A x)[t] = mean of the `kernel` (odd) values around t, the first and the last value repeated
 * beyond the edges (LTSF-Linear, series_decomp). Arrays are [steps, lanes]: time runs down the rows, and every lane is
 * a signal of its own. Sums are float64. in and out do not overlap; acc holds `lanes` values. */
#ifndef WEFT_MOVAVG_H
#define WEFT_MOVAVG_H

#include <stddef.h>

/* out = A in. */
void weft_movavg(size_t steps, size_t lanes, size_t kernel, const float *in, float *out, double *acc);
/* out = A' in. */
void weft_movavg_adjoint(size_t steps, size_t lanes, size_t kernel, const float *in, float *out, double *acc);

#endif
