/* CHECK: nothing happens when the condition holds; the process ends at once when it does not. */
#include "tests/unit/cmocka_all.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/check.h"

/* Evaluated once: a condition may do something. */
static int asked;

static bool answer(bool holds)
{
    asked++;
    return holds;
}

static void test_holds(void **state)
{
    (void)state;
    asked = 0;
    CHECK(answer(true));
    assert_int_equal(asked, 1);
}

static void test_does_not_hold(void **state)
{
    enum { WENT_ON = 3 };
    int status = 0;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        /* A sanitizer would report it and end the process by itself. */
        (void)signal(SIGILL, SIG_DFL);
        (void)signal(SIGTRAP, SIG_DFL);
        CHECK(answer(false));
        _exit(WENT_ON);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds),
        cmocka_unit_test(test_does_not_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
