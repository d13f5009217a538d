/* run.h - what every program has in common, done once: options, help, streams, faults, counts, lineage, signals, exit
 * codes.
 *
 * A program is a struct weft_filter and a main of one line:
 *     int main(int argc, char **argv) { return weft_main(&filter, argc, argv); }
 * Order of calls: start, frame for each frame, drain (only after a verified tail), stop (always). */
#ifndef WEFT_RUN_H
#define WEFT_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/opt.h"
#include "base/progress.h"
#include "frame/stream.h"

struct weft_run; /* the program while it runs */

enum weft_io {
    WEFT_IO_NONE,   /* opens no stream by itself */
    WEFT_IO_STREAM, /* a weft stream on -i or -o */
    WEFT_IO_TEXT,   /* -o is a text file or stdout (tables, CSV, JSON): weft_run_text */
    WEFT_IO_MODEL   /* -o is a file that the program writes by itself in drain: weft_run_output; or a stream, by
                       weft_run_head */
};

struct weft_filter {
    struct weft_usage usage;
    const struct weft_opt *opts; /* ends with WEFT_OPT_END; offsets into the state */
    size_t state_size;           /* zeroed, defaults set, before start */
    enum weft_io in, out;
    const char *schema; /* of the input: "series/1", "series/1|windows/1"; NULL: any */
    /* Operands (FILEs); max -1: any number. A program with a stream on -i takes none of its own while it reads that:
     * one FILE is -i. */
    int min_operands, max_operands;
    bool acknowledges;      /* calls weft_run_done itself: it holds frames back to work on several at once */
    bool threads_are_cores; /* --threads defaults to the cores (trainers), not to 1 */
    bool threads_matter;    /* the result depends on their number */
    bool (*no_input)(const void *state); /* NULL, or: true when -i is not opened this time */

    /* Checks the head and writes ours (weft_run_head) before the first frame. */
    int (*start)(struct weft_run *run, void *state, struct weft_err *e);
    /* One frame: decode, work, weft_run_emit. NULL for sources. */
    int (*frame)(struct weft_run *run, void *state, struct weft_span frame, struct weft_err *e);
    /* After the last frame and a verified tail. Sources do all their work here. */
    int (*drain)(struct weft_run *run, void *state, struct weft_err *e);
    void (*stop)(struct weft_run *run, void *state);
};

/* main's body: returns the exit status. */
int weft_main(const struct weft_filter *filter, int argc, char **argv);

/* What a filter may ask for. */
const char *weft_run_program(const struct weft_run *run);
const struct weft_head *weft_run_in_head(const struct weft_run *run);
int weft_run_n_operands(const struct weft_run *run);
const char *weft_run_operand(const struct weft_run *run, int i);
/* Was --option on the command line? To ask for one that the program's own table lacks is a bug, and ends it (70). */
bool weft_run_given(const struct weft_run *run, const char *option);
/* 64 when one of the options (NULL ends them) was given: "--OPTION why". */
int weft_run_refuse(const struct weft_run *run, const char *const *options, const char *why,
                    struct weft_err *e) WEFT_MUST_USE;
/* The rules between options once more (weft_opt_rules): by `state`, which has been decided since. */
int weft_run_rules(const struct weft_run *run, const void *state, struct weft_err *e) WEFT_MUST_USE;
int weft_run_threads(const struct weft_run *run);
/* --seed. Who asks depends on it: from then on it stands in the lineage. */
uint64_t weft_run_seed(struct weft_run *run);
int weft_run_verbose(const struct weft_run *run); /* -1 quiet, 0, 1.. */
const struct weft_stream_opts *
weft_run_stream_opts(const struct weft_run *run); /* for programs that open further streams */
enum weft_progress_mode weft_run_progress(const struct weft_run *run);

/* Writes our head: schema, attrs (encoded map), lineage of the input plus ourselves. Called once, from start (or from
 * drain by programs that know their attrs only at the end). */
int weft_run_head(struct weft_run *run, const char *schema, struct weft_span attrs, struct weft_err *e) WEFT_MUST_USE;
/* The same for a program that opens its own inputs: lineage is that of `from` plus ourselves. */
int weft_run_head_from(struct weft_run *run, const struct weft_head *from, const char *schema, struct weft_span attrs,
                       struct weft_err *e) WEFT_MUST_USE;
/* Sends one frame (an encoded map). */
int weft_run_emit(struct weft_run *run, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
/* From here on frames wait in a temporary file until weft_run_release, for a filter that must have seen all of its
 * input before it says anything. Under `work`, which gives away single frames, they go out at once. */
int weft_run_hold(struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;
int weft_run_release(struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;
/* Everything that the next input frame (in order) gives has been emitted. Under `work` this is said in the output, so
 * that a frame whose worker dies can be given to another one. The library calls it behind `frame` unless the filter
 * `acknowledges`. */
int weft_run_done(struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;
/* The same for a program that reads by itself: weft_run_done, and what is finished goes out when `r` has nothing more
 * at the moment. */
int weft_run_flow(struct weft_run *run, struct weft_reader *r, struct weft_err *e) WEFT_MUST_USE;
/* Is more input waiting? A filter that gathers a batch works on what it has when not. */
bool weft_run_ready(const struct weft_run *run);
/* Counts `n` input rows or frames that did not make it into the output. Sources also count what they read. */
void weft_run_reject(struct weft_run *run, uint64_t n);
void weft_run_read(struct weft_run *run, uint64_t n);
/* The text output of a WEFT_IO_TEXT program: buffered, checked and committed by the library. */
FILE *weft_run_text(struct weft_run *run);
/* Did everything so far go out? Long text outputs ask now and then, so that a full disk or a closed pipe ends them
 * early. */
int weft_run_text_check(struct weft_run *run, struct weft_err *e) WEFT_MUST_USE;
/* -o as it was given: "-" or a path. */
const char *weft_run_output(const struct weft_run *run);
/* For a program that carries somebody else's stream (scatter): a head with this lineage as it is; `reader` (or NULL)
 * becomes the input whose counts and culprit the tail or fault passes on, and is closed at the end; the tail counts the
 * frames as those of `program`. */
int weft_run_head_as(struct weft_run *run, const char *schema, struct weft_span attrs, struct weft_span lineage,
                     struct weft_err *e) WEFT_MUST_USE;
void weft_run_stand_for(struct weft_run *run, struct weft_reader *reader, const char *program);
/* The stream is whole, and yet not all is well: this is the exit status when nothing else fails. */
void weft_run_exit_with(struct weft_run *run, int code);
/* Our lineage: input's entries plus our own, as encoded array; for model files (as JSON text, caller frees). */
char *weft_run_lineage_json(struct weft_run *run);
/* The same for a program that opens its own inputs. */
char *weft_run_lineage_json_from(struct weft_run *run, const struct weft_head *from);
/* A model that takes part counts in lineage as its sha256: adds args.model. Call before weft_run_head. */
void weft_run_lineage_arg(struct weft_run *run, const char *key, const char *value);
/* The same for number i of several, from 0: key, then key-2, key-3. */
void weft_run_lineage_nth(struct weft_run *run, const char *key, size_t i, const char *value);
/* A warning line "program: text" unless -q. */
void weft_run_warn(struct weft_run *run, const char *fmt, ...) WEFT_PRINTF(2, 3);
/* An information line, only with -v. */
void weft_run_info(struct weft_run *run, const char *fmt, ...) WEFT_PRINTF(2, 3);

#endif
