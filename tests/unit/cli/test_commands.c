/* The program itself: what it says to each mistake, in both languages, and the code that it ends with. */
#include "tests/unit/cmocka_all.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/config.h"
#include "tests/unit/cli/support.h"

static struct run run;

static void test_help(void **state)
{
    static const char *const commands[] = {"key",     "network", "genesis", "status", "import",
                                           "archive", "prove",   "tx",      "verify"};
    static const char *const leaves[][2] = {
        {"key", "new"},       {"key", "show"}, {"network", "new"}, {"genesis", "show"},
        {"genesis", "check"}, {"tx", "new"},   {"tx", "sign"}};
    (void)state;
    RUN(&run, "--help");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        support_expect(&run, EXIT_OK, commands[i]);
    }
    support_expect(&run, EXIT_OK, "Exit codes: 0 done; 1 refused");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        static struct run one;
        RUN(&one, commands[i], "--help");
        support_expect(&one, EXIT_OK, "Usage: xuelian ");
        assert_string_equal(one.err, "");
        RUN(&one, "--lang", "zh", commands[i], "--help");
        support_expect(&one, EXIT_OK, "用法: xuelian ");
    }
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        RUN(&run, leaves[i][0], leaves[i][1], "--help", "--lang=zh");
        support_expect(&run, EXIT_OK, "显示本帮助");
        assert_null(strstr(run.out, "show this help"));
    }
    RUN(&run, "--version");
    support_expect(&run, EXIT_OK, "xuelian 0.");
}

static void test_mistyped(void **state)
{
    (void)state;
    RUN(&run, "imprt");
    support_expect(&run, EXIT_USAGE, "xuelian: there is no command imprt; did you mean import?\n");
    RUN(&run, "--lang", "zh", "arhcive");
    support_expect(&run, EXIT_USAGE, "xuelian: 没有命令 arhcive；是否想用 archive？\n");
    RUN(&run, "statistics");
    support_expect(&run, EXIT_USAGE,
                   "xuelian: there is no command statistics; see: xuelian --help\n");
    RUN(&run, "--hepl");
    support_expect(&run, EXIT_USAGE, "xuelian: there is no option --hepl; did you mean --help?\n");
    RUN(&run, "key", "shwo", "x");
    support_expect(&run, EXIT_USAGE, "xuelian: there is no command shwo; did you mean show?\n");
    RUN(&run, "import", "--maping", "x");
    support_expect(&run, EXIT_USAGE,
                   "xuelian: there is no option --maping; did you mean --mapping?\n");
    RUN(&run, "status", "--netwrk=x", "--lang", "zh");
    support_expect(&run, EXIT_USAGE, "xuelian: 没有选项 --netwrk=x；是否想用 --network？\n");
    RUN(&run, "verify", "--json=1");
    support_expect(&run, EXIT_USAGE, "xuelian: --json takes no value; leave it out\n");
    RUN(&run, "verify", "--genesis");
    support_expect(&run, EXIT_USAGE, "xuelian: --genesis needs a value; give one\n");
    RUN(&run, "status", "--lang", "fr");
    support_expect(&run, EXIT_USAGE, "xuelian: --lang is en or zh, not fr\n");
    RUN(&run, "key");
    support_expect(&run, EXIT_USAGE, "xuelian: which command? See: xuelian key --help\n");
    support_expect(&run, EXIT_USAGE, "show a key file's public key");
}

static void test_missing_arguments(void **state)
{
    (void)state;
    RUN(&run, "key", "new");
    support_expect(&run, EXIT_USAGE, "which key file? Give its path: xuelian key new FILE");
    RUN(&run, "verify", "a");
    support_expect(&run, EXIT_USAGE, "two files are needed: xuelian verify --genesis FILE PROOF");
    RUN(&run, "verify", "a", "b");
    support_expect(&run, EXIT_USAGE, "'b' is one argument too many; leave it out");
    RUN(&run, "verify", "a", "--max-age", "soon");
    support_expect(&run, EXIT_USAGE, "--max-age is a number and s, m, h or d, not soon");
    RUN(&run, "network", "new", "net");
    support_expect(&run, EXIT_USAGE,
                   "say where, and from which tables: xuelian network new DIR --demo FOLDER");
    RUN(&run, "network", "new", "net", "--base-port", "80");
    support_expect(&run, EXIT_USAGE, "--base-port is 1024 to 65523, not 80");
    RUN(&run, "genesis", "check");
    support_expect(&run, EXIT_USAGE,
                   "which genesis file? Give its path: xuelian genesis check FILE");
    RUN(&run, "import");
    support_expect(&run, EXIT_USAGE, "which columns are what? Give --mapping FILE");
    RUN(&run, "import", "--in-flight", "33");
    support_expect(&run, EXIT_USAGE, "--in-flight is 1 to 32, not 33");
    RUN(&run, "archive");
    support_expect(&run, EXIT_USAGE, "whose archive? Give a learner id, or --number NS:VALUE");
    RUN(&run, "status");
    support_expect(&run, EXIT_USAGE, "which node? Give --node URL or --network DIR");
}

static void test_nodes(void **state)
{
    (void)state;
    RUN(&run, "status", "--node", "127.0.0.1:1");
    support_expect(&run, EXIT_USAGE, "127.0.0.1:1 is not the address of a node: https://HOST:PORT");
    /* What only looks like this machine would send everything in the clear. */
    RUN(&run, "status", "--node", "http://127.0.0.1.example:1");
    support_expect(&run, EXIT_USAGE, "would send everything in the clear; use https://");
    RUN(&run, "status", "--node", "http://localhost@example:1");
    support_expect(&run, EXIT_USAGE, "would send everything in the clear; use https://");
    RUN(&run, "status", "--node", "http://127.0.0.1:1");
    support_expect(&run, EXIT_NETWORK, "xuelian: http://127.0.0.1:1 does not answer: ");
    RUN(&run, "status", "--node", "http://127.0.0.1:1", "--lang", "zh");
    support_expect(&run, EXIT_NETWORK, "xuelian: http://127.0.0.1:1 没有应答：");
    RUN(&run, "status", "--node", "http://127.0.0.1:1", "--json");
    support_expect(&run, EXIT_NETWORK, "\"reached\": false");
    assert_string_equal(run.err, "");
}

static void test_keys(void **state)
{
    struct stat info;
    (void)state;
    support_write_text("right", "a passphrase\n");
    support_write_text("wrong", "another\n");
    support_write_text("empty", "");
    RUN(&run, "key", "new", "a.key", "--passphrase-file", "right");
    support_expect(&run, EXIT_OK, "public key 0");
    assert_int_equal(stat("a.key", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    char *made = strdup(run.out);
    assert_non_null(made);
    RUN(&run, "key", "show", "a.key", "--passphrase-file", "right");
    assert_string_equal(run.out, made);
    free(made);
    RUN(&run, "key", "new", "a.key", "--passphrase-file", "right");
    support_expect(&run, EXIT_IO,
                   "there is a file at a.key already; a key is never written over another");
    RUN(&run, "key", "show", "a.key", "--passphrase-file", "wrong");
    support_expect(&run, EXIT_IO, "the passphrase does not open the key file a.key; try again");
    RUN(&run, "--lang=zh", "key", "show", "a.key", "--passphrase-file", "wrong");
    support_expect(&run, EXIT_IO, "xuelian: 密钥文件 a.key：口令不能打开它；请重试\n");
    RUN(&run, "key", "show", "b.key", "--passphrase-file", "right");
    support_expect(
        &run, EXIT_IO,
        "there is no key file at b.key; check the path, or make one with: xuelian key new "
        "b.key");
    RUN(&run, "key", "show", "a.key", "--passphrase-file", "none");
    support_expect(&run, EXIT_IO, "the passphrase file none cannot be read (No such file or ");
    RUN(&run, "key", "show", "a.key", "--passphrase-file", "empty");
    support_expect(&run, EXIT_IO, "the passphrase file empty has no first line");
    RUN(&run, "key", "show", "right", "--passphrase-file", "right");
    support_expect(&run, EXIT_IO, "right");
    assert_int_equal(chmod("a.key", 0644), 0);
    RUN(&run, "key", "show", "a.key", "--passphrase-file", "right");
    support_expect(&run, EXIT_IO,
                   "the key file a.key can be read by others; close it with: chmod 600 a.key");
}

static void check_config(uint32_t node)
{
    char path[64];
    char error[512] = "";
    struct node_config config;
    snprintf(path, sizeof path, "net/node-%u/node.yaml", (unsigned)node);
    if (config_read(&config, path, error, sizeof error) != ST_OK) {
        fail_msg("%s", error);
    }
    snprintf(path, sizeof path, "net/node-%u/data", (unsigned)node);
    assert_string_equal(config.data_dir, path);
    assert_int_equal(access(config.genesis, R_OK), 0);
    assert_int_equal(access(config.key_file, R_OK), 0);
    assert_int_equal(access(config.passphrase_file, R_OK), 0);
}

/* Rules and a catalogue for the genesis file. */
static void test_rules(void **state)
{
    static const char rules[] =
        "rules:\n"
        "  - {id: 1, name_zh: 演示, kind: accrual, status: in_force, owner: 1, basis: credits,\n"
        "     notice_date: 2020-01-01, from_date: 2020-03-01, ratio_num: 1, ratio_den: 10,\n"
        "     ceiling: 50, yearly_ceiling: 5}\n"
        "catalogue:\n"
        "  - {id: 7, status: open, name_zh: 演示, provider: 2, price: 5, stock: 1}\n";
    (void)state;
    support_tables();
    support_write_text("rules.yaml", rules);
    RUN(&run, "network", "new", "ruled", "--demo", "tables", "--rules", "rules.yaml");
    support_expect(&run, EXIT_OK, "5 members");
    RUN(&run, "genesis", "show", "ruled/network.genesis");
    support_expect(&run, EXIT_OK, "rules        1\ncatalogue    1\n");
    support_write_text("rules.yaml", "rules: [{id: 1, kind: accrue}]\n");
    RUN(&run, "network", "new", "other", "--demo", "tables", "--rules", "rules.yaml");
    support_expect(&run, EXIT_USAGE,
                   "rules.yaml: rules[0].kind is one of conversion, accrual; not 'accrue'");
    support_write_text("rules.yaml", "rules: [{id: 1, kind: accrual}]\n");
    RUN(&run, "network", "new", "other", "--demo", "tables", "--rules", "rules.yaml");
    support_expect(&run, EXIT_USAGE, "rule 1 needs a number, a version and an owner");
    support_write_text("rules.yaml", "members: []\n");
    RUN(&run, "network", "new", "more", "--demo", "tables", "--rules", "rules.yaml");
    support_expect(&run, EXIT_USAGE, "'members' is neither rules nor catalogue");
}

static void test_network(void **state)
{
    (void)state;
    support_network();
    for (uint32_t i = 1; i <= 4; i++) {
        check_config(i);
    }
    RUN(&run, "genesis", "show", "net/network.genesis");
    support_expect(&run, EXIT_OK, "validators   4\n");
    support_expect(&run, EXIT_OK, "Second (demonstration)");
    RUN(&run, "genesis", "show", "net/network.genesis", "--lang", "zh");
    support_expect(&run, EXIT_OK, "演示培训中心");
    RUN(&run, "genesis", "check", "net/network.genesis");
    support_expect(&run, EXIT_OK, "correct: chain ");
    RUN(&run, "genesis", "check", "net/nodes");
    support_expect(&run, EXIT_REFUSED, "xuelian: net/nodes: ");
    /* Whose key is it? */
    RUN(&run, "key", "show", "net/node-2/node.key", "--passphrase-file", "net/node-2/passphrase",
        "--genesis", "net/network.genesis");
    support_expect(&run, EXIT_OK, "node key of member 2, First (demonstration)\n");
    RUN(&run, "key", "show", "net/keys/member-5.key", "--passphrase-file",
        "net/keys/member-5.passphrase", "-g", "net/network.genesis", "--lang", "zh");
    support_expect(&run, EXIT_OK, "机构 5（演示考试院）的签名密钥\n");
    RUN(&run, "key", "show", "net/keys/member-5.key", "--passphrase-file",
        "net/keys/member-1.passphrase");
    support_expect(&run, EXIT_IO,
                   "the passphrase does not open the key file net/keys/member-5.key");
}

static void test_network_refused(void **state)
{
    char *before = NULL;
    char *after = NULL;
    size_t size = 0;
    (void)state;
    support_network();
    support_read("net/network.genesis", &before, &size);
    RUN(&run, "network", "new", "net", "--demo", "tables");
    support_expect(&run, EXIT_USAGE,
                   "net is there already and nothing in it is touched; choose another folder");
    RUN(&run, "network", "new", "net", "--demo", "tables", "--lang", "zh");
    support_expect(&run, EXIT_USAGE, "net 已存在，其中内容不会改动；请另选目录");
    size_t again = 0;
    support_read("net/network.genesis", &after, &again);
    assert_int_equal(again, size);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
    assert_int_equal(mkdir("empty", 0700), 0);
    RUN(&run, "network", "new", "empty", "--demo", "tables", "--name", "trial");
    support_expect(&run, EXIT_OK, "network empty: chain ");
    RUN(&run, "network", "new", "other", "--demo", "nowhere");
    support_expect(&run, EXIT_USAGE, "there is no table nowhere/regions.csv; check the path");
    assert_int_equal(access("other", F_OK), -1);
    support_write_text("tables/courses.csv",
                       "course,version,name_zh,name_en,kind,level,credits,hours,accredited_by,from_"
                       "date\n7,1,a,b,exam,3,2000,36000,1,20200101\n");
    RUN(&run, "network", "new", "other", "--demo", "tables");
    support_expect(&run, EXIT_USAGE,
                   "tables/courses.csv, line 2: column kind holds 'exam'; see data/README.md");
}

static void expect_json(int code, const char *key, json_type type)
{
    json_error_t error;
    json_t *value = json_loads(run.out, JSON_REJECT_DUPLICATES, &error);
    if (value == NULL || run.code != code || !json_is_object(value) ||
        json_object_get(value, key) == NULL || json_typeof(json_object_get(value, key)) != type) {
        fail_msg("wanted %d and %s; got %d: %s%s", code, key, run.code, run.out, run.err);
    }
    json_decref(value);
}

static void test_json(void **state)
{
    (void)state;
    support_tables();
    support_write_text("right", "a passphrase\n");
    RUN(&run, "network", "new", "net", "--demo", "tables", "--json");
    expect_json(EXIT_OK, "nodes", JSON_ARRAY);
    RUN(&run, "--json", "genesis", "show", "net/network.genesis");
    expect_json(EXIT_OK, "members", JSON_ARRAY);
    RUN(&run, "genesis", "check", "net/network.genesis", "--json");
    expect_json(EXIT_OK, "chain_id", JSON_STRING);
    RUN(&run, "key", "new", "a.key", "--passphrase-file", "right", "--json");
    expect_json(EXIT_OK, "public_key", JSON_STRING);
    support_vector("genesis-4-validators", "g");
    support_vector("proof-archive", "p");
    RUN(&run, "verify", "--genesis", "g", "p", "--json");
    expect_json(EXIT_OK, "items", JSON_ARRAY);
    support_vector("proof-item-altered", "q");
    RUN(&run, "verify", "--genesis", "g", "q", "--json");
    expect_json(EXIT_REFUSED, "reason", JSON_STRING);
}

static void test_verify(void **state)
{
    char *proof = NULL;
    size_t size = 0;
    (void)state;
    support_vector("genesis-4-validators", "g");
    support_vector("genesis-1-validators", "g1");
    support_vector("proof-archive", "p");
    RUN(&run, "verify", "--genesis", "g", "p");
    support_expect(&run, EXIT_OK, "PROOF HOLDS\n");
    support_expect(&run, EXIT_OK, "a learner's whole archive, complete and current at this height");
    RUN(&run, "verify", "--genesis", "g", "p", "--lang", "zh");
    support_expect(&run, EXIT_OK, "证明成立\n");
    RUN(&run, "verify", "--genesis", "g1", "p");
    support_expect(
        &run, EXIT_REFUSED,
        "the proof belongs to another network than this genesis file; use that network's "
        "own");
    RUN(&run, "verify", "--genesis", "g1", "p", "--lang", "zh");
    support_expect(&run, EXIT_REFUSED, "证明与此创世文件不属于同一网络；请使用该网络的创世文件");
    RUN(&run, "verify", "--genesis", "p", "p");
    support_expect(&run, EXIT_REFUSED, "the genesis file is not canonical");
    RUN(&run, "verify", "--genesis", "g", "p", "--max-age", "1s");
    support_expect(&run, EXIT_REFUSED, "the proof is older than the age asked for; get a new one");
    RUN(&run, "verify", "--genesis", "g", "none");
    support_expect(&run, EXIT_USAGE, "there is no file none; check the path");
    RUN(&run, "verify", "--genesis", ".", "p");
    support_expect(&run, EXIT_USAGE, ". is not a file; give the path of a file");

    support_read("p", &proof, &size);
    support_write("cut", proof, size - 1);
    RUN(&run, "verify", "--genesis", "g", "cut");
    support_expect(&run, EXIT_REFUSED, "the proof ends too early: the file was cut; get it again");
    RUN(&run, "verify", "--genesis", "g", "cut", "--lang", "zh");
    support_expect(&run, EXIT_REFUSED, "证明不完整：文件被截断；请重新获取");
    support_write("nothing", "", 0);
    RUN(&run, "verify", "--genesis", "g", "nothing");
    assert_int_equal(run.code, EXIT_REFUSED);
    free(proof);
}

/* One byte changed, at places all over the file: never accepted, always with a reason. */
static void test_verify_altered(void **state)
{
    enum { PLACES = 24 };
    char *proof = NULL;
    size_t size = 0;
    (void)state;
    support_vector("genesis-4-validators", "g");
    support_vector("proof-archive", "p");
    support_read("p", &proof, &size);
    for (size_t i = 0; i < PLACES; i++) {
        size_t at = i * (size - 1) / (PLACES - 1);
        proof[at] = (char)(proof[at] ^ 0x01);
        support_write("altered", proof, size);
        proof[at] = (char)(proof[at] ^ 0x01);
        RUN(&run, "verify", "--genesis", "g", "altered");
        if (run.code != EXIT_REFUSED || strstr(run.out, "PROOF REFUSED") == NULL) {
            fail_msg("byte %zu: %d\n%s%s", at, run.code, run.out, run.err);
        }
    }
    free(proof);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_help, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_mistyped, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_missing_arguments, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_nodes, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_keys, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_network, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_rules, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_network_refused, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_json, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_verify, support_enter, support_leave),
        cmocka_unit_test_setup_teardown(test_verify_altered, support_enter, support_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
