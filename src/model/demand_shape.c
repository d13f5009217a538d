/* demand_shape.c - what the garment network reads and learns, and how a model file says it. */
#include "model/demand.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const char *const loss_names[] = {"ce", "focal", "mse"};
enum { LOSSES = 3 };

int weft_demand_loss_find(const char *name, size_t n)
{
    for (int k = 0; k < LOSSES; k++)
        if (strlen(loss_names[k]) == n && memcmp(loss_names[k], name, n) == 0)
            return k;
    return -1;
}

int weft_demand_shape_place(struct weft_demand_shape *s, struct weft_err *e)
{
    s->side = s->text;
    s->out = 0;
    for (size_t i = 0; i < s->n_inputs; i++) {
        s->input[i].at = s->side;
        s->side += s->input[i].key ? s->input[i].values.n : 1;
    }
    for (size_t i = 0; i < s->n_heads; i++) {
        s->head[i].at = s->out;
        s->head[i].width = weft_demand_classifies(&s->head[i]) ? s->head[i].classes.n : 1;
        s->out += s->head[i].width;
    }
    return s->out && (s->image || s->side || !s->hidden)
               ? 0
               : weft_fail(e, WEFT_CONFIG, "nothing to learn from: neither images nor names nor numbers nor keys");
}

void weft_demand_shape_free(struct weft_demand_shape *s)
{
    for (size_t i = 0; i < s->n_inputs; i++) {
        free(s->input[i].name);
        weft_names_free(&s->input[i].values);
    }
    for (size_t i = 0; i < s->n_heads; i++) {
        free(s->head[i].name);
        free(s->head[i].class_weight);
        weft_names_free(&s->head[i].classes);
    }
    memset(s, 0, sizeof *s);
}

double weft_demand_scaled(const struct weft_demand_head *h, double quantity)
{
    return (log1p(quantity > 0 ? quantity : isnan(quantity) ? NAN : 0) - h->mean) / h->std;
}

double weft_demand_quantity(const struct weft_demand_head *h, double scaled)
{
    double x = expm1(scaled * h->std + h->mean);
    return x < 0 ? 0 : x;
}

double weft_demand_mean(const struct weft_demand_head *h, double scaled)
{
    double x = h->smear > 0 ? h->smear * exp(scaled * h->std + h->mean) - 1 : weft_demand_quantity(h, scaled);
    return x < 0 ? 0 : x;
}

void weft_demand_put_number(const struct weft_demand_input *in, double x, float *side)
{
    if (in->log)
        x = log1p(x < 0 ? 0 : x);
    side[in->at] = isnan(x) ? 0 : (float)((x - in->mean) / in->std);
}

void weft_demand_put_key(const struct weft_demand_input *in, const void *text, size_t n, float *side)
{
    size_t i = text ? weft_names_find(&in->values, text, n) : SIZE_MAX;
    if (i != SIZE_MAX)
        side[in->at + i] = 1;
}

void weft_demand_put_text(const struct weft_demand_shape *s, const float *features, float *side)
{
    for (size_t i = 0; features && i < s->text; i++)
        side[i] = (float)(features[i] * s->text_scale);
}

/* --- metadata --- */

static void set_json(struct weft_st_writer *w, const char *key, weft_json *j)
{
    char *text = weft_json_text(j);
    weft_st_writer_meta(w, key, text);
    free(text);
    weft_json_free(&j);
}

static weft_json *texts(const struct weft_names *names)
{
    weft_json *a = weft_json_new_array();
    for (size_t i = 0; i < names->n; i++)
        weft_json_push(a, weft_json_new_str(names->at[i].p, names->at[i].n));
    return a;
}

static void set_scale(weft_json *o, double mean, double std)
{
    weft_json_set(o, "mean", weft_json_new_real(mean));
    weft_json_set(o, "std", weft_json_new_real(std));
}

static weft_json *input_json(const struct weft_demand_input *in)
{
    weft_json *o = weft_json_new_object();
    weft_json_set(o, "name", weft_json_new_str(in->name, strlen(in->name)));
    if (in->key)
        weft_json_set(o, "values", texts(&in->values));
    else
        set_scale(o, in->mean, in->std);
    if (in->log)
        weft_json_set(o, "log", weft_json_new_bool(true));
    return o;
}

static weft_json *head_json(const struct weft_demand_head *h)
{
    weft_json *o = weft_json_new_object(), *weights = h->class_weight ? weft_json_new_array() : NULL;
    weft_json_set(o, "name", weft_json_new_str(h->name, strlen(h->name)));
    weft_json_set(o, "loss", weft_json_new_str(loss_names[h->loss], strlen(loss_names[h->loss])));
    weft_json_set(o, "weight", weft_json_new_real(h->weight));
    if (weft_demand_classifies(h))
        weft_json_set(o, "classes", texts(&h->classes));
    else
        set_scale(o, h->mean, h->std);
    if (h->low < h->high) {
        weft_json_set(o, "low", weft_json_new_real(h->low));
        weft_json_set(o, "high", weft_json_new_real(h->high));
    }
    if (h->heat > 0) {
        weft_json_set(o, "mix", weft_json_new_real(h->mix));
        weft_json_set(o, "heat", weft_json_new_real(h->heat));
    }
    if (h->smear > 0)
        weft_json_set(o, "smear", weft_json_new_real(h->smear));
    for (size_t i = 0; weights && i < h->classes.n; i++)
        weft_json_push(weights, weft_json_new_real((double)h->class_weight[i]));
    if (weights)
        weft_json_set(o, "class_weights", weights);
    return o;
}

void weft_demand_shape_write(const struct weft_demand_shape *s, struct weft_st_writer *w)
{
    weft_json *inputs = weft_json_new_array(), *heads = weft_json_new_array();
    for (size_t i = 0; i < s->n_inputs; i++)
        weft_json_push(inputs, input_json(&s->input[i]));
    for (size_t i = 0; i < s->n_heads; i++)
        weft_json_push(heads, head_json(&s->head[i]));
    weft_st_writer_meta(w, "weft.model", s->hidden ? "demand" : "neighbours");
    set_json(w, "inputs", inputs);
    set_json(w, "heads", heads);
    weft_st_writer_meta_int(w, "image", s->image);
    weft_st_writer_meta_int(w, "image_size", (int64_t)s->image_size);
    weft_st_writer_meta_int(w, "text_features", (int64_t)s->text);
    weft_st_writer_meta_real(w, "text_scale", s->text_scale);
    weft_st_writer_meta_int(w, "hidden", (int64_t)s->hidden);
    weft_st_writer_meta_real(w, "dropout", s->dropout);
    weft_st_writer_meta_real(w, "gamma", s->gamma);
}

static int bad(struct weft_err *e, const char *key)
{
    return weft_fail(e, WEFT_DATA, "unusable metadata \"%s\" in this model file", key);
}

static char *get_name(const weft_json *o)
{
    size_t n;
    const char *p = weft_json_str(weft_json_get(o, "name"), &n);
    return p ? weft_xstrndup(p, n) : NULL;
}

static bool get_texts(const weft_json *a, struct weft_names *out)
{
    size_t n = a && weft_json_kind(a) == WEFT_JSON_ARRAY ? weft_json_size(a) : 0, len;
    bool good = n > 0 && n <= WEFT_DEMAND_VALUES_MAX;
    for (size_t i = 0; i < n && good; i++) {
        const char *p = weft_json_str(weft_json_at(a, i), &len);
        good = p && weft_names_add(out, p, len) == i;
    }
    return good;
}

static bool get_scale(const weft_json *o, double *mean, double *std)
{
    const weft_json *m = weft_json_get(o, "mean"), *s = weft_json_get(o, "std");
    *mean = m ? weft_json_real(m) : NAN;
    *std = s ? weft_json_real(s) : NAN;
    return isfinite(*mean) && isfinite(*std) && *std > 0;
}

static bool get_input(const weft_json *o, struct weft_demand_input *in)
{
    const weft_json *values = weft_json_get(o, "values");
    in->name = get_name(o);
    in->key = values != NULL;
    in->log = weft_json_get(o, "log") != NULL;
    return in->name && (in->key ? get_texts(values, &in->values) : get_scale(o, &in->mean, &in->std));
}

static bool get_weights(const weft_json *a, struct weft_demand_head *h)
{
    if (!a)
        return true;
    h->class_weight = WEFT_ARRAY(float, h->classes.n);
    for (size_t i = 0; i < h->classes.n; i++) {
        const weft_json *v = weft_json_at(a, i);
        h->class_weight[i] = v ? (float)weft_json_real(v) : NAN;
        if (!isfinite(h->class_weight[i]))
            return false;
    }
    return true;
}

static double get_real(const weft_json *o, const char *key)
{
    const weft_json *v = weft_json_get(o, key);
    return v ? weft_json_real(v) : 0;
}

/* What was found after the training; 0 where it was not. */
static bool get_found(const weft_json *o, struct weft_demand_head *h)
{
    h->smear = get_real(o, "smear");
    h->low = get_real(o, "low");
    h->high = get_real(o, "high");
    h->mix = get_real(o, "mix");
    h->heat = get_real(o, "heat");
    return isfinite(h->smear) && h->smear >= 0 && isfinite(h->low) && isfinite(h->high) && h->mix >= 0 && h->mix <= 1 &&
           isfinite(h->heat) && h->heat >= 0;
}

static bool get_head(const weft_json *o, struct weft_demand_head *h)
{
    size_t n = 0;
    const char *loss = weft_json_str(weft_json_get(o, "loss"), &n);
    const weft_json *weight = weft_json_get(o, "weight");
    int k = loss ? weft_demand_loss_find(loss, n) : -1;
    h->name = get_name(o);
    h->loss = k < 0 ? WEFT_DEMAND_CE : (enum weft_demand_loss)k;
    h->weight = weight ? weft_json_real(weight) : NAN;
    if (!h->name || k < 0 || !isfinite(h->weight) || !get_found(o, h))
        return false;
    if (!weft_demand_classifies(h))
        return get_scale(o, &h->mean, &h->std);
    return get_texts(weft_json_get(o, "classes"), &h->classes) && get_weights(weft_json_get(o, "class_weights"), h);
}

static weft_json *get_list(const struct weft_st *st, const char *key, size_t *n)
{
    const char *text = weft_st_meta(st, key);
    weft_json *j = text ? weft_json_parse(text, strlen(text), NULL) : NULL;
    bool good = j && weft_json_kind(j) == WEFT_JSON_ARRAY && weft_json_size(j) <= WEFT_DEMAND_FIELDS;
    *n = good ? weft_json_size(j) : 0;
    if (!good)
        weft_json_free(&j);
    return j;
}

static int read_lists(const struct weft_st *st, struct weft_demand_shape *s, struct weft_err *e)
{
    size_t inputs, heads;
    weft_json *a = get_list(st, "inputs", &inputs), *b = get_list(st, "heads", &heads);
    int rc = !a ? bad(e, "inputs") : !b || !heads ? bad(e, "heads") : 0;
    for (size_t i = 0; i < inputs && rc == 0; i++, s->n_inputs++)
        if (!get_input(weft_json_at(a, i), &s->input[i]))
            rc = bad(e, "inputs");
    for (size_t i = 0; i < heads && rc == 0; i++, s->n_heads++)
        if (!get_head(weft_json_at(b, i), &s->head[i]))
            rc = bad(e, "heads");
    if (rc < 0) { /* the entry that failed may own something */
        s->n_inputs += s->n_inputs < inputs;
        s->n_heads += s->n_heads < heads;
    }
    weft_json_free(&a);
    weft_json_free(&b);
    return rc;
}

int weft_demand_shape_read(const struct weft_st *st, struct weft_demand_shape *s, struct weft_err *e)
{
    const char *model = weft_st_meta(st, "weft.model");
    int64_t image, size, text, hidden;
    bool network = model && strcmp(model, "demand") == 0;
    if (!network && !(model && strcmp(model, "neighbours") == 0)) {
        weft_fail(e, WEFT_CONFIG, "not a garment model%s%.40s", model ? ", but " : "", model ? model : "");
        return weft_fail_hint(e, "train-demand makes one");
    }
    if (weft_st_meta_int(st, "image", 0, 1, &image, e) < 0 ||
        weft_st_meta_int(st, "image_size", 0, WEFT_RESNET18_MAX, &size, e) < 0 ||
        weft_st_meta_int(st, "text_features", 0, WEFT_DEMAND_TEXT_MAX, &text, e) < 0 ||
        weft_st_meta_real(st, "text_scale", &s->text_scale, e) < 0 ||
        weft_st_meta_int(st, "hidden", network, network ? WEFT_DEMAND_HIDDEN_MAX : 0, &hidden, e) < 0 ||
        weft_st_meta_real(st, "dropout", &s->dropout, e) < 0 || weft_st_meta_real(st, "gamma", &s->gamma, e) < 0 ||
        read_lists(st, s, e) < 0)
        return -1;
    if (image && size < WEFT_RESNET18_MIN)
        return bad(e, "image_size");
    if (!isfinite(s->text_scale) || !(s->dropout >= 0 && s->dropout < 1) || !(s->gamma >= 0))
        return bad(e, "text_scale, dropout or gamma");
    s->image = image;
    s->image_size = (size_t)size;
    s->text = (size_t)text;
    s->hidden = (size_t)hidden;
    return weft_demand_shape_place(s, e);
}
