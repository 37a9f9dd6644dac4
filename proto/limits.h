/* Every fixed limit, with what happens at it. Chain parameters (Params) are in genesis instead. */
#ifndef XUELIAN_PROTO_LIMITS_H
#define XUELIAN_PROTO_LIMITS_H

/* X(NAME, value, unit, what happens past it) */
#define LIMITS_TABLE(X)                                                                        \
    X(VALIDATORS_MAX, 64, "validators in a set", "genesis or governance refuses the set")      \
    X(SIGNERS_MAX, 8, "signers of a transaction", "BAD_SIGNERS")                               \
    X(BULK_ITEMS_MAX, 1000, "items of a bulk payload", "BAD_SIZE")                             \
    X(PAYLOAD_FIELDS_MAX, 8192, "fields and elements of a payload", "TOO_DEEP")                \
    X(TX_SIZE_MAX, 524288, "bytes of a transaction", "BAD_SIZE")                               \
    X(PROPOSAL_ENTRIES_MAX, 4000, "transactions of a block", "the proposal is invalid")        \
    X(BLOCK_SIZE_MAX, 8388608, "bytes of a block", "the block is refused")                     \
    X(HEADER_SIZE_MAX, 512, "bytes of a header", "BAD_ENCODING")                               \
    X(NAME_SIZE_MAX, 256, "bytes of a name", "BAD_SIZE")                                       \
    X(ADDRESSES_MAX, 4, "addresses of a node", "BAD_SIZE")                                     \
    X(MEMBER_KEYS_MAX, 32, "keys in a member's record", "BAD_SIZE")                            \
    X(MEMBER_NODES_MAX, 32, "nodes in a member's record", "BAD_SIZE")                          \
    X(MEMBER_PAGE, 8, "keys, and nodes, of a page of those that ended", "the next page")       \
    X(MEMBER_PAST_MAX, 4096, "keys, or nodes, of a member that ended", "they stay, LIST_FULL") \
    X(MEMBERS_GENESIS_MAX, 10000, "members in genesis", "genesis is refused")                  \
    X(REGIONS_MAX, 100000, "regions in genesis", "genesis is refused")                         \
    X(COURSES_GENESIS_MAX, 100000, "courses in genesis", "genesis is refused")                 \
    X(RULES_GENESIS_MAX, 10000, "rules in genesis", "genesis is refused")                      \
    X(CATALOGUE_GENESIS_MAX, 10000, "catalogue entries in genesis", "genesis is refused")      \
    X(GENESIS_SIZE_MAX, 16777216, "bytes of a genesis file", "genesis is refused")             \
    X(ACCOUNT_ITEMS_MAX, 100000, "items of an account", "ACCOUNT_FULL")                        \
    X(ACCOUNT_RESERVE, 1000, "of these, for keys, consents, disputes, links", "")              \
    X(ACCOUNT_CELLS_MAX, 64, "cells of an account in a year", "STATISTICS_FULL")               \
    X(ITEM_VERSIONS_MAX, 10000, "versions of an item", "VERSIONS_FULL")                        \
    X(DISPUTED_VERSIONS_MAX, 1000, "versions of an item that is disputed", "VERSIONS_FULL")    \
    X(DEPENDENTS_MAX, 32, "items that rest on one item", "DEPENDENTS_FULL")                    \
    X(APPLICATIONS_MAX, 16, "open applications of an account", "APPLICATIONS_FULL")            \
    X(CONSENT_ITEMS_MAX, 64, "items named by a consent", "BAD_FIELD")                          \
    X(CONSENTS_MAX, 32, "consents of an account to one grantee", "CONSENTS_FULL")              \
    X(DISPUTES_MAX, 16, "open disputes of an account", "DISPUTES_FULL")                        \
    X(LINKS_MAX, 16, "accounts merged into one, theirs included", "LINKS_FULL")                \
    X(SUCCESSORS_MAX, 8, "successors followed", "the rest does not count")                     \
    X(CONVERSION_SOURCES_MAX, 8, "sources of a conversion", "BAD_FIELD")                       \
    X(CONVERSION_APPEALS_MAX, 2, "appeals of a conversion", "APPEALS_SPENT")                   \
    X(POINTS_LOTS_MAX, 256, "lots that can be spent, of an account", "LOTS_FULL")              \
    X(POINTS_LOTS_HELD_MAX, 1024, "the same, with what cancelled redemptions gave back",       \
      "LOTS_FULL")                                                                             \
    X(POINTS_PARTS_MAX, 32, "lots that a redemption takes from", "LOTS_FULL")                  \
    X(REDEMPTION_UNITS_MAX, 100, "units of a redemption", "BAD_FIELD")                         \
    X(DETAILS_MAX, 16, "details of an outcome", "DETAILS_FORM")                                \
    X(DETAIL_NUMBER_MAX, 999, "highest number of a detail", "DETAILS_FORM")                    \
    X(DETAIL_SIZE_MAX, 1024, "bytes of a detail", "DETAILS_FORM")                              \
    X(DETAILS_SIZE_MAX, 4096, "bytes of details, together", "DETAILS_FORM")                    \
    X(SUBMISSION_SIZE_MAX, 1015808, "bytes, details and all", "BAD_SIZE")                      \
    X(FRAME_SIZE_MAX, 8454144, "bytes of a peer frame", "the peer is disconnected")            \
    X(PROOF_SIZE_MAX, 16777216, "bytes of a proof", "BAD_SIZE")                                \
    X(FRAMEWORKS_GENESIS_MAX, 1000, "frameworks in genesis", "genesis is refused")             \
    X(APPROVALS_MAX, 256, "approvals a proposal may need", "BAD_PARAMETER")                    \
    X(CHANGES_MAX, 100, "changes of a proposal", "BAD_FIELD")                                  \
    X(CHANGES_SIZE_MAX, 32768, "bytes of a governance payload", "BAD_FIELD")                   \
    X(GOVERNORS_MAX, 256, "active members of a role that approves", "LIST_FULL")               \
    X(PROPOSALS_OPEN_MAX, 32, "open proposals of a member", "PROPOSALS_FULL")                  \
    X(VOTES_MAX, 256, "votes on a proposal", "LIST_FULL")                                      \
    X(OPEN_HEIGHTS_MAX, 10000000, "heights a proposal is open", "BAD_FIELD")                   \
    X(RECOVERY_KEYS_MAX, 32, "recovery keys in genesis", "genesis is refused")                 \
    X(RECOVERY_SIZE_MAX, 49152, "bytes of a signed recovery", "BAD_SIZE")                      \
    X(RECOVERY_REASON_MAX, 1024, "bytes of a recovery's reason", "BAD_ENCODING")               \
    X(HEADER_RING, 100000, "recent header hashes kept", "BAD_PARAMETER")                       \
    X(MERKLE_DEPTH_MAX, 64, "nodes of a path", "TOO_DEEP")                                     \
    X(SET_CHANGES_MAX, 10000, "set changes in a proof", "TOO_DEEP")                            \
    X(DECODE_DEPTH_MAX, 16, "nested messages", "TOO_DEEP")

enum limits {
#define X(name, value, unit, past) LIMIT_##name = (value),
    LIMITS_TABLE(X)
#undef X
};

#endif
