/* steps.c - the step that a table's dates have. */
#include "base/calendar.h"
#include "ingest/ingest.h"

enum { SALES_MIN = 3, BUSINESS_DAYS_MIN = 10 };

static int64_t common(int64_t a, int64_t b)
{
    while (b) {
        int64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

static void civil(int64_t t, int *y, int *m, int *d)
{
    weft_civil_from_days((t - (t % WEFT_STEP_DAY + WEFT_STEP_DAY) % WEFT_STEP_DAY) / WEFT_STEP_DAY, y, m, d);
}

/* All on one day of their months, or on the last one: the months between them have this divisor. 0: they are no months.
 */
static int64_t months_apart(const int64_t *t, size_t n)
{
    int64_t all = 0;
    bool same = true, last = true;
    int y0, m0, d0, y, m, d;
    civil(t[0], &y0, &m0, &d0);
    for (size_t i = 0; i < n; i++) {
        if (t[i] % WEFT_STEP_DAY)
            return 0;
        civil(t[i], &y, &m, &d);
        same &= d == d0;
        last &= weft_step_begin(t[i] + WEFT_STEP_DAY, WEFT_STEP_MONTH) == t[i] + WEFT_STEP_DAY;
        int64_t apart = i ? weft_step_count(t[i - 1], t[i], WEFT_STEP_MONTH) : 0;
        if (i && !apart)
            return 0;
        all = common(all, apart);
    }
    return same || last ? all : 0;
}

/* Days from Monday to Friday, nearly all of them, over more than one weekend. */
static bool business_days(const int64_t *t, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (t[i] % WEFT_STEP_DAY || weft_weekday(t[i]) > 4)
            return false;
    int64_t all = n ? weft_step_count(t[0], t[n - 1], WEFT_STEP_BUSINESS_DAY) + 1 : 0;
    return n >= BUSINESS_DAYS_MIN && (int64_t)n * 5 >= all * 4 && t[n - 1] - t[0] > 2 * WEFT_STEP_WEEK - WEFT_STEP_DAY;
}

int64_t weft_step_find(const int64_t *t, size_t n, bool sales)
{
    int64_t all = 0, least = 0, months;
    for (size_t i = 1; i < n; i++) {
        int64_t d = t[i] - t[i - 1];
        all = common(all, d);
        least = !least || d < least ? d : least;
    }
    if (n < 2)
        return WEFT_STEP_DAY;
    bool few = sales && n < SALES_MIN;
    if (!few && least >= 28 * WEFT_STEP_DAY && (months = months_apart(t, n)) > 0 && months % 12)
        return months % 3 || n < SALES_MIN ? WEFT_STEP_MONTH : WEFT_STEP_QUARTER;
    if (!few && all % WEFT_STEP_WEEK == 0 && (sales || least == WEFT_STEP_WEEK))
        return WEFT_STEP_WEEK;
    if (business_days(t, n))
        return WEFT_STEP_BUSINESS_DAY;
    if (!sales)
        return least;
    /* Hours, when most of those from the first to the last have a sale. */
    bool dense = (uint64_t)(t[n - 1] - t[0]) / (uint64_t)WEFT_STEP_HOUR < 2 * n;
    return all % WEFT_STEP_DAY && dense ? WEFT_STEP_HOUR : WEFT_STEP_DAY;
}
