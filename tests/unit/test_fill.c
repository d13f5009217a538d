/* test_fill.c - gaps filled from a series' own past, against values by hand. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fill.h"

static int bad;

static void check(const char *rule, int64_t max, const float *x, size_t n, const float *wanted, size_t filled,
                  size_t left)
{
    struct weft_fill_rule f = {.max = max};
    struct weft_err e = {0};
    float y[16];
    bool at[16] = {0};
    size_t got_left, got;
    if (weft_fill_parse(rule, &f, &e) < 0) {
        bad = printf("FAIL %s is refused\n", rule);
        return;
    }
    memcpy(y, x, n * sizeof *x);
    got = weft_fill_gaps(&f, y, n, at, &got_left);
    if (got != filled || got_left != left)
        bad = printf("FAIL %s: %zu filled, %zu left\n", rule, got, got_left);
    for (size_t i = 0; i < n; i++)
        if ((isnan(wanted[i]) != 0) != (isnan(y[i]) != 0) || (!isnan(y[i]) && y[i] != wanted[i]) ||
            at[i] != (isnan(x[i]) && !isnan(wanted[i])))
            bad = printf("FAIL %s: step %zu is %g\n", rule, i, (double)y[i]);
}

int main(void)
{
    static const float _ = NAN;
    struct weft_fill_rule f;
    struct weft_err e = {0};
    check("carry", 2, (float[]){_, 1, _, _, 4, _, _, _, 8, _}, 10, (float[]){_, 1, 1, 1, 4, _, _, _, 8, 8}, 3, 3);
    check("seasonal:3", 3, (float[]){1, 2, 3, _, _, _, 7}, 7, (float[]){1, 2, 3, 1, 2, 3, 7}, 3, 0);
    check("seasonal:3", 4, (float[]){1, 2, 3, _, _, _, _}, 7, (float[]){1, 2, 3, 1, 2, 3, 1}, 4, 0);
    check("seasonal:3", 2, (float[]){1, 2, 3, _, _, _, 7}, 7, (float[]){1, 2, 3, _, _, _, 7}, 0, 3);
    check("seasonal:5", 7, (float[]){1, _, 3}, 3, (float[]){1, _, 3}, 0, 1);
    check("expected", 7, (float[]){1, 2, 3, 6, _, 9}, 6, (float[]){1, 2, 3, 6, 3, 9}, 1, 0);
    check("expected", 7, (float[]){1, _, _, 6, _, 9}, 6, (float[]){1, _, _, 6, 3.5F, 9}, 1, 2);
    check("carry", 7, (float[]){_, _}, 2, (float[]){_, _}, 0, 0);
    static const char *const wrong[] = {
        "", "carry:1", "seasonal", "seasonal:", "seasonal:0", "seasonal:-7", "seasonal:7x", "seasonal:100001"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (weft_fill_parse(wrong[i], &f, &e) != -1 || e.code != WEFT_USAGE)
            bad = printf("FAIL \"%s\" is taken\n", wrong[i]);
    return bad != 0;
}
