/* demand_folds.h - the products of a training by folds: what is predicted by models that did not see it.
 *
 * Without a key the products held out are the one fold. When whole values of a key are held out (valid_by), few of them
 * say little of the next one: the other values are dealt to up to four more folds, in the order of their hashes, and a
 * fold is predicted by models that learned from all products of other folds. */
#ifndef WEFT_DEMAND_FOLDS_H
#define WEFT_DEMAND_FOLDS_H

#include "train/demand_data.h"

enum { WEFT_DEMAND_FOLDS = 5 };

struct weft_demand_folds {
    size_t n;        /* folds 0 .. n - 1; 0: nothing is held out */
    uint8_t *of;     /* [products]; 0: held out of the model itself; WEFT_DEMAND_FOLDS: never predicted */
    uint32_t *group; /* [products]: those of one value of the key; without a key each product by itself */
    size_t groups;
};
/* several: as above; else the products held out are the one fold, key or not. */
void weft_demand_folds_make(const struct weft_demand_set *d, bool several, struct weft_demand_folds *f);
void weft_demand_folds_free(struct weft_demand_folds *f);
/* The products of a fold (or of all other ones) to at[products], in their order; returns how many. */
size_t weft_demand_folds_in(const struct weft_demand_folds *f, size_t products, size_t fold, uint32_t *at);
size_t weft_demand_folds_out(const struct weft_demand_folds *f, size_t products, size_t fold, uint32_t *at);

/* Errors of products, each of one group (a value of the key). */
struct weft_demand_errors {
    size_t n, groups;
    double *of;      /* [n] */
    uint32_t *group; /* [n], below groups */
};
/* How much further than pooled errors those of a value of the key that was never met reach, for 90 % intervals: its own
 * mean is drawn from a distribution of which a few values are known. Variances between and within values by analysis of
 * variance (one way, unbalanced: Searle, Casella & McCulloch 1992, 3.6); Student's t with Satterthwaite's freedom
 * (1946):
 *
 *     t sqrt((between (1 + 1 / values) + within) / all) / 1.645
 *
 * 1 when each product is a group of its own; NaN with fewer than two groups. */
double weft_demand_widening(const struct weft_demand_errors *x);

#endif
