/* demand_finish.c - linear head, mixes, means and intervals of a garment model. */
#include "train/demand_finish.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/linear_head.h"
#include "nn/loss.h"

static const double strengths[] = {100, 30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01}, heats[] = {0.5, 0.7, 1, 1.4, 2, 2.8, 4};
enum { STRENGTHS = 9, HEATS = 7, MIXES = 11, ERRORS_MIN = 19 };

/* What decides among classifiers: how many are wrong, and where that is the same the cross-entropy, which alone would
 * take the one that dares least. */
static double of_classes(double wrong, double entropy)
{
    return wrong + 1e-3 * entropy;
}

/* --- the linear head --- */

struct fit {
    const struct weft_demand_shape *s;
    struct weft_head_rows train, valid;
    float *train_target, *valid_target; /* head by head: [heads, n] */
    float *w;                           /* [out, side + 1] */
    bool held_out;
};

static int gather(struct weft_demand_set *d, const uint32_t *at, size_t n, struct weft_head_rows *x, float *by_head,
                  struct weft_err *e)
{
    const struct weft_demand_shape *s = d->encoder.shape;
    float *side = WEFT_ARRAY(float, s->side + 1), *target = WEFT_ARRAY(float, s->n_heads);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = weft_demand_set_side(d, at + i, 1, side, target, e);
        weft_head_rows_add(x, side, s->side);
        for (size_t k = 0; k < s->n_heads; k++)
            by_head[k * n + i] = target[k];
    }
    free(side);
    free(target);
    return rc;
}

/* From the strongest penalty to the weakest, each begun where the one before ended. */
static void fit_head(void *ctx, size_t k)
{
    const struct fit *f = ctx;
    const struct weft_demand_head *h = &f->s->head[k];
    size_t n = h->width * (f->s->side + 1);
    double *w = WEFT_ARRAY(double, n), least = INFINITY;
    const float *target = f->train_target + k * f->train.n;
    for (size_t i = 0; i < STRENGTHS; i++) {
        if (!f->held_out && strengths[i] < 1)
            break;
        weft_linear_head_fit(&f->train, target, h->width, strengths[i], w);
        const float *held = f->valid_target + k * f->valid.n;
        double loss = f->held_out ? weft_linear_head_loss(&f->valid, held, h->width, w) : -(double)i;
        if (f->held_out && weft_demand_classifies(h))
            loss = of_classes(weft_linear_head_wrong(&f->valid, held, h->width, w), loss);
        if (i > 0 && !(loss < least))
            continue;
        least = loss;
        for (size_t j = 0; j < n; j++)
            f->w[h->at * (f->s->side + 1) + j] = (float)w[j];
    }
    free(w);
}

static int fit_linear(struct weft_demand_finish *o, struct weft_err *e)
{
    struct weft_demand_set *d = o->set;
    struct fit f = {.s = weft_demand_shape_of(o->net), .held_out = d->n_valid > 0};
    f.train_target = WEFT_ARRAY(float, d->n_train *f.s->n_heads);
    f.valid_target = WEFT_ARRAY(float, d->n_valid *f.s->n_heads + 1);
    f.w = WEFT_ARRAY(float, f.s->out *(f.s->side + 1));
    int rc = gather(d, d->train, d->n_train, &f.train, f.train_target, e);
    if (rc == 0)
        rc = gather(d, d->valid, d->n_valid, &f.valid, f.valid_target, e);
    if (rc == 0) {
        weft_par_for(o->par, f.s->n_heads, fit_head, &f);
        weft_demand_set_linear(o->net, f.w);
    }
    weft_head_rows_free(&f.train);
    weft_head_rows_free(&f.valid);
    free(f.train_target);
    free(f.valid_target);
    free(f.w);
    return rc;
}

/* --- its share --- */

/* What the model would say of head k with this mix and heat: z[n, width]. `both` are the network's outputs and the
 * linear head's. */
struct share {
    struct weft_demand_finish *o;
    const struct weft_demand_head *h;
    size_t k;
    const float *network, *linear; /* [n, out] */
};

static float target_of(const struct share *s, size_t i)
{
    size_t heads = weft_demand_shape_of(s->o->net)->n_heads;
    return s->o->set->target[s->o->at[i] * heads + s->k];
}

static void log_softmax(const float *z, size_t n, double *out)
{
    double top = -INFINITY, sum = 0;
    for (size_t c = 0; c < n; c++)
        top = (double)z[c] > top ? (double)z[c] : top;
    for (size_t c = 0; c < n; c++)
        sum += exp((double)z[c] - top);
    for (size_t c = 0; c < n; c++)
        out[c] = (double)z[c] - top - log(sum);
}

static double class_loss(const struct share *s, double mix, double heat)
{
    size_t out = weft_demand_shape_of(s->o->net)->out, width = s->h->width;
    double a[WEFT_CLASSES_MAX], b[WEFT_CLASSES_MAX], sum = 0, wrong = 0, labels = 0;
    for (size_t i = 0; i < s->o->n; i++) {
        float t = target_of(s, i), z[WEFT_CLASSES_MAX];
        if (isnan(t))
            continue;
        log_softmax(s->network + i * out + s->h->at, width, a);
        log_softmax(s->linear + i * out + s->h->at, width, b);
        for (size_t c = 0; c < width; c++)
            z[c] = (float)(heat * (mix * a[c] + (1 - mix) * b[c]));
        log_softmax(z, width, a);
        sum -= a[(size_t)t];
        size_t best = 0;
        for (size_t c = 1; c < width; c++)
            best = z[c] > z[best] ? c : best;
        wrong += best != (size_t)t;
        labels++;
    }
    return labels > 0 ? of_classes(wrong / labels, sum / labels) : 0;
}

static void mix_classes(const struct share *s, struct weft_demand_head *found)
{
    double least = INFINITY;
    for (size_t m = 0; m < MIXES; m++)
        for (size_t h = 0; h < HEATS; h++) {
            double loss = class_loss(s, (double)m / (MIXES - 1), heats[h]);
            if (!(loss < least))
                continue;
            least = loss;
            found->mix = (double)m / (MIXES - 1);
            found->heat = heats[h];
        }
}

/* The least squares of linear + mix (network - linear). */
static void mix_quantity(const struct share *s, struct weft_demand_head *found)
{
    size_t out = weft_demand_shape_of(s->o->net)->out;
    double xy = 0, xx = 0;
    for (size_t i = 0; i < s->o->n; i++) {
        double t = (double)target_of(s, i), a = (double)s->network[i * out + s->h->at],
               b = (double)s->linear[i * out + s->h->at];
        if (isnan(t))
            continue;
        xy += (a - b) * (t - b);
        xx += (a - b) * (a - b);
    }
    double mix = xx > 0 ? xy / xx : 0.5;
    found->heat = 1;
    found->mix = fmin(1, fmax(0, mix));
}

/* The linear head alone on the products of `o`. */
static int say_linear(struct weft_demand_finish *o, float *linear, struct weft_err *e)
{
    const struct weft_demand_shape *s = weft_demand_shape_of(o->net);
    struct weft_demand_head alone = {.mix = 0, .heat = 1};
    float *side = WEFT_ARRAY(float, s->side), *target = WEFT_ARRAY(float, s->n_heads);
    int rc = 0;
    for (size_t k = 0; k < s->n_heads; k++)
        weft_demand_set_found(o->net, k, &alone);
    for (size_t i = 0; i < o->n && rc == 0; i++) {
        rc = weft_demand_set_side(o->set, o->at + i, 1, side, target, e);
        weft_demand_blend(o->net, side, 1, linear + i * s->out);
    }
    free(side);
    free(target);
    return rc;
}

static int find_shares(struct weft_demand_finish *o, struct weft_err *e)
{
    const struct weft_demand_shape *s = weft_demand_shape_of(o->net);
    float *linear = WEFT_ARRAY(float, o->n * s->out), *side = WEFT_ARRAY(float, s->side),
          *target = WEFT_ARRAY(float, s->n_heads);
    int rc = say_linear(o, linear, e);
    for (size_t k = 0; k < s->n_heads && rc == 0; k++) {
        struct weft_demand_head found = {.mix = 0.5, .heat = 1};
        struct share at = {o, &s->head[k], k, o->out, linear};
        if (o->alone)
            found.mix = 0;
        else if (o->set->n_valid && weft_demand_classifies(&s->head[k]))
            mix_classes(&at, &found);
        else if (o->set->n_valid)
            mix_quantity(&at, &found);
        weft_demand_set_found(o->net, k, &found);
    }
    for (size_t i = 0; i < o->n && rc == 0; i++) {
        rc = weft_demand_set_side(o->set, o->at + i, 1, side, target, e);
        weft_demand_blend(o->net, side, 1, o->out + i * s->out);
    }
    free(linear);
    free(side);
    free(target);
    return rc;
}

/* --- means and intervals --- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* error[n], sorted: the ends of what 90 of 100 lie between. */
static void find_interval(const double *error, size_t n, struct weft_demand_head *found)
{
    size_t low = (size_t)floor(0.05 * ((double)n + 1) + 1e-9);
    if (n < ERRORS_MIN)
        return;
    found->low = error[low - 1];
    found->high = error[n - low];
}

static void find_quantity(struct weft_demand_finish *o, size_t k)
{
    const struct weft_demand_shape *s = weft_demand_shape_of(o->net);
    struct weft_demand_head found = s->head[k];
    double actual = 0, said = 0, *error = WEFT_ARRAY(double, o->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        double t = (double)o->set->target[o->at[i] * s->n_heads + k], y = (double)o->out[i * s->out + s->head[k].at];
        if (isnan(t))
            continue;
        error[n++] = t - y;
        actual += exp(t * found.std + found.mean);
        said += exp(y * found.std + found.mean);
    }
    if (said > 0 && isfinite(actual / said))
        found.smear = actual / said;
    qsort(error, n, sizeof *error, ascending);
    if (o->set->n_valid)
        find_interval(error, n, &found);
    weft_demand_set_found(o->net, k, &found);
    free(error);
}

int weft_demand_finish(struct weft_demand_finish *o, struct weft_err *e)
{
    const struct weft_demand_shape *s = weft_demand_shape_of(o->net);
    if (o->linear && (fit_linear(o, e) < 0 || find_shares(o, e) < 0))
        return -1;
    for (size_t k = 0; k < s->n_heads; k++)
        if (!weft_demand_classifies(&s->head[k]))
            find_quantity(o, k);
    return 0;
}
