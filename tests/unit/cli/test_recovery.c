/* xuelian recovery: records from what survivors hold, signed offline; and each thing that can be wrong, in words. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/genesis.h"
#include "proto/bytes.h"
#include "tests/unit/cli/support.h"

static struct run run;
static struct genesis genesis;

#define NEW   "recovery", "new", "--genesis", "net/network.genesis", "--reason", "火灾"
#define SIGN  "recovery", "sign", "--genesis", "net/network.genesis", "--key"
#define CHECK "recovery", "check", "--genesis", "net/network.genesis"

static int enter(void **state)
{
    char *data = NULL;
    size_t size = 0;
    char error[GENESIS_ERROR_SIZE];
    int code = support_enter(state);
    support_network();
    support_read("net/network.genesis", &data, &size);
    assert_int_equal(genesis_parse(&genesis, bytes_of(data, size), error), ST_OK);
    free(data);
    return code;
}

static int leave(void **state)
{
    genesis_free(&genesis);
    return support_leave(state);
}

/* What validator `index` of genesis holds: a block of this height, another one with another `kind`. */
static void newest(const char *name, uint32_t index, uint64_t height, uint8_t kind,
                   uint64_t journal_height, uint64_t incarnation)
{
    static char text[16384];
    static char header_hex[HEX_SIZE(LIMIT_HEADER_SIZE_MAX)];
    static char set_hex[HEX_SIZE(VALIDATOR_SET_SIZE_MAX)];
    char key[HEX_SIZE(33)];
    uint8_t bytes[VALIDATOR_SET_SIZE_MAX];
    struct header header = {.version = 1,
                            .suite = 1,
                            .chain_id = genesis.chain_id,
                            .height = height,
                            .time_ms = 1 + height,
                            .state_root = {{kind}}};
    validator_set_hash(&header.validators_hash, &genesis.set);
    header.next_validators_hash = header.validators_hash;
    hex_encode(header_hex, bytes, header_encode(bytes, &header));
    hex_encode(set_hex, bytes, validator_set_encode(bytes, &genesis.set));
    hex_encode(key, genesis.set.validators[index].key.bytes, 33);
    snprintf(
        text, sizeof text,
        "{\"key\":\"%s\",\"journal_height\":\"%llu\",\"incarnation\":\"%llu\",\"journal\":true,"
        "\"header\":\"%s\",\"set\":\"%s\"}\n",
        key, (unsigned long long)journal_height, (unsigned long long)incarnation, header_hex,
        set_hex);
    support_write_text(name, text);
}

static const char *member(uint32_t index)
{
    static char text[4][16];
    snprintf(text[index], sizeof text[index], "%u", (unsigned)genesis.set.validators[index].member);
    return text[index];
}

static void made_signed_checked(void **state)
{
    (void)state;
    newest("a", 0, 9, 1, 9, 1);
    newest("b", 1, 7, 2, 8, 1);
    RUN(&run, NEW, "-n", "a", "-n", "b", "--lost", member(2), "-o", "record");
    support_expect(&run, EXIT_OK, "record is made. Next, each key holder: xuelian recovery sign");
    RUN(&run, NEW, "-n", "a", "-n", "b", "--lost", member(2), "-o", "record");
    support_expect(&run, EXIT_USAGE, "record");
    RUN(&run, CHECK, "record");
    support_expect(&run, EXIT_REFUSED,
                   "signed by 0 recovery keys, and this network asks for 2 of 3");
    support_expect(&run, EXIT_REFUSED, "goes on from   9 ");
    RUN(&run, SIGN, "net/recovery/holder-2.key", "-p", "net/recovery/holder-2.passphrase",
        "record");
    support_expect(&run, EXIT_OK, "1 of 3 recovery keys; 2 are needed");
    RUN(&run, SIGN, "net/recovery/holder-1.key", "-p", "net/recovery/holder-1.passphrase", "record",
        "--lang", "zh");
    support_expect(&run, EXIT_OK, "2（共 3 个恢复密钥，需 2 个）");
    RUN(&run, CHECK, "record", "--lang", "zh");
    support_expect(&run, EXIT_OK, "原因");
    support_expect(&run, EXIT_OK, "火灾");
    RUN(&run, CHECK, "record", "--json");
    support_expect(&run, EXIT_OK, "\"complete\": true");
    RUN(&run, "recovery", "show", "record", "--genesis", "net/network.genesis");
    support_expect(&run, EXIT_OK, "holder 1 持有人");
}

static void altered(void **state)
{
    char *data = NULL;
    size_t size = 0;
    (void)state;
    newest("a", 0, 9, 1, 9, 1);
    RUN(&run, NEW, "-n", "a", "-o", "record");
    RUN(&run, SIGN, "net/recovery/holder-1.key", "-p", "net/recovery/holder-1.passphrase",
        "record");
    support_read("record", &data, &size);
    data[size - 3] = (char)(data[size - 3] ^ 1);
    support_write("record", data, size);
    RUN(&run, CHECK, "record");
    support_expect(&run, EXIT_REFUSED, " does not verify; let that key sign again");
    RUN(&run, CHECK, "record", "--lang", "zh");
    support_expect(&run, EXIT_REFUSED, "的签名无效；请用该密钥重新签署");
    support_write("record", data, size / 2);
    RUN(&run, CHECK, "record");
    support_expect(&run, EXIT_REFUSED, "record is no recovery record for this network: ");
    RUN(&run, CHECK, "record", "--lang", "zh");
    support_expect(&run, EXIT_REFUSED, "record不是本网络的恢复记录：");
    free(data);
    RUN(&run, SIGN, "net/keys/member-1.key", "-p", "net/keys/member-1.passphrase", "record");
    support_expect(&run, EXIT_REFUSED, "is no recovery record");
}

static void wrong_key(void **state)
{
    (void)state;
    newest("a", 0, 9, 1, 9, 1);
    RUN(&run, NEW, "-n", "a", "-o", "record");
    RUN(&run, SIGN, "net/keys/member-1.key", "-p", "net/keys/member-1.passphrase", "record");
    support_expect(&run, EXIT_REFUSED,
                   "net/keys/member-1.key is none of this network's recovery keys");
    RUN(&run, SIGN, "net/keys/member-1.key", "-p", "net/keys/member-1.passphrase", "record",
        "--lang", "zh");
    support_expect(&run, EXIT_REFUSED, "net/keys/member-1.key 不是本网络的恢复密钥");
    RUN(&run, "recovery", "sign", "--genesis", "net/network.genesis", "record");
    support_expect(&run, EXIT_USAGE, "with which key? Give --key FILE");
    RUN(&run, "recovery", "show", "record");
    support_expect(&run, EXIT_USAGE, "two files are needed: --genesis FILE and the record");
}

static void what_survivors_hold(void **state)
{
    (void)state;
    newest("a", 0, 9, 1, 9, 1);
    newest("b", 1, 9, 2, 9, 1);
    RUN(&run, NEW, "-n", "a", "-n", "b", "-o", "record");
    support_expect(&run, EXIT_REFUSED,
                   "a and b hold different blocks of height 9: two were certified");
    RUN(&run, NEW, "-n", "a", "-n", "b", "-o", "record", "--lang", "zh");
    support_expect(&run, EXIT_REFUSED, "a与b在高度9持有不同区块");
    newest("b", 1, 8, 2, 12, 1);
    RUN(&run, NEW, "-n", "a", "-n", "b", "-o", "record");
    support_expect(&run, EXIT_REFUSED,
                   "b: its vote journal shows that block 12 was certified, above block 9");
    RUN(&run, NEW, "-n", "a", "-n", "b", "-o", "record", "--lang", "zh");
    support_expect(&run, EXIT_REFUSED, "b：其投票日志表明区块12已被认证，高于区块9");
    RUN(&run, NEW, "-n", "a", "-n", "b", "-f", "10", "-o", "record");
    support_expect(&run, EXIT_USAGE,
                   "none of the files is of block 10; leave --from out to go on from "
                   "block 9");
    RUN(&run, NEW, "-n", "a", "-n", "b", "-f", "8", "-o", "record");
    support_expect(&run, EXIT_OK, "record is made");
    RUN(&run, "recovery", "show", "record", "--genesis", "net/network.genesis");
    support_expect(&run, EXIT_OK, "goes on from   8 ");
    support_write_text("b", "{\"key\":\"02\"}");
    RUN(&run, NEW, "-n", "b", "-o", "other");
    support_expect(&run, EXIT_USAGE, "b is not what xueliand newest prints for this network");
    RUN(&run, NEW, "-n", "b", "-o", "other", "--lang", "zh");
    support_expect(&run, EXIT_USAGE, "b不是本网络中 xueliand newest 的输出");
}

static void the_new_set(void **state)
{
    static char add[160];
    char key[HEX_SIZE(33)];
    (void)state;
    newest("a", 0, 9, 1, 9, 4);
    RUN(&run, NEW, "-n", "a", "-o", "record");
    support_expect(&run, EXIT_REFUSED,
                   "and its vote journal is not of that one: it could not vote. Say "
                   "--lost ");
    RUN(&run, NEW, "-n", "a", "-o", "record", "--lang", "zh");
    support_expect(&run, EXIT_REFUSED, "与其投票日志不符，无法投票");
    hex_encode(key, genesis.set.validators[0].key.bytes, 33);
    snprintf(add, sizeof add, "%s:%s:4:192.0.2.4:9471", member(0), key);
    RUN(&run, NEW, "-n", "a", "-l", member(0), "-a", add, "-o", "record");
    support_expect(&run, EXIT_OK, "record is made");
    RUN(&run, "recovery", "show", "record", "--genesis", "net/network.genesis");
    support_expect(&run, EXIT_OK, "incarnation 4\n");
    snprintf(add, sizeof add, "%s:%s:4", member(1), key);
    newest("a", 0, 9, 1, 9, 1);
    RUN(&run, NEW, "-n", "a", "-l", member(0), "-a", add, "-o", "other");
    support_expect(&run, EXIT_USAGE, "is a member or a key there twice?");
    RUN(&run, NEW, "-n", "a", "-l", member(0), "-l", member(1), "-l", member(2), "-l", member(3),
        "-o", "other");
    support_expect(&run, EXIT_USAGE, "nobody is left: name new validators with --add");
    RUN(&run, NEW, "-n", "a", "-l", "99", "-o", "other", "--lang", "zh");
    support_expect(&run, EXIT_USAGE, "--lost 所列机构并非都在区块9的验证者集合中");
    RUN(&run, NEW, "-n", "a", "-a", "3", "-o", "other");
    support_expect(&run, EXIT_USAGE, "--add is MEMBER:KEY:INCARNATION");
    RUN(&run, NEW, "-n", "a", "-l", "x", "-o", "other");
    support_expect(&run, EXIT_USAGE, "--lost is a number, not x");
    RUN(&run, NEW);
    support_expect(&run, EXIT_USAGE, "needed: --genesis FILE, --newest FILE of every survivor");
    RUN(&run, NEW, "--lang", "zh");
    support_expect(&run, EXIT_USAGE, "需要：--genesis FILE、每个幸存节点的 --newest FILE");
}

static void without_keys(void **state)
{
    (void)state;
    newest("a", 0, 9, 1, 9, 1);
    RUN(&run, "genesis", "show", "net/network.genesis");
    support_expect(&run, EXIT_OK, "recovery     2 of 3 keys\n");
    RUN(&run, "network", "new", "none", "--demo", "tables", "--recovery-keys", "0");
    support_expect(&run, EXIT_OK,
                   "No recovery keys: if more validators are lost than the network bears");
    RUN(&run, "genesis", "show", "none/network.genesis", "--lang", "zh");
    support_expect(&run, EXIT_OK, "无：丢失的验证者超过 f 个时，网络永远停止");
    RUN(&run, "recovery", "new", "--genesis", "none/network.genesis", "--reason", "x", "-n", "a",
        "-o", "record");
    support_expect(&run, EXIT_REFUSED, "the genesis file names no recovery keys");
    RUN(&run, "network", "new", "bad", "--demo", "tables", "--recovery-keys", "33");
    support_expect(&run, EXIT_USAGE, "--recovery-keys is 0 to 32, not 33");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made_signed_checked, enter, leave),
        cmocka_unit_test_setup_teardown(altered, enter, leave),
        cmocka_unit_test_setup_teardown(wrong_key, enter, leave),
        cmocka_unit_test_setup_teardown(what_survivors_hold, enter, leave),
        cmocka_unit_test_setup_teardown(the_new_set, enter, leave),
        cmocka_unit_test_setup_teardown(without_keys, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
