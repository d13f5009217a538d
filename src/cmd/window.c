/* window.c - says how each series is cut into windows: lookback, horizon, split and scale.
 *
 * In: series/1. Out: windows/1: the same frames with "split" and "scale" added; nothing is expanded. */
#include <stddef.h>
#include <string.h>

#include "base/ids.h"
#include "frame/run.h"
#include "record/window.h"

struct state {
    int64_t lookback, horizon, stride;
    struct weft_list split_text;
    int scale;
    struct weft_split split;
    size_t borders[WEFT_PARTS];
    struct weft_series_attrs attrs;
    struct weft_series series;
    struct weft_edit edit;
    struct weft_pack frame;
    uint64_t windows[WEFT_PARTS];
    struct weft_ids met;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_INT, 0, "lookback", AT(INT, lookback), "28", 1, 1000000, "N", "steps that a forecast looks back on",
     WEFT_OPT_REQUIRED},
    {WEFT_OPT_INT, 0, "horizon", AT(INT, horizon), "28", 1, 1000000, "N", "steps to forecast", WEFT_OPT_REQUIRED},
    {WEFT_OPT_INT, 0, "stride", AT(INT, stride), "1", 1, 1000000, "N", "steps from one window to the next", 0},
    {WEFT_OPT_LIST, 0, "split", AT(LIST, split_text), "0.64,0.16,0.20", 0, 0, "T,V,T",
     "train, validation and test part: fractions of the calendar, or steps", 0},
    {WEFT_OPT_CHOICE, 0, "scale", AT(CHOICE, scale), "none", 0, 0, WEFT_SCALE_CHOICES,
     "scaling per series and target, fitted on the train part alone", 0},
    {.type = WEFT_OPT_END},
};

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    const struct weft_head *h = weft_run_in_head(run);
    if (weft_split_parse(s->split_text.items, s->split_text.n, &s->split, e) < 0 ||
        weft_series_attrs_read(h, &s->attrs, e) < 0)
        return -1;
    if (weft_split_borders(&s->split, (size_t)s->attrs.known, s->borders, e) < 0)
        return -1;
    if (s->lookback + s->horizon > s->attrs.known) {
        weft_fail(e, WEFT_CONFIG, "lookback %lld + horizon %lld is longer than the calendar of %lld steps",
                  (long long)s->lookback, (long long)s->horizon, (long long)s->attrs.known);
        return weft_fail_hint(e, "choose a shorter --lookback or --horizon");
    }
    s->attrs.lookback = s->lookback;
    s->attrs.horizon = s->horizon;
    s->attrs.stride = s->stride;
    s->attrs.scale = (enum weft_scale)s->scale;
    struct weft_pack attrs = {0};
    weft_series_attrs_write(&s->attrs, h->attrs, &attrs);
    int rc = weft_run_head(run, WEFT_WINDOWS_SCHEMA, weft_pack_span(&attrs), e);
    weft_pack_free(&attrs);
    s->attrs.lookback = 0; /* the frames that come are series */
    return rc;
}

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    size_t split[WEFT_PARTS];
    if (weft_series_read(in, &s->attrs, &s->series, e) < 0 || weft_edit_load(&s->edit, in, e) < 0)
        return -1;
    if (weft_series_refuse_twice(&s->series, &s->met, e) < 0)
        return -1;
    weft_split_own(s->borders, &s->attrs, &s->series, split);
    weft_windows_mark(&s->series, &s->attrs, split, (enum weft_scale)s->scale, &s->edit);
    struct weft_series_attrs cut = s->attrs;
    cut.lookback = s->lookback;
    memcpy(s->series.split, split, sizeof split);
    for (int p = 0; p < WEFT_PARTS; p++)
        s->windows[p] += weft_windows_of(&cut, &s->series, (enum weft_part)p).count;
    weft_pack_clear(&s->frame);
    weft_edit_write(&s->edit, &s->frame);
    return weft_run_emit(run, weft_pack_span(&s->frame), e);
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    (void)e;
    weft_run_info(run, "windows: %llu train, %llu validation, %llu test", (unsigned long long)s->windows[0],
                  (unsigned long long)s->windows[1], (unsigned long long)s->windows[2]);
    if (!s->windows[WEFT_PART_TRAIN])
        weft_run_warn(
            run, "no window lies wholly in the train part: give more history, or a shorter --lookback or --horizon");
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    weft_ids_free(&s->met);
    weft_series_attrs_free(&s->attrs);
    weft_series_free(&s->series);
    weft_edit_free(&s->edit);
    weft_pack_free(&s->frame);
}

static const struct weft_filter filter = {
    .usage = {.name = "window",
              .summary = "says how series are cut into windows for training and testing",
              .synopsis = "window --lookback N --horizon N [OPTION...] [FILE]",
              .reads = "a series stream",
              .writes = "a windows stream",
              .examples = "weft ingest sales.csv | weft window --lookback 30 --horizon 10 | weft train-dlinear -o "
                          "model.safetensors\n"
                          "weft ingest --layout matrix ETTh1.csv | weft window --lookback 336 --horizon 96 --split "
                          "8640,2880,2880 --scale standard | weft frames count",
              .see_also = "ingest, aggregate, train-dlinear, score",
              .notes = "A window belongs to the part in which its whole horizon lies, so the lookback of the first "
                       "test window reaches back into validation. Windows are not expanded: a frame holds its series "
                       "once, with the borders and the scale.\n"
                       "Exogenous channels (weft ingest --future, covariates) are not scaled, and what lies ahead of "
                       "the last step with a target belongs to no part.\n"
                       "A series that comes twice is refused; memory for that: 48 to 96 bytes a series."},
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
