/* dlinear.c - DLinear's weights, model file and forecasts. */
#include "model/dlinear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/matmul.h"
#include "base/mem.h"
#include "nn/movavg.h"

enum { BATCH = 32, KERNEL_MAX = 1000001 };

struct weft_dlinear {
    struct weft_dlinear_shape shape;
    size_t units, lanes;
    float *w;    /* [units, lookback, lanes] */
    float *bias; /* [units, lanes] */
    float *x;    /* [BATCH, lookback] */
    float *y;    /* [BATCH, lanes] */
};

struct weft_dlinear_weights weft_dlinear_weights_new(const struct weft_dlinear_shape *s)
{
    size_t matrix = s->horizon * s->lookback;
    struct weft_dlinear_weights w = {.ws = WEFT_ARRAY(float, 2 * matrix + 2 * s->horizon)};
    w.wt = w.ws + matrix;
    w.bs = w.wt + matrix;
    w.bt = w.bs + s->horizon;
    return w;
}

void weft_dlinear_weights_free(struct weft_dlinear_weights *w)
{
    free(w->ws);
    *w = (struct weft_dlinear_weights){0};
}

void weft_dlinear_write(const struct weft_dlinear_shape *s, const struct weft_dlinear_weights *units, size_t n_units, struct weft_st_writer *w)
{
    const size_t matrix[] = {s->horizon, s->lookback};
    char name[64];
    weft_st_writer_meta_int(w, "kernel", (int64_t)s->kernel);
    weft_st_writer_meta(w, "norm", weft_norm_name(s->norm));
    for (size_t u = 0; u < n_units; u++) {
        weft_model_tensor_name(name, "Linear_Seasonal", u, n_units, "weight");
        weft_st_writer_tensor(w, name, WEFT_ST_F32, 2, matrix, units[u].ws);
        weft_model_tensor_name(name, "Linear_Seasonal", u, n_units, "bias");
        weft_st_writer_tensor(w, name, WEFT_ST_F32, 1, matrix, units[u].bs);
        weft_model_tensor_name(name, "Linear_Trend", u, n_units, "weight");
        weft_st_writer_tensor(w, name, WEFT_ST_F32, 2, matrix, units[u].wt);
        weft_model_tensor_name(name, "Linear_Trend", u, n_units, "bias");
        weft_st_writer_tensor(w, name, WEFT_ST_F32, 1, matrix, units[u].bt);
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

void weft_dlinear_effective(const struct weft_dlinear_shape *s, size_t lanes, const float *ws, const float *wt, float *out, float *room,
                            double *acc)
{
    size_t n = s->lookback * lanes;
    for (size_t i = 0; i < n; i++)
        room[i] = wt[i] - ws[i];
    weft_movavg_adjoint(s->lookback, lanes, s->kernel, room, out, acc);
    for (size_t i = 0; i < n; i++)
        out[i] += ws[i];
}

void weft_dlinear_gather(const struct weft_dlinear_shape *s, const float *const *windows, size_t batch, float *x, float *base)
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
    free(acc);
    free(ws);
}

void weft_dlinear_forecast(void *self, size_t unit, const float *const *x, size_t batch, float *y)
{
    struct weft_dlinear *m = self;
    const struct weft_dlinear_shape *s = &m->shape;
    float base[BATCH];
    for (size_t at = 0; at < batch; at += BATCH) {
        size_t n = batch - at < BATCH ? batch - at : BATCH;
        weft_dlinear_gather(s, x + at, n, m->x, base);
        weft_matmul(n, m->lanes, s->lookback, m->x, s->lookback, 1, m->w + unit * s->lookback * m->lanes, m->lanes, m->bias + unit * m->lanes,
                    m->y, m->lanes);
        for (size_t b = 0; b < n; b++, y += s->horizon)
            for (size_t h = 0; h < s->horizon; h++)
                y[h] = m->y[b * m->lanes + h] + base[b];
    }
}

void weft_dlinear_linear(void *self, size_t unit, double *r, double *b)
{
    const struct weft_dlinear *m = self;
    const struct weft_dlinear_shape *s = &m->shape;
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

static int read_shape(const struct weft_st *st, const struct weft_model_info *info, struct weft_dlinear_shape *s, struct weft_err *e)
{
    int64_t kernel;
    const char *norm = weft_st_meta(st, "norm");
    if (weft_st_meta_int(st, "kernel", 1, KERNEL_MAX, &kernel, e) < 0)
        return -1;
    *s = (struct weft_dlinear_shape){(size_t)info->lookback, (size_t)info->horizon, (size_t)kernel, WEFT_NORMS};
    for (int i = 0; norm && i < WEFT_NORMS; i++)
        if (strcmp(norm, weft_norm_name((enum weft_norm)i)) == 0)
            s->norm = (enum weft_norm)i;
    if (s->norm == WEFT_NORMS || kernel % 2 == 0) {
        weft_fail(e, WEFT_DATA, "%s", s->norm == WEFT_NORMS ? "metadata \"norm\" is none of none, last, mean" : "an even moving average kernel");
        return weft_fail_where(e, "%s", weft_st_path(st));
    }
    return 0;
}

static int read_unit(const struct weft_st *st, const struct weft_dlinear_shape *s, size_t unit, size_t units, struct weft_dlinear *m,
                     struct weft_err *e)
{
    static const char *const parts[] = {"Linear_Seasonal", "Linear_Seasonal", "Linear_Trend", "Linear_Trend"}, *const kinds[] = {"weight", "bias", "weight", "bias"};
    const size_t matrix[] = {s->horizon, s->lookback};
    float *got[4] = {0};
    char name[64];
    int rc = 0;
    for (int i = 0; i < 4 && rc == 0; i++) {
        weft_model_tensor_name(name, parts[i], unit, units, kinds[i]);
        rc = weft_st_floats(st, name, matrix, i % 2 ? 1 : 2, &got[i], e);
    }
    if (rc == 0)
        weft_dlinear_set(m, unit, &(struct weft_dlinear_weights){.ws = got[0], .bs = got[1], .wt = got[2], .bt = got[3]});
    for (int i = 0; i < 4; i++)
        free(got[i]);
    return rc;
}

static int load(const struct weft_st *st, const struct weft_model_info *info, void **self, struct weft_err *e)
{
    struct weft_dlinear_shape s;
    size_t units = info->n_groups * info->n_channels;
    char name[64];
    if (read_shape(st, info, &s, e) < 0)
        return -1;
    /* Before memory is taken for what the metadata promises, the first tensor must be there. */
    weft_model_tensor_name(name, "Linear_Seasonal", 0, units, "weight");
    const struct weft_st_tensor *t = weft_st_find(st, name);
    if (!t || t->rank != 2 || t->dims[0] != s.horizon || t->dims[1] != s.lookback || weft_st_count(st) < 4 * units) {
        weft_fail(e, WEFT_DATA, "the weights do not fit lookback %zu, horizon %zu and %zu units", s.lookback, s.horizon, units);
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

WEFT_MODEL(dlinear, .name = "dlinear", .load = load, .free = free_self, .forecast = weft_dlinear_forecast, .linear = weft_dlinear_linear);
