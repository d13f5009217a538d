/* kept_errors.c - errors that a model file keeps: windows [lookback + horizon], and what was forecast [horizon] after
 * each. */
#include "apply/kept_errors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t units_of(const struct weft_kept_errors *k)
{
    return k->info ? k->info->n_groups * k->info->n_channels : 0;
}

void weft_kept_errors_init(struct weft_kept_errors *k, const struct weft_model_info *info)
{
    *k = (struct weft_kept_errors){.info = info};
    size_t units = units_of(k);
    k->rows = WEFT_ARRAY(struct weft_residuals, units);
    k->offered = WEFT_ARRAY(uint64_t, units);
    k->series = WEFT_ARRAY(uint64_t, units);
    for (size_t u = 0; u < units; u++)
        weft_residuals_init(&k->rows[u], weft_residuals_cap(units), (size_t)(info->lookback + 2 * info->horizon));
}

void weft_kept_errors_free(struct weft_kept_errors *k)
{
    for (size_t u = 0; k->rows && u < units_of(k); u++)
        weft_residuals_free(&k->rows[u]);
    free(k->rows);
    free(k->offered);
    free(k->series);
    *k = (struct weft_kept_errors){0};
}

size_t weft_kept_errors_unit(const struct weft_kept_errors *k, struct weft_span group, size_t channel)
{
    for (size_t g = 0; group.p && channel < k->info->n_channels && g < k->info->n_groups; g++)
        if (strlen(k->info->groups[g]) == group.n && memcmp(k->info->groups[g], group.p, group.n) == 0)
            return g * k->info->n_channels + channel;
    return SIZE_MAX;
}

bool weft_kept_errors_add(struct weft_kept_errors *k, size_t unit, const float *actual, const float *said, double shift,
                          double factor, uint64_t hash)
{
    size_t lookback = (size_t)k->info->lookback, horizon = (size_t)k->info->horizon, width = lookback + horizon;
    bool there = true;
    for (size_t t = 0; t < width; t++)
        there &= (bool)isfinite(actual[(ptrdiff_t)t - (ptrdiff_t)lookback]);
    for (size_t h = 0; h < horizon; h++)
        there &= (bool)isfinite(said[h]);
    float *row = there ? weft_residuals_offer(&k->rows[unit], hash) : NULL;
    k->offered[unit] += there;
    for (size_t t = 0; row && t < width; t++)
        row[t] = (float)(((double)actual[(ptrdiff_t)t - (ptrdiff_t)lookback] - shift) / factor);
    for (size_t h = 0; row && h < horizon; h++)
        row[width + h] = (float)(((double)said[h] - shift) / factor);
    return there;
}

/* A kept window's forecast stands after it. */
static void forecast_kept(void *self, size_t unit, const float *const *x, size_t batch, float *y)
{
    const struct weft_kept_errors *k = self;
    size_t horizon = (size_t)k->info->horizon;
    (void)unit;
    for (size_t i = 0; i < batch; i++)
        memcpy(y + i * horizon, x[i] + k->info->lookback + horizon, horizon * sizeof *y);
}

void weft_kept_errors_write(struct weft_kept_errors *k, size_t stride, struct weft_errors *room,
                            struct weft_st_writer *w)
{
    size_t horizon = (size_t)k->info->horizon;
    weft_errors_init(room, units_of(k), horizon);
    for (size_t u = 0; u < units_of(k); u++) {
        weft_errors_take(room, u, &k->rows[u], (size_t)k->info->lookback, forecast_kept, k, k->info->exog.by_forecast);
        room->freedom[u] = (float)weft_window_freedom(k->offered[u], k->series[u], stride, horizon);
    }
    weft_errors_write(room, k->info->scale != 0, w);
}
