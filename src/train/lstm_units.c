/* lstm_units.c - the LSTM forecaster for every unit of a stream. */
#include "weft/lstm_units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weft/mem.h"
#include "weft/rng.h"

int weft_lstm_units_start(struct weft_lstm_units *t, const struct weft_head *h, const char *by, struct weft_err *e)
{
    if (weft_units_start(&t->units, h, by, e) < 0)
        return -1;
    t->net = weft_net(WEFT_ENCODER_LSTM, (size_t)t->units.attrs.lookback, (size_t)t->units.attrs.horizon, t->hidden, t->layers);
    t->net.norm = t->norm;
    t->par = t->threads > 1 ? weft_par_new(t->threads) : NULL;
    return weft_net_check(&t->net, 16, e);
}

int weft_lstm_units_add(struct weft_lstm_units *t, const struct weft_series *s, struct weft_err *e)
{
    size_t channels = t->units.attrs.n_channels, group = weft_units_group(&t->units, s), need = t->units.groups.n * channels;
    if (need > t->cap) {
        t->cap = weft_grow(t->cap, need);
        t->unit = weft_xrealloc2(t->unit, t->cap, sizeof *t->unit);
    }
    for (; t->n < need; t->n++)
        t->unit[t->n] = (struct weft_lstm_unit){.best = {.valid_loss = NAN}};
    for (size_t c = 0; c < channels; c++)
        if (weft_pool_add(&t->pool, &t->unit[group * channels + c].places, &t->units.attrs, s, c, WEFT_PART_VALID, e) < 0)
            return -1;
    return 0;
}

/* --- checkpoint --- */

void weft_net_state_write(const struct weft_net_state *s, const char *prefix, struct weft_st_writer *w)
{
    static const char *const names[] = {"p", "m", "v", "kept"};
    const float *at[] = {s->p, s->m, s->v, s->kept};
    const double numbers[] = {(double)s->steps, (double)s->epoch, (double)s->waited, (double)s->best.epoch, s->best.train_loss, s->best.valid_loss};
    char name[64];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, names[i]);
        weft_st_writer_tensor(w, name, WEFT_ST_F32, 1, &s->n, at[i]);
    }
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "%sstate%d", prefix, i);
        weft_st_writer_meta_real(w, name, numbers[i]);
    }
}

int weft_net_state_read(const struct weft_st *st, const char *prefix, struct weft_net_state *s, struct weft_err *e)
{
    static const char *const names[] = {"p", "m", "v", "kept"};
    float *const to[] = {s->p, s->m, s->v, s->kept}, *got;
    double numbers[6];
    char name[64];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, names[i]);
        if (weft_st_floats(st, name, &s->n, 1, &got, e) < 0)
            return -1;
        memcpy(to[i], got, s->n * sizeof *got);
        free(got);
    }
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "%sstate%d", prefix, i);
        if (weft_st_meta_real(st, name, &numbers[i], e) < 0)
            return -1;
    }
    s->steps = (uint64_t)numbers[0];
    s->epoch = (int64_t)numbers[1];
    s->waited = (int64_t)numbers[2];
    s->best = (struct weft_net_epoch){.epoch = (int64_t)numbers[3], .train_loss = numbers[4], .valid_loss = numbers[5], .best = true};
    return 0;
}

/* All that the result depends on. */
static uint64_t fingerprint(const struct weft_lstm_units *t, const size_t *order)
{
    const struct weft_net_options *o = &t->options;
    const double numbers[] = {(double)t->norm, (double)t->hidden, (double)t->layers, (double)t->net.lookback, (double)t->net.head.out, (double)o->epochs,
                              (double)o->patience, (double)o->batch,  o->lr,                   o->clip,                 (double)o->seed};
    uint64_t h = weft_hash(numbers, sizeof numbers, 1);
    h = weft_hash(t->pool.values, t->pool.n * sizeof *t->pool.values, h);
    for (size_t g = 0; g < t->units.groups.n; g++)
        h = weft_hash(t->units.groups.at[order[g]].p, t->units.groups.at[order[g]].n, h);
    for (size_t i = 0; i < t->n; i++)
        for (int p = 0; p <= WEFT_PART_VALID; p++)
            h = weft_hash(t->unit[i].places.part[p].at, t->unit[i].places.part[p].n * sizeof(uint32_t), h);
    return h;
}

/* Unit `at` is being trained, those before it (in the order of the model) are done. */
static int save_state(struct weft_lstm_units *t, const size_t *at, size_t done, struct weft_net_trainer *trainer, struct weft_err *e)
{
    struct weft_st_writer *w = weft_st_writer_new();
    char name[64];
    size_t count = weft_net_count(&t->net);
    weft_st_writer_meta_int(w, "done", (int64_t)done);
    for (size_t i = 0; i < done; i++) {
        const struct weft_lstm_unit *u = &t->unit[at[i]];
        snprintf(name, sizeof name, "done.%zu", i);
        if (!u->failed)
            weft_st_writer_tensor(w, name, WEFT_ST_F32, 1, &count, u->outer);
        snprintf(name, sizeof name, "done.%zu.best", i);
        weft_st_writer_tensor(w, name, WEFT_ST_F64, 1, (size_t[]){3}, (const double[]){(double)u->best.epoch, u->best.train_loss, u->best.valid_loss});
    }
    weft_net_state_write(weft_net_trainer_state(trainer), "", w);
    int rc = weft_checkpoint_save(&t->checkpoint, w, e);
    weft_st_writer_free(&w);
    return rc;
}

static int read_done(struct weft_lstm_units *t, const size_t *at, const struct weft_st *st, size_t *done, struct weft_err *e)
{
    int64_t n;
    char name[64];
    size_t count = weft_net_count(&t->net);
    if (weft_st_meta_int(st, "done", 0, (int64_t)t->n - 1, &n, e) < 0)
        return -1;
    for (*done = 0; *done < (size_t)n; ++*done) {
        struct weft_lstm_unit *u = &t->unit[at[*done]];
        snprintf(name, sizeof name, "done.%zu.best", *done);
        const struct weft_st_tensor *best = weft_st_find(st, name);
        if (!best || best->type != WEFT_ST_F64 || best->count != 3)
            return weft_fail(e, WEFT_DATA, "%s is damaged: %s", weft_st_path(st), name);
        double b[3];
        memcpy(b, best->data, sizeof b);
        u->best = (struct weft_net_epoch){.epoch = (int64_t)b[0], .train_loss = b[1], .valid_loss = b[2]};
        snprintf(name, sizeof name, "done.%zu", *done);
        u->failed = !weft_st_find(st, name);
        if (!u->failed && weft_st_floats(st, name, &count, 1, &u->outer, e) < 0)
            return -1;
    }
    return 0;
}

/* --- training --- */

static void log_epoch(const struct weft_lstm_units *t, size_t unit, const struct weft_net_epoch *now)
{
    if (t->n == 1)
        weft_progress_line(t->progress, "epoch %3lld  train %.6f  valid %.6f%s", (long long)now->epoch, now->train_loss, now->valid_loss,
                           now->best ? "  best so far" : "");
    if (!t->checkpoint.log)
        return;
    weft_json *j = weft_units_log_line(&t->units, unit);
    weft_json_set(j, "epoch", weft_json_new_int(now->epoch));
    weft_json_set(j, "train_loss", weft_json_new_real(now->train_loss));
    weft_json_set(j, "valid_loss", weft_json_new_real(now->valid_loss));
    weft_json_set(j, "best", weft_json_new_bool(now->best));
    weft_units_log_put(j, t->checkpoint.log);
}

/* Trains unit at[i]; st (or NULL): goes on from there. 0; 1 when ended from outside; -1. */
static int fit_unit(struct weft_lstm_units *t, const size_t *at, size_t i, const struct weft_st *st, struct weft_err *e)
{
    struct weft_lstm_unit *u = &t->unit[at[i]];
    const struct weft_places *train = &u->places.part[WEFT_PART_TRAIN], *valid = &u->places.part[WEFT_PART_VALID];
    struct weft_net_windows d = {.pool = t->pool.values, .train = train->at, .valid = valid->at, .n_train = train->n, .n_valid = valid->n};
    struct weft_net_options o = t->options;
    struct weft_net_epoch now;
    u->failed = train->n == 0;
    if (u->failed)
        return 0;
    o.stream = i;
    struct weft_net_trainer *trainer = weft_net_trainer_new(&t->net, &o, &d, t->par);
    struct weft_net_state *state = weft_net_trainer_state(trainer);
    int rc = st ? weft_net_state_read(st, "", state, e) : 0, got = 1;
    while (rc == 0 && !weft_net_trainer_done(trainer) && (got = weft_net_trainer_epoch(trainer, &now, e)) > 0) {
        log_epoch(t, at[i], &now);
        if (weft_checkpoint_due(&t->checkpoint))
            rc = save_state(t, at, i, trainer, e);
    }
    if (rc == 0 && got <= 0)
        rc = got == 0 ? 1 : -1;
    if (rc == 0) {
        u->best = state->best;
        u->outer = weft_xaligned(weft_net_count(&t->net), sizeof *u->outer);
        weft_net_unpack(&t->net, state->kept, u->outer);
    }
    weft_net_trainer_free(&trainer);
    return rc;
}

/* Units in the order of the model file, so that random numbers and checkpoints do not depend on the order of the series. */
static size_t *unit_order(const struct weft_lstm_units *t, const size_t *groups)
{
    size_t *at = WEFT_ARRAY(size_t, t->n + 1), channels = t->units.attrs.n_channels;
    for (size_t i = 0; i < t->n; i++)
        at[i] = groups[i / channels] * channels + i % channels;
    return at;
}

static int fit_all(struct weft_lstm_units *t, const size_t *at, const struct weft_st *st, struct weft_err *e)
{
    size_t done = 0, failed = 0;
    int rc = st ? read_done(t, at, st, &done, e) : 0;
    for (size_t i = done; i < t->n && rc == 0; i++) {
        if (t->n > 1)
            weft_progress_at(t->progress, i, t->n, "models", "%s", "");
        rc = fit_unit(t, at, i, i == done ? st : NULL, e);
    }
    for (size_t i = 0; i < t->n; i++)
        failed += t->unit[i].failed;
    if (rc == 0 && failed == t->n) {
        rc = weft_fail(e, WEFT_CONFIG, "no window without a missing value lies wholly in the train part");
        weft_fail_hint(e, "give more history, or a shorter --lookback or --horizon");
    }
    return rc;
}

int weft_lstm_units_fit(struct weft_lstm_units *t, struct weft_err *e)
{
    struct weft_st *st = NULL;
    if (!t->n)
        return weft_fail(e, WEFT_DATA, "no series came");
    size_t *groups = weft_units_order(&t->units), *at = unit_order(t, groups);
    t->checkpoint.trainer = "lstm";
    t->checkpoint.of = t->checkpoint.path ? fingerprint(t, groups) : 0;
    int rc = weft_checkpoint_open(&t->checkpoint, &st, e);
    if (rc == 0)
        rc = weft_checkpoint_log(&t->checkpoint, t->log, st, e);
    if (rc == 0)
        rc = fit_all(t, at, st, e);
    if (t->checkpoint.log && ferror(t->checkpoint.log) && rc == 0)
        rc = weft_fail(e, WEFT_IO, "can't write %s", t->log);
    weft_st_close(&st);
    free(groups);
    free(at);
    return rc;
}

/* --- the model file --- */

int weft_lstm_units_save(struct weft_lstm_units *t, const char *lineage, const char *path, struct weft_err *e)
{
    size_t h = t->net.head.out, count = weft_net_count(&t->net), rows = weft_residuals_cap(t->n);
    size_t *groups = weft_units_order(&t->units), *at = unit_order(t, groups);
    float **weights = WEFT_ARRAY(float *, t->n), *floor = WEFT_ARRAY(float, t->n), *residuals = weft_xrealloc2(NULL, t->n * rows * h, sizeof *residuals);
    struct weft_net_forecaster *f = weft_net_forecaster_new(&t->net, 1);
    struct weft_st_writer *w = weft_st_writer_new();
    for (size_t i = 0; i < t->n; i++) {
        struct weft_lstm_unit *u = &t->unit[at[i]];
        if (!u->outer) {
            u->outer = weft_xaligned(count, sizeof *u->outer);
            for (size_t k = 0; k < count; k++)
                u->outer[k] = NAN;
        }
        weights[i] = u->outer;
        weft_net_forecaster_set(f, 0, u->outer);
        weft_residuals_init(&u->keep, rows, t->net.lookback + h);
        weft_pool_keep(&t->pool, &u->places.part[WEFT_PART_VALID], t->net.lookback + h, &u->keep);
        weft_residuals_finish(&u->keep, t->net.lookback, h, weft_net_forecast, f, 0, rows, residuals + i * rows * h, &floor[i]);
    }
    weft_net_write(&t->net, weights, t->n, w);
    weft_st_writer_tensor(w, "residuals", WEFT_ST_F32, 3, (size_t[]){t->n, rows, h}, residuals);
    weft_st_writer_tensor(w, "residual_floor", WEFT_ST_F32, 1, &t->n, floor);
    int rc = weft_units_save(&t->units, groups, "lstm", lineage, w, path, e);
    if (rc == 0)
        weft_checkpoint_done(&t->checkpoint);
    weft_st_writer_free(&w);
    weft_net_forecaster_free(&f);
    free(groups);
    free(at);
    free(weights);
    free(floor);
    free(residuals);
    return rc;
}

void weft_lstm_units_free(struct weft_lstm_units *t)
{
    for (size_t i = 0; i < t->n; i++) {
        weft_pool_unit_free(&t->unit[i].places);
        weft_residuals_free(&t->unit[i].keep);
        free(t->unit[i].outer);
    }
    free(t->unit);
    t->unit = NULL;
    t->n = 0;
    if (t->checkpoint.log)
        fclose(t->checkpoint.log);
    weft_par_free(&t->par);
    weft_pool_free(&t->pool);
    weft_units_free(&t->units);
}
