/* demand_data.h - products as the garment network sees them: rows of its input, targets, pictures; and all of a
 * training in memory.
 *
 * A training holds every product's frame as it came (so pictures stay compressed), without the fields that are not
 * learned from. */
#ifndef WEFT_DEMAND_DATA_H
#define WEFT_DEMAND_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/augment.h"
#include "model/demand.h"
#include "frame/pack.h"
#include "base/par.h"
#include "record/products.h"

/* --- one product after the other --- */

/* How a stream's products become rows of a network of this shape. */
struct weft_demand_encoder {
    const struct weft_demand_shape *shape; /* not owned */
    size_t input[WEFT_DEMAND_FIELDS];      /* each input's place among the attrs' numbers or keys */
    size_t label[WEFT_DEMAND_FIELDS];      /* each head's among the labels; SIZE_MAX: the stream has none */
    struct weft_image_prepare how;
    struct weft_par *par; /* not owned; NULL: one thread */
    bool broken_is_missing;
    uint64_t broken;
    struct weft_image_job *jobs;
    size_t cap;
};
/* 78 when the stream lacks what the network reads. */
int weft_demand_encoder_start(struct weft_demand_encoder *c, const struct weft_demand_shape *s,
                              const struct weft_products_attrs *a, struct weft_err *e) WEFT_MUST_USE;
void weft_demand_encoder_free(struct weft_demand_encoder *c);
/* One row: side[shape.side]. */
void weft_demand_encode(const struct weft_demand_encoder *c, const struct weft_product *p, float *side);
/* Of head k: a class's number or a scaled quantity; NaN when the label is missing or of a class that the network does
 * not know. */
float weft_demand_target(const struct weft_demand_encoder *c, size_t k, const struct weft_product *p);
/* A label as a class's text: its own, or a number's shortest; p == NULL when it is missing. buf is room for a number.
 */
struct weft_span weft_demand_class(const struct weft_product_label *l, char buf[32]);
/* Pictures of n products to pixels[n, 3, size, size]; one that is missing becomes zeros. A broken one is an error that
 * names the product, or is counted and missing. */
struct weft_demand_picture {
    struct weft_span id, bytes;
};
int weft_demand_pixels(struct weft_demand_encoder *c, const struct weft_demand_picture *p, size_t n, float *pixels,
                       struct weft_err *e) WEFT_MUST_USE;

/* --- a training's products --- */

struct weft_demand_set {
    struct weft_products_attrs attrs;
    struct weft_demand_encoder encoder;
    struct weft_pack *frame; /* [n] */
    size_t n, cap;
    float *target; /* [n, heads] */
    uint32_t *train, *valid;
    size_t n_train, n_valid;
    uint64_t *place;      /* [n]: the number drawn for each, by which it is held out; one for a value of valid_by */
    uint64_t valid_below; /* products whose ids' hash lies below are for validation */
    size_t images, names; /* how many have one */
    const char *valid_by; /* products of one value of this key are held out together; NULL: each by itself. Not owned */
    int64_t valid_from;   /* with `dated`: those whose key "date" is this day or later are held out */
    bool dated;
    size_t undated; /* products to train on without such a day */
    bool
        paper; /* inputs are scaled as the paper's network has them: each text feature by itself, numbers as they are */
    struct weft_demand_zeros {
        size_t labels, zeros;
        double least;            /* above 0 */
    } zeros[WEFT_DEMAND_FIELDS]; /* of quantities to train on, by head */
    struct weft_product product;
    struct weft_edit edit;
    struct weft_demand_picture *pictures;
    size_t pictures_cap;
};
/* What is learned and from what: heads "NAME:ce|focal|mse[:WEIGHT]" (mse_weight: that of an mse without one; labels
 * that the stream lacks are left out unless `strict`, or none is there) and inputs (names of numbers and keys); inputs
 * that the stream lacks are left out unless `strict`. 64, or 78 when the stream lacks a label. */
int weft_demand_choose_heads(struct weft_demand_shape *s, char *const *items, size_t n, double mse_weight, bool strict,
                             const struct weft_products_attrs *a, struct weft_err *e) WEFT_MUST_USE;
int weft_demand_choose_inputs(struct weft_demand_shape *s, char *const *items, size_t n,
                              const struct weft_products_attrs *a, bool strict, struct weft_err *e) WEFT_MUST_USE;
/* Keeps a frame: image_features for a shape without a network, pictures and text_features as the shape has them. */
int weft_demand_set_add(struct weft_demand_set *d, const struct weft_demand_shape *s, struct weft_span frame,
                        struct weft_err *e) WEFT_MUST_USE;
/* All are there: puts them in the order of the hashes of their ids and splits them by it (or as valid_by or valid_from
 * say), finds vocabularies, scales and (balanced) class weights on the train part, and places the shape. */
int weft_demand_set_fit(struct weft_demand_set *d, struct weft_demand_shape *s, double valid, bool balanced,
                        struct weft_err *e) WEFT_MUST_USE;
/* From now on products are encoded for this shape (the network's own, which must outlive the set's use). */
int weft_demand_set_use(struct weft_demand_set *d, const struct weft_demand_shape *s, struct weft_err *e) WEFT_MUST_USE;
/* Products at[0..n) as a batch; augment NULL: pictures as they are, else changed as (seed, product, epoch) says. pixels
 * is unused without images. */
int weft_demand_set_batch(struct weft_demand_set *d, const uint32_t *at, size_t n, const struct weft_augment *augment,
                          uint64_t seed, uint64_t epoch, float *pixels, float *side, float *target,
                          struct weft_err *e) WEFT_MUST_USE;
/* The same without pictures. */
int weft_demand_set_side(struct weft_demand_set *d, const uint32_t *at, size_t n, float *side, float *target,
                         struct weft_err *e) WEFT_MUST_USE;
/* A hash of all frames. */
uint64_t weft_demand_set_hash(const struct weft_demand_set *d);
size_t weft_demand_set_bytes(const struct weft_demand_set *d);
void weft_demand_set_free(struct weft_demand_set *d);
/* What is kept of an id: 64 bits. */
uint64_t weft_demand_hash(struct weft_span id);
/* Adds the ids' hashes to a model file, sorted: tensors "ids.train" and "ids.valid" I64, so that a model knows what it
 * learned from. The room they are in is the caller's to free, after the file is saved. */
void *weft_demand_set_write_ids(struct weft_demand_set *d, struct weft_st_writer *w);
/* Is this product for validation, in a model that does not know its ids? */
bool weft_demand_is_valid(struct weft_span id, uint64_t valid_below);

#endif
