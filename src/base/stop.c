/* stop.c - signals that ask us to end. */
#include "base/stop.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGALRM, SIGUSR1, SIGUSR2};
/* The only thing that a signal handler can tell the loops. */
static volatile sig_atomic_t came;

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
        came = sig;
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

int weft_interrupted(struct weft_err *e)
{
    return weft_fail(e, WEFT_TEMPFAIL, "interrupted");
}

int weft_stop_check(struct weft_err *e)
{
    return came ? weft_interrupted(e) : 0;
}
