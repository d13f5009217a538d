/* opt.h - one table of options makes the parser, --help, the manual's option list, bash completion and the
 * canonical args of the lineage. */
#ifndef WEFT_OPT_H
#define WEFT_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum weft_opt_type {
    WEFT_OPT_END = 0,
    WEFT_OPT_FLAG,   /* bool; --name sets it true, --no-name false */
    WEFT_OPT_INT,    /* int64_t in [min, max] */
    WEFT_OPT_REAL,   /* double in [min, max] */
    WEFT_OPT_SIZE,   /* uint64_t bytes, "64M", at most max */
    WEFT_OPT_STR,    /* const char * (argv's own memory) */
    WEFT_OPT_CHOICE, /* int: index into choices "a|b|c" */
    WEFT_OPT_LIST    /* struct weft_list: comma separated; given twice, they add up */
};

/* A list option's value. items[0..n). The library owns it. */
struct weft_list {
    char **items;
    size_t n;
};

enum weft_opt_flags {
    WEFT_OPT_RUN = 1,      /* does not change the result: not in lineage, not in the model */
    WEFT_OPT_REQUIRED = 2, /* usage error when it is missing */
    WEFT_OPT_FILE = 4,     /* names a file (for completion); never in lineage */
    WEFT_OPT_ADVANCED = 8, /* shown after the others in --help */
    WEFT_OPT_WHOLE = 16    /* a list whose items may hold commas: one each time that it is given */
};

/* One option. `offset` is where its value lies in the state struct; `def` its default as text (NULL: zero, empty,
 * false). For WEFT_OPT_INT/REAL a range is checked when min < max. */
struct weft_opt {
    enum weft_opt_type type;
    char short_name; /* 0: none */
    const char *name;
    size_t offset;
    const char *def;
    double min, max;
    const char *arg;  /* name of the value in help: "N", "FILE", or the choices "a|b|c" of a WEFT_OPT_CHOICE */
    const char *help; /* one sentence, lower case, no full stop */
    unsigned flags;
    /* Rules, NULL: none. They bind an option that counts: one on the command line, unless it says nothing (a flag as it
     * is by default; 0 or none where that is the default). A rule is a list "csv, format=table|json, no-image": options
     * that count, a value as it stands (one of several), a flag by its state. "auto: tune" binds the option at the
     * value auto alone. Where another stands in the way is said once: both of two that exclude each other need not. */
    const char *needs;     /* each of these holds; a choice at "auto" may yet become what is asked for */
    const char *not_with;  /* none of these holds */
    const char *only_with; /* no option counts but these */
    const char *stream;    /* "forecasts", "series|windows": what is read (weft_opt_stream) */
};

/* `offset` of an option of WEFT_OPT_##type; it does not compile when the member has another type than such an option
 * writes. */
#define WEFT_OPT_AT(state, type, member)                                                                               \
    (offsetof(state, member) + 0 * sizeof(char[_Generic(((state *)0)->member, weft_opt_##type : 1, default : -1)]))
typedef bool weft_opt_FLAG;
typedef int64_t weft_opt_INT;
typedef double weft_opt_REAL;
typedef uint64_t weft_opt_SIZE;
typedef const char *weft_opt_STR;
typedef int weft_opt_CHOICE;
typedef struct weft_list weft_opt_LIST;

/* What --help and the manual page are made of, beside the table. */
struct weft_usage {
    const char *name;     /* "window"; the page is weft-window(1) */
    const char *summary;  /* "cuts series into windows of lookback + horizon" */
    const char *synopsis; /* "window --lookback N --horizon N [OPTION…]"; shown after "weft " */
    const char *reads;    /* "a series stream" */
    const char *writes;   /* "a windows stream" */
    const char *examples; /* lines, each a command that runs where weft is on the PATH */
    const char *see_also; /* "ingest, train-dlinear" */
    const char *notes;    /* further paragraphs or NULL: what the program holds in memory, units, … */
};

/* Sets every option of the two tables (either may be NULL) to its default in `state`/`common`, then parses argv[1..].
 * Options and operands may be mixed; "--" ends options; "--name=value" and "--name value" are the same; a long name may
 * not be shortened. Operands are moved to argv[1..*n_operands]. `given` (may be NULL) is a bit set over the
 * entries of `table`: bit k set when entry k was on the command line (first 64 entries).
 * Returns 0, or -1 with a usage error (64), of the rules too. --help and --version are the caller's own (in common
 * table). */
int weft_opt_parse(const struct weft_opt *table, void *state, const struct weft_opt *common, void *common_state,
                   int argc, char **argv, int *n_operands, uint64_t *given, struct weft_err *e) WEFT_MUST_USE;

/* The rules of the options of `table` that `given` has, by the values that stand in `state`: after weft_opt_parse,
 * which looks itself, for a program that has decided since what stood at auto. 64 with the first rule that is broken;
 * 70 when a rule names an option or a choice that the table lacks. */
int weft_opt_rules(const struct weft_opt *table, const void *state, uint64_t given, struct weft_err *e) WEFT_MUST_USE;
/* 64 when an option that counts is not for streams of this schema ("series/1"). */
int weft_opt_stream(const struct weft_opt *table, const void *state, uint64_t given, const char *schema,
                    struct weft_err *e) WEFT_MUST_USE;

/* Releases the lists of a table. */
void weft_opt_free(const struct weft_opt *table, void *state);

/* Prints --help as plain text. */
void weft_opt_help(FILE *f, const struct weft_usage *u, const struct weft_opt *table, const struct weft_opt *common);
/* The whole manual page in mdoc(7): src/cmd/NAME.1 is this text, so page and --help can't disagree. `date` is the
 * release's. */
void weft_opt_mdoc(FILE *f, const struct weft_usage *u, const struct weft_opt *table, const struct weft_opt *common,
                   const char *date);
/* For completion, a line each: "--norm", a tab, and what may follow: choices "none|last|mean", FILE, VALUE (anything
 * else) or nothing (a flag). Short names have lines of their own. */
void weft_opt_complete(FILE *f, const struct weft_opt *table, const struct weft_opt *common);

/* Canonical text of an option's value ("0.5", "exact", "a,b"), for lineage and models; whole, however long. The caller
 * frees it. */
char *weft_opt_value(const struct weft_opt *o, const void *state);
/* The same for a value that is no list. Writes into buf. */
const char *weft_opt_text(const struct weft_opt *o, const void *state, char *buf, size_t cap);

#endif
