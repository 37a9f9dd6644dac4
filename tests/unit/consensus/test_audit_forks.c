/* The audit of a fork (R32): who is named, when it is enough, and which NEW-VIEW it asks for. */
#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/journal.pb-c.h"
#include "proto/peer.pb-c.h"
#include "tests/unit/consensus/audit_bench.h"

/* Height 2 of network_stuck, with all keys at hand: X is the block that was made there, Y and Z are others. */
struct fork {
    struct cluster *cluster;
    struct bench bench;
    const struct sim_block *tip;
    struct bytes tip_certificate;
    struct sim_block x, y, z;
};

static void fork_begin(struct fork *fork)
{
    *fork = (struct fork){.cluster = network_stuck()};
    fork->tip = fork->cluster->oracle.committed[1];
    fork->tip_certificate = owned_bytes(&fork->cluster->replicas[0].disk.blocks[0].certificate);
    fork->x = bench_beside(fork->cluster->chain.at_height[2], 0);
    fork->y = bench_beside(fork->cluster->chain.at_height[2], 1);
    fork->z = bench_beside(fork->cluster->chain.at_height[2], 2);
    bench_own_all_keys(fork->cluster);
    bench_begin(&fork->bench, fork->cluster);
}

static void fork_end(struct fork *fork)
{
    bench_end(&fork->bench);
    owned_free(&fork->x.header_bytes);
    owned_free(&fork->y.header_bytes);
    owned_free(&fork->z.header_bytes);
    network_end(fork->cluster);
}

/* A COMMIT certificate of these members, a bit each. */
static void certify(struct fork *fork, const struct sim_block *block, uint64_t view, uint32_t by)
{
    struct owned certificate = {.data = NULL};
    assert_true(forge_certificate(fork->cluster, VOTE_COMMIT, view, block, by, &certificate));
    assert_int_equal(audit_certificate(fork->bench.audit, owned_bytes(&block->header_bytes),
                                       owned_bytes(&certificate)),
                     ST_OK);
    owned_free(&certificate);
}

/* What one member's VIEW-CHANGE shows. */
struct shown {
    const struct sim_block *committed;
    const struct sim_block *prepared; /* or NULL */
    uint64_t prepared_view;
};

/* The NEW-VIEW of a view from the VIEW-CHANGEs of members 1, 2 and 3, who show this. */
static void open_view(struct fork *fork, uint64_t view, const struct shown shown[3])
{
    struct forged changes[3];
    struct bytes list[3];
    struct forged new_view;
    uint64_t height = 0;
    for (uint32_t i = 0; i < 3; i++) {
        struct forger forger = forger_of(fork->cluster, i + 1, fork->bench.set);
        struct owned certificate = {.data = NULL};
        const struct sim_block *committed = shown[i].committed;
        if (shown[i].prepared != NULL) {
            assert_true(forge_certificate(fork->cluster, VOTE_PREPARE, shown[i].prepared_view,
                                          shown[i].prepared, 14, &certificate));
        }
        forge_view_change(&forger, view, committed,
                          committed->header.height == 0 ? bytes_of(NULL, 0) : fork->tip_certificate,
                          shown[i].prepared, owned_bytes(&certificate), &changes[i]);
        list[i] = owned_bytes(&changes[i].body);
        height = committed->header.height > height ? committed->header.height : height;
        owned_free(&certificate);
    }
    struct forger forger = forger_of(fork->cluster, (uint32_t)(view % 4), fork->bench.set);
    forge_new_view(&forger, view, list, 3, &new_view);
    assert_int_equal(bench_take(&fork->bench, &new_view), ST_OK);
    for (uint32_t i = 0; i < 3; i++) {
        forged_free(&changes[i]);
    }
}

static void in_one_view(void **state)
{
    struct fork fork;
    (void)state;
    fork_begin(&fork);
    certify(&fork, &fork.x, 4, 7);
    assert_int_equal(bench_named(&fork.bench), 0);
    assert_false(fork.bench.report.conflict);
    certify(&fork, &fork.x, 5, 7); /* the same block again is no conflict */
    certify(&fork, &fork.y, 4, 14);
    assert_int_equal(bench_named(&fork.bench), 6);
    assert_true(fork.bench.report.conflict);
    assert_true(fork.bench.report.enough);
    assert_int_equal(fork.bench.report.height, 2);
    assert_int_equal(fork.bench.report.views[0], 4);
    assert_int_equal(fork.bench.report.views[1], 4);
    assert_int_equal(fork.bench.report.missing_view, 0);
    fork_end(&fork);
}

/* The lowest height counts, there the certificate of the lowest view, and of the others' the lowest; whatever the order. */
static void of_several_the_lowest(void **state)
{
    (void)state;
    for (int upwards = 0; upwards < 2; upwards++) {
        struct fork fork;
        fork_begin(&fork);
        struct sim_block low = bench_beside(fork.tip, 1), lower = bench_beside(fork.tip, 2);
        const struct {
            const struct sim_block *block;
            uint64_t view;
        } given[] = {{&fork.x, 6}, {&fork.y, 7}, {&low, 5}, {&lower, 9}, {&lower, 8}, {&low, 4}};
        for (size_t i = 0; i < 6; i++) {
            size_t at = upwards == 0 ? i : 5 - i;
            certify(&fork, given[at].block, given[at].view, 7);
        }
        (void)bench_named(&fork.bench);
        assert_int_equal(fork.bench.report.height, 1);
        assert_int_equal(fork.bench.report.views[0], 4);
        assert_int_equal(fork.bench.report.views[1], 8);
        assert_true(hash32_equal(&fork.bench.report.hashes[0], &low.hash));
        assert_true(hash32_equal(&fork.bench.report.hashes[1], &lower.hash));
        owned_free(&low.header_bytes);
        owned_free(&lower.header_bytes);
        fork_end(&fork);
    }
}

/* A NEW-VIEW that lets another header through does not explain this one; but who hid a COMMIT in it is named. */
static void asks_for_the_later_view(void **state)
{
    struct fork fork;
    (void)state;
    fork_begin(&fork);
    const struct shown nothing = {.committed = fork.tip};
    const struct shown forced_z[3] = {nothing, nothing, {fork.tip, &fork.z, 1}};
    certify(&fork, &fork.x, 0, 7);
    certify(&fork, &fork.y, 3, 11);
    assert_int_equal(bench_named(&fork.bench), 0);
    assert_false(fork.bench.report.enough);
    assert_int_equal(fork.bench.report.missing_view, 3);
    open_view(&fork, 2, forced_z);
    assert_int_equal(bench_named(&fork.bench), 6);
    assert_true(fork.bench.report.enough);
    assert_int_equal(fork.bench.report.missing_view, 0);
    fork_end(&fork);
}

/* From the later view down, until a NEW-VIEW is found that no later view forced. Members 1 and 2 show what was prepared
 * last, so nobody is named before. */
static void asks_for_what_is_wanting(void **state)
{
    struct fork fork;
    (void)state;
    fork_begin(&fork);
    const struct shown nothing = {.committed = fork.tip};
    const struct shown shows_y2[3] = {{fork.tip, &fork.y, 2}, {fork.tip, &fork.y, 2}, nothing};
    const struct shown shows_y1[3] = {{fork.tip, &fork.y, 1}, {fork.tip, &fork.y, 1}, nothing};
    const struct shown free_view[3] = {nothing, nothing, nothing};
    certify(&fork, &fork.x, 0, 7);
    certify(&fork, &fork.y, 3, 11);
    open_view(&fork, 3, shows_y2);
    assert_int_equal(bench_named(&fork.bench), 0);
    assert_int_equal(fork.bench.report.missing_view, 2);
    open_view(&fork, 2, shows_y1);
    assert_int_equal(bench_named(&fork.bench), 0);
    assert_int_equal(fork.bench.report.missing_view, 1);
    open_view(&fork, 1, free_view);
    assert_int_equal(bench_named(&fork.bench), 6);
    assert_true(fork.bench.report.enough);
    assert_int_equal(fork.bench.report.missing_view, 0);
    fork_end(&fork);
}

/* Forced by a certificate of the very view in which the first header was committed: then its members are in both. */
static void forced_from_the_same_view(void **state)
{
    struct fork fork;
    (void)state;
    fork_begin(&fork);
    const struct shown nothing = {.committed = fork.tip};
    const struct shown shows_y0[3] = {nothing, nothing, {fork.tip, &fork.y, 0}};
    certify(&fork, &fork.x, 0, 13);
    certify(&fork, &fork.y, 1, 14);
    open_view(&fork, 1, shows_y0);
    assert_int_equal(bench_named(&fork.bench),
                     12); /* 2 has hidden its COMMIT, 3 shows another header */
    assert_true(fork.bench.report.enough);
    fork_end(&fork);
}

/* The base is the height itself: it lets nothing through there. */
static void settled_views_explain_nothing(void **state)
{
    struct fork fork;
    (void)state;
    fork_begin(&fork);
    struct sim_block first = bench_beside(fork.tip, 5);
    const struct shown nothing = {.committed = fork.tip};
    const struct shown settled[3] = {nothing, nothing, nothing};
    certify(&fork, fork.tip, 0, 7);
    certify(&fork, &first, 2, 11);
    open_view(&fork, 2, settled);
    assert_int_equal(bench_named(&fork.bench), 0);
    assert_int_equal(fork.bench.report.height, 1);
    assert_int_equal(fork.bench.report.missing_view, 2);
    owned_free(&first.header_bytes);
    fork_end(&fork);
}

/* A NEW-VIEW whose base is two below, or the height itself: the first lets anything through, the second nothing. */
static void bases(void **state)
{
    struct fork fork;
    (void)state;
    fork_begin(&fork);
    const struct sim_block *genesis = fork.cluster->chain.genesis;
    const struct shown deep[3] = {{genesis, fork.tip, 0}, {genesis, NULL, 0}, {genesis, NULL, 0}};
    certify(&fork, &fork.x, 0, 7);
    certify(&fork, &fork.y, 1, 11);
    open_view(&fork, 1, deep);
    assert_int_equal(bench_named(&fork.bench), 6);
    fork_end(&fork);
}

/* What a NEW-VIEW forces is prepared above its base, in the highest view. */
static void highest_certificate_above_the_base(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct fork fork;
        fork_begin(&fork);
        const struct sim_block *genesis = fork.cluster->chain.genesis;
        const struct shown high = {fork.tip, &fork.y, 2}, low = {fork.tip, &fork.z, 1};
        const struct shown mixed[3] = {
            order == 0 ? high : low, {genesis, fork.tip, 3}, order == 0 ? low : high};
        certify(&fork, &fork.x, 0, 13);
        certify(&fork, &fork.y, 4, 11);
        open_view(&fork, 4, mixed);
        assert_int_equal(bench_named(&fork.bench), 4); /* who names block 0 hides its COMMIT */
        /* So it was Y of view 2 that was forced. */
        assert_int_equal(fork.bench.report.missing_view, 2);
        fork_end(&fork);
    }
}

/* Two NEW-VIEWs of one view, both valid: the lower of the views that forced the header is where to look. */
static void two_of_one_view(void **state)
{
    struct fork fork;
    (void)state;
    fork_begin(&fork);
    const struct shown nothing = {.committed = fork.tip}, low = {fork.tip, &fork.y, 1};
    const struct shown lower[3] = {nothing, low, low};
    const struct shown higher[3] = {{fork.tip, &fork.y, 2}, low, low};
    certify(&fork, &fork.x, 0, 13);
    certify(&fork, &fork.y, 4, 11);
    open_view(&fork, 4, lower);
    open_view(&fork, 4, higher);
    assert_int_equal(bench_named(&fork.bench), 2); /* it asked for view 4 twice */
    assert_int_equal(fork.bench.report.missing_view, 1);
    fork_end(&fork);
}

/* A quorum of liars certifies header after header: at the end of the room that is said, and what was taken stays. */
static void certificates_without_end(void **state)
{
    enum { ROOM = 8 };
    struct fork fork;
    (void)state;
    fork_begin(&fork);
    bench_end(&fork.bench);
    bench_begin_with(&fork.bench, fork.cluster, fork.cluster->chain.genesis->next_set, ROOM);
    for (uint64_t i = 0; i <= ROOM; i++) {
        struct sim_block block = bench_beside(fork.cluster->chain.at_height[2], i);
        struct owned certificate = {.data = NULL};
        assert_true(forge_certificate(fork.cluster, VOTE_COMMIT, 4, &block, 7, &certificate));
        assert_int_equal(audit_certificate(fork.bench.audit, owned_bytes(&block.header_bytes),
                                           owned_bytes(&certificate)),
                         i < ROOM ? ST_OK : ST_NO_MEMORY);
        owned_free(&certificate);
        owned_free(&block.header_bytes);
    }
    assert_int_equal(bench_named(&fork.bench), 7);
    assert_true(fork.bench.report.conflict);
    fork_end(&fork);
}

static bool any_signature(void *context, const struct pubkey33 *key, const struct hash32 *hash,
                          const struct sig64 *signature)
{
    (void)context;
    (void)key;
    (void)hash;
    (void)signature;
    return true;
}

/* A key can sign one statement in many ways. It has said one thing. */
static void said_once_signed_twice(void **state)
{
    struct cluster *cluster = network_begin();
    struct audit_report report;
    struct audit_config config = {.chain_id = cluster->chain.chain_id,
                                  .set = cluster->chain.genesis->next_set,
                                  .era_base_hash = cluster->chain.genesis->hash,
                                  .rotation_blocks = 1000,
                                  .statements_max = 8,
                                  .verify = any_signature};
    void *memory = sim_new(audit_footprint(&config));
    struct audit *audit = audit_init(memory, &config);
    struct forger forger = forger_of(cluster, 1, config.set);
    struct forged votes[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        forge_vote(&forger, VOTE_COMMIT, 0, 1, &bench_one, &votes[i]);
        votes[i].body.data[votes[i].body.size - 1] ^= (uint8_t)i;
        assert_int_equal(audit_message(audit, votes[i].type, owned_bytes(&votes[i].body)), ST_OK);
    }
    audit_judge(audit, &report);
    assert_int_equal(report.named, 0);
    forged_free(&votes[0]);
    forged_free(&votes[1]);
    free(memory);
    network_end(cluster);
}

static void one_is_too_few(void **state)
{
    struct fork fork;
    (void)state;
    /* One guilty is too few, though the NEW-VIEW is there: member 3 alone is in both, of those who COMMITted. */
    fork_begin(&fork);
    const struct shown one_hides[3] = {
        {fork.tip, &fork.z, 1}, {fork.tip, &fork.z, 1}, {fork.tip, NULL, 0}};
    certify(&fork, &fork.x, 0, 13);
    certify(&fork, &fork.y, 2, 11);
    open_view(&fork, 2, one_hides);
    assert_int_equal(bench_named(&fork.bench), 8);
    assert_false(fork.bench.report.enough);
    assert_int_equal(fork.bench.report.missing_view, 2); /* that one lets Z through, and not Y */
    fork_end(&fork);
}

/* ---- Other ends of the same -------------------------------------------------------------------------- */

static void certificates_refused(void **state)
{
    struct fork fork;
    struct owned certificate = {.data = NULL};
    (void)state;
    fork_begin(&fork);
    struct sim_block foreign = bench_beside(&fork.x, 0), other_set = bench_beside(&fork.x, 0);
    foreign.header.chain_id.bytes[0] ^= 1;
    header_hash(&foreign.hash, &foreign.header);
    foreign.header_bytes.size = header_encode(foreign.header_bytes.data, &foreign.header);
    other_set.header.validators_hash.bytes[0] ^= 1;
    header_hash(&other_set.hash, &other_set.header);
    other_set.header_bytes.size = header_encode(other_set.header_bytes.data, &other_set.header);
    const struct sim_block *const blocks[] = {&foreign, &other_set};
    for (size_t i = 0; i < 2; i++) {
        assert_true(forge_certificate(fork.cluster, VOTE_COMMIT, 0, blocks[i], 7, &certificate));
        assert_int_equal(audit_certificate(fork.bench.audit, owned_bytes(&blocks[i]->header_bytes),
                                           owned_bytes(&certificate)),
                         ST_BAD_CERTIFICATE);
    }
    assert_true(forge_certificate(fork.cluster, VOTE_COMMIT, 0, &fork.y, 7, &certificate));
    assert_int_equal(audit_certificate(fork.bench.audit, owned_bytes(&fork.x.header_bytes),
                                       owned_bytes(&certificate)),
                     ST_BAD_CERTIFICATE); /* another's */
    assert_int_equal(bench_named(&fork.bench), 0);
    owned_free(&certificate);
    owned_free(&foreign.header_bytes);
    owned_free(&other_set.header_bytes);
    fork_end(&fork);
}

/* Records hold what they hold: two heights at most count, and halves of a pair do not. */
static void odd_records(void **state)
{
    struct fork fork;
    struct forged votes[2];
    (void)state;
    fork_begin(&fork);
    struct forger forger = forger_of(fork.cluster, 1, fork.bench.set);
    Xuelian__JournalRecord wire = XUELIAN__JOURNAL_RECORD__INIT;
    Xuelian__JournalHeight heights[3] = {XUELIAN__JOURNAL_HEIGHT__INIT,
                                         XUELIAN__JOURNAL_HEIGHT__INIT,
                                         XUELIAN__JOURNAL_HEIGHT__INIT};
    Xuelian__JournalHeight *list[3] = {&heights[0], &heights[1], &heights[2]};
    forge_vote(&forger, VOTE_COMMIT, 3, 2, &bench_one, &votes[0]);
    forge_vote(&forger, VOTE_COMMIT, 3, 2, &bench_other, &votes[1]);
    wire.chain_id = field_borrow(&fork.cluster->chain.chain_id, 32);
    wire.heights = list;
    wire.n_heights = 3;
    heights[0].height = 1;
    heights[0].prepared_header = field_borrow(fork.x.header_bytes.data, fork.x.header_bytes.size);
    heights[1].height = 2;
    heights[1].commit = field_borrow(votes[0].body.data, votes[0].body.size);
    heights[2].height = 3;
    heights[2].commit = field_borrow(votes[1].body.data, votes[1].body.size);
    uint8_t *bytes = sim_new(canonical_size(&wire.base));
    size_t size = canonical_encode(bytes, &wire.base);
    assert_int_equal(audit_record(fork.bench.audit, bytes_of(bytes, size)), ST_OK);
    assert_int_equal(bench_named(&fork.bench), 0);
    assert_int_equal(bench_vote(&fork.bench, 1, VOTE_COMMIT, 3, &bench_other), ST_OK);
    assert_int_equal(bench_named(&fork.bench), 2);
    free(bytes);
    forged_free(&votes[0]);
    forged_free(&votes[1]);
    fork_end(&fork);
}

/* Two invalid NEW-VIEWs of one member are one proof. */
static void two_bad_new_views(void **state)
{
    struct fork fork;
    (void)state;
    fork_begin(&fork);
    for (uint64_t view = 5; view < 7; view++) {
        struct forger forger = forger_of(fork.cluster, 2, fork.bench.set);
        struct forged made;
        struct bytes nothing[1] = {bytes_of("?", 1)};
        forge_new_view(&forger, view, nothing, 1, &made);
        assert_int_equal(bench_take(&fork.bench, &made), ST_OK);
    }
    assert_int_equal(bench_named(&fork.bench), 4);
    assert_int_equal(fork.bench.report.proofs, 1);
    fork_end(&fork);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_one_view),
        cmocka_unit_test(of_several_the_lowest),
        cmocka_unit_test(asks_for_the_later_view),
        cmocka_unit_test(asks_for_what_is_wanting),
        cmocka_unit_test(forced_from_the_same_view),
        cmocka_unit_test(settled_views_explain_nothing),
        cmocka_unit_test(highest_certificate_above_the_base),
        cmocka_unit_test(one_is_too_few),
        cmocka_unit_test(bases),
        cmocka_unit_test(certificates_refused),
        cmocka_unit_test(odd_records),
        cmocka_unit_test(two_bad_new_views),
        cmocka_unit_test(two_of_one_view),
        cmocka_unit_test(certificates_without_end),
        cmocka_unit_test(said_once_signed_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
