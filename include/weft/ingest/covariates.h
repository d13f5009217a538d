/* covariates.h - exogenous channels for series that have none: weekday, holidays, a table by date; and a calendar that
 * goes on ahead.
 *
 * The table is read when the work begins and held in memory: 4 bytes per key, column and step of the calendar. */
#ifndef WEFT_COVARIATES_H
#define WEFT_COVARIATES_H

#include "base/opt.h"
#include "frame/pack.h"
#include "ingest/fill.h"
#include "record/series.h"

struct weft_covariates_opts {
    bool weekday;
    const char *holidays, *table; /* files, or NULL */
    const char *id, *date;        /* columns of the table, or NULL */
    struct weft_list values;      /* [NAME=]COLUMN; none: every column that is neither date nor key */
    struct weft_list past, constant, carry;
    struct weft_list lag; /* [CHANNEL=]N: the table's value of N steps earlier stands on a step: what is published late
                             is known ahead then */
    const char *fill;     /* NULL, or how short gaps of the targets are filled (fill.h) */
    int64_t fill_max;
    int64_t ahead; /* steps behind the last one with a target; 0: as far as the table goes */
};

struct weft_covariates;
/* Reads the files. 65 when one of them is not usable, 78 when a channel is there already or `carry` and the roles name
 * none. in must live on. */
int weft_covariates_new(const struct weft_covariates_opts *o, const struct weft_series_attrs *in,
                        struct weft_covariates **out, struct weft_err *e) WEFT_MUST_USE;
void weft_covariates_free(struct weft_covariates **c);
/* Attributes of what comes out: channels added behind those of `in`, the calendar as far as it is known. */
const struct weft_series_attrs *weft_covariates_attrs(const struct weft_covariates *c);
/* The last holiday of the file and the last day of the calendar, when so many days lie between them (45) that the file
 * seems to end early. */
bool weft_covariates_last_holiday(const struct weft_covariates *c, int64_t *holiday, int64_t *last);
/* Steps of the calendar that the holidays file does not cover: their value is missing. */
size_t weft_covariates_without_holidays(const struct weft_covariates *c);
/* Steps that a series has in the output, and its values [channels, steps]. False: the table has no row for it (its
 * values are missing). */
size_t weft_covariates_steps(const struct weft_covariates *c, const struct weft_series *s);
bool weft_covariates_fill(struct weft_covariates *c, const struct weft_series *s, float *out);

/* --fill and --lag, as entries "filled" and "lags" of the attrs. */
void weft_covariates_notes(const struct weft_covariates *c, struct weft_edit *attrs);
/* Was step t of a target filled in the series that weft_covariates_fill took last? */
bool weft_covariates_filled(const struct weft_covariates *c, size_t t);
/* So far: values filled, values that stay missing after the first one of their series, series in which something was
 * filled. */
struct weft_covariates_fills {
    uint64_t filled, left, series;
};
struct weft_covariates_fills weft_covariates_fills(const struct weft_covariates *c);

#endif
