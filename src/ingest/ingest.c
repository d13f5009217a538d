/* ingest.c - which layout, and what every layout needs. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "text/counts.h"
#include "ingest/decide.h"
#include "ingest/ingest.h"
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

int weft_ingest_decimal(const struct weft_ingest *o, struct weft_csv *csv, const struct weft_header *h, const bool *is_value, enum weft_decimal *out,
                        struct weft_err *e)
{
    enum { LOOKED_AT = 1000 };
    struct weft_decimal_signs all = {0}, values = {0};
    struct weft_csv_row row;
    bool commas = weft_csv_delimiter(csv) == ',';
    char shown[40] = "";
    *out = o->decimal == 2 ? WEFT_DECIMAL_COMMA : WEFT_DECIMAL_POINT;
    if (o->decimal)
        return 0;
    for (size_t r = 0; r < LOOKED_AT && weft_csv_look(csv, r, &row); r++)
        for (size_t i = 0; i < row.n && i < h->n; i++) {
            struct weft_csv_text t = weft_csv_field(&row, i);
            if (commas && memchr(t.p, ',', t.n)) /* a list, or thousands */
                continue;
            size_t open = values.open_dot;
            weft_decimal_look(&all, t.p, t.n);
            if (is_value[i])
                weft_decimal_look(&values, t.p, t.n);
            if (values.open_dot > open)
                snprintf(shown, sizeof shown, "%.*s", t.n < 30 ? (int)t.n : 30, t.p);
        }
    if (all.comma && !all.point)
        *out = WEFT_DECIMAL_COMMA;
    if (all.comma || all.point || !*shown || weft_csv_delimiter(csv) != ';')
        return 0;
    weft_fail(e, WEFT_DATA, "%s: \"%s\" has two readings in a table with semicolons, and no other number tells", h->file, shown);
    return weft_fail_hint(e, "--decimal comma: 1.250 is 1250; --decimal point: it is 1 and a quarter");
}

int weft_ingest_reduce(const struct weft_ingest *o, const char *channel, int usual, size_t c, int *out, struct weft_err *e)
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

int weft_ingest_roles(const struct weft_ingest *o, char *const *channels, size_t n, enum weft_role *role, size_t *place, struct weft_err *e)
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
                weft_fail(e, WEFT_USAGE, "--%s: there is no channel \"%s\"", weft_role_name((enum weft_role)r), lists[r]->items[i]);
                return weft_fail_hint(e, "name it as --value does: --value sales,price --future price");
            }
            if (role[c] != WEFT_ROLE_TARGET && role[c] != (enum weft_role)r)
                return weft_fail(e, WEFT_USAGE, "channel %s is %s and %s at once", channels[c], weft_role_name(role[c]), weft_role_name((enum weft_role)r));
            role[c] = (enum weft_role)r;
        }
    for (int exogenous = 0; exogenous < 2; exogenous++)
        for (size_t c = 0; c < n; c++)
            if ((role[c] != WEFT_ROLE_TARGET) == exogenous)
                place[at++] = c;
    return role[place[0]] == WEFT_ROLE_TARGET ? 0 : weft_fail(e, WEFT_USAGE, "no channel is left to forecast: all are past, future or static");
}

int weft_ingest_head(struct weft_run *run, const struct weft_ingest *o, const char *schema, struct weft_span attrs, struct weft_err *e)
{
    struct weft_edit edit = {0};
    struct weft_pack b = {0};
    int rc = weft_edit_load(&edit, attrs, e);
    if (rc == 0 && o->columns)
        weft_edit_str(&edit, "columns", o->columns);
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
    return weft_fail(e, WEFT_DATA, "from %s to %s is no multiple of the step (%s) that the other dates have", weft_date_text(a, 1, from),
                     weft_date_text(b, 1, to), weft_step_text(step, s));
}

/* Months may have their date on any of their days: the grid has their first. */
static bool on_grid(int64_t a, int64_t b, int64_t step)
{
    return step == WEFT_STEP_MONTH || step == WEFT_STEP_QUARTER ? weft_step_count(a, b, step) > 0 : weft_step_fits(a, b, step);
}

int weft_grid_of(const struct weft_ingest *o, int64_t step, const int64_t *dates, size_t n, struct weft_grid *g, struct weft_err *e)
{
    char from[32], to[32];
    step = o->step_seconds ? o->step_seconds : step;
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
        return weft_fail(e, WEFT_CONFIG, "no date lies between --from and --to: the data has %s to %s", weft_date_text(dates[0], 86400, from),
                         weft_date_text(dates[n - 1], 86400, to));
    *g = (struct weft_grid){first, step, weft_step_count(first, last, step) + 1};
    if (g->n <= GRID_MAX && (step < 86400 || last - first < 36525LL * 86400))
        return 0;
    weft_fail(e, WEFT_DATA, "the dates run from %s to %s", weft_date_text(first, 86400, from), weft_date_text(last, 86400, to));
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
    o->csv = (struct weft_csv_opts){.encoding = o->encoding, .field_max = (size_t)o->field_max, .unpacked_max = o->unpacked_max, .threads = weft_run_threads(run), .skip = o->skip};
    for (size_t i = 0; o->delimiter && i < sizeof delimiters / sizeof *delimiters; i++)
        if (strcmp(o->delimiter, delimiters[i].name) == 0)
            o->csv.delimiter = delimiters[i].c;
    if (o->delimiter && strlen(o->delimiter) == 1)
        o->csv.delimiter = *o->delimiter;
    if (o->delimiter && (!o->csv.delimiter || strchr("\"\r\n ", o->csv.delimiter)))
        return weft_fail(e, WEFT_USAGE, "--delimiter: one character, or tab, comma, semicolon");
    if ((o->date_format && weft_dates_format(&o->dates, o->date_format, e) < 0) || (o->timezone && weft_dates_zone(&o->dates, o->timezone, e) < 0))
        return -1;
    if (o->step && !weft_step_parse(o->step, &o->step_seconds))
        return weft_fail(e, WEFT_USAGE, "--step: hour, day, week, month, quarter, business-day, or seconds as in 900s");
    if (weft_ingest_date("--from", o->from, &o->from_seconds, e) < 0 || weft_ingest_date("--to", o->to, &o->to_seconds, e) < 0)
        return -1;
    if (o->from && o->to && o->to_seconds < o->from_seconds)
        return weft_fail(e, WEFT_USAGE, "--to lies before --from");
    return weft_rejects_open(o->rejects, run, &o->rejected, e);
}

/* o: with what was decided; told: as given. */
static int check_fit(const struct weft_ingest *o, const struct weft_ingest *told, int operands, struct weft_err *e)
{
    int layout = o->layout;
    if (layout != WEFT_LAYOUT_LONG && layout != WEFT_LAYOUT_PRODUCTS && operands > 1)
        return weft_fail(e, WEFT_USAGE, "only the long and the products layout take more than one file");
    if (layout != WEFT_LAYOUT_LONG && (o->until.n || o->closed.n))
        return weft_fail(e, WEFT_USAGE, "--until and --closed go with the long layout");
    if (o->until.n && o->until.n != (size_t)(operands ? operands : 1))
        return weft_fail(e, WEFT_USAGE, "--until: %zu dates for %d files; one for each", o->until.n, operands ? operands : 1);
    if (o->date_from_name && (layout != WEFT_LAYOUT_LONG || o->date))
        return weft_fail(e, WEFT_USAGE, "--date-from-name goes with the long layout, and without --date");
    if (layout != WEFT_LAYOUT_WIDE && (o->amounts || o->mentions))
        return weft_fail(e, WEFT_USAGE, "--amounts and --mentions go with the wide layout");
    if (layout != WEFT_LAYOUT_LONG && told->values.n)
        return weft_fail(e, WEFT_USAGE, "--value goes with the long layout");
    if (layout != WEFT_LAYOUT_LONG && layout != WEFT_LAYOUT_WIDE && (o->past.n || o->future.n || o->constant.n)) {
        weft_fail(e, WEFT_USAGE, "--past, --future and --static go with the wide and long layouts");
        return weft_fail_hint(e, "covariates adds channels to any series stream");
    }
    if (layout != WEFT_LAYOUT_PRODUCTS && (o->name || o->price || o->gender || o->number || o->category || o->image || o->images || o->labels.n))
        return weft_fail(e, WEFT_USAGE, "--name, --price, --gender, --number, --category, --image, --images and --label go with the products layout");
    if (layout == WEFT_LAYOUT_PRODUCTS && (told->date || o->step || o->from || o->to || o->reduce.n))
        return weft_fail(e, WEFT_USAGE, "--date, --step, --from, --to and --reduce do not go with the products layout: a product has no time");
    if (layout == WEFT_LAYOUT_WIDE && o->reduce.n)
        return weft_fail(e, WEFT_USAGE, "--reduce goes with the long and matrix layouts");
    if (layout == WEFT_LAYOUT_MATRIX && (o->id.n || o->keys.n))
        return weft_fail(e, WEFT_USAGE, "--id and --keys do not go with the matrix layout: its columns are the series");
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
    if (told->layout != WEFT_LAYOUT_AUTO && check_fit(told, told, weft_run_n_operands(run), e) < 0)
        return -1;
    int rc = weft_csv_open(weft_run_n_operands(run) ? weft_run_operand(run, 0) : "-", &o.csv, &csv, e);
    if (rc == 0)
        rc = weft_header_read(csv, &h, e);
    if (rc == 0)
        rc = weft_decide(csv, &h, &o, &d, e);
    if (rc == 0)
        rc = check_fit(&o, told, weft_run_n_operands(run), e);
    if (rc == 0) {
        rc = o.layout == WEFT_LAYOUT_WIDE       ? weft_ingest_wide(run, &o, csv, &h, e)
             : o.layout == WEFT_LAYOUT_LONG     ? weft_ingest_long(run, &o, csv, &h, e)
             : o.layout == WEFT_LAYOUT_PRODUCTS ? weft_ingest_products(run, &o, csv, &h, e)
                                                : weft_ingest_matrix(run, &o, csv, &h, e);
    }
    if (rc == 0)
        weft_run_warn(run, "%s: %s", weft_csv_name(csv), d.said);
    weft_decision_free(&d);
    weft_header_free(&h);
    weft_csv_close(&csv);
    return rc < 0 ? -1 : weft_rejects_close(&told->rejected, e);
}
