/* schema.h - checks values against schemas/NAME.json (a subset of JSON Schema), which are compiled in.
 *
 * A schema file: {"$id": "series/1", "title", "description", "x-attrs": SCHEMA of the head's attrs, and the keywords of
 * the frame's own schema}. Keywords: type, required, properties, additionalProperties, items, minItems, maxItems, enum,
 * const, minimum, maximum, format (a comment), and "x-tensor": {"dtype": name or list of names, "rank": n}. title,
 * description, $id, $schema, examples and $comment say nothing. Any other keyword makes the schema unusable: a checker
 * that ignores what it does not know checks nothing. */
#ifndef WEFT_SCHEMA_H
#define WEFT_SCHEMA_H

#include "base/json.h"
#include "frame/span.h"

struct weft_schema;

/* The compiled-in schema of "series/1"; NULL and an error when there is none or it is unusable. */
struct weft_schema *weft_schema_find(const char *id, struct weft_err *e);
/* Whether every compiled-in schema can be used; *n is their number. */
int weft_schemas_check(size_t *n, struct weft_err *e);
struct weft_schema *weft_schema_parse(const char *text, size_t n, struct weft_err *e);
void weft_schema_free(struct weft_schema **s);

/* 0, or -1 with the path of the first thing that does not fit ("values: a tensor of rank 1, not 2"). */
int weft_schema_check_attrs(const struct weft_schema *s, struct weft_span attrs, struct weft_err *e) WEFT_MUST_USE;
int weft_schema_check_frame(const struct weft_schema *s, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;

#endif
