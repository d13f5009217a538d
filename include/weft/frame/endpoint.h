/* endpoint.h - where a stream's bytes come from and go to, behind one small interface (stream.c is its only user).
 *
 * "-" is standard input or output; tcp://, ipc://, bind+tcp:// and bind+ipc:// are ZeroMQ sockets (wire.h); anything
 * else is a path. Output files are written whole or not at all (file.h). */
#ifndef WEFT_ENDPOINT_H
#define WEFT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "frame/wire.h"

struct weft_source;
int weft_source_open(const char *endpoint, const struct weft_wire_opts *o, struct weft_source **out,
                     struct weft_err *e) WEFT_MUST_USE;
/* The socket behind it, whose messages are whole maps; NULL: a descriptor, whose bytes weft_source_read gives. */
struct weft_wire_reader *weft_source_wire(struct weft_source *s);
/* Up to n bytes: > 0 so many, 0 end, -1 error. */
long weft_source_read(struct weft_source *s, void *p, size_t n, struct weft_err *e) WEFT_MUST_USE;
/* Would read() return at once? */
bool weft_source_ready(struct weft_source *s);
void weft_source_close(struct weft_source **s);

struct weft_sink;
/* A terminal is refused. */
int weft_sink_open(const char *endpoint, const struct weft_wire_opts *o, struct weft_sink **out,
                   struct weft_err *e) WEFT_MUST_USE;
/* Does it take one map a call (a socket), rather than any bytes? */
bool weft_sink_by_map(const struct weft_sink *s);
/* All n bytes. EPIPE ends the program as SIGPIPE does (weft_die_of_sigpipe). */
int weft_sink_write(struct weft_sink *s, const void *p, size_t n, struct weft_err *e) WEFT_MUST_USE;
/* Everything is written: a file appears under its name; a socket's reader has verified it. */
/* Only a fault is to come: a socket waits for its reader no longer than it must. */
void weft_sink_hurry(struct weft_sink *s);
int weft_sink_commit(struct weft_sink *s, struct weft_err *e) WEFT_MUST_USE;
bool weft_sink_is_file(const struct weft_sink *s);
/* Without a commit before it, a file is removed. */
void weft_sink_close(struct weft_sink **s);

/* Removes temporary files and dies of SIGPIPE, quietly. */
_Noreturn void weft_die_of_sigpipe(void);

#endif
