#include "tests/sim/auditor.h"

#include <stdio.h>

#include "proto/bytes.h"
#include "proto/peer.pb-c.h"

enum { STATEMENTS_MAX = 1 << 14, HEIGHTS_CHECKED = 32 };

static bool verify(void *context, const struct pubkey33 *key, const struct hash32 *hash,
                   const struct sig64 *signature)
{
    return keys_verify(context, key, hash, signature);
}

void auditor_begin(struct auditor *auditor, struct cluster *cluster,
                   const struct validator_set *set)
{
    const struct sim_block *base = cluster->oracle.committed[set->era - 1];
    struct audit_config config = {.chain_id = cluster->chain.chain_id,
                                  .set = set,
                                  .previous_set = set->era == 1 ? NULL : base->set,
                                  .era_base_hash = base->hash,
                                  .era_recovered = base->recovery,
                                  .rotation_blocks = base->params.rotation_blocks,
                                  .statements_max = STATEMENTS_MAX,
                                  .verify = verify,
                                  .verify_context = &cluster->keys};
    *auditor = (struct auditor){.cluster = cluster, .set = set};
    auditor->memory = sim_new(audit_footprint(&config));
    auditor->audit = audit_init(auditor->memory, &config);
}

void auditor_end(struct auditor *auditor)
{
    free(auditor->memory);
}

static void take_blocks(struct auditor *auditor, const struct disk *disk, size_t heights)
{
    size_t taken = 0;
    for (size_t i = disk->written; i-- > 0 && taken < heights;) {
        const struct disk_block *stored = &disk->blocks[i];
        if (stored->block->set == auditor->set) {
            (void)audit_certificate(auditor->audit, owned_bytes(&stored->block->header_bytes),
                                    owned_bytes(&stored->certificate));
            taken++;
        }
    }
}

void auditor_take(struct auditor *auditor, uint32_t node, unsigned what, size_t heights)
{
    const struct disk *disk = &auditor->cluster->replicas[node].disk;
    if ((what & AUDITED_BLOCKS) != 0) {
        take_blocks(auditor, disk, heights);
    }
    for (size_t i = 0; i < disk->new_view_count && (what & AUDITED_NEW_VIEWS) != 0; i++) {
        if (disk->new_views[i].era == auditor->set->era) {
            (void)audit_message(auditor->audit, XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW,
                                owned_bytes(&disk->new_views[i].bytes));
        }
    }
    if ((what & AUDITED_JOURNALS) != 0 && disk->record.size > 0 &&
        disk->record_era == auditor->set->era) {
        (void)audit_record(auditor->audit, owned_bytes(&disk->record));
    }
    for (size_t i = 0; i < disk->evidence_count && (what & AUDITED_EVIDENCE) != 0; i++) {
        const struct disk_evidence *kept = &disk->evidence[i];
        for (int k = 0; k < 2 && kept->messages[k].size > 0; k++) {
            (void)audit_message(auditor->audit, kept->types[k], owned_bytes(&kept->messages[k]));
        }
    }
}

static void note(struct auditor *auditor, const struct audit_guilt *guilt)
{
    struct cluster *cluster = auditor->cluster;
    size_t used = strlen(auditor->text);
    int node = keys_find(&cluster->keys, &auditor->set->validators[guilt->member].key);
    if (node < 0) {
        return;
    }
    const struct oracle_node *seen = &cluster->oracle.nodes[node];
    auditor->named |= UINT32_C(1) << node;
    if (!seen->traitor && !seen->excused) {
        auditor->honest_named |= UINT32_C(1) << node;
    }
    snprintf(auditor->text + used, sizeof auditor->text - used, "%s%d: %s", used == 0 ? "" : "; ",
             node, show_evidence(guilt->kind));
}

void auditor_judge(struct auditor *auditor)
{
    audit_judge(auditor->audit, &auditor->report);
    auditor->named = 0;
    auditor->honest_named = 0;
    auditor->text[0] = '\0';
    for (uint32_t i = 0; i < auditor->report.proofs; i++) {
        note(auditor, &auditor->report.list[i]);
    }
}

static void check_era(struct cluster *cluster, const struct validator_set *set)
{
    struct auditor auditor;
    auditor_begin(&auditor, cluster, set);
    for (uint32_t i = 0; i < cluster->options.nodes; i++) {
        if (!cluster->replicas[i].puppet) {
            auditor_take(&auditor, i, AUDITED_ALL, HEIGHTS_CHECKED);
        }
    }
    auditor_judge(&auditor);
    if (auditor.honest_named != 0) {
        oracle_fail(cluster, "justice: an audit of era %llu names honest nodes: %s",
                    (unsigned long long)set->era, auditor.text);
    } else if (!auditor.report.enough) {
        oracle_fail(cluster, "justice: of a fork in era %llu an audit names too few: %s",
                    (unsigned long long)set->era, auditor.text);
    } else if (auditor.named != 0) {
        cluster_line(cluster, "         an audit of era %llu names %s",
                     (unsigned long long)set->era, auditor.text);
    }
    auditor_end(&auditor);
}

void auditor_check_all(struct cluster *cluster)
{
    const struct oracle *oracle = &cluster->oracle;
    uint64_t era = 0;
    for (size_t height = 0; height <= oracle->height && !oracle->failed; height++) {
        const struct validator_set *set = oracle->committed[height]->next_set;
        if (set->era != era) {
            era = set->era;
            check_era(cluster, set);
        }
    }
}
