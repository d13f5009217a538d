/* par.h - parallel loops whose result does not depend on the number of threads. */
#ifndef WEFT_PAR_H
#define WEFT_PAR_H
#include <stdbool.h>
#include <stddef.h>

/* A pool of `threads` workers (the caller is one of them). */
struct weft_par;
struct weft_par *weft_par_new(int threads);
void weft_par_free(struct weft_par **p);
int weft_par_threads(const struct weft_par *p);

/* Calls fn(ctx, i) once for every i in [0, n) and returns when all are done. Which thread runs which i is open, so
 * fn(i) must write only what belongs to i; sums are made by the caller over i in order. p may be NULL: runs in place.
 */
void weft_par_for(struct weft_par *p, size_t n, void (*fn)(void *ctx, size_t i), void *ctx);

/* Can `more` threads be started beside those that run? For libraries that end the program when they can't (65 and more
 * are asked for as 64). */
bool weft_par_can_start(int more);
/* Cores this process may use. */
int weft_par_cores(void);
#endif
