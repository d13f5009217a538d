/* dlinear.c - DLinear's weights, model file and forecasts. */
#include "model/dlinear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/factor_model.h"
#include "nn/matmul.h"
#include "base/mem.h"
#include "nn/movavg.h"

enum { BATCH = 32, KERNEL_MAX = 1000001 };

struct weft_dlinear {
    struct weft_dlinear_shape shape;
    size_t units, lanes;
    float *w;    /* [units, lookback, lanes] */
    float *bias; /* [units, lanes] */
    float *v;    /* [units, horizon, weights of channels] */
    float *x;    /* [BATCH, lookback] */
    float *y;    /* [BATCH, lanes] */
};

size_t weft_dlinear_exog_weights(const struct weft_dlinear_shape *s)
{
    return s->exog.n ? weft_exog_weights(&s->exog) : 0;
}

size_t weft_dlinear_exog_width(const struct weft_dlinear_shape *s)
{
    return s->exog.n ? weft_exog_width(&s->exog) : 0;
}

size_t weft_dlinear_weights_size(const struct weft_dlinear_shape *s)
{
    return s->horizon * (2 * s->lookback + 2 + weft_dlinear_exog_weights(s));
}

struct weft_dlinear_weights weft_dlinear_weights_new(const struct weft_dlinear_shape *s)
{
    size_t matrix = s->horizon * s->lookback;
    struct weft_dlinear_weights w = {.ws = WEFT_ARRAY(float, weft_dlinear_weights_size(s))};
    w.wt = w.ws + matrix;
    w.bs = w.wt + matrix;
    w.bt = w.bs + s->horizon;
    w.v = w.bt + s->horizon;
    return w;
}

void weft_dlinear_weights_free(struct weft_dlinear_weights *w)
{
    free(w->ws);
    *w = (struct weft_dlinear_weights){0};
}

/* The tensors of a unit: their names, and which member of the weights they are. */
struct part {
    const char *part, *kind;
    size_t rank, dims[2], at;
};

/* Without channels as LTSF-Linear names them. Returns how many. */
static size_t parts_of(const struct weft_dlinear_shape *s, struct part out[4])
{
    size_t h = s->horizon, l = s->lookback, v = weft_dlinear_exog_weights(s);
    const struct part plain[] = {{"Linear_Seasonal", "weight", 2, {h, l}, 0},
                                 {"Linear_Seasonal", "bias", 1, {h, 0}, 2},
                                 {"Linear_Trend", "weight", 2, {h, l}, 1},
                                 {"Linear_Trend", "bias", 1, {h, 0}, 3}},
                      exog[] = {{"Linear", "weight", 2, {h, l}, 0},
                                {"Linear", "bias", 1, {h, 0}, 2},
                                {"Exogenous", "weight", 2, {h, v}, 4}};
    memcpy(out, v ? exog : plain, v ? sizeof exog : sizeof plain);
    return v ? 3 : 4;
}

void weft_dlinear_write(const struct weft_dlinear_shape *s, const struct weft_dlinear_weights *units, size_t n_units,
                        struct weft_st_writer *w)
{
    struct part part[4];
    size_t parts = parts_of(s, part);
    char name[64];
    if (!s->exog.n)
        weft_st_writer_meta_int(w, "kernel", (int64_t)s->kernel);
    weft_st_writer_meta(w, "norm", weft_norm_name(s->norm));
    for (size_t u = 0; u < n_units; u++) {
        const float *from[] = {units[u].ws, units[u].wt, units[u].bs, units[u].bt, units[u].v};
        for (size_t i = 0; i < parts; i++) {
            weft_model_tensor_name(name, part[i].part, u, n_units, part[i].kind);
            weft_st_writer_tensor(w, name, WEFT_ST_F32, (int)part[i].rank, part[i].dims, from[part[i].at]);
        }
    }
}

/* --- layout: time down the rows, horizon steps as lanes --- */

size_t weft_dlinear_lanes(const struct weft_dlinear_shape *s)
{
    return (s->horizon + 7) / 8 * 8;
}

void weft_dlinear_transpose(const struct weft_dlinear_shape *s, const float *w, float *out)
{
    size_t lanes = weft_dlinear_lanes(s);
    memset(out, 0, s->lookback * lanes * sizeof *out);
    for (size_t h = 0; h < s->horizon; h++)
        for (size_t l = 0; l < s->lookback; l++)
            out[l * lanes + h] = w[h * s->lookback + l];
}

void weft_dlinear_untranspose(const struct weft_dlinear_shape *s, const float *in, float *w)
{
    size_t lanes = weft_dlinear_lanes(s);
    for (size_t h = 0; h < s->horizon; h++)
        for (size_t l = 0; l < s->lookback; l++)
            w[h * s->lookback + l] = in[l * lanes + h];
}

void weft_dlinear_effective(const struct weft_dlinear_shape *s, size_t lanes, const float *ws, const float *wt,
                            float *out, float *room, double *acc)
{
    size_t n = s->lookback * lanes;
    for (size_t i = 0; i < n; i++)
        room[i] = wt[i] - ws[i];
    weft_movavg_adjoint(s->lookback, lanes, s->kernel, room, out, acc);
    for (size_t i = 0; i < n; i++)
        out[i] += ws[i];
}

void weft_dlinear_gather(const struct weft_dlinear_shape *s, const float *const *windows, size_t batch, float *x,
                         float *base)
{
    for (size_t b = 0; b < batch; b++, x += s->lookback) {
        memcpy(x, windows[b], s->lookback * sizeof *x);
        base[b] = (float)weft_norm_base(s->norm, x, s->lookback);
        if (s->norm != WEFT_NORM_NONE)
            for (size_t i = 0; i < s->lookback; i++)
                x[i] -= base[b];
    }
}

/* --- forecasts --- */

struct weft_dlinear *weft_dlinear_new(const struct weft_dlinear_shape *s, size_t n_units)
{
    struct weft_dlinear *m = WEFT_NEW(struct weft_dlinear);
    m->shape = *s;
    m->units = n_units;
    m->lanes = weft_dlinear_lanes(s);
    m->w = weft_xaligned(n_units * s->lookback * m->lanes, sizeof *m->w);
    m->bias = WEFT_ARRAY(float, n_units * m->lanes);
    m->v = WEFT_ARRAY(float, n_units * s->horizon * weft_dlinear_exog_weights(s) + 1);
    m->x = weft_xaligned(BATCH * s->lookback, sizeof *m->x);
    m->y = weft_xaligned(BATCH * m->lanes, sizeof *m->y);
    return m;
}

void weft_dlinear_free(struct weft_dlinear **m)
{
    if (!*m)
        return;
    free((*m)->w);
    free((*m)->bias);
    free((*m)->v);
    free((*m)->x);
    free((*m)->y);
    free(*m);
    *m = NULL;
}

void weft_dlinear_set(struct weft_dlinear *m, size_t unit, const struct weft_dlinear_weights *w)
{
    size_t n = m->shape.lookback * m->lanes;
    float *ws = weft_xaligned(3 * n, sizeof *ws), *wt = ws + n, *room = wt + n;
    double *acc = weft_xaligned(m->lanes, sizeof *acc);
    weft_dlinear_transpose(&m->shape, w->ws, ws);
    weft_dlinear_transpose(&m->shape, w->wt, wt);
    weft_dlinear_effective(&m->shape, m->lanes, ws, wt, m->w + unit * n, room, acc);
    for (size_t h = 0; h < m->shape.horizon; h++)
        m->bias[unit * m->lanes + h] = w->bs[h] + w->bt[h];
    size_t beside = m->shape.horizon * weft_dlinear_exog_weights(&m->shape);
    if (beside)
        memcpy(m->v + unit * beside, w->v, beside * sizeof *m->v);
    free(acc);
    free(ws);
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

void weft_dlinear_forecast(void *self, size_t unit, const float *const *x, size_t batch, float *y)
{
    struct weft_dlinear *m = self;
    const struct weft_dlinear_shape *s = &m->shape;
    size_t weights = weft_dlinear_exog_weights(s);
    const float *v = m->v + unit * s->horizon * weights;
    float base[BATCH];
    for (size_t at = 0; at < batch; at += BATCH) {
        size_t n = batch - at < BATCH ? batch - at : BATCH;
        weft_dlinear_gather(s, x + at, n, m->x, base);
        weft_matmul(n, m->lanes, s->lookback, m->x, s->lookback, 1, m->w + unit * s->lookback * m->lanes, m->lanes,
                    m->bias + unit * m->lanes, m->y, m->lanes);
        for (size_t b = 0; b < n; b++, y += s->horizon)
            for (size_t h = 0; h < s->horizon; h++) {
                y[h] = m->y[b * m->lanes + h] + base[b];
                if (weights)
                    y[h] = (float)((double)y[h] +
                                   exogenous(&s->exog, x[at + b] + s->lookback + s->horizon, v + h * weights, h));
            }
    }
}

void weft_dlinear_linear(void *self, size_t unit, double *r, double *b, double *exog)
{
    const struct weft_dlinear *m = self;
    const struct weft_dlinear_shape *s = &m->shape;
    size_t beside = s->horizon * weft_dlinear_exog_weights(s);
    for (size_t i = 0; i < beside; i++)
        exog[i] = m->v[unit * beside + i];
    const float *w = m->w + unit * s->lookback * m->lanes;
    for (size_t h = 0; h < s->horizon; h++, r += s->lookback) {
        double sum = 0;
        for (size_t l = 0; l < s->lookback; l++)
            sum += r[l] = w[l * m->lanes + h];
        for (size_t l = 0; s->norm == WEFT_NORM_MEAN && l < s->lookback; l++)
            r[l] += (1 - sum) / (double)s->lookback;
        if (s->norm == WEFT_NORM_LAST)
            r[s->lookback - 1] += 1 - sum;
        b[h] = m->bias[unit * m->lanes + h];
    }
}

/* --- the model file --- */

static int read_shape(const struct weft_st *st, const struct weft_model_info *info, struct weft_dlinear_shape *s,
                      struct weft_err *e)
{
    int64_t kernel = 1;
    const char *norm = weft_st_meta(st, "norm");
    bool exog = info->exog.n &&
                strcmp(info->name, WEFT_FACTORS_MODEL) != 0; /* channels of factors are not the linear model's */
    if (!exog && weft_st_meta_int(st, "kernel", 1, KERNEL_MAX, &kernel, e) < 0)
        return -1;
    *s = (struct weft_dlinear_shape){(size_t)info->lookback, (size_t)info->horizon, (size_t)kernel, WEFT_NORMS, {0}};
    if (exog)
        s->exog = info->exog;
    for (int i = 0; norm && i < WEFT_NORMS; i++)
        if (strcmp(norm, weft_norm_name((enum weft_norm)i)) == 0)
            s->norm = (enum weft_norm)i;
    if (s->norm == WEFT_NORMS || kernel % 2 == 0) {
        weft_fail(e, WEFT_DATA, "%s",
                  s->norm == WEFT_NORMS ? "metadata \"norm\" is none of none, last, mean"
                                        : "an even moving average kernel");
        return weft_fail_where(e, "%s", weft_st_path(st));
    }
    return 0;
}

static int read_unit(const struct weft_st *st, const struct weft_dlinear_shape *s, size_t unit, size_t units,
                     struct weft_dlinear *m, struct weft_err *e)
{
    struct part part[4];
    size_t parts = parts_of(s, part);
    struct weft_dlinear_weights w = weft_dlinear_weights_new(s);
    float *to[] = {w.ws, w.wt, w.bs, w.bt, w.v}, *got;
    char name[64];
    int rc = 0;
    for (size_t i = 0; i < parts && rc == 0; i++) {
        weft_model_tensor_name(name, part[i].part, unit, units, part[i].kind);
        rc = weft_st_weights(st, name, part[i].dims, (int)part[i].rank, &got, e);
        if (rc == 0) {
            memcpy(to[part[i].at], got, part[i].dims[0] * (part[i].rank > 1 ? part[i].dims[1] : 1) * sizeof *got);
            free(got);
        }
    }
    if (rc == 0 && s->exog.n) /* the one matrix is both parts */
        memcpy(w.wt, w.ws, s->horizon * s->lookback * sizeof *w.wt);
    if (rc == 0)
        weft_dlinear_set(m, unit, &w);
    weft_dlinear_weights_free(&w);
    return rc;
}

static int load(const struct weft_st *st, const struct weft_model_info *info, void **self, struct weft_err *e)
{
    struct weft_dlinear_shape s;
    struct part part[4];
    size_t units = info->n_groups * info->n_channels;
    char name[64];
    if (strcmp(info->name, WEFT_FACTORS_MODEL) != 0 && (strcmp(info->name, "dlinear") != 0) != (info->exog.n > 0)) {
        weft_fail(e, WEFT_DATA, "a model of kind %s that names %s", info->name,
                  info->exog.n ? "exogenous channels" : "no exogenous channel");
        return weft_fail_where(e, "%s", weft_st_path(st));
    }
    if (read_shape(st, info, &s, e) < 0)
        return -1;
    /* Before memory is taken for what the metadata promises, the first tensor must be there. */
    size_t parts = parts_of(&s, part);
    weft_model_tensor_name(name, part[0].part, 0, units, "weight");
    const struct weft_st_tensor *t = weft_st_find(st, name);
    if (!t || t->rank != 2 || t->dims[0] != s.horizon || t->dims[1] != s.lookback ||
        weft_st_count(st) < parts * units) {
        weft_fail(e, WEFT_DATA, "the weights do not fit lookback %zu, horizon %zu and %zu units", s.lookback, s.horizon,
                  units);
        return weft_fail_where(e, "%s", weft_st_path(st));
    }
    struct weft_dlinear *m = weft_dlinear_new(&s, units);
    for (size_t u = 0; u < units; u++)
        if (read_unit(st, &s, u, units, m, e) < 0) {
            weft_dlinear_free(&m);
            return -1;
        }
    *self = m;
    return 0;
}

static void free_self(void *self)
{
    struct weft_dlinear *m = self;
    weft_dlinear_free(&m);
}

WEFT_MODEL(dlinear, .name = "dlinear", .load = load, .free = free_self, .forecast = weft_dlinear_forecast,
           .linear = weft_dlinear_linear);
WEFT_MODEL(dlinear_factors, .name = WEFT_FACTORS_MODEL, .load = load, .free = free_self,
           .forecast = weft_dlinear_forecast);
WEFT_MODEL(dlinear_exog, .name = "dlinear-exog", .load = load, .free = free_self, .forecast = weft_dlinear_forecast,
           .linear = weft_dlinear_linear);
