/* Imports into a real network: four xueliand processes, which are killed, frozen and started again. */
#include "tests/unit/cmocka_all.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ledger/genesis.h"
#include "node/config.h"
#include "proto/bytes.h"
#include "tests/unit/cli/impostor.h"
#include "tests/unit/cli/nodes.h"
#include "tests/unit/cli/support.h"

static struct run run;

static int enter(void **state)
{
    if (support_enter(state) != 0) {
        return -1;
    }
    support_network();
    support_mapping();
    nodes_start();
    return 0;
}

static int leave(void **state)
{
    nodes_abandon();
    return support_leave(state);
}

#define IMPORT(...) RUN(&run, "import", "--mapping", "exam.yaml", "--network", "net", __VA_ARGS__)

/* Adds up what the --json output says of accounts or outcomes. */
static json_int_t count(const char *part, const char *name)
{
    json_t *said = json_loads(run.out, JSON_REJECT_DUPLICATES, NULL);
    json_t *value = json_object_get(json_object_get(said, part), name);
    if (!json_is_integer(value)) {
        fail_msg("%d: no %s of %s: %s%s", run.code, name, part, run.out, run.err);
    }
    json_int_t number = json_integer_value(value);
    json_decref(said);
    return number;
}

static void expect_all_in(const char *part, json_int_t rows)
{
    assert_int_equal(count(part, "rows"), rows);
    assert_int_equal(count(part, "recorded") + count(part, "already"), rows);
    assert_int_equal(count(part, "refused"), 0);
    assert_int_equal(count(part, "unconfirmed"), 0);
}

static off_t size_of(const char *name)
{
    struct stat info;
    return stat(name, &info) == 0 ? info.st_size : 0;
}

/* Starts an import and returns when this many batches are recorded, or it has ended. */
static pid_t start_import(const char *resume, off_t batches)
{
    const char *const arguments[] = {"import",   "--mapping", "exam.yaml",   "--network",
                                     "net",      "--json",    "--in-flight", "2",
                                     "--resume", resume,      NULL};
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    pid_t pid = support_start(arguments);
    for (int i = 0; i < 12000 && size_of(resume) < 82 + batches * 65; i++) {
        nanosleep(&pause, NULL);
    }
    return pid;
}

/* What only the ledger can refuse; told each time until it is mended, and nothing twice. */
static void test_refused(void **state)
{
    char *report = NULL;
    size_t size = 0;
    (void)state;
    support_write_text("rows.csv", "id,issuer,course,credits,date\n"
                                   "a,5,7,20,2021-01-01\n"
                                   "b,5,8,20,2021-01-01\n"
                                   "c,5,7,20,2019-01-01\n"
                                   "d,2,7,20,2021-01-01\n"
                                   "a,5,7,20,2021-01-01\n"
                                   "e,5,7,20,2021-01-02\n");
    for (int i = 0; i < 2; i++) {
        IMPORT("--report", "report.csv");
        support_expect(&run, EXIT_REFUSED,
                       i == 0 ? "accounts: 6 rows: 5 recorded, 0 there already, 1 repeated"
                              : "accounts: 6 rows: 0 recorded, 5 there already, 1 repeated");
        support_expect(&run, EXIT_REFUSED,
                       i == 0 ? "outcomes: 6 rows: 2 recorded, 1 there already, 0 repeated, 0 left "
                                "out, 3 refused"
                              : "outcomes: 6 rows: 0 recorded, 3 there already, 0 repeated, 0 left "
                                "out, 3 refused");
        support_expect(
            &run, EXIT_REFUSED,
            "rows.csv, line 3: refused: no accredited course with that number and version; "
            "check it (UNKNOWN_COURSE)");
        support_read("report.csv", &report, &size);
        assert_non_null(strstr(report, "\"results\",\"rows.csv\",4,210,COURSE_NOT_VALID,"));
        assert_non_null(strstr(report, "\"results\",\"rows.csv\",5,204,KIND_NOT_ALLOWED,"));
        assert_non_null(strstr(report, "\"没有该编号与版本的已认可课程；请核对\""));
        free(report);
    }
    support_write_text("rows.csv", "id,issuer,course,credits,date\n"
                                   "a,5,7,20,2021-01-01\n"
                                   "b,5,7,20,2021-01-01\n"
                                   "e,5,7,20,2021-01-02\n");
    IMPORT("--json");
    assert_int_equal(run.code, EXIT_OK);
    assert_int_equal(count("outcomes", "recorded"), 1);
    assert_int_equal(count("outcomes", "already"), 2);
}

/* The ledger alone says what is there, when nothing is remembered. */
static void test_again_without_memory(void **state)
{
    (void)state;
    support_rows(2500, 1100);
    IMPORT("--json", "--resume", "first");
    assert_int_equal(run.code, EXIT_OK);
    expect_all_in("outcomes", 2500);
    json_int_t recorded = count("outcomes", "recorded");
    IMPORT("--json", "--resume", "second");
    assert_int_equal(run.code, EXIT_OK);
    expect_all_in("accounts", 2500);
    expect_all_in("outcomes", 2500);
    assert_int_equal(count("outcomes", "recorded"), 0);
    assert_true(recorded > 0);
    IMPORT("--json", "--resume", "second");
    expect_all_in("outcomes", 2500);
    assert_int_equal(count("outcomes", "transactions"), 0);
}

/* An archive with its proof, then offline; an account that is not there, proved as well. */
static void test_archive(void **state)
{
    char *proof = NULL;
    size_t size = 0;
    (void)state;
    RUN(&run, "archive", "--as", "1", "--network", "net", "--number", "exam:p7", "--proof", "p7");
    support_expect(&run, EXIT_OK, "PROOF HOLDS\n");
    support_expect(&run, EXIT_OK, "issuer's own signature verified");
    support_expect(&run, EXIT_OK, "proof saved: p7, ");
    RUN(&run, "verify", "--genesis", "net/network.genesis", "p7", "--lang", "zh");
    support_expect(&run, EXIT_OK, "证明成立\n");
    support_read("p7", &proof, &size);
    proof[size / 2] = (char)(proof[size / 2] ^ 0x10);
    support_write("altered", proof, size);
    free(proof);
    RUN(&run, "verify", "--genesis", "net/network.genesis", "altered");
    support_expect(&run, EXIT_REFUSED, "PROOF REFUSED: ");
    RUN(&run, "archive", "--as", "1", "--network", "net", "--number", "exam:nobody");
    support_expect(&run, EXIT_REFUSED,
                   "signed by 3 of 4 validators; check the id, or open the account");
    RUN(&run, "archive", "--network", "net", "--number", "nobody");
    support_expect(&run, EXIT_USAGE, "--number is a namespace, a colon and a number, not nobody");
    RUN(&run, "archive", "--network", "net", "12");
    support_expect(&run, EXIT_USAGE, "a learner id is 64 hex characters, not 12");
}

/* Nodes of one network under the genesis file of another are not believed. */
static void test_other_network(void **state)
{
    char *nodes = NULL;
    size_t size = 0;
    (void)state;
    RUN(&run, "network", "new", "other", "--demo", "tables");
    assert_int_equal(run.code, EXIT_OK);
    support_read("net/nodes", &nodes, &size);
    nodes[strcspn(nodes, "\n")] = '\0';
    RUN(&run, "status", "--genesis", "other/network.genesis", "--node", nodes);
    support_expect(&run, EXIT_REFUSED,
                   " cannot be believed: its node key is not in the genesis file; it belongs to "
                   "another network");
    /* An import does not wait for them to become others. */
    support_rows(3, 2);
    RUN(&run, "import", "--mapping", "exam.yaml", "--genesis", "other/network.genesis", "--keys",
        "other/keys", "--node", nodes);
    support_expect(&run, EXIT_REFUSED, "xuelian: no node can be asked (https://127.0.0.1:");
    support_expect(&run, EXIT_REFUSED, "; check the addresses and the genesis file");
    RUN(&run, "status", "--genesis", "net/network.genesis", "--node", nodes);
    support_expect(&run, EXIT_OK, "4 validators, 3 make a quorum");
    RUN(&run, "status", "--genesis", "net/network.genesis", "--node", nodes, "--lang", "zh");
    support_expect(&run, EXIT_OK, "4 个验证者，法定数 3");
    free(nodes);
}

/* A node that joined later is not in genesis: its key is given with its address, and holds. */
static void test_node_by_key(void **state)
{
    char *nodes = NULL;
    char *bytes = NULL;
    size_t size = 0;
    char error[GENESIS_ERROR_SIZE];
    char url[256];
    char key[HEX_SIZE(33)];
    struct genesis genesis;
    (void)state;
    support_read("net/network.genesis", &bytes, &size);
    assert_int_equal(genesis_parse(&genesis, bytes_of(bytes, size), error), ST_OK);
    const Xuelian__Member *first = genesis.message->members[0];
    hex_encode(key, first->nodes[0]->key.data, 33);
    support_read("net/nodes", &nodes, &size);
    nodes[strcspn(nodes, "\n")] = '\0';
    snprintf(url, sizeof url, "%s#%s", nodes, key);
    RUN(&run, "status", "--genesis", "other/network.genesis", "--node", url);
    support_expect(&run, EXIT_OK, "4 validators, 3 make a quorum");
    RUN(&run, "status", "--node", url); /* it needs no genesis file for that */
    support_expect(&run, EXIT_OK, "4 validators, 3 make a quorum");
    url[strlen(url) - 1] = url[strlen(url) - 1] == '0' ? '1' : '0';
    RUN(&run, "status", "--genesis", "net/network.genesis", "--node", url);
    support_expect(&run, EXIT_REFUSED, "its node key is not the one behind # in its address");
    url[strlen(url) - 1] = '\0';
    RUN(&run, "status", "--genesis", "net/network.genesis", "--node", url);
    support_expect(&run, EXIT_USAGE, "behind # stands the node's key, 66 hexadecimal digits");
    genesis_free(&genesis);
    free(nodes);
    free(bytes);
}

static uint16_t port_of(const char *address)
{
    return (uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10);
}

/* Someone in between: with the node's endorsement copied; and after having let the node itself endorse its
 * certificate. Neither is told or asked anything. */
static void test_impostor(void **state)
{
    struct node_config config;
    char error[512];
    char url[64];
    (void)state;
    assert_int_equal(config_read(&config, "net/node-1/node.yaml", error, sizeof error), ST_OK);
    uint16_t node = port_of(config.rpc_listen);
    uint16_t local = port_of(config.local_listen);
    snprintf(url, sizeof url, "https://127.0.0.1:%u", (unsigned)impostor_start(node, local, 0));
    RUN(&run, "status", "--genesis", "net/network.genesis", "--node", url);
    assert_int_equal(impostor_stop(), 1); /* for the endorsement alone */
    support_expect(&run, EXIT_REFUSED,
                   "its certificate is not the one that the node key endorsed; someone may sit in "
                   "between");
    snprintf(url, sizeof url, "https://127.0.0.1:%u", (unsigned)impostor_start(node, local, 1));
    RUN(&run, "status", "--genesis", "net/network.genesis", "--node", url);
    assert_int_equal(impostor_stop(), 0);
    support_expect(&run, EXIT_NETWORK, "does not answer: SSL certificate problem");
    assert_null(strstr(run.out, "999999"));
    /* The same way, passed on whole, is no trouble. */
    snprintf(url, sizeof url, "https://127.0.0.1:%u", (unsigned)impostor_start(node, local, 2));
    RUN(&run, "status", "--genesis", "net/network.genesis", "--node", url);
    assert_int_equal(impostor_stop(), 0);
    support_expect(&run, EXIT_OK, "4 validators, 3 make a quorum");
}

/* Killed in the middle, at no moment of its choice: the next run goes on, and nothing is there twice. */
static void test_killed(void **state)
{
    (void)state;
    support_rows(6000, 200);
    pid_t pid = start_import("killed", 8);
    kill(pid, SIGKILL);
    support_finish(&run, pid);
    off_t remembered = (size_of("killed") - 82) / 65;
    IMPORT("--json", "--resume", "killed");
    assert_int_equal(run.code, EXIT_OK);
    expect_all_in("accounts", 6000);
    expect_all_in("outcomes", 6000);
    assert_true(remembered >= 8);
    RUN(&run, "archive", "--as", "1", "--network", "net", "--number", "exam:p2600", "--json");
    support_expect(&run, EXIT_OK, "\"item_count\": 1");
}

/* Asked to stop: what is on its way is waited for, and all rows read are accounted for. */
static void test_interrupted(void **state)
{
    (void)state;
    support_rows(9000, 100);
    pid_t pid = start_import("interrupted", 12);
    kill(pid, SIGINT);
    support_finish(&run, pid);
    if (run.code == EXIT_OK) {
        print_message("the import was over before it was asked to stop; that is not tested now\n");
    } else {
        support_expect(&run, EXIT_REFUSED,
                       "stopped as asked; what is recorded stays, run the same command again to go "
                       "on");
    }
    assert_int_equal(count("accounts", "recorded") + count("accounts", "already") +
                         count("accounts", "unconfirmed"),
                     count("accounts", "rows"));
    IMPORT("--json", "--resume", "interrupted");
    assert_int_equal(run.code, EXIT_OK);
    expect_all_in("outcomes", 9000);
}

/* A validator frozen, then killed, in the middle of an import: the others go on with it. */
static void test_node_lost(void **state)
{
    (void)state;
    support_rows(12000, 200);
    pid_t pid = start_import("lost", 5);
    nodes_freeze(1);
    const struct timespec pause = {.tv_sec = 1};
    nanosleep(&pause, NULL);
    nodes_thaw(1);
    nodes_kill(2);
    support_finish(&run, pid);
    assert_int_equal(run.code, EXIT_OK);
    expect_all_in("accounts", 12000);
    expect_all_in("outcomes", 12000);
    RUN(&run, "status", "--network", "net");
    support_expect(&run, EXIT_NETWORK, " does not answer: ");
    support_expect(&run, EXIT_NETWORK, "2 peers connected");
    nodes_stop();
}

int main(void)
{
    /* In this order: the last tests go on from what the first have made. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_again_without_memory),
        cmocka_unit_test(test_archive),     cmocka_unit_test(test_other_network),
        cmocka_unit_test(test_node_by_key), cmocka_unit_test(test_impostor),
        cmocka_unit_test(test_killed),      cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_node_lost),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
