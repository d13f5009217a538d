/* reconciled.c - the frames of forecasts, edited to what adds up. */
#include "apply/reconciled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/terms.h"

struct writer {
    const struct weft_reconciled_options *o;
    const struct weft_hierarchy *h;
    bool *written; /* [levels] */
    struct weft_forecasts_attrs attrs;
    struct weft_forecasts f;
    struct weft_edit edit;
    struct weft_pack frame;
    struct weft_reconciler *reconciler;
    uint64_t no_sums; /* sheets of channels that do not add up */
};

static int choose_written(struct writer *s, struct weft_err *e)
{
    size_t n = weft_hierarchy_n_levels(s->h);
    s->written = WEFT_ARRAY(bool, n + 1);
    for (size_t k = 0; k < n; k++)
        s->written[k] = !s->o->only->n;
    for (size_t i = 0; i < s->o->only->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(weft_hierarchy_level(s->h, k), s->o->only->items[i]) != 0)
            k++;
        if (k == n && n)
            return weft_fail(e, WEFT_USAGE, "--only: there is no level \"%s\"", s->o->only->items[i]);
        s->written[k] = true;
    }
    return 0;
}

static int write_head(struct weft_run *run, struct writer *s, const struct weft_head *from, struct weft_err *e)
{
    const struct weft_forecasts_attrs *a = weft_hierarchy_attrs(s->h);
    struct weft_forecasts_attrs out = *a;
    char *keys[WEFT_MAX_KEYS + 1], level[] = "level";
    for (size_t k = 0; k < a->n_keys; k++) {
        if (strcmp(a->keys[k], level) == 0)
            return weft_fail(e, WEFT_DATA, "the forecasts have a key \"level\" already");
        keys[k] = a->keys[k];
    }
    keys[out.n_keys++] = level;
    out.keys = keys;
    struct weft_pack b = {0};
    weft_forecasts_attrs_write(&out, from->attrs, &b);
    int rc = weft_run_head_from(run, from, WEFT_FORECASTS_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    return rc;
}

/* The frame's keys and "level". */
static void set_keys(struct writer *s, struct weft_span frame, const char *level)
{
    struct weft_value keys = {0};
    bool keyed = weft_map_find(frame, "keys", &keys) && keys.kind == WEFT_MAP;
    struct weft_pack *b = weft_edit_set(&s->edit, "keys");
    weft_pack_map(b, (keyed ? keys.count : 0) + 1);
    if (keyed)
        weft_pack_raw(b, keys.body);
    weft_pack_cstr(b, "level");
    weft_pack_cstr(b, level);
    weft_edit_done(&s->edit);
}

/* Quantiles move with their forecast. */
static void set_quantiles(struct writer *s, const float *was, const float *is, bool clip)
{
    size_t cells = s->f.windows * s->f.horizon;
    const uint32_t dims[] = {(uint32_t)s->attrs.n_levels, (uint32_t)s->f.windows, (uint32_t)s->f.horizon};
    uint8_t *at = weft_pack_tensor(weft_edit_set(&s->edit, "quantiles"), WEFT_F32, 3, dims);
    for (size_t i = 0; i < s->attrs.n_levels * cells; i++) {
        float q = (float)((double)s->f.quantiles[i] + ((double)is[i % cells] - was[i % cells]));
        q = clip && q < 0 ? 0 : q;
        memcpy(at + i * sizeof q, &q, sizeof q);
    }
    weft_edit_done(&s->edit);
}

static int emit_node(struct weft_run *run, struct writer *s, struct weft_span frame, size_t node, const char *suffix,
                     bool clip, struct weft_err *e)
{
    size_t skipped = 0;
    const float *was = weft_reconciler_base(s->reconciler, node), *is = weft_reconciler_result(s->reconciler, node);
    if (weft_forecasts_read(frame, &s->attrs, &s->f, e) < 0 || weft_edit_load(&s->edit, frame, e) < 0)
        return -1;
    for (size_t w = 0; w < s->f.windows; w++) {
        size_t k = 0;
        while (k < s->f.horizon && isnan(is[w * s->f.horizon + k]))
            k++;
        skipped += k == s->f.horizon;
    }
    set_keys(s, frame, weft_hierarchy_level(s->h, weft_hierarchy_level_of(s->h, node)));
    weft_pack_f32(weft_edit_set(&s->edit, "forecast"), 2, (uint32_t[]){(uint32_t)s->f.windows, (uint32_t)s->f.horizon},
                  is);
    weft_edit_done(&s->edit);
    if (s->f.quantiles)
        set_quantiles(s, was, is, clip);
    if (skipped)
        weft_edit_int(&s->edit, "skipped", (int64_t)skipped);
    if (*suffix) {
        char *name = weft_xasprintf("%.*s/%s", (int)s->f.model.n, (const char *)s->f.model.p, suffix);
        weft_edit_str(&s->edit, "model", name);
        free(name);
    }
    weft_pack_clear(&s->frame);
    weft_edit_write(&s->edit, &s->frame);
    return weft_run_emit(run, weft_pack_span(&s->frame), e);
}

static int emit_sheet(struct weft_run *run, struct writer *s, size_t sheet, struct weft_err *e)
{
    const struct weft_span *frames = weft_hierarchy_frames(s->h, sheet);
    size_t methods = s->o->n_methods;
    if (weft_reconciler_load(s->reconciler, sheet, e) < 0 || weft_forecasts_read(frames[0], &s->attrs, &s->f, e) < 0)
        return -1;
    bool sum = weft_channel_is_sum((const char *)s->f.channel.p, s->f.channel.n);
    s->no_sums += !sum;
    bool clip =
        s->o->nonnegative ? *s->o->nonnegative : weft_channel_is_count((const char *)s->f.channel.p, s->f.channel.n);
    for (size_t m = 0; m < methods; m++) {
        if (weft_reconciler_run(s->reconciler, sum ? s->o->method[m] : WEFT_RECONCILE_NONE, clip, e) < 0)
            return -1;
        for (size_t i = 0; i < weft_hierarchy_nodes(s->h); i++)
            if (s->written[weft_hierarchy_level_of(s->h, i)] &&
                emit_node(run, s, frames[i], i, methods > 1 ? weft_reconcile_names[s->o->method[m]] : "", clip, e) < 0)
                return -1;
    }
    return 0;
}

int weft_reconciled_write(struct weft_run *run, const struct weft_hierarchy *h, const struct weft_head *from,
                          const struct weft_reconciled_options *o, struct weft_err *e)
{
    struct writer s = {.o = o, .h = h};
    int rc = choose_written(&s, e);
    if (rc == 0) {
        s.attrs = *weft_hierarchy_attrs(h);
        s.reconciler = weft_reconciler_new(h);
        rc = write_head(run, &s, from, e);
    }
    for (size_t k = 0; rc == 0 && k < weft_hierarchy_sheets(h); k++)
        rc = emit_sheet(run, &s, k, e);
    if (rc == 0)
        weft_run_reject(run, weft_hierarchy_unnamed(s.h) + weft_hierarchy_again(s.h));
    if (rc == 0 && s.no_sums)
        weft_run_warn(
            run,
            "forecasts of mentions (a mean) and brands (one sells in several groups) do not add up: left as they were");
    if (rc == 0 && weft_hierarchy_unnamed(s.h))
        weft_run_warn(run, "%llu forecasts of levels that --levels does not name are left out",
                      (unsigned long long)weft_hierarchy_unnamed(s.h));
    if (rc == 0 && weft_hierarchy_again(s.h))
        weft_run_warn(run, "%llu forecasts came twice", (unsigned long long)weft_hierarchy_again(s.h));
    weft_reconciler_free(&s.reconciler);
    free(s.written);
    weft_forecasts_free(&s.f);
    weft_edit_free(&s.edit);
    weft_pack_free(&s.frame);
    return rc;
}
