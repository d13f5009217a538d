/* forecast_metrics.c - accuracy of forecasts by model, channel, part, group and step. */
#include "measure/forecast_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record/forecasts.h"
#include "base/calendar.h"
#include "base/conformal.h"
#include "base/mem.h"
#include "measure/metrics.h"
#include "base/names.h"
#include "base/rng.h"

/* What is measured together: one model on one channel, part and group. */
struct row {
    size_t model, channel, part, group; /* numbers of names */
    bool baseline;
    uint64_t skipped;
    struct weft_metrics *step; /* [horizon] per step, else [1] */
};

struct weft_forecast_metrics {
    const struct weft_forecast_metrics_options *o;
    int by_key, psfa_key;
    struct weft_forecasts_attrs attrs;
    struct weft_forecasts f;
    struct weft_names models, texts, row_names; /* texts: channels, parts, groups, categories */
    struct row *rows;
    size_t cap;
    struct weft_psfa *psfa; /* NULL: not measured */
    struct weft_band band[WEFT_MAX_BANDS];
    size_t n_bands, median;                     /* median: its level, or n_levels */
    uint64_t unbounded[WEFT_MAX_BANDS], errors; /* forecasts without band k, since there were so few errors (at most) */
    struct weft_table *table;                   /* not ours */
    struct weft_actuals *actuals;               /* not ours; NULL: none */
    uint64_t left_out;                          /* frames that say why there is no forecast */
};

static int find_key(const struct weft_forecast_metrics *s, const char *option, const char *name, int *key,
                    struct weft_err *e)
{
    char names[256] = "";
    size_t at = 0;
    *key = weft_forecasts_key(&s->attrs, name);
    if (*key != WEFT_KEY_NONE)
        return 0;
    for (size_t k = 0; k < s->attrs.n_keys && at < sizeof names; k++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s, ", s->attrs.keys[k]);
    weft_fail(e, WEFT_CONFIG, "--%s: the stream has no key \"%s\"", option, name);
    return weft_fail_hint(e, "it has: %sid, all", names);
}

int weft_forecast_metrics_new(const struct weft_head *head, const struct weft_forecast_metrics_options *o,
                              struct weft_forecast_metrics **out, struct weft_err *e)
{
    struct weft_forecast_metrics *s = *out = WEFT_NEW(struct weft_forecast_metrics);
    s->o = o;
    if (weft_forecasts_attrs_read(head, &s->attrs, e) < 0 || find_key(s, "by", o->by, &s->by_key, e) < 0)
        return -1;
    s->psfa_key = weft_forecasts_key(&s->attrs, "major");
    if (o->psfa_by && find_key(s, "psfa-by", o->psfa_by, &s->psfa_key, e) < 0)
        return -1;
    if (s->psfa_key != WEFT_KEY_NONE && !o->scaled)
        s->psfa = weft_psfa_new((size_t)s->attrs.horizon);
    while (s->median < s->attrs.n_levels && fabs(s->attrs.levels[s->median] - 0.5) > 1e-9)
        s->median++;
    s->n_bands = weft_bands(s->attrs.levels, s->attrs.n_levels, s->band);
    return 0;
}

void weft_forecast_metrics_free(struct weft_forecast_metrics **mp)
{
    struct weft_forecast_metrics *m = *mp;
    if (!m)
        return;
    for (size_t i = 0; i < m->row_names.n; i++) {
        for (size_t h = 0; h < (m->o->per_step ? (size_t)m->attrs.horizon : 1); h++)
            free(m->rows[i].step[h].band);
        free(m->rows[i].step);
    }
    free(m->rows);
    weft_names_free(&m->models);
    weft_names_free(&m->texts);
    weft_names_free(&m->row_names);
    weft_psfa_free(&m->psfa);
    weft_forecasts_free(&m->f);
    weft_forecasts_attrs_free(&m->attrs);
    free(m);
    *mp = NULL;
}

/* --- frames --- */

static size_t text_number(struct weft_forecast_metrics *s, struct weft_span text)
{
    static const struct weft_span none = {(const uint8_t *)"(none)", 6};
    if (!text.p)
        text = none;
    return weft_names_add(&s->texts, text.p, text.n);
}

static size_t find_row(struct weft_forecast_metrics *s)
{
    struct row x = {.model = weft_names_add(&s->models, s->f.model.p, s->f.model.n),
                    .channel = text_number(s, s->f.channel),
                    .part = text_number(s, s->f.part),
                    .group = text_number(s, weft_forecasts_key_text(&s->f, s->by_key)),
                    .baseline = s->f.baseline};
    size_t key[4] = {x.model, x.channel, x.part, x.group}, steps = s->o->per_step ? (size_t)s->attrs.horizon : 1;
    size_t known = s->row_names.n, i = weft_names_add(&s->row_names, key, sizeof key);
    if (i < known)
        return i;
    if (i >= s->cap) {
        s->cap = weft_grow(s->cap, i + 1);
        s->rows = weft_xrealloc2(s->rows, s->cap, sizeof *s->rows);
    }
    x.step = WEFT_ARRAY(struct weft_metrics, steps);
    for (size_t h = 0; h < steps; h++)
        x.step[h].band = WEFT_ARRAY(struct weft_band_sums, s->n_bands + 1);
    s->rows[i] = x;
    return i;
}

/* Cell i of the frame (window i / horizon, step i % horizon) into m. */
static void add_cell(struct weft_forecast_metrics *s, struct weft_metrics *m, size_t i, double shift, double factor)
{
    const struct weft_forecasts *f = &s->f;
    size_t cells = f->windows * f->horizon;
    double actual = (f->actual[i] - shift) / factor;
    double forecast = (f->forecast[i] - shift) / factor;
    bool median = f->quantiles && s->median < s->attrs.n_levels && isfinite(f->quantiles[s->median * cells + i]);
    weft_metrics_add(m, actual, forecast, median ? (f->quantiles[s->median * cells + i] - shift) / factor : forecast);
    for (size_t k = 0; f->quantiles && k < s->n_bands; k++) {
        bool single = s->band[k].low == SIZE_MAX;
        s->unbounded[k] += f->errors && isnan(f->quantiles[s->band[k].high * cells + i]) && !isnan(f->forecast[i]);
        double low = single ? 0 : (f->quantiles[s->band[k].low * cells + i] - shift) / factor;
        weft_metrics_band(m, k, actual, low, (f->quantiles[s->band[k].high * cells + i] - shift) / factor, single);
    }
}

void weft_forecast_metrics_actuals(struct weft_forecast_metrics *s, struct weft_actuals *a)
{
    s->actuals = a;
}

const struct weft_forecasts_attrs *weft_forecast_metrics_attrs(const struct weft_forecast_metrics *s)
{
    return &s->attrs;
}

static bool is_latest(const struct weft_forecasts *f)
{
    return f->part.n == 6 && memcmp(f->part.p, "latest", 6) == 0;
}

int weft_forecast_metrics_add(struct weft_forecast_metrics *s, struct weft_span frame, struct weft_err *e)
{
    struct weft_forecasts *f = &s->f;
    if (weft_forecasts_read(frame, &s->attrs, f, e) < 0)
        return -1;
    s->left_out += f->why.n > 0;
    if (!f->actual && s->actuals && is_latest(f) && f->windows && !f->why.n)
        f->actual = weft_actuals_of(s->actuals, frame, f);
    if (!f->actual)
        return 0;
    size_t r = find_row(s);
    struct row *row = &s->rows[r];
    double shift = s->o->scaled ? f->scale[0] : 0, factor = s->o->scaled ? f->scale[1] : 1;
    uint64_t series = weft_hash(f->id.p, f->id.n, 0);
    row->skipped += f->skipped;
    s->errors = f->errors > s->errors ? f->errors : s->errors;
    for (size_t h = 0; h < (s->o->per_step ? f->horizon : 1); h++)
        weft_metrics_series(&row->step[h], series, f->naive, factor);
    for (size_t i = 0; i < f->windows * f->horizon; i++)
        add_cell(s, &row->step[s->o->per_step ? i % f->horizon : 0], i, shift, factor);
    for (size_t w = 0; !s->o->per_step && w < f->windows; w++)
        weft_metrics_total(&row->step[0], f->actual + w * f->horizon, f->forecast + w * f->horizon, f->horizon, shift,
                           factor);
    size_t category = s->psfa ? text_number(s, weft_forecasts_key_text(f, s->psfa_key)) : 0;
    for (size_t w = 0; s->psfa && w < f->windows; w++)
        weft_psfa_add(s->psfa, r, category, weft_step_add(f->origin, (int64_t)w * f->stride, s->attrs.step),
                      f->actual + w * f->horizon, f->forecast + w * f->horizon);
    return 1;
}

/* --- the table --- */

struct columns {
    size_t model, channel, part, group, step, n, skipped, mse, mae, rmse, wape, smape, mase, rmsse, bias, bias_share,
        mae_bias, totals, psfa, skill, band[WEFT_MAX_BANDS], width[WEFT_MAX_BANDS];
};

static void make_columns(struct weft_forecast_metrics *s, struct columns *c)
{
    struct weft_table *t = s->table;
    char key[40], title[40];
    c->channel = weft_table_column(t, "channel", "channel", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c->part = weft_table_column(t, "part", "part", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c->group = weft_table_column(t, "group", s->o->by, WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c->step = weft_table_column(t, "step", "step", WEFT_CELL_INT, 0, WEFT_COLUMN_LABEL);
    c->model = weft_table_column(t, "model", "model", WEFT_CELL_TEXT, 0, 0);
    c->n = weft_table_column(t, "n", "n", WEFT_CELL_INT, 0, WEFT_COLUMN_SAME);
    c->skipped = weft_table_column(t, "skipped", "skipped", WEFT_CELL_INT, 0, WEFT_COLUMN_SAME);
    c->mse = weft_table_column(t, "mse", "MSE", WEFT_CELL_REAL, -1, 0);
    c->mae = weft_table_column(t, "mae", "MAE", WEFT_CELL_REAL, -1, 0);
    c->rmse = weft_table_column(t, "rmse", "RMSE", WEFT_CELL_REAL, -1, 0);
    c->wape = weft_table_column(t, "wape", "WAPE", WEFT_CELL_REAL, 4, 0);
    c->smape = weft_table_column(t, "smape", "sMAPE", WEFT_CELL_REAL, 4, 0);
    c->mase = weft_table_column(t, "mase", "MASE", WEFT_CELL_REAL, 3, 0);
    c->rmsse = weft_table_column(t, "rmsse", "RMSSE", WEFT_CELL_REAL, 3, 0);
    c->bias = weft_table_column(t, "bias", "bias", WEFT_CELL_REAL, -1, 0);
    c->bias_share = weft_table_column(t, "bias_share", "bias %", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c->mae_bias = weft_table_column(t, "mae_bias", "MAE + bias %", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c->totals = weft_table_column(t, "totals", "totals", WEFT_CELL_REAL, 4, 0);
    c->psfa = weft_table_column(t, "psfa", "PSFA", WEFT_CELL_REAL, 4, 0);
    c->skill = weft_table_column(t, "skill", "skill", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    for (size_t k = 0; k < s->n_bands; k++) {
        bool single = s->band[k].low == SIZE_MAX;
        double percent = round(s->band[k].nominal * 1e6) / 1e4;
        snprintf(key, sizeof key, "%s_%g", single ? "below" : "coverage", percent);
        snprintf(title, sizeof title, single ? "below q%g" : "in %g%%", percent);
        c->band[k] = weft_table_column(t, key, title, WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
        snprintf(key, sizeof key, "width_%g", percent);
        snprintf(title, sizeof title, "width %g%%", percent);
        c->width[k] = single ? SIZE_MAX : weft_table_column(t, key, title, WEFT_CELL_REAL, -1, 0);
    }
}

static void set_name(struct weft_forecast_metrics *s, size_t column, const struct weft_names *names, size_t i)
{
    weft_table_text(s->table, column, names->at[i].p, names->at[i].n);
}

/* One row; returns its WAPE. base: WAPE of the first baseline on the same values, NaN without. */
static double put_row(struct weft_forecast_metrics *s, const struct columns *c, const struct row *row, size_t step,
                      double psfa, double base)
{
    struct weft_table *t = s->table;
    struct weft_measures m;
    struct weft_metrics *sums = &row->step[step];
    weft_metrics_finish(sums, &m);
    weft_table_row(t);
    set_name(s, c->model, &s->models, row->model);
    set_name(s, c->channel, &s->texts, row->channel);
    set_name(s, c->part, &s->texts, row->part);
    set_name(s, c->group, &s->texts, row->group);
    if (s->o->per_step)
        weft_table_int(t, c->step, (int64_t)step + 1);
    weft_table_int(t, c->n, (int64_t)sums->n);
    weft_table_int(t, c->skipped, (int64_t)row->skipped);
    weft_table_real(t, c->mse, m.mse);
    weft_table_real(t, c->mae, m.mae);
    weft_table_real(t, c->rmse, m.rmse);
    weft_table_real(t, c->wape, m.wape);
    weft_table_real(t, c->smape, m.smape);
    weft_table_real(t, c->mase, m.mase);
    weft_table_real(t, c->rmsse, m.rmsse);
    weft_table_real(t, c->bias, m.bias);
    weft_table_real(t, c->bias_share, m.bias_share);
    weft_table_real(t, c->mae_bias, m.mae_bias);
    weft_table_real(t, c->totals, m.totals);
    weft_table_real(t, c->psfa, psfa);
    weft_table_real(t, c->skill, base > 0 ? 1 - m.wape / base : NAN);
    for (size_t k = 0; k < s->n_bands; k++) {
        double n = sums->band[k].n ? (double)sums->band[k].n : NAN;
        weft_table_real(t, c->band[k], (double)sums->band[k].inside / n);
        if (c->width[k] != SIZE_MAX)
            weft_table_real(t, c->width[k], sums->band[k].width / n);
    }
    return m.wape;
}

struct order {
    const struct row *row;
    const struct weft_name *group;
    size_t i;
};

static int by_place(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->row->channel != y->row->channel)
        return x->row->channel < y->row->channel ? -1 : 1;
    if (x->row->part != y->row->part)
        return x->row->part < y->row->part ? -1 : 1;
    int c = strcmp(x->group->p, y->group->p);
    return c ? c : (x->row->model > y->row->model) - (x->row->model < y->row->model);
}

static bool beside(const struct order *a, const struct order *b)
{
    return a->row->channel == b->row->channel && a->row->part == b->row->part && a->row->group == b->row->group;
}

/* All models on one channel, part and group: step by step, so that they stand below one another. Did they give
 * different numbers of forecasts? */
static bool put_group(struct weft_forecast_metrics *s, const struct columns *c, const struct order *at, size_t n)
{
    size_t horizon = (size_t)s->attrs.horizon, steps = s->o->per_step ? horizon : 1, first = 0;
    double *psfa = WEFT_ARRAY(double, n *(horizon + 1));
    bool uneven = false;
    for (size_t i = 0; i < n * (horizon + 1); i++)
        psfa[i] = NAN;
    for (size_t i = 0; s->psfa && i < n; i++)
        weft_psfa_row(s->psfa, at[i].i, psfa + i * (horizon + 1));
    while (first < n && !at[first].row->baseline)
        first++;
    for (size_t h = 0; h < steps; h++) {
        double base = NAN;
        if (first < n) {
            const struct weft_metrics *b = &at[first].row->step[h];
            base = b->actuals > 0 ? b->absolutes / b->actuals : NAN;
        }
        for (size_t i = 0; i < n; i++) {
            put_row(s, c, at[i].row, h, psfa[i * (horizon + 1) + (s->o->per_step ? h : horizon)],
                    i == first ? NAN : base);
            uneven |= at[i].row->step[h].n != at[0].row->step[h].n;
        }
    }
    free(psfa);
    return uneven;
}

void weft_forecast_metrics_table(struct weft_forecast_metrics *s, struct weft_table *t,
                                 void (*uneven)(void *ctx, const char *group), void *ctx)
{
    struct columns c;
    size_t n = s->row_names.n;
    struct order *order = WEFT_ARRAY(struct order, n + 1);
    s->table = t;
    make_columns(s, &c);
    if (s->psfa)
        weft_psfa_finish(s->psfa);
    for (size_t i = 0; i < n; i++)
        order[i] = (struct order){&s->rows[i], &s->texts.at[s->rows[i].group], i};
    qsort(order, n, sizeof *order, by_place);
    for (size_t i = 0, k; i < n; i = k) {
        for (k = i + 1; k < n && beside(&order[i], &order[k]); k++)
            ;
        if (put_group(s, &c, order + i, k - i))
            uneven(ctx, order[i].group->p);
    }
    free(order);
}

static void note_actuals(const struct weft_forecast_metrics *s, FILE *f)
{
    struct weft_actuals_count c = {0};
    char first[32], last[32];
    if (s->actuals)
        weft_actuals_counts(s->actuals, &c);
    if (c.found)
        fprintf(f, "; %llu of %llu forecast values have an actual one, from %s to %s", (unsigned long long)c.found,
                (unsigned long long)c.days, weft_date_text(c.first, s->attrs.step, first),
                weft_date_text(c.last, s->attrs.step, last));
    if (s->left_out)
        fprintf(f, "; %llu that score left out have none", (unsigned long long)s->left_out);
}

void weft_forecast_metrics_notes(const struct weft_forecast_metrics *s, FILE *f)
{
    const char *baseline = NULL;
    uint64_t skipped = 0;
    for (size_t i = 0; i < s->row_names.n; i++) {
        if (s->rows[i].baseline && !baseline)
            baseline = s->models.at[s->rows[i].model].p;
        skipped = s->rows[i].skipped > skipped ? s->rows[i].skipped : skipped;
    }
    fprintf(f, "\n%s; sMAPE from 0 to 2", s->o->scaled ? "in scaled units" : "in units of the data");
    if (baseline && s->models.n > 1)
        fprintf(f, "; skill = 1 - WAPE / WAPE of %s", baseline);
    if (s->psfa)
        fprintf(f, "; PSFA by %s", s->o->psfa_by ? s->o->psfa_by : "major");
    if (skipped)
        fprintf(f, "; %llu windows with missing values left out", (unsigned long long)skipped);
    note_actuals(s, f);
    for (size_t k = 0; k < s->n_bands; k++)
        if (s->unbounded[k])
            fprintf(f, "; %llu forecasts have no bound for %g%%: at most %llu validation errors, and %zu are needed",
                    (unsigned long long)s->unbounded[k], round(s->band[k].nominal * 1e6) / 1e4,
                    (unsigned long long)s->errors, weft_conformal_needs(s->attrs.levels[s->band[k].high]));
    putc('\n', f);
}

size_t weft_forecast_metrics_rows(const struct weft_forecast_metrics *m)
{
    return m->row_names.n;
}

int64_t weft_forecast_metrics_horizon(const struct weft_forecast_metrics *m)
{
    return m->attrs.horizon;
}
