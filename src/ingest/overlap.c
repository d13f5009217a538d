/* overlap.c - days that several files hold, and files that are there twice. */
#include "ingest/overlap.h"
#include "ingest/ingest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/calendar.h"
#include "base/mem.h"

enum { DAY = 86400 };

struct file {
    const char *path;
    bool regular, seen, ends;
    int64_t last_day; /* that counts, when it ends */
    dev_t dev;
    ino_t ino;
    off_t size;
    uint64_t rows;
};

struct weft_overlap {
    enum weft_overlap_rule rule;
    struct file *file; /* [n] */
    int n, now;
    int *owner; /* [n_days] from first_day: the file that held the day first, from 1; 0: none */
    int64_t first_day;
    size_t n_days;
};

struct weft_overlap *weft_overlap_new(enum weft_overlap_rule rule, int n)
{
    struct weft_overlap *o = WEFT_NEW(struct weft_overlap);
    o->rule = rule;
    o->n = n;
    o->file = WEFT_ARRAY(struct file, (size_t)n);
    return o;
}

void weft_overlap_free(struct weft_overlap **op)
{
    struct weft_overlap *o = *op;
    if (!o)
        return;
    free(o->file);
    free(o->owner);
    free(o);
    *op = NULL;
}

/* Are both files the same bytes? False as well when one of them can't be read: reading it will say so. */
static bool same_bytes(const struct file *a, const struct file *b)
{
    enum { BLOCK = 1 << 16 };
    bool same = a->size == b->size;
    FILE *x = same ? fopen(a->path, "re") : NULL, *y = x ? fopen(b->path, "re") : NULL;
    char *room = WEFT_ARRAY(char, 2 * BLOCK);
    same = y != NULL;
    for (size_t n = BLOCK; same && n == BLOCK;) {
        n = fread(room, 1, BLOCK, x);
        same = fread(room + BLOCK, 1, BLOCK, y) == n && memcmp(room, room + BLOCK, n) == 0 && !ferror(x) && !ferror(y);
    }
    free(room);
    if (x)
        fclose(x);
    if (y)
        fclose(y);
    return same;
}

int weft_overlap_file(struct weft_overlap *o, int file, const char *path, struct weft_err *e)
{
    struct file *f = &o->file[file];
    struct stat st;
    *f = (struct file){.path = path, .seen = true, .ends = f->ends, .last_day = f->last_day};
    o->now = file;
    f->regular = strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
    if (f->regular) {
        f->dev = st.st_dev;
        f->ino = st.st_ino;
        f->size = st.st_size;
    }
    for (int i = 0; i < o->n && f->regular; i++) {
        const struct file *other = &o->file[i];
        if (i == file || !other->seen || !other->regular)
            continue;
        if (other->dev == f->dev && other->ino == f->ino) {
            weft_fail(e, WEFT_DATA, "%s and %s are one file: its rows would count twice", other->path, path);
            return weft_fail_hint(e, "name it once");
        }
        if (o->rule == WEFT_OVERLAP_ADD || o->rule == WEFT_OVERLAP_REPLACE || !other->rows || !same_bytes(other, f))
            continue;
        weft_fail(e, WEFT_DATA, "%s has the same content as %s: its rows would count twice", path, other->path);
        return weft_fail_hint(e, "leave one of them out, or --overlap replace (--overlap add when both are meant)");
    }
    return 0;
}

static int64_t day_of(int64_t seconds)
{
    return seconds / DAY - (seconds % DAY < 0);
}

void weft_overlap_until(struct weft_overlap *o, int file, int64_t seconds)
{
    o->file[file].ends = true;
    o->file[file].last_day = day_of(seconds);
}

void weft_overlap_rows(struct weft_overlap *o, uint64_t rows)
{
    o->file[o->now].rows = rows;
}

const char *weft_overlap_name(const struct weft_overlap *o, int i)
{
    return o->file[i].path;
}

bool weft_date_in_name(const char *path, int64_t *seconds)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    bool found = false;
    for (const char *p = base; *p;) {
        size_t n = strspn(p, "0123456789");
        size_t with = strspn(p, "0123456789-_.");
        char day[16] = "";
        int64_t got;
        if (n == 6)
            snprintf(day, sizeof day, "20%.6s", p);
        else if (n == 8)
            snprintf(day, sizeof day, "%.8s", p);
        else if (n == 4 && with >= 10 && p[4] == p[7] && strspn(p + 5, "0123456789") == 2 &&
                 strspn(p + 8, "0123456789") == 2)
            snprintf(day, sizeof day, "%.4s-%.2s-%.2s", p, p + 5, p + 8);
        bool is = *day && weft_date_parse(day, strlen(day), &got);
        if (is && found && got != *seconds)
            return false;
        if (is) {
            *seconds = got;
            found = true;
        }
        p += is && n == 4 ? 10 : n ? n : 1;
    }
    return found;
}

/* The place of a day, with room made for it. */
static int *owner_of(struct weft_overlap *o, int64_t day)
{
    int64_t from = o->n_days && o->first_day < day ? o->first_day : day,
            to = o->n_days ? o->first_day + (int64_t)o->n_days : day + 1;
    to = to > day ? to : day + 1;
    if (from != o->first_day || to != o->first_day + (int64_t)o->n_days) {
        from -= from != o->first_day && o->n_days ? 366 : 0; /* dates that descend must not move all of it every time */
        to += 366;
        int *wider = WEFT_ARRAY(int, (size_t)(to - from));
        if (o->n_days)
            memcpy(wider + (o->first_day - from), o->owner, o->n_days * sizeof *wider);
        free(o->owner);
        o->owner = wider;
        o->first_day = from;
        o->n_days = (size_t)(to - from);
    }
    return &o->owner[day - o->first_day];
}

bool weft_overlap_after(const struct weft_overlap *o, int64_t seconds)
{
    return o->file[o->now].ends && day_of(seconds) > o->file[o->now].last_day;
}

int weft_overlap_day(struct weft_overlap *o, int64_t seconds, bool *shared, struct weft_err *e)
{
    int64_t day = day_of(seconds);
    char text[32];
    int *owner = owner_of(o, day);
    if (!*owner)
        *owner = o->now + 1;
    *shared = *owner != o->now + 1;
    if (!*shared || o->rule == WEFT_OVERLAP_ADD || o->rule == WEFT_OVERLAP_DEFAULT)
        return 1;
    if (o->rule == WEFT_OVERLAP_REPLACE)
        return 0;
    weft_fail(e, WEFT_DATA, "%s and %s both hold %s", o->file[*owner - 1].path, o->file[o->now].path,
              weft_date_text(day * DAY, DAY, text));
    return weft_fail_hint(e, "--overlap replace takes the later file's rows, --overlap add those of both");
}
