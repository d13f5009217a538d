/* units.c - groups of series, and the model file. */
#include "train/units.h"

#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/mem.h"

enum { FAILED_SAID = 5 };

int weft_units_start(struct weft_units *u, const struct weft_head *h, const char *by, struct weft_err *e)
{
    *u = (struct weft_units){.by = by};
    if (weft_series_attrs_read(h, &u->attrs, e) < 0)
        return -1;
    u->key = weft_series_key(&u->attrs, by);
    if (u->key != WEFT_KEY_NONE)
        return 0;
    char list[300] = "";
    for (size_t i = 0; i < u->attrs.n_keys && strlen(list) < 200; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%.60s, ", u->attrs.keys[i]);
    weft_fail(e, WEFT_CONFIG, "--by: the stream has no key \"%s\"", by);
    return weft_fail_hint(e, "one of %sid, all", list);
}

void weft_units_saw(struct weft_units *u, const struct weft_series *s)
{
    int64_t until = weft_step_add(s->start, (int64_t)s->split[WEFT_PART_VALID], u->attrs.step);
    if (s->split[WEFT_PART_VALID] && (!u->until || until > u->until))
        u->until = until;
    if (s->split[WEFT_PART_VALID] - s->split[WEFT_PART_TRAIN] > u->valid_most)
        u->valid_most = s->split[WEFT_PART_VALID] - s->split[WEFT_PART_TRAIN];
}

size_t weft_units_group(struct weft_units *u, const struct weft_series *s)
{
    static const char none[] = "(none)";
    struct weft_span text = weft_series_key_text(s, u->key);
    weft_units_saw(u, s);
    return text.p ? weft_names_add(&u->groups, text.p, text.n) : weft_names_add(&u->groups, none, sizeof none - 1);
}

int weft_units_compare(const struct weft_series_attrs *a, const struct weft_series_attrs *b, struct weft_err *e)
{
    const struct {
        const char *what;
        int64_t a, b;
    } numbers[] = {{"lookback", a->lookback, b->lookback},
                   {"horizon", a->horizon, b->horizon},
                   {"step (seconds)", a->step, b->step},
                   {"scale (0 none, 1 standard, 2 minmax)", (int64_t)a->scale, (int64_t)b->scale},
                   {"number of channels", (int64_t)a->n_targets, (int64_t)b->n_targets}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].a != numbers[i].b) {
            weft_fail(e, WEFT_CONFIG, "source and target do not fit: %s is %lld in the source and %lld in the target",
                      numbers[i].what, (long long)numbers[i].a, (long long)numbers[i].b);
            return weft_fail_hint(e, "make both with the same options of window");
        }
    for (size_t c = 0; c < a->n_targets; c++)
        if (strcmp(a->channels[c], b->channels[c]) != 0)
            return weft_fail(e, WEFT_CONFIG,
                             "source and target do not fit: channel %zu is %s in the source and %s in the target",
                             c + 1, a->channels[c], b->channels[c]);
    return 0;
}

struct place {
    const char *name;
    size_t i;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct place *)a)->name, ((const struct place *)b)->name);
}

size_t *weft_units_order(const struct weft_units *u)
{
    size_t n = u->groups.n, *order = WEFT_ARRAY(size_t, n + 1);
    struct place *at = WEFT_ARRAY(struct place, n + 1);
    for (size_t i = 0; i < n; i++)
        at[i] = (struct place){u->groups.at[i].p, i};
    weft_sort(at, n, sizeof *at, by_name);
    for (size_t i = 0; i < n; i++)
        order[i] = at[i].i;
    free(at);
    return order;
}

void weft_units_free(struct weft_units *u)
{
    weft_series_attrs_free(&u->attrs);
    weft_names_free(&u->groups);
}

int weft_units_save(const struct weft_units *u, const size_t *order, const char *model, const char *lineage,
                    struct weft_st_writer *w, const char *path, struct weft_err *e)
{
    const struct weft_series_attrs *a = &u->attrs;
    char *name = weft_xstrdup(model), *by = weft_xstrdup(u->by), **groups = WEFT_ARRAY(char *, u->groups.n + 1);
    for (size_t i = 0; i < u->groups.n; i++)
        groups[i] = u->groups.at[order[i]].p;
    struct weft_model_info info = {.name = name,
                                   .lookback = a->lookback,
                                   .horizon = a->horizon,
                                   .stride = a->stride,
                                   .step = a->step,
                                   .scale = a->scale,
                                   .by = by,
                                   .groups = groups,
                                   .n_groups = u->groups.n,
                                   .channels = a->channels,
                                   .n_channels = a->n_targets,
                                   .until = u->until};
    weft_model_info_write(&info, w);
    weft_st_writer_meta(w, "lineage", lineage);
    int rc = weft_st_save(w, path, e);
    free(groups);
    free(name);
    free(by);
    return rc;
}

weft_json *weft_units_log_line(const struct weft_units *u, size_t unit)
{
    const struct weft_name *group = &u->groups.at[unit / u->attrs.n_targets];
    const char *channel = u->attrs.channels[unit % u->attrs.n_targets];
    weft_json *j = weft_json_new_object();
    weft_json_set(j, "group", weft_json_new_str(group->p, group->n));
    weft_json_set(j, "channel", weft_json_new_str(channel, strlen(channel)));
    return j;
}

void weft_units_log_put(weft_json *line, FILE *f)
{
    char *text = weft_json_text(line);
    fprintf(f, "%s\n", text);
    fflush(f);
    free(text);
    weft_json_free(&line);
}

void weft_units_say(const struct weft_units *u, size_t n, weft_unit_text *text, const void *trainer,
                    const char *without, struct weft_run *run)
{
    size_t channels = u->attrs.n_targets, failed = 0;
    char how[WEFT_UNIT_TEXT];
    if (u->valid_most && (int64_t)u->valid_most < u->attrs.horizon)
        weft_run_warn(run,
                      "the validation part has %zu steps, and the horizon %lld: nothing is chosen by it, and forecasts "
                      "have no intervals; weft window --split gives it more",
                      u->valid_most, (long long)u->attrs.horizon);
    for (size_t i = 0; i < n; i++) {
        const char *group = u->groups.at[i / channels].p, *channel = u->attrs.channels[i % channels];
        if (text(trainer, i, how))
            weft_run_info(run, "%s, %s: %s", group, channel, how);
        else if (failed++ < FAILED_SAID)
            weft_run_warn(run, "%s, %s: %s; %s", group, channel, how, without);
    }
    if (failed > FAILED_SAID)
        weft_run_warn(run, "and %zu more without a window to train on", failed - FAILED_SAID);
}

const char *weft_units_path(const struct weft_run *run, struct weft_err *e)
{
    const char *path = weft_run_output(run);
    if (strcmp(path, "-") != 0)
        return path;
    weft_fail(e, WEFT_USAGE, "where shall the model go? -o MODEL");
    return NULL;
}
