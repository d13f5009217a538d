/* reconcile.c - forecasts of a hierarchy made to add up, by walks over the tree. */
#include "model/reconcile.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

void weft_tree_count(size_t n, const size_t *parent, size_t *children)
{
    memset(children, 0, n * sizeof *children);
    for (size_t i = 0; i < n; i++)
        if (parent[i] != SIZE_MAX)
            children[parent[i]]++;
}

/* Inner nodes become the sums of their children. */
static void sum_up(const struct weft_tree *t, double *y)
{
    for (size_t i = 0; i < t->n; i++)
        y[i] = t->children[i] ? 0 : y[i];
    for (size_t i = t->n; i-- > 0;)
        if (t->parent[i] != SIZE_MAX)
            y[t->parent[i]] += y[i];
}

void weft_tree_leaves(const struct weft_tree *t, double *leaves)
{
    for (size_t i = 0; i < t->n; i++)
        leaves[i] = 1;
    sum_up(t, leaves);
}

void weft_reconcile_bottom_up(const struct weft_tree *t, const double *base, double *y)
{
    memcpy(y, base, t->n * sizeof *y);
    sum_up(t, y);
}

void weft_reconcile_clip(const struct weft_tree *t, double *y)
{
    for (size_t i = 0; i < t->n; i++)
        y[i] = y[i] > 0 ? y[i] : 0;
    sum_up(t, y);
}

void weft_reconcile_top_down(const struct weft_tree *t, const double *base, double *y, double *room)
{
    double *sum = room; /* of the children's base forecasts */
    memset(sum, 0, t->n * sizeof *sum);
    for (size_t i = 0; i < t->n; i++)
        if (t->parent[i] != SIZE_MAX)
            sum[t->parent[i]] += base[i];
    for (size_t i = 0; i < t->n; i++) {
        size_t p = t->parent[i];
        y[i] = p == SIZE_MAX ? base[i] : y[p] * (sum[p] > 0 ? base[i] / sum[p] : 1 / (double)t->children[p]);
    }
}

/* Up: y[i] becomes the best estimate of node i that its own base forecast and those below it give, var[i] its variance.
 * The estimate from below is the sum of the children's, with the sum of their variances; it and the base forecast are
 * averaged with weights 1 / variance. Down: what a node's final value has more than its children's estimates is shared
 * among them in proportion to their variances. */
void weft_reconcile_wls(const struct weft_tree *t, const double *base, const double *variance, double *y, double *room)
{
    double *var = room, *below = room + t->n, *var_below = room + 2 * t->n;
    memset(below, 0, 2 * t->n * sizeof *below);
    for (size_t i = t->n; i-- > 0;) {
        double v = variance ? variance[i] : 1, vb = var_below[i];
        y[i] = t->children[i] ? (below[i] * v + base[i] * vb) / (v + vb) : base[i];
        var[i] = t->children[i] ? v * vb / (v + vb) : v;
        if (t->parent[i] != SIZE_MAX) {
            below[t->parent[i]] += y[i];
            var_below[t->parent[i]] += var[i];
        }
    }
    for (size_t i = 0; i < t->n; i++) {
        size_t p = t->parent[i];
        if (p != SIZE_MAX)
            y[i] += (y[p] - below[p]) * var[i] / var_below[p];
    }
}

/* The power of two whose multiples up to 2 a are float32 numbers. */
static double grid(double a)
{
    int e;
    (void)frexp(a, &e);
    return a > 0 ? ldexp(1, e - 23 > -149 ? e - 23 : -149) : 1;
}

/* One grid for a whole tree, that of all its leaves together: then nothing needs to be shared out. */
static void round_signed(const struct weft_tree *t, const double *y, float *out, double *size, double *sum)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->parent[i] != SIZE_MAX)
            size[i] = size[t->parent[i]];
        sum[i] = nearbyint(y[i] / grid(size[i])) * grid(size[i]);
    }
    sum_up(t, sum);
    for (size_t i = 0; i < t->n; i++)
        out[i] = (float)sum[i];
}

/* From the top: a node's float32 is shared among its children in proportion to their values; the running sum of the
 * shares is what is rounded, so that its steps are multiples of the node's grid and the last one arrives at the node's
 * float32 itself. No child is larger than its parent: every multiple is a float32. No grid is coarser than the
 * parent's: what a node got is a multiple of its own. */
static void round_shares(const struct weft_tree *t, float *out, const double *size, double *run, double *q)
{
    memset(run, 0, t->n * sizeof *run);
    for (size_t i = 0; i < t->n; i++) {
        size_t p = t->parent[i];
        double own = grid(size[i]);
        if (p == SIZE_MAX) {
            out[i] = (float)(nearbyint(size[i] / own) * own);
        } else {
            double before = nearbyint(run[p] / q[p]);
            run[p] += size[p] > 0 ? out[p] * (size[i] / size[p]) : 0;
            out[i] = (float)((nearbyint(run[p] / q[p]) - before) * q[p]);
            own = grid(out[i] > size[i] ? out[i] : size[i]);
        }
        q[i] = p != SIZE_MAX && q[p] < own ? q[p] : own;
    }
}

bool weft_reconcile_round(const struct weft_tree *t, const double *y, float *out, double *room)
{
    double *size = room; /* sums of the leaves' absolute values */
    bool negative = false;
    for (size_t i = 0; i < t->n; i++) {
        size[i] = fabs(y[i]);
        negative |= !t->children[i] && y[i] < 0;
    }
    sum_up(t, size);
    for (size_t i = 0; i < t->n; i++)
        if (!(size[i] < FLT_MAX / 4))
            return false;
    if (negative)
        round_signed(t, y, out, size, room + t->n);
    else
        round_shares(t, out, size, room + t->n, room + 2 * t->n);
    return true;
}
