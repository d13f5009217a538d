/* growth.c - growth index with its interval. */
#include "measure/growth.h"

#include <math.h>
#include <stdlib.h>


bool weft_growth_days_parse(const char *text, struct weft_growth_days *d)
{
    char *end;
    unsigned long from = strtoul(text, &end, 10), to = from;
    if (*text < '0' || *text > '9')
        return false;
    if (*end == ':') {
        const char *second = end + 1;
        if (*second < '0' || *second > '9')
            return false;
        to = strtoul(second, &end, 10);
    }
    *d = (struct weft_growth_days){from, to};
    return !*end && from >= 1 && from <= to && to <= 1000000;
}

static int read_days(const char *option, const char *text, size_t horizon, struct weft_growth_days *d, struct weft_err *e)
{
    if (text && !weft_growth_days_parse(text, d))
        return weft_fail(e, WEFT_USAGE, "--%s: days are FROM:TO, as in 1:10, not \"%s\"", option, text);
    if (d->to > horizon)
        return weft_fail(e, WEFT_CONFIG, "--%s: day %zu lies behind the horizon of %zu", option, d->to, horizon);
    return 0;
}

int weft_growth_days_read(const char *near_text, const char *far_text, size_t horizon, struct weft_growth_days *near, struct weft_growth_days *far,
                          struct weft_err *e)
{
    size_t fifth = horizon / 5 ? horizon / 5 : 1;
    *near = (struct weft_growth_days){1, fifth};
    *far = (struct weft_growth_days){horizon - fifth + 1, horizon};
    if (read_days("near", near_text, horizon, near, e) < 0 || read_days("far", far_text, horizon, far, e) < 0)
        return -1;
    if (horizon > 1 && far->from <= near->to)
        return weft_fail(e, WEFT_CONFIG, "far days (%zu:%zu) begin before the near ones (%zu:%zu) end", far->from, far->to, near->from, near->to);
    return 0;
}

static double mean_of(const float *x, struct weft_growth_days d)
{
    double sum = 0;
    for (size_t i = d.from - 1; i < d.to; i++)
        sum += x[i];
    return sum / (double)(d.to - d.from + 1);
}

/* a' S b for averaging vectors a and b. */
static double mean_covariance(const float *s, size_t horizon, struct weft_growth_days a, struct weft_growth_days b)
{
    double sum = 0;
    for (size_t i = a.from - 1; i < a.to; i++)
        for (size_t k = b.from - 1; k < b.to; k++)
            sum += s[i * horizon + k];
    return sum / ((double)(a.to - a.from + 1) * (double)(b.to - b.from + 1));
}

bool weft_growth_add(struct weft_growth_sums *g, const float *forecast, const float *covariance, size_t horizon, struct weft_growth_days near,
                     struct weft_growth_days far)
{
    double n = mean_of(forecast, near), f = mean_of(forecast, far);
    if (!isfinite(n) || !isfinite(f))
        return false;
    g->near += n;
    g->far += f;
    g->series++;
    if (!covariance) {
        g->without_covariance++;
        return true;
    }
    g->var_near += mean_covariance(covariance, horizon, near, near);
    g->var_far += mean_covariance(covariance, horizon, far, far);
    g->cov += mean_covariance(covariance, horizon, near, far);
    return true;
}

struct weft_growth weft_growth_of(const struct weft_growth_sums *g, double pseudo, double z)
{
    struct weft_growth r = {.index = g->near > 0 ? g->far / g->near : NAN, .shrunk = NAN, .sd = NAN, .low = NAN, .high = NAN};
    double near = g->near + pseudo, far = g->far + pseudo;
    r.thin = !(g->near > 4 * pseudo);
    if (!(near > 0))
        return r;
    r.shrunk = far / near;
    if (g->without_covariance)
        return r;
    double var = g->var_far - 2 * r.shrunk * g->cov + r.shrunk * r.shrunk * g->var_near;
    r.sd = sqrt(var > 0 ? var : 0) / near;
    double half = z * r.sd;
    r.low = r.shrunk - half > 0 ? r.shrunk - half : 0;
    r.high = r.shrunk + half;
    return r;
}

double weft_growth_z(double level)
{
    double low = 0, high = 40;
    while (high - low > 1e-9) {
        double z = (low + high) / 2;
        if (erfc(z / sqrt(2)) > 1 - level)
            low = z;
        else
            high = z;
    }
    return (low + high) / 2;
}
