/* test_demand.c - losses of missing labels and the garment network, against PyTorch (tests/reference/make_demand.py)
 * and finite differences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/demand.h"
#include "nn/loss.h"
#include "base/mem.h"
#include "model/neighbours.h"

#include "reference.h"

#define FIXTURE "tests/reference/demand.safetensors"
enum { ROWS = 12, CLASSES = 5, N = 5, SIZE = 64, SIDE = 11, HIDDEN = 24, HEADS = 4, PICK = 64 };
static const size_t widths[HEADS] = {3, 4, 1, 1};

static struct weft_st *fixture;

static const float *expected(const char *name, size_t n)
{
    const struct weft_st_tensor *t = weft_st_find(fixture, name);
    assert_non_null(t);
    assert_int_equal(t->count, n);
    return t->data;
}

static float *numbers(uint64_t tensor, size_t n, double scale)
{
    float *x = WEFT_ARRAY(float, n);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((double)reference_number(tensor, i) * scale);
    return x;
}

/* --- losses --- */

static void check_loss(const char *name, double gamma, const float *weight)
{
    float *z = numbers(1, ROWS * CLASSES, 4), dz[ROWS * CLASSES];
    double sum = 0, there = ROWS - ROWS / (CLASSES + 1);
    char key[40];
    for (int r = 0; r < ROWS; r++) {
        int t = r % (CLASSES + 1) - 1;
        sum += weft_focal(z + r * CLASSES, CLASSES, t, gamma, weight && t >= 0 ? (double)weight[t] : 1, 1 / there,
                          dz + r * CLASSES);
    }
    snprintf(key, sizeof key, "%s.loss", name);
    float mean = (float)(sum / there);
    assert_true(reference_error(&mean, expected(key, 1), 1) < 1e-6);
    snprintf(key, sizeof key, "%s.gradient", name);
    assert_true(reference_error(dz, expected(key, ROWS * CLASSES), ROWS * CLASSES) < 1e-6);
    free(z);
}

static void test_losses(void **state)
{
    (void)state;
    float *weight = numbers(2, CLASSES, 0.5);
    for (int i = 0; i < CLASSES; i++)
        weight[i] += 1;
    check_loss("ce", 0, NULL);
    check_loss("focal2", 2, NULL);
    check_loss("focal05", 0.5, weight);
    free(weight);
}

static void test_loss_differences(void **state)
{
    (void)state;
    float z[3] = {0.3f, -1.2f, 0.9f}, dz[3], step = 1e-2f;
    for (int t = 0; t < 3; t++)
        for (double gamma = 0; gamma < 4; gamma += 0.5) {
            weft_focal(z, 3, t, gamma, 1.5, 1, dz);
            for (int j = 0; j < 3; j++) {
                float was = z[j];
                z[j] = was + step;
                double up = weft_focal(z, 3, t, gamma, 1.5, 0, NULL);
                z[j] = was - step;
                double down = weft_focal(z, 3, t, gamma, 1.5, 0, NULL);
                z[j] = was;
                assert_true(fabs((up - down) / (2 * (double)step) - (double)dz[j]) < 1e-3);
            }
        }
}

/* A class that is certain, and one that is impossible: no infinity, no NaN. */
static void test_loss_extremes(void **state)
{
    (void)state;
    float z[2] = {2000, -2000}, dz[2], p[2];
    for (double gamma = 0; gamma < 3; gamma += 0.5) {
        assert_true(weft_focal(z, 2, 0, gamma, 1, 1, dz) == 0);
        assert_true(dz[0] == 0 && dz[1] == 0);
        assert_true(fabs(weft_focal(z, 2, 1, gamma, 1, 1, dz) - 4000) < 1e-6);
        assert_true(isfinite(dz[0]) && isfinite(dz[1]));
    }
    weft_softmax(z, 2, p);
    assert_true(p[0] == 1 && p[1] == 0);
    assert_true(weft_focal(z, 2, -1, 2, 1, 1, dz) == 0 && dz[0] == 0 && dz[1] == 0);
    assert_true(weft_square(3, NAN, 1, dz) == 0 && dz[0] == 0);
    assert_true(weft_square(3, 1, 0.5, dz) == 4 && dz[0] == 2);
}

/* --- the network --- */

static void add_head(struct weft_demand_shape *s, const char *name, enum weft_demand_loss loss, size_t classes)
{
    struct weft_demand_head *h = &s->head[s->n_heads++];
    *h = (struct weft_demand_head){
        .name = weft_xstrdup(name), .loss = loss, .weight = loss == WEFT_DEMAND_MSE ? 0.01 : 1, .mean = 2, .std = 0.5};
    for (size_t i = 0; i < classes; i++) {
        char text[8];
        weft_names_add(&h->classes, text, (size_t)snprintf(text, sizeof text, "c%zu", i));
    }
}

static struct weft_demand *network(bool image, double dropout)
{
    struct weft_demand_shape s = {.image = image,
                                  .image_size = SIZE,
                                  .text = SIDE - 3,
                                  .text_scale = 1,
                                  .hidden = HIDDEN,
                                  .dropout = dropout,
                                  .gamma = 2};
    struct weft_demand *d;
    struct weft_err e = {0};
    s.input[s.n_inputs++] = (struct weft_demand_input){.name = weft_xstrdup("price"), .mean = 100, .std = 10};
    s.input[s.n_inputs] = (struct weft_demand_input){.name = weft_xstrdup("gender"), .key = true};
    weft_names_add(&s.input[s.n_inputs].values, "여성", 6);
    weft_names_add(&s.input[s.n_inputs++].values, "남성", 6);
    add_head(&s, "gender", WEFT_DEMAND_CE, widths[0]);
    add_head(&s, "age", WEFT_DEMAND_FOCAL, widths[1]);
    add_head(&s, "views", WEFT_DEMAND_MSE, 0);
    add_head(&s, "sales", WEFT_DEMAND_MSE, 0);
    s.head[1].class_weight = numbers(3012, widths[1], 0.5);
    for (size_t i = 0; i < widths[1]; i++)
        s.head[1].class_weight[i] += 1;
    assert_int_equal(weft_demand_shape_place(&s, &e), 0);
    assert_int_equal(s.side, SIDE);
    assert_int_equal(weft_demand_new(&s, 2, WEFT_DNN_F32, &d, &e), 0);
    assert_int_equal(s.n_heads, 0);
    return d;
}

/* The weights that PyTorch had, by way of a file, as users' weights come. */
static struct weft_demand *reopened(struct weft_demand *d, const char *path)
{
    struct weft_st_writer *w = weft_st_writer_new();
    struct weft_st *st;
    struct weft_err e = {0};
    weft_demand_write(d, w);
    assert_int_equal(weft_st_save(w, path, &e), 0);
    weft_st_writer_free(&w);
    weft_demand_free(&d);
    assert_int_equal(weft_st_open(path, &st, &e), 0);
    assert_int_equal(weft_demand_open(st, 2, WEFT_DNN_F32, &d, &e), 0);
    weft_st_close(&st);
    return d;
}

static void fill_backbone(struct weft_resnet18 *r)
{
    struct weft_resnet18_tensor *t;
    size_t n = weft_resnet18_tensors(r, &t);
    for (size_t i = 0; i < n; i++) {
        double scale =
            t[i].rank == 4 ? (double)(float)sqrt(6.0 / (double)(t[i].dims[1] * t[i].dims[2] * t[i].dims[3])) : 0;
        bool one = strstr(t[i].name, "running_var") || strstr(t[i].name, ".weight");
        for (size_t k = 0; k < t[i].count; k++) {
            double u = (double)reference_number(i, k);
            t[i].data[k] = (float)(t[i].rank == 4 ? u * scale : one ? 1 + u * 0.25 : u * 0.125);
        }
    }
    weft_resnet18_changed(r);
}

/* A file whose fc1 and fc2 are numbers, beside what the network has otherwise. */
static struct weft_demand *filled(const char *path)
{
    struct weft_demand *d = network(true, 0);
    struct weft_st_writer *w = weft_st_writer_new();
    struct weft_st *st;
    struct weft_err e = {0};
    const struct weft_demand_shape *s = weft_demand_shape_of(d);
    size_t in = 512 + SIDE, out = s->out, dims[4][3] = {{HIDDEN, in}, {HIDDEN}, {out, HIDDEN}, {out}};
    static const char *const names[4] = {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"};
    float *values[4];
    fill_backbone(weft_demand_backbone(d));
    weft_demand_shape_write(s, w);
    weft_resnet18_save(weft_demand_backbone(d), "backbone.", w);
    for (int i = 0; i < 4; i++) {
        values[i] = numbers(3000 + (uint64_t)i, dims[i][0] * (dims[i][1] ? dims[i][1] : 1), 0.125);
        weft_st_writer_tensor(w, names[i], WEFT_ST_F32, dims[i][1] ? 2 : 1, dims[i], values[i]);
    }
    assert_int_equal(weft_st_save(w, path, &e), 0);
    weft_st_writer_free(&w);
    weft_demand_free(&d);
    for (int i = 0; i < 4; i++)
        free(values[i]);
    assert_int_equal(weft_st_open(path, &st, &e), 0);
    assert_int_equal(weft_demand_open(st, 2, WEFT_DNN_F32, &d, &e), 0);
    weft_st_close(&st);
    return d;
}

struct data {
    float *pixels, *side, *target;
    struct weft_demand_batch b;
};

static struct data data(void)
{
    struct data d = {
        numbers(3013, N * 3 * SIZE * SIZE, 2), numbers(3011, N * SIDE, 1), WEFT_ARRAY(float, N *HEADS), {0}};
    for (size_t r = 0; r < N; r++)
        for (size_t k = 0; k < HEADS; k++) {
            size_t t = (r + k) % (widths[k] + 1);
            if (k < 2)
                d.target[r * HEADS + k] = t ? (float)(t - 1) : NAN;
            else
                d.target[r * HEADS + k] = (r + k) % 4 ? reference_number(3020 + k, r) : NAN;
        }
    d.b = (struct weft_demand_batch){N, d.pixels, d.side, d.target};
    return d;
}

static void data_free(struct data *d)
{
    free(d->pixels);
    free(d->side);
    free(d->target);
}

static void test_network(void **state)
{
    (void)state;
    char path[] = "/tmp/weft-demand-XXXXXX";
    close(mkstemp(path));
    struct weft_demand *d = filled(path);
    struct data x = data();
    struct weft_err e = {0};
    size_t fc = HIDDEN * (512 + SIDE + 1) + 9 * (HIDDEN + 1);
    float out[N * 9], *g = WEFT_ARRAY(float, fc), picks[PICK];
    double loss, sums[HEADS] = {0}, mean = 0;
    size_t counts[HEADS] = {0};
    weft_demand_learn(d, 1e-3, 1, NULL);
    assert_int_equal(weft_demand_step(d, &x.b, out, &loss, &e), 0);
    assert_true(reference_error(out, expected("net.output", N * 9), N * 9) < 1e-4);
    assert_true(fabs(loss - (double)*expected("net.loss", 1)) < 1e-4 * loss);
    weft_demand_losses(weft_demand_shape_of(d), &x.b, out, sums, counts);
    for (int k = 0; k < HEADS; k++)
        mean += weft_demand_shape_of(d)->head[k].weight * sums[k] / (double)counts[k];
    assert_true(fabs(mean - loss) < 1e-9);
    weft_demand_gradients(d, g);
    assert_true(reference_error(g, expected("net.fc", fc), fc) < 1e-4);
    struct weft_resnet18_tensor *t;
    weft_resnet18_tensors(weft_demand_backbone(d), &t);
    for (size_t i = 0; i < PICK; i++)
        picks[i] = t[0].grad[i * t[0].count / PICK];
    /* Images without a value so near to 0 that float32's rounding sends it to the other side of a ReLU, which is a jump
     * of the gradient. */
    print_message("first convolution: gradient off by %.2g\n",
                  reference_error(picks, expected("net.conv1", PICK), PICK));
    assert_true(reference_error(picks, expected("net.conv1", PICK), PICK) < 1e-4);
    double first = loss;
    for (int i = 0; i < 30; i++)
        assert_int_equal(weft_demand_step(d, &x.b, out, &loss, &e), 0);
    assert_true(loss < 0.5 * first);
    unlink(path);
    free(g);
    data_free(&x);
    weft_demand_free(&d);
}

/* Rows do not depend on their batch, nor on having been to a file. */
static void test_predict(void **state)
{
    (void)state;
    char path[] = "/tmp/weft-demand-XXXXXX";
    close(mkstemp(path));
    struct weft_demand *d = network(true, 0.5);
    struct data x = data();
    struct weft_err e = {0};
    float a[N * 9], b[N * 9];
    weft_demand_init(d, 7);
    assert_int_equal(weft_demand_predict(d, &x.b, a, &e), 0);
    d = reopened(d, path);
    for (size_t r = 0; r < N; r++) {
        struct weft_demand_batch one = {1, x.pixels + r * 3 * SIZE * SIZE, x.side + r * SIDE, NULL};
        assert_int_equal(weft_demand_predict(d, &one, b + r * 9, &e), 0);
    }
    assert_memory_equal(a, b, sizeof a);
    const struct weft_demand_shape *s = weft_demand_shape_of(d);
    assert_true(s->image && s->side == SIDE && s->n_heads == HEADS && s->head[1].class_weight &&
                s->head[0].classes.n == 3);
    unlink(path);
    data_free(&x);
    weft_demand_free(&d);
}

/* Without images, with dropout: the same bytes again, and from a checkpoint after any step. */
static void test_resume(void **state)
{
    (void)state;
    char path[] = "/tmp/weft-demand-XXXXXX";
    close(mkstemp(path));
    struct data x = data();
    struct weft_err e = {0};
    float out[2][N * 9];
    double loss;
    for (int resumed = 0; resumed < 2; resumed++) {
        struct weft_demand *d = network(false, 0.5);
        weft_demand_init(d, 7);
        weft_demand_learn(d, 1e-2, 3, NULL);
        for (int i = 0; i < 6; i++) {
            assert_int_equal(weft_demand_step(d, &x.b, out[resumed], &loss, &e), 0);
            if (!resumed || i != 3)
                continue;
            struct weft_st_writer *w = weft_st_writer_new();
            struct weft_st *st;
            weft_demand_write(d, w);
            weft_demand_write_state(d, w);
            assert_int_equal(weft_st_save(w, path, &e), 0);
            weft_st_writer_free(&w);
            weft_demand_free(&d);
            d = network(false, 0.5);
            weft_demand_learn(d, 1e-2, 3, NULL);
            assert_int_equal(weft_st_open(path, &st, &e), 0);
            assert_int_equal(weft_demand_read_state(d, st, &e), 0);
            weft_st_close(&st);
        }
        weft_demand_free(&d);
    }
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    unlink(path);
    data_free(&x);
}

static void test_encoding(void **state)
{
    (void)state;
    struct weft_demand *d = network(false, 0);
    const struct weft_demand_shape *s = weft_demand_shape_of(d);
    float side[SIDE] = {0}, text[SIDE - 3] = {1, 2, 3};
    weft_demand_put_text(s, text, side);
    weft_demand_put_text(s, NULL, side);
    weft_demand_put_number(&s->input[0], 120, side);
    weft_demand_put_key(&s->input[1], "남성", 6, side);
    weft_demand_put_key(&s->input[1], "아이", 6, side);
    weft_demand_put_key(&s->input[1], NULL, 0, side);
    assert_true(side[1] == 2 && side[8] == 2 && side[9] == 0 && side[10] == 1);
    weft_demand_put_number(&s->input[0], NAN, side);
    assert_true(side[8] == 0);
    const struct weft_demand_head *h = &s->head[2];
    assert_true(fabs(weft_demand_quantity(h, weft_demand_scaled(h, 4200)) - 4200) < 1e-6);
    assert_true(weft_demand_quantity(h, -1000) == 0 && isnan(weft_demand_scaled(h, NAN)));
    weft_demand_free(&d);
}

/* Loss that is no number: an error, and weights as they were. */
static void test_runaway(void **state)
{
    (void)state;
    struct weft_demand *d = network(false, 0.5);
    struct data x = data();
    struct weft_err e = {0};
    float out[N * 9];
    double loss;
    weft_demand_init(d, 7);
    weft_demand_learn(d, 1e-2, 3, NULL);
    x.side[3] = INFINITY;
    assert_int_equal(weft_demand_step(d, &x.b, out, &loss, &e), -1);
    assert_int_equal(e.code, WEFT_DATA);
    assert_non_null(strstr(e.hint, "--lr"));
    data_free(&x);
    weft_demand_free(&d);
}

/* Files that lie about themselves. */
static void test_bad_files(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
    } bad[] = {{"weft.model", "dlinear"},
               {"heads", "[]"},
               {"heads", "[{\"name\":\"a\",\"loss\":\"ce\",\"weight\":1,\"classes\":[\"x\",\"x\"]}]"},
               {"heads", "{"},
               {"hidden", "1000000000"},
               {"hidden", "25"},
               {"text_features", "9"},
               {"image_size", "5"},
               {"inputs", "[{\"name\":\"p\",\"mean\":0,\"std\":0}]"},
               {"dropout", "1"},
               {"heads", "[{\"name\":\"a\",\"loss\":\"mse\",\"weight\":1,\"mean\":0,\"std\":1}, 5]"}};
    char path[] = "/tmp/weft-demand-XXXXXX";
    close(mkstemp(path));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct weft_demand *d = network(true, 0.5), *got = NULL;
        struct weft_st_writer *w = weft_st_writer_new();
        struct weft_st *st;
        struct weft_err e = {0};
        weft_demand_write(d, w);
        weft_st_writer_meta(w, bad[i].key, bad[i].value);
        assert_int_equal(weft_st_save(w, path, &e), 0);
        weft_st_writer_free(&w);
        weft_demand_free(&d);
        assert_int_equal(weft_st_open(path, &st, &e), 0);
        assert_int_equal(weft_demand_open(st, 1, WEFT_DNN_F32, &got, &e), -1);
        assert_null(got);
        assert_true(e.code == WEFT_DATA || e.code == WEFT_CONFIG);
        weft_st_close(&st);
    }
    unlink(path);
}

/* --- neighbours --- */

/* Ten products on a circle, by angle; classes by halves, quantities by angle. */
static struct weft_neighbours *circle(size_t k)
{
    struct weft_demand_shape s = {.text = 2, .text_scale = 1};
    struct weft_err e = {0};
    add_head(&s, "half", WEFT_DEMAND_CE, 2);
    add_head(&s, "angle", WEFT_DEMAND_MSE, 0);
    assert_int_equal(weft_demand_shape_place(&s, &e), 0);
    struct weft_neighbours *nb = weft_neighbours_new(&s, 1, k, 10);
    assert_int_equal(weft_neighbours_width(nb), 3);
    for (int i = 0; i < 10; i++) {
        double angle = 0.1 + 0.3 * i;
        float text[2] = {(float)(7 * cos(angle)), (float)(7 * sin(angle))}, row[3];
        weft_neighbours_row(nb, NULL, text, row);
        assert_true(fabs((double)row[1] - cos(angle)) < 1e-6 && row[0] == 0);
        weft_neighbours_add(nb, row, (float[]){i == 9 ? NAN : i < 5 ? 0 : 1, (float)angle});
    }
    return nb;
}

static void test_neighbours(void **state)
{
    (void)state;
    char path[] = "/tmp/weft-neighbours-XXXXXX";
    close(mkstemp(path));
    struct weft_st_writer *w = weft_st_writer_new();
    struct weft_st *st;
    struct weft_err e = {0};
    struct weft_neighbours *made = circle(3), *nb;
    weft_neighbours_write(made, w);
    assert_int_equal(weft_st_save(w, path, &e), 0);
    weft_st_writer_free(&w);
    assert_int_equal(weft_st_open(path, &st, &e), 0);
    assert_int_equal(weft_neighbours_open(st, &nb, &e), 0);
    weft_st_close(&st);
    float row[6], out[6];
    weft_neighbours_row(nb, NULL, (float[]){(float)cos(0.41), (float)sin(0.41)}, row);
    weft_neighbours_row(nb, NULL, (float[]){-2, 0}, row + 3);
    weft_neighbours_predict(nb, row, 2, out);
    assert_true(out[0] > out[1] && fabs((double)out[2] - 0.4) < 1e-6); /* 0.1, 0.4, 0.7 */
    assert_true(out[4] > out[3] && fabs((double)out[5] - 2.5) < 1e-6); /* 2.2, 2.5, 2.8; the last without a class */
    assert_true(fabs((double)out[4] - log(2.001)) < 1e-6);
    weft_neighbours_free(&made);
    weft_neighbours_free(&nb);
    unlink(path);
}

static int open_fixture(void **state)
{
    struct weft_err e = {0};
    (void)state;
    return weft_st_open(FIXTURE, &fixture, &e);
}

static int close_fixture(void **state)
{
    (void)state;
    weft_st_close(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses),        cmocka_unit_test(test_loss_differences),
        cmocka_unit_test(test_loss_extremes), cmocka_unit_test(test_network),
        cmocka_unit_test(test_predict),       cmocka_unit_test(test_resume),
        cmocka_unit_test(test_encoding),      cmocka_unit_test(test_runaway),
        cmocka_unit_test(test_bad_files),     cmocka_unit_test(test_neighbours),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
