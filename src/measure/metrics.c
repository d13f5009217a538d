/* metrics.c - accuracy of forecasts. */
#include "measure/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

size_t weft_bands(const double *levels, size_t n, struct weft_band *out)
{
    const double hair = 1e-9;
    size_t k = 0;
    for (size_t i = 0; i < n && levels[i] < 0.5 - hair; i++)
        for (size_t j = n; j-- > 0 && levels[j] > 0.5;)
            if (fabs(levels[i] + levels[j] - 1) < hair)
                out[k++] = (struct weft_band){i, j, levels[j] - levels[i]};
    size_t pairs = k;
    for (size_t i = 0; i < n; i++) {
        bool paired = fabs(levels[i] - 0.5) < hair;
        for (size_t p = 0; p < pairs; p++)
            paired |= out[p].low == i || out[p].high == i;
        if (!paired)
            out[k++] = (struct weft_band){SIZE_MAX, i, levels[i]};
    }
    return k;
}

/* --- one row --- */

static void close_series(struct weft_metrics *m)
{
    double n = (double)m->series_n;
    if (m->series_n && m->naive_season > 0) {
        m->mase += m->series_absolutes / n / m->naive_season;
        m->mase_n++;
    }
    if (m->series_n && m->naive_square > 0) {
        m->rmsse += sqrt(m->series_squares / n / m->naive_square);
        m->rmsse_n++;
    }
    m->series_n = 0;
    m->series_absolutes = m->series_squares = 0;
}

void weft_metrics_series(struct weft_metrics *m, uint64_t series, const double naive[3], double scale)
{
    if (m->series_n && m->series != series)
        close_series(m);
    m->series = series;
    m->naive_square = naive[1] / (scale * scale);
    m->naive_season = naive[2] / scale;
}

void weft_metrics_add(struct weft_metrics *m, double actual, double forecast, double median)
{
    double e = forecast - actual, absolute = fabs(median - actual), both = fabs(actual) + fabs(median);
    if (isnan(e) || isnan(absolute))
        return;
    m->n++;
    m->squares += e * e;
    m->absolutes += absolute;
    m->errors += e;
    m->actuals += fabs(actual);
    m->symmetric += both > 0 ? 2 * absolute / both : 0;
    m->series_n++;
    m->series_absolutes += absolute;
    m->series_squares += e * e;
}

void weft_metrics_total(struct weft_metrics *m, const float *actual, const float *forecast, size_t horizon,
                        double shift, double factor)
{
    double sum = 0, error = 0;
    for (size_t h = 0; h < horizon; h++) {
        sum += ((double)actual[h] - shift) / factor;
        error += ((double)forecast[h] - (double)actual[h]) / factor;
    }
    if (isnan(sum) || isnan(error))
        return;
    m->total_errors += fabs(error);
    m->total_actuals += fabs(sum);
}

void weft_metrics_band(struct weft_metrics *m, size_t k, double actual, double low, double high, bool single)
{
    struct weft_band_sums *b = &m->band[k];
    if (isnan(actual) || isnan(high) || (!single && isnan(low)))
        return;
    b->n++;
    b->inside += actual <= high && (single || actual >= low);
    b->width += single ? 0 : high - low;
}

void weft_metrics_finish(struct weft_metrics *m, struct weft_measures *out)
{
    double n = m->n ? (double)m->n : NAN;
    close_series(m);
    out->mse = m->squares / n;
    out->rmse = sqrt(out->mse);
    out->mae = m->absolutes / n;
    out->bias = m->errors / n;
    out->smape = m->symmetric / n;
    out->wape = m->actuals > 0 ? m->absolutes / m->actuals : NAN;
    out->bias_share = m->actuals > 0 ? m->errors / m->actuals : NAN;
    out->mae_bias = out->wape + fabs(out->bias_share);
    out->totals = m->total_actuals > 0 ? m->total_errors / m->total_actuals : NAN;
    out->mase = m->mase_n ? m->mase / (double)m->mase_n : NAN;
    out->rmsse = m->rmsse_n ? m->rmsse / (double)m->rmsse_n : NAN;
}

/* --- PSFA: a table of (row, category, origin), each with two sums per step --- */

struct cell {
    size_t row, category;
    int64_t origin;
};

struct place {
    size_t row, category, cell;
};

struct weft_psfa {
    size_t horizon, n, cap, n_slots;
    struct cell *at;     /* [n], in the order of their first window */
    double *sums;        /* [n, horizon, 2]: weighted errors, actual values; the latter NaN until a value came */
    uint32_t *slots;     /* open addressing: index + 1 */
    struct place *place; /* [n], once finished */
};

struct weft_psfa *weft_psfa_new(size_t horizon)
{
    struct weft_psfa *p = WEFT_NEW(struct weft_psfa);
    p->horizon = horizon;
    p->n_slots = 1024;
    p->slots = WEFT_ARRAY(uint32_t, p->n_slots);
    return p;
}

void weft_psfa_free(struct weft_psfa **p)
{
    if (!*p)
        return;
    free((*p)->at);
    free((*p)->sums);
    free((*p)->slots);
    free((*p)->place);
    free(*p);
    *p = NULL;
}

static size_t slot_of(const struct weft_psfa *p, const struct cell *c)
{
    uint64_t key[3] = {c->row, c->category, (uint64_t)c->origin};
    size_t at = weft_hash(key, sizeof key, 0) & (p->n_slots - 1);
    while (p->slots[at]) {
        const struct cell *x = &p->at[p->slots[at] - 1];
        if (x->row == c->row && x->category == c->category && x->origin == c->origin)
            break;
        at = (at + 1) & (p->n_slots - 1);
    }
    return at;
}

static void grow_slots(struct weft_psfa *p)
{
    free(p->slots);
    p->n_slots *= 2;
    p->slots = WEFT_ARRAY(uint32_t, p->n_slots);
    for (size_t i = 0; i < p->n; i++)
        p->slots[slot_of(p, &p->at[i])] = (uint32_t)i + 1;
}

static double *cell_sums(struct weft_psfa *p, const struct cell *c)
{
    size_t at = slot_of(p, c);
    if (p->slots[at])
        return p->sums + (size_t)(p->slots[at] - 1) * p->horizon * 2;
    if (p->n == p->cap) {
        size_t each;
        p->cap = weft_grow(p->cap, p->n + 1);
        p->at = weft_xrealloc2(p->at, p->cap, sizeof *p->at);
        if (!weft_mul(p->horizon, 2 * sizeof *p->sums, &each))
            each = SIZE_MAX;
        p->sums = weft_xrealloc2(p->sums, p->cap, each);
    }
    double *sums = p->sums + p->n * p->horizon * 2;
    for (size_t h = 0; h < p->horizon; h++) {
        sums[2 * h] = 0;
        sums[2 * h + 1] = NAN;
    }
    p->at[p->n++] = *c;
    p->slots[at] = (uint32_t)p->n;
    if (p->n * 2 > p->n_slots)
        grow_slots(p);
    return sums;
}

void weft_psfa_add(struct weft_psfa *p, size_t row, size_t category, int64_t origin, const float *actual,
                   const float *forecast)
{
    struct cell c = {row, category, origin};
    double *sums = NULL;
    for (size_t h = 0; h < p->horizon; h++) {
        double y = actual[h], f = forecast[h], larger = y > f ? y : f;
        if (isnan(y) || isnan(f))
            continue;
        if (!sums)
            sums = cell_sums(p, &c);
        sums[2 * h] += larger > 0 && y > 0 ? fabs(y - f) / larger * y : 0;
        sums[2 * h + 1] = (isnan(sums[2 * h + 1]) ? 0 : sums[2 * h + 1]) + (y > 0 ? y : 0);
    }
}

/* Orders cells by row and category, and those of one category as they came. */
static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->row != y->row)
        return x->row < y->row ? -1 : 1;
    if (x->category != y->category)
        return x->category < y->category ? -1 : 1;
    return (x->cell > y->cell) - (x->cell < y->cell);
}

void weft_psfa_finish(struct weft_psfa *p)
{
    free(p->place);
    p->place = WEFT_ARRAY(struct place, p->n + 1);
    for (size_t i = 0; i < p->n; i++)
        p->place[i] = (struct place){p->at[i].row, p->at[i].category, i};
    qsort(p->place, p->n, sizeof *p->place, by_place);
}

/* Mean over the categories of a row, over the steps [from, to). */
static double psfa_of(const struct weft_psfa *p, const struct place *at, size_t n, size_t from, size_t to)
{
    double sum = 0;
    size_t categories = 0;
    for (size_t i = 0; i < n;) {
        size_t category = at[i].category;
        double loss = 0;
        uint64_t days = 0;
        for (; i < n && at[i].category == category; i++)
            for (size_t h = from; h < to; h++) {
                const double *s = p->sums + (at[i].cell * p->horizon + h) * 2;
                if (isnan(s[1]))
                    continue;
                loss += s[1] > 0 ? s[0] / s[1] : 0;
                days++;
            }
        if (days) {
            sum += 1 - loss / (double)days;
            categories++;
        }
    }
    return categories ? sum / (double)categories : NAN;
}

void weft_psfa_row(const struct weft_psfa *p, size_t row, double *out)
{
    size_t lo = 0, hi = p->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (p->place[mid].row < row)
            lo = mid + 1;
        else
            hi = mid;
    }
    size_t n = 0;
    while (lo + n < p->n && p->place[lo + n].row == row)
        n++;
    for (size_t h = 0; h < p->horizon; h++)
        out[h] = psfa_of(p, p->place + lo, n, h, h + 1);
    out[p->horizon] = psfa_of(p, p->place + lo, n, 0, p->horizon);
}
