/* accuracy.c - measures of several models side by side. */
#include "measure/accuracy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "measure/metrics.h"
#include "base/names.h"

/* What stands before the group's text in a row's name. */
struct place {
    size_t channel, level;
};

struct weft_accuracy {
    struct weft_accuracy_shape shape;
    size_t origins, steps, cells; /* rows of one group: 1 or the shape's; cells = origins * steps * models */
    struct weft_names rows;       /* place, then the group's text */
    struct weft_metrics **at;     /* [rows]: [origins, steps, models] */
    size_t cap;
    struct weft_pack name;
};

struct weft_accuracy *weft_accuracy_new(const struct weft_accuracy_shape *shape)
{
    struct weft_accuracy *a = WEFT_NEW(struct weft_accuracy);
    a->shape = *shape;
    a->origins = shape->per_origin ? shape->origins : 1;
    a->steps = shape->per_step ? shape->horizon : 1;
    if (!weft_mul(a->origins, a->steps, &a->cells) || !weft_mul(a->cells, shape->models, &a->cells))
        a->cells = SIZE_MAX; /* more than memory: the first row says so */
    return a;
}

void weft_accuracy_free(struct weft_accuracy **ap)
{
    struct weft_accuracy *a = *ap;
    if (!a)
        return;
    for (size_t i = 0; i < a->rows.n; i++) {
        free(a->at[i][0].band);
        free(a->at[i]);
    }
    free(a->at);
    weft_names_free(&a->rows);
    weft_pack_free(&a->name);
    free(a);
    *ap = NULL;
}

static struct weft_metrics *new_block(size_t cells)
{
    struct weft_metrics *m = WEFT_ARRAY(struct weft_metrics, cells);
    struct weft_band_sums *bands = WEFT_ARRAY(struct weft_band_sums, cells);
    for (size_t i = 0; i < cells; i++)
        m[i].band = &bands[i];
    return m;
}

size_t weft_accuracy_row(struct weft_accuracy *a, size_t channel, size_t level, const void *group, size_t n)
{
    const struct place place = {channel, level};
    weft_pack_clear(&a->name);
    weft_pack_raw(&a->name, (struct weft_span){(const uint8_t *)&place, sizeof place});
    weft_pack_raw(&a->name, (struct weft_span){group, n});
    size_t known = a->rows.n, row = weft_names_add(&a->rows, a->name.p, a->name.n);
    if (row < known)
        return row;
    if (row >= a->cap) {
        a->cap = weft_grow(a->cap, row + 1);
        a->at = weft_xrealloc2(a->at, a->cap, sizeof(struct weft_metrics *));
    }
    a->at[row] = new_block(a->cells);
    return row;
}

void weft_accuracy_series(struct weft_accuracy *a, size_t row, uint64_t series, const double naive[3])
{
    for (size_t i = 0; i < a->cells; i++)
        weft_metrics_series(&a->at[row][i], series, naive, 1);
}

void weft_accuracy_add(struct weft_accuracy *a, size_t row, size_t model, size_t origin, size_t step, double actual,
                       double forecast, double low, double high)
{
    size_t o = a->shape.per_origin ? origin : 0, h = a->shape.per_step ? step : 0;
    struct weft_metrics *m = &a->at[row][(o * a->steps + h) * a->shape.models + model];
    weft_metrics_add(m, actual, forecast, forecast);
    weft_metrics_band(m, 0, actual, low, high, false);
}

bool weft_accuracy_any(const struct weft_accuracy *a)
{
    for (size_t i = 0; i < a->rows.n; i++)
        for (size_t k = 0; k < a->cells; k++)
            if (a->at[i][k].n)
                return true;
    return false;
}

/* --- the table --- */

struct columns {
    size_t channel, by, name, origin, step, model, n, wape, mae, rmse, mase, bias, seasonal, lag;
    struct weft_interval_columns band;
};

static struct columns make_columns(double interval, struct weft_table *t)
{
    struct columns c;
    c.channel = weft_table_column(t, "channel", "channel", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c.by = weft_table_column(t, "by", "by", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c.name = weft_table_column(t, "name", "name", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c.origin = weft_table_column(t, "origin", "origin", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c.step = weft_table_column(t, "step", "step", WEFT_CELL_INT, 0, 0);
    c.model = weft_table_column(t, "model", "model", WEFT_CELL_TEXT, 0, 0);
    c.n = weft_table_column(t, "n", "n", WEFT_CELL_INT, 0, WEFT_COLUMN_SAME);
    c.wape = weft_table_column(t, "wape", "WAPE", WEFT_CELL_REAL, 4, 0);
    c.mae = weft_table_column(t, "mae", "MAE", WEFT_CELL_REAL, -1, 0);
    c.rmse = weft_table_column(t, "rmse", "RMSE", WEFT_CELL_REAL, -1, 0);
    c.mase = weft_table_column(t, "mase", "MASE", WEFT_CELL_REAL, 3, 0);
    c.bias = weft_table_column(t, "bias", "bias", WEFT_CELL_REAL, -1, 0);
    c.seasonal = weft_table_column(t, "skill_seasonal", "vs season", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c.lag = weft_table_column(t, "skill_lag_growth", "vs lag-growth", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c.band = weft_table_interval(t, interval, -1);
    return c;
}

static double skill(const struct weft_metrics *block, size_t base, size_t model, double wape)
{
    const struct weft_metrics *b = base == SIZE_MAX || base == model ? NULL : &block[base];
    return b && b->absolutes > 0 && b->actuals > 0 ? 1 - wape / (b->absolutes / b->actuals) : NAN;
}

/* All models on one group, origin and step. */
static void put_rows(struct weft_accuracy *a, const struct weft_accuracy_names *names, size_t row, size_t origin,
                     size_t step, const struct columns *c, struct weft_table *t)
{
    struct weft_metrics *block = a->at[row] + (origin * a->steps + step) * a->shape.models;
    const struct weft_name *name = &a->rows.at[row];
    struct place place;
    memcpy(&place, name->p, sizeof place);
    for (size_t m = 0; m < a->shape.models; m++) {
        struct weft_measures v;
        const struct weft_band_sums *band = block[m].band;
        double banded = band->n ? (double)band->n : NAN;
        if (!block[m].n)
            continue;
        weft_metrics_finish(&block[m], &v);
        weft_table_row(t);
        weft_table_text(t, c->channel, names->channels[place.channel], strlen(names->channels[place.channel]));
        weft_table_text(t, c->by, names->levels[place.level], strlen(names->levels[place.level]));
        weft_table_text(t, c->name, name->p + sizeof place, name->n - sizeof place);
        if (a->shape.per_origin)
            weft_table_text(t, c->origin, names->origins[origin], strlen(names->origins[origin]));
        if (a->shape.per_step)
            weft_table_int(t, c->step, (int64_t)step + 1);
        weft_table_text(t, c->model, names->models[m], strlen(names->models[m]));
        weft_table_int(t, c->n, (int64_t)block[m].n);
        weft_table_real(t, c->wape, v.wape);
        weft_table_real(t, c->mae, v.mae);
        weft_table_real(t, c->rmse, v.rmse);
        weft_table_real(t, c->mase, v.mase);
        weft_table_real(t, c->bias, v.bias);
        weft_table_real(t, c->seasonal, skill(block, names->seasonal, m, v.wape));
        weft_table_real(t, c->lag, skill(block, names->lag, m, v.wape));
        weft_table_real(t, c->band.coverage, (double)band->inside / banded);
        weft_table_real(t, c->band.width, band->width / banded);
    }
}

struct order {
    struct place place;
    const char *group;
    size_t row;
};

static int by_place(const void *p, const void *q)
{
    const struct order *x = p, *y = q;
    if (x->place.channel != y->place.channel)
        return x->place.channel < y->place.channel ? -1 : 1;
    if (x->place.level != y->place.level)
        return x->place.level < y->place.level ? -1 : 1;
    return strcmp(x->group, y->group);
}

void weft_accuracy_table(struct weft_accuracy *a, const struct weft_accuracy_names *names, struct weft_table *t)
{
    struct columns c = make_columns(names->interval, t);
    struct order *order = WEFT_ARRAY(struct order, a->rows.n + 1);
    for (size_t i = 0; i < a->rows.n; i++) {
        memcpy(&order[i].place, a->rows.at[i].p, sizeof order[i].place);
        order[i].group = a->rows.at[i].p + sizeof order[i].place;
        order[i].row = i;
    }
    weft_sort(order, a->rows.n, sizeof *order, by_place);
    for (size_t i = 0; i < a->rows.n; i++)
        for (size_t o = 0; o < a->origins; o++)
            for (size_t h = 0; h < a->steps; h++)
                put_rows(a, names, order[i].row, o, h, &c, t);
    free(order);
}
