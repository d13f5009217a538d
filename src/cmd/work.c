/* work.c - runs a filter for a scatter somewhere. The worker's side of the protocol is src/cluster/worker.c. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/stop.h"
#include "nn/blas.h"
#include "base/mem.h"
#include "frame/run.h"
#include "cluster/worker.h"

enum { CHILDREN_MAX = 1024 };

struct state {
    const char *connect;
    int64_t children;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 0, "connect", AT(STR, connect), NULL, 0, 0, "ENDPOINT",
     "where scatter listens: tcp://HOST:PORT or ipc://PATH", WEFT_OPT_REQUIRED | WEFT_OPT_FILE},
    {WEFT_OPT_INT, 'j', "children", AT(INT, children), "1", 1, CHILDREN_MAX, "N",
     "workers to run side by side, each with a child", WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

/* --- -j N: as many of us --- */

static int run_many(struct weft_run *run, struct state *s, struct weft_err *e)
{
    pid_t pid[CHILDREN_MAX];
    int worst = 0, status;
    for (int64_t i = 0; i < s->children; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            s->children = 1;
            return 1;
        }
        if (pid[i] < 0)
            return weft_fail_errno(e, WEFT_TEMPFAIL, "no process to be had");
    }
    for (int64_t left = s->children; left > 0;) {
        pid_t done = waitpid(-1, &status, 0);
        if (done < 0 && errno != EINTR)
            break;
        if (done < 0 || weft_stop_signal()) {
            for (int64_t i = 0; i < s->children; i++)
                kill(pid[i], SIGTERM);
        }
        if (done < 0)
            continue;
        left--;
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : WEFT_TEMPFAIL;
        worst = code > worst ? code : worst;
    }
    if (worst) { /* each has said why */
        weft_run_exit_with(run, worst);
    }
    return 0;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    int n = weft_run_n_operands(run), rc = s->children > 1 ? run_many(run, s, e) : 1;
    if (rc <= 0)
        return rc;
    char cpu[160];
    const char **argv = WEFT_ARRAY(const char *, (size_t)n + 1);
    for (int i = 0; i < n; i++)
        argv[i] = weft_run_operand(run, i);
    weft_blas_kernels(cpu, sizeof cpu);
    rc = weft_worker_run(run, &(struct weft_worker_opts){.connect = s->connect, .argv = argv, .cpu = cpu}, e);
    free(argv);
    return rc;
}

static const struct weft_filter filter = {
    .usage = {.name = "work",
              .summary = "runs a filter on the frames that a scatter hands out",
              .synopsis = "work --connect ENDPOINT [-j N] -- PROGRAM [ARGUMENT...]",
              .reads = "frames from scatter",
              .writes = "results to scatter",
              .examples = "weft work --connect tcp://head:5570 -- score -m model.safetensors\n"
                          "weft work --connect tcp://head:5570 --key worker.key --peer-keys head.pub -j 4 -- "
                          "encode-image -m resnet18.safetensors",
              .see_also = "scatter, keygen",
              .notes = "Workers may join and leave at any time. On SIGTERM a worker finishes the frames it has. When "
                       "its child fails, it says so to the "
                       "head, which gives the frames to somebody else, and starts another. The program must give each "
                       "frame's results before it ends: one that "
                       "adds up over frames (aggregate, a trainer) can't be spread this way.\n"
                       "Exit status: 0 when the head has no more work, 69 when the head is gone, 77 when our key was "
                       "refused, 78 when the head refused us "
                       "(another version, other CPU kernels)."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_NONE,
    .out = WEFT_IO_NONE,
    .min_operands = 1,
    .max_operands = -1,
    .drain = drain,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
