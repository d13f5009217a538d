/* feed.c - a stream read by a thread of its own. */
#include "cluster/feed.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "frame/pack.h"

enum { QUEUE = 64 };

struct weft_feed {
    pthread_mutex_t lock;
    pthread_cond_t room;
    struct weft_reader *reader;
    const struct weft_head *head;
    struct weft_pack frame[QUEUE];
    size_t first, n;
    int wake; /* eventfd: something came */
    bool ended, failed;
    struct weft_err err;
};

static void wake(struct weft_feed *f)
{
    uint64_t one = 1;
    (void)!write(f->wake, &one, sizeof one);
}

static void *read_frames(void *p)
{
    struct weft_feed *f = p;
    struct weft_span frame;
    struct weft_err err = {0};
    int got;
    while ((got = weft_reader_next(f->reader, &frame, &err)) > 0) {
        pthread_mutex_lock(&f->lock);
        while (f->n == QUEUE)
            pthread_cond_wait(&f->room, &f->lock);
        struct weft_pack *to = &f->frame[(f->first + f->n) % QUEUE];
        weft_pack_clear(to);
        weft_pack_raw(to, frame);
        bool first = f->n++ == 0;
        pthread_mutex_unlock(&f->lock);
        if (first)
            wake(f);
    }
    pthread_mutex_lock(&f->lock);
    f->ended = true;
    f->failed = got < 0;
    f->err = err;
    /* Inside the lock: who sees the end may free everything. */
    wake(f);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

int weft_feed_open(const char *input, const struct weft_stream_opts *o, struct weft_feed **out, struct weft_err *e)
{
    struct weft_reader *reader = NULL;
    pthread_t thread;
    *out = NULL;
    if (weft_reader_open(input, NULL, o, &reader, e) < 0) {
        weft_reader_close(&reader);
        return -1;
    }
    struct weft_feed *f = weft_xcalloc(1, sizeof *f);
    f->reader = reader;
    f->head = weft_reader_head(reader);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->room, NULL);
    f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    /* pthread_create returns its error and leaves errno alone. */
    bool started = f->wake >= 0;
    int error = errno;
    if (started) {
        error = pthread_create(&thread, NULL, read_frames, f);
        started = error == 0;
    }
    if (!started) {
        f->ended = true;
        weft_feed_close(&f);
        errno = error;
        return weft_fail_errno(e, WEFT_TEMPFAIL, "no thread to be had");
    }
    pthread_detach(thread); /* it may wait for input for ever: it ends with the process */
    *out = f;
    return 0;
}

const struct weft_head *weft_feed_head(const struct weft_feed *f)
{
    return f->head;
}

int weft_feed_take(struct weft_feed *f, bool (*room)(void *ctx), void (*take)(void *ctx, struct weft_span frame),
                   void *ctx, struct weft_err *e)
{
    pthread_mutex_lock(&f->lock);
    for (; f->n && room(ctx); f->n--) {
        take(ctx, weft_pack_span(&f->frame[f->first]));
        f->first = (f->first + 1) % QUEUE;
    }
    pthread_cond_signal(&f->room);
    int rc = f->ended && !f->n;
    bool failed = rc && f->failed;
    if (failed)
        *e = f->err;
    pthread_mutex_unlock(&f->lock);
    return failed ? -1 : rc;
}

int weft_feed_fd(const struct weft_feed *f)
{
    return f->wake;
}

void weft_feed_heard(struct weft_feed *f)
{
    uint64_t count;
    (void)!read(f->wake, &count, sizeof count);
}

struct weft_reader *weft_feed_reader(struct weft_feed *f)
{
    struct weft_reader *r = NULL;
    pthread_mutex_lock(&f->lock);
    if (f->ended) {
        r = f->reader;
        f->reader = NULL;
    }
    pthread_mutex_unlock(&f->lock);
    return r;
}

void weft_feed_close(struct weft_feed **f)
{
    if (!*f)
        return;
    pthread_mutex_lock(&(*f)->lock);
    bool ended = (*f)->ended;
    pthread_mutex_unlock(&(*f)->lock);
    if (ended) {
        weft_reader_close(&(*f)->reader);
        if ((*f)->wake >= 0)
            close((*f)->wake);
        for (size_t i = 0; i < QUEUE; i++)
            weft_pack_free(&(*f)->frame[i]);
        pthread_cond_destroy(&(*f)->room);
        pthread_mutex_destroy(&(*f)->lock);
        free(*f);
    }
    *f = NULL;
}
