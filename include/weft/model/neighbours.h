/* neighbours.h - what a product will do, by the products that are most like it: the baseline of the garment network.
 *
 * A product is [image_features | text_features], each part divided by its length (a part that is missing is zeros). The
 * k nearest by cosine vote for a class and average a quantity (as it is scaled); a neighbour without the label takes no
 * part, and nobody's vote counts as the mean.
 *
 * Model file: metadata of demand.h with "weft.model" = "neighbours" and "hidden" = 0, "neighbours" (k),
 * "image_features"; tensors "features" f32 [n, width] and "targets" f32 [n, heads] (a class's number or a scaled
 * quantity; NaN: missing). */
#ifndef WEFT_NEIGHBOURS_H
#define WEFT_NEIGHBOURS_H

#include "model/demand.h"

enum { WEFT_NEIGHBOURS_MAX = 1000 };

struct weft_neighbours;
/* Takes the shape over (its heads and the width of text_features; hidden 0), with room for n products. */
struct weft_neighbours *weft_neighbours_new(struct weft_demand_shape *s, size_t image_features, size_t k, size_t n);
void weft_neighbours_free(struct weft_neighbours **nb);
const struct weft_demand_shape *weft_neighbours_shape(const struct weft_neighbours *nb);
size_t weft_neighbours_image_features(const struct weft_neighbours *nb);
/* Floats of a product's row. */
size_t weft_neighbours_width(const struct weft_neighbours *nb);
/* A product's row; image and text may be NULL (missing). */
void weft_neighbours_row(const struct weft_neighbours *nb, const float *image, const float *text, float *row);
/* Keeps a product: row[width], target[heads]. */
void weft_neighbours_add(struct weft_neighbours *nb, const float *row, const float *target);
/* Row by row: out[rows, shape.out] as weft_demand_predict gives it (logarithms of the shares of votes). */
void weft_neighbours_predict(struct weft_neighbours *nb, const float *row, size_t rows, float *out);

/* As weft_demand_write and weft_demand_open. */
void weft_neighbours_write(struct weft_neighbours *nb, struct weft_st_writer *w);
int weft_neighbours_open(const struct weft_st *st, struct weft_neighbours **out, struct weft_err *e) WEFT_MUST_USE;

#endif
