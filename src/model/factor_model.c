/* factor_model.c - factors in a model file, and applied to a series. */
#include "model/factor_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const char *const kind_names[WEFT_FACTOR_KINDS] = {"same", "open", "switch", "flag", "price", "number"};

/* --- writing --- */

static void put_meta(struct weft_st_writer *w, const char *key, weft_json *j)
{
    char *text = weft_json_text(j);
    weft_st_writer_meta(w, key, text);
    free(text);
    weft_json_free(&j);
}

static weft_json *text_of(const char *s)
{
    return weft_json_new_str(s, strlen(s));
}

static weft_json *target_json(const struct weft_factor_target *t, char *const *names)
{
    weft_json *j = weft_json_new_object(), *columns = weft_json_new_array();
    char set[WEFT_FACTOR_SET_TEXT], name[128];
    size_t n = weft_factor_columns(&t->shape);
    for (size_t i = 0; i < n; i++)
        weft_json_push(columns, text_of(weft_factor_column_name(&t->shape, names, i, name)));
    weft_json_set(j, "columns", text_of(weft_factor_set_text(&t->shape.set, set)));
    weft_json_set(j, "kappa", weft_json_new_real(t->kappa));
    weft_json_set(j, "log", weft_json_new_bool(t->log));
    weft_json_set(j, "smear", weft_json_new_real(t->smear));
    weft_json_set(j, "names", columns);
    return j;
}

static weft_json *channels_json(const struct weft_factor_shape *s)
{
    weft_json *list = weft_json_new_array();
    for (size_t c = 0; c < s->n_channels; c++) {
        weft_json *j = weft_json_new_object();
        weft_json_set(j, "kind", text_of(kind_names[s->channel[c].kind]));
        weft_json_set(j, "weekdays", weft_json_new_int(s->channel[c].weekdays));
        weft_json_set(j, "unit", weft_json_new_real(s->channel[c].unit));
        weft_json_push(list, j);
    }
    return list;
}

void weft_factors_write(const struct weft_factors *m, char *const *names, struct weft_st_writer *w)
{
    weft_json *targets = weft_json_new_array(), *ids = weft_json_new_array();
    size_t series = m->series.n;
    char name[64];
    for (size_t i = 0; i < series; i++)
        weft_json_push(ids, weft_json_new_str(m->series.at[i].p, m->series.at[i].n));
    for (size_t i = 0; i < m->n_targets; i++) {
        const struct weft_factor_target *t = &m->target[i];
        size_t columns = weft_factor_columns(&t->shape);
        const struct {
            const char *part;
            int rank;
            size_t dims[2];
            const float *data;
        } all[] = {{"pooled", 1, {columns}, t->pooled},
                   {"own", 2, {series, columns}, t->own},
                   {"scale", 1, {series}, t->scale},
                   {"mean", 1, {series}, t->mean}};
        for (size_t k = columns ? 0 : 2; k < sizeof all / sizeof *all; k++) {
            weft_model_tensor_name(name, "Factors", i, m->n_targets, all[k].part);
            weft_st_writer_tensor(w, name, WEFT_ST_F32, all[k].rank, all[k].dims, all[k].data);
        }
        weft_json_push(targets, target_json(t, names));
    }
    put_meta(w, "factors", targets);
    put_meta(w, "factor_series", ids);
    put_meta(w, "factor_channels", channels_json(&m->target[0].shape));
    if (m->n_channels)
        weft_st_writer_tensor(w, "Factors.reference", WEFT_ST_F32, 2, (size_t[]){series, m->n_channels}, m->reference);
}

/* --- reading --- */

static int bad(const struct weft_st *st, const char *key, struct weft_err *e)
{
    weft_fail(e, WEFT_DATA, "unusable metadata \"%s\" in this model file", key);
    return weft_fail_where(e, "%s", weft_st_path(st));
}

static weft_json *meta_array(const struct weft_st *st, const char *key)
{
    const char *text = weft_st_meta(st, key);
    weft_json *j = text ? weft_json_parse(text, strlen(text), NULL) : NULL;
    if (j && weft_json_kind(j) != WEFT_JSON_ARRAY)
        weft_json_free(&j);
    return j;
}

static const char *member_text(const weft_json *j, const char *key)
{
    const weft_json *v = weft_json_get(j, key);
    size_t n;
    const char *s = v ? weft_json_str(v, &n) : NULL;
    return s ? s : "";
}

static double member_real(const weft_json *j, const char *key)
{
    const weft_json *v = weft_json_get(j, key);
    return v ? weft_json_real(v) : NAN;
}

static bool read_channel(const weft_json *j, struct weft_factor_channel *c)
{
    const char *kind = member_text(j, "kind");
    int k = 0;
    while (k < WEFT_FACTOR_KINDS && strcmp(kind, kind_names[k]) != 0)
        k++;
    double weekdays = member_real(j, "weekdays"), unit = member_real(j, "unit");
    if (k == WEFT_FACTOR_KINDS || !(weekdays >= 0 && weekdays < 128) || !isfinite(unit) ||
        (k == WEFT_FACTOR_NUMBER && !(unit > 0)))
        return false;
    *c = (struct weft_factor_channel){(enum weft_factor_kind)k, (unsigned)weekdays, unit};
    return true;
}

static bool read_set(const char *text, int64_t step, struct weft_factor_set *out)
{
    char copy[WEFT_FACTOR_SET_TEXT], *item[4], *rest = NULL;
    size_t n = 0;
    if (strcmp(text, "none") == 0) {
        *out = (struct weft_factor_set){0};
        return true;
    }
    snprintf(copy, sizeof copy, "%s", text);
    for (char *p = strtok_r(copy, ",", &rest); p && n < 4; p = strtok_r(NULL, ",", &rest))
        item[n++] = p;
    return n && weft_factor_set_parse(item, n, step, out, NULL) == 0;
}

static bool finite_all(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static int read_tensor(const struct weft_st *st, const char *name, const size_t *dims, int rank, float **out,
                       struct weft_err *e)
{
    if (weft_st_weights(st, name, dims, rank, out, e) < 0)
        return -1;
    return finite_all(*out, dims[0] * (rank > 1 ? dims[1] : 1)) ? 0 : bad(st, name, e);
}

static int read_target(const struct weft_st *st, const weft_json *j, const struct weft_factors *m, size_t i,
                       struct weft_factor_target *t, struct weft_err *e)
{
    size_t series = m->series.n;
    char name[64];
    t->kappa = member_real(j, "kappa");
    t->smear = member_real(j, "smear");
    const weft_json *log_of = weft_json_get(j, "log");
    t->log = log_of && weft_json_bool(log_of);
    if (!read_set(member_text(j, "columns"), t->shape.step, &t->shape.set) || !(t->kappa >= 0) ||
        !(t->smear > 0 && t->smear < 1e3))
        return bad(st, "factors", e);
    size_t columns = weft_factor_columns(&t->shape), one[] = {series, 0}, pooled[] = {columns, 0},
           own[] = {series, columns, 0};
    weft_model_tensor_name(name, "Factors", i, m->n_targets, "pooled");
    if (columns && read_tensor(st, name, pooled, 1, &t->pooled, e) < 0)
        return -1;
    weft_model_tensor_name(name, "Factors", i, m->n_targets, "own");
    if (columns && read_tensor(st, name, own, 2, &t->own, e) < 0)
        return -1;
    weft_model_tensor_name(name, "Factors", i, m->n_targets, "scale");
    if (read_tensor(st, name, one, 1, &t->scale, e) < 0)
        return -1;
    weft_model_tensor_name(name, "Factors", i, m->n_targets, "mean");
    return read_tensor(st, name, one, 1, &t->mean, e);
}

static int read_names(const struct weft_st *st, struct weft_factors *m, struct weft_err *e)
{
    weft_json *ids = meta_array(st, "factor_series");
    int rc = ids && weft_json_size(ids) ? 0 : bad(st, "factor_series", e);
    for (size_t i = 0; rc == 0 && i < weft_json_size(ids); i++) {
        size_t n;
        const char *id = weft_json_str(weft_json_at(ids, i), &n);
        if (!id || weft_names_add(&m->series, id, n) != i)
            rc = bad(st, "factor_series", e);
    }
    weft_json_free(&ids);
    return rc;
}

static int read_targets(const struct weft_st *st, const struct weft_model_info *info, struct weft_factors *m,
                        struct weft_err *e)
{
    weft_json *targets = meta_array(st, "factors"), *channels = meta_array(st, "factor_channels");
    struct weft_factor_shape shape = {.step = info->step, .n_channels = info->n_exogenous};
    int rc = targets && weft_json_size(targets) == info->n_channels && weft_factors_year(info->step)
                 ? 0
                 : bad(st, "factors", e);
    if (rc == 0 && (!channels || weft_json_size(channels) != shape.n_channels))
        rc = bad(st, "factor_channels", e);
    for (size_t c = 0; rc == 0 && c < shape.n_channels; c++)
        if (!read_channel(weft_json_at(channels, c), &shape.channel[c]))
            rc = bad(st, "factor_channels", e);
    m->n_targets = info->n_channels;
    m->n_channels = info->n_exogenous;
    m->target = WEFT_ARRAY(struct weft_factor_target, m->n_targets);
    for (size_t i = 0; rc == 0 && i < m->n_targets; i++) {
        m->target[i].shape = shape;
        rc = read_target(st, weft_json_at(targets, i), m, i, &m->target[i], e);
    }
    const size_t dims[] = {m->series.n, m->n_channels, 0};
    if (rc == 0 && m->n_channels)
        rc = read_tensor(st, "Factors.reference", dims, 2, &m->reference, e);
    weft_json_free(&targets);
    weft_json_free(&channels);
    return rc;
}

int weft_factors_read(const struct weft_st *st, const struct weft_model_info *info, struct weft_factors **out,
                      struct weft_err *e)
{
    *out = NULL;
    if (strcmp(info->name, WEFT_FACTORS_MODEL) != 0)
        return 0;
    *out = WEFT_NEW(struct weft_factors);
    return read_names(st, *out, e) < 0 ? -1 : read_targets(st, info, *out, e);
}

void weft_factors_free(struct weft_factors **mp)
{
    struct weft_factors *m = *mp;
    if (!m)
        return;
    for (size_t i = 0; i < m->n_targets; i++) {
        free(m->target[i].pooled);
        free(m->target[i].own);
        free(m->target[i].scale);
        free(m->target[i].mean);
    }
    free(m->target);
    free(m->reference);
    weft_names_free(&m->series);
    free(m);
    *mp = NULL;
}

/* --- applying --- */

double weft_factors_apply(const struct weft_factors *m, size_t target, const void *id, size_t id_n,
                          const struct weft_factor_series *series, size_t level, size_t end, double *f, float *rest)
{
    const struct weft_factor_target *t = &m->target[target];
    size_t at = weft_names_find(&m->series, id, id_n), columns = weft_factor_columns(&t->shape);
    double reference[WEFT_EXOG_MAX];
    struct weft_factor_series x = *series;
    x.reference = reference;
    for (size_t c = 0; c < m->n_channels; c++)
        reference[c] =
            at == SIZE_MAX ? weft_factors_reference(x.channel[c], level) : (double)m->reference[at * m->n_channels + c];
    weft_factors_of(&t->shape, at == SIZE_MAX || !columns ? t->pooled : t->own + at * columns, &x, f);
    double scale = at == SIZE_MAX ? weft_factors_scale(&t->shape, x.y, level) : fmax(t->scale[at], 1e-6);
    double mean = at == SIZE_MAX ? weft_factors_mean(&t->shape, &x, f, level) : fmax(t->mean[at], 1e-6);
    weft_factors_rest(&t->shape, &x, f, mean, scale, end, t->log, rest);
    for (size_t i = 0; i < x.n; i++)
        f[i] *= weft_factors_open(&t->shape, &x, i) / mean;
    return scale;
}
