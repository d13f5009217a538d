/* ensemble.c - several models as one. */
#include "model/ensemble.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

const char *const weft_ensemble_rules[WEFT_ENSEMBLE_RULES] = {"best", "median", "mean", "weights"};

static float median(float *y, size_t n)
{
    weft_sort(y, n, sizeof *y, weft_by_float);
    return n % 2 ? y[n / 2] : (y[n / 2 - 1] + y[n / 2]) / 2;
}

float weft_ensemble_combine(enum weft_ensemble_rule rule, const float *weight, float *y, size_t n)
{
    size_t there = 0;
    double sum = 0, weights = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(y[i]))
            continue;
        double w = rule == WEFT_ENSEMBLE_WEIGHTS ? weight[i] : 1;
        sum += w * (double)y[i];
        weights += w;
        y[there++] = y[i];
    }
    if (!there || !(weights > 0))
        return NAN;
    if (rule == WEFT_ENSEMBLE_BEST)
        return y[0];
    return rule == WEFT_ENSEMBLE_MEDIAN ? median(y, there) : (float)(sum / weights);
}

/* --- the whole from its members --- */

static int unfit(const struct weft_ensemble *x, size_t i, size_t j, const char *what, struct weft_err *e)
{
    weft_fail(e, WEFT_CONFIG, "members %s and %s have not the same %s", weft_apply_name(x->member[i]),
              weft_apply_name(x->member[j]), what);
    return weft_fail_hint(e, "the members of an ensemble are trained on the same windows, by all or by one key");
}

static bool same_names(char *const *a, size_t n, char *const *b, size_t m)
{
    for (size_t i = 0; i < n && n == m; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return n == m;
}

static char **copy_names(char *const *names, size_t n)
{
    char **copy = WEFT_ARRAY(char *, n + 1);
    for (size_t i = 0; i < n; i++)
        copy[i] = weft_xstrdup(names[i]);
    return copy;
}

static void take_groups(struct weft_model_info *info, const struct weft_model_info *m)
{
    for (size_t i = 0; i < info->n_groups; i++)
        free(info->groups[i]);
    free(info->groups);
    free(info->by);
    info->by = weft_xstrdup(m->by);
    info->groups = copy_names(m->groups, m->n_groups);
    info->n_groups = m->n_groups;
}

static void take_first(struct weft_model_info *info, const struct weft_model_info *m)
{
    info->lookback = m->lookback;
    info->horizon = m->horizon;
    info->stride = m->stride;
    info->step = m->step;
    info->scale = m->scale;
    info->until = m->until;
    info->channels = copy_names(m->channels, m->n_channels);
    info->n_channels = m->n_channels;
    take_groups(info, m);
}

/* Joins the channels that member i looks at with those of the others. */
static int join_exogenous(struct weft_ensemble *x, size_t i, struct weft_model_info *info, struct weft_err *e)
{
    const struct weft_model_info *m = weft_apply_info(x->member[i]);
    for (size_t c = 0; c < m->n_exogenous; c++) {
        size_t k = 0;
        while (k < info->n_exogenous && strcmp(info->exogenous[k], m->exogenous[c]) != 0)
            k++;
        if (k == WEFT_EXOG_MAX)
            return weft_fail(e, WEFT_CONFIG, "the members look at more than %d channels", WEFT_EXOG_MAX);
        if (k == info->n_exogenous) {
            info->exogenous = weft_xrealloc2(info->exogenous, k + 1, sizeof *info->exogenous);
            info->exogenous[k] = weft_xstrdup(m->exogenous[c]);
            info->exog.role[k] = m->exog.role[c];
            info->exog.n = ++info->n_exogenous;
        }
        x->exogenous[i][c] = k;
    }
    return 0;
}

static int join(struct weft_ensemble *x, size_t i, size_t first, struct weft_model_info *info, struct weft_err *e)
{
    const struct weft_model_info *m = weft_apply_info(x->member[i]);
    if (m->horizon != info->horizon || m->step != info->step)
        return unfit(x, first, i, "horizon and step", e);
    if (m->scale != info->scale)
        return unfit(x, first, i, "scale", e);
    if (!same_names(m->channels, m->n_channels, info->channels, info->n_channels))
        return unfit(x, first, i, "channels", e);
    info->lookback = m->lookback < info->lookback ? m->lookback : info->lookback;
    if (strcmp(info->by, "all") == 0)
        take_groups(info, m);
    else if (strcmp(m->by, "all") != 0 &&
             (strcmp(m->by, info->by) != 0 || !same_names(m->groups, m->n_groups, info->groups, info->n_groups)))
        return unfit(x, first, i, "groups", e);
    return join_exogenous(x, i, info, e);
}

int weft_ensemble_info(struct weft_ensemble *x, struct weft_model_info *info, struct weft_err *e)
{
    size_t first = SIZE_MAX;
    *info = (struct weft_model_info){0};
    for (size_t i = 0; i < x->n; i++) {
        const struct weft_model_info *m = weft_apply_info(x->member[i]);
        if (!m)
            continue;
        if (first == SIZE_MAX)
            take_first(info, m);
        first = first == SIZE_MAX ? i : first;
        if (join(x, i, first, info, e) < 0)
            return -1;
    }
    if (first == SIZE_MAX && x->alone) {
        take_first(info, x->alone);
        x->horizon = (size_t)info->horizon;
        return 0;
    }
    if (first == SIZE_MAX)
        return weft_fail(e, WEFT_CONFIG, "an ensemble of baselines alone: one member at least must be a trainer");
    info->exog.level = (size_t)info->lookback;
    info->exog.horizon = x->horizon = (size_t)info->horizon;
    info->exog.by_forecast = info->n_exogenous > 0; /* a promotion that doubles the sales doubles their errors */
    return 0;
}

void weft_ensemble_members(struct weft_ensemble *x, const char *group, size_t group_n, size_t channel,
                           const struct weft_apply_job *job)
{
    const float *exogenous[WEFT_EXOG_MAX];
    for (size_t i = 0; i < x->n; i++) {
        const struct weft_model_info *m = weft_apply_info(x->member[i]);
        bool all = m && strcmp(m->by, "all") == 0;
        struct weft_apply_job j = *job;
        j.horizon = x->horizon;
        j.n_levels = 0;
        j.exogenous = exogenous;
        for (size_t c = 0; m && c < m->n_exogenous; c++)
            exogenous[c] = job->exogenous[x->exogenous[i][c]];
        size_t unit = weft_apply_unit(x->member[i], all ? "all" : group, all ? 3 : group_n, channel);
        if (unit == SIZE_MAX)
            weft_apply_nothing(x->horizon * j.windows, &x->result[i]);
        else
            weft_apply_run(x->member[i], unit, &j, false, &x->result[i]);
    }
}

void weft_ensemble_join(struct weft_ensemble *x, size_t cells, float *forecast)
{
    float y[WEFT_ENSEMBLE_MAX];
    for (size_t c = 0; c < cells; c++) {
        for (size_t i = 0; i < x->n; i++)
            y[i] = x->result[i].forecast[c];
        forecast[c] = weft_ensemble_combine(x->rule, x->weight, y, x->n);
    }
}

/* --- the model file --- */

struct ensemble {
    struct weft_ensemble x;
    struct weft_model_info info; /* joined anew from the members */
};

static void free_ensemble(void *self)
{
    struct ensemble *s = self;
    for (size_t i = 0; i < s->x.n; i++) {
        weft_apply_close(&s->x.member[i]);
        weft_apply_result_free(&s->x.result[i]);
    }
    weft_model_info_free(&s->info);
    free(s);
}

static int bad(const struct weft_st *st, const char *what, struct weft_err *e)
{
    weft_fail(e, WEFT_DATA, "%s in this model file", what);
    return weft_fail_where(e, "%s", weft_st_path(st));
}

static int open_member(struct ensemble *s, const struct weft_st *st, const char *name, struct weft_err *e)
{
    char tensor[32], where[512];
    size_t i = s->x.n;
    snprintf(tensor, sizeof tensor, "member.%zu", i);
    const struct weft_st_tensor *t = weft_st_find(st, tensor);
    if (t && t->type != WEFT_ST_U8)
        return bad(st, "a member that is no file", e);
    const char *equals = strchr(name, '=');
    struct weft_baseline baseline; /* no other file is opened, whatever this one says */
    if (!t && weft_baseline_parse(equals ? equals + 1 : name, &baseline, NULL) != 1)
        return bad(st, "a member that is neither held nor a baseline", e);
    snprintf(where, sizeof where, "%.400s: member %zu", weft_st_path(st), i + 1);
    int rc = t ? weft_apply_open_bytes(t->data, t->bytes, where, &s->x.member[i], e)
               : weft_apply_open(name, &s->x.member[i], e);
    if (rc < 0)
        return -1;
    s->x.n++;
    const struct weft_model_info *m = weft_apply_info(s->x.member[i]);
    return m && strcmp(m->name, "ensemble") == 0 ? bad(st, "an ensemble among an ensemble's members", e) : 0;
}

static int open_members(struct ensemble *s, const struct weft_st *st, struct weft_err *e)
{
    const char *text = weft_st_meta(st, "members");
    weft_json *j = text ? weft_json_parse(text, strlen(text), NULL) : NULL;
    size_t n = j && weft_json_kind(j) == WEFT_JSON_ARRAY ? weft_json_size(j) : 0, len;
    int rc = n && n <= WEFT_ENSEMBLE_MAX ? 0 : bad(st, "no usable \"members\"", e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const char *name = weft_json_str(weft_json_at(j, i), &len);
        rc = name ? open_member(s, st, name, e) : bad(st, "no usable \"members\"", e);
    }
    weft_json_free(&j);
    return rc;
}

static int read_rule(struct ensemble *s, const struct weft_st *st, struct weft_err *e)
{
    const char *rule = weft_st_meta(st, "rule");
    const size_t dims[] = {s->x.n};
    float *weights = NULL;
    int found = -1;
    for (int r = 0; rule && r < WEFT_ENSEMBLE_RULES; r++)
        if (strcmp(rule, weft_ensemble_rules[r]) == 0)
            found = r;
    if (found < 0)
        return bad(st, "no usable \"rule\"", e);
    s->x.rule = (enum weft_ensemble_rule)found;
    if (weft_st_weights(st, "weights", dims, 1, &weights, e) < 0)
        return -1;
    memcpy(s->x.weight, weights, s->x.n * sizeof *weights);
    free(weights);
    for (size_t i = 0; i < s->x.n; i++)
        if (s->x.weight[i] < 0)
            return bad(st, "a weight below nothing", e);
    return 0;
}

/* What the file says of the whole must be what its members are. */
static int check(const struct ensemble *s, const struct weft_st *st, const struct weft_model_info *info,
                 struct weft_err *e)
{
    const struct weft_model_info *m = &s->info;
    bool same = m->horizon == info->horizon && m->step == info->step && m->scale == info->scale &&
                m->lookback == info->lookback && strcmp(m->by, info->by) == 0 &&
                same_names(m->groups, m->n_groups, info->groups, info->n_groups) &&
                same_names(m->channels, m->n_channels, info->channels, info->n_channels) &&
                same_names(m->exogenous, m->n_exogenous, info->exogenous, info->n_exogenous);
    for (size_t c = 0; c < m->n_exogenous && same; c++)
        same = m->exog.role[c] == info->exog.role[c];
    return same ? 0 : bad(st, "members that are not what the metadata says of them", e);
}

static int load(const struct weft_st *st, const struct weft_model_info *info, void **self, struct weft_err *e)
{
    struct ensemble *s = *self = WEFT_NEW(struct ensemble);
    s->x.alone = info;
    if (open_members(s, st, e) < 0 || read_rule(s, st, e) < 0 || weft_ensemble_info(&s->x, &s->info, e) < 0)
        return -1;
    return check(s, st, info, e);
}

void weft_ensemble_write(const struct weft_ensemble *x, const struct weft_model_info *info, char *const *names,
                         struct weft_st_writer *w)
{
    struct weft_model_info named = *info;
    named.name = (char[]){"ensemble"};
    weft_model_info_write(&named, w);
    weft_st_writer_meta(w, "rule", weft_ensemble_rules[x->rule]);
    weft_st_writer_meta_list(w, "members", names, x->n);
    weft_st_writer_tensor(w, "weights", WEFT_ST_F32, 1, &x->n, x->weight);
    for (size_t i = 0; i < x->n; i++) {
        char name[32];
        size_t n;
        const void *bytes = weft_apply_bytes(x->member[i], &n);
        snprintf(name, sizeof name, "member.%zu", i);
        if (bytes)
            weft_st_writer_tensor(w, name, WEFT_ST_U8, 1, &n, bytes);
    }
}

int weft_ensemble_member(const struct weft_forecaster *of, size_t i, struct weft_forecaster **out, char **name,
                         struct weft_err *e)
{
    struct weft_st *st;
    char tensor[32];
    size_t n;
    const void *bytes = weft_forecaster_bytes(of, &n);
    *out = NULL;
    *name = NULL;
    if (weft_st_parse(bytes, n, "ensemble", &st, e) < 0)
        return -1;
    const char *text = weft_st_meta(st, "members");
    weft_json *j = text ? weft_json_parse(text, strlen(text), NULL) : NULL;
    const char *item = j && weft_json_kind(j) == WEFT_JSON_ARRAY && i < weft_json_size(j)
                           ? weft_json_str(weft_json_at(j, i), &n)
                           : NULL;
    *name = item ? weft_xstrdup(item) : NULL;
    snprintf(tensor, sizeof tensor, "member.%zu", i);
    const struct weft_st_tensor *t = item ? weft_st_find(st, tensor) : NULL;
    int rc = t ? weft_forecaster_open_bytes(t->data, t->bytes, item, out, e) : 0;
    weft_json_free(&j);
    weft_st_close(&st);
    return rc < 0 ? -1 : t != NULL;
}

static void whole(void *self, size_t unit, const struct weft_apply_job *job, float *forecast)
{
    struct ensemble *s = self;
    const char *group = s->info.groups[unit / s->info.n_channels];
    weft_ensemble_members(&s->x, group, strlen(group), unit % s->info.n_channels, job);
    weft_ensemble_join(&s->x, job->windows * s->x.horizon, forecast);
}

WEFT_MODEL(ensemble, .name = "ensemble", .load = load, .free = free_ensemble, .whole = whole);
