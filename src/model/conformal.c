/* conformal.c - intervals from validation residuals: which are kept, how they are scaled, quantiles and covariances of
 * them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/conformal.h"
#include "base/mem.h"
#include "model/model.h"

/* Rows of windows that move which make quantiles by themselves: those of 0.025 and 0.975. */
enum { MOVING_ENOUGH = 39 };

static const double CALIBRATED_LEVEL = 0.9, CALIBRATED_Z = 1.6448536, CALIBRATED_DRAW = 20;
static const float FLOOR_LEAST = 1e-6f, FLOOR_SHARE = 0.1f;

float weft_step_spread(float spread, float level, float y)
{
    return y > level ? (float)hypot((double)spread, (double)(y - level)) : spread;
}

float weft_local_level(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return (float)(sum / (double)n);
}

float weft_local_spread(const float *x, size_t n, float floor)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    float spread = (float)sqrt(squares / (double)n);
    return spread > floor ? spread : floor;
}

/* --- keeping rows: a heap whose root is the largest hash --- */

void weft_residuals_init(struct weft_residuals *r, size_t cap, size_t width)
{
    *r = (struct weft_residuals){.cap = cap, .width = width};
}

void weft_residuals_free(struct weft_residuals *r)
{
    free(r->hash);
    free(r->rows);
    *r = (struct weft_residuals){0};
}

static void swap(struct weft_residuals *r, size_t i, size_t j)
{
    float *a = r->rows + i * r->width, *b = r->rows + j * r->width;
    uint64_t h = r->hash[i];
    r->hash[i] = r->hash[j];
    r->hash[j] = h;
    for (size_t k = 0; k < r->width; k++) {
        float x = a[k];
        a[k] = b[k];
        b[k] = x;
    }
}

/* Returns where the row that was at i went. */
static size_t sift_down(struct weft_residuals *r, size_t i, size_t n)
{
    for (;;) {
        size_t largest = i, left = 2 * i + 1, right = left + 1;
        if (left < n && r->hash[left] > r->hash[largest])
            largest = left;
        if (right < n && r->hash[right] > r->hash[largest])
            largest = right;
        if (largest == i)
            return i;
        swap(r, i, largest);
        i = largest;
    }
}

static size_t sift_up(struct weft_residuals *r, size_t i)
{
    for (; i > 0 && r->hash[i] > r->hash[(i - 1) / 2]; i = (i - 1) / 2)
        swap(r, i, (i - 1) / 2);
    return i;
}

static void reserve(struct weft_residuals *r)
{
    /* Grows by doubling: most units of a large model never fill their share. */
    size_t have = r->n < 16 ? 16 : 2 * r->n;
    if (have > r->cap)
        have = r->cap;
    r->hash = weft_xrealloc2(r->hash, have, sizeof *r->hash);
    r->rows = weft_xrealloc2(r->rows, have * r->width, sizeof *r->rows);
}

float *weft_residuals_offer(struct weft_residuals *r, uint64_t hash)
{
    if (r->n < r->cap) {
        if (r->n == 0 || (r->n >= 16 && (r->n & (r->n - 1)) == 0))
            reserve(r);
        r->hash[r->n] = hash;
        size_t at = sift_up(r, r->n++);
        return r->rows + at * r->width;
    }
    if (!r->cap || hash >= r->hash[0])
        return NULL;
    r->hash[0] = hash;
    return r->rows + sift_down(r, 0, r->n) * r->width;
}

void weft_residuals_limit(struct weft_residuals *r, size_t cap)
{
    while (r->n > cap) {
        r->n--;
        if (r->n) {
            swap(r, 0, r->n);
            sift_down(r, 0, r->n);
        }
    }
    if (cap >= r->cap)
        return;
    r->cap = cap;
    if (r->n && r->n == cap) { /* full for good */
        r->hash = weft_xrealloc2(r->hash, cap, sizeof *r->hash);
        r->rows = weft_xrealloc2(r->rows, cap * r->width, sizeof *r->rows);
    }
}

void weft_residuals_sort(struct weft_residuals *r)
{
    for (size_t n = r->n; n > 1; n--) {
        swap(r, 0, n - 1);
        sift_down(r, 0, n - 1);
    }
}

size_t weft_residuals_cap(size_t units)
{
    size_t cap = 65536 / (units ? units : 1);
    return cap < 100 ? 100 : cap > 1000 ? 1000 : cap;
}

/* Windows in which nothing happened before the origin (a product not sold yet) have no spread to measure an error with:
 * they would count in units of the floor, a hundred times too large, and make every series' interval useless. They are
 * left out unless they are half of all, and so what is usual here, and too few others are left: where 19 of 20 series
 * stand still, their errors of 0 are no interval of the one that moves. */
static size_t leave_out_still(struct weft_residuals *r, size_t lookback)
{
    size_t kept = 0, moving = 0;
    for (size_t i = 0; i < r->n; i++)
        moving += weft_local_spread(r->rows + i * r->width, lookback, 0) > FLOOR_LEAST;
    if (2 * moving <= r->n && moving < MOVING_ENOUGH)
        return r->n;
    for (size_t i = 0; i < r->n; i++) {
        if (!(weft_local_spread(r->rows + i * r->width, lookback, 0) > FLOOR_LEAST))
            continue;
        if (kept != i) {
            memcpy(r->rows + kept * r->width, r->rows + i * r->width, r->width * sizeof *r->rows);
            r->hash[kept] = r->hash[i];
        }
        kept++;
    }
    return kept;
}

void weft_residuals_finish(struct weft_residuals *r, size_t lookback, size_t horizon,
                           void (*forecast)(void *self, size_t unit, const float *const *x, size_t batch, float *y),
                           void *self, size_t unit, size_t rows, bool by_forecast, float *out, float *floor,
                           float *spreads)
{
    double sum = 0;
    weft_residuals_limit(r, rows);
    weft_residuals_sort(r);
    size_t n = r->n = leave_out_still(r, lookback);
    for (size_t i = 0; i < rows * horizon; i++)
        out[i] = NAN;
    for (size_t i = 0; spreads && i < rows; i++)
        spreads[i] = NAN;
    for (size_t i = 0; i < n; i++)
        sum += weft_local_spread(r->rows + i * r->width, lookback, 0);
    *floor = n ? (float)(FLOOR_SHARE * sum / (double)n) : 0;
    *floor = *floor > FLOOR_LEAST ? *floor : FLOOR_LEAST;
    for (size_t i = 0; i < n; i++) {
        const float *row = r->rows + i * r->width;
        float *y = out + i * horizon, spread = weft_local_spread(row, lookback, *floor),
              level = weft_local_level(row, lookback);
        if (spreads)
            spreads[i] = spread;
        forecast(self, unit, &row, 1, y);
        for (size_t h = 0; h < horizon; h++)
            y[h] = (row[lookback + h] - y[h]) / (by_forecast ? weft_step_spread(spread, level, y[h]) : spread);
    }
}

/* --- what a model file holds --- */

void weft_errors_init(struct weft_errors *x, size_t units, size_t horizon)
{
    size_t rows = weft_residuals_cap(units);
    *x = (struct weft_errors){.units = units, .rows = rows, .horizon = horizon};
    x->residuals = weft_xrealloc2(NULL, units * rows * horizon, sizeof *x->residuals);
    x->spread = WEFT_ARRAY(float, units *rows);
    x->floor = WEFT_ARRAY(float, units);
    x->freedom = WEFT_ARRAY(float, units);
    for (size_t i = 0; i < units; i++)
        x->freedom[i] = NAN;
}

void weft_errors_take(struct weft_errors *x, size_t i, struct weft_residuals *keep, size_t lookback,
                      void (*forecast)(void *self, size_t unit, const float *const *x, size_t batch, float *y),
                      void *self, bool by_forecast)
{
    weft_residuals_finish(keep, lookback, x->horizon, forecast, self, 0, x->rows, by_forecast,
                          x->residuals + i * x->rows * x->horizon, &x->floor[i], x->spread + i * x->rows);
}

void weft_errors_write(const struct weft_errors *x, bool alike, struct weft_st_writer *w)
{
    bool told = false;
    for (size_t i = 0; i < x->units; i++)
        told |= !isnan(x->freedom[i]);
    weft_st_writer_tensor(w, "residuals", WEFT_ST_F32, 3, (size_t[]){x->units, x->rows, x->horizon}, x->residuals);
    weft_st_writer_tensor(w, "residual_floor", WEFT_ST_F32, 1, &x->units, x->floor);
    if (alike)
        weft_st_writer_tensor(w, "residual_spread", WEFT_ST_F32, 2, (size_t[]){x->units, x->rows}, x->spread);
    if (told)
        weft_st_writer_tensor(w, "freedom", WEFT_ST_F32, 1, &x->units, x->freedom);
}

void weft_errors_free(struct weft_errors *x)
{
    free(x->residuals);
    free(x->spread);
    free(x->floor);
    free(x->freedom);
    *x = (struct weft_errors){0};
}

static bool filled(const float *row, const float *spread, size_t horizon)
{
    bool all = !spread || isfinite(*spread);
    for (size_t h = 0; h < horizon && all; h++)
        all = isfinite(row[h]);
    return all;
}

size_t weft_errors_covariance(const float *residuals, const float *spread, size_t rows, size_t horizon, double *cov,
                              double *share)
{
    double mean = 0, sum = 0, squares = 0;
    size_t n = 0;
    for (size_t i = 0; i < horizon * horizon; i++)
        cov[i] = 0;
    for (size_t i = 0; i < rows; i++)
        if (filled(residuals + i * horizon, spread ? spread + i : NULL, horizon)) {
            mean += spread ? (double)spread[i] : 1;
            n++;
        }
    mean /= n ? (double)n : 1;
    for (size_t i = 0; i < rows; i++) {
        const float *row = residuals + i * horizon;
        if (!filled(row, spread ? spread + i : NULL, horizon))
            continue;
        double counts = spread && spread[i] < mean ? (double)spread[i] / mean : 1, w = counts * counts;
        sum += w;
        squares += w * w;
        for (size_t h = 0; h < horizon; h++)
            for (size_t g = 0; g < horizon; g++)
                cov[h * horizon + g] += w * (double)row[h] * (double)row[g];
    }
    for (size_t i = 0; n && i < horizon * horizon; i++)
        cov[i] /= sum;
    *share = n ? sum * sum / ((double)n * squares) : 0;
    return n;
}

/* a' C a. */
static double variance_of(const double *a, size_t horizon, const double *cov)
{
    double sum = 0;
    for (size_t h = 0; h < horizon; h++)
        for (size_t g = 0; g < horizon; g++)
            sum += a[h] * a[g] * cov[h * horizon + g];
    return sum;
}

/* What the standard deviation of a'e is multiplied by, that a normal error of it lies within what 90 % of the rows do.
 */
static double stretch(const float *residuals, size_t rows, size_t horizon, double freedom, const double *a,
                      const double *cov)
{
    float *size = WEFT_ARRAY(float, rows + 1);
    size_t n = 0;
    for (size_t i = 0; i < rows; i++) {
        double sum = 0;
        for (size_t h = 0; h < horizon; h++)
            sum += a[h] * (double)residuals[i * horizon + h];
        if (isfinite(sum))
            size[n++] = (float)fabs(sum);
    }
    weft_sort(size, n, sizeof *size, weft_by_float);
    size_t rank = weft_conformal_rank(CALIBRATED_LEVEL, n);
    double sd = sqrt(fmax(variance_of(a, horizon, cov), 0)), held = rank ? (double)size[rank - 1] : 0;
    free(size);
    return rank && sd > 0 ? 1 + (held / (CALIBRATED_Z * sd) - 1) * freedom / (freedom + CALIBRATED_DRAW) : 1;
}

void weft_errors_calibrate(const float *residuals, size_t rows, size_t horizon, double freedom, double *cov)
{
    double *sum = WEFT_ARRAY(double, horizon), *contrast = WEFT_ARRAY(double, horizon),
           *row = WEFT_ARRAY(double, 2 * horizon), *column = row + horizon, n = (double)horizon, all = 0;
    for (size_t h = 0; h < horizon; h++) {
        sum[h] = 1;
        contrast[h] = (double)(h >= horizon - (horizon + 3) / 4) - (double)(h < (horizon + 3) / 4);
    }
    double s = stretch(residuals, rows, horizon, freedom, sum, cov),
           g = horizon > 1 ? stretch(residuals, rows, horizon, freedom, contrast, cov) : s, d = (s - g) / n;
    for (size_t h = 0; h < horizon; h++)
        for (size_t k = 0; k < horizon; k++) {
            row[h] += cov[h * horizon + k];
            column[k] += cov[h * horizon + k];
            all += cov[h * horizon + k];
        }
    for (size_t h = 0; h < horizon; h++) /* (g I + d 11') C (g I + d 11') */
        for (size_t k = 0; k < horizon; k++)
            cov[h * horizon + k] = g * g * cov[h * horizon + k] + g * d * (row[h] + column[k]) + d * d * all;
    free(sum);
    free(contrast);
    free(row);
}
