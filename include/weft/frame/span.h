/* span.h - msgpack bytes from outside, walked with bounds checks and without allocation.
 *
 * Nothing else in weft reads raw msgpack: the walker checks every length, depth and count against the bytes that are
 * there, finds where a frame ends in linear time however the bytes arrive, and hands out views. A span that
 * weft_walk has accepted can be read by weft_value_next without further checks failing. */
#ifndef WEFT_SPAN_H
#define WEFT_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Bytes that belong to somebody else. */
struct weft_span {
    const uint8_t *p;
    size_t n;
};

enum { WEFT_MAX_DEPTH = 32 };

/* Walks one value; keeps its place when the bytes stop short, so that a value that arrives in pieces is walked
 * once. Zero-initialise before each value. */
struct weft_walker {
    size_t off;                    /* bytes walked */
    uint32_t depth;                /* open containers */
    uint64_t left[WEFT_MAX_DEPTH]; /* values still missing in each */
};

/* p[0..n) is the value's beginning as far as it is known (the same bytes as last time and more). Returns 1: the value
 * is w->off bytes long; 0: more bytes needed (at least w->off + 1); -1: not msgpack, too deep, or longer than `max`. */
int weft_walk(struct weft_walker *w, const uint8_t *p, size_t n, size_t max, struct weft_err *e) WEFT_MUST_USE;

enum weft_kind {
    WEFT_NIL,
    WEFT_BOOL,
    WEFT_UINT,
    WEFT_INT,
    WEFT_REAL,
    WEFT_STR,
    WEFT_BIN,
    WEFT_EXT,
    WEFT_ARRAY,
    WEFT_MAP
};

/* One value. Numbers: u, i (both when they fit; kind WEFT_INT is negative) and real (always). STR, BIN, EXT: `body` is
 * the payload. ARRAY, MAP: count elements or pairs, `body` their bytes. `whole` is the value with its header. */
struct weft_value {
    enum weft_kind kind;
    bool b;
    int8_t ext;
    uint32_t count;
    uint64_t u;
    int64_t i;
    double real;
    struct weft_span body, whole;
};

/* Reads the value at the front of *s and moves *s behind it. False at the end of the span (or bytes weft_walk has not
 * seen: never reads outside the span). */
bool weft_value_next(struct weft_span *s, struct weft_value *v);

/* The value of `key` in an encoded map (a `whole` span). False when it is not there or `map` is no map. */
bool weft_map_find(struct weft_span map, const char *key, struct weft_value *v);

/* Is v the string s? */
bool weft_value_is(const struct weft_value *v, const char *s);

#endif
