/* fuzz_safetensors.c - any bytes as a model file: refused, or every tensor lies inside the file. */
#include <stdint.h>
#include <stdlib.h>

#include "model/model.h"
#include "nn/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct weft_st *st = NULL;
    struct weft_err e = {0};
    struct weft_model_info info = {0};
    if (weft_st_parse(p, n, "fuzz", &st, &e) < 0)
        return e.code ? 0 : (abort(), 0);
    for (size_t i = 0; i < weft_st_count(st); i++) {
        const struct weft_st_tensor *t = weft_st_at(st, i);
        const uint8_t *data = t->data;
        if (t->bytes && (data < p || data + t->bytes > p + n))
            abort();
        if (weft_st_find(st, t->name) == NULL)
            abort();
    }
    (void)!weft_model_info_read(st, &info, &e);
    weft_model_info_free(&info);
    weft_st_close(&st);
    return 0;
}
