/* report_picture.c - a ranking as one SVG picture that stands alone: the charts of the page, with their words as text.
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "report/report_rows.h"
#include "show/html.h"

enum {
    WIDE = 1200,
    HIGH_LEAST = 700,
    TOP = 104, /* where rows and charts begin */
    ROW = 34,
    NAME_AT = 24,
    NAME_WIDE = 176,
    BAR_AT = 210,
    BAR_WIDE = 320,
    VALUE_AT = 590,
    PLOT_AT = 680,
    PLOT_WIDE = 496,
    PLOTS = 4
};

/* The colours of the page, without its variables: viewers of SVG know fewer words than browsers. */
static const char style[] = "text { font: 13px 'DejaVu Sans', 'Noto Sans KR', 'Noto Sans CJK KR', 'Malgun Gothic', "
                            "sans-serif; fill: #2b2d42 }\n"
                            ".title { font-size: 20px; font-weight: bold }\n"
                            ".soft, .axis text { font-size: 12px; fill: #6d7788 }\n"
                            ".value { text-anchor: end; font-weight: bold }\n"
                            ".grid { stroke: #e5e7eb; stroke-width: 1 }\n"
                            ".one { stroke: #8d99ae; stroke-width: 1; stroke-dasharray: 4 3 }\n"
                            ".band { fill: #a9d6e5; stroke: none }\n"
                            ".dot { fill: #2a6f97 }\n"
                            ".beyond { fill: #b07a2a }\n"
                            ".plot path { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round }\n"
                            ".plot .days { fill: #eaedf1 }\n"
                            ".plot .band { fill: #a9d6e5 }\n"
                            ".plot .grid { stroke: #e5e7eb }\n"
                            ".daily { stroke: #cdd3dc; stroke-width: .8 }\n"
                            ".mean { stroke: #6d7788; stroke-width: 1.6 }\n"
                            ".ahead { stroke: #2a6f97; stroke-width: 1.8 }\n"
                            ".year { stroke: #b07a2a; stroke-width: 1.4; stroke-dasharray: 4 3 }\n"
                            ".origin { stroke: #8d99ae; stroke-width: 1; stroke-dasharray: 2 3 }\n";

static const char *t(const struct weft_report *r, enum weft_report_label k)
{
    return r->text[k];
}

static void put_text(FILE *f, int x, int y, const char *class, const char *text)
{
    fprintf(f, "<text x='%d' y='%d' class='%s'>", x, y, class);
    weft_html_str(f, text);
    fputs("</text>\n", f);
}

/* A picture inside the picture, cut at its edges: a long name ends where the bars begin. */
static void begin_box(FILE *f, int x, int y, int wide, int high)
{
    fprintf(f, "<svg x='%d' y='%d' width='%d' height='%d'>", x, y, wide, high);
}

static void put_head(const struct weft_report *r, int high, FILE *f)
{
    char from[32], to[32];
    fprintf(f,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d'>\n<style>\n%s</style>\n"
            "<rect width='100%%' height='100%%' fill='#ffffff' />\n",
            WIDE, high, WIDE, high, style);
    put_text(f, NAME_AT, 36, "title", r->o->title ? r->o->title : t(r, L_TITLE));
    fprintf(f, "<text x='%d' y='60' class='soft'>", NAME_AT);
    weft_html_str(f, weft_report_level(r));
    fputs(" \xc2\xb7 ", f);
    weft_html_str(f, r->channel ? r->channel : "");
    if (r->a.origin != INT64_MIN)
        fprintf(f, " \xc2\xb7 %s %s\xe2\x80\x93%s", t(r, L_FORECAST_OF), weft_report_date(r, 0, from),
                weft_report_date(r, r->a.horizon - 1, to));
    fputs(" \xc2\xb7 ", f);
    weft_html_str(f, r->a.model);
    fprintf(f, "</text>\n<text x='%d' y='80' class='soft'>", NAME_AT);
    fprintf(f, t(r, L_GROWTH_NOTE), (long long)r->a.far[0], (long long)r->a.far[1], (long long)r->a.near[0],
            (long long)r->a.near[1]);
    fputs("</text>\n", f);
}

/* What the marks and lines mean: a sample of each, and its word. */
static void put_key(const struct weft_report *r, FILE *f)
{
    char history[200];
    const struct {
        int at;
        const char *sample, *text;
    } key[] = {{0, "<path class='mean' d='M0 8h22' />", weft_report_history_line(r, history)},
               {270, "<path class='ahead' d='M0 8h22' />", t(r, L_FORECAST)},
               {370, "<path class='year' d='M0 8h22' />", t(r, L_YEAR_LINE)}};
    for (size_t i = 0; i < sizeof key / sizeof *key; i++)
        fprintf(f, "<svg x='%d' y='72' overflow='visible'>%s<text x='28' y='12' class='soft'>%s</text></svg>\n",
                PLOT_AT + key[i].at, key[i].sample, key[i].text);
    fprintf(f,
            "<svg x='%d' y='52' overflow='visible'><circle class='dot' cx='8' cy='8' r='5' /><text x='20' y='12' "
            "class='soft'>%s</text><rect class='band' x='100' y='4' width='22' height='8' rx='4' /><text x='128' "
            "y='12' class='soft'>",
            PLOT_AT, t(r, L_GROWTH));
    fprintf(f, t(r, L_INTERVAL), round(r->a.level * 1e4) / 100);
    fprintf(f,
            "</text><path class='beyond' d='M278 3 283 8 278 13 273 8Z' /><text x='290' y='12' "
            "class='soft'>%s</text></svg>\n",
            t(r, L_BEYOND));
}

static void put_row(const struct row *x, const struct weft_axis *axis, int y, FILE *f)
{
    begin_box(f, NAME_AT, y, NAME_WIDE, ROW);
    fprintf(f, "<text x='0' y='18'>%llu. ", (unsigned long long)x->rank);
    weft_html_str(f, x->group);
    fputs("</text></svg>", f);
    begin_box(f, BAR_AT, y, BAR_WIDE, 26);
    weft_chart_growth(f, axis, x->v[LOW], x->v[GROWTH], x->v[HIGH], x->v[BEYOND], x->group);
    fprintf(f, "</svg><text x='%d' y='%d' class='value'>", VALUE_AT, y + 18);
    weft_html_number(f, x->v[GROWTH], 2);
    fputs("</text>\n", f);
}

static void put_rows(const struct weft_report *r, size_t n, FILE *f)
{
    struct weft_axis axis = weft_report_axis(r, n);
    begin_box(f, BAR_AT, TOP, BAR_WIDE, 18);
    weft_chart_axis(f, &axis);
    fputs("</svg>\n", f);
    for (size_t i = 0; i < n; i++)
        put_row(&r->row[i], &axis, TOP + 22 + (int)i * ROW, f);
}

static void put_plot(const struct weft_report *r, const struct row *x, int y, int high, FILE *f)
{
    struct weft_chart_lines lines = weft_report_lines(r, x);
    char from[32], to[32];
    double most;
    put_text(f, PLOT_AT, y + 12, "", x->group);
    begin_box(f, PLOT_AT, y + 20, PLOT_WIDE, high - 58);
    weft_chart_forecast(f, &lines, x->group, &most);
    fprintf(f, "</svg>\n<text x='%d' y='%d' class='soft' text-anchor='end'>", PLOT_AT - 8, y + 30);
    weft_html_number(f, most, most < 2 ? 2 : most < 20 ? 1 : 0);
    fprintf(f, "</text><text x='%d' y='%d' class='soft' text-anchor='end'>0</text>\n", PLOT_AT - 8, y + high - 38);
    put_text(f, PLOT_AT, y + high - 22, "soft", weft_report_date(r, -(int64_t)lines.n_past, from));
    fprintf(f, "<text x='%d' y='%d' class='soft' text-anchor='end'>%s</text>\n", PLOT_AT + PLOT_WIDE, y + high - 22,
            weft_report_date(r, (int64_t)lines.horizon - 1, to));
    free((void *)lines.year);
}

void weft_report_picture(const struct weft_report *r, FILE *f)
{
    size_t rows = r->n < r->o->bars ? r->n : r->o->bars, plots = 0, drawn = 0;
    int high = TOP + 40 + (int)rows * ROW;
    high = high > HIGH_LEAST ? high : HIGH_LEAST;
    for (size_t i = 0; i < r->names.n && i < r->n && plots < PLOTS; i++)
        plots += r->row[i].chart.series > 0;
    put_head(r, high, f);
    put_key(r, f);
    put_rows(r, rows, f);
    for (size_t i = 0; i < r->names.n && i < r->n && drawn < plots; i++)
        if (r->row[i].chart.series) {
            int each = (high - TOP - 8) / (int)plots;
            put_plot(r, &r->row[i], TOP + (int)drawn++ * each, each, f);
        }
    fputs("</svg>\n", f);
}
