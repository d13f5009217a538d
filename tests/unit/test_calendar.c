/* test_calendar.c - steps that have no one length: months, quarters and working days; reference values from Python's
 * datetime, dateutil and numpy.busday_offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"

static int64_t day(const char *text)
{
    int64_t t;
    assert_true(weft_date_parse(text, strlen(text), &t));
    return t;
}

static void steps_are_added_by_the_calendar(void **state)
{
    static const struct {
        int64_t step;
        const char *from;
        int64_t n;
        const char *to;
    } cases[] = {
        {WEFT_STEP_MONTH, "2021-01-01", 1, "2021-02-01"},
        {WEFT_STEP_MONTH, "2021-01-01", 14, "2022-03-01"},
        {WEFT_STEP_MONTH, "2021-01-01", -1, "2020-12-01"},
        {WEFT_STEP_MONTH, "1969-11-01", 3, "1970-02-01"},
        {WEFT_STEP_QUARTER, "2020-10-01", 1, "2021-01-01"},
        {WEFT_STEP_QUARTER, "2021-04-01", -6, "2019-10-01"},
        {WEFT_STEP_BUSINESS_DAY, "2024-01-05", 1, "2024-01-08"},
        {WEFT_STEP_BUSINESS_DAY, "2024-01-08", -1, "2024-01-05"},
        {WEFT_STEP_BUSINESS_DAY, "2024-01-03", 260, "2025-01-01"},
        {WEFT_STEP_BUSINESS_DAY, "1969-12-31", 3, "1970-01-05"},
        {WEFT_STEP_WEEK, "2022-01-07", 3, "2022-01-28"},
        {WEFT_STEP_DAY, "2024-02-28", 2, "2024-03-01"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t from = day(cases[i].from), to = day(cases[i].to);
        assert_int_equal(weft_step_add(from, cases[i].n, cases[i].step), to);
        assert_int_equal(weft_step_count(from, to, cases[i].step), cases[i].n);
        assert_true(weft_step_fits(from, to, cases[i].step));
    }
}

static void a_time_inside_of_a_step_belongs_to_it(void **state)
{
    (void)state;
    assert_int_equal(weft_step_begin(day("2024-03-31 23:59"), WEFT_STEP_MONTH), day("2024-03-01"));
    assert_int_equal(weft_step_begin(day("2024-03-31"), WEFT_STEP_QUARTER), day("2024-01-01"));
    assert_int_equal(weft_step_begin(day("2024-01-07"), WEFT_STEP_BUSINESS_DAY), day("2024-01-05"));
    assert_int_equal(weft_step_count(day("2024-01-01"), day("2024-03-31"), WEFT_STEP_MONTH), 2);
    assert_int_equal(weft_step_count(day("2024-01-01"), day("2023-12-31"), WEFT_STEP_MONTH), -1);
    assert_int_equal(weft_step_count(day("2024-01-03"), day("2024-01-02"), WEFT_STEP_WEEK), -1);
    assert_false(weft_step_fits(day("2024-01-01"), day("2024-02-02"), WEFT_STEP_MONTH));
    assert_false(weft_step_fits(day("2024-01-01"), day("2024-02-01"), WEFT_STEP_QUARTER));
    assert_false(weft_step_fits(day("2024-01-01"), day("2024-01-06"), WEFT_STEP_BUSINESS_DAY));
}

static void steps_have_names(void **state)
{
    static const char *const names[] = {"hour", "day", "week", "month", "quarter", "business-day", "900s"};
    char text[32];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int64_t step;
        assert_true(weft_step_parse(names[i], &step));
        assert_string_equal(weft_step_text(step, text), names[i]);
    }
    assert_string_equal(weft_date_text(day("2021-02-01"), WEFT_STEP_MONTH, text), "2021-02-01");
}

/* What a damaged stream may hold: the result says nothing, and nothing overflows. */
static void any_number_of_steps_has_a_date(void **state)
{
    static const int64_t steps[] = {WEFT_STEP_DAY, WEFT_STEP_BUSINESS_DAY, WEFT_STEP_MONTH, WEFT_STEP_QUARTER};
    static const int64_t far[] = {INT64_MAX, INT64_MIN, INT64_MAX / 3, -1};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) {
            int64_t t = weft_step_add(day("2024-01-01"), far[k], steps[i]);
            (void)weft_step_count(day("2024-01-01"), t, steps[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_added_by_the_calendar),
        cmocka_unit_test(a_time_inside_of_a_step_belongs_to_it),
        cmocka_unit_test(steps_have_names),
        cmocka_unit_test(any_number_of_steps_has_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
