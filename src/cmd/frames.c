/* frames.c - looks into streams, checks, converts and joins them. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "show/arrow.h"
#include "show/table.h"
#include "show/expand.h"
#include "ingest/inspect.h"
#include "show/lines.h"
#include "base/mem.h"
#include "record/stream_check.h"
#include "show/stream_csv.h"

struct state {
    int64_t n, max;
    bool no_drain, bom;
    int format;
    struct weft_reader *r; /* the stream at hand */
    int file;              /* its operand, from 1 on */
    struct weft_series_attrs attrs;
    struct weft_series series;
    struct weft_stream_csv csv;
    struct weft_arrow *arrow;
    struct weft_pack scratch, first; /* first: schema and attrs of the first stream */
    struct weft_stream_check check;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_INT, 'n', "frames", AT(INT, n), "10", 0, 1e15, "N", "head: frames to pass on", WEFT_OPT_RUN},
    {WEFT_OPT_INT, 0, "elements", AT(INT, max), "0", 0, 1e9, "N",
     "show: cut tensors and bytes after N elements; 0: whole", WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "no-drain", AT(FLAG, no_drain), NULL, 0, 0, NULL,
     "head: stop reading after the last frame shown, unverified", WEFT_OPT_RUN},
    {WEFT_OPT_CHOICE, 0, "format", AT(CHOICE, format), "table", 0, 0, "table|json",
     "inspect: for people, or one JSON object", WEFT_OPT_RUN},
    {WEFT_OPT_FLAG, 0, "bom", AT(FLAG, bom), NULL, 0, 0, NULL, WEFT_BOM_HELP, WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

static const char *input(const struct weft_run *run, int i)
{
    return i < weft_run_n_operands(run) ? weft_run_operand(run, i) : "-";
}

/* What is done with each stream: its head, every frame, its end after a verified tail. Each may be NULL. */
struct visit {
    int (*begin)(struct weft_run *run, struct state *s, const struct weft_head *h, struct weft_err *e);
    int (*each)(struct weft_run *run, struct state *s, struct weft_span frame, struct weft_err *e);
    int (*end)(struct weft_run *run, struct state *s, struct weft_err *e);
};

static int open_stream(struct weft_run *run, struct state *s, int file, struct weft_err *e)
{
    s->file = file;
    return weft_reader_open(input(run, file), NULL, weft_run_stream_opts(run), &s->r, e);
}

static int visit_file(struct weft_run *run, struct state *s, const struct visit *v, int file, struct weft_err *e)
{
    struct weft_span frame;
    int got = open_stream(run, s, file, e);
    if (got == 0 && v->begin)
        got = v->begin(run, s, weft_reader_head(s->r), e);
    while (got >= 0 && (got = weft_reader_next(s->r, &frame, e)) > 0) {
        weft_run_read(run, 1);
        got = v->each ? v->each(run, s, frame, e) : 0;
        if (got < 0)
            weft_fail_where(e, "%s: frame %llu", input(run, file), (unsigned long long)weft_reader_count(s->r));
    }
    if (got == 0 && v->end)
        got = v->end(run, s, e);
    weft_reader_close(&s->r);
    return got;
}

/* All operands behind the command; standard input without any. */
static int visit_all(struct weft_run *run, struct state *s, const struct visit *v, struct weft_err *e)
{
    int last = weft_run_n_operands(run) > 1 ? weft_run_n_operands(run) : 2;
    for (int i = 1; i < last; i++)
        if (visit_file(run, s, v, i, e) < 0)
            return -1;
    return 0;
}

/* --- text out: show, csv, count --- */

static int show_head(struct weft_run *run, struct state *s, const struct weft_head *h, struct weft_err *e)
{
    (void)e;
    weft_lines_head(weft_run_text(run), h, (size_t)s->max);
    return 0;
}

static int show_frame(struct weft_run *run, struct state *s, struct weft_span frame, struct weft_err *e)
{
    weft_lines_frame(weft_run_text(run), frame, (size_t)s->max);
    return weft_run_text_check(run, e);
}

static int show_tail(struct weft_run *run, struct state *s, struct weft_err *e)
{
    weft_lines_tail(weft_run_text(run), s->r, (size_t)s->max);
    return weft_run_text_check(run, e);
}

static int csv_head(struct weft_run *run, struct state *s, const struct weft_head *h, struct weft_err *e)
{
    if (s->bom && s->file <= 1)
        fputs("\xef\xbb\xbf", weft_run_text(run));
    return weft_stream_csv_start(&s->csv, h, s->file <= 1, weft_run_text(run), e);
}

static int csv_frame(struct weft_run *run, struct state *s, struct weft_span frame, struct weft_err *e)
{
    if (weft_stream_csv_frame(&s->csv, frame, weft_reader_count(s->r) == 1, weft_run_text(run), e) < 0)
        return -1;
    return weft_run_text_check(run, e);
}

static int arrow_head(struct weft_run *run, struct state *s, const struct weft_head *h, struct weft_err *e)
{
    (void)run;
    return weft_arrow_start(s->arrow, h, e);
}

static int arrow_frame(struct weft_run *run, struct state *s, struct weft_span frame, struct weft_err *e)
{
    return weft_arrow_frame(s->arrow, frame, e) < 0 ? -1 : weft_run_text_check(run, e);
}

static int arrow(struct weft_run *run, struct state *s, struct weft_err *e)
{
    static const struct visit visit = {arrow_head, arrow_frame, NULL};
    FILE *f = weft_run_text(run);
    if (isatty(fileno(f))) {
        weft_fail(e, WEFT_USAGE, "Arrow is no text for a terminal");
        return weft_fail_hint(e, "name a file with -o FILE");
    }
    s->arrow = weft_arrow_new(f);
    if (visit_all(run, s, &visit, e) < 0)
        return -1;
    weft_arrow_end(s->arrow);
    return 0;
}

static int count_end(struct weft_run *run, struct state *s, struct weft_err *e)
{
    weft_lines_counts(weft_run_text(run), s->r);
    return weft_run_text_check(run, e);
}

/* --- check --- */

static int check_head(struct weft_run *run, struct state *s, const struct weft_head *h, struct weft_err *e)
{
    (void)run;
    return weft_stream_check_head(&s->check, h, weft_reader_name(s->r), e);
}

static int check_frame(struct weft_run *run, struct state *s, struct weft_span frame, struct weft_err *e)
{
    (void)run;
    return weft_stream_check_frame(&s->check, frame, e);
}

static int check(struct weft_run *run, struct state *s, struct weft_err *e)
{
    static const struct visit v = {.begin = check_head, .each = check_frame};
    int rc = visit_all(run, s, &v, e);
    if (rc < 0 && (e->code == WEFT_DATA || e->code == WEFT_CONFIG)) {
        /* It ran well; the answer is no. The reason is said all the same. */
        weft_err_print(weft_run_program(run), e);
        e->code = WEFT_NO;
    }
    return rc;
}

/* --- streams out: cat, head, expand, from-json --- */

static int cat_head(struct weft_run *run, struct state *s, const struct weft_head *h, struct weft_err *e)
{
    if (s->file <= 1) {
        weft_pack_cstr(&s->first, h->schema);
        weft_pack_raw(&s->first, h->attrs);
        return weft_run_head_from(run, h, h->schema, h->attrs, e);
    }
    struct weft_span kept = weft_pack_span(&s->first);
    struct weft_value v;
    if (!weft_value_next(&kept, &v) || !weft_value_is(&v, h->schema))
        return weft_fail(e, WEFT_DATA, "%s is a %s stream, unlike the first", weft_reader_name(s->r), h->schema);
    if (!weft_attrs_agree(kept, h->attrs)) {
        weft_fail(e, WEFT_DATA, "%s has other attrs than the first stream", weft_reader_name(s->r));
        return weft_fail_hint(e, "compare with `weft frames show FILE | head -n 1`");
    }
    return 0;
}

static int cat_frame(struct weft_run *run, struct state *s, struct weft_span frame, struct weft_err *e)
{
    return weft_run_emit(run, frame, e) < 0 ? -1 : weft_run_flow(run, s->r, e);
}

static int head(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_span frame;
    int got = open_stream(run, s, 1, e);
    if (got == 0)
        got = cat_head(run, s, weft_reader_head(s->r), e);
    for (int64_t i = 0; got >= 0 && (i < s->n || !s->no_drain); i++) {
        /* Reading on after the last frame shown verifies the rest and spares the writer above a SIGPIPE. */
        got = weft_reader_next(s->r, &frame, e);
        if (got <= 0)
            break;
        weft_run_read(run, 1);
        if (i < s->n)
            got = weft_run_emit(run, frame, e);
    }
    weft_reader_close(&s->r);
    return got < 0 ? -1 : 0;
}

static int expand_head(struct weft_run *run, struct state *s, const struct weft_head *h, struct weft_err *e)
{
    if (!weft_head_is(h, "windows")) {
        weft_fail(e, WEFT_DATA, "expand needs a windows stream, not %s", h->schema);
        return weft_fail_hint(e, "`weft window` makes one");
    }
    weft_series_attrs_free(&s->attrs);
    if (weft_series_attrs_read(h, &s->attrs, e) < 0)
        return -1;
    return s->file <= 1 ? weft_run_head_from(run, h, "examples/1", h->attrs, e) : 0;
}

static int emit(void *run, struct weft_span frame, struct weft_err *e)
{
    return weft_run_emit(run, frame, e);
}

static int expand_frame(struct weft_run *run, struct state *s, struct weft_span frame, struct weft_err *e)
{
    if (weft_series_read(frame, &s->attrs, &s->series, e) < 0 ||
        weft_expand_windows(&s->attrs, &s->series, &s->scratch, emit, run, e) < 0)
        return -1;
    return weft_run_flow(run, s->r, e);
}

static int from_json(struct weft_run *run, struct state *s, struct weft_err *e)
{
    (void)s;
    return weft_lines_read(input(run, 1), run, e);
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
    static const char *const of[][2] = {
        {"frames", "head"}, {"elements", "show"}, {"no-drain", "head"}, {"format", "inspect"}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (weft_run_given(run, of[i][0]) && strcmp(command, of[i][1]) != 0)
            return weft_fail(e, WEFT_USAGE, "--%s is for frames %s, and this is frames %s", of[i][0], of[i][1],
                             command);
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
        {"arrow", {NULL, NULL, NULL}, arrow},
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
            return check_options(run, name, e) < 0 ? -1
                   : commands[i].own               ? commands[i].own(run, state, e)
                                                   : visit_all(run, state, &commands[i].visit, e);
    weft_fail(e, WEFT_USAGE, "no command \"%s\"", name);
    return weft_fail_hint(e, "one of show, csv, arrow, count, check, expand, cat, head, from-json, inspect");
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_series_attrs_free(&s->attrs);
    weft_series_free(&s->series);
    weft_stream_csv_free(&s->csv);
    weft_arrow_free(&s->arrow);
    weft_pack_free(&s->scratch);
    weft_pack_free(&s->first);
    weft_stream_check_free(&s->check);
}

static const struct weft_filter filter = {
    .usage = {.name = "frames",
              .summary = "looks into streams, checks, converts and joins them; looks into CSV files before ingest",
              .synopsis =
                  "frames show|csv|arrow|count|check|expand|cat|head|from-json [OPTION...] [FILE...]\nframes inspect "
                  "[--format table|json] [FILE.csv...]",
              .reads = "any streams (standard input without FILE); inspect: CSV",
              .writes = "JSON lines (show), CSV (csv), an Arrow IPC stream (arrow), text (count, inspect), or a stream "
                        "(expand, cat, head, from-json)",
              .examples = "weft ingest sales.csv | weft frames head -n 1 | weft frames show --elements 7\n"
                          "weft score -m model.safetensors -i windows.weft | weft frames csv > forecasts.csv\n"
                          "weft frames arrow forecasts.weft -o forecasts.arrows\n"
                          "weft frames check series.weft && echo good\n"
                          "weft frames inspect sales.csv\n"
                          "zcat dump.csv.gz | weft frames inspect --format json | jq -r .command",
              .see_also = "ingest, window, score",
              .notes = "show and from-json are inverses: tensors are {\"f32\": [...]}, a missing value is null. check "
                       "exits 1 when a stream does not fit its "
                       "schema, or its values are such as programs refuse. expand writes every window as a frame of "
                       "its own (schema examples/1), scaled. head "
                       "verifies the rest of the stream too. arrow gives the rows and columns of csv with types, of "
                       "series, windows and forecasts: texts, dates (timestamps where steps are shorter than a day), "
                       "float32; an empty cell is null. It holds 65,536 rows at most.\n"
                       "inspect needs no option: it finds encoding, separator and layout, what each column seems to "
                       "be, the calendar and its gaps, zeros, missing and "
                       "negative values, duplicates and constant columns, and prints the ingest command that reads the "
                       "file. It reads a file three times; "
                       "standard input is kept in a temporary file. Memory: 1 MB a column of texts, 100 MB for "
                       "duplicates at most."},
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
