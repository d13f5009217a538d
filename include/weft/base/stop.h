/* stop.h - what asks a program to end: signals, looked at wherever a program waits or loops. */
#ifndef WEFT_STOP_H
#define WEFT_STOP_H

#include <sys/types.h>

#include "base/err.h"

/* Catches INT, TERM, HUP, QUIT, XCPU, ALRM, USR1 and USR2 (HUP unless the parent ignores it: nohup): the first is
 * noted, the second ends the program at once without leaving temporary files. PIPE and XFSZ are ignored: writing fails
 * with EPIPE or EFBIG. */
void weft_stop_catch(void);
/* The signal that came; 0: none. */
int weft_stop_signal(void);
/* 0, or once a signal came -1 and "interrupted" (75). For loops that can run long. */
int weft_stop_check(struct weft_err *e) WEFT_MUST_USE;
/* read(2) that waits for bytes or a signal, one that came before it included: then -1, and EINTR. */
ssize_t weft_stop_read(int fd, void *p, size_t n);
/* write(2). Once a signal came it waits a second at most for whoever reads: then -1, and EINTR. */
ssize_t weft_stop_write(int fd, const void *p, size_t n);
/* -1 and "interrupted" (75), for what a callback asked to stop. */
int weft_interrupted(struct weft_err *e);

#endif
