/* left_out.c - why a series can't be forecast from its end. */
#include "apply/left_out.h"

#include <math.h>

#include "base/calendar.h"
#include "base/mem.h"

static const char *step_noun(int64_t step)
{
    static const struct {
        int64_t step;
        const char *noun;
    } known[] = {{WEFT_STEP_HOUR, "hour"},   {WEFT_STEP_DAY, "day"},         {WEFT_STEP_WEEK, "week"},
                 {WEFT_STEP_MONTH, "month"}, {WEFT_STEP_QUARTER, "quarter"}, {WEFT_STEP_BUSINESS_DAY, "working day"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].step == step)
            return known[i].noun;
    return "step";
}

static const char *date_of(const struct weft_left_out_job *j, size_t t, char buf[32])
{
    return weft_series_date(j->attrs, weft_step_add(j->series->start, (int64_t)t, j->attrs->step), buf);
}

/* The steps before the origin that the model looks at; of a baseline the whole past. */
static size_t lookback_of(const struct weft_left_out_job *j)
{
    size_t lookback = j->info ? (size_t)j->info->lookback : j->origin;
    return lookback < j->origin ? lookback : j->origin;
}

/* The last steps are missing, or some between the first value and them; NULL: none is. */
static char *why_gaps(const struct weft_left_out_job *j, const float *x, size_t first)
{
    const char *noun = step_noun(j->attrs->step);
    size_t start = j->origin - lookback_of(j), from = start > first ? start : first, end = j->origin;
    size_t missing = 0, last = 0;
    char date[32];
    while (end > from && isnan(x[end - 1]))
        end--;
    if (end + 1 == j->origin)
        return weft_xasprintf("its last %s, %s, is missing", noun, date_of(j, end, date));
    if (end < j->origin)
        return weft_xasprintf("its last %zu %ss, from %s on, are missing", j->origin - end, noun,
                              date_of(j, end, date));
    for (size_t t = from; t < end; t++)
        if (isnan(x[t])) {
            missing++;
            last = t;
        }
    if (!missing)
        return NULL;
    date_of(j, last, date);
    if (missing == 1)
        return weft_xasprintf("%s, a %s that %s looks back on, is missing", date, noun, j->model);
    return weft_xasprintf("%zu %ss that %s looks back on are missing, the last of them %s", missing, noun, j->model,
                          date);
}

/* Missing values of a channel up to the origin are filled by the last known one (exog.h), and those ahead were refused:
 * so one has no value at all, or no mean to be relative to. */
static char *why_exogenous(const struct weft_left_out_job *j)
{
    const struct weft_series *s = j->series;
    char date[32];
    for (size_t c = 0; c < j->info->n_exogenous; c++) {
        const float *x = s->values + j->exogenous[c] * s->n;
        size_t t = 0;
        while (t < j->origin && isnan(x[t]))
            t++;
        if (t == j->origin)
            return weft_xasprintf("its channel %s has no value before %s", j->info->exogenous[c],
                                  date_of(j, j->origin, date));
    }
    for (size_t c = 0; c < j->info->n_exogenous; c++)
        if (j->info->exog.relative[c])
            return weft_xasprintf("its channel %s, which counts relative to its mean, has a mean of 0",
                                  j->info->exogenous[c]);
    return weft_xasprintf("a value that %s looks at is missing", j->model);
}

char *weft_left_out_why(const struct weft_left_out_job *j, const struct weft_baseline *baseline)
{
    const struct weft_series *s = j->series;
    const float *x = s->values + j->channel * s->n;
    const char *noun = step_noun(j->attrs->step);
    size_t needs = baseline ? weft_baseline_history(baseline) : (size_t)j->info->lookback, any = 0;
    char date[32];
    while (any < j->origin && isnan(x[any]))
        any++;
    if (any == j->origin)
        return weft_xasprintf("it has no value before %s", date_of(j, j->origin, date));
    char *why = why_gaps(j, x, any);
    if (why)
        return why;
    if (j->origin - any < needs)
        return weft_xasprintf("it begins on %s, which is %zu %s%s ago, and %s looks back %zu", date_of(j, any, date),
                              j->origin - any, noun, j->origin - any == 1 ? "" : "s", j->model, needs);
    return j->info ? why_exogenous(j) : weft_xasprintf("a value that %s looks at is missing", j->model);
}
