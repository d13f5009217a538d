/* predictions.h - the records of demand/1 streams (schemas/demand.json): what models say of products.
 *
 * A frame is what one model says of one product: the product's own fields without image and features, "model": str,
 * "predicted": {head: class or quantity} and "probabilities": {head: f32 [classes]}; of quantities also "medians"
 * (where predicted are means) and "low" and "high" (90 % intervals), {head: real}, and "part": "train", "valid" (held
 * out) or "new", where the model knows. Attrs: those of the products stream, and "models": [{"name", "heads": [{"name",
 * "classes": [texts]} or {"name", "mean", "std"}]}]; a quantity's scaled value is (log1p(x) - mean) / std. */
#ifndef WEFT_PREDICTIONS_H
#define WEFT_PREDICTIONS_H

#include "base/names.h"
#include "record/products.h"

#define WEFT_DEMAND_SCHEMA "demand/1"

enum { WEFT_PREDICTION_MODELS = 64 };

/* What a head says: one of the classes, or (classes == NULL) a quantity. */
struct weft_prediction_head {
    const char *name;
    const struct weft_name *classes; /* [n_classes]; for writing */
    size_t n_classes;
    double mean, std;
};
struct weft_prediction_model {
    const char *name;
    struct weft_prediction_head head[WEFT_PRODUCT_FIELDS];
    size_t n_heads;
};

/* --- writing --- */

/* Appends the attrs map. `extra`: attrs of the products stream. */
void weft_predictions_attrs_write(const struct weft_prediction_model *models, size_t n, struct weft_span extra,
                                  struct weft_pack *b);
/* What a model says of a product: class_of[head] is a class's number; quantities by head, of which all but `quantity`
 * may be NULL (not known), and a low or high of NaN is left out; probabilities: those of all classes, head after head;
 * part may be NULL. */
struct weft_prediction_said {
    const size_t *class_of;
    const double *quantity, *median, *low, *high;
    const float *probabilities;
    const char *part;
};
/* Appends a frame. edit is working room. */
int weft_prediction_write(const struct weft_prediction_model *m, const struct weft_prediction_said *said,
                          struct weft_span product, struct weft_edit *edit, struct weft_pack *b,
                          struct weft_err *e) WEFT_MUST_USE;

/* --- reading --- */

struct weft_predictions_attrs {
    struct weft_products_attrs products;
    struct weft_prediction_model *model; /* [n]; classes are not read, n_classes is */
    size_t n;
    char *texts; /* owned: the names */
};
int weft_predictions_attrs_read(const struct weft_head *h, struct weft_predictions_attrs *a,
                                struct weft_err *e) WEFT_MUST_USE;
void weft_predictions_attrs_free(struct weft_predictions_attrs *a);

struct weft_prediction {
    struct weft_product product;
    size_t model;                                                                            /* among attrs.model */
    struct weft_product_label predicted[WEFT_PRODUCT_FIELDS];                                /* of its heads */
    double median[WEFT_PRODUCT_FIELDS], low[WEFT_PRODUCT_FIELDS], high[WEFT_PRODUCT_FIELDS]; /* NaN: not there */
    double probability[WEFT_PRODUCT_FIELDS]; /* of the predicted class: the largest; NaN: not there */
    struct weft_span part;                   /* p == NULL: not there */
};
/* As weft_product_read: zero-initialise once, weft_product_free(&p->product) at the end. */
int weft_prediction_read(struct weft_span frame, const struct weft_predictions_attrs *a, struct weft_prediction *p,
                         struct weft_err *e) WEFT_MUST_USE;

#endif
