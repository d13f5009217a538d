/* fuzz_frame.c - hostile bytes through the walker, the value reader, tensors, the map editor and the records. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show/expand.h"
#include "record/series.h"
#include "show/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct weft_series_attrs attrs(int windows)
{
    static char *keys[] = {"major", "minor"}, *channels[] = {"units"};
    static enum weft_reduce reduce[] = {WEFT_REDUCE_SUM};
    return (struct weft_series_attrs){.step = 86400,
                                      .start = 0,
                                      .length = 100,
                                      .keys = keys,
                                      .n_keys = 2,
                                      .channels = channels,
                                      .n_channels = 1,
                                      .reduce = reduce,
                                      .lookback = windows ? 3 : 0,
                                      .horizon = 2,
                                      .stride = 1};
}

static void read_all(struct weft_span frame)
{
    struct weft_edit edit = {0};
    struct weft_pack out = {0};
    FILE *sink = fopen("/dev/null", "w");
    if (weft_edit_load(&edit, frame, NULL) == 0) {
        weft_edit_int(&edit, "added", 1);
        weft_edit_write(&edit, &out);
        struct weft_walker w = {0};
        if (weft_walk(&w, out.p, out.n, SIZE_MAX / 4, NULL) != 1 || w.off != out.n)
            abort();
    }
    if (sink) {
        weft_view_json(sink, frame, 0);
        weft_csv_flat(sink, frame, true);
        struct weft_head h = {.attrs = frame, .lineage = frame};
        struct weft_series_attrs a;
        memcpy(h.schema, "windows/1", 10);
        if (weft_series_attrs_read(&h, &a, NULL) == 0)
            weft_csv_series_head(sink, &a);
        weft_series_attrs_free(&a);
        (void)!weft_csv_forecast(sink, &h, frame, NULL);
        fclose(sink);
    }
    for (int windows = 0; windows < 2; windows++) {
        struct weft_series s = {0};
        struct weft_series_attrs a = attrs(windows);
        if (weft_series_read(frame, &a, &s, NULL) == 0 && windows)
            for (int p = 0; p < WEFT_PARTS; p++) {
                struct weft_window_range r = weft_windows_of(&a, &s, (enum weft_part)p);
                if (r.count && r.first + (r.count - 1) * r.stride + 5 > s.n)
                    abort();
            }
        weft_series_free(&s);
    }
    weft_edit_free(&edit);
    weft_pack_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    /* The bytes in two pieces must give what they give in one. */
    struct weft_walker one = {0}, two = {0};
    int a = weft_walk(&one, data, n, 1 << 20, NULL);
    int b = weft_walk(&two, data, n / 2, 1 << 20, NULL);
    if (b == 0)
        b = weft_walk(&two, data, n, 1 << 20, NULL);
    if (a == 1 && (b != 1 || one.off != two.off))
        abort();
    if (a == 1)
        read_all((struct weft_span){data, one.off});
    struct weft_span s = {data, n};
    struct weft_value v;
    while (weft_value_next(&s, &v)) {
    }
    return 0;
}
