/* rank_quality.h - how well predicted numbers put groups in order, against what the numbers became.
 *
 * Where predictions are equal every order among them is as likely as any other, and a measure is its expectation over
 * these orders, exactly. So equal predictions throughout give what drawing lots gives, without drawing one, and no
 * result hangs on the order of the groups. Sources: Spearman's rank correlation with mean ranks (as
 * scipy.stats.spearmanr); NDCG with linear gains and discounts 1 / log2(1 + place), Jarvelin and Kekalainen 2002, ties
 * averaged as McSherry and Najork 2008 (as sklearn.metrics.ndcg_score). */
#ifndef WEFT_RANK_QUALITY_H
#define WEFT_RANK_QUALITY_H

#include <stddef.h>

struct weft_rank_quality {
    double spearman; /* -1 .. 1; 0 when the numbers of one side are all equal; NaN for fewer than two groups */
    double ndcg;   /* 0 .. 1, of the first ndcg_top places; a group's gain is its number minus the least one; 1 when all
                      became equal */
    double hits;   /* share of the hits_top largest that stands among the hits_top predicted largest */
    double regret; /* the largest number minus that of the group predicted first */
    double error;  /* mean of |predicted - became| */
};
/* predicted, became [n], all finite. With fewer groups than places, there are so many places. n == 0: all NaN. */
void weft_rank_quality_of(const double *predicted, const double *became, size_t n, size_t ndcg_top, size_t hits_top,
                          struct weft_rank_quality *out);

#endif
