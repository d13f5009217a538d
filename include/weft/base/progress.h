/* progress.h - a bar on stderr when it is a terminal and the work is long; plain lines when forced; silent otherwise.
 */
#ifndef WEFT_PROGRESS_H
#define WEFT_PROGRESS_H
#include <stdint.h>
#include "base/err.h"

enum weft_progress_mode { WEFT_PROGRESS_AUTO, WEFT_PROGRESS_PLAIN, WEFT_PROGRESS_OFF };

struct weft_progress {
    const char *program;
    enum weft_progress_mode mode;
    int tty, drawn;
    double started, last;
};
void weft_progress_start(struct weft_progress *p, const char *program, enum weft_progress_mode mode);
/* Says where the work stands: done of total (0: unknown) `unit`s, with a note behind. At most a few times a second on a
 * terminal, every five seconds as plain lines. */
void weft_progress_at(struct weft_progress *p, uint64_t done, uint64_t total, const char *unit, const char *note, ...)
    WEFT_PRINTF(5, 6);
/* A line that stays (an epoch's losses). Shown whenever progress is shown. */
void weft_progress_line(struct weft_progress *p, const char *fmt, ...) WEFT_PRINTF(2, 3);
/* Clears the bar. */
void weft_progress_end(struct weft_progress *p);
#endif
