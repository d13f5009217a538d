/* linear_head.c - ridge and logistic regression by L-BFGS. */
#include "model/linear_head.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MEMORY = 12, STEPS_MAX = 2000, HALVINGS = 40 };
static const double smallest_gradient = 1e-6;

void weft_head_rows_add(struct weft_head_rows *s, const float *x, size_t width)
{
    s->width = width;
    if (s->n + 2 > s->row_cap) {
        s->row_cap = weft_grow(s->row_cap, s->n + 2);
        s->row = weft_xrealloc2(s->row, s->row_cap, sizeof *s->row);
    }
    if (!s->n)
        s->row[0] = 0;
    size_t at = s->row[s->n];
    if (at + width > s->cap) {
        s->cap = weft_grow(s->cap, at + width);
        s->column = weft_xrealloc2(s->column, s->cap, sizeof *s->column);
        s->value = weft_xrealloc2(s->value, s->cap, sizeof *s->value);
    }
    for (size_t i = 0; i < width; i++)
        if (x[i] < 0 || x[i] > 0) {
            s->column[at] = (uint32_t)i;
            s->value[at++] = x[i];
        }
    s->row[++s->n] = at;
}

void weft_head_rows_free(struct weft_head_rows *s)
{
    free(s->row);
    free(s->column);
    free(s->value);
    memset(s, 0, sizeof *s);
}

/* --- the loss --- */

/* z[outputs] of a row becomes the loss's gradient by it; returns the loss. */
static double row_loss(double *z, size_t outputs, double target)
{
    if (outputs == 1) {
        z[0] -= target;
        return z[0] * z[0] / 2;
    }
    double top = z[0], sum = 0, of_class = z[(size_t)target];
    for (size_t k = 1; k < outputs; k++)
        top = z[k] > top ? z[k] : top;
    for (size_t k = 0; k < outputs; k++)
        sum += exp(z[k] - top);
    double whole = top + log(sum);
    for (size_t k = 0; k < outputs; k++)
        z[k] = exp(z[k] - whole);
    z[(size_t)target] -= 1;
    return whole - of_class;
}

struct problem {
    const struct weft_head_rows *x;
    const float *target;
    size_t outputs, labels, n; /* n: weights */
    double strength;
    double *z;
};

static double output(const struct weft_head_rows *x, size_t i, size_t k, const double *w)
{
    const double *of = w + k * (x->width + 1);
    double z = of[x->width];
    for (size_t j = x->row[i]; j < x->row[i + 1]; j++)
        z += of[x->column[j]] * (double)x->value[j];
    return z;
}

void weft_linear_head_outputs(const struct weft_head_rows *x, size_t i, size_t outputs, const double *w, float *z)
{
    for (size_t k = 0; k < outputs; k++)
        z[k] = (float)output(x, i, k, w);
}

static void outputs_of(const struct problem *p, const double *w, size_t i)
{
    for (size_t k = 0; k < p->outputs; k++)
        p->z[k] = output(p->x, i, k, w);
}

/* Mean loss and penalty at w; g (may be NULL) its gradient. */
static double value_at(const struct problem *p, const double *w, double *g)
{
    const struct weft_head_rows *x = p->x;
    size_t ld = x->width + 1;
    double sum = 0, penalty = 0, share = 1 / (double)p->labels;
    if (g)
        memset(g, 0, p->n * sizeof *g);
    for (size_t i = 0; i < x->n; i++) {
        if (isnan(p->target[i]))
            continue;
        outputs_of(p, w, i);
        sum += row_loss(p->z, p->outputs, (double)p->target[i]);
        for (size_t k = 0; k < p->outputs && g; k++) {
            for (size_t j = x->row[i]; j < x->row[i + 1]; j++)
                g[k * ld + x->column[j]] += share * p->z[k] * (double)x->value[j];
            g[k * ld + x->width] += share * p->z[k];
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        if (i % ld == x->width)
            continue;
        penalty += w[i] * w[i];
        if (g)
            g[i] += p->strength * share * w[i];
    }
    return share * (sum + p->strength * penalty / 2);
}

/* --- L-BFGS --- */

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

static double largest(const double *g, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabs(g[i]) > most ? fabs(g[i]) : most;
    return most;
}

/* The last steps and what they did to the gradient. */
struct memory {
    double *s[MEMORY], *y[MEMORY], rho[MEMORY];
    size_t used; /* in all */
};

/* d = -H g by the two-loop recursion. */
static void direction(const struct memory *m, const double *g, double *d, size_t n)
{
    double alpha[MEMORY];
    size_t first = m->used > MEMORY ? m->used - MEMORY : 0;
    for (size_t i = 0; i < n; i++)
        d[i] = -g[i];
    for (size_t k = m->used; k-- > first;) {
        size_t at = k % MEMORY;
        alpha[at] = m->rho[at] * dot(m->s[at], d, n);
        for (size_t i = 0; i < n; i++)
            d[i] -= alpha[at] * m->y[at][i];
    }
    if (m->used) {
        size_t at = (m->used - 1) % MEMORY;
        double by = 1 / (m->rho[at] * dot(m->y[at], m->y[at], n));
        for (size_t i = 0; i < n; i++)
            d[i] *= by;
    }
    for (size_t k = first; k < m->used; k++) {
        size_t at = k % MEMORY;
        double beta = m->rho[at] * dot(m->y[at], d, n);
        for (size_t i = 0; i < n; i++)
            d[i] += (alpha[at] - beta) * m->s[at][i];
    }
}

/* What a step taught, unless rounding ate it. */
static void remember(struct memory *m, const double *step, const double *was, const double *g, size_t n)
{
    size_t at = m->used % MEMORY;
    for (size_t i = 0; i < n; i++) {
        m->s[at][i] = step[i];
        m->y[at][i] = g[i] - was[i];
    }
    double sy = dot(m->s[at], m->y[at], n);
    if (!(sy > 1e-300))
        return;
    m->rho[at] = 1 / sy;
    m->used++;
}

/* Halves the step until the value falls enough (Armijo). False: there is no further way down that float64 can tell. */
static bool walk(const struct problem *p, double *w, double *d, double *value, const double *g, double *room)
{
    double slope = dot(d, g, p->n), by = 1;
    for (int k = 0; k < HALVINGS && slope < 0; k++, by /= 2) {
        for (size_t i = 0; i < p->n; i++)
            room[i] = w[i] + by * d[i];
        double now = value_at(p, room, NULL);
        if (!(now <= *value + 1e-4 * by * slope))
            continue;
        memcpy(w, room, p->n * sizeof *w);
        for (size_t i = 0; i < p->n; i++)
            d[i] *= by;
        *value = now;
        return true;
    }
    return false;
}

static size_t minimise(const struct problem *p, double *w)
{
    struct memory m = {.used = 0};
    double *g = WEFT_ARRAY(double, p->n), *was = WEFT_ARRAY(double, p->n), *d = WEFT_ARRAY(double, p->n),
           *room = WEFT_ARRAY(double, p->n);
    size_t steps = 0;
    for (int i = 0; i < MEMORY; i++) {
        m.s[i] = WEFT_ARRAY(double, p->n);
        m.y[i] = WEFT_ARRAY(double, p->n);
    }
    double value = value_at(p, w, g);
    while (steps < STEPS_MAX && largest(g, p->n) > smallest_gradient) {
        direction(&m, g, d, p->n);
        if (!walk(p, w, d, &value, g, room))
            break;
        memcpy(was, g, p->n * sizeof *was);
        value = value_at(p, w, g);
        remember(&m, d, was, g, p->n);
        steps++;
    }
    for (int i = 0; i < MEMORY; i++) {
        free(m.s[i]);
        free(m.y[i]);
    }
    free(g);
    free(was);
    free(d);
    free(room);
    return steps;
}

static struct problem problem(const struct weft_head_rows *x, const float *target, size_t outputs, double strength)
{
    struct problem p = {
        .x = x, .target = target, .outputs = outputs, .strength = strength, .n = outputs * (x->width + 1)};
    for (size_t i = 0; i < x->n; i++)
        p.labels += !isnan(target[i]);
    p.z = WEFT_ARRAY(double, outputs);
    return p;
}

size_t weft_linear_head_fit(const struct weft_head_rows *x, const float *target, size_t outputs, double strength,
                            double *w)
{
    struct problem p = problem(x, target, outputs, strength);
    size_t steps = p.labels ? minimise(&p, w) : 0;
    free(p.z);
    return steps;
}

double weft_linear_head_loss(const struct weft_head_rows *x, const float *target, size_t outputs, const double *w)
{
    struct problem p = problem(x, target, outputs, 0);
    double loss = p.labels ? value_at(&p, w, NULL) : NAN;
    free(p.z);
    return loss;
}

double weft_linear_head_wrong(const struct weft_head_rows *x, const float *target, size_t outputs, const double *w)
{
    struct problem p = problem(x, target, outputs, 0);
    size_t wrong = 0;
    for (size_t i = 0; i < x->n; i++) {
        if (isnan(target[i]))
            continue;
        outputs_of(&p, w, i);
        size_t best = 0;
        for (size_t k = 1; k < outputs; k++)
            best = p.z[k] > p.z[best] ? k : best;
        wrong += best != (size_t)target[i];
    }
    free(p.z);
    return (double)wrong / (double)(p.labels ? p.labels : 1);
}
