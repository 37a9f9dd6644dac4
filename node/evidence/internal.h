/* Shared by the files of evidence/ alone. */
#ifndef XUELIAN_EVIDENCE_INTERNAL_H
#define XUELIAN_EVIDENCE_INTERNAL_H

#include "node/evidence/evidence.h"
#include "proto/peer.pb-c.h"

/* PeerType of the messages of a kind; 0: none. */
uint8_t evidence_first_type(Xuelian__EvidenceKind kind);
uint8_t evidence_second_type(Xuelian__EvidenceKind kind);

/* proposal.c: kind 6. As evidence_check; facts has the validator already. */
enum status evidence_proposal_check(const struct evidence *evidence,
                                    const struct evidence_path *path, const struct hash32 *chain_id,
                                    struct evidence_facts *facts);

/* Decodes one message. Returns NULL when it is none. */
const void *evidence_decode(const ProtobufCMessageDescriptor *schema, struct bytes bytes,
                            struct arena *arena);

#endif
