/* adda_units.c - domain adaptation, from streams to the model file. */
#include "train/adda_units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

/* The validation windows of the target that each epoch is judged by: enough for a steady mean, few enough to cost
 * little. */
enum { JUDGED = 4096 };

static size_t channels_of(const struct weft_adda_units *t)
{
    return t->units.attrs.n_targets;
}

/* --- windows --- */

int weft_adda_units_start(struct weft_adda_units *t, const struct weft_head *source, const struct weft_head *target,
                          struct weft_err *e)
{
    if (weft_series_attrs_read(source, &t->source, e) < 0 || weft_units_start(&t->units, target, "all", e) < 0 ||
        weft_units_compare(&t->source, &t->units.attrs, e) < 0)
        return -1;
    t->net = weft_net(t->encoder, (size_t)t->source.lookback, (size_t)t->source.horizon, t->code, t->layers);
    t->net.norm = t->norm;
    t->unit = WEFT_ARRAY(struct weft_adda_unit, channels_of(t));
    t->par = t->threads > 1 ? weft_par_new(t->threads) : NULL;
    return weft_net_check(&t->net, t->options.batch / WEFT_ENCODER_ROWS + 16, e);
}

/* Of the train windows that a target series added, the first `fraction` stays; the last of those have labels. */
static void cut_target(struct weft_adda_units *t, struct weft_adda_unit *u, size_t from)
{
    struct weft_places *places = &u->places[WEFT_TARGET].part[WEFT_PART_TRAIN];
    places->n = from + (size_t)ceil(t->fraction * (double)(places->n - from) - 1e-9);
    size_t to = places->n;
    if (to > u->labelled_cap) {
        u->labelled_cap = weft_grow(u->labelled_cap, to);
        u->labelled = weft_xrealloc2(u->labelled, u->labelled_cap, 1);
    }
    for (size_t i = from; i < to; i++)
        u->labelled[i] = to - i <= t->labels;
}

int weft_adda_units_add(struct weft_adda_units *t, enum weft_domain d, const struct weft_series *s, struct weft_err *e)
{
    if (d == WEFT_TARGET)
        weft_units_group(&t->units, s);
    else
        weft_units_saw(&t->units, s);
    t->series[d]++;
    for (size_t c = 0; c < channels_of(t); c++) {
        struct weft_adda_unit *u = &t->unit[c];
        size_t before = u->places[d].part[WEFT_PART_TRAIN].n;
        if (weft_pool_add(&t->pool, &u->places[d], d == WEFT_SOURCE ? &t->source : &t->units.attrs, s, c,
                          WEFT_PART_VALID, e) < 0)
            return -1;
        if (d == WEFT_TARGET)
            cut_target(t, u, before);
    }
    return 0;
}

static int check_windows(const struct weft_adda_units *t, struct weft_err *e)
{
    static const char *const names[] = {"source", "target"};
    for (int d = 0; d < WEFT_DOMAINS; d++) {
        if (!t->series[d])
            return weft_fail(e, WEFT_DATA, "the %s is empty: no series came", names[d]);
        for (size_t c = 0; c < channels_of(t); c++) {
            size_t n = t->unit[c].places[d].part[WEFT_PART_TRAIN].n;
            if (n > 1)
                continue;
            weft_fail(e, WEFT_CONFIG,
                      n ? "the %s has one window of %s alone: nothing can be told from one"
                        : "the %s has no window of %s without a missing value wholly in its train part",
                      names[d], t->units.attrs.channels[c]);
            return weft_fail_hint(e, "give more history, or a shorter --lookback or --horizon");
        }
    }
    return 0;
}

/* --- checkpoint: which channel, which half of its training, and its state --- */

static uint64_t fingerprint(const struct weft_adda_units *t)
{
    const struct weft_net_options *n = &t->source_options;
    const struct weft_adda_options *o = &t->options;
    const double numbers[] = {(double)t->norm,
                              (double)t->encoder,
                              (double)t->code,
                              (double)t->layers,
                              (double)t->net.lookback,
                              (double)t->net.head.out,
                              t->fraction,
                              (double)t->labels,
                              (double)n->epochs,
                              (double)n->patience,
                              (double)n->batch,
                              n->lr,
                              n->clip,
                              (double)n->seed,
                              (double)o->epochs,
                              (double)o->patience,
                              (double)o->windows,
                              (double)o->batch,
                              (double)o->hidden,
                              o->lr,
                              o->encoder_lr,
                              o->smooth,
                              o->reconstruct,
                              o->labels,
                              (double)o->last,
                              (double)o->seed};
    uint64_t h = weft_hash(numbers, sizeof numbers, 2);
    h = weft_hash(t->pool.values, t->pool.n * sizeof *t->pool.values, h);
    for (size_t c = 0; c < channels_of(t); c++)
        for (int d = 0; d < WEFT_DOMAINS; d++)
            for (int p = 0; p <= WEFT_PART_VALID; p++)
                h = weft_hash(t->unit[c].places[d].part[p].at, t->unit[c].places[d].part[p].n * sizeof(uint32_t), h);
    return h;
}

static void write_done(const struct weft_adda_units *t, size_t channel, const char *stage, struct weft_st_writer *w)
{
    size_t count = weft_net_count(&t->net);
    char name[64];
    weft_st_writer_meta_int(w, "channel", (int64_t)channel);
    weft_st_writer_meta(w, "stage", stage);
    for (size_t c = 0; c < channel; c++) {
        snprintf(name, sizeof name, "done.%zu", c);
        weft_st_writer_tensor(w, name, WEFT_ST_F32, 1, &count, t->unit[c].outer);
    }
}

static int save_source(struct weft_adda_units *t, size_t channel, struct weft_net_trainer *trainer, struct weft_err *e)
{
    struct weft_st_writer *w = weft_st_writer_new();
    write_done(t, channel, "source", w);
    weft_net_state_write(weft_net_trainer_state(trainer), w);
    int rc = weft_checkpoint_save(&t->checkpoint, w, e);
    weft_st_writer_free(&w);
    return rc;
}

static int save_adaptation(struct weft_adda_units *t, size_t channel, struct weft_adda *a, const float *source,
                           struct weft_err *e)
{
    const struct weft_adda_state *s = weft_adda_state(a);
    struct weft_st_writer *w = weft_st_writer_new();
    size_t count = weft_net_count(&t->net);
    write_done(t, channel, "adapt", w);
    weft_st_writer_tensor(w, "source", WEFT_ST_F32, 1, &count, source);
    weft_st_writer_tensor(w, "p", WEFT_ST_F32, 1, &s->n, s->p);
    weft_st_writer_tensor(w, "m", WEFT_ST_F32, 1, &s->n, s->m);
    weft_st_writer_tensor(w, "v", WEFT_ST_F32, 1, &s->n, s->v);
    weft_st_writer_tensor(w, "kept", WEFT_ST_F32, 1, &s->n_kept, s->kept);
    weft_st_writer_meta_int(w, "steps", (int64_t)s->steps);
    weft_st_writer_meta_int(w, "epoch", s->epoch);
    weft_st_writer_meta_int(w, "waited", s->waited);
    weft_st_writer_meta_int(w, "best", s->best.epoch);
    weft_st_writer_meta_real(w, "valid_loss", s->best.valid_loss);
    weft_st_writer_meta_real(w, "start_loss", t->unit[channel].start.valid_loss);
    int rc = weft_checkpoint_save(&t->checkpoint, w, e);
    weft_st_writer_free(&w);
    return rc;
}

static int read_floats(const struct weft_st *st, const char *name, size_t n, float *to, struct weft_err *e)
{
    float *got;
    if (weft_st_floats(st, name, &n, 1, &got, e) < 0)
        return -1;
    memcpy(to, got, n * sizeof *to);
    free(got);
    return 0;
}

static int read_adaptation(const struct weft_st *st, struct weft_adda_unit *u, struct weft_adda_state *s,
                           struct weft_err *e)
{
    int64_t steps;
    if (read_floats(st, "p", s->n, s->p, e) < 0 || read_floats(st, "m", s->n, s->m, e) < 0 ||
        read_floats(st, "v", s->n, s->v, e) < 0 || read_floats(st, "kept", s->n_kept, s->kept, e) < 0 ||
        weft_st_meta_int(st, "steps", 0, INT64_MAX, &steps, e) < 0 ||
        weft_st_meta_int(st, "epoch", 0, INT64_MAX, &s->epoch, e) < 0 ||
        weft_st_meta_int(st, "waited", 0, INT64_MAX, &s->waited, e) < 0 ||
        weft_st_meta_int(st, "best", 0, INT64_MAX, &s->best.epoch, e) < 0 ||
        weft_st_meta_real(st, "valid_loss", &s->best.valid_loss, e) < 0 ||
        weft_st_meta_real(st, "start_loss", &u->start.valid_loss, e) < 0)
        return -1;
    s->steps = (uint64_t)steps;
    return 0;
}

/* --- log --- */

static weft_json *line_of(const struct weft_adda_units *t, size_t channel, const char *stage, int64_t epoch)
{
    const char *name = t->units.attrs.channels[channel];
    weft_json *j = weft_json_new_object();
    weft_json_set(j, "channel", weft_json_new_str(name, strlen(name)));
    weft_json_set(j, "stage", weft_json_new_str(stage, strlen(stage)));
    weft_json_set(j, "epoch", weft_json_new_int(epoch));
    return j;
}

static void log_source(struct weft_adda_units *t, size_t channel, const struct weft_net_epoch *now)
{
    weft_progress_line(t->progress, "source epoch %3lld  train %.6f  valid %.6f%s", (long long)now->epoch,
                       now->train_loss, now->valid_loss, now->best ? "  best so far" : "");
    if (!t->checkpoint.log)
        return;
    weft_json *j = line_of(t, channel, "source", now->epoch);
    weft_json_set(j, "train_loss", weft_json_new_real(now->train_loss));
    weft_json_set(j, "valid_loss", weft_json_new_real(now->valid_loss));
    weft_json_set(j, "best", weft_json_new_bool(now->best));
    weft_units_log_put(j, t->checkpoint.log);
}

static void log_adaptation(struct weft_adda_units *t, size_t channel, const struct weft_adda_epoch *now)
{
    weft_progress_line(t->progress,
                       "adapt epoch %3lld  discriminator %.4f (right %.2f)  mapping %.4f  codes' variance %.4f, source "
                       "%.4f  target valid %.6f%s",
                       (long long)now->epoch, now->discriminator_loss, now->accuracy, now->mapping_loss,
                       now->target_variance, now->source_variance, now->valid_loss, now->best ? "  best so far" : "");
    if (!t->checkpoint.log)
        return;
    const struct {
        const char *key;
        double value;
    } rows[] = {{"discriminator_loss", now->discriminator_loss},
                {"discriminator_accuracy", now->accuracy},
                {"mapping_loss", now->mapping_loss},
                {"reconstruction_loss", now->reconstruction_loss},
                {"source_code_variance", now->source_variance},
                {"target_code_variance", now->target_variance},
                {"target_valid_loss", now->valid_loss}};
    weft_json *j = line_of(t, channel, "adapt", now->epoch);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        weft_json_set(j, rows[i].key,
                      isfinite(rows[i].value) ? weft_json_new_real(rows[i].value) : weft_json_new_null());
    weft_json_set(j, "best", weft_json_new_bool(now->best));
    weft_units_log_put(j, t->checkpoint.log);
}

/* --- training --- */

/* The source network of a channel: from a model file, or trained (st: from where a checkpoint left it). 0; 1 ended from
 * outside; -1. */
static int read_pretrained(struct weft_adda_units *t, size_t channel, float **outer, struct weft_err *e)
{
    struct weft_st *st = NULL;
    struct weft_model_info m = {0};
    int rc = weft_st_open(t->pretrained, &st, e);
    if (rc == 0)
        rc = weft_model_info_read(st, &m, e);
    if (rc == 0 && (strcmp(m.name, weft_encoder_name(t->encoder)) != 0 || (size_t)m.lookback != t->net.lookback ||
                    (size_t)m.horizon != t->net.head.out || m.n_groups != 1 || m.n_channels != channels_of(t) ||
                    m.scale != t->source.scale)) {
        rc = weft_fail(e, WEFT_CONFIG,
                       "%s: a %s model of %zu groups, lookback %lld and horizon %lld is no source network of these "
                       "windows with --encoder %s",
                       t->pretrained, m.name, m.n_groups, (long long)m.lookback, (long long)m.horizon,
                       weft_encoder_name(t->encoder));
    }
    struct weft_net has = t->net;
    if (rc == 0)
        rc = weft_net_norm_read(st, &has, e);
    if (rc == 0 && has.norm != t->norm)
        rc = weft_fail(e, WEFT_CONFIG, "%s was trained with --norm %s, not %s", t->pretrained, weft_norm_name(has.norm),
                       weft_norm_name(t->norm));
    if (rc == 0)
        rc = weft_net_read(st, &t->net, channel, m.n_channels, outer, e);
    weft_model_info_free(&m);
    weft_st_close(&st);
    return rc;
}

struct training {
    struct weft_adda_units *t;
    size_t channel;
};

static int after_source_epoch(void *ctx, struct weft_net_trainer *trainer, const struct weft_net_epoch *now,
                              struct weft_err *e)
{
    const struct training *r = ctx;
    log_source(r->t, r->channel, now);
    return weft_checkpoint_due(&r->t->checkpoint) ? save_source(r->t, r->channel, trainer, e) : 0;
}

static int train_source(struct weft_adda_units *t, size_t channel, const struct weft_st *st, float **outer,
                        struct weft_err *e)
{
    const struct weft_places *part = t->unit[channel].places[WEFT_SOURCE].part, *train = &part[WEFT_PART_TRAIN],
                             *valid = &part[WEFT_PART_VALID];
    struct weft_net_windows d = {
        .pool = t->pool.values, .train = train->at, .valid = valid->at, .n_train = train->n, .n_valid = valid->n};
    struct weft_net_options o = t->source_options;
    struct weft_net_epoch best;
    o.stream = channel;
    return weft_net_fit(&t->net, &o, &d, t->par, st, after_source_epoch, &(struct training){t, channel}, outer, &best,
                        e);
}

/* Every so manieth validation window of the target, JUDGED at most. */
static uint32_t *judged(const struct weft_places *valid, size_t *n)
{
    size_t every = (valid->n + JUDGED - 1) / JUDGED;
    uint32_t *at = weft_xmalloc((valid->n + 1) * sizeof *at);
    *n = 0;
    for (size_t i = 0; i < valid->n; i += every)
        at[(*n)++] = valid->at[i];
    return at;
}

static int adapt(struct weft_adda_units *t, size_t channel, const struct weft_st *st, const float *source,
                 struct weft_err *e)
{
    struct weft_adda_unit *u = &t->unit[channel];
    const struct weft_places *from = &u->places[WEFT_SOURCE].part[WEFT_PART_TRAIN],
                             *to = &u->places[WEFT_TARGET].part[WEFT_PART_TRAIN];
    struct weft_adda_windows d = {.pool = t->pool.values,
                                  .source = from->at,
                                  .n_source = from->n,
                                  .target = to->at,
                                  .n_target = to->n,
                                  .labelled = t->labels ? u->labelled : NULL};
    struct weft_adda_options o = t->options;
    struct weft_adda_epoch now;
    uint32_t *valid = judged(&u->places[WEFT_TARGET].part[WEFT_PART_VALID], &d.n_valid);
    d.valid = valid;
    o.stream = channel;
    struct weft_adda *a = weft_adda_new(&t->net, source, &o, &d, t->par);
    int rc = st ? read_adaptation(st, u, weft_adda_state(a), e) : 0, got = 1;
    if (!st) {
        weft_adda_begin(a, &u->start);
        log_adaptation(t, channel, &u->start);
    }
    while (rc == 0 && !weft_adda_done(a) && (got = weft_adda_epoch(a, &now, e)) > 0) {
        log_adaptation(t, channel, &now);
        if (weft_checkpoint_due(&t->checkpoint))
            rc = save_adaptation(t, channel, a, source, e);
    }
    if (rc == 0 && got <= 0)
        rc = got == 0 ? 1 : -1;
    if (rc == 0) {
        u->best = weft_adda_state(a)->best;
        u->outer = weft_xaligned(weft_net_count(&t->net), sizeof *u->outer);
        weft_adda_result(a, u->outer);
    }
    weft_adda_free(&a);
    free(valid);
    return rc;
}

static int fit_channel(struct weft_adda_units *t, size_t channel, const struct weft_st *st, struct weft_err *e)
{
    const char *stage = st ? weft_st_meta(st, "stage") : NULL;
    bool adapting = stage && strcmp(stage, "adapt") == 0;
    float *source = NULL;
    size_t count = weft_net_count(&t->net);
    int rc;
    if (adapting)
        rc = weft_st_floats(st, "source", &count, 1, &source, e);
    else
        rc = t->pretrained ? read_pretrained(t, channel, &source, e) : train_source(t, channel, st, &source, e);
    if (rc == 0)
        rc = adapt(t, channel, adapting ? st : NULL, source, e);
    free(source);
    return rc;
}

static int read_done(struct weft_adda_units *t, const struct weft_st *st, size_t *channel, struct weft_err *e)
{
    int64_t n;
    char name[64];
    size_t count = weft_net_count(&t->net);
    if (weft_st_meta_int(st, "channel", 0, (int64_t)channels_of(t) - 1, &n, e) < 0)
        return -1;
    for (*channel = 0; *channel < (size_t)n; ++*channel) {
        snprintf(name, sizeof name, "done.%zu", *channel);
        if (weft_st_floats(st, name, &count, 1, &t->unit[*channel].outer, e) < 0)
            return -1;
    }
    return 0;
}

int weft_adda_units_fit(struct weft_adda_units *t, struct weft_err *e)
{
    struct weft_st *st = NULL;
    size_t channel = 0;
    if (check_windows(t, e) < 0)
        return -1;
    t->checkpoint.trainer = "adda";
    t->checkpoint.of = t->checkpoint.path ? fingerprint(t) : 0;
    int rc = weft_checkpoint_open(&t->checkpoint, &st, e);
    if (rc == 0)
        rc = weft_checkpoint_log(&t->checkpoint, t->log, st, e);
    if (rc == 0 && st)
        rc = read_done(t, st, &channel, e);
    for (size_t first = channel; channel < channels_of(t) && rc == 0; channel++)
        rc = fit_channel(t, channel, channel == first ? st : NULL, e);
    if (rc == 0 && t->checkpoint.log && ferror(t->checkpoint.log))
        rc = weft_fail(e, WEFT_IO, "can't write %s", t->log);
    weft_st_close(&st);
    return rc;
}

/* --- the model file --- */

int weft_adda_units_save(struct weft_adda_units *t, const char *lineage, const char *path, struct weft_err *e)
{
    size_t n = channels_of(t), *groups = weft_units_order(&t->units);
    struct weft_net_saved *unit = WEFT_ARRAY(struct weft_net_saved, n);
    for (size_t c = 0; c < n; c++)
        unit[c] = (struct weft_net_saved){t->unit[c].outer, &t->unit[c].places[WEFT_TARGET].part[WEFT_PART_VALID]};
    int rc = weft_net_units_save(&t->units, groups, &t->net, unit, n, &t->pool, lineage, path, e);
    if (rc == 0)
        weft_checkpoint_done(&t->checkpoint);
    free(groups);
    free(unit);
    return rc;
}

void weft_adda_units_free(struct weft_adda_units *t)
{
    for (size_t c = 0; t->unit && c < channels_of(t); c++) {
        weft_pool_unit_free(&t->unit[c].places[WEFT_SOURCE]);
        weft_pool_unit_free(&t->unit[c].places[WEFT_TARGET]);
        free(t->unit[c].labelled);
        free(t->unit[c].outer);
    }
    free(t->unit);
    t->unit = NULL;
    if (t->checkpoint.log)
        fclose(t->checkpoint.log);
    weft_par_free(&t->par);
    weft_pool_free(&t->pool);
    weft_series_attrs_free(&t->source);
    weft_units_free(&t->units);
}
