/* endpoint.c - descriptors, files and sockets as ends of a stream. */
#include "frame/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/stop.h"

/* Pipes start at 64 KiB; a larger one doubles the throughput of a pipeline. A refusal does no harm. */
enum { PIPE_BYTES = 1 << 20 };
#ifndef F_SETPIPE_SZ
#define F_SETPIPE_SZ 1031 /* Linux; hidden behind _GNU_SOURCE */
#endif

struct weft_source {
    int fd; /* -1: a socket */
    bool own;
    struct weft_wire_reader *wire;
    char *name;
};

struct weft_sink {
    int fd; /* -1: a socket */
    struct weft_wire_writer *wire;
    struct weft_file *file; /* NULL for standard output */
    char *name;
};

static void widen_pipe(int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
        (void)fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
}

static struct weft_source *new_source(int fd, bool own, const char *name)
{
    struct weft_source *s = WEFT_NEW(struct weft_source);
    s->fd = fd;
    s->own = own;
    s->name = weft_xstrdup(name);
    return s;
}

int weft_source_open(const char *endpoint, const struct weft_wire_opts *o, struct weft_source **out, struct weft_err *e)
{
    if (weft_socket_endpoint(endpoint)) {
        *out = new_source(-1, false, endpoint);
        return weft_wire_reader_open(endpoint, o, &(*out)->wire, e);
    }
    bool std = strcmp(endpoint, "-") == 0;
    int fd = STDIN_FILENO;
    if (std && isatty(fd)) {
        weft_fail(e, WEFT_USAGE, "standard input is a terminal");
        return weft_fail_hint(e, "pipe a stream in, or name a file with -i FILE");
    }
    if (!std) {
        fd = open(endpoint, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return weft_fail_errno(e, WEFT_NOINPUT, "can't open %s", endpoint);
        struct stat st;
        if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
            close(fd);
            return weft_fail(e, WEFT_NOINPUT, "%s is a directory", endpoint);
        }
    }
    widen_pipe(fd);
    *out = new_source(fd, !std, std ? "standard input" : endpoint);
    return 0;
}

struct weft_wire_reader *weft_source_wire(struct weft_source *s)
{
    return s->wire;
}

long weft_source_read(struct weft_source *s, void *p, size_t n, struct weft_err *e)
{
    ssize_t got = weft_stop_read(s->fd, p, n);
    if (got >= 0)
        return (long)got;
    return weft_stop_check(e) < 0 ? -1 : weft_fail_errno(e, WEFT_IO, "can't read %s", s->name);
}

bool weft_source_ready(struct weft_source *s)
{
    if (s->wire)
        return weft_wire_reader_ready(s->wire);
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

void weft_source_close(struct weft_source **s)
{
    if (!*s)
        return;
    if ((*s)->own)
        close((*s)->fd);
    weft_wire_reader_close(&(*s)->wire);
    free((*s)->name);
    free(*s);
    *s = NULL;
}

int weft_sink_open(const char *endpoint, const struct weft_wire_opts *o, struct weft_sink **out, struct weft_err *e)
{
    struct weft_sink *s = WEFT_NEW(struct weft_sink);
    *out = s;
    s->fd = -1;
    s->name = weft_xstrdup(strcmp(endpoint, "-") == 0 ? "standard output" : endpoint);
    if (weft_socket_endpoint(endpoint))
        return weft_wire_writer_open(endpoint, o, &s->wire, e);
    if (strcmp(endpoint, "-") != 0) {
        if (weft_file_create(endpoint, &s->file, e) < 0)
            return -1;
        s->fd = weft_file_fd(s->file);
        return 0;
    }
    if (isatty(STDOUT_FILENO)) {
        weft_fail(e, WEFT_USAGE, "standard output is a terminal, and a stream is no text");
        return weft_fail_hint(e, "pipe me into `weft frames show`, or name a file with -o FILE");
    }
    s->fd = STDOUT_FILENO;
    widen_pipe(s->fd);
    return 0;
}

bool weft_sink_by_map(const struct weft_sink *s)
{
    return s->wire != NULL;
}

_Noreturn void weft_die_of_sigpipe(void)
{
    weft_file_cleanup();
    signal(SIGPIPE, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(SIGPIPE);
    _exit(128 + SIGPIPE);
}

int weft_sink_write(struct weft_sink *s, const void *p, size_t n, struct weft_err *e)
{
    if (s->wire)
        return weft_wire_writer_send(s->wire, p, n, e);
    if (weft_write_all(s->fd, p, n) == 0)
        return 0;
    if (errno == EPIPE && !s->file)
        weft_die_of_sigpipe();
    return weft_stop_check(e) < 0 ? -1 : weft_fail_errno(e, WEFT_IO, "can't write %s", s->name);
}

void weft_sink_hurry(struct weft_sink *s)
{
    if (s->wire)
        weft_wire_writer_hurry(s->wire);
}

int weft_sink_commit(struct weft_sink *s, struct weft_err *e)
{
    if (s->wire)
        return weft_wire_writer_finish(s->wire, e);
    return s->file ? weft_file_commit(&s->file, e) : 0;
}

bool weft_sink_is_file(const struct weft_sink *s)
{
    return s->file != NULL;
}

void weft_sink_close(struct weft_sink **s)
{
    if (!*s)
        return;
    if ((*s)->file)
        weft_file_abort(&(*s)->file);
    weft_wire_writer_close(&(*s)->wire);
    free((*s)->name);
    free(*s);
    *s = NULL;
}
