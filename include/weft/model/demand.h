/* demand.h - the garment network: photo, name and what is known of a product to classes and quantities.
 *
 *     x = [ResNet18's 512 features | text features | numbers | keys one-hot]     fc1, ReLU, dropout     fc2: every
 * head's logits or value
 *
 * The loss is the weighted sum of the heads' means over the labels that are there: L = CE(gender) + FL(age) + 0.01
 * MSE(views) + 0.01 MSE(sales) in the paper, with weights of 1 here. Every block of x has the norm of one key, whatever
 * its width: text features are divided by the root mean square of their rows' norms, ResNet18's by sqrt(512) (batch
 * norm leaves each about 1), numbers are standardised and share one norm, the price as log1p. (The paper's recipe
 * divides text features by the root mean square of single ones, and takes numbers and photo as they are.) Quantities
 * are learned as (log1p(x) - mean) / std. A missing number is the mean, a missing or unknown key a row of zeros,
 * missing text zeros, a missing photo the grey that normalises to zeros.
 *
 * Beside the network stands a linear head on all of x but the photo (linear_head.h): classes get softmax(heat (mix log
 * p_network + (1 - mix) log p_linear)), quantities mix y_network + (1 - mix) y_linear, with mix and heat of each head
 * from the products held out.
 *
 * Model file: metadata "weft.model" = "demand", "inputs", "heads" (JSON: names, vocabularies, scales), "image" (0|1),
 * "image_size", "text_features", "text_scale", "hidden", and every option that changed it; tensors backbone.*
 * (torchvision's names), fc1.weight [hidden, in], fc1.bias, fc2.weight [out, hidden], fc2.bias as torch.nn.Linear has
 * them; with a linear head "linear" [out, side + 1], the bias last. */
#ifndef WEFT_DEMAND_H
#define WEFT_DEMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/names.h"
#include "base/par.h"
#include "model/resnet18.h"
#include "nn/safetensors.h"

enum {
    WEFT_DEMAND_FIELDS = 32,
    WEFT_DEMAND_VALUES_MAX = 4096,
    WEFT_DEMAND_HIDDEN_MAX = 8192,
    WEFT_DEMAND_TEXT_MAX = 65536
};

enum weft_demand_loss { WEFT_DEMAND_CE, WEFT_DEMAND_FOCAL, WEFT_DEMAND_MSE };

/* What is known: a number (its mean and std on the train part), or a key (the values met there). */
struct weft_demand_input {
    char *name;
    bool key, log; /* log: a number enters as log1p (below 0 as 0) */
    struct weft_names values;
    double mean, std;
    size_t at; /* first column, counted behind the image's features */
};
/* What is learned. Classes: their texts, and a weight each (NULL: 1). Quantities: scaled = (log1p(x) - mean) / std.
 * smear: the sum of 1 + x over that of exp(predicted logarithm), on products that were not learned from: what turns
 * medians into means (0: not known; Duan 1983 has the like). */
struct weft_demand_head {
    char *name;
    enum weft_demand_loss loss;
    double weight;
    struct weft_names classes;
    float *class_weight;
    double mean, std, smear;
    double low, high; /* scaled: in 90 of 100 cases a quantity less its prediction lies between (low < high; both 0: not
                         known) */
    double mix,
        heat; /* with a linear head: the network's share, and what logarithms of probabilities are multiplied with */
    size_t at, width; /* columns of the output */
};
struct weft_demand_shape {
    bool image;
    size_t image_size, text, hidden; /* hidden 0: no network, but neighbours.h */
    double text_scale;               /* text features are multiplied with it */
    double dropout, gamma;
    struct weft_demand_input input[WEFT_DEMAND_FIELDS];
    struct weft_demand_head head[WEFT_DEMAND_FIELDS];
    size_t n_inputs, n_heads;
    size_t side, out; /* columns of x behind the image's features, and of the output; by weft_demand_shape_place */
};
/* Places inputs and heads; 78 when there is nothing to learn from. */
int weft_demand_shape_place(struct weft_demand_shape *s, struct weft_err *e) WEFT_MUST_USE;
void weft_demand_shape_free(struct weft_demand_shape *s);
static inline bool weft_demand_classifies(const struct weft_demand_head *h)
{
    return h->loss != WEFT_DEMAND_MSE;
}
/* "ce", "focal" or "mse" as enum weft_demand_loss; -1: none of them. */
int weft_demand_loss_find(const char *name, size_t n);
/* To and from a model file's metadata; reading checks everything (a shape that could not be read must be freed all the
 * same). */
void weft_demand_shape_write(const struct weft_demand_shape *s, struct weft_st_writer *w);
int weft_demand_shape_read(const struct weft_st *st, struct weft_demand_shape *s, struct weft_err *e) WEFT_MUST_USE;
/* A quantity as it is learned, and back (never below 0); NaN stays NaN. */
double weft_demand_scaled(const struct weft_demand_head *h, double quantity);
double weft_demand_quantity(const struct weft_demand_head *h, double scaled);
/* The mean of what a prediction stands for, where weft_demand_quantity is about its median; the same without a smear.
 */
double weft_demand_mean(const struct weft_demand_head *h, double scaled);
/* Writes one input's columns into a row of `side` floats (zeroed before). */
void weft_demand_put_number(const struct weft_demand_input *in, double x, float *side);
void weft_demand_put_key(const struct weft_demand_input *in, const void *text, size_t n, float *side);
void weft_demand_put_text(const struct weft_demand_shape *s, const float *features, float *side);

/* --- the network --- */

struct weft_demand;
/* Takes the shape over (the caller's is emptied); all weights are zero until init or load. */
int weft_demand_new(struct weft_demand_shape *s, int threads, enum weft_dnn_type type, struct weft_demand **out,
                    struct weft_err *e) WEFT_MUST_USE;
void weft_demand_free(struct weft_demand **d);
const struct weft_demand_shape *weft_demand_shape_of(const struct weft_demand *d);
/* As PyTorch begins. */
void weft_demand_init(struct weft_demand *d, uint64_t seed);
/* The ResNet18 inside; NULL: without images. */
struct weft_resnet18 *weft_demand_backbone(struct weft_demand *d);
/* From a file; everything in it is checked. */
int weft_demand_open(const struct weft_st *st, int threads, enum weft_dnn_type type, struct weft_demand **out,
                     struct weft_err *e) WEFT_MUST_USE;
/* Adds metadata and tensors; the network must outlive the writer and not change before it has saved. */
void weft_demand_write(struct weft_demand *d, struct weft_st_writer *w);

/* n products. */
struct weft_demand_batch {
    size_t n;
    const float *pixels; /* [n, 3, image_size, image_size], normalised; unused without images */
    const float *side;   /* [n, side] */
    const float *target; /* [n, heads]: a class's number or a scaled quantity; NaN: missing. For losses alone */
};
/* out[n, out]: logits and scaled quantities. A product's row does not depend on the batch. */
int weft_demand_predict(struct weft_demand *d, const struct weft_demand_batch *b, float *out,
                        struct weft_err *e) WEFT_MUST_USE;
/* Loss of the batch, head by head: loss[heads] gets sums over the labels that are there, count[heads] their number
 * (both are added to). */
void weft_demand_losses(const struct weft_demand_shape *s, const struct weft_demand_batch *b, const float *out,
                        double *loss, size_t *count);

/* --- training --- */

/* Begins training, also anew: moments of zero. par may be NULL. */
void weft_demand_learn(struct weft_demand *d, double lr, uint64_t seed, struct weft_par *par);
/* ResNet18 learns at a rate of its own; after weft_demand_learn. */
void weft_demand_backbone_rate(struct weft_demand *d, double lr);
/* Keeps the weights as they are (also ResNet18's running statistics), and puts what was kept back. They are written and
 * read with the state. */
void weft_demand_keep(struct weft_demand *d);
void weft_demand_restore(struct weft_demand *d);
/* What is found after the training, and goes into the model file: the linear head's weights w[out, side + 1] (copied),
 * and head k's mix, heat, smear, low and high as they are in `h`. */
void weft_demand_set_linear(struct weft_demand *d, const float *w);
void weft_demand_set_found(struct weft_demand *d, size_t k, const struct weft_demand_head *h);
/* Row by row: the network's out[n, out] becomes the blend with the linear head on side[n, side]; without one nothing
 * changes. */
void weft_demand_blend(const struct weft_demand *d, const float *side, size_t n, float *out);
/* One step of Adam; out[n, out] is what the network said (with dropout). The loss is returned in *loss. 65 when it is
 * no finite number: nothing was updated but ResNet18's running statistics. */
int weft_demand_step(struct weft_demand *d, const struct weft_demand_batch *b, float *out, double *loss,
                     struct weft_err *e) WEFT_MUST_USE;
/* The gradients of the last step: fc1 and fc2 in PyTorch's layout, one behind the other (weight, bias, weight, bias);
 * for tests. */
void weft_demand_gradients(const struct weft_demand *d, float *fc);
/* What a checkpoint needs beside the model's own tensors: moments and the number of steps. */
void weft_demand_write_state(struct weft_demand *d, struct weft_st_writer *w);
/* Weights and state from a checkpoint of the same shape. */
int weft_demand_read_state(struct weft_demand *d, const struct weft_st *st, struct weft_err *e) WEFT_MUST_USE;
/* Bytes held while training. */
size_t weft_demand_bytes(const struct weft_demand *d);

#endif
