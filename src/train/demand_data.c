/* demand_data.c - products as the garment network sees them. */
#include "train/demand_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/dates.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rng.h"

enum { SPLIT_SEED = 20 };

static size_t find(char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return SIZE_MAX;
}

/* --- one product after the other --- */

static int lacks(struct weft_err *e, const char *what, const char *name)
{
    return weft_fail(e, WEFT_CONFIG, "the model reads the %s \"%s\", and the products have none", what, name);
}

int weft_demand_encoder_start(struct weft_demand_encoder *c, const struct weft_demand_shape *s,
                              const struct weft_products_attrs *a, struct weft_err *e)
{
    c->shape = s;
    c->how.limits = weft_image_default_limits();
    c->how.size = (int)s->image_size;
    if (s->text != a->text_features && s->text) {
        weft_fail(e, WEFT_CONFIG, "the model reads %zu text_features, and the products have %zu", s->text,
                  a->text_features);
        return weft_fail_hint(e, "put embed-text in between, with the options that it had for the training");
    }
    for (size_t i = 0; i < s->n_inputs; i++) {
        const struct weft_demand_input *in = &s->input[i];
        c->input[i] = in->key ? find(a->keys, a->n_keys, in->name) : find(a->numbers, a->n_numbers, in->name);
        if (c->input[i] == SIZE_MAX)
            return lacks(e, in->key ? "key" : "number", in->name);
    }
    for (size_t k = 0; k < s->n_heads; k++)
        c->label[k] = find(a->labels, a->n_labels, s->head[k].name);
    return 0;
}

void weft_demand_encoder_free(struct weft_demand_encoder *c)
{
    free(c->jobs);
    memset(c, 0, sizeof *c);
}

void weft_demand_encode(const struct weft_demand_encoder *c, const struct weft_product *p, float *side)
{
    const struct weft_demand_shape *s = c->shape;
    if (s->side)
        memset(side, 0, s->side * sizeof *side);
    weft_demand_put_text(s, p->text_features, side);
    for (size_t i = 0; i < s->n_inputs; i++) {
        const struct weft_demand_input *in = &s->input[i];
        if (in->key)
            weft_demand_put_key(in, p->key[c->input[i]].p, p->key[c->input[i]].n, side);
        else
            weft_demand_put_number(in, p->number[c->input[i]], side);
    }
}

struct weft_span weft_demand_class(const struct weft_product_label *l, char buf[32])
{
    if (l->text.p || isnan(l->number))
        return l->text;
    int n = snprintf(buf, 32, "%.15g", l->number);
    return (struct weft_span){(const uint8_t *)buf, (size_t)n};
}

float weft_demand_target(const struct weft_demand_encoder *c, size_t k, const struct weft_product *p)
{
    const struct weft_demand_head *h = &c->shape->head[k];
    char buf[32];
    if (c->label[k] == SIZE_MAX)
        return NAN;
    const struct weft_product_label *l = &p->label[c->label[k]];
    if (!weft_demand_classifies(h))
        return (float)weft_demand_scaled(h, l->number);
    struct weft_span text = weft_demand_class(l, buf);
    size_t i = text.p ? weft_names_find(&h->classes, text.p, text.n) : SIZE_MAX;
    return i == SIZE_MAX ? NAN : (float)i;
}

static int broken(const struct weft_demand_picture *p, const struct weft_err *why, struct weft_err *e)
{
    *e = *why;
    weft_fail_where(e, "product %.*s", (int)(p->id.n < 100 ? p->id.n : 100), (const char *)p->id.p);
    return weft_fail_hint(e, "--bad-images missing goes on without such pictures");
}

int weft_demand_pixels(struct weft_demand_encoder *c, const struct weft_demand_picture *p, size_t n, float *pixels,
                       struct weft_err *e)
{
    size_t size = c->shape->image_size, count = 3 * size * size;
    if (n > c->cap) {
        c->cap = weft_grow(c->cap, n);
        c->jobs = weft_xrealloc2(c->jobs, c->cap, sizeof *c->jobs);
    }
    for (size_t i = 0; i < n; i++)
        c->jobs[i] =
            (struct weft_image_job){.bytes = p[i].bytes.p, .n = p[i].bytes.n, .id = p[i].id.p, .id_n = p[i].id.n};
    weft_image_prepare(c->par, &c->how, c->jobs, n, pixels);
    for (size_t i = 0; i < n; i++) {
        if (!c->jobs[i].err.code)
            continue;
        if (p[i].bytes.n && !c->broken_is_missing)
            return broken(&p[i], &c->jobs[i].err, e);
        c->broken += p[i].bytes.n > 0;
        memset(pixels + i * count, 0, count * sizeof *pixels);
    }
    return 0;
}

/* --- what is learned, and from what --- */

static char *list(char *const *names, size_t n, char *buf, size_t cap)
{
    size_t at = 0;
    buf[0] = 0;
    for (size_t i = 0; i < n && at + 1 < cap; i++)
        at += (size_t)snprintf(buf + at, cap - at, "%s%.40s", i ? ", " : "", names[i]);
    return buf;
}

/* NAME:LOSS[:WEIGHT]; the name may have colons in it. */
static int read_head(const char *item, double mse_weight, struct weft_demand_head *h, struct weft_err *e)
{
    const char *last = strrchr(item, ':'), *loss;
    double weight = 1;
    bool weighted = last && weft_num_real(last + 1, 0, 1e9, &weight);
    for (loss = last; weighted && loss > item && *--loss != ':';)
        ;
    int k = loss && *loss == ':'
                ? weft_demand_loss_find(loss + 1, weighted ? (size_t)(last - loss - 1) : strlen(loss + 1))
                : -1;
    if (k < 0 || loss == item)
        return weft_fail(e, WEFT_USAGE,
                         "--heads: \"%s\" is not NAME:ce, NAME:focal or NAME:mse, with :WEIGHT after it where wanted",
                         item);
    h->name = weft_xstrndup(item, (size_t)(loss - item));
    h->loss = (enum weft_demand_loss)k;
    h->weight = h->loss == WEFT_DEMAND_MSE ? mse_weight : 1;
    if (weighted)
        h->weight = weight;
    return 0;
}

int weft_demand_choose_heads(struct weft_demand_shape *s, char *const *items, size_t n, double mse_weight, bool strict,
                             const struct weft_products_attrs *a, struct weft_err *e)
{
    char buf[300];
    if (n > WEFT_DEMAND_FIELDS)
        return weft_fail(e, WEFT_USAGE, "--heads: more than %d", WEFT_DEMAND_FIELDS);
    for (size_t i = 0; i < n; i++) {
        struct weft_demand_head *h = &s->head[s->n_heads];
        if (read_head(items[i], mse_weight, h, e) < 0)
            return -1;
        const char *name = h->name;
        if (!strict && find(a->labels, a->n_labels, name) == SIZE_MAX && (i + 1 < n || s->n_heads)) {
            free(h->name);
            *h = (struct weft_demand_head){0};
            continue;
        }
        s->n_heads++;
        for (size_t k = 0; k + 1 < s->n_heads; k++)
            if (strcmp(s->head[k].name, name) == 0)
                return weft_fail(e, WEFT_USAGE, "--heads: \"%s\" stands twice", name);
        if (find(a->labels, a->n_labels, name) == SIZE_MAX) {
            weft_fail(e, WEFT_CONFIG, "the products have no label \"%s\"", name);
            return a->n_labels ? weft_fail_hint(e, "they have: %s; choose with --heads",
                                                list(a->labels, a->n_labels, buf, sizeof buf))
                               : weft_fail_hint(e, "weft ingest --label says which columns are labels");
        }
    }
    return 0;
}

int weft_demand_choose_inputs(struct weft_demand_shape *s, char *const *items, size_t n,
                              const struct weft_products_attrs *a, bool strict, struct weft_err *e)
{
    if (n > WEFT_DEMAND_FIELDS)
        return weft_fail(e, WEFT_USAGE, "--inputs: more than %d", WEFT_DEMAND_FIELDS);
    for (size_t i = 0; i < n; i++) {
        bool number = find(a->numbers, a->n_numbers, items[i]) != SIZE_MAX,
             key = find(a->keys, a->n_keys, items[i]) != SIZE_MAX;
        if (!number && !key && strict)
            return weft_fail(e, WEFT_CONFIG, "--inputs: the products have neither a number nor a key \"%s\"", items[i]);
        if (number || key)
            s->input[s->n_inputs++] =
                (struct weft_demand_input){.name = weft_xstrdup(items[i]), .key = !number, .std = 1};
    }
    return 0;
}

/* --- a training's products --- */

int weft_demand_set_add(struct weft_demand_set *d, const struct weft_demand_shape *s, struct weft_span frame,
                        struct weft_err *e)
{
    if (weft_product_read(frame, &d->attrs, &d->product, e) < 0 || weft_edit_load(&d->edit, frame, e) < 0)
        return -1;
    d->images += d->product.image.n > 0;
    d->names += d->product.text_features != NULL;
    weft_edit_drop(&d->edit, "name");
    if (s->hidden)
        weft_edit_drop(&d->edit, "image_features");
    if (!s->image)
        weft_edit_drop(&d->edit, "image");
    if (!s->text)
        weft_edit_drop(&d->edit, "text_features");
    if (d->n == d->cap) {
        d->cap = weft_grow(d->cap, d->n + 1);
        d->frame = weft_xrealloc2(d->frame, d->cap, sizeof *d->frame);
    }
    struct weft_pack b = {.p = weft_xmalloc(frame.n + 16), .cap = frame.n + 16};
    weft_edit_write(&d->edit, &b);
    d->frame[d->n++] = b;
    return 0;
}

static int read_at(struct weft_demand_set *d, size_t i, struct weft_err *e)
{
    return weft_product_read(weft_pack_span(&d->frame[i]), &d->attrs, &d->product, e);
}

static uint64_t hash_of(struct weft_span id)
{
    return weft_hash(id.p, id.n, SPLIT_SEED);
}

bool weft_demand_is_valid(struct weft_span id, uint64_t valid_below)
{
    return hash_of(id) < valid_below;
}

uint64_t weft_demand_hash(struct weft_span id)
{
    return hash_of(id);
}

void *weft_demand_set_write_ids(struct weft_demand_set *d, struct weft_st_writer *w)
{
    uint64_t *all = WEFT_ARRAY(uint64_t, d->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < d->n_train + d->n_valid; i++) {
        struct weft_err e = {0};
        if (read_at(d, i < d->n_train ? d->train[i] : d->valid[i - d->n_train], &e) == 0) /* it was read before */
            all[n++] = hash_of(d->product.id);
    }
    weft_sort(all, d->n_train, sizeof *all, weft_by_uint64);
    weft_sort(all + d->n_train, d->n_valid, sizeof *all, weft_by_uint64);
    weft_st_writer_tensor(w, "ids.train", WEFT_ST_I64, 1, &d->n_train, all);
    if (d->n_valid)
        weft_st_writer_tensor(w, "ids.valid", WEFT_ST_I64, 1, &d->n_valid, all + d->n_train);
    return all;
}

struct placed {
    uint64_t hash;
    struct weft_span id; /* within frame */
    struct weft_pack frame;
};

static int by_id(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    size_t n = x->id.n < y->id.n ? x->id.n : y->id.n;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    int c = memcmp(x->id.p, y->id.p, n);
    return c ? c : (x->id.n > y->id.n) - (x->id.n < y->id.n);
}

/* What is learned does not depend on the order in which products came. */
static int sort_products(struct weft_demand_set *d, struct weft_err *e)
{
    struct placed *at = WEFT_ARRAY(struct placed, d->n + 1);
    int rc = 0;
    for (size_t i = 0; i < d->n && rc == 0; i++) {
        rc = read_at(d, i, e);
        at[i] = (struct placed){hash_of(d->product.id), d->product.id, d->frame[i]};
    }
    if (rc == 0) {
        weft_sort(at, d->n, sizeof *at, by_id);
        for (size_t i = 0; i < d->n; i++)
            d->frame[i] = at[i].frame;
    }
    free(at);
    return rc;
}

/* The share asked for, as near as the number of products (or of a key's values) allows: the least number that those
 * held out stay below. */
static uint64_t border(const uint64_t *sorted, size_t n, double valid)
{
    size_t at = (size_t)(valid * (double)n + 0.5);
    if (!(valid > 0) || !n)
        return 0;
    while (at > 0 && at < n && sorted[at] == sorted[0]) /* the first value alone is more than the share */
        at++;
    return at == n && sorted[0] == sorted[n - 1] ? 0 : sorted[at];
}

static int find_key(const struct weft_demand_set *d, const char *option, const char *name, size_t *at,
                    struct weft_err *e)
{
    *at = find(d->attrs.keys, d->attrs.n_keys, name);
    return *at == SIZE_MAX ? weft_fail(e, WEFT_CONFIG, "%s: the products have no key \"%s\"", option, name) : 0;
}

/* What is below valid_below is held out: the number drawn for the product or for its key's value; by days, 0 or 1. */
static uint64_t place_of(struct weft_demand_set *d, size_t key)
{
    struct weft_span text = key == SIZE_MAX ? (struct weft_span){0} : d->product.key[key];
    int64_t day;
    if (!d->dated)
        return hash_of(text.p ? text : d->product.id);
    bool known =
        text.p && weft_dates_read(&(struct weft_dates){.form = WEFT_DATES_PLAIN}, (const char *)text.p, text.n, &day);
    d->undated += !known;
    return known && day >= d->valid_from ? 0 : 1;
}

/* Which ones are held out does not depend on the products' order. */
static int split(struct weft_demand_set *d, double valid, struct weft_err *e)
{
    uint64_t *sorted = WEFT_ARRAY(uint64_t, d->n + 1);
    size_t key = SIZE_MAX;
    d->place = WEFT_ARRAY(uint64_t, d->n + 1);
    int rc = 0;
    if (d->dated)
        rc = find_key(d, "--valid-from", "date", &key, e);
    else if (d->valid_by)
        rc = find_key(d, "--valid-by", d->valid_by, &key, e);
    for (size_t i = 0; i < d->n && rc == 0; i++) {
        rc = read_at(d, i, e);
        d->place[i] = sorted[i] = place_of(d, key);
    }
    weft_sort(sorted, d->n, sizeof *sorted, weft_by_uint64);
    sorted[d->n] = UINT64_MAX;
    d->valid_below = d->dated ? 1 : border(sorted, d->n, valid);
    d->train = WEFT_ARRAY(uint32_t, d->n + 1);
    d->valid = WEFT_ARRAY(uint32_t, d->n + 1);
    for (size_t i = 0; i < d->n; i++)
        if (d->place[i] < d->valid_below)
            d->valid[d->n_valid++] = (uint32_t)i;
        else
            d->train[d->n_train++] = (uint32_t)i;
    free(sorted);
    if (rc == 0 && !d->n_train)
        rc = weft_fail(e, WEFT_DATA, d->n ? "what is held out leaves nothing to train on" : "no products came");
    if (rc == 0 && !d->n_valid && (d->dated || (d->valid_by && valid > 0)))
        rc = weft_fail(e, WEFT_DATA,
                       d->dated ? "--valid-from: no product is of that day or later"
                                : "--valid-by: all products have one value of the key");
    return rc;
}

/* Mean and sum of squared distances from it, number by number (Welford 1962): product numbers of 13 digits that lie
 * close together keep their spread, which a difference of large squares would lose. */
struct moments {
    double n, mean, squares;
};

static void add(struct moments *m, double x)
{
    if (isnan(x))
        return;
    double from = x - m->mean;
    m->n++;
    m->mean += from / m->n;
    m->squares += from * (x - m->mean);
}

/* Numbers of one value alone, rounding aside, are not stretched. */
static void finish(const struct moments *m, double *mean, double *std)
{
    double spread = m->n ? sqrt(m->squares / m->n) : 0;
    bool usable = isfinite(m->mean) && isfinite(spread);
    *mean = usable ? m->mean : 0;
    *std = usable && spread > 1e-12 * fabs(m->mean) ? spread : 1;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct weft_name *)a)->p, ((const struct weft_name *)b)->p);
}

/* A vocabulary does not depend on the order of the products. */
static int sort_names(struct weft_names *names, const char *what, const char *name, struct weft_err *e)
{
    struct weft_names sorted = {0};
    if (names->n > WEFT_DEMAND_VALUES_MAX)
        return weft_fail(e, WEFT_DATA, "%s \"%s\" has %zu different values, and at most %d can be told apart", what,
                         name, names->n, WEFT_DEMAND_VALUES_MAX);
    weft_sort(names->at, names->n, sizeof *names->at, by_text);
    for (size_t i = 0; i < names->n; i++)
        weft_names_add(&sorted, names->at[i].p, names->at[i].n);
    weft_names_free(names);
    *names = sorted;
    return 0;
}

/* What is met on the train part. */
struct sums {
    struct moments input[WEFT_DEMAND_FIELDS], head[WEFT_DEMAND_FIELDS];
    double names, text_squares; /* how many products have text features, and the sum of these features' squares */
};

static int gather_label(struct weft_demand_set *d, struct weft_demand_head *h, const struct weft_product_label *l,
                        struct moments *m, struct weft_err *e)
{
    char buf[32];
    struct weft_span text = weft_demand_class(l, buf);
    if (weft_demand_classifies(h)) {
        if (text.p)
            weft_names_add(&h->classes, text.p, text.n);
        return 0;
    }
    if (l->text.p) {
        weft_fail(e, WEFT_DATA, "label \"%s\" of product %.*s is \"%.*s\", and a mean squared error needs numbers",
                  h->name, (int)(d->product.id.n < 60 ? d->product.id.n : 60), (const char *)d->product.id.p,
                  (int)(l->text.n < 60 ? l->text.n : 60), (const char *)l->text.p);
        return weft_fail_hint(e, "--heads %s:ce learns classes", h->name);
    }
    add(m, weft_demand_scaled(&(struct weft_demand_head){.std = 1}, l->number));
    return 0;
}

static void count_zeros(struct weft_demand_zeros *z, double x)
{
    z->labels += !isnan(x);
    z->zeros += x <= 0;
    if (x > 0 && !(z->least > 0 && z->least <= x))
        z->least = x;
}

static int gather(struct weft_demand_set *d, struct weft_demand_shape *s, struct sums *m, struct weft_err *e)
{
    const struct weft_product *p = &d->product;
    for (size_t i = 0; i < s->n_inputs; i++) {
        size_t at = d->encoder.input[i];
        if (!s->input[i].key)
            add(&m->input[i], s->input[i].log ? log1p(p->number[at] < 0 ? 0 : p->number[at]) : p->number[at]);
        else if (p->key[at].p)
            weft_names_add(&s->input[i].values, p->key[at].p, p->key[at].n);
    }
    for (size_t i = 0; p->text_features && i < s->text; i++)
        m->text_squares += (double)p->text_features[i] * (double)p->text_features[i];
    m->names += p->text_features != NULL;
    for (size_t k = 0; k < s->n_heads; k++) {
        const struct weft_product_label *l = &p->label[d->encoder.label[k]];
        if (gather_label(d, &s->head[k], l, &m->head[k], e) < 0)
            return -1;
        if (!weft_demand_classifies(&s->head[k]))
            count_zeros(&d->zeros[k], l->number);
    }
    return 0;
}

static int settle_head(const struct weft_demand_set *d, struct weft_demand_head *h, const struct moments *m,
                       struct weft_err *e)
{
    finish(m, &h->mean, &h->std);
    if (!weft_demand_classifies(h))
        return m->n ? 0
                    : weft_fail(e, WEFT_DATA, "none of the %zu products to train on has a label \"%s\"", d->n_train,
                                h->name);
    if (h->classes.n < 2)
        return weft_fail(e, WEFT_DATA,
                         "label \"%s\" has %zu classes among the %zu products to train on: nothing to tell apart",
                         h->name, h->classes.n, d->n_train);
    return sort_names(&h->classes, "label", h->name, e);
}

/* Every block of inputs with the norm of one key, however many columns it has; in the paper each column by itself. */
/* Each block enters with the norm of one key, but beside pictures: ResNet18 trained through has a scale of its own, and
 * at the rate at which it learns smaller inputs are not heard (real clothes: macro-F1 of usage .27, for .49). */
static void settle_scales(const struct weft_demand_set *d, struct weft_demand_shape *s, const struct sums *m)
{
    bool blocks = !d->paper && !s->image;
    double numbers = 0;
    s->text_scale = 1;
    if (m->text_squares > 0)
        s->text_scale = sqrt(m->names * (blocks ? 1 : (double)s->text) / m->text_squares);
    for (size_t i = 0; i < s->n_inputs; i++)
        numbers += !s->input[i].key;
    for (size_t i = 0; i < s->n_inputs && blocks; i++)
        s->input[i].std *= s->input[i].key ? 1 : sqrt(numbers);
}

static int settle(const struct weft_demand_set *d, struct weft_demand_shape *s, const struct sums *m,
                  struct weft_err *e)
{
    for (size_t i = 0; i < s->n_inputs; i++) {
        finish(&m->input[i], &s->input[i].mean, &s->input[i].std);
        if (s->input[i].key && sort_names(&s->input[i].values, "key", s->input[i].name, e) < 0)
            return -1;
    }
    for (size_t k = 0; k < s->n_heads; k++)
        if (settle_head(d, &s->head[k], &m->head[k], e) < 0)
            return -1;
    settle_scales(d, s, m);
    /* A key that no product to train on has is no input. */
    for (size_t i = 0; i < s->n_inputs;)
        if (s->input[i].key && !s->input[i].values.n) {
            free(s->input[i].name);
            memmove(&s->input[i], &s->input[i + 1], (--s->n_inputs - i) * sizeof *s->input);
        } else {
            i++;
        }
    return weft_demand_shape_place(s, e);
}

/* Inversely proportional to how often a class occurs among the products to train on, 1 on average. */
static void balance(struct weft_demand_set *d, struct weft_demand_shape *s, size_t k)
{
    struct weft_demand_head *h = &s->head[k];
    double labels = 0;
    h->class_weight = WEFT_ARRAY(float, h->classes.n);
    for (size_t i = 0; i < d->n_train; i++) {
        float t = d->target[d->train[i] * s->n_heads + k];
        if (!isnan(t)) {
            h->class_weight[(size_t)t]++;
            labels++;
        }
    }
    for (size_t i = 0; i < h->classes.n; i++)
        h->class_weight[i] = (float)(labels / ((double)h->classes.n * (double)h->class_weight[i]));
}

int weft_demand_set_fit(struct weft_demand_set *d, struct weft_demand_shape *s, double valid, bool balanced,
                        struct weft_err *e)
{
    struct sums m = {0};
    for (size_t i = 0; i < s->n_inputs; i++)
        s->input[i].log = !d->paper && !s->input[i].key && strcmp(s->input[i].name, "price") == 0;
    if (sort_products(d, e) < 0 || split(d, valid, e) < 0 ||
        weft_demand_encoder_start(&d->encoder, s, &d->attrs, e) < 0)
        return -1;
    for (size_t i = 0; i < d->n_train; i++)
        if (read_at(d, d->train[i], e) < 0 || gather(d, s, &m, e) < 0)
            return -1;
    if (settle(d, s, &m, e) < 0 || weft_demand_set_use(d, s, e) < 0)
        return -1;
    for (size_t k = 0; k < s->n_heads && balanced; k++)
        if (s->head[k].loss == WEFT_DEMAND_FOCAL)
            balance(d, s, k);
    return 0;
}

int weft_demand_set_use(struct weft_demand_set *d, const struct weft_demand_shape *s, struct weft_err *e)
{
    if (weft_demand_encoder_start(&d->encoder, s, &d->attrs, e) < 0)
        return -1;
    if (!d->target)
        d->target = WEFT_ARRAY(float, d->n * s->n_heads);
    for (size_t i = 0; i < d->n; i++) {
        if (read_at(d, i, e) < 0)
            return -1;
        for (size_t k = 0; k < s->n_heads; k++)
            d->target[i * s->n_heads + k] = weft_demand_target(&d->encoder, k, &d->product);
    }
    return 0;
}

int weft_demand_set_batch(struct weft_demand_set *d, const uint32_t *at, size_t n, const struct weft_augment *augment,
                          uint64_t seed, uint64_t epoch, float *pixels, float *side, float *target, struct weft_err *e)
{
    const struct weft_demand_shape *s = d->encoder.shape;
    if (n > d->pictures_cap) {
        d->pictures_cap = weft_grow(d->pictures_cap, n);
        d->pictures = weft_xrealloc2(d->pictures, d->pictures_cap, sizeof *d->pictures);
    }
    for (size_t i = 0; i < n; i++) {
        if (read_at(d, at[i], e) < 0)
            return -1;
        d->pictures[i] = (struct weft_demand_picture){d->product.id, d->product.image};
        weft_demand_encode(&d->encoder, &d->product, side + i * s->side);
        memcpy(target + i * s->n_heads, d->target + at[i] * s->n_heads, s->n_heads * sizeof *target);
    }
    d->encoder.how.augment = augment;
    d->encoder.how.seed = seed;
    d->encoder.how.epoch = epoch;
    return s->image ? weft_demand_pixels(&d->encoder, d->pictures, n, pixels, e) : 0;
}

int weft_demand_set_side(struct weft_demand_set *d, const uint32_t *at, size_t n, float *side, float *target,
                         struct weft_err *e)
{
    const struct weft_demand_shape *s = d->encoder.shape;
    for (size_t i = 0; i < n; i++) {
        if (read_at(d, at[i], e) < 0)
            return -1;
        weft_demand_encode(&d->encoder, &d->product, side + i * s->side);
        memcpy(target + i * s->n_heads, d->target + at[i] * s->n_heads, s->n_heads * sizeof *target);
    }
    return 0;
}

uint64_t weft_demand_set_hash(const struct weft_demand_set *d)
{
    uint64_t h = 0;
    for (size_t i = 0; i < d->n; i++)
        h = weft_hash(d->frame[i].p, d->frame[i].n, h);
    return h;
}

size_t weft_demand_set_bytes(const struct weft_demand_set *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        n += d->frame[i].cap;
    return n;
}

void weft_demand_set_free(struct weft_demand_set *d)
{
    for (size_t i = 0; i < d->n; i++)
        weft_pack_free(&d->frame[i]);
    free(d->frame);
    free(d->target);
    free(d->place);
    free(d->train);
    free(d->valid);
    free(d->pictures);
    weft_demand_encoder_free(&d->encoder);
    weft_product_free(&d->product);
    weft_edit_free(&d->edit);
    weft_products_attrs_free(&d->attrs);
    memset(d, 0, sizeof *d);
}
