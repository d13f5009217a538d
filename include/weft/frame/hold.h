/* hold.h - frames that wait in an unnamed temporary file (in $TMPDIR, else /tmp) until it is sure that they may go. */
#ifndef WEFT_HOLD_H
#define WEFT_HOLD_H

#include <stdint.h>

#include "base/err.h"
#include "frame/span.h"

struct weft_hold;
/* 73 when there is no place for the file. */
int weft_hold_new(struct weft_hold **out, struct weft_err *e) WEFT_MUST_USE;
void weft_hold_free(struct weft_hold **h);
/* 74 when the disk is full. */
int weft_hold_put(struct weft_hold *h, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* The frames in the order in which they came, after the last put: 1: *frame is the next one, valid until the next call;
 * 0: the end; -1. */
int weft_hold_next(struct weft_hold *h, struct weft_span *frame, struct weft_err *e) WEFT_MUST_USE;

#endif
