/* safetensors.h - model files: read (validated, mapped) and written (whole or not at all).
 *
 * Format: u64 little-endian header length, JSON header {"__metadata__": {str: str}, name: {dtype, shape,
 * data_offsets}}, data. Rules checked: header <= 100 MB and inside the file, JSON without duplicate keys, shapes
 * without overflow, ranges gap-free without overlap, ending at the end of the file. */
#ifndef WEFT_SAFETENSORS_H
#define WEFT_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum weft_st_type {
    WEFT_ST_F64,
    WEFT_ST_F32,
    WEFT_ST_F16,
    WEFT_ST_BF16,
    WEFT_ST_I64,
    WEFT_ST_I32,
    WEFT_ST_I16,
    WEFT_ST_I8,
    WEFT_ST_U8,
    WEFT_ST_BOOL,
    WEFT_ST_TYPES
};
enum { WEFT_ST_RANK = 8 };

struct weft_st_tensor {
    const char *name;
    enum weft_st_type type;
    int rank;
    size_t dims[WEFT_ST_RANK];
    size_t count, bytes;
    const void *data;
};

struct weft_st; /* an open file */

int weft_st_open(const char *path, struct weft_st **out, struct weft_err *e) WEFT_MUST_USE;
/* The same over bytes in memory (fuzzing, tests); they must outlive it. */
int weft_st_parse(const void *p, size_t n, const char *name, struct weft_st **out, struct weft_err *e) WEFT_MUST_USE;
void weft_st_close(struct weft_st **st);

/* The whole file, [*n], valid as long as it is open. */
const void *weft_st_bytes(const struct weft_st *st, size_t *n);
const char *weft_st_path(const struct weft_st *st);
const char *weft_st_meta(const struct weft_st *st, const char *key); /* NULL when absent */
size_t weft_st_count(const struct weft_st *st);
const struct weft_st_tensor *weft_st_at(const struct weft_st *st, size_t i); /* in order of the file */
const struct weft_st_tensor *weft_st_find(const struct weft_st *st, const char *name);
/* Finds a tensor and copies it as floats into a new array of the shape given (dims ending with 0); an error names the
 * tensor and both shapes. */
int weft_st_floats(const struct weft_st *st, const char *name, const size_t *dims, int rank, float **out,
                   struct weft_err *e) WEFT_MUST_USE;
/* The same for what a model computes with: 65 when a value of it is no number. */
int weft_st_weights(const struct weft_st *st, const char *name, const size_t *dims, int rank, float **out,
                    struct weft_err *e) WEFT_MUST_USE;
/* out[n] = elements [from, from + n) of a tensor as floats. */
void weft_st_values(const struct weft_st_tensor *t, size_t from, size_t n, float *out);
/* Metadata as numbers; an error (65) when missing or no number. */
int weft_st_meta_int(const struct weft_st *st, const char *key, int64_t min, int64_t max, int64_t *out,
                     struct weft_err *e) WEFT_MUST_USE;
int weft_st_meta_real(const struct weft_st *st, const char *key, double *out, struct weft_err *e) WEFT_MUST_USE;
/* sha256 of the whole file, hex. */
void weft_st_sha256(const struct weft_st *st, char out[65]);

/* Writing: collect, then save. Data pointers must stay valid until weft_st_save. Metadata and names are copied. */
struct weft_st_writer;
struct weft_st_writer *weft_st_writer_new(void);
void weft_st_writer_meta(struct weft_st_writer *w, const char *key, const char *value);
void weft_st_writer_meta_int(struct weft_st_writer *w, const char *key, int64_t v);
void weft_st_writer_meta_real(struct weft_st_writer *w, const char *key, double v); /* %.17g */
void weft_st_writer_tensor(struct weft_st_writer *w, const char *name, enum weft_st_type t, int rank,
                           const size_t *dims, const void *data);
/* Metadata sorted by key, tensors in order added, header padded with spaces to 8 bytes: the same bytes for the same
 * content. */
int weft_st_save(struct weft_st_writer *w, const char *path, struct weft_err *e) WEFT_MUST_USE;
void weft_st_writer_free(struct weft_st_writer **w);

#endif
