/* dlinear_tuned.c - tuning for every unit of a stream. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/dlinear_units.h"
#include "base/mem.h"

void weft_dlinear_tuned_fit(struct weft_dlinear_trainer *t, struct weft_dlinear_unit *u)
{
    struct weft_tune o = t->choices;
    o.step = t->units.attrs.step;
    if (t->channels.choose && t->shape.exog.n) {
        weft_dlinear_channels_fit(t, u, &o);
        return;
    }
    if (t->refit)
        u->honest = weft_dlinear_weights_new(&t->shape);
    u->failed = weft_dlinear_tune(&u->st, &o, &u->w, t->refit ? &u->honest : NULL, &u->fit, &u->tuned, &u->err) < 0;
}

weft_json *weft_dlinear_tuned_json(const struct weft_tuned *tuned, bool own)
{
    weft_json *list = weft_json_new_array();
    for (size_t i = 0; i < tuned->n_best; i++) {
        const struct weft_nested_config *c = &tuned->best[i];
        weft_json *j = weft_json_new_object();
        weft_json_set(j, "lookback", weft_json_new_int((int64_t)c->lookback));
        weft_json_set(j, "last", weft_json_new_int((int64_t)c->last));
        weft_json_set(j, "ridge", weft_json_new_real(c->ridge));
        if (own)
            weft_json_set(j, "own", weft_json_new_real(c->own));
        weft_json_set(j, "error", weft_json_new_measure(tuned->error[i]));
        weft_json_push(list, j);
    }
    return list;
}

enum weft_norm weft_dlinear_tuned_norm(const struct weft_dlinear_trainer *t)
{
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < t->unit[i]->tuned.n_best; k++)
            if (t->unit[i]->tuned.best[k].last == 0)
                return WEFT_NORM_NONE;
    return WEFT_NORM_MEAN;
}

float *weft_dlinear_tuned_write(const struct weft_dlinear_trainer *t, const size_t *order, struct weft_st_writer *out)
{
    size_t channels = t->units.attrs.n_targets, h = t->shape.horizon;
    weft_json *all = weft_json_new_array();
    bool scaled =
        t->units.attrs.scale != WEFT_SCALE_NONE && !t->factored; /* else the series' sizes differ, and the residual
                                                                    rows, scaled by each window's spread, tell more */
    float *covariance =
        scaled && h <= WEFT_COVARIANCE_HORIZON_MAX ? weft_xrealloc2(NULL, t->n * h * h, sizeof *covariance) : NULL;
    for (size_t i = 0; i < t->n; i++) {
        const struct weft_dlinear_unit *u = t->unit[order[i / channels] * channels + i % channels];
        weft_json_push(all, weft_dlinear_tuned_json(&u->tuned, t->shape.exog.n > 0));
        for (size_t k = 0; covariance && k < h * h; k++)
            covariance[i * h * h + k] = u->tuned.covariance ? (float)u->tuned.covariance[k] : NAN;
    }
    char *text = weft_json_text(all);
    weft_st_writer_meta(out, "tuned", text);
    free(text);
    weft_json_free(&all);
    if (covariance)
        weft_st_writer_tensor(out, "covariance", WEFT_ST_F32, 3, (size_t[]){t->n, h, h}, covariance);
    return covariance;
}
