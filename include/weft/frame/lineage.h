/* lineage.h - how a file was made: each program appends {"program", "version", "args"} to what stands in its input's
 * head (DESIGN 2). run.c's own; programs use weft_run_lineage_arg.
 *
 * args are the options that change the result, resolved, with their names sorted; values are text of any length, whole.
 */
#ifndef WEFT_LINEAGE_H
#define WEFT_LINEAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/opt.h"
#include "frame/pack.h"
#include "frame/stream.h"

struct weft_lineage_arg {
    char *key, *value;
};

/* A program's own entry while it runs. */
struct weft_lineage {
    const char *program;
    const struct weft_opt *opts; /* NULL: none */
    const void *state;           /* where their values lie */
    bool none;                   /* --no-lineage: the program leaves itself out */
    bool seeded;                 /* a program that asks for the seed depends on it */
    int64_t seed;
    struct weft_lineage_arg *args; /* what the program said beside its options; owned */
    size_t n;
};

/* Adds an argument; both texts are copied. */
void weft_lineage_arg(struct weft_lineage *l, const char *key, const char *value);
void weft_lineage_free(struct weft_lineage *l);
/* The lineage of `above` (NULL: nothing above) and our entry, as an encoded array appended to `b`. */
void weft_lineage_pack(const struct weft_lineage *l, const struct weft_head *above, struct weft_pack *b);
/* The same as JSON text, for model files. The caller frees it. */
char *weft_lineage_json(const struct weft_lineage *l, const struct weft_head *above);

#endif
