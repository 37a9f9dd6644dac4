/* The audit (R32): who is named and who never is, whatever it is given. */
#include "tests/unit/cmocka_all.h"

#include "consensus/audit.h"
#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/journal.pb-c.h"
#include "proto/peer.pb-c.h"
#include "tests/sim/forge.h"
#include "tests/unit/consensus/audit_bench.h"

enum { VOTE = XUELIAN__PEER_TYPE__PEER_TYPE_VOTE };

/* ---- The honest ---------------------------------------------------------------------------------- */

static void honest_are_never_named(void **state)
{
    struct cluster *cluster = network_stuck();
    struct bench bench;
    (void)state;
    bench_begin(&bench, cluster);
    bench_take_disks(&bench);
    bench_take_disks(&bench); /* the same again adds nothing */
    assert_int_equal(bench_named(&bench), 0);
    assert_false(bench.report.conflict);
    assert_true(bench.report.enough);
    /* PREPARE Y and COMMIT X in one place is no evidence (R31). */
    assert_int_equal(bench_vote(&bench, 2, VOTE_PREPARE, 9, &bench_one), ST_OK);
    assert_int_equal(bench_vote(&bench, 2, VOTE_COMMIT, 9, &bench_other), ST_OK);
    assert_int_equal(bench_named(&bench), 0);
    bench_end(&bench);
    network_end(cluster);
}

static void later_era_is_audited_too(void **state)
{
    struct cluster *cluster = network_begin();
    struct bench bench;
    (void)state;
    network_submit(cluster, "set:-0");
    cluster_run(cluster, cluster->now_ms + 500);
    network_submit(cluster, "a");
    cluster_run(cluster, cluster->now_ms + 500);
    const struct validator_set *set = cluster->oracle.committed[1]->next_set;
    assert_int_equal(set->era, 2);
    struct replica *leader = &cluster->replicas[keys_find(&cluster->keys, &set->validators[0].key)];
    struct disk_arrived nothing = {.record = false};
    replica_crash(leader, &nothing);
    network_submit(cluster, "b");
    cluster_run(cluster, cluster->now_ms + 8000);
    assert_true(cluster->oracle.newest_view > 0);
    bench_begin_with(&bench, cluster, set, 500);
    bench_take_disks(&bench);
    assert_int_equal(bench_named(&bench), 0);
    /* The block before the era is its members' affair; a certificate of it proves nothing here, and is checked. */
    const struct disk_block *stored = &cluster->replicas[1].disk.blocks[0];
    struct owned spoilt = {.data = NULL};
    assert_int_equal(audit_certificate(bench.audit, owned_bytes(&stored->block->header_bytes),
                                       owned_bytes(&stored->certificate)),
                     ST_OK);
    owned_set(&spoilt, owned_bytes(&stored->certificate));
    spoilt.data[spoilt.size - 1] ^= 1;
    assert_int_equal(audit_certificate(bench.audit, owned_bytes(&stored->block->header_bytes),
                                       owned_bytes(&spoilt)),
                     ST_BAD_CERTIFICATE);
    owned_free(&spoilt);
    assert_int_equal(bench_named(&bench), 0);
    bench_end(&bench);
    network_end(cluster);
}

/* ---- The guilty ---------------------------------------------------------------------------------- */

/* What is named can be shown to anyone: the two messages alone name the same member. */
static void proofs_stand_alone(struct bench *bench)
{
    uint32_t proofs = bench->report.proofs;
    assert_true(proofs > 0);
    for (uint32_t i = 0; i < proofs; i++) {
        const struct audit_guilt *guilt = &bench->report.list[i];
        struct bench fresh;
        bench_begin_with(&fresh, bench->cluster, bench->set, 50);
        assert_int_equal(audit_message(fresh.audit, guilt->first_type, guilt->first), ST_OK);
        if (guilt->second.size > 0) {
            assert_int_equal(
                bench_named(&fresh) & UINT32_C(1) << guilt->member,
                guilt->kind == PBFT_EVIDENCE_BAD_NEW_VIEW ? UINT32_C(1) << guilt->member : 0);
            assert_int_equal(audit_message(fresh.audit, guilt->second_type, guilt->second), ST_OK);
        }
        assert_int_equal(bench_named(&fresh), UINT32_C(1) << guilt->member);
        assert_int_equal(fresh.report.list[0].kind, guilt->kind);
        bench_end(&fresh);
    }
}

static void two_of_one_place(void **state)
{
    struct cluster *cluster = network_stuck();
    struct bench bench;
    struct forged made;
    (void)state;
    bench_begin(&bench, cluster);
    assert_int_equal(bench_vote(&bench, 1, VOTE_PREPARE, 5, &bench_one), ST_OK);
    assert_int_equal(bench_vote(&bench, 1, VOTE_PREPARE, 6, &bench_other),
                     ST_OK); /* another place */
    assert_int_equal(bench_vote(&bench, 3, VOTE_PREPARE, 5, &bench_other),
                     ST_OK); /* another member */
    assert_int_equal(bench_named(&bench), 0);
    assert_int_equal(bench_vote(&bench, 1, VOTE_PREPARE, 5, &bench_other), ST_OK);
    assert_int_equal(bench_named(&bench), 2);
    assert_int_equal(bench_vote(&bench, 1, VOTE_PREPARE, 5, &(struct hash32){{3}}), ST_OK);
    assert_int_equal(bench_vote(&bench, 2, VOTE_COMMIT, 5, &bench_one), ST_OK);
    assert_int_equal(bench_vote(&bench, 2, VOTE_COMMIT, 5, &bench_other), ST_OK);
    struct forger forger = forger_of(cluster, 3, bench.set);
    const struct sim_block *genesis = cluster->chain.genesis;
    for (uint64_t k = 0; k < 2; k++) {
        forge_pre_prepare(&forger, 3, 2, &genesis->hash, genesis->header.time_ms + k, NULL, 0,
                          &made);
        assert_int_equal(bench_take(&bench, &made), ST_OK);
    }
    const struct disk_block *tip = &cluster->replicas[0].disk.blocks[0];
    forger = forger_of(cluster, 0, bench.set);
    forge_view_change(&forger, 7, genesis, bytes_of(NULL, 0), NULL, bytes_of(NULL, 0), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    forge_view_change(&forger, 7, tip->block, owned_bytes(&tip->certificate), NULL,
                      bytes_of(NULL, 0), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    assert_int_equal(bench_named(&bench), 15);
    assert_int_equal(bench.report.proofs, 5); /* and 0 hides its COMMIT of block 1 */
    proofs_stand_alone(&bench);
    bench_end(&bench);
    network_end(cluster);
}

/* A COMMIT at height 2 in view 3, and a VIEW-CHANGE for `view` that shows `shown` of `shown_view`, or nothing. */
static uint32_t hiding(struct cluster *cluster, uint64_t view, const struct sim_block *committed,
                       const struct sim_block *shown, uint64_t shown_view)
{
    const struct sim_block *block = cluster->chain.at_height[2];
    const struct disk_block *tip = &cluster->replicas[0].disk.blocks[0];
    struct owned certificate = {.data = NULL};
    struct forger forger = forger_of(cluster, 3, block->set);
    struct forged made;
    struct bench bench;
    bench_begin(&bench, cluster);
    if (shown != NULL) {
        assert_true(forge_certificate(cluster, VOTE_PREPARE, shown_view, shown, 15, &certificate));
    }
    forge_view_change(&forger, view, committed,
                      committed->header.height == 0 ? bytes_of(NULL, 0)
                                                    : owned_bytes(&tip->certificate),
                      shown, owned_bytes(&certificate), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    assert_int_equal(bench_named(&bench), 0);
    assert_int_equal(bench_vote(&bench, 3, VOTE_COMMIT, 3, &block->hash), ST_OK);
    uint32_t members = bench_named(&bench);
    assert_true(members == 0 || bench.report.list[0].kind == PBFT_EVIDENCE_COMMIT_FORGOTTEN);
    if (members != 0) {
        proofs_stand_alone(&bench);
    }
    owned_free(&certificate);
    bench_end(&bench);
    return members;
}

static void hidden_commits(void **state)
{
    struct cluster *cluster = network_stuck();
    const struct sim_block *block = cluster->chain.at_height[2];
    const struct sim_block *tip = cluster->oracle.committed[1], *genesis = cluster->chain.genesis;
    struct sim_block another = bench_beside(block, 1);
    (void)state;
    bench_own_all_keys(cluster);
    assert_int_equal(hiding(cluster, 4, tip, NULL, 0), 8);
    assert_int_equal(hiding(cluster, 4, genesis, NULL, 0), 8);
    assert_int_equal(hiding(cluster, 9, tip, block, 2), 8); /* of an earlier view */
    assert_int_equal(hiding(cluster, 4, tip, &another, 3),
                     8); /* who COMMITs keeps that header, of that view */
    assert_int_equal(hiding(cluster, 4, genesis, tip, 3), 8); /* of another height */
    assert_int_equal(hiding(cluster, 3, tip, NULL, 0), 0); /* it COMMITted after that view change */
    assert_int_equal(hiding(cluster, 4, tip, block, 3), 0);
    assert_int_equal(hiding(cluster, 9, tip, &another, 5), 0); /* another was prepared later */
    owned_free(&another.header_bytes);
    network_end(cluster);
}

/* ---- VIEW-CHANGEs and NEW-VIEWs with a bad part --------------------------------------------------- */

/* The NEW-VIEW of view 1 from somebody's disk, taken apart. */
struct parts {
    struct bytes whole;
    Xuelian__NewView *wire;
    struct bytes changes[LIMIT_VALIDATORS_MAX];
    struct arena arena;
    void *memory;
};

static void take_apart(struct cluster *cluster, struct parts *parts)
{
    enum { ROOM = 1 << 20 };
    ProtobufCMessage *message;
    parts->whole = bytes_of(NULL, 0);
    for (uint32_t i = 0; i < 4 && parts->whole.size == 0; i++) {
        parts->whole = disk_new_view(&cluster->replicas[i].disk, 1, 1);
    }
    assert_true(parts->whole.size > 0);
    parts->memory = sim_new(ROOM);
    arena_init(&parts->arena, parts->memory, ROOM);
    assert_int_equal(
        canonical_decode(&message, &xuelian__new_view__descriptor, parts->whole, &parts->arena),
        ST_OK);
    parts->wire = (Xuelian__NewView *)(void *)message;
    for (size_t i = 0; i < parts->wire->n_view_changes; i++) {
        parts->changes[i] = field_bytes(&parts->wire->view_changes[i]);
    }
}

/* Whom a NEW-VIEW of these VIEW-CHANGEs by a node names, and before or after it the true one. */
static uint32_t names_of_new_view(struct cluster *cluster, const struct parts *parts, uint32_t node,
                                  uint64_t view, const struct bytes *changes, size_t count)
{
    uint32_t members = 0;
    for (int first = 0; first < 2; first++) {
        struct forger forger = forger_of(cluster, node, cluster->chain.genesis->next_set);
        struct forged made;
        struct bench bench;
        bench_begin(&bench, cluster);
        if (first == 0) {
            assert_int_equal(
                audit_message(bench.audit, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW, parts->whole),
                ST_OK);
        }
        forge_new_view(&forger, view, changes, count, &made);
        assert_int_equal(bench_take(&bench, &made), ST_OK);
        assert_int_equal(
            audit_message(bench.audit, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW, parts->whole),
            ST_OK);
        uint32_t now = bench_named(&bench);
        assert_true(first == 0 || now == members);
        if (now != 0) {
            proofs_stand_alone(&bench);
        }
        members = now;
        bench_end(&bench);
    }
    return members;
}

static struct bytes change_with(const struct parts *parts, size_t at, struct owned *made,
                                void (*alter)(Xuelian__ViewChange *wire))
{
    enum { ROOM = 1 << 18 };
    void *memory = sim_new(ROOM);
    struct arena arena;
    ProtobufCMessage *message;
    arena_init(&arena, memory, ROOM);
    assert_int_equal(
        canonical_decode(&message, &xuelian__view_change__descriptor, parts->changes[at], &arena),
        ST_OK);
    alter((Xuelian__ViewChange *)(void *)message);
    made->data = sim_new(canonical_size(message));
    made->size = canonical_encode(made->data, message);
    free(memory);
    return owned_bytes(made);
}

/* What a VIEW-CHANGE carries beside what is signed, spoilt by whoever passes it on. */
static void spoil_certificate(Xuelian__ViewChange *wire)
{
    wire->committed_certificate.data[wire->committed_certificate.len - 1] ^= 1;
}

static void spoil_header(Xuelian__ViewChange *wire)
{
    wire->committed_header.data[wire->committed_header.len - 1] ^= 1;
}

static void spoil_prepared_header(Xuelian__ViewChange *wire)
{
    wire->prepared_header.data[wire->prepared_header.len - 1] ^= 1;
}

static void spoil_signature(Xuelian__ViewChange *wire)
{
    wire->signature.data[3] ^= 1;
}

static void move_era(Xuelian__ViewChange *wire)
{
    wire->era = 2;
}

static void move_sender(Xuelian__ViewChange *wire)
{
    wire->sender = 60;
}

static void bad_new_views(void **state)
{
    static void (*const alterations[])(Xuelian__ViewChange *) = {
        spoil_certificate, spoil_header, spoil_prepared_header,
        spoil_signature,   move_era,     move_sender};
    struct cluster *cluster = network_stuck();
    struct parts parts;
    struct bytes changes[LIMIT_VALIDATORS_MAX];
    (void)state;
    take_apart(cluster, &parts);
    size_t q = parts.wire->n_view_changes;
    uint32_t sender = parts.wire->sender, bit = UINT32_C(1) << sender;
    assert_int_equal(q, 3);
    assert_int_equal(names_of_new_view(cluster, &parts, sender, 1, parts.changes, q), 0);
    assert_int_equal(names_of_new_view(cluster, &parts, sender, 1, parts.changes, q - 1), bit);
    assert_int_equal(names_of_new_view(cluster, &parts, sender, 2, parts.changes, q), bit);
    assert_int_equal(names_of_new_view(cluster, &parts, 3, 1, parts.changes, q),
                     8); /* not its primary */
    memcpy(changes, parts.changes, q * sizeof *changes);
    changes[1] = changes[0];
    assert_int_equal(names_of_new_view(cluster, &parts, sender, 1, changes, q), bit);
    changes[1] = bytes_of("?", 1);
    assert_int_equal(names_of_new_view(cluster, &parts, sender, 1, changes, q), bit);
    changes[1] = bytes_of(NULL, 0);
    assert_int_equal(names_of_new_view(cluster, &parts, sender, 1, changes, q), bit);
    for (size_t k = 0; k < sizeof alterations / sizeof alterations[0]; k++) {
        struct owned made = {.data = NULL};
        memcpy(changes, parts.changes, q * sizeof *changes);
        changes[0] = change_with(&parts, 0, &made, alterations[k]);
        /* The one whose VIEW-CHANGE was spoilt is not named. */
        assert_int_equal(names_of_new_view(cluster, &parts, sender, 1, changes, q), bit);
        owned_free(&made);
    }
    free(parts.memory);
    network_end(cluster);
}

/* A member signs a VIEW-CHANGE whose inside is not valid: it hides nothing from anyone, since it opens no view. */
static void invalid_changes_name_nobody(void **state)
{
    struct cluster *cluster = network_stuck();
    const struct sim_block *block = cluster->chain.at_height[2],
                           *tip = cluster->oracle.committed[1];
    const struct bytes good = owned_bytes(&cluster->replicas[0].disk.blocks[0].certificate);
    struct owned certificate = {.data = NULL};
    struct forger forger = forger_of(cluster, 3, block->set);
    struct sim_block altered = *cluster->chain.genesis;
    struct forged made;
    struct bench bench;
    (void)state;
    bench_begin(&bench, cluster);
    assert_int_equal(bench_vote(&bench, 3, VOTE_COMMIT, 1, &block->hash), ST_OK);
    altered.hash.bytes[0] ^= 1; /* another block 0 */
    forge_view_change(&forger, 3, &altered, bytes_of(NULL, 0), NULL, bytes_of(NULL, 0), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    (void)forge_certificate(cluster, VOTE_COMMIT, 0, tip, 0, &certificate); /* noise */
    forge_view_change(&forger, 4, tip, owned_bytes(&certificate), NULL, bytes_of(NULL, 0), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    bench_own_all_keys(cluster);
    (void)forge_certificate(cluster, VOTE_PREPARE, 0, tip, 15,
                            &certificate); /* a phase for another */
    forge_view_change(&forger, 5, tip, owned_bytes(&certificate), NULL, bytes_of(NULL, 0), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    (void)forge_certificate(cluster, VOTE_COMMIT, 0, block, 15, &certificate);
    forge_view_change(&forger, 6, tip, good, block, owned_bytes(&certificate), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    (void)forge_certificate(cluster, VOTE_PREPARE, 0, tip, 15, &certificate);
    forge_view_change(&forger, 7, tip, good, tip, owned_bytes(&certificate), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    (void)forge_certificate(cluster, VOTE_PREPARE, 8, block, 15, &certificate);
    forge_view_change(&forger, 8, tip, good, block, owned_bytes(&certificate), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    assert_int_equal(bench_named(&bench), 0);
    owned_free(&certificate);
    bench_end(&bench);
    network_end(cluster);
}

/* ---- What is refused ------------------------------------------------------------------------------ */

static void refusals(void **state)
{
    struct cluster *cluster = network_stuck();
    const struct disk_block *tip = &cluster->replicas[0].disk.blocks[0];
    struct forger forger = forger_of(cluster, 3, cluster->chain.genesis->next_set);
    struct forged made;
    struct bench bench;
    (void)state;
    bench_begin(&bench, cluster);
    assert_int_equal(audit_message(bench.audit, VOTE, bytes_of("?", 1)), ST_BAD_ENCODING);
    assert_int_equal(audit_message(bench.audit, VOTE, bytes_of(bench.memory, 1000000)),
                     ST_BAD_SIZE);
    forge_status(&forger, 1, 1, &bench_one, &made);
    assert_int_equal(bench_take(&bench, &made), ST_UNKNOWN_KIND);
    forger.era = 2;
    forge_vote(&forger, VOTE_COMMIT, 1, 2, &bench_one, &made);
    assert_int_equal(bench_take(&bench, &made), ST_OLD);
    forger.era = 1;
    forger.sender = 4;
    forge_vote(&forger, VOTE_COMMIT, 1, 2, &bench_one, &made);
    assert_int_equal(bench_take(&bench, &made), ST_UNKNOWN_VALIDATOR);
    forger.sender = 2; /* in another's name */
    for (int k = 0; k < 2; k++) {
        forge_vote(&forger, VOTE_COMMIT, 1, 2, k == 0 ? &bench_one : &bench_other, &made);
        assert_int_equal(bench_take(&bench, &made), ST_BAD_SIGNATURE);
    }
    forge_new_view(&forger, 1, &(struct bytes){.data = bench_one.bytes, .size = 32}, 1, &made);
    assert_int_equal(bench_take(&bench, &made), ST_BAD_SIGNATURE);
    assert_int_equal(audit_certificate(bench.audit, bytes_of("?", 1), bytes_of("?", 1)),
                     ST_BAD_ENCODING);
    assert_int_equal(
        audit_certificate(bench.audit, owned_bytes(&tip->block->header_bytes), bytes_of("?", 1)),
        ST_BAD_ENCODING);
    assert_int_equal(audit_certificate(bench.audit,
                                       owned_bytes(&cluster->chain.genesis->header_bytes),
                                       owned_bytes(&tip->certificate)),
                     ST_BAD_CERTIFICATE);
    assert_int_equal(audit_certificate(bench.audit,
                                       owned_bytes(&cluster->chain.at_height[2]->header_bytes),
                                       owned_bytes(&tip->certificate)),
                     ST_BAD_CERTIFICATE);
    assert_int_equal(audit_record(bench.audit, bytes_of("?", 1)), ST_BAD_ENCODING);
    Xuelian__JournalRecord foreign = XUELIAN__JOURNAL_RECORD__INIT;
    uint8_t bytes[64];
    foreign.chain_id = field_borrow(&bench_other, 32);
    assert_int_equal(
        audit_record(bench.audit, bytes_of(bytes, canonical_encode(bytes, &foreign.base))),
        ST_WRONG_CHAIN);
    foreign.chain_id = field_borrow(&bench_other, 31);
    assert_int_equal(
        audit_record(bench.audit, bytes_of(bytes, canonical_encode(bytes, &foreign.base))),
        ST_WRONG_CHAIN);
    assert_int_equal(bench_named(&bench), 0);
    bench_end(&bench);
    network_end(cluster);
}

static void full(void **state)
{
    struct cluster *cluster = network_stuck();
    const struct disk_block *tip = &cluster->replicas[0].disk.blocks[0];
    struct parts parts;
    struct bench bench;
    (void)state;
    take_apart(cluster, &parts);
    bench_begin_with(&bench, cluster, cluster->chain.genesis->next_set, 1);
    assert_int_equal(
        audit_message(bench.audit, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW, parts.whole),
        ST_NO_MEMORY);
    assert_int_equal(audit_certificate(bench.audit, owned_bytes(&tip->block->header_bytes),
                                       owned_bytes(&tip->certificate)),
                     ST_NO_MEMORY);
    assert_int_equal(bench_named(&bench), 0);
    bench_end(&bench);
    free(parts.memory);
    network_end(cluster);
}

/* Other choices of q from the same VIEW-CHANGEs are other NEW-VIEWs, and may be more than there is room for. */
static void full_of_new_views(void **state)
{
    struct cluster *cluster = network_begin();
    const struct sim_block *genesis = cluster->chain.genesis;
    struct forged changes[4];
    struct bench bench;
    (void)state;
    bench_begin_with(&bench, cluster, genesis->next_set, 4);
    for (uint32_t i = 0; i < 4; i++) {
        struct forger forger = forger_of(cluster, i, bench.set);
        forge_view_change(&forger, 1, genesis, bytes_of(NULL, 0), NULL, bytes_of(NULL, 0),
                          &changes[i]);
    }
    for (uint32_t left_out = 0; left_out < 5; left_out++) {
        struct forger forger = forger_of(cluster, left_out < 4 ? 1 : 2, bench.set);
        struct bytes list[4];
        struct forged made;
        size_t count = 0;
        for (uint32_t i = 0; i < 4 && count < 3; i++) {
            if (i != left_out) {
                list[count++] = owned_bytes(&changes[i].body);
            }
        }
        forge_new_view(&forger, 1, list, count, &made);
        assert_int_equal(bench_take(&bench, &made), left_out < 4 ? ST_OK : ST_NO_MEMORY);
    }
    assert_int_equal(bench_named(&bench), 0);
    for (uint32_t i = 0; i < 4; i++) {
        forged_free(&changes[i]);
    }
    bench_end(&bench);
    network_end(cluster);
}

/* What a VIEW-CHANGE names must lead to its era: neither the block that ended the era, nor one before the era's base. */
static void blocks_outside_the_era(void **state)
{
    struct cluster *cluster = network_begin();
    struct forged made;
    struct bench bench;
    (void)state;
    network_submit(cluster, "a");
    cluster_run(cluster, cluster->now_ms + 500);
    network_submit(cluster, "set:-0");
    cluster_run(cluster, cluster->now_ms + 500);
    assert_int_equal(cluster->oracle.height, 2);
    const struct disk_block *blocks = cluster->replicas[1].disk.blocks;
    const struct validator_set *first = blocks[0].block->set, *later = blocks[1].block->next_set;
    bench_begin_with(&bench, cluster, later, 100);
    assert_int_equal(later->era, 3);
    assert_int_equal(audit_certificate(bench.audit, owned_bytes(&blocks[0].block->header_bytes),
                                       owned_bytes(&blocks[0].certificate)),
                     ST_BAD_CERTIFICATE); /* of an era that is over */
    struct forger forger = forger_of(cluster, 1, later);
    struct sim_block moved = *blocks[1].block;
    moved.header.height = 5; /* and a header of height 2 */
    const struct {
        const struct sim_block *committed;
        struct bytes certificate;
    } named[] = {{cluster->chain.genesis, bytes_of(NULL, 0)},
                 {blocks[0].block, owned_bytes(&blocks[0].certificate)},
                 {&moved, owned_bytes(&blocks[1].certificate)}};
    bench_own_all_keys(cluster);
    for (uint64_t i = 0; i < 3; i++) {
        forge_view_change(&forger, i + 1, named[i].committed, named[i].certificate, NULL,
                          bytes_of(NULL, 0), &made);
        assert_int_equal(bench_take(&bench, &made), ST_OK);
    }
    struct forged commit;
    forge_vote(&forger, VOTE_COMMIT, 0, 9, &bench_one, &commit);
    assert_int_equal(bench_take(&bench, &commit), ST_OK);
    assert_int_equal(bench_named(&bench), 0); /* none of these hides it: none opens a view */
    bench_end(&bench);

    bench_begin(&bench, cluster);
    forger = forger_of(cluster, 1, first);
    forge_view_change(&forger, 1, blocks[1].block, owned_bytes(&blocks[1].certificate), NULL,
                      bytes_of(NULL, 0), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    struct sim_block renamed = *blocks[0].block;
    renamed.hash.bytes[0] ^= 1;
    forge_view_change(&forger, 2, &renamed, owned_bytes(&blocks[0].certificate), NULL,
                      bytes_of(NULL, 0), &made);
    assert_int_equal(bench_take(&bench, &made), ST_OK);
    forge_vote(&forger, VOTE_COMMIT, 0, 9, &bench_one, &commit);
    assert_int_equal(bench_take(&bench, &commit), ST_OK);
    assert_int_equal(bench_named(&bench), 0);
    bench_end(&bench);
    network_end(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_are_never_named),
        cmocka_unit_test(later_era_is_audited_too),
        cmocka_unit_test(two_of_one_place),
        cmocka_unit_test(hidden_commits),
        cmocka_unit_test(bad_new_views),
        cmocka_unit_test(invalid_changes_name_nobody),
        cmocka_unit_test(refusals),
        cmocka_unit_test(full),
        cmocka_unit_test(full_of_new_views),
        cmocka_unit_test(blocks_outside_the_era),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
