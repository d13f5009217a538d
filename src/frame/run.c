/* run.c - what every program has in common. */
#include "frame/run.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "frame/endpoint.h"
#include "base/file.h"
#include "frame/hold.h"
#include "frame/lineage.h"
#include "base/mem.h"
#include "base/par.h"
#include "base/stop.h"
#include "frame/socket.h"
#include "frame/version.h"

struct common {
    bool help, version, quiet, verbose, no_lineage;
    bool insecure;
    const char *input, *output, *key, *peer_keys;
    int64_t threads, seed, producers;
    double timeout, wait;
    uint64_t frame_max;
    int progress;
};

#define AT(type, member) WEFT_OPT_AT(struct common, type, member)

static const struct weft_opt opt_help = {WEFT_OPT_FLAG,     'h',         "help", AT(FLAG, help), NULL, 0, 0, NULL,
                                         "print this text", WEFT_OPT_RUN};
static const struct weft_opt opt_version = {
    WEFT_OPT_FLAG, 'V', "version", AT(FLAG, version), NULL, 0, 0, NULL, "print version and library versions",
    WEFT_OPT_RUN};
static const struct weft_opt opt_input = {
    WEFT_OPT_STR,
    'i',
    "input",
    AT(STR, input),
    "-",
    0,
    0,
    "ENDPOINT",
    "stream to read, the same as FILE: -, a file, tcp://HOST:PORT, ipc://PATH, or bind+tcp://... to listen",
    WEFT_OPT_RUN | WEFT_OPT_FILE};
static const struct weft_opt opt_output = {
    WEFT_OPT_STR,
    'o',
    "output",
    AT(STR, output),
    "-",
    0,
    0,
    "ENDPOINT",
    "where the result goes: -, a file (written whole or not at all), or a socket as for -i",
    WEFT_OPT_RUN | WEFT_OPT_FILE};
static const struct weft_opt opt_text_output = {
    WEFT_OPT_STR,
    'o',
    "output",
    AT(STR, output),
    "-",
    0,
    0,
    "FILE",
    "where the result goes: - or a file, written whole or not at all; a stream may go to a "
    "socket (-i of other programs says how)",
    WEFT_OPT_RUN | WEFT_OPT_FILE};
static const struct weft_opt opt_socket[] = {
    {WEFT_OPT_STR, 0, "key", AT(STR, key), NULL, 0, 0, "FILE",
     "our key pair, for encrypted sockets (CURVE; keygen makes one)", WEFT_OPT_RUN | WEFT_OPT_FILE | WEFT_OPT_ADVANCED},
    {WEFT_OPT_STR, 0, "peer-keys", AT(STR, peer_keys), NULL, 0, 0, "FILE",
     "public keys of those who may talk to us, one a line", WEFT_OPT_RUN | WEFT_OPT_FILE | WEFT_OPT_ADVANCED},
    {WEFT_OPT_FLAG, 0, "insecure", AT(FLAG, insecure), NULL, 0, 0, NULL, "allow plain TCP beyond this machine",
     WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {WEFT_OPT_REAL, 0, "timeout", AT(REAL, timeout), "30", 0.1, 86400, "SECONDS",
     "a peer that is silent for so long is gone", WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {WEFT_OPT_REAL, 0, "wait", AT(REAL, wait), "300", 0.1, 1000000, "SECONDS", "how long to wait for a peer to appear",
     WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {WEFT_OPT_INT, 0, "producers", AT(INT, producers), "1", 1, 1024, "N", "writers to merge on an -i that listens",
     WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
};
static const struct weft_opt opt_model = {WEFT_OPT_STR,
                                          'o',
                                          "output",
                                          AT(STR, output),
                                          "-",
                                          0,
                                          0,
                                          "MODEL",
                                          "model file to write, whole or not at all",
                                          WEFT_OPT_RUN | WEFT_OPT_FILE};
static const char threads_matter_help[] =
    "threads to use; 0: all cores; the last digits of the result depend on their number";
static const struct weft_opt opt_rest[] = {
    {WEFT_OPT_INT, 0, "threads", AT(INT, threads), "0", 0, 1024, "N",
     "threads to use; 0: 1 in filters, all cores in trainers; the result is the same", WEFT_OPT_RUN},
    {WEFT_OPT_INT, 0, "seed", AT(INT, seed), "1", 0, 9223372036854775807.0, "N", "seed of everything random",
     WEFT_OPT_RUN},
    {WEFT_OPT_CHOICE, 0, "progress", AT(CHOICE, progress), "auto", 0, 0, "auto|plain|off",
     "progress on stderr: a bar on a terminal, plain lines, or none", WEFT_OPT_RUN},
    {WEFT_OPT_SIZE, 0, "max-frame", AT(SIZE, frame_max), "256M", 0, (double)((uint64_t)1 << 40), "BYTES",
     "largest frame accepted", WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {WEFT_OPT_FLAG, 0, "no-lineage", AT(FLAG, no_lineage), NULL, 0, 0, NULL, "leave this program out of the lineage",
     WEFT_OPT_RUN | WEFT_OPT_ADVANCED},
    {WEFT_OPT_FLAG, 'q', "quiet", AT(FLAG, quiet), NULL, 0, 0, NULL, "no warnings", WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 'v', "verbose", AT(FLAG, verbose), NULL, 0, 0, NULL, "say more: a summary at the end",
     WEFT_OPT_RUN},
};

enum { COMMON_MAX = sizeof opt_rest / sizeof *opt_rest + sizeof opt_socket / sizeof *opt_socket + 5 };
/* Frames queued in a socket: enough to hide a round trip, few enough to bound memory. */
enum { HIGH_WATER = 64 };

struct weft_run {
    const struct weft_filter *filter;
    const char *program;
    struct common common;
    struct weft_opt table[COMMON_MAX];
    struct weft_stream_opts stream_opts;
    void *state;
    uint64_t given;
    int n_operands;
    char **operands;
    struct weft_reader *in;
    struct weft_writer *out;
    struct weft_file *text_file;
    FILE *text;
    bool headed;
    bool acks; /* under work */
    uint64_t read, rejected, acked, acked_rejected;
    struct weft_hold *held; /* NULL: frames go out at once */
    int exit_with;
    char stand_for[64]; /* whose counts the tail has; empty: ours */
    struct weft_lineage lineage;
};

const char *weft_run_program(const struct weft_run *run)
{
    return run->program;
}

const struct weft_head *weft_run_in_head(const struct weft_run *run)
{
    return run->in ? weft_reader_head(run->in) : NULL;
}

int weft_run_n_operands(const struct weft_run *run)
{
    return run->n_operands;
}

const char *weft_run_operand(const struct weft_run *run, int i)
{
    return run->operands[i];
}

bool weft_run_given(const struct weft_run *run, const char *option)
{
    for (size_t i = 0; run->filter->opts && run->filter->opts[i].type != WEFT_OPT_END; i++)
        if (strcmp(run->filter->opts[i].name, option) == 0)
            return run->given >> i & 1;
    /* It would be false for ever, and nobody would see it. */
    weft_say(run->program, "a bug: it asks for an option --%s that it has not", option);
    weft_file_cleanup();
    _exit(WEFT_BUG);
}

int weft_run_refuse(const struct weft_run *run, const char *const *options, const char *why, struct weft_err *e)
{
    for (; *options; options++)
        if (weft_run_given(run, *options))
            return weft_fail(e, WEFT_USAGE, "--%s %s", *options, why);
    return 0;
}

int weft_run_rules(const struct weft_run *run, const void *state, struct weft_err *e)
{
    return weft_opt_rules(run->filter->opts, state, run->given, e);
}

int weft_run_threads(const struct weft_run *run)
{
    if (run->common.threads > 0)
        return (int)run->common.threads;
    return run->filter->threads_are_cores ? weft_par_cores() : 1;
}

uint64_t weft_run_seed(struct weft_run *run)
{
    run->lineage.seeded = true;
    run->lineage.seed = run->common.seed;
    return (uint64_t)run->common.seed;
}

int weft_run_verbose(const struct weft_run *run)
{
    return run->common.quiet ? -1 : run->common.verbose;
}

const struct weft_stream_opts *weft_run_stream_opts(const struct weft_run *run)
{
    return &run->stream_opts;
}

static struct weft_stream_opts stream_opts(const struct common *c)
{
    struct weft_stream_opts o = {.frame_max = (size_t)c->frame_max};
    o.wire.wait_ms = (int)(c->wait * 1000);
    o.wire.producers = (int)c->producers;
    o.wire.socket = (struct weft_socket_opts){.key = c->key,
                                              .peer_keys = c->peer_keys,
                                              .insecure = c->insecure,
                                              .timeout_ms = (int)(c->timeout * 1000),
                                              .high_water = HIGH_WATER,
                                              .message_max = (size_t)c->frame_max};
    return o;
}

enum weft_progress_mode weft_run_progress(const struct weft_run *run)
{
    return run->common.quiet ? WEFT_PROGRESS_OFF : (enum weft_progress_mode)run->common.progress;
}

bool weft_run_ready(const struct weft_run *run)
{
    return run->in && weft_reader_ready(run->in);
}

void weft_run_reject(struct weft_run *run, uint64_t n)
{
    run->rejected += n;
}

void weft_run_read(struct weft_run *run, uint64_t n)
{
    run->read += n;
}

static void say(const struct weft_run *run, const char *fmt, va_list ap)
{
    char line[1024];
    vsnprintf(line, sizeof line, fmt, ap);
    weft_say(run->program, "%s", line);
}

void weft_run_warn(struct weft_run *run, const char *fmt, ...)
{
    if (run->common.quiet)
        return;
    va_list ap;
    va_start(ap, fmt);
    say(run, fmt, ap);
    va_end(ap);
}

void weft_run_info(struct weft_run *run, const char *fmt, ...)
{
    if (!run->common.verbose)
        return;
    va_list ap;
    va_start(ap, fmt);
    say(run, fmt, ap);
    va_end(ap);
}

/* --- lineage --- */

void weft_run_lineage_arg(struct weft_run *run, const char *key, const char *value)
{
    weft_lineage_arg(&run->lineage, key, value);
}

void weft_run_lineage_nth(struct weft_run *run, const char *key, size_t i, const char *value)
{
    char nth[64];
    snprintf(nth, sizeof nth, "%s-%zu", key, i + 1);
    weft_run_lineage_arg(run, i ? nth : key, value);
}

/* What run.c alone knows: the options as they stand. */
static const struct weft_lineage *lineage(struct weft_run *run)
{
    run->lineage.program = run->program;
    run->lineage.opts = run->filter->opts;
    run->lineage.state = run->state;
    run->lineage.none = run->common.no_lineage;
    return &run->lineage;
}

const char *weft_run_output(const struct weft_run *run)
{
    return run->common.output;
}

char *weft_run_lineage_json(struct weft_run *run)
{
    return weft_run_lineage_json_from(run, weft_run_in_head(run));
}

char *weft_run_lineage_json_from(struct weft_run *run, const struct weft_head *from)
{
    return weft_lineage_json(lineage(run), from);
}

/* --- output --- */

int weft_run_head_from(struct weft_run *run, const struct weft_head *from, const char *schema, struct weft_span attrs,
                       struct weft_err *e)
{
    if (!run->out && weft_writer_open(run->common.output, &run->stream_opts, &run->out, e) < 0)
        return -1;
    struct weft_pack b = {0};
    weft_lineage_pack(lineage(run), from, &b);
    int rc = weft_writer_head(run->out, schema, attrs, weft_pack_span(&b), e);
    weft_pack_free(&b);
    run->headed = rc == 0;
    return rc;
}

int weft_run_head(struct weft_run *run, const char *schema, struct weft_span attrs, struct weft_err *e)
{
    return weft_run_head_from(run, weft_run_in_head(run), schema, attrs, e);
}

int weft_run_emit(struct weft_run *run, struct weft_span frame, struct weft_err *e)
{
    return run->held ? weft_hold_put(run->held, frame, e) : weft_writer_frame(run->out, frame, e);
}

int weft_run_hold(struct weft_run *run, struct weft_err *e)
{
    return run->acks || run->held ? 0 : weft_hold_new(&run->held, e);
}

int weft_run_release(struct weft_run *run, struct weft_err *e)
{
    struct weft_span frame;
    int got = 0;
    while (run->held && (got = weft_hold_next(run->held, &frame, e)) > 0)
        if (weft_writer_frame(run->out, frame, e) < 0)
            return -1;
    weft_hold_free(&run->held);
    return got;
}

int weft_run_done(struct weft_run *run, struct weft_err *e)
{
    if (!run->acks || !run->out)
        return 0;
    struct weft_pack b = {0};
    weft_pack_map(&b, 2);
    weft_pack_cstr(&b, "ack");
    weft_pack_uint(&b, ++run->acked);
    weft_pack_cstr(&b, "rejected");
    weft_pack_uint(&b, run->rejected - run->acked_rejected);
    run->acked_rejected = run->rejected;
    int rc = weft_writer_control(run->out, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc;
}

int weft_run_flow(struct weft_run *run, struct weft_reader *r, struct weft_err *e)
{
    if (weft_run_done(run, e) < 0)
        return -1;
    return weft_reader_ready(r) ? 0 : weft_writer_flush(run->out, e);
}

int weft_run_head_as(struct weft_run *run, const char *schema, struct weft_span attrs, struct weft_span lineage,
                     struct weft_err *e)
{
    int rc = weft_writer_head(run->out, schema, attrs, lineage, e);
    run->headed = rc == 0;
    return rc;
}

void weft_run_stand_for(struct weft_run *run, struct weft_reader *reader, const char *program)
{
    run->in = reader;
    snprintf(run->stand_for, sizeof run->stand_for, "%s", program);
}

void weft_run_exit_with(struct weft_run *run, int code)
{
    run->exit_with = code;
}

FILE *weft_run_text(struct weft_run *run)
{
    return run->text ? run->text : stdout;
}

/* Counts of the programs above, and ours. */
static int write_tail(struct weft_run *run, struct weft_err *e)
{
    struct weft_pack b = {0};
    struct weft_value list = {0};
    struct weft_span above = run->in ? weft_reader_counts(run->in) : (struct weft_span){0};
    uint32_t n = run->in && weft_value_next(&above, &list) ? list.count : 0;
    weft_pack_array(&b, n + 1);
    if (n)
        weft_pack_raw(&b, list.body);
    weft_pack_tally(&b, run->stand_for[0] ? run->stand_for : run->program, run->read, weft_writer_count(run->out),
                    run->rejected);
    int rc = weft_writer_end(run->out, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc;
}

int weft_run_text_check(struct weft_run *run, struct weft_err *e)
{
    if (!ferror(weft_run_text(run)))
        return 0;
    if (errno == EPIPE)
        weft_die_of_sigpipe();
    return weft_stop_check(e) < 0
               ? -1
               : weft_fail_errno(e, WEFT_IO, "can't write %s", run->text ? run->common.output : "standard output");
}

static int finish_text(struct weft_run *run, struct weft_err *e)
{
    if (run->text && !run->text_file) {
        weft_fail(e, WEFT_USAGE, "text does not go to a socket, and -o is %s", run->common.output);
        return weft_fail_hint(e, "streams do (weft frames cat, --format frames); pipe the text, or name a file");
    }
    (void)!fflush(weft_run_text(run)); /* its failure stays in ferror */
    if (weft_run_text_check(run, e) < 0)
        return -1;
    return run->text_file ? weft_file_commit(&run->text_file, e) : 0;
}

/* --- one run --- */

static int open_ends(struct weft_run *run, struct weft_err *e)
{
    const struct weft_filter *f = run->filter;
    const char *to = run->common.output;
    if (f->out == WEFT_IO_MODEL && strcmp(to, "-") != 0 && !weft_socket_endpoint(to) && weft_file_check(to, e) < 0)
        return -1;
    if (f->out == WEFT_IO_STREAM && weft_writer_open(run->common.output, &run->stream_opts, &run->out, e) < 0)
        return -1;
    bool input = f->in == WEFT_IO_STREAM && !(f->no_input && f->no_input(run->state));
    if (input && weft_reader_open(run->common.input, f->schema, &run->stream_opts, &run->in, e) < 0)
        return -1;
    if (input && f->opts && weft_opt_stream(f->opts, run->state, run->given, weft_reader_head(run->in)->schema, e) < 0)
        return -1;
    /* What some of these programs write is a stream (frames cat, --format frames), and may go to a socket; text, which
     * may not, is only known when it comes (finish_text). */
    if (f->out == WEFT_IO_TEXT && weft_socket_endpoint(to)) {
        run->text = fopen("/dev/null", "w");
        if (!run->text)
            return weft_fail_errno(e, WEFT_CANTCREAT, "can't open /dev/null");
    } else if (f->out == WEFT_IO_TEXT && strcmp(to, "-") != 0) {
        if (weft_file_create(run->common.output, &run->text_file, e) < 0)
            return -1;
        run->text = fdopen(dup(weft_file_fd(run->text_file)), "w");
        if (!run->text)
            return weft_fail_errno(e, WEFT_CANTCREAT, "can't write %s", run->common.output);
    }
    return 0;
}

static int loop(struct weft_run *run, struct weft_err *e)
{
    struct weft_progress p;
    weft_progress_start(&p, run->program, weft_run_progress(run));
    int got;
    struct weft_span frame;
    while ((got = weft_reader_next(run->in, &frame, e)) > 0) {
        run->read++;
        if (run->filter->frame && run->filter->frame(run, run->state, frame, e) < 0) {
            weft_fail_where(e, "frame %llu", (unsigned long long)run->read);
            got = -1;
            break;
        }
        if (run->acks && !run->filter->acknowledges && weft_run_done(run, e) < 0) {
            got = -1;
            break;
        }
        if (weft_stop_check(e) < 0) {
            got = -1;
            break;
        }
        /* A slow upstream must not leave finished frames in our buffer. */
        if (run->out && run->headed && !weft_reader_ready(run->in) && weft_writer_flush(run->out, e) < 0) {
            got = -1;
            break;
        }
        weft_progress_at(&p, run->read, 0, "frames", "%s", "");
    }
    weft_progress_end(&p);
    return got;
}

static int run_filter(struct weft_run *run, struct weft_err *e)
{
    const struct weft_filter *f = run->filter;
    if (open_ends(run, e) < 0)
        return -1;
    if (f->start && f->start(run, run->state, e) < 0)
        return -1;
    /* Results of single frames can be told apart only behind a head. */
    if (run->acks && run->in && !run->headed)
        return weft_fail(e, WEFT_CONFIG, "gives its results at the end of the stream: it can't be spread over workers");
    if (run->in && loop(run, e) < 0)
        return -1;
    if (f->drain && f->drain(run, run->state, e) < 0)
        return -1;
    if (weft_stop_check(e) < 0)
        return -1;
    if (run->headed)
        return write_tail(run, e);
    if (f->out == WEFT_IO_STREAM)
        return weft_fail(e, WEFT_BUG, "no head was written");
    return f->out == WEFT_IO_TEXT ? finish_text(run, e) : 0;
}

/* Says what went wrong, here and downstream, and gives the exit status. */
static int report(struct weft_run *run, struct weft_err *e)
{
    const char *program = run->program;
    int code = e->code ? e->code : WEFT_BUG;
    if (!e->code)
        weft_fail(e, WEFT_BUG, "failed without a reason");
    if (code == WEFT_USAGE && !e->hint[0])
        weft_fail_hint(e, "see weft %s --help", run->program);
    if (code != WEFT_NO)
        weft_err_print(run->program, e);
    if (run->out) {
        const char *culprit = NULL;
        int culprit_exit = 0;
        if (code == WEFT_UPSTREAM && run->in)
            weft_reader_culprit(run->in, &culprit, &culprit_exit);
        weft_writer_fault(run->out, culprit ? culprit : program, culprit ? culprit_exit : code, e->what);
    }
    return code;
}

static void close_ends(struct weft_run *run)
{
    weft_reader_close(&run->in);
    weft_writer_close(&run->out);
    weft_hold_free(&run->held);
    if (run->text)
        fclose(run->text);
    if (run->text_file)
        weft_file_abort(&run->text_file);
    weft_lineage_free(&run->lineage);
}

/* The descriptors 0 to 2 must be taken, or the first file opened would become standard output. A closed one is opened
 * the wrong way round, so that using it fails with an honest error. */
static void secure_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            int got = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
            (void)got;
        }
}

static void make_table(struct weft_run *run)
{
    struct weft_opt *t = run->table;
    if (run->filter->in == WEFT_IO_STREAM)
        *t++ = opt_input;
    if (run->filter->out != WEFT_IO_NONE)
        *t++ = run->filter->out == WEFT_IO_MODEL  ? opt_model
               : run->filter->out == WEFT_IO_TEXT ? opt_text_output
                                                  : opt_output;
    for (size_t i = 0; i < sizeof opt_socket / sizeof *opt_socket; i++)
        *t++ = opt_socket[i];
    for (size_t i = 0; i < sizeof opt_rest / sizeof *opt_rest; i++)
        *t++ = opt_rest[i];
    for (struct weft_opt *o = run->table; o < t && run->filter->threads_matter; o++)
        if (strcmp(o->name, "threads") == 0)
            o->help = threads_matter_help;
    *t++ = opt_help;
    *t++ = opt_version;
    *t = (struct weft_opt){.type = WEFT_OPT_END};
}

static void summary(const struct weft_run *run, double started)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    double cpu =
        (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
    weft_say(run->program, "%llu in, %llu out, %llu rejected; %.2f s, %.2f s of CPU, %ld MB",
             (unsigned long long)run->read, (unsigned long long)(run->out ? weft_writer_count(run->out) : 0),
             (unsigned long long)run->rejected, weft_seconds() - started, cpu, u.ru_maxrss >> 10);
}

/* --help in its forms and --version. True when one was asked for. */
static bool informed(struct weft_run *run, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help=mdoc") == 0)
            weft_opt_mdoc(stdout, &run->filter->usage, run->filter->opts, run->table, WEFT_RELEASE_DATE);
        else if (strcmp(argv[i], "--help=complete") == 0)
            weft_opt_complete(stdout, run->filter->opts, run->table);
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            weft_opt_help(stdout, &run->filter->usage, run->filter->opts, run->table);
        else if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0)
            weft_version_print(stdout, run->program);
        else
            continue;
        return true;
    }
    return false;
}

/* What follows the options is -i, where the program reads one stream and has no other use for it. */
static int take_operands(struct weft_run *run, struct weft_err *e)
{
    const struct weft_filter *f = run->filter;
    bool stream = f->in == WEFT_IO_STREAM && !(f->no_input && f->no_input(run->state));
    int max = stream ? 1 : f->max_operands;
    if (run->n_operands < f->min_operands)
        return weft_fail(e, WEFT_USAGE, "a file is missing");
    if (max >= 0 && run->n_operands > max) {
        weft_fail(e, WEFT_USAGE, "unexpected \"%s\"", run->operands[max]);
        return stream ? weft_fail_hint(e, "it reads one stream; weft frames cat joins several") : -1;
    }
    if (!stream || !run->n_operands)
        return 0;
    if (run->common.input != opt_input.def)
        return weft_fail(e, WEFT_USAGE, "two streams to read, -i %s and %s: give one", run->common.input,
                         run->operands[0]);
    run->common.input = run->operands[0];
    run->n_operands = 0;
    return 0;
}

int weft_main(const struct weft_filter *filter, int argc, char **argv)
{
    secure_descriptors();
    weft_program_set(filter->usage.name);
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION /* a fuzzer that calls us has signals of its own */
    weft_stop_catch();
    weft_map_guard();
#endif
    double started = weft_seconds();
    struct weft_run run = {.filter = filter, .program = filter->usage.name};
    struct weft_err e = {0};
    make_table(&run);
    if (informed(&run, argc, argv))
        return finish_text(&run, &e) < 0 ? report(&run, &e) : 0;
    run.state = weft_xcalloc(1, filter->state_size ? filter->state_size : 1);
    int rc =
        weft_opt_parse(filter->opts, run.state, run.table, &run.common, argc, argv, &run.n_operands, &run.given, &e);
    run.operands = argv + 1;
    if (rc == 0)
        rc = take_operands(&run, &e);
    run.stream_opts = stream_opts(&run.common);
    run.acks = getenv("WEFT_ACKS") != NULL; /* set by work, for its child alone */
    if (rc == 0)
        rc = run_filter(&run, &e);
    int status = rc < 0 ? report(&run, &e) : run.exit_with;
    if (filter->stop)
        filter->stop(&run, run.state);
    if (status == 0 && run.common.verbose)
        summary(&run, started);
    close_ends(&run);
    weft_opt_free(filter->opts, run.state);
    free(run.state);
    int stop = weft_stop_signal();
    if ((stop == SIGINT || stop == SIGTERM) &&
        status == WEFT_TEMPFAIL) { /* tell the parent the truth: a signal ended us */
        signal(stop, SIG_DFL);
        raise(stop);
    }
    return status;
}
