/* test_demand_folds.c - how values of a key are dealt to folds, and how far errors of one that was never met reach. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "train/demand_folds.h"

/* Seven values of the key, of which the two smallest hashes are held out: five are dealt to four folds. */
static void test_deal(void **state)
{
    uint64_t place[] = {50, 10, 70, 20, 50, 30, 10, 60, 40, 70};
    uint32_t valid[] = {1, 3, 6}, train[] = {0, 2, 4, 5, 7, 8, 9}, at[10];
    static const uint8_t want[] = {3, 0, 1, 0, 3, 1, 0, 4, 2, 1};
    static const uint32_t group[] = {4, 0, 6, 1, 4, 2, 0, 5, 3, 6};
    struct weft_demand_set d = {
        .n = 10, .place = place, .valid = valid, .n_valid = 3, .train = train, .n_train = 7, .valid_by = "brand"};
    struct weft_demand_folds f;
    (void)state;
    weft_demand_folds_make(&d, true, &f);
    assert_int_equal(f.n, 5);
    assert_int_equal(f.groups, 7);
    assert_memory_equal(f.of, want, sizeof want);
    assert_memory_equal(f.group, group, sizeof group);
    assert_int_equal(weft_demand_folds_in(&f, d.n, 1, at), 3);
    assert_int_equal(at[0], 2);
    assert_int_equal(at[2], 9);
    assert_int_equal(weft_demand_folds_out(&f, d.n, 1, at), 7);
    weft_demand_folds_free(&f);

    weft_demand_folds_make(&d, false, &f);
    assert_int_equal(f.n, 1);
    assert_int_equal(weft_demand_folds_in(&f, d.n, 0, at), 3);
    weft_demand_folds_free(&f);
}

static void test_rows(void **state)
{
    uint64_t place[] = {1, 2, 3};
    uint32_t valid[] = {0}, train[] = {1, 2};
    struct weft_demand_set d = {.n = 3, .place = place, .valid = valid, .n_valid = 1, .train = train, .n_train = 2};
    struct weft_demand_folds f;
    (void)state;
    weft_demand_folds_make(&d, true, &f);
    assert_int_equal(f.n, 1);
    assert_int_equal(f.groups, 3);
    assert_int_equal(f.of[1], WEFT_DEMAND_FOLDS);
    weft_demand_folds_free(&f);
    d.n_valid = 0;
    weft_demand_folds_make(&d, true, &f);
    assert_int_equal(f.n, 0);
    weft_demand_folds_free(&f);
}

/* Two values with errors 1, 3 and 5, 7: within 2, between 7, all 5, 1.392 degrees of freedom (t by scipy.stats). */
static void test_widening(void **state)
{
    double of[] = {1, 5, 3, 7};
    uint32_t two[] = {0, 1, 0, 1}, own[] = {0, 1, 2, 3}, one[] = {0, 0, 0, 0};
    (void)state;
    assert_true(fabs(weft_demand_widening(&(struct weft_demand_errors){4, 2, of, two}) - 3.850947759105419) < 1e-9);
    assert_true(weft_demand_widening(&(struct weft_demand_errors){4, 4, of, own}) == 1);
    assert_true(isnan(weft_demand_widening(&(struct weft_demand_errors){4, 1, of, one})));
    assert_true(isnan(weft_demand_widening(&(struct weft_demand_errors){0, 1, of, one})));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deal),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_widening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
