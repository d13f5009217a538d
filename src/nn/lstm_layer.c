/* lstm_layer.c - LSTM layers: parameters, tapes, forward and backward through time.
 *
 * A layer's tape, for the n rows of its last run (rows are packed, so that all steps together are one matrix):
 *   state    [steps + 1, n, ld]  what a step is multiplied with: h before it (padded to `units`), x, 1, 1
 *   gates    [units / 16, steps, n, 64]  i f g o of 16 units each; after backward the gradients of their sums
 *   cell     [steps + 1, n, units]  c before each step;  squashed [steps, n, units]: tanh of c after it
 *   outer    [steps, n, units]  gradients that come from the layer above */
#include "nn/lstm_layer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "nn/product.h"
#include "base/rng.h"

/* One step of one layer. */
struct step {
    size_t rows, units, depth, ld, ldh, ld_above, stride;
    const float *w;      /* [units / 16, depth, 64] */
    const float *state;  /* [rows, ld] */
    float *gates;        /* of block 0; blocks lie `stride` apart */
    const float *before; /* cells before the step */
    float *cell, *squashed;
    float *h, *above; /* where h goes: the next step's state, and the layer above (or NULL) */
    const float *outer;
    float *dh, *dc;
};

#if defined(__x86_64__)
#include <immintrin.h>
#define LANES 16
#define TARGET WEFT_AVX512
#define NAME(x) x##_avx512
#include "lstm_kernel.h"
#undef LANES
#undef TARGET
#undef NAME
#define LANES 8
#define TARGET WEFT_AVX2
#define NAME(x) x##_avx2
#include "lstm_kernel.h"
#undef LANES
#undef TARGET
#undef NAME
#endif
#define LANES 4
#define TARGET
#define NAME(x) x##_plain
#include "lstm_kernel.h"

struct kernels {
    void (*forward)(const struct step *s);
    void (*backward)(const struct step *s);
};

static struct kernels choose(void)
{
#if defined(__x86_64__)
    if (weft_has_avx512())
        return (struct kernels){forward_avx512, backward_avx512};
    if (weft_has_avx2())
        return (struct kernels){forward_avx2, backward_avx2};
#endif
    return (struct kernels){forward_plain, backward_plain};
}

struct layer {
    size_t in;             /* values of x: the input, or the units of the layer below */
    size_t depth;          /* rows of its parameters: units + in + 2 biases */
    size_t ld;             /* of the state */
    size_t at;             /* of its parameters in the inner layout */
    float *back, *back_in; /* transposed: [blocks of 64 columns, 4 units, 64] of h's rows and of x's */
};

struct tape {
    size_t rows, steps;
    struct {
        float *state, *gates, *cell, *squashed, *outer;
    } * layer;
    float *dh, *dc; /* [rows, units] */
};

struct weft_lstm {
    struct weft_lstm_shape shape;
    struct kernels kernels;
    size_t units, tapes;
    struct layer *layer;
    struct tape *tape;
    const float *p;
};

/* --- parameters --- */

static size_t input_of(const struct weft_lstm_shape *s, size_t layer)
{
    return layer ? s->hidden : s->input;
}

struct weft_lstm_tensor weft_lstm_tensor(const struct weft_lstm_shape *s, size_t k)
{
    static const char *const names[] = {"weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l"};
    struct weft_lstm_tensor t = {.rank = 1};
    size_t gates = 4 * s->hidden;
    for (size_t i = 0; i <= k; i++) {
        t.at += i ? t.dims[0] * (t.rank == 2 ? t.dims[1] : 1) : 0;
        t.rank = i % 4 < 2 ? 2 : 1;
        t.dims[0] = gates;
        t.dims[1] = i % 4 == 0 ? input_of(s, i / 4) : i % 4 == 1 ? s->hidden : 0;
    }
    snprintf(t.name, sizeof t.name, "%s%zu", names[k % 4], k / 4);
    return t;
}

size_t weft_lstm_count(const struct weft_lstm_shape *s)
{
    size_t n = 0;
    for (size_t l = 0; l < s->layers; l++)
        n += 4 * s->hidden * (input_of(s, l) + s->hidden + 2);
    return n;
}

static struct layer layer_of(const struct weft_lstm_shape *s, size_t l)
{
    size_t units = weft_lanes(s->hidden);
    struct layer y = {.in = l ? units : s->input};
    y.depth = units + y.in + 2;
    y.ld = weft_lanes(y.depth);
    y.at = l ? 4 * units * (units + s->input + 2) + (l - 1) * 4 * units * (2 * units + 2) : 0;
    return y;
}

size_t weft_lstm_size(const struct weft_lstm_shape *s)
{
    return layer_of(s, s->layers).at;
}

/* Where weight (gate, unit) of state row `row` lies. */
static size_t inner_at(const struct layer *y, size_t gate, size_t unit, size_t row)
{
    return y->at + ((unit / 16 * y->depth + row) * 4 + gate) * 16 + unit % 16;
}

/* Calls fn-like copying for every weight: one walk serves both directions. */
static void walk(const struct weft_lstm_shape *s, float *outer, float *inner, bool pack)
{
    size_t units = weft_lanes(s->hidden);
    for (size_t k = 0; k < WEFT_LSTM_TENSORS * s->layers; k++) {
        struct weft_lstm_tensor t = weft_lstm_tensor(s, k);
        struct layer y = layer_of(s, k / 4);
        size_t first = k % 4 == 0   ? units
                       : k % 4 == 1 ? 0
                                    : units + y.in + k % 4 - 2,
               columns = t.rank == 2 ? t.dims[1] : 1;
        for (size_t r = 0; r < t.dims[0]; r++)
            for (size_t c = 0; c < columns; c++) {
                float *o = outer + t.at + r * columns + c,
                      *i = inner + inner_at(&y, r / s->hidden, r % s->hidden, first + c);
                if (pack)
                    *i = *o;
                else
                    *o = *i;
            }
    }
}

void weft_lstm_pack(const struct weft_lstm_shape *s, const float *outer, float *inner)
{
    memset(inner, 0, weft_lstm_size(s) * sizeof *inner);
    walk(s, (float *)(uintptr_t)outer, inner, true);
}

void weft_lstm_unpack(const struct weft_lstm_shape *s, const float *inner, float *outer)
{
    walk(s, outer, (float *)(uintptr_t)inner, false);
}

void weft_lstm_draw(const struct weft_lstm_shape *s, uint64_t seed, uint64_t stream, float *outer)
{
    struct weft_rng r = weft_rng(seed, stream);
    float bound = (float)(1 / sqrt((double)s->hidden));
    for (size_t i = 0, n = weft_lstm_count(s); i < n; i++)
        outer[i] = bound * (2 * weft_rng_unitf(&r) - 1);
}

/* --- memory --- */

static void layer_init(struct layer *y, const struct weft_lstm_shape *s, size_t l)
{
    size_t units = weft_lanes(s->hidden);
    *y = layer_of(s, l);
    y->back = WEFT_ARRAY(float, (units + BLOCK - 1) / BLOCK * BLOCK * 4 * units);
    y->back_in = WEFT_ARRAY(float, (y->in + BLOCK - 1) / BLOCK * BLOCK * 4 * units);
}

static void tape_init(struct tape *t, const struct weft_lstm *n, size_t steps)
{
    size_t rows = WEFT_LSTM_ROWS, units = n->units;
    t->layer = weft_xcalloc(n->shape.layers, sizeof *t->layer);
    t->dh = weft_xaligned(2 * rows * units, sizeof *t->dh);
    t->dc = t->dh + rows * units;
    for (size_t l = 0; l < n->shape.layers; l++) {
        t->layer[l].state = weft_xaligned((steps + 1) * rows * n->layer[l].ld, sizeof(float));
        t->layer[l].gates = weft_xaligned(steps * rows * 4 * units, sizeof(float));
        t->layer[l].cell = weft_xaligned((2 * steps + 1) * rows * units, sizeof(float));
        t->layer[l].squashed = t->layer[l].cell + (steps + 1) * rows * units;
        if (l + 1 < n->shape.layers)
            t->layer[l].outer = weft_xaligned(steps * rows * units, sizeof(float));
    }
}

struct weft_lstm *weft_lstm_new(const struct weft_lstm_shape *s, size_t steps, size_t tapes)
{
    struct weft_lstm *n = WEFT_NEW(struct weft_lstm);
    n->shape = *s;
    n->kernels = choose();
    n->units = weft_lanes(s->hidden);
    n->tapes = tapes;
    n->layer = WEFT_ARRAY(struct layer, s->layers);
    n->tape = WEFT_ARRAY(struct tape, tapes);
    for (size_t l = 0; l < s->layers; l++)
        layer_init(&n->layer[l], s, l);
    for (size_t i = 0; i < tapes; i++)
        tape_init(&n->tape[i], n, steps);
    return n;
}

void weft_lstm_free(struct weft_lstm **pn)
{
    struct weft_lstm *n = *pn;
    if (!n)
        return;
    for (size_t i = 0; i < n->tapes; i++) {
        for (size_t l = 0; l < n->shape.layers; l++) {
            free(n->tape[i].layer[l].state);
            free(n->tape[i].layer[l].gates);
            free(n->tape[i].layer[l].cell);
            free(n->tape[i].layer[l].outer);
        }
        free(n->tape[i].layer);
        free(n->tape[i].dh);
    }
    for (size_t l = 0; l < n->shape.layers; l++) {
        free(n->layer[l].back);
        free(n->layer[l].back_in);
    }
    free(n->layer);
    free(n->tape);
    free(n);
    *pn = NULL;
}

void weft_lstm_use(struct weft_lstm *n, const float *inner)
{
    n->p = inner;
}

/* out[columns / 64, 4 units, 64] = the transpose of `columns` rows of every block's parameters, from row `first` on. */
static void turn_rows(const struct weft_lstm *n, const struct layer *y, size_t first, size_t columns, float *out)
{
    for (size_t block = 0; block < n->units / 16; block++)
        for (size_t j = 0; j < columns; j += BLOCK)
            weft_transpose(columns - j < BLOCK ? columns - j : BLOCK, BLOCK,
                           n->p + y->at + (block * y->depth + first + j) * BLOCK, BLOCK,
                           out + (j * 4 * n->units + block * BLOCK * BLOCK), BLOCK);
}

void weft_lstm_turn(struct weft_lstm *n)
{
    for (size_t l = 0; l < n->shape.layers; l++) {
        struct layer *y = &n->layer[l];
        turn_rows(n, y, 0, n->units, y->back);
        turn_rows(n, y, n->units, y->in, y->back_in);
    }
}

/* --- forward --- */

static struct step step_of(const struct weft_lstm *n, const struct tape *t, size_t l, size_t at)
{
    const struct layer *y = &n->layer[l];
    size_t cells = t->rows * n->units;
    bool top = l + 1 == n->shape.layers;
    return (struct step){.rows = t->rows,
                         .units = n->units,
                         .depth = y->depth,
                         .ld = y->ld,
                         .ldh = y->ld,
                         .ld_above = top ? 0 : n->layer[l + 1].ld,
                         .stride = t->steps * t->rows * BLOCK,
                         .w = n->p + y->at,
                         .state = t->layer[l].state + at * t->rows * y->ld,
                         .gates = t->layer[l].gates + at * t->rows * BLOCK,
                         .before = t->layer[l].cell + at * cells,
                         .cell = t->layer[l].cell + (at + 1) * cells,
                         .squashed = t->layer[l].squashed + at * cells,
                         .h = t->layer[l].state + (at + 1) * t->rows * y->ld,
                         .above = top ? NULL : t->layer[l + 1].state + at * t->rows * n->layer[l + 1].ld + n->units,
                         .dh = t->dh,
                         .dc = t->dc};
}

/* Zeros before the first step, the input (of layer 0) and the ones beside every step. */
static void fill_state(const struct weft_lstm *n, const struct tape *t, size_t l, const float *const *x)
{
    const struct layer *y = &n->layer[l];
    float *state = t->layer[l].state;
    for (size_t r = 0; r < t->rows; r++)
        memset(state + r * y->ld, 0, n->units * sizeof *state);
    memset(t->layer[l].cell, 0, t->rows * n->units * sizeof *state);
    for (size_t at = 0; at < t->steps; at++)
        for (size_t r = 0; r < t->rows; r++) {
            float *row = state + (at * t->rows + r) * y->ld + n->units;
            if (l == 0)
                memcpy(row, x[r] + at * y->in, y->in * sizeof *row);
            row[y->in] = row[y->in + 1] = 1;
        }
}

const float *weft_lstm_output(const struct weft_lstm *n, size_t tape, size_t t, size_t *ld)
{
    size_t top = n->shape.layers - 1;
    *ld = n->layer[top].ld;
    return n->tape[tape].layer[top].state + (t + 1) * n->tape[tape].rows * *ld;
}

const float *weft_lstm_forward(struct weft_lstm *n, size_t tape, const float *const *x, size_t rows, size_t steps,
                               size_t *ld)
{
    struct tape *t = &n->tape[tape];
    t->rows = rows;
    t->steps = steps;
    for (size_t l = 0; l < n->shape.layers; l++)
        fill_state(n, t, l, x);
    for (size_t l = 0; l < n->shape.layers; l++)
        for (size_t at = 0; at < steps; at++) {
            struct step s = step_of(n, t, l, at);
            n->kernels.forward(&s);
        }
    return weft_lstm_output(n, tape, steps - 1, ld);
}

/* --- backward --- */

/* c[m, columns] = gates [m, 4 units] times a turned matrix; rows of c lie ldc apart. */
static void times_turned(const struct weft_lstm *n, size_t m, const float *gates, size_t stride, const float *back,
                         size_t columns, float *c, size_t ldc)
{
    for (size_t j = 0; j < columns; j += BLOCK)
        for (size_t block = 0; block < n->units / 16; block++)
            weft_product(m, columns - j < BLOCK ? columns - j : BLOCK, BLOCK, gates + block * stride, BLOCK, 1,
                         back + j * 4 * n->units + block * BLOCK * BLOCK, BLOCK, block > 0, c + j, ldc);
}

static void back_through_time(struct weft_lstm *n, struct tape *t, size_t l, const float *last, const float *every)
{
    size_t cells = t->rows * n->units;
    memset(t->dc, 0, cells * sizeof *t->dc);
    if (last)
        memcpy(t->dh, last, cells * sizeof *t->dh);
    else
        memset(t->dh, 0, cells * sizeof *t->dh);
    for (size_t at = t->steps; at-- > 0;) {
        struct step s = step_of(n, t, l, at);
        s.outer = every ? every + at * cells : NULL;
        n->kernels.backward(&s);
        if (at > 0)
            times_turned(n, t->rows, s.gates, s.stride, n->layer[l].back, n->units, t->dh, n->units);
    }
}

/* Gradients of a layer's parameters, all steps at once. */
static void add_gradients(const struct weft_lstm *n, const struct tape *t, size_t l, float *g)
{
    const struct layer *y = &n->layer[l];
    size_t all = t->steps * t->rows;
    for (size_t block = 0; block < n->units / 16; block++)
        weft_product(y->depth, BLOCK, all, t->layer[l].state, 1, y->ld, t->layer[l].gates + block * all * BLOCK, BLOCK,
                     true, g + y->at + block * y->depth * BLOCK, BLOCK);
}

void weft_lstm_backward(struct weft_lstm *n, size_t tape, const struct weft_lstm_outer *o, float *g)
{
    struct tape *t = &n->tape[tape];
    size_t all = t->steps * t->rows;
    const float *last = o->last, *every = o->every;
    for (size_t l = n->shape.layers; l-- > 0;) {
        back_through_time(n, t, l, last, every);
        add_gradients(n, t, l, g);
        float *in = l ? t->layer[l - 1].outer : o->input;
        if (in)
            times_turned(n, all, t->layer[l].gates, all * BLOCK, n->layer[l].back_in, weft_lanes(n->layer[l].in), in,
                         weft_lanes(n->layer[l].in));
        last = NULL;
        every = in;
    }
}
