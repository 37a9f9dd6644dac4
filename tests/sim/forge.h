/* Messages made by hand, signed with a node's key: what a traitor can say.
 *
 * Signatures of others cannot be forged. In a certificate made here, that of a node is good when the node is a traitor
 * or has said exactly this before; else it is noise. */
#ifndef XUELIAN_TESTS_SIM_FORGE_H
#define XUELIAN_TESTS_SIM_FORGE_H

#include "tests/sim/cluster.h"

/* In whose name, and of which set. sender: the index that is claimed. */
struct forger {
    struct cluster *cluster;
    uint32_t node;
    const struct validator_set *set;
    uint64_t era;
    uint32_t sender;
};

struct forged {
    uint8_t type; /* PeerType */
    struct owned body;
};

/* As itself, in this set. */
struct forger forger_of(struct cluster *cluster, uint32_t node, const struct validator_set *set);
void forged_free(struct forged *forged);
/* To the nodes whose bits are set. */
void forged_send(const struct forger *forger, const struct forged *forged, uint32_t to);

void forge_vote(const struct forger *forger, enum vote_phase phase, uint64_t view, uint64_t height,
                const struct hash32 *header_hash, struct forged *out);
void forge_pre_prepare(const struct forger *forger, uint64_t view, uint64_t height,
                       const struct hash32 *parent_hash, uint64_t time_ms,
                       const struct sim_tx *const *txs, uint32_t count, struct forged *out);
/* The nodes whose signature under such a certificate would be good. */
uint32_t forge_signers(const struct cluster *cluster, enum vote_phase phase, uint64_t view,
                       const struct sim_block *block);
/* by: the nodes that are to sign, a bit each. What is missing to a quorum is noise of others.
 * Returns  whether all signatures are good. */
bool forge_certificate(const struct cluster *cluster, enum vote_phase phase, uint64_t view,
                       const struct sim_block *block, uint32_t by, struct owned *out);
/* committed: genesis needs no certificate. prepared: NULL, or with its certificate. */
void forge_view_change(const struct forger *forger, uint64_t view,
                       const struct sim_block *committed, struct bytes commit_certificate,
                       const struct sim_block *prepared, struct bytes prepared_certificate,
                       struct forged *out);
void forge_new_view(const struct forger *forger, uint64_t view, const struct bytes *changes,
                    size_t count, struct forged *out);
void forge_status(const struct forger *forger, uint64_t view, uint64_t height,
                  const struct hash32 *header_hash, struct forged *out);
/* The tripwire's question, about its own key. */
void forge_newest_request(const struct forger *forger, struct forged *out);
void forge_certified(const struct sim_block *block, struct bytes certificate, struct forged *out);
/* txs: of another block, for bodies that do not belong to the header. */
void forge_blocks(const struct sim_block *block, struct bytes certificate,
                  const struct sim_block *bodies_of, struct forged *out);

#endif
