/* test_counts.c - numbers as shops write them, against values by hand. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/counts.h"

static int bad;

static void is(enum weft_decimal decimal, const char *text, enum weft_count kind, double wanted)
{
    double x = -1;
    enum weft_count got = weft_count_parse_in(decimal, text, strlen(text), &x);
    if (got != kind || (kind == WEFT_COUNT_OK ? x != wanted : !isnan(x)))
        bad = printf("FAIL \"%s\": %d %.17g\n", text, got, x);
}

static void signs(const char *text, size_t comma, size_t point, size_t open_comma, size_t open_dot)
{
    struct weft_decimal_signs d = {0};
    weft_decimal_look(&d, text, strlen(text));
    if (d.comma != comma || d.point != point || d.open_comma != open_comma || d.open_dot != open_dot)
        bad = printf("FAIL signs of \"%s\": %zu %zu %zu %zu\n", text, d.comma, d.point, d.open_comma, d.open_dot);
}

int main(void)
{
    static const struct {
        const char *text;
        double x;
    } good[] = {{"12", 12},
                {"-3.5", -3.5},
                {"12,300", 12300},
                {"1,234,567.5", 1234567.5},
                {"4.2천", 4200},
                {"1.1만", 11000},
                {"1만2천", 12000},
                {"1만 2천", 12000},
                {"3억5천만", 350000000},
                {"2만5", 20005},
                {"(5)", -5},
                {"(1,000)", -1000},
                {"(₩1,000)", -1000},
                {"△5", -5},
                {"△ 1,200", -1200},
                {"−5", -5},
                {"－５", -5},
                {"１２", 12},
                {"１，２００", 1200},
                {"-₩5", -5},
                {"₩-5", -5},
                {"-$3.00", -3},
                {"₩12,000", 12000},
                {"12,000원", 12000},
                {"3박스", 3},
                {"3 EA", 3},
                {"3개", 3},
                {"10세트", 10},
                {"3.4k", 3400},
                {"500+", 500},
                {"조회수 1.2만 회 이상", 12000},
                {"-1만2천", -12000}};
    static const char *const wrong[] = {"12%",   "0,125",  "1,25",    "1,2345",    "12,34,567", "▲5",
                                        "5-",    "1천2만", "1만-2천", "()",        "(5",        "3마일",
                                        "1.2.3", "abc",    "--5",     "1.182.500", "--"};
    static const char *const missing[] = {"", "-", "N/A", "null", " ", "NaN", "없음", "－"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        is(WEFT_DECIMAL_POINT, good[i].text, WEFT_COUNT_OK, good[i].x);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        is(WEFT_DECIMAL_POINT, wrong[i], WEFT_COUNT_BAD, 0);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        is(WEFT_DECIMAL_POINT, missing[i], WEFT_COUNT_MISSING, 0);
    is(WEFT_DECIMAL_COMMA, "0,125", WEFT_COUNT_OK, 0.125);
    is(WEFT_DECIMAL_COMMA, "1.250", WEFT_COUNT_OK, 1250);
    is(WEFT_DECIMAL_COMMA, "1.182.500,5", WEFT_COUNT_OK, 1182500.5);
    is(WEFT_DECIMAL_COMMA, "-3,5 €", WEFT_COUNT_OK, -3.5);
    is(WEFT_DECIMAL_COMMA, "980", WEFT_COUNT_OK, 980);
    is(WEFT_DECIMAL_COMMA, "1.25", WEFT_COUNT_BAD, 0);
    is(WEFT_DECIMAL_COMMA, "0.125", WEFT_COUNT_BAD, 0);
    signs("0,125", 1, 0, 0, 0);
    signs("1,25", 1, 0, 0, 0);
    signs("1,250", 0, 0, 1, 0);
    signs("1.250", 0, 0, 0, 1);
    signs("1.5", 0, 1, 0, 0);
    signs("-0.500", 0, 1, 0, 0);
    signs("1.182.500", 1, 0, 0, 0);
    signs("1,182,500", 0, 1, 0, 0);
    signs("1.234,5", 1, 0, 0, 0);
    signs("1,234.50", 0, 1, 0, 0);
    signs("2024.01.05", 0, 0, 0, 0);
    signs("980", 0, 0, 0, 0);
    signs("12a,5", 0, 0, 0, 0);
    return bad != 0;
}
