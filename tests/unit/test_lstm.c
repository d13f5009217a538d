/* test_lstm.c - LSTM layers, the LSTM forecaster and the layers around it, against PyTorch
 * (tests/reference/make_lstm.py) and finite differences. */
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

#include "model/net.h"
#include "base/mem.h"

#include "reference.h"

#define FIXTURE "tests/reference/lstm.safetensors"

enum { LAYERS = 4, NETS = 4 };
static const struct {
    struct weft_lstm_shape shape;
    size_t steps, batch;
} layers[LAYERS] = {{{1, 64, 1}, 30, 16}, {{3, 20, 2}, 7, 5}, {{2, 33, 3}, 9, 11}, {{70, 16, 1}, 3, 1}};
static const struct {
    enum weft_encoder_kind encoder;
    size_t lookback, horizon, code, layers, batch;
} nets[NETS] = {{WEFT_ENCODER_LSTM, 30, 10, 64, 1, 32},
                {WEFT_ENCODER_LSTM, 12, 3, 20, 2, 37},
                {WEFT_ENCODER_LINEAR, 12, 3, 20, 1, 37},
                {WEFT_ENCODER_CNN, 30, 5, 24, 1, 21}};

static struct weft_st *fixture;

static const float *expected(const char *part, int k, const char *what, size_t n)
{
    char name[64];
    if (k < 0)
        snprintf(name, sizeof name, "%s.%s", part, what);
    else
        snprintf(name, sizeof name, "%s.%d.%s", part, k, what);
    const struct weft_st_tensor *t = weft_st_find(fixture, name);
    assert_non_null(t);
    assert_int_equal(t->count, n);
    return t->data;
}

static void close_to(const float *got, const float *want, size_t n, double most, const char *what)
{
    double error = reference_error(got, want, n);
    if (!(error < most))
        fail_msg("%s: %g", what, error);
}

static float *numbers(uint64_t tensor, size_t n, float scale)
{
    float *x = weft_xaligned(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = reference_number(tensor, i) * scale;
    return x;
}

/* --- layers --- */

/* A layer case in memory: inner parameters, inputs, and the gradient that reaches the outputs, in our row distances. */
struct setting {
    struct weft_lstm_shape shape;
    size_t steps, batch, lanes;
    float *outer, *inner, *x, *dy;
    const float *rows[WEFT_LSTM_ROWS];
    struct weft_lstm *n;
};

static void set_up(struct setting *c, size_t k)
{
    *c = (struct setting){.shape = layers[k].shape,
                          .steps = layers[k].steps,
                          .batch = layers[k].batch,
                          .lanes = weft_lanes(layers[k].shape.hidden)};
    size_t hidden = c->shape.hidden, width = c->steps * c->shape.input;
    float *dy = numbers(102 + 10 * k, c->batch * c->steps * hidden, 1);
    c->outer = numbers(100 + 10 * k, weft_lstm_count(&c->shape), 0.25f);
    c->inner = weft_xaligned(weft_lstm_size(&c->shape), sizeof(float));
    c->x = numbers(101 + 10 * k, c->batch * width, 1);
    c->dy = WEFT_ARRAY(float, c->steps * c->batch * c->lanes);
    weft_lstm_pack(&c->shape, c->outer, c->inner);
    for (size_t r = 0; r < c->batch; r++) {
        c->rows[r] = c->x + r * width;
        for (size_t t = 0; t < c->steps; t++)
            memcpy(c->dy + (t * c->batch + r) * c->lanes, dy + (r * c->steps + t) * hidden, hidden * sizeof *dy);
    }
    c->n = weft_lstm_new(&c->shape, c->steps, 2);
    weft_lstm_use(c->n, c->inner);
    weft_lstm_turn(c->n);
    free(dy);
}

static void tear_down(struct setting *c)
{
    weft_lstm_free(&c->n);
    free(c->outer);
    free(c->inner);
    free(c->x);
    free(c->dy);
}

/* Sum of outputs times what reaches them. */
static double objective(struct setting *c)
{
    double sum = 0;
    size_t ld;
    weft_lstm_forward(c->n, 0, c->rows, c->batch, c->steps, &ld);
    for (size_t t = 0; t < c->steps; t++) {
        const float *y = weft_lstm_output(c->n, 0, t, &ld);
        for (size_t r = 0; r < c->batch; r++)
            for (size_t i = 0; i < c->shape.hidden; i++)
                sum += (double)y[r * ld + i] * c->dy[(t * c->batch + r) * c->lanes + i];
    }
    return sum;
}

static void layers_like_pytorch(void **state)
{
    (void)state;
    for (size_t k = 0; k < LAYERS; k++) {
        struct setting c;
        set_up(&c, k);
        size_t hidden = c.shape.hidden, in = c.shape.input, lanes = weft_lanes(in), n = weft_lstm_count(&c.shape), ld;
        float *y = weft_xaligned(c.batch * c.steps * hidden, sizeof *y),
              *g = WEFT_ARRAY(float, weft_lstm_size(&c.shape)), *outer = weft_xaligned(n, sizeof *outer);
        float *dx = weft_xaligned(c.steps * c.batch * lanes, sizeof *dx),
              *input = weft_xaligned(c.steps * c.batch * in, sizeof *input);
        /* An earlier run of other rows and steps must leave no trace. */
        weft_lstm_forward(c.n, 1, c.rows, (c.batch + 1) / 2, (c.steps + 1) / 2, &ld);
        weft_lstm_forward(c.n, 1, c.rows, c.batch, c.steps, &ld);
        for (size_t t = 0; t < c.steps; t++) {
            const float *h = weft_lstm_output(c.n, 1, t, &ld);
            for (size_t r = 0; r < c.batch; r++)
                memcpy(y + (r * c.steps + t) * hidden, h + r * ld, hidden * sizeof *y);
        }
        close_to(y, expected("layer", (int)k, "output", c.batch * c.steps * hidden), c.batch * c.steps * hidden, 2e-6,
                 "output");
        weft_lstm_backward(c.n, 1, &(struct weft_lstm_outer){.every = c.dy, .input = dx}, g);
        weft_lstm_unpack(&c.shape, g, outer);
        close_to(outer, expected("layer", (int)k, "gradient", n), n, 1e-5, "gradient");
        for (size_t r = 0; r < c.batch; r++)
            for (size_t t = 0; t < c.steps; t++)
                memcpy(input + (r * c.steps + t) * in, dx + (t * c.batch + r) * lanes, in * sizeof *input);
        close_to(input, expected("layer", (int)k, "input", c.batch * c.steps * in), c.batch * c.steps * in, 1e-5,
                 "input");
        free(y);
        free(g);
        free(outer);
        free(dx);
        free(input);
        tear_down(&c);
    }
}

static void layer_gradients_by_differences(void **state)
{
    (void)state;
    for (size_t k = 0; k < LAYERS; k++) {
        struct setting c;
        set_up(&c, k);
        size_t n = weft_lstm_count(&c.shape), m = c.batch * c.steps * c.shape.input, lanes = weft_lanes(c.shape.input);
        float *g = WEFT_ARRAY(float, weft_lstm_size(&c.shape)), *outer = weft_xaligned(n, sizeof *outer);
        float *dx = weft_xaligned(c.steps * c.batch * lanes, sizeof *dx);
        double step = 1e-2;
        objective(&c);
        weft_lstm_backward(c.n, 0, &(struct weft_lstm_outer){.every = c.dy, .input = dx}, g);
        weft_lstm_unpack(&c.shape, g, outer);
        for (size_t i = 0; i < n; i += 1 + n / 50) {
            float old = c.outer[i];
            double at[2];
            for (int side = 0; side < 2; side++) {
                c.outer[i] = (float)(old + (side ? step : -step));
                weft_lstm_pack(&c.shape, c.outer, c.inner);
                at[side] = objective(&c);
            }
            c.outer[i] = old;
            assert_true(fabs((at[1] - at[0]) / (2 * step) - outer[i]) < 5e-3 * (1 + fabs(outer[i])));
        }
        weft_lstm_pack(&c.shape, c.outer, c.inner);
        for (size_t i = 0; i < m; i += 1 + m / 30) {
            size_t row = i / (c.steps * c.shape.input), t = i / c.shape.input % c.steps;
            float old = c.x[i], want = dx[(t * c.batch + row) * lanes + i % c.shape.input];
            c.x[i] = (float)(old + step);
            double above = objective(&c);
            c.x[i] = (float)(old - step);
            assert_true(fabs((above - objective(&c)) / (2 * step) - want) < 5e-3 * (1 + fabs((double)want)));
            c.x[i] = old;
        }
        free(g);
        free(outer);
        free(dx);
        tear_down(&c);
    }
}

/* `last` is `every` that is zero but for the last step. */
static void last_is_a_case_of_every(void **state)
{
    (void)state;
    struct setting c;
    set_up(&c, 1);
    size_t n = weft_lstm_size(&c.shape), cells = c.batch * c.lanes;
    float *a = WEFT_ARRAY(float, n), *b = WEFT_ARRAY(float, n);
    memset(c.dy, 0, (c.steps - 1) * cells * sizeof *c.dy);
    objective(&c);
    weft_lstm_backward(c.n, 0, &(struct weft_lstm_outer){.every = c.dy}, a);
    objective(&c);
    weft_lstm_backward(c.n, 0, &(struct weft_lstm_outer){.last = c.dy + (c.steps - 1) * cells}, b);
    assert_memory_equal(a, b, n * sizeof *a);
    free(a);
    free(b);
    tear_down(&c);
}

/* Saturated gates, and NaN, which must come through. */
static void gates_at_their_ends(void **state)
{
    (void)state;
    struct weft_lstm_shape s = {1, 1, 1};
    float outer[16] = {0}, *inner = WEFT_ARRAY(float, weft_lstm_size(&s)), x[1] = {1};
    const float *rows[1] = {x};
    const float worth[] = {1e-30f, 1e-6f, -1e-3f, 0.3f, -0.7f, 5, -12, 60, -200, 1e30f, -1e30f};
    struct weft_lstm *n = weft_lstm_new(&s, 1, 1);
    size_t ld;
    for (size_t k = 0; k < sizeof worth / sizeof *worth; k++) {
        outer[0] = outer[3] = 1e30f; /* i and o are 1 */
        outer[2] = worth[k];
        weft_lstm_pack(&s, outer, inner);
        weft_lstm_use(n, inner);
        double h = weft_lstm_forward(n, 0, rows, 1, 1, &ld)[0], want = tanh(tanh((double)worth[k]));
        assert_true(fabs(h - want) <= 4e-7 * fabs(want));
        outer[2] = 1e30f; /* g is 1 */
        outer[0] = worth[k];
        weft_lstm_pack(&s, outer, inner);
        h = weft_lstm_forward(n, 0, rows, 1, 1, &ld)[0];
        want = tanh(1 / (1 + exp(-fmax(-87, (double)worth[k]))));
        assert_true(fabs(h - want) <= 4e-7 * fabs(want));
    }
    x[0] = NAN;
    assert_true(isnan(weft_lstm_forward(n, 0, rows, 1, 1, &ld)[0]));
    weft_lstm_free(&n);
    free(inner);
}

/* --- the forecaster --- */

static struct weft_net net_of(size_t k)
{
    return weft_net(nets[k].encoder, nets[k].lookback, nets[k].horizon, nets[k].code, nets[k].layers);
}

/* A trainer on the fixture's windows, with its weights. */
static struct weft_net_trainer *trainer_of(size_t k, struct weft_par *par, const float *pool)
{
    struct weft_net s = net_of(k);
    struct weft_net_options o = {.epochs = 1, .batch = nets[k].batch, .lr = 0.001};
    struct weft_net_trainer *t = weft_net_trainer_new(&s, &o, &(struct weft_net_windows){.pool = pool}, par);
    float *outer = numbers(200 + 10 * k, weft_net_count(&s), 0.125f);
    weft_net_pack(&s, outer, weft_net_trainer_state(t)->p);
    free(outer);
    return t;
}

static void net_like_pytorch(void **state)
{
    (void)state;
    for (size_t k = 0; k < NETS; k++) {
        struct weft_net s = net_of(k);
        size_t batch = nets[k].batch, width = s.lookback + s.head.out, n = weft_net_count(&s);
        float *pool = numbers(201 + 10 * k, batch * width, 1), *outer = numbers(200 + 10 * k, n, 0.125f),
              *y = weft_xaligned(batch * s.head.out, sizeof *y);
        float losses[50];
        const float **rows = weft_xcalloc(batch, sizeof *rows), *g;
        uint32_t at[64];
        for (size_t i = 0; i < batch; i++) {
            at[i] = (uint32_t)(i * width);
            rows[i] = pool + at[i];
        }
        struct weft_net_forecaster *f = weft_net_forecaster_new(&s, 2);
        weft_net_forecaster_set(f, 1, outer);
        weft_net_forecast(f, 1, rows, batch, y);
        close_to(y, expected("net", (int)k, "forecast", batch * s.head.out), batch * s.head.out, 2e-6, "forecast");
        struct weft_net_trainer *t = trainer_of(k, NULL, pool);
        weft_net_trainer_step(t, at, batch, false, &g);
        weft_net_unpack(&s, g, outer);
        close_to(outer, expected("net", (int)k, "gradient", n), n, 1e-5, "gradient");
        for (size_t i = 0; i < 50; i++) {
            losses[i] = (float)(weft_net_trainer_step(t, at, batch, true, NULL) / (double)(batch * s.head.out));
            if (i == 0) {
                weft_net_unpack(&s, weft_net_trainer_state(t)->p, outer);
                close_to(outer, expected("net", (int)k, "stepped", n), n, 1e-5, "stepped");
            }
        }
        close_to(losses, expected("net", (int)k, "losses", 50), 50, 1e-5, "losses");
        weft_net_unpack(&s, weft_net_trainer_state(t)->p, outer);
        close_to(outer, expected("net", (int)k, "trained", n), n, 1e-4, "trained");
        weft_net_trainer_free(&t);
        weft_net_forecaster_free(&f);
        free(pool);
        free(outer);
        free(y);
        free(rows);
    }
}

static void net_differences(size_t k)
{
    struct weft_net s = net_of(k);
    size_t batch = nets[k].batch, width = s.lookback + s.head.out, n = weft_net_count(&s);
    float *pool = numbers(201 + 10 * k, batch * width, 1), *outer = numbers(200 + 10 * k, n, 0.125f),
          *gradient = weft_xaligned(n, sizeof *gradient);
    struct weft_net_trainer *t = trainer_of(k, NULL, pool);
    const float *g;
    uint32_t at[64];
    for (size_t i = 0; i < batch; i++)
        at[i] = (uint32_t)(i * width);
    weft_net_trainer_step(t, at, batch, false, &g);
    weft_net_unpack(&s, g, gradient);
    for (size_t i = 0; i < n; i += 1 + n / 60) {
        /* A ReLU has a corner: near steps miss it, but carry more of the rounding. */
        float old = outer[i], step = nets[k].encoder == WEFT_ENCODER_CNN ? 0.002f : 0.02f;
        double loss[2];
        for (int side = 0; side < 2; side++) {
            outer[i] = side ? old + step : old - step;
            weft_net_pack(&s, outer, weft_net_trainer_state(t)->p);
            loss[side] = weft_net_trainer_step(t, at, batch, false, NULL) / (double)(batch * s.head.out);
        }
        outer[i] = old;
        assert_true(fabs((loss[1] - loss[0]) / (2 * (double)step) - gradient[i]) <
                    (nets[k].encoder == WEFT_ENCODER_CNN ? 1e-3 : 1e-4));
    }
    weft_net_trainer_free(&t);
    free(pool);
    free(outer);
    free(gradient);
}

static void net_gradients_by_differences(void **state)
{
    (void)state;
    for (size_t k = 1; k < NETS; k++)
        net_differences(k);
}

/* --- training --- */

enum { POOL = 600 };

static void train(const float *pool, const struct weft_net_options *o, int threads, int64_t stop,
                  struct weft_net_state *keep, float *out)
{
    struct weft_net s = weft_net(WEFT_ENCODER_LSTM, 20, 5, 24, 2);
    uint32_t train_at[400], valid_at[100];
    struct weft_net_windows d = {.pool = pool, .train = train_at, .valid = valid_at, .n_train = 400, .n_valid = 100};
    struct weft_par *par = weft_par_new(threads);
    struct weft_net_epoch now;
    for (uint32_t i = 0; i < 400; i++)
        train_at[i] = i;
    for (uint32_t i = 0; i < 100; i++)
        valid_at[i] = 420 + i;
    struct weft_net_trainer *t = weft_net_trainer_new(&s, o, &d, par);
    struct weft_net_state *st = weft_net_trainer_state(t);
    if (keep->p) { /* goes on from what another training left */
        float *p = st->p;
        memcpy(p, keep->p, 4 * st->n * sizeof *p);
        *st = *keep;
        st->p = p, st->m = p + st->n, st->v = p + 2 * st->n, st->kept = p + 3 * st->n;
    }
    while (!weft_net_trainer_done(t) && st->epoch != stop)
        assert_int_equal(weft_net_trainer_epoch(t, &now, NULL), 1);
    if (!keep->p) {
        float *copy = weft_xaligned(4 * st->n, sizeof *copy);
        memcpy(copy, st->p, 4 * st->n * sizeof *copy);
        *keep = *st;
        keep->p = copy;
    }
    weft_net_unpack(&s, st->kept, out);
    weft_net_trainer_free(&t);
    weft_par_free(&par);
}

static void threads_and_resume_change_nothing(void **state)
{
    (void)state;
    struct weft_net s = weft_net(WEFT_ENCODER_LSTM, 20, 5, 24, 2);
    size_t n = weft_net_count(&s);
    float *pool = WEFT_ARRAY(float, POOL), *a = WEFT_ARRAY(float, n), *b = WEFT_ARRAY(float, n);
    for (size_t i = 0; i < POOL; i++)
        pool[i] = sinf((float)i * 0.9f) + 0.1f * reference_number(9, i);
    for (int clip = 0; clip < 2; clip++) {
        struct weft_net_options o = {.epochs = 6, .batch = 50, .lr = 0.01, .seed = 3, .clip = clip ? 0.1 : 0};
        struct weft_net_state whole = {0}, part = {0};
        train(pool, &o, 1, -1, &whole, a);
        assert_true(whole.best.valid_loss < 0.4 && whole.best.epoch > 1);
        struct weft_net_state other = {0};
        train(pool, &o, 3, -1, &other, b);
        assert_memory_equal(a, b, n * sizeof *a);
        train(pool, &o, 2, 3, &part, b);
        assert_int_equal(part.epoch, 3);
        train(pool, &o, 2, -1, &part, b);
        assert_memory_equal(a, b, n * sizeof *a);
        free(whole.p);
        free(other.p);
        free(part.p);
    }
    free(pool);
    free(a);
    free(b);
}

static void running_away_is_an_error(void **state)
{
    (void)state;
    struct weft_net s = weft_net(WEFT_ENCODER_LSTM, 4, 2, 8, 1);
    float pool[12] = {0, 1, INFINITY, 3};
    uint32_t at[1] = {0};
    struct weft_net_options o = {.epochs = 3, .batch = 4, .lr = 0.01};
    struct weft_net_trainer *t = weft_net_trainer_new(&s, &o, &(struct weft_net_windows){pool, at, at, 1, 1}, NULL);
    struct weft_net_epoch now;
    struct weft_err e = {0};
    pool[4] = NAN;
    assert_int_equal(weft_net_trainer_epoch(t, &now, &e), -1);
    assert_int_equal(e.code, WEFT_DATA);
    assert_non_null(strstr(e.what, "epoch 1"));
    weft_net_trainer_free(&t);
}

static void forecasts_do_not_depend_on_the_batch(void **state)
{
    (void)state;
    struct weft_net s = weft_net(WEFT_ENCODER_LSTM, 11, 4, 40, 2);
    size_t n = weft_net_count(&s);
    float *outer = numbers(5, n, 0.3f), *pool = numbers(6, 100, 1), whole[40 * 4], one[4];
    const float *rows[40];
    struct weft_net_forecaster *f = weft_net_forecaster_new(&s, 1);
    weft_net_forecaster_set(f, 0, outer);
    for (size_t i = 0; i < 40; i++)
        rows[i] = pool + i;
    weft_net_forecast(f, 0, rows, 40, whole);
    for (size_t i = 0; i < 40; i++) {
        weft_net_forecast(f, 0, rows + i, 1, one);
        assert_memory_equal(one, whole + 4 * i, sizeof one);
    }
    weft_net_forecaster_free(&f);
    free(outer);
    free(pool);
}

/* --- what stands around --- */

enum { ROWS = 9, IN = 13, MIDDLE = 21 };

/* linear, activation, dropout, linear, BCE: gradients of parameters (outer layout) and of x. */
static double discriminator(int kind, const float *outer, const float *x, const float *mask, const float *target,
                            float *g, float *dx)
{
    struct weft_linear one = {IN, MIDDLE}, two = {MIDDLE, 1};
    size_t lx = weft_lanes(IN), lm = weft_lanes(MIDDLE), lz = weft_lanes(1), cut = weft_linear_count(&one);
    float *p1 = weft_xaligned(weft_linear_size(&one), 4), *p2 = weft_xaligned(weft_linear_size(&two), 4),
          *g1 = WEFT_ARRAY(float, weft_linear_size(&one)), *g2 = WEFT_ARRAY(float, weft_linear_size(&two)),
          *b1 = weft_xaligned(MIDDLE * lx, 4), *b2 = weft_xaligned(lm, 4);
    float y[ROWS * 32], dropped[ROWS * 32], dy[ROWS * 32], z[ROWS * 16], dz[ROWS * 16] = {0};
    double loss = 0;
    weft_linear_pack(&one, outer, p1);
    weft_linear_pack(&two, outer + cut, p2);
    weft_linear_turn(&one, p1, b1);
    weft_linear_turn(&two, p2, b2);
    weft_linear_forward(&one, p1, x, lx, ROWS, y);
    kind == 0 ? weft_relu(y, ROWS * lm) : kind == 1 ? weft_leaky_relu(y, ROWS * lm, 0.2f) : weft_sigmoid(y, ROWS * lm);
    memcpy(dropped, y, sizeof y);
    weft_dropout_backward(mask, dropped, ROWS * lm); /* a given mask */
    weft_linear_forward(&two, p2, dropped, lm, ROWS, z);
    for (size_t r = 0; r < ROWS; r++)
        loss += weft_bce_logits(z + r * lz, target + r, 1, 1.0 / ROWS, dz + r * lz) / ROWS;
    weft_linear_backward(&two, b2, dropped, lm, dz, ROWS, g2, dy);
    weft_dropout_backward(mask, dy, ROWS * lm);
    if (kind == 0)
        weft_relu_backward(y, dy, ROWS * lm);
    else if (kind == 1)
        weft_leaky_relu_backward(y, dy, ROWS * lm, 0.2f);
    else
        weft_sigmoid_backward(y, dy, ROWS * lm);
    weft_linear_backward(&one, b1, x, lx, dy, ROWS, g1, dx);
    weft_linear_unpack(&one, g1, g);
    weft_linear_unpack(&two, g2, g + cut);
    free(p1), free(p2), free(g1), free(g2), free(b1), free(b2);
    return loss;
}

static void discriminator_like_pytorch(void **state)
{
    (void)state;
    static const char *const names[] = {"relu", "leaky", "sigmoid"};
    enum { N = MIDDLE * (IN + 1) + MIDDLE + 1 };
    float *outer = numbers(300, N, 0.5f), *inputs = numbers(301, ROWS * IN, 1), x[ROWS * 16] = {0},
          mask[ROWS * 32] = {0}, target[ROWS], g[N], dx[ROWS * 16], input[ROWS * IN];
    for (size_t r = 0; r < ROWS; r++) {
        memcpy(x + r * 16, inputs + r * IN, IN * sizeof *x);
        for (size_t i = 0; i < MIDDLE; i++)
            mask[r * 32 + i] = reference_number(302, r * MIDDLE + i) > -0.5f ? 1 / 0.75f : 0;
        target[r] = (reference_number(303, r) + 1) / 2;
    }
    for (int kind = 0; kind < 3; kind++) {
        float loss = (float)discriminator(kind, outer, x, mask, target, g, dx);
        close_to(&loss, expected(names[kind], -1, "loss", 1), 1, 1e-6, "loss");
        close_to(g, expected(names[kind], -1, "gradient", N), N, 1e-5, "gradient");
        for (size_t r = 0; r < ROWS; r++)
            memcpy(input + r * IN, dx + r * 16, IN * sizeof *dx);
        close_to(input, expected(names[kind], -1, "input", ROWS * IN), ROWS * IN, 1e-5, "input");
    }
    float norm = (float)weft_clip_norm(g, N, 0.01);
    close_to(&norm, expected("clip", -1, "norm", 1), 1, 1e-6, "norm");
    close_to(g, expected("clip", -1, "gradient", N), N, 1e-5, "clipped");
    assert_true(weft_clip_norm(g, N, 1) < 0.0101);
    free(outer);
    free(inputs);
}

static void dropout_keeps_the_mean(void **state)
{
    (void)state;
    enum { N = 20000 };
    float *x = weft_xaligned(N, sizeof *x), *again = weft_xaligned(N, sizeof *x),
          *mask = weft_xaligned(N, sizeof *mask);
    double sum = 0;
    size_t kept = 0;
    for (size_t i = 0; i < N; i++)
        x[i] = again[i] = 1;
    weft_dropout(x, mask, N, 0.3, weft_rng(1, 2));
    weft_dropout(again, mask, N, 0.3, weft_rng(1, 2));
    assert_memory_equal(x, again, N * sizeof *x);
    for (size_t i = 0; i < N; i++) {
        sum += x[i];
        kept += x[i] != 0;
        assert_true(mask[i] == x[i]);
    }
    assert_true(fabs(sum / N - 1) < 0.02 && fabs((double)kept / N - 0.7) < 0.02);
    weft_dropout(again, mask, N, 0, weft_rng(1, 2));
    assert_memory_equal(x, again, N * sizeof *x);
    free(x);
    free(again);
    free(mask);
}

static void products_of_every_size(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{1, 16, 1}, {6, 64, 66}, {7, 48, 65}, {13, 80, 130}, {40, 96, 70}, {16, 256, 3}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
        float *a = numbers(1, m * k, 1), *b = numbers(2, k * n, 1), *c = numbers(3, m * n, 1),
              *turned = weft_xaligned(m * k, sizeof *turned);
        float *old = numbers(3, m * n, 1), *want = weft_xaligned(m * n, sizeof *want);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) {
                double sum = 0;
                for (size_t q = 0; q < k; q++)
                    sum += (double)a[i * k + q] * b[q * n + j];
                want[i * n + j] = (float)sum;
            }
        weft_transpose(m, k, a, k, turned, m);
        weft_product(m, n, k, turned, 1, m, b, n, false, c, n);
        close_to(c, want, m * n, 1e-5, "product");
        memcpy(c, old, m * n * sizeof *c);
        weft_product(m, n, k, a, k, 1, b, n, true, c, n);
        for (size_t i = 0; i < m * n; i++)
            want[i] += old[i];
        close_to(c, want, m * n, 1e-5, "sum");
        free(a), free(b), free(c), free(turned), free(old), free(want);
    }
}

static int open_fixture(void **state)
{
    (void)state;
    return weft_st_open(FIXTURE, &fixture, NULL);
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
        cmocka_unit_test(products_of_every_size),
        cmocka_unit_test(layers_like_pytorch),
        cmocka_unit_test(layer_gradients_by_differences),
        cmocka_unit_test(last_is_a_case_of_every),
        cmocka_unit_test(gates_at_their_ends),
        cmocka_unit_test(net_like_pytorch),
        cmocka_unit_test(net_gradients_by_differences),
        cmocka_unit_test(threads_and_resume_change_nothing),
        cmocka_unit_test(running_away_is_an_error),
        cmocka_unit_test(forecasts_do_not_depend_on_the_batch),
        cmocka_unit_test(discriminator_like_pytorch),
        cmocka_unit_test(dropout_keeps_the_mean),
    };
    return cmocka_run_group_tests_name("lstm", tests, open_fixture, close_fixture);
}
