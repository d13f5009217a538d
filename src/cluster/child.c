/* child.c - another program on pipes. */
#include "cluster/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

extern char **environ;

enum { READ_BYTES = 1 << 16, FRAME_MAX = 1 << 30 };

/* Bytes in the order they came: [from, n) are still to be taken. */
struct queue {
    uint8_t *p;
    size_t from, n, cap;
};

struct weft_child {
    pid_t pid;
    int in, out, err; /* our ends; -1: closed */
    struct queue to, from;
    struct weft_walker walker;
    bool finishing, reaped;
    int status;
    char *name;
    char line[512], said[512];
    size_t line_n;
};

static void push(struct queue *q, const void *p, size_t n)
{
    if (q->from) {
        memmove(q->p, q->p + q->from, q->n - q->from);
        q->n -= q->from;
        q->from = 0;
    }
    if (q->n + n > q->cap)
        q->p = weft_xrealloc(q->p, q->cap = weft_grow(q->cap, q->n + n));
    if (n)
        memcpy(q->p + q->n, p, n);
    q->n += n;
}

static int make_pipes(int fd[3][2], struct weft_err *e)
{
    for (int i = 0; i < 3; i++)
        if (pipe(fd[i]) < 0)
            return weft_fail_errno(e, WEFT_TEMPFAIL, "no pipe to be had");
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            fcntl(fd[i][k], F_SETFD, FD_CLOEXEC);
    fcntl(fd[0][1], F_SETFL, O_NONBLOCK);
    fcntl(fd[1][0], F_SETFL, O_NONBLOCK);
    fcntl(fd[2][0], F_SETFL, O_NONBLOCK);
    return 0;
}

int weft_child_start(char *const *argv, const char *name, struct weft_child **out, struct weft_err *e)
{
    *out = NULL;
    int fd[3][2];
    if (make_pipes(fd, e) < 0)
        return -1;
    struct weft_child *c = *out = WEFT_NEW(struct weft_child);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t signals;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd[0][0], 0);
    posix_spawn_file_actions_adddup2(&actions, fd[1][1], 1);
    posix_spawn_file_actions_adddup2(&actions, fd[2][1], 2);
    /* What we ignore and catch is not the child's business. */
    posix_spawnattr_init(&attr);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attr, &signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawnattr_setsigdefault(&attr, &signals);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int rc = posix_spawnp(&c->pid, argv[0], &actions, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    close(fd[0][0]);
    close(fd[1][1]);
    close(fd[2][1]);
    c->in = fd[0][1];
    c->out = fd[1][0];
    c->err = fd[2][0];
    c->name = weft_xstrdup(name);
    c->reaped = rc != 0;
    if (rc == 0)
        return 0;
    weft_child_stop(out);
    errno = rc;
    return weft_fail_errno(e, WEFT_NOINPUT, "can't run %s", argv[0]);
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void weft_child_stop(struct weft_child **cp)
{
    struct weft_child *c = *cp;
    if (!c)
        return;
    shut(&c->in);
    shut(&c->out);
    shut(&c->err);
    if (!c->reaped) {
        kill(c->pid, SIGKILL);
        while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR) {
        }
    }
    free(c->to.p);
    free(c->from.p);
    free(c->name);
    free(c);
    *cp = NULL;
}

void weft_child_feed(struct weft_child *c, const void *p, size_t n)
{
    if (c->in >= 0)
        push(&c->to, p, n);
}

void weft_child_finish(struct weft_child *c)
{
    c->finishing = true;
    if (c->to.from == c->to.n)
        shut(&c->in);
}

size_t weft_child_poll(const struct weft_child *c, struct pollfd *fds)
{
    size_t n = 0;
    if (c->out >= 0)
        fds[n++] = (struct pollfd){.fd = c->out, .events = POLLIN};
    if (c->err >= 0)
        fds[n++] = (struct pollfd){.fd = c->err, .events = POLLIN};
    if (c->in >= 0 && c->to.from < c->to.n)
        fds[n++] = (struct pollfd){.fd = c->in, .events = POLLOUT};
    return n;
}

static void write_some(struct weft_child *c)
{
    while (c->in >= 0 && c->to.from < c->to.n) {
        ssize_t wrote = write(c->in, c->to.p + c->to.from, c->to.n - c->to.from);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0 && errno == EAGAIN)
            return;
        if (wrote < 0) { /* it does not read any more: what it says at its end tells why */
            shut(&c->in);
            return;
        }
        c->to.from += (size_t)wrote;
    }
    if (c->finishing)
        shut(&c->in);
}

static void pass_line(struct weft_child *c)
{
    c->line[c->line_n] = 0;
    if (c->line_n) {
        memcpy(c->said, c->line, c->line_n + 1);
        weft_say(c->name, "%s", c->line);
    }
    c->line_n = 0;
}

static void read_errors(struct weft_child *c)
{
    char buf[4096];
    ssize_t got;
    while (c->err >= 0 && (got = read(c->err, buf, sizeof buf)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return;
        for (ssize_t i = 0; i < got; i++) {
            if (buf[i] == '\n' || c->line_n == sizeof c->line - 1)
                pass_line(c);
            if (buf[i] != '\n')
                c->line[c->line_n++] = buf[i];
        }
    }
    pass_line(c);
    shut(&c->err);
}

static void read_output(struct weft_child *c)
{
    uint8_t buf[READ_BYTES];
    ssize_t got = 0;
    /* A few reads at a time: others wait too. */
    for (int i = 0; i < 8 && c->out >= 0 && (got = read(c->out, buf, sizeof buf)) > 0; i++)
        push(&c->from, buf, (size_t)got);
    if (got == 0 && c->out >= 0)
        shut(&c->out);
}

void weft_child_move(struct weft_child *c)
{
    write_some(c);
    read_errors(c);
    read_output(c);
}

int weft_child_next(struct weft_child *c, struct weft_span *map, struct weft_err *e)
{
    struct queue *q = &c->from;
    int got = q->from == q->n ? 0 : weft_walk(&c->walker, q->p + q->from, q->n - q->from, FRAME_MAX, e);
    if (got <= 0)
        return got;
    *map = (struct weft_span){q->p + q->from, c->walker.off};
    q->from += c->walker.off;
    c->walker = (struct weft_walker){0};
    return 1;
}

bool weft_child_ended(struct weft_child *c, int *status)
{
    if (c->out >= 0)
        return false;
    if (!c->reaped) {
        while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR) {
        }
        c->reaped = true;
        read_errors(c);
    }
    *status = WIFEXITED(c->status) ? WEXITSTATUS(c->status) : 128 + WTERMSIG(c->status);
    return true;
}

const char *weft_child_said(const struct weft_child *c)
{
    return c->said;
}
