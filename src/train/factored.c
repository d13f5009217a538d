/* factored.c - factors, then the linear model. */
#include "train/factored.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "nn/nested.h"
#include "record/window.h"
#include "train/factor_folds.h"

/* One series as it came. */
struct item {
    char *id, **key;
    size_t id_n, *key_n, n, split[WEFT_PARTS];
    int64_t start;
    float *values;     /* [targets + channels, n], channels filled */
    double *reference; /* [channels] */
    const float **channel;
};

struct weft_factored {
    struct weft_factored_options o;
    const struct weft_series_attrs *attrs;
    size_t targets, channels, at[WEFT_EXOG_MAX]; /* at: the stream's channels that are taken */
    char *names[WEFT_EXOG_MAX];
    struct weft_factor_survey survey[WEFT_EXOG_MAX];
    struct item *item;
    size_t n, cap;
    size_t history, honest, trained; /* steps of the calendar: that factors are fitted from, up to the end of
                                        validation, up to that of training */
    struct weft_factor_series *x;    /* [n]: of the target at hand */
    struct weft_factors model;
    struct weft_factor_choice *choice; /* [targets] */
    double (*wape)[2];                 /* [targets] of the rests, raw and log */
    uint64_t below, silent;            /* values below 0; series without a sale */
};

/* --- what comes --- */

int weft_factored_start(const struct weft_factored_options *o, const struct weft_series_attrs *a,
                        struct weft_factored **out, struct weft_err *e)
{
    struct weft_factored *f = *out = WEFT_NEW(struct weft_factored);
    struct weft_factor_set set;
    f->o = *o;
    f->attrs = a;
    f->targets = a->n_targets;
    if (!weft_factors_year(a->step)) {
        weft_fail(e, WEFT_CONFIG, "--factors knows steps of a day and of a week, and these are others");
        return weft_fail_hint(e, "--factors none");
    }
    if (strcmp(o->columns->items[0], "auto") != 0 &&
        weft_factor_set_parse(o->columns->items, o->columns->n, a->step, &set, e) < 0)
        return -1;
    for (size_t c = a->n_targets; c < a->n_channels && o->channels; c++)
        if (a->role[c] == WEFT_ROLE_FUTURE && f->channels == WEFT_EXOG_MAX)
            return weft_fail(e, WEFT_CONFIG, "more than %d channels known ahead", WEFT_EXOG_MAX);
        else if (a->role[c] == WEFT_ROLE_FUTURE)
            f->at[f->channels++] = c;
    return 0;
}

static void look_at_values(struct weft_factored *f, const struct item *i, size_t known)
{
    bool sold = false;
    for (size_t c = 0; c < f->targets; c++)
        for (size_t t = 0; t < known; t++) {
            f->below += i->values[c * i->n + t] < 0;
            sold |= i->values[c * i->n + t] > 0;
        }
    f->silent += !sold;
}

void weft_factored_add(struct weft_factored *f, const struct weft_series *s)
{
    const struct weft_series_attrs *a = f->attrs;
    if (f->n == f->cap) {
        f->cap = weft_grow(f->cap, f->n + 1);
        f->item = weft_xrealloc2(f->item, f->cap, sizeof *f->item);
    }
    struct item *i = &f->item[f->n++];
    *i = (struct item){
        .id = weft_xstrndup((const char *)s->id.p, s->id.n), .id_n = s->id.n, .n = s->n, .start = s->start};
    i->key = WEFT_ARRAY(char *, a->n_keys + 1);
    i->key_n = WEFT_ARRAY(size_t, a->n_keys + 1);
    for (size_t k = 0; k < a->n_keys; k++)
        if (s->key[k].p) {
            i->key[k] = weft_xstrndup((const char *)s->key[k].p, s->key[k].n);
            i->key_n[k] = s->key[k].n;
        }
    memcpy(i->split, s->split, sizeof i->split);
    i->values = weft_xrealloc2(NULL, (f->targets + f->channels) * s->n + 1, sizeof *i->values);
    memcpy(i->values, s->values, f->targets * s->n * sizeof *i->values);
    for (size_t c = 0; c < f->channels; c++) /* as it came: filled when it is known what it is */
        memcpy(i->values + (f->targets + c) * s->n, s->values + f->at[c] * s->n, s->n * sizeof *i->values);
    size_t first = (size_t)((s->start - a->start) / a->step), known = weft_series_known(a, s->start, s->n);
    size_t honest = first + s->split[WEFT_PART_VALID], all = first + known;
    size_t trained = first + s->split[WEFT_PART_TRAIN];
    f->honest = honest > f->honest ? honest : f->honest;
    f->trained = trained > f->trained ? trained : f->trained;
    f->history = all > f->history ? all : f->history;
    for (size_t c = 0; c < f->channels; c++)
        weft_factor_survey_add(&f->survey[c], i->values + (f->targets + c) * s->n, known, s->start, a->step);
    look_at_values(f, i, known);
}

static int by_id(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return strcmp(x->id, y->id);
}

/* --- factors --- */

/* Takes the channels that vary. */
static void take_channels(struct weft_factored *f, struct weft_factor_shape *shape)
{
    size_t kept = 0, from[WEFT_EXOG_MAX];
    for (size_t c = 0; c < f->channels; c++) {
        const char *name = f->attrs->channels[f->at[c]];
        bool relative = false;
        for (size_t k = 0; f->o.relative && k < f->o.relative->n; k++)
            relative |= strcmp(f->o.relative->items[k], name) == 0;
        shape->channel[kept] = weft_factor_channel_of(&f->survey[c], name, relative, f->attrs->step);
        if (shape->channel[kept].kind == WEFT_FACTOR_SAME)
            continue;
        f->names[kept] = f->attrs->channels[f->at[c]];
        from[kept++] = c;
    }
    shape->n_channels = kept;
    for (size_t i = 0; i < f->n; i++) {
        struct item *x = &f->item[i];
        x->reference = WEFT_ARRAY(double, kept + 1);
        x->channel = WEFT_ARRAY(const float *, kept + 1);
        size_t end = weft_series_known(f->attrs, x->start, x->n);
        for (size_t c = 0; c < kept; c++) {
            float *at = x->values + (f->targets + from[c]) * x->n;
            weft_factors_fill(at, x->n, shape->channel[c].kind == WEFT_FACTOR_OPEN, at);
            x->channel[c] = at;
            x->reference[c] = weft_factors_reference(at, end);
        }
    }
}

static void look_at_target(struct weft_factored *f, size_t target)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct item *x = &f->item[i];
        f->x[i] = (struct weft_factor_series){.y = x->values + target * x->n,
                                              .n = x->n,
                                              .channel = x->channel,
                                              .reference = x->reference,
                                              .start = x->start};
    }
}

/* Coefficients, scales and means of all series: the last fit. */
struct last_fit {
    struct weft_factored *f;
    struct weft_factor_target *t;
    const double *pooled;
    double *scale;
    size_t columns, all;
};

static void fit_own(void *ctx, size_t i)
{
    struct last_fit *l = ctx;
    struct weft_factor_target *t = l->t;
    const struct weft_factor_series *x = &l->f->x[i];
    size_t end = weft_factors_end(&t->shape, x, l->f->history);
    double *b = WEFT_ARRAY(double, l->all + 1), *f = WEFT_ARRAY(double, x->n + 1);
    float *own = t->own + i * l->columns;
    if (t->shape.set.any)
        weft_factors_own(&t->shape, x, l->scale[i], l->f->history, t->kappa, l->pooled, b);
    for (size_t j = 0; j < l->columns; j++)
        own[j] = (float)b[j];
    weft_factors_of(&t->shape, own, x, f);
    t->scale[i] = (float)l->scale[i];
    t->mean[i] = (float)weft_factors_mean(&t->shape, x, f, end);
    free(b);
    free(f);
}

static void fit_target(struct weft_factored *f, struct weft_factor_target *t, struct weft_par *par)
{
    struct last_fit l = {.f = f, .t = t, .columns = weft_factor_columns(&t->shape)};
    l.all = l.columns + weft_factor_nuisance(&t->shape, f->history);
    double *pooled = WEFT_ARRAY(double, l.all);
    l.pooled = pooled;
    l.scale = WEFT_ARRAY(double, f->n);
    t->pooled = WEFT_ARRAY(float, l.columns + 1);
    t->own = weft_xrealloc2(NULL, f->n * l.columns + 1, sizeof *t->own);
    t->scale = WEFT_ARRAY(float, f->n);
    t->mean = WEFT_ARRAY(float, f->n);
    for (size_t i = 0; i < f->n; i++)
        l.scale[i] = weft_factors_scale(&t->shape, f->x[i].y, weft_factors_end(&t->shape, &f->x[i], f->history));
    if (t->shape.set.any)
        weft_factors_pooled(&t->shape, f->x, l.scale, f->n, f->history, par, pooled);
    for (size_t j = 0; j < l.columns; j++)
        t->pooled[j] = (float)pooled[j];
    weft_par_for(par, f->n, fit_own, &l);
    free(pooled);
    free(l.scale);
}

static void choose_target(struct weft_factored *f, size_t target, const struct weft_factor_shape *shape,
                          struct weft_par *par)
{
    struct weft_factor_target *t = &f->model.target[target];
    struct weft_factor_folds folds = {.shape = *shape,
                                      .x = f->x,
                                      .n = f->n,
                                      .end = f->honest,
                                      .horizon = (size_t)f->attrs->horizon,
                                      .lookback = (size_t)f->attrs->lookback,
                                      .par = par};
    if (strcmp(f->o.columns->items[0], "auto") == 0)
        folds.n_sets = weft_factor_sets(shape->step, f->honest, folds.set);
    else if (weft_factor_set_parse(f->o.columns->items, f->o.columns->n, shape->step, &folds.set[0], NULL) == 0)
        folds.n_sets = 1;
    weft_factor_folds_choose(&folds, &f->choice[target]);
    t->shape = *shape;
    t->shape.set = f->choice[target].set;
    t->kappa = f->choice[target].kappa;
    t->smear = 1;
    fit_target(f, t, par);
}

/* --- the linear models --- */

/* Gives a trainer the rests of all series. */
static int feed(struct weft_factored *f, struct weft_dlinear_trainer *to, bool log_of, struct weft_err *e)
{
    size_t n_targets = f->targets;
    double *mean_scale = WEFT_ARRAY(double, n_targets), *scale = WEFT_ARRAY(double, 2 * n_targets),
           *weight = WEFT_ARRAY(double, n_targets);
    int rc = 0;
    for (size_t c = 0; c < n_targets; c++) {
        for (size_t i = 0; i < f->n; i++)
            mean_scale[c] += (double)f->model.target[c].scale[i] / (double)f->n;
        scale[n_targets + c] = 1;
    }
    for (size_t i = 0; i < f->n && rc == 0; i++) {
        const struct item *x = &f->item[i];
        float *rest = weft_xrealloc2(NULL, n_targets * x->n + 1, sizeof *rest);
        double *factor = WEFT_ARRAY(double, x->n + 1);
        size_t known = weft_series_known(f->attrs, x->start, x->n);
        for (size_t c = 0; c < n_targets; c++) {
            const struct weft_factor_target *t = &f->model.target[c];
            struct weft_factor_series view = {.y = x->values + c * x->n,
                                              .n = x->n,
                                              .channel = x->channel,
                                              .reference = x->reference,
                                              .start = x->start};
            weft_factors_of(&t->shape, t->own + i * weft_factor_columns(&t->shape), &view, factor);
            weft_factors_rest(&t->shape, &view, factor, t->mean[i], t->scale[i], known, log_of, rest + c * x->n);
            for (size_t s = known; s < x->n; s++)
                rest[c * x->n + s] = NAN;
            weight[c] = sqrt((double)t->scale[i] / mean_scale[c]);
        }
        struct weft_series s = {.id = {(const uint8_t *)x->id, x->id_n},
                                .start = x->start,
                                .n_channels = n_targets,
                                .n = x->n,
                                .values = rest,
                                .scale = scale};
        memcpy(s.split, x->split, sizeof s.split);
        for (size_t k = 0; k < f->attrs->n_keys; k++)
            s.key[k] = (struct weft_span){(const uint8_t *)x->key[k], x->key_n[k]};
        to->weight = weight;
        rc = weft_dlinear_trainer_add(to, &s, e);
        to->weight = NULL;
        free(rest);
        free(factor);
    }
    free(mean_scale);
    free(scale);
    free(weight);
    return rc;
}

/* Absolute errors, actual values and forecasts added up over validation windows. */
struct judged {
    double error, actual, forecast;
};

/* Factors of one target as they were known at an origin, and the trainers that forecast their rests: [0] as they are,
 * [1] logarithms. */
struct judge {
    struct weft_factored *f;
    struct weft_dlinear_trainer *trainer[2];
    struct weft_dlinear *model[2];
    size_t target, history;
    const double *pooled;
    struct judged sum[2];
};

static size_t unit_of(const struct weft_factored *f, struct weft_dlinear_trainer *t, const struct item *x,
                      size_t target)
{
    struct weft_series s = {.id = {(const uint8_t *)x->id, x->id_n}};
    for (size_t k = 0; k < f->attrs->n_keys; k++)
        s.key[k] = (struct weft_span){(const uint8_t *)x->key[k], x->key_n[k]};
    return weft_units_group(&t->units, &s) * f->targets + target;
}

/* Days that are shut or hardly sell have a rest that is filled in, and with it an error that is far too small: the
 * error of the day before stands for theirs, or at the start that of the first day that sells. actual[horizon] becomes
 * it. */
static void stand_in(float *actual, const float *y, const double *by, double scale, size_t horizon)
{
    size_t first = 0;
    while (first < horizon && weft_factors_hardly(by[first] / scale))
        first++;
    if (first == horizon)
        return;
    float error = actual[first] - y[first];
    for (size_t s = 0; s < horizon; s++)
        if (weft_factors_hardly(by[s] / scale))
            actual[s] = y[s] + error;
        else
            error = actual[s] - y[s];
}

/* One window: its errors in original units, and its row for the intervals. by[s]: what turns a rest of step s into a
 * value. */
static void judge_window(struct judge *j, const struct item *x, int form, size_t unit, const float *rest, size_t origin,
                         const double *by, double scale)
{
    const struct weft_series_attrs *a = j->f->attrs;
    size_t lookback = (size_t)a->lookback, horizon = (size_t)a->horizon;
    const float *row = rest + origin - lookback, *actual = x->values + j->target * x->n + origin;
    float *y = WEFT_ARRAY(float, horizon);
    bool whole = true;
    for (size_t s = 0; s < lookback + horizon; s++)
        whole &= (bool)isfinite(row[s]);
    weft_dlinear_forecast(j->model[form], 0, &row, 1, y);
    for (size_t s = 0; s < horizon && whole; s++) {
        double got = weft_factors_inverse(y[s], form) * by[origin + s];
        j->sum[form].error += isfinite(actual[s]) ? fabs(got - (double)actual[s]) : 0;
        j->sum[form].actual += isfinite(actual[s]) ? fabs((double)actual[s]) : 0;
        j->sum[form].forecast += isfinite(actual[s]) ? got : 0;
    }
    struct weft_residuals *keep = &j->trainer[form]->unit[unit]->keep;
    float *kept =
        whole ? weft_residuals_offer(keep, weft_hash(&origin, sizeof origin, weft_hash(x->id, x->id_n, j->target)))
              : NULL;
    if (kept) {
        memcpy(kept, row, (lookback + horizon) * sizeof *kept);
        stand_in(kept + lookback, y, by + origin, scale, horizon);
    }
    free(y);
}

/* The windows of one series from the origin of the factors on, a horizon of them. */
static void judge_series(struct judge *j, size_t i)
{
    const struct weft_factored *f = j->f;
    const struct item *x = &f->item[i];
    const struct weft_factor_shape *shape = &f->model.target[j->target].shape;
    const struct weft_factor_series *view = &f->x[i];
    size_t lookback = (size_t)f->attrs->lookback, horizon = (size_t)f->attrs->horizon,
           columns = weft_factor_columns(shape);
    size_t from = weft_factors_end(shape, view, j->history),
           to = x->split[WEFT_PART_VALID] < x->n ? x->split[WEFT_PART_VALID] : x->n;
    if (from < lookback || from + horizon > to)
        return;
    double *b = WEFT_ARRAY(double, columns + weft_factor_nuisance(shape, j->history)), *by = WEFT_ARRAY(double, x->n),
           scale = weft_factors_scale(shape, view->y, from);
    float *own = WEFT_ARRAY(float, columns + 1), *rest = WEFT_ARRAY(float, to);
    if (shape->set.any)
        weft_factors_own(shape, view, scale, j->history, f->model.target[j->target].kappa, j->pooled, b);
    for (size_t k = 0; k < columns; k++)
        own[k] = (float)b[k];
    for (int form = 0; form < 2; form++) {
        size_t unit = unit_of(f, j->trainer[form], x, j->target);
        struct weft_dlinear_unit *u = j->trainer[form]->unit[unit];
        weft_factors_of(shape, own, view, by);
        double mean = weft_factors_mean(shape, view, by, from);
        weft_factors_rest(shape, view, by, mean, scale, to, form, rest);
        for (size_t t = 0; t < x->n; t++)
            by[t] *= weft_factors_open(shape, view, t) / mean * scale;
        if (!u->failed)
            weft_dlinear_set(j->model[form], 0, u->honest.ws ? &u->honest : &u->w);
        for (size_t origin = from; origin < from + horizon && origin + horizon <= to && !u->failed; origin++)
            judge_window(j, x, form, unit, rest, origin, by, scale);
    }
    free(b);
    free(by);
    free(own);
    free(rest);
}

/* A sample of series that has one of every unit, and in all not many more than the choice of columns looks at. */
static size_t *sample_of(const struct weft_factored *f, struct weft_dlinear_trainer *t, size_t *n)
{
    size_t *met = WEFT_ARRAY(size_t, t->n + 1), *sample = WEFT_ARRAY(size_t, f->n + 1), steps = 0;
    *n = 0;
    for (size_t i = 0; i < f->n; i++)
        steps += f->item[i].n;
    size_t every = (steps + WEFT_FACTOR_SAMPLE - 1) / WEFT_FACTOR_SAMPLE;
    for (size_t i = 0; i < f->n; i++)
        if (met[unit_of(f, t, &f->item[i], 0)]++ % (every ? every : 1) == 0)
            sample[(*n)++] = i;
    free(met);
    return sample;
}

/* Factors as they were known at `history`, from the sample, and what the linear models make of the steps after. */
static void judge_origin(struct judge *j, const size_t *sample, size_t n)
{
    const struct weft_factored *f = j->f;
    const struct weft_factor_shape *shape = &f->model.target[j->target].shape;
    double *pooled = WEFT_ARRAY(double, weft_factor_columns(shape) + weft_factor_nuisance(shape, j->history)),
           *scale = WEFT_ARRAY(double, n + 1);
    struct weft_factor_series *x = WEFT_ARRAY(struct weft_factor_series, n + 1);
    for (size_t i = 0; i < n; i++) {
        x[i] = f->x[sample[i]];
        scale[i] = weft_factors_scale(shape, x[i].y, weft_factors_end(shape, &x[i], j->history));
    }
    if (shape->set.any)
        weft_factors_pooled(shape, x, scale, n, j->history, j->trainer[0]->par, pooled);
    j->pooled = pooled;
    for (size_t i = 0; i < n; i++)
        judge_series(j, sample[i]);
    free(pooled);
    free(scale);
    free(x);
}

/* Origins a horizon apart within the validation part, the last a horizon before its end. */
static void judge_target(struct weft_factored *f, struct weft_dlinear_trainer *raw, struct weft_dlinear_trainer *log_of,
                         size_t target, struct judged sum[2])
{
    enum { ORIGINS = 6 };
    struct weft_dlinear_shape shape = raw->shape;
    struct judge j = {.f = f, .trainer = {raw, log_of}, .target = target};
    size_t horizon = (size_t)f->attrs->horizon, n, *sample = sample_of(f, raw, &n);
    shape.norm = WEFT_NORM_NONE; /* tuned weights are in raw coordinates */
    for (int form = 0; form < 2; form++)
        j.model[form] = weft_dlinear_new(&shape, 1);
    for (size_t k = 1; k <= ORIGINS && f->honest >= k * horizon + f->trained; k++) {
        j.history = f->honest - k * horizon;
        judge_origin(&j, sample, n);
    }
    for (int form = 0; form < 2; form++) {
        weft_dlinear_free(&j.model[form]);
        sum[form] = j.sum[form];
    }
    free(sample);
}

/* The rests of each target that forecast better: raw gets their units. */
static void choose_rests(struct weft_factored *f, struct weft_dlinear_trainer *raw, struct weft_dlinear_trainer *log_of)
{
    for (size_t c = 0; c < f->targets; c++) {
        struct weft_factor_target *t = &f->model.target[c];
        struct judged sum[2];
        look_at_target(f, c);
        judge_target(f, raw, log_of, c, sum);
        f->wape[c][0] = sum[0].error / sum[0].actual;
        f->wape[c][1] = sum[1].error / sum[1].actual;
        t->log = f->wape[c][1] < f->wape[c][0];
        if (!t->log)
            continue;
        t->smear = sum[1].forecast > 0 ? fmin(fmax(sum[1].actual / sum[1].forecast, 0.5), 3) : 1;
        for (size_t u = c; u < raw->n; u += f->targets) {
            struct weft_dlinear_unit *unit = raw->unit[u];
            raw->unit[u] = log_of->unit[u];
            log_of->unit[u] = unit;
        }
    }
}

int weft_factored_fit(struct weft_factored *f, struct weft_dlinear_trainer *raw, struct weft_dlinear_trainer *log_of,
                      struct weft_err *e)
{
    struct weft_factor_shape shape = {.step = f->attrs->step, .start = f->attrs->start};
    if (!f->n)
        return weft_fail(e, WEFT_DATA, "no series came");
    weft_sort(f->item, f->n, sizeof *f->item, by_id);
    for (size_t i = 0; i < f->n; i++)
        if (weft_names_add(&f->model.series, f->item[i].id, f->item[i].id_n) != i)
            return weft_fail(e, WEFT_DATA, "id \"%.80s\" stands twice in the stream", f->item[i].id);
    if (!f->o.refit || !f->history)
        f->history = f->honest;
    take_channels(f, &shape);
    f->x = WEFT_ARRAY(struct weft_factor_series, f->n);
    f->choice = WEFT_ARRAY(struct weft_factor_choice, f->targets);
    f->wape = weft_xcalloc(f->targets, sizeof *f->wape);
    f->model.n_targets = f->targets;
    f->model.n_channels = shape.n_channels;
    f->model.target = WEFT_ARRAY(struct weft_factor_target, f->targets);
    f->model.reference = WEFT_ARRAY(float, f->n *shape.n_channels + 1);
    for (size_t i = 0; i < f->n; i++)
        for (size_t c = 0; c < shape.n_channels; c++)
            f->model.reference[i * shape.n_channels + c] = (float)f->item[i].reference[c];
    for (size_t c = 0; c < f->targets; c++) {
        look_at_target(f, c);
        choose_target(f, c, &shape, raw->par);
    }
    if (feed(f, raw, false, e) < 0 || feed(f, log_of, true, e) < 0 || weft_dlinear_trainer_fit(raw, e) < 0 ||
        weft_dlinear_trainer_fit(log_of, e) < 0)
        return -1;
    choose_rests(f, raw, log_of);
    return 0;
}

void weft_factored_say(const struct weft_factored *f, struct weft_run *run)
{
    char set[WEFT_FACTOR_SET_TEXT], other[WEFT_FACTOR_SET_TEXT];
    for (size_t c = 0; c < f->targets; c++) {
        const struct weft_factor_choice *o = &f->choice[c];
        const struct weft_factor_target *t = &f->model.target[c];
        weft_run_info(run, "factors of %s: %s, kappa %g, on the rest %s (WAPE of validation windows %.4f, %s %.4f)%s",
                      f->attrs->channels[c], weft_factor_set_text(&t->shape.set, set), t->kappa,
                      t->log ? "as logarithm" : "as it is", f->wape[c][t->log], t->log ? "as it is" : "as logarithm",
                      f->wape[c][!t->log], o->folds ? "" : "; history is too short to choose by folds");
        for (size_t i = 0; i < o->n_tried; i++)
            weft_run_info(run, "  %s, kappa %g: WAPE %.4f over %zu folds",
                          weft_factor_set_text(&o->tried[i].set, other), o->tried[i].kappa, o->tried[i].error,
                          o->folds);
    }
    if (f->below)
        weft_run_warn(run, "%llu values below 0 count as 0 in factors", (unsigned long long)f->below);
    if (f->silent)
        weft_run_warn(run, "%llu of %zu series have no sale: they take the factors of all",
                      (unsigned long long)f->silent, f->n);
}

void weft_factored_write(const struct weft_factored *f, struct weft_st_writer *w)
{
    struct weft_exog_shape x = {
        .effect = WEFT_EXOG_LEVEL, .n = f->model.n_channels, .level = (size_t)f->attrs->lookback};
    for (size_t c = 0; c < x.n; c++)
        x.role[c] = WEFT_ROLE_FUTURE;
    if (x.n)
        weft_model_exog_write(&x, f->names, w);
    weft_factors_write(&f->model, f->names, w);
}

void weft_factored_free(struct weft_factored **fp)
{
    struct weft_factored *f = *fp;
    if (!f)
        return;
    for (size_t i = 0; i < f->n; i++) {
        struct item *x = &f->item[i];
        for (size_t k = 0; k < f->attrs->n_keys; k++)
            free(x->key[k]);
        free(x->id);
        free(x->key);
        free(x->key_n);
        free(x->values);
        free(x->reference);
        free(x->channel);
    }
    struct weft_factors *m = WEFT_NEW(struct weft_factors);
    *m = f->model;
    weft_factors_free(&m);
    free(f->item);
    free(f->x);
    free(f->choice);
    free(f->wape);
    free(f);
    *fp = NULL;
}
