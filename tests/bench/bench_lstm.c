/* bench_lstm [THREADS [REPEATS]]: windows a second of one training step of the LSTM forecaster (hidden 64, 30 -> 10),
 * at batch 32 and 4096, and GFLOP/s counting the recurrent products (forward, and twice as much backward). Best and
 * median of the repeats; wall clock. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "model/net.h"
#include "base/mem.h"
#include "base/rng.h"

enum { LOOKBACK = 30, HORIZON = 10, HIDDEN = 64, SERIES = 2000, LENGTH = 293 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* `steps` steps on windows drawn from the pool: seconds. */
static double run(struct weft_net_trainer *t, const uint32_t *at, size_t batch, size_t steps)
{
    double start = now();
    for (size_t i = 0; i < steps; i++)
        weft_net_trainer_step(t, at + i * batch, batch, true, NULL);
    return now() - start;
}

static void measure(const float *pool, size_t batch, size_t steps, int threads, int repeats)
{
    struct weft_net s = weft_net(WEFT_ENCODER_LSTM, LOOKBACK, HORIZON, HIDDEN, 1);
    struct weft_net_options o = {.epochs = 1, .batch = batch, .lr = 1e-3, .seed = 1};
    struct weft_net_windows d = {.pool = pool};
    struct weft_par *par = weft_par_new(threads);
    struct weft_net_trainer *t = weft_net_trainer_new(&s, &o, &d, par);
    struct weft_rng r = weft_rng(1, 2);
    uint32_t *at = weft_xmalloc(batch * steps * sizeof *at);
    double seconds[64], flops = 3.0 * 2 * 4 * HIDDEN * (HIDDEN + 1) * LOOKBACK + 6.0 * HIDDEN * HORIZON,
                        n = (double)(batch * steps);
    for (size_t i = 0; i < batch * steps; i++)
        at[i] = (uint32_t)(weft_rng_below(&r, SERIES) * LENGTH + weft_rng_below(&r, LENGTH - LOOKBACK - HORIZON + 1));
    run(t, at, batch, 1 + steps / 10);
    for (int i = 0; i < repeats; i++)
        seconds[i] = run(t, at, batch, steps);
    qsort(seconds, (size_t)repeats, sizeof *seconds, by_value);
    printf("weft LSTM 30->10 hidden 64 th=%d train batch %4zu: best %.0f median %.0f windows/s (%.2f ms a step, %.0f "
           "GFLOP/s)\n",
           threads, batch, n / seconds[0], n / seconds[repeats / 2], seconds[0] / (double)steps * 1e3,
           flops * n / seconds[0] * 1e-9);
    fflush(stdout);
    weft_net_trainer_free(&t);
    weft_par_free(&par);
    free(at);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 2, repeats = argc > 2 ? atoi(argv[2]) : 5;
    if (threads < 1 || repeats < 1 || repeats > 64)
        return 64;
    struct weft_rng r = weft_rng(1, 1);
    float *pool = WEFT_ARRAY(float, SERIES *LENGTH);
    for (size_t i = 0; i < SERIES * LENGTH; i++)
        pool[i] = (float)weft_rng_normal(&r);
    measure(pool, 32, 1000, threads, repeats);
    measure(pool, 4096, 10, threads, repeats);
    free(pool);
    return 0;
}
