/* ingest.c - which layout, and what every layout needs. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "text/counts.h"
#include "ingest/decide.h"
#include "ingest/ingest.h"
#include "inspection.h"
#include "base/mem.h"

enum { GRID_MAX = 1 << 20 };

bool weft_ingest_number_in(enum weft_decimal decimal, struct weft_csv_text t, double *out)
{
    enum weft_count got = weft_count_parse_in(decimal, t.p, t.n, out);
    return got == WEFT_COUNT_MISSING || (got == WEFT_COUNT_OK && fabs(*out) <= FLT_MAX);
}

bool weft_ingest_number(struct weft_csv_text t, double *out)
{
    return weft_ingest_number_in(WEFT_DECIMAL_POINT, t, out);
}

bool weft_ingest_cell(enum weft_decimal decimal, struct weft_csv_text t, float *out)
{
    double v;
    bool good = weft_ingest_number_in(decimal, t, &v);
    *out = good ? (float)v : NAN;
    return good;
}

int weft_ingest_reduce(const struct weft_ingest *o, const char *channel, int usual, size_t c, int *out,
                       struct weft_err *e)
{
    static const char *const names[] = {"", "sum", "mean", "last"};
    *out = usual;
    if (!o->reduce.n)
        return 0;
    const char *text = o->reduce.items[o->reduce.n > 1 ? c : 0];
    for (int k = WEFT_DUPLICATES_SUM; k <= WEFT_DUPLICATES_LAST; k++)
        if (strcmp(text, names[k]) == 0) {
            *out = k;
            return 0;
        }
    weft_fail(e, WEFT_USAGE, "--reduce: \"%s\" for %s", text, channel);
    return weft_fail_hint(e, "sum, mean or last");
}

int weft_ingest_roles(const struct weft_ingest *o, char *const *channels, size_t n, enum weft_role *role, size_t *place,
                      struct weft_err *e)
{
    const struct weft_list *lists[WEFT_ROLES] = {NULL, &o->past, &o->future, &o->constant};
    size_t at = 0;
    for (size_t c = 0; c < n; c++)
        role[c] = WEFT_ROLE_TARGET;
    for (int r = WEFT_ROLE_PAST; r < WEFT_ROLES; r++)
        for (size_t i = 0; i < lists[r]->n; i++) {
            size_t c = 0;
            while (c < n && strcmp(channels[c], lists[r]->items[i]) != 0)
                c++;
            if (c == n) {
                weft_fail(e, WEFT_USAGE, "--%s: there is no channel \"%s\"", weft_role_name((enum weft_role)r),
                          lists[r]->items[i]);
                return weft_fail_hint(e, "name it as --value does: --value sales,price --future price");
            }
            if (role[c] != WEFT_ROLE_TARGET && role[c] != (enum weft_role)r)
                return weft_fail(e, WEFT_USAGE, "channel %s is %s and %s at once", channels[c], weft_role_name(role[c]),
                                 weft_role_name((enum weft_role)r));
            role[c] = (enum weft_role)r;
        }
    for (int exogenous = 0; exogenous < 2; exogenous++)
        for (size_t c = 0; c < n; c++)
            if ((role[c] != WEFT_ROLE_TARGET) == exogenous)
                place[at++] = c;
    return role[place[0]] == WEFT_ROLE_TARGET
               ? 0
               : weft_fail(e, WEFT_USAGE, "no channel is left to forecast: all are past, future or static");
}

/* "step week, Fridays". */
static void say_grid(struct weft_span attrs, char out[WEFT_GRID_TEXT])
{
    static const char *const days[] = {"Mondays", "Tuesdays",  "Wednesdays", "Thursdays",
                                       "Fridays", "Saturdays", "Sundays"};
    struct weft_series_attrs a = {0};
    char step[32];
    if (weft_series_attrs_read(&(struct weft_head){.schema = WEFT_SERIES_SCHEMA, .attrs = attrs}, &a, NULL) < 0)
        return;
    snprintf(out, WEFT_GRID_TEXT, "; step %s%s%s", weft_step_text(a.step, step), a.step == WEFT_STEP_WEEK ? ", " : "",
             a.step == WEFT_STEP_WEEK ? days[weft_weekday(a.start)] : "");
    weft_series_attrs_free(&a);
}

int weft_ingest_head(struct weft_run *run, const struct weft_ingest *o, const char *schema, struct weft_span attrs,
                     struct weft_err *e)
{
    struct weft_edit edit = {0};
    struct weft_pack b = {0};
    int rc = weft_edit_load(&edit, attrs, e);
    if (rc == 0 && o->columns)
        weft_edit_str(&edit, "columns", o->columns);
    if (rc == 0 && o->grid && strcmp(schema, WEFT_SERIES_SCHEMA) == 0)
        say_grid(attrs, o->grid);
    if (rc == 0) {
        weft_edit_write(&edit, &b);
        rc = weft_run_head(run, schema, weft_pack_span(&b), e);
    }
    weft_edit_free(&edit);
    weft_pack_free(&b);
    return rc;
}

/* --- the grid --- */

static int off_grid(int64_t a, int64_t b, int64_t step, struct weft_err *e)
{
    char s[32], from[32], to[32];
    return weft_fail(e, WEFT_DATA, "from %s to %s is no multiple of the step (%s) that the other dates have",
                     weft_date_text(a, 1, from), weft_date_text(b, 1, to), weft_step_text(step, s));
}

/* Months may have their date on any of their days: the grid has their first. */
static bool on_grid(int64_t a, int64_t b, int64_t step)
{
    return step == WEFT_STEP_MONTH || step == WEFT_STEP_QUARTER ? weft_step_count(a, b, step) > 0
                                                                : weft_step_fits(a, b, step);
}

int64_t weft_grid_far(const int64_t *dates, size_t n, int64_t *other)
{
    enum { FEWEST = 8 };
    const int64_t far = 2 * 366 * WEFT_STEP_DAY;
    size_t few = n / 50 ? n / 50 : 1;
    for (size_t i = 0; i < few && n > FEWEST; i++) {
        if (dates[n - 1 - i] - dates[n - 2 - i] > far) {
            *other = dates[n - 2 - i];
            return dates[n - 1];
        }
        if (dates[i + 1] - dates[i] > far) {
            *other = dates[i + 1];
            return dates[0];
        }
    }
    return 0;
}

int weft_grid_refuse_far(int64_t far, int64_t other, const char *where, struct weft_err *e)
{
    char text[32], near[32];
    weft_fail(e, WEFT_DATA, "%s lies years %s nearly all other dates, which %s on %s",
              weft_date_text(far, WEFT_STEP_DAY, text), far > other ? "after" : "before", far > other ? "end" : "begin",
              weft_date_text(other, WEFT_STEP_DAY, near));
    if (where)
        weft_fail_where(e, "%s", where);
    return weft_fail_hint(e, "is it wrong? mend it, or %s %s leaves it out; --%s %s says that it is right",
                          far > other ? "--to" : "--from", near, far > other ? "to" : "from", text);
}

int weft_grid_of(const struct weft_ingest *o, int64_t step, const int64_t *dates, size_t n, struct weft_grid *g,
                 struct weft_err *e)
{
    char from[32], to[32];
    step = o->step_seconds ? o->step_seconds : step;
    int64_t other = 0, far_off = weft_grid_far(dates, n, &other);
    if (far_off && !(far_off > other ? o->to : o->from))
        return weft_grid_refuse_far(far_off, other, NULL, e);
    step = step ? step : weft_step_find(dates, n, false);
    for (size_t i = 1; i < n; i++)
        if (!on_grid(dates[i - 1], dates[i], step))
            return off_grid(dates[i - 1], dates[i], step, e);
    int64_t first = weft_step_begin(dates[0], step), last = weft_step_begin(dates[n - 1], step);
    if (o->from && o->from_seconds > first) {
        int64_t k = weft_step_count(first, o->from_seconds, step);
        first = weft_step_add(first, k + (weft_step_add(first, k, step) < o->from_seconds), step);
    }
    if (o->to && o->to_seconds < last)
        last = weft_step_add(first, weft_step_count(first, o->to_seconds, step), step);
    if (last < first)
        return weft_fail(e, WEFT_CONFIG, "no date lies between --from and --to: the data has %s to %s",
                         weft_date_text(dates[0], 86400, from), weft_date_text(dates[n - 1], 86400, to));
    *g = (struct weft_grid){first, step, weft_step_count(first, last, step) + 1};
    if (g->n <= GRID_MAX && (step < 86400 || last - first < 36525LL * 86400))
        return 0;
    weft_fail(e, WEFT_DATA, "the dates run from %s to %s", weft_date_text(first, 86400, from),
              weft_date_text(last, 86400, to));
    return weft_fail_hint(e, "is one of them wrong? --from and --to cut the calendar");
}

/* --- options --- */

int weft_ingest_date(const char *option, const char *text, int64_t *out, struct weft_err *e)
{
    if (!text || weft_date_parse(text, strlen(text), out))
        return 0;
    weft_fail(e, WEFT_USAGE, "%s: \"%s\" is no date", option, text);
    return weft_fail_hint(e, "write 2023-01-31");
}

static int read_options(struct weft_run *run, struct weft_ingest *o, struct weft_err *e)
{
    static const struct {
        const char *name;
        char c;
    } delimiters[] = {{"tab", '\t'}, {"\\t", '\t'}, {"comma", ','}, {"semicolon", ';'}};
    o->csv = (struct weft_csv_opts){.encoding = o->encoding,
                                    .field_max = (size_t)o->field_max,
                                    .unpacked_max = o->unpacked_max,
                                    .threads = weft_run_threads(run),
                                    .skip = o->skip};
    for (size_t i = 0; o->delimiter && i < sizeof delimiters / sizeof *delimiters; i++)
        if (strcmp(o->delimiter, delimiters[i].name) == 0)
            o->csv.delimiter = delimiters[i].c;
    if (o->delimiter && strlen(o->delimiter) == 1)
        o->csv.delimiter = *o->delimiter;
    if (o->delimiter && (!o->csv.delimiter || strchr("\"\r\n ", o->csv.delimiter)))
        return weft_fail(e, WEFT_USAGE, "--delimiter: one character, or tab, comma, semicolon");
    if ((o->date_format && weft_dates_format(&o->dates, o->date_format, e) < 0) ||
        (o->timezone && weft_dates_zone(&o->dates, o->timezone, e) < 0))
        return -1;
    if (o->step && !weft_step_parse(o->step, &o->step_seconds))
        return weft_fail(e, WEFT_USAGE, "--step: hour, day, week, month, quarter, business-day, or seconds as in 900s");
    if (weft_ingest_date("--from", o->from, &o->from_seconds, e) < 0 ||
        weft_ingest_date("--to", o->to, &o->to_seconds, e) < 0)
        return -1;
    if (o->from && o->to && o->to_seconds < o->from_seconds)
        return weft_fail(e, WEFT_USAGE, "--to lies before --from");
    return weft_rejects_open(o->rejects, run, &o->rejected, e);
}

/* Do the options fit what was decided? */
static int check_fit(struct weft_run *run, const struct weft_ingest *o, struct weft_err *e)
{
    int files = weft_run_n_operands(run);
    if (o->layout != WEFT_LAYOUT_LONG && o->layout != WEFT_LAYOUT_PRODUCTS && files > 1) {
        weft_fail(e, WEFT_USAGE, "of tables with a column a %s, one file is read at a time",
                  o->layout == WEFT_LAYOUT_WIDE ? "day" : "series");
        return weft_fail_hint(e, "join them to one table; of tables with a row a day or a sale (long), many are read");
    }
    if (o->until.n && o->until.n != (size_t)(files ? files : 1))
        return weft_fail(e, WEFT_USAGE, "--until: %zu dates for %d files; one for each", o->until.n, files ? files : 1);
    return weft_run_rules(run, o, e);
}

static bool has_hangul(const struct weft_header *h)
{
    for (size_t i = 0; i < h->n; i++)
        for (const unsigned char *p = (const unsigned char *)h->name[i]; *p; p++)
            if (*p >= 0xea && *p <= 0xed && p[1] >= 0x80 && p[2] >= 0x80 &&
                (*p > 0xea || p[1] >= 0xb0)) /* U+AC00 and on */
                return true;
    return false;
}

/* The header was not UTF-8: opens the first file as Korean text of Windows, where all of it is, and its header, too. *e
 * stays what it is where it is not. */
static int open_korean(struct weft_run *run, struct weft_ingest *o, struct weft_csv **csv, struct weft_header *h,
                       struct weft_err *e)
{
    struct weft_sniff s;
    struct weft_err why = {0};
    const char *path = weft_run_n_operands(run) ? weft_run_operand(run, 0) : "-";
    if (o->encoding || !*csv || strcmp(path, "-") == 0 ||
        weft_sniff(path, &s, &why) < 0) /* what was read of standard input is gone */
        return -1;
    bool korean = s.encoding && strcmp(s.encoding, "cp949") == 0;
    weft_sniff_free(&s);
    if (!korean)
        return -1;
    weft_header_free(h);
    weft_csv_close(csv);
    o->csv.encoding = "cp949";
    if (weft_csv_open(path, &o->csv, csv, &why) < 0 || weft_header_read(*csv, h, &why) < 0 || !has_hangul(h))
        return -1;
    *e = (struct weft_err){0};
    weft_run_warn(run, "%s is not UTF-8, and all of it reads as CP949 (--encoding says what else it is)", path);
    return 0;
}

int weft_ingest_run(struct weft_run *run, struct weft_ingest *told, struct weft_err *e)
{
    struct weft_csv *csv = NULL;
    struct weft_header h = {0};
    struct weft_decision d = {0};
    if (read_options(run, told, e) < 0)
        return -1;
    struct weft_ingest o = *told; /* and what is decided */
    char grid[WEFT_GRID_TEXT] = "";
    o.grid = grid;
    if (told->layout != WEFT_LAYOUT_AUTO && check_fit(run, told, e) < 0)
        return -1;
    int rc = weft_csv_open(weft_run_n_operands(run) ? weft_run_operand(run, 0) : "-", &o.csv, &csv, e);
    if (rc == 0)
        rc = weft_header_read(csv, &h, e);
    if (rc < 0)
        rc = open_korean(run, &o, &csv, &h, e);
    if (rc == 0)
        rc = weft_decide(csv, &h, &o, &d, e);
    if (rc == 0)
        rc = check_fit(run, &o, e);
    if (rc == 0) {
        rc = o.layout == WEFT_LAYOUT_WIDE       ? weft_ingest_wide(run, &o, csv, &h, e)
             : o.layout == WEFT_LAYOUT_LONG     ? weft_ingest_long(run, &o, csv, &h, e)
             : o.layout == WEFT_LAYOUT_PRODUCTS ? weft_ingest_products(run, &o, csv, &h, e)
                                                : weft_ingest_matrix(run, &o, csv, &h, e);
    }
    if (rc == 0)
        weft_run_warn(run, "%s: %s%s", weft_csv_name(csv), d.said, grid);
    weft_decision_free(&d);
    weft_header_free(&h);
    weft_csv_close(&csv);
    return rc < 0 ? -1 : weft_rejects_close(&told->rejected, e);
}
