/* report_rows.h - what a report shows, between its reader (report_rows.c) and its two forms: the page (report.c) and
 * the picture (report_picture.c). */
#ifndef WEFT_REPORT_ROWS_H
#define WEFT_REPORT_ROWS_H

#include "rank/group.h"
#include "report/report.h"
#include "report/report_chart.h"
#include "report/report_text.h"

enum field {
    GROWTH,
    LOW,
    HIGH,
    P_GROWTH,
    LEFT_OUT,
    NEAR,
    FAR,
    NOW,
    YEAR,
    BEYOND,
    P_TOP,
    ACTIVE_NOW,
    ACTIVE,
    BRANDS_NOW,
    BRANDS,
    EACH_NOW,
    EACH,
    HHI,
    TOP_SHARE,
    PRICE_NOW,
    PRICE,
    MENTIONS,
    HISTORY,
    ZEROS,
    GAPS,
    PART,
    FIELDS = PART + WEFT_REASONS_MAX
};
/* A group without any forecast. */
struct left {
    char *group, *why;
};

struct chart {
    double *ahead, *low, *high; /* [horizon] */
    double *past;               /* [n_past]; NULL: no history */
    size_t n_past, series;
};

struct row {
    uint64_t rank;
    char *group, *quality, *top_brand, *mark;
    char *model;
    int sure; /* 1: grows, -1: falls, for sure */
    double v[FIELDS];
    struct chart chart;
};

struct weft_report {
    const struct weft_report_options *o;
    struct weft_ranking_attrs a;
    const char *channel;
    char *text[L_LABELS]; /* in the words of the step */
    struct row *row;
    size_t n, cap;
    struct left *left;
    size_t n_left, cap_left;
    uint64_t series_left;    /* series without a forecast, of groups that have others */
    bool tested, sure;       /* of all rows of the channel, also those beyond the top: an interval; a mark */
    struct weft_names names; /* of the rows with a chart, in their order */
};

/* How many steps the thick line of a chart is the mean of: a season of days or hours; 1 where there is no such
 * season. */
size_t weft_report_smoothed(const struct weft_report *r);
/* The words for that line, in buf. */
const char *weft_report_history_line(const struct weft_report *r, char buf[200]);
/* "minor" is a minor category, or what the language calls it; other keys stand as they are. */
const char *weft_report_level(const struct weft_report *r);
/* The date so many steps after the first one forecast, in buf. */
const char *weft_report_date(const struct weft_report *r, int64_t steps, char buf[32]);
/* The axis of growth for the first n rows. */
struct weft_axis weft_report_axis(const struct weft_report *r, size_t n);
/* What the chart of a row shows. The caller frees the member `year`. */
struct weft_chart_lines weft_report_lines(const struct weft_report *r, const struct row *x);

#endif
