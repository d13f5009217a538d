/* hierarchy.c - frames of several levels, and who is whose parent. */
#include "rank/hierarchy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"

enum { LEVELS_MAX = 32 };

/* A frame as it came. */
struct item {
    struct weft_span frame;    /* owned */
    size_t sheet, level, node; /* numbers in the order in which they were met */
};

/* A node as it was met: its level's number and its id. */
struct node {
    size_t level, item; /* item: its first frame, for its keys */
    uint64_t members;   /* 0: not said */
};

struct weft_hierarchy {
    struct weft_forecasts_attrs attrs, now; /* of all streams; of the current one */
    bool headed;
    struct weft_names keys, channels; /* of any stream */
    char **key_list, **channel_list;  /* the same as attrs wants them */
    struct weft_forecasts f;
    struct weft_names levels, nodes, sheets; /* level texts ("": the lowest); "LEVEL\0ID"; model, channel, ... */
    struct item *item;
    struct node *node;
    size_t n_items, cap_items, cap_nodes;
    /* As told, or as found. */
    char *order[LEVELS_MAX]; /* from the top */
    size_t n_order;
    bool told;
    uint64_t unnamed, again; /* frames of levels that are not wanted; frames that had come before */
    /* After finish: nodes in the order of the tree. */
    size_t n, *parent, *level;
    struct weft_span *frames; /* [n_sheets, n] */
    size_t n_sheets;
    struct weft_pack key;
};

struct weft_hierarchy *weft_hierarchy_new(char *const *levels, size_t n_levels)
{
    struct weft_hierarchy *h = WEFT_NEW(struct weft_hierarchy);
    h->told = n_levels > 0;
    for (size_t i = 0; i < n_levels && i < LEVELS_MAX; i++)
        h->order[h->n_order++] = weft_xstrdup(levels[i]);
    return h;
}

void weft_hierarchy_free(struct weft_hierarchy **hp)
{
    struct weft_hierarchy *h = *hp;
    if (!h)
        return;
    for (size_t i = 0; i < h->n_items; i++)
        free((void *)(uintptr_t)h->item[i].frame.p);
    for (size_t i = 0; i < h->n_order; i++)
        free(h->order[i]);
    weft_forecasts_attrs_free(&h->now);
    weft_forecasts_free(&h->f);
    weft_names_free(&h->keys);
    weft_names_free(&h->channels);
    weft_names_free(&h->levels);
    weft_names_free(&h->nodes);
    weft_names_free(&h->sheets);
    free(h->key_list);
    free(h->channel_list);
    free(h->item);
    free(h->node);
    free(h->parent);
    free(h->level);
    free(h->frames);
    weft_pack_free(&h->key);
    free(h);
    *hp = NULL;
}

/* --- in --- */

int weft_hierarchy_head(struct weft_hierarchy *h, const struct weft_head *head, struct weft_err *e)
{
    weft_forecasts_attrs_free(&h->now);
    if (weft_forecasts_attrs_read(head, &h->now, e) < 0)
        return -1;
    const struct weft_forecasts_attrs *a = &h->attrs, *b = &h->now;
    bool quantiles = a->n_levels == b->n_levels && memcmp(a->levels, b->levels, b->n_levels * sizeof *b->levels) == 0;
    const char *other = a->step != b->step         ? "step"
                        : a->horizon != b->horizon ? "horizon"
                        : a->season != b->season   ? "season"
                        : a->scale != b->scale     ? "scale"
                                                   : NULL;
    if (h->headed && (other || !quantiles))
        return weft_fail(e, WEFT_CONFIG, "forecasts with %s %s than the first stream has", other ? "another" : "other",
                         other ? other : "quantiles");
    if (!h->headed)
        h->attrs = *b;
    h->headed = true;
    for (size_t k = 0; k < b->n_keys; k++)
        weft_names_add(&h->keys, b->keys[k], strlen(b->keys[k]));
    for (size_t c = 0; c < b->n_channels; c++)
        weft_names_add(&h->channels, b->channels[c], strlen(b->channels[c]));
    if (h->keys.n > WEFT_MAX_KEYS - 1)
        return weft_fail(e, WEFT_DATA, "more than %d keys", WEFT_MAX_KEYS - 1);
    return 0;
}

static void put(struct weft_hierarchy *h, const void *p, size_t n)
{
    weft_pack_raw(&h->key, (struct weft_span){p, n});
    weft_pack_raw(&h->key, (struct weft_span){(const uint8_t *)"", 1});
}

static size_t sheet_of(struct weft_hierarchy *h)
{
    const struct weft_forecasts *f = &h->f;
    const int64_t numbers[] = {f->origin, f->stride, (int64_t)f->windows};
    weft_pack_clear(&h->key);
    put(h, f->model.p, f->model.n);
    put(h, f->channel.p, f->channel.n);
    put(h, f->part.p, f->part.n);
    put(h, numbers, sizeof numbers);
    return weft_names_add(&h->sheets, h->key.p, h->key.n);
}

static size_t node_of(struct weft_hierarchy *h, size_t level, struct weft_span frame)
{
    struct weft_value v;
    weft_pack_clear(&h->key);
    put(h, &level, sizeof level);
    put(h, h->f.id.p, h->f.id.n);
    size_t n = h->nodes.n, i = weft_names_add(&h->nodes, h->key.p, h->key.n);
    if (i < n)
        return i;
    if (h->nodes.n > h->cap_nodes) {
        h->cap_nodes = weft_grow(h->cap_nodes, h->nodes.n);
        h->node = weft_xrealloc2(h->node, h->cap_nodes, sizeof *h->node);
    }
    bool counted = weft_map_find(frame, "members", &v) && v.kind == WEFT_UINT;
    h->node[i] = (struct node){level, h->n_items, counted ? v.u : 0};
    return i;
}

int weft_hierarchy_add(struct weft_hierarchy *h, struct weft_span frame, struct weft_err *e)
{
    struct weft_value v;
    if (weft_forecasts_read(frame, &h->now, &h->f, e) < 0)
        return -1;
    bool named = weft_map_find(frame, "level", &v) && v.kind == WEFT_STR;
    if (h->n_items == h->cap_items) {
        h->cap_items = weft_grow(h->cap_items, h->n_items + 1);
        h->item = weft_xrealloc2(h->item, h->cap_items, sizeof *h->item);
    }
    struct item it = {.sheet = sheet_of(h),
                      .level =
                          weft_names_add(&h->levels, named ? v.body.p : (const uint8_t *)"", named ? v.body.n : 0)};
    it.node = node_of(h, it.level, frame);
    uint8_t *copy = weft_xmalloc(frame.n);
    memcpy(copy, frame.p, frame.n);
    it.frame = (struct weft_span){copy, frame.n};
    h->item[h->n_items++] = it;
    return 0;
}

/* --- levels --- */

/* Levels as they came, those with fewer nodes higher; what has no level is the lowest. */
static int find_order(struct weft_hierarchy *h, struct weft_err *e)
{
    size_t count[LEVELS_MAX] = {0}, at[LEVELS_MAX], n = h->levels.n;
    if (n > LEVELS_MAX)
        return weft_fail(e, WEFT_DATA, "more than %d levels", LEVELS_MAX);
    for (size_t i = 0; i < h->nodes.n; i++)
        count[h->node[i].level]++;
    for (size_t i = 0; i < n; i++) {
        if (!h->levels.at[i].n)
            count[i] = SIZE_MAX;
        size_t k = i;
        for (; k > 0 && count[at[k - 1]] > count[i]; k--)
            at[k] = at[k - 1];
        at[k] = i;
    }
    for (size_t k = 0; k < n; k++)
        h->order[h->n_order++] = weft_xstrdup(h->levels.at[at[k]].n ? h->levels.at[at[k]].p : "id");
    return 0;
}

/* place[l]: where level l (as met) stands in the order; SIZE_MAX: nowhere. */
static int place_levels(struct weft_hierarchy *h, size_t *place, struct weft_err *e)
{
    char met[300] = "";
    for (size_t l = 0; l < h->levels.n; l++) {
        const char *name = h->levels.at[l].p;
        place[l] = *name ? SIZE_MAX : h->n_order - 1;
        for (size_t k = 0; k < h->n_order; k++)
            if (strcmp(h->order[k], name) == 0)
                place[l] = k;
        if (strlen(met) < 200)
            snprintf(met + strlen(met), sizeof met - strlen(met), "%s%.60s", l ? ", " : "", *name ? name : "id");
    }
    for (size_t k = 0; k < h->n_order; k++) {
        size_t l = 0;
        while (l < h->levels.n && place[l] != k)
            l++;
        if (l < h->levels.n)
            continue;
        weft_fail(e, WEFT_CONFIG, "no forecasts of level \"%s\" came", h->order[k]);
        return weft_fail_hint(e, "these levels came: %s", met);
    }
    return 0;
}

/* --- the tree --- */

/* The id that the node's parent, at level `above`, has. */
static void parent_id(struct weft_hierarchy *h, const struct node *x, const char *above)
{
    struct weft_value keys = {0}, v;
    struct weft_span frame = h->item[x->item].frame;
    bool keyed = weft_map_find(frame, "keys", &keys) && keys.kind == WEFT_MAP;
    weft_pack_clear(&h->key);
    if (strcmp(above, "all") == 0) {
        weft_pack_raw(&h->key, (struct weft_span){(const uint8_t *)"all", 3});
        return;
    }
    size_t parts = 1, i = 0;
    for (const char *s = above; *s; s++)
        parts += *s == '/';
    for (const char *s = above;; s++) {
        char name[256];
        size_t n = strcspn(s, "/");
        snprintf(name, sizeof name, "%.*s", n < sizeof name ? (int)n : (int)sizeof name - 1, s);
        bool there = keyed && weft_map_find(keys.whole, name, &v) && v.kind == WEFT_STR;
        weft_id_part(&h->key, i++, parts, there ? v.body : (struct weft_span){(const uint8_t *)"(none)", 6});
        s += n;
        if (!*s)
            return;
    }
}

static struct weft_span id_of(const struct weft_hierarchy *h, size_t node)
{
    /* "LEVEL\0ID\0" with LEVEL a size_t */
    const struct weft_name *name = &h->nodes.at[node];
    return (struct weft_span){(const uint8_t *)name->p + sizeof(size_t) + 1, name->n - sizeof(size_t) - 2};
}

static int shown(struct weft_span s)
{
    return s.n < 80 ? (int)s.n : 80;
}

/* Puts the nodes in order of their levels: met[i] -> number in the tree, SIZE_MAX: left out; and back. */
static void number_nodes(struct weft_hierarchy *h, const size_t *place, size_t *number, size_t *met)
{
    h->n = 0;
    h->level = WEFT_ARRAY(size_t, h->nodes.n + 1);
    for (size_t k = 0; k < h->n_order; k++)
        for (size_t i = 0; i < h->nodes.n; i++)
            if (place[h->node[i].level] == k) {
                h->level[h->n] = k;
                met[h->n] = i;
                number[i] = h->n++;
            }
    for (size_t i = 0; i < h->nodes.n; i++)
        if (place[h->node[i].level] == SIZE_MAX)
            number[i] = SIZE_MAX;
}

/* Ids of one level are looked up by their text and place in the order: levels as met may stand for the same place (""
 * and its name). */
static int find_parents(struct weft_hierarchy *h, const size_t *met, struct weft_err *e)
{
    struct weft_names ids = {0};
    int rc = 0;
    h->parent = WEFT_ARRAY(size_t, h->n + 1);
    for (size_t i = 0; i < h->n && rc == 0; i++) {
        const struct node *x = &h->node[met[i]];
        struct weft_span id = id_of(h, met[i]);
        h->parent[i] = SIZE_MAX;
        if (h->level[i]) {
            const char *above = h->order[h->level[i] - 1];
            parent_id(h, x, above);
            size_t n = h->key.n;
            put(h, &(size_t){h->level[i] - 1}, sizeof(size_t));
            h->parent[i] = weft_names_find(&ids, h->key.p, h->key.n);
            if (h->parent[i] == SIZE_MAX) {
                rc = weft_fail(e, WEFT_DATA, "%s \"%.*s\" belongs to %s \"%.*s\", of which no forecast came",
                               h->order[h->level[i]], shown(id), (const char *)id.p, above, n < 80 ? (int)n : 80,
                               (const char *)h->key.p);
                weft_fail_hint(e,
                               "levels must nest, each within the one before; --levels says which and in what order");
            }
        }
        weft_pack_clear(&h->key);
        weft_pack_raw(&h->key, id);
        put(h, &h->level[i], sizeof(size_t));
        if (rc == 0 && weft_names_add(&ids, h->key.p, h->key.n) < i)
            rc = weft_fail(e, WEFT_DATA, "two nodes of level %s are called \"%.*s\"", h->order[h->level[i]], shown(id),
                           (const char *)id.p);
    }
    weft_names_free(&ids);
    return rc;
}

/* Is everything that a node sums also below it? Counts are those of aggregate; without them this is not known. */
static int check_members(const struct weft_hierarchy *h, const size_t *met, struct weft_err *e)
{
    uint64_t *below = WEFT_ARRAY(uint64_t, h->n + 1), *own = WEFT_ARRAY(uint64_t, h->n + 1);
    int rc = 0;
    for (size_t i = h->n; i-- > 0;) {
        own[i] = h->node[met[i]].members;
        if (!own[i])
            own[i] = below[i] ? below[i] : 1;
        if (h->parent[i] != SIZE_MAX)
            below[h->parent[i]] += own[i];
    }
    for (size_t i = 0; i < h->n && rc == 0; i++) {
        struct weft_span id = id_of(h, met[i]);
        if (h->level[i] + 1 == h->n_order || (below[i] && below[i] == own[i]))
            continue;
        rc = weft_fail(e, WEFT_DATA, "%s \"%.*s\" sums %llu series, and forecasts of %llu are below it",
                       h->order[h->level[i]], shown(id), (const char *)id.p, (unsigned long long)own[i],
                       (unsigned long long)below[i]);
        weft_fail_hint(e, "score leaves series out that are too short or have gaps: leave them out before aggregate "
                          "too, or give them a baseline");
    }
    free(below);
    free(own);
    return rc;
}

/* A node that was left out by score has no part in any sum, so there is nothing that could add up. */
static int check_forecast(const struct weft_hierarchy *h, const struct item *it, size_t node, struct weft_span id,
                          struct weft_err *e)
{
    struct weft_value why;
    if (!weft_map_find(it->frame, "why", &why) || why.kind != WEFT_STR || !why.body.n)
        return 0;
    const char *model = h->sheets.at[it->sheet].p;
    weft_fail(e, WEFT_DATA, "%s \"%.*s\" was not forecast by %.60s: %.*s", h->order[h->level[node]], shown(id),
              (const char *)id.p, model, why.body.n < 160 ? (int)why.body.n : 160, (const char *)why.body.p);
    return weft_fail_hint(
        e, "leave it out before aggregate too, or forecast every level with a model or baseline that can forecast it");
}

static int put_frame(struct weft_hierarchy *h, const struct item *it, size_t sheet, size_t node, struct weft_err *e)
{
    struct weft_span *at = &h->frames[sheet * h->n + node], id = id_of(h, it->node);
    if (at->p && at->n == it->frame.n && memcmp(at->p, it->frame.p, at->n) == 0) {
        h->again++;
        return 0;
    }
    if (at->p)
        return weft_fail(e, WEFT_DATA, "two forecasts of %s \"%.*s\" by one model, from one origin",
                         h->order[h->level[node]], shown(id), (const char *)id.p);
    *at = it->frame;
    return check_forecast(h, it, node, id, e);
}

static int missing_frame(const struct weft_hierarchy *h, size_t named, size_t node, size_t met, struct weft_err *e)
{
    const char *model = h->sheets.at[named].p, *channel = model + strlen(model) + 1;
    struct weft_span id = id_of(h, met);
    weft_fail(e, WEFT_DATA,
              "no forecast of %s \"%.*s\" by %.60s (channel %.60s) that goes with those of the other nodes",
              h->order[h->level[node]], shown(id), (const char *)id.p, model, channel);
    return weft_fail_hint(e,
                          "every level needs the same models (weft score -m NAME=MODEL), channels, part and windows");
}

/* Every sheet has one frame of every node. A sheet of levels that are left out is none. */
static int fill_sheets(struct weft_hierarchy *h, const size_t *number, const size_t *met, struct weft_err *e)
{
    size_t *kept = WEFT_ARRAY(size_t, h->sheets.n + 1), *named = WEFT_ARRAY(size_t, h->sheets.n + 1);
    int rc = 0;
    for (size_t i = 0; i < h->n_items; i++) {
        bool left_out = number[h->item[i].node] == SIZE_MAX;
        h->unnamed += left_out;
        if (!left_out && !kept[h->item[i].sheet]) {
            named[h->n_sheets] = h->item[i].sheet;
            kept[h->item[i].sheet] = ++h->n_sheets;
        }
    }
    h->frames = WEFT_ARRAY(struct weft_span, h->n_sheets * h->n + 1);
    for (size_t i = 0; i < h->n_items && rc == 0; i++)
        if (number[h->item[i].node] != SIZE_MAX)
            rc = put_frame(h, &h->item[i], kept[h->item[i].sheet] - 1, number[h->item[i].node], e);
    for (size_t i = 0; i < h->n_sheets * h->n && rc == 0; i++)
        if (!h->frames[i].p)
            rc = missing_frame(h, named[i / h->n], i % h->n, met[i % h->n], e);
    free(kept);
    free(named);
    return rc;
}

/* Names as the head wants them, in the order in which they were met. */
static void list_names(struct weft_hierarchy *h)
{
    h->key_list = WEFT_ARRAY(char *, h->keys.n + 1);
    h->channel_list = WEFT_ARRAY(char *, h->channels.n + 1);
    for (size_t k = 0; k < h->keys.n; k++)
        h->key_list[k] = h->keys.at[k].p;
    for (size_t c = 0; c < h->channels.n; c++)
        h->channel_list[c] = h->channels.at[c].p;
    h->attrs.keys = h->key_list;
    h->attrs.n_keys = h->keys.n;
    h->attrs.channels = h->channel_list;
    h->attrs.n_channels = h->channels.n;
}

int weft_hierarchy_finish(struct weft_hierarchy *h, struct weft_err *e)
{
    size_t *place = WEFT_ARRAY(size_t, h->levels.n + 1), *number = WEFT_ARRAY(size_t, h->nodes.n + 1),
           *met = WEFT_ARRAY(size_t, h->nodes.n + 1);
    list_names(h);
    int rc = h->told || !h->n_items ? 0 : find_order(h, e);
    if (rc == 0 && h->n_items)
        rc = place_levels(h, place, e);
    if (rc == 0)
        number_nodes(h, place, number, met);
    if (rc == 0)
        rc = find_parents(h, met, e);
    if (rc == 0)
        rc = check_members(h, met, e);
    if (rc == 0)
        rc = fill_sheets(h, number, met, e);
    free(place);
    free(number);
    free(met);
    return rc;
}

/* --- out --- */

uint64_t weft_hierarchy_unnamed(const struct weft_hierarchy *h)
{
    return h->unnamed;
}

uint64_t weft_hierarchy_again(const struct weft_hierarchy *h)
{
    return h->again;
}

const struct weft_forecasts_attrs *weft_hierarchy_attrs(const struct weft_hierarchy *h)
{
    return &h->attrs;
}

size_t weft_hierarchy_n_levels(const struct weft_hierarchy *h)
{
    return h->n_order;
}

const char *weft_hierarchy_level(const struct weft_hierarchy *h, size_t level)
{
    return h->order[level];
}

size_t weft_hierarchy_nodes(const struct weft_hierarchy *h)
{
    return h->n;
}

const size_t *weft_hierarchy_parents(const struct weft_hierarchy *h)
{
    return h->parent;
}

size_t weft_hierarchy_level_of(const struct weft_hierarchy *h, size_t node)
{
    return h->level[node];
}

size_t weft_hierarchy_sheets(const struct weft_hierarchy *h)
{
    return h->n_sheets;
}

const struct weft_span *weft_hierarchy_frames(const struct weft_hierarchy *h, size_t sheet)
{
    return h->frames + sheet * h->n;
}
