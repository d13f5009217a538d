/* test_state.c - a state that grows by the day holds what all days at once give, and both hold what expanded windows
 * add up to. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "train/dlinear_state.h"
#include "base/mem.h"
#include "base/rng.h"

enum { SERIES = 3, CHANNELS = 2, DAYS = 500, BEGIN = 135, L = 9, H = 4, W = L + H };
static const int64_t day0 = 1577836800; /* 2020-01-01 */
static char *channels[] = {"units", "amounts"}, *keys[] = {"kind"};
static float data[SERIES][CHANNELS][DAYS];

/* Series 2 begins late; series 1 has gaps, one of them of days that no dump has. */
static bool there(size_t s, size_t day)
{
    return !(s == 2 && day < 300) && !(s == 1 && day >= 200 && day < 230);
}

static void make_data(void)
{
    struct weft_rng r = weft_rng(5, 0);
    for (size_t s = 0; s < SERIES; s++)
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t t = 0; t < DAYS; t++)
                data[s][c][t] = (s == 0 && t % 97 == 5) || !there(s, t)
                                    ? NAN
                                    : (float)(1000 * (double)(s + 1) + 20 * sin((double)t * 6.2831853 / 7) +
                                              5 * weft_rng_normal(&r));
}

/* Days [from, to) as a stream brings them: windows when the state begins. */
static void bring(struct weft_dlinear_state *s, size_t from, size_t to, bool windows)
{
    struct weft_series_attrs a = {.step = 86400,
                                  .start = day0 + (int64_t)from * 86400,
                                  .length = (int64_t)(to - from),
                                  .keys = keys,
                                  .n_keys = 1,
                                  .channels = channels,
                                  .n_channels = CHANNELS,
                                  .lookback = windows ? L : 0,
                                  .horizon = H,
                                  .stride = 1};
    struct weft_pack attrs = {0};
    struct weft_head h = {0};
    struct weft_err e = {0};
    weft_series_attrs_write(&a, (struct weft_span){0}, &attrs);
    snprintf(h.schema, sizeof h.schema, "%s", windows ? WEFT_WINDOWS_SCHEMA : WEFT_SERIES_SCHEMA);
    h.attrs = weft_pack_span(&attrs);
    assert_int_equal(weft_dlinear_state_start(s, &h, "kind", &e), 0);
    for (size_t k = 0; k < SERIES; k++) {
        static float values[CHANNELS * DAYS];
        size_t first = from, n = 0;
        while (first < to && !there(k, first))
            first++;
        for (size_t t = first; t < to; t++)
            n = there(k, t) ? t - first + 1 : n;
        if (!n)
            continue;
        for (size_t c = 0; c < CHANNELS; c++)
            memcpy(values + c * n, data[k][c] + first, n * sizeof *values);
        char id[] = {(char)('a' + k), 0};
        struct weft_series x = {.id = {(const uint8_t *)id, 1},
                                .start = day0 + (int64_t)first * 86400,
                                .n_channels = CHANNELS,
                                .n = n,
                                .values = values};
        x.key[0] = (struct weft_span){(const uint8_t *)(k == 1 ? "one" : "other"), k == 1 ? 3 : 5};
        assert_int_equal(weft_dlinear_state_add(s, &x, &e), 0);
    }
    weft_pack_free(&attrs);
}

static void choose(struct weft_dlinear_state *s)
{
    for (size_t i = 0; i < s->n_units; i++) {
        s->unit[i].n_best = 2;
        s->unit[i].best[0] = (struct weft_nested_config){L, 7, 0.01, 1};
        s->unit[i].best[1] = (struct weft_nested_config){7, 0, 0.1, 1};
    }
}

static struct weft_dlinear_state *open_state(const char *path, double half_life, bool *fresh)
{
    struct weft_dlinear_state *s;
    struct weft_err e = {0};
    int rc = weft_dlinear_state_open(path, half_life, &s, &e);
    if (rc < 0)
        fail_msg("%s", e.what);
    *fresh = s->fresh;
    return s;
}

static double worst(const double *a, const double *b, size_t n)
{
    double d = 0, top = 1e-300;
    for (size_t i = 0; i < n; i++) {
        d = fmax(d, fabs(a[i] - b[i]));
        top = fmax(top, fabs(b[i]));
    }
    return d / top;
}

/* Sums of a unit by expanded, weighted windows. */
static void direct(size_t unit, double half_life, double shift, double *sum, double *gram, double *n)
{
    size_t c = unit % CHANNELS, kind = unit / CHANNELS;
    *n = 0;
    for (size_t s = 0; s < SERIES; s++)
        for (size_t at = 0; (s == 1) == (kind == 1) && at + W <= DAYS; at++) {
            double v[W], weight = half_life > 0 ? exp2(-(double)(DAYS - at - W) / half_life) : 1;
            bool whole = true;
            for (size_t i = 0; i < W; i++) {
                v[i] = (double)data[s][c][at + i] - shift;
                whole &= isfinite(v[i]);
            }
            *n += whole ? weight : 0;
            double *to = gram;
            for (size_t i = 0; i < W && whole; i++) {
                sum[i] += weight * v[i];
                for (size_t j = i; j < W; j++)
                    *to++ += weight * v[i] * v[j];
            }
        }
}

static void grown_equals_at_once(double half_life)
{
    char path[2][64], model[64];
    struct weft_dlinear_state *s[2];
    bool fresh;
    for (int i = 0; i < 2; i++)
        snprintf(path[i], sizeof path[i], "/tmp/weft-test-state-%d-%d", (int)getpid(), i);
    snprintf(model, sizeof model, "/tmp/weft-test-state-%d-m", (int)getpid());
    s[0] = open_state(path[0], half_life, &fresh);
    assert_true(fresh);
    bring(s[0], 0, BEGIN, true);
    choose(s[0]);
    for (size_t day = BEGIN;; day++) {
        assert_int_equal(weft_dlinear_state_fit(s[0], NULL), 0);
        if (day == DAYS)
            break;
        assert_int_equal(weft_dlinear_state_save(s[0], "[]", model, NULL), 0);
        weft_dlinear_state_close(&s[0]);
        s[0] = open_state(path[0], half_life, &fresh);
        assert_false(fresh);
        /* Now and then a dump also has days that are known. */
        bring(s[0], day % 5 ? day : day - 3, day + 1, false);
    }
    s[1] = open_state(path[1], half_life, &fresh);
    bring(s[1], 0, DAYS, true);
    choose(s[1]);
    assert_int_equal(weft_dlinear_state_fit(s[1], NULL), 0);
    assert_int_equal(s[0]->n_units, s[1]->n_units);
    for (size_t i = 0; i < s[1]->n_units; i++) {
        double a[W * W], b[W * W], want[W * W] = {0}, sum[W] = {0}, n;
        size_t packed = weft_gram_packed_size(W);
        for (int k = 0; k < 2; k++) {
            weft_gram_pack(&s[k]->unit[i].sum, k ? b : a);
            assert_true(s[k]->unit[i].shift == s[0]->unit[i].shift);
        }
        direct(i, half_life, s[0]->unit[i].shift, sum, want, &n);
        assert_true(worst(a, b, packed) < 1e-8);
        assert_true(worst(b, want, packed) < 1e-8);
        assert_true(worst(s[0]->unit[i].sum.sum, s[1]->unit[i].sum.sum, W) < 1e-8);
        assert_true(worst(s[1]->unit[i].sum.sum, sum, W) < 1e-8);
        assert_true(fabs(s[0]->unit[i].n / n - 1) < 1e-8 && fabs(s[1]->unit[i].n / n - 1) < 1e-8);
        for (size_t k = 0; k < H * L; k++)
            assert_true(fabsf(s[0]->unit[i].w.ws[k] - s[1]->unit[i].w.ws[k]) < 1e-5f);
    }
    for (int i = 0; i < 2; i++) {
        weft_dlinear_state_close(&s[i]);
        unlink(path[i]);
    }
    unlink(model);
}

static void every_half_life(void **state)
{
    (void)state;
    make_data();
    grown_equals_at_once(0);
    grown_equals_at_once(60);
    grown_equals_at_once(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_half_life)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
