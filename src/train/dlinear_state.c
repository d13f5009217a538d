/* dlinear_state.c - a model that grows by the day. The file is in dlinear_state_file.c. */
#include "train/dlinear_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/file.h"
#include "base/mem.h"

void weft_dlinear_state_close(struct weft_dlinear_state **p)
{
    struct weft_dlinear_state *s = *p;
    if (!s)
        return;
    for (size_t i = 0; i < s->n_units; i++) {
        struct weft_state_unit *u = &s->unit[i];
        weft_gram_free(&u->sum);
        weft_gram_free(&u->fresh);
        free(u->fresh_sum);
        weft_dlinear_weights_free(&u->w);
        free(u->rows);
        free(u->low);
    }
    for (size_t i = 0; i < s->n_series; i++) {
        free(s->series[i].tail);
        free(s->series[i].features);
        free(s->series[i].past);
    }
    for (size_t i = 0; i < s->n_options; i++) {
        free(s->option[i].name);
        free(s->option[i].text);
    }
    free(s->unit);
    free(s->series);
    free(s->option);
    free(s->by);
    free(s->path);
    free(s->room.p);
    weft_names_free(&s->ids);
    weft_names_free(&s->channels);
    weft_names_free(&s->exogenous);
    weft_units_free(&s->units);
    free(s);
    *p = NULL;
}

static const char *option(const struct weft_dlinear_state *s, const char *name)
{
    for (size_t i = 0; i < s->n_options; i++)
        if (strcmp(s->option[i].name, name) == 0)
            return s->option[i].text;
    return NULL;
}

void weft_state_set_option(struct weft_dlinear_state *s, const char *name, const char *text)
{
    s->option = weft_xrealloc2(s->option, s->n_options + 1, sizeof *s->option);
    s->option[s->n_options].name = weft_xstrdup(name);
    s->option[s->n_options++].text = weft_xstrdup(text);
}

int weft_dlinear_state_keep(struct weft_dlinear_state *s, const char *name, const char *text, bool given,
                            struct weft_err *e)
{
    const char *before = option(s, name);
    if (s->fresh)
        weft_state_set_option(s, name, text);
    else if (given && (!before || strcmp(before, text) != 0)) {
        weft_fail(e, WEFT_CONFIG, "--%s is %s, and %s was begun with %s", name, text, s->path,
                  before ? before : "none");
        return weft_fail_hint(e, "leave it away, or begin a new state from all the history");
    }
    return 0;
}

/* --- start --- */

static int check_fit(const struct weft_dlinear_state *s, const struct weft_series_attrs *a, struct weft_err *e)
{
    if (a->step != s->step)
        return weft_fail(e, WEFT_CONFIG, "the state has steps of %lld s, and the stream has steps of %lld s",
                         (long long)s->step, (long long)a->step);
    if (a->n_targets != s->channels.n)
        return weft_fail(e, WEFT_CONFIG, "the state has %zu channels, and the stream has %zu", s->channels.n,
                         a->n_targets);
    for (size_t c = 0; c < a->n_targets; c++)
        if (strcmp(a->channels[c], s->channels.at[c].p) != 0)
            return weft_fail(e, WEFT_CONFIG, "channel %zu of the state is %s, and of the stream %s", c + 1,
                             s->channels.at[c].p, a->channels[c]);
    if (a->lookback > 0 && ((size_t)a->lookback != s->shape.lookback || (size_t)a->horizon != s->shape.horizon))
        return weft_fail(e, WEFT_CONFIG, "the state has windows of %zu + %zu steps, and the stream has %lld + %lld",
                         s->shape.lookback, s->shape.horizon, (long long)a->lookback, (long long)a->horizon);
    return 0;
}

/* Finds an opened state's exogenous channels in the stream. */
static int find_exogenous(struct weft_dlinear_state *s, const struct weft_series_attrs *a, struct weft_err *e)
{
    for (size_t c = 0; c < s->exogenous.n; c++) {
        s->at[c] = weft_series_channel(a, s->exogenous.at[c].p);
        if (s->at[c] != SIZE_MAX && s->at[c] >= a->n_targets)
            continue;
        weft_fail(e, WEFT_CONFIG,
                  "the state looks at channel %s beside the sales, and the stream has none of this name",
                  s->exogenous.at[c].p);
        return weft_fail_hint(
            e, "give it as when the state was begun (weft ingest --future, --past, --static, covariates)");
    }
    return 0;
}

void weft_dlinear_state_exog(struct weft_dlinear_state *s, const struct weft_exog_shape *exog)
{
    const struct weft_series_attrs *a = &s->units.attrs;
    s->shape.exog = *exog;
    for (size_t c = 0; c < exog->n; c++) {
        s->at[c] = a->n_targets + c;
        weft_names_add(&s->exogenous, a->channels[s->at[c]], strlen(a->channels[s->at[c]]));
    }
}

static int take_shape(struct weft_dlinear_state *s, const struct weft_series_attrs *a, const char *by,
                      struct weft_err *e)
{
    if (a->lookback == 0) {
        weft_fail(e, WEFT_CONFIG, "there is no state yet, and a series stream does not say how to begin one");
        return weft_fail_hint(e, "begin with windows: weft ingest ... | weft window --lookback N --horizon N | weft "
                                 "train-dlinear --state FILE -o MODEL");
    }
    s->shape = (struct weft_dlinear_shape){
        .lookback = (size_t)a->lookback, .horizon = (size_t)a->horizon, .kernel = 25, .norm = WEFT_NORM_NONE};
    s->step = a->step;
    s->by = weft_xstrdup(by);
    for (size_t c = 0; c < a->n_targets; c++)
        weft_names_add(&s->channels, a->channels[c], strlen(a->channels[c]));
    double width = (double)(s->shape.lookback + s->shape.horizon);
    if (s->half_life > 0 && s->half_life * 100 < width)
        return weft_fail(e, WEFT_CONFIG,
                         "--forget: a half-life of %g steps is too short for windows of %g: at least %g", s->half_life,
                         width, width / 100);
    return 0;
}

int weft_dlinear_state_start(struct weft_dlinear_state *s, const struct weft_head *h, const char *by,
                             struct weft_err *e)
{
    struct weft_names groups = s->units.groups; /* of an opened state */
    int rc = weft_units_start(&s->units, h, s->fresh ? by : s->by, e);
    s->units.groups = groups;
    if (rc < 0)
        return -1;
    const struct weft_series_attrs *a = &s->units.attrs;
    if (a->lookback > 0 && (a->scale != WEFT_SCALE_NONE || a->stride != 1)) {
        weft_fail(e, WEFT_CONFIG, "a state adds up values as they are, window by window: --scale none and --stride 1");
        return weft_fail_hint(e, "leave --scale and --stride of window away");
    }
    if (s->fresh ? take_shape(s, a, by, e) < 0 : check_fit(s, a, e) < 0 || find_exogenous(s, a, e) < 0)
        return -1;
    s->units.by = s->by;
    s->before = s->day;
    int64_t end = weft_step_add(a->start, a->known - 1, a->step);
    s->day = end > s->day ? end : s->day;
    return 0;
}

/* --- days --- */

/* A unit for which nothing could be chosen, or that is new, is fitted as the first one of its channel was chosen, or
 * the first of all. */
static void borrow_choices(struct weft_dlinear_state *s, size_t unit)
{
    const struct weft_state_unit *from = NULL;
    for (size_t i = unit % s->channels.n; i < s->n_units && !from; i += s->channels.n)
        from = s->unit[i].n_best ? &s->unit[i] : NULL;
    for (size_t i = 0; i < s->n_units && !from; i++)
        from = s->unit[i].n_best ? &s->unit[i] : NULL;
    if (!from)
        return;
    memcpy(s->unit[unit].best, from->best, sizeof from->best);
    s->unit[unit].n_best = from->n_best;
}

void weft_state_units(struct weft_dlinear_state *s, size_t n)
{
    s->unit = n > s->n_units ? weft_xrealloc2(s->unit, n, sizeof *s->unit) : s->unit;
    for (; s->n_units < n; s->n_units++) {
        struct weft_state_unit *u = &s->unit[s->n_units];
        *u = (struct weft_state_unit){.w = weft_dlinear_weights_new(&s->shape)};
        weft_dlinear_gram_init(&u->sum, &s->shape, 1);
        u->sum.finished = true;
        borrow_choices(s, s->n_units);
    }
}

struct weft_state_series *weft_state_series(struct weft_dlinear_state *s, const void *id, size_t n)
{
    size_t at = weft_names_add(&s->ids, id, n), keep = s->shape.lookback + s->shape.horizon - 1;
    if (at < s->n_series)
        return &s->series[at];
    if (at >= s->cap_series) {
        s->cap_series = weft_grow(s->cap_series, at + 1);
        s->series = weft_xrealloc2(s->series, s->cap_series, sizeof *s->series);
    }
    struct weft_state_series *x = &s->series[s->n_series++];
    *x = (struct weft_state_series){.tail = weft_xrealloc2(NULL, s->channels.n * keep, sizeof(float)),
                                    .last = INT64_MIN};
    for (size_t i = 0; i < s->channels.n * keep; i++)
        x->tail[i] = NAN;
    size_t exog = s->shape.exog.n, features = exog ? s->channels.n * (exog + 1) * keep : 0;
    x->features = exog ? WEFT_ARRAY(double, features) : NULL;
    x->past = WEFT_ARRAY(double, 2 * exog + 1);
    for (size_t i = 0; i < features; i++)
        x->features[i] = NAN;
    for (size_t i = 0; i < 2 * exog; i++)
        x->past[i] = NAN;
    return x;
}

/* What one step forgets. */
static double decay(const struct weft_dlinear_state *s, double steps)
{
    return s->half_life > 0 ? exp2(-steps / s->half_life) : 1;
}

/* The sums of each place of `windows` windows: one leaves, the others grow older by a step, one enters. x: the track's
 * first place of the first window. */
static void add_sums(const struct weft_dlinear_state *s, const double *x, size_t places, size_t windows, double age,
                     double *out)
{
    double sum = 0;
    for (size_t i = 0; i < windows; i++)
        sum += decay(s, age + (double)(windows - 1 - i)) * x[i];
    for (size_t k = 0; k < places; k++) {
        out[k] += sum;
        if (k + 1 < places)
            sum = (sum - decay(s, age + (double)windows - 1) * x[k]) * decay(s, 1) + decay(s, age) * x[windows + k];
    }
}

/* z[tracks, n]: values minus the unit's shift, and features. Adds the windows that start at [from, to); the last one is
 * `age` steps older than the newest day. A weight that halves is a series that grows: with y[u] = x[u] 2^(u / (2
 * half-life)) the weighted products are those of y times a factor for each place (join). */
static void add_run(struct weft_dlinear_state *s, struct weft_state_unit *u, const double *z, size_t n, size_t from,
                    size_t to, double age)
{
    size_t width = s->shape.lookback + s->shape.horizon, windows = to - from, steps = windows + width - 1;
    struct weft_gram *g = &u->fresh;
    const double *at[WEFT_TRACKS_MAX];
    if (!g->row) {
        weft_dlinear_gram_init(g, &s->shape, 1);
        u->fresh_sum = WEFT_ARRAY(double, g->width);
    }
    for (size_t i = 0; i < windows; i++)
        u->fresh_n += decay(s, age + (double)(windows - 1 - i));
    double *y = weft_xaligned(g->tracks * steps + WEFT_GRAM_SLACK, sizeof *y);
    for (size_t k = 0; k < g->tracks; k++) {
        const double *x = z + k * n + from;
        at[k] = memcpy(y + k * steps, x, steps * sizeof *y);
        add_sums(s, x + g->from[k], g->to[k] - g->from[k], windows, age, u->fresh_sum + g->base[k]);
        for (size_t i = 0; i < steps && s->half_life > 0; i++)
            y[k * steps + i] *= sqrt(decay(s, age + (double)(steps - 1 - i)));
    }
    memset(y + g->tracks * steps, 0, WEFT_GRAM_SLACK * sizeof *y);
    weft_gram_add_tracks(g, at, windows);
    free(y);
}

/* The windows of one channel that end in its new part. x[n]: tail and what came, the last value `age` steps older than
 * the newest day; features: of the exogenous channels, as long. */
static void add_windows(struct weft_dlinear_state *s, struct weft_state_unit *u, const float *x, const double *features,
                        size_t n, double age)
{
    size_t width = s->shape.lookback + s->shape.horizon, tracks = u->sum.tracks, starts = n - width + 1;
    if (s->room.cap < tracks * n) {
        s->room.cap = weft_grow(s->room.cap, tracks * n);
        free(s->room.p);
        s->room.p = weft_xaligned(s->room.cap, sizeof *s->room.p);
    }
    double *z = s->room.p;
    for (size_t i = 0; i < n; i++) {
        if (!u->shifted && isfinite(x[i])) {
            u->shift = x[i]; /* a value near the others keeps the squares small */
            u->shifted = true;
        }
        z[i] = (double)x[i] - u->shift;
    }
    if (tracks > 1)
        memcpy(z + n, features, (tracks - 1) * n * sizeof *z);
    bool *whole = weft_gram_whole(&u->sum, z, n, n, starts);
    for (size_t from = 0, to; from < starts; from = to) {
        for (; from < starts && !whole[from]; from++)
            ;
        for (to = from; to < starts && whole[to]; to++)
            ;
        if (from < to)
            add_run(s, u, z, n, from, to, age + (double)(starts - to));
    }
    free(whole);
}

/* What the state's model said of the days that came. x: as above; `came` of them are new. */
static void judge(struct weft_dlinear_state *s, const struct weft_state_unit *u, const float *x, const double *features,
                  size_t n, size_t came, int64_t last)
{
    size_t l = s->shape.lookback, h = s->shape.horizon, origin = n - came;
    if (!u->low || origin < l)
        return;
    const float *back = x + origin - l;
    float spread = weft_local_spread(back, l, u->floor), level = weft_local_level(back, l);
    for (size_t i = 0; i < l; i++)
        if (!isfinite(back[i]))
            return;
    for (size_t k = 0; k < h && k < came; k++) {
        double y = (double)u->w.bs[k], actual = x[origin + k];
        int64_t day = weft_step_add(last, (int64_t)(k + 1), s->step),
                slot = weft_step_count(0, day, s->step) % WEFT_STATE_DAYS;
        if (!isfinite(actual) || slot < 0)
            continue;
        for (size_t i = 0; i < l; i++)
            y += (double)u->w.ws[k * l + i] * (double)back[i];
        if (features)
            y += weft_exog_part(&s->shape.exog, features, n, origin, k, u->w.v + k * weft_exog_weights(&s->shape.exog));
        if (isnan(y))
            continue;
        struct weft_state_day *d = &s->days[slot];
        if (d->day != day)
            *d = (struct weft_state_day){.day = day};
        d->error += fabs(actual - y);
        d->actual += fabs(actual);
        if (isnan(u->low[k])) /* no interval, so no share of it: the day's coverage is not known */
            d->inside = NAN;
        double wide = s->shape.exog.by_forecast ? weft_step_spread(spread, level, (float)y) : spread;
        d->inside += actual >= y + wide * (double)u->low[k] && actual <= y + wide * (double)u->low[h + k];
        d->n++;
    }
}

/* Notes a day of the state that came again with another value. */
static void note_change(struct weft_dlinear_state *s, const struct weft_series *x, size_t channel, int64_t day,
                        float was, float is)
{
    struct weft_state_changes *c = &s->changes;
    if (!c->values++) {
        size_t n = x->id.n < sizeof c->id - 1 ? x->id.n : sizeof c->id - 1;
        memcpy(c->id, x->id.p, n);
        c->channel = channel;
        c->day = day;
        c->was = was;
        c->is = is;
    }
}

static const char *value_text(float x, char buf[32])
{
    if (isnan(x))
        return "missing";
    snprintf(buf, 32, "%.7g", (double)x);
    return buf;
}

char *weft_dlinear_state_changed(const struct weft_dlinear_state *s)
{
    const struct weft_state_changes *c = &s->changes;
    char date[32], was[32], is[32];
    if (!c->values)
        return NULL;
    return weft_xasprintf(
        "%llu value%s of %llu series in %s came again with another value, and the old one stays in the sums "
        "(the first: \"%s\", %s, %s: %s there, %s now); to correct it, begin a new state from all the history",
        (unsigned long long)c->values, c->values > 1 ? "s" : "", (unsigned long long)c->series, s->path, c->id,
        weft_date_text(c->day, s->step, date), s->channels.at[c->channel].p, value_text(c->was, was),
        value_text(c->is, is));
}

/* Compares days that are there already with what is kept of them. A step before the first value that is kept was never
 * there, so what comes for it is not another value. */
static void compare(struct weft_dlinear_state *s, const struct weft_state_series *t, const struct weft_series *x,
                    size_t n)
{
    size_t keep = s->shape.lookback + s->shape.horizon - 1;
    int64_t first = weft_step_add(t->last, 1 - (int64_t)keep, s->step); /* day of tail[0] */
    uint64_t before = s->changes.values;
    for (size_t c = 0; c < s->channels.n; c++) {
        const float *tail = t->tail + c * keep;
        bool begun = false;
        for (size_t k = 0; k < keep; k++) {
            int64_t day = weft_step_add(first, (int64_t)k, s->step), at = weft_step_count(x->start, day, s->step);
            begun |= !isnan(tail[k]);
            if (day < x->start || at >= (int64_t)n || !begun)
                continue;
            float is = x->values[c * x->n + (size_t)at];
            if (!(isnan(is) && isnan(tail[k])) && is != tail[k])
                note_change(s, x, c, day, tail[k], is);
        }
    }
    s->changes.series += s->changes.values > before;
}

/* The features of one channel [exogenous + 1, keep + came]: those of the tail, and those of what came; y[keep + came],
 * of x the steps from `old` on, behind `missing` that are not there. */
static double *put_features(const struct weft_dlinear_state *s, const struct weft_state_series *t, size_t channel,
                            const float *y, size_t came, size_t missing, const struct weft_series *x, size_t old,
                            size_t n, bool begins, double *last)
{
    const struct weft_exog_shape *shape = &s->shape.exog;
    size_t keep = s->shape.lookback + s->shape.horizon - 1, all = keep + came, tracks = shape->n + 1;
    double *out = WEFT_ARRAY(double, tracks *all), *now = WEFT_ARRAY(double, tracks *came);
    float *values = WEFT_ARRAY(float, shape->n *came);
    const float *at[WEFT_EXOG_MAX];
    for (size_t c = 0; c < shape->n; c++) {
        float *to = values + c * came;
        at[c] = to;
        for (size_t i = 0; i < missing; i++)
            to[i] = NAN;
        memcpy(to + missing, x->values + s->at[c] * x->n + old, (n - old) * sizeof *to);
    }
    if (begins)
        weft_exog_channels(shape, y + keep, came, came, s->fresh && x->split[0] ? x->split[0] : came, 1, at, now);
    else
        weft_exog_go_on(shape, y, all, came, 1, at, t->past, last, now);
    for (size_t k = 0; k < tracks; k++) {
        memcpy(out + k * all, t->features + (channel * tracks + k) * keep, keep * sizeof *out);
        memcpy(out + k * all + keep, now + k * came, came * sizeof *out);
    }
    free(values);
    free(now);
    return out;
}

static void keep_features(const struct weft_dlinear_state *s, struct weft_state_series *t, size_t channel,
                          const double *g, size_t came)
{
    size_t keep = s->shape.lookback + s->shape.horizon - 1, tracks = s->shape.exog.n + 1;
    for (size_t k = 0; k < tracks; k++)
        memcpy(t->features + (channel * tracks + k) * keep, g + k * (keep + came) + came, keep * sizeof *g);
}

/* What relative channels refer to, and the last values, from a series' first steps; later on the last values alone. */
static void keep_past(const struct weft_dlinear_state *s, struct weft_state_series *t, const struct weft_series *x,
                      size_t n, bool begins, const double *last)
{
    size_t exog = s->shape.exog.n;
    const float *at[WEFT_EXOG_MAX];
    for (size_t c = 0; c < exog; c++)
        at[c] = x->values + s->at[c] * x->n;
    if (begins)
        weft_exog_keep(&s->shape.exog, n, s->fresh && x->split[0] ? x->split[0] : n, at, t->past, t->past + exog);
    else
        memcpy(t->past + exog, last, exog * sizeof *last);
}

int weft_dlinear_state_add(struct weft_dlinear_state *s, const struct weft_series *x, struct weft_err *e)
{
    size_t channels = s->channels.n, group = weft_units_group(&s->units, x),
           keep = s->shape.lookback + s->shape.horizon - 1;
    struct weft_state_series *t = weft_state_series(s, x->id.p, x->id.n);
    weft_state_units(s, s->units.groups.n * channels);
    size_t n = weft_series_known(&s->units.attrs, x->start, x->n); /* what lies ahead is still to come */
    int64_t end = weft_step_add(x->start, (int64_t)n - 1, s->step), gap;
    bool begins = t->last == INT64_MIN;
    if (begins) {
        t->last = weft_step_add(x->start, -1, s->step);
        t->group = group;
    }
    if (t->group != group)
        return weft_fail(e, WEFT_CONFIG, "series \"%.*s\" belongs to another group than in the state",
                         x->id.n < 80 ? (int)x->id.n : 80, (const char *)x->id.p);
    if (!weft_step_fits(t->last, end, s->step))
        return weft_fail(e, WEFT_DATA, "the days of \"%.*s\" do not follow the state's by whole steps",
                         x->id.n < 80 ? (int)x->id.n : 80, (const char *)x->id.p);
    if (x->start <= t->last)
        compare(s, t, x, n);
    if (end <= t->last) {
        s->old_steps += n;
        return 0;
    }
    gap = weft_step_count(t->last, x->start, s->step) - 1;
    size_t old = gap < 0 ? (size_t)-gap : 0, missing = gap > 0 ? (size_t)gap : 0, came = missing + n - old;
    /* More missing steps than a window has forget all that was before. */
    if (missing > keep) {
        came -= missing - keep;
        missing = keep;
    }
    float *all = weft_xrealloc2(NULL, keep + came, sizeof *all);
    size_t exog = s->shape.exog.n;
    s->old_steps += old;
    s->new_steps += n - old;
    for (size_t c = 0; c < channels; c++) {
        struct weft_state_unit *u = &s->unit[group * channels + c];
        memcpy(all, t->tail + c * keep, keep * sizeof *all);
        for (size_t i = 0; i < missing; i++)
            all[keep + i] = NAN;
        memcpy(all + keep + missing, x->values + c * x->n + old, (n - old) * sizeof *all);
        double *g = NULL, last[WEFT_EXOG_MAX];
        if (exog) {
            memcpy(last, t->past + exog, exog * sizeof *last);
            g = put_features(s, t, c, all, came, missing, x, old, n, begins, last);
        }
        judge(s, u, all, g, keep + came, came, t->last);
        add_windows(s, u, all, g, keep + came, (double)weft_step_count(end, s->day, s->step));
        memcpy(t->tail + c * keep, all + came, keep * sizeof *all);
        if (g)
            keep_features(s, t, c, g, came);
        if (g && c + 1 == channels)
            keep_past(s, t, x, n, begins, last);
        free(g);
    }
    free(all);
    t->last = end;
    return 0;
}

/* --- fit --- */

/* Yesterday's sums fade, and the new windows join them. */
static void join(struct weft_dlinear_state *s, struct weft_state_unit *u)
{
    struct weft_gram *g = &u->sum;
    size_t width = s->shape.lookback + s->shape.horizon;
    double fade = s->before == INT64_MIN ? 1 : decay(s, (double)weft_step_count(s->before, s->day, s->step));
    for (size_t i = 0; i < g->width && fade != 1; i++) {
        g->sum[i] *= fade;
        for (size_t j = i; j < g->width; j++)
            g->g[g->row[i] + j - i] *= fade;
    }
    u->n *= fade;
    if (!u->fresh.row)
        return;
    weft_gram_finish(&u->fresh);
    size_t *place = WEFT_ARRAY(size_t, g->width);
    for (size_t k = 0; k < g->tracks; k++)
        for (size_t p = g->from[k]; p < g->to[k]; p++)
            place[g->base[k] + p - g->from[k]] = p;
    for (size_t i = 0; i < g->width; i++) {
        g->sum[i] += u->fresh_sum[i];
        for (size_t j = i; j < g->width;
             j++) /* place p is width - 1 - p steps older than the window's end, whose age is the weight */
            g->g[g->row[i] + j - i] +=
                u->fresh.g[g->row[i] + j - i] * decay(s, -((double)(width - 1) - (double)(place[i] + place[j]) / 2));
    }
    free(place);
    u->n += u->fresh_n;
    weft_gram_free(&u->fresh);
    free(u->fresh_sum);
    u->fresh_sum = NULL;
    u->fresh_n = 0;
}

static bool fit_unit(struct weft_dlinear_state *s, struct weft_state_unit *u)
{
    size_t l = s->shape.lookback, h = s->shape.horizon, beside = h * weft_dlinear_exog_weights(&s->shape);
    double *r = WEFT_ARRAY(double, h *(l + 1) + beside), *bias = r + h * l, *exog = bias + h;
    bool fits = u->n > 0;
    struct weft_nested *f = weft_nested_new(&u->sum, u->n, NULL, l, h);
    for (size_t k = 0; k < u->n_best && fits; k++)
        fits = weft_nested_add(f, &u->best[k], 1 / (double)u->n_best, r, bias, exog);
    weft_dlinear_take(&s->shape, u->shift, r, bias, exog, &u->w);
    for (size_t i = 0; i < h * l && !fits; i++)
        u->w.ws[i] = u->w.wt[i] = NAN;
    weft_nested_free(&f);
    free(r);
    return fits;
}

int weft_dlinear_state_fit(struct weft_dlinear_state *s, struct weft_err *e)
{
    size_t fitted = 0;
    for (size_t i = 0; i < s->n_units; i++) {
        join(s, &s->unit[i]);
        fitted += fit_unit(s, &s->unit[i]);
    }
    if (fitted)
        return 0;
    return weft_fail(e, WEFT_CONFIG, "no window without a missing value is in the state");
}

void weft_dlinear_state_choices(struct weft_dlinear_state *s, const struct weft_dlinear_trainer *t)
{
    size_t h = s->shape.horizon, rows = weft_residuals_cap(t->n);
    struct weft_dlinear *model = weft_dlinear_new(&s->shape, 1);
    s->rows = rows;
    weft_state_units(s, t->n);
    for (size_t i = 0; i < t->n; i++) { /* both met the groups in the same order */
        struct weft_state_unit *u = &s->unit[i];
        struct weft_dlinear_unit *from = t->unit[i];
        u->n_best = from->tuned.n_best;
        memcpy(u->best, from->tuned.best, sizeof u->best);
        u->rows = weft_xrealloc2(NULL, rows * h, sizeof *u->rows);
        weft_dlinear_set(model, 0, &from->w);
        weft_residuals_finish(&from->keep, s->shape.lookback, h, weft_dlinear_forecast, model, 0, rows,
                              s->shape.exog.by_forecast, u->rows, &u->floor, NULL);
    }
    weft_dlinear_free(&model);
    for (size_t i = 0; i < t->n; i++)
        if (!s->unit[i].n_best)
            borrow_choices(s, i);
}

/* --- drift and coverage --- */

int weft_dlinear_state_metrics(const struct weft_dlinear_state *s, const char *path, struct weft_err *e)
{
    struct weft_state_day recent = {0}, before = {0};
    int64_t newest = 0;
    for (size_t i = 0; i < WEFT_STATE_DAYS; i++)
        newest = s->days[i].n && s->days[i].day > newest ? s->days[i].day : newest;
    for (size_t i = 0; i < WEFT_STATE_DAYS; i++) {
        const struct weft_state_day *d = &s->days[i];
        struct weft_state_day *to = d->day > weft_step_add(newest, -7, s->step) ? &recent : &before;
        if (d->n == 0 || d->day <= weft_step_add(newest, -(int64_t)WEFT_STATE_DAYS, s->step))
            continue;
        to->error += d->error;
        to->actual += d->actual;
        to->inside += d->inside;
        to->n += d->n;
    }
    double wape[2] = {recent.error / recent.actual, before.error / before.actual};
    char *text = weft_xasprintf(
        "# HELP weft_state_day Newest day in the state, seconds since 1970.\n# TYPE weft_state_day "
        "gauge\nweft_state_day %lld\n"
        "# HELP weft_state_series Series in the state.\n# TYPE weft_state_series gauge\nweft_state_series %zu\n"
        "# HELP weft_state_judged Values of the last 7 steps that a model of the day before had forecast.\n# TYPE "
        "weft_state_judged gauge\nweft_state_judged %.0f\n"
        "# HELP weft_state_wape WAPE of the forecasts of the last 7 steps.\n# TYPE weft_state_wape "
        "gauge\nweft_state_wape %.6g\n"
        "# HELP weft_state_drift WAPE of the last 7 steps over that of up to %d steps before.\n# TYPE weft_state_drift "
        "gauge\nweft_state_drift %.6g\n"
        "# HELP weft_state_coverage Share of the last 7 steps' values inside their 90%% interval.\n# TYPE "
        "weft_state_coverage gauge\nweft_state_coverage %.6g\n"
        "# HELP weft_state_changed Values of days in the state that came again with another value.\n"
        "# TYPE weft_state_changed gauge\nweft_state_changed %llu\n",
        (long long)s->day, s->n_series, recent.n, recent.actual > 0 ? wape[0] : NAN, WEFT_STATE_DAYS - 7,
        recent.actual > 0 && before.error > 0 ? wape[0] / wape[1] : NAN, recent.n > 0 ? recent.inside / recent.n : NAN,
        (unsigned long long)s->changes.values);
    for (char *p = text; (p = strstr(p, "nan\n")); p += 3)
        memcpy(p, "NaN", 3); /* as Prometheus writes it */
    struct weft_file *f = NULL;
    int rc = weft_file_create(path, &f, e) < 0 || weft_file_write(f, text, strlen(text), e) < 0 ||
                     weft_file_commit(&f, e) < 0
                 ? -1
                 : 0;
    if (rc < 0 && f)
        weft_file_abort(&f);
    free(text);
    return rc;
}
