/* view.h - frames as text: JSON lines both ways, CSV one way.
 *
 * In JSON a tensor is an object with one member named by its element type, {"f32": [[1, null], [2, 3]]}, a missing
 * value null, and bytes {"bin": "base64"}: nothing is lost, and weft_view_parse gives back the same bytes (maps with
 * exactly such a single member can't be told from tensors; no schema of ours has one). */
#ifndef WEFT_VIEW_H
#define WEFT_VIEW_H

#include <stdio.h>

#include "base/json.h"
#include "frame/pack.h"
#include "frame/stream.h"

/* Prints one encoded value as JSON on one line, without a newline. Tensors and bytes longer than `max` elements are cut
 * and say so; 0: whole. */
void weft_view_json(FILE *f, struct weft_span value, size_t max);

/* Packs a JSON value, undoing what weft_view_json does. 65 when a tensor is ragged or holds other things than numbers.
 */
int weft_view_pack(const weft_json *j, struct weft_pack *b, struct weft_err *e) WEFT_MUST_USE;

/* Shortest decimal text that reads back as the same float; NaN is "". buf of 32. */
const char *weft_float_text(float x, char buf[32]);

/* One text as a CSV field (RFC 4180: quoted when it must be). */
void weft_csv_put(FILE *f, const char *p, size_t n);

#endif
