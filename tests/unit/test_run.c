/* test_run.c - what every program has in common, where no program shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/opt.h"
#include "base/stop.h"
#include "frame/run.h"

struct state {
    bool known;
    struct weft_list names;
};
static const struct weft_opt options[] = {
    {WEFT_OPT_FLAG, 0, "known", offsetof(struct state, known), NULL, 0, 0, NULL, "an option", 0},
    {WEFT_OPT_END, 0, NULL, 0, NULL, 0, 0, NULL, NULL, 0},
};

static int asks(struct weft_run *run, void *state, struct weft_err *e)
{
    struct state *s = state;
    if (weft_run_given(run, s->known ? "unknown" : "known"))
        return weft_fail(e, WEFT_DATA, "it was not given");
    return 0;
}

/* Exit status of a program with these arguments, in a process of its own. */
static int status_of(int argc, char **argv)
{
    static const struct weft_filter filter = {.usage = {.name = "asks"},
                                              .opts = options,
                                              .state_size = sizeof(struct state),
                                              .out = WEFT_IO_TEXT,
                                              .drain = asks};
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        close(2);
        _exit(weft_main(&filter, argc, argv));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A name that no option has would be "not given" for ever. */
static void test_unknown_option_is_a_bug(void **state)
{
    char *plain[] = {"asks", NULL}, *known[] = {"asks", "--known", NULL};
    (void)state;
    assert_int_equal(status_of(1, plain), 0);
    assert_int_equal(status_of(2, known), WEFT_BUG);
}

static void test_value_is_whole(void **state)
{
    static const struct weft_opt list = {WEFT_OPT_LIST, 0,       "names", offsetof(struct state, names), NULL, 0, 0,
                                         "NAME",        "names", 0};
    char item[600];
    char *items[] = {item, "b"};
    struct state s = {.names = {items, 2}};
    (void)state;
    memset(item, 'a', sizeof item - 1);
    item[sizeof item - 1] = 0;
    char *text = weft_opt_value(&list, &s);
    assert_int_equal(strlen(text), 601);
    assert_string_equal(text + 598, "a,b");
    free(text);
    s.names.n = 0;
    text = weft_opt_value(&list, &s);
    assert_string_equal(text, "");
    free(text);
}

/* A signal that came before a wait ends it too, and a reader who does not read holds up nobody who is to end. */
static void test_stopped(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static char bytes[1 << 20];
        int ends[2];
        char byte;
        alarm(30); /* the second signal: at once */
        if (pipe(ends) < 0)
            _exit(1);
        weft_stop_catch();
        raise(SIGTERM);
        if (weft_stop_read(ends[0], &byte, 1) != -1 || errno != EINTR)
            _exit(2);
        _exit(weft_write_all(ends[1], bytes, sizeof bytes) == -1 && errno == EINTR ? 0 : 3);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_unknown_option_is_a_bug),
                                       cmocka_unit_test(test_value_is_whole), cmocka_unit_test(test_stopped)};
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
