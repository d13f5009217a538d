/* sniff.c - in what encoding is a file written? */
#include "inspection.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text/transcode.h"
#include "text/arrow.h"
#include "text/unpack.h"
#include "base/stop.h"
#include "base/utf8.h"

enum { BLOCK = 65536 };

/* What is no regular file can be read once, and what is packed must be unpacked: it is kept in a temporary file. */
static int keep(int fd, struct weft_sniff *s, struct weft_err *e)
{
    char block[BLOCK];
    struct weft_unpack *source = NULL;
    long got = 0;
    s->kept = tmpfile();
    if (!s->kept)
        return weft_fail_errno(e, WEFT_CANTCREAT, "can't make a temporary file for %s", s->name);
    int rc = weft_unpack_open(fd, s->name, 0, &source, e);
    while (rc == 0 && (got = weft_unpack_read(source, block, sizeof block, e)) > 0)
        if (weft_stop_check(e) < 0)
            rc = -1;
        else if (weft_write_all(fileno(s->kept), block, (size_t)got) < 0)
            rc = weft_fail_errno(e, WEFT_IO, "can't keep %s in a temporary file", s->name);
    weft_unpack_close(&source);
    if (rc < 0 || got < 0)
        return -1;
    snprintf(s->path, sizeof s->path, "/dev/fd/%d", fileno(s->kept));
    s->open = s->path;
    return 0;
}

/* Is all of the file UTF-8? Counts its bytes and gives the first ones. */
static int look(int fd, struct weft_sniff *s, uint8_t first[BLOCK], size_t *n_first, bool *utf8, struct weft_err *e)
{
    uint8_t block[BLOCK + 4];
    size_t held = 0;
    ssize_t got;
    *utf8 = true;
    while ((got = weft_stop_read(fd, block + held, BLOCK)) != 0) {
        if (weft_stop_check(e) < 0)
            return -1;
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
    struct weft_unpack *source = NULL;
    struct weft_err e = {0};
    char out[4096];
    long got = -1;
    if (lseek(fd, 0, SEEK_SET) == 0 && weft_unpack_open(fd, "", 0, &source, &e) == 0 &&
        weft_transcode_open(encoding, &t, &e) == 0)
        while ((got = weft_transcode_read(t, source, out, sizeof out, &e)) > 0 && !weft_stop_signal())
            ;
    weft_transcode_close(&t);
    weft_unpack_close(&source);
    return got == 0;
}

/* Spreadsheets and the like. */
static int refuse_other_kinds(int fd, const char *name, struct weft_err *e)
{
    struct weft_unpack *source = NULL;
    if (lseek(fd, 0, SEEK_SET) < 0)
        return weft_fail_errno(e, WEFT_IO, "can't read %s", name);
    int rc = weft_unpack_open(fd, name, 0, &source, e);
    weft_unpack_close(&source);
    return rc;
}

static bool is_packed(int fd)
{
    uint8_t magic[8];
    ssize_t n = pread(fd, magic, sizeof magic, 0);
    return n >= 2 && ((magic[0] == 0x1f && magic[1] == 0x8b) || weft_arrow_begins(magic, (size_t)n));
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
    bool packed = rc == 0 && !standard && S_ISREG(st.st_mode) && is_packed(fd);
    if (rc == 0 && (standard || packed || !S_ISREG(st.st_mode)))
        rc = keep(fd, s, e);
    s->again = rc == 0 && !standard && S_ISREG(st.st_mode);
    if (rc == 0 && s->kept)
        from = fileno(s->kept);
    if (rc == 0 && lseek(from, 0, SEEK_SET) < 0)
        rc = weft_fail_errno(e, WEFT_IO, "can't read %s", s->name);
    if (rc == 0)
        rc = look(from, s, first, &n, &utf8, e);
    if (rc == 0 && !s->bytes)
        rc = weft_fail(e, standard ? WEFT_UPSTREAM : WEFT_DATA, "%s is empty: not even a header", s->name);
    if (rc == 0)
        rc = refuse_other_kinds(from, s->name, e);
    if (rc == 0) {
        const char *wide = weft_unpack_wide(first, n);
        bool marked = n >= 3 && memcmp(first, "\xef\xbb\xbf", 3) == 0;
        s->encoding = wide ? wide : utf8 ? NULL : is_text_in("cp949", from) ? "cp949" : "latin1";
        s->shown = wide                  ? wide
                   : marked && utf8      ? "UTF-8 with a byte order mark"
                   : utf8                ? "UTF-8"
                   : *s->encoding == 'c' ? "CP949 (Korean)"
                                         : "neither UTF-8 nor CP949; Latin-1?";
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
