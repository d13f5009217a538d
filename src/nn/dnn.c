/* dnn.c - graphs of oneDNN primitives. The only file that knows oneDNN. */
#include "nn/dnn.h"

#include <dnnl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Debian's oneDNN runs on GNU OpenMP; gcc's and clang's <omp.h> are not both installed, so its two functions are
 * declared here. */
void omp_set_num_threads(int n);
int omp_get_max_threads(void);

struct weft_dnn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

/* A piece of the graph's memory. */
struct buf {
    dnnl_memory_desc_t md;
    dnnl_memory_t mem;
    int slot; /* WEFT_DNN_OWN or a slot's number */
    uint8_t *p;
    struct buf *next;
};

enum { MAX_ARGS = 8 };
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
    struct buf *mean, *var, *gamma_beta, *dgamma_beta;
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
#define PUSH(type, list, var) \
    type *var = WEFT_NEW(type); \
    var->next = (list); \
    (list) = var

static int fail(struct weft_err *e, dnnl_status_t s, const char *what)
{
    if (s == dnnl_unimplemented)
        return weft_fail(e, WEFT_CONFIG, "oneDNN has no %s for this CPU, shape and precision", what);
    if (s == dnnl_out_of_memory)
        return weft_fail(e, WEFT_TEMPFAIL, "oneDNN is out of memory in %s", what);
    return weft_fail(e, WEFT_BUG, "oneDNN refuses %s (status %d)", what, (int)s);
}

#define TRY(call, what) \
    do { \
        dnnl_status_t status_ = (call); \
        if (status_ != dnnl_success) \
            return fail(e, status_, what); \
    } while (0)

/* ---- engine ---- */

int weft_dnn_new(int threads, struct weft_dnn **out, struct weft_err *e)
{
    struct weft_dnn *d = WEFT_NEW(struct weft_dnn);
    *out = d;
    omp_set_num_threads(threads < 1 ? 1 : threads);
    TRY(dnnl_engine_create(&d->engine, dnnl_cpu, 0), "a CPU engine");
    TRY(dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags), "a stream");
    return 0;
}

void weft_dnn_free(struct weft_dnn **dp)
{
    struct weft_dnn *d = *dp;
    if (d == NULL)
        return;
    if (d->stream != NULL)
        dnnl_stream_destroy(d->stream);
    if (d->engine != NULL)
        dnnl_engine_destroy(d->engine);
    free(d);
    *dp = NULL;
}

bool weft_dnn_has_bf16(void)
{
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

const char *weft_dnn_about(char *buf, size_t cap)
{
    const dnnl_version_t *v = dnnl_version();
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    const char *name = weft_dnn_has_bf16()                                            ? "AVX-512 BF16"
                       : (isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core ? "AVX-512"
                       : (isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2               ? "AVX2"
                                                                                      : "below AVX2";
    snprintf(buf, cap, "%d.%d.%d, %s", v->major, v->minor, v->patch, name);
    return buf;
}

/* ---- memory ---- */

struct weft_dnn_graph *weft_dnn_graph_new(struct weft_dnn *d, enum weft_dnn_type type, bool train)
{
    struct weft_dnn_graph *g = WEFT_NEW(struct weft_dnn_graph);
    g->d = d;
    g->type = type == WEFT_DNN_BF16 ? dnnl_bf16 : dnnl_f32;
    g->train = train;
    return g;
}

#define FREE_LIST(type, list) \
    for (type *x_ = (list), *n_; x_ != NULL; x_ = n_) { \
        n_ = x_->next; \
        free(x_); \
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

static int buf_new(struct weft_dnn_graph *g, const dnnl_memory_desc_t *md, int slot, struct buf **out,
                   struct weft_err *e)
{
    PUSH(struct buf, g->bufs, b);
    b->md = *md;
    b->slot = slot;
    TRY(dnnl_memory_create(&b->mem, md, g->d->engine, DNNL_MEMORY_NONE), "a memory object");
    *out = b;
    return 0;
}

/* Plain row-major floats. */
static int buf_plain(struct weft_dnn_graph *g, int rank, const dnnl_dim_t *dims, struct buf **out, struct weft_err *e)
{
    static const dnnl_format_tag_t tags[] = {dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd};
    dnnl_memory_desc_t md;
    TRY(dnnl_memory_desc_init_by_tag(&md, rank, dims, dnnl_f32, tags[rank]), "a plain layout");
    return buf_new(g, &md, WEFT_DNN_OWN, out, e);
}

static size_t round64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

int weft_dnn_graph_ready(struct weft_dnn_graph *g, struct weft_err *e)
{
    size_t slot[WEFT_DNN_SLOTS] = {0}, at[WEFT_DNN_SLOTS], own = 0, total = 0;
    for (struct buf *b = g->bufs; b != NULL; b = b->next) {
        size_t n = round64(dnnl_memory_desc_get_size(&b->md));
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
            total += round64(dnnl_memory_desc_get_size(&b->md));
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

static int op_new(struct weft_dnn_graph *g, const_dnnl_op_desc_t desc, const_dnnl_primitive_attr_t attr,
                  const struct op *hint, const char *what, struct op **out, struct weft_err *e)
{
    dnnl_primitive_desc_t pd;
    TRY(dnnl_primitive_desc_create(&pd, desc, attr, g->d->engine, hint ? hint->pd : NULL), what);
    return op_of_pd(g, pd, what, out, e);
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
    TRY(dnnl_reorder_primitive_desc_create(&pd, &from->md, en, &to->md, en, NULL), "a reorder");
    if (op_of_pd(g, pd, "a reorder", out, e) < 0)
        return -1;
    op_arg(*out, DNNL_ARG_FROM, from);
    op_arg(*out, DNNL_ARG_TO, to);
    return 0;
}

static const dnnl_memory_desc_t *op_md(const struct op *o, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(o->pd, what, 0);
}

/* ---- activations ---- */

static int act_new(struct weft_dnn_graph *g, const dnnl_memory_desc_t *md, int slot, int grad_slot,
                   struct weft_dnn_act **out, struct weft_err *e)
{
    PUSH(struct weft_dnn_act, g->acts, a);
    a->g = g;
    for (int i = 0; i < 4; i++)
        a->dims[i] = (size_t)md->dims[i];
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
    return buf_new(a->g, &a->value->md, grad_slot, &b->grad, e);
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
    dnnl_memory_desc_t src_md, dst_md, weights_md, bias_md;
};

static int any_md(dnnl_memory_desc_t *md, int rank, const dnnl_dim_t *dims, dnnl_data_type_t t, struct weft_err *e)
{
    TRY(dnnl_memory_desc_init_by_tag(md, rank, dims, t, dnnl_format_tag_any), "a tensor of this size");
    return 0;
}

static int conv_shape(const struct weft_dnn_graph *g, const struct weft_dnn_act *src,
                      const struct weft_dnn_conv_spec *s, struct shape *sh, struct weft_err *e)
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
    if (any_md(&sh->src_md, 4, sh->src, g->type, e) < 0 || any_md(&sh->weights_md, 4, sh->weights, g->type, e) < 0 ||
        any_md(&sh->dst_md, 4, sh->dst, g->type, e) < 0)
        return -1;
    if (s->into != NULL)
        sh->dst_md = s->into->value->md;
    TRY(dnnl_memory_desc_init_by_tag(&sh->bias_md, 1, sh->bias, dnnl_f32, dnnl_a), "a bias");
    return 0;
}

/* The sum and ReLU that run inside the convolution. */
static int conv_attr(const struct weft_dnn_conv_spec *s, dnnl_primitive_attr_t *attr, struct weft_err *e)
{
    dnnl_post_ops_t ops;
    TRY(dnnl_primitive_attr_create(attr), "attributes");
    if (dnnl_post_ops_create(&ops) != dnnl_success) {
        dnnl_primitive_attr_destroy(*attr);
        return fail(e, dnnl_out_of_memory, "attributes");
    }
    dnnl_status_t st = dnnl_success;
    if (s->into != NULL)
        st = dnnl_post_ops_append_sum(ops, 1.0f);
    if (st == dnnl_success && s->relu)
        st = dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
    if (st == dnnl_success)
        st = dnnl_primitive_attr_set_post_ops(*attr, ops);
    dnnl_post_ops_destroy(ops);
    if (st == dnnl_success)
        return 0;
    dnnl_primitive_attr_destroy(*attr);
    return fail(e, st, "a fused sum or ReLU");
}

static int conv_make_forward(struct weft_dnn_conv *c, struct shape *sh, const struct weft_dnn_conv_spec *s,
                             struct weft_err *e)
{
    struct weft_dnn_graph *g = c->g;
    dnnl_convolution_desc_t desc;
    dnnl_primitive_attr_t attr;
    TRY(dnnl_convolution_forward_desc_init(&desc, g->train ? dnnl_forward_training : dnnl_forward_inference,
                                           dnnl_convolution_direct, &sh->src_md, &sh->weights_md,
                                           g->train ? NULL : &sh->bias_md, &sh->dst_md, sh->stride, sh->pad, sh->pad),
        "a convolution");
    if (conv_attr(s, &attr, e) < 0)
        return -1;
    int rc = op_new(g, &desc, attr, NULL, "a convolution", &c->forward, e);
    dnnl_primitive_attr_destroy(attr);
    return rc;
}

/* src as the convolution wants it: the activation itself, or a copy. */
static int conv_source(struct weft_dnn_conv *c, struct weft_dnn_act *src, struct buf **out, struct weft_err *e)
{
    const dnnl_memory_desc_t *want = op_md(c->forward, dnnl_query_src_md);
    if (src->open) {
        src->open = false;
        if (buf_new(c->g, want, WEFT_DNN_OWN, &src->value, e) < 0)
            return -1;
    }
    *out = src->value;
    if (dnnl_memory_desc_equal(want, &src->value->md))
        return 0;
    return buf_new(c->g, want, WEFT_DNN_OWN, out, e) < 0 ? -1 : op_reorder(c->g, src->value, *out, &c->src_in, e);
}

/* Weights in the layout of `o`, and the reorder that fills them from plain ones. */
static int conv_weight_buf(struct weft_dnn_conv *c, const struct op *o, struct buf **w, struct op **reorder,
                           struct weft_err *e)
{
    const dnnl_memory_desc_t *md = op_md(o, dnnl_query_weights_md);
    if (buf_new(c->g, md, WEFT_DNN_OWN, w, e) < 0)
        return -1;
    return op_reorder(c->g, c->plain, *w, reorder, e);
}

static int conv_make_back_data(struct weft_dnn_conv *c, struct shape *sh, struct weft_dnn_act *src,
                               struct weft_dnn_act *dst, struct weft_err *e)
{
    dnnl_convolution_desc_t desc;
    struct buf *w;
    TRY(dnnl_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &src->value->md, &sh->weights_md,
                                                 &dst->value->md, sh->stride, sh->pad, sh->pad),
        "a convolution's data gradient");
    if (op_new(c->g, &desc, NULL, c->forward, "a convolution's data gradient", &c->back_data, e) < 0 ||
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
    dnnl_convolution_desc_t desc;
    dnnl_memory_desc_t dw;
    struct buf *blocked;
    if (any_md(&dw, 4, sh->weights, dnnl_f32, e) < 0)
        return -1;
    TRY(dnnl_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &src->md, &dw, NULL,
                                                    &dst->value->md, sh->stride, sh->pad, sh->pad),
        "a convolution's weight gradient");
    if (op_new(c->g, &desc, NULL, c->forward, "a convolution's weight gradient", &c->back_weights, e) < 0 ||
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
    if (buf_new(g, &sh.bias_md, WEFT_DNN_OWN, &c->bias, e) < 0)
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

static int norm_make_forward(struct weft_dnn_norm *b, struct weft_dnn_act *src, struct weft_dnn_act *dst,
                             unsigned flags, float eps, struct weft_err *e)
{
    dnnl_batch_normalization_desc_t desc;
    TRY(dnnl_batch_normalization_forward_desc_init(&desc, dnnl_forward_training, &src->value->md, eps, flags),
        "a batch normalisation");
    if (op_new(b->g, &desc, NULL, NULL, "a batch normalisation", &b->forward, e) < 0)
        return -1;
    op_arg(b->forward, DNNL_ARG_SRC, src->value);
    op_arg(b->forward, DNNL_ARG_DST, dst->value);
    op_arg(b->forward, DNNL_ARG_MEAN, b->mean);
    op_arg(b->forward, DNNL_ARG_VARIANCE, b->var);
    op_arg(b->forward, DNNL_ARG_SCALE_SHIFT, b->gamma_beta);
    return 0;
}

static int norm_make_backward(struct weft_dnn_norm *b, struct weft_dnn_act *src, struct weft_dnn_act *dst,
                              unsigned flags, float eps, struct weft_err *e)
{
    dnnl_batch_normalization_desc_t desc;
    const dnnl_memory_desc_t *md = &src->value->md;
    TRY(dnnl_batch_normalization_backward_desc_init(&desc, dnnl_backward, md, md, eps, flags),
        "a batch normalisation's gradient");
    if (op_new(b->g, &desc, NULL, b->forward, "a batch normalisation's gradient", &b->backward, e) < 0)
        return -1;
    op_arg(b->backward, DNNL_ARG_SRC, src->value);
    op_arg(b->backward, DNNL_ARG_MEAN, b->mean);
    op_arg(b->backward, DNNL_ARG_VARIANCE, b->var);
    op_arg(b->backward, DNNL_ARG_SCALE_SHIFT, b->gamma_beta);
    op_arg(b->backward, DNNL_ARG_DIFF_DST, dst->grad);
    op_arg(b->backward, DNNL_ARG_DIFF_SRC, src->grad);
    op_arg(b->backward, DNNL_ARG_DIFF_SCALE_SHIFT, b->dgamma_beta);
    return 0;
}

int weft_dnn_norm(struct weft_dnn_graph *g, struct weft_dnn_act *src, bool relu, float eps, int slot, int grad_slot,
                  struct weft_dnn_norm **out, struct weft_dnn_act **dst, struct weft_err *e)
{
    PUSH(struct weft_dnn_norm, g->norms, b);
    unsigned flags = dnnl_use_scaleshift | (relu ? dnnl_fuse_norm_relu : 0u);
    dnnl_dims_t c = {(dnnl_dim_t)src->dims[1]}, c2 = {2, (dnnl_dim_t)src->dims[1]};
    b->g = g;
    b->c = src->dims[1];
    b->count = src->dims[0] * src->dims[2] * src->dims[3];
    *out = b;
    if (buf_plain(g, 1, c, &b->mean, e) < 0 || buf_plain(g, 1, c, &b->var, e) < 0 ||
        buf_plain(g, 2, c2, &b->gamma_beta, e) < 0 || buf_plain(g, 2, c2, &b->dgamma_beta, e) < 0 ||
        act_new(g, &src->value->md, slot, grad_slot, dst, e) < 0 ||
        norm_make_forward(b, src, *dst, flags, eps, e) < 0 || norm_make_backward(b, src, *dst, flags, eps, e) < 0)
        return -1;
    const dnnl_memory_desc_t *ws = op_md(b->forward, dnnl_query_workspace_md);
    if (ws == NULL || ws->ndims == 0)
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
    memcpy(b->gamma_beta->p, gamma, b->c * sizeof(float));
    memcpy(b->gamma_beta->p + b->c * sizeof(float), beta, b->c * sizeof(float));
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
    memcpy(dgamma, b->dgamma_beta->p, b->c * sizeof(float));
    memcpy(dbeta, b->dgamma_beta->p + b->c * sizeof(float), b->c * sizeof(float));
    return 0;
}

/* ---- pooling ---- */

static int pool_make_backward(struct weft_dnn_pool *p, struct weft_dnn_act *src, struct weft_dnn_act *dst,
                              const dnnl_dim_t *stride, const dnnl_dim_t *kernel, const dnnl_dim_t *pad,
                              struct weft_err *e)
{
    dnnl_pooling_desc_t desc;
    struct buf *ws;
    TRY(dnnl_pooling_backward_desc_init(&desc, dnnl_pooling_max, &src->value->md, &dst->value->md, stride, kernel, pad,
                                        pad),
        "a pooling's gradient");
    if (op_new(p->g, &desc, NULL, p->forward, "a pooling's gradient", &p->backward, e) < 0 ||
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
    dnnl_memory_desc_t md;
    dnnl_pooling_desc_t desc;
    p->g = g;
    *out = p;
    for (int i = 0; i < 4; i++)
        dims[i] = (dnnl_dim_t)(i < 2 ? src->dims[i] : (src->dims[i] + 2 * pad - kernel) / stride + 1);
    if (any_md(&md, 4, dims, g->type, e) < 0)
        return -1;
    TRY(dnnl_pooling_forward_desc_init(&desc, g->train ? dnnl_forward_training : dnnl_forward_inference,
                                       dnnl_pooling_max, &src->value->md, &md, s, k, q, q),
        "a pooling");
    if (op_new(g, &desc, NULL, NULL, "a pooling", &p->forward, e) < 0 ||
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
    dnnl_binary_desc_t desc;
    dnnl_primitive_attr_t attr;
    const struct weft_dnn_conv_spec post = {.relu = relu};
    TRY(dnnl_binary_desc_init(&desc, dnnl_binary_add, &a->md, &b->md, &dst->md), "a sum");
    if (conv_attr(&post, &attr, e) < 0)
        return -1;
    int rc = op_new(g, &desc, attr, NULL, "a sum", out, e);
    dnnl_primitive_attr_destroy(attr);
    if (rc < 0)
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
    dnnl_eltwise_desc_t fd, desc;
    struct op *hint = NULL;
    j->g = g;
    *out = j;
    if (act_new(g, &a->value->md, slot, grad_slot, dst, e) < 0 ||
        add_op(g, a->value, b->value, (*dst)->value, true, &j->forward, e) < 0)
        return -1;
    /* The hint names a forward ReLU; it never runs. */
    const dnnl_memory_desc_t *md = &(*dst)->value->md;
    TRY(dnnl_eltwise_forward_desc_init(&fd, dnnl_forward_training, dnnl_eltwise_relu_use_dst_for_bwd, md, 0.0f, 0.0f),
        "a ReLU");
    TRY(dnnl_eltwise_backward_desc_init(&desc, dnnl_eltwise_relu_use_dst_for_bwd, md, md, 0.0f, 0.0f),
        "a ReLU's gradient");
    if (op_new(g, &fd, NULL, NULL, "a ReLU", &hint, e) < 0 ||
        op_new(g, &desc, NULL, hint, "a ReLU's gradient", &j->backward, e) < 0)
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

/* ---- linear layers ---- */

/* Groups of rows: many at once as long as there are many. */
enum { SIZES = 3, WIDEST = SIZES - 1 };
static const size_t group_rows[SIZES] = {WEFT_DNN_ROWS, 4 * WEFT_DNN_ROWS, 16 * WEFT_DNN_ROWS};

struct weft_dnn_linear {
    struct weft_dnn *d;
    struct weft_dnn_linear_spec spec;
    dnnl_primitive_desc_t pd[SIZES];
    dnnl_primitive_t prim[SIZES];
    dnnl_memory_t src[SIZES], dst[SIZES], scratch[SIZES];
    uint8_t *room[SIZES]; /* of scratch */
};

struct weft_dnn_packed {
    dnnl_memory_t weights, bias;
    uint8_t *room[2];
};

static dnnl_data_type_t type_of(enum weft_dnn_type t)
{
    return t == WEFT_DNN_BF16 ? dnnl_bf16 : dnnl_f32;
}

/* A memory object over bytes of its own. */
static int owned_memory(struct weft_dnn *d, const dnnl_memory_desc_t *md, uint8_t **room, dnnl_memory_t *out,
                        struct weft_err *e)
{
    size_t n = dnnl_memory_desc_get_size(md);
    *room = weft_xaligned(n ? n : 1, 1);
    TRY(dnnl_memory_create(out, md, d->engine, *room), "a memory object");
    return 0;
}

static int linear_attr(enum weft_dnn_activation activation, dnnl_primitive_attr_t *attr, struct weft_err *e)
{
    static const dnnl_alg_kind_t kinds[] = {
        [WEFT_DNN_RELU] = dnnl_eltwise_relu,
        [WEFT_DNN_TANH] = dnnl_eltwise_tanh,
        [WEFT_DNN_GELU] = dnnl_eltwise_gelu_erf,
        [WEFT_DNN_GELU_TANH] = dnnl_eltwise_gelu_tanh,
    };
    dnnl_post_ops_t ops;
    TRY(dnnl_primitive_attr_create(attr), "attributes");
    dnnl_status_t st = dnnl_post_ops_create(&ops);
    if (st == dnnl_success) {
        if (activation != WEFT_DNN_IDENTITY)
            st = dnnl_post_ops_append_eltwise(ops, 1.0f, kinds[activation], 0.0f, 0.0f);
        if (st == dnnl_success)
            st = dnnl_primitive_attr_set_post_ops(*attr, ops);
        dnnl_post_ops_destroy(ops);
    }
    /* Primitives run in threads that did not make them: their room is the caller's. */
    if (st == dnnl_success)
        st = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (st == dnnl_success)
        return 0;
    dnnl_primitive_attr_destroy(*attr);
    return fail(e, st, "a fused activation");
}

/* The layout that many rows prefer serves few as well. */
static const dnnl_memory_desc_t *linear_weights(const struct weft_dnn_linear *l)
{
    return dnnl_primitive_desc_query_md(l->pd[WIDEST], dnnl_query_weights_md, 0);
}

static int linear_make(struct weft_dnn_linear *l, int size, dnnl_primitive_attr_t attr, struct weft_err *e)
{
    const struct weft_dnn_linear_spec *s = &l->spec;
    dnnl_dim_t rows = (dnnl_dim_t)group_rows[size], in = (dnnl_dim_t)s->in, out = (dnnl_dim_t)s->out;
    dnnl_memory_desc_t src, weights, bias, dst;
    dnnl_matmul_desc_t desc;
    TRY(dnnl_memory_desc_init_by_tag(&src, 2, (dnnl_dims_t){rows, in}, type_of(s->src), dnnl_ab), "rows of this size");
    TRY(dnnl_memory_desc_init_by_tag(&dst, 2, (dnnl_dims_t){rows, out}, type_of(s->dst), dnnl_ab), "rows of this size");
    TRY(dnnl_memory_desc_init_by_tag(&bias, 2, (dnnl_dims_t){1, out}, dnnl_f32, dnnl_ab), "a bias");
    TRY(dnnl_memory_desc_init_by_tag(&weights, 2, (dnnl_dims_t){in, out}, type_of(s->src), dnnl_format_tag_any),
        "weights of this size");
    if (size != WIDEST)
        weights = *linear_weights(l);
    TRY(dnnl_matmul_desc_init(&desc, &src, &weights, &bias, &dst), "a linear layer");
    TRY(dnnl_primitive_desc_create(&l->pd[size], &desc, attr, l->d->engine, NULL), "a linear layer");
    TRY(dnnl_primitive_create(&l->prim[size], l->pd[size]), "a linear layer");
    TRY(dnnl_memory_create(&l->src[size], &src, l->d->engine, DNNL_MEMORY_NONE), "a memory object");
    TRY(dnnl_memory_create(&l->dst[size], &dst, l->d->engine, DNNL_MEMORY_NONE), "a memory object");
    return owned_memory(l->d, dnnl_primitive_desc_query_md(l->pd[size], dnnl_query_scratchpad_md, 0), &l->room[size],
                        &l->scratch[size], e);
}

int weft_dnn_linear_new(struct weft_dnn *d, const struct weft_dnn_linear_spec *spec, struct weft_dnn_linear **out,
                        struct weft_err *e)
{
    struct weft_dnn_linear *l = WEFT_NEW(struct weft_dnn_linear);
    dnnl_primitive_attr_t attr;
    int threads = omp_get_max_threads(), rc = -1;
    l->d = d;
    l->spec = *spec;
    omp_set_num_threads(1);
    if (linear_attr(spec->activation, &attr, e) == 0) {
        rc = 0;
        for (int size = WIDEST; size >= 0 && rc == 0; size--)
            rc = linear_make(l, size, attr, e);
        dnnl_primitive_attr_destroy(attr);
    }
    omp_set_num_threads(threads);
    if (rc < 0)
        weft_dnn_linear_free(&l);
    *out = l;
    return rc;
}

void weft_dnn_linear_free(struct weft_dnn_linear **lp)
{
    struct weft_dnn_linear *l = *lp;
    if (l == NULL)
        return;
    for (int k = 0; k < SIZES; k++) {
        dnnl_memory_t mem[] = {l->src[k], l->dst[k], l->scratch[k]};
        for (int i = 0; i < 3; i++)
            if (mem[i] != NULL)
                dnnl_memory_destroy(mem[i]);
        if (l->prim[k] != NULL)
            dnnl_primitive_destroy(l->prim[k]);
        if (l->pd[k] != NULL)
            dnnl_primitive_desc_destroy(l->pd[k]);
        free(l->room[k]);
    }
    free(l);
    *lp = NULL;
}

static int packed_fill(struct weft_dnn_linear *l, const float *weights, struct weft_dnn_packed *p, struct weft_err *e)
{
    dnnl_memory_desc_t plain;
    dnnl_memory_t from;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t reorder;
    dnnl_engine_t en = l->d->engine;
    TRY(dnnl_memory_desc_init_by_tag(&plain, 2, (dnnl_dims_t){(dnnl_dim_t)l->spec.in, (dnnl_dim_t)l->spec.out},
                                     dnnl_f32, dnnl_ba),
        "weights of this size");
    TRY(dnnl_reorder_primitive_desc_create(&pd, &plain, en, linear_weights(l), en, NULL), "a reorder");
    dnnl_status_t st = dnnl_primitive_create(&reorder, pd);
    dnnl_primitive_desc_destroy(pd);
    TRY(st, "a reorder");
    st = dnnl_memory_create(&from, &plain, en, (void *)(uintptr_t)weights);
    if (st == dnnl_success) {
        dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, p->weights}};
        st = dnnl_primitive_execute(reorder, l->d->stream, 2, args);
        if (st == dnnl_success)
            st = dnnl_stream_wait(l->d->stream);
        dnnl_memory_destroy(from);
    }
    dnnl_primitive_destroy(reorder);
    TRY(st, "a reorder");
    return 0;
}

int weft_dnn_linear_pack(struct weft_dnn_linear *l, const float *weights, const float *bias,
                         struct weft_dnn_packed **out, struct weft_err *e)
{
    struct weft_dnn_packed *p = WEFT_NEW(struct weft_dnn_packed);
    dnnl_memory_desc_t md;
    *out = p;
    TRY(dnnl_memory_desc_init_by_tag(&md, 2, (dnnl_dims_t){1, (dnnl_dim_t)l->spec.out}, dnnl_f32, dnnl_ab), "a bias");
    if (owned_memory(l->d, linear_weights(l), &p->room[0], &p->weights, e) < 0 ||
        owned_memory(l->d, &md, &p->room[1], &p->bias, e) < 0 || packed_fill(l, weights, p, e) < 0) {
        weft_dnn_packed_free(out);
        return -1;
    }
    memcpy(p->room[1], bias, l->spec.out * sizeof *bias);
    return 0;
}

void weft_dnn_packed_free(struct weft_dnn_packed **pp)
{
    struct weft_dnn_packed *p = *pp;
    if (p == NULL)
        return;
    if (p->weights != NULL)
        dnnl_memory_destroy(p->weights);
    if (p->bias != NULL)
        dnnl_memory_destroy(p->bias);
    free(p->room[0]);
    free(p->room[1]);
    free(p);
    *pp = NULL;
}

static int linear_group(struct weft_dnn_linear *l, int size, const struct weft_dnn_packed *p, const void *src,
                        void *dst, struct weft_err *e)
{
    dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, l->src[size]},
                              {DNNL_ARG_WEIGHTS, p->weights},
                              {DNNL_ARG_BIAS, p->bias},
                              {DNNL_ARG_DST, l->dst[size]},
                              {DNNL_ARG_SCRATCHPAD, l->scratch[size]}};
    TRY(dnnl_memory_set_data_handle(l->src[size], (void *)(uintptr_t)src), "a memory address");
    TRY(dnnl_memory_set_data_handle(l->dst[size], dst), "a memory address");
    TRY(dnnl_primitive_execute(l->prim[size], l->d->stream, 5, args), "a linear layer");
    TRY(dnnl_stream_wait(l->d->stream), "a linear layer");
    return 0;
}

int weft_dnn_linear_run(struct weft_dnn_linear *l, const struct weft_dnn_packed *p, const void *src, size_t rows,
                        void *dst, struct weft_err *e)
{
    size_t in = l->spec.in * (l->spec.src == WEFT_DNN_BF16 ? 2 : 4),
           out = l->spec.out * (l->spec.dst == WEFT_DNN_BF16 ? 2 : 4);
    int threads = omp_get_max_threads(), rc = 0;
    omp_set_num_threads(1);
    for (size_t i = 0; i < rows && rc == 0;) {
        int size = WIDEST;
        while (group_rows[size] > weft_dnn_rows(rows - i))
            size--;
        rc = linear_group(l, size, p, (const uint8_t *)src + i * in, (uint8_t *)dst + i * out, e);
        i += group_rows[size];
    }
    omp_set_num_threads(threads);
    return rc;
}
