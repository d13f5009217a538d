/* feed.h - a stream read by a thread of its own, so that whoever takes its frames never waits for them. */
#ifndef WEFT_FEED_H
#define WEFT_FEED_H

#include <stdbool.h>

#include "frame/stream.h"

struct weft_feed;
/* Opens `input` (as weft_reader_open) and reads its head; the thread begins at once and holds at most 64 frames. */
int weft_feed_open(const char *input, const struct weft_stream_opts *o, struct weft_feed **out,
                   struct weft_err *e) WEFT_MUST_USE;
const struct weft_head *weft_feed_head(const struct weft_feed *f);
/* Gives the frames that came to `take`, in order, while `room` says yes. 1: the stream has ended, verified, and all of
 * it was taken; 0: more may come; -1. */
int weft_feed_take(struct weft_feed *f, bool (*room)(void *ctx), void (*take)(void *ctx, struct weft_span frame),
                   void *ctx, struct weft_err *e) WEFT_MUST_USE;
/* Becomes readable when something came; weft_feed_heard makes it quiet again. */
int weft_feed_fd(const struct weft_feed *f);
void weft_feed_heard(struct weft_feed *f);
/* The reader of a stream that has ended, well or badly, now the caller's; NULL while it is still being read. */
struct weft_reader *weft_feed_reader(struct weft_feed *f);
/* A feed whose thread still waits for input can't be freed: it then ends with the process. */
void weft_feed_close(struct weft_feed **f);

#endif
