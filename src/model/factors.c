/* factors.c - columns of factors, and what dividing by them leaves. */
#include "model/factors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "base/num.h"

enum { DAY = 86400, WEEK = 7 * DAY, WAVES_MAX = 12, DAY_BINS = 7, FILL = 7 };

static const double LEAST_OPEN = 1e-3, SHUT = 0.2, HARDLY = 0.1, LEAST_SCALE = 1e-6, LEAST_MEAN = 1e-3, MOST_REST = 50,
                    OFTEN = 0.05;
static const double YEAR_OF_DAYS = 365.25, LEAST_LOG = -6, MOST_LOG = 4, CONSTANT_RIDGE = 0.01, TREND_RIDGE = 1;
static const int day_bin[DAY_BINS][2] = {{1, 2}, {3, 5}, {6, 9}, {10, 14}, {15, 18}, {19, 24}, {28, 31}};

/* --- sets --- */

size_t weft_factors_year(int64_t step)
{
    return step == DAY || step == WEEK ? weft_step_year(step) : 0;
}

bool weft_factors_seasons(int64_t step, size_t history)
{
    size_t year = weft_factors_year(step);
    return year && history >= year + year / 4;
}

const char *weft_factor_set_text(const struct weft_factor_set *s, char *buf)
{
    char waves[16] = "";
    if (s->waves)
        snprintf(waves, sizeof waves, ",year:%u", (unsigned)s->waves % 100);
    snprintf(buf, WEFT_FACTOR_SET_TEXT, "%s%s%s%s", s->weekday ? ",weekday" : "", s->days ? ",days" : "",
             s->months ? ",months" : "", waves);
    if (*buf)
        memmove(buf, buf + 1, strlen(buf));
    else
        snprintf(buf, WEFT_FACTOR_SET_TEXT, "%s", s->any ? "channels" : "none");
    return buf;
}

static bool parse_item(const char *item, int64_t step, struct weft_factor_set *out)
{
    int64_t waves = 4;
    out->any = true;
    if (strcmp(item, "channels") == 0)
        return true;
    if (strcmp(item, "year") == 0 || (strncmp(item, "year:", 5) == 0 && weft_num_int(item + 5, 1, WAVES_MAX, &waves))) {
        out->waves = (size_t)waves;
        return true;
    }
    if (step != DAY)
        return false;
    if (strcmp(item, "weekday") == 0)
        return out->weekday = true;
    if (strcmp(item, "days") == 0)
        return out->days = true;
    return strcmp(item, "months") == 0 && (out->months = true);
}

int weft_factor_set_parse(char *const *items, size_t n, int64_t step, struct weft_factor_set *out, struct weft_err *e)
{
    *out = (struct weft_factor_set){0};
    for (size_t i = 0; i < n; i++)
        if (!parse_item(items[i], step, out))
            return weft_fail(e, WEFT_USAGE, "--factors: \"%.40s\" is none of %s", items[i],
                             step == DAY ? "auto, none, channels, weekday, days, months, year:1 to year:12"
                                         : "auto, none, channels, year:1 to year:12");
    if (out->months && out->waves)
        return weft_fail(e, WEFT_USAGE, "--factors: months and year say the same: give one of them");
    return 0;
}

size_t weft_factor_sets(int64_t step, size_t history, struct weft_factor_set *out)
{
    static const struct weft_factor_set daily[] = {{.any = false},
                                                   {.any = true, .weekday = true},
                                                   {.any = true, .weekday = true, .days = true},
                                                   {.any = true, .weekday = true, .months = true},
                                                   {.any = true, .weekday = true, .days = true, .months = true},
                                                   {.any = true, .weekday = true, .waves = 4}},
                                        weekly[] = {{.any = false},
                                                    {.any = true},
                                                    {.any = true, .waves = 2},
                                                    {.any = true, .waves = 4},
                                                    {.any = true, .waves = 8},
                                                    {.any = true, .waves = 12}};
    size_t n = 0;
    bool day = step == DAY, seasons = weft_factors_seasons(step, history);
    if (day)
        n = seasons ? sizeof daily / sizeof *daily : 3;
    else
        n = seasons ? sizeof weekly / sizeof *weekly : 2;
    memcpy(out, day ? daily : weekly, n * sizeof *out);
    return n;
}

/* --- channels --- */

void weft_factor_survey_add(struct weft_factor_survey *s, const float *x, size_t n, int64_t start, int64_t step)
{
    for (size_t t = 0; t < n; t++) {
        double v = x[t];
        if (!isfinite(v))
            continue;
        s->least = s->n ? fmin(s->least, v) : v;
        s->most = s->n ? fmax(s->most, v) : v;
        s->n++;
        s->fractions += v != 0 && v != 1;
        if (v > 0) {
            s->on++;
            s->weekdays |= 1u << weft_weekday(start + (int64_t)t * step);
        }
    }
}

struct weft_factor_channel weft_factor_channel_of(const struct weft_factor_survey *s, const char *name, bool relative,
                                                  int64_t step)
{
    struct weft_factor_channel c = {WEFT_FACTOR_NUMBER, s->weekdays, fmax(fabs(s->least), fabs(s->most))};
    if (!s->n || s->least == s->most)
        c.kind = WEFT_FACTOR_SAME;
    else if (strcmp(name, "open") == 0 && s->least >= 0 && s->most <= 1)
        c.kind = WEFT_FACTOR_OPEN;
    else if (relative && s->least >= 0)
        c.kind = WEFT_FACTOR_PRICE;
    else if (!s->fractions)
        c.kind = step == DAY && (double)s->on >= OFTEN * (double)s->n ? WEFT_FACTOR_SWITCH : WEFT_FACTOR_FLAG;
    return c;
}

static size_t weekdays_of(const struct weft_factor_channel *c)
{
    size_t n = 0;
    for (int i = 0; i < 7; i++)
        n += c->weekdays >> i & 1;
    return n;
}

static size_t columns_of_channel(const struct weft_factor_channel *c)
{
    switch (c->kind) {
    case WEFT_FACTOR_OPEN:
        return 2;
    case WEFT_FACTOR_SWITCH:
        return 2 + weekdays_of(c);
    case WEFT_FACTOR_FLAG:
        return 3;
    case WEFT_FACTOR_PRICE:
    case WEFT_FACTOR_NUMBER:
        return 1;
    default:
        return 0;
    }
}

/* --- columns --- */

size_t weft_factor_columns(const struct weft_factor_shape *s)
{
    size_t n = (s->set.weekday ? 6 : 0) + (s->set.days ? DAY_BINS : 0) + (s->set.months ? 11 : 0) + 2 * s->set.waves;
    for (size_t c = 0; c < s->n_channels && s->set.any; c++)
        n += columns_of_channel(&s->channel[c]);
    return n;
}

static const char *name_of_channel(const struct weft_factor_channel *c, const char *name, size_t j, bool day, char *buf)
{
    static const char *const weekday[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    size_t plain = columns_of_channel(c) - 2;
    if (c->kind == WEFT_FACTOR_PRICE || c->kind == WEFT_FACTOR_NUMBER) {
        snprintf(buf, 128, "%s%.100s", c->kind == WEFT_FACTOR_PRICE ? "log " : "", name);
        return buf;
    }
    if (j >= plain)
        snprintf(buf, 128, "%.90s the %s %s", name, day ? "day" : "week", j == plain ? "after" : "before");
    else if (c->kind == WEFT_FACTOR_FLAG)
        snprintf(buf, 128, "%.100s", name);
    for (size_t i = 0, k = 0; i < 7 && c->kind == WEFT_FACTOR_SWITCH && j < plain; i++)
        if (c->weekdays >> i & 1 && k++ == j)
            snprintf(buf, 128, "%.90s on %s", name, weekday[i]);
    return buf;
}

const char *weft_factor_column_name(const struct weft_factor_shape *s, char *const *names, size_t j, char *buf)
{
    static const char *const weekday[] = {"tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"},
                             *const month[] = {"february", "march",     "april",   "may",      "june",    "july",
                                               "august",   "september", "october", "november", "december"};
    size_t plain = s->set.weekday ? 6 : 0;
    if (j < plain)
        return weekday[j];
    j -= plain;
    for (size_t c = 0; c < s->n_channels; c++) {
        size_t n = columns_of_channel(&s->channel[c]);
        if (j < n)
            return name_of_channel(&s->channel[c], names[c], j, s->step == DAY, buf);
        j -= n;
    }
    if (s->set.days && j < DAY_BINS) {
        snprintf(buf, 128, "day %d-%d", day_bin[j][0], day_bin[j][1]);
        return buf;
    }
    j -= s->set.days ? DAY_BINS : 0;
    if (s->set.months)
        return month[j];
    snprintf(buf, 128, "year %s %zu", j % 2 ? "cosine" : "sine", j / 2 + 1);
    return buf;
}

/* Steps of the calendar as years. */
static double years_of(const struct weft_factor_shape *s, double steps)
{
    return steps * (double)s->step / (YEAR_OF_DAYS * DAY);
}

size_t weft_factor_nuisance(const struct weft_factor_shape *s, size_t history)
{
    size_t n = 2;
    while (years_of(s, (double)history) > (double)n + 0.5) /* a hinge for each whole year beyond the second */
        n++;
    return n;
}

void weft_factor_ridge(const struct weft_factor_shape *s, size_t history, double kappa, double *lambda)
{
    size_t columns = weft_factor_columns(s), n = columns + weft_factor_nuisance(s, history);
    for (size_t j = 0; j < n; j++)
        lambda[j] = j < columns ? kappa : TREND_RIDGE;
    lambda[columns] = CONSTANT_RIDGE;
}

/* --- one series --- */

void weft_factors_fill(const float *x, size_t n, float fallback, float *out)
{
    float last = fallback;
    for (size_t t = 0; t < n; t++)
        if (isfinite(x[t])) {
            last = x[t];
            break;
        }
    for (size_t t = 0; t < n; t++)
        out[t] = last = isfinite(x[t]) ? x[t] : last;
}

double weft_factors_reference(const float *x, size_t end)
{
    double sum = 0;
    size_t n = 0;
    for (size_t t = 0; t < end; t++)
        if (x[t] > 0) {
            sum += (double)x[t];
            n++;
        }
    return n ? sum / (double)n : 1;
}

double weft_factors_scale(const struct weft_factor_shape *s, const float *y, size_t end)
{
    size_t two = 2 * weft_factors_year(s->step), n = 0;
    double sum = 0;
    for (size_t t = end > two ? end - two : 0; t < end; t++)
        if (isfinite(y[t])) {
            sum += fmax(y[t], 0);
            n++;
        }
    return fmax(n ? sum / (double)n : 0, LEAST_SCALE);
}

double weft_factors_open(const struct weft_factor_shape *s, const struct weft_factor_series *x, size_t t)
{
    for (size_t c = 0; c < s->n_channels; c++)
        if (s->channel[c].kind == WEFT_FACTOR_OPEN)
            return x->channel[c][t];
    return 1;
}

/* Elements of one channel at step t; returns the column after its own. */
static size_t put_channel(const struct weft_factor_channel *c, const float *x, size_t next, size_t t, double reference,
                          int weekday, size_t at, struct weft_sparse *out)
{
    size_t width = columns_of_channel(c), before = t ? t - 1 : 0;
    if (c->kind == WEFT_FACTOR_PRICE)
        weft_sparse_put(out, at, x[t] > 0 ? log((double)x[t] / reference) : 0);
    else if (c->kind == WEFT_FACTOR_NUMBER)
        weft_sparse_put(out, at, (double)x[t] / c->unit);
    else if (c->kind == WEFT_FACTOR_FLAG)
        weft_sparse_put(out, at, x[t]);
    for (size_t i = 0, k = at; i < 7 && c->kind == WEFT_FACTOR_SWITCH; i++)
        if (c->weekdays >> i & 1) {
            if ((int)i == weekday)
                weft_sparse_put(out, k, x[t]);
            k++;
        }
    if (width >= 2) { /* all but price and number; the day after first */
        weft_sparse_put(out, at + width - 2, x[next]);
        weft_sparse_put(out, at + width - 1, x[before]);
    }
    return at + width;
}

/* sin and cos of multiples of the year's phase. */
static size_t put_waves(const struct weft_factor_shape *s, int64_t day, int year, size_t at, struct weft_sparse *out)
{
    double phase = 2 * acos(-1) * (double)(day - weft_days_from_civil(year, 1, 1) + 1) / YEAR_OF_DAYS,
           sine = sin(phase), cosine = cos(phase), a = sine, b = cosine;
    for (size_t i = 0; i < s->set.waves; i++) {
        weft_sparse_put(out, at++, a);
        weft_sparse_put(out, at++, b);
        double next = a * cosine + b * sine;
        b = b * cosine - a * sine;
        a = next;
    }
    return at;
}

/* Elements of step t; returns the column after them. */
static size_t put_step(const struct weft_factor_shape *s, const struct weft_factor_series *x, size_t t,
                       struct weft_sparse *out)
{
    int64_t seconds = x->start + (int64_t)t * s->step,
            day = seconds >= 0 ? seconds / DAY : -((-seconds + DAY - 1) / DAY);
    int weekday = weft_weekday(seconds), year, month, date;
    size_t at = 0;
    size_t next = t + 1 < x->n ? t + 1 : t;
    if (next == t && s->step == DAY && t >= 6) /* after the last day known: as a week before */
        next = t - 6;
    weft_civil_from_days(day, &year, &month, &date);
    if (s->set.weekday) {
        if (weekday)
            weft_sparse_put(out, (size_t)weekday - 1, 1);
        at = 6;
    }
    for (size_t c = 0; c < s->n_channels; c++)
        if (s->channel[c].kind != WEFT_FACTOR_SAME)
            at = put_channel(&s->channel[c], x->channel[c], next, t, x->reference ? x->reference[c] : 1, weekday, at,
                             out);
    for (size_t i = 0; i < DAY_BINS && s->set.days; i++, at++)
        if (date >= day_bin[i][0] && date <= day_bin[i][1])
            weft_sparse_put(out, at, 1);
    if (s->set.months) {
        if (month > 1)
            weft_sparse_put(out, at + (size_t)month - 2, 1);
        at += 11;
    }
    return s->set.waves ? put_waves(s, day, year, at, out) : at;
}

static void put_nuisance(double ago, size_t columns, size_t n, struct weft_sparse *out)
{
    weft_sparse_put(out, columns, 1);
    weft_sparse_put(out, columns + 1, -ago);
    for (size_t j = 2; j < n; j++)
        weft_sparse_put(out, columns + j, fmax(0, (double)j - ago));
}

size_t weft_factors_end(const struct weft_factor_shape *s, const struct weft_factor_series *x, size_t history)
{
    size_t first = (size_t)((x->start - s->start) / s->step), end = history > first ? history - first : 0;
    return end < x->n ? end : x->n;
}

void weft_factors_rows(const struct weft_factor_shape *s, const struct weft_factor_series *x, size_t history,
                       double scale, struct weft_sparse *out)
{
    size_t first = (size_t)((x->start - s->start) / s->step), end = weft_factors_end(s, x, history);
    size_t columns = weft_factor_columns(s), nuisance = weft_factor_nuisance(s, history);
    bool sold = false;
    weft_sparse_clear(out);
    for (size_t t = 0; t < end; t++) {
        double open = weft_factors_open(s, x, t), y = x->y[t];
        sold |= y > 0;
        if (!sold || !isfinite(y) || !(open > 0))
            continue;
        (void)put_step(s, x, t, out);
        put_nuisance(years_of(s, (double)(history - first - t)), columns, nuisance, out);
        weft_sparse_end(out, fmax(y, 0) / scale, log(fmax(open, LEAST_OPEN)));
    }
}

void weft_factors_of(const struct weft_factor_shape *s, const float *b, const struct weft_factor_series *x, double *f)
{
    struct weft_sparse row = {0};
    for (size_t t = 0; t < x->n; t++) {
        double sum = 0;
        weft_sparse_clear(&row);
        if (s->set.any)
            (void)put_step(s, x, t, &row);
        for (size_t i = 0; i < row.used; i++)
            sum += (double)b[row.col[i]] * (double)row.x[i];
        f[t] = exp(fmin(fmax(sum, LEAST_LOG), MOST_LOG));
    }
    weft_sparse_free(&row);
}

double weft_factors_mean(const struct weft_factor_shape *s, const struct weft_factor_series *x, const double *f,
                         size_t end)
{
    size_t year = weft_factors_year(s->step), n = 0;
    double sum = 0;
    for (size_t t = end > year ? end - year : 0; t < end; t++)
        if (weft_factors_open(s, x, t) > 0) {
            sum += f[t];
            n++;
        }
    return n ? fmax(sum / (double)n, LEAST_MEAN) : 1;
}

/* The mean of the rests before step t, for one that can't be trusted. */
static double fill_in(const double *rest, size_t t)
{
    double sum = 0;
    size_t n = 0;
    for (size_t i = t > FILL ? t - FILL : 0; i < t; i++)
        if (isfinite(rest[i])) {
            sum += rest[i];
            n++;
        }
    return n ? sum / (double)n : 1;
}

void weft_factors_rest(const struct weft_factor_shape *s, const struct weft_factor_series *x, const double *f,
                       double mean, double scale, size_t end, bool log_of, float *rest)
{
    double *raw = WEFT_ARRAY(double, end + 1);
    size_t since = 0; /* missing values one after the other */
    for (size_t t = 0; t < end; t++) {
        double open = weft_factors_open(s, x, t), factor = f[t] / mean;
        bool missing = !isfinite(x->y[t]);
        since = missing ? since + 1 : 0;
        if (open < SHUT || factor < HARDLY || (missing && t >= since && since <= FILL))
            raw[t] = fill_in(raw, t);
        else
            raw[t] = missing ? NAN : fmax(x->y[t], 0) / scale / (factor * open);
        rest[t] = (float)(log_of ? log1p(raw[t]) : raw[t]);
    }
    free(raw);
}

bool weft_factors_hardly(double f_open)
{
    return f_open < HARDLY;
}

double weft_factors_inverse(double z, bool log_of)
{
    if (log_of)
        return expm1(fmin(fmax(z, 0), log1p(MOST_REST)));
    return fmin(fmax(z, 0), MOST_REST);
}

double weft_factors_slope(double z, bool log_of)
{
    return log_of ? exp(fmin(fmax(z, 0), log1p(MOST_REST))) : 1;
}
