/* confusion.c - a confusion matrix that grows with the classes met. */
#include "measure/confusion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void widen(struct weft_confusion *c, size_t n)
{
    uint64_t *count = WEFT_ARRAY(uint64_t, n * n);
    for (size_t i = 0; i < c->n; i++)
        memcpy(count + i * n, c->count + i * c->n, c->n * sizeof *count);
    free(c->count);
    c->count = count;
    c->n = n;
}

void weft_confusion_add(struct weft_confusion *c, size_t actual, size_t predicted)
{
    size_t most = actual > predicted ? actual : predicted;
    if (most >= c->n) /* twofold, or thousands of classes that come one by one are copied for ever */
        widen(c, most + 1 > 2 * c->n ? most + 1 : 2 * c->n);
    c->count[actual * c->n + predicted]++;
    c->total++;
}

/* Of class k: how often it was right, how often it is, how often it was said. */
static void of_class(const struct weft_confusion *c, size_t k, uint64_t *right, uint64_t *actual, uint64_t *predicted)
{
    *right = c->count[k * c->n + k];
    *actual = *predicted = 0;
    for (size_t i = 0; i < c->n; i++) {
        *actual += c->count[k * c->n + i];
        *predicted += c->count[i * c->n + k];
    }
}

double weft_confusion_accuracy(const struct weft_confusion *c)
{
    uint64_t right = 0;
    for (size_t k = 0; k < c->n; k++)
        right += c->count[k * c->n + k];
    return c->total ? (double)right / (double)c->total : NAN;
}

double weft_confusion_macro_f1(const struct weft_confusion *c)
{
    double sum = 0;
    size_t classes = 0;
    for (size_t k = 0; k < c->n; k++) {
        uint64_t right, actual, predicted;
        of_class(c, k, &right, &actual, &predicted);
        if (actual + predicted) {
            sum += 2 * (double)right / (double)(actual + predicted);
            classes++;
        }
    }
    return classes ? sum / (double)classes : NAN;
}

double weft_confusion_majority(const struct weft_confusion *c)
{
    uint64_t most = 0;
    for (size_t k = 0; k < c->n; k++) {
        uint64_t right, actual, predicted;
        of_class(c, k, &right, &actual, &predicted);
        most = actual > most ? actual : most;
    }
    return c->total ? (double)most / (double)c->total : NAN;
}

void weft_confusion_clear(struct weft_confusion *c)
{
    if (c->n)
        memset(c->count, 0, c->n * c->n * sizeof *c->count);
    c->total = 0;
}

void weft_confusion_free(struct weft_confusion *c)
{
    free(c->count);
    *c = (struct weft_confusion){0};
}
