/* xuelian tx: any kind of transaction, made, signed, shown and sent. */
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/hands.h"
#include "cli/payload.h"
#include "cli/submit.h"
#include "cli/tx_file.h"
#include "proto/bytes.h"
#include "proto/json/json.h"

enum { WORDS_MAX = 64, SEND_WAIT_MS = 60000 };

struct tx_values {
    struct connection_values connection;
    const char *payload;
    const char *out;
    struct hands_values hands;
    unsigned long long valid_until;
    const char *words[WORDS_MAX];
    uint32_t word_count;
};

#define KEY_OPTIONS                                                                      \
    {"key", 'K', "FILE", 0, "sign with the key of this file|使用该文件中的密钥签名", 0}, \
    {                                                                                    \
        "passphrase-file", 'P', "FILE", 0,                                               \
            "take its passphrase from the first line|口令取自文件首行", 0                \
    }

static const struct argp_option new_options[] = {
    {"payload", 'p', "FILE", 0,
     "take the fields from a YAML or JSON file|从 YAML 或 JSON 文件读取字段", 0},
    {"member", 'm', "N[:KEY]", 0,
     "member N signs; KEY: its public key, when its private key is elsewhere; may be repeated|"
     "机构 N 签名；若私钥在别处，给出其公钥 KEY；可重复",
     0},
    {"learner", 'l', "ID[:KEY]", 0,
     "the learner signs, with --key FILE or elsewhere with public key KEY|"
     "学习者签名：用 --key FILE，或在别处用公钥 KEY",
     0},
    KEY_OPTIONS,
    {"valid-until", 'V', "HEIGHT", 0, "last block height at which it may be recorded|最晚入块高度",
     0},
    {"out", 'o', "FILE", 0,
     "save it for other signers instead of sending it|保存供他人签名，而不发送", 0},
    {"keys", OPTION_KEYS, "DIR", 0, "folder of the members' keys|机构密钥目录", 1},
    CONNECTION_OPTIONS,
    {0},
};
static const struct argp_option sign_options[] = {
    KEY_OPTIONS,
    {"member", 'm', "N", 0,
     "sign as member N with the key in --keys|以机构 N 的密钥签名（需要 --keys）", 0},
    {"keys", OPTION_KEYS, "DIR", 0, "folder of the members' keys|机构密钥目录", 1},
    {"network", OPTION_NETWORK, "DIR", 0, "a network's folder|网络目录", 1},
    {0},
};
static const struct argp_option send_options[] = {CONNECTION_OPTIONS, {0}};

static bool take_signer(struct tx_values *chosen, bool learner, const char *text,
                        struct fault *fault)
{
    if (chosen->hands.signer_count == LIMIT_SIGNERS_MAX) {
        return fault_set(fault, EXIT_USAGE, "a transaction has at most %d signers",
                         "一笔交易最多 %d 个签名人", LIMIT_SIGNERS_MAX);
    }
    chosen->hands.signers[chosen->hands.signer_count++] = (struct signer_word){learner, text};
    return true;
}

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct tx_values *chosen = values;
    switch (key) {
    case 'p':
        chosen->payload = text;
        return true;
    case 'o':
        chosen->out = text;
        return true;
    case 'K':
        chosen->hands.key = text;
        return true;
    case 'P':
        chosen->hands.passphrase_file = text;
        return true;
    case 'm':
        return take_signer(chosen, false, text, fault);
    case 'l':
        return take_signer(chosen, true, text, fault);
    case 'V':
        return parse_u64(text, UINT64_MAX, &chosen->valid_until) ||
               fault_set(fault, EXIT_USAGE, "--valid-until is a block height, not %s",
                         "--valid-until 应为区块高度，而不是 %s", text);
    default:
        if (connection_set(&chosen->connection, key, text, fault)) {
            return true;
        }
        if (fault->code != EXIT_OK || chosen->word_count == WORDS_MAX) {
            return fault->code == EXIT_OK ? argument_unexpected(text, fault) : false;
        }
        chosen->words[chosen->word_count++] = text;
        return true;
    }
}

/* ---- Making ---- */

static bool read_payload(const struct tx_values *values, const struct tx_kind *kind,
                         struct keyring *keyring, struct payload *payload, struct fault *fault)
{
    json_t *value = NULL;
    if (values->payload == NULL) {
        value = json_object();
    } else if (!payload_file(values->payload, &value, fault)) {
        return false;
    }
    bool fine = true;
    for (uint32_t i = 1; i < values->word_count && fine; i++) {
        fine = json_is_object(value)
                   ? payload_word(value, kind->item, values->words[i], fault)
                   : fault_set(fault, EXIT_USAGE, "fields cannot be added to a list: %s",
                               "不能向列表添加字段：%s", values->words[i]);
    }
    fine = fine && payload_make(payload, kind, value, keyring, values->payload, fault);
    json_decref(value);
    return fine;
}

/* Half the window from here: time to collect signatures, and still forgotten soon. */
static bool choose_height(const struct tx_values *values, struct client *client,
                          struct tx_draft *draft, struct fault *fault)
{
    struct network_tip tip;
    draft->valid_until = values->valid_until;
    if (draft->valid_until != 0) {
        return true;
    }
    if (!network_tip_ask(client, &tip, fault)) {
        return false;
    }
    draft->valid_until = tip.height + tip.validity_window / 2;
    return true;
}

static bool build(const struct tx_draft *draft, const struct hands *hands, struct tx_file *file,
                  struct fault *fault)
{
    uint8_t *body = NULL;
    size_t size = 0;
    struct hash32 id;
    enum status status = tx_build(draft, &body, &size, &id);
    if (status != ST_OK) {
        return fault_set(fault, EXIT_USAGE, "the transaction cannot be built: %s%.0s",
                         "无法生成交易：%.0s%s", status_en(status), status_zh(status));
    }
    bool fine = tx_file_make(file, bytes_of(body, size), draft->signer_count, fault);
    for (uint32_t i = 0; i < draft->signer_count && fine; i++) {
        fine = hands->keys[i] == NULL || tx_file_sign(file, hands->keys[i], fault);
        if (!fine) {
            tx_file_free(file);
        }
    }
    free(body);
    return fine;
}

static bool make(const struct tx_values *values, const struct connection *connection,
                 struct tx_file *file, struct fault *fault)
{
    static struct payload payload;
    struct tx_draft draft = {.chain_id = connection->genesis.chain_id};
    struct hands hands = {.keyring = NULL};
    const struct tx_kind *kind = NULL;
    if (!payload_kind(values->words[0], &kind, fault)) {
        return false;
    }
    bool fine = hands_find(&hands, &values->hands, connection->keys, &draft, fault) &&
                read_payload(values, kind, hands.keyring, &payload, fault);
    if (fine) {
        draft.kind = kind->kind;
        draft.items = payload.items;
        draft.item_count = payload.count;
        fine = choose_height(values, connection->client, &draft, fault) &&
               (RAND_bytes(draft.nonce.bytes, sizeof draft.nonce.bytes) == 1 ||
                fault_set(fault, EXIT_IO, "the system gives no random numbers",
                          "系统无法提供随机数")) &&
               build(&draft, &hands, file, fault);
        payload_free(&payload);
    }
    hands_free(&hands);
    return fine;
}

/* ---- Sending ---- */

static int print_result(const struct tx_file *file, const struct submit_result *result)
{
    char id[HEX_SIZE(32)];
    enum status code = (enum status)result->code;
    uint32_t refused = result->code != ST_OK;
    hex_encode(id, file->tx.id.bytes, 32);
    for (uint32_t i = 0; i < result->item_code_count; i++) {
        refused += result->item_codes[i] != ST_OK;
    }
    if (json_wanted()) {
        json_t *codes = json_array();
        for (uint32_t i = 0; i < result->item_code_count; i++) {
            json_array_append_new(codes, json_integer(result->item_codes[i]));
        }
        json_print(json_pack("{s:s, s:o, s:i, s:s, s:o}", "id", id, "height",
                             json_of_u64(result->height), "code", (int)result->code, "name",
                             status_name(code), "item_codes", codes));
        return refused == 0 ? EXIT_OK : EXIT_REFUSED;
    }
    printf(tr("transaction %s\nin block %" PRIu64 ": %s\n", "交易 %s\n已入块 %" PRIu64 "：%s\n"),
           id, result->height,
           result->code == ST_OK ? tr("done", "成功")
                                 : (lang_get() == LANG_ZH ? status_zh(code) : status_en(code)));
    for (uint32_t i = 0; i < result->item_code_count; i++) {
        enum status item = (enum status)result->item_codes[i];
        if (item != ST_OK) {
            printf(tr("item %u: %s (%s)\n", "第 %u 项：%s（%s）\n"), i + 1,
                   lang_get() == LANG_ZH ? status_zh(item) : status_en(item), status_name(item));
        }
    }
    return refused == 0 ? EXIT_OK : EXIT_REFUSED;
}

static int send_file(const struct tx_file *file, const struct connection *connection)
{
    static struct submit_result result;
    struct fault fault;
    if (!tx_file_complete(file)) {
        fault_set(&fault, EXIT_USAGE,
                  "not every signer has signed; save it with --out FILE, and let them sign with: "
                  "xuelian tx sign FILE",
                  "尚有签名人未签名；请用 --out FILE 保存，再由其用 xuelian tx sign FILE 签名");
        return fault_print(&fault);
    }
    return submit_wait(connection->client, &file->tx, SEND_WAIT_MS, &result, &fault)
               ? print_result(file, &result)
               : fault_print(&fault);
}

static int save_file(const struct tx_file *file, const char *path)
{
    struct fault fault;
    if (!tx_file_write(file, path, &fault)) {
        return fault_print(&fault);
    }
    if (json_wanted()) {
        json_print(tx_file_json(file));
        return EXIT_OK;
    }
    uint32_t missing = 0;
    for (uint32_t i = 0; i < file->tx.signer_count; i++) {
        missing += !file->signed_by[i];
    }
    printf(tr("saved: %s, %u of %u signatures; next: xuelian tx %s %s\n",
              "已保存：%s，%u/%u 个签名；下一步：xuelian tx %s %s\n"),
           path, file->tx.signer_count - missing, file->tx.signer_count,
           missing > 0 ? "sign" : "send", path);
    return EXIT_OK;
}

static int tx_new(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = new_options,
        .arguments = "KIND [FIELD=VALUE...]",
        .text = "Makes a transaction, signs it and sends it, or saves it for other signers.|"
                "生成交易并签名、发送，或保存供他人签名。",
        .set = set};
    struct tx_values values = {.payload = NULL};
    struct connection connection;
    struct tx_file file;
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.word_count == 0) {
        fault_set(&fault, EXIT_USAGE, "which kind? One of: xuelian tx kinds",
                  "哪类交易？请看：xuelian tx kinds");
        return fault_print(&fault);
    }
    if (values.hands.signer_count == 0) {
        fault_set(&fault, EXIT_USAGE, "who signs? Give --member N or --learner ID",
                  "由谁签名？请给出 --member N 或 --learner ID");
        return fault_print(&fault);
    }
    bool offline = values.out != NULL && values.valid_until != 0;
    if (!connection_open(&connection, &values.connection, true, !offline, &fault)) {
        return fault_print(&fault);
    }
    if (!make(&values, &connection, &file, &fault)) {
        code = fault_print(&fault);
    } else {
        code = values.out != NULL ? save_file(&file, values.out) : send_file(&file, &connection);
        tx_file_free(&file);
    }
    connection_close(&connection);
    return code;
}

/* The one file of sign, send and show. */
static bool one_file(const struct tx_values *values, struct fault *fault)
{
    return values->word_count == 1 ||
           fault_set(fault, EXIT_USAGE, "which transaction? Give one file of xuelian tx new --out",
                     "哪笔交易？请给出一个由 xuelian tx new --out 保存的文件");
}

static int tx_sign(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = sign_options,
        .arguments = "FILE",
        .text = "Adds a signature to a saved transaction. Look at it first: xuelian tx show FILE.|"
                "为已保存的交易添加签名。请先查看：xuelian tx show FILE。",
        .set = set};
    struct tx_values values = {.payload = NULL};
    struct connection connection = {.genesis_data = NULL};
    struct hands hands = {.keyring = NULL};
    struct tx_draft draft = {.signer_count = 0};
    struct tx_file file;
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (values.hands.signer_count == 0 && values.hands.key != NULL) {
        values.hands.signers[values.hands.signer_count++] = (struct signer_word){false, "1"};
    }
    if (!one_file(&values, &fault) ||
        (values.hands.signer_count == 0 &&
         !fault_set(&fault, EXIT_USAGE, "with which key? Give --key FILE, or --member N --keys DIR",
                    "用哪个密钥？请给出 --key FILE，或 --member N --keys DIR")) ||
        !connection_open(&connection, &values.connection, false, false, &fault)) {
        return fault_print(&fault);
    }
    const char *folder = values.hands.key != NULL ? "" : connection.keys;
    bool fine = hands_find(&hands, &values.hands, folder, &draft, &fault) &&
                tx_file_read(&file, values.words[0], &fault);
    if (fine) {
        for (uint32_t i = 0; i < values.hands.signer_count && fine; i++) {
            fine = hands.keys[i] == NULL || tx_file_sign(&file, hands.keys[i], &fault);
        }
        code = fine ? save_file(&file, values.words[0]) : fault_print(&fault);
        tx_file_free(&file);
    } else {
        code = fault_print(&fault);
    }
    hands_free(&hands);
    connection_close(&connection);
    return code;
}

static int tx_send(int argc, char **argv)
{
    const struct command_spec spec = {.options = send_options,
                                      .arguments = "FILE",
                                      .text = "Sends a saved transaction and waits for its block.|"
                                              "发送已保存的交易并等待入块。",
                                      .set = set};
    struct tx_values values = {.payload = NULL};
    struct connection connection;
    struct tx_file file;
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!one_file(&values, &fault) ||
        !connection_open(&connection, &values.connection, true, true, &fault)) {
        return fault_print(&fault);
    }
    if (tx_file_read(&file, values.words[0], &fault)) {
        code = send_file(&file, &connection);
        tx_file_free(&file);
    } else {
        code = fault_print(&fault);
    }
    connection_close(&connection);
    return code;
}

static int show_state(const char *hex, const struct connection *connection)
{
    char path[128];
    struct fault fault;
    struct client_answer answer;
    snprintf(path, sizeof path, "/v1/transactions/%.64s", hex);
    const struct client_request request = {.path = path};
    if (!client_ask_any(connection->client, &request, &answer, &fault)) {
        return fault_print(&fault);
    }
    json_t *said = json_loadb(answer.body, answer.body_size, JSON_REJECT_DUPLICATES, NULL);
    int code = EXIT_OK;
    if (answer.http_status != 200 || !json_is_object(said)) {
        client_problem(&answer, &fault);
        code = fault_print(&fault);
        json_decref(said);
    } else {
        json_print(said);
    }
    client_answer_free(&answer);
    return code;
}

static int tx_show(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = send_options,
        .arguments = "FILE|ID",
        .text =
            "Shows what a saved transaction says and who has signed it, or asks a node what became "
            "of an id.|显示已保存交易的内容与签名情况，或向节点查询某编号的状态。",
        .set = set};
    struct tx_values values = {.payload = NULL};
    struct connection connection;
    struct tx_file file;
    struct hash32 id;
    struct fault fault;
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if (!one_file(&values, &fault)) {
        return fault_print(&fault);
    }
    if (hex_decode(id.bytes, 32, values.words[0], strlen(values.words[0])) == ST_OK) {
        if (!connection_open(&connection, &values.connection, true, true, &fault)) {
            return fault_print(&fault);
        }
        code = show_state(values.words[0], &connection);
        connection_close(&connection);
        return code;
    }
    if (!tx_file_read(&file, values.words[0], &fault)) {
        return fault_print(&fault);
    }
    json_print(tx_file_json(&file));
    tx_file_free(&file);
    return EXIT_OK;
}

static const struct command subcommands[] = {
    {"kinds", "list the kinds of transactions", "列出交易类型", tx_kinds},
    {"fields", "show the fields of a kind", "显示某类交易的字段", tx_fields},
    {"new", "make, sign and send one", "生成、签名并发送交易", tx_new},
    {"sign", "add a signature to a saved one", "为已保存的交易签名", tx_sign},
    {"send", "send a saved one", "发送已保存的交易", tx_send},
    {"show", "show a saved one, or the state of an id", "显示已保存的交易或查询状态", tx_show},
    {NULL, NULL, NULL, NULL},
};

int command_tx(int argc, char **argv)
{
    return command_dispatch(
        subcommands,
        "Transactions of every kind: made from fields, signed by one or several, "
        "sent to the network.|各类交易：由字段生成，由一方或多方签名，发送到网络。",
        argc, argv);
}
