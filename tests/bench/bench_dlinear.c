/* bench_dlinear [SERIES [DAYS [REPEATS]]]: what DLinear 30 -> 10 costs without reading and writing, on one core: Adam
 * at batch 32 (an epoch over the first 64 % of days), the exact solver's pass over all windows, and its fit. Prints the
 * best of the repeats. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model/dlinear.h"
#include "base/mem.h"
#include "base/rng.h"

static const struct weft_dlinear_shape shape = {.lookback = 30, .horizon = 10, .kernel = 25, .norm = WEFT_NORM_MEAN};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Small sales with a week in them; the cost does not depend on the values. */
static float *shop(size_t series, size_t days)
{
    float *x = weft_xrealloc2(NULL, series * days, sizeof *x);
    struct weft_rng r = weft_rng(1, 0);
    for (size_t i = 0; i < series * days; i++)
        x[i] = (float)(int)(3 * weft_rng_unitf(&r) * (1 + (float)(i % days % 7) / 7));
    return x;
}

static double adam(const float *x, size_t series, size_t days, enum weft_norm norm, size_t *windows)
{
    size_t train = days * 64 / 100, per_series = train - shape.lookback - shape.horizon + 1, n = 0;
    uint32_t *at = weft_xrealloc2(NULL, series * per_series, sizeof *at);
    for (size_t s = 0; s < series; s++)
        for (size_t i = 0; i < per_series; i++)
            at[n++] = (uint32_t)(s * days + i);
    struct weft_dlinear_shape s = shape;
    s.norm = norm;
    struct weft_dlinear_windows d = {.pool = x, .train = at, .n_train = n};
    struct weft_dlinear_adam o = {.epochs = 1, .batch = 32, .lr = 1e-3, .lr_decay = 1, .seed = 1};
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&s);
    struct weft_dlinear_epoch best;
    double began = now();
    weft_dlinear_train(&s, &o, &d, &w, &best);
    double took = now() - began;
    weft_dlinear_weights_free(&w);
    free(at);
    *windows = n;
    return took;
}

/* Seconds of the pass over all series, and of the fit behind it. */
static int exact(const float *x, size_t series, size_t days, double took[2], size_t *windows, struct weft_err *e)
{
    struct weft_dlinear_stats st;
    struct weft_dlinear_room room = {0};
    struct weft_dlinear_fit fit;
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&shape);
    size_t split[] = {days * 64 / 100, days, days};
    weft_dlinear_stats_init(&st, &shape, 1, 3);
    double began = now();
    for (size_t s = 0; s < series; s++)
        weft_dlinear_stats_add(&st, x + s * days, days, 0, 1, NULL, split, s, &room);
    weft_dlinear_stats_finish(&st);
    double added = now();
    int rc = weft_dlinear_solve(&st, -1, &w, &fit, e);
    took[0] = added - began;
    took[1] = now() - added;
    *windows = series * (days - shape.lookback - shape.horizon + 1);
    weft_dlinear_stats_free(&st);
    weft_dlinear_weights_free(&w);
    free(room.p);
    return rc;
}

static size_t argument(int argc, char **argv, int i, size_t otherwise)
{
    return argc > i ? strtoull(argv[i], NULL, 10) : otherwise;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

int main(int argc, char **argv)
{
    size_t series = argument(argc, argv, 1, 15890), days = argument(argc, argv, 2, 459),
           repeats = argument(argc, argv, 3, 3);
    size_t windows = 0;
    if (!series || days < 100 || !repeats || series > UINT32_MAX / days) {
        fprintf(stderr, "usage: bench_dlinear [SERIES [DAYS [REPEATS]]], days from 100 on\n");
        return 64;
    }
    float *x = shop(series, days);
    struct weft_err e = {0};
    for (enum weft_norm norm = WEFT_NORM_NONE; norm < WEFT_NORMS; norm++) {
        double best = 1e9;
        for (size_t i = 0; i < repeats; i++)
            best = least(best, adam(x, series, days, norm, &windows));
        printf("DLinear 30 -> 10, Adam, batch 32, norm %-4s  %8.3f s an epoch of %zu windows, %.0f windows/s\n",
               weft_norm_name(norm), best, windows, (double)windows / best);
    }
    double pass = 1e9, fit = 1e9, took[2];
    for (size_t i = 0; i < repeats; i++) {
        if (exact(x, series, days, took, &windows, &e) < 0) {
            fprintf(stderr, "bench_dlinear: %s\n", e.what);
            free(x);
            return 70;
        }
        pass = least(pass, took[0]);
        fit = least(fit, took[1]);
    }
    printf("DLinear 30 -> 10, exact, one pass             %8.3f s for %zu windows, %.2f us a series; fit, 3 folds: "
           "%.4f s\n",
           pass, windows, 1e6 * pass / (double)series, fit);
    free(x);
    return 0;
}
