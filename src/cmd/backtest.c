/* backtest.c - what models would have forecast at past origins, beside baselines, and what their ranking would have been worth.
 *
 * In: series/1 or windows/1. Out: two tables, CSV, JSON, or backtest/1. Without --refit series are taken as they come; with it they are kept in a temporary file,
 * trainers run on the past of each origin (src/train/refit.c), and then the series are taken from there. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "weft/backtest.h"
#include "weft/backtest_print.h"
#include "weft/calendar.h"
#include "weft/mem.h"
#include "weft/refit.h"
#include "weft/run.h"

#define BACKTEST_SCHEMA "backtest/1"

enum { TABLE, CSV, JSON, FRAMES };
enum { BOTH, ACCURACY, RANKING };
enum { MODELS_MAX = 32, ORIGINS_MAX = 100000, LOOKBACK_AUTO_SEASONS = 26 };

struct state {
    struct weft_list models, refit, by;
    int64_t refit_every, origins, every, gap, horizon, lookback, season;
    double valid, level, shrink;
    int scale, format, table;
    bool baselines, nonnegative, per_step, per_origin;
    const char *near_text, *far_text, *rank_by;
    struct weft_series_attrs in;
    struct weft_series series;
    struct weft_apply *opened[MODELS_MAX]; /* the models of -m, until the backtest has them */
    char (*dates)[32];
    bool *clip;
    struct weft_backtest_options o;
    struct weft_backtest *backtest;
    struct weft_refit plan;
    struct weft_spool *spool; /* NULL: nothing is refitted */
    struct weft_progress progress;
    size_t seasonal, lag;
    struct weft_table *accuracy, *ranking;
};

#define AT(member) offsetof(struct state, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_LIST, 'm', "model", AT(models), NULL, 0, 0, "[NAME=]MODEL", "model file as it is, or naive, seasonal-naive:M, mean:N, lag-growth:M:N", WEFT_OPT_FILE},
    {WEFT_OPT_LIST, 0, "refit", AT(refit), NULL, 0, 0, "[NAME=]COMMAND",
     "trainer to run anew on the past of each origin: gets a windows stream and -o FILE; may be given several times", WEFT_OPT_WHOLE},
    {WEFT_OPT_INT, 0, "refit-every", AT(refit_every), "1", 1, ORIGINS_MAX, "K", "a model serves K origins, from the one that it was trained for on", 0},
    {WEFT_OPT_INT, 0, "origins", AT(origins), "0", 0, ORIGINS_MAX, "N", "how many, the last one a horizon before the end; 0: as the calendar's second half holds, at most 12", 0},
    {WEFT_OPT_INT, 0, "every", AT(every), "0", 0, 1000000, "STEPS", "from one origin to the next; 0: the horizon", 0},
    {WEFT_OPT_INT, 0, "gap", AT(gap), "0", 0, 1000000, "STEPS", "between the last value known and the first one measured", 0},
    {WEFT_OPT_INT, 0, "horizon", AT(horizon), "0", 0, 1000000, "STEPS", "measured from each origin on; 0: what the models or the windows have, less the gap", 0},
    {WEFT_OPT_INT, 0, "lookback", AT(lookback), "0", 0, 1000000, "STEPS", "of --refit on a series stream; 0: a year and the horizon where that leaves enough to train on, else a third of what there is", 0},
    {WEFT_OPT_CHOICE, 0, "scale", AT(scale), "none", 0, 0, "none|standard|minmax", "of --refit on a series stream, fitted on the train part", 0},
    {WEFT_OPT_REAL, 0, "valid", AT(valid), "0.15", 0, 0.9, "SHARE", "of --refit: part of the past, its end, that is validation", 0},
    {WEFT_OPT_FLAG, 0, "baselines", AT(baselines), "true", 0, 0, NULL, "naive, the seasonal naive forecast, mean:28, and where history allows a year ago times growth", 0},
    {WEFT_OPT_LIST, 0, "by", AT(by), "all", 0, 0, "LEVEL", "a row for each value of this key; several, as all,major,minor", 0},
    {WEFT_OPT_FLAG, 0, "per-step", AT(per_step), NULL, 0, 0, NULL, "a row for each step of the horizon", 0},
    {WEFT_OPT_FLAG, 0, "per-origin", AT(per_origin), NULL, 0, 0, NULL, "a row for each origin, in both tables", 0},
    {WEFT_OPT_REAL, 0, "level", AT(level), "0.9", 0.01, 0.9999, "P", "of the intervals", 0},
    {WEFT_OPT_INT, 0, "season", AT(season), "0", 0, 1000000, "N", "steps in a season, for MASE and the seasonal naive forecast; 0: 24 hours, 7 days, 52 weeks", 0},
    {WEFT_OPT_FLAG, 0, "nonnegative", AT(nonnegative), NULL, 0, 0, NULL,
     "no forecast below 0; on for channels named units, sales, amounts, mentions, active and brands unless --no-nonnegative", 0},
    {WEFT_OPT_STR, 0, "rank-by", AT(rank_by), NULL, 0, 0, "LEVEL", "what the ranking ranks: a key, or id; by default the key with most values, of those with 5 to 1000", 0},
    {WEFT_OPT_STR, 0, "near", AT(near_text), NULL, 0, 0, "FROM:TO", "near days of the growth index, counted from 1; by default the first fifth of the horizon", 0},
    {WEFT_OPT_STR, 0, "far", AT(far_text), NULL, 0, 0, "FROM:TO", "far days; by default the last fifth of the horizon", 0},
    {WEFT_OPT_REAL, 0, "shrink", AT(shrink), "0.01", 0, 1000, "SHARE", "of the average group's volume, added to near and far, as rank does", 0},
    {WEFT_OPT_CHOICE, 0, "table", AT(table), "both", 0, 0, "both|accuracy|ranking", "which table; both in CSV is accuracy", WEFT_OPT_RUN},
    {WEFT_OPT_CHOICE, 0, "format", AT(format), "table", 0, 0, "table|csv|json|frames", "what to print", WEFT_OPT_RUN},
    {.type = WEFT_OPT_END},
};

/* --- start --- */

static int read_head(struct weft_run *run, struct state *s, struct weft_err *e)
{
    static const char *const of_windows[] = {"lookback", "scale"}, *const of_refit[] = {"refit-every", "lookback", "scale", "valid"};
    const struct weft_head *h = weft_run_in_head(run);
    bool windows = strcmp(h->schema, WEFT_WINDOWS_SCHEMA) == 0;
    if (!windows && strcmp(h->schema, WEFT_SERIES_SCHEMA) != 0)
        return weft_fail(e, WEFT_DATA, "a %s stream, and this program reads %s or %s", h->schema, WEFT_SERIES_SCHEMA, WEFT_WINDOWS_SCHEMA);
    if (weft_series_attrs_read(h, &s->in, e) < 0)
        return -1;
    for (size_t i = 0; i < 2; i++)
        if (windows && weft_run_given(run, of_windows[i]))
            return weft_fail(e, WEFT_USAGE, "--%s is for a series stream: the windows have theirs", of_windows[i]);
    if (windows) {
        s->lookback = s->in.lookback;
        s->scale = (int)s->in.scale;
    }
    for (size_t i = 0; i < sizeof of_refit / sizeof *of_refit && !s->refit.n; i++)
        if (weft_run_given(run, of_refit[i]))
            return weft_fail(e, WEFT_USAGE, "--%s is for --refit, and nothing is trained here", of_refit[i]);
    s->season = s->season ? s->season : weft_season_of(s->in.step);
    return 0;
}

/* Opens the models of -m; the shortest horizon among them is the default. */
static int open_models(struct weft_run *run, struct state *s, struct weft_err *e)
{
    int64_t shortest = s->in.lookback ? s->in.horizon : INT64_MAX;
    if (s->models.n > MODELS_MAX)
        return weft_fail(e, WEFT_USAGE, "--model: more than %d models", MODELS_MAX);
    for (size_t i = 0; i < s->models.n; i++) {
        char key[32] = "model";
        if (weft_apply_open(s->models.items[i], &s->opened[i], e) < 0)
            return -1;
        const struct weft_model_info *m = weft_apply_info(s->opened[i]);
        if (m && m->horizon < shortest)
            shortest = m->horizon;
        char *identity = weft_apply_identity(s->opened[i]);
        if (i)
            snprintf(key, sizeof key, "model-%zu", i + 1);
        weft_run_lineage_arg(run, key, identity);
        free(identity);
    }
    if (!s->horizon && shortest != INT64_MAX && shortest > s->gap)
        s->horizon = shortest - s->gap;
    if (!s->horizon && shortest != INT64_MAX)
        return weft_fail(e, WEFT_CONFIG, "--gap %lld is as long as the horizon of %lld", (long long)s->gap, (long long)shortest);
    if (!s->horizon)
        return weft_fail(e, WEFT_USAGE, "--horizon N is missing: neither a model of -m nor the stream says how far to forecast");
    if (!s->models.n && !s->refit.n && !s->baselines)
        return weft_fail(e, WEFT_USAGE, "nothing to measure: --no-baselines, and neither --model nor --refit");
    return 0;
}

/* A year and the horizon where the train part of the first origin has room for it and for as many windows as twice the horizon; else whole seasons, so that it
 * has twice as many windows as a window has steps. */
static int64_t usual_lookback(const struct state *s, int64_t known)
{
    int64_t year = weft_year_of(s->in.step), horizon = s->gap + s->horizon, most = LOOKBACK_AUTO_SEASONS * s->season;
    int64_t train = (int64_t)((double)known * (1 - s->valid)), third = (train - horizon) / 3;
    if (year && train >= year + 4 * horizon)
        return year + horizon;
    third = third / s->season * s->season < most ? third / s->season * s->season : most;
    return third > s->season ? third : s->season;
}

/* Steps that must be known at the first origin. */
static size_t least_known(const struct state *s)
{
    size_t least = (size_t)s->season, trained = (size_t)(s->lookback + 2 * (s->gap + s->horizon)); /* a train and a validation window, at least */
    for (size_t i = 0; i < s->models.n; i++) {
        const struct weft_model_info *m = weft_apply_info(s->opened[i]);
        if (m && (size_t)m->lookback > least)
            least = (size_t)m->lookback;
    }
    return s->refit.n && trained > least ? trained : least;
}

static int place_origins(struct state *s, struct weft_err *e)
{
    struct weft_origins *o = &s->o.origins;
    *o = (struct weft_origins){.every = (size_t)(s->every ? s->every : s->horizon), .n = (size_t)s->origins, .gap = (size_t)s->gap, .horizon = (size_t)s->horizon};
    if (s->refit.n && !s->lookback) {
        struct weft_origins first = *o;
        if (weft_origins_place(&first, (size_t)s->in.known, least_known(s), e) < 0)
            return -1;
        s->lookback = usual_lookback(s, (int64_t)weft_origin_known(&first, 0));
    }
    if (weft_origins_place(o, (size_t)s->in.known, least_known(s), e) < 0)
        return -1;
    s->dates = weft_xrealloc2(NULL, o->n, sizeof *s->dates);
    for (size_t k = 0; k < o->n; k++)
        weft_date_text(s->in.start + (int64_t)(o->first + k * o->every) * s->in.step, s->in.step, s->dates[k]);
    s->o.dates = (const char (*)[32])s->dates;
    return 0;
}

static int make_backtest(struct weft_run *run, struct state *s, struct weft_err *e)
{
    bool told = weft_run_given(run, "nonnegative"), any = false;
    s->clip = WEFT_ARRAY(bool, s->in.n_targets);
    for (size_t c = 0; c < s->in.n_targets; c++)
        any |= s->clip[c] = told ? s->nonnegative : weft_channel_is_count(s->in.channels[c], strlen(s->in.channels[c]));
    s->nonnegative = any; /* for the lineage: what was done */
    s->o.by = s->by.items;
    s->o.n_by = s->by.n;
    s->o.per_step = s->per_step;
    s->o.per_origin = s->per_origin;
    s->o.level = s->level;
    s->o.season = (size_t)s->season;
    s->o.year = (size_t)weft_year_of(s->in.step);
    s->o.clip = s->clip;
    s->o.shrink = s->shrink;
    s->o.rank_by = s->rank_by;
    return weft_backtest_new(&s->in, &s->o, &s->backtest, e);
}

/* A model that has seen what it is to be measured on looks better than it is. */
static void warn_of_leak(struct weft_run *run, const struct state *s, const char *name, const struct weft_model_info *m)
{
    char until[32];
    int64_t known = s->in.start + (int64_t)weft_origin_known(&s->o.origins, 0) * s->in.step;
    if (!m->until)
        weft_run_warn(run, "model %s does not say how far its training data reach: if beyond %s, its figures are too good", name, s->dates[0]);
    else if (m->until > known)
        weft_run_warn(run, "model %s was trained on data up to %s, and the first origin is %s: its figures are too good; --refit trains anew for each origin", name,
                      weft_date_text(m->until - m->step, m->step, until), s->dates[0]);
}

/* The first seasonal naive forecast of the season, and the first of a year ago times growth, are what skill is measured against. */
static void note_bar(struct state *s, const char *item, size_t contender)
{
    struct weft_baseline base;
    const char *equals = strchr(item, '=');
    if (weft_baseline_parse(equals ? equals + 1 : item, &base, NULL) <= 0)
        return;
    if (base.kind == WEFT_BASELINE_SEASONAL && base.lag == (size_t)s->season && s->seasonal == SIZE_MAX)
        s->seasonal = contender;
    if (base.kind == WEFT_BASELINE_LAG_GROWTH && s->lag == SIZE_MAX)
        s->lag = contender;
}

static int enter_models(struct weft_run *run, struct state *s, struct weft_err *e)
{
    s->seasonal = s->lag = SIZE_MAX;
    for (size_t i = 0; i < s->models.n; i++) {
        size_t c = weft_backtest_enter(s->backtest, weft_apply_name(s->opened[i]), s->o.origins.n, true);
        struct weft_apply *apply = s->opened[i];
        s->opened[i] = NULL;
        if (weft_backtest_model(s->backtest, c, 0, apply, 0, e) < 0)
            return -1;
        if (weft_apply_info(apply))
            warn_of_leak(run, s, weft_backtest_name(s->backtest, c), weft_apply_info(apply));
        note_bar(s, s->models.items[i], c);
    }
    return 0;
}

static int enter_baseline(struct state *s, const char *text, struct weft_err *e)
{
    struct weft_apply *apply;
    for (size_t i = 0; i < s->models.n; i++) {
        const char *equals = strchr(s->models.items[i], '=');
        if (strcmp(equals ? equals + 1 : s->models.items[i], text) == 0)
            return 0;
    }
    if (weft_apply_open(text, &apply, e) < 0)
        return -1;
    size_t c = weft_backtest_enter(s->backtest, text, s->o.origins.n, false);
    note_bar(s, text, c);
    return weft_backtest_model(s->backtest, c, 0, apply, 0, e);
}

static int enter_baselines(struct state *s, struct weft_err *e)
{
    size_t year = s->o.year, window = s->in.step == 3600 ? 28 * 24 : s->in.step == 604800 ? 4 : 28;
    char text[64];
    if (s->baselines) {
        if (enter_baseline(s, "naive", e) < 0)
            return -1;
        snprintf(text, sizeof text, "seasonal-naive:%lld", (long long)s->season);
        if (s->season > 1 && enter_baseline(s, text, e) < 0)
            return -1;
        if (enter_baseline(s, "mean:28", e) < 0)
            return -1;
        snprintf(text, sizeof text, "lag-growth:%zu:%zu", year, window);
        if (year && weft_origin_known(&s->o.origins, 0) >= year + window && enter_baseline(s, text, e) < 0)
            return -1;
    }
    weft_backtest_bars(s->backtest, s->seasonal, s->lag);
    return 0;
}

static int start(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (read_head(run, s, e) < 0 || open_models(run, s, e) < 0 ||
        weft_growth_days_read(s->near_text, s->far_text, (size_t)s->horizon, &s->o.near, &s->o.far, e) < 0 || place_origins(s, e) < 0 || make_backtest(run, s, e) < 0 || enter_models(run, s, e) < 0)
        return -1;
    return s->refit.n ? weft_spool_new(&s->spool, e) : enter_baselines(s, e);
}

/* --- frames --- */

static int frame(struct weft_run *run, void *state, struct weft_span in, struct weft_err *e)
{
    struct state *s = state;
    (void)run;
    if (weft_series_read(in, &s->in, &s->series, e) < 0)
        return -1;
    return s->spool ? weft_spool_add(s->spool, in, e) : weft_backtest_series(s->backtest, &s->series, e);
}

/* --- trainings --- */

static bool stopping(void *run)
{
    return weft_run_stopping(run);
}

/* Trains one contender for all origins, and enters it. */
static int refit_one(struct state *s, const char *item, struct weft_err *e)
{
    size_t named = strcspn(item, "= \t/"), serves = (size_t)s->refit_every, n = (s->o.origins.n + serves - 1) / serves, i = 0;
    const char *command = item[named] == '=' && named ? item + named + 1 : item;
    size_t *length = WEFT_ARRAY(size_t, n), borders[WEFT_PARTS];
    char (*dates)[32] = weft_xrealloc2(NULL, n, sizeof *dates), *name = NULL;
    struct weft_apply **apply = WEFT_ARRAY(struct weft_apply *, n);
    for (size_t k = 0; k < n; k++) {
        length[k] = weft_origin_known(&s->o.origins, k * serves);
        memcpy(dates[k], s->dates[k * serves], sizeof *dates);
    }
    int rc = weft_refit_run(&s->plan, command, length, (const char (*)[32])dates, n, apply, e);
    if (rc == 0) {
        name = command == item ? weft_xstrdup(weft_apply_name(apply[0])) : weft_xstrndup(item, named);
        size_t c = weft_backtest_enter(s->backtest, name, serves < s->o.origins.n ? serves : s->o.origins.n, true);
        for (; i < n && rc == 0; i++) {
            weft_refit_borders(&s->plan, length[i], borders);
            rc = weft_backtest_model(s->backtest, c, i, apply[i], borders[WEFT_PART_TRAIN], e);
        }
    }
    for (; i < n; i++)
        weft_apply_close(&apply[i]);
    free(name);
    free(apply);
    free(dates);
    free(length);
    return rc;
}

static int refit(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_span in;
    int rc = weft_spool_finish(s->spool, e);
    if (rc == 0 && !weft_spool_next(s->spool, &(size_t){0}, &in))
        return weft_fail(e, WEFT_DATA, "no series came");
    s->plan = (struct weft_refit){.program = weft_run_program(run), .head = weft_run_in_head(run), .attrs = &s->in, .spool = s->spool, .lookback = s->lookback,
                                  .horizon = s->gap + s->horizon, .stride = s->in.stride, .scale = (enum weft_scale)s->scale, .valid = s->valid,
                                  .at_once = (size_t)weft_run_threads(run), .stopping = stopping, .ctx = run, .progress = &s->progress};
    weft_progress_start(&s->progress, weft_run_program(run), weft_run_progress(run));
    for (size_t i = 0; i < s->refit.n && rc == 0; i++)
        rc = refit_one(s, s->refit.items[i], e);
    weft_progress_end(&s->progress);
    if (rc == 0)
        rc = enter_baselines(s, e);
    for (size_t at = 0; rc == 0 && weft_spool_next(s->spool, &at, &in);) {
        rc = weft_run_stopping(run) ? weft_run_interrupted(e) : weft_series_read(in, &s->in, &s->series, e);
        if (rc == 0)
            rc = weft_backtest_series(s->backtest, &s->series, e);
    }
    return rc;
}

/* --- results --- */

static int make_tables(struct weft_run *run, struct state *s, struct weft_err *e)
{
    struct weft_backtest_counts n;
    weft_backtest_count(s->backtest, &n);
    if (!weft_backtest_accuracy(s->backtest, s->accuracy = weft_table_new())) {
        if (!n.series)
            return weft_fail(e, WEFT_DATA, "no series came");
        weft_fail(e, WEFT_DATA, "nothing could be measured at %zu origins of %llu series", s->o.origins.n, (unsigned long long)n.series);
        return n.culprit ? weft_fail_hint(e, "%s gave no forecast: are values missing, or groups unknown to it?", n.culprit)
                         : weft_fail_hint(e, "have the series values behind %s?", s->dates[0]);
    }
    if (n.left_out)
        weft_run_warn(run, "%llu of %llu forecasts (series and origins) were left out of every row%s%s%s", (unsigned long long)n.left_out,
                      (unsigned long long)n.windows, n.culprit ? ", since " : "", n.culprit ? n.culprit : "", n.culprit ? " gave none" : "");
    if (!weft_backtest_ranking(s->backtest, s->ranking = weft_table_new()) && (s->rank_by || s->table == RANKING)) {
        if (s->o.far.from <= s->o.near.to)
            return weft_fail(e, WEFT_CONFIG, "--table ranking: a horizon of %zu has no growth: near and far days are the same", s->o.origins.horizon);
        weft_fail(e, WEFT_DATA, "nothing to rank%s%s: two groups at least must sell something", s->rank_by ? " by " : "", s->rank_by ? s->rank_by : "");
        return weft_fail_hint(e, "name the level with --rank-by");
    }
    return 0;
}

/* Rows as frames, with the name of their table. */
static int emit_rows(struct weft_run *run, const struct weft_table *t, const char *name, struct weft_err *e)
{
    struct weft_pack row = {0}, out = {0};
    struct weft_edit edit = {0};
    int rc = 0;
    for (size_t i = 0; i < weft_table_rows(t) && rc == 0; i++) {
        weft_pack_clear(&row);
        weft_pack_clear(&out);
        weft_table_frame(t, i, false, &row);
        rc = weft_edit_load(&edit, weft_pack_span(&row), e);
        if (rc < 0)
            break;
        weft_edit_str(&edit, "table", name);
        weft_edit_write(&edit, &out);
        rc = weft_run_emit(run, weft_pack_span(&out), e);
    }
    weft_edit_free(&edit);
    weft_pack_free(&row);
    weft_pack_free(&out);
    return rc;
}

static int emit_frames(struct weft_run *run, struct state *s, struct weft_err *e)
{
    const struct weft_origins *o = &s->o.origins;
    const char *ranked = weft_backtest_ranked(s->backtest);
    struct weft_pack b = {0};
    weft_pack_map(&b, 6);
    weft_pack_cstr(&b, "origins");
    weft_pack_array(&b, (uint32_t)o->n);
    for (size_t k = 0; k < o->n; k++)
        weft_pack_cstr(&b, s->dates[k]);
    weft_pack_cstr(&b, "every");
    weft_pack_uint(&b, o->every);
    weft_pack_cstr(&b, "gap");
    weft_pack_uint(&b, o->gap);
    weft_pack_cstr(&b, "horizon");
    weft_pack_uint(&b, o->horizon);
    weft_pack_cstr(&b, "level");
    weft_pack_real(&b, s->level);
    weft_pack_cstr(&b, "ranked");
    weft_pack_cstr(&b, ranked ? ranked : "");
    int rc = weft_run_head(run, BACKTEST_SCHEMA, weft_pack_span(&b), e);
    weft_pack_free(&b);
    if (rc == 0 && s->table != RANKING)
        rc = emit_rows(run, s->accuracy, "accuracy", e);
    if (rc == 0 && s->table != ACCURACY && ranked)
        rc = emit_rows(run, s->ranking, "ranking", e);
    return rc;
}

static int drain(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (s->spool && refit(run, s, e) < 0)
        return -1;
    if (make_tables(run, s, e) < 0)
        return -1;
    if (s->format == FRAMES)
        return emit_frames(run, s, e);
    FILE *f = weft_run_text(run);
    struct weft_backtest_report r = {.backtest = s->backtest, .o = &s->o, .accuracy = s->table == RANKING ? NULL : s->accuracy,
                                     .ranking = s->table == ACCURACY ? NULL : s->ranking, .seasonal = s->seasonal, .lag = s->lag,
                                     .refit_every = s->refit.n ? (size_t)s->refit_every : 0, .lookback = (size_t)s->lookback};
    if (s->format == CSV)
        weft_table_csv(s->table == RANKING ? s->ranking : s->accuracy, f);
    else if (s->format == JSON)
        weft_backtest_json(&r, f);
    else
        weft_backtest_print(&r, f);
    return 0;
}

static void stop(struct weft_run *run, void *state)
{
    struct state *s = state;
    (void)run;
    for (size_t i = 0; i < MODELS_MAX; i++)
        weft_apply_close(&s->opened[i]);
    weft_backtest_free(&s->backtest);
    weft_spool_free(&s->spool);
    weft_table_free(&s->accuracy);
    weft_table_free(&s->ranking);
    weft_series_free(&s->series);
    weft_series_attrs_free(&s->in);
    free(s->dates);
    free(s->clip);
}

static const struct weft_filter filter = {
    .usage = {.name = "backtest",
              .summary = "measures models and baselines at past origins, and what their ranking was worth",
              .synopsis = "backtest [-m MODEL,...] [--refit COMMAND] [--origins N] [--every STEPS] [--horizon N] [OPTION...]",
              .reads = "a series or windows stream",
              .writes = "two tables, CSV, JSON, or a backtest stream",
              .examples = "ingest train.csv | aggregate --by minor | backtest --refit 'train-dlinear --ridge auto' --horizon 28\n"
                          "backtest --refit train-dlinear --refit 'lstm=train-lstm --epochs 20' --refit-every 3 --origins 6 --horizon 28 -i level.weft\n"
                          "backtest -m model.safetensors,seasonal-naive:7,lag-growth:364:28 --origins 8 --every 7 --by all,major -i level.weft\n"
                          "backtest --horizon 28 --table ranking --rank-by minor --format csv -i level.weft -o ranking-quality.csv",
              .see_also = "score, evaluate, rank, train-dlinear",
              .notes =
                  "An origin is the first step that is measured. All contenders forecast from the same past, and a value counts only when all of them have a forecast for it, so "
                  "every row of the table is about the same values. Measures are those of evaluate; MASE divides by the error of the naive forecast on the train part of windows, "
                  "and of series on what is known at the first origin. Intervals are those of score: baselines have none. What a model with exogenous channels needs to know ahead of an origin is what stands in the stream.\n"
                  "A model file is taken as it is: whether its training saw what it is measured on, its metadata say, and a warning then. --refit runs a trainer for every origin (or "
                  "every K-th) on a windows stream that ends where the past of the origin does, so nothing leaks; of a windows stream that comes in, lookback, stride and scale stay, and "
                  "the split is --valid's. The command is split at blanks, with quotes; no shell is started. "
                  "--threads N runs N trainers at a time; the result is the same.\n"
                  "The ranking is that of rank: at each origin the growth index of every group as forecast, against what it became. Spearman's rank correlation; NDCG of the first five, "
                  "the gain of a group being its growth less that of the last; the share of the three that grew most among the first three; regret; error; how often the interval held what came. "
                  "Beside the models stand the growth of the last period (the horizon before the origin), that of the same days a year (364 days, 52 weeks) earlier, and drawing lots, "
                  "in expectation. Equal predictions count as drawn by lot.\n"
                  "Memory: one series, and the rows of the tables; it does not grow with the series, unless rows are asked for by id. With --refit the series are kept in a file under TMPDIR, "
                  "and the models in memory."},
    .opts = opts,
    .state_size = sizeof(struct state),
    .in = WEFT_IO_STREAM,
    .out = WEFT_IO_TEXT,
    .start = start,
    .frame = frame,
    .drain = drain,
    .stop = stop,
};

int main(int argc, char **argv)
{
    return weft_main(&filter, argc, argv);
}
