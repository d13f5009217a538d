/* json.h - JSON values, wrapped around jansson so that one file alone knows it. */
#ifndef WEFT_JSON_H
#define WEFT_JSON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

/* A value. Objects keep the order of insertion. Values inside belong to their root: free the root alone. */
typedef struct json_t weft_json;

/* Parses n bytes of UTF-8; duplicate keys are an error. NULL and *e (65) when it is not JSON. */
weft_json *weft_json_parse(const char *p, size_t n, struct weft_err *e);
void weft_json_free(weft_json **j);
/* Compact text, keys in insertion order; the caller frees it. */
char *weft_json_text(const weft_json *j);

enum weft_json_kind {
    WEFT_JSON_NULL,
    WEFT_JSON_BOOL,
    WEFT_JSON_INT,
    WEFT_JSON_REAL,
    WEFT_JSON_STR,
    WEFT_JSON_ARRAY,
    WEFT_JSON_OBJECT
};
enum weft_json_kind weft_json_kind(const weft_json *j);
bool weft_json_bool(const weft_json *j);
int64_t weft_json_int(const weft_json *j);                     /* 0 when it is no integer */
double weft_json_real(const weft_json *j);                     /* integer or real; NAN when neither */
const char *weft_json_str(const weft_json *j, size_t *len);    /* NULL when it is no string */
size_t weft_json_size(const weft_json *j);                     /* elements or members */
weft_json *weft_json_at(const weft_json *j, size_t i);         /* element i of an array, or NULL */
weft_json *weft_json_get(const weft_json *j, const char *key); /* member, or NULL */
/* Iterates members: pass NULL first; returns the cursor, sets key and value. */
void *weft_json_next(const weft_json *j, void *cursor, const char **key, weft_json **value);

weft_json *weft_json_new_object(void);
weft_json *weft_json_new_array(void);
/* The container takes `v` over. */
void weft_json_set(weft_json *obj, const char *key, weft_json *v);
void weft_json_push(weft_json *arr, weft_json *v);
weft_json *weft_json_new_str(const char *s, size_t n); /* invalid UTF-8 is replaced */
weft_json *weft_json_new_int(int64_t v);
weft_json *weft_json_new_real(double v); /* NaN and infinities become null */
weft_json *
weft_json_new_measure(double v); /* of nine digits: what is behind them depends on the order in which it was added up */
weft_json *weft_json_new_bool(bool v);
weft_json *weft_json_new_null(void);

/* Version of the library that does it. */
const char *weft_json_library(void);
#endif
