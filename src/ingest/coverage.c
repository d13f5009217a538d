/* coverage.c - what is not in a table. */
#include "ingest/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"

enum { RUNS_SAID = 3, RUNS_KEPT = 32 };

void weft_coverage_begin(struct weft_coverage *c, const struct weft_grid *g, bool zero)
{
    *c = (struct weft_coverage){.grid = *g, .zero = zero, .has = WEFT_ARRAY(bool, (size_t)g->n + 1)};
}

void weft_coverage_free(struct weft_coverage *c)
{
    free(c->has);
    free(c->first_to_end);
    free(c->begins);
    free(c->ends);
    free(c->holes);
    *c = (struct weft_coverage){0};
}

void weft_coverage_decide(struct weft_coverage *c, const struct weft_ingest *o, bool orders, uint64_t rows)
{
    enum { OFTEN = 7 };
    c->orders = orders && o->fill == WEFT_FILL_DEFAULT && rows < OFTEN * (uint64_t)c->grid.n;
    c->gaps = o->fill != WEFT_FILL_ZERO && !c->orders;
}

void weft_coverage_series(struct weft_coverage *c, struct weft_span id, int64_t first, int64_t last, int64_t count)
{
    c->series++;
    if (!count)
        return;
    int64_t begin = 0, end = c->grid.n - 1, days = 0;
    while (begin < first && !c->has[begin])
        begin++;
    while (end > last && !c->has[end])
        end--;
    for (int64_t i = first; i <= last; i++)
        days += c->has[i];
    c->inside += (uint64_t)(days - count);
    c->late += first > begin;
    c->early += last < end;
    if (last < end && (!c->first_to_end || last < c->first_end)) {
        free(c->first_to_end);
        c->first_to_end = weft_xstrndup((const char *)id.p, id.n < 60 ? id.n : 60);
        c->first_end = last;
    }
}

size_t weft_coverage_cells(struct weft_coverage *c, struct weft_span id, const bool *there)
{
    size_t n = (size_t)c->grid.n, first = 0, last = n, fresh = 0;
    if (!c->begins) {
        c->begins = WEFT_ARRAY(uint64_t, n + 1);
        c->ends = WEFT_ARRAY(uint64_t, n + 1);
        c->holes = WEFT_ARRAY(uint64_t, n + 1);
    }
    while (first < n && !there[first])
        first++;
    while (last > first && !there[last - 1])
        last--;
    c->series++;
    if (first == n)
        return 0;
    c->begins[first]++;
    c->ends[last - 1]++;
    for (size_t i = first; i < last; i++) {
        fresh += there[i] && !c->has[i];
        c->has[i] |= there[i];
        c->holes[i] += !there[i];
    }
    if (!c->first_to_end || (int64_t)last - 1 < c->first_end) {
        free(c->first_to_end);
        c->first_to_end = weft_xstrndup((const char *)id.p, id.n < 60 ? id.n : 60);
        c->first_end = (int64_t)last - 1;
    }
    return fresh;
}

void weft_coverage_count(struct weft_coverage *c)
{
    int64_t first = 0, last = c->grid.n;
    while (first < last && !c->has[first])
        first++;
    while (last > first && !c->has[last - 1])
        last--;
    for (int64_t i = first; i < last && c->begins; i++) {
        c->late += i > first ? c->begins[i] : 0;
        c->early += i + 1 < last ? c->ends[i] : 0;
        c->inside += c->has[i] ? c->holes[i] : 0;
    }
}

static const char *date_of(const struct weft_coverage *c, int64_t i, char buf[32])
{
    return weft_date_text(weft_step_add(c->grid.start, i, c->grid.step), c->grid.step, buf);
}

/* The next stretch of steps without a row, from *at on. */
static bool next_run(const struct weft_coverage *c, int64_t *at, int64_t *from, int64_t *to)
{
    while (*at < c->grid.n && c->has[*at])
        ++*at;
    if (*at >= c->grid.n)
        return false;
    *from = *at;
    while (*at < c->grid.n && !c->has[*at])
        ++*at;
    *to = *at - 1;
    return true;
}

static int64_t empty_steps(const struct weft_coverage *c)
{
    int64_t n = 0;
    for (int64_t i = 0; i < c->grid.n; i++)
        n += !c->has[i];
    return n;
}

static void say_empty(const struct weft_coverage *c, struct weft_run *run)
{
    char line[400] = "", a[32], b[32], step[32];
    int64_t n = empty_steps(c), at = 0, from, to, runs = 0, left = 0;
    if (!n)
        return;
    while (next_run(c, &at, &from, &to)) {
        size_t used = strlen(line);
        if (++runs > RUNS_SAID)
            left += to - from + 1;
        else if (from == to)
            snprintf(line + used, sizeof line - used, "%s%s", used ? ", " : "", date_of(c, from, a));
        else
            snprintf(line + used, sizeof line - used, "%s%s to %s", used ? ", " : "", date_of(c, from, a),
                     date_of(c, to, b));
    }
    if (left)
        snprintf(line + strlen(line), sizeof line - strlen(line), " and %lld more", (long long)left);
    const char *as = "counted as 0 by --missing zero";
    if (c->gaps)
        as = "missing (--missing zero counts them as 0)";
    else if (c->orders)
        as = "counted as 0, as rows are orders and few (--missing nan keeps them missing)";
    weft_run_warn(run, "%lld of %lld %ss have no row: %s; %s", (long long)n, (long long)c->grid.n,
                  weft_step_text(c->grid.step, step), line, as);
}

void weft_coverage_say(const struct weft_coverage *c, struct weft_run *run)
{
    char line[400] = "", text[32], step[32];
    say_empty(c, run);
    if (c->late)
        snprintf(line, sizeof line, "%zu of %zu series begin after %s", c->late, c->series, date_of(c, 0, text));
    if (c->early)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s%zu of %zu end before %s (\"%s\" on",
                 *line ? ", " : "", c->early, c->series, date_of(c, c->grid.n - 1, text), c->first_to_end);
    if (c->early)
        snprintf(line + strlen(line), sizeof line - strlen(line), " %s%s)", date_of(c, c->first_end, text),
                 c->early > 1 ? ", the first" : "");
    if (c->inside)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s%llu %ss of a series inside have no row",
                 *line ? ", " : "", (unsigned long long)c->inside, weft_step_text(c->grid.step, step));
    if (*line)
        weft_run_warn(run, "%s: %s", line, c->zero ? "counted as 0 (--missing nan keeps them missing)" : "missing");
    if (c->cells)
        weft_run_warn(run, "%llu cells have no number (empty, NULL, N/A): as days without a row",
                      (unsigned long long)c->cells);
}

void weft_coverage_write(const struct weft_coverage *c, struct weft_edit *attrs)
{
    struct weft_pack *m = weft_edit_set(attrs, "coverage");
    int64_t at = 0, from, to;
    uint32_t n = 0;
    char text[32];
    while (n < RUNS_KEPT && next_run(c, &at, &from, &to))
        n++;
    weft_pack_map(m, 7);
    weft_pack_cstr(m, "steps");
    weft_pack_int(m, c->grid.n);
    weft_pack_cstr(m, "without_row");
    weft_pack_int(m, empty_steps(c));
    weft_pack_cstr(m, "missing");
    weft_pack_bool(m, c->gaps);
    weft_pack_cstr(m, "runs");
    weft_pack_array(m, n);
    for (at = 0; n && next_run(c, &at, &from, &to); n--) {
        weft_pack_array(m, 2);
        weft_pack_cstr(m, date_of(c, from, text));
        weft_pack_cstr(m, date_of(c, to, text));
    }
    weft_pack_cstr(m, "late");
    weft_pack_int(m, (int64_t)c->late);
    weft_pack_cstr(m, "early");
    weft_pack_int(m, (int64_t)c->early);
    weft_pack_cstr(m, "inside");
    weft_pack_int(m, (int64_t)c->inside);
    weft_edit_done(attrs);
}

int weft_coverage_head(const struct weft_coverage *c, const struct weft_ingest *o, const struct weft_series_attrs *a,
                       struct weft_run *run, struct weft_err *e)
{
    struct weft_pack plain = {0}, whole = {0};
    struct weft_edit edit = {0};
    weft_series_attrs_write(a, (struct weft_span){0}, &plain);
    int rc = weft_edit_load(&edit, weft_pack_span(&plain), e);
    if (rc == 0) {
        weft_coverage_write(c, &edit);
        weft_edit_write(&edit, &whole);
        rc = weft_ingest_head(run, o, WEFT_SERIES_SCHEMA, weft_pack_span(&whole), e);
    }
    weft_edit_free(&edit);
    weft_pack_free(&plain);
    weft_pack_free(&whole);
    return rc;
}
