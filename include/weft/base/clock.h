/* clock.h - time that only goes forward (CLOCK_MONOTONIC), for waiting and for measuring. */
#ifndef WEFT_CLOCK_H
#define WEFT_CLOCK_H

#include <stdint.h>

double weft_seconds(void);
/* The same clock in whole milliseconds. */
int64_t weft_milliseconds(void);

#endif
