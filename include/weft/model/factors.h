/* factors.h - what the calendar and the channels known ahead multiply sales by: weekday, promotion, day of the month,
 * season of the year.
 *
 * Per series (and target), a Poisson pseudo-likelihood with log link (poisson.h) explains y / scale, scale being its
 * mean over the last two years, by
 *
 *     log open + sum over columns of b[j] x[j] + constant + trend + hinges,
 *
 * the last three of which are nuisance: they keep level and growth out of the factors and are never divided out. Days
 * shut by channel "open" (a share of the day, 0 to 1) and days before the first sale are no rows; days without sales
 * are. Coefficients of all series together (ridge 0.01 towards 0) are the parent of each series' own, which a ridge of
 * kappa pulls towards them (nuisance: 0.01 the constant, 1 the others). The factor of a step is
 *
 *     F = exp(sum over columns of b[j] x[j]), divided by its mean over the open steps of the last year,
 *
 * and what a linear model forecasts is the rest, y / scale / (F open), as it is or as log(1 + rest). Steps that were
 * shut (open below 0.2) or that hardly sell (F below 0.1) have no rest that could be trusted: it is the mean of the
 * seven steps before. So is that of a missing value, if one of these seven is known.
 *
 * Columns, steps of a day: six weekdays; switches (channels of 0 and 1) that are on at least 5 % of days by weekday,
 * and on the day before and after; other switches, and on the day before and after; open on the day before and after;
 * log of price / the series' mean price; other channels divided by their largest value; and, by choice, days of the
 * month 1-2, 3-5, 6-9, 10-14, 15-18, 19-24, 28-31; months, or waves of the year (Fourier terms). The day after the last
 * one that is known is as a week before. Steps of a week: channels alike without weekdays, and waves. Months and waves
 * need a year and a quarter, and folds that find them better than none. */
#ifndef WEFT_FACTORS_H
#define WEFT_FACTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/exog.h"
#include "nn/poisson.h"
#include "nn/safetensors.h"

/* --- columns --- */

struct weft_factor_set {
    bool any;     /* false: no factors at all */
    bool weekday; /* of days; with the channels */
    bool days, months;
    size_t waves; /* of a year, at most 12 */
};
enum { WEFT_FACTOR_SET_TEXT = 64, WEFT_FACTOR_SETS = 8 };
/* "none", "channels", or "weekday", "days", "months", "year:4" joined by commas; buf[WEFT_FACTOR_SET_TEXT]. */
const char *weft_factor_set_text(const struct weft_factor_set *s, char *buf);
/* 64 unless each item is one of these and goes with the step (86400 or 604800). */
int weft_factor_set_parse(char *const *items, size_t n, int64_t step, struct weft_factor_set *out,
                          struct weft_err *e) WEFT_MUST_USE;
/* The sets to choose among when `history` steps are known, the simplest first; returns how many. */
size_t weft_factor_sets(int64_t step, size_t history, struct weft_factor_set *out);
/* Are months and waves offered to the folds when `history` steps are known: a year and a quarter? What can't be told
 * from the trend by then is what folds are for: with two years as the least, a shop of 23 months had no December. */
bool weft_factors_seasons(int64_t step, size_t history);
/* Steps of a year (364 days, 52 weeks); 0: factors do not know this step. */
size_t weft_factors_year(int64_t step);

enum weft_factor_kind {
    WEFT_FACTOR_SAME,
    WEFT_FACTOR_OPEN,
    WEFT_FACTOR_SWITCH,
    WEFT_FACTOR_FLAG,
    WEFT_FACTOR_PRICE,
    WEFT_FACTOR_NUMBER,
    WEFT_FACTOR_KINDS
};
struct weft_factor_channel {
    enum weft_factor_kind kind; /* SAME: it never varies, and has no column; FLAG: a switch that is on now and then */
    unsigned weekdays;          /* SWITCH: bit i: it is on on some weekday i */
    double unit;                /* NUMBER: what it is divided by */
};
/* What a channel is, from its values over all series. */
struct weft_factor_survey {
    double least, most;
    uint64_t n, on, fractions; /* values; those above 0; those that are neither 0 nor 1 */
    unsigned weekdays;
};
/* x[n] begins at second `start`; NaN: missing. Zero-initialise s. */
void weft_factor_survey_add(struct weft_factor_survey *s, const float *x, size_t n, int64_t start, int64_t step);
struct weft_factor_channel weft_factor_channel_of(const struct weft_factor_survey *s, const char *name, bool relative,
                                                  int64_t step);

struct weft_factor_shape {
    int64_t step, start; /* seconds: of a step, and of the calendar's first */
    struct weft_factor_set set;
    size_t n_channels;
    struct weft_factor_channel channel[WEFT_EXOG_MAX];
};
/* Columns that are divided out. */
size_t weft_factor_columns(const struct weft_factor_shape *s);
/* The name of column j: "friday", "promo on friday", "promo the day before", "day 1-2", "december"; names: of the
 * channels. buf[128]. */
const char *weft_factor_column_name(const struct weft_factor_shape *s, char *const *names, size_t j, char *buf);
/* Nuisance columns when `history` steps of the calendar are known. */
size_t weft_factor_nuisance(const struct weft_factor_shape *s, size_t history);
/* lambda[columns + nuisance] of a series' own fit. */
void weft_factor_ridge(const struct weft_factor_shape *s, size_t history, double kappa, double *lambda);
#define WEFT_FACTOR_POOLED_RIDGE 1e-2

/* --- one series --- */

struct weft_factor_series {
    const float *y; /* [n]; NaN: missing; below 0 counts as 0 */
    size_t n;
    const float *const *channel; /* [channels][n], filled; NULL without any */
    const double *reference;     /* [channels] of prices */
    int64_t start;               /* seconds */
};
/* --- fitting: from the first `history` steps of the calendar; b[columns + nuisance] --- */

/* Of all n series together, scale[n] their scales. Sums of a pass are added up in 64 parts in their order, whatever par
 * (which may be NULL). */
struct weft_par;
void weft_factors_pooled(const struct weft_factor_shape *s, const struct weft_factor_series *x, const double *scale,
                         size_t n, size_t history, struct weft_par *par, double *b);
/* Of one series, pulled towards those of its parent: the pooled ones, or those of a group that were pulled towards its
 * own parent. A series without a sale gets its parent's. */
void weft_factors_own(const struct weft_factor_shape *s, const struct weft_factor_series *x, double scale,
                      size_t history, double kappa, const double *parent, double *b);

/* --- what is left --- */

/* out[n]: a missing value is the last known one, before all of them the first; of a channel without any `fallback`. */
void weft_factors_fill(const float *x, size_t n, float fallback, float *out);
/* Mean of what there is above 0 among x[end); 1 without any. */
double weft_factors_reference(const float *x, size_t end);
/* Mean of y over the two years that end at step `end`, at least 1e-6. */
double weft_factors_scale(const struct weft_factor_shape *s, const float *y, size_t end);
/* Steps of the series within the first `history` steps of the calendar. */
size_t weft_factors_end(const struct weft_factor_shape *s, const struct weft_factor_series *x, size_t history);
/* Rows of these steps, with the nuisance columns after the others. */
void weft_factors_rows(const struct weft_factor_shape *s, const struct weft_factor_series *x, size_t history,
                       double scale, struct weft_sparse *out);
/* f[n] = F before it is divided by its mean; and that mean over the year that ends at `end`. */
void weft_factors_of(const struct weft_factor_shape *s, const float *b, const struct weft_factor_series *x, double *f);
double weft_factors_mean(const struct weft_factor_shape *s, const struct weft_factor_series *x, const double *f,
                         size_t end);
/* The share of step t that is open. */
double weft_factors_open(const struct weft_factor_shape *s, const struct weft_factor_series *x, size_t t);
/* rest[end] of steps [0, end) by F / mean; log: log(1 + rest). NaN where more than seven values on end are missing. */
void weft_factors_rest(const struct weft_factor_shape *s, const struct weft_factor_series *x, const double *f,
                       double mean, double scale, size_t end, bool log, float *rest);
/* Does a step hardly sell (F open below 0.1)? Rests do not know its errors, since there they are filled in: what bounds
 * a forecast of it from below is 0. */
bool weft_factors_hardly(double f_open);
/* Forecast of the rest back to a rest, 0 to 50; and its derivative. */
double weft_factors_inverse(double z, bool log);
double weft_factors_slope(double z, bool log);

#endif
