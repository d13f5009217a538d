/* dispatch.c - which worker has which frame. */
#include "cluster/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum state { FREE, WAITING, SENT, DONE, DEAD };

struct slot {
    enum state state;
    bool alone; /* a suspect: sent to a worker that has nothing else */
    size_t worker;
    int attempts, losses;
    uint64_t number, rejected;
    uint8_t *frame, *maps;
    size_t frame_n, frame_cap, maps_n, maps_cap;
    char reason[256];
};

struct worker {
    bool there, alone; /* alone: has a suspect, and gets nothing beside it */
    size_t in_flight;
};

struct weft_dispatch {
    struct weft_dispatch_opts o;
    struct slot *slot;     /* [window]: frame n lies in slot n % window */
    uint64_t first, next;  /* frames first .. next - 1 are held; all before first were taken */
    uint64_t waiting_from; /* no frame before this one waits */
    struct worker *worker;
    size_t n_workers, cap_workers;
    bool taken; /* slot `last` was handed out and is free on the next call */
    uint64_t last;
    struct weft_dispatch_counts c;
};

struct weft_dispatch *weft_dispatch_new(const struct weft_dispatch_opts *o)
{
    struct weft_dispatch *d = WEFT_NEW(struct weft_dispatch);
    d->o = *o;
    d->slot = WEFT_ARRAY(struct slot, o->window);
    return d;
}

void weft_dispatch_free(struct weft_dispatch **dp)
{
    struct weft_dispatch *d = *dp;
    if (!d)
        return;
    for (size_t i = 0; i < d->o.window; i++) {
        free(d->slot[i].frame);
        free(d->slot[i].maps);
    }
    free(d->slot);
    free(d->worker);
    free(d);
    *dp = NULL;
}

static struct slot *slot_of(const struct weft_dispatch *d, uint64_t number)
{
    return &d->slot[number % d->o.window];
}

static void keep(uint8_t **p, size_t *n, size_t *cap, struct weft_span s)
{
    if (s.n > *cap)
        *p = weft_xrealloc(*p, *cap = weft_grow(*cap, s.n));
    if (s.n)
        memcpy(*p, s.p, s.n);
    *n = s.n;
}

/* What was handed out last is free now, and so is what is finished and taken before the first one held. */
static void release(struct weft_dispatch *d)
{
    if (!d->taken)
        return;
    d->taken = false;
    slot_of(d, d->last)->state = FREE;
    while (d->first < d->next && slot_of(d, d->first)->state == FREE)
        d->first++;
}

bool weft_dispatch_room(const struct weft_dispatch *d)
{
    return d->next - d->first < d->o.window;
}

void weft_dispatch_add(struct weft_dispatch *d, struct weft_span frame)
{
    release(d);
    struct slot *s = slot_of(d, d->next);
    s->state = WAITING;
    s->alone = false;
    s->attempts = s->losses = 0;
    s->number = d->next++;
    s->rejected = 0;
    s->maps_n = 0;
    s->reason[0] = 0;
    keep(&s->frame, &s->frame_n, &s->frame_cap, frame);
    d->c.in++;
}

size_t weft_dispatch_join(struct weft_dispatch *d)
{
    if (d->n_workers == d->cap_workers) {
        d->cap_workers = weft_grow(d->cap_workers, d->n_workers + 1);
        d->worker = weft_xrealloc2(d->worker, d->cap_workers, sizeof *d->worker);
    }
    d->worker[d->n_workers] = (struct worker){.there = true};
    d->c.workers++;
    return d->n_workers++;
}

bool weft_dispatch_next(struct weft_dispatch *d, size_t worker, uint64_t *number, struct weft_span *frame)
{
    struct worker *w = &d->worker[worker];
    release(d);
    if (!w->there || w->alone || w->in_flight >= d->o.credit)
        return false;
    if (d->waiting_from < d->first)
        d->waiting_from = d->first;
    bool seen = false; /* a frame that waits, but not for a worker as busy as this one */
    for (uint64_t n = d->waiting_from; n < d->next; n++) {
        struct slot *s = slot_of(d, n);
        if (s->state == WAITING && (!s->alone || !w->in_flight)) {
            s->state = SENT;
            s->worker = worker;
            w->alone = s->alone;
            w->in_flight++;
            d->c.sent++;
            *number = n;
            *frame = (struct weft_span){s->frame, s->frame_n};
            if (!seen)
                d->waiting_from = n + 1;
            return true;
        }
        seen |= s->state == WAITING;
        if (!seen)
            d->waiting_from = n + 1;
    }
    return false;
}

static void leave(struct weft_dispatch *d, size_t worker)
{
    d->worker[worker].in_flight--;
    d->worker[worker].alone = false;
}

bool weft_dispatch_done(struct weft_dispatch *d, size_t worker, uint64_t number, struct weft_span maps,
                        uint64_t rejected)
{
    release(d);
    struct slot *s = number >= d->first && number < d->next ? slot_of(d, number) : NULL;
    if (!s || s->state != SENT || s->worker != worker) {
        d->c.duplicates++;
        return false;
    }
    leave(d, worker);
    s->state = DONE;
    s->rejected = rejected;
    keep(&s->maps, &s->maps_n, &s->maps_cap, maps);
    d->c.done++;
    return true;
}

/* The frames of a worker wait again. A single one is blamed; several become suspects. */
static void take_back(struct weft_dispatch *d, size_t worker, bool failed, const char *reason)
{
    struct worker *w = &d->worker[worker];
    bool single = w->in_flight == 1;
    for (uint64_t n = d->first; n < d->next && w->in_flight; n++) {
        struct slot *s = slot_of(d, n);
        if (s->state != SENT || s->worker != worker)
            continue;
        s->state = WAITING;
        s->alone |= failed;
        snprintf(s->reason, sizeof s->reason, "%s", reason);
        if (single && failed)
            s->attempts++;
        else if (single)
            s->losses++;
        if (s->attempts >= d->o.attempts || s->losses >= d->o.losses) {
            s->state = DEAD;
            d->c.dead++;
        }
        d->waiting_from = d->waiting_from < n ? d->waiting_from : n;
        d->c.retried += s->state == WAITING;
        leave(d, worker);
    }
}

void weft_dispatch_failed(struct weft_dispatch *d, size_t worker, const char *reason)
{
    release(d);
    take_back(d, worker, true, reason);
}

void weft_dispatch_lost(struct weft_dispatch *d, size_t worker, const char *reason)
{
    release(d);
    if (!d->worker[worker].there)
        return;
    take_back(d, worker, false, reason);
    d->worker[worker].there = false;
    d->c.workers--;
}

size_t weft_dispatch_in_flight(const struct weft_dispatch *d, size_t worker)
{
    return d->worker[worker].in_flight;
}

bool weft_dispatch_take(struct weft_dispatch *d, struct weft_dispatch_result *r)
{
    release(d);
    for (uint64_t n = d->first; n < d->next; n++) {
        struct slot *s = slot_of(d, n);
        if (s->state == DONE || s->state == DEAD) {
            *r = (struct weft_dispatch_result){.number = n,
                                               .rejected = s->rejected,
                                               .dead = s->state == DEAD,
                                               .frame = {s->frame, s->frame_n},
                                               .maps = {s->maps, s->maps_n},
                                               .reason = s->reason};
            d->taken = true;
            d->last = n;
            return true;
        }
        if (!d->o.unordered)
            return false;
    }
    return false;
}

bool weft_dispatch_idle(const struct weft_dispatch *d)
{
    return d->first == d->next || (d->taken && d->first + 1 == d->next && d->last == d->first);
}

void weft_dispatch_count(const struct weft_dispatch *d, struct weft_dispatch_counts *c)
{
    *c = d->c;
    c->held = (size_t)(d->next - d->first);
    for (size_t i = 0; i < d->n_workers; i++)
        c->in_flight += d->worker[i].in_flight;
}
