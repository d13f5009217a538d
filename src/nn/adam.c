/* adam.c - Adam's update, eight parameters at a time. */
#include "nn/adam.h"

#include <math.h>

#include "base/cpu.h"

struct weft_adam weft_adam(double lr)
{
    return (struct weft_adam){.lr = lr, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
}

void weft_adam_begin(struct weft_adam *a)
{
    a->t++;
    a->step = (float)(a->lr / (1 - pow(a->beta1, (double)a->t)));
    a->root = (float)sqrt(1 - pow(a->beta2, (double)a->t));
    a->decay1 = (float)a->beta1;
    a->decay2 = (float)a->beta2;
    a->gain1 = (float)(1 - a->beta1);
    a->gain2 = (float)(1 - a->beta2);
    a->epsilon = (float)a->eps;
    a->l2 = (float)a->weight_decay;
}

WEFT_INLINE void update(const struct weft_adam *restrict a, float *restrict p, const float *restrict g,
                        float *restrict m, float *restrict v, size_t n)
{
    const float decay1 = a->decay1, decay2 = a->decay2, gain1 = a->gain1, gain2 = a->gain2, root = a->root,
                epsilon = a->epsilon, step = a->step, l2 = a->l2;
    for (size_t i = 0; i < n; i++) {
        float gradient = g[i] + l2 * p[i];
        m[i] = decay1 * m[i] + gain1 * gradient;
        v[i] = decay2 * v[i] + gain2 * gradient * gradient;
        p[i] -= step * (m[i] / (sqrtf(v[i]) / root + epsilon));
    }
}

static void update_plain(const struct weft_adam *a, float *p, const float *g, float *m, float *v, size_t n)
{
    update(a, p, g, m, v, n);
}

WEFT_AVX2 static void update_avx2(const struct weft_adam *a, float *p, const float *g, float *m, float *v, size_t n)
{
    update(a, p, g, m, v, n);
}

void weft_adam_update(const struct weft_adam *a, float *p, const float *g, float *m, float *v, size_t n)
{
    if (weft_has_avx2())
        update_avx2(a, p, g, m, v, n);
    else
        update_plain(a, p, g, m, v, n);
}
