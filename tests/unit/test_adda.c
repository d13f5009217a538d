/* test_adda.c - adversarial adaptation and its small networks, against PyTorch (tests/reference/make_adda.py) and
 * finite differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/adda.h"
#include "base/mem.h"

#include "reference.h"

#define FIXTURE "tests/reference/adda.safetensors"

enum { LOOKBACK = 12, HORIZON = 3, WIDTH = LOOKBACK + HORIZON, CODE = 10, HIDDEN = 20, ROWS = 37, STEPS = 6 };

static struct weft_st *fixture;

static void close_to(const float *got, const char *name, size_t n, double most)
{
    const struct weft_st_tensor *t = weft_st_find(fixture, name);
    assert_non_null(t);
    assert_int_equal(t->count, n);
    double error = reference_error(got, t->data, n);
    if (!(error < most))
        fail_msg("%s: %g", name, error);
}

static float *numbers(uint64_t tensor, size_t n, float scale)
{
    float *x = weft_xaligned(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = reference_number(tensor, i) * scale;
    return x;
}

/* PyTorch's layers one behind the other, to the inner layout and back. */
static void mlp_copy(const struct weft_mlp *s, float *outer, float *inner, bool inward)
{
    for (size_t i = 0; i < s->n; i++) {
        (inward ? weft_linear_pack(&s->layer[i], outer, inner) : weft_linear_unpack(&s->layer[i], inner, outer));
        outer += weft_linear_count(&s->layer[i]);
        inner += weft_linear_size(&s->layer[i]);
    }
}

static size_t mlp_count(const struct weft_mlp *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += weft_linear_count(&s->layer[i]);
    return n;
}

static const struct weft_adda_options options = {.epochs = STEPS,
                                                 .windows = 1000,
                                                 .batch = ROWS,
                                                 .hidden = HIDDEN,
                                                 .lr = 1e-3,
                                                 .encoder_lr = 3e-4,
                                                 .smooth = 0.9,
                                                 .reconstruct = 0.5,
                                                 .labels = 0.7,
                                                 .last = true,
                                                 .seed = 1};

/* The fixture's windows: the source's, then the target's. */
static float *windows(uint32_t *source, uint32_t *target, uint8_t *labelled)
{
    float *pool = numbers(403, 2 * ROWS * WIDTH, 1);
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        pool[ROWS * WIDTH + i] = (float)((double)reference_number(404, i) * 0.5 + 0.3);
    for (uint32_t i = 0; i < ROWS; i++) {
        source[i] = i * WIDTH;
        target[i] = (ROWS + i) * WIDTH;
        labelled[i] = i % 3 == 0;
    }
    return pool;
}

static void steps_like_pytorch(void **state)
{
    (void)state;
    struct weft_net net = weft_net(WEFT_ENCODER_LSTM, LOOKBACK, HORIZON, CODE, 1);
    struct weft_mlp disc = weft_mlp((size_t[]){CODE, HIDDEN, HIDDEN, 1}, 3, 0.2f),
                    decoder = weft_mlp((size_t[]){CODE, HIDDEN, LOOKBACK}, 2, 0.2f);
    uint32_t source[ROWS], target[ROWS];
    uint8_t labelled[ROWS];
    float *pool = windows(source, target, labelled), *outer = numbers(400, weft_net_count(&net), 0.3f),
          losses[STEPS * 5];
    float *of_disc = numbers(401, mlp_count(&disc), 0.3f), *of_decoder = numbers(402, mlp_count(&decoder), 0.3f);
    struct weft_adda_windows d = {
        .pool = pool, .source = source, .target = target, .labelled = labelled, .n_source = ROWS, .n_target = ROWS};
    struct weft_adda *a = weft_adda_new(&net, outer, &options, &d, NULL);
    struct weft_adda_state *s = weft_adda_state(a);
    size_t base = weft_encoder_size(&net.encoder);
    mlp_copy(&disc, of_disc, s->p + base, true);
    mlp_copy(&decoder, of_decoder, s->p + base + weft_mlp_size(&disc), true);
    for (size_t i = 0; i < STEPS; i++) {
        struct weft_adda_epoch now;
        struct weft_err e = {0};
        assert_int_equal(weft_adda_epoch(a, &now, &e), 1);
        const double row[5] = {now.discriminator_loss, now.accuracy, now.mapping_loss, now.reconstruction_loss,
                               now.source_variance};
        for (size_t k = 0; k < 5; k++)
            losses[5 * i + k] = (float)row[k];
    }
    close_to(losses, "losses", STEPS * 5, 1e-5);
    weft_adda_result(a, outer);
    close_to(outer, "encoder", weft_encoder_count(&net.encoder), 1e-5);
    mlp_copy(&disc, of_disc, s->p + base, false);
    mlp_copy(&decoder, of_decoder, s->p + base + weft_mlp_size(&disc), false);
    close_to(of_disc, "discriminator", mlp_count(&disc), 1e-5);
    close_to(of_decoder, "decoder", mlp_count(&decoder), 1e-5);
    weft_adda_free(&a);
    free(pool);
    free(outer);
    free(of_disc);
    free(of_decoder);
}

/* sum(y * w) of a network, in double. */
static double weighed(const struct weft_mlp *s, const float *inner, const float *x, const float *w, float *values)
{
    const float *y = weft_mlp_forward(s, inner, x, 16, 5, values);
    double sum = 0;
    for (size_t i = 0; i < 5 * 16; i++)
        sum += (double)y[i] * w[i];
    return sum;
}

static void mlp_gradients_by_differences(void **state)
{
    (void)state;
    struct weft_mlp s = weft_mlp((size_t[]){6, 20, 9, 4}, 3, 0.2f);
    size_t n = weft_mlp_size(&s), count = mlp_count(&s);
    float *outer = numbers(1, count, 0.4f), *inner = weft_xaligned(n, sizeof *inner), *g = weft_xaligned(n, sizeof *g),
          *back = weft_xaligned(weft_mlp_back_size(&s), sizeof *back);
    float *values = weft_xaligned(5 * weft_mlp_row_size(&s), sizeof *values),
          *room = weft_xaligned(weft_mlp_room(&s, 5), sizeof *room), x[5 * 16] = {0}, w[5 * 16] = {0}, dx[5 * 16];
    for (size_t r = 0; r < 5; r++) {
        for (size_t i = 0; i < 6; i++)
            x[r * 16 + i] = reference_number(2, r * 6 + i);
        for (size_t i = 0; i < 4; i++)
            w[r * 16 + i] = reference_number(3, r * 4 + i);
    }
    mlp_copy(&s, outer, inner, true);
    memset(g, 0, n * sizeof *g);
    weighed(&s, inner, x, w, values);
    weft_mlp_turn(&s, inner, back);
    weft_mlp_backward(&s, back, x, 16, values, w, 5, g, dx, room);
    for (size_t i = 0; i < n; i += 7) {
        float old = inner[i];
        inner[i] = old + 2e-4f;
        double above = weighed(&s, inner, x, w, values);
        inner[i] = old - 2e-4f;
        double slope = (above - weighed(&s, inner, x, w, values)) / 4e-4;
        inner[i] = old;
        if (g[i] != 0) /* padding stays without a gradient, whatever its neighbours */
            assert_true(fabs(slope - g[i]) < 4e-3);
    }
    for (size_t i = 0; i < 6; i++) {
        float old = x[i];
        x[i] = old + 2e-4f;
        double above = weighed(&s, inner, x, w, values);
        x[i] = old - 2e-4f;
        assert_true(fabs((above - weighed(&s, inner, x, w, values)) / 4e-4 - dx[i]) < 4e-3);
        x[i] = old;
    }
    free(outer);
    free(inner);
    free(g);
    free(back);
    free(values);
    free(room);
}

static void adapt(int threads, size_t batch, int64_t stop, struct weft_adda_state *keep, float *out)
{
    struct weft_net net = weft_net(WEFT_ENCODER_LSTM, LOOKBACK, HORIZON, CODE, 1);
    struct weft_adda_options o = options;
    uint32_t source[ROWS], target[ROWS];
    uint8_t labelled[ROWS];
    float *pool = windows(source, target, labelled), *outer = numbers(400, weft_net_count(&net), 0.3f);
    struct weft_adda_windows d = {.pool = pool,
                                  .source = source,
                                  .target = target,
                                  .valid = target,
                                  .n_source = ROWS,
                                  .n_target = ROWS,
                                  .n_valid = ROWS};
    struct weft_par *par = weft_par_new(threads);
    struct weft_adda_epoch now;
    struct weft_err e = {0};
    o.batch = batch;
    o.last = false;
    struct weft_adda *a = weft_adda_new(&net, outer, &o, &d, par);
    struct weft_adda_state *s = weft_adda_state(a);
    if (keep->p) { /* goes on */
        memcpy(s->p, keep->p, s->n * sizeof *s->p);
        memcpy(s->m, keep->m, s->n * sizeof *s->m);
        memcpy(s->v, keep->v, s->n * sizeof *s->v);
        memcpy(s->kept, keep->kept, s->n_kept * sizeof *s->kept);
        s->steps = keep->steps;
        s->epoch = keep->epoch;
        s->waited = keep->waited;
        s->best = keep->best;
    } else {
        weft_adda_begin(a, &now);
        assert_true(now.best && now.epoch == 0);
    }
    while (!weft_adda_done(a) && s->epoch < stop)
        assert_int_equal(weft_adda_epoch(a, &now, &e), 1);
    if (stop < STEPS) {
        *keep = *s;
        keep->p = memcpy(weft_xaligned(s->n, sizeof(float)), s->p, s->n * sizeof(float));
        keep->m = memcpy(weft_xaligned(s->n, sizeof(float)), s->m, s->n * sizeof(float));
        keep->v = memcpy(weft_xaligned(s->n, sizeof(float)), s->v, s->n * sizeof(float));
        keep->kept = memcpy(weft_xaligned(s->n_kept, sizeof(float)), s->kept, s->n_kept * sizeof(float));
    }
    weft_adda_result(a, out);
    weft_adda_free(&a);
    weft_par_free(&par);
    free(pool);
    free(outer);
}

static void threads_and_resume_change_nothing(void **state)
{
    (void)state;
    struct weft_net net = weft_net(WEFT_ENCODER_LSTM, LOOKBACK, HORIZON, CODE, 1);
    size_t n = weft_net_count(&net);
    float *one = weft_xaligned(n, sizeof *one), *other = weft_xaligned(n, sizeof *other);
    struct weft_adda_state none = {0}, half = {0};
    adapt(1, 10, STEPS, &none, one);
    adapt(3, 10, STEPS, &none, other);
    assert_memory_equal(one, other, n * sizeof *one);
    adapt(2, 10, 2, &half, other);
    adapt(2, 10, STEPS, &half, other);
    assert_memory_equal(one, other, n * sizeof *one);
    free(half.p);
    free(half.m);
    free(half.v);
    free(half.kept);
    free(one);
    free(other);
}

static int open_fixture(void **state)
{
    struct weft_err e = {0};
    (void)state;
    return weft_st_open(FIXTURE, &fixture, &e);
}

static int close_fixture(void **state)
{
    (void)state;
    weft_st_close(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_like_pytorch),
        cmocka_unit_test(mlp_gradients_by_differences),
        cmocka_unit_test(threads_and_resume_change_nothing),
    };
    return cmocka_run_group_tests_name("adda", tests, open_fixture, close_fixture);
}
