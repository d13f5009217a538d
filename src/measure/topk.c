/* topk.c - chances to be among the k largest, by simulation. */
#include "measure/topk.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"

/* No normal number that weft_rng_normal makes is larger: sqrt(-2 log 2^-53) = 8.57. */
#define NORMAL_MAX 8.6
enum { DRAWS = 10000, DRAWS_LEAST = 1000, DRAWS_IN_ALL = 20000000 };

size_t weft_topk_draws(size_t n)
{
    size_t share = n ? DRAWS_IN_ALL / n : DRAWS;
    share = share > DRAWS_LEAST ? share : DRAWS_LEAST;
    return share < DRAWS ? share : DRAWS;
}

struct number {
    double mean, sd, most; /* the largest value that it can take */
    uint64_t stream;
    size_t i;
};

static int by_most(const void *a, const void *b)
{
    const struct number *x = a, *y = b;
    if (x->most != y->most)
        return x->most < y->most ? 1 : -1;
    return (x->i > y->i) - (x->i < y->i);
}

struct place {
    double value;
    uint64_t lot; /* of equal values the larger one goes first */
    size_t i;
};

static bool goes_before(const struct place *a, const struct place *b)
{
    if (a->value != b->value)
        return a->value > b->value;
    return a->lot != b->lot ? a->lot > b->lot : a->i < b->i;
}

/* The best so far, in order; a new one moves the others down. */
static size_t insert(struct place *best, size_t n, size_t k, struct place x)
{
    size_t at = n;
    while (at > 0 && goes_before(&x, &best[at - 1]))
        at--;
    if (at == k)
        return n;
    n = n < k ? n + 1 : k;
    for (size_t m = n - 1; m > at; m--)
        best[m] = best[m - 1];
    best[at] = x;
    return n;
}

void weft_topk_chances(size_t n, const double *mean, const double *sd, const uint64_t *stream, size_t k, size_t draws,
                       uint64_t seed, double *out)
{
    struct number *x = WEFT_ARRAY(struct number, n + 1);
    struct place *best = WEFT_ARRAY(struct place, k + 1);
    uint64_t *hits = WEFT_ARRAY(uint64_t, n + 1);
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(mean[i])) {
            double spread = isnan(sd[i]) ? 0 : sd[i];
            x[m++] = (struct number){mean[i], spread, mean[i] + NORMAL_MAX * spread, stream[i], i};
        }
    /* Those that can become large first: the rest of a draw need not be looked at. */
    weft_sort(x, m, sizeof *x, by_most);
    for (size_t d = 0; d < draws; d++) {
        size_t found = 0;
        for (size_t j = 0; j < m && k && !(found == k && x[j].most < best[k - 1].value); j++) {
            struct weft_rng r = weft_rng(seed, x[j].stream);
            r.index = 4 * d; /* a normal number takes four steps */
            struct place p = {.value = x[j].mean, .i = x[j].i};
            if (x[j].sd > 0)
                p.value += x[j].sd * weft_rng_normal(&r);
            else
                p.lot = weft_rng_u64(&r);
            found = insert(best, found, k, p);
        }
        for (size_t j = 0; j < found; j++)
            hits[best[j].i]++;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = isnan(mean[i]) || isnan(sd[i]) || !draws ? NAN : (double)hits[i] / (double)draws;
    free(hits);
    free(best);
    free(x);
}
