/* backtest_plan.c - places origins, opens models, runs trainers. */
#include "apply/backtest_plan.h"

#include <stdlib.h>
#include <string.h>

#include "apply/match.h"
#include "base/calendar.h"
#include "base/mem.h"
#include "base/stop.h"

enum { MODELS_MAX = 32, LOOKBACK_AUTO_SEASONS = 26 };

/* --- models --- */

/* The model or baseline in "[NAME=]TEXT". */
static const char *text_of(const char *item)
{
    const char *equals = strchr(item, '=');
    return equals ? equals + 1 : item;
}

/* Opens the models of -m; the shortest horizon among them is the default. */
static int open_models(struct weft_backtest_plan *p, struct weft_run *run, struct weft_err *e)
{
    int64_t shortest = p->attrs.lookback ? p->attrs.horizon : INT64_MAX;
    if (p->models.n > MODELS_MAX)
        return weft_fail(e, WEFT_USAGE, "--model: more than %d models", MODELS_MAX);
    p->opened = WEFT_ARRAY(struct weft_apply *, p->models.n + 1);
    for (size_t i = 0; i < p->models.n; i++) {
        if (weft_apply_open(p->models.items[i], &p->opened[i], e) < 0)
            return -1;
        const struct weft_model_info *m = weft_apply_info(p->opened[i]);
        if (m && m->horizon < shortest)
            shortest = m->horizon;
        char *identity = weft_apply_identity(p->opened[i]);
        weft_run_lineage_nth(run, "model", i, identity);
        free(identity);
    }
    if (!p->horizon && shortest != INT64_MAX && shortest > p->gap)
        p->horizon = shortest - p->gap;
    if (!p->horizon && shortest != INT64_MAX)
        return weft_fail(e, WEFT_CONFIG, "--gap %lld is as long as the horizon of %lld", (long long)p->gap,
                         (long long)shortest);
    if (!p->horizon)
        return weft_fail(e, WEFT_USAGE,
                         "--horizon N is missing: neither a model of -m nor the stream says how far to forecast");
    if (!p->models.n && !p->refit.n && !p->baselines)
        return weft_fail(e, WEFT_USAGE, "nothing to measure: --no-baselines, and neither --model nor --refit");
    return 0;
}

/* A model that has seen what it is to be measured on looks better than it is. */
static void warn_of_leak(const struct weft_backtest_plan *p, struct weft_run *run, const char *name,
                         const struct weft_model_info *m)
{
    char until[32];
    int64_t known = weft_step_add(p->attrs.start, (int64_t)weft_origin_known(&p->o.origins, 0), p->attrs.step);
    if (!m->until)
        weft_run_warn(run,
                      "model %s does not say how far its training data reach: if beyond %s, its figures are too good",
                      name, p->dates[0]);
    else if (m->until > known)
        weft_run_warn(run,
                      "model %s was trained on data up to %s, and the first origin is %s: its figures are too good; "
                      "--refit trains anew for each origin",
                      name, weft_series_date(&p->attrs, weft_step_add(m->until, -1, m->step), until), p->dates[0]);
}

/* Enters one that serves all origins; it is the backtest's. */
static int enter(struct weft_backtest_plan *p, struct weft_apply *apply, bool ranked, struct weft_err *e)
{
    return weft_backtest_model(
        p->backtest, weft_backtest_enter(p->backtest, weft_apply_name(apply), p->o.origins.n, ranked), 0, apply, 0, e);
}

static int enter_models(struct weft_backtest_plan *p, struct weft_run *run, struct weft_err *e)
{
    for (size_t i = 0; i < p->models.n; i++) {
        struct weft_apply *apply = p->opened[i];
        p->opened[i] = NULL;
        if (enter(p, apply, true, e) < 0)
            return -1;
        if (weft_apply_info(apply))
            warn_of_leak(p, run, weft_backtest_name(p->backtest, i), weft_apply_info(apply));
    }
    return 0;
}

/* Unless it is among the models. */
static int enter_baseline(struct weft_backtest_plan *p, const char *text, struct weft_err *e)
{
    struct weft_apply *apply;
    for (size_t i = 0; i < p->models.n; i++)
        if (strcmp(text_of(p->models.items[i]), text) == 0)
            return 0;
    return weft_apply_open(text, &apply, e) < 0 ? -1 : enter(p, apply, false, e);
}

static int enter_baselines(struct weft_backtest_plan *p, struct weft_err *e)
{
    /* Four weeks of hours, days or weeks; a quarter of months; a single quarter. */
    static const struct {
        int64_t step;
        size_t window;
    } windows[] = {{WEFT_STEP_HOUR, 28 * 24},
                   {WEFT_STEP_WEEK, 4},
                   {WEFT_STEP_BUSINESS_DAY, 20},
                   {WEFT_STEP_MONTH, 3},
                   {WEFT_STEP_QUARTER, 1}};
    size_t year = weft_step_year(p->attrs.step), window = 28;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        window = windows[i].step == p->attrs.step ? windows[i].window : window;
    char seasonal[64], lag[64];
    if (!p->baselines)
        return 0;
    snprintf(seasonal, sizeof seasonal, "seasonal-naive:%lld", (long long)p->season);
    snprintf(lag, sizeof lag, "lag-growth:%zu:%zu", year, window);
    if (enter_baseline(p, "naive", e) < 0 || (p->season > 1 && enter_baseline(p, seasonal, e) < 0) ||
        enter_baseline(p, "mean:28", e) < 0)
        return -1;
    return year && weft_origin_known(&p->o.origins, 0) >= year + window ? enter_baseline(p, lag, e) : 0;
}

/* --- origins --- */

/* A year and the horizon where the train part of the first origin has room for it and for as many windows as twice the
 * horizon; else whole seasons, so that it has twice as many windows as a window has steps. */
static int64_t usual_lookback(const struct weft_backtest_plan *p, int64_t known)
{
    int64_t year = (int64_t)weft_step_year(p->attrs.step), horizon = p->gap + p->horizon,
            most = LOOKBACK_AUTO_SEASONS * p->season;
    int64_t train = (int64_t)((double)known * (1 - p->valid)), third = (train - horizon) / 3;
    if (year && train >= year + 4 * horizon)
        return year + horizon;
    third = third / p->season * p->season < most ? third / p->season * p->season : most;
    return third > p->season ? third : p->season;
}

/* Steps that must be known at the first origin. */
static size_t least_known(const struct weft_backtest_plan *p)
{
    size_t least = (size_t)p->season,
           trained = (size_t)(p->lookback + 2 * (p->gap + p->horizon)); /* a train and a validation window, at least */
    for (size_t i = 0; i < p->models.n; i++) {
        const struct weft_model_info *m = weft_apply_info(p->opened[i]);
        if (m && (size_t)m->lookback > least)
            least = (size_t)m->lookback;
    }
    return p->refit.n && trained > least ? trained : least;
}

static int place_origins(struct weft_backtest_plan *p, struct weft_err *e)
{
    struct weft_origins *o = &p->o.origins;
    *o = (struct weft_origins){.every = (size_t)(p->every ? p->every : p->horizon),
                               .n = (size_t)p->n_origins,
                               .gap = (size_t)p->gap,
                               .horizon = (size_t)p->horizon};
    if (p->refit.n && !p->lookback) {
        struct weft_origins first = *o;
        if (weft_origins_place(&first, (size_t)p->attrs.known, least_known(p), e) < 0)
            return -1;
        p->lookback = usual_lookback(p, (int64_t)weft_origin_known(&first, 0));
    }
    if (weft_origins_place(o, (size_t)p->attrs.known, least_known(p), e) < 0)
        return -1;
    p->dates = weft_xrealloc2(NULL, o->n, sizeof *p->dates);
    for (size_t k = 0; k < o->n; k++)
        weft_series_date(&p->attrs, weft_step_add(p->attrs.start, (int64_t)(o->first + k * o->every), p->attrs.step),
                         p->dates[k]);
    return 0;
}

/* Orders are placed at the origins: what each must last for lies within the horizon. */
static int place_orders(struct weft_backtest_plan *p, struct weft_err *e)
{
    int64_t lead = (int64_t)p->orders.lead;
    if (p->gap)
        return weft_fail(e, WEFT_USAGE, "--orders and --gap: orders are placed where what is known ends");
    if (p->attrs.step <= 0 || p->attrs.step % 3600 != 0)
        return weft_fail(e, WEFT_CONFIG, "--orders needs steps of hours, days or weeks");
    if (!p->every && lead < p->horizon)
        p->every = p->horizon - lead;
    if (!p->every || lead + p->every > p->horizon) {
        weft_fail(e, WEFT_CONFIG,
                  "--orders: a lead time of %lld and %lld steps to the next order are more than the "
                  "horizon of %lld",
                  (long long)lead, (long long)p->every, (long long)p->horizon);
        return weft_fail_hint(e, "give --horizon %lld", (long long)(lead + (p->every ? p->every : 1)));
    }
    p->o.orders = &p->orders;
    return 0;
}

/* --- start --- */

int weft_backtest_plan_start(struct weft_backtest_plan *p, struct weft_run *run, struct weft_err *e)
{
    if (p->attrs.lookback) {
        p->lookback = p->attrs.lookback;
        p->scale = (int)p->attrs.scale;
    }
    p->season = p->season ? p->season : weft_season_of(p->attrs.step);
    if (open_models(p, run, e) < 0 || (p->with_orders && place_orders(p, e) < 0) ||
        weft_growth_spans_read(p->near, p->far, (size_t)p->horizon, p->attrs.step, &p->o.spans, e) < 0 ||
        place_origins(p, e) < 0)
        return -1;
    p->o.season = (size_t)p->season;
    p->o.dates = (const char(*)[32])p->dates;
    p->o.clip = p->clip = weft_match_clip(&p->attrs, weft_run_given(run, "nonnegative"), &p->nonnegative);
    if (weft_backtest_new(&p->attrs, &p->o, &p->backtest, e) < 0 || enter_models(p, run, e) < 0)
        return -1;
    return p->refit.n ? weft_spool_new(&p->spool, e) : enter_baselines(p, e);
}

/* --- series --- */

int weft_backtest_plan_add(struct weft_backtest_plan *p, struct weft_span frame, struct weft_err *e)
{
    if (weft_series_read(frame, &p->attrs, &p->series, e) < 0 || weft_series_refuse_twice(&p->series, &p->met, e) < 0)
        return -1;
    if (p->spool)
        return weft_spool_add(p->spool, frame, e);
    weft_backtest_series(p->backtest, &p->series);
    return 0;
}

/* --- trainings --- */

/* Trains one contender for all origins, and enters it. */
static int refit_one(struct weft_backtest_plan *p, const struct weft_refit *r, const char *item, struct weft_err *e)
{
    size_t named, serves = (size_t)p->refit_every, n = (p->o.origins.n + serves - 1) / serves, i = 0;
    const char *command = weft_refit_command(item, &named);
    size_t *length = WEFT_ARRAY(size_t, n), borders[WEFT_PARTS];
    char(*dates)[32] = weft_xrealloc2(NULL, n, sizeof *dates), *name = NULL;
    struct weft_apply **apply = WEFT_ARRAY(struct weft_apply *, n);
    for (size_t k = 0; k < n; k++) {
        length[k] = weft_origin_known(&p->o.origins, k * serves);
        memcpy(dates[k], p->dates[k * serves], sizeof *dates);
    }
    int rc = weft_refit_run(r, command, length, (const char(*)[32])dates, n, apply, e);
    if (rc == 0) {
        name = command == item ? weft_xstrdup(weft_apply_name(apply[0])) : weft_xstrndup(item, named);
        size_t c = weft_backtest_enter(p->backtest, name, serves < p->o.origins.n ? serves : p->o.origins.n, true);
        for (; i < n && rc == 0; i++) {
            weft_refit_borders(r, length[i], borders);
            rc = weft_backtest_model(p->backtest, c, i, apply[i], borders[WEFT_PART_TRAIN], e);
        }
    }
    for (; i < n; i++)
        weft_apply_close(&apply[i]);
    free(name);
    free(apply);
    free(dates);
    free(length);
    return rc;
}

static int refit_all(struct weft_backtest_plan *p, struct weft_run *run, struct weft_err *e)
{
    struct weft_progress progress = {0};
    const struct weft_refit r = {.run = run,
                                 .attrs = &p->attrs,
                                 .spool = p->spool,
                                 .lookback = p->lookback,
                                 .horizon = p->gap + p->horizon,
                                 .stride = p->attrs.stride,
                                 .scale = (enum weft_scale)p->scale,
                                 .valid = p->valid,
                                 .progress = &progress};
    int rc = 0;
    weft_progress_start(&progress, weft_run_program(run), weft_run_progress(run));
    for (size_t i = 0; i < p->refit.n && rc == 0; i++)
        rc = refit_one(p, &r, p->refit.items[i], e);
    weft_progress_end(&progress);
    return rc;
}

int weft_backtest_plan_finish(struct weft_backtest_plan *p, struct weft_run *run, struct weft_err *e)
{
    struct weft_span frame;
    if (!p->spool)
        return 0;
    if (weft_spool_finish(p->spool, e) < 0)
        return -1;
    if (!weft_spool_next(p->spool, &(size_t){0}, &frame))
        return weft_fail(e, WEFT_DATA, "no series came");
    if (refit_all(p, run, e) < 0 || enter_baselines(p, e) < 0)
        return -1;
    for (size_t at = 0; weft_spool_next(p->spool, &at, &frame);) {
        if (weft_stop_check(e) < 0)
            return -1;
        if (weft_series_read(frame, &p->attrs, &p->series, e) < 0)
            return -1;
        weft_backtest_series(p->backtest, &p->series);
    }
    return 0;
}

void weft_backtest_plan_free(struct weft_backtest_plan *p)
{
    for (size_t i = 0; p->opened && i < p->models.n; i++)
        weft_apply_close(&p->opened[i]);
    free(p->opened);
    weft_backtest_free(&p->backtest);
    weft_spool_free(&p->spool);
    weft_ids_free(&p->met);
    weft_series_free(&p->series);
    weft_series_attrs_free(&p->attrs);
    free(p->dates);
    free(p->clip);
}
