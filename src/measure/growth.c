/* growth.c - growth index with its interval. */
#include "measure/growth.h"

#include <math.h>
#include <stdlib.h>

#include "base/calendar.h"
#include "base/mem.h"

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

static int read_days(const char *option, const char *text, size_t horizon, struct weft_growth_days *d,
                     struct weft_err *e)
{
    if (text && !weft_growth_days_parse(text, d))
        return weft_fail(e, WEFT_USAGE, "--%s: days are FROM:TO, as in 1:10, not \"%s\"", option, text);
    if (d->to > horizon)
        return weft_fail(e, WEFT_CONFIG, "--%s: day %zu lies beyond the horizon of %zu", option, d->to, horizon);
    return 0;
}

/* Whole seasons where the horizon holds two of them; else the days that come twice; without a season the outer fifths.
 */
static void usual_spans(size_t horizon, size_t season, struct weft_growth_spans *x)
{
    size_t fifth = horizon / 5, length = fifth ? fifth : 1;
    if (season > 1 && horizon >= 2 * season)
        length = fifth / season ? fifth / season * season : season;
    else if (season > 1 && horizon > season)
        length = horizon - season;
    x->near = (struct weft_growth_days){1, length};
    x->far = (struct weft_growth_days){horizon - length + 1, horizon};
}

/* How many of the days have phase p. */
static size_t days_of_phase(struct weft_growth_days d, size_t season, size_t p)
{
    size_t until = d.to > p ? (d.to - p - 1) / season + 1 : 0,
           before = d.from - 1 > p ? (d.from - p - 2) / season + 1 : 0;
    return until - before;
}

static size_t length_of(struct weft_growth_days d)
{
    return d.to - d.from + 1;
}

static bool are_unlike(const struct weft_growth_spans *x)
{
    for (size_t p = 0; p < x->season; p++)
        if (days_of_phase(x->near, x->season, p) * length_of(x->far) !=
            days_of_phase(x->far, x->season, p) * length_of(x->near))
            return true;
    return false;
}

int weft_growth_spans_read(const char *near_text, const char *far_text, size_t horizon, int64_t step,
                           struct weft_growth_spans *x, struct weft_err *e)
{
    *x = (struct weft_growth_spans){.season = weft_step_season(step)};
    if (!near_text && !far_text && horizon <= x->season) {
        x->none = true;
        x->near = x->far = (struct weft_growth_days){1, horizon};
        return 0;
    }
    usual_spans(horizon, x->season, x);
    if (read_days("near", near_text, horizon, &x->near, e) < 0 || read_days("far", far_text, horizon, &x->far, e) < 0)
        return -1;
    if (x->far.from <= x->near.to)
        return weft_fail(e, WEFT_CONFIG, "far days (%zu:%zu) begin before the near ones (%zu:%zu) end", x->far.from,
                         x->far.to, x->near.from, x->near.to);
    x->unlike = are_unlike(x);
    return 0;
}

/* --- the profile --- */

/* How much the values grow a step: the slope of the means of those seasons, from x on, that miss nothing, by least
 * squares; 0 with fewer than two. */
static double slope_of(const float *x, size_t seasons, size_t season)
{
    double n = 0, at = 0, mean = 0, atat = 0, atmean = 0;
    for (size_t k = 0; k < seasons; k++) {
        double sum = 0, t = (double)k;
        for (size_t i = 0; i < season; i++)
            sum += x[k * season + i];
        if (isnan(sum))
            continue;
        n++;
        at += t;
        mean += sum / (double)season;
        atat += t * t;
        atmean += t * sum / (double)season;
    }
    double spread = n * atat - at * at;
    return n > 1 && spread > 0 ? (n * atmean - at * mean) / spread / (double)season : 0;
}

bool weft_growth_profile(const float *x, size_t end, size_t season, int64_t first, float *out)
{
    size_t seasons = end / season < WEFT_PROFILE_SEASONS ? end / season : WEFT_PROFILE_SEASONS;
    size_t begin = end - seasons * season, *n = WEFT_ARRAY(size_t, season);
    double *sum = WEFT_ARRAY(double, season), slope = slope_of(x + begin, seasons, season);
    bool whole = seasons > 0;
    for (size_t t = begin; t < end; t++) {
        int64_t after = ((int64_t)t - first) % (int64_t)season;
        size_t p = (size_t)(after < 0 ? after + (int64_t)season : after);
        if (isnan(x[t]))
            continue;
        sum[p] += x[t] - slope * ((double)((t - begin) % season) - (double)(season - 1) / 2);
        n[p]++;
    }
    for (size_t p = 0; p < season; p++)
        whole &= n[p] > 0;
    for (size_t p = 0; p < season && whole; p++)
        out[p] = (float)fmax(sum[p] / (double)n[p], 0);
    free(sum);
    free(n);
    return whole;
}

static double profile_mean(const float *profile, size_t season, struct weft_growth_days d)
{
    double sum = 0;
    for (size_t i = d.from - 1; i < d.to; i++)
        sum += profile[i % season];
    return sum / (double)length_of(d);
}

void weft_growth_shape_add(struct weft_growth_shape *s, const float *profile, const struct weft_growth_spans *at)
{
    s->near += profile_mean(profile, at->season, at->near);
    s->far += profile_mean(profile, at->season, at->far);
    s->mean += profile_mean(profile, at->season, (struct weft_growth_days){1, at->season});
}

static double above_mean(double days, double mean)
{
    if (!(mean > 0))
        return 1;
    return days > 0 ? days / mean : NAN;
}

double weft_growth_shape_near(const struct weft_growth_shape *s)
{
    return above_mean(s->near, s->mean);
}

double weft_growth_shape_far(const struct weft_growth_shape *s)
{
    return above_mean(s->far, s->mean);
}

/* --- sums --- */

static double mean_of(const float *x, struct weft_growth_days d)
{
    double sum = 0;
    for (size_t i = d.from - 1; i < d.to; i++)
        sum += x[i];
    return sum / (double)length_of(d);
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

static void least_freedom(struct weft_growth_sums *g, double freedom)
{
    g->freedom = g->freedom > 0 && g->freedom < freedom ? g->freedom : freedom;
}

bool weft_growth_add(struct weft_growth_sums *g, const float *forecast, const float *covariance, double freedom,
                     const float *profile, size_t horizon, const struct weft_growth_spans *at)
{
    double n = mean_of(forecast, at->near), f = mean_of(forecast, at->far);
    if (!isfinite(n) || !isfinite(f))
        return false;
    g->near += n;
    g->far += f;
    g->series++;
    if (at->unlike && profile)
        weft_growth_shape_add(&g->shape, profile, at);
    g->without_profile += at->unlike && !profile;
    if (!covariance) {
        g->without_covariance++;
        return true;
    }
    least_freedom(g, freedom);
    g->var_near += mean_covariance(covariance, horizon, at->near, at->near);
    g->var_far += mean_covariance(covariance, horizon, at->far, at->far);
    g->cov += mean_covariance(covariance, horizon, at->near, at->far);
    return true;
}

void weft_growth_sums_add(struct weft_growth_sums *to, const struct weft_growth_sums *x)
{
    to->near += x->near;
    to->far += x->far;
    to->var_near += x->var_near;
    to->var_far += x->var_far;
    to->cov += x->cov;
    if (x->freedom > 0)
        least_freedom(to, x->freedom);
    to->shape.near += x->shape.near;
    to->shape.far += x->shape.far;
    to->shape.mean += x->shape.mean;
    to->series += x->series;
    to->without_covariance += x->without_covariance;
    to->without_profile += x->without_profile;
}

double weft_growth_level(const struct weft_growth_sums *g)
{
    return g->near / weft_growth_shape_near(&g->shape);
}

struct weft_growth weft_growth_of(const struct weft_growth_sums *g, double pseudo, struct weft_student *width)
{
    double of_near = weft_growth_shape_near(&g->shape), of_far = weft_growth_shape_far(&g->shape);
    double near = g->near / of_near, far = g->far / of_far;
    struct weft_growth r = {
        .index = near > 0 ? far / near : NAN, .shrunk = NAN, .sd = NAN, .sd_one = NAN, .low = NAN, .high = NAN};
    r.thin = !(near > 4 * pseudo);
    near += pseudo;
    far += pseudo;
    if (!(near > 0) || isnan(far))
        return r;
    r.shrunk = far / near;
    if (g->without_covariance)
        return r;
    double var_near = g->var_near / (of_near * of_near), var_far = g->var_far / (of_far * of_far);
    double var = var_far - 2 * r.shrunk * g->cov / (of_near * of_far) + r.shrunk * r.shrunk * var_near;
    if (var < -1e-3 * (fabs(var_far) + r.shrunk * r.shrunk * fabs(var_near)))
        return r; /* beyond rounding: the covariance of nothing, and no interval of no width */
    r.freedom = g->freedom;
    r.few = !(g->freedom >= WEFT_FREEDOM_MIN);
    if (r.few)
        return r;
    r.sd = sqrt(var > 0 ? var : 0) / near;
    double apart = var_far - 2 * g->cov / (of_near * of_far) + var_near;
    r.sd_one = sqrt(apart > 0 ? apart : 0) / near;
    double half = weft_student_width(width, g->freedom) * r.sd;
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

/* --- what is sure --- */

static const double least_sd = 0.001; /* the last digit that is printed */

static double z_of(double growth, double sd)
{
    return (growth - 1) / (sd > least_sd || isnan(sd) ? sd : least_sd);
}

double weft_growth_above(double growth, double sd_one, double freedom)
{
    return weft_student_below(z_of(growth, sd_one), freedom);
}

double weft_growth_p(double growth, double sd_one, double freedom)
{
    return 2 * weft_student_below(-fabs(z_of(growth, sd_one)), freedom);
}

void weft_growth_sure(const double *p, size_t n, double rate, bool *out)
{
    double *sorted = WEFT_ARRAY(double, n + 1), border = -1;
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(p[i]))
            sorted[known++] = p[i];
    weft_sort(sorted, known, sizeof *sorted, weft_by_double);
    for (size_t k = 0; k < known; k++)
        if (sorted[k] <= (double)(k + 1) / (double)known * rate)
            border = sorted[k];
    for (size_t i = 0; i < n; i++)
        out[i] = p[i] <= border;
    free(sorted);
}
