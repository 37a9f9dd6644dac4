/* Members as the proof itself shows them: their records in the certified state. These say which keys a member ever had
 * and when each began and ended, those that it got after genesis and those that it gave up with hindsight included. */
#include "ledger/verify/internal.h"
#include "proto/bytes.h"

enum { COLLECTION_MEMBERS = 1, NODE_ROLE_MAX = 3, MEMBER_STATUS_MAX = 2 };

static bool node_read(struct bytes message)
{
    struct reader reader;
    struct pubkey33 key;
    struct bytes address;
    reader_init(&reader, message);
    reader_fixed(&reader, 1, &key, sizeof key);
    (void)reader_enum(&reader, 2, NODE_ROLE_MAX);
    while (reader_next(&reader, 3, &address)) {
        if (!utf8_valid(address)) {
            reader_refuse(&reader);
        }
    }
    for (uint32_t field = 4; field <= 6; field++) {
        (void)reader_u64(&reader, field);
    }
    return reader_end(&reader);
}

static enum verify_fault record_read(struct verifier *v, struct bytes record, uint32_t *id)
{
    struct reader reader;
    struct verify_name name;
    struct pubkey33 key;
    struct bytes node;
    uint64_t from_height;
    uint64_t to_height;
    *id = member_open(&reader, record, &name);
    while (member_key_next(&reader, &key, &from_height, &to_height)) {
    }
    while (reader_next(&reader, 10, &node)) {
        if (!node_read(node)) {
            reader_refuse(&reader);
        }
    }
    (void)reader_enum(&reader, 11, MEMBER_STATUS_MAX);
    (void)reader_u32(&reader, 12);
    return proof_end(v, &reader);
}

enum verify_fault member_check(struct verifier *v, struct bytes message)
{
    struct reader reader;
    uint32_t id = 0;
    reader_init(&reader, message);
    struct bytes record = reader_bytes(&reader, 1);
    struct bytes leaf = reader_bytes(&reader, 2);
    struct proved_member *member = scratch_take(v, sizeof *member, _Alignof(struct proved_member));
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE && member == NULL) {
        fault = VERIFY_FAULT_SCRATCH;
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = record_read(v, record, &id);
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    if (id == 0 || (v->proved_count > 0 && id <= v->proved[v->proved_count - 1].id)) {
        return fault_at(v, VERIFY_FAULT_MEMBER, id);
    }
    fault = record_leaf_check(v, COLLECTION_MEMBERS, id, record, leaf);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    *member = (struct proved_member){.id = id, .record = record};
    if (v->proved_count == 0) {
        v->proved = member;
    }
    v->proved_count++;
    return VERIFY_FAULT_NONE;
}

/* The newest that is known of a member. *proved: from the state, not from genesis. */
static bool find(const struct verifier *v, uint32_t member, struct bytes *record, bool *proved)
{
    uint32_t low = 0;
    uint32_t high = v->proved_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (v->proved[middle].id < member) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *proved = low < v->proved_count && v->proved[low].id == member;
    if (*proved) {
        *record = v->proved[low].record;
        return true;
    }
    return genesis_member_find(v, member, record);
}

struct verify_name member_name(const struct verifier *v, uint32_t member)
{
    struct verify_name name = {.en = {.size = 0}};
    struct bytes record;
    struct reader reader;
    bool proved;
    if (member != 0 && find(v, member, &record, &proved)) {
        (void)member_open(&reader, record, &name);
    }
    return name;
}

bool member_key_state(const struct verifier *v, uint32_t member, const struct pubkey33 *key,
                      uint64_t height, enum verify_key_state *state)
{
    struct verify_name name;
    struct bytes record;
    struct reader reader;
    struct pubkey33 held;
    uint64_t from_height;
    uint64_t to_height;
    bool proved;
    *state = VERIFY_KEY_UNKNOWN;
    if (!find(v, member, &record, &proved)) {
        return true;
    }
    (void)member_open(&reader, record, &name);
    while (member_key_next(&reader, &held, &from_height, &to_height)) {
        if (pubkey33_compare(&held, key) != 0 || height < from_height) {
            continue;
        }
        if (to_height == 0 || height < to_height) {
            *state = proved ? VERIFY_KEY_OF_STATE : VERIFY_KEY_OF_GENESIS;
            return true;
        }
        if (proved) {
            *state = VERIFY_KEY_ENDED;
        }
    }
    return *state == VERIFY_KEY_ENDED;
}
