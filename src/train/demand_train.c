/* demand_train.c - training the garment network. */
#include "train/demand_train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "train/demand_finish.h"

enum { VALID_BATCH = 64, STREAM_ORDER = 1 << 20 };

static const struct weft_demand_shape *shape_of(const struct weft_demand_training *t)
{
    return weft_demand_shape_of(t->net);
}

static size_t batch_of(const struct weft_demand_training *t)
{
    return t->batch < t->set->n_train ? t->batch : t->set->n_train;
}

/* Of any fold's batch too. */
static size_t room_of(const struct weft_demand_training *t)
{
    size_t n = t->batch < t->set->n ? t->batch : t->set->n;
    return n > VALID_BATCH ? n : VALID_BATCH;
}

static size_t pixels_of(const struct weft_demand_shape *s)
{
    return s->image ? 3 * s->image_size * s->image_size : 0;
}

static void make_room(struct weft_demand_training *t)
{
    const struct weft_demand_shape *s = shape_of(t);
    size_t n = room_of(t);
    t->order = WEFT_ARRAY(uint32_t, t->set->n);
    t->pixels = weft_xaligned(n * pixels_of(s), sizeof *t->pixels);
    t->side = WEFT_ARRAY(float, n * s->side);
    t->target = WEFT_ARRAY(float, n * s->n_heads);
    t->out = WEFT_ARRAY(float, n * s->out);
}

size_t weft_demand_training_bytes(const struct weft_demand_training *t)
{
    const struct weft_demand_shape *s = shape_of(t);
    return weft_demand_bytes(t->net) + room_of(t) * (pixels_of(s) + s->side + s->n_heads + s->out) * sizeof(float);
}

void weft_demand_training_free(struct weft_demand_training *t)
{
    free(t->order);
    free(t->pixels);
    free(t->side);
    free(t->target);
    free(t->out);
    for (size_t k = 0; k < WEFT_DEMAND_FIELDS; k++)
        weft_confusion_free(&t->confusion[k]);
    if (t->checkpoint.log)
        fclose(t->checkpoint.log);
}

static int load(struct weft_demand_training *t, const uint32_t *at, size_t n, bool change, struct weft_demand_batch *b,
                struct weft_err *e)
{
    *b = (struct weft_demand_batch){n, t->pixels, t->side, t->target};
    return weft_demand_set_batch(t->set, at, n, change ? t->augment : NULL, t->seed, (uint64_t)t->epoch, t->pixels,
                                 t->side, t->target, e);
}

/* --- an epoch --- */

/* 0; 1: stopped. */
static int train_epoch(struct weft_demand_training *t, struct weft_err *e)
{
    struct weft_rng r = weft_rng(t->seed, (uint64_t)(STREAM_ORDER + t->epoch));
    size_t n = batch_of(t), steps = t->set->n_train / n;
    struct weft_demand_batch b;
    double sum = 0, loss;
    memcpy(t->order, t->set->train, t->set->n_train * sizeof *t->order);
    weft_rng_shuffle(&r, t->order, t->set->n_train);
    for (size_t i = 0; i < steps; i++) {
        if (load(t, t->order + i * n, n, true, &b, e) < 0 || weft_demand_step(t->net, &b, t->out, &loss, e) < 0)
            return -1;
        sum += loss;
        uint64_t done = (uint64_t)t->epoch * steps + i + 1, total = (uint64_t)t->epochs * steps;
        weft_progress_at(t->progress, done, total, "steps", "epoch %lld, loss %.4f", (long long)t->epoch + 1,
                         sum / (double)(i + 1));
        if (t->stopping(t->ctx))
            return 1;
    }
    t->train_loss = sum / (double)steps;
    return 0;
}

static size_t best_of(const float *z, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        best = z[i] > z[best] ? i : best;
    return best;
}

static void count(struct weft_demand_training *t, const struct weft_demand_batch *b)
{
    const struct weft_demand_shape *s = shape_of(t);
    for (size_t k = 0; k < s->n_heads; k++)
        for (size_t r = 0; r < b->n && weft_demand_classifies(&s->head[k]); r++) {
            float target = b->target[r * s->n_heads + k];
            if (!isnan(target))
                weft_confusion_add(&t->confusion[k], (size_t)target,
                                   best_of(t->out + r * s->out + s->head[k].at, s->head[k].width));
        }
}

/* mean[heads]: the validation part's mean loss of each head. */
static int valid_epoch(struct weft_demand_training *t, double *mean, struct weft_err *e)
{
    const struct weft_demand_shape *s = shape_of(t);
    size_t counts[WEFT_DEMAND_FIELDS] = {0};
    struct weft_demand_batch b;
    memset(mean, 0, s->n_heads * sizeof *mean);
    for (size_t k = 0; k < s->n_heads; k++)
        weft_confusion_clear(&t->confusion[k]);
    for (size_t from = 0; from < t->set->n_valid; from += VALID_BATCH) {
        size_t n = t->set->n_valid - from < VALID_BATCH ? t->set->n_valid - from : VALID_BATCH;
        if (load(t, t->set->valid + from, n, false, &b, e) < 0 || weft_demand_predict(t->net, &b, t->out, e) < 0)
            return -1;
        weft_demand_losses(s, &b, t->out, mean, counts);
        count(t, &b);
    }
    bool labels = false;
    t->valid_loss = 0;
    for (size_t k = 0; k < s->n_heads; k++) {
        labels = labels || counts[k];
        mean[k] = counts[k] ? mean[k] / (double)counts[k] : NAN;
        t->valid_loss += counts[k] ? s->head[k].weight * mean[k] : 0;
    }
    t->valid_loss = labels ? t->valid_loss : NAN;
    return 0;
}

/* --- the log --- */

static void log_head(const struct weft_demand_training *t)
{
    const struct weft_demand_shape *s = shape_of(t);
    fputs("epoch,train_loss,valid_loss", t->checkpoint.log);
    for (size_t k = 0; k < s->n_heads; k++)
        if (weft_demand_classifies(&s->head[k]))
            fprintf(t->checkpoint.log, ",%s_accuracy,%s_macro_f1", s->head[k].name, s->head[k].name);
        else
            fprintf(t->checkpoint.log, ",%s_mse", s->head[k].name);
    putc('\n', t->checkpoint.log);
}

static void put(FILE *f, double x)
{
    fprintf(f, isnan(x) ? "," : ",%.6f", x);
}

static void log_epoch(const struct weft_demand_training *t, const double *mean)
{
    const struct weft_demand_shape *s = shape_of(t);
    FILE *f = t->checkpoint.log;
    fprintf(f, "%lld,%.6f", (long long)t->epoch, t->train_loss);
    put(f, t->valid_loss);
    for (size_t k = 0; k < s->n_heads; k++) {
        if (!weft_demand_classifies(&s->head[k])) {
            put(f, mean[k]);
            continue;
        }
        put(f, weft_confusion_accuracy(&t->confusion[k]));
        put(f, weft_confusion_macro_f1(&t->confusion[k]));
    }
    putc('\n', f);
    fflush(f);
}

/* "gender 84.5 %, views 0.092": what the validation part says. */
static void say_epoch(const struct weft_demand_training *t, const double *mean)
{
    const struct weft_demand_shape *s = shape_of(t);
    char text[300] = "";
    for (size_t k = 0; k < s->n_heads && t->set->n_valid && strlen(text) < 240; k++) {
        size_t at = strlen(text);
        if (weft_demand_classifies(&s->head[k]))
            snprintf(text + at, sizeof text - at, "  %.20s %.1f %%", s->head[k].name,
                     100 * weft_confusion_accuracy(&t->confusion[k]));
        else
            snprintf(text + at, sizeof text - at, "  %.20s %.4f", s->head[k].name, mean[k]);
    }
    char valid[40] = "";
    if (!isnan(t->valid_loss))
        snprintf(valid, sizeof valid, "  valid %.4f", t->valid_loss);
    weft_progress_line(t->progress, "epoch %3lld  train %.4f%s%s", (long long)t->epoch, t->train_loss, valid, text);
}

/* --- the checkpoint --- */

/* Vocabularies, scales and class weights follow from the products. */
static uint64_t shape_hash(const struct weft_demand_shape *s, uint64_t h)
{
    const double numbers[] = {(double)s->image_size, (double)s->text,   (double)s->hidden, s->dropout, s->gamma,
                              (double)s->n_inputs,   (double)s->n_heads};
    h = weft_hash(numbers, sizeof numbers, h);
    for (size_t i = 0; i < s->n_inputs; i++)
        h = weft_hash(s->input[i].name, strlen(s->input[i].name) + 1, h);
    for (size_t k = 0; k < s->n_heads; k++) {
        const double head[] = {(double)s->head[k].loss, s->head[k].weight, s->head[k].class_weight != NULL};
        h = weft_hash(head, sizeof head, weft_hash(s->head[k].name, strlen(s->head[k].name) + 1, h));
    }
    return h;
}

static bool done(const struct weft_demand_training *t)
{
    return t->epoch >= t->epochs || (t->best_epoch && t->patience && t->epoch - t->best_epoch >= t->patience);
}

/* All that the result depends on but the number of epochs: a longer training goes on where a shorter one ended. */
static uint64_t fingerprint(const struct weft_demand_training *t)
{
    static const struct weft_augment none;
    const struct weft_augment *a = t->augment ? t->augment : &none;
    const struct weft_demand_encoder *c = &t->set->encoder;
    const double numbers[] = {(double)t->batch,
                              t->lr,
                              t->backbone_lr,
                              (double)t->best,
                              (double)t->set->paper,
                              (double)t->set->n_valid,
                              (double)t->precision,
                              a->rotate,
                              a->brightness,
                              a->contrast,
                              a->saturation,
                              (double)c->broken_is_missing,
                              (double)c->how.limits.side,
                              (double)c->how.limits.pixels};
    uint64_t h = weft_hash(numbers, sizeof numbers, weft_hash(&t->seed, sizeof t->seed, weft_demand_set_hash(t->set)));
    return shape_hash(shape_of(t), weft_hash(t->backbone, strlen(t->backbone), h));
}

static int save(struct weft_demand_training *t, struct weft_err *e)
{
    struct weft_st_writer *w = weft_st_writer_new();
    weft_st_writer_meta_int(w, "epoch", t->epoch);
    weft_demand_write(t->net, w);
    weft_demand_write_state(t->net, w);
    weft_st_writer_meta_int(w, "best_epoch", t->best_epoch);
    weft_st_writer_meta_real(w, "best_loss", t->best_loss);
    int rc = weft_checkpoint_save(&t->checkpoint, w, e);
    weft_st_writer_free(&w);
    return rc;
}

static int resume(struct weft_demand_training *t, struct weft_err *e)
{
    struct weft_st *st;
    t->checkpoint.trainer = "demand";
    t->checkpoint.of = t->checkpoint.path ? fingerprint(t) : 0;
    int rc = weft_checkpoint_open(&t->checkpoint, &st, e);
    if (rc == 0 && st)
        rc = weft_st_meta_int(st, "epoch", 0, INT64_MAX, &t->epoch, e);
    if (rc == 0 && t->epoch > t->epochs) {
        weft_fail(e, WEFT_CONFIG, "%s is of epoch %lld, and --epochs %lld ends before", t->checkpoint.path,
                  (long long)t->epoch, (long long)t->epochs);
        rc = weft_fail_hint(e, "give more epochs, or leave --resume out to begin anew");
    }
    if (rc == 0 && st)
        rc = weft_demand_read_state(t->net, st, e);
    if (rc == 0 && st)
        rc = weft_st_meta_int(st, "best_epoch", 0, t->epoch, &t->best_epoch, e);
    if (rc == 0 && st)
        rc = weft_st_meta_real(st, "best_loss", &t->best_loss, e);
    if (rc == 0)
        rc = weft_checkpoint_log(&t->checkpoint, t->log, st, e);
    if (rc == 0 && t->checkpoint.log && fseek(t->checkpoint.log, 0, SEEK_END) == 0 && ftell(t->checkpoint.log) == 0)
        log_head(t);
    weft_st_close(&st);
    return rc;
}

/* Thousands of classes are too many to be fitted to convergence nine times over. */
static bool has_few_classes(const struct weft_demand_shape *s)
{
    bool few = true;
    for (size_t k = 0; k < s->n_heads; k++)
        few = few && s->head[k].width <= WEFT_DEMAND_LINEAR_MAX;
    return few;
}

/* What the network says of products at[0 .. n) to out[n, out]. */
static int say(struct weft_demand_training *t, const uint32_t *at, size_t n, float *out, struct weft_err *e)
{
    struct weft_demand_batch b;
    for (size_t from = 0; from < n; from += VALID_BATCH) {
        if (load(t, at + from, n - from < VALID_BATCH ? n - from : VALID_BATCH, false, &b, e) < 0 ||
            weft_demand_predict(t->net, &b, out + from * shape_of(t)->out, e) < 0)
            return -1;
    }
    return 0;
}

/* A network of the same seed learns from all products but the fold's, for as many epochs as the best one had. 1:
 * stopped. */
static int train_fold(struct weft_demand_training *t, const struct weft_demand_folds *f, size_t fold,
                      struct weft_err *e)
{
    struct weft_demand_set *d = t->set;
    uint32_t *train = d->train, *rest = WEFT_ARRAY(uint32_t, d->n);
    size_t n_train = d->n_train;
    int64_t epoch = t->epoch;
    double loss = t->train_loss;
    int rc = 0;
    d->n_train = weft_demand_folds_out(f, d->n, fold, rest);
    d->train = rest;
    weft_demand_init(t->net, t->seed);
    weft_demand_learn(t->net, t->lr, t->seed, t->par);
    for (t->epoch = 0; t->epoch < t->best_epoch && rc == 0; t->epoch++)
        rc = train_epoch(t, e);
    t->epoch = epoch;
    t->train_loss = loss;
    d->train = train;
    d->n_train = n_train;
    free(rest);
    return rc;
}

/* What networks say of the products that mixes, means and intervals are found on: those of folds, or, without any,
 * those that were learned from. The model's own weights are put back. 1: stopped. */
static int say_folds(struct weft_demand_training *t, struct weft_demand_finish *f, uint32_t *at, struct weft_err *e)
{
    const struct weft_demand_set *d = t->set;
    int rc = 0;
    for (size_t fold = 0; fold < (f->folds->n ? f->folds->n : 1) && rc == 0; fold++) {
        uint32_t *these = at + f->n;
        size_t n = f->folds->n ? weft_demand_folds_in(f->folds, d->n, fold, these) : d->n;
        for (uint32_t i = 0; i < n && !f->folds->n; i++)
            these[i] = i;
        if (fold && !t->alone)
            rc = train_fold(t, f->folds, fold, e);
        if (rc == 0)
            rc = say(t, these, n, f->out + f->n * shape_of(t)->out, e);
        f->n += n;
    }
    if (f->folds->n > 1 && !t->alone)
        weft_demand_restore(t->net);
    return rc;
}

/* Folds of a network with pictures would take as long as all of the training did, each. */
static int find_rest(struct weft_demand_training *t, struct weft_err *e)
{
    const struct weft_demand_shape *s = shape_of(t);
    const struct weft_demand_set *d = t->set;
    bool linear = t->linear && s->side && has_few_classes(s);
    if (t->alone && !linear)
        return weft_fail(e, WEFT_CONFIG, "a linear head is for at most %d classes, and there is nothing else",
                         WEFT_DEMAND_LINEAR_MAX);
    struct weft_demand_folds folds;
    weft_demand_folds_make(d, !s->image, &folds);
    uint32_t *at = WEFT_ARRAY(uint32_t, d->n + 1);
    struct weft_demand_finish f = {.set = t->set,
                                   .net = t->net,
                                   .par = t->par,
                                   .linear = linear,
                                   .alone = t->alone,
                                   .folds = &folds,
                                   .at = at,
                                   .out = WEFT_ARRAY(float, d->n * s->out + 1)};
    int rc = say_folds(t, &f, at, e);
    if (rc == 0)
        rc = weft_demand_finish(&f, e);
    free(f.out);
    free(at);
    weft_demand_folds_free(&folds);
    return rc;
}

/* The epoch that was just measured may be the best so far. */
static void judge(struct weft_demand_training *t)
{
    if (!t->best || isnan(t->valid_loss) || (t->best_epoch && t->valid_loss >= t->best_loss))
        return;
    t->best_epoch = t->epoch;
    t->best_loss = t->valid_loss;
    weft_demand_keep(t->net);
}

int weft_demand_training_run(struct weft_demand_training *t, struct weft_err *e)
{
    double mean[WEFT_DEMAND_FIELDS];
    int rc = 0;
    t->train_loss = t->valid_loss = NAN;
    make_room(t);
    weft_demand_learn(t->net, t->lr, t->seed, t->par);
    weft_demand_backbone_rate(t->net, t->backbone_lr);
    if (resume(t, e) < 0)
        return -1;
    while (!done(t) && rc == 0) {
        rc = train_epoch(t, e);
        if (rc == 0)
            rc = valid_epoch(t, mean, e);
        if (rc != 0)
            break;
        t->epoch++;
        judge(t);
        say_epoch(t, mean);
        if (t->checkpoint.log)
            log_epoch(t, mean);
        if (weft_checkpoint_due(&t->checkpoint))
            rc = save(t, e);
    }
    if (rc == 0 && t->checkpoint.path && t->means)
        rc = save(t, e);
    if (rc == 0 && t->best_epoch)
        weft_demand_restore(t->net);
    if (rc == 0 && t->means)
        rc = find_rest(t, e);
    if (rc == 0 && t->checkpoint.log && ferror(t->checkpoint.log))
        rc = weft_fail(e, WEFT_IO, "can't write %s", t->log);
    return rc;
}
