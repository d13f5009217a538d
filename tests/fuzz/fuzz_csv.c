/* fuzz_csv.c - any bytes as a CSV file: no crash, limits hold, rows and fields add up, a block boundary changes
 * nothing, and lines that are split without libcsv give the rows that it gives. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "text/counts.h"
#include "text/csv.h"
#include "text/unpack.h"
#include "base/calendar.h"
#include "base/terms.h"
#include "ingest/names.h"
#include "ingest/texts.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* The same row as that of a reader which leaves every line to libcsv. */
static void compare(const struct weft_csv_row *a, const struct weft_csv_row *b)
{
    if (a->n != b->n || a->found != b->found || a->line != b->line || !a->problem != !b->problem)
        abort();
    for (size_t i = 0; i < a->n; i++) {
        struct weft_csv_text x = weft_csv_field(a, i), y = weft_csv_field(b, i);
        if (x.n != y.n || (x.n && memcmp(x.p, y.p, x.n) != 0))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    char path[64];
    int fd = memfd_create("csv", 0);
    struct weft_csv *csv = NULL, *slow = NULL;
    struct weft_csv_row row, other;
    struct weft_err e = {0}, slow_e = {0};
    uint64_t line = 0, fields = 0;
    int got;
    if (fd < 0 || write(fd, p, n) != (ssize_t)n)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct weft_csv_opts o = {
        .field_max = 4096, .unpacked_max = 1 << 20, .threads = n % 2 ? 2 : 1, .skip = (int64_t)(n % 3) - 1};
    struct weft_pack room = {0};
    struct weft_decimal_signs signs = {0};
    bool plain = true;                           /* unpacked and converted files have more bytes than the input */
    if (weft_csv_open(path, &o, &csv, &e) < 0) { /* a spreadsheet, HTML, damaged gzip, broken UTF-16 */
        if (!e.code)
            abort();
        close(fd);
        return 0;
    }
    o.no_plain = true;
    o.threads = 1;
    if (weft_csv_open(path, &o, &slow, &slow_e) < 0)
        abort();
    plain = n < 2 || (p[0] != 0x1f && !weft_unpack_wide(p, n));
    for (size_t i = 0; weft_csv_look(csv, i, &row) && i < 64; i++)
        fields += row.n > row.found;
    if (fields)
        abort();
    while ((got = weft_csv_next(csv, &row, &e)) == 1) {
        if (row.line < line || row.n > row.found)
            abort();
        if (weft_csv_next(slow, &other, &slow_e) != 1)
            abort();
        compare(&row, &other);
        line = row.line;
        for (size_t i = 0; i < row.n; i++) {
            struct weft_csv_text t = weft_csv_field(&row, i);
            double v;
            int64_t seconds;
            if (t.n > o.field_max)
                abort();
            (void)weft_count_parse(t.p, t.n, &v);
            (void)weft_count_parse_in(WEFT_DECIMAL_COMMA, t.p, t.n, &v);
            weft_decimal_look(&signs, t.p, t.n);
            (void)weft_status_is_no_sale(t.p, t.n);
            (void)weft_name_is_total(t.p, t.n);
            (void)weft_term_of(t.p, t.n);
            if (weft_text_clean(t, &room).n > 3 * t.n)
                abort();
            (void)weft_date_parse(t.p, t.n, &seconds);
        }
        fields += row.found;
        if (fields == row.found) { /* as a reader of tables does after the header */
            weft_csv_expect(csv, row.n);
            weft_csv_expect(slow, row.n);
        }
    }
    if (got < 0 && !e.code)
        abort();
    if (weft_csv_next(slow, &other, &slow_e) != got || e.code != slow_e.code || strcmp(e.where, slow_e.where) != 0)
        abort();
    if (plain && fields > n + 1)
        abort();
    weft_pack_free(&room);
    weft_csv_close(&csv);
    weft_csv_close(&slow);
    close(fd);
    return 0;
}
