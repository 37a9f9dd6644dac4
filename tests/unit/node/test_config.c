/* The configuration file: each wrong one has its sentence, with file and line. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <unistd.h>

#include "node/config.h"

static char error[512];
static struct node_config config;

static enum status read_text(const char *text)
{
    FILE *file = fopen("test.yaml", "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return config_read(&config, "test.yaml", error, sizeof error);
}

#define GOOD                                                                                   \
    "data_dir: data\ngenesis: /g\nkey_file: k\npassphrase_file: p\npeer_listen: 127.0.0.1:1\n" \
    "rpc_listen: 127.0.0.1:2\nlocal_listen: 127.0.0.1:3\n"

static void test_good(void **state)
{
    (void)state;
    assert_int_equal(read_text(GOOD "log_level: warn\n"), ST_OK);
    assert_string_equal(config.data_dir, "data");
    assert_string_equal(config.genesis, "/g");
    assert_int_equal(config.log_level, LOG_WARN);
}

static void test_paths_are_from_the_file(void **state)
{
    FILE *file = fopen("./test.yaml", "w");
    (void)state;
    assert_non_null(file);
    fputs(GOOD, file);
    fclose(file);
    assert_int_equal(config_read(&config, "./test.yaml", error, sizeof error), ST_OK);
    assert_string_equal(config.data_dir, "./data");
    assert_string_equal(config.genesis, "/g");
}

static void test_sentences(void **state)
{
    (void)state;
    assert_int_equal(read_text(GOOD "peer_lisen: x\n"), ST_BAD_CONFIG);
    assert_string_equal(
        error, "test.yaml, line 8: there is no setting peer_lisen; did you mean peer_listen?");
    assert_int_equal(read_text("data_dir: x\n"), ST_BAD_CONFIG);
    assert_non_null(strstr(error, "genesis is missing; add it"));
    assert_int_equal(read_text(GOOD "genesis: x\n"), ST_BAD_CONFIG);
    assert_string_equal(error, "test.yaml, line 8: genesis is set twice; keep one");
    assert_int_equal(read_text(GOOD "query_anchor_seconds: 86400\n"), ST_OK);
    assert_int_equal(config.query_anchor_seconds, 86400);
    assert_int_equal(read_text(GOOD "query_anchor_seconds: 0\n"), ST_OK);
    assert_int_equal(config.query_anchor_seconds, 0);
    assert_int_equal(read_text(GOOD), ST_OK);
    assert_int_equal(config.query_anchor_seconds, 3600);
    static const char *const bad_seconds[] = {"86401", "-1", "1h", "100000", "\"\""};
    for (size_t i = 0; i < sizeof bad_seconds / sizeof bad_seconds[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%squery_anchor_seconds: %s\n", GOOD, bad_seconds[i]);
        assert_int_equal(read_text(text), ST_BAD_CONFIG);
        assert_non_null(strstr(error, "it is a number of seconds up to 86400, or 0 for never"));
    }
    assert_int_equal(read_text(GOOD "log_level: loud\n"), ST_BAD_CONFIG);
    assert_string_equal(error, "test.yaml, line 8: log_level is loud; it is one of debug, info, "
                               "warn, error");
    assert_int_equal(read_text("data_dir: [a, b]\n"), ST_BAD_CONFIG);
    assert_string_equal(error, "test.yaml, line 1: data_dir takes one value");
    assert_int_equal(read_text("- a\n"), ST_BAD_CONFIG);
    assert_non_null(strstr(error, "the file must be lines of the form name: value"));
    assert_int_equal(read_text("a: b: c\n"), ST_BAD_CONFIG);
    assert_non_null(strstr(error, "this is not YAML"));
    assert_int_equal(config_read(&config, "no-such.yaml", error, sizeof error), ST_NOT_FOUND);
    assert_non_null(strstr(error, "the configuration file no-such.yaml cannot be read"));
    unlink("test.yaml");
}

#define KEY_1 "020000000000000000000000000000000000000000000000000000000000000001"
#define KEY_2 "030000000000000000000000000000000000000000000000000000000000000002"

static void test_peer_addresses(void **state)
{
    (void)state;
    assert_int_equal(read_text(GOOD), ST_OK);
    assert_int_equal(config.peer_address_count, 0);
    assert_int_equal(read_text(GOOD "peer_addresses:\n  " KEY_1 ": 10.0.0.7:9000\n  " KEY_2
                                    ": \"[::1]:9001\"\n"),
                     ST_OK);
    assert_int_equal(config.peer_address_count, 2);
    assert_int_equal(config.peer_addresses[0].key.bytes[32], 1);
    assert_string_equal(config.peer_addresses[0].address, "10.0.0.7:9000");
    assert_string_equal(config.peer_addresses[1].address, "[::1]:9001");
    assert_int_equal(read_text(GOOD "peer_addresses: 10.0.0.7:9000\n"), ST_BAD_CONFIG);
    assert_string_equal(error,
                        "test.yaml, line 8: peer_addresses takes lines of the form KEY: host:port");
    assert_int_equal(read_text(GOOD "peer_addresses:\n  abc: 10.0.0.7:9000\n"), ST_BAD_CONFIG);
    assert_string_equal(error, "test.yaml, line 9: peer_addresses: not a node key: abc; it is 66 "
                               "hexadecimal digits");
    assert_int_equal(read_text(GOOD "peer_addresses:\n  " KEY_1 ": node.example:9000\n"),
                     ST_BAD_CONFIG);
    assert_string_equal(error, "test.yaml, line 9: peer_addresses: not an address: "
                               "node.example:9000; give a numeric address and a port, as "
                               "10.0.0.7:9000");
    assert_int_equal(
        read_text(GOOD "peer_addresses:\n  " KEY_1 ": 1.1.1.1:1\n  " KEY_1 ": 1.1.1.1:2\n"),
        ST_BAD_CONFIG);
    assert_non_null(strstr(error, "line 10: peer_addresses has a key twice: " KEY_1 "; keep one"));
    assert_int_equal(read_text(GOOD "peer_addresses:\n  " KEY_1 ": [1]\n"), ST_BAD_CONFIG);
    FILE *file = fopen("test.yaml", "w");
    assert_non_null(file);
    fputs(GOOD "peer_addresses:\n", file);
    for (unsigned i = 0; i <= CONFIG_PEERS_MAX; i++) {
        fprintf(file, "  02%064x: 1.1.1.1:1\n", i);
        if (i + 1 == CONFIG_PEERS_MAX) { /* as many as may be */
            fflush(file);
            assert_int_equal(config_read(&config, "test.yaml", error, sizeof error), ST_OK);
            assert_int_equal(config.peer_address_count, CONFIG_PEERS_MAX);
        }
    }
    fclose(file);
    assert_int_equal(config_read(&config, "test.yaml", error, sizeof error), ST_BAD_CONFIG);
    assert_non_null(strstr(error, "peer_addresses has more than 64 lines"));
    unlink("test.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good), cmocka_unit_test(test_paths_are_from_the_file),
        cmocka_unit_test(test_peer_addresses), cmocka_unit_test(test_sentences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
