/* test_match.c - where a model's key, channels and scale stand in a stream, and what it has to know ahead. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apply/match.h"
#include "record/window.h"

enum { DAY = 86400, N = 6 };

static char *keys[] = {"minor"}, *channels[] = {"units", "amounts", "price"}, *targets[] = {"amounts", "returns"},
            *prices[] = {"price"};

/* Ten days from 1970-01-01, eight of them with targets. */
static struct weft_series_attrs stream(void)
{
    return (struct weft_series_attrs){.step = DAY,
                                      .length = 10,
                                      .known = 8,
                                      .keys = keys,
                                      .n_keys = 1,
                                      .channels = channels,
                                      .n_channels = 3,
                                      .n_targets = 2};
}

static struct weft_model_info model(void)
{
    struct weft_model_info m = {.step = DAY,
                                .horizon = 2,
                                .by = "minor",
                                .channels = targets,
                                .n_channels = 2,
                                .exogenous = prices,
                                .n_exogenous = 1};
    m.exog.n = 1;
    m.exog.role[0] = WEFT_ROLE_FUTURE;
    return m;
}

static void a_model_finds_its_place(void **state)
{
    (void)state;
    const struct weft_series_attrs a = stream();
    const struct weft_model_info m = model();
    size_t at[2], exogenous[WEFT_EXOG_MAX];
    int key;
    assert_int_equal(weft_series_check_step(&a, m.step, "it", NULL), 0);
    assert_int_equal(weft_match_key(&a, &m, "it", &key, NULL), 0);
    assert_int_equal(key, 0);
    assert_int_equal(weft_match_channels(&a, &m, "it", NULL, at, NULL), 0);
    assert_true(at[0] == SIZE_MAX && at[1] == 0);
    assert_int_equal(weft_match_channels(&a, &m, "it", "amounts", at, NULL), 0);
    assert_int_equal(weft_match_exogenous(&a, &m, "it", exogenous, NULL), 0);
    assert_int_equal(exogenous[0], 2);
}

static void what_does_not_fit_is_said(void **state)
{
    (void)state;
    const struct weft_series_attrs a = stream();
    struct weft_model_info m = model();
    size_t at[2], exogenous[WEFT_EXOG_MAX];
    int key;
    struct weft_err e[5] = {0};
    assert_int_equal(weft_series_check_step(&a, 3600, "it", &e[0]), -1);
    assert_string_equal(e[0].what, "it forecasts in steps of a hour, and the stream has steps of a day");
    assert_int_equal(weft_match_channels(&a, &m, "it", "units", at, &e[1]), -1);
    assert_string_equal(e[1].what, "--channel: model and stream have no channel \"units\" in common");
    m.channels = targets + 1;
    m.n_channels = 1;
    assert_int_equal(weft_match_channels(&a, &m, "it", NULL, at, &e[2]), -1);
    assert_string_equal(e[2].what, "it forecasts channel returns, and the stream has units");
    m.by = "major";
    assert_int_equal(weft_match_key(&a, &m, "it", &key, &e[3]), -1);
    m.exogenous = targets + 1;
    assert_int_equal(weft_match_exogenous(&a, &m, "it", exogenous, &e[4]), -1);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(e[i].code, WEFT_CONFIG);
}

static void what_must_be_known_ahead_is_looked_for(void **state)
{
    (void)state;
    const struct weft_series_attrs a = stream();
    struct weft_model_info m = model();
    float x[3 * 10] = {0};
    const struct weft_series s = {.id = {(const uint8_t *)"a", 1}, .n_channels = 3, .n = 10, .values = x};
    const size_t at[WEFT_EXOG_MAX] = {2};
    struct weft_err e[2] = {0};
    assert_true(weft_match_needs_ahead(&m));
    assert_int_equal(weft_match_calendar_ahead(&a, &m, "it", NULL), 0);
    assert_int_equal(weft_match_series_ahead(&a, &s, &m, "it", at, 8, NULL), 0);
    x[2 * 10 + 9] = NAN;
    assert_int_equal(weft_match_series_ahead(&a, &s, &m, "it", at, 8, &e[0]), -1);
    assert_string_equal(e[0].what,
                        "series \"a\": channel price, which it needs to know ahead, misses 1 of 2 steps (1970-01-10)");
    assert_int_equal(weft_match_series_ahead(&a, &s, &m, "it", at, 7, NULL), 0);
    m.horizon = 4;
    assert_int_equal(weft_match_calendar_ahead(&a, &m, "it", &e[1]), -1);
    assert_string_equal(e[1].what,
                        "channel price has no values from 1970-01-11 to 1970-01-12, which it needs to know ahead");
    m.exog.role[0] = WEFT_ROLE_PAST;
    assert_false(weft_match_needs_ahead(&m));
    assert_int_equal(weft_match_calendar_ahead(&a, &m, "it", NULL), 0);
    assert_int_equal(weft_match_series_ahead(&a, &s, &m, "it", at, 8, NULL), 0);
}

static void counts_are_not_below_zero_unless_told(void **state)
{
    (void)state;
    struct weft_series_attrs a = stream();
    bool nonnegative = false, *clip = weft_match_clip(&a, false, &nonnegative);
    char *other[] = {"temperature", "units"};
    assert_true(clip[0] && clip[1] && nonnegative);
    free(clip);
    a.channels = other;
    clip = weft_match_clip(&a, false, &nonnegative);
    assert_true(!clip[0] && clip[1] && nonnegative);
    free(clip);
    nonnegative = false;
    clip = weft_match_clip(&a, true, &nonnegative);
    assert_true(!clip[0] && !clip[1] && !nonnegative);
    free(clip);
}

static void windows_bring_their_scale_and_series_are_fitted(void **state)
{
    (void)state;
    const float x[2 * N] = {0, 0, 0, 0, 0, 0, 2, 4, NAN, 6, 100, 100};
    const double scale[4] = {1, 5, 3, 7};
    struct weft_series s = {.n_channels = 2, .n = N, .values = x, .scale = scale};
    double shift, factor;
    weft_scale_of(&s, 1, WEFT_SCALE_MINMAX, 4, &shift, &factor);
    assert_true(shift == 5 && factor == 7);
    s.scale = NULL;
    weft_scale_of(&s, 1, WEFT_SCALE_MINMAX, 4, &shift, &factor);
    assert_true(shift == 2 && factor == 4);
    weft_scale_of(&s, 1, WEFT_SCALE_MINMAX, N, &shift, &factor);
    assert_true(shift == 2 && factor == 98);
    weft_scale_of(&s, 1, WEFT_SCALE_NONE, N, &shift, &factor);
    assert_true(shift == 0 && factor == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_finds_its_place),
        cmocka_unit_test(what_does_not_fit_is_said),
        cmocka_unit_test(what_must_be_known_ahead_is_looked_for),
        cmocka_unit_test(counts_are_not_below_zero_unless_told),
        cmocka_unit_test(windows_bring_their_scale_and_series_are_fitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
