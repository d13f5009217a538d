/* scatter.c - hands the frames of a stream to workers anywhere, and puts their results back in order. The head's side
 * of the protocol is src/cluster/spread.c. */
#include <stddef.h>

#include "frame/run.h"
#include "cluster/spread.h"

struct state {
    struct weft_spread_opts o;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, o.member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 0, "bind", AT(STR, bind), NULL, 0, 0, "ENDPOINT",
     "where workers connect: tcp://*:PORT or ipc://PATH", WEFT_OPT_REQUIRED | WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_STR, 'i', "input", AT(STR, input), "-", 0, 0, "ENDPOINT",
     "stream to read, the same as FILE: -, a file, or a socket", WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_INT, 0, "credit", AT(INT, credit), "128", 1, 65536, "N", "frames that a worker may have at a time",
     WEFT_OPT_RUN},
    {WEFT_OPT_INT, 0, "window", AT(INT, window), "0", 0, 10000000, "N",
     "frames held at most, waiting or finished out of order; 0: 4 times the credit", WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "unordered", AT(FLAG, unordered), NULL, 0, 0, NULL,
     "results as they come, not in the order of the input", 0},
    {WEFT_OPT_INT, 0, "attempts", AT(INT, attempts), "3", 1, 1000, "N",
     "children that may fail with a frame before it is set aside", WEFT_OPT_RUN},
    {WEFT_OPT_STR, 0, "dead-letter", AT(STR, dead_letter), NULL, 0, 0, "FILE",
     "stream for frames that no worker can take, with the reason; without it the first one ends the run",
     WEFT_OPT_FILE | WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "allow-dead", AT(FLAG, allow_dead), NULL, 0, 0, NULL,
     "exit with 0 even when frames were set aside", WEFT_OPT_RUN},
    {WEFT_OPT_REAL, 0, "hang", AT(REAL, hang), "300", 1, 1e6, "SECONDS",
     "a worker that has frames and gives nothing for so long is given up", WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "mixed-cpus", AT(FLAG, mixed_cpus), NULL, 0, 0, NULL,
     "take workers that round differently (other CPU kernels)", WEFT_OPT_RUN},
    {WEFT_OPT_STR, 0, "status", AT(STR, status), NULL, 0, 0, "FILE", "counts for Prometheus, written anew every second",
     WEFT_OPT_FILE | WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (weft_run_n_operands(run) && weft_run_given(run, "input"))
        return weft_fail(e, WEFT_USAGE, "two streams to read, -i %s and %s: give one", s->o.input,
                         weft_run_operand(run, 0));
    if (weft_run_n_operands(run))
        s->o.input = weft_run_operand(run, 0);
    return weft_spread_run(run, &s->o, e);
}

static const struct weft_filter filter = {
    .usage = {.name = "scatter",
              .summary = "spreads one filter over many machines",
              .synopsis = "scatter --bind ENDPOINT [OPTION...] [FILE]",
              .reads = "any stream",
              .writes = "the stream that the workers' program makes of it",
              .examples =
                  "weft ingest sales.csv | weft scatter --bind tcp://*:5570 --key head.key --peer-keys workers.pub | "
                  "weft rank\n"
                  "weft scatter --bind tcp://127.0.0.1:5570 --dead-letter dead.weft -i products.weft -o features.weft",
              .see_also = "work, keygen",
              .notes =
                  "Every frame goes to one worker (weft work --connect), is kept until its result is back, and goes to "
                  "another one when its worker dies, hangs or is cut off. Results leave in the order of the input, "
                  "each once, so the output is byte for byte that of a single process. A frame that fails on worker "
                  "after worker goes to --dead-letter, and the exit status is 65.\n"
                  "Workers may join and leave at any time; those of another version, of another program or model, or "
                  "with other CPU kernels are refused. Memory is bounded by the window and the size of frames."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_NONE,
    .out = WEFT_IO_STREAM,
    .max_operands = 1,
    .drain = drain,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
