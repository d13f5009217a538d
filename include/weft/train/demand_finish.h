/* demand_finish.h - what is found once the garment network is trained: the linear head, its share in each head's
 * predictions, and what makes means and intervals of quantities.
 *
 * The linear head is fitted on the products to train on, for each head with the strength out of {100, 30, 10, 3, 1,
 * 0.3, 0.1, 0.03, 0.01} that has the least loss (of classes: fewest wrong, then the least cross-entropy) on those held
 * out (1 without any). mix and heat are those with the least loss there: mix of a quantity in closed form, for classes
 * mix out of {0, 0.1 … 1} and heat out of {0.5, 0.7, 1, 1.4, 2, 2.8, 4} (0.5 and 1 without products held out). smear:
 * sum of 1 + x over sum of exp(predicted log). low and high: the 5th and 95th per cent of errors on n >= 19 products
 * held out, with n + 1 in place of n (split conformal); else not known. */
#ifndef WEFT_DEMAND_FINISH_H
#define WEFT_DEMAND_FINISH_H

#include "train/demand_data.h"

enum { WEFT_DEMAND_LINEAR_MAX = 200 }; /* classes of a head; a model with more of them has no linear head */

struct weft_demand_finish {
    struct weft_demand_set *set;
    struct weft_demand *net;
    struct weft_par *par;
    bool linear, alone; /* alone: its share is all */
    const uint32_t *at; /* [n] the products held out, or those learned from when there are none */
    size_t n;
    float *out; /* [n, out]: what the network says of them; becomes what the model says */
};
int weft_demand_finish(struct weft_demand_finish *f, struct weft_err *e) WEFT_MUST_USE;

#endif
