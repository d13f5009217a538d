/* transcode.c - iconv on a source of bytes. */
#include "text/transcode.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct weft_transcode {
    iconv_t cd;
    char *name;
    char in[65536];
    size_t at, n;
    unsigned long long passed; /* bytes converted, for messages */
    int end;
};

int weft_transcode_open(const char *encoding, struct weft_transcode **out, struct weft_err *e)
{
    *out = NULL;
    iconv_t cd = iconv_open("UTF-8", encoding);
    if (cd == (iconv_t)-1) {
        weft_fail(e, WEFT_USAGE, "no encoding \"%s\"", encoding);
        return weft_fail_hint(e, "`iconv -l` lists them; Korean files are mostly cp949 or utf-8");
    }
    struct weft_transcode *t = *out = WEFT_NEW(struct weft_transcode);
    t->cd = cd;
    t->name = weft_xstrdup(encoding);
    return 0;
}

static int fill(struct weft_transcode *t, struct weft_unpack *from, struct weft_err *e)
{
    memmove(t->in, t->in + t->at, t->n - t->at);
    t->n -= t->at;
    t->at = 0;
    long got = weft_unpack_read(from, t->in + t->n, sizeof t->in - t->n, e);
    if (got < 0)
        return -1;
    t->n += (size_t)got;
    t->end = got == 0;
    return 0;
}

long weft_transcode_read(struct weft_transcode *t, struct weft_unpack *from, char *p, size_t cap, struct weft_err *e)
{
    for (;;) {
        char *in = t->in + t->at, *out = p;
        size_t in_left = t->n - t->at, out_left = cap;
        size_t rc = iconv(t->cd, &in, &in_left, &out, &out_left);
        int why = rc == (size_t)-1 ? errno : 0;
        t->passed += (size_t)(in - t->in) - t->at;
        t->at = (size_t)(in - t->in);
        if (out > p)
            return (long)(out - p);
        if (why == EILSEQ || (why == EINVAL && t->end))
            return weft_fail(e, WEFT_DATA, "byte %llu is no text in %s", t->passed + 1, t->name);
        if (t->end)
            return 0;
        if (fill(t, from, e) < 0)
            return -1;
    }
}

void weft_transcode_close(struct weft_transcode **tp)
{
    struct weft_transcode *t = *tp;
    if (!t)
        return;
    iconv_close(t->cd);
    free(t->name);
    free(t);
    *tp = NULL;
}
