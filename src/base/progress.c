/* progress.c - where long work stands. */
#include "base/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* Quiet for the first moments: most runs are over before a bar helps. */
static const double first_after = 1.0, tty_every = 0.2, plain_every = 5.0;

void weft_progress_start(struct weft_progress *p, const char *program, enum weft_progress_mode mode)
{
    *p = (struct weft_progress){.program = program, .mode = mode, .tty = isatty(STDERR_FILENO)};
    p->started = p->last = weft_seconds();
}

static int shown(const struct weft_progress *p)
{
    return p->mode == WEFT_PROGRESS_PLAIN || (p->mode == WEFT_PROGRESS_AUTO && p->tty);
}

static void put(const char *line, size_t n)
{
    ssize_t wrote = write(STDERR_FILENO, line, n);
    (void)wrote;
}

static int bar(char *out, size_t cap, double part)
{
    char cells[21];
    int full = (int)(part * 20 + 0.5);
    for (int i = 0; i < 20; i++)
        cells[i] = i < full ? '#' : '.';
    cells[20] = 0;
    return snprintf(out, cap, " [%s] %3d%%", cells, (int)(part * 100));
}

void weft_progress_at(struct weft_progress *p, uint64_t done, uint64_t total, const char *unit, const char *note, ...)
{
    if (!shown(p))
        return;
    double t = weft_seconds(), every = p->mode == WEFT_PROGRESS_PLAIN ? plain_every : tty_every;
    if (t - p->started < first_after || t - p->last < every)
        return;
    p->last = t;
    char line[512];
    size_t n = 0;
    int plain = p->mode == WEFT_PROGRESS_PLAIN || !p->tty;
    n += (size_t)snprintf(line, sizeof line, "%s%s:", plain ? "" : "\r\033[K", p->program);
    if (total && !plain)
        n += (size_t)bar(line + n, sizeof line - n, (double)done / (double)total);
    n += (size_t)snprintf(line + n, sizeof line - n, " %llu", (unsigned long long)done);
    if (total)
        n += (size_t)snprintf(line + n, sizeof line - n, " of %llu", (unsigned long long)total);
    n += (size_t)snprintf(line + n, sizeof line - n, " %s", unit);
    if (total && done)
        n += (size_t)snprintf(line + n, sizeof line - n, ", %.0f s left",
                              (t - p->started) * (double)(total - done) / (double)done);
    if (*note) {
        va_list ap;
        va_start(ap, note);
        n += (size_t)snprintf(line + n, sizeof line - n, ", ");
        int wrote = vsnprintf(line + n, sizeof line - n, note, ap);
        n = wrote < 0 ? n : n + (size_t)wrote < sizeof line - 2 ? n + (size_t)wrote : sizeof line - 2;
        va_end(ap);
    }
    if (plain)
        line[n++] = '\n';
    p->drawn = !plain;
    put(line, n);
}

void weft_progress_line(struct weft_progress *p, const char *fmt, ...)
{
    if (!shown(p))
        return;
    char line[512];
    weft_progress_end(p);
    int n = snprintf(line, sizeof line, "%s: ", p->program);
    va_list ap;
    va_start(ap, fmt);
    n += vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
    va_end(ap);
    if (n > (int)sizeof line - 2)
        n = (int)sizeof line - 2;
    line[n++] = '\n';
    put(line, (size_t)n);
}

void weft_progress_end(struct weft_progress *p)
{
    if (p->drawn)
        put("\r\033[K", 4);
    p->drawn = 0;
}
