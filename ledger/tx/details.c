#include "ledger/tx/details.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/details.pb-c.h"
#include "proto/merkle.h"
#include "proto/tx_outcome.pb-c.h"

/* ---- Fields of bytes that are known to be canonical ---- */

struct field {
    uint32_t number;
    uint64_t value;     /* of a varint */
    struct bytes bytes; /* of the others */
};

static uint64_t varint(struct bytes message, size_t *at)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = message.data[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
}

static bool next_field(struct bytes message, size_t *at, struct field *field)
{
    if (*at >= message.size) {
        return false;
    }
    uint64_t tag = varint(message, at);
    *field = (struct field){.number = (uint32_t)(tag >> 3), .value = varint(message, at)};
    if ((tag & 7) == 2) {
        field->bytes = bytes_of(message.data + *at, (size_t)field->value);
        *at += (size_t)field->value;
    }
    return true;
}

/* ---- Details ---- */

static bool read_detail(struct detail *detail, struct bytes message)
{
    struct field field;
    size_t at = 0;
    *detail = (struct detail){.number = 0};
    while (next_field(message, &at, &field)) {
        if (field.number == 1) {
            detail->number = (uint32_t)field.value;
        } else if (field.number == 2 && field.bytes.size == sizeof detail->salt) {
            memcpy(detail->salt.bytes, field.bytes.data, sizeof detail->salt);
        } else if (field.number == 3) {
            detail->value = field.bytes;
        } else {
            return false;
        }
    }
    return true;
}

static bool well_formed(const struct details *details)
{
    size_t size = 0;
    uint32_t before = 0;
    for (uint32_t i = 0; i < details->count; i++) {
        const struct detail *detail = &details->fields[i];
        size += detail->value.size;
        if (detail->number <= before || detail->number > LIMIT_DETAIL_NUMBER_MAX ||
            detail->value.size == 0 || detail->value.size > LIMIT_DETAIL_SIZE_MAX ||
            hash32_is_zero(&detail->salt)) {
            return false;
        }
        before = detail->number;
    }
    return details->count > 0 && size <= LIMIT_DETAILS_SIZE_MAX;
}

enum status details_read(struct details *details, struct bytes bytes)
{
    struct field field;
    size_t at = 0;
    details->count = 0;
    if (bytes.size > DETAILS_BYTES_MAX) {
        return ST_DETAILS_FORM;
    }
    enum status status = canonical_check(&xuelian__details__descriptor, bytes);
    if (status != ST_OK) {
        return status;
    }
    while (next_field(bytes, &at, &field)) {
        if (details->count == LIMIT_DETAILS_MAX ||
            !read_detail(&details->fields[details->count], field.bytes)) {
            return ST_DETAILS_FORM;
        }
        details->count++;
    }
    return well_formed(details) ? ST_OK : ST_DETAILS_FORM;
}

size_t details_write(uint8_t *out, const struct details *details)
{
    Xuelian__Details wire = XUELIAN__DETAILS__INIT;
    Xuelian__DetailField fields[LIMIT_DETAILS_MAX];
    Xuelian__DetailField *pointers[LIMIT_DETAILS_MAX];
    char texts[LIMIT_DETAILS_SIZE_MAX + LIMIT_DETAILS_MAX];
    size_t used = 0;
    if (!well_formed(details)) {
        return 0;
    }
    for (uint32_t i = 0; i < details->count; i++) {
        const struct detail *detail = &details->fields[i];
        xuelian__detail_field__init(&fields[i]);
        fields[i].number = detail->number;
        fields[i].salt = field_borrow(&detail->salt, 32);
        fields[i].value = &texts[used];
        memcpy(&texts[used], detail->value.data, detail->value.size);
        used += detail->value.size;
        texts[used++] = '\0';
        pointers[i] = &fields[i];
    }
    wire.fields = pointers;
    wire.n_fields = details->count;
    return canonical_encode(out, &wire.base);
}

void details_leaf(struct hash32 *leaf, const struct detail *detail)
{
    uint8_t message[4 + 32 + LIMIT_DETAIL_SIZE_MAX];
    CHECK(detail->value.size <= LIMIT_DETAIL_SIZE_MAX);
    be32_put(message, detail->number);
    memcpy(message + 4, detail->salt.bytes, 32);
    if (detail->value.size > 0) {
        memcpy(message + 36, detail->value.data, detail->value.size);
    }
    hash_leaf(leaf, TAG_LEAF_DETAIL, message, 36 + detail->value.size);
}

void details_root(struct hash32 *root, const struct details *details)
{
    struct hash32 leaves[LIMIT_DETAILS_MAX];
    uint8_t message[4 + 32];
    for (uint32_t i = 0; i < details->count; i++) {
        details_leaf(&leaves[i], &details->fields[i]);
    }
    be32_put(message, details->count);
    merkle_root(root, leaves, details->count);
    memcpy(message + 4, root->bytes, 32);
    hash_tagged(root, TAG_DETAILS, message, sizeof message);
}

static const char *const names[] = {NULL,     "title",    "score",       "certificate_number",
                                    "holder", "evidence", "description", "teacher",
                                    "class"};
enum { NAMES = sizeof names / sizeof names[0] };

const char *detail_name(uint32_t number)
{
    return number < NAMES ? names[number] : NULL;
}

uint32_t detail_number(const char *name)
{
    char *end = NULL;
    for (uint32_t i = 1; i < NAMES; i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    if (name[0] < '1' || name[0] > '9' || strlen(name) > 3) {
        return 0;
    }
    unsigned long number = strtoul(name, &end, 10);
    return *end == '\0' ? (uint32_t)number : 0;
}

/* ---- What a transaction commits to ---- */

const Xuelian__Outcome *tx_outcome(const struct tx *tx, uint32_t item)
{
    const void *message = tx->messages[item];
    if (tx->rule->item == &xuelian__outcome__descriptor) {
        return message;
    }
    if (tx->rule->item == &xuelian__application_decision__descriptor) {
        return ((const Xuelian__ApplicationDecision *)message)->outcome;
    }
    return tx->rule->item == &xuelian__correction__descriptor
               ? ((const Xuelian__Correction *)message)->outcome
               : NULL;
}

bool tx_details_key(const struct tx *tx, uint32_t item, struct details_key *key)
{
    const Xuelian__Outcome *outcome = tx_outcome(tx, item);
    if (outcome == NULL || outcome->details_root.len == 0) {
        return false;
    }
    key->issuer = outcome->issuer;
    return field_copy(&key->account, 32, &outcome->account) &&
           field_copy(&key->root, 32, &outcome->details_root);
}

bool tx_has_details(const struct tx *tx)
{
    struct details_key key;
    bool found = false;
    for (uint32_t i = 0; i < tx->item_count && !found; i++) {
        found = tx_details_key(tx, i, &key);
    }
    return found;
}

bool tx_erases(const struct tx *tx)
{
    return tx->kind == XUELIAN__TX_KIND__TX_KIND_ERASE_OWN ||
           tx->kind == XUELIAN__TX_KIND__TX_KIND_ERASE_ISSUED;
}

/* ---- Submissions ---- */

enum {
    TX_FIRST_BYTE = 0x0a,
    SUBMISSION_DETAILS = 12
}; /* Tx begins with its field 1, a Submission with 11 */

enum status submission_read(struct submission *submission, struct bytes bytes)
{
    struct field field;
    size_t at = 0;
    *submission = (struct submission){.bytes = bytes, .tx = bytes};
    if (bytes.size > LIMIT_SUBMISSION_SIZE_MAX) {
        return ST_BAD_SIZE;
    }
    if (bytes.size == 0 || bytes.data[0] == TX_FIRST_BYTE) {
        return ST_OK; /* what it is, tx_parse says */
    }
    enum status status =
        canonical_check_fields(&xuelian__submission__descriptor, bytes, LIMIT_BULK_ITEMS_MAX + 1);
    if (status != ST_OK) {
        return status;
    }
    /* Only as the carrier of details: a transaction has one form to travel in. */
    if (!next_field(bytes, &at, &field) || field.number == SUBMISSION_DETAILS || at == bytes.size) {
        return ST_BAD_ENCODING;
    }
    submission->tx = field.bytes;
    submission->details = bytes_of(bytes.data + at, bytes.size - at);
    return ST_OK;
}

bool submission_next(const struct submission *submission, size_t *at, struct bytes *details)
{
    struct field field;
    bool more = next_field(submission->details, at, &field);
    *details = more ? field.bytes : (struct bytes){.size = 0};
    return more;
}

/* Whether bytes are the details that a root is of. */
static enum status check_root(struct bytes bytes, const struct hash32 *root)
{
    struct details details;
    struct hash32 computed;
    enum status status = details_read(&details, bytes);
    if (status != ST_OK) {
        return status;
    }
    details_root(&computed, &details);
    return hash32_equal(&computed, root) ? ST_OK : ST_DETAILS_MISMATCH;
}

enum status submission_check(const struct submission *submission, const struct tx *tx,
                             uint32_t *item)
{
    struct details_key key;
    struct bytes details;
    size_t at = 0;
    for (uint32_t i = 0; i < tx->item_count; i++) {
        if (!tx_details_key(tx, i, &key)) {
            continue;
        }
        enum status status = submission_next(submission, &at, &details)
                                 ? check_root(details, &key.root)
                                 : ST_DETAILS_MISSING;
        if (status != ST_OK) {
            *item = i;
            return status;
        }
    }
    if (submission_next(submission, &at, &details)) {
        *item = tx->item_count - 1;
        return ST_DETAILS_MISMATCH;
    }
    return ST_OK;
}

enum status submission_make(struct bytes tx, const struct bytes *details, uint32_t count,
                            uint8_t **bytes, size_t *size)
{
    Xuelian__Submission wire = XUELIAN__SUBMISSION__INIT;
    ProtobufCBinaryData *fields = calloc(count + 1u, sizeof *fields);
    CHECK(fields != NULL);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = field_borrow(details[i].data, details[i].size);
    }
    wire.tx = field_borrow(tx.data, tx.size);
    wire.details = fields;
    wire.n_details = count;
    *size = count > 0 ? canonical_size(&wire.base) : tx.size;
    *bytes = malloc(*size + 1);
    if (*bytes != NULL && count > 0) {
        canonical_encode(*bytes, &wire.base);
    } else if (*bytes != NULL && tx.size > 0) {
        memcpy(*bytes, tx.data, tx.size);
    }
    free(fields);
    return *bytes != NULL ? ST_OK : ST_NO_MEMORY;
}
