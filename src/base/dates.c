/* dates.c - dates as tables write them. */
#define _XOPEN_SOURCE 700
#include "base/dates.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar.h"

enum { LONGEST = 64, EXCEL_EPOCH = -25569 }; /* 1899-12-30, in days */

struct text {
    const char *p, *end;
};

/* The parts of a date. */
struct parts {
    int y, m, d, hour, minute, second;
    bool time, zone, utc;
    int64_t offset;
    int first, second_number; /* of 3/1/2025 */
    bool two_ways;            /* first and second_number are month and day, or day and month */
};

static void blanks(struct text *t)
{
    while (t->p < t->end && (*t->p == ' ' || *t->p == '\t' || (t->end - t->p > 1 && memcmp(t->p, "\xc2\xa0", 2) == 0)))
        t->p += *t->p == '\xc2' ? 2 : 1;
}

static bool word(struct text *t, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(t->end - t->p) < n || strncasecmp(t->p, w, n) != 0)
        return false;
    t->p += n;
    return true;
}

/* min to max digits. */
static bool number(struct text *t, int min, int max, int *out)
{
    int n = 0, v = 0;
    for (; n < max && t->p < t->end && *t->p >= '0' && *t->p <= '9'; n++)
        v = v * 10 + (*t->p++ - '0');
    *out = v;
    return n >= min;
}

static int days_in(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return m == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0) ? 29 : days[m - 1];
}

static bool valid_day(int y, int m, int d)
{
    return y >= 1600 && y <= 9999 && m >= 1 && m <= 12 && d >= 1 && d <= days_in(y, m);
}

static int month_name(struct text *t)
{
    static const char *const names[] = {"january", "february", "march",     "april",   "may",      "june",
                                        "july",    "august",   "september", "october", "november", "december"};
    for (int m = 0; m < 12; m++) {
        char name[4];
        snprintf(name, sizeof name, "%.3s", names[m]);
        if (word(t, names[m]) || word(t, name)) {
            if (t->p < t->end && *t->p == '.')
                t->p++;
            return m + 1;
        }
    }
    return 0;
}

/* Two digits are of this century, as every table of sales has them. */
static bool year(struct text *t, int *y)
{
    const char *from = t->p;
    if (!number(t, 2, 4, y) || t->p - from == 3)
        return false;
    *y += t->p - from == 2 ? 2000 : 0;
    return true;
}

/* 2025-03-01, 2025. 3. 1., 2024년 1월 5일. */
static bool year_first(struct text *t, struct parts *x)
{
    if (!number(t, 4, 4, &x->y))
        return false;
    blanks(t);
    if (word(t, "\xeb\x85\x84")) {
        blanks(t);
        if (!number(t, 1, 2, &x->m) || (blanks(t), !word(t, "\xec\x9b\x94")))
            return false;
        blanks(t);
        return number(t, 1, 2, &x->d) && (blanks(t), word(t, "\xec\x9d\xbc"));
    }
    char mark = t->p < t->end ? *t->p : 0;
    if (mark != '-' && mark != '/' && mark != '.')
        return false;
    t->p++;
    blanks(t);
    if (!number(t, 1, 2, &x->m) || (blanks(t), t->p == t->end || *t->p++ != mark))
        return false;
    blanks(t);
    if (!number(t, 1, 2, &x->d))
        return false;
    if (mark == '.' && t->p < t->end && *t->p == '.')
        t->p++;
    return true;
}

/* 20250301, 2025030109, 202503010912, 20250301091233. */
static bool digits_alone(struct text *t, struct parts *x)
{
    size_t n = 0;
    while (t->p + n < t->end && isdigit((unsigned char)t->p[n]))
        n++;
    if (n != 8 && n != 10 && n != 12 && n != 14)
        return false;
    (void)(number(t, 4, 4, &x->y) && number(t, 2, 2, &x->m) && number(t, 2, 2, &x->d));
    if (n > 8) {
        (void)(number(t, 2, 2, &x->hour) && (n == 10 || number(t, 2, 2, &x->minute)));
        x->time = true;
    }
    if (n == 10 && (x->y < 1900 || x->y > 2099)) /* seconds since 1970 begin with 15 to 18 for long */
        return false;
    return n < 14 || number(t, 2, 2, &x->second);
}

/* 3/1/2025, 03/01/25, 1-3-2025: which is the month is not said; 1.3.2025 with dots has the day first everywhere. */
static bool year_last(struct text *t, struct parts *x)
{
    if (!number(t, 1, 2, &x->first) || t->p == t->end || (*t->p != '/' && *t->p != '.' && *t->p != '-'))
        return false;
    char mark = *t->p++;
    if (!number(t, 1, 2, &x->second_number) || t->p == t->end || *t->p++ != mark)
        return false;
    x->two_ways = true;
    const char *from = t->p;
    if (!year(t, &x->y))
        return false;
    if (mark == '.' && t->p - from == 4) {
        x->two_ways = false;
        x->d = x->first;
        x->m = x->second_number;
    }
    return true;
}

/* Mar 1, 2025; Mar-01-25; 1 Mar 2025; Wed Apr 01 2026. */
static bool month_by_name(struct text *t, struct parts *x)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (size_t i = 0; i < 7; i++)
        if (word(t, days[i])) {
            while (t->p < t->end && isalpha((unsigned char)*t->p))
                t->p++;
            (void)word(t, ",");
            break;
        }
    blanks(t);
    bool day_first = number(t, 1, 2, &x->d);
    blanks(t);
    (void)(day_first && word(t, "-"));
    x->m = month_name(t);
    if (!x->m)
        return false;
    blanks(t);
    bool marks = word(t, "-");
    if (!day_first && !number(t, 1, 2, &x->d))
        return false;
    const char *day_ends = t->p;
    (void)(word(t, ",") || (!day_first && marks && word(t, "-")));
    blanks(t);
    if (!day_first && t->p == day_ends) /* Mar 1949: no day, but a year */
        return false;
    return year(t, &x->y);
}

/* Z, +09:00, +0900, +09, GMT+0530 (and a name in brackets after it). */
static bool zone_part(struct text *t, struct parts *x)
{
    int h, m = 0;
    (void)(word(t, "GMT") || word(t, "UTC"));
    if (t->p < t->end && (*t->p == 'Z' || *t->p == 'z')) {
        t->p++;
        return x->zone = x->utc = true;
    }
    if (t->p == t->end || (*t->p != '+' && *t->p != '-'))
        return t->p > t->end - 3 || memcmp(t->p - 3, "UTC", 3) != 0 ? true : (x->zone = x->utc = true);
    int sign = *t->p++ == '-' ? -1 : 1;
    if (!number(t, 2, 2, &h))
        return false;
    (void)word(t, ":");
    if (t->p < t->end && isdigit((unsigned char)*t->p) && !number(t, 2, 2, &m))
        return false;
    x->offset = sign * (h * 3600 + m * 60);
    x->utc = x->offset == 0;
    return x->zone = h <= 14 && m <= 59;
}

/* 9:12, 09:12:33.5, 오후 2:10, 2:10 PM. */
static bool time_part(struct text *t, struct parts *x)
{
    int fraction, half = word(t, "\xec\x98\xa4\xec\xa0\x84") || word(t, "AM")   ? 1
                         : word(t, "\xec\x98\xa4\xed\x9b\x84") || word(t, "PM") ? 2
                                                                                : 0;
    blanks(t);
    if (!number(t, 1, 2, &x->hour) || !word(t, ":") || !number(t, 2, 2, &x->minute))
        return false;
    if (word(t, ":") &&
        (!number(t, 2, 2, &x->second) || ((word(t, ".") || word(t, ",")) && !number(t, 1, 9, &fraction))))
        return false;
    blanks(t);
    if (!half)
        half = word(t, "AM") ? 1 : word(t, "PM") ? 2 : 0;
    if (half && (x->hour < 1 || x->hour > 12))
        return false;
    if (half)
        x->hour = x->hour % 12 + (half == 2 ? 12 : 0);
    x->time = true;
    blanks(t);
    return zone_part(t, x);
}

/* " (토)", " (Sat)", " (India Standard Time)". */
static void weekday_part(struct text *t)
{
    if (t->p == t->end || *t->p != '(')
        return;
    const char *close = memchr(t->p, ')', (size_t)(t->end - t->p));
    if (close)
        t->p = close + 1;
    blanks(t);
}

static bool parse(const char *s, size_t n, struct parts *x)
{
    static bool (*const forms[])(struct text *, struct parts *) = {digits_alone, year_first, year_last, month_by_name};
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    struct text t = {s, s + n};
    blanks(&t);
    if (n > LONGEST)
        return false;
    const char *from = t.p;
    bool found = false;
    for (size_t i = 0; i < sizeof forms / sizeof *forms && !found; i++) {
        *x = (struct parts){0};
        t.p = from;
        found = forms[i](&t, x);
    }
    if (!found)
        return false;
    const char *after = t.p;
    blanks(&t);
    weekday_part(&t);
    (void)(t.p == after && t.p < t.end && *t.p == 'T' && t.p++);
    if (t.p < t.end && !x->time && *t.p != '-' && *t.p != '~' && !time_part(&t, x))
        return false;
    if (t.p < t.end && x->time && (blanks(&t), !x->zone) && !zone_part(&t, x))
        return false;
    blanks(&t);
    weekday_part(&t);
    if (t.p < t.end && (*t.p == '-' || *t.p == '~')) { /* a range: of one day alone */
        size_t length = (size_t)(after - from);
        t.p++;
        blanks(&t);
        if ((size_t)(t.end - t.p) != length || memcmp(t.p, from, length) != 0)
            return false;
        t.p = t.end;
    }
    if (t.p != t.end || x->hour > 23 || x->minute > 59 || x->second > 59)
        return false;
    return x->two_ways ? x->y >= 1600 && x->y <= 9999 : valid_day(x->y, x->m, x->d);
}

enum weft_dates_kind weft_dates_kind(const char *s, size_t n)
{
    struct parts x;
    int64_t seconds, step;
    if (!parse(s, n, &x))
        return weft_dates_period(s, n, &seconds, &step) ? WEFT_DATE_SURE : WEFT_DATE_NONE;
    if (!x.two_ways)
        return x.zone && x.utc ? WEFT_DATE_UTC : WEFT_DATE_SURE;
    bool month = valid_day(x.y, x.first, x.second_number), day = valid_day(x.y, x.second_number, x.first);
    if (month && day)
        return WEFT_DATE_TWO_WAYS;
    if (month)
        return WEFT_DATE_MONTH_FIRST;
    return day ? WEFT_DATE_DAY_FIRST : WEFT_DATE_NONE;
}

static int64_t seconds_of(const struct parts *x)
{
    return weft_days_from_civil(x->y, x->m, x->d) * 86400 + x->hour * 3600 + x->minute * 60 + x->second;
}

/* The clock of the zone at this time of UTC. */
static int64_t local_time(const struct weft_dates *d, int64_t utc)
{
    time_t t = (time_t)utc;
    struct tm tm;
    if (!d->by_name || !localtime_r(&t, &tm))
        return utc + d->offset;
    return utc + tm.tm_gmtoff;
}

static bool excel_day(const char *s, size_t n, int64_t *seconds)
{
    char text[LONGEST + 1], *end;
    if (!n || n > LONGEST)
        return false;
    memcpy(text, s, n);
    text[n] = 0;
    double v = strtod(text, &end);
    if (end != text + n || !(v >= 61) || v > 2958465) /* before March 1900 Excel counts a day that never was */
        return false;
    *seconds = (int64_t)EXCEL_EPOCH * 86400 + (int64_t)(v * 86400 + 0.5);
    return true;
}

const char *weft_dates_serial_hint(const char *s, size_t n)
{
    int64_t seconds;
    bool day = n == 5 && excel_day(s, n, &seconds) && seconds >= 315532800 && seconds < 4102444800; /* 1980, 2100 */
    return day ? "; Excel's number of a day? --date-format excel" : "";
}

static bool by_format(const struct weft_dates *d, const char *s, size_t n, int64_t *seconds)
{
    char text[LONGEST + 1];
    struct tm tm = {.tm_mday = 1};
    if (n > LONGEST)
        return false;
    memcpy(text, s, n);
    text[n] = 0;
    const char *end = strptime(text, d->format, &tm);
    if (!end || end[strspn(end, " ")] || !valid_day(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday))
        return false;
    *seconds = weft_days_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * 86400 + tm.tm_hour * 3600 +
               tm.tm_min * 60 + tm.tm_sec;
    if (d->zoned && strstr(d->format, "%z"))
        *seconds = local_time(d, *seconds - tm.tm_gmtoff);
    return true;
}

bool weft_dates_read(const struct weft_dates *d, const char *s, size_t n, int64_t *seconds)
{
    struct parts x;
    int64_t step;
    if (!d->zoned && d->form == WEFT_DATES_PLAIN && !(n && (s[n - 1] == 'Z' || s[n - 1] == 'z')) &&
        weft_date_parse(s, n, seconds))
        return true;
    if (d->form == WEFT_DATES_EXCEL)
        return excel_day(s, n, seconds);
    if (d->form == WEFT_DATES_FORMAT)
        return by_format(d, s, n, seconds);
    if (!parse(s, n, &x))
        return weft_dates_period(s, n, seconds, &step);
    if (x.two_ways) {
        if (d->form == WEFT_DATES_PLAIN)
            return false;
        x.m = d->form == WEFT_DATES_MONTH_FIRST ? x.first : x.second_number;
        x.d = d->form == WEFT_DATES_MONTH_FIRST ? x.second_number : x.first;
        if (!valid_day(x.y, x.m, x.d))
            return false;
    }
    if (x.zone && x.utc && !d->zoned)
        return false;
    *seconds = seconds_of(&x);
    if (x.zone && d->zoned)
        *seconds = local_time(d, *seconds - x.offset);
    return true;
}

int weft_dates_format(struct weft_dates *d, const char *format, struct weft_err *e)
{
    d->form = WEFT_DATES_FORMAT;
    d->format = format;
    if (strcasecmp(format, "excel") == 0)
        d->form = WEFT_DATES_EXCEL;
    else if (strcmp(format, "%m/%d/%Y") == 0 || strcmp(format, "%m/%d/%Y %H:%M") == 0)
        d->form = WEFT_DATES_MONTH_FIRST; /* with and without a time, two digits of a year too */
    else if (strcmp(format, "%d/%m/%Y") == 0 || strcmp(format, "%d.%m.%Y") == 0 ||
             strcmp(format, "%d/%m/%Y %H:%M") == 0)
        d->form = WEFT_DATES_DAY_FIRST;
    else if (!strchr(format, '%')) {
        weft_fail(e, WEFT_USAGE, "--date-format: \"%s\" is no format", format);
        return weft_fail_hint(
            e, "write it as for strptime: %%m/%%d/%%Y, %%d.%%m.%%Y, %%Y%%m%%d%%H%%M; or excel for numbers of days");
    }
    return 0;
}

int weft_dates_zone(struct weft_dates *d, const char *zone, struct weft_err *e)
{
    char path[300];
    int h = 0, m = 0;
    struct text t = {zone, zone + strlen(zone)};
    d->zoned = true;
    if (strcasecmp(zone, "UTC") == 0 || strcasecmp(zone, "Z") == 0)
        return 0;
    if (*zone == '+' || *zone == '-') {
        t.p++;
        bool good = number(&t, 1, 2, &h);
        (void)word(&t, ":");
        good = good && (t.p == t.end || number(&t, 2, 2, &m)) && t.p == t.end && h <= 14 && m <= 59;
        d->offset = (*zone == '-' ? -1 : 1) * (h * 3600 + m * 60);
        if (good)
            return 0;
    } else if (!strstr(zone, "..") && *zone != '/' && *zone) {
        const char *dir = getenv("TZDIR");
        snprintf(path, sizeof path, "%s/%s", dir && *dir ? dir : "/usr/share/zoneinfo", zone);
        if (strlen(zone) < 60 && access(path, R_OK) == 0 && setenv("TZ", zone, 1) == 0) {
            tzset();
            d->by_name = true;
            return 0;
        }
    }
    weft_fail(e, WEFT_USAGE, "--timezone: this machine has no zone \"%.60s\"", zone);
    return weft_fail_hint(e, "write Asia/Seoul (package tzdata), UTC or +09:00");
}

bool weft_dates_period(const char *s, size_t n, int64_t *seconds, int64_t *step)
{
    struct text t = {s, s + n};
    int y, k = 0;
    if (n > 24)
        return false;
    if ((k = month_name(&t)) > 0) { /* Mar 2025, Mar-25 */
        (void)(word(&t, "-") || word(&t, "/"));
        blanks(&t);
        const char *from = t.p;
        if (!year(&t, &y) || t.p != t.end || (t.p - from == 2 && from[-1] != '-'))
            return false;
    } else {
        if (!number(&t, 4, 4, &y))
            return false;
        blanks(&t);
        bool korean = word(&t, "\xeb\x85\x84"), mark = !korean && (word(&t, "-") || word(&t, "/") || word(&t, "."));
        blanks(&t);
        if (word(&t, "W") && number(&t, 2, 2, &k) && t.p == t.end && k >= 1 && k <= 53 && y >= 1600) {
            int64_t fourth = weft_days_from_civil(y, 1, 4);
            *seconds = (fourth - weft_weekday(fourth * 86400) + 7 * (k - 1)) * 86400;
            *step = WEFT_STEP_WEEK;
            return true;
        }
        if (word(&t, "Q") && number(&t, 1, 1, &k) && t.p == t.end && k >= 1 && k <= 4 && y >= 1600) {
            *seconds = weft_days_from_civil(y, 3 * k - 2, 1) * 86400;
            *step = WEFT_STEP_QUARTER;
            return true;
        }
        if ((!korean && !mark) || !number(&t, korean ? 1 : 2, 2, &k) ||
            (korean && (blanks(&t), !word(&t, "\xec\x9b\x94"))) || t.p != t.end)
            return false;
    }
    if (y < 1600 || k < 1 || k > 12)
        return false;
    *seconds = weft_days_from_civil(y, k, 1) * 86400;
    *step = WEFT_STEP_MONTH;
    return true;
}
