/* demand_finish.c - linear head, mixes, means and intervals of a garment model. */
#include "train/demand_finish.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/loss.h"
#include "model/linear_head.h"

static const double strengths[] = {100, 30, 10, 3, 1, 0.3, 0.1, 0.03, 0.01}, heats[] = {0.5, 0.7, 1, 1.4, 2, 2.8, 4};
enum { STRENGTHS = 9, AT_ONE = 4, HEATS = 7, MIXES = 11, ERRORS_MIN = 19, PRIOR = 20 };

/* What decides among classifiers: how many are wrong, and where that is the same the cross-entropy, which alone would
 * take the one that dares least. */
static double of_classes(double wrong, double entropy)
{
    return wrong + 1e-3 * entropy;
}

/* --- the linear head --- */

struct fit {
    const struct weft_demand_shape *s;
    const struct weft_demand_folds *folds;
    struct weft_head_rows rows; /* of all products */
    float *target;              /* head by head: [heads, products] */
    float *w;                   /* [out, side + 1] */
    float *said;                /* [products, out]: by weights that did not see them */
};

static int gather(struct weft_demand_set *d, struct fit *f, struct weft_err *e)
{
    float *side = WEFT_ARRAY(float, f->s->side + 1), *target = WEFT_ARRAY(float, f->s->n_heads);
    int rc = 0;
    for (uint32_t i = 0; i < d->n && rc == 0; i++) {
        rc = weft_demand_set_side(d, &i, 1, side, target, e);
        weft_head_rows_add(&f->rows, side, f->s->side);
        for (size_t k = 0; k < f->s->n_heads; k++)
            f->target[k * d->n + i] = target[k];
    }
    free(side);
    free(target);
    return rc;
}

/* The targets of the products in a fold, or of all others; the rest are as if they had none. */
static void mask(const struct fit *f, size_t k, size_t fold, bool in, float *out)
{
    size_t n = f->rows.n;
    for (size_t i = 0; i < n; i++)
        out[i] = (f->folds->of[i] == fold) == in ? f->target[k * n + i] : NAN;
}

static void say(const struct fit *f, size_t k, size_t fold, const double *w)
{
    const struct weft_demand_head *h = &f->s->head[k];
    for (size_t i = 0; i < f->rows.n; i++)
        if (!f->folds->n || f->folds->of[i] == fold)
            weft_linear_head_outputs(&f->rows, i, h->width, w, f->said + i * f->s->out + h->at);
}

/* The weights w of one strength, which they begin from, for a fold; returns the fold's loss times its labels. */
static double try_strength(const struct fit *f, size_t k, size_t fold, double strength, double *w)
{
    const struct weft_demand_head *h = &f->s->head[k];
    float *target = WEFT_ARRAY(float, f->rows.n + 1);
    double labels = 0;
    mask(f, k, fold, false, target);
    weft_linear_head_fit(&f->rows, target, h->width, strength, w);
    mask(f, k, fold, true, target);
    for (size_t i = 0; i < f->rows.n; i++)
        labels += !isnan(target[i]);
    double loss = weft_linear_head_loss(&f->rows, target, h->width, w);
    if (weft_demand_classifies(h))
        loss = of_classes(weft_linear_head_wrong(&f->rows, target, h->width, w), loss);
    free(target);
    return labels > 0 ? labels * loss : 0;
}

/* From the strongest penalty to the weakest, each begun where the one before ended; with several folds, which take as
 * many times as long, until two in a row are no better (but down to strength 1). Those of fold 0 are the model's. */
static void fit_head(void *ctx, size_t k)
{
    const struct fit *f = ctx;
    const struct weft_demand_head *h = &f->s->head[k];
    size_t n = h->width * (f->s->side + 1), folds = f->folds->n ? f->folds->n : 1, best = 0;
    double *w = WEFT_ARRAY(double, folds *n), least = INFINITY;
    for (size_t i = f->folds->n ? 0 : AT_ONE; i < STRENGTHS && (folds == 1 || i < best + 3 || i <= AT_ONE); i++) {
        double loss = 0;
        for (size_t fold = 0; fold < folds; fold++)
            loss += try_strength(f, k, fold, strengths[i], w + fold * n);
        if (isfinite(least) && !(loss < least))
            continue;
        least = loss;
        best = i;
        for (size_t fold = 0; fold < folds; fold++)
            say(f, k, fold, w + fold * n);
        for (size_t j = 0; j < n; j++)
            f->w[h->at * (f->s->side + 1) + j] = (float)w[j];
        if (!f->folds->n)
            break;
    }
    free(w);
}

/* said[products, out]. */
static int fit_linear(struct weft_demand_finish *o, float *said, struct weft_err *e)
{
    struct weft_demand_set *d = o->set;
    struct fit f = {.s = weft_demand_shape_of(o->net), .folds = o->folds, .said = said};
    f.target = WEFT_ARRAY(float, d->n *f.s->n_heads + 1);
    f.w = WEFT_ARRAY(float, f.s->out *(f.s->side + 1));
    int rc = gather(d, &f, e);
    if (rc == 0) {
        weft_par_for(o->par, f.s->n_heads, fit_head, &f);
        weft_demand_set_linear(o->net, f.w);
    }
    weft_head_rows_free(&f.rows);
    free(f.target);
    free(f.w);
    return rc;
}

/* --- its share --- */

/* Head k as the network and the linear head have it, of products that neither saw. */
struct share {
    struct weft_demand_finish *o;
    const struct weft_demand_head *h;
    size_t k;
    const float *linear; /* [products, out] */
};

static float target_of(const struct share *s, size_t i)
{
    size_t heads = weft_demand_shape_of(s->o->net)->n_heads;
    return s->o->set->target[s->o->at[i] * heads + s->k];
}

static const float *network_of(const struct share *s, size_t i)
{
    return s->o->out + i * weft_demand_shape_of(s->o->net)->out + s->h->at;
}

static const float *linear_of(const struct share *s, size_t i)
{
    return s->linear + s->o->at[i] * weft_demand_shape_of(s->o->net)->out + s->h->at;
}

/* Few values of a key say little of which one is better for the next: toward equal shares, as if PRIOR more had spoken
 * for them. */
static double shrunk(const struct share *s, double mix)
{
    double groups = s->o->set->valid_by ? (double)s->o->groups : INFINITY;
    return isinf(groups) ? mix : (groups * mix + PRIOR * 0.5) / (groups + PRIOR);
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

static void class_loss(const struct share *s, double mix, double heat, double *wrong, double *entropy)
{
    size_t width = s->h->width;
    double a[WEFT_CLASSES_MAX], b[WEFT_CLASSES_MAX], labels = 0;
    *wrong = *entropy = 0;
    for (size_t i = 0; i < s->o->n; i++) {
        float t = target_of(s, i), z[WEFT_CLASSES_MAX];
        if (isnan(t))
            continue;
        log_softmax(network_of(s, i), width, a);
        log_softmax(linear_of(s, i), width, b);
        for (size_t c = 0; c < width; c++)
            z[c] = (float)(heat * (mix * a[c] + (1 - mix) * b[c]));
        log_softmax(z, width, a);
        *entropy -= a[(size_t)t];
        size_t best = 0;
        for (size_t c = 1; c < width; c++)
            best = z[c] > z[best] ? c : best;
        *wrong += best != (size_t)t;
        labels++;
    }
    *wrong /= labels > 0 ? labels : 1;
    *entropy /= labels > 0 ? labels : 1;
}

/* heat changes no likeliest class, so that the mix is found first. */
static void mix_classes(const struct share *s, struct weft_demand_head *found)
{
    double least = INFINITY, wrong, entropy;
    for (size_t m = 0; m < MIXES; m++)
        for (size_t h = 0; h < HEATS; h++) {
            class_loss(s, (double)m / (MIXES - 1), heats[h], &wrong, &entropy);
            if (!(of_classes(wrong, entropy) < least))
                continue;
            least = of_classes(wrong, entropy);
            found->mix = (double)m / (MIXES - 1);
            found->heat = heats[h];
        }
    double mix = shrunk(s, found->mix);
    least = INFINITY;
    for (size_t h = 0; h < HEATS && s->o->set->valid_by; h++) {
        class_loss(s, mix, heats[h], &wrong, &entropy);
        if (!(entropy < least))
            continue;
        least = entropy;
        found->heat = heats[h];
    }
    found->mix = mix;
}

/* The least squares of linear + mix (network - linear). */
static void mix_quantity(const struct share *s, struct weft_demand_head *found)
{
    double xy = 0, xx = 0;
    for (size_t i = 0; i < s->o->n; i++) {
        double t = (double)target_of(s, i), a = (double)*network_of(s, i), b = (double)*linear_of(s, i);
        if (isnan(t))
            continue;
        xy += (a - b) * (t - b);
        xx += (a - b) * (a - b);
    }
    found->heat = 1;
    found->mix = shrunk(s, xx > 0 ? fmin(1, fmax(0, xy / xx)) : 0.5);
}

/* Quantities of o->out become what the model says; classes are not needed any more. */
static void find_shares(struct weft_demand_finish *o, const float *linear)
{
    const struct weft_demand_shape *s = weft_demand_shape_of(o->net);
    for (size_t k = 0; k < s->n_heads; k++) {
        struct weft_demand_head found = s->head[k];
        struct share at = {o, &s->head[k], k, linear};
        found.mix = 0.5;
        found.heat = 1;
        if (o->alone)
            found.mix = 0;
        else if (o->folds->n && weft_demand_classifies(&s->head[k]))
            mix_classes(&at, &found);
        else if (o->folds->n)
            mix_quantity(&at, &found);
        weft_demand_set_found(o->net, k, &found);
        for (size_t i = 0; i < o->n && !weft_demand_classifies(&s->head[k]); i++) {
            float *y = o->out + i * s->out + s->head[k].at;
            *y = (float)(found.mix * (double)*y + (1 - found.mix) * (double)*linear_of(&at, i));
        }
    }
}

/* --- means and intervals --- */

/* The ends of what 90 of 100 lie between; sorts the errors. */
static void find_interval(struct weft_demand_errors *x, struct weft_demand_head *found)
{
    size_t low = (size_t)floor(0.05 * ((double)x->n + 1) + 1e-9);
    double mean = 0, wider = weft_demand_widening(x);
    if (x->n < ERRORS_MIN || isnan(wider))
        return;
    for (size_t i = 0; i < x->n; i++)
        mean += x->of[i] / (double)x->n;
    weft_sort(x->of, x->n, sizeof *x->of, weft_by_double);
    found->low = mean + wider * (x->of[low - 1] - mean);
    found->high = mean + wider * (x->of[x->n - low] - mean);
}

static void find_quantity(struct weft_demand_finish *o, size_t k)
{
    const struct weft_demand_shape *s = weft_demand_shape_of(o->net);
    struct weft_demand_head found = s->head[k];
    struct weft_demand_errors x = {0, o->folds->groups, WEFT_ARRAY(double, o->n + 1), WEFT_ARRAY(uint32_t, o->n + 1)};
    double actual = 0, said = 0;
    for (size_t i = 0; i < o->n; i++) {
        double t = (double)o->set->target[o->at[i] * s->n_heads + k], y = (double)o->out[i * s->out + s->head[k].at];
        if (isnan(t))
            continue;
        x.group[x.n] = o->folds->group[o->at[i]];
        x.of[x.n++] = t - y;
        actual += exp(t * found.std + found.mean);
        said += exp(y * found.std + found.mean);
    }
    if (said > 0 && isfinite(actual / said))
        found.smear = actual / said;
    if (o->folds->n)
        find_interval(&x, &found);
    weft_demand_set_found(o->net, k, &found);
    free(x.of);
    free(x.group);
}

/* How many groups the products have that shares are found on. */
static size_t count_groups(const struct weft_demand_finish *o)
{
    bool *met = WEFT_ARRAY(bool, o->folds->groups + 1);
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        bool *at = &met[o->folds->group[o->at[i]]];
        n += !*at;
        *at = true;
    }
    free(met);
    return n;
}

int weft_demand_finish(struct weft_demand_finish *o, struct weft_err *e)
{
    const struct weft_demand_shape *s = weft_demand_shape_of(o->net);
    o->groups = count_groups(o);
    if (o->linear) {
        float *said = WEFT_ARRAY(float, o->set->n * s->out + 1);
        int rc = fit_linear(o, said, e);
        if (rc == 0)
            find_shares(o, said);
        free(said);
        if (rc < 0)
            return -1;
    }
    for (size_t k = 0; k < s->n_heads; k++)
        if (!weft_demand_classifies(&s->head[k]))
            find_quantity(o, k);
    return 0;
}
