/* demand_metrics.c - how good predictions of products were. */
#include "measure/demand_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/confusion.h"
#include "base/mem.h"

/* One head of one model. */
struct row {
    size_t label; /* among the attrs' labels; SIZE_MAX: the stream has none */
    uint64_t n, missing;
    struct weft_confusion confusion;
    double scaled_squares, squares, absolutes, actuals, said;
    uint64_t intervals, covered;
};

struct weft_demand_metrics {
    const struct weft_predictions_attrs *a;
    struct row (*row)[WEFT_PRODUCT_FIELDS]; /* [models] */
    struct weft_names classes;              /* of all labels */
};

static size_t find_label(const struct weft_products_attrs *a, const char *name)
{
    for (size_t i = 0; i < a->n_labels; i++)
        if (strcmp(a->labels[i], name) == 0)
            return i;
    return SIZE_MAX;
}

struct weft_demand_metrics *weft_demand_metrics_new(const struct weft_predictions_attrs *a)
{
    struct weft_demand_metrics *m = WEFT_NEW(struct weft_demand_metrics);
    m->a = a;
    m->row = weft_xcalloc(a->n + 1, sizeof *m->row);
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < a->model[i].n_heads; k++)
            m->row[i][k].label = find_label(&a->products, a->model[i].head[k].name);
    return m;
}

void weft_demand_metrics_free(struct weft_demand_metrics **pm)
{
    struct weft_demand_metrics *m = *pm;
    if (!m)
        return;
    for (size_t i = 0; i < m->a->n; i++)
        for (size_t k = 0; k < WEFT_PRODUCT_FIELDS; k++)
            weft_confusion_free(&m->row[i][k].confusion);
    free(m->row);
    weft_names_free(&m->classes);
    free(m);
    *pm = NULL;
}

/* A class may come as a number: an age group of 20. */
static size_t class_number(struct weft_demand_metrics *m, const struct weft_product_label *l)
{
    char buf[32];
    if (l->text.p)
        return weft_names_add(&m->classes, l->text.p, l->text.n);
    return weft_names_add(&m->classes, buf, (size_t)snprintf(buf, sizeof buf, "%.15g", l->number));
}

static bool missing(const struct weft_product_label *l, bool quantity)
{
    return isnan(l->number) && (quantity || !l->text.p);
}

static void add_quantity(struct row *r, const struct weft_prediction_head *h, double actual, double said, double median)
{
    double scaled = (log1p(isnan(median) ? said : median) - log1p(actual < 0 ? 0 : actual)) / h->std,
           error = said - actual;
    r->scaled_squares += scaled * scaled;
    r->squares += error * error;
    r->absolutes += fabs(error);
    r->actuals += fabs(actual);
    r->said += said;
}

void weft_demand_metrics_add(struct weft_demand_metrics *m, const struct weft_prediction *p)
{
    const struct weft_prediction_model *model = &m->a->model[p->model];
    for (size_t k = 0; k < model->n_heads; k++) {
        struct row *r = &m->row[p->model][k];
        bool quantity = !model->head[k].n_classes;
        const struct weft_product_label *said = &p->predicted[k],
                                        *actual = r->label == SIZE_MAX ? NULL : &p->product.label[r->label];
        if (!actual || missing(actual, quantity) || missing(said, quantity)) {
            r->missing++;
            continue;
        }
        r->n++;
        if (quantity) {
            add_quantity(r, &model->head[k], actual->number, said->number, p->median[k]);
            if (!isnan(p->low[k]) && !isnan(p->high[k])) {
                r->intervals++;
                r->covered += actual->number >= p->low[k] && actual->number <= p->high[k];
            }
        } else {
            size_t is = class_number(m, actual);
            weft_confusion_add(&r->confusion, is, class_number(m, said));
        }
    }
}

uint64_t weft_demand_metrics_count(const struct weft_demand_metrics *m)
{
    uint64_t n = 0;
    for (size_t i = 0; i < m->a->n; i++)
        for (size_t k = 0; k < m->a->model[i].n_heads; k++)
            n += m->row[i][k].n;
    return n;
}

/* Calls fn for every head of every model, label by label in the order in which models name them. */
static void each(const struct weft_demand_metrics *m,
                 void (*fn)(const struct weft_demand_metrics *m, size_t i, size_t k, void *ctx), void *ctx)
{
    struct weft_names done = {0};
    for (size_t i = 0; i < m->a->n; i++)
        for (size_t k = 0; k < m->a->model[i].n_heads; k++) {
            const char *name = m->a->model[i].head[k].name;
            size_t known = done.n;
            if (weft_names_add(&done, name, strlen(name)) < known)
                continue;
            for (size_t j = i; j < m->a->n; j++)
                for (size_t l = 0; l < m->a->model[j].n_heads; l++)
                    if (strcmp(m->a->model[j].head[l].name, name) == 0)
                        fn(m, j, l, ctx);
        }
    weft_names_free(&done);
}

/* --- the table --- */

struct columns {
    struct weft_table *t;
    size_t label, model, n, missing, accuracy, macro_f1, majority, mse, mae, rmse, wape, bias, covered;
};

static void put_row(const struct weft_demand_metrics *m, size_t i, size_t k, void *ctx)
{
    const struct columns *c = ctx;
    const struct row *r = &m->row[i][k];
    const struct weft_prediction_head *h = &m->a->model[i].head[k];
    double n = r->n ? (double)r->n : NAN;
    weft_table_row(c->t);
    weft_table_text(c->t, c->label, h->name, strlen(h->name));
    weft_table_text(c->t, c->model, m->a->model[i].name, strlen(m->a->model[i].name));
    weft_table_int(c->t, c->n, (int64_t)r->n);
    weft_table_int(c->t, c->missing, (int64_t)r->missing);
    if (h->n_classes) {
        weft_table_real(c->t, c->accuracy, weft_confusion_accuracy(&r->confusion));
        weft_table_real(c->t, c->macro_f1, weft_confusion_macro_f1(&r->confusion));
        weft_table_real(c->t, c->majority, weft_confusion_majority(&r->confusion));
    } else {
        weft_table_real(c->t, c->mse, r->scaled_squares / n);
        weft_table_real(c->t, c->mae, r->absolutes / n);
        weft_table_real(c->t, c->rmse, sqrt(r->squares / n));
        weft_table_real(c->t, c->wape, r->actuals > 0 ? r->absolutes / r->actuals : NAN);
        weft_table_real(c->t, c->bias, r->actuals > 0 ? r->said / r->actuals - 1 : NAN);
        weft_table_real(c->t, c->covered, r->intervals ? (double)r->covered / (double)r->intervals : NAN);
    }
}

void weft_demand_metrics_table(const struct weft_demand_metrics *m, struct weft_table *t)
{
    struct columns c = {.t = t};
    c.label = weft_table_column(t, "label", "label", WEFT_CELL_TEXT, 0, 0);
    c.model = weft_table_column(t, "model", "model", WEFT_CELL_TEXT, 0, 0);
    c.n = weft_table_column(t, "n", "n", WEFT_CELL_INT, 0, 0);
    c.missing = weft_table_column(t, "missing", "missing", WEFT_CELL_INT, 0, WEFT_COLUMN_SAME);
    c.accuracy = weft_table_column(t, "accuracy", "accuracy", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c.macro_f1 = weft_table_column(t, "macro_f1", "macro-F1", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c.majority = weft_table_column(t, "majority", "majority", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c.mse = weft_table_column(t, "mse", "scaled MSE", WEFT_CELL_REAL, 4, 0);
    c.mae = weft_table_column(t, "mae", "MAE", WEFT_CELL_REAL, -1, 0);
    c.rmse = weft_table_column(t, "rmse", "RMSE", WEFT_CELL_REAL, -1, 0);
    c.wape = weft_table_column(t, "wape", "WAPE", WEFT_CELL_REAL, 4, 0);
    c.bias = weft_table_column(t, "bias", "bias", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c.covered = weft_table_column(t, "covered", "in 90%", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    each(m, put_row, &c);
}

/* --- confusion --- */

static bool occurs(const struct weft_confusion *c, size_t k)
{
    for (size_t i = 0; i < c->n; i++)
        if (weft_confusion_at(c, k, i) || weft_confusion_at(c, i, k))
            return true;
    return false;
}

struct met {
    const char *name;
    size_t class;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct met *)a)->name, ((const struct met *)b)->name);
}

static void print_confusion(const struct weft_demand_metrics *m, size_t i, size_t k, void *ctx)
{
    const struct weft_confusion *c = &m->row[i][k].confusion;
    const struct weft_prediction_head *h = &m->a->model[i].head[k];
    FILE *f = ctx;
    if (!h->n_classes || !c->total)
        return;
    fprintf(f, "\n%s by %s: rows are actual, columns predicted\n", h->name, m->a->model[i].name);
    struct weft_table *t = weft_table_new();
    size_t first = weft_table_column(t, "actual", "", WEFT_CELL_TEXT, 0, 0), n = 0, *column = WEFT_ARRAY(size_t, c->n);
    struct met *met = WEFT_ARRAY(struct met, c->n); /* sorted: the table does not depend on the order of the products */
    for (size_t j = 0; j < c->n; j++)
        if (occurs(c, j))
            met[n++] = (struct met){m->classes.at[j].p, j};
    weft_sort(met, n, sizeof *met, by_name);
    for (size_t j = 0; j < n; j++)
        column[j] = weft_table_column(t, met[j].name, met[j].name, WEFT_CELL_INT, 0, 0);
    for (size_t j = 0; j < n; j++) {
        weft_table_row(t);
        weft_table_text(t, first, met[j].name, strlen(met[j].name));
        for (size_t l = 0; l < n; l++)
            weft_table_int(t, column[l], (int64_t)weft_confusion_at(c, met[j].class, met[l].class));
    }
    weft_table_print(t, f);
    weft_table_free(&t);
    free(column);
    free(met);
}

void weft_demand_metrics_confusion(const struct weft_demand_metrics *m, FILE *f)
{
    each(m, print_confusion, f);
}
