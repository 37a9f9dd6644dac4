/* xuelian archive: one learner's archive, with its proof checked before anything is shown. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/details.h"
#include "cli/maker.h"
#include "cli/proof.h"
#include "cli/reader.h"
#include "cli/secret.h"
#include "proto/bytes.h"
#include "proto/ledger.pb-c.h"

struct archive_values {
    struct connection_values connection;
    struct reader_values reader;
    const char *learner;
    const char *number;
    const char *proof;
    const char *disclose;
    unsigned long long max_age_ms;
};

static const struct argp_option options[] = {
    {"number", 'n', "NS:VALUE", 0, "the learner's number; needs --keys|学习者号码；需要 --keys", 0},
    {"proof", 'p', "FILE", 0, "save the proof there|保存证明", 0},
    {"disclose", 'd', "NAMES", 0,
     "show these details: all, or title,score,...|出示这些明细：all 或 title,score,…", 0},
    {"max-age", 'a', "TIME", 0, "refuse an older answer: 90s, 15m, 12h, 1d|拒绝更早的应答", 0},
    READER_OPTIONS,
    MAKER_KEY_OPTIONS,
    {"keys", OPTION_KEYS, "DIR", 0,
     "folder with identity.key and the members' keys|含 identity.key 与机构密钥的目录", 1},
    CONNECTION_OPTIONS,
    {0},
};

static bool set(void *values, int key, const char *text, struct fault *fault)
{
    struct archive_values *chosen = values;
    switch (key) {
    case 'n':
        chosen->number = text;
        return true;
    case 'p':
        chosen->proof = text;
        return true;
    case 'd':
        chosen->disclose = text;
        return disclosure_check(text, fault);
    case 'a':
        return parse_duration_ms(text, &chosen->max_age_ms) ||
               fault_set(fault, EXIT_USAGE, "--max-age is a number and s, m, h or d, not %s",
                         "--max-age 应为数字加 s、m、h 或 d，而不是 %s", text);
    default:
        if (reader_set(&chosen->reader, key, text, fault) ||
            connection_set(&chosen->connection, key, text, fault)) {
            return true;
        }
        if (fault->code != EXIT_OK || chosen->learner != NULL) {
            return fault->code == EXIT_OK ? argument_unexpected(text, fault) : false;
        }
        chosen->learner = text;
        return true;
    }
}

/* The learner id, given as it is or as a number that the identity key turns into it. */
static bool find_learner(const struct archive_values *values, const struct connection *connection,
                         struct hash32 *learner, struct fault *fault)
{
    char name_space[64];
    struct keyring *keyring = NULL;
    const struct hash32 *identity = NULL;
    if (values->learner != NULL) {
        return hex_decode(learner->bytes, 32, values->learner, strlen(values->learner)) == ST_OK ||
               fault_set(fault, EXIT_USAGE, "a learner id is 64 hex characters, not %.80s",
                         "学习者编号为 64 个十六进制字符，而不是 %.80s", values->learner);
    }
    const char *colon = strchr(values->number, ':');
    if (colon == NULL || colon == values->number || colon[1] == '\0' ||
        (size_t)(colon - values->number) >= sizeof name_space) {
        return fault_set(fault, EXIT_USAGE, "--number is a namespace, a colon and a number, not %s",
                         "--number 应为“命名空间:号码”，而不是 %s", values->number);
    }
    snprintf(name_space, sizeof name_space, "%.*s", (int)(colon - values->number), values->number);
    bool found =
        connection->keys[0] != '\0'
            ? keyring_open(&keyring, connection->keys, fault) &&
                  keyring_identity(keyring, &identity, fault)
            : fault_set(fault, EXIT_USAGE, "a number needs the identity key: give --keys DIR",
                        "使用号码需要身份密钥：请给出 --keys DIR");
    if (found) {
        learner_id(learner, identity, name_space, colon + 1);
    }
    keyring_free(keyring);
    return found;
}

static bool fetch_proof(const struct connection *connection, const struct hash32 *learner,
                        const char *what, struct client_answer *answer, struct fault *fault)
{
    char path[160 + DISCLOSURE_SIZE];
    char id[HEX_SIZE(32)];
    hex_encode(id, learner->bytes, 32);
    snprintf(path, sizeof path, "/v1/accounts/%s/%s", id, what);
    const struct client_request request = {
        .path = path, .accept = "application/x-protobuf", .personal = true};
    return client_ask_any(connection->client, &request, answer, fault);
}

/* "No such account" is believed with its proof only. */
static void tell_absence(const struct archive_values *values, const struct connection *connection,
                         const struct hash32 *learner, struct fault *fault)
{
    struct client_answer answer = {.reached = false};
    struct proof_check check;
    struct bytes genesis = bytes_of(connection->genesis_data, connection->genesis_size);
    char id[HEX_SIZE(32)];
    hex_encode(id, learner->bytes, 32);
    if (!fetch_proof(connection, learner, "absence/proof", &answer, fault) ||
        !proof_check(&check, genesis, bytes_of(answer.body, answer.body_size), values->max_age_ms,
                     fault)) {
        client_answer_free(&answer);
        return;
    }
    const struct verify_result *result = &check.result;
    bool proved = answer.http_status == 200 && result->status == ST_OK &&
                  result->kind == VERIFY_ABSENCE &&
                  result->collection == XUELIAN__COLLECTION__COLLECTION_ACCOUNTS &&
                  bytes_equal(result->natural_key, bytes_of(learner, 32));
    if (proved) {
        fault_set(fault, EXIT_REFUSED,
                  "the network has no account of learner %s: proved for height %" PRIu64
                  ", signed by %u of %u validators; check the id, or open the account",
                  "网络中没有学习者 %s 的账户：已证明至高度 %" PRIu64
                  "，由 %u/%u 个验证者签名；请核对编号或先建档",
                  id, result->height, (unsigned)result->signer_count, (unsigned)result->set_size);
    } else {
        fault_set(fault, EXIT_REFUSED,
                  "the node says that there is no account of learner %s but does not prove it; ask "
                  "another node",
                  "节点称没有学习者 %s 的账户，但未能证明；请询问其他节点", id);
    }
    proof_check_free(&check);
    client_answer_free(&answer);
}

static bool fetch_archive(const struct archive_values *values, const struct connection *connection,
                          const struct hash32 *learner, struct client_answer *answer,
                          struct fault *fault)
{
    char what[DISCLOSURE_SIZE + 64];
    snprintf(what, sizeof what, "archive/proof?issuer=1%s%s",
             values->disclose != NULL ? "&disclose=" : "",
             values->disclose != NULL ? values->disclose : "");
    if (!fetch_proof(connection, learner, what, answer, fault)) {
        return false;
    }
    if (answer->http_status == 200) {
        return true;
    }
    uint32_t code = client_problem(answer, fault);
    client_answer_free(answer);
    reading_explain(code, fault);
    if (code == ST_NOT_FOUND || code == ST_UNKNOWN_ACCOUNT) {
        tell_absence(values, connection, learner, fault);
    }
    return false;
}

/* A node is believed only as far as its proof goes. */
static int show(const struct archive_values *values, const struct connection *connection,
                const struct hash32 *learner, const struct client_answer *answer)
{
    struct proof_check check;
    struct fault fault;
    struct bytes genesis = bytes_of(connection->genesis_data, connection->genesis_size);
    struct bytes proof = bytes_of(answer->body, answer->body_size);
    if (!proof_check(&check, genesis, proof, values->max_age_ms, &fault)) {
        return fault_print(&fault);
    }
    const struct verify_result *result = &check.result;
    int code = EXIT_REFUSED;
    if (result->status != ST_OK) {
        proof_print_report(result);
    } else if (result->kind != VERIFY_ARCHIVE || !hash32_equal(&result->learner, learner)) {
        fault_set(&fault, EXIT_REFUSED,
                  "the node sent a proof of something else than this archive; ask another node",
                  "节点发来的证明不是此档案的；请询问其他节点");
        code = fault_print(&fault);
    } else {
        proof_print_report(result);
        code = EXIT_OK;
    }
    if (code == EXIT_OK && values->proof != NULL) {
        if (!file_write(values->proof, proof.data, proof.size, 0644, true, &fault)) {
            code = fault_print(&fault);
        } else if (!json_wanted()) {
            printf(tr("proof saved: %s, %zu bytes\n", "证明已保存：%s，%zu 字节\n"), values->proof,
                   proof.size);
        }
    }
    proof_check_free(&check);
    return code;
}

int command_archive(int argc, char **argv)
{
    const struct command_spec spec = {
        .options = options,
        .arguments = "[LEARNER]",
        .text = "Gets a learner's whole archive, checks its proof, shows it and saves the proof.|"
                "获取学习者完整档案，检查其证明，显示并保存证明。",
        .set = set};
    struct archive_values values = {.learner = NULL};
    struct connection connection;
    struct fault fault;
    struct hash32 learner;
    struct client_answer answer = {.reached = false};
    struct reading reading = {.hands = {.keyring = NULL}};
    int code = command_parse(&spec, &values, argc, argv);
    if (code != COMMAND_GOES_ON) {
        return code;
    }
    if ((values.learner == NULL) == (values.number == NULL)) {
        fault_set(&fault, EXIT_USAGE, "whose archive? Give a learner id, or --number NS:VALUE",
                  "谁的档案？请给出学习者编号，或 --number NS:VALUE");
        return fault_print(&fault);
    }
    if (!connection_open(&connection, &values.connection, true, true, &fault)) {
        return fault_print(&fault);
    }
    if (find_learner(&values, &connection, &learner, &fault) &&
        reading_open(&reading, &values.reader, &connection, &learner, &fault) &&
        fetch_archive(&values, &connection, &learner, &answer, &fault)) {
        code = show(&values, &connection, &learner, &answer);
    } else {
        code = fault_print(&fault);
    }
    client_answer_free(&answer);
    connection_close(&connection);
    reading_close(&reading);
    return code;
}
