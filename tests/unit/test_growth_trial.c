/* test_growth_trial.c - growth indices of past origins against what came, worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/growth_trial.h"

static void close_to(double got, double want)
{
    assert_true(fabs(got - want) < 1e-9);
}

static struct weft_growth_sums sums(double near, double far, double var)
{
    return (struct weft_growth_sums){.near = near,
                                     .far = far,
                                     .var_near = var,
                                     .var_far = var,
                                     .series = 1,
                                     .without_covariance = var < 0,
                                     .freedom = INFINITY};
}

/* One series of each of three groups at two origins. Predictor 0 is right at the first and upside down at the second;
 * predictor 1 can't say anything. */
static struct weft_growth_trial *three_groups(size_t groups_max)
{
    static const double became[3] = {1.5, 1.0, 0.5}, said[2][3] = {{1.4, 1.1, 0.6}, {0.6, 1.1, 1.4}};
    struct weft_growth_trial *t = weft_growth_trial_new(2, 2, groups_max);
    for (size_t g = 0; g < 3; g++)
        for (size_t o = 0; o < 2; o++) {
            char name[24];
            snprintf(name, sizeof name, "g%zu", 2 - g);
            struct weft_growth_sums s[2] = {sums(10, 10 * said[o][g], 0.5), {.near = 0}},
                                    truth = sums(20, 20 * became[g], -1);
            weft_growth_trial_add(t, 0, name, strlen(name), o, s, &truth);
        }
    return t;
}

static void verdicts(void **state)
{
    (void)state;
    struct weft_growth_trial *t = three_groups(0);
    struct weft_growth_verdict v;
    assert_int_equal(weft_growth_trial_groups(t), 3);
    weft_growth_trial_of(t, 0, 0, 0, 0, 0.9, &v);
    close_to(v.quality.spearman, 1);
    close_to(v.quality.ndcg, 1);
    close_to(v.quality.regret, 0);
    close_to(v.quality.error, 0.1);
    /* half = 1.6449 * sqrt(0.5 + 0.5 g^2) / 10: 0.2 and 0.17 and 0.136 around what was said, which was 0.1 off */
    close_to(v.coverage, 1);
    assert_int_equal(v.origins, 1);
    assert_int_equal(v.groups, 3);
    weft_growth_trial_of(t, 0, 0, 1, 0, 0.9, &v);
    close_to(v.quality.spearman, -1);
    close_to(v.quality.regret, 1);
    close_to(v.coverage, 1 / 3.0);
    weft_growth_trial_of(t, 0, 0, SIZE_MAX, 0, 0.9, &v);
    close_to(v.quality.spearman, 0);
    close_to(v.quality.regret, 0.5);
    close_to(v.quality.error, (0.1 + (0.9 + 0.1 + 0.9) / 3) / 2);
    close_to(v.coverage, 2 / 3.0);
    assert_int_equal(v.origins, 2);
    /* who says nothing draws lots */
    struct weft_growth_verdict lots;
    weft_growth_trial_of(t, 0, 1, SIZE_MAX, 0, 0.9, &v);
    weft_growth_trial_of(t, 0, SIZE_MAX, SIZE_MAX, 0, 0.9, &lots);
    close_to(v.quality.spearman, 0);
    close_to(v.quality.regret, 0.5);
    close_to(lots.quality.regret, 0.5);
    close_to(lots.quality.ndcg, v.quality.ndcg);
    assert_true(isnan(lots.coverage) && isnan(v.coverage));
    weft_growth_trial_of(t, 1, 0, SIZE_MAX, 0, 0.9, &v); /* a channel that nobody has */
    assert_int_equal(v.origins, 0);
    weft_growth_trial_free(&t);
}

/* The pseudo volume is a share of the mean near volume: (30 + 2) / (20 + 2). */
static void shrinks(void **state)
{
    (void)state;
    struct weft_growth_trial *t = three_groups(3);
    struct weft_growth_verdict v;
    weft_growth_trial_of(t, 0, 0, 0, 0.1, 0.9, &v);
    close_to(v.quality.error, ((32 / 22.0 - 15 / 11.0) + (12 / 11.0 - 1) + (7 / 11.0 - 12 / 22.0)) / 3);
    weft_growth_trial_free(&t);
}

static void gives_up(void **state)
{
    (void)state;
    struct weft_growth_trial *t = three_groups(2);
    struct weft_growth_verdict v;
    assert_true(weft_growth_trial_groups(t) == SIZE_MAX);
    weft_growth_trial_of(t, 0, 0, SIZE_MAX, 0, 0.9, &v);
    assert_int_equal(v.origins, 0);
    weft_growth_trial_free(&t);
}

/* A group that sells nothing before and after has no growth to predict, and takes no part. */
static void nothing_sold(void **state)
{
    (void)state;
    struct weft_growth_trial *t = three_groups(0);
    struct weft_growth_sums s[2] = {sums(5, 5, -1), {.near = 0}}, truth = sums(0, 0, -1);
    struct weft_growth_verdict v;
    weft_growth_trial_add(t, 0, "none", 4, 0, s, &truth);
    weft_growth_trial_of(t, 0, 0, 0, 0, 0.9, &v);
    assert_int_equal(v.groups, 3);
    weft_growth_trial_of(t, 0, 0, 0, 0.01, 0.9, &v); /* drawn to 1 by the pseudo volume it does */
    assert_int_equal(v.groups, 4);
    weft_growth_trial_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(verdicts), cmocka_unit_test(shrinks),
                                       cmocka_unit_test(gives_up), cmocka_unit_test(nothing_sold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
