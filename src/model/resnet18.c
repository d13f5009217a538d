/* resnet18.c - the network as a list of layers, and the two graphs that run it: one folded for features, one for
 * training. */
#include "model/resnet18.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/dnn_graph.h"
#include "base/rng.h"

enum { LAYERS = 20, BLOCKS = 8, TENSORS = LAYERS * 5, GRAPHS = 4 };
/* Memory that gradients share while they walk back through a block (dnn_graph.h, slots): the block's input and output
 * take turns in FLOW_A and FLOW_B; MID is the gradient behind the second convolution, INNER that behind the first. */
enum { FLOW_A, FLOW_B, MID, INNER };
/* Values of the folded graph: block outputs are made in place, so three places are enough. */
enum { VALUE_A, VALUE_B, VALUE_INNER };

static const float eps = 1e-5f;
static const float momentum = 0.1f;

/* A convolution and its batch norm. */
struct layer {
    size_t in, out, kernel, stride, pad;
    struct weft_resnet18_tensor *w, *gamma, *beta, *mean, *var;
};

/* Two convolutions around a shortcut; down is the shortcut's own layer, or -1. */
struct block {
    int first, second, down;
};

/* The operations of one batch shape. */
struct graph {
    size_t n, h, w;
    bool train;
    uint64_t version; /* of the weights it holds */
    uint64_t used;    /* for replacing the oldest */
    struct weft_dnn_graph *g;
    struct weft_dnn_act *in, *out;
    struct weft_dnn_conv *conv[LAYERS];
    struct weft_dnn_norm *norm[LAYERS];
    struct weft_dnn_pool *pool;
    struct weft_dnn_join *join[BLOCKS];
    struct weft_dnn_sum *sum[BLOCKS];
    float *last; /* plain copy of the last activation or its gradient */
};

struct weft_resnet18 {
    struct weft_dnn *d;
    enum weft_dnn_type type;
    struct layer layer[LAYERS];
    struct block block[BLOCKS];
    struct weft_resnet18_tensor tensor[TENSORS];
    float *data, *grad;   /* all tensors' */
    float *folded, *bias; /* scratch for one layer */
    uint64_t version, clock;
    struct graph graph[GRAPHS];
    struct graph *trained; /* of the last forward */
};

/* ---- tensors ---- */

static struct weft_resnet18_tensor *add_tensor(struct weft_resnet18 *r, size_t *k, const char *layer, const char *part,
                                               int rank, const size_t *dims)
{
    struct weft_resnet18_tensor *t = &r->tensor[(*k)++];
    snprintf(t->name, sizeof t->name, "%s.%s", layer, part);
    t->rank = rank;
    t->count = 1;
    for (int i = 0; i < rank; i++) {
        t->dims[i] = dims[i];
        t->count *= dims[i];
    }
    return t;
}

static void add_layer(struct weft_resnet18 *r, int i, size_t *k, const char *conv, const char *norm,
                      const size_t *shape)
{
    struct layer *l = &r->layer[i];
    *l = (struct layer){shape[0], shape[1], shape[2], shape[3], shape[2] / 2, NULL, NULL, NULL, NULL, NULL};
    const size_t dims[4] = {l->out, l->in, l->kernel, l->kernel};
    l->w = add_tensor(r, k, conv, "weight", 4, dims);
    l->gamma = add_tensor(r, k, norm, "weight", 1, dims);
    l->beta = add_tensor(r, k, norm, "bias", 1, dims);
    l->mean = add_tensor(r, k, norm, "running_mean", 1, dims);
    l->var = add_tensor(r, k, norm, "running_var", 1, dims);
}

static void add_block(struct weft_resnet18 *r, int b, int *layer, size_t *k)
{
    char conv[64], norm[64];
    size_t stage = (size_t)b / 2, out = (size_t)64 << stage, stride = b % 2 == 0 && stage > 0 ? 2 : 1,
           in = stride == 2 ? out / 2 : out;
    struct block *blk = &r->block[b];
    for (int i = 0; i < 2; i++) {
        snprintf(conv, sizeof conv, "layer%zu.%d.conv%d", stage + 1, b % 2, i + 1);
        snprintf(norm, sizeof norm, "layer%zu.%d.bn%d", stage + 1, b % 2, i + 1);
        add_layer(r, *layer + i, k, conv, norm, (size_t[4]){i ? out : in, out, 3, i ? 1 : stride});
    }
    blk->first = (*layer)++;
    blk->second = (*layer)++;
    blk->down = -1;
    if (stride == 1)
        return;
    snprintf(conv, sizeof conv, "layer%zu.0.downsample.0", stage + 1);
    snprintf(norm, sizeof norm, "layer%zu.0.downsample.1", stage + 1);
    blk->down = (*layer)++;
    add_layer(r, blk->down, k, conv, norm, (size_t[4]){in, out, 1, 2});
}

static void place_tensors(struct weft_resnet18 *r)
{
    size_t total = 0, learned = 0, largest = 0;
    for (int i = 0; i < TENSORS; i++) {
        total += r->tensor[i].count;
        largest = r->tensor[i].count > largest ? r->tensor[i].count : largest;
    }
    r->data = WEFT_ARRAY(float, total);
    r->grad = WEFT_ARRAY(float, total);
    r->folded = weft_xaligned(largest, sizeof(float));
    r->bias = WEFT_ARRAY(float, WEFT_RESNET18_FEATURES);
    total = 0;
    for (int i = 0; i < TENSORS; i++) {
        struct weft_resnet18_tensor *t = &r->tensor[i];
        t->data = r->data + total;
        total += t->count;
        if (i % 5 < 3) { /* weight, gamma, beta */
            t->grad = r->grad + learned;
            learned += t->count;
        }
    }
}

int weft_resnet18_new(int threads, enum weft_dnn_type type, struct weft_resnet18 **out, struct weft_err *e)
{
    struct weft_resnet18 *r = WEFT_NEW(struct weft_resnet18);
    size_t k = 0;
    int layer = 1;
    *out = r;
    r->type = type;
    r->version = 1;
    add_layer(r, 0, &k, "conv1", "bn1", (size_t[4]){3, 64, 7, 2});
    for (int b = 0; b < BLOCKS; b++)
        add_block(r, b, &layer, &k);
    place_tensors(r);
    return weft_dnn_new(threads, &r->d, e);
}

static void graph_clear(struct graph *p)
{
    weft_dnn_graph_free(&p->g);
    free(p->last);
    memset(p, 0, sizeof *p);
}

void weft_resnet18_free(struct weft_resnet18 **rp)
{
    struct weft_resnet18 *r = *rp;
    if (r == NULL)
        return;
    for (int i = 0; i < GRAPHS; i++)
        graph_clear(&r->graph[i]);
    weft_dnn_free(&r->d);
    free(r->data);
    free(r->grad);
    free(r->folded);
    free(r->bias);
    free(r);
    *rp = NULL;
}

void weft_resnet18_init(struct weft_resnet18 *r, uint64_t seed)
{
    for (int i = 0; i < LAYERS; i++) {
        struct layer *l = &r->layer[i];
        struct weft_rng rng = weft_rng(seed, (uint64_t)i);
        double sd = sqrt(2.0 / (double)(l->out * l->kernel * l->kernel));
        for (size_t k = 0; k < l->w->count; k++)
            l->w->data[k] = (float)(sd * weft_rng_normal(&rng));
        for (size_t k = 0; k < l->out; k++) {
            l->gamma->data[k] = l->var->data[k] = 1;
            l->beta->data[k] = l->mean->data[k] = 0;
        }
    }
    weft_resnet18_changed(r);
}

size_t weft_resnet18_tensors(struct weft_resnet18 *r, struct weft_resnet18_tensor **out)
{
    *out = r->tensor;
    return TENSORS;
}

void weft_resnet18_changed(struct weft_resnet18 *r)
{
    r->version++;
}

const char *weft_resnet18_prefix(const struct weft_st *st)
{
    return !weft_st_find(st, "conv1.weight") && weft_st_find(st, "backbone.conv1.weight") ? "backbone." : "";
}

int weft_resnet18_load(struct weft_resnet18 *r, const struct weft_st *st, const char *prefix, struct weft_err *e)
{
    for (int i = 0; i < TENSORS; i++) {
        struct weft_resnet18_tensor *t = &r->tensor[i];
        char name[160];
        float *data;
        snprintf(name, sizeof name, "%s%s", prefix, t->name);
        if (weft_st_weights(st, name, t->dims, t->rank, &data, e) < 0)
            return -1;
        memcpy(t->data, data, t->count * sizeof(float));
        free(data);
    }
    weft_resnet18_changed(r);
    return 0;
}

void weft_resnet18_save(const struct weft_resnet18 *r, const char *prefix, struct weft_st_writer *w)
{
    for (int i = 0; i < TENSORS; i++) {
        const struct weft_resnet18_tensor *t = &r->tensor[i];
        char name[160];
        snprintf(name, sizeof name, "%s%s", prefix, t->name);
        weft_st_writer_tensor(w, name, WEFT_ST_F32, t->rank, t->dims, t->data);
    }
}

/* ---- the folded graph ---- */

static int folded_conv(struct weft_resnet18 *r, struct graph *p, int layer, struct weft_dnn_act *src, bool relu,
                       struct weft_dnn_act *into, int slot, struct weft_dnn_act **dst, struct weft_err *e)
{
    const struct layer *l = &r->layer[layer];
    const struct weft_dnn_conv_spec spec = {.out = l->out,
                                            .kernel = l->kernel,
                                            .stride = l->stride,
                                            .pad = l->pad,
                                            .relu = relu,
                                            .into = into,
                                            .slot = slot,
                                            .grad_slot = WEFT_DNN_NONE};
    return weft_dnn_conv(p->g, src, &spec, &p->conv[layer], dst, e);
}

/* x is overwritten by the block's output, or, where the shape changes, left in its slot while the other one takes the
 * output. */
static int folded_block(struct weft_resnet18 *r, struct graph *p, const struct block *b, int *slot,
                        struct weft_dnn_act **x, struct weft_err *e)
{
    struct weft_dnn_act *inner, *shortcut = *x;
    if (b->down >= 0) {
        *slot = *slot == VALUE_A ? VALUE_B : VALUE_A;
        if (folded_conv(r, p, b->down, *x, false, NULL, *slot, &shortcut, e) < 0)
            return -1;
    }
    if (folded_conv(r, p, b->first, *x, true, NULL, VALUE_INNER, &inner, e) < 0)
        return -1;
    return folded_conv(r, p, b->second, inner, true, shortcut, *slot, x, e);
}

static int folded_build(struct weft_resnet18 *r, struct graph *p, struct weft_err *e)
{
    struct weft_dnn_act *x;
    int slot = VALUE_A;
    if (weft_dnn_input(p->g, p->n, 3, p->h, p->w, &p->in, e) < 0 ||
        folded_conv(r, p, 0, p->in, true, NULL, VALUE_B, &x, e) < 0 ||
        weft_dnn_maxpool(p->g, x, 3, 2, 1, slot, WEFT_DNN_NONE, &p->pool, &x, e) < 0)
        return -1;
    for (int b = 0; b < BLOCKS; b++)
        if (folded_block(r, p, &r->block[b], &slot, &x, e) < 0)
            return -1;
    p->out = x;
    return 0;
}

/* w' = w gamma / sd, bias = beta - mean gamma / sd. */
static int folded_weights(struct weft_resnet18 *r, struct graph *p, struct weft_err *e)
{
    for (int i = 0; i < LAYERS; i++) {
        const struct layer *l = &r->layer[i];
        size_t per = l->w->count / l->out;
        for (size_t o = 0; o < l->out; o++) {
            float scale = l->gamma->data[o] / sqrtf(l->var->data[o] + eps);
            r->bias[o] = l->beta->data[o] - l->mean->data[o] * scale;
            for (size_t k = 0; k < per; k++)
                r->folded[o * per + k] = l->w->data[o * per + k] * scale;
        }
        if (weft_dnn_conv_weights(p->conv[i], r->folded, r->bias, e) < 0)
            return -1;
    }
    return 0;
}

static int folded_run(struct weft_resnet18 *r, struct graph *p, struct weft_err *e)
{
    if (weft_dnn_conv_forward(p->conv[0], e) < 0 || weft_dnn_pool_forward(p->pool, e) < 0)
        return -1;
    for (int i = 0; i < BLOCKS; i++) {
        const struct block *b = &r->block[i];
        if ((b->down >= 0 && weft_dnn_conv_forward(p->conv[b->down], e) < 0) ||
            weft_dnn_conv_forward(p->conv[b->first], e) < 0 || weft_dnn_conv_forward(p->conv[b->second], e) < 0)
            return -1;
    }
    return 0;
}

/* ---- the training graph ---- */

/* conv and norm; the convolution's gradient and the norm's are one piece of memory (`inner`), or two. */
static int train_layer(struct weft_resnet18 *r, struct graph *p, int layer, struct weft_dnn_act *src, bool relu,
                       int conv_grad, int norm_grad, struct weft_dnn_act **dst, struct weft_err *e)
{
    const struct layer *l = &r->layer[layer];
    const struct weft_dnn_conv_spec spec = {.out = l->out,
                                            .kernel = l->kernel,
                                            .stride = l->stride,
                                            .pad = l->pad,
                                            .src_grad = layer > 0,
                                            .slot = WEFT_DNN_OWN,
                                            .grad_slot = conv_grad};
    struct weft_dnn_act *c;
    if (weft_dnn_conv(p->g, src, &spec, &p->conv[layer], &c, e) < 0)
        return -1;
    return weft_dnn_norm(p->g, c, relu, eps, WEFT_DNN_OWN, norm_grad, &p->norm[layer], dst, e);
}

/* The gradient of the block's output (slot `out`) is also that of the second norm's output and of the shortcut. */
static int train_block(struct weft_resnet18 *r, struct graph *p, int i, struct weft_dnn_act **x, struct weft_err *e)
{
    const struct block *b = &r->block[i];
    int out = i % 2 == 0 ? FLOW_B : FLOW_A;
    struct weft_dnn_act *inner, *last, *side, *shortcut, *y;
    if (train_layer(r, p, b->first, *x, true, INNER, INNER, &inner, e) < 0 ||
        train_layer(r, p, b->second, inner, false, MID, out, &last, e) < 0)
        return -1;
    if (b->down >= 0) {
        if (weft_dnn_alias(*x, INNER, &side, e) < 0 ||
            train_layer(r, p, b->down, side, false, MID, out, &shortcut, e) < 0)
            return -1;
    } else {
        if (weft_dnn_alias(*x, out, &side, e) < 0)
            return -1;
        shortcut = *x;
    }
    if (weft_dnn_join(p->g, last, shortcut, WEFT_DNN_OWN, out, &p->join[i], &y, e) < 0 ||
        weft_dnn_grad_sum(p->g, *x, side, &p->sum[i], e) < 0)
        return -1;
    *x = y;
    return 0;
}

static int train_build(struct weft_resnet18 *r, struct graph *p, struct weft_err *e)
{
    struct weft_dnn_act *x;
    if (weft_dnn_input(p->g, p->n, 3, p->h, p->w, &p->in, e) < 0 ||
        train_layer(r, p, 0, p->in, true, MID, MID, &x, e) < 0 ||
        weft_dnn_maxpool(p->g, x, 3, 2, 1, WEFT_DNN_OWN, FLOW_A, &p->pool, &x, e) < 0)
        return -1;
    for (int i = 0; i < BLOCKS; i++)
        if (train_block(r, p, i, &x, e) < 0)
            return -1;
    p->out = x;
    return 0;
}

static int train_weights(struct weft_resnet18 *r, struct graph *p, struct weft_err *e)
{
    for (int i = 0; i < LAYERS; i++) {
        const struct layer *l = &r->layer[i];
        weft_dnn_norm_weights(p->norm[i], l->gamma->data, l->beta->data);
        if (weft_dnn_conv_weights(p->conv[i], l->w->data, NULL, e) < 0)
            return -1;
    }
    return 0;
}

/* Runs a layer and moves the running statistics towards the batch's. */
static int train_layer_forward(struct weft_resnet18 *r, struct graph *p, int i, struct weft_err *e)
{
    const struct layer *l = &r->layer[i];
    const float *mean, *var;
    if (weft_dnn_conv_forward(p->conv[i], e) < 0 || weft_dnn_norm_forward(p->norm[i], &mean, &var, e) < 0)
        return -1;
    double count = (double)weft_dnn_norm_count(p->norm[i]), unbias = count > 1 ? count / (count - 1) : 1;
    for (size_t k = 0; k < l->out; k++) {
        l->mean->data[k] += momentum * (mean[k] - l->mean->data[k]);
        l->var->data[k] += momentum * ((float)(var[k] * unbias) - l->var->data[k]);
    }
    return 0;
}

static int train_forward(struct weft_resnet18 *r, struct graph *p, struct weft_err *e)
{
    if (train_layer_forward(r, p, 0, e) < 0 || weft_dnn_pool_forward(p->pool, e) < 0)
        return -1;
    for (int i = 0; i < BLOCKS; i++) {
        const struct block *b = &r->block[i];
        if (train_layer_forward(r, p, b->first, e) < 0 || train_layer_forward(r, p, b->second, e) < 0 ||
            (b->down >= 0 && train_layer_forward(r, p, b->down, e) < 0) || weft_dnn_join_forward(p->join[i], e) < 0)
            return -1;
    }
    return 0;
}

static int train_layer_backward(struct weft_resnet18 *r, struct graph *p, int i, struct weft_err *e)
{
    const struct layer *l = &r->layer[i];
    if (weft_dnn_norm_backward(p->norm[i], l->gamma->grad, l->beta->grad, e) < 0)
        return -1;
    return weft_dnn_conv_backward(p->conv[i], l->w->grad, e);
}

static int train_backward(struct weft_resnet18 *r, struct graph *p, struct weft_err *e)
{
    for (int i = BLOCKS - 1; i >= 0; i--) {
        const struct block *b = &r->block[i];
        if (weft_dnn_join_backward(p->join[i], e) < 0 || train_layer_backward(r, p, b->second, e) < 0 ||
            train_layer_backward(r, p, b->first, e) < 0 ||
            (b->down >= 0 && train_layer_backward(r, p, b->down, e) < 0) || weft_dnn_sum_run(p->sum[i], e) < 0)
            return -1;
    }
    return weft_dnn_pool_backward(p->pool, e) < 0 ? -1 : train_layer_backward(r, p, 0, e);
}

/* ---- shapes ---- */

static int graph_build(struct weft_resnet18 *r, struct graph *p, bool train, size_t n, size_t h, size_t w,
                       struct weft_err *e)
{
    size_t dims[4];
    graph_clear(p);
    p->g = weft_dnn_graph_new(r->d, r->type, train);
    p->train = train;
    p->n = n;
    p->h = h;
    p->w = w;
    if ((train ? train_build(r, p, e) : folded_build(r, p, e)) < 0 || weft_dnn_graph_ready(p->g, e) < 0) {
        graph_clear(p);
        return -1;
    }
    weft_dnn_dims(p->out, dims);
    p->last = weft_xaligned(dims[0] * dims[1] * dims[2] * dims[3], sizeof(float));
    return 0;
}

/* The graph of this shape with today's weights in it; a shape not met before replaces the one unused for longest. */
static struct graph *graph_of(struct weft_resnet18 *r, bool train, size_t n, size_t h, size_t w, struct weft_err *e)
{
    struct graph *p = NULL, *oldest = &r->graph[0];
    if (n < 1 || h < WEFT_RESNET18_MIN || w < WEFT_RESNET18_MIN || h > WEFT_RESNET18_MAX || w > WEFT_RESNET18_MAX) {
        weft_fail(e, WEFT_CONFIG, "%zu images of %zu x %zu pixels: ResNet18 takes %d to %d a side", n, w, h,
                  WEFT_RESNET18_MIN, WEFT_RESNET18_MAX);
        return NULL;
    }
    for (int i = 0; i < GRAPHS; i++) {
        struct graph *q = &r->graph[i];
        if (q->g != NULL && q->train == train && q->n == n && q->h == h && q->w == w)
            p = q;
        if (q->used < oldest->used)
            oldest = q;
    }
    if (p == NULL) {
        p = oldest;
        r->trained = p == r->trained ? NULL : r->trained;
        if (graph_build(r, p, train, n, h, w, e) < 0)
            return NULL;
    }
    p->used = ++r->clock;
    if (p->version != r->version && (train ? train_weights(r, p, e) : folded_weights(r, p, e)) < 0)
        return NULL;
    p->version = r->version;
    return p;
}

/* features[i, c] = mean over the pixels, in one order. */
static int average(struct graph *p, float *features, struct weft_err *e)
{
    size_t d[4];
    weft_dnn_dims(p->out, d);
    if (weft_dnn_read(p->out, p->last, e) < 0)
        return -1;
    size_t pixels = d[2] * d[3];
    for (size_t i = 0; i < d[0] * d[1]; i++) {
        double sum = 0;
        for (size_t k = 0; k < pixels; k++)
            sum += p->last[i * pixels + k];
        features[i] = (float)(sum / (double)pixels);
    }
    return 0;
}

int weft_resnet18_features(struct weft_resnet18 *r, const float *images, size_t n, size_t h, size_t w, float *features,
                           struct weft_err *e)
{
    struct graph *p = graph_of(r, false, n, h, w, e);
    if (p == NULL || weft_dnn_write(p->in, images, e) < 0 || folded_run(r, p, e) < 0)
        return -1;
    return average(p, features, e);
}

/* Of a side, in the last stage: half of it, rounded up, five times. */
static size_t pixels_left(size_t side)
{
    return (side + 31) / 32;
}

int weft_resnet18_forward(struct weft_resnet18 *r, const float *images, size_t n, size_t h, size_t w, float *features,
                          struct weft_err *e)
{
    if (n == 1 && pixels_left(h) == 1 && pixels_left(w) == 1) {
        weft_fail(e, WEFT_CONFIG, "a batch of 1 picture of %zu x %zu pixels: batch norm needs more than one value", w,
                  h);
        return weft_fail_hint(e, "take a larger batch, or pictures of more than 32 pixels");
    }
    struct graph *p = graph_of(r, true, n, h, w, e);
    r->trained = p;
    if (p == NULL || weft_dnn_write(p->in, images, e) < 0 || train_forward(r, p, e) < 0)
        return -1;
    /* The running statistics moved: graphs with them folded in are out of date, this one is not. */
    weft_resnet18_changed(r);
    p->version = r->version;
    return average(p, features, e);
}

int weft_resnet18_backward(struct weft_resnet18 *r, const float *dfeatures, struct weft_err *e)
{
    struct graph *p = r->trained;
    size_t d[4];
    if (p == NULL)
        return weft_fail(e, WEFT_BUG, "ResNet18's backward without a forward");
    weft_dnn_dims(p->out, d);
    size_t pixels = d[2] * d[3];
    for (size_t i = 0; i < d[0] * d[1]; i++)
        for (size_t k = 0; k < pixels; k++)
            p->last[i * pixels + k] = dfeatures[i] / (float)pixels;
    return weft_dnn_write_grad(p->out, p->last, e) < 0 ? -1 : train_backward(r, p, e);
}

size_t weft_resnet18_bytes(const struct weft_resnet18 *r)
{
    size_t n = 0;
    for (int i = 0; i < GRAPHS; i++)
        n += r->graph[i].g != NULL ? weft_dnn_graph_bytes(r->graph[i].g) : 0;
    return n;
}
