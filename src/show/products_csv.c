/* products_csv.c - products and demand streams as CSV. */
#include "show/products_csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "show/view.h"

int weft_products_csv_start(struct weft_products_csv *c, const struct weft_head *h, struct weft_err *e)
{
    weft_products_csv_free(c);
    bool demand = strcmp(h->schema, WEFT_DEMAND_SCHEMA) == 0;
    if (demand ? weft_predictions_attrs_read(h, &c->attrs, e) < 0
               : weft_products_attrs_read(h, &c->attrs.products, e) < 0)
        return -1;
    for (size_t i = 0; i < c->attrs.n; i++)
        for (size_t k = 0; k < c->attrs.model[i].n_heads; k++) {
            const struct weft_prediction_head *said = &c->attrs.model[i].head[k];
            size_t known = c->heads.n, at = weft_names_add(&c->heads, said->name, strlen(said->name));
            if (at == known) {
                c->classes = weft_xrealloc2(c->classes, c->heads.n, sizeof *c->classes);
                c->classes[at] = said->n_classes > 0;
            }
        }
    return 0;
}

void weft_products_csv_free(struct weft_products_csv *c)
{
    weft_predictions_attrs_free(&c->attrs);
    weft_product_free(&c->p.product);
    weft_names_free(&c->heads);
    free(c->classes);
    *c = (struct weft_products_csv){0};
}

static void put_names(FILE *f, const char *prefix, char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char name[300];
        int length = snprintf(name, sizeof name, "%s.%.280s", prefix, names[i]);
        putc(',', f);
        weft_csv_put(f, name, (size_t)length);
    }
}

void weft_products_csv_head(const struct weft_products_csv *c, FILE *f)
{
    const struct weft_products_attrs *a = &c->attrs.products;
    fputs("id", f);
    put_names(f, "keys", a->keys, a->n_keys);
    fputs(",name", f);
    put_names(f, "numbers", a->numbers, a->n_numbers);
    put_names(f, "labels", a->labels, a->n_labels);
    if (c->attrs.model)
        fputs(",model", f);
    for (size_t k = 0; k < c->heads.n; k++)
        put_names(f, "predicted", &c->heads.at[k].p, 1);
    for (size_t k = 0; k < c->heads.n; k++)
        if (c->classes[k]) {
            put_names(f, "probability", &c->heads.at[k].p, 1);
        } else {
            put_names(f, "low", &c->heads.at[k].p, 1);
            put_names(f, "high", &c->heads.at[k].p, 1);
        }
    if (c->attrs.model)
        fputs(",part", f);
    putc('\n', f);
}

static void put_text(FILE *f, struct weft_span text)
{
    putc(',', f);
    if (text.p)
        weft_csv_put(f, (const char *)text.p, text.n);
}

static void put_number(FILE *f, double x)
{
    putc(',', f);
    if (!isnan(x))
        fprintf(f, "%.10g", x);
}

static void put_label(FILE *f, const struct weft_product_label *l)
{
    if (l->text.p)
        put_text(f, l->text);
    else
        put_number(f, l->number);
}

/* What the frame's model says for head k of all; empty when it has no such head. */
static void put_predicted(const struct weft_products_csv *c, size_t k, FILE *f)
{
    const struct weft_prediction_model *m = &c->attrs.model[c->p.model];
    for (size_t i = 0; i < m->n_heads; i++)
        if (strcmp(m->head[i].name, c->heads.at[k].p) == 0) {
            put_label(f, &c->p.predicted[i]);
            return;
        }
    putc(',', f);
}

/* How sure the model is of it: the class's probability, or the interval's ends. */
static void put_sureness(const struct weft_products_csv *c, size_t k, FILE *f)
{
    const struct weft_prediction_model *m = &c->attrs.model[c->p.model];
    size_t i = 0;
    while (i < m->n_heads && strcmp(m->head[i].name, c->heads.at[k].p) != 0)
        i++;
    bool there = i < m->n_heads;
    if (c->classes[k]) {
        put_number(f, there ? c->p.probability[i] : NAN);
        return;
    }
    put_number(f, there ? c->p.low[i] : NAN);
    put_number(f, there ? c->p.high[i] : NAN);
}

int weft_products_csv_row(struct weft_products_csv *c, struct weft_span frame, FILE *f, struct weft_err *e)
{
    const struct weft_products_attrs *a = &c->attrs.products;
    const struct weft_product *p = &c->p.product;
    bool demand = c->attrs.model != NULL;
    if (demand ? weft_prediction_read(frame, &c->attrs, &c->p, e) < 0
               : weft_product_read(frame, a, &c->p.product, e) < 0)
        return -1;
    weft_csv_put(f, (const char *)p->id.p, p->id.n);
    for (size_t i = 0; i < a->n_keys; i++)
        put_text(f, p->key[i]);
    put_text(f, p->name);
    for (size_t i = 0; i < a->n_numbers; i++)
        put_number(f, p->number[i]);
    for (size_t i = 0; i < a->n_labels; i++)
        put_label(f, &p->label[i]);
    if (demand)
        put_text(f, (struct weft_span){(const uint8_t *)c->attrs.model[c->p.model].name,
                                       strlen(c->attrs.model[c->p.model].name)});
    for (size_t k = 0; demand && k < c->heads.n; k++)
        put_predicted(c, k, f);
    for (size_t k = 0; demand && k < c->heads.n; k++)
        put_sureness(c, k, f);
    if (demand)
        put_text(f, c->p.part);
    putc('\n', f);
    return 0;
}
