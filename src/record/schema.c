/* schema.c - a small JSON Schema checker over msgpack values. */
#include "record/schema.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schemas_build.h" /* made by the Makefile from schemas/: weft_schema_texts */
#include "base/mem.h"
#include "frame/tensor.h"

enum { PATH_MAX_BYTES = 256 };

struct weft_schema {
    weft_json *root;
    weft_json *attrs; /* inside root; NULL when the schema says nothing of them */
};

struct place {
    char path[PATH_MAX_BYTES];
    size_t n;
};

static int misfit(const struct place *at, struct weft_err *e, const char *what)
{
    return weft_fail(e, WEFT_DATA, "%s%s%s", at->n ? at->path : "", at->n ? ": " : "", what);
}

static struct place below(const struct place *at, const char *name, size_t n)
{
    struct place p = *at;
    int wrote = snprintf(p.path + p.n, sizeof p.path - p.n, "%s%.*s", p.n ? "." : "", (int)(n < 100 ? n : 100), name);
    p.n = wrote < 0 || p.n + (size_t)wrote >= sizeof p.path ? sizeof p.path - 1 : p.n + (size_t)wrote;
    return p;
}

/* --- the schema itself is checked once, so that checking values can't meet a surprise --- */

static bool known(const char *keyword)
{
    static const char *const list[] = {"type",    "required", "properties",  "additionalProperties",
                                       "items",   "minItems", "maxItems",    "enum",
                                       "const",   "minimum",  "maximum",     "x-tensor",
                                       "x-attrs", "title",    "$comment",    "$id",
                                       "$schema", "examples", "description", "format"};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (strcmp(keyword, list[i]) == 0)
            return true;
    return false;
}

static int check_schema(const weft_json *s, const struct place *at, struct weft_err *e)
{
    const char *key, *name;
    weft_json *value, *child;
    if (weft_json_kind(s) == WEFT_JSON_BOOL)
        return 0;
    if (weft_json_kind(s) != WEFT_JSON_OBJECT)
        return misfit(at, e, "a schema that is no object");
    for (void *i = weft_json_next(s, NULL, &key, &value); i; i = weft_json_next(s, i, &key, &value)) {
        struct place here = below(at, key, strlen(key));
        if (!known(key))
            return misfit(&here, e, "a keyword that this checker does not know");
        if (strcmp(key, "properties") == 0) {
            for (void *k = weft_json_next(value, NULL, &name, &child); k; k = weft_json_next(value, k, &name, &child)) {
                struct place in = below(&here, name, strlen(name));
                if (check_schema(child, &in, e) < 0)
                    return -1;
            }
        } else if (strcmp(key, "items") == 0 || strcmp(key, "additionalProperties") == 0 ||
                   strcmp(key, "x-attrs") == 0) {
            if (check_schema(value, &here, e) < 0)
                return -1;
        }
    }
    return 0;
}

struct weft_schema *weft_schema_parse(const char *text, size_t n, struct weft_err *e)
{
    struct place at = {0};
    struct weft_schema *s = WEFT_NEW(struct weft_schema);
    s->root = weft_json_parse(text, n, e);
    if (!s->root || check_schema(s->root, &at, e) < 0) {
        weft_schema_free(&s);
        return NULL;
    }
    s->attrs = weft_json_get(s->root, "x-attrs");
    return s;
}

static struct weft_schema *compiled_in(size_t i, struct weft_err *e)
{
    return weft_schema_parse(weft_schema_texts[i], strlen(weft_schema_texts[i]), e);
}

struct weft_schema *weft_schema_find(const char *id, struct weft_err *e)
{
    for (size_t i = 0; weft_schema_texts[i]; i++) {
        struct weft_schema *s = compiled_in(i, e);
        if (!s)
            return NULL;
        const char *own = weft_json_str(weft_json_get(s->root, "$id"), NULL);
        if (own && strcmp(own, id) == 0)
            return s;
        weft_schema_free(&s);
    }
    weft_fail(e, WEFT_DATA, "no schema \"%s\" in this release", id);
    return NULL;
}

int weft_schemas_check(size_t *n, struct weft_err *e)
{
    for (*n = 0; weft_schema_texts[*n]; ++*n) {
        struct weft_schema *s = compiled_in(*n, e);
        if (!s)
            return -1;
        weft_schema_free(&s);
    }
    return 0;
}

void weft_schema_free(struct weft_schema **s)
{
    if (!*s)
        return;
    weft_json_free(&(*s)->root);
    free(*s);
    *s = NULL;
}

/* --- values --- */

static int check_value(const weft_json *s, const struct weft_value *v, const struct place *at, struct weft_err *e);

static bool is_type(const char *type, const struct weft_value *v)
{
    switch (v->kind) {
    case WEFT_NIL:
        return strcmp(type, "null") == 0;
    case WEFT_BOOL:
        return strcmp(type, "boolean") == 0;
    case WEFT_UINT:
    case WEFT_INT:
        return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
    case WEFT_REAL:
        return strcmp(type, "number") == 0 || (strcmp(type, "integer") == 0 && v->real == floor(v->real));
    case WEFT_STR:
        return strcmp(type, "string") == 0;
    case WEFT_BIN:
        return strcmp(type, "binary") == 0;
    case WEFT_EXT:
        return strcmp(type, "tensor") == 0;
    case WEFT_ARRAY:
        return strcmp(type, "array") == 0;
    case WEFT_MAP:
        return strcmp(type, "object") == 0;
    }
    return false;
}

static bool any_type(const weft_json *type, const struct weft_value *v)
{
    if (weft_json_kind(type) == WEFT_JSON_STR)
        return is_type(weft_json_str(type, NULL), v);
    for (size_t i = 0; i < weft_json_size(type); i++)
        if (weft_json_str(weft_json_at(type, i), NULL) && is_type(weft_json_str(weft_json_at(type, i), NULL), v))
            return true;
    return false;
}

static bool equals(const weft_json *j, const struct weft_value *v)
{
    switch (weft_json_kind(j)) {
    case WEFT_JSON_STR:
        return weft_value_is(v, weft_json_str(j, NULL));
    case WEFT_JSON_INT:
    case WEFT_JSON_REAL:
        return (v->kind == WEFT_UINT || v->kind == WEFT_INT || v->kind == WEFT_REAL) && v->real == weft_json_real(j);
    case WEFT_JSON_BOOL:
        return v->kind == WEFT_BOOL && v->b == weft_json_bool(j);
    case WEFT_JSON_NULL:
        return v->kind == WEFT_NIL;
    default:
        return false;
    }
}

static int check_tensor(const weft_json *s, const struct weft_value *v, const struct place *at, struct weft_err *e)
{
    static const char *const names[] = {"", "f32", "f64", "u8", "i32", "i64"};
    struct weft_tensor t;
    if (weft_tensor_read(v, &t, e) < 0)
        return -1;
    const weft_json *dtype = weft_json_get(s, "dtype"), *rank = weft_json_get(s, "rank");
    bool fits = !dtype || (weft_json_str(dtype, NULL) && strcmp(weft_json_str(dtype, NULL), names[t.dtype]) == 0);
    for (size_t i = 0; dtype && !fits && weft_json_kind(dtype) == WEFT_JSON_ARRAY && i < weft_json_size(dtype); i++)
        fits = strcmp(weft_json_str(weft_json_at(dtype, i), NULL), names[t.dtype]) == 0;
    if (!fits)
        return misfit(at, e, "a tensor of another element type");
    if (rank && weft_json_int(rank) != t.rank)
        return misfit(at, e, "a tensor of another rank");
    return 0;
}

static int check_map(const weft_json *s, const struct weft_value *v, const struct place *at, struct weft_err *e)
{
    const weft_json *properties = weft_json_get(s, "properties"), *required = weft_json_get(s, "required");
    const weft_json *other = weft_json_get(s, "additionalProperties");
    struct weft_value found, key, value;
    for (size_t i = 0; required && i < weft_json_size(required); i++) {
        const char *name = weft_json_str(weft_json_at(required, i), NULL);
        struct place in = below(at, name, strlen(name));
        if (!weft_map_find(v->whole, name, &found))
            return misfit(&in, e, "missing");
    }
    struct weft_span body = v->body;
    while (weft_value_next(&body, &key) && weft_value_next(&body, &value)) {
        if (key.kind != WEFT_STR)
            return misfit(at, e, "a key that is no string");
        char *name = weft_xstrndup((const char *)key.body.p, key.body.n);
        const weft_json *own = properties ? weft_json_get(properties, name) : NULL;
        struct place in = below(at, name, strlen(name));
        free(name);
        const weft_json *use = own ? own : other;
        if (use && check_value(use, &value, &in, e) < 0)
            return -1;
    }
    return 0;
}

static int check_array(const weft_json *s, const struct weft_value *v, const struct place *at, struct weft_err *e)
{
    const weft_json *items = weft_json_get(s, "items"), *min = weft_json_get(s, "minItems"),
                    *max = weft_json_get(s, "maxItems");
    struct weft_span body = v->body;
    struct weft_value item;
    if ((min && v->count < weft_json_int(min)) || (max && v->count > weft_json_int(max)))
        return misfit(at, e, "a list of another length");
    for (uint32_t i = 0; items && weft_value_next(&body, &item); i++) {
        char index[16];
        int n = snprintf(index, sizeof index, "%u", i);
        struct place in = below(at, index, (size_t)n);
        if (check_value(items, &item, &in, e) < 0)
            return -1;
    }
    return 0;
}

static int check_value(const weft_json *s, const struct weft_value *v, const struct place *at, struct weft_err *e)
{
    if (weft_json_kind(s) == WEFT_JSON_BOOL)
        return weft_json_bool(s) ? 0 : misfit(at, e, "not allowed here");
    const weft_json *type = weft_json_get(s, "type"), *one_of = weft_json_get(s, "enum"),
                    *only = weft_json_get(s, "const");
    const weft_json *min = weft_json_get(s, "minimum"), *max = weft_json_get(s, "maximum"),
                    *tensor = weft_json_get(s, "x-tensor");
    if (type && !any_type(type, v))
        return misfit(at, e, "a value of another type");
    bool listed = !one_of;
    for (size_t i = 0; one_of && i < weft_json_size(one_of) && !listed; i++)
        listed = equals(weft_json_at(one_of, i), v);
    if (!listed || (only && !equals(only, v)))
        return misfit(at, e, "a value that is not one of those allowed");
    bool number = v->kind == WEFT_UINT || v->kind == WEFT_INT || v->kind == WEFT_REAL;
    if (number && ((min && v->real < weft_json_real(min)) || (max && v->real > weft_json_real(max))))
        return misfit(at, e, "a number out of range");
    if (tensor && check_tensor(tensor, v, at, e) < 0)
        return -1;
    if (v->kind == WEFT_MAP)
        return check_map(s, v, at, e);
    return v->kind == WEFT_ARRAY ? check_array(s, v, at, e) : 0;
}

static int check_span(const weft_json *s, struct weft_span span, struct weft_err *e)
{
    struct place at = {0};
    struct weft_value v;
    if (!weft_value_next(&span, &v))
        return weft_fail(e, WEFT_DATA, "no value");
    return check_value(s, &v, &at, e);
}

int weft_schema_check_attrs(const struct weft_schema *s, struct weft_span attrs, struct weft_err *e)
{
    return s->attrs ? check_span(s->attrs, attrs, e) : 0;
}

int weft_schema_check_frame(const struct weft_schema *s, struct weft_span frame, struct weft_err *e)
{
    return check_span(s->root, frame, e);
}
