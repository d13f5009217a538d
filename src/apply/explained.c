/* explained.c - the model, or the member of an ensemble, that can be explained. */
#include "apply/explained.h"

#include <stdlib.h>
#include <string.h>

#include "model/ensemble.h"

static bool can_explain(struct weft_forecaster *f, bool factors)
{
    return factors ? weft_forecaster_factors(f) != NULL : weft_forecaster_linear(f, 0, NULL, NULL, NULL);
}

int weft_explained_open(const char *path, bool factors, struct weft_explained_model *out, struct weft_err *e)
{
    struct weft_forecaster *member = NULL;
    char *name = NULL;
    *out = (struct weft_explained_model){0};
    if (weft_forecaster_open(path, &out->forecaster, e) < 0)
        return -1;
    if (strcmp(weft_forecaster_info(out->forecaster)->name, "ensemble") != 0)
        return 0;
    int rc = weft_ensemble_member(out->forecaster, 1, &member, &name, e);
    bool alone = !name;
    for (size_t i = 0; rc >= 0 && (i == 0 || name) && (alone || factors); i++) {
        weft_forecaster_close(&member);
        free(name);
        rc = weft_ensemble_member(out->forecaster, i, &member, &name, e);
        if (rc == 1 && can_explain(member, factors)) {
            *out = (struct weft_explained_model){member, out->forecaster, name};
            return 0;
        }
    }
    weft_forecaster_close(&member);
    free(name);
    return rc < 0 ? -1 : 0;
}

void weft_explained_close(struct weft_explained_model *x)
{
    weft_forecaster_close(&x->forecaster);
    weft_forecaster_close(&x->whole);
    free(x->member);
    x->member = NULL;
}
