/* test_ranking.c - the numbers of a ranking against direct evaluation. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rank/activity.h"
#include "measure/growth.h"
#include "rank/ranking.h"
#include "base/rng.h"
#include "measure/topk.h"

static struct weft_span text(const char *s)
{
    return (struct weft_span){(const uint8_t *)s, strlen(s)};
}

/* --- P(top k) --- */

enum { N = 7 };

/* P(number i is among the k largest) = integral of its density times P(fewer than k others lie above x): the count of
 * those above is a sum of independent yes and no, whose distribution a recursion gives. Midpoint rule on 20,000 points
 * over 9 standard deviations. */
static double integrated(const double *mean, const double *sd, size_t n, size_t i, size_t k)
{
    const int points = 20000;
    double sum = 0, width = 18 * sd[i] / points;
    for (int p = 0; p < points; p++) {
        double x = mean[i] - 9 * sd[i] + (p + 0.5) * width, z = (x - mean[i]) / sd[i], above[N] = {1}, few = 0;
        for (size_t j = 0; j < n; j++) {
            if (j == i)
                continue;
            double q = 0.5 * erfc((x - mean[j]) / sd[j] / sqrt(2));
            for (size_t c = k; c-- > 0;)
                above[c] = above[c] * (1 - q) + (c ? above[c - 1] * q : 0);
        }
        for (size_t c = 0; c < k; c++)
            few += above[c];
        sum += exp(-z * z / 2) / (sd[i] * sqrt(2 * acos(-1))) * few * width;
    }
    return sum;
}

static void chances_are_those_of_numerical_integration(void **state)
{
    (void)state;
    static const double mean[N] = {1.4, 1.3, 1.25, 1.2, 1.0, 0.9, 0.3}, sd[N] = {0.5, 0.1, 0.3, 0.05, 0.2, 1.1, 0.01};
    uint64_t stream[N];
    double got[N];
    for (uint64_t i = 0; i < N; i++)
        stream[i] = 1000 + 17 * i;
    for (size_t k = 1; k <= 3; k += 2) {
        double all = 0;
        weft_topk_chances(N, mean, sd, stream, k, 100000, 1, got);
        for (size_t i = 0; i < N; i++) {
            double want = integrated(mean, sd, N, i, k), error = 4.5 * sqrt(want * (1 - want) / 100000) + 1e-6;
            if (fabs(got[i] - want) > error)
                fail_msg("k %zu, number %zu: %.5f, integrated %.5f", k, i, got[i], want);
            all += got[i];
        }
        assert_true(fabs(all - (double)k) < 1e-9); /* every draw has k winners */
    }
}

static void chances_do_not_depend_on_order_or_company(void **state)
{
    (void)state;
    double mean[N] = {1.4, 1.3, 1.25, 1.2, 1.0, 0.9, 0.3}, sd[N] = {0.5, 0.1, 0.3, 0.05, 0.2, 1.1, 0.01}, got[N],
           turned[N];
    uint64_t stream[N];
    for (uint64_t i = 0; i < N; i++)
        stream[i] = i * i + 5;
    weft_topk_chances(N, mean, sd, stream, 3, 2000, 7, got);
    for (size_t i = 0; i < N / 2; i++) {
        double m = mean[i], d = sd[i];
        uint64_t t = stream[i];
        mean[i] = mean[N - 1 - i], sd[i] = sd[N - 1 - i], stream[i] = stream[N - 1 - i];
        mean[N - 1 - i] = m, sd[N - 1 - i] = d, stream[N - 1 - i] = t;
    }
    weft_topk_chances(N, mean, sd, stream, 3, 2000, 7, turned);
    for (size_t i = 0; i < N; i++)
        assert_true(got[i] == turned[N - 1 - i]);
}

static void equal_numbers_share_their_chances(void **state)
{
    const double mean[] = {1, 1, 2, 1, 1}, sd[] = {0, 0, 0, 0, 0};
    const uint64_t stream[] = {11, 12, 13, 14, 15}, other[] = {15, 14, 13, 12, 11};
    double got[5], turned[5];
    (void)state;
    weft_topk_chances(5, mean, sd, stream, 3, 10000, 1, got);
    weft_topk_chances(5, mean, sd, other, 3, 10000, 1, turned);
    for (int i = 0; i < 5; i++) {
        assert_float_equal(got[i], i == 2 ? 1 : 0.5, 0.02);
        assert_true(got[i] == turned[4 - i]); /* in whatever order they come */
    }
}

static void what_is_not_known_has_no_chance(void **state)
{
    (void)state;
    static const double mean[] = {2, NAN, 1, 3, 0.5}, sd[] = {0, 0.1, 0, NAN, 0.1};
    static const uint64_t stream[] = {1, 2, 3, 4, 5};
    double got[5];
    weft_topk_chances(5, mean, sd, stream, 2, 1000, 1, got);
    assert_true(got[0] == 1 && isnan(got[1]) && got[2] == 0 && isnan(got[3]) &&
                got[4] == 0); /* 3 stands, without a spread, before 2 */
    weft_topk_chances(5, mean, sd, stream, 4, 1000, 1, got);
    assert_true(got[0] == 1 && got[2] == 1 && got[4] == 1);
    weft_topk_chances(0, mean, sd, stream, 3, 1000, 1, got);
    assert_int_equal(weft_topk_draws(0), 10000);
    assert_int_equal(weft_topk_draws(2000), 10000);
    assert_int_equal(weft_topk_draws(4000), 5000);
    assert_int_equal(weft_topk_draws(1000000), 1000);
}

/* --- who is active --- */

enum { SERIES = 40, LENGTH = 90, WINDOW = 9, BRANDS = 5 };

static void active_series_and_brands_are_counted(void **state)
{
    (void)state;
    static const char *const brand[BRANDS] = {"b", "a", "c", "d", NULL};
    static float x[SERIES][LENGTH];
    struct weft_activity *a = weft_activity_new(LENGTH, WINDOW, 60, 80);
    struct weft_rng rng = weft_rng(3, 4);
    size_t offset[SERIES];
    for (size_t i = 0; i < SERIES; i++) {
        size_t n = 20 + weft_rng_below(&rng, 60);
        offset[i] = weft_rng_below(&rng, LENGTH - n + 1);
        for (size_t t = 0; t < LENGTH; t++) {
            uint64_t u = weft_rng_below(&rng, 30);
            x[i][t] = t < offset[i] || t >= offset[i] + n ? 0 : u == 0 ? NAN : u < 3 ? (float)u : 0;
        }
        weft_activity_add(a, brand[i % BRANDS] ? text(brand[i % BRANDS]) : (struct weft_span){0}, x[i] + offset[i], n,
                          offset[i]);
    }
    float series[LENGTH], brands[LENGTH];
    weft_activity_series(a, series);
    weft_activity_brands(a, brands);
    for (size_t t = 0; t < LENGTH; t++) {
        int count = 0, by_brand[BRANDS] = {0}, n = 0;
        for (size_t i = 0; i < SERIES; i++) {
            bool sold = false;
            for (size_t k = t + 1 > WINDOW ? t + 1 - WINDOW : 0; k <= t; k++)
                sold |= x[i][k] > 0;
            count += sold;
            by_brand[i % BRANDS] |= sold;
        }
        for (size_t b = 0; b + 1 < BRANDS; b++)
            n += by_brand[b];
        if (t + 1 < WINDOW)
            assert_true(isnan(series[t]) && isnan(brands[t]));
        else
            assert_true(series[t] == (float)count && brands[t] == (float)n);
    }
    double sold[BRANDS] = {0}, all = 0, hhi = 0, most = 0;
    for (size_t i = 0; i < SERIES; i++)
        for (size_t t = 60; t < 80; t++)
            if (i % BRANDS != BRANDS - 1 && x[i][t] > 0)
                sold[i % BRANDS] += x[i][t];
    for (size_t b = 0; b < BRANDS; b++)
        all += sold[b];
    for (size_t b = 0; b < BRANDS; b++) {
        hhi += sold[b] / all * (sold[b] / all);
        most = fmax(most, sold[b]);
    }
    struct weft_shares shares = weft_activity_shares(a);
    assert_true(fabs(shares.hhi - hhi) < 1e-12 && fabs(shares.top - most / all) < 1e-12);
    for (size_t b = 0; b < BRANDS; b++)
        if (sold[b] == most)
            assert_string_equal(shares.name, brand[b]);
    weft_activity_free(&a);
}

static void shares_of_equal_of_one_and_of_no_brand(void **state)
{
    (void)state;
    static const float two[] = {2, 0}, none[] = {0, 0};
    struct weft_activity *a = weft_activity_new(2, 1, 0, 2);
    assert_true(isnan(weft_activity_shares(a).hhi) && !weft_activity_shares(a).name);
    weft_activity_add(a, text("x"), none, 2, 0);
    assert_true(isnan(weft_activity_shares(a).hhi) && isnan(weft_activity_shares(a).top));
    weft_activity_add(a, text("z"), two, 2, 0);
    assert_true(weft_activity_shares(a).hhi == 1 && weft_activity_shares(a).top == 1);
    weft_activity_add(a, text("y"), two, 2, 0);
    assert_true(weft_activity_shares(a).hhi == 0.5);
    assert_string_equal(weft_activity_shares(a).name, "y"); /* as much as z, and before it */
    weft_activity_free(&a);
}

static void the_sales_channel(void **state)
{
    (void)state;
    char *usual[] = {"units", "amounts", "mentions"}, *odd[] = {"amounts", "active", "sold"},
         *none[] = {"mentions", "brands"};
    assert_int_equal(weft_sales_channel(usual, 3), 0);
    assert_int_equal(weft_sales_channel(odd, 3), 2);
    assert_int_equal(weft_sales_channel(none, 2), 0);
}

/* --- rows --- */

static struct weft_ranking_row *row(struct weft_ranking *r, const char *group, const char *channel, double near,
                                    double far)
{
    size_t i = weft_ranking_find(r, text(group), text(channel));
    struct weft_ranking_row *x = &r->row[i];
    x->ranked = strcmp(channel, "active") != 0;
    x->series = 1;
    x->near = near;
    x->far = far;
    x->pseudo = 0.5;
    x->growth = (far + 0.5) / (near + 0.5);
    return x;
}

static void season_competition_and_price(void **state)
{
    (void)state;
    struct weft_ranking r = {0};
    row(&r, "a", "units", 10, 15);
    row(&r, "a", "amounts", 100, 120);
    row(&r, "a", "active", 5, 4);
    row(&r, "b", "units", 10, 15);
    struct weft_ranking_row *x = &r.row[0];
    x->past = (struct weft_past){.now = 9, .year_near = 8, .year_far = 10, .length = 500, .zeros = 0.2, .gaps = 0};
    x->rivals.active = 6;
    x->has_past = true;
    weft_ranking_complete(&r, 86400);
    assert_true(fabs(x->year_growth - 10.5 / 8.5) < 1e-12 && fabs(x->beyond - 15.5 / 10.5 / (10.5 / 8.5)) < 1e-12);
    assert_true(x->active_far == 4 && x->each_far == 15.0 / 4 && x->each_now == 9.0 / 6 && x->price_far == 8);
    assert_string_equal(x->quality, "fair");
    assert_string_equal(x->doubts, "20% of days without sales");
    assert_true(isnan(r.row[3].beyond) && isnan(r.row[3].each_far) && isnan(r.row[3].price_far) && !r.row[3].quality);
    assert_true(isnan(r.row[1].price_far) == 0); /* amounts: the group's price, too */
    weft_ranking_free(&r);
}

static void quality(double length, double zeros, double gaps, bool thin, const char *mark, const char *doubts)
{
    struct weft_ranking r = {0};
    struct weft_ranking_row *x = row(&r, "a", "units", 10, 15);
    x->past = (struct weft_past){.now = 9, .length = (uint64_t)length, .zeros = zeros, .gaps = gaps};
    x->has_past = true;
    x->thin = thin;
    weft_ranking_complete(&r, 86400);
    assert_string_equal(x->quality, mark);
    assert_string_equal(x->doubts ? x->doubts : "", doubts);
    weft_ranking_free(&r);
}

static void marks_of_quality(void **state)
{
    (void)state;
    quality(364, 0.1, 0.02, false, "good", "");
    quality(363, 0, 0, false, "fair", "363 days of history");
    quality(182, 0, 0, false, "fair", "182 days of history");
    quality(181, 0, 0, false, "poor", "181 days of history");
    quality(500, 0.51, 0.03, false, "poor", "51% of days without sales; 3% of days missing");
    quality(500, 0, 0.21, false, "poor", "21% of days missing");
    quality(500, 0, 0, true, "poor", "next to nothing is sold");
}

static void order_by_each_key(void **state)
{
    (void)state;
    struct weft_ranking r = {0};
    row(&r, "b", "units", 10, 20);
    row(&r, "a", "units", 10, 20);
    row(&r, "c", "units", 100, 90);
    row(&r, "d", "units", 10, 10)->growth = NAN;
    r.row[0].beyond = 0.5, r.row[2].beyond = 2;
    weft_ranking_order(&r, WEFT_SORT_GROWTH);
    const char *want = "abcd";
    for (size_t i = 0; i < 4; i++)
        assert_true(r.groups.at[r.row[i].group].p[0] == want[i] && r.row[i].place == i + 1);
    weft_ranking_order(&r, WEFT_SORT_BEYOND);
    want = "cbad";
    for (size_t i = 0; i < 4; i++)
        assert_true(r.groups.at[r.row[i].group].p[0] == want[i]);
    weft_ranking_order(&r, WEFT_SORT_VOLUME);
    want = "cabd";
    for (size_t i = 0; i < 4; i++)
        assert_true(r.groups.at[r.row[i].group].p[0] == want[i]);
    /* What hardly sells is drawn to 1, and so has the narrowest interval: it does not win by its lower end. */
    for (size_t i = 0; i < 4; i++)
        r.row[i].low = 0.5 + 0.1 * (double)i, r.row[i].thin = i == 3;
    r.row[2].low = NAN;
    weft_ranking_order(&r, WEFT_SORT_LOW);
    want = "acdb";
    for (size_t i = 0; i < 4; i++)
        assert_true(r.groups.at[r.row[i].group].p[0] == want[i]);
    weft_ranking_free(&r);
}

static void standard_error_of_growth(void **state)
{
    (void)state;
    const float forecast[] = {10, 12}, covariance[] = {4, 1, 1, 9};
    const struct weft_growth_spans at = {.near = {1, 1}, .far = {2, 2}, .season = 1};
    struct weft_growth_sums sums = {0};
    struct weft_student width = {.level = 0.8663855974622838}; /* 1.5 standard errors */
    assert_true(weft_growth_add(&sums, forecast, covariance, INFINITY, NULL, 2, &at));
    struct weft_growth g = weft_growth_of(&sums, 0, &width);
    assert_true(!g.few && isinf(g.freedom));
    double want = sqrt(9 - 2 * 1.2 * 1 + 1.44 * 4) / 10;
    assert_true(fabs(g.sd - want) < 1e-12 && fabs(g.high - 1.2 - 1.5 * want) < 1e-8);
    /* Two models, of 7.3 and 2 independent errors: the interval is that of the fewer; below 2 there is none. */
    struct weft_growth_sums few = {0}, one = {0};
    struct weft_student nine = {.level = 0.9};
    assert_true(weft_growth_add(&few, forecast, covariance, 7.3, NULL, 2, &at));
    g = weft_growth_of(&few, 0, &nine);
    assert_true(fabs(g.high - 1.2 - 1.8829300179371542 * want) < 1e-7 && g.freedom == 7.3);
    assert_true(weft_growth_add(&one, forecast, covariance, 2, NULL, 2, &at));
    weft_growth_sums_add(&few, &one);
    g = weft_growth_of(&few, 0, &nine);
    assert_true(fabs(g.high - 1.2 - 2.919985580355516 * g.sd) < 1e-7 && fabs(g.sd - want / sqrt(2)) < 1e-12);
    assert_true(weft_growth_add(&few, forecast, covariance, 1.9, NULL, 2, &at));
    g = weft_growth_of(&few, 0, &nine);
    assert_true(g.few && isnan(g.sd) && isnan(g.sd_one) && isnan(g.low) && isnan(g.high));
    assert_true(fabs(g.shrunk - 1.2) < 1e-12);
}

static void reasons_in_words(void **state)
{
    (void)state;
    const struct {
        double part[WEFT_REASONS_MAX];
        const char *want;
    } of[] = {{{0.08, 0, 0, 0, -0.02, 0.001}, "last week +8%, a year ago -2%"},
              {{0.001, 0, 0, 0, 0, -0.004}, "no single cause"},
              {{58.2, -10.5, 0, 0, 0, 0}, "last week far up, same weekdays far down"},
              {{10, 0, 0, 0, 0, 0}, "last week +1000%"}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        char *got = weft_reasons_text(of[i].part);
        assert_string_equal(got, of[i].want);
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_numbers_share_their_chances),
        cmocka_unit_test(chances_are_those_of_numerical_integration),
        cmocka_unit_test(chances_do_not_depend_on_order_or_company),
        cmocka_unit_test(what_is_not_known_has_no_chance),
        cmocka_unit_test(active_series_and_brands_are_counted),
        cmocka_unit_test(shares_of_equal_of_one_and_of_no_brand),
        cmocka_unit_test(the_sales_channel),
        cmocka_unit_test(season_competition_and_price),
        cmocka_unit_test(marks_of_quality),
        cmocka_unit_test(order_by_each_key),
        cmocka_unit_test(standard_error_of_growth),
        cmocka_unit_test(reasons_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
