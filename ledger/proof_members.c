/* Members' records in a proof: of those who signed with keys that genesis does not tell, or that ended with hindsight. */
#include <stdlib.h>
#include <string.h>

#include "ledger/proof_build.h"
#include "ledger/state/keys.h"
#include "ledger/state/registry.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/check.h"
#include "proto/convert.h"
#include "proto/ledger.pb-c.h"

enum { MEMBER_ROOM = 1 << 16 };

static const Xuelian__Member *member_of_genesis(const Xuelian__Genesis *genesis, uint32_t id)
{
    for (size_t i = 0; genesis != NULL && i < genesis->n_members; i++) {
        if (genesis->members[i]->id == id) {
            return genesis->members[i];
        }
    }
    return NULL;
}

/* *ever: the member has or had the key from that height or before; returns whether it was in force then. */
static bool key_in_force(const Xuelian__Member *member, const struct pubkey33 *key, uint64_t height,
                         bool *ever)
{
    *ever = false;
    for (size_t i = 0; member != NULL && i < member->n_keys; i++) {
        const Xuelian__MemberKey *known = member->keys[i];
        if (known->key.len != 33 || memcmp(known->key.data, key->bytes, 33) != 0 ||
            known->from_height > height) {
            continue;
        }
        *ever = true;
        if (known->to_height == 0 || height < known->to_height) {
            return true;
        }
    }
    return false;
}

/* The member's record at the view's height, or a page of its keys that ended, decoded. NULL when there is none. */
static const Xuelian__Member *member_of_state(struct builder *builder, uint32_t id, uint32_t page,
                                              struct bytes *record)
{
    uint8_t natural_key[MEMBER_KEY_SIZE_MAX];
    uint8_t *value = NULL;
    size_t size = 0;
    struct arena arena;
    ProtobufCMessage *message = NULL;
    if (builder->read.id == id && builder->read.page == page) {
        *record = builder->read.record;
        return builder->read_as;
    }
    if (ledger_view_record(builder->view, XUELIAN__COLLECTION__COLLECTION_MEMBERS,
                           bytes_of(natural_key, registry_member_key(natural_key, id, page)),
                           &value, &size) != ST_OK) {
        return NULL;
    }
    *record = bytes_of(build_own(builder, value), size);
    arena_init(&arena, build_zeroed(builder, 1, MEMBER_ROOM), MEMBER_ROOM);
    if (canonical_decode(&message, &xuelian__member__descriptor, *record, &arena) != ST_OK) {
        return NULL;
    }
    builder->read = (struct build_member){.id = id, .page = page, .record = *record};
    builder->read_as = (const Xuelian__Member *)(const void *)message;
    return builder->read_as;
}

/* The page that a key stands on, 0: none. */
static uint32_t page_of(const struct builder *builder, uint32_t id, const struct pubkey33 *key)
{
    struct state_key index = key_of('X');
    uint8_t *value = NULL;
    size_t size = 0;
    uint32_t page = 0;
    key_add8(&index, 'w');
    key_add32(&index, id);
    memcpy(index.data + index.size, key->bytes, sizeof key->bytes);
    index.size += sizeof key->bytes;
    if (kv_get(builder->view->kv, builder->view->snapshot, key_bytes(&index), &value, &size) ==
            ST_OK &&
        size == 4) {
        page = be32_get(value);
    }
    kv_free(value);
    return page;
}

/* Keeps the list ascending. */
static bool add(struct builder *builder, const struct build_member *member)
{
    uint32_t at = builder->member_count;
    if (at == BUILD_MEMBERS_MAX) {
        return false;
    }
    for (; at > 0; at--) {
        const struct build_member *before = &builder->members[at - 1];
        if (before->id < member->id || (before->id == member->id && before->page < member->page)) {
            break;
        }
        builder->members[at] = *before;
    }
    builder->members[at] = *member;
    builder->member_count++;
    return true;
}

static bool added(const struct builder *builder, uint32_t id, uint32_t page)
{
    for (uint32_t i = 0; i < builder->member_count; i++) {
        if (builder->members[i].id == id && builder->members[i].page == page) {
            return true;
        }
    }
    return false;
}

bool build_signer(struct builder *builder, const struct tx_signer *signer, uint64_t height)
{
    struct build_member found = {.id = signer->member};
    bool ever;
    if (signer->role != XUELIAN__SIGNER_ROLE__SIGNER_ROLE_MEMBER) {
        return true;
    }
    const Xuelian__Genesis *genesis = builder->source->genesis;
    const Xuelian__Member *member = member_of_state(builder, signer->member, 0, &found.record);
    bool now = key_in_force(member, &signer->key, height, &ever);
    if (!ever) {
        /* A page is always brought: where another item needs the record, genesis is not looked at any more. */
        found.page = page_of(builder, signer->member, &signer->key);
        member = found.page == 0
                     ? NULL
                     : member_of_state(builder, signer->member, found.page, &found.record);
        (void)key_in_force(member, &signer->key, height, &ever);
        now = false;
    }
    if (!ever) {
        return false;
    }
    bool told = now && key_in_force(member_of_genesis(genesis, signer->member), &signer->key,
                                    height, &ever);
    return told || added(builder, found.id, found.page) || add(builder, &found);
}

enum status build_members(struct builder *builder, Xuelian__Proof *wire)
{
    uint32_t count = builder->member_count;
    Xuelian__MemberProof *members = build_zeroed(builder, count, sizeof *members);
    Xuelian__MemberProof **pointers = build_zeroed(builder, count, sizeof(Xuelian__MemberProof *));
    Xuelian__LeafPath *paths = build_zeroed(builder, count, sizeof *paths);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t natural_key[MEMBER_KEY_SIZE_MAX];
        const struct build_member *member = &builder->members[i];
        size_t size = registry_member_key(natural_key, member->id, member->page);
        enum status status = build_record_leaf(builder, XUELIAN__COLLECTION__COLLECTION_MEMBERS,
                                               bytes_of(natural_key, size), &paths[i]);
        if (status != ST_OK) {
            return status;
        }
        xuelian__member_proof__init(&members[i]);
        members[i].member = field_borrow(member->record.data, member->record.size);
        members[i].leaf = &paths[i];
        pointers[i] = &members[i];
    }
    wire->members = pointers;
    wire->n_members = count;
    return ST_OK;
}
