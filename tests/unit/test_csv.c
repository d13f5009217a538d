/* test_csv.c - lines that are split without libcsv give the rows that libcsv gives: short ones of every kind of byte,
 * and tables that cross blocks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text/csv.h"

static int bad;
static char path[] = "/tmp/weft-test-csv.XXXXXX";

static void put(const char *text, size_t n)
{
    FILE *f = fopen(path, "w");
    if (!f || fwrite(text, 1, n, f) != n || fclose(f) != 0)
        exit(2);
}

static bool same(const struct weft_csv_row *a, const struct weft_csv_row *b)
{
    bool yes = a->n == b->n && a->found == b->found && a->line == b->line && !a->problem == !b->problem;
    for (size_t i = 0; yes && i < a->n; i++) {
        struct weft_csv_text x = weft_csv_field(a, i), y = weft_csv_field(b, i);
        yes = x.n == y.n && (!x.n || memcmp(x.p, y.p, x.n) == 0);
    }
    return yes;
}

/* Both ways through the table: rows, error and its place; how many rows there are. */
static size_t both(const char *text, size_t n, char delimiter, size_t expect, int threads)
{
    struct weft_csv_opts o = {.delimiter = delimiter, .skip = -1, .threads = threads},
                         slow = {.delimiter = delimiter, .skip = -1, .no_plain = true};
    struct weft_csv *a = NULL, *b = NULL;
    struct weft_csv_row x, y;
    struct weft_err e = {0}, f = {0};
    size_t rows = 0;
    int got = 1, other = 1;
    put(text, n);
    if (weft_csv_open(path, &o, &a, &e) < 0 || weft_csv_open(path, &slow, &b, &f) < 0)
        exit(2);
    if (expect) {
        weft_csv_expect(a, expect);
        weft_csv_expect(b, expect);
    }
    while (got == 1 && got == other) {
        got = weft_csv_next(a, &x, &e);
        other = weft_csv_next(b, &y, &f);
        rows += got == 1;
        if (got == 1 && other == 1 && !same(&x, &y))
            bad = printf("FAIL row %zu of \"%.*s\" differs\n", rows, n < 40 ? (int)n : 40, text);
    }
    if (got != other || e.code != f.code || strcmp(e.where, f.where) != 0)
        bad = printf("FAIL \"%.*s\" ends otherwise\n", n < 40 ? (int)n : 40, text);
    weft_csv_close(&a);
    weft_csv_close(&b);
    return rows;
}

/* Every text of five bytes from an alphabet in which each byte means something to a line. */
static void short_texts(void)
{
    static const char bytes[] = {'a', ',', ' ', '"', '\n', '\r', '\t', '\0'};
    enum { KINDS = sizeof bytes, LENGTH = 5 };
    char text[LENGTH * 1024];
    for (int first = 0; first < KINDS; first++) {
        size_t n = 0;
        for (int i = 0; i < KINDS * KINDS * KINDS; i++) { /* many at once: what one leaves behind meets the next one */
            text[n++] = bytes[first];
            for (int k = 0, rest = i; k < 3; k++, rest /= KINDS)
                text[n++] = bytes[rest % KINDS];
            text[n++] = '\n';
            char one[] = {text[n - 5], text[n - 4], text[n - 3], text[n - 2], '\n', 'b', ',', 'c', '\n'};
            if (i % 7 == 0)
                both(one, sizeof one, i % 2 ? ',' : '\t', 0, 1);
        }
        both(text, n, ',', 2, 1);
        both(text, n, '\t', 0, 1);
    }
}

/* A table of several blocks: rows cross them, some have quotes with line breaks inside, one has too many fields. */
static void long_table(int threads)
{
    enum { ROWS = 30000 };
    char *text = malloc(ROWS * 64);
    size_t n = 0;
    if (!text)
        exit(2);
    for (int i = 0; i < ROWS; i++) {
        static const char *const rows[] = {"2025-03-%02d,\"a \"\"%d\"\"\nb\",5\n", "2025-03-%02d,shirt %d,5,7\r\n",
                                           "2025-03-%02d,x\"%d,5\n", "\n2025-03-%02d,%d ,5\n"};
        const char *row = i % 97 < 4 ? rows[i % 97] : "2025-03-%02d,coat %d,12\n";
        n += (size_t)sprintf(text + n, row, i % 28 + 1, i);
    }
    if (both(text, n, ',', 3, threads) != ROWS)
        bad = printf("FAIL a table of %d rows has others\n", ROWS);
    free(text);
}

int main(void)
{
    int fd = mkstemp(path);
    if (fd < 0)
        return 2;
    close(fd);
    short_texts();
    long_table(1);
    long_table(2);
    unlink(path);
    return bad != 0;
}
