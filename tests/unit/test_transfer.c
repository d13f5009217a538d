/* test_transfer.c - borrowing from a source: shrunk fits against LAPACK's least squares on expanded windows, and the
 * ladder's folds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nn/blas.h"
#include "model/dlinear_transfer.h"
#include "base/mem.h"
#include "base/rng.h"

enum { L = 14, H = 5, W = L + H, N = 300 };

/* Values with gaps: NaN at two places. */
static void series(double *x, size_t n, uint64_t stream, double pull)
{
    struct weft_rng r = weft_rng(7, stream);
    double y = 0;
    for (size_t i = 0; i < n; i++) {
        y = pull * y + weft_rng_normal(&r);
        x[i] = 0.3 + y + sin((double)i / 3);
    }
    x[n / 3] = x[n / 2] = NAN;
}

/* --- expanded windows --- */

struct rows {
    double *x, *y; /* [n, k], [n, H] */
    size_t n, k;
};

static double base(const double *w, enum weft_norm norm)
{
    double sum = 0;
    for (size_t i = 0; i < L; i++)
        sum += w[i];
    return norm == WEFT_NORM_LAST ? w[L - 1] : norm == WEFT_NORM_MEAN ? sum / L : 0;
}

static struct rows expand(const double *x, size_t n, enum weft_norm norm)
{
    struct rows r = {weft_xcalloc(n * (L + 1), sizeof(double)), weft_xcalloc(n * H, sizeof(double)), 0,
                     L + (norm == WEFT_NORM_NONE)};
    for (size_t s = 0; s + W <= n; s++) {
        bool whole = true;
        for (size_t i = 0; i < W; i++)
            whole &= isfinite(x[s + i]);
        if (!whole)
            continue;
        double m = base(x + s, norm);
        for (size_t i = 0; i < L; i++)
            r.x[r.n * r.k + i] = x[s + i] - m;
        if (r.k > L)
            r.x[r.n * r.k + L] = 1;
        for (size_t h = 0; h < H; h++)
            r.y[r.n * H + h] = x[s + L + h] - m;
        r.n++;
    }
    return r;
}

static void rows_free(struct rows *r)
{
    free(r->x);
    free(r->y);
}

/* The same windows as runs into a Gram. */
static void gram(struct weft_gram *g, const double *x, size_t n)
{
    double room[N + WEFT_GRAM_SLACK] = {0};
    memcpy(room, x, n * sizeof *x);
    weft_gram_init(g, W, 1);
    for (size_t from = 0, to; from < n; from = to + 1) {
        for (to = from; to < n && isfinite(x[to]); to++)
            ;
        if (to - from >= W) {
            double run[N + WEFT_GRAM_SLACK] = {0};
            memcpy(run, room + from, (to - from) * sizeof *run);
            weft_gram_add(g, run, to - from - W + 1);
        }
    }
    weft_gram_finish(g);
}

/* Mean diagonal of the centred (norm none) Gram, as the ridge is relative to. */
static double unit_of(const struct rows *r)
{
    double sum = 0;
    for (size_t i = 0; i < L; i++) {
        double mean = 0;
        for (size_t n = 0; n < r->n && r->k > L; n++)
            mean += r->x[n * r->k + i] / (double)r->n;
        for (size_t n = 0; n < r->n; n++)
            sum += (r->x[n * r->k + i] - mean) * (r->x[n * r->k + i] - mean) / L;
    }
    return sum;
}

static void append(struct rows *all, const struct rows *more, double weight)
{
    for (size_t i = 0; i < more->n * more->k; i++)
        all->x[all->n * all->k + i] = sqrt(weight) * more->x[i];
    for (size_t i = 0; i < more->n * H; i++)
        all->y[all->n * H + i] = sqrt(weight) * more->y[i];
    all->n += more->n;
}

/* sqrt(alpha) (w - w0) = 0 for every weight; the bias too when `bias`. w0 [H, L] or NULL. */
static void append_ridge(struct rows *all, double alpha, const double *w0, const double *bias0, bool bias)
{
    for (size_t i = 0; i < (bias ? all->k : L); i++, all->n++) {
        memset(all->x + all->n * all->k, 0, all->k * sizeof *all->x);
        all->x[all->n * all->k + i] = sqrt(alpha);
        for (size_t h = 0; h < H; h++)
            all->y[all->n * H + h] = w0 ? sqrt(alpha) * (i < L ? w0[h * L + i] : bias0[h]) : 0;
    }
}

static struct rows room_for(enum weft_norm norm)
{
    return (struct rows){weft_xcalloc(3 * N * (L + 1), sizeof(double)), weft_xcalloc(3 * N * H, sizeof(double)), 0,
                         L + (norm == WEFT_NORM_NONE)};
}

static void least_squares(struct rows *all, double *w, double *bias)
{
    assert_int_equal(weft_lstsq(all->n, all->k, H, all->x, all->y, 1e-11, NULL), 0);
    for (size_t h = 0; h < H; h++) {
        for (size_t i = 0; i < L; i++)
            w[h * L + i] = all->y[i * H + h];
        bias[h] = all->k > L ? all->y[L * H + h] : 0;
    }
}

static double difference(const double *a, const double *b, size_t n)
{
    double worst = 0, top = 1e-300;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(a[i] - b[i]));
        top = fmax(top, fabs(b[i]));
    }
    return worst / top;
}

static double direct_mse(const struct rows *r, const double *w, const double *bias)
{
    double sum = 0;
    for (size_t n = 0; n < r->n; n++)
        for (size_t h = 0; h < H; h++) {
            double y = bias[h];
            for (size_t i = 0; i < L; i++)
                y += w[h * L + i] * r->x[n * r->k + i];
            sum += (r->y[n * H + h] - y) * (r->y[n * H + h] - y);
        }
    return sum / (double)(r->n * H);
}

struct problem {
    enum weft_norm norm;
    struct weft_gram source, target, valid;
    struct rows s, t, v;
    double w0[H * L], bias0[H];
};

static void pose(struct problem *p, enum weft_norm norm, double ridge)
{
    double s[N], t[N], v[N];
    struct weft_ridge *r;
    series(s, N, 1, 0.6);
    series(t, 70, 2, 0.3);
    series(v, 90, 3, 0.3);
    p->norm = norm;
    gram(&p->source, s, N);
    gram(&p->target, t, 70);
    gram(&p->valid, v, 90);
    p->s = expand(s, N, norm);
    p->t = expand(t, 70, norm);
    p->v = expand(v, 90, norm);
    assert_int_equal(p->target.n, p->t.n);
    assert_true(p->t.n > 5 && p->t.n < 40);
    assert_int_equal(weft_ridge_new(&p->source, L, H, norm, &r, NULL), 0);
    weft_ridge_weights(r, ridge, p->w0, p->bias0, NULL);
    weft_ridge_free(&r);
}

static void forget(struct problem *p)
{
    weft_gram_free(&p->source);
    weft_gram_free(&p->target);
    weft_gram_free(&p->valid);
    rows_free(&p->s);
    rows_free(&p->t);
    rows_free(&p->v);
}

static void check(const struct problem *p, const struct weft_ridge *s, double strength, struct rows *all)
{
    double w[H * L], bias[H], want[H * L], want_bias[H], mse;
    weft_ridge_weights(s, strength, w, bias, NULL);
    weft_ridge_score(s, &p->valid, &strength, 1, &mse);
    least_squares(all, want, want_bias);
    assert_true(difference(w, want, H * L) < 1e-8);
    assert_true(p->norm != WEFT_NORM_NONE || difference(bias, want_bias, H) < 1e-8);
    assert_true(fabs(mse / direct_mse(&p->v, want, want_bias) - 1) < 1e-8);
    assert_true(
        fabs(weft_linear_mse(&p->valid, L, p->norm, want, want_bias, NULL) / direct_mse(&p->v, want, want_bias) - 1) <
        1e-10);
    rows_free(all);
}

static void pooled_is_weighted_least_squares(void **state)
{
    (void)state;
    static const double gammas[] = {1e-3, 0.1, 1, 30}, ridges[] = {0, 1e-4, 0.1};
    for (int norm = 0; norm < WEFT_NORMS; norm++)
        for (size_t r = 0; r < 3; r++) {
            struct problem p;
            struct weft_prior *prior;
            struct weft_ridge *s;
            pose(&p, (enum weft_norm)norm, ridges[r]);
            assert_int_equal(
                weft_prior_new(&p.source, L, H, p.norm, true, ridges[r], p.w0, p.bias0, NULL, &prior, NULL), 0);
            assert_int_equal(weft_ridge_towards(&p.target, prior, &s, NULL), 0);
            for (size_t g = 0; g < 4; g++) {
                struct rows all = room_for(p.norm);
                append(&all, &p.t, 1);
                append(&all, &p.s, gammas[g]);
                append_ridge(&all, gammas[g] * ridges[r] * unit_of(&p.s), NULL, NULL, false);
                check(&p, s, gammas[g], &all);
            }
            weft_ridge_free(&s);
            weft_prior_free(&prior);
            forget(&p);
        }
}

static void ridge_is_least_squares_with_rows_for_the_source(void **state)
{
    (void)state;
    static const double lambdas[] = {0.1, 3, 100, 1e5};
    for (int norm = 0; norm < WEFT_NORMS; norm++) {
        struct problem p;
        struct weft_ridge *s;
        pose(&p, (enum weft_norm)norm, 1e-3);
        struct weft_prior *prior;
        assert_int_equal(weft_prior_new(&p.source, L, H, p.norm, false, 0, p.w0, p.bias0, NULL, &prior, NULL), 0);
        assert_int_equal(weft_ridge_towards(&p.target, prior, &s, NULL), 0);
        for (size_t i = 0; i < 4; i++) {
            struct rows all = room_for(p.norm);
            double unit = 0;
            append(&all, &p.t, 1);
            for (size_t n = 0; n < p.t.n; n++)
                for (size_t j = 0; j < L; j++)
                    unit += p.t.x[n * p.t.k + j] * p.t.x[n * p.t.k + j] / (double)(L * p.t.n);
            append_ridge(&all, lambdas[i] * unit, p.w0, p.bias0, true);
            check(&p, s, lambdas[i], &all);
        }
        weft_ridge_free(&s);
        weft_prior_free(&prior);
        forget(&p);
    }
}

/* Strong shrinkage, and a target without a window, are the source. */
static void limits(void **state)
{
    (void)state;
    double w[H * L], bias[H];
    for (int norm = 0; norm < WEFT_NORMS; norm++)
        for (int pooled = 0; pooled < 2; pooled++) {
            struct problem p;
            struct weft_prior *prior;
            struct weft_ridge *s;
            struct weft_gram none;
            pose(&p, (enum weft_norm)norm, 1e-2);
            weft_gram_init(&none, W, 1);
            weft_gram_finish(&none);
            if (pooled)
                assert_int_equal(weft_prior_new(&p.source, L, H, p.norm, true, 1e-2, p.w0, p.bias0, NULL, &prior, NULL),
                                 0);
            else
                assert_int_equal(weft_prior_new(&p.source, L, H, p.norm, false, 0, p.w0, p.bias0, NULL, &prior, NULL),
                                 0);
            const struct weft_gram *of[] = {&p.target, &none};
            for (size_t i = 0; i < 2; i++) {
                assert_int_equal(weft_ridge_towards(of[i], prior, &s, NULL), 0);
                weft_ridge_weights(s, i ? 1 : 1e12, w, bias, NULL);
                assert_true(difference(w, p.w0, H * L) < 1e-8);
                assert_true(norm != WEFT_NORM_NONE || difference(bias, p.bias0, H) < 1e-8);
                weft_ridge_free(&s);
            }
            weft_prior_free(&prior);
            weft_gram_free(&none);
            forget(&p);
        }
}

/* --- the ladder --- */

enum { DAYS = 240, FOLDS = 3 };

static float *walk(size_t n, uint64_t stream, double pull, double level)
{
    float *x = weft_xcalloc(n, sizeof *x);
    struct weft_rng r = weft_rng(11, stream);
    double y = 0;
    for (size_t i = 0; i < n; i++) {
        y = pull * y + weft_rng_normal(&r);
        x[i] = (float)(level + y);
    }
    return x;
}

static struct weft_transfer_source *lender(const float *x, enum weft_norm norm, const int64_t *border)
{
    struct weft_dlinear_shape shape = {.lookback = L, .horizon = H, .kernel = 25, .norm = norm};
    struct weft_dlinear_stats all, until;
    struct weft_dlinear_room room = {0};
    struct weft_transfer_source *s;
    int64_t b[FOLDS + 3] = {0, border[1], border[2], border[3], DAYS, DAYS};
    weft_dlinear_stats_init(&all, &shape, 1, FOLDS);
    weft_dlinear_stats_init(&until, &shape, 1, FOLDS + 1);
    weft_dlinear_stats_add(&all, x, DAYS, 0, 1, NULL, (size_t[]){DAYS, DAYS, DAYS}, 1, &room);
    until.borders = b;
    weft_dlinear_stats_add(&until, x, DAYS, 0, 1, NULL, (size_t[]){DAYS, DAYS, DAYS}, 1, &room);
    assert_int_equal(weft_transfer_source_new(&all, &until, &shape, 1e-3, &s, NULL), 0);
    weft_dlinear_stats_free(&all);
    weft_dlinear_stats_free(&until);
    free(room.p);
    return s;
}

/* x[n], of which the first `train` days train and the next up to `end` validate. */
static struct weft_dlinear_weights borrow(const float *x, size_t n, size_t train, size_t end,
                                          const struct weft_transfer_source *source, enum weft_norm norm,
                                          const int64_t *border, enum weft_rung want, struct weft_transfer *out)
{
    struct weft_dlinear_shape shape = {.lookback = L, .horizon = H, .kernel = 25, .norm = norm};
    struct weft_dlinear_weights w = weft_dlinear_weights_new(&shape);
    struct weft_dlinear_stats st;
    struct weft_dlinear_room room = {0};
    struct weft_dlinear_fit fit;
    weft_dlinear_stats_init(&st, &shape, 1, FOLDS);
    st.borders = border;
    weft_dlinear_stats_add(&st, x, n, 0, 1, NULL, (size_t[]){train, end, n}, 1, &room);
    assert_int_equal(weft_transfer_fit(&st, source, want, -1, &w, &fit, out, NULL), 0);
    weft_dlinear_stats_free(&st);
    free(room.p);
    return w;
}

static const size_t weights_size = (2 * H * L + 2 * H) * sizeof(float);

static void test_part_is_never_seen(void **state)
{
    (void)state;
    enum { TRAIN = 140, END = 180 };
    float *source = walk(DAYS, 1, 0.9, 3), *x = walk(DAYS, 2, 0.7, 3);
    int64_t border[FOLDS + 2];
    weft_transfer_borders(FOLDS, H, TRAIN, END, border);
    for (int norm = 0; norm < WEFT_NORMS; norm++) {
        struct weft_transfer_source *s = lender(source, (enum weft_norm)norm, border);
        for (int want = 0; want <= WEFT_RUNGS; want++) {
            struct weft_transfer a, b;
            struct weft_dlinear_weights one = borrow(x, DAYS, TRAIN, END, s, (enum weft_norm)norm, border,
                                                     (enum weft_rung)want, &a),
                                        two;
            assert_int_equal(a.judging, FOLDS);
            float *other = walk(DAYS, 9, 0.1, -50);
            memcpy(other, x, END * sizeof *x);
            two = borrow(other, DAYS, TRAIN, END, s, (enum weft_norm)norm, border, (enum weft_rung)want, &b);
            assert_memory_equal(one.ws, two.ws, weights_size);
            assert_memory_equal(a.mse, b.mse, sizeof a.mse);
            weft_dlinear_weights_free(&two);
            other[END - 1] += 5; /* it does look at the validation part */
            two = borrow(other, DAYS, TRAIN, END, s, (enum weft_norm)norm, border, (enum weft_rung)want, &b);
            assert_true(memcmp(a.mse, b.mse, sizeof a.mse) != 0);
            weft_dlinear_weights_free(&two);
            weft_dlinear_weights_free(&one);
            free(other);
        }
        weft_transfer_source_free(&s);
    }
    free(source);
    free(x);
}

/* What the source sells after a fold's origin does not count in that fold, and does in later ones. */
static void source_ends_where_the_fold_does(void **state)
{
    (void)state;
    enum { TRAIN = 140, END = 180 };
    float *source = walk(DAYS, 1, 0.9, 3), *x = walk(DAYS, 2, 0.7, 3);
    int64_t border[FOLDS + 2];
    struct weft_transfer a, b;
    weft_transfer_borders(FOLDS, H, TRAIN, END, border);
    for (int norm = 0; norm < WEFT_NORMS; norm++) {
        for (size_t f = 1; f <= FOLDS; f++) {
            float *other = walk(DAYS, 5, 0.2, 3);
            memcpy(other, source, (size_t)border[f] * sizeof *source);
            struct weft_transfer_source *s = lender(source, (enum weft_norm)norm, border),
                                        *t = lender(other, (enum weft_norm)norm, border);
            struct weft_dlinear_weights one = borrow(x, DAYS, TRAIN, END, s, (enum weft_norm)norm, border,
                                                     WEFT_RUNG_SOURCE, &a),
                                        two = borrow(x, DAYS, TRAIN, END, t, (enum weft_norm)norm, border,
                                                     WEFT_RUNG_SOURCE, &b);
            for (size_t k = 1; k <= FOLDS; k++) /* but for rounding: another mean is subtracted */
                assert_int_equal(
                    fabs(a.fold[k - 1].mse[WEFT_RUNG_SOURCE] / b.fold[k - 1].mse[WEFT_RUNG_SOURCE] - 1) < 1e-9, k <= f);
            weft_dlinear_weights_free(&one);
            weft_dlinear_weights_free(&two);
            weft_transfer_source_free(&s);
            weft_transfer_source_free(&t);
            free(other);
        }
    }
    free(source);
    free(x);
}

static void choice(void **state)
{
    (void)state;
    float *source = walk(DAYS, 1, 0.95, 0), *long_and_other = walk(4000, 2, -0.8, 0),
          *like_source = walk(DAYS, 3, 0.95, 0);
    int64_t border[FOLDS + 2];
    struct weft_transfer out;
    struct weft_dlinear_weights w, own;
    struct weft_dlinear_shape shape = {.lookback = L, .horizon = H, .kernel = 25, .norm = WEFT_NORM_NONE};

    weft_transfer_borders(FOLDS, H, 3000, 3600, border);
    struct weft_transfer_source *s = lender(source, WEFT_NORM_NONE, (int64_t[]){0, DAYS, DAYS, DAYS});
    w = borrow(long_and_other, 4000, 3000, 3600, s, WEFT_NORM_NONE, border, WEFT_RUNGS, &out);
    assert_true(out.chosen && out.rung == WEFT_RUNG_OWN);
    /* ... and that is the model without a source. */
    struct weft_dlinear_stats st;
    struct weft_dlinear_room room = {0};
    struct weft_dlinear_fit fit;
    own = weft_dlinear_weights_new(&shape);
    weft_dlinear_stats_init(&st, &shape, 1, FOLDS);
    weft_dlinear_stats_add(&st, long_and_other, 4000, 0, 1, NULL, (size_t[]){3000, 3600, 4000}, 1, &room);
    assert_int_equal(weft_dlinear_solve(&st, -1, &own, &fit, NULL), 0);
    assert_memory_equal(w.ws, own.ws, weights_size);
    weft_dlinear_stats_free(&st);
    free(room.p);
    weft_dlinear_weights_free(&w);
    weft_dlinear_weights_free(&own);

    /* 23 days: five windows, no fold; 32 days: one fold. */
    for (size_t days = 23; days <= 32; days += 9) {
        weft_transfer_borders(FOLDS, H, (int64_t)days, (int64_t)days, border);
        w = borrow(like_source, DAYS, days, days, s, WEFT_NORM_NONE, border, WEFT_RUNGS, &out);
        assert_true(!out.chosen && !out.enough && out.rung == WEFT_RUNG_SOURCE);
        weft_dlinear_weights_free(&w);
    }
    weft_transfer_source_free(&s);
    free(source);
    free(long_and_other);
    free(like_source);
}

static void borders(void **state)
{
    (void)state;
    int64_t b[6];
    weft_transfer_borders(3, 10, 800, 1000, b); /* as long as the validation part, or as the train part allows */
    assert_true(b[1] == 400 && b[2] == 600 && b[3] == 800 && b[4] == 1000);
    weft_transfer_borders(3, 10, 400, 1000, b);
    assert_true(b[1] == 200 && b[2] == 300 && b[3] == 400);
    weft_transfer_borders(3, 10, 60, 64, b); /* never shorter than the horizon; the validation part is */
    assert_true(b[1] == 30 && b[2] == 45 && b[3] == 60 && b[4] == 64);
    weft_transfer_borders(3, 28, 60, 64, b);
    assert_true(b[1] == 4 && b[2] == 32 && b[3] == 60);
    weft_transfer_borders(3, 28, 30, 30, b);
    assert_true(b[1] == -26 && b[2] == 2 && b[3] == 30 && b[4] == 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pooled_is_weighted_least_squares),
                                       cmocka_unit_test(ridge_is_least_squares_with_rows_for_the_source),
                                       cmocka_unit_test(limits),
                                       cmocka_unit_test(test_part_is_never_seen),
                                       cmocka_unit_test(source_ends_where_the_fold_does),
                                       cmocka_unit_test(choice),
                                       cmocka_unit_test(borders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
