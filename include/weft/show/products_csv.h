/* products_csv.h - products and demand streams as CSV: a row a frame, the columns that the head names, empty where a
 * value is missing. */
#ifndef WEFT_PRODUCTS_CSV_H
#define WEFT_PRODUCTS_CSV_H

#include <stdio.h>

#include "base/names.h"
#include "record/predictions.h"

/* Zero-initialise. */
struct weft_products_csv {
    struct weft_predictions_attrs attrs; /* of a products stream: without models */
    struct weft_prediction p;
    struct weft_names heads; /* of all models */
    bool *classes;           /* [heads] */
};
/* From the head of a stream: id, keys_NAME…, name, numbers_NAME…, labels_NAME…, and of a demand stream model,
 * predicted_NAME…, probability_NAME (of the class) or low_NAME and high_NAME for each, and part. */
int weft_products_csv_start(struct weft_products_csv *c, const struct weft_head *h, struct weft_err *e) WEFT_MUST_USE;
void weft_products_csv_head(const struct weft_products_csv *c, FILE *f);
int weft_products_csv_row(struct weft_products_csv *c, struct weft_span frame, FILE *f,
                          struct weft_err *e) WEFT_MUST_USE;
void weft_products_csv_free(struct weft_products_csv *c);

#endif
