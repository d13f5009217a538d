/* adda.c - adversarial adaptation of a forecasting network. */
#include "model/adda.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

enum { ROWS = WEFT_ENCODER_ROWS, SHUFFLES = 1 << 20 };
static const float slope = 0.2f;

/* What one chunk of a batch works with; only one thread at a time is in it. */
struct chunk {
    float *g;          /* [n] gradients */
    const float *code; /* of the target, in the encoder's tape, rows ld apart */
    size_t ld;
    const float *x[ROWS];        /* its windows */
    float *source, *dcode, *add; /* [ROWS, lanes(code)] codes of the source; gradients */
    float *d_values, *r_values, *y, *dy, *backward;
    double d_loss, right, map_loss, r_loss;
    float *room;     /* [ROWS, lookback + horizon] windows without their offset */
    double *moments; /* [source, target][sums, sums of squares][code] of the codes */
};

struct weft_adda {
    struct weft_net shape;
    struct weft_adda_options o;
    struct weft_adda_windows d;
    struct weft_par *par;
    struct weft_mlp disc, decoder;
    struct weft_encoding *encoding;
    struct weft_adda_state state;
    struct weft_adam encoder_adam, adam;
    size_t n_encoder, n_disc, n_decoder, ld; /* ld: lanes of a code */
    float *memory, *head, *head_back, *disc_back, *decoder_back, *codes;
    struct chunk *chunk;
    size_t chunks;
    double *moments;    /* of the epoch's codes, as a chunk's */
    uint32_t *order[2]; /* source, target */
    /* The batch at hand. */
    const uint32_t *at[2];
    size_t count;
};

static void use_parameters(struct weft_adda *a)
{
    weft_encoding_use(a->encoding, a->state.p);
    weft_encoding_turn(a->encoding);
    weft_mlp_turn(&a->disc, a->state.p + a->n_encoder, a->disc_back);
    if (a->n_decoder)
        weft_mlp_turn(&a->decoder, a->state.p + a->n_encoder + a->n_disc, a->decoder_back);
}

/* The window at a place of the pool as the network sees it, in row r of the chunk's room. */
static const float *view(const struct weft_adda *a, struct chunk *c, size_t r, uint32_t at)
{
    size_t width = a->shape.lookback + a->shape.head.out;
    return weft_net_view(&a->shape, a->d.pool + at, width, c->room + r * width);
}

/* --- making --- */

static void encode_source(void *ctx, size_t c)
{
    struct weft_adda *a = ctx;
    size_t tasks = a->chunks, all = (a->d.n_source + ROWS - 1) / ROWS, ld;
    const float *x[ROWS];
    for (size_t i = c * all / tasks; i < (c + 1) * all / tasks; i++) {
        size_t from = i * ROWS, rows = a->d.n_source - from < ROWS ? a->d.n_source - from : ROWS;
        for (size_t r = 0; r < rows; r++)
            x[r] = view(a, &a->chunk[c], r, a->d.source[from + r]);
        const float *code = weft_encoding_forward(a->encoding, c, x, rows, &ld);
        for (size_t r = 0; r < rows; r++) {
            memset(a->codes + (from + r) * a->ld, 0, a->ld * sizeof *code);
            memcpy(a->codes + (from + r) * a->ld, code + r * ld, a->shape.encoder.code * sizeof *code);
        }
    }
}

static void new_chunk(struct weft_adda *a, struct chunk *c)
{
    const struct weft_net *s = &a->shape;
    size_t disc_room = weft_mlp_room(&a->disc, ROWS),
           decoder_room = a->n_decoder ? weft_mlp_room(&a->decoder, ROWS) : 0;
    size_t wide = weft_lanes(s->head.out > s->lookback ? s->head.out : s->lookback), codes = ROWS * a->ld;
    size_t room = disc_room > decoder_room ? disc_room : decoder_room, d = ROWS * weft_mlp_row_size(&a->disc),
           r = ROWS * weft_mlp_row_size(&a->decoder);
    size_t whole = a->state.n + 3 * codes + d + r + 2 * ROWS * wide + room;
    c->g = weft_xaligned(whole, sizeof *c->g);
    memset(c->g, 0, whole * sizeof *c->g);
    c->room = weft_xaligned(ROWS * (s->lookback + s->head.out), sizeof *c->room);
    c->moments = WEFT_ARRAY(double, 4 * s->encoder.code);
    c->source = c->g + a->state.n;
    c->dcode = c->source + codes;
    c->add = c->dcode + codes;
    c->d_values = c->add + codes;
    c->r_values = c->d_values + d;
    c->y = c->r_values + r;
    c->dy = c->y + ROWS * wide;
    c->backward = c->dy + ROWS * wide;
}

static void new_state(struct weft_adda *a, const float *source)
{
    struct weft_adda_state *s = &a->state;
    s->n = a->n_encoder + a->n_disc + a->n_decoder;
    s->n_kept = a->n_encoder;
    a->memory = weft_xaligned(3 * s->n + s->n_kept + weft_linear_size(&a->shape.head), sizeof(float));
    memset(a->memory, 0, (3 * s->n + s->n_kept) * sizeof(float));
    s->p = a->memory;
    s->m = s->p + s->n;
    s->v = s->m + s->n;
    s->kept = s->v + s->n;
    a->head = s->kept + s->n_kept;
    s->best.valid_loss = INFINITY;
    weft_encoder_pack(&a->shape.encoder, source, s->p);
    memcpy(s->kept, s->p, s->n_kept * sizeof *s->p);
    weft_linear_pack(&a->shape.head, source + weft_encoder_count(&a->shape.encoder), a->head);
    weft_mlp_draw(&a->disc, a->o.seed, a->o.stream << 32 | 101, s->p + a->n_encoder);
    if (a->n_decoder)
        weft_mlp_draw(&a->decoder, a->o.seed, a->o.stream << 32 | 111, s->p + a->n_encoder + a->n_disc);
}

struct weft_adda *weft_adda_new(const struct weft_net *s, const float *source, const struct weft_adda_options *o,
                                const struct weft_adda_windows *d, struct weft_par *par)
{
    struct weft_adda *a = WEFT_NEW(struct weft_adda);
    size_t code = s->encoder.code;
    *a = (struct weft_adda){.shape = *s, .o = *o, .d = *d, .par = par, .ld = weft_lanes(code)};
    a->disc = weft_mlp((size_t[]){code, o->hidden, o->hidden, 1}, 3, slope);
    a->decoder = weft_mlp((size_t[]){code, o->hidden, s->lookback}, 2, slope);
    a->n_encoder = weft_encoder_size(&s->encoder);
    a->n_disc = weft_mlp_size(&a->disc);
    a->n_decoder = o->reconstruct > 0 ? weft_mlp_size(&a->decoder) : 0;
    a->encoder_adam = weft_adam(o->encoder_lr);
    a->adam = weft_adam(o->lr);
    a->encoder_adam.beta1 = a->adam.beta1 =
        0.5; /* as erictzeng/adda and most adversarial training: less momentum, less oscillation */
    a->chunks = (o->batch + ROWS - 1) / ROWS;
    a->encoding = weft_encoding_new(&s->encoder, a->chunks);
    new_state(a, source);
    a->chunk = WEFT_ARRAY(struct chunk, a->chunks);
    a->moments = WEFT_ARRAY(double, 4 * code);
    for (size_t i = 0; i < a->chunks; i++)
        new_chunk(a, &a->chunk[i]);
    a->head_back = weft_xaligned(s->head.out * a->ld, sizeof(float));
    weft_linear_turn(&s->head, a->head, a->head_back);
    a->disc_back = weft_xaligned(weft_mlp_back_size(&a->disc), sizeof(float));
    a->decoder_back = weft_xaligned(weft_mlp_back_size(&a->decoder), sizeof(float));
    a->codes = weft_xaligned((d->n_source + 1) * a->ld, sizeof(float));
    a->order[0] = weft_xmalloc((d->n_source + 1) * sizeof(uint32_t));
    a->order[1] = weft_xmalloc((d->n_target + 1) * sizeof(uint32_t));
    use_parameters(a);
    weft_par_for(par, a->chunks, encode_source, a);
    return a;
}

void weft_adda_free(struct weft_adda **pa)
{
    struct weft_adda *a = *pa;
    if (!a)
        return;
    for (size_t i = 0; i < a->chunks; i++) {
        free(a->chunk[i].g);
        free(a->chunk[i].moments);
        free(a->chunk[i].room);
    }
    free(a->moments);
    weft_encoding_free(&a->encoding);
    free(a->chunk);
    free(a->memory);
    free(a->head_back);
    free(a->disc_back);
    free(a->decoder_back);
    free(a->codes);
    free(a->order[0]);
    free(a->order[1]);
    free(a);
    *pa = NULL;
}

struct weft_adda_state *weft_adda_state(struct weft_adda *a)
{
    return &a->state;
}

void weft_adda_result(const struct weft_adda *a, float *outer)
{
    weft_encoder_unpack(&a->shape.encoder, a->o.last ? a->state.p : a->state.kept, outer);
    weft_linear_unpack(&a->shape.head, a->head, outer + weft_encoder_count(&a->shape.encoder));
}

/* --- a step --- */

static size_t rows_of(const struct weft_adda *a, size_t i)
{
    return a->count - i * ROWS < ROWS ? a->count - i * ROWS : ROWS;
}

static void add_moments(const struct weft_adda *a, struct chunk *c, size_t which, const float *code, size_t ld,
                        size_t rows)
{
    size_t n = a->shape.encoder.code;
    double *sum = c->moments + 2 * n * which, *square = sum + n;
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < n; k++) {
            sum[k] += code[r * ld + k];
            square[k] += (double)code[r * ld + k] * code[r * ld + k];
        }
}

/* D on rows of one kind: its gradient goes to g (NULL: none), that of the codes to dcode (NULL: none). */
static double judge(struct weft_adda *a, struct chunk *c, const float *code, size_t ld, size_t rows, double label,
                    double share, float *g, float *dcode, double *right)
{
    const float *z = weft_mlp_forward(&a->disc, a->state.p + a->n_encoder, code, ld, rows, c->d_values);
    const float target = (float)label;
    double loss = 0;
    for (size_t r = 0; r < rows; r++) {
        memset(c->dy + r * 16, 0, 16 * sizeof *c->dy);
        loss += weft_bce_logits(z + r * 16, &target, 1, share, c->dy + r * 16);
        *right += (z[r * 16] > 0) == (label > 0.5);
    }
    weft_mlp_backward(&a->disc, a->disc_back, code, ld, c->d_values, c->dy, rows, g, dcode, c->backward);
    return loss;
}

/* D's half of a step: codes of the target are made, and stay on the tape for Mt's half. */
static void discriminate(void *ctx, size_t i)
{
    struct weft_adda *a = ctx;
    struct chunk *c = &a->chunk[i];
    size_t rows = rows_of(a, i);
    double share = 0.5 / (double)a->count;
    float *g = c->g + a->n_encoder;
    for (size_t r = 0; r < rows; r++) {
        c->x[r] = view(a, c, r, a->d.target[a->at[1][i * ROWS + r]]);
        memcpy(c->source + r * a->ld, a->codes + a->at[0][i * ROWS + r] * a->ld, a->ld * sizeof *c->source);
    }
    c->code = weft_encoding_forward(a->encoding, i, c->x, rows, &c->ld);
    memset(c->g, 0, a->state.n * sizeof *c->g);
    c->d_loss = c->right = c->map_loss = c->r_loss = 0;
    memset(c->moments, 0, 4 * a->shape.encoder.code * sizeof *c->moments);
    add_moments(a, c, 0, c->source, a->ld, rows);
    add_moments(a, c, 1, c->code, c->ld, rows);
    c->d_loss += judge(a, c, c->source, a->ld, rows, a->o.smooth, share, g, NULL, &c->right);
    c->d_loss += judge(a, c, c->code, c->ld, rows, 0, share, g, NULL, &c->right);
}

static void add_reconstruction(struct weft_adda *a, struct chunk *c, size_t rows)
{
    size_t lookback = a->shape.lookback, lanes = weft_lanes(lookback), base = a->n_encoder + a->n_disc;
    double share = a->o.reconstruct / ((double)a->count * (double)lookback);
    const float *y = weft_mlp_forward(&a->decoder, a->state.p + base, c->code, c->ld, rows, c->r_values);
    for (size_t r = 0; r < rows; r++) {
        memset(c->dy + r * lanes + lookback, 0, (lanes - lookback) * sizeof *c->dy);
        c->r_loss += weft_mse(y + r * lanes, c->x[r], lookback, share, c->dy + r * lanes);
    }
    weft_mlp_backward(&a->decoder, a->decoder_back, c->code, c->ld, c->r_values, c->dy, rows, c->g + base, c->add,
                      c->backward);
    weft_accumulate(c->dcode, c->add, rows * a->ld);
}

static void add_labels(struct weft_adda *a, struct chunk *c, size_t i, size_t rows)
{
    size_t out = a->shape.head.out, lanes = weft_lanes(out);
    double share = a->o.labels / ((double)a->count * (double)out);
    weft_linear_forward(&a->shape.head, a->head, c->code, c->ld, rows, c->y);
    memset(c->dy, 0, rows * lanes * sizeof *c->dy);
    for (size_t r = 0; r < rows; r++)
        if (a->d.labelled[a->at[1][i * ROWS + r]])
            weft_mse(c->y + r * lanes, c->x[r] + a->shape.lookback, out, share, c->dy + r * lanes);
    weft_linear_backward(&a->shape.head, a->head_back, c->code, c->ld, c->dy, rows, NULL, c->add);
    weft_accumulate(c->dcode, c->add, rows * a->ld);
}

/* Mt's half of a step, against the D of now. */
static void map_target(void *ctx, size_t i)
{
    struct weft_adda *a = ctx;
    struct chunk *c = &a->chunk[i];
    size_t rows = rows_of(a, i);
    double ignored = 0;
    memset(c->g, 0, a->state.n * sizeof *c->g);
    c->map_loss = judge(a, c, c->code, c->ld, rows, 1, 1 / (double)a->count, NULL, c->dcode, &ignored);
    if (a->n_decoder)
        add_reconstruction(a, c, rows);
    if (a->d.labelled)
        add_labels(a, c, i, rows);
    weft_encoding_backward(a->encoding, i, c->dcode, c->g);
}

/* Adds up the chunks' gradients of [from, to) in order, and lets Adam step. */
static void update(struct weft_adda *a, const struct weft_adam *adam, size_t from, size_t to)
{
    size_t used = (a->count + ROWS - 1) / ROWS;
    for (size_t k = 1; k < used; k++)
        weft_accumulate(a->chunk[0].g + from, a->chunk[k].g + from, to - from);
    weft_adam_update(adam, a->state.p + from, a->chunk[0].g + from, a->state.m + from, a->state.v + from, to - from);
}

static void step(struct weft_adda *a, struct weft_adda_epoch *now)
{
    size_t used = (a->count + ROWS - 1) / ROWS, disc = a->n_encoder, decoder = disc + a->n_disc;
    a->adam.t = a->encoder_adam.t = a->state.steps++;
    weft_adam_begin(&a->adam);
    weft_adam_begin(&a->encoder_adam);
    weft_par_for(a->par, used, discriminate, a);
    update(a, &a->adam, disc, decoder);
    weft_mlp_turn(&a->disc, a->state.p + disc, a->disc_back);
    for (size_t i = 0; i < used; i++) {
        const struct chunk *c = &a->chunk[i];
        now->discriminator_loss += c->d_loss;
        now->accuracy += c->right;
        for (size_t k = 0; k < 4 * a->shape.encoder.code; k++)
            a->moments[k] += c->moments[k];
    }
    weft_par_for(a->par, used, map_target, a);
    update(a, &a->encoder_adam, 0, disc);
    if (a->n_decoder)
        update(a, &a->adam, decoder, a->state.n);
    for (size_t i = 0; i < used; i++) {
        now->mapping_loss += a->chunk[i].map_loss;
        now->reconstruction_loss += a->chunk[i].r_loss;
    }
    use_parameters(a);
}

/* --- an epoch --- */

static void validate(void *ctx, size_t c)
{
    struct weft_adda *a = ctx;
    struct chunk *k = &a->chunk[c];
    size_t tasks = a->chunks, all = (a->d.n_valid + ROWS - 1) / ROWS, ld, out = a->shape.head.out,
           lanes = weft_lanes(out);
    const float *x[ROWS];
    k->d_loss = 0;
    for (size_t i = c * all / tasks; i < (c + 1) * all / tasks; i++) {
        size_t from = i * ROWS, rows = a->d.n_valid - from < ROWS ? a->d.n_valid - from : ROWS;
        for (size_t r = 0; r < rows; r++)
            x[r] = view(a, k, r, a->d.valid[from + r]);
        const float *code = weft_encoding_forward(a->encoding, c, x, rows, &ld);
        weft_linear_forward(&a->shape.head, a->head, code, ld, rows, k->y);
        for (size_t r = 0; r < rows; r++)
            k->d_loss += weft_mse(k->y + r * lanes, x[r] + a->shape.lookback, out, 0, NULL);
    }
}

static void judge_epoch(struct weft_adda *a, struct weft_adda_epoch *now)
{
    double sum = 0;
    weft_par_for(a->par, a->chunks, validate, a);
    for (size_t i = 0; i < a->chunks; i++)
        sum += a->chunk[i].d_loss;
    now->valid_loss = a->d.n_valid ? sum / ((double)a->d.n_valid * (double)a->shape.head.out) : NAN;
    now->best = !a->d.n_valid || now->valid_loss < a->state.best.valid_loss;
}

static void keep(struct weft_adda *a, const struct weft_adda_epoch *now)
{
    struct weft_adda_state *s = &a->state;
    s->waited = now->best ? 0 : s->waited + 1;
    if (!now->best)
        return;
    s->best = *now;
    memcpy(s->kept, s->p, s->n_kept * sizeof *s->p);
}

void weft_adda_begin(struct weft_adda *a, struct weft_adda_epoch *now)
{
    *now = (struct weft_adda_epoch){.discriminator_loss = NAN,
                                    .accuracy = NAN,
                                    .mapping_loss = NAN,
                                    .reconstruction_loss = NAN,
                                    .source_variance = NAN,
                                    .target_variance = NAN};
    judge_epoch(a, now);
    keep(a, now);
}

bool weft_adda_done(const struct weft_adda *a)
{
    return a->state.epoch >= a->o.epochs || (a->o.patience > 0 && !a->o.last && a->state.waited >= a->o.patience);
}

/* Mean variance of the units of a code over `rows` windows. */
static double variance(const double *sum, size_t units, double rows)
{
    double all = 0;
    for (size_t k = 0; k < units; k++)
        all += sum[units + k] / rows - sum[k] / rows * (sum[k] / rows);
    return all / (double)units;
}

static void shuffle(struct weft_adda *a)
{
    size_t n[2] = {a->d.n_source, a->d.n_target};
    for (int k = 0; k < 2; k++) {
        struct weft_rng r =
            weft_rng(a->o.seed, (a->o.stream << 32 | SHUFFLES) + 2 * (uint64_t)a->state.epoch + (uint64_t)k);
        for (size_t i = 0; i < n[k]; i++)
            a->order[k][i] = (uint32_t)i;
        weft_rng_shuffle(&r, a->order[k], n[k]);
    }
}

int weft_adda_epoch(struct weft_adda *a, struct weft_adda_epoch *now, struct weft_err *e)
{
    size_t smaller = a->d.n_source < a->d.n_target ? a->d.n_source : a->d.n_target,
           n = smaller < a->o.windows ? smaller : a->o.windows;
    double rows = (double)n;
    *now = (struct weft_adda_epoch){.epoch = a->state.epoch + 1};
    memset(a->moments, 0, 4 * a->shape.encoder.code * sizeof *a->moments);
    use_parameters(a);
    shuffle(a);
    for (size_t from = 0; from < n; from += a->o.batch) {
        a->count = n - from < a->o.batch ? n - from : a->o.batch;
        a->at[0] = a->order[0] + from;
        a->at[1] = a->order[1] + from;
        step(a, now);
        if (a->o.tick && a->o.tick(a->o.ctx, now->epoch, from + a->count, n))
            return 0;
    }
    now->discriminator_loss /= 2 * rows;
    now->accuracy /= 2 * rows;
    now->mapping_loss /= rows;
    now->reconstruction_loss = a->n_decoder ? now->reconstruction_loss / (rows * (double)a->shape.lookback) : NAN;
    now->source_variance = variance(a->moments, a->shape.encoder.code, rows);
    now->target_variance = variance(a->moments + 2 * a->shape.encoder.code, a->shape.encoder.code, rows);
    judge_epoch(a, now);
    if (!isfinite(now->discriminator_loss + now->mapping_loss) ||
        (a->n_decoder && !isfinite(now->reconstruction_loss)) || (a->d.n_valid && !isfinite(now->valid_loss))) {
        weft_fail(e, WEFT_DATA, "the adaptation ran away in epoch %lld: its loss is no number", (long long)now->epoch);
        return weft_fail_hint(e, "try a smaller --lr or --encoder-lr; weft window --scale standard keeps values small");
    }
    a->state.epoch++;
    keep(a, now);
    return 1;
}
