/* model.c - what every model file holds, and forecasting with any of them. */
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conformal.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/factor_model.h"

enum { STEPS_MAX = 1000000 };

/* --- the table of models: the linker lays the entries of all object files side by side --- */

extern const struct weft_model_kind *const __start_weft_models[] __attribute__((weak));
extern const struct weft_model_kind *const __stop_weft_models[] __attribute__((weak));

const struct weft_model_kind *weft_model_find(const char *name)
{
    for (const struct weft_model_kind *const *k = __start_weft_models; k < __stop_weft_models; k++)
        if (strcmp((*k)->name, name) == 0)
            return *k;
    return NULL;
}

void weft_model_names(char *buf, size_t cap)
{
    size_t at = 0;
    buf[0] = 0;
    for (const struct weft_model_kind *const *k = __start_weft_models; k < __stop_weft_models && at < cap; k++)
        at += (size_t)snprintf(buf + at, cap - at, "%s%s", at ? ", " : "", (*k)->name);
}

/* --- metadata --- */

static int bad(const struct weft_st *st, struct weft_err *e, const char *what, const char *key)
{
    weft_fail(e, WEFT_DATA, "%s \"%s\" in this model file", what, key);
    return weft_fail_where(e, "%s", weft_st_path(st));
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; names && i < n; i++)
        free(names[i]);
    free(names);
}

static int read_names(const struct weft_st *st, const char *key, char ***out, size_t *n, struct weft_err *e)
{
    const char *text = weft_st_meta(st, key);
    weft_json *j = text ? weft_json_parse(text, strlen(text), NULL) : NULL;
    size_t count = j && weft_json_kind(j) == WEFT_JSON_ARRAY ? weft_json_size(j) : 0;
    int rc = count ? 0 : bad(st, e, text ? "unusable metadata" : "no metadata", key);
    *out = WEFT_ARRAY(char *, count + 1);
    for (*n = 0; *n < count && rc == 0; ++*n) {
        size_t len;
        const char *s = weft_json_str(weft_json_at(j, *n), &len);
        if (!s) {
            rc = bad(st, e, "something else than names in metadata", key);
            break;
        }
        (*out)[*n] = weft_xstrndup(s, len);
    }
    weft_json_free(&j);
    return rc;
}

static int read_roles(const struct weft_st *st, struct weft_exog_shape *x, struct weft_err *e)
{
    char **roles = NULL;
    size_t n = 0;
    int rc = read_names(st, "roles", &roles, &n, e);
    if (rc == 0 && n != x->n)
        rc = bad(st, e, "not a role for each exogenous channel in metadata", "roles");
    for (size_t i = 0; i < n && rc == 0; i++)
        if (!weft_role_parse(roles[i], &x->role[i]) || x->role[i] == WEFT_ROLE_TARGET)
            rc = bad(st, e, "an exogenous channel of an unknown role in metadata", "roles");
    free_names(roles, n);
    return rc;
}

/* Which of the channels `names` stand in the list `key`, which may be empty. */
static int read_relative(const struct weft_st *st, char *const *names, struct weft_exog_shape *x, struct weft_err *e)
{
    const char *text = weft_st_meta(st, "relative");
    weft_json *j = text ? weft_json_parse(text, strlen(text), NULL) : NULL;
    if (!j || weft_json_kind(j) != WEFT_JSON_ARRAY) {
        weft_json_free(&j);
        return bad(st, e, "unusable metadata", "relative");
    }
    for (size_t i = 0; i < weft_json_size(j); i++) {
        size_t len;
        const char *name = weft_json_str(weft_json_at(j, i), &len);
        for (size_t c = 0; c < x->n && name; c++)
            x->relative[c] |= strcmp(names[c], name) == 0;
    }
    weft_json_free(&j);
    return 0;
}

int weft_model_exog_read(const struct weft_st *st, struct weft_model_info *info, struct weft_err *e)
{
    struct weft_exog_shape *x = &info->exog;
    const char *effect = weft_st_meta(st, "exog_effect");
    int64_t lags, level = info->lookback;
    if (!weft_st_meta(st, "exogenous"))
        return 0;
    if (read_names(st, "exogenous", &info->exogenous, &info->n_exogenous, e) < 0)
        return -1;
    if (info->n_exogenous > WEFT_EXOG_MAX)
        return bad(st, e, "too many names in metadata", "exogenous");
    *x = (struct weft_exog_shape){
        .level = (size_t)info->lookback, .horizon = (size_t)info->horizon, .n = info->n_exogenous};
    if (read_roles(st, x, e) < 0 || read_relative(st, info->exogenous, x, e) < 0 ||
        weft_st_meta_int(st, "exog_lags", 0, info->lookback, &lags, e) < 0 ||
        (weft_st_meta(st, "exog_level") && weft_st_meta_int(st, "exog_level", 1, info->lookback, &level, e) < 0))
        return -1;
    x->lags = (size_t)lags;
    x->level = (size_t)level;
    x->by_forecast = weft_st_meta(st, "exog_errors") && strcmp(weft_st_meta(st, "exog_errors"), "forecast") == 0;
    for (x->effect = WEFT_EXOG_LEVEL; x->effect <= WEFT_EXOG_UNITS; x->effect++)
        if (effect && strcmp(effect, weft_exog_effect_name(x->effect)) == 0)
            return 0;
    return bad(st, e, "unusable metadata", "exog_effect");
}

int weft_model_info_read(const struct weft_st *st, struct weft_model_info *info, struct weft_err *e)
{
    const char *name = weft_st_meta(st, "weft.model"), *scale = weft_st_meta(st, "scale"), *by = weft_st_meta(st, "by");
    *info = (struct weft_model_info){0};
    if (!name) {
        weft_fail(e, WEFT_DATA, "a safetensors file without \"weft.model\" in its metadata: not a forecasting model");
        return weft_fail_where(e, "%s", weft_st_path(st));
    }
    info->name = weft_xstrdup(name);
    if (weft_st_meta_int(st, "lookback", 1, STEPS_MAX, &info->lookback, e) < 0 ||
        weft_st_meta_int(st, "horizon", 1, STEPS_MAX, &info->horizon, e) < 0 ||
        weft_st_meta_int(st, "stride", 1, STEPS_MAX, &info->stride, e) < 0 ||
        weft_st_meta_int(st, "step", 1, INT64_MAX, &info->step, e) < 0)
        return -1;
    if (weft_st_meta(st, "until") && weft_st_meta_int(st, "until", INT64_MIN, INT64_MAX, &info->until, e) < 0)
        return -1;
    if (!scale || !weft_scale_parse(scale, &info->scale))
        return bad(st, e, "unusable metadata", "scale");
    if (!by)
        return bad(st, e, "no metadata", "by");
    info->by = weft_xstrdup(by);
    if (read_names(st, "groups", &info->groups, &info->n_groups, e) < 0)
        return -1;
    if (read_names(st, "channels", &info->channels, &info->n_channels, e) < 0)
        return -1;
    return weft_model_exog_read(st, info, e);
}

void weft_st_writer_meta_list(struct weft_st_writer *w, const char *key, char *const *names, size_t n)
{
    weft_json *j = weft_json_new_array();
    for (size_t i = 0; i < n; i++)
        weft_json_push(j, weft_json_new_str(names[i], strlen(names[i])));
    char *text = weft_json_text(j);
    weft_st_writer_meta(w, key, text);
    free(text);
    weft_json_free(&j);
}

void weft_model_exog_write(const struct weft_exog_shape *x, char *const *names, struct weft_st_writer *w)
{
    char *roles[WEFT_EXOG_MAX], *relative[WEFT_EXOG_MAX];
    size_t n = 0;
    for (size_t c = 0; c < x->n; c++) {
        roles[c] = (char *)(uintptr_t)weft_role_name(x->role[c]);
        if (x->relative[c])
            relative[n++] = names[c];
    }
    weft_st_writer_meta_list(w, "exogenous", names, x->n);
    weft_st_writer_meta_list(w, "roles", roles, x->n);
    weft_st_writer_meta_list(w, "relative", relative, n);
    weft_st_writer_meta_int(w, "exog_lags", (int64_t)x->lags);
    weft_st_writer_meta_int(w, "exog_level", (int64_t)x->level);
    weft_st_writer_meta(w, "exog_effect", weft_exog_effect_name(x->effect));
    if (x->by_forecast)
        weft_st_writer_meta(w, "exog_errors", "forecast");
}

void weft_model_tensor_name(char buf[64], const char *part, size_t unit, size_t units, const char *kind)
{
    if (units == 1)
        snprintf(buf, 64, "%s.%s", part, kind);
    else
        snprintf(buf, 64, "%s.%zu.%s", part, unit, kind);
}

void weft_model_info_write(const struct weft_model_info *info, struct weft_st_writer *w)
{
    weft_st_writer_meta(w, "weft.model", info->name);
    weft_st_writer_meta_int(w, "lookback", info->lookback);
    weft_st_writer_meta_int(w, "horizon", info->horizon);
    weft_st_writer_meta_int(w, "stride", info->stride);
    weft_st_writer_meta_int(w, "step", info->step);
    weft_st_writer_meta(w, "scale", weft_scale_names[info->scale]);
    if (info->until)
        weft_st_writer_meta_int(w, "until", info->until);
    weft_st_writer_meta(w, "by", info->by);
    weft_st_writer_meta_list(w, "groups", info->groups, info->n_groups);
    weft_st_writer_meta_list(w, "channels", info->channels, info->n_channels);
    if (info->n_exogenous)
        weft_model_exog_write(&info->exog, info->exogenous, w);
}

void weft_model_info_free(struct weft_model_info *info)
{
    free(info->name);
    free(info->by);
    free_names(info->groups, info->n_groups);
    free_names(info->channels, info->n_channels);
    free_names(info->exogenous, info->n_exogenous);
    *info = (struct weft_model_info){0};
}

/* --- a forecaster --- */

struct group {
    const char *name;
    size_t i;
};

struct weft_forecaster {
    struct weft_st *st;
    struct weft_model_info info;
    const struct weft_model_kind *kind;
    void *self;
    struct weft_factors *factors; /* or NULL */
    size_t units, rows;           /* residual rows a unit; 0: none */
    struct group *groups;         /* sorted by name */
    float *residuals;             /* [units, rows, horizon] */
    float *floor;                 /* [units] */
    float *spread;                /* [units, rows]; NULL: none */
    float *covariance;            /* [units, horizon, horizon]; NULL: none */
    float *freedom;               /* [units]; NULL: none */
    float **sorted;               /* [units]: [horizon, count] ascending, made when first asked for */
    size_t *count;                /* [units]: rows that are filled */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

static int index_groups(struct weft_forecaster *f, struct weft_err *e)
{
    size_t n = f->info.n_groups;
    f->groups = WEFT_ARRAY(struct group, n);
    for (size_t i = 0; i < n; i++)
        f->groups[i] = (struct group){f->info.groups[i], i};
    weft_sort(f->groups, n, sizeof *f->groups, by_name);
    for (size_t i = 1; i < n; i++)
        if (strcmp(f->groups[i - 1].name, f->groups[i].name) == 0)
            return bad(f->st, e, "the same group twice:", f->groups[i].name);
    return 0;
}

static int read_residuals(struct weft_forecaster *f, struct weft_err *e)
{
    const struct weft_st_tensor *t = weft_st_find(f->st, "residuals");
    f->floor = WEFT_ARRAY(float, f->units);
    f->sorted = WEFT_ARRAY(float *, f->units);
    f->count = WEFT_ARRAY(size_t, f->units);
    const size_t joint[] = {f->units, (size_t)f->info.horizon, (size_t)f->info.horizon};
    if (weft_st_find(f->st, "covariance") && weft_st_floats(f->st, "covariance", joint, 3, &f->covariance, e) < 0)
        return -1;
    if (weft_st_find(f->st, "freedom") && weft_st_floats(f->st, "freedom", joint, 1, &f->freedom, e) < 0)
        return -1;
    if (!t)
        return 0;
    const size_t dims[] = {f->units, t->rank == 3 ? t->dims[1] : 0, (size_t)f->info.horizon};
    free(f->floor);
    f->floor = NULL;
    if (weft_st_floats(f->st, "residuals", dims, 3, &f->residuals, e) < 0 ||
        weft_st_floats(f->st, "residual_floor", dims, 1, &f->floor, e) < 0)
        return -1;
    f->rows = dims[1];
    const struct weft_st_tensor *spread = weft_st_find(f->st, "residual_spread");
    return spread ? weft_st_floats(f->st, "residual_spread", dims, 2, &f->spread, e) : 0;
}

static int open_model(struct weft_forecaster *f, struct weft_err *e)
{
    char names[256];
    if (weft_model_info_read(f->st, &f->info, e) < 0)
        return -1;
    f->kind = weft_model_find(f->info.name);
    if (!f->kind) {
        weft_model_names(names, sizeof names);
        weft_fail(e, WEFT_CONFIG, "a model of kind \"%.80s\": not one that forecasts series", f->info.name);
        weft_fail_where(e, "%s", weft_st_path(f->st));
        return weft_fail_hint(e, "this program knows %s", names);
    }
    if (!weft_mul(f->info.n_groups, f->info.n_channels, &f->units))
        return bad(f->st, e, "too many", "groups");
    if (index_groups(f, e) < 0 || f->kind->load(f->st, &f->info, &f->self, e) < 0 ||
        weft_factors_read(f->st, &f->info, &f->factors, e) < 0)
        return -1;
    return read_residuals(f, e);
}

/* opened: what came of opening f->st. */
static int finish_open(struct weft_forecaster *f, int opened, struct weft_forecaster **out, struct weft_err *e)
{
    *out = NULL;
    if (opened < 0 || open_model(f, e) < 0) {
        weft_forecaster_close(&f);
        return -1;
    }
    *out = f;
    return 0;
}

int weft_forecaster_open(const char *path, struct weft_forecaster **out, struct weft_err *e)
{
    struct weft_forecaster *f = WEFT_NEW(struct weft_forecaster);
    return finish_open(f, weft_st_open(path, &f->st, e), out, e);
}

int weft_forecaster_open_bytes(const void *p, size_t n, const char *where, struct weft_forecaster **out,
                               struct weft_err *e)
{
    struct weft_forecaster *f = WEFT_NEW(struct weft_forecaster);
    return finish_open(f, weft_st_parse(p, n, where, &f->st, e), out, e);
}

void weft_forecaster_close(struct weft_forecaster **f)
{
    struct weft_forecaster *x = *f;
    if (!x)
        return;
    if (x->self)
        x->kind->free(x->self);
    for (size_t u = 0; x->sorted && u < x->units; u++)
        free(x->sorted[u]);
    free(x->sorted);
    free(x->count);
    free(x->residuals);
    free(x->floor);
    free(x->spread);
    free(x->covariance);
    free(x->freedom);
    free(x->groups);
    weft_factors_free(&x->factors);
    weft_model_info_free(&x->info);
    weft_st_close(&x->st);
    free(x);
    *f = NULL;
}

const struct weft_model_info *weft_forecaster_info(const struct weft_forecaster *f)
{
    return &f->info;
}

const struct weft_factors *weft_forecaster_factors(const struct weft_forecaster *f)
{
    return f->factors;
}

const void *weft_forecaster_bytes(const struct weft_forecaster *f, size_t *n)
{
    return weft_st_bytes(f->st, n);
}

void weft_forecaster_sha256(const struct weft_forecaster *f, char out[65])
{
    weft_st_sha256(f->st, out);
}

size_t weft_forecaster_unit(const struct weft_forecaster *f, const char *group, size_t group_n, size_t channel)
{
    size_t lo = 0, hi = f->info.n_groups;
    if (!group || channel >= f->info.n_channels)
        return SIZE_MAX;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const char *name = f->groups[mid].name;
        int c = strncmp(group, name, group_n);
        if (c == 0)
            c = name[group_n] ? -1 : 0;
        if (c == 0)
            return f->groups[mid].i * f->info.n_channels + channel;
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return SIZE_MAX;
}

void weft_forecaster_run(struct weft_forecaster *f, size_t unit, const float *const *x, size_t batch, float *y)
{
    f->kind->forecast(f->self, unit, x, batch, y);
}

bool weft_forecaster_whole(struct weft_forecaster *f, size_t unit, const struct weft_apply_job *job, float *forecast)
{
    if (f->kind->whole && forecast)
        f->kind->whole(f->self, unit, job, forecast);
    return f->kind->whole != NULL;
}

bool weft_forecaster_linear(struct weft_forecaster *f, size_t unit, double *r, double *b, double *exog)
{
    if (f->kind->linear && r)
        f->kind->linear(f->self, unit, r, b, exog);
    return f->kind->linear != NULL;
}

float weft_forecaster_floor(const struct weft_forecaster *f, size_t unit)
{
    return f->floor[unit];
}

/* --- intervals --- */

static const float *unit_rows(const struct weft_forecaster *f, size_t unit)
{
    return f->residuals + unit * f->rows * (size_t)f->info.horizon;
}

static bool filled(const float *row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(row[i]))
            return false;
    return true;
}

/* The unit's residuals step by step in ascending order, NULL without any. */
static const float *sorted_residuals(struct weft_forecaster *f, size_t unit)
{
    size_t horizon = (size_t)f->info.horizon, n = 0;
    if (f->sorted[unit] || !f->rows)
        return f->count[unit] ? f->sorted[unit] : NULL;
    float *s = f->sorted[unit] = weft_xmalloc(f->rows * horizon * sizeof *s);
    const float *rows = unit_rows(f, unit);
    for (size_t i = 0; i < f->rows; i++)
        if (filled(rows + i * horizon, horizon)) {
            for (size_t h = 0; h < horizon; h++)
                s[h * f->rows + n] = rows[i * horizon + h];
            n++;
        }
    for (size_t h = 0; h < horizon; h++) {
        memmove(s + h * n, s + h * f->rows, n * sizeof *s);
        weft_sort(s + h * n, n, sizeof *s, weft_by_float);
    }
    f->count[unit] = n;
    return n ? s : NULL;
}

size_t weft_forecaster_errors(const struct weft_forecaster *f, size_t unit)
{
    (void)sorted_residuals((struct weft_forecaster *)(uintptr_t)f, unit);
    return f->count[unit];
}

bool weft_forecaster_offsets(const struct weft_forecaster *f, size_t unit, float spread, const double *levels,
                             size_t n_levels, float *out)
{
    /* The sorted copy is a cache: the forecaster stays what it was. */
    const float *s = sorted_residuals((struct weft_forecaster *)(uintptr_t)f, unit);
    size_t horizon = (size_t)f->info.horizon, n = f->count[unit];
    for (size_t l = 0; s && l < n_levels; l++) {
        size_t rank = weft_conformal_rank(levels[l], n);
        for (size_t h = 0; h < horizon; h++)
            out[l * horizon + h] = rank ? spread * s[h * n + rank - 1] : NAN;
    }
    return s != NULL;
}

double weft_window_freedom(uint64_t windows, uint64_t series, size_t stride, size_t horizon)
{
    double first = (double)(windows < series ? windows : series), share = (double)stride / (double)horizon;
    return first + ((double)windows - first) * (share < 1 ? share : 1);
}

/* Covariance of the unit's residual rows, and the share of them that count; how many there are. */
static size_t rows_covariance(const struct weft_forecaster *f, size_t unit, double *cov, double *share)
{
    *share = 1;
    if (!f->rows)
        return 0;
    return weft_errors_covariance(unit_rows(f, unit), f->spread ? f->spread + unit * f->rows : NULL, f->rows,
                                  (size_t)f->info.horizon, cov, share);
}

static const float *joint_covariance(const struct weft_forecaster *f, size_t unit)
{
    size_t cells = (size_t)f->info.horizon * (size_t)f->info.horizon;
    const float *joint = f->covariance ? f->covariance + unit * cells : NULL;
    return joint && filled(joint, cells) ? joint : NULL;
}

double weft_forecaster_freedom(const struct weft_forecaster *f, size_t unit)
{
    size_t rows = weft_forecaster_errors(f, unit), horizon = (size_t)f->info.horizon;
    bool joint = joint_covariance(f, unit);
    double share = 1, freedom = weft_window_freedom(rows, 1, (size_t)f->info.stride, horizon);
    if (f->freedom && isfinite(f->freedom[unit]))
        freedom = joint || f->freedom[unit] < (float)rows ? (double)f->freedom[unit] : (double)rows;
    if (!joint && f->spread) {
        double *cov = WEFT_ARRAY(double, horizon *horizon);
        (void)rows_covariance(f, unit, cov, &share);
        free(cov);
    }
    return share * freedom;
}

bool weft_forecaster_covariance(const struct weft_forecaster *f, size_t unit, float *cov, bool *by_spread)
{
    size_t cells = (size_t)f->info.horizon * (size_t)f->info.horizon;
    const float *joint = joint_covariance(f, unit);
    *by_spread = !joint;
    if (joint) {
        memcpy(cov, joint, cells * sizeof *cov);
        return true;
    }
    double *sum = WEFT_ARRAY(double, cells), share;
    size_t n = rows_covariance(f, unit, sum, &share);
    if (n)
        weft_errors_calibrate(unit_rows(f, unit), f->rows, (size_t)f->info.horizon, weft_forecaster_freedom(f, unit),
                              sum);
    for (size_t i = 0; i < cells; i++)
        cov[i] = n ? (float)sum[i] : NAN;
    free(sum);
    return n > 0;
}
