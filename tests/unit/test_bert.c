/* test_bert.c - BERT against PyTorch in float64 at every length (tests/reference/make_bert.py), and what its interface
 * promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reference.h"
#include "model/bert.h"
#include "base/mem.h"
#include "nn/safetensors.h"
#include "nn/transformer.h"

#define DIR "tests/reference/"
enum { LONGEST = 512 };
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { COMPARED = 96 }; /* sanitizers are slow */
#else
enum { COMPARED = LONGEST };
#endif

static struct weft_bert *model(const char *dir, enum weft_dnn_type precision, int threads)
{
    struct weft_bert *b;
    struct weft_err e = {0};
    if (weft_bert_open(dir, threads, precision, &b, &e) < 0)
        fail_msg("%s: %s", e.where, e.what);
    return b;
}

/* Texts of every length, 1 to longest. */
struct corpus {
    struct weft_bert_text texts[LONGEST];
    int32_t *ids;
    size_t n;
};

static struct corpus *corpus(size_t longest, size_t vocabulary)
{
    struct corpus *c = WEFT_NEW(struct corpus);
    c->n = longest;
    c->ids = WEFT_ARRAY(int32_t, longest * (longest + 1) / 2);
    int32_t *p = c->ids;
    for (size_t n = 1; n <= longest; n++) {
        c->texts[n - 1] = (struct weft_bert_text){p, n};
        for (size_t t = 0; t < n; t++)
            *p++ = (int32_t)((n * 31 + t * 17 + t * t * 7) % vocabulary);
    }
    return c;
}

static void corpus_free(struct corpus *c)
{
    free(c->ids);
    free(c);
}

static const char *const pools[] = {"mean", "cls", "pooler"};

static void check_model(const char *dir, const char *prefix, enum weft_dnn_type precision, size_t longest,
                        double tolerance)
{
    struct weft_bert *b = model(dir, precision, 2);
    struct weft_st *st;
    struct weft_err e = {0};
    size_t hidden = weft_bert_config(b)->hidden;
    struct corpus *c = corpus(longest, weft_bert_config(b)->vocabulary);
    float *y = WEFT_ARRAY(float, c->n *hidden);
    assert_int_equal(weft_st_open(DIR "bert.safetensors", &st, &e), 0);
    for (int k = 0; k < 3; k++) {
        char name[32];
        snprintf(name, sizeof name, "%s%s", prefix, pools[k]);
        const struct weft_st_tensor *t = weft_st_find(st, name);
        assert_non_null(t);
        assert_true(t->count >= c->n * hidden);
        assert_int_equal(weft_bert_embed(b, c->texts, c->n, (enum weft_bert_pool)k, y, &e), 0);
        double worst = 0;
        for (size_t i = 0; i < c->n; i++)
            worst = fmax(worst, reference_error(y + i * hidden, (const float *)t->data + i * hidden, hidden));
        print_message("%s, lengths 1 to %zu: relative error at most %.2g\n", name, c->n, worst);
        assert_true(worst < tolerance);
    }
    weft_st_close(&st);
    weft_bert_free(&b);
    corpus_free(c);
    free(y);
}

static void test_reference(void **state)
{
    (void)state;
    check_model(DIR "bert", "", WEFT_DNN_F32, COMPARED, 1e-4);
    check_model(DIR "bert-old", "old.", WEFT_DNN_F32, 20, 1e-4);
    if (weft_dnn_has_bf16()) {
        check_model(DIR "bert", "", WEFT_DNN_BF16, 64, 0.1);
        check_model(DIR "bert-old", "old.", WEFT_DNN_BF16, 20, 0.1);
    }
}

/* A text's vector is the same bytes alone, among others, in any place, with any number of threads. */
static void same_vectors(enum weft_dnn_type precision)
{
    enum { N = 120 };
    struct weft_bert *one = model(DIR "bert", precision, 1), *three = model(DIR "bert", precision, 3);
    struct corpus *c = corpus(N, weft_bert_config(one)->vocabulary);
    struct weft_err e = {0};
    size_t hidden = weft_bert_config(one)->hidden;
    float *y = WEFT_ARRAY(float, N *hidden), *z = WEFT_ARRAY(float, N *hidden);
    assert_int_equal(weft_bert_embed(one, c->texts, N, WEFT_BERT_MEAN, y, &e), 0);
    for (size_t batch = 1; batch <= N; batch = batch * 3 + 1) {
        for (size_t i = 0; i < N; i += batch)
            assert_int_equal(weft_bert_embed(batch % 2 ? three : one, c->texts + i, N - i < batch ? N - i : batch,
                                             WEFT_BERT_MEAN, z + i * hidden, &e),
                             0);
        assert_memory_equal(y, z, N * hidden * sizeof *y);
    }
    weft_bert_free(&one);
    weft_bert_free(&three);
    corpus_free(c);
    free(y);
    free(z);
}

static void test_batches(void **state)
{
    (void)state;
    same_vectors(WEFT_DNN_F32);
    if (weft_dnn_has_bf16())
        same_vectors(WEFT_DNN_BF16);
}

/* Shapes of real models: a row of a linear layer depends neither on its place nor on the rows beside it. */
static void test_linear(void **state)
{
    (void)state;
    enum { ROWS = 336, IN = 768, WIDTH = 768 };
    struct weft_dnn *d;
    struct weft_err e = {0};
    float *x = WEFT_ARRAY(float, ROWS *IN), *w = WEFT_ARRAY(float, WIDTH *IN), *bias = WEFT_ARRAY(float, WIDTH),
          *y = WEFT_ARRAY(float, ROWS *WIDTH), *z = WEFT_ARRAY(float, ROWS *WIDTH);
    for (size_t i = 0; i < (size_t)ROWS * IN; i++)
        x[i] = reference_number(1, i);
    for (size_t i = 0; i < (size_t)WIDTH * IN; i++)
        w[i] = reference_number(2, i) / 16;
    for (size_t i = 0; i < WIDTH; i++)
        bias[i] = reference_number(3, i);
    assert_int_equal(weft_dnn_new(2, &d, &e), 0);
    const struct weft_dnn_linear_spec spec = {IN, WIDTH, WEFT_DNN_GELU, WEFT_DNN_F32, WEFT_DNN_F32};
    struct weft_dnn_linear *l;
    struct weft_dnn_packed *p;
    assert_int_equal(weft_dnn_linear_new(d, &spec, &l, &e), 0);
    assert_int_equal(weft_dnn_linear_pack(l, w, bias, &p, &e), 0);
    assert_int_equal(weft_dnn_linear_run(l, p, x, ROWS, y, &e), 0);
    double worst = 0;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t k = 0; k < WIDTH; k += 37) {
            double sum = bias[k];
            for (size_t j = 0; j < IN; j++)
                sum += (double)x[i * IN + j] * w[k * IN + j];
            worst = fmax(worst, fabs(0.5 * sum * (1 + erf(sum / sqrt(2))) - y[i * WIDTH + k]));
        }
    print_message("linear and GELU: error at most %.2g\n", worst);
    assert_true(worst < 1e-5);
    for (size_t i = 0; i < ROWS; i += 16)
        assert_int_equal(weft_dnn_linear_run(l, p, x + i * IN, 16, z + i * WIDTH, &e), 0);
    assert_memory_equal(y, z, ROWS * WIDTH * sizeof *y);
    for (size_t i = 0; i + 16 <= ROWS; i += 13) {
        assert_int_equal(weft_dnn_linear_run(l, p, x + i * IN, 1, z, &e), 0);
        assert_memory_equal(y + i * WIDTH, z, WIDTH * sizeof *y);
    }
    weft_dnn_packed_free(&p);
    weft_dnn_linear_free(&l);
    weft_dnn_free(&d);
    free(x);
    free(w);
    free(bias);
    free(y);
    free(z);
}

static void test_refused(void **state)
{
    (void)state;
    struct weft_bert *b = model(DIR "bert", WEFT_DNN_F32, 1), *none;
    struct weft_err e = {0};
    int32_t ids[LONGEST + 1] = {2};
    float y[64];
    struct weft_bert_text text = {ids, LONGEST + 1};
    assert_true(weft_bert_embed(b, &text, 1, WEFT_BERT_CLS, y, &e) < 0);
    assert_int_equal(e.code, WEFT_CONFIG);
    memset(&e, 0, sizeof e);
    text.n = 2;
    ids[1] = 16;
    assert_true(weft_bert_embed(b, &text, 1, WEFT_BERT_CLS, y, &e) < 0);
    assert_int_equal(e.code, WEFT_CONFIG);
    memset(&e, 0, sizeof e);
    assert_int_equal(weft_bert_embed(b, &text, 0, WEFT_BERT_CLS, y, &e), 0);
    assert_true(weft_bert_open(DIR "nowhere", 1, WEFT_DNN_F32, &none, &e) < 0);
    assert_int_equal(e.code, WEFT_NOINPUT);
    weft_bert_free(&b);
}

static void test_bf16(void **state)
{
    (void)state;
    const float x[] = {1.0f, 1.00390625f, 1.01171875f, -1.00390625f, 3.3895314e38f, 0.0f, -0.0f, 1e-40f};
    const uint16_t want[] = {0x3f80, 0x3f80, 0x3f82, 0xbf80, 0x7f7f, 0, 0x8000, 1};
    uint16_t y[8];
    weft_to_bf16(x, 8, y);
    assert_memory_equal(y, want, sizeof y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference), cmocka_unit_test(test_batches), cmocka_unit_test(test_linear),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_bf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
