/* lead_demand.c - normal, Student's, negative binomial and Poisson sums. */
#include "order/lead_demand.h"

#include <math.h>

static const double counted_below = 20, wild = 0.5, usual_interval = 0.9, certain = 1e-5;
static const double most = 1e15; /* pieces */

struct weft_few_errors weft_few_errors_of(double freedom)
{
    struct weft_student few = {.level = usual_interval}, many = {.level = usual_interval};
    double wider = isinf(freedom) ? 1 : weft_student_width(&few, freedom) / weft_student_width(&many, INFINITY);
    return (struct weft_few_errors){freedom, wider};
}

struct weft_lead_demand weft_lead_demand_of(double mean, double variance, struct weft_few_errors few, bool whole)
{
    struct weft_lead_demand d = {
        .mean = mean > 0 ? mean : 0, .sd = sqrt(variance > 0 ? variance : 0), .freedom = few.freedom};
    if (d.sd < certain * d.mean) /* the last digits of forecasts */
        d.sd = 0;
    d.expected = d.mean;
    d.counts = whole && (d.mean < counted_below || d.sd > wild * d.mean);
    if (!d.counts) {
        if (d.sd > 0)
            d.expected = d.sd * weft_student_beyond(-d.mean / d.sd, few.freedom);
        return d;
    }
    variance = d.sd * d.sd * few.wider * few.wider;
    d.size = variance > d.mean ? d.mean * d.mean / (variance - d.mean) : INFINITY;
    d.share = variance > d.mean ? d.mean / variance : 1;
    return d;
}

/* P(D <= k) of the Poisson distribution; its mean is small (above). */
static double poisson_below(double mean, double k)
{
    double term = exp(-mean), sum = term;
    for (double i = 1; i <= k && term > 0; i++) {
        term *= mean / i;
        sum += term;
        if (i > mean && term < 1e-18)
            break;
    }
    return sum < 1 ? sum : 1;
}

/* P(D <= k), and with more = 1 that of D', whole k. */
static double counted(const struct weft_lead_demand *d, double k, double more)
{
    if (k < 0)
        return 0;
    if (!(d->mean > 0))
        return 1;
    if (isinf(d->size))
        return poisson_below(d->mean, k);
    return weft_beta_below(d->share, 1 - d->share, d->size + more, k + 1);
}

double weft_lead_demand_below(const struct weft_lead_demand *d, double s)
{
    if (s < 0)
        return 0;
    if (d->counts)
        return counted(d, floor(s), 0);
    if (!(d->sd > 0))
        return s >= d->mean * (1 - certain);
    return weft_student_below((s - d->mean) / d->sd, d->freedom);
}

double weft_lead_demand_beyond(const struct weft_lead_demand *d, double s)
{
    if (s <= 0)
        return d->expected - s;
    if (!d->counts)
        return d->sd > 0 ? d->sd * weft_student_beyond((s - d->mean) / d->sd, d->freedom) : fmax(d->mean - s, 0);
    double k = floor(s), beyond = d->mean * (1 - counted(d, k - 1, 1)) - s * (1 - counted(d, k, 0));
    return beyond > 0 ? beyond : 0;
}

double weft_lead_demand_left(const struct weft_lead_demand *d, double s)
{
    if (s <= 0)
        return 0;
    double left = s - d->expected + weft_lead_demand_beyond(d, s);
    return left > 0 ? left : 0;
}

double weft_lead_demand_at(const struct weft_lead_demand *d, double p)
{
    if (!d->counts) {
        double s = d->sd > 0 ? d->mean + d->sd * weft_student_at(p, d->freedom) : d->mean;
        return s > 0 ? s : 0;
    }
    double low = -1, high = ceil(d->mean) + 1;
    while (counted(d, high, 0) < p && high < most) {
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        double k = floor((low + high) / 2);
        if (counted(d, k, 0) >= p)
            high = k;
        else
            low = k;
    }
    return high;
}
