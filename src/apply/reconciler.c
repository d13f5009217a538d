/* reconciler.c - sheets of base forecasts, the variances that weigh them, and what becomes of them. */
#include "apply/reconciler.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/reconcile.h"

const char *const weft_reconcile_names[WEFT_RECONCILE_METHODS] = {"none", "bottom-up", "top-down",
                                                                  "ols",  "wls",       "wls-var"};

struct weft_reconciler {
    const struct weft_hierarchy *h;
    struct weft_tree tree;
    struct weft_forecasts_attrs attrs; /* those of h */
    struct weft_forecasts f;
    size_t windows, horizon;
    float *base, *result; /* [nodes, windows, horizon] */
    bool covariance;      /* has every node one? */
    double *variance;     /* [horizon, nodes]: diagonals of the covariances */
    double *naive;        /* [nodes]: squares of the seasonal naive errors */
    double *leaves;       /* [nodes]: below each */
    double *weights;      /* [nodes]: variances of one step, all above 0 */
    double *x, *y, *room; /* [nodes], [nodes], [3 nodes] */
    float *rounded;       /* [nodes] */
    bool *missing;        /* [nodes]: is a forecast of its tree missing? */
};

struct weft_reconciler *weft_reconciler_new(const struct weft_hierarchy *h)
{
    struct weft_reconciler *s = WEFT_NEW(struct weft_reconciler);
    s->h = h;
    size_t n = weft_hierarchy_nodes(s->h), *children = WEFT_ARRAY(size_t, n + 1);
    weft_tree_count(n, weft_hierarchy_parents(s->h), children);
    s->tree = (struct weft_tree){n, weft_hierarchy_parents(s->h), children};
    s->attrs = *weft_hierarchy_attrs(s->h);
    s->horizon = (size_t)s->attrs.horizon;
    s->variance = WEFT_ARRAY(double, n * s->horizon + 1);
    s->naive = WEFT_ARRAY(double, n + 1);
    s->leaves = WEFT_ARRAY(double, n + 1);
    s->weights = WEFT_ARRAY(double, n + 1);
    s->x = WEFT_ARRAY(double, n + 1);
    s->y = WEFT_ARRAY(double, n + 1);
    s->room = WEFT_ARRAY(double, 3 * n + 1);
    s->rounded = WEFT_ARRAY(float, n + 1);
    s->missing = WEFT_ARRAY(bool, n + 1);
    weft_tree_leaves(&s->tree, s->leaves);
    return s;
}

void weft_reconciler_free(struct weft_reconciler **rp)
{
    struct weft_reconciler *s = *rp;
    if (!s)
        return;
    free((void *)(uintptr_t)s->tree.children);
    free(s->base);
    free(s->result);
    free(s->variance);
    free(s->naive);
    free(s->leaves);
    free(s->weights);
    free(s->x);
    free(s->y);
    free(s->room);
    free(s->rounded);
    free(s->missing);
    weft_forecasts_free(&s->f);
    free(s);
    *rp = NULL;
}

const float *weft_reconciler_base(const struct weft_reconciler *r, size_t node)
{
    return r->base + node * r->windows * r->horizon;
}

const float *weft_reconciler_result(const struct weft_reconciler *r, size_t node)
{
    return r->result + node * r->windows * r->horizon;
}

/* --- one sheet --- */

static void *fresh(void *old, size_t count, size_t size)
{
    free(old);
    return weft_xcalloc(count + 1, size);
}

static void make_room(struct weft_reconciler *s)
{
    size_t n = s->tree.n, cells = n * s->windows * s->horizon;
    s->base = fresh(s->base, cells, sizeof *s->base);
    s->result = fresh(s->result, cells, sizeof *s->result);
}

/* Base forecasts of all nodes, and what their frames say of the variances of their errors. */
int weft_reconciler_load(struct weft_reconciler *s, size_t sheet, struct weft_err *e)
{
    const struct weft_span *frames = weft_hierarchy_frames(s->h, sheet);
    const struct weft_forecasts *f = &s->f;
    size_t n = s->tree.n;
    s->covariance = true;
    for (size_t i = 0; i < n; i++) {
        if (weft_forecasts_read(frames[i], &s->attrs, &s->f, e) < 0)
            return -1;
        if (!i) {
            s->windows = f->windows;
            make_room(s);
        }
        size_t cells = s->windows * s->horizon;
        memcpy(s->base + i * cells, f->forecast, cells * sizeof *s->base);
        s->naive[i] = isfinite(f->naive[2]) ? f->naive[2] * f->naive[2] : f->naive[1];
        s->covariance &= f->covariance != NULL;
        for (size_t k = 0; k < s->horizon && f->covariance; k++)
            s->variance[k * n + i] = f->covariance[k * s->horizon + k];
    }
    return 0;
}

/* Variances of step k. One that is not known, or 0 (an item that never sold), would give a node no say or all of it: a
 * small part of the largest then. */
static const double *weigh(struct weft_reconciler *s, enum weft_reconcile_method m, size_t k)
{
    const double *from = s->covariance ? s->variance + k * s->tree.n : s->naive;
    if (m == WEFT_RECONCILE_WLS)
        from = s->leaves;
    double top = 0;
    if (m == WEFT_RECONCILE_OLS)
        return NULL;
    for (size_t i = 0; i < s->tree.n; i++)
        top = isfinite(from[i]) && from[i] > top ? from[i] : top;
    for (size_t i = 0; i < s->tree.n; i++)
        s->weights[i] = from[i] > top * 1e-9 && isfinite(from[i]) ? from[i] : top * 1e-9;
    if (!(top > 0))
        memcpy(s->weights, s->leaves, s->tree.n * sizeof *s->weights);
    return s->weights;
}

static void solve(struct weft_reconciler *s, enum weft_reconcile_method m, const double *weights, bool clip)
{
    if (m == WEFT_RECONCILE_BOTTOM_UP)
        weft_reconcile_bottom_up(&s->tree, s->x, s->y);
    else if (m == WEFT_RECONCILE_TOP_DOWN)
        weft_reconcile_top_down(&s->tree, s->x, s->y, s->room);
    else
        weft_reconcile_wls(&s->tree, s->x, weights, s->y, s->room);
    if (clip)
        weft_reconcile_clip(&s->tree, s->y);
}

/* Takes cell c of every node into x. A tree in which one forecast is missing has none: missing[], and zeros for the
 * time being. */
static void gather(struct weft_reconciler *s, size_t c)
{
    size_t n = s->tree.n, cells = s->windows * s->horizon;
    for (size_t i = 0; i < n; i++) {
        s->x[i] = s->base[i * cells + c];
        s->missing[i] = !isfinite(s->x[i]);
    }
    for (size_t i = n; i-- > 0;)
        if (s->tree.parent[i] != SIZE_MAX)
            s->missing[s->tree.parent[i]] |= s->missing[i];
    for (size_t i = 0; i < n; i++) {
        if (s->tree.parent[i] != SIZE_MAX)
            s->missing[i] = s->missing[s->tree.parent[i]];
        s->x[i] = s->missing[i] ? 0 : s->x[i];
    }
}

int weft_reconciler_run(struct weft_reconciler *s, enum weft_reconcile_method m, bool clip, struct weft_err *e)
{
    size_t n = s->tree.n, cells = s->windows * s->horizon;
    if (m == WEFT_RECONCILE_NONE) {
        memcpy(s->result, s->base, n * cells * sizeof *s->base);
        return 0;
    }
    for (size_t k = 0; k < s->horizon; k++) {
        const double *weights = weigh(s, m, k);
        for (size_t c = k; c < cells; c += s->horizon) {
            gather(s, c);
            solve(s, m, weights, clip);
            if (!weft_reconcile_round(&s->tree, s->y, s->rounded, s->room))
                return weft_fail(e, WEFT_DATA, "forecasts too large to be added up in float32");
            for (size_t i = 0; i < n; i++)
                s->result[i * cells + c] = s->missing[i] ? NAN : s->rounded[i];
        }
    }
    return 0;
}
