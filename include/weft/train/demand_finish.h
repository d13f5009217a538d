/* demand_finish.h - what is found once the garment network is trained: the linear head, its share in each head's
 * predictions, and what makes means and intervals of quantities.
 *
 * The linear head is fitted on the products to train on, for each head with the strength out of {100, 30, 10, 3, 1,
 * 0.3, 0.1, 0.03, 0.01} that has the least loss (of classes: fewest wrong, then the least cross-entropy) over the folds
 * (demand_folds.h; 1 without any). mix and heat are those with the least loss there: mix of a quantity in closed form,
 * for classes mix out of {0, 0.1 ... 1} and heat out of {0.5, 0.7, 1, 1.4, 2, 2.8, 4} (0.5 and 1 without folds). Where
 * folds are of whole values of a key, mix is shrunk toward 1/2: (values * mix + 10 * 1/2) / (values + 10).
 *
 * smear: sum of 1 + x over sum of exp(predicted log). low and high: the 5th and 95th per cent of errors on n >= 19
 * products of folds, with n + 1 in place of n (split conformal); else not known. Of whole values of a key they lie
 * further from the mean error, as a variance between values and few of them ask for: by t sqrt((between (1 + 1 /
 * values)
 * + within) / all) / 1.645. */
#ifndef WEFT_DEMAND_FINISH_H
#define WEFT_DEMAND_FINISH_H

#include "train/demand_folds.h"

enum { WEFT_DEMAND_LINEAR_MAX = 200 }; /* classes of a head; a model with more of them has no linear head */

struct weft_demand_finish {
    struct weft_demand_set *set;
    struct weft_demand *net;
    struct weft_par *par;
    bool linear, alone; /* alone: its share is all */
    const struct weft_demand_folds *folds;
    const uint32_t *at; /* [n] the products of the folds, or all when there are none */
    size_t n;
    float *out;    /* [n, out]: what networks say of them that did not see them; changes */
    size_t groups; /* its own: how many of folds->groups they are of */
};
int weft_demand_finish(struct weft_demand_finish *f, struct weft_err *e) WEFT_MUST_USE;

#endif
