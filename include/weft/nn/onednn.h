/* onednn.h - oneDNN as src/nn/dnn*.c see it, and nobody else: the only file that includes its header.
 *
 * They are written for oneDNN 3 (Debian 13), where a primitive's descriptor is made in one call and layouts are
 * handles. Under oneDNN 2 (Debian 12) the same calls are made here out of its two steps. What the two do differently: a
 * handle is a pointer to 2's struct, and the scale and shift of a batch normalisation lie in one tensor under 2, in one
 * each under 3. */
#ifndef WEFT_ONEDNN_H
#define WEFT_ONEDNN_H

#include <dnnl.h>
#include <stdlib.h>

#include "base/err.h"

/* Debian's oneDNN runs on GNU OpenMP; gcc's and clang's <omp.h> are not both installed, so its two functions are
 * declared here. */
void omp_set_num_threads(int n);
int omp_get_max_threads(void);

struct weft_dnn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

int weft_onednn_fail(struct weft_err *e, dnnl_status_t s, const char *what);
#define TRY(call, what)                                                                                                \
    do {                                                                                                               \
        dnnl_status_t status_ = (call);                                                                                \
        if (status_ != dnnl_success)                                                                                   \
            return weft_failed(weft_onednn_fail(e, status_, what));                                                    \
    } while (0)

#if DNNL_VERSION_MAJOR >= 3

typedef const_dnnl_memory_desc_t onednn_md; /* a layout that somebody else owns */
typedef dnnl_memory_desc_t onednn_own_md;   /* one to be freed; NULL is none */

static inline dnnl_status_t onednn_md_new(onednn_own_md *out, int rank, const dnnl_dim_t *dims, dnnl_data_type_t t,
                                          dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(out, rank, dims, t, tag);
}

static inline void onednn_md_free(onednn_own_md md)
{
    if (md != NULL)
        dnnl_memory_desc_destroy(md);
}

static inline int onednn_md_rank(onednn_md md)
{
    int n = 0;
    return dnnl_memory_desc_query(md, dnnl_query_ndims_s32, &n) == dnnl_success ? n : 0;
}

static inline size_t onednn_md_dim(onednn_md md, int i)
{
    const dnnl_dims_t *dims = NULL;
    return i < onednn_md_rank(md) && dnnl_memory_desc_query(md, dnnl_query_dims, &dims) == dnnl_success
               ? (size_t)(*dims)[i]
               : 0;
}

static inline dnnl_status_t onednn_append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
}

static inline dnnl_status_t onednn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind)
{
    return dnnl_post_ops_append_eltwise(ops, kind, 0.0f, 0.0f);
}

enum { ONEDNN_NORM_TENSORS = 2 };
static const unsigned onednn_norm_flags = dnnl_use_scale | dnnl_use_shift;
static const int onednn_norm_arg[2] = {DNNL_ARG_SCALE, DNNL_ARG_SHIFT};
static const int onednn_norm_diff_arg[2] = {DNNL_ARG_DIFF_SCALE, DNNL_ARG_DIFF_SHIFT};

#else /* oneDNN 2 */

typedef const dnnl_memory_desc_t *onednn_md;
typedef dnnl_memory_desc_t *onednn_own_md;

static inline dnnl_status_t onednn_md_new(onednn_own_md *out, int rank, const dnnl_dim_t *dims, dnnl_data_type_t t,
                                          dnnl_format_tag_t tag)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? dnnl_out_of_memory : dnnl_memory_desc_init_by_tag(*out, rank, dims, t, tag);
}

static inline void onednn_md_free(onednn_own_md md)
{
    free(md);
}

static inline int onednn_md_rank(onednn_md md)
{
    return md->ndims;
}

static inline size_t onednn_md_dim(onednn_md md, int i)
{
    return (size_t)md->dims[i];
}

static inline dnnl_status_t onednn_append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f);
}

static inline dnnl_status_t onednn_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind)
{
    return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, 0.0f, 0.0f);
}

enum { ONEDNN_NORM_TENSORS = 1 };
static const unsigned onednn_norm_flags = dnnl_use_scaleshift;
static const int onednn_norm_arg[1] = {DNNL_ARG_SCALE_SHIFT};
static const int onednn_norm_diff_arg[1] = {DNNL_ARG_DIFF_SCALE_SHIFT};

/* oneDNN 3's constructors: a descriptor of the operation, then one of the primitive. */
#define ONEDNN_TWO_STEPS(init)                                                                                         \
    dnnl_status_t st = (init);                                                                                         \
    return st == dnnl_success ? dnnl_primitive_desc_create(pd, &desc, attr, engine, hint) : st

static inline dnnl_status_t dnnl_convolution_forward_primitive_desc_create(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_prop_kind_t prop, dnnl_alg_kind_t kind, onednn_md src,
    onednn_md weights, onednn_md bias, onednn_md dst, const dnnl_dims_t strides, const dnnl_dims_t dilates,
    const dnnl_dims_t left, const dnnl_dims_t right, const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t desc;
    const_dnnl_primitive_desc_t hint = NULL;
    (void)dilates;
    ONEDNN_TWO_STEPS(
        dnnl_convolution_forward_desc_init(&desc, prop, kind, src, weights, bias, dst, strides, left, right));
}

static inline dnnl_status_t dnnl_convolution_backward_data_primitive_desc_create(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind, onednn_md diff_src, onednn_md weights,
    onednn_md diff_dst, const dnnl_dims_t strides, const dnnl_dims_t dilates, const dnnl_dims_t left,
    const dnnl_dims_t right, const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t desc;
    (void)dilates;
    ONEDNN_TWO_STEPS(
        dnnl_convolution_backward_data_desc_init(&desc, kind, diff_src, weights, diff_dst, strides, left, right));
}

static inline dnnl_status_t dnnl_convolution_backward_weights_primitive_desc_create(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind, onednn_md src, onednn_md diff_weights,
    onednn_md diff_bias, onednn_md diff_dst, const dnnl_dims_t strides, const dnnl_dims_t dilates,
    const dnnl_dims_t left, const dnnl_dims_t right, const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t desc;
    (void)dilates;
    ONEDNN_TWO_STEPS(dnnl_convolution_backward_weights_desc_init(&desc, kind, src, diff_weights, diff_bias, diff_dst,
                                                                 strides, left, right));
}

static inline dnnl_status_t
dnnl_batch_normalization_forward_primitive_desc_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                                       dnnl_prop_kind_t prop, onednn_md src, onednn_md dst, float eps,
                                                       unsigned flags, const_dnnl_primitive_attr_t attr)
{
    dnnl_batch_normalization_desc_t desc;
    const_dnnl_primitive_desc_t hint = NULL;
    (void)dst;
    ONEDNN_TWO_STEPS(dnnl_batch_normalization_forward_desc_init(&desc, prop, src, eps, flags));
}

static inline dnnl_status_t dnnl_batch_normalization_backward_primitive_desc_create(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_prop_kind_t prop, onednn_md diff_src, onednn_md diff_dst,
    onednn_md src, float eps, unsigned flags, const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr)
{
    dnnl_batch_normalization_desc_t desc;
    (void)diff_dst;
    ONEDNN_TWO_STEPS(dnnl_batch_normalization_backward_desc_init(&desc, prop, diff_src, src, eps, flags));
}

static inline dnnl_status_t dnnl_pooling_forward_primitive_desc_create(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_prop_kind_t prop, dnnl_alg_kind_t kind, onednn_md src,
    onednn_md dst, const dnnl_dims_t strides, const dnnl_dims_t kernel, const dnnl_dims_t dilates,
    const dnnl_dims_t left, const dnnl_dims_t right, const_dnnl_primitive_attr_t attr)
{
    dnnl_pooling_desc_t desc;
    const_dnnl_primitive_desc_t hint = NULL;
    (void)dilates;
    ONEDNN_TWO_STEPS(dnnl_pooling_forward_desc_init(&desc, prop, kind, src, dst, strides, kernel, left, right));
}

static inline dnnl_status_t dnnl_pooling_backward_primitive_desc_create(
    dnnl_primitive_desc_t *pd, dnnl_engine_t engine, dnnl_alg_kind_t kind, onednn_md diff_src, onednn_md diff_dst,
    const dnnl_dims_t strides, const dnnl_dims_t kernel, const dnnl_dims_t dilates, const dnnl_dims_t left,
    const dnnl_dims_t right, const_dnnl_primitive_desc_t hint, const_dnnl_primitive_attr_t attr)
{
    dnnl_pooling_desc_t desc;
    (void)dilates;
    ONEDNN_TWO_STEPS(dnnl_pooling_backward_desc_init(&desc, kind, diff_src, diff_dst, strides, kernel, left, right));
}

static inline dnnl_status_t dnnl_binary_primitive_desc_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                                              dnnl_alg_kind_t kind, onednn_md a, onednn_md b,
                                                              onednn_md dst, const_dnnl_primitive_attr_t attr)
{
    dnnl_binary_desc_t desc;
    const_dnnl_primitive_desc_t hint = NULL;
    ONEDNN_TWO_STEPS(dnnl_binary_desc_init(&desc, kind, a, b, dst));
}

static inline dnnl_status_t dnnl_eltwise_forward_primitive_desc_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                                                       dnnl_prop_kind_t prop, dnnl_alg_kind_t kind,
                                                                       onednn_md src, onednn_md dst, float alpha,
                                                                       float beta, const_dnnl_primitive_attr_t attr)
{
    dnnl_eltwise_desc_t desc;
    const_dnnl_primitive_desc_t hint = NULL;
    (void)dst;
    ONEDNN_TWO_STEPS(dnnl_eltwise_forward_desc_init(&desc, prop, kind, src, alpha, beta));
}

static inline dnnl_status_t dnnl_eltwise_backward_primitive_desc_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                                                        dnnl_alg_kind_t kind, onednn_md diff_src,
                                                                        onednn_md diff_dst, onednn_md data, float alpha,
                                                                        float beta, const_dnnl_primitive_desc_t hint,
                                                                        const_dnnl_primitive_attr_t attr)
{
    dnnl_eltwise_desc_t desc;
    (void)diff_dst;
    ONEDNN_TWO_STEPS(dnnl_eltwise_backward_desc_init(&desc, kind, diff_src, data, alpha, beta));
}

static inline dnnl_status_t dnnl_matmul_primitive_desc_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                                              onednn_md src, onednn_md weights, onednn_md bias,
                                                              onednn_md dst, const_dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t desc;
    const_dnnl_primitive_desc_t hint = NULL;
    ONEDNN_TWO_STEPS(dnnl_matmul_desc_init(&desc, src, weights, bias, dst));
}

#endif
#endif
