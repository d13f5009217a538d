/* report_chart.c - charts as SVG. */
#include "report/report_chart.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "show/html.h"
#include "base/mem.h"

struct weft_axis weft_axis_over(double from, double to, int ticks)
{
    double rough = (to - from) / ticks, unit = pow(10, floor(log10(rough > 0 ? rough : 1))), times = rough / unit;
    static const double nice[] = {1, 2, 2.5, 5, 10};
    size_t k = 0;
    while (nice[k] < times && k + 1 < sizeof nice / sizeof *nice)
        k++;
    double step = unit * nice[k];
    struct weft_axis a = {floor(from / step + 1e-9) * step, ceil(to / step - 1e-9) * step, step};
    if (!(a.to > a.from))
        a.to = a.from + step;
    return a;
}

/* Place on an axis in per cent; what lies beyond stands at its end. */
static double place(const struct weft_axis *a, double v)
{
    double p = 100 * (v - a->from) / (a->to - a->from);
    p = p < 0 ? 0 : p;
    return p > 100 ? 100 : p;
}

static int ticks_of(const struct weft_axis *a)
{
    return (int)lround((a->to - a->from) / a->step);
}

void weft_chart_axis(FILE *f, const struct weft_axis *a)
{
    int n = ticks_of(a);
    fputs("<svg class='axis' width='100%' height='18' aria-hidden='true'>", f);
    for (int i = 0; i <= n; i++) {
        const char *anchor = i == n ? "end" : "middle";
        int digits = a->step < 1 ? 1 + (fabs(a->step * 10 - round(a->step * 10)) > 1e-9) : 0;
        fprintf(f, "<text x='%.4g%%' y='13' text-anchor='%s'>", 100.0 * i / n, i ? anchor : "start");
        weft_html_number(f, a->from + i * a->step, a->step < 0.1 ? 2 : digits);
        fputs("</text>", f);
    }
    fputs("</svg>", f);
}

void weft_chart_growth(FILE *f, const struct weft_axis *a, double low, double growth, double high, double beyond,
                       const char *label)
{
    int n = ticks_of(a);
    fputs("<svg class='bar' width='100%' height='26' role='img' aria-label='", f);
    weft_html_str(f, label);
    fputs("'>", f);
    for (int i = 0; i <= n; i++)
        fprintf(f, "<line class='grid' x1='%.4g%%' x2='%.4g%%' y1='0' y2='26' />", 100.0 * i / n, 100.0 * i / n);
    if (place(a, 1) > 0 && place(a, 1) < 100)
        fprintf(f, "<line class='one' x1='%.4g%%' x2='%.4g%%' y1='0' y2='26' />", place(a, 1), place(a, 1));
    if (isfinite(low) && isfinite(high))
        fprintf(f, "<rect class='band' x='%.4g%%' width='%.4g%%' y='9' height='8' rx='4' />", place(a, low),
                place(a, high) - place(a, low));
    if (isfinite(beyond)) /* a diamond: an outer SVG at the place, so that its own units are pixels */
        fprintf(f, "<svg x='%.4g%%' y='13' overflow='visible'><path class='beyond' d='M0-5 5 0 0 5-5 0Z' /></svg>",
                place(a, beyond));
    if (isfinite(growth))
        fprintf(f, "<circle class='dot' cx='%.4g%%' cy='13' r='5' />", place(a, growth));
    fputs("</svg>", f);
}

/* --- history and forecast --- */

enum { WIDTH = 1000, HEIGHT = 400 }; /* of the viewBox: the picture is stretched to its place, its lines are not */

struct view {
    double most;
    size_t steps; /* shown in all */
};

static double x_of(const struct view *v, double step)
{
    return WIDTH * step / (double)(v->steps > 1 ? v->steps - 1 : 1);
}

static double y_of(const struct view *v, double value)
{
    double y = value < 0 ? 0 : value;
    y = y > v->most ? v->most : y;
    return HEIGHT * (1 - y / v->most);
}

/* A line through value[n] from step `from`; it breaks where one is missing. */
static void put_line(FILE *f, const struct view *v, const char *class, const double *value, size_t n, size_t from)
{
    bool down = false;
    fprintf(f, "<path class='%s' d='", class);
    for (size_t i = 0; i < n; i++) {
        if (isfinite(value[i]))
            fprintf(f, "%s%.1f %.1f", down ? " " : "M", x_of(v, (double)(from + i)), y_of(v, value[i]));
        down = isfinite(value[i]);
    }
    fputs("' />", f);
}

static void put_band(FILE *f, const struct view *v, const double *low, const double *high, size_t n, size_t from)
{
    fputs("<path class='band' d='", f);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s%.1f %.1f", i ? " " : "M", x_of(v, (double)(from + i)), y_of(v, high[i]));
    for (size_t i = n; i-- > 0;)
        fprintf(f, " %.1f %.1f", x_of(v, (double)(from + i)), y_of(v, low[i]));
    fputs("Z' />", f);
}

/* out[i] = mean of the last `width` values up to i; NaN when more than half of them are missing. */
static void smooth(const double *x, size_t n, size_t width, double *out)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        size_t there = 0, from = i + 1 > width ? i + 1 - width : 0;
        for (size_t k = from; k <= i; k++)
            if (isfinite(x[k])) {
                sum += x[k];
                there++;
            }
        out[i] = 2 * there > i + 1 - from ? sum / (double)there : NAN;
    }
}

double weft_chart_largest(const double *x, size_t n, double most)
{
    for (size_t i = 0; x && i < n; i++)
        if (isfinite(x[i]) && x[i] > most)
            most = x[i];
    return most;
}

static bool all_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static void put_days(FILE *f, const struct view *v, size_t before, const size_t days[2])
{
    double from = x_of(v, (double)(before + days[0]) - 1.5), to = x_of(v, (double)(before + days[1]) - 0.5);
    fprintf(f, "<rect class='days' x='%.1f' width='%.1f' y='0' height='%d' />", from, to - from, HEIGHT);
}

void weft_chart_forecast(FILE *f, const struct weft_chart_lines *c, const char *label, double *most)
{
    double top = weft_chart_largest(
        c->high, c->horizon,
        weft_chart_largest(c->ahead, c->horizon,
                           weft_chart_largest(c->year, c->horizon, weft_chart_largest(c->past, c->n_past, 0))));
    struct weft_axis axis = weft_axis_over(0, top > 0 ? top * 1.02 : 1, 4);
    struct view v = {axis.to, c->n_past + c->horizon};
    double *mean = WEFT_ARRAY(double, c->n_past + 1);
    bool banded = c->low && c->high && all_finite(c->low, c->horizon) && all_finite(c->high, c->horizon);
    smooth(c->past, c->n_past, c->smooth, mean);
    fprintf(f, "<svg class='plot' viewBox='0 0 %d %d' preserveAspectRatio='none' role='img' aria-label='", WIDTH,
            HEIGHT);
    weft_html_str(f, label);
    fputs("'>", f);
    put_days(f, &v, c->n_past, c->near);
    put_days(f, &v, c->n_past, c->far);
    for (int i = 0; i <= ticks_of(&axis); i++)
        fprintf(f, "<path class='grid' d='M0 %.1fH%d' />", HEIGHT - (double)i * HEIGHT / ticks_of(&axis), WIDTH);
    if (banded)
        put_band(f, &v, c->low, c->high, c->horizon, c->n_past);
    put_line(f, &v, "daily", c->past, c->n_past, 0);
    put_line(f, &v, "mean", mean, c->n_past, 0);
    if (c->year)
        put_line(f, &v, "year", c->year, c->horizon, c->n_past);
    put_line(f, &v, "ahead", c->ahead, c->horizon, c->n_past);
    fprintf(f, "<path class='origin' d='M%.1f 0V%d' /></svg>", x_of(&v, (double)c->n_past - 0.5), HEIGHT);
    *most = axis.to;
    free(mean);
}
