#include "tests/unit/verify/build_internal.h"

#include <stdio.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/merkle.h"
#include "proto/tx.pb-c.h"

enum { SECRET_VALIDATOR = 1, SECRET_ISSUER = 200, SECRET_OTHER = 201 };

void *make(struct world *w, size_t size)
{
    void *memory = arena_alloc(&w->arena, size);
    CHECK(memory != NULL);
    return memory;
}

struct bytes encode(struct world *w, const ProtobufCMessage *message)
{
    size_t size = canonical_size(message);
    uint8_t *data = make(w, size + 1);
    CHECK(canonical_encode(data, message) == size);
    return bytes_of(data, size);
}

ProtobufCBinaryData borrow(struct bytes bytes)
{
    return field_borrow(bytes.data, bytes.size);
}

struct hash32 named(const char *name, uint32_t number)
{
    char text[64];
    struct hash32 hash;
    int size = snprintf(text, sizeof text, "%s %u", name, (unsigned)number);
    hash_plain(&hash, text, (size_t)size);
    return hash;
}

static char *words(struct world *w, const char *format, unsigned number)
{
    char *text = make(w, 64);
    snprintf(text, 64, "%s%u", format, number);
    return text;
}

struct signer *signer_make(uint32_t number)
{
    uint8_t secret[32] = {0};
    struct signer *signer = NULL;
    be32_put(secret + 28, number);
    CHECK(signer_new(&signer, secret) == ST_OK);
    return signer;
}

/* ---- validators and genesis ---- */

void set_add(struct validator_set *set, struct signer **signers, struct validator made,
             struct signer *signer)
{
    uint32_t at = set->count++;
    CHECK(set->count <= LIMIT_VALIDATORS_MAX);
    for (; at > 0; at--) {
        const struct validator *before = &set->validators[at - 1];
        if (before->joined < made.joined ||
            (before->joined == made.joined && pubkey33_compare(&before->key, &made.key) < 0)) {
            break;
        }
        set->validators[at] = *before;
        signers[at] = signers[at - 1];
    }
    set->validators[at] = made;
    signers[at] = signer;
}

static Xuelian__MemberKey *member_key(struct world *w, const struct signer *signer)
{
    Xuelian__MemberKey *key = make(w, sizeof *key);
    xuelian__member_key__init(key);
    key->key = field_borrow(signer_key(signer), 33);
    return key;
}

static Xuelian__Member *member_make(struct world *w, uint32_t id, const char *zh, const char *en,
                                    const struct signer *key)
{
    Xuelian__Member *member = make(w, sizeof *member);
    xuelian__member__init(member);
    member->id = id;
    member->kind = XUELIAN__MEMBER_KIND__MEMBER_KIND_UNIVERSITY;
    member->name_zh = words(w, zh, id);
    member->name_en = words(w, en, id);
    member->n_keys = 1;
    member->keys = make(w, sizeof *member->keys);
    member->keys[0] = member_key(w, key);
    return member;
}

static Xuelian__Member *validator_make(struct world *w, uint32_t index)
{
    struct signer *signer = signer_make(SECRET_VALIDATOR + index);
    Xuelian__Member *member = member_make(w, index + 1, "演示机构", "Institution ", signer);
    Xuelian__Node *node = make(w, sizeof *node);
    xuelian__node__init(node);
    w->made[w->made_count++] = signer;
    set_add(&w->genesis_set, w->genesis_signers,
            (struct validator){.key = *signer_key(signer), .member = index + 1, .incarnation = 1},
            signer);
    node->key = field_borrow(signer_key(signer), 33);
    node->role = XUELIAN__NODE_ROLE__NODE_ROLE_VALIDATOR;
    node->incarnation = 1;
    member->n_nodes = 1;
    member->nodes = make(w, sizeof *member->nodes);
    member->nodes[0] = node;
    return member;
}

void genesis_make(struct world *w)
{
    static const Xuelian__Course course_start = XUELIAN__COURSE__INIT;
    Xuelian__Genesis genesis = XUELIAN__GENESIS__INIT;
    Xuelian__Params params = XUELIAN__PARAMS__INIT;
    Xuelian__Member *members[LIMIT_VALIDATORS_MAX + 1];
    Xuelian__Course course = course_start;
    Xuelian__Course *courses[1] = {&course};
    w->issuer = signer_make(SECRET_ISSUER);
    for (uint32_t i = 0; i < w->plan.validators; i++) {
        members[i] = validator_make(w, i);
    }
    members[w->plan.validators] =
        member_make(w, BUILD_ISSUER, "演示大学", "University ", w->issuer);
    params.t0_ms = 500;
    course.id = BUILD_COURSE;
    course.version = 1;
    course.name_zh = words(w, "数学", BUILD_COURSE);
    course.name_en = words(w, "Mathematics ", BUILD_COURSE);
    course.kind = XUELIAN__OUTCOME_KIND__OUTCOME_KIND_SCHOOL_COURSE;
    course.from_date = 20200101;
    genesis.version = 1;
    genesis.suite = 1;
    genesis.network = words(w, "演示网络 demonstration ", w->plan.validators);
    genesis.time_ms = BUILD_TIME_MS - 1000000;
    genesis.params = &params;
    genesis.n_members = w->plan.validators + 1;
    genesis.members = members;
    genesis.n_courses = 1;
    genesis.courses = courses;
    recovery_keys_make(w, &genesis);
    w->genesis_set.era = 1;
    w->genesis = encode(w, &genesis.base);
    hash_tagged(&w->chain_id, TAG_GENESIS, w->genesis.data, w->genesis.size);
}

/* ---- items ---- */

static uint32_t item_kind(uint32_t index)
{
    return index % 3 == 2 ? XUELIAN__OUTCOME_KIND__OUTCOME_KIND_EXAMINATION
                          : XUELIAN__OUTCOME_KIND__OUTCOME_KIND_SCHOOL_COURSE;
}

static uint32_t item_credits(uint32_t index)
{
    return 100 + 25 * index;
}

static struct bytes outcome_make(struct world *w, uint32_t index, uint32_t grade)
{
    Xuelian__Outcome outcome = XUELIAN__OUTCOME__INIT;
    struct hash32 other = named("other learner", 1);
    struct hash32 reference = named("reference", index);
    bool lie = w->plan.lie == LIE_OTHER_ACCOUNT && index == 0;
    outcome.account = field_borrow(lie ? &other : &w->learner, 32);
    outcome.issuer = w->plan.lie == LIE_STRANGER ? BUILD_STRANGER : BUILD_ISSUER;
    outcome.kind = (Xuelian__OutcomeKind)item_kind(index);
    outcome.course = BUILD_COURSE;
    outcome.course_version = 1;
    outcome.credits = item_credits(index);
    outcome.hours = 1600;
    outcome.award_date = 20240630;
    outcome.grade_band = grade;
    outcome.mode = XUELIAN__OUTCOME_MODE__OUTCOME_MODE_IN_PERSON;
    outcome.source = XUELIAN__OUTCOME_SOURCE__OUTCOME_SOURCE_INSTITUTION;
    outcome.region = 330106;
    outcome.site = 12;
    outcome.reference = field_borrow(&reference, 16);
    outcome.expiry_date = index == 1 ? 20260101 : 0;
    struct hash32 root;
    if (index == 0 && w->plan.details > 0) {
        details_commit(w, &root);
        outcome.details_root = field_borrow(&root, 32);
    }
    return encode(w, &outcome.base);
}

static void commitment_make(struct world *w, struct item *item, uint32_t index,
                            struct bytes content, struct hash32 *out)
{
    struct hash32 *leaves = make(w, (w->plan.bulk + 1) * sizeof *leaves);
    struct hasher hasher;
    struct hash32 root;
    uint8_t number[8];
    if (w->plan.bulk == 0) {
        be32_put(number, XUELIAN__TX_KIND__TX_KIND_DEPOSIT);
        hasher_init_tagged(&hasher, TAG_PAYLOAD);
        hasher_update(&hasher, number, 4);
        hasher_update(&hasher, content.data, content.size);
        hasher_final(&hasher, out);
        return;
    }
    for (uint32_t i = 0; i < w->plan.bulk; i++) {
        struct hash32 other = named("somebody's outcome", i);
        hash_leaf(&leaves[i], TAG_LEAF_BULK, &other, 32);
    }
    hash_leaf(&leaves[index], TAG_LEAF_BULK, content.data, content.size);
    merkle_root(&root, leaves, w->plan.bulk);
    item->path_size = merkle_path(item->path, leaves, w->plan.bulk, index);
    hasher_init_tagged(&hasher, TAG_BULK);
    be32_put(number, XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK);
    hasher_update(&hasher, number, 4);
    be64_put(number, w->plan.bulk);
    hasher_update(&hasher, number, 8);
    hasher_update(&hasher, &root, 32);
    hasher_final(&hasher, out);
}

/* The deposit that made an item, signed by the issuer. Out: its id. */
static void deposit_make(struct world *w, struct item *item, uint32_t index, struct bytes content,
                         struct hash32 *id)
{
    Xuelian__TxCommon common = XUELIAN__TX_COMMON__INIT;
    Xuelian__Signer signer = XUELIAN__SIGNER__INIT;
    Xuelian__Signer *signers[1] = {&signer};
    struct hash32 nonce = named("nonce", index);
    struct hash32 commitment;
    struct signer *other = signer_make(SECRET_OTHER);
    struct signer *key = w->plan.lie == LIE_KEY ? other : w->issuer;
    commitment_make(w, item, index, content, &commitment);
    signer.member = w->plan.lie == LIE_STRANGER ? BUILD_STRANGER : BUILD_ISSUER;
    signer.role = XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER;
    signer.key = field_borrow(signer_key(key), 33);
    common.chain_id = field_borrow(&w->chain_id, 32);
    common.valid_until = w->plan.lie == LIE_EXPIRED_TX ? 1 : 100 + index;
    common.n_signers = 1;
    common.signers = signers;
    common.nonce = field_borrow(&nonce, 16);
    common.kind = w->plan.bulk == 0 ? XUELIAN__TX_KIND__TX_KIND_DEPOSIT
                                    : XUELIAN__TX_KIND__TX_KIND_DEPOSIT_BULK;
    common.payload_commitment = field_borrow(&commitment, 32);
    item->common = encode(w, &common.base);
    hash_tagged(id, TAG_TX_ID, item->common.data, item->common.size);
    signer_sign(key, id, &item->signature);
    signer_free(other);
}

/* Points earned with item 1. */
static struct bytes lot_make(struct world *w)
{
    Xuelian__PointsEntry lot = XUELIAN__POINTS_ENTRY__INIT;
    lot.type = XUELIAN__POINTS_TYPE__POINTS_TYPE_ACCRUAL;
    lot.points = 50;
    lot.date = 20240630;
    lot.remaining = 50;
    lot.rule = 3;
    lot.source_item = 1;
    lot.source_hash = field_borrow(&w->items[0].hash, 32);
    return encode(w, &lot.base);
}

/* Appends a version. `number` counts from 1. */
static void version_make(struct world *w, struct item *item, uint32_t index, uint32_t number)
{
    Xuelian__ItemVersion version = XUELIAN__ITEM_VERSION__INIT;
    bool points = w->plan.lie == LIE_POINTS_ITEM && index == 1;
    struct bytes content = points ? lot_make(w) : outcome_make(w, index, number);
    struct hash32 id = named("later transaction", number);
    struct hash32 previous = item->hash;
    if (number == 1) {
        deposit_make(w, item, index, content, &id);
        version.outcome_index = w->plan.bulk == 0 ? 0 : index;
    } else {
        if (w->plan.lie == LIE_HISTORY) {
            previous = named("another version", 1);
        }
        version.previous_hash = field_borrow(&previous, 32);
    }
    version.account = field_borrow(&w->learner, 32);
    version.item = w->plan.lie == LIE_NUMBER && index == 1 ? 1 : index + 1;
    version.number = number;
    version.height = w->plan.lie == LIE_FUTURE && index == 0 ? BUILD_HEIGHT + 1 : 5 + number;
    version.tx_id = field_borrow(&id, 32);
    version.kind =
        points ? XUELIAN__ITEM_KIND__ITEM_KIND_POINTS : XUELIAN__ITEM_KIND__ITEM_KIND_OUTCOME;
    version.status = number == 1 ? XUELIAN__ITEM_STATUS__ITEM_STATUS_VALID
                                 : XUELIAN__ITEM_STATUS__ITEM_STATUS_CORRECTED;
    if (index == 2 && number > 1) {
        version.status = XUELIAN__ITEM_STATUS__ITEM_STATUS_REVOKED;
    }
    version.content = borrow(content);
    if (index == 0 && w->plan.details > 0) {
        version.details = w->plan.erased && number == 1 + w->plan.earlier
                              ? XUELIAN__DETAILS_STATE__DETAILS_STATE_ERASED
                              : XUELIAN__DETAILS_STATE__DETAILS_STATE_HELD;
    }
    struct bytes bytes = encode(w, &version.base);
    CHECK(item->version_count < VERSIONS_MAX);
    item->versions[item->version_count++] = bytes;
    hash_tagged(&item->hash, TAG_VERSION, bytes.data, bytes.size);
}

void items_make(struct world *w)
{
    CHECK(w->plan.items <= BUILD_ITEMS_MAX && w->plan.earlier < VERSIONS_MAX);
    for (uint32_t i = 0; i < w->plan.items; i++) {
        uint32_t versions = i == 0 ? 1 + w->plan.earlier : i == 2 ? 2 : 1;
        uint8_t leaf[40];
        for (uint32_t number = 1; number <= versions; number++) {
            version_make(w, &w->items[i], i, number);
        }
        be64_put(leaf, i + 1);
        memcpy(leaf + 8, &w->items[i].hash, 32);
        hash_leaf(&w->item_leaves[i], TAG_LEAF_ITEM, leaf, sizeof leaf);
    }
}

void summary_make(struct world *w)
{
    static const Xuelian__KindTotal total_start = XUELIAN__KIND_TOTAL__INIT;
    Xuelian__AccountSummary summary = XUELIAN__ACCOUNT_SUMMARY__INIT;
    Xuelian__KindTotal totals[10];
    Xuelian__KindTotal *pointers[10];
    struct hash32 commitment = named("identity", 1);
    struct hash32 opened_by = named("opening", 1);
    for (uint32_t kind = 1; kind < 10; kind++) {
        totals[kind] = total_start;
        totals[kind].kind = (Xuelian__OutcomeKind)kind;
        for (uint32_t i = 0; i < w->plan.items; i++) {
            bool points = w->plan.lie == LIE_POINTS_ITEM && i == 1;
            if (item_kind(i) == kind && i != 2 && !points) {
                totals[kind].outcomes++;
                totals[kind].credits += item_credits(i);
                totals[kind].hours += 1600;
            }
        }
        totals[kind].credits += w->plan.lie == LIE_TOTALS && totals[kind].outcomes > 0 ? 100 : 0;
        if (totals[kind].outcomes > 0 || (w->plan.lie == LIE_FULL_SUMMARY && kind == 9)) {
            pointers[summary.n_totals++] = &totals[kind];
        }
    }
    summary.identity_commitment = field_borrow(&commitment, 32);
    summary.custodian = 1;
    summary.region = 330106;
    summary.opened_height = 3;
    summary.opened_by = field_borrow(&opened_by, 32);
    summary.points = w->plan.lie == LIE_POINTS || w->plan.lie == LIE_POINTS_ITEM ? 50 : 0;
    summary.totals = pointers;
    w->summary = encode(w, &summary.base);
}

/* ---- state ---- */

static void account_make(struct world *w, struct hash32 *value_hash)
{
    Xuelian__AccountValue value = XUELIAN__ACCOUNT_VALUE__INIT;
    struct hash32 root;
    struct hash32 summary_hash;
    merkle_root(&root, w->item_leaves, w->plan.items);
    hash_tagged(&summary_hash, TAG_SUMMARY, w->summary.data, w->summary.size);
    value.item_count = w->plan.items;
    value.item_root = field_borrow(&root, 32);
    value.status = XUELIAN__ACCOUNT_STATUS__ACCOUNT_STATUS_OPEN;
    value.summary_hash = field_borrow(&summary_hash, 32);
    w->account_value = encode(w, &value.base);
    hash_tagged(value_hash, TAG_ACCOUNT, w->account_value.data, w->account_value.size);
}

void key_make(struct hash32 *out, uint32_t collection, const void *natural, size_t size)
{
    struct hasher hasher;
    uint8_t number[4];
    be32_put(number, collection);
    hasher_init_tagged(&hasher, TAG_TREE_KEY);
    hasher_update(&hasher, number, 4);
    hasher_update(&hasher, natural, size);
    hasher_final(&hasher, out);
}

/* Next key in sorted order by looking at all: slow, and plainly right. */
struct hash32 next_of(const struct hash32 *keys, uint32_t count, const struct hash32 *key)
{
    struct hash32 best = {{0}};
    for (uint32_t i = 1; i < count; i++) {
        bool above = hash32_compare(&keys[i], key) > 0;
        if (above && (hash32_is_zero(&best) || hash32_compare(&keys[i], &best) < 0)) {
            best = keys[i];
        }
    }
    return best;
}

static void collection_leaf(struct world *w, uint32_t id, uint64_t count, const struct hash32 *root)
{
    uint8_t bytes[44];
    be32_put(bytes, id);
    be64_put(bytes + 4, count);
    memcpy(bytes + 12, root, 32);
    hash_leaf(&w->collection_leaves[id - 1], TAG_LEAF_COLLECTION, bytes, sizeof bytes);
}

/* The learner's account is at position 1, others follow; the other collections are empty. */
void state_make(struct world *w, struct hash32 *state_root)
{
    static const struct hash32 empty[3];
    struct hash32 root;
    CHECK(w->plan.accounts <= BUILD_ACCOUNTS_MAX);
    w->leaf_count = 2 + w->plan.accounts;
    key_make(&w->keys[1], ACCOUNTS, &w->learner, 32);
    account_make(w, &w->values[1]);
    for (uint32_t i = 2; i < w->leaf_count; i++) {
        struct hash32 other = named("learner", i);
        key_make(&w->keys[i], ACCOUNTS, &other, 32);
        w->values[i] = named("value", i);
    }
    for (uint32_t i = 0; i < w->leaf_count; i++) {
        w->next_keys[i] = next_of(w->keys, w->leaf_count, &w->keys[i]);
        struct hash32 parts[3] = {w->keys[i], w->next_keys[i], w->values[i]};
        hash_leaf(&w->leaves[i], TAG_LEAF_STATE, parts, sizeof parts);
    }
    for (uint32_t id = 1; id <= COLLECTIONS; id++) {
        hash_leaf(&root, TAG_LEAF_STATE, empty, sizeof empty);
        collection_leaf(w, id, 1, &root);
    }
    cells_make(w, &root);
    collection_leaf(w, STATISTICS, w->cells.count, &root);
    merkle_root(&root, w->leaves, w->leaf_count);
    collection_leaf(w, ACCOUNTS, w->leaf_count, &root);
    merkle_root(state_root, w->collection_leaves, COLLECTIONS);
}
