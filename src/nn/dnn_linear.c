/* dnn_linear.c - linear layers of frozen networks, through oneDNN's matrix product. */
#include "nn/dnn_linear.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/onednn.h"

/* Groups of rows: many at once as long as there are many. */
enum { SIZES = 3, WIDEST = SIZES - 1 };
static const size_t group_rows[SIZES] = {WEFT_DNN_ROWS, 4 * WEFT_DNN_ROWS, 16 * WEFT_DNN_ROWS};

enum { SRC, WEIGHTS, BIAS, DST, LAYOUTS };

struct weft_dnn_linear {
    struct weft_dnn *d;
    struct weft_dnn_linear_spec spec;
    onednn_own_md md[SIZES][LAYOUTS];
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
static int owned_memory(struct weft_dnn *d, onednn_md md, uint8_t **room, dnnl_memory_t *out, struct weft_err *e)
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
            st = onednn_append_eltwise(ops, kinds[activation]);
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
    return weft_onednn_fail(e, st, "a fused activation");
}

/* The layout that many rows prefer serves few as well. */
static onednn_md linear_weights(const struct weft_dnn_linear *l)
{
    return dnnl_primitive_desc_query_md(l->pd[WIDEST], dnnl_query_weights_md, 0);
}

static int linear_make(struct weft_dnn_linear *l, int size, dnnl_primitive_attr_t attr, struct weft_err *e)
{
    const struct weft_dnn_linear_spec *s = &l->spec;
    dnnl_dim_t rows = (dnnl_dim_t)group_rows[size], in = (dnnl_dim_t)s->in, out = (dnnl_dim_t)s->out;
    onednn_own_md *md = l->md[size];
    TRY(onednn_md_new(&md[SRC], 2, (dnnl_dims_t){rows, in}, type_of(s->src), dnnl_ab), "rows of this size");
    TRY(onednn_md_new(&md[DST], 2, (dnnl_dims_t){rows, out}, type_of(s->dst), dnnl_ab), "rows of this size");
    TRY(onednn_md_new(&md[BIAS], 2, (dnnl_dims_t){1, out}, dnnl_f32, dnnl_ab), "a bias");
    TRY(onednn_md_new(&md[WEIGHTS], 2, (dnnl_dims_t){in, out}, type_of(s->src), dnnl_format_tag_any),
        "weights of this size");
    onednn_md weights = size == WIDEST ? md[WEIGHTS] : linear_weights(l);
    TRY(dnnl_matmul_primitive_desc_create(&l->pd[size], l->d->engine, md[SRC], weights, md[BIAS], md[DST], attr),
        "a linear layer");
    TRY(dnnl_primitive_create(&l->prim[size], l->pd[size]), "a linear layer");
    TRY(dnnl_memory_create(&l->src[size], md[SRC], l->d->engine, DNNL_MEMORY_NONE), "a memory object");
    TRY(dnnl_memory_create(&l->dst[size], md[DST], l->d->engine, DNNL_MEMORY_NONE), "a memory object");
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
        for (int i = 0; i < LAYOUTS; i++)
            onednn_md_free(l->md[k][i]);
        free(l->room[k]);
    }
    free(l);
    *lp = NULL;
}

/* Runs one reorder from plain floats, and forgets it. */
static int packed_reorder(struct weft_dnn_linear *l, onednn_md plain, const float *weights, dnnl_memory_t to,
                          struct weft_err *e)
{
    dnnl_memory_t from;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t reorder;
    dnnl_engine_t en = l->d->engine;
    TRY(dnnl_reorder_primitive_desc_create(&pd, plain, en, linear_weights(l), en, NULL), "a reorder");
    dnnl_status_t st = dnnl_primitive_create(&reorder, pd);
    dnnl_primitive_desc_destroy(pd);
    TRY(st, "a reorder");
    st = dnnl_memory_create(&from, plain, en, (void *)(uintptr_t)weights);
    if (st == dnnl_success) {
        dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        st = dnnl_primitive_execute(reorder, l->d->stream, 2, args);
        if (st == dnnl_success)
            st = dnnl_stream_wait(l->d->stream);
        dnnl_memory_destroy(from);
    }
    dnnl_primitive_destroy(reorder);
    TRY(st, "a reorder");
    return 0;
}

static int packed_fill(struct weft_dnn_linear *l, const float *weights, struct weft_dnn_packed *p, struct weft_err *e)
{
    onednn_own_md plain = NULL;
    dnnl_status_t st =
        onednn_md_new(&plain, 2, (dnnl_dims_t){(dnnl_dim_t)l->spec.in, (dnnl_dim_t)l->spec.out}, dnnl_f32, dnnl_ba);
    if (st != dnnl_success)
        onednn_md_free(plain);
    TRY(st, "weights of this size");
    int rc = packed_reorder(l, plain, weights, p->weights, e);
    onednn_md_free(plain);
    return rc;
}

int weft_dnn_linear_pack(struct weft_dnn_linear *l, const float *weights, const float *bias,
                         struct weft_dnn_packed **out, struct weft_err *e)
{
    struct weft_dnn_packed *p = WEFT_NEW(struct weft_dnn_packed);
    *out = p;
    if (owned_memory(l->d, linear_weights(l), &p->room[0], &p->weights, e) < 0 ||
        owned_memory(l->d, l->md[WIDEST][BIAS], &p->room[1], &p->bias, e) < 0 || packed_fill(l, weights, p, e) < 0) {
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
        while (size > 0 && group_rows[size] > weft_dnn_rows(rows - i))
            size--;
        rc = linear_group(l, size, p, (const uint8_t *)src + i * in, (uint8_t *)dst + i * out, e);
        i += group_rows[size];
    }
    omp_set_num_threads(threads);
    return rc;
}
