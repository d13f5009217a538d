/* ensemble_fit.c - members trained before past folds, chosen, and trained on all. */
#include "apply/ensemble_fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/match.h"
#include "base/calendar.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/stop.h"
#include "record/window.h"

/* --- members --- */

/* What messages call it. The caller frees it. */
static char *name_of(const char *item)
{
    size_t n;
    const char *text = weft_refit_command(item, &n);
    return n ? weft_xstrndup(item, n) : weft_xstrdup(text);
}

static bool is_baseline(const char *item)
{
    size_t n;
    struct weft_baseline b;
    return weft_baseline_parse(weft_refit_command(item, &n), &b, NULL) == 1;
}

int weft_ensemble_fit_start(struct weft_ensemble_fit *f, struct weft_run *run, struct weft_err *e)
{
    size_t n, trainers = 0;
    struct weft_baseline b;
    f->run = run;
    if (f->members.n > WEFT_ENSEMBLE_MAX)
        return weft_fail(e, WEFT_USAGE, "--member: more than %d", WEFT_ENSEMBLE_MAX);
    for (size_t i = 0; i < f->members.n; i++) {
        int is = weft_baseline_parse(weft_refit_command(f->members.items[i], &n), &b, e);
        if (is < 0)
            return -1;
        trainers += !is;
    }
    if (!trainers) {
        weft_fail(e, WEFT_USAGE, "--member: one at least must be a trainer, since baselines alone need no model");
        return weft_fail_hint(e, "add --member 'train-dlinear --tune'; weft score -m takes baselines as they are");
    }
    if (weft_series_attrs_read(weft_run_in_head(run), &f->attrs, e) < 0)
        return -1;
    bool counts;
    struct weft_span attrs = weft_run_in_head(run)->attrs;
    f->of = weft_hash(attrs.p, attrs.n, 1);
    f->clip = weft_match_clip(&f->attrs, false, &counts);
    return weft_spool_new(&f->spool, e) < 0 ? -1 : weft_spool_new(&f->said, e);
}

int weft_ensemble_fit_add(struct weft_ensemble_fit *f, struct weft_span frame, struct weft_err *e)
{
    const struct weft_series_attrs *a = &f->attrs;
    if (weft_series_read(frame, a, &f->series, e) < 0)
        return -1;
    size_t offset = (size_t)weft_step_count(a->start, f->series.start, a->step);
    size_t seen = offset + f->series.split[WEFT_PART_VALID], train = offset + f->series.split[WEFT_PART_TRAIN];
    f->seen = seen > f->seen ? seen : f->seen;
    f->train = train > f->train ? train : f->train;
    f->of = weft_hash(frame.p, frame.n, f->of);
    f->n_series++;
    return weft_spool_add(f->spool, frame, e);
}

/* --- folds --- */

static int place_folds(struct weft_ensemble_fit *f, struct weft_err *e)
{
    const struct weft_series_attrs *a = &f->attrs;
    size_t horizon = (size_t)a->horizon, least = (size_t)a->lookback + 2 * horizon, n = 0;
    if (!f->n_series)
        return weft_fail(e, WEFT_DATA, "no series came");
    f->seen = f->seen < (size_t)a->known ? f->seen : (size_t)a->known;
    for (size_t k = 1; k <= (size_t)f->folds && f->seen >= least + k * horizon; k++, n++) {
        f->length[n] = f->seen - k * horizon;
        weft_series_date(a, weft_step_add(a->start, (int64_t)f->length[n], a->step), f->date[n]);
    }
    weft_series_date(a, weft_step_add(a->start, (int64_t)f->seen, a->step), f->date[WEFT_ENSEMBLE_FOLDS_MAX]);
    if (!n) {
        weft_fail(e, WEFT_DATA, "%zu steps are known: no room for a fold, which needs %zu before a horizon of %zu",
                  f->seen, least, horizon);
        return weft_fail_hint(e, "give window a shorter --lookback, or train one model");
    }
    if (n < (size_t)f->folds)
        weft_run_warn(f->run, "the history has room for %zu fold%s, not %lld", n, n > 1 ? "s" : "",
                      (long long)f->folds);
    f->folds = (int64_t)n;
    return 0;
}

static struct weft_refit trainings(const struct weft_ensemble_fit *f, struct weft_progress *progress)
{
    const struct weft_series_attrs *a = &f->attrs;
    return (struct weft_refit){.run = f->run,
                               .attrs = a,
                               .spool = f->spool,
                               .lookback = a->lookback,
                               .horizon = a->horizon,
                               .stride = a->stride,
                               .scale = a->scale,
                               .valid = (double)(f->seen - f->train) / (double)f->seen,
                               .progress = progress,
                               .option = "--member",
                               .keep = f->keep,
                               .of = f->of};
}

/* Member i, trained on so many steps each; out [n]. */
static int train(const struct weft_ensemble_fit *f, size_t i, const size_t *length, const char (*dates)[32], size_t n,
                 struct weft_apply **out, struct weft_err *e)
{
    const char *item = f->members.items[i];
    struct weft_progress progress = {0};
    size_t named;
    if (is_baseline(item)) {
        for (size_t k = 0; k < n; k++)
            if (weft_apply_open(item, &out[k], e) < 0)
                return -1;
        return 0;
    }
    weft_progress_start(&progress, weft_run_program(f->run), weft_run_progress(f->run));
    const struct weft_refit r = trainings(f, &progress);
    int rc = weft_refit_run(&r, weft_refit_command(item, &named), length, dates, n, out, e);
    weft_progress_end(&progress);
    char *name = name_of(item);
    for (size_t k = 0; k < n && rc == 0; k++)
        weft_apply_rename(out[k], name);
    free(name);
    return rc;
}

static int train_folds(struct weft_ensemble_fit *f, struct weft_err *e)
{
    struct weft_apply *out[WEFT_ENSEMBLE_FOLDS_MAX] = {0};
    for (size_t i = 0; i < f->members.n; i++) {
        int rc = train(f, i, f->length, (const char(*)[32])f->date, (size_t)f->folds, out, e);
        for (size_t k = 0; k < (size_t)f->folds; k++) { /* also those that were opened before an error */
            f->fold[k].member[i] = out[k];
            f->fold[k].n = i + 1;
            out[k] = NULL;
        }
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* How the channels of the members of each fold lie. */
static int match_folds(struct weft_ensemble_fit *f, int *key, size_t *exogenous, struct weft_err *e)
{
    struct weft_model_info info = {0};
    int rc = 0;
    for (size_t k = 0; k < (size_t)f->folds && rc == 0; k++) {
        weft_model_info_free(&info);
        rc = weft_ensemble_info(&f->fold[k], &info, e);
    }
    if (rc == 0)
        rc = weft_match_key(&f->attrs, &info, "the ensemble", key, e);
    if (rc == 0)
        rc = weft_match_exogenous(&f->attrs, &info, "the ensemble", exogenous, e);
    weft_model_info_free(&info);
    return rc;
}

/* --- what came, and what the members said --- */

static void close_all(struct weft_ensemble *x)
{
    for (size_t i = 0; i < WEFT_ENSEMBLE_MAX; i++) {
        weft_apply_close(&x->member[i]);
        weft_apply_result_free(&x->result[i]);
    }
}

struct view {
    const struct weft_series *s;
    size_t channel, fold, known; /* steps of the series before the fold */
    struct weft_apply_job job;
    const float *actual; /* [horizon]; NaN: missing */
    struct weft_span group;
    const uint8_t *said; /* of all members: float [members, horizon], not aligned */
};

static float said_of(const struct view *v, size_t member, size_t h)
{
    float y;
    memcpy(&y, v->said + (member * v->job.horizon + h) * sizeof y, sizeof y);
    return y;
}

static bool view_of(struct weft_ensemble_fit *f, size_t k, size_t c, int key, const size_t *at, const float **exogenous,
                    struct view *v)
{
    const struct weft_series_attrs *a = &f->attrs;
    const struct weft_series *s = &f->series;
    struct weft_refit r = trainings(f, NULL);
    size_t borders[WEFT_PARTS], split[WEFT_PARTS], horizon = (size_t)a->horizon;
    weft_refit_borders(&r, f->length[k], borders);
    weft_split_own(borders, a, s, split);
    size_t known = split[WEFT_PART_VALID];
    *v = (struct view){.s = s, .channel = c, .fold = k, .known = known};
    if (!known || known + horizon > weft_series_known(a, s->start, s->n))
        return false;
    for (size_t m = 0; exogenous && at[m] != SIZE_MAX && m < WEFT_EXOG_MAX; m++)
        exogenous[m] = s->values + at[m] * s->n;
    const float *x = s->values + c * s->n;
    v->actual = x + known;
    v->group = weft_series_key_text(s, key);
    v->job = (struct weft_apply_job){.x = x,
                                     .n = s->n,
                                     .exogenous = exogenous,
                                     .known = weft_series_known(a, s->start, s->n),
                                     .train = split[WEFT_PART_TRAIN],
                                     .origin = known,
                                     .stride = 1,
                                     .windows = 1,
                                     .horizon = horizon,
                                     .nonnegative = f->clip[c],
                                     .id = s->id.p,
                                     .id_n = s->id.n,
                                     .start = s->start};
    weft_scale_fit_train(a->scale, x, v->job.train, known, &v->job.shift, &v->job.factor);
    return true;
}

/* The next series, and what the members said of it (said NULL: nothing yet); 0: the end. */
static int next_series(struct weft_ensemble_fit *f, size_t at[2], struct weft_span *said, struct weft_err *e)
{
    struct weft_span frame;
    if (!weft_spool_next(f->spool, &at[0], &frame))
        return 0;
    if (said && !weft_spool_next(f->said, &at[1], said))
        return weft_fail(e, WEFT_BUG, "fewer forecasts than series");
    if (weft_stop_check(e) < 0)
        return -1;
    return weft_series_read(frame, &f->attrs, &f->series, e) < 0 ? -1 : 1;
}

/* Forecasts of every series, fold and channel by all members, after each other, to f->said; then the models of the
 * folds go. */
static int ask_members(struct weft_ensemble_fit *f, struct weft_err *e)
{
    const float *exogenous[WEFT_EXOG_MAX];
    size_t place[WEFT_EXOG_MAX], at[2] = {0}, horizon = (size_t)f->attrs.horizon,
                                 most = (size_t)f->folds * f->attrs.n_targets * f->members.n * horizon;
    int key, rc;
    for (size_t m = 0; m < WEFT_EXOG_MAX; m++)
        place[m] = SIZE_MAX;
    if (match_folds(f, &key, place, e) < 0)
        return -1;
    float *said = WEFT_ARRAY(float, most);
    while ((rc = next_series(f, at, NULL, e)) == 1) {
        size_t n = 0;
        for (size_t k = 0; k < (size_t)f->folds; k++)
            for (size_t c = 0; c < f->attrs.n_targets; c++) {
                struct view v;
                if (!view_of(f, k, c, key, place, exogenous, &v))
                    continue;
                weft_ensemble_members(&f->fold[k], (const char *)v.group.p, v.group.n, c, &v.job);
                for (size_t i = 0; i < f->members.n; i++, n += horizon)
                    memcpy(said + n, f->fold[k].result[i].forecast, horizon * sizeof *said);
            }
        rc = weft_spool_add(f->said, (struct weft_span){(const uint8_t *)said, n * sizeof *said}, e);
        if (rc < 0)
            break;
    }
    free(said);
    for (size_t k = 0; k < (size_t)f->folds; k++)
        close_all(&f->fold[k]);
    return rc < 0 ? -1 : weft_spool_finish(f->said, e);
}

/* Every series, fold and channel with what all members forecast. key: of groups (weft_series_key_text). */
static int walk(struct weft_ensemble_fit *f, int key, void (*visit)(void *ctx, const struct view *v), void *ctx,
                struct weft_err *e)
{
    size_t at[2] = {0}, each = f->members.n * (size_t)f->attrs.horizon * sizeof(float);
    struct weft_span said;
    int rc;
    while ((rc = next_series(f, at, &said, e)) == 1) {
        struct view v;
        for (size_t k = 0; k < (size_t)f->folds; k++)
            for (size_t c = 0; c < f->attrs.n_targets; c++)
                if (view_of(f, k, c, key, NULL, NULL, &v)) {
                    v.said = said.p;
                    said.p += each;
                    visit(ctx, &v);
                }
    }
    return rc;
}

/* --- errors --- */

struct sums {
    const struct weft_ensemble_fit *f;
    size_t n;               /* columns of error */
    double *error, *actual; /* [channels, n], [channels] */
    uint64_t made[WEFT_ENSEMBLE_MAX];
    float weight[WEFT_ENSEMBLE_MAX];
};

static void sums_free(struct sums *s)
{
    free(s->error);
    free(s->actual);
}

static struct sums sums_of(const struct weft_ensemble_fit *f, size_t n)
{
    return (struct sums){.f = f,
                         .n = n,
                         .error = WEFT_ARRAY(double, f->attrs.n_targets *n),
                         .actual = WEFT_ARRAY(double, f->attrs.n_targets)};
}

/* Mean over the channels that sold of sum |error| / sum |actual|. */
static double mean_error(const struct sums *s, size_t i)
{
    double sum = 0;
    size_t n = 0;
    for (size_t c = 0; c < s->f->attrs.n_targets; c++)
        if (s->actual[c] > 0) {
            sum += s->error[c * s->n + i] / s->actual[c];
            n++;
        }
    return n ? sum / (double)n : NAN;
}

static void count_made(void *ctx, const struct view *v)
{
    struct sums *s = ctx;
    for (size_t i = 0; i < s->f->members.n; i++)
        for (size_t h = 0; h < v->job.horizon; h++)
            s->made[i] += isfinite(v->actual[h]) && isfinite(said_of(v, i, h));
}

/* The value of step h of every member that is kept; false when one of them or the actual value is missing. */
static bool step_of(const struct weft_ensemble_fit *f, const struct view *v, size_t h, float *y)
{
    bool all = isfinite(v->actual[h]);
    for (size_t i = 0; i < f->n_kept; i++) {
        y[i] = said_of(v, f->kept[i], h);
        all &= (bool)isfinite(y[i]);
    }
    return all;
}

static void add_members(void *ctx, const struct view *v)
{
    struct sums *s = ctx;
    float y[WEFT_ENSEMBLE_MAX];
    for (size_t h = 0; h < v->job.horizon; h++) {
        if (!step_of(s->f, v, h, y))
            continue;
        s->actual[v->channel] += fabs((double)v->actual[h]);
        for (size_t i = 0; i < s->n; i++)
            s->error[v->channel * s->n + i] += fabs((double)v->actual[h] - (double)y[i]);
    }
}

static void add_rules(void *ctx, const struct view *v)
{
    struct sums *s = ctx;
    float y[WEFT_ENSEMBLE_MAX], copy[WEFT_ENSEMBLE_MAX];
    for (size_t h = 0; h < v->job.horizon; h++) {
        if (!step_of(s->f, v, h, y))
            continue;
        s->actual[v->channel] += fabs((double)v->actual[h]);
        for (size_t r = 0; r < WEFT_ENSEMBLE_RULES; r++) {
            memcpy(copy, y, sizeof copy);
            float one = weft_ensemble_combine((enum weft_ensemble_rule)r, s->weight, copy, s->f->n_kept);
            s->error[v->channel * s->n + r] += fabs((double)v->actual[h] - (double)one);
        }
    }
}

/* --- choice --- */

/* Leaves out members that forecast less than nine tenths of what another does: what is measured is what all have. */
static int drop_short(struct weft_ensemble_fit *f, struct weft_err *e)
{
    struct sums s = sums_of(f, 0);
    uint64_t most = 0;
    int rc = walk(f, WEFT_KEY_NONE, count_made, &s, e);
    sums_free(&s);
    for (size_t i = 0; i < f->members.n && rc == 0; i++)
        most = s.made[i] > most ? s.made[i] : most;
    if (rc < 0)
        return -1;
    if (!most) {
        weft_fail(e, WEFT_DATA, "no member forecast anything in %lld fold%s", (long long)f->folds,
                  f->folds > 1 ? "s" : "");
        return weft_fail_hint(e, "are values missing before %s?", f->date[0]);
    }
    for (size_t i = 0; i < f->members.n; i++)
        if ((double)s.made[i] >= 0.9 * (double)most)
            f->kept[f->n_kept++] = i;
    return 0;
}

/* Orders what is kept by error, the first given first where they are equal, and leaves out what is too far from the
 * best. */
static int drop_worse(struct weft_ensemble_fit *f, struct weft_err *e)
{
    struct sums s = sums_of(f, f->n_kept);
    size_t order[WEFT_ENSEMBLE_MAX] = {0}, n = 0, member[WEFT_ENSEMBLE_MAX];
    int rc = walk(f, WEFT_KEY_NONE, add_members, &s, e);
    for (size_t i = 0; i < f->n_kept && rc == 0; i++) {
        double error = f->error[f->kept[i]] = mean_error(&s, i);
        size_t at = n++;
        for (; at > 0 && f->error[f->kept[order[at - 1]]] > error; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    sums_free(&s);
    if (rc < 0)
        return -1;
    double best = f->error[f->kept[order[0]]];
    if (!isfinite(best))
        return weft_fail(e, WEFT_DATA, "nothing was sold in the folds: no member can be told from another");
    for (n = 0; n < f->n_kept && f->error[f->kept[order[n]]] <= best * (1 + f->within); n++)
        member[n] = f->kept[order[n]];
    memcpy(f->kept, member, n * sizeof *member);
    f->n_kept = n;
    return 0;
}

static int choose_rule(struct weft_ensemble_fit *f, struct weft_err *e)
{
    struct sums s = sums_of(f, WEFT_ENSEMBLE_RULES);
    double best = f->error[f->kept[0]];
    for (size_t i = 0; i < f->n_kept; i++) {
        double error = f->error[f->kept[i]];
        f->whole.weight[i] = s.weight[i] = best > 0 ? (float)((best / error) * (best / error)) : (float)(error <= best);
    }
    int rc = walk(f, WEFT_KEY_NONE, add_rules, &s, e);
    for (size_t r = 0; r < WEFT_ENSEMBLE_RULES && rc == 0; r++) {
        f->rule_error[r] = mean_error(&s, r);
        if (f->rule_error[r] < f->rule_error[f->rule])
            f->rule = (enum weft_ensemble_rule)r;
    }
    sums_free(&s);
    if (rc == 0 && f->rule == WEFT_ENSEMBLE_BEST)
        f->n_kept = 1;
    f->whole.rule = f->rule;
    return rc;
}

static int train_whole(struct weft_ensemble_fit *f, struct weft_err *e)
{
    for (size_t i = 0; i < f->n_kept; i++) {
        if (train(f, f->kept[i], &f->seen, (const char(*)[32])f->date[WEFT_ENSEMBLE_FOLDS_MAX], 1, &f->whole.member[i],
                  e) < 0)
            return -1;
        f->whole.n++;
    }
    return weft_ensemble_info(&f->whole, &f->info, e);
}

/* --- errors that the model file keeps --- */

static void keep_errors(void *ctx, const struct view *v)
{
    struct weft_ensemble_fit *f = ctx;
    size_t horizon = v->job.horizon, unit = weft_kept_errors_unit(&f->errors, v->group, v->channel);
    if (unit == SIZE_MAX || v->known < (size_t)f->info.lookback)
        return;
    float *y = WEFT_ARRAY(float, horizon), one[WEFT_ENSEMBLE_MAX];
    for (size_t h = 0; h < horizon; h++) {
        for (size_t i = 0; i < f->n_kept; i++)
            one[i] = said_of(v, f->kept[i], h);
        y[h] = weft_ensemble_combine(f->rule, f->whole.weight, one, f->n_kept);
    }
    uint64_t hash = weft_hash(v->s->id.p, v->s->id.n, v->fold * f->attrs.n_targets + v->channel);
    f->errors.series[unit] += weft_kept_errors_add(&f->errors, unit, v->actual, y, v->job.shift, v->job.factor, hash);
    free(y);
}

static int gather_errors(struct weft_ensemble_fit *f, struct weft_err *e)
{
    int key;
    if (weft_match_key(&f->attrs, &f->info, "the ensemble", &key, e) < 0)
        return -1;
    weft_kept_errors_init(&f->errors, &f->info);
    return walk(f, key, keep_errors, f, e);
}

int weft_ensemble_fit_run(struct weft_ensemble_fit *f, struct weft_err *e)
{
    for (size_t i = 0; i < f->members.n; i++)
        f->error[i] = NAN;
    if (weft_spool_finish(f->spool, e) < 0 || place_folds(f, e) < 0 || train_folds(f, e) < 0 || ask_members(f, e) < 0 ||
        drop_short(f, e) < 0 || drop_worse(f, e) < 0 || choose_rule(f, e) < 0 || train_whole(f, e) < 0)
        return -1;
    return gather_errors(f, e);
}

/* --- results --- */

static bool is_kept(const struct weft_ensemble_fit *f, size_t i)
{
    for (size_t k = 0; k < f->n_kept; k++)
        if (f->kept[k] == i)
            return true;
    return false;
}

static void say_member(const struct weft_ensemble_fit *f, size_t i, const char *before, FILE *out)
{
    char *name = name_of(f->members.items[i]);
    fprintf(out, isfinite(f->error[i]) ? "%s%s (%.4f)" : "%s%s (no forecast)", before, name, f->error[i]);
    free(name);
}

char *weft_ensemble_fit_text(const struct weft_ensemble_fit *f)
{
    static const char *const what[] = {"", "the median of ", "the mean of ", "the weighted mean of "};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (!out)
        return weft_xstrdup("");
    fputs(what[f->rule], out);
    for (size_t k = 0; k < f->n_kept; k++)
        say_member(f, f->kept[k], k ? ", " : "", out);
    if (f->n_kept == 1)
        fprintf(out, " alone, error in %lld fold%s", (long long)f->folds, f->folds > 1 ? "s" : "");
    else
        fprintf(out, ": error %.4f in %lld fold%s", f->rule_error[f->rule], (long long)f->folds,
                f->folds > 1 ? "s" : "");
    const char *before = "; left out: ";
    for (size_t i = 0; i < f->members.n; i++)
        if (!is_kept(f, i)) {
            say_member(f, i, before, out);
            before = ", ";
        }
    fclose(out);
    return text;
}

/* The kept models' files, once the model is safe. */
static void remove_kept(const struct weft_ensemble_fit *f)
{
    const struct weft_refit r = trainings(f, NULL);
    for (size_t i = 0; f->keep && i < f->members.n; i++)
        for (size_t k = 0; k <= (size_t)f->folds; k++) {
            size_t named;
            char *path = weft_refit_kept(&r, weft_refit_command(f->members.items[i], &named),
                                         k < (size_t)f->folds ? f->length[k] : f->seen);
            unlink(path);
            free(path);
        }
    if (f->keep)
        (void)rmdir(f->keep); /* unless something else lies there */
}

int weft_ensemble_fit_save(struct weft_ensemble_fit *f, const char *lineage, const char *path, struct weft_err *e)
{
    float error[WEFT_ENSEMBLE_MAX];
    char *held[WEFT_ENSEMBLE_MAX];
    struct weft_errors errors;
    struct weft_st_writer *w = weft_st_writer_new();
    for (size_t i = 0; i < f->members.n; i++)
        error[i] = (float)f->error[i];
    for (size_t k = 0; k < f->n_kept; k++)
        held[k] = f->members.items[f->kept[k]];
    weft_ensemble_write(&f->whole, &f->info, held, w);
    weft_st_writer_meta_int(w, "folds", f->folds);
    weft_st_writer_meta_real(w, "fold_error", f->rule_error[f->rule]);
    weft_st_writer_meta_list(w, "tried", f->members.items, f->members.n);
    weft_st_writer_meta(w, "lineage", lineage);
    weft_st_writer_tensor(w, "fold_errors", WEFT_ST_F32, 1, &f->members.n, error);
    weft_kept_errors_write(&f->errors, (size_t)f->info.horizon, &errors, w); /* folds do not overlap */
    int rc = weft_st_save(w, path, e);
    weft_st_writer_free(&w);
    weft_errors_free(&errors);
    if (rc == 0)
        remove_kept(f);
    return rc;
}

void weft_ensemble_fit_free(struct weft_ensemble_fit *f)
{
    weft_kept_errors_free(&f->errors);
    for (size_t k = 0; k < WEFT_ENSEMBLE_FOLDS_MAX; k++)
        close_all(&f->fold[k]);
    close_all(&f->whole);
    weft_model_info_free(&f->info);
    weft_series_attrs_free(&f->attrs);
    weft_series_free(&f->series);
    weft_spool_free(&f->spool);
    weft_spool_free(&f->said);
    free(f->clip);
}
