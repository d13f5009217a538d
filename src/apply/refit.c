/* refit.c - trainers as children, several at a time, each fed the past of its origin. */
#include "apply/refit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/stop.h"
#include "cluster/child.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "record/window.h"

enum { AT_ONCE_MAX = 64, BUFFER = 1 << 18, LOOK_MS = 1000 };

/* --- the spool: length, then bytes, of every frame --- */

struct weft_spool {
    int fd;
    size_t n;
    uint8_t *map;
    struct weft_pack buffer;
};

int weft_spool_new(struct weft_spool **out, struct weft_err *e)
{
    *out = NULL;
    int fd;
    if (weft_tempfile(&fd, e) < 0)
        return -1;
    *out = WEFT_NEW(struct weft_spool);
    (*out)->fd = fd;
    return 0;
}

static int flush(struct weft_spool *s, struct weft_err *e)
{
    if (weft_write_all(s->fd, s->buffer.p, s->buffer.n) < 0) {
        weft_fail_errno(e, WEFT_IO, "can't keep the series for the trainings");
        return weft_fail_hint(e, "set TMPDIR to a place with room");
    }
    s->n += s->buffer.n;
    weft_pack_clear(&s->buffer);
    return 0;
}

int weft_spool_add(struct weft_spool *s, struct weft_span frame, struct weft_err *e)
{
    uint64_t n = frame.n;
    weft_pack_raw(&s->buffer, (struct weft_span){(const uint8_t *)&n, sizeof n});
    weft_pack_raw(&s->buffer, frame);
    return s->buffer.n < BUFFER ? 0 : flush(s, e);
}

int weft_spool_finish(struct weft_spool *s, struct weft_err *e)
{
    if (flush(s, e) < 0)
        return -1;
    if (!s->n)
        return 0;
    void *p = mmap(NULL, s->n, PROT_READ, MAP_SHARED, s->fd, 0);
    if (p == MAP_FAILED)
        return weft_fail_errno(e, WEFT_IO, "can't read the series back");
    s->map = p;
    return 0;
}

bool weft_spool_next(const struct weft_spool *s, size_t *at, struct weft_span *frame)
{
    uint64_t n;
    if (*at >= s->n)
        return false;
    memcpy(&n, s->map + *at, sizeof n);
    *frame = (struct weft_span){s->map + *at + sizeof n, (size_t)n};
    *at += sizeof n + (size_t)n;
    return true;
}

void weft_spool_free(struct weft_spool **sp)
{
    struct weft_spool *s = *sp;
    if (!s)
        return;
    if (s->map)
        munmap(s->map, s->n);
    close(s->fd);
    weft_pack_free(&s->buffer);
    free(s);
    *sp = NULL;
}

/* --- a command's words --- */

static char **free_words(char **words)
{
    for (char **w = words; w && *w; w++)
        free(*w);
    free(words);
    return NULL;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* At blanks, with '...', "..." and \ as a shell has them (in "..." a \ stands before " and \ alone);
 * pipelines/lib.sh:split_words has the same rules. */
static char **split_words(const char *option, const char *text, const char *last[2], struct weft_err *e)
{
    size_t n = 0, most = strlen(text) / 2 + 4;
    char **words = WEFT_ARRAY(char *, most), *room = weft_xmalloc(strlen(text) + 1), *to = room;
    for (const char *p = text; *(p += strspn(p, " \t\n"));) {
        char quote = 0, *word = to;
        for (; *p && (quote || !blank(*p)); p++) {
            if (*p == '\\' && !p[1])
                quote = *p; /* what it quotes never comes */
            else if (*p == '\\' && quote != '\'' && (!quote || p[1] == '"' || p[1] == '\\'))
                *to++ = *++p;
            else if (quote ? *p == quote : *p == '\'' || *p == '"')
                quote = quote ? 0 : *p;
            else
                *to++ = *p;
        }
        if (quote) {
            weft_fail(e, WEFT_USAGE, "%s: a quote is not closed in \"%s\"", option, text);
            free(room);
            return free_words(words);
        }
        words[n++] = weft_xstrndup(word, (size_t)(to - word));
    }
    free(room);
    if (!n) {
        weft_fail(e, WEFT_USAGE, "%s: which trainer?", option);
        return free_words(words);
    }
    for (int i = 0; i < 2; i++)
        words[n++] = weft_xstrdup(last[i]);
    return words;
}

/* --- one trainer --- */

struct job {
    struct weft_child *child; /* NULL: the place is free */
    size_t origin;            /* which of the n */
    size_t at;                /* in the spool */
    uint32_t crc;
    uint64_t count;
    bool finished; /* it has all its input */
    char *model;   /* the file that it writes */
};

struct refit {
    const struct weft_refit *r;
    const char *command;
    const size_t *length;
    const char (*dates)[32];
    struct job job[AT_ONCE_MAX];
    size_t places;
    char *dir;
    struct weft_series series;
    struct weft_edit edit;
    struct weft_pack frame;
};

void weft_refit_borders(const struct weft_refit *r, size_t length, size_t borders[WEFT_PARTS])
{
    size_t valid = (size_t)((double)length * r->valid + 0.5);
    if (r->valid > 0 && valid < (size_t)r->horizon)
        valid = (size_t)r->horizon;
    borders[WEFT_PART_TRAIN] = valid < length ? length - valid : 0;
    borders[WEFT_PART_VALID] = borders[WEFT_PART_TEST] = length;
}

static void feed(struct job *j, const struct weft_pack *b)
{
    j->crc = weft_crc32c(j->crc, b->p, b->n);
    weft_child_feed(j->child, b->p, b->n);
}

static int start(struct refit *f, size_t place, size_t origin, struct weft_err *e)
{
    struct job *j = &f->job[place];
    char *name = weft_xasprintf("%s at %s", weft_run_program(f->r->run), f->dates[origin]);
    *j = (struct job){.origin = origin};
    j->model =
        f->r->keep ? weft_refit_kept(f->r, f->command, f->length[origin]) : weft_xasprintf("%s/%zu", f->dir, place);
    char **words =
        split_words(f->r->option ? f->r->option : "--refit", f->command, (const char *[]){"-o", j->model}, e);
    int rc = words ? weft_child_start(words, name, &j->child, e) : -1;
    if (rc == 0) {
        struct weft_series_attrs a = *f->r->attrs;
        struct weft_pack attrs = {0};
        a.length = (int64_t)f->length[origin];
        a.known = a.known < a.length ? a.known : a.length;
        a.lookback = f->r->lookback;
        a.horizon = f->r->horizon;
        a.stride = f->r->stride;
        a.scale = f->r->scale;
        weft_series_attrs_write(&a, weft_run_in_head(f->r->run)->attrs, &attrs);
        weft_pack_clear(&f->frame);
        weft_head_pack(&f->frame, WEFT_WINDOWS_SCHEMA, weft_pack_span(&attrs), weft_run_in_head(f->r->run)->lineage);
        feed(j, &f->frame);
        weft_pack_free(&attrs);
    }
    free_words(words);
    free(name);
    return rc;
}

/* The next frame for a trainer, or the tail behind the last one. */
static int feed_next(struct refit *f, struct job *j, struct weft_err *e)
{
    struct weft_span frame;
    size_t borders[WEFT_PARTS], length = f->length[j->origin];
    weft_pack_clear(&f->frame);
    if (!weft_spool_next(f->r->spool, &j->at, &frame)) {
        struct weft_pack counts = {0};
        weft_pack_array(&counts, 1);
        weft_pack_tally(&counts, weft_run_program(f->r->run), j->count, j->count, 0);
        weft_tail_pack(&f->frame, j->count, j->crc, weft_pack_span(&counts));
        weft_child_feed(j->child, f->frame.p, f->frame.n);
        weft_child_finish(j->child);
        j->finished = true;
        weft_pack_free(&counts);
        return 0;
    }
    if (weft_series_read(frame, f->r->attrs, &f->series, e) < 0)
        return -1;
    weft_refit_borders(f->r, length, borders);
    int made = weft_windows_until(&f->series, f->r->attrs, length, borders, f->r->scale, &f->edit, &f->frame, e);
    if (made > 0) {
        feed(j, &f->frame);
        j->count++;
    }
    return made < 0 ? -1 : 0;
}

static bool is_full(const struct weft_child *c)
{
    struct pollfd fds[WEFT_CHILD_FDS];
    for (size_t n = weft_child_poll(c, fds); n-- > 0;)
        if (fds[n].events & POLLOUT)
            return true;
    return false;
}

static int failed(const struct refit *f, const struct job *j, int status, struct weft_err *e)
{
    const char *said = weft_child_said(j->child);
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(f->command, " \t"), f->command);
    if (status > 128)
        return weft_fail(e, WEFT_TEMPFAIL, "%s was killed (signal %d) at origin %s", name, status - 128,
                         f->dates[j->origin]);
    return weft_fail(e, status >= WEFT_USAGE && status <= WEFT_CONFIG ? status : WEFT_BUG,
                     "%s failed (%d) at origin %s%s%.300s", name, status, f->dates[j->origin], *said ? ": " : "", said);
}

/* Gives a trainer what it takes at the moment. 1: it has ended, its model is open in *out. */
static int serve(struct refit *f, struct job *j, struct weft_apply **out, struct weft_err *e)
{
    struct weft_span said;
    int status;
    while (!j->finished || is_full(j->child)) {
        weft_child_move(j->child);
        if (is_full(j->child))
            return 0;
        if (!j->finished && feed_next(f, j, e) < 0)
            return -1;
        if (weft_stop_signal())
            return 0;
    }
    weft_child_move(j->child);
    if (weft_child_next(j->child, &said, NULL) != 0)
        return weft_fail(e, WEFT_CONFIG, "\"%.100s\" writes to its standard output: a trainer writes its model to -o",
                         f->command);
    if (!weft_child_ended(j->child, &status))
        return 0;
    if (status)
        return failed(f, j, status, e);
    if (access(j->model, F_OK) < 0)
        return weft_fail(e, WEFT_CONFIG, "\"%.100s\" ended well, and wrote no model to its -o", f->command);
    if (weft_apply_open(j->model, out, e) < 0)
        return -1;
    if (!f->r->keep)
        unlink(j->model); /* it lives on as long as it is open */
    return 1;
}

static void end_job(struct job *j)
{
    weft_child_stop(&j->child);
    free(j->model);
    *j = (struct job){0};
}

/* Waits until a trainer can take or give something; a second at most, so that a signal that came just before is seen.
 */
static void wait_for_some(struct refit *f)
{
    struct pollfd fds[AT_ONCE_MAX * WEFT_CHILD_FDS];
    size_t n = 0;
    for (size_t i = 0; i < f->places; i++)
        if (f->job[i].child)
            n += weft_child_poll(f->job[i].child, fds + n);
    (void)poll(fds, n, LOOK_MS);
}

const char *weft_refit_command(const char *item, size_t *named)
{
    size_t n = strcspn(item, "= \t/");
    *named = item[n] == '=' ? n : 0;
    return *named ? item + n + 1 : item;
}

char *weft_refit_kept(const struct weft_refit *r, const char *command, size_t length)
{
    uint64_t hash = weft_hash(command, strlen(command), r->of ^ length);
    return weft_xasprintf("%s/%016llx.safetensors", r->keep, (unsigned long long)hash);
}

/* Opens what an earlier run has kept. 1: it was there. */
static int take_kept(const struct refit *f, size_t origin, struct weft_apply **out, struct weft_err *e)
{
    if (!f->r->keep)
        return 0;
    char *path = weft_refit_kept(f->r, f->command, f->length[origin]);
    int rc = access(path, F_OK) < 0 ? 0 : 1;
    if (rc && weft_apply_open(path, out, e) < 0)
        rc = weft_fail_hint(e, "remove %s", path);
    free(path);
    return rc;
}

static int run_all(struct refit *f, size_t n, struct weft_apply **out, struct weft_err *e)
{
    size_t next = 0, done = 0;
    while (done < n) {
        size_t before = done;
        for (size_t i = 0; i < f->places; i++) {
            struct job *j = &f->job[i];
            int kept = 0;
            while (!j->child && next < n && (kept = take_kept(f, next, &out[next], e)) > 0) {
                next++;
                done++;
            }
            if (kept < 0 || (!j->child && next < n && start(f, i, next++, e) < 0))
                return -1;
            int got = j->child ? serve(f, j, &out[j->origin], e) : 0;
            if (got < 0)
                return -1;
            if (got) {
                end_job(j);
                done++;
            }
        }
        if (weft_stop_check(e) < 0)
            return -1;
        weft_progress_at(f->r->progress, done, n, "trainings", "%s", f->command);
        if (done == before)
            wait_for_some(f);
    }
    return 0;
}

int weft_refit_run(const struct weft_refit *r, const char *command, const size_t *length, const char (*dates)[32],
                   size_t n, struct weft_apply **out, struct weft_err *e)
{
    struct refit f = {.r = r, .command = command, .length = length, .dates = dates};
    size_t threads = (size_t)weft_run_threads(r->run);
    f.places = threads < AT_ONCE_MAX ? threads : AT_ONCE_MAX;
    for (size_t i = 0; i < n; i++)
        out[i] = NULL;
    if (weft_tempdir_create("weft", &f.dir, e) < 0)
        return -1;
    int rc = run_all(&f, n, out, e);
    for (size_t i = 0; i < f.places; i++)
        end_job(&f.job[i]); /* before the directory: what still runs could write there */
    for (size_t i = 0; i < n && rc < 0; i++)
        weft_apply_close(&out[i]);
    weft_tempdir_remove(&f.dir);
    weft_series_free(&f.series);
    weft_edit_free(&f.edit);
    weft_pack_free(&f.frame);
    return rc;
}
