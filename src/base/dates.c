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

enum {
    LONGEST = 64,
    EXCEL_EPOCH = -25569, /* 1899-12-30, in days */
    DECIMAL_FIRST = 1700,
    DECIMAL_LAST = 2200
};

struct text {
    const char *p, *end;
};

/* The parts of a date. */
struct parts {
    int y, m, d, hour, minute, second;
    bool time, zone, utc;
    bool bare_hour; /* 2025030109: ten digits may be anything's number */
    int64_t offset;
    int first, second_number; /* of 3/1/2025 */
    bool short_year;          /* 3/1/25 */
    bool two_ways;            /* first and second_number are month and day, or day and month */
};

static void blanks(struct text *t)
{
    while (t->p < t->end && (*t->p == ' ' || *t->p == '\t' || (t->end - t->p > 1 && memcmp(t->p, "\xc2\xa0", 2) == 0)))
        t->p += *t->p == '\xc2' ? 2 : 1;
}

/* The first n bytes of w. */
static bool letters(struct text *t, const char *w, size_t n)
{
    if ((size_t)(t->end - t->p) < n || strncasecmp(t->p, w, n) != 0)
        return false;
    t->p += n;
    return true;
}

static bool word(struct text *t, const char *w)
{
    return letters(t, w, strlen(w));
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
    for (int m = 0; m < 12; m++)
        if (word(t, names[m]) || letters(t, names[m], 3)) {
            if (t->p < t->end && *t->p == '.')
                t->p++;
            return m + 1;
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
    x->time = n > 8;
    x->bare_hour = n == 10;
    return (n < 10 || number(t, 2, 2, &x->hour)) && (n < 12 || number(t, 2, 2, &x->minute)) &&
           (n < 14 || number(t, 2, 2, &x->second));
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
    x->short_year = t->p - from == 2;
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
    if (word(t, "KST") || word(t, "JST")) {
        x->offset = 9 * 3600;
        return x->zone = true;
    }
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

/* After the digits of an hour: 14, 14시, 14시 5분, 14h. */
static bool hour_alone(struct text *t, size_t digits, struct parts *x)
{
    if (word(t, "\xec\x8b\x9c")) {
        blanks(t);
        return t->p == t->end || (number(t, 1, 2, &x->minute) && word(t, "\xeb\xb6\x84"));
    }
    return (digits == 2 && t->p == t->end) || (word(t, "h") && t->p == t->end);
}

/* 9:12, 09:12:33.5, 오후 2:10, 2:10 PM, 14, 오후 2시. */
static bool time_part(struct text *t, struct parts *x)
{
    int fraction, half = word(t, "\xec\x98\xa4\xec\xa0\x84") || word(t, "AM")   ? 1
                         : word(t, "\xec\x98\xa4\xed\x9b\x84") || word(t, "PM") ? 2
                                                                                : 0;
    blanks(t);
    const char *from = t->p;
    if (!number(t, 1, 2, &x->hour))
        return false;
    bool clock = word(t, ":");
    if (clock ? !number(t, 2, 2, &x->minute) : !hour_alone(t, (size_t)(t->p - from), x))
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

/* Which of three numbers are the year, the month and the day. */
static void turn(enum weft_dates_form form, struct parts *x)
{
    if (form == WEFT_DATES_YEAR_FIRST && x->short_year) {
        x->d = x->y - 2000;
        x->y = 2000 + x->first;
        x->m = x->second_number;
    } else {
        x->m = form == WEFT_DATES_MONTH_FIRST ? x->first : x->second_number;
        x->d = form == WEFT_DATES_MONTH_FIRST ? x->second_number : x->first;
    }
}

unsigned weft_dates_turns(const char *s, size_t n, int64_t days[3])
{
    static const enum weft_dates_form forms[] = {WEFT_DATES_MONTH_FIRST, WEFT_DATES_DAY_FIRST, WEFT_DATES_YEAR_FIRST};
    struct parts x;
    unsigned got = 0;
    if (!parse(s, n, &x) || !x.two_ways || !x.short_year)
        return 0;
    for (unsigned i = 0; i < 3; i++) {
        struct parts turned = x;
        turn(forms[i], &turned);
        days[i] = valid_day(turned.y, turned.m, turned.d) ? weft_days_from_civil(turned.y, turned.m, turned.d) : 0;
        got |= valid_day(turned.y, turned.m, turned.d) ? 1u << i : 0;
    }
    return got;
}

enum weft_dates_kind weft_dates_kind(const char *s, size_t n)
{
    struct parts x;
    int64_t seconds, step;
    if (!parse(s, n, &x))
        return weft_dates_period(s, n, &seconds, &step) ? WEFT_DATE_SURE : WEFT_DATE_NONE;
    if (x.bare_hour)
        return WEFT_DATE_BARE_HOUR;
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

bool weft_dates_decimal_year(double year, int64_t *seconds)
{
    const double off = 0.07; /* of a month: two decimals of a year are rounded by up to .06 */
    if (!(year >= DECIMAL_FIRST && year < DECIMAL_LAST))
        return false;
    double months = year * 12;
    int64_t month = (int64_t)(months + 0.5);
    if (months - (double)month > off || (double)month - months > off)
        return false;
    *seconds = weft_days_from_civil((int)(month / 12), (int)(month % 12) + 1, 1) * 86400;
    return true;
}

static bool decimal_year(const char *s, size_t n, int64_t *seconds)
{
    char text[LONGEST + 1], *end;
    if (!n || n > LONGEST)
        return false;
    memcpy(text, s, n);
    text[n] = 0;
    double v = strtod(text, &end);
    return end == text + n && weft_dates_decimal_year(v, seconds);
}

/* Seconds since 1970, or thousandths of them, as the clock of the zone shows them. */
static bool unix_time(const struct weft_dates *d, const char *s, size_t n, int64_t *seconds)
{
    int64_t v = 0;
    size_t i = 0;
    for (; i < n && i < 13 && isdigit((unsigned char)s[i]); i++)
        v = v * 10 + (s[i] - '0');
    if (i != n || (n != 10 && n != 13))
        return false;
    *seconds = local_time(d, n == 13 ? v / 1000 : v);
    return true;
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
    if (d->form == WEFT_DATES_UNIX)
        return unix_time(d, s, n, seconds);
    if (d->form == WEFT_DATES_DECIMAL_YEARS)
        return decimal_year(s, n, seconds);
    if (d->form == WEFT_DATES_FORMAT)
        return by_format(d, s, n, seconds);
    if (d->form >= WEFT_DATES_SIX_MONTH && d->form <= WEFT_DATES_SIX_DAY) {
        int64_t all[3];
        unsigned got = weft_dates_six(s, n, all), k = (unsigned)(d->form - WEFT_DATES_SIX_MONTH);
        *seconds = got & (1u << k) ? all[k] : 0;
        return got & (1u << k);
    }
    if (!parse(s, n, &x))
        return weft_dates_period(s, n, seconds, &step);
    if (x.two_ways) {
        if (d->form == WEFT_DATES_PLAIN)
            return false;
        turn(d->form, &x);
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

/* Formats that are more than strptime's: with and without a time, and with years of two digits. The first of a form is
 * the one that a command has. */
static const struct {
    const char *format;
    enum weft_dates_form form;
} forms[] = {{"%m/%d/%Y", WEFT_DATES_MONTH_FIRST},
             {"%m/%d/%Y %H:%M", WEFT_DATES_MONTH_FIRST},
             {"%d/%m/%Y", WEFT_DATES_DAY_FIRST},
             {"%d.%m.%Y", WEFT_DATES_DAY_FIRST},
             {"%d/%m/%Y %H:%M", WEFT_DATES_DAY_FIRST},
             {"%y/%m/%d", WEFT_DATES_YEAR_FIRST},
             {"%y.%m.%d", WEFT_DATES_YEAR_FIRST},
             {"%y-%m-%d", WEFT_DATES_YEAR_FIRST},
             {"%Y%m", WEFT_DATES_SIX_MONTH},
             {"%G%V", WEFT_DATES_SIX_WEEK},
             {"%y%m%d", WEFT_DATES_SIX_DAY},
             {"excel", WEFT_DATES_EXCEL},
             {"unix", WEFT_DATES_UNIX},
             {"decimal-year", WEFT_DATES_DECIMAL_YEARS}};

const char *weft_dates_form_name(enum weft_dates_form form)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (forms[i].form == form)
            return forms[i].format;
    return NULL;
}

int weft_dates_format(struct weft_dates *d, const char *format, struct weft_err *e)
{
    d->form = WEFT_DATES_FORMAT;
    d->format = format;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcasecmp(format, forms[i].format) == 0) {
            d->form = forms[i].form;
            return 0;
        }
    if (!strchr(format, '%')) {
        weft_fail(e, WEFT_USAGE, "--date-format: \"%s\" is no format", format);
        return weft_fail_hint(
            e, "write it as for strptime: %%m/%%d/%%Y, %%d.%%m.%%Y, %%Y%%m%%d%%H%%M; or excel for numbers of days, or "
               "decimal-year for 1949.083");
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

/* --- months, quarters and weeks --- */

/* A number of a year that a shop may have, of four digits or two. */
static bool shop_year(struct text *t, int *y)
{
    return year(t, y) && *y >= 1900 && *y < 2200;
}

/* Mar 2025, Mar-25. */
static bool month_then_year(struct text *t, int *y, int *k)
{
    *k = month_name(t);
    if (!*k)
        return false;
    (void)(word(t, "-") || word(t, "/"));
    blanks(t);
    const char *from = t->p;
    return year(t, y) && t->p == t->end && (t->p - from == 4 || from[-1] == '-');
}

/* 03/2025, 3-2025; not 03.2025, which is SAP's week or month. */
static bool number_then_year(struct text *t, int *y, int *k)
{
    return number(t, 1, 2, k) && (word(t, "/") || word(t, "-")) && number(t, 4, 4, y) && t->p == t->end && *y >= 1900 &&
           *y < 2200;
}

/* Q1 2024, Q1-24, 1Q24, W05 2024: with the letter, the number before the year. */
static bool letter_then_year(struct text *t, char letter, int digits, int *y, int *k)
{
    char name[2] = {letter, 0};
    bool before = letter == 'Q' && number(t, 1, 1, k);
    if (!word(t, name) || (!before && !number(t, 1, digits, k)))
        return false;
    const char *ends = t->p;
    (void)(word(t, "-") || word(t, "/") || word(t, "."));
    blanks(t);
    return (before || t->p > ends) && shop_year(t, y) && t->p == t->end;
}

static int64_t week_begin(int y, int k)
{
    int64_t fourth = weft_days_from_civil(y, 1, 4);
    return (fourth - weft_weekday(fourth * 86400) + 7 * (k - 1)) * 86400;
}

/* What stands after the year: *step, and which of its steps *k is. */
static bool after_year(struct text *t, bool korean, int *k, int64_t *step)
{
    bool marked = t->p < t->end && !korean && (*t->p == '-' || *t->p == '/' || *t->p == '.');
    char mark = marked ? *t->p++ : 0;
    blanks(t);
    *step = WEFT_STEP_WEEK;
    if (word(t, "W"))
        return number(t, 1, 2, k) && t->p == t->end;
    *step = WEFT_STEP_QUARTER;
    if (word(t, "Q"))
        return number(t, 1, 1, k) && t->p == t->end;
    const char *from = t->p;
    if (!number(t, 1, 2, k))
        return false;
    size_t digits = (size_t)(t->p - from);
    blanks(t);
    if (word(t, "\xeb\xb6\x84\xea\xb8\xb0")) /* 분기 */
        return t->p == t->end;
    *step = WEFT_STEP_WEEK;
    if (word(t, "\xec\xa3\xbc")) { /* 주, 주차 */
        (void)word(t, "\xec\xb0\xa8");
        return t->p == t->end;
    }
    *step = WEFT_STEP_MONTH;
    if (korean)
        return word(t, "\xec\x9b\x94") && t->p == t->end;          /* 월 */
    return mark && (digits == 2 || mark != '.') && t->p == t->end; /* 2021.1 may have been 2021.10 */
}

/* 2025-03, 2025년 3월, 25년 3월, 2024-W05, 2024년 5주차, 2024 Q1, 2024년 1분기. */
static bool year_then(struct text *t, int *y, int *k, int64_t *step)
{
    const char *from = t->p;
    if (!year(t, y))
        return false;
    size_t digits = (size_t)(t->p - from);
    blanks(t);
    bool korean = word(t, "\xeb\x85\x84"); /* 년 */
    blanks(t);
    return (digits == 4 || korean) && after_year(t, korean, k, step);
}

bool weft_dates_period(const char *s, size_t n, int64_t *seconds, int64_t *step)
{
    const struct text whole = {s, s + n};
    struct text t = whole;
    int y = 0, k = 0;
    if (!n || n > 24)
        return false;
    *step = WEFT_STEP_MONTH;
    bool found = month_then_year(&t, &y, &k) || (t = whole, number_then_year(&t, &y, &k));
    if (!found) {
        *step = WEFT_STEP_QUARTER;
        found = (t = whole, letter_then_year(&t, 'Q', 1, &y, &k));
    }
    if (!found) {
        *step = WEFT_STEP_WEEK;
        found = (t = whole, letter_then_year(&t, 'W', 2, &y, &k));
    }
    if (!found)
        found = (t = whole, year_then(&t, &y, &k, step));
    int most = *step == WEFT_STEP_MONTH ? 12 : 53;
    most = *step == WEFT_STEP_QUARTER ? 4 : most;
    if (!found || y < 1600 || k < 1 || k > most)
        return false;
    if (*step == WEFT_STEP_WEEK)
        *seconds = week_begin(y, k);
    else
        *seconds = weft_days_from_civil(y, *step == WEFT_STEP_MONTH ? k : 3 * k - 2, 1) * 86400;
    return true;
}

/* --- six digits --- */

unsigned weft_dates_six(const char *s, size_t n, int64_t seconds[3])
{
    struct text t = {s, s + n};
    int y, a, b, c;
    unsigned got = 0;
    if (n == 7 && (s[4] == '-' || s[4] == '/' || s[4] == '.')) { /* 2024-05 */
        if (!number(&t, 4, 4, &a) || !(t.p++, number(&t, 2, 2, &b)))
            return 0;
        y = a * 100 + b;
    } else if (n != 6 || !number(&t, 6, 6, &y)) {
        return 0;
    }
    a = y / 10000;
    b = y / 100 % 100;
    c = y % 100;
    y /= 100;
    bool years = y >= 1990 && y < 2100;
    if (years && c >= 1 && c <= 12) {
        seconds[0] = weft_days_from_civil(y, c, 1) * 86400;
        got |= WEFT_SIX_MONTH;
    }
    if (years && c >= 1 && c <= 53) {
        seconds[1] = week_begin(y, c);
        got |= WEFT_SIX_WEEK;
    }
    if (n == 6 && valid_day(2000 + a, b, c)) {
        seconds[2] = weft_days_from_civil(2000 + a, b, c) * 86400;
        got |= WEFT_SIX_DAY;
    }
    return got;
}
