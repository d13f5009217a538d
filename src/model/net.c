/* net.c - the network forecaster: parameters, model file, forecasts. */
#include "model/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct weft_net_forecaster {
    struct weft_net shape;
    size_t units;
    float **p; /* [units] inner layout */
    struct weft_encoding *encoding;
    float *y;    /* [WEFT_ENCODER_ROWS, lanes] */
    float *room; /* [WEFT_ENCODER_ROWS, lookback] */
};

struct weft_net weft_net(enum weft_encoder_kind kind, size_t lookback, size_t horizon, size_t code, size_t layers)
{
    return (struct weft_net){.encoder = {kind, lookback, code, layers}, .head = {code, horizon}, .lookback = lookback};
}

float weft_net_offset(const struct weft_net *s, const float *x)
{
    return (float)weft_norm_base(s->norm, x, s->lookback);
}

const float *weft_net_view(const struct weft_net *s, const float *x, size_t n, float *room)
{
    if (s->norm == WEFT_NORM_NONE)
        return x;
    float offset = weft_net_offset(s, x);
    for (size_t i = 0; i < n; i++)
        room[i] = x[i] - offset;
    return room;
}

size_t weft_net_count(const struct weft_net *s)
{
    return weft_encoder_count(&s->encoder) + weft_linear_count(&s->head);
}

size_t weft_net_size(const struct weft_net *s)
{
    return weft_encoder_size(&s->encoder) + weft_linear_size(&s->head);
}

void weft_net_pack(const struct weft_net *s, const float *outer, float *inner)
{
    weft_encoder_pack(&s->encoder, outer, inner);
    weft_linear_pack(&s->head, outer + weft_encoder_count(&s->encoder), inner + weft_encoder_size(&s->encoder));
}

void weft_net_unpack(const struct weft_net *s, const float *inner, float *outer)
{
    weft_encoder_unpack(&s->encoder, inner, outer);
    weft_linear_unpack(&s->head, inner + weft_encoder_size(&s->encoder), outer + weft_encoder_count(&s->encoder));
}

void weft_net_draw(const struct weft_net *s, uint64_t seed, uint64_t stream, float *outer)
{
    weft_encoder_draw(&s->encoder, seed, stream << 32, outer);
    weft_linear_draw(&s->head, seed, stream << 32 | 1, outer + weft_encoder_count(&s->encoder));
}

int weft_net_check(const struct weft_net *s, size_t tapes, struct weft_err *e)
{
    if (s->encoder.kind == WEFT_ENCODER_CNN && s->lookback < WEFT_CNN_LOOKBACK)
        return weft_fail(e, WEFT_CONFIG, "a cnn encoder needs a lookback of at least %d, not %zu", WEFT_CNN_LOOKBACK,
                         s->lookback);
    double need = weft_encoder_bytes(&s->encoder, tapes);
    if (need <= 17179869184.0)
        return 0;
    return weft_fail(e, WEFT_CONFIG, "an encoder (%s) of %zu units over %zu steps needs about %.0f GB of memory",
                     weft_encoder_name(s->encoder.kind), s->encoder.code, s->lookback, need / 1e9);
}

/* --- forecasts --- */

struct weft_net_forecaster *weft_net_forecaster_new(const struct weft_net *s, size_t n_units)
{
    struct weft_net_forecaster *f = WEFT_NEW(struct weft_net_forecaster);
    f->shape = *s;
    f->units = n_units;
    f->p = WEFT_ARRAY(float *, n_units);
    f->encoding = weft_encoding_new(&s->encoder, 1);
    f->room = weft_xaligned(WEFT_ENCODER_ROWS * s->lookback, sizeof *f->room);
    f->y = weft_xaligned(WEFT_ENCODER_ROWS * weft_lanes(s->head.out), sizeof *f->y);
    return f;
}

void weft_net_forecaster_free(struct weft_net_forecaster **pf)
{
    struct weft_net_forecaster *f = *pf;
    if (!f)
        return;
    for (size_t i = 0; i < f->units; i++)
        free(f->p[i]);
    weft_encoding_free(&f->encoding);
    free(f->p);
    free(f->y);
    free(f->room);
    free(f);
    *pf = NULL;
}

void weft_net_forecaster_set(struct weft_net_forecaster *f, size_t unit, const float *outer)
{
    if (!f->p[unit])
        f->p[unit] = weft_xaligned(weft_net_size(&f->shape), sizeof(float));
    weft_net_pack(&f->shape, outer, f->p[unit]);
}

void weft_net_forecast(void *self, size_t unit, const float *const *x, size_t batch, float *y)
{
    struct weft_net_forecaster *f = self;
    const struct weft_net *s = &f->shape;
    size_t lanes = weft_lanes(s->head.out), ld;
    weft_encoding_use(f->encoding, f->p[unit]);
    for (size_t at = 0; at < batch; at += WEFT_ENCODER_ROWS) {
        size_t n = batch - at < WEFT_ENCODER_ROWS ? batch - at : WEFT_ENCODER_ROWS;
        const float *rows[WEFT_ENCODER_ROWS];
        for (size_t r = 0; r < n; r++)
            rows[r] = weft_net_view(s, x[at + r], s->lookback, f->room + r * s->lookback);
        const float *h = weft_encoding_forward(f->encoding, 0, rows, n, &ld);
        weft_linear_forward(&s->head, f->p[unit] + weft_encoder_size(&s->encoder), h, ld, n, f->y);
        for (size_t r = 0; r < n; r++, y += s->head.out) {
            float offset = weft_net_offset(s, x[at + r]);
            for (size_t i = 0; i < s->head.out; i++)
                y[i] = f->y[r * lanes + i] + offset;
        }
    }
}

/* --- the model file --- */

/* Tensor k of a unit: those of the encoder, then the head's weight and bias. */
static struct weft_encoder_tensor tensor_of(const struct weft_net *s, size_t k, size_t unit, size_t units,
                                            char name[96])
{
    size_t encoders = weft_encoder_tensors(&s->encoder), base = weft_encoder_count(&s->encoder);
    struct weft_encoder_tensor t = {.name = "weight", .rank = 2, .dims = {s->head.out, s->head.in}, .at = base};
    if (k < encoders)
        t = weft_encoder_tensor(&s->encoder, k);
    else if (k > encoders)
        t = (struct weft_encoder_tensor){
            .name = "bias", .rank = 1, .dims = {s->head.out}, .at = base + s->head.out * s->head.in};
    if (units == 1)
        snprintf(name, 96, "%s.%s", k < encoders ? "encoder" : "head", t.name);
    else
        snprintf(name, 96, "%s.%zu.%s", k < encoders ? "encoder" : "head", unit, t.name);
    return t;
}

static size_t tensors_of(const struct weft_net *s)
{
    return weft_encoder_tensors(&s->encoder) + 2;
}

void weft_net_write(const struct weft_net *s, const float *const *units, size_t n_units, struct weft_st_writer *w)
{
    char name[96];
    weft_st_writer_meta_int(w, "hidden", (int64_t)s->encoder.code);
    weft_st_writer_meta_int(w, "layers", (int64_t)s->encoder.layers);
    weft_st_writer_meta(w, "norm", weft_norm_name(s->norm));
    for (size_t u = 0; u < n_units; u++)
        for (size_t k = 0; k < tensors_of(s); k++) {
            struct weft_encoder_tensor t = tensor_of(s, k, u, n_units, name);
            weft_st_writer_tensor(w, name, WEFT_ST_F32, t.rank, t.dims, units[u] + t.at);
        }
}

static size_t count_of(const struct weft_encoder_tensor *t)
{
    size_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= t->dims[i];
    return n;
}

int weft_net_read(const struct weft_st *st, const struct weft_net *s, size_t unit, size_t units, float **outer,
                  struct weft_err *e)
{
    float *all = weft_xaligned(weft_net_count(s), sizeof *all), *got;
    char name[96];
    int rc = 0;
    for (size_t k = 0; k < tensors_of(s) && rc == 0; k++) {
        struct weft_encoder_tensor t = tensor_of(s, k, unit, units, name);
        rc = weft_st_weights(st, name, t.dims, t.rank, &got, e);
        if (rc == 0) {
            memcpy(all + t.at, got, count_of(&t) * sizeof *all);
            free(got);
        }
    }
    *outer = rc == 0 ? all : NULL;
    if (rc < 0)
        free(all);
    return rc;
}

static bool same_shape(const struct weft_st *st, const char *name, const struct weft_encoder_tensor *want)
{
    const struct weft_st_tensor *has = weft_st_find(st, name);
    bool same = has && has->rank == want->rank;
    for (int i = 0; same && i < want->rank; i++)
        same = has->dims[i] == want->dims[i];
    return same;
}

/* Before memory is taken for what the metadata promises, the tensors of the first unit and the head of the last one
 * must be there. */
static int fits(const struct weft_st *st, const struct weft_net *s, size_t units, struct weft_err *e)
{
    char name[96];
    bool good = weft_st_count(st) / tensors_of(s) >= units;
    for (size_t k = 0; k < tensors_of(s) && good; k++) {
        struct weft_encoder_tensor want = tensor_of(s, k, 0, units, name);
        good = same_shape(st, name, &want);
    }
    struct weft_encoder_tensor head = tensor_of(s, tensors_of(s) - 2, units - 1, units, name);
    if (good && same_shape(st, name, &head))
        return 0;
    weft_fail(e, WEFT_DATA,
              "the weights do not fit an encoder (%s) of %zu layers of %zu units, horizon %zu and %zu sets",
              weft_encoder_name(s->encoder.kind), s->encoder.layers, s->encoder.code, s->head.out, units);
    return weft_fail_where(e, "%s", weft_st_path(st));
}

int weft_net_norm_read(const struct weft_st *st, struct weft_net *s, struct weft_err *e)
{
    const char *name = weft_st_meta(st, "norm");
    for (s->norm = WEFT_NORM_NONE; s->norm < WEFT_NORMS; s->norm++)
        if (name && strcmp(name, weft_norm_name(s->norm)) == 0)
            return 0;
    weft_fail(e, WEFT_DATA, "no norm that is known: \"%.40s\"", name ? name : "");
    return weft_fail_where(e, "%s", weft_st_path(st));
}

static int load(const struct weft_st *st, const struct weft_model_info *info, void **self, struct weft_err *e)
{
    enum weft_encoder_kind kind = WEFT_ENCODER_LSTM;
    int64_t hidden, layers;
    size_t units = info->n_groups * info->n_channels;
    while (strcmp(info->name, weft_encoder_name(kind)) != 0)
        kind++; /* it is one of those below */
    if (weft_st_meta_int(st, "hidden", 1, WEFT_LSTM_HIDDEN_MAX, &hidden, e) < 0 ||
        weft_st_meta_int(st, "layers", 1, WEFT_LSTM_LAYERS_MAX, &layers, e) < 0)
        return -1;
    struct weft_net s = weft_net(kind, (size_t)info->lookback, (size_t)info->horizon, (size_t)hidden, (size_t)layers);
    if (weft_net_norm_read(st, &s, e) < 0 || weft_net_check(&s, 1, e) < 0 || fits(st, &s, units, e) < 0)
        return -1;
    struct weft_net_forecaster *f = weft_net_forecaster_new(&s, units);
    for (size_t u = 0; u < units; u++) {
        float *outer;
        if (weft_net_read(st, &s, u, units, &outer, e) < 0) {
            weft_net_forecaster_free(&f);
            return -1;
        }
        weft_net_forecaster_set(f, u, outer);
        free(outer);
    }
    *self = f;
    return 0;
}

static void free_self(void *self)
{
    struct weft_net_forecaster *f = self;
    weft_net_forecaster_free(&f);
}

WEFT_MODEL(lstm, .name = "lstm", .load = load, .free = free_self, .forecast = weft_net_forecast);
WEFT_MODEL(linear, .name = "linear", .load = load, .free = free_self, .forecast = weft_net_forecast);
WEFT_MODEL(cnn, .name = "cnn", .load = load, .free = free_self, .forecast = weft_net_forecast);
