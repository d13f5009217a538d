/* exog.c - exogenous channels in proportion to the target's level. */
#include "model/exog.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const char *weft_exog_effect_name(enum weft_exog_effect effect)
{
    return effect == WEFT_EXOG_LEVEL ? "level" : "units";
}

size_t weft_exog_lags(const struct weft_exog_shape *s, size_t c)
{
    return c == s->n || s->role[c] == WEFT_ROLE_STATIC ? 1 : s->lags;
}

size_t weft_exog_ahead(const struct weft_exog_shape *s, size_t c)
{
    return c < s->n && s->role[c] == WEFT_ROLE_FUTURE ? s->horizon : 0;
}

size_t weft_exog_width(const struct weft_exog_shape *s)
{
    size_t width = 0;
    for (size_t c = 0; c <= s->n; c++)
        width += weft_exog_lags(s, c) + weft_exog_ahead(s, c);
    return width;
}

size_t weft_exog_weights(const struct weft_exog_shape *s)
{
    size_t n = 0;
    for (size_t c = 0; c <= s->n; c++)
        n += weft_exog_lags(s, c) + (weft_exog_ahead(s, c) ? 1 : 0);
    return n;
}

/* level[t] of every step, in original units: a running sum over the steps of the mean, which ends `horizon` steps
 * before. */
static void put_level(const struct weft_exog_shape *s, const float *y, size_t n, double *level)
{
    double sum = 0;
    size_t count = 0, first = SIZE_MAX;
    for (size_t t = 0; t < n; t++) {
        level[t] = NAN;
        if (t < s->horizon)
            continue;
        size_t in = t - s->horizon;
        if (!isnan(y[in])) {
            sum += y[in];
            count++;
        }
        if (in >= s->level && !isnan(y[in - s->level])) {
            sum -= y[in - s->level];
            count--;
        }
        if (count)
            level[t] = sum / (double)count;
        if (count && first == SIZE_MAX)
            first = t;
    }
    for (size_t t = 0; t < s->horizon && first != SIZE_MAX && t < n; t++)
        level[t] = level[first];
}

/* Mean of the values there are among x[0..n); NaN without one. */
static double mean_of(const float *x, size_t n)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) {
            sum += x[i];
            count++;
        }
    return count ? sum / (double)count : NAN;
}

/* The mean that a relative channel refers to: of the train part, or of all that is known where that has no value. 0 has
 * no relation to anything. */
static double reference_of(const float *x, size_t known, size_t train)
{
    double mean = mean_of(x, train < known ? train : known);
    if (isnan(mean))
        mean = mean_of(x, known);
    return fabs(mean) > 0 ? mean : NAN;
}

/* *last: the value known before the first one; it is brought up to date. */
static void put_channel(const struct weft_exog_shape *s, size_t c, const float *x, size_t n, size_t known,
                        double reference, double *last, double *out)
{
    double less = s->relative[c] ? 1 : 0;
    for (size_t t = 0; t < n; t++) {
        if (!isnan(x[t]))
            *last = x[t];
        out[t] = (t < known ? *last : (double)x[t]) / reference - less;
    }
}

/* level[n] of the effect, as a factor of scaled values. */
static void put_factor(const struct weft_exog_shape *s, const float *y, size_t n, double factor, double *level)
{
    if (s->effect == WEFT_EXOG_LEVEL)
        put_level(s, y, n, level);
    for (size_t t = 0; t < n; t++)
        level[t] = (s->effect == WEFT_EXOG_LEVEL ? level[t] : 1) / factor;
}

void weft_exog_channels(const struct weft_exog_shape *s, const float *y, size_t n, size_t known, size_t train,
                        double factor, const float *const *x, double *out)
{
    double *level = out + s->n * n; /* the constant's channel is the level itself */
    put_factor(s, y, n, factor, level);
    for (size_t c = 0; c < s->n; c++) {
        double *g = out + c * n, last = NAN;
        for (size_t t = 0; t < known && isnan(last); t++)
            last = x[c][t];
        put_channel(s, c, x[c], n, known, s->relative[c] ? reference_of(x[c], known, train) : 1, &last, g);
        for (size_t t = 0; t < n; t++)
            g[t] *= level[t];
    }
}

void weft_exog_keep(const struct weft_exog_shape *s, size_t known, size_t train, const float *const *x,
                    double *reference, double *last)
{
    for (size_t c = 0; c < s->n; c++) {
        reference[c] = s->relative[c] ? reference_of(x[c], known, train) : 1;
        last[c] = NAN;
        for (size_t t = known; t > 0 && isnan(last[c]); t--)
            last[c] = x[c][t - 1];
    }
}

void weft_exog_go_on(const struct weft_exog_shape *s, const float *y, size_t n, size_t came, double factor,
                     const float *const *x, const double *reference, double *last, double *out)
{
    double *level = WEFT_ARRAY(double, n), *now = level + n - came;
    put_factor(s, y, n, factor, level);
    for (size_t c = 0; c < s->n; c++) {
        put_channel(s, c, x[c], came, came, reference[c], &last[c], out + c * came);
        for (size_t t = 0; t < came; t++)
            out[c * came + t] *= now[t];
    }
    memcpy(out + s->n * came, now, came * sizeof *out);
    free(level);
}

double weft_exog_part(const struct weft_exog_shape *s, const double *g, size_t n, size_t origin, size_t ahead,
                      const float *weights)
{
    double sum = 0;
    for (size_t c = 0; c <= s->n; c++, g += n) {
        size_t lags = weft_exog_lags(s, c);
        for (size_t i = 0; i < lags; i++)
            sum += (double)*weights++ * g[origin - lags + i];
        if (weft_exog_ahead(s, c))
            sum += (double)*weights++ * g[origin + ahead];
    }
    return sum;
}

bool weft_exog_gather(const struct weft_exog_shape *s, const double *g, size_t n, size_t origin, float *out)
{
    bool whole = true;
    for (size_t c = 0; c <= s->n; c++, g += n)
        for (size_t t = origin - weft_exog_lags(s, c); t < origin + weft_exog_ahead(s, c); t++) {
            *out++ = (float)g[t];
            whole &= (bool)isfinite(g[t]);
        }
    return whole;
}
