/* dispatch.h - which worker has which frame: the part of scatter that must never lose or double one, without any input
 * or output of its own.
 *
 * Frames get numbers from 0 on. A frame is waiting, sent to one worker, or finished; results leave in order of the
 * numbers (or as they come). When a worker is lost its frames wait again. A worker whose child failed had the culprit
 * among the frames it had: if there was one, it is blamed; else all of them are tried one at a time, until the one that
 * fails alone is found. A frame blamed `attempts` times is dead. Workers that vanish (kill -9, a cut link) blame nobody
 * until a frame has been lost `losses` times. */
#ifndef WEFT_DISPATCH_H
#define WEFT_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/span.h"

struct weft_dispatch_opts {
    size_t window; /* frames held at most: waiting, sent, or finished out of order */
    size_t credit; /* frames a worker may have at a time */
    int attempts;  /* failures of the child with this frame alone, after which it is dead */
    int losses;    /* losses of workers that had this frame alone, after which it is dead */
    bool unordered;
};

struct weft_dispatch_counts {
    uint64_t in, sent, done, retried, dead, duplicates;
    size_t held, in_flight, workers;
};

struct weft_dispatch;
struct weft_dispatch *weft_dispatch_new(const struct weft_dispatch_opts *o);
void weft_dispatch_free(struct weft_dispatch **d);

/* May another frame come in? */
bool weft_dispatch_room(const struct weft_dispatch *d);
/* Takes a copy of a frame; there must be room. */
void weft_dispatch_add(struct weft_dispatch *d, struct weft_span frame);

/* A new worker: its number, never given twice. */
size_t weft_dispatch_join(struct weft_dispatch *d);
/* The next frame for a worker, if it may have one: marks it as sent. *frame is valid until the frame is finished and
 * taken. */
bool weft_dispatch_next(struct weft_dispatch *d, size_t worker, uint64_t *number, struct weft_span *frame);
/* A worker's result for a frame: the maps it made of it, one after the other (copied). False, counted and otherwise
 * ignored, when this worker does not have the frame. */
bool weft_dispatch_done(struct weft_dispatch *d, size_t worker, uint64_t number, struct weft_span maps,
                        uint64_t rejected);
/* The worker's child failed (reason: what is known of it); the worker stays and has nothing any more. */
void weft_dispatch_failed(struct weft_dispatch *d, size_t worker, const char *reason);
/* The worker is gone. */
void weft_dispatch_lost(struct weft_dispatch *d, size_t worker, const char *reason);
size_t weft_dispatch_in_flight(const struct weft_dispatch *d, size_t worker);

/* The next finished frame: its maps, or, when it is dead, the frame itself and the last reason. Valid until the next
 * call of anything here. */
struct weft_dispatch_result {
    uint64_t number, rejected;
    bool dead;
    struct weft_span frame, maps;
    const char *reason;
};
bool weft_dispatch_take(struct weft_dispatch *d, struct weft_dispatch_result *r);
/* Nothing waits, is sent, or is finished and not taken. */
bool weft_dispatch_idle(const struct weft_dispatch *d);
void weft_dispatch_count(const struct weft_dispatch *d, struct weft_dispatch_counts *c);

#endif
