/* models_picture.c - one series under every model, as SVG. */
#include "report/models_picture.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "report/report_chart.h"
#include "show/html.h"

enum {
    WIDE = 1100,
    HIGH = 460,
    PLOT_AT = 70,
    PLOT_WIDE = 1006,
    PLOT_TOP = 56,
    PLOT_HIGH = 320,
    PAST = 5, /* horizons before the window that are shown */
    MODELS = 6
};
static const char *const colour[MODELS] = {"#1f5fbf", "#d95f02", "#1b9e77", "#7fb2e5", "#b07a2a", "#6d7788"};

struct line {
    char *model;
    bool baseline;
    int64_t origin;
    double *ahead; /* [horizon] */
};

struct weft_models_picture {
    const struct weft_forecasts_attrs *a;
    char *id, *channel; /* NULL: none came yet */
    struct line line[MODELS];
    size_t n;
    int64_t last;   /* origin of the last window */
    double *actual; /* [(PAST + 1) * horizon], the last horizon is the window's; NaN: not told */
    struct weft_forecasts f;
};

struct weft_models_picture *weft_models_picture_new(const struct weft_forecasts_attrs *attrs)
{
    struct weft_models_picture *p = WEFT_NEW(struct weft_models_picture);
    size_t steps = (PAST + 1) * (size_t)attrs->horizon;
    p->a = attrs;
    p->last = INT64_MIN;
    p->actual = WEFT_ARRAY(double, steps);
    for (size_t i = 0; i < steps; i++)
        p->actual[i] = NAN;
    return p;
}

void weft_models_picture_free(struct weft_models_picture **pp)
{
    struct weft_models_picture *p = *pp;
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++) {
        free(p->line[i].model);
        free(p->line[i].ahead);
    }
    free(p->id);
    free(p->channel);
    free(p->actual);
    weft_forecasts_free(&p->f);
    free(p);
    *pp = NULL;
}

/* Is `s` the text that is wanted? What comes first is, when nothing was. */
static bool wanted(char **text, struct weft_span s)
{
    if (!*text)
        *text = weft_xstrndup((const char *)s.p, s.n);
    return strlen(*text) == s.n && memcmp(*text, s.p, s.n) == 0;
}

/* The line of a model; NULL: there are more than can be told apart. */
static struct line *line_of(struct weft_models_picture *p, const struct weft_forecasts *f)
{
    for (size_t i = 0; i < p->n; i++)
        if (wanted(&p->line[i].model, f->model))
            return &p->line[i];
    if (p->n == MODELS)
        return NULL;
    struct line *l = &p->line[p->n++];
    *l = (struct line){weft_xstrndup((const char *)f->model.p, f->model.n), f->baseline, INT64_MIN,
                       WEFT_ARRAY(double, f->horizon)};
    return l;
}

/* Moves what is known of the sales such that its end is the end of the window from `origin` on. */
static void move_to(struct weft_models_picture *p, int64_t origin)
{
    size_t steps = (PAST + 1) * (size_t)p->a->horizon, by = steps;
    if (p->last != INT64_MIN) {
        int64_t ahead = weft_step_count(p->last, origin, p->a->step);
        by = ahead < (int64_t)steps ? (size_t)ahead : steps;
    }
    memmove(p->actual, p->actual + by, (steps - by) * sizeof *p->actual);
    for (size_t i = steps - by; i < steps; i++)
        p->actual[i] = NAN;
    p->last = origin;
}

static void take_window(struct weft_models_picture *p, struct line *l, const struct weft_forecasts *f, size_t w)
{
    size_t horizon = f->horizon;
    int64_t origin = weft_step_add(f->origin, (int64_t)w * f->stride, p->a->step);
    if (origin > p->last)
        move_to(p, origin);
    int64_t back = weft_step_count(origin, p->last, p->a->step);
    for (size_t h = 0; f->actual && h < horizon; h++) {
        int64_t at = (int64_t)(PAST * horizon + h) - back;
        if (at >= 0)
            p->actual[at] = f->actual[w * horizon + h];
    }
    if (origin < l->origin)
        return;
    l->origin = origin;
    for (size_t h = 0; h < horizon; h++)
        l->ahead[h] = f->forecast[w * horizon + h];
}

int weft_models_picture_add(struct weft_models_picture *p, struct weft_span frame, struct weft_err *e)
{
    struct weft_forecasts *f = &p->f;
    struct line *l;
    if (weft_forecasts_read(frame, p->a, f, e) < 0)
        return -1;
    if (f->why.n || !wanted(&p->id, f->id) || !wanted(&p->channel, f->channel) || !(l = line_of(p, f)))
        return 0;
    for (size_t w = 0; w < f->windows; w++)
        take_window(p, l, f, w);
    return 0;
}

/* A line through x[n], from step `from` of `steps` on; it breaks where a value is missing. */
static void put_line(FILE *f, const double *x, size_t n, size_t from, size_t steps, double most, const char *look)
{
    bool down = false;
    fprintf(f, "<path fill='none' %s d='", look);
    for (size_t i = 0; i < n; i++) {
        double left = PLOT_AT + PLOT_WIDE * (double)(from + i) / (double)(steps > 1 ? steps - 1 : 1);
        double y = PLOT_TOP + PLOT_HIGH * (1 - fmin(fmax(x[i], 0), most) / most);
        if (isfinite(x[i]))
            fprintf(f, "%s%.1f %.1f", down ? " " : "M", left, y);
        down = isfinite(x[i]);
    }
    fputs("' />\n", f);
}

static void put_grid(const struct weft_models_picture *p, const struct weft_axis *axis, size_t steps, FILE *f)
{
    char from[32], origin[32], to[32];
    int n = (int)lround(axis->to / axis->step), foot = PLOT_TOP + PLOT_HIGH + 18;
    int64_t first = -(int64_t)(steps - (size_t)p->a->horizon), step = p->a->step;
    double at = PLOT_AT + PLOT_WIDE * ((double)-first - 0.5) / (double)(steps > 1 ? steps - 1 : 1);
    for (int i = 0; i <= n; i++) {
        double y = PLOT_TOP + PLOT_HIGH * (1 - (double)i / n);
        fprintf(f, "<path stroke='#e5e7eb' d='M%d %.1fh%d' /><text x='%d' y='%.1f' class='end'>", PLOT_AT, y, PLOT_WIDE,
                PLOT_AT - 8, y + 4);
        weft_html_number(f, i * axis->step, axis->step < 0.1 ? 2 : axis->step < 1 ? 1 : 0);
        fputs("</text>\n", f);
    }
    fprintf(f, "<path stroke='#8d99ae' stroke-dasharray='2 3' d='M%.1f %dv%d' />\n", at, PLOT_TOP, PLOT_HIGH);
    fprintf(f, "<text x='%d' y='%d'>%s</text><text x='%.1f' y='%d' class='end'>%s</text>", PLOT_AT, foot,
            weft_date_text(weft_step_add(p->last, first, step), step, from), at, foot,
            weft_date_text(p->last, step, origin));
    fprintf(f, "<text x='%d' y='%d' class='end'>%s</text>\n", PLOT_AT + PLOT_WIDE, foot,
            weft_date_text(weft_step_add(p->last, p->a->horizon - 1, step), step, to));
}

/* One entry of the key, `at` the place of its number. */
static void put_key(FILE *f, size_t at, const char *look, const char *text)
{
    int x = PLOT_AT + (int)(at % 4) * 250, y = PLOT_TOP + PLOT_HIGH + 44 + (int)(at / 4) * 22;
    fprintf(f, "<path %s d='M%d %dh28' /><text x='%d' y='%d'>", look, x, y - 4, x + 36, y);
    weft_html_str(f, text);
    fputs("</text>\n", f);
}

int weft_models_picture_write(const struct weft_models_picture *p, FILE *f, struct weft_err *e)
{
    size_t horizon = (size_t)p->a->horizon, steps = (PAST + 1) * horizon, skip = 0;
    const char *sold = "stroke='#8d99ae' stroke-width='1.2'";
    if (!p->n)
        return weft_fail(e, WEFT_DATA, "no forecast of any series came");
    while (skip < PAST * horizon && !isfinite(p->actual[skip])) /* the picture begins where something is known */
        skip++;
    double most = weft_chart_largest(p->actual, steps, 0);
    for (size_t i = 0; i < p->n; i++)
        most = weft_chart_largest(p->line[i].ahead, horizon, most);
    struct weft_axis axis = weft_axis_over(0, most > 0 ? most * 1.02 : 1, 5);
    fprintf(f,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d'>\n<style>text { font: "
            "13px 'DejaVu Sans', 'Noto Sans KR', 'Noto Sans CJK KR', sans-serif; fill: #2b2d42 }\n"
            ".end { text-anchor: end }\n</style>\n<rect width='100%%' height='100%%' fill='#ffffff' />\n"
            "<text x='%d' y='32' font-weight='bold'>",
            WIDE, HIGH, WIDE, HIGH, PLOT_AT);
    weft_html_str(f, p->id);
    fputs(" \xc2\xb7 ", f);
    weft_html_str(f, p->channel);
    fputs("</text>\n", f);
    put_grid(p, &axis, steps - skip, f);
    put_line(f, p->actual + skip, steps - skip, 0, steps - skip, axis.to, sold);
    put_key(f, 0, sold, "sold");
    for (size_t i = 0; i < p->n; i++) {
        const struct line *l = &p->line[i];
        char look[96];
        snprintf(look, sizeof look, "stroke='%s' stroke-width='2'%s", colour[i],
                 l->baseline ? " stroke-dasharray='5 4'" : "");
        if (l->origin == p->last)
            put_line(f, l->ahead, horizon, steps - skip - horizon, steps - skip, axis.to, look);
        put_key(f, 1 + i, look, l->model);
    }
    fputs("</svg>\n", f);
    return 0;
}
