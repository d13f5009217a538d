/* report.c - a ranking as one HTML page. */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "record/forecasts.h"
#include "rank/group.h"
#include "show/html.h"
#include "base/mem.h"
#include "report/report_chart.h"
#include "report/report_text.h"

/* --- rows --- */

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
static const char *const field_keys[PART] = {
    "growth",    "low",       "high",       "p_growth", "left_out",   "near",   "far",      "now",  "year_growth",
    "beyond",    "p_top",     "active_now", "active",   "brands_now", "brands", "each_now", "each", "hhi",
    "top_share", "price_now", "price",      "mentions", "history",    "zeros",  "gaps"};
/* A group without any forecast. */
struct left {
    char *group, *why;
};

enum { RANK_MAX = 1000000000, PAST_LEAST = 90, PAST_MOST = 364 };

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

int weft_report_new(const struct weft_head *head, const struct weft_report_options *o, struct weft_report **out,
                    struct weft_err *e)
{
    struct weft_report *r = *out = WEFT_NEW(struct weft_report);
    r->o = o;
    if (weft_ranking_attrs_read(head, &r->a, e) < 0)
        return -1;
    for (int k = 0; k < L_LABELS; k++)
        r->text[k] = weft_report_text_in(o->lang, (enum weft_report_label)k, r->a.step);
    r->channel = o->channel ? o->channel : *r->a.channel ? r->a.channel : NULL;
    return 0;
}

void weft_report_free(struct weft_report **rp)
{
    struct weft_report *r = *rp;
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++) {
        struct row *x = &r->row[i];
        free(x->group);
        free(x->quality);
        free(x->top_brand);
        free(x->mark);
        free(x->model);
        free(x->chart.ahead);
        free(x->chart.past);
    }
    for (size_t i = 0; i < r->n_left; i++) {
        free(r->left[i].group);
        free(r->left[i].why);
    }
    for (int k = 0; k < L_LABELS; k++)
        free(r->text[k]);
    free(r->left);
    free(r->row);
    weft_names_free(&r->names);
    free(r);
    *rp = NULL;
}

static char *text_of(struct weft_span frame, const char *key)
{
    struct weft_value v;
    return weft_map_find(frame, key, &v) && v.kind == WEFT_STR ? weft_xstrndup((const char *)v.body.p, v.body.n) : NULL;
}

static double number_of(struct weft_span frame, const char *key)
{
    struct weft_value v;
    bool number = weft_map_find(frame, key, &v) && (v.kind == WEFT_REAL || v.kind == WEFT_UINT || v.kind == WEFT_INT);
    return number && isfinite(v.real) ? v.real : NAN;
}

static char *name_of(struct weft_span frame)
{
    struct weft_value v;
    return weft_ranking_name(frame, &v) ? weft_xstrndup((const char *)v.body.p, v.body.n) : NULL;
}

static void add_left(struct weft_report *r, struct weft_span frame)
{
    if (r->n_left == r->cap_left) {
        r->cap_left = weft_grow(r->cap_left, r->n_left + 1);
        r->left = weft_xrealloc2(r->left, r->cap_left, sizeof *r->left);
    }
    r->left[r->n_left++] = (struct left){name_of(frame), text_of(frame, "why")};
}

static int sure_of(struct weft_span frame)
{
    struct weft_value v;
    if (!weft_map_find(frame, "sure", &v) || v.kind != WEFT_STR)
        return 0;
    return weft_value_is(&v, "up") ? 1 : -1;
}

/* What the page says of all rows, whether they are shown or not. */
static void count(struct weft_report *r, struct weft_span frame)
{
    double left = number_of(frame, "left_out");
    r->tested |= isfinite(number_of(frame, "p_growth"));
    r->sure |= sure_of(frame) != 0;
    r->series_left += left > 0 && left < RANK_MAX ? (uint64_t)left : 0;
}

static void add_row(struct weft_report *r, struct weft_span frame, uint64_t rank)
{
    char key[64];
    if (r->n == r->cap) {
        r->cap = weft_grow(r->cap, r->n + 1);
        r->row = weft_xrealloc2(r->row, r->cap, sizeof *r->row);
    }
    struct row *x = &r->row[r->n++];
    *x = (struct row){.rank = rank,
                      .group = name_of(frame),
                      .quality = text_of(frame, "quality"),
                      .top_brand = text_of(frame, "top_brand"),
                      .mark = text_of(frame, "mark"),
                      .model = text_of(frame, "model"),
                      .sure = sure_of(frame)};
    for (size_t k = 0; k < PART; k++)
        x->v[k] = number_of(frame, field_keys[k]);
    for (size_t k = 0; k < WEFT_REASONS_MAX; k++) {
        snprintf(key, sizeof key, "reason_%s", weft_reason_names[k]);
        x->v[PART + k] = number_of(frame, key);
    }
}

int weft_report_add(struct weft_report *r, struct weft_span frame, struct weft_err *e)
{
    struct weft_value channel, name, rank;
    bool placed = weft_map_find(frame, "rank", &rank);
    if (!weft_map_find(frame, "channel", &channel) || channel.kind != WEFT_STR || !weft_ranking_name(frame, &name) ||
        (placed && (rank.kind != WEFT_UINT || rank.u > RANK_MAX)))
        return weft_fail(e, WEFT_DATA, "a ranking frame without channel or name, or with an unusable rank");
    if (!r->channel) { /* an older ranking: the first channel that comes */
        snprintf(r->a.channel, sizeof r->a.channel, "%.*s", (int)channel.body.n, (const char *)channel.body.p);
        r->channel = r->a.channel;
    }
    if (!weft_value_is(&channel, r->channel))
        return 0;
    if (!placed) {
        add_left(r, frame);
        return 0;
    }
    count(r, frame);
    if (r->o->top && r->n >= r->o->top)
        return 0;
    add_row(r, frame, rank.u);
    if (r->n <= r->o->charts)
        weft_names_add(&r->names, name.body.p, name.body.n);
    return 0;
}

size_t weft_report_rows(const struct weft_report *r)
{
    return r->n;
}

/* --- what the charts show --- */

static bool text_is(struct weft_span s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* Adds one forecast to the chart of its group. Bands of several series do not add up: then there is none. */
static void add_ahead(struct weft_report *r, struct chart *c, const struct weft_forecasts *f,
                      const struct weft_forecasts_attrs *a)
{
    size_t horizon = f->horizon, last = (f->windows - 1) * horizon;
    const float *q = f->quantiles;
    (void)r;
    if (!c->series++) {
        c->ahead = WEFT_ARRAY(double, 3 * horizon);
        c->low = c->ahead + horizon;
        c->high = c->low + horizon;
    }
    for (size_t h = 0; h < horizon; h++) {
        c->ahead[h] += f->forecast[last + h];
        c->low[h] = q && c->series == 1 ? q[last + h] : NAN;
        c->high[h] = q && c->series == 1 ? q[(a->n_levels - 1) * f->windows * horizon + last + h] : NAN;
    }
}

int weft_report_forecasts(struct weft_report *r, const char *endpoint, const struct weft_stream_opts *o,
                          struct weft_err *e)
{
    struct weft_reader *reader = NULL;
    struct weft_forecasts_attrs a = {0};
    struct weft_forecasts f = {0};
    struct weft_span frame;
    int got = weft_reader_open(endpoint, WEFT_FORECASTS_SCHEMA, o, &reader, e);
    if (got == 0)
        got = weft_forecasts_attrs_read(weft_reader_head(reader), &a, e);
    if (got == 0 && a.horizon != r->a.horizon)
        got = weft_fail(e, WEFT_CONFIG, "%s has a horizon of %lld, and the ranking has %lld", endpoint,
                        (long long)a.horizon, (long long)r->a.horizon);
    int key = got == 0 ? weft_forecasts_key(&a, r->a.by) : WEFT_KEY_ID;
    key = key == WEFT_KEY_NONE ? WEFT_KEY_ID : key;
    while (got >= 0 && (got = weft_reader_next(reader, &frame, e)) > 0) {
        if (weft_forecasts_read(frame, &a, &f, e) < 0) {
            got = -1;
            break;
        }
        struct weft_span group = weft_forecasts_key_text(&f, key);
        size_t i = group.p ? weft_names_find(&r->names, group.p, group.n) : SIZE_MAX;
        bool levels = !f.quantiles || a.n_levels;
        const char *model = i != SIZE_MAX && r->row[i].model ? r->row[i].model : r->a.model;
        if (i != SIZE_MAX && levels && f.windows && !f.why.n && text_is(f.part, "latest") && text_is(f.model, model) &&
            r->channel && text_is(f.channel, r->channel))
            add_ahead(r, &r->row[i].chart, &f, &a);
    }
    weft_reader_close(&reader);
    weft_forecasts_free(&f);
    weft_forecasts_attrs_free(&a);
    return got;
}

/* The values before the origin of the groups that have a chart. */
static void take_past(struct weft_report *r, const struct weft_groups *groups, const struct weft_series_attrs *a,
                      size_t channel, size_t origin)
{
    float *values = weft_xaligned(a->n_channels * (size_t)a->length, sizeof *values);
    for (size_t i = 0; i < r->names.n; i++) {
        struct weft_span id, keys[WEFT_MAX_KEYS];
        uint64_t members;
        size_t group =
            weft_groups_find(groups, (struct weft_span){(const uint8_t *)r->names.at[i].p, r->names.at[i].n});
        if (group == SIZE_MAX)
            continue;
        weft_groups_get(groups, group, &id, keys, values, &members);
        struct chart *c = &r->row[i].chart;
        c->n_past = origin;
        c->past = WEFT_ARRAY(double, origin + 1);
        for (size_t t = 0; t < origin; t++)
            c->past[t] = values[channel * (size_t)a->length + t];
    }
    free(values);
}

static int read_past(struct weft_report *r, struct weft_reader *reader, const struct weft_series_attrs *a,
                     struct weft_err *e)
{
    struct weft_series s = {0};
    struct weft_span frame;
    bool kept[WEFT_MAX_KEYS];
    int level = weft_series_key(a, r->a.by), got;
    int64_t ahead = weft_step_count(a->start, r->a.origin, a->step);
    size_t channel = 0;
    while (channel < a->n_channels && r->channel && strcmp(a->channels[channel], r->channel) != 0)
        channel++;
    if (channel == a->n_channels)
        return weft_fail(e, WEFT_CONFIG, "%s has no channel \"%s\"", weft_reader_name(reader), r->channel);
    if (r->a.origin <= a->start || a->step != r->a.step || ahead < 0 || ahead > a->length)
        return weft_fail(e, WEFT_CONFIG, "%s does not reach the first day that is forecast, in the same steps",
                         weft_reader_name(reader));
    level = level == WEFT_KEY_NONE ? WEFT_KEY_ID : level;
    struct weft_groups *groups = weft_groups_new(a, &level, 1);
    while ((got = weft_reader_next(reader, &frame, e)) > 0)
        if (weft_series_read(frame, a, &s, e) < 0 || weft_groups_add(groups, &s, e) < 0) {
            got = -1;
            break;
        }
    if (got == 0) {
        weft_groups_finish(groups, kept);
        take_past(r, groups, a, channel, (size_t)ahead);
    }
    weft_groups_free(&groups);
    weft_series_free(&s);
    return got;
}

int weft_report_history(struct weft_report *r, const char *endpoint, const struct weft_stream_opts *o,
                        struct weft_err *e)
{
    struct weft_reader *reader = NULL;
    struct weft_series_attrs a = {0};
    int got = weft_reader_open(endpoint, WEFT_SERIES_SCHEMA, o, &reader, e);
    if (got == 0 && r->a.origin == INT64_MIN)
        got =
            weft_fail(e, WEFT_CONFIG,
                      "the ranking does not say on which day its forecasts begin: a rank of today makes one that does");
    if (got == 0)
        got = weft_series_attrs_read(weft_reader_head(reader), &a, e);
    if (got == 0)
        got = read_past(r, reader, &a, e);
    weft_series_attrs_free(&a);
    weft_reader_close(&reader);
    return got;
}

/* --- pieces of the page --- */

static const char *t(const struct weft_report *r, enum weft_report_label k)
{
    return r->text[k];
}

static void put_name(const struct row *x, FILE *f)
{
    weft_html_str(f, x->group);
}

/* "minor" is a minor category, or what the language calls it; other keys stand as they are. */
static const char *level_name(const struct weft_report *r)
{
    static const struct {
        const char *key;
        enum weft_report_label label;
    } known[] = {{"major", L_MAJOR}, {"middle", L_MIDDLE}, {"minor", L_MINOR}, {"brand", L_BRAND}, {"id", L_ITEM}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].key, r->a.by) == 0)
            return t(r, known[i].label);
    return r->a.by;
}

static const char *date_after(const struct weft_report *r, size_t steps, char buf[32])
{
    return weft_date_text(weft_step_add(r->a.origin, (int64_t)steps, r->a.step), r->a.step, buf);
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
    weft_html_str(f, level_name(r));
    fputs(" \xc2\xb7 ", f);
    weft_html_str(f, r->channel ? r->channel : "");
    if (r->a.origin != INT64_MIN) {
        fprintf(f, " \xc2\xb7 %s %s\xe2\x80\x93", t(r, L_FORECAST_OF), date_after(r, 0, day));
        fputs(date_after(r, (size_t)r->a.horizon - 1, day), f);
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

static struct weft_axis growth_axis(const struct weft_report *r, size_t n)
{
    double from = 0.9, to = 1.1, most = 0;
    for (size_t i = 0; i < n; i++) {
        const double *v = r->row[i].v;
        most = fmax(most, fmax(v[GROWTH], isfinite(v[BEYOND]) ? v[BEYOND] : 0));
        from = fmin(from, fmin(isfinite(v[LOW]) ? v[LOW] : 1, isfinite(v[BEYOND]) ? v[BEYOND] : 1));
        to = fmax(to, fmax(isfinite(v[HIGH]) ? v[HIGH] : 1, most));
    }
    return weft_axis_over(fmax(from, 0), fmin(to, fmax(2 * most, 1.2)),
                          5); /* one very wide interval does not make all others small */
}

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
    struct weft_axis axis = growth_axis(r, n);
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

/* How many steps the thick line is the mean of: a season of days or hours; 1 where there is no such season. */
static size_t smoothed(const struct weft_report *r)
{
    return weft_step_season(r->a.step);
}

/* The same days a year before, as the mean of the `smooth` steps that end there; NULL when the history does not reach
 * so far. The caller frees it. */
static double *year_before(const struct weft_report *r, const struct chart *c, size_t smooth)
{
    size_t year = weft_step_year(r->a.step), horizon = (size_t)r->a.horizon;
    if (!year || c->n_past < year + smooth || horizon > year)
        return NULL;
    double *out = WEFT_ARRAY(double, horizon);
    for (size_t h = 0; h < horizon; h++) {
        size_t at = c->n_past - year + h;
        for (size_t k = 0; k < smooth; k++)
            out[h] += c->past[at - k] / (double)smooth;
    }
    return out;
}

/* Four horizons of the past: enough to see where the sales come from, and the forecast keeps a fifth of the picture. */
static size_t past_shown(const struct chart *c, size_t horizon)
{
    size_t wanted = 4 * horizon < PAST_LEAST ? PAST_LEAST : 4 * horizon < PAST_MOST ? 4 * horizon : PAST_MOST;
    return !c->past ? 0 : c->n_past < wanted ? c->n_past : wanted;
}

static void put_chart(const struct weft_report *r, const struct row *x, FILE *f)
{
    const struct chart *c = &x->chart;
    size_t horizon = (size_t)r->a.horizon, shown = past_shown(c, horizon), smooth = smoothed(r);
    struct weft_chart_lines lines = {.past = c->past ? c->past + c->n_past - shown : NULL,
                                     .n_past = shown,
                                     .ahead = c->ahead,
                                     .low = c->low,
                                     .high = c->high,
                                     .horizon = horizon,
                                     .smooth = smooth,
                                     .near = {(size_t)r->a.near[0], (size_t)r->a.near[1]},
                                     .far = {(size_t)r->a.far[0], (size_t)r->a.far[1]}};
    double *year = c->past ? year_before(r, c, smooth) : NULL, most = 0;
    char from[32], origin[32], to[32], *svg = NULL;
    size_t svg_n = 0;
    lines.year = year;
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
    weft_date_text(weft_step_add(r->a.origin, -(int64_t)shown, r->a.step), r->a.step, from);
    date_after(r, 0, origin);
    date_after(r, horizon - 1, to);
    fprintf(f, "<div class='x' aria-hidden='true'><span>%s</span><span>%s</span></div></div>\n</figure>\n",
            shown ? from : origin, to);
    free(svg);
    free(year);
}

static void put_charts(const struct weft_report *r, FILE *f)
{
    size_t n = 0;
    char history[200];
    for (size_t i = 0; i < r->names.n && i < r->n; i++)
        n += r->row[i].chart.series > 0;
    if (!n)
        return;
    snprintf(history, sizeof history, t(r, smoothed(r) > 1 ? L_HISTORY_LINE : L_HISTORY_PLAIN), smoothed(r));
    fprintf(f,
            "<section aria-labelledby='h-charts'>\n<h2 id='h-charts'>%s</h2>\n<p class='legend'><span><i "
            "class='k-mean'></i>%s</span><span><i class='k-ahead'></i>%s</span>"
            "<span><i class='k-band'></i>",
            t(r, L_CHARTS), history, t(r, L_FORECAST));
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
    weft_html_str(f, level_name(r));
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
