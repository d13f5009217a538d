/* loss.h - losses of labels that may be missing: cross-entropy and focal loss of classes, squared error of quantities.
 *
 * Everything is worked out in float64 and row after row, so that results depend neither on the batch nor on the C
 * library's vector kernels. A missing label has no loss and a gradient of 0; the caller divides by the labels that are
 * there. */
#ifndef WEFT_LOSS_H
#define WEFT_LOSS_H

#include <stddef.h>

enum { WEFT_CLASSES_MAX = 4096 };

/* The logarithm of the sum of exp(z[n]), without overflow; n > 0. */
double weft_log_sum(const double *z, size_t n);

/* p[n] = softmax(z[n]), n <= WEFT_CLASSES_MAX; p may be z. */
void weft_softmax(const float *z, size_t n, float *p);

/* Focal loss of softmax(z[n]) for the true class t (Lin et al., "Focal loss for dense object detection", ICCV 2017):
 *     FL = -alpha (1 - p_t)^gamma log p_t,   dFL/dz_j = alpha (gamma p_t (1 - p_t)^(gamma - 1) log p_t - (1 -
 * p_t)^gamma) (delta_tj - p_j). gamma 0 and alpha 1 is the cross-entropy, with dz_j = p_j - delta_tj. t < 0: missing.
 * Returns FL; dz[n] (NULL: not wanted) gets its gradient times share. */
double weft_focal(const float *z, size_t n, int t, double gamma, double alpha, double share, float *dz);

/* (y - target)^2; target NaN: missing. *dy (NULL: not wanted) gets the gradient times share. */
double weft_square(float y, float target, double share, float *dy);

#endif
