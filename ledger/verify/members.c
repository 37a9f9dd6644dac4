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

static enum verify_fault record_read(struct verifier *v, struct bytes record, uint32_t *id,
                                     uint32_t *page)
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
    for (uint32_t field = 12; field <= 14; field++) {
        (void)reader_u32(&reader, field);
    }
    *page = reader_u32(&reader, 15);
    return proof_end(v, &reader);
}

enum verify_fault member_check(struct verifier *v, struct bytes message)
{
    struct reader reader;
    uint32_t id = 0;
    uint32_t page = 0;
    uint8_t key[8];
    reader_init(&reader, message);
    struct bytes record = reader_bytes(&reader, 1);
    struct bytes leaf = reader_bytes(&reader, 2);
    struct proved_member *member = scratch_take(v, sizeof *member, _Alignof(struct proved_member));
    enum verify_fault fault = proof_end(v, &reader);
    if (fault == VERIFY_FAULT_NONE && member == NULL) {
        fault = VERIFY_FAULT_SCRATCH;
    }
    if (fault == VERIFY_FAULT_NONE) {
        fault = record_read(v, record, &id, &page);
    }
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    const struct proved_member *before =
        v->proved_count == 0 ? NULL : &v->proved[v->proved_count - 1];
    if (id == 0 ||
        (before != NULL && (id < before->id || (id == before->id && page <= before->page)))) {
        return fault_at(v, VERIFY_FAULT_MEMBER, id);
    }
    be32_put(key, id);
    be32_put(key + 4, page);
    fault =
        record_leaf_check(v, COLLECTION_MEMBERS, bytes_of(key, page == 0 ? 4 : 8), record, leaf);
    if (fault != VERIFY_FAULT_NONE) {
        return fault;
    }
    *member = (struct proved_member){.id = id, .page = page, .record = record};
    if (v->proved_count == 0) {
        v->proved = member;
    }
    v->proved_count++;
    return VERIFY_FAULT_NONE;
}

/* The first of what the proof brings of a member, or where it would be. */
static uint32_t find(const struct verifier *v, uint32_t member)
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
    return low;
}

static bool brings(const struct verifier *v, uint32_t at, uint32_t member)
{
    return at < v->proved_count && v->proved[at].id == member;
}

struct verify_name member_name(const struct verifier *v, uint32_t member)
{
    struct verify_name name = {.en = {.size = 0}};
    struct bytes record;
    struct reader reader;
    uint32_t at = find(v, member);
    if (brings(v, at, member) && v->proved[at].page == 0) {
        (void)member_open(&reader, v->proved[at].record, &name);
    } else if (member != 0 && genesis_member_find(v, member, &record)) {
        (void)member_open(&reader, record, &name);
    }
    return name;
}

/* A key among those of one record. Unchanged when it is not there, or not yet at that height. */
static void look(struct bytes record, bool proved, const struct pubkey33 *key, uint64_t height,
                 enum verify_key_state *state)
{
    struct verify_name name;
    struct reader reader;
    struct pubkey33 held;
    uint64_t from_height;
    uint64_t to_height;
    (void)member_open(&reader, record, &name);
    while (member_key_next(&reader, &held, &from_height, &to_height)) {
        if (pubkey33_compare(&held, key) != 0 || height < from_height) {
            continue;
        }
        if (to_height == 0 || height < to_height) {
            *state = proved ? VERIFY_KEY_OF_STATE : VERIFY_KEY_OF_GENESIS;
            return;
        }
        if (proved) {
            *state = VERIFY_KEY_ENDED;
        }
    }
}

bool member_key_state(const struct verifier *v, uint32_t member, const struct pubkey33 *key,
                      uint64_t height, enum verify_key_state *state)
{
    struct bytes record;
    bool whole = false; /* the record itself is shown: genesis says nothing more */
    *state = VERIFY_KEY_UNKNOWN;
    for (uint32_t at = find(v, member); brings(v, at, member); at++) {
        look(v->proved[at].record, true, key, height, state);
        whole = whole || v->proved[at].page == 0;
        if (*state != VERIFY_KEY_UNKNOWN) {
            return true;
        }
    }
    if (whole) {
        return false;
    }
    if (!genesis_member_find(v, member, &record)) {
        return true;
    }
    look(record, false, key, height, state);
    return *state != VERIFY_KEY_UNKNOWN;
}
