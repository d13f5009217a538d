/* report_chart.h - the charts of a report: SVG whose text is HTML beside it, so that it has one size on every screen.
 */
#ifndef WEFT_REPORT_CHART_H
#define WEFT_REPORT_CHART_H

#include <stddef.h>
#include <stdio.h>

/* --- one line of growth: an interval, its middle, and the growth beyond the season --- */

struct weft_axis {
    double from, to, step; /* a round step */
};
/* An axis over [from, to] with at most `ticks` round steps. */
struct weft_axis weft_axis_over(double from, double to, int ticks);
/* The numbers along it. */
void weft_chart_axis(FILE *f, const struct weft_axis *a);
/* low, high, beyond: NaN when not known. label: what a screen reader says, escaped here. */
void weft_chart_growth(FILE *f, const struct weft_axis *a, double low, double growth, double high, double beyond,
                       const char *label);

/* --- history and forecast --- */

/* The largest of x[n] (NULL: none) and `most`; what is not finite takes no part. */
double weft_chart_largest(const double *x, size_t n, double most);

struct weft_chart_lines {
    const double *past; /* [n_past] up to the day before the origin; NaN: missing */
    size_t n_past;
    const double *year;               /* [horizon]: the same days a year before; NULL: not known */
    const double *ahead, *low, *high; /* [horizon]; low, high NULL: no band */
    size_t horizon, smooth;           /* steps that are averaged in the darker line */
    size_t near[2], far[2];           /* from 1 */
};
/* The SVG alone; the largest value, where its vertical axis ends, goes to *most. */
void weft_chart_forecast(FILE *f, const struct weft_chart_lines *c, const char *label, double *most);

#endif
