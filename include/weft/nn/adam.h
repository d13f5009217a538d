/* adam.h - Adam (Kingma & Ba 2015, arXiv 1412.6980) in float32, step by step as torch.optim.Adam does it.
 *
 * m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps).
 * Elements are independent, so the result depends neither on how parameters are cut into calls nor on the CPU. */
#ifndef WEFT_ADAM_H
#define WEFT_ADAM_H

#include <stddef.h>
#include <stdint.h>

struct weft_adam {
    double lr, beta1, beta2, eps;
    double weight_decay; /* L2: g + weight_decay * p, as torch.optim.Adam (not AdamW) */
    uint64_t t;          /* steps begun */
    /* Set by weft_adam_begin. */
    float step, root, decay1, decay2, gain1, gain2, epsilon, l2;
};

/* lr with betas .9, .999, eps 1e-8, no weight decay. */
struct weft_adam weft_adam(double lr);
/* Begins the next step (t is counted up). */
void weft_adam_begin(struct weft_adam *a);
/* Updates n parameters p with gradients g; m and v are their moments, zero before the first step. */
void weft_adam_update(const struct weft_adam *a, float *p, const float *g, float *m, float *v, size_t n);

#endif
