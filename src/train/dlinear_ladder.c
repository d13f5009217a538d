/* dlinear_ladder.c - the source's stream, and every unit on the ladder. */
#include "train/dlinear_ladder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/stop.h"

struct weft_ladder_pool {
    struct weft_dlinear_stats all, until;
    struct weft_residuals keep;
    struct weft_transfer_source *lends; /* NULL: no window */
    struct weft_err err;
};

/* --- the source --- */

/* Where the source has the exogenous channels that the target is forecast with. */
static int find_channels(struct weft_ladder *l, const struct weft_dlinear_trainer *t, struct weft_err *e)
{
    const struct weft_series_attrs *a = &l->units.attrs, *b = &t->units.attrs;
    for (size_t c = 0; c < t->shape.exog.n; c++) {
        const char *name = b->channels[b->n_targets + c];
        size_t at = l->exog[c] = weft_series_channel(a, name);
        if (at != SIZE_MAX && at >= a->n_targets && a->role[at] == b->role[b->n_targets + c])
            continue;
        weft_fail(e, WEFT_CONFIG, "the source has no channel %s that is %s, as the target has", name,
                  weft_role_name(b->role[b->n_targets + c]));
        return weft_fail_hint(e, "give it one, or leave such channels out of both: --exog none");
    }
    return 0;
}

static int find_key(struct weft_ladder *l, const struct weft_units *target, struct weft_err *e)
{
    l->key = weft_series_key(&target->attrs, l->by);
    l->units.key = weft_series_key(&l->units.attrs, l->by);
    if (l->key != WEFT_KEY_NONE && l->units.key != WEFT_KEY_NONE)
        return 0;
    weft_fail(e, WEFT_CONFIG, "--source-by: the %s has no key \"%s\"", l->key == WEFT_KEY_NONE ? "target" : "source",
              l->by);
    return weft_fail_hint(e, "take a key that both have, or leave it out: one source for all");
}

int weft_ladder_start(struct weft_ladder *l, struct weft_dlinear_trainer *t, const char *endpoint, struct weft_run *run,
                      struct weft_err *e)
{
    t->ladder = l;
    if (weft_reader_open(endpoint, WEFT_WINDOWS_SCHEMA, weft_run_stream_opts(run), &l->reader, e) < 0 ||
        weft_units_start(&l->units, weft_reader_head(l->reader), "all", e) < 0)
        return -1;
    l->lineage = weft_run_lineage_json_from(run, weft_reader_head(l->reader));
    return weft_units_compare(&l->units.attrs, &t->units.attrs, e) < 0 || find_key(l, &t->units, e) < 0 ||
                   find_channels(l, t, e) < 0
               ? -1
               : 0;
}

void weft_ladder_free(struct weft_ladder *l)
{
    for (size_t i = 0; i < l->n; i++) {
        weft_dlinear_stats_free(&l->pool[i].all);
        weft_dlinear_stats_free(&l->pool[i].until);
        weft_residuals_free(&l->pool[i].keep);
        weft_transfer_source_free(&l->pool[i].lends);
    }
    free(l->pool);
    free(l->wants);
    free(l->lineage);
    weft_names_free(&l->wanted);
    weft_units_free(&l->units);
    weft_reader_close(&l->reader);
}

static void add_pools(struct weft_ladder *l, const struct weft_dlinear_trainer *t)
{
    size_t need = l->units.groups.n * l->units.attrs.n_targets;
    if (need <= l->n)
        return;
    l->pool = weft_xrealloc2(l->pool, need, sizeof *l->pool);
    for (; l->n < need; l->n++) {
        struct weft_ladder_pool *p = &l->pool[l->n];
        *p = (struct weft_ladder_pool){0};
        weft_dlinear_stats_init(&p->all, &t->shape, (size_t)l->units.attrs.stride, t->folds);
        weft_dlinear_stats_init(&p->until, &t->shape, (size_t)l->units.attrs.stride, t->folds + 1);
        weft_residuals_init(&p->keep, weft_residuals_cap(1),
                            t->shape.lookback + t->shape.horizon + weft_dlinear_exog_width(&t->shape));
    }
}

/* The origins of the target's folds in steps of a series of the source, and twice the end of its train part. */
static void source_borders(const struct weft_ladder *l, const struct weft_dlinear_trainer *t,
                           const struct weft_series *s, int64_t *b)
{
    int64_t end = (int64_t)s->split[WEFT_PART_TRAIN], step = l->units.attrs.step;
    for (size_t f = 1; f <= t->folds; f++) {
        int64_t steps = weft_step_count(s->start, weft_step_add(t->units.attrs.start, l->border[f], step), step);
        b[f] = !l->dated || steps > end ? end : steps < 0 ? 0 : steps;
    }
    b[t->folds + 1] = b[t->folds + 2] = end;
}

static void add_source(struct weft_ladder *l, struct weft_dlinear_trainer *t, const struct weft_series *s)
{
    size_t channels = l->units.attrs.n_targets, group = weft_units_group(&l->units, s), end = s->split[WEFT_PART_TRAIN];
    int64_t b[WEFT_DLINEAR_FOLDS_MAX + 3];
    const float *exog[WEFT_EXOG_MAX];
    add_pools(l, t);
    source_borders(l, t, s, b);
    for (size_t c = 0; c < t->shape.exog.n; c++)
        exog[c] = s->values + l->exog[c] * s->n;
    for (size_t c = 0; c < channels; c++) {
        struct weft_ladder_pool *p = &l->pool[group * channels + c];
        const float *x = s->values + c * s->n;
        double shift = s->scale[c], factor = s->scale[s->n_channels + c];
        uint64_t key = weft_hash(s->id.p, s->id.n, c);
        p->all.keep = &p->keep;
        p->until.borders = b;
        weft_dlinear_stats_add(&p->all, x, s->n, shift, factor, exog, s->split, key, &t->room);
        weft_dlinear_stats_add(&p->until, x, s->n, shift, factor, exog, (size_t[]){end, end, end}, key, &t->room);
    }
}

struct job {
    struct weft_ladder *l;
    struct weft_dlinear_trainer *t;
};

static void prepare_pool(void *ctx, size_t i)
{
    struct job *j = ctx;
    struct weft_ladder_pool *p = &j->l->pool[i];
    if (weft_transfer_source_new(&p->all, &p->until, &j->t->shape, j->t->ridge, &p->lends, &p->err) < 0)
        p->lends = NULL;
    p->all.keep = NULL;
    weft_dlinear_stats_free(&p->all);
    weft_dlinear_stats_free(&p->until);
}

int weft_ladder_read(struct weft_ladder *l, struct weft_dlinear_trainer *t, struct weft_err *e)
{
    struct weft_series s = {0};
    struct weft_span frame;
    bool any = false;
    int got = 0;
    if (l->read)
        return 0;
    l->read = true;
    while ((got = weft_reader_next(l->reader, &frame, e)) > 0) {
        if (t->stopping && t->stopping(t->ctx))
            got = weft_interrupted(e);
        else if ((got = weft_series_read(frame, &l->units.attrs, &s, e)) == 0)
            add_source(l, t, &s);
        if (got < 0)
            break;
    }
    weft_series_free(&s);
    if (got < 0)
        return -1;
    weft_par_for(t->par, l->n, prepare_pool, &(struct job){l, t});
    for (size_t i = 0; i < l->n; i++) {
        any |= l->pool[i].lends != NULL;
        if (!l->pool[i].lends && l->pool[i].err.code != WEFT_CONFIG) {
            *e = l->pool[i].err;
            return -1;
        }
    }
    if (any)
        return 0;
    weft_fail(e, l->n ? WEFT_CONFIG : WEFT_DATA,
              l->n ? "the source has no window without a missing value wholly in its train part"
                   : "the source is empty: no series came");
    return weft_fail_hint(e, "give a source with more history, or leave out --source");
}

/* --- the target --- */

/* A series whose parts all lie in it, or behind it, says where the calendar's train part ends; one that ends before it
 * or begins behind does not. */
static bool date(struct weft_ladder *l, const struct weft_dlinear_trainer *t, const struct weft_series *s,
                 int64_t offset)
{
    size_t train = s->split[WEFT_PART_TRAIN];
    if (!l->dated && train > 0 && train < s->n) {
        weft_transfer_borders(t->folds, t->shape.horizon, (int64_t)train + offset,
                              (int64_t)s->split[WEFT_PART_VALID] + offset, l->border);
        l->dated = true;
    }
    return l->dated;
}

static int join_pool(struct weft_ladder *l, const struct weft_dlinear_trainer *t, const struct weft_series *s,
                     size_t group, struct weft_err *e)
{
    struct weft_span text = weft_series_key_text(s, l->key);
    size_t name =
        weft_names_add(&l->wanted, text.p ? (const char *)text.p : "(none)", text.p ? text.n : strlen("(none)"));
    if (group >= l->cap) {
        size_t from = l->cap;
        l->cap = weft_grow(l->cap, group + 1);
        l->wants = weft_xrealloc2(l->wants, l->cap, sizeof *l->wants);
        for (size_t i = from; i < l->cap; i++)
            l->wants[i] = SIZE_MAX;
    }
    if (l->wants[group] == SIZE_MAX)
        l->wants[group] = name;
    if (l->wants[group] == name)
        return 0;
    weft_fail(e, WEFT_CONFIG, "--source-by %s: \"%s\" has series of both %s and %s", l->by, t->units.groups.at[group].p,
              l->wanted.at[l->wants[group]].p, l->wanted.at[name].p);
    return weft_fail_hint(e, "--by must name a level below %s, or that itself", l->by);
}

int weft_ladder_meet(struct weft_ladder *l, struct weft_dlinear_trainer *t, const struct weft_series *s, size_t group,
                     struct weft_err *e)
{
    int64_t offset = weft_step_count(t->units.attrs.start, s->start, t->units.attrs.step);
    if (join_pool(l, t, s, group, e) < 0)
        return -1;
    if (!date(l, t, s, offset)) { /* teaches, and judges nothing */
        for (size_t f = 1; f <= t->folds + 1; f++)
            l->own_border[f] = (int64_t)s->split[WEFT_PART_TRAIN];
        return 0;
    }
    for (size_t f = 1; f <= t->folds + 1; f++)
        l->own_border[f] = l->border[f] - offset;
    /* What the series itself says holds where it is cut. */
    l->own_border[t->folds + 1] = (int64_t)s->split[WEFT_PART_VALID];
    return weft_ladder_read(l, t, e);
}

static struct weft_ladder_pool *pool_of(const struct weft_ladder *l, const struct weft_dlinear_trainer *t, size_t unit)
{
    size_t channels = t->units.attrs.n_targets;
    const struct weft_name *name = &l->wanted.at[l->wants[unit / channels]];
    size_t pool = weft_names_find(&l->units.groups, name->p, name->n);
    return pool == SIZE_MAX ? NULL : &l->pool[pool * channels + unit % channels];
}

int weft_ladder_fit(const struct weft_ladder *l, struct weft_dlinear_trainer *t, size_t unit, struct weft_err *e)
{
    struct weft_dlinear_unit *u = t->unit[unit];
    const struct weft_ladder_pool *p = pool_of(l, t, unit);
    u->transfer = WEFT_NEW(struct weft_transfer);
    return weft_transfer_fit(&u->st, p ? p->lends : NULL, l->want, t->ridge, &u->w, &u->fit, u->transfer, e);
}

struct weft_residuals *weft_ladder_residuals(struct weft_ladder *l, struct weft_dlinear_trainer *t, size_t unit)
{
    struct weft_dlinear_unit *u = t->unit[unit];
    struct weft_ladder_pool *p = pool_of(l, t, unit);
    return u->keep.n || !p || u->failed ? &u->keep : &p->keep;
}

/* --- how it came out --- */

void weft_ladder_json(const struct weft_dlinear_unit *u, weft_json *j)
{
    const struct weft_transfer *t = u->transfer;
    weft_json *mse = weft_json_new_object(), *folds = weft_json_new_array();
    weft_json_set(j, "rung",
                  u->failed ? weft_json_new_null()
                            : weft_json_new_str(weft_rung_name(t->rung), strlen(weft_rung_name(t->rung))));
    weft_json_set(j, weft_rung_strength(t->rung), weft_json_new_real(u->failed ? NAN : t->strength[t->rung]));
    weft_json_set(j, "chosen", weft_json_new_bool(t->chosen));
    weft_json_set(j, "train_windows", weft_json_new_int((int64_t)u->fit.train_windows));
    weft_json_set(j, "valid_windows", weft_json_new_int((int64_t)u->fit.valid_windows));
    weft_json_set(j, "valid_loss", weft_json_new_measure(u->failed ? NAN : u->fit.valid_mse));
    for (size_t r = 0; r < WEFT_RUNGS; r++)
        weft_json_set(mse, weft_rung_name((enum weft_rung)r), weft_json_new_measure(t->mse[r]));
    weft_json_set(j, "mse", mse);
    for (size_t f = 0; f < t->folds; f++) {
        const struct weft_transfer_fold *fold = &t->fold[f];
        weft_json *one = weft_json_new_object();
        weft_json_set(one, "train_windows", weft_json_new_int((int64_t)fold->train_windows));
        weft_json_set(one, "valid_windows", weft_json_new_int((int64_t)fold->valid_windows));
        weft_json_set(one, "source_windows", weft_json_new_int((int64_t)fold->source_windows));
        for (size_t r = 0; r < WEFT_RUNGS; r++)
            weft_json_set(one, weft_rung_name((enum weft_rung)r), weft_json_new_measure(fold->mse[r]));
        weft_json_push(folds, one);
    }
    weft_json_set(j, "folds", folds);
}

void weft_ladder_write(const struct weft_ladder *l, const struct weft_dlinear_trainer *t, const size_t *order,
                       struct weft_st_writer *w)
{
    size_t channels = t->units.attrs.n_targets;
    weft_json *all = weft_json_new_array();
    for (size_t i = 0; i < t->n; i++) {
        size_t unit = order[i / channels] * channels + i % channels;
        weft_json *j = weft_units_log_line(&t->units, unit);
        weft_ladder_json(t->unit[unit], j);
        weft_json_push(all, j);
    }
    char *text = weft_json_text(all);
    weft_st_writer_meta(w, "transfer", text);
    if (l->lineage)
        weft_st_writer_meta(w, "source_lineage", l->lineage);
    free(text);
    weft_json_free(&all);
}

static void table_row(const struct weft_dlinear_trainer *t, size_t unit, int width, bool asked, FILE *f)
{
    size_t channels = t->units.attrs.n_targets;
    const struct weft_dlinear_unit *u = t->unit[unit];
    const struct weft_transfer *x = u->transfer;
    char name[64];
    snprintf(name, sizeof name, channels > 1 ? "%.30s, %.30s" : "%.40s", t->units.groups.at[unit / channels].p,
             t->units.attrs.channels[unit % channels]);
    fprintf(f, "%-*s %8llu %5zu", width, name, (unsigned long long)u->fit.train_windows, x->judging);
    for (size_t r = 0; r < WEFT_RUNGS; r++)
        if (isfinite(x->mse[r]))
            fprintf(f, " %8.4f", x->mse[r]);
        else
            fprintf(f, " %8s", "-");
    if (u->failed)
        fprintf(f, "  none: %s\n", u->err.what);
    else
        fprintf(f, "  %s (%s %.3g)%s\n", weft_rung_name(x->rung), weft_rung_strength(x->rung), x->strength[x->rung],
                x->chosen    ? ""
                : asked      ? ", as asked"
                : x->judging ? ": one fold is too few to choose by"
                             : ": no fold to choose by");
}

void weft_ladder_table(const struct weft_dlinear_trainer *t, size_t most, FILE *f)
{
    size_t channels = t->units.attrs.n_targets, count[WEFT_RUNGS] = {0}, *order = weft_units_order(&t->units);
    int width = 10;
    for (size_t g = 0; g < t->units.groups.n; g++) {
        int n = (int)(t->units.groups.at[g].n < 40 ? t->units.groups.at[g].n : 40) + (channels > 1 ? 12 : 0);
        width = n > width ? n : width;
    }
    fprintf(f, "%-*s %8s %5s %8s %8s %8s %8s  %s\n", width, "fold error", "windows", "folds", "source", "own", "pooled",
            "ridge", "chosen");
    for (size_t i = 0; i < t->n; i++) {
        size_t unit = order[i / channels] * channels + i % channels;
        if (i < most)
            table_row(t, unit, width, t->ladder->want != WEFT_RUNGS, f);
        if (!t->unit[unit]->failed)
            count[t->unit[unit]->transfer->rung]++;
    }
    if (t->n > 1) {
        fprintf(f, "%-*s", width, t->n > most ? "all" : "");
        for (size_t r = 0; r < WEFT_RUNGS; r++)
            fprintf(f, " %s %zu%s", weft_rung_name((enum weft_rung)r), count[r], r + 1 < WEFT_RUNGS ? "," : "\n");
    }
    free(order);
}
