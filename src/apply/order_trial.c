/* order_trial.c - rules for orders at past origins. */
#include "apply/order_trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "measure/growth.h"
#include "order/orders.h"
#include "order/replay.h"

enum { VELOCITY, TEXTBOOK, RULES }; /* beside the models, after them */

struct weft_order_trial {
    struct weft_order_trial_options o;
    size_t rules, goals; /* goals: services, and the best profit */
    double *level;       /* [rules, goals, origins] of the series at hand; NaN: none */
    double *mean, *var;  /* [horizon + 1] */
    size_t room;
    struct weft_replay *sum; /* [channels, rules, goals] */
    struct weft_few_errors few;
    size_t channel;
    bool without_covariance; /* the series at hand */
    bool *silent;            /* [rules] */
    uint64_t *series;        /* [channels] */
    uint64_t left_out, blamed;
};

static bool has_prices(const struct weft_order_trial *t)
{
    return !isnan(t->o.price) && !isnan(t->o.cost);
}

struct weft_order_trial *weft_order_trial_new(const struct weft_order_trial_options *o)
{
    struct weft_order_trial *t = WEFT_NEW(struct weft_order_trial);
    t->o = *o;
    t->rules = o->models + RULES;
    t->goals = o->n_service + has_prices(t);
    t->level = WEFT_ARRAY(double, t->rules * t->goals * o->origins);
    t->sum = WEFT_ARRAY(struct weft_replay, o->channels * t->rules * t->goals);
    t->silent = WEFT_ARRAY(bool, t->rules);
    t->series = WEFT_ARRAY(uint64_t, o->channels);
    return t;
}

void weft_order_trial_free(struct weft_order_trial **tp)
{
    struct weft_order_trial *t = *tp;
    if (!t)
        return;
    free(t->level);
    free(t->sum);
    free(t->series);
    free(t->silent);
    free(t->mean);
    free(t->var);
    free(t);
    *tp = NULL;
}

static double *level_at(const struct weft_order_trial *t, size_t rule, size_t goal)
{
    return t->level + (rule * t->goals + goal) * t->o.origins;
}

void weft_order_trial_begin(struct weft_order_trial *t, size_t channel)
{
    t->channel = channel;
    t->without_covariance = false;
    for (size_t i = 0; i < t->rules * t->goals * t->o.origins; i++)
        t->level[i] = NAN;
}

/* The same goals for whatever distribution: whole pieces, as an order has them. */
static void set_levels(struct weft_order_trial *t, size_t rule, size_t origin, struct weft_lead_demand d)
{
    bool whole = t->o.whole[t->channel];
    struct weft_order_item x = {.period = d,
                                .days = (double)(t->o.lead + t->o.review) * t->o.days,
                                .price = t->o.price,
                                .cost = t->o.cost,
                                .salvage = t->o.salvage,
                                .holding = t->o.holding,
                                .pack = 1};
    for (size_t g = 0; g < t->goals; g++) {
        x.goal = g < t->o.n_service ? WEFT_ORDER_SERVICE : WEFT_ORDER_PROFIT;
        x.aim = g < t->o.n_service ? t->o.service[g] : 0;
        double level = weft_order_level(&x, 0);
        level = level > 0 ? level : 0;
        level_at(t, rule, g)[origin] = whole ? ceil(level - 1e-4) : level;
    }
}

void weft_order_trial_model(struct weft_order_trial *t, size_t model, size_t origin, const float *forecast,
                            const float *covariance, double freedom, size_t horizon)
{
    size_t n = t->o.lead + t->o.review;
    if (!covariance || !(freedom >= WEFT_FREEDOM_MIN)) {
        t->without_covariance = true;
        return;
    }
    if (t->room < horizon + 1) {
        t->room = horizon + 1;
        t->mean = weft_xrealloc2(t->mean, t->room, sizeof *t->mean);
        t->var = weft_xrealloc2(t->var, t->room, sizeof *t->var);
    }
    if (!weft_order_sums(forecast, covariance, horizon, n, t->mean, t->var))
        return;
    if (t->few.freedom != freedom)
        t->few = weft_few_errors_of(freedom);
    set_levels(t, model, origin, weft_lead_demand_of(t->mean[n], t->var[n], t->few, t->o.whole[t->channel]));
}

void weft_order_trial_silent(struct weft_order_trial *t, size_t model)
{
    t->silent[model] = true;
}

/* Mean and standard deviation of the last days that there are. */
static bool last_days(const float *x, size_t known, size_t days, double *mean, double *sd)
{
    double sum = 0, square = 0, n = 0;
    for (size_t i = known > days ? known - days : 0; i < known; i++)
        if (!isnan(x[i])) {
            sum += x[i];
            square += (double)x[i] * x[i];
            n++;
        }
    *mean = sum / n;
    *sd = sqrt(fmax(square - sum * sum / n, 0) / (n - 1));
    return n > 1;
}

void weft_order_trial_past(struct weft_order_trial *t, size_t origin, const float *x, size_t known)
{
    double n = (double)(t->o.lead + t->o.review), mean, sd;
    size_t days_velocity = (size_t)(WEFT_VELOCITY_DAYS / t->o.days + 0.5),
           days_textbook = (size_t)(WEFT_TEXTBOOK_DAYS / t->o.days + 0.5);
    if (!last_days(x, known, days_velocity > 1 ? days_velocity : 2, &mean, &sd))
        return;
    for (size_t g = 0; g < t->goals; g++)
        level_at(t, t->o.models + VELOCITY, g)[origin] = t->o.whole[t->channel] ? ceil(mean * n - 1e-4) : mean * n;
    if (!last_days(x, known, days_textbook > 1 ? days_textbook : 2, &mean, &sd))
        return;
    struct weft_lead_demand normal = {
        .mean = mean * n, .sd = sd * sqrt(n), .freedom = INFINITY, .counts = false, .expected = mean * n};
    set_levels(t, t->o.models + TEXTBOOK, origin, normal);
}

void weft_order_trial_end(struct weft_order_trial *t, const float *x, size_t n)
{
    size_t days = (t->o.origins - 1) * t->o.review + t->o.lead + t->o.review;
    bool whole = n >= days;
    for (size_t i = 0; i < days && whole; i++)
        whole = !isnan(x[i]);
    for (size_t i = 0; i < t->rules * t->goals * t->o.origins && whole; i++)
        whole = !isnan(t->level[i]) || t->silent[i / (t->goals * t->o.origins)];
    if (!whole) {
        t->left_out++;
        t->blamed += t->without_covariance;
        return;
    }
    t->series[t->channel]++;
    for (size_t r = 0; r < t->rules; r++)
        for (size_t g = 0; g < t->goals && !t->silent[r]; g++)
            weft_replay_run(x, t->o.lead, t->o.review, level_at(t, r, g), t->o.origins,
                            &t->sum[(t->channel * t->rules + r) * t->goals + g]);
}

void weft_order_trial_count(const struct weft_order_trial *t, struct weft_order_trial_counts *out)
{
    *out = (struct weft_order_trial_counts){.left_out = t->left_out, .without_covariance = t->blamed};
    for (size_t c = 0; c < t->o.channels; c++)
        out->series += t->series[c];
}

/* --- the table --- */

struct columns {
    size_t channel, rule, goal, service, in_stock, served, leftover, profit, cycles, series;
};

static struct columns make_columns(struct weft_table *t)
{
    struct columns c;
    c.channel = weft_table_column(t, "channel", "channel", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c.rule = weft_table_column(t, "model", "orders by", WEFT_CELL_TEXT, 0, 0);
    c.goal = weft_table_column(t, "goal", "goal", WEFT_CELL_TEXT, 0, WEFT_COLUMN_SAME);
    c.service = weft_table_column(t, "service", "stated", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c.in_stock = weft_table_column(t, "in_stock", "no stock-out", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c.served = weft_table_column(t, "served", "served", WEFT_CELL_REAL, 2, WEFT_COLUMN_PERCENT);
    c.leftover = weft_table_column(t, "leftover", "left over", WEFT_CELL_REAL, 1, WEFT_COLUMN_PERCENT);
    c.profit = weft_table_column(t, "profit", "profit", WEFT_CELL_REAL, 0, 0);
    c.cycles = weft_table_column(t, "cycles", "cycles", WEFT_CELL_INT, 0, WEFT_COLUMN_SAME);
    c.series = weft_table_column(t, "series", "series", WEFT_CELL_INT, 0, WEFT_COLUMN_SAME);
    return c;
}

static double profit_of(const struct weft_order_trial *t, const struct weft_replay *s)
{
    const struct weft_order_item x = {.price = t->o.price,
                                      .cost = t->o.cost,
                                      .salvage = t->o.salvage,
                                      .holding = t->o.holding,
                                      .days = (double)t->o.review * t->o.days};
    return (t->o.price - t->o.cost) * s->sold - weft_order_overage(&x) * s->left;
}

static void put_row(const struct weft_order_trial *t, const struct columns *c, const char *channel, size_t at,
                    const char *rule, size_t goal, struct weft_table *table)
{
    const struct weft_replay *s = &t->sum[at];
    const char *word = goal < t->o.n_service ? "service" : "profit";
    weft_table_row(table);
    weft_table_text(table, c->channel, channel, strlen(channel));
    weft_table_text(table, c->rule, rule, strlen(rule));
    if (goal != SIZE_MAX) {
        weft_table_text(table, c->goal, word, strlen(word));
        weft_table_real(table, c->service, goal < t->o.n_service ? t->o.service[goal] : NAN);
    }
    weft_table_real(table, c->in_stock, (double)s->whole / (double)s->cycles);
    weft_table_real(table, c->served, s->sold / s->demand);
    weft_table_real(table, c->leftover, s->left / s->demand);
    weft_table_real(table, c->profit, profit_of(t, s));
    weft_table_int(table, c->cycles, (int64_t)s->cycles);
}

bool weft_order_trial_table(const struct weft_order_trial *t, const char *const *names, char *const *channels,
                            struct weft_table *table)
{
    struct columns c = make_columns(table);
    for (size_t ch = 0; ch < t->o.channels; ch++)
        for (size_t r = 0; t->series[ch] && r < t->rules; r++)
            for (size_t g = 0; g < t->goals && !t->silent[r]; g++) {
                const char *name = r < t->o.models ? names[r] : "mean + z sd";
                bool velocity = r == t->o.models + VELOCITY;
                if (velocity && g > 0)
                    break;
                put_row(t, &c, channels[ch], (ch * t->rules + r) * t->goals + g, velocity ? "velocity" : name,
                        velocity ? SIZE_MAX : g, table);
                weft_table_int(table, c.series, (int64_t)t->series[ch]);
            }
    return weft_table_rows(table) > 0;
}
