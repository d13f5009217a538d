/* growth_trial.c - growth indices of past origins against what came. */
#include "measure/growth_trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"

/* A group's name is its channel's number, then its text. */
struct weft_growth_trial {
    size_t origins, predictors, groups_max;
    struct weft_names groups;
    struct weft_growth_sums *sums; /* [groups, origins, predictors + 1]; the last: what came */
    size_t cap;
    bool given_up;
    char *name;
    size_t name_cap;
};

struct weft_growth_trial *weft_growth_trial_new(size_t origins, size_t predictors, size_t groups_max)
{
    struct weft_growth_trial *t = WEFT_NEW(struct weft_growth_trial);
    t->origins = origins;
    t->predictors = predictors;
    t->groups_max = groups_max;
    return t;
}

void weft_growth_trial_free(struct weft_growth_trial **tp)
{
    struct weft_growth_trial *t = *tp;
    if (!t)
        return;
    weft_names_free(&t->groups);
    free(t->sums);
    free(t->name);
    free(t);
    *tp = NULL;
}

/* The sums of a group: [origins, predictors + 1]; NULL when there are too many groups. */
static struct weft_growth_sums *find(struct weft_growth_trial *t, size_t channel, const void *group, size_t n)
{
    size_t bytes = sizeof channel + n, each = t->origins * (t->predictors + 1);
    if (bytes > t->name_cap)
        t->name = weft_xrealloc(t->name, t->name_cap = weft_grow(t->name_cap, bytes));
    memcpy(t->name, &channel, sizeof channel);
    memcpy(t->name + sizeof channel, group, n);
    size_t known = t->groups.n, i = weft_names_add(&t->groups, t->name, bytes);
    if (i == known && t->groups_max && weft_growth_trial_groups(t) > t->groups_max) {
        t->given_up = true;
        weft_names_free(&t->groups);
        free(t->sums);
        t->sums = NULL;
        return NULL;
    }
    if (i >= t->cap) {
        t->cap = weft_grow(t->cap, i + 1);
        t->sums = weft_xrealloc2(t->sums, t->cap, each * sizeof *t->sums);
    }
    if (i == known)
        memset(t->sums + i * each, 0, each * sizeof *t->sums);
    return t->sums + i * each;
}

void weft_growth_trial_add(struct weft_growth_trial *t, size_t channel, const void *group, size_t n, size_t origin,
                           const struct weft_growth_sums *said, const struct weft_growth_sums *became)
{
    struct weft_growth_sums *at = t->given_up ? NULL : find(t, channel, group, n);
    if (!at)
        return;
    at += origin * (t->predictors + 1);
    for (size_t p = 0; p < t->predictors; p++)
        weft_growth_sums_add(&at[p], &said[p]);
    weft_growth_sums_add(&at[t->predictors], became);
}

static size_t channel_of(const struct weft_growth_trial *t, size_t group)
{
    size_t channel;
    memcpy(&channel, t->groups.at[group].p, sizeof channel);
    return channel;
}

size_t weft_growth_trial_groups(const struct weft_growth_trial *t)
{
    size_t n = 0, first = t->groups.n ? channel_of(t, 0) : 0, channels = 1;
    if (t->given_up)
        return SIZE_MAX;
    for (size_t i = 0; i < t->groups.n; i++) {
        size_t c = channel_of(t, i);
        n += c == first;
        channels = c + 1 > channels ? c + 1 : channels;
    }
    if (channels == 1 || n == t->groups.n)
        return n;
    size_t *count = WEFT_ARRAY(size_t, channels);
    for (size_t i = 0; i < t->groups.n; i++)
        count[channel_of(t, i)]++;
    for (size_t c = 0; c < channels; c++)
        n = count[c] > n ? count[c] : n;
    free(count);
    return n;
}

/* --- one origin --- */

struct named {
    const char *name;
    size_t group;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* The groups of a channel in the order of their names, so that sums have one order. Returns their number. */
static size_t groups_of(const struct weft_growth_trial *t, size_t channel, struct named *out)
{
    size_t n = 0;
    for (size_t i = 0; i < t->groups.n; i++)
        if (channel_of(t, i) == channel)
            out[n++] = (struct named){t->groups.at[i].p + sizeof channel, i};
    weft_sort(out, n, sizeof *out, by_name);
    return n;
}

static const struct weft_growth_sums *sums_of(const struct weft_growth_trial *t, size_t group, size_t origin,
                                              size_t predictor)
{
    return &t->sums[(group * t->origins + origin) * (t->predictors + 1) + predictor];
}

/* The pseudo volume: a share of the mean over the groups that sell. */
static double pseudo_of(const struct weft_growth_trial *t, const struct named *at, size_t n, size_t origin,
                        size_t predictor, double shrink)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        double near = weft_growth_level(sums_of(t, at[i].group, origin, predictor));
        if (near > 0) {
            sum += near;
            count++;
        }
    }
    return count ? shrink * sum / (double)count : 0;
}

struct tally {
    struct weft_rank_quality sum;
    size_t origins, groups, held, inside;
    double width;
};

/* said, became: room for n numbers each. */
static void judge(const struct weft_growth_trial *t, const struct named *at, size_t n, size_t origin, size_t predictor,
                  double shrink, struct weft_student *width, double *said, double *became, struct tally *tally)
{
    bool lots = predictor == SIZE_MAX;
    double truth = pseudo_of(t, at, n, origin, t->predictors, shrink),
           pseudo = lots ? 0 : pseudo_of(t, at, n, origin, predictor, shrink);
    struct weft_rank_quality q;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        double now = weft_growth_of(sums_of(t, at[i].group, origin, t->predictors), truth, width).shrunk;
        struct weft_growth g = {.shrunk = 1, .low = NAN, .high = NAN};
        if (!isfinite(now)) /* nothing was sold, and nothing stands for it: it had no growth to predict */
            continue;
        if (!lots && sums_of(t, at[i].group, origin, predictor)->series)
            g = weft_growth_of(sums_of(t, at[i].group, origin, predictor), pseudo, width);
        if (isfinite(g.low)) {
            tally->held++;
            tally->inside += now >= g.low && now <= g.high;
            tally->width += g.high - g.low;
        }
        became[k] = now;
        said[k++] = isfinite(g.shrunk) ? g.shrunk : 1;
    }
    if (k < 2)
        return;
    weft_rank_quality_of(said, became, k, WEFT_TRIAL_NDCG_TOP, WEFT_TRIAL_HITS_TOP, &q);
    tally->sum.spearman += q.spearman;
    tally->sum.ndcg += q.ndcg;
    tally->sum.hits += q.hits;
    tally->sum.regret += q.regret;
    tally->sum.error += q.error;
    tally->origins++;
    tally->groups = k > tally->groups ? k : tally->groups;
}

void weft_growth_trial_of(const struct weft_growth_trial *t, size_t channel, size_t predictor, size_t origin,
                          double shrink, double level, struct weft_growth_verdict *out)
{
    struct named *at = WEFT_ARRAY(struct named, t->groups.n + 1);
    double *room = WEFT_ARRAY(double, 2 * t->groups.n + 1);
    struct weft_student width = {.level = level};
    size_t n = groups_of(t, channel, at);
    struct tally tally = {0};
    for (size_t k = 0; k < t->origins; k++)
        if (origin == SIZE_MAX || k == origin)
            judge(t, at, n, k, predictor, shrink, &width, room, room + n, &tally);
    double origins = tally.origins ? (double)tally.origins : NAN, held = tally.held ? (double)tally.held : NAN;
    out->quality =
        (struct weft_rank_quality){tally.sum.spearman / origins, tally.sum.ndcg / origins, tally.sum.hits / origins,
                                   tally.sum.regret / origins, tally.sum.error / origins};
    out->coverage = (double)tally.inside / held;
    out->width = tally.width / held;
    out->origins = tally.origins;
    out->groups = tally.groups;
    free(room);
    free(at);
}
