/* products.c - products frames. */
#include "record/products.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- attrs ---- */

static int names(const struct weft_head *h, const char *key, char ***items, size_t *n, struct weft_err *e)
{
    if (!weft_attr_strs(h, key, items, n) || *n > WEFT_PRODUCT_FIELDS)
        return weft_fail(e, WEFT_DATA, "a %s head without \"%s\", or with more than %d", h->schema, key,
                         WEFT_PRODUCT_FIELDS);
    return 0;
}

static int width(const struct weft_head *h, const char *key, size_t *out, struct weft_err *e)
{
    int64_t v = 0;
    if (weft_attr_int(h, key, &v) && (v < 1 || v > WEFT_PRODUCT_FEATURES_MAX))
        return weft_fail(e, WEFT_DATA, "a %s head with %lld for \"%s\"", h->schema, (long long)v, key);
    *out = (size_t)v;
    return 0;
}

int weft_products_attrs_read(const struct weft_head *h, struct weft_products_attrs *a, struct weft_err *e)
{
    memset(a, 0, sizeof *a);
    if (names(h, "keys", &a->keys, &a->n_keys, e) < 0 || names(h, "numbers", &a->numbers, &a->n_numbers, e) < 0 ||
        names(h, "labels", &a->labels, &a->n_labels, e) < 0 || width(h, "image_features", &a->image_features, e) < 0)
        return -1;
    return width(h, "text_features", &a->text_features, e);
}

void weft_products_attrs_write(const struct weft_products_attrs *a, struct weft_span extra, struct weft_pack *b)
{
    struct weft_edit m = {0};
    if (extra.n > 0 && weft_edit_load(&m, extra, NULL) < 0)
        weft_edit_clear(&m);
    weft_edit_strs(&m, "keys", a->keys, a->n_keys);
    weft_edit_strs(&m, "numbers", a->numbers, a->n_numbers);
    weft_edit_strs(&m, "labels", a->labels, a->n_labels);
    if (a->image_features > 0)
        weft_edit_int(&m, "image_features", (int64_t)a->image_features);
    if (a->text_features > 0)
        weft_edit_int(&m, "text_features", (int64_t)a->text_features);
    weft_edit_write(&m, b);
    weft_edit_free(&m);
}

void weft_products_attrs_free(struct weft_products_attrs *a)
{
    free(a->keys);
    free(a->numbers);
    free(a->labels);
    memset(a, 0, sizeof *a);
}

/* ---- frames ---- */

/* Index of a key among n names; SIZE_MAX: not one of them. Writers keep the order, so `guess` is nearly always right.
 */
static size_t find(const struct weft_value *key, char *const *items, size_t n, size_t guess)
{
    for (size_t tries = 0; tries < n; tries++) {
        size_t i = (guess + tries) % n;
        if (weft_value_is(key, items[i]))
            return i;
    }
    return SIZE_MAX;
}

static bool is_number(const struct weft_value *v)
{
    return v->kind == WEFT_UINT || v->kind == WEFT_INT || v->kind == WEFT_REAL;
}

/* One named value of `map` after the other: *i is its place among the names. False at the end. */
static bool each(struct weft_span *body, char *const *items, size_t n, size_t *i, struct weft_value *v)
{
    struct weft_value key;
    size_t guess = *i == SIZE_MAX ? 0 : *i + 1;
    while (weft_value_next(body, &key) && weft_value_next(body, v)) {
        *i = find(&key, items, n, guess);
        if (*i != SIZE_MAX)
            return true;
    }
    return false;
}

static void read_keys(struct weft_span body, const struct weft_products_attrs *a, struct weft_product *p)
{
    struct weft_value v;
    for (size_t i = SIZE_MAX; each(&body, a->keys, a->n_keys, &i, &v);)
        if (v.kind == WEFT_STR)
            p->key[i] = v.body;
}

static int read_numbers(struct weft_span body, const struct weft_products_attrs *a, struct weft_product *p,
                        struct weft_err *e)
{
    struct weft_value v;
    for (size_t i = SIZE_MAX; each(&body, a->numbers, a->n_numbers, &i, &v);) {
        if (is_number(&v))
            p->number[i] = v.real;
        else if (v.kind != WEFT_NIL)
            return weft_fail(e, WEFT_DATA, "number \"%s\" is none", a->numbers[i]);
    }
    return 0;
}

static int read_labels(struct weft_span body, const struct weft_products_attrs *a, struct weft_product *p,
                       struct weft_err *e)
{
    struct weft_value v;
    for (size_t i = SIZE_MAX; each(&body, a->labels, a->n_labels, &i, &v);) {
        if (v.kind == WEFT_STR)
            p->label[i].text = v.body;
        else if (is_number(&v))
            p->label[i].number = v.real;
        else if (v.kind != WEFT_NIL)
            return weft_fail(e, WEFT_DATA, "label \"%s\" is neither text nor number", a->labels[i]);
    }
    return 0;
}

static int read_features(const struct weft_value *v, size_t n, const char *what, struct weft_scratch *scratch,
                         const float **out, struct weft_err *e)
{
    struct weft_tensor t;
    if (weft_tensor_read(v, &t, e) < 0)
        return -1;
    if (t.dtype != WEFT_F32 || t.rank != 1 || t.count != n)
        return weft_fail(e, WEFT_DATA, "\"%s\" is not a f32 tensor of the %zu elements that the head says", what, n);
    *out = weft_tensor_f32(&t, scratch);
    return 0;
}

static void forget(struct weft_product *p, struct weft_span frame)
{
    struct weft_scratch image = p->scratch_image, text = p->scratch_text;
    memset(p, 0, sizeof *p);
    p->scratch_image = image;
    p->scratch_text = text;
    p->frame = frame;
    for (size_t i = 0; i < WEFT_PRODUCT_FIELDS; i++)
        p->number[i] = p->label[i].number = NAN;
}

static int read_field(const struct weft_value *key, const struct weft_value *v, const struct weft_products_attrs *a,
                      struct weft_product *p, struct weft_err *e)
{
    if (weft_value_is(key, "id") && v->kind == WEFT_STR)
        p->id = v->body;
    else if (weft_value_is(key, "name") && v->kind == WEFT_STR)
        p->name = v->body;
    else if (weft_value_is(key, "image") && v->kind == WEFT_BIN)
        p->image = v->body;
    else if (weft_value_is(key, "keys") && v->kind == WEFT_MAP)
        read_keys(v->body, a, p);
    else if (weft_value_is(key, "numbers") && v->kind == WEFT_MAP)
        return read_numbers(v->body, a, p, e);
    else if (weft_value_is(key, "labels") && v->kind == WEFT_MAP)
        return read_labels(v->body, a, p, e);
    else if (weft_value_is(key, "image_features") && v->kind == WEFT_EXT)
        return read_features(v, a->image_features, "image_features", &p->scratch_image, &p->image_features, e);
    else if (weft_value_is(key, "text_features") && v->kind == WEFT_EXT)
        return read_features(v, a->text_features, "text_features", &p->scratch_text, &p->text_features, e);
    return 0;
}

int weft_product_read(struct weft_span frame, const struct weft_products_attrs *a, struct weft_product *p,
                      struct weft_err *e)
{
    struct weft_value m, key, v;
    struct weft_span rest = frame;
    forget(p, frame);
    if (!weft_value_next(&rest, &m) || m.kind != WEFT_MAP)
        return weft_fail(e, WEFT_DATA, "a frame that is no map");
    while (weft_value_next(&m.body, &key) && weft_value_next(&m.body, &v))
        if (read_field(&key, &v, a, p, e) < 0)
            return -1;
    return p->id.p != NULL ? 0 : weft_fail(e, WEFT_DATA, "a product without id");
}

void weft_product_free(struct weft_product *p)
{
    free(p->scratch_image.p);
    free(p->scratch_text.p);
    memset(p, 0, sizeof *p);
}

static void put_span(struct weft_pack *b, struct weft_span s)
{
    weft_pack_str(b, (const char *)s.p, s.n);
}

static void write_keys(const struct weft_product *p, const struct weft_products_attrs *a, struct weft_pack *b)
{
    uint32_t n = 0;
    for (size_t i = 0; i < a->n_keys; i++)
        n += p->key[i].p != NULL;
    weft_pack_cstr(b, "keys");
    weft_pack_map(b, n);
    for (size_t i = 0; i < a->n_keys; i++)
        if (p->key[i].p != NULL) {
            weft_pack_cstr(b, a->keys[i]);
            put_span(b, p->key[i]);
        }
}

static void write_numbers(const struct weft_product *p, const struct weft_products_attrs *a, struct weft_pack *b)
{
    uint32_t n = 0;
    for (size_t i = 0; i < a->n_numbers; i++)
        n += !isnan(p->number[i]);
    weft_pack_cstr(b, "numbers");
    weft_pack_map(b, n);
    for (size_t i = 0; i < a->n_numbers; i++)
        if (!isnan(p->number[i])) {
            weft_pack_cstr(b, a->numbers[i]);
            weft_pack_real(b, p->number[i]);
        }
}

static bool has_label(const struct weft_product_label *l)
{
    return l->text.p != NULL || !isnan(l->number);
}

static void write_labels(const struct weft_product *p, const struct weft_products_attrs *a, struct weft_pack *b)
{
    uint32_t n = 0;
    for (size_t i = 0; i < a->n_labels; i++)
        n += has_label(&p->label[i]);
    weft_pack_cstr(b, "labels");
    weft_pack_map(b, n);
    for (size_t i = 0; i < a->n_labels; i++) {
        if (!has_label(&p->label[i]))
            continue;
        weft_pack_cstr(b, a->labels[i]);
        if (p->label[i].text.p != NULL)
            put_span(b, p->label[i].text);
        else
            weft_pack_real(b, p->label[i].number);
    }
}

void weft_product_write(const struct weft_product *p, const struct weft_products_attrs *a, struct weft_pack *b)
{
    weft_pack_clear(b);
    weft_pack_map(b, 4 + (p->name.p != NULL) + (p->image.p != NULL));
    weft_pack_cstr(b, "id");
    put_span(b, p->id);
    write_keys(p, a, b);
    if (p->name.p != NULL) {
        weft_pack_cstr(b, "name");
        put_span(b, p->name);
    }
    write_numbers(p, a, b);
    write_labels(p, a, b);
    if (p->image.p != NULL) {
        weft_pack_cstr(b, "image");
        weft_pack_bin(b, p->image.p, p->image.n);
    }
}
