/* par.c - a pool of threads for loops. */
#include "base/par.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

/* Spins this often before it sleeps: loops inside a training step follow each other within microseconds. */
enum { SPINS = 4000 };

struct weft_par {
    int threads;
    pthread_t *handles;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    /* One loop: published under the lock, taken index by index. */
    void (*fn)(void *ctx, size_t i);
    void *ctx;
    size_t n;
    atomic_size_t next;
    atomic_uint round; /* number of the loop */
    atomic_int busy;   /* workers that have not finished the loop */
    atomic_bool stop;
};

static void run_loop(struct weft_par *p)
{
    size_t i;
    while ((i = atomic_fetch_add(&p->next, 1)) < p->n)
        p->fn(p->ctx, i);
}

static void await_round(struct weft_par *p, unsigned seen)
{
    for (int i = 0; i < SPINS; i++)
        if (atomic_load(&p->round) != seen)
            return;
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->round) == seen)
        pthread_cond_wait(&p->work, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static void *worker(void *arg)
{
    struct weft_par *p = arg;
    for (unsigned seen = 0;; seen++) {
        await_round(p, seen);
        if (atomic_load(&p->stop))
            return NULL;
        run_loop(p);
        if (atomic_fetch_sub(&p->busy, 1) == 1) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_signal(&p->done);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

struct weft_par *weft_par_new(int threads)
{
    struct weft_par *p = WEFT_NEW(struct weft_par);
    p->handles = WEFT_ARRAY(pthread_t, (size_t)(threads > 1 ? threads : 1));
    p->threads = 1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    /* A thread that can't be had makes the pool smaller, not the program fail. */
    while (p->threads < threads && pthread_create(&p->handles[p->threads - 1], NULL, worker, p) == 0)
        p->threads++;
    return p;
}

static void publish(struct weft_par *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->busy, p->threads - 1);
    atomic_fetch_add(&p->round, 1);
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
}

void weft_par_free(struct weft_par **pp)
{
    struct weft_par *p = *pp;
    if (!p)
        return;
    atomic_store(&p->stop, true);
    publish(p);
    for (int i = 0; i < p->threads - 1; i++)
        pthread_join(p->handles[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->done);
    free(p->handles);
    free(p);
    *pp = NULL;
}

int weft_par_threads(const struct weft_par *p)
{
    return p ? p->threads : 1;
}

void weft_par_for(struct weft_par *p, size_t n, void (*fn)(void *ctx, size_t i), void *ctx)
{
    if (!p || p->threads == 1 || n <= 1) {
        for (size_t i = 0; i < n; i++)
            fn(ctx, i);
        return;
    }
    p->fn = fn;
    p->ctx = ctx;
    p->n = n;
    atomic_store(&p->next, 0);
    publish(p);
    run_loop(p);
    for (int i = 0; i < SPINS && atomic_load(&p->busy); i++) {
    }
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->busy))
        pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* Waits until all of them are there: one that has ended does not count. */
static void *meet(void *barrier)
{
    pthread_barrier_wait(barrier);
    return NULL;
}

bool weft_par_can_start(int more)
{
    enum { MOST = 64 };
    pthread_t t[MOST];
    pthread_barrier_t barrier[MOST];
    int started = 0, want = more < MOST ? more : MOST;
    /* Pairs: each thread meets us alone, so that we can let go of those that came. */
    while (started < want) {
        pthread_barrier_init(&barrier[started], NULL, 2);
        if (pthread_create(&t[started], NULL, meet, &barrier[started]) != 0) {
            pthread_barrier_destroy(&barrier[started]);
            break;
        }
        started++;
    }
    for (int i = 0; i < started; i++) {
        pthread_barrier_wait(&barrier[i]);
        pthread_join(t[i], NULL);
        pthread_barrier_destroy(&barrier[i]);
    }
    return started == want;
}

int weft_par_cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 1024 ? (int)n : 1;
}
