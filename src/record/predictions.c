/* predictions.c - demand frames. */
#include "record/predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "frame/tensor.h"

/* --- writing --- */

static void put_head(const struct weft_prediction_head *h, struct weft_pack *b)
{
    weft_pack_map(b, h->classes ? 2 : 3);
    weft_pack_cstr(b, "name");
    weft_pack_cstr(b, h->name);
    if (!h->classes) {
        weft_pack_cstr(b, "mean");
        weft_pack_real(b, h->mean);
        weft_pack_cstr(b, "std");
        weft_pack_real(b, h->std);
        return;
    }
    weft_pack_cstr(b, "classes");
    weft_pack_array(b, (uint32_t)h->n_classes);
    for (size_t i = 0; i < h->n_classes; i++)
        weft_pack_str(b, h->classes[i].p, h->classes[i].n);
}

void weft_predictions_attrs_write(const struct weft_prediction_model *models, size_t n, struct weft_span extra,
                                  struct weft_pack *b)
{
    struct weft_edit m = {0};
    if (extra.n > 0 && weft_edit_load(&m, extra, NULL) < 0)
        weft_edit_clear(&m);
    weft_edit_drop(&m, "image_features");
    weft_edit_drop(&m, "text_features");
    struct weft_pack *p = weft_edit_set(&m, "models");
    weft_pack_array(p, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        weft_pack_map(p, 2);
        weft_pack_cstr(p, "name");
        weft_pack_cstr(p, models[i].name);
        weft_pack_cstr(p, "heads");
        weft_pack_array(p, (uint32_t)models[i].n_heads);
        for (size_t k = 0; k < models[i].n_heads; k++)
            put_head(&models[i].head[k], p);
    }
    weft_edit_done(&m);
    weft_edit_write(&m, b);
    weft_edit_free(&m);
}

static void put_predicted(const struct weft_prediction_model *m, const size_t *class_of, const double *quantity,
                          struct weft_pack *b)
{
    weft_pack_map(b, (uint32_t)m->n_heads);
    for (size_t k = 0; k < m->n_heads; k++) {
        const struct weft_prediction_head *h = &m->head[k];
        weft_pack_cstr(b, h->name);
        if (h->classes)
            weft_pack_str(b, h->classes[class_of[k]].p, h->classes[class_of[k]].n);
        else
            weft_pack_real(b, quantity[k]);
    }
}

static void put_probabilities(const struct weft_prediction_model *m, const float *p, struct weft_pack *b)
{
    uint32_t n = 0;
    for (size_t k = 0; k < m->n_heads; k++)
        n += m->head[k].classes != NULL;
    weft_pack_map(b, n);
    for (size_t k = 0; k < m->n_heads; k++)
        if (m->head[k].classes) {
            weft_pack_cstr(b, m->head[k].name);
            weft_pack_f32(b, 1, (uint32_t[]){(uint32_t)m->head[k].n_classes}, p);
            p += m->head[k].n_classes;
        }
}

/* A map of those that there are; without one, nothing. */
static void put_reals(const struct weft_prediction_model *m, const char *name, const double *x, struct weft_edit *edit)
{
    uint32_t n = 0;
    for (size_t k = 0; x && k < m->n_heads; k++)
        n += !m->head[k].classes && !isnan(x[k]);
    weft_edit_drop(edit, name);
    if (!n)
        return;
    struct weft_pack *b = weft_edit_set(edit, name);
    weft_pack_map(b, n);
    for (size_t k = 0; k < m->n_heads; k++)
        if (!m->head[k].classes && !isnan(x[k])) {
            weft_pack_cstr(b, m->head[k].name);
            weft_pack_real(b, x[k]);
        }
    weft_edit_done(edit);
}

int weft_prediction_write(const struct weft_prediction_model *m, const struct weft_prediction_said *said,
                          struct weft_span product, struct weft_edit *edit, struct weft_pack *b, struct weft_err *e)
{
    static const char *const dropped[] = {"image", "image_features", "text_features"};
    if (weft_edit_load(edit, product, e) < 0)
        return -1;
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        weft_edit_drop(edit, dropped[i]);
    weft_edit_str(edit, "model", m->name);
    put_predicted(m, said->class_of, said->quantity, weft_edit_set(edit, "predicted"));
    weft_edit_done(edit);
    put_probabilities(m, said->probabilities, weft_edit_set(edit, "probabilities"));
    weft_edit_done(edit);
    put_reals(m, "medians", said->median, edit);
    put_reals(m, "low", said->low, edit);
    put_reals(m, "high", said->high, edit);
    weft_edit_drop(edit, "part");
    if (said->part)
        weft_edit_str(edit, "part", said->part);
    weft_edit_write(edit, b);
    return 0;
}

/* --- reading --- */

static int bad(const struct weft_head *h, struct weft_err *e)
{
    return weft_fail(e, WEFT_DATA, "a %s head whose \"models\" can't be used", h->schema);
}

/* A text of the attrs as a C string in `to`, which is moved on. */
static const char *keep(const struct weft_value *v, char **to)
{
    char *p = *to;
    memcpy(p, v->body.p, v->body.n);
    p[v->body.n] = 0;
    *to += v->body.n + 1;
    return p;
}

static bool read_head(struct weft_value *map, struct weft_prediction_head *h, char **to)
{
    struct weft_value v;
    *h = (struct weft_prediction_head){.mean = NAN, .std = NAN};
    if (map->kind != WEFT_MAP || !weft_map_find(map->whole, "name", &v) || v.kind != WEFT_STR)
        return false;
    h->name = keep(&v, to);
    if (weft_map_find(map->whole, "classes", &v) && v.kind == WEFT_ARRAY)
        h->n_classes = v.count;
    else if (weft_map_find(map->whole, "mean", &v))
        h->mean = v.real;
    if (!h->n_classes && weft_map_find(map->whole, "std", &v))
        h->std = v.real;
    return h->n_classes || (isfinite(h->mean) && isfinite(h->std) && h->std > 0);
}

static bool read_model(struct weft_value *map, struct weft_prediction_model *m, char **to)
{
    struct weft_value name, heads, v;
    if (map->kind != WEFT_MAP || !weft_map_find(map->whole, "name", &name) || name.kind != WEFT_STR ||
        !weft_map_find(map->whole, "heads", &heads) || heads.kind != WEFT_ARRAY || heads.count > WEFT_PRODUCT_FIELDS)
        return false;
    m->name = keep(&name, to);
    while (weft_value_next(&heads.body, &v))
        if (!read_head(&v, &m->head[m->n_heads++], to))
            return false;
    return true;
}

int weft_predictions_attrs_read(const struct weft_head *h, struct weft_predictions_attrs *a, struct weft_err *e)
{
    struct weft_value models, v;
    *a = (struct weft_predictions_attrs){0};
    if (weft_products_attrs_read(h, &a->products, e) < 0)
        return -1;
    if (!weft_map_find(h->attrs, "models", &models) || models.kind != WEFT_ARRAY ||
        models.count > WEFT_PREDICTION_MODELS)
        return bad(h, e);
    a->model = WEFT_ARRAY(struct weft_prediction_model, models.count + 1);
    char *to = a->texts =
        weft_xmalloc(2 * h->attrs.n + 1); /* each text has a header at least, which makes room for its NUL */
    while (weft_value_next(&models.body, &v))
        if (!read_model(&v, &a->model[a->n++], &to))
            return bad(h, e);
    return 0;
}

void weft_predictions_attrs_free(struct weft_predictions_attrs *a)
{
    weft_products_attrs_free(&a->products);
    free(a->model);
    free(a->texts);
    *a = (struct weft_predictions_attrs){0};
}

static size_t find_model(const struct weft_predictions_attrs *a, const struct weft_value *v)
{
    size_t i = 0;
    while (i < a->n && !weft_value_is(v, a->model[i].name))
        i++;
    return i;
}

/* The largest element of a f32 tensor; NaN: it is none. */
static double largest(const struct weft_value *v)
{
    struct weft_tensor t;
    double most = NAN;
    if (weft_tensor_read(v, &t, NULL) < 0 || t.dtype != WEFT_F32)
        return NAN;
    for (size_t i = 0; i < t.count; i++) {
        float x;
        memcpy(&x, t.data + i * sizeof x, sizeof x);
        most = i == 0 || (double)x > most ? (double)x : most;
    }
    return most;
}

static bool is_number(const struct weft_value *v)
{
    return v->kind == WEFT_REAL || v->kind == WEFT_INT || v->kind == WEFT_UINT;
}

/* A map of the frame by head: its numbers, or of each tensor the largest element. What is not there is NaN. */
static void read_by_head(struct weft_span frame, const char *name, const struct weft_prediction_model *m, double *out)
{
    struct weft_value v, key, said;
    for (size_t k = 0; k < m->n_heads; k++)
        out[k] = NAN;
    if (!weft_map_find(frame, name, &v) || v.kind != WEFT_MAP)
        return;
    while (weft_value_next(&v.body, &key) && weft_value_next(&v.body, &said))
        for (size_t k = 0; k < m->n_heads; k++)
            if (weft_value_is(&key, m->head[k].name))
                out[k] = is_number(&said) ? said.real : largest(&said);
}

int weft_prediction_read(struct weft_span frame, const struct weft_predictions_attrs *a, struct weft_prediction *p,
                         struct weft_err *e)
{
    struct weft_value v, key, said;
    if (weft_product_read(frame, &a->products, &p->product, e) < 0)
        return -1;
    p->model = weft_map_find(frame, "model", &v) && v.kind == WEFT_STR ? find_model(a, &v) : a->n;
    if (p->model == a->n)
        return weft_fail(e, WEFT_DATA, "a frame of a model that the head does not name");
    const struct weft_prediction_model *m = &a->model[p->model];
    for (size_t k = 0; k < m->n_heads; k++)
        p->predicted[k] = (struct weft_product_label){.number = NAN};
    if (!weft_map_find(frame, "predicted", &v) || v.kind != WEFT_MAP)
        return weft_fail(e, WEFT_DATA, "a frame without predictions");
    while (weft_value_next(&v.body, &key) && weft_value_next(&v.body, &said))
        for (size_t k = 0; k < m->n_heads; k++) {
            if (!weft_value_is(&key, m->head[k].name))
                continue;
            if (said.kind == WEFT_STR)
                p->predicted[k].text = said.body;
            else if (is_number(&said))
                p->predicted[k].number = said.real;
        }
    read_by_head(frame, "medians", m, p->median);
    read_by_head(frame, "low", m, p->low);
    read_by_head(frame, "high", m, p->high);
    read_by_head(frame, "probabilities", m, p->probability);
    p->part = weft_map_find(frame, "part", &v) && v.kind == WEFT_STR ? v.body : (struct weft_span){0};
    return 0;
}
