/* fuzz_ingest.c - any bytes as a table, under any options of ingest, in one file or two: no crash, a status that says
 * what is wrong, and the same bytes whatever the threads; and as a table for frames inspect.
 *
 * The first OPTION_BYTES bytes of an input choose the options, the others are the table. */
#define _GNU_SOURCE
int ingest_main(int argc, char **argv);
#define main ingest_main
#include "../../src/cmd/ingest.c"
#undef main

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ingest/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { OPTION_BYTES = 4, ARGS = 40 };

/* Groups of alternatives: of each at most one is taken, by three bits of the option bytes. */
static const char *const groups[][7][2] = {{{"--layout", "wide"},
                                            {"--layout", "long"},
                                            {"--layout", "matrix"},
                                            {"--layout", "products"},
                                            {"--date-from-name", NULL},
                                            {"--count-rows", NULL},
                                            {"--reduce", "last"}},
                                           {{"--missing", "nan"},
                                            {"--missing", "zero"},
                                            {"--totals", "keep"},
                                            {"--overlap", "add"},
                                            {"--overlap", "replace"},
                                            {"--closed", "2024-01-06"},
                                            {"--until", "2024-01-05"}},
                                           {{"--step", "week"},
                                            {"--step", "month"},
                                            {"--step", "business-day"},
                                            {"--step", "hour"},
                                            {"--step", "quarter"},
                                            {"--from", "2024-01-03"},
                                            {"--to", "2024-01-20"}},
                                           {{"--date-format", "%d/%m/%Y"},
                                            {"--date-format", "%m/%d/%Y"},
                                            {"--date-format", "excel"},
                                            {"--date-format", "decimal-year"},
                                            {"--date-format", "%Y%m%d %H"},
                                            {"--timezone", "+09:00"},
                                            {"--timezone", "UTC"}},
                                           {{"--decimal", "comma"},
                                            {"--decimal", "point"},
                                            {"--encoding", "cp949"},
                                            {"--encoding", "utf-16le"},
                                            {"--delimiter", ";"},
                                            {"--delimiter", "tab"},
                                            {"--skip", "1"}},
                                           {{"--drop", "#1=a"},
                                            {"--drop", "status=x*,y"},
                                            {"--drop", "none"},
                                            {"--fill-down", "#1"},
                                            {"--fill-down", "#1,#2"},
                                            {"--keys", "k=#2"},
                                            {"--skip", "0"}},
                                           {{"--date", "#1"},
                                            {"--id", "#2"},
                                            {"--id", "#1,#2"},
                                            {"--value", "#3"},
                                            {"--value", "a=#3,b=#4"},
                                            {"--value", "units,price"},
                                            {"--date", "date"}},
                                           {{"--future", "price"},
                                            {"--past", "b"},
                                            {"--static", "price"},
                                            {"--rejects", "/dev/null"},
                                            {"--max-field", "64"},
                                            {"--max-unpacked", "1000"},
                                            {"--reduce", "mean"}},
                                           {{"--label", "#3"},
                                            {"--name", "#1"},
                                            {"--price", "#2"},
                                            {"--image", "#1"},
                                            {"--gender", "#2"},
                                            {"--category", "#1"},
                                            {"--number", "#3"}}};

static char dir[64], path[2][100];
static FILE *nowhere;
static int out = -1;

static void begin(void)
{
    snprintf(dir, sizeof dir, "/dev/shm/weft-fuzz-%ld", (long)getpid());
    if (mkdir(dir, 0700) < 0)
        abort();
    snprintf(path[0], sizeof path[0], "%s/sales-2024-01-05.csv", dir);
    snprintf(path[1], sizeof path[1], "%s/sales-2024-01-06.csv", dir);
    nowhere = fopen("/dev/null", "w");
    out = memfd_create("out", 0);
    if (!nowhere || out < 0 || dup2(out, STDOUT_FILENO) < 0)
        abort();
    stderr = nowhere; /* libFuzzer keeps the one that it began with */
}

static void put(const char *name, const uint8_t *p, size_t n)
{
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (fd < 0 || write(fd, p, n) != (ssize_t)n)
        abort();
    close(fd);
}

/* The status, and what was written: *bytes, which the caller frees. */
static int run(const char *threads, const char *const *args, size_t n, char **bytes, size_t *size)
{
    char *argv[ARGS + 6];
    int argc = 0;
    argv[argc++] = (char *)"ingest";
    argv[argc++] = (char *)"-q";
    argv[argc++] = (char *)"--threads";
    argv[argc++] = (char *)threads;
    for (size_t i = 0; i < n; i++)
        argv[argc++] = (char *)args[i];
    argv[argc] = NULL;
    if (ftruncate(out, 0) < 0 || lseek(STDOUT_FILENO, 0, SEEK_SET) < 0)
        abort();
    int status = weft_main(&filter, argc, argv);
    off_t end = lseek(STDOUT_FILENO, 0, SEEK_END);
    *size = end > 0 ? (size_t)end : 0;
    *bytes = malloc(*size + 1);
    if (!*bytes || pread(out, *bytes, *size, 0) != (ssize_t)*size)
        abort();
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    const char *args[ARGS];
    size_t n_args = 0, size[2];
    char *bytes[2];
    uint32_t bits = 0;
    if (n < OPTION_BYTES)
        return 0;
    if (out < 0)
        begin();
    memcpy(&bits, p, OPTION_BYTES);
    p += OPTION_BYTES;
    n -= OPTION_BYTES;
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++, bits >>= 3) {
        if (!(bits & 7))
            continue;
        for (size_t k = 0; k < 2 && groups[g][(bits & 7) - 1][k]; k++)
            args[n_args++] = groups[g][(bits & 7) - 1][k];
    }
    size_t half = bits & 1 ? n / 2 : n;
    put(path[0], p, half);
    args[n_args++] = path[0];
    if (half < n) {
        put(path[1], p + half, n - half);
        args[n_args++] = path[1];
    }
    int status[2] = {run("1", args, n_args, &bytes[0], &size[0]), run("2", args, n_args, &bytes[1], &size[1])};
    if (status[0] != status[1] || size[0] != size[1] || memcmp(bytes[0], bytes[1], size[0]) != 0)
        abort();
    if (status[0] != 0 && status[0] != WEFT_USAGE && status[0] != WEFT_DATA && status[0] != WEFT_CONFIG &&
        status[0] != WEFT_NOINPUT)
        abort();
    free(bytes[0]);
    free(bytes[1]);
    const char *first[] = {path[0], path[1]};
    struct weft_err e = {0};
    if (weft_inspect(first, half < n ? 2 : 1, size[0] & 1, nowhere, &e) < 0 && !e.code)
        abort();
    unlink(path[0]);
    unlink(path[1]);
    return 0;
}
