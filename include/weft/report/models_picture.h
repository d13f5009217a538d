/* models_picture.h - the forecasts of several models for one series as one SVG picture: what was sold up to the end of
 * its last window, and what each model said of that window. */
#ifndef WEFT_MODELS_PICTURE_H
#define WEFT_MODELS_PICTURE_H

#include <stdio.h>

#include "record/forecasts.h"

struct weft_models_picture;

/* Of the series that comes first. attrs: of the stream; it must outlive the picture. */
struct weft_models_picture *weft_models_picture_new(const struct weft_forecasts_attrs *attrs);
void weft_models_picture_free(struct weft_models_picture **p);
/* One frame of the stream: of the series, in the channel that comes first; others are passed over. */
int weft_models_picture_add(struct weft_models_picture *p, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* WEFT_DATA when no forecast came. */
int weft_models_picture_write(const struct weft_models_picture *p, FILE *f, struct weft_err *e) WEFT_MUST_USE;

#endif
