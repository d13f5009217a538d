/* encoder.c - from a lookback window to a code. */
#include "model/encoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Channels are whole vectors of 16, so that the values of `kernel` steps lie behind each other and a convolution is a
 * linear layer whose rows overlap. */
enum { WIDTH1 = 7, CHANNELS1 = 16, WIDTH2 = 5, CHANNELS2 = 32, STRIDE = 2 };

const char *weft_encoder_name(enum weft_encoder_kind kind)
{
    static const char *const names[] = {"lstm", "linear", "cnn"};
    return names[kind];
}

/* --- shapes --- */

static struct weft_lstm_shape lstm_of(const struct weft_encoder *s)
{
    return (struct weft_lstm_shape){1, s->code, s->layers};
}

static size_t steps1(const struct weft_encoder *s)
{
    return (s->lookback - WIDTH1) / STRIDE + 1;
}

static size_t steps2(const struct weft_encoder *s)
{
    return (steps1(s) - WIDTH2) / STRIDE + 1;
}

/* Linear layers of an encoder that has no LSTM; where layer k begins, outside and inside. */
struct part {
    struct weft_linear layer;
    size_t outer, inner;
};

static size_t parts_of(const struct weft_encoder *s, struct part part[3])
{
    size_t n = s->kind == WEFT_ENCODER_CNN ? 3 : 1;
    part[0].layer = (struct weft_linear){s->lookback, s->code};
    if (s->kind == WEFT_ENCODER_CNN) {
        part[0].layer = (struct weft_linear){WIDTH1, CHANNELS1};
        part[1].layer = (struct weft_linear){WIDTH2 * CHANNELS1, CHANNELS2};
        part[2].layer = (struct weft_linear){steps2(s) * CHANNELS2, s->code};
    }
    part[0].outer = part[0].inner = 0;
    for (size_t i = 1; i < n; i++) {
        part[i].outer = part[i - 1].outer + weft_linear_count(&part[i - 1].layer);
        part[i].inner = part[i - 1].inner + weft_linear_size(&part[i - 1].layer);
    }
    return n;
}

size_t weft_encoder_count(const struct weft_encoder *s)
{
    struct weft_lstm_shape l = lstm_of(s);
    struct part p[3];
    if (s->kind == WEFT_ENCODER_LSTM)
        return weft_lstm_count(&l);
    size_t n = parts_of(s, p);
    return p[n - 1].outer + weft_linear_count(&p[n - 1].layer);
}

size_t weft_encoder_size(const struct weft_encoder *s)
{
    struct weft_lstm_shape l = lstm_of(s);
    struct part p[3];
    if (s->kind == WEFT_ENCODER_LSTM)
        return weft_lstm_size(&l);
    size_t n = parts_of(s, p);
    return p[n - 1].inner + weft_linear_size(&p[n - 1].layer);
}

/* PyTorch's Conv1d has [out, channel, step], our rows of the second one [out, step, channel]. */
static void turn_kernel(const float *from, float *to, bool inward)
{
    for (size_t o = 0; o < CHANNELS2; o++)
        for (size_t c = 0; c < CHANNELS1; c++)
            for (size_t k = 0; k < WIDTH2; k++) {
                size_t theirs = (o * CHANNELS1 + c) * WIDTH2 + k, ours = (o * WIDTH2 + k) * CHANNELS1 + c;
                to[inward ? ours : theirs] = from[inward ? theirs : ours];
            }
    memcpy(to + CHANNELS2 * CHANNELS1 * WIDTH2, from + CHANNELS2 * CHANNELS1 * WIDTH2,
           CHANNELS2 * sizeof *to); /* the biases */
}

void weft_encoder_pack(const struct weft_encoder *s, const float *outer, float *inner)
{
    struct weft_lstm_shape l = lstm_of(s);
    struct part p[3];
    float turned[CHANNELS2 * (WIDTH2 * CHANNELS1 + 1)];
    if (s->kind == WEFT_ENCODER_LSTM) {
        weft_lstm_pack(&l, outer, inner);
        return;
    }
    for (size_t i = 0, n = parts_of(s, p); i < n; i++) {
        const float *from = outer + p[i].outer;
        if (i == 1) {
            turn_kernel(from, turned, true);
            from = turned;
        }
        weft_linear_pack(&p[i].layer, from, inner + p[i].inner);
    }
}

void weft_encoder_unpack(const struct weft_encoder *s, const float *inner, float *outer)
{
    struct weft_lstm_shape l = lstm_of(s);
    struct part p[3];
    float turned[CHANNELS2 * (WIDTH2 * CHANNELS1 + 1)];
    if (s->kind == WEFT_ENCODER_LSTM) {
        weft_lstm_unpack(&l, inner, outer);
        return;
    }
    for (size_t i = 0, n = parts_of(s, p); i < n; i++) {
        weft_linear_unpack(&p[i].layer, inner + p[i].inner, i == 1 ? turned : outer + p[i].outer);
        if (i == 1)
            turn_kernel(turned, outer + p[i].outer, false);
    }
}

void weft_encoder_draw(const struct weft_encoder *s, uint64_t seed, uint64_t stream, float *outer)
{
    struct weft_lstm_shape l = lstm_of(s);
    struct part p[3];
    if (s->kind == WEFT_ENCODER_LSTM) {
        weft_lstm_draw(&l, seed, stream, outer);
        return;
    }
    for (size_t i = 0, n = parts_of(s, p); i < n; i++)
        weft_linear_draw(&p[i].layer, seed, stream + 2 * i, outer + p[i].outer);
}

/* --- tensors --- */

size_t weft_encoder_tensors(const struct weft_encoder *s)
{
    return s->kind == WEFT_ENCODER_LSTM ? WEFT_LSTM_TENSORS * s->layers : s->kind == WEFT_ENCODER_CNN ? 6 : 2;
}

struct weft_encoder_tensor weft_encoder_tensor(const struct weft_encoder *s, size_t k)
{
    static const char *const layers[] = {"conv1", "conv2", "linear"};
    static const size_t kernels[2][3] = {{CHANNELS1, 1, WIDTH1}, {CHANNELS2, CHANNELS1, WIDTH2}};
    struct weft_encoder_tensor t = {.rank = 1};
    struct part p[3];
    if (s->kind == WEFT_ENCODER_LSTM) {
        struct weft_lstm_shape l = lstm_of(s);
        struct weft_lstm_tensor of = weft_lstm_tensor(&l, k);
        t = (struct weft_encoder_tensor){.rank = of.rank, .dims = {of.dims[0], of.dims[1]}, .at = of.at};
        memcpy(t.name, of.name, sizeof t.name);
        return t;
    }
    parts_of(s, p);
    const struct weft_linear *l = &p[k / 2].layer;
    snprintf(t.name, sizeof t.name, "%s%s%s", s->kind == WEFT_ENCODER_CNN ? layers[k / 2] : "",
             s->kind == WEFT_ENCODER_CNN ? "." : "", k % 2 ? "bias" : "weight");
    t.at = p[k / 2].outer + (k % 2 ? l->in * l->out : 0);
    t.dims[0] = l->out;
    if (k % 2 == 0) {
        t.rank = 2;
        t.dims[1] = l->in;
    }
    if (k % 2 == 0 && s->kind == WEFT_ENCODER_CNN && k < 4) {
        t.rank = 3;
        memcpy(t.dims, kernels[k / 2], sizeof t.dims);
    }
    return t;
}

/* --- at work --- */

/* What one batch leaves for the way back. Rows of `flat` are the second convolution's values, those of `code` the
 * result. */
struct tape {
    size_t rows;
    const float *x[WEFT_ENCODER_ROWS];
    float *input;        /* linear: [ROWS, lanes(lookback)] */
    float *one, *flat;   /* cnn: [ROWS, steps1, CHANNELS1], [ROWS, steps2 * CHANNELS2] */
    float *dflat, *done; /* the same for one row, on the way back: dflat [ROWS, ..], done [steps1, CHANNELS1] */
    float *patch;        /* cnn: [steps2, WIDTH2 * CHANNELS1] */
    float *code;         /* [ROWS, lanes(code)] */
};

struct weft_encoding {
    struct weft_encoder shape;
    struct weft_lstm *lstm;
    const float *inner;
    struct part part[3];
    float *back[3]; /* weights turned, for the layers whose input needs a gradient */
    struct tape *tape;
    size_t tapes;
};

static size_t back_size(const struct weft_linear *l)
{
    return l->out * weft_lanes(l->in);
}

double weft_encoder_bytes(const struct weft_encoder *s, size_t tapes)
{
    double each = (double)s->lookback * 60 + 1000, units = (double)weft_lanes(s->code);
    if (s->kind == WEFT_ENCODER_LSTM)
        each = (double)s->lookback * (double)s->layers * 9 * units;
    return 4.0 * ((double)tapes * WEFT_ENCODER_ROWS * each + 12 * (double)weft_encoder_size(s));
}

static void new_tape(const struct weft_encoder *s, struct tape *t)
{
    t->code = weft_xaligned(WEFT_ENCODER_ROWS * weft_lanes(s->code), sizeof(float));
    if (s->kind == WEFT_ENCODER_LINEAR) {
        t->input = weft_xaligned(WEFT_ENCODER_ROWS * weft_lanes(s->lookback), sizeof(float));
        return;
    }
    t->one = weft_xaligned(WEFT_ENCODER_ROWS * steps1(s) * CHANNELS1, sizeof(float));
    t->flat = weft_xaligned(WEFT_ENCODER_ROWS * steps2(s) * CHANNELS2, sizeof(float));
    t->dflat = weft_xaligned(WEFT_ENCODER_ROWS * steps2(s) * CHANNELS2, sizeof(float));
    t->done = weft_xaligned(steps1(s) * CHANNELS1, sizeof(float));
    t->patch = weft_xaligned(steps2(s) * WIDTH2 * CHANNELS1, sizeof(float));
}

struct weft_encoding *weft_encoding_new(const struct weft_encoder *s, size_t tapes)
{
    struct weft_encoding *n = WEFT_NEW(struct weft_encoding);
    struct weft_lstm_shape l = lstm_of(s);
    n->shape = *s;
    if (s->kind == WEFT_ENCODER_LSTM) {
        n->lstm = weft_lstm_new(&l, s->lookback, tapes);
        return n;
    }
    n->tapes = tapes;
    n->tape = WEFT_ARRAY(struct tape, tapes);
    for (size_t i = 0; i < tapes; i++)
        new_tape(s, &n->tape[i]);
    for (size_t i = 1, parts = parts_of(s, n->part); i < parts; i++)
        n->back[i] = weft_xaligned(back_size(&n->part[i].layer), sizeof(float));
    return n;
}

void weft_encoding_free(struct weft_encoding **pn)
{
    struct weft_encoding *n = *pn;
    if (!n)
        return;
    weft_lstm_free(&n->lstm);
    for (size_t i = 0; i < n->tapes; i++) {
        struct tape *t = &n->tape[i];
        free(t->input);
        free(t->one);
        free(t->flat);
        free(t->dflat);
        free(t->done);
        free(t->patch);
        free(t->code);
    }
    for (size_t i = 0; i < 3; i++)
        free(n->back[i]);
    free(n->tape);
    free(n);
    *pn = NULL;
}

void weft_encoding_use(struct weft_encoding *n, const float *inner)
{
    n->inner = inner;
    if (n->lstm)
        weft_lstm_use(n->lstm, inner);
}

void weft_encoding_turn(struct weft_encoding *n)
{
    if (n->lstm)
        weft_lstm_turn(n->lstm);
    for (size_t i = 1; i < 3 && n->back[i]; i++)
        weft_linear_turn(&n->part[i].layer, n->inner + n->part[i].inner, n->back[i]);
}

static void convolve(struct weft_encoding *n, struct tape *t, size_t row)
{
    size_t n1 = steps1(&n->shape), n2 = steps2(&n->shape);
    float *one = t->one + row * n1 * CHANNELS1, *flat = t->flat + row * n2 * CHANNELS2;
    weft_linear_forward(&n->part[0].layer, n->inner, t->x[row], STRIDE, n1, one);
    weft_relu(one, n1 * CHANNELS1);
    weft_linear_forward(&n->part[1].layer, n->inner + n->part[1].inner, one, STRIDE * CHANNELS1, n2, flat);
    weft_relu(flat, n2 * CHANNELS2);
}

const float *weft_encoding_forward(struct weft_encoding *n, size_t tape, const float *const *x, size_t rows, size_t *ld)
{
    if (n->lstm)
        return weft_lstm_forward(n->lstm, tape, x, rows, n->shape.lookback, ld);
    struct tape *t = &n->tape[tape];
    size_t lookback = n->shape.lookback, lanes = weft_lanes(n->shape.code);
    t->rows = rows;
    *ld = lanes;
    memcpy(t->x, x, rows * sizeof *x);
    if (n->shape.kind == WEFT_ENCODER_LINEAR) {
        for (size_t r = 0; r < rows; r++)
            memcpy(t->input + r * weft_lanes(lookback), x[r], lookback * sizeof *t->input);
        weft_linear_forward(&n->part[0].layer, n->inner, t->input, weft_lanes(lookback), rows, t->code);
        return t->code;
    }
    for (size_t r = 0; r < rows; r++)
        convolve(n, t, r);
    weft_linear_forward(&n->part[2].layer, n->inner + n->part[2].inner, t->flat, n->part[2].layer.in, rows, t->code);
    for (size_t i = 0; i < rows * lanes; i++)
        t->code[i] = tanhf(t->code[i]);
    return t->code;
}

/* The gradient of the first convolution's values: each takes part in several patches. */
static void convolve_back(struct weft_encoding *n, struct tape *t, size_t row, float *g)
{
    size_t n1 = steps1(&n->shape), n2 = steps2(&n->shape), width = WIDTH2 * CHANNELS1;
    const float *one = t->one + row * n1 * CHANNELS1;
    float *dflat = t->dflat + row * n2 * CHANNELS2;
    weft_relu_backward(t->flat + row * n2 * CHANNELS2, dflat, n2 * CHANNELS2);
    weft_linear_backward(&n->part[1].layer, n->back[1], one, STRIDE * CHANNELS1, dflat, n2, g + n->part[1].inner,
                         t->patch);
    memset(t->done, 0, n1 * CHANNELS1 * sizeof *t->done);
    for (size_t i = 0; i < n2; i++)
        weft_accumulate(t->done + i * STRIDE * CHANNELS1, t->patch + i * width, width);
    weft_relu_backward(one, t->done, n1 * CHANNELS1);
    weft_linear_backward(&n->part[0].layer, NULL, t->x[row], STRIDE, t->done, n1, g, NULL);
}

void weft_encoding_backward(struct weft_encoding *n, size_t tape, float *dcode, float *g)
{
    if (n->lstm) {
        weft_lstm_backward(n->lstm, tape, &(struct weft_lstm_outer){.last = dcode}, g);
        return;
    }
    struct tape *t = &n->tape[tape];
    size_t lanes = weft_lanes(n->shape.code);
    if (n->shape.kind == WEFT_ENCODER_LINEAR) {
        weft_linear_backward(&n->part[0].layer, NULL, t->input, weft_lanes(n->shape.lookback), dcode, t->rows, g, NULL);
        return;
    }
    for (size_t i = 0; i < t->rows * lanes; i++)
        dcode[i] *= 1 - t->code[i] * t->code[i];
    weft_linear_backward(&n->part[2].layer, n->back[2], t->flat, n->part[2].layer.in, dcode, t->rows,
                         g + n->part[2].inner, t->dflat);
    for (size_t r = 0; r < t->rows; r++)
        convolve_back(n, t, r, g);
}
