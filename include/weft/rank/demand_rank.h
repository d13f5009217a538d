/* demand_rank.h - products ordered by what is predicted for them, with the growth of their category where it is known.
 *
 * Without growth a product's outlook is its predicted quantity; with it, the quantity times the growth index of its
 * group (1 for a group that the ranking does not have). Products of one outlook stand in the order of their ids. */
#ifndef WEFT_DEMAND_RANK_H
#define WEFT_DEMAND_RANK_H

#include "record/predictions.h"
#include "show/table.h"

struct weft_demand_ranking;

struct weft_demand_rank_options {
    const char *model;   /* NULL: the first one */
    const char *label;   /* a quantity; NULL: the model's last one */
    const char *key;     /* of products, that names their group; NULL: the growth ranking's own, or category */
    const char *growth;  /* a ranking stream (rank --format frames), or NULL */
    const char *channel; /* of it; NULL: the first that comes */
};
/* attrs and options must outlive it. 78 when the stream has no such model, quantity or key. */
int weft_demand_ranking_new(const struct weft_predictions_attrs *a, const struct weft_demand_rank_options *o,
                            const struct weft_stream_opts *stream, struct weft_demand_ranking **out,
                            struct weft_err *e) WEFT_MUST_USE;
void weft_demand_ranking_free(struct weft_demand_ranking **r);
/* Copies what it needs; frames of other models are left out. */
void weft_demand_ranking_add(struct weft_demand_ranking *r, const struct weft_prediction *p);
/* Orders the products and adds columns and rows to t: the first `top` (0: all). Returns how many products there are. */
size_t weft_demand_ranking_table(struct weft_demand_ranking *r, size_t top, struct weft_table *t);
/* Products whose group the growth ranking did not have. */
uint64_t weft_demand_ranking_unknown(const struct weft_demand_ranking *r);

#endif
