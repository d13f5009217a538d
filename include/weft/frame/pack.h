/* pack.h - writing msgpack (through msgpack-c) into a buffer that is reused from frame to frame, and editing a frame's
 * map without rebuilding what one does not know. */
#ifndef WEFT_PACK_H
#define WEFT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/span.h"
#include "frame/tensor.h"

/* A growing buffer. Zero-initialise; weft_pack_clear keeps the memory. */
struct weft_pack {
    uint8_t *p;
    size_t n, cap;
};
void weft_pack_clear(struct weft_pack *b);
void weft_pack_free(struct weft_pack *b);
struct weft_span weft_pack_span(const struct weft_pack *b);

void weft_pack_nil(struct weft_pack *b);
void weft_pack_bool(struct weft_pack *b, bool v);
void weft_pack_int(struct weft_pack *b, int64_t v);
void weft_pack_uint(struct weft_pack *b, uint64_t v);
void weft_pack_real(struct weft_pack *b, double v);
void weft_pack_str(struct weft_pack *b, const char *s, size_t n);
void weft_pack_cstr(struct weft_pack *b, const char *s);
void weft_pack_bin(struct weft_pack *b, const void *p, size_t n);
void weft_pack_array(struct weft_pack *b, uint32_t n);
void weft_pack_cstrs(struct weft_pack *b, char *const *items, size_t n); /* an array of them */
void weft_pack_map(struct weft_pack *b, uint32_t n);
void weft_pack_raw(struct weft_pack *b, struct weft_span value); /* a whole encoded value */
/* Header of a tensor; returns where its count*size bytes go (unaligned; valid until the next call on b). */
void *weft_pack_tensor(struct weft_pack *b, enum weft_dtype t, int rank, const uint32_t *dims);
/* Header and elements. */
void weft_pack_f32(struct weft_pack *b, int rank, const uint32_t *dims, const float *data);
void weft_pack_f64(struct weft_pack *b, int rank, const uint32_t *dims, const double *data);

/* A map being edited: entries in order, each a key and an encoded value. Values taken over from a span are views into
 * it (the span must outlive the edit); values that are set live in the editor's own buffer. Zero-initialise. */
struct weft_edit {
    struct weft_edit_entry {
        struct weft_span key;   /* text without header */
        struct weft_span value; /* view; p == NULL: own bytes at [off, off+len) of `own` */
        size_t key_off, off, len;
        bool own_key;
    } * at;
    size_t n, cap;
    struct weft_pack own;
};
enum { WEFT_EDIT_MAX = 4096 };
void weft_edit_clear(struct weft_edit *m);
void weft_edit_free(struct weft_edit *m);
/* Takes over all entries of an encoded map (string keys; an error when a key is no string or stands twice). */
int weft_edit_load(struct weft_edit *m, struct weft_span map, struct weft_err *e) WEFT_MUST_USE;
/* Opens entry `key` for writing: exactly one value must be packed into the returned buffer, then weft_edit_done called.
 * An existing entry keeps its place. */
struct weft_pack *weft_edit_set(struct weft_edit *m, const char *key);
void weft_edit_done(struct weft_edit *m);
void weft_edit_int(struct weft_edit *m, const char *key, int64_t v);
void weft_edit_real(struct weft_edit *m, const char *key, double v);
void weft_edit_str(struct weft_edit *m, const char *key, const char *s);
void weft_edit_strs(struct weft_edit *m, const char *key, char *const *items, size_t n);
void weft_edit_drop(struct weft_edit *m, const char *key);
/* Appends the map to b. */
void weft_edit_write(const struct weft_edit *m, struct weft_pack *b);

/* Version of the library that does it. */
const char *weft_pack_library(void);

#endif
