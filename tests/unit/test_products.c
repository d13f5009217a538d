/* test_products.c - products frames written, read and refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "record/products.h"

static struct weft_span span(const char *s)
{
    return (struct weft_span){(const uint8_t *)s, strlen(s)};
}

static bool is(struct weft_span s, const char *text)
{
    return s.p != NULL && s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static char *keys[] = {"category", "gender"}, *numbers[] = {"price", "number"}, *labels[] = {"age", "views"};
static const struct weft_products_attrs attrs = {keys, numbers, labels, 2, 2, 2, 0, 0};

static void fill(struct weft_product *p)
{
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < WEFT_PRODUCT_FIELDS; i++)
        p->number[i] = p->label[i].number = NAN;
    p->id = span("p1");
    p->name = span("쿨 니트");
    p->key[1] = span("women");
    p->number[0] = 12900;
    p->label[0].text = span("20s");
    p->label[1].number = 4200;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct weft_product p, q = {0};
    struct weft_pack b = {0};
    struct weft_err e = {0};
    fill(&p);
    p.image = span("bytes");
    weft_product_write(&p, &attrs, &b);
    assert_int_equal(weft_product_read(weft_pack_span(&b), &attrs, &q, &e), 0);
    assert_true(is(q.id, "p1") && is(q.name, "쿨 니트") && is(q.image, "bytes"));
    assert_true(q.key[0].p == NULL && is(q.key[1], "women"));
    assert_true(q.number[0] == 12900 && isnan(q.number[1]));
    assert_true(is(q.label[0].text, "20s") && isnan(q.label[0].number));
    assert_true(q.label[1].text.p == NULL && q.label[1].number == 4200);
    assert_true(q.image_features == NULL && q.text_features == NULL);
    /* What the frame before had must not shine through. */
    struct weft_product bare;
    fill(&bare);
    bare.name = bare.key[1] = bare.label[0].text = (struct weft_span){0};
    bare.number[0] = bare.label[1].number = NAN;
    weft_product_write(&bare, &attrs, &b);
    assert_int_equal(weft_product_read(weft_pack_span(&b), &attrs, &q, &e), 0);
    assert_true(is(q.id, "p1") && q.name.p == NULL && q.image.p == NULL && q.key[1].p == NULL);
    assert_true(isnan(q.number[0]) && q.label[0].text.p == NULL && isnan(q.label[1].number));
    weft_product_free(&q);
    weft_pack_free(&b);
}

static int read_with(struct weft_pack *b, size_t width, struct weft_product *q, struct weft_err *e)
{
    struct weft_products_attrs a = attrs;
    a.image_features = width;
    memset(e, 0, sizeof *e);
    return weft_product_read(weft_pack_span(b), &a, q, e);
}

static void test_features(void **state)
{
    (void)state;
    struct weft_pack b = {0};
    struct weft_product q = {0};
    struct weft_err e;
    const float f[3] = {1, 2, 3};
    weft_pack_map(&b, 2);
    weft_pack_cstr(&b, "id");
    weft_pack_cstr(&b, "p1");
    weft_pack_cstr(&b, "image_features");
    weft_pack_f32(&b, 1, (const uint32_t[]){3}, f);
    assert_int_equal(read_with(&b, 3, &q, &e), 0);
    assert_memory_equal(q.image_features, f, sizeof f);
    assert_true(read_with(&b, 4, &q, &e) < 0);
    assert_int_equal(e.code, WEFT_DATA);
    weft_product_free(&q);
    weft_pack_free(&b);
}

static void test_refused(void **state)
{
    (void)state;
    struct weft_pack b = {0};
    struct weft_product q = {0};
    struct weft_err e;
    weft_pack_map(&b, 1);
    weft_pack_cstr(&b, "name");
    weft_pack_cstr(&b, "no id");
    assert_true(read_with(&b, 0, &q, &e) < 0);
    weft_pack_clear(&b);
    weft_pack_map(&b, 2);
    weft_pack_cstr(&b, "id");
    weft_pack_cstr(&b, "p1");
    weft_pack_cstr(&b, "numbers");
    weft_pack_map(&b, 1);
    weft_pack_cstr(&b, "price");
    weft_pack_cstr(&b, "12");
    assert_true(read_with(&b, 0, &q, &e) < 0);
    assert_non_null(strstr(e.what, "price"));
    weft_pack_clear(&b);
    weft_pack_array(&b, 0);
    assert_true(read_with(&b, 0, &q, &e) < 0);
    weft_product_free(&q);
    weft_pack_free(&b);
}

static void test_attrs(void **state)
{
    (void)state;
    struct weft_pack b = {0};
    struct weft_err e = {0};
    struct weft_head h = {.schema = "products/1"};
    struct weft_products_attrs a = attrs, c;
    a.image_features = 512;
    weft_products_attrs_write(&a, (struct weft_span){0}, &b);
    h.attrs = weft_pack_span(&b);
    assert_int_equal(weft_products_attrs_read(&h, &c, &e), 0);
    assert_int_equal(c.n_keys, 2);
    assert_string_equal(c.labels[1], "views");
    assert_int_equal(c.image_features, 512);
    assert_int_equal(c.text_features, 0);
    weft_products_attrs_free(&c);
    weft_pack_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_features),
                                       cmocka_unit_test(test_refused), cmocka_unit_test(test_attrs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
