/* dlinear_partial.c - a unit's sums as frames, and back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/dlinear_units.h"
#include "base/mem.h"

/* Of a window that is kept for the intervals. */
static size_t kept_width(const struct weft_dlinear_trainer *t)
{
    return t->shape.lookback + t->shape.horizon + weft_dlinear_exog_width(&t->shape);
}

/* How channels act. Their names and roles are those of the windows. */
static void pack_exog(const struct weft_exog_shape *x, struct weft_edit *m)
{
    char relative[WEFT_EXOG_MAX + 1] = "";
    for (size_t c = 0; c < x->n; c++)
        relative[c] = x->relative[c] ? '1' : '0';
    weft_edit_str(m, "exog", weft_exog_effect_name(x->effect));
    weft_edit_int(m, "exog_lags", (int64_t)x->lags);
    weft_edit_int(m, "exog_level", (int64_t)x->level);
    weft_edit_str(m, "exog_relative", relative);
}

static void pack_attrs(const struct weft_dlinear_trainer *t, const struct weft_head *windows, struct weft_pack *b)
{
    struct weft_edit m = {0};
    struct weft_err e = {0};
    if (weft_edit_load(&m, windows->attrs, &e) == 0) { /* it was read before: it loads */
        weft_edit_str(&m, "by", t->units.by);
        weft_edit_str(&m, "norm", weft_norm_name(t->shape.norm));
        weft_edit_int(&m, "kernel", (int64_t)t->shape.kernel);
        weft_edit_int(&m, "folds", (int64_t)t->folds);
        weft_edit_real(&m, "ridge", t->ridge);
        if (t->tune) {
            weft_edit_str(&m, "tune",
                          t->choices.norm == WEFT_NORMS ? "auto" : weft_norm_name((enum weft_norm)t->choices.norm));
            weft_edit_int(&m, "tune_lookbacks", t->choices.lookbacks);
            weft_edit_int(&m, "refit", t->refit);
        }
        if (t->shape.exog.n)
            pack_exog(&t->shape.exog, &m);
    }
    weft_edit_write(&m, b);
    weft_edit_free(&m);
}

int weft_dlinear_partial_head(const struct weft_dlinear_trainer *t, struct weft_run *run, struct weft_err *e)
{
    struct weft_pack attrs = {0};
    pack_attrs(t, weft_run_in_head(run), &attrs);
    int rc = weft_run_head(run, WEFT_GRAM_SCHEMA, weft_pack_span(&attrs), e);
    weft_pack_free(&attrs);
    return rc;
}

static void pack_blocks(const struct weft_dlinear_stats *st, size_t width, struct weft_pack *b)
{
    uint32_t blocks = (uint32_t)st->blocks;
    size_t packed = weft_gram_packed_size(width);
    double *room = weft_xaligned(packed, sizeof *room);
    weft_pack_cstr(b, "windows");
    weft_pack_array(b, blocks);
    for (size_t i = 0; i < blocks; i++)
        weft_pack_uint(b, st->block[i].n);
    weft_pack_cstr(b, "sum");
    uint8_t *to = weft_pack_tensor(b, WEFT_F64, 2, (uint32_t[]){blocks, (uint32_t)width});
    for (size_t i = 0; i < blocks; i++)
        memcpy(to + i * width * sizeof(double), st->block[i].sum, width * sizeof(double));
    weft_pack_cstr(b, "gram");
    to = weft_pack_tensor(b, WEFT_F64, 2, (uint32_t[]){blocks, (uint32_t)packed});
    for (size_t i = 0; i < blocks; i++) {
        weft_gram_pack(&st->block[i], room);
        memcpy(to + i * packed * sizeof *room, room, packed * sizeof *room);
    }
    free(room);
}

static void pack_unit(struct weft_dlinear_trainer *t, size_t unit, struct weft_pack *b)
{
    struct weft_dlinear_unit *u = t->unit[unit];
    size_t channels = t->units.attrs.n_targets;
    const struct weft_name *group = &t->units.groups.at[unit / channels];
    weft_dlinear_stats_finish(&u->st);
    weft_residuals_sort(&u->keep);
    weft_pack_clear(b);
    weft_pack_map(b, 9);
    weft_pack_cstr(b, "group");
    weft_pack_str(b, group->p, group->n);
    weft_pack_cstr(b, "channel");
    weft_pack_uint(b, unit % channels);
    weft_pack_cstr(b, "series");
    weft_pack_uint(b, u->st.series);
    weft_pack_cstr(b, "shift");
    if (u->st.shifted)
        weft_pack_real(b, u->st.shift);
    else
        weft_pack_nil(b);
    pack_blocks(&u->st, u->st.block[0].width, b);
    weft_pack_cstr(b, "hash");
    weft_pack_bin(b, u->keep.hash, u->keep.n * sizeof *u->keep.hash);
    weft_pack_cstr(b, "kept");
    weft_pack_f32(b, 2, (uint32_t[]){(uint32_t)u->keep.n, (uint32_t)u->keep.width}, u->keep.rows);
}

int weft_dlinear_partial_emit(struct weft_dlinear_trainer *t, struct weft_run *run, struct weft_err *e)
{
    struct weft_pack b = {0};
    size_t *order = weft_units_order(&t->units), channels = t->units.attrs.n_targets;
    int rc = 0;
    for (size_t i = 0; i < t->n && rc == 0; i++) {
        pack_unit(t, order[i / channels] * channels + i % channels, &b);
        rc = weft_run_emit(run, weft_pack_span(&b), e);
    }
    free(order);
    weft_pack_free(&b);
    return rc;
}

/* --- and back --- */

static int bad(struct weft_err *e)
{
    return weft_fail(e, WEFT_DATA, "a damaged gram frame");
}

/* WEFT_NORMS when it is none of them. */
static enum weft_norm norm_of(const char *name)
{
    enum weft_norm norm = WEFT_NORM_NONE;
    while (norm < WEFT_NORMS && strcmp(name, weft_norm_name(norm)) != 0)
        norm++;
    return norm;
}

/* What a partial that is to be tuned says of it; the sums are then of raw values. */
static int read_tune(struct weft_dlinear_trainer *t, const struct weft_head *h, struct weft_err *e)
{
    char norm[16];
    int64_t lookbacks, refit;
    if (!weft_attr_str(h, "tune", norm, sizeof norm))
        return 0;
    if (!weft_attr_int(h, "tune_lookbacks", &lookbacks) || !weft_attr_int(h, "refit", &refit) ||
        t->shape.norm != WEFT_NORM_NONE || (norm_of(norm) == WEFT_NORMS && strcmp(norm, "auto") != 0))
        return weft_fail(e, WEFT_DATA, "a gram stream that does not say how it is to be tuned");
    t->tune = true;
    t->refit = refit;
    t->choices = (struct weft_tune){.lookbacks = lookbacks, .norm = (int)norm_of(norm), .ridge = t->ridge};
    return 0;
}

static int read_exog(struct weft_dlinear_trainer *t, const struct weft_head *h, struct weft_err *e)
{
    struct weft_exog_shape *x = &t->shape.exog;
    char effect[16], relative[WEFT_EXOG_MAX + 1];
    int64_t lags, level = (int64_t)t->shape.lookback;
    (void)weft_attr_int(h, "exog_level", &level);
    if (!x->n)
        return 0;
    if (!weft_attr_str(h, "exog", effect, sizeof effect) || !weft_attr_int(h, "exog_lags", &lags) ||
        !weft_attr_str(h, "exog_relative", relative, sizeof relative) || lags < 0 || (size_t)lags > t->shape.lookback ||
        level < 1 || (size_t)level > t->shape.lookback || strlen(relative) != x->n)
        return weft_fail(e, WEFT_DATA, "a gram stream that does not say how its exogenous channels act");
    x->lags = (size_t)lags;
    x->level = (size_t)level;
    x->effect = strcmp(effect, weft_exog_effect_name(WEFT_EXOG_UNITS)) == 0 ? WEFT_EXOG_UNITS : WEFT_EXOG_LEVEL;
    for (size_t c = 0; c < x->n; c++)
        x->relative[c] = relative[c] == '1';
    return 0;
}

/* Takes over shape, stream and solver from the head of the first partial stream. `by` lives in the trainer's own
 * memory. */
static int merge_start(struct weft_dlinear_trainer *t, const struct weft_head *h, struct weft_err *e)
{
    char norm[16];
    int64_t kernel, folds;
    if (!weft_attr_str(h, "by", t->by, sizeof t->by) || !weft_attr_str(h, "norm", norm, sizeof norm) ||
        !weft_attr_int(h, "kernel", &kernel) || !weft_attr_int(h, "folds", &folds) ||
        !weft_attr_real(h, "ridge", &t->ridge) || kernel < 1 || folds < 1 || folds > WEFT_DLINEAR_FOLDS_MAX)
        return weft_fail(e, WEFT_DATA, "a gram stream without by, norm, kernel, folds and ridge in its head");
    t->shape.norm = norm_of(norm);
    if (t->shape.norm == WEFT_NORMS)
        return weft_fail(e, WEFT_DATA, "a gram stream of an unknown norm \"%s\"", norm);
    t->shape.kernel = (size_t)kernel;
    t->folds = (size_t)folds;
    t->partial = true; /* until all is there */
    char effect[16];
    t->exog = weft_attr_str(h, "exog", effect, sizeof effect);
    t->relative = NULL;
    if (read_tune(t, h, e) < 0 || weft_dlinear_trainer_start(t, h, t->by, e) < 0)
        return -1;
    return read_exog(t, h, e);
}

/* Reads the blocks of a frame into st, which is fresh. */
static int unpack_blocks(struct weft_span frame, struct weft_dlinear_stats *st, struct weft_err *e)
{
    size_t blocks = st->blocks, width = st->block[0].width, packed = weft_gram_packed_size(width);
    struct weft_value windows, sum, gram, n;
    struct weft_tensor s, g;
    if (!weft_map_find(frame, "windows", &windows) || !weft_map_find(frame, "sum", &sum) ||
        !weft_map_find(frame, "gram", &gram) || windows.kind != WEFT_ARRAY || windows.count != blocks ||
        weft_tensor_read(&sum, &s, e) < 0 || weft_tensor_read(&gram, &g, e) < 0)
        return bad(e);
    if (s.dtype != WEFT_F64 || s.rank != 2 || s.dims[0] != blocks || s.dims[1] != width || g.dtype != WEFT_F64 ||
        g.rank != 2 || g.dims[0] != blocks || g.dims[1] != packed)
        return weft_fail(e, WEFT_CONFIG, "a gram frame of another shape");
    double *room = weft_xaligned(packed, sizeof *room);
    struct weft_span rest = windows.body;
    for (size_t i = 0; i < blocks; i++) {
        st->block[i].n = weft_value_next(&rest, &n) && n.kind == WEFT_UINT ? n.u : 0;
        memcpy(st->block[i].sum, s.data + i * width * sizeof(double), width * sizeof(double));
        memcpy(room, g.data + i * packed * sizeof *room, packed * sizeof *room);
        weft_gram_unpack(&st->block[i], room);
    }
    free(room);
    return 0;
}

static int unpack_kept(struct weft_span frame, size_t width, struct weft_residuals *keep, struct weft_err *e)
{
    struct weft_value hash, kept;
    struct weft_tensor rows;
    if (!weft_map_find(frame, "hash", &hash) || !weft_map_find(frame, "kept", &kept) || hash.kind != WEFT_BIN ||
        weft_tensor_read(&kept, &rows, e) < 0 || rows.dtype != WEFT_F32 || rows.rank != 2 ||
        (rows.dims[0] && rows.dims[1] != width) || hash.body.n != rows.dims[0] * sizeof(uint64_t))
        return bad(e);
    for (size_t i = 0; i < rows.dims[0]; i++) {
        uint64_t h;
        memcpy(&h, hash.body.p + i * sizeof h, sizeof h);
        float *row = weft_residuals_offer(keep, h);
        if (row)
            memcpy(row, rows.data + i * width * sizeof *row, width * sizeof *row);
    }
    return 0;
}

/* Adds one frame to its unit. The sum's last bits depend on the order of the calls: sort the frames first. */
static int merge_frame(struct weft_dlinear_trainer *t, struct weft_span frame, struct weft_err *e)
{
    struct weft_value group, channel, series, shift;
    size_t channels = t->units.attrs.n_targets;
    if (!weft_map_find(frame, "group", &group) || !weft_map_find(frame, "channel", &channel) ||
        !weft_map_find(frame, "series", &series) || !weft_map_find(frame, "shift", &shift) || group.kind != WEFT_STR ||
        channel.kind != WEFT_UINT || channel.u >= channels || series.kind != WEFT_UINT)
        return bad(e);
    struct weft_dlinear_stats st;
    weft_dlinear_stats_init(&st, &t->shape, (size_t)t->units.attrs.stride, t->folds);
    if (t->refit)
        weft_dlinear_stats_rest(&st);
    st.series = series.u;
    st.shifted = shift.kind != WEFT_NIL;
    st.shift = st.shifted ? shift.real : 0;
    int rc = unpack_blocks(frame, &st, e);
    if (rc == 0) {
        size_t g = weft_names_add(&t->units.groups, group.body.p, group.body.n);
        weft_dlinear_trainer_units(t);
        struct weft_dlinear_unit *u = t->unit[g * channels + channel.u];
        weft_dlinear_stats_finish(&u->st);
        if (t->units.key == WEFT_KEY_ID && u->st.series)
            rc = weft_fail(e, WEFT_DATA, "id \"%.80s\" stands in two of the partial streams", t->units.groups.at[g].p);
        weft_dlinear_stats_merge(&u->st, &st);
        if (rc == 0)
            rc = unpack_kept(frame, kept_width(t), &u->keep, e);
    }
    weft_dlinear_stats_free(&st);
    return rc;
}

/* --- the frames of all partials, added in an order that is theirs and not that of the command line --- */

struct part {
    uint8_t *p;
    size_t n;
};

static int by_content(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
    return c ? c : (x->n > y->n) - (x->n < y->n);
}

struct merge {
    struct part *part;
    size_t n, cap;
    struct weft_pack attrs;
    char *lineage;
};

static int read_partial(struct weft_run *run, struct weft_dlinear_trainer *t, struct merge *m, const char *path,
                        struct weft_err *e)
{
    struct weft_reader *r = NULL;
    struct weft_span frame;
    if (weft_reader_open(path, WEFT_GRAM_SCHEMA, weft_run_stream_opts(run), &r, e) < 0)
        return -1;
    const struct weft_head *h = weft_reader_head(r);
    int got = 1;
    char *lineage = weft_run_lineage_json_from(run, h), *other = m->lineage;
    if (!other || strcmp(lineage, other) < 0) { /* the model names one of them, whatever their order */
        m->lineage = lineage;
        lineage = other;
    }
    free(lineage);
    if (!m->attrs.n) {
        weft_pack_raw(&m->attrs, h->attrs);
        got = merge_start(t, h, e) < 0 ? -1 : 1;
    } else if (m->attrs.n != h->attrs.n || memcmp(m->attrs.p, h->attrs.p, h->attrs.n) != 0) {
        got = weft_fail(e, WEFT_CONFIG, "%s was made with other windows or options than the first partial", path);
    }
    while (got > 0 && (got = weft_reader_next(r, &frame, e)) > 0) {
        if (m->n == m->cap) {
            m->cap = weft_grow(m->cap, m->n + 1);
            m->part = weft_xrealloc2(m->part, m->cap, sizeof *m->part);
        }
        m->part[m->n++] = (struct part){memcpy(weft_xmalloc(frame.n), frame.p, frame.n), frame.n};
        weft_run_read(run, 1);
    }
    weft_reader_close(&r);
    return got < 0 ? -1 : 0;
}

/* Frames in order. Two that are the same to the byte, and keep windows (each under a hash of its series' id), are one
 * stream given twice. */
static int refuse_twice(const struct merge *m, struct weft_err *e)
{
    struct weft_value hash, group;
    for (size_t i = 1; i < m->n; i++) {
        struct weft_span frame = {m->part[i].p, m->part[i].n};
        if (by_content(&m->part[i - 1], &m->part[i]) != 0 || !weft_map_find(frame, "hash", &hash) ||
            hash.kind != WEFT_BIN || !hash.body.n || !weft_map_find(frame, "group", &group) || group.kind != WEFT_STR)
            continue;
        weft_fail(e, WEFT_DATA, "the same sums of \"%.*s\" come twice: is a partial stream given twice?",
                  group.body.n < 80 ? (int)group.body.n : 80, (const char *)group.body.p);
        return weft_fail_hint(e, "name each once");
    }
    return 0;
}

int weft_dlinear_merge_files(struct weft_dlinear_trainer *t, struct weft_run *run, char **lineage, struct weft_err *e)
{
    struct merge m = {0};
    int rc = 0;
    for (int i = 0; i < weft_run_n_operands(run) && rc == 0; i++)
        rc = read_partial(run, t, &m, weft_run_operand(run, i), e);
    weft_sort(m.part, m.n, sizeof *m.part, by_content);
    rc = rc == 0 ? refuse_twice(&m, e) : rc;
    for (size_t i = 0; i < m.n && rc == 0; i++)
        rc = merge_frame(t, (struct weft_span){m.part[i].p, m.part[i].n}, e);
    t->partial = false;
    for (size_t i = 0; i < m.n; i++)
        free(m.part[i].p);
    free(m.part);
    weft_pack_free(&m.attrs);
    *lineage = m.lineage;
    return rc;
}
