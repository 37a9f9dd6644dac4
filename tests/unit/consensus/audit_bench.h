/* An audit on a table: what it is given, kept as long as it lives. */
#ifndef XUELIAN_TESTS_UNIT_CONSENSUS_AUDIT_BENCH_H
#define XUELIAN_TESTS_UNIT_CONSENSUS_AUDIT_BENCH_H

#include "consensus/audit.h"
#include "tests/sim/forge.h"
#include "tests/unit/consensus/network.h"

struct bench {
    struct cluster *cluster;
    const struct validator_set *set;
    void *memory;
    struct audit *audit;
    struct audit_report report;
    struct owned kept[32]; /* an audit borrows what it is given */
    size_t kept_count;
};

extern const struct hash32 bench_one, bench_other;

/* Of era 1, with room for 120 statements. */
void bench_begin(struct bench *bench, struct cluster *cluster);
void bench_begin_with(struct bench *bench, struct cluster *cluster, const struct validator_set *set,
                      uint32_t statements_max);
void bench_end(struct bench *bench);
/* Gives it a message, which is the bench's from then on. */
enum status bench_take(struct bench *bench, struct forged *made);
/* All that the disks of the nodes hold; each must be taken. */
void bench_take_disks(struct bench *bench);
/* A vote at height 2. */
enum status bench_vote(struct bench *bench, uint32_t node, enum vote_phase phase, uint64_t view,
                       const struct hash32 *hash);
/* Judges. Returns the members named, a bit each. */
uint32_t bench_named(struct bench *bench);
/* From here on any certificate can be made: all keys are at hand. */
void bench_own_all_keys(struct cluster *cluster);
/* Another block beside `block`, later by so much. Freed by owned_free of its header_bytes. */
struct sim_block bench_beside(const struct sim_block *block, uint64_t later_ms);

#endif
