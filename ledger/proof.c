#include "ledger/proof_build.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/state/keys.h"
#include "ledger/tx/envelope.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/proof.pb-c.h"

/* ---- Accounts and items ---- */

static enum status get_version(struct builder *builder, uint64_t account_position, uint64_t number,
                               struct bytes *version)
{
    uint8_t *value = NULL;
    size_t size = 0;
    enum status status = ledger_view_item(builder->view, account_position, number, &value, &size);
    if (status != ST_OK) {
        return status == ST_NOT_FOUND ? ST_CORRUPT : status;
    }
    *version = bytes_of(build_own(builder, value), size);
    return ST_OK;
}

/* Reads the transaction of an id, unless it is the one read last. NULL when it is not at hand. */
static const struct deposit *get_deposit(struct builder *builder, const struct hash32 *id)
{
    struct deposit *deposit = builder->deposit;
    struct tx_place place;
    struct arena arena;
    size_t size = 0;
    if (deposit == NULL) {
        deposit = build_zeroed(builder, 1, sizeof *deposit);
        deposit->arena = build_own(builder, malloc(TX_ARENA_SIZE));
        deposit->leaves = build_zeroed(builder, LIMIT_BULK_ITEMS_MAX, sizeof *deposit->leaves);
        builder->deposit = deposit;
    } else if (hash32_equal(&deposit->id, id)) {
        return deposit->good ? deposit : NULL;
    }
    free(deposit->bytes);
    deposit->bytes = NULL;
    deposit->good = false;
    deposit->id = *id;
    if (ledger_view_tx(builder->view, id, &place, NULL, NULL) != ST_OK ||
        builder->source->get_tx(builder->source->context, place.height, place.index,
                                &deposit->bytes, &size) != ST_OK) {
        return NULL;
    }
    arena_init(&arena, deposit->arena, TX_ARENA_SIZE);
    if (tx_parse(&deposit->tx, bytes_of(deposit->bytes, size), &builder->view->header.chain_id,
                 &arena) != ST_OK ||
        !hash32_equal(&deposit->tx.id, id)) {
        return NULL;
    }
    for (uint32_t i = 0; deposit->tx.bulk && i < deposit->tx.item_count; i++) {
        hash_leaf(&deposit->leaves[i], TAG_LEAF_BULK, deposit->tx.items[i].data,
                  deposit->tx.items[i].size);
    }
    deposit->good = true;
    return deposit;
}

/* Whether a verifier with the genesis file, and the records that the proof then brings, takes the signers. */
static bool signers_verify(struct builder *builder, const struct tx *tx, uint64_t height)
{
    for (uint32_t i = 0; i < tx->signer_count; i++) {
        if (!build_signer(builder, &tx->signers[i], height)) {
            return false;
        }
    }
    return true;
}

/* Most versions shown of one item, and most when a proof rests on them. Whoever wants more asks for the transactions. */
enum { HISTORY_SHOWN = 16, HISTORY_MAX = 64, VERSION_WORDS = 256 };

/* The versions of an item that are shown, newest first, decoded. */
struct history {
    uint32_t count;
    struct bytes bytes[HISTORY_MAX];
    const Xuelian__ItemVersion *versions[HISTORY_MAX];
};

static const Xuelian__ItemVersion *decode_version(struct builder *builder, struct bytes bytes)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    size_t room = VERSION_WORDS * sizeof(uint64_t);
    arena_init(&arena, build_zeroed(builder, 1, room), room);
    return canonical_decode(&message, &xuelian__item_version__descriptor, bytes, &arena) == ST_OK
               ? (const Xuelian__ItemVersion *)(const void *)message
               : NULL;
}

/* The newest version and those before it, as many as are shown. What cannot be read is left out: the versions
 * before it too. */
static void read_history(struct builder *builder, uint64_t account_position, struct bytes newest,
                         uint32_t most, struct history *history)
{
    struct bytes bytes = newest;
    *history = (struct history){.count = 0};
    while (history->count < most) {
        const Xuelian__ItemVersion *version = decode_version(builder, bytes);
        uint8_t *value = NULL;
        size_t size = 0;
        if (version == NULL) {
            return;
        }
        history->bytes[history->count] = bytes;
        history->versions[history->count++] = version;
        if (version->number <= 1) {
            return;
        }
        struct state_key key = key_of('O');
        key_add64(&key, account_position);
        key_add64(&key, version->item);
        key_add32(&key, version->number - 1);
        if (kv_get(builder->view->kv, builder->view->snapshot, key_bytes(&key), &value, &size) !=
            ST_OK) {
            return;
        }
        bytes = bytes_of(build_own(builder, value), size);
    }
}

/* The kinds whose payload says what an item says, or decides about it: docs/protocol.md section 8. */
static bool kind_made(Xuelian__ItemKind item, Xuelian__TxKind kind)
{
    static const struct {
        Xuelian__ItemKind item;
        Xuelian__TxKind kind;
    } makes[] = {
        {XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, XUELIAN__TX_KIND__TX_KIND_DEPOSIT},
        {XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK},
        {XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, XUELIAN__TX_KIND__TX_KIND_APPLY},
        {XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, XUELIAN__TX_KIND__TX_KIND_APPLY_DECIDE},
        {XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME, XUELIAN__TX_KIND__TX_KIND_CORRECT},
        {XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION, XUELIAN__TX_KIND__TX_KIND_RECOGNISE},
        {XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION, XUELIAN__TX_KIND__TX_KIND_RECOGNISE_REVIEW},
        {XUELIAN__ITEM_KIND__ITEM_KIND_RECOGNITION, XUELIAN__TX_KIND__TX_KIND_RECOGNISE_BULK},
        {XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION, XUELIAN__TX_KIND__TX_KIND_CONVERSION_APPLY},
        {XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION, XUELIAN__TX_KIND__TX_KIND_CONVERSION_DECIDE},
        {XUELIAN__ITEM_KIND__ITEM_KIND_CONVERSION, XUELIAN__TX_KIND__TX_KIND_CONVERSION_REVIEW},
    };
    for (size_t i = 0; i < sizeof makes / sizeof makes[0]; i++) {
        if (makes[i].item == item && makes[i].kind == kind) {
            return true;
        }
    }
    return false;
}

/* The transaction that made a version, when its signers' keys can be known and what they signed is the content of the
 * newest version still. */
static const struct deposit *deposit_of(struct builder *builder,
                                        const Xuelian__ItemVersion *version,
                                        const Xuelian__ItemVersion *newest)
{
    struct hash32 id;
    if (!bytes_equal(field_bytes(&version->content), field_bytes(&newest->content)) ||
        !field_copy(&id, 32, &version->tx_id)) {
        return NULL;
    }
    const struct deposit *deposit = get_deposit(builder, &id);
    if (deposit == NULL || version->outcome_index >= deposit->tx.item_count ||
        !kind_made(version->kind, deposit->tx.kind) ||
        !signers_verify(builder, &deposit->tx, version->height)) {
        return NULL;
    }
    return deposit;
}

static Xuelian__IssuerSignature *issuer_signature(struct builder *builder,
                                                  const struct deposit *deposit, uint32_t index)
{
    const struct tx *tx = &deposit->tx;
    Xuelian__IssuerSignature *issuer = build_zeroed(builder, 1, sizeof *issuer);
    ProtobufCBinaryData *fields = build_zeroed(builder, tx->signer_count, sizeof *fields);
    uint8_t *common = build_zeroed(builder, tx->common.size, 1);
    struct sig64 *signatures = build_zeroed(builder, tx->signer_count, sizeof *signatures);
    xuelian__issuer_signature__init(issuer);
    memcpy(common, tx->common.data, tx->common.size);
    issuer->common = field_borrow(common, tx->common.size);
    for (uint32_t i = 0; i < tx->signer_count; i++) {
        signatures[i] = tx->signers[i].signature;
        fields[i] = field_borrow(&signatures[i], sizeof signatures[i]);
    }
    issuer->signatures = fields;
    issuer->n_signatures = tx->signer_count;
    if (tx->bulk) {
        struct hash32 *path =
            build_zeroed(builder, merkle_path_size(index, tx->item_count), sizeof *path);
        uint32_t size = merkle_path(path, deposit->leaves, tx->item_count, index);
        issuer->item_count = tx->item_count;
        issuer->path = field_borrow(path, 32u * size);
    }
    return issuer;
}

Xuelian__ItemProof *build_item(struct builder *builder, uint64_t account_position,
                               struct bytes version, uint64_t since)
{
    struct history history;
    bool signed_too = builder->source != NULL && builder->source->get_tx != NULL;
    Xuelian__ItemProof *item = build_zeroed(builder, 1, sizeof *item);
    xuelian__item_proof__init(item);
    item->version = field_borrow(version.data, version.size);
    if (builder->source != NULL && builder->source->details != NULL) {
        build_details(builder, builder->source->details, version, item);
    }
    if (builder->histories && since == 0) {
        since = 1;
    }
    if (!signed_too && since == 0) {
        return item;
    }
    read_history(builder, account_position, version, since == 0 ? HISTORY_SHOWN : HISTORY_MAX,
                 &history);
    ProtobufCBinaryData *earlier = build_zeroed(builder, HISTORY_MAX, sizeof *earlier);
    for (uint32_t i = 0; i < history.count; i++) {
        const Xuelian__ItemVersion *of = history.versions[i];
        const struct deposit *deposit = signed_too && item->issuer == NULL
                                            ? deposit_of(builder, of, history.versions[0])
                                            : NULL;
        if (deposit != NULL) {
            item->issuer = issuer_signature(builder, deposit, of->outcome_index);
        }
        if (i > 0) {
            earlier[item->n_earlier++] = field_borrow(history.bytes[i].data, history.bytes[i].size);
        }
        if (!signed_too && of->height < since) {
            break;
        }
    }
    item->earlier = earlier;
    return item;
}

ProtobufCBinaryData build_account_value(struct builder *builder, const struct account *account)
{
    uint8_t *value = build_zeroed(builder, 1, 128);
    return field_borrow(value, account_value_encode(value, account));
}

enum status build_items(struct builder *builder, const struct account *account,
                        struct build_items *items)
{
    size_t count = (size_t)account->items.size;
    items->versions = build_zeroed(builder, count, sizeof *items->versions);
    items->hashes = build_zeroed(builder, count, sizeof *items->hashes);
    items->leaves = build_zeroed(builder, count, sizeof *items->leaves);
    for (size_t i = 0; i < count; i++) {
        enum status status = get_version(builder, account->position, i + 1, &items->versions[i]);
        if (status != ST_OK) {
            return status;
        }
        hash_tagged(&items->hashes[i], TAG_VERSION, items->versions[i].data,
                    items->versions[i].size);
        account_item_leaf(&items->leaves[i], i + 1, &items->hashes[i]);
    }
    return ST_OK;
}

enum status proof_record(const struct ledger_view *view, const struct proof_anchor *anchor,
                         const struct proof_source *source, const struct hash32 *learner,
                         uint64_t item, uint8_t **proof, size_t *size)
{
    struct builder builder = {.view = view, .source = source};
    struct account account;
    struct merkle_leaf leaf;
    Xuelian__Proof wire = XUELIAN__PROOF__INIT;
    Xuelian__RecordProof record = XUELIAN__RECORD_PROOF__INIT;
    Xuelian__LeafPath path = XUELIAN__LEAF_PATH__INIT;
    enum status status = ledger_view_account(view, learner, &account);
    if (status == ST_OK && (item < 1 || item > account.items.size)) {
        status = ST_NOT_FOUND;
    }
    if (status != ST_OK) {
        return status;
    }
    struct build_items items;
    struct hash32 *item_path = build_zeroed(&builder, LIMIT_MERKLE_DEPTH_MAX, sizeof *item_path);
    status = build_leaf_path(&builder, XUELIAN__COLLECTION__COLLECTION_ACCOUNTS, account.position,
                             &path, &leaf);
    if (status == ST_OK) {
        status = build_items(&builder, &account, &items);
    }
    if (status == ST_OK) {
        wire.kind = XUELIAN__PROOF_KIND__PROOF_KIND_RECORD;
        record.learner = field_borrow(learner, 32);
        record.leaf = &path;
        record.account_value = build_account_value(&builder, &account);
        record.item = build_item(&builder, account.position, items.versions[item - 1], 0);
        record.item_path =
            field_borrow(item_path, 32u * merkle_path(item_path, items.leaves,
                                                      (size_t)account.items.size, item - 1));
        wire.record = &record;
        status = build_pack(&builder, anchor, &wire, proof, size);
    }
    build_release(&builder);
    return status;
}

enum status proof_absence(const struct ledger_view *view, const struct proof_anchor *anchor,
                          uint32_t collection, struct bytes natural_key, uint8_t **proof,
                          size_t *size)
{
    struct builder builder = {.view = view};
    struct merkle_reader reader;
    struct merkle_leaf leaf;
    struct hash32 key;
    uint64_t position = 0;
    Xuelian__Proof wire = XUELIAN__PROOF__INIT;
    Xuelian__AbsenceProof absence = XUELIAN__ABSENCE_PROOF__INIT;
    Xuelian__LeafPath path = XUELIAN__LEAF_PATH__INIT;
    if (collection < 1 || collection > COLLECTION_COUNT) {
        return ST_NOT_FOUND;
    }
    merkle_array_key(&key, collection, natural_key);
    enum status status = merkle_reader_open(&reader, view->kv, view->snapshot, collection);
    if (status == ST_OK) {
        status = merkle_reader_find(&reader, &key, &position);
        status = status == ST_OK ? ST_CONFLICT : status == ST_NOT_FOUND ? ST_OK : status;
    }
    if (status == ST_OK) {
        status = merkle_reader_below(&reader, &key, &position);
    }
    if (status == ST_OK) {
        status = build_leaf_path(&builder, collection, position, &path, &leaf);
    }
    if (status == ST_OK) {
        wire.kind = XUELIAN__PROOF_KIND__PROOF_KIND_ABSENCE;
        absence.collection = collection;
        absence.natural_key = field_borrow(natural_key.data, natural_key.size);
        absence.low_key = field_borrow(&leaf.key, 32);
        absence.low_value_hash = field_borrow(&leaf.value, 32);
        absence.leaf = &path;
        wire.absence = &absence;
        status = build_pack(&builder, anchor, &wire, proof, size);
    }
    build_release(&builder);
    return status;
}
