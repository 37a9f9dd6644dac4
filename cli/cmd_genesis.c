/* xuelian genesis: what a genesis file says. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/file.h"
#include "cli/names.h"
#include "ledger/genesis.h"
#include "proto/bytes.h"

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    const char **path = values;
    (void)key;
    if (*path != NULL) {
        return argument_unexpected(text, fault);
    }
    *path = text;
    return true;
}

/* Returns false with the exit code to end with. */
static bool open_genesis(const char *text, struct genesis *genesis, int *code, int argc,
                         char **argv)
{
    const struct command_spec spec = {.arguments = "FILE", .text = text, .set = set};
    const char *path = NULL;
    struct fault fault;
    char error[GENESIS_ERROR_SIZE];
    uint8_t *data = NULL;
    size_t size = 0;
    *code = command_parse(&spec, &path, argc, argv);
    if (*code != COMMAND_GOES_ON) {
        return false;
    }
    if (path == NULL) {
        fault_set(&fault, EXIT_USAGE, "which genesis file? Give its path: %s FILE",
                  "哪个创世文件？请给出路径：%s FILE", argv[0]);
        *code = fault_print(&fault);
        return false;
    }
    if (!file_read(path, LIMIT_GENESIS_SIZE_MAX, &data, &size, &fault)) {
        *code = fault_print(&fault);
        return false;
    }
    enum status status = genesis_parse(genesis, bytes_of(data, size), error);
    free(data);
    if (status != ST_OK) {
        fault_set(&fault, EXIT_REFUSED, "%s: %s%.0s", "%s：%s（%s）", path, error,
                  status_zh(status));
        *code = fault_print(&fault);
        return false;
    }
    return true;
}

static void show_text(const struct genesis *genesis, const char *chain)
{
    char when[NAME_SIZE];
    const Xuelian__Genesis *message = genesis->message;
    printf("%-12s %s\n", tr("network", "网络"), message->network);
    printf("%-12s %s\n", tr("chain id", "链编号"), chain);
    printf("%-12s %s\n", tr("time", "时间"), time_format(message->time_ms, when));
    printf("%-12s %zu\n", tr("members", "机构"), message->n_members);
    printf("%-12s %zu\n", tr("courses", "课程"), message->n_courses);
    printf("%-12s %zu\n", tr("regions", "区划"), message->n_regions);
    printf("%-12s %zu\n", tr("rules", "规则"), message->n_rules);
    printf("%-12s %zu\n", tr("catalogue", "兑换目录"), message->n_catalogue);
    printf("%-12s %u\n", tr("validators", "验证者"), (unsigned)genesis->set.count);
    for (size_t i = 0; i < message->n_members; i++) {
        const Xuelian__Member *member = message->members[i];
        for (size_t k = 0; k < member->n_nodes; k++) {
            char key[HEX_SIZE(33)];
            const Xuelian__Node *node = member->nodes[k];
            hex_encode(key, node->key.data, node->key.len);
            printf("  %6" PRIu32 " %s %s %s\n", member->id, key,
                   node->n_addresses > 0 ? node->addresses[0] : "-",
                   lang_get() == LANG_ZH || member->name_en[0] == '\0' ? member->name_zh
                                                                       : member->name_en);
        }
    }
}

static void show_recovery(const struct genesis *genesis)
{
    const Xuelian__Genesis *message = genesis->message;
    if (message->n_recovery_keys == 0) {
        printf("%-12s %s\n", tr("recovery", "网络恢复"),
               tr("none: what more than f lost validators stop stands still for ever",
                  "无：丢失的验证者超过 f 个时，网络永远停止"));
        return;
    }
    printf(tr("%-12s %u of %zu keys\n", "%-12s %u（共 %zu 个密钥）\n"), tr("recovery", "网络恢复"),
           (unsigned)message->recovery_threshold, message->n_recovery_keys);
    for (size_t i = 0; i < message->n_recovery_keys; i++) {
        char key[HEX_SIZE(33)];
        hex_encode(key, message->recovery_keys[i]->key.data, 33);
        printf("  %6zu %s %s\n", i + 1, key, message->recovery_keys[i]->holder);
    }
}

static void show_json(const struct genesis *genesis, const char *chain)
{
    const Xuelian__Genesis *message = genesis->message;
    json_t *members = json_array();
    for (size_t i = 0; i < message->n_members; i++) {
        char kind[NAME_SIZE];
        const Xuelian__Member *member = message->members[i];
        json_t *nodes = json_array();
        for (size_t k = 0; k < member->n_nodes; k++) {
            char key[HEX_SIZE(33)];
            hex_encode(key, member->nodes[k]->key.data, member->nodes[k]->key.len);
            json_array_append_new(nodes, json_string(key));
        }
        name_format(&xuelian__member_kind__descriptor, "MEMBER_KIND_", (uint32_t)member->kind,
                    kind);
        json_array_append_new(members,
                              json_pack("{s:I, s:s, s:s, s:s, s:o}", "id", (json_int_t)member->id,
                                        "kind", kind, "name_zh", member->name_zh, "name_en",
                                        member->name_en, "nodes", nodes));
    }
    json_print(json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "network",
                         message->network, "chain_id", chain, "time_ms",
                         (json_int_t)message->time_ms, "validators", (json_int_t)genesis->set.count,
                         "courses", (json_int_t)message->n_courses, "regions",
                         (json_int_t)message->n_regions, "rules", (json_int_t)message->n_rules,
                         "catalogue", (json_int_t)message->n_catalogue, "members", members));
}

static int genesis_show(int argc, char **argv)
{
    struct genesis genesis = {.message = NULL};
    char chain[HEX_SIZE(32)];
    int code = EXIT_OK;
    if (!open_genesis("Shows what a genesis file says.|显示创世文件的内容。", &genesis, &code, argc,
                      argv)) {
        return code;
    }
    hex_encode(chain, genesis.chain_id.bytes, 32);
    if (json_wanted()) {
        show_json(&genesis, chain);
    } else {
        show_text(&genesis, chain);
        show_recovery(&genesis);
    }
    genesis_free(&genesis);
    return EXIT_OK;
}

static int genesis_check(int argc, char **argv)
{
    struct genesis genesis = {.message = NULL};
    char chain[HEX_SIZE(32)];
    int code = EXIT_OK;
    if (!open_genesis("Checks a genesis file as a node does, and prints the chain id to compare.|"
                      "像节点一样检查创世文件，并打印供核对的链编号。",
                      &genesis, &code, argc, argv)) {
        return code;
    }
    hex_encode(chain, genesis.chain_id.bytes, 32);
    if (json_wanted()) {
        json_print(json_pack("{s:b, s:s}", "correct", 1, "chain_id", chain));
    } else {
        printf(tr("correct: chain %s, %u validators\n", "正确：链 %s，%u 个验证者\n"), chain,
               (unsigned)genesis.set.count);
    }
    genesis_free(&genesis);
    return EXIT_OK;
}

int command_genesis(int argc, char **argv)
{
    static const struct command table[] = {
        {"show", "show what it says", "显示内容", genesis_show},
        {"check", "check it as a node does", "像节点一样检查", genesis_check},
        {NULL, NULL, NULL, NULL},
    };
    return command_dispatch(table, "The genesis file of a network.|网络的创世文件。", argc, argv);
}
