/* evaluate.c - accuracy of forecasts, or of predictions of products, against what happened.
 *
 * In: forecasts/1 with actual values, or demand/1 with labels. Out: a table, CSV, JSON, or metrics/1; a row per model, and per channel, part, group and step where there are several. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "weft/demand_metrics.h"
#include "weft/forecasts.h"
#include "weft/mem.h"
#include "weft/metrics.h"
#include "weft/names.h"
#include "weft/rng.h"
#include "weft/run.h"
#include "weft/table.h"

enum { TABLE, CSV, JSON, FRAMES };

/* What is measured together: one model on one channel, part and group. */
struct row {
    size_t model, channel, part, group; /* numbers of names */
    bool baseline;
    uint64_t skipped;
    struct weft_metrics *step; /* [horizon] per step, else [1] */
};

struct state {
    const char *by, *psfa_by;
    bool per_step, scaled, confusion;
    int format;
    int by_key, psfa_key;
    struct weft_forecasts_attrs attrs;
    struct weft_forecasts f;
    struct weft_names models, texts, row_names; /* texts: channels, parts, groups, categories */
    struct row *rows;
    size_t cap;
    struct weft_psfa *psfa; /* NULL: not measured */
    struct weft_band band[WEFT_MAX_BANDS];
    size_t n_bands;
    uint64_t without_actual;
    struct weft_table *table;
    size_t skipped_column, skill_column;
    struct weft_predictions_attrs said; /* of a demand stream */
    struct weft_prediction prediction;
    struct weft_demand_metrics *demand; /* NULL: a forecasts stream */
};

#define AT(member) offsetof(struct state, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 0, "by", AT(by), "all", 0, 0, "LEVEL", "a row for each value of this key (major, brand, id, ...)", 0},
    {WEFT_OPT_FLAG, 0, "per-step", AT(per_step), NULL, 0, 0, NULL, "a row for each step of the horizon", 0},
    {WEFT_OPT_FLAG, 0, "scaled", AT(scaled), NULL, 0, 0, NULL, "in the units of window --scale, not of the data", 0},
    {WEFT_OPT_STR, 0, "psfa-by", AT(psfa_by), NULL, 0, 0, "LEVEL", "key that names PSFA's categories; major when the stream has it", 0},
    {WEFT_OPT_FLAG, 0, "confusion", AT(confusion), NULL, 0, 0, NULL, "of products: how often each class was taken for which, below the table", WEFT_OPT_RUN},
    {WEFT_OPT_CHOICE, 0, "format", AT(format), "table", 0, 0, "table|csv|json|frames", "what to print", WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static int find_key(const struct state *s, const char *option, const char *name, int *key, struct weft_err *e)
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

static int start_products(struct weft_run *run, struct state *s, struct weft_err *e)
{
    static const char *const unused[] = {"by", "per-step", "scaled", "psfa-by", NULL};
    if (weft_run_refuse(run, unused, "is for forecasts of series, and this is a demand stream", e) < 0)
        return -1;
    if (weft_predictions_attrs_read(weft_run_in_head(run), &s->said, e) < 0)
        return -1;
    s->demand = weft_demand_metrics_new(&s->said);
    return 0;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_head *h = weft_run_in_head(run);
    if (strcmp(h->schema, WEFT_DEMAND_SCHEMA) == 0)
        return start_products(run, s, e);
    if (strcmp(h->schema, WEFT_FORECASTS_SCHEMA) != 0)
        return weft_fail(e, WEFT_DATA, "a %s stream, and this program reads %s or %s", h->schema, WEFT_FORECASTS_SCHEMA, WEFT_DEMAND_SCHEMA);
    if (weft_forecasts_attrs_read(h, &s->attrs, e) < 0 || find_key(s, "by", s->by, &s->by_key, e) < 0)
        return -1;
    s->psfa_key = weft_forecasts_key(&s->attrs, "major");
    if (s->psfa_by && find_key(s, "psfa-by", s->psfa_by, &s->psfa_key, e) < 0)
        return -1;
    if (s->psfa_key != WEFT_KEY_NONE && !s->scaled)
        s->psfa = weft_psfa_new((size_t)s->attrs.horizon);
    s->n_bands = weft_bands(s->attrs.levels, s->attrs.n_levels, s->band);
    return 0;
}

/* --- frames --- */

static size_t text_number(struct state *s, struct weft_span text)
{
    static const struct weft_span none = {(const uint8_t *)"(none)", 6};
    if (!text.p)
        text = none;
    return weft_names_add(&s->texts, text.p, text.n);
}

static size_t find_row(struct state *s)
{
    struct row x = {.model = weft_names_add(&s->models, s->f.model.p, s->f.model.n),
                    .channel = text_number(s, s->f.channel),
                    .part = text_number(s, s->f.part),
                    .group = text_number(s, weft_forecasts_key_text(&s->f, s->by_key)),
                    .baseline = s->f.baseline};
    size_t key[4] = {x.model, x.channel, x.part, x.group}, steps = s->per_step ? (size_t)s->attrs.horizon : 1;
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
static void add_cell(const struct state *s, struct weft_metrics *m, size_t i, double shift, double factor)
{
    const struct weft_forecasts *f = &s->f;
    size_t cells = f->windows * f->horizon;
    double actual = (f->actual[i] - shift) / factor;
    weft_metrics_add(m, actual, (f->forecast[i] - shift) / factor);
    for (size_t k = 0; f->quantiles && k < s->n_bands; k++) {
        bool single = s->band[k].low == SIZE_MAX;
        double low = single ? 0 : (f->quantiles[s->band[k].low * cells + i] - shift) / factor;
        weft_metrics_band(m, k, actual, low, (f->quantiles[s->band[k].high * cells + i] - shift) / factor, single);
    }
}

static int add_prediction(struct state *s, struct weft_span in, struct weft_err *e)
{
    if (weft_prediction_read(in, &s->said, &s->prediction, e) < 0)
        return -1;
    weft_demand_metrics_add(s->demand, &s->prediction);
    return 0;
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    struct weft_forecasts *f = &s->f;
    if (s->demand)
        return add_prediction(s, in, e);
    if (weft_forecasts_read(in, &s->attrs, f, e) < 0)
        return -1;
    if (!f->actual) {
        s->without_actual++;
        weft_run_reject(run, 1);
        return 0;
    }
    size_t r = find_row(s);
    struct row *row = &s->rows[r];
    double shift = s->scaled ? f->scale[0] : 0, factor = s->scaled ? f->scale[1] : 1;
    uint64_t series = weft_hash(f->id.p, f->id.n, 0);
    row->skipped += f->skipped;
    for (size_t h = 0; h < (s->per_step ? f->horizon : 1); h++)
        weft_metrics_series(&row->step[h], series, f->naive, factor);
    for (size_t i = 0; i < f->windows * f->horizon; i++)
        add_cell(s, &row->step[s->per_step ? i % f->horizon : 0], i, shift, factor);
    size_t category = s->psfa ? text_number(s, weft_forecasts_key_text(f, s->psfa_key)) : 0;
    for (size_t w = 0; s->psfa && w < f->windows; w++)
        weft_psfa_add(s->psfa, r, category, f->origin + (int64_t)w * f->stride * s->attrs.step, f->actual + w * f->horizon,
                      f->forecast + w * f->horizon);
    return 0;
}

/* --- the table --- */

struct columns {
    size_t model, channel, part, group, step, n, skipped, mse, mae, rmse, wape, smape, mase, rmsse, bias, psfa, skill, band[WEFT_MAX_BANDS],
        width[WEFT_MAX_BANDS];
};

static void make_columns(struct state *s, struct columns *c)
{
    struct weft_table *t = s->table = weft_table_new();
    char key[40], title[40];
    c->channel = weft_table_column(t, "channel", "channel", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c->part = weft_table_column(t, "part", "part", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c->group = weft_table_column(t, "group", s->by, WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c->step = weft_table_column(t, "step", "step", WEFT_CELL_INT, 0, 0);
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

static void set_name(struct state *s, size_t column, const struct weft_names *names, size_t i)
{
    weft_table_text(s->table, column, names->at[i].p, names->at[i].n);
}

/* One row; returns its WAPE. base: WAPE of the first baseline on the same values, NaN without. */
static double put_row(struct state *s, const struct columns *c, const struct row *row, size_t step, double psfa, double base)
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
    if (s->per_step)
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

/* All models on one channel, part and group: step by step, so that they stand below one another. */
static void put_group(struct weft_run *run, struct state *s, const struct columns *c, const struct order *at, size_t n)
{
    size_t horizon = (size_t)s->attrs.horizon, steps = s->per_step ? horizon : 1, first = 0;
    double *psfa = WEFT_ARRAY(double, n * (horizon + 1));
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
            put_row(s, c, at[i].row, h, psfa[i * (horizon + 1) + (s->per_step ? h : horizon)], i == first ? NAN : base);
            uneven |= at[i].row->step[h].n != at[0].row->step[h].n;
        }
    }
    if (uneven)
        weft_run_warn(run, "%s: the models gave different numbers of forecasts (column n), so their rows do not measure the same", at[0].group->p);
    free(psfa);
}

static void fill_table(struct weft_run *run, struct state *s, struct columns *c)
{
    size_t n = s->row_names.n;
    struct order *order = WEFT_ARRAY(struct order, n + 1);
    make_columns(s, c);
    if (s->psfa)
        weft_psfa_finish(s->psfa);
    for (size_t i = 0; i < n; i++)
        order[i] = (struct order){&s->rows[i], &s->texts.at[s->rows[i].group], i};
    qsort(order, n, sizeof *order, by_place);
    for (size_t i = 0, k; i < n; i = k) {
        for (k = i + 1; k < n && beside(&order[i], &order[k]); k++)
            ;
        put_group(run, s, c, order + i, k - i);
    }
    free(order);
}

/* --- output --- */

static void print_notes(const struct state *s, FILE *f)
{
    const char *baseline = NULL;
    uint64_t skipped = 0;
    for (size_t i = 0; i < s->row_names.n; i++) {
        if (s->rows[i].baseline && !baseline)
            baseline = s->models.at[s->rows[i].model].p;
        skipped = s->rows[i].skipped > skipped ? s->rows[i].skipped : skipped;
    }
    if (s->demand) {
        fputs("\nmajority: always the most frequent class; scaled MSE as in the training, MAE and RMSE in units of the data\n", f);
        if (s->confusion)
            weft_demand_metrics_confusion(s->demand, f);
        return;
    }
    fprintf(f, "\n%s; sMAPE from 0 to 2", s->scaled ? "in scaled units" : "in units of the data");
    if (baseline && s->models.n > 1)
        fprintf(f, "; skill = 1 - WAPE / WAPE of %s", baseline);
    if (s->psfa)
        fprintf(f, "; PSFA by %s", s->psfa_by ? s->psfa_by : "major");
    if (skipped)
        fprintf(f, "; %llu windows with missing values left out", (unsigned long long)skipped);
    putc('\n', f);
}

static void print_json(const struct state *s, FILE *f)
{
    putc('{', f);
    weft_table_json_members(s->table, 0, f);
    if (weft_table_rows(s->table) > 1) {
        fputs(", \"rows\": ", f);
        weft_table_json(s->table, f);
    }
    fputs("}\n", f);
}

static int emit_frames(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_pack b = {0};
    weft_pack_map(&b, s->demand ? 1 : 3);
    weft_pack_cstr(&b, "by");
    weft_pack_cstr(&b, s->demand ? "label" : s->by);
    if (!s->demand) {
        weft_pack_cstr(&b, "scaled");
        weft_pack_bool(&b, s->scaled);
        weft_pack_cstr(&b, "horizon");
        weft_pack_int(&b, s->attrs.horizon);
    }
    int rc = weft_run_head(run, WEFT_METRICS_SCHEMA, weft_pack_span(&b), e);
    for (size_t i = 0; i < weft_table_rows(s->table) && rc == 0; i++) {
        weft_pack_clear(&b);
        weft_table_frame(s->table, i, false, &b);
        rc = weft_run_emit(run, weft_pack_span(&b), e);
    }
    weft_pack_free(&b);
    return rc;
}

static int make_table(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct columns c;
    if (s->demand) {
        if (!weft_demand_metrics_count(s->demand))
            return weft_fail(e, WEFT_DATA, "no product came that has a label which a model predicts");
        weft_demand_metrics_table(s->demand, s->table = weft_table_new());
        return 0;
    }
    if (!s->row_names.n) {
        weft_fail(e, WEFT_DATA, s->without_actual ? "forecasts without actual values" : "no forecasts came");
        return s->without_actual ? weft_fail_hint(e, "score --part test gives both; --part latest looks into the future") : -1;
    }
    if (s->without_actual)
        weft_run_warn(run, "%llu forecasts without actual values were left out", (unsigned long long)s->without_actual);
    fill_table(run, s, &c);
    return 0;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (make_table(run, s, e) < 0)
        return -1;
    FILE *f = weft_run_text(run);
    if (s->format == FRAMES)
        return emit_frames(run, s, e);
    if (s->format == CSV)
        weft_table_csv(s->table, f);
    else if (s->format == JSON)
        print_json(s, f);
    else
        weft_table_print(s->table, f);
    if (s->format == TABLE)
        print_notes(s, f);
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    for (size_t i = 0; i < s->row_names.n; i++) {
        for (size_t h = 0; h < (s->per_step ? (size_t)s->attrs.horizon : 1); h++)
            free(s->rows[i].step[h].band);
        free(s->rows[i].step);
    }
    free(s->rows);
    weft_names_free(&s->models);
    weft_names_free(&s->texts);
    weft_names_free(&s->row_names);
    weft_psfa_free(&s->psfa);
    weft_demand_metrics_free(&s->demand);
    weft_product_free(&s->prediction.product);
    weft_predictions_attrs_free(&s->said);
    weft_table_free(&s->table);
    weft_forecasts_free(&s->f);
    weft_forecasts_attrs_free(&s->attrs);
}

static const struct weft_filter filter = {
    .usage = {.name = "evaluate",
              .summary = "measures forecasts, and predictions of products, against what happened",
              .synopsis = "evaluate [--by LEVEL] [--per-step] [--scaled] [--confusion] [--format table|csv|json|frames]",
              .reads = "a forecasts stream with actual values (score --part test), or a demand stream with labels",
              .writes = "a table, CSV, JSON, or a metrics stream",
              .examples = "score -m model.safetensors,seasonal-naive:7 --part test -i windows.weft | evaluate\n"
                          "score -m model.safetensors --part test -i windows.weft | evaluate --by major --format csv -o accuracy.csv\n"
                          "score -m model.safetensors --part test -i etth1.weft | evaluate --scaled --format json | jq .mse\n"
                          "score -m image=image.safetensors,both=both.safetensors --part valid -i products.weft | evaluate --confusion",
              .see_also = "score, rank, window, train-demand",
              .notes = "MSE, MAE, RMSE and bias (forecast - actual) are means over windows, steps and series. WAPE is the sum of absolute errors over the "
                       "sum of absolute values; sMAPE runs from 0 to 2. MASE and RMSSE divide by each series' own naive error on the train part, and are "
                       "means over series. PSFA is the measure of LG Aimers 3. Skill is 1 - WAPE / WAPE of the first baseline. Coverage is the share of "
                       "values inside an interval of two quantiles (q, 1 - q), or at or below a single one. A value or forecast that is missing takes no "
                       "part.\n"
                       "Of products: accuracy and macro-F1 (the mean over classes of F1) beside the share of the most frequent class; the mean squared error in the "
                       "units that the model learned, (log(1 + x) - mean) / std, and MAE, RMSE and WAPE of the quantities themselves. A missing label takes no "
                       "part.\n"
                       "JSON is one object with the measures of the first row; with more rows than one, \"rows\" holds them all.\n"
                       "Memory grows with the rows of the table, and for PSFA with its categories times windows times horizon, not with the series."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_TEXT,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
