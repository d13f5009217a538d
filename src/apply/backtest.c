/* backtest.c - every contender at every origin of every series. */
#include "apply/backtest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "measure/accuracy.h"
#include "rank/activity.h"
#include "record/forecasts.h"
#include "measure/growth_trial.h"
#include "apply/match.h"
#include "base/calendar.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/terms.h"
#include "record/window.h"

enum { ORIGINS_USUAL = 12, LAST_PERIOD = 0, LAST_YEAR = 1, PAST = 2 }; /* PAST: growth of the past, as a forecast */

/* --- origins --- */

size_t weft_origin_known(const struct weft_origins *o, size_t k)
{
    return o->first + k * o->every - o->gap;
}

int weft_origins_place(struct weft_origins *o, size_t length, size_t least, struct weft_err *e)
{
    size_t before = least + o->gap, span;
    if (before + o->horizon > length) {
        weft_fail(e, WEFT_CONFIG,
                  "%zu steps before the first origin and a horizon of %zu are more than the calendar of %zu steps",
                  before, o->horizon, length);
        return weft_fail_hint(e, "give a shorter --horizon or --lookback");
    }
    size_t last = length - o->horizon;
    if (!o->n) {
        size_t from = length / 2 > before ? length / 2 : before;
        from = from < last ? from : last;
        o->n = 1 + (last - from) / o->every;
        o->n = o->n < ORIGINS_USUAL ? o->n : ORIGINS_USUAL;
    }
    if (!weft_mul(o->n - 1, o->every, &span) || span > last || last - span < before) {
        weft_fail(e, WEFT_CONFIG, "%zu origins %zu steps apart leave less than %zu steps before the first one", o->n,
                  o->every, before);
        return weft_fail_hint(e, "--origins %zu fits", 1 + (last - before) / o->every);
    }
    o->first = last - span;
    return 0;
}

/* --- contenders --- */

struct entry {
    struct weft_apply *apply;
    int by;          /* key of its groups */
    size_t *channel; /* [channels of the stream]: the model's own, SIZE_MAX: it has none */
    size_t train_end;
    size_t exogenous[WEFT_EXOG_MAX]; /* the stream's channels that the model looks at beside its target */
};

struct contender {
    char *name;
    size_t serves;
    bool ranked;
    struct entry *entry; /* [n] */
    size_t n;
    uint64_t blamed;
};

struct trial {
    const char *name; /* of the key */
    int key;
    struct weft_growth_trial *trial;
};

struct weft_backtest {
    const struct weft_series_attrs *attrs;
    struct weft_backtest_options o;
    bool windows;
    int *level; /* [by.n] keys */
    struct contender *contender;
    size_t n, ranked, seasonal, lag; /* the last two: what skill is measured against, or SIZE_MAX */
    size_t year;                     /* steps; 0: none */
    char **names;                    /* [n], for the table */
    struct weft_accuracy *accuracy;
    struct trial *trial;
    size_t n_trials;
    struct weft_order_trial *orders; /* NULL: not asked for */
    bool *counted;                   /* [targets]: pieces */
    bool past[PAST];                 /* can the calendar say it at every origin? */
    struct weft_apply_result result;
    float *said;                     /* [n, 3, horizon]: forecast, low, high */
    struct weft_growth_sums *growth; /* [ranked + PAST], of the series at hand */
    float *profile;                  /* [2, season]: of the origin at hand, of a past one */
    bool has_profile;
    size_t *row; /* [by.n] */
    uint64_t series, windows_seen, left_out;
};

static int find_key(const struct weft_backtest *b, const char *option, const char *name, int *key, struct weft_err *e)
{
    char names[256] = "";
    *key = weft_series_key(b->attrs, name);
    if (*key != WEFT_KEY_NONE)
        return 0;
    for (size_t k = 0, at = 0; k < b->attrs->n_keys && at < sizeof names; k++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s, ", b->attrs->keys[k]);
    weft_fail(e, WEFT_CONFIG, "--%s: the stream has no key \"%s\"", option, name);
    return weft_fail_hint(e, "it has: %sid, all", names);
}

int weft_backtest_no_growth(const struct weft_backtest_options *o, const char *option, struct weft_err *e)
{
    weft_fail(e, WEFT_CONFIG,
              "%s: a horizon of %zu step%s has no growth: it holds no two seasons to compare (a season has %zu)",
              option, o->origins.horizon, o->origins.horizon > 1 ? "s" : "", o->spans.season);
    return weft_fail_hint(e, "give --horizon %zu, or --near and --far", 2 * o->spans.season);
}

static int choose_trials(struct weft_backtest *b, struct weft_err *e)
{
    const struct weft_series_attrs *a = b->attrs;
    b->trial = WEFT_ARRAY(struct trial, a->n_keys + 1);
    if (b->o.spans.none && b->o.rank_by)
        return weft_backtest_no_growth(&b->o, "--rank-by", e);
    if (b->o.spans.none)
        return 0;
    if (b->o.rank_by) {
        b->trial[0].name = b->o.rank_by;
        b->n_trials = 1;
        return find_key(b, "rank-by", b->o.rank_by, &b->trial[0].key, e);
    }
    for (size_t k = 0; k < a->n_keys; k++)
        b->trial[b->n_trials++] = (struct trial){.name = a->keys[k], .key = (int)k};
    b->trial[b->n_trials++] = (struct trial){.name = "id", .key = WEFT_KEY_ID};
    return 0;
}

int weft_backtest_new(const struct weft_series_attrs *attrs, const struct weft_backtest_options *o,
                      struct weft_backtest **out, struct weft_err *e)
{
    struct weft_backtest *b = *out = WEFT_NEW(struct weft_backtest);
    const struct weft_origins *at = &o->origins;
    size_t known = weft_origin_known(at, 0);
    b->attrs = attrs;
    b->o = *o;
    b->windows = attrs->lookback > 0;
    b->seasonal = b->lag = SIZE_MAX;
    b->level = WEFT_ARRAY(int, o->by.n + 1);
    b->row = WEFT_ARRAY(size_t, o->by.n + 1);
    b->past[LAST_PERIOD] = known >= at->horizon;
    b->year = weft_step_year(attrs->step);
    b->past[LAST_YEAR] = b->year >= at->gap + at->horizon && known + at->gap >= b->year;
    for (size_t i = 0; i < o->by.n; i++)
        if (find_key(b, "by", o->by.items[i], &b->level[i], e) < 0)
            return -1;
    return choose_trials(b, e);
}

static void free_entry(struct entry *x)
{
    weft_apply_close(&x->apply);
    free(x->channel);
}

void weft_backtest_free(struct weft_backtest **bp)
{
    struct weft_backtest *b = *bp;
    if (!b)
        return;
    for (size_t i = 0; i < b->n; i++) {
        for (size_t k = 0; k < b->contender[i].n; k++)
            free_entry(&b->contender[i].entry[k]);
        free(b->contender[i].entry);
        free(b->contender[i].name);
    }
    for (size_t i = 0; i < b->n_trials; i++)
        weft_growth_trial_free(&b->trial[i].trial);
    free(b->contender);
    free(b->names);
    free(b->trial);
    free(b->level);
    free(b->row);
    free(b->said);
    free(b->growth);
    free(b->profile);
    weft_accuracy_free(&b->accuracy);
    weft_order_trial_free(&b->orders);
    free(b->counted);
    weft_apply_result_free(&b->result);
    free(b);
    *bp = NULL;
}

/* "dlinear", and a second one "dlinear-2". */
static char *unique_name(const struct weft_backtest *b, const char *name)
{
    char *text = weft_xstrdup(name);
    int copies = 1;
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->contender[i].name, text) == 0) {
            free(text);
            text = weft_xasprintf("%.200s-%d", name, ++copies);
            i = SIZE_MAX; /* from the first one again */
        }
    return text;
}

size_t weft_backtest_enter(struct weft_backtest *b, const char *name, size_t serves, bool ranked)
{
    b->contender = weft_xrealloc2(b->contender, b->n + 1, sizeof *b->contender);
    struct contender c = {
        .name = unique_name(b, name), .serves = serves, .ranked = ranked, .n = (b->o.origins.n + serves - 1) / serves};
    c.entry = WEFT_ARRAY(struct entry, c.n);
    b->contender[b->n] = c;
    b->ranked += ranked;
    return b->n++;
}

const char *weft_backtest_name(const struct weft_backtest *b, size_t contender)
{
    return b->contender[contender].name;
}

void weft_backtest_bars(const struct weft_backtest *b, const char **seasonal, const char **lag_growth)
{
    *seasonal = b->seasonal == SIZE_MAX ? NULL : b->contender[b->seasonal].name;
    *lag_growth = b->lag == SIZE_MAX ? NULL : b->contender[b->lag].name;
}

static void note_bar(struct weft_backtest *b, size_t contender, const struct weft_baseline *is)
{
    if (is->kind == WEFT_BASELINE_SEASONAL && is->lag == b->o.season && b->seasonal == SIZE_MAX)
        b->seasonal = contender;
    if (is->kind == WEFT_BASELINE_LAG_GROWTH && b->lag == SIZE_MAX)
        b->lag = contender;
}

static int check_fit(const struct weft_backtest *b, const struct contender *c, size_t i, size_t train_end,
                     const struct weft_model_info *m, struct weft_err *e)
{
    const struct weft_origins *o = &b->o.origins;
    size_t known = weft_origin_known(o, i * c->serves);
    if (m->step != b->attrs->step)
        return weft_fail(e, WEFT_CONFIG,
                         "model %s forecasts in steps of %lld seconds, and the stream has steps of %lld", c->name,
                         (long long)m->step, (long long)b->attrs->step);
    if ((size_t)m->horizon < o->gap + o->horizon)
        return weft_fail(e, WEFT_CONFIG, "model %s forecasts a horizon of %lld, less than gap %zu + horizon %zu",
                         c->name, (long long)m->horizon, o->gap, o->horizon);
    if ((size_t)m->lookback > known) {
        weft_fail(e, WEFT_CONFIG, "model %s looks back on %lld steps, and the first origin has %zu before it", c->name,
                  (long long)m->lookback, known);
        return weft_fail_hint(e, "give fewer --origins, or a smaller --every");
    }
    if (b->windows && !train_end && m->scale != b->attrs->scale)
        return weft_fail(e, WEFT_CONFIG, "model %s was trained with --scale %s, and the windows have --scale %s",
                         c->name, weft_scale_names[m->scale], weft_scale_names[b->attrs->scale]);
    return 0;
}

int weft_backtest_model(struct weft_backtest *b, size_t contender, size_t i, struct weft_apply *apply, size_t train_end,
                        struct weft_err *e)
{
    struct contender *c = &b->contender[contender];
    const struct weft_model_info *m = weft_apply_info(apply);
    const struct weft_series_attrs *a = b->attrs;
    struct entry *x = &c->entry[i];
    char who[sizeof e->what];
    snprintf(who, sizeof who, "model %s", c->name);
    *x = (struct entry){.apply = apply, .channel = WEFT_ARRAY(size_t, a->n_targets), .train_end = train_end};
    if (!m) {
        note_bar(b, contender, weft_apply_baseline(apply));
        return 0;
    }
    if (check_fit(b, c, i, train_end, m, e) < 0)
        return -1;
    if (weft_match_key(a, m, who, &x->by, e) < 0 || weft_match_exogenous(a, m, who, x->exogenous, e) < 0)
        return -1;
    return weft_match_channels(a, m, who, NULL, x->channel, e);
}

/* --- one series --- */

/* A series at one origin of one channel. */
struct view {
    const struct weft_series *s;
    const float *x; /* [n] of the channel */
    size_t channel, origin;
    size_t known; /* steps of the series that were known */
};

static void scale_of(const struct weft_backtest *b, const struct view *v, const struct entry *x,
                     struct weft_apply_job *j)
{
    const struct weft_model_info *m = weft_apply_info(x->apply);
    size_t split[WEFT_PARTS];
    j->shift = 0;
    j->factor = 1;
    j->train = v->known;
    if (!m)
        return;
    if (!x->train_end) {
        j->train = v->s->scale ? v->s->split[WEFT_PART_TRAIN] : v->known;
        weft_scale_of(v->s, v->channel, m->scale, v->known, &j->shift, &j->factor);
        return;
    }
    weft_split_own((const size_t[]){x->train_end, x->train_end, x->train_end}, b->attrs, v->s, split);
    j->train = split[0];
    weft_scale_fit_train(m->scale, v->x, j->train, v->known, &j->shift, &j->factor);
}

static void fill_nan(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = NAN;
}

/* Near and far days counted from the first step that is forecast: a gap lies before those that are measured. */
static struct weft_growth_spans behind_gap(const struct weft_backtest *b)
{
    struct weft_growth_spans at = b->o.spans;
    size_t gap = b->o.origins.gap;
    at.near = (struct weft_growth_days){at.near.from + gap, at.near.to + gap};
    at.far = (struct weft_growth_days){at.far.from + gap, at.far.to + gap};
    return at;
}

/* What a contender says: forecast, low and high [horizon] each to out, NaN where nothing; and its growth, series 0 when
 * it has none. */
static void ask(struct weft_backtest *b, const struct view *v, struct contender *c, float *out,
                struct weft_growth_sums *growth)
{
    const struct weft_origins *o = &b->o.origins;
    const struct entry *x = &c->entry[v->origin / c->serves];
    const struct weft_model_info *m = weft_apply_info(x->apply);
    const double levels[2] = {(1 - b->o.level) / 2, (1 + b->o.level) / 2};
    const float *exogenous[WEFT_EXOG_MAX];
    size_t h = o->horizon, own = m ? (size_t)m->horizon : o->gap + h, unit = 0;
    struct weft_apply_job j = {.x = v->x,
                               .n = v->known,
                               .origin = v->known,
                               .stride = 1,
                               .windows = 1,
                               .horizon = own,
                               .nonnegative = b->o.clip[v->channel],
                               .levels = levels,
                               .n_levels = 2,
                               .id = v->s->id.p,
                               .id_n = v->s->id.n,
                               .start = v->s->start};
    fill_nan(out, 3 * h);
    if (m) {
        struct weft_span group = weft_series_key_text(v->s, x->by);
        unit = weft_apply_unit(x->apply, (const char *)group.p, group.n, x->channel[v->channel]);
        if (unit == SIZE_MAX)
            return;
    }
    scale_of(b, v, x, &j);
    for (size_t k = 0; m && k < m->exog.n;
         k++) { /* what lies ahead of the origin stands there as the plan of its time */
        exogenous[k] = v->s->values + x->exogenous[k] * v->s->n;
        j.exogenous = exogenous;
        j.n = v->s->n;
        j.known = weft_series_known(b->attrs, v->s->start, v->s->n);
    }
    weft_apply_run(x->apply, unit, &j, growth != NULL, &b->result);
    memcpy(out, b->result.forecast + o->gap, h * sizeof *out);
    for (size_t q = 0; b->result.quantiles && q < 2; q++)
        memcpy(out + (1 + q) * h, b->result.quantiles + q * own + o->gap, h * sizeof *out);
    if (growth) {
        struct weft_growth_spans at = behind_gap(b);
        (void)weft_growth_add(growth, b->result.forecast, b->result.covariance, b->result.freedom,
                              b->has_profile ? b->profile : NULL, own, &at);
    }
}

/* Growth over the steps [from, from + horizon) of the series, as far as they were known: with the profile of that time,
 * where there was one, else that of the origin. */
static void past_growth(const struct weft_backtest *b, const struct view *v, int64_t from, struct weft_growth_sums *out)
{
    size_t h = b->o.origins.horizon, season = b->o.spans.season;
    float *profile = b->profile + season;
    if (from < 0 || (uint64_t)from + h > v->known)
        return;
    bool alike = b->o.spans.unlike && (weft_growth_profile(v->x, (size_t)from, season, from, profile) ||
                                       weft_growth_profile(v->x, v->known, season, from, profile));
    (void)weft_growth_add(out, v->x + from, NULL, 0, alike ? profile : NULL, h, &b->o.spans);
}

/* What the growth became, with the profile that the forecasts were given. */
static void growth_that_came(const struct weft_backtest *b, const struct view *v, struct weft_growth_sums *out)
{
    const struct weft_origins *o = &b->o.origins;
    struct weft_growth_spans at = behind_gap(b);
    if (v->known + o->gap + o->horizon <= v->s->n)
        (void)weft_growth_add(out, v->x + v->known, NULL, 0, b->has_profile ? b->profile : NULL, o->gap + o->horizon,
                              &at);
}

static void add_growth(struct weft_backtest *b, const struct view *v)
{
    const struct weft_origins *o = &b->o.origins;
    struct weft_growth_sums became = {0}, *past = b->growth + b->ranked;
    for (size_t i = 0; i < b->ranked; i++)
        if (!b->growth[i].series)
            return;
    growth_that_came(b, v, &became);
    if (!became.series)
        return;
    if (b->past[LAST_PERIOD])
        past_growth(b, v, (int64_t)v->known - (int64_t)o->horizon, &past[LAST_PERIOD]);
    if (b->past[LAST_YEAR])
        past_growth(b, v, (int64_t)(v->known + o->gap) - (int64_t)b->year, &past[LAST_YEAR]);
    for (size_t i = 0; i < b->n_trials; i++) {
        struct weft_span group = weft_series_key_text(v->s, b->trial[i].key);
        if (!group.p)
            group = (struct weft_span){(const uint8_t *)"(none)", 6};
        weft_growth_trial_add(b->trial[i].trial, v->channel, group.p, group.n, v->origin, b->growth, &became);
    }
}

/* Measures what can be compared: values that are there, and that every contender has a forecast for. */
static size_t measure(struct weft_backtest *b, const struct view *v, const float *actual, size_t there)
{
    size_t h = b->o.origins.horizon, measured = 0;
    for (size_t t = 0; t < there; t++) {
        bool whole = !isnan(actual[t]);
        for (size_t i = 0; i < b->n && whole; i++)
            whole = b->contender[i].entry[v->origin / b->contender[i].serves].channel[v->channel] == SIZE_MAX ||
                    !isnan(b->said[3 * i * h + t]);
        measured += whole;
        for (size_t i = 0; i < b->n && whole; i++) {
            const float *f = b->said + 3 * i * h + t;
            for (size_t l = 0; l < b->o.by.n; l++)
                weft_accuracy_add(b->accuracy, b->row[l], i, v->origin, t, (double)actual[t], (double)f[0],
                                  (double)f[h], (double)f[2 * h]);
        }
    }
    return measured;
}

static bool any_number(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]))
            return true;
    return false;
}

/* The answer that `ask` left is of this contender. */
static void set_order_level(struct weft_backtest *b, const struct view *v, const struct contender *c, size_t rule)
{
    const struct weft_model_info *m = weft_apply_info(c->entry[v->origin / c->serves].apply);
    if (m)
        weft_order_trial_model(b->orders, rule, v->origin, b->result.forecast, b->result.covariance, b->result.freedom,
                               (size_t)m->horizon);
    else
        weft_order_trial_silent(b->orders, rule);
}

static void at_origin(struct weft_backtest *b, const struct view *v)
{
    size_t h = b->o.origins.horizon, from = v->known + b->o.origins.gap,
           there = v->s->n - from < h ? v->s->n - from : h, ranked = 0, silent = SIZE_MAX;
    if (!any_number(v->x + from, there))
        return;
    if (b->orders)
        weft_order_trial_past(b->orders, v->origin, v->x, v->known);
    memset(b->growth, 0, (b->ranked + PAST) * sizeof *b->growth);
    b->has_profile =
        b->o.spans.unlike && weft_growth_profile(v->x, v->known, b->o.spans.season, (int64_t)v->known, b->profile);
    for (size_t i = 0; i < b->n; i++) {
        struct contender *c = &b->contender[i];
        float *out = b->said + 3 * i * h;
        if (c->entry[v->origin / c->serves].channel[v->channel] == SIZE_MAX) {
            fill_nan(out, 3 * h);
            ranked += c->ranked;
            continue;
        }
        ask(b, v, c, out, c->ranked ? &b->growth[ranked] : NULL);
        if (b->orders && c->ranked && any_number(out, h))
            set_order_level(b, v, c, ranked);
        ranked += c->ranked;
        if (silent == SIZE_MAX && !any_number(out, h))
            silent = i;
    }
    b->windows_seen++;
    if (!measure(b, v, v->x + from, there)) {
        b->left_out++;
        if (silent != SIZE_MAX)
            b->contender[silent].blamed++;
    }
    add_growth(b, v);
}

static void begin_orders(struct weft_backtest *b)
{
    const struct weft_series_attrs *a = b->attrs;
    const struct weft_backtest_orders *o = b->o.orders;
    b->counted = WEFT_ARRAY(bool, a->n_targets + 1);
    for (size_t c = 0; c < a->n_targets; c++) {
        enum weft_term term = weft_term_of(a->channels[c], strlen(a->channels[c]));
        b->counted[c] = term == WEFT_TERM_COUNT || term == WEFT_TERM_SALES;
    }
    struct weft_order_trial_options all = {.lead = o->lead,
                                           .review = b->o.origins.every,
                                           .origins = b->o.origins.n,
                                           .days = (double)a->step / 86400,
                                           .models = b->ranked,
                                           .channels = a->n_targets,
                                           .service = o->service,
                                           .n_service = o->n,
                                           .whole = b->counted,
                                           .price = o->price,
                                           .cost = o->cost,
                                           .salvage = o->salvage,
                                           .holding = o->holding};
    b->orders = weft_order_trial_new(&all);
}

/* Memory that depends on the contenders, all of which are known now. */
static void begin(struct weft_backtest *b)
{
    const struct weft_origins *o = &b->o.origins;
    struct weft_accuracy_shape shape = {b->n, o->n, o->horizon, b->o.per_origin, b->o.per_step};
    b->accuracy = weft_accuracy_new(&shape);
    b->said = weft_xrealloc2(NULL, b->n * 3, o->horizon * sizeof *b->said);
    b->growth = WEFT_ARRAY(struct weft_growth_sums, b->ranked + PAST);
    b->profile = WEFT_ARRAY(float, 2 * b->o.spans.season);
    if (b->o.orders)
        begin_orders(b);
    for (size_t i = 0; i < b->n_trials; i++)
        b->trial[i].trial = weft_growth_trial_new(o->n, b->ranked + PAST, b->o.rank_by ? 0 : WEFT_RANKED_MAX);
}

void weft_backtest_series(struct weft_backtest *b, const struct weft_series *s)
{
    const struct weft_series_attrs *a = b->attrs;
    const struct weft_origins *o = &b->o.origins;
    int64_t offset = weft_step_count(a->start, s->start, a->step);
    uint64_t id = weft_hash(s->id.p, s->id.n, 0);
    double naive[3];
    if (!b->accuracy)
        begin(b);
    b->series++;
    for (size_t c = 0; c < a->n_targets; c++) {
        struct view v = {.s = s, .x = s->values + c * s->n, .channel = c};
        int64_t first = (int64_t)weft_origin_known(o, 0) - offset;
        size_t history = first <= 0 ? 0 : (size_t)first < s->n ? (size_t)first : s->n;
        weft_naive_errors(v.x, b->windows ? s->split[WEFT_PART_TRAIN] : history, b->o.season, naive);
        for (size_t l = 0; l < b->o.by.n; l++) {
            struct weft_span group = weft_series_key_text(s, b->level[l]);
            b->row[l] = weft_accuracy_row(b->accuracy, c, l, group.p ? group.p : (const uint8_t *)"(none)",
                                          group.p ? group.n : 6);
            weft_accuracy_series(b->accuracy, b->row[l], id, naive);
        }
        if (b->orders)
            weft_order_trial_begin(b->orders, c);
        for (v.origin = 0; v.origin < o->n; v.origin++) {
            int64_t known = (int64_t)weft_origin_known(o, v.origin) - offset;
            v.known = known > 0 ? (size_t)known : 0;
            if (known > 0 && v.known + o->gap < s->n)
                at_origin(b, &v);
        }
        if (b->orders)
            weft_order_trial_end(b->orders, v.x + history, first > 0 ? s->n - history : 0);
    }
}

/* --- results --- */

void weft_backtest_count(const struct weft_backtest *b, struct weft_backtest_counts *out)
{
    *out = (struct weft_backtest_counts){.series = b->series, .windows = b->windows_seen, .left_out = b->left_out};
    for (size_t i = 0; i < b->n && !out->culprit; i++)
        if (b->contender[i].blamed)
            out->culprit = b->contender[i].name;
}

bool weft_backtest_accuracy(struct weft_backtest *b, struct weft_table *t)
{
    if (!b->accuracy || !weft_accuracy_any(b->accuracy))
        return false;
    free(b->names);
    b->names = WEFT_ARRAY(char *, b->n);
    for (size_t i = 0; i < b->n; i++)
        b->names[i] = b->contender[i].name;
    struct weft_accuracy_names names = {.models = b->names,
                                        .channels = b->attrs->channels,
                                        .levels = b->o.by.items,
                                        .origins = b->o.dates,
                                        .seasonal = b->seasonal,
                                        .lag = b->lag,
                                        .interval = b->o.level};
    weft_accuracy_table(b->accuracy, &names, t);
    return true;
}

/* The trial that is shown: the only one, else of the key with most groups, else of id. */
static const struct trial *shown_trial(const struct weft_backtest *b)
{
    const struct trial *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < b->n_trials; i++) {
        size_t n = b->trial[i].trial ? weft_growth_trial_groups(b->trial[i].trial) : 0;
        bool last = i + 1 == b->n_trials; /* id, or what was asked for */
        if (n == SIZE_MAX || n < 2 || (!last && n < WEFT_RANKED_LEAST) || (last && best))
            continue;
        if (n > most) {
            most = n;
            best = &b->trial[i];
        }
    }
    return best;
}

const char *weft_backtest_ranked(const struct weft_backtest *b)
{
    const struct trial *t = shown_trial(b);
    return t ? t->name : NULL;
}

struct columns {
    size_t channel, origin, predictor, groups, origins, spearman, ndcg, hits, regret, error;
    struct weft_interval_columns band;
};

static struct columns ranking_columns(const struct weft_backtest *b, struct weft_table *t)
{
    struct columns c;
    c.channel = weft_table_column(t, "channel", "channel", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c.origin = weft_table_column(t, "origin", "origin", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c.predictor = weft_table_column(t, "model", "ranked by", WEFT_CELL_TEXT, 0, 0);
    c.origins = weft_table_column(t, "origins", "origins", WEFT_CELL_INT, 0, WEFT_COLUMN_SAME);
    c.groups = weft_table_column(t, "groups", "groups", WEFT_CELL_INT, 0, WEFT_COLUMN_SAME);
    c.spearman = weft_table_column(t, "spearman", "Spearman", WEFT_CELL_REAL, 3, 0);
    c.ndcg = weft_table_column(t, "ndcg_5", "NDCG@5", WEFT_CELL_REAL, 3, 0);
    c.hits = weft_table_column(t, "hits_3", "hits of top 3", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c.regret = weft_table_column(t, "regret", "regret", WEFT_CELL_REAL, 3, 0);
    c.error = weft_table_column(t, "error", "error", WEFT_CELL_REAL, 3, 0);
    c.band = weft_table_interval(t, b->o.level, 3);
    return c;
}

/* predictor: number in the trial, SIZE_MAX: lots. */
static void put_verdict(const struct weft_backtest *b, const struct trial *trial, const struct columns *c,
                        size_t channel, size_t origin, size_t predictor, const char *name, struct weft_table *t)
{
    struct weft_growth_verdict v;
    weft_growth_trial_of(trial->trial, channel, predictor, origin, b->o.shrink, b->o.level, &v);
    if (!v.origins)
        return;
    weft_table_row(t);
    weft_table_text(t, c->channel, b->attrs->channels[channel], strlen(b->attrs->channels[channel]));
    if (origin != SIZE_MAX)
        weft_table_text(t, c->origin, b->o.dates[origin], strlen(b->o.dates[origin]));
    weft_table_text(t, c->predictor, name, strlen(name));
    weft_table_int(t, c->origins, (int64_t)v.origins);
    weft_table_int(t, c->groups, (int64_t)v.groups);
    weft_table_real(t, c->spearman, v.quality.spearman);
    weft_table_real(t, c->ndcg, v.quality.ndcg);
    weft_table_real(t, c->hits, v.quality.hits);
    weft_table_real(t, c->regret, v.quality.regret);
    weft_table_real(t, c->error, v.quality.error);
    weft_table_real(t, c->band.coverage, v.coverage);
    weft_table_real(t, c->band.width, v.width);
}

/* As rank has it: who sells is no demand. */
static bool is_ranked(const char *channel)
{
    return strcmp(channel, WEFT_CHANNEL_ACTIVE) != 0 && strcmp(channel, WEFT_CHANNEL_BRANDS) != 0;
}

bool weft_backtest_ranking(struct weft_backtest *b, struct weft_table *t)
{
    static const char *const past[PAST] = {"last period's growth", "last year's growth"};
    const struct trial *trial = shown_trial(b);
    if (!trial)
        return false;
    struct columns c = ranking_columns(b, t);
    size_t rounds = b->o.per_origin ? b->o.origins.n : 1;
    for (size_t channel = 0; channel < b->attrs->n_targets; channel++)
        for (size_t k = 0; k < rounds && is_ranked(b->attrs->channels[channel]); k++) {
            size_t origin = b->o.per_origin ? k : SIZE_MAX, predictor = 0;
            for (size_t i = 0; i < b->n; i++)
                if (b->contender[i].ranked)
                    put_verdict(b, trial, &c, channel, origin, predictor++, b->contender[i].name, t);
            for (size_t i = 0; i < PAST; i++, predictor++)
                if (b->past[i])
                    put_verdict(b, trial, &c, channel, origin, predictor, past[i], t);
            put_verdict(b, trial, &c, channel, origin, SIZE_MAX, "random", t);
        }
    return weft_table_rows(t) > 0;
}

bool weft_backtest_orders(struct weft_backtest *b, struct weft_table *t, struct weft_order_trial_counts *n)
{
    *n = (struct weft_order_trial_counts){0};
    if (!b->orders)
        return false;
    const char **names = WEFT_ARRAY(const char *, b->ranked + 1);
    size_t ranked = 0;
    for (size_t i = 0; i < b->n; i++)
        if (b->contender[i].ranked)
            names[ranked++] = b->contender[i].name;
    weft_order_trial_count(b->orders, n);
    bool any = weft_order_trial_table(b->orders, names, b->attrs->channels, t);
    free(names);
    return any;
}
