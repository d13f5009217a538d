/* unpack.c - bytes of a table's file. */
#include "text/unpack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/inflate.h"
#include "base/mem.h"
#include "base/stop.h"
#include "text/arrow.h"

enum { BLOCK = 1 << 16, LOOKED_AT = 4096 };

struct weft_unpack {
    int fd;
    char *name;
    struct weft_inflate *z; /* NULL: the file is not packed */
    bool ended, between;    /* between two members of a gzip file */
    uint64_t unpacked, unpacked_max;
    uint8_t in[BLOCK];
    size_t at, n; /* of `in` */
    uint8_t first[BLOCK];
    size_t first_at, first_n;      /* what has been unpacked to look at it */
    struct weft_arrow_text *arrow; /* NULL: it is text as it stands */
};

static int fill(struct weft_unpack *s, struct weft_err *e)
{
    ssize_t got = weft_stop_read(s->fd, s->in, sizeof s->in);
    if (got < 0)
        return weft_stop_check(e) < 0 ? -1 : weft_fail_errno(e, WEFT_IO, "can't read %s", s->name);
    s->at = 0;
    s->n = (size_t)got;
    s->ended = got == 0;
    return 0;
}

/* Does the text begin with `word`, after blanks and a byte order mark? */
static bool begins(const uint8_t *p, size_t n, const char *word)
{
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3;
        n -= 3;
    }
    while (n && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) {
        p++;
        n--;
    }
    return n >= strlen(word) && strncasecmp((const char *)p, word, strlen(word)) == 0;
}

/* What is no table, by its first bytes, and the way to one. */
static int refuse_other_kinds(const struct weft_unpack *s, const uint8_t *p, size_t n, struct weft_err *e)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *what, *hint;
    } kinds[] = {
        {"\x28\xb5\x2f\xfd", 4, "compressed by zstd", "zstdcat FILE | weft ingest"},
        {"\xfd"
         "7zXZ",
         5, "compressed by xz", "xzcat FILE | weft ingest"},
        {"BZh", 3, "compressed by bzip2", "bzcat FILE | weft ingest"},
        {"PK\x03\x04", 4, "a spreadsheet (xlsx) or a zip archive",
         "save the sheet as CSV, or: ssconvert FILE table.csv; a zip archive: unzip -p FILE | weft ingest"},
        {"\xd0\xcf\x11\xe0", 4, "a spreadsheet (xls), or one with a password",
         "save it as CSV; is it protected by a password? save it without one first"},
        {"ARROW1", 6, "an Arrow file (Feather)", "weft ingest reads Arrow streams: write it as one"},
        {"PAR1", 4, "Parquet", "duckdb -c \"copy 'FILE' to '/dev/stdout' (format csv, header)\" | weft ingest"},
        {"%PDF", 4, "a PDF", "ask for the table it was made from"},
    };
    static const char *const html[] = {"<html", "<!doctype html", "<table", "<meta", "<style", NULL};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (n >= kinds[i].n && memcmp(p, kinds[i].magic, kinds[i].n) == 0) {
            weft_fail(e, WEFT_DATA, "%s is %s, not CSV", s->name, kinds[i].what);
            return weft_fail_hint(e, "%s", kinds[i].hint);
        }
    for (size_t i = 0; html[i]; i++)
        if (begins(p, n, html[i])) {
            weft_fail(e, WEFT_DATA, "%s is HTML, not CSV, whatever its name says", s->name);
            return weft_fail_hint(e, "open it with a spreadsheet and save it as CSV");
        }
    if (begins(p, n, "{\"") || begins(p, n, "[{")) {
        weft_fail(e, WEFT_DATA, "%s is JSON, not CSV", s->name);
        return weft_fail_hint(e, "duckdb -c \"copy (from 'FILE') to '/dev/stdout' (format csv, header)\" | ingest");
    }
    if (begins(p, n, "<?xml")) {
        weft_fail(e, WEFT_DATA, "%s is XML, not CSV: a spreadsheet of 2003?", s->name);
        return weft_fail_hint(e, "open it with a spreadsheet and save it as CSV");
    }
    if (n > 6 && (*p & 0xf0) == 0x80 && memcmp(p + 1, "\xa4weft", 5) == 0) {
        weft_fail(e, WEFT_DATA, "%s is a weft stream, not CSV", s->name);
        return weft_fail_hint(e, "`weft frames show` and `weft frames count` look into it");
    }
    return 0;
}

/* Plain or unpacked bytes into p. */
static long next_bytes(struct weft_unpack *s, void *p, size_t cap, struct weft_err *e)
{
    for (;;) {
        if (s->at == s->n && !s->ended && fill(s, e) < 0)
            return -1;
        size_t left = s->n - s->at;
        if (!s->z) {
            size_t n = left < cap ? left : cap;
            memcpy(p, s->in + s->at, n);
            s->at += n;
            return (long)n;
        }
        if (s->ended && !left) {
            if (s->between)
                return 0;
            weft_fail(e, WEFT_DATA, "%s ends inside of its gzip data", s->name);
            return weft_fail_hint(e, "was it copied whole?");
        }
        if (s->between && left && s->in[s->at] != 0x1f) /* what tape blocks and the like leave after the last member */
            return 0;
        size_t used, got;
        int rc = weft_inflate(s->z, s->in + s->at, left, &used, p, cap, &got);
        s->at += used;
        s->unpacked += got;
        s->between = rc == 1;
        if (rc < 0)
            return weft_fail(e, WEFT_DATA, "%s: damaged gzip data (%s)", s->name, weft_inflate_reason(s->z));
        if (s->unpacked > s->unpacked_max) {
            weft_fail(e, WEFT_DATA, "%s unpacks to more than %llu bytes", s->name, (unsigned long long)s->unpacked_max);
            return weft_fail_hint(e, "zcat FILE | weft ingest has no limit");
        }
        if (got)
            return (long)got;
    }
}

/* The bytes as they are in the file: what was looked at, then the rest. */
static long plain_bytes(void *self, void *p, size_t cap, struct weft_err *e)
{
    struct weft_unpack *s = self;
    size_t left = s->first_n - s->first_at, n = left < cap ? left : cap;
    if (!left)
        return next_bytes(s, p, cap, e);
    memcpy(p, s->first + s->first_at, n);
    s->first_at += n;
    return (long)n;
}

int weft_unpack_open(int fd, const char *name, uint64_t unpacked_max, struct weft_unpack **out, struct weft_err *e)
{
    *out = NULL;
    struct weft_unpack *s = WEFT_NEW(struct weft_unpack);
    s->fd = fd;
    s->name = weft_xstrdup(name);
    s->unpacked_max = unpacked_max ? unpacked_max : WEFT_UNPACKED_MAX;
    int rc = fill(s, e);
    if (rc == 0 && s->n >= 2 && s->in[0] == 0x1f && s->in[1] == 0x8b)
        s->z = weft_inflate_new(WEFT_INFLATE_GZIP);
    long got = rc == 0 ? next_bytes(s, s->first, sizeof s->first, e) : -1;
    if (got >= 0) {
        s->first_n = (size_t)got;
        rc = refuse_other_kinds(s, s->first, s->first_n, e);
    }
    if (rc == 0 && got >= 0 && weft_arrow_begins(s->first, s->first_n))
        s->arrow = weft_arrow_text_new(plain_bytes, s, s->name);
    if (rc < 0 || got < 0) {
        weft_unpack_close(&s);
        return -1;
    }
    *out = s;
    return 0;
}

void weft_unpack_close(struct weft_unpack **sp)
{
    struct weft_unpack *s = *sp;
    if (!s)
        return;
    weft_inflate_free(&s->z);
    weft_arrow_text_free(&s->arrow);
    free(s->name);
    free(s);
    *sp = NULL;
}

long weft_unpack_read(struct weft_unpack *s, void *p, size_t cap, struct weft_err *e)
{
    return s->arrow ? weft_arrow_text_read(s->arrow, p, cap, e) : plain_bytes(s, p, cap, e);
}

const uint8_t *weft_unpack_first(const struct weft_unpack *s, size_t *n)
{
    *n = s->arrow ? 0 : s->first_n;
    return s->first;
}

int weft_unpack_packed(const struct weft_unpack *s)
{
    return s->z || s->arrow;
}

const char *weft_unpack_wide(const uint8_t *p, size_t n)
{
    size_t zeros[2] = {0}, looked_at = n < LOOKED_AT ? n : LOOKED_AT;
    if (n >= 2 && p[0] == 0xff && p[1] == 0xfe)
        return "utf-16le";
    if (n >= 2 && p[0] == 0xfe && p[1] == 0xff)
        return "utf-16be";
    for (size_t i = 0; i < looked_at; i++)
        zeros[i % 2] += !p[i];
    if (zeros[1] > looked_at / 4 && !zeros[0])
        return "utf-16le";
    return zeros[0] > looked_at / 4 && !zeros[1] ? "utf-16be" : NULL;
}
