/* test_report.c - text inside HTML, numbers, axes, and the tables that a report shows. */
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

#include "show/html.h"
#include "report/report_chart.h"
#include "report/report_text.h"
#include "base/calendar.h"
#include "base/rng.h"
#include "ingest/sheet.h"
#include "base/utf8.h"

static char *buf;
static size_t buf_n;

static FILE *begin(void)
{
    free(buf);
    buf = NULL;
    FILE *f = open_memstream(&buf, &buf_n);
    assert_non_null(f);
    return f;
}

static const char *escaped(const char *p, size_t n)
{
    FILE *f = begin();
    weft_html_text(f, p, n);
    fclose(f);
    return buf;
}

static void text_can_not_leave_its_place(void **state)
{
    (void)state;
    assert_string_equal(escaped("<script>alert(\"1\" & '2')</script>", 33),
                        "&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;");
    assert_string_equal(escaped("셔츠 a\tb\nc", 12), "셔츠 a b c");
    assert_string_equal(escaped("a\0b\x01\x7f", 5), "a\xef\xbf\xbd"
                                                    "b\xef\xbf\xbd\xef\xbf\xbd");
    assert_string_equal(escaped("\xc2\x85|\xc3|\xed\xa0\x80", 8),
                        "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    struct weft_rng rng = weft_rng(1, 2);
    for (int i = 0; i < 20000; i++) {
        char text[40];
        size_t n = weft_rng_below(&rng, sizeof text + 1);
        for (size_t k = 0; k < n; k++)
            text[k] = (char)(weft_rng_below(&rng, 3) ? weft_rng_below(&rng, 256)
                                                     : (uint64_t) "<>\"'&/="[weft_rng_below(&rng, 7)]);
        const char *got = escaped(text, n);
        assert_null(strpbrk(got, "<>\"'"));
        assert_true(weft_utf8_valid(got, strlen(got)));
        for (const char *amp = strchr(got, '&'); amp; amp = strchr(amp + 1, '&'))
            assert_true(strncmp(amp, "&lt;", 4) == 0 || strncmp(amp, "&gt;", 4) == 0 || strncmp(amp, "&amp;", 5) == 0 ||
                        strncmp(amp, "&quot;", 6) == 0 || strncmp(amp, "&#39;", 5) == 0);
    }
}

static const char *number(double v, int digits)
{
    FILE *f = begin();
    weft_html_number(f, v, digits);
    fclose(f);
    return buf;
}

static void numbers_for_readers(void **state)
{
    (void)state;
    assert_string_equal(number(1234567.891, 1), "1,234,567.9");
    assert_string_equal(number(-1234, 0), "\xe2\x88\x92"
                                          "1,234");
    assert_string_equal(number(999, 0), "999");
    assert_string_equal(number(-0.001, 2), "0.00");
    assert_string_equal(number(0.5, -1), "0.500");
    assert_string_equal(number(9.999, -1), "10.0");
    assert_string_equal(number(123.4, -1), "123");
    assert_string_equal(number(NAN, 2), "\xe2\x80\x93");
    assert_string_equal(number(INFINITY, 2), "\xe2\x80\x93");
    assert_string_equal(number(1e300, 0), "1.00e+300");
}

static void axes_are_round_and_hold_what_they_must(void **state)
{
    (void)state;
    struct weft_axis a = weft_axis_over(0.31, 2.56, 5);
    assert_true(a.from == 0 && a.to == 3 && a.step == 0.5);
    a = weft_axis_over(1, 1, 4);
    assert_true(a.to > a.from);
    struct weft_rng rng = weft_rng(4, 4);
    for (int i = 0; i < 1000; i++) {
        double from = 1000 * weft_rng_unit(&rng), to = from + pow(10, 6 * weft_rng_unit(&rng) - 3);
        a = weft_axis_over(from, to, 5);
        assert_true(a.from <= from + 1e-6 * a.step && a.to >= to - 1e-6 * a.step && (a.to - a.from) / a.step < 8.5);
    }
}

static void charts_survive_what_is_missing(void **state)
{
    (void)state;
    double past[] = {1, NAN, 3, INFINITY, 2}, ahead[] = {2, 3}, nothing[] = {NAN, NAN}, most;
    struct weft_chart_lines lines = {past, 5, nothing, ahead, nothing, nothing, 2, 7, {1, 1}, {2, 2}};
    FILE *f = begin();
    weft_chart_forecast(f, &lines, "a'b<c", &most);
    lines.n_past = 0;
    lines.year = NULL;
    weft_chart_forecast(f, &lines, "", &most);
    double zero[] = {0, 0};
    lines.ahead = zero;
    weft_chart_forecast(f, &lines, "", &most);
    struct weft_axis a = weft_axis_over(0, 2, 5);
    weft_chart_growth(f, &a, NAN, NAN, NAN, NAN, "");
    weft_chart_growth(f, &a, -5, 1, 99, 50, "x");
    fclose(f);
    assert_null(strstr(buf, "nan"));
    assert_null(strstr(buf, "inf"));
    assert_non_null(strstr(buf, "a&#39;b&lt;c"));
}

static void every_label_has_both_languages(void **state)
{
    (void)state;
    for (int k = L_NONE + 1; k < L_READ_LAST; k++) {
        const char *en = weft_report_text(WEFT_REPORT_EN, (enum weft_report_label)k),
                   *ko = weft_report_text(WEFT_REPORT_KO, (enum weft_report_label)k);
        assert_true(en && *en && ko && *ko && weft_utf8_valid(ko, strlen(ko)));
        /* Formats: the same conversions in the same order; labels are written into HTML as they are. */
        const char *p = strchr(en, '%'), *q = strchr(ko, '%');
        for (; p && q; p = strchr(p, '%'), q = strchr(q, '%')) {
            size_t n = strncmp(p, "%lld", 4) == 0 ? 4 : 2;
            assert_true(strncmp(p, q, n) == 0);
            p += n;
            q += n;
        }
        assert_true(!p && !q);
        assert_true(!strpbrk(en, "<>&") && !strpbrk(ko, "<>&"));
    }
}

static void labels_speak_of_the_step(void **state)
{
    (void)state;
    static const struct {
        int64_t step;
        enum weft_report_lang lang;
        enum weft_report_label label;
        const char *text;
    } cases[] = {
        {WEFT_STEP_DAY, WEFT_REPORT_EN, L_VOLUME, "Sales a day"},
        {WEFT_STEP_HOUR, WEFT_REPORT_EN, L_VOLUME, "Sales an hour"},
        {WEFT_STEP_MONTH, WEFT_REPORT_EN, L_YEAR_LINE, "same months a year before"},
        {WEFT_STEP_WEEK, WEFT_REPORT_EN, L_HISTORY, "Weeks known"},
        {WEFT_STEP_QUARTER, WEFT_REPORT_KO, L_VOLUME, "분기 판매량"},
        {WEFT_STEP_DAY, WEFT_REPORT_KO, L_HISTORY, "데이터 일수"},
        {WEFT_STEP_BUSINESS_DAY, WEFT_REPORT_EN, L_DAYS, "near and far working days"},
        {900, WEFT_REPORT_EN, L_VOLUME, "Sales a step"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = weft_report_text_in(cases[i].lang, cases[i].label, cases[i].step);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
    static const int64_t steps[] = {
        WEFT_STEP_DAY, WEFT_STEP_HOUR, WEFT_STEP_WEEK, WEFT_STEP_MONTH, WEFT_STEP_QUARTER, WEFT_STEP_BUSINESS_DAY, 900};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        for (int k = L_NONE + 1; k < 2 * L_READ_LAST; k++) {
            char *text = weft_report_text_in((enum weft_report_lang)(k % 2), (enum weft_report_label)(k / 2), steps[i]);
            assert_null(strpbrk(text, "{}"));
            assert_true(weft_utf8_valid(text, strlen(text)));
            free(text);
        }
}

static int read_text(const char *text, struct weft_sheet *s)
{
    char path[] = "/tmp/weft-sheet-XXXXXX";
    int fd = mkstemp(path);
    struct weft_err e = {0};
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    int rc = weft_sheet_read(path, s, &e);
    unlink(path);
    assert_true(rc == 0 || (e.code == WEFT_DATA && *e.what));
    return rc;
}

static void tables_from_csv_and_json(void **state)
{
    (void)state;
    static const char *const good[] = {"model,wape,skill\na,0.5,\n\"b,c\",1,-2\n",
                                       "[{\"model\": \"a\", \"wape\": 0.5, \"skill\": null}, {\"model\": \"b,c\", "
                                       "\"wape\": 1, \"skill\": -2, \"x\": 3}]",
                                       " {\"attrs\": 1, \"rows\": [{\"model\": \"a\", \"wape\": 0.5, \"skill\": \"\"}, "
                                       "{\"skill\": -2, \"wape\": 1, \"model\": \"b,c\"}]}"};
    static const char *const bad[] = {"", "[1]", "{\"a\": 1}", "a,b\n1\n", "[{\"a\": 1}", "a,a\n\"x"};
    struct weft_sheet s;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(read_text(good[i], &s), 0);
        assert_true(s.rows == 2 && s.columns == 3);
        size_t model = weft_sheet_column(&s, "model"), wape = weft_sheet_column(&s, "wape"),
               skill = weft_sheet_column(&s, "skill");
        assert_string_equal(weft_sheet_cell(&s, 1, model), "b,c");
        assert_string_equal(weft_sheet_cell(&s, 0, wape), "0.5");
        assert_null(weft_sheet_cell(&s, 0, skill));
        assert_string_equal(weft_sheet_cell(&s, 1, skill), "-2");
        assert_true(weft_sheet_column(&s, "x") == SIZE_MAX && !weft_sheet_cell(&s, 0, SIZE_MAX));
        weft_sheet_free(&s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_text(bad[i], &s), -1);
        weft_sheet_free(&s);
    }
}

static int done(void **state)
{
    (void)state;
    free(buf);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_can_not_leave_its_place),
        cmocka_unit_test(numbers_for_readers),
        cmocka_unit_test(axes_are_round_and_hold_what_they_must),
        cmocka_unit_test(charts_survive_what_is_missing),
        cmocka_unit_test(every_label_has_both_languages),
        cmocka_unit_test(labels_speak_of_the_step),
        cmocka_unit_test(tables_from_csv_and_json),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
