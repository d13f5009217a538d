/* hierarchy.h - forecasts frames of several levels as the nodes of a tree.
 *
 * A frame's level is its field "level", which aggregate writes ("store", "major/brand", "all"); without one it is of
 * the lowest level (products, mostly). Within a level the id names a node. Its parent is the node of the level above
 * whose id is the child's own values of that level's keys, joined by "/" as aggregate joins them ("(none)" for one that
 * it lacks; "all" for the level all). */
#ifndef WEFT_HIERARCHY_H
#define WEFT_HIERARCHY_H

#include "record/forecasts.h"

struct weft_hierarchy;

/* levels: from the top down; n_levels 0: those that come, by their numbers of nodes. */
struct weft_hierarchy *weft_hierarchy_new(char *const *levels, size_t n_levels);
void weft_hierarchy_free(struct weft_hierarchy **h);
/* The head of the stream from which the next frames come. All streams must have the same step, horizon, season, scale
 * and quantiles (78); keys and channels may differ. */
int weft_hierarchy_head(struct weft_hierarchy *h, const struct weft_head *head, struct weft_err *e) WEFT_MUST_USE;
/* One frame: checked and copied. */
int weft_hierarchy_add(struct weft_hierarchy *h, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;

/* After the last frame: finds levels, nodes and parents. 65 when a node has no parent, an inner node no children or
 * other members than its children have, when a forecast is missing or stands twice and differs. */
int weft_hierarchy_finish(struct weft_hierarchy *h, struct weft_err *e) WEFT_MUST_USE;
uint64_t
weft_hierarchy_unnamed(const struct weft_hierarchy *h); /* frames left out: of levels that are not among those given */
uint64_t
weft_hierarchy_again(const struct weft_hierarchy *h); /* frames left out: the same, byte for byte, as one before */
/* What all streams share; keys and channels are those of any. */
const struct weft_forecasts_attrs *weft_hierarchy_attrs(const struct weft_hierarchy *h);
size_t weft_hierarchy_n_levels(const struct weft_hierarchy *h);
const char *weft_hierarchy_level(const struct weft_hierarchy *h, size_t level);

/* Nodes, parents before their children. */
size_t weft_hierarchy_nodes(const struct weft_hierarchy *h);
const size_t *weft_hierarchy_parents(const struct weft_hierarchy *h); /* [nodes]; SIZE_MAX: a root */
size_t weft_hierarchy_level_of(const struct weft_hierarchy *h, size_t node);

/* Sheets: what one model says of one channel, part and run of windows; each has one frame a node. */
size_t weft_hierarchy_sheets(const struct weft_hierarchy *h);
const struct weft_span *weft_hierarchy_frames(const struct weft_hierarchy *h, size_t sheet); /* [nodes] */

#endif
