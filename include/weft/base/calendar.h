/* calendar.h - dates as seconds since 1970-01-01T00:00:00 in the proleptic Gregorian calendar, without time zones. */
#ifndef WEFT_CALENDAR_H
#define WEFT_CALENDAR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* YYYY-MM-DD, YYYYMMDD, YYYY/M/D, YYYY.M.D, each optionally followed by ' ' or 'T' and H:MM[:SS[.fff]] and an optional
 * 'Z'. The whole text must match; month, day, hour, minute, second in range; years 1600 to 9999. */
bool weft_date_parse(const char *s, size_t n, int64_t *seconds);
/* "2017-12-31", or "2017-12-31T13:00:00" when `step` is shorter than a day or no multiple of it, or the time is not
 * midnight. buf of 32. */
const char *weft_date_text(int64_t seconds, int64_t step, char buf[32]);
/* 0 Monday … 6 Sunday. */
int weft_weekday(int64_t seconds);
/* Days since 1970-01-01 of a civil date, and back. */
int64_t weft_days_from_civil(int y, int m, int d);
void weft_civil_from_days(int64_t days, int *y, int *m, int *d);

/* A step of the time grid in seconds: names "hour", "day", "week", "month", "quarter", "business-day", else "<n>s".
 *
 * Months, quarters and working days (Monday to Friday) have no one length: their step is their mean length in the
 * calendar, which is the length of nothing else. Such steps are never added or divided by: that is what the functions
 * below are for. A grid of months or quarters begins on the first day of one. */
#define WEFT_STEP_HOUR INT64_C(3600)
#define WEFT_STEP_DAY INT64_C(86400)
#define WEFT_STEP_WEEK INT64_C(604800)
#define WEFT_STEP_BUSINESS_DAY INT64_C(120960) /* a fifth of a week */
#define WEFT_STEP_MONTH INT64_C(2629746)       /* 365.2425 days / 12 */
#define WEFT_STEP_QUARTER INT64_C(7889238)
bool weft_step_parse(const char *s, int64_t *step);
const char *weft_step_text(int64_t step, char buf[32]);
/* "day", "working day", "month" in sentences; "step" for one that has no name. */
const char *weft_step_unit(int64_t step);
/* The time n steps after t, or before it. Times that no calendar has wrap around. */
int64_t weft_step_add(int64_t t, int64_t n, int64_t step);
/* Whole steps from `from` on a grid to `t`, rounded down; below 0 when t lies before it. */
int64_t weft_step_count(int64_t from, int64_t t, int64_t step);
/* Does a step of the grid that has `from` begin at t? */
bool weft_step_fits(int64_t from, int64_t t, int64_t step);
/* Where the month, quarter or working day of t begins (Saturdays and Sundays count with the Friday before); t itself
 * for other steps. */
int64_t weft_step_begin(int64_t t, int64_t step);

/* Seasons. Steps after which days are alike: 7 days, 5 working days, 24 hours, the steps of a day where they are
 * shorter still; 1: none within reach (weeks, and steps that do not divide a day). Growth compares whole seasons. */
size_t weft_step_season(int64_t step);
/* Steps in the usual season of a calendar, within a year, of MASE and the seasonal naive forecast: 24 hours, 7 days, 5
 * working days, 52 weeks, 12 months, 4 quarters, else 1. */
int64_t weft_season_of(int64_t step);
/* Steps of a year that keeps the weekday: 364 days, 52 weeks, 260 working days; 12 months,
 * 4 quarters; 0 when the step does not divide one. */
size_t weft_step_year(int64_t step);

#endif
