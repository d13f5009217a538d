/* confusion.h - how often each class was taken for which: accuracy and macro-F1, counted as they come. */
#ifndef WEFT_CONFUSION_H
#define WEFT_CONFUSION_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialise. */
struct weft_confusion {
    uint64_t *count; /* [n, n]: actual, predicted */
    size_t n;        /* classes met: the largest number + 1 */
    uint64_t total;
};
/* Classes are numbered from 0. */
void weft_confusion_add(struct weft_confusion *c, size_t actual, size_t predicted);
static inline uint64_t weft_confusion_at(const struct weft_confusion *c, size_t actual, size_t predicted)
{
    return actual < c->n && predicted < c->n ? c->count[actual * c->n + predicted] : 0;
}
/* The share that is right; NaN without any. */
double weft_confusion_accuracy(const struct weft_confusion *c);
/* The mean over classes that occur, as actual or as predicted, of F1 = 2 TP / (2 TP + FP + FN), as scikit-learn's
 * f1_score(average="macro"). */
double weft_confusion_macro_f1(const struct weft_confusion *c);
/* How often the most frequent actual class occurs, as a share: the accuracy of always saying it. */
double weft_confusion_majority(const struct weft_confusion *c);
/* Forgets the counts. */
void weft_confusion_clear(struct weft_confusion *c);
void weft_confusion_free(struct weft_confusion *c);

#endif
