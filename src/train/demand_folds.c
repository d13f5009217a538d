/* demand_folds.c - the products of a training by folds. */
#include "train/demand_folds.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/student.h"

static size_t find_place(const uint64_t *sorted, size_t n, uint64_t place)
{
    const uint64_t *at = bsearch(&place, sorted, n, sizeof *sorted, weft_by_uint64);
    return (size_t)(at - sorted);
}

/* Values of the key in the order of their hashes, and each product's among them. */
static void group(const struct weft_demand_set *d, struct weft_demand_folds *f)
{
    uint64_t *sorted = WEFT_ARRAY(uint64_t, d->n + 1);
    memcpy(sorted, d->place, d->n * sizeof *sorted);
    weft_sort(sorted, d->n, sizeof *sorted, weft_by_uint64);
    for (size_t i = 0; i < d->n; i++)
        if (!f->groups || sorted[i] != sorted[f->groups - 1])
            sorted[f->groups++] = sorted[i];
    for (size_t i = 0; i < d->n; i++)
        f->group[i] = (uint32_t)find_place(sorted, f->groups, d->place[i]);
    free(sorted);
}

void weft_demand_folds_make(const struct weft_demand_set *d, bool several, struct weft_demand_folds *f)
{
    *f = (struct weft_demand_folds){
        .n = d->n_valid > 0, .of = WEFT_ARRAY(uint8_t, d->n + 1), .group = WEFT_ARRAY(uint32_t, d->n + 1)};
    memset(f->of, WEFT_DEMAND_FOLDS, d->n);
    for (size_t i = 0; i < d->n_valid; i++)
        f->of[d->valid[i]] = 0;
    for (size_t i = 0; i < d->n; i++)
        f->group[i] = (uint32_t)i;
    if (!d->valid_by || !d->n_valid) {
        f->groups = d->n;
        return;
    }
    group(d, f);
    /* Those held out have the smallest hashes. */
    size_t held = 0, more = WEFT_DEMAND_FOLDS - 1;
    for (size_t i = 0; i < d->n_valid; i++)
        held = f->group[d->valid[i]] + 1 > held ? f->group[d->valid[i]] + 1 : held;
    more = f->groups - held < more ? f->groups - held : more;
    if (!several || more < 2)
        return;
    for (size_t i = 0; i < d->n_train; i++)
        f->of[d->train[i]] = (uint8_t)(1 + (f->group[d->train[i]] - held) % more);
    f->n = 1 + more;
}

void weft_demand_folds_free(struct weft_demand_folds *f)
{
    free(f->of);
    free(f->group);
    memset(f, 0, sizeof *f);
}

static size_t choose(const struct weft_demand_folds *f, size_t products, size_t fold, bool in, uint32_t *at)
{
    size_t n = 0;
    for (size_t i = 0; i < products; i++)
        if ((f->of[i] == fold) == in)
            at[n++] = (uint32_t)i;
    return n;
}

size_t weft_demand_folds_in(const struct weft_demand_folds *f, size_t products, size_t fold, uint32_t *at)
{
    return choose(f, products, fold, true, at);
}

size_t weft_demand_folds_out(const struct weft_demand_folds *f, size_t products, size_t fold, uint32_t *at)
{
    return choose(f, products, fold, false, at);
}

/* --- errors of folds --- */

struct moments {
    double n, mean;
};

double weft_demand_widening(const struct weft_demand_errors *x)
{
    struct moments *m = WEFT_ARRAY(struct moments, x->groups + 1);
    double n = (double)x->n, groups = 0, mean = 0, within = 0, all = 0, between = 0, squares = 0;
    for (size_t i = 0; i < x->n; i++) {
        struct moments *g = &m[x->group[i]];
        groups += !(g->n > 0);
        g->mean += (x->of[i] - g->mean) / ++g->n;
        mean += x->of[i] / n;
    }
    for (size_t i = 0; i < x->n; i++) {
        double from = x->of[i] - m[x->group[i]].mean;
        within += from * from;
        all += (x->of[i] - mean) * (x->of[i] - mean) / n;
    }
    for (size_t g = 0; g < x->groups; g++) {
        between += m[g].n * (m[g].mean - mean) * (m[g].mean - mean);
        squares += m[g].n * m[g].n;
    }
    free(m);
    if (groups >= n || groups < 2 || !(all > 0))
        return groups < 2 ? NAN : 1;
    within /= n - groups;
    between = fmax(0, (between / (groups - 1) - within) * (groups - 1) / (n - squares / n)) * (1 + 1 / groups);
    double var = between + within;
    double freedom = var * var / (between * between / (groups - 1) + within * within / (n - groups));
    struct weft_student t = {.level = 0.9}, z = {.level = 0.9};
    return sqrt(var / all) * weft_student_width(&t, freedom) / weft_student_width(&z, INFINITY);
}
