/* span.c - the only reader of raw msgpack bytes. */
#include "frame/span.h"

#include <string.h>

static uint64_t be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* What a value's first bytes say: header length, payload length, and how many values follow inside. */
struct shape {
    enum weft_kind kind;
    size_t head;       /* bytes before the payload */
    uint64_t payload;  /* bytes of payload (numbers: 0, they lie in the head) */
    uint64_t children; /* values inside an array or a map */
};

/* 1: *s filled; 0: the header itself is not whole yet; -1: byte 0xc1, which msgpack never uses. */
static int shape_of(const uint8_t *p, size_t n, struct shape *s)
{
    static const uint8_t size_bytes[3] = {1, 2, 4};
    uint8_t b = p[0];
    *s = (struct shape){.kind = WEFT_NIL, .head = 1};
    if (b <= 0x7f) {
        s->kind = WEFT_UINT;
    } else if (b <= 0x8f) {
        s->kind = WEFT_MAP;
        s->children = 2 * (uint64_t)(b & 0x0f);
    } else if (b <= 0x9f) {
        s->kind = WEFT_ARRAY;
        s->children = b & 0x0f;
    } else if (b <= 0xbf) {
        s->kind = WEFT_STR;
        s->payload = b & 0x1f;
    } else if (b >= 0xe0) {
        s->kind = WEFT_INT;
    } else {
        size_t extra = 0; /* bytes of number or length behind the first */
        switch (b) {
        case 0xc0:
            break;
        case 0xc1:
            return -1;
        case 0xc2:
        case 0xc3:
            s->kind = WEFT_BOOL;
            break;
        case 0xc4:
        case 0xc5:
        case 0xc6:
            s->kind = WEFT_BIN;
            extra = size_bytes[b - 0xc4];
            break;
        case 0xc7:
        case 0xc8:
        case 0xc9:
            s->kind = WEFT_EXT;
            extra = size_bytes[b - 0xc7];
            break;
        case 0xca:
            s->kind = WEFT_REAL;
            s->head = 5;
            break;
        case 0xcb:
            s->kind = WEFT_REAL;
            s->head = 9;
            break;
        case 0xcc:
        case 0xcd:
        case 0xce:
        case 0xcf:
            s->kind = WEFT_UINT;
            s->head = 1 + ((size_t)1 << (b - 0xcc));
            break;
        case 0xd0:
        case 0xd1:
        case 0xd2:
        case 0xd3:
            s->kind = WEFT_INT;
            s->head = 1 + ((size_t)1 << (b - 0xd0));
            break;
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8:
            s->kind = WEFT_EXT;
            s->head = 2;
            s->payload = (uint64_t)1 << (b - 0xd4);
            break;
        case 0xd9:
        case 0xda:
        case 0xdb:
            s->kind = WEFT_STR;
            extra = size_bytes[b - 0xd9];
            break;
        case 0xdc:
        case 0xdd:
            s->kind = WEFT_ARRAY;
            extra = size_bytes[b - 0xdc + 1];
            break;
        default: /* 0xde, 0xdf */
            s->kind = WEFT_MAP;
            extra = size_bytes[b - 0xde + 1];
            break;
        }
        if (extra) {
            if (n < 1 + extra)
                return 0;
            uint64_t v = be(p + 1, extra);
            s->head = 1 + extra + (s->kind == WEFT_EXT);
            if (s->kind == WEFT_ARRAY)
                s->children = v;
            else if (s->kind == WEFT_MAP)
                s->children = 2 * v;
            else
                s->payload = v;
        }
    }
    return n >= s->head;
}

int weft_walk(struct weft_walker *w, const uint8_t *p, size_t n, size_t max, struct weft_err *e)
{
    if (w->off > 0 && w->depth == 0)
        return 1;
    for (;;) {
        if (w->off >= n)
            return 0;
        struct shape s;
        int got = shape_of(p + w->off, n - w->off, &s);
        if (got < 0)
            return weft_fail(e, WEFT_DATA, "byte %zu of the frame (0xc1) is not msgpack", w->off);
        if (!got)
            return 0;
        if (s.payload > max || w->off + s.head + s.payload > max || s.children > max)
            return weft_fail(e, WEFT_DATA, "a frame of more than %zu bytes", max);
        if (s.payload > n - w->off - s.head)
            return 0;
        w->off += s.head + (size_t)s.payload;
        if (s.children) {
            if (w->depth == WEFT_MAX_DEPTH)
                return weft_fail(e, WEFT_DATA, "a frame nested deeper than %d levels", WEFT_MAX_DEPTH);
            w->left[w->depth++] = s.children;
            continue;
        }
        while (w->depth && --w->left[w->depth - 1] == 0)
            w->depth--;
        if (!w->depth)
            return 1;
    }
}

/* Length of the value at the front of p, which must lie wholly in it; 0 when it does not. */
static size_t whole_length(const uint8_t *p, size_t n)
{
    struct weft_walker w = {0};
    return weft_walk(&w, p, n, SIZE_MAX / 4, NULL) == 1 ? w.off : 0;
}

static void read_number(const uint8_t *p, const struct shape *s, struct weft_value *v)
{
    if (s->kind == WEFT_REAL) {
        if (s->head == 5) {
            uint32_t bits = (uint32_t)be(p + 1, 4);
            float f;
            memcpy(&f, &bits, sizeof f);
            v->real = f;
        } else {
            uint64_t bits = be(p + 1, 8);
            memcpy(&v->real, &bits, sizeof v->real);
        }
        return;
    }
    if (s->kind == WEFT_UINT) {
        v->u = s->head == 1 ? p[0] : be(p + 1, s->head - 1);
        v->i = v->u <= INT64_MAX ? (int64_t)v->u : INT64_MAX;
        v->real = (double)v->u;
        return;
    }
    if (s->head == 1) {
        v->i = (int8_t)p[0]; /* NOLINT(bugprone-signed-char-misuse,cert-str34-c): its sign is meant */
    } else {
        unsigned shift = (unsigned)(64 - 8 * (s->head - 1));
        v->i = (int64_t)(be(p + 1, s->head - 1) << shift) >> shift;
    }
    if (v->i >= 0)
        v->kind = WEFT_UINT;
    v->u = v->i >= 0 ? (uint64_t)v->i : 0;
    v->real = (double)v->i;
}

bool weft_value_next(struct weft_span *s, struct weft_value *v)
{
    struct shape sh;
    if (!s->n || shape_of(s->p, s->n, &sh) != 1)
        return false;
    size_t len;
    if (sh.kind == WEFT_ARRAY || sh.kind == WEFT_MAP)
        len = whole_length(s->p, s->n);
    else
        len = sh.payload <= s->n - sh.head ? sh.head + (size_t)sh.payload : 0;
    if (!len)
        return false;
    *v = (struct weft_value){.kind = sh.kind};
    v->whole = (struct weft_span){s->p, len};
    v->body = (struct weft_span){s->p + sh.head, len - sh.head};
    if (sh.kind == WEFT_MAP)
        v->count = (uint32_t)(sh.children / 2);
    else if (sh.kind == WEFT_ARRAY)
        v->count = (uint32_t)sh.children;
    else if (sh.kind == WEFT_BOOL)
        v->b = s->p[0] == 0xc3;
    else if (sh.kind == WEFT_EXT)
        v->ext = (int8_t)s->p[sh.head - 1];
    else if (sh.kind == WEFT_UINT || sh.kind == WEFT_INT || sh.kind == WEFT_REAL)
        read_number(s->p, &sh, v);
    s->p += len;
    s->n -= len;
    return true;
}

bool weft_value_is(const struct weft_value *v, const char *s)
{
    size_t n = strlen(s);
    return v->kind == WEFT_STR && v->body.n == n && memcmp(v->body.p, s, n) == 0;
}

bool weft_map_find(struct weft_span map, const char *key, struct weft_value *v)
{
    struct weft_value m, k, found;
    if (!weft_value_next(&map, &m) || m.kind != WEFT_MAP)
        return false;
    struct weft_span body = m.body;
    for (uint32_t i = 0; i < m.count; i++) {
        if (!weft_value_next(&body, &k) || !weft_value_next(&body, &found))
            return false;
        if (weft_value_is(&k, key)) {
            *v = found;
            return true;
        }
    }
    return false;
}
