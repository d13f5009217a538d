/* stream.c - head, frames, tail or fault. */
#include "frame/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "frame/pack.h"
#include "frame/endpoint.h"
#include "base/mem.h"
#include "base/stop.h"

enum { READ_BYTES = 1 << 20, WRITE_BYTES = 256 << 10 };

/* --- attributes --- */

bool weft_attr_int(const struct weft_head *h, const char *key, int64_t *out)
{
    struct weft_value v;
    if (!weft_map_find(h->attrs, key, &v) || (v.kind != WEFT_UINT && v.kind != WEFT_INT))
        return false;
    *out = v.i;
    return true;
}

bool weft_attr_real(const struct weft_head *h, const char *key, double *out)
{
    struct weft_value v;
    if (!weft_map_find(h->attrs, key, &v) || (v.kind != WEFT_UINT && v.kind != WEFT_INT && v.kind != WEFT_REAL))
        return false;
    *out = v.real;
    return true;
}

bool weft_attr_str(const struct weft_head *h, const char *key, char *out, size_t cap)
{
    struct weft_value v;
    if (!weft_map_find(h->attrs, key, &v) || v.kind != WEFT_STR || v.body.n >= cap || memchr(v.body.p, 0, v.body.n))
        return false;
    memcpy(out, v.body.p, v.body.n);
    out[v.body.n] = 0;
    return true;
}

bool weft_head_is(const struct weft_head *h, const char *name)
{
    size_t n = strcspn(name, "/");
    return strncmp(h->schema, name, n) == 0 && h->schema[n] == '/';
}

bool weft_attr_strs(const struct weft_head *h, const char *key, char ***items, size_t *n)
{
    struct weft_value v, x;
    if (!weft_map_find(h->attrs, key, &v) || v.kind != WEFT_ARRAY)
        return false;
    /* Texts lie behind the pointers; each is at most its bytes in the array plus a NUL. */
    size_t bytes = ((size_t)v.count + 1) * sizeof(char *) + v.body.n + v.count;
    char **list = weft_xmalloc(bytes);
    char *text = (char *)(list + v.count + 1);
    struct weft_span body = v.body;
    for (uint32_t i = 0; i < v.count; i++) {
        if (!weft_value_next(&body, &x) || x.kind != WEFT_STR || memchr(x.body.p, 0, x.body.n)) {
            free(list);
            return false;
        }
        list[i] = text;
        memcpy(text, x.body.p, x.body.n);
        text[x.body.n] = 0;
        text += x.body.n + 1;
    }
    list[v.count] = NULL;
    *items = list;
    *n = v.count;
    return true;
}

/* --- reading --- */

/* What one program counted. */
struct tally {
    char program[64];
    uint64_t in, out, rejected;
};

/* A stream's state between head and tail. A socket with several producers interleaves as many streams. */
struct part {
    uint32_t crc;
    uint64_t frames;
    bool headed;
};

struct weft_reader {
    struct weft_source *src;
    struct part *parts; /* [producers], or one */
    int at;             /* the part that the last map belongs to */
    char *name;
    size_t frame_max;
    uint8_t *buf; /* [cap]; bytes at [pos, end) are not handed out yet */
    size_t cap, pos, end;
    bool eof, ended;
    struct weft_pack head_bytes; /* a copy: spans of `head` point into it */
    struct weft_head head;
    uint64_t count;        /* frames handed out */
    struct tally *tallies; /* of all tails */
    size_t n_tallies;
    struct weft_pack counts;
    char culprit[64];
    int culprit_exit;
};

/* Name of the program that wrote the last lineage entry: who is above us. */
static void last_program(struct weft_span lineage, char *out, size_t cap)
{
    struct weft_value list, item, v;
    snprintf(out, cap, "%s", "the program above");
    if (!weft_value_next(&lineage, &list) || list.kind != WEFT_ARRAY)
        return;
    struct weft_span body = list.body;
    for (uint32_t i = 0; i < list.count; i++)
        if (!weft_value_next(&body, &item))
            return;
    if (list.count && weft_map_find(item.whole, "program", &v) && v.kind == WEFT_STR && v.body.n < cap) {
        memcpy(out, v.body.p, v.body.n);
        out[v.body.n] = 0;
    }
}

static bool is_map(uint8_t b)
{
    return (b >= 0x80 && b <= 0x8f) || b == 0xde || b == 0xdf;
}

/* Makes room for at least `need` bytes behind pos. */
static void make_room(struct weft_reader *r, size_t need)
{
    if (r->pos && (r->cap - r->pos < need || r->end == r->pos)) {
        memmove(r->buf, r->buf + r->pos, r->end - r->pos);
        r->end -= r->pos;
        r->pos = 0;
    }
    if (r->cap - r->pos < need) {
        r->cap = weft_grow(r->cap, r->pos + need);
        r->buf = weft_xrealloc(r->buf, r->cap);
    }
}

/* A message of a socket must be one whole map. */
static int next_message(struct weft_reader *r, struct weft_wire_reader *wire, struct weft_span *map, struct weft_err *e)
{
    struct weft_walker w = {0};
    int got = weft_wire_reader_next(wire, &r->at, map, e);
    if (got <= 0)
        return got;
    if (!map->n || !is_map(map->p[0]) || weft_walk(&w, map->p, map->n, r->frame_max, e) != 1 || w.off != map->n)
        return weft_fail(e, WEFT_DATA, "a message that is no frame");
    return 1;
}

/* The next whole map: 1 and *map; 0 at the end of the bytes (nothing left over); -1. */
static int next_map(struct weft_reader *r, struct weft_span *map, struct weft_err *e)
{
    struct weft_walker w = {0};
    struct weft_wire_reader *wire = weft_source_wire(r->src);
    if (wire)
        return next_message(r, wire, map, e);
    for (;;) {
        size_t have = r->end - r->pos;
        if (have) {
            if (!is_map(r->buf[r->pos]))
                return weft_fail(e, WEFT_DATA, "byte 0x%02x where a frame should begin", r->buf[r->pos]);
            int got = weft_walk(&w, r->buf + r->pos, have, r->frame_max, e);
            if (got < 0)
                return -1;
            if (got) {
                *map = (struct weft_span){r->buf + r->pos, w.off};
                r->pos += w.off;
                return 1;
            }
        }
        if (r->eof) {
            if (!have)
                return 0;
            return weft_fail(e, WEFT_UPSTREAM, "stopped: the stream ends in the middle of a frame");
        }
        /* Grow with what arrives, not with what a length field claims. */
        make_room(r, have + (have > READ_BYTES ? have : READ_BYTES));
        long got = weft_source_read(r->src, r->buf + r->end, r->cap - r->end, e);
        if (got < 0)
            return -1;
        r->end += (size_t)got;
        r->eof = got == 0;
    }
}

/* First key of a map decides what it is. */
static bool first_key_is(struct weft_span map, const char *key)
{
    struct weft_value m, k;
    if (!weft_value_next(&map, &m) || !m.count)
        return false;
    struct weft_span body = m.body;
    return weft_value_next(&body, &k) && weft_value_is(&k, key);
}

static int read_fault(struct weft_reader *r, struct weft_span map, struct weft_err *e)
{
    struct weft_value f, v;
    snprintf(r->culprit, sizeof r->culprit, "the program above");
    r->culprit_exit = WEFT_UPSTREAM;
    if (weft_map_find(map, "fault", &f)) {
        if (weft_map_find(f.whole, "program", &v) && v.kind == WEFT_STR && v.body.n < sizeof r->culprit) {
            memcpy(r->culprit, v.body.p, v.body.n);
            r->culprit[v.body.n] = 0;
        }
        if (weft_map_find(f.whole, "exit", &v) && v.kind == WEFT_UINT && v.u < 256)
            r->culprit_exit = (int)v.u;
    }
    return weft_fail(e, WEFT_UPSTREAM, "stopped: %s failed (%d)", r->culprit, r->culprit_exit);
}

int weft_head_read(struct weft_span map, struct weft_head *h, struct weft_err *e)
{
    struct weft_value version, schema, attrs, lineage;
    if (!weft_map_find(map, "weft", &version) || version.kind != WEFT_UINT)
        return weft_fail(e, WEFT_DATA, "a head without a version");
    if (version.u != WEFT_STREAM_VERSION) {
        weft_fail(e, WEFT_DATA, "a stream of version %llu, and this program reads version %d",
                  (unsigned long long)version.u, WEFT_STREAM_VERSION);
        return weft_fail_hint(e, "use the same release of weft on both sides");
    }
    if (!weft_map_find(map, "schema", &schema) || schema.kind != WEFT_STR || schema.body.n >= sizeof h->schema ||
        !schema.body.n)
        return weft_fail(e, WEFT_DATA, "a head without a schema");
    if (!weft_map_find(map, "attrs", &attrs) || attrs.kind != WEFT_MAP)
        return weft_fail(e, WEFT_DATA, "a head without attrs");
    if (!weft_map_find(map, "lineage", &lineage) || lineage.kind != WEFT_ARRAY)
        return weft_fail(e, WEFT_DATA, "a head without lineage");
    memcpy(h->schema, schema.body.p, schema.body.n);
    h->schema[schema.body.n] = 0;
    h->attrs = attrs.whole;
    h->lineage = lineage.whole;
    return 0;
}

static int read_head(struct weft_reader *r, struct weft_span map, struct weft_pack *copy, struct weft_head *h,
                     struct weft_err *e)
{
    weft_pack_clear(copy);
    weft_pack_raw(copy, map);
    if (weft_head_read(weft_pack_span(copy), h, e) < 0)
        return -1;
    r->parts[r->at] = (struct part){.crc = weft_crc32c(0, map.p, map.n), .headed = true};
    return 0;
}

/* "series/1, windows/1 or products/1". */
static const char *schemas_text(const char *schemas, char *buf, size_t cap)
{
    size_t used = 0;
    for (const char *p = schemas; *p && used < cap;) {
        size_t n = strcspn(p, "|");
        const char *join = strchr(p + n + (p[n] != 0), '|') ? ", " : " or ";
        used += (size_t)snprintf(buf + used, cap - used, "%.*s%s", (int)n, p, p[n] ? join : "");
        p += n + (p[n] != 0);
    }
    return buf;
}

/* schemas: "series/1|windows/1". */
static int check_schema(const struct weft_head *h, const char *schemas, struct weft_err *e)
{
    char above[64], list[128];
    bool another = false;
    for (const char *p = schemas; p; p = *p ? p + 1 : NULL) {
        size_t n = strcspn(p, "|");
        if (strlen(h->schema) == n && memcmp(h->schema, p, n) == 0)
            return 0;
        another = another || weft_head_is(h, p);
        p += n;
    }
    if (!schemas)
        return 0;
    schemas_text(schemas, list, sizeof list);
    if (another) {
        weft_fail(e, WEFT_DATA, "a %s stream, and this program reads %s", h->schema, list);
        return weft_fail_hint(e, "use the same release of weft on both sides");
    }
    last_program(h->lineage, above, sizeof above);
    weft_fail(e, WEFT_DATA, "a %s stream (from %s), and this program reads %s", h->schema, above, list);
    return weft_fail_hint(e, "see --help for what comes before it");
}

/* The first bytes are no stream: says what they look like. */
static int not_a_stream(struct weft_reader *r, struct weft_err *e)
{
    char text[24];
    size_t n = 0;
    for (size_t i = r->pos; i < r->end && n < sizeof text - 1; i++) {
        uint8_t b = r->buf[i];
        if (b < 0x20 || b == 0x7f)
            break;
        text[n++] = (char)b;
    }
    text[n] = 0;
    if (e)
        *e = (struct weft_err){0};
    weft_fail(e, WEFT_DATA, "not a weft stream%s%s%s", n > 3 ? ": it begins with \"" : "", n > 3 ? text : "",
              n > 3 ? "\"" : "");
    return weft_fail_hint(e, "CSV goes through `weft ingest` first");
}

static int open_head(struct weft_reader *r, const char *schema, struct weft_err *e)
{
    struct weft_span map;
    int got = next_map(r, &map, e);
    if (got == 0) {
        snprintf(r->culprit, sizeof r->culprit, "the program above");
        r->culprit_exit = WEFT_UPSTREAM;
        return weft_fail(
            e, WEFT_UPSTREAM,
            "stopped: no stream arrived; the program above failed before its head, or nothing is piped in");
    }
    if (got < 0)
        return r->pos == 0 && r->end && (!e || e->code == WEFT_DATA) ? not_a_stream(r, e) : -1;
    if (first_key_is(map, "fault"))
        return read_fault(r, map, e);
    if (!first_key_is(map, "weft"))
        return weft_fail(e, WEFT_DATA, "not a weft stream: no head");
    if (read_head(r, map, &r->head_bytes, &r->head, e) < 0)
        return -1;
    return check_schema(&r->head, schema, e);
}

int weft_reader_open(const char *endpoint, const char *schema, const struct weft_stream_opts *o,
                     struct weft_reader **out, struct weft_err *e)
{
    struct weft_reader *r = WEFT_NEW(struct weft_reader);
    *out = r;
    r->name = weft_xstrdup(endpoint);
    r->frame_max = o->frame_max;
    r->culprit_exit = WEFT_UPSTREAM;
    r->parts = WEFT_ARRAY(struct part, (size_t)(o->wire.producers > 1 ? o->wire.producers : 1));
    if (weft_source_open(endpoint, &o->wire, &r->src, e) < 0)
        return -1;
    if (open_head(r, schema, e) < 0) {
        if (strcmp(endpoint, "-") != 0)
            weft_fail_where(e, "%s", endpoint);
        return -1;
    }
    return 0;
}

const struct weft_head *weft_reader_head(const struct weft_reader *r)
{
    return &r->head;
}

static uint64_t count_of(struct weft_span map, const char *key)
{
    struct weft_value v;
    return weft_map_find(map, key, &v) && v.kind == WEFT_UINT ? v.u : 0;
}

/* Joins a tail's counts: the streams of a concatenation went through the same programs, so their counts add up. */
static void add_counts(struct weft_reader *r, const struct weft_value *counts)
{
    struct weft_span body = counts->body;
    struct weft_value item, name;
    for (size_t i = 0; weft_value_next(&body, &item); i++) {
        struct tally t = {.program = "?"};
        if (weft_map_find(item.whole, "program", &name) && name.kind == WEFT_STR && name.body.n < sizeof t.program) {
            memcpy(t.program, name.body.p, name.body.n);
            t.program[name.body.n] = 0;
        }
        if (i >= r->n_tallies || strcmp(r->tallies[i].program, t.program) != 0) {
            r->tallies = weft_xrealloc2(r->tallies, r->n_tallies + 1, sizeof t);
            i = r->n_tallies++;
            r->tallies[i] = t;
        }
        r->tallies[i].in += count_of(item.whole, "in");
        r->tallies[i].out += count_of(item.whole, "out");
        r->tallies[i].rejected += count_of(item.whole, "rejected");
    }
}

static int check_tail(struct weft_reader *r, struct weft_span map, struct weft_err *e)
{
    struct weft_value end, crc, counts;
    if (!weft_map_find(map, "end", &end) || end.kind != WEFT_UINT || !weft_map_find(map, "counts", &counts) ||
        counts.kind != WEFT_ARRAY || !weft_map_find(map, "crc32c", &crc) || crc.kind != WEFT_UINT)
        return weft_fail(e, WEFT_DATA, "a tail without end, counts and crc32c");
    struct part *p = &r->parts[r->at];
    if (end.u != p->frames)
        return weft_fail(e, WEFT_DATA, "the tail counts %llu frames and %llu arrived: frames were lost on the way",
                         (unsigned long long)end.u, (unsigned long long)p->frames);
    uint32_t sum = weft_crc32c(p->crc, counts.whole.p, counts.whole.n);
    if (crc.u != sum)
        return weft_fail(e, WEFT_DATA, "checksum %08llx in the tail, %08x over the bytes: the stream was damaged",
                         (unsigned long long)crc.u, sum);
    add_counts(r, &counts);
    p->headed = false;
    struct weft_wire_reader *wire = weft_source_wire(r->src);
    return wire ? weft_wire_reader_done(wire, r->at, e) : 0;
}

/* The attrs without what says how their table was read. */
static void without_notes(struct weft_span attrs, struct weft_pack *out)
{
    struct weft_edit edit = {0};
    if (weft_edit_load(&edit, attrs, NULL) == 0) {
        weft_edit_drop(&edit, "coverage");
        weft_edit_drop(&edit, "columns");
        weft_edit_write(&edit, out);
    }
    weft_edit_free(&edit);
}

bool weft_attrs_agree(struct weft_span a, struct weft_span b)
{
    if (a.n == b.n && memcmp(a.p, b.p, a.n) == 0)
        return true;
    struct weft_pack x = {0}, y = {0};
    without_notes(a, &x);
    without_notes(b, &y);
    bool agree = x.n && x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
    weft_pack_free(&x);
    weft_pack_free(&y);
    return agree;
}

/* Another whole stream behind a tail, or of another producer: it must be of the same kind. */
static int further_head(struct weft_reader *r, struct weft_span map, struct weft_err *e)
{
    struct weft_pack copy = {0};
    struct weft_head h = {0};
    int rc = read_head(r, map, &copy, &h, e);
    if (rc == 0 && (strcmp(h.schema, r->head.schema) != 0 || !weft_attrs_agree(h.attrs, r->head.attrs))) {
        weft_fail(e, WEFT_DATA, "a second stream begins here, and its schema or attrs are others");
        rc = weft_fail_hint(e, "join streams with `weft frames cat`");
    }
    weft_pack_free(&copy);
    return rc;
}

/* The bytes end: well between streams, badly inside one. */
static int at_end(struct weft_reader *r, struct weft_err *e)
{
    if (!r->parts[r->at].headed) {
        r->ended = true;
        return 0;
    }
    last_program(r->head.lineage, r->culprit, sizeof r->culprit);
    return weft_fail(e, WEFT_UPSTREAM,
                     "stopped: the stream of %s ends after %llu frames without a tail; it failed, was killed, or the "
                     "file is cut short",
                     r->culprit, (unsigned long long)r->count);
}

static int next_frame(struct weft_reader *r, struct weft_span *frame, struct weft_err *e)
{
    for (;;) {
        struct weft_span map;
        int got = next_map(r, &map, e);
        if (got == 0)
            return at_end(r, e);
        if (got < 0) {
            last_program(r->head.lineage, r->culprit, sizeof r->culprit);
            if (weft_stop_signal()) /* ours is the end, and nobody else's fault */
                return got;
            return weft_fail_hint(e, "%s failed or was killed after frame %llu, or the file is cut short or damaged",
                                  r->culprit, (unsigned long long)r->count);
        }
        struct part *p = &r->parts[r->at];
        if (first_key_is(map, "fault"))
            return read_fault(r, map, e);
        bool head = first_key_is(map, "weft"), tail = first_key_is(map, "end");
        if (head ? p->headed : !p->headed)
            return weft_fail(e, WEFT_DATA,
                             head ? "a head without a tail before it" : "bytes behind the tail that are no head");
        if (head && further_head(r, map, e) < 0)
            return -1;
        if (tail && check_tail(r, map, e) < 0)
            return -1;
        if (head || tail)
            continue;
        p->crc = weft_crc32c(p->crc, map.p, map.n);
        p->frames++;
        r->count++;
        *frame = map;
        return 1;
    }
}

int weft_reader_next(struct weft_reader *r, struct weft_span *frame, struct weft_err *e)
{
    if (r->ended)
        return 0;
    int got = next_frame(r, frame, e);
    if (got < 0 && strcmp(r->name, "-") != 0)
        weft_fail_where(e, "%s", r->name);
    return got;
}

uint64_t weft_reader_count(const struct weft_reader *r)
{
    return r->count;
}

struct weft_span weft_reader_counts(const struct weft_reader *r)
{
    struct weft_pack *b = &((struct weft_reader *)(uintptr_t)r)->counts; /* a cache: made when asked for */
    weft_pack_clear(b);
    weft_pack_array(b, (uint32_t)r->n_tallies);
    for (size_t i = 0; i < r->n_tallies; i++)
        weft_pack_tally(b, r->tallies[i].program, r->tallies[i].in, r->tallies[i].out, r->tallies[i].rejected);
    return weft_pack_span(b);
}

void weft_pack_tally(struct weft_pack *b, const char *program, uint64_t in, uint64_t out, uint64_t rejected)
{
    weft_pack_map(b, 4);
    weft_pack_cstr(b, "program");
    weft_pack_cstr(b, program);
    weft_pack_cstr(b, "in");
    weft_pack_uint(b, in);
    weft_pack_cstr(b, "out");
    weft_pack_uint(b, out);
    weft_pack_cstr(b, "rejected");
    weft_pack_uint(b, rejected);
}

bool weft_reader_ready(struct weft_reader *r)
{
    if (r->eof)
        return true;
    if (weft_source_wire(r->src))
        return weft_source_ready(r->src);
    if (r->end > r->pos) {
        struct weft_walker w = {0};
        if (weft_walk(&w, r->buf + r->pos, r->end - r->pos, r->frame_max, NULL) != 0)
            return true;
    }
    return weft_source_ready(r->src);
}

void weft_reader_culprit(const struct weft_reader *r, const char **program, int *exit_code)
{
    *program = r->culprit[0] ? r->culprit : NULL;
    *exit_code = r->culprit_exit;
}

const char *weft_reader_name(const struct weft_reader *r)
{
    return r->name;
}

void weft_reader_close(struct weft_reader **rp)
{
    struct weft_reader *r = *rp;
    if (!r)
        return;
    weft_source_close(&r->src);
    weft_pack_free(&r->head_bytes);
    weft_pack_free(&r->counts);
    free(r->tallies);
    free(r->parts);
    free(r->buf);
    free(r->name);
    free(r);
    *rp = NULL;
}

/* --- writing --- */

struct weft_writer {
    struct weft_sink *sink;
    struct weft_pack buf;
    uint32_t crc;
    uint64_t count;
    bool headed, ended, broken;
};

int weft_writer_open(const char *endpoint, const struct weft_stream_opts *o, struct weft_writer **out,
                     struct weft_err *e)
{
    struct weft_writer *w = WEFT_NEW(struct weft_writer);
    *out = w;
    return weft_sink_open(endpoint, &o->wire, &w->sink, e);
}

int weft_writer_flush(struct weft_writer *w, struct weft_err *e)
{
    if (!w->buf.n)
        return 0;
    int rc = weft_sink_write(w->sink, w->buf.p, w->buf.n, e);
    weft_pack_clear(&w->buf);
    w->broken |= rc < 0;
    return rc;
}

void weft_head_pack(struct weft_pack *b, const char *schema, struct weft_span attrs, struct weft_span lineage)
{
    weft_pack_map(b, 4);
    weft_pack_cstr(b, "weft");
    weft_pack_int(b, WEFT_STREAM_VERSION);
    weft_pack_cstr(b, "schema");
    weft_pack_cstr(b, schema);
    weft_pack_cstr(b, "attrs");
    weft_pack_raw(b, attrs);
    weft_pack_cstr(b, "lineage");
    weft_pack_raw(b, lineage);
}

void weft_tail_pack(struct weft_pack *b, uint64_t count, uint32_t crc, struct weft_span counts)
{
    weft_pack_map(b, 3);
    weft_pack_cstr(b, "end");
    weft_pack_uint(b, count);
    weft_pack_cstr(b, "counts");
    weft_pack_raw(b, counts);
    weft_pack_cstr(b, "crc32c");
    weft_pack_uint(b, weft_crc32c(crc, counts.p, counts.n));
}

int weft_writer_head(struct weft_writer *w, const char *schema, struct weft_span attrs, struct weft_span lineage,
                     struct weft_err *e)
{
    if (w->headed)
        return weft_fail(e, WEFT_BUG, "two heads");
    size_t start = w->buf.n;
    weft_head_pack(&w->buf, schema, attrs, lineage);
    w->crc = weft_crc32c(0, w->buf.p + start, w->buf.n - start);
    w->headed = true;
    return weft_writer_flush(w, e);
}

int weft_writer_frame(struct weft_writer *w, struct weft_span frame, struct weft_err *e)
{
    if (!w->headed || w->ended)
        return weft_fail(e, WEFT_BUG, "a frame outside of head and tail");
    w->crc = weft_crc32c(w->crc, frame.p, frame.n);
    w->count++;
    if (frame.n >= WRITE_BYTES || weft_sink_by_map(w->sink)) {
        if (weft_writer_flush(w, e) < 0)
            return -1;
        return weft_sink_write(w->sink, frame.p, frame.n, e);
    }
    weft_pack_raw(&w->buf, frame);
    return w->buf.n >= WRITE_BYTES ? weft_writer_flush(w, e) : 0;
}

int weft_writer_control(struct weft_writer *w, struct weft_span map, struct weft_err *e)
{
    weft_pack_raw(&w->buf, map);
    return w->buf.n >= WRITE_BYTES ? weft_writer_flush(w, e) : 0;
}

int weft_writer_end(struct weft_writer *w, struct weft_span counts, struct weft_err *e)
{
    if (!w->headed || w->ended)
        return weft_fail(e, WEFT_BUG, "a tail without a head");
    weft_tail_pack(&w->buf, w->count, w->crc, counts);
    w->ended = true;
    if (weft_writer_flush(w, e) < 0)
        return -1;
    return weft_sink_commit(w->sink, e);
}

void weft_writer_fault(struct weft_writer *w, const char *program, int exit_code, const char *message)
{
    if (!w->sink || w->ended || w->broken || weft_sink_is_file(w->sink))
        return;
    weft_pack_map(&w->buf, 1);
    weft_pack_cstr(&w->buf, "fault");
    weft_pack_map(&w->buf, 3);
    weft_pack_cstr(&w->buf, "program");
    weft_pack_cstr(&w->buf, program);
    weft_pack_cstr(&w->buf, "exit");
    weft_pack_int(&w->buf, exit_code);
    weft_pack_cstr(&w->buf, "message");
    weft_pack_cstr(&w->buf, message);
    w->ended = true;
    weft_sink_hurry(w->sink);
    (void)!weft_writer_flush(w, NULL);
}

void weft_head_program(const struct weft_head *h, char *buf, size_t cap)
{
    last_program(h->lineage, buf, cap);
}

uint64_t weft_writer_count(const struct weft_writer *w)
{
    return w->count;
}

void weft_writer_close(struct weft_writer **wp)
{
    if (!*wp)
        return;
    weft_sink_close(&(*wp)->sink);
    weft_pack_free(&(*wp)->buf);
    free(*wp);
    *wp = NULL;
}
