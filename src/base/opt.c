/* opt.c - one option table for everything. */
#include "base/opt.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

enum { HELP_WIDTH = 100, NAME_COLUMN = 28, SUGGEST_MAX = 3, GIVEN_BITS = 64 };

static void *at(const struct weft_opt *o, void *state)
{
    return (char *)state + o->offset;
}

static const void *at_const(const struct weft_opt *o, const void *state)
{
    return (const char *)state + o->offset;
}

static bool ranged(const struct weft_opt *o)
{
    return o->min < o->max;
}

static int choice(const char *choices, const char *text, size_t n)
{
    int k = 0;
    for (const char *p = choices; p; k++) {
        size_t len = strcspn(p, "|");
        if (len == n && memcmp(p, text, n) == 0)
            return k;
        p = p[len] ? p + len + 1 : NULL;
    }
    return -1;
}

static int add_items(struct weft_list *list, const struct weft_opt *o, const char *text, struct weft_err *e)
{
    for (const char *p = text;;) {
        size_t len = o->flags & WEFT_OPT_WHOLE ? strlen(p) : strcspn(p, ",");
        if (!len)
            return weft_fail(e, WEFT_USAGE, "--%s: an empty item in \"%s\"", o->name, text);
        list->items = weft_xrealloc2(list->items, list->n + 1, sizeof *list->items);
        list->items[list->n++] = weft_xstrndup(p, len);
        if (!p[len])
            return 0;
        p += len + 1;
    }
}

static void clear_list(struct weft_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct weft_list){0};
}

static int bad_range(const struct weft_opt *o, const char *text, struct weft_err *e)
{
    if (o->max >= 9e18)
        return weft_fail(e, WEFT_USAGE, "--%s: %s is not a number of at least %.12g", o->name, text, o->min);
    return weft_fail(e, WEFT_USAGE, "--%s: %s is not a number in %.12g..%.12g", o->name, text, o->min, o->max);
}

static int set(const struct weft_opt *o, void *state, const char *text, struct weft_err *e)
{
    void *p = at(o, state);
    double x;
    int64_t i;
    int k;
    switch (o->type) {
    case WEFT_OPT_INT:
        if (!weft_num_int(text, ranged(o) ? (int64_t)(o->min) : INT64_MIN,
                          ranged(o) && o->max < 9e18 ? (int64_t)o->max : INT64_MAX, &i))
            return ranged(o) ? bad_range(o, text, e)
                             : weft_fail(e, WEFT_USAGE, "--%s: \"%s\" is not a whole number", o->name, text);
        *(int64_t *)p = i;
        return 0;
    case WEFT_OPT_REAL:
        if (!weft_num_real(text, ranged(o) ? o->min : -1e308, ranged(o) ? o->max : 1e308, &x))
            return ranged(o) ? bad_range(o, text, e)
                             : weft_fail(e, WEFT_USAGE, "--%s: \"%s\" is not a number", o->name, text);
        *(double *)p = x;
        return 0;
    case WEFT_OPT_SIZE:
        if (!weft_num_size(text, o->max > 0 ? (uint64_t)o->max : UINT64_MAX, p))
            return weft_fail(e, WEFT_USAGE, "--%s: \"%s\" is not a size such as 64M", o->name, text);
        return 0;
    case WEFT_OPT_STR:
        *(const char **)p = text;
        return 0;
    case WEFT_OPT_CHOICE:
        k = choice(o->arg, text, strlen(text));
        if (k < 0)
            return weft_fail(e, WEFT_USAGE, "--%s: \"%s\" is not one of %s", o->name, text, o->arg);
        *(int *)p = k;
        return 0;
    case WEFT_OPT_LIST:
        return add_items(p, o, text, e);
    default:
        return 0;
    }
}

static int set_default(const struct weft_opt *o, void *state, struct weft_err *e)
{
    if (o->type == WEFT_OPT_FLAG) {
        *(bool *)at(o, state) = o->def && strcmp(o->def, "true") == 0;
        return 0;
    }
    return o->def ? set(o, state, o->def, e) : 0;
}

/* Letters to change, add or remove between two names; a small matrix row by row. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);
    if (n >= 63)
        return 99;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

struct parser {
    const struct weft_opt *table[2];
    void *state[2];
    uint64_t *given;
    uint64_t seen[2];
};

static int unknown(const struct parser *p, const char *name, struct weft_err *e)
{
    const char *best = NULL;
    size_t least = SUGGEST_MAX + 1;
    for (int t = 0; t < 2; t++)
        for (const struct weft_opt *o = p->table[t]; o && o->type != WEFT_OPT_END; o++) {
            size_t d = distance(name, o->name);
            if (d < least && d < strlen(o->name)) {
                least = d;
                best = o->name;
            }
        }
    weft_fail(e, WEFT_USAGE, "unknown option --%.80s", name);
    return best ? weft_fail_hint(e, "did you mean --%s?", best) : -1;
}

static const struct weft_opt *find(const struct parser *p, const char *name, size_t n, char short_name, int *table,
                                   bool *negated)
{
    *negated = false;
    for (int pass = 0; pass < 2; pass++, *negated = true) {
        if (pass && (short_name || n < 4 || memcmp(name, "no-", 3) != 0))
            break;
        const char *text = pass ? name + 3 : name;
        size_t len = pass ? n - 3 : n;
        for (*table = 0; *table < 2; ++*table)
            for (const struct weft_opt *o = p->table[*table]; o && o->type != WEFT_OPT_END; o++) {
                if (short_name ? o->short_name == short_name
                               : strlen(o->name) == len && memcmp(o->name, text, len) == 0) {
                    if (!pass || o->type == WEFT_OPT_FLAG)
                        return o;
                }
            }
    }
    return NULL;
}

/* Stores the value; the first time a list is given its default goes away. */
static int store(struct parser *p, const struct weft_opt *o, int table, const char *value, struct weft_err *e)
{
    size_t k = (size_t)(o - p->table[table]);
    uint64_t bit = k < GIVEN_BITS ? (uint64_t)1 << k : 0;
    if (o->type == WEFT_OPT_LIST && !(p->seen[table] & bit))
        clear_list(at(o, p->state[table]));
    p->seen[table] |= bit;
    return set(o, p->state[table], value, e);
}

static int flag(struct parser *p, const struct weft_opt *o, int table, bool value)
{
    size_t k = (size_t)(o - p->table[table]);
    *(bool *)at(o, p->state[table]) = value;
    p->seen[table] |= k < GIVEN_BITS ? (uint64_t)1 << k : 0;
    return 0;
}

static int long_option(struct parser *p, int argc, char **argv, int *i, struct weft_err *e)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    size_t n = equals ? (size_t)(equals - name) : strlen(name);
    int table;
    bool negated;
    const struct weft_opt *o = find(p, name, n, 0, &table, &negated);
    if (!o) {
        char copy[96];
        snprintf(copy, sizeof copy, "%.*s", (int)(n < 80 ? n : 80), name);
        return unknown(p, copy, e);
    }
    if (o->type == WEFT_OPT_FLAG) {
        if (equals)
            return weft_fail(e, WEFT_USAGE, "--%s takes no value", o->name);
        return flag(p, o, table, !negated);
    }
    if (equals)
        return store(p, o, table, equals + 1, e);
    if (*i + 1 >= argc)
        return weft_fail(e, WEFT_USAGE, "--%s needs a value (%s)", o->name, o->arg ? o->arg : "VALUE");
    return store(p, o, table, argv[++*i], e);
}

/* "-v", "-qv", "-o FILE", "-oFILE". */
static int short_options(struct parser *p, int argc, char **argv, int *i, struct weft_err *e)
{
    for (const char *c = argv[*i] + 1; *c; c++) {
        int table;
        bool negated;
        const struct weft_opt *o = find(p, "", 0, *c, &table, &negated);
        if (!o)
            return weft_fail(e, WEFT_USAGE, "unknown option -%c", *c);
        if (o->type == WEFT_OPT_FLAG) {
            flag(p, o, table, true);
            continue;
        }
        if (c[1])
            return store(p, o, table, c + 1, e);
        if (*i + 1 >= argc)
            return weft_fail(e, WEFT_USAGE, "-%c needs a value (%s)", *c, o->arg ? o->arg : "VALUE");
        return store(p, o, table, argv[++*i], e);
    }
    return 0;
}

static int check_required(const struct parser *p, struct weft_err *e)
{
    for (int t = 0; t < 2; t++)
        for (const struct weft_opt *o = p->table[t]; o && o->type != WEFT_OPT_END; o++) {
            size_t k = (size_t)(o - p->table[t]);
            if ((o->flags & WEFT_OPT_REQUIRED) && k < GIVEN_BITS && !(p->seen[t] >> k & 1))
                return weft_fail(e, WEFT_USAGE, "--%s %s is missing", o->name, o->arg ? o->arg : "VALUE");
        }
    return 0;
}

/* --- rules --- */

enum { ITEM_MAX = 160 };

/* What the rules look at. */
struct scene {
    const struct weft_opt *table;
    const void *state;
    uint64_t given;
};

/* An item of a rule: an option that counts, a flag that is on or off, or a value, one of [values, values + n). */
struct item {
    const struct weft_opt *o;
    bool off;
    const char *values;
    size_t n;
};

static bool flag_of(const struct weft_opt *o, const void *state)
{
    return *(const bool *)at_const(o, state);
}

static bool is_value(const struct weft_opt *o, const void *state, const char *value, size_t n)
{
    char *text = weft_opt_value(o, state);
    bool same = strlen(text) == n && memcmp(text, value, n) == 0;
    free(text);
    return same;
}

/* Was it given, and not as what stands for nothing? */
static bool counts(const struct scene *s, const struct weft_opt *o)
{
    size_t k = (size_t)(o - s->table);
    if (k >= GIVEN_BITS || !(s->given >> k & 1))
        return false;
    if (o->type == WEFT_OPT_FLAG)
        return flag_of(o, s->state) != (o->def && strcmp(o->def, "true") == 0);
    bool nothing = o->def && (strcmp(o->def, "0") == 0 || strcmp(o->def, "none") == 0);
    return !nothing || !is_value(o, s->state, o->def, strlen(o->def));
}

/* The next item, *p moves on; false after the last one. o is NULL for a name that the table lacks. */
static bool next_item(const struct weft_opt *table, const char **p, struct item *it)
{
    const struct parser only = {.table = {table, NULL}};
    int t;
    *p += strspn(*p, ", ");
    if (!**p)
        return false;
    size_t n = strcspn(*p, ","), name = strcspn(*p, ",=");
    *it = (struct item){.values = name < n ? *p + name + 1 : NULL, .n = name < n ? n - name - 1 : 0};
    it->o = find(&only, *p, name, 0, &t, &it->off);
    *p += n;
    return true;
}

static bool among(const struct item *it, const void *state)
{
    for (const char *v = it->values, *end = it->values + it->n; v < end;) {
        size_t n = 0;
        while (v + n < end && v[n] != '|')
            n++;
        if (is_value(it->o, state, v, n))
            return true;
        v += n + 1;
    }
    return false;
}

static bool holds(const struct scene *s, const struct item *it)
{
    if (it->values)
        return among(it, s->state);
    if (it->o->type == WEFT_OPT_FLAG)
        return flag_of(it->o, s->state) != it->off;
    return counts(s, it->o);
}

/* "table or json" of "table|json". */
static char *alternatives(const char *list, size_t n)
{
    char *text = weft_xstrndup(list, strcspn(list, "|") < n ? strcspn(list, "|") : n);
    for (size_t i = strlen(text) + 1; i < n;) {
        size_t len = strcspn(list + i, "|") < n - i ? strcspn(list + i, "|") : n - i;
        char *more = weft_xasprintf("%s or %.*s", text, (int)len, list + i);
        free(text);
        text = more;
        i += len + 1;
    }
    return text;
}

/* "--csv", "--no-image", "--format table or json". */
static const char *item_text(const struct item *it, char *buf)
{
    char *values = it->values ? alternatives(it->values, it->n) : NULL;
    snprintf(buf, ITEM_MAX, "--%s%s%s%s", it->off ? "no-" : "", it->o->name, values ? " " : "", values ? values : "");
    free(values);
    return buf;
}

/* An option as it stands there: "--resume", "--no-network", or with the value that the rule is of: "--exog auto". */
static const char *itself(const struct scene *s, const struct weft_opt *o, const char *rule, char *buf)
{
    const char *colon = strchr(rule, ':');
    const struct item it = {.o = o,
                            .off = o->type == WEFT_OPT_FLAG && !flag_of(o, s->state),
                            .values = colon ? rule : NULL,
                            .n = colon ? (size_t)(colon - rule) : 0};
    return item_text(&it, buf);
}

/* Does the rule bind the option as it is? Then its items are returned, else "". */
static const char *binding(const struct scene *s, const struct weft_opt *o, const char *rule)
{
    const char *colon = rule ? strchr(rule, ':') : NULL;
    if (!rule || !counts(s, o) || (colon && !is_value(o, s->state, rule, (size_t)(colon - rule))))
        return "";
    return colon ? colon + 1 : rule;
}

static int check_needs(const struct scene *s, const struct weft_opt *o, struct weft_err *e)
{
    char own[ITEM_MAX], other[ITEM_MAX], is[64];
    struct item it;
    for (const char *p = binding(s, o, o->needs); next_item(s->table, &p, &it);) {
        bool open = it.values && it.o->type == WEFT_OPT_CHOICE && is_value(it.o, s->state, "auto", 4);
        if (open || holds(s, &it))
            continue;
        itself(s, o, o->needs, own);
        item_text(&it, other);
        return it.values ? weft_fail(e, WEFT_USAGE, "%s goes with %s, not with --%s %s", own, other, it.o->name,
                                     weft_opt_text(it.o, s->state, is, sizeof is))
                         : weft_fail(e, WEFT_USAGE, "%s goes with %s", own, other);
    }
    return 0;
}

static int check_not_with(const struct scene *s, const struct weft_opt *o, struct weft_err *e)
{
    char own[ITEM_MAX], other[ITEM_MAX];
    struct item it;
    for (const char *p = binding(s, o, o->not_with); next_item(s->table, &p, &it);)
        if (holds(s, &it))
            return weft_fail(e, WEFT_USAGE, "%s does not go with %s", itself(s, o, o->not_with, own),
                             item_text(&it, other));
    return 0;
}

static bool listed(const struct weft_opt *table, const char *rule, const struct weft_opt *o)
{
    struct item it;
    while (next_item(table, &rule, &it))
        if (it.o == o)
            return true;
    return false;
}

static int check_only_with(const struct scene *s, const struct weft_opt *o, struct weft_err *e)
{
    char own[ITEM_MAX], other[ITEM_MAX];
    const char *rule = binding(s, o, o->only_with);
    if (!*rule)
        return 0;
    for (const struct weft_opt *q = s->table; q->type != WEFT_OPT_END; q++)
        if (q != o && counts(s, q) && !listed(s->table, rule, q))
            return weft_fail(e, WEFT_USAGE, "%s does not go with %s", itself(s, o, o->only_with, own),
                             itself(s, q, "", other));
    return 0;
}

/* A rule about something that is not there would never be broken, and nobody would see it. */
static int check_sense(const struct weft_opt *table, const struct weft_opt *o, const char *rule, struct weft_err *e)
{
    const char *colon = rule ? strchr(rule, ':') : NULL;
    struct item it;
    if (!rule)
        return 0;
    if (colon && o->type == WEFT_OPT_CHOICE && choice(o->arg, rule, (size_t)(colon - rule)) < 0)
        return weft_fail(e, WEFT_BUG, "--%s: its rule \"%s\" is of a value that it has not", o->name, rule);
    for (const char *p = colon ? colon + 1 : rule; next_item(table, &p, &it);) {
        bool known = it.o != NULL;
        for (const char *v = it.values; known && v && it.o->type == WEFT_OPT_CHOICE;) {
            size_t n = strcspn(v, "|,");
            known = choice(it.o->arg, v, n) >= 0;
            v = v[n] == '|' ? v + n + 1 : NULL;
        }
        if (!known)
            return weft_fail(e, WEFT_BUG, "--%s: its rule \"%s\" names what is no option here", o->name, rule);
    }
    return 0;
}

int weft_opt_rules(const struct weft_opt *table, const void *state, uint64_t given, struct weft_err *e)
{
    const struct scene s = {table, state, given};
    for (const struct weft_opt *o = table; o->type != WEFT_OPT_END; o++)
        if (check_sense(table, o, o->needs, e) < 0 || check_sense(table, o, o->not_with, e) < 0 ||
            check_sense(table, o, o->only_with, e) < 0)
            return -1;
    for (const struct weft_opt *o = table; o->type != WEFT_OPT_END; o++)
        if (check_needs(&s, o, e) < 0 || check_not_with(&s, o, e) < 0 || check_only_with(&s, o, e) < 0)
            return -1;
    return 0;
}

int weft_opt_stream(const struct weft_opt *table, const void *state, uint64_t given, const char *schema,
                    struct weft_err *e)
{
    const struct scene s = {table, state, given};
    char own[ITEM_MAX];
    size_t n = strcspn(schema, "/");
    for (const struct weft_opt *o = table; o->type != WEFT_OPT_END; o++)
        if (o->stream && counts(&s, o) && choice(o->stream, schema, n) < 0) {
            char *streams = alternatives(o->stream, strlen(o->stream));
            weft_fail(e, WEFT_USAGE, "%s is for a %s stream, and this is a %.*s stream", itself(&s, o, "", own),
                      streams, (int)n, schema);
            free(streams);
            return -1;
        }
    return 0;
}

int weft_opt_parse(const struct weft_opt *table, void *state, const struct weft_opt *common, void *common_state,
                   int argc, char **argv, int *n_operands, uint64_t *given, struct weft_err *e)
{
    struct parser p = {.table = {table, common}, .state = {state, common_state}};
    int operands = 0;
    *n_operands = 0;
    for (int t = 0; t < 2; t++)
        for (const struct weft_opt *o = p.table[t]; o && o->type != WEFT_OPT_END; o++)
            if (set_default(o, p.state[t], e) < 0)
                return -1;
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        int rc = 0;
        if (ended || a[0] != '-' || !a[1])
            argv[++operands] = argv[i];
        else if (strcmp(a, "--") == 0)
            ended = true;
        else if (a[1] == '-')
            rc = long_option(&p, argc, argv, &i, e);
        else
            rc = short_options(&p, argc, argv, &i, e);
        if (rc < 0)
            return -1;
    }
    *n_operands = operands;
    if (given)
        *given = p.seen[0];
    return check_required(&p, e) < 0 || (table && weft_opt_rules(table, state, p.seen[0], e) < 0) ? -1 : 0;
}

void weft_opt_free(const struct weft_opt *table, void *state)
{
    for (const struct weft_opt *o = table; o && o->type != WEFT_OPT_END; o++)
        if (o->type == WEFT_OPT_LIST)
            clear_list(at(o, state));
}

/* --- help --- */

static void value_name(const struct weft_opt *o, char *buf, size_t cap)
{
    static const char *const names[] = {"", "", "N", "X", "BYTES", "TEXT", "WORD", "LIST"};
    snprintf(buf, cap, "%s", o->type == WEFT_OPT_FLAG ? "" : o->arg ? o->arg : names[o->type]);
}

/* A rule in words: "with --solver exact", "auto not with --state, --partial". Appends to text, which it frees. */
static char *add_rule(char *text, const struct weft_opt *table, const char *rule, const char *how)
{
    char one[ITEM_MAX];
    struct item it;
    const char *colon = rule ? strchr(rule, ':') : NULL, *join = "";
    if (!rule)
        return text;
    char *list = weft_xasprintf("%.*s%s%s ", colon ? (int)(colon - rule) : 0, rule, colon ? " " : "", how);
    for (const char *p = colon ? colon + 1 : rule; next_item(table, &p, &it); join = ", ") {
        char *more = weft_xasprintf("%s%s%s", list, join, it.o ? item_text(&it, one) : "?");
        free(list);
        list = more;
    }
    char *all = weft_xasprintf("%s%s%s", text, *text ? "; " : "", list);
    free(list);
    free(text);
    return all;
}

/* " (1..100, default 28; with --csv)" or "". The caller frees it. */
static char *remark(const struct weft_opt *table, const struct weft_opt *o)
{
    char range[64] = "", def[160] = "";
    bool number = o->type == WEFT_OPT_INT || o->type == WEFT_OPT_REAL;
    if (number && ranged(o) && o->max < 1e15)
        snprintf(range, sizeof range, "%.12g..%.12g", o->min, o->max);
    if (o->flags & WEFT_OPT_REQUIRED)
        snprintf(def, sizeof def, "required");
    else if (o->type != WEFT_OPT_FLAG && o->def)
        snprintf(def, sizeof def, "default %s", o->def);
    else if (o->type == WEFT_OPT_FLAG && o->def && strcmp(o->def, "true") == 0)
        snprintf(def, sizeof def, "default on; --no-%s", o->name);
    char *text = weft_xasprintf("%s%s%s", range, range[0] && def[0] ? ", " : "", def);
    if (o->stream) {
        char *streams = alternatives(o->stream, strlen(o->stream));
        char *more = weft_xasprintf("%s%s%s streams", text, *text ? "; " : "", streams);
        free(streams);
        free(text);
        text = more;
    }
    text = add_rule(text, table, o->needs, "with");
    text = add_rule(text, table, o->not_with, "not with");
    text = add_rule(text, table, o->only_with, "with no option but");
    char *all = *text ? weft_xasprintf(" (%s)", text) : weft_xstrdup("");
    free(text);
    return all;
}

/* Words of text from column `column` on, wrapped. */
static void wrap(FILE *f, const char *text, size_t column, size_t indent)
{
    bool first = true;
    while (*text) {
        size_t word = strcspn(text, " \n");
        if (!first && column + 1 + word > HELP_WIDTH) {
            fprintf(f, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first && word) {
            putc(' ', f);
            column++;
        }
        fwrite(text, 1, word, f);
        column += word;
        first = word == 0 && first;
        text += word;
        if (*text == '\n') {
            fprintf(f, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        text += *text != 0;
    }
    putc('\n', f);
}

static void help_option(FILE *f, const struct weft_opt *table, const struct weft_opt *o)
{
    char value[160], name[256], *more = remark(table, o);
    value_name(o, value, sizeof value);
    int n =
        snprintf(name, sizeof name, "  %c%c%s--%s%s%s", o->short_name ? '-' : ' ', o->short_name ? o->short_name : ' ',
                 o->short_name ? ", " : "  ", o->name, value[0] ? " " : "", value);
    fputs(name, f);
    if (n >= NAME_COLUMN - 1)
        fprintf(f, "\n%*s", NAME_COLUMN, "");
    else
        fprintf(f, "%*s", NAME_COLUMN - n, "");
    char *text = weft_xasprintf("%s%s", o->help, more);
    wrap(f, text, NAME_COLUMN, NAME_COLUMN);
    free(text);
    free(more);
}

static void help_table(FILE *f, const struct weft_opt *table, bool advanced)
{
    for (const struct weft_opt *o = table; o && o->type != WEFT_OPT_END; o++)
        if (!(o->flags & WEFT_OPT_ADVANCED) == !advanced)
            help_option(f, table, o);
}

static void indented(FILE *f, const char *text)
{
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        fprintf(f, "  %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
}

void weft_opt_help(FILE *f, const struct weft_usage *u, const struct weft_opt *table, const struct weft_opt *common)
{
    for (const char *p = u->synopsis; *p;) {
        size_t n = strcspn(p, "\n");
        fprintf(f, "%s weft %.*s\n", p == u->synopsis ? "usage:" : "      ", (int)n, p);
        p += n + (p[n] == '\n');
    }
    fprintf(f, "\n%s - ", u->name);
    wrap(f, u->summary, strlen(u->name) + 3, 0);
    fprintf(f, "\nReads %s.\nWrites %s.\n\nOptions:\n", u->reads, u->writes);
    help_table(f, table, false);
    help_table(f, table, true);
    fprintf(f, "\nCommon options:\n");
    help_table(f, common, false);
    help_table(f, common, true);
    if (u->notes) {
        putc('\n', f);
        wrap(f, u->notes, 0, 0);
    }
    fprintf(f, "\nExamples:\n");
    indented(f, u->examples);
    fprintf(f, "\nSee also: %s\n", u->see_also);
}

/* A text in mdoc: a line may not begin with a point or a quote, and backslashes are special. */
static void mdoc_text(FILE *f, const char *text, size_t n)
{
    if (n && (*text == '.' || *text == '\''))
        fputs("\\&", f);
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\\')
            fputs("\\e", f);
        else
            putc(text[i], f);
}

static void mdoc_table(FILE *f, const struct weft_opt *table)
{
    char value[160];
    for (const struct weft_opt *o = table; o && o->type != WEFT_OPT_END; o++) {
        char *more = remark(table, o);
        value_name(o, value, sizeof value);
        if (o->short_name)
            fprintf(f, ".It Fl %c , Fl -%s", o->short_name, o->name);
        else
            fprintf(f, ".It Fl -%s", o->name);
        if (value[0]) {
            fputs(" Ar ", f);
            mdoc_text(f, value, strlen(value));
        }
        putc('\n', f);
        mdoc_text(f, o->help, strlen(o->help));
        fprintf(f, "%s.\n", more);
        free(more);
    }
}

/* Lines of a text, each as it is, after `before`. */
static void mdoc_lines(FILE *f, const char *before, const char *text)
{
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        fputs(before, f);
        mdoc_text(f, p, n);
        putc('\n', f);
        p += n + (p[n] == '\n');
    }
}

static void mdoc_see_also(FILE *f, const char *list)
{
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, ", ");
        const char *next = p + n + strspn(p + n, ", ");
        fprintf(f, ".Xr weft-%.*s 1%s\n", (int)n, p, *next ? " ," : "");
        p = next;
    }
}

void weft_opt_mdoc(FILE *f, const struct weft_usage *u, const struct weft_opt *table, const struct weft_opt *common,
                   const char *date)
{
    fprintf(f, ".Dd %s\n.Dt WEFT-", date);
    for (const char *c = u->name; *c; c++)
        putc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, f);
    fprintf(f, " 1\n.Os weft\n.Sh NAME\n.Nm weft-%s\n.Nd %s\n.Sh SYNOPSIS\n.Bd -literal -compact\n", u->name,
            u->summary);
    mdoc_lines(f, "weft ", u->synopsis);
    fprintf(f, ".Ed\n.Sh DESCRIPTION\n.Nm\nreads %s\nand writes %s.\n", u->reads, u->writes);
    if (u->notes) {
        fputs(".Pp\n", f);
        mdoc_lines(f, "", u->notes);
    }
    fputs(".Sh OPTIONS\n.Bl -tag -width Ds\n", f);
    mdoc_table(f, table);
    mdoc_table(f, common);
    fputs(".El\n.Sh EXIT STATUS\n"
          "0 success; 64 usage; 65 bad data; 66 no input; 69 peer gone; 70 a bug in weft; 73 can't create the output; "
          "74 reading or writing failed;\n"
          "75 temporary failure or interrupted; 76 the program above failed or its stream stopped short; 77 key "
          "refused; 78 model, stream and\n"
          "options do not fit together.\n"
          ".Sh EXAMPLES\n.Bd -literal\n",
          f);
    mdoc_lines(f, "", u->examples);
    fputs(".Ed\n.Sh SEE ALSO\n", f);
    mdoc_see_also(f, u->see_also);
}

void weft_opt_complete(FILE *f, const struct weft_opt *table, const struct weft_opt *common)
{
    const struct weft_opt *both[] = {table, common};
    for (int t = 0; t < 2; t++)
        for (const struct weft_opt *o = both[t]; o && o->type != WEFT_OPT_END; o++) {
            const char *value = o->type == WEFT_OPT_FLAG     ? ""
                                : o->flags & WEFT_OPT_FILE   ? "FILE"
                                : o->type == WEFT_OPT_CHOICE ? o->arg
                                                             : "VALUE";
            fprintf(f, "--%s\t%s\n", o->name, value);
            if (o->short_name)
                fprintf(f, "-%c\t%s\n", o->short_name, value);
        }
}

static const char *choice_text(const struct weft_opt *o, int k, char *buf, size_t cap)
{
    const char *p = o->arg;
    for (; k > 0 && *p; k--) {
        p += strcspn(p, "|");
        p += *p == '|';
    }
    snprintf(buf, cap, "%.*s", (int)strcspn(p, "|"), p);
    return buf;
}

const char *weft_opt_text(const struct weft_opt *o, const void *state, char *buf, size_t cap)
{
    const void *p = at_const(o, state);
    const struct weft_list *list = p;
    size_t n = 0;
    buf[0] = 0;
    switch (o->type) {
    case WEFT_OPT_FLAG:
        return *(const bool *)p ? "true" : "false";
    case WEFT_OPT_INT:
        snprintf(buf, cap, "%lld", (long long)*(const int64_t *)p);
        return buf;
    case WEFT_OPT_REAL:
        for (int digits = 6; digits <= 17; digits++) {
            double back;
            snprintf(buf, cap, "%.*g", digits, *(const double *)p);
            if (weft_num_text(buf, strlen(buf), &back) && back == *(const double *)p)
                break;
        }
        return buf;
    case WEFT_OPT_SIZE:
        snprintf(buf, cap, "%llu", (unsigned long long)*(const uint64_t *)p);
        return buf;
    case WEFT_OPT_STR:
        return *(const char *const *)p ? *(const char *const *)p : "";
    case WEFT_OPT_CHOICE:
        return choice_text(o, *(const int *)p, buf, cap);
    case WEFT_OPT_LIST:
        for (size_t i = 0; i < list->n && n < cap; i++)
            n += (size_t)snprintf(buf + n, cap - n, "%s%s", i ? "," : "", list->items[i]);
        return buf;
    default:
        return buf;
    }
}

char *weft_opt_value(const struct weft_opt *o, const void *state)
{
    char buf[64];
    if (o->type != WEFT_OPT_LIST)
        return weft_xstrdup(weft_opt_text(o, state, buf, sizeof buf));
    const struct weft_list *list = at_const(o, state);
    size_t n = 1;
    for (size_t i = 0; i < list->n; i++)
        n += strlen(list->items[i]) + 1;
    char *text = weft_xcalloc(n, 1), *end = text;
    for (size_t i = 0; i < list->n; i++)
        end += snprintf(end, n - (size_t)(end - text), "%s%s", i ? "," : "", list->items[i]);
    return text;
}
