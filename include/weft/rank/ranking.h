/* ranking.h - the rows of a ranking: every number that a decision between groups asks for, their order, and the table.
 *
 * A row is a channel of a group. What is not known is NaN (texts: NULL) and stays an empty cell. */
#ifndef WEFT_RANKING_H
#define WEFT_RANKING_H

#include "rank/history.h"
#include "base/names.h"
#include "rank/reasons.h"
#include "show/table.h"

#define WEFT_RANKING_SCHEMA "ranking/1"

struct weft_ranking_row {
    size_t group, channel; /* numbers of their names */
    uint64_t series;       /* forecasts added up; 0: every one was left out */
    uint64_t left_out;     /* series without a forecast */
    char *why;             /* of the first of them; owned */
    const char *model;     /* that made the forecasts; lives as long as what was ranked */
    bool ranked;           /* the others only lend their numbers: of the channels active, brands, amounts */
    uint64_t place;        /* from 1, within the channel */
    /* From the forecasts. */
    double near, far;           /* mean a day */
    double growth, low, high;   /* (far + pseudo) / (near + pseudo) with its interval */
    double sd;                  /* of the normal distribution that has such an interval */
    double few_errors;          /* > 0: so many independent errors of the model, too few for an interval */
    double raw;                 /* far / near */
    double pseudo;              /* the volume a day that was added to both */
    bool thin;                  /* so much that little is known */
    double p_growth, p_value;   /* P(growth > 1); two-sided, of growth = 1 (growth.h) */
    int sure;                   /* 1: grows, -1: falls, for sure (weft_growth_sure over the channel); 0: not known */
    double p_top, p_top_beyond; /* chance to be among the first ones by growth, and by growth beyond the season */
    /* From the history. */
    struct weft_past past;
    struct weft_rivals rivals;
    bool has_past;
    /* Made of these by weft_ranking_complete. */
    double year_growth;            /* growth of the same days a year before, with the same pseudo volume */
    double beyond;                 /* growth / year_growth: what is left of it when the season is taken away */
    double active_far, brands_far; /* forecast: mean of the far days */
    double each_now, each_far;     /* volume a day per active series; fewer than one counts as one */
    double price_far;              /* amounts / units on the far days */
    const char *quality;           /* good, fair, poor */
    char *doubts;                  /* what the quality mark is about; owned */
    double part[WEFT_REASONS_MAX]; /* what the growth comes from (reasons.h) */
    char *reason;                  /* in words; owned */
};

struct weft_ranking {
    struct weft_names groups, channels, keys;
    struct weft_ranking_row *row; /* [n] */
    size_t n, cap;
};
/* Zero-initialise; the row of a group's channel, a new one when it was not met before. Valid until the next call. */
size_t weft_ranking_find(struct weft_ranking *r, struct weft_span group, struct weft_span channel);
void weft_ranking_free(struct weft_ranking *r);

/* What the past says of each ranked row. history: after weft_history_read. */
void weft_ranking_add_past(struct weft_ranking *r, const struct weft_history *history);

/* What the growth of each ranked row comes from. */
void weft_ranking_add_reasons(struct weft_ranking *r, const struct weft_reasons *reasons);

/* The numbers that are made of others, and the quality mark. step: seconds.
 * poor: next to nothing is sold, or less than half a year of history, more than half of the last year's days without
 * sales, or more than a fifth of them missing. fair: less than a year, more than a tenth without sales, or more than a
 * fiftieth missing. Without a history there is no mark. */
void weft_ranking_complete(struct weft_ranking *r, int64_t step);

enum weft_ranking_sort {
    WEFT_SORT_GROWTH,
    WEFT_SORT_BEYOND,
    WEFT_SORT_VOLUME,
    WEFT_SORT_EACH,
    WEFT_SORT_CHANCE,
    WEFT_SORT_LOW
};
extern const char
    *const weft_ranking_sorts[]; /* their names: growth, beyond-season, volume, sales-per-active, probability, low */
/* What orders a row: growth, beyond, far, each_far (each_now where there is no forecast of it), p_top, low. */
double weft_ranking_key(const struct weft_ranking_row *x, enum weft_ranking_sort by);
/* Orders the rows: channel by channel, largest first (by low: thin ones after the others, since what is drawn to 1 has
 * a narrow interval there), those without a value last, after them those that were left out, equals by name; and counts
 * places. */
void weft_ranking_order(struct weft_ranking *r, enum weft_ranking_sort by);

struct weft_ranking_style {
    const char *by;    /* title of the groups */
    double level;      /* of the interval */
    size_t among, top; /* P(top N); rows shown of each channel, 0: all */
    const char *unit;  /* of what is sold: a day */
};
/* Adds the columns and the ranked rows, in order, and, unless `top` cuts them off, those that were left out, without a
 * place; all columns, for CSV, JSON and frames. */
void weft_ranking_table(const struct weft_ranking *r, const struct weft_ranking_style *style, struct weft_table *t);
/* The columns that fit a terminal, in their order, as keys for weft_table_select; returns how many they are. */
enum { WEFT_RANKING_NARROW = 22 };
size_t weft_ranking_narrow(const struct weft_ranking *r, const char *keys[WEFT_RANKING_NARROW]);
/* Attrs of a ranking stream (schemas/ranking.json). Texts of a read one live as long as it. */
struct weft_ranking_attrs {
    char by[256], model[256], channel[128], sort[32];                  /* channel: the one that says what is sold */
    int64_t step, origin, horizon, near[2], far[2], among, draws, now; /* step and origin: seconds; now: days */
    double level, fdr; /* fdr: false discoveries among those marked sure; 0: nobody asked */
    bool no_growth;    /* the horizon has none: rows stand by volume */
    bool profile;      /* near and far days are not the same days of the season: each side is divided by the profile */
};
void weft_ranking_attrs_write(const struct weft_ranking_attrs *a, struct weft_pack *b);
/* What a frame of such a stream ranks: its "name"; in streams of version 0.1.0 its "group". */
bool weft_ranking_name(struct weft_span frame, struct weft_value *name);
/* Streams of older programs lack the members after level: then step is a day, origin INT64_MIN, the others 0 or empty.
 */
int weft_ranking_attrs_read(const struct weft_head *h, struct weft_ranking_attrs *a, struct weft_err *e) WEFT_MUST_USE;

#endif
