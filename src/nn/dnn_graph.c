/* dnn_graph.c - graphs of oneDNN primitives. */
#include "nn/dnn_graph.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/onednn.h"

/* A piece of the graph's memory. */
struct buf {
    onednn_md md; /* the graph's, or a primitive's */
    dnnl_memory_t mem;
    int slot; /* WEFT_DNN_OWN or a slot's number */
    uint8_t *p;
    struct buf *next;
};

/* A layout that was asked for, not chosen by a primitive. */
struct layout {
    onednn_own_md md;
    struct layout *next;
};

enum { MAX_ARGS = 9 };
struct op {
    dnnl_primitive_t prim;
    dnnl_primitive_desc_t pd;
    int n;
    struct {
        int id;
        struct buf *buf;
    } arg[MAX_ARGS];
    struct op *next;
};

struct weft_dnn_act {
    struct weft_dnn_graph *g;
    struct buf *value, *grad; /* grad may be NULL */
    bool open;                /* layout not chosen yet */
    size_t dims[4];
    struct op *in, *out, *in_grad; /* copies from and to plain floats, made on first use */
    struct buf *plain;
    struct weft_dnn_act *next;
};

struct weft_dnn_conv {
    struct weft_dnn_graph *g;
    struct op *forward, *back_data, *back_weights;
    struct op *src_in;                      /* copy of src into the layout that forward wants, or NULL */
    struct op *w_forward, *w_back, *dw_out; /* weight reorders; NULL: plain already */
    struct buf *plain, *w, *bias, *dplain;  /* plain float weights in, bias, plain float gradient out */
    size_t n_weights, n_out;
    struct weft_dnn_conv *next;
};

struct weft_dnn_norm {
    struct weft_dnn_graph *g;
    struct op *forward, *backward;
    struct buf *mean, *var, *weights[2], *gradients[2]; /* gamma and beta: in one tensor, or one each (onednn.h) */
    size_t c, count;
    struct weft_dnn_norm *next;
};

struct weft_dnn_pool {
    struct weft_dnn_graph *g;
    struct op *forward, *backward;
    struct weft_dnn_pool *next;
};
struct weft_dnn_join {
    struct weft_dnn_graph *g;
    struct op *forward, *backward;
    struct weft_dnn_join *next;
};
struct weft_dnn_sum {
    struct weft_dnn_graph *g;
    struct op *add;
    struct weft_dnn_sum *next;
};

struct weft_dnn_graph {
    struct weft_dnn *d;
    dnnl_data_type_t type;
    bool train;
    struct layout *layouts;
    struct buf *bufs;
    struct op *ops;
    struct weft_dnn_act *acts;
    struct weft_dnn_conv *convs;
    struct weft_dnn_norm *norms;
    struct weft_dnn_pool *pools;
    struct weft_dnn_join *joins;
    struct weft_dnn_sum *sums;
    uint8_t *block;
    size_t bytes;
};

/* A new zeroed object at the head of a graph's list. */
#define PUSH(type, list, var)                                                                                          \
    type *var = WEFT_NEW(type);                                                                                        \
    var->next = (list);                                                                                                \
    (list) = var

/* ---- memory ---- */

struct weft_dnn_graph *weft_dnn_graph_new(struct weft_dnn *d, enum weft_dnn_type type, bool train)
{
    struct weft_dnn_graph *g = WEFT_NEW(struct weft_dnn_graph);
    g->d = d;
    g->type = type == WEFT_DNN_BF16 ? dnnl_bf16 : dnnl_f32;
    g->train = train;
    return g;
}

#define FREE_LIST(type, list)                                                                                          \
    for (type *x_ = (list), *n_; x_ != NULL; x_ = n_) {                                                                \
        n_ = x_->next;                                                                                                 \
        free(x_);                                                                                                      \
    }

void weft_dnn_graph_free(struct weft_dnn_graph **gp)
{
    struct weft_dnn_graph *g = *gp;
    if (g == NULL)
        return;
    for (struct op *o = g->ops; o != NULL; o = o->next) {
        if (o->prim != NULL)
            dnnl_primitive_destroy(o->prim);
        if (o->pd != NULL)
            dnnl_primitive_desc_destroy(o->pd);
    }
    for (struct buf *b = g->bufs; b != NULL; b = b->next)
        if (b->mem != NULL)
            dnnl_memory_destroy(b->mem);
    for (struct layout *l = g->layouts; l != NULL; l = l->next)
        onednn_md_free(l->md);
    FREE_LIST(struct layout, g->layouts)
    FREE_LIST(struct op, g->ops)
    FREE_LIST(struct buf, g->bufs)
    FREE_LIST(struct weft_dnn_act, g->acts)
    FREE_LIST(struct weft_dnn_conv, g->convs)
    FREE_LIST(struct weft_dnn_norm, g->norms)
    FREE_LIST(struct weft_dnn_pool, g->pools)
    FREE_LIST(struct weft_dnn_join, g->joins)
    FREE_LIST(struct weft_dnn_sum, g->sums)
    free(g->block);
    free(g);
    *gp = NULL;
}

/* A layout that lives as long as the graph. */
static int layout_new(struct weft_dnn_graph *g, int rank, const dnnl_dim_t *dims, dnnl_data_type_t t,
                      dnnl_format_tag_t tag, const char *what, onednn_md *out, struct weft_err *e)
{
    PUSH(struct layout, g->layouts, l);
    TRY(onednn_md_new(&l->md, rank, dims, t, tag), what);
    *out = l->md;
    return 0;
}

static int buf_new(struct weft_dnn_graph *g, onednn_md md, int slot, struct buf **out, struct weft_err *e)
{
    PUSH(struct buf, g->bufs, b);
    b->md = md;
    b->slot = slot;
    TRY(dnnl_memory_create(&b->mem, md, g->d->engine, DNNL_MEMORY_NONE), "a memory object");
    *out = b;
    return 0;
}

/* Plain row-major floats. */
static int buf_plain(struct weft_dnn_graph *g, int rank, const dnnl_dim_t *dims, struct buf **out, struct weft_err *e)
{
    static const dnnl_format_tag_t tags[] = {dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd};
    onednn_md md;
    if (layout_new(g, rank, dims, dnnl_f32, tags[rank], "a plain layout", &md, e) < 0)
        return -1;
    return buf_new(g, md, WEFT_DNN_OWN, out, e);
}

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

int weft_dnn_graph_ready(struct weft_dnn_graph *g, struct weft_err *e)
{
    size_t slot[WEFT_DNN_SLOTS] = {0}, at[WEFT_DNN_SLOTS], own = 0, total = 0;
    for (struct buf *b = g->bufs; b != NULL; b = b->next) {
        size_t n = round64(dnnl_memory_desc_get_size(b->md));
        if (b->slot < 0)
            own += n;
        else if (n > slot[b->slot])
            slot[b->slot] = n;
    }
    for (int i = 0; i < WEFT_DNN_SLOTS; i++) {
        at[i] = total;
        total += slot[i];
    }
    g->bytes = total + own;
    g->block = weft_xaligned(g->bytes, 1);
    for (struct buf *b = g->bufs; b != NULL; b = b->next) {
        b->p = g->block + (b->slot < 0 ? total : at[b->slot]);
        if (b->slot < 0)
            total += round64(dnnl_memory_desc_get_size(b->md));
        TRY(dnnl_memory_set_data_handle(b->mem, b->p), "a memory address");
    }
    return 0;
}

size_t weft_dnn_graph_bytes(const struct weft_dnn_graph *g)
{
    return g->bytes;
}

/* ---- operations ---- */

static int op_of_pd(struct weft_dnn_graph *g, dnnl_primitive_desc_t pd, const char *what, struct op **out,
                    struct weft_err *e)
{
    PUSH(struct op, g->ops, o);
    o->pd = pd;
    *out = o;
    TRY(dnnl_primitive_create(&o->prim, pd), what);
    return 0;
}

static void op_arg(struct op *o, int id, struct buf *b)
{
    o->arg[o->n].id = id;
    o->arg[o->n++].buf = b;
}

static int op_run(struct weft_dnn_graph *g, const struct op *o, struct weft_err *e)
{
    dnnl_exec_arg_t args[MAX_ARGS];
    for (int i = 0; i < o->n; i++)
        args[i] = (dnnl_exec_arg_t){o->arg[i].id, o->arg[i].buf->mem};
    TRY(dnnl_primitive_execute(o->prim, g->d->stream, o->n, args), "a computation");
    TRY(dnnl_stream_wait(g->d->stream), "a computation");
    return 0;
}

static int op_reorder(struct weft_dnn_graph *g, struct buf *from, struct buf *to, struct op **out, struct weft_err *e)
{
    dnnl_primitive_desc_t pd;
    dnnl_engine_t en = g->d->engine;
    TRY(dnnl_reorder_primitive_desc_create(&pd, from->md, en, to->md, en, NULL), "a reorder");
    if (op_of_pd(g, pd, "a reorder", out, e) < 0)
        return -1;
    op_arg(*out, DNNL_ARG_FROM, from);
    op_arg(*out, DNNL_ARG_TO, to);
    return 0;
}

static onednn_md op_md(const struct op *o, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(o->pd, what, 0);
}

/* ---- activations ---- */

static int act_new(struct weft_dnn_graph *g, onednn_md md, int slot, int grad_slot, struct weft_dnn_act **out,
                   struct weft_err *e)
{
    PUSH(struct weft_dnn_act, g->acts, a);
    a->g = g;
    for (int i = 0; i < 4; i++)
        a->dims[i] = onednn_md_dim(md, i);
    *out = a;
    if (buf_new(g, md, slot, &a->value, e) < 0)
        return -1;
    return grad_slot == WEFT_DNN_NONE ? 0 : buf_new(g, md, grad_slot, &a->grad, e);
}

int weft_dnn_input(struct weft_dnn_graph *g, size_t n, size_t c, size_t h, size_t w, struct weft_dnn_act **out,
                   struct weft_err *e)
{
    (void)e;
    PUSH(struct weft_dnn_act, g->acts, a);
    a->g = g;
    a->open = true;
    memcpy(a->dims, (size_t[4]){n, c, h, w}, sizeof a->dims);
    *out = a;
    return 0;
}

int weft_dnn_alias(struct weft_dnn_act *a, int grad_slot, struct weft_dnn_act **out, struct weft_err *e)
{
    PUSH(struct weft_dnn_act, a->g->acts, b);
    b->g = a->g;
    memcpy(b->dims, a->dims, sizeof b->dims);
    b->value = a->value;
    *out = b;
    return buf_new(a->g, a->value->md, grad_slot, &b->grad, e);
}

void weft_dnn_dims(const struct weft_dnn_act *a, size_t dims[4])
{
    memcpy(dims, a->dims, sizeof a->dims);
}

/* Plain floats at `p`, from or to an activation. The reorder is made on first use. */
static int act_copy(struct weft_dnn_act *a, struct op **o, struct buf *b, bool in, const float *p, struct weft_err *e)
{
    struct weft_dnn_graph *g = a->g;
    if (a->plain == NULL) {
        dnnl_dims_t dims = {(dnnl_dim_t)a->dims[0], (dnnl_dim_t)a->dims[1], (dnnl_dim_t)a->dims[2],
                            (dnnl_dim_t)a->dims[3]};
        if (buf_plain(g, 4, dims, &a->plain, e) < 0)
            return -1;
    }
    if (*o == NULL && op_reorder(g, in ? a->plain : b, in ? b : a->plain, o, e) < 0)
        return -1;
    TRY(dnnl_memory_set_data_handle(a->plain->mem, (void *)(uintptr_t)p), "a memory address");
    return op_run(g, *o, e);
}

int weft_dnn_write(struct weft_dnn_act *a, const float *nchw, struct weft_err *e)
{
    return act_copy(a, &a->in, a->value, true, nchw, e);
}

int weft_dnn_read(struct weft_dnn_act *a, float *nchw, struct weft_err *e)
{
    return act_copy(a, &a->out, a->value, false, nchw, e);
}

int weft_dnn_write_grad(struct weft_dnn_act *a, const float *nchw, struct weft_err *e)
{
    return act_copy(a, &a->in_grad, a->grad, true, nchw, e);
}

/* ---- convolution ---- */

/* Shapes of one convolution, in oneDNN's words. */
struct shape {
    dnnl_dims_t src, dst, weights, bias, stride, pad;
    onednn_md src_md, dst_md, weights_md, bias_md;
};
static const dnnl_dims_t dense = {0}; /* no dilation */

/* Four dimensions in the layout that the primitive likes best. */
static int any_md(struct weft_dnn_graph *g, const dnnl_dim_t *dims, dnnl_data_type_t t, onednn_md *md,
                  struct weft_err *e)
{
    return layout_new(g, 4, dims, t, dnnl_format_tag_any, "a tensor of this size", md, e);
}

static int conv_shape(struct weft_dnn_graph *g, const struct weft_dnn_act *src, const struct weft_dnn_conv_spec *s,
                      struct shape *sh, struct weft_err *e)
{
    size_t h = (src->dims[2] + 2 * s->pad - s->kernel) / s->stride + 1,
           w = (src->dims[3] + 2 * s->pad - s->kernel) / s->stride + 1;
    memset(sh, 0, sizeof *sh);
    for (int i = 0; i < 4; i++)
        sh->src[i] = (dnnl_dim_t)src->dims[i];
    memcpy(sh->dst, (dnnl_dim_t[4]){(dnnl_dim_t)src->dims[0], (dnnl_dim_t)s->out, (dnnl_dim_t)h, (dnnl_dim_t)w},
           4 * sizeof(dnnl_dim_t));
    memcpy(sh->weights,
           (dnnl_dim_t[4]){(dnnl_dim_t)s->out, (dnnl_dim_t)src->dims[1], (dnnl_dim_t)s->kernel, (dnnl_dim_t)s->kernel},
           4 * sizeof(dnnl_dim_t));
    sh->bias[0] = (dnnl_dim_t)s->out;
    sh->stride[0] = sh->stride[1] = (dnnl_dim_t)s->stride;
    sh->pad[0] = sh->pad[1] = (dnnl_dim_t)s->pad;
    if (any_md(g, sh->src, g->type, &sh->src_md, e) < 0 || any_md(g, sh->weights, g->type, &sh->weights_md, e) < 0 ||
        any_md(g, sh->dst, g->type, &sh->dst_md, e) < 0)
        return -1;
    if (s->into != NULL)
        sh->dst_md = s->into->value->md;
    return layout_new(g, 1, sh->bias, dnnl_f32, dnnl_a, "a bias", &sh->bias_md, e);
}

/* The sum and ReLU that run inside the convolution. */
static int conv_attr(const struct weft_dnn_conv_spec *s, dnnl_primitive_attr_t *attr, struct weft_err *e)
{
    dnnl_post_ops_t ops;
    TRY(dnnl_primitive_attr_create(attr), "attributes");
    if (dnnl_post_ops_create(&ops) != dnnl_success) {
        dnnl_primitive_attr_destroy(*attr);
        return weft_onednn_fail(e, dnnl_out_of_memory, "attributes");
    }
    dnnl_status_t st = dnnl_success;
    if (s->into != NULL)
        st = onednn_append_sum(ops);
    if (st == dnnl_success && s->relu)
        st = onednn_append_eltwise(ops, dnnl_eltwise_relu);
    if (st == dnnl_success)
        st = dnnl_primitive_attr_set_post_ops(*attr, ops);
    dnnl_post_ops_destroy(ops);
    if (st == dnnl_success)
        return 0;
    dnnl_primitive_attr_destroy(*attr);
    return weft_onednn_fail(e, st, "a fused sum or ReLU");
}

static int conv_make_forward(struct weft_dnn_conv *c, struct shape *sh, const struct weft_dnn_conv_spec *s,
                             struct weft_err *e)
{
    struct weft_dnn_graph *g = c->g;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_attr_t attr;
    if (conv_attr(s, &attr, e) < 0)
        return -1;
    dnnl_status_t st = dnnl_convolution_forward_primitive_desc_create(
        &pd, g->d->engine, g->train ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct,
        sh->src_md, sh->weights_md, g->train ? NULL : sh->bias_md, sh->dst_md, sh->stride, dense, sh->pad, sh->pad,
        attr);
    dnnl_primitive_attr_destroy(attr);
    TRY(st, "a convolution");
    return op_of_pd(g, pd, "a convolution", &c->forward, e);
}

/* src as the convolution wants it: the activation itself, or a copy. */
static int conv_source(struct weft_dnn_conv *c, struct weft_dnn_act *src, struct buf **out, struct weft_err *e)
{
    onednn_md want = op_md(c->forward, dnnl_query_src_md);
    if (src->open) {
        src->open = false;
        if (buf_new(c->g, want, WEFT_DNN_OWN, &src->value, e) < 0)
            return -1;
    }
    *out = src->value;
    if (dnnl_memory_desc_equal(want, src->value->md))
        return 0;
    return buf_new(c->g, want, WEFT_DNN_OWN, out, e) < 0 ? -1 : op_reorder(c->g, src->value, *out, &c->src_in, e);
}

/* Weights in the layout of `o`, and the reorder that fills them from plain ones. */
static int conv_weight_buf(struct weft_dnn_conv *c, const struct op *o, struct buf **w, struct op **reorder,
                           struct weft_err *e)
{
    onednn_md md = op_md(o, dnnl_query_weights_md);
    if (buf_new(c->g, md, WEFT_DNN_OWN, w, e) < 0)
        return -1;
    return op_reorder(c->g, c->plain, *w, reorder, e);
}

static int conv_make_back_data(struct weft_dnn_conv *c, struct shape *sh, struct weft_dnn_act *src,
                               struct weft_dnn_act *dst, struct weft_err *e)
{
    dnnl_primitive_desc_t pd;
    struct buf *w;
    TRY(dnnl_convolution_backward_data_primitive_desc_create(&pd, c->g->d->engine, dnnl_convolution_direct,
                                                             src->value->md, sh->weights_md, dst->value->md, sh->stride,
                                                             dense, sh->pad, sh->pad, c->forward->pd, NULL),
        "a convolution's data gradient");
    if (op_of_pd(c->g, pd, "a convolution's data gradient", &c->back_data, e) < 0 ||
        conv_weight_buf(c, c->back_data, &w, &c->w_back, e) < 0)
        return -1;
    op_arg(c->back_data, DNNL_ARG_DIFF_DST, dst->grad);
    op_arg(c->back_data, DNNL_ARG_WEIGHTS, w);
    op_arg(c->back_data, DNNL_ARG_DIFF_SRC, src->grad);
    return 0;
}

static int conv_make_back_weights(struct weft_dnn_conv *c, struct shape *sh, struct buf *src, struct weft_dnn_act *dst,
                                  struct weft_err *e)
{
    dnnl_primitive_desc_t pd;
    onednn_md dw;
    struct buf *blocked;
    if (any_md(c->g, sh->weights, dnnl_f32, &dw, e) < 0)
        return -1;
    TRY(dnnl_convolution_backward_weights_primitive_desc_create(&pd, c->g->d->engine, dnnl_convolution_direct, src->md,
                                                                dw, NULL, dst->value->md, sh->stride, dense, sh->pad,
                                                                sh->pad, c->forward->pd, NULL),
        "a convolution's weight gradient");
    if (op_of_pd(c->g, pd, "a convolution's weight gradient", &c->back_weights, e) < 0 ||
        buf_new(c->g, op_md(c->back_weights, dnnl_query_diff_weights_md), WEFT_DNN_OWN, &blocked, e) < 0 ||
        buf_plain(c->g, 4, sh->weights, &c->dplain, e) < 0 || op_reorder(c->g, blocked, c->dplain, &c->dw_out, e) < 0)
        return -1;
    op_arg(c->back_weights, DNNL_ARG_SRC, src);
    op_arg(c->back_weights, DNNL_ARG_DIFF_DST, dst->grad);
    op_arg(c->back_weights, DNNL_ARG_DIFF_WEIGHTS, blocked);
    return 0;
}

int weft_dnn_conv(struct weft_dnn_graph *g, struct weft_dnn_act *src, const struct weft_dnn_conv_spec *spec,
                  struct weft_dnn_conv **out, struct weft_dnn_act **dst, struct weft_err *e)
{
    PUSH(struct weft_dnn_conv, g->convs, c);
    struct shape sh;
    struct buf *in;
    c->g = g;
    *out = c;
    if (conv_shape(g, src, spec, &sh, e) < 0 || conv_make_forward(c, &sh, spec, e) < 0 ||
        conv_source(c, src, &in, e) < 0 || buf_plain(g, 4, sh.weights, &c->plain, e) < 0 ||
        conv_weight_buf(c, c->forward, &c->w, &c->w_forward, e) < 0)
        return -1;
    c->n_out = spec->out;
    c->n_weights = spec->out * src->dims[1] * spec->kernel * spec->kernel;
    if (spec->into != NULL)
        *dst = spec->into;
    else if (act_new(g, op_md(c->forward, dnnl_query_dst_md), spec->slot, g->train ? spec->grad_slot : WEFT_DNN_NONE,
                     dst, e) < 0)
        return -1;
    op_arg(c->forward, DNNL_ARG_SRC, in);
    op_arg(c->forward, DNNL_ARG_WEIGHTS, c->w);
    op_arg(c->forward, DNNL_ARG_DST, (*dst)->value);
    if (g->train)
        return conv_make_back_weights(c, &sh, in, *dst, e) < 0 ? -1
               : spec->src_grad                                ? conv_make_back_data(c, &sh, src, *dst, e)
                                                               : 0;
    if (buf_new(g, sh.bias_md, WEFT_DNN_OWN, &c->bias, e) < 0)
        return -1;
    op_arg(c->forward, DNNL_ARG_BIAS, c->bias);
    return 0;
}

int weft_dnn_conv_weights(struct weft_dnn_conv *c, const float *weights, const float *bias, struct weft_err *e)
{
    TRY(dnnl_memory_set_data_handle(c->plain->mem, (void *)(uintptr_t)weights), "a memory address");
    if (c->bias != NULL && bias != NULL)
        memcpy(c->bias->p, bias, c->n_out * sizeof(float));
    else if (c->bias != NULL)
        memset(c->bias->p, 0, c->n_out * sizeof(float));
    if (op_run(c->g, c->w_forward, e) < 0)
        return -1;
    return c->w_back != NULL ? op_run(c->g, c->w_back, e) : 0;
}

int weft_dnn_conv_forward(struct weft_dnn_conv *c, struct weft_err *e)
{
    if (c->src_in != NULL && op_run(c->g, c->src_in, e) < 0)
        return -1;
    return op_run(c->g, c->forward, e);
}

int weft_dnn_conv_backward(struct weft_dnn_conv *c, float *dweights, struct weft_err *e)
{
    TRY(dnnl_memory_set_data_handle(c->dplain->mem, dweights), "a memory address");
    if (op_run(c->g, c->back_weights, e) < 0 || op_run(c->g, c->dw_out, e) < 0)
        return -1;
    return c->back_data != NULL ? op_run(c->g, c->back_data, e) : 0;
}

/* ---- batch normalisation ---- */

/* gamma and beta, or their gradients. */
static int norm_weights_new(struct weft_dnn_graph *g, size_t c, struct buf *out[2], struct weft_err *e)
{
    dnnl_dims_t both = {2, (dnnl_dim_t)c};
    if (ONEDNN_NORM_TENSORS == 1)
        return buf_plain(g, 2, both, &out[0], e);
    dnnl_dims_t one = {(dnnl_dim_t)c};
    return buf_plain(g, 1, one, &out[0], e) < 0 ? -1 : buf_plain(g, 1, one, &out[1], e);
}

static float *norm_weights(const struct weft_dnn_norm *b, struct buf *const w[2], int i)
{
    uint8_t *p = ONEDNN_NORM_TENSORS == 1 ? w[0]->p + (size_t)i * b->c * sizeof(float) : w[i]->p;
    return (float *)(void *)p;
}

static int norm_make_forward(struct weft_dnn_norm *b, struct weft_dnn_act *src, struct weft_dnn_act *dst,
                             unsigned flags, float eps, struct weft_err *e)
{
    dnnl_primitive_desc_t pd;
    onednn_md md = src->value->md;
    TRY(dnnl_batch_normalization_forward_primitive_desc_create(&pd, b->g->d->engine, dnnl_forward_training, md, md, eps,
                                                               flags, NULL),
        "a batch normalisation");
    if (op_of_pd(b->g, pd, "a batch normalisation", &b->forward, e) < 0)
        return -1;
    op_arg(b->forward, DNNL_ARG_SRC, src->value);
    op_arg(b->forward, DNNL_ARG_DST, dst->value);
    op_arg(b->forward, DNNL_ARG_MEAN, b->mean);
    op_arg(b->forward, DNNL_ARG_VARIANCE, b->var);
    for (int i = 0; i < ONEDNN_NORM_TENSORS; i++)
        op_arg(b->forward, onednn_norm_arg[i], b->weights[i]);
    return 0;
}

static int norm_make_backward(struct weft_dnn_norm *b, struct weft_dnn_act *src, struct weft_dnn_act *dst,
                              unsigned flags, float eps, struct weft_err *e)
{
    dnnl_primitive_desc_t pd;
    onednn_md md = src->value->md;
    TRY(dnnl_batch_normalization_backward_primitive_desc_create(&pd, b->g->d->engine, dnnl_backward, md, md, md, eps,
                                                                flags, b->forward->pd, NULL),
        "a batch normalisation's gradient");
    if (op_of_pd(b->g, pd, "a batch normalisation's gradient", &b->backward, e) < 0)
        return -1;
    op_arg(b->backward, DNNL_ARG_SRC, src->value);
    op_arg(b->backward, DNNL_ARG_MEAN, b->mean);
    op_arg(b->backward, DNNL_ARG_VARIANCE, b->var);
    op_arg(b->backward, DNNL_ARG_DIFF_DST, dst->grad);
    op_arg(b->backward, DNNL_ARG_DIFF_SRC, src->grad);
    op_arg(b->backward, onednn_norm_arg[0], b->weights[0]);
    for (int i = 0; i < ONEDNN_NORM_TENSORS; i++)
        op_arg(b->backward, onednn_norm_diff_arg[i], b->gradients[i]);
    return 0;
}

int weft_dnn_norm(struct weft_dnn_graph *g, struct weft_dnn_act *src, bool relu, float eps, int slot, int grad_slot,
                  struct weft_dnn_norm **out, struct weft_dnn_act **dst, struct weft_err *e)
{
    PUSH(struct weft_dnn_norm, g->norms, b);
    unsigned flags = onednn_norm_flags | (relu ? dnnl_fuse_norm_relu : 0u);
    dnnl_dims_t c = {(dnnl_dim_t)src->dims[1]};
    b->g = g;
    b->c = src->dims[1];
    b->count = src->dims[0] * src->dims[2] * src->dims[3];
    *out = b;
    if (buf_plain(g, 1, c, &b->mean, e) < 0 || buf_plain(g, 1, c, &b->var, e) < 0 ||
        norm_weights_new(g, b->c, b->weights, e) < 0 || norm_weights_new(g, b->c, b->gradients, e) < 0 ||
        act_new(g, src->value->md, slot, grad_slot, dst, e) < 0 || norm_make_forward(b, src, *dst, flags, eps, e) < 0 ||
        norm_make_backward(b, src, *dst, flags, eps, e) < 0)
        return -1;
    onednn_md ws = op_md(b->forward, dnnl_query_workspace_md);
    if (ws == NULL || onednn_md_rank(ws) == 0)
        return 0;
    struct buf *mask; /* where ReLU let through */
    if (buf_new(g, ws, WEFT_DNN_OWN, &mask, e) < 0)
        return -1;
    op_arg(b->forward, DNNL_ARG_WORKSPACE, mask);
    op_arg(b->backward, DNNL_ARG_WORKSPACE, mask);
    return 0;
}

size_t weft_dnn_norm_count(const struct weft_dnn_norm *b)
{
    return b->count;
}

void weft_dnn_norm_weights(struct weft_dnn_norm *b, const float *gamma, const float *beta)
{
    memcpy(norm_weights(b, b->weights, 0), gamma, b->c * sizeof(float));
    memcpy(norm_weights(b, b->weights, 1), beta, b->c * sizeof(float));
}

int weft_dnn_norm_forward(struct weft_dnn_norm *b, const float **mean, const float **var, struct weft_err *e)
{
    *mean = (const float *)(const void *)b->mean->p;
    *var = (const float *)(const void *)b->var->p;
    return op_run(b->g, b->forward, e);
}

int weft_dnn_norm_backward(struct weft_dnn_norm *b, float *dgamma, float *dbeta, struct weft_err *e)
{
    if (op_run(b->g, b->backward, e) < 0)
        return -1;
    memcpy(dgamma, norm_weights(b, b->gradients, 0), b->c * sizeof(float));
    memcpy(dbeta, norm_weights(b, b->gradients, 1), b->c * sizeof(float));
    return 0;
}

/* ---- pooling ---- */

static int pool_make_backward(struct weft_dnn_pool *p, struct weft_dnn_act *src, struct weft_dnn_act *dst,
                              const dnnl_dim_t *stride, const dnnl_dim_t *kernel, const dnnl_dim_t *pad,
                              struct weft_err *e)
{
    dnnl_primitive_desc_t pd;
    struct buf *ws;
    TRY(dnnl_pooling_backward_primitive_desc_create(&pd, p->g->d->engine, dnnl_pooling_max, src->value->md,
                                                    dst->value->md, stride, kernel, dense, pad, pad, p->forward->pd,
                                                    NULL),
        "a pooling's gradient");
    if (op_of_pd(p->g, pd, "a pooling's gradient", &p->backward, e) < 0 ||
        buf_new(p->g, op_md(p->forward, dnnl_query_workspace_md), WEFT_DNN_OWN, &ws, e) < 0)
        return -1;
    op_arg(p->forward, DNNL_ARG_WORKSPACE, ws);
    op_arg(p->backward, DNNL_ARG_WORKSPACE, ws);
    op_arg(p->backward, DNNL_ARG_DIFF_DST, dst->grad);
    op_arg(p->backward, DNNL_ARG_DIFF_SRC, src->grad);
    return 0;
}

int weft_dnn_maxpool(struct weft_dnn_graph *g, struct weft_dnn_act *src, size_t kernel, size_t stride, size_t pad,
                     int slot, int grad_slot, struct weft_dnn_pool **out, struct weft_dnn_act **dst, struct weft_err *e)
{
    PUSH(struct weft_dnn_pool, g->pools, p);
    dnnl_dims_t k = {(dnnl_dim_t)kernel, (dnnl_dim_t)kernel}, s = {(dnnl_dim_t)stride, (dnnl_dim_t)stride},
                q = {(dnnl_dim_t)pad, (dnnl_dim_t)pad};
    dnnl_dims_t dims = {0};
    onednn_md md;
    dnnl_primitive_desc_t pd;
    p->g = g;
    *out = p;
    for (int i = 0; i < 4; i++)
        dims[i] = (dnnl_dim_t)(i < 2 ? src->dims[i] : (src->dims[i] + 2 * pad - kernel) / stride + 1);
    if (any_md(g, dims, g->type, &md, e) < 0)
        return -1;
    TRY(dnnl_pooling_forward_primitive_desc_create(&pd, g->d->engine,
                                                   g->train ? dnnl_forward_training : dnnl_forward_inference,
                                                   dnnl_pooling_max, src->value->md, md, s, k, dense, q, q, NULL),
        "a pooling");
    if (op_of_pd(g, pd, "a pooling", &p->forward, e) < 0 ||
        act_new(g, op_md(p->forward, dnnl_query_dst_md), slot, g->train ? grad_slot : WEFT_DNN_NONE, dst, e) < 0)
        return -1;
    op_arg(p->forward, DNNL_ARG_SRC, src->value);
    op_arg(p->forward, DNNL_ARG_DST, (*dst)->value);
    return g->train ? pool_make_backward(p, src, *dst, s, k, q, e) : 0;
}

int weft_dnn_pool_forward(struct weft_dnn_pool *p, struct weft_err *e)
{
    return op_run(p->g, p->forward, e);
}

int weft_dnn_pool_backward(struct weft_dnn_pool *p, struct weft_err *e)
{
    return op_run(p->g, p->backward, e);
}

/* ---- sums ---- */

static int add_op(struct weft_dnn_graph *g, struct buf *a, struct buf *b, struct buf *dst, bool relu, struct op **out,
                  struct weft_err *e)
{
    dnnl_primitive_desc_t pd;
    dnnl_primitive_attr_t attr;
    const struct weft_dnn_conv_spec post = {.relu = relu};
    if (conv_attr(&post, &attr, e) < 0)
        return -1;
    dnnl_status_t st =
        dnnl_binary_primitive_desc_create(&pd, g->d->engine, dnnl_binary_add, a->md, b->md, dst->md, attr);
    dnnl_primitive_attr_destroy(attr);
    TRY(st, "a sum");
    if (op_of_pd(g, pd, "a sum", out, e) < 0)
        return -1;
    op_arg(*out, DNNL_ARG_SRC_0, a);
    op_arg(*out, DNNL_ARG_SRC_1, b);
    op_arg(*out, DNNL_ARG_DST, dst);
    return 0;
}

int weft_dnn_join(struct weft_dnn_graph *g, struct weft_dnn_act *a, struct weft_dnn_act *b, int slot, int grad_slot,
                  struct weft_dnn_join **out, struct weft_dnn_act **dst, struct weft_err *e)
{
    PUSH(struct weft_dnn_join, g->joins, j);
    dnnl_primitive_desc_t pd;
    struct op *hint = NULL;
    j->g = g;
    *out = j;
    if (act_new(g, a->value->md, slot, grad_slot, dst, e) < 0 ||
        add_op(g, a->value, b->value, (*dst)->value, true, &j->forward, e) < 0)
        return -1;
    /* The hint names a forward ReLU; it never runs. */
    onednn_md md = (*dst)->value->md;
    TRY(dnnl_eltwise_forward_primitive_desc_create(&pd, g->d->engine, dnnl_forward_training,
                                                   dnnl_eltwise_relu_use_dst_for_bwd, md, md, 0.0f, 0.0f, NULL),
        "a ReLU");
    if (op_of_pd(g, pd, "a ReLU", &hint, e) < 0)
        return -1;
    TRY(dnnl_eltwise_backward_primitive_desc_create(&pd, g->d->engine, dnnl_eltwise_relu_use_dst_for_bwd, md, md, md,
                                                    0.0f, 0.0f, hint->pd, NULL),
        "a ReLU's gradient");
    if (op_of_pd(g, pd, "a ReLU's gradient", &j->backward, e) < 0)
        return -1;
    op_arg(j->backward, DNNL_ARG_DST, (*dst)->value);
    op_arg(j->backward, DNNL_ARG_DIFF_DST, (*dst)->grad);
    op_arg(j->backward, DNNL_ARG_DIFF_SRC, (*dst)->grad);
    return 0;
}

int weft_dnn_join_forward(struct weft_dnn_join *j, struct weft_err *e)
{
    return op_run(j->g, j->forward, e);
}

int weft_dnn_join_backward(struct weft_dnn_join *j, struct weft_err *e)
{
    return op_run(j->g, j->backward, e);
}

int weft_dnn_grad_sum(struct weft_dnn_graph *g, struct weft_dnn_act *to, struct weft_dnn_act *from,
                      struct weft_dnn_sum **out, struct weft_err *e)
{
    PUSH(struct weft_dnn_sum, g->sums, s);
    s->g = g;
    *out = s;
    return add_op(g, to->grad, from->grad, to->grad, false, &s->add, e);
}

int weft_dnn_sum_run(struct weft_dnn_sum *s, struct weft_err *e)
{
    return op_run(s->g, s->add, e);
}
