/* test_ridge.c - ridge from Gram matrices against LAPACK's least squares on expanded windows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/blas.h"
#include "base/mem.h"
#include "nn/ridge.h"
#include "base/rng.h"

enum { L = 14, H = 5, W = L + H, N = 160, V = 60 };

static void series(double *x, size_t n, uint64_t stream)
{
    struct weft_rng r = weft_rng(3, stream);
    for (size_t i = 0; i < n; i++)
        x[i] = 5 + sin((double)i / 3) + 0.5 * weft_rng_normal(&r) + (i ? 0.3 * x[i - 1] : 0);
    memset(x + n, 0, WEFT_GRAM_SLACK * sizeof *x);
}

static double base(const double *w, enum weft_norm norm)
{
    double sum = 0;
    for (size_t i = 0; i < L; i++)
        sum += w[i];
    return norm == WEFT_NORM_LAST ? w[L - 1] : norm == WEFT_NORM_MEAN ? sum / L : 0;
}

/* Weights by dgelsd on expanded, normalised (or centred) windows, with sqrt(alpha) rows below for the ridge. */
static void least_squares(const double *x, enum weft_norm norm, double ridge, double *w, double *bias)
{
    double *a = weft_xcalloc((N + L) * L, sizeof *a), *b = weft_xcalloc((N + L) * H, sizeof *b), mean[W] = {0},
           unit = 0;
    for (size_t n = 0; n < N && norm == WEFT_NORM_NONE; n++)
        for (size_t i = 0; i < W; i++)
            mean[i] += x[n + i] / N;
    for (size_t n = 0; n < N; n++) {
        double m = base(x + n, norm);
        for (size_t i = 0; i < L; i++) {
            a[n * L + i] = x[n + i] - m - mean[i];
            unit += a[n * L + i] * a[n * L + i] / L;
        }
        for (size_t h = 0; h < H; h++)
            b[n * H + h] = x[n + L + h] - m - mean[L + h];
    }
    for (size_t i = 0; i < L; i++)
        a[(N + i) * L + i] = sqrt(ridge * unit);
    assert_int_equal(weft_lstsq(N + L, L, H, a, b, 1e-9, NULL), 0);
    for (size_t h = 0; h < H; h++) {
        bias[h] = mean[L + h];
        for (size_t i = 0; i < L; i++) {
            w[h * L + i] = b[i * H + h];
            bias[h] -= b[i * H + h] * mean[i];
        }
    }
    free(a);
    free(b);
}

static double direct_mse(const double *x, enum weft_norm norm, const double *w, const double *bias)
{
    double sum = 0;
    for (size_t n = 0; n < V; n++)
        for (size_t h = 0; h < H; h++) {
            double m = base(x + n, norm), y = bias[h] + m;
            for (size_t i = 0; i < L; i++)
                y += w[h * L + i] * (x[n + i] - m);
            sum += (x[n + L + h] - y) * (x[n + L + h] - y);
        }
    return sum / (V * H);
}

static double difference(const double *a, const double *b, size_t n)
{
    double worst = 0, top = 1e-300;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(a[i] - b[i]));
        top = fmax(top, fabs(b[i]));
    }
    return worst / top;
}

static void add_run(struct weft_gram *g, const double *x, size_t n)
{
    weft_gram_init(g, W, 1);
    weft_gram_add(g, x, n);
    weft_gram_finish(g);
}

static void weights_and_errors(void **state)
{
    (void)state;
    double x[N + W + WEFT_GRAM_SLACK], y[V + W + WEFT_GRAM_SLACK], w[H * L], bias[H], want[H * L], want_bias[H];
    const double ridges[] = {0, 1e-6, 1e-3, 0.3, 20};
    double mse[5];
    struct weft_gram train, valid;
    series(x, N + W, 1);
    series(y, V + W, 2);
    add_run(&train, x, N);
    add_run(&valid, y, V);
    for (int norm = 0; norm < WEFT_NORMS; norm++) {
        struct weft_ridge *r;
        assert_int_equal(weft_ridge_new(&train, L, H, (enum weft_norm)norm, &r, NULL), 0);
        weft_ridge_score(r, &valid, ridges, 5, mse);
        for (size_t k = 0; k < 5; k++) {
            weft_ridge_weights(r, ridges[k], w, bias, NULL);
            least_squares(x, (enum weft_norm)norm, ridges[k], want, want_bias);
            assert_true(difference(w, want, H * L) < 1e-9);
            assert_true(difference(bias, want_bias, H) < 1e-8 || norm != WEFT_NORM_NONE);
            assert_true(fabs(mse[k] / direct_mse(y, (enum weft_norm)norm, w, bias) - 1) < 1e-9);
        }
        weft_ridge_free(&r);
    }
    weft_gram_free(&train);
    weft_gram_free(&valid);
}

static void constant_series(void **state)
{
    (void)state;
    double x[N + W + WEFT_GRAM_SLACK], w[H * L], bias[H];
    struct weft_gram g;
    for (size_t i = 0; i < N + W + WEFT_GRAM_SLACK; i++)
        x[i] = 4;
    add_run(&g, x, N);
    for (int norm = 0; norm < WEFT_NORMS; norm++) {
        struct weft_ridge *r;
        assert_int_equal(weft_ridge_new(&g, L, H, (enum weft_norm)norm, &r, NULL), 0);
        weft_ridge_weights(r, 0, w, bias, NULL);
        for (size_t h = 0; h < H; h++) {
            double y = bias[h] + (norm == WEFT_NORM_NONE ? 0 : 4);
            for (size_t i = 0; i < L; i++)
                y += w[h * L + i] * (norm == WEFT_NORM_NONE ? 4 : 0);
            assert_true(fabs(y - 4) < 1e-6);
        }
        weft_ridge_free(&r);
    }
    weft_gram_free(&g);
}

static void eigenvalues_and_cholesky(void **state)
{
    (void)state;
    double a[] = {2, 1, 1, 2}, w[2], c[] = {4, 2, 2, 3}, b[] = {8, 7};
    assert_int_equal(weft_eigh(2, a, w, NULL), 0);
    assert_true(fabs(w[0] - 1) < 1e-14 && fabs(w[1] - 3) < 1e-14);
    assert_true(fabs(a[2] - a[3]) < 1e-14 && fabs(a[0] + a[1]) < 1e-14);
    assert_int_equal(weft_cholesky_solve(2, 1, c, b, NULL), 0);
    assert_true(fabs(b[0] - 1.25) < 1e-14 && fabs(b[1] - 1.5) < 1e-14);
    double bad[] = {1, 2, 2, 1}, one[] = {1, 1};
    assert_int_equal(weft_cholesky_solve(2, 1, bad, one, NULL), -1);
    double s[] = {1, 9, 2, 9, 0, 1}, p[4] = {0};
    weft_dsyrk(true, 2, 3, 1, s, 2, 0, p, 2);
    assert_true(p[0] == 5 && p[1] == 27 && p[3] == 163);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(weights_and_errors), cmocka_unit_test(constant_series),
                                       cmocka_unit_test(eigenvalues_and_cholesky)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
