/* calendar.c - civil dates. */
#include "base/calendar.h"

#include <stdio.h>
#include <string.h>

/* Days and civil dates by eras of 400 years (H. Hinnant, "chrono-compatible low-level date algorithms"). */
int64_t weft_days_from_civil(int y, int m, int d)
{
    int64_t year = (int64_t)y - (m <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void weft_civil_from_days(int64_t days, int *y, int *m, int *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    *d = (int)(of_year - (153 * month + 2) / 5 + 1);
    *m = (int)(month < 10 ? month + 3 : month - 9);
    *y = (int)(year + era * 400 + (*m <= 2));
}

struct text {
    const char *p, *end;
};

/* Between `min` and `max` digits as a number. */
static bool digits(struct text *t, int min, int max, int *out)
{
    int n = 0, v = 0;
    while (n < max && t->p < t->end && *t->p >= '0' && *t->p <= '9') {
        v = v * 10 + (*t->p++ - '0');
        n++;
    }
    *out = v;
    return n >= min;
}

static bool one(struct text *t, char c)
{
    if (t->p < t->end && *t->p == c) {
        t->p++;
        return true;
    }
    return false;
}

static bool date_part(struct text *t, int *y, int *m, int *d)
{
    if (!digits(t, 4, 4, y))
        return false;
    if (t->p < t->end && (*t->p == '-' || *t->p == '/' || *t->p == '.')) {
        char mark = *t->p++;
        return digits(t, 1, 2, m) && one(t, mark) && digits(t, 1, 2, d);
    }
    return digits(t, 2, 2, m) && digits(t, 2, 2, d);
}

static bool time_part(struct text *t, int *h, int *min, int *s)
{
    int fraction;
    if (!digits(t, 1, 2, h) || !one(t, ':') || !digits(t, 2, 2, min))
        return false;
    if (one(t, ':')) {
        if (!digits(t, 2, 2, s))
            return false;
        if (one(t, '.') && !digits(t, 1, 9, &fraction))
            return false;
    }
    (void)one(t, 'Z');
    return true;
}

static int days_in_month(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return m == 2 && leap ? 29 : days[m - 1];
}

bool weft_date_parse(const char *s, size_t n, int64_t *seconds)
{
    struct text t = {s, s + n};
    int y, m, d, h = 0, min = 0, sec = 0;
    if (!date_part(&t, &y, &m, &d))
        return false;
    if (t.p < t.end) {
        if (*t.p != ' ' && *t.p != 'T')
            return false;
        t.p++;
        if (!time_part(&t, &h, &min, &sec))
            return false;
    }
    if (t.p != t.end || y < 1600 || m < 1 || m > 12 || d < 1 || d > days_in_month(y, m) || h > 23 || min > 59 ||
        sec > 59)
        return false;
    *seconds = weft_days_from_civil(y, m, d) * 86400 + h * 3600 + min * 60 + sec;
    return true;
}

static bool by_calendar(int64_t step)
{
    return step == WEFT_STEP_BUSINESS_DAY || step == WEFT_STEP_MONTH || step == WEFT_STEP_QUARTER;
}

const char *weft_date_text(int64_t seconds, int64_t step, char buf[32])
{
    int y, m, d;
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    weft_civil_from_days(days, &y, &m, &d);
    if ((step % 86400 == 0 || by_calendar(step)) && rest == 0)
        snprintf(buf, 32, "%04d-%02d-%02d", y, m, d);
    else
        snprintf(buf, 32, "%04d-%02d-%02dT%02d:%02d:%02d", y, m, d, (int)(rest / 3600), (int)(rest / 60 % 60),
                 (int)(rest % 60));
    return buf;
}

int weft_weekday(int64_t seconds)
{
    int64_t days = seconds / 86400 - (seconds % 86400 < 0);
    int64_t k = (days + 3) % 7; /* 1970-01-01 was a Thursday */
    return (int)(k < 0 ? k + 7 : k);
}

static const struct {
    const char *name;
    int64_t step;
} steps[] = {{"hour", WEFT_STEP_HOUR},   {"day", WEFT_STEP_DAY},         {"week", WEFT_STEP_WEEK},
             {"month", WEFT_STEP_MONTH}, {"quarter", WEFT_STEP_QUARTER}, {"business-day", WEFT_STEP_BUSINESS_DAY}};

bool weft_step_parse(const char *s, int64_t *step)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(s, steps[i].name) == 0) {
            *step = steps[i].step;
            return true;
        }
    int64_t v = 0;
    size_t n = 0;
    for (; s[n] >= '0' && s[n] <= '9' && n < 10; n++)
        v = v * 10 + (s[n] - '0');
    if (!n || strcmp(s + n, "s") != 0 || v < 1)
        return false;
    *step = v;
    return true;
}

const char *weft_step_text(int64_t step, char buf[32])
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (step == steps[i].step)
            return steps[i].name;
    snprintf(buf, 32, "%llds", (long long)step);
    return buf;
}

const char *weft_step_unit(int64_t step)
{
    char text[32];
    const char *name = step == WEFT_STEP_BUSINESS_DAY ? "working day" : weft_step_text(step, text);
    return name == text ? "step" : name;
}

/* --- seasons --- */

enum { DAY = 86400, WEEK_DAYS = 7, WORKING_DAYS = 5, YEAR_DAYS = 364 };

size_t weft_step_season(int64_t step)
{
    if (step == DAY)
        return WEEK_DAYS;
    if (step == WEFT_STEP_BUSINESS_DAY)
        return WORKING_DAYS;
    return step > 0 && step < DAY && DAY % step == 0 ? (size_t)(DAY / step) : 1;
}

int64_t weft_season_of(int64_t step)
{
    static const struct {
        int64_t step, season;
    } seasons[] = {{WEFT_STEP_HOUR, 24},        {WEFT_STEP_DAY, 7},    {WEFT_STEP_WEEK, 52},
                   {WEFT_STEP_BUSINESS_DAY, 5}, {WEFT_STEP_MONTH, 12}, {WEFT_STEP_QUARTER, 4}};
    for (size_t i = 0; i < sizeof seasons / sizeof *seasons; i++)
        if (seasons[i].step == step)
            return seasons[i].season;
    return 1;
}

size_t weft_step_year(int64_t step)
{
    if (step == WEFT_STEP_MONTH || step == WEFT_STEP_QUARTER)
        return step == WEFT_STEP_MONTH ? 12 : 4;
    int64_t year = (int64_t)YEAR_DAYS * DAY;
    return step > 0 && year % step == 0 ? (size_t)(year / step) : 0;
}

/* --- arithmetic with steps --- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Months since year 0. */
static int64_t month_of(int64_t t)
{
    int y, m, d;
    weft_civil_from_days(floor_div(t, WEFT_STEP_DAY), &y, &m, &d);
    return (int64_t)y * 12 + m - 1;
}

static int64_t month_begin(int64_t month)
{
    int64_t far = 12 * (int64_t)1000000;
    month = month > far ? far : month;
    month = month < -far ? -far : month;
    int64_t y = floor_div(month, 12);
    return weft_days_from_civil((int)y, (int)(month - 12 * y) + 1, 1) * WEFT_STEP_DAY;
}

/* Working days since Monday, 1970-01-05. */
static int64_t business_day_of(int64_t t)
{
    int64_t days = floor_div(t, WEFT_STEP_DAY) - 4, week = floor_div(days, 7), weekday = days - 7 * week;
    return 5 * week + (weekday < 4 ? weekday : 4);
}

static int64_t business_day_begin(int64_t k)
{
    int64_t far = INT64_C(1000000000000);
    k = k > far ? far : k;
    k = k < -far ? -far : k;
    int64_t week = floor_div(k, 5);
    return (4 + 7 * week + (k - 5 * week)) * WEFT_STEP_DAY;
}

/* The number of a calendar step, and the time at which one begins. */
static int64_t number_of(int64_t t, int64_t step)
{
    if (step == WEFT_STEP_BUSINESS_DAY)
        return business_day_of(t);
    return step == WEFT_STEP_MONTH ? month_of(t) : floor_div(month_of(t), 3);
}

static int64_t begin_of(int64_t number, int64_t step)
{
    if (step == WEFT_STEP_BUSINESS_DAY)
        return business_day_begin(number);
    return month_begin(step == WEFT_STEP_MONTH ? number : (int64_t)((uint64_t)number * 3));
}

int64_t weft_step_add(int64_t t, int64_t n, int64_t step)
{
    if (!by_calendar(step))
        return (int64_t)((uint64_t)t + (uint64_t)n * (uint64_t)step);
    return begin_of((int64_t)((uint64_t)number_of(t, step) + (uint64_t)n), step);
}

int64_t weft_step_count(int64_t from, int64_t t, int64_t step)
{
    if (!by_calendar(step))
        return floor_div((int64_t)((uint64_t)t - (uint64_t)from), step);
    return number_of(t, step) - number_of(from, step);
}

bool weft_step_fits(int64_t from, int64_t t, int64_t step)
{
    return weft_step_add(from, weft_step_count(from, t, step), step) == t;
}

int64_t weft_step_begin(int64_t t, int64_t step)
{
    return by_calendar(step) ? begin_of(number_of(t, step), step) : t;
}
