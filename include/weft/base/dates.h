/* dates.h - dates as tables write them.
 *
 * What says by itself what it is, is read always: all that weft_date_parse reads, the same with an offset (the day is
 * the local one of the offset), "2025.03.01.", "2024. 1. 5.", "2024년 1월 5일", 오전/오후 and AM/PM, 2025030109,
 * 202503010912 and 20250301091233, "Mar 1, 2025", "1 Mar 2025", "2025-03-01 (토)", a range of one day
 * ("20250301 - 20250301"), months ("2025-03", "2025년 3월", "2025.03", "Mar 2025"), quarters ("2025Q1", "2025-Q1") and
 * ISO weeks ("2025-W09"): these at their first day. 3/1/2025 and 1.3.2025 are read when it is said which of the two is
 * the month, Excel's numbers of days when that is said, anything by a format of strptime. */
#ifndef WEFT_DATES_H
#define WEFT_DATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum weft_dates_form {
    WEFT_DATES_PLAIN,
    WEFT_DATES_MONTH_FIRST,
    WEFT_DATES_DAY_FIRST,
    WEFT_DATES_YEAR_FIRST, /* 25.03.01 */
    WEFT_DATES_SIX_MONTH,  /* 202503 */
    WEFT_DATES_SIX_WEEK,   /* 202510, of ISO's weeks */
    WEFT_DATES_SIX_DAY,    /* 250301 */
    WEFT_DATES_EXCEL,
    WEFT_DATES_UNIX,          /* seconds since 1970, or thousandths */
    WEFT_DATES_DECIMAL_YEARS, /* R's time(): 1949.083 is February 1949 */
    WEFT_DATES_FORMAT
};
struct weft_dates {
    enum weft_dates_form form;
    const char *format; /* of strptime, for FORMAT */
    bool zoned;         /* days are those of a time zone: times in UTC or with an offset are converted to it */
    bool by_name;       /* of the zone that weft_dates_zone set; else `offset` */
    int64_t offset;     /* seconds east of UTC */
};
/* What a cell of a kind of digits and marks alone says: enough to choose among the forms. */
enum weft_dates_kind {
    WEFT_DATE_NONE,
    WEFT_DATE_SURE, /* read whatever the form is */
    WEFT_DATE_UTC,  /* sure, in UTC (Z, or an offset of +00 without minutes, as psql writes it, or +00:00): of which day
                       depends on the zone */
    WEFT_DATE_TWO_WAYS,    /* 3/1/2025: either */
    WEFT_DATE_DAY_FIRST,   /* 31/1/2025 */
    WEFT_DATE_MONTH_FIRST, /* 1/31/2025 */
    WEFT_DATE_BARE_HOUR    /* 2025030109: an hour where the column is one of dates, else any number */
};
enum weft_dates_kind weft_dates_kind(const char *s, size_t n);
/* Three numbers with a year of two digits, 24.01.05: on which days (since 1970) each order of them is one. Bit 0:
 * month, day, year; bit 1: day, month, year; bit 2: year, month, day. 0 for all other texts. */
unsigned weft_dates_turns(const char *s, size_t n, int64_t days[3]);
/* Six digits, or 2025-03, which may be a week too: which of the forms from WEFT_DATES_SIX_MONTH on they fit, a bit
 * each, and what they are in each. */
enum { WEFT_SIX_MONTH = 1, WEFT_SIX_WEEK = 2, WEFT_SIX_DAY = 4 };
unsigned weft_dates_six(const char *s, size_t n, int64_t seconds[3]);
/* The whole text must be a date, blanks around it aside. With an offset: the local time that is written, or that of the
 * zone; a time in UTC needs a zone. */
bool weft_dates_read(const struct weft_dates *d, const char *s, size_t n, int64_t *seconds);
/* What to say after "not a date" of a text that is Excel's number of a day between 1980 and 2099; else "". */
const char *weft_dates_serial_hint(const char *s, size_t n);

/* The month that a year with decimals stands for, as R's time() has it: 1949.083 for February (k/12, rounded to two
 * decimals or more). False when it is none. */
bool weft_dates_decimal_year(double year, int64_t *seconds);

/* --date-format: %m/%d/%Y and the like (strptime), "excel", "unix" or "decimal-year". 64 when it is none of them. */
int weft_dates_format(struct weft_dates *d, const char *format, struct weft_err *e) WEFT_MUST_USE;
/* What --date-format says for a form; NULL: nothing has to be said, or a format of strptime. */
const char *weft_dates_form_name(enum weft_dates_form form);
/* --timezone: +09:00, UTC, or a name of the system's zones (Asia/Seoul). Sets the process's zone for a name: call
 * before threads run. 64 when there is no such zone. */
int weft_dates_zone(struct weft_dates *d, const char *zone, struct weft_err *e) WEFT_MUST_USE;
/* A month, quarter or week: *step is its step, *seconds its first day. False for all else, days too. */
bool weft_dates_period(const char *s, size_t n, int64_t *seconds, int64_t *step);

#endif
