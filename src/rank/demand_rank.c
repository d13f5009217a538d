/* demand_rank.c - products ordered by what is predicted for them. */
#include "rank/demand_rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"
#include "rank/ranking.h"

struct row {
    char *id, *name, *part;
    double low, high; /* of the quantity that counts */
    size_t group;     /* number of its name; SIZE_MAX: none */
    double growth, outlook;
    struct weft_product_label *said; /* [heads]; texts are copies of their own */
};

struct weft_demand_ranking {
    const struct weft_predictions_attrs *a;
    const struct weft_prediction_model *model;
    size_t at, head, key; /* model and quantity that count; key among the products' keys, SIZE_MAX: none */
    char growth_key[128], channel[128];
    struct weft_names growing, groups;
    double *growth; /* of each growing group */
    struct row *row;
    size_t n, cap;
    uint64_t unknown;
    bool joined;
};

/* --- what counts --- */

static int choose_model(struct weft_demand_ranking *r, const char *name, struct weft_err *e)
{
    for (r->at = 0; r->at < r->a->n; r->at++)
        if (!name || strcmp(r->a->model[r->at].name, name) == 0)
            break;
    if (r->at == r->a->n)
        return weft_fail(e, WEFT_CONFIG, "--model: the stream has no predictions of \"%s\"", name ? name : "any model");
    r->model = &r->a->model[r->at];
    return 0;
}

static int choose_label(struct weft_demand_ranking *r, const char *name, struct weft_err *e)
{
    const struct weft_prediction_model *m = r->model;
    r->head = SIZE_MAX;
    for (size_t k = 0; k < m->n_heads; k++)
        if (!m->head[k].n_classes && (!name || strcmp(m->head[k].name, name) == 0))
            r->head = k;
    if (r->head != SIZE_MAX)
        return 0;
    if (name)
        return weft_fail(e, WEFT_CONFIG, "--label: model %s predicts no quantity \"%s\"", m->name, name);
    return weft_fail(e, WEFT_CONFIG, "model %s predicts classes alone: there is nothing to order by", m->name);
}

static int choose_key(struct weft_demand_ranking *r, const char *name, struct weft_err *e)
{
    const struct weft_products_attrs *a = &r->a->products;
    const char *const wanted[] = {name, name ? NULL : r->growth_key, name ? NULL : "category"};
    r->key = SIZE_MAX;
    for (size_t w = 0; w < sizeof wanted / sizeof *wanted && r->key == SIZE_MAX; w++)
        for (size_t i = 0; wanted[w] && i < a->n_keys; i++)
            if (strcmp(a->keys[i], wanted[w]) == 0)
                r->key = i;
    if (r->key == SIZE_MAX && (name || r->joined))
        return weft_fail(e, WEFT_CONFIG, "--by: the products have no key \"%s\"", name ? name : r->growth_key);
    return 0;
}

/* --- growth --- */

static bool text_is(const struct weft_value *v, const char *text)
{
    return v->kind == WEFT_STR && weft_value_is(v, text);
}

static void add_growth(struct weft_demand_ranking *r, struct weft_span frame, const char *channel)
{
    struct weft_value c, group, growth;
    if (!weft_map_find(frame, "channel", &c) || c.kind != WEFT_STR || !weft_ranking_name(frame, &group) ||
        !weft_map_find(frame, "growth", &growth))
        return;
    if (!*r->channel)
        snprintf(r->channel, sizeof r->channel, "%.*s", channel ? (int)strlen(channel) : (int)c.body.n,
                 channel ? channel : (const char *)c.body.p);
    if (!text_is(&c, r->channel) || !(growth.kind == WEFT_REAL || growth.kind == WEFT_UINT))
        return;
    size_t known = r->growing.n, i = weft_names_add(&r->growing, group.body.p, group.body.n);
    if (i < known)
        return;
    r->growth = weft_xrealloc2(r->growth, r->growing.n, sizeof *r->growth);
    r->growth[i] = growth.real;
}

static int read_growth(struct weft_demand_ranking *r, const struct weft_demand_rank_options *o,
                       const struct weft_stream_opts *stream, struct weft_err *e)
{
    struct weft_reader *reader = NULL;
    struct weft_span frame;
    int got = weft_reader_open(o->growth, "ranking/1", stream, &reader, e);
    if (got == 0)
        weft_attr_str(weft_reader_head(reader), "by", r->growth_key, sizeof r->growth_key);
    while (got >= 0 && (got = weft_reader_next(reader, &frame, e)) > 0)
        add_growth(r, frame, o->channel);
    weft_reader_close(&reader);
    if (got == 0 && !r->growing.n)
        got = weft_fail(e, WEFT_DATA, "%s ranks nothing%s%s", o->growth, o->channel ? " of channel " : "",
                        o->channel ? o->channel : "");
    return got;
}

int weft_demand_ranking_new(const struct weft_predictions_attrs *a, const struct weft_demand_rank_options *o,
                            const struct weft_stream_opts *stream, struct weft_demand_ranking **out, struct weft_err *e)
{
    struct weft_demand_ranking *r = *out = WEFT_NEW(struct weft_demand_ranking);
    r->a = a;
    r->joined = o->growth != NULL;
    if (choose_model(r, o->model, e) < 0 || choose_label(r, o->label, e) < 0 ||
        (r->joined && read_growth(r, o, stream, e) < 0))
        return -1;
    return choose_key(r, o->key, e);
}

void weft_demand_ranking_free(struct weft_demand_ranking **pr)
{
    struct weft_demand_ranking *r = *pr;
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++) {
        for (size_t k = 0; k < r->model->n_heads; k++)
            free((void *)(uintptr_t)r->row[i].said[k].text.p);
        free(r->row[i].said);
        free(r->row[i].id);
        free(r->row[i].name);
        free(r->row[i].part);
    }
    free(r->row);
    free(r->growth);
    weft_names_free(&r->growing);
    weft_names_free(&r->groups);
    free(r);
    *pr = NULL;
}

/* --- products --- */

static char *copy(struct weft_span s)
{
    return s.p ? weft_xstrndup((const char *)s.p, s.n) : NULL;
}

void weft_demand_ranking_add(struct weft_demand_ranking *r, const struct weft_prediction *p)
{
    if (p->model != r->at)
        return;
    if (r->n == r->cap) {
        r->cap = weft_grow(r->cap, r->n + 1);
        r->row = weft_xrealloc2(r->row, r->cap, sizeof *r->row);
    }
    struct weft_span group = r->key == SIZE_MAX ? (struct weft_span){0} : p->product.key[r->key];
    struct row *x = &r->row[r->n++];
    *x = (struct row){.id = copy(p->product.id),
                      .name = copy(p->product.name),
                      .part = copy(p->part),
                      .low = p->low[r->head],
                      .high = p->high[r->head],
                      .group = SIZE_MAX,
                      .growth = NAN};
    if (group.p)
        x->group = weft_names_add(&r->groups, group.p, group.n);
    size_t grows = group.p ? weft_names_find(&r->growing, group.p, group.n) : SIZE_MAX;
    if (grows != SIZE_MAX)
        x->growth = r->growth[grows];
    r->unknown += r->joined && grows == SIZE_MAX;
    x->outlook = p->predicted[r->head].number * (isnan(x->growth) ? 1 : x->growth);
    x->said = WEFT_ARRAY(struct weft_product_label, r->model->n_heads);
    for (size_t k = 0; k < r->model->n_heads; k++) {
        x->said[k] = p->predicted[k];
        x->said[k].text.p = (const uint8_t *)copy(p->predicted[k].text);
    }
}

static int best_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    bool none_x = isnan(x->outlook), none_y = isnan(y->outlook);
    if (none_x != none_y)
        return none_x ? 1 : -1;
    if (!none_x && x->outlook != y->outlook)
        return x->outlook > y->outlook ? -1 : 1;
    return strcmp(x->id, y->id);
}

static void put_text(struct weft_table *t, size_t column, const char *text)
{
    if (text)
        weft_table_text(t, column, text, strlen(text));
}

size_t weft_demand_ranking_table(struct weft_demand_ranking *r, size_t top, struct weft_table *t)
{
    const struct weft_prediction_model *m = r->model;
    const char *key = r->key == SIZE_MAX ? "category" : r->a->products.keys[r->key];
    size_t said[WEFT_PRODUCT_FIELDS], growth = 0, outlook = 0;
    size_t rank = weft_table_column(t, "rank", "rank", WEFT_CELL_INT, 0, 0),
           id = weft_table_column(t, "id", "id", WEFT_CELL_TEXT, 0, 0);
    size_t name = weft_table_column(t, "name", "name", WEFT_CELL_TEXT, 0, 0),
           group = weft_table_column(t, key, key, WEFT_CELL_TEXT, 0, 0);
    char title[300];
    if (r->joined) {
        outlook = weft_table_column(t, "outlook", "outlook", WEFT_CELL_REAL, -1, 0);
        growth = weft_table_column(t, "growth", "growth", WEFT_CELL_REAL, 3, 0);
    }
    for (size_t k = 0; k < m->n_heads; k++) {
        snprintf(title, sizeof title, "predicted_%.200s", m->head[k].name);
        said[k] =
            weft_table_column(t, title, m->head[k].name, m->head[k].n_classes ? WEFT_CELL_TEXT : WEFT_CELL_REAL, -1, 0);
    }
    size_t low = weft_table_column(t, "low", "low", WEFT_CELL_REAL, -1, 0),
           high = weft_table_column(t, "high", "high", WEFT_CELL_REAL, -1, 0);
    size_t part = weft_table_column(t, "part", "part", WEFT_CELL_TEXT, 0, 0);
    weft_sort(r->row, r->n, sizeof *r->row, best_first);
    for (size_t i = 0; i < r->n && (!top || i < top); i++) {
        const struct row *x = &r->row[i];
        weft_table_row(t);
        weft_table_int(t, rank, (int64_t)i + 1);
        put_text(t, id, x->id);
        put_text(t, name, x->name);
        put_text(t, group, x->group == SIZE_MAX ? NULL : r->groups.at[x->group].p);
        if (r->joined) {
            weft_table_real(t, outlook, x->outlook);
            weft_table_real(t, growth, x->growth);
        }
        for (size_t k = 0; k < m->n_heads; k++)
            if (m->head[k].n_classes)
                put_text(t, said[k], (const char *)x->said[k].text.p);
            else
                weft_table_real(t, said[k], x->said[k].number);
        weft_table_real(t, low, x->low);
        weft_table_real(t, high, x->high);
        put_text(t, part, x->part);
    }
    return r->n;
}

uint64_t weft_demand_ranking_unknown(const struct weft_demand_ranking *r)
{
    return r->unknown;
}
