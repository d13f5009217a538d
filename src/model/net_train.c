/* net_train.c - training the network forecaster. */
#include "model/net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

enum { GROUPS = 16, SLICE = 4096, VALID_CHUNKS = 32 };

/* What one group of chunks works with; only one thread at a time is in it. */
struct group {
    float *g;      /* [n] its gradient */
    float *y, *dy; /* [WEFT_ENCODER_ROWS, lanes of the horizon] */
    float *room;   /* [WEFT_ENCODER_ROWS, lookback + horizon] windows without their offset */
    float *dh;     /* [WEFT_ENCODER_ROWS, lanes of hidden] */
    double loss;
};

struct weft_net_trainer {
    struct weft_net shape;
    struct weft_net_options o;
    struct weft_net_windows d;
    struct weft_par *par;
    struct weft_encoding *encoding;
    struct weft_net_state state;
    struct weft_adam adam;
    struct group group[GROUPS];
    size_t groups;
    float *memory, *back; /* back: the head's weights turned */
    uint32_t *order;      /* [n_train] */
    /* The batch at hand. */
    const uint32_t *at;
    size_t count, used; /* windows, groups */
    bool learn;
};

static size_t chunks_of(size_t windows)
{
    return (windows + WEFT_ENCODER_ROWS - 1) / WEFT_ENCODER_ROWS;
}

struct weft_net_trainer *weft_net_trainer_new(const struct weft_net *s, const struct weft_net_options *o,
                                              const struct weft_net_windows *d, struct weft_par *par)
{
    struct weft_net_trainer *t = WEFT_NEW(struct weft_net_trainer);
    size_t n = weft_net_size(s), y = WEFT_ENCODER_ROWS * weft_lanes(s->head.out),
           h = WEFT_ENCODER_ROWS * weft_lanes(s->head.in), chunks = chunks_of(o->batch),
           room = WEFT_ENCODER_ROWS * (s->lookback + s->head.out);
    t->shape = *s;
    t->o = *o;
    t->d = *d;
    t->par = par;
    t->groups = chunks < GROUPS ? chunks : GROUPS;
    t->adam = weft_adam(o->lr);
    t->encoding = weft_encoding_new(&s->encoder, t->groups);
    t->memory = weft_xaligned(4 * n + t->groups * (n + 2 * y + h + room) + weft_lanes(s->head.in) * s->head.out,
                              sizeof *t->memory);
    memset(t->memory, 0, (4 * n + t->groups * (n + 2 * y + h + room)) * sizeof *t->memory);
    float *at = t->memory;
    t->state = (struct weft_net_state){
        .n = n, .p = at, .m = at + n, .v = at + 2 * n, .kept = at + 3 * n, .best = {.valid_loss = INFINITY}};
    at += 4 * n;
    for (size_t i = 0; i < t->groups; i++, at += n + 2 * y + h + room)
        t->group[i] =
            (struct group){.g = at, .y = at + n, .dy = at + n + y, .dh = at + n + 2 * y, .room = at + n + 2 * y + h};
    t->back = at;
    t->order = weft_xmalloc((d->n_train + 1) * sizeof *t->order);
    float *outer = WEFT_ARRAY(float, weft_net_count(s));
    weft_net_draw(s, o->seed, o->stream, outer);
    weft_net_pack(s, outer, t->state.p);
    free(outer);
    return t;
}

void weft_net_trainer_free(struct weft_net_trainer **pt)
{
    struct weft_net_trainer *t = *pt;
    if (!t)
        return;
    weft_encoding_free(&t->encoding);
    free(t->memory);
    free(t->order);
    free(t);
    *pt = NULL;
}

struct weft_net_state *weft_net_trainer_state(struct weft_net_trainer *t)
{
    return &t->state;
}

/* --- a batch --- */

static void run_chunk(struct weft_net_trainer *t, size_t tape, size_t from)
{
    const struct weft_net *s = &t->shape;
    struct group *g = &t->group[tape];
    size_t rows = t->count - from < WEFT_ENCODER_ROWS ? t->count - from : WEFT_ENCODER_ROWS,
           lanes = weft_lanes(s->head.out), base = weft_encoder_size(&s->encoder), ld;
    double share = 1 / ((double)t->count * (double)s->head.out);
    const float *x[WEFT_ENCODER_ROWS];
    for (size_t r = 0; r < rows; r++)
        x[r] = weft_net_view(s, t->d.pool + t->at[from + r], s->lookback + s->head.out,
                             g->room + r * (s->lookback + s->head.out));
    const float *h = weft_encoding_forward(t->encoding, tape, x, rows, &ld);
    weft_linear_forward(&s->head, t->state.p + base, h, ld, rows, g->y);
    for (size_t r = 0; r < rows; r++)
        g->loss +=
            weft_mse(g->y + r * lanes, x[r] + s->lookback, s->head.out, share, t->learn ? g->dy + r * lanes : NULL);
    if (!t->learn)
        return;
    weft_linear_backward(&s->head, t->back, h, ld, g->dy, rows, g->g + base, g->dh);
    weft_encoding_backward(t->encoding, tape, g->dh, g->g);
}

static void run_group(void *ctx, size_t i)
{
    struct weft_net_trainer *t = ctx;
    size_t chunks = chunks_of(t->count), to = (i + 1) * chunks / t->used;
    t->group[i].loss = 0;
    if (t->learn)
        memset(t->group[i].g, 0, t->state.n * sizeof(float));
    for (size_t c = i * chunks / t->used; c < to; c++)
        run_chunk(t, i, c * WEFT_ENCODER_ROWS);
}

/* Sum of squared errors of windows at[0..count); with learn the groups hold their gradients afterwards. */
static double run_batch(struct weft_net_trainer *t, const uint32_t *at, size_t count, bool learn)
{
    size_t chunks = chunks_of(count);
    double sum = 0;
    t->at = at;
    t->count = count;
    t->used = chunks < t->groups ? chunks : t->groups;
    t->learn = learn;
    weft_par_for(t->par, t->used, run_group, t);
    for (size_t i = 0; i < t->used; i++)
        sum += t->group[i].loss;
    return sum;
}

/* Adds up a slice of the gradients in order of the groups. */
static size_t add_slice(struct weft_net_trainer *t, size_t from)
{
    size_t n = t->state.n - from < SLICE ? t->state.n - from : SLICE;
    for (size_t k = 1; k < t->used; k++)
        weft_accumulate(t->group[0].g + from, t->group[k].g + from, n);
    return n;
}

static void only_add(void *ctx, size_t i)
{
    add_slice(ctx, i * SLICE);
}

static void update_slice(struct weft_net_trainer *t, size_t from, size_t n)
{
    struct weft_net_state *s = &t->state;
    weft_adam_update(&t->adam, s->p + from, t->group[0].g + from, s->m + from, s->v + from, n);
}

static void add_and_update(void *ctx, size_t i)
{
    update_slice(ctx, i * SLICE, add_slice(ctx, i * SLICE));
}

/* The parameters changed, perhaps from outside: what is made of them. */
static void use_parameters(struct weft_net_trainer *t)
{
    weft_encoding_use(t->encoding, t->state.p);
    weft_encoding_turn(t->encoding);
    weft_linear_turn(&t->shape.head, t->state.p + weft_encoder_size(&t->shape.encoder), t->back);
}

static void learn(struct weft_net_trainer *t)
{
    size_t slices = (t->state.n + SLICE - 1) / SLICE;
    t->adam.t = t->state.steps;
    weft_adam_begin(&t->adam);
    t->state.steps = t->adam.t;
    if (t->o.clip > 0) {
        weft_par_for(t->par, slices, only_add, t);
        weft_clip_norm(t->group[0].g, t->state.n, t->o.clip);
        update_slice(t, 0, t->state.n);
    } else {
        weft_par_for(t->par, slices, add_and_update, t);
    }
    use_parameters(t);
}

double weft_net_trainer_step(struct weft_net_trainer *t, const uint32_t *at, size_t n, bool update, const float **g)
{
    use_parameters(t);
    double sum = run_batch(t, at, n, true);
    if (update)
        learn(t);
    else
        weft_par_for(t->par, (t->state.n + SLICE - 1) / SLICE, only_add, t);
    if (g)
        *g = t->group[0].g;
    return sum;
}

/* --- an epoch --- */

static bool tick(const struct weft_net_trainer *t, size_t done)
{
    return t->o.tick && t->o.tick(t->o.ctx, t->state.epoch + 1, done, t->d.n_train);
}

static int train_epoch(struct weft_net_trainer *t, double *loss)
{
    struct weft_rng r = weft_rng(t->o.seed, t->o.stream << 32 | (uint64_t)(t->state.epoch + 16));
    size_t n = t->d.n_train;
    double sum = 0;
    memcpy(t->order, t->d.train, n * sizeof *t->order);
    weft_rng_shuffle(&r, t->order, n);
    use_parameters(t);
    for (size_t from = 0; from < n; from += t->o.batch) {
        sum += run_batch(t, t->order + from, n - from < t->o.batch ? n - from : t->o.batch, true);
        if (!isfinite(sum))
            break;
        learn(t);
        if (tick(t, from + t->o.batch < n ? from + t->o.batch : n))
            return 0;
    }
    *loss = sum / ((double)n * (double)t->shape.head.out);
    return 1;
}

static int valid_epoch(struct weft_net_trainer *t, double *loss)
{
    size_t n = t->d.n_valid, at_once = t->groups * VALID_CHUNKS * WEFT_ENCODER_ROWS;
    double sum = 0;
    for (size_t from = 0; from < n; from += at_once) {
        sum += run_batch(t, t->d.valid + from, n - from < at_once ? n - from : at_once, false);
        if (tick(t, t->d.n_train))
            return 0;
    }
    *loss = n ? sum / ((double)n * (double)t->shape.head.out) : NAN;
    return 1;
}

bool weft_net_trainer_done(const struct weft_net_trainer *t)
{
    return t->state.epoch >= t->o.epochs || (t->o.patience > 0 && t->state.waited >= t->o.patience);
}

int weft_net_trainer_epoch(struct weft_net_trainer *t, struct weft_net_epoch *now, struct weft_err *e)
{
    struct weft_net_state *s = &t->state;
    *now = (struct weft_net_epoch){.epoch = s->epoch + 1};
    if (!train_epoch(t, &now->train_loss) || !valid_epoch(t, &now->valid_loss))
        return 0;
    if (!isfinite(now->train_loss) || (t->d.n_valid && !isfinite(now->valid_loss))) {
        weft_fail(e, WEFT_DATA, "the training ran away in epoch %lld: its loss is no number", (long long)now->epoch);
        return weft_fail_hint(e, "try a smaller --lr, or --clip 1; weft window --scale standard keeps values small");
    }
    now->best = !t->d.n_valid || now->valid_loss <= s->best.valid_loss;
    if (now->best) {
        s->best = *now;
        memcpy(s->kept, s->p, s->n * sizeof *s->p);
    }
    s->waited = now->best ? 0 : s->waited + 1;
    s->epoch++;
    return 1;
}
