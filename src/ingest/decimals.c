/* decimals.c - which sign stands before decimals in a table, and which between thousands. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ingest/ingest.h"
#include "ingest/names.h"
#include "text/counts.h"

enum { LOOKED_AT = 1000 };

/* What the values of one kind, the days of a wide table or one column, say of the sign between thousands. */
struct thousands {
    size_t small, large; /* whole numbers without any sign: 1 to 999, and others */
    bool comma, dot;     /* "1,250", "1.250" */
    bool zero;           /* "1.200": who writes no zeros after a decimal sign would have written 1.2 */
    char shown[32];      /* the last of them */
};

struct look {
    struct weft_decimal_signs all;
    struct thousands days, *column; /* [columns] */
    size_t sums;                    /* rows for which sum_says_thousands */
};

static void see(struct thousands *k, struct weft_csv_text t)
{
    struct weft_decimal_signs d = {0};
    size_t digits = t.n && *t.p == '-';
    double x;
    weft_decimal_look(&d, t.p, t.n);
    k->comma |= d.open_comma > 0;
    k->dot |= d.open_dot > 0;
    k->zero |= d.open_dot && t.p[t.n - 1] == '0';
    if (d.open_dot || (d.open_comma && !k->dot))
        snprintf(k->shown, sizeof k->shown, "%.*s", t.n < sizeof k->shown ? (int)t.n : (int)sizeof k->shown - 1, t.p);
    while (digits < t.n && t.p[digits] >= '0' && t.p[digits] <= '9')
        digits++;
    if (digits < t.n || weft_count_parse(t.p, t.n, &x) != WEFT_COUNT_OK || x == 0)
        return;
    k->small += fabs(x) < 1000;
    k->large += fabs(x) >= 1000;
}

/* Does one of the row's columns of totals (합계, Overall Result) hold the sum of its values when dots stand between
 * thousands, and not otherwise? */
static bool sum_says_thousands(const struct weft_csv_row *row, const struct weft_header *h, const bool *is_value)
{
    double sum[2] = {0}, x[2];
    bool signs = false; /* without one both readings are the same */
    for (size_t i = 0; i < h->n && i < row->n && !signs; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        signs = is_value[i] && t.n && memchr(t.p, '.', t.n);
    }
    for (size_t i = 0; i < h->n && i < row->n && signs; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        for (int d = 0; d < 2 && is_value[i]; d++)
            sum[d] += weft_count_parse_in((enum weft_decimal)d, t.p, t.n, &x[d]) == WEFT_COUNT_OK ? x[d] : 0;
    }
    for (size_t i = 0; i < h->n && i < row->n && signs; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        bool total = !is_value[i] && weft_name_is_total(h->name[i], strlen(h->name[i])) &&
                     weft_count_parse_in(WEFT_DECIMAL_COMMA, t.p, t.n, &x[1]) == WEFT_COUNT_OK;
        bool points = total && weft_count_parse(t.p, t.n, &x[0]) == WEFT_COUNT_OK && fabs(x[0] - sum[0]) < 0.0005;
        if (total && !points && x[1] == sum[1])
            return true;
    }
    return false;
}

static void look(struct look *k, struct weft_csv *csv, const struct weft_header *h, const bool *is_value)
{
    struct weft_csv_row row;
    bool commas = weft_csv_delimiter(csv) == ',';
    for (size_t r = 0; r < LOOKED_AT && weft_csv_look(csv, r, &row); r++) {
        for (size_t i = 0; i < row.n && i < h->n; i++) {
            struct weft_csv_text t = weft_csv_field(&row, i);
            if (commas && memchr(t.p, ',', t.n)) /* a list, or thousands */
                continue;
            weft_decimal_look(&k->all, t.p, t.n);
            if (is_value[i])
                see(h->date[i] != WEFT_NO_DATE ? &k->days : &k->column[i], t);
        }
        k->sums += sum_says_thousands(&row, h, is_value);
    }
}

/* "1.200" beside 980: dots stand between thousands. A column with decimals that writes their zeros would have 980.000,
 * and one that does not would have 1.2; and one with thousands has no 1500. */
static bool is_thousands(const struct thousands *k)
{
    return k->zero && k->small && !k->large;
}

static int two_readings(const struct weft_header *h, const char *shown, struct weft_err *e)
{
    const char *sign = strpbrk(shown, ".,");
    const char *thousands = *sign == '.' ? "comma" : "point", *decimals = *sign == '.' ? "point" : "comma";
    weft_fail(e, WEFT_DATA, "%s: \"%s\" has two readings in a table with semicolons, and no other number tells",
              h->file, shown);
    return weft_fail_hint(e, "--decimal %s: 1%c250 is 1250; --decimal %s: it is 1 and a quarter", thousands, *sign,
                          decimals);
}

static int choose(struct weft_run *run, const struct look *k, const struct weft_header *h, char delimiter,
                  enum weft_decimal *out, struct weft_err *e)
{
    const struct thousands *dotted = NULL, *mixed = NULL;
    bool thousands = k->sums > 0, never = false;
    for (size_t i = 0; i <= h->n; i++) {
        const struct thousands *c = i < h->n ? &k->column[i] : &k->days;
        dotted = c->dot ? c : dotted;
        mixed = c->comma && c->large ? c : mixed;
        thousands |= is_thousands(c);
        never |= c->dot && c->large;
    }
    if (k->all.comma && !k->all.point)
        *out = WEFT_DECIMAL_COMMA;
    if (k->all.comma || k->all.point)
        return 0;
    if (dotted && thousands && !never) {
        *out = WEFT_DECIMAL_COMMA;
        weft_run_warn(run, "%s: dots stand between thousands, as in \"%s\" (--decimal point: it has decimals)", h->file,
                      dotted->shown);
        return 0;
    }
    if (delimiter == ';' && (dotted || mixed))
        return two_readings(h, dotted ? dotted->shown : mixed->shown, e);
    return 0;
}

int weft_ingest_decimal(struct weft_run *run, const struct weft_ingest *o, struct weft_csv *csv,
                        const struct weft_header *h, const bool *is_value, enum weft_decimal *out, struct weft_err *e)
{
    struct look k = {.column = WEFT_ARRAY(struct thousands, h->n + 1)};
    *out = o->decimal == 2 ? WEFT_DECIMAL_COMMA : WEFT_DECIMAL_POINT;
    int rc = 0;
    if (!o->decimal) {
        look(&k, csv, h, is_value);
        rc = choose(run, &k, h, weft_csv_delimiter(csv), out, e);
    }
    free(k.column);
    return rc;
}
