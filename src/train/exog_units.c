/* exog_units.c - the linear model with exogenous channels for every unit of a stream. */
#include "train/exog_units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/dlinear_units.h"
#include "base/mem.h"
#include "base/rng.h"

/* Which channels count relative to their mean: those named, by default those called price. */
static int choose_relative(struct weft_exog_trainer *t, struct weft_err *e)
{
    const struct weft_series_attrs *a = &t->units.attrs;
    for (size_t i = 0; t->relative && i < t->relative->n; i++) {
        size_t c = weft_series_channel(a, t->relative->items[i]);
        if (c != SIZE_MAX && c >= a->n_targets)
            t->shape.exog.relative[c - a->n_targets] = true;
        else if (strcmp(t->relative->items[i], "price") != 0)
            return weft_fail(e, WEFT_USAGE, "--relative: the stream has no exogenous channel \"%s\"", t->relative->items[i]);
    }
    return 0;
}

int weft_exog_trainer_start(struct weft_exog_trainer *t, const struct weft_head *h, const char *by, struct weft_err *e)
{
    if (weft_units_start(&t->units, h, by, e) < 0)
        return -1;
    const struct weft_series_attrs *a = &t->units.attrs;
    size_t lookback = (size_t)a->lookback, n = a->n_channels - a->n_targets;
    if (n > WEFT_EXOG_MAX)
        return weft_fail(e, WEFT_CONFIG, "%zu exogenous channels, and a model takes %d", n, WEFT_EXOG_MAX);
    t->shape = (struct weft_linear_exog_shape){.lookback = lookback, .horizon = (size_t)a->horizon, .norm = t->norm};
    t->shape.exog = (struct weft_exog_shape){.lookback = lookback, .horizon = (size_t)a->horizon, .effect = t->effect, .n = n};
    t->shape.exog.lags = t->lags < lookback ? t->lags : lookback;
    for (size_t c = 0; c < n; c++)
        t->shape.exog.role[c] = a->role[a->n_targets + c];
    t->keep_cap = weft_residuals_cap(1);
    t->par = t->threads > 1 ? weft_par_new(t->threads) : NULL;
    return choose_relative(t, e);
}

/* Units up to those of the last group exist afterwards. The more there are, the fewer residuals each keeps. */
static void more_units(struct weft_exog_trainer *t)
{
    size_t need = t->units.groups.n * t->units.attrs.n_targets;
    if (need > t->cap) {
        t->cap = weft_grow(t->cap, need);
        t->unit = weft_xrealloc2(t->unit, t->cap, sizeof *t->unit);
    }
    if (need > t->n && weft_residuals_cap(need) < t->keep_cap) {
        t->keep_cap = weft_residuals_cap(need);
        for (size_t i = 0; i < t->n; i++)
            weft_residuals_limit(&t->unit[i].keep, t->keep_cap);
    }
    for (; t->n < need; t->n++) {
        struct weft_exog_unit *u = &t->unit[t->n];
        *u = (struct weft_exog_unit){0};
        weft_residuals_init(&u->keep, t->keep_cap, t->shape.lookback + t->shape.horizon + weft_exog_width(&t->shape.exog));
        weft_linear_exog_stats_init(&u->st, &t->shape, (size_t)t->units.attrs.stride, t->folds);
    }
}

static void fit_unit(void *ctx, size_t i)
{
    struct weft_exog_trainer *t = ctx;
    struct weft_exog_unit *u = &t->unit[i];
    if (u->solved)
        return;
    u->w = weft_linear_exog_weights_new(&t->shape);
    u->failed = weft_linear_exog_solve(&u->st, t->ridge, &u->w, &u->fit, &u->err) < 0;
    weft_linear_exog_stats_free(&u->st);
    u->solved = true;
}

int weft_exog_trainer_add(struct weft_exog_trainer *t, const struct weft_series *s, struct weft_err *e)
{
    size_t targets = t->units.attrs.n_targets, group = weft_units_group(&t->units, s);
    const float *x[WEFT_EXOG_MAX];
    more_units(t);
    for (size_t c = 0; c < t->shape.exog.n; c++)
        x[c] = s->values + (targets + c) * s->n;
    for (size_t c = 0; c < targets; c++) {
        struct weft_exog_unit *u = &t->unit[group * targets + c];
        if (u->closed)
            return weft_fail(e, WEFT_DATA, "id \"%.*s\" stands twice in the stream", s->id.n < 80 ? (int)s->id.n : 80, (const char *)s->id.p);
        u->st.keep = &u->keep;
        weft_linear_exog_stats_add(&u->st, s->values + c * s->n, s->n, s->scale[c], s->scale[s->n_channels + c], x, s->split, weft_hash(s->id.p, s->id.n, c),
                                   &t->room);
        u->st.keep = NULL; /* the array of units may move */
        u->closed = t->units.key == WEFT_KEY_ID; /* its sums need not wait for the end */
        if (u->closed)
            fit_unit(t, group * targets + c);
    }
    return 0;
}

int weft_exog_trainer_fit(struct weft_exog_trainer *t, struct weft_err *e)
{
    size_t failed = 0, floats = weft_linear_exog_weights_size(&t->shape);
    if (!t->n)
        return weft_fail(e, WEFT_DATA, "no series came");
    weft_par_for(t->par, t->n, fit_unit, t);
    for (size_t i = 0; i < t->n; i++) {
        struct weft_exog_unit *u = &t->unit[i];
        if (t->log)
            weft_units_log_put(weft_dlinear_log_line(&t->units, i, &u->fit, u->failed), t->log);
        failed += u->failed;
        if (u->failed && u->err.code != WEFT_CONFIG) {
            *e = u->err;
            return -1;
        }
        for (size_t k = 0; k < floats && u->failed; k++)
            u->w.w[k] = NAN;
    }
    if (failed < t->n)
        return 0;
    *e = t->unit[0].err;
    return weft_fail_hint(e, "give more history, or a shorter --lookback or --horizon");
}

static bool unit_text(const void *trainer, size_t i, char text[WEFT_UNIT_TEXT])
{
    const struct weft_exog_trainer *t = trainer;
    const struct weft_exog_unit *u = &t->unit[i];
    if (u->failed) {
        snprintf(text, WEFT_UNIT_TEXT, "%s", u->err.what);
        return false;
    }
    weft_dlinear_fit_text(&u->fit, text);
    snprintf(text + strlen(text), WEFT_UNIT_TEXT - strlen(text), ", %zu exogenous channels", t->shape.exog.n);
    return true;
}

void weft_exog_trainer_say(const struct weft_exog_trainer *t, struct weft_run *run)
{
    weft_units_say(&t->units, t->n, unit_text, t, "it will not be forecast", run);
}

int weft_exog_trainer_save(struct weft_exog_trainer *t, const char *lineage, const char *path, struct weft_err *e)
{
    const struct weft_series_attrs *a = &t->units.attrs;
    size_t targets = a->n_targets, h = t->shape.horizon, rows = weft_residuals_cap(t->n), *order = weft_units_order(&t->units);
    struct weft_linear_exog_weights *w = WEFT_ARRAY(struct weft_linear_exog_weights, t->n);
    float *residuals = weft_xrealloc2(NULL, t->n * rows * h, sizeof *residuals), *floor = WEFT_ARRAY(float, t->n);
    struct weft_linear_exog *model = weft_linear_exog_new(&t->shape, 1);
    struct weft_st_writer *out = weft_st_writer_new();
    for (size_t i = 0; i < t->n; i++) {
        struct weft_exog_unit *u = &t->unit[order[i / targets] * targets + i % targets];
        w[i] = u->w;
        weft_linear_exog_set(model, 0, &u->w);
        weft_residuals_finish(&u->keep, t->shape.lookback, h, weft_linear_exog_forecast, model, 0, rows, residuals + i * rows * h, &floor[i]);
    }
    weft_linear_exog_write(&t->shape, w, t->n, out);
    weft_st_writer_meta(out, "solver", "exact");
    weft_st_writer_tensor(out, "residuals", WEFT_ST_F32, 3, (size_t[]){t->n, rows, h}, residuals);
    weft_st_writer_tensor(out, "residual_floor", WEFT_ST_F32, 1, (size_t[]){t->n}, floor);
    weft_model_exog_write(&t->shape.exog, a->channels + targets, out);
    int rc = weft_units_save(&t->units, order, "dlinear-exog", lineage, out, path, e);
    weft_st_writer_free(&out);
    weft_linear_exog_free(&model);
    free(order);
    free(w);
    free(residuals);
    free(floor);
    return rc;
}

void weft_exog_trainer_free(struct weft_exog_trainer *t)
{
    for (size_t i = 0; i < t->n; i++) {
        struct weft_exog_unit *u = &t->unit[i];
        weft_linear_exog_stats_free(&u->st);
        weft_residuals_free(&u->keep);
        weft_linear_exog_weights_free(&u->w);
    }
    weft_par_free(&t->par);
    free(t->unit);
    free(t->room.p);
    weft_units_free(&t->units);
    *t = (struct weft_exog_trainer){0};
}
