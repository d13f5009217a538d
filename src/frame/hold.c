/* hold.c - frames in a temporary file. */
#include "frame/hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

struct weft_hold {
    FILE *f;
    uint64_t waiting;
    bool reading;
    uint8_t *frame;
    size_t cap;
};

int weft_hold_new(struct weft_hold **out, struct weft_err *e)
{
    *out = NULL;
    int fd;
    if (weft_tempfile(&fd, e) < 0)
        return -1;
    FILE *f = fdopen(fd, "w+");
    if (!f) {
        close(fd);
        return weft_fail_errno(e, WEFT_CANTCREAT, "can't use a temporary file");
    }
    *out = WEFT_NEW(struct weft_hold);
    (*out)->f = f;
    return 0;
}

void weft_hold_free(struct weft_hold **hp)
{
    if (!*hp)
        return;
    fclose((*hp)->f);
    free((*hp)->frame);
    free(*hp);
    *hp = NULL;
}

int weft_hold_put(struct weft_hold *h, struct weft_span frame, struct weft_err *e)
{
    uint64_t n = frame.n;
    if (fwrite(&n, sizeof n, 1, h->f) != 1 || (n && fwrite(frame.p, n, 1, h->f) != 1))
        return weft_fail_errno(e, WEFT_IO, "can't write to a temporary file");
    h->waiting++;
    return 0;
}

int weft_hold_next(struct weft_hold *h, struct weft_span *frame, struct weft_err *e)
{
    uint64_t n;
    if (!h->reading && (fflush(h->f) != 0 || fseek(h->f, 0, SEEK_SET) != 0))
        return weft_fail_errno(e, WEFT_IO, "can't write to a temporary file");
    h->reading = true;
    if (!h->waiting)
        return 0;
    h->waiting--;
    if (fread(&n, sizeof n, 1, h->f) != 1)
        return weft_fail_errno(e, WEFT_IO, "can't read a temporary file");
    if (n > h->cap) {
        h->cap = weft_grow(h->cap, n);
        h->frame = weft_xrealloc(h->frame, h->cap);
    }
    if (n && fread(h->frame, n, 1, h->f) != 1)
        return weft_fail_errno(e, WEFT_IO, "can't read a temporary file");
    *frame = (struct weft_span){h->frame, n};
    return 1;
}
