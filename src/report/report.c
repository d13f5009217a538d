/* report.c - a ranking as one HTML page. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"
#include "report/report_rows.h"
#include "show/html.h"

/* --- pieces of the page --- */

static const char *t(const struct weft_report *r, enum weft_report_label k)
{
    return r->text[k];
}

static void put_name(const struct row *x, FILE *f)
{
    weft_html_str(f, x->group);
}

/* One part: in words where a percentage would run to thousands. */
static void put_part(const struct weft_report *r, double part, const char *before, enum weft_report_label label,
                     FILE *f)
{
    fprintf(f, "%s<span class='part'>%s ", before, t(r, label));
    if (fabs(part) > WEFT_REASON_MOST) {
        fputs(t(r, part > 0 ? L_FAR_UP : L_FAR_DOWN), f);
    } else {
        fputs(part > 0 ? "+" : "", f);
        weft_html_percent(f, part, 0);
    }
    fputs("</span>", f);
}

/* The largest parts of the growth in words: "last week +8%, a year ago -2%". */
static bool put_reason(const struct weft_report *r, const struct row *x, FILE *f)
{
    bool said[WEFT_REASONS_MAX] = {0};
    int n = 0;
    if (x->mark) {
        fputs(t(r, L_NO_SALES), f);
        return true;
    }
    for (; n < 2; n++) {
        size_t best = WEFT_REASONS_MAX;
        for (size_t k = 0; k < WEFT_REASONS_MAX; k++)
            if (!said[k] && fabs(x->v[PART + k]) >= 0.005 &&
                (best == WEFT_REASONS_MAX || fabs(x->v[PART + k]) > fabs(x->v[PART + best])))
                best = k;
        if (best == WEFT_REASONS_MAX)
            break;
        said[best] = true;
        put_part(r, x->v[PART + best], n ? ", " : "", (enum weft_report_label)(L_REASON + best), f);
    }
    return n > 0;
}

static void put_quality(const struct weft_report *r, const struct row *x, FILE *f)
{
    static const char *const names[] = {"good", "fair", "poor"}, *const signs[] = {"\xe2\x97\x8f", "\xe2\x97\x90",
                                                                                   "\xe2\x97\x8b"};
    for (size_t k = 0; x->quality && k < 3; k++)
        if (strcmp(x->quality, names[k]) == 0) {
            fprintf(f, "<span class='q %s'>%s %s</span>", names[k], signs[k],
                    t(r, (enum weft_report_label)(L_GOOD + k)));
            return;
        }
    fputs("\xe2\x80\x93", f);
}

static void put_interval(const struct row *x, FILE *f)
{
    if (!isfinite(x->v[LOW])) {
        fputs("\xe2\x80\x93", f);
        return;
    }
    weft_html_number(f, x->v[LOW], 2);
    fputs("\xe2\x80\x93", f);
    weft_html_number(f, x->v[HIGH], 2);
}

/* --- head --- */

static void put_head(const struct weft_report *r, FILE *f)
{
    const char *title = r->o->title ? r->o->title : t(r, L_TITLE);
    char day[32];
    fprintf(f, "<!DOCTYPE html>\n<html lang='%s'>\n<head>\n<meta charset='utf-8' />\n",
            r->o->lang == WEFT_REPORT_KO ? "ko" : "en");
    /* Nothing but this page's own style may take effect, whatever a name holds. */
    fputs("<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\" />\n"
          "<meta name='viewport' content='width=device-width, initial-scale=1' />\n<title>",
          f);
    weft_html_str(f, title);
    fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<header>\n<h1>", weft_report_style);
    weft_html_str(f, title);
    fputs("</h1>\n<p class='sub'>", f);
    weft_html_str(f, weft_report_level(r));
    fputs(" \xc2\xb7 ", f);
    weft_html_str(f, r->channel ? r->channel : "");
    if (r->a.origin != INT64_MIN) {
        fprintf(f, " \xc2\xb7 %s %s\xe2\x80\x93", t(r, L_FORECAST_OF), weft_report_date(r, 0, day));
        fputs(weft_report_date(r, r->a.horizon - 1, day), f);
    }
    fprintf(f, " \xc2\xb7 %s ", t(r, L_MODEL));
    weft_html_str(f, r->a.model);
    fputs("</p>\n</header>\n", f);
}

/* The row with the largest value of a field among those whose data can be trusted, and, of growth, that are sure to
 * grow where the ranking says what is; NULL: there is none. */
static const struct row *best_of(const struct weft_report *r, enum field k)
{
    const struct row *best = NULL;
    for (size_t i = 0; i < r->n; i++) {
        const struct row *x = &r->row[i];
        bool trusted =
            !x->mark && !(x->quality && strcmp(x->quality, "poor") == 0) && (k != GROWTH || !r->tested || x->sure > 0);
        if (isfinite(x->v[k]) && trusted && (!best || x->v[k] > best->v[k]))
            best = x;
    }
    return best;
}

static void put_fact(const struct weft_report *r, enum weft_report_label label, enum field k, FILE *f)
{
    const struct row *x = best_of(r, k);
    if (!x)
        return;
    fputs("<div><dt>", f);
    fprintf(f, t(r, label), (long long)r->a.among);
    fputs("</dt><dd><b>", f);
    put_name(x, f);
    fputs("</b><span>", f);
    if (k == P_TOP)
        weft_html_percent(f, x->v[k], 0);
    else
        weft_html_number(f, x->v[k], k == GROWTH || k == BEYOND ? 2 : -1);
    if (k == GROWTH && isfinite(x->v[LOW])) {
        fputs(" <small>(", f);
        put_interval(x, f);
        fputs(")</small>", f);
    }
    fputs("</span></dd></div>\n", f);
}

/* How much of the growth can be relied on, in a sentence. */
static void put_sure(const struct weft_report *r, FILE *f)
{
    size_t up = 0, down = 0;
    for (size_t i = 0; i < r->n; i++) {
        up += r->row[i].sure > 0;
        down += r->row[i].sure < 0;
    }
    if (!r->tested && !r->a.no_growth)
        return;
    fputs("<p class='note sure'>", f);
    if (r->a.no_growth)
        fprintf(f, t(r, L_NO_GROWTH), (long long)r->a.horizon);
    else if (!r->sure)
        fprintf(f, t(r, L_SURE_NOTHING), 100 * r->a.fdr);
    else
        fprintf(f, t(r, L_SURE), up, down, 100 * r->a.fdr);
    fputs("</p>\n", f);
}

static void put_facts(const struct weft_report *r, FILE *f)
{
    fprintf(f, "<dl class='facts' aria-label='%s'>\n", t(r, L_FACTS));
    put_fact(r, L_FACT_GROWTH, GROWTH, f);
    put_fact(r, L_FACT_BEYOND, BEYOND, f);
    put_fact(r, L_FACT_CHANCE, P_TOP, f);
    put_fact(r, L_FACT_EACH, EACH, f);
    put_fact(r, L_FACT_VOLUME, FAR, f);
    fputs("</dl>\n", f);
    put_sure(r, f);
}

/* --- growth --- */

/* The mark of a row that is sure to grow or to fall. */
static void put_arrow(const struct weft_report *r, const struct row *x, FILE *f)
{
    if (x->sure)
        fprintf(f, " <span class='%s' title='%s'>%s</span>", x->sure > 0 ? "up" : "down",
                t(r, x->sure > 0 ? L_UP : L_DOWN), x->sure > 0 ? "\xe2\x96\xb2" : "\xe2\x96\xbc");
}

static void put_bar_row(const struct weft_report *r, const struct row *x, const struct weft_axis *axis, FILE *f)
{
    char *label = isfinite(x->v[GROWTH]) ? weft_xasprintf("%s: %.2f", t(r, L_GROWTH), x->v[GROWTH])
                                         : weft_xasprintf("%s: \xe2\x80\x93", t(r, L_GROWTH));
    if (isfinite(x->v[LOW])) {
        char *longer = weft_xasprintf("%s (%.2f\xe2\x80\x93%.2f)", label, x->v[LOW], x->v[HIGH]);
        free(label);
        label = longer;
    }
    fprintf(f, "<li><span class='place'>%llu</span><div class='who'><b>", (unsigned long long)x->rank);
    put_name(x, f);
    fputs("</b><small>", f);
    put_reason(r, x, f);
    fputs("</small></div><div class='chart'>", f);
    weft_chart_growth(f, axis, x->v[LOW], x->v[GROWTH], x->v[HIGH], x->v[BEYOND], label);
    fputs("</div><b class='value'>", f);
    weft_html_number(f, x->v[GROWTH], 2);
    put_arrow(r, x, f);
    fputs("</b></li>\n", f);
    free(label);
}

static void put_bars(const struct weft_report *r, FILE *f)
{
    size_t n = r->n < r->o->bars ? r->n : r->o->bars;
    struct weft_axis axis = weft_report_axis(r, n);
    bool beyond = best_of(r, BEYOND) != NULL;
    fprintf(f, "<section aria-labelledby='h-growth'>\n<h2 id='h-growth'>%s</h2>\n<p class='note'>", t(r, L_GROWTH));
    fprintf(f, t(r, L_GROWTH_NOTE), (long long)r->a.far[0], (long long)r->a.far[1], (long long)r->a.near[0],
            (long long)r->a.near[1]);
    if (r->a.profile)
        fprintf(
            f, " %s",
            t(r, r->a.step == WEFT_STEP_DAY || r->a.step == WEFT_STEP_BUSINESS_DAY ? L_PROFILE_NOTE : L_PROFILE_OTHER));
    fputs("</p>\n<p class='legend'><span><i class='k-dot'></i>", f);
    fprintf(f, "%s</span><span><i class='k-band'></i>", t(r, L_GROWTH));
    fprintf(f, t(r, L_INTERVAL), round(r->a.level * 1e4) / 100);
    fputs("</span>", f);
    if (beyond)
        fprintf(f, "<span><i class='k-beyond'></i>%s</span>", t(r, L_BEYOND));
    fputs("</p>\n<div class='bars'><div class='head'><div class='chart'>", f);
    weft_chart_axis(f, &axis);
    fputs("</div></div>\n<ol>\n", f);
    for (size_t i = 0; i < n; i++)
        put_bar_row(r, &r->row[i], &axis, f);
    fputs("</ol></div>\n</section>\n", f);
}

/* --- charts --- */

static void put_chart(const struct weft_report *r, const struct row *x, FILE *f)
{
    struct weft_chart_lines lines = weft_report_lines(r, x);
    double most = 0;
    char from[32], to[32], *svg = NULL;
    size_t svg_n = 0;
    FILE *m = open_memstream(&svg, &svg_n); /* the axis beside the picture stands before it */
    if (!m)
        return;
    weft_chart_forecast(m, &lines, x->group, &most);
    fclose(m);
    fputs("<figure>\n<figcaption><b>", f);
    put_name(x, f);
    fputs("</b><span>", f);
    if (isfinite(x->v[GROWTH])) {
        fputs("\xc3\x97", f);
        weft_html_number(f, x->v[GROWTH], 2);
    }
    fputs("</span></figcaption>\n<div class='frame'><div class='y' aria-hidden='true'><span>", f);
    weft_html_number(f, most, most < 2 ? 2 : most < 20 ? 1 : 0);
    fputs("</span><span>", f);
    weft_html_number(f, most / 2, most < 2 ? 2 : most < 20 ? 1 : 0);
    fputs("</span><span>0</span></div>", f);
    fwrite(svg, 1, svg_n, f);
    fprintf(f, "<div class='x' aria-hidden='true'><span>%s</span><span>%s</span></div></div>\n</figure>\n",
            weft_report_date(r, -(int64_t)lines.n_past, from), weft_report_date(r, (int64_t)lines.horizon - 1, to));
    free(svg);
    free((void *)lines.year);
}

static void put_charts(const struct weft_report *r, FILE *f)
{
    size_t n = 0;
    char history[200];
    for (size_t i = 0; i < r->names.n && i < r->n; i++)
        n += r->row[i].chart.series > 0;
    if (!n)
        return;
    fprintf(f,
            "<section aria-labelledby='h-charts'>\n<h2 id='h-charts'>%s</h2>\n<p class='legend'><span><i "
            "class='k-mean'></i>%s</span><span><i class='k-ahead'></i>%s</span>"
            "<span><i class='k-band'></i>",
            t(r, L_CHARTS), weft_report_history_line(r, history), t(r, L_FORECAST));
    fprintf(f, t(r, L_INTERVAL), round(r->a.level * 1e4) / 100);
    fprintf(
        f,
        "</span><span><i class='k-year'></i>%s</span><span><i class='k-days'></i>%s</span></p>\n<div class='charts'>\n",
        t(r, L_YEAR_LINE), t(r, L_DAYS));
    for (size_t i = 0; i < r->names.n && i < r->n; i++)
        if (r->row[i].chart.series)
            put_chart(r, &r->row[i], f);
    fputs("</div>\n</section>\n", f);
}

/* --- tables --- */

enum show { NUMBER, FIXED2, PERCENT, WHOLE, INTERVAL, QUALITY, REASON, BRAND, SURE, MODEL };
struct column {
    enum field field;
    enum weft_report_label label,
        over; /* over: of two columns that belong together, now and forecast; L_NONE: stands alone */
    enum show show;
};

static bool is_words(const struct column *k)
{
    return k->show == QUALITY || k->show == REASON || k->show == BRAND || k->show == SURE || k->show == MODEL;
}

/* Does the column say anything? That one model made all rows stands in the head of the page. */
static bool filled(const struct weft_report *r, const struct column *k)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct row *x = &r->row[i];
        bool any = isfinite(x->v[k->field]);
        if (k->show == BRAND)
            any = x->top_brand != NULL;
        else if (k->show == QUALITY)
            any = x->quality != NULL;
        else if (k->show == SURE)
            any = x->sure != 0;
        else if (k->show == MODEL)
            any = x->model && strcmp(x->model, r->a.model) != 0;
        for (size_t p = 0; k->show == REASON && p < WEFT_REASONS_MAX; p++)
            any |= isfinite(x->v[PART + p]);
        if (any)
            return true;
    }
    return false;
}

/* As many digits for all numbers of a column, so that their points stand under each other. */
static int column_digits(const struct weft_report *r, const struct column *k)
{
    double most = 0;
    for (size_t i = 0; i < r->n; i++)
        most = fmax(most, isfinite(r->row[i].v[k->field]) ? fabs(r->row[i].v[k->field]) : 0);
    return k->show == FIXED2 ? 2 : k->show != NUMBER ? 0 : most < 10 ? 2 : most < 1000 ? 1 : 0;
}

static void put_cell(const struct weft_report *r, const struct row *x, const struct column *k, int digits, FILE *f)
{
    fputs(k->show == REASON ? "<td class='w why'>" : is_words(k) ? "<td class='w'>" : "<td>", f);
    switch (k->show) {
    case NUMBER:
    case FIXED2:
    case WHOLE:
        weft_html_number(f, x->v[k->field], digits);
        break;
    case PERCENT:
        weft_html_percent(f, x->v[k->field], 0);
        break;
    case INTERVAL:
        put_interval(x, f);
        break;
    case QUALITY:
        put_quality(r, x, f);
        break;
    case SURE:
        put_arrow(r, x, f);
        break;
    case MODEL:
        weft_html_str(f, x->model ? x->model : "\xe2\x80\x93");
        break;
    case BRAND:
        weft_html_str(f, x->top_brand ? x->top_brand : "\xe2\x80\x93");
        break;
    case REASON:
        if (!put_reason(r, x, f))
            fputs("\xe2\x80\x93", f);
        break;
    }
    fputs("</td>", f);
}

static void put_title(const struct weft_report *r, const struct column *k, FILE *f)
{
    if (k->show == INTERVAL)
        fprintf(f, t(r, L_INTERVAL), round(r->a.level * 1e4) / 100);
    else if (k->field == P_TOP && k->show == PERCENT)
        fprintf(f, t(r, L_CHANCE), (long long)(r->a.among ? r->a.among : 3));
    else
        fputs(t(r, k->label), f);
}

/* Two rows of titles: pairs of columns share one above. columns[n]: those shown. */
static void put_titles(const struct weft_report *r, const struct column *const *columns, size_t n, FILE *f)
{
    fprintf(f, "<thead>\n<tr><th scope='col' rowspan='2' class='n'>#</th><th scope='col' rowspan='2' class='w name'>");
    weft_html_str(f, weft_report_level(r));
    fputs("</th>", f);
    for (size_t c = 0; c < n; c++) {
        const struct column *k = columns[c];
        if (k->over == L_NONE) {
            fprintf(f, "<th scope='col' rowspan='2'%s>", is_words(k) ? " class='w'" : "");
            put_title(r, k, f);
            fputs("</th>", f);
        } else if (!c || columns[c - 1]->over != k->over) {
            size_t span = 1;
            while (c + span < n && columns[c + span]->over == k->over)
                span++;
            fprintf(f, "<th scope='colgroup' colspan='%zu' class='over'>%s</th>", span, t(r, k->over));
        }
    }
    fputs("</tr>\n<tr>", f);
    for (size_t c = 0; c < n; c++)
        if (columns[c]->over != L_NONE) {
            fputs(is_words(columns[c]) ? "<th scope='col' class='w'>" : "<th scope='col'>", f);
            put_title(r, columns[c], f);
            fputs("</th>", f);
        }
    fputs("</tr>\n</thead>\n", f);
}

static void put_table(const struct weft_report *r, const char *id, enum weft_report_label title,
                      enum weft_report_label caption, const struct column *columns, size_t n, FILE *f)
{
    const struct column **shown = WEFT_ARRAY(const struct column *, n + 1);
    int *digits = WEFT_ARRAY(int, n + 1);
    size_t m = 0;
    for (size_t c = 0; c < n; c++)
        if (filled(r, &columns[c])) {
            digits[m] = column_digits(r, &columns[c]);
            shown[m++] = &columns[c];
        }
    if (m) {
        fprintf(f,
                "<section aria-labelledby='%s'>\n<h2 id='%s'>%s</h2>\n<div class='scroll' tabindex='0' role='region' "
                "aria-labelledby='%s'>\n<table>\n<caption>%s</caption>\n",
                id, id, t(r, title), id, t(r, caption));
        put_titles(r, shown, m, f);
        fputs("<tbody>\n", f);
        for (size_t i = 0; i < r->n; i++) {
            fprintf(f, "<tr><td class='n'>%llu</td><th scope='row' class='w name'>",
                    (unsigned long long)r->row[i].rank);
            put_name(&r->row[i], f);
            fputs("</th>", f);
            for (size_t c = 0; c < m; c++)
                put_cell(r, &r->row[i], shown[c], digits[c], f);
            fputs("</tr>\n", f);
        }
        fputs("</tbody>\n</table>\n</div>\n</section>\n", f);
    }
    free(digits);
    free(shown);
}

static void put_tables(const struct weft_report *r, FILE *f)
{
    static const struct column growth[] = {
        {GROWTH, L_GROWTH, L_NONE, FIXED2},       {LOW, L_INTERVAL, L_NONE, INTERVAL},
        {P_GROWTH, L_P_GROWTH, L_NONE, PERCENT},  {GROWTH, L_SURE_TITLE, L_NONE, SURE},
        {YEAR, L_YEAR_GROWTH, L_NONE, FIXED2},    {BEYOND, L_BEYOND, L_NONE, FIXED2},
        {P_TOP, L_CHANCE, L_NONE, PERCENT},       {NOW, L_NOW, L_VOLUME, NUMBER},
        {NEAR, L_NEAR, L_VOLUME, NUMBER},         {FAR, L_FAR, L_VOLUME, NUMBER},
        {GROWTH, L_QUALITY, L_NONE, QUALITY},     {GROWTH, L_MODEL, L_NONE, MODEL},
        {LEFT_OUT, L_LEFT_SERIES, L_NONE, WHOLE}, {PART, L_WHY, L_NONE, REASON}};
    static const struct column market[] = {{ACTIVE_NOW, L_NOW, L_ACTIVE, WHOLE},
                                           {ACTIVE, L_FORECAST, L_ACTIVE, WHOLE},
                                           {BRANDS_NOW, L_NOW, L_BRANDS, WHOLE},
                                           {BRANDS, L_FORECAST, L_BRANDS, WHOLE},
                                           {EACH_NOW, L_NOW, L_EACH, NUMBER},
                                           {EACH, L_FORECAST, L_EACH, NUMBER},
                                           {HHI, L_HHI, L_NONE, FIXED2},
                                           {TOP_SHARE, L_BRAND_NAME, L_TOP_BRAND, BRAND},
                                           {TOP_SHARE, L_SHARE, L_TOP_BRAND, PERCENT},
                                           {PRICE_NOW, L_NOW, L_PRICE, NUMBER},
                                           {PRICE, L_FORECAST, L_PRICE, NUMBER},
                                           {MENTIONS, L_MENTIONS, L_NONE, FIXED2},
                                           {HISTORY, L_HISTORY, L_NONE, WHOLE},
                                           {ZEROS, L_ZEROS, L_NONE, PERCENT},
                                           {GAPS, L_GAPS, L_NONE, PERCENT}};
    put_table(r, "h-table", L_TABLE, L_TABLE_CAPTION, growth, sizeof growth / sizeof *growth, f);
    put_table(r, "h-market", L_MARKET, L_MARKET_CAPTION, market, sizeof market / sizeof *market, f);
}

/* --- what is not in the ranking --- */

static void put_left_out(const struct weft_report *r, FILE *f)
{
    if (!r->n_left && !r->series_left)
        return;
    fprintf(f, "<section aria-labelledby='h-left'>\n<h2 id='h-left'>%s</h2>\n<p class='note'>", t(r, L_LEFT_OUT));
    if (r->n_left)
        fprintf(f, t(r, L_LEFT_GROUPS), r->n_left);
    if (r->series_left)
        fprintf(f, t(r, L_LEFT_NOTE), (unsigned long long)r->series_left);
    fputs("</p>\n", f);
    if (r->n_left)
        fputs("<div class='scroll'><table class='small'>\n<tbody>\n", f);
    for (size_t i = 0; i < r->n_left; i++) {
        fputs("<tr><th scope='row' class='w name'>", f);
        weft_html_str(f, r->left[i].group);
        fputs("</th><td class='w why'>", f);
        weft_html_str(f, r->left[i].why ? r->left[i].why : "\xe2\x80\x93");
        fputs("</td></tr>\n", f);
    }
    if (r->n_left)
        fputs("</tbody>\n</table></div>\n", f);
    fputs("</section>\n", f);
}

/* --- accuracy --- */

static bool is_number(const char *s)
{
    char *end;
    return s && (strtod(s, &end), end != s && !*end);
}

static size_t sheet_column(const struct weft_report_accuracy *a, const char *name)
{
    for (size_t c = 0; c < a->columns; c++)
        if (strcmp(a->name[c], name) == 0)
            return c;
    return SIZE_MAX;
}

/* What a reader of a report looks at: not the bookkeeping, not what is empty, no text that is the same in all rows. */
static bool accuracy_shown(const struct weft_report_accuracy *a, size_t c, size_t channel)
{
    static const char *const dull[] = {"channel", "n", "skipped", "mse", "rmse", "windows"};
    const char *first = NULL;
    bool differ = false, number = false;
    for (size_t i = 0; i < sizeof dull / sizeof *dull; i++)
        if (strcmp(a->name[c], dull[i]) == 0)
            return false;
    if (strncmp(a->name[c], "width_", 6) == 0 || strncmp(a->name[c], "below_", 6) == 0 || c == channel)
        return false;
    for (size_t i = 0; i < a->rows; i++) {
        const char *s = a->cell[i * a->columns + c];
        number |= is_number(s);
        differ |= s && first && strcmp(s, first) != 0;
        first = first ? first : s;
    }
    return first && (number || differ || strcmp(a->name[c], "model") == 0);
}

static void put_accuracy_cell(const char *name, const char *s, FILE *f)
{
    static const char *const shares[] = {"wape", "smape", "skill", "psfa", "coverage"};
    bool number = is_number(s), share = false;
    double v = number ? strtod(s, NULL) : NAN;
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        share |= strncmp(name, shares[i], strlen(shares[i])) == 0;
    fputs(number || !s ? "<td>" : "<td class='w'>", f);
    if (!s)
        fputs("\xe2\x80\x93", f);
    else if (!number)
        weft_html_str(f, s);
    else if (share)
        weft_html_percent(f, v, 1);
    else
        weft_html_number(f, v, v == floor(v) && fabs(v) < 1e6 ? 0 : fabs(v) < 100 ? 3 : 1);
    fputs("</td>", f);
}

/* Names as the field writes them: WAPE, sMAPE; coverage_90: coverage 90%. */
static void put_accuracy_name(const struct weft_report *r, const char *name, FILE *f)
{
    static const char *const written[][2] = {{"mae", "MAE"},   {"wape", "WAPE"},   {"smape", "sMAPE"},
                                             {"mase", "MASE"}, {"rmsse", "RMSSE"}, {"psfa", "PSFA"}};
    static const struct {
        const char *name;
        enum weft_report_label label;
    } said[] = {{"model", L_MODEL},
                {"bias", L_BIAS},
                {"skill", L_SKILL},
                {"skill_seasonal", L_SKILL_SEASONAL},
                {"skill_lag_growth", L_SKILL_LAG_GROWTH}};
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        if (strcmp(name, written[i][0]) == 0) {
            fputs(written[i][1], f);
            return;
        }
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (strcmp(name, said[i].name) == 0) {
            fputs(t(r, said[i].label), f);
            return;
        }
    if (strncmp(name, "coverage_", 9) == 0) {
        fputs(t(r, L_COVERAGE), f);
        for (const char *p = name + 9; *p; p++)
            putc(*p == '_' ? '.' : *p, f);
        putc('%', f);
        return;
    }
    weft_html_str(f, name);
}

static void put_accuracy(const struct weft_report *r, const struct weft_report_accuracy *a, FILE *f)
{
    size_t channel = sheet_column(a, "channel"), shown = 0;
    fprintf(f,
            "<section aria-labelledby='h-accuracy'>\n<h2 id='h-accuracy'>%s</h2>\n<div class='scroll' tabindex='0' "
            "role='region' aria-labelledby='h-accuracy'>\n<table class='small'>\n"
            "<caption>%s</caption>\n<thead>\n<tr>",
            t(r, L_ACCURACY), t(r, L_ACCURACY_CAPTION));
    for (size_t c = 0; c < a->columns; c++)
        if (accuracy_shown(a, c, channel)) {
            bool words = a->rows && a->cell[c] && !is_number(a->cell[c]);
            fprintf(f, "<th scope='col'%s>", words ? " class='w'" : "");
            put_accuracy_name(r, a->name[c], f);
            fputs("</th>", f);
            shown++;
        }
    fputs("</tr>\n</thead>\n<tbody>\n", f);
    for (size_t i = 0; i < a->rows && shown; i++) {
        const char *of = channel == SIZE_MAX ? NULL : a->cell[i * a->columns + channel];
        if (of && *of && r->channel && strcmp(of, r->channel) != 0)
            continue;
        fputs("<tr>", f);
        for (size_t c = 0; c < a->columns; c++)
            if (accuracy_shown(a, c, channel))
                put_accuracy_cell(a->name[c], a->cell[i * a->columns + c], f);
        fputs("</tr>\n", f);
    }
    fputs("</tbody>\n</table>\n</div>\n</section>\n", f);
}

/* --- foot --- */

/* "Now" is given in days. */
static long long now_steps(const struct weft_report *r)
{
    int64_t now = r->a.now ? r->a.now : 28, step = r->a.step > 0 ? r->a.step : WEFT_STEP_DAY;
    return (now * WEFT_STEP_DAY + step - 1) / step;
}

static void put_foot(const struct weft_report *r, FILE *f)
{
    fprintf(f, "<footer>\n<h2>%s</h2>\n<dl>\n", t(r, L_READ));
    for (int k = L_READ_FIRST; k < L_READ_LAST; k += 2)
        if ((k != L_READ_CHANCE || r->a.draws) && (k != L_READ_SURE || r->tested)) {
            fprintf(f, "<div><dt>%s</dt><dd>", t(r, (enum weft_report_label)k));
            if (k == L_READ_CHANCE)
                fprintf(f, t(r, L_READ_CHANCE + 1), (long long)r->a.draws);
            else if (k == L_READ_SURE)
                fprintf(f, t(r, L_READ_SURE + 1), 100 * r->a.fdr);
            else if (k == L_READ_NOW)
                fprintf(f, t(r, L_READ_NOW + 1), now_steps(r));
            else
                fputs(t(r, (enum weft_report_label)(k + 1)), f);
            fputs("</dd></div>\n", f);
        }
    fputs("</dl>\n</footer>\n</main>\n</body>\n</html>\n", f);
}

void weft_report_write(const struct weft_report *r, const struct weft_report_accuracy *accuracy, FILE *f)
{
    put_head(r, f);
    put_facts(r, f);
    if (!r->a.no_growth)
        put_bars(r, f);
    put_charts(r, f);
    put_tables(r, f);
    put_left_out(r, f);
    if (accuracy)
        put_accuracy(r, accuracy, f);
    put_foot(r, f);
}
