/* products.h - the records of products/1 streams (schemas/products.json): one product a frame, with its photo.
 *
 * A frame: {"id": str, "keys": {name: str, …}, "name": str, "numbers": {name: real, …}, "labels": {name: str or real,
 * …}, "image": the bytes of the file (JPEG or PNG), "image_features": f32 [512], "text_features": f32 [768]}.
 * Everything but the id may be missing: an entry that is absent, nil or NaN is a missing value. Text labels are
 * classes, real ones are quantities. Stream attrs: "keys": [names], "numbers": [names], "labels": [names], and the
 * widths "image_features" and "text_features" once a filter has added them to the frames that have what they are made
 * of. */
#ifndef WEFT_PRODUCTS_H
#define WEFT_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/pack.h"
#include "frame/stream.h"

#define WEFT_PRODUCTS_SCHEMA "products/1"

enum { WEFT_PRODUCT_FIELDS = 32, WEFT_PRODUCT_FEATURES_MAX = 65536 };

struct weft_products_attrs {
    char **keys, **numbers, **labels; /* names, in order */
    size_t n_keys, n_numbers, n_labels;
    size_t image_features, text_features; /* floats; 0: not there */
};
int weft_products_attrs_read(const struct weft_head *h, struct weft_products_attrs *a,
                             struct weft_err *e) WEFT_MUST_USE;
/* Appends the attrs map. `extra` (may be empty): entries of the input's attrs that we do not know are kept. */
void weft_products_attrs_write(const struct weft_products_attrs *a, struct weft_span extra, struct weft_pack *b);
void weft_products_attrs_free(struct weft_products_attrs *a);

/* A label: a class, or a quantity, or neither (missing). */
struct weft_product_label {
    struct weft_span text; /* p == NULL: no class */
    double number;         /* NaN: no quantity */
};

/* One product, as views into its frame. Fields in the order of the attrs' names; p == NULL or NaN: missing. */
struct weft_product {
    struct weft_span id, name, image;
    struct weft_span key[WEFT_PRODUCT_FIELDS];
    double number[WEFT_PRODUCT_FIELDS];
    struct weft_product_label label[WEFT_PRODUCT_FIELDS];
    const float *image_features; /* [attrs.image_features], or NULL */
    const float *text_features;
    struct weft_span frame;
    struct weft_scratch scratch_image, scratch_text; /* owned: reuse the struct from frame to frame */
};
/* Decodes and checks against attrs. Reuse one zero-initialised struct; weft_product_free at the end. */
int weft_product_read(struct weft_span frame, const struct weft_products_attrs *a, struct weft_product *p,
                      struct weft_err *e) WEFT_MUST_USE;
void weft_product_free(struct weft_product *p);
/* Appends a frame without features (b is cleared first): what is missing is left out. */
void weft_product_write(const struct weft_product *p, const struct weft_products_attrs *a, struct weft_pack *b);

#endif
