/* test_ensemble.c - how the forecasts of several models become one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/ensemble.h"

/* What the rule makes of up to four values; combine may change its room. */
static float of(enum weft_ensemble_rule rule, const float *weight, const float *y, size_t n)
{
    float room[4];
    memcpy(room, y, n * sizeof *room);
    return weft_ensemble_combine(rule, weight, room, n);
}

static void rules(void **state)
{
    (void)state;
    static const float weight[] = {4, 1, 1, 2}, y[] = {3, 9, 1, 5};
    assert_true(of(WEFT_ENSEMBLE_BEST, weight, y, 4) == 3);
    assert_true(of(WEFT_ENSEMBLE_MEDIAN, weight, y, 4) == 4);
    assert_true(of(WEFT_ENSEMBLE_MEDIAN, weight, y, 3) == 3);
    assert_true(of(WEFT_ENSEMBLE_MEAN, weight, y, 4) == 4.5f);
    assert_true(of(WEFT_ENSEMBLE_WEIGHTS, weight, y, 4) == 4); /* (12 + 9 + 1 + 10) / 8 */
    for (int r = 0; r < WEFT_ENSEMBLE_RULES; r++)
        assert_true(of((enum weft_ensemble_rule)r, weight, y, 1) == 3);
}

/* Members without a forecast are left out, with their weights; of none there is none. */
static void missing(void **state)
{
    (void)state;
    static const float weight[] = {4, 1, 1, 2}, none[] = {0, 0, 0, 0};
    const float y[] = {NAN, 9, INFINITY, 6}, nothing[] = {NAN, NAN};
    assert_true(of(WEFT_ENSEMBLE_BEST, weight, y, 4) == 9);
    assert_true(of(WEFT_ENSEMBLE_MEDIAN, weight, y, 4) == 7.5f);
    assert_true(of(WEFT_ENSEMBLE_MEAN, weight, y, 4) == 7.5f);
    assert_true(of(WEFT_ENSEMBLE_WEIGHTS, weight, y, 4) == 7);
    for (int r = 0; r < WEFT_ENSEMBLE_RULES; r++) {
        assert_true(isnan(of((enum weft_ensemble_rule)r, weight, nothing, 2)));
        assert_true(isnan(of((enum weft_ensemble_rule)r, weight, y, 0)));
    }
    assert_true(isnan(of(WEFT_ENSEMBLE_WEIGHTS, none, y, 4)));
    assert_true(of(WEFT_ENSEMBLE_MEDIAN, none, y, 4) == 7.5f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rules), cmocka_unit_test(missing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
