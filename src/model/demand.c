/* demand.c - the garment network: forward, backward, Adam, its tensors in files. */
#include "model/demand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/adam.h"
#include "nn/layers.h"
#include "nn/loss.h"
#include "base/mem.h"

enum { SLICE = 1 << 16, AT_ONCE = 16, FEW = 4, STREAM_FC = 1 << 16, STREAM_DROPOUT = 1 << 17 };

/* Parameters that Adam moves together: small enough that every thread has its share. */
struct slice {
    float *p;
    const float *g;
    size_t at, n; /* at: of its moments */
};

struct weft_demand {
    struct weft_demand_shape s;
    struct weft_resnet18 *net; /* NULL: no images */
    struct weft_linear fc[2];
    float *p; /* both layers, inner layout; p2 behind p1 */
    size_t n1, n2;
    float *outer;          /* both in PyTorch's layout, for files */
    float *x, *hidden, *y; /* [rows, lanes] of one batch */
    float *features;       /* [rows, 512] */
    float *linear;         /* [out, side + 1]; NULL: no linear head */
    size_t rows;           /* room */
    /* training */
    struct weft_adam adam, slow; /* slow: ResNet18's */
    float *kept;                 /* weights put aside: both layers, then every tensor of ResNet18; NULL: none */
    struct weft_par *par;
    uint64_t seed;
    float *g, *m, *v; /* m, v: ResNet18's learned parameters, then both layers */
    float *mask, *dy, *dhidden, *dx, *dfeatures, *back1, *back2;
    struct slice *slice;
    size_t n_slices, learned; /* learned: parameters of ResNet18 */
};

static size_t features_of(const struct weft_demand *d)
{
    return d->net ? WEFT_RESNET18_FEATURES : 0;
}

int weft_demand_new(struct weft_demand_shape *s, int threads, enum weft_dnn_type type, struct weft_demand **out,
                    struct weft_err *e)
{
    struct weft_demand *d = WEFT_NEW(struct weft_demand);
    *out = d;
    d->s = *s;
    memset(s, 0, sizeof *s);
    if (d->s.image && weft_resnet18_new(threads, type, &d->net, e) < 0)
        return -1;
    d->fc[0] = (struct weft_linear){features_of(d) + d->s.side, d->s.hidden};
    d->fc[1] = (struct weft_linear){d->s.hidden, d->s.out};
    d->n1 = weft_linear_size(&d->fc[0]);
    d->n2 = weft_linear_size(&d->fc[1]);
    d->p = weft_xaligned(d->n1 + d->n2, sizeof *d->p);
    memset(d->p, 0, (d->n1 + d->n2) * sizeof *d->p);
    d->outer = WEFT_ARRAY(float, weft_linear_count(&d->fc[0]) + weft_linear_count(&d->fc[1]));
    return 0;
}

void weft_demand_free(struct weft_demand **pd)
{
    struct weft_demand *d = *pd;
    if (!d)
        return;
    float *const all[] = {d->p,  d->outer,     d->x,     d->hidden, d->y,    d->features,
                          d->g,  d->m,         d->v,     d->mask,   d->dy,   d->dhidden,
                          d->dx, d->dfeatures, d->back1, d->back2,  d->kept, d->linear};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free(d->slice);
    weft_resnet18_free(&d->net);
    weft_demand_shape_free(&d->s);
    free(d);
    *pd = NULL;
}

const struct weft_demand_shape *weft_demand_shape_of(const struct weft_demand *d)
{
    return &d->s;
}

struct weft_resnet18 *weft_demand_backbone(struct weft_demand *d)
{
    return d->net;
}

static void pack(struct weft_demand *d)
{
    weft_linear_pack(&d->fc[0], d->outer, d->p);
    weft_linear_pack(&d->fc[1], d->outer + weft_linear_count(&d->fc[0]), d->p + d->n1);
}

void weft_demand_init(struct weft_demand *d, uint64_t seed)
{
    if (d->net)
        weft_resnet18_init(d->net, seed);
    weft_linear_draw(&d->fc[0], seed, STREAM_FC, d->outer);
    weft_linear_draw(&d->fc[1], seed, STREAM_FC + 1, d->outer + weft_linear_count(&d->fc[0]));
    pack(d);
}

/* --- forward --- */

static void room(float **p, size_t rows, size_t lanes)
{
    free(*p);
    *p = weft_xaligned(rows * lanes, sizeof **p);
    memset(*p, 0, rows * lanes * sizeof **p);
}

static void make_room(struct weft_demand *d, size_t rows)
{
    if (rows <= d->rows)
        return;
    d->rows = rows;
    room(&d->x, rows, weft_lanes(d->fc[0].in));
    room(&d->hidden, rows, weft_lanes(d->fc[0].out));
    room(&d->y, rows, weft_lanes(d->fc[1].out));
    if (d->net)
        room(&d->features, rows, WEFT_RESNET18_FEATURES);
    if (!d->m)
        return;
    room(&d->mask, rows, weft_lanes(d->fc[0].out));
    room(&d->dhidden, rows, weft_lanes(d->fc[0].out));
    room(&d->dy, rows, weft_lanes(d->fc[1].out));
    room(&d->dx, rows, weft_lanes(d->fc[0].in));
    if (d->net)
        room(&d->dfeatures, rows, WEFT_RESNET18_FEATURES);
}

/* x = [features | side]. */
static void join(struct weft_demand *d, const struct weft_demand_batch *b)
{
    size_t f = features_of(d), lanes = weft_lanes(d->fc[0].in);
    for (size_t r = 0; r < b->n; r++) {
        if (f)
            memcpy(d->x + r * lanes, d->features + r * f, f * sizeof(float));
        if (d->s.side)
            memcpy(d->x + r * lanes + f, b->side + r * d->s.side, d->s.side * sizeof(float));
    }
}

static void take_out(const struct weft_demand *d, size_t n, float *out)
{
    size_t lanes = weft_lanes(d->s.out);
    for (size_t r = 0; r < n; r++)
        memcpy(out + r * d->s.out, d->y + r * lanes, d->s.out * sizeof *out);
}

/* Few batch sizes, so that few graphs are built: a picture's features do not depend on them. */
static int run_backbone(struct weft_demand *d, const struct weft_demand_batch *b, struct weft_err *e)
{
    size_t size = d->s.image_size, pixels = 3 * size * size;
    for (size_t i = 0, k; i < b->n; i += k) {
        k = b->n - i >= AT_ONCE ? AT_ONCE : b->n - i >= FEW ? FEW : 1;
        if (weft_resnet18_features(d->net, b->pixels + i * pixels, k, size, size,
                                   d->features + i * WEFT_RESNET18_FEATURES, e) < 0)
            return -1;
    }
    return 0;
}

/* What the linear head says of head h: the value, or logarithms of probabilities less a constant. */
static void linear_says(const struct weft_demand *d, const struct weft_demand_head *h, const float *side, double *z)
{
    size_t n = d->s.side;
    for (size_t k = 0; k < h->width; k++) {
        const float *w = d->linear + (h->at + k) * (n + 1);
        double sum = (double)w[n];
        for (size_t i = 0; i < n; i++)
            sum += (double)w[i] * (double)side[i];
        z[k] = sum;
    }
}

void weft_demand_blend(const struct weft_demand *d, const float *side, size_t n, float *out)
{
    double a[WEFT_CLASSES_MAX], b[WEFT_CLASSES_MAX];
    for (size_t r = 0; d->linear && r < n; r++)
        for (size_t k = 0; k < d->s.n_heads; k++) {
            const struct weft_demand_head *h = &d->s.head[k];
            float *z = out + r * d->s.out + h->at;
            bool classes = weft_demand_classifies(h);
            linear_says(d, h, side + r * d->s.side, b);
            for (size_t c = 0; c < h->width; c++)
                a[c] = (double)z[c];
            double of_a = classes ? weft_log_sum(a, h->width) : 0, of_b = classes ? weft_log_sum(b, h->width) : 0,
                   heat = classes ? h->heat : 1;
            for (size_t c = 0; c < h->width; c++)
                z[c] = (float)(heat * (h->mix * (a[c] - of_a) + (1 - h->mix) * (b[c] - of_b)));
        }
}

int weft_demand_predict(struct weft_demand *d, const struct weft_demand_batch *b, float *out, struct weft_err *e)
{
    make_room(d, b->n);
    if (d->net && run_backbone(d, b, e) < 0)
        return -1;
    join(d, b);
    weft_linear_forward(&d->fc[0], d->p, d->x, weft_lanes(d->fc[0].in), b->n, d->hidden);
    weft_relu(d->hidden, b->n * weft_lanes(d->fc[0].out));
    weft_linear_forward(&d->fc[1], d->p + d->n1, d->hidden, weft_lanes(d->fc[1].in), b->n, d->y);
    take_out(d, b->n, out);
    weft_demand_blend(d, b->side, b->n, out);
    return 0;
}

/* --- the loss --- */

/* Sum over a batch for one head: out and dout (NULL: not wanted) begin at its first column, rows lie ld apart; the
 * gradient is that of share * sum. */
static double head_loss(const struct weft_demand_shape *s, size_t k, const struct weft_demand_batch *b,
                        const float *out, size_t ld, double share, float *dout)
{
    const struct weft_demand_head *h = &s->head[k];
    double sum = 0, gamma = h->loss == WEFT_DEMAND_FOCAL ? s->gamma : 0;
    for (size_t r = 0; r < b->n; r++) {
        float target = b->target[r * s->n_heads + k], *d = dout ? dout + r * ld : NULL;
        int t = isnan(target) ? -1 : (int)target;
        double alpha = h->class_weight && t >= 0 ? (double)h->class_weight[t] : 1;
        sum += weft_demand_classifies(h) ? weft_focal(out + r * ld, h->width, t, gamma, alpha, share, d)
                                         : weft_square(out[r * ld], target, share, d);
    }
    return sum;
}

static size_t labels_of(const struct weft_demand_shape *s, size_t k, const struct weft_demand_batch *b)
{
    size_t n = 0;
    for (size_t r = 0; r < b->n; r++)
        n += !isnan(b->target[r * s->n_heads + k]);
    return n;
}

void weft_demand_losses(const struct weft_demand_shape *s, const struct weft_demand_batch *b, const float *out,
                        double *loss, size_t *count)
{
    for (size_t k = 0; k < s->n_heads; k++) {
        loss[k] += head_loss(s, k, b, out + s->head[k].at, s->out, 0, NULL);
        count[k] += labels_of(s, k, b);
    }
}

/* Of the whole batch, with the gradient of y. */
static double batch_loss(struct weft_demand *d, const struct weft_demand_batch *b)
{
    const struct weft_demand_shape *s = &d->s;
    size_t lanes = weft_lanes(s->out);
    double sum = 0;
    for (size_t k = 0; k < s->n_heads; k++) {
        size_t n = labels_of(s, k, b), at = s->head[k].at;
        double share = n ? s->head[k].weight / (double)n : 0;
        sum += share * head_loss(s, k, b, d->y + at, lanes, share, d->dy + at);
    }
    return sum;
}

/* --- training --- */

static void cut(struct weft_demand *d, float *p, const float *g, size_t at, size_t n)
{
    for (size_t from = 0; from < n; from += SLICE) {
        d->slice = weft_xrealloc2(d->slice, d->n_slices + 1, sizeof *d->slice);
        d->slice[d->n_slices++] = (struct slice){p + from, g + from, at + from, n - from < SLICE ? n - from : SLICE};
    }
}

void weft_demand_learn(struct weft_demand *d, double lr, uint64_t seed, struct weft_par *par)
{
    struct weft_resnet18_tensor *t = NULL;
    size_t fc = d->n1 + d->n2, tensors = d->net ? weft_resnet18_tensors(d->net, &t) : 0;
    float **const before[] = {&d->g, &d->m, &d->v, &d->back1, &d->back2};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        free(*before[i]);
    free(d->slice);
    d->slice = NULL;
    d->adam = d->slow = weft_adam(lr);
    d->seed = seed;
    d->par = par;
    d->g = weft_xaligned(fc, sizeof *d->g);
    memset(d->g, 0, fc * sizeof *d->g);
    d->n_slices = d->learned = 0;
    for (size_t i = 0; i < tensors; i++)
        if (t[i].grad) {
            cut(d, t[i].data, t[i].grad, d->learned, t[i].count);
            d->learned += t[i].count;
        }
    cut(d, d->p, d->g, d->learned, fc);
    d->m = WEFT_ARRAY(float, d->learned + fc);
    d->v = WEFT_ARRAY(float, d->learned + fc);
    d->back1 = weft_xaligned(d->fc[0].out * weft_lanes(d->fc[0].in), sizeof *d->back1);
    d->back2 = weft_xaligned(d->fc[1].out * weft_lanes(d->fc[1].in), sizeof *d->back2);
    d->rows = 0;
}

static void update(void *ctx, size_t i)
{
    struct weft_demand *d = ctx;
    const struct slice *s = &d->slice[i];
    weft_adam_update(s->at < d->learned ? &d->slow : &d->adam, s->p, s->g, d->m + s->at, d->v + s->at, s->n);
}

static int backward(struct weft_demand *d, const struct weft_demand_batch *b, struct weft_err *e)
{
    size_t wide = b->n * weft_lanes(d->s.hidden), f = features_of(d), lanes = weft_lanes(d->fc[0].in);
    memset(d->g, 0, (d->n1 + d->n2) * sizeof *d->g);
    weft_linear_turn(&d->fc[1], d->p + d->n1, d->back2);
    weft_linear_backward(&d->fc[1], d->back2, d->hidden, weft_lanes(d->fc[1].in), d->dy, b->n, d->g + d->n1,
                         d->dhidden);
    weft_dropout_backward(d->mask, d->dhidden, wide);
    weft_relu_backward(d->hidden, d->dhidden, wide);
    if (f)
        weft_linear_turn(&d->fc[0], d->p, d->back1);
    weft_linear_backward(&d->fc[0], d->back1, d->x, lanes, d->dhidden, b->n, d->g, f ? d->dx : NULL);
    for (size_t r = 0; f && r < b->n; r++)
        memcpy(d->dfeatures + r * f, d->dx + r * lanes, f * sizeof(float));
    return f ? weft_resnet18_backward(d->net, d->dfeatures, e) : 0;
}

int weft_demand_step(struct weft_demand *d, const struct weft_demand_batch *b, float *out, double *loss,
                     struct weft_err *e)
{
    size_t size = d->s.image_size, wide = b->n * weft_lanes(d->s.hidden);
    make_room(d, b->n);
    if (d->net && weft_resnet18_forward(d->net, b->pixels, b->n, size, size, d->features, e) < 0)
        return -1;
    join(d, b);
    weft_linear_forward(&d->fc[0], d->p, d->x, weft_lanes(d->fc[0].in), b->n, d->hidden);
    weft_relu(d->hidden, wide);
    weft_dropout(d->hidden, d->mask, wide, d->s.dropout, weft_rng(d->seed, STREAM_DROPOUT + d->adam.t));
    weft_linear_forward(&d->fc[1], d->p + d->n1, d->hidden, weft_lanes(d->fc[1].in), b->n, d->y);
    take_out(d, b->n, out);
    *loss = batch_loss(d, b);
    if (!isfinite(*loss)) {
        weft_fail(e, WEFT_DATA, "the training ran away: its loss is no finite number");
        return weft_fail_hint(e, "try a smaller --lr");
    }
    if (backward(d, b, e) < 0)
        return -1;
    weft_adam_begin(&d->adam);
    weft_adam_begin(&d->slow);
    weft_par_for(d->par, d->n_slices, update, d);
    if (d->net)
        weft_resnet18_changed(d->net);
    return 0;
}

void weft_demand_backbone_rate(struct weft_demand *d, double lr)
{
    d->slow = weft_adam(lr);
    d->slow.t = d->adam.t;
}

void weft_demand_set_linear(struct weft_demand *d, const float *w)
{
    size_t n = d->s.out * (d->s.side + 1);
    free(d->linear);
    d->linear = WEFT_ARRAY(float, n);
    memcpy(d->linear, w, n * sizeof *w);
}

void weft_demand_set_found(struct weft_demand *d, size_t k, const struct weft_demand_head *h)
{
    struct weft_demand_head *to = &d->s.head[k];
    to->smear = h->smear;
    to->low = h->low;
    to->high = h->high;
    to->mix = h->mix;
    to->heat = h->heat;
}

/* --- weights put aside --- */

/* Calls for every block of weights in the order of `kept`; returns how many numbers there are. */
static size_t each_block(struct weft_demand *d, void (*fn)(float *weights, float *kept, size_t n))
{
    struct weft_resnet18_tensor *t = NULL;
    size_t tensors = d->net ? weft_resnet18_tensors(d->net, &t) : 0, at = d->n1 + d->n2;
    if (fn)
        fn(d->p, d->kept, at);
    for (size_t i = 0; i < tensors; i++) {
        if (fn)
            fn(t[i].data, d->kept + at, t[i].count);
        at += t[i].count;
    }
    return at;
}

static void put_aside(float *weights, float *kept, size_t n)
{
    memcpy(kept, weights, n * sizeof *kept);
}

static void put_back(float *weights, float *kept, size_t n)
{
    memcpy(weights, kept, n * sizeof *kept);
}

void weft_demand_keep(struct weft_demand *d)
{
    if (!d->kept)
        d->kept = WEFT_ARRAY(float, each_block(d, NULL));
    each_block(d, put_aside);
}

void weft_demand_restore(struct weft_demand *d)
{
    if (!d->kept)
        return;
    each_block(d, put_back);
    if (d->net)
        weft_resnet18_changed(d->net);
}

void weft_demand_gradients(const struct weft_demand *d, float *fc)
{
    weft_linear_unpack(&d->fc[0], d->g, fc);
    weft_linear_unpack(&d->fc[1], d->g + d->n1, fc + weft_linear_count(&d->fc[0]));
}

size_t weft_demand_bytes(const struct weft_demand *d)
{
    size_t row = 2 * weft_lanes(d->fc[0].in) + 3 * weft_lanes(d->s.hidden) + 2 * weft_lanes(d->s.out);
    size_t floats = (d->kept ? 6 : 5) * (d->n1 + d->n2) + (d->kept ? 5 : 4) * d->learned + d->rows * row;
    return floats * sizeof(float) + (d->net ? weft_resnet18_bytes(d->net) : 0);
}

/* --- files --- */

static struct {
    const char *name;
    int layer, rank;
} const fc_tensors[] = {{"fc1.weight", 0, 2}, {"fc1.bias", 0, 1}, {"fc2.weight", 1, 2}, {"fc2.bias", 1, 1}};
enum { FC_TENSORS = 4 };

static size_t fc_dims(const struct weft_demand *d, int i, size_t dims[3])
{
    const struct weft_linear *l = &d->fc[fc_tensors[i].layer];
    dims[0] = l->out;
    dims[1] = fc_tensors[i].rank == 2 ? l->in : 0;
    dims[2] = 0;
    return fc_tensors[i].rank == 2 ? l->out * l->in : l->out;
}

void weft_demand_write(struct weft_demand *d, struct weft_st_writer *w)
{
    float *at = d->outer;
    weft_demand_shape_write(&d->s, w);
    weft_linear_unpack(&d->fc[0], d->p, d->outer);
    weft_linear_unpack(&d->fc[1], d->p + d->n1, d->outer + weft_linear_count(&d->fc[0]));
    if (d->net)
        weft_resnet18_save(d->net, "backbone.", w);
    for (int i = 0; i < FC_TENSORS; i++) {
        size_t dims[3], n = fc_dims(d, i, dims);
        weft_st_writer_tensor(w, fc_tensors[i].name, WEFT_ST_F32, fc_tensors[i].rank, dims, at);
        at += n;
    }
    if (d->linear)
        weft_st_writer_tensor(w, "linear", WEFT_ST_F32, 2, (size_t[]){d->s.out, d->s.side + 1}, d->linear);
}

static int read_weights(struct weft_demand *d, const struct weft_st *st, struct weft_err *e)
{
    float *at = d->outer, *got;
    if (d->net && weft_resnet18_load(d->net, st, "backbone.", e) < 0)
        return -1;
    for (int i = 0; i < FC_TENSORS; i++) {
        size_t dims[3], n = fc_dims(d, i, dims);
        if (weft_st_weights(st, fc_tensors[i].name, dims, fc_tensors[i].rank, &got, e) < 0)
            return -1;
        memcpy(at, got, n * sizeof *at);
        free(got);
        at += n;
    }
    pack(d);
    if (!weft_st_find(st, "linear"))
        return 0;
    for (size_t k = 0; k < d->s.n_heads; k++)
        if (!(d->s.head[k].heat > 0))
            return weft_fail(e, WEFT_DATA, "a linear head, and head \"%s\" has no mix and heat", d->s.head[k].name);
    return weft_st_weights(st, "linear", (size_t[]){d->s.out, d->s.side + 1, 0}, 2, &d->linear, e);
}

/* Before memory is taken for what the metadata promises, the layers must be there. */
static int fits(const struct weft_st *st, const struct weft_demand_shape *s, struct weft_err *e)
{
    size_t in = (s->image ? WEFT_RESNET18_FEATURES : 0) + s->side;
    const struct weft_st_tensor *a = weft_st_find(st, "fc1.weight"), *b = weft_st_find(st, "fc2.weight");
    if (s->hidden && a && b && a->rank == 2 && b->rank == 2 && a->dims[0] == s->hidden && a->dims[1] == in &&
        b->dims[0] == s->out && b->dims[1] == s->hidden)
        return 0;
    return weft_fail(e, WEFT_DATA,
                     "fc1 and fc2 are not there, or do not fit %zu inputs, %zu hidden units and %zu outputs", in,
                     s->hidden, s->out);
}

int weft_demand_open(const struct weft_st *st, int threads, enum weft_dnn_type type, struct weft_demand **out,
                     struct weft_err *e)
{
    struct weft_demand_shape s = {0};
    *out = NULL;
    int rc = weft_demand_shape_read(st, &s, e);
    if (rc == 0)
        rc = fits(st, &s, e);
    if (rc == 0)
        rc = weft_demand_new(&s, threads, type, out, e);
    if (rc == 0)
        rc = read_weights(*out, st, e);
    weft_demand_shape_free(&s);
    if (rc < 0) {
        weft_demand_free(out);
        weft_fail_where(e, "%s", weft_st_path(st));
    }
    return rc;
}

void weft_demand_write_state(struct weft_demand *d, struct weft_st_writer *w)
{
    size_t dims[2] = {d->learned + d->n1 + d->n2, 0};
    weft_st_writer_meta_int(w, "steps", (int64_t)d->adam.t);
    weft_st_writer_tensor(w, "adam.m", WEFT_ST_F32, 1, dims, d->m);
    weft_st_writer_tensor(w, "adam.v", WEFT_ST_F32, 1, dims, d->v);
    dims[0] = each_block(d, NULL);
    if (d->kept)
        weft_st_writer_tensor(w, "kept", WEFT_ST_F32, 1, dims, d->kept);
}

int weft_demand_read_state(struct weft_demand *d, const struct weft_st *st, struct weft_err *e)
{
    size_t n = d->learned + d->n1 + d->n2, dims[2] = {n, 0};
    float *m = NULL, *v = NULL, *kept = NULL;
    int64_t steps;
    int rc = weft_st_meta_int(st, "steps", 0, INT64_MAX, &steps, e);
    if (rc == 0)
        rc = weft_st_floats(st, "adam.m", dims, 1, &m, e);
    if (rc == 0)
        rc = weft_st_floats(st, "adam.v", dims, 1, &v, e);
    if (rc == 0)
        rc = read_weights(d, st, e);
    if (rc == 0 && weft_st_find(st, "kept"))
        rc = weft_st_floats(st, "kept", (size_t[]){each_block(d, NULL), 0}, 1, &kept, e);
    if (rc == 0 && kept) {
        free(d->kept);
        d->kept = kept;
    }
    if (rc == 0) {
        memcpy(d->m, m, n * sizeof *m);
        memcpy(d->v, v, n * sizeof *v);
        d->adam.t = d->slow.t = (uint64_t)steps;
    }
    free(m);
    free(v);
    return rc;
}
