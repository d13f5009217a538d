/* report.h - a ranking as one HTML page that needs nothing else: tables, and charts as SVG inside it; no script, no
 * font, no picture from elsewhere. */
#ifndef WEFT_REPORT_H
#define WEFT_REPORT_H

#include <stdio.h>

#include "rank/ranking.h"

enum weft_report_lang { WEFT_REPORT_EN, WEFT_REPORT_KO };

struct weft_report_options {
    enum weft_report_lang lang;
    const char *title;        /* NULL: a question in the language */
    const char *channel;      /* NULL: the one that says what is sold */
    size_t top, bars, charts; /* rows of the tables (0: all), of the bars, and charts */
};

/* A table of texts beside the ranking: how good the forecasts were. cell[rows * columns], NULL: empty. */
struct weft_report_accuracy {
    char *const *name, *const *cell;
    size_t columns, rows;
};

struct weft_report;
/* head: of a ranking stream. The options must outlive it. */
int weft_report_new(const struct weft_head *head, const struct weft_report_options *o, struct weft_report **out,
                    struct weft_err *e) WEFT_MUST_USE;
void weft_report_free(struct weft_report **r);
/* One frame of the ranking: rows of other channels are passed over; one without a rank is a group that could not be
 * forecast, and is listed with its reason. */
int weft_report_add(struct weft_report *r, struct weft_span frame, struct weft_err *e) WEFT_MUST_USE;
size_t weft_report_rows(const struct weft_report *r);
/* After the last frame, for the charts: the forecasts that were ranked (their outermost quantiles are the band), and
 * the history, added up to the groups. */
int weft_report_forecasts(struct weft_report *r, const char *endpoint, const struct weft_stream_opts *o,
                          struct weft_err *e) WEFT_MUST_USE;
int weft_report_history(struct weft_report *r, const char *endpoint, const struct weft_stream_opts *o,
                        struct weft_err *e) WEFT_MUST_USE;
/* The page. accuracy may be NULL. */
void weft_report_write(const struct weft_report *r, const struct weft_report_accuracy *accuracy, FILE *f);
/* One picture of it, SVG that stands alone: growth of the first o.bars rows on the left, the charts of the first four
 * on the right. */
void weft_report_picture(const struct weft_report *r, FILE *f);

#endif
