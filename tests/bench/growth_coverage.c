/* growth_coverage MODEL WINDOWS [LEVEL]: how often the interval of the growth index holds what came, over every origin
 * of the test part and every series: near and far are what rank has by default. Prints series, origins, coverage and
 * the interval's mean width. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/apply.h"
#include "measure/growth.h"
#include "record/series.h"

static double mean(const float *x, struct weft_growth_days d)
{
    double sum = 0;
    for (size_t i = d.from - 1; i < d.to; i++)
        sum += x[i];
    return sum / (double)(d.to - d.from + 1);
}

struct tally {
    size_t series, origins, covered;
    double width;
};

static void one_series(struct weft_apply *a, size_t unit, const struct weft_series_attrs *attrs,
                       const struct weft_series *s, struct weft_student *width, struct tally *t)
{
    static struct weft_apply_result r;
    struct weft_window_range range = weft_windows_of(attrs, s, WEFT_PART_TEST);
    size_t horizon = (size_t)attrs->horizon;
    struct weft_growth_spans at;
    struct weft_err e;
    if (weft_growth_spans_read(NULL, NULL, horizon, attrs->step, &at, &e) < 0 || at.none)
        return;
    t->series++;
    for (size_t w = 0; w < range.count; w++) {
        size_t origin = range.first + w * range.stride + (size_t)attrs->lookback;
        struct weft_apply_job j = {.x = s->values,
                                   .n = s->n,
                                   .shift = s->scale[0],
                                   .factor = s->scale[attrs->n_channels],
                                   .origin = origin,
                                   .stride = 1,
                                   .windows = 1,
                                   .horizon = horizon};
        struct weft_growth_sums sums = {0};
        double n = mean(s->values + origin, at.near), f = mean(s->values + origin, at.far);
        weft_apply_run(a, unit, &j, true, &r);
        if (r.skipped || !(n > 0) || !isfinite(f) ||
            !weft_growth_add(&sums, r.forecast, r.covariance, r.freedom, NULL, horizon, &at))
            continue;
        struct weft_growth g = weft_growth_of(&sums, 0, width);
        if (!isfinite(g.high))
            continue;
        t->origins++;
        t->covered += f / n >= g.low && f / n <= g.high;
        t->width += g.high - g.low;
    }
}

int main(int argc, char **argv)
{
    struct weft_err e = {0};
    struct weft_stream_opts o = {.frame_max = WEFT_FRAME_MAX_DEFAULT};
    struct weft_apply *a = NULL;
    struct weft_reader *r = NULL;
    struct weft_series_attrs attrs;
    struct weft_series s = {0};
    struct weft_span frame;
    struct tally t = {0};
    struct weft_student width = {0};
    double level = argc > 3 ? strtod(argv[3], NULL) : 0.9;
    int got = 0;
    width.level = level;
    if (argc < 3 || weft_apply_open(argv[1], &a, &e) < 0 ||
        weft_reader_open(argv[2], WEFT_WINDOWS_SCHEMA, &o, &r, &e) < 0 ||
        weft_series_attrs_read(weft_reader_head(r), &attrs, &e) < 0) {
        if (argc < 3)
            weft_fail(&e, WEFT_USAGE, "growth_coverage MODEL WINDOWS [LEVEL]");
        weft_err_print("growth_coverage", &e);
        return e.code;
    }
    int by = weft_series_key(&attrs, weft_apply_info(a)->by);
    while ((got = weft_reader_next(r, &frame, &e)) > 0 && (got = weft_series_read(frame, &attrs, &s, &e)) == 0) {
        struct weft_span group = weft_series_key_text(&s, by);
        size_t unit = weft_apply_unit(a, (const char *)group.p, group.n, 0);
        if (unit != SIZE_MAX)
            one_series(a, unit, &attrs, &s, &width, &t);
    }
    if (got < 0) {
        weft_err_print("growth_coverage", &e);
        return e.code;
    }
    printf("%zu series, %zu origins: %.1f%% within the %.0f%% interval, mean width %.3f\n", t.series, t.origins,
           100 * (double)t.covered / (double)t.origins, 100 * level, t.width / (double)t.origins);
    return 0;
}
