/* linear_exog.c - weights, model file and forecasts of the linear model with exogenous channels. */
#include "model/linear_exog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct weft_linear_exog {
    struct weft_linear_exog_shape shape;
    size_t units;
    struct weft_linear_exog_weights *unit; /* [units] */
};

size_t weft_linear_exog_weights_size(const struct weft_linear_exog_shape *s)
{
    return s->horizon * (s->lookback + 1 + weft_exog_weights(&s->exog));
}

struct weft_linear_exog_weights weft_linear_exog_weights_new(const struct weft_linear_exog_shape *s)
{
    struct weft_linear_exog_weights w = {.w = WEFT_ARRAY(float, weft_linear_exog_weights_size(s))};
    w.bias = w.w + s->horizon * s->lookback;
    w.v = w.bias + s->horizon;
    return w;
}

void weft_linear_exog_weights_free(struct weft_linear_exog_weights *w)
{
    free(w->w);
    *w = (struct weft_linear_exog_weights){0};
}

void weft_linear_exog_write(const struct weft_linear_exog_shape *s, const struct weft_linear_exog_weights *units, size_t n_units, struct weft_st_writer *w)
{
    const size_t matrix[] = {s->horizon, s->lookback}, beside[] = {s->horizon, weft_exog_weights(&s->exog)};
    char name[64];
    weft_st_writer_meta(w, "norm", weft_norm_name(s->norm));
    for (size_t u = 0; u < n_units; u++) {
        weft_model_tensor_name(name, "Linear", u, n_units, "weight");
        weft_st_writer_tensor(w, name, WEFT_ST_F32, 2, matrix, units[u].w);
        weft_model_tensor_name(name, "Linear", u, n_units, "bias");
        weft_st_writer_tensor(w, name, WEFT_ST_F32, 1, matrix, units[u].bias);
        weft_model_tensor_name(name, "Exogenous", u, n_units, "weight");
        weft_st_writer_tensor(w, name, WEFT_ST_F32, 2, beside, units[u].v);
    }
}

/* --- forecasts --- */

struct weft_linear_exog *weft_linear_exog_new(const struct weft_linear_exog_shape *s, size_t n_units)
{
    struct weft_linear_exog *m = WEFT_NEW(struct weft_linear_exog);
    m->shape = *s;
    m->units = n_units;
    m->unit = WEFT_ARRAY(struct weft_linear_exog_weights, n_units);
    return m;
}

void weft_linear_exog_free(struct weft_linear_exog **m)
{
    if (!*m)
        return;
    for (size_t u = 0; u < (*m)->units; u++)
        weft_linear_exog_weights_free(&(*m)->unit[u]);
    free((*m)->unit);
    free(*m);
    *m = NULL;
}

void weft_linear_exog_set(struct weft_linear_exog *m, size_t unit, const struct weft_linear_exog_weights *w)
{
    const struct weft_linear_exog_shape *s = &m->shape;
    if (!m->unit[unit].w)
        m->unit[unit] = weft_linear_exog_weights_new(s);
    memcpy(m->unit[unit].w, w->w, s->horizon * s->lookback * sizeof *w->w);
    memcpy(m->unit[unit].bias, w->bias, s->horizon * sizeof *w->bias);
    memcpy(m->unit[unit].v, w->v, s->horizon * weft_exog_weights(&s->exog) * sizeof *w->v);
}

/* What the channels add to step h (from 0): `g` are a window's features, v the step's weights. */
static double exogenous(const struct weft_exog_shape *s, const float *g, const float *v, size_t h)
{
    double sum = 0;
    for (size_t c = 0; c <= s->n; c++) {
        size_t lags = weft_exog_lags(s, c), ahead = weft_exog_ahead(s, c);
        for (size_t i = 0; i < lags; i++)
            sum += (double)*v++ * (double)g[i];
        if (ahead)
            sum += (double)*v++ * (double)g[lags + h];
        g += lags + ahead;
    }
    return sum;
}

void weft_linear_exog_forecast(void *self, size_t unit, const float *const *x, size_t batch, float *y)
{
    const struct weft_linear_exog *m = self;
    const struct weft_linear_exog_shape *s = &m->shape;
    const struct weft_linear_exog_weights *u = &m->unit[unit];
    size_t weights = weft_exog_weights(&s->exog);
    for (size_t b = 0; b < batch; b++, y += s->horizon) {
        double base = weft_norm_base(s->norm, x[b], s->lookback);
        for (size_t h = 0; h < s->horizon; h++) {
            const float *w = u->w + h * s->lookback;
            double sum = base + (double)u->bias[h];
            for (size_t i = 0; i < s->lookback; i++)
                sum += (double)w[i] * ((double)x[b][i] - base);
            y[h] = (float)(sum + exogenous(&s->exog, x[b] + s->lookback + s->horizon, u->v + h * weights, h));
        }
    }
}

/* --- the model file --- */

static int bad(const struct weft_st *st, struct weft_err *e, const char *what)
{
    weft_fail(e, WEFT_DATA, "%s", what);
    return weft_fail_where(e, "%s", weft_st_path(st));
}

static int read_unit(const struct weft_st *st, struct weft_linear_exog *m, size_t unit, struct weft_err *e)
{
    static const char *const parts[] = {"Linear", "Linear", "Exogenous"}, *const kinds[] = {"weight", "bias", "weight"};
    const struct weft_linear_exog_shape *s = &m->shape;
    const size_t dims[3][2] = {{s->horizon, s->lookback}, {s->horizon, 0}, {s->horizon, weft_exog_weights(&s->exog)}};
    float *got[3] = {0};
    char name[64];
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++) {
        weft_model_tensor_name(name, parts[i], unit, m->units, kinds[i]);
        rc = weft_st_floats(st, name, dims[i], i == 1 ? 1 : 2, &got[i], e);
    }
    if (rc == 0)
        weft_linear_exog_set(m, unit, &(struct weft_linear_exog_weights){.w = got[0], .bias = got[1], .v = got[2]});
    for (int i = 0; i < 3; i++)
        free(got[i]);
    return rc;
}

static int load(const struct weft_st *st, const struct weft_model_info *info, void **self, struct weft_err *e)
{
    struct weft_linear_exog_shape s = {(size_t)info->lookback, (size_t)info->horizon, WEFT_NORMS, info->exog};
    size_t units = info->n_groups * info->n_channels;
    const char *norm = weft_st_meta(st, "norm");
    char name[64];
    for (int i = 0; norm && i < WEFT_NORMS; i++)
        if (strcmp(norm, weft_norm_name((enum weft_norm)i)) == 0)
            s.norm = (enum weft_norm)i;
    if (s.norm == WEFT_NORMS)
        return bad(st, e, "metadata \"norm\" is none of none, last, mean");
    if (!info->exog.n)
        return bad(st, e, "a model with exogenous channels that names none");
    /* Before memory is taken for what the metadata promises, the first tensor must be there. */
    weft_model_tensor_name(name, "Linear", 0, units, "weight");
    const struct weft_st_tensor *t = weft_st_find(st, name);
    if (!t || t->rank != 2 || t->dims[0] != s.horizon || t->dims[1] != s.lookback || weft_st_count(st) < 3 * units)
        return bad(st, e, "the weights do not fit lookback, horizon and units");
    struct weft_linear_exog *m = weft_linear_exog_new(&s, units);
    for (size_t u = 0; u < units; u++)
        if (read_unit(st, m, u, e) < 0) {
            weft_linear_exog_free(&m);
            return -1;
        }
    *self = m;
    return 0;
}

static void free_self(void *self)
{
    struct weft_linear_exog *m = self;
    weft_linear_exog_free(&m);
}

WEFT_MODEL(linear_exog, .name = "dlinear-exog", .load = load, .free = free_self, .forecast = weft_linear_exog_forecast);
