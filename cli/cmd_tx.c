/* xuelian tx: any kind of transaction, made, signed, shown and sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/maker.h"
#include "cli/newest.h"
#include "proto/bytes.h"
#include "proto/json/json.h"

enum { WORDS_MAX = 64 };

struct tx_values {
    struct connection_values connection;
    const char *payload;
    struct maker_values maker;
    const struct tx_kind *kind;
    const char *words[WORDS_MAX];
    uint32_t word_count;
    const struct connection *network; /* once it is open */
};

static const struct argp_option new_options[] = {
    {"payload", 'p', "FILE", 0,
     "take the fields from a YAML or JSON file|从 YAML 或 JSON 文件读取字段", 0},
    {"learner", 'l', "ID[:KEY]", 0,
     "the learner signs, with --key FILE or elsewhere with public key KEY|"
     "学习者签名：用 --key FILE，或在别处用公钥 KEY",
     0},
    MAKER_OPTIONS,
    CONNECTION_OPTIONS,
    {0},
};
static const struct argp_option sign_options[] = {
    MAKER_KEY_OPTIONS,
    {"member", 'm', "N", 0,
     "sign as member N with the key in --keys|以机构 N 的密钥签名（需要 --keys）", 0},
    {"keys", OPTION_KEYS, "DIR", 0, "folder of the members' keys|机构密钥目录", 1},
    {"network", OPTION_NETWORK, "DIR", 0, "a network's folder|网络目录", 1},
    {0},
};
static const struct argp_option send_options[] = {CONNECTION_OPTIONS, {0}};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct tx_values *chosen = values;
    switch (key) {
    case 'p':
        chosen->payload = text;
        return true;
    case 'l':
        return maker_signer(&chosen->maker, true, text, fault);
    default:
        if (maker_set(&chosen->maker, key, text, fault) ||
            (fault->code == EXIT_OK && connection_set(&chosen->connection, key, text, fault))) {
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

static bool read_payload(void *context, struct keyring *keyring, struct payload *payload,
                         struct fault *fault)
{
    const struct tx_values *values = context;
    const struct tx_kind *kind = values->kind;
    json_t *value = NULL;
    if (values->payload == NULL) {
        value = json_object();
    } else if (!payload_file(values->payload, &value, fault)) {
        return false;
    }
    bool fine = true;
    for (uint32_t i = 1; i < values->word_count && fine; i++) {
        bool taken = false;
        fine = json_is_object(value)
                   ? details_word(value, values->words[i], &taken, fault) &&
                         (taken || payload_word(value, kind->item, values->words[i], fault))
                   : fault_set(fault, EXIT_USAGE, "fields cannot be added to a list: %s",
                               "不能向列表添加字段：%s", values->words[i]);
    }
    static struct details_list details;
    details.count = 0;
    fine = fine && payload_learners(value, keyring, fault) &&
           newest_resolve(value, values->network, fault) &&
           details_take(value, values->payload, &details, fault) &&
           payload_make(payload, kind, value, values->payload, fault);
    if (fine) {
        payload->details = details;
    } else {
        details_list_free(&details);
    }
    json_decref(value);
    return fine;
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
    const struct maker_payload payload = {.read = read_payload, .context = &values};
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
    if (values.maker.hands.signer_count == 0) {
        fault_set(&fault, EXIT_USAGE, "who signs? Give --member N or --learner ID",
                  "由谁签名？请给出 --member N 或 --learner ID");
        return fault_print(&fault);
    }
    bool offline = values.maker.out != NULL && values.maker.valid_until != 0;
    if (!connection_open(&connection, &values.connection, true, !offline, &fault)) {
        return fault_print(&fault);
    }
    values.network = &connection;
    code = payload_kind(values.words[0], &values.kind, &fault)
               ? maker_run(&values.maker, values.kind, &payload, &connection)
               : fault_print(&fault);
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
    if (values.maker.hands.signer_count == 0 && values.maker.hands.key != NULL) {
        values.maker.hands.signers[values.maker.hands.signer_count++] =
            (struct signer_word){false, "1"};
    }
    if (!one_file(&values, &fault) ||
        (values.maker.hands.signer_count == 0 &&
         !fault_set(&fault, EXIT_USAGE, "with which key? Give --key FILE, or --member N --keys DIR",
                    "用哪个密钥？请给出 --key FILE，或 --member N --keys DIR")) ||
        !connection_open(&connection, &values.connection, false, false, &fault)) {
        return fault_print(&fault);
    }
    const char *folder = values.maker.hands.key != NULL ? "" : connection.keys;
    bool fine = hands_find(&hands, &values.maker.hands, folder, &draft, &fault) &&
                tx_file_read(&file, values.words[0], &fault);
    if (fine) {
        for (uint32_t i = 0; i < values.maker.hands.signer_count && fine; i++) {
            fine = hands.keys[i] == NULL || tx_file_sign(&file, hands.keys[i], &fault);
        }
        code = fine ? maker_save(&file, values.words[0]) : fault_print(&fault);
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
        code = maker_send(&file, &connection);
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
