#include "cli/flight.h"

#include <jansson.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/client.h"
#include "proto/bytes.h"

void flight_clear(struct flight *flight)
{
    free(flight->tx);
    flight->tx = NULL;
    flight->tx_size = 0;
    for (uint32_t i = 0; i < flight->count; i++) {
        free(flight->rows[i].details);
        flight->rows[i].details = NULL;
    }
    flight->details_size = 0;
    flight->count = 0;
    flight->attempts = 0;
    flight->refused = 0;
    flight->sent = false;
    flight->doubtful = false;
    flight->not_before_ms = 0;
    flight->state = FLIGHT_FREE;
}

void flight_digest(struct flight *flight)
{
    struct hasher hasher;
    uint8_t number[8];
    hasher_init(&hasher);
    be64_put(number, (uint64_t)flight->member << 1 | flight->accounts);
    hasher_update(&hasher, number, sizeof number);
    for (uint32_t i = 0; i < flight->count; i++) {
        be64_put(number, flight->rows[i].size);
        hasher_update(&hasher, number, sizeof number);
        hasher_update(&hasher, flight->rows[i].bytes, flight->rows[i].size);
    }
    hasher_final(&hasher, &flight->digest);
}

static Xuelian__TxKind kind_of(const struct flight *flight)
{
    if (flight->accounts) {
        return flight->count == 1 ? XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN
                                  : XUELIAN__TX_KIND__TX_KIND_ACCOUNT_OPEN_BULK;
    }
    return flight->count == 1 ? XUELIAN__TX_KIND__TX_KIND_DEPOSIT
                              : XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK;
}

/* Puts the rows' details beside the transaction. */
static enum status add_details(struct flight *flight)
{
    static struct bytes details[LIMIT_BULK_ITEMS_MAX];
    uint8_t *tx = flight->tx;
    uint32_t count = 0;
    for (uint32_t i = 0; i < flight->count; i++) {
        if (flight->rows[i].details_size > 0) {
            details[count++] = bytes_of(flight->rows[i].details, flight->rows[i].details_size);
        }
    }
    enum status status = submission_make(bytes_of(tx, flight->tx_size), details, count, &flight->tx,
                                         &flight->tx_size);
    free(tx);
    return status;
}

bool flight_sign(struct flight *flight, const struct hash32 *chain_id, uint64_t valid_until,
                 const struct signer *signer, struct fault *fault)
{
    static struct bytes items[LIMIT_BULK_ITEMS_MAX];
    struct tx_draft draft = {.chain_id = *chain_id,
                             .valid_until = valid_until,
                             .kind = kind_of(flight),
                             .signer_count = 1,
                             .items = items,
                             .item_count = flight->count};
    uint8_t *body = NULL;
    size_t body_size = 0;
    struct sig64 signature;
    for (uint32_t i = 0; i < flight->count; i++) {
        items[i] = bytes_of(flight->rows[i].bytes, flight->rows[i].size);
    }
    draft.signers[0].role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER;
    draft.signers[0].member = flight->member;
    draft.signers[0].key = *signer_key(signer);
    free(flight->tx);
    flight->tx = NULL;
    if (RAND_bytes(draft.nonce.bytes, sizeof draft.nonce.bytes) != 1) {
        return fault_set(fault, EXIT_IO, "the system gives no random numbers",
                         "系统无法提供随机数");
    }
    enum status status = tx_build(&draft, &body, &body_size, &flight->id);
    if (status == ST_OK) {
        signer_sign(signer, &flight->id, &signature);
        status = tx_seal(body, body_size, &signature, 1, &flight->tx, &flight->tx_size);
        free(body);
    }
    if (status == ST_OK && flight->details_size > 0) {
        status = add_details(flight);
    }
    return status == ST_OK ||
           fault_set(fault, EXIT_IO, "a transaction cannot be built: %s%.0s",
                     "无法生成交易：%.0s%s", status_en(status), status_zh(status));
}

static enum flight_news read_state(const char *text)
{
    static const struct {
        const char *name;
        enum flight_news news;
    } states[] = {{"pending", NEWS_PENDING},
                  {"unknown", NEWS_UNKNOWN},
                  {"committed", NEWS_COMMITTED},
                  {"refused", NEWS_REFUSED},
                  {"expired", NEWS_EXPIRED}};
    const char *word = text != NULL ? strrchr(text, '_') : NULL;
    word = word != NULL ? word + 1 : text;
    for (size_t i = 0; word != NULL && i < sizeof states / sizeof states[0]; i++) {
        if (strcasecmp(word, states[i].name) == 0) {
            return states[i].news;
        }
    }
    return NEWS_UNREADABLE;
}

void flight_read(struct flight_report *report, const char *body, size_t size, uint32_t count)
{
    json_t *said = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
    uint64_t code = json_u64(said, "code");
    *report = (struct flight_report){
        .news = read_state(json_string_value(json_field(said, "status"))),
        .height = json_u64(said, "height"),
        .code = code <= UINT32_MAX ? (uint32_t)code : UINT32_MAX,
    };
    const json_t *codes = json_field(said, "item_codes");
    size_t given = json_array_size(codes);
    if (report->news == NEWS_COMMITTED && given > 0) {
        if (given != count) {
            report->news = NEWS_UNREADABLE;
        } else {
            for (uint32_t i = 0; i < count; i++) {
                json_int_t one = json_integer_value(json_array_get(codes, i));
                report->codes[i] = one >= 0 && one <= UINT32_MAX ? (uint32_t)one : UINT32_MAX;
            }
            report->code_count = count;
        }
    }
    json_decref(said);
}
