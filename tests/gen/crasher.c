/* crasher.c - a filter for tests: passes frames on, but dies on the one whose id is CRASH_ID, hangs on HANG_ID, and
 * takes its time with --slow. */
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame/run.h"

struct state {
    int64_t slow;
};

static const struct weft_opt opts[] = {
    {WEFT_OPT_INT, 0, "slow", offsetof(struct state, slow), "0", 0, 1000000, "MICROSECONDS",
     "wait so long with every frame", WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    const struct weft_head *h = weft_run_in_head(run);
    (void)state;
    return weft_run_head(run, h->schema, h->attrs, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    const struct state *s = state;
    const char *crash = getenv("CRASH_ID"), *hang = getenv("HANG_ID");
    struct weft_value id;
    if (weft_map_find(in, "id", &id)) {
        if (crash && weft_value_is(&id, crash))
            raise(SIGSEGV);
        if (hang && weft_value_is(&id, hang))
            pause();
    }
    if (s->slow)
        usleep((unsigned)s->slow);
    return weft_run_emit(run, in, e);
}

static const struct weft_filter filter = {
    .usage = {.name = "crasher",
              .summary = "dies on one frame",
              .synopsis = "crasher",
              .reads = "any stream",
              .writes = "the same",
              .examples = "crasher\ncrasher --slow 10"},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_STREAM,
    .start = start,
    .frame = frame,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
