/* fuzz_csv.c - any bytes as a CSV file: no crash, limits hold, rows and fields add up, and a block boundary changes nothing. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "text/counts.h"
#include "text/csv.h"
#include "base/calendar.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char path[64];
    int fd = memfd_create("csv", 0);
    struct weft_csv *csv = NULL;
    struct weft_csv_row row;
    struct weft_err e = {0};
    uint64_t line = 0, fields = 0;
    int got;
    if (fd < 0 || write(fd, p, n) != (ssize_t)n)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct weft_csv_opts o = {.field_max = 4096, .threads = n % 2 ? 2 : 1};
    if (weft_csv_open(path, &o, &csv, &e) < 0)
        abort();
    while ((got = weft_csv_next(csv, &row, &e)) == 1) {
        if (row.line < line || row.n > row.found)
            abort();
        line = row.line;
        for (size_t i = 0; i < row.n; i++) {
            struct weft_csv_text t = weft_csv_field(&row, i);
            double v;
            int64_t seconds;
            if (t.n > o.field_max)
                abort();
            (void)weft_count_parse(t.p, t.n, &v);
            (void)weft_date_parse(t.p, t.n, &seconds);
        }
        fields += row.found;
        if (fields == row.found) /* as a reader of tables does after the header */
            weft_csv_expect(csv, row.n);
    }
    if (got < 0 && !e.code)
        abort();
    if (fields > n + 1)
        abort();
    weft_csv_close(&csv);
    close(fd);
    return 0;
}
