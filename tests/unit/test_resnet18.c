/* test_resnet18.c - ResNet18 against torchvision's in float64 (tests/reference/make_resnet.py), and what its interface
 * promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reference.h"
#include "base/mem.h"
#include "model/resnet18.h"

#define FIXTURE "tests/reference/resnet18.safetensors"
enum { PICK = 64, LEARNED = 60 };

static struct weft_resnet18 *network(enum weft_dnn_type type, int threads)
{
    struct weft_resnet18 *r;
    struct weft_err e = {0};
    struct weft_resnet18_tensor *t;
    assert_int_equal(weft_resnet18_new(threads, type, &r, &e), 0);
    size_t n = weft_resnet18_tensors(r, &t);
    for (size_t i = 0; i < n; i++) {
        double scale =
            t[i].rank == 4 ? (double)(float)sqrt(6.0 / (double)(t[i].dims[1] * t[i].dims[2] * t[i].dims[3])) : 0;
        int about_one = strstr(t[i].name, "running_var") != NULL || strstr(t[i].name, ".weight") != NULL;
        for (size_t k = 0; k < t[i].count; k++) {
            double u = (double)reference_number(i, k);
            t[i].data[k] = (float)(t[i].rank == 4 ? u * scale : about_one ? 1 + u * 0.25 : u * 0.125);
        }
    }
    weft_resnet18_changed(r);
    return r;
}

static float *images(size_t n, size_t h, size_t w, uint64_t tensor)
{
    float *x = WEFT_ARRAY(float, n * 3 * h * w);
    for (size_t i = 0; i < n * 3 * h * w; i++)
        x[i] = 2 * reference_number(tensor, i);
    return x;
}

static const float *expected(const struct weft_st *st, const char *name)
{
    const struct weft_st_tensor *t = weft_st_find(st, name);
    assert_non_null(t);
    return t->data;
}

static struct weft_st *fixture(void)
{
    struct weft_st *st;
    struct weft_err e = {0};
    assert_int_equal(weft_st_open(FIXTURE, &st, &e), 0);
    return st;
}

static void check_eval(struct weft_resnet18 *r, const struct weft_st *st, size_t n, size_t h, size_t w, uint64_t tensor,
                       const char *name, double tolerance)
{
    struct weft_err e = {0};
    float *x = images(n, h, w, tensor), *y = WEFT_ARRAY(float, n * 512);
    assert_int_equal(weft_resnet18_features(r, x, n, h, w, y, &e), 0);
    double err = reference_error(y, expected(st, name), n * 512);
    print_message("%s: relative error %.2g\n", name, err);
    assert_true(err < tolerance);
    free(x);
    free(y);
}

static void test_eval(void **state)
{
    (void)state;
    struct weft_st *st = fixture();
    struct weft_resnet18 *r = network(WEFT_DNN_F32, 2);
    check_eval(r, st, 4, 64, 64, 1000, "eval.4x64x64", 1e-4);
    check_eval(r, st, 2, 97, 70, 1001, "eval.2x97x70", 1e-4);
    weft_resnet18_free(&r);
    if (weft_dnn_has_bf16()) {
        r = network(WEFT_DNN_BF16, 2);
        check_eval(r, st, 4, 64, 64, 1000, "eval.4x64x64", 5e-2);
        weft_resnet18_free(&r);
    }
    weft_st_close(&st);
}

static void check_gradients(struct weft_resnet18 *r, const struct weft_st *st, double tolerance)
{
    struct weft_resnet18_tensor *t;
    size_t n = weft_resnet18_tensors(r, &t), k = 0;
    const float *picks = expected(st, "grad.picks"), *sums = expected(st, "grad.sums");
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        if (t[i].grad == NULL)
            continue;
        double norm = 0, dot = 0, apart = 0, top = sums[3 * k + 2];
        for (size_t j = 0; j < t[i].count; j++) {
            norm += (double)t[i].grad[j] * t[i].grad[j];
            dot += (double)t[i].grad[j] * (double)reference_number(2000 + k, j);
        }
        for (size_t j = 0; j < PICK; j++)
            apart = fmax(apart, fabs((double)t[i].grad[j * t[i].count / PICK] - picks[k * PICK + j]));
        norm = sqrt(norm);
        /* The projection on random numbers is as large as the norm; cancellation makes it small by chance. */
        double err = fmax(fmax(fabs(norm - sums[3 * k]), fabs(dot - sums[3 * k + 1])) / sums[3 * k], apart / top);
        if (!(err < tolerance))
            print_message("%s: gradient off by %.2g\n", t[i].name, err);
        worst = fmax(worst, err);
        assert_true(err < tolerance);
        k++;
    }
    assert_int_equal(k, LEARNED);
    print_message("gradients: relative error at most %.2g\n", worst);
}

static void check_running(struct weft_resnet18 *r, const struct weft_st *st, double tolerance)
{
    struct weft_resnet18_tensor *t;
    size_t n = weft_resnet18_tensors(r, &t), at = 0;
    const float *want = expected(st, "running");
    for (size_t i = 0; i < n; i++) {
        if (t[i].grad != NULL)
            continue;
        double err = reference_error(t[i].data, want + at, t[i].count);
        if (!(err < tolerance))
            print_message("%s: off by %.2g\n", t[i].name, err);
        assert_true(err < tolerance);
        at += t[i].count;
    }
}

static void check_training(enum weft_dnn_type type, double tolerance, double gradient_tolerance)
{
    struct weft_st *st = fixture();
    struct weft_resnet18 *r = network(type, 2);
    struct weft_err e = {0};
    float *x = images(4, 96, 96, 1002), *y = WEFT_ARRAY(float, 4 * 512), *d = WEFT_ARRAY(float, 4 * 512);
    for (size_t i = 0; i < 4 * 512; i++)
        d[i] = reference_number(1003, i);
    assert_int_equal(weft_resnet18_forward(r, x, 4, 96, 96, y, &e), 0);
    double err = reference_error(y, expected(st, "train.features"), 4 * 512);
    print_message("training features: relative error %.2g\n", err);
    assert_true(err < tolerance);
    check_running(r, st, tolerance);
    assert_int_equal(weft_resnet18_backward(r, d, &e), 0);
    check_gradients(r, st, gradient_tolerance);
    free(x);
    free(y);
    free(d);
    weft_resnet18_free(&r);
    weft_st_close(&st);
}

static void test_training(void **state)
{
    (void)state;
    check_training(WEFT_DNN_F32, 1e-4, 1e-4);
}

/* An image's features are the same bytes whatever its batch, its place in it and the number of threads. */
static void same_features(enum weft_dnn_type type)
{
    enum { N = 9, S = 64 };
    struct weft_err e = {0};
    float *x = images(N, S, S, 1004), *y = WEFT_ARRAY(float, N * 512), *z = WEFT_ARRAY(float, N * 512);
    struct weft_resnet18 *one = network(type, 1), *two = network(type, 2);
    assert_int_equal(weft_resnet18_features(one, x, N, S, S, y, &e), 0);
    const size_t batches[] = {1, 2, 4, 8, 9};
    for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
        for (size_t i = 0; i < N; i += batches[k]) {
            size_t n = N - i < batches[k] ? N - i : batches[k];
            assert_int_equal(weft_resnet18_features(k % 2 ? one : two, x + i * 3 * S * S, n, S, S, z + i * 512, &e), 0);
        }
        assert_memory_equal(y, z, N * 512 * sizeof(float));
    }
    weft_resnet18_free(&one);
    weft_resnet18_free(&two);
    free(x);
    free(y);
    free(z);
}

static void test_batches(void **state)
{
    (void)state;
    same_features(WEFT_DNN_F32);
    if (weft_dnn_has_bf16())
        same_features(WEFT_DNN_BF16);
}

/* A training step repeated from the same state gives the same bytes; other shapes in between change nothing. */
static void test_repeat(void **state)
{
    (void)state;
    enum { N = 3, S = 40 };
    struct weft_err e = {0};
    float *x = images(N, S, S, 1005), *y = WEFT_ARRAY(float, N * 512), *z = WEFT_ARRAY(float, N * 512), *g[2];
    struct weft_resnet18_tensor *t;
    for (int k = 0; k < 2; k++) {
        struct weft_resnet18 *r = network(WEFT_DNN_F32, 2);
        for (size_t n = 1; k == 1 && n <= N; n++)
            assert_int_equal(weft_resnet18_features(r, x, n, S, S, z, &e), 0);
        assert_int_equal(weft_resnet18_forward(r, x, N, S, S, y, &e), 0);
        if (k == 1)
            assert_int_equal(weft_resnet18_features(r, x, N, S, S, z, &e), 0);
        assert_int_equal(weft_resnet18_backward(r, y, &e), 0);
        weft_resnet18_tensors(r, &t);
        g[k] = WEFT_ARRAY(float, t[0].count);
        memcpy(g[k], t[0].grad, t[0].count * sizeof(float));
        weft_resnet18_free(&r);
    }
    assert_memory_equal(g[0], g[1], 64 * 3 * 49 * sizeof(float));
    free(g[0]);
    free(g[1]);
    free(x);
    free(y);
    free(z);
}

static void test_refused(void **state)
{
    (void)state;
    struct weft_err e = {0};
    struct weft_resnet18 *r = network(WEFT_DNN_F32, 1);
    float y[512] = {0};
    assert_true(weft_resnet18_features(r, y, 1, 4, 4, y, &e) < 0);
    assert_int_equal(e.code, WEFT_CONFIG);
    memset(&e, 0, sizeof e);
    assert_true(weft_resnet18_backward(r, y, &e) < 0);
    assert_int_equal(e.code, WEFT_BUG);
    weft_resnet18_free(&r);
}

static void test_names(void **state)
{
    (void)state;
    struct weft_resnet18_tensor *t;
    struct weft_resnet18 *r = network(WEFT_DNN_F32, 1);
    size_t n = weft_resnet18_tensors(r, &t), learned = 0;
    for (size_t i = 0; i < n; i++)
        learned += t[i].grad != NULL ? t[i].count : 0;
    assert_int_equal(n, 100);
    assert_int_equal(learned, 11176512); /* torchvision's 11,689,512 without fc */
    assert_string_equal(t[0].name, "conv1.weight");
    assert_string_equal(t[4].name, "bn1.running_var");
    assert_string_equal(t[99].name, "layer4.1.bn2.running_var");
    weft_resnet18_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eval),   cmocka_unit_test(test_training), cmocka_unit_test(test_batches),
        cmocka_unit_test(test_repeat), cmocka_unit_test(test_refused),  cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
