/* sniff.c - in what encoding is a file written? */
#include "inspection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text/transcode.h"
#include "base/utf8.h"

enum { BLOCK = 65536 };

/* What is no regular file can be read once: it is kept in a temporary file. */
static int keep(int fd, struct weft_sniff *s, struct weft_err *e)
{
    char block[BLOCK];
    ssize_t got;
    s->kept = tmpfile();
    if (!s->kept)
        return weft_fail_errno(e, WEFT_CANTCREAT, "can't make a temporary file for %s", s->name);
    while ((got = read(fd, block, sizeof block)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return weft_fail_errno(e, WEFT_IO, "can't read %s", s->name);
        if (weft_write_all(fileno(s->kept), block, (size_t)got) < 0)
            return weft_fail_errno(e, WEFT_IO, "can't keep %s in a temporary file", s->name);
    }
    snprintf(s->path, sizeof s->path, "/dev/fd/%d", fileno(s->kept));
    s->open = s->path;
    return 0;
}

/* What other programs write, by its first bytes. */
static int refuse_other_kinds(const struct weft_sniff *s, const uint8_t *p, size_t n, struct weft_err *e)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *what, *hint;
    } kinds[] = {
        {"\x1f\x8b", 2, "compressed by gzip", "zcat FILE | frames inspect"},
        {"\x28\xb5\x2f\xfd", 4, "compressed by zstd", "zstdcat FILE | frames inspect"},
        {"\xfd" "7zXZ", 5, "compressed by xz", "xzcat FILE | frames inspect"},
        {"PK\x03\x04", 4, "a zip archive or a spreadsheet (xlsx)", "unpack it, or save the spreadsheet as CSV"},
        {"\xd0\xcf\x11\xe0", 4, "a spreadsheet (xls)", "save it as CSV"},
        {"PAR1", 4, "Parquet", "duckdb -c \"copy 'FILE' to '/dev/stdout' (format csv)\" | frames inspect"},
        {"%PDF", 4, "a PDF", "ask for the table it was made from"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (n >= kinds[i].n && memcmp(p, kinds[i].magic, kinds[i].n) == 0) {
            weft_fail(e, WEFT_DATA, "%s is %s, not CSV", s->name, kinds[i].what);
            return weft_fail_hint(e, "%s", kinds[i].hint);
        }
    if (n > 6 && (*p & 0xf0) == 0x80 && memcmp(p + 1, "\xa4weft", 5) == 0) {
        weft_fail(e, WEFT_DATA, "%s is a weft stream, not CSV", s->name);
        return weft_fail_hint(e, "`frames show` and `frames count` look into it");
    }
    return 0;
}

/* UTF-16 by its mark, or by where its NUL bytes are. */
static const char *wide_characters(const uint8_t *p, size_t n)
{
    size_t zeros[2] = {0};
    for (size_t i = 0; i < n; i++)
        zeros[i % 2] += !p[i];
    if (n >= 2 && p[0] == 0xff && p[1] == 0xfe)
        return "utf-16le";
    if (n >= 2 && p[0] == 0xfe && p[1] == 0xff)
        return "utf-16be";
    return zeros[1] > n / 4 && !zeros[0] ? "utf-16le" : zeros[0] > n / 4 && !zeros[1] ? "utf-16be" : NULL;
}

/* Is all of the file UTF-8? Counts its bytes and gives the first ones. */
static int look(int fd, struct weft_sniff *s, uint8_t first[BLOCK], size_t *n_first, bool *utf8, struct weft_err *e)
{
    uint8_t block[BLOCK + 4];
    size_t held = 0;
    ssize_t got;
    *utf8 = true;
    while ((got = read(fd, block + held, BLOCK)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return weft_fail_errno(e, WEFT_IO, "can't read %s", s->name);
        if (!s->bytes)
            memcpy(first, block, *n_first = (size_t)got);
        s->bytes += (size_t)got;
        size_t n = held + (size_t)got, i = 0, len;
        while (*utf8 && i < n && (len = weft_utf8_length(block + i, n - i)) > 0)
            i += len;
        if (!*utf8)
            i = n;
        held = n - i;
        *utf8 = *utf8 && held < 4; /* a character cut at the block's end goes on in the next one */
        if (held < 4)
            memmove(block, block + i, held);
        else
            held = 0;
    }
    *utf8 = *utf8 && !held;
    return 0;
}

static bool is_text_in(const char *encoding, int fd)
{
    struct weft_transcode *t = NULL;
    struct weft_err e = {0};
    char out[4096];
    long got = -1;
    if (lseek(fd, 0, SEEK_SET) == 0 && weft_transcode_open(encoding, &t, &e) == 0)
        while ((got = weft_transcode_read(t, fd, out, sizeof out, &e)) > 0)
            ;
    weft_transcode_close(&t);
    return got == 0;
}

int weft_sniff(const char *path, struct weft_sniff *s, struct weft_err *e)
{
    bool standard = strcmp(path, "-") == 0, utf8;
    uint8_t first[BLOCK];
    size_t n = 0;
    struct stat st;
    *s = (struct weft_sniff){.name = standard ? "standard input" : path, .open = path};
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), from = fd;
    if (fd < 0)
        return weft_fail_errno(e, WEFT_NOINPUT, "can't open %s", path);
    int rc = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? weft_fail(e, WEFT_NOINPUT, "%s is a directory", path) : 0;
    if (rc == 0 && (standard || !S_ISREG(st.st_mode)))
        rc = keep(fd, s, e);
    if (rc == 0 && s->kept)
        from = fileno(s->kept);
    if (rc == 0 && lseek(from, 0, SEEK_SET) < 0)
        rc = weft_fail_errno(e, WEFT_IO, "can't read %s", s->name);
    if (rc == 0)
        rc = look(from, s, first, &n, &utf8, e);
    if (rc == 0 && !s->bytes)
        rc = weft_fail(e, standard ? WEFT_UPSTREAM : WEFT_DATA, "%s is empty: not even a header", s->name);
    if (rc == 0)
        rc = refuse_other_kinds(s, first, n, e);
    if (rc == 0) {
        const char *wide = wide_characters(first, n < 4096 ? n : 4096);
        bool marked = n >= 3 && memcmp(first, "\xef\xbb\xbf", 3) == 0;
        s->encoding = wide ? wide : utf8 ? NULL : is_text_in("cp949", from) ? "cp949" : "latin1";
        s->shown = wide ? wide : marked && utf8 ? "UTF-8 with a byte order mark" : utf8 ? "UTF-8" : *s->encoding == 'c' ? "CP949 (Korean)" : "neither UTF-8 nor CP949; Latin-1?";
    }
    if (!standard)
        close(fd);
    if (rc < 0)
        weft_sniff_free(s);
    return rc;
}

void weft_sniff_free(struct weft_sniff *s)
{
    if (s->kept)
        fclose(s->kept);
    s->kept = NULL;
}
