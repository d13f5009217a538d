/* prepare.c - files to a network's input, many at a time. */
#include <stdlib.h>

#include "image/augment.h"
#include "base/mem.h"

struct work {
    const struct weft_image_prepare *how;
    struct weft_image_job *jobs;
    float *out;
};

static void one(void *ctx, size_t i)
{
    const struct work *w = ctx;
    const struct weft_image_prepare *how = w->how;
    struct weft_image_job *job = &w->jobs[i];
    size_t n = 3 * (size_t)how->size * (size_t)how->size;
    float *out = w->out + i * n;
    struct weft_image im;
    if (weft_image_decode(job->bytes, job->n, &how->limits, &im, &job->err) < 0)
        return;
    weft_image_fit(&im, how->size, out);
    weft_image_free(&im);
    if (how->augment != NULL) {
        float *scratch = weft_xmalloc(n * sizeof(float));
        struct weft_rng rng = weft_augment_rng(how->seed, job->id, job->id_n, how->epoch);
        weft_augment(how->augment, &rng, out, how->size, scratch);
        free(scratch);
    }
    weft_image_normalise(out, how->size);
}

void weft_image_prepare(struct weft_par *par, const struct weft_image_prepare *how, struct weft_image_job *jobs,
                        size_t n, float *out)
{
    struct work w = {how, jobs, out};
    weft_par_for(par, n, one, &w);
}
