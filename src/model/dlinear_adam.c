/* dlinear_adam.c - DLinear by Adam, as LTSF-Linear trains it.
 *
 * Weights are kept with time down the rows and horizon steps as lanes, [lookback, lanes]. A step folds the two matrices
 * into one for the forward pass, takes one gradient g = sum of x e', and splits it again: dWt = A g, dWs = g - A g. So
 * the decomposition costs once a batch, not once a window. */
#include "model/dlinear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/adam.h"
#include "nn/matmul.h"
#include "base/mem.h"
#include "nn/movavg.h"
#include "base/rng.h"

struct trainer {
    struct weft_dlinear_shape shape;
    size_t lanes, matrix, n, batch;
    /* [n] each: Ws, Wt [lookback, lanes], bs, bt [lanes]; gradients and Adam's moments alike */
    float *p, *g, *m, *v;
    float *whole, *room, *bias; /* effective matrix, its work space, bs + bt */
    float *x, *y, *base;        /* a batch: lookbacks [batch, lookback], targets then errors [batch, lanes] */
    float *out;                 /* [batch, lanes] */
    double *acc, *loss;         /* [lanes] */
    const float **windows;      /* [batch] */
    struct weft_adam adam;
};

static void trainer_init(struct trainer *t, const struct weft_dlinear_shape *s, size_t batch, double lr)
{
    *t = (struct trainer){.shape = *s, .lanes = weft_dlinear_lanes(s), .batch = batch, .adam = weft_adam(lr)};
    t->matrix = s->lookback * t->lanes;
    t->n = 2 * t->matrix + 2 * t->lanes;
    t->p = WEFT_ARRAY(float, 4 * t->n);
    t->g = t->p + t->n;
    t->m = t->g + t->n;
    t->v = t->m + t->n;
    t->whole = weft_xaligned(2 * t->matrix + t->lanes, sizeof *t->whole);
    t->room = t->whole + t->matrix;
    t->bias = t->room + t->matrix;
    t->x = weft_xaligned(batch * s->lookback, sizeof *t->x);
    t->y = WEFT_ARRAY(float, batch * t->lanes);
    t->out = weft_xaligned(batch * t->lanes, sizeof *t->out);
    t->base = WEFT_ARRAY(float, batch);
    t->acc = WEFT_ARRAY(double, 2 * t->lanes);
    t->loss = t->acc + t->lanes;
    t->windows = WEFT_ARRAY(const float *, batch);
}

static void trainer_free(struct trainer *t)
{
    free(t->p);
    free(t->whole);
    free(t->x);
    free(t->y);
    free(t->out);
    free(t->base);
    free(t->acc);
    free(t->windows);
}

static void fold_weights(struct trainer *t)
{
    const float *bs = t->p + 2 * t->matrix, *bt = bs + t->lanes;
    weft_dlinear_effective(&t->shape, t->lanes, t->p, t->p + t->matrix, t->whole, t->room, t->acc);
    for (size_t i = 0; i < t->lanes; i++)
        t->bias[i] = bs[i] + bt[i];
}

/* Errors of n windows (t->windows) in t->out; their squares go to t->loss. */
static void forward(struct trainer *t, size_t n)
{
    size_t l = t->shape.lookback, h = t->shape.horizon;
    weft_dlinear_gather(&t->shape, t->windows, n, t->x, t->base);
    for (size_t b = 0; b < n; b++)
        for (size_t i = 0; i < h; i++)
            t->y[b * t->lanes + i] = t->windows[b][l + i] - t->base[b];
    weft_matmul(n, t->lanes, l, t->x, l, 1, t->whole, t->lanes, t->bias, t->out, t->lanes);
    for (size_t b = 0; b < n; b++)
        for (size_t i = 0; i < t->lanes; i++) {
            float error = t->out[b * t->lanes + i] - t->y[b * t->lanes + i];
            t->out[b * t->lanes + i] = error;
            t->loss[i] += (double)error * (double)error;
        }
}

/* Gradients of the mean squared error of the n windows that forward saw. */
static void backward(struct trainer *t, size_t n)
{
    size_t l = t->shape.lookback, lanes = t->lanes;
    float share = (float)(2 / ((double)n * (double)t->shape.horizon));
    float *gs = t->g, *gt = gs + t->matrix, *gbs = gt + t->matrix, *gbt = gbs + lanes;
    memset(gbs, 0, lanes * sizeof *gbs);
    for (size_t b = 0; b < n; b++)
        for (size_t i = 0; i < lanes; i++) {
            t->out[b * lanes + i] *= share;
            gbs[i] += t->out[b * lanes + i];
        }
    memcpy(gbt, gbs, lanes * sizeof *gbt);
    weft_matmul(l, lanes, n, t->x, 1, l, t->out, lanes, NULL, gs, lanes);
    weft_movavg(l, lanes, t->shape.kernel, gs, gt, t->acc);
    for (size_t i = 0; i < t->matrix; i++)
        gs[i] -= gt[i];
}

static void step(struct trainer *t, size_t n)
{
    fold_weights(t);
    forward(t, n);
    backward(t, n);
    weft_adam_begin(&t->adam);
    weft_adam_update(&t->adam, t->p, t->g, t->m, t->v, t->n);
}

/* Sum of squares since the last call. */
static double take_loss(struct trainer *t)
{
    double sum = 0;
    for (size_t i = 0; i < t->lanes; i++) {
        sum += t->loss[i];
        t->loss[i] = 0;
    }
    return sum;
}

static void put_weights(struct trainer *t, const struct weft_dlinear_weights *w)
{
    size_t h = t->shape.horizon;
    weft_dlinear_transpose(&t->shape, w->ws, t->p);
    weft_dlinear_transpose(&t->shape, w->wt, t->p + t->matrix);
    memcpy(t->p + 2 * t->matrix, w->bs, h * sizeof *t->p);
    memcpy(t->p + 2 * t->matrix + t->lanes, w->bt, h * sizeof *t->p);
}

/* p: weights or gradients. */
static void get_weights(const struct trainer *t, const float *p, struct weft_dlinear_weights *w)
{
    size_t h = t->shape.horizon;
    weft_dlinear_untranspose(&t->shape, p, w->ws);
    weft_dlinear_untranspose(&t->shape, p + t->matrix, w->wt);
    memcpy(w->bs, p + 2 * t->matrix, h * sizeof *p);
    memcpy(w->bt, p + 2 * t->matrix + t->lanes, h * sizeof *p);
}

/* --- epochs --- */

/* As torch.nn.Linear begins. */
static void draw_weights(const struct weft_dlinear_shape *s, const struct weft_dlinear_adam *o,
                         struct weft_dlinear_weights *w)
{
    float bound = (float)(1 / sqrt((double)s->lookback));
    float *tensors[] = {w->ws, w->bs, w->wt, w->bt};
    for (size_t i = 0; i < 4; i++) {
        struct weft_rng r = weft_rng(o->seed, o->stream << 32 | i);
        size_t n = i % 2 ? s->horizon : s->horizon * s->lookback;
        for (size_t k = 0; k < n; k++)
            tensors[i][k] = bound * (2 * weft_rng_unitf(&r) - 1);
    }
}

/* Windows lie all over the memory; the next batch is asked for while this one is worked on. */
static void prefetch(const float *window, size_t values)
{
    for (size_t i = 0; i < values; i += 64 / sizeof *window)
        __builtin_prefetch(window + i);
}

static size_t take_batch(struct trainer *t, const float *pool, const uint32_t *at, size_t n_windows, size_t from)
{
    size_t width = t->shape.lookback + t->shape.horizon, n = n_windows - from < t->batch ? n_windows - from : t->batch;
    for (size_t b = 0; b < n; b++)
        t->windows[b] = pool + at[from + b];
    for (size_t b = from + n; b < from + 2 * n && b < n_windows; b++)
        prefetch(pool + at[b], width);
    return n;
}

/* The windows of the bundles order[from] .. order[to). */
static size_t take_bundles(struct trainer *t, const struct weft_dlinear_windows *d, const uint32_t *order, size_t from,
                           size_t to)
{
    size_t n = 0;
    for (; from < to; from++)
        for (size_t i = d->bundle[order[from]]; i < d->bundle[order[from] + 1]; i++)
            t->windows[n++] = d->pool + d->train[i];
    return n;
}

/* Places in the order that an epoch shuffles: windows, or numbers of bundles. */
static size_t places(const struct weft_dlinear_windows *d)
{
    return d->bundle ? d->n_bundles : d->n_train;
}

static void shuffle(const struct weft_dlinear_adam *o, const struct weft_dlinear_windows *d, int epoch, uint32_t *order)
{
    struct weft_rng r = weft_rng(o->seed, o->stream << 32 | (uint64_t)(epoch + 15));
    size_t n = places(d);
    if (d->bundle)
        for (size_t i = 0; i < n; i++)
            order[i] = (uint32_t)i;
    else
        memcpy(order, d->train, n * sizeof *order);
    weft_rng_shuffle(&r, order, n);
}

/* The most windows that `batch` places hold. */
static size_t batch_room(const struct weft_dlinear_adam *o, const struct weft_dlinear_windows *d)
{
    size_t largest = 1;
    for (size_t i = 0; d->bundle && i < d->n_bundles; i++)
        largest = d->bundle[i + 1] - d->bundle[i] > largest ? d->bundle[i + 1] - d->bundle[i] : largest;
    return largest * (o->batch < places(d) ? o->batch : places(d));
}

static double train_epoch(struct trainer *t, const struct weft_dlinear_adam *o, const struct weft_dlinear_windows *d,
                          const uint32_t *order)
{
    size_t n = places(d);
    for (size_t from = 0; from < n; from += o->batch) {
        size_t to = n - from < o->batch ? n : from + o->batch;
        step(t, d->bundle ? take_bundles(t, d, order, from, to) : take_batch(t, d->pool, order, n, from));
    }
    return take_loss(t) / ((double)d->n_train * (double)t->shape.horizon);
}

static double valid_epoch(struct trainer *t, const struct weft_dlinear_windows *d)
{
    if (!d->n_valid)
        return NAN;
    fold_weights(t);
    for (size_t from = 0; from < d->n_valid; from += t->batch)
        forward(t, take_batch(t, d->pool, d->valid, d->n_valid, from));
    return take_loss(t) / ((double)d->n_valid * (double)t->shape.horizon);
}

void weft_dlinear_train(const struct weft_dlinear_shape *s, const struct weft_dlinear_adam *o,
                        const struct weft_dlinear_windows *d, struct weft_dlinear_weights *w,
                        struct weft_dlinear_epoch *best)
{
    struct trainer t;
    uint32_t *order = weft_xmalloc(places(d) * sizeof *order);
    int waited = 0;
    trainer_init(&t, s, batch_room(o, d), o->lr);
    draw_weights(s, o, w);
    put_weights(&t, w);
    *best = (struct weft_dlinear_epoch){.valid_loss = INFINITY};
    for (int epoch = 1; epoch <= o->epochs; epoch++) {
        shuffle(o, d, epoch, order);
        t.adam.lr = o->lr * pow(o->lr_decay, epoch > 2 ? epoch - 2 : 0);
        struct weft_dlinear_epoch now = {.epoch = epoch,
                                         .lr = t.adam.lr,
                                         .train_loss = train_epoch(&t, o, d, order),
                                         .valid_loss = valid_epoch(&t, d)};
        now.best =
            !d->n_valid || now.valid_loss <= best->valid_loss; /* never true of a NaN: then the training ran away */
        if (now.best) {
            *best = now;
            get_weights(&t, t.p, w);
        }
        waited = now.best ? 0 : waited + 1;
        if ((o->report && o->report(o->ctx, &now)) || (o->patience > 0 && waited >= o->patience))
            break;
    }
    trainer_free(&t);
    free(order);
}

/* --- for tests --- */

double weft_dlinear_loss(const struct weft_dlinear_shape *s, const struct weft_dlinear_weights *w,
                         const float *const *windows, size_t batch, struct weft_dlinear_weights *g)
{
    struct trainer t;
    trainer_init(&t, s, batch, 0);
    put_weights(&t, w);
    memcpy(t.windows, windows, batch * sizeof *windows);
    fold_weights(&t);
    forward(&t, batch);
    backward(&t, batch);
    if (g)
        get_weights(&t, t.g, g);
    double loss = take_loss(&t) / ((double)batch * (double)s->horizon);
    trainer_free(&t);
    return loss;
}

void weft_dlinear_steps(const struct weft_dlinear_shape *s, double lr, struct weft_dlinear_weights *w,
                        const float *const *windows, size_t batch, size_t steps, double *losses)
{
    struct trainer t;
    trainer_init(&t, s, batch, lr);
    put_weights(&t, w);
    memcpy(t.windows, windows, batch * sizeof *windows);
    for (size_t i = 0; i < steps; i++) {
        step(&t, batch);
        losses[i] = take_loss(&t) / ((double)batch * (double)s->horizon);
    }
    get_weights(&t, t.p, w);
    trainer_free(&t);
}
