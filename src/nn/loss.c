/* loss.c - losses of labels that may be missing. */
#include "nn/loss.h"

#include <math.h>
#include <string.h>

/* One body for logits of both widths; the sum is of float64. */
#define LOG_SUM(name, type)                                                                                            \
    double name(const type *z, size_t n)                                                                               \
    {                                                                                                                  \
        double top = -INFINITY, sum = 0;                                                                               \
        for (size_t i = 0; i < n; i++)                                                                                 \
            top = z[i] > top ? z[i] : top;                                                                             \
        for (size_t i = 0; i < n; i++)                                                                                 \
            sum += exp(z[i] - top);                                                                                    \
        return top + log(sum);                                                                                         \
    }
static LOG_SUM(log_sum, float) LOG_SUM(weft_log_sum, double)

    void weft_softmax(const float *z, size_t n, float *p)
{
    double l = log_sum(z, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)exp(z[i] - l);
}

double weft_focal(const float *z, size_t n, int t, double gamma, double alpha, double share, float *dz)
{
    if (t < 0) {
        if (dz)
            memset(dz, 0, n * sizeof *dz);
        return 0;
    }
    double l = log_sum(z, n), log_p = z[t] - l, rest = -expm1(log_p), p = exp(log_p);
    double power = gamma > 0 ? pow(rest, gamma) : 1;
    /* rest^(gamma - 1) log p tends to 0 as p tends to 1 where gamma > 0; at p = 1 itself the power may be infinite. */
    double slope = gamma > 0 && rest > 0 ? gamma * p * pow(rest, gamma - 1) * log_p : 0;
    for (size_t j = 0; dz && j < n; j++)
        dz[j] = (float)(share * alpha * (slope - power) * ((j == (size_t)t) - exp(z[j] - l)));
    return -alpha * power * log_p;
}

double weft_square(float y, float target, double share, float *dy)
{
    double error = isnan(target) ? 0 : (double)y - (double)target;
    if (dy)
        *dy = (float)(2 * share * error);
    return error * error;
}
