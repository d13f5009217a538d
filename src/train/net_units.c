/* net_units.c - what the trainers of forecasting networks share. */
#include "train/net_units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *const names[] = {"p", "m", "v", "kept"};
enum { ARRAYS = 4, NUMBERS = 6 };

void weft_net_state_write(const struct weft_net_state *s, struct weft_st_writer *w)
{
    const float *at[ARRAYS] = {s->p, s->m, s->v, s->kept};
    const double numbers[NUMBERS] = {(double)s->steps,      (double)s->epoch,   (double)s->waited,
                                     (double)s->best.epoch, s->best.train_loss, s->best.valid_loss};
    char name[16];
    for (int i = 0; i < ARRAYS; i++)
        weft_st_writer_tensor(w, names[i], WEFT_ST_F32, 1, &s->n, at[i]);
    for (int i = 0; i < NUMBERS; i++) {
        snprintf(name, sizeof name, "state%d", i);
        weft_st_writer_meta_real(w, name, numbers[i]);
    }
}

int weft_net_state_read(const struct weft_st *st, struct weft_net_state *s, struct weft_err *e)
{
    float *const to[ARRAYS] = {s->p, s->m, s->v, s->kept}, *got;
    double numbers[NUMBERS];
    char name[16];
    for (int i = 0; i < ARRAYS; i++) {
        if (weft_st_floats(st, names[i], &s->n, 1, &got, e) < 0)
            return -1;
        memcpy(to[i], got, s->n * sizeof *got);
        free(got);
    }
    for (int i = 0; i < NUMBERS; i++) {
        snprintf(name, sizeof name, "state%d", i);
        if (weft_st_meta_real(st, name, &numbers[i], e) < 0)
            return -1;
    }
    s->steps = (uint64_t)numbers[0];
    s->epoch = (int64_t)numbers[1];
    s->waited = (int64_t)numbers[2];
    s->best = (struct weft_net_epoch){
        .epoch = (int64_t)numbers[3], .train_loss = numbers[4], .valid_loss = numbers[5], .best = true};
    return 0;
}

int weft_net_fit(const struct weft_net *net, const struct weft_net_options *o, const struct weft_net_windows *d,
                 struct weft_par *par, const struct weft_st *st, weft_net_after_epoch *after, void *ctx, float **outer,
                 struct weft_net_epoch *best, struct weft_err *e)
{
    struct weft_net_trainer *trainer = weft_net_trainer_new(net, o, d, par);
    struct weft_net_state *state = weft_net_trainer_state(trainer);
    struct weft_net_epoch now;
    int rc = st ? weft_net_state_read(st, state, e) : 0, got = 1;
    while (rc == 0 && !weft_net_trainer_done(trainer) && (got = weft_net_trainer_epoch(trainer, &now, e)) > 0)
        rc = after(ctx, trainer, &now, e);
    if (rc == 0 && got <= 0)
        rc = got == 0 ? 1 : -1;
    if (rc == 0) {
        *best = state->best;
        *outer = weft_xaligned(weft_net_count(net), sizeof **outer);
        weft_net_unpack(net, state->kept, *outer);
    }
    weft_net_trainer_free(&trainer);
    return rc;
}

int weft_net_units_save(const struct weft_units *u, const size_t *groups, const struct weft_net *net,
                        const struct weft_net_saved *unit, size_t n, const struct weft_pool *pool, const char *lineage,
                        const char *path, struct weft_err *e)
{
    size_t h = net->head.out, count = weft_net_count(net);
    const float **weights = WEFT_ARRAY(const float *, n);
    float *missing = weft_xaligned(count, sizeof *missing);
    struct weft_errors errors;
    struct weft_net_forecaster *f = weft_net_forecaster_new(net, 1);
    struct weft_st_writer *w = weft_st_writer_new();
    weft_errors_init(&errors, n, h);
    for (size_t k = 0; k < count; k++)
        missing[k] = NAN;
    for (size_t i = 0; i < n; i++) {
        struct weft_residuals keep;
        weights[i] = unit[i].outer ? unit[i].outer : missing;
        weft_net_forecaster_set(f, 0, weights[i]);
        weft_residuals_init(&keep, errors.rows, net->lookback + h);
        weft_pool_keep(pool, unit[i].valid, net->lookback + h, &keep);
        weft_errors_take(&errors, i, &keep, net->lookback, weft_net_forecast, f, false);
        weft_residuals_free(&keep);
    }
    weft_net_write(net, weights, n, w);
    weft_errors_write(&errors, u->attrs.scale != WEFT_SCALE_NONE, w);
    int rc = weft_units_save(u, groups, weft_encoder_name(net->encoder.kind), lineage, w, path, e);
    weft_st_writer_free(&w);
    weft_net_forecaster_free(&f);
    free(weights);
    weft_errors_free(&errors);
    free(missing);
    return rc;
}
