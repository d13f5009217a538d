/* stream.h - weft streams: head, frames, tail or fault.
 *
 * A reader checks everything a whole stream promises: version, schema, frame sizes, count and checksum in the tail.
 * What a program above reports as a fault, or an end without a tail, comes out as an error with code 76. */
#ifndef WEFT_STREAM_H
#define WEFT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/pack.h"
#include "frame/span.h"
#include "frame/wire.h"

enum { WEFT_STREAM_VERSION = 1 };
#define WEFT_FRAME_MAX_DEFAULT ((size_t)256 << 20)

/* The head of a stream. Spans point into the reader and live as long as it. */
struct weft_head {
    char schema[64];          /* "series/1" */
    struct weft_span attrs;   /* encoded map */
    struct weft_span lineage; /* encoded array of {program, version, args} */
};

/* Is its schema "name/VERSION", of any version? A version behind the name given is not looked at. */
/* Do the attrs of two streams agree, so that they are one when joined? What says how a table was read ("coverage",
 * "columns") may differ. */
bool weft_attrs_agree(struct weft_span a, struct weft_span b);
bool weft_head_is(const struct weft_head *h, const char *name);
/* Attribute access. False when it is missing or of another kind. */
bool weft_attr_int(const struct weft_head *h, const char *key, int64_t *out);
bool weft_attr_real(const struct weft_head *h, const char *key, double *out);
bool weft_attr_str(const struct weft_head *h, const char *key, char *out, size_t cap);
/* Array of strings: *items is one allocation (pointers and texts), freed with free(). */
bool weft_attr_strs(const struct weft_head *h, const char *key, char ***items, size_t *n);

struct weft_reader;

/* What opening an endpoint depends on. Programs get theirs from weft_run_stream_opts. */
struct weft_stream_opts {
    size_t frame_max;           /* largest frame accepted, in bytes */
    struct weft_wire_opts wire; /* for sockets */
};

/* Opens an endpoint (endpoint.h) and reads the head. `schema` (may be NULL: any) is "name/major": another name or major
 * is refused with both versions. A socket with several producers gives their frames as they come; heads must agree. */
int weft_reader_open(const char *endpoint, const char *schema, const struct weft_stream_opts *o,
                     struct weft_reader **out, struct weft_err *e) WEFT_MUST_USE;
const struct weft_head *weft_reader_head(const struct weft_reader *r);
/* 1: *frame is the next frame, valid until the next call; 0: clean end, tail verified; -1: error (76 when the program
 * above failed or the stream stopped short, 65 when its bytes are wrong). */
int weft_reader_next(struct weft_reader *r, struct weft_span *frame, struct weft_err *e) WEFT_MUST_USE;
uint64_t weft_reader_count(const struct weft_reader *r); /* frames handed out */
/* The tail's counts array (encoded), after a clean end; of all tails added up when streams were concatenated. */
struct weft_span weft_reader_counts(const struct weft_reader *r);
/* One entry of a tail's counts. */
void weft_pack_tally(struct weft_pack *b, const char *program, uint64_t in, uint64_t out, uint64_t rejected);
/* Are bytes waiting, so that next() would not block? Lets a writer flush when its upstream is slow. */
bool weft_reader_ready(struct weft_reader *r);
/* After an error 76: the program that failed first and its exit code, as its fault said, or as the lineage suggests
 * when the stream stopped short. Passed on downstream, so that every program names the same culprit. */
void weft_reader_culprit(const struct weft_reader *r, const char **program, int *exit_code);
const char *weft_reader_name(const struct weft_reader *r); /* "-" or the path, for messages */
void weft_reader_close(struct weft_reader **r);

struct weft_writer;

/* Opens an endpoint. Nothing is written before weft_writer_head. A terminal on stdout is refused (64). */
int weft_writer_open(const char *endpoint, const struct weft_stream_opts *o, struct weft_writer **out,
                     struct weft_err *e) WEFT_MUST_USE;
/* Writes {"weft", "schema", "attrs", "lineage"}. attrs: encoded map; lineage: encoded array. */
int weft_writer_head(struct weft_writer *w, const char *schema, struct weft_span attrs, struct weft_span lineage,
                     struct weft_err *e) WEFT_MUST_USE;
/* A map that is no part of the stream (acknowledgements under `work`): neither counted nor summed. */
int weft_writer_control(struct weft_writer *w, struct weft_span map, struct weft_err *e) WEFT_MUST_USE;
/* The head as it stands on the wire, and the tail of a stream of `count` frames whose head and frames have the checksum
 * crc: for programs that carry streams without being part of them. counts: encoded array. */
void weft_head_pack(struct weft_pack *b, const char *schema, struct weft_span attrs, struct weft_span lineage);
void weft_tail_pack(struct weft_pack *b, uint64_t count, uint32_t crc, struct weft_span counts);
/* Opens a head map: spans point into it. */
int weft_head_read(struct weft_span map, struct weft_head *h, struct weft_err *e) WEFT_MUST_USE;
/* The program of the last lineage entry; "the program above" without one. */
void weft_head_program(const struct weft_head *h, char *buf, size_t cap);
/* One frame: an encoded map. */
int weft_writer_frame(struct weft_writer *w, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
int weft_writer_flush(struct weft_writer *w, struct weft_err *e) WEFT_MUST_USE;
/* Tail, flush, and for a file fsync + rename. counts: encoded array of maps. */
int weft_writer_end(struct weft_writer *w, struct weft_span counts, struct weft_err *e) WEFT_MUST_USE;
/* Says downstream that we failed (best effort; a file is removed instead). */
void weft_writer_fault(struct weft_writer *w, const char *program, int exit_code, const char *message);
uint64_t weft_writer_count(const struct weft_writer *w);
void weft_writer_close(struct weft_writer **w);

#endif
