/* demand_score.h - garment models applied to a products stream: what score does with one. */
#ifndef WEFT_DEMAND_SCORE_H
#define WEFT_DEMAND_SCORE_H

#include <stdbool.h>
#include <stddef.h>

#include "image/image.h"
#include "frame/run.h"

struct weft_demand_scorer;
/* Opens the models ("[NAME=]FILE" each), checks that they fit the stream, and writes the head of a demand stream.
 * held_out: of each model only the products that its training held out for validation. limits: of pictures; one beyond
 * them is missing, and counted. Frames are held until there is a batch of them, or no more are waiting: the program
 * must be one that `acknowledges`. */
int weft_demand_scorer_start(struct weft_run *run, char *const *items, size_t n, bool held_out,
                             const struct weft_image_limits *limits, struct weft_demand_scorer **out,
                             struct weft_err *e) WEFT_MUST_USE;
int weft_demand_scorer_frame(struct weft_run *run, struct weft_demand_scorer *s, struct weft_span frame,
                             struct weft_err *e) WEFT_MUST_USE;
/* What is still held. Says what was left out. */
int weft_demand_scorer_drain(struct weft_run *run, struct weft_demand_scorer *s, struct weft_err *e) WEFT_MUST_USE;
void weft_demand_scorer_free(struct weft_demand_scorer **s);

#endif
