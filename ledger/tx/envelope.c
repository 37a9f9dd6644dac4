#include "ledger/tx/envelope.h"

#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/merkle.h"

void tx_entry(struct hash32 *out, const struct hash32 *id, const struct hash32 *signatures)
{
    struct hasher hasher;
    hasher_init_tagged(&hasher, TAG_TX_ENTRY);
    hasher_update(&hasher, id->bytes, 32);
    hasher_update(&hasher, signatures->bytes, 32);
    hasher_final(&hasher, out);
}

/* H(PAYLOAD, kind || payload), or H(BULK, kind || n || root) over the items' leaves. */
static void payload_commitment(struct hash32 *out, const struct tx_kind *rule,
                               const struct bytes *items, uint32_t count)
{
    struct hasher hasher;
    uint8_t number[8];
    be32_put(number, (uint32_t)rule->kind);
    if (!rule->bulk) {
        hasher_init_tagged(&hasher, TAG_PAYLOAD);
        hasher_update(&hasher, number, 4);
        hasher_update(&hasher, items[0].data, items[0].size);
        hasher_final(&hasher, out);
        return;
    }
    struct merkle_frontier frontier;
    struct hash32 root;
    merkle_frontier_init(&frontier);
    for (uint32_t i = 0; i < count; i++) {
        struct hash32 leaf;
        hash_leaf(&leaf, TAG_LEAF_BULK, items[i].data, items[i].size);
        merkle_frontier_append(&frontier, &leaf);
    }
    merkle_frontier_root(&frontier, &root);
    hasher_init_tagged(&hasher, TAG_BULK);
    hasher_update(&hasher, number, 4);
    be64_put(number, count);
    hasher_update(&hasher, number, 8);
    hasher_update(&hasher, root.bytes, 32);
    hasher_final(&hasher, out);
}

enum { TX_BODY_COMMON_TAG = 0x0a }; /* field 1, length-delimited */

static enum status parse_item(struct tx *tx, uint32_t index, struct arena *arena)
{
    enum status status =
        canonical_check_fields(tx->rule->item, tx->items[index], LIMIT_PAYLOAD_FIELDS_MAX);
    if (status == ST_OK) {
        status = canonical_decode(&tx->messages[index], tx->rule->item, tx->items[index], arena);
    }
    return status == ST_OK ? tx_item_form(tx->messages[index]) : status;
}

/* A varint of bytes known to be canonical. */
static uint64_t read_varint(struct bytes message, size_t *at)
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

/* The bytes of field 1 inside a canonical TxBody: a tag byte, a size, then they. */
static struct bytes common_slice(struct bytes body)
{
    size_t at = 1;
    size_t size = (size_t)read_varint(body, &at);
    return (struct bytes){.data = body.data + at, .size = size};
}

/* How often a field stands in a canonical message. Lists are counted before they are unpacked: so many
 * bytes of empty elements would become more memory than any arena has, and whether that sufficed must not
 * decide what is valid. */
static uint32_t count_field(struct bytes message, uint32_t field)
{
    uint32_t count = 0;
    size_t at = 0;
    while (at < message.size) {
        uint64_t tag = read_varint(message, &at);
        uint64_t value = read_varint(message, &at);
        count += tag >> 3 == field;
        at += (tag & 7) == 2 ? (size_t)value : 0;
    }
    return count;
}

static enum status parse_items(struct tx *tx, struct arena *arena)
{
    tx->bulk = tx->rule->bulk;
    if (!tx->bulk) {
        tx->item_count = 1;
        tx->items = arena_alloc(arena, sizeof *tx->items);
        if (tx->items == NULL) {
            return ST_NO_MEMORY;
        }
        tx->items[0] = tx->payload;
    } else {
        ProtobufCMessage *message = NULL;
        enum status status = canonical_check(&xuelian__bulk_payload__descriptor, tx->payload);
        if (status == ST_OK && count_field(tx->payload, 1) > LIMIT_BULK_ITEMS_MAX) {
            status = ST_BAD_SIZE;
        }
        if (status == ST_OK) {
            status =
                canonical_decode(&message, &xuelian__bulk_payload__descriptor, tx->payload, arena);
        }
        if (status != ST_OK) {
            return status;
        }
        const Xuelian__BulkPayload *bulk = (const Xuelian__BulkPayload *)(const void *)message;
        if (bulk->n_items < 1) {
            return ST_BAD_SIZE;
        }
        tx->item_count = (uint32_t)bulk->n_items;
        tx->items = arena_alloc(arena, tx->item_count * sizeof *tx->items);
        if (tx->items == NULL) {
            return ST_NO_MEMORY;
        }
        for (uint32_t i = 0; i < tx->item_count; i++) {
            tx->items[i] = field_bytes(&bulk->items[i]);
        }
    }
    tx->messages = arena_alloc(arena, tx->item_count * sizeof(ProtobufCMessage *));
    if (tx->messages == NULL) {
        return ST_NO_MEMORY;
    }
    for (uint32_t i = 0; i < tx->item_count; i++) {
        enum status status = parse_item(tx, i, arena);
        if (status != ST_OK) {
            return status;
        }
    }
    return ST_OK;
}

static enum status parse_signer(struct tx_signer *out, const Xuelian__Signer *wire)
{
    out->role = wire->role;
    out->member = wire->member;
    if (!field_copy(&out->key, 33, &wire->key)) {
        return ST_BAD_SIGNERS;
    }
    switch (wire->role) {
    case XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER:
    case XUELIAN__SIGNER_ROLE__SIGNER_ROLE_NODE:
        return wire->member != 0 && wire->learner.len == 0 ? ST_OK : ST_BAD_SIGNERS;
    case XUELIAN__SIGNER_ROLE__SIGNER_ROLE_LEARNER:
        return wire->member == 0 && field_copy(&out->learner, 32, &wire->learner) ? ST_OK
                                                                                  : ST_BAD_SIGNERS;
    case XUELIAN__SIGNER_ROLE__SIGNER_ROLE_UNSPECIFIED:
    case _XUELIAN__SIGNER_ROLE_IS_INT_SIZE:
        break;
    }
    return ST_BAD_SIGNERS;
}

static bool same_signer(const struct tx_signer *a, const struct tx_signer *b)
{
    return a->role == b->role && a->member == b->member && hash32_equal(&a->learner, &b->learner);
}

static enum status parse_signers(struct tx *tx, const Xuelian__TxCommon *common,
                                 const Xuelian__Tx *envelope)
{
    if (common->n_signers < 1 || common->n_signers > LIMIT_SIGNERS_MAX ||
        envelope->n_signatures != common->n_signers) {
        return ST_BAD_SIGNERS;
    }
    struct hasher hasher;
    hasher_init_tagged(&hasher, TAG_TX_SIGNATURES);
    for (uint32_t i = 0; i < common->n_signers; i++) {
        enum status status = parse_signer(&tx->signers[i], common->signers[i]);
        if (status != ST_OK) {
            return status;
        }
        if (!field_copy(&tx->signers[i].signature, 64, &envelope->signatures[i])) {
            return ST_BAD_SIGNERS;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (same_signer(&tx->signers[k], &tx->signers[i])) {
                return ST_BAD_SIGNERS;
            }
        }
        hasher_update(&hasher, tx->signers[i].signature.bytes, 64);
    }
    tx->signer_count = (uint32_t)common->n_signers;
    hasher_final(&hasher, &tx->signatures);
    tx_entry(&tx->entry, &tx->id, &tx->signatures);
    return ST_OK;
}

static enum status parse_common(struct tx *tx, const Xuelian__TxCommon *common,
                                const struct hash32 *chain_id)
{
    struct hash32 chain;
    if (!field_copy(&chain, 32, &common->chain_id) || common->nonce.len != 16 ||
        common->payload_commitment.len != 32) {
        return ST_BAD_SIZE;
    }
    if (!hash32_equal(&chain, chain_id)) {
        return ST_WRONG_CHAIN;
    }
    tx->kind = common->kind;
    tx->rule = tx_kind_of(common->kind);
    if (tx->rule == NULL) {
        return ST_UNKNOWN_KIND;
    }
    tx->valid_until = common->valid_until;
    hash_tagged(&tx->id, TAG_TX_ID, tx->common.data, tx->common.size);
    return ST_OK;
}

/* The body's and the envelope's parts, each list within its limit. */
static enum status parse_envelope(struct tx *tx, const Xuelian__Tx **envelope,
                                  const Xuelian__TxBody **body, struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    enum status status = canonical_check(&xuelian__tx__descriptor, tx->bytes);
    if (status == ST_OK && count_field(tx->bytes, 2) > LIMIT_SIGNERS_MAX) {
        status = ST_BAD_SIGNERS;
    }
    if (status == ST_OK) {
        status = canonical_decode(&message, &xuelian__tx__descriptor, tx->bytes, arena);
    }
    if (status != ST_OK) {
        return status;
    }
    *envelope = (const Xuelian__Tx *)(const void *)message;
    tx->body = field_bytes(&(*envelope)->body);
    status = canonical_check(&xuelian__tx_body__descriptor, tx->body);
    if (status != ST_OK) {
        return status;
    }
    if (tx->body.size == 0 || tx->body.data[0] != TX_BODY_COMMON_TAG) {
        return ST_BAD_ENCODING;
    }
    tx->common = common_slice(tx->body);
    if (count_field(tx->common, 3) > LIMIT_SIGNERS_MAX) {
        return ST_BAD_SIGNERS;
    }
    status = canonical_decode(&message, &xuelian__tx_body__descriptor, tx->body, arena);
    if (status == ST_OK) {
        *body = (const Xuelian__TxBody *)(const void *)message;
        tx->payload = field_bytes(&(*body)->payload);
    }
    return status;
}

enum status tx_parse(struct tx *tx, struct bytes bytes, const struct hash32 *chain_id,
                     struct arena *arena)
{
    const Xuelian__Tx *envelope = NULL;
    const Xuelian__TxBody *body = NULL;
    struct hash32 commitment;
    *tx = (struct tx){.bytes = bytes};
    if (bytes.size > LIMIT_TX_SIZE_MAX) {
        return ST_BAD_SIZE;
    }
    enum status status = parse_envelope(tx, &envelope, &body, arena);
    if (status != ST_OK) {
        return status;
    }
    status = parse_common(tx, body->common, chain_id);
    if (status == ST_OK) {
        status = parse_signers(tx, body->common, envelope);
    }
    if (status == ST_OK) {
        status = parse_items(tx, arena);
    }
    if (status != ST_OK) {
        return status;
    }
    payload_commitment(&commitment, tx->rule, tx->items, tx->item_count);
    return memcmp(commitment.bytes, body->common->payload_commitment.data, 32) == 0
               ? ST_OK
               : ST_BAD_COMMITMENT;
}

enum status tx_verify_signatures(const struct tx *tx)
{
    for (uint32_t i = 0; i < tx->signer_count; i++) {
        if (!sign_verify(&tx->signers[i].key, &tx->id, &tx->signers[i].signature)) {
            return ST_BAD_SIGNATURE;
        }
    }
    return ST_OK;
}

/* The payload's bytes: the item itself, or a BulkPayload of them. */
static enum status build_payload(const struct tx_draft *draft, uint8_t **payload, size_t *size)
{
    if (!tx_kind_of(draft->kind)->bulk) {
        *payload = malloc(draft->items[0].size + 1);
        if (*payload == NULL) {
            return ST_NO_MEMORY;
        }
        if (draft->items[0].size > 0) {
            memcpy(*payload, draft->items[0].data, draft->items[0].size);
        }
        *size = draft->items[0].size;
        return ST_OK;
    }
    Xuelian__BulkPayload bulk = XUELIAN__BULK_PAYLOAD__INIT;
    ProtobufCBinaryData *items = calloc(draft->item_count, sizeof *items);
    if (items == NULL) {
        return ST_NO_MEMORY;
    }
    for (uint32_t i = 0; i < draft->item_count; i++) {
        items[i] = field_borrow(draft->items[i].data, draft->items[i].size);
    }
    bulk.items = items;
    bulk.n_items = draft->item_count;
    *payload = malloc(canonical_size(&bulk.base));
    if (*payload != NULL) {
        *size = canonical_encode(*payload, &bulk.base);
    }
    free(items);
    return *payload != NULL ? ST_OK : ST_NO_MEMORY;
}

static void draft_signers(const struct tx_draft *draft, Xuelian__Signer *signers,
                          Xuelian__Signer **pointers)
{
    for (uint32_t i = 0; i < draft->signer_count; i++) {
        const struct tx_signer *from = &draft->signers[i];
        xuelian__signer__init(&signers[i]);
        signers[i].role = from->role;
        signers[i].key = field_borrow(&from->key, 33);
        if (from->role != XUELIAN__SIGNER_ROLE__SIGNER_ROLE_LEARNER) {
            signers[i].member = from->member;
        } else {
            signers[i].learner = field_borrow(&from->learner, 32);
        }
        pointers[i] = &signers[i];
    }
}

enum status tx_build(const struct tx_draft *draft, uint8_t **body, size_t *body_size,
                     struct hash32 *id)
{
    Xuelian__Signer signers[LIMIT_SIGNERS_MAX];
    Xuelian__Signer *pointers[LIMIT_SIGNERS_MAX];
    Xuelian__TxCommon common = XUELIAN__TX_COMMON__INIT;
    Xuelian__TxBody wire = XUELIAN__TX_BODY__INIT;
    struct hash32 commitment;
    uint8_t *payload = NULL;
    size_t payload_size = 0;
    if (tx_kind_of(draft->kind) == NULL) {
        return ST_UNKNOWN_KIND;
    }
    if (draft->item_count < 1 || draft->item_count > LIMIT_BULK_ITEMS_MAX ||
        draft->signer_count < 1 || draft->signer_count > LIMIT_SIGNERS_MAX) {
        return ST_BAD_SIZE;
    }
    enum status status = build_payload(draft, &payload, &payload_size);
    if (status != ST_OK) {
        return status;
    }
    payload_commitment(&commitment, tx_kind_of(draft->kind), draft->items, draft->item_count);
    draft_signers(draft, signers, pointers);
    common.chain_id = field_borrow(&draft->chain_id, 32);
    common.valid_until = draft->valid_until;
    common.signers = pointers;
    common.n_signers = draft->signer_count;
    common.nonce = field_borrow(&draft->nonce, 16);
    common.kind = draft->kind;
    common.payload_commitment = field_borrow(&commitment, 32);
    wire.common = &common;
    wire.payload = field_borrow(payload, payload_size);
    size_t size = canonical_size(&wire.base);
    uint8_t *made = size > LIMIT_TX_SIZE_MAX ? NULL : malloc(size);
    if (made != NULL) {
        *body_size = canonical_encode(made, &wire.base);
        *body = made;
        struct bytes slice = common_slice((struct bytes){.data = made, .size = size});
        hash_tagged(id, TAG_TX_ID, slice.data, slice.size);
    }
    free(payload);
    if (size > LIMIT_TX_SIZE_MAX) {
        return ST_BAD_SIZE;
    }
    return made != NULL ? ST_OK : ST_NO_MEMORY;
}

enum status tx_seal(const uint8_t *body, size_t body_size, const struct sig64 *signatures,
                    uint32_t count, uint8_t **bytes, size_t *size)
{
    Xuelian__Tx wire = XUELIAN__TX__INIT;
    ProtobufCBinaryData fields[LIMIT_SIGNERS_MAX];
    CHECK(count >= 1 && count <= LIMIT_SIGNERS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        fields[i] = field_borrow(&signatures[i], 64);
    }
    wire.body = field_borrow(body, body_size);
    wire.signatures = fields;
    wire.n_signatures = count;
    *bytes = malloc(canonical_size(&wire.base));
    if (*bytes == NULL) {
        return ST_NO_MEMORY;
    }
    *size = canonical_encode(*bytes, &wire.base);
    return ST_OK;
}
