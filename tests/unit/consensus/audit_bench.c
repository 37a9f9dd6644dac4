#include "tests/unit/consensus/audit_bench.h"

#include "tests/unit/cmocka_all.h"

#include "proto/bytes.h"
#include "proto/peer.pb-c.h"

const struct hash32 bench_one = {{1}}, bench_other = {{2}};

static bool verify(void *context, const struct pubkey33 *key, const struct hash32 *hash,
                   const struct sig64 *signature)
{
    return keys_verify(context, key, hash, signature);
}

void bench_begin_with(struct bench *bench, struct cluster *cluster, const struct validator_set *set,
                      uint32_t statements_max)
{
    const struct sim_block *base = cluster->oracle.committed[set->era - 1];
    struct audit_config config = {.chain_id = cluster->chain.chain_id,
                                  .set = set,
                                  .previous_set = set->era == 1 ? NULL : base->set,
                                  .era_base_hash = base->hash,
                                  .rotation_blocks = base->params.rotation_blocks,
                                  .statements_max = statements_max,
                                  .verify = verify,
                                  .verify_context = &cluster->keys};
    *bench = (struct bench){.cluster = cluster, .set = set};
    bench->memory = sim_new(audit_footprint(&config));
    bench->audit = audit_init(bench->memory, &config);
}

void bench_begin(struct bench *bench, struct cluster *cluster)
{
    bench_begin_with(bench, cluster, cluster->chain.genesis->next_set, 120);
}

void bench_end(struct bench *bench)
{
    for (size_t i = 0; i < bench->kept_count; i++) {
        owned_free(&bench->kept[i]);
    }
    free(bench->memory);
}

enum status bench_take(struct bench *bench, struct forged *made)
{
    assert_true(bench->kept_count < sizeof bench->kept / sizeof bench->kept[0]);
    bench->kept[bench->kept_count++] = made->body;
    return audit_message(bench->audit, made->type, owned_bytes(&made->body));
}

uint32_t bench_named(struct bench *bench)
{
    uint32_t members = 0, count = 0;
    audit_judge(bench->audit, &bench->report);
    for (uint32_t i = 0; i < LIMIT_VALIDATORS_MAX; i++) {
        members |= bench->report.guilty[i] ? UINT32_C(1) << i : 0;
        count += bench->report.guilty[i];
    }
    assert_int_equal(count, bench->report.named);
    return members;
}

void bench_take_disks(struct bench *bench)
{
    for (uint32_t i = 0; i < bench->cluster->options.nodes; i++) {
        const struct disk *disk = &bench->cluster->replicas[i].disk;
        for (size_t k = 0; k < disk->written; k++) {
            const struct disk_block *stored = &disk->blocks[k];
            if (stored->block->set == bench->set) {
                assert_int_equal(audit_certificate(bench->audit,
                                                   owned_bytes(&stored->block->header_bytes),
                                                   owned_bytes(&stored->certificate)),
                                 ST_OK);
            }
        }
        for (size_t k = 0; k < disk->new_view_count; k++) {
            if (disk->new_views[k].era == bench->set->era) {
                assert_int_equal(audit_message(bench->audit, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW,
                                               owned_bytes(&disk->new_views[k].bytes)),
                                 ST_OK);
            }
        }
        if (disk->record.size > 0) {
            assert_int_equal(audit_record(bench->audit, owned_bytes(&disk->record)), ST_OK);
        }
    }
}

enum status bench_vote(struct bench *bench, uint32_t node, enum vote_phase phase, uint64_t view,
                       const struct hash32 *hash)
{
    struct forger forger = forger_of(bench->cluster, node, bench->set);
    struct forged made;
    forge_vote(&forger, phase, view, 2, hash, &made);
    return bench_take(bench, &made);
}

void bench_own_all_keys(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        cluster->replicas[i].puppet = true;
    }
}

struct sim_block bench_beside(const struct sim_block *block, uint64_t later_ms)
{
    struct sim_block another = *block;
    another.header.time_ms += later_ms;
    header_hash(&another.hash, &another.header);
    another.header_bytes = (struct owned){.data = sim_new(LIMIT_HEADER_SIZE_MAX)};
    another.header_bytes.size = header_encode(another.header_bytes.data, &another.header);
    return another;
}
