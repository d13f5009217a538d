/* stop.c - signals that ask us to end. */
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGALRM, SIGUSR1, SIGUSR2};
/* The only thing that a signal handler can tell the loops. */
static volatile sig_atomic_t came;
/* Readable once it came: a signal between a look at `came` and a wait would be slept through. -1: no descriptors left.
 */
static int woken[2] = {-1, -1};

enum { LINGER_MS = 1000 }; /* for what is to be told downstream */

static void say_interrupted(void)
{
    static const char what[] = ": interrupted\n";
    ssize_t wrote = write(STDERR_FILENO, weft_program(), strlen(weft_program()));
    wrote += write(STDERR_FILENO, what, sizeof what - 1);
    (void)wrote;
}

static void on_signal(int sig)
{
    if (!came) {
        int kept = errno;
        came = sig;
        ssize_t wrote = write(woken[1], "", 1);
        (void)wrote;
        errno = kept;
        return;
    }
    /* The second time: at once, without leaving files. */
    weft_file_cleanup();
    if (sig != SIGINT && sig != SIGTERM) {
        say_interrupted();
        _exit(WEFT_TEMPFAIL);
    }
    signal(sig, SIG_DFL);
    raise(sig); /* delivered when this handler returns */
}

void weft_stop_catch(void)
{
    struct sigaction sa = {.sa_handler = SIG_IGN}, was;
    if (woken[0] < 0 && pipe(woken) == 0)
        for (int i = 0; i < 2; i++) {
            fcntl(woken[i], F_SETFD, FD_CLOEXEC);
            fcntl(woken[i], F_SETFL, O_NONBLOCK);
        }
    sigaction(SIGPIPE, &sa, NULL);
    sigaction(SIGXFSZ, &sa, NULL);
    sa.sa_handler = on_signal; /* no SA_RESTART: a blocked read returns */
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
        if (stops[i] != SIGHUP || (sigaction(SIGHUP, NULL, &was) == 0 && was.sa_handler != SIG_IGN))
            sigaction(stops[i], &sa, NULL); /* what nohup started goes on */
}

int weft_stop_signal(void)
{
    return came;
}

ssize_t weft_stop_read(int fd, void *p, size_t n)
{
    struct pollfd any[] = {{.fd = fd, .events = POLLIN}, {.fd = woken[0], .events = POLLIN}};
    while (!came && poll(any, 2, -1) < 0 && errno == EINTR)
        ;
    if (!came)
        return read(fd, p, n);
    errno = EINTR;
    return -1;
}

ssize_t weft_stop_write(int fd, const void *p, size_t n)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (!came) {
        ssize_t wrote = write(fd, p, n);
        if (wrote >= 0 || errno != EINTR || !came)
            return wrote;
    }
    if (poll(&room, 1, LINGER_MS) > 0)
        return write(fd, p, n < PIPE_BUF ? n : PIPE_BUF); /* which does not block */
    errno = EINTR;
    return -1;
}

int weft_interrupted(struct weft_err *e)
{
    return weft_fail(e, WEFT_TEMPFAIL, "interrupted");
}

int weft_stop_check(struct weft_err *e)
{
    return came ? weft_interrupted(e) : 0;
}
