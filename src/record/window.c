/* window.c - splits and scales. */
#include "record/window.h"

#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/num.h"

int weft_split_parse(char *const *items, size_t n, struct weft_split *out, struct weft_err *e)
{
    double sum = 0, largest = 0;
    if (n != WEFT_PARTS)
        return weft_fail(e, WEFT_USAGE, "--split takes three numbers (train, validation, test), not %zu", n);
    for (int i = 0; i < WEFT_PARTS; i++) {
        if (!weft_num_real(items[i], 0, INT32_MAX, &out->part[i]))
            return weft_fail(e, WEFT_USAGE, "--split: \"%s\" is not a fraction or a number of steps", items[i]);
        sum += out->part[i];
        largest = fmax(largest, out->part[i]);
    }
    out->fractions = largest <= 1;
    if (out->fractions && sum > 1 + 1e-9)
        return weft_fail(e, WEFT_USAGE, "--split: the fractions add up to %g, more than 1", sum);
    for (int i = 0; i < WEFT_PARTS; i++)
        if (!out->fractions && out->part[i] != floor(out->part[i]))
            return weft_fail(e, WEFT_USAGE, "--split: \"%s\" is not a whole number of steps", items[i]);
    if (out->part[0] <= 0)
        return weft_fail(e, WEFT_USAGE, "--split: the train part is empty");
    return 0;
}

int weft_split_borders(const struct weft_split *s, size_t length, size_t borders[WEFT_PARTS], struct weft_err *e)
{
    if (!s->fractions) {
        double sum = s->part[0] + s->part[1] + s->part[2];
        if (sum > (double)length) {
            weft_fail(e, WEFT_CONFIG, "--split asks for %.0f steps, and the calendar has %zu", sum, length);
            return weft_fail_hint(e, "give fractions, as --split 0.64,0.16,0.20");
        }
        borders[0] = (size_t)s->part[0];
        borders[1] = borders[0] + (size_t)s->part[1];
        borders[2] = borders[1] + (size_t)s->part[2];
        return 0;
    }
    /* A hair above, so that 0.2 x 1000 is 200 in binary too. */
    double n = (double)length, hair = 1e-9 * n;
    size_t used = (size_t)fmin(n, floor(n * (s->part[0] + s->part[1] + s->part[2]) + hair));
    borders[0] = (size_t)floor(n * s->part[0] + hair);
    borders[2] = used;
    size_t test = (size_t)floor(n * s->part[2] + hair);
    borders[1] = used - test > borders[0] ? used - test : borders[0];
    return 0;
}

void weft_scale_fit(enum weft_scale kind, const float *x, size_t n, double *shift, double *factor)
{
    size_t count = 0;
    double sum = 0, low = INFINITY, high = -INFINITY;
    *shift = 0;
    *factor = 1;
    if (kind == WEFT_SCALE_NONE)
        return;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) {
            sum += x[i];
            low = x[i] < low ? x[i] : low;
            high = x[i] > high ? x[i] : high;
            count++;
        }
    if (!count)
        return;
    if (kind == WEFT_SCALE_MINMAX) {
        *shift = low;
        *factor = high > low ? high - low : 1;
        return;
    }
    double mean = sum / (double)count, squares = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]))
            squares += (x[i] - mean) * (x[i] - mean);
    double deviation = sqrt(squares / (double)count);
    *shift = mean;
    /* A constant series has no spread; rounding must not make one up. */
    *factor = deviation > 1e-12 * (fabs(mean) + 1) ? deviation : 1;
}

void weft_scale_fit_train(enum weft_scale kind, const float *x, size_t train, size_t n, double *shift, double *factor)
{
    size_t known = 0, count = 0;
    double squares = 0;
    weft_scale_fit(kind, x, train, shift, factor);
    while (known < train && isnan(x[known]))
        known++;
    for (size_t i = known; i < train; i++)
        if (!isnan(x[i]) && x[i] != x[known])
            return;
    if (kind == WEFT_SCALE_NONE || known == train)
        return;
    for (size_t i = train; i < n; i++)
        if (!isnan(x[i]) && (count || x[i] != x[known])) {
            squares += ((double)x[i] - x[known]) * ((double)x[i] - x[known]);
            count++;
        }
    if (count)
        *factor = sqrt(squares / (double)count);
}

void weft_scale_of(const struct weft_series *s, size_t c, enum weft_scale kind, size_t n, double *shift, double *factor)
{
    if (!s->scale) {
        weft_scale_fit(kind, s->values + c * s->n, n, shift, factor);
        return;
    }
    *shift = s->scale[c];
    *factor = s->scale[s->n_channels + c];
}

void weft_split_own(const size_t borders[WEFT_PARTS], const struct weft_series_attrs *a, const struct weft_series *s,
                    size_t split[WEFT_PARTS])
{
    int64_t offset = weft_step_count(a->start, s->start, a->step);
    for (int i = 0; i < WEFT_PARTS; i++) {
        int64_t border = (int64_t)borders[i] - offset;
        border = border > 0 ? border : 0;
        split[i] = (size_t)border < s->n ? (size_t)border : s->n;
    }
}

void weft_windows_mark(const struct weft_series *s, const struct weft_series_attrs *a, const size_t split[WEFT_PARTS],
                       enum weft_scale scale, struct weft_edit *edit)
{
    struct weft_pack *p = weft_edit_set(edit, "split");
    weft_pack_array(p, WEFT_PARTS);
    for (int i = 0; i < WEFT_PARTS; i++)
        weft_pack_uint(p, split[i]);
    weft_edit_done(edit);
    uint32_t channels = (uint32_t)s->n_channels;
    uint8_t *at = weft_pack_tensor(weft_edit_set(edit, "scale"), WEFT_F64, 2, (uint32_t[]){2, channels});
    for (size_t c = 0; c < channels; c++) {
        double shift, factor;
        weft_scale_fit_train(c < a->n_targets ? scale : WEFT_SCALE_NONE, s->values + c * s->n, split[WEFT_PART_TRAIN],
                             s->n, &shift, &factor);
        memcpy(at + c * sizeof shift, &shift, sizeof shift);
        memcpy(at + (channels + c) * sizeof factor, &factor, sizeof factor);
    }
    weft_edit_done(edit);
}

int weft_windows_until(const struct weft_series *s, const struct weft_series_attrs *a, size_t length,
                       const size_t borders[WEFT_PARTS], enum weft_scale scale, struct weft_edit *edit,
                       struct weft_pack *b, struct weft_err *e)
{
    const size_t ends[WEFT_PARTS] = {length, length, length};
    size_t n[WEFT_PARTS], split[WEFT_PARTS];
    weft_split_own(ends, a, s, n);
    weft_split_own(borders, a, s, split);
    if (!n[0])
        return 0;
    if (weft_edit_load(edit, s->frame, e) < 0)
        return -1;
    uint8_t *to = weft_pack_tensor(weft_edit_set(edit, "values"), WEFT_F32, 2,
                                   (uint32_t[]){(uint32_t)s->n_channels, (uint32_t)n[0]});
    for (size_t c = 0; c < s->n_channels; c++)
        memcpy(to + c * n[0] * sizeof(float), s->values + c * s->n, n[0] * sizeof(float));
    weft_edit_done(edit);
    weft_windows_mark(s, a, split, scale, edit);
    weft_edit_write(edit, b);
    return 1;
}
