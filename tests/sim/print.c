/* Lines for people: messages and states in the words of the paper. */
#include <stdio.h>

#include "proto/bytes.h"
#include "proto/canonical.h"
#include "proto/convert.h"
#include "proto/peer.pb-c.h"
#include "tests/sim/cluster.h"

const char *show_peer_type(uint8_t type)
{
    static const char *const names[] = {
        [XUELIAN__PEER_TYPE__PEER_TYPE_HELLO] = "HELLO",
        [XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE] = "PRE-PREPARE",
        [XUELIAN__PEER_TYPE__PEER_TYPE_VOTE] = "VOTE",
        [XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE] = "VIEW-CHANGE",
        [XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW] = "NEW-VIEW",
        [XUELIAN__PEER_TYPE__PEER_TYPE_STATUS] = "STATUS",
        [XUELIAN__PEER_TYPE__PEER_TYPE_CERTIFIED] = "CERTIFIED",
        [XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST] = "NEWEST-REQUEST",
        [XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER] = "NEWEST-ANSWER",
        [XUELIAN__PEER_TYPE__PEER_TYPE_BODIES_REQUEST] = "BODIES-REQUEST",
        [XUELIAN__PEER_TYPE__PEER_TYPE_BODIES] = "BODIES",
        [XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS_REQUEST] = "BLOCKS-REQUEST",
        [XUELIAN__PEER_TYPE__PEER_TYPE_BLOCKS] = "BLOCKS",
        [XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS] = "TRANSACTIONS",
    };
    return type < sizeof names / sizeof names[0] && names[type] != NULL ? names[type] : "?";
}

bool show_worth_a_line(uint8_t type)
{
    return type != XUELIAN__PEER_TYPE__PEER_TYPE_STATUS &&
           type != XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_REQUEST &&
           type != XUELIAN__PEER_TYPE__PEER_TYPE_NEWEST_ANSWER &&
           type != XUELIAN__PEER_TYPE__PEER_TYPE_TRANSACTIONS;
}

static void print_view_change(struct cluster *cluster, const Xuelian__ViewChange *wire, char *out)
{
    char tip[SIM_LABEL_SIZE];
    char prepared[SIM_LABEL_SIZE + 32] = "nothing prepared";
    struct hash32 hash;
    struct header header;
    struct certificate certificate;
    if (!field_copy(&hash, 32, &wire->committed_hash)) {
        hash = (struct hash32){.bytes = {0}};
    }
    chain_name(&cluster->chain, &hash, tip);
    if (wire->prepared_header.len > 0 &&
        header_decode(&header, field_bytes(&wire->prepared_header)) == ST_OK) {
        char name[SIM_LABEL_SIZE];
        header_hash(&hash, &header);
        chain_name(&cluster->chain, &hash, name);
        snprintf(prepared, sizeof prepared, "prepared %s", name);
        for (uint32_t n = 1; n <= cluster->options.nodes; n++) {
            /* The set is not known here; the bitmap's length and the count fit few sizes, all read alike. */
            if (certificate_decode(&certificate, field_bytes(&wire->prepared_certificate), n) ==
                ST_OK) {
                snprintf(prepared, sizeof prepared, "prepared %s in view %llu", name,
                         (unsigned long long)certificate.view);
                break;
            }
        }
    }
    snprintf(out, SIM_LINE_SIZE, "VIEW-CHANGE to view %llu of era %llu: committed %s, %s",
             (unsigned long long)wire->new_view, (unsigned long long)wire->era, tip, prepared);
}

static void print_new_view(struct cluster *cluster, const Xuelian__NewView *wire, char *out)
{
    size_t used =
        (size_t)snprintf(out, SIM_LINE_SIZE, "NEW-VIEW view %llu of era %llu, from",
                         (unsigned long long)wire->new_view, (unsigned long long)wire->era);
    size_t room = 65536;
    void *memory = sim_new(room);
    (void)cluster;
    for (size_t i = 0; i < wire->n_view_changes && used + 16 < SIM_LINE_SIZE; i++) {
        struct arena arena;
        ProtobufCMessage *message;
        arena_init(&arena, memory, room);
        if (canonical_decode(&message, &xuelian__view_change__descriptor,
                             field_bytes(&wire->view_changes[i]), &arena) == ST_OK) {
            used += (size_t)snprintf(
                out + used, SIM_LINE_SIZE - used, " %u",
                (unsigned)((const Xuelian__ViewChange *)(const void *)message)->sender);
        }
    }
    free(memory);
}

static void print_certified(struct cluster *cluster, const Xuelian__Certified *wire, char *out)
{
    struct header header;
    struct hash32 hash;
    char name[SIM_LABEL_SIZE];
    if (header_decode(&header, field_bytes(&wire->header)) != ST_OK) {
        snprintf(out, SIM_LINE_SIZE, "CERTIFIED something that is no header");
        return;
    }
    header_hash(&hash, &header);
    chain_name(&cluster->chain, &hash, name);
    snprintf(out, SIM_LINE_SIZE, "CERTIFIED %s", name);
}

static void print_pre_prepare(struct cluster *cluster, const Xuelian__PrePrepare *wire, char *out)
{
    char name[SIM_LABEL_SIZE];
    uint8_t *proposal = sim_copy(field_bytes(&wire->proposal)); /* naming takes the scratch */
    unsigned long long view = wire->view, height = wire->height;
    chain_name_proposal(&cluster->chain, bytes_of(proposal, wire->proposal.len), name);
    free(proposal);
    snprintf(out, SIM_LINE_SIZE, "PRE-PREPARE view %llu height %llu %s", view, height, name);
}

static void print_vote(struct cluster *cluster, const Xuelian__Vote *wire, char *out)
{
    char name[SIM_LABEL_SIZE];
    struct hash32 hash = {{0}};
    (void)field_copy(&hash, 32, &wire->header_hash);
    chain_name(&cluster->chain, &hash, name);
    snprintf(out, SIM_LINE_SIZE, "%s view %llu height %llu %s",
             wire->phase == XUELIAN__PHASE__PHASE_COMMIT ? "COMMIT" : "PREPARE",
             (unsigned long long)wire->view, (unsigned long long)wire->height, name);
}

static const ProtobufCMessageDescriptor *schema_of(uint8_t type)
{
    switch (type) {
    case XUELIAN__PEER_TYPE__PEER_TYPE_PRE_PREPARE:
        return &xuelian__pre_prepare__descriptor;
    case XUELIAN__PEER_TYPE__PEER_TYPE_VOTE:
        return &xuelian__vote__descriptor;
    case XUELIAN__PEER_TYPE__PEER_TYPE_VIEW_CHANGE:
        return &xuelian__view_change__descriptor;
    case XUELIAN__PEER_TYPE__PEER_TYPE_NEW_VIEW:
        return &xuelian__new_view__descriptor;
    case XUELIAN__PEER_TYPE__PEER_TYPE_CERTIFIED:
        return &xuelian__certified__descriptor;
    default: /* a byte from the wire, not an enum */
        return NULL;
    }
}

const char *show_message(struct cluster *cluster, uint8_t type, struct bytes body,
                         char out[SIM_LINE_SIZE])
{
    const ProtobufCMessageDescriptor *schema = schema_of(type);
    struct arena arena = chain_scratch(&cluster->chain);
    ProtobufCMessage *message = NULL;
    if (schema == NULL) {
        snprintf(out, SIM_LINE_SIZE, "%s", show_peer_type(type));
        return out;
    }
    if (canonical_decode(&message, schema, body, &arena) != ST_OK) {
        snprintf(out, SIM_LINE_SIZE, "%s that cannot be read", show_peer_type(type));
        return out;
    }
    const void *wire = message;
    if (schema == &xuelian__pre_prepare__descriptor) {
        print_pre_prepare(cluster, wire, out);
    } else if (schema == &xuelian__vote__descriptor) {
        print_vote(cluster, wire, out);
    } else if (schema == &xuelian__view_change__descriptor) {
        print_view_change(cluster, wire, out);
    } else if (schema == &xuelian__new_view__descriptor) {
        print_new_view(cluster, wire, out);
    } else {
        print_certified(cluster, wire, out);
    }
    return out;
}

const char *show_evidence(enum pbft_evidence kind)
{
    switch (kind) {
    case PBFT_EVIDENCE_TWO_PROPOSALS:
        return "two proposals in one slot";
    case PBFT_EVIDENCE_TWO_VOTES:
        return "two votes in one slot";
    case PBFT_EVIDENCE_TWO_VIEW_CHANGES:
        return "two VIEW-CHANGEs to one view";
    case PBFT_EVIDENCE_COMMIT_FORGOTTEN:
        return "a VIEW-CHANGE that hides a COMMIT";
    case PBFT_EVIDENCE_BAD_NEW_VIEW:
        return "a NEW-VIEW with an invalid part";
    case PBFT_EVIDENCE_BAD_PROPOSAL:
        return "an invalid proposal";
    }
    return "?";
}

const char *show_alarm(enum pbft_alarm reason)
{
    switch (reason) {
    case PBFT_ALARM_DIVERGED:
        return "own execution differs from what is certified";
    case PBFT_ALARM_FORK:
        return "two certificates that cannot both be";
    case PBFT_ALARM_OWN_SIGNATURE:
        return "a signature of its own above its journal";
    case PBFT_ALARM_SET_TOO_LARGE:
        return "the validator set is too large";
    }
    return "?";
}

const char *show_state(struct cluster *cluster, uint32_t node, char out[SIM_LINE_SIZE])
{
    const struct replica *replica = &cluster->replicas[node];
    struct pbft_summary summary;
    char name[SIM_LABEL_SIZE];
    if (!replica_live(replica)) {
        snprintf(out, SIM_LINE_SIZE, "%s", replica->puppet ? "a puppet" : "down");
        return out;
    }
    pbft_summary(replica->core, &summary);
    chain_name(&cluster->chain, &summary.header_hash, name);
    const char *role = summary.stopped    ? "stopped by an alarm"
                       : summary.self < 0 ? "following, not a member"
                       : summary.voting   ? "voting"
                                          : "following";
    int used = snprintf(out, SIM_LINE_SIZE, "at %s, era %llu view %llu", name,
                        (unsigned long long)summary.era, (unsigned long long)summary.view);
    if (summary.target > summary.view) {
        used += snprintf(out + used, SIM_LINE_SIZE - (size_t)used, " leaving for view %llu",
                         (unsigned long long)summary.target);
    }
    snprintf(out + used, SIM_LINE_SIZE - (size_t)used, ", %s%s%s", role,
             summary.catching_up ? ", catching up" : "", summary.forced ? ", header forced" : "");
    return out;
}
