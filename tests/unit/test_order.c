/* test_order.c - distributions, levels, orders and budgets against enumeration; tables of stock and whole orders in any
 * order of rows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "measure/growth.h"
#include "order/orders.h"

/* --- a distribution as points with weights --- */

enum { POINTS = 20000 };
struct points {
    double *x, *w;
    size_t n;
};

static void points_free(struct points *p)
{
    free(p->x);
    free(p->w);
}

/* Of counts: every number with its probability, by the recursion f(k + 1) / f(k). Else the middles of as many equal
 * shares of the normal distribution or Student's t, by bisection. */
static struct points points_of(const struct weft_lead_demand *d)
{
    struct points p = {WEFT_ARRAY(double, POINTS), WEFT_ARRAY(double, POINTS), 0};
    if (d->counts) {
        double f = d->mean > 0 ? 1 : 0;
        if (isinf(d->size))
            f = exp(-d->mean);
        else if (d->mean > 0)
            f = pow(d->share, d->size);
        for (size_t k = 0; k < POINTS; k++) {
            p.x[p.n] = (double)k;
            p.w[p.n++] = d->mean > 0 ? f : k == 0;
            f *= isinf(d->size) ? d->mean / ((double)k + 1) : ((double)k + d->size) / ((double)k + 1) * (1 - d->share);
        }
        return p;
    }
    for (; p.n < POINTS; p.n++) {
        double share = ((double)p.n + 0.5) / POINTS, low = -1e4, high = 1e4;
        while (high - low > 1e-9) {
            double t = (low + high) / 2;
            if (weft_student_below(t, d->freedom) < share)
                low = t;
            else
                high = t;
        }
        p.x[p.n] = fmax(d->mean + d->sd * low, 0);
        p.w[p.n] = 1.0 / POINTS;
    }
    return p;
}

static double mean_beyond(const struct points *p, double s)
{
    double sum = 0;
    for (size_t i = 0; i < p->n; i++)
        sum += p->x[i] > s ? p->w[i] * (p->x[i] - s) : 0;
    return sum;
}

static double mean_left(const struct points *p, double s)
{
    double sum = 0;
    for (size_t i = 0; i < p->n; i++)
        sum += p->x[i] < s ? p->w[i] * (s - p->x[i]) : 0;
    return sum;
}

static double below(const struct points *p, double s)
{
    double sum = 0;
    for (size_t i = 0; i < p->n; i++)
        sum += p->x[i] <= s ? p->w[i] : 0;
    return sum;
}

static double total(const struct points *p)
{
    double sum = 0;
    for (size_t i = 0; i < p->n; i++)
        sum += p->w[i] * p->x[i];
    return sum;
}

static void close_to(double got, double want, double slack, const char *what)
{
    if (!(fabs(got - want) <= slack))
        fail_msg("%s: %.10g, and it is %.10g", what, got, want);
}

static const struct {
    double mean, variance, freedom;
} sums[] = {{0.4, 0.4, INFINITY}, {3, 2, INFINITY},    {3, 9, INFINITY}, {12, 40, 8},           {19, 19.5, INFINITY},
            {25, 900, INFINITY},  {60, 300, INFINITY}, {60, 300, 6},     {400, 2500, INFINITY}, {0, 0, INFINITY}};
enum { SUMS = sizeof sums / sizeof *sums };

static struct weft_lead_demand sum_at(size_t i)
{
    return weft_lead_demand_of(sums[i].mean, sums[i].variance, weft_few_errors_of(sums[i].freedom), true);
}

static void distributions_are_those_of_their_points(void **state)
{
    (void)state;
    for (size_t i = 0; i < SUMS; i++) {
        struct weft_lead_demand d = sum_at(i);
        struct points p = points_of(&d);
        double slack = d.counts ? 1e-8 : 2e-3 * d.sd, all = total(&p);
        assert_true(d.counts == (sums[i].mean < 20 || sqrt(sums[i].variance) > sums[i].mean / 2));
        close_to(d.expected, all, slack, "mean");
        for (double s = 0; s < 2 * sums[i].mean + 10; s += d.counts ? 1 : 0.37 * d.sd) {
            close_to(weft_lead_demand_below(&d, s), below(&p, s), d.counts ? 1e-9 : 1e-4, "P(D <= s)");
            close_to(weft_lead_demand_beyond(&d, s), mean_beyond(&p, s), slack, "beyond");
            close_to(weft_lead_demand_left(&d, s), mean_left(&p, s), slack, "left");
        }
        close_to(weft_lead_demand_beyond(&d, -2), d.expected + 2, 1e-9, "beyond what is owed");
        for (double q = 0.02; q < 0.999; q += 0.0731) {
            double s = weft_lead_demand_at(&d, q);
            assert_true(weft_lead_demand_below(&d, s) >= q - 1e-9);
            assert_true(s == 0 || weft_lead_demand_below(&d, d.counts ? s - 1 : s * (1 - 1e-6)) < q);
        }
        points_free(&p);
    }
}

/* The negative binomial has the mean and variance that it was asked for; few errors widen it as Student's interval. */
static void counts_have_their_variance(void **state)
{
    (void)state;
    const double freedom[] = {INFINITY, 5};
    for (size_t i = 0; i < 2; i++) {
        struct weft_lead_demand d = weft_lead_demand_of(6, 15, weft_few_errors_of(freedom[i]), true);
        struct points p = points_of(&d);
        double mean = total(&p), square = 0;
        for (size_t k = 0; k < p.n; k++)
            square += p.w[k] * (p.x[k] - mean) * (p.x[k] - mean);
        close_to(mean, 6, 1e-8, "mean");
        close_to(square, i ? 15 * pow(2.015048 / 1.644854, 2) : 15, 1e-4, "variance");
        points_free(&p);
    }
    assert_false(weft_lead_demand_of(6, 15, weft_few_errors_of(INFINITY), false).counts);
}

/* --- orders --- */

static struct weft_order_item item_of(size_t i)
{
    struct weft_order_item x = {.days = 9, .pack = 1, .price = 10, .cost = 6, .salvage = 2, .holding = 0.05};
    x.lead = weft_lead_demand_of(sums[i].mean / 3, sums[i].variance / 3, weft_few_errors_of(sums[i].freedom), true);
    x.period = sum_at(i);
    x.aim = 0.9;
    return x;
}

static double profit_by_points(const struct weft_order_item *x, const struct points *p, double level, double multiplier)
{
    double sold = total(p) - mean_beyond(p, level);
    return (x->price - x->cost) * sold - weft_order_overage(x) * mean_left(p, level) -
           multiplier * x->cost * (level - x->position);
}

/* Among all multiples of the pack that the least order allows, none is better by more than 1e-3. */
static void best_by_points(const struct weft_order_item *x, const struct points *p, double multiplier)
{
    double got = weft_order_quantity(x, multiplier), best = profit_by_points(x, p, x->position, multiplier),
           mine = profit_by_points(x, p, x->position + got, multiplier);
    for (double q = x->pack; q < 3 * x->period.mean + 200 + x->moq; q += x->pack) {
        double v = q >= x->moq ? profit_by_points(x, p, x->position + q, multiplier) : -INFINITY;
        best = v > best ? v : best;
    }
    assert_true(got == 0 || got >= x->moq);
    close_to(got / x->pack, round(got / x->pack), 1e-9, "packs");
    close_to(mine, best, 1e-3 * fabs(best) + 1e-6, "profit");
}

static void newsvendor_earns_most(void **state)
{
    (void)state;
    const double packs[] = {1, 1, 6, 24, 1, 12, 50}, moqs[] = {0, 0, 0, 0, 30, 40, 500},
                 owns[] = {0, 3, 0, -4, 0, 2, 0}, multipliers[] = {0, 0.2, 0, 0.1, 0.3, 0, 0};
    for (size_t i = 0; i < SUMS; i++) {
        struct weft_lead_demand d = sum_at(i);
        struct points p = points_of(&d);
        for (size_t k = 0; k < sizeof packs / sizeof *packs; k++) {
            struct weft_order_item x = item_of(i);
            x.goal = WEFT_ORDER_PROFIT;
            x.pack = packs[k];
            x.moq = moqs[k];
            x.position = owns[k];
            best_by_points(&x, &p, multipliers[k]);
            x.price = 6.2; /* next to no margin */
            best_by_points(&x, &p, multipliers[k]);
            x.price = 60;
            best_by_points(&x, &p, multipliers[k]);
        }
        points_free(&p);
    }
    struct weft_order_item loss = item_of(6);
    loss.goal = WEFT_ORDER_PROFIT;
    loss.price = 5;
    assert_true(weft_order_quantity(&loss, 0) == 0);
}

/* The least order in packs that has the service. */
static void service_is_kept_with_the_least(void **state)
{
    (void)state;
    const double packs[] = {1, 5, 1}, moqs[] = {0, 0, 35}, aims[] = {0.8, 0.95, 0.98};
    for (size_t i = 0; i < SUMS; i++) {
        struct weft_lead_demand d = sum_at(i);
        struct points p = points_of(&d);
        for (size_t k = 0; k < 3; k++) {
            struct weft_order_item x = item_of(i);
            x.goal = WEFT_ORDER_SERVICE;
            x.aim = aims[k];
            x.pack = packs[k];
            x.moq = moqs[k];
            x.price = x.cost = NAN;
            double want = 0;
            while (below(&p, want) < aims[k] - 1e-9)
                want += packs[k];
            want = want > 0 && want < moqs[k] ? moqs[k] : want;
            close_to(weft_order_quantity(&x, 0), want, d.counts ? 0 : packs[k], "order");
        }
        points_free(&p);
    }
}

static void fill_serves_its_share(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < SUMS; i++) {
        struct weft_order_item x = item_of(i);
        struct points p = points_of(&x.period), q = points_of(&x.lead);
        x.goal = WEFT_ORDER_FILL;
        x.aim = 0.97;
        double level = weft_order_level(&x, 0), may = 0.03 * (total(&p) - total(&q)),
               step = x.period.counts ? 1 : 0.01 * x.period.sd, slack = x.period.counts ? 1e-8 : 3e-3 * x.period.sd;
        assert_true(mean_beyond(&p, level) - mean_beyond(&q, level) <= may + slack);
        assert_true(level <= 0 || mean_beyond(&p, level - step) - mean_beyond(&q, level - step) >= may - slack);
        points_free(&p);
        points_free(&q);
    }
}

/* What a piece earns that goes off: price, cost and nothing for what is left. */
static void outcomes_are_those_of_the_points(void **state)
{
    (void)state;
    for (size_t i = 0; i < SUMS; i++) {
        struct weft_order_item x = item_of(i);
        struct points p = points_of(&x.period), q = points_of(&x.lead);
        x.salvage = 0;
        x.position = 3;
        struct weft_order_outcome out = weft_order_outcome(&x, 11);
        double slack = x.period.counts ? 1e-7 : 0.01 * x.period.sd;
        close_to(out.before, 1 - below(&q, 3), 1e-4, "before");
        close_to(out.within, 1 - below(&p, 14), 1e-4, "within");
        close_to(out.lost, mean_beyond(&p, 14), slack, "lost");
        close_to(out.left, mean_left(&p, 14), slack, "left");
        close_to(out.profit, profit_by_points(&x, &p, 14, 0), 10 * slack, "profit");
        points_free(&p);
        points_free(&q);
    }
}

/* --- budgets --- */

/* Three products, all quantities up to 40 each: the best profit that the money buys. */
static void budget_buys_what_earns_most(void **state)
{
    (void)state;
    struct weft_order_item x[3] = {item_of(2), item_of(3), item_of(4)};
    struct points p[3];
    double *profit[3];
    const double price[] = {14, 9, 12}, cost[] = {6, 4, 9};
    for (size_t i = 0; i < 3; i++) {
        x[i].goal = WEFT_ORDER_PROFIT;
        x[i].price = price[i];
        x[i].cost = cost[i];
        p[i] = points_of(&x[i].period);
        profit[i] = WEFT_ARRAY(double, 41);
        for (size_t q = 0; q <= 40; q++)
            profit[i][q] = profit_by_points(&x[i], &p[i], (double)q, 0);
    }
    for (double budget = 20; budget < 500; budget += 37) {
        double quantity[3], best = -INFINITY, mine = 0, spent = 0;
        (void)weft_order_budget(x, 3, budget, quantity);
        for (size_t a = 0; a <= 40; a++)
            for (size_t b = 0; b <= 40; b++)
                for (size_t c = 0; c <= 40; c++)
                    if (cost[0] * (double)a + cost[1] * (double)b + cost[2] * (double)c <= budget)
                        best = fmax(best, profit[0][a] + profit[1][b] + profit[2][c]);
        for (size_t i = 0; i < 3; i++) {
            spent += cost[i] * quantity[i];
            mine += profit[i][(size_t)quantity[i]];
        }
        assert_true(spent <= budget);
        assert_true(mine <= best + 1e-6);
        /* A multiplier finds the best for what it spends; what is left of the budget buys no whole piece of the next.
         */
        assert_true(best - mine <= 1e-3 * fabs(best) || budget - spent < 9);
    }
    for (size_t i = 0; i < 3; i++) {
        free(profit[i]);
        points_free(&p[i]);
    }
}

static void budget_is_never_exceeded(void **state)
{
    (void)state;
    enum { N = 200 };
    struct weft_rng rng = weft_rng(1, 0);
    struct weft_order_item *x = WEFT_ARRAY(struct weft_order_item, N);
    double *quantity = WEFT_ARRAY(double, N), all = 0;
    for (size_t i = 0; i < N; i++) {
        x[i] = item_of(i % SUMS);
        x[i].goal = (enum weft_order_goal)(i % 3);
        x[i].price = 2 + weft_rng_unit(&rng) * 10;
        x[i].cost = 1 + weft_rng_unit(&rng) * 5;
        x[i].salvage = NAN;
        x[i].pack = 1 + (double)(i % 7);
        x[i].moq = i % 5 ? 0 : 20;
        all += weft_order_quantity(&x[i], 0) * x[i].cost;
    }
    assert_true(weft_order_budget(x, N, all, quantity) == 0);
    for (double share = 0; share < 1; share += 0.083) {
        double spent = 0, m = weft_order_budget(x, N, share * all, quantity);
        for (size_t i = 0; i < N; i++) {
            spent += quantity[i] * x[i].cost;
            assert_true(quantity[i] <= weft_order_quantity(&x[i], 0));
            assert_true(quantity[i] == 0 || quantity[i] >= x[i].moq);
        }
        assert_true(m > 0 && spent <= share * all);
        assert_true(share == 0 || spent > share * all - 0.05 * all);
    }
    free(quantity);
    free(x);
}

/* Products that are all alike: as many packs as the money buys, not none. */
static void budget_splits_what_is_alike(void **state)
{
    (void)state;
    struct weft_order_item x[10];
    double quantity[10], spent = 0;
    for (size_t i = 0; i < 10; i++) {
        x[i] = item_of(6);
        x[i].goal = WEFT_ORDER_SERVICE;
        x[i].pack = 100;
    }
    (void)weft_order_budget(x, 10, 4500, quantity);
    for (size_t i = 0; i < 10; i++)
        spent += quantity[i] * x[i].cost;
    close_to(spent, 4200, 1e-9, "seven packs of 100 at 6");
}

/* --- sums of steps --- */

static void sums_take_the_whole_covariance(void **state)
{
    (void)state;
    enum { H = 9 };
    float forecast[H], s[H * H];
    double mean[H + 1], var[H + 1];
    for (size_t i = 0; i < H; i++)
        for (size_t k = 0; k < H; k++) {
            forecast[i] = (float)(i + 1);
            s[i * H + k] = (float)(pow(0.8, fabs((double)i - (double)k)) * (1 + 0.1 * (double)(i < k ? i : k)));
        }
    assert_true(weft_order_sums(forecast, s, H, H, mean, var));
    for (size_t n = 1; n <= H; n++) {
        double m = 0, v = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++)
                v += s[i * H + k];
        for (size_t i = 0; i < n; i++)
            m += forecast[i];
        close_to(mean[n], m, 1e-9, "mean");
        close_to(var[n], v, 1e-5, "variance");
    }
    forecast[6] = NAN;
    assert_true(weft_order_sums(forecast, s, H, 6, mean, var));
    assert_false(weft_order_sums(forecast, s, H, 7, mean, var));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_are_those_of_their_points),
        cmocka_unit_test(counts_have_their_variance),
        cmocka_unit_test(newsvendor_earns_most),
        cmocka_unit_test(service_is_kept_with_the_least),
        cmocka_unit_test(fill_serves_its_share),
        cmocka_unit_test(outcomes_are_those_of_the_points),
        cmocka_unit_test(budget_buys_what_earns_most),
        cmocka_unit_test(budget_is_never_exceeded),
        cmocka_unit_test(budget_splits_what_is_alike),
        cmocka_unit_test(sums_take_the_whole_covariance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
