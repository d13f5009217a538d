/* frames.c - looks into streams, checks, converts and joins them. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "weft/expand.h"
#include "weft/inspect.h"
#include "weft/mem.h"
#include "weft/products_csv.h"
#include "weft/run.h"
#include "weft/schema.h"
#include "weft/view.h"

enum { LINE_MAX_BYTES = 64 << 20 };

struct state {
    int64_t n, max;
    bool no_drain;
    int format;
    struct weft_series_attrs attrs;
    struct weft_series series;
    struct weft_products_csv products;
    struct weft_pack scratch, first; /* first: schema and attrs of the first stream */
    struct weft_schema *schema;      /* of the stream being checked */
};

#define AT(member) offsetof(struct state, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_INT, 'n', "frames", AT(n), "10", 0, 1e15, "N", "head: frames to pass on", WEFT_OPT_RUN},
    {WEFT_OPT_INT, 0, "elements", AT(max), "0", 0, 1e9, "N", "show: cut tensors and bytes after N elements; 0: whole", WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "no-drain", AT(no_drain), NULL, 0, 0, NULL, "head: stop reading after the last frame shown, unverified", WEFT_OPT_RUN},
    {WEFT_OPT_CHOICE, 0, "format", AT(format), "table", 0, 0, "table|json", "inspect: for people, or one JSON object", WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static const char *input(const struct weft_run *run, int i)
{
    return i < weft_run_n_operands(run) ? weft_run_operand(run, i) : "-";
}

/* Runs `each` on every frame of the operands [1..] (standard input without any); heads go to `begin` (may be NULL). */
struct visit {
    int (*begin)(struct weft_run *run, struct state *s, struct weft_reader *r, int file, struct weft_err *e);
    int (*each)(struct weft_run *run, struct state *s, struct weft_reader *r, struct weft_span frame, struct weft_err *e);
    int (*end)(struct weft_run *run, struct state *s, struct weft_reader *r, struct weft_err *e);
};

static int visit_file(struct weft_run *run, struct state *s, const struct visit *v, int file, struct weft_err *e)
{
    struct weft_reader *r = NULL;
    struct weft_span frame;
    int got = weft_reader_open(input(run, file), NULL, weft_run_stream_opts(run), &r, e);
    if (got == 0 && v->begin)
        got = v->begin(run, s, r, file, e);
    while (got >= 0 && (got = weft_reader_next(r, &frame, e)) > 0) {
        weft_run_read(run, 1);
        got = v->each ? v->each(run, s, r, frame, e) : 0;
        if (got < 0)
            weft_fail_where(e, "%s: frame %llu", input(run, file), (unsigned long long)weft_reader_count(r));
    }
    if (got == 0 && v->end)
        got = v->end(run, s, r, e);
    weft_reader_close(&r);
    return got;
}

static int visit_all(struct weft_run *run, struct state *s, const struct visit *v, struct weft_err *e)
{
    int last = weft_run_n_operands(run) > 1 ? weft_run_n_operands(run) : 2;
    for (int i = 1; i < last; i++)
        if (visit_file(run, s, v, i, e) < 0)
            return -1;
    return 0;
}

/* --- show --- */

static int show_head(struct weft_run *run, struct state *s, struct weft_reader *r, int file, struct weft_err *e)
{
    const struct weft_head *h = weft_reader_head(r);
    FILE *f = weft_run_text(run);
    (void)file;
    (void)e;
    fprintf(f, "{\"weft\":%d,\"schema\":\"%s\",\"attrs\":", WEFT_STREAM_VERSION, h->schema);
    weft_view_json(f, h->attrs, (size_t)s->max);
    fputs(",\"lineage\":", f);
    weft_view_json(f, h->lineage, (size_t)s->max);
    fputs("}\n", f);
    return 0;
}

static int show_frame(struct weft_run *run, struct state *s, struct weft_reader *r, struct weft_span frame, struct weft_err *e)
{
    (void)r;
    weft_view_json(weft_run_text(run), frame, (size_t)s->max);
    putc('\n', weft_run_text(run));
    return weft_run_text_check(run, e);
}

static int show_tail(struct weft_run *run, struct state *s, struct weft_reader *r, struct weft_err *e)
{
    FILE *f = weft_run_text(run);
    fprintf(f, "{\"end\":%llu,\"counts\":", (unsigned long long)weft_reader_count(r));
    weft_view_json(f, weft_reader_counts(r), (size_t)s->max);
    fputs("}\n", f);
    return weft_run_text_check(run, e);
}

/* --- csv --- */

static bool is_schema(struct weft_reader *r, const char *name)
{
    const char *own = weft_reader_head(r)->schema;
    size_t n = strlen(name);
    return strncmp(own, name, n) == 0 && own[n] == '/';
}

static bool is_products(struct weft_reader *r)
{
    return is_schema(r, "products") || is_schema(r, "demand");
}

static int csv_head(struct weft_run *run, struct state *s, struct weft_reader *r, int file, struct weft_err *e)
{
    FILE *f = weft_run_text(run);
    if (is_schema(r, "series") || is_schema(r, "windows")) {
        weft_series_attrs_free(&s->attrs);
        if (weft_series_attrs_read(weft_reader_head(r), &s->attrs, e) < 0)
            return -1;
        if (file <= 1)
            weft_csv_series_head(f, &s->attrs);
    } else if (is_schema(r, "forecasts") && file <= 1) {
        weft_csv_forecast_head(f, weft_reader_head(r));
    } else if (is_products(r)) {
        if (weft_products_csv_start(&s->products, weft_reader_head(r), e) < 0)
            return -1;
        if (file <= 1)
            weft_products_csv_head(&s->products, f);
    }
    return 0;
}

static int csv_frame(struct weft_run *run, struct state *s, struct weft_reader *r, struct weft_span frame, struct weft_err *e)
{
    FILE *f = weft_run_text(run);
    if (s->attrs.n_channels) {
        if (weft_series_read(frame, &s->attrs, &s->series, e) < 0)
            return -1;
        weft_csv_series(f, &s->attrs, &s->series);
    } else if (is_products(r)) {
        if (weft_products_csv_row(&s->products, frame, f, e) < 0)
            return -1;
    } else if (is_schema(r, "forecasts")) {
        if (weft_csv_forecast(f, weft_reader_head(r), frame, e) < 0)
            return -1;
    } else {
        if (weft_reader_count(r) == 1)
            weft_csv_flat(f, frame, true);
        weft_csv_flat(f, frame, false);
    }
    return weft_run_text_check(run, e);
}

/* --- count, check --- */

static int count_end(struct weft_run *run, struct state *s, struct weft_reader *r, struct weft_err *e)
{
    struct weft_value list, item, v;
    struct weft_span counts = weft_reader_counts(r);
    FILE *f = weft_run_text(run);
    (void)s;
    fprintf(f, "%s\t%llu frames\t%s\n", weft_reader_name(r), (unsigned long long)weft_reader_count(r), weft_reader_head(r)->schema);
    if (!weft_value_next(&counts, &list))
        return 0;
    while (weft_value_next(&list.body, &item)) {
        static const char *const what[] = {"in", "out", "rejected"};
        if (weft_map_find(item.whole, "program", &v))
            fprintf(f, "  %-16.*s", (int)(v.body.n < 60 ? v.body.n : 60), (const char *)v.body.p);
        for (int k = 0; k < 3; k++)
            if (weft_map_find(item.whole, what[k], &v))
                fprintf(f, " %12llu %s", (unsigned long long)v.u, what[k]);
        putc('\n', f);
    }
    return weft_run_text_check(run, e);
}

static int check_head(struct weft_run *run, struct state *s, struct weft_reader *r, int file, struct weft_err *e)
{
    (void)run;
    (void)file;
    weft_schema_free(&s->schema);
    s->schema = weft_schema_find(weft_reader_head(r)->schema, e);
    if (!s->schema)
        return -1;
    if (weft_schema_check_attrs(s->schema, weft_reader_head(r)->attrs, e) < 0)
        return weft_fail_where(e, "%s: head attrs", weft_reader_name(r));
    return 0;
}

static int check_frame(struct weft_run *run, struct state *s, struct weft_reader *r, struct weft_span frame, struct weft_err *e)
{
    (void)run;
    (void)r;
    return weft_schema_check_frame(s->schema, frame, e);
}

static int check(struct weft_run *run, struct state *s, struct weft_err *e)
{
    static const struct visit v = {.begin = check_head, .each = check_frame};
    int rc = visit_all(run, s, &v, e);
    if (rc < 0 && e->code == WEFT_DATA) {
        /* It ran well; the answer is no. The reason is said all the same. */
        weft_err_print(weft_run_program(run), e);
        e->code = WEFT_NO;
    }
    return rc;
}

/* --- streams out: cat, head, expand, from-json --- */

static int cat_head(struct weft_run *run, struct state *s, struct weft_reader *r, int file, struct weft_err *e)
{
    const struct weft_head *h = weft_reader_head(r);
    if (file <= 1) {
        weft_pack_clear(&s->first);
        weft_pack_cstr(&s->first, h->schema);
        weft_pack_raw(&s->first, h->attrs);
        return weft_run_head_from(run, h, h->schema, h->attrs, e);
    }
    struct weft_span kept = weft_pack_span(&s->first);
    struct weft_value v;
    if (!weft_value_next(&kept, &v) || !weft_value_is(&v, h->schema))
        return weft_fail(e, WEFT_DATA, "%s is a %s stream, unlike the first", weft_reader_name(r), h->schema);
    if (kept.n != h->attrs.n || memcmp(kept.p, h->attrs.p, kept.n) != 0) {
        weft_fail(e, WEFT_DATA, "%s has other attrs than the first stream", weft_reader_name(r));
        return weft_fail_hint(e, "compare with `frames show FILE | head -n 1`");
    }
    return 0;
}

static int cat_frame(struct weft_run *run, struct state *s, struct weft_reader *r, struct weft_span frame, struct weft_err *e)
{
    (void)s;
    return weft_run_emit(run, frame, e) < 0 ? -1 : weft_run_flow(run, r, e);
}

static int head(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_reader *r = NULL;
    struct weft_span frame;
    int got = weft_reader_open(input(run, 1), NULL, weft_run_stream_opts(run), &r, e);
    if (got == 0)
        got = cat_head(run, s, r, 1, e);
    for (int64_t i = 0; got >= 0; i++) {
        if (s->no_drain && i == s->n)
            break;
        /* Reading on after the last frame shown verifies the rest and spares the writer above a SIGPIPE. */
        got = weft_reader_next(r, &frame, e);
        if (got <= 0)
            break;
        weft_run_read(run, 1);
        if (i < s->n && weft_run_emit(run, frame, e) < 0)
            got = -1;
    }
    weft_reader_close(&r);
    return got < 0 ? -1 : 0;
}

static int expand_head(struct weft_run *run, struct state *s, struct weft_reader *r, int file, struct weft_err *e)
{
    const struct weft_head *h = weft_reader_head(r);
    if (!is_schema(r, "windows")) {
        weft_fail(e, WEFT_DATA, "expand needs a windows stream, not %s", h->schema);
        return weft_fail_hint(e, "`window` makes one");
    }
    weft_series_attrs_free(&s->attrs);
    if (weft_series_attrs_read(h, &s->attrs, e) < 0)
        return -1;
    return file <= 1 ? weft_run_head_from(run, h, "examples/1", h->attrs, e) : 0;
}

static int emit(void *run, struct weft_span frame, struct weft_err *e)
{
    return weft_run_emit(run, frame, e);
}

static int expand_frame(struct weft_run *run, struct state *s, struct weft_reader *r, struct weft_span frame, struct weft_err *e)
{
    if (weft_series_read(frame, &s->attrs, &s->series, e) < 0 || weft_expand_windows(&s->attrs, &s->series, &s->scratch, emit, run, e) < 0)
        return -1;
    return weft_run_flow(run, r, e);
}

/* One JSON line becomes a head, a frame, or (for a tail, which is made anew) nothing. */
static int take_line(struct weft_run *run, struct state *s, const char *line, size_t n, bool *headed, struct weft_err *e)
{
    struct weft_value v;
    weft_json *j = weft_json_parse(line, n, e);
    if (!j)
        return -1;
    weft_pack_clear(&s->scratch);
    int rc = weft_view_pack(j, &s->scratch, e);
    const char *schema = weft_json_str(weft_json_get(j, "schema"), NULL);
    struct weft_span map = weft_pack_span(&s->scratch);
    if (rc == 0 && !*headed) {
        if (!weft_json_get(j, "weft") || !schema || !weft_map_find(map, "attrs", &v))
            rc = weft_fail(e, WEFT_DATA, "the first line is no head {\"weft\": 1, \"schema\": ..., \"attrs\": {...}}");
        else
            rc = weft_run_head(run, schema, v.whole, e);
        *headed = true;
    } else if (rc == 0 && !weft_json_get(j, "end")) {
        weft_run_read(run, 1);
        if (weft_json_kind(j) != WEFT_JSON_OBJECT)
            rc = weft_fail(e, WEFT_DATA, "not a JSON object");
        else
            rc = weft_run_emit(run, map, e);
    }
    weft_json_free(&j);
    return rc;
}

static int from_json(struct weft_run *run, struct state *s, struct weft_err *e)
{
    const char *path = input(run, 1);
    bool headed = false;
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!f)
        return weft_fail_errno(e, WEFT_NOINPUT, "can't open %s", path);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int rc = 0;
    for (uint64_t at = 1; rc == 0 && (n = getline(&line, &cap, f)) >= 0; at++) {
        if (n > LINE_MAX_BYTES)
            rc = weft_fail(e, WEFT_DATA, "a line of more than %d bytes", LINE_MAX_BYTES);
        else if (n > 1)
            rc = take_line(run, s, line, (size_t)n, &headed, e);
        if (rc < 0)
            weft_fail_where(e, "%s:%llu", strcmp(path, "-") == 0 ? "standard input" : path, (unsigned long long)at);
    }
    if (rc == 0 && ferror(f))
        rc = weft_fail_errno(e, WEFT_IO, "can't read %s", path);
    if (rc == 0 && !headed)
        rc = weft_fail(e, WEFT_UPSTREAM, "no line arrived");
    free(line);
    if (f != stdin)
        fclose(f);
    return rc;
}

/* --- inspect --- */

static int inspect(struct weft_run *run, struct state *s, struct weft_err *e)
{
    size_t n = (size_t)weft_run_n_operands(run) - 1;
    const char **paths = WEFT_ARRAY(const char *, n + 1);
    paths[0] = "-";
    for (size_t i = 0; i < n; i++)
        paths[i] = weft_run_operand(run, (int)i + 1);
    int rc = weft_inspect(paths, n ? n : 1, s->format == 1, weft_run_text(run), e);
    free(paths);
    return rc;
}

/* --- which --- */

/* An option of another command would be looked past. */
static int check_options(const struct weft_run *run, const char *command, struct weft_err *e)
{
    static const char *const of[][2] = {{"frames", "head"}, {"elements", "show"}, {"no-drain", "head"}, {"format", "inspect"}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (weft_run_given(run, of[i][0]) && strcmp(command, of[i][1]) != 0)
            return weft_fail(e, WEFT_USAGE, "--%s is for frames %s, and this is frames %s", of[i][0], of[i][1], command);
    return 0;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    static const struct {
        const char *name;
        struct visit visit;
        int (*own)(struct weft_run *run, struct state *s, struct weft_err *e);
    } commands[] = {
        {"show", {show_head, show_frame, show_tail}, NULL},
        {"csv", {csv_head, csv_frame, NULL}, NULL},
        {"count", {NULL, NULL, count_end}, NULL},
        {"cat", {cat_head, cat_frame, NULL}, NULL},
        {"expand", {expand_head, expand_frame, NULL}, NULL},
        {"check", {NULL, NULL, NULL}, check},
        {"head", {NULL, NULL, NULL}, head},
        {"from-json", {NULL, NULL, NULL}, from_json},
        {"inspect", {NULL, NULL, NULL}, inspect},
    };
    const char *name = weft_run_operand(run, 0);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return check_options(run, name, e) < 0 ? -1 : commands[i].own ? commands[i].own(run, state, e) : visit_all(run, state, &commands[i].visit, e);
    weft_fail(e, WEFT_USAGE, "no command \"%s\"", name);
    return weft_fail_hint(e, "one of show, csv, count, check, expand, cat, head, from-json, inspect");
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_series_attrs_free(&s->attrs);
    weft_series_free(&s->series);
    weft_products_csv_free(&s->products);
    weft_pack_free(&s->scratch);
    weft_pack_free(&s->first);
    weft_schema_free(&s->schema);
}

static const struct weft_filter filter = {
    .usage = {.name = "frames",
              .summary = "looks into streams, checks, converts and joins them; looks into CSV files before ingest",
              .synopsis = "frames show|csv|count|check|expand|cat|head|from-json [OPTION...] [FILE...]\nframes inspect [--format table|json] [FILE.csv...]",
              .reads = "any streams (standard input without FILE); inspect: CSV",
              .writes = "JSON lines (show), CSV (csv), text (count, inspect), or a stream (expand, cat, head, from-json)",
              .examples = "ingest train.csv | frames head -n 1 | frames show --elements 7\n"
                          "score -m model.safetensors -i windows.weft | frames csv > forecasts.csv\n"
                          "frames check series.weft && echo good\n"
                          "frames inspect sales.csv\n"
                          "zcat dump.csv.gz | frames inspect --format json | jq -r .command",
              .see_also = "ingest, window, score",
              .notes = "show and from-json are inverses: tensors are {\"f32\": [...]}, a missing value is null. check exits 1 when a stream does not fit its "
                       "schema. expand writes every window as a frame of its own (schema examples/1), scaled. head verifies the rest of the stream too.\n"
                       "inspect needs no option: it finds encoding, separator and layout, what each column seems to be, the calendar and its gaps, zeros, missing and "
                       "negative values, duplicates and constant columns, and prints the ingest command that reads the file. It reads a file three times; "
                       "standard input is kept in a temporary file. Memory: 1 MB a column of texts, 100 MB for duplicates at most."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_NONE,
    .out = WEFT_IO_TEXT,
    .min_operands = 1,
    .max_operands = -1,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
