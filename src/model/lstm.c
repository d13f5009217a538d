/* lstm.c - the LSTM forecaster: parameters, model file, forecasts. */
#include "weft/lstm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weft/mem.h"

struct weft_lstm_forecaster {
    struct weft_lstm_net shape;
    size_t units;
    float **p; /* [units] inner layout */
    struct weft_lstm *net;
    float *y; /* [WEFT_LSTM_ROWS, lanes] */
};

struct weft_lstm_net weft_lstm_net(size_t lookback, size_t horizon, size_t hidden, size_t layers)
{
    return (struct weft_lstm_net){.encoder = {1, hidden, layers}, .head = {hidden, horizon}, .lookback = lookback};
}

size_t weft_lstm_net_count(const struct weft_lstm_net *s)
{
    return weft_lstm_count(&s->encoder) + weft_linear_count(&s->head);
}

size_t weft_lstm_net_size(const struct weft_lstm_net *s)
{
    return weft_lstm_size(&s->encoder) + weft_linear_size(&s->head);
}

void weft_lstm_net_pack(const struct weft_lstm_net *s, const float *outer, float *inner)
{
    weft_lstm_pack(&s->encoder, outer, inner);
    weft_linear_pack(&s->head, outer + weft_lstm_count(&s->encoder), inner + weft_lstm_size(&s->encoder));
}

void weft_lstm_net_unpack(const struct weft_lstm_net *s, const float *inner, float *outer)
{
    weft_lstm_unpack(&s->encoder, inner, outer);
    weft_linear_unpack(&s->head, inner + weft_lstm_size(&s->encoder), outer + weft_lstm_count(&s->encoder));
}

void weft_lstm_net_draw(const struct weft_lstm_net *s, uint64_t seed, uint64_t stream, float *outer)
{
    weft_lstm_draw(&s->encoder, seed, stream << 32, outer);
    weft_linear_draw(&s->head, seed, stream << 32 | 1, outer + weft_lstm_count(&s->encoder));
}

int weft_lstm_net_check(const struct weft_lstm_net *s, size_t tapes, struct weft_err *e)
{
    double units = (double)weft_lanes(s->encoder.hidden), steps = (double)s->lookback * (double)s->encoder.layers;
    double need = 4.0 * (double)tapes * WEFT_LSTM_ROWS * steps * 9 * units + 4.0 * 12 * 8 * units * units * (double)s->encoder.layers;
    if (need <= 17179869184.0)
        return 0;
    return weft_fail(e, WEFT_CONFIG, "an LSTM with %zu layers of %zu units over %zu steps needs about %.0f GB of memory", s->encoder.layers, s->encoder.hidden,
                     s->lookback, need / 1e9);
}

/* --- forecasts --- */

struct weft_lstm_forecaster *weft_lstm_forecaster_new(const struct weft_lstm_net *s, size_t n_units)
{
    struct weft_lstm_forecaster *f = WEFT_NEW(struct weft_lstm_forecaster);
    f->shape = *s;
    f->units = n_units;
    f->p = WEFT_ARRAY(float *, n_units);
    f->net = weft_lstm_new(&s->encoder, s->lookback, 1);
    f->y = weft_xaligned(WEFT_LSTM_ROWS * weft_lanes(s->head.out), sizeof *f->y);
    return f;
}

void weft_lstm_forecaster_free(struct weft_lstm_forecaster **pf)
{
    struct weft_lstm_forecaster *f = *pf;
    if (!f)
        return;
    for (size_t i = 0; i < f->units; i++)
        free(f->p[i]);
    weft_lstm_free(&f->net);
    free(f->p);
    free(f->y);
    free(f);
    *pf = NULL;
}

void weft_lstm_forecaster_set(struct weft_lstm_forecaster *f, size_t unit, const float *outer)
{
    if (!f->p[unit])
        f->p[unit] = weft_xaligned(weft_lstm_net_size(&f->shape), sizeof(float));
    weft_lstm_net_pack(&f->shape, outer, f->p[unit]);
}

void weft_lstm_forecast(void *self, size_t unit, const float *const *x, size_t batch, float *y)
{
    struct weft_lstm_forecaster *f = self;
    const struct weft_lstm_net *s = &f->shape;
    size_t lanes = weft_lanes(s->head.out), ld;
    weft_lstm_use(f->net, f->p[unit]);
    for (size_t at = 0; at < batch; at += WEFT_LSTM_ROWS) {
        size_t n = batch - at < WEFT_LSTM_ROWS ? batch - at : WEFT_LSTM_ROWS;
        const float *h = weft_lstm_forward(f->net, 0, x + at, n, s->lookback, &ld);
        weft_linear_forward(&s->head, f->p[unit] + weft_lstm_size(&s->encoder), h, ld, n, f->y);
        for (size_t r = 0; r < n; r++, y += s->head.out)
            memcpy(y, f->y + r * lanes, s->head.out * sizeof *y);
    }
}

/* --- the model file --- */

/* Tensor k of a unit: those of the encoder, then the head's weight and bias. */
static struct weft_lstm_tensor tensor_of(const struct weft_lstm_net *s, size_t k, size_t unit, size_t units, char name[96])
{
    size_t encoders = WEFT_LSTM_TENSORS * s->encoder.layers, base = weft_lstm_count(&s->encoder);
    struct weft_lstm_tensor t = {.name = "weight", .rank = 2, .dims = {s->head.out, s->head.in}, .at = base};
    if (k < encoders)
        t = weft_lstm_tensor(&s->encoder, k);
    else if (k > encoders)
        t = (struct weft_lstm_tensor){.name = "bias", .rank = 1, .dims = {s->head.out}, .at = base + s->head.out * s->head.in};
    if (units == 1)
        snprintf(name, 96, "%s.%s", k < encoders ? "encoder" : "head", t.name);
    else
        snprintf(name, 96, "%s.%zu.%s", k < encoders ? "encoder" : "head", unit, t.name);
    return t;
}

static size_t tensors_of(const struct weft_lstm_net *s)
{
    return WEFT_LSTM_TENSORS * s->encoder.layers + 2;
}

void weft_lstm_net_write(const struct weft_lstm_net *s, float *const *units, size_t n_units, struct weft_st_writer *w)
{
    char name[96];
    weft_st_writer_meta_int(w, "hidden", (int64_t)s->encoder.hidden);
    weft_st_writer_meta_int(w, "layers", (int64_t)s->encoder.layers);
    for (size_t u = 0; u < n_units; u++)
        for (size_t k = 0; k < tensors_of(s); k++) {
            struct weft_lstm_tensor t = tensor_of(s, k, u, n_units, name);
            weft_st_writer_tensor(w, name, WEFT_ST_F32, t.rank, t.dims, units[u] + t.at);
        }
}

static int read_unit(const struct weft_st *st, const struct weft_lstm_net *s, size_t unit, size_t units, struct weft_lstm_forecaster *f, struct weft_err *e)
{
    float *outer = weft_xaligned(weft_lstm_net_count(s), sizeof *outer), *got;
    char name[96];
    int rc = 0;
    for (size_t k = 0; k < tensors_of(s) && rc == 0; k++) {
        struct weft_lstm_tensor t = tensor_of(s, k, unit, units, name);
        rc = weft_st_floats(st, name, t.dims, t.rank, &got, e);
        if (rc == 0) {
            memcpy(outer + t.at, got, t.dims[0] * (t.rank == 2 ? t.dims[1] : 1) * sizeof *outer);
            free(got);
        }
    }
    if (rc == 0)
        weft_lstm_forecaster_set(f, unit, outer);
    free(outer);
    return rc;
}

/* Before memory is taken for what the metadata promises, the first and the last tensor must be there. */
static int fits(const struct weft_st *st, const struct weft_lstm_net *s, size_t units, struct weft_err *e)
{
    char name[96];
    struct weft_lstm_tensor want[2] = {tensor_of(s, 1, 0, units, name)};
    const struct weft_st_tensor *first = weft_st_find(st, name);
    want[1] = tensor_of(s, tensors_of(s) - 2, units - 1, units, name);
    const struct weft_st_tensor *last = weft_st_find(st, name);
    if (first && last && weft_st_count(st) >= tensors_of(s) * units && first->rank == 2 && first->dims[0] == want[0].dims[0] &&
        first->dims[1] == want[0].dims[1] && last->rank == 2 && last->dims[0] == want[1].dims[0] && last->dims[1] == want[1].dims[1])
        return weft_lstm_net_check(s, 1, e);
    weft_fail(e, WEFT_DATA, "the weights do not fit %zu layers of %zu units, horizon %zu and %zu sets", s->encoder.layers, s->encoder.hidden, s->head.out, units);
    return weft_fail_where(e, "%s", weft_st_path(st));
}

static int load(const struct weft_st *st, const struct weft_model_info *info, void **self, struct weft_err *e)
{
    int64_t hidden, layers;
    size_t units = info->n_groups * info->n_channels;
    if (weft_st_meta_int(st, "hidden", 1, WEFT_LSTM_HIDDEN_MAX, &hidden, e) < 0 || weft_st_meta_int(st, "layers", 1, WEFT_LSTM_LAYERS_MAX, &layers, e) < 0)
        return -1;
    struct weft_lstm_net s = weft_lstm_net((size_t)info->lookback, (size_t)info->horizon, (size_t)hidden, (size_t)layers);
    if (fits(st, &s, units, e) < 0)
        return -1;
    struct weft_lstm_forecaster *f = weft_lstm_forecaster_new(&s, units);
    for (size_t u = 0; u < units; u++)
        if (read_unit(st, &s, u, units, f, e) < 0) {
            weft_lstm_forecaster_free(&f);
            return -1;
        }
    *self = f;
    return 0;
}

static void free_self(void *self)
{
    struct weft_lstm_forecaster *f = self;
    weft_lstm_forecaster_free(&f);
}

WEFT_MODEL(lstm, .name = "lstm", .load = load, .free = free_self, .forecast = weft_lstm_forecast);
