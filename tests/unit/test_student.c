/* test_student.c - Student's t against scipy.stats.t and a table. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/student.h"

static void below_as_scipy(void **state)
{
    (void)state;
    const struct {
        double freedom, below; /* scipy.stats.t.cdf(1.3, freedom) */
    } of[] = {{2, 0.8383764840919797},   {2.5, 0.849756605364646}, {3, 0.8577662456360515},
              {7.3, 0.8834292249669171}, {30, 0.8982495207309416}, {1000, 0.9030497357922713}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        assert_true(fabs(weft_student_below(1.3, of[i].freedom) - of[i].below) < 1e-12);
        assert_true(fabs(weft_student_below(-1.3, of[i].freedom) - (1 - of[i].below)) < 1e-12);
        assert_true(weft_student_below(0, of[i].freedom) == 0.5);
    }
    assert_true(fabs(weft_student_below(1, 1) - 0.75) < 1e-12); /* Cauchy: 1/2 + atan(1) / pi */
    assert_true(fabs(weft_student_below(1, INFINITY) - 0.841344746068543) < 1e-12);
    assert_true(weft_student_below(INFINITY, 3) == 1 && weft_student_below(-INFINITY, 3) == 0);
    assert_true(isnan(weft_student_below(NAN, 3)));
    assert_true(fabs(weft_student_below(-2, 9.9e6) - weft_student_below(-2, INFINITY)) < 1e-7);
}

static void width_as_scipy(void **state)
{
    (void)state;
    const struct {
        double freedom, t; /* scipy.stats.t.ppf(0.95, freedom) */
    } of[] = {{2, 2.919985580355516},        {2.5, 2.5582186141360017}, {3, 2.3533634348018264},
              {7.3, 1.8829300179371542},     {30, 1.6972608943617378},  {1000, 1.6463788172854639},
              {INFINITY, 1.6448536269514722}};
    struct weft_student s = {.level = 0.9};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        for (int twice = 0; twice < 2; twice++)
            assert_true(fabs(weft_student_width(&s, of[i].freedom) - of[i].t) < 1e-7);
    struct weft_student sure = {.level = 0.9999};
    assert_true(fabs(weft_student_width(&sure, 2) - 99.992499812474) < 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(below_as_scipy), cmocka_unit_test(width_as_scipy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
