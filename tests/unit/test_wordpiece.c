/* test_wordpiece.c - the tokenizer against ids of Hugging Face's own (tests/reference/wordpiece, made by
 * tests/peer/wordpiece.mjs), its rules one by one, hashed n-grams, and the memo that names share. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/memo.h"
#include "text/ngram.h"
#include "text/wordpiece.h"

#define DIR "tests/reference/wordpiece/"
enum { MOST = 512 };

/* ---- against Hugging Face ---- */

static void check_ids(const char *texts, const char *ids, bool lower)
{
    struct weft_mapping vocab, t, want;
    struct weft_wordpiece *w;
    struct weft_err e = {0};
    int32_t got[MOST];
    assert_int_equal(weft_map_open(DIR "vocab.txt", 1 << 20, &vocab, &e), 0);
    assert_int_equal(weft_map_open(texts, 1 << 20, &t, &e), 0);
    assert_int_equal(weft_map_open(ids, 1 << 20, &want, &e), 0);
    const struct weft_wordpiece_rules rules = {lower, lower, true, false};
    assert_int_equal(weft_wordpiece_new((const char *)vocab.p, vocab.n, &rules, &w, &e), 0);
    char *text = weft_xstrndup((const char *)want.p, want.n), *line = text;
    size_t n_texts = 0;
    for (size_t at = 0, n; at < t.n; at += 4 + n, n_texts++) {
        n = t.p[at] | (size_t)t.p[at + 1] << 8 | (size_t)t.p[at + 2] << 16;
        size_t count = weft_wordpiece_encode(w, (const char *)t.p + at + 4, n, MOST, got);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(strtol(line, &line, 10), got[i]);
        assert_int_equal(*line, '\n');
        line++;
    }
    assert_int_equal(*line, 0);
    print_message("%zu texts, %s: the ids of Hugging Face\n", n_texts, lower ? "uncased" : "cased");
    assert_true(n_texts > 400);
    free(text);
    weft_wordpiece_free(&w);
    weft_map_close(&vocab);
    weft_map_close(&t);
    weft_map_close(&want);
}

static void test_hugging_face(void **state)
{
    (void)state;
    check_ids(DIR "cased.texts", DIR "cased.ids", false);
    check_ids(DIR "uncased.texts", DIR "uncased.ids", true);
}

/* ---- rule by rule ---- */

static const char small[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\na\n##b\n衣\n,\nCafé\ncafe\n한\n##글\nun\n";

static struct weft_wordpiece *tokenizer(bool lower, bool nfc)
{
    struct weft_wordpiece *w;
    struct weft_err e = {0};
    const struct weft_wordpiece_rules rules = {lower, lower, true, nfc};
    assert_int_equal(weft_wordpiece_new(small, sizeof small - 1, &rules, &w, &e), 0);
    return w;
}

/* want: the ids between [CLS] and [SEP], ended by -1. */
static void check(struct weft_wordpiece *w, const char *text, const int32_t *want)
{
    int32_t ids[64];
    size_t n = weft_wordpiece_encode(w, text, strlen(text), 64, ids), k = 0;
    assert_int_equal(ids[0], 2);
    assert_int_equal(ids[n - 1], 3);
    for (; want[k] >= 0; k++)
        assert_int_equal(ids[k + 1], want[k]);
    assert_int_equal(n, k + 2);
}
#define CHECK(w, text, ...) check(w, text, (const int32_t[]){__VA_ARGS__, -1})

static void test_rules(void **state)
{
    (void)state;
    struct weft_wordpiece *w = tokenizer(false, false), *lower = tokenizer(true, false), *nfc = tokenizer(false, true);
    check(w, "", (const int32_t[]){-1});
    CHECK(w, "unaffable", 16, 6, 7); /* the last of equal lines */
    CHECK(w, "unaffx", 1);
    CHECK(w, "ab,a", 8, 9, 11, 8);
    CHECK(w,
          "a\xe8\xa1\xa3"
          "a",
          8, 10, 8);
    CHECK(w, "a[MASK]b", 8, 4, 1);
    CHECK(w, "[SEP]", 3);
    CHECK(w,
          "a\x01\xc2\xad\xff"
          "b",
          8, 9);
    CHECK(w, "Caf\xc3\xa9", 12);
    CHECK(lower, "Caf\xc3\xa9 CAFE", 13, 13);
    CHECK(w, "\xed\x95\x9c\xea\xb8\x80", 14, 15);
    CHECK(w, "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xb3\xe1\x86\xaf", 1);
    CHECK(nfc, "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xb3\xe1\x86\xaf", 14, 15);
    assert_int_equal(weft_wordpiece_size(w), 17);
    weft_wordpiece_free(&w);
    weft_wordpiece_free(&lower);
    weft_wordpiece_free(&nfc);
}

static void test_limits(void **state)
{
    (void)state;
    struct weft_wordpiece *w = tokenizer(false, false);
    int32_t ids[8];
    char text[300];
    memset(text, 'b', sizeof text);
    text[0] = 'a';
    assert_int_equal(weft_wordpiece_encode(w, text, 100, 8, ids), 8);
    assert_int_equal(ids[6], 9);
    assert_int_equal(ids[7], 3);
    assert_int_equal(weft_wordpiece_encode(w, text, 101, 8, ids), 3);
    assert_int_equal(ids[1], 1);
    assert_int_equal(weft_wordpiece_encode(w, text, 300, 2, ids), 2);
    assert_int_equal(weft_wordpiece_encode(w, "[MASK][MASK][MASK]", 18, 4, ids), 4);
    assert_int_equal(ids[2], 4);
    assert_int_equal(ids[3], 3);
    weft_wordpiece_free(&w);
}

static void test_vocabulary(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "a\nb\n", "[CLS]\n[SEP]\n", "[UNK]\n[SEP]\n", "[UNK]\n[CLS]"};
    const struct weft_wordpiece_rules rules = {0};
    struct weft_wordpiece *w;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct weft_err e = {0};
        assert_true(weft_wordpiece_new(bad[i], strlen(bad[i]), &rules, &w, &e) < 0);
        assert_int_equal(e.code, WEFT_DATA);
    }
    struct weft_err e = {0};
    assert_int_equal(weft_wordpiece_new("[UNK]\r\n[CLS]\r\n[SEP]", 19, &rules, &w, &e), 0);
    assert_int_equal(weft_wordpiece_size(w), 3);
    weft_wordpiece_free(&w);
    assert_int_equal(weft_wordpiece_open("tests/reference/bert", false, &w, &e), 0);
    assert_false(weft_wordpiece_rules(w).lower_case); /* it has a "T" */
    weft_wordpiece_free(&w);
}

/* ---- n-grams ---- */

static double dot(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static void test_ngrams(void **state)
{
    (void)state;
    enum { N = 256 };
    struct weft_codes room = {0};
    float a[N], b[N], c[N];
    assert_true(weft_ngrams("Red Cotton Shirt", 16, true, N, &room, a));
    assert_true(weft_ngrams("red shirts (cotton)", 19, true, N, &room, b));
    assert_true(weft_ngrams("\xeb\xb8\x94\xeb\x9e\x99 \xec\x9b\x90\xed\x94\xbc\xec\x8a\xa4", 16, true, N, &room, c));
    assert_true(fabs(dot(a, a, N) - 1) < 1e-6);
    assert_true(dot(a, b, N) > 0.8);
    assert_true(fabs(dot(a, c, N)) < 0.3);
    assert_false(weft_ngrams(" -\xff ", 4, true, N, &room, a));
    assert_true(dot(a, a, N) == 0);
    assert_true(weft_ngrams("x", 1, true, 1, &room, a));
    weft_codes_free(&room);
}

/* ---- memo ---- */

static void test_memo(void **state)
{
    (void)state;
    enum { SLOTS = 64, KEYS = 1000 };
    struct weft_memo *m = weft_memo_new(SLOTS * 40, sizeof(uint32_t), sizeof(uint32_t));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        uint32_t value = i * i;
        assert_null(weft_memo_get(m, &i, sizeof i));
        weft_memo_put(m, &i, sizeof i, &value);
        assert_int_equal(*(const uint32_t *)weft_memo_get(m, &i, sizeof i), value);
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        const uint32_t *value = weft_memo_get(m, &i, sizeof i);
        assert_true(value == NULL || *value == i * i);
        kept += value != NULL;
    }
    assert_true(kept >= SLOTS / 2 && kept <= 2 * SLOTS);
    weft_memo_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hugging_face), cmocka_unit_test(test_rules),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_vocabulary),   cmocka_unit_test(test_ngrams), cmocka_unit_test(test_memo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
