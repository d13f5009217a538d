/* child.h - another program on pipes, fed and read without ever blocking: what work runs.
 *
 * Its standard error is passed on line by line, and its last line is kept for the report. */
#ifndef WEFT_CHILD_H
#define WEFT_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "frame/span.h"

struct pollfd;
struct weft_child;

/* argv ends with NULL; looked up on PATH. name: put before its error lines. 66 when it can't be started. */
int weft_child_start(char *const *argv, const char *name, struct weft_child **out, struct weft_err *e) WEFT_MUST_USE;
/* Kills it if it still runs, and waits for it. */
void weft_child_stop(struct weft_child **c);

/* Bytes for its standard input: queued, written as it takes them. */
void weft_child_feed(struct weft_child *c, const void *p, size_t n);
/* No more input: its standard input is closed when all that was queued is written. */
void weft_child_finish(struct weft_child *c);

/* The descriptors to wait for: at most WEFT_CHILD_FDS; returns how many. */
enum { WEFT_CHILD_FDS = 3 };
size_t weft_child_poll(const struct weft_child *c, struct pollfd *fds);
/* Reads and writes what can be without waiting. */
void weft_child_move(struct weft_child *c);
/* 1: *map is the next whole map that came from it, valid until the next weft_child_move; 0: none yet; -1: what comes
 * from it is no stream. */
int weft_child_next(struct weft_child *c, struct weft_span *map, struct weft_err *e) WEFT_MUST_USE;
/* Its output has ended, and all maps were taken: *status is its exit status (128 + signal). */
bool weft_child_ended(struct weft_child *c, int *status);
/* The last line on its standard error. */
const char *weft_child_said(const struct weft_child *c);

#endif
