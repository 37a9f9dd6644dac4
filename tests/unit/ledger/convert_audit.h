/* What must hold of conversions and points after any sequence of transactions, worked out again from the items, the rules
 * and the catalogue alone (docs/protocol.md sections 15, 16 and 20), and not from what the ledger counts beside them. */
#ifndef XUELIAN_TESTS_LEDGER_CONVERT_AUDIT_H
#define XUELIAN_TESTS_LEDGER_CONVERT_AUDIT_H

#include "tests/unit/ledger/net.h"

struct audit_case {
    const Xuelian__Rule *rules;
    uint32_t rule_count;
    const Xuelian__CatalogueEntry *entries;
    uint32_t entry_count;
    uint32_t learners; /* 1 to learners */
};

struct audit_counts {
    uint32_t granted;   /* conversions recomputed */
    uint32_t lots;      /* lots checked */
    uint32_t redeemed;  /* units that stand */
    uint64_t remaining; /* points */
};

/* Fails the test when something does not hold on the date. */
struct audit_counts convert_audit(struct net *net, const struct audit_case *of, uint32_t date);

#endif
