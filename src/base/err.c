/* err.c - errors filled by the library, printed by programs. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 2048 };

static int fill(struct weft_err *e, int code, const char *what, va_list ap)
{
    if (e && !e->code) {
        e->code = code;
        vsnprintf(e->what, sizeof e->what, what, ap);
    }
    return -1;
}

int(weft_fail)(struct weft_err *e, int code, const char *what, ...)
{
    va_list ap;
    va_start(ap, what);
    fill(e, code, what, ap);
    va_end(ap);
    return -1;
}

int(weft_fail_errno)(struct weft_err *e, int code, const char *what, ...)
{
    int number = errno;
    va_list ap;
    if (!e || e->code)
        return -1;
    va_start(ap, what);
    fill(e, code, what, ap);
    va_end(ap);
    size_t n = strlen(e->what);
    snprintf(e->what + n, sizeof e->what - n, ": %s", strerror(number));
    errno = number;
    return -1;
}

int(weft_fail_where)(struct weft_err *e, const char *where, ...)
{
    va_list ap;
    if (e && !e->where[0]) {
        va_start(ap, where);
        vsnprintf(e->where, sizeof e->where, where, ap);
        va_end(ap);
    }
    return -1;
}

int(weft_fail_hint)(struct weft_err *e, const char *hint, ...)
{
    va_list ap;
    if (e && !e->hint[0]) {
        va_start(ap, hint);
        vsnprintf(e->hint, sizeof e->hint, hint, ap);
        va_end(ap);
    }
    return -1;
}

/* One write(2), so that lines of parallel programs do not mix. */
static void put_line(char *line, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[n] = '\n';
    ssize_t wrote = write(STDERR_FILENO, line, n + 1);
    (void)wrote;
}

static size_t length_of(int wrote, size_t cap)
{
    return wrote < 0 ? 0 : (size_t)wrote < cap ? (size_t)wrote : cap - 1;
}

static const char *program_name = "weft";

void weft_program_set(const char *name)
{
    program_name = name;
}

const char *weft_program(void)
{
    return program_name;
}

void weft_err_print(const char *program, const struct weft_err *e)
{
    char line[LINE_BYTES];
    int wrote = snprintf(line, sizeof line - 1, "%s: %s%s%s%s%s", program, e->where, e->where[0] ? ": " : "", e->what,
                         e->hint[0] ? "; " : "", e->hint);
    put_line(line, length_of(wrote, sizeof line - 1));
}

void weft_say(const char *program, const char *fmt, ...)
{
    char line[LINE_BYTES];
    size_t n = length_of(snprintf(line, sizeof line - 1, "%s: ", program), sizeof line - 1);
    va_list ap;
    va_start(ap, fmt);
    n += length_of(vsnprintf(line + n, sizeof line - 1 - n, fmt, ap), sizeof line - 1 - n);
    va_end(ap);
    put_line(line, n);
}
