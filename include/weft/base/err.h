/* err.h - how the library says what went wrong.
 *
 * Library functions never print and never exit: they fill a struct weft_err and return a negative
 * number. Only src/frame/run.c and src/cmd print it and turn the code into an exit status.
 *
 * A constructor that can fail (int weft_x_new, _open, _start (…, struct weft_x **out, struct weft_err *e)) sets *out in
 * every case: on failure to NULL, or to an object that its free takes. Whoever called frees *out either way, and needs
 * not set it before. One that can't fail returns the object: memory that runs out ends the program (mem.h). */
#ifndef WEFT_ERR_H
#define WEFT_ERR_H

#include <stddef.h>

/* Exit codes: sysexits.h's numbers under our names (DESIGN: conventions). */
enum weft_code {
    WEFT_OK = 0,
    WEFT_NO = 1,         /* ran well, the answer is no */
    WEFT_USAGE = 64,     /* the command line is wrong */
    WEFT_DATA = 65,      /* the input is wrong */
    WEFT_NOINPUT = 66,   /* an input can't be opened */
    WEFT_PEER = 69,      /* the other side is gone */
    WEFT_BUG = 70,       /* a bug in weft */
    WEFT_CANTCREAT = 73, /* an output can't be created */
    WEFT_IO = 74,        /* reading or writing failed */
    WEFT_TEMPFAIL = 75,  /* out of memory and the like: try again */
    WEFT_UPSTREAM = 76,  /* the program above failed, or its stream stopped short */
    WEFT_NOPERM = 77,    /* a key was refused */
    WEFT_CONFIG = 78     /* model and stream, or options, do not fit together */
};

/* One error. `where` is a place ("sales.csv:120:7") or empty, `what` says what is wrong,
 * `hint` the way out, or empty. */
struct weft_err {
    int code;
    char where[512];
    char what[512];
    char hint[384];
};

#define WEFT_PRINTF(a, b) __attribute__((format(printf, a, b)))
#define WEFT_MUST_USE __attribute__((warn_unused_result))

/* Fills *e (which may be NULL) and returns -1, so that `return weft_fail(e, WEFT_DATA, …);` reads well.
 * The first error of a chain is kept: a second call on a filled *e changes nothing. */
int weft_fail(struct weft_err *e, int code, const char *what, ...) WEFT_PRINTF(3, 4);

/* The same, with ": " and strerror(errno) after the text. */
int weft_fail_errno(struct weft_err *e, int code, const char *what, ...) WEFT_PRINTF(3, 4);

/* Sets place or hint of an error, when it is not set yet. Return -1. */
int weft_fail_where(struct weft_err *e, const char *where, ...) WEFT_PRINTF(2, 3);
int weft_fail_hint(struct weft_err *e, const char *hint, ...) WEFT_PRINTF(2, 3);

/* That they return -1 and nothing else is said to compilers and analysers too: what comes after `< 0` is not reached
 * with a half-made object. */
static inline int weft_failed(int rc)
{
    (void)rc;
    return -1;
}
#define weft_fail(...) weft_failed(weft_fail(__VA_ARGS__))
#define weft_fail_errno(...) weft_failed(weft_fail_errno(__VA_ARGS__))
#define weft_fail_where(...) weft_failed(weft_fail_where(__VA_ARGS__))
#define weft_fail_hint(...) weft_failed(weft_fail_hint(__VA_ARGS__))

/* Writes one line to stderr, "program: where: what; hint", in one write(2) of at most 2 KiB, control
 * characters replaced by '?'. */
void weft_err_print(const char *program, const struct weft_err *e);

/* Who we are, for messages from where no program's name is at hand: set once by main (text that stays), "weft" before.
 */
void weft_program_set(const char *name);
const char *weft_program(void);

/* One line "program: message" on stderr, under the same rules. */
void weft_say(const char *program, const char *fmt, ...) WEFT_PRINTF(2, 3);

#endif
