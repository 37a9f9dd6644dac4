#include "tests/unit/cmocka_all.h"

#include "tests/unit/cli/nodes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/cli/support.h"

enum { NODES = 4, TRIES = 1200 };

static pid_t pids[NODES];

static void log_path(char path[64], uint32_t node)
{
    snprintf(path, 64, "net/node-%u/log", (unsigned)node);
}

static pid_t start(uint32_t node, const char *command)
{
    char config[64];
    char log[64];
    snprintf(config, sizeof config, "net/node-%u/node.yaml", (unsigned)node);
    log_path(log, node);
    const char *const arguments[] = {"--config", config, command, NULL};
    return support_spawn("xueliand", arguments, "/dev/null", log);
}

void nodes_start_one(uint32_t node)
{
    assert_int_equal(pids[node - 1], 0);
    pids[node - 1] = start(node, "run");
}

static void fail_with_log(uint32_t node)
{
    char path[64];
    char *log = NULL;
    size_t size = 0;
    log_path(path, node);
    support_read(path, &log, &size);
    fail_msg("node %u: %s", (unsigned)node, size > 4000 ? log + size - 4000 : log);
}

/* A validator first asks the others what it signed: only then does it vote. */
static bool all_vote(void)
{
    static struct run run;
    uint32_t count = 0;
    RUN(&run, "status", "--network", "net", "--json");
    for (const char *at = run.out; (at = strstr(at, "\"voting\": true")) != NULL; at++) {
        count++;
    }
    return count == NODES;
}

void nodes_start(void)
{
    const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    for (uint32_t node = 1; node <= NODES; node++) {
        int status = 0;
        pid_t pid = start(node, "init");
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fail_with_log(node);
        }
    }
    for (uint32_t node = 1; node <= NODES; node++) {
        nodes_start_one(node);
    }
    for (uint32_t i = 0; i < TRIES && !all_vote(); i++) {
        for (uint32_t node = 1; node <= NODES; node++) {
            if (waitpid(pids[node - 1], NULL, WNOHANG) != 0) {
                pids[node - 1] = 0;
                fail_with_log(node);
            }
        }
        nanosleep(&pause, NULL);
    }
}

void nodes_kill(uint32_t node)
{
    assert_int_equal(kill(pids[node - 1], SIGKILL), 0);
    assert_int_equal(waitpid(pids[node - 1], NULL, 0), pids[node - 1]);
    pids[node - 1] = 0;
}

void nodes_freeze(uint32_t node)
{
    assert_int_equal(kill(pids[node - 1], SIGSTOP), 0);
}

void nodes_thaw(uint32_t node)
{
    assert_int_equal(kill(pids[node - 1], SIGCONT), 0);
}

void nodes_stop(void)
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (pids[i] != 0) {
            assert_int_equal(kill(pids[i], SIGTERM), 0);
        }
    }
    for (uint32_t i = 0; i < NODES; i++) {
        int status = 0;
        if (pids[i] != 0 && waitpid(pids[i], &status, 0) == pids[i]) {
            pids[i] = 0;
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                fail_with_log(i + 1);
            }
        }
    }
}

void nodes_abandon(void)
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (pids[i] != 0) {
            kill(pids[i], SIGKILL);
            waitpid(pids[i], NULL, 0);
            pids[i] = 0;
        }
    }
}
