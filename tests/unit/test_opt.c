/* test_opt.c - the rules between options: each kind, what it says, and what --help says of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/opt.h"

struct state {
    const char *table, *day, *by;
    struct weft_list columns, extra;
    bool fast, images, merge, own;
    int solver, layout, exog;
    int64_t gap, folds;
};

#define AT(type, member) WEFT_OPT_AT(struct state, type, member)
static const struct weft_opt opts[] = {
    {WEFT_OPT_STR, 0, "table", AT(STR, table), NULL, 0, 0, "FILE", "a table", 0, .not_with = "gap"},
    {WEFT_OPT_STR, 0, "day", AT(STR, day), NULL, 0, 0, "COLUMN", "its day", 0, .needs = "table"},
    {WEFT_OPT_STR, 0, "by", AT(STR, by), "all", 0, 0, "KEY", "a key", 0, .stream = "series|windows"},
    {WEFT_OPT_LIST, 0, "columns", AT(LIST, columns), NULL, 0, 0, "NAME", "some", 0, .needs = "layout=long|wide"},
    {WEFT_OPT_LIST, 0, "extra", AT(LIST, extra), "none", 0, 0, "NAME", "more", 0, .not_with = "table, solver=adam"},
    {WEFT_OPT_FLAG, 0, "fast", AT(FLAG, fast), NULL, 0, 0, NULL, "fast", 0, .needs = "no-images, solver=exact"},
    {WEFT_OPT_FLAG, 0, "images", AT(FLAG, images), "true", 0, 0, NULL, "images", 0, .not_with = "own"},
    {WEFT_OPT_FLAG, 0, "merge", AT(FLAG, merge), NULL, 0, 0, NULL, "merges", 0, .only_with = "by"},
    {WEFT_OPT_FLAG, 0, "own", AT(FLAG, own), NULL, 0, 0, NULL, "own", 0},
    {WEFT_OPT_CHOICE, 0, "solver", AT(CHOICE, solver), "exact", 0, 0, "exact|adam", "how", 0},
    {WEFT_OPT_CHOICE, 0, "layout", AT(CHOICE, layout), "auto", 0, 0, "auto|wide|long|matrix", "what", 0},
    {WEFT_OPT_CHOICE, 0, "exog", AT(CHOICE, exog), "level", 0, 0, "level|auto|none", "what", 0, .needs = "auto: fast",
     .not_with = "none: own"},
    {WEFT_OPT_INT, 0, "gap", AT(INT, gap), "0", 0, 9, "N", "steps", 0},
    {WEFT_OPT_INT, 0, "folds", AT(INT, folds), "3", 1, 9, "N", "folds", 0, .needs = "own"},
    {.type = WEFT_OPT_END},
};

/* What is said of "--day x --table y", or "" when it is taken. The state is the caller's to free, and good until the
 * next line. */
static const char *parsed(const char *line, struct state *s, uint64_t *given, struct weft_err *e)
{
    static char copy[256]; /* values point into it */
    char *argv[16] = {"program"};
    snprintf(copy, sizeof copy, "%s", line);
    int argc = 1, operands;
    for (char *p = strtok(copy, " "); p && argc < 15; p = strtok(NULL, " "))
        argv[argc++] = p;
    *s = (struct state){0};
    *e = (struct weft_err){0};
    return weft_opt_parse(opts, s, NULL, NULL, argc, argv, &operands, given, e) < 0 ? e->what : "";
}

static void test_rules(void **unused)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        /* needs: an option that counts */
        {"--day d", "--day goes with --table"},
        {"--day d --table t", ""},
        {"--table t --day d", ""},
        /* needs: a value as it stands, given or by default */
        {"--fast --no-images", ""},
        {"--fast --no-images --solver adam", "--fast goes with --solver exact, not with --solver adam"},
        /* needs: a flag by its state */
        {"--fast", "--fast goes with --no-images"},
        /* needs: one of several; a choice at auto is still open */
        {"--columns a", ""},
        {"--columns a --layout wide", ""},
        {"--columns a --layout matrix", "--columns goes with --layout long or wide, not with --layout matrix"},
        /* not_with: said once, met from either side */
        {"--table t --gap 2", "--table does not go with --gap"},
        {"--gap 2 --table t", "--table does not go with --gap"},
        {"--extra a --solver adam", "--extra does not go with --solver adam"},
        /* not_with of a flag that is on by default binds when it is switched off */
        {"--own", ""},
        {"--own --no-images", "--no-images does not go with --own"},
        /* only_with */
        {"--merge", ""},
        {"--merge --by k", ""},
        {"--merge --folds 3 --own", "--merge does not go with --own"},
        {"--merge --solver exact", "--merge does not go with --solver"},
        {"--merge --no-images", "--merge does not go with --no-images"},
        /* a rule of one value */
        {"--exog level --own", ""},
        {"--exog auto", "--exog auto goes with --fast"},
        {"--exog auto --fast --no-images", ""},
        {"--exog none --own", "--exog none does not go with --own"},
        /* what says nothing does not count: none and 0 where they are the default, a flag as it is anyhow */
        {"--extra none --table t", ""},
        {"--table t --gap 0", ""},
        {"--images --own", ""},
        {"--merge --gap 0 --extra none --images", ""},
        /* another default does, when it is said */
        {"--folds 3", "--folds goes with --own"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct state s;
        struct weft_err e;
        uint64_t given;
        assert_string_equal(parsed(cases[i].line, &s, &given, &e), cases[i].says);
        assert_int_equal(e.code, *cases[i].says ? WEFT_USAGE : 0);
        weft_opt_free(opts, &s);
    }
}

/* What stood at auto is decided after the parser has looked. */
static void test_decided_later(void **unused)
{
    struct state s;
    struct weft_err e;
    uint64_t given;
    (void)unused;
    assert_string_equal(parsed("--columns a", &s, &given, &e), "");
    s.layout = 2;
    assert_int_equal(weft_opt_rules(opts, &s, given, &e), 0);
    s.layout = 3;
    assert_int_equal(weft_opt_rules(opts, &s, given, &e), -1);
    assert_string_equal(e.what, "--columns goes with --layout long or wide, not with --layout matrix");
    weft_opt_free(opts, &s);
}

static void test_stream(void **unused)
{
    struct state s;
    struct weft_err e;
    uint64_t given;
    (void)unused;
    assert_string_equal(parsed("--by k", &s, &given, &e), "");
    assert_int_equal(weft_opt_stream(opts, &s, given, "series/1", &e), 0);
    assert_int_equal(weft_opt_stream(opts, &s, given, "windows/1", &e), 0);
    assert_int_equal(weft_opt_stream(opts, &s, given, "demand/1", &e), -1);
    assert_int_equal(e.code, WEFT_USAGE);
    assert_string_equal(e.what, "--by is for a series or windows stream, and this is a demand stream");
    weft_opt_free(opts, &s);
    assert_string_equal(parsed("--own", &s, &given, &e), "");
    assert_int_equal(weft_opt_stream(opts, &s, given, "demand/1", &e), 0);
    weft_opt_free(opts, &s);
}

/* A rule about what is not there is a bug, whatever is given. */
static void test_rule_without_sense(void **unused)
{
    static const char *const wrong[] = {"tabel", "layout=tall", "table, no-day"};
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        for (int kind = 0; kind < 4; kind++) {
            struct weft_opt table[sizeof opts / sizeof *opts];
            struct state s = {0};
            struct weft_err e = {0};
            char program[] = "program", *argv[] = {program, NULL};
            int operands;
            memcpy(table, opts, sizeof opts);
            if (kind == 0)
                table[0].needs = wrong[i];
            else if (kind == 1)
                table[0].not_with = wrong[i];
            else if (kind == 2)
                table[0].only_with = wrong[i];
            else
                table[11].needs = "soon: fast"; /* --exog has no such value */
            assert_int_equal(weft_opt_parse(table, &s, NULL, NULL, 1, argv, &operands, NULL, &e), -1);
            assert_int_equal(e.code, WEFT_BUG);
            weft_opt_free(table, &s);
        }
}

static void test_help_names_them(void **unused)
{
    static const char *const said[] = {"(with --table)",
                                       "(default all; series or windows streams)",
                                       "(with --layout long or wide)",
                                       "(default none; not with --table, --solver adam)",
                                       "(with --no-images, --solver exact)",
                                       "(default on; --no-images; not with --own)",
                                       "(with no option but --by)",
                                       "(default level; auto with --fast; none not with --own)",
                                       "(1..9, default 3; with --own)"};
    static const struct weft_opt none[] = {{.type = WEFT_OPT_END}};
    static const struct weft_usage u = {"program", "does", "program", "a", "b", "c", "d", NULL};
    (void)unused;
    for (int page = 0; page < 2; page++) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);
        if (page)
            weft_opt_mdoc(f, &u, opts, none, "today");
        else
            weft_opt_help(f, &u, opts, none);
        fclose(f);
        for (size_t i = 0; i < sizeof said / sizeof *said; i++)
            if (!strstr(text, said[i]))
                fail_msg("%s is missing in\n%s", said[i], text);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),           cmocka_unit_test(test_decided_later),
        cmocka_unit_test(test_stream),          cmocka_unit_test(test_rule_without_sense),
        cmocka_unit_test(test_help_names_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
