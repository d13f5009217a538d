/* lines.c - a stream as JSON lines, and back. */
#include "show/lines.h"

#include <stdlib.h>
#include <string.h>

#include "show/view.h"

enum { LINE_MAX_BYTES = 64 << 20 };

void weft_lines_head(FILE *f, const struct weft_head *h, size_t max)
{
    fprintf(f, "{\"weft\":%d,\"schema\":\"%s\",\"attrs\":", WEFT_STREAM_VERSION, h->schema);
    weft_view_json(f, h->attrs, max);
    fputs(",\"lineage\":", f);
    weft_view_json(f, h->lineage, max);
    fputs("}\n", f);
}

void weft_lines_frame(FILE *f, struct weft_span frame, size_t max)
{
    weft_view_json(f, frame, max);
    putc('\n', f);
}

void weft_lines_tail(FILE *f, const struct weft_reader *r, size_t max)
{
    fprintf(f, "{\"end\":%llu,\"counts\":", (unsigned long long)weft_reader_count(r));
    weft_view_json(f, weft_reader_counts(r), max);
    fputs("}\n", f);
}

/* --- and back --- */

static int take_head(struct weft_run *run, const weft_json *j, struct weft_span map, struct weft_err *e)
{
    struct weft_value attrs;
    const char *schema = weft_json_str(weft_json_get(j, "schema"), NULL);
    if (!weft_json_get(j, "weft") || !schema || !weft_map_find(map, "attrs", &attrs))
        return weft_fail(e, WEFT_DATA, "the first line is no head {\"weft\": 1, \"schema\": ..., \"attrs\": {...}}");
    return weft_run_head(run, schema, attrs.whole, e);
}

static int take_frame(struct weft_run *run, const weft_json *j, struct weft_span map, struct weft_err *e)
{
    if (weft_json_get(j, "end"))
        return 0; /* a tail */
    weft_run_read(run, 1);
    return weft_json_kind(j) == WEFT_JSON_OBJECT ? weft_run_emit(run, map, e)
                                                 : weft_fail(e, WEFT_DATA, "not a JSON object");
}

static int take_line(struct weft_run *run, const char *line, size_t n, bool first, struct weft_pack *b,
                     struct weft_err *e)
{
    if (n > LINE_MAX_BYTES)
        return weft_fail(e, WEFT_DATA, "a line of more than %d bytes", LINE_MAX_BYTES);
    weft_json *j = weft_json_parse(line, n, e);
    if (!j)
        return -1;
    weft_pack_clear(b);
    int rc = weft_view_pack(j, b, e);
    if (rc == 0)
        rc = first ? take_head(run, j, weft_pack_span(b), e) : take_frame(run, j, weft_pack_span(b), e);
    weft_json_free(&j);
    return rc;
}

int weft_lines_read(const char *path, struct weft_run *run, struct weft_err *e)
{
    bool headed = false;
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    if (!f)
        return weft_fail_errno(e, WEFT_NOINPUT, "can't open %s", path);
    struct weft_pack b = {0};
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    int rc = 0;
    for (uint64_t at = 1; rc == 0 && (n = getline(&line, &cap, f)) >= 0; at++) {
        if (n <= 1)
            continue;
        rc = take_line(run, line, (size_t)n, !headed, &b, e);
        headed = true;
        if (rc < 0)
            weft_fail_where(e, "%s:%llu", f == stdin ? "standard input" : path, (unsigned long long)at);
    }
    if (rc == 0 && ferror(f))
        rc = weft_fail_errno(e, WEFT_IO, "can't read %s", path);
    if (rc == 0 && !headed)
        rc = weft_fail(e, WEFT_UPSTREAM, "no line arrived");
    weft_pack_free(&b);
    free(line);
    if (f != stdin)
        fclose(f);
    return rc;
}

void weft_lines_counts(FILE *f, const struct weft_reader *r)
{
    static const char *const what[] = {"in", "out", "rejected"};
    struct weft_value list, item, v;
    struct weft_span counts = weft_reader_counts(r);
    fprintf(f, "%s\t%llu frames\t%s\n", weft_reader_name(r), (unsigned long long)weft_reader_count(r),
            weft_reader_head(r)->schema);
    if (!weft_value_next(&counts, &list))
        return;
    while (weft_value_next(&list.body, &item)) {
        if (weft_map_find(item.whole, "program", &v))
            fprintf(f, "  %-16.*s", (int)(v.body.n < 60 ? v.body.n : 60), (const char *)v.body.p);
        for (int k = 0; k < 3; k++)
            if (weft_map_find(item.whole, what[k], &v))
                fprintf(f, " %12llu %s", (unsigned long long)v.u, what[k]);
        putc('\n', f);
    }
}
