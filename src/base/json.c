/* json.c - the only file that knows jansson. */
#include "base/json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static weft_json *checked(weft_json *j)
{
    if (!j)
        weft_out_of_memory();
    return j;
}

weft_json *weft_json_parse(const char *p, size_t n, struct weft_err *e)
{
    json_error_t why;
    json_t *j = json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &why);
    /* Without a word when there was no memory for the first buffer. */
    if (!j && (json_error_code(&why) == json_error_out_of_memory || !why.text[0]))
        weft_out_of_memory();
    if (!j)
        weft_fail(e, WEFT_DATA, "not JSON: line %d, column %d: %s", why.line, why.column, why.text);
    return j;
}

void weft_json_free(weft_json **j)
{
    json_decref(*j);
    *j = NULL;
}

char *weft_json_text(const weft_json *j)
{
    /* Not json_dumps: where its buffer can't grow within a key, it goes on without it (2.14). Every text in it is valid
     * and every number finite, so that memory alone can be missing. */
    const size_t how = JSON_COMPACT | JSON_ENCODE_ANY, n = json_dumpb(j, NULL, 0, how);
    char *text = weft_xmalloc(n + 1);
    if (n == 0 || json_dumpb(j, text, n, how) != n)
        weft_out_of_memory();
    text[n] = 0;
    return text;
}

enum weft_json_kind weft_json_kind(const weft_json *j)
{
    switch (j ? json_typeof(j) : JSON_NULL) {
    case JSON_OBJECT:
        return WEFT_JSON_OBJECT;
    case JSON_ARRAY:
        return WEFT_JSON_ARRAY;
    case JSON_STRING:
        return WEFT_JSON_STR;
    case JSON_INTEGER:
        return WEFT_JSON_INT;
    case JSON_REAL:
        return WEFT_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return WEFT_JSON_BOOL;
    default:
        return WEFT_JSON_NULL;
    }
}

bool weft_json_bool(const weft_json *j)
{
    return json_is_true(j);
}

int64_t weft_json_int(const weft_json *j)
{
    return json_integer_value(j);
}

double weft_json_real(const weft_json *j)
{
    return json_is_number(j) ? json_number_value(j) : NAN;
}

const char *weft_json_str(const weft_json *j, size_t *len)
{
    if (len)
        *len = json_string_length(j);
    return json_string_value(j);
}

size_t weft_json_size(const weft_json *j)
{
    return json_is_array(j) ? json_array_size(j) : json_object_size(j);
}

weft_json *weft_json_at(const weft_json *j, size_t i)
{
    return json_array_get(j, i);
}

weft_json *weft_json_get(const weft_json *j, const char *key)
{
    return json_object_get(j, key);
}

void *weft_json_next(const weft_json *j, void *cursor, const char **key, weft_json **value)
{
    json_t *obj = (json_t *)(uintptr_t)j;
    void *it = cursor ? json_object_iter_next(obj, cursor) : json_object_iter(obj);
    if (it) {
        *key = json_object_iter_key(it);
        *value = json_object_iter_value(it);
    }
    return it;
}

weft_json *weft_json_new_object(void)
{
    return checked(json_object());
}

weft_json *weft_json_new_array(void)
{
    return checked(json_array());
}

/* The n bytes at s; where they are no UTF-8, what is no ASCII becomes '?'. The caller frees it. */
static char *clean(const char *s, size_t n)
{
    char *text = weft_xstrndup(s, n);
    size_t sound = 0;
    for (size_t len = 1; sound < n && len > 0; sound += len)
        len = weft_utf8_length(s + sound, n - sound);
    for (size_t i = 0; sound < n && i < n; i++)
        if ((unsigned char)text[i] >= 0x80)
            text[i] = '?';
    return text;
}

/* Keys and texts are valid before jansson gets them: what it then refuses, it has no memory for. */
void weft_json_set(weft_json *obj, const char *key, weft_json *v)
{
    char *text = clean(key, strlen(key));
    if (json_object_set_new_nocheck(obj, text, v) < 0)
        weft_out_of_memory();
    free(text);
}

void weft_json_push(weft_json *arr, weft_json *v)
{
    if (json_array_append_new(arr, v) < 0)
        weft_out_of_memory();
}

weft_json *weft_json_new_str(const char *s, size_t n)
{
    char *text = clean(s, n);
    json_t *j = checked(json_stringn_nocheck(text, n));
    free(text);
    return j;
}

weft_json *weft_json_new_int(int64_t v)
{
    return checked(json_integer(v));
}

weft_json *weft_json_new_real(double v)
{
    return checked(isfinite(v) ? json_real(v) : json_null());
}

weft_json *weft_json_new_measure(double v)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.9g", v);
    return weft_json_new_real(strtod(digits, NULL));
}

weft_json *weft_json_new_bool(bool v)
{
    return json_boolean(v);
}

weft_json *weft_json_new_null(void)
{
    return json_null();
}

const char *weft_json_library(void)
{
    return jansson_version_str();
}
