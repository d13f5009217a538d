/* rank_groups.c - growth, past and chances of every group. */
#include "rank/rank_groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/growth.h"
#include "base/calendar.h"
#include "base/ids.h"
#include "base/mem.h"
#include "base/rng.h"
#include "measure/topk.h"

/* What one model says of one row. */
struct said {
    struct weft_growth_sums sums;
    int64_t origin;
    uint64_t left_out;
    char *why;    /* of the first that was left out; owned */
    size_t model; /* number of its name */
};

struct weft_rank_groups {
    struct weft_ids met; /* series, model and channel of the forecasts that came */
    struct weft_pack name;
    const struct weft_rank_options *o;
    struct weft_growth_spans spans;
    struct weft_forecasts_attrs attrs;
    struct weft_forecasts f;
    int by_key;
    int64_t origin;            /* the latest one of what is ranked */
    int64_t now, active_days;  /* active_days: as the head says; 0: it does not */
    char **levels, title[256]; /* the keys whose values name the groups */
    size_t n_levels, draws;
    enum weft_ranking_sort sort; /* as asked for; by volume where there is no growth */
    struct weft_ranking ranking;
    struct said (*said)[2]; /* of each row: the model that is ranked, and the first other one that is no baseline */
    size_t cap;
    struct weft_names models;
    char chosen[256]; /* the model that is ranked */
    uint64_t other_models, missing, without_profile;
    struct weft_history *history;
    struct weft_reasons *reasons;
};

/* --- start --- */

/* What names the groups: a key, or, for series as they are, the levels that aggregate says it added them up to. */
static int choose_groups(const struct weft_head *head, struct weft_rank_groups *s, struct weft_err *e)
{
    s->by_key = weft_forecasts_key(&s->attrs, s->o->by);
    if (s->by_key == WEFT_KEY_NONE) {
        weft_fail(e, WEFT_CONFIG, "--by: the forecasts have no key \"%s\"", s->o->by);
        return weft_fail_hint(e, "`weft frames head -n 1 | weft frames show` shows which they have");
    }
    if (s->by_key != WEFT_KEY_ID || !weft_attr_strs(head, "by", &s->levels, &s->n_levels) || !s->n_levels) {
        free(s->levels);
        s->levels = WEFT_ARRAY(char *, s->n_levels = 1);
        s->levels[0] = (char *)(uintptr_t)s->o->by;
    }
    for (size_t i = 0, at = 0; i < s->n_levels && at < sizeof s->title; i++)
        at += (size_t)snprintf(s->title + at, sizeof s->title - at, "%s%s", i ? "/" : "", s->levels[i]);
    return 0;
}

static int check_channel(const struct weft_forecasts_attrs *a, const char *name, struct weft_err *e)
{
    char names[256] = "";
    for (size_t c = 0, at = 0; c < a->n_channels; c++) {
        if (strcmp(a->channels[c], name) == 0)
            return 0;
        if (at < sizeof names)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", c ? ", " : "", a->channels[c]);
    }
    weft_fail(e, WEFT_CONFIG, "--channel: the forecasts have no channel \"%s\"", name);
    return weft_fail_hint(e, "they have: %s", names);
}

int weft_rank_groups_new(const struct weft_head *head, const struct weft_rank_options *o,
                         const struct weft_stream_opts *stream, struct weft_rank_groups **out, struct weft_err *e)
{
    struct weft_rank_groups *s = *out = WEFT_NEW(struct weft_rank_groups);
    s->o = o;
    s->origin = INT64_MIN;
    if (weft_forecasts_attrs_read(head, &s->attrs, e) < 0 ||
        weft_growth_spans_read(o->near, o->far, (size_t)s->attrs.horizon, s->attrs.step, &s->spans, e) < 0 ||
        choose_groups(head, s, e) < 0)
        return -1;
    s->sort = s->spans.none && o->sort == WEFT_SORT_GROWTH ? WEFT_SORT_VOLUME : (enum weft_ranking_sort)o->sort;
    if (!weft_attr_int(head, "active_days", &s->active_days) || s->active_days < 1 || s->active_days > 100000)
        s->active_days = 0;
    if (o->channel && check_channel(&s->attrs, o->channel, e) < 0)
        return -1;
    if (o->sort == WEFT_SORT_BEYOND && !o->history)
        return weft_fail(e, WEFT_USAGE, "--sort beyond-season needs the history: give --history FILE");
    if (o->reasons && weft_reasons_read(o->reasons, stream, s->o->by, &s->spans, &s->reasons, e) < 0)
        return -1;
    if (!o->history)
        return 0;
    return weft_history_open(o->history, stream, s->levels, s->n_levels, o->brand, o->brand_told, &s->history, e);
}

void weft_rank_groups_free(struct weft_rank_groups **rp)
{
    struct weft_rank_groups *r = *rp;
    if (!r)
        return;
    weft_ids_free(&r->met);
    weft_pack_free(&r->name);
    for (size_t i = 0; i < r->cap; i++) {
        free(r->said[i][0].why);
        free(r->said[i][1].why);
    }
    free(r->said);
    weft_names_free(&r->models);
    free(r->levels);
    weft_ranking_free(&r->ranking);
    weft_history_close(&r->history);
    weft_reasons_free(&r->reasons);
    weft_forecasts_free(&r->f);
    weft_forecasts_attrs_free(&r->attrs);
    free(r);
    *rp = NULL;
}

/* --- frames --- */

/* Is the frame of the model that is ranked? The first model that is no baseline is, unless --model names another. */
static bool is_chosen(struct weft_rank_groups *s)
{
    const struct weft_forecasts *f = &s->f;
    if (!*s->chosen && (s->o->model || !f->baseline))
        snprintf(s->chosen, sizeof s->chosen, "%.*s", s->o->model ? (int)strlen(s->o->model) : (int)f->model.n,
                 s->o->model ? s->o->model : (const char *)f->model.p);
    return strlen(s->chosen) == f->model.n && memcmp(s->chosen, f->model.p, f->model.n) == 0;
}

static bool text_is(struct weft_span s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static struct said *said_of(struct weft_rank_groups *s, size_t row, bool chosen)
{
    size_t had = s->cap;
    if (row >= s->cap) {
        s->cap = weft_grow(s->cap, row + 1);
        s->said = weft_xrealloc2(s->said, s->cap, sizeof *s->said);
        memset(s->said + had, 0, (s->cap - had) * sizeof *s->said);
    }
    return &s->said[row][chosen ? 0 : 1];
}

static bool is_ranked(const struct weft_rank_groups *s, struct weft_span channel)
{
    if (s->o->channel)
        return text_is(channel, s->o->channel);
    return !text_is(channel, WEFT_CHANNEL_ACTIVE) && !text_is(channel, WEFT_CHANNEL_BRANDS);
}

static void leave_out(struct said *x, struct weft_span why)
{
    if (!x->left_out++)
        x->why = why.p ? weft_xstrndup((const char *)why.p, why.n) : weft_xstrdup("the forecast is a missing value");
}

/* What is added up must be of the same days. */
static int refuse_origin(const struct weft_rank_groups *s, int64_t had, int64_t came, struct weft_err *e)
{
    char one[32], other[32];
    struct weft_span id = weft_forecasts_key_text(&s->f, WEFT_KEY_ID);
    weft_fail(e, WEFT_DATA, "the forecast of \"%.*s\" begins on %s, others of its group on %s: they can't be added up",
              id.n < 80 ? (int)id.n : 80, (const char *)id.p, weft_date_text(came, s->attrs.step, one),
              weft_date_text(had, s->attrs.step, other));
    return weft_fail_hint(e, "rank forecasts of one origin at a time");
}

static int add_forecast(struct weft_rank_groups *s, bool chosen, struct weft_err *e)
{
    const struct weft_forecasts *f = &s->f;
    size_t i = weft_ranking_find(&s->ranking, weft_forecasts_key_text(f, s->by_key), f->channel);
    size_t model = weft_names_add(&s->models, f->model.p, f->model.n);
    struct weft_ranking_row *x = &s->ranking.row[i];
    struct said *to = said_of(s, i, chosen), own = {.model = model};
    x->ranked = is_ranked(s, f->channel);
    const float *forecast = f->forecast + (f->windows - 1) * f->horizon;
    bool made = weft_growth_add(&own.sums, forecast, f->covariance, f->freedom, f->profile, f->horizon, &s->spans);
    if (to->model != model && !to->sums.series &&
        (made || !to->left_out)) { /* the first other model that has a forecast of it */
        free(to->why);
        *to = (struct said){.model = model};
    }
    if (to->model != model)
        return 0;
    if (!made) {
        leave_out(to, f->why);
        s->missing += x->ranked && chosen;
        return 0;
    }
    int64_t origin = weft_step_add(f->origin, (int64_t)((f->windows - 1) * (uint64_t)f->stride), s->attrs.step);
    if (to->sums.series && to->origin != origin)
        return refuse_origin(s, to->origin, origin, e);
    to->origin = origin;
    weft_growth_sums_add(&to->sums, &own.sums);
    return 0;
}

/* One forecast of a series, model and channel: two would be added up. */
static int refuse_twice(struct weft_rank_groups *s, struct weft_err *e)
{
    struct weft_span id = weft_forecasts_key_text(&s->f, WEFT_KEY_ID);
    weft_pack_clear(&s->name);
    weft_pack_str(&s->name, (const char *)id.p, id.n);
    weft_pack_str(&s->name, (const char *)s->f.model.p, s->f.model.n);
    weft_pack_str(&s->name, (const char *)s->f.channel.p, s->f.channel.n);
    if (!weft_ids_add(&s->met, s->name.p, s->name.n, 1))
        return 0;
    weft_fail(e, WEFT_DATA, "the forecast of \"%.*s\" by %.*s comes twice: it would count double",
              id.n < 80 ? (int)id.n : 80, (const char *)id.p, s->f.model.n < 80 ? (int)s->f.model.n : 80,
              (const char *)s->f.model.p);
    return weft_fail_hint(e, "was one stream joined with itself?");
}

int weft_rank_groups_add(struct weft_rank_groups *s, struct weft_span frame, struct weft_err *e)
{
    if (weft_forecasts_read(frame, &s->attrs, &s->f, e) < 0)
        return -1;
    if (!s->f.windows || !text_is(s->f.part, "latest"))
        return 0;
    bool chosen = is_chosen(s);
    if (chosen && refuse_twice(s, e) < 0)
        return -1;
    s->other_models += !chosen;
    if (chosen || (!s->o->model && !s->f.baseline))
        return add_forecast(s, chosen, e);
    return 0;
}

uint64_t weft_rank_groups_missing(const struct weft_rank_groups *r)
{
    return r->missing;
}

/* --- end --- */

/* Every row is the chosen model's, or, where that made no forecast, the other one's. */
static uint64_t settle(struct weft_rank_groups *s)
{
    uint64_t ranked = 0;
    for (size_t i = 0; i < s->ranking.n; i++) {
        struct weft_ranking_row *x = &s->ranking.row[i];
        struct said *own = &s->said[i][0], *other = &s->said[i][1];
        bool another = !own->sums.series && (other->sums.series || !own->left_out);
        if (another) {
            struct said swap = *own;
            *own = *other;
            *other = swap;
        }
        x->series = own->sums.series;
        x->left_out = own->left_out;
        x->why = own->why ? weft_xstrdup(own->why) : NULL;
        x->model = s->models.at[own->model].p;
        if (x->series && own->origin > s->origin)
            s->origin = own->origin;
        ranked += x->ranked ? x->series : 0;
        s->without_profile += x->ranked ? own->sums.without_profile : 0;
    }
    return ranked;
}

static size_t days_to_steps(const struct weft_rank_groups *s, int64_t days)
{
    return (size_t)((days * 86400 + s->attrs.step - 1) / s->attrs.step);
}

static int read_history(struct weft_rank_groups *s, struct weft_err *e)
{
    int64_t active = s->active_days ? s->active_days : s->o->now ? s->o->now : WEFT_ACTIVE_DAYS;
    s->now = s->o->now ? s->o->now : active;
    if (!s->history)
        return 0;
    struct weft_history_span span = {s->origin, s->attrs.step, days_to_steps(s, s->now), days_to_steps(s, active),
                                     s->spans};
    if (weft_history_read(s->history, &span, e) < 0)
        return -1;
    weft_ranking_add_past(&s->ranking, s->history);
    return 0;
}

/* A group's channel sells `near` a day; the pseudo volume is a share of the mean over the groups that sell. */
static void find_growth(struct weft_rank_groups *s, size_t channel)
{
    struct weft_student width = {.level = s->o->level};
    double z = weft_growth_z(s->o->level), sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < s->ranking.n; i++)
        if (s->ranking.row[i].channel == channel && weft_growth_level(&s->said[i][0].sums) > 0) {
            sum += weft_growth_level(&s->said[i][0].sums);
            n++;
        }
    for (size_t i = 0; i < s->ranking.n; i++) {
        struct weft_ranking_row *x = &s->ranking.row[i];
        if (x->channel != channel)
            continue;
        x->pseudo = n ? s->o->shrink * sum / (double)n : 0;
        struct weft_growth g = weft_growth_of(&s->said[i][0].sums, x->pseudo, &width);
        if (!x->series) {
            x->near = x->far = x->raw = NAN;
            continue;
        }
        x->near = s->said[i][0].sums.near;
        x->far = s->said[i][0].sums.far;
        x->thin = g.thin;
        if (s->spans.none)
            continue;
        x->raw = g.index;
        x->growth = g.shrunk;
        x->sd = (g.high - g.shrunk) / z;
        x->few_errors = g.few ? g.freedom : 0;
        x->low = g.low;
        x->high = g.high;
        x->p_growth = weft_growth_above(g.shrunk, g.sd_one, g.freedom);
        x->p_value = weft_growth_p(g.shrunk, g.sd_one, g.freedom);
    }
}

/* Which rows of a channel are sure to grow or to fall. */
static void find_sure(struct weft_rank_groups *s, size_t channel)
{
    double *p = WEFT_ARRAY(double, s->ranking.n + 1);
    bool *sure = WEFT_ARRAY(bool, s->ranking.n + 1);
    for (size_t i = 0; i < s->ranking.n; i++) {
        const struct weft_ranking_row *x = &s->ranking.row[i];
        p[i] = x->channel == channel && x->ranked ? x->p_value : NAN;
    }
    weft_growth_sure(p, s->ranking.n, s->o->fdr, sure);
    for (size_t i = 0; i < s->ranking.n; i++)
        if (sure[i])
            s->ranking.row[i].sure = s->ranking.row[i].growth > 1 ? 1 : -1;
    free(sure);
    free(p);
}

/* The chances of one channel's rows to be among the first by growth, and by growth beyond the season. */
static void find_chances(struct weft_rank_groups *s, size_t channel)
{
    size_t n = 0, *row = WEFT_ARRAY(size_t, s->ranking.n + 1);
    const struct weft_name *name = &s->ranking.channels.at[channel];
    for (size_t i = 0; i < s->ranking.n; i++)
        if (s->ranking.row[i].channel == channel && s->ranking.row[i].ranked && s->ranking.row[i].series)
            row[n++] = i;
    double *mean = WEFT_ARRAY(double, 5 * n + 1), *sd = mean + n, *chance = sd + n;
    uint64_t *stream = WEFT_ARRAY(uint64_t, n + 1);
    for (int beyond = 0; beyond < 2; beyond++) {
        for (size_t k = 0; k < n; k++) {
            const struct weft_ranking_row *x = &s->ranking.row[row[k]];
            const struct weft_name *group = &s->ranking.groups.at[x->group];
            mean[k] = beyond ? x->beyond : x->growth;
            sd[k] = beyond ? x->sd / x->year_growth : x->sd;
            stream[k] = weft_hash(group->p, group->n, weft_hash(name->p, name->n, 0));
        }
        if (n)
            s->draws = weft_topk_draws(n);
        weft_topk_chances(n, mean, sd, stream, (size_t)s->o->among, s->draws, s->o->seed, chance);
        for (size_t k = 0; k < n; k++)
            *(beyond ? &s->ranking.row[row[k]].p_top_beyond : &s->ranking.row[row[k]].p_top) = chance[k];
    }
    free(stream);
    free(mean);
    free(row);
}

static int nothing_to_rank(const struct weft_rank_groups *s, struct weft_err *e)
{
    if (s->other_models && s->o->model)
        weft_fail(e, WEFT_DATA, "no forecast of model %s for the latest days", s->o->model);
    else if (s->other_models)
        weft_fail(e, WEFT_DATA, "only baselines came");
    if (s->other_models)
        return weft_fail_hint(e, "choose one with --model NAME");
    for (size_t i = 0; i < s->ranking.n; i++)
        if (s->ranking.row[i].ranked && s->ranking.row[i].why)
            return weft_fail(e, WEFT_DATA, "no series could be forecast; the first: %s", s->ranking.row[i].why);
    weft_fail(e, WEFT_DATA, s->missing ? "every forecast is a missing value" : "no forecast of the latest days came");
    return weft_fail_hint(e, s->missing ? "do the series end with missing values?"
                                        : "score makes them with --part latest, its default");
}

/* Is there anything to order by? */
static int check_key(const struct weft_rank_groups *s, struct weft_err *e)
{
    static const char *const way_out[] = {
        "is any of them above 0?",
        "does the history reach back a year before the forecasts?",
        "",
        "weft aggregate --count active makes it a channel to forecast, and --history FILE says how many there are now",
        "the model keeps no errors; train it with a validation part",
        "the model keeps no errors; train it with a validation part"};
    for (size_t i = 0; i < s->ranking.n; i++)
        if (s->ranking.row[i].ranked && !isnan(weft_ranking_key(&s->ranking.row[i], s->sort)))
            return 0;
    if (s->sort == WEFT_SORT_GROWTH)
        return 0;
    weft_fail(e, WEFT_CONFIG, "--sort %s: no row has such a number", weft_ranking_sorts[s->sort]);
    if (s->spans.none)
        return weft_fail_hint(e, "a horizon of %lld has no growth; give --near and --far, or forecast %zu steps",
                              (long long)s->attrs.horizon, 2 * s->spans.season);
    return weft_fail_hint(e, "%s", way_out[s->sort]);
}

int weft_rank_groups_finish(struct weft_rank_groups *s, struct weft_table *t, struct weft_err *e)
{
    struct weft_ranking_style style = {s->title, s->o->level, (size_t)s->o->among, (size_t)s->o->top,
                                       weft_step_unit(s->attrs.step)};
    if (!settle(s))
        return nothing_to_rank(s, e);
    if (read_history(s, e) < 0)
        return -1;
    for (size_t c = 0; c < s->ranking.channels.n; c++)
        find_growth(s, c);
    weft_ranking_complete(&s->ranking, s->attrs.step);
    for (size_t c = 0; c < s->ranking.channels.n; c++)
        find_sure(s, c);
    if (s->reasons && !s->spans.none)
        weft_ranking_add_reasons(&s->ranking, s->reasons);
    for (size_t c = 0; c < s->ranking.channels.n; c++)
        find_chances(s, c);
    if (check_key(s, e) < 0)
        return -1;
    weft_ranking_order(&s->ranking, s->sort);
    weft_ranking_table(&s->ranking, &style, t);
    return 0;
}

void weft_rank_groups_notes(const struct weft_rank_groups *s, struct weft_rank_notes *n)
{
    *n = (struct weft_rank_notes){.spans = s->spans};
    for (size_t i = 0; i < s->ranking.n; i++) {
        const struct weft_ranking_row *x = &s->ranking.row[i];
        if (!x->ranked)
            continue;
        n->tested += !isnan(x->p_value);
        n->sure += x->sure != 0;
        n->groups_left_out += !x->series;
        n->series_left_out += x->series ? x->left_out : 0;
        n->other_models += x->series && strcmp(x->model, s->chosen) != 0;
        n->no_ratio += x->series && x->near > 0 && isnan(x->growth) && !s->spans.none;
        n->few += x->few_errors > 0;
        n->few_most = x->few_errors > n->few_most ? x->few_errors : n->few_most;
        n->why = n->why ? n->why : x->why;
    }
    n->without_profile = s->without_profile;
}

void weft_rank_groups_attrs(const struct weft_rank_groups *s, struct weft_ranking_attrs *a)
{
    const char *channel =
        s->o->channel ? s->o->channel : s->attrs.channels[weft_sales_channel(s->attrs.channels, s->attrs.n_channels)];
    *a = (struct weft_ranking_attrs){.step = s->attrs.step,
                                     .origin = s->origin,
                                     .horizon = s->attrs.horizon,
                                     .near = {(int64_t)s->spans.near.from, (int64_t)s->spans.near.to},
                                     .far = {(int64_t)s->spans.far.from, (int64_t)s->spans.far.to},
                                     .among = s->o->among,
                                     .draws = (int64_t)s->draws,
                                     .now = s->now,
                                     .level = s->o->level,
                                     .fdr = s->o->fdr,
                                     .no_growth = s->spans.none,
                                     .profile = s->spans.unlike};
    snprintf(a->by, sizeof a->by, "%s", s->title);
    snprintf(a->model, sizeof a->model, "%s", s->chosen);
    snprintf(a->channel, sizeof a->channel, "%s", channel);
    snprintf(a->sort, sizeof a->sort, "%s", weft_ranking_sorts[s->sort]);
}

const struct weft_ranking *weft_rank_groups_rows(const struct weft_rank_groups *r)
{
    return &r->ranking;
}
