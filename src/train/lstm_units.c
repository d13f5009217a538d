/* lstm_units.c - the LSTM forecaster for every unit of a stream. */
#include "train/lstm_units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

int weft_lstm_units_start(struct weft_lstm_units *t, const struct weft_head *h, const char *by, struct weft_err *e)
{
    if (weft_units_start(&t->units, h, by, e) < 0)
        return -1;
    t->net = weft_net(WEFT_ENCODER_LSTM, (size_t)t->units.attrs.lookback, (size_t)t->units.attrs.horizon, t->hidden,
                      t->layers);
    t->net.norm = t->norm;
    t->par = t->threads > 1 ? weft_par_new(t->threads) : NULL;
    return weft_net_check(&t->net, 16, e);
}

int weft_lstm_units_add(struct weft_lstm_units *t, const struct weft_series *s, struct weft_err *e)
{
    size_t channels = t->units.attrs.n_targets, group = weft_units_group(&t->units, s),
           need = t->units.groups.n * channels;
    if (need > t->cap) {
        t->cap = weft_grow(t->cap, need);
        t->unit = weft_xrealloc2(t->unit, t->cap, sizeof *t->unit);
    }
    for (; t->n < need; t->n++)
        t->unit[t->n] = (struct weft_lstm_unit){.best = {.valid_loss = NAN}};
    for (size_t c = 0; c < channels; c++)
        if (weft_pool_add(&t->pool, &t->unit[group * channels + c].places, &t->units.attrs, s, c, WEFT_PART_VALID, e) <
            0)
            return -1;
    return 0;
}

/* --- checkpoint --- */

/* All that the result depends on. */
static uint64_t fingerprint(const struct weft_lstm_units *t, const size_t *order)
{
    const struct weft_net_options *o = &t->options;
    const double numbers[] = {(double)t->norm,
                              (double)t->hidden,
                              (double)t->layers,
                              (double)t->net.lookback,
                              (double)t->net.head.out,
                              (double)o->epochs,
                              (double)o->patience,
                              (double)o->batch,
                              o->lr,
                              o->clip,
                              (double)o->seed};
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
static int save_state(struct weft_lstm_units *t, const size_t *at, size_t done, struct weft_net_trainer *trainer,
                      struct weft_err *e)
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
        weft_st_writer_tensor(w, name, WEFT_ST_F64, 1, (size_t[]){3},
                              (const double[]){(double)u->best.epoch, u->best.train_loss, u->best.valid_loss});
    }
    weft_net_state_write(weft_net_trainer_state(trainer), w);
    int rc = weft_checkpoint_save(&t->checkpoint, w, e);
    weft_st_writer_free(&w);
    return rc;
}

static int read_done(struct weft_lstm_units *t, const size_t *at, const struct weft_st *st, size_t *done,
                     struct weft_err *e)
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
        weft_progress_line(t->progress, "epoch %3lld  train %.6f  valid %.6f%s", (long long)now->epoch, now->train_loss,
                           now->valid_loss, now->best ? "  best so far" : "");
    if (!t->checkpoint.log)
        return;
    weft_json *j = weft_units_log_line(&t->units, unit);
    weft_json_set(j, "epoch", weft_json_new_int(now->epoch));
    weft_json_set(j, "train_loss", weft_json_new_real(now->train_loss));
    weft_json_set(j, "valid_loss", weft_json_new_real(now->valid_loss));
    weft_json_set(j, "best", weft_json_new_bool(now->best));
    weft_units_log_put(j, t->checkpoint.log);
}

/* The unit in training: at[i]. */
struct training {
    struct weft_lstm_units *t;
    const size_t *at;
    size_t i;
};

static int after_epoch(void *ctx, struct weft_net_trainer *trainer, const struct weft_net_epoch *now,
                       struct weft_err *e)
{
    const struct training *r = ctx;
    log_epoch(r->t, r->at[r->i], now);
    return weft_checkpoint_due(&r->t->checkpoint) ? save_state(r->t, r->at, r->i, trainer, e) : 0;
}

/* Trains unit at[i]; st (or NULL): goes on from there. 0; 1 when ended from outside; -1. */
static int fit_unit(struct weft_lstm_units *t, const size_t *at, size_t i, const struct weft_st *st, struct weft_err *e)
{
    struct weft_lstm_unit *u = &t->unit[at[i]];
    const struct weft_places *train = &u->places.part[WEFT_PART_TRAIN], *valid = &u->places.part[WEFT_PART_VALID];
    struct weft_net_windows d = {
        .pool = t->pool.values, .train = train->at, .valid = valid->at, .n_train = train->n, .n_valid = valid->n};
    struct weft_net_options o = t->options;
    u->failed = train->n == 0;
    if (u->failed)
        return 0;
    o.stream = i;
    return weft_net_fit(&t->net, &o, &d, t->par, st, after_epoch, &(struct training){t, at, i}, &u->outer, &u->best, e);
}

/* Units in the order of the model file, so that random numbers and checkpoints do not depend on the order of the
 * series. */
static size_t *unit_order(const struct weft_lstm_units *t, const size_t *groups)
{
    size_t *at = WEFT_ARRAY(size_t, t->n + 1), channels = t->units.attrs.n_targets;
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

static bool unit_text(const void *trainer, size_t i, char text[WEFT_UNIT_TEXT])
{
    const struct weft_lstm_unit *u = &((const struct weft_lstm_units *)trainer)->unit[i];
    if (u->failed)
        snprintf(text, WEFT_UNIT_TEXT, "no window lies wholly in the train part");
    else
        snprintf(text, WEFT_UNIT_TEXT, "best epoch %lld, train %.6f, valid %.6f", (long long)u->best.epoch,
                 u->best.train_loss, u->best.valid_loss);
    return !u->failed;
}

void weft_lstm_units_say(const struct weft_lstm_units *t, struct weft_run *run)
{
    weft_units_say(&t->units, t->n, unit_text, t, "it will not be forecast", run);
}

int weft_lstm_units_save(struct weft_lstm_units *t, const char *lineage, const char *path, struct weft_err *e)
{
    size_t *groups = weft_units_order(&t->units), *at = unit_order(t, groups);
    struct weft_net_saved *unit = WEFT_ARRAY(struct weft_net_saved, t->n);
    for (size_t i = 0; i < t->n; i++)
        unit[i] = (struct weft_net_saved){t->unit[at[i]].outer, &t->unit[at[i]].places.part[WEFT_PART_VALID]};
    int rc = weft_net_units_save(&t->units, groups, &t->net, unit, t->n, &t->pool, lineage, path, e);
    if (rc == 0)
        weft_checkpoint_done(&t->checkpoint);
    free(groups);
    free(at);
    free(unit);
    return rc;
}

void weft_lstm_units_free(struct weft_lstm_units *t)
{
    for (size_t i = 0; i < t->n; i++) {
        weft_pool_unit_free(&t->unit[i].places);
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
