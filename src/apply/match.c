/* match.c - a model on a stream. */
#include "apply/match.h"

#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"

int weft_match_key(const struct weft_series_attrs *a, const struct weft_model_info *m, const char *who, int *key,
                   struct weft_err *e)
{
    *key = weft_series_key(a, m->by);
    return *key == WEFT_KEY_NONE
               ? weft_fail(e, WEFT_CONFIG, "%s has weights for each \"%s\", and the stream has no such key", who, m->by)
               : 0;
}

int weft_match_windows(const struct weft_series_attrs *a, const struct weft_model_info *m, const char *who,
                       struct weft_err *e)
{
    if (m->horizon != a->horizon)
        return weft_fail(e, WEFT_CONFIG, "%s forecasts a horizon of %lld, and the windows have %lld", who,
                         (long long)m->horizon, (long long)a->horizon);
    if (m->scale != a->scale)
        return weft_fail(e, WEFT_CONFIG, "%s was trained with --scale %s, and the windows have --scale %s", who,
                         weft_scale_names[m->scale], weft_scale_names[a->scale]);
    return 0;
}

int weft_match_channels(const struct weft_series_attrs *a, const struct weft_model_info *m, const char *who,
                        const char *only, size_t *at, struct weft_err *e)
{
    bool any = false;
    for (size_t c = 0; c < a->n_targets; c++) {
        const char *name = a->channels[c];
        at[c] = SIZE_MAX;
        for (size_t k = 0; k < m->n_channels; k++)
            if (strcmp(m->channels[k], name) == 0 && (!only || strcmp(only, name) == 0))
                at[c] = k;
        any |= at[c] != SIZE_MAX;
    }
    if (any)
        return 0;
    if (only)
        return weft_fail(e, WEFT_CONFIG, "--channel: model and stream have no channel \"%s\" in common", only);
    return weft_fail(e, WEFT_CONFIG, "%s forecasts channel %s, and the stream has %s", who, m->channels[0],
                     a->channels[0]);
}

int weft_match_exogenous(const struct weft_series_attrs *a, const struct weft_model_info *m, const char *who,
                         size_t *at, struct weft_err *e)
{
    for (size_t c = 0; c < m->exog.n; c++) {
        at[c] = weft_series_channel(a, m->exogenous[c]);
        if (at[c] != SIZE_MAX)
            continue;
        weft_fail(e, WEFT_CONFIG, "%s looks at channel %s (%s), and the stream has none of this name", who,
                  m->exogenous[c], weft_role_name(m->exog.role[c]));
        return weft_fail_hint(
            e, "weft ingest --value and covariates give channels; weft train-dlinear --exog none does without");
    }
    return 0;
}

/* --- what is known ahead --- */

static bool is_ahead(const struct weft_model_info *m, size_t c)
{
    return m->exog.role[c] == WEFT_ROLE_FUTURE;
}

bool weft_match_needs_ahead(const struct weft_model_info *m)
{
    for (size_t c = 0; c < m->exog.n; c++)
        if (is_ahead(m, c))
            return true;
    return false;
}

int weft_match_calendar_ahead(const struct weft_series_attrs *a, const struct weft_model_info *m, const char *who,
                              struct weft_err *e)
{
    char from[32], to[32];
    int64_t end = a->known + m->horizon;
    for (size_t c = 0; c < m->exog.n; c++) {
        if (!is_ahead(m, c) || end <= a->length)
            continue;
        weft_fail(e, WEFT_CONFIG, "channel %s has no values from %s to %s, which %s needs to know ahead",
                  m->exogenous[c], weft_series_date(a, weft_step_add(a->start, a->length, a->step), from),
                  weft_series_date(a, weft_step_add(a->start, end - 1, a->step), to), who);
        return weft_fail_hint(e,
                              "give ingest rows of these days without sales, or weft covariates --csv FILE as far as "
                              "that; weft covariates --ahead %lld goes on, with --carry %s by the last known value",
                              (long long)m->horizon, m->exogenous[c]);
    }
    return 0;
}

bool weft_match_series_planned(const struct weft_series *s, const struct weft_model_info *m, const size_t *at,
                               size_t origin)
{
    for (size_t c = 0; c < m->exog.n; c++) {
        const float *x = s->values + at[c] * s->n;
        size_t end = origin + (size_t)m->horizon, t = origin;
        for (; is_ahead(m, c) && t < end && (t >= s->n || isnan(x[t])); t++)
            ;
        if (is_ahead(m, c) && t == end)
            return false;
    }
    return true;
}

int weft_match_series_ahead(const struct weft_series_attrs *a, const struct weft_series *s,
                            const struct weft_model_info *m, const char *who, const size_t *at, size_t origin,
                            struct weft_err *e)
{
    char from[32], to[32];
    for (size_t c = 0; c < m->exog.n; c++) {
        const float *x = s->values + at[c] * s->n;
        size_t missing = 0, first = 0, last = 0, end = origin + (size_t)m->horizon;
        for (size_t t = origin; t < end && is_ahead(m, c); t++)
            if (t >= s->n || isnan(x[t])) {
                first = missing++ ? first : t;
                last = t;
            }
        if (!missing)
            continue;
        weft_series_date(a, weft_step_add(s->start, (int64_t)first, a->step), from);
        weft_series_date(a, weft_step_add(s->start, (int64_t)last, a->step), to);
        weft_fail(e, WEFT_CONFIG,
                  "series \"%.*s\": channel %s, which %s needs to know ahead, misses %zu of %lld steps (%s%s%s)",
                  s->id.n < 80 ? (int)s->id.n : 80, (const char *)s->id.p, m->exogenous[c], who, missing,
                  (long long)m->horizon, from, last > first ? " to " : "", last > first ? to : "");
        return weft_fail_hint(
            e, "give them with weft covariates --csv FILE, or the last known value with weft covariates --carry %s",
            m->exogenous[c]);
    }
    return 0;
}

/* --- the limit at zero --- */

bool *weft_match_clip(const struct weft_series_attrs *a, bool told, bool *nonnegative)
{
    bool *clip = WEFT_ARRAY(bool, a->n_targets), any = false;
    for (size_t c = 0; c < a->n_targets; c++)
        any |= clip[c] = told ? *nonnegative : weft_channel_is_count(a->channels[c], strlen(a->channels[c]));
    *nonnegative = any;
    return clip;
}
