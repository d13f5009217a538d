/* dlinear_units.c - DLinear for every unit of a stream. */
#include "train/dlinear_units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/dlinear_ladder.h"
#include "train/factored.h"
#include "base/mem.h"
#include "base/rng.h"

/* Which channels count relative to their mean: those named, by default those called price. */
static int choose_relative(struct weft_dlinear_trainer *t, struct weft_err *e)
{
    const struct weft_series_attrs *a = &t->units.attrs;
    for (size_t i = 0; t->relative && i < t->relative->n; i++) {
        size_t c = weft_series_channel(a, t->relative->items[i]);
        if (c != SIZE_MAX && c >= a->n_targets)
            t->shape.exog.relative[c - a->n_targets] = true;
        else if (strcmp(t->relative->items[i], "price") != 0)
            return weft_fail(e, WEFT_USAGE, "--relative: the stream has no exogenous channel \"%s\"",
                             t->relative->items[i]);
    }
    return 0;
}

static int take_channels(struct weft_dlinear_trainer *t, struct weft_err *e)
{
    const struct weft_series_attrs *a = &t->units.attrs;
    size_t lookback = t->shape.lookback, n = a->n_channels - a->n_targets;
    if (!t->exog || t->adam || !n)
        return 0;
    if (n > WEFT_EXOG_MAX)
        return weft_fail(e, WEFT_CONFIG, "%zu exogenous channels, and a model takes %d", n, WEFT_EXOG_MAX);
    t->shape.exog = (struct weft_exog_shape){.level = t->level > 0 && t->level < lookback ? t->level : lookback,
                                             .horizon = t->shape.horizon,
                                             .effect = t->effect,
                                             .n = n};
    t->shape.exog.by_forecast = true;
    t->shape.exog.lags = t->lags < lookback ? t->lags : lookback;
    for (size_t c = 0; c < n; c++)
        t->shape.exog.role[c] = a->role[a->n_targets + c];
    return choose_relative(t, e);
}

int weft_dlinear_trainer_start(struct weft_dlinear_trainer *t, const struct weft_head *h, const char *by,
                               struct weft_err *e)
{
    if (weft_units_start(&t->units, h, by, e) < 0)
        return -1;
    t->shape.lookback = (size_t)t->units.attrs.lookback;
    t->shape.horizon = (size_t)t->units.attrs.horizon;
    t->keep_cap = weft_residuals_cap(1);
    t->par = t->threads > 1 ? weft_par_new(t->threads) : NULL;
    return take_channels(t, e);
}

void weft_dlinear_trainer_units(struct weft_dlinear_trainer *t)
{
    size_t need = t->units.groups.n * t->units.attrs.n_targets,
           width = t->shape.lookback + t->shape.horizon + weft_dlinear_exog_width(&t->shape);
    if (need > t->cap) {
        t->cap = weft_grow(t->cap, need);
        t->unit = weft_xrealloc2(t->unit, t->cap, sizeof *t->unit);
    }
    if (need > t->n && weft_residuals_cap(need) < t->keep_cap) {
        t->keep_cap = weft_residuals_cap(need);
        for (size_t i = 0; i < t->n; i++)
            weft_residuals_limit(&t->unit[i]->keep, t->keep_cap);
    }
    for (; t->n < need; t->n++) {
        struct weft_dlinear_unit *u = t->unit[t->n] = WEFT_NEW(struct weft_dlinear_unit);
        weft_residuals_init(&u->keep, t->keep_cap, width);
        if (!t->adam) {
            weft_dlinear_stats_init(&u->st, &t->shape, (size_t)t->units.attrs.stride, t->folds);
            if (t->refit)
                weft_dlinear_stats_rest(&u->st);
            u->st.keep = t->factored ? NULL : &u->keep; /* its errors are those of factors that had not seen them */
        }
    }
}

static void fit_exact(struct weft_dlinear_trainer *t, size_t i)
{
    struct weft_dlinear_unit *u = t->unit[i];
    u->w = weft_dlinear_weights_new(&t->shape);
    if (t->tune)
        weft_dlinear_tuned_fit(t, u);
    else
        u->failed = (t->ladder ? weft_ladder_fit(t->ladder, t, i, &u->err)
                               : weft_dlinear_solve(&u->st, t->ridge, &u->w, &u->fit, &u->err)) < 0;
    u->st.keep = NULL;
    weft_dlinear_stats_free(&u->st);
    u->solved = true;
}

static void fit_waiting(void *ctx, size_t i)
{
    struct weft_dlinear_trainer *t = ctx;
    fit_exact(t, t->waiting + i);
}

/* How many closed units wait so that the threads may share them: a wide window's Gram matrices take megabytes. */
static size_t fit_together(const struct weft_dlinear_trainer *t)
{
    return (t->shape.lookback + t->shape.horizon < 200 ? 16 : 1) * (size_t)(t->threads > 1 ? t->threads : 1);
}

int weft_dlinear_trainer_add(struct weft_dlinear_trainer *t, const struct weft_series *s, struct weft_err *e)
{
    size_t channels = t->units.attrs.n_targets, group = weft_units_group(&t->units, s);
    const float *exog[WEFT_EXOG_MAX];
    for (size_t c = 0; c < t->shape.exog.n; c++)
        exog[c] = s->values + (channels + c) * s->n;
    weft_dlinear_trainer_units(t);
    if (t->channels.choose)
        weft_dlinear_channels_add(t, s, exog);
    if (t->ladder && weft_ladder_meet(t->ladder, t, s, group, e) < 0)
        return -1;
    for (size_t c = 0; c < channels; c++) {
        struct weft_dlinear_unit *u = t->unit[group * channels + c];
        if (u->closed)
            return weft_fail(e, WEFT_DATA, "id \"%.*s\" stands twice in the stream", s->id.n < 80 ? (int)s->id.n : 80,
                             (const char *)s->id.p);
        if (t->adam) {
            if (weft_pool_add(&t->pool, &u->places, &t->units.attrs, s, c, WEFT_PART_VALID, e) < 0)
                return -1;
            continue;
        }
        u->st.weight = t->weight ? t->weight[c] : 1;
        u->st.borders = t->ladder ? t->ladder->own_border : NULL;
        weft_dlinear_stats_add(&u->st, s->values + c * s->n, s->n, s->scale[c], s->scale[s->n_channels + c], exog,
                               s->split, weft_hash(s->id.p, s->id.n, c), &t->room);
        u->closed = t->units.key == WEFT_KEY_ID && !t->partial; /* its sums need not wait for the end */
    }
    bool early = !t->adam && t->units.key == WEFT_KEY_ID && !t->partial && !t->channels.choose;
    if (early && t->n - t->waiting >= fit_together(t) && (!t->ladder || t->ladder->read)) {
        weft_par_for(t->par, t->n - t->waiting, fit_waiting, t);
        t->waiting = t->n;
    }
    return 0;
}

/* --- Adam --- */

struct report {
    struct weft_dlinear_trainer *t;
    FILE *log;
    size_t unit;
};

static bool on_epoch(void *ctx, const struct weft_dlinear_epoch *now)
{
    const struct report *r = ctx;
    if (r->t->n == 1)
        weft_progress_line(r->t->progress, "epoch %2d  lr %.3g  train %.6f  valid %.6f%s", now->epoch, now->lr,
                           now->train_loss, now->valid_loss, now->best ? "  best so far" : "");
    if (r->log) {
        weft_json *j = weft_units_log_line(&r->t->units, r->unit);
        weft_json_set(j, "epoch", weft_json_new_int(now->epoch));
        weft_json_set(j, "lr", weft_json_new_real(now->lr));
        weft_json_set(j, "train_loss", weft_json_new_real(now->train_loss));
        weft_json_set(j, "valid_loss", weft_json_new_real(now->valid_loss));
        weft_json_set(j, "best", weft_json_new_bool(now->best));
        weft_units_log_put(j, r->log);
    }
    return r->t->stopping && r->t->stopping(r->t->ctx);
}

static void fit_adam(struct weft_dlinear_trainer *t, size_t i)
{
    struct weft_dlinear_unit *u = t->unit[i];
    struct weft_places *train = &u->places.part[WEFT_PART_TRAIN], *valid = &u->places.part[WEFT_PART_VALID];
    struct weft_dlinear_adam o = t->options;
    struct report report = {.t = t, .log = t->n == 1 ? t->log : NULL, .unit = i};
    u->w = weft_dlinear_weights_new(&t->shape);
    if (!train->n) {
        u->failed =
            weft_fail(&u->err, WEFT_CONFIG, "no window without a missing value lies wholly in the train part") < 0;
        return;
    }
    struct weft_dlinear_windows d = {.pool = t->pool.values, .n_train = train->n, .n_valid = valid->n};
    uint32_t *bundle = t->by_origin ? weft_pool_bundles(train, &d.n_bundles) : NULL;
    d.bundle = bundle;
    d.train = train->at;
    d.valid = valid->at;
    if (t->log && !report.log)
        report.log = open_memstream(&u->log, &u->log_n);
    o.stream = i;
    o.report = on_epoch;
    o.ctx = &report;
    weft_dlinear_train(&t->shape, &o, &d, &u->w, &u->best);
    if (report.log && report.log != t->log)
        fclose(report.log);
    if (u->best.epoch == 0 || !isfinite(u->best.train_loss))
        u->failed =
            weft_fail(&u->err, WEFT_DATA, "the training ran away (its loss is no number); try a smaller --lr") < 0;
    u->fit = (struct weft_dlinear_fit){
        .valid_mse = u->best.valid_loss, .train_windows = train->n, .valid_windows = valid->n};
    free(bundle);
    weft_pool_keep(&t->pool, valid, t->shape.lookback + t->shape.horizon, &u->keep);
    u->solved = true;
}

/* --- all units --- */

static void fit_unit(void *ctx, size_t i)
{
    struct weft_dlinear_trainer *t = ctx;
    if (t->adam)
        fit_adam(t, i);
    else if (!t->unit[i]->solved)
        fit_exact(t, i);
}

static weft_json *fit_line(const struct weft_dlinear_trainer *t, size_t unit)
{
    const struct weft_dlinear_unit *u = t->unit[unit];
    weft_json *j = weft_units_log_line(&t->units, unit);
    weft_json_set(j, "ridge", weft_json_new_real(u->failed ? NAN : u->fit.ridge));
    weft_json_set(j, "valid_loss", weft_json_new_real(u->failed ? NAN : u->fit.valid_mse));
    weft_json_set(j, "train_windows", weft_json_new_int((int64_t)u->fit.train_windows));
    weft_json_set(j, "valid_windows", weft_json_new_int((int64_t)u->fit.valid_windows));
    weft_json_set(j, "folds", weft_json_new_int((int64_t)u->fit.folds));
    return j;
}

/* {"error", "error_without", "used": {channel: error without it}} */
static weft_json *gain_json(const struct weft_dlinear_trainer *t, const struct weft_exog_gain *g)
{
    const struct weft_series_attrs *a = &t->units.attrs;
    weft_json *j = weft_json_new_object(), *used = weft_json_new_object();
    weft_json_set(j, "error", weft_json_new_measure(g->with));
    weft_json_set(j, "error_without", weft_json_new_measure(g->without));
    for (size_t c = 0; c < t->shape.exog.n; c++)
        if (g->used[c])
            weft_json_set(used, a->channels[a->n_targets + c], weft_json_new_measure(g->each[c]));
    weft_json_set(j, "used", used);
    return j;
}

/* The last line of a log: {"channels": [what is said of them]}. */
static void log_channels(const struct weft_dlinear_trainer *t)
{
    size_t n;
    char **lines = weft_dlinear_channels_text(t, &n);
    weft_json *j = weft_json_new_object(), *list = weft_json_new_array();
    for (size_t i = 0; i < n; i++) {
        weft_json_push(list, weft_json_new_str(lines[i], strlen(lines[i])));
        free(lines[i]);
    }
    free(lines);
    weft_json_set(j, "channels", list);
    weft_units_log_put(j, t->log);
}

static void write_log(const struct weft_dlinear_trainer *t, size_t i)
{
    const struct weft_dlinear_unit *u = t->unit[i];
    if (u->log)
        fwrite(u->log, 1, u->log_n, t->log);
    if (t->adam)
        return;
    weft_json *j = u->transfer ? weft_units_log_line(&t->units, i) : fit_line(t, i);
    if (u->transfer)
        weft_ladder_json(u, j);
    if (t->tune)
        weft_json_set(j, "tuned", weft_dlinear_tuned_json(&u->tuned, t->shape.exog.n > 0));
    if (t->channels.choose && t->shape.exog.n)
        weft_json_set(j, "exogenous", gain_json(t, &u->gain));
    weft_units_log_put(j, t->log);
}

int weft_dlinear_trainer_fit(struct weft_dlinear_trainer *t, struct weft_err *e)
{
    size_t failed = 0, floats = weft_dlinear_weights_size(&t->shape);
    if (!t->n)
        return weft_fail(e, WEFT_DATA, "no series came");
    if (t->ladder && weft_ladder_read(t->ladder, t, e) < 0)
        return -1;
    if (t->channels.choose)
        weft_dlinear_channels_decide(t);
    /* Few units share the threads inside, many side by side. */
    t->choices.par = t->n < 4 * (size_t)(t->threads > 1 ? t->threads : 1) ? t->par : NULL;
    if (t->tune && t->choices.par)
        for (size_t i = 0; i < t->n; i++)
            fit_unit(t, i);
    else
        weft_par_for(t->par, t->n, fit_unit, t);
    for (size_t i = 0; i < t->n; i++) {
        struct weft_dlinear_unit *u = t->unit[i];
        if (t->log)
            write_log(t, i);
        failed += u->failed;
        if (u->failed && u->err.code != WEFT_CONFIG) {
            *e = u->err;
            return -1;
        }
        for (size_t k = 0; k < floats && u->failed; k++)
            u->w.ws[k] = NAN;
    }
    if (t->log && t->channels.choose)
        log_channels(t);
    if (failed < t->n)
        return 0;
    *e = t->unit[0]->err;
    return weft_fail_hint(e, "give more history, or a shorter --lookback or --horizon");
}

static bool unit_text(const void *trainer, size_t i, char text[WEFT_UNIT_TEXT])
{
    const struct weft_dlinear_trainer *t = trainer;
    const struct weft_dlinear_unit *u = t->unit[i];
    if (u->failed)
        snprintf(text, WEFT_UNIT_TEXT, "%s", u->err.what);
    else if (t->adam)
        snprintf(text, WEFT_UNIT_TEXT, "best epoch %d, train %.6f, valid %.6f", u->best.epoch, u->best.train_loss,
                 u->best.valid_loss);
    else if (t->tune)
        snprintf(text, WEFT_UNIT_TEXT,
                 "%zu of %zu configurations (lookback, mean of the last k, ridge) over %zu folds in %.2f s, the best "
                 "%zu, %zu, %.3g; valid %.6f",
                 u->tuned.n_best, u->tuned.configs, u->fit.folds, u->tuned.seconds, u->tuned.best[0].lookback,
                 u->tuned.best[0].last, u->tuned.best[0].ridge, u->fit.valid_mse);
    else
        snprintf(text, WEFT_UNIT_TEXT, "ridge %.3g over %zu folds, valid %.6f, %llu windows", u->fit.ridge,
                 u->fit.folds, u->fit.valid_mse, (unsigned long long)u->fit.train_windows);
    size_t at = strlen(text);
    if (!u->failed && t->shape.exog.n)
        snprintf(text + at, WEFT_UNIT_TEXT - at, ", %zu exogenous channels", t->shape.exog.n);
    return !u->failed;
}

void weft_dlinear_trainer_say(const struct weft_dlinear_trainer *t, const char *without, struct weft_run *run)
{
    size_t n = 0;
    weft_units_say(&t->units, t->n, unit_text, t, without, run);
    char **lines = t->channels.choose ? weft_dlinear_channels_text(t, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        weft_run_info(run, "%s", lines[i]);
        free(lines[i]);
    }
    free(lines);
}

/* How many of the validation windows' errors are independent; NaN: this solver does not say. */
static float freedom_of(const struct weft_dlinear_trainer *t, const struct weft_dlinear_unit *u)
{
    if (t->ladder || !u->fit.series)
        return NAN;
    size_t stride = (size_t)t->units.attrs.stride;
    return (float)weft_window_freedom(u->fit.valid_windows, u->fit.series, stride, t->shape.horizon);
}

int weft_dlinear_trainer_save(struct weft_dlinear_trainer *t, const char *lineage, const char *path, struct weft_err *e)
{
    size_t channels = t->units.attrs.n_targets, h = t->shape.horizon, *order = weft_units_order(&t->units);
    struct weft_dlinear_weights *w = WEFT_ARRAY(struct weft_dlinear_weights, t->n);
    struct weft_errors errors;
    weft_errors_init(&errors, t->n, h);
    if (t->tune)
        t->shape.norm = weft_dlinear_tuned_norm(t);
    struct weft_dlinear *model = weft_dlinear_new(&t->shape, 1);
    struct weft_st_writer *out = weft_st_writer_new();
    for (size_t i = 0; i < t->n; i++) {
        size_t unit = order[i / channels] * channels + i % channels;
        struct weft_dlinear_unit *u = t->unit[unit];
        w[i] = u->w;
        weft_dlinear_set(model, 0, u->honest.ws && !u->failed ? &u->honest : &u->w);
        weft_errors_take(&errors, i, t->ladder ? weft_ladder_residuals(t->ladder, t, unit) : &u->keep,
                         t->shape.lookback, weft_dlinear_forecast, model, t->shape.exog.by_forecast);
        errors.freedom[i] = freedom_of(t, u);
    }
    char *chosen[WEFT_EXOG_MAX], **names = t->units.attrs.channels + channels;
    if (t->channels.choose && t->shape.exog.n && weft_dlinear_channels_take(t, w, chosen))
        names = chosen;
    weft_dlinear_write(&t->shape, w, t->n, out);
    weft_st_writer_meta(out, "solver", t->adam ? "adam" : "exact");
    if (t->ladder)
        weft_ladder_write(t->ladder, t, order, out);
    weft_errors_write(&errors, t->factored || t->units.attrs.scale != WEFT_SCALE_NONE, out);
    float *covariance = t->tune ? weft_dlinear_tuned_write(t, order, out) : NULL;
    if (t->shape.exog.n)
        weft_model_exog_write(&t->shape.exog, names, out);
    const char *kind = t->shape.exog.n ? "dlinear-exog" : "dlinear";
    if (t->factored) {
        kind = WEFT_FACTORS_MODEL;
        weft_factored_write(t->factored, out);
    }
    int rc = weft_units_save(&t->units, order, kind, lineage, out, path, e);
    free(covariance);
    weft_st_writer_free(&out);
    weft_dlinear_free(&model);
    free(order);
    free(w);
    weft_errors_free(&errors);
    return rc;
}

void weft_dlinear_trainer_free(struct weft_dlinear_trainer *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct weft_dlinear_unit *u = t->unit[i];
        weft_dlinear_stats_free(&u->st);
        weft_residuals_free(&u->keep);
        weft_pool_unit_free(&u->places);
        weft_dlinear_weights_free(&u->w);
        free(u->transfer);
        weft_dlinear_weights_free(&u->honest);
        free(u->tuned.covariance);
        free(u->log);
        free(u);
    }
    weft_dlinear_channels_free(&t->channels);
    weft_par_free(&t->par);
    free(t->unit);
    free(t->room.p);
    weft_pool_free(&t->pool);
    weft_units_free(&t->units);
    t->unit = NULL;
    t->n = 0;
}
