#include "cli/maker.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/submit.h"
#include "proto/bytes.h"
#include "proto/json/json.h"

enum { SEND_WAIT_MS = 60000 };

bool maker_signer(struct maker_values *values, bool learner, const char *text, struct fault *fault)
{
    if (values->hands.signer_count == LIMIT_SIGNERS_MAX) {
        return fault_set(fault, EXIT_USAGE, "a transaction has at most %d signers",
                         "一笔交易最多 %d 个签名人", LIMIT_SIGNERS_MAX);
    }
    values->hands.signers[values->hands.signer_count++] = (struct signer_word){learner, text};
    return true;
}

bool maker_set(struct maker_values *values, int key, const char *text, struct fault *fault)
{
    fault->code = EXIT_OK;
    switch (key) {
    case 'o':
        values->out = text;
        return true;
    case 'K':
        values->hands.key = text;
        return true;
    case 'P':
        values->hands.passphrase_file = text;
        return true;
    case 'm':
        return maker_signer(values, false, text, fault);
    case 'V':
        return parse_u64(text, UINT64_MAX, &values->valid_until) ||
               fault_set(fault, EXIT_USAGE, "--valid-until is a block height, not %s",
                         "--valid-until 应为区块高度，而不是 %s", text);
    default:
        return false;
    }
}

/* ---- Making ---- */

/* Half the window from here: time to collect signatures, and still forgotten soon. */
static bool choose_height(const struct maker_values *values, struct client *client,
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

static bool build(const struct tx_draft *draft, const struct details_list *details,
                  const struct hands *hands, struct tx_file *file, struct fault *fault)
{
    uint8_t *body = NULL;
    size_t size = 0;
    struct hash32 id;
    enum status status = tx_build(draft, &body, &size, &id);
    if (status != ST_OK) {
        return fault_set(fault, EXIT_USAGE, "the transaction cannot be built: %s%.0s",
                         "无法生成交易：%.0s%s", status_en(status), status_zh(status));
    }
    bool fine = tx_file_make(file, bytes_of(body, size), draft->signer_count, details, fault);
    for (uint32_t i = 0; i < draft->signer_count && fine; i++) {
        fine = hands->keys[i] == NULL || tx_file_sign(file, hands->keys[i], fault);
        if (!fine) {
            tx_file_free(file);
        }
    }
    free(body);
    return fine;
}

static bool make(const struct maker_values *values, const struct tx_kind *kind,
                 const struct maker_payload *from, const struct connection *connection,
                 struct tx_file *file, struct fault *fault)
{
    static struct payload payload;
    struct tx_draft draft = {.chain_id = connection->genesis.chain_id};
    struct hands hands = {.keyring = NULL};
    bool fine = hands_find(&hands, &values->hands, connection->keys, &draft, fault);
    if (fine && hands.keys[0] != NULL && connection->client != NULL) {
        /* What a payload needs of an archive is read as who signs first. */
        client_read_as(connection->client, draft.signers[0].member, &draft.signers[0].learner,
                       hands.keys[0]);
    }
    fine = fine && from->read(from->context, hands.keyring, &payload, fault);
    if (fine) {
        draft.kind = kind->kind;
        draft.items = payload.items;
        draft.item_count = payload.count;
        fine = choose_height(values, connection->client, &draft, fault) &&
               (RAND_bytes(draft.nonce.bytes, sizeof draft.nonce.bytes) == 1 ||
                fault_set(fault, EXIT_IO, "the system gives no random numbers",
                          "系统无法提供随机数")) &&
               build(&draft, &payload.details, &hands, file, fault);
        payload_free(&payload);
    }
    if (connection->client != NULL) {
        client_read_as(connection->client, 0, &draft.signers[0].learner, NULL);
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

int maker_send(const struct tx_file *file, const struct connection *connection)
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
    uint8_t *parcel = NULL;
    size_t size = 0;
    tx_file_parcel(file, &parcel, &size);
    bool sent = submit_wait(connection->client, &file->tx, bytes_of(parcel, size), SEND_WAIT_MS,
                            &result, &fault);
    free(parcel);
    return sent ? print_result(file, &result) : fault_print(&fault);
}

int maker_save(const struct tx_file *file, const char *path)
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

int maker_run(const struct maker_values *values, const struct tx_kind *kind,
              const struct maker_payload *payload, const struct connection *connection)
{
    struct tx_file file = {.bytes = NULL};
    struct fault fault;
    if (!make(values, kind, payload, connection, &file, &fault)) {
        return fault_print(&fault);
    }
    int code = values->out != NULL ? maker_save(&file, values->out) : maker_send(&file, connection);
    tx_file_free(&file);
    return code;
}
