/* linear_head.h - the linear head of the garment model: ridge regression of a quantity, multinomial logistic regression
 * of classes, to convergence.
 *
 * Minimises  1/n sum_i loss(W x_i + b, t_i) + strength / (2 n) |W|^2  over the n rows that have a label: cross-entropy
 * for classes, half the squared error for a quantity (so that strength is scikit-learn's alpha of Ridge, and 1 / C of
 * LogisticRegression). The bias bears no penalty. Found by L-BFGS (Liu & Nocedal 1989) in float64 until the largest
 * gradient is below 1e-6, from zeros: the result depends on the rows alone. */
#ifndef WEFT_LINEAR_HEAD_H
#define WEFT_LINEAR_HEAD_H

#include <stddef.h>
#include <stdint.h>

/* Rows without their zeros (names hashed, keys one-hot): row i has the entries at[row[i]] .. at[row[i + 1]).
 * Zero-initialise. */
struct weft_head_rows {
    size_t n, width, cap, row_cap;
    size_t *row;
    uint32_t *column;
    float *value;
};
void weft_head_rows_add(struct weft_head_rows *s, const float *x, size_t width);
void weft_head_rows_free(struct weft_head_rows *s);

/* w[outputs, width + 1], the bias last: a head's weights. target[i]: of row i, a class's number (outputs > 1) or a
 * quantity (outputs 1); NaN: missing. w is begun with (zeros, or the solution of another strength) and holds the
 * result. Returns how many steps it took. */
size_t weft_linear_head_fit(const struct weft_head_rows *x, const float *target, size_t outputs, double strength,
                            double *w);
/* Row i's outputs to z[outputs]: of classes logits. */
void weft_linear_head_outputs(const struct weft_head_rows *x, size_t i, size_t outputs, const double *w, float *z);
/* The mean loss over rows with a label, as minimised without the penalty; NaN: there is none. */
double weft_linear_head_loss(const struct weft_head_rows *x, const float *target, size_t outputs, const double *w);
/* The share of rows with a label whose likeliest class is another one. */
double weft_linear_head_wrong(const struct weft_head_rows *x, const float *target, size_t outputs, const double *w);

#endif
