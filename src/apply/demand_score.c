/* demand_score.c - garment models applied to a products stream. */
#include "apply/demand_score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/demand_data.h"
#include "nn/loss.h"
#include "base/mem.h"
#include "model/neighbours.h"
#include "record/predictions.h"

enum { BATCH = 16, HELD_BYTES_MAX = 64 << 20, MODELS_MAX = 12 };

struct model {
    char *name;
    struct weft_demand *net; /* one of the two */
    struct weft_neighbours *like;
    struct weft_demand_encoder encoder;
    uint64_t valid_below, made;
    int64_t *ids; /* hashes of what it was trained on, then of what was held out, each sorted; NULL: it does not know */
    size_t n_train, n_valid;
    float *side, *out; /* of a batch; side: what net or like reads beside pictures */
    size_t width;      /* of a row of side */
};

struct weft_demand_scorer {
    struct weft_products_attrs attrs;
    struct model model[MODELS_MAX];
    struct weft_prediction_model said[MODELS_MAX];
    size_t n_models;
    bool held_out;
    struct weft_par *par;
    struct weft_pack held[BATCH];
    struct weft_product product[BATCH];
    size_t n, bytes;
    uint64_t seen;
    float *pixels;
    size_t pixels_size; /* the pictures' side in pixels[]; 0: none yet of this batch */
    struct weft_edit edit;
    struct weft_pack frame;
};

/* --- models --- */

static const struct weft_demand_shape *shape_of(const struct model *m)
{
    return m->like ? weft_neighbours_shape(m->like) : weft_demand_shape_of(m->net);
}

/* "[NAME=]FILE"; without a name a model goes by what the file is called. */
static char *name_of(const char *item, const char **path)
{
    const char *eq = strchr(item, '='), *slash;
    *path = eq ? eq + 1 : item;
    if (eq && eq > item)
        return weft_xstrndup(item, (size_t)(eq - item));
    slash = strrchr(*path, '/');
    const char *base = slash ? slash + 1 : *path, *dot = strstr(base, ".safetensors");
    return weft_xstrndup(base, dot ? (size_t)(dot - base) : strlen(base));
}

static int read_valid(const struct weft_st *st, uint64_t *out, struct weft_err *e)
{
    const char *text = weft_st_meta(st, "valid_below");
    char *end = NULL;
    *out = text ? strtoull(text, &end, 10) : 0;
    return text && end > text && !*end
               ? 0
               : weft_fail(e, WEFT_DATA, "unusable metadata \"valid_below\" in this model file");
}

static int64_t *copy_ids(const struct weft_st *st, const char *name, int64_t *to, size_t *n)
{
    const struct weft_st_tensor *t = weft_st_find(st, name);
    *n = t && t->type == WEFT_ST_I64 ? t->count : 0;
    to = weft_xrealloc2(to, *n + 1, sizeof *to);
    if (*n)
        memcpy(to, t->data, *n * sizeof *to);
    return to;
}

/* What it learned from, where the file says it. */
static void read_ids(const struct weft_st *st, struct model *m)
{
    if (!weft_st_find(st, "ids.train"))
        return;
    int64_t *valid = copy_ids(st, "ids.valid", NULL, &m->n_valid);
    m->ids = copy_ids(st, "ids.train", NULL, &m->n_train);
    m->ids = weft_xrealloc2(m->ids, m->n_train + m->n_valid + 1, sizeof *m->ids);
    memcpy(m->ids + m->n_train, valid, m->n_valid * sizeof *valid);
    free(valid);
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* "train", "valid" or "new"; NULL: the model does not know. */
static const char *part_of(const struct model *m, struct weft_span id)
{
    uint64_t h = weft_demand_hash(id);
    if (!m->ids)
        return NULL;
    if (bsearch(&h, m->ids + m->n_train, m->n_valid, sizeof *m->ids, by_hash))
        return "valid";
    return bsearch(&h, m->ids, m->n_train, sizeof *m->ids, by_hash) ? "train" : "new";
}

static int open_model(struct weft_run *run, struct weft_demand_scorer *s, const char *item, struct weft_err *e)
{
    struct model *m = &s->model[s->n_models];
    struct weft_st *st;
    const char *path;
    char sha[65], value[400];
    m->name = name_of(item, &path);
    s->n_models++;
    for (struct model *other = s->model; other < m; other++)
        if (strcmp(other->name, m->name) == 0) {
            weft_fail(e, WEFT_USAGE, "--model: two are called \"%s\"", m->name);
            return weft_fail_hint(e, "give one of them another name: NAME=%s", path);
        }
    if (weft_st_open(path, &st, e) < 0)
        return -1;
    weft_st_sha256(st, sha);
    snprintf(value, sizeof value, "%.300s=%s", m->name, sha);
    weft_run_lineage_nth(run, "model", s->n_models - 1, value);
    const char *kind = weft_st_meta(st, "weft.model");
    bool like = kind && strcmp(kind, "neighbours") == 0;
    int rc = like ? weft_neighbours_open(st, &m->like, e)
                  : weft_demand_open(st, weft_run_threads(run), WEFT_DNN_F32, &m->net, e);
    if (rc == 0)
        rc = read_valid(st, &m->valid_below, e);
    read_ids(st, m);
    weft_st_close(&st);
    if (rc == 0)
        rc = weft_demand_encoder_start(&m->encoder, shape_of(m), &s->attrs, e);
    if (rc == 0 && like && weft_neighbours_image_features(m->like) &&
        weft_neighbours_image_features(m->like) != s->attrs.image_features)
        rc = weft_fail(e, WEFT_CONFIG, "the model reads %zu image_features, and the products have %zu",
                       weft_neighbours_image_features(m->like), s->attrs.image_features);
    return rc < 0 ? weft_fail_where(e, "%s", path) : 0;
}

/* What the head says of a model: views of its shape. */
static void describe(const struct model *m, struct weft_prediction_model *said)
{
    const struct weft_demand_shape *s = shape_of(m);
    said->name = m->name;
    said->n_heads = s->n_heads;
    for (size_t k = 0; k < s->n_heads; k++) {
        const struct weft_demand_head *h = &s->head[k];
        said->head[k] = (struct weft_prediction_head){.name = h->name, .mean = h->mean, .std = h->std};
        if (weft_demand_classifies(h)) {
            said->head[k].classes = h->classes.at;
            said->head[k].n_classes = h->classes.n;
        }
    }
}

static int write_head(struct weft_run *run, const struct weft_demand_scorer *s, struct weft_err *e)
{
    struct weft_pack b = {0};
    weft_predictions_attrs_write(s->said, s->n_models, weft_run_in_head(run)->attrs, &b);
    int rc = weft_run_head(run, WEFT_DEMAND_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc;
}

int weft_demand_scorer_start(struct weft_run *run, char *const *items, size_t n, bool held_out,
                             const struct weft_image_limits *limits, struct weft_demand_scorer **out,
                             struct weft_err *e)
{
    struct weft_demand_scorer *s = *out = WEFT_NEW(struct weft_demand_scorer);
    size_t pixels = 0;
    s->held_out = held_out;
    if (n > MODELS_MAX)
        return weft_fail(e, WEFT_USAGE, "--model: more than %d models", MODELS_MAX);
    if (weft_products_attrs_read(weft_run_in_head(run), &s->attrs, e) < 0)
        return -1;
    s->par = weft_par_new(weft_run_threads(run));
    for (size_t i = 0; i < n; i++) {
        struct model *m = &s->model[i];
        if (open_model(run, s, items[i], e) < 0)
            return -1;
        const struct weft_demand_shape *shape = shape_of(m);
        m->encoder.par = s->par;
        m->encoder.broken_is_missing = true;
        m->encoder.how.limits = *limits;
        m->width = m->like ? weft_neighbours_width(m->like) : shape->side;
        m->side = WEFT_ARRAY(float, BATCH * m->width);
        m->out = WEFT_ARRAY(float, BATCH * shape->out);
        pixels = shape->image && 3 * shape->image_size * shape->image_size > pixels
                     ? 3 * shape->image_size * shape->image_size
                     : pixels;
        describe(m, &s->said[i]);
    }
    s->pixels = weft_xaligned(BATCH * pixels, sizeof *s->pixels);
    return write_head(run, s, e);
}

void weft_demand_scorer_free(struct weft_demand_scorer **ps)
{
    struct weft_demand_scorer *s = *ps;
    if (!s)
        return;
    for (size_t i = 0; i < s->n_models; i++) {
        struct model *m = &s->model[i];
        weft_demand_encoder_free(&m->encoder);
        weft_demand_free(&m->net);
        weft_neighbours_free(&m->like);
        free(m->name);
        free(m->side);
        free(m->ids);
        free(m->out);
    }
    for (size_t i = 0; i < BATCH; i++) {
        weft_pack_free(&s->held[i]);
        weft_product_free(&s->product[i]);
    }
    weft_products_attrs_free(&s->attrs);
    weft_par_free(&s->par);
    weft_edit_free(&s->edit);
    weft_pack_free(&s->frame);
    free(s->pixels);
    free(s);
    *ps = NULL;
}

/* --- a batch --- */

static bool wanted(const struct weft_demand_scorer *s, const struct model *m, size_t i)
{
    const char *part = part_of(m, s->product[i].id);
    return !s->held_out || (part ? strcmp(part, "valid") == 0 : weft_demand_is_valid(s->product[i].id, m->valid_below));
}

/* Models that see pictures of one size share them. */
static int prepare(struct weft_demand_scorer *s, struct model *m, struct weft_err *e)
{
    const struct weft_demand_shape *shape = shape_of(m);
    struct weft_demand_picture pictures[BATCH];
    for (size_t i = 0; i < s->n; i++)
        if (m->like)
            weft_neighbours_row(m->like, s->product[i].image_features, s->product[i].text_features,
                                m->side + i * m->width);
        else
            weft_demand_encode(&m->encoder, &s->product[i], m->side + i * m->width);
    if (!shape->image || s->pixels_size == shape->image_size)
        return 0;
    for (size_t i = 0; i < s->n; i++)
        pictures[i] = (struct weft_demand_picture){s->product[i].id, s->product[i].image};
    s->pixels_size = shape->image_size;
    return weft_demand_pixels(&m->encoder, pictures, s->n, s->pixels, e);
}

static int predict(struct weft_demand_scorer *s, struct weft_err *e)
{
    s->pixels_size = 0;
    for (size_t k = 0; k < s->n_models; k++) {
        struct model *m = &s->model[k];
        struct weft_demand_batch b = {s->n, s->pixels, m->side, NULL};
        if (prepare(s, m, e) < 0)
            return -1;
        if (m->like)
            weft_neighbours_predict(m->like, m->side, s->n, m->out);
        else if (weft_demand_predict(m->net, &b, m->out, e) < 0)
            return -1;
    }
    return 0;
}

static int emit(struct weft_run *run, struct weft_demand_scorer *s, size_t k, size_t i, struct weft_err *e)
{
    struct model *m = &s->model[k];
    const struct weft_demand_shape *shape = shape_of(m);
    size_t class_of[WEFT_DEMAND_FIELDS] = {0};
    double quantity[WEFT_DEMAND_FIELDS] = {0}, median[WEFT_DEMAND_FIELDS], low[WEFT_DEMAND_FIELDS],
           high[WEFT_DEMAND_FIELDS];
    float *out = m->out + i * shape->out, *p = out;
    for (size_t h = 0; h < shape->n_heads; h++) {
        const struct weft_demand_head *head = &shape->head[h];
        const float *z = out + head->at;
        if (!weft_demand_classifies(head)) {
            quantity[h] = weft_demand_mean(head, (double)z[0]);
            bool known = head->low < head->high;
            low[h] = known ? weft_demand_quantity(head, (double)z[0] + head->low) : NAN;
            high[h] = known ? weft_demand_quantity(head, (double)z[0] + head->high) : NAN;
            median[h] = head->smear > 0 ? weft_demand_quantity(head, (double)z[0]) : NAN;
            continue;
        }
        for (size_t c = 1; c < head->width; c++)
            class_of[h] = z[c] > z[class_of[h]] ? c : class_of[h];
        weft_softmax(z, head->width, p); /* moves down over the quantities before it, which are taken */
        p += head->width;
    }
    weft_pack_clear(&s->frame);
    m->made++;
    struct weft_prediction_said said = {.class_of = class_of,
                                        .quantity = quantity,
                                        .median = median,
                                        .low = low,
                                        .high = high,
                                        .probabilities = out,
                                        .part = part_of(m, s->product[i].id)};
    if (weft_prediction_write(&s->said[k], &said, weft_pack_span(&s->held[i]), &s->edit, &s->frame, e) < 0)
        return -1;
    return weft_run_emit(run, weft_pack_span(&s->frame), e);
}

static int flush(struct weft_run *run, struct weft_demand_scorer *s, struct weft_err *e)
{
    if (s->n && predict(s, e) < 0)
        return -1;
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < s->n_models; k++)
            if (wanted(s, &s->model[k], i) && emit(run, s, k, i, e) < 0)
                return -1;
        if (weft_run_done(run, e) < 0)
            return -1;
    }
    s->n = s->bytes = 0;
    return 0;
}

int weft_demand_scorer_frame(struct weft_run *run, struct weft_demand_scorer *s, struct weft_span frame,
                             struct weft_err *e)
{
    struct weft_pack *held = &s->held[s->n];
    weft_pack_clear(held);
    weft_pack_raw(held, frame);
    if (weft_product_read(weft_pack_span(held), &s->attrs, &s->product[s->n], e) < 0)
        return -1;
    s->n++;
    s->seen++;
    s->bytes += frame.n;
    return s->n == BATCH || s->bytes > HELD_BYTES_MAX || !weft_run_ready(run) ? flush(run, s, e) : 0;
}

int weft_demand_scorer_drain(struct weft_run *run, struct weft_demand_scorer *s, struct weft_err *e)
{
    uint64_t broken = 0;
    if (flush(run, s, e) < 0)
        return -1;
    for (size_t k = 0; k < s->n_models; k++) {
        const struct model *m = &s->model[k];
        broken = m->encoder.broken > broken ? m->encoder.broken : broken;
        if (s->seen && !m->made) {
            weft_fail(e, WEFT_DATA, "none of the %llu products was held out in the training of %s",
                      (unsigned long long)s->seen, m->name);
            return weft_fail_hint(e, "without --part every product is scored");
        }
    }
    if (broken)
        weft_run_warn(run, "%llu pictures can't be read: these products were scored as if they had none",
                      (unsigned long long)broken);
    return 0;
}
