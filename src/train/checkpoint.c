/* checkpoint.c - the state of a training on disk. */
#include "train/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

static void fingerprint(const struct weft_checkpoint *c, char out[17])
{
    snprintf(out, 17, "%016" PRIx64, c->of);
}

int weft_checkpoint_open(struct weft_checkpoint *c, struct weft_st **st, struct weft_err *e)
{
    struct stat s;
    char of[17];
    *st = NULL;
    if (!c->path || !c->resume || (stat(c->path, &s) < 0 && errno == ENOENT))
        return 0;
    if (weft_st_open(c->path, st, e) < 0)
        return -1;
    const char *trainer = weft_st_meta(*st, "weft.checkpoint"), *has = weft_st_meta(*st, "of");
    fingerprint(c, of);
    if (trainer && has && strcmp(trainer, c->trainer) == 0 && strcmp(has, of) == 0)
        return 0;
    weft_fail(e, WEFT_CONFIG,
              trainer ? "%s is the checkpoint of another training: other data or other options" : "%s is no checkpoint",
              c->path);
    weft_st_close(st);
    return weft_fail_hint(e,
                          "give the options and data of the run that was ended, or leave --resume out to begin anew");
}

int weft_checkpoint_log(struct weft_checkpoint *c, const char *path, const struct weft_st *st, struct weft_err *e)
{
    int64_t length = 0;
    struct stat s;
    if (!path)
        return 0;
    if (st && weft_st_meta_int(st, "log", 0, INT64_MAX, &length, e) < 0)
        return -1;
    c->log = fopen(path, st ? "a" : "w");
    if (!c->log)
        return weft_fail_errno(e, WEFT_CANTCREAT, "can't create %s", path);
    if (st && fstat(fileno(c->log), &s) == 0 && s.st_size > length && ftruncate(fileno(c->log), (off_t)length) < 0)
        return weft_fail_errno(e, WEFT_IO, "can't shorten %s", path);
    return 0;
}

bool weft_checkpoint_due(const struct weft_checkpoint *c)
{
    return c->path && weft_seconds() >= c->due;
}

int weft_checkpoint_save(struct weft_checkpoint *c, struct weft_st_writer *w, struct weft_err *e)
{
    char of[17];
    struct stat s;
    double began = weft_seconds();
    fingerprint(c, of);
    weft_st_writer_meta(w, "weft.checkpoint", c->trainer);
    weft_st_writer_meta(w, "of", of);
    weft_st_writer_meta_int(w, "log",
                            c->log && fflush(c->log) == 0 && fstat(fileno(c->log), &s) == 0 ? (int64_t)s.st_size : 0);
    int rc = weft_st_save(w, c->path, e);
    double ended = weft_seconds();
    c->due = ended + 20 * (ended - began);
    return rc;
}

void weft_checkpoint_done(const struct weft_checkpoint *c)
{
    if (c->path)
        unlink(c->path);
}
