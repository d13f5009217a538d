/* calendar.h - dates as seconds since 1970-01-01T00:00:00 in the proleptic Gregorian calendar, without time zones. */
#ifndef WEFT_CALENDAR_H
#define WEFT_CALENDAR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* YYYY-MM-DD, YYYYMMDD, YYYY/M/D, YYYY.M.D, each optionally followed by ' ' or 'T' and H:MM[:SS[.fff]] and an optional 'Z'.
 * The whole text must match; month, day, hour, minute, second in range; years 1600 to 9999. */
bool weft_date_parse(const char *s, size_t n, int64_t *seconds);
/* "2017-12-31", or "2017-12-31T13:00:00" when `step` is not a multiple of a day or the time is not midnight. buf of 32. */
const char *weft_date_text(int64_t seconds, int64_t step, char buf[32]);
/* 0 Monday … 6 Sunday. */
int weft_weekday(int64_t seconds);
/* Days since 1970-01-01 of a civil date, and back. */
int64_t weft_days_from_civil(int y, int m, int d);
void weft_civil_from_days(int64_t days, int *y, int *m, int *d);

/* A step of the time grid in seconds: names "hour", "day", "week", else "<n>s". */
bool weft_step_parse(const char *s, int64_t *step);
const char *weft_step_text(int64_t step, char buf[32]);

/* Steps after which days are alike: 7 days, 24 hours, the steps of a day where they are shorter still; 1: none within
 * reach (weeks, and steps that do not divide a day). Growth compares whole seasons. */
size_t weft_step_season(int64_t step);
/* Steps of a year that keeps the weekday: 364 days; 0 when the step does not divide them. */
size_t weft_step_year(int64_t step);
#endif
