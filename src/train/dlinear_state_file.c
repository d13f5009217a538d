/* dlinear_state_file.c - the state file, and the model file beside it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "train/dlinear_state.h"
#include "base/conformal.h"
#include "base/mem.h"

enum { STEPS_MAX = 100000, UNIT_FIELDS = 5, CONFIG_FIELDS = 4, DAY_FIELDS = 5 };

/* --- reading --- */

static int damaged(const struct weft_st *st, struct weft_err *e, const char *what)
{
    weft_fail(e, WEFT_DATA, "\"%s\" of this state is missing or damaged", what);
    weft_fail_where(e, "%s", weft_st_path(st));
    return weft_fail_hint(e, "begin anew from all the history: remove the file and give windows");
}

/* A tensor of exactly this type and shape, or NULL with an error. */
static const void *tensor(const struct weft_st *st, const char *name, enum weft_st_type type, int rank,
                          const size_t *dims, struct weft_err *e)
{
    const struct weft_st_tensor *t = weft_st_find(st, name);
    bool fits = t && t->type == type && t->rank == rank;
    for (int i = 0; fits && i < rank; i++)
        fits = t->dims[i] == dims[i];
    if (!fits)
        damaged(st, e, name);
    return fits ? t->data : NULL;
}

static int read_list(const struct weft_st *st, const char *key, struct weft_names *out, struct weft_err *e)
{
    const char *text = weft_st_meta(st, key);
    weft_json *j = text ? weft_json_parse(text, strlen(text), NULL) : NULL;
    int rc = j && weft_json_kind(j) == WEFT_JSON_ARRAY ? 0 : damaged(st, e, key);
    for (size_t i = 0; rc == 0 && i < weft_json_size(j); i++) {
        size_t n;
        const char *s = weft_json_str(weft_json_at(j, i), &n);
        if (!s || weft_names_add(out, s, n) != i)
            rc = damaged(st, e, key);
    }
    weft_json_free(&j);
    return rc;
}

static int read_options(struct weft_dlinear_state *s, const struct weft_st *st, struct weft_err *e)
{
    const char *text = weft_st_meta(st, "options"), *key;
    weft_json *j = text ? weft_json_parse(text, strlen(text), NULL) : NULL, *value;
    int rc = j && weft_json_kind(j) == WEFT_JSON_OBJECT ? 0 : damaged(st, e, "options");
    for (void *at = rc == 0 ? weft_json_next(j, NULL, &key, &value) : NULL; at && rc == 0;
         at = weft_json_next(j, at, &key, &value)) {
        const char *v = weft_json_str(value, NULL);
        if (v)
            weft_state_set_option(s, key, v);
        else
            rc = damaged(st, e, "options");
    }
    weft_json_free(&j);
    return rc;
}

static int read_exog(struct weft_dlinear_state *s, const struct weft_st *st, struct weft_err *e)
{
    struct weft_model_info info = {.lookback = (int64_t)s->shape.lookback, .horizon = (int64_t)s->shape.horizon};
    int rc = weft_model_exog_read(st, &info, e);
    s->shape.exog = info.exog;
    for (size_t c = 0; c < info.n_exogenous && rc == 0; c++)
        if (weft_names_add(&s->exogenous, info.exogenous[c], strlen(info.exogenous[c])) != c)
            rc = damaged(st, e, "exogenous");
    weft_model_info_free(&info);
    return rc;
}

static int read_meta(struct weft_dlinear_state *s, const struct weft_st *st, struct weft_err *e)
{
    int64_t lookback, horizon;
    const char *by = weft_st_meta(st, "by");
    if (!weft_st_meta(st, "weft.state") || strcmp(weft_st_meta(st, "weft.state"), "1") != 0 || !by) {
        weft_fail(e, WEFT_DATA, "no state of train-dlinear");
        return weft_fail_where(e, "%s", weft_st_path(st));
    }
    if (weft_st_meta_int(st, "lookback", 1, STEPS_MAX, &lookback, e) < 0 ||
        weft_st_meta_int(st, "horizon", 1, STEPS_MAX, &horizon, e) < 0 ||
        weft_st_meta_int(st, "step", 1, INT32_MAX, &s->step, e) < 0 ||
        weft_st_meta_int(st, "day", -(1LL << 50), 1LL << 50, &s->day, e) < 0 ||
        weft_st_meta_real(st, "half_life", &s->half_life, e) < 0)
        return -1;
    if (!(s->half_life == 0 || (isfinite(s->half_life) && s->half_life * 100 >= (double)(lookback + horizon))))
        return damaged(st, e, "half_life");
    s->shape = (struct weft_dlinear_shape){
        .lookback = (size_t)lookback, .horizon = (size_t)horizon, .kernel = 25, .norm = WEFT_NORM_NONE};
    s->by = weft_xstrdup(by);
    if (read_exog(s, st, e) < 0)
        return -1;
    if (read_list(st, "channels", &s->channels, e) < 0 || read_list(st, "groups", &s->units.groups, e) < 0)
        return -1;
    return s->channels.n && s->units.groups.n ? read_options(s, st, e) : damaged(st, e, "groups");
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* 5% and 95% of the residuals of each step, by split conformal ranks; NaN where they are too few. */
static void quantiles(const struct weft_dlinear_state *s, struct weft_state_unit *u)
{
    size_t h = s->shape.horizon, n = 0;
    float *column = weft_xrealloc2(NULL, s->rows + 1, sizeof *column);
    while (n < s->rows && isfinite(u->rows[n * h])) /* what was not filled is NaN and stands behind */
        n++;
    u->low = n ? weft_xrealloc2(NULL, 2 * h, sizeof *u->low) : NULL;
    for (size_t k = 0; k < h && n; k++) {
        for (size_t i = 0; i < n; i++)
            column[i] = u->rows[i * h + k];
        qsort(column, n, sizeof *column, ascending);
        size_t low = weft_conformal_rank(0.05, n), high = weft_conformal_rank(0.95, n);
        u->low[k] = low ? column[low - 1] : NAN;
        u->low[h + k] = high ? column[high - 1] : NAN;
    }
    free(column);
}

/* Fields of a configuration: own (nested.h) only with exogenous channels. */
static size_t config_fields(const struct weft_dlinear_state *s)
{
    return s->shape.exog.n ? CONFIG_FIELDS : CONFIG_FIELDS - 1;
}

static bool read_config(struct weft_state_unit *u, const struct weft_dlinear_state *s, const double *best,
                        double n_best)
{
    if (!(n_best >= 1 && n_best <= WEFT_TUNE_BEST))
        return false;
    u->n_best = (size_t)n_best;
    for (size_t k = 0; k < u->n_best; k++, best += config_fields(s)) {
        double own = s->shape.exog.n ? best[3] : 1;
        if (!(best[0] >= 1 && best[0] <= (double)s->shape.lookback && best[1] >= 0 && best[1] <= best[0] &&
              best[2] > 0 && isfinite(best[2]) && own > 0 && isfinite(own)))
            return false;
        u->best[k] = (struct weft_nested_config){(size_t)best[0], (size_t)best[1], best[2], own};
    }
    return true;
}

static int read_units(struct weft_dlinear_state *s, const struct weft_st *st, struct weft_err *e)
{
    size_t n = s->units.groups.n * s->channels.n, l = s->shape.lookback, h = s->shape.horizon,
           beside = weft_dlinear_exog_weights(&s->shape);
    struct weft_gram like;
    weft_dlinear_gram_init(&like, &s->shape, 1);
    size_t width = like.width, packed = weft_gram_packed_size(width);
    weft_gram_free(&like);
    const struct weft_st_tensor *kept = weft_st_find(st, "residuals");
    s->rows = kept && kept->rank == 3 ? kept->dims[1] : 0;
    const double *fields = tensor(st, "unit", WEFT_ST_F64, 2, (size_t[]){n, UNIT_FIELDS}, e),
                 *best = tensor(st, "best", WEFT_ST_F64, 3, (size_t[]){n, WEFT_TUNE_BEST, config_fields(s)}, e),
                 *sum = tensor(st, "sum", WEFT_ST_F64, 2, (size_t[]){n, width}, e),
                 *gram = tensor(st, "gram", WEFT_ST_F64, 2, (size_t[]){n, packed}, e);
    const float *weight = tensor(st, "weight", WEFT_ST_F32, 3, (size_t[]){n, h, l}, e),
                *bias = tensor(st, "bias", WEFT_ST_F32, 2, (size_t[]){n, h}, e),
                *rows = tensor(st, "residuals", WEFT_ST_F32, 3, (size_t[]){n, s->rows, h}, e);
    const float *v = beside ? tensor(st, "exog_weight", WEFT_ST_F32, 3, (size_t[]){n, h, beside}, e) : NULL;
    if (!fields || !best || !sum || !gram || !weight || !bias || !rows || (beside && !v))
        return -1;
    weft_state_units(s, n);
    for (size_t i = 0; i < n; i++, fields += UNIT_FIELDS) {
        struct weft_state_unit *u = &s->unit[i];
        if (!(fields[0] >= 0) || !isfinite(fields[0]) || !isfinite(fields[1]) ||
            !read_config(u, s, best + i * WEFT_TUNE_BEST * config_fields(s), fields[4]))
            return damaged(st, e, "unit");
        u->n = fields[0];
        u->shift = fields[1];
        u->shifted = fields[2] != 0;
        u->floor = (float)fields[3];
        memcpy(u->sum.sum, sum + i * width, width * sizeof *sum);
        weft_gram_unpack(&u->sum, gram + i * packed);
        memcpy(u->w.ws, weight + i * h * l, h * l * sizeof *weight);
        memcpy(u->w.bs, bias + i * h, h * sizeof *bias);
        if (beside)
            memcpy(u->w.v, v + i * h * beside, h * beside * sizeof *v);
        u->rows = weft_xrealloc2(NULL, s->rows * h + 1, sizeof *u->rows);
        memcpy(u->rows, rows + i * s->rows * h, s->rows * h * sizeof *rows);
        quantiles(s, u);
    }
    return 0;
}

static int read_series(struct weft_dlinear_state *s, const struct weft_st *st, struct weft_err *e)
{
    struct weft_names ids = {0};
    size_t keep = s->shape.lookback + s->shape.horizon - 1;
    int rc = read_list(st, "ids", &ids, e);
    size_t n = ids.n, each = s->channels.n * keep;
    const float *tail = rc < 0 ? NULL : tensor(st, "tail", WEFT_ST_F32, 3, (size_t[]){n, s->channels.n, keep}, e);
    const int64_t *place = tail ? tensor(st, "series", WEFT_ST_I64, 2, (size_t[]){n, 2}, e) : NULL;
    const double *days = place ? tensor(st, "days", WEFT_ST_F64, 2, (size_t[]){WEFT_STATE_DAYS, DAY_FIELDS}, e) : NULL;
    size_t exog = s->shape.exog.n, features = s->channels.n * (exog + 1) * keep;
    const double *g = days && exog
                          ? tensor(st, "exog_tail", WEFT_ST_F64, 4, (size_t[]){n, s->channels.n, exog + 1, keep}, e)
                          : NULL,
                 *past = g ? tensor(st, "exog_past", WEFT_ST_F64, 3, (size_t[]){n, 2, exog}, e) : NULL;
    rc = days && (!exog || past) ? 0 : -1;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct weft_state_series *x = weft_state_series(s, ids.at[i].p, ids.at[i].n);
        memcpy(x->tail, tail + i * each, each * sizeof *tail);
        if (exog) {
            memcpy(x->features, g + i * features, features * sizeof *g);
            memcpy(x->past, past + i * 2 * exog, 2 * exog * sizeof *past);
        }
        x->last = place[2 * i];
        x->group = (size_t)place[2 * i + 1];
        if (x->last > s->day || x->last < -(1LL << 50) || x->group >= s->units.groups.n)
            rc = damaged(st, e, "series");
    }
    for (size_t i = 0; i < WEFT_STATE_DAYS && rc == 0; i++, days += DAY_FIELDS)
        if (days[0] >= -1e15 && days[0] <= 1e15)
            s->days[i] = (struct weft_state_day){(int64_t)days[0], days[1], days[2], days[3], days[4]};
    weft_names_free(&ids);
    return rc;
}

int weft_dlinear_state_open(const char *path, double half_life, struct weft_dlinear_state **out, struct weft_err *e)
{
    struct weft_dlinear_state *s = *out = WEFT_NEW(struct weft_dlinear_state);
    struct weft_st *st = NULL;
    s->path = weft_xstrdup(path);
    s->day = s->before = INT64_MIN;
    s->half_life = half_life;
    s->fresh = access(path, F_OK) != 0;
    if (s->fresh)
        return 0;
    int rc = weft_st_open(path, &st, e) < 0 || read_meta(s, st, e) < 0 || read_units(s, st, e) < 0 ||
                     read_series(s, st, e) < 0
                 ? -1
                 : 0;
    weft_st_close(&st);
    return rc;
}

/* --- writing --- */

static void write_list(struct weft_st_writer *w, const char *key, const struct weft_names *names)
{
    weft_json *j = weft_json_new_array();
    for (size_t i = 0; i < names->n; i++)
        weft_json_push(j, weft_json_new_str(names->at[i].p, names->at[i].n));
    char *text = weft_json_text(j);
    weft_st_writer_meta(w, key, text);
    free(text);
    weft_json_free(&j);
}

static void write_meta(const struct weft_dlinear_state *s, struct weft_st_writer *w)
{
    weft_json *options = weft_json_new_object();
    for (size_t i = 0; i < s->n_options; i++)
        weft_json_set(options, s->option[i].name, weft_json_new_str(s->option[i].text, strlen(s->option[i].text)));
    char *text = weft_json_text(options);
    weft_st_writer_meta(w, "weft.state", "1");
    weft_st_writer_meta(w, "options", text);
    weft_st_writer_meta(w, "by", s->by);
    weft_st_writer_meta_int(w, "lookback", (int64_t)s->shape.lookback);
    weft_st_writer_meta_int(w, "horizon", (int64_t)s->shape.horizon);
    weft_st_writer_meta_int(w, "step", s->step);
    weft_st_writer_meta_int(w, "day", s->day);
    weft_st_writer_meta_real(w, "half_life", s->half_life);
    write_list(w, "channels", &s->channels);
    write_list(w, "groups", &s->units.groups);
    write_list(w, "ids", &s->ids);
    free(text);
    weft_json_free(&options);
}

static void write_exog(const struct weft_dlinear_state *s, struct weft_st_writer *w)
{
    char *names[WEFT_EXOG_MAX];
    for (size_t c = 0; c < s->exogenous.n; c++)
        names[c] = s->exogenous.at[c].p;
    weft_model_exog_write(&s->shape.exog, names, w);
}

/* The rows of a unit that came later and has none are missing values. */
static float *all_rows(const struct weft_dlinear_state *s, const size_t *order)
{
    size_t h = s->shape.horizon, each = s->rows * h;
    float *rows = weft_xrealloc2(NULL, s->n_units * each + 1, sizeof *rows);
    for (size_t i = 0; i < s->n_units; i++)
        for (size_t k = 0; k < each; k++) {
            const struct weft_state_unit *u = &s->unit[order ? order[i] : i];
            rows[i * each + k] = u->rows ? u->rows[k] : NAN;
        }
    return rows;
}

static int save_state(const struct weft_dlinear_state *s, struct weft_err *e)
{
    size_t n = s->n_units, l = s->shape.lookback, h = s->shape.horizon, width = s->unit[0].sum.width,
           packed = weft_gram_packed_size(width), keep = l + h - 1;
    size_t exog = s->shape.exog.n, beside = h * weft_dlinear_exog_weights(&s->shape),
           features = s->channels.n * (exog + 1) * keep, config = config_fields(s);
    size_t tail = s->channels.n * keep;
    struct weft_st_writer *w = weft_st_writer_new();
    double *fields = WEFT_ARRAY(double, n *UNIT_FIELDS), *best = WEFT_ARRAY(double, n *WEFT_TUNE_BEST *CONFIG_FIELDS),
           days[WEFT_STATE_DAYS * DAY_FIELDS];
    double *sum = weft_xrealloc2(NULL, n * width, sizeof *sum), *gram = weft_xrealloc2(NULL, n * packed, sizeof *gram);
    float *weight = weft_xrealloc2(NULL, n * h * l, sizeof *weight), *bias = weft_xrealloc2(NULL, n * h, sizeof *bias),
          *rows = all_rows(s, NULL);
    float *tails = weft_xrealloc2(NULL, s->n_series * tail + 1, sizeof *tails);
    int64_t *place = WEFT_ARRAY(int64_t, 2 * s->n_series + 1);
    float *v = WEFT_ARRAY(float, n *beside + 1);
    double *g = exog ? weft_xrealloc2(NULL, s->n_series * features + 1, sizeof *g) : NULL,
           *past = WEFT_ARRAY(double, 2 * s->n_series * exog + 1);
    for (size_t i = 0; i < n; i++) {
        const struct weft_state_unit *u = &s->unit[i];
        memcpy(fields + i * UNIT_FIELDS, (double[]){u->n, u->shift, u->shifted, (double)u->floor, (double)u->n_best},
               UNIT_FIELDS * sizeof *fields);
        for (size_t k = 0; k < u->n_best; k++)
            memcpy(best + (i * WEFT_TUNE_BEST + k) * config,
                   (double[]){(double)u->best[k].lookback, (double)u->best[k].last, u->best[k].ridge, u->best[k].own},
                   config * sizeof *best);
        memcpy(sum + i * width, u->sum.sum, width * sizeof *sum);
        weft_gram_pack(&u->sum, gram + i * packed);
        memcpy(weight + i * h * l, u->w.ws, h * l * sizeof *weight);
        memcpy(bias + i * h, u->w.bs, h * sizeof *bias);
        memcpy(v + i * beside, u->w.v, beside * sizeof *v);
    }
    for (size_t i = 0; i < s->n_series; i++) {
        memcpy(tails + i * tail, s->series[i].tail, tail * sizeof *tails);
        if (exog) {
            memcpy(g + i * features, s->series[i].features, features * sizeof *g);
            memcpy(past + 2 * i * exog, s->series[i].past, 2 * exog * sizeof *past);
        }
        place[2 * i] = s->series[i].last;
        place[2 * i + 1] = (int64_t)s->series[i].group;
    }
    for (size_t i = 0; i < WEFT_STATE_DAYS; i++)
        memcpy(days + i * DAY_FIELDS,
               (double[]){(double)s->days[i].day, s->days[i].error, s->days[i].actual, s->days[i].inside, s->days[i].n},
               DAY_FIELDS * sizeof *days);
    write_meta(s, w);
    weft_st_writer_tensor(w, "gram", WEFT_ST_F64, 2, (size_t[]){n, packed}, gram);
    weft_st_writer_tensor(w, "sum", WEFT_ST_F64, 2, (size_t[]){n, width}, sum);
    weft_st_writer_tensor(w, "unit", WEFT_ST_F64, 2, (size_t[]){n, UNIT_FIELDS}, fields);
    weft_st_writer_tensor(w, "best", WEFT_ST_F64, 3, (size_t[]){n, WEFT_TUNE_BEST, config}, best);
    weft_st_writer_tensor(w, "series", WEFT_ST_I64, 2, (size_t[]){s->n_series, 2}, place);
    weft_st_writer_tensor(w, "days", WEFT_ST_F64, 2, (size_t[]){WEFT_STATE_DAYS, DAY_FIELDS}, days);
    weft_st_writer_tensor(w, "weight", WEFT_ST_F32, 3, (size_t[]){n, h, l}, weight);
    weft_st_writer_tensor(w, "bias", WEFT_ST_F32, 2, (size_t[]){n, h}, bias);
    weft_st_writer_tensor(w, "residuals", WEFT_ST_F32, 3, (size_t[]){n, s->rows, h}, rows);
    weft_st_writer_tensor(w, "tail", WEFT_ST_F32, 3, (size_t[]){s->n_series, s->channels.n, keep}, tails);
    if (exog) {
        weft_st_writer_tensor(w, "exog_weight", WEFT_ST_F32, 3, (size_t[]){n, h, beside / h}, v);
        weft_st_writer_tensor(w, "exog_tail", WEFT_ST_F64, 4, (size_t[]){s->n_series, s->channels.n, exog + 1, keep},
                              g);
        weft_st_writer_tensor(w, "exog_past", WEFT_ST_F64, 3, (size_t[]){s->n_series, 2, exog}, past);
        write_exog(s, w);
    }
    int rc = weft_st_save(w, s->path, e);
    weft_st_writer_free(&w);
    void *all[] = {fields, best, sum, gram, weight, bias, rows, tails, place, v, g, past};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    return rc;
}

static int save_model(struct weft_dlinear_state *s, const char *lineage, const char *path, struct weft_err *e)
{
    size_t channels = s->channels.n, n = s->n_units, h = s->shape.horizon, *order = weft_units_order(&s->units),
           *unit = WEFT_ARRAY(size_t, n);
    struct weft_dlinear_weights *w = WEFT_ARRAY(struct weft_dlinear_weights, n);
    float *floor = WEFT_ARRAY(float, n);
    struct weft_st_writer *out = weft_st_writer_new();
    for (size_t i = 0; i < n; i++) {
        unit[i] = order[i / channels] * channels + i % channels;
        w[i] = s->unit[unit[i]].w;
        floor[i] = s->unit[unit[i]].floor;
    }
    float *rows = all_rows(s, unit);
    weft_dlinear_write(&s->shape, w, n, out);
    weft_st_writer_meta(out, "solver", "exact");
    if (s->rows) {
        weft_st_writer_tensor(out, "residuals", WEFT_ST_F32, 3, (size_t[]){n, s->rows, h}, rows);
        weft_st_writer_tensor(out, "residual_floor", WEFT_ST_F32, 1, (size_t[]){n}, floor);
    }
    s->units.attrs.lookback = (int64_t)s->shape.lookback; /* of a series stream they are not there */
    s->units.attrs.horizon = (int64_t)h;
    s->units.attrs.stride = 1;
    s->units.attrs.scale = WEFT_SCALE_NONE;
    if (s->shape.exog.n)
        write_exog(s, out);
    int rc = weft_units_save(&s->units, order, s->shape.exog.n ? "dlinear-exog" : "dlinear", lineage, out, path, e);
    weft_st_writer_free(&out);
    void *all[] = {order, unit, w, floor, rows};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    return rc;
}

int weft_dlinear_state_save(struct weft_dlinear_state *s, const char *lineage, const char *model, struct weft_err *e)
{
    return save_model(s, lineage, model, e) < 0 ? -1 : save_state(s, e);
}
