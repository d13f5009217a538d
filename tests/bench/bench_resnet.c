/* bench_resnet [BATCH [SIZE [THREADS [REPEATS]]]]: images a second of ResNet18, forward and one training step (forward,
 * backward, Adam), f32 and bf16. Prints one line each, best and median of the repeats. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "nn/adam.h"
#include "base/mem.h"
#include "model/resnet18.h"

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

struct bench {
    struct weft_resnet18 *r;
    size_t batch, size;
    float *images, *features, *m, *v;
    struct weft_adam adam;
};

/* Adam over every learned tensor, as the trainer does. */
static void adam(struct bench *b)
{
    struct weft_resnet18_tensor *t;
    size_t n = weft_resnet18_tensors(b->r, &t), at = 0;
    weft_adam_begin(&b->adam);
    for (size_t i = 0; i < n; i++) {
        if (t[i].grad == NULL)
            continue;
        weft_adam_update(&b->adam, t[i].data, t[i].grad, b->m + at, b->v + at, t[i].count);
        at += t[i].count;
    }
    weft_resnet18_changed(b->r);
}

static int once(struct bench *b, int train, struct weft_err *e)
{
    if (!train)
        return weft_resnet18_features(b->r, b->images, b->batch, b->size, b->size, b->features, e);
    if (weft_resnet18_forward(b->r, b->images, b->batch, b->size, b->size, b->features, e) < 0 ||
        weft_resnet18_backward(b->r, b->features, e) < 0)
        return -1;
    adam(b);
    return 0;
}

static int measure(struct bench *b, int train, const char *name, int threads, int repeats, struct weft_err *e)
{
    double t[64];
    if (once(b, train, e) < 0)
        return -1;
    for (int i = 0; i < repeats; i++) {
        double start = now();
        if (once(b, train, e) < 0)
            return -1;
        t[i] = now() - start;
    }
    qsort(t, (size_t)repeats, sizeof *t, by_value);
    double n = (double)b->batch;
    printf("weft ResNet18 %s th=%d %s batch %zu size %zu: best %.2f median %.2f img/s (%.0f ms, %.0f MB)\n", name,
           threads, train ? "train step" : "forward", b->batch, b->size, n / t[0], n / t[repeats / 2], t[0] * 1e3,
           (double)weft_resnet18_bytes(b->r) / 1e6);
    fflush(stdout);
    return 0;
}

static int run(enum weft_dnn_type type, struct bench *b, int threads, int repeats, struct weft_err *e)
{
    const char *name = type == WEFT_DNN_BF16 ? "bf16" : "f32";
    int rc = weft_resnet18_new(threads, type, &b->r, e);
    if (rc == 0)
        weft_resnet18_init(b->r, 1);
    if (rc == 0)
        rc = measure(b, 0, name, threads, repeats, e);
    if (rc == 0)
        rc = measure(b, 1, name, threads, repeats, e);
    weft_resnet18_free(&b->r);
    return rc;
}

int main(int argc, char **argv)
{
    long arg[4] = {32, 224, 2, 5};
    for (int i = 1; i < argc && i <= 4; i++)
        arg[i - 1] = strtol(argv[i], NULL, 10);
    if (arg[0] < 1 || arg[1] < 8 || arg[2] < 1 || arg[3] < 1 || arg[3] > 64)
        return 64;
    struct weft_err e = {0};
    struct bench b = {.batch = (size_t)arg[0], .size = (size_t)arg[1], .adam = weft_adam(1e-4)};
    size_t pixels = b.batch * 3 * b.size * b.size;
    b.images = WEFT_ARRAY(float, pixels);
    b.features = WEFT_ARRAY(float, b.batch *WEFT_RESNET18_FEATURES);
    b.m = WEFT_ARRAY(float, 12000000);
    b.v = WEFT_ARRAY(float, 12000000);
    for (size_t i = 0; i < pixels; i++)
        b.images[i] = (float)((i * 2654435761u >> 7) % 2001) / 1000.0f - 1.0f;
    int rc = run(WEFT_DNN_F32, &b, (int)arg[2], (int)arg[3], &e);
    if (rc == 0 && weft_dnn_has_bf16())
        rc = run(WEFT_DNN_BF16, &b, (int)arg[2], (int)arg[3], &e);
    if (rc < 0)
        fprintf(stderr, "bench_resnet: %s\n", e.what);
    free(b.images);
    free(b.features);
    free(b.m);
    free(b.v);
    return rc < 0 ? 1 : 0;
}
