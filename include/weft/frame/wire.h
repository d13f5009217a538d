/* wire.h - a stream over a ZeroMQ socket: one map is one message, and both sides know of each other
 * (schemas/protocol.md).
 *
 * Who connects says hello with its role; who listens answers go, or no with a reason. Nothing of the stream is sent
 * before. The reader answers a verified tail with done, and a writer ends only after that: what it sent has arrived.
 * One writer and one reader, or N writers and one reader that listens. */
#ifndef WEFT_WIRE_H
#define WEFT_WIRE_H

#include "frame/socket.h"
#include "frame/span.h"

struct weft_wire_opts {
    struct weft_socket_opts socket;
    int wait_ms;   /* how long to wait for the other side to appear */
    int producers; /* reader that listens: writers to merge */
};

struct weft_wire_reader;
int weft_wire_reader_open(const char *endpoint, const struct weft_wire_opts *o, struct weft_wire_reader **out,
                          struct weft_err *e) WEFT_MUST_USE;
/* 1: a message of writer *producer (0 <= producer < producers), valid until the next call; 0: all writers are done; -1:
 * 69 when a writer went before its tail, or none came. */
int weft_wire_reader_next(struct weft_wire_reader *r, int *producer, struct weft_span *message,
                          struct weft_err *e) WEFT_MUST_USE;
/* The tail of this writer was good: it may go. */
int weft_wire_reader_done(struct weft_wire_reader *r, int producer, struct weft_err *e) WEFT_MUST_USE;
bool weft_wire_reader_ready(struct weft_wire_reader *r);
void weft_wire_reader_close(struct weft_wire_reader **r);

struct weft_wire_writer;
int weft_wire_writer_open(const char *endpoint, const struct weft_wire_opts *o, struct weft_wire_writer **out,
                          struct weft_err *e) WEFT_MUST_USE;
/* One whole map. Waits while the reader is slow; 69 when it is gone. */
int weft_wire_writer_send(struct weft_wire_writer *w, const void *p, size_t n, struct weft_err *e) WEFT_MUST_USE;
/* Waits for the reader's done. */
int weft_wire_writer_finish(struct weft_wire_writer *w, struct weft_err *e) WEFT_MUST_USE;
/* What is still to be sent is a fault: two seconds for that, and none when nobody was let in or the reader is gone. */
void weft_wire_writer_hurry(struct weft_wire_writer *w);
void weft_wire_writer_close(struct weft_wire_writer **w);

#endif
