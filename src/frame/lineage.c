/* lineage.c - how a file was made: one entry a program. */
#include "frame/lineage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "frame/version.h"

static void add(struct weft_lineage *l, const char *key, char *value)
{
    l->args = weft_xrealloc2(l->args, l->n + 1, sizeof *l->args);
    l->args[l->n].key = weft_xstrdup(key);
    l->args[l->n++].value = value;
}

void weft_lineage_arg(struct weft_lineage *l, const char *key, const char *value)
{
    add(l, key, weft_xstrdup(value));
}

void weft_lineage_free(struct weft_lineage *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->args[i].key);
        free(l->args[i].value);
    }
    free(l->args);
    l->args = NULL;
    l->n = 0;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct weft_lineage_arg *)a)->key, ((const struct weft_lineage_arg *)b)->key);
}

/* The options that change the result, resolved, with what the program itself said, sorted. */
static struct weft_lineage own_args(const struct weft_lineage *l)
{
    struct weft_lineage own = {0};
    char seed[32];
    for (const struct weft_opt *o = l->opts; o && o->type != WEFT_OPT_END; o++) {
        if (o->flags & (WEFT_OPT_RUN | WEFT_OPT_FILE))
            continue;
        char *text = weft_opt_value(o, l->state);
        if (*text)
            add(&own, o->name, text);
        else
            free(text);
    }
    for (size_t i = 0; i < l->n; i++)
        weft_lineage_arg(&own, l->args[i].key, l->args[i].value);
    snprintf(seed, sizeof seed, "%" PRId64, l->seed);
    if (l->seeded)
        weft_lineage_arg(&own, "seed", seed);
    weft_sort(own.args, own.n, sizeof *own.args, by_key);
    return own;
}

static void own_entry(const struct weft_lineage *l, struct weft_pack *b)
{
    struct weft_lineage own = own_args(l);
    weft_pack_map(b, 3);
    weft_pack_cstr(b, "program");
    weft_pack_cstr(b, l->program);
    weft_pack_cstr(b, "version");
    weft_pack_cstr(b, WEFT_VERSION);
    weft_pack_cstr(b, "args");
    weft_pack_map(b, (uint32_t)own.n);
    for (size_t i = 0; i < own.n; i++) {
        weft_pack_cstr(b, own.args[i].key);
        weft_pack_cstr(b, own.args[i].value);
    }
    weft_lineage_free(&own);
}

void weft_lineage_pack(const struct weft_lineage *l, const struct weft_head *above, struct weft_pack *b)
{
    struct weft_value list = {0};
    uint32_t n = 0;
    struct weft_span span = above ? above->lineage : (struct weft_span){0};
    if (above && weft_value_next(&span, &list))
        n = list.count;
    weft_pack_array(b, n + !l->none);
    if (n)
        weft_pack_raw(b, list.body);
    if (!l->none)
        own_entry(l, b);
}

static weft_json *to_json(const struct weft_value *v)
{
    struct weft_span body = v->body;
    struct weft_value key, item;
    switch (v->kind) {
    case WEFT_STR:
        return weft_json_new_str((const char *)v->body.p, v->body.n);
    case WEFT_UINT:
    case WEFT_INT:
        return weft_json_new_int(v->i);
    case WEFT_REAL:
        return weft_json_new_real(v->real);
    case WEFT_BOOL:
        return weft_json_new_bool(v->b);
    case WEFT_ARRAY: {
        weft_json *a = weft_json_new_array();
        while (weft_value_next(&body, &item))
            weft_json_push(a, to_json(&item));
        return a;
    }
    case WEFT_MAP: {
        weft_json *o = weft_json_new_object();
        while (weft_value_next(&body, &key) && weft_value_next(&body, &item)) {
            char *name = weft_xstrndup((const char *)key.body.p, key.body.n);
            weft_json_set(o, name, to_json(&item));
            free(name);
        }
        return o;
    }
    default:
        return weft_json_new_null();
    }
}

char *weft_lineage_json(const struct weft_lineage *l, const struct weft_head *above)
{
    struct weft_pack b = {0};
    weft_lineage_pack(l, above, &b);
    struct weft_span span = weft_pack_span(&b);
    struct weft_value v;
    weft_json *j = weft_value_next(&span, &v) ? to_json(&v) : weft_json_new_array();
    char *text = weft_json_text(j);
    weft_json_free(&j);
    weft_pack_free(&b);
    return text;
}
