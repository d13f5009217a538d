/* soldout.c - runs of zeros that a product's own sales make unlikely. */
#include "ingest/soldout.h"

#include <math.h>
#include <string.h>

enum { BEFORE = 28, BEFORE_LEAST = 14 };
static const double drawn = 0.2; /* to the mean of all days before */

struct past {
    double sum, n; /* of all days before that were not sold out */
};

/* log of the chance of `days` days without a sale from t on, from the last days before that were on sale; 0: too few
 * say. */
static double log_zeros(const float *x, const bool *at, size_t t, size_t days, const struct past *all)
{
    double sum = 0, square = 0, n = 0;
    for (size_t i = t; i > 0 && n < BEFORE; i--)
        if (!at[i - 1] && !isnan(x[i - 1])) {
            sum += x[i - 1];
            square += (double)x[i - 1] * x[i - 1];
            n++;
        }
    if (n < BEFORE_LEAST)
        return 0;
    double v = (square - sum * sum / n) / (n - 1), m = (1 - drawn) * sum / n + drawn * all->sum / all->n;
    if (!(m > 0))
        return 0;
    double r = m * m / (v - m), zero = v > m ? r * log((r + m) / r) : m, known = n * m * m / fmax(v, m);
    return -known * log1p((double)days * zero / known);
}

size_t weft_soldout_find(const float *x, size_t n, size_t least, bool *at)
{
    struct past all = {0};
    size_t marked = 0;
    memset(at, 0, n * sizeof *at);
    for (size_t t = 0; t < n;) {
        size_t end = t;
        while (end < n && x[end] == 0)
            end++;
        bool unlikely = end > t && end - t >= least && end < n && x[end] > 0 &&
                        log_zeros(x, at, t, end - t, &all) < log(WEFT_SOLDOUT_ODDS);
        for (size_t i = t; i < end; i++) {
            at[i] = unlikely;
            marked += unlikely;
            all.n += !unlikely;
        }
        if (end < n && !isnan(x[end])) {
            all.sum += x[end];
            all.n++;
        }
        t = end + 1;
    }
    return marked;
}
