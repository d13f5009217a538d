/* dlinear_channels.c - --exog auto: which channels beside the target are known far enough ahead, and which of them
 * help.
 *
 * A fit without a channel is one on the same sums with the channel's rows and columns at zero; one without any is on
 * the leading block, the target's. So all that is compared here was forecast on the same windows of the same folds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "train/dlinear_units.h"

static const char *name_of(const struct weft_dlinear_trainer *t, size_t c)
{
    return t->units.attrs.channels[t->units.attrs.n_targets + c];
}

/* --- known far enough ahead? --- */

static void leave_out(struct weft_dlinear_trainer *t, size_t c, char *why)
{
    if (t->channels.unknown[c])
        free(why);
    else
        t->channels.unknown[c] = why;
}

static void look_ahead(struct weft_dlinear_trainer *t, size_t c, const struct weft_series *s, const float *x,
                       size_t known)
{
    size_t horizon = t->shape.horizon, n = 0, id = s->id.n < 80 ? s->id.n : 80;
    for (size_t i = known; i < known + horizon && i < s->n; i++)
        n += !isnan(x[i]);
    t->channels.none[c] += n == 0;
    if (n > 0 && n < horizon)
        leave_out(t, c,
                  weft_xasprintf("known for %zu of the %zu steps ahead in series %.*s", n, horizon, (int)id,
                                 (const char *)s->id.p));
}

void weft_dlinear_channels_add(struct weft_dlinear_trainer *t, const struct weft_series *s, const float **exog)
{
    struct weft_dlinear_channels *k = &t->channels;
    size_t known = weft_series_known(&t->units.attrs, s->start, s->n), id = s->id.n < 80 ? s->id.n : 80;
    k->series++;
    for (size_t c = 0; c < t->shape.exog.n; c++) {
        size_t i = 0;
        if (t->shape.exog.role[c] == WEFT_ROLE_FUTURE)
            look_ahead(t, c, s, exog[c], known);
        for (; i < known && isnan(exog[c][i]); i++)
            ;
        if (i < known)
            continue;
        leave_out(t, c, weft_xasprintf("no value in series %.*s", (int)id, (const char *)s->id.p));
        if (k->cap < s->n) { /* so that the series' windows count all the same */
            free(k->zeros);
            k->cap = weft_grow(k->cap, s->n);
            k->zeros = WEFT_ARRAY(float, k->cap);
        }
        exog[c] = k->zeros;
    }
}

void weft_dlinear_channels_decide(struct weft_dlinear_trainer *t)
{
    const struct weft_dlinear_channels *k = &t->channels;
    for (size_t c = 0; c < t->shape.exog.n; c++)
        if (2 * k->none[c] >= k->series)
            leave_out(t, c,
                      weft_xasprintf("%llu of %llu series know nothing of it ahead", (unsigned long long)k->none[c],
                                     (unsigned long long)k->series));
}

/* --- do they help? --- */

/* A tuned fit of a unit, with what belongs to it. */
struct attempt {
    struct weft_dlinear_weights w, honest;
    struct weft_dlinear_fit fit;
    struct weft_tuned tuned;
    struct weft_err err;
    bool failed;
};

static void attempt_free(struct attempt *a)
{
    weft_dlinear_weights_free(&a->w);
    weft_dlinear_weights_free(&a->honest);
    free(a->tuned.covariance);
}

static struct attempt try_with(const struct weft_dlinear_trainer *t, const struct weft_dlinear_stats *st, bool alone,
                               const bool *silent, const struct weft_tune *o)
{
    struct attempt a = {0};
    struct weft_dlinear_stats copy;
    weft_dlinear_stats_copy(st, alone, silent, &copy);
    a.w = weft_dlinear_weights_new(&copy.shape);
    if (t->refit)
        a.honest = weft_dlinear_weights_new(&copy.shape);
    a.failed = weft_dlinear_tune(&copy, o, &a.w, t->refit ? &a.honest : NULL, &a.fit, &a.tuned, &a.err) < 0;
    weft_dlinear_stats_free(&copy);
    return a;
}

/* What the best configuration gives without one channel more; the others of `silent` are left out already. */
static void drop_each(const struct weft_dlinear_trainer *t, const struct weft_dlinear_stats *st, const bool *silent,
                      const struct weft_nested_config *best, const struct weft_tune *choices, double *without)
{
    struct weft_tune o = *choices;
    o.only = best;
    for (size_t c = 0; c < t->shape.exog.n; c++) {
        bool less[WEFT_EXOG_MAX];
        memcpy(less, silent, sizeof less);
        less[c] = true;
        without[c] = NAN;
        if (silent[c])
            continue;
        struct attempt a = try_with(t, st, false, less, &o);
        without[c] = a.failed ? NAN : a.tuned.error[0];
        attempt_free(&a);
    }
}

/* The weights of a fit, those of channels at zero when it has none. */
static void take(const struct weft_dlinear_shape *s, const struct weft_dlinear_weights *from, bool channels,
                 struct weft_dlinear_weights *to)
{
    size_t matrix = s->horizon * s->lookback;
    if (!from->ws)
        return;
    if (!to->ws)
        *to = weft_dlinear_weights_new(s);
    memcpy(to->ws, from->ws, matrix * sizeof *to->ws);
    memcpy(to->wt, from->wt, matrix * sizeof *to->wt);
    memcpy(to->bs, from->bs, s->horizon * sizeof *to->bs);
    memcpy(to->bt, from->bt, s->horizon * sizeof *to->bt);
    if (channels)
        memcpy(to->v, from->v, s->horizon * weft_dlinear_exog_weights(s) * sizeof *to->v);
}

/* Once more without those that do harm, if that is better. */
static void try_fewer(const struct weft_dlinear_trainer *t, struct weft_dlinear_unit *u, const struct weft_tune *o,
                      bool *silent, struct attempt *with)
{
    bool less[WEFT_EXOG_MAX], any = false;
    for (size_t c = 0; c < WEFT_EXOG_MAX; c++) {
        bool harms = c < t->shape.exog.n && !silent[c] && u->gain.each[c] < with->tuned.error[0];
        less[c] = silent[c] || harms;
        any |= harms;
    }
    if (!any)
        return;
    struct attempt a = try_with(t, &u->st, false, less, o);
    if (a.failed || !(a.tuned.error[0] < with->tuned.error[0])) {
        attempt_free(&a);
        return;
    }
    attempt_free(with);
    *with = a;
    memcpy(silent, less, sizeof less);
    drop_each(t, &u->st, silent, &with->tuned.best[0], o, u->gain.each);
}

void weft_dlinear_channels_fit(struct weft_dlinear_trainer *t, struct weft_dlinear_unit *u, const struct weft_tune *o)
{
    bool silent[WEFT_EXOG_MAX] = {false}, any = false, channels = false;
    for (size_t c = 0; c < t->shape.exog.n; c++)
        any |= !(silent[c] = t->channels.unknown[c] != NULL);
    weft_dlinear_stats_finish(&u->st);
    struct attempt best = try_with(t, &u->st, true, silent, o);
    u->gain = (struct weft_exog_gain){.without = best.failed ? NAN : best.tuned.error[0]};
    u->gain.with = u->gain.without;
    if (any && !best.failed && isfinite(u->gain.without)) {
        struct attempt with = try_with(t, &u->st, false, silent, o);
        if (!with.failed) {
            drop_each(t, &u->st, silent, &with.tuned.best[0], o, u->gain.each);
            try_fewer(t, u, o, silent, &with);
        }
        if (!with.failed && with.tuned.error[0] < u->gain.without) {
            struct attempt other = best;
            best = with;
            channels = true;
            with = other;
            u->gain.with = best.tuned.error[0];
            for (size_t c = 0; c < t->shape.exog.n; c++)
                u->gain.used[c] = !silent[c];
        }
        attempt_free(&with);
    }
    u->failed = best.failed;
    u->err = best.err;
    u->fit = best.fit;
    u->tuned = best.tuned;
    best.tuned.covariance = NULL; /* the unit's now */
    take(&t->shape, &best.w, channels, &u->w);
    take(&t->shape, &best.honest, channels, &u->honest);
    attempt_free(&best);
}

/* --- what came of it --- */

/* Errors of all units, each as often as it has windows, relative to those of forecasts without any channel. */
struct total {
    double with, without, each[WEFT_EXOG_MAX];
};

static void add_up(const struct weft_dlinear_trainer *t, struct total *sum)
{
    *sum = (struct total){0};
    for (size_t i = 0; i < t->n; i++) {
        const struct weft_exog_gain *g = &t->unit[i]->gain;
        double n = (double)t->unit[i]->fit.valid_windows;
        if (t->unit[i]->failed || !isfinite(g->without))
            continue;
        sum->with += n * g->with;
        sum->without += n * g->without;
        for (size_t c = 0; c < t->shape.exog.n; c++)
            sum->each[c] += n * (g->used[c] ? g->each[c] : g->with);
    }
}

void weft_dlinear_channels_used(const struct weft_dlinear_trainer *t, bool *used)
{
    for (size_t c = 0; c < WEFT_EXOG_MAX; c++) {
        used[c] = false;
        for (size_t i = 0; i < t->n && c < t->shape.exog.n; i++)
            used[c] |= !t->unit[i]->failed && t->unit[i]->gain.used[c];
    }
}

char **weft_dlinear_channels_text(const struct weft_dlinear_trainer *t, size_t *n)
{
    char **lines = WEFT_ARRAY(char *, t->shape.exog.n + 1);
    bool used[WEFT_EXOG_MAX];
    struct total sum;
    *n = 0;
    add_up(t, &sum);
    weft_dlinear_channels_used(t, used);
    for (size_t c = 0; c < t->shape.exog.n; c++)
        if (used[c] && !*n)
            lines[(*n)++] =
                weft_xasprintf("Channels beside the sales lower the squared error over the folds by %.1f %%",
                               100 * (1 - sum.with / sum.without));
    for (size_t c = 0; c < t->shape.exog.n; c++) {
        unsigned long long none = t->channels.none[c];
        char some[96] = "";
        if (none)
            snprintf(some, sizeof some, "; %llu of %llu series know nothing of it ahead", none,
                     (unsigned long long)t->channels.series);
        if (used[c])
            lines[(*n)++] = weft_xasprintf("%s is used: without it the error would be %.1f %% higher%s", name_of(t, c),
                                           100 * (sum.each[c] / sum.with - 1), some);
        else if (t->channels.unknown[c])
            lines[(*n)++] = weft_xasprintf("%s is not used: %s", name_of(t, c), t->channels.unknown[c]);
        else
            lines[(*n)++] = weft_xasprintf("%s is not used: the folds are forecast no better with it", name_of(t, c));
    }
    return lines;
}

size_t weft_dlinear_channels_take(struct weft_dlinear_trainer *t, struct weft_dlinear_weights *w, char **names)
{
    bool used[WEFT_EXOG_MAX];
    struct weft_exog_shape *x = &t->shape.exog;
    const struct weft_exog_shape all = *x;
    size_t weights = weft_exog_weights(&all), n = 0;
    weft_dlinear_channels_used(t, used);
    for (size_t i = 0; i < t->n; i++) {
        float *to = w[i].v;
        for (size_t h = 0; h < t->shape.horizon; h++) {
            const float *from = w[i].v + h * weights;
            for (size_t c = 0; c <= all.n; c++) {
                size_t k = weft_exog_lags(&all, c) + (weft_exog_ahead(&all, c) ? 1 : 0);
                if (c == all.n || used[c]) {
                    memmove(to, from, k * sizeof *to);
                    to += k;
                }
                from += k;
            }
        }
    }
    for (size_t c = 0; c < all.n; c++)
        if (used[c]) {
            names[n] = t->units.attrs.channels[t->units.attrs.n_targets + c];
            x->role[n] = all.role[c];
            x->relative[n++] = all.relative[c];
        }
    return x->n = n;
}

void weft_dlinear_channels_free(struct weft_dlinear_channels *k)
{
    for (size_t c = 0; c < WEFT_EXOG_MAX; c++)
        free(k->unknown[c]);
    free(k->zeros);
    *k = (struct weft_dlinear_channels){0};
}
