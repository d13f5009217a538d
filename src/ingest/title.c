/* title.c - which row of a table is its header: titles, comments and merged groups may stand above it.
 *
 * It is the first row unless one of the first 20 has more names that are known, at least 3 of them, or days where the
 * first row is empty. */
#include <string.h>

#include "base/calendar.h"
#include "base/dates.h"
#include "base/num.h"
#include "base/terms.h"
#include "ingest/ingest.h"
#include "ingest/names.h"
#include "text/counts.h"

enum { ROWS = 20, NAMES_MIN = 3, DAYS_MIN = 2, NAME_MAX_BYTES = 120 };

/* What a row looks like as a header. */
struct look {
    size_t names, days, filled;
};

static bool is_day(struct weft_csv_text t)
{
    int64_t seconds, step;
    bool digits = true;
    for (size_t i = 0; i < t.n; i++)
        digits = digits && t.p[i] >= '0' && t.p[i] <= '9';
    return weft_date_parse(t.p, t.n, &seconds) || weft_dates_period(t.p, t.n, &seconds, &step) ||
           (!digits && weft_dates_kind(t.p, t.n) == WEFT_DATE_SURE);
}

static bool is_name(struct weft_csv_text t)
{
    char name[NAME_MAX_BYTES + 1];
    double x;
    if (!t.n || t.n > NAME_MAX_BYTES || weft_count_parse(t.p, t.n, &x) == WEFT_COUNT_OK)
        return false;
    memcpy(name, t.p, t.n);
    name[t.n] = 0;
    return weft_name_of(name).named != WEFT_NAMED_OTHER || weft_term_of(t.p, t.n) != WEFT_TERM_OTHER;
}

static struct look look_at(const struct weft_csv_row *row)
{
    struct look k = {0};
    for (size_t i = 0; i < row->n; i++) {
        struct weft_csv_text t = weft_csv_field(row, i);
        bool day = t.n && is_day(t);
        k.filled += t.n > 0;
        k.days += day;
        k.names += !day && is_name(t);
    }
    return k;
}

/* Does `row` have days where the one above has nothing, or one name over all of them, and nothing where that one has
 * names? */
static bool completes(const struct weft_csv_row *above, const struct weft_csv_row *row)
{
    size_t days = 0, over = 0;
    if (above->n != row->n)
        return false;
    for (size_t i = 0; i < row->n; i++) {
        struct weft_csv_text up = weft_csv_field(above, i), t = weft_csv_field(row, i);
        bool day = t.n && is_day(t);
        days += day;
        over += day && up.n;
        if (!day && t.n && up.n)
            return false;
    }
    return days >= DAYS_MIN && over <= 1;
}

size_t weft_header_above(struct weft_csv *csv, bool *joined)
{
    struct weft_csv_row first, row, above;
    size_t best = 0;
    *joined = false;
    if (!weft_csv_look(csv, 0, &first))
        return 0;
    struct look top = look_at(&first), best_look = top;
    if (first.problem)
        best_look = top = (struct look){0};
    for (size_t i = 1; i < ROWS && weft_csv_look(csv, i, &row); i++) {
        struct look k = look_at(&row);
        if (row.problem)
            continue;
        bool below =
            best + 1 == i || best_look.names < NAMES_MIN; /* else a row of the table, below names and an empty row */
        if (!top.days && below && weft_csv_look(csv, i - 1, &above) && !best_look.days && k.days >= DAYS_MIN &&
            completes(&above, &row)) {
            *joined = true;
            return i - 1;
        }
        /* Days make a header of a row below titles alone: a row of a table may hold several. */
        bool days = k.days >= NAMES_MIN && k.days > best_look.days && best_look.names + best_look.days < 1 &&
                    k.names + 1 >= k.filled - k.days;
        if ((k.names >= NAMES_MIN && k.names > best_look.names && k.names > best_look.days &&
             2 * k.names > k.filled - k.days) ||
            days) {
            best = i;
            best_look = k;
        }
    }
    return best;
}
