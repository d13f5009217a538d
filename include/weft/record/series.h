/* series.h - the records of series/1 and windows/1 streams (schemas/series.json, windows.json); forecasts.h has those
 * of forecasts/1.
 *
 * A series frame: {"id": str, "keys": {name: str, …}, "start": "2017-01-01", "values": f32 [channels, n]}.
 * Stream attrs: "step": "day", "start", "length" (the whole calendar), "keys": [names], "channels": [names],
 * "reduce": ["sum"|"mean" per channel], and where they apply "roles": ["target"|"past"|"future"|"static" per channel]
 * (all are targets without it; targets stand first) and "known": steps of the calendar that have targets, when future
 * channels go on behind them. A windows frame is a series frame plus "split": [train_end, valid_end, test_end] (indices
 * into n: a window belongs to the part in which its whole horizon lies), "scale": f64 [2, channels] (shift, factor:
 * scaled = (x - shift) / factor). Its attrs add "lookback", "horizon", "stride", "scale" (none|standard|minmax). */
#ifndef WEFT_SERIES_H
#define WEFT_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame/pack.h"
#include "base/ids.h"
#include "base/role.h"
#include "base/terms.h"
#include "frame/stream.h"

#define WEFT_SERIES_SCHEMA "series/1"
#define WEFT_WINDOWS_SCHEMA "windows/1"
#define WEFT_FORECASTS_SCHEMA "forecasts/1"

enum { WEFT_MAX_KEYS = 32, WEFT_MAX_CHANNELS = 4096 };
enum weft_reduce { WEFT_REDUCE_SUM, WEFT_REDUCE_MEAN };

/* Attributes of a series or windows stream. */
struct weft_series_attrs {
    int64_t step, start, length; /* seconds, seconds, steps */
    char **keys;                 /* names, in order */
    size_t n_keys;
    char **channels;
    size_t n_channels;
    enum weft_reduce *reduce; /* [n_channels] */
    enum weft_role *role;     /* [n_channels], NULL in attrs that were not read: all are targets */
    size_t n_targets;         /* channels [0, n_targets) are forecast, the others are exogenous */
    int64_t known; /* steps with targets: forecasts from the end of the data begin there; length unless the head says
                      less */
    /* windows/1 only (zero otherwise) */
    int64_t lookback, horizon, stride;
    enum weft_scale scale;
};
int weft_series_attrs_read(const struct weft_head *h, struct weft_series_attrs *a, struct weft_err *e) WEFT_MUST_USE;
/* Appends the attrs map; window fields when lookback > 0. `extra` (may be empty): entries of the input's attrs that we
 * do not know are kept. */
void weft_series_attrs_write(const struct weft_series_attrs *a, struct weft_span extra, struct weft_pack *b);
void weft_series_attrs_free(struct weft_series_attrs *a);
/* The channel `name`; SIZE_MAX. */
size_t weft_series_channel(const struct weft_series_attrs *a, const char *name);
/* How the stream writes a time of its calendar: "2017-01-01", with the hour where steps are shorter than a day. Returns
 * buf. */
const char *weft_series_date(const struct weft_series_attrs *a, int64_t seconds, char buf[32]);
/* Steps of a series, which may begin later or end earlier than the calendar, up to the last one with targets. */
size_t weft_series_known(const struct weft_series_attrs *a, int64_t start, size_t n);
/* 78 unless the stream's steps are those in which `who` ("model dlinear") forecasts. */
int weft_series_check_step(const struct weft_series_attrs *a, int64_t step, const char *who,
                           struct weft_err *e) WEFT_MUST_USE;

/* One series, as views into its frame. */
struct weft_series {
    struct weft_span id;
    struct weft_span key[WEFT_MAX_KEYS]; /* values in the order of attrs.keys; p == NULL when absent */
    int64_t start;                       /* seconds */
    size_t n_channels, n;
    const float *values; /* [n_channels, n]; NaN: missing */
    /* windows/1 only */
    size_t split[WEFT_PARTS];                          /* ends of train, valid, test in steps of this series */
    const double *scale;                               /* [2, n_channels]: shifts, then factors; NULL in series/1 */
    struct weft_span frame;                            /* the whole frame */
    struct weft_scratch scratch_values, scratch_scale; /* owned: reuse the struct from frame to frame */
};
/* Decodes; checks shapes against attrs. Reuse one zero-initialised struct from frame to frame; weft_series_free at the
 * end. */
int weft_series_read(struct weft_span frame, const struct weft_series_attrs *a, struct weft_series *s,
                     struct weft_err *e) WEFT_MUST_USE;
void weft_series_free(struct weft_series *s);
/* 65 when `met`, zero-initialised before the first one and freed by the caller, has the series: it would count double.
 * 48 bytes a series. */
int weft_series_refuse_twice(const struct weft_series *s, struct weft_ids *met, struct weft_err *e) WEFT_MUST_USE;

/* Begins a series frame in b (cleared first) and returns where float values [n_channels, n] go (unaligned: memcpy or
 * byte-wise stores through float pointers are fine only via memcpy). keys[k].p == NULL leaves key k out. */
void *weft_series_begin(struct weft_pack *b, const struct weft_series_attrs *a, struct weft_span id,
                        const struct weft_span *keys, int64_t start, size_t n);

/* The key `name` (or "id", or "all") of a series: its text. False: no such key. k is found once with weft_series_key.
 */
enum { WEFT_KEY_ID = -1, WEFT_KEY_ALL = -2, WEFT_KEY_NONE = -3 };
int weft_series_key(const struct weft_series_attrs *a, const char *name);
struct weft_span weft_series_key_text(const struct weft_series *s, int k);

/* Appends part i of an id that is joined from n texts with "/": so that ("1/2", "3") and ("1", "2/3") differ, a "/"
 * inside a part is written %2F, and a "%" that stands before 2F or 25 is written %25. A text alone (n is 1) is taken as
 * it is. */
void weft_id_part(struct weft_pack *b, size_t i, size_t n, struct weft_span part);

/* Is this channel, by its name, what can't be less than nothing (terms.h: a count, money, a price, a share)? Forecasts
 * of such are kept at 0 or above by default. */
bool weft_channel_is_count(const char *name, size_t n);
/* Is a group's value the sum of its members'? Not of mentions, which are averaged, nor of brands: one sells in several
 * groups. */
bool weft_channel_is_sum(const char *name, size_t n);

/* Windows of one part as index range: window w (0 <= w < count) has lookback [first + w*stride, +lookback), then
 * horizon. */
struct weft_window_range {
    size_t first, count, stride;
};
struct weft_window_range weft_windows_of(const struct weft_series_attrs *a, const struct weft_series *s,
                                         enum weft_part part);

#endif
