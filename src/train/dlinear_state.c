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
    for (size_t i = 0; i < s->n_series; i++)
        free(s->series[i].tail);
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

int weft_dlinear_state_keep(struct weft_dlinear_state *s, const char *name, const char *text, bool given, struct weft_err *e)
{
    const char *before = option(s, name);
    if (s->fresh)
        weft_state_set_option(s, name, text);
    else if (given && (!before || strcmp(before, text) != 0)) {
        weft_fail(e, WEFT_CONFIG, "--%s is %s, and %s was begun with %s", name, text, s->path, before ? before : "none");
        return weft_fail_hint(e, "leave it away, or begin a new state from all the history");
    }
    return 0;
}

/* --- start --- */

static int check_fit(const struct weft_dlinear_state *s, const struct weft_series_attrs *a, struct weft_err *e)
{
    if (a->step != s->step)
        return weft_fail(e, WEFT_CONFIG, "the state has steps of %lld s, and the stream has steps of %lld s", (long long)s->step, (long long)a->step);
    if (a->n_targets != s->channels.n)
        return weft_fail(e, WEFT_CONFIG, "the state has %zu channels, and the stream has %zu", s->channels.n, a->n_targets);
    for (size_t c = 0; c < a->n_targets; c++)
        if (strcmp(a->channels[c], s->channels.at[c].p) != 0)
            return weft_fail(e, WEFT_CONFIG, "channel %zu of the state is %s, and of the stream %s", c + 1, s->channels.at[c].p, a->channels[c]);
    if (a->lookback > 0 && ((size_t)a->lookback != s->shape.lookback || (size_t)a->horizon != s->shape.horizon))
        return weft_fail(e, WEFT_CONFIG, "the state has windows of %zu + %zu steps, and the stream has %lld + %lld", s->shape.lookback, s->shape.horizon,
                         (long long)a->lookback, (long long)a->horizon);
    return 0;
}

static int take_shape(struct weft_dlinear_state *s, const struct weft_series_attrs *a, const char *by, struct weft_err *e)
{
    if (a->lookback == 0) {
        weft_fail(e, WEFT_CONFIG, "there is no state yet, and a series stream does not say how to begin one");
        return weft_fail_hint(e, "begin with windows: ingest ... | window --lookback N --horizon N | train-dlinear --state FILE -o MODEL");
    }
    s->shape = (struct weft_dlinear_shape){.lookback = (size_t)a->lookback, .horizon = (size_t)a->horizon, .kernel = 25, .norm = WEFT_NORM_NONE};
    s->step = a->step;
    s->by = weft_xstrdup(by);
    for (size_t c = 0; c < a->n_targets; c++)
        weft_names_add(&s->channels, a->channels[c], strlen(a->channels[c]));
    double width = (double)(s->shape.lookback + s->shape.horizon);
    if (s->half_life > 0 && s->half_life * 100 < width)
        return weft_fail(e, WEFT_CONFIG, "--forget: a half-life of %g steps is too short for windows of %g: at least %g", s->half_life, width, width / 100);
    return 0;
}

int weft_dlinear_state_start(struct weft_dlinear_state *s, const struct weft_head *h, const char *by, struct weft_err *e)
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
    if (s->fresh ? take_shape(s, a, by, e) < 0 : check_fit(s, a, e) < 0)
        return -1;
    s->units.by = s->by;
    s->before = s->day;
    int64_t end = a->start + (a->known - 1) * a->step;
    s->day = end > s->day ? end : s->day;
    return 0;
}

/* --- days --- */

/* A unit for which nothing could be chosen, or that is new, is fitted as the first one of its channel was chosen, or the first of all. */
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
    size_t width = s->shape.lookback + s->shape.horizon;
    s->unit = n > s->n_units ? weft_xrealloc2(s->unit, n, sizeof *s->unit) : s->unit;
    for (; s->n_units < n; s->n_units++) {
        struct weft_state_unit *u = &s->unit[s->n_units];
        *u = (struct weft_state_unit){.w = weft_dlinear_weights_new(&s->shape)};
        weft_gram_init(&u->sum, width, 1);
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
    *x = (struct weft_state_series){.tail = weft_xrealloc2(NULL, s->channels.n * keep, sizeof(float)), .last = INT64_MIN};
    for (size_t i = 0; i < s->channels.n * keep; i++)
        x->tail[i] = NAN;
    return x;
}

/* What one step forgets. */
static double decay(const struct weft_dlinear_state *s, double steps)
{
    return s->half_life > 0 ? exp2(-steps / s->half_life) : 1;
}

/* x[n]: values minus the unit's shift; the last one is `age` steps older than the newest day. Adds the windows of one run without missing values. A weight that halves is a
 * series that grows: with y[u] = x[u] 2^(u / (2 half-life)) the weighted products are those of y times a factor for each place (scale_fresh). */
static void add_run(struct weft_dlinear_state *s, struct weft_state_unit *u, double *x, size_t n, double age)
{
    size_t width = s->shape.lookback + s->shape.horizon, windows = n < width ? 0 : n - width + 1;
    if (!windows)
        return;
    if (!u->fresh.row) {
        weft_gram_init(&u->fresh, width, 1);
        u->fresh_sum = WEFT_ARRAY(double, width);
    }
    double sum = 0;
    for (size_t i = 0; i < windows; i++) {
        double weight = decay(s, age + (double)(windows - 1 - i));
        sum += weight * x[i];
        u->fresh_n += weight;
    }
    /* Place k of all windows: one leaves, the others grow older by a step, one enters. */
    for (size_t k = 0; k < width; k++) {
        u->fresh_sum[k] += sum;
        if (k + 1 < width)
            sum = (sum - decay(s, age + (double)windows - 1) * x[k]) * decay(s, 1) + decay(s, age) * x[windows + k];
    }
    if (s->half_life > 0)
        for (size_t i = 0; i < n; i++)
            x[i] *= sqrt(decay(s, age + (double)(n - 1 - i)));
    weft_gram_add(&u->fresh, x, windows);
}

/* The windows of one channel that end in its new part. x[n]: tail and what came, the last value `age` steps older than the newest day. */
static void add_windows(struct weft_dlinear_state *s, struct weft_state_unit *u, const float *x, size_t n, double age)
{
    if (s->room.cap < n + WEFT_GRAM_SLACK) {
        s->room.cap = weft_grow(s->room.cap, n + WEFT_GRAM_SLACK);
        free(s->room.p);
        s->room.p = weft_xaligned(s->room.cap, sizeof *s->room.p);
    }
    for (size_t from = 0, to; from < n; from = to + 1) {
        for (to = from; to < n && isfinite(x[to]); to++) {
            if (!u->shifted) {
                u->shift = x[to]; /* a value near the others keeps the squares small */
                u->shifted = true;
            }
            s->room.p[to - from] = (double)x[to] - u->shift;
        }
        memset(s->room.p + (to - from), 0, WEFT_GRAM_SLACK * sizeof *s->room.p);
        add_run(s, u, s->room.p, to - from, age + (double)(n - to));
    }
}

/* What the state's model said of the days that came. x: as above; `came` of them are new. */
static void judge(struct weft_dlinear_state *s, const struct weft_state_unit *u, const float *x, size_t n, size_t came, int64_t last)
{
    size_t l = s->shape.lookback, h = s->shape.horizon, origin = n - came;
    if (!u->low || origin < l)
        return;
    const float *back = x + origin - l;
    float spread = weft_local_spread(back, l, u->floor);
    for (size_t i = 0; i < l; i++)
        if (!isfinite(back[i]))
            return;
    for (size_t k = 0; k < h && k < came; k++) {
        double y = (double)u->w.bs[k], actual = x[origin + k];
        int64_t day = last + (int64_t)(k + 1) * s->step, slot = day / s->step % WEFT_STATE_DAYS;
        if (!isfinite(actual) || slot < 0)
            continue;
        for (size_t i = 0; i < l; i++)
            y += (double)u->w.ws[k * l + i] * (double)back[i];
        struct weft_state_day *d = &s->days[slot];
        if (d->day != day)
            *d = (struct weft_state_day){.day = day};
        d->error += fabs(actual - y);
        d->actual += fabs(actual);
        if (isnan(u->low[k])) /* no interval, so no share of it: the day's coverage is not known */
            d->inside = NAN;
        d->inside += actual >= y + (double)spread * (double)u->low[k] && actual <= y + (double)spread * (double)u->low[h + k];
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
    int64_t first = t->last - ((int64_t)keep - 1) * s->step; /* day of tail[0] */
    uint64_t before = s->changes.values;
    for (size_t c = 0; c < s->channels.n; c++) {
        const float *tail = t->tail + c * keep;
        bool begun = false;
        for (size_t k = 0; k < keep; k++) {
            int64_t day = first + (int64_t)k * s->step, at = (day - x->start) / s->step;
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

int weft_dlinear_state_add(struct weft_dlinear_state *s, const struct weft_series *x, struct weft_err *e)
{
    size_t channels = s->channels.n, group = weft_units_group(&s->units, x), keep = s->shape.lookback + s->shape.horizon - 1;
    struct weft_state_series *t = weft_state_series(s, x->id.p, x->id.n);
    weft_state_units(s, s->units.groups.n * channels);
    size_t n = weft_series_known(&s->units.attrs, x->start, x->n); /* what lies ahead is still to come */
    int64_t end = x->start + ((int64_t)n - 1) * s->step, gap;
    if (t->last == INT64_MIN) {
        t->last = x->start - s->step;
        t->group = group;
    }
    if (t->group != group)
        return weft_fail(e, WEFT_CONFIG, "series \"%.*s\" belongs to another group than in the state", x->id.n < 80 ? (int)x->id.n : 80, (const char *)x->id.p);
    if ((end - t->last) % s->step)
        return weft_fail(e, WEFT_DATA, "the days of \"%.*s\" do not follow the state's by whole steps", x->id.n < 80 ? (int)x->id.n : 80, (const char *)x->id.p);
    if (x->start <= t->last)
        compare(s, t, x, n);
    if (end <= t->last) {
        s->old_steps += n;
        return 0;
    }
    gap = (x->start - t->last) / s->step - 1;
    size_t old = gap < 0 ? (size_t)-gap : 0, missing = gap > 0 ? (size_t)gap : 0, came = missing + n - old;
    /* More missing steps than a window has forget all that was before. */
    if (missing > keep) {
        came -= missing - keep;
        missing = keep;
    }
    float *all = weft_xrealloc2(NULL, keep + came, sizeof *all);
    s->old_steps += old;
    s->new_steps += n - old;
    for (size_t c = 0; c < channels; c++) {
        struct weft_state_unit *u = &s->unit[group * channels + c];
        memcpy(all, t->tail + c * keep, keep * sizeof *all);
        for (size_t i = 0; i < missing; i++)
            all[keep + i] = NAN;
        memcpy(all + keep + missing, x->values + c * x->n + old, (n - old) * sizeof *all);
        judge(s, u, all, keep + came, came, t->last);
        add_windows(s, u, all, keep + came, (double)(s->day - end) / (double)s->step);
        memcpy(t->tail + c * keep, all + came, keep * sizeof *all);
    }
    free(all);
    t->last = end;
    return 0;
}

/* --- fit --- */

/* Yesterday's sums fade, and the new windows join them. */
static void join(struct weft_dlinear_state *s, struct weft_state_unit *u)
{
    size_t width = s->shape.lookback + s->shape.horizon;
    double fade = s->before == INT64_MIN ? 1 : decay(s, (double)(s->day - s->before) / (double)s->step);
    for (size_t i = 0; i < width && fade != 1; i++) {
        u->sum.sum[i] *= fade;
        for (size_t j = i; j < width; j++)
            u->sum.g[u->sum.row[i] + j - i] *= fade;
    }
    u->n *= fade;
    if (!u->fresh.row)
        return;
    weft_gram_finish(&u->fresh);
    for (size_t i = 0; i < width; i++) {
        u->sum.sum[i] += u->fresh_sum[i];
        for (size_t j = i; j < width; j++) /* place i is width - 1 - i steps older than the window's end, whose age is the weight */
            u->sum.g[u->sum.row[i] + j - i] += u->fresh.g[u->fresh.row[i] + j - i] * decay(s, -((double)(width - 1) - (double)(i + j) / 2));
    }
    u->n += u->fresh_n;
    weft_gram_free(&u->fresh);
    free(u->fresh_sum);
    u->fresh_sum = NULL;
    u->fresh_n = 0;
}

static bool fit_unit(struct weft_dlinear_state *s, struct weft_state_unit *u)
{
    size_t l = s->shape.lookback, h = s->shape.horizon;
    double *r = WEFT_ARRAY(double, h * (l + 1)), *bias = r + h * l;
    bool fits = u->n > 0;
    u->sum.n = 1; /* nested.h counts by what weigh says */
    struct weft_nested *f = weft_nested_new(&u->sum, NULL, l, h);
    weft_nested_weigh(f, u->n);
    for (size_t k = 0; k < u->n_best && fits; k++)
        fits = weft_nested_add(f, &u->best[k], 1 / (double)u->n_best, r, bias, NULL);
    for (size_t k = 0; k < h; k++) {
        double sum = 0;
        for (size_t i = 0; i < l; i++) {
            u->w.ws[k * l + i] = u->w.wt[k * l + i] = fits ? (float)r[k * l + i] : NAN;
            sum += r[k * l + i];
        }
        u->w.bs[k] = (float)(bias[k] + u->shift * (1 - sum)); /* values were x - shift */
        u->w.bt[k] = 0;
    }
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
        weft_residuals_finish(&from->keep, s->shape.lookback, h, weft_dlinear_forecast, model, 0, rows, u->rows, &u->floor);
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
        struct weft_state_day *to = d->day > newest - 7 * s->step ? &recent : &before;
        if (d->n == 0 || d->day <= newest - (int64_t)WEFT_STATE_DAYS * s->step)
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
    int rc = weft_file_create(path, &f, e) < 0 || weft_file_write(f, text, strlen(text), e) < 0 || weft_file_commit(&f, e) < 0 ? -1 : 0;
    if (rc < 0 && f)
        weft_file_abort(&f);
    free(text);
    return rc;
}
