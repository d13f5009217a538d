/* aggregate.c - rolls series up to a level of the hierarchy.
 *
 * In: series/1. Out: series/1, one frame a group, ordered by id, with "members" (series in it) and "level" (what it was
 * rolled up by) added, and channels that count who sells when asked for. Its head says "by" (the levels) and, with
 * counts, "active_days". */
#include <stddef.h>

#include "rank/roll_up.h"
#include "record/series.h"

struct state {
    struct weft_roll_up_options o;
    struct weft_roll_up *sums;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, o.member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_LIST, 0, "by", AT(LIST, by), NULL, 0, 0, "LEVEL", "keys that name a group (major, brand, ...), or all",
     WEFT_OPT_REQUIRED},
    {WEFT_OPT_LIST, 0, "count", AT(LIST, count), NULL, 0, 0, "WHAT",
     "adds channels that count who sells in a group: active (series with sales), brands (brands with sales)", 0},
    {WEFT_OPT_INT, 0, "active-days", AT(INT, active_days), "28", 1, 100000, "N", "who sold within so many days counts",
     0},
    {WEFT_OPT_STR, 0, "brand", AT(STR, brand), "brand", 0, 0, "KEY", "the key that brands counts", 0},
    {WEFT_OPT_FLAG, 0, "partial-sums", AT(FLAG, partial), NULL, 0, 0, NULL,
     "add up the members that have a value, also on days on which another one, between its first and its last day, has "
     "none",
     0},
    {.type = WEFT_OPT_END},
};

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    return weft_roll_up_start(run, &s->o, &s->sums, e);
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    (void)run;
    return weft_roll_up_frame(((struct state *)state)->sums, in, e);
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    return weft_roll_up_drain(run, ((struct state *)state)->sums, e);
}

static void stop(struct weft_run *run, void *state)
{
    (void)run;
    weft_roll_up_free(&((struct state *)state)->sums);
}

static const struct weft_filter filter = {
    .usage =
        {.name = "aggregate",
         .summary = "rolls series up to a level of the hierarchy",
         .synopsis = "aggregate --by LEVEL[,LEVEL...] [OPTION...] [FILE]",
         .reads = "a series stream",
         .writes = "a series stream, one frame a group, ordered by id",
         .examples = "weft ingest sales.csv | weft aggregate --by minor | weft frames count\n"
                     "weft ingest sales.csv | weft aggregate --by major,brand | weft window --lookback 56 --horizon 28 "
                     "| weft train-dlinear -o brands.safetensors\n"
                     "weft ingest sales.csv | weft aggregate --by minor --count active,brands | weft frames csv",
         .see_also = "ingest, window, rank",
         .notes =
             "Units and amounts are summed, mentions averaged. A series counts as 0 before its first value "
             "and after its last one; a day between them "
             "on which it has none makes the sum missing, but for --partial-sums, and both are counted in a "
             "line. In a mean a missing value takes no "
             "part. A day on which every member is missing stays missing. Keys that are the same in all "
             "members of every group are kept.\n"
             "--count makes the competition a series like any other, so that it can be forecast: channel "
             "active has the number of series with sales above 0 (of the "
             "first channel that is none of amounts and mentions) within the last --active-days, brands the "
             "number of brands that these belong to. The first "
             "days, before so many have passed, are missing.\n"
             "A series that comes twice is refused.\n"
             "Memory: 48 to 96 bytes a series; 12 bytes per group, channel and step; with --count 8 bytes more per "
             "group and step, and one per 8 steps for every brand of a group."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_STREAM,
    .schema = WEFT_SERIES_SCHEMA,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
