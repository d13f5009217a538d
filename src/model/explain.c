/* explain.c - exact SHAP values of linear forecasts. */
#include "model/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"

enum { DAY = 86400, WEEKS = 4, QUARTER_WEEKS = 13, AROUND_DAYS = 3 };

struct weft_lags weft_lags_of(int64_t step)
{
    int64_t week = 7 * DAY, year = 52 * week;
    struct weft_lags k = {.recent = 7};
    if (step <= 0)
        return k;
    if (step == WEFT_STEP_MONTH || step == WEFT_STEP_QUARTER) /* nothing in them is of a week */
        return step == WEFT_STEP_MONTH ? (struct weft_lags){.quarter = 3, .year = 12}
                                       : (struct weft_lags){.quarter = 1, .year = 4};
    if (week % step == 0)
        k.recent = k.week = (size_t)(week / step);
    k.quarter = QUARTER_WEEKS * k.week;
    if (year % step == 0)
        k.year = (size_t)(year / step);
    k.around = (size_t)(AROUND_DAYS * DAY / step);
    return k;
}

enum weft_lag_group weft_lag_group_of(const struct weft_lags *k, size_t step, size_t lag)
{
    size_t apart = lag + step - 1; /* steps from the value to the one that is forecast */
    if (lag <= k->recent)
        return WEFT_LAG_WEEK;
    if (k->week > 1 && lag <= WEEKS * k->week && apart % k->week == 0)
        return WEFT_LAG_WEEKDAY;
    if (k->year && apart + k->around >= k->year && apart <= k->year + k->around)
        return WEFT_LAG_YEAR;
    if (k->week && lag <= WEEKS * k->week)
        return WEFT_LAG_MONTH;
    if (lag <= k->quarter)
        return WEFT_LAG_QUARTER;
    return WEFT_LAG_REST;
}

/* What a window is made of: lags[lookback], scaled, and the features of the channels after them. */
static size_t features(const struct weft_explain_job *j)
{
    return j->exog ? weft_exog_width(j->exog) : 0;
}

/* The window whose horizon begins at `origin`; g: the channels as exog.h has them. False when something is missing. */
static bool window_at(const struct weft_explain_job *j, const double *g, size_t origin, double *z, float *room)
{
    bool whole = true;
    for (size_t l = 0; l < j->lookback; l++) {
        z[l] = (j->x[origin - j->lookback + l] - j->shift) / j->factor;
        whole &= !isnan(z[l]);
    }
    if (!j->exog || !whole)
        return whole;
    if (origin + j->horizon > j->whole || !weft_exog_gather(j->exog, g, j->whole, origin, room))
        return false;
    for (size_t i = 0; i < features(j); i++)
        z[j->lookback + i] = (double)room[i];
    return true;
}

/* mean[] = mean over all windows of their values. Returns the windows. */
static uint64_t background(const struct weft_explain_job *j, const double *g, double *mean, double *z, float *room)
{
    uint64_t windows = 0;
    size_t width = j->lookback + features(j), after = 0; /* one behind the last missing value */
    memset(mean, 0, width * sizeof *mean);
    for (size_t end = 1; end <= j->n; end++) {
        if (isnan(j->x[end - 1]))
            after = end;
        if (end - after < j->lookback || !window_at(j, g, end, z, room))
            continue;
        for (size_t l = 0; l < width; l++)
            mean[l] += z[l];
        windows++;
    }
    for (size_t l = 0; l < width && windows; l++)
        mean[l] /= (double)windows;
    return windows;
}

/* What the channels add to step h (from 0). z: a window's features, less `less` (or NULL). */
static double of_channels(const struct weft_explain_job *j, size_t h, const double *z, const double *less)
{
    const struct weft_exog_shape *s = j->exog;
    const double *v = s ? j->v + h * weft_exog_weights(s) : NULL;
    double sum = 0;
    for (size_t c = 0, at = 0; s && c <= s->n; c++) {
        size_t lags = weft_exog_lags(s, c), ahead = weft_exog_ahead(s, c);
        for (size_t i = 0; i < lags; i++)
            sum += *v++ * (z[at + i] - (less ? less[at + i] : 0));
        if (ahead)
            sum += *v++ * (z[at + lags + h] - (less ? less[at + lags + h] : 0));
        at += lags + ahead;
    }
    return sum;
}

/* The mean over the days [from, to] of the forecasts for one window, scaled. */
static double mean_forecast(const struct weft_explain_job *j, const size_t days[2], const double *z)
{
    double all = 0;
    for (size_t h = days[0] - 1; h < days[1]; h++) {
        double y = j->b[h];
        for (size_t l = 0; l < j->lookback; l++)
            y += j->r[h * j->lookback + l] * z[l];
        all += y + of_channels(j, h, z + j->lookback, NULL);
    }
    return all / (double)(days[1] - days[0] + 1);
}

static void explain_days(const struct weft_explain_job *j, const size_t days[2], const double *z, const double *mean,
                         struct weft_explained *out)
{
    double n = (double)(days[1] - days[0] + 1);
    memset(out->lag, 0, j->lookback * sizeof *out->lag);
    memset(out->phi, 0, sizeof out->phi);
    memset(out->lags, 0, sizeof out->lags);
    for (size_t h = days[0] - 1; h < days[1]; h++) {
        for (size_t l = 0; l < j->lookback; l++) {
            double phi = j->factor * j->r[h * j->lookback + l] * (z[l] - mean[l]) / n;
            out->lag[l] += phi;
            enum weft_lag_group k = weft_lag_group_of(&j->lags, h + 1, j->lookback - l);
            out->phi[k] += phi;
            out->lags[k]++;
        }
        out->phi[WEFT_LAG_CHANNELS] += j->factor * of_channels(j, h, z + j->lookback, mean + j->lookback) / n;
    }
    out->lags[WEFT_LAG_CHANNELS] = features(j);
    out->forecast = mean_forecast(j, days, z) * j->factor + j->shift;
    out->mean = mean_forecast(j, days, mean) * j->factor + j->shift;
}

bool weft_explain(const struct weft_explain_job *j, struct weft_explanation *out)
{
    size_t width = j->lookback + features(j);
    double *z = weft_xaligned(2 * width, sizeof *z), *mean = z + width,
           *g = j->exog ? weft_xaligned((j->exog->n + 1) * j->whole, sizeof *g) : NULL;
    float *room = WEFT_ARRAY(float, features(j) + 1);
    if (g)
        weft_exog_channels(j->exog, j->x, j->whole, j->n, j->train, j->factor, j->channels, g);
    bool whole = j->n >= j->lookback && window_at(j, g, j->n, z, room);
    if (whole) {
        out->by_lag = weft_xrealloc2(out->by_lag, 2 * j->lookback, sizeof *out->by_lag);
        out->near.lag = out->by_lag;
        out->far.lag = out->by_lag + j->lookback;
        out->windows = background(j, g, mean, z, room);
        (void)window_at(j, g, j->n, z, room);
        explain_days(j, j->near, z, mean, &out->near);
        explain_days(j, j->far, z, mean, &out->far);
    }
    free(room);
    free(g);
    free(z);
    return whole;
}

void weft_explanation_free(struct weft_explanation *x)
{
    free(x->by_lag);
    *x = (struct weft_explanation){0};
}
