/* What a member can say with a good signature and a bad inside: each is refused, and nothing reaches a CHECK. */
#include "tests/unit/cmocka_all.h"

#include "proto/block.pb-c.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/journal.pb-c.h"
#include "proto/peer.pb-c.h"
#include "tests/unit/consensus/network.h"

enum { HEARER = 1, ROOM = 1 << 20, LIST_MAX = 3 };

static uint8_t zeros[64];

static struct owned encoded(const ProtobufCMessage *message)
{
    struct owned out = {.data = sim_new(canonical_size(message))};
    out.size = canonical_encode(out.data, message);
    return out;
}

static uint32_t node_of(const struct cluster *cluster, uint32_t member)
{
    const struct validator_set *set = pbft_set(cluster->replicas[HEARER].core);
    return (uint32_t)keys_find(&cluster->keys, &set->validators[member].key);
}

/* Says a message to HEARER, its outer signature taken for good. Returns the verdict. */
static enum status tell(struct cluster *cluster, uint32_t from, uint8_t type, struct bytes body)
{
    struct arena arena = chain_scratch(&cluster->chain);
    struct pbft_message message;
    struct pbft_input input = {.type = PBFT_MESSAGE};
    enum status status = pbft_message_parse(&message, type, body, &cluster->chain.chain_id, &arena);
    if (status != ST_OK) {
        return status;
    }
    input.message.from = cluster->keys.owners[from].key;
    input.message.message = &message;
    status = replica_step(&cluster->replicas[HEARER], &input);
    return status;
}

static enum status tell_wire(struct cluster *cluster, uint32_t from, uint8_t type,
                             const ProtobufCMessage *wire)
{
    struct owned bytes = encoded(wire);
    enum status status = tell(cluster, from, type, owned_bytes(&bytes));
    owned_free(&bytes);
    return status;
}

/* Everybody else may lie here. */
static void doubt(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        cluster->oracle.nodes[i].traitor = i != HEARER;
    }
}

/* ---- VIEW-CHANGE --------------------------------------------------------------------------------- */

/* A true one of HEARER's own parts, and room to alter it. */
struct change {
    Xuelian__ViewChange wire;
    Xuelian__Certificate committed, prepared;
    struct header header;
    struct owned made[3];
};

static Xuelian__Certificate *decode_certificate(struct arena *arena, struct bytes bytes)
{
    ProtobufCMessage *message;
    assert_int_equal(canonical_decode(&message, &xuelian__certificate__descriptor, bytes, arena),
                     ST_OK);
    return (Xuelian__Certificate *)(void *)message;
}

static void true_change(struct cluster *cluster, struct arena *arena, struct change *out)
{
    ProtobufCMessage *message;
    const struct disk *disk = &cluster->replicas[HEARER].disk;
    assert_int_equal(canonical_decode(&message, &xuelian__journal_record__descriptor,
                                      owned_bytes(&disk->record), arena),
                     ST_OK);
    const Xuelian__JournalRecord *record = (const Xuelian__JournalRecord *)(const void *)message;
    assert_true(record->n_heights == 1 && record->heights[0]->prepared_header.len > 0);
    const struct disk_block *block = &disk->blocks[0];
    memset(out, 0, sizeof *out);
    out->wire = (Xuelian__ViewChange)XUELIAN__VIEW_CHANGE__INIT;
    out->wire.era = 1;
    out->wire.new_view = 3;
    out->wire.committed_height = 1;
    out->wire.committed_hash = field_borrow(&block->block->hash, 32);
    out->wire.committed_header =
        field_borrow(block->block->header_bytes.data, block->block->header_bytes.size);
    out->wire.prepared_header = record->heights[0]->prepared_header;
    out->wire.signature = field_borrow(zeros, 64);
    out->committed = *decode_certificate(arena, owned_bytes(&block->certificate));
    out->prepared =
        *decode_certificate(arena, field_bytes(&record->heights[0]->prepared_certificate));
    assert_int_equal(header_decode(&out->header, field_bytes(&out->wire.prepared_header)), ST_OK);
}

#define LIES(X)                                                                                \
    X(committed_header_cut, change->wire.committed_header.len--)                               \
    X(committed_header_of_other, change->wire.committed_header = change->wire.prepared_header) \
    X(committed_height, change->wire.committed_height = 2)                                     \
    X(committed_height_last, change->wire.committed_height = UINT64_MAX)                       \
    X(committed_hash, change->wire.committed_hash = field_borrow(zeros, 32))                   \
    X(committed_phase, change->committed.phase = XUELIAN__PHASE__PHASE_PREPARE)                \
    X(committed_certificate_height, change->committed.height = 2)                              \
    X(committed_certificate_hash, change->committed.header_hash = field_borrow(zeros, 32))     \
    X(committed_signers, change->committed.signers = field_borrow(zeros, 1))                   \
    X(committed_signatures, change->committed.signatures.len -= 64)                            \
    X(prepared_header_cut, change->wire.prepared_header.len--)                                 \
    X(prepared_header_of_other, change->wire.prepared_header = change->wire.committed_header)  \
    X(prepared_phase, change->prepared.phase = XUELIAN__PHASE__PHASE_COMMIT)                   \
    X(prepared_height, change->prepared.height = 1)                                            \
    X(prepared_hash, change->prepared.header_hash = field_borrow(zeros, 32))                   \
    X(prepared_view, change->prepared.view = 3)                                                \
    X(prepared_signatures, change->prepared.signatures.len -= 64)                              \
    X(prepared_chain, memset(&change->header.chain_id, 7, 32))                                 \
    X(prepared_set, memset(&change->header.validators_hash, 7, 32))

#define X(name, alteration)                       \
    static void lie_##name(struct change *change) \
    {                                             \
        (void)(alteration);                       \
    }
LIES(X)
#undef X

static const struct {
    const char *name;
    void (*alter)(struct change *change);
} lies[] = {
#define X(name, alteration) {#name, lie_##name},
    LIES(X)
#undef X
};

/* What was altered takes effect: certificates and the prepared header are encoded anew. */
static void finish(struct change *change, void (*alter)(struct change *))
{
    struct header before = change->header;
    uint8_t header[LIMIT_HEADER_SIZE_MAX];
    if (alter != NULL) {
        alter(change);
    }
    if (memcmp(&before, &change->header, sizeof before) != 0) {
        struct hash32 hash;
        size_t size = header_encode(header, &change->header);
        change->made[2] = (struct owned){.data = sim_copy(bytes_of(header, size)), .size = size};
        change->wire.prepared_header = field_borrow(change->made[2].data, size);
        header_hash(&hash, &change->header);
        memcpy(change->prepared.header_hash.data, hash.bytes, 32);
    }
    change->made[0] = encoded(&change->committed.base);
    change->made[1] = encoded(&change->prepared.base);
    change->wire.committed_certificate = field_borrow(change->made[0].data, change->made[0].size);
    change->wire.prepared_certificate = field_borrow(change->made[1].data, change->made[1].size);
}

static void change_free(struct change *change)
{
    for (size_t i = 0; i < 3; i++) {
        owned_free(&change->made[i]);
    }
}

static void test_view_changes(void **state)
{
    enum { TYPE = XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE };
    void *memory = sim_new(ROOM);
    struct cluster *cluster = network_stuck();
    (void)state;
    doubt(cluster);
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct arena arena;
        struct change change;
        arena_init(&arena, memory, ROOM);
        true_change(cluster, &arena, &change);
        finish(&change, lies[i].alter);
        change.wire.sender = 3;
        if (tell_wire(cluster, node_of(cluster, 3), TYPE, &change.wire.base) == ST_OK) {
            fail_msg("taken: %s", lies[i].name);
        }
        change_free(&change);
    }
    struct arena arena;
    struct change change;
    arena_init(&arena, memory, ROOM);
    true_change(cluster, &arena, &change);
    finish(&change, NULL);
    change.wire.sender = 2;
    assert_int_equal(tell_wire(cluster, node_of(cluster, 2), TYPE, &change.wire.base), ST_OK);
    change_free(&change);
    free(memory);
    cluster_free(cluster);
    free(cluster);
}

/* ---- NEW-VIEW ------------------------------------------------------------------------------------ */

static void alter_second(Xuelian__ViewChange *wire, int how)
{
    switch (how) {
    case 0:
        wire->era = 2;
        break;
    case 1:
        wire->new_view = 4;
        break;
    case 2:
        wire->sender = 9;
        break;
    case 3:
        wire->sender = 0; /* twice the same */
        break;
    case 4:
        wire->committed_hash = field_borrow(zeros, 32);
        break;
    default:
        wire->signature.len = 0; /* no VIEW-CHANGE at all */
        break;
    }
}

/* One of three VIEW-CHANGEs is none: evidence against who opened a view with it. */
static void test_new_views(void **state)
{
    enum { TYPE = XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW, WAYS = 6 };
    void *memory = sim_new(ROOM);
    (void)state;
    for (int how = 0; how < WAYS; how++) {
        struct cluster *cluster = network_stuck();
        struct arena arena;
        struct change change;
        struct owned made[LIST_MAX];
        ProtobufCBinaryData list[LIST_MAX];
        Xuelian__NewView wire = XUELIAN__NEW_VIEW__INIT;
        doubt(cluster);
        arena_init(&arena, memory, ROOM);
        true_change(cluster, &arena, &change);
        finish(&change, NULL);
        for (uint32_t i = 0; i < LIST_MAX; i++) {
            Xuelian__ViewChange one = change.wire;
            one.sender = i;
            if (i == 1) {
                alter_second(&one, how);
            }
            made[i] = encoded(&one.base);
            list[i] = field_borrow(made[i].data, made[i].size);
        }
        wire.era = 1;
        wire.new_view = 3;
        wire.sender = 3;
        wire.view_changes = list;
        wire.n_view_changes = LIST_MAX;
        wire.signature = field_borrow(zeros, 64);
        uint64_t evidence = cluster->counters.evidence;
        (void)tell_wire(cluster, node_of(cluster, 3), TYPE, &wire.base);
        replica_pump(&cluster->replicas[HEARER]);
        cluster_run(cluster, cluster->now_ms + 5);
        assert_int_equal(cluster->counters.evidence, evidence + 1);
        for (uint32_t i = 0; i < LIST_MAX; i++) {
            owned_free(&made[i]);
        }
        change_free(&change);
        cluster_free(cluster);
        free(cluster);
    }
    free(memory);
}

/* ---- PRE-PREPARE --------------------------------------------------------------------------------- */

static void test_proposals(void **state)
{
    enum { TYPE = XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE, WAYS = 4 };
    (void)state;
    for (int how = 0; how < WAYS; how++) {
        struct cluster *cluster = network_begin();
        Xuelian__PrePrepare wire = XUELIAN__PRE_PREPARE__INIT;
        Xuelian__Proposal proposal = XUELIAN__PROPOSAL__INIT;
        struct owned made = {.data = NULL};
        doubt(cluster);
        proposal.parent_hash = field_borrow(&cluster->chain.genesis->hash, how == 0 ? 31 : 32);
        proposal.time_ms = how == 1 ? 1 : cluster->chain.genesis->header.time_ms + 1;
        proposal.entries = field_borrow(zeros, how == 2 ? 33 : 32);
        made = encoded(&proposal.base);
        made.size -= how == 3;
        wire.era = 1;
        wire.height = 1;
        wire.proposal = field_borrow(made.data, made.size);
        wire.signature = field_borrow(zeros, 64);
        assert_int_not_equal(tell_wire(cluster, node_of(cluster, 0), TYPE, &wire.base), ST_OK);
        owned_free(&made);
        cluster_free(cluster);
        free(cluster);
    }
}

/* ---- What nobody signs --------------------------------------------------------------------------- */

static void test_status(void **state)
{
    enum { TYPE = XUELIAN__PEER_TYPE__PEER_TYPE_STATUS };
    struct cluster *cluster = network_begin();
    Xuelian__Status good = XUELIAN__STATUS__INIT;
    (void)state;
    good.era = 1;
    good.header_hash = field_borrow(&cluster->chain.genesis->hash, 32);
    assert_int_equal(tell_wire(cluster, 0, TYPE, &good.base), ST_OK);
    Xuelian__Status bad = good;
    bad.era = 0;
    assert_int_not_equal(tell_wire(cluster, 0, TYPE, &bad.base), ST_OK);
    bad = good;
    bad.header_hash.len = 31;
    assert_int_not_equal(tell_wire(cluster, 0, TYPE, &bad.base), ST_OK);
    bad = good;
    bad.height = UINT64_MAX;
    assert_int_not_equal(tell_wire(cluster, 0, TYPE, &bad.base), ST_OK);
    assert_int_not_equal(tell(cluster, 0, TYPE, bytes_of("\xff\xff", 2)), ST_OK);
    network_end(cluster);
}

static void test_certified(void **state)
{
    enum { TYPE = XUELIAN__PEER_TYPE__PEER_TYPE_CERTIFIED };
    void *memory = sim_new(ROOM);
    struct arena arena;
    struct change change;
    struct cluster *cluster = network_stuck();
    struct cluster *behind = network_begin();
    Xuelian__Certified wire = XUELIAN__CERTIFIED__INIT;
    (void)state;
    arena_init(&arena, memory, ROOM);
    true_change(cluster, &arena, &change);
    finish(&change, NULL);
    wire.header = change.wire.committed_header;
    wire.certificate = change.wire.prepared_certificate; /* of a PREPARE */
    assert_int_not_equal(tell_wire(behind, 0, TYPE, &wire.base), ST_OK);
    wire.certificate = change.wire.committed_certificate;
    wire.header.len--;
    assert_int_not_equal(tell_wire(behind, 0, TYPE, &wire.base), ST_OK);
    wire.header = change.wire.committed_header;
    wire.certificate.len--;
    assert_int_not_equal(tell_wire(behind, 0, TYPE, &wire.base), ST_OK);
    wire.certificate = change.wire.committed_certificate;
    wire.header = change.wire.prepared_header; /* of height 2 */
    assert_int_not_equal(tell_wire(behind, 0, TYPE, &wire.base), ST_OK);
    assert_int_not_equal(tell(behind, 0, TYPE, bytes_of("\xff\xff", 2)), ST_OK);
    change.header.height = 1;
    memset(&change.header.chain_id, 7, 32);
    struct owned other = {.data = sim_new(LIMIT_HEADER_SIZE_MAX)};
    other.size = header_encode(other.data, &change.header);
    wire.header = field_borrow(other.data, other.size);
    assert_int_not_equal(tell_wire(behind, 0, TYPE, &wire.base), ST_OK);
    owned_free(&other);
    change_free(&change);
    free(memory);
    network_end(behind);
    network_end(cluster);
}

static void test_tripwire(void **state)
{
    enum {
        REQUEST = XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST,
        ANSWER = XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER
    };
    struct cluster *cluster = network_begin();
    uint32_t types[1] = {0};
    uint8_t nonce[16] = {0, 0, 0, HEARER, 0, 0, 0, 1}; /* of its second start */
    Xuelian__NewestRequest request = XUELIAN__NEWEST_REQUEST__INIT;
    Xuelian__NewestAnswer answer = XUELIAN__NEWEST_ANSWER__INIT;
    (void)state;
    request.key = field_borrow(&cluster->keys.owners[0].key, 33);
    request.nonce = field_borrow(zeros, 15);
    assert_int_not_equal(tell_wire(cluster, 0, REQUEST, &request.base), ST_OK);
    request.nonce.len = 16;
    request.key.len = 32;
    assert_int_not_equal(tell_wire(cluster, 0, REQUEST, &request.base), ST_OK);
    request.key = field_borrow(&cluster->keys.owners[2].key, 33); /* not who asks */
    assert_int_not_equal(tell_wire(cluster, 0, REQUEST, &request.base), ST_OK);
    assert_int_not_equal(tell(cluster, 0, REQUEST, bytes_of("\xff\xff", 2)), ST_OK);

    /* Started anew, and nobody has answered yet. */
    struct disk_arrived nothing = {.blocks = 0};
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        cluster->cut[HEARER][i] = cluster->cut[i][HEARER] = i != HEARER;
    }
    replica_crash(&cluster->replicas[HEARER], &nothing);
    assert_true(replica_start(&cluster->replicas[HEARER]));
    cluster_run(cluster, cluster->now_ms + 10);
    answer.nonce = field_borrow(zeros, 15);
    assert_int_not_equal(tell_wire(cluster, 0, ANSWER, &answer.base), ST_OK);
    answer.nonce.len = 16; /* another question's */
    assert_int_not_equal(tell_wire(cluster, 0, ANSWER, &answer.base), ST_OK);
    answer.nonce = field_borrow(nonce, 16);
    answer.types = types;
    answer.n_types = 1;
    assert_int_not_equal(tell_wire(cluster, 0, ANSWER, &answer.base), ST_OK);
    assert_int_not_equal(tell_wire(cluster, 4, ANSWER, &answer.base), ST_OK); /* no member */
    assert_int_not_equal(tell_wire(cluster, HEARER, ANSWER, &answer.base), ST_OK);
    ProtobufCBinaryData noise = field_borrow(zeros, 3);
    answer.messages = &noise;
    answer.n_messages = 1;
    assert_int_not_equal(tell_wire(cluster, 0, ANSWER, &answer.base), ST_OK);
    types[0] = XUELIAN__PEER_TYPE__PEER_TYPE_VOTE;
    assert_int_not_equal(tell_wire(cluster, 0, ANSWER, &answer.base), ST_OK);
    assert_int_not_equal(tell(cluster, 0, ANSWER, bytes_of("\xff\xff", 2)), ST_OK);
    network_end(cluster);
}

/* R24: a vote of one's own that the journal does not know, from wherever. */
static void test_own_signature(void **state)
{
    enum { TYPE = XUELIAN__PEER_TYPE__PEER_TYPE_VOTE, TEXT_SIZE = 512 };
    struct cluster *cluster = network_begin();
    struct replica *hearer = &cluster->replicas[HEARER];
    char text[TEXT_SIZE];
    Xuelian__Vote wire = XUELIAN__VOTE__INIT;
    (void)state;
    cluster->oracle.nodes[HEARER].excused = true;
    wire.phase = XUELIAN__PHASE__PHASE_COMMIT;
    wire.era = 1;
    wire.view = 5;
    wire.height = 1;
    wire.header_hash = field_borrow(zeros, 32);
    wire.signature = field_borrow(zeros, 64);
    wire.sender =
        (uint32_t)validator_set_find(pbft_set(hearer->core), &cluster->keys.owners[HEARER].key);
    assert_int_equal(tell_wire(cluster, 0, TYPE, &wire.base), ST_CONFLICT);
    replica_pump(hearer);
    pbft_describe(hearer->core, cluster->now_ms, text, sizeof text);
    assert_non_null(strstr(text, "stopped voting because of an alarm"));
    network_end(cluster);
}

/* A primary that wants a batch is given none. */
static void test_batches(void **state)
{
    enum { TOO_MANY = 11 };
    static const uint8_t entries[32 * TOO_MANY];
    struct cluster *cluster = network_begin();
    uint32_t primary = node_of(cluster, 0);
    struct replica *replica = &cluster->replicas[primary];
    struct pbft_input input = {.type = PBFT_WAITING};
    (void)state;
    input.waiting.count = 1;
    input.waiting.oldest_ms = cluster->now_ms;
    input.waiting.oldest_single_ms = cluster->now_ms;
    input.waiting.full = true;
    assert_int_equal(replica_step(replica, &input), ST_OK);
    assert_true(pbft_wants_proposal(replica->core, cluster->now_ms));
    input = (struct pbft_input){.type = PBFT_BATCH};
    input.batch.entries = bytes_of(entries, 33);
    assert_int_not_equal(replica_step(replica, &input), ST_OK);
    input.batch.entries = bytes_of(entries, sizeof entries);
    assert_int_not_equal(replica_step(replica, &input), ST_OK);
    network_end(cluster);
}

/* Answers that nobody asked for. */
static void test_answers(void **state)
{
    struct cluster *cluster = network_begin();
    struct replica *hearer = &cluster->replicas[HEARER];
    struct pbft_input input = {.type = PBFT_VERIFIED};
    struct pbft_message message = {.type = 200};
    (void)state;
    assert_int_equal(replica_step(hearer, &input), ST_OLD);
    input.verified.token = 1000000;
    assert_int_equal(replica_step(hearer, &input), ST_OLD);
    input = (struct pbft_input){.type = PBFT_BATCH};
    assert_int_not_equal(replica_step(hearer, &input), ST_OK);
    input = (struct pbft_input){.type = PBFT_EXECUTED};
    assert_int_not_equal(replica_step(hearer, &input), ST_OK);
    input = (struct pbft_input){.type = PBFT_MESSAGE};
    input.message.message = &message;
    assert_int_equal(replica_step(hearer, &input), ST_UNKNOWN_KIND);
    message = (struct pbft_message){
        .type = XUELIAN__PEER_TYPE__PEER_TYPE_VOTE, .has_signer = true, .era = 2};
    assert_int_equal(replica_step(hearer, &input), ST_FUTURE);
    message.era = 0;
    assert_int_equal(replica_step(hearer, &input), ST_OLD);
    message.era = 1;
    message.sender = 4;
    assert_int_equal(replica_step(hearer, &input), ST_UNKNOWN_VALIDATOR);
    network_end(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_changes), cmocka_unit_test(test_new_views),
        cmocka_unit_test(test_proposals),    cmocka_unit_test(test_status),
        cmocka_unit_test(test_certified),    cmocka_unit_test(test_tripwire),
        cmocka_unit_test(test_answers),      cmocka_unit_test(test_own_signature),
        cmocka_unit_test(test_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
