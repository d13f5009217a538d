/* reconcile.h - forecasts of a hierarchy made to add up: every parent the sum of its children.
 *
 * Definitions: Hyndman and Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), chapter 11; Wickramasuriya,
 * Athanasopoulos and Hyndman (2019). Reconciled forecasts are S (S' W^-1 S)^-1 S' W^-1 of the base forecasts, S the
 * matrix that sums leaves to nodes, W the covariance of the base forecasts' errors. With W diagonal and S of a strict
 * tree no matrix is needed: a tree is walked up and down once, O(nodes). All sums are float64 in a fixed order. */
#ifndef WEFT_RECONCILE_H
#define WEFT_RECONCILE_H

#include <stdbool.h>
#include <stddef.h>

/* One or more trees. Parents stand before their children: parent[i] < i. */
struct weft_tree {
    size_t n;
    const size_t *parent;   /* [n]; SIZE_MAX: a root */
    const size_t *children; /* [n]: how many; 0: a leaf */
};
/* children[n] from tree->parent. */
void weft_tree_count(size_t n, const size_t *parent, size_t *children);
/* leaves[n]: leaves below each node, 1 for a leaf: the variances of structural scaling (wls_struct), diag(S 1). */
void weft_tree_leaves(const struct weft_tree *t, double *leaves);

/* In all of these: base[n] forecasts of every node, finite; y[n] the result (may not be base); room[3 n] to work in. */

/* Leaves as they are, everything above as sums. */
void weft_reconcile_bottom_up(const struct weft_tree *t, const double *base, double *y);
/* Roots as they are; every node shares its value among its children in proportion to their base forecasts, equally
 * where these do not sum to more than 0 (forecast proportions: Athanasopoulos, Ahmed and Hyndman 2009). */
void weft_reconcile_top_down(const struct weft_tree *t, const double *base, double *y, double *room);
/* Weighted least squares: variance[n] > 0 of the base forecasts' errors; NULL: all alike (ordinary least squares). */
void weft_reconcile_wls(const struct weft_tree *t, const double *base, const double *variance, double *y, double *room);

/* Leaves below 0 become 0, and everything above the sum of its leaves. */
void weft_reconcile_clip(const struct weft_tree *t, double *y);

/* Rounds y (which adds up but for the last bits) to float32 so that the sums are exact: the children's float32 values
 * add up to their parent's without any rounding, in whatever order. Without a negative leaf, children are multiples of
 * a power of two of at most 2^-22 of their parent, and a value moves by no more than that at each level above it, in
 * proportion to its size; none becomes negative. With one, all leaves of a tree are multiples of a power of two of at
 * most 2^-22 of the sum of their absolute values. False: a value is beyond float32 (out is then not to be used). */
bool weft_reconcile_round(const struct weft_tree *t, const double *y, float *out, double *room);

#endif
