/* rank_quality.c - Spearman, NDCG, hit rate and regret of an order, with ties in expectation. */
#include "measure/rank_quality.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

/* Groups from the largest number to the least. Equal numbers stand in the order of the groups, which decides nothing:
 * they are only looked at together. */
struct place {
    double x;
    size_t group;
};

static int descending(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    if (p->x != q->x)
        return p->x < q->x ? 1 : -1;
    return (p->group > q->group) - (p->group < q->group);
}

static struct place *sorted(const double *x, size_t n)
{
    struct place *at = WEFT_ARRAY(struct place, n);
    for (size_t i = 0; i < n; i++)
        at[i] = (struct place){x[i], i};
    weft_sort(at, n, sizeof *at, descending);
    return at;
}

/* One behind the last place that has the number of place i. */
static size_t run_end(const struct place *at, size_t n, size_t i)
{
    double x = at[i].x;
    while (i < n && !(at[i].x < x))
        i++;
    return i;
}

/* rank[group] counted from 0, equal numbers sharing the mean of their places. */
static void mean_ranks(const struct place *at, size_t n, double *rank)
{
    for (size_t i = 0, end; i < n; i = end) {
        end = run_end(at, n, i);
        for (size_t k = i; k < end; k++)
            rank[at[k].group] = (double)(i + end - 1) / 2;
    }
}

static double correlation(const double *a, const double *b, size_t n)
{
    double mean = (double)(n - 1) / 2, ab = 0, aa = 0, bb = 0;
    if (n < 2)
        return NAN;
    for (size_t i = 0; i < n; i++) {
        ab += (a[i] - mean) * (b[i] - mean);
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static double spearman(const struct place *p, const struct place *q, size_t n)
{
    double *rank = WEFT_ARRAY(double, 2 * n);
    mean_ranks(p, n, rank);
    mean_ranks(q, n, rank + n);
    double r = correlation(rank, rank + n, n);
    free(rank);
    return r;
}

/* Expected discounted gain of the first `top` places. */
static double discounted(const struct place *at, size_t n, size_t top, const double *became, double least)
{
    double sum = 0;
    for (size_t i = 0, end; i < n && i < top; i = end) {
        double gain = 0, weight = 0;
        end = run_end(at, n, i);
        for (size_t k = i; k < end; k++) {
            gain += became[at[k].group] - least;
            weight += k < top ? 1 / log2((double)k + 2) : 0;
        }
        sum += gain / (double)(end - i) * weight;
    }
    return sum;
}

/* chance[group] of standing among the first `top`. */
static void chances(const struct place *at, size_t n, size_t top, double *chance)
{
    for (size_t i = 0, end; i < n; i = end) {
        end = run_end(at, n, i);
        double free_places = i < top ? (double)(top - i) : 0, share = free_places / (double)(end - i);
        for (size_t k = i; k < end; k++)
            chance[at[k].group] = share < 1 ? share : 1;
    }
}

static double hit_rate(const struct place *p, const struct place *q, size_t n, size_t top)
{
    double *chance = WEFT_ARRAY(double, 2 * n), sum = 0;
    top = top < n ? top : n;
    chances(p, n, top, chance);
    chances(q, n, top, chance + n);
    for (size_t i = 0; i < n; i++)
        sum += chance[i] * chance[n + i];
    free(chance);
    return sum / (double)top;
}

void weft_rank_quality_of(const double *predicted, const double *became, size_t n, size_t ndcg_top, size_t hits_top,
                          struct weft_rank_quality *out)
{
    *out = (struct weft_rank_quality){NAN, NAN, NAN, NAN, NAN};
    if (!n)
        return;
    struct place *p = sorted(predicted, n), *q = sorted(became, n);
    double least = q[n - 1].x, ideal = discounted(q, n, ndcg_top, became, least), first = 0, error = 0;
    size_t tied = run_end(p, n, 0);
    for (size_t i = 0; i < tied; i++)
        first += became[p[i].group];
    for (size_t i = 0; i < n; i++)
        error += fabs(predicted[i] - became[i]);
    out->spearman = spearman(p, q, n);
    out->ndcg = ideal > 0 ? discounted(p, n, ndcg_top, became, least) / ideal : 1;
    out->hits = hit_rate(p, q, n, hits_top);
    out->regret = q[0].x - first / (double)tied;
    out->error = error / (double)n;
    free(p);
    free(q);
}
