/* decide.c - layout and roles: what a table is taken for. */
#include "ingest/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/terms.h"
#include "ingest/names.h"
#include "text/counts.h"

enum { CHOICES_MAX = 6, D_MIN = 2 };

/* What a decision is made from. */
struct decide {
    struct weft_csv *csv;
    struct weft_header *h;
    struct weft_ingest *o;
    struct weft_decision *d;
    struct weft_sample s;
    struct weft_name_is *is; /* [columns] */
    enum weft_term *term;    /* [columns] */
    bool orders;             /* rows are single orders: several a day are sales, not readings of one thing */
    size_t value, dates[CHOICES_MAX], n_dates;
    const char *told_date;
    enum weft_dates_form days; /* of the names of columns that are days */
};

/* --- refusing --- */

void weft_command_word(struct weft_pack *b, const char *prefix, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=+,@%";
    bool quote = !*word;
    for (const char *p = word; *p; p++)
        quote |= (unsigned char)*p < 0x80 && !strchr(plain, *p);
    weft_pack_raw(b, (struct weft_span){(const uint8_t *)prefix, strlen(prefix)});
    if (quote)
        weft_pack_raw(b, (struct weft_span){(const uint8_t *)"'", 1});
    for (const char *p = word; *p; p++)
        if (*p == '\'')
            weft_pack_raw(b, (struct weft_span){(const uint8_t *)"'\\''", 4});
        else
            weft_pack_raw(b, (struct weft_span){(const uint8_t *)p, 1});
    if (quote)
        weft_pack_raw(b, (struct weft_span){(const uint8_t *)"'", 1});
}

static size_t named(const struct decide *k, const char *name)
{
    return weft_header_find(k->h, name);
}

/* The commands to choose from: `option` with each of the columns, n of them. */
static int refuse(const struct decide *k, const char *option, const size_t *column, size_t n, struct weft_err *e,
                  const char *fmt, ...) WEFT_PRINTF(6, 7);
static int refuse(const struct decide *k, const char *option, const size_t *column, size_t n, struct weft_err *e,
                  const char *fmt, ...)
{
    char what[400];
    struct weft_pack b = {0};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    weft_fail(e, WEFT_DATA, "%s: %s", k->h->file, what);
    for (size_t i = 0; i < n && b.n < 250; i++) {
        char text[160], number[32];
        snprintf(text, sizeof text, "%sweft ingest %s ", i ? ", or " : "", option);
        snprintf(number, sizeof number, "#%zu", column[i] + 1);
        bool first = named(k, k->h->name[column[i]]) == column[i], only = true;
        for (size_t c = 0; c < k->h->n; c++)
            only = only && (c == column[i] || strcmp(k->h->name[c], k->h->name[column[i]]) != 0);
        weft_command_word(&b, text,
                          first && only && !strchr(k->h->name[column[i]], ',') ? k->h->name[column[i]] : number);
        weft_command_word(&b, " ", k->h->file);
    }
    weft_pack_raw(&b, (struct weft_span){(const uint8_t *)"", 1});
    weft_fail_hint(e, "%s", (const char *)b.p);
    weft_pack_free(&b);
    return -1;
}

/* --- what columns hold --- */

static bool most(size_t part, size_t whole)
{
    return whole && part >= whole - whole / 20;
}

static bool empty_table(const struct decide *k)
{
    return k->s.rows == 0;
}

static bool is_number(const struct decide *k, size_t i)
{
    const struct weft_evidence *c = &k->s.column[i];
    return empty_table(k) || most(c->numbers, c->filled);
}

static bool is_date(const struct decide *k, size_t i)
{
    const struct weft_evidence *c = &k->s.column[i];
    return most(c->dates, c->filled) || (k->o->dates.form == WEFT_DATES_FORMAT && c->filled);
}

static bool is_text(const struct decide *k, size_t i)
{
    const struct weft_evidence *c = &k->s.column[i];
    return c->filled && !is_number(k, i) && !is_date(k, i);
}

/* Is it filled, in the rows that there are? */
static bool is_filled(const struct decide *k, size_t i)
{
    const struct weft_evidence *c = &k->s.column[i];
    return empty_table(k) || (c->filled && c->filled >= c->empty);
}

static bool free_column(const struct decide *k, size_t i)
{
    return k->h->date[i] == WEFT_NO_DATE && k->d->use[i] == WEFT_USE_NONE && i != k->d->date && *k->h->name[i];
}

/* --- the date --- */

/* 202503, 202510, 250301. */
static void see_six_digits(struct decide *k, size_t i)
{
    struct weft_evidence *c = &k->s.column[i];
    bool month = c->six[0] == c->filled, week = c->six[1] == c->filled, day = c->six[2] == c->filled;
    char folded[64];
    weft_term_fold(k->h->name[i], strlen(k->h->name[i]), folded, sizeof folded);
    bool weekly = strstr(folded, "week") || strstr(folded, "주");
    if (weekly)
        month = day = false;
    else if (c->dates) /* 2025-03 */
        return;
    if ((!month && !week && !day) || (month && day)) /* 201203: March 2012, or December 3, 2020 */
        return;
    k->o->dates.form = WEFT_DATES_SIX_WEEK;
    if (day)
        k->o->dates.form = WEFT_DATES_SIX_DAY;
    else if (month)
        k->o->dates.form = WEFT_DATES_SIX_MONTH;
    c->dates = c->sure = c->filled;
}

/* Numbers that are dates where the name says that the column has them: days with an hour without any mark, and years
 * with months as decimals. */
static void see_named_dates(struct decide *k)
{
    for (size_t i = 0; i < k->h->n; i++) {
        struct weft_evidence *c = &k->s.column[i];
        bool told = k->o->date && weft_header_find(k->h, k->o->date) == i;
        if (k->h->date[i] != WEFT_NO_DATE || !c->filled || !(told || k->is[i].named == WEFT_NAMED_DATE))
            continue;
        if (k->o->dates.form == WEFT_DATES_UNIX)
            c->dates = c->sure = c->unix_times;
        if (c->bare_hours) {
            c->dates += c->bare_hours;
            c->sure += c->bare_hours;
            c->clocks += c->bare_hours;
        }
        if (k->o->dates.form == WEFT_DATES_PLAIN && !(k->o->date && !told))
            see_six_digits(k, i);
        bool decimals = c->decimal_years == c->filled && c->whole < c->filled && c->filled > 1 && !c->dates;
        if (decimals && k->o->dates.form == WEFT_DATES_PLAIN && !(k->o->date && !told)) {
            c->dates = c->sure = c->filled;
            k->o->dates.form = WEFT_DATES_DECIMAL_YEARS;
        }
    }
}

/* The best of the columns with the name of a sale's day, and with days in them. */
static size_t named_date(const struct decide *k)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < k->h->n; i++) {
        const struct weft_evidence *c = &k->s.column[i];
        bool could =
            k->is[i].named == WEFT_NAMED_DATE &&
            (empty_table(k) || is_date(k, i) || 2 * c->dates >= c->filled || k->o->dates.form == WEFT_DATES_EXCEL);
        if (could && k->h->date[i] == WEFT_NO_DATE && (best == SIZE_MAX || k->is[i].rank < k->is[best].rank))
            best = i;
    }
    return best;
}

static int find_date(struct decide *k, struct weft_err *e)
{
    struct decide *x = k;
    size_t other = 0, candidates[CHOICES_MAX];
    for (size_t i = 0; i < k->h->n && !empty_table(k); i++)
        if (k->h->date[i] == WEFT_NO_DATE && is_date(k, i) && x->n_dates < CHOICES_MAX)
            x->dates[x->n_dates++] = i;
    if (k->o->date)
        return weft_header_need(k->h, k->o->date, &k->d->date, e);
    k->d->date = named_date(k);
    if (k->d->date != SIZE_MAX)
        return 0;
    for (size_t i = 0; i < k->n_dates; i++)
        if (k->is[k->dates[i]].named != WEFT_NAMED_NO_DATE)
            candidates[other++] = k->dates[i];
    if (other > 1)
        return refuse(k, "--date", candidates, other, e,
                      "%zu columns hold dates, and no name says which is the day of the sale", other);
    if (other == 1)
        k->d->date = candidates[0];
    else if (k->n_dates)
        return refuse(k, "--date", k->dates, k->n_dates, e,
                      "the only dates are those of \"%s\", which is not the day of a sale", k->h->name[k->dates[0]]);
    return 0;
}

/* The orders that a date may have. */
static int refuse_form(const struct decide *k, const struct weft_evidence *c, const char *name, const char *orders,
                       bool years, struct weft_err *e)
{
    struct weft_pack b = {0};
    if (name)
        weft_fail(e, WEFT_DATA, "%s: \"%s\" in column \"%s\" is %s, and no row shows which", k->h->file, c->first, name,
                  orders);
    else
        weft_fail(e, WEFT_DATA, "%s: columns such as \"%s\" are %s, and none shows which", k->h->file, c->first,
                  orders);
    weft_command_word(&b, "weft ingest --date-format %m/%d/%Y ", k->h->file);
    weft_command_word(&b, ", or weft ingest --date-format %d/%m/%Y ", k->h->file);
    if (years)
        weft_command_word(&b, ", or weft ingest --date-format %y/%m/%d ", k->h->file);
    weft_pack_raw(&b, (struct weft_span){(const uint8_t *)"", 1});
    weft_fail_hint(e, "%s", (const char *)b.p);
    weft_pack_free(&b);
    return -1;
}

/* The order of year, month and day that the cells of a column or the names in a header have. */
static int choose_form(struct decide *k, const struct weft_evidence *c, const char *name, struct weft_err *e)
{
    struct weft_dates *form = &k->o->dates;
    if (form->form != WEFT_DATES_PLAIN || !(c->two_ways + c->day_first + c->month_first))
        return 0;
    int year_first = weft_turns_year_first(&c->turns);
    if (year_first < 0)
        return refuse_form(k, c, name, "the year, the month or the day first", true, e);
    if (year_first) {
        form->form = WEFT_DATES_YEAR_FIRST;
        return 0;
    }
    if (c->day_first && c->month_first)
        return weft_fail(e, WEFT_DATA, "%s: \"%s\" has dates with the day first and dates with the month first",
                         k->h->file, name ? name : "the header");
    if (!c->day_first && !c->month_first) {
        return refuse_form(k, c, name, "the day first or the month first", false, e);
    }
    form->form = c->day_first ? WEFT_DATES_DAY_FIRST : WEFT_DATES_MONTH_FIRST;
    return 0;
}

/* Which of its forms the date column is written in. */
static int find_form(struct decide *k, struct weft_err *e)
{
    const struct weft_evidence *c = &k->s.column[k->d->date];
    struct weft_dates *form = &k->o->dates;
    const char *name = k->h->name[k->d->date];
    k->d->hours = c->clocks && !c->moments;
    if (c->utc && !form->zoned && form->form == WEFT_DATES_PLAIN) {
        if (named(k, "amazon-order-id") == SIZE_MAX) {
            weft_fail(
                e, WEFT_DATA,
                "%s: \"%s\" has times in UTC (\"%.40s\"), and which day a sale falls on depends on the shop's clock",
                k->h->file, name, c->first);
            return weft_fail_hint(e, "--timezone Asia/Seoul (or where the shop is), or --timezone UTC for days of UTC");
        }
        form->zoned = true; /* Amazon's reports count days of UTC */
    }
    if (choose_form(k, c, name, e) < 0)
        return -1;
    int64_t step = c->periods == c->filled ? c->period : 0; /* the texts say of which step they are */
    step = form->form == WEFT_DATES_SIX_MONTH ? WEFT_STEP_MONTH : step;
    step = form->form == WEFT_DATES_SIX_WEEK ? WEFT_STEP_WEEK : step;
    if (!k->o->step_seconds && c->different > 1)
        k->o->step_seconds = step;
    return 0;
}

/* --- how many --- */

/* Gross counts, those of a part of the business, and those of what is no sale, come after the plain one. */
static int count_rank(const char *name)
{
    static const char *const later[] = {"총",     "total",   "gross", "b2b",    "최초", "누적",     "취소",
                                        "반품",   "환불",    "재고",  "목표",   "계획", "예측",     "cancel",
                                        "return", "refund",  "stock", "target", "plan", "forecast", "전체거래",
                                        "cumul",  "running", "ytd",   "mtd"};
    char folded[256];
    weft_term_fold(name, strlen(name), folded, sizeof folded);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (strstr(folded, later[i]))
            return 2;
    static const char *const second[] = {"count", "unit", "결제수량"};
    for (size_t i = 0; i < sizeof second / sizeof *second; i++)
        if (strcmp(folded, second[i]) == 0)
            return 1;
    return 0;
}

/* orderItemId, row_id, "Line ID": it names something, whatever it is. */
static bool is_identifier(const char *name)
{
    static const char *const ends[] = {"Id", "ID", "_id", " id"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (n > strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

static bool can_be_value(const struct decide *k, size_t i)
{
    enum weft_named what = k->is[i].named;
    return free_column(k, i) && is_number(k, i) && k->s.column[i].filled + empty_table(k) &&
           !is_identifier(k->h->name[i]) && what != WEFT_NAMED_SERIES && what != WEFT_NAMED_PRODUCT &&
           what != WEFT_NAMED_PLACE && what != WEFT_NAMED_GROUP && what != WEFT_NAMED_ORDER && what != WEFT_NAMED_ROW &&
           what != WEFT_NAMED_FLAG && what != WEFT_NAMED_STATUS;
}

/* Columns of one term, the best ranked alone. */
static size_t values_of(const struct decide *k, enum weft_term term, size_t out[CHOICES_MAX])
{
    size_t n = 0;
    int best = 3;
    for (size_t i = 0; i < k->h->n; i++) {
        if (!can_be_value(k, i) || k->term[i] != term)
            continue;
        int rank = term == WEFT_TERM_COUNT ? count_rank(k->h->name[i]) : 0;
        if (rank < best) {
            best = rank;
            n = 0;
        }
        if (rank == best && n < CHOICES_MAX)
            out[n++] = i;
    }
    return n;
}

static bool is_target(const char *name)
{
    static const char *const names[] = {"y", "value", "target"};
    char folded[256];
    weft_term_fold(name, strlen(name), folded, sizeof folded);
    return weft_term_among(folded, names, sizeof names / sizeof *names);
}

/* Columns that are equal in every row of the sample say the same. */
static bool all_equal(const struct decide *k, const size_t *column, size_t n)
{
    struct weft_csv_row row;
    for (size_t i = 0; weft_sample_row(k->csv, k->h, &i, &row);)
        for (size_t c = 1; c < n; c++) {
            struct weft_csv_text a = weft_csv_field(&row, column[0]), b = weft_csv_field(&row, column[c]);
            if (a.n != b.n || memcmp(a.p, b.p, a.n) != 0)
                return false;
        }
    return true;
}

static bool is_running_total(const char *name)
{
    static const char *const parts[] = {"누적", "cumul", "running", "todate", "ytd", "mtd"};
    char folded[256];
    weft_term_fold(name, strlen(name), folded, sizeof folded);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(folded, parts[i]))
            return true;
    return false;
}

static int take_value(struct decide *k, const size_t *column, size_t n, struct weft_err *e)
{
    if (n > 1 && !all_equal(k, column, n))
        return refuse(k, "--value", column, n, e, "%zu columns could say how many were sold (\"%s\", \"%s\"%s)", n,
                      k->h->name[column[0]], k->h->name[column[1]], n > 2 ? ", ..." : "");
    if (is_running_total(k->h->name[column[0]])) {
        (void)refuse(k, "--value", column, 1, e,
                     "\"%s\" adds up what was sold until then, and no column says what was "
                     "sold on each day",
                     k->h->name[column[0]]);
        return -1;
    }
    k->value = column[0];
    k->d->use[k->value] = WEFT_USE_VALUE;
    return 0;
}

/* The command that counts each row as one unit; and the one that sums a column, unless it is SIZE_MAX. */
static int hint_count_rows(const struct decide *k, size_t column, struct weft_err *e)
{
    struct weft_pack b = {0};
    weft_command_word(&b, "each row is one unit: weft ingest --count-rows ", k->h->file);
    if (column == SIZE_MAX) {
        weft_command_word(&b, ", or say which column is to be summed: --value ", "COLUMN");
    } else {
        weft_command_word(&b, ", or weft ingest --value ", k->h->name[column]);
        weft_command_word(&b, " ", k->h->file);
    }
    weft_pack_raw(&b, (struct weft_span){(const uint8_t *)"", 1});
    weft_fail_hint(e, "%s", (const char *)b.p);
    weft_pack_free(&b);
    return -1;
}

/* A list of orders may have one line a unit. */
static int refuse_money(const struct decide *k, size_t column, struct weft_err *e)
{
    weft_fail(e, WEFT_DATA, "%s: no column says how many were sold; \"%s\" is money", k->h->file, k->h->name[column]);
    return hint_count_rows(k, column, e);
}

/* The first text of the column that is no number. */
static struct weft_csv_text odd_text(const struct decide *k, size_t column, uint64_t *line)
{
    struct weft_csv_row row;
    struct weft_csv_text t = {0};
    double x;
    for (size_t i = 0; weft_sample_row(k->csv, k->h, &i, &row);) {
        t = weft_csv_field(&row, column);
        *line = row.line;
        if (weft_count_parse(t.p, t.n, &x) == WEFT_COUNT_BAD &&
            weft_count_parse_in(WEFT_DECIMAL_COMMA, t.p, t.n, &x) == WEFT_COUNT_BAD)
            return t;
    }
    return (struct weft_csv_text){0};
}

static int no_value(const struct decide *k, struct weft_err *e)
{
    for (size_t i = 0; i < k->h->n; i++) {
        uint64_t line = 0;
        bool units = k->term[i] == WEFT_TERM_COUNT || k->term[i] == WEFT_TERM_SALES || is_target(k->h->name[i]);
        if (!units || !free_column(k, i) || !k->s.column[i].filled || is_number(k, i))
            continue;
        struct weft_csv_text t = odd_text(k, i, &line);
        weft_fail(e, WEFT_DATA, "\"%s\" says how many were sold, and \"%.*s\" is no number", k->h->name[i],
                  t.n < 60 ? (int)t.n : 60, t.p ? t.p : "");
        weft_fail_where(e, "%s:%llu:%zu", k->h->file, (unsigned long long)line, i + 1);
        if (t.n && t.p[t.n - 1] == '%')
            return weft_fail_hint(e, "a share can't be added up: another column is to be summed, --value COLUMN");
        return weft_fail_hint(e, "--value COLUMN --rejects FILE sets such rows aside; --value says another column");
    }
    weft_fail(e, WEFT_DATA, "%s: no column says how many were sold", k->h->file);
    return hint_count_rows(k, SIZE_MAX, e);
}

static int find_value(struct decide *k, struct weft_err *e)
{
    static const enum weft_term order[] = {WEFT_TERM_COUNT, WEFT_TERM_SALES, WEFT_TERM_MONEY, WEFT_TERM_TIMES};
    size_t column[CHOICES_MAX], n = 0;
    for (size_t i = 0; i < 2; i++)
        if ((n = values_of(k, order[i], column)) > 0)
            return take_value(k, column, n, e);
    for (size_t i = 0; i < k->h->n && n < CHOICES_MAX; i++)
        if (can_be_value(k, i) && is_target(k->h->name[i]))
            column[n++] = i;
    for (size_t i = 2; i < 4 && !n; i++)
        n = values_of(k, order[i], column);
    for (size_t i = 0; i < k->h->n && !n && !k->orders; i++) /* of an order any number may be anything */
        for (size_t c = 0; c < k->h->n && n < CHOICES_MAX; c++)
            if (i == 0 && can_be_value(k, c) && k->term[c] == WEFT_TERM_OTHER)
                column[n++] = c;
    if (n && k->orders && k->term[column[0]] == WEFT_TERM_MONEY)
        return refuse_money(k, column[0], e);
    if (n)
        return take_value(k, column, n, e);
    return no_value(k, e);
}

/* --- what names a series --- */

/* A number that each row has for itself: nothing that comes again is named by it. */
static bool counts_rows(const struct decide *k, size_t i)
{
    const struct weft_evidence *c = &k->s.column[i];
    bool days = k->d->date != SIZE_MAX && k->s.column[k->d->date].different > 1;
    return c->filled > 1 && c->different == c->filled && (c->counting || days);
}

static bool best_product(const struct decide *k, size_t *out)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < k->h->n; i++)
        if (free_column(k, i) && k->is[i].named == WEFT_NAMED_PRODUCT && is_filled(k, i) &&
            (best == SIZE_MAX || k->is[i].rank < k->is[best].rank))
            best = i;
    *out = best;
    return best != SIZE_MAX;
}

/* Days of one series that come twice when these columns name the series. */
static size_t repeats(const struct decide *k, const size_t *id, size_t n)
{
    size_t column[WEFT_MAX_KEYS + 1];
    memcpy(column, id, n * sizeof *id);
    column[n] = k->d->date;
    return weft_sample_repeats(k->csv, k->h, column, n + (k->d->date != SIZE_MAX));
}

/* A column that could name series though its header says nothing: texts, or whole numbers, that come again and again.
 */
static bool could_name(const struct decide *k, size_t i, bool numbers)
{
    const struct weft_evidence *c = &k->s.column[i];
    enum weft_named what = k->is[i].named;
    bool other = what == WEFT_NAMED_OTHER || what == WEFT_NAMED_GROUP || what == WEFT_NAMED_PLACE ||
                 what == WEFT_NAMED_SERIES || what == WEFT_NAMED_ROW;
    bool kind = numbers ? is_number(k, i) && c->whole == c->numbers : is_text(k, i);
    return free_column(k, i) && other && kind && (k->term[i] == WEFT_TERM_OTHER || k->term[i] == WEFT_TERM_NUMBER) &&
           c->different > 1 && c->different * 2 <= c->filled && c->filled >= c->empty;
}

/* Series without a known name: the column that alone tells days apart, or all that could. */
static int find_unknown_id(struct decide *k, size_t id[WEFT_MAX_KEYS], size_t *n, struct weft_err *e)
{
    size_t could[WEFT_MAX_KEYS], alone[CHOICES_MAX], n_could = 0, n_alone = 0;
    for (int numbers = 0; numbers < 2 && !n_could; numbers++)
        for (size_t i = 0; i < k->h->n; i++)
            if (could_name(k, i, numbers) && n_could < WEFT_MAX_KEYS)
                could[n_could++] = i;
    for (size_t i = 0; i < n_could; i++)
        if (repeats(k, &could[i], 1) == 0 && n_alone < CHOICES_MAX)
            alone[n_alone++] = could[i];
    if (n_alone == 1 && !k->orders) {
        id[(*n)++] = alone[0];
        return 0;
    }
    if (!n_could) {
        weft_fail(e, WEFT_DATA, "%s: no column names a series", k->h->file);
        return weft_fail_hint(e, "say which with --id COLUMN[,COLUMN...]");
    }
    if (n_could > 1 && (k->orders || n_alone > 1))
        return refuse(k, "--id", n_alone > 1 ? alone : could, n_alone > 1 ? n_alone : n_could, e,
                      "%zu columns could name what is sold", n_could);
    memcpy(id, could, n_could * sizeof *id);
    *n = n_could;
    return 0;
}

/* A column that says of rows that they are returns, though its name is none of a state. */
static int refuse_returns(const struct decide *k, size_t column, const char *ids, struct weft_err *e)
{
    struct weft_csv_row row;
    struct weft_csv_text t = {0};
    struct weft_pack b = {0};
    char drop[160];
    for (size_t i = 0; weft_sample_row(k->csv, k->h, &i, &row);) {
        t = weft_csv_field(&row, column);
        if (weft_status_is_no_sale(t.p, t.n))
            break;
    }
    snprintf(drop, sizeof drop, "%.80s=%.*s", k->h->name[column], t.n < 60 ? (int)t.n : 60, t.p ? t.p : "");
    weft_fail(e, WEFT_DATA, "%s: \"%s\" says of rows that they are no sales, as \"%.*s\"", k->h->file,
              k->h->name[column], t.n < 60 ? (int)t.n : 60, t.p ? t.p : "");
    weft_command_word(&b, "weft ingest --id ", ids);
    weft_command_word(&b, " --drop ", drop);
    weft_command_word(&b, " ", k->h->file);
    weft_command_word(&b, " leaves them out, weft ingest --drop none --id ", ids);
    weft_command_word(&b, " ", k->h->file);
    weft_pack_raw(&b, (struct weft_span){(const uint8_t *)" adds them up", sizeof " adds them up"});
    weft_fail_hint(e, "%s", (const char *)b.p);
    weft_pack_free(&b);
    return -1;
}

/* Rows that nothing tells apart but a column that is nothing yet: are they to be added up? */
static int check_summed(struct decide *k, const size_t *id, size_t n, struct weft_err *e)
{
    size_t column[WEFT_MAX_KEYS];
    if (k->orders || n + 1 > WEFT_MAX_KEYS || !repeats(k, id, n))
        return 0;
    memcpy(column, id, n * sizeof *id);
    for (size_t i = 0; i < k->h->n; i++) {
        const struct weft_evidence *c = &k->s.column[i];
        bool kind = is_text(k, i) || (is_number(k, i) && c->whole == c->numbers);
        bool used = false;
        for (size_t x = 0; x < n; x++)
            used |= id[x] == i;
        column[n] = i;
        if (used || !free_column(k, i) || k->is[i].named != WEFT_NAMED_OTHER || k->term[i] != WEFT_TERM_OTHER ||
            !kind || c->different < 2 || c->different == c->filled || repeats(k, column, n + 1))
            continue;
        char list[200] = "";
        for (size_t x = 0; x < n; x++)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.40s", x ? "," : "", k->h->name[id[x]]);
        if (c->no_sale)
            return refuse_returns(k, i, list, e);
        weft_fail(e, WEFT_DATA,
                  "%s: rows of one day and series differ in \"%s\" alone: is each of it a series, or are they to be "
                  "added up?",
                  k->h->file, k->h->name[i]);
        return weft_fail_hint(e, "weft ingest --id '%s,%s' %s, or weft ingest --id '%s' %s", list, k->h->name[i],
                              k->h->file, list, k->h->file);
    }
    return 0;
}

/* The one group, as a family of goods in a store, that tells apart the rows that the id adds up. */
static bool find_group(const struct decide *k, size_t id[WEFT_MAX_KEYS], size_t *n)
{
    size_t found = SIZE_MAX;
    if (k->orders || *n + 1 >= WEFT_MAX_KEYS || !repeats(k, id, *n))
        return false;
    for (size_t i = 0; i < k->h->n; i++) {
        if (!free_column(k, i) || k->is[i].named != WEFT_NAMED_GROUP || !is_filled(k, i))
            continue;
        id[*n] = i;
        if (repeats(k, id, *n + 1))
            continue;
        if (found != SIZE_MAX)
            return false;
        found = i;
    }
    if (found == SIZE_MAX)
        return false;
    id[(*n)++] = found;
    return true;
}

/* Does ingest know all of it by itself: an id that is one, or the levels of the hierarchy? */
static bool known_levels(const struct decide *k, size_t id[WEFT_MAX_KEYS], size_t *n)
{
    static const char *const levels[] = {"product", "item", "major", "middle", "minor", "category", "brand", "store"};
    size_t series = named(k, "id");
    bool things = false, others = false;
    if (series != SIZE_MAX && free_column(k, series) && k->is[series].named == WEFT_NAMED_SERIES &&
        !counts_rows(k, series)) {
        id[(*n)++] = series;
        return true;
    }
    for (size_t i = 0; i < k->h->n; i++) {
        bool level = false;
        for (size_t x = 0; x < sizeof levels / sizeof *levels; x++)
            level |= strcmp(weft_header_canonical(k->h->name[i]), levels[x]) == 0;
        if (!free_column(k, i))
            continue;
        things |= level && (k->is[i].named == WEFT_NAMED_PRODUCT || k->is[i].named == WEFT_NAMED_PLACE);
        others |=
            !level && (k->is[i].named == WEFT_NAMED_PRODUCT || k->is[i].named == WEFT_NAMED_PLACE) && is_filled(k, i);
        if (level && *n < WEFT_MAX_KEYS)
            id[(*n)++] = i;
    }
    if (things && !others && series == SIZE_MAX && !k->orders)
        return true;
    *n = 0;
    return false;
}

static int find_id(struct decide *k, struct weft_err *e)
{
    size_t id[WEFT_MAX_KEYS], n = 0, product, series = named(k, "id");
    bool untold = known_levels(k, id, &n);
    if (!untold) {
        for (size_t i = 0; i < k->h->n && !k->orders; i++)
            if (free_column(k, i) && k->is[i].named == WEFT_NAMED_PLACE && is_filled(k, i) && n < WEFT_MAX_KEYS - 1)
                id[n++] = i;
        if (best_product(k, &product))
            id[n++] = product;
        if (!n && series != SIZE_MAX && free_column(k, series) && !k->orders && !counts_rows(k, series))
            id[n++] = series;
        if (!n && find_unknown_id(k, id, &n, e) < 0)
            return -1;
    }
    if (!untold)
        find_group(k, id, &n);
    if (check_summed(k, id, n, e) < 0)
        return -1;
    k->o->id.items = k->d->id;
    for (size_t i = 0; i < n; i++) {
        k->d->use[id[i]] = WEFT_USE_ID;
        if (!untold)
            k->d->id[k->o->id.n++] = k->h->name[id[i]];
    }
    return 0;
}

/* --- the layout --- */

static bool has_orders(const struct decide *k)
{
    for (size_t i = 0; i < k->h->n; i++)
        if (k->is[i].named == WEFT_NAMED_ORDER || (k->is[i].named == WEFT_NAMED_STATUS && k->s.column[i].sale))
            return true;
    return false;
}

/* d_1, d_2, ...: days by their number. */
static int find_numbered_days(struct decide *k, struct weft_err *e)
{
    size_t found = 0, first = SIZE_MAX;
    for (size_t i = 0; i < k->h->n; i++) {
        int n = 0, day;
        /* NOLINTNEXTLINE(cert-err34-c): six digits at most */
        bool is = sscanf(k->h->name[i], "d_%6d%n", &day, &n) == 1 && !k->h->name[i][n] && day > 0;
        found += is;
        first = is && first == SIZE_MAX ? i : first;
        if (is && k->o->from)
            k->h->date[i] = k->o->from_seconds + (int64_t)(day - 1) * 86400;
    }
    if (found < D_MIN || k->h->dates)
        return 0;
    if (!k->o->from) {
        weft_fail(e, WEFT_DATA, "%s: columns from \"%s\" on are days by their numbers, and no date stands in the table",
                  k->h->file, k->h->name[first]);
        return weft_fail_hint(e, "--from DATE says which day d_1 is: 2011-01-29 for M5");
    }
    k->h->dates = found;
    return 0;
}

/* Numbers of eight digits may be products that look like days. */
static bool days_without_marks(const struct decide *k)
{
    for (size_t i = 0; i < k->h->n; i++)
        if (k->h->date[i] != WEFT_NO_DATE &&
            (strchr(k->h->name[i], '-') || strchr(k->h->name[i], '.') || strchr(k->h->name[i], '/') || k->h->step))
            return false;
    return true;
}

/* A day's header with a slip of the pen would become a key without a word. */
static int check_almost_days(const struct decide *k, struct weft_err *e)
{
    for (size_t i = 0; i < k->h->n && k->h->dates >= 2; i++) {
        size_t digits = 0, others = 0;
        for (const char *p = k->h->name[i]; *p; p++) {
            digits += *p >= '0' && *p <= '9';
            others += (*p < '0' || *p > '9') && !strchr("-./ :TZlOoI", *p);
        }
        if (k->h->date[i] != WEFT_NO_DATE || digits < 5 || others || k->is[i].named != WEFT_NAMED_OTHER)
            continue;
        weft_fail(e, WEFT_DATA, "%s: column %zu, \"%s\", is almost a day, and the other columns are days", k->h->file,
                  i + 1, k->h->name[i]);
        return weft_fail_hint(
            e, "mend the header; or name the columns that are none: --id COLUMN --keys COLUMN[,COLUMN...]");
    }
    return 0;
}

/* Columns that explain sales, beside columns of sales, are no series of their own. */
static bool explains_targets(const struct decide *k)
{
    bool explains = false, targets = false;
    for (size_t i = 0; i < k->h->n; i++) {
        bool says_so = k->term[i] == WEFT_TERM_COUNT || k->term[i] == WEFT_TERM_SALES || is_target(k->h->name[i]);
        if (i == k->d->date)
            continue;
        explains |= weft_name_explains(k->h->name[i]) && (*k->h->name[i] || k->s.column[i].counting);
        targets |= says_so || (k->h->n == 3 && i == 2 && !*k->h->name[0]);
    }
    return explains && targets;
}

/* A table of dates and numbers alone, each date once: a column a series. */
static int matrix_or_long(struct decide *k, struct weft_err *e)
{
    const struct weft_evidence *date = &k->s.column[k->d->date];
    bool id = false, texts = false;
    for (size_t i = 0; i < k->h->n; i++) {
        enum weft_named what = k->is[i].named;
        if (i == k->d->date || !*k->h->name[i])
            continue;
        id |= what == WEFT_NAMED_SERIES || what == WEFT_NAMED_PRODUCT || what == WEFT_NAMED_PLACE;
        texts |= is_text(k, i) || is_date(k, i);
    }
    if (k->o->id.n || k->o->values.n || k->o->count_rows || id || texts || k->orders)
        return WEFT_LAYOUT_LONG;
    if (k->h->n < 2) {
        weft_fail(e, WEFT_DATA, "%s has one column, \"%s\", and nothing beside the day", k->h->file, k->h->name[0]);
        return weft_fail_hint(e, "is another sign between its fields? --delimiter C");
    }
    if (date->different + date->filled / 10 >= date->filled) {
        k->o->targets_alone = explains_targets(k);
        return WEFT_LAYOUT_MATRIX;
    }
    weft_fail(e, WEFT_DATA, "%s: dates come again and again, and no column is known to name a series", k->h->file);
    return weft_fail_hint(e,
                          "a row a sale: --layout long --id COLUMN --value COLUMN; a column a series: --layout matrix");
}

/* The option that reads this file, in a command. */
static int hint_option(const struct decide *k, const char *option, struct weft_err *e)
{
    struct weft_pack b = {0};
    weft_command_word(&b, option, k->h->file);
    weft_pack_raw(&b, (struct weft_span){(const uint8_t *)"", 1});
    weft_fail_hint(e, "%s", (const char *)b.p);
    weft_pack_free(&b);
    return -1;
}

static bool is_year(const struct decide *k, size_t i)
{
    static const char *const names[] = {"year", "yr", "연도", "년도", "년", "date", "time", "ds", "날짜", "년월"};
    char folded[64];
    weft_term_fold(k->h->name[i], strlen(k->h->name[i]), folded, sizeof folded);
    return weft_term_among(folded, names, sizeof names / sizeof *names);
}

/* Numbers that stand for dates in a way that a name or an option has to say. */
static bool numbers_for_dates(const struct decide *k, size_t i, struct weft_err *e)
{
    const struct weft_evidence *c = &k->s.column[i];
    bool named = k->is[i].named == WEFT_NAMED_DATE;
    if (!c->filled)
        return false;
    if (named && c->serials == c->filled) {
        weft_fail(e, WEFT_DATA, "%s: \"%s\" holds Excel's numbers of days, as \"%.40s\"", k->h->file, k->h->name[i],
                  c->first);
        hint_option(k, "weft ingest --date-format excel ", e);
        return true;
    }
    if (named && c->unix_times == c->filled) {
        weft_fail(e, WEFT_DATA,
                  "%s: \"%s\" holds seconds since 1970 (\"%.40s\"), and which day a sale falls on depends "
                  "on the shop's clock",
                  k->h->file, k->h->name[i], c->first);
        hint_option(k, "of a shop in Korea: weft ingest --date-format unix --timezone Asia/Seoul ", e);
        return true;
    }
    if (is_year(k, i) && c->decimal_years == c->filled && c->whole == c->filled) {
        weft_fail(e, WEFT_DATA, "%s: \"%s\" holds years alone, as \"%.40s\", and no column a whole date", k->h->file,
                  k->h->name[i], c->first);
        weft_fail_hint(e, "steps go from seconds to quarters, not to years; where months and days stand in columns of "
                          "their own, join them to one date, as 2024-01 or 2024-01-31");
        return true;
    }
    if (!named && c->bare_hours == c->filled && c->filled > 1) {
        (void)refuse(k, "--date", &i, 1, e, "no column is called like a day, and \"%s\" may hold days with their hour",
                     k->h->name[i]);
        return true;
    }
    return false;
}

/* "1/5", "3월", "3월 5일", "Jan", "Week 3", "5일", "Q1": a part of a date. */
static bool part_of_date(const char *name)
{
    static const char *const units[] = {"월", "일", "주", "주차", "분기"};
    static const char *const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                         "july",    "august",   "september", "october", "november", "december",
                                         "jan",     "feb",      "mar",       "apr",     "jun",      "jul",
                                         "aug",     "sep",      "sept",      "oct",     "nov",      "dec"};
    char folded[64];
    weft_term_fold(name, strlen(name), folded, sizeof folded);
    for (size_t i = 0; i < sizeof months / sizeof *months; i++)
        if (strcmp(folded, months[i]) == 0)
            return true;
    size_t digits = strspn(folded, "0123456789");
    if (!digits) {
        const char *rest = strncmp(folded, "week", 4) == 0 ? folded + 4 : folded + (*folded == 'w' || *folded == 'q');
        return rest > folded && *rest && strlen(rest) <= 2 && !rest[strspn(rest, "0123456789")];
    }
    if (digits > 2)
        return false;
    const char *rest = folded + digits;
    if (*rest == '/') {
        size_t more = strspn(rest + 1, "0123456789");
        return more && more <= 2 && !rest[1 + more];
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(rest, units[i]) == 0)
            return true;
    return strncmp(rest, "월", strlen("월")) == 0 && strlen(rest) > 3 && strstr(rest, "일");
}

/* Names of columns that are dates for people alone. */
static bool names_for_dates(const struct decide *k, struct weft_err *e)
{
    size_t parts = 0, serials = 0, first = SIZE_MAX;
    long last = 0;
    for (size_t i = 0; i < k->h->n; i++) {
        const char *name = k->h->name[i];
        bool five = strlen(name) == 5 && !name[strspn(name, "0123456789")];
        long v = five ? strtol(name, NULL, 10) : 0;
        bool serial = v > 29221 && v < 73050 && (!serials || v > last);
        bool part = part_of_date(name);
        last = serial ? v : last;
        serials += serial;
        parts += part;
        first = (part || serial) && first == SIZE_MAX ? i : first;
    }
    if (serials >= 3) {
        weft_fail(e, WEFT_DATA, "%s: columns from \"%s\" on are Excel's numbers of days", k->h->file,
                  k->h->name[first]);
        hint_option(k, "weft ingest --date-format excel --layout wide ", e);
        return true;
    }
    if (parts < 2)
        return false;
    weft_fail(e, WEFT_DATA, "%s: columns such as \"%s\" are dates without a year", k->h->file, k->h->name[first]);
    weft_fail_hint(e, "write it into the header: 2024-01-31 for a day, 2024-01 for a month, 2024-W05, 2024-Q1");
    return true;
}

static int no_layout(const struct decide *k, struct weft_err *e)
{
    int64_t day;
    if (names_for_dates(k, e))
        return -1;
    for (size_t i = 0; i < k->h->n; i++)
        if (numbers_for_dates(k, i, e))
            return -1;
    if (weft_date_in_name(k->h->file, &day)) {
        char text[32];
        weft_fail(e, WEFT_DATA, "%s: no column is a day, and the file's name has %s", k->h->file,
                  weft_date_text(day, WEFT_STEP_DAY, text));
        return hint_option(k, "weft ingest --date-from-name ", e);
    }
    for (size_t i = 0; i < k->h->n; i++) {
        if (k->is[i].named != WEFT_NAMED_DATE || !k->s.column[i].filled)
            continue;
        weft_fail(e, WEFT_DATA, "%s: \"%s\" is called like a day, and \"%.40s\" is a date in no form that is known",
                  k->h->file, k->h->name[i], k->s.column[i].first);
        return weft_fail_hint(e,
                              "--date-format says how it is written, as for strptime: %%d.%%m.%%Y; --date COLUMN names "
                              "another column");
    }
    weft_fail(e, WEFT_DATA, "%s: the header fits no layout: no column is a day, and none is called date", k->h->file);
    return weft_fail_hint(e, "say what it is: --layout wide|long|matrix|products, --date COLUMN, --id COLUMN; is the "
                             "header on a later line? --skip LINES");
}

/* Products with the day on which a crawler saw them: most are seen once, on several days. A series comes every day. */
static bool is_crawled(const struct decide *k)
{
    size_t id, date = named_date(k);
    if (date == SIZE_MAX || k->h->dates || k->orders || !weft_ingest_has_crawled(k->h, &id))
        return false;
    const struct weft_evidence *of = &k->s.column[id];
    return of->filled && 2 * of->different >= of->filled && k->s.column[date].different >= 2;
}

/* Columns that are days with the month or the day first, or that --date-format says how to read. */
static int find_turned_days(struct decide *k, struct weft_err *e)
{
    struct weft_evidence c = {0};
    struct weft_dates *form = &k->o->dates;
    if (k->h->dates || k->o->date || (k->o->layout != WEFT_LAYOUT_AUTO && k->o->layout != WEFT_LAYOUT_WIDE))
        return 0;
    size_t found = weft_header_turns(k->h, &c);
    bool told = form->form != WEFT_DATES_PLAIN && named_date(k) == SIZE_MAX;
    if (!told && found < 2)
        return 0;
    struct decide names = *k;
    struct weft_dates was = *form;
    names.d = &(struct weft_decision){.date = SIZE_MAX};
    if (!told && choose_form(&names, &c, NULL, e) < 0)
        return -1;
    weft_header_read_as(k->h, form);
    k->days = form->form;
    *form = told ? *form : was;
    return 0;
}

static int find_layout(struct decide *k, struct weft_err *e)
{
    const struct weft_ingest *o = k->o;
    bool images = o->image != NULL;
    if (find_numbered_days(k, e) < 0 || find_turned_days(k, e) < 0)
        return -1;
    if (o->date_from_name && o->layout == WEFT_LAYOUT_AUTO)
        return WEFT_LAYOUT_LONG;
    if (o->layout == WEFT_LAYOUT_WIDE || o->layout == WEFT_LAYOUT_PRODUCTS || o->date_from_name)
        return o->layout;
    if (o->layout == WEFT_LAYOUT_AUTO && k->h->dates >= 2 && !o->date) {
        size_t date = named_date(k);
        if (date == SIZE_MAX || k->is[date].rank >= 64 || !days_without_marks(k))
            return WEFT_LAYOUT_WIDE;
        weft_fail(e, WEFT_DATA, "%s has a column \"%s\" and columns that are called like days", k->h->file,
                  k->h->name[date]);
        return weft_fail_hint(e, "products with such numbers: --layout matrix; a column a day: --layout wide");
    }
    for (size_t i = 0; i < k->h->n; i++)
        images |= k->s.column[i].filled && most(k->s.column[i].images, k->s.column[i].filled);
    if (o->layout == WEFT_LAYOUT_AUTO && !o->date && named_date(k) == SIZE_MAX && !o->date_from_name &&
        (images || (weft_ingest_has_products(k->h) && !k->orders)))
        return k->h->dates ? WEFT_LAYOUT_WIDE : WEFT_LAYOUT_PRODUCTS;
    if (o->layout == WEFT_LAYOUT_AUTO && !o->date && !o->date_from_name && is_crawled(k))
        return WEFT_LAYOUT_PRODUCTS;
    if (!o->date_from_name && find_date(k, e) < 0)
        return -1;
    if (k->h->dates && k->d->date == SIZE_MAX && o->layout == WEFT_LAYOUT_AUTO)
        return WEFT_LAYOUT_WIDE;
    if (o->date_from_name)
        return WEFT_LAYOUT_LONG;
    int64_t day;
    if (k->d->date == SIZE_MAX && o->layout == WEFT_LAYOUT_LONG && weft_date_in_name(k->h->file, &day))
        return no_layout(k, e);
    if (k->d->date == SIZE_MAX && (o->layout == WEFT_LAYOUT_LONG || o->layout == WEFT_LAYOUT_MATRIX))
        return weft_header_need(k->h, "date", &k->d->date, e) < 0 ? -1 : o->layout;
    if (k->d->date == SIZE_MAX)
        return no_layout(k, e);
    return o->layout == WEFT_LAYOUT_AUTO ? matrix_or_long(k, e) : o->layout;
}

/* A row below the header that says of every day what its numbers count ("PC", "EA"), and names no series. */
static int pass_units(const struct decide *k, struct weft_err *e)
{
    struct weft_csv_row row;
    struct weft_csv_text unit = {0};
    double x;
    if (!weft_csv_look(k->csv, 0, &row) || row.problem || row.n != k->h->n)
        return 0;
    for (size_t i = 0; i < row.n; i++) {
        struct weft_csv_text t = weft_csv_field(&row, i);
        if (k->h->date[i] == WEFT_NO_DATE && t.n && (!unit.n || t.n != unit.n || memcmp(t.p, unit.p, t.n) != 0) &&
            k->s.column[i].filled > 1)
            return 0;
        if (k->h->date[i] == WEFT_NO_DATE)
            continue;
        if (!t.n || weft_count_parse(t.p, t.n, &x) != WEFT_COUNT_BAD ||
            (unit.n && (t.n != unit.n || memcmp(t.p, unit.p, t.n) != 0)))
            return 0;
        unit = t;
    }
    /* A crosstab: a column over the days' names is empty, and no key. */
    for (size_t i = 0; i < k->h->n; i++)
        if (k->h->date[i] == WEFT_NO_DATE && !k->s.column[i].filled)
            *k->h->name[i] = 0;
    return weft_csv_next(k->csv, &row, e) < 0 ? -1 : 0;
}

/* Merged cells: each text stands once, in the first row, and nothing below it, while another column names every row. */
static void find_merged(struct decide *k)
{
    bool named_rows = false;
    struct weft_csv_row row;
    size_t at = 0;
    if (k->o->fill_down.n || !weft_sample_row(k->csv, k->h, &at, &row))
        return;
    for (size_t i = 0; i < k->h->n; i++)
        named_rows |= k->h->date[i] == WEFT_NO_DATE && k->s.rows > 2 && k->s.column[i].filled >= k->s.rows &&
                      k->s.column[i].different == k->s.column[i].filled;
    for (size_t i = 0; i < k->h->n && named_rows; i++) {
        const struct weft_evidence *c = &k->s.column[i];
        bool merged = k->h->date[i] == WEFT_NO_DATE && *k->h->name[i] && c->filled > 1 && c->empty &&
                      c->different == c->filled && !c->numbers && weft_csv_field(&row, i).n;
        if (merged && k->o->fill_down.n < WEFT_MAX_KEYS) {
            k->d->fill_down[k->o->fill_down.n++] = k->h->name[i];
            k->o->fill_down.items = k->d->fill_down;
        }
    }
}

/* --- what is said --- */

static void say(struct weft_pack *b, const char *fmt, ...) WEFT_PRINTF(2, 3);
static void say(struct weft_pack *b, const char *fmt, ...)
{
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t length = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    weft_pack_raw(b, (struct weft_span){(const uint8_t *)text, length});
}

static void say_all(const struct decide *k, struct weft_pack *b, enum weft_use use, const char *what)
{
    size_t n = 0;
    for (size_t i = 0; i < k->h->n; i++)
        if (k->d->use[i] == use && k->h->date[i] == WEFT_NO_DATE)
            say(b, "%s\"%.60s\"", n++ ? ", " : what, k->h->name[i]);
}

/* "date "주문일시" (not "결제일"), id "상품번호", value "수량" (not "금액"); lines 1 to 2 are no header". */
static char *sentence(const struct decide *k)
{
    static const char *const layouts[] = {"", "wide", "long", "matrix", "products"};
    static const char *const forms[] = {[WEFT_DATES_MONTH_FIRST] = ", the month first",
                                        [WEFT_DATES_DAY_FIRST] = ", the day first",
                                        [WEFT_DATES_YEAR_FIRST] = ", the year first",
                                        [WEFT_DATES_SIX_MONTH] = ", year and month",
                                        [WEFT_DATES_SIX_WEEK] = ", year and week (of ISO 8601)",
                                        [WEFT_DATES_SIX_DAY] = ", year, month and day",
                                        [WEFT_DATES_EXCEL] = ", Excel's numbers of days",
                                        [WEFT_DATES_UNIX] = ", seconds since 1970",
                                        [WEFT_DATES_DECIMAL_YEARS] = ", years with months as decimals",
                                        [WEFT_DATES_FORMAT] = ""};
    struct weft_pack b = {0};
    char step[32];
    size_t n = 0;
    say(&b, "%s", layouts[k->o->layout]);
    if (k->o->layout == WEFT_LAYOUT_WIDE)
        say(&b, ": a column a %s, %zu of them%s", k->h->step ? weft_step_text(k->h->step, step) : "day", k->h->dates,
            k->days ? forms[k->days] : "");
    if (k->o->date_from_name)
        say(&b, ": date from the file's name");
    if (k->d->date != SIZE_MAX) {
        say(&b, ": date \"%.60s\"", k->h->name[k->d->date]);
        for (size_t i = 0; i < k->n_dates; i++)
            if (k->dates[i] != k->d->date)
                say(&b, "%s\"%.60s\"", n++ ? ", " : " (not ", k->h->name[k->dates[i]]);
        say(&b, "%s%s", n ? ")" : "", k->o->dates.form ? forms[k->o->dates.form] : "");
    }
    if (k->o->layout == WEFT_LAYOUT_LONG) {
        say_all(k, &b, WEFT_USE_ID, ", id ");
        say_all(k, &b, WEFT_USE_VALUE, ", value ");
        say(&b, "%s", k->o->count_rows ? ", each row one unit" : "");
        n = 0;
        for (size_t i = 0; i < k->h->n; i++)
            if (free_column(k, i) &&
                (k->term[i] == WEFT_TERM_COUNT || k->term[i] == WEFT_TERM_SALES || k->term[i] == WEFT_TERM_MONEY) &&
                is_number(k, i))
                say(&b, "%s\"%.60s\"", n++ ? ", " : " (not ", k->h->name[i]);
        say(&b, "%s", n ? ")" : "");
    }
    for (size_t i = n = 0; i < k->h->n && k->o->targets_alone; i++)
        if (i != k->d->date && weft_name_explains(k->h->name[i]))
            say(&b, "%s\"%.60s\"", n++ ? ", " : ", no series (--layout matrix takes them for such) ", k->h->name[i]);
    for (size_t i = 0; i < k->o->fill_down.n; i++)
        say(&b, "%s\"%.60s\"", i ? ", " : "; empty cells mean the one above in ", k->o->fill_down.items[i]);
    if (k->h->line > 1)
        say(&b, "; the header is line %llu", (unsigned long long)k->h->line);
    char *text = weft_xstrndup((const char *)b.p, b.n);
    weft_pack_free(&b);
    return text;
}

/* The columns that options name. */
static int mark_told(struct decide *k, struct weft_err *e)
{
    size_t column;
    for (size_t i = 0; i < k->o->id.n && k->o->layout != WEFT_LAYOUT_PRODUCTS; i++) {
        if (weft_header_need(k->h, k->o->id.items[i], &column, e) < 0)
            return -1;
        k->d->use[column] = WEFT_USE_ID;
    }
    for (size_t i = 0; i < k->o->values.n; i++) {
        const char *eq = strchr(k->o->values.items[i], '=');
        if (weft_header_need(k->h, eq ? eq + 1 : k->o->values.items[i], &column, e) < 0)
            return -1;
        k->d->use[column] = WEFT_USE_VALUE;
    }
    return 0;
}

/* Does the option for this use name a column by its number? */
static bool by_number(const struct decide *k, enum weft_use use)
{
    const struct weft_list *list = use == WEFT_USE_ID ? &k->o->id : &k->o->values;
    for (size_t i = 0; i < list->n && use != WEFT_USE_DATE; i++) {
        const char *eq = strchr(list->items[i], '=');
        if (list->items[i][0] == '#' || (eq && eq[1] == '#'))
            return true;
    }
    return use == WEFT_USE_DATE && k->told_date && *k->told_date == '#';
}

/* --date, --id and --value of one name that several columns have: which? */
static int check_names(const struct decide *k, struct weft_err *e)
{
    static const char *const options[] = {"", "--date", "--id", "", "--value"};
    for (size_t i = 0; i < k->h->n; i++)
        for (size_t c = 0; c < i; c++) {
            size_t both[] = {c, i};
            enum weft_use use = k->d->use[c] ? k->d->use[c] : k->d->use[i];
            if (!use || use == WEFT_USE_KEY || by_number(k, use) || k->h->date[i] != WEFT_NO_DATE ||
                strcmp(k->h->name[i], k->h->name[c]) != 0 || all_equal(k, both, 2))
                continue;
            weft_fail(e, WEFT_DATA, "%s: columns %zu and %zu are both called \"%s\"", k->h->file, c + 1, i + 1,
                      k->h->name[i]);
            return weft_fail_hint(e, "weft ingest %s '#%zu' %s, or weft ingest %s '#%zu' %s", options[use], c + 1,
                                  k->h->file, options[use], i + 1, k->h->file);
        }
    return 0;
}

static int decide(struct decide *k, struct weft_err *e)
{
    int layout = find_layout(k, e);
    if (layout < 0)
        return -1;
    k->o->layout = layout;
    if (layout == WEFT_LAYOUT_WIDE) {
        if ((!k->o->keys.n && check_almost_days(k, e) < 0) || pass_units(k, e) < 0)
            return -1;
        find_merged(k);
        return 0;
    }
    if (layout == WEFT_LAYOUT_PRODUCTS)
        return 0;
    if (k->d->date != SIZE_MAX) {
        if (!k->told_date || *k->told_date != '#')
            k->o->date = k->h->name[k->d->date];
        k->d->use[k->d->date] = WEFT_USE_DATE;
    }
    if (mark_told(k, e) < 0 || (k->d->date != SIZE_MAX && find_form(k, e) < 0))
        return -1;
    if (layout == WEFT_LAYOUT_LONG && !k->o->values.n && !k->o->count_rows) {
        if (find_value(k, e) < 0)
            return -1;
        k->d->value[0] = k->h->name[k->value];
        if (strchr(k->d->value[0], '=')) { /* the option takes NAME=COLUMN */
            size_t n = strlen(k->d->value[0]) + sizeof "units=";
            k->d->value[0] = k->d->room = weft_xmalloc(n);
            snprintf(k->d->room, n, "units=%s", k->h->name[k->value]);
        }
        k->o->values = (struct weft_list){k->d->value, 1};
    }
    for (size_t i = 0; i < k->h->n && k->orders; i++)
        if (i != k->d->date && weft_name_is_payment(k->h->name[i]) && (unsigned char)*k->h->name[i] >= 0x80 &&
            is_date(k, i) && is_filled(k, i))
            k->o->paid = k->h->name[i];
    if (layout == WEFT_LAYOUT_LONG && !k->o->id.n && find_id(k, e) < 0)
        return -1;
    return check_names(k, e);
}

int weft_decide(struct weft_csv *csv, struct weft_header *h, struct weft_ingest *o, struct weft_decision *d,
                struct weft_err *e)
{
    struct decide k = {.csv = csv, .h = h, .o = o, .d = d, .value = SIZE_MAX, .told_date = o->date};
    *d = (struct weft_decision){.use = WEFT_ARRAY(enum weft_use, h->n + 1), .n = h->n, .date = SIZE_MAX};
    k.is = WEFT_ARRAY(struct weft_name_is, h->n + 1);
    k.term = WEFT_ARRAY(enum weft_term, h->n + 1);
    weft_sample_take(csv, h, &k.s);
    for (size_t i = 0; i < h->n; i++) {
        k.is[i] = weft_name_of(h->name[i]);
        k.term[i] = weft_term_of(h->name[i], strlen(h->name[i]));
    }
    k.orders = has_orders(&k);
    see_named_dates(&k);
    int rc = decide(&k, e);
    if (rc == 0) {
        o->hours = d->hours;
        o->columns = d->said = sentence(&k);
    }
    weft_sample_free(&k.s);
    free(k.is);
    free(k.term);
    return rc;
}

void weft_decision_free(struct weft_decision *d)
{
    free(d->use);
    free(d->said);
    free(d->room);
    *d = (struct weft_decision){0};
}
